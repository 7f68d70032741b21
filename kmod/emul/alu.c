// SPDX-License-Identifier: GPL-2.0
/*
 * Addition, subtraction, logic and their flags.
 *
 * Called from execute.c through the opcode tables. Next: shift.c.
 */
#include "internal.h"

static u64 sign_bit(unsigned int size)
{
	return 1ULL << (size * 8 - 1);
}

/* SF, ZF and PF of a result. */
u64 lodge_flags_szp(u64 res, unsigned int size)
{
	u8 low = res ^ (res >> 4);
	u64 flags = 0;

	/* bit n of 0x9669 is set if the four bits of n have even parity */
	if ((0x9669 >> (low & 0xf)) & 1)
		flags |= LODGE_RFLAGS_PF;
	if (!(res & size_mask(size)))
		flags |= LODGE_RFLAGS_ZF;
	if (res & sign_bit(size))
		flags |= LODGE_RFLAGS_SF;
	return flags;
}

/**
 * lodge_alu_add() - add with carry
 * @a: one
 * @b: other
 * @carry: 0 or 1
 * @size: bytes
 * @flags: set to the six arithmetic flags
 *
 * Return: the sum, cut to @size.
 */
u64 lodge_alu_add(u64 a, u64 b, unsigned int carry, unsigned int size,
		  u64 *flags)
{
	u64 res = (a + b + carry) & size_mask(size);
	u64 carries = (a & b) | ((a | b) & ~res);

	*flags = lodge_flags_szp(res, size);
	if (carries & sign_bit(size))
		*flags |= LODGE_RFLAGS_CF;
	if (carries & 8)
		*flags |= LODGE_RFLAGS_AF;
	if (~(a ^ b) & (a ^ res) & sign_bit(size))
		*flags |= LODGE_RFLAGS_OF;
	return res;
}

/**
 * lodge_alu_sub() - subtract with borrow
 * @a: minuend
 * @b: subtrahend
 * @borrow: 0 or 1
 * @size: bytes
 * @flags: set to the six arithmetic flags
 *
 * Return: the difference, cut to @size.
 */
u64 lodge_alu_sub(u64 a, u64 b, unsigned int borrow, unsigned int size,
		  u64 *flags)
{
	u64 res = (a - b - borrow) & size_mask(size);
	u64 borrows = (~a & b) | ((~a | b) & res);

	*flags = lodge_flags_szp(res, size);
	if (borrows & sign_bit(size))
		*flags |= LODGE_RFLAGS_CF;
	if (borrows & 8)
		*flags |= LODGE_RFLAGS_AF;
	if ((a ^ b) & (a ^ res) & sign_bit(size))
		*flags |= LODGE_RFLAGS_OF;
	return res;
}

static void set_flags(struct lodge_emul *e, u64 mask, u64 flags)
{
	e->rflags = (e->rflags & ~mask) | (flags & mask);
}

int lodge_op_alu(struct lodge_emul *e)
{
	unsigned int carry = e->rflags & LODGE_RFLAGS_CF ? 1 : 0;
	u64 flags = 0;

	switch (e->insn.op->aux) {
	case 0:
		e->dst = lodge_alu_add(e->dst, e->src, 0, e->size, &flags);
		break;
	case 1:
		e->dst |= e->src;
		flags = lodge_flags_szp(e->dst, e->size);
		break;
	case 2:
		e->dst = lodge_alu_add(e->dst, e->src, carry, e->size, &flags);
		break;
	case 3:
		e->dst = lodge_alu_sub(e->dst, e->src, carry, e->size, &flags);
		break;
	case 4:
		e->dst &= e->src;
		flags = lodge_flags_szp(e->dst, e->size);
		break;
	case 5:		/* SUB */
	case 7:		/* CMP: not written back */
		e->dst = lodge_alu_sub(e->dst, e->src, 0, e->size, &flags);
		break;
	case 6:
		e->dst ^= e->src;
		flags = lodge_flags_szp(e->dst, e->size);
		break;
	}
	set_flags(e, FLAGS_ARITH, flags);
	return LODGE_EMUL_OK;
}

