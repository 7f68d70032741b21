// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests of the interrupt chips' logic. Each file holds the tests of
 * one chip. Next: pic_test.c.
 */
#include <string.h>

#include "tests.h"

int ktap_failures;

int main(void)
{
	const struct suite *suites[] = {
		&pic_suite, &ioapic_suite, &pit_suite, &lapic_suite,
		&match_suite, &race_suite,
	};
	static struct ktap_test all[256];
	int nr = 0;
	unsigned int i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		memcpy(all + nr, suites[i]->tests,
		       suites[i]->nr * sizeof(all[0]));
		nr += suites[i]->nr;
	}
	return ktap_run(all, nr);
}
