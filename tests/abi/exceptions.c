// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions that a guest raises, through its own IDT: vector, error code,
 * address of the instruction, CR2; double faults; page tables that change.
 */
#include "test.h"

FIXTURE(fault) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(fault) {
	const struct abi_guest *guest;
	unsigned int flags, vector;
	uint32_t error;
	int offset;		/* of the saved RIP in the guest's code */
};

#define FAULT(name, mode, bits, code, ...)				\
	GUEST##bits(f_##name, code "\n" G_DONE);			\
	FIXTURE_VARIANT_ADD(fault, name) { &f_##name, mode, __VA_ARGS__ }

FAULT(divide_long, ABI_LONG, 64, "xor %ecx, %ecx; div %ecx", 0, 0, 2);
FAULT(divide_prot, ABI_PROT, 32, "xor %ecx, %ecx; div %ecx", 0, 0, 2);
FAULT(divide_real, ABI_REAL, 16, "xor %cx, %cx; div %cx", 0, 0, 2);
FAULT(breakpoint, ABI_LONG, 64, "nop; int3", 3, 0, 2);
FAULT(int_n, ABI_LONG, 64, "int $0x77", 0x77, 0, 2);
FAULT(int_n_real, ABI_REAL, 16, "int $0x15", 0x15, 0, 2);
FAULT(undefined, ABI_LONG, 64, "nop; ud2", 6, 0, 1);
FAULT(undefined_real, ABI_REAL, 16, "nop; ud2", 6, 0, 1);
FAULT(gp_selector, ABI_LONG, 64, "mov $0x1230, %eax; mov %eax, %ds",
	13, 0x1230, 5);
FAULT(gp_not_canonical, ABI_LONG, 64,
	"mov $0x0200000000000000, %rbx; mov (%rbx), %eax", 13, 0, 10);
FAULT(not_present, ABI_PROT, 32, "mov $0x50, %eax; mov %eax, %es",
	11, 0x50, 5);
FAULT(page_read, ABI_LONG, 64, "mov $0x1234567890, %rbx; mov (%rbx), %eax",
	14, 0, 10);
FAULT(page_write, ABI_LONG, 64, "mov $0x1234567890, %rbx; mov %eax, (%rbx)",
	14, 2, 10);
FAULT(overflow_prot, ABI_PROT, 32, "mov $0x7fffffff, %eax; inc %eax; into",
	4, 0, 7);
FAULT(bound_prot, ABI_PROT, 32, "mov $5, %eax; bound %eax, 0x80000",
	5, 0, 5);
FAULT(single_step, ABI_LONG, 64, "pushf; orl $0x100, (%rsp); popf; nop; nop",
	1, 0, 10);
/* The trap behind MOV SS is put off, once, also to behind what exits. */
FAULT(step_behind_mov_ss, ABI_LONG, 64, "mov $0x10, %ebx; pushf\n"
	"orl $0x100, (%rsp); popf; mov %ebx, %ss; nop; nop", 1, 0, 17);
FAULT(step_behind_exit, ABI_LONG, 64, "mov $0x10, %esi; pushf\n"
	"orl $0x100, (%rsp); popf; mov %esi, %ss; cpuid; nop; nop", 1, 0, 18);
FAULT(step_of_exit, ABI_LONG, 64, "pushf; orl $0x100, (%rsp); popf; cpuid; nop",
	1, 0, 11);

FIXTURE_SETUP(fault)
{
	self->vcpu = abi_boot(variant->flags, variant->guest);
	/* A data segment that is not present, for one of them. */
	*(uint64_t *)(self->vcpu->vm->mem + ABI_GDT + 0x50) =
		0x00cf13000000ffff;
}

FIXTURE_TEARDOWN(fault) { }

TEST_F(fault, delivered)
{
	struct abi_trap trap = abi_trapped(self->vcpu);

	EXPECT_EQ(variant->vector, trap.vector);
	EXPECT_EQ(variant->error, trap.error);
	EXPECT_EQ(ABI_CODE + variant->offset, trap.rip);
	if (trap.vector == 14)
		EXPECT_EQ(0x1234567890, abi_sregs(self->vcpu).cr2);
	if (trap.vector == 1)
		EXPECT_EQ(0x100, trap.flags & 0x100);
}

/* A gate that is not present, of the right type. */
static void no_gate(struct abi_vcpu *vcpu, int vector)
{
	vcpu->vm->mem[ABI_IDT + vector * 16 + 5] &= 0x7f;
}

/*
 * A fault while the first is delivered: a double fault, error code 0. The
 * first INT3 brings the tables into memory: QEMU's emulation forgets the first
 * of two faults if the host has to fill in a page between them.
 */
GUEST64(divides, "int3; xor %ecx, %ecx; div %ecx");

TEST(double_fault)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &divides);
	struct abi_trap trap;

	EXPECT_EQ(3, abi_trapped(vcpu).vector);
	no_gate(vcpu, 0);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(8, trap.vector);
	EXPECT_EQ(0, trap.error);
}

GUEST64(page_away, "int3; mov $0x1234567890, %rbx; mov (%rbx), %eax");

TEST(double_page_fault)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &page_away);
	struct abi_trap trap;

	EXPECT_EQ(3, abi_trapped(vcpu).vector);
	no_gate(vcpu, 14);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(8, trap.vector);
	EXPECT_EQ(0, trap.error);
	EXPECT_EQ(0x1234567890, abi_sregs(vcpu).cr2);
}

