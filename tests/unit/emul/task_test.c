// SPDX-License-Identifier: GPL-2.0
/*
 * Task switches: what is saved, what is loaded, and each fault in its task.
 *
 * Called from main.c. Next: fault_test.c.
 */
#include "../../../kmod/exit.h"
#include "machine.h"

/* Selectors; the TSS of machine_new() has 0x18 and lies at TSS. */
enum {
	CODE0 = 0x08, DATA0 = 0x10, OLD = 0x18, NEW = 0x20, NEW16 = 0x28,
	CODE3 = 0x30, DATA3 = 0x38, LDT_SEG = 0x40, ABSENT_DATA = 0x48,
	ABSENT_CODE = 0x50, BUSY = 0x58, SHORT = 0x60, ABSENT_TSS = 0x68,
	CONFORM = 0x70, EXEC_ONLY = 0x78, ABSENT_LDT = 0x80,
	ABSENT_STACK = 0x88, SHORT16 = 0x90,
};

#define TSS2	0x2800
#define TSS3	0x2fe0		/* its last bytes are on another page */
#define LDT	0x1800
#define NEW_SP	0x6000

static void poke32(struct machine *m, u32 tss, unsigned int field, u32 v)
{
	machine_poke(m, tss + field, v, 4);
}

/* A TSS whose fields all differ. */
static void fill_tss(struct machine *m, u32 tss)
{
	static const u16 sel[] = { DATA0, CODE0, DATA0, DATA0, 0, 0, LDT_SEG };
	unsigned int i;

	poke32(m, tss, 0x1c, 0x5000);
	poke32(m, tss, 0x20, 0x7777);
	poke32(m, tss, 0x24, 0x3202);
	for (i = 0; i < 8; i++)
		poke32(m, tss, 0x28 + i * 4, 0xa0000001 + i * 0x11);
	poke32(m, tss, 0x38, NEW_SP);
	for (i = 0; i < 7; i++)
		poke32(m, tss, 0x48 + i * 4, sel[i]);
}

static void fill_tss16(struct machine *m, u32 tss)
{
	static const u16 sel[] = { DATA0, CODE0, DATA0, DATA0, 0 };
	unsigned int i;

	machine_poke(m, tss + 0x0e, 0x7777, 2);
	machine_poke(m, tss + 0x10, 0x3202, 2);
	for (i = 0; i < 8; i++)
		machine_poke(m, tss + 0x12 + i * 2, 0xb001 + i * 0x11, 2);
	machine_poke(m, tss + 0x1a, NEW_SP, 2);
	for (i = 0; i < 5; i++)
		machine_poke(m, tss + 0x22 + i * 2, sel[i], 2);
}

static struct machine *new_machine(void)
{
	struct machine *m = machine_new(PROT32, 0);
	unsigned int i;

	machine_descriptor(m, CODE0 / 8, 0, ~0U, 0xc09b);
	machine_descriptor(m, DATA0 / 8, 0, ~0U, 0xc093);
	machine_descriptor(m, OLD / 8, TSS, 0x67, 0x008b);
	machine_descriptor(m, NEW / 8, TSS2, 0x67, 0x0089);
	machine_descriptor(m, NEW16 / 8, TSS3, 0x2b, 0x0081);
	machine_descriptor(m, CODE3 / 8, 0, ~0U, 0xc0fb);
	machine_descriptor(m, DATA3 / 8, 0, ~0U, 0xc0f3);
	machine_descriptor(m, LDT_SEG / 8, LDT, 0xf, 0x0082);
	machine_descriptor(m, ABSENT_DATA / 8, 0, ~0U, 0xc072);
	machine_descriptor(m, ABSENT_CODE / 8, 0, ~0U, 0xc01a);
	machine_descriptor(m, BUSY / 8, TSS2, 0x67, 0x008b);
	machine_descriptor(m, SHORT / 8, TSS2, 0x66, 0x0089);
	machine_descriptor(m, ABSENT_TSS / 8, TSS2, 0x67, 0x0009);
	machine_descriptor(m, CONFORM / 8, 0, ~0U, 0xc09f);
	machine_descriptor(m, EXEC_ONLY / 8, 0, ~0U, 0xc0f8);
	machine_descriptor(m, ABSENT_LDT / 8, LDT, 0xf, 0x0002);
	machine_descriptor(m, ABSENT_STACK / 8, 0, ~0U, 0xc013);
	machine_descriptor(m, SHORT16 / 8, TSS2, 0x2a, 0x0081);
	machine_poke(m, LDT + 8, machine_peek(m, GDT + DATA0, 8), 8);
	fill_tss(m, TSS2);
	fill_tss16(m, TSS3);
	for (i = 0; i < 8; i++)
		m->regs.gpr[i] = 0x1110001 * (i + 1);
	m->regs.rflags |= LODGE_RFLAGS_CF | LODGE_RFLAGS_NT | LODGE_RFLAGS_RF;
	m->regs.shadow = LODGE_SHADOW_MOVSS;
	m->regs.dr7 = 0x7ff;
	m->regs.cr3 = 0x1234000;
	return m;
}

