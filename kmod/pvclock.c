// SPDX-License-Identifier: GPL-2.0
/*
 * TSC ticks to nanoseconds, and scaled TSCs.
 *
 * Called by clock.c and kvmclock.c. Pure. Next: kvmclock.c.
 */
#include "pvclock.h"

/**
 * lodge_pvclock_ratio() - how a guest turns ticks into nanoseconds
 * @khz: frequency of its TSC, not 0
 * @mul: multiplier, a fraction of 2^32, its top bit set
 * @shift: power of two that the ticks are multiplied with first
 */
void lodge_pvclock_ratio(u32 khz, u32 *mul, s8 *shift)
{
	u64 num = 1000000, den = khz;
	int s = 0;

	while (num >= den) {
		den <<= 1;
		s++;
	}
	while (num << 1 < den) {
		num <<= 1;
		s--;
	}
	*mul = (num << 32) / den;
	*shift = s;
}

/**
 * lodge_pvclock_scale() - ticks to nanoseconds
 * @ticks: of the guest's TSC
 * @mul: from lodge_pvclock_ratio()
 * @shift: from lodge_pvclock_ratio()
 *
 * As guests compute it, to the last bit, while ticks << shift fits 64 bits.
 *
 * Return: ns, ~0 if it is more than that.
 */
u64 lodge_pvclock_scale(u64 ticks, u32 mul, s8 shift)
{
	__uint128_t v = ticks;

	if (shift < 0)
		v >>= -shift;
	else
		v <<= shift;
	v = (v * mul) >> 32;
	return v >> 64 ? ~0ULL : (u64)v;
}

/**
 * lodge_tsc_ratio() - what the hardware is to multiply the TSC with
 * @guest_khz: frequency that the guest is to see
 * @host_khz: that of the host, not 0
 * @frac_bits: of the hardware's ratio, at most 48
 *
 * Return: ratio, 0 if it is 256 or more.
 */
u64 lodge_tsc_ratio(u32 guest_khz, u32 host_khz, u8 frac_bits)
{
	u64 whole = guest_khz / host_khz, rest = guest_khz % host_khz;
	u64 frac = 0;
	int i;

	/* Long division: the kernel has none of 128 bits. */
	for (i = 0; i < frac_bits; i++) {
		rest <<= 1;
		frac <<= 1;
		if (rest >= host_khz) {
			rest -= host_khz;
			frac |= 1;
		}
	}
	if (whole > 255)
		return 0;
	return whole << frac_bits | frac;
}

/**
 * lodge_tsc_scale() - a TSC as the hardware scales it
 * @tsc: the host's
 * @ratio: from lodge_tsc_ratio(); 0: no scaling
 * @frac_bits: of the ratio
 */
u64 lodge_tsc_scale(u64 tsc, u64 ratio, u8 frac_bits)
{
	if (!ratio)
		return tsc;
	return (u64)(((__uint128_t)tsc * ratio) >> frac_bits);
}
