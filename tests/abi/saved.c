// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that is saved and loaded into a new VM: what can be asked of the one
 * is the same of the other, time goes on from where it was, and the guest finds
 * what it has left.
 */
#include "test.h"

#define MSRS		256
#define APIC_LEFT	0x390
#define MSR_TSC		0x10
#define PIT_VECTOR	0x20

/* Sets what it can; then what it finds of it, once it goes on. */
GUEST64(busy, "mov $0xfee00000, %r8d; mov $0xfec00000, %r9d\n"
	"movl $0x1ff, 0xf0(%r8); movl $0x50, 0x80(%r8)\n"
	"movl $0x01000000, 0xd0(%r8); movl $0xfe, 0x370(%r8)\n"
	"movl $0xa, 0x3e0(%r8); movl $0x20044, 0x320(%r8)\n"
	"movl $0x40000000, 0x380(%r8)\n"
	"movl $0x25, (%r9); movl $0x0f000000, 0x10(%r9)\n"
	"movl $0x24, (%r9); movl $0x1a166, 0x10(%r9)\n"
	"mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21\n"
	"mov $4, %al; out %al, $0x21; mov $3, %al; out %al, $0x21\n"
	"mov $0xfa, %al; out %al, $0x21\n"
	"mov $0x34, %al; out %al, $0x43; mov $0x12, %al; out %al, $0x40\n"
	"out %al, $0x40; mov $0xb6, %al; out %al, $0x43; out %al, $0x42\n"
	"mov $0xc0000082, %ecx; mov $0x1234, %eax; xor %edx, %edx; wrmsr\n"
	"mov $0xc0000102, %ecx; mov $0x5678, %eax; wrmsr\n"
	"mov $0x277, %ecx; mov $0x00070106, %eax; mov $0x00070406, %edx; wrmsr\n"
	"mov $0x4000, %eax; mov %rax, %dr0; mov $0x5000, %eax; mov %rax, %dr3\n"
	"mov $0x600d, %eax; mov %rax, %cr2\n"
	"fninit; fldpi; fld1; movl $0x1fa0, 0x80000; ldmxcsr 0x80000\n"
	"mov $0x5a5a, %eax; movd %eax, %xmm15; std\n"
	G_SYNC
	"cld; mov 0x390(%r8), %eax\n" G_REPORT
	"stmxcsr 0x80004; mov 0x80004, %eax\n" G_REPORT
	"fstpl 0x80008; fstpl 0x80010; mov 0x80014, %eax\n" G_REPORT
	"movd %xmm15, %eax\n" G_REPORT
	"mov $0xc0000102, %ecx; rdmsr\n" G_REPORT
	"mov %dr3, %rax\n" G_REPORT
	"mov %cr2, %rax\n" G_REPORT
	"movl $0x24, (%r9); mov 0x10(%r9), %eax\n" G_REPORT
	"in $0x21, %al; movzx %al, %eax\n" G_REPORT
	"movl $0, 0x80(%r8); sti; 1: hlt; jmp 1b");

struct saved {
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp;
	struct kvm_vcpu_events events;
	struct kvm_irqchip chip[3];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
	uint32_t nr_msrs, index[MSRS];
	uint64_t msr[MSRS], tsc;
	uint32_t left;
};

static void save(struct abi_vcpu *vcpu, struct saved *s)
{
	struct { struct kvm_msr_list head; uint32_t index[MSRS]; } list = {
		.head.nmsrs = MSRS };
	int vm = vcpu->vm->fd;

	memset(s, 0, sizeof(*s));
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &s->mp);
	abi_ok(vcpu->fd, KVM_GET_REGS, &s->regs);
	abi_ok(vcpu->fd, KVM_GET_SREGS2, &s->sregs);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, &s->xsave);
	abi_ok(vcpu->fd, KVM_GET_XCRS, &s->xcrs);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &s->debugregs);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &s->lapic);
	memcpy(&s->left, s->lapic.regs + APIC_LEFT, sizeof(s->left));
	abi_ok(vcpu->fd, KVM_GET_VCPU_EVENTS, &s->events);
	abi_ok(vcpu->vm->dev, KVM_GET_MSR_INDEX_LIST, &list);
	s->nr_msrs = list.head.nmsrs;
	for (uint32_t i = 0; i < s->nr_msrs; i++) {
		s->index[i] = list.index[i];
		abi_msr_get(vcpu->fd, s->index[i], &s->msr[i]);
		if (s->index[i] == MSR_TSC)
			s->tsc = s->msr[i];
	}
	for (int i = 0; i < 3; i++) {
		s->chip[i].chip_id = i;
		abi_ok(vm, KVM_GET_IRQCHIP, &s->chip[i]);
	}
	abi_ok(vm, KVM_GET_PIT2, &s->pit);
	abi_ok(vm, KVM_GET_CLOCK, &s->clock);
}