static int switch_to(struct machine *m, u16 sel, u8 reason)
{
	struct lodge_task_switch t = {
		.next_rip = 0x7123, .sel = sel, .reason = reason,
	};

	return machine_task(m, &t);
}

static bool busy(const struct machine *m, u16 sel)
{
	return m->mem[GDT + sel + 5] & 2;
}

static bool jump(void)
{
	struct machine *m = new_machine();
	const struct lodge_regs *r = &m->regs;
	unsigned int i;

	machine_poke(m, TSS + 0x4a, 0x5a5a, 2);		/* reserved */
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_OK);
	CHECK(r->rip == 0x7777 && r->rflags == 0x3202);
	for (i = 0; i < 8; i++)
		CHECK(r->gpr[i] == (i == LODGE_RSP ? NEW_SP :
				    0xa0000001 + i * 0x11));
	CHECK(r->seg[LODGE_CS].sel == CODE0 && r->seg[LODGE_CS].ar == 0xc09b);
	CHECK(r->seg[LODGE_SS].sel == DATA0 && r->seg[LODGE_DS].ar == 0xc093);
	CHECK(r->seg[LODGE_FS].ar & LODGE_AR_UNUSABLE);
	CHECK(r->seg[LODGE_LDTR].sel == LDT_SEG &&
	      r->seg[LODGE_LDTR].base == LDT && r->seg[LODGE_LDTR].limit == 0xf);
	CHECK(r->seg[LODGE_TR].sel == NEW && r->seg[LODGE_TR].base == TSS2 &&
	      r->seg[LODGE_TR].ar == 0x8b);
	CHECK((r->cr0 & LODGE_CR0_TS) && r->cr3 == 0x1234000);
	CHECK(!r->shadow && r->dr7 == 0x6aa && !m->e.trap_db);
	CHECK((m->e.changed & (LODGE_R_SEGS | LODGE_R_CRS | LODGE_R_SHADOW |
			       LODGE_R_DRS)) == (LODGE_R_SEGS | LODGE_R_CRS |
						 LODGE_R_SHADOW | LODGE_R_DRS));
	CHECK(!busy(m, OLD) && busy(m, NEW));
	CHECK(machine_peek(m, TSS2, 2) == 0);		/* no link */
	/* the old one: flags without RF, selectors of two bytes */
	CHECK(machine_peek(m, TSS + 0x20, 4) == 0x7123);
	CHECK(machine_peek(m, TSS + 0x24, 4) == 0x4003);
	for (i = 0; i < 8; i++)
		CHECK(machine_peek(m, TSS + 0x28 + i * 4, 4) ==
		      0x1110001 * (i + 1));
	CHECK(machine_peek(m, TSS + 0x48, 4) == (0x5a5a0000 | DATA0));
	CHECK(machine_peek(m, TSS + 0x4c, 4) == CODE0);
	CHECK(machine_peek(m, TSS + 0x60, 8) == 0);
	return true;
}

