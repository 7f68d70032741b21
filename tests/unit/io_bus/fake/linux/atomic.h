/* SPDX-License-Identifier: GPL-2.0 */
/* Atomic operations. */
#ifndef FAKE_ATOMIC_H
#define FAKE_ATOMIC_H

#include "shim.h"

#define smp_mb__before_atomic()	smp_mb()	/* as strong */

typedef struct { int v; } atomic_t;
#define atomic_read(a)		__atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic_add(n, a)	__atomic_fetch_add(&(a)->v, n, __ATOMIC_SEQ_CST)

#define noinline		__attribute__((__noinline__))
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE) /* the same */
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE) /* the same */

#endif
