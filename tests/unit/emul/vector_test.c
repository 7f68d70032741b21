// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPU can't be asked from userspace, by explicit vectors from the
 * manuals: the other modes, and the operating system's instructions.
 * Segments and far transfers are in seg_test.c.
 *
 * Called from main.c. Next: seg_test.c.
 */
#include "machine.h"

static bool real_addressing(void)
{
	struct machine *m = machine_new(REAL, 0);

	m->regs.seg[LODGE_DS].base = 0x1000;
	m->regs.seg[LODGE_ES].base = 0x2000;
	m->regs.seg[LODGE_SS].base = 0x3000;
	machine_poke(m, 0x1000 + 0x1234, 0xaaaa, 2);
	machine_poke(m, 0x2000 + 0x1234, 0xbbbb, 2);
	machine_poke(m, 0x3000 + 0x1234, 0xcccc, 2);
	REG(m, RBX) = 0x1200;
	REG(m, RSI) = 0x30;
	REG(m, RBP) = 0x1200;
	CHECK(RUN(m, 0x8b, 0x40, 0x04) == LODGE_EMUL_OK); /* 4(%bx,%si) */
	CHECK(REG(m, RAX) == 0xaaaa);
	CHECK(RUN(m, 0x8b, 0x42, 0x04) == LODGE_EMUL_OK); /* 4(%bp,%si) */
	CHECK(REG(m, RAX) == 0xcccc);
	CHECK(RUN(m, 0x26, 0x8b, 0x42, 0x04) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 0xbbbb);
	CHECK(RUN(m, 0xa1, 0x34, 0x12) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 0xaaaa);
	/* offsets wrap, but an access does not */
	REG(m, RBX) = 0xffff;
	CHECK(RUN(m, 0x8b, 0x80, 0x05, 0x12) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 0xaaaa);
	REG(m, RSI) = 0;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x00), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0x36, 0x8b, 0x00), LODGE_SS_VECTOR,
			      0));
	/* 32-bit addresses are subject to the limit too, unless it is 4G */
	REG(m, RBX) = 0x12345;
	CHECK(machine_faulted(m, RUN(m, 0x67, 0x8b, 0x03), LODGE_GP, 0));
	m->regs.seg[LODGE_DS].limit = ~0U;
	machine_poke(m, 0x13345, 0xdddd, 2);
	CHECK(RUN(m, 0x67, 0x8b, 0x03) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 0xdddd);
	return true;
}

static bool real_transfers(void)
{
	struct machine *m = machine_new(REAL, 0);

	/* call 0x0800:0x0010, and back */
	CHECK(RUN(m, 0x9a, 0x10, 0x00, 0x00, 0x08) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x10 && m->regs.seg[LODGE_CS].base == 0x8000);
	CHECK(m->regs.seg[LODGE_CS].sel == 0x800);
	CHECK(m->e.changed & LODGE_R_SEGS);
	CHECK(REG(m, RSP) == STACK - 4);
	CHECK(machine_peek(m, STACK - 4, 4) == CODE + 5);
	CHECK(RUN(m, 0xcb) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == CODE + 5 && m->regs.seg[LODGE_CS].base == 0);
	/* interrupt and return */
	machine_poke(m, 0x10 * 4, 0x09000020, 4);
	m->regs.rflags |= LODGE_RFLAGS_IF | LODGE_RFLAGS_CF;
	CHECK(RUN(m, 0xcd, 0x10) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x20 && m->regs.seg[LODGE_CS].base == 0x9000);
	CHECK(!(m->regs.rflags & LODGE_RFLAGS_IF));
	CHECK(machine_peek(m, STACK - 2, 2) == (LODGE_RFLAGS_1 |
	      LODGE_RFLAGS_IF | LODGE_RFLAGS_CF));
	m->regs.rflags &= ~LODGE_RFLAGS_CF;
	m->regs.nmi_blocked = 1;
	CHECK(RUN(m, 0xcf) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == CODE + 7 && m->regs.seg[LODGE_CS].base == 0);
	CHECK(m->regs.rflags == (LODGE_RFLAGS_1 | LODGE_RFLAGS_IF |
	      LODGE_RFLAGS_CF));
	CHECK(!m->regs.nmi_blocked);
	m->regs.idt.limit = 0x3f;
	CHECK(machine_faulted(m, RUN(m, 0xcd, 0x10), LODGE_GP, 0x82));
	/* lds 0x4000, %di; jmp *0x4000 */
	machine_poke(m, DATA, 0x12340056, 4);
	CHECK(RUN(m, 0xc5, 0x3e, 0x00, 0x40) == LODGE_EMUL_OK);
	CHECK(REG(m, RDI) == 0x56);
	CHECK(m->regs.seg[LODGE_DS].base == 0x12340);
	CHECK(m->regs.seg[LODGE_DS].limit == 0xffff);
	m->regs.seg[LODGE_DS].base = 0;
	CHECK(RUN(m, 0xff, 0x2e, 0x00, 0x40) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x56 && m->regs.seg[LODGE_CS].sel == 0x1234);
	return true;
}

