// SPDX-License-Identifier: GPL-2.0
/*
 * Multiplication and division.
 *
 * Called from execute.c through the opcode tables. Next: string.c.
 */
#include "internal.h"

static void set_overflow(struct lodge_emul *e, bool on)
{
	u64 both = LODGE_RFLAGS_CF | LODGE_RFLAGS_OF;

	e->rflags = on ? e->rflags | both : e->rflags & ~both;
}

/* Double-width result and operand: AX for bytes, else rDX:rAX. */
static void write_wide(struct lodge_emul *e, u64 lo, u64 hi)
{
	if (e->size == 1) {
		lodge_reg_write(e, LODGE_RAX, (lo & 0xff) | (hi & 0xff) << 8,
				2);
		return;
	}
	lodge_reg_write(e, LODGE_RAX, lo, e->size);
	lodge_reg_write(e, LODGE_RDX, hi, e->size);
}

static unsigned __int128 read_wide(const struct lodge_emul *e)
{
	unsigned int bits = e->size * 8;

	if (e->size == 1)
		return lodge_reg_read(e, LODGE_RAX, 2);
	return (unsigned __int128)lodge_reg_read(e, LODGE_RDX, e->size) << bits |
	       lodge_reg_read(e, LODGE_RAX, e->size);
}

int lodge_op_mul(struct lodge_emul *e)
{
	u64 acc = lodge_reg_read(e, LODGE_RAX, e->size);
	unsigned __int128 p = (unsigned __int128)acc * e->src;
	u64 hi = p >> (e->size * 8);

	write_wide(e, p, hi);
	set_overflow(e, hi);
	return LODGE_EMUL_OK;
}

static __int128 signed_product(u64 a, u64 b, unsigned int size)
{
	return (__int128)(s64)sign_extend_size(a, size) *
	       (s64)sign_extend_size(b, size);
}

int lodge_op_imul(struct lodge_emul *e)
{
	u64 acc = lodge_reg_read(e, LODGE_RAX, e->size);
	__int128 p = signed_product(acc, e->src, e->size);

	write_wide(e, p, p >> (e->size * 8));
	set_overflow(e, p != (s64)sign_extend_size(p, e->size));
	return LODGE_EMUL_OK;
}

/* Two operands, or three: the immediate is the second factor. */
int lodge_op_imul2(struct lodge_emul *e)
{
	u64 a = e->insn.op->aux ? e->insn.imm : e->dst;
	__int128 p = signed_product(a, e->src, e->size);

	e->dst = (u64)p & size_mask(e->size);
	set_overflow(e, p != (s64)sign_extend_size(p, e->size));
	return LODGE_EMUL_OK;
}

/*
 * 128 by 64 bits where the quotient is known to fit. The CPU's own, since
 * the compiler would call a library that the kernel does not have.
 */
static u64 divide(unsigned __int128 n, u64 d, u64 *rem)
{
	u64 q, r;

	asm("divq %4" : "=a" (q), "=d" (r)
	    : "a" ((u64)n), "d" ((u64)(n >> 64)), "rm" (d) : "cc");
	*rem = r;
	return q;
}

int lodge_op_div(struct lodge_emul *e)
{
	unsigned int bits = e->size * 8;
	unsigned __int128 n = read_wide(e);
	u64 q, r;

	if (!e->src || (u64)(n >> bits) >= e->src)
		return lodge_emul_raise(e, LODGE_DE);
	q = divide(n, e->src, &r);
	write_wide(e, q, r);
	return LODGE_EMUL_OK;
}

/* On magnitudes; the remainder has the dividend's sign. */
int lodge_op_idiv(struct lodge_emul *e)
{
	unsigned int bits = e->size * 8;
	u64 d = sign_extend_size(e->src, e->size), q, r;
	bool dneg = (s64)d < 0, nneg;
	unsigned __int128 n = read_wide(e);

	nneg = (n >> (2 * bits - 1)) & 1;
	if (nneg) {
		n = -n;
		if (bits < 64)
			n &= ((unsigned __int128)1 << (2 * bits)) - 1;
	}
	if (dneg)
		d = -d;
	if (!d || (u64)(n >> bits) >= d)
		return lodge_emul_raise(e, LODGE_DE);
	q = divide(n, d, &r);
	if (q > (1ULL << (bits - 1)) - (nneg == dneg))
		return lodge_emul_raise(e, LODGE_DE);
	write_wide(e, nneg == dneg ? q : -q, nneg ? -r : r);
	return LODGE_EMUL_OK;
}
