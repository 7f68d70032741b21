// SPDX-License-Identifier: GPL-2.0
/*
 * A walk through the guest's own page tables. Called by guestmem.c and by
 * tests/unit/guestmem. The tables are the guest's, and change while they are
 * read: each entry is read once, and bits are set by compare and exchange.
 * Pure. Next: guestmem.c.
 */
#include "guest_walk.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)
#define PTE_PKEY	GENMASK_ULL(62, 59)

#define WALK_TRIES	16	/* the guest may change its tables under us */

enum walk_mode { WALK_32, WALK_PAE, WALK_LONG };

struct walk_step {
	gpa_t at;		/* of the entry */
	u64 entry;
};

struct walk_state {
	enum walk_mode mode;
	int levels;
	int size;		/* of an entry, in bytes */
	int leaf;		/* level the walk ended at */
	struct walk_step step[5];	/* by level */
};

static void walk_mode_get(const struct lodge_walk *w, struct walk_state *s)
{
	s->size = 8;
	if (w->efer & LODGE_EFER_LMA) {
		s->mode = WALK_LONG;
		s->levels = 4;
	} else if (w->cr4 & LODGE_CR4_PAE) {
		s->mode = WALK_PAE;
		s->levels = 3;
	} else {
		s->mode = WALK_32;
		s->levels = 2;
		s->size = 4;
	}
}

/* Bits [hi:lo], none if hi < lo. */
static u64 walk_bits(int hi, int lo)
{
	return hi < lo ? 0 : (~0ULL >> (63 - hi)) & (~0ULL << lo);
}

/* Does the entry end the walk? */
static bool walk_is_leaf(const struct lodge_walk *w, const struct walk_state *s,
			 u64 e, int level)
{
	if (level == 1)
		return true;
	if (!(e & PTE_PS))
		return false;
	if (s->mode == WALK_32)
		return w->cr4 & LODGE_CR4_PSE;
	/* A PDPTE of legacy PAE has no such bit; it is reserved there. */
	return level == 2 || (level == 3 && s->mode == WALK_LONG && w->has_1g);
}

/* Bits that must be zero in an entry of a 32-bit table. */
static u64 walk_reserved_32(const struct lodge_walk *w, bool leaf, int level)
{
	/* A 4M page's bits 20:13 are address bits 39:32 (PSE-36). */
	if (level == 2 && leaf)
		return walk_bits(21, min(max(w->maxphyaddr - 19, 13), 21));
	return 0;
}

/* Bits that must be zero in an entry. */
static u64 walk_reserved(const struct lodge_walk *w, const struct walk_state *s,
			 bool leaf, int level)
{
	u64 r;

	if (s->mode == WALK_32)
		return walk_reserved_32(w, leaf, level);
	r = walk_bits(51, w->maxphyaddr);
	if (s->mode == WALK_PAE) {
		r |= walk_bits(62, 52);
		if (level == 3)		/* PDPTE: no W, U, A, D, PS, NX */
			return r | PTE_NX | walk_bits(8, 5) | walk_bits(2, 1);
	}
	if (!(w->efer & LODGE_EFER_NX))
		r |= PTE_NX;
	if (level == 4 || (level == 3 && !w->has_1g))
		r |= PTE_PS;
	if (leaf && level > 1)
		r |= walk_bits(9 * level + 2, 13);
	return r;
}

static int walk_fault(const struct lodge_walk *w, gva_t gva, u32 access,
		      u32 why, struct lodge_fault *fault)
{
	bool nx = (w->cr4 & LODGE_CR4_PAE) && (w->efer & LODGE_EFER_NX);

	fault->vector = LODGE_PF;
	fault->has_error = true;
	fault->cr2 = gva;
	fault->error = why | (access & LODGE_PF_W);
	if ((access & LODGE_PF_U) && !(access & LODGE_WALK_IMPLICIT))
		fault->error |= LODGE_PF_U;
	/* The CPU tells of a fetch only where fetches have rules. */
	if ((access & LODGE_PF_I) && (nx || (w->cr4 & LODGE_CR4_SMEP)))
		fault->error |= LODGE_PF_I;
	return 1;
}

