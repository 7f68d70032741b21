// SPDX-License-Identifier: GPL-2.0
/*
 * Machine code for the fuzzer's guests: random bytes, and between them what a
 * hypervisor has to do with: registers of every kind, ports, the interrupt
 * chips, hypercalls, and instructions that reach devices. Called by guest.c.
 *
 * Wrong turns are no matter: whatever comes of it is a guest, too.
 */
#include <string.h>

#include "code.h"

struct out {
	struct rng *r;
	uint8_t *at, *end;
	unsigned int bits;
};

static void bytes(struct out *o, const void *p, size_t n)
{
	if ((size_t)(o->end - o->at) < n)
		n = o->end - o->at;
	memcpy(o->at, p, n);
	o->at += n;
}

#define B(...) do {							\
	const uint8_t list[] = { __VA_ARGS__ };				\
	bytes(o, list, sizeof(list));					\
} while (0)

static void put32(struct out *o, uint32_t v)
{
	bytes(o, &v, 4);
}

/* mov $v, register: of 32 bits in every mode. */
static void load(struct out *o, unsigned int reg, uint32_t v)
{
	if (o->bits == 16)
		B(0x66);
	B(0xb8 + reg);
	put32(o, v);
}

static void load64(struct out *o, unsigned int reg, uint64_t v)
{
	if (o->bits != 64) {
		load(o, reg, v);
		return;
	}
	B(0x48, 0xb8 + reg);
	bytes(o, &v, 8);
}

static void make_msr(struct out *o)
{
	uint32_t msr = msr_any(o->r);
	uint64_t v = msr_value(o->r, msr);

	load(o, 1, msr);
	load(o, 0, v);
	load(o, 2, v >> 32);
	B(0x0f, one_in(o->r, 3) ? 0x32 : 0x30);
}

static void make_port(struct out *o)
{
	static const uint16_t ports[] = {
		0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x4d0,
		0x4d1, 0x70, 0x80, 0xcf8, 0xcfc, 0xe0, 0x70, 0xe0,
	};
	static const uint8_t ops[] = {
		0xec, 0xed, 0xee, 0xee, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f,
	};
	uint8_t op = pick(o->r, ops);

	load(o, 2, one_in(o->r, 8) ? rnd(o->r) : pick(o->r, ports));
	load(o, 0, one_in(o->r, 2) ? odd(o->r) : rnd(o->r));
	if ((op & 0xf0) == 0x60) {
		load64(o, 6, below(o->r, 0x200000));
		load64(o, 7, below(o->r, 0x200000));
		load(o, 1, below(o->r, 64));
		if (one_in(o->r, 2))
			B(0xf3);
	}
	B(op);
}

/* CRn and DRn, read and written. */
static void make_control(struct out *o)
{
	static const uint8_t ops[] = { 0x20, 0x22, 0x22, 0x21, 0x23, 0x23 };
	uint8_t modrm = 0xc0 | below(o->r, 8) << 3 | below(o->r, 4);
	uint32_t bit = below(o->r, 32);

	if (!bochs() && (modrm & 0x38) == 0x20)	/* PAE stays as it is */
		modrm &= 0xf8, bit = bit == 5 ? 6 : bit;
	else if (one_in(o->r, 2))
		bit = 32;
	if (bit < 32)		/* a bit of what is there is another */
		B(0x0f, 0x20, modrm & 0xf8, 0x0f, 0xba, 0xf8, bit);
	else
		load64(o, modrm & 7, odd(o->r));
	if (one_in(o->r, 8) && o->bits == 64)
		B(0x44);
	B(0x0f, pick(o->r, ops), modrm);
}

