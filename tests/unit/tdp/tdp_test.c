// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/tdp_table.c and kmod/svm/svm_npt.c: each operation by itself,
 * then all of them at random against a model.
 */
#include <stdlib.h>

#include "ktap.h"
#include "svm/svm_npt.h"
#include "tdp_table.h"

#define NPT_P	1ULL
#define NPT_W	2ULL
#define NPT_U	4ULL
#define NPT_NX	(1ULL << 63)
#define CRYPT	(1ULL << 51)

int ktap_failures;

static u64 *page_alloc(void)
{
	u64 *p = aligned_alloc(4096, 4096);

	if (!p)
		abort();
	memset(p, 0, 4096);
	return p;
}

static void pt_init(struct lodge_pt *pt, int levels, u64 crypt)
{
	*pt = (struct lodge_pt){
		.format = &svm_npt_format,
		.root = page_alloc(),
		.crypt = crypt,
		.levels = levels,
		.tables = 1,
	};
}

static u64 freed_drop(struct lodge_pt *pt, struct lodge_pt_freed *freed)
{
	u64 *table, n = 0;

	while ((table = lodge_pt_freed_pop(pt, freed))) {
		free(table);
		n++;
	}
	return n;
}

static bool zap(struct lodge_pt *pt, gfn_t gfn, gfn_t end, u64 *tables)
{
	struct lodge_pt_freed freed = {};
	bool any = false;
	u64 n;

	while (gfn < end) {
		gfn_t was = gfn;

		any |= lodge_pt_zap_step(pt, &gfn, end, &freed);
		if (gfn <= was || gfn > end)
			abort();
	}
	n = freed_drop(pt, &freed);
	if (tables)
		*tables = n;
	return any;
}

static void pt_end(struct lodge_pt *pt)
{
	zap(pt, 0, 1ULL << 40, NULL);
	CHECK_EQ(pt->tables, 1);
	free(pt->root);
}

static u64 leaf(gfn_t pfn, int level, bool write)
{
	return svm_npt_format.leaf(pfn << 12, level, write, true, false);
}

/* Map with tables from nowhere in particular. */
static int map(struct lodge_pt *pt, gfn_t gfn, int level, u64 e)
{
	struct lodge_pt_cache cache = {};
	int err;

	while (cache.nr < LODGE_PT_CACHE)
		cache.table[cache.nr++] = page_alloc();
	err = lodge_pt_map(pt, gfn, level, e, &cache);
	while (cache.nr)
		free(cache.table[--cache.nr]);
	return err;
}

static u64 look(struct lodge_pt *pt, gfn_t gfn, int *level)
{
	return *lodge_pt_lookup(pt, gfn, level);
}

static bool mapped(struct lodge_pt *pt, gfn_t gfn)
{
	int l;

	return svm_npt_format.present(look(pt, gfn, &l));
}

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
	CHECK(!f->present(0) && f->present(f->table(0x1000)));
	CHECK(!f->is_leaf(f->table(0x1000), 2) && f->is_leaf(0x1, 1));
	CHECK(f->is_leaf(f->leaf(0, 2, false, true, false), 2));
	e = f->leaf(0x5000 | CRYPT, 1, true, true, false);
	CHECK_EQ(f->address(e, 1), 0x5000 | CRYPT);
	CHECK(f->writable(e) && !f->writable(f->set_writable(e, false)));
	CHECK_EQ(f->set_writable(f->set_writable(e, false), true), e);
	CHECK(f->accessed(e) && !f->accessed(f->clear_accessed(e)));
	CHECK(!f->dirty(e) && f->dirty(e | 0x40));
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
		CHECK(!svm_npt_format.present(l1[0][n]) &&
		      !svm_npt_format.present(l1[1][n]));
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
	*lodge_pt_lookup(&pt, 0x200, &l) |= 0x20;	/* as the CPU does */
	CHECK(young(&pt, 0x200, 0x201, false));
	CHECK(young(&pt, 0, 1ULL << 30, true));
	CHECK(!young(&pt, 0, 1ULL << 30, false));
	pt_end(&pt);
}

