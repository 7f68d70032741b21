// SPDX-License-Identifier: GPL-2.0
/*
 * The table of memory slots as plain data. Called by memslot.c, guestmem.c,
 * tdp.c, mmu.c and by tests/unit/guestmem. Pure. Next: memslot.c.
 */
#include "slots.h"

void lodge_slots_setup(struct lodge_slots *t, u32 room)
{
	t->nr = 0;
	t->max_end = (unsigned long *)&t->slot[room];
	t->by_hva = (u32 *)&t->max_end[room];
}

/* Index of the first slot that ends behind @gfn; t->nr if none does. */
static u32 slots_first_after(const struct lodge_slots *t, gfn_t gfn)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->slot[mid].base + t->slot[mid].pages > gfn)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

const struct lodge_slot *lodge_slots_find(const struct lodge_slots *t, gfn_t gfn)
{
	u32 i = slots_first_after(t, gfn);

	if (i == t->nr || t->slot[i].base > gfn)
		return NULL;
	return &t->slot[i];
}

const struct lodge_slot *lodge_slots_by_id(const struct lodge_slots *t, u32 id)
{
	u32 i;

	for (i = 0; i < t->nr; i++) {
		if (t->slot[i].id == id)
			return &t->slot[i];
	}
	return NULL;
}

bool lodge_slots_overlap(const struct lodge_slots *t, gfn_t base, u64 pages,
			 u32 id)
{
	u32 i;

	for (i = slots_first_after(t, base); i < t->nr; i++) {
		if (t->slot[i].base >= base + pages)
			return false;
		if (t->slot[i].id != id)
			return true;
	}
	return false;
}

/* The order by user address: the old one, indices moved, and one put in. */
static void slots_order_hva(struct lodge_slots *to,
			    const struct lodge_slots *from, u32 gone, u32 put)
{
	unsigned long max_end = 0;
	u32 i, n = 0;
	bool done = put == to->nr;

	for (i = 0; i < from->nr; i++) {
		u32 s = from->by_hva[i];

		if (s == gone)
			continue;
		if (!done && from->slot[s].hva > to->slot[put].hva) {
			to->by_hva[n++] = put;
			done = true;
		}
		if (s > gone)
			s--;
		if (s >= put)
			s++;
		to->by_hva[n++] = s;
	}
	if (!done)
		to->by_hva[n++] = put;
	for (i = 0; i < n; i++) {
		max_end = max(max_end,
			      lodge_slot_hva_end(&to->slot[to->by_hva[i]]));
		to->max_end[i] = max_end;
	}
}

void lodge_slots_replace(struct lodge_slots *to, const struct lodge_slots *from,
			 u32 id, const struct lodge_slot *new)
{
	u32 i, n = 0, gone = from->nr, put = from->nr + 1;

	for (i = 0; i < from->nr; i++) {
		if (from->slot[i].id == id) {
			gone = i;
			continue;
		}
		if (new && put > from->nr && from->slot[i].base > new->base) {
			put = n;
			to->slot[n++] = *new;
		}
		to->slot[n++] = from->slot[i];
	}
	if (new && put > from->nr) {
		put = n;
		to->slot[n++] = *new;
	}
	to->nr = n;
	slots_order_hva(to, from, gone, new ? put : n);
}

u32 lodge_slots_hva_first(const struct lodge_slots *t, unsigned long start)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->max_end[mid] > start)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

const struct lodge_slot *lodge_slots_hva_next(const struct lodge_slots *t,
					      u32 *pos, unsigned long start,
					      unsigned long end, gfn_t *gfn,
					      gfn_t *gfn_end)
{
	while (*pos < t->nr) {
		const struct lodge_slot *s = &t->slot[t->by_hva[*pos]];
		unsigned long s_end = lodge_slot_hva_end(s);

		if (s->hva >= end)
			return NULL;
		(*pos)++;
		if (s_end <= start)
			continue;
		*gfn = s->base + ((max(start, s->hva) - s->hva) >> 12);
		*gfn_end = s->base +
			((min(end, s_end) - s->hva + 4095) >> 12);
		return s;
	}
	return NULL;
}
