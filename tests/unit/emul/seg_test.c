// SPDX-License-Identifier: GPL-2.0
/*
 * Segments, descriptors and far transfers in protected and long mode.
 *
 * Called from main.c. Next: task_test.c.
 */
#include "machine.h"

/* Selectors of the descriptors that new_machine() makes. */
enum {
	CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x20, DATA3 = 0x28,
	CONFORM = 0x30, ABSENT = 0x38, ROM_SEG = 0x40, EXEC_ONLY = 0x48,
	DOWN = 0x50, SMALL = 0x58, CODE16 = 0x60, CODE64 = 0x68,
	GATE = 0x70, LDT_SEG = 0x80, TSS_SEG = 0x90, BAD_LD = 0xa0,
	ABSENT_CODE = 0xa8,
};

static struct machine *new_machine(enum mode mode, unsigned int level)
{
	struct machine *m = machine_new(mode, level);

	machine_descriptor(m, CODE0 / 8, 0, ~0U, 0xc09a);
	machine_descriptor(m, DATA0 / 8, 0, ~0U, 0xc092);
	machine_descriptor(m, CODE3 / 8, 0, ~0U, 0xc0fa);
	machine_descriptor(m, DATA3 / 8, 0, ~0U, 0xc0f2);
	machine_descriptor(m, CONFORM / 8, 0, ~0U, 0xc09e);
	machine_descriptor(m, ABSENT / 8, 0, ~0U, 0xc072);
	machine_descriptor(m, ROM_SEG / 8, 0, ~0U, 0xc0f0);
	machine_descriptor(m, EXEC_ONLY / 8, 0, ~0U, 0xc0f8);
	machine_descriptor(m, DOWN / 8, 0, 0x4fff, 0x40f6);
	machine_descriptor(m, SMALL / 8, 0x12345, 0xfff, 0x40f2);
	machine_descriptor(m, CODE16 / 8, 0x100, 0xffff, 0x009a);
	machine_descriptor(m, CODE64 / 8, 0, 0, 0xa09a);
	machine_descriptor(m, GATE / 8, 0, 0, 0x008c);
	machine_descriptor(m, LDT_SEG / 8, 0x1800, 0xf, 0x0082);
	machine_descriptor(m, TSS_SEG / 8, TSS, 0x67, 0x0089);
	machine_descriptor(m, BAD_LD / 8, 0, ~0U, 0xe09a);
	machine_descriptor(m, ABSENT_CODE / 8, 0, ~0U, 0xc01a);
	m->regs.gdt.limit = 0xaf;
	return m;
}

/* MOV of @sel to DS (/3), ES (/0) or SS (/2). */
static int load_seg(struct machine *m, unsigned int reg, u16 sel)
{
	REG(m, RAX) = sel;
	return RUN(m, 0x8e, 0xc0 | reg << 3);
}

static bool data_segments(void)
{
	struct machine *m = new_machine(PROT32, 3);
	const struct lodge_seg *ds = &m->regs.seg[LODGE_DS];

	CHECK(load_seg(m, 3, SMALL | 3) == LODGE_EMUL_OK);
	CHECK(ds->sel == (SMALL | 3) && ds->base == 0x12345);
	CHECK(ds->limit == 0xfff && ds->ar == 0x40f3);
	CHECK(m->e.changed & LODGE_R_SEGS);
	/* the descriptor is marked as accessed */
	CHECK(m->mem[GDT + SMALL + 5] == 0xf3);
#define NO_DS(sel, vector, error) \
	CHECK(machine_faulted(m, load_seg(m, 3, sel), vector, error))
	NO_DS(DATA0, LODGE_GP, DATA0);
	NO_DS(DATA0 | 3, LODGE_GP, DATA0);
	NO_DS(ABSENT | 3, LODGE_NP, ABSENT);
	NO_DS(EXEC_ONLY | 3, LODGE_GP, EXEC_ONLY);
	NO_DS(GATE | 3, LODGE_GP, GATE);
	NO_DS(0xb0, LODGE_GP, 0xb0);		/* behind the limit */
	NO_DS(0x0c, LODGE_GP, 0x0c);		/* there is no LDT */
	m->regs.seg[LODGE_SS].ar &= ~LODGE_AR_DPL;	/* RPL counts too */
	NO_DS(DATA0 | 3, LODGE_GP, DATA0);
	CHECK(load_seg(m, 3, DATA0) == LODGE_EMUL_OK);
	m->regs.seg[LODGE_SS].ar |= LODGE_AR_DPL;
	CHECK(load_seg(m, 3, CONFORM) == LODGE_EMUL_OK);
	CHECK(load_seg(m, 3, ROM_SEG) == LODGE_EMUL_OK);
	/* null can be loaded, not used */
	CHECK(load_seg(m, 3, 3) == LODGE_EMUL_OK);
	CHECK(ds->sel == 3 && (ds->ar & LODGE_AR_UNUSABLE));
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x03), LODGE_GP, 0));
	return true;
}

