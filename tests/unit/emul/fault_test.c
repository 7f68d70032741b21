// SPDX-License-Identifier: GPL-2.0
/*
 * Faults: the right one, with the right error code, and nothing changed.
 *
 * Called from main.c. Next: tests/fuzz/emul.c.
 */
#include "machine.h"

static bool write_across_pages(void)
{
	struct machine *m = machine_new(LONG64, 3);

	m->page[DATA / 4096 + 1] &= ~PAGE_W;
	REG(m, RBX) = DATA + 4096 - 3;
	REG(m, RAX) = ~0ULL;
	CHECK(machine_faulted(m, RUN(m, 0x48, 0x89, 0x03), LODGE_PF,
			      LODGE_PF_P | LODGE_PF_W | LODGE_PF_U));
	CHECK(m->e.fault.cr2 == DATA + 4096);
	CHECK(machine_peek(m, DATA + 4096 - 3, 3) == 0);
	/* a read-modify-write asks for writing at once */
	CHECK(machine_faulted(m, RUN(m, 0x83, 0x03, 0x01), LODGE_PF,
			      LODGE_PF_P | LODGE_PF_W | LODGE_PF_U));
	m->page[DATA / 4096 + 1] = 0;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x03), LODGE_PF, LODGE_PF_U));
	return true;
}

/* The supervisor's tables are read as the supervisor, by user code too. */
static bool implicit_access(void)
{
	struct machine *m = machine_new(COMPAT, 3);

	machine_descriptor(m, 5, 0, ~0U, 0xc0f3);
	m->page[GDT / 4096] &= ~PAGE_U;
	REG(m, RAX) = 0x2b;
	CHECK(RUN(m, 0x8e, 0xd8) == LODGE_EMUL_OK);	/* mov %eax,%ds */
	CHECK(m->regs.seg[LODGE_DS].sel == 0x2b);
	m->page[GDT / 4096] &= ~PAGE_P;
	CHECK(machine_faulted(m, RUN(m, 0x8e, 0xd8), LODGE_PF, 0));
	CHECK(m->e.fault.cr2 == GDT + 0x28);
	return true;
}

static bool stack_faults(void)
{
	struct machine *m = machine_new(PROT32, 0);

	m->page[STACK / 4096 - 1] = 0;
	REG(m, RSP) = STACK + 12;
	/* the fourth of eight pushes fails: none has happened to ESP */
	CHECK(machine_faulted(m, RUN(m, 0x60), LODGE_PF, LODGE_PF_W));
	CHECK(m->e.fault.cr2 == STACK - 4);
	REG(m, RSP) = STACK - 8;
	m->page[STACK / 4096 - 1] = PAGE_P;
	m->page[STACK / 4096] = 0;
	CHECK(machine_faulted(m, RUN(m, 0x61), LODGE_PF, 0));
	m = machine_new(REAL, 0);
	REG(m, RSP) = 1;
	CHECK(machine_faulted(m, RUN(m, 0x50), LODGE_SS_VECTOR, 0));
	m = machine_new(LONG64, 0);
	REG(m, RSP) = 0x0000800000000000;
	CHECK(machine_faulted(m, RUN(m, 0x58), LODGE_SS_VECTOR, 0));
	REG(m, RBP) = 0x0000800000000000;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x45, 0x00), LODGE_SS_VECTOR,
			      0));
	CHECK(machine_faulted(m, RUN(m, 0x3e, 0x8b, 0x45, 0x00),
			      LODGE_SS_VECTOR, 0));
	REG(m, RBX) = 0x00007ffffffffffd;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x03), LODGE_GP, 0));
	return true;
}

