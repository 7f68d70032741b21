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
	s->gpr[LODGE_RSP] = DATA_BASE + 0x400 + random_below(0x1700);
	if (random_below(8))
		s->gpr[LODGE_RSP] &= ~7ULL;
	if (flags & T_FRAME)
		s->gpr[LODGE_RBP] = random_address();
	if (flags & T_STRING) {
		s->gpr[LODGE_RCX] = random_below(12);
		s->gpr[LODGE_RSI] = random_address();
		s->gpr[LODGE_RDI] = random_address();
	}
	if (flags & T_XLAT)
		s->gpr[LODGE_RBX] = random_address() - 128;
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
	u64 at;
	unsigned int i;

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
		put(s, 0);
		put(s, 0);
		break;
	case 'a':
		at = random_address();
		for (i = 0; i < (s->long_mode && !small ? 8 : 4); i++)
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
	const struct insn_template *t = s->t;
	unsigned int i = 0, opsize = 4;
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
		opsize = 2;
	}
	if (rex & 8)
		opsize = 8;
	/* 16-bit addresses cannot reach the pages: string counts and LEA */
	if (!random_below(8) && (s->long_mode || (t->flags & T_NOADDR))) {
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
		put_modrm(s, addr_prefix && !s->long_mode);
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
	want = random_address();
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
	return in_window(lodge_effective_address(&e));
}

static void fill_memory(struct sample *s)
{
	unsigned int i;

	for (i = 0; i < sizeof(s->memory); i += 8) {
		u64 v = random_u64();

		/* a branch may take any of these for its target */
		if (s->t->flags & (T_TARGET | T_RETURN))
			v = CODE_BASE + v % CODE_SIZE;
		memcpy(s->memory + i, &v, 8);
	}
}

void sample_make(struct sample *s, bool long_mode)
{
	const struct insn_template *t;

	s->long_mode = long_mode;
	do {
		t = &insn_templates[random_below(insn_template_nr)];
		s->t = t;
		s->rip = CODE_BASE + 0x800;
		if (!random_below(4))
			s->rip = CODE_BASE + 0x1000 - random_below(16);
		random_registers(s);
		make_bytes(s);
	} while ((t->flags & (long_mode ? T_NO64 : T_ONLY64)) || !aim(s));
	fill_memory(s);
}
