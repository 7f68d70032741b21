/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mutations of valid states, each of which is to break one rule: what
 * check_test.c runs and check_rows.c lists. On the emulated CPU ../../entry
 * runs them.
 */
#ifndef CHECK_ROWS_H
#define CHECK_ROWS_H

#include "svm/svm_check.h"

struct svm_state {
	struct svm_vmcb vmcb;
	struct svm_cpu_facts cpu;
};

/* Valid states to start from: struct mutation.base */
enum base { LONG, REAL, PROT, BASES };

#define STATE	struct svm_state
#include "rules.h"

void svm_base(struct svm_state *s, enum base base);

extern const struct mutation svm_rows[];
extern const unsigned int nr_svm_rows;

#endif /* CHECK_ROWS_H */