static bool fetch_faults(void)
{
	struct machine *m = machine_new(LONG64, 3);

	m->regs.rip = CODE + 4096 - 2;
	m->page[CODE / 4096 + 1] = 0;
	CHECK(machine_faulted(m, RUN(m, 0x48, 0x8b, 0x03), LODGE_PF,
			      LODGE_PF_U | LODGE_PF_I));
	CHECK(m->e.fault.cr2 == CODE + 4096);
	CHECK(RUN(m, 0x8b, 0xc3) == LODGE_EMUL_OK);
	/* one byte given, the rest fetched from the next page */
	m->page[CODE / 4096 + 1] = PAGE_P | PAGE_U;
	m->regs.rip = CODE + 4096 - 2;
	machine_poke(m, CODE + 4096 - 2, 0x00c0c748, 7);
	CHECK(lodge_emul_decode(&m->e, (const u8 *)"\x48", 1) ==
	      LODGE_EMUL_OK);
	CHECK(m->e.insn.len == 7);
	/* devices hold no code */
	m->regs.rip = USER_MMIO;
	CHECK(lodge_emul_decode(&m->e, NULL, 0) == LODGE_EMUL_UNHANDLED);
	m->regs.rip = 0x0000800000000000;
	CHECK(lodge_emul_decode(&m->e, NULL, 0) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_GP);
	return true;
}

static bool code_limit(void)
{
	struct machine *m = machine_new(PROT32, 0);

	m->regs.seg[LODGE_CS].limit = CODE + 1;
	CHECK(RUN(m, 0x8b, 0xc3) == LODGE_EMUL_OK);
	m->regs.rip = CODE;
	CHECK(machine_faulted(m, RUN(m, 0x66, 0x8b, 0xc3), LODGE_GP, 0));
	/* what hardware gives beyond the limit does not count */
	CHECK(lodge_emul_decode(&m->e, (const u8 *)"\x66\x8b\xc3", 3) ==
	      LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_GP);
	/* nor does a jump there */
	CHECK(machine_faulted(m, RUN(m, 0xeb, 0x00), LODGE_GP, 0));
	return true;
}

static bool too_long(void)
{
	struct machine *m = machine_new(LONG64, 0);
	u8 code[16];

	memset(code, 0x2e, sizeof(code));
	code[14] = 0x90;
	CHECK(machine_run(m, code, 15) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == CODE + 15);
	m->regs.rip = CODE;
	code[14] = 0x2e;
	code[15] = 0x90;
	CHECK(machine_faulted(m, machine_run(m, code, 16), LODGE_GP, 0));
	return true;
}

static bool undefined(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = DATA;
#define IS_UD(...)	CHECK(machine_faulted(m, RUN(m, __VA_ARGS__), LODGE_UD, 0))
	IS_UD(0x0f, 0x0b);				/* UD2 */
	IS_UD(0xf0, 0x01, 0xc8);			/* LOCK on registers */
	IS_UD(0xf0, 0x03, 0x03);			/* LOCK, memory source */
	IS_UD(0xf0, 0x39, 0x03);			/* LOCK CMP */
	IS_UD(0xf0, 0x89, 0x03);			/* LOCK MOV */
	IS_UD(0xf0, 0xa4);				/* LOCK MOVS */
	IS_UD(0x60);					/* PUSHA */
	IS_UD(0x9a, 0, 0, 0, 0, 0, 0);			/* CALL far */
	IS_UD(0x27);					/* DAA */
	IS_UD(0x8e, 0xc8);				/* MOV to CS */
	IS_UD(0x8e, 0xf0);				/* MOV to no segment */
	IS_UD(0x8d, 0xc0);				/* LEA of a register */
	IS_UD(0x0f, 0x20, 0xc8);			/* CR1 */
	IS_UD(0x0f, 0x22, 0xe8);			/* CR5 */
	IS_UD(0xc6, 0x08, 0x00);			/* group 11, /1 */
	IS_UD(0xff, 0x3b);				/* group 5, /7 */
	IS_UD(0x0f, 0xba, 0x03, 0x00);			/* group 8, /0 */
	m->regs.cr4 |= LODGE_CR4_DE;
	IS_UD(0x0f, 0x21, 0xe0);			/* DR4 with DE */
	m->regs.cr4 &= ~LODGE_CR4_OSFXSR;
	IS_UD(0x0f, 0x10, 0x03);			/* SSE not enabled */
	m->regs.cr4 |= LODGE_CR4_OSFXSR;
	m->regs.cr0 |= LODGE_CR0_EM;
	IS_UD(0x0f, 0x10, 0x03);
	m->regs.cr0 ^= LODGE_CR0_EM | LODGE_CR0_TS;
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x10, 0x03), LODGE_NM, 0));
	m = machine_new(REAL, 0);
	IS_UD(0x0f, 0x00, 0xd8);			/* LTR */
	IS_UD(0x0f, 0x00, 0xc0);			/* SLDT */
	return true;
}

