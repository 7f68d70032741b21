// SPDX-License-Identifier: GPL-2.0
/* KVM_GET_REGS and KVM_SET_REGS: reset values, round trip, what a guest sees. */
#include "test.h"

GUEST64(rotate, "xchg %rax, %rbx; xchg %rcx, %rdx; xchg %rsi, %rdi\n"
	"xchg %r8, %r9; xchg %r10, %r11; xchg %r12, %r13; xchg %r14, %r15\n"
	"out %al, $0xe4\n");

TEST(reset_values)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_regs regs = abi_regs(vcpu);
	struct kvm_regs zero = { .rip = 0xfff0, .rflags = 2 };

	/* RDX has the processor's signature. */
	VALUE("reset.rdx", "%#llx", regs.rdx);
	zero.rdx = regs.rdx;
	EXPECT_EQ(0, memcmp(&regs, &zero, sizeof(regs)));
}

static struct kvm_regs pattern(void)
{
	struct kvm_regs regs;
	uint64_t *p = (uint64_t *)&regs;

	for (int i = 0; i < 16; i++)
		p[i] = 0x0101010101010101 * (i + 1);
	regs.rip = 0x123456789abcdef0;
	regs.rflags = 0x246;
	return regs;
}

TEST(round_trip)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_regs regs = pattern(), back;

	abi_set_regs(vcpu, &regs);
	back = abi_regs(vcpu);
	EXPECT_EQ(0, memcmp(&regs, &back, sizeof(regs)));
}

TEST(guest_has_them)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &rotate);
	struct kvm_regs regs = pattern(), back;

	regs.rip = ABI_CODE;
	regs.rsp = ABI_STACK - 64;
	regs.rflags = 2 | 0x8d5;		/* OF SF ZF AF PF CF */
	abi_set_regs(vcpu, &regs);
	abi_done(vcpu);
	back = abi_regs(vcpu);
	EXPECT_EQ(regs.rax, back.rbx);
	EXPECT_EQ(regs.rbx, back.rax);
	EXPECT_EQ(regs.rcx, back.rdx);
	EXPECT_EQ(regs.rdx, back.rcx);
	EXPECT_EQ(regs.rsi, back.rdi);
	EXPECT_EQ(regs.rdi, back.rsi);
	EXPECT_EQ(regs.rsp, back.rsp);
	EXPECT_EQ(regs.rbp, back.rbp);
	EXPECT_EQ(regs.r8, back.r9);
	EXPECT_EQ(regs.r9, back.r8);
	EXPECT_EQ(regs.r10, back.r11);
	EXPECT_EQ(regs.r11, back.r10);
	EXPECT_EQ(regs.r12, back.r13);
	EXPECT_EQ(regs.r13, back.r12);
	EXPECT_EQ(regs.r14, back.r15);
	EXPECT_EQ(regs.r15, back.r14);
	EXPECT_EQ(regs.rflags, back.rflags);
}

/* Bit 1 of RFLAGS is always set, whatever was asked for. */
TEST(rflags_fixed_bit)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_regs regs = { 0 };

	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(2, abi_regs(vcpu).rflags);
}

/* Setting registers drops an exception that waited to be delivered. */
TEST(set_clears_pending_exception)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &rotate);
	struct kvm_vcpu_events events;
	struct kvm_regs regs = abi_regs(vcpu);

	events = abi_events(vcpu);
	events.exception.nr = 6;
	events.exception.injected = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_set_regs(vcpu, &regs);
	events = abi_events(vcpu);
	VALUE("set_regs.leaves_injected", "%d", events.exception.injected);
	EXPECT_EQ(0, events.exception.pending);
}

TEST(errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_REGS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_REGS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_REGS, 0);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_REGS, -64l);
}

/* Any instruction pointer may be set; what is not canonical fails in a run. */
TEST(non_canonical_rip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &rotate);
	struct kvm_regs regs = abi_regs(vcpu);
	struct abi_trap trap;

	regs.rip = 0x800000000000;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(regs.rip, abi_regs(vcpu).rip);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(13, trap.vector);
	EXPECT_EQ(regs.rip, trap.rip);
}

TEST_HARNESS_MAIN
