// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's modes in the guest: x2APIC through MSRs, the changes
 * between modes, the base address, and what xAPIC's page gives.
 */
#include "test.h"

/* MSR number at EBX+0, value at +4 and +8, what to do at +12 (1 write). */
GUEST64(msr, "mov $0x80000, %ebx; mov (%rbx), %ecx; cmpl $1, 12(%rbx)\n"
	"jne 1f; mov 4(%rbx), %eax; mov 8(%rbx), %edx; wrmsr\n" G_DONE
	"1: rdmsr; mov %eax, 4(%rbx); mov %edx, 8(%rbx)\n" G_DONE);

static struct abi_vcpu *boot(void)
{
	return abi_boot(ABI_LONG | ABI_IRQCHIP, &msr);
}

static void restart(struct abi_vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rip = ABI_CODE, .rsp = ABI_STACK - 16, .rflags = 2,
	};

	abi_set_regs(vcpu, &regs);
}

/* What the guest meets: -1 where all is well, else the exception's vector. */
static int access_msr(struct abi_vcpu *vcpu, uint32_t index, uint64_t *value,
		      bool write)
{
	struct kvm_run *run = vcpu->run;

	restart(vcpu);
	abi_poke(vcpu->vm, ABI_DATA, index);
	abi_poke(vcpu->vm, ABI_DATA + 4, *value);
	abi_poke(vcpu->vm, ABI_DATA + 8, *value >> 32);
	abi_poke(vcpu->vm, ABI_DATA + 12, write);
	if (abi_exit(vcpu) == KVM_EXIT_IO && run->io.port == ABI_DONE) {
		*value = abi_peek64(vcpu->vm, ABI_DATA + 4);
		return -1;
	}
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != ABI_TRAP) {
		abi_describe(vcpu);
		abi_die("unexpected exit");
	}
	return vcpu->vm->mem[abi_regs(vcpu).rsp];
}

static int wr(struct abi_vcpu *vcpu, uint32_t index, uint64_t value)
{
	return access_msr(vcpu, index, &value, true);
}

static uint64_t rd(struct abi_vcpu *vcpu, uint32_t index)
{
	uint64_t value = 0;
	int trap = access_msr(vcpu, index, &value, false);

	if (trap != -1)
		abi_die("RDMSR %#x: exception %d", index, trap);
	return value;
}

#define GP	13
#define BASE	0xfee00900ull		/* of the bootstrap processor, on */

TEST(modes)
{
	struct abi_vcpu *vcpu = boot();

	EXPECT_EQ(BASE, rd(vcpu, 0x1b));
	EXPECT_EQ(-1, wr(vcpu, 0x1b, BASE | 0x400));
	EXPECT_EQ(BASE | 0x400, rd(vcpu, 0x1b));
	/* Not straight back to xAPIC, nor half off. */
	EXPECT_EQ(GP, wr(vcpu, 0x1b, BASE));
	EXPECT_EQ(GP, wr(vcpu, 0x1b, (BASE | 0x400) & ~0x800));
	EXPECT_EQ(-1, wr(vcpu, 0x1b, BASE & ~0x800));
	/* From off to x2APIC only by way of xAPIC. */
	EXPECT_EQ(GP, wr(vcpu, 0x1b, BASE | 0x400));
	EXPECT_EQ(-1, wr(vcpu, 0x1b, BASE));
	/* Reserved bits. */
	EXPECT_EQ(GP, wr(vcpu, 0x1b, BASE | 1));
	EXPECT_EQ(GP, wr(vcpu, 0x1b, BASE | 1ull << 60));
}

TEST(no_x2apic_msrs_in_xapic_mode)
{
	struct abi_vcpu *vcpu = boot();
	uint64_t value = 0;

	EXPECT_EQ(GP, access_msr(vcpu, 0x802, &value, false));
	EXPECT_EQ(GP, wr(vcpu, 0x80f, 0x1ff));
}

static struct abi_vcpu *boot_x2apic(void)
{
	struct abi_vcpu *vcpu = boot();

	if (wr(vcpu, 0x1b, BASE | 0x400) != -1)
		abi_die("x2APIC mode refused");
	return vcpu;
}

TEST(registers)
{
	struct abi_vcpu *vcpu = boot_x2apic();

	EXPECT_EQ(0, rd(vcpu, 0x802));
	VALUE("x2apic.version", "%#llx",
	      (unsigned long long)rd(vcpu, 0x803));
	EXPECT_EQ(1, rd(vcpu, 0x80d));
	EXPECT_EQ(-1, wr(vcpu, 0x80f, 0x1ff));
	EXPECT_EQ(0x1ff, rd(vcpu, 0x80f));
	EXPECT_EQ(-1, wr(vcpu, 0x808, 0x30));
	EXPECT_EQ(0x30, rd(vcpu, 0x808));
	EXPECT_EQ(0x30, rd(vcpu, 0x80a));
	EXPECT_EQ(-1, wr(vcpu, 0x832, 0x100ee));
	EXPECT_EQ(0x100ee, rd(vcpu, 0x832));
	EXPECT_EQ(-1, wr(vcpu, 0x83e, 0xb));
	EXPECT_EQ(0xb, rd(vcpu, 0x83e));
	EXPECT_EQ(-1, wr(vcpu, 0x80b, 0));
}