static bool stack_segment(void)
{
	struct machine *m = new_machine(PROT32, 0);

	CHECK(load_seg(m, 2, DATA0) == LODGE_EMUL_OK);
	CHECK(m->regs.shadow == LODGE_SHADOW_MOVSS);
#define NO_SS(sel, vector, error) \
	CHECK(machine_faulted(m, load_seg(m, 2, sel), vector, error))
	NO_SS(0, LODGE_GP, 0);
	NO_SS(DATA0 | 3, LODGE_GP, DATA0);
	NO_SS(DATA3, LODGE_GP, DATA3);
	NO_SS(CODE0, LODGE_GP, CODE0);
	machine_descriptor(m, ABSENT / 8, 0, ~0U, 0xc012);
	NO_SS(ABSENT, LODGE_SS_VECTOR, ABSENT);
	machine_descriptor(m, ROM_SEG / 8, 0, ~0U, 0xc090);
	NO_SS(ROM_SEG, LODGE_GP, ROM_SEG);
	/* LSS loads both, or neither */
	machine_poke(m, DATA, 0x0000001000005678, 6);
	REG(m, RBX) = DATA;
	CHECK(RUN(m, 0x0f, 0xb2, 0x23) == LODGE_EMUL_OK);
	CHECK(REG(m, RSP) == 0x5678 && m->regs.seg[LODGE_SS].sel == DATA0);
	machine_poke(m, DATA + 4, DATA3, 2);
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0xb2, 0x23), LODGE_GP, DATA3));
	/* in 64-bit mode the supervisor's SS may be null, the user's not */
	m = new_machine(LONG64, 0);
	CHECK(load_seg(m, 2, 0) == LODGE_EMUL_OK);
	CHECK(lodge_regs_cpl(&m->regs) == 0);
	m = new_machine(LONG64, 3);
	NO_SS(3, LODGE_GP, 0);
	return true;
}

