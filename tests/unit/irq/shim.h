/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the chips' logic (kmod/irq) uses of the kernel beyond pure.h, for
 * userspace. The atomic ones are so here too: race_test.c runs them in
 * threads.
 */
#ifndef SHIM_H
#define SHIM_H

#include "pure.h"

#define BITS_PER_LONG	64

#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xchg(p, v)	__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)

static inline unsigned long *bit_word(long nr, unsigned long *map)
{
	return map + nr / BITS_PER_LONG;
}

static inline void set_bit(long nr, unsigned long *map)
{
	__atomic_fetch_or(bit_word(nr, map), 1UL << nr % BITS_PER_LONG,
			  __ATOMIC_SEQ_CST);
}

static inline void clear_bit(long nr, unsigned long *map)
{
	__atomic_fetch_and(bit_word(nr, map), ~(1UL << nr % BITS_PER_LONG),
			   __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(long nr, unsigned long *map)
{
	unsigned long bit = 1UL << nr % BITS_PER_LONG;

	return __atomic_fetch_or(bit_word(nr, map), bit, __ATOMIC_SEQ_CST) &
	       bit;
}

static inline bool test_bit(long nr, const unsigned long *map)
{
	return __atomic_load_n(map + nr / BITS_PER_LONG, __ATOMIC_RELAXED) >>
	       nr % BITS_PER_LONG & 1;
}

#endif /* SHIM_H */
