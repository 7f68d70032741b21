/* SPDX-License-Identifier: GPL-2.0 */
/* Results as KTAP, for all tests of this folder. Next: main.c. */
#ifndef KTAP_H
#define KTAP_H

#include <stdbool.h>

/* A test in the list of main.c; it says what is wrong by ktap_diag(). */
struct ktap_test {
	const char *name;
	bool (*run)(void);		/* NULL in the last one */
};

/* A line of explanation under the result to come. */
void ktap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What a test returns when this machine can't run it. */
bool ktap_skip(const char *why);

/* The lists, by file. */
extern const struct ktap_test native_tests[];
extern const struct ktap_test length_tests[];
extern const struct ktap_test vector_tests[];
extern const struct ktap_test seg_tests[];
extern const struct ktap_test task_tests[];
extern const struct ktap_test fault_tests[];
extern const struct ktap_test quick_tests[];
extern const struct ktap_test replay_tests[];

#endif
