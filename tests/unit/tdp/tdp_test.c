// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/tdp_table.c and kmod/svm/svm_npt.c: each operation by itself,
 * in the format that the argument names. model_test.c has all of them at
 * random, ept_test.c the bits of EPT.
 */
#include "tables.h"

#define NPT_P	1ULL
#define NPT_W	2ULL
#define NPT_U	4ULL
#define NPT_NX	(1ULL << 63)
#define CRYPT	(1ULL << 51)

int ktap_failures;
const struct lodge_tdp_format *format;

static void test_format(void)
{
	const struct lodge_tdp_format *f = &svm_npt_format;
	u64 e;

	/* Present, user, accessed; no more rights than asked for. */
	CHECK_EQ(f->leaf(0x12345000, 1, false, false, false),
		 0x12345000 | NPT_NX | 0x25);
	CHECK_EQ(f->leaf(0x12345000, 1, true, true, false), 0x12345000 | 0x27);
	CHECK_EQ(f->leaf(0xffffffe00000, 2, true, true, false),
		 0xffffffe00000 | 0xa7);
	CHECK_EQ(f->leaf(0x40000000, 3, false, true, false), 0x40000000 | 0xa5);
	/* Uncached: PCD and PWT, PAT clear. */
	CHECK_EQ(f->leaf(0xfee00000, 1, true, true, true), 0xfee00000 | 0x3f);
	/* Hardware takes U and W from all levels together. */
	CHECK_EQ(f->table(0x1000) & (NPT_P | NPT_W | NPT_U),
		 NPT_P | NPT_W | NPT_U);
	CHECK(!(f->table(0x1000) & (NPT_NX | 0x80)));
	CHECK(!lodge_pt_present(f, 0) && lodge_pt_present(f, f->table(0x1000)));
	CHECK(!lodge_pt_is_leaf(f, f->table(0x1000), 2) &&
	      lodge_pt_is_leaf(f, 0x1, 1));
	CHECK(lodge_pt_is_leaf(f, f->leaf(0, 2, false, true, false), 2));
	e = f->leaf(0x5000 | CRYPT, 1, true, true, false);
	CHECK_EQ(lodge_pt_address(e), 0x5000 | CRYPT);
	CHECK(lodge_pt_writable(f, e) && !lodge_pt_writable(f, e & ~f->write));
	CHECK(e & f->accessed);
}

static void test_map_levels(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, 0);
	CHECK(!mapped(&pt, 0));
	look(&pt, 0, &l);
	CHECK_EQ(l, 4);
	CHECK_EQ(map(&pt, 0x12345, 1, leaf(0x777, 1, true)), 0);
	CHECK_EQ(pt.tables, 4);
	CHECK_EQ(look(&pt, 0x12345, &l), leaf(0x777, 1, true));
	CHECK_EQ(l, 1);
	CHECK(!mapped(&pt, 0x12344) && !mapped(&pt, 0x12346));
	CHECK_EQ(map(&pt, 0x80000 + 5, 2, leaf(0x200, 2, false)), 0);
	CHECK_EQ(look(&pt, 0x80000 + 511, &l), leaf(0x200, 2, false));
	CHECK_EQ(l, 2);
	CHECK(!mapped(&pt, 0x80000 + 512));
	CHECK_EQ(map(&pt, 0x100000, 3, leaf(0x40000, 3, true)), 0);
	CHECK_EQ(look(&pt, 0x100000 + 0x3ffff, &l), leaf(0x40000, 3, true));
	CHECK_EQ(l, 3);
	CHECK(!mapped(&pt, 0x140000));
	/* The far end of what four levels reach. */
	CHECK_EQ(map(&pt, (1ULL << 36) - 1, 1, leaf(1, 1, true)), 0);
	CHECK(mapped(&pt, (1ULL << 36) - 1));
	pt_end(&pt);
}

static void test_map_five_levels(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 5, 0);
	CHECK_EQ(map(&pt, 0x12345, 1, leaf(0x777, 1, true)), 0);
	CHECK_EQ(pt.tables, 5);
	CHECK_EQ(look(&pt, 0x12345, &l), leaf(0x777, 1, true));
	CHECK(!mapped(&pt, 0x12345 + (1ULL << 36)));
	pt_end(&pt);
}

