// SPDX-License-Identifier: GPL-2.0
/*
 * Moving data: MOV and its kin, exchanges, conditional moves, conversions.
 * Operands are fetched and stored by execute.c; see the tables.
 *
 * Called from execute.c through the opcode tables. Next: stack.c.
 */
#include "internal.h"

int lodge_op_nop(struct lodge_emul *e)
{
	return LODGE_EMUL_OK;
}

int lodge_op_mov(struct lodge_emul *e)
{
	e->dst = e->src;
	return LODGE_EMUL_OK;
}

int lodge_op_movsx(struct lodge_emul *e)
{
	e->dst = sign_extend_size(e->src, e->insn.op->aux);
	return LODGE_EMUL_OK;
}

/* ModRM.rm of any size, for handlers that fetch it themselves. */
static int read_rm(struct lodge_emul *e, unsigned int size, u64 *val)
{
	*val = 0;
	if (rm_is_mem(e))
		return lodge_mem_read(e, e->insn.seg, e->ea, val, size, 0);
	*val = lodge_reg_read(e, e->insn.rm, size);
	return LODGE_EMUL_OK;
}

/* Outside 64-bit mode the opcode is ARPL, which nothing uses. */
int lodge_op_movsxd(struct lodge_emul *e)
{
	unsigned int size = min_t(unsigned int, e->size, 4);
	int rc;

	if (!long64(e))
		return LODGE_EMUL_UNHANDLED;
	rc = read_rm(e, size, &e->dst);
	e->dst = sign_extend_size(e->dst, size);
	return rc;
}

int lodge_op_movbe(struct lodge_emul *e)
{
	struct lodge_insn *in = &e->insn;
	bool store = in->op->aux;
	u64 v = 0;
	int rc;

	if (in->rep)			/* CRC32 */
		return LODGE_EMUL_UNHANDLED;
	if (!rm_is_mem(e))
		return raise_ud(e);
	if (store) {
		v = lodge_reg_read(e, in->reg, e->size);
	} else {
		rc = read_rm(e, e->size, &v);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	v = __builtin_bswap64(v) >> (64 - e->size * 8);
	if (store)
		return lodge_mem_write(e, in->seg, e->ea, &v, e->size, NULL);
	lodge_reg_write(e, in->reg, v, e->size);
	return LODGE_EMUL_OK;
}

/* Of 4 or 8 bytes in any mode. */
int lodge_op_movnti(struct lodge_emul *e)
{
	unsigned int size = e->insn.opsize == 8 ? 8 : 4;
	u64 v = lodge_reg_read(e, e->insn.reg, size);

	if (e->insn.opsize_prefix || e->insn.rep)
		return raise_ud(e);
	return lodge_mem_write(e, e->insn.seg, e->ea, &v, size, NULL);
}

int lodge_op_xchg(struct lodge_emul *e)
{
	lodge_reg_write(e, e->insn.reg, e->dst, e->size);
	e->dst = e->src;
	return LODGE_EMUL_OK;
}

/* 90 to 97; 90 itself is NOP and PAUSE, unless REX.B makes it R8. */
int lodge_op_xchg_acc(struct lodge_emul *e)
{
	if (e->insn.opcode == 0x90 && !(e->insn.rex & 1)) {
		e->skip_write = true;
		if (e->insn.rep == 0xf3 && e->ops->system)
			return e->ops->system(e, LODGE_SYS_PAUSE, 0);
		return LODGE_EMUL_OK;
	}
	lodge_reg_write(e, LODGE_RAX, e->dst, e->size);
	e->dst = e->src;
	return LODGE_EMUL_OK;
}

int lodge_op_lea(struct lodge_emul *e)
{
	e->dst = e->ea;
	return LODGE_EMUL_OK;
}

int lodge_op_xlat(struct lodge_emul *e)
{
	u64 off = lodge_emul_gpr(e, LODGE_RBX) +
		  lodge_reg_read(e, LODGE_RAX, 1);

	e->dst = 0;
	return lodge_mem_read(e, e->insn.seg, lodge_adsize_mask(e, off),
			      &e->dst, 1, 0);
}

/* CBW, CWDE, CDQE */
int lodge_op_cbw(struct lodge_emul *e)
{
	unsigned int half = e->size / 2;

	e->dst = sign_extend_size(lodge_reg_read(e, LODGE_RAX, half), half);
	return LODGE_EMUL_OK;
}

/* CWD, CDQ, CQO */
int lodge_op_cwd(struct lodge_emul *e)
{
	s64 v = sign_extend_size(e->src, e->size);

	lodge_reg_write(e, LODGE_RDX, v < 0 ? ~0ULL : 0, e->size);
	return LODGE_EMUL_OK;
}

int lodge_op_setcc(struct lodge_emul *e)
{
	e->dst = lodge_condition(e, e->insn.opcode & 0xf);
	return LODGE_EMUL_OK;
}

/* The source is read, and 32 bits are extended, whatever the condition. */
int lodge_op_cmovcc(struct lodge_emul *e)
{
	if (lodge_condition(e, e->insn.opcode & 0xf))
		e->dst = e->src;
	return LODGE_EMUL_OK;
}

int lodge_op_salc(struct lodge_emul *e)
{
	e->dst = e->rflags & LODGE_RFLAGS_CF ? 0xff : 0;
	return LODGE_EMUL_OK;
}
