/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test module that gives the emulated CPU the states of tests/unit/vmx and
 * svm, each with one rule broken, and says which of them it enters. run.sh
 * loads it and reads the kernel's log. Next: main.c.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include <linux/types.h>

struct op;

/* What became of a state. */
enum entry_result {
	ENTRY_REFUSED,
	ENTRY_ENTERED,
	ENTRY_ABSENT,	/* this CPU lacks what the state is about */
};

extern unsigned int entry_nr;

void entry_report(const char *what, int n, enum entry_result r, u64 code);
void entry_apply(void *state, const struct op *op, size_t seg, size_t seg_size,
		 int n);

int entry_vmx(void);
int entry_svm(void);

#endif /* ENTRY_H */