static void make_chip(struct out *o)
{
	static const uint64_t chips[] = {
		0xfee00000, 0xfee00000, 0xfee00000, 0xfec00000, 0xd0000,
		0xd0000000, 0xa0000,
	};
	static const uint8_t icr[] = { 0x30, 0x31, 0xb0, 0x20, 0x8, 0xd, 0x38 };
	uint64_t chip = pick(o->r, chips);
	uint32_t v = one_in(o->r, 2) ? odd(o->r) : rnd(o->r) & 0xd57ff;

	if (chip == 0xfee00000 && one_in(o->r, 3)) {	/* a message */
		load64(o, 7, chip + 0x300);
		v = (rnd(o->r) & 0xff) | pick(o->r, icr) << 8 |
		    (uint32_t)below(o->r, 4) << 18;
	} else if (chip == 0xfec00000) {
		load64(o, 7, chip);
		load(o, 0, below(o->r, 0x42));
		B(0x89, 0x07);
		load64(o, 7, chip + (one_in(o->r, 4) ? 0x40 : 0x10));
	} else {
		uint32_t reg = below(o->r, 0x40) << 4;

		if (chip == 0xfee00000 && one_in(o->r, 4))
			reg = 0xb0;	/* the end of an interrupt */
		load64(o, 7, chip + reg);
	}
	load(o, 0, v);
	if (o->bits == 16)
		B(0x66, 0x67);
	switch (below(o->r, 8)) {
	case 0:		/* mov (edi), eax */
		B(0x8b, 0x07);
		break;
	case 1:		/* string operations */
		load(o, 1, below(o->r, 32));
		B(0xf3, one_in(o->r, 2) ? 0xa5 : 0xab);
		break;
	case 2:		/* whatever takes an address */
		B(0x00 + below(o->r, 64), 0x07);
		break;
	case 3:		/* ... or two bytes of opcode */
		B(0x0f, 0x10, 0x07);
		break;
	case 4:		/* and jumps to where no memory is */
		B(0xff, 0x20 | below(o->r, 8) | 7);
		break;
	default:
		B(0x89, 0x07);
	}
}

static void make_hypercall(struct out *o)
{
	load(o, 0, below(o->r, 14));
	load64(o, 3, odd(o->r));
	load64(o, 1, odd(o->r));
	load64(o, 2, odd(o->r));
	if (one_in(o->r, 2))
		load(o, 6, rnd(o->r) & 0xfff);
	B(0x0f, 0x01, one_in(o->r, 2) ? 0xd9 : 0xc1);
}

static void make_xcr(struct out *o)
{
	load(o, 1, one_in(o->r, 8) ? odd(o->r) : 0);
	load(o, 0, one_in(o->r, 2) ? 7 : odd(o->r));
	load(o, 2, one_in(o->r, 4) ? odd(o->r) : 0);
	B(0x0f, 0x01, one_in(o->r, 4) ? 0xd0 : 0xd1);
}

