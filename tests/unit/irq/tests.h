/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of tests, by file. Next: main.c. */
#ifndef TESTS_H
#define TESTS_H

#include "../ktap.h"

#define TEST(fn) { #fn, fn }

struct suite {
	const struct ktap_test *tests;
	int nr;
};

extern const struct suite pic_suite, ioapic_suite, pit_suite, lapic_suite,
			  match_suite, race_suite, timer_suite, ipi_suite,
			  wire_suite, tick_suite, virt_suite;

#define SUITE(name)							\
	const struct suite name##_suite = {				\
		name##_tests, sizeof(name##_tests) / sizeof(name##_tests[0]) }

#endif
