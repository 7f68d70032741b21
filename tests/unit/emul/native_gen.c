// SPDX-License-Identifier: GPL-2.0
/*
 * Random instructions whose memory operands fall, most of the time, into
 * the test's own pages, and never into anybody else's.
 *
 * Called by native_test.c. Next: native_test.c.
 */
#include "native_gen.h"

#include <stdlib.h>

#include "../../../kmod/emul/internal.h"

u64 random_state = 1;

u64 random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dULL;
}

unsigned int random_below(unsigned int n)
{
	return (random_u64() >> 33) % n;
}

/* An address in the test's pages, often at the border of one. */
static u64 random_address(void)
{
	if (random_below(4) == 0)
		return DATA_BASE + 0x1000 * random_below(4) -
		       random_below(20) + (random_below(2) ? 0 : 8);
	return DATA_BASE + random_below(DATA_RW_SIZE - 64);
}

/* The same, as an offset in the segment that 16-bit code has for data. */
static u64 random_offset(const struct sample *s)
{
	u64 at = random_address();

	return s->bits == 16 ? (at - DATA_BASE) & 0xffff : at;
}

static u64 random_value(void)
{
	static const u64 corners[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
		0x8000000000000000, ~0ULL,
	};

	switch (random_below(4)) {
	case 0:
		return random_address();
	case 1:
		return corners[random_below(ARRAY_SIZE(corners))];
	case 2:
		return (s64)random_below(80) - 40;
	}
	return random_u64();
}

static void random_registers(struct sample *s)
{
	u32 flags = s->t->flags;
	unsigned int i;

	for (i = 0; i < LODGE_GPR_NR; i++)
		s->gpr[i] = random_value();
	s->gpr[LODGE_RSP] = 0x400 + random_below(0x1700);
	if (s->bits != 16)
		s->gpr[LODGE_RSP] += DATA_BASE;
	if (random_below(8))
		s->gpr[LODGE_RSP] &= ~7ULL;
	if (flags & T_FRAME)
		s->gpr[LODGE_RBP] = random_offset(s);
	if (flags & T_STRING) {
		s->gpr[LODGE_RCX] = random_below(12);
		s->gpr[LODGE_RSI] = random_offset(s);
		s->gpr[LODGE_RDI] = random_offset(s);
	}
	if (flags & T_XLAT)
		s->gpr[LODGE_RBX] = random_offset(s) - 128;
	for (i = 0; !s->long_mode && i < LODGE_GPR_NR; i++)
		s->gpr[i] = i < 8 ? (u32)s->gpr[i] : 0;
	s->rflags = LODGE_RFLAGS_1 | LODGE_RFLAGS_IF;
	s->rflags |= random_u64() & (FLAGS_ARITH | LODGE_RFLAGS_DF);
	for (i = 0; i < 16; i++) {
		u64 half[2] = { random_u64(), random_u64() };

		memcpy(s->xmm[i], half, 16);
	}
}

static void put(struct sample *s, u8 byte)
{
	s->bytes[s->len++] = byte;
}

static void put_random(struct sample *s, unsigned int n)
{
	u64 v = random_value();

	while (n--) {
		put(s, v);
		v >>= 8;
	}
}

static unsigned int pick_reg(u32 flags)
{
	unsigned int reg;

	do
		reg = random_below(8);
	while (!(flags & T_REG(reg)));
	return reg;
}

/* Of a segment of ours, more often than not. */
static u8 random_selector(void)
{
	switch (random_below(8)) {
	case 0:
		return random_below(4);			/* null */
	case 1:
		return SEG_SEL(SEG_NR);			/* no such */
	case 2:
		return SEG_SEL(random_below(SEG_NR)) & ~random_below(4);
	}
	return SEG_SEL(random_below(SEG_NR));
}

/* ModRM, and SIB and displacement if it asks for them. */
static void put_modrm(struct sample *s, bool addr16)
{
	unsigned int mod = random_below(s->t->flags & T_MEM ? 3 : 4);
	unsigned int rm = random_below(8);
	unsigned int sib = 0;

	put(s, mod << 6 | pick_reg(s->t->flags) << 3 | rm);
	if (mod == 3)
		return;
	if (!addr16 && rm == 4) {
		sib = random_below(256);
		put(s, sib);
	}
	if (mod == 1)
		put_random(s, 1);
	else if (mod == 2 || (addr16 && rm == 6) || (!addr16 && rm == 5) ||
		 (!addr16 && rm == 4 && (sib & 7) == 5))
		put_random(s, addr16 ? 2 : 4);
}

