// SPDX-License-Identifier: GPL-2.0
/*
 * Two-dimensional page tables as a data structure. Called by tdp.c under the
 * tdp lock, and by tests/unit/tdp. Hardware walks the tables at the same time
 * and sets bits in leaves: entries are read once and written whole. Pure.
 * Next: tdp.c.
 */
#include "tdp_table.h"

static u64 pt_read(const u64 *e)
{
	return __atomic_load_n(e, __ATOMIC_RELAXED);
}

/* What a table holds is written before the entry that leads to it. */
static void pt_write(u64 *e, u64 v)
{
	__atomic_store_n(e, v, __ATOMIC_RELEASE);
}

static u64 *pt_next(const struct lodge_pt *pt, u64 e)
{
	return lodge_pt_pointer(pt, lodge_pt_address(e));
}

u64 *lodge_pt_lookup(const struct lodge_pt *pt, gfn_t gfn, int *level)
{
	const struct lodge_tdp_format *f = pt->format;
	u64 *table = pt->root;
	int l = pt->levels;

	for (;;) {
		u64 *entry = &table[lodge_pt_index(gfn, l)];
		u64 e = pt_read(entry);

		*level = l;
		if (l == 1 || !lodge_pt_present(f, e) || lodge_pt_is_leaf(f, e, l))
			return entry;
		table = pt_next(pt, e);
		l--;
	}
}

bool lodge_pt_level_fits(const struct lodge_pt *pt, gfn_t gfn, int level)
{
	int l;

	lodge_pt_lookup(pt, gfn, &l);
	return l >= level;
}

int lodge_pt_map(struct lodge_pt *pt, gfn_t gfn, int level, u64 leaf,
		 struct lodge_pt_cache *cache)
{
	const struct lodge_tdp_format *f = pt->format;
	u64 *entry, *table, e;
	int l;

	entry = lodge_pt_lookup(pt, gfn, &l);
	e = pt_read(entry);
	if (l < level || (l > level && lodge_pt_present(f, e)))
		return -EEXIST;
	for (; l > level; l--) {
		if (!cache->nr)
			return -ENOMEM;
		table = cache->table[--cache->nr];
		pt->tables++;
		pt_write(entry, f->table(lodge_pt_hpa(pt, table) | pt->crypt));
		entry = &table[lodge_pt_index(gfn, l - 1)];
		e = 0;
	}
	if (lodge_pt_present(f, e)) {
		if (lodge_pt_address(e) != lodge_pt_address(leaf))
			return -EEXIST;
		if (lodge_pt_writable(f, e))
			return 0;	/* and perhaps dirty, unlike the leaf */
	}
	pt_write(entry, leaf);
	return 0;
}

static void pt_detach(struct lodge_pt *pt, u64 *entry,
		      struct lodge_pt_freed *freed)
{
	u64 *table = pt_next(pt, pt_read(entry));

	pt_write(entry, 0);
	pt_write(table, freed->first);
	freed->first = lodge_pt_hpa(pt, table);
	freed->nr++;
	pt->tables--;
}

u64 *lodge_pt_freed_pop(struct lodge_pt *pt, struct lodge_pt_freed *freed)
{
	u64 *table;

	if (!freed->nr)
		return NULL;
	table = lodge_pt_pointer(pt, freed->first);
	freed->first = pt_read(table);
	freed->nr--;
	return table;
}

/* Detach the tables above @gfn, level 2 upwards, that the range has emptied. */
static void pt_prune(struct lodge_pt *pt, gfn_t gfn, struct lodge_pt_freed *freed)
{
	u64 *entry[LODGE_PT_LEVELS_MAX + 1];
	u64 *table = pt->root;
	int l, top = pt->levels;

	for (l = top; l > 1; l--) {
		entry[l] = &table[lodge_pt_index(gfn, l)];
		if (!lodge_pt_present(pt->format, pt_read(entry[l])) ||
		    lodge_pt_is_leaf(pt->format, pt_read(entry[l]), l))
			break;
		table = pt_next(pt, pt_read(entry[l]));
	}
	for (l++; l <= top; l++) {
		unsigned int i;

		table = pt_next(pt, pt_read(entry[l]));
		for (i = 0; i < LODGE_PT_ENTRIES; i++) {
			if (pt_read(&table[i]))
				return;
		}
		pt_detach(pt, entry[l], freed);
	}
}

/* Clear entries @i to @n of a lowest table. */
static bool pt_clear(const struct lodge_tdp_format *f, u64 *table,
		     unsigned int i, unsigned int n)
{
	bool any = false;

	for (; i < n; i++) {
		if (!lodge_pt_present(f, pt_read(&table[i])))
			continue;
		pt_write(&table[i], 0);
		any = true;
	}
	return any;
}

/* Frames from @gfn up to the end of the entry at @level, or to @end. */
static u64 pt_piece(gfn_t gfn, gfn_t end, int level)
{
	u64 n = lodge_pt_pages(level);

	return min(end, (gfn | (n - 1)) + 1) - gfn;
}

bool lodge_pt_zap_step(struct lodge_pt *pt, gfn_t *gfn, gfn_t end,
		       struct lodge_pt_freed *freed)
{
	const struct lodge_tdp_format *f = pt->format;
	gfn_t start = *gfn;
	u64 *entry, n;
	bool any = false;
	int l;

	entry = lodge_pt_lookup(pt, start, &l);
	if (l > 1) {
		any = lodge_pt_present(f, pt_read(entry));
		if (any)
			pt_write(entry, 0);
		n = pt_piece(start, end, l);
	} else {
		unsigned int i = lodge_pt_index(start, 1);

		n = pt_piece(start, end, 2);
		any = pt_clear(f, entry - i, i, i + n);
	}
	*gfn = start + n;
	/* Where a table's frames end, or the range does, it may be empty. */
	if (!lodge_pt_index(*gfn, 1) || *gfn == end)
		pt_prune(pt, start, freed);
	return any;
}

/* Take a bit of a page's entry; was it there? */
static bool pt_take(struct lodge_pt *pt, gfn_t gfn, u64 bit)
{
	u64 *entry, e;
	int l;

	entry = lodge_pt_lookup(pt, gfn, &l);
	e = pt_read(entry);
	if (!lodge_pt_present(pt->format, e) || !(e & bit))
		return false;
	/* Accessed and dirty bits that hardware sets meanwhile may be lost:
	 * the host page was marked dirty when it was mapped writable.
	 */
	pt_write(entry, l > 1 ? 0 : e & ~bit);
	return true;
}

bool lodge_pt_protect(struct lodge_pt *pt, gfn_t gfn)
{
	return pt_take(pt, gfn, pt->format->write);
}

bool lodge_pt_clean(struct lodge_pt *pt, gfn_t gfn)
{
	return pt_take(pt, gfn, pt->format->dirty);
}

bool lodge_pt_young_step(struct lodge_pt *pt, gfn_t *gfn, gfn_t end, bool clear)
{
	const struct lodge_tdp_format *f = pt->format;
	bool any = false;
	u64 *entry, n;
	int l;

	entry = lodge_pt_lookup(pt, *gfn, &l);
	n = pt_piece(*gfn, end, l > 1 ? l : 2);
	*gfn += n;
	for (n = l > 1 ? 1 : n; n; n--, entry++) {
		u64 e = pt_read(entry);

		if (!lodge_pt_present(f, e) || !(e & f->accessed))
			continue;
		any = true;
		if (!clear)
			break;
		pt_write(entry, e & ~f->accessed);
	}
	return any;
}
