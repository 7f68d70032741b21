// SPDX-License-Identifier: GPL-2.0
/*
 * XSAVE areas: sizes, what may be in them, and what this CPU says to that.
 */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

#include "fpu.h"
#include "tests.h"

#define MASK	0xffffU
#define ALL	(LODGE_XF_X87 | LODGE_XF_SSE | LODGE_XF_YMM | \
		 LODGE_XF_AVX512 | LODGE_XF_PKRU)

/* As Intel's CPUs lay it out. */
static const struct lodge_xstate layout[LODGE_XF_NR] = {
	[2] = { 576, 256, false },
	[5] = { 1088, 64, false },
	[6] = { 1152, 512, false },
	[7] = { 1664, 1024, false },
	[9] = { 2688, 8, true },
};

static struct lodge_xarea *area_new(u32 size)
{
	struct lodge_xarea *x = aligned_alloc(64, (size + 63) & ~63U);

	lodge_xarea_init(x, size, MASK);
	return x;
}

void test_xarea_sizes(void)
{
	CHECK_EQ(lodge_xstate_size(layout, 3, false), 576);
	CHECK_EQ(lodge_xstate_size(layout, 1, true), 576);
	CHECK_EQ(lodge_xstate_size(layout, 7, false), 832);
	CHECK_EQ(lodge_xstate_size(layout, 0xe7, false), 2688);
	CHECK_EQ(lodge_xstate_size(layout, 0x2e7, false), 2696);
	CHECK_EQ(lodge_xstate_size(layout, 0xe7, true), 576 + 256 + 64 + 512 +
		 1024);
	CHECK_EQ(lodge_xstate_size(layout, 0x207, true), 832 + 8);
	CHECK_EQ(lodge_xstate_size(layout, 0x201, true), 576 + 8);
	CHECK_EQ(lodge_xstate_size(layout, 0x201, false), 2696);
}

void test_xarea_valid(void)
{
	struct lodge_xarea *x = area_new(2696);
	int i;

	CHECK_EQ(x->fx.fcw, 0x37f);
	CHECK_EQ(x->fx.mxcsr, 0x1f80);
	CHECK_EQ(x->fx.ftw, 0);
	CHECK(lodge_xarea_valid(x, ALL, MASK));
	for (i = 0; i < 64; i++) {
		x->xstate_bv = BIT_ULL(i);
		CHECK_EQ(lodge_xarea_valid(x, ALL, MASK),
			 !!(ALL & BIT_ULL(i)));
		x->xstate_bv = 0;
		x->xcomp_bv = BIT_ULL(i);
		CHECK(!lodge_xarea_valid(x, ALL, MASK));
		x->xcomp_bv = 0;
	}
	for (i = 0; i < 48; i++) {
		((u8 *)x->reserved)[i] = 0x80;
		CHECK(!lodge_xarea_valid(x, ALL, MASK));
		((u8 *)x->reserved)[i] = 0;
	}
	/* MXCSR counts when its component is there. */
	x->fx.mxcsr = 0x10000;
	CHECK(lodge_xarea_valid(x, ALL, MASK));
	x->xstate_bv = LODGE_XF_SSE;
	CHECK(!lodge_xarea_valid(x, ALL, MASK));
	x->xstate_bv = LODGE_XF_X87;
	CHECK(!lodge_xarea_valid(x, ALL, MASK));
	x->xstate_bv = LODGE_XF_YMM;
	CHECK(!lodge_xarea_valid(x, ALL, MASK));
	x->fx.mxcsr = 0x40;
	CHECK(lodge_xarea_valid(x, ALL, MASK));
	CHECK(!lodge_xarea_valid(x, ALL, LODGE_MXCSR_MASK_DEFAULT));
	free(x);
}

static bool filled(const void *p, u32 n, u8 with)
{
	const u8 *byte = p;
	u32 i;

	for (i = 0; i < n; i++) {
		if (byte[i] != with)
			return false;
	}
	return true;
}

