/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mutations of valid states, each of which is to break one rule: what
 * check_test.c runs and check_ctl.c, check_guest.c, check_seg.c list. On the
 * emulated CPU ../../entry runs them.
 */
#ifndef CHECK_ROWS_H
#define CHECK_ROWS_H

#include "vmx/vmx_check.h"

/* Valid states to start from: struct mutation.base */
enum base { LONG, REAL, PAE, V86, BASES };

#define STATE	struct vmx_state
#include "rules.h"

/* Of the segment register that the row is for */
#define SEG(what, member, v)	what(guest.seg[0].member, v)

#define ONE(reg)	BIT(LODGE_##reg)
#define ALL_CODE_DATA	(ONE(ES) | ONE(CS) | ONE(SS) | ONE(DS) | ONE(FS) | \
			 ONE(GS))

#define BAD_ADDRESS	0x8000000000000ULL	/* not canonical, too wide */

void vmx_base(struct vmx_state *s, enum base base);

extern const struct mutation ctl_rows[], guest_rows[], seg_rows[];
extern const unsigned int nr_ctl_rows, nr_guest_rows, nr_seg_rows;

#endif /* CHECK_ROWS_H */
