// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests of this folder, or those whose name contains an argument.
 * Prints KTAP. Next: tests.h.
 */
#include "tests.h"

int ktap_failures;
const char *test_skip;

#define TEST(name) { #name, test_##name }

static const struct cpu_test tests[] = {
	TEST(cpuid_table_hides_what_guests_cannot_use),
	TEST(cpuid_table_without_xsave_has_no_avx),
	TEST(cpuid_table_obeys_the_host_kernel),
	TEST(cpuid_table_needs_room),
	TEST(cpuid_table_of_amd),
	TEST(cpuid_table_of_this_cpu),
	TEST(cpuid_find_as_linear_search),
	TEST(cpuid_find_out_of_range),
	TEST(cpuid_find_derives),
	TEST(cpuid_find_without_entries),
	TEST(cpuid_find_valid),
	TEST(cr0_values),
	TEST(cr3_values),
	TEST(xcr0_values),
	TEST(pdpte_values),
	TEST(pdpte_reloads),
	TEST(cr4_flushes),
	TEST(paging_together),
	TEST(canonical_addresses),
	TEST(clock_ratio_of_all_speeds),
	TEST(clock_scale_as_a_guest),
	TEST(clock_scale_saturates),
	TEST(clock_tsc_ratio),
	TEST(xarea_sizes),
	TEST(xarea_valid),
	TEST(xarea_copies_components),
	TEST(xarea_accepted_by_this_cpu),
};

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	unsigned int i, nr = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		nr += !!strstr(tests[i].name, only);
	printf("KTAP version 1\n1..%u\n", nr);
	nr = 0;
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!strstr(tests[i].name, only))
			continue;
		ktap_failures = 0;
		test_skip = NULL;
		tests[i].run();
		printf("%s %u %s%s%s\n", ktap_failures ? "not ok" : "ok", ++nr,
		       tests[i].name, test_skip ? " # SKIP " : "",
		       test_skip ? test_skip : "");
		failed += !!ktap_failures;
	}
	return failed || !nr;
}
