/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CHECK(), and this folder's tests. main.c runs them.
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

/* In the order in which main.c runs them. */
void test_cpuid_table_hides_what_guests_cannot_use(void);
void test_cpuid_table_without_xsave_has_no_avx(void);
void test_cpuid_table_obeys_the_host_kernel(void);
void test_cpuid_table_needs_room(void);
void test_cpuid_table_of_amd(void);
void test_cpuid_table_of_this_cpu(void);
void test_cpuid_find_as_linear_search(void);
void test_cpuid_find_out_of_range(void);
void test_cpuid_find_derives(void);
void test_cpuid_find_without_entries(void);
void test_cpuid_find_valid(void);
void test_cr0_values(void);
void test_cr3_values(void);
void test_xcr0_values(void);
void test_pdpte_values(void);
void test_pdpte_reloads(void);
void test_cr4_flushes(void);
void test_paging_together(void);
void test_canonical_addresses(void);
void test_clock_ratio_of_all_speeds(void);
void test_clock_scale_as_a_guest(void);
void test_clock_scale_saturates(void);
void test_clock_tsc_ratio(void);
void test_xarea_sizes(void);
void test_xarea_valid(void);
void test_xarea_copies_components(void);
void test_xarea_accepted_by_this_cpu(void);

#endif /* CPU_TESTS_H */
