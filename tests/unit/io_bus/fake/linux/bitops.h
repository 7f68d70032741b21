/* SPDX-License-Identifier: GPL-2.0 */
/* Bit operations. */
#ifndef FAKE_BITOPS_H
#define FAKE_BITOPS_H

#include "shim.h"

#define __set_bit(nr, map)	set_bit(nr, map)
static inline bool test_and_clear_bit(long nr, unsigned long *map)
{
	unsigned long bit = 1UL << nr % BITS_PER_LONG;

	return __atomic_fetch_and(map + nr / BITS_PER_LONG, ~bit,
				  __ATOMIC_SEQ_CST) & bit;
}

#endif