/* Go down to the leaf. 0; 1 fault; -errno. */
static int walk_down(struct lodge_walk *w, struct walk_state *s, gva_t gva,
		     u32 access, struct lodge_fault *fault)
{
	int bits = s->mode == WALK_32 ? 10 : 9;
	gpa_t table = w->cr3 & walk_bits(51, 12);
	int level, err;

	if (s->mode == WALK_PAE)
		table = w->cr3 & walk_bits(31, 5);
	else if (s->mode == WALK_32)
		table = w->cr3 & walk_bits(31, 12);
	for (level = s->levels; ; level--) {
		struct walk_step *st = &s->step[level];
		u64 index = gva >> (12 + bits * (level - 1));
		u64 e = 0;
		u32 e32 = 0;
		bool leaf;

		/* 32 bits of linear address leave four entries for PAE's top. */
		index &= (1 << bits) - 1;
		st->at = table + index * s->size;
		if (s->size == 4) {
			err = w->read(w, st->at, &e32, 4);
			e = e32;
		} else {
			err = w->read(w, st->at, &e, 8);
		}
		if (err && err != -EFAULT)
			return err;
		st->entry = e;
		/* A table that is not in memory reads as not present. */
		if (err || !(e & PTE_P))
			return walk_fault(w, gva, access, 0, fault);
		leaf = walk_is_leaf(w, s, e, level);
		if (e & walk_reserved(w, s, leaf, level))
			return walk_fault(w, gva, access,
					  LODGE_PF_P | LODGE_PF_RSVD, fault);
		if (leaf) {
			s->leaf = level;
			return 0;
		}
		table = e & walk_bits(s->size == 4 ? 31 : 51, 12);
	}
}

/* Protection keys: is data at a user page withheld? */
static bool walk_key_denies(const struct lodge_walk *w, u64 leaf, u32 access)
{
	unsigned int key = FIELD_GET(PTE_PKEY, leaf);
	u32 rights = w->pkru >> (2 * key);
	bool user = (access & LODGE_PF_U) && !(access & LODGE_WALK_IMPLICIT);

	if (!(w->cr4 & LODGE_CR4_PKE) || !(w->efer & LODGE_EFER_LMA))
		return false;
	if (rights & 1)
		return true;
	return (rights & 2) && (access & LODGE_PF_W) &&
	       (user || (w->cr0 & LODGE_CR0_WP));
}

/* May a supervisor access a user's page as data? */
static bool walk_smap_denies(const struct lodge_walk *w, u32 access)
{
	if (!(w->cr4 & LODGE_CR4_SMAP))
		return false;
	return (access & LODGE_WALK_IMPLICIT) ||
	       !(w->rflags & LODGE_RFLAGS_AC);
}

/* 0, or bits of the error code. */
static u32 walk_denied(const struct lodge_walk *w, const struct walk_state *s,
		       u32 access)
{
	bool user = (access & LODGE_PF_U) && !(access & LODGE_WALK_IMPLICIT);
	u64 leaf = s->step[s->leaf].entry;
	bool page_w = true, page_u = true, page_x = true;
	int l;

	for (l = s->leaf; l <= s->levels; l++) {
		u64 e = s->step[l].entry;

		if (s->mode == WALK_PAE && l == 3)
			continue;	/* the PDPTE says nothing on rights */
		page_w &= !!(e & PTE_W);
		page_u &= !!(e & PTE_U);
		page_x &= !(e & PTE_NX);
	}
	if (user && !page_u)
		return LODGE_PF_P;
	if (access & LODGE_PF_I) {
		if (!page_x || (!user && page_u && (w->cr4 & LODGE_CR4_SMEP)))
			return LODGE_PF_P;
		return 0;
	}
	if (!user && page_u && walk_smap_denies(w, access))
		return LODGE_PF_P;
	if ((access & LODGE_PF_W) && !page_w &&
	    (user || (w->cr0 & LODGE_CR0_WP)))
		return LODGE_PF_P;
	if (page_u && walk_key_denies(w, leaf, access))
		return LODGE_PF_P | LODGE_PF_PK;
	return 0;
}

