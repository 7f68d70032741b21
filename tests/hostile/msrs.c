// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs for the fuzzer: numbers of those that exist and of their neighbours, and
 * values that some of them take. Called by args.c and guest.c; read calls.c
 * next.
 */
#include "fuzz.h"

static const struct {
	uint32_t first, nr;
} ranges[] = {
	{ 0x0, 0x20 }, { 0x10, 1 }, { 0x1b, 1 }, { 0x3a, 2 }, { 0x48, 2 },
	{ 0x79, 1 }, { 0x8b, 1 }, { 0x9b, 1 }, { 0x9e, 1 }, { 0xc0, 0x10 },
	{ 0xce, 1 }, { 0xe1, 8 }, { 0xfe, 1 }, { 0x10a, 2 }, { 0x122, 1 },
	{ 0x140, 1 }, { 0x174, 3 }, { 0x179, 3 }, { 0x186, 8 }, { 0x198, 10 },
	{ 0x1a0, 12 }, { 0x1c4, 2 }, { 0x1c9, 1 }, { 0x1d9, 6 }, { 0x200, 0x12 },
	{ 0x250, 0x22 }, { 0x277, 1 }, { 0x280, 0x20 }, { 0x2ff, 1 },
	{ 0x309, 0x10 }, { 0x345, 1 }, { 0x38d, 4 }, { 0x400, 0x80 },
	{ 0x480, 0x14 }, { 0x4d0, 4 }, { 0x560, 0x20 }, { 0x600, 0x10 },
	{ 0x6e0, 1 }, { 0x800, 0x40 }, { 0xda0, 1 }, { 0xd90, 1 },
	{ 0x11, 2 }, { 0x4b564d00, 9 }, { 0x40000000, 0x20 },
	{ 0x40000070, 4 }, { 0x400000b0, 8 }, { 0xc0000080, 5 },
	{ 0xc0000100, 5 }, { 0xc0000102, 2 }, { 0xc0000200, 0x10 },
	{ 0xc0010000, 0x20 }, { 0xc0010058, 1 }, { 0xc0010063, 2 },
	{ 0xc0010111, 8 }, { 0xc0010140, 2 }, { 0xc0010200, 12 },
	{ 0xc001011f, 1 }, { 0xc0010130, 3 }, { 0xc0011020, 16 },
};

uint32_t msr_any(struct rng *r)
{
	uint32_t i = below(r, ARRAY_SIZE(ranges));

	uint32_t msr = ranges[i].first + below(r, ranges[i].nr);

	if (one_in(r, 16))
		return odd(r);
	return msr == 0xc0000080 && !bochs() ? 0xc0000081 : msr;
}

/* Of pages in guest memory, of modes, of time; or anything. */
uint64_t msr_value(struct rng *r, uint32_t msr)
{
	static const uint64_t efer[] = { 0, 0x500, 0xd01, 0x1000, 0x4000, 0xd00 };
	static const uint64_t base[] = {
		0xfee00000, 0xfee00800, 0xfee00900, 0xfee00c00, 0xfee00d00,
		0x100800, 0x1800, 0xfee00400,
	};
	uint64_t page = below(r, GUEST_SIZE) | below(r, 2);

	if (one_in(r, 8))
		return odd(r);
	switch (msr) {
	case 0x1b:
		return pick(r, base);
	case 0xc0000080:
		return pick(r, efer);
	case 0x6e0:		/* soon, or long ago */
		return below(r, 1 << 24);
	}
	/* Faults that the guest is told of, in kernel mode, too; a vector. */
	if (msr == 0x4b564d02 && one_in(r, 2))
		return (page & ~0x3full) | 0xb;
	if (msr == 0x4b564d06)
		return below(r, 0x110);
	if (msr >> 8 == 0x4b564d)
		return page | (one_in(r, 2) ? 1 : 0);
	if (msr >= 0x800 && msr < 0x840)
		return below(r, 4) ? rnd(r) & 0xc5fff : rnd(r) >> 8;
	return one_in(r, 2) ? odd(r) : page;
}
