// SPDX-License-Identifier: GPL-2.0
/*
 * The bits of AMD-V's nested page tables ("Nested Paging" of the AMD manual):
 * those of ordinary long-mode tables. The guest's accesses count as user
 * accesses there, so U is set in every entry. Called by tdp.c and tdp_table.c
 * through svm_npt_format, and by tests/unit/tdp. Pure. Next: ../tdp_table.c.
 */
#include "svm_npt.h"

#define NPT_P		BIT_ULL(0)
#define NPT_W		BIT_ULL(1)
#define NPT_U		BIT_ULL(2)
#define NPT_PWT		BIT_ULL(3)
#define NPT_PCD		BIT_ULL(4)
#define NPT_A		BIT_ULL(5)
#define NPT_PS		BIT_ULL(7)	/* in levels 2 and 3; PAT in level 1 */
#define NPT_ADDRESS	GENMASK_ULL(51, 12)
#define NPT_NX		BIT_ULL(63)

/* PCD and PWT without PAT: uncached, whichever PAT the guest has chosen, by
 * the host's PAT, which Linux leaves at its reset value in that place.
 */
#define NPT_UNCACHED	(NPT_PCD | NPT_PWT)

static u64 npt_leaf(hpa_t hpa, int level, bool write, bool exec, bool uncached)
{
	u64 e = (hpa & NPT_ADDRESS) | NPT_P | NPT_U | NPT_A;

	if (level > 1)
		e |= NPT_PS;
	if (write)
		e |= NPT_W;
	if (!exec)
		e |= NPT_NX;
	if (uncached)
		e |= NPT_UNCACHED;
	return e;
}

static u64 npt_table(hpa_t hpa)
{
	return (hpa & NPT_ADDRESS) | NPT_P | NPT_W | NPT_U | NPT_A;
}

const struct lodge_tdp_format svm_npt_format = {
	.host_depth = true,
	.present = NPT_P,
	.large = NPT_PS,
	.write = NPT_W,
	.accessed = NPT_A,
	.leaf = npt_leaf,
	.table = npt_table,
};