static bool virtual_8086(void)
{
	struct machine *m = machine_new(V86, 3);
	u64 iopl3 = LODGE_RFLAGS_IOPL;

	CHECK(machine_faulted(m, RUN(m, 0xfa), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0x9c), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0x9d), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0xcf), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0xcd, 0x21), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0xf4), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x00, 0xd8), LODGE_UD, 0));
	/* with VME, IF is VIF */
	m->regs.cr4 |= LODGE_CR4_VME;
	CHECK(RUN(m, 0xfb) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags & LODGE_RFLAGS_VIF);
	CHECK(!(m->regs.rflags & LODGE_RFLAGS_IF));
	CHECK(RUN(m, 0x9c) == LODGE_EMUL_OK);
	CHECK(machine_peek(m, STACK - 2, 2) == (iopl3 | LODGE_RFLAGS_IF |
	      LODGE_RFLAGS_1));
	CHECK(RUN(m, 0xfa) == LODGE_EMUL_OK);
	CHECK(!(m->regs.rflags & LODGE_RFLAGS_VIF));
	CHECK(RUN(m, 0x9d) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags & LODGE_RFLAGS_VIF);
	CHECK(!(m->regs.rflags & iopl3));
	m->regs.rflags |= LODGE_RFLAGS_VIP;
	CHECK(machine_faulted(m, RUN(m, 0xfb), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0x66, 0x9c), LODGE_GP, 0));
	/* with IOPL 3 it is as in real mode */
	m = machine_new(V86, 3);
	m->regs.rflags |= iopl3;
	CHECK(RUN(m, 0xfb) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags & LODGE_RFLAGS_IF);
	CHECK(RUN(m, 0xcd, 0x21) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.kind == LODGE_FAULT_SOFT_INT);
	CHECK(RUN(m, 0x8e, 0xd8) == LODGE_EMUL_OK);
	CHECK(m->regs.seg[LODGE_DS].ar == 0xf3);
	return true;
}

static bool port_bitmap(void)
{
	struct machine *m = machine_new(PROT32, 3);

	m->regs.seg[LODGE_TR].limit = 0x68 + 8192;
	machine_poke(m, TSS + 0x66, 0x68, 2);
	memset(m->mem + TSS + 0x68, 0xff, 8193);
	machine_poke(m, TSS + 0x68 + 0x3f8 / 8, 0x00, 1);
	m->page[TSS / 4096] &= ~PAGE_U;
	REG(m, RDX) = 0x3f8;
	CHECK(RUN(m, 0xec) == LODGE_EMUL_OK);
	REG(m, RDX) = 0x3ff;
	CHECK(RUN(m, 0xee) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 2);
	CHECK(machine_faulted(m, RUN(m, 0xef), LODGE_GP, 0));
	REG(m, RDX) = 0x3f7;
	CHECK(machine_faulted(m, RUN(m, 0xec), LODGE_GP, 0));
	/* bits behind the TSS's limit do not permit */
	memset(m->mem + TSS + 0x68, 0, 8193);
	REG(m, RDX) = 0xffff;
	CHECK(RUN(m, 0xec) == LODGE_EMUL_OK);
	m->regs.seg[LODGE_TR].limit--;
	CHECK(machine_faulted(m, RUN(m, 0xec), LODGE_GP, 0));
	CHECK(m->nr_events == 3);
	return true;
}

