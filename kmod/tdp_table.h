/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two-dimensional page tables as a data structure: from guest frames to
 * host addresses, 8 bytes an entry, 512 a table, on both vendors. tdp.c
 * owns the locks and the flushes; the vendor's format says what the bits are
 * (svm/svm_npt.c, vmx/vmx_ept.c). Pure. Next: tdp_table.c, tdp.c.
 */
#ifndef LODGE_TDP_TABLE_H
#define LODGE_TDP_TABLE_H

#include "pure.h"

#define LODGE_PT_ENTRIES	512
#define LODGE_PT_LEVELS_MAX	5
#define LODGE_PT_CACHE		4	/* a fault takes 4 tables at most */

struct lodge_tdp_format {
	/* The depth is that of the host's own tables (nested paging). */
	bool host_depth;
	/* Bits of an entry: one of present is set where it leads anywhere;
	 * large, above level 1, makes it a leaf.
	 */
	u64 present, large, write, accessed;
	u64 dirty;	/* 0 where nothing comes of it: see lodge_pt_clean() */
	/* Level 1 is 4K, 2 2M, 3 1G. An address may carry the host's memory
	 * encryption bit, as any other bit of it.
	 */
	u64 (*leaf)(hpa_t hpa, int level, bool write, bool exec, bool uncached);
	u64 (*table)(hpa_t hpa);
};

/*
 * Tables detached from the tree, chained through their own entry 0: the next
 * one's physical address. An entry with its low 12 bits clear is not present
 * in any format, so hardware that is still walking there finds nothing.
 */
struct lodge_pt_freed {
	hpa_t first;
	u32 nr;
};

/* Zeroed tables for one fault, allocated where that may sleep. */
struct lodge_pt_cache {
	u32 nr;
	u64 *table[LODGE_PT_CACHE];
};

struct lodge_pt {
	const struct lodge_tdp_format *format;
	u64 *root;
	u64 direct;		/* pointer to a table = its address + this */
	u64 crypt;		/* bit that the addresses of tables carry, or 0 */
	int levels;		/* 4 or 5 */
	u64 tables;		/* pages in use, root included */
};

static inline bool lodge_pt_present(const struct lodge_tdp_format *f, u64 e)
{
	return e & f->present;
}

static inline bool lodge_pt_is_leaf(const struct lodge_tdp_format *f, u64 e,
				    int level)
{
	return level == 1 || (e & f->large);
}

static inline bool lodge_pt_writable(const struct lodge_tdp_format *f, u64 e)
{
	return e & f->write;
}

/* Of page or next table; in its place in both vendors' formats. */
static inline hpa_t lodge_pt_address(u64 e)
{
	return e & GENMASK_ULL(51, 12);
}

static inline u64 lodge_pt_pages(int level)
{
	return 1ULL << (9 * (level - 1));	/* 4K pages under an entry */
}

static inline unsigned int lodge_pt_index(gfn_t gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & (LODGE_PT_ENTRIES - 1);
}

static inline u64 *lodge_pt_pointer(const struct lodge_pt *pt, hpa_t hpa)
{
	return (u64 *)(uintptr_t)((hpa & ~pt->crypt) + pt->direct);
}

static inline hpa_t lodge_pt_hpa(const struct lodge_pt *pt, const u64 *table)
{
	return (u64)(uintptr_t)table - pt->direct;
}

/**
 * lodge_pt_lookup() - the entry that decides on a frame
 * @pt: tables
 * @gfn: guest frame
 * @level: set to the entry's level
 *
 * Return: a leaf, or the absent entry the walk ends at.
 */
u64 *lodge_pt_lookup(const struct lodge_pt *pt, gfn_t gfn, int *level);

/**
 * lodge_pt_map() - put in a leaf
 * @pt: tables
 * @gfn: a frame of the page, any
 * @level: of the leaf
 * @leaf: the entry
 * @cache: where missing tables come from
 *
 * Never takes away what is there: a leaf of the same page may only gain rights.
 *
 * Return: 0; -ENOMEM: the cache ran out (what was put in stays, empty);
 * -EEXIST: a table, a larger leaf or another page is in the way.
 */
int lodge_pt_map(struct lodge_pt *pt, gfn_t gfn, int level, u64 leaf,
		 struct lodge_pt_cache *cache);

/**
 * lodge_pt_level_fits() - could a leaf of this level be put in?
 * @pt: tables
 * @gfn: a frame of the page
 * @level: of the leaf
 *
 * Return: false if a table is where it would go.
 */
bool lodge_pt_level_fits(const struct lodge_pt *pt, gfn_t gfn, int level);

/**
 * lodge_pt_zap_step() - unmap the first piece of a range
 * @pt: tables
 * @gfn: start of the range; moved behind the piece, at most 512 entries
 * @end: frame after the range
 * @freed: tables that fell out, not to be freed before the TLBs are flushed
 *
 * A leaf that is partly in the range goes as a whole.
 *
 * Return: whether a translation was taken away.
 */
bool lodge_pt_zap_step(struct lodge_pt *pt, gfn_t *gfn, gfn_t end,
		       struct lodge_pt_freed *freed);

/**
 * lodge_pt_protect() - take the right to write from a page
 * @pt: tables
 * @gfn: its frame; a larger leaf there goes as a whole
 *
 * Return: whether a right was taken away.
 */
bool lodge_pt_protect(struct lodge_pt *pt, gfn_t gfn);

/**
 * lodge_pt_clean() - have the hardware tell of the next write to a page
 * @pt: tables, of a format with a dirty bit
 * @gfn: its frame; a larger leaf there goes as a whole
 *
 * Return: whether the hardware may know the page as dirty.
 */
bool lodge_pt_clean(struct lodge_pt *pt, gfn_t gfn);

/**
 * lodge_pt_young_step() - look for accesses in the first piece of a range
 * @pt: tables
 * @gfn: start of the range; moved behind the piece, at most 512 entries
 * @end: frame after the range
 * @clear: forget them
 *
 * Return: whether there was one.
 */
bool lodge_pt_young_step(struct lodge_pt *pt, gfn_t *gfn, gfn_t end, bool clear);

/**
 * lodge_pt_freed_pop() - take one of the detached tables
 * @pt: tables
 * @freed: list
 *
 * Return: the table, to be freed, or NULL: no more.
 */
u64 *lodge_pt_freed_pop(struct lodge_pt *pt, struct lodge_pt_freed *freed);

#endif /* LODGE_TDP_TABLE_H */
