/* SPDX-License-Identifier: GPL-2.0 */
/* Page tables to play with, for the tests of this folder. */
#ifndef TABLES_H
#define TABLES_H

#include <stdlib.h>

#include "ktap.h"
#include "svm/svm_npt.h"
#include "tdp_table.h"
#include "vmx/vmx_ept.h"

extern const struct lodge_tdp_format *format;	/* under test */

void test_random(void);
void test_ept_bits(void);
void test_ept_misconfig(void);

static inline u64 *page_alloc(void)
{
	u64 *p = aligned_alloc(4096, 4096);

	if (!p)
		abort();
	memset(p, 0, 4096);
	return p;
}

static inline void pt_init(struct lodge_pt *pt, int levels, u64 crypt)
{
	*pt = (struct lodge_pt){
		.format = format,
		.root = page_alloc(),
		.crypt = crypt,
		.levels = levels,
		.tables = 1,
	};
}

static inline u64 freed_drop(struct lodge_pt *pt, struct lodge_pt_freed *freed)
{
	u64 *table, n = 0;

	while ((table = lodge_pt_freed_pop(pt, freed))) {
		free(table);
		n++;
	}
	return n;
}

static inline bool zap(struct lodge_pt *pt, gfn_t gfn, gfn_t end, u64 *tables)
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

static inline void pt_end(struct lodge_pt *pt)
{
	zap(pt, 0, 1ULL << 40, NULL);
	CHECK_EQ(pt->tables, 1);
	free(pt->root);
}

static inline u64 leaf(gfn_t pfn, int level, bool write)
{
	return format->leaf(pfn << 12, level, write, true, false);
}

/* Map with tables from nowhere in particular. */
static inline int map(struct lodge_pt *pt, gfn_t gfn, int level, u64 e)
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

static inline u64 look(struct lodge_pt *pt, gfn_t gfn, int *level)
{
	return *lodge_pt_lookup(pt, gfn, level);
}

static inline bool mapped(struct lodge_pt *pt, gfn_t gfn)
{
	int l;

	return lodge_pt_present(format, look(pt, gfn, &l));
}

#endif /* TABLES_H */
