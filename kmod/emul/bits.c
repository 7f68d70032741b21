// SPDX-License-Identifier: GPL-2.0
/*
 * Single bits and their search: BT, BTS, BTR, BTC, BSF, BSR, TZCNT, LZCNT,
 * POPCNT, BSWAP.
 *
 * Called from execute.c through the opcode tables. Next: muldiv.c.
 */
#include "internal.h"

/* What BT leaves, BTS, BTR and BTC write. */
static u64 bit_changed(u64 v, u64 bit, unsigned int what)
{
	switch (what) {
	case 1:
		return v | bit;
	case 2:
		return v & ~bit;
	case 3:
		return v ^ bit;
	}
	return v;
}

/*
 * A bit offset in a register reaches beyond the memory operand, to both
 * sides; an immediate does not.
 */
int lodge_op_bt(struct lodge_emul *e)
{
	struct lodge_insn *in = &e->insn;
	unsigned int what = in->op->aux;
	unsigned int bits = e->size * 8;
	s64 offset = sign_extend_size(e->src, e->size);
	u64 bit = 1ULL << (e->src & (bits - 1));
	u64 v = 0, old;
	int rc;

	if (rm_is_mem(e)) {
		if (in->src == O_REG)
			e->ea = lodge_adsize_mask(e, e->ea +
				(offset >> (3 + __builtin_ctz(e->size))) *
				e->size);
		rc = lodge_mem_read(e, in->seg, e->ea, &v, e->size,
				    what ? LODGE_ACCESS_WRITE : 0);
		if (rc != LODGE_EMUL_OK)
			return rc;
	} else {
		v = lodge_reg_read(e, in->rm, e->size);
	}
	if (v & bit)
		e->rflags |= LODGE_RFLAGS_CF;
	else
		e->rflags &= ~LODGE_RFLAGS_CF;
	if (!what)
		return LODGE_EMUL_OK;
	old = v;
	v = bit_changed(v, bit, what);
	if (rm_is_mem(e))
		return lodge_mem_write(e, in->seg, e->ea, &v, e->size,
				       in->lock ? &old : NULL);
	lodge_reg_write(e, in->rm, v, e->size);
	return LODGE_EMUL_OK;
}

static void count_flags(struct lodge_emul *e, bool zf, bool cf)
{
	e->rflags &= ~FLAGS_ARITH;
	if (zf)
		e->rflags |= LODGE_RFLAGS_ZF;
	if (cf)
		e->rflags |= LODGE_RFLAGS_CF;
}

/* BSF of zero leaves the destination; with F3 it is TZCNT. */
int lodge_op_bsf(struct lodge_emul *e)
{
	if (e->insn.rep == 0xf3) {
		e->dst = e->src ? __builtin_ctzll(e->src) : e->size * 8;
		count_flags(e, !e->dst, !e->src);
		return LODGE_EMUL_OK;
	}
	if (e->src)
		e->dst = __builtin_ctzll(e->src);
	else
		e->skip_write = true;
	count_flags(e, !e->src, false);
	return LODGE_EMUL_OK;
}

/* BSR, with F3 LZCNT. */
int lodge_op_bsr(struct lodge_emul *e)
{
	unsigned int top = e->src ? 63 - __builtin_clzll(e->src) : 0;

	if (e->insn.rep == 0xf3) {
		e->dst = e->src ? e->size * 8 - 1 - top : e->size * 8;
		count_flags(e, !e->dst, !e->src);
		return LODGE_EMUL_OK;
	}
	if (e->src)
		e->dst = top;
	else
		e->skip_write = true;
	count_flags(e, !e->src, false);
	return LODGE_EMUL_OK;
}

int lodge_op_popcnt(struct lodge_emul *e)
{
	u64 v = e->src;

	if (e->insn.rep != 0xf3)
		return raise_ud(e);
	for (e->dst = 0; v; v &= v - 1)
		e->dst++;
	count_flags(e, !e->dst, false);
	return LODGE_EMUL_OK;
}

/* Of 16 bits it is undefined; CPUs give zero. */
int lodge_op_bswap(struct lodge_emul *e)
{
	if (e->size == 8)
		e->dst = __builtin_bswap64(e->dst);
	else
		e->dst = e->size == 4 ? __builtin_bswap32(e->dst) : 0;
	return LODGE_EMUL_OK;
}
