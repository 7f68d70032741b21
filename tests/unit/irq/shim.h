/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the chips' logic (kmod/irq) uses of the kernel beyond pure.h, for
 * userspace. The atomic ones are so here too, and each is a step at which
 * race_test.c can let another CPU do something.
 */
#ifndef SHIM_H
#define SHIM_H

#include "pure.h"

#define BITS_PER_LONG	64

extern void (*shim_step)(void);	/* set by race_test.c */

static inline void shim_stop(void)
{
	if (shim_step)
		shim_step();
}

#define READ_ONCE(x)	(shim_stop(), *(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) \
	(shim_stop(), *(volatile __typeof__(x) *)&(x) = (v))
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)	/* the same */
#define xchg(p, v)	__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)

static inline unsigned long *bit_word(long nr, unsigned long *map)
{
	return map + nr / BITS_PER_LONG;
}

static inline void set_bit(long nr, unsigned long *map)
{
	shim_stop();
	__atomic_fetch_or(bit_word(nr, map), 1UL << nr % BITS_PER_LONG,
			  __ATOMIC_SEQ_CST);
}

static inline void clear_bit(long nr, unsigned long *map)
{
	shim_stop();
	__atomic_fetch_and(bit_word(nr, map), ~(1UL << nr % BITS_PER_LONG),
			   __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(long nr, unsigned long *map)
{
	unsigned long bit = 1UL << nr % BITS_PER_LONG;

	shim_stop();
	return __atomic_fetch_or(bit_word(nr, map), bit, __ATOMIC_SEQ_CST) &
	       bit;
}

static inline bool test_bit(long nr, const unsigned long *map)
{
	return __atomic_load_n(map + nr / BITS_PER_LONG, __ATOMIC_RELAXED) >>
	       nr % BITS_PER_LONG & 1;
}

#endif /* SHIM_H */
