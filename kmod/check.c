// SPDX-License-Identifier: GPL-2.0
/*
 * Rules for the state that hardware enters a guest with: what the checkers of
 * both backends have in common. Pure. Next: svm/svm_check.c, vmx/vmx_check.c.
 */
#ifndef __KERNEL__
#include <stdio.h>
#endif

#include "check.h"

/**
 * lodge_check_rule() - one rule
 * @c: walk, with the section that the rule is from
 * @id: of the rule; with @field, found once in a walk
 * @field: that the rule is about
 * @value: of the field
 * @ok: the rule holds
 * @rule: in words
 *
 * Return: true: it does not hold, and this is noted: the walk ends.
 */
bool lodge_check_rule(struct lodge_check *c, const char *id, const char *field,
		      u64 value, bool ok, const char *rule)
{
	c->nr++;
	if (c->nr != c->stop && (ok || c->nr < c->from))
		return false;
	c->id = id;
	c->field = field;
	c->value = value;
	c->rule = rule;
	return true;
}

/**
 * lodge_check_text() - the rule that is broken, as a sentence
 * @c: walk that has found one
 * @text: where to
 * @size: of it
 *
 * Return: length, as snprintf().
 */
int lodge_check_text(const struct lodge_check *c, char *text, size_t size)
{
	if (c->no_value)
		return snprintf(text, size, "%s: %s (%s; \"%s\")", c->field,
				c->rule, c->id, c->section);
	return snprintf(text, size, "%s is 0x%llx: %s (%s; \"%s\")", c->field,
			c->value, c->rule, c->id, c->section);
}
