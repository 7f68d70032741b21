// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches of a 32-bit guest: by CALL, JMP and IRET, through task
 * gates, by INT n, exceptions, interrupts and NMIs; both formats of a TSS; the
 * faults of a new task that is not what it should be.
 *
 * The guest's first task is the library's (ABI_TR). The second one's code is
 * loaded at CODE_B; it gives the test its turn before it does anything else.
 * QEMU's emulated CPU switches tasks by itself, in a guest, too, and not as the
 * manuals say where it comes to faults; Bochs' leaves it to the hypervisor.
 */
#include <cpuid.h>

#include "test.h"

#define CODE_B		0x2000
#define TSS_B		ABI_DATA
#define TSS_16		(ABI_DATA + 0x200)
#define STACK_B		(ABI_DATA + 0x4000)
#define STACK0_B	(ABI_DATA + 0x5000)
#define PAGES_A		(ABI_DATA + 0x8000)
#define PAGES_B		(ABI_DATA + 0x9000)

#define SEL_B		0x50		/* the second task's TSS */
#define SEL_16		0x58		/* the same in the other format */
#define SEL_GATE	0x60		/* a task gate to the former */
#define SEL_CS_USER	0x6b
#define SEL_ABSENT	0x73		/* user data that is not there */
#define SEL_LDT		0x88
#define SEL_DS_USER	ABI_DS_USER

#define FLAG_NT		(1u << 14)
#define CR0_TS		8

/* Fields of a 32-bit TSS. */
enum {
	LINK = 0, ESP0 = 4, SS0 = 8, CR3 = 0x1c, EIP = 0x20, EFLAGS = 0x24,
	EAX = 0x28, ESP = 0x38, ES = 0x48, CS = 0x4c, SS = 0x50, DS = 0x54,
	FS = 0x58, GS = 0x5c, LDT = 0x60, TRAP = 0x64,
};

/* Is this a host that QEMU emulates? Its CPUID says so. */
static bool qemu_emulates(void)
{
	unsigned int eax, name[3];

	__cpuid(0x40000000, eax, name[0], name[1], name[2]);
	return !memcmp(name, "TCGTCGTCGTCG", 12);
}

#define NOT_IN_QEMU() do {						\
	if (qemu_emulates())						\
		SKIP(return, "QEMU's CPU switches tasks by itself");	\
} while (0)

static void descriptor(struct abi_vcpu *vcpu, unsigned int sel, uint64_t d)
{
	memcpy(vcpu->vm->mem + ABI_GDT + (sel & ~7), &d, 8);
}

static uint64_t tss_descriptor(uint32_t base, uint32_t limit, uint8_t type)
{
	return limit | (uint64_t)(base & 0xffffff) << 16 |
	       (uint64_t)type << 40 | (uint64_t)(base >> 24) << 56;
}

static void put16(struct abi_vcpu *vcpu, uint32_t at, uint16_t v)
{
	memcpy(vcpu->vm->mem + at, &v, 2);
}

static void fill_32(struct abi_vcpu *vcpu)
{
	struct abi_vm *vm = vcpu->vm;

	abi_poke(vm, TSS_B + ESP0, STACK0_B);
	abi_poke(vm, TSS_B + SS0, ABI_DS);
	abi_poke(vm, TSS_B + EIP, CODE_B);
	abi_poke(vm, TSS_B + EFLAGS, 2);
	for (int i = 0; i < 8; i++)
		abi_poke(vm, TSS_B + EAX + i * 4, 0xb0000000 + i);
	abi_poke(vm, TSS_B + ESP, STACK_B);
	for (int at = ES; at <= GS; at += 4)
		abi_poke(vm, TSS_B + at, at == CS ? ABI_CS32 : ABI_DS);
}

static void fill_16(struct abi_vcpu *vcpu)
{
	put16(vcpu, TSS_16 + 0x0e, CODE_B);
	put16(vcpu, TSS_16 + 0x10, 2);
	for (int i = 0; i < 8; i++)
		put16(vcpu, TSS_16 + 0x12 + i * 2, 0xc000 + i);
	put16(vcpu, TSS_16 + 0x22, ABI_DS);
	put16(vcpu, TSS_16 + 0x24, ABI_CS32);
	put16(vcpu, TSS_16 + 0x26, ABI_DS);
	put16(vcpu, TSS_16 + 0x28, ABI_DS);
}