static bool call_and_return(void)
{
	struct machine *m = new_machine();
	struct lodge_regs old = m->regs;

	CHECK(switch_to(m, NEW, LODGE_TASK_CALL) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags == (0x3202 | LODGE_RFLAGS_NT));
	CHECK(machine_peek(m, TSS2, 2) == OLD);
	CHECK(busy(m, OLD) && busy(m, NEW));
	m->regs.nmi_blocked = 1;
	CHECK(switch_to(m, OLD, LODGE_TASK_IRET) == LODGE_EMUL_OK);
	CHECK(busy(m, OLD) && !busy(m, NEW));
	CHECK(!(machine_peek(m, TSS2 + 0x24, 4) & LODGE_RFLAGS_NT));
	CHECK(m->regs.rip == 0x7123 && !m->regs.nmi_blocked);
	CHECK(m->regs.rflags == (old.rflags & ~LODGE_RFLAGS_RF));
	CHECK(!memcmp(m->regs.gpr, old.gpr, sizeof(old.gpr)));
	CHECK(m->regs.seg[LODGE_CS].sel == old.seg[LODGE_CS].sel);
	CHECK(m->regs.seg[LODGE_TR].base == TSS);
	return true;
}

static bool short_format(void)
{
	struct machine *m = new_machine();
	const struct lodge_regs *r = &m->regs;
	unsigned int i;

	m->regs.cr0 |= LODGE_CR0_PG;
	m->page[3] = PAGE_P;		/* only read, but for the link */
	CHECK(switch_to(m, NEW16, LODGE_TASK_CALL) == LODGE_EMUL_OK);
	CHECK(r->rip == 0x7777 && r->rflags == (0x3202 | LODGE_RFLAGS_NT));
	for (i = 0; i < 8; i++)
		CHECK((u16)r->gpr[i] == (i == LODGE_RSP ? NEW_SP :
					 0xb001 + i * 0x11));
	CHECK(r->seg[LODGE_DS].sel == DATA0 && r->seg[LODGE_GS].sel == 0);
	CHECK(r->seg[LODGE_GS].ar & LODGE_AR_UNUSABLE);
	CHECK(r->seg[LODGE_LDTR].ar & LODGE_AR_UNUSABLE);
	CHECK(r->cr3 == 0x1234000 && r->seg[LODGE_TR].ar == 0x83);
	CHECK(machine_peek(m, TSS3, 2) == OLD);
	/* and from there to the other; the link has another page's right */
	m->page[3] |= PAGE_W;
	m->regs.gpr[LODGE_RBX] = 0x12345678;
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_OK);
	CHECK(machine_peek(m, TSS3 + 0x0e, 2) == 0x7123);
	CHECK(machine_peek(m, TSS3 + 0x18, 2) == 0x5678);
	CHECK(machine_peek(m, TSS3 + 0x22, 8) ==
	      (DATA0 | CODE0 << 16 | (u64)DATA0 << 32 | (u64)DATA0 << 48));
	CHECK(machine_peek(m, TSS3 + 0x2a, 2) == 0);
	CHECK(r->cr3 == 0x5000);	/* with paging, a 32-bit one loads it */
	CHECK(!busy(m, NEW16) && m->mem[GDT + NEW16 + 5] == 0x81);
	return true;
}

static bool error_code(void)
{
	struct machine *m = new_machine();
	struct lodge_task_switch t = {
		.next_rip = 0x7123, .sel = NEW, .reason = LODGE_TASK_GATE,
		.has_error = true, .error = 0x1234, .external = true, .rf = true,
	};

	CHECK(machine_task(m, &t) == LODGE_EMUL_OK);
	CHECK(REG(m, RSP) == NEW_SP - 4);
	CHECK(machine_peek(m, NEW_SP - 4, 4) == 0x1234);
	CHECK(machine_peek(m, TSS + 0x24, 4) & LODGE_RFLAGS_RF);
	CHECK(machine_peek(m, TSS2, 2) == OLD && busy(m, OLD));
	/* two bytes by a 16-bit TSS */
	m = new_machine();
	t.sel = NEW16;
	CHECK(machine_task(m, &t) == LODGE_EMUL_OK);
	CHECK((u16)REG(m, RSP) == NEW_SP - 2);
	CHECK(machine_peek(m, NEW_SP - 2, 2) == 0x1234);
	/* a stack too small: in the new task, with EXT */
	m = new_machine();
	t.sel = NEW;
	machine_descriptor(m, DATA0 / 8, 0, 0xfff, 0x4093);
	CHECK(machine_task(m, &t) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_SS_VECTOR && m->e.fault.error == 1);
	CHECK(m->regs.rip == 0x7777 && REG(m, RSP) == NEW_SP);
	CHECK(busy(m, NEW));
	return true;
}

