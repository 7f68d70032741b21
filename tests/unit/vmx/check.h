/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mutations of valid states, each of which is to break one rule: what
 * check_test.c runs and check_ctl.c, check_guest.c, check_seg.c list.
 */
#ifndef CHECK_ROWS_H
#define CHECK_ROWS_H

#include "vmx/vmx_check.h"

/* Valid states to start from */
enum base { LONG, REAL, PAE, V86, BASES };

/* What is done to a field: given a value, or bits set or cleared. */
enum op_kind { OP_END, OP_SET, OP_ON, OP_OFF };

struct op {
	u8 kind;
	u8 size;
	u16 offset;		/* in struct vmx_state */
	u64 value;
};

struct mutation {
	const char *id;		/* of the rule that it breaks */
	u8 base;
	u8 segs;		/* bits of registers: ops below seg[0] move on */
	struct op ops[6];
};

#define OP(kind, member, v) { kind, sizeof(((struct vmx_state *)0)->member), \
			      offsetof(struct vmx_state, member), v }
#define SET(member, v)	OP(OP_SET, member, v)
#define ON(member, v)	OP(OP_ON, member, v)
#define OFF(member, v)	OP(OP_OFF, member, v)
/* Of the segment register that the row is for */
#define SEG(what, member, v)	what(guest.seg[0].member, v)

#define ONE(reg)	BIT(LODGE_##reg)
#define ALL_CODE_DATA	(ONE(ES) | ONE(CS) | ONE(SS) | ONE(DS) | ONE(FS) | \
			 ONE(GS))

#define BAD_ADDRESS	0x8000000000000ULL	/* not canonical, too wide */

extern const struct mutation ctl_rows[], guest_rows[], seg_rows[];
extern const unsigned int nr_ctl_rows, nr_guest_rows, nr_seg_rows;

#endif /* CHECK_ROWS_H */
