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
	CHECK(!f->present(0) && !f->present(0xabcde000));
	CHECK(f->present(1) && f->present(2) && f->present(4));
	CHECK(!f->is_leaf(f->table(0x1000), 2) && f->is_leaf(0x1, 1));
	CHECK(f->is_leaf(f->leaf(0, 2, false, true, false), 2));
	e = f->leaf(0x5000, 1, true, true, false);
	CHECK_EQ(f->address(e, 1), 0x5000);
	CHECK(f->writable(e) && !f->writable(f->set_writable(e, false)));
	CHECK_EQ(f->set_writable(f->set_writable(e, false), true), e);
	CHECK(f->accessed(e) && !f->accessed(f->clear_accessed(e)));
	CHECK(!f->dirty(e) && f->dirty(e | 0x200));
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
	CHECK(!misconfigured(f->set_writable(e, false), level));
	CHECK(!misconfigured(f->set_writable(e, true), level));
	CHECK(!misconfigured(f->clear_accessed(e), level));
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