/* Nothing happens but the fault: not in registers, not in memory. */
static bool refused(struct machine *m, u16 sel, u8 reason, u8 vector, u32 error)
{
	static u8 mem[MEM_SIZE];
	int rc;

	memcpy(mem, m->mem, MEM_SIZE);
	rc = switch_to(m, sel, reason);
	return machine_faulted(m, rc, vector, error) &&
	       !memcmp(mem, m->mem, MEM_SIZE);
}

static bool refused_in_old(void)
{
	struct machine *m = new_machine();

#define NO_JMP(sel, vector, error) \
	CHECK(refused(m, sel, LODGE_TASK_JMP, vector, error))
#define NO_IRET(sel, vector, error) \
	CHECK(refused(m, sel, LODGE_TASK_IRET, vector, error))
	NO_JMP(0, LODGE_GP, 0);
	NO_JMP(NEW | 4, LODGE_GP, NEW | 4);
	NO_JMP(0x100, LODGE_GP, 0x100);		/* behind the limit */
	NO_JMP(DATA0, LODGE_GP, DATA0);
	NO_JMP(BUSY, LODGE_GP, BUSY);
	NO_JMP(ABSENT_TSS, LODGE_NP, ABSENT_TSS);
	NO_JMP(SHORT, LODGE_TS, SHORT);
	NO_JMP(SHORT16, LODGE_TS, SHORT16);
	NO_IRET(0, LODGE_TS, 0);
	NO_IRET(0x100, LODGE_TS, 0x100);
	NO_IRET(NEW, LODGE_TS, NEW);		/* not busy */
	NO_IRET(NEW | 4, LODGE_TS, NEW | 4);
	/* the old TSS has no room */
	m->regs.seg[LODGE_TR].limit = 0x5c;
	NO_JMP(NEW, LODGE_TS, OLD);
	m->regs.seg[LODGE_TR].limit = 0x5d;
	/* pages: of the old TSS, of the new one and its link, of the GDT */
	m->page[TSS / 4096] = PAGE_P;
	NO_JMP(NEW, LODGE_PF, LODGE_PF_P | LODGE_PF_W);
	CHECK(m->e.fault.cr2 == TSS + 0x20);
	m = new_machine();
	m->page[3] = 0;
	NO_JMP(NEW16, LODGE_PF, 0);
	m = new_machine();
	m->regs.seg[LODGE_TR].base = TSS + 0x4000;
	m->page[TSS2 / 4096] = PAGE_P;
	CHECK(refused(m, NEW, LODGE_TASK_CALL, LODGE_PF,
		      LODGE_PF_P | LODGE_PF_W));
	CHECK(m->e.fault.cr2 == TSS2);
	m = new_machine();
	m->page[GDT / 4096] = PAGE_P;
	NO_JMP(NEW, LODGE_PF, LODGE_PF_P | LODGE_PF_W);
	CHECK(m->e.fault.cr2 == GDT + NEW + 5);
	return true;
}

static bool bad_cr3(void)
{
	struct machine *m = new_machine();

	m->regs.cr0 |= LODGE_CR0_PG;
	poke32(m, TSS2, 0x1c, 0xbad);
	CHECK(machine_faulted(m, switch_to(m, NEW, LODGE_TASK_JMP), LODGE_GP,
			      0));
	CHECK(busy(m, OLD) && !busy(m, NEW));
	return true;
}