static void put_imm(struct sample *s, unsigned int opsize, bool small)
{
	unsigned int i, n;
	u64 at;

	switch (s->t->imm) {
	case '1':
		put_random(s, 1);
		break;
	case '2':
		put(s, random_below(64));
		put(s, 0);
		break;
	case 'z':
		put_random(s, opsize == 2 ? 2 : 4);
		break;
	case 'v':
		put_random(s, opsize);
		break;
	case 'j':		/* stays in the code pages */
		put(s, random_below(256));
		put(s, random_below(4));
		if (opsize == 2)
			break;
		put(s, 0);
		put(s, 0);
		break;
	case 'f':		/* offset and selector */
		put(s, random_below(256));
		put(s, random_below(0x24));
		put(s, random_selector());
		put(s, 0);
		break;
	case 'a':
		at = random_offset(s);
		n = s->bits / 8;
		if (small)
			n = n == 8 || n == 2 ? 4 : 2;
		for (i = 0; i < n; i++)
			put(s, at >> (i * 8));
		break;
	case 'e':
		put_random(s, 1);
		put(s, random_below(4));
		put(s, random_below(3) ? 0 : random_below(6));
		break;
	}
}

static void make_bytes(struct sample *s)
{
	static const u8 reps[] = { 0xf2, 0xf3 };
	static const u8 overrides[] = { 0x26, 0x2e, 0x36, 0x3e };
	const struct insn_template *t = s->t;
	unsigned int i = 0, opsize = s->bits == 16 ? 2 : 4;
	bool addr_prefix = false;
	u8 rex = 0;

	s->len = 0;
	if (s->long_mode && random_below(2))
		rex = 0x40 | random_below(16);
	if (t->flags & T_LEGACY) {
		if (t->op[0] != 0x0f)
			put(s, t->op[i++]);
	} else if (!(t->flags & (T_NO66 | T_BRANCH)) && !random_below(3)) {
		put(s, 0x66);
		opsize ^= 6;
	}
	if (rex & 8)
		opsize = 8;
	if (s->bits == 16 && !random_below(4))
		put(s, overrides[random_below(4)]);
	/* 16-bit addresses reach the pages in 16-bit code only */
	if (!random_below(8) && (s->bits != 32 || (t->flags & T_NOADDR))) {
		put(s, 0x67);
		addr_prefix = true;
	}
	if ((t->flags & T_STRING) && random_below(2))
		put(s, reps[random_below(2)]);
	if ((t->flags & T_LOCK) && !random_below(4))
		put(s, 0xf0);
	if (rex)
		put(s, rex);
	for (; i < t->len; i++)
		put(s, t->op[i]);
	if (t->flags & T_VARY8)
		s->bytes[s->len - 1] |= random_below(8);
	if (t->flags & T_VARY16)
		s->bytes[s->len - 1] |= random_below(16);
	if (t->flags & T_MODRM)
		put_modrm(s, s->bits == 16 ? !addr_prefix :
			  addr_prefix && !s->long_mode);
	put_imm(s, opsize, addr_prefix);
}

void sample_regs(const struct sample *s, struct lodge_regs *regs)
{
	unsigned int i;

	memset(regs, 0, sizeof(*regs));
	memcpy(regs->gpr, s->gpr, sizeof(regs->gpr));
	regs->rip = s->rip;
	regs->rflags = s->rflags;
	regs->cr0 = LODGE_CR0_PE | LODGE_CR0_PG | LODGE_CR0_AM;
	regs->cr4 = LODGE_CR4_PAE | LODGE_CR4_OSFXSR | LODGE_CR4_UMIP;
	regs->efer = LODGE_EFER_LMA | LODGE_EFER_LME;
	for (i = LODGE_ES; i <= LODGE_GS; i++)
		regs->seg[i] = (struct lodge_seg){
			.limit = ~0U, .ar = 0xc0f3, .sel = 0x2b,
		};
	regs->seg[LODGE_CS].ar = s->long_mode ? 0xa0fb : 0xc0fb;
	regs->seg[LODGE_CS].sel = s->long_mode ? 0x33 : 0x23;
	regs->gdt.base = GDT_BASE;
	regs->gdt.limit = 0x7f;
	if (s->bits != 16)
		return;
	regs->seg[LODGE_CS] = native_ldt[SEG_CODE16];
	regs->seg[LODGE_SS] = native_ldt[SEG_STACK];
	regs->seg[LODGE_DS] = native_ldt[s->ds];
	regs->seg[LODGE_ES] = native_ldt[s->es];
	regs->seg[LODGE_LDTR] = (struct lodge_seg){
		.base = LDT_BASE, .limit = SEG_NR * 8 - 1, .ar = 0x82,
	};
}

