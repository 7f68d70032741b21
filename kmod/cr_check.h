/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which values control registers may have. Pure. Next: cr_check.c.
 */
#ifndef LODGE_CR_CHECK_H
#define LODGE_CR_CHECK_H

#include "pure.h"

#define LODGE_CR0_DEFINED	0xe005003fULL	/* PE to NE, WP, AM, NW, CD, PG */

bool lodge_cr0_valid(u64 v);
bool lodge_cr3_valid(u64 v, u64 cr4, u64 efer, u8 maxphyaddr);
bool lodge_xcr0_valid(u64 v, u64 allowed);
bool lodge_pdptes_valid(const u64 *pdpte, u8 maxphyaddr);
bool lodge_pdptes_reload(u64 cr0, u64 old_cr0, u64 cr4, u64 old_cr4, u64 efer);
bool lodge_cr4_flushes(u64 cr4, u64 old);
bool lodge_paging_valid(u64 cr0, u64 cr3, u64 cr4, u64 efer, bool cs_long,
			u8 maxphyaddr);

static inline bool lodge_canonical(u64 v)
{
	return (u64)((s64)(v << 16) >> 16) == v;
}

#endif /* LODGE_CR_CHECK_H */