/* The switch is made, and then comes the fault. */
static bool faulted_in_new(struct machine *m, u8 vector, u32 error)
{
	int rc = switch_to(m, NEW, LODGE_TASK_CALL);
	const struct lodge_regs *r = &m->regs;

	if (rc == LODGE_EMUL_FAULT && m->e.fault.vector == vector &&
	    m->e.fault.error == error && m->e.fault.has_error &&
	    r->rip == 0x7777 && r->seg[LODGE_TR].sel == NEW && busy(m, NEW) &&
	    (r->cr0 & LODGE_CR0_TS) && machine_peek(m, TSS2, 2) == OLD)
		return true;
	ktap_diag("result %d, vector %u, error %x, rip %llx", rc,
		  m->e.fault.vector, m->e.fault.error,
		  (unsigned long long)r->rip);
	return false;
}

static const struct { u8 field; u16 sel; u8 vector; } bad_selectors[] = {
	{ 0x60, DATA0, LODGE_TS },	/* LDT */
	{ 0x60, LDT_SEG | 4, LODGE_TS },
	{ 0x60, ABSENT_LDT, LODGE_TS },
	{ 0x60, 0x100, LODGE_TS },
	{ 0x4c, 0, LODGE_TS },		/* CS */
	{ 0x4c, DATA0, LODGE_TS },
	{ 0x4c, CODE0 | 3, LODGE_TS },
	{ 0x4c, CODE3, LODGE_TS },
	{ 0x4c, NEW, LODGE_TS },
	{ 0x4c, ABSENT_CODE, LODGE_NP },
	{ 0x4c, 0x100, LODGE_TS },
	{ 0x50, 0, LODGE_TS },		/* SS */
	{ 0x50, CODE0, LODGE_TS },
	{ 0x50, DATA3, LODGE_TS },
	{ 0x50, DATA0 | 3, LODGE_TS },
	{ 0x50, ABSENT_STACK, LODGE_SS_VECTOR },
	{ 0x54, EXEC_ONLY, LODGE_TS },	/* DS */
	{ 0x54, NEW, LODGE_TS },
	{ 0x54, ABSENT_DATA, LODGE_NP },
	{ 0x48, DATA0 | 3, LODGE_TS },	/* ES */
	{ 0x58, 0x100, LODGE_TS },	/* FS */
	{ 0x5c, 0x14, LODGE_TS },	/* GS, behind the LDT's limit */
};

static bool faults_in_new(void)
{
	struct machine *m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_selectors); i++) {
		u16 sel = bad_selectors[i].sel;

		m = new_machine();
		machine_poke(m, TSS2 + bad_selectors[i].field, sel, 2);
		if (!faulted_in_new(m, bad_selectors[i].vector, sel & ~3)) {
			ktap_diag("field %x, selector %x",
				  bad_selectors[i].field, sel);
			return false;
		}
		if (bad_selectors[i].field != 0x60)
			CHECK(m->regs.seg[(bad_selectors[i].field - 0x48) / 4].sel
			      == sel);
	}
	/* CPL is that of CS, whatever became of it; SS can't be used */
	m = new_machine();
	machine_poke(m, TSS2 + 0x4c, CODE0 | 3, 2);
	CHECK(faulted_in_new(m, LODGE_TS, CODE0));
	CHECK(lodge_regs_cpl(&m->regs) == 3);
	CHECK(m->regs.seg[LODGE_SS].ar & LODGE_AR_UNUSABLE);
	CHECK(!(m->regs.seg[LODGE_CS].ar & LODGE_AR_UNUSABLE));
	/* conforming code runs at the level of who goes there */
	m = new_machine();
	machine_poke(m, TSS2 + 0x4c, CONFORM | 3, 2);
	machine_poke(m, TSS2 + 0x50, DATA3 | 3, 2);
	machine_poke(m, TSS2 + 0x48, DATA3 | 3, 2);
	machine_poke(m, TSS2 + 0x54, DATA3 | 3, 2);
	machine_poke(m, TSS2 + 0x5c, 0xc, 2);		/* LDT, level 0 */
	CHECK(faulted_in_new(m, LODGE_TS, 0xc));
	m = new_machine();
	machine_poke(m, TSS2 + 0x5c, 0xc, 2);
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_OK);
	CHECK(m->regs.seg[LODGE_GS].sel == 0xc);
	return true;
}

