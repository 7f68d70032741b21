// SPDX-License-Identifier: GPL-2.0
/* Tests of kmod/slots.c. */
#include <stdlib.h>

#include "../ktap.h"
#include "slots.h"
#include "tests.h"

#define HVA	0x7f0000000000UL

/* A table with one slot changed, made of @t, which is freed. */
static struct lodge_slots *change(struct lodge_slots *t, u32 id,
				  const struct lodge_slot *new)
{
	u32 room = t->nr + 1;
	struct lodge_slots *to = malloc(lodge_slots_size(room));

	if (!to)
		abort();
	lodge_slots_setup(to, room);
	lodge_slots_replace(to, t, id, new);
	free(t);
	return to;
}

static struct lodge_slots *empty(void)
{
	struct lodge_slots *t = malloc(lodge_slots_size(0));

	if (!t)
		abort();
	lodge_slots_setup(t, 0);
	return t;
}

static struct lodge_slots *put(struct lodge_slots *t, u32 id, gfn_t base,
			       u64 pages, unsigned long hva)
{
	struct lodge_slot s = {
		.id = id, .base = base, .pages = pages, .hva = hva,
	};

	return change(t, id, &s);
}

/* The id of the slot of a frame, -1: none. */
static int find(const struct lodge_slots *t, gfn_t gfn)
{
	const struct lodge_slot *s = lodge_slots_find(t, gfn);

	return s ? (int)s->id : -1;
}

void test_slots_find(void)
{
	struct lodge_slots *t = empty();

	CHECK_EQ(find(t, 0), -1);
	CHECK(!lodge_slots_by_id(t, 0));
	t = put(t, 7, 0x100, 0x10, HVA);
	t = put(t, 3, 0x80, 1, HVA + 0x100000);
	t = put(t, 0, 0x110, 2, HVA + 0x200000);
	CHECK_EQ(t->nr, 3);
	CHECK_EQ(find(t, 0x7f), -1);
	CHECK_EQ(find(t, 0x80), 3);
	CHECK_EQ(find(t, 0x81), -1);
	CHECK_EQ(find(t, 0xff), -1);
	CHECK_EQ(find(t, 0x100), 7);
	CHECK_EQ(find(t, 0x10f), 7);
	CHECK_EQ(find(t, 0x110), 0);
	CHECK_EQ(find(t, 0x111), 0);
	CHECK_EQ(find(t, 0x112), -1);
	CHECK_EQ(find(t, ~0ULL >> 12), -1);
	CHECK_EQ(lodge_slots_by_id(t, 3)->base, 0x80);
	CHECK(!lodge_slots_by_id(t, 1));

	/* Moved behind the others, then gone. */
	t = put(t, 3, 0x200, 1, HVA + 0x100000);
	CHECK_EQ(t->nr, 3);
	CHECK_EQ(find(t, 0x80), -1);
	CHECK_EQ(find(t, 0x200), 3);
	t = change(t, 7, NULL);
	CHECK_EQ(t->nr, 2);
	CHECK_EQ(find(t, 0x100), -1);
	CHECK_EQ(find(t, 0x110), 0);
	CHECK_EQ(find(t, 0x200), 3);
	free(t);
}

void test_slots_overlap(void)
{
	struct lodge_slots *t = empty();

	CHECK(!lodge_slots_overlap(t, 0, 1ULL << 36, 0));
	t = put(t, 1, 0x100, 0x10, HVA);
	t = put(t, 2, 0x120, 0x10, HVA);
	CHECK(!lodge_slots_overlap(t, 0xff, 1, 9));
	CHECK(lodge_slots_overlap(t, 0xff, 2, 9));
	CHECK(lodge_slots_overlap(t, 0x10f, 1, 9));
	CHECK(!lodge_slots_overlap(t, 0x110, 0x10, 9));
	CHECK(lodge_slots_overlap(t, 0x110, 0x11, 9));
	CHECK(lodge_slots_overlap(t, 0, 1ULL << 36, 9));
	/* A slot does not stand in its own way, but another may. */
	CHECK(!lodge_slots_overlap(t, 0x101, 0x10, 1));
	CHECK(lodge_slots_overlap(t, 0x111, 0x10, 1));
	CHECK(!lodge_slots_overlap(t, 0x130, 0x10, 1));
	free(t);
}

