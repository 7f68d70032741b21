/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest with a little memory, and tables built in it, for the tests of
 * kmod/guest_walk.c. Implemented in walk_guest.c.
 */
#ifndef WALK_GUEST_H
#define WALK_GUEST_H

#include "../ktap.h"
#include "guest_walk.h"
#include "tests.h"

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define NX	(1ULL << 63)
#define ALL	(P | W | U)

#define PF_P	LODGE_PF_P
#define PF_W	LODGE_PF_W
#define PF_U	LODGE_PF_U
#define PF_I	LODGE_PF_I
#define PF_R	LODGE_PF_RSVD
#define PF_K	LODGE_PF_PK
#define IMPL	LODGE_WALK_IMPLICIT

/* Tables: one page for each level, at these addresses. */
#define MEM_SIZE	0x8000
#define T4		0x4000ULL
#define T3		0x3000ULL
#define T2		0x2000ULL
#define T1		0x1000ULL

extern struct lodge_walk w;

/* What the guest's memory answers in place of data, if not 0. */
extern int read_error, cmpxchg_error;

/* How often the guest will have been faster to change an entry. */
extern int races;

/* Long mode; page 5 of everything: 0x0000028140a05000. */
#define GVA	((5ULL << 39) | (5ULL << 30) | (5ULL << 21) | (5ULL << 12))
#define GVA_PAE	((3ULL << 30) | (5ULL << 21) | (5ULL << 12))
#define GVA_32	((5ULL << 22) | (5ULL << 12))

/* Guest memory: an entry of @n bytes. */
u64 get(gpa_t at, size_t n);
void set(gpa_t at, u64 v);
void set32(gpa_t at, u32 v);

/* A fresh guest; GVA is mapped through all levels with all rights. */
void guest(u64 cr3);
void guest_long(void);
void guest_pae(void);
void guest_32(void);

/* Where the walk leads, or ~0: it failed. */
u64 walk(gva_t gva, u32 access);

/* The error code, or ~0: no fault. */
u32 fault(gva_t gva, u32 access);

#endif /* WALK_GUEST_H */
