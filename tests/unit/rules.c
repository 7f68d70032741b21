// SPDX-License-Identifier: GPL-2.0
/* Tests of the checkers: see rules.h. */
#include <stdio.h>

#include "ktap.h"
#include "rules.h"

/* Rules by (id, field), in the order of the walk, with their mutations. */
static struct {
	const char *id, *field;
	unsigned int mutations;
} rules[400];
static unsigned int nr_rules;

/* To be called first: finds out which rules there are. */
void rules_list(const struct rules *r)
{
	u32 i;

	r->make(r->state, 0);
	for (i = 1; i < ARRAY_SIZE(rules); i++) {
		struct lodge_check c = { .stop = i };

		if (!r->check(&c, r->state))
			break;
		rules[i - 1].id = c.id;
		rules[i - 1].field = c.field;
	}
	nr_rules = i - 1;
}

/* The states that mutations start from break no rule. */
void rules_valid(const struct rules *r)
{
	int base;

	for (base = 0; base < r->bases; base++) {
		struct lodge_check c = {};

		r->make(r->state, base);
		CHECK(!r->check(&c, r->state));
		if (c.id)
			printf("# state %d: %s %s\n", base, c.id, c.field);
		CHECK_EQ(c.nr, nr_rules);
	}
}

/* Names differ, or a broken rule could not be told from another. */
void rules_names(const struct rules *r)
{
	char text[512];
	unsigned int i, j;

	CHECK(nr_rules && nr_rules < ARRAY_SIZE(rules) - 1);
	r->make(r->state, 0);
	for (i = 0; i < nr_rules; i++) {
		struct lodge_check c = { .stop = i + 1 };

		for (j = 0; j < i; j++)
			CHECK(strcmp(rules[i].id, rules[j].id) ||
			      strcmp(rules[i].field, rules[j].field));
		CHECK(r->check(&c, r->state));
		CHECK(c.section && *c.rule);
		CHECK(lodge_check_text(&c, text, sizeof(text)) < 256);
		CHECK(strstr(text, c.id) && strstr(text, c.section));
		/* Where there is no room nothing is written beyond. */
		memset(text, 'x', sizeof(text));
		lodge_check_text(&c, text, i % 64);
		CHECK(text[i % 64] == 'x');
	}
}

static void apply(const struct rules *r, const struct op *op, int seg)
{
	size_t offset = op->offset;
	u64 v = 0;

	if (offset >= r->seg && offset < r->seg + r->seg_size)
		offset += seg * r->seg_size;
	memcpy(&v, (char *)r->state + offset, op->size);
	if (op->kind == OP_SET)
		v = op->value;
	else if (op->kind == OP_ON)
		v |= op->value;
	else
		v &= ~op->value;
	memcpy((char *)r->state + offset, &v, op->size);
}

static void mutate(const struct rules *r, const struct mutation *m, int seg)
{
	struct lodge_check c = {}, rest;
	unsigned int i;

	r->make(r->state, m->base);
	for (i = 0; i < ARRAY_SIZE(m->ops) && m->ops[i].kind; i++)
		apply(r, &m->ops[i], seg);
	if (!r->check(&c, r->state) || strcmp(c.id, m->id)) {
		printf("# a state that breaks %s (register %d): %s %s\n",
		       m->id, seg, c.id ?: "nothing", c.field ?: "");
		CHECK(false);
		return;
	}
	rules[c.nr - 1].mutations++;
	rest = (struct lodge_check){ .from = c.nr + 1 };
	if (r->check(&rest, r->state)) {
		printf("# a state that breaks %s (register %d) breaks %s, too\n",
		       m->id, seg, rest.id);
		CHECK(false);
	}
}

/* Each row breaks its rule, and no other. */
void rules_mutate(const struct rules *r, const struct mutation *rows,
		  unsigned int nr)
{
	unsigned int i, seg;

	for (i = 0; i < nr; i++) {
		if (!rows[i].segs)
			mutate(r, &rows[i], 0);
		for (seg = 0; seg < 8; seg++)
			if (rows[i].segs & BIT(seg))
				mutate(r, &rows[i], seg);
	}
}

/* To be called last: each rule has been broken; how many there are. */
void rules_covered(const struct rules *r, const struct uncovered *un,
		   unsigned int nr)
{
	unsigned int i, j, ids = 0, covered = 0;

	for (i = 0; i < nr_rules; i++) {
		if (!rules[i].mutations) {
			printf("# no mutation breaks %s of %s\n", rules[i].id,
			       rules[i].field);
			CHECK(false);
		}
		for (j = 0; j < i && strcmp(rules[i].id, rules[j].id); j++)
			;
		ids += j == i;
		covered += j == i && rules[i].mutations;
	}
	for (i = 0; i < nr; i++)
		printf("# not covered: %s (%s)\n", un[i].rule, un[i].why);
	printf("# %s: %u rules covered, of %u in the manual (%u checks)\n",
	       r->name, covered, ids + nr, nr_rules);
}
