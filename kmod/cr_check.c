// SPDX-License-Identifier: GPL-2.0
/*
 * Which values control registers may have, and what a change brings about.
 *
 * Called by cr.c. Pure. Next: cr.c.
 */
#include "cr_check.h"
#include "regs.h"

/* XCR0 components that come together or not at all. */
#define XCR0_X87	BIT_ULL(0)
#define XCR0_SSE	BIT_ULL(1)
#define XCR0_YMM	BIT_ULL(2)
#define XCR0_AVX512	GENMASK_ULL(7, 5)

/**
 * lodge_cr0_valid() - may this be in CR0?
 * @v: value
 *
 * Intel manual: "Control Registers", "Cache Control".
 */
bool lodge_cr0_valid(u64 v)
{
	if (v >> 32)
		return false;
	if ((v & LODGE_CR0_NW) && !(v & LODGE_CR0_CD))
		return false;
	return !(v & LODGE_CR0_PG) || (v & LODGE_CR0_PE);
}

/**
 * lodge_cr3_valid() - may this be in CR3?
 * @v: value, without the bit that says that nothing is to be flushed
 * @cr4: CR4
 * @efer: EFER
 * @maxphyaddr: bits of a physical address
 *
 * Outside long mode the upper half is never looked at.
 * Intel manual: "Control Registers", "4-Level Paging".
 */
bool lodge_cr3_valid(u64 v, u64 cr4, u64 efer, u8 maxphyaddr)
{
	if (!(efer & LODGE_EFER_LMA))
		return true;
	return !(v >> maxphyaddr);
}

/**
 * lodge_xcr0_valid() - may this be in XCR0?
 * @v: value
 * @allowed: bits that the guest has
 *
 * Intel manual: "Extended Control Registers".
 */
bool lodge_xcr0_valid(u64 v, u64 allowed)
{
	if (!(v & XCR0_X87) || (v & ~allowed))
		return false;
	if ((v & XCR0_YMM) && !(v & XCR0_SSE))
		return false;
	if (v & XCR0_AVX512) {
		if ((v & XCR0_AVX512) != XCR0_AVX512)
			return false;
		if (!(v & XCR0_YMM))
			return false;
	}
	return true;
}

/**
 * lodge_pdptes_valid() - may these four be loaded?
 * @pdpte: page-directory-pointer-table entries of PAE paging
 * @maxphyaddr: bits of a physical address
 *
 * Intel manual: "PAE Paging", "PDPTE Registers".
 */
bool lodge_pdptes_valid(const u64 *pdpte, u8 maxphyaddr)
{
	u64 reserved = ~(BIT_ULL(maxphyaddr) - 1) | GENMASK_ULL(8, 5) |
		       GENMASK_ULL(2, 1);
	int i;

	for (i = 0; i < 4; i++) {
		if ((pdpte[i] & 1) && (pdpte[i] & reserved))
			return false;
	}
	return true;
}

/**
 * lodge_pdptes_reload() - does a write of CR0 or CR4 load the PDPTEs?
 * @cr0: new CR0
 * @old_cr0: CR0 until now
 * @cr4: new CR4
 * @old_cr4: CR4 until now
 * @efer: EFER
 *
 * Intel manual: "PDPTE Registers".
 */
bool lodge_pdptes_reload(u64 cr0, u64 old_cr0, u64 cr4, u64 old_cr4, u64 efer)
{
	const u64 cr0_bits = LODGE_CR0_CD | LODGE_CR0_NW | LODGE_CR0_PG;
	const u64 cr4_bits = LODGE_CR4_PAE | LODGE_CR4_PGE | LODGE_CR4_PSE |
			     LODGE_CR4_SMEP;

	if (!(cr0 & LODGE_CR0_PG) || !(cr4 & LODGE_CR4_PAE) ||
	    (efer & LODGE_EFER_LME))
		return false;
	return ((cr0 ^ old_cr0) & cr0_bits) || ((cr4 ^ old_cr4) & cr4_bits);
}

/**
 * lodge_cr4_flushes() - does a change of CR4 drop translations?
 * @cr4: new
 * @old: until now
 *
 * Intel manual: "Operations that Invalidate TLBs and Paging-Structure Caches".
 */
bool lodge_cr4_flushes(u64 cr4, u64 old)
{
	if ((cr4 ^ old) & (LODGE_CR4_PGE | LODGE_CR4_PSE | LODGE_CR4_PAE |
			   LODGE_CR4_PKE))
		return true;
	if ((cr4 & ~old) & (LODGE_CR4_SMEP | LODGE_CR4_SMAP))
		return true;
	return old & ~cr4 & LODGE_CR4_PCIDE;
}

/**
 * lodge_paging_valid() - do these registers go together?
 * @cr0: CR0
 * @cr3: CR3
 * @cr4: CR4
 * @efer: EFER
 * @cs_long: CS.L
 * @maxphyaddr: bits of a physical address
 *
 * For KVM_SET_SREGS: as KVM checks it.
 */
bool lodge_paging_valid(u64 cr0, u64 cr3, u64 cr4, u64 efer, bool cs_long,
			u8 maxphyaddr)
{
	if (!lodge_cr0_valid(cr0))
		return false;
	if ((efer & LODGE_EFER_LME) && (cr0 & LODGE_CR0_PG))
		return (cr4 & LODGE_CR4_PAE) && (efer & LODGE_EFER_LMA) &&
		       lodge_cr3_valid(cr3, cr4, efer, maxphyaddr);
	return !(efer & LODGE_EFER_LMA) && !cs_long;
}
