/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of memory slots as plain data: lookups by guest frame and by user
 * address, and making a new table with one slot changed. memslot.c publishes
 * the tables, mmu.c and guestmem.c look into them. Pure. Next: slots.c.
 */
#ifndef LODGE_SLOTS_H
#define LODGE_SLOTS_H

#include "pure.h"

#define LODGE_SLOTS_MAX		32764	/* as KVM answers to NR_MEMSLOTS */

/* struct lodge_slot.flags, the numbers of KVM_MEM_* */
#define LODGE_SLOT_LOG		BIT(0)	/* writes are noted in dirty[] */
#define LODGE_SLOT_READONLY	BIT(1)	/* writes are for the user */

struct lodge_slot {
	u32 id;			/* the user's number of it */
	u32 flags;		/* LODGE_SLOT_* */
	gfn_t base;
	u64 pages;
	unsigned long hva;
	unsigned long *dirty;	/* a bit a page, or NULL: atomic bit ops */
};

/*
 * by_hva[] and max_end[] lie behind slot[] in the same allocation. by_hva[] are
 * indices into slot[] by rising user address; max_end[i] is the highest end
 * of a user range among by_hva[0] to by_hva[i], since ranges may overlap.
 */
struct lodge_slots {
	u32 nr;
	u32 *by_hva;
	unsigned long *max_end;
	struct lodge_slot slot[];	/* sorted by base, none empty */
};

static inline unsigned long lodge_slot_hva_end(const struct lodge_slot *s)
{
	return s->hva + (s->pages << 12);
}

static inline unsigned long lodge_slot_hva(const struct lodge_slot *s, gfn_t gfn)
{
	return s->hva + ((gfn - s->base) << 12);
}

/**
 * lodge_slots_size() - bytes that a table takes
 * @nr: slots in it
 */
static inline size_t lodge_slots_size(u32 nr)
{
	return sizeof(struct lodge_slots) + nr * (sizeof(struct lodge_slot) +
						  sizeof(unsigned long) +
						  sizeof(u32));
}

/**
 * lodge_slots_setup() - place the arrays of an empty table
 * @t: memory of lodge_slots_size(@room) bytes
 * @room: slots it may hold
 */
void lodge_slots_setup(struct lodge_slots *t, u32 room);

/**
 * lodge_slots_find() - the slot a guest frame lies in
 * @t: table
 * @gfn: guest frame
 *
 * Return: the slot, or NULL.
 */
const struct lodge_slot *lodge_slots_find(const struct lodge_slots *t, gfn_t gfn);

/**
 * lodge_slots_by_id() - the slot with a user's number
 * @t: table
 * @id: number
 *
 * Return: the slot, or NULL.
 */
const struct lodge_slot *lodge_slots_by_id(const struct lodge_slots *t, u32 id);

/**
 * lodge_slots_overlap() - does a range of guest frames touch a slot?
 * @t: table
 * @base: first frame
 * @pages: number of frames, not 0
 * @id: slot that does not count
 */
bool lodge_slots_overlap(const struct lodge_slots *t, gfn_t base, u64 pages,
			 u32 id);

/**
 * lodge_slots_replace() - copy a table with one slot changed
 * @to: set-up table with room for @from->nr + 1 slots
 * @from: table to copy, without a slot that overlaps @new (but slot @id)
 * @id: slot of @from to leave out, if it is there
 * @new: slot to put in, or NULL
 */
void lodge_slots_replace(struct lodge_slots *to, const struct lodge_slots *from,
			 u32 id, const struct lodge_slot *new);

/**
 * lodge_slots_hva_first() - start an iteration over a range of user addresses
 * @t: table
 * @start: first byte of the range
 *
 * Return: the value to give to lodge_slots_hva_next() first.
 */
u32 lodge_slots_hva_first(const struct lodge_slots *t, unsigned long start);

/**
 * lodge_slots_hva_next() - the next slot that has a byte of a range
 * @t: table
 * @pos: position, moved on
 * @start: first byte of the range
 * @end: byte after the range
 * @gfn: first frame of the slot that is in the range
 * @gfn_end: frame after the last one
 *
 * Return: the slot, or NULL: no more.
 */
const struct lodge_slot *lodge_slots_hva_next(const struct lodge_slots *t,
					      u32 *pos, unsigned long start,
					      unsigned long end, gfn_t *gfn,
					      gfn_t *gfn_end);

#endif /* LODGE_SLOTS_H */