static bool control_registers(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = 0x1122334455667788;
	CHECK(RUN(m, 0x0f, 0x22, 0xdb) == LODGE_EMUL_OK); /* to CR3 */
	CHECK(m->cr == 3 && m->cr_value == 0x1122334455667788);
	CHECK(RUN(m, 0x44, 0x0f, 0x20, 0xc0) == LODGE_EMUL_OK);
	CHECK(m->cr == 8 && REG(m, RAX) == 0x1111000000000008);
	/* the ModRM byte says memory: it is a register all the same */
	CHECK(RUN(m, 0x0f, 0x20, 0x10) == LODGE_EMUL_OK);
	CHECK(m->cr == 2 && REG(m, RAX) == 0x1111000000000002);
	CHECK(m->regs.rip == CODE + 3 + 4 + 3);
	REG(m, RAX) = 0xbad;
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x22, 0xe0), LODGE_GP, 0));
	CHECK(RUN(m, 0x0f, 0x23, 0xdb) == LODGE_EMUL_OK); /* to DR3 */
	CHECK(m->dr == 3 && m->dr_value == 0x1122334455667788);
	CHECK(RUN(m, 0x0f, 0x23, 0xeb) == LODGE_EMUL_OK); /* DR5 is DR7 */
	CHECK(m->dr == 7);
	CHECK(RUN(m, 0x0f, 0x21, 0xf1) == LODGE_EMUL_OK);
	CHECK(REG(m, RCX) == 0x2222000000000006);
	m->regs.cr0 |= LODGE_CR0_TS;
	CHECK(RUN(m, 0x0f, 0x06) == LODGE_EMUL_OK);
	CHECK(m->cr == 0 && m->cr_value == (m->regs.cr0 & ~LODGE_CR0_TS));
	/* LMSW leaves PE set and touches the low four bits only */
	REG(m, RAX) = 0xfff4;
	CHECK(RUN(m, 0x0f, 0x01, 0xf0) == LODGE_EMUL_OK);
	CHECK(m->cr_value == (LODGE_CR0_PG | LODGE_CR0_ET | LODGE_CR0_EM |
			      LODGE_CR0_PE));
	CHECK(RUN(m, 0x0f, 0x01, 0xe3) == LODGE_EMUL_OK);	/* SMSW */
	CHECK(REG(m, RBX) == (u32)m->regs.cr0);
	m = machine_new(PROT32, 0);
	CHECK(RUN(m, 0x0f, 0x20, 0xd8) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 3);
	return true;
}

static bool system_instructions(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RAX) = 0x40000000;
	CHECK(RUN(m, 0x0f, 0xa2) == LODGE_EMUL_OK);
	CHECK(m->system == LODGE_SYS_CPUID && REG(m, RAX) == 7 &&
	      REG(m, RBX) == 0x40000001 && m->regs.rip == CODE + 2);
	REG(m, RCX) = 0xc0000080;
	REG(m, RDX) = 0xffffffff00000001;
	REG(m, RAX) = 0xffffffff00000500;
	CHECK(RUN(m, 0x0f, 0x30) == LODGE_EMUL_OK);
	CHECK(m->msr == 0xc0000080 && m->msr_value == 0x100000500);
	CHECK(RUN(m, 0x0f, 0x32) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 0xc0000080 && REG(m, RDX) == 0x12345678);
	REG(m, RCX) = 0xbad;
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x32), LODGE_GP, 0));
	m->regs.seg[LODGE_FS].base = 0x100000000;
	REG(m, RBX) = 0x1000;
	CHECK(RUN(m, 0x64, 0x0f, 0x01, 0x3b) == LODGE_EMUL_OK);
	CHECK(m->system == LODGE_SYS_INVLPG && m->arg == 0x100001000);
	REG(m, RAX) = 1;
	REG(m, RBX) = DATA;
	machine_poke(m, DATA, 0x123, 8);
	CHECK(RUN(m, 0x66, 0x0f, 0x38, 0x82, 0x03) == LODGE_EMUL_OK);
	CHECK(m->system == LODGE_SYS_INVPCID && m->arg == 1 &&
	      m->e.buf[0] == 0x23);
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x38, 0x82, 0x03), LODGE_UD, 0));
	REG(m, RAX) = DATA;
	CHECK(RUN(m, 0x64, 0x0f, 0x01, 0xc8) == LODGE_EMUL_OK);
	CHECK(m->system == LODGE_SYS_MONITOR && m->arg == 0x100000000 + DATA);
