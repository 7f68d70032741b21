// SPDX-License-Identifier: GPL-2.0
/*
 * Near transfers of control and the conditions they test.
 *
 * Called from execute.c through the opcode tables. Next: string.c.
 */
#include "internal.h"

/**
 * lodge_condition() - is a condition true?
 * @e: emulator
 * @cc: the four bits Jcc, SETcc and CMOVcc encode
 */
bool lodge_condition(const struct lodge_emul *e, unsigned int cc)
{
	u64 f = e->rflags;
	bool less = !(f & LODGE_RFLAGS_SF) != !(f & LODGE_RFLAGS_OF);
	bool res = false;

	switch (cc >> 1) {
	case 0:
		res = f & LODGE_RFLAGS_OF;
		break;
	case 1:
		res = f & LODGE_RFLAGS_CF;
		break;
	case 2:
		res = f & LODGE_RFLAGS_ZF;
		break;
	case 3:
		res = f & (LODGE_RFLAGS_CF | LODGE_RFLAGS_ZF);
		break;
	case 4:
		res = f & LODGE_RFLAGS_SF;
		break;
	case 5:
		res = f & LODGE_RFLAGS_PF;
		break;
	case 6:
		res = less;
		break;
	case 7:
		res = less || (f & LODGE_RFLAGS_ZF);
		break;
	}
	return res ^ (cc & 1);
}

static int jump(struct lodge_emul *e)
{
	return lodge_rip_set(e, e->rip + e->insn.imm);
}

int lodge_op_jcc(struct lodge_emul *e)
{
	if (!lodge_condition(e, e->insn.opcode & 0xf))
		return LODGE_EMUL_OK;
	return jump(e);
}

int lodge_op_jmp(struct lodge_emul *e)
{
	return jump(e);
}

int lodge_op_jmp_ind(struct lodge_emul *e)
{
	return lodge_rip_set(e, e->src);
}

static int call(struct lodge_emul *e, u64 target)
{
	u64 next = e->rip;
	int rc;

	rc = lodge_rip_set(e, target);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return lodge_push(e, next, e->size);
}

int lodge_op_call(struct lodge_emul *e)
{
	return call(e, e->rip + e->insn.imm);
}

int lodge_op_call_ind(struct lodge_emul *e)
{
	return call(e, e->src);
}

int lodge_op_ret(struct lodge_emul *e)
{
	unsigned int width = lodge_stack_size(e);
	u64 rip;
	int rc;

	rc = lodge_pop(e, &rip, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (e->insn.opcode == 0xc2)
		lodge_reg_write(e, LODGE_RSP, lodge_emul_gpr(e, LODGE_RSP) +
				e->insn.imm, width);
	return lodge_rip_set(e, rip);
}

/* LOOPNE, LOOPE, LOOP: the counter is as wide as addresses are. */
int lodge_op_loop(struct lodge_emul *e)
{
	u64 count = lodge_emul_gpr(e, LODGE_RCX) - 1;
	bool zf = e->rflags & LODGE_RFLAGS_ZF;

	lodge_reg_write(e, LODGE_RCX, count, e->insn.adsize);
	if (!lodge_adsize_mask(e, count) ||
	    (e->insn.opcode == 0xe0 && zf) || (e->insn.opcode == 0xe1 && !zf))
		return LODGE_EMUL_OK;
	return jump(e);
}

int lodge_op_jcxz(struct lodge_emul *e)
{
	if (lodge_adsize_mask(e, lodge_emul_gpr(e, LODGE_RCX)))
		return LODGE_EMUL_OK;
	return jump(e);
}
