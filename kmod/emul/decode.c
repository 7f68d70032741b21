// SPDX-License-Identifier: GPL-2.0
/*
 * From bytes to struct lodge_insn: prefixes, opcode, ModRM, SIB,
 * displacement and immediate.
 *
 * fetch.c calls this; what an opcode looks like comes from tables.c.
 * Next: tables.c.
 */
#include "internal.h"

struct decoder {
	struct lodge_insn *in;
	struct lodge_emul *e;	/* NULL: no more bytes than given */
	unsigned int pos;
	int rc;			/* enum lodge_emul_result, or -errno */
};

/* Make @n more bytes available at d->pos; never more than 15 in all. */
static bool need(struct decoder *d, unsigned int n)
{
	if (d->rc)
		return false;
	if (d->pos + n > LODGE_INSN_MAX) {
		d->rc = d->e ? raise_gp0(d->e) : -EINVAL;
		return false;
	}
	while (d->pos + n > d->in->have) {
		d->rc = d->e ? lodge_fetch(d->e) : -EAGAIN;
		if (d->rc)
			return false;
	}
	return true;
}

static __always_inline u8 take_u8(struct decoder *d)
{
	if (unlikely(d->pos >= d->in->have) && !need(d, 1))
		return 0;
	return d->in->bytes[d->pos++];
}

/* A little-endian number of 1, 2, 4 or 8 bytes, sign-extended. */
static __always_inline s64 take_signed(struct decoder *d, unsigned int n)
{
	const u8 *from = d->in->bytes + d->pos;
	s16 word;
	s32 dword;
	s64 qword;

	if (unlikely(d->pos + n > d->in->have) && !need(d, n))
		return 0;
	d->pos += n;
	switch (n) {
	case 1:
		return (s8)*from;
	case 2:
		memcpy(&word, from, sizeof(word));
		return word;
	case 4:
		memcpy(&dword, from, sizeof(dword));
		return dword;
	}
	memcpy(&qword, from, sizeof(qword));
	return qword;
}

/* Mode, and the sizes that it implies. */
void lodge_decode_mode(struct lodge_insn *in, const struct lodge_regs *r)
{
	bool big = r->seg[LODGE_CS].ar & LODGE_AR_DB;

	in->opsize = big ? 4 : 2;
	in->adsize = in->opsize;
	if (!(r->cr0 & LODGE_CR0_PE)) {
		in->mode = LODGE_MODE_REAL;
	} else if (r->rflags & LODGE_RFLAGS_VM) {
		in->mode = LODGE_MODE_V86;
	} else if (lodge_regs_long64(r)) {
		in->mode = LODGE_MODE_LONG64;
		in->opsize = 4;
		in->adsize = 8;
	} else {
		in->mode = LODGE_MODE_PROT;
	}
}

#define SEG_DEFAULT	0xff

/* A bit for each byte that is a prefix in every mode. */
static const u64 legacy_prefixes[4] = {
	[0x26 / 64] = BIT_ULL(0x26) | BIT_ULL(0x2e) | BIT_ULL(0x36) |
		      BIT_ULL(0x3e),
	[0x64 / 64] = BIT_ULL(0x64 & 63) | BIT_ULL(0x65 & 63) |
		      BIT_ULL(0x66 & 63) | BIT_ULL(0x67 & 63),
	[0xf0 / 64] = BIT_ULL(0xf0 & 63) | BIT_ULL(0xf2 & 63) |
		      BIT_ULL(0xf3 & 63),
};

static bool is_legacy_prefix(u8 b)
{
	return legacy_prefixes[b / 64] >> (b % 64) & 1;
}

/* One of them; the address size counts but once, and is done at the end. */
static void take_legacy_prefix(struct lodge_insn *in, u8 b, u8 *adsize)
{
	switch (b) {
	case 0x64: case 0x65:
		in->seg = b - 0x64 + LODGE_FS;
		break;
	case 0x66:
		in->opsize_prefix = true;
		break;
	case 0x67:
		*adsize = in->adsize != 4 ? 4 :
			  in->mode == LODGE_MODE_LONG64 ? 8 : 2;
		break;
	case 0xf0:
		in->lock = true;
		break;
	case 0xf2: case 0xf3:
		in->rep = b;
		break;
	default:
		if (in->mode != LODGE_MODE_LONG64)
			in->seg = (b >> 3) & 3;
		break;
	}
}

/* Take prefixes; return the opcode's first byte. */
static u8 take_prefixes(struct decoder *d)
{
	struct lodge_insn *in = d->in;
	u8 adsize = in->adsize;
	u8 b;

	in->rex = 0;
	in->rep = 0;
	in->lock = false;
	in->opsize_prefix = false;
	in->seg = SEG_DEFAULT;
	for (;;) {
		b = take_u8(d);
		if (unlikely(d->rc))
			return 0;
		if (is_legacy_prefix(b)) {
			take_legacy_prefix(in, b, &adsize);
			in->rex = 0;	/* counts only before the opcode */
		} else if ((b & 0xf0) == 0x40 &&
			   in->mode == LODGE_MODE_LONG64) {
			in->rex = b;
		} else {
			in->adsize = adsize;
			return b;
		}
	}
}

