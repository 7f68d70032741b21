/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TSC ticks to nanoseconds, as the guest of a kvmclock computes it, and
 * scaled TSCs. Pure. Next: pvclock.c.
 */
#ifndef LODGE_PVCLOCK_H
#define LODGE_PVCLOCK_H

#include "pure.h"

void lodge_pvclock_ratio(u32 khz, u32 *mul, s8 *shift);
u64 lodge_pvclock_scale(u64 ticks, u32 mul, s8 shift);
u64 lodge_tsc_ratio(u32 guest_khz, u32 host_khz, u8 frac_bits);
u64 lodge_tsc_scale(u64 tsc, u64 ratio, u8 frac_bits);

#endif /* LODGE_PVCLOCK_H */