#define SYSTEM(what, ...) \
	CHECK(RUN(m, __VA_ARGS__) == LODGE_EMUL_OK && \
	      m->system == LODGE_SYS_##what)
	SYSTEM(HLT, 0xf4);
	SYSTEM(PAUSE, 0xf3, 0x90);
	SYSTEM(RDTSC, 0x0f, 0x31);
	SYSTEM(RDTSCP, 0x0f, 0x01, 0xf9);
	SYSTEM(RDPMC, 0x0f, 0x33);
	SYSTEM(INVD, 0x0f, 0x08);
	SYSTEM(WBINVD, 0x0f, 0x09);
	SYSTEM(VMMCALL, 0x0f, 0x01, 0xd9);
	SYSTEM(VMCALL, 0x0f, 0x01, 0xc1);
	SYSTEM(MWAIT, 0x0f, 0x01, 0xc9);
	SYSTEM(RSM, 0x0f, 0xaa);
	SYSTEM(CLFLUSH, 0x0f, 0xae, 0x3b);
	SYSTEM(VMX_SVM, 0x0f, 0x01, 0xd8);
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x01, 0xd1), LODGE_UD, 0));
	m->regs.cr4 |= LODGE_CR4_OSXSAVE;
	SYSTEM(XSETBV, 0x0f, 0x01, 0xd1);
	m->system = -1;
	CHECK(RUN(m, 0x90) == LODGE_EMUL_OK && m->system == -1);
	/* with REX.B it is XCHG */
	REG(m, R8) = 1;
	REG(m, RAX) = 2;
	CHECK(RUN(m, 0x49, 0x90) == LODGE_EMUL_OK && REG(m, R8) == 2);
	return true;
}

static bool shadow_and_traps(void)
{
	struct machine *m = machine_new(PROT32, 0);

	machine_descriptor(m, 2, 0, ~0U, 0xc093);
	CHECK(RUN(m, 0xfb) == LODGE_EMUL_OK);		/* STI */
	CHECK(m->regs.shadow == LODGE_SHADOW_STI);
	CHECK(m->e.changed & LODGE_R_SHADOW);
	/* a second one has no shadow: IF was set */
	CHECK(RUN(m, 0xfb) == LODGE_EMUL_OK && m->regs.shadow == 0);
	REG(m, RAX) = 0x10;
	m->regs.rflags |= LODGE_RFLAGS_TF | LODGE_RFLAGS_RF;
	CHECK(RUN(m, 0x8e, 0xd0) == LODGE_EMUL_OK);	/* to SS */
	CHECK(m->regs.shadow == LODGE_SHADOW_MOVSS && !m->e.trap_db);
	CHECK(!(m->regs.rflags & LODGE_RFLAGS_RF));
	CHECK(RUN(m, 0x90) == LODGE_EMUL_OK);
	CHECK(m->regs.shadow == 0 && m->e.trap_db);
	/* single-stepping stops after each iteration */
	REG(m, RCX) = 3;
	REG(m, RDI) = DATA;
	CHECK(STEP(m, 0xf3, 0xaa) == LODGE_EMUL_OK);
	CHECK(m->e.again && m->e.trap_db && REG(m, RCX) == 2);
	m->regs.rflags &= ~LODGE_RFLAGS_TF;
	/* TF that POPF sets is for the next instruction */
	machine_poke(m, STACK - 4, LODGE_RFLAGS_TF, 4);
	REG(m, RSP) = STACK - 4;
	CHECK(RUN(m, 0x9d) == LODGE_EMUL_OK && !m->e.trap_db);
	CHECK(m->regs.rflags & LODGE_RFLAGS_TF);
	return true;
}

