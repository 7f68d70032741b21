/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A walk through the guest's own page tables, as its CPU would do it: all
 * paging modes but 5 levels. guestmem.c gives it the guest's registers and
 * memory. Pure. Next: guest_walk.c.
 */
#ifndef LODGE_GUEST_WALK_H
#define LODGE_GUEST_WALK_H

#include "pure.h"
#include "regs.h"

/* access: what is to be done, bits of a page fault's error code, and these */
#define LODGE_WALK_ATOMIC	BIT(31)	/* may not sleep: -EAGAIN */
#define LODGE_WALK_IMPLICIT	BIT(30)	/* system access: supervisor, SMAP holds */

/* Why a guest linear address can't be used: becomes #PF. */
struct lodge_fault {
	u8 vector;
	bool has_error;
	u32 error;
	gva_t cr2;
};

struct lodge_walk {
	/* The guest's state. */
	u64 cr0, cr3, cr4, efer, rflags;
	u32 pkru;
	u8 maxphyaddr;		/* of the guest, 32 to 52 */
	bool has_1g;		/* it has 1G pages */

	/* Its memory: @n 4 or 8, aligned. 0; -EFAULT: not memory, the page is
	 * not present then; -EAGAIN; cmpxchg: 1, differed.
	 */
	int (*read)(struct lodge_walk *w, gpa_t gpa, void *p, size_t n);
	int (*cmpxchg)(struct lodge_walk *w, gpa_t gpa, void *old,
		       const void *new, size_t n);
	void *ctx;		/* the caller's */
};

/**
 * lodge_walk_guest() - translate a guest linear address
 * @w: the guest
 * @gva: linear address; canonical, which is for segmentation to check
 * @access: LODGE_PF_W, _U, _I, LODGE_WALK_IMPLICIT
 * @gpa: where the guest physical address goes
 * @fault: where the page fault goes
 *
 * Sets accessed and dirty bits as the CPU does, when the access is allowed.
 * Follows "Page Translation and Protection" of the AMD manual and "Paging"
 * of Intel's.
 *
 * Return: 0; 1: @fault is filled; -EAGAIN: the tables kept changing, or what
 * else the memory functions failed with.
 */
int lodge_walk_guest(struct lodge_walk *w, gva_t gva, u32 access, gpa_t *gpa,
		     struct lodge_fault *fault);

#endif /* LODGE_GUEST_WALK_H */
