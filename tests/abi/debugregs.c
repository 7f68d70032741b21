// SPDX-License-Identifier: GPL-2.0
/* KVM_GET_DEBUGREGS and KVM_SET_DEBUGREGS, and DR0-DR7 in the guest. */
#include "test.h"

GUEST64(swap, "mov %dr0, %rax; mov %dr3, %rbx; mov %dr6, %rcx\n"
	"mov %dr7, %rdx; mov $0x11112222, %esi; mov %rsi, %dr1\n" G_DONE);

TEST(reset_values)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_debugregs dr;

	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, dr.db[i]);
	EXPECT_EQ(0xffff0ff0, dr.dr6);
	EXPECT_EQ(0x400, dr.dr7);
	EXPECT_EQ(0, dr.flags);
}

TEST(round_trip)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_debugregs dr = {
		.db = { 0x1000, 0x2000, 0x3000, 0xffff800000004000 },
		.dr6 = 0xffff0ff1, .dr7 = 0x401,
	}, back;

	abi_ok(vcpu->fd, KVM_SET_DEBUGREGS, &dr);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &back);
	EXPECT_EQ(0, memcmp(&dr, &back, offsetof(struct kvm_debugregs, flags)));
}

TEST(guest_has_them)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &swap);
	struct kvm_debugregs dr = {
		.db = { 0x123, 0, 0, 0x456 }, .dr6 = 0xffff0ff0, .dr7 = 0x400,
	};
	struct kvm_regs regs;

	abi_ok(vcpu->fd, KVM_SET_DEBUGREGS, &dr);
	abi_done(vcpu);
	regs = abi_regs(vcpu);
	EXPECT_EQ(0x123, regs.rax);
	EXPECT_EQ(0x456, regs.rbx);
	EXPECT_EQ(0xffff0ff0, regs.rcx);
	EXPECT_EQ(0x400, regs.rdx);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	EXPECT_EQ(0x11112222, dr.db[1]);
}

TEST(refused)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_debugregs dr;

	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	dr.flags = 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_DEBUGREGS, &dr);
	dr.flags = 0;
	dr.dr6 = 1ull << 32;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_DEBUGREGS, &dr);
	dr.dr6 = 0xffff0ff0;
	dr.dr7 = 1ull << 32;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_DEBUGREGS, &dr);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_DEBUGREGS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_DEBUGREGS, 8);
}

/*
 * An execution breakpoint: #DB before the instruction. At an address that no
 * other guest runs at, and taken away by the guest itself: QEMU's emulation
 * may keep it in place for every guest that comes after.
 */
#define ELSEWHERE	0x2b00

GUEST64(breakpoint, "mov %rbx, %dr0; mov $0x402, %eax; mov %rax, %dr7\n"
	"nop; ud2\n");
GUEST64(clear, "mov $0x400, %eax; mov %rax, %dr7; mov %dr6, %rdx\n" G_DONE);

TEST(breakpoint_traps)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &clear);
	struct kvm_regs regs = abi_regs(vcpu);
	struct abi_trap trap;

	abi_load(vcpu->vm, ELSEWHERE, &breakpoint);
	regs.rip = ELSEWHERE;
	/* 3 + 5 + 3 bytes before the NOP. */
	regs.rbx = ELSEWHERE + 11;
	abi_set_regs(vcpu, &regs);
	trap = abi_trapped(vcpu);
	regs.rip = ABI_CODE;
	abi_set_regs(vcpu, &regs);
	abi_done(vcpu);
	EXPECT_EQ(1, trap.vector);
	EXPECT_EQ(ELSEWHERE + 11, trap.rip);
	EXPECT_EQ(1, abi_regs(vcpu).rdx & 0xf);
}

/* Two vCPUs on one thread don't see each other's. */
TEST(two_vcpus)
{
	struct abi_vcpu *a = abi_boot(ABI_LONG, &swap);
	struct abi_vcpu *b = abi_boot(ABI_LONG, &swap);
	struct kvm_debugregs dr = { .dr6 = 0xffff0ff0, .dr7 = 0x403 };

	dr.db[0] = 0xaaaa0000;
	abi_ok(a->fd, KVM_SET_DEBUGREGS, &dr);
	dr.db[0] = 0xbbbb0000;
	abi_ok(b->fd, KVM_SET_DEBUGREGS, &dr);
	abi_done(a);
	abi_done(b);
	EXPECT_EQ(0xaaaa0000, abi_regs(a).rax);
	EXPECT_EQ(0xbbbb0000, abi_regs(b).rax);
}

TEST_HARNESS_MAIN
