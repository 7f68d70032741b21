// SPDX-License-Identifier: GPL-2.0
/*
 * Legal values of control registers, against the rules said another way.
 */
#include "cr_check.h"
#include "regs.h"
#include "tests.h"

#define PE	LODGE_CR0_PE
#define PG	LODGE_CR0_PG
#define NW	LODGE_CR0_NW
#define CD	LODGE_CR0_CD
#define PAE	LODGE_CR4_PAE
#define LME	LODGE_EFER_LME
#define LMA	LODGE_EFER_LMA

void test_cr0_values(void)
{
	int i;

	CHECK(lodge_cr0_valid(0));
	CHECK(lodge_cr0_valid(0x60000010));
	CHECK(lodge_cr0_valid(PE | PG | LODGE_CR0_WP));
	CHECK(lodge_cr0_valid(PE));
	CHECK(lodge_cr0_valid(CD));
	CHECK(!lodge_cr0_valid(PG));
	CHECK(!lodge_cr0_valid(NW));
	CHECK(!lodge_cr0_valid(NW | PE));
	for (i = 32; i < 64; i++)
		CHECK(!lodge_cr0_valid(PE | BIT_ULL(i)));
	/* Reserved bits of the lower half are ignored, not refused. */
	CHECK(lodge_cr0_valid(PE | BIT_ULL(7) | BIT_ULL(28)));
	CHECK_EQ(LODGE_CR0_DEFINED, PE | LODGE_CR0_MP | LODGE_CR0_EM |
		 LODGE_CR0_TS | LODGE_CR0_ET | LODGE_CR0_NE | LODGE_CR0_WP |
		 LODGE_CR0_AM | NW | CD | PG);
}

void test_cr3_values(void)
{
	CHECK(lodge_cr3_valid(~0ULL, 0, 0, 40));
	CHECK(lodge_cr3_valid(BIT_ULL(39), PAE, LME | LMA, 40));
	CHECK(!lodge_cr3_valid(BIT_ULL(40), PAE, LME | LMA, 40));
	CHECK(!lodge_cr3_valid(BIT_ULL(63), PAE, LME | LMA, 52));
	CHECK(lodge_cr3_valid(BIT_ULL(51) | 0xfff, PAE, LME | LMA, 52));
}

static bool xcr0_expected(u64 v)
{
	bool x87 = v & 1, sse = v & 2, ymm = v & 4;
	bool k = v & 0x20, zmm = v & 0x40, hi = v & 0x80;

	return x87 && (sse || !ymm) && k == zmm && zmm == hi && (ymm || !k);
}

void test_xcr0_values(void)
{
	u64 v;

	for (v = 0; v < 0x400; v++) {
		CHECK_EQ(lodge_xcr0_valid(v, 0x2e7),
			 !(v & ~0x2e7ULL) && xcr0_expected(v));
		CHECK_EQ(lodge_xcr0_valid(v, 7),
			 !(v & ~7ULL) && xcr0_expected(v));
	}
	CHECK(!lodge_xcr0_valid(BIT_ULL(63) | 1, 7));
}

void test_pdpte_values(void)
{
	u64 pdpte[4] = {};
	int i, bit;

	CHECK(lodge_pdptes_valid(pdpte, 40));
	for (i = 0; i < 4; i++) {
		for (bit = 1; bit < 64; bit++) {
			bool reserved = bit == 1 || bit == 2 ||
					(bit >= 5 && bit <= 8) || bit >= 40;

			pdpte[i] = BIT_ULL(bit);
			CHECK(lodge_pdptes_valid(pdpte, 40));
			pdpte[i] |= 1;
			CHECK_EQ(lodge_pdptes_valid(pdpte, 40), !reserved);
		}
		pdpte[i] = 1;
	}
}

void test_pdpte_reloads(void)
{
	const u64 on = PE | PG;

	/* Turning paging on, with PAE, outside long mode. */
	CHECK(lodge_pdptes_reload(on, PE, PAE, PAE, 0));
	CHECK(!lodge_pdptes_reload(on, PE, 0, 0, 0));
	CHECK(!lodge_pdptes_reload(on, PE, PAE, PAE, LME | LMA));
	CHECK(!lodge_pdptes_reload(PE, on, PAE, PAE, 0));
	/* CD and NW too; WP not. */
	CHECK(lodge_pdptes_reload(on | CD, on, PAE, PAE, 0));
	CHECK(!lodge_pdptes_reload(on | LODGE_CR0_WP, on, PAE, PAE, 0));
	/* CR4. */
	CHECK(lodge_pdptes_reload(on, on, PAE, 0, 0));
	CHECK(lodge_pdptes_reload(on, on, PAE | LODGE_CR4_PGE, PAE, 0));
	CHECK(lodge_pdptes_reload(on, on, PAE | LODGE_CR4_SMEP, PAE, 0));
	CHECK(!lodge_pdptes_reload(on, on, PAE | LODGE_CR4_DE, PAE, 0));
	CHECK(!lodge_pdptes_reload(on, on, 0, PAE, 0));
}

void test_cr4_flushes(void)
{
	const u64 both = LODGE_CR4_PGE | LODGE_CR4_PSE | PAE | LODGE_CR4_PKE;
	const u64 set = LODGE_CR4_SMEP | LODGE_CR4_SMAP;
	int i;

	for (i = 0; i < 32; i++) {
		u64 bit = BIT_ULL(i);

		CHECK_EQ(lodge_cr4_flushes(bit, 0), !!(bit & (both | set)));
		CHECK_EQ(lodge_cr4_flushes(0, bit),
			 !!(bit & (both | LODGE_CR4_PCIDE)));
		CHECK(!lodge_cr4_flushes(bit, bit));
	}
}

void test_paging_together(void)
{
	const u64 on = PE | PG;

	CHECK(lodge_paging_valid(0x60000010, 0, 0, 0, false, 36));
	CHECK(lodge_paging_valid(on, 0x1000, PAE, LME | LMA, true, 40));
	CHECK(lodge_paging_valid(on, 0x1000, PAE, LME | LMA, false, 40));
	/* Long mode needs PAE, LMA, and a CR3 that exists. */
	CHECK(!lodge_paging_valid(on, 0x1000, 0, LME | LMA, true, 40));
	CHECK(!lodge_paging_valid(on, 0x1000, PAE, LME, true, 40));
	CHECK(!lodge_paging_valid(on, BIT_ULL(40), PAE, LME | LMA, true, 40));
	/* Outside it neither LMA nor CS.L. */
	CHECK(!lodge_paging_valid(on, 0, PAE, LMA, false, 40));
	CHECK(!lodge_paging_valid(PE, 0, PAE, LME | LMA, false, 40));
	CHECK(!lodge_paging_valid(PE, 0, 0, 0, true, 40));
	CHECK(lodge_paging_valid(PE, 0, PAE, LME, false, 40));
	CHECK(!lodge_paging_valid(PG, 0, 0, 0, false, 40));
}

void test_canonical_addresses(void)
{
	CHECK(lodge_canonical(0));
	CHECK(lodge_canonical(0x00007fffffffffffULL));
	CHECK(!lodge_canonical(0x0000800000000000ULL));
	CHECK(!lodge_canonical(0xffff7fffffffffffULL));
	CHECK(lodge_canonical(0xffff800000000000ULL));
	CHECK(lodge_canonical(~0ULL));
	CHECK(!lodge_canonical(BIT_ULL(63)));
}