TEST(what_is_refused)
{
	struct abi_vcpu *vcpu = boot_x2apic();
	uint64_t value = 0;

	EXPECT_EQ(GP, wr(vcpu, 0x802, 1));		/* ID is read-only */
	EXPECT_EQ(GP, wr(vcpu, 0x803, 1));		/* version too */
	EXPECT_EQ(GP, wr(vcpu, 0x80d, 1));		/* and LDR */
	EXPECT_EQ(GP, wr(vcpu, 0x80e, 0));		/* no DFR */
	EXPECT_EQ(GP, access_msr(vcpu, 0x80e, &value, false));
	EXPECT_EQ(GP, wr(vcpu, 0x831, 0));		/* no ICR2 */
	EXPECT_EQ(GP, wr(vcpu, 0x808, 1ull << 32));
	EXPECT_EQ(GP, wr(vcpu, 0x804, 0));		/* reserved */
	EXPECT_EQ(GP, access_msr(vcpu, 0x80b, &value, false));
	EXPECT_EQ(GP, access_msr(vcpu, 0x83f, &value, false));
}

/* One write sends an interrupt; SELF IPI needs but the vector. */
GUEST64(send, "mov $0x1b, %ecx; rdmsr; or $0x400, %eax; wrmsr\n"
	"mov $0x80f, %ecx; mov $0x1ff, %eax; xor %edx, %edx; wrmsr\n"
	"mov $0x830, %ecx; mov $0x4061, %eax; xor %edx, %edx; wrmsr\n"
	"sti; nop; nop; cli; mov $0x80b, %ecx; xor %eax, %eax; wrmsr\n" G_SYNC
	"mov $0x83f, %ecx; mov $0x62, %eax; wrmsr\n"
	"sti; nop; nop; cli\n" G_SYNC);

TEST(interrupts)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &send);
	/* A handler that leaves the end of interrupt to the guest. */
	uint8_t *stub = vcpu->vm->mem + 0x2f00;

	memcpy(stub, "\x68\x61\0\0\0\xe7\xe1\x48\x83\xc4\x08\x48\xcf", 13);
	abi_gate(vcpu, 0x61, 0x2f00);
	EXPECT_EQ(0x61, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0x62, abi_turn(vcpu));
}

/* xAPIC's page: 32 bits at multiples of 16; in x2APIC mode it is dead. */
GUEST64(page, "mov $0xfee00000, %r8d; mov 0x20(%r8), %eax\n" G_REPORT
	"movl $0x1ff, 0xf0(%r8); mov 0xf0(%r8), %eax\n" G_REPORT
	"movl $0x40, 0x80(%r8); mov 0x80(%r8), %eax\n" G_REPORT
	"mov 0xa0(%r8), %eax\n" G_REPORT
	"mov $0x1b, %ecx; rdmsr; or $0x400, %eax; wrmsr\n"
	"mov 0x20(%r8), %eax\n" G_REPORT G_DONE);

TEST(page_of_xapic)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	abi_load(vm, ABI_CODE, &page);
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(0, abi_report(vcpu));
	EXPECT_EQ(0x1ff, abi_report(vcpu));
	EXPECT_EQ(0x40, abi_report(vcpu));
	EXPECT_EQ(0x40, abi_report(vcpu));
	EXPECT_EQ(0xffffffff, abi_report(vcpu));
}

/* CR8 and the task priority are one. */
GUEST64(priority, "mov $0xfee00000, %r8d; mov $7, %eax; mov %rax, %cr8\n"
	"mov 0x80(%r8), %eax\n" G_REPORT
	"movl $0xb0, 0x80(%r8); mov %cr8, %rax\n" G_REPORT G_DONE);

TEST(cr8_is_the_task_priority)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &priority);

	EXPECT_EQ(0x70, abi_report(vcpu));
	EXPECT_EQ(0xb, abi_report(vcpu));
	abi_done(vcpu);
	EXPECT_EQ(0xb, vcpu->run->cr8);
	EXPECT_EQ(0xb, abi_sregs(vcpu).cr8);
}

/* So they are where the user has set the one or the other. */
GUEST64(priorities, G_SYNC "mov %cr8, %rax\n" G_REPORT
	"mov %cr8, %rax\n" G_REPORT G_DONE);

TEST(cr8_as_the_user_sets_it)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &priorities);
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;

	abi_sync(vcpu);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	lapic.regs[0x80] = 0x90;
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	EXPECT_EQ(9, abi_report(vcpu));
	sregs = abi_sregs(vcpu);
	EXPECT_EQ(9, sregs.cr8);
	sregs.cr8 = 4;
	abi_ok(vcpu->fd, KVM_SET_SREGS, &sregs);
	EXPECT_EQ(4, abi_report(vcpu));
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