/* The ids that a user range hits, a bit each. */
static u64 hits(const struct lodge_slots *t, unsigned long start,
		unsigned long end)
{
	u32 pos = lodge_slots_hva_first(t, start);
	const struct lodge_slot *s;
	gfn_t gfn, gfn_end;
	u64 ids = 0;

	while ((s = lodge_slots_hva_next(t, &pos, start, end, &gfn, &gfn_end))) {
		CHECK(gfn >= s->base && gfn < gfn_end &&
		      gfn_end <= s->base + s->pages);
		CHECK(!(ids & BIT_ULL(s->id)));
		ids |= BIT_ULL(s->id);
	}
	return ids;
}

void test_slots_hva(void)
{
	struct lodge_slots *t = empty();

	CHECK_EQ(hits(t, 0, ~0UL), 0);
	/* 1 spans all that the others are in: one page, two guest ranges. */
	t = put(t, 1, 0x100, 0x100, HVA);
	t = put(t, 2, 0x300, 1, HVA + 0x10000);
	t = put(t, 3, 0x400, 1, HVA + 0x20000);
	t = put(t, 4, 0x500, 1, HVA + 0x200000);
	CHECK_EQ(hits(t, 0, ~0UL), 0x1e);
	CHECK_EQ(hits(t, HVA - 1, HVA), 0);
	CHECK_EQ(hits(t, HVA, HVA + 1), 2);
	CHECK_EQ(hits(t, HVA + 0x10000, HVA + 0x11000), 6);
	CHECK_EQ(hits(t, HVA + 0x10fff, HVA + 0x20001), 0xe);
	CHECK_EQ(hits(t, HVA + 0x11000, HVA + 0x12000), 2);
	CHECK_EQ(hits(t, HVA + 0xff000, HVA + 0x100000), 2);
	CHECK_EQ(hits(t, HVA + 0x100000, HVA + 0x200000), 0);
	CHECK_EQ(hits(t, HVA + 0x200fff, ~0UL), 0x10);
	CHECK_EQ(hits(t, HVA + 0x201000, ~0UL), 0);
	t = change(t, 1, NULL);
	CHECK_EQ(hits(t, HVA, HVA + 0x11000), 4);
	CHECK_EQ(hits(t, HVA + 0x11000, HVA + 0x20000), 0);
	free(t);
}

void test_slots_hva_partial(void)
{
	struct lodge_slots *t = put(empty(), 1, 0x100, 0x10, HVA);
	gfn_t gfn, end;
	u32 pos;

	pos = lodge_slots_hva_first(t, HVA + 0x1fff);
	CHECK(lodge_slots_hva_next(t, &pos, HVA + 0x1fff, HVA + 0x3001, &gfn,
				   &end));
	CHECK_EQ(gfn, 0x101);
	CHECK_EQ(end, 0x104);
	CHECK(!lodge_slots_hva_next(t, &pos, HVA + 0x1fff, HVA + 0x3001, &gfn,
				    &end));
	pos = lodge_slots_hva_first(t, 0);
	CHECK(lodge_slots_hva_next(t, &pos, 0, ~0UL, &gfn, &end));
	CHECK_EQ(gfn, 0x100);
	CHECK_EQ(end, 0x110);
	free(t);
}

#define IDS	40

/* The same questions answered by looking at every slot there should be. */
static void compare(const struct lodge_slots *t, const struct lodge_slot *all)
{
	unsigned long start = HVA + (random() % 0x4000) * 512;
	unsigned long end = start + 1 + random() % 0x40000;
	gfn_t gfn = random() % 0x4000;
	u64 ids = 0;
	int i, in = -1, nr = 0;

	for (i = 0; i < IDS; i++) {
		if (!all[i].pages)
			continue;
		nr++;
		if (gfn >= all[i].base && gfn < all[i].base + all[i].pages)
			in = i;
		if (start < lodge_slot_hva_end(&all[i]) && end > all[i].hva)
			ids |= BIT_ULL(i);
	}
	CHECK_EQ(t->nr, nr);
	CHECK_EQ(find(t, gfn), in);
	CHECK_EQ(hits(t, start, end), ids);
}

void test_slots_random(void)
{
	struct lodge_slot all[IDS] = {};
	struct lodge_slots *t = empty();
	int i;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		u32 id = random() % IDS;
		u64 pages = 1 + random() % 0x100;
		gfn_t base = random() % 0x3f00;

		if (random() % 4 == 0) {
			all[id].pages = 0;
			t = change(t, id, NULL);
		} else if (!lodge_slots_overlap(t, base, pages, id)) {
			all[id] = (struct lodge_slot){
				.id = id, .base = base, .pages = pages,
				.hva = HVA + (random() % 0x700) * 4096,
			};
			t = change(t, id, &all[id]);
		}
		compare(t, all);
	}
	free(t);
}
