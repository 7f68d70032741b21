// SPDX-License-Identifier: GPL-2.0
/*
 * States that the ioctls take and a CPU refuses to enter: the hardware says
 * so, and Lodge names the rule of the vendor's manual that is broken, in the
 * reason of LODGE_EXPLAIN. The checkers' other rules: tests/unit/vmx and svm.
 */
#include <lodge.h>

#include "test.h"

GUEST16(halt, "hlt\n" G_DONE);

#define NOT_CANONICAL	0x8000000000000ull

/*
 * A change of a valid state, and the rule it breaks on each vendor; NULL: this
 * vendor has no such rule, and enters the guest.
 */
FIXTURE(refused) {
	struct abi_vcpu *vcpu;
	struct kvm_sregs sregs;		/* valid ones */
	struct kvm_regs regs;
};
FIXTURE_VARIANT(refused) {
	unsigned int mode;
	void (*change)(struct abi_vcpu *vcpu, struct kvm_sregs *s,
		       struct kvm_regs *r);
	const char *intel, *amd;
};

#define CHANGE(name, mode, intel, amd, ...)				\
	static void change_##name(struct abi_vcpu *vcpu,		\
				  struct kvm_sregs *s, struct kvm_regs *r) \
	{ __VA_ARGS__; }						\
	FIXTURE_VARIANT_ADD(refused, name) {				\
		mode, change_##name, intel, amd }

CHANGE(cs_long_and_32, ABI_LONG, "cs-db", "long-cs", s->cs.db = 1);
CHANGE(rflags_reserved, ABI_LONG, "rflags-reserved", NULL,
	r->rflags |= 1 << 15);
CHANGE(ss_read_only, ABI_LONG, "ss-type", NULL, s->ss.type = 1);
CHANGE(ds_execute_only, ABI_LONG, "data-type", NULL, s->ds.type = 9);
CHANGE(ds_system, ABI_LONG, "seg-s", NULL, s->ds.s = 0);
CHANGE(cs_read_only, ABI_LONG, "cs-type", NULL, s->cs.type = 1);
CHANGE(cs_dpl, ABI_LONG, "cs-dpl", NULL, s->cs.dpl = 3);
CHANGE(cs_base_high, ABI_LONG, "seg-base-high", NULL, s->cs.base = 1ull << 32);
CHANGE(limit_without_g, ABI_LONG, "seg-g", NULL,
	s->es.limit = 0x12345fff; s->es.g = 0);
CHANGE(limit_with_g, ABI_PROT, "seg-g", NULL,
	s->es.limit = 0x12345ffe; s->es.g = 1);
CHANGE(fs_not_canonical, ABI_LONG, "seg-canonical", NULL,
	s->fs.base = NOT_CANONICAL);
CHANGE(gdt_not_canonical, ABI_LONG, "gdtr-base", NULL,
	s->gdt.base = NOT_CANONICAL);
CHANGE(idt_not_canonical, ABI_LONG, "idtr-base", NULL,
	s->idt.base = NOT_CANONICAL);
CHANGE(tr_in_ldt, ABI_LONG, "tr-ti", NULL, s->tr.selector |= 4);
CHANGE(tr_of_16_bits, ABI_LONG, "system-type", NULL, s->tr.type = 3);
CHANGE(tr_not_present, ABI_LONG, "system-p", NULL, s->tr.present = 0);
CHANGE(ldt_is_tss, ABI_LONG, "system-type", NULL,
	s->ldt.present = 1; s->ldt.unusable = 0; s->ldt.s = 0;
	s->ldt.type = 11);
CHANGE(rip_high, ABI_PROT, "rip-32", NULL, r->rip |= 1ull << 32);

CHANGE(ss_dpl_in_real_mode, ABI_REAL, "ss-dpl-0", NULL,
	s->ss.dpl = 3; s->cs.type = 15);

/*
 * A guest in virtual-8086 mode, whose segments have but one form. It writes
 * where no memory is: QEMU 7.2 does not survive a fault in that mode.
 */
GUEST16(store, "mov $0xd000, %ax; mov %ax, %ds; mov %al, 0");

static void v86(struct abi_vcpu *vcpu, struct kvm_sregs *s, struct kvm_regs *r)
{
	struct kvm_segment *seg = &s->cs;

	abi_load(vcpu->vm, ABI_CODE, &store);
	for (int i = 0; i < 6; i++) {
		seg[i] = (struct kvm_segment){ .limit = 0xffff, .type = 3,
			.present = 1, .dpl = 3, .s = 1, .selector = 0x10,
			.base = 0x100 };
	}
	r->rip = ABI_CODE - 0x100;
	r->rflags |= 1 << 17;
}

CHANGE(v86_base, ABI_PROT, "v86-base", NULL,
	v86(vcpu, s, r); s->fs.base = 0);
CHANGE(v86_limit, ABI_PROT, "v86-limit", NULL,
	v86(vcpu, s, r); s->gs.limit = 0xfff);
CHANGE(v86_access, ABI_PROT, "v86-access", NULL,
	v86(vcpu, s, r); s->ds.dpl = 0);

/* An exception that has no error code, with one. */
static void undefined_with_error(struct abi_vcpu *vcpu)
{
	struct kvm_vcpu_events e;

	e = abi_events(vcpu);
	e.exception.injected = 1;
	e.exception.nr = 6;
	e.exception.has_error_code = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
}

CHANGE(event_with_error, ABI_LONG, "inject-error", NULL,
	undefined_with_error(vcpu));

/* An address width that the guest has and the host has not. */
static void wide_address(struct abi_vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 0x80000008)
			e->eax = (e->eax & ~0xffu) | 52;
	}
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
}

