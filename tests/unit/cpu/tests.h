/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CHECK(), and the list of this folder's tests. main.c runs them.
 */
#ifndef CPU_TESTS_H
#define CPU_TESTS_H

#include <stdio.h>
#include "pure.h"

struct cpu_test {
	const char *name;
	void (*run)(void);
};

extern int test_failures;
extern const char *test_skip;	/* why this test can't be run here */

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		test_failures++;					\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
	}								\
} while (0)

#define CHECK_EQ(a, b) do {						\
	unsigned long long _x = (a), _y = (b);				\
	if (_x != _y) {							\
		test_failures++;					\
		printf("# %s:%d: %s is 0x%llx, not 0x%llx\n",		\
		       __FILE__, __LINE__, #a, _x, _y);			\
	}								\
} while (0)

/* The same numbers in each run: xorshift. */
static inline u64 test_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define CPU_TESTS(X)							\
	X(cpuid_table_hides_what_guests_cannot_use)			\
	X(cpuid_table_without_xsave_has_no_avx)				\
	X(cpuid_table_obeys_the_host_kernel)				\
	X(cpuid_table_needs_room)					\
	X(cpuid_table_of_amd)						\
	X(cpuid_table_of_this_cpu)					\
	X(cpuid_find_as_linear_search)					\
	X(cpuid_find_out_of_range)					\
	X(cpuid_find_derives)						\
	X(cpuid_find_without_entries)					\
	X(cpuid_find_valid)						\
	X(cr0_values)							\
	X(cr3_values)							\
	X(xcr0_values)							\
	X(pdpte_values)							\
	X(pdpte_reloads)						\
	X(cr4_flushes)							\
	X(paging_together)						\
	X(canonical_addresses)						\
	X(clock_ratio_of_all_speeds)					\
	X(clock_scale_as_a_guest)					\
	X(clock_scale_saturates)					\
	X(clock_tsc_ratio)						\
	X(xarea_sizes)							\
	X(xarea_valid)							\
	X(xarea_copies_components)					\
	X(xarea_accepted_by_this_cpu)

#define X(name) void test_##name(void);
CPU_TESTS(X)
#undef X

#endif /* CPU_TESTS_H */