static bool privileged(void)
{
	struct machine *m = machine_new(LONG64, 3);

	machine_poke(m, TSS + 0x66, 0x68, 2);	/* no bitmap in the TSS */
#define IS_GP(...)	CHECK(machine_faulted(m, RUN(m, __VA_ARGS__), LODGE_GP, 0))
	IS_GP(0xf4);					/* HLT */
	IS_GP(0x0f, 0x06);				/* CLTS */
	IS_GP(0x0f, 0x20, 0xc0);
	IS_GP(0x0f, 0x22, 0xc0);
	IS_GP(0x0f, 0x21, 0xc0);
	IS_GP(0x0f, 0x23, 0xc0);
	IS_GP(0x0f, 0x30);
	IS_GP(0x0f, 0x32);
	IS_GP(0x0f, 0x08);
	IS_GP(0x0f, 0x09);
	IS_GP(0x0f, 0x01, 0x13);			/* LGDT */
	IS_GP(0x0f, 0x01, 0xf0);			/* LMSW */
	IS_GP(0x0f, 0x01, 0x3b);			/* INVLPG */
	IS_GP(0x0f, 0x01, 0xf8);			/* SWAPGS */
	IS_GP(0x0f, 0x00, 0xd8);			/* LTR */
	IS_GP(0xfa);					/* CLI */
	IS_GP(0xfb);
	IS_GP(0xe4, 0x60);				/* IN */
	m->regs.cr4 |= LODGE_CR4_OSXSAVE;
	IS_GP(0x0f, 0x01, 0xd1);			/* XSETBV */
	CHECK(RUN(m, 0x0f, 0x01, 0xe0) == LODGE_EMUL_OK);	/* SMSW */
	CHECK(RUN(m, 0x0f, 0x31) == LODGE_EMUL_OK);	/* RDTSC */
	m->regs.cr4 |= LODGE_CR4_UMIP | LODGE_CR4_TSD;
	IS_GP(0x0f, 0x01, 0xe0);
	IS_GP(0x0f, 0x01, 0x03);			/* SGDT */
	IS_GP(0x0f, 0x00, 0xc8);			/* STR */
	IS_GP(0x0f, 0x31);
	IS_GP(0x0f, 0x01, 0xf9);
	IS_GP(0x0f, 0x33);				/* RDPMC */
	m->regs.rflags |= LODGE_RFLAGS_IOPL;
	CHECK(RUN(m, 0xfa) == LODGE_EMUL_OK);
	CHECK(RUN(m, 0xe4, 0x60) == LODGE_EMUL_OK);
	return true;
}

static bool alignment(void)
{
	struct machine *m = machine_new(LONG64, 3);

	REG(m, RBX) = DATA + 2;
	m->regs.rflags |= LODGE_RFLAGS_AC;
	CHECK(RUN(m, 0x8b, 0x03) == LODGE_EMUL_OK);
	m->regs.cr0 |= LODGE_CR0_AM;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x03), LODGE_AC, 0));
	CHECK(RUN(m, 0x66, 0x8b, 0x03) == LODGE_EMUL_OK);
	CHECK(RUN(m, 0x8a, 0x43, 0x01) == LODGE_EMUL_OK);
	/* the supervisor may */
	m->regs.seg[LODGE_SS].ar &= ~LODGE_AR_DPL;
	CHECK(RUN(m, 0x8b, 0x03) == LODGE_EMUL_OK);
	/* MOVAPS must be aligned for everyone */
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x28, 0x03), LODGE_GP, 0));
	return true;
}

