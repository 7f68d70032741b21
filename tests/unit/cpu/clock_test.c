// SPDX-License-Identifier: GPL-2.0
/*
 * Ticks to nanoseconds and scaled TSCs, against 128-bit divisions, which the
 * kernel does not have.
 */
#include "pvclock.h"
#include "tests.h"

#define WIDE(x)	((__uint128_t)(x))

/* As Linux guests compute it: 64 bits, shifted, times mul, high part. */
static u64 guest_scale(u64 delta, u32 mul, s8 shift)
{
	delta = shift < 0 ? delta >> -shift : delta << shift;
	return (u64)((WIDE(delta) * mul) >> 32);
}

static void check_speed(u32 khz)
{
	u64 second = (u64)khz * 1000, ns;
	u32 mul;
	s8 shift;

	lodge_pvclock_ratio(khz, &mul, &shift);
	CHECK(mul >> 31);
	CHECK(shift >= -12 && shift <= 20);
	/* An hour, to a microsecond, where a tick is not coarser than that. */
	ns = lodge_pvclock_scale(3600 * second, mul, shift);
	if (shift <= 0)
		CHECK(ns <= 3600000000000ULL && ns >= 3600000000000ULL - 2000);
	else
		CHECK(ns <= 3600000000000ULL && ns >= 3599999990000ULL);
}

void test_clock_ratio_of_all_speeds(void)
{
	u64 seed = 88172645463325252ULL;
	u32 i;

	check_speed(1);
	check_speed(~0U);
	for (i = 0; i < 32; i++) {
		check_speed(1U << i);
		if (i > 1)
			check_speed((1U << i) - 1);
	}
	for (i = 0; i < 20000; i++)
		check_speed((test_random(&seed) >> (32 + i % 20)) | 1);
}

void test_clock_scale_as_a_guest(void)
{
	u64 seed = 42, ticks, last = 0;
	u32 mul, i;
	s8 shift;

	for (i = 0; i < 20000; i++) {
		lodge_pvclock_ratio(100000 + test_random(&seed) % 5000000,
				    &mul, &shift);
		ticks = test_random(&seed) >> (12 + i % 40);
		CHECK_EQ(lodge_pvclock_scale(ticks, mul, shift),
			 guest_scale(ticks, mul, shift));
	}
	/* It never goes back. */
	lodge_pvclock_ratio(2893213, &mul, &shift);
	for (ticks = 0; ticks < 100000; ticks++) {
		u64 ns = lodge_pvclock_scale(ticks, mul, shift);

		CHECK(ns >= last);
		last = ns;
	}
}

void test_clock_scale_saturates(void)
{
	u32 mul;
	s8 shift;

	lodge_pvclock_ratio(1000, &mul, &shift);	/* 1000 ns a tick */
	CHECK_EQ(lodge_pvclock_scale(~0ULL, mul, shift), ~0ULL);
	CHECK_EQ(lodge_pvclock_scale(~0ULL >> 9, mul, shift), ~0ULL);
	CHECK(lodge_pvclock_scale(~0ULL >> 11, mul, shift) < ~0ULL);
	lodge_pvclock_ratio(~0U, &mul, &shift);
	CHECK(lodge_pvclock_scale(~0ULL, mul, shift) < ~0ULL);
}

void test_clock_tsc_ratio(void)
{
	static const u8 bits[] = { 32, 48 };
	u64 seed = 7, ratio, want, tsc;
	u32 guest, host, i, b;

	for (i = 0; i < 20000; i++) {
		b = bits[i & 1];
		guest = 1 + (test_random(&seed) >> (32 + i % 24));
		host = 1000 + test_random(&seed) % 6000000;
		ratio = lodge_tsc_ratio(guest, host, b);
		want = (WIDE(guest) << b) / host;
		CHECK_EQ(ratio, guest / host > 255 ? 0 : want);
		tsc = test_random(&seed);
		if (ratio)
			CHECK_EQ(lodge_tsc_scale(tsc, ratio, b),
				 (u64)((WIDE(tsc) * ratio) >> b));
		CHECK_EQ(lodge_tsc_scale(tsc, 0, b), tsc);
	}
	CHECK_EQ(lodge_tsc_ratio(2000000, 1000000, 32), 2ULL << 32);
	CHECK_EQ(lodge_tsc_ratio(500000, 1000000, 48), 1ULL << 47);
	CHECK_EQ(lodge_tsc_scale(1000, 2ULL << 32, 32), 2000);
	CHECK_EQ(lodge_tsc_ratio(~0U, 1, 32), 0);
}
