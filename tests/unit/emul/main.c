// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's unit tests: runs the lists of the other files and reports
 * in KTAP. An argument runs only the tests whose name contains it.
 *
 * Next: native_test.c, vector_test.c, fault_test.c, replay_test.c.
 */
#include "ktap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct ktap_test *const lists[] = {
	length_tests, vector_tests, seg_tests, task_tests, fault_tests,
	replay_tests, quick_tests, native_tests,
};

#define LISTS	(sizeof(lists) / sizeof(lists[0]))

static const char *skipped;

void ktap_diag(const char *fmt, ...)
{
	va_list args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

bool ktap_skip(const char *why)
{
	skipped = why;
	return true;
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	unsigned int i, nr = 0, failed = 0;
	const struct ktap_test *t;

	for (i = 0; i < LISTS; i++)
		for (t = lists[i]; t->name; t++)
			nr += strstr(t->name, only) != NULL;
	printf("KTAP version 1\n1..%u\n", nr);
	nr = 0;
	for (i = 0; i < LISTS; i++) {
		for (t = lists[i]; t->name; t++) {
			bool ok;

			if (!strstr(t->name, only))
				continue;
			fflush(stdout);
			skipped = NULL;
			ok = t->run();
			failed += !ok;
			printf("%sok %u %s%s%s\n", ok ? "" : "not ", ++nr,
			       t->name, skipped ? " # SKIP " : "",
			       skipped ? skipped : "");
		}
	}
	return failed != 0;
}
