/* SPDX-License-Identifier: GPL-2.0 */
/*
 * This folder's tests. main.c runs them.
 */
#ifndef CPU_TESTS_H
#define CPU_TESTS_H

#include "../ktap.h"
#include "pure.h"

struct cpu_test {
	const char *name;
	void (*run)(void);
};

extern const char *test_skip;	/* why this test can't be run here */

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