static void test_map_no_memory(void)
{
	struct lodge_pt_cache cache = {};
	struct lodge_pt pt;

	pt_init(&pt, 4, 0);
	cache.table[cache.nr++] = page_alloc();
	CHECK_EQ(lodge_pt_map(&pt, 7, 1, leaf(9, 1, true), &cache), -ENOMEM);
	CHECK_EQ(cache.nr, 0);
	CHECK(!mapped(&pt, 7));
	CHECK_EQ(pt.tables, 2);
	/* The next try goes on from there. */
	cache.table[cache.nr++] = page_alloc();
	cache.table[cache.nr++] = page_alloc();
	CHECK_EQ(lodge_pt_map(&pt, 7, 1, leaf(9, 1, true), &cache), 0);
	CHECK(mapped(&pt, 7));
	pt_end(&pt);
}

static void test_map_in_the_way(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, 0);
	CHECK_EQ(map(&pt, 0x200, 2, leaf(0x400, 2, false)), 0);
	CHECK_EQ(map(&pt, 0x205, 1, leaf(0x405, 1, true)), -EEXIST);
	CHECK_EQ(look(&pt, 0x205, &l), leaf(0x400, 2, false));
	CHECK_EQ(map(&pt, 0x600, 1, leaf(0x600, 1, true)), 0);
	CHECK(!lodge_pt_level_fits(&pt, 0x601, 2));
	CHECK(lodge_pt_level_fits(&pt, 0x601, 1));
	CHECK(lodge_pt_level_fits(&pt, 0x205, 2));
	CHECK(!lodge_pt_level_fits(&pt, 0x205, 3));
	CHECK(lodge_pt_level_fits(&pt, 0x40000, 3));
	CHECK_EQ(map(&pt, 0x600, 2, leaf(0x600, 2, true)), -EEXIST);
	CHECK_EQ(look(&pt, 0x600, &l), leaf(0x600, 1, true));
	CHECK_EQ(map(&pt, 0x600, 1, leaf(0x601, 1, true)), -EEXIST);
	CHECK_EQ(look(&pt, 0x600, &l), leaf(0x600, 1, true));
	pt_end(&pt);
}

static void test_map_rights_grow(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, 0);
	CHECK_EQ(map(&pt, 3, 1, leaf(3, 1, false)), 0);
	CHECK_EQ(map(&pt, 3, 1, leaf(3, 1, true)), 0);
	CHECK_EQ(look(&pt, 3, &l), leaf(3, 1, true));
	/* A late read fault must not take the right away without a flush. */
	CHECK_EQ(map(&pt, 3, 1, leaf(3, 1, false)), 0);
	CHECK_EQ(look(&pt, 3, &l), leaf(3, 1, true));
	pt_end(&pt);
}

static void test_zap_pages(void)
{
	struct lodge_pt pt;
	u64 tables;
	gfn_t g;

	pt_init(&pt, 4, 0);
	for (g = 0x3f0; g < 0x410; g++)		/* two lowest tables */
		CHECK_EQ(map(&pt, g, 1, leaf(g, 1, true)), 0);
	CHECK_EQ(pt.tables, 5);
	CHECK(zap(&pt, 0x3f8, 0x3f9, &tables));
	CHECK_EQ(tables, 0);
	CHECK(!zap(&pt, 0x3f8, 0x3f9, &tables));
	CHECK(mapped(&pt, 0x3f7) && !mapped(&pt, 0x3f8) && mapped(&pt, 0x3f9));
	CHECK(zap(&pt, 0x3fe, 0x402, &tables));
	CHECK_EQ(tables, 0);
	CHECK(mapped(&pt, 0x3fd) && !mapped(&pt, 0x3fe) && !mapped(&pt, 0x401) &&
	      mapped(&pt, 0x402));
	/* The last page of a table takes the table with it. */
	CHECK(zap(&pt, 0x3f0, 0x3fe, &tables));
	CHECK_EQ(tables, 1);
	CHECK(mapped(&pt, 0x402));
	CHECK(zap(&pt, 0x402, 0x410, &tables));
	CHECK_EQ(tables, 3);
	CHECK_EQ(pt.tables, 1);
	CHECK(!zap(&pt, 0, 1ULL << 36, &tables));
	pt_end(&pt);
}