/* A guest of two tasks, @a where every guest begins. */
static struct abi_vcpu *tasks(const struct abi_guest *a,
			      const struct abi_guest *b)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, a);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	abi_load(vcpu->vm, CODE_B, b);
	descriptor(vcpu, SEL_B, tss_descriptor(TSS_B, 0x67, 0x89));
	descriptor(vcpu, SEL_16, tss_descriptor(TSS_16, 0x2b, 0x81));
	descriptor(vcpu, SEL_GATE, 0x850000000000 | SEL_B << 16);
	descriptor(vcpu, SEL_CS_USER, 0x00cffb000000ffff);
	descriptor(vcpu, SEL_ABSENT, 0x00cf73000000ffff);
	descriptor(vcpu, SEL_LDT, tss_descriptor(ABI_DATA + 0x300, 0xf, 0x82));
	fill_32(vcpu);
	fill_16(vcpu);
	sregs.gdt.limit = 0x8f;
	abi_set_sregs(vcpu, &sregs);
	return vcpu;
}

static void task_gate(struct abi_vcpu *vcpu, unsigned int vector)
{
	uint64_t gate = 0xe50000000000 | SEL_B << 16;

	memcpy(vcpu->vm->mem + ABI_IDT + vector * 8, &gate, 8);
}

static bool busy(struct abi_vcpu *vcpu, unsigned int sel)
{
	return vcpu->vm->mem[ABI_GDT + sel + 5] & 2;
}

/* The state of the second task, when it has its first turn. */
#define EXPECT_TASK_B(vcpu, link, nt) do {				\
	struct kvm_sregs __s = abi_sregs(vcpu);				\
	struct kvm_regs __r = abi_regs(vcpu);				\
	EXPECT_EQ(SEL_B, __s.tr.selector);				\
	EXPECT_EQ(TSS_B, __s.tr.base);					\
	EXPECT_EQ(11, __s.tr.type);					\
	EXPECT_EQ(CR0_TS, __s.cr0 & CR0_TS);				\
	EXPECT_EQ(ABI_CS32, __s.cs.selector);				\
	EXPECT_EQ(0xb0000000, __r.rax);					\
	EXPECT_EQ(0xb0000007, __r.rdi);					\
	EXPECT_EQ(nt, __r.rflags & FLAG_NT);				\
	EXPECT_EQ(link, abi_peek(vcpu->vm, TSS_B + LINK) & 0xffff);	\
	EXPECT_TRUE(busy(vcpu, SEL_B));					\
	EXPECT_EQ(!!(link), busy(vcpu, ABI_TR));			\
} while (0)

/* What the first task left behind: @off is in its code, where it goes on. */
#define EXPECT_SAVED_A(vcpu, off) do {					\
	struct abi_vm *__vm = (vcpu)->vm;				\
	EXPECT_EQ(ABI_CODE + (off), abi_peek(__vm, ABI_TSS + EIP));	\
	EXPECT_EQ(0x12345678, abi_peek(__vm, ABI_TSS + EAX));		\
	EXPECT_EQ(ABI_CS32, abi_peek(__vm, ABI_TSS + CS));		\
	EXPECT_EQ(ABI_DS, abi_peek(__vm, ABI_TSS + GS));		\
	EXPECT_EQ(ABI_STACK - 16, abi_peek(__vm, ABI_TSS + ESP));	\
} while (0)

#define A_START	"mov $0x12345678, %eax\n"	/* 5 bytes */
#define A_END	"\n" G_REPORT G_DONE

GUEST32(a_jmp, A_START "ljmp $0x50, $0" A_END);
GUEST32(a_call, A_START "lcall $0x50, $0" A_END);
GUEST32(a_call_gate, A_START "lcall $0x60, $0" A_END);
GUEST32(a_call_16, A_START "lcall $0x58, $0" A_END);
GUEST32(a_int, A_START "int $0x81" A_END);
GUEST32(a_int3, A_START "int3" A_END);
GUEST32(a_ud2, A_START "ud2" A_END);
GUEST32(a_gp, A_START "mov $0xf8, %ecx; mov %ecx, %ds" A_END);
GUEST32(a_spin, A_START "sti; 1: jmp 1b" A_END);
GUEST32(b_iret, G_SYNC "iret\n" G_SYNC "iret");
GUEST32(b_jmp, G_SYNC "ljmp $0x28, $0");
GUEST32(b_pop, G_SYNC "pop %eax\n" G_REPORT "iret");

TEST(jmp)
{
	struct abi_vcpu *vcpu = tasks(&a_jmp, &b_jmp);

	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, 0, 0);
	EXPECT_SAVED_A(vcpu, 12);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
	EXPECT_EQ(ABI_TR, abi_sregs(vcpu).tr.selector);
	EXPECT_FALSE(busy(vcpu, SEL_B));
	EXPECT_TRUE(busy(vcpu, ABI_TR));
}

