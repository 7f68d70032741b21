// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that change single flags, and the accumulator's way to them.
 *
 * Called from execute.c through the opcode tables. Next: intr.c.
 */
#include "internal.h"

/* CMC, CLC, STC, CLD, STD */
int lodge_op_flag(struct lodge_emul *e)
{
	switch (e->insn.opcode) {
	case 0xf5:
		e->rflags ^= LODGE_RFLAGS_CF;
		break;
	case 0xf8:
		e->rflags &= ~LODGE_RFLAGS_CF;
		break;
	case 0xf9:
		e->rflags |= LODGE_RFLAGS_CF;
		break;
	case 0xfc:
		e->rflags &= ~LODGE_RFLAGS_DF;
		break;
	case 0xfd:
		e->rflags |= LODGE_RFLAGS_DF;
		break;
	}
	return LODGE_EMUL_OK;
}

/*
 * Which flag CLI and STI change: IF if IOPL allows; else VIF where virtual
 * interrupts are on (VME in virtual-8086 mode, PVI for CPL 3); else none.
 */
static u64 interrupt_flag(const struct lodge_emul *e)
{
	u64 cr4 = e->regs->cr4;

	if (e->insn.mode == LODGE_MODE_V86) {
		if (iopl(e) == 3)
			return LODGE_RFLAGS_IF;
		return cr4 & LODGE_CR4_VME ? LODGE_RFLAGS_VIF : 0;
	}
	if (cpl(e) <= iopl(e))
		return LODGE_RFLAGS_IF;
	return cpl(e) == 3 && (cr4 & LODGE_CR4_PVI) ? LODGE_RFLAGS_VIF : 0;
}

int lodge_op_cli(struct lodge_emul *e)
{
	u64 flag = interrupt_flag(e);

	if (!flag)
		return raise_gp0(e);
	e->rflags &= ~flag;
	return LODGE_EMUL_OK;
}

int lodge_op_sti(struct lodge_emul *e)
{
	u64 flag = interrupt_flag(e);

	if (!flag ||
	    (flag == LODGE_RFLAGS_VIF && (e->rflags & LODGE_RFLAGS_VIP)))
		return raise_gp0(e);
	if (flag == LODGE_RFLAGS_IF && !(e->rflags & LODGE_RFLAGS_IF))
		e->shadow = LODGE_SHADOW_STI;
	e->rflags |= flag;
	return LODGE_EMUL_OK;
}

#define FLAGS_AH	(FLAGS_ARITH & ~LODGE_RFLAGS_OF)

static void write_ah(struct lodge_emul *e, u8 val)
{
	u64 rax = lodge_emul_gpr(e, LODGE_RAX);

	lodge_emul_set_gpr(e, LODGE_RAX, (rax & ~0xff00ULL) | (u64)val << 8);
}

int lodge_op_lahf(struct lodge_emul *e)
{
	write_ah(e, (e->rflags & FLAGS_AH) | LODGE_RFLAGS_1);
	return LODGE_EMUL_OK;
}

int lodge_op_sahf(struct lodge_emul *e)
{
	u64 ah = lodge_emul_gpr(e, LODGE_RAX) >> 8;

	e->rflags = (e->rflags & ~FLAGS_AH) | (ah & FLAGS_AH);
	return LODGE_EMUL_OK;
}