static bool access_rights(void)
{
	struct machine *m = new_machine(PROT32, 3);

	REG(m, RBX) = DATA;
	CHECK(load_seg(m, 3, ROM_SEG | 3) == LODGE_EMUL_OK);
	CHECK(RUN(m, 0x8b, 0x03) == LODGE_EMUL_OK);
	CHECK(machine_faulted(m, RUN(m, 0x89, 0x03), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0xff, 0x03), LODGE_GP, 0));
	CHECK(machine_faulted(m, RUN(m, 0x2e, 0x89, 0x03), LODGE_GP, 0));
	CHECK(RUN(m, 0x2e, 0x8b, 0x03) == LODGE_EMUL_OK);
	m->regs.seg[LODGE_CS].ar &= ~2;		/* execute only */
	CHECK(machine_faulted(m, RUN(m, 0x2e, 0x8b, 0x03), LODGE_GP, 0));
	/* expand-down: above the limit, up to 4G */
	CHECK(load_seg(m, 3, DOWN | 3) == LODGE_EMUL_OK);
	REG(m, RBX) = 0x5000;
	CHECK(RUN(m, 0x8b, 0x03) == LODGE_EMUL_OK);
	REG(m, RBX) = 0x4fff;
	CHECK(machine_faulted(m, RUN(m, 0x8a, 0x03), LODGE_GP, 0));
	REG(m, RBX) = 0xfffffffd;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x03), LODGE_GP, 0));
	/* without D/B up to 64K */
	m->regs.seg[LODGE_DS].ar &= ~LODGE_AR_DB;
	REG(m, RBX) = 0xffff;
	CHECK(RUN(m, 0x8a, 0x03) == LODGE_EMUL_OK);
	CHECK(machine_faulted(m, RUN(m, 0x66, 0x8b, 0x03), LODGE_GP, 0));
	/* an ordinary limit */
	CHECK(load_seg(m, 3, SMALL | 3) == LODGE_EMUL_OK);
	REG(m, RBX) = 0xffc;
	CHECK(RUN(m, 0x8b, 0x03) == LODGE_EMUL_OK);
	REG(m, RBX) = 0xffd;
	CHECK(machine_faulted(m, RUN(m, 0x8b, 0x03), LODGE_GP, 0));
	/* 64-bit mode knows neither */
	m = new_machine(LONG64, 3);
	m->regs.seg[LODGE_DS] = (struct lodge_seg){
		.ar = LODGE_AR_UNUSABLE, .base = 0x1000,
	};
	REG(m, RBX) = DATA;
	CHECK(RUN(m, 0x89, 0x03) == LODGE_EMUL_OK);
	m->regs.seg[LODGE_GS].base = 0x1000;
	REG(m, RAX) = 0x99;
	CHECK(RUN(m, 0x65, 0x88, 0x03) == LODGE_EMUL_OK);
	CHECK(m->mem[DATA + 0x1000] == 0x99);
	return true;
}

static int jump_far(struct machine *m, u16 sel, u32 off)
{
	return RUN(m, 0xea, off, off >> 8, off >> 16, off >> 24, sel,
		   sel >> 8);
}

static bool far_jumps(void)
{
	struct machine *m = new_machine(PROT32, 0);
	const struct lodge_seg *cs = &m->regs.seg[LODGE_CS];

	CHECK(jump_far(m, CODE16, 0x7000) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x7000 && cs->base == 0x100 && cs->ar == 0x9b);
	m = new_machine(PROT32, 0);
	CHECK(machine_faulted(m, jump_far(m, CODE16, 0x10000), LODGE_GP, 0));
#define NO_JUMP(sel, vector, error) \
	CHECK(machine_faulted(m, jump_far(m, sel, CODE), vector, error))
	NO_JUMP(0, LODGE_GP, 0);
	NO_JUMP(CODE3, LODGE_GP, CODE3);
	NO_JUMP(CODE0 | 3, LODGE_GP, CODE0);
	NO_JUMP(DATA0, LODGE_GP, DATA0);
	NO_JUMP(ABSENT_CODE, LODGE_NP, ABSENT_CODE);
	CHECK(jump_far(m, GATE, CODE) == LODGE_EMUL_UNHANDLED);
	/* conforming code keeps the privilege of who calls it */
	m = new_machine(PROT32, 3);
	NO_JUMP(CODE0, LODGE_GP, CODE0);
	CHECK(jump_far(m, CONFORM, CODE) == LODGE_EMUL_OK);
	CHECK(cs->sel == (CONFORM | 3) && lodge_regs_cpl(&m->regs) == 3);
	/* L and D together make no code segment, in long mode */
	m = new_machine(COMPAT, 0);
	CHECK(machine_faulted(m, jump_far(m, BAD_LD, CODE), LODGE_GP, BAD_LD));
	CHECK(jump_far(m, CODE64, CODE) == LODGE_EMUL_OK);
	CHECK(lodge_regs_long64(&m->regs));
	/* from there only by memory; REX.W makes the offset 8 bytes */
	machine_poke(m, DATA, 0x1111000000007000, 8);
	machine_poke(m, DATA + 8, CODE64, 2);
	REG(m, RBX) = DATA;
	CHECK(machine_faulted(m, RUN(m, 0x48, 0xff, 0x2b), LODGE_GP, 0));
	machine_poke(m, DATA, 0x7000, 8);
	CHECK(RUN(m, 0x48, 0xff, 0x2b) == LODGE_EMUL_OK);
	machine_poke(m, DATA, CODE0, 8);
	machine_poke(m, DATA, 0x000800007000, 6);
	CHECK(RUN(m, 0xff, 0x2b) == LODGE_EMUL_OK);
	CHECK(!lodge_regs_long64(&m->regs) && cs->sel == CODE0);
	return true;
}