TEST(call)
{
	struct abi_vcpu *vcpu = tasks(&a_call, &b_iret);

	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 12);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
	EXPECT_FALSE(busy(vcpu, SEL_B));
	EXPECT_TRUE(busy(vcpu, ABI_TR));
	/* IRET takes NT out of what it saves. */
	EXPECT_EQ(2, abi_peek(vcpu->vm, TSS_B + EFLAGS) & (FLAG_NT | 2));
	EXPECT_EQ(CODE_B + 3, abi_peek(vcpu->vm, TSS_B + EIP));
}

TEST(call_gate)
{
	struct abi_vcpu *vcpu = tasks(&a_call_gate, &b_iret);

	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 12);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
}

TEST(call_16_bit)
{
	struct abi_vcpu *vcpu = tasks(&a_call_16, &b_iret);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	abi_sync(vcpu);
	EXPECT_SAVED_A(vcpu, 12);
	regs = abi_regs(vcpu);
	sregs = abi_sregs(vcpu);
	EXPECT_EQ(SEL_16, sregs.tr.selector);
	EXPECT_EQ(3, sregs.tr.type);
	EXPECT_EQ(0, sregs.gs.selector);
	EXPECT_TRUE(sregs.gs.unusable);
	EXPECT_EQ(0xc000, regs.rax & 0xffff);
	EXPECT_EQ(0xc007, regs.rdi & 0xffff);
	EXPECT_EQ(FLAG_NT, regs.rflags & FLAG_NT);
	EXPECT_EQ(ABI_TR, abi_peek(vcpu->vm, TSS_16) & 0xffff);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
	EXPECT_EQ(CODE_B + 3, abi_peek(vcpu->vm, TSS_16 + 0x0e) & 0xffff);
	EXPECT_EQ(ABI_CS32, abi_peek(vcpu->vm, TSS_16 + 0x24) & 0xffff);
}

/* The return address is behind the instruction. */
TEST(software_interrupt)
{
	struct abi_vcpu *vcpu = tasks(&a_int, &b_iret);

	task_gate(vcpu, 0x81);
	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 7);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
}

TEST(breakpoint)
{
	struct abi_vcpu *vcpu = tasks(&a_int3, &b_iret);

	task_gate(vcpu, 3);
	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 6);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
}

/* ... and on it, for a fault. */
TEST(fault_without_error)
{
	struct abi_vcpu *vcpu = tasks(&a_ud2, &b_iret);

	task_gate(vcpu, 6);
	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 5);
	EXPECT_EQ(STACK_B, abi_regs(vcpu).rsp);
	abi_poke(vcpu->vm, ABI_TSS + EIP, ABI_CODE + 7);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
}

TEST(fault_with_error)
{
	struct abi_vcpu *vcpu = tasks(&a_gp, &b_pop);

	NOT_IN_QEMU();
	task_gate(vcpu, 13);
	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 10);
	EXPECT_EQ(STACK_B - 4, abi_regs(vcpu).rsp);
	EXPECT_EQ(0xf8, abi_report(vcpu));
	abi_poke(vcpu->vm, ABI_TSS + EIP, ABI_CODE + 12);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
}

TEST(interrupt)
{
	struct abi_vcpu *vcpu = tasks(&a_spin, &b_iret);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct kvm_vcpu_events events;

	task_gate(vcpu, 0x40);
	vcpu->run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	vcpu->run->request_interrupt_window = 0;
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	abi_sync(vcpu);
	EXPECT_TASK_B(vcpu, ABI_TR, FLAG_NT);
	EXPECT_SAVED_A(vcpu, 6);
	/* It has been delivered, and is not again. */
	events = abi_events(vcpu);
	EXPECT_EQ(0, events.interrupt.injected);
	vcpu->run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	EXPECT_EQ(ABI_CODE + 6, abi_regs(vcpu).rip);
}

/* An NMI is blocked until the IRET that switches back. */
TEST(nmi)
{
	struct abi_vcpu *vcpu = tasks(&a_spin, &b_iret);
	struct kvm_vcpu_events events;

	task_gate(vcpu, 2);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	abi_sync(vcpu);
	EXPECT_EQ(SEL_B, abi_sregs(vcpu).tr.selector);
	EXPECT_EQ(ABI_CODE, abi_peek(vcpu->vm, ABI_TSS + EIP));
	events = abi_events(vcpu);
	EXPECT_EQ(0, events.nmi.injected);
	EXPECT_EQ(1, events.nmi.masked);
}

/* Each task has its page tables: 4 MiB pages, the second's at another place. */
GUEST32(b_reads, "mov 0x400000, %eax\n" G_REPORT "ljmp $0x28, $0");
GUEST32(a_reads, "ljmp $0x50, $0; mov 0x400000, %eax" A_END);