CHANGE(cr3_too_wide, ABI_LONG, "cr3-width", "cr3-reserved",
	wide_address(vcpu); s->cr3 |= 1ull << 51);

FIXTURE_SETUP(refused)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	self->vcpu = abi_boot(variant->mode, &halt);
	self->sregs = sregs = abi_sregs(self->vcpu);
	self->regs = regs = abi_regs(self->vcpu);
	variant->change(self->vcpu, &sregs, &regs);
	abi_set_sregs(self->vcpu, &sregs);
	abi_set_regs(self->vcpu, &regs);
}

FIXTURE_TEARDOWN(refused) { }

TEST_F(refused, named)
{
	const char *rule = abi_intel() ? variant->intel : variant->amd;
	struct abi_vcpu *vcpu = self->vcpu;
	struct kvm_regs before = abi_regs(vcpu), after;
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_vcpu_events events;
	struct lodge_explain e = {};
	char id[40];

	if (!rule) {
		EXPECT_NE(KVM_EXIT_FAIL_ENTRY, abi_exit(vcpu));
		return;
	}
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, abi_exit(vcpu));
	if (abi_cap(vcpu->vm->dev, LODGE_CAP_EXPLAIN)) {
		EXPECT_IOCTL(0, vcpu->fd, LODGE_EXPLAIN, &e);
		EXPECT_EQ(vcpu->run->fail_entry.hardware_entry_failure_reason,
			  e.reason);
		snprintf(id, sizeof(id), "(%s; \"", rule);
		EXPECT_NE(NULL, strstr(e.text, id))
			TH_LOG("%s: %s", id, e.text);
		/* Nothing has run: what was set is there. */
		after = abi_regs(vcpu);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(after)));
		EXPECT_EQ(sregs.cr3, abi_sregs(vcpu).cr3);
		EXPECT_EQ(sregs.cs.base, abi_sregs(vcpu).cs.base);
	} else {
		return;		/* KVM keeps the event in its VMCS */
	}
	/* With the state put right it runs. */
	abi_load(vcpu->vm, ABI_CODE, &halt);
	events = abi_events(vcpu);
	events.exception.injected = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_set_sregs(vcpu, &self->sregs);
	abi_set_regs(vcpu, &self->regs);
	EXPECT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
}

/* An event that was to be delivered is not lost with the entry. */
TEST(event_waits)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &halt);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_vcpu_events e;

	e = abi_events(vcpu);
	e.exception.injected = 1;
	e.exception.nr = 13;
	e.exception.has_error_code = 1;
	e.exception.error_code = 0x1234;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	sregs.cs.db = 1;
	abi_set_sregs(vcpu, &sregs);
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, abi_exit(vcpu));
	e = abi_events(vcpu);
	EXPECT_EQ(1, e.exception.injected);
	EXPECT_EQ(13, e.exception.nr);
	EXPECT_EQ(1, e.exception.has_error_code);
	EXPECT_EQ(0x1234, e.exception.error_code);
}

/* The guest's CR8 is its own again behind an entry that was refused early. */
GUEST64(read_cr8, "mov %cr8, %rax\n" G_REPORT);

TEST(cr8_stays)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_cr8);
	struct kvm_sregs sregs = abi_sregs(vcpu), wide;

	if (!abi_cap(vcpu->vm->dev, LODGE_CAP_EXPLAIN))
		SKIP(return, "KVM loses it on QEMU's emulated AMD-V");
	wide_address(vcpu);
	sregs.cr8 = 5;
	wide = sregs;
	wide.cr3 |= 1ull << 51;
	abi_set_sregs(vcpu, &wide);
	vcpu->run->cr8 = 5;
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, abi_exit(vcpu));
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(5, abi_report(vcpu));
}

/* Nothing to tell; and what there is stays until the next one. */
TEST(explain)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &halt);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct lodge_explain first, e;

	if (!abi_cap(vcpu->vm->dev, LODGE_CAP_EXPLAIN)) {
		/* As any number that the device does not know. */
		EXPECT_IOCTL(-EINVAL, vcpu->fd, LODGE_EXPLAIN, &e);
		return;
	}
	EXPECT_EQ(1, abi_cap(vcpu->vm->fd, LODGE_CAP_EXPLAIN));
	EXPECT_IOCTL(-ENOENT, vcpu->fd, LODGE_EXPLAIN, &e);
	EXPECT_IOCTL(-ENOTTY, vcpu->vm->fd, LODGE_EXPLAIN, &e);
	sregs.cs.db = 1;
	abi_set_sregs(vcpu, &sregs);
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, abi_exit(vcpu));
	EXPECT_IOCTL(-EFAULT, vcpu->fd, LODGE_EXPLAIN, 8);
	EXPECT_IOCTL(0, vcpu->fd, LODGE_EXPLAIN, &first);
	EXPECT_LT(strnlen(first.text, sizeof(first.text)), sizeof(first.text));
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
	memset(&e, 0x55, sizeof(e));
	EXPECT_IOCTL(0, vcpu->fd, LODGE_EXPLAIN, &e);
	EXPECT_EQ(0, memcmp(&first, &e, sizeof(e)));
}

TEST_HARNESS_MAIN