/* One instruction without more to it. */
static void make_single(struct out *o)
{
	static const struct {
		uint8_t len, code[4];
	} list[] = {
		{ 2, { 0x0f, 0xa2 } }, { 1, { 0xf4 } }, { 1, { 0xfb } },
		{ 1, { 0xfa } }, { 1, { 0xfb } }, { 1, { 0xcf } },
		{ 2, { 0x48, 0xcf } }, { 1, { 0x9d } }, { 1, { 0x9c } },
		{ 2, { 0x0f, 0x05 } }, { 2, { 0x0f, 0x07 } },
		{ 3, { 0x48, 0x0f, 0x07 } }, { 2, { 0x0f, 0x34 } },
		{ 2, { 0x0f, 0x35 } }, { 2, { 0x0f, 0x08 } },
		{ 2, { 0x0f, 0x09 } }, { 2, { 0x0f, 0x0b } }, { 1, { 0xcc } },
		{ 1, { 0xce } }, { 1, { 0xf1 } }, { 2, { 0x0f, 0x31 } },
		{ 3, { 0x0f, 0x01, 0xf9 } }, { 2, { 0x0f, 0x33 } },
		{ 3, { 0x0f, 0x01, 0xc8 } }, { 3, { 0x0f, 0x01, 0xc9 } },
		{ 2, { 0xf3, 0x90 } }, { 3, { 0x0f, 0x01, 0xf8 } },
		{ 3, { 0x0f, 0x01, 0xca } }, { 3, { 0x0f, 0x01, 0xcb } },
		{ 3, { 0x0f, 0x01, 0xd8 } }, { 3, { 0x0f, 0x01, 0xda } },
		{ 3, { 0x0f, 0x01, 0xdb } }, { 3, { 0x0f, 0x01, 0xdc } },
		{ 3, { 0x0f, 0x01, 0xdd } }, { 3, { 0x0f, 0x01, 0xde } },
		{ 3, { 0x0f, 0x01, 0xdf } }, { 3, { 0x0f, 0x01, 0xc2 } },
		{ 3, { 0x0f, 0x01, 0xc4 } }, { 2, { 0x0f, 0x06 } },
		{ 3, { 0x0f, 0x00, 0xd8 } }, { 3, { 0x0f, 0x00, 0xd0 } },
		{ 3, { 0x0f, 0x01, 0xf0 } }, { 3, { 0x0f, 0x01, 0x3f } },
		{ 3, { 0x0f, 0x01, 0x17 } }, { 3, { 0x0f, 0x01, 0x1f } },
		{ 3, { 0x0f, 0xae, 0x07 } }, { 3, { 0x0f, 0xae, 0x0f } },
		{ 3, { 0x0f, 0xae, 0x27 } }, { 3, { 0x0f, 0xae, 0x2f } },
		{ 3, { 0x8e, 0xd0, 0x90 } }, { 3, { 0x8e, 0xd8, 0x90 } },
		{ 1, { 0x1f } }, { 1, { 0x17 } }, { 1, { 0xc9 } },
		{ 3, { 0x0f, 0xc7, 0xf0 } }, { 3, { 0x0f, 0xc7, 0x0f } },
		{ 1, { 0x9b } },
		{ 2, { 0xdb, 0xe3 } }, { 2, { 0xdd, 0x37 } }, { 1, { 0xcb } },
	};
	unsigned int i = below(o->r, ARRAY_SIZE(list));

	bytes(o, list[i].code, list[i].len);
}

static void make_jump(struct out *o)
{
	static const uint16_t far[] = { 0x08, 0x18, 0x20, 0x58, 0x60, 0x68, 0x3b };
	uint16_t to = pick(o->r, far);
	uint32_t at = 0x30000 + below(o->r, 0x8000 / CODE_SLOT) * CODE_SLOT;

	switch (below(o->r, 4)) {
	case 0:
		B(0xcd, rnd(o->r));
		break;
	case 1:
		B(0xeb, CODE_SLOT - 2);
		break;
	case 2:		/* to another segment, or through a gate */
		B(one_in(o->r, 2) ? 0xea : 0x9a);
		bytes(o, &at, o->bits == 16 ? 2 : 4);
		bytes(o, &to, 2);
		break;
	default:	/* the instruction that comes is another next time */
		load64(o, 7, at);
		load(o, 0, rnd(o->r));
		B(0xab);
	}
}

void code_make(struct rng *r, uint8_t *at, size_t size, unsigned int bits,
	       bool wild)
{
	static void (* const makers[])(struct out *o) = {
		make_msr, make_msr, make_port, make_port, make_control,
		make_chip, make_chip, make_chip, make_hypercall, make_xcr,
		make_single, make_single, make_single, make_jump,
	};
	uint32_t noise = 1 + below(r, 16);
	uint8_t *slot;

	for (slot = at; slot < at + size; slot += CODE_SLOT) {
		struct out out = { r, slot, slot + CODE_SLOT, bits };

		memset(slot, 0x90, CODE_SLOT);
		if (wild && one_in(r, noise)) {
			uint64_t v = rnd(r);

			bytes(&out, &v, 1 + below(r, 8));
		}
		pick(r, makers)(&out);
	}
}
