/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a pure file may use: types, bits, min/max and memory functions.
 *
 * A pure file calls nothing of the kernel's. The same source is compiled
 * into the module and into the unit tests in userspace, so it includes this
 * header in place of any from the kernel. Next: regs.h.
 */
#ifndef LODGE_PURE_H
#define LODGE_PURE_H

#ifdef __KERNEL__

#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

#else

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define GENMASK(h, l)	((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l) ((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define FIELD_GET(mask, v) \
	((__typeof__(mask))(((v) & (mask)) / ((mask) & -(mask))))
#define FIELD_PREP(mask, v) \
	(((__typeof__(mask))(v) * ((mask) & -(mask))) & (mask))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); \
		     _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); \
		     _a > _b ? _a : _b; })
#define min_t(t, a, b)	({ t _a = (a); t _b = (b); _a < _b ? _a : _b; })
#define max_t(t, a, b)	({ t _a = (a); t _b = (b); _a > _b ? _a : _b; })
#define noinline	__attribute__((__noinline__))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define __user
#define fallthrough	__attribute__((__fallthrough__))
#define __packed	__attribute__((__packed__))
#define __aligned(n)	__attribute__((__aligned__(n)))
#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))

#undef static_assert
#define static_assert(e, ...) _Static_assert(e, #e)

#endif /* __KERNEL__ */

/* A guest physical, guest linear and host physical address, never mixed. */
typedef u64 gpa_t;
#ifdef __KERNEL__
typedef unsigned long gva_t;	/* as <linux/kvm_types.h>, which may be there */
#else
typedef u64 gva_t;
#endif
typedef u64 hpa_t;
typedef u64 gfn_t;

#endif /* LODGE_PURE_H */