/* Set accessed and dirty bits. 0; 1: an entry has changed; -errno. */
static int walk_mark(struct lodge_walk *w, struct walk_state *s, u32 access)
{
	int l, err;

	for (l = s->levels; l >= s->leaf; l--) {
		struct walk_step *st = &s->step[l];
		u64 want = PTE_A;
		u64 new;

		if (s->mode == WALK_PAE && l == 3)
			continue;
		if (l == s->leaf && (access & LODGE_PF_W))
			want |= PTE_D;
		new = st->entry | want;
		if (new == st->entry)
			continue;
		if (s->size == 4) {
			u32 old32 = st->entry, new32 = new;

			err = w->cmpxchg(w, st->at, &old32, &new32, 4);
		} else {
			u64 old = st->entry;

			err = w->cmpxchg(w, st->at, &old, &new, 8);
		}
		if (err)
			return err;
	}
	return 0;
}

static gpa_t walk_address(const struct walk_state *s, gva_t gva)
{
	u64 leaf = s->step[s->leaf].entry;
	int shift = 12;
	u64 frame;

	if (s->mode == WALK_32) {
		if (s->leaf == 1)
			return (leaf & walk_bits(31, 12)) | (gva & 0xfff);
		return (leaf & walk_bits(31, 22)) | (gva & walk_bits(21, 0)) |
		       (leaf & walk_bits(20, 13)) << 19;
	}
	shift += 9 * (s->leaf - 1);
	frame = leaf & walk_bits(51, shift);
	return frame | (gva & walk_bits(shift - 1, 0));
}

/*
 * What nearly every walk is: four-level tables with nothing to set and nothing
 * to refuse. Whatever is not as plain as that is left to the walk by the rules:
 * false, and nothing is said.
 */
static bool walk_plain(struct lodge_walk *w, gva_t gva, u32 access, gpa_t *gpa)
{
	u64 reserved = walk_bits(51, w->maxphyaddr);
	u64 e = w->cr3, all = ~0ULL, any = 0, frame = walk_bits(51, 12);
	int level = 5;

	if (!(w->efer & LODGE_EFER_NX))
		reserved |= PTE_NX;
	do {
		level--;
		if (w->read(w, (e & frame) + (gva >> (9 * level) & 0xff8), &e, 8))
			return false;
		if (!(e & PTE_P) || !(e & PTE_A) || (e & reserved))
			return false;
		all &= e;
		any |= e;
	} while (level > 1 && !(e & PTE_PS));
	if (level > 2 || (level == 2 && (e & walk_bits(20, 13))))
		return false;
	/* Supervisor to supervisor's page, or user to user's, no special rule. */
	if (!(all & PTE_U) != !(access & LODGE_PF_U) ||
	    (access & LODGE_WALK_IMPLICIT) || (w->cr4 & LODGE_CR4_PKE))
		return false;
	if ((access & LODGE_PF_I) && (any & PTE_NX))
		return false;
	if ((access & LODGE_PF_W) && (!(all & PTE_W) || !(e & PTE_D)))
		return false;
	frame = level == 2 ? walk_bits(51, 21) : frame;
	*gpa = (e & frame) | (gva & ~frame & walk_bits(51, 0));
	return true;
}

int lodge_walk_guest(struct lodge_walk *w, gva_t gva, u32 access, gpa_t *gpa,
		     struct lodge_fault *fault)
{
	struct walk_state s;
	int try, err;
	u32 why;

	if (likely(w->efer & LODGE_EFER_LMA) && walk_plain(w, gva, access, gpa))
		return 0;
	if (!(w->efer & LODGE_EFER_LMA))
		gva = (u32)gva;
	if (!(w->cr0 & LODGE_CR0_PG)) {
		*gpa = gva;
		return 0;
	}
	walk_mode_get(w, &s);
	for (try = 0; try < WALK_TRIES; try++) {
		err = walk_down(w, &s, gva, access, fault);
		if (err)
			return err;
		why = walk_denied(w, &s, access);
		if (why)
			return walk_fault(w, gva, access, why, fault);
		err = walk_mark(w, &s, access);
		if (err == -EFAULT)
			return walk_fault(w, gva, access, 0, fault);
		if (err < 0)
			return err;
		if (!err) {
			*gpa = walk_address(&s, gva);
			return 0;
		}
	}
	return -EAGAIN;
}