/* 4G of guest at random, each page's right in a byte: 0 none, 1 read, 2 write. */
#define MODEL_PAGES	(1U << 20)

static u64 tables_reachable(struct lodge_pt *pt, u64 *table, int level)
{
	u64 n = 1;
	int i;

	for (i = 0; level > 1 && i < LODGE_PT_ENTRIES; i++) {
		u64 e = table[i];

		if (pt->format->present(e) && !pt->format->is_leaf(e, level))
			n += tables_reachable(pt, lodge_pt_pointer(pt,
				pt->format->address(e, level)), level - 1);
	}
	return n;
}

/* Pages of the leaf that @gfn is in, or would be in. */
static void model_set(u8 *model, u8 *level_of, gfn_t gfn, int level, u8 v)
{
	u64 n = lodge_pt_pages(level);

	memset(model + (gfn & ~(n - 1)), v, n);
	memset(level_of + (gfn & ~(n - 1)), v ? level : 0, n);
}

static void model_map(struct lodge_pt *pt, u8 *model, u8 *level_of)
{
	gfn_t gfn = random() % MODEL_PAGES;
	int level = 1 + (random() % 8 == 0) + (random() % 64 == 0);
	u64 n = lodge_pt_pages(level);
	bool write = random() & 1;
	int err;

	err = map(pt, gfn, level, leaf(gfn & ~(n - 1), level, write));
	if (err) {
		CHECK_EQ(err, -EEXIST);
		CHECK(level_of[gfn] > level || level > 1);
		return;
	}
	if (level_of[gfn] != level || model[gfn] != 2)
		model_set(model, level_of, gfn, level, 1 + write);
}

static void model_zap(struct lodge_pt *pt, u8 *model, u8 *level_of)
{
	gfn_t gfn = random() % MODEL_PAGES, g;
	gfn_t end = gfn + 1 + random() % (random() & 1 ? 4096 : 4);

	if (end > MODEL_PAGES)
		end = MODEL_PAGES;
	zap(pt, gfn, end, NULL);
	for (g = gfn; g < end; g++) {
		if (model[g])
			model_set(model, level_of, g, level_of[g], 0);
	}
}

static void model_compare(struct lodge_pt *pt, const u8 *model,
			  const u8 *level_of)
{
	const struct lodge_tdp_format *f = pt->format;
	gfn_t g;

	for (g = 0; g < MODEL_PAGES; g++) {
		int l;
		u64 e = look(pt, g, &l);
		u8 v = !f->present(e) ? 0 : f->writable(e) ? 2 : 1;
		u64 pfn = (f->address(e, l) >> 12) + (g & (lodge_pt_pages(l) - 1));

		if (v != model[g] || (v && (l != level_of[g] || pfn != g))) {
			CHECK_EQ(g, ~0ULL);
			return;
		}
	}
	CHECK_EQ(tables_reachable(pt, pt->root, pt->levels), pt->tables);
}

static void model_run(int levels)
{
	u8 *model = calloc(1, MODEL_PAGES), *level_of = calloc(1, MODEL_PAGES);
	struct lodge_pt pt;
	int i;

	srandom(20 + levels);
	pt_init(&pt, levels, 0);
	for (i = 0; i < 30000; i++) {
		gfn_t gfn = random() % MODEL_PAGES;
		bool any;

		switch (random() % 4) {
		case 0:
			model_zap(&pt, model, level_of);
			break;
		case 1:
			any = lodge_pt_protect(&pt, gfn);
			CHECK_EQ(any, model[gfn] == 2);
			if (any)
				model_set(model, level_of, gfn, level_of[gfn],
					  level_of[gfn] == 1);
			break;
		default:
			model_map(&pt, model, level_of);
		}
		if (i % 3000 == 0)
			model_compare(&pt, model, level_of);
	}
	model_compare(&pt, model, level_of);
	pt_end(&pt);
	free(model);
	free(level_of);
}

static void test_random(void)
{
	model_run(4);
	model_run(5);
}

static const struct ktap_test tests[] = {
	{ "entries have the bits of the manual", test_format },
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
	{ "accesses are seen and forgotten", test_young },
	{ "random operations agree with a model", test_random },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