/* A contributory fault after a benign one is delivered by itself. */
GUEST64(breakpoints, "1: int3; jmp 1b");

TEST(benign_then_fault)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &breakpoints);
	struct abi_trap trap;

	EXPECT_EQ(3, abi_trapped(vcpu).vector);
	no_gate(vcpu, 3);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(11, trap.vector);
	/* 3 * 8 + 2; QEMU's emulation says 3 * 16 + 2 in long mode. */
	EXPECT_NE(0, trap.error & 2);
}

/* Own 4 KiB tables: the page at 2 MiB, with the given bits. */
static uint64_t *page_entry(struct abi_vcpu *vcpu)
{
	uint64_t *pd = (uint64_t *)(vcpu->vm->mem + ABI_TABLES + 0x2000);

	pd[1] = 0x70007;
	return (uint64_t *)(vcpu->vm->mem + 0x70000);
}

GUEST64(touch, "mov $0x200000, %ebx; mov $5, %eax; mov %eax, (%rbx)\n"
	"mov (%rbx), %eax\n" G_REPORT G_DONE);

TEST(page_is_there)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &touch);
	uint64_t *entry = page_entry(vcpu);

	*entry = 0x80007;
	EXPECT_EQ(5, abi_report(vcpu));
	EXPECT_EQ(5, abi_peek(vcpu->vm, 0x80000));
	/* Accessed and dirty are the processor's to set. */
	EXPECT_EQ(0x80067, *entry);
}

TEST(page_not_present)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &touch);
	uint64_t *entry = page_entry(vcpu);
	struct abi_trap trap;

	*entry = 0x80006;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(14, trap.vector);
	EXPECT_EQ(2, trap.error);
	EXPECT_EQ(0x200000, abi_sregs(vcpu).cr2);
	/* Made present in the handler, the access is done again. */
	*entry = 0x80007;
	EXPECT_EQ(5, abi_report(vcpu));
}

TEST(page_read_only)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &touch);
	struct abi_trap trap;

	*page_entry(vcpu) = 0x80005;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(14, trap.vector);
	EXPECT_EQ(3, trap.error);
}

TEST(page_reserved_bit)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &touch);
	struct abi_trap trap;

	*page_entry(vcpu) = 1ull << 51 | 0x80007;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(14, trap.vector);
	/* QEMU's emulation leaves out that the page was there. */
	EXPECT_EQ(0xb, trap.error | 1);
}

GUEST64(run_there, "mov $0x200000, %ebx; jmp *%rbx");

TEST(page_no_execute)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &run_there);
	struct abi_trap trap;

	*page_entry(vcpu) = 1ull << 63 | 0x80007;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(14, trap.vector);
	EXPECT_EQ(0x11, trap.error);
	EXPECT_EQ(0x200000, trap.rip);
}

/* To user mode and back by a fault, on the stack that the TSS tells. */
GUEST64(to_user, "push $0x43; push $0x8000; push $2; push $0x3b\n"
	"push $0x2000; iretq");

TEST(fault_from_user_mode)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &to_user);
	struct abi_trap trap;

	memcpy(vcpu->vm->mem + 0x2000, "\x90\xf4", 2);	/* nop; hlt */
	trap = abi_trapped(vcpu);
	EXPECT_EQ(13, trap.vector);
	EXPECT_EQ(0x2001, trap.rip);
	EXPECT_EQ(ABI_STACK - 0x1000 - 7 * 8, trap.rsp);
}

/* I/O from user mode without leave: the guest's own fault, no exit. */
TEST(port_from_user_mode)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &to_user);
	struct abi_trap trap;

	/* No I/O permission map: its base is beyond the TSS. */
	memset(vcpu->vm->mem + ABI_TSS + 102, 0xff, 2);
	memcpy(vcpu->vm->mem + 0x2000, "\xe6\x77", 2);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(13, trap.vector);
	EXPECT_EQ(0x2000, trap.rip);
}

/* MMIO from user mode works, and what can't be emulated there is #UD. */
TEST(mmio_from_user_mode)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &to_user);

	/* mov %al, 0xd0000; fstpt 0xd0000 */
	memcpy(vcpu->vm->mem + 0x2000, "\x88\x04\x25\x00\x00\x0d\x00"
	       "\xdb\x3c\x25\x00\x00\x0d\x00", 14);
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0xd0000, vcpu->run->mmio.phys_addr);
	EXPECT_EQ(6, abi_trapped(vcpu).vector);
}

/* An INVLPG makes a changed entry seen. */
GUEST64(remap, "mov $0x200000, %ebx; mov (%rbx), %eax\n" G_REPORT
	"movl $0x81007, 0x70000; invlpg (%rbx); mov (%rbx), %eax\n" G_REPORT
	"movl $0x82007, 0x70000; mov %cr3, %rax; mov %rax, %cr3\n"
	"mov (%rbx), %eax\n" G_REPORT G_DONE);

TEST(entries_change)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &remap);

	*page_entry(vcpu) = 0x80007;
	for (int i = 0; i < 3; i++)
		abi_poke(vcpu->vm, 0x80000 + i * 0x1000, 0x100 + i);
	EXPECT_EQ(0x100, abi_report(vcpu));
	EXPECT_EQ(0x101, abi_report(vcpu));
	EXPECT_EQ(0x102, abi_report(vcpu));
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