static bool in_window(u64 addr)
{
	return addr >= DATA_BASE - 0x100 &&
	       addr <= DATA_BASE + DATA_SIZE + 0x100;
}

/*
 * Move the base register so that the operand falls into the pages. False if
 * it cannot be helped and would hit somebody else's memory.
 */
static bool aim(struct sample *s)
{
	struct lodge_regs regs;
	struct lodge_emul e = { .regs = &regs };
	struct lodge_insn *in = &e.insn;
	s64 reach = 0;
	u64 ea, want;

	sample_regs(s, &regs);
	if (lodge_emul_decode(&e, s->bytes, s->len) != LODGE_EMUL_OK ||
	    in->len != s->len)
		abort();	/* length_test.c finds out why */
	if (!(s->t->flags & T_MODRM) || (s->t->flags & T_NOADDR) ||
	    in->mod == 3)
		return true;
	if (s->t->flags & T_BITOFF) {
		if (in->reg == in->base || in->reg == in->index)
			return false;
		reach = (s64)random_below(512) - 256;
		s->gpr[in->reg] = s->long_mode ? (u64)reach : (u32)reach;
		sample_regs(s, &regs);
	}
	ea = lodge_effective_address(&e);
	if (s->long_mode && !lodge_canonical(&e, ea) && random_below(4) == 0)
		return true;
	want = random_offset(s);
	if (in->base != LODGE_INSN_NOREG && in->base != in->index &&
	    in->base != LODGE_RSP)
		s->gpr[in->base] += want - ea;
	else if (in->index != LODGE_INSN_NOREG && !in->scale)
		s->gpr[in->index] += want - ea;
	if (!s->long_mode && in->base < 8)
		s->gpr[in->base] = (u32)s->gpr[in->base];
	if (!s->long_mode && in->index < 8)
		s->gpr[in->index] = (u32)s->gpr[in->index];
	sample_regs(s, &regs);
	/* 16-bit code cannot leave its segments */
	return s->bits == 16 || in_window(lodge_effective_address(&e));
}

static u64 random_target(const struct sample *s)
{
	unsigned int i;
	u64 v = 0;

	if (s->bits != 16)
		return CODE_BASE + random_below(CODE_SIZE);
	for (i = 0; i < 4; i++)
		v = v << 16 | (random_below(2) ? random_selector() :
			       random_below(CODE_SIZE));
	return v;
}

static void fill_memory(struct sample *s)
{
	unsigned int i;

	for (i = 0; i < sizeof(s->memory); i += 8) {
		u64 v = random_u64();

		/* a branch may take any of these for its target */
		if (s->t->flags & (T_TARGET | T_RETURN))
			v = random_target(s);
		memcpy(s->memory + i, &v, 8);
	}
}

void sample_make(struct sample *s, unsigned int bits)
{
	static const u8 data[] = { SEG_DATA, SEG_DOWN, SEG_READONLY };
	const struct insn_template *t;
	bool long_mode = bits == 64;
	u32 without = long_mode ? T_NO64 : T_ONLY64;

	if (bits != 16)
		without |= T_SEG;
	s->bits = bits;
	s->long_mode = long_mode;
	s->ds = data[random_below(3)];
	s->es = data[random_below(2)];
	do {
		t = &insn_templates[random_below(insn_template_nr)];
		s->t = t;
		s->rip = 0x800;
		if (!random_below(4))
			s->rip = 0x1000 - random_below(16);
		if (bits != 16)
			s->rip += CODE_BASE;
		random_registers(s);
		make_bytes(s);
	} while ((t->flags & without) || !insn_template_runs(t) || !aim(s));
	fill_memory(s);
}