static bool far_call_and_return(void)
{
	struct machine *m = new_machine(PROT32, 0);

	CHECK(RUN(m, 0x9a, 0x00, 0x71, 0, 0, CODE0, 0) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x7100 && REG(m, RSP) == STACK - 8);
	CHECK(machine_peek(m, STACK - 8, 8) == (CODE + 7 + (8ULL << 32)));
	CHECK(RUN(m, 0xca, 0x10, 0x00) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == CODE + 7 && REG(m, RSP) == STACK + 0x10);
	/* to user code: another stack, and no segments of the kernel's */
	machine_poke(m, STACK, 0x0000002300007200, 8);
	machine_poke(m, STACK + 8, 0x1111111122222222, 8);
	machine_poke(m, STACK + 16, 0x0000002b00008800, 8);
	REG(m, RSP) = STACK;
	CHECK(load_seg(m, 0, DATA3) == LODGE_EMUL_OK);
	CHECK(RUN(m, 0xca, 0x08, 0x00) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x7200 && REG(m, RSP) == 0x8808);
	CHECK(m->regs.seg[LODGE_CS].sel == (CODE3 | 3));
	CHECK(m->regs.seg[LODGE_SS].sel == (DATA3 | 3));
	CHECK(lodge_regs_cpl(&m->regs) == 3);
	CHECK(m->regs.seg[LODGE_DS].ar & LODGE_AR_UNUSABLE);
	CHECK(m->regs.seg[LODGE_ES].sel == DATA3);
	/* and not inwards */
	machine_poke(m, 0x8808, 0x0000000800007200, 8);
	CHECK(machine_faulted(m, RUN(m, 0xcb), LODGE_GP, CODE0));
	return true;
}

static void push_iret_frame(struct machine *m, u64 cs, u64 flags, u64 ss)
{
	machine_poke(m, STACK, 0x7300, 8);
	machine_poke(m, STACK + 8, cs, 8);
	machine_poke(m, STACK + 16, flags, 8);
	machine_poke(m, STACK + 24, 0x00007fffffff8800, 8);
	machine_poke(m, STACK + 32, ss, 8);
}

