/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of a checker of kmod/check.h: a valid state is mutated so that exactly
 * one rule is broken, and the checker must name that one; a rule that nothing
 * breaks is a failure. Implemented in rules.c, used by svm/ and vmx/.
 */
#ifndef RULES_H
#define RULES_H

#include "check.h"

/* What is done to a field: given a value, or bits set or cleared. */
enum op_kind { OP_END, OP_SET, OP_ON, OP_OFF };

struct op {
	u8 kind;
	u8 size;
	u16 offset;		/* in the state */
	u64 value;
};

struct mutation {
	const char *id;		/* of the rule that it breaks */
	u8 base;		/* the valid state it starts from */
	u8 segs;		/* bits of registers, one after the other */
	struct op ops[6];
};

/* STATE is the type that the including file has its rules for. */
#define OP(kind, member, v) { kind, sizeof(((STATE *)0)->member), \
			      offsetof(STATE, member), v }
#define SET(member, v)	OP(OP_SET, member, v)
#define ON(member, v)	OP(OP_ON, member, v)
#define OFF(member, v)	OP(OP_OFF, member, v)

/* A checker, and its states. */
struct rules {
	const char *name;
	size_t seg, seg_size;	/* ops below seg + seg_size move on, by register */
	int bases;
	void (*make)(void *state, int base);
	bool (*check)(struct lodge_check *c, const void *state);
	void *state;		/* room for one */
};

/* A rule of the manual that is in no walk, and why. */
struct uncovered {
	const char *rule, *why;
};

void rules_list(const struct rules *r);
void rules_valid(const struct rules *r);
void rules_names(const struct rules *r);
void rules_mutate(const struct rules *r, const struct mutation *rows,
		  unsigned int nr);
void rules_covered(const struct rules *r, const struct uncovered *un,
		   unsigned int nr);

#endif /* RULES_H */