TEST(page_tables)
{
	struct abi_vcpu *vcpu = tasks(&a_reads, &b_reads);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct abi_vm *vm = vcpu->vm;

	NOT_IN_QEMU();
	for (int i = 0; i < 2; i++) {
		uint32_t dir = i ? PAGES_B : PAGES_A;

		abi_poke(vm, dir, 0x83);
		abi_poke(vm, dir + 4, (ABI_DATA + 0xa000 + i * 0x1000) | 3);
		abi_poke(vm, ABI_DATA + 0xa000 + i * 0x1000,
			 (ABI_DATA + 0xc000 + i * 0x1000) | 3);
		abi_poke(vm, ABI_DATA + 0xc000 + i * 0x1000, 0xaa + i);
	}
	abi_poke(vm, TSS_B + CR3, PAGES_B);
	abi_poke(vm, ABI_TSS + CR3, PAGES_A);
	sregs.cr3 = PAGES_A;
	sregs.cr4 |= 0x10;
	sregs.cr0 |= 0x80000000;
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(0xab, abi_report(vcpu));
	EXPECT_EQ(PAGES_B, abi_sregs(vcpu).cr3);
	EXPECT_EQ(0xaa, abi_report(vcpu));
}

/* What the hardware refuses leaves the first task as it is. */
TEST(busy_task)
{
	struct abi_vcpu *vcpu = tasks(&a_jmp, &b_jmp);
	struct abi_trap trap;

	descriptor(vcpu, SEL_B, tss_descriptor(TSS_B, 0x67, 0x8b));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(13, trap.vector);
	EXPECT_EQ(SEL_B, trap.error);
	EXPECT_EQ(ABI_CODE + 5, trap.rip);
	EXPECT_EQ(ABI_TR, abi_sregs(vcpu).tr.selector);
}

/* A new task of user mode, one of its selectors bad: the handler is in it. */
FIXTURE(bad) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(bad) {
	unsigned int field, sel, vector;
};
#define BAD(name, ...) FIXTURE_VARIANT_ADD(bad, name) { __VA_ARGS__ }

BAD(ldt_is_data, LDT, ABI_DS, 10);
BAD(ldt_in_ldt, LDT, SEL_LDT | 4, 10);
BAD(cs_is_data, CS, SEL_DS_USER, 10);
BAD(cs_of_kernel, CS, ABI_CS32 | 3, 10);
BAD(cs_outside, CS, 0xfb, 10);
BAD(ss_null, SS, 0, 10);
BAD(ss_of_kernel, SS, ABI_DS | 3, 10);
BAD(ss_is_code, SS, SEL_CS_USER, 10);
BAD(ss_absent, SS, SEL_ABSENT, 12);
BAD(ds_of_kernel, DS, ABI_DS, 10);
BAD(es_absent, ES, SEL_ABSENT, 11);
BAD(fs_outside, FS, 0xfb, 10);
BAD(gs_is_tss, GS, SEL_16, 10);

FIXTURE_SETUP(bad)
{
	self->vcpu = tasks(&a_call, &b_iret);
	for (int at = ES; at <= GS; at += 4)
		abi_poke(self->vcpu->vm, TSS_B + at, SEL_DS_USER);
	abi_poke(self->vcpu->vm, TSS_B + CS, SEL_CS_USER);
	abi_poke(self->vcpu->vm, TSS_B + variant->field, variant->sel);
}

FIXTURE_TEARDOWN(bad) { }

TEST_F(bad, selector)
{
	struct abi_vcpu *vcpu = self->vcpu;
	struct abi_trap trap;

	NOT_IN_QEMU();
	trap = abi_trapped(vcpu);
	EXPECT_EQ(variant->vector, trap.vector);
	EXPECT_EQ(variant->sel & ~3, trap.error);
	EXPECT_EQ(CODE_B, trap.rip);
	EXPECT_EQ(STACK0_B - 7 * 4, trap.rsp);
	EXPECT_EQ(SEL_B, abi_sregs(vcpu).tr.selector);
	EXPECT_TRUE(busy(vcpu, SEL_B));
	EXPECT_SAVED_A(vcpu, 12);
}

/* The trap bit of a TSS: #DB before the task's first instruction. */
TEST(debug_trap)
{
	struct abi_vcpu *vcpu = tasks(&a_jmp, &b_jmp);
	struct kvm_debugregs regs;
	struct abi_trap trap;

	NOT_IN_QEMU();
	abi_poke(vcpu->vm, TSS_B + TRAP, 1);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(1, trap.vector);
	EXPECT_EQ(CODE_B, trap.rip);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &regs);
	EXPECT_EQ(0x8000, regs.dr6 & 0x800f);
}

TEST_HARNESS_MAIN
