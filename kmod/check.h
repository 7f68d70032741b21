/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules of a manual for the state that hardware enters a guest with. When it
 * has refused one, the backend walks them and names the first that is broken.
 * Pure. Next: svm/svm_check.c, vmx/vmx_check.c.
 */
#ifndef LODGE_CHECK_H
#define LODGE_CHECK_H

#include "pure.h"

struct lodge_check {
	const char *section;	/* title in the manual, set by the walk */
	u32 nr;			/* rules looked at so far */
	/* To list the rules, and to find all that are broken: */
	u32 from;		/* rules before this one are not looked at */
	u32 stop;		/* this one is taken for broken */
	/* Of the rule that is broken: */
	const char *id;
	const char *field;
	u64 value;
	const char *rule;	/* in words */
	bool no_value;		/* an address of the host's is not the user's */
};

bool lodge_check_rule(struct lodge_check *c, const char *id, const char *field,
		      u64 value, bool ok, const char *rule);
int lodge_check_text(const struct lodge_check *c, char *text, size_t size);

/* Each byte a memory type: 0, 1, 4, 5, 6 or 7. */
static inline bool lodge_check_pat(u64 pat)
{
	u64 low = pat & 0x0202020202020202ULL;

	return !(pat & 0xf8f8f8f8f8f8f8f8ULL) && !(low & ~(pat >> 1));
}

#endif /* LODGE_CHECK_H */