/* Who may change IOPL and IF. */
static bool flags_by_privilege(void)
{
	u64 all = LODGE_RFLAGS_IOPL | LODGE_RFLAGS_IF | LODGE_RFLAGS_NT |
		  LODGE_RFLAGS_ID | LODGE_RFLAGS_VM | LODGE_RFLAGS_RF;
	struct machine *m = machine_new(LONG64, 3);

	machine_poke(m, STACK, all, 8);
	CHECK(RUN(m, 0x9d) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags == (LODGE_RFLAGS_1 | LODGE_RFLAGS_NT |
				 LODGE_RFLAGS_ID));
	m = machine_new(LONG64, 0);
	machine_poke(m, STACK, all, 8);
	CHECK(RUN(m, 0x9d) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags == (LODGE_RFLAGS_1 | LODGE_RFLAGS_NT |
	      LODGE_RFLAGS_ID | LODGE_RFLAGS_IOPL | LODGE_RFLAGS_IF));
	m->regs.rflags |= LODGE_RFLAGS_RF;
	CHECK(RUN(m, 0x9c) == LODGE_EMUL_OK);
	CHECK(!(machine_peek(m, STACK, 8) & LODGE_RFLAGS_RF));
	return true;
}

/* Another CPU writes in between: only what is locked notices. */
static bool atomic_updates(void)
{
	struct machine *m = machine_new(LONG64, 0);
	struct lodge_regs before;

	REG(m, RBX) = DATA;
	REG(m, RCX) = 0x10;
#define DECODE(...) do { \
	memcpy(m->mem + m->regs.rip, (const u8[]){ __VA_ARGS__ }, \
	       sizeof((const u8[]){ __VA_ARGS__ })); \
	m->race = false; \
	CHECK(lodge_emul_decode(&m->e, NULL, 0) == LODGE_EMUL_OK); \
	m->race = true; \
	before = m->regs; \
} while (0)
#define LOSES(...) do { \
	DECODE(__VA_ARGS__); \
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_RETRY); \
	CHECK(!memcmp(&before, &m->regs, sizeof(before))); \
} while (0)
	LOSES(0xf0, 0x01, 0x0b);			/* LOCK ADD */
	CHECK(m->mem[DATA] == 1);
	LOSES(0x87, 0x0b);				/* XCHG */
	LOSES(0xf0, 0x0f, 0xb1, 0x0b);			/* LOCK CMPXCHG */
	LOSES(0xf0, 0x0f, 0xab, 0x0b);			/* LOCK BTS */
	LOSES(0xf0, 0x0f, 0xc7, 0x0b);			/* LOCK CMPXCHG8B */
	CHECK(m->mem[DATA] == 5);
	DECODE(0x01, 0x0b);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(m->mem[DATA] == 0x15);
	return true;
}

static bool rip_wraps(void)
{
	struct machine *m = machine_new(PROT32, 0);

	m->regs.seg[LODGE_CS].base = CODE;
	m->regs.rip = 0xfffffffe;
	memcpy(m->mem + CODE - 2, "\x8b\xc3", 2);
	CHECK(lodge_emul_decode(&m->e, NULL, 0) == LODGE_EMUL_OK);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0);
	return true;
}

const struct ktap_test vector_tests[] = {
	{ "real mode: addresses and limits", real_addressing },
	{ "real mode: far transfers and interrupts", real_transfers },
	{ "virtual-8086 mode", virtual_8086 },
	{ "I/O permission bitmap", port_bitmap },
	{ "control and debug registers", control_registers },
	{ "instructions handed to the caller", system_instructions },
	{ "interrupt shadow and single-step traps", shadow_and_traps },
	{ "flags that privilege guards", flags_by_privilege },
	{ "locked instructions are atomic", atomic_updates },
	{ "RIP of 32 bits wraps around", rip_wraps },
	{ }
};