static void load(struct abi_vcpu *vcpu, struct saved *s)
{
	struct kvm_clock_data clock = { .clock = s->clock.clock };
	int vm = vcpu->vm->fd;

	abi_ok(vm, KVM_SET_CLOCK, &clock);
	for (int i = 0; i < 3; i++)
		abi_ok(vm, KVM_SET_IRQCHIP, &s->chip[i]);
	abi_ok(vm, KVM_SET_PIT2, &s->pit);
	abi_ok(vcpu->fd, KVM_SET_SREGS2, &s->sregs);
	for (uint32_t i = 0; i < s->nr_msrs; i++)
		abi_msr_set(vcpu->fd, s->index[i], s->msr[i]);
	abi_ok(vcpu->fd, KVM_SET_REGS, &s->regs);
	abi_ok(vcpu->fd, KVM_SET_XCRS, &s->xcrs);
	abi_ok(vcpu->fd, KVM_SET_XSAVE, &s->xsave);
	abi_ok(vcpu->fd, KVM_SET_DEBUGREGS, &s->debugregs);
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &s->lapic);
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &s->events);
	abi_ok(vcpu->fd, KVM_SET_MP_STATE, &s->mp);
}

/* Time is compared by the tests; Hyper-V's counters are KVM's alone. */
static void without_time(struct saved *s)
{
	memset(s->lapic.regs + APIC_LEFT, 0, sizeof(s->left));
	memset(&s->clock, 0, sizeof(s->clock));
	for (uint32_t i = 0; i < s->nr_msrs; i++)
		if (s->index[i] == MSR_TSC || s->index[i] >> 12 == 0x40000)
			s->msr[i] = 0;
	for (int i = 0; i < 3; i++)
		s->pit.channels[i].count_load_time = 0;
	/* The PIT may have ticked. */
	s->chip[0].chip.pic.irr &= ~1;
	s->chip[0].chip.pic.last_irr &= ~1;
	s->chip[2].chip.ioapic.irr &= ~4;
}

FIXTURE(saved) {
	struct abi_vcpu *old, *new;
	struct saved then, now;
};

FIXTURE_SETUP(saved)
{
	struct abi_vm *vm;

	self->old = abi_boot(ABI_LONG | ABI_IRQCHIP | ABI_PIT, &busy);
	abi_sync(self->old);
	abi_pending(self->old);
	abi_ok(self->old->fd, KVM_NMI, 0);
	save(self->old, &self->then);
	vm = abi_vm_create(ABI_IRQCHIP | ABI_PIT);
	memcpy(vm->mem, self->old->vm->mem, ABI_MEM_SIZE);
	self->new = abi_vcpu_create(vm, 0);
	vm->flags = self->old->vm->flags;
	abi_ok(self->new->fd, KVM_SET_CPUID2, abi_cpuid(vm->dev));
	load(self->new, &self->then);
	save(self->new, &self->now);
}

FIXTURE_TEARDOWN(saved) { }

#define SAME(what) EXPECT_EQ(0, memcmp(&a->what, &b->what, sizeof(a->what)))

TEST_F(saved, is_the_same)
{
	struct saved *a = &self->then, *b = &self->now;

	without_time(a);
	without_time(b);
	SAME(regs);
	SAME(sregs);
	SAME(xsave);
	SAME(xcrs);
	SAME(debugregs);
	SAME(lapic);
	SAME(mp);
	SAME(events);
	SAME(chip[0]);
	SAME(chip[1]);
	SAME(chip[2]);
	SAME(pit);
	ASSERT_EQ(a->nr_msrs, b->nr_msrs);
	for (uint32_t i = 0; i < a->nr_msrs; i++) {
		EXPECT_EQ(a->msr[i], b->msr[i])
			TH_LOG("MSR %#x", a->index[i]);
	}
	/* And the guest has set something. */
	EXPECT_EQ(1, a->events.nmi.pending);
	EXPECT_EQ(0xfa, a->chip[0].chip.pic.imr);
	EXPECT_EQ(0x1212, a->pit.channels[0].count);
	EXPECT_EQ(0x5000, a->debugregs.db[3]);
	EXPECT_EQ(0x600d, a->sregs.cr2);
}

TEST_F(saved, time_goes_on)
{
	uint64_t khz = abi_ok(self->new->fd, KVM_GET_TSC_KHZ, 0);
	struct saved *a = &self->then, *b = &self->now;

	EXPECT_LE(a->tsc, b->tsc);
	EXPECT_GT(a->tsc + khz * 10000, b->tsc);
	EXPECT_LE(a->clock.clock, b->clock.clock);
	EXPECT_GT(a->clock.clock + 10000000000ull, b->clock.clock);
	EXPECT_LT(0, a->left);
	EXPECT_GT(0x40000000, a->left);
	EXPECT_GE(a->left, b->left);
	EXPECT_LT(0, b->left);
}

TEST_F(saved, guest_finds_all)
{
	struct abi_vcpu *vcpu = self->new;

	EXPECT_EQ(2, abi_trapped(vcpu).vector);		/* its NMI */
	EXPECT_GE(self->then.left, abi_report(vcpu));
	EXPECT_EQ(0x1fa0, abi_report(vcpu));
	EXPECT_EQ(0x400921fb, abi_report(vcpu));	/* pi, its upper half */
	EXPECT_EQ(0x5a5a, abi_report(vcpu));
	EXPECT_EQ(0x5678, abi_report(vcpu));
	EXPECT_EQ(0x5000, abi_report(vcpu));
	EXPECT_EQ(0x600d, abi_report(vcpu));
	EXPECT_EQ(0x1a166, abi_report(vcpu));
	EXPECT_EQ(0xfa, abi_report(vcpu));
	/* The PIT still ticks. */
	EXPECT_EQ(PIT_VECTOR, abi_trapped(vcpu).vector);
}

TEST_HARNESS_MAIN
