// SPDX-License-Identifier: GPL-2.0
/* All operations of kmod/tdp_table.c at random, against a model. */
#include "tables.h"

/* 4G of guest at random, each page's right in a byte: 0 none, 1 read, 2 write. */
#define MODEL_PAGES	(1U << 20)

static u64 tables_reachable(struct lodge_pt *pt, u64 *table, int level)
{
	u64 n = 1;
	int i;

	for (i = 0; level > 1 && i < LODGE_PT_ENTRIES; i++) {
		u64 e = table[i];

		if (lodge_pt_present(pt->format, e) &&
		    !lodge_pt_is_leaf(pt->format, e, level))
			n += tables_reachable(pt, lodge_pt_pointer(pt,
				lodge_pt_address(e)), level - 1);
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
		u8 v = !lodge_pt_present(f, e) ? 0 : lodge_pt_writable(f, e) ? 2 : 1;
		u64 pfn = (lodge_pt_address(e) >> 12) + (g & (lodge_pt_pages(l) - 1));

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

void test_random(void)
{
	model_run(4);
	model_run(5);
}
