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

/* Where in by_hva[] a slot with that user address goes. */
static u32 slots_place_hva(const struct lodge_slots *t, unsigned long hva)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->slot[t->by_hva[mid]].hva > hva)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* The order by user address: the old one, indices moved, and one put in. */
static void slots_order_hva(struct lodge_slots *to,
			    const struct lodge_slots *from, u32 gone, u32 put)
{
	u32 i, n = 0, at = from->nr;

	if (put < to->nr)
		at = slots_place_hva(from, to->slot[put].hva);
	for (i = 0; i < from->nr; i++) {
		u32 s = from->by_hva[i];

		if (i == at)
			to->by_hva[n++] = put;
		if (s == gone)
			continue;
		if (s > gone)
			s--;
		if (s >= put)
			s++;
		to->by_hva[n++] = s;
	}
	if (n < to->nr)
		to->by_hva[n] = put;
}

/* The same where nothing went, and @put is behind all others in memory. */
static u32 slots_append_hva(struct lodge_slots *to,
			    const struct lodge_slots *from, u32 put)
{
	u32 at = slots_place_hva(from, to->slot[put].hva);

	memcpy(to->by_hva, from->by_hva, at * sizeof(*to->by_hva));
	memcpy(to->max_end, from->max_end, at * sizeof(*to->max_end));
	to->by_hva[at] = put;
	memcpy(to->by_hva + at + 1, from->by_hva + at,
	       (put - at) * sizeof(*to->by_hva));
	return at;
}

static void slots_copy(struct lodge_slots *to, const struct lodge_slots *from,
		       u32 first, u32 end)
{
	memcpy(to->slot + to->nr, from->slot + first,
	       (end - first) * sizeof(*to->slot));
	to->nr += end - first;
}

/* Slots @first to @end - 1, but not @gone, behind those that are there. */
static void slots_copy_but(struct lodge_slots *to,
			   const struct lodge_slots *from, u32 first, u32 end,
			   u32 gone)
{
	if (gone >= first && gone < end) {
		slots_copy(to, from, first, gone);
		first = gone + 1;
	}
	slots_copy(to, from, first, end);
}

void lodge_slots_replace(struct lodge_slots *to, const struct lodge_slots *from,
			 u32 id, const struct lodge_slot *new)
{
	const struct lodge_slot *old = lodge_slots_by_id(from, id);
	u32 gone = old ? old - from->slot : from->nr;
	u32 at = new ? slots_first_after(from, new->base) : from->nr;
	u32 put, i = 0;

	slots_copy_but(to, from, 0, at, gone);
	put = to->nr;
	if (new)
		to->slot[to->nr++] = *new;
	slots_copy_but(to, from, at, from->nr, gone);
	if (!old && put == from->nr && new)
		i = slots_append_hva(to, from, put);
	else
		slots_order_hva(to, from, gone, new ? put : to->nr);
	for (; i < to->nr; i++)
		to->max_end[i] = max(i ? to->max_end[i - 1] : 0,
				     lodge_slot_hva_end(&to->slot[to->by_hva[i]]));
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