static void test_zap_large(void)
{
	struct lodge_pt pt;
	u64 tables;

	pt_init(&pt, 4, 0);
	CHECK_EQ(map(&pt, 0x200, 2, leaf(0x200, 2, true)), 0);
	CHECK_EQ(map(&pt, 0x400, 2, leaf(0x400, 2, true)), 0);
	CHECK_EQ(map(&pt, 0x40000, 3, leaf(0x40000, 3, true)), 0);
	CHECK(zap(&pt, 0x3ff, 0x400, &tables));
	CHECK(!mapped(&pt, 0x200) && mapped(&pt, 0x400));
	CHECK(zap(&pt, 0x3ff, 0x401, &tables));
	CHECK(!mapped(&pt, 0x400) && mapped(&pt, 0x40000));
	CHECK(zap(&pt, 0x7ffff, 0x80000, &tables));
	CHECK(!mapped(&pt, 0x40000));
	CHECK_EQ(pt.tables, 1);
	pt_end(&pt);
}

/* What is not there takes no time. */
static void test_steps(void)
{
	struct lodge_pt_freed freed = {};
	struct lodge_pt pt;
	gfn_t g = 0;

	pt_init(&pt, 4, 0);
	CHECK(!lodge_pt_zap_step(&pt, &g, 1ULL << 36, &freed));
	CHECK_EQ(g, 1ULL << 27);
	CHECK(!lodge_pt_young_step(&pt, &g, 1ULL << 36, true));
	CHECK_EQ(g, 2ULL << 27);
	CHECK_EQ(map(&pt, 0x123, 1, leaf(1, 1, true)), 0);
	g = 0x40001;
	CHECK(!lodge_pt_zap_step(&pt, &g, 1ULL << 36, &freed));
	CHECK_EQ(g, 0x80000);
	g = 0x201;
	CHECK(!lodge_pt_young_step(&pt, &g, 1ULL << 36, true));
	CHECK_EQ(g, 0x400);
	g = 0x100;
	CHECK(lodge_pt_young_step(&pt, &g, 0x150, true));
	CHECK_EQ(g, 0x150);
	pt_end(&pt);
}

/* Hardware that is still in a detached table must find nothing there. */
static void test_zap_chain(void)
{
	struct lodge_pt_freed freed = {};
	struct lodge_pt pt;
	u64 *l1[2], *table;
	gfn_t g = 0;
	int l, n = 0;

	pt_init(&pt, 4, CRYPT);
	CHECK_EQ(map(&pt, 0, 1, leaf(1, 1, true)), 0);
	CHECK_EQ(map(&pt, 512, 1, leaf(2, 1, true)), 0);
	l1[0] = lodge_pt_lookup(&pt, 0, &l);
	l1[1] = lodge_pt_lookup(&pt, 512, &l);
	while (g < 1024)
		CHECK(lodge_pt_zap_step(&pt, &g, 1024, &freed));
	CHECK_EQ(freed.nr, 4);
	for (n = 0; n < 512; n++)
		CHECK(!lodge_pt_present(format, l1[0][n]) &&
		      !lodge_pt_present(format, l1[1][n]));
	CHECK(!(l1[0][0] & 0xfff) && !(l1[1][0] & 0xfff));
	for (n = 0; (table = lodge_pt_freed_pop(&pt, &freed)); n++) {
		CHECK(table != pt.root);
		free(table);
	}
	CHECK_EQ(n, 4);
	pt_end(&pt);
}

static void test_crypt(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, CRYPT);
	CHECK_EQ(map(&pt, 5, 1, leaf(5, 1, true) | CRYPT), 0);
	CHECK(pt.root[0] & CRYPT);
	CHECK_EQ(look(&pt, 5, &l), leaf(5, 1, true) | CRYPT);
	/* The same frame without the bit is another page. */
	CHECK_EQ(map(&pt, 5, 1, leaf(5, 1, true)), -EEXIST);
	pt_end(&pt);
}

static void test_protect(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, 0);
	CHECK(!lodge_pt_protect(&pt, 5));
	CHECK_EQ(map(&pt, 5, 1, leaf(5, 1, true)), 0);
	CHECK_EQ(map(&pt, 6, 1, leaf(6, 1, false)), 0);
	CHECK(lodge_pt_protect(&pt, 5));
	CHECK_EQ(look(&pt, 5, &l), leaf(5, 1, false));
	CHECK(!lodge_pt_protect(&pt, 5));
	CHECK(!lodge_pt_protect(&pt, 6));
	CHECK_EQ(map(&pt, 0x200, 2, leaf(0x200, 2, true)), 0);
	CHECK(lodge_pt_protect(&pt, 0x210));
	CHECK(!mapped(&pt, 0x200));
	pt_end(&pt);
}

