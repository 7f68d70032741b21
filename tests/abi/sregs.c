// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_SREGS and KVM_SET_SREGS: reset values, round trips, and the states
 * that are refused.
 */
#include "test.h"

GUEST16(done, G_DONE);

static void expect_segment(struct __test_metadata *_metadata,
			   struct kvm_segment *seg, uint16_t selector,
			   uint64_t base, uint8_t type)
{
	EXPECT_EQ(selector, seg->selector);
	EXPECT_EQ(base, seg->base);
	EXPECT_EQ(0xffff, seg->limit);
	/* The accessed bit is 0 or 1: AMD-V keeps it where VT-x wants it. */
	EXPECT_EQ(type | 1, seg->type | 1);
	EXPECT_EQ(1, seg->present);
	EXPECT_EQ(0, seg->dpl);
	EXPECT_EQ(0, seg->db);
	EXPECT_EQ(0, seg->l);
	EXPECT_EQ(0, seg->g);
}

TEST(reset_values)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_segment *data[] = { &sregs.ds, &sregs.es, &sregs.fs,
				       &sregs.gs, &sregs.ss };

	expect_segment(_metadata, &sregs.cs, 0xf000, 0xffff0000, 11);
	EXPECT_EQ(1, sregs.cs.s);
	for (int i = 0; i < 5; i++) {
		expect_segment(_metadata, data[i], 0, 0, 3);
		EXPECT_EQ(1, data[i]->s);
	}
	EXPECT_EQ(2, sregs.ldt.type);
	EXPECT_EQ(0xffff, sregs.ldt.limit);
	EXPECT_EQ(0, sregs.ldt.s);
	VALUE("reset.tr.type", "%d", sregs.tr.type);
	EXPECT_EQ(0, sregs.tr.s);
	EXPECT_EQ(0, sregs.gdt.base);
	EXPECT_EQ(0xffff, sregs.gdt.limit);
	EXPECT_EQ(0, sregs.idt.base);
	EXPECT_EQ(0xffff, sregs.idt.limit);
	EXPECT_EQ(0x60000010, sregs.cr0);
	EXPECT_EQ(0, sregs.cr2);
	EXPECT_EQ(0, sregs.cr3);
	EXPECT_EQ(0, sregs.cr4);
	EXPECT_EQ(0, sregs.cr8);
	EXPECT_EQ(0, sregs.efer);
	EXPECT_EQ(0xfee00900, sregs.apic_base);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, sregs.interrupt_bitmap[i]);
}

static void expect_same(struct __test_metadata *_metadata,
			struct abi_vcpu *vcpu, struct kvm_sregs *want)
{
	struct kvm_sregs got = abi_sregs(vcpu);

	EXPECT_EQ(0, memcmp(want, &got, offsetof(struct kvm_sregs, gdt)));
	EXPECT_EQ(want->gdt.base, got.gdt.base);
	EXPECT_EQ(want->gdt.limit, got.gdt.limit);
	EXPECT_EQ(want->idt.base, got.idt.base);
	EXPECT_EQ(want->idt.limit, got.idt.limit);
	EXPECT_EQ(want->cr0, got.cr0);
	EXPECT_EQ(want->cr2, got.cr2);
	EXPECT_EQ(want->cr3, got.cr3);
	EXPECT_EQ(want->cr4, got.cr4);
	EXPECT_EQ(want->cr8, got.cr8);
	EXPECT_EQ(want->efer, got.efer);
	EXPECT_EQ(want->apic_base, got.apic_base);
}

TEST(reset_state_round_trip)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	abi_set_sregs(vcpu, &sregs);
	expect_same(_metadata, vcpu, &sregs);
}

FIXTURE(mode) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(mode) { unsigned int flags; };
FIXTURE_VARIANT_ADD(mode, real) { ABI_REAL };
FIXTURE_VARIANT_ADD(mode, protected) { ABI_PROT };
FIXTURE_VARIANT_ADD(mode, long) { ABI_LONG };
FIXTURE_SETUP(mode) { self->vcpu = abi_boot(variant->flags, &done); }
FIXTURE_TEARDOWN(mode) { }

TEST_F(mode, round_trip)
{
	struct kvm_sregs sregs = abi_sregs(self->vcpu);

	sregs.cr2 = 0x12345678;
	sregs.gdt.base = 0x12340;
	sregs.idt.base = 0x56780;
	sregs.ldt = (struct kvm_segment) {
		.base = 0x7000, .limit = 0xff, .selector = 0x30, .type = 2,
		.present = 1,
	};
	abi_set_sregs(self->vcpu, &sregs);
	expect_same(_metadata, self->vcpu, &sregs);
	abi_done(self->vcpu);
}

/* A real-mode segment's base need not be sixteen times its selector. */
TEST_F(mode, base_and_selector_disagree)
{
	struct kvm_sregs sregs = abi_sregs(self->vcpu);

	sregs.ds.base = 0x54320;
	sregs.ds.selector = ABI_DS;
	abi_set_sregs(self->vcpu, &sregs);
	expect_same(_metadata, self->vcpu, &sregs);
}