static bool divide_errors(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RDX) = 1;
	REG(m, RBX) = 1;
	CHECK(machine_faulted(m, RUN(m, 0x48, 0xf7, 0xf3), LODGE_DE, 0));
	REG(m, RDX) = 0;
	REG(m, RBX) = 0;
	CHECK(machine_faulted(m, RUN(m, 0xf6, 0xf3), LODGE_DE, 0));
	/* the most negative number, divided by -1 */
	REG(m, RAX) = 0x8000000000000000;
	REG(m, RDX) = ~0ULL;
	REG(m, RBX) = ~0ULL;
	CHECK(machine_faulted(m, RUN(m, 0x48, 0xf7, 0xfb), LODGE_DE, 0));
	m = machine_new(REAL, 0);
	CHECK(machine_faulted(m, RUN(m, 0xd4, 0x00), LODGE_DE, 0));
	return true;
}

/* Part of a REP is done when a fault comes: that part counts. */
static bool rep_faults_in_the_middle(void)
{
	struct machine *m = machine_new(LONG64, 0);

	m->page[DATA / 4096 + 1] = 0;
	REG(m, RDI) = DATA + 4096 - 8;
	REG(m, RCX) = 4;
	CHECK(RUN(m, 0xf3, 0xab) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_PF);
	CHECK(m->e.fault.cr2 == DATA + 4096);
	CHECK(REG(m, RCX) == 2 && REG(m, RDI) == DATA + 4096);
	CHECK(m->regs.rip == CODE);
	return true;
}

static bool software_interrupts(void)
{
	struct machine *m = machine_new(LONG64, 3);

	CHECK(machine_faulted(m, RUN(m, 0xcd, 0x80), 0x80, 0));
	CHECK(m->e.fault.kind == LODGE_FAULT_SOFT_INT && m->e.insn.len == 2);
	CHECK(RUN(m, 0xcc) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.kind == LODGE_FAULT_SOFT_EXC &&
	      m->e.fault.vector == LODGE_BP);
	CHECK(machine_faulted(m, RUN(m, 0xf1), LODGE_DB, 0));
	CHECK(m->e.fault.kind == LODGE_FAULT_PRIV_EXC);
	m = machine_new(PROT32, 0);
	CHECK(RUN(m, 0xce) == LODGE_EMUL_OK);		/* INTO */
	m->regs.rflags |= LODGE_RFLAGS_OF;
	CHECK(RUN(m, 0xce) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_OF);
	machine_poke(m, DATA, 0x0000000500000002, 8);
	REG(m, RAX) = 6;
	CHECK(machine_faulted(m, RUN(m, 0x62, 0x05, 0x00, 0x40, 0, 0),
			      LODGE_BR, 0));
	return true;
}

static bool unknown(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = USER_MMIO;
	/* nothing is read for an instruction that is not known */
	CHECK(RUN(m, 0xd9, 0x03) == LODGE_EMUL_UNHANDLED);	/* FLD */
	CHECK(RUN(m, 0xc5, 0xfa, 0x6f, 0x03) == LODGE_EMUL_UNHANDLED);
	CHECK(m->e.insn.len == 4 && m->e.insn.bytes[0] == 0xc5);
	CHECK(RUN(m, 0x0f, 0x6f, 0x03) == LODGE_EMUL_UNHANDLED);
	CHECK(RUN(m, 0xf2, 0x0f, 0x38, 0xf1, 0x03) == LODGE_EMUL_UNHANDLED);
	CHECK(m->nr_events == 0 && m->user_exits == 0);
	return true;
}

const struct ktap_test fault_tests[] = {
	{ "page fault on the second page writes neither",
	  write_across_pages },
	{ "descriptor tables are read as the supervisor", implicit_access },
	{ "faults on the stack leave its pointer alone", stack_faults },
	{ "faults in fetching code", fetch_faults },
	{ "limit of the code segment", code_limit },
	{ "instructions of more than 15 bytes", too_long },
	{ "undefined instructions", undefined },
	{ "privileged instructions", privileged },
	{ "alignment checks", alignment },
	{ "divide errors", divide_errors },
	{ "fault in the middle of a REP", rep_faults_in_the_middle },
	{ "software interrupts are for the caller", software_interrupts },
	{ "unknown instructions touch nothing", unknown },
	{ }
};