static bool interrupt_return(void)
{
	struct machine *m = new_machine(LONG64, 0);
	u64 flags = LODGE_RFLAGS_IF | LODGE_RFLAGS_1 | LODGE_RFLAGS_RF;

	machine_descriptor(m, CODE3 / 8, 0, ~0U, 0xa0fa);
	m->regs.nmi_blocked = 1;
	push_iret_frame(m, CODE3 | 3, flags, DATA3 | 3);
	CHECK(RUN(m, 0x48, 0xcf) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x7300 && REG(m, RSP) == 0x00007fffffff8800);
	CHECK(m->regs.rflags == flags && !m->regs.nmi_blocked);
	CHECK(lodge_regs_cpl(&m->regs) == 3 && lodge_regs_long64(&m->regs));
	/* from user code IOPL and IF are not changed */
	push_iret_frame(m, CODE3 | 3, LODGE_RFLAGS_IOPL, DATA3 | 3);
	REG(m, RSP) = STACK;
	CHECK(RUN(m, 0x48, 0xcf) == LODGE_EMUL_OK);
	CHECK(m->regs.rflags == (LODGE_RFLAGS_IF | LODGE_RFLAGS_1));
	m = new_machine(LONG64, 0);
	push_iret_frame(m, CODE64, flags, 0);
	CHECK(RUN(m, 0x48, 0xcf) == LODGE_EMUL_OK);
	CHECK(m->regs.seg[LODGE_SS].ar & LODGE_AR_UNUSABLE);
	m = new_machine(LONG64, 0);
	push_iret_frame(m, CODE64, flags, DATA3 | 3);
	CHECK(machine_faulted(m, RUN(m, 0x48, 0xcf), LODGE_GP, DATA3));
	push_iret_frame(m, 0, flags, 0);
	CHECK(machine_faulted(m, RUN(m, 0x48, 0xcf), LODGE_GP, 0));
	m->regs.rflags |= LODGE_RFLAGS_NT;
	CHECK(machine_faulted(m, RUN(m, 0x48, 0xcf), LODGE_GP, 0));
	m = new_machine(PROT32, 0);
	m->regs.rflags |= LODGE_RFLAGS_NT;
	CHECK(RUN(m, 0xcf) == LODGE_EMUL_UNHANDLED);
	return true;
}

/* To virtual-8086 mode: all segments from the stack, all flags. */
static bool return_to_v86(void)
{
	static const u8 order[] = {
		LODGE_SS, LODGE_ES, LODGE_DS, LODGE_FS, LODGE_GS,
	};
	struct machine *m = new_machine(PROT32, 0);
	const u64 flags = LODGE_RFLAGS_VM | LODGE_RFLAGS_IF | LODGE_RFLAGS_1 |
			  LODGE_RFLAGS_NT | LODGE_RFLAGS_IOPL;
	unsigned int i;

	machine_poke(m, STACK, 0x10000, 4);
	machine_poke(m, STACK + 4, 0x1230, 4);
	machine_poke(m, STACK + 8, flags, 4);
	machine_poke(m, STACK + 12, 0x5678, 4);
	for (i = 0; i < 5; i++)
		machine_poke(m, STACK + 16 + i * 4, 0x2000 + i, 4);
	CHECK(machine_faulted(m, RUN(m, 0xcf), LODGE_GP, 0));
	machine_poke(m, STACK, 0x9abc, 4);
	CHECK(RUN(m, 0xcf) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x9abc && REG(m, RSP) == 0x5678);
	CHECK(m->regs.rflags == flags && lodge_regs_cpl(&m->regs) == 3);
	CHECK(m->regs.seg[LODGE_CS].base == 0x12300);
	for (i = 0; i < 5; i++)
		CHECK(m->regs.seg[order[i]].sel == 0x2000 + i &&
		      m->regs.seg[order[i]].base == 0x20000 + i * 16 &&
		      m->regs.seg[order[i]].ar == 0xf3);
	/* not from user code: VM is no flag of its */
	m = new_machine(PROT32, 3);
	machine_poke(m, STACK, 0x7300, 4);
	machine_poke(m, STACK + 4, CODE3 | 3, 4);
	machine_poke(m, STACK + 8, flags, 4);
	CHECK(RUN(m, 0xcf) == LODGE_EMUL_OK);
	CHECK(!(m->regs.rflags & LODGE_RFLAGS_VM));
	return true;
}