void test_xarea_copies_components(void)
{
	struct lodge_xarea *from = area_new(2696), *to;
	u64 bv;
	u32 i;

	memset(from, 0xa5, 2696);
	for (bv = 0; bv < 0x400; bv++) {
		if (bv & ~ALL)
			continue;
		to = area_new(2696);
		lodge_xarea_copy(to, from, layout, bv);
		CHECK_EQ(to->xstate_bv, bv);
		CHECK_EQ(to->xcomp_bv, 0);
		CHECK_EQ(to->fx.fcw, bv & 1 ? 0xa5a5 : 0x37f);
		CHECK(filled(to->fx.st, 128, bv & 1 ? 0xa5 : 0));
		CHECK(filled(to->fx.xmm, 256, bv & 2 ? 0xa5 : 0));
		CHECK_EQ(to->fx.mxcsr, bv & 7 ? 0xa5a5a5a5 : 0x1f80);
		CHECK_EQ(to->fx.mxcsr_mask, MASK);
		CHECK(filled(to->fx.rest, 96, 0));
		CHECK(filled(to->reserved, 48, 0));
		for (i = 2; i < LODGE_XF_NR; i++)
			CHECK(filled((u8 *)to + layout[i].offset,
				     layout[i].size,
				     bv & BIT_ULL(i) ? 0xa5 : 0));
		free(to);
	}
	free(from);
}

static sigjmp_buf faulted;

static void on_fault(int sig)
{
	siglongjmp(faulted, 1);
}

/* Does this CPU's XRSTOR take it? The thread's own state is put back. */
static bool cpu_takes(const struct lodge_xarea *x, void *own, u64 features)
{
	volatile bool taken = false;

	asm volatile("xsave64 (%0)" :: "r"(own), "a"((u32)features), "d"(0)
		     : "memory");
	if (!sigsetjmp(faulted, 1)) {
		asm volatile("xrstor64 (%0)"
			     :: "r"(x), "a"((u32)features), "d"(0) : "memory");
		taken = true;
	}
	asm volatile("xrstor64 (%0)" :: "r"(own), "a"((u32)features), "d"(0)
		     : "memory");
	return taken;
}

static u32 cpu_layout(struct lodge_xstate *state, u64 features)
{
	u32 a, b, c, d, i;

	for (i = 2; i < LODGE_XF_NR; i++) {
		if (!(features & BIT_ULL(i)))
			continue;
		__cpuid_count(0xd, i, a, b, c, d);
		state[i] = (struct lodge_xstate){ b, a, c & 2 };
	}
	__cpuid_count(0xd, 0, a, b, c, d);
	return b;
}

static void spoil(struct lodge_xarea *x, u64 *seed)
{
	u64 r = test_random(seed);

	switch (r % 5) {
	case 0:
		x->xstate_bv ^= BIT_ULL((r >> 8) % 64);
		break;
	case 1:
		/* Bit 63 is the compacted format, which CPUs may have. */
		x->xcomp_bv ^= BIT_ULL((r >> 8) % 63);
		break;
	case 2:
		((u8 *)x->reserved)[(r >> 8) % 8] ^= 1;
		break;
	case 3:
		x->xstate_bv |= LODGE_XF_SSE;
		x->fx.mxcsr ^= BIT((r >> 8) % 32);
		break;
	}
}

void test_xarea_accepted_by_this_cpu(void)
{
	struct sigaction act = { .sa_handler = on_fault }, old[2];
	struct lodge_xstate state[LODGE_XF_NR] = {};
	u32 a, b, c, d, enabled, size, lo, hi, i, mask;
	u64 seed = 12345, features;
	struct lodge_xarea *x, *own;
	u32 took = 0, refused = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & BIT(27))) {
		test_skip = "no XSAVE here";
		return;
	}
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	features = lo & ALL;
	enabled = cpu_layout(state, features);
	size = lodge_xstate_size(state, features, false);
	if ((lo | (u64)hi << 32) == features)
		CHECK_EQ(size, enabled);
	x = area_new(size);
	own = area_new(size);
	asm volatile("fxsave64 (%0)" :: "r"(own) : "memory");
	mask = own->fx.mxcsr_mask ? own->fx.mxcsr_mask :
				    LODGE_MXCSR_MASK_DEFAULT;
	memset(own, 0, size);

	sigaction(SIGSEGV, &act, &old[0]);
	sigaction(SIGBUS, &act, &old[1]);
	for (i = 0; i < 3000; i++) {
		bool taken;

		lodge_xarea_init(x, size, mask);
		spoil(x, &seed);
		taken = cpu_takes(x, own, features);
		CHECK_EQ(taken, lodge_xarea_valid(x, features, mask));
		took += taken;
		refused += !taken;
	}
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
	CHECK(took && refused);
	free(x);
	free(own);
}
