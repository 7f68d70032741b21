// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests of this folder, or those whose name contains an argument.
 * Prints KTAP. Next: tests.h.
 */
#include "tests.h"

int test_failures;
const char *test_skip;

static const struct cpu_test tests[] = {
#define X(name) { #name, test_##name },
	CPU_TESTS(X)
#undef X
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
		test_failures = 0;
		test_skip = NULL;
		tests[i].run();
		printf("%s %u %s%s%s\n", test_failures ? "not ok" : "ok", ++nr,
		       tests[i].name, test_skip ? " # SKIP " : "",
		       test_skip ? test_skip : "");
		failed += !!test_failures;
	}
	return failed || !nr;
}