static void test_clean(void)
{
	const u64 dirty = format->dirty;
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, 0);
	CHECK(!lodge_pt_clean(&pt, 5));
	CHECK_EQ(map(&pt, 5, 1, leaf(5, 1, true) | dirty), 0);
	CHECK_EQ(map(&pt, 6, 1, leaf(6, 1, true)), 0);
	/* Another CPU's fault on it comes late: what was written stays known. */
	CHECK_EQ(map(&pt, 5, 1, leaf(5, 1, true)), 0);
	CHECK_EQ(look(&pt, 5, &l), leaf(5, 1, true) | dirty);
	/* Of a format without the bit nothing is ever dirty. */
	CHECK_EQ(lodge_pt_clean(&pt, 5), dirty != 0);
	CHECK_EQ(look(&pt, 5, &l), leaf(5, 1, true));
	CHECK(!lodge_pt_clean(&pt, 5));
	CHECK(!lodge_pt_clean(&pt, 6));
	CHECK_EQ(map(&pt, 0x200, 2, leaf(0x200, 2, true) | dirty), 0);
	CHECK_EQ(lodge_pt_clean(&pt, 0x210), dirty != 0);
	CHECK_EQ(mapped(&pt, 0x200), !dirty);
	pt_end(&pt);
}

static bool young(struct lodge_pt *pt, gfn_t gfn, gfn_t end, bool clear)
{
	bool any = false;

	while (gfn < end)
		any |= lodge_pt_young_step(pt, &gfn, end, clear);
	return any;
}

static void test_young(void)
{
	struct lodge_pt pt;
	int l;

	pt_init(&pt, 4, 0);
	CHECK(!young(&pt, 0, 1ULL << 36, true));
	CHECK_EQ(map(&pt, 5, 1, leaf(5, 1, true)), 0);
	CHECK_EQ(map(&pt, 0x1ff, 1, leaf(6, 1, true)), 0);
	CHECK_EQ(map(&pt, 0x200, 2, leaf(0x200, 2, true)), 0);
	CHECK(young(&pt, 5, 6, false) && young(&pt, 5, 6, false));
	CHECK(!young(&pt, 6, 0x1ff, true));
	CHECK(young(&pt, 5, 6, true));
	CHECK(!young(&pt, 5, 6, false));
	CHECK(mapped(&pt, 5));
	CHECK(young(&pt, 0, 0x200, false));
	CHECK(young(&pt, 0x3ff, 0x400, true));
	CHECK(!young(&pt, 0x200, 0x201, false));
	/* as the CPU does */
	*lodge_pt_lookup(&pt, 0x200, &l) |= leaf(0x200, 2, true);
	CHECK(young(&pt, 0x200, 0x201, false));
	CHECK(young(&pt, 0, 1ULL << 30, true));
	CHECK(!young(&pt, 0, 1ULL << 30, false));
	pt_end(&pt);
}

static const struct ktap_test tests[] = {
	{ "NPT entries have the bits of the manual", test_format },
	{ "EPT entries have the bits of the manual", test_ept_bits },
	{ "no EPT entry is a misconfiguration", test_ept_misconfig },
	{ "leaves of each size are found", test_map_levels },
	{ "five levels", test_map_five_levels },
	{ "a fault without tables starts again", test_map_no_memory },
	{ "what is there is never replaced", test_map_in_the_way },
	{ "mapping again only adds rights", test_map_rights_grow },
	{ "zapping pages frees empty tables", test_zap_pages },
	{ "a part of a large page takes it all", test_zap_large },
	{ "what is not there is passed over", test_steps },
	{ "detached tables are empty to hardware", test_zap_chain },
	{ "the memory encryption bit is kept", test_crypt },
	{ "write protection", test_protect },
	{ "clean pages", test_clean },
	{ "accesses are seen and forgotten", test_young },
	{ "random operations agree with a model", test_random },
};

int main(int argc, char **argv)
{
	format = argc > 1 && !strcmp(argv[1], "ept") ? &vmx_ept_format :
						       &svm_npt_format;
	return ktap_run(tests, ARRAY_SIZE(tests));
}