static bool table_registers(void)
{
	struct machine *m = new_machine(LONG64, 0);
	const struct lodge_seg *tr = &m->regs.seg[LODGE_TR];

	REG(m, RBX) = DATA;
	machine_poke(m, DATA, 0x0fff, 2);
	machine_poke(m, DATA + 2, 0xffff800012345678, 8);
	CHECK(RUN(m, 0x0f, 0x01, 0x1b) == LODGE_EMUL_OK);	/* LIDT */
	CHECK(m->regs.idt.limit == 0xfff &&
	      m->regs.idt.base == 0xffff800012345678);
	CHECK(m->e.changed & LODGE_R_DTABLES);
	CHECK(RUN(m, 0x0f, 0x01, 0x4b, 0x10) == LODGE_EMUL_OK);	/* SIDT */
	CHECK(!memcmp(m->mem + DATA, m->mem + DATA + 16, 10));
	machine_poke(m, DATA + 2, 0x0000800000000000, 8);
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x01, 0x13), LODGE_GP, 0));
	/* the TSS's descriptor has 16 bytes, and becomes busy */
	machine_poke(m, GDT + TSS_SEG + 8, 0xffff9000, 8);
	REG(m, RAX) = TSS_SEG;
	CHECK(RUN(m, 0x0f, 0x00, 0xd8) == LODGE_EMUL_OK);	/* LTR */
	CHECK(tr->base == 0xffff900000000000 + TSS && tr->ar == 0x8b);
	CHECK(m->mem[GDT + TSS_SEG + 5] == 0x8b);
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x00, 0xd8), LODGE_GP,
			      TSS_SEG));
	CHECK(RUN(m, 0x0f, 0x00, 0xc9) == LODGE_EMUL_OK);	/* STR */
	CHECK(REG(m, RCX) == TSS_SEG);
	REG(m, RAX) = LDT_SEG;
	CHECK(RUN(m, 0x0f, 0x00, 0xd0) == LODGE_EMUL_OK);	/* LLDT */
	machine_poke(m, 0x1800 + 8, machine_peek(m, GDT + DATA3, 8), 8);
	CHECK(load_seg(m, 0, 0x0c) == LODGE_EMUL_OK);
	CHECK(m->regs.seg[LODGE_ES].sel == 0x0c);
	CHECK(machine_faulted(m, load_seg(m, 0, 0x14), LODGE_GP, 0x14));
	REG(m, RAX) = 0;
	CHECK(RUN(m, 0x0f, 0x00, 0xd0) == LODGE_EMUL_OK);
	CHECK(machine_faulted(m, load_seg(m, 0, 0x0c), LODGE_GP, 0x0c));
	/* 16-bit operands: a base of 24 bits */
	m = new_machine(REAL, 0);
	machine_poke(m, DATA + 2, 0x12345678, 4);
	REG(m, RBX) = DATA;
	CHECK(RUN(m, 0x0f, 0x01, 0x17) == LODGE_EMUL_OK);	/* LGDT */
	CHECK(m->regs.gdt.base == 0x345678);
	CHECK(RUN(m, 0x66, 0x0f, 0x01, 0x17) == LODGE_EMUL_OK);
	CHECK(m->regs.gdt.base == 0x12345678);
	return true;
}

static bool swap_gs(void)
{
	struct machine *m = new_machine(LONG64, 0);

	m->regs.kernel_gs_base = 0xffff800000001000;
	m->regs.seg[LODGE_GS].base = 0x1234;
	CHECK(RUN(m, 0x0f, 0x01, 0xf8) == LODGE_EMUL_OK);
	CHECK(m->regs.kernel_gs_base == 0x1234);
	CHECK(m->regs.seg[LODGE_GS].base == 0xffff800000001000);
	CHECK((m->e.changed & (LODGE_R_SEGS | LODGE_R_MSRS)) ==
	      (LODGE_R_SEGS | LODGE_R_MSRS));
	m = new_machine(PROT32, 0);
	CHECK(machine_faulted(m, RUN(m, 0x0f, 0x01, 0xf8), LODGE_UD, 0));
	return true;
}

const struct ktap_test seg_tests[] = {
	{ "loading data segments", data_segments },
	{ "loading the stack segment", stack_segment },
	{ "limits and access rights of segments", access_rights },
	{ "far jumps", far_jumps },
	{ "far calls and returns", far_call_and_return },
	{ "return from interrupt", interrupt_return },
	{ "return to virtual-8086 mode", return_to_v86 },
	{ "descriptor table registers", table_registers },
	{ "SWAPGS", swap_gs },
	{ }
};
