// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/vmx/vmx_ept.c: the bits of the manual, and its rules for
 * misconfigured entries, on all that the format can make.
 */
#include "tables.h"

void test_ept_bits(void)
{
	const struct lodge_tdp_format *f = &vmx_ept_format;
	u64 e;

	CHECK(!f->host_depth);
	/* Read, accessed, write-back whatever the guest's PAT says. */
	CHECK_EQ(f->leaf(0x12345000, 1, false, false, false),
		 0x12345000 | 0x171);
	CHECK_EQ(f->leaf(0x12345000, 1, true, false, false),
		 0x12345000 | 0x173);
	CHECK_EQ(f->leaf(0x12345000, 1, false, true, false),
		 0x12345000 | 0x175);
	CHECK_EQ(f->leaf(0xffffffe00000, 2, true, true, false),
		 0xffffffe00000 | 0x1f7);
	CHECK_EQ(f->leaf(0x40000000, 3, false, true, false),
		 0x40000000 | 0x1f5);
	CHECK_EQ(f->leaf(0xfee00000, 1, true, true, true), 0xfee00000 | 0x147);
	CHECK_EQ(f->table(0xabcde000), 0xabcde000 | 0x107);
	CHECK(!lodge_pt_present(f, 0) && !lodge_pt_present(f, 0xabcde000));
	CHECK(lodge_pt_present(f, 1) && lodge_pt_present(f, 2) &&
	      lodge_pt_present(f, 4));
	CHECK(!lodge_pt_is_leaf(f, f->table(0x1000), 2) &&
	      lodge_pt_is_leaf(f, 0x1, 1));
	CHECK(lodge_pt_is_leaf(f, f->leaf(0, 2, false, true, false), 2));
	e = f->leaf(0x5000, 1, true, true, false);
	CHECK_EQ(lodge_pt_address(e), 0x5000);
	CHECK(lodge_pt_writable(f, e) && !lodge_pt_writable(f, e & ~f->write));
	CHECK(e & f->accessed);
	/* Write-back, four levels. */
	CHECK_EQ(vmx_eptp(0x7654321000, false), 0x765432101e);
	CHECK_EQ(vmx_eptp(0x7654321000, true), 0x765432105e);
}

/* Intel manual: "EPT Misconfigurations", on a CPU with 40 bits of address. */
static bool misconfigured(u64 e, int level)
{
	bool large = level > 1 && (e & 0x80);
	u64 type = e >> 3 & 7;

	if (!(e & 7))
		return false;
	if ((e & 3) == 2 || (e & 7) == 4)	/* no execute-only there */
		return true;
	if (e & GENMASK_ULL(51, 40))
		return true;
	if (level > 3 ? e & 0xf8 : level > 1 && !large && (e & 0x78))
		return true;
	if (large && (e & ((1ULL << (9 * level + 3)) - 1) & ~0xfffULL))
		return true;
	if (level == 1 || large)
		return type == 2 || type == 3 || type == 7;
	return false;
}

static void check_entry(u64 e, int level)
{
	const struct lodge_tdp_format *f = &vmx_ept_format;

	CHECK(!misconfigured(e, level));
	CHECK(!misconfigured(e & ~f->write, level));
	CHECK(!misconfigured(e | f->write, level));
	CHECK(!misconfigured(e & ~f->accessed, level));
}

void test_ept_misconfig(void)
{
	static const hpa_t pages[] = { 0, 0x1000, 0x1ff000, 0x200000,
		0x3ffff000, 0x40000000, 0xfffffff000, 0xffc0000000 };
	const struct lodge_tdp_format *f = &vmx_ept_format;
	unsigned int i, rights;
	int level;

	/* The rules themselves find what they are to find. */
	CHECK(misconfigured(2, 1) && misconfigured(6, 1) && misconfigured(4, 1));
	CHECK(misconfigured(0x80 | 7, 4) && misconfigured(0x40 | 7, 2));
	CHECK(misconfigured(0x1000 | 0xb7, 2) && misconfigured(0x38 | 7, 1));
	CHECK(misconfigured(0x200000 | 0xb7, 3));
	CHECK(misconfigured(BIT_ULL(40) | 7, 4) && !misconfigured(0x5000, 1));
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		for (level = 1; level <= 4; level++)
			CHECK(!misconfigured(f->table(pages[i]), level + 1));
		for (level = 1; level <= 3; level++)
			for (rights = 0; rights < 8; rights++)
				check_entry(f->leaf(pages[i], level, rights & 1,
						    rights & 2, rights & 4),
					    level);
	}
}
