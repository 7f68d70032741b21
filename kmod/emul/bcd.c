// SPDX-License-Identifier: GPL-2.0
/*
 * Decimal arithmetic on AL and AH: DAA, DAS, AAA, AAS, AAM, AAD. None exists
 * in 64-bit mode. Real-mode firmware uses them.
 *
 * Called from execute.c through the opcode tables. Next: string.c.
 */
#include "internal.h"

static void write_al(struct lodge_emul *e, u8 al, u64 flags)
{
	lodge_reg_write(e, LODGE_RAX, al, 1);
	e->rflags = (e->rflags & ~FLAGS_ARITH) | flags |
		    lodge_flags_szp(al, 1);
}

/* What must be added to, or taken from, AL for two decimal digits. */
static u8 adjustment(const struct lodge_emul *e, u8 al, u64 *flags)
{
	u8 adjust = 0;

	*flags = 0;
	if ((al & 0xf) > 9 || (e->rflags & LODGE_RFLAGS_AF)) {
		adjust = 6;
		*flags |= LODGE_RFLAGS_AF;
	}
	if (al > 0x99 || (e->rflags & LODGE_RFLAGS_CF)) {
		adjust |= 0x60;
		*flags |= LODGE_RFLAGS_CF;
	}
	return adjust;
}

int lodge_op_daa(struct lodge_emul *e)
{
	u8 al = lodge_emul_gpr(e, LODGE_RAX);
	u64 flags;
	u8 adjust = adjustment(e, al, &flags);

	write_al(e, al + adjust, flags);
	return LODGE_EMUL_OK;
}

/* A borrow of the lower digit alone sets CF too. */
int lodge_op_das(struct lodge_emul *e)
{
	u8 al = lodge_emul_gpr(e, LODGE_RAX);
	u64 flags;
	u8 adjust = adjustment(e, al, &flags);

	if ((flags & LODGE_RFLAGS_AF) && al < 6)
		flags |= LODGE_RFLAGS_CF;
	write_al(e, al - adjust, flags);
	return LODGE_EMUL_OK;
}

/* @step: 0x106 up or down, AX as a whole; only a digit stays in AL. */
static int ascii_adjust(struct lodge_emul *e, int step)
{
	u64 both = LODGE_RFLAGS_AF | LODGE_RFLAGS_CF;
	u16 ax = lodge_emul_gpr(e, LODGE_RAX);

	if ((ax & 0xf) > 9 || (e->rflags & LODGE_RFLAGS_AF)) {
		ax += step;
		e->rflags |= both;
	} else {
		e->rflags &= ~both;
	}
	lodge_reg_write(e, LODGE_RAX, ax & 0xff0f, 2);
	return LODGE_EMUL_OK;
}

int lodge_op_aaa(struct lodge_emul *e)
{
	return ascii_adjust(e, 0x106);
}

int lodge_op_aas(struct lodge_emul *e)
{
	return ascii_adjust(e, -0x106);
}

int lodge_op_aam(struct lodge_emul *e)
{
	u8 al = lodge_emul_gpr(e, LODGE_RAX), base = e->insn.imm;

	if (!base)
		return lodge_emul_raise(e, LODGE_DE);
	lodge_reg_write(e, LODGE_RAX, (al / base) << 8 | al % base, 2);
	e->rflags = (e->rflags & ~FLAGS_ARITH) | lodge_flags_szp(al % base, 1);
	return LODGE_EMUL_OK;
}

int lodge_op_aad(struct lodge_emul *e)
{
	u16 ax = lodge_emul_gpr(e, LODGE_RAX);
	u8 al = (ax >> 8) * (u8)e->insn.imm + ax;

	lodge_reg_write(e, LODGE_RAX, al, 2);
	e->rflags = (e->rflags & ~FLAGS_ARITH) | lodge_flags_szp(al, 1);
	return LODGE_EMUL_OK;
}
