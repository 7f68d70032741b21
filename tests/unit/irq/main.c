// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests of the interrupt chips' logic. Each file holds the tests of
 * one chip. Next: pic_test.c.
 */
#include <string.h>

#include "tests.h"

int ktap_failures;
void (*shim_step)(void);

/* Two programs: the chips alone, and (MACHINE) with what is around them. */
int main(void)
{
	const struct suite *suites[] = {
#ifdef MACHINE
		&timer_suite, &ipi_suite, &wire_suite, &tick_suite,
		&virt_suite,
#else
		&pic_suite, &ioapic_suite, &pit_suite, &lapic_suite,
		&match_suite, &race_suite,
#endif
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