static void modrm16(struct decoder *d)
{
	static const u8 bases[8] = {
		LODGE_RBX, LODGE_RBX, LODGE_RBP, LODGE_RBP,
		LODGE_RSI, LODGE_RDI, LODGE_RBP, LODGE_RBX,
	};
	static const u8 indexes[8] = {
		LODGE_RSI, LODGE_RDI, LODGE_RSI, LODGE_RDI,
		LODGE_INSN_NOREG, LODGE_INSN_NOREG,
		LODGE_INSN_NOREG, LODGE_INSN_NOREG,
	};
	struct lodge_insn *in = d->in;
	unsigned int rm = in->modrm & 7;

	in->base = bases[rm];
	in->index = indexes[rm];
	if (in->mod == 0 && rm == 6) {
		in->base = LODGE_INSN_NOREG;
		in->disp = take_signed(d, 2);
	} else if (in->mod) {
		in->disp = take_signed(d, in->mod);
	}
}

static void modrm32(struct decoder *d)
{
	struct lodge_insn *in = d->in;
	unsigned int base = in->modrm & 7;

	if (base == 4) {
		u8 sib = take_u8(d);

		in->scale = sib >> 6;
		in->index = ((sib >> 3) & 7) | ((in->rex & 2) << 2);
		if (in->index == LODGE_RSP)
			in->index = LODGE_INSN_NOREG;
		base = sib & 7;
		if (base == 5 && in->mod == 0)
			goto no_base;
	} else if (base == 5 && in->mod == 0) {
		in->riprel = in->mode == LODGE_MODE_LONG64;
		goto no_base;
	}
	in->base = base | ((in->rex & 1) << 3);
	if (in->mod)
		in->disp = take_signed(d, in->mod == 1 ? 1 : 4);
	return;
no_base:
	in->disp = take_signed(d, 4);
}

static void take_modrm(struct decoder *d, u32 attr)
{
	struct lodge_insn *in = d->in;

	in->modrm = take_u8(d);
	in->mod = in->modrm >> 6;
	in->reg = ((in->modrm >> 3) & 7) | ((in->rex & 4) << 1);
	in->rm = (in->modrm & 7) | ((in->rex & 1) << 3);
	in->base = LODGE_INSN_NOREG;
	in->index = LODGE_INSN_NOREG;
	in->scale = 0;
	in->riprel = false;
	in->disp = 0;
	if (attr & A_CRDR)
		in->mod = 3;
	if (in->mod == 3)
		return;
	if (in->adsize == 2)
		modrm16(d);
	else
		modrm32(d);
	if (in->seg == SEG_DEFAULT && (in->base == LODGE_RSP ||
				       in->base == LODGE_RBP))
		in->seg = LODGE_SS;
}

/* Operand size is known now: what immediate does the opcode take? */
static void take_imm(struct decoder *d)
{
	struct lodge_insn *in = d->in;
	unsigned int z = in->opsize == 2 ? 2 : 4;

	if (!(in->attr & A_IMM_MASK))
		return;
	switch (in->attr & A_IMM_MASK) {
	case A_IMM8:
		in->imm = take_signed(d, 1);
		break;
	case A_IMM16:
		in->imm = (u16)take_signed(d, 2);
		break;
	case A_IMMZ:
		in->imm = take_signed(d, z);
		break;
	case A_IMMV:
		in->imm = take_signed(d, in->opsize);
		break;
	case A_MOFFS:
		in->disp = take_signed(d, in->adsize);
		in->base = LODGE_INSN_NOREG;
		in->index = LODGE_INSN_NOREG;
		in->riprel = false;
		break;
	case A_FAR:
		in->imm = take_signed(d, z) & size_mask(z);
		in->imm2 = take_signed(d, 2);
		break;
	case A_ENTER:
		in->imm = (u16)take_signed(d, 2);
		in->imm2 = (u8)take_signed(d, 1);
		break;
	case A_IMM8X2:
		in->imm = (u16)take_signed(d, 2);
		break;
	}
}

/*
 * VEX, EVEX and XOP: only their length matters, none is executed. @first is
 * the first byte, the second has been looked at but not taken.
 */
