// SPDX-License-Identifier: GPL-2.0
/*
 * Shifts and rotates. Where the manuals leave a flag undefined we do
 * something simple and repeatable.
 *
 * Called from execute.c through the opcode tables. Next: bits.c.
 */
#include "internal.h"

static void set_bit_flag(struct lodge_emul *e, u64 flag, bool on)
{
	e->rflags = on ? e->rflags | flag : e->rflags & ~flag;
}

static bool msb(u64 v, unsigned int bits)
{
	return (v >> (bits - 1)) & 1;
}

static void rol(struct lodge_emul *e, unsigned int count, unsigned int bits)
{
	u64 v = e->dst;

	count %= bits;
	if (count)
		v = (v << count | v >> (bits - count)) & size_mask(e->size);
	e->dst = v;
	set_bit_flag(e, LODGE_RFLAGS_CF, v & 1);
	set_bit_flag(e, LODGE_RFLAGS_OF, msb(v, bits) ^ (v & 1));
}

static void ror(struct lodge_emul *e, unsigned int count, unsigned int bits)
{
	u64 v = e->dst;

	count %= bits;
	if (count)
		v = (v >> count | v << (bits - count)) & size_mask(e->size);
	e->dst = v;
	set_bit_flag(e, LODGE_RFLAGS_CF, msb(v, bits));
	set_bit_flag(e, LODGE_RFLAGS_OF, msb(v, bits) ^ msb(v << 1, bits));
}

/* Through carry a bit at a time: 63 steps at most. */
static void rcl(struct lodge_emul *e, unsigned int count, unsigned int bits)
{
	bool cf = e->rflags & LODGE_RFLAGS_CF, out;
	u64 v = e->dst;

	for (count %= bits + 1; count; count--) {
		out = msb(v, bits);
		v = (v << 1 | cf) & size_mask(e->size);
		cf = out;
	}
	e->dst = v;
	set_bit_flag(e, LODGE_RFLAGS_CF, cf);
	set_bit_flag(e, LODGE_RFLAGS_OF, msb(v, bits) ^ cf);
}

static void rcr(struct lodge_emul *e, unsigned int count, unsigned int bits)
{
	bool cf = e->rflags & LODGE_RFLAGS_CF, out;
	u64 v = e->dst;

	for (count %= bits + 1; count; count--) {
		out = v & 1;
		v = v >> 1 | (u64)cf << (bits - 1);
		cf = out;
	}
	e->dst = v;
	set_bit_flag(e, LODGE_RFLAGS_CF, cf);
	set_bit_flag(e, LODGE_RFLAGS_OF, msb(v, bits) ^ msb(v << 1, bits));
}

/* SHL, SHR, SAR: count is 1 to 63, and may be more than there are bits. */
static void shift(struct lodge_emul *e, unsigned int count, unsigned int bits,
		  unsigned int what)
{
	u64 v = e->dst, sign = msb(v, bits);
	bool cf, of;

	if (what == 4) {
		cf = count <= bits && (v >> (bits - count)) & 1;
		v = (v << (count - 1)) << 1;
		of = msb(v, bits) ^ cf;
	} else if (what == 5) {
		cf = (v >> (count - 1)) & 1;
		v = (v >> (count - 1)) >> 1;
		of = sign;
	} else {
		v = sign_extend_size(v, e->size);
		cf = ((s64)v >> (count - 1)) & 1;
		v = (s64)v >> count;
		of = false;
	}
	v &= size_mask(e->size);
	e->dst = v;
	e->rflags &= ~FLAGS_ARITH;
	e->rflags |= lodge_flags_szp(v, e->size);
	set_bit_flag(e, LODGE_RFLAGS_CF, cf);
	set_bit_flag(e, LODGE_RFLAGS_OF, of);
}

int lodge_op_shift(struct lodge_emul *e)
{
	unsigned int count = e->src & (e->size == 8 ? 0x3f : 0x1f);
	unsigned int what = e->insn.op->aux;
	unsigned int bits = e->size * 8;

	if (!count)
		return LODGE_EMUL_OK;
	switch (what) {
	case 0:
		rol(e, count, bits);
		break;
	case 1:
		ror(e, count, bits);
		break;
	case 2:
		rcl(e, count, bits);
		break;
	case 3:
		rcr(e, count, bits);
		break;
	default:
		shift(e, count, bits, what);
		break;
	}
	return LODGE_EMUL_OK;
}

static unsigned int double_count(const struct lodge_emul *e)
{
	u64 count = e->insn.op->aux ? lodge_emul_gpr(e, LODGE_RCX) :
				      e->insn.imm;

	return count & (e->size == 8 ? 0x3f : 0x1f);
}

static void double_flags(struct lodge_emul *e, u64 old, bool cf,
			 unsigned int bits)
{
	e->rflags &= ~FLAGS_ARITH;
	e->rflags |= lodge_flags_szp(e->dst, e->size);
	set_bit_flag(e, LODGE_RFLAGS_CF, cf);
	set_bit_flag(e, LODGE_RFLAGS_OF, msb(old, bits) ^ msb(e->dst, bits));
}

/* A 16-bit shift by more than 16 is undefined: shift in @dst again. */
int lodge_op_shld(struct lodge_emul *e)
{
	unsigned int count = double_count(e), bits = e->size * 8;
	u64 old = e->dst;
	bool cf;

	if (!count)
		return LODGE_EMUL_OK;
	if (e->size == 2) {
		u64 wide = old << 32 | e->src << 16 | old;

		cf = (wide >> (48 - count)) & 1;
		e->dst = (wide >> (32 - count)) & 0xffff;
	} else {
		cf = (old >> (bits - count)) & 1;
		e->dst = (old << count | e->src >> (bits - count)) &
			 size_mask(e->size);
	}
	double_flags(e, old, cf, bits);
	return LODGE_EMUL_OK;
}

int lodge_op_shrd(struct lodge_emul *e)
{
	unsigned int count = double_count(e), bits = e->size * 8;
	u64 old = e->dst;
	bool cf;

	if (!count)
		return LODGE_EMUL_OK;
	if (e->size == 2) {
		u64 wide = old << 32 | e->src << 16 | old;

		cf = (wide >> (count - 1)) & 1;
		e->dst = (wide >> count) & 0xffff;
	} else {
		cf = (old >> (count - 1)) & 1;
		e->dst = (old >> count | e->src << (bits - count)) &
			 size_mask(e->size);
	}
	double_flags(e, old, cf, bits);
	return LODGE_EMUL_OK;
}