int lodge_op_test(struct lodge_emul *e)
{
	set_flags(e, FLAGS_ARITH, lodge_flags_szp(e->dst & e->src, e->size));
	return LODGE_EMUL_OK;
}

int lodge_op_inc(struct lodge_emul *e)
{
	u64 flags;

	e->dst = lodge_alu_add(e->dst, 1, 0, e->size, &flags);
	set_flags(e, FLAGS_ARITH & ~LODGE_RFLAGS_CF, flags);
	return LODGE_EMUL_OK;
}

int lodge_op_dec(struct lodge_emul *e)
{
	u64 flags;

	e->dst = lodge_alu_sub(e->dst, 1, 0, e->size, &flags);
	set_flags(e, FLAGS_ARITH & ~LODGE_RFLAGS_CF, flags);
	return LODGE_EMUL_OK;
}

int lodge_op_neg(struct lodge_emul *e)
{
	u64 flags;

	e->dst = lodge_alu_sub(0, e->dst, 0, e->size, &flags);
	set_flags(e, FLAGS_ARITH, flags);
	return LODGE_EMUL_OK;
}

int lodge_op_not(struct lodge_emul *e)
{
	e->dst = ~e->dst & size_mask(e->size);
	return LODGE_EMUL_OK;
}

int lodge_op_xadd(struct lodge_emul *e)
{
	u64 flags, sum;

	sum = lodge_alu_add(e->dst, e->src, 0, e->size, &flags);
	lodge_reg_write(e, e->insn.reg, e->dst, e->size);
	e->dst = sum;
	set_flags(e, FLAGS_ARITH, flags);
	return LODGE_EMUL_OK;
}

/* The destination is written even when the comparison fails. */
int lodge_op_cmpxchg(struct lodge_emul *e)
{
	u64 acc = lodge_reg_read(e, LODGE_RAX, e->size);
	u64 flags;

	lodge_alu_sub(acc, e->dst, 0, e->size, &flags);
	set_flags(e, FLAGS_ARITH, flags);
	if (acc == e->dst) {
		e->dst = e->src;
	} else {
		lodge_reg_write(e, LODGE_RAX, e->dst, e->size);
		/* a register keeps its upper half, unlike any other write */
		if (!rm_is_mem(e))
			e->skip_write = true;
	}
	return LODGE_EMUL_OK;
}

/* CMPXCHG8B, with REX.W CMPXCHG16B. */
int lodge_op_cmpxchg8b(struct lodge_emul *e)
{
	unsigned int half = e->insn.opsize == 8 ? 8 : 4;
	unsigned int len = half * 2;
	u8 old[16], new[16];
	u64 lo = 0, hi = 0;
	bool equal;
	gva_t la;
	int rc;

	if (len == 16 && lodge_mem_misaligned(e, 16))
		return raise_gp0(e);
	rc = lodge_mem_linear(e, e->insn.seg, e->ea, len,
			      LODGE_ACCESS_WRITE, &la);
	if (rc != LODGE_EMUL_OK)
		return rc;
	rc = lodge_linear_read(e, la, old, len, LODGE_ACCESS_WRITE);
	if (rc != LODGE_EMUL_OK)
		return rc;
	memcpy(&lo, old, half);
	memcpy(&hi, old + half, half);
	equal = lo == lodge_reg_read(e, LODGE_RAX, half) &&
		hi == lodge_reg_read(e, LODGE_RDX, half);
	if (equal) {
		u64 ebx = lodge_reg_read(e, LODGE_RBX, half);
		u64 ecx = lodge_reg_read(e, LODGE_RCX, half);

		memcpy(new, &ebx, half);
		memcpy(new + half, &ecx, half);
		e->rflags |= LODGE_RFLAGS_ZF;
	} else {
		memcpy(new, old, len);
		lodge_reg_write(e, LODGE_RAX, lo, half);
		lodge_reg_write(e, LODGE_RDX, hi, half);
		e->rflags &= ~LODGE_RFLAGS_ZF;
	}
	return lodge_linear_write(e, la, new, len, 0,
				  e->insn.lock ? old : NULL);
}