static void take_vex(struct decoder *d, u8 first)
{
	struct lodge_insn *in = d->in;
	unsigned int map = 1;
	u32 attr = A_MODRM;
	u8 p0;

	in->op = &lodge_opcode_vex;
	in->map = 4;
	p0 = take_u8(d);
	if (first == 0xc4 || first == 0x8f) {
		map = p0 & 0x1f;
		take_u8(d);
	} else if (first == 0x62) {
		map = p0 & 7;
		take_u8(d);
		take_u8(d);
	}
	in->rex = first == 0xc5 ? 0 : 0x40 | (~p0 >> 5 & 7);
	in->opcode = take_u8(d);
	if (map == 1) {
		/* As without VEX, but VZEROUPPER is the only one bare. */
		attr |= lodge_opcodes_two[in->opcode].attr & A_IMM_MASK;
		if (in->opcode == 0x77)
			attr = 0;
		else if ((attr & A_IMM_MASK) != A_IMM8)
			attr = A_MODRM;
	} else if (map == 3 || map == 8) {
		attr |= A_IMM8;
	} else if (map == 10) {
		attr |= A_IMMZ;
		in->opsize = 4;
	}
	if (attr & A_MODRM)
		take_modrm(d, attr);
	in->attr = attr;
	take_imm(d);
}

/* Does @b open a VEX, EVEX or XOP prefix? The next byte decides. */
static bool is_vex(struct decoder *d, u8 b)
{
	u8 next;

	if (likely(b != 0xc4 && b != 0xc5 && b != 0x62 && b != 0x8f))
		return false;
	if (d->pos >= d->in->have && !need(d, 1))
		return false;
	next = d->in->bytes[d->pos];
	if (b == 0x8f)
		return (next & 0x1f) >= 8;
	return d->in->mode == LODGE_MODE_LONG64 || next >= 0xc0;
}

static const struct lodge_opcode *take_opcode(struct decoder *d, u8 b)
{
	struct lodge_insn *in = d->in;

	in->map = 0;
	if (b == 0x0f) {
		b = take_u8(d);
		in->map = 1;
		if (b == 0x38 || b == 0x3a) {
			in->map = b == 0x38 ? 2 : 3;
			b = take_u8(d);
		}
	}
	in->opcode = b;
	switch (in->map) {
	case 0:
		return &lodge_opcodes_one[b];
	case 1:
		return &lodge_opcodes_two[b];
	case 2:
		return lodge_opcode_0f38(b);
	}
	return &lodge_opcode_0f3a_none;
}

static void set_opsize(struct lodge_insn *in)
{
	if (in->mode != LODGE_MODE_LONG64) {
		if (in->opsize_prefix)
			in->opsize ^= 6;	/* 2 and 4 change places */
		return;
	}
	if ((in->rex & 8) || (in->attr & A_F64))
		in->opsize = 8;
	else if (in->opsize_prefix)
		in->opsize = 2;
	else if (in->attr & A_D64)
		in->opsize = 8;
}

static void take_insn(struct decoder *d)
{
	struct lodge_insn *in = d->in;
	const struct lodge_opcode *op, *parent;
	u8 b = take_prefixes(d);

	if (!d->rc && unlikely(is_vex(d, b))) {
		take_vex(d, b);
		return;
	}
	if (d->rc)
		return;
	op = take_opcode(d, b);
	in->attr = op->attr;
	in->dst = op->dst;
	in->src = op->src;
	in->mod = 3;
	if (op->attr & A_MODRM)
		take_modrm(d, op->attr);
	if (op->attr & (A_GROUP | A_GROUP16)) {
		parent = op;
		op = parent->group + ((in->modrm >> 3) & 7);
		if ((parent->attr & A_GROUP16) && in->mod == 3)
			op += 8;
		in->attr |= op->attr;
		if (op->dst)
			in->dst = op->dst;
		if (op->src)
			in->src = op->src;
	}
	/* SSE4a's EXTRQ and INSERTQ share an opcode with VMREAD. */
	if (in->map == 1 && b == 0x0f && in->opcode == 0x78 &&
	    (in->opsize_prefix || in->rep == 0xf2))
		in->attr |= A_IMM8X2;
	in->op = op;
	set_opsize(in);
	take_imm(d);
}

/* See quick_mov() in execute.c; there is no other MOV with a ModRM byte. */
static bool is_quick(const struct lodge_insn *in)
{
	return in->mod != 3 && in->op->exec == lodge_op_mov &&
	       in->mode == LODGE_MODE_LONG64 && in->seg < LODGE_FS && !in->lock;
}

/**
 * lodge_decode() - make an instruction of its bytes
 * @in: with bytes and have
 * @e: emulator, to fetch more from; or NULL
 * @regs: LODGE_R_SEGS and LODGE_R_CRS valid
 *
 * Return: enum lodge_emul_result; without @e, 0 or as lodge_insn_length().
 */
int lodge_decode(struct lodge_insn *in, struct lodge_emul *e,
		 const struct lodge_regs *regs)
{
	struct decoder d = { .in = in, .e = e };

	lodge_decode_mode(in, regs);
	take_insn(&d);
	if (d.rc)
		return d.rc;
	if (in->seg == SEG_DEFAULT)
		in->seg = LODGE_DS;
	in->quick = is_quick(in);
	in->len = d.pos;
	return LODGE_EMUL_OK;
}
