// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers for the fuzzer: a stream that a seed determines, and those of it at
 * which checks go wrong. Called by all files here; read place.c next.
 */
#include <cpuid.h>
#include <string.h>

#include "fuzz.h"

/* CPUID costs an exit where this machine is a guest. */
bool bochs(void)
{
	static int intel = -1;
	unsigned int max, b, c, d;

	if (intel < 0)
		intel = __get_cpuid(0, &max, &b, &c, &d) &&
			b == signature_INTEL_ebx;
	return intel;
}

uint64_t rnd(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t below(struct rng *r, uint32_t n)
{
	return (rnd(r) >> 32) * n >> 32;
}

bool one_in(struct rng *r, uint32_t n)
{
	return !below(r, n);
}

uint64_t odd(struct rng *r)
{
	static const uint64_t known[] = {
		0, 1, ~0ull, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		1ull << 63, (1ull << 63) - 1, 0x7ffffffff000, 0x800000000000,
		0xffff800000000000, 0xffffffff81000000, 0xfee00000, 0xfec00000,
		0xa0000, 0xfffff000, 0xfffffffff000,
	};

	switch (below(r, 6)) {
	case 0:
		return pick(r, known);
	case 1:
		return 1ull << below(r, 64);
	case 2:
		return (1ull << below(r, 64)) - 1;
	case 3:
		return rnd(r) >> below(r, 64);
	case 4:
		return below(r, 0x200) << 12;
	default:
		return below(r, 16);
	}
}

/* Mostly small numbers and single bits, that get past some checks. */
void scribble(struct rng *r, void *at, size_t size)
{
	uint8_t *p = at;
	uint32_t kind = below(r, 4);

	memset(p, 0, size);
	for (size_t i = 0; i < size; i++) {
		uint64_t v;

		if (kind && below(r, 8) >= kind)
			continue;
		v = rnd(r);
		p[i] = v & 0x300 ? v : 1u << (v & 7);
	}
	/* A word or two at which checks go wrong. */
	for (uint32_t n = below(r, 3); n && size >= 8; n--) {
		uint64_t v = odd(r);

		memcpy(p + below(r, size / 8) * 8, &v, 8);
	}
}