/* Of what should be a bit only the lowest one counts. */
TEST_F(mode, more_than_a_bit)
{
	struct kvm_sregs sregs = abi_sregs(self->vcpu), back;
	int db = sregs.ds.db, s = sregs.cs.s;

	sregs.ds.db |= 0x40;
	sregs.ds.g |= 0x40;
	sregs.cs.s |= 0x10;
	abi_set_sregs(self->vcpu, &sregs);
	back = abi_sregs(self->vcpu);
	EXPECT_EQ(db, back.ds.db);
	EXPECT_EQ(s, back.cs.s);
	abi_done(self->vcpu);
}

TEST_F(mode, unusable_segment)
{
	struct kvm_sregs sregs = abi_sregs(self->vcpu), back;

	memset(&sregs.ldt, 0, sizeof(sregs.ldt));
	memset(&sregs.gs, 0, sizeof(sregs.gs));
	sregs.ldt.unusable = sregs.gs.unusable = 1;
	abi_set_sregs(self->vcpu, &sregs);
	back = abi_sregs(self->vcpu);
	EXPECT_EQ(1, back.ldt.unusable);
	EXPECT_EQ(1, back.gs.unusable);
	EXPECT_EQ(0, back.gs.present);
	abi_done(self->vcpu);
}

/* States that no processor can be in, or that a reserved bit spoils. */
FIXTURE(refused) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(refused) {
	unsigned int flags;
	uint64_t cr0_clear, cr0_set, cr4_clear, cr4_set, efer_clear, efer_set;
};

#define REFUSED(name, mode, ...) \
	FIXTURE_VARIANT_ADD(refused, name) { mode, __VA_ARGS__ }

REFUSED(pg_lme_without_pae, ABI_LONG, .cr4_clear = 1 << 5);
REFUSED(pg_lme_without_lma, ABI_LONG, .efer_clear = 1 << 10);
REFUSED(lma_without_lme, ABI_LONG, .efer_clear = 1 << 8);
REFUSED(lma_without_paging, ABI_LONG, .cr0_clear = 1u << 31);
REFUSED(lma_in_real_mode, ABI_REAL, .efer_set = 1 << 10);
REFUSED(cr4_reserved_bit, ABI_LONG, .cr4_set = 1 << 15);
REFUSED(cr4_high_bit, ABI_LONG, .cr4_set = 1ull << 40);
REFUSED(efer_reserved_bit, ABI_LONG, .efer_set = 1 << 1);
REFUSED(efer_high_bit, ABI_LONG, .efer_set = 1ull << 40);

FIXTURE_SETUP(refused) { self->vcpu = abi_boot(variant->flags, &done); }
FIXTURE_TEARDOWN(refused) { }

TEST_F(refused, einval_and_state_kept)
{
	struct kvm_sregs good = abi_sregs(self->vcpu), bad = good;

	bad.cr0 = (bad.cr0 & ~variant->cr0_clear) | variant->cr0_set;
	bad.cr4 = (bad.cr4 & ~variant->cr4_clear) | variant->cr4_set;
	bad.efer = (bad.efer & ~variant->efer_clear) | variant->efer_set;
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_SREGS, &bad);
	expect_same(_metadata, self->vcpu, &good);
}

/* L with paging off, and CR3 wider than the processor's addresses. */
TEST(refused_others)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &done);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.cs.l = 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
	vcpu = abi_boot(ABI_LONG, &done);
	sregs = abi_sregs(vcpu);
	sregs.cr3 |= 1ull << 60;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_SREGS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_SREGS, 8);
}

/* The APIC base through here obeys the rules of its MSR. */
TEST(apic_base)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &done);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	uint64_t value;

	sregs.apic_base = 0xfee00d00;			/* x2APIC */
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_SREGS, &sregs);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x1b, &value));
	EXPECT_EQ(0xfee00d00, value);
	sregs.apic_base = 0xfee00501;			/* reserved bit */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
	sregs.apic_base = 0xfee00500;			/* EXTD without EN */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
}

/* Without an in-kernel APIC it is the VMM's, but not any value. */
TEST(apic_base_without_irqchip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.apic_base = 0xfee00800;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_SREGS, &sregs);
	EXPECT_EQ(0xfee00800, abi_sregs(vcpu).apic_base);
	sregs.apic_base = 0xfee00804;			/* reserved bit */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
	sregs.apic_base = 0xfee00900 | 1ull << 60;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, 0x1b, 0xfee00904));
	abi_done(vcpu);
}

/* At most one bit: the external interrupt that is on its way. */
GUEST16(sti_done, "sti; nop; nop\n" G_DONE);

TEST(interrupt_bitmap)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_done);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.interrupt_bitmap[0x65 / 64] = 1ull << (0x65 % 64);
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(sregs.interrupt_bitmap[1],
		  abi_sregs(vcpu).interrupt_bitmap[1]);
	EXPECT_EQ(0x65, abi_trapped(vcpu).vector);
}

TEST(cr8)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &done);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_lapic_state lapic;

	sregs.cr8 = 9;
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(9, abi_sregs(vcpu).cr8);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(0x90, *(uint32_t *)(lapic.regs + 0x80));
}

TEST_HARNESS_MAIN