static bool external(void)
{
	struct machine *m = new_machine();
	struct lodge_task_switch t = {
		.sel = SHORT, .reason = LODGE_TASK_GATE, .external = true,
	};

	CHECK(machine_faulted(m, machine_task(m, &t), LODGE_TS, SHORT | 1));
	m->page[TSS / 4096] = 0;
	t.sel = NEW;
	CHECK(machine_faulted(m, machine_task(m, &t), LODGE_PF, LODGE_PF_W));
	return true;
}

static bool virtual_8086(void)
{
	struct machine *m = new_machine();
	const struct lodge_seg *seg = m->regs.seg;
	unsigned int i;

	poke32(m, TSS2, 0x24, LODGE_RFLAGS_VM | 0x3202);
	for (i = 0; i < 6; i++)
		poke32(m, TSS2, 0x48 + i * 4, 0x1230 + i);
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_OK);
	CHECK(lodge_regs_cpl(&m->regs) == 3);
	for (i = 0; i < 6; i++)
		CHECK(seg[i].sel == 0x1230 + i && seg[i].limit == 0xffff &&
		      seg[i].base == (0x1230 + i) << 4 && seg[i].ar == 0xf3);
	/* and out of it, by an interrupt */
	machine_descriptor(m, OLD / 8, TSS, 0x67, 0x0089);
	CHECK(switch_to(m, OLD, LODGE_TASK_GATE) == LODGE_EMUL_OK);
	CHECK(machine_peek(m, TSS2 + 0x24, 4) & LODGE_RFLAGS_VM);
	CHECK(!(m->regs.rflags & LODGE_RFLAGS_VM));
	CHECK(m->regs.seg[LODGE_CS].sel == CODE0);
	return true;
}

static bool debug_trap(void)
{
	struct machine *m = new_machine();

	machine_poke(m, TSS2 + 0x64, 1, 2);
	CHECK(switch_to(m, NEW, LODGE_TASK_CALL) == LODGE_EMUL_OK);
	CHECK(m->e.trap_db && (m->regs.dr6 & 0x8000));
	return true;
}

/* Who is asked again finds everything as it was. */
static bool done_again(void)
{
	struct machine *m = new_machine();

	m->regs.seg[LODGE_TR].base = USER_MMIO - 0x40;	/* half a device */
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_UNHANDLED);
	CHECK(m->regs.rip == CODE && !busy(m, NEW) && !m->e.log.nr);
	m = new_machine();
	poke32(m, TSS2, 0x38, USER_MMIO + 0x20);	/* the new stack */
	{
		struct lodge_task_switch t = {
			.sel = NEW, .reason = LODGE_TASK_GATE, .has_error = true,
		};

		CHECK(machine_task(m, &t) == LODGE_EMUL_UNHANDLED);
	}
	CHECK(m->regs.rip == CODE && !busy(m, NEW) && busy(m, OLD));
	CHECK(m->regs.seg[LODGE_TR].sel == OLD);
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_OK);
	/* long mode has no tasks */
	m = machine_new(COMPAT, 0);
	CHECK(switch_to(m, NEW, LODGE_TASK_JMP) == LODGE_EMUL_UNHANDLED);
	return true;
}

const struct ktap_test task_tests[] = {
	{ "task switch by JMP", jump },
	{ "task switch by CALL, and back by IRET", call_and_return },
	{ "task switch to a 16-bit TSS and from it", short_format },
	{ "task switch with an error code", error_code },
	{ "task switch refused in the old task", refused_in_old },
	{ "task switch with a bad CR3", bad_cr3 },
	{ "task switch that faults in the new task", faults_in_new },
	{ "task switch by an external event that faults", external },
	{ "task switch to virtual-8086 mode", virtual_8086 },
	{ "task switch with the debug trap bit", debug_trap },
	{ "task switch that can't be done, or is done again", done_again },
	{ }
};
