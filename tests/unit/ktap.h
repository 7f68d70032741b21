/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The least a unit test needs: CHECK(), and KTAP for a table of tests.
 * Used by the tests of several folders beside it.
 */
#ifndef KTAP_H
#define KTAP_H

#include <stdio.h>

struct ktap_test {
	const char *name;
	void (*run)(void);
};

extern int ktap_failures;	/* in the file with main() */

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		ktap_failures++;					\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
	}								\
} while (0)

#define CHECK_EQ(a, b) do {						\
	unsigned long long _x = (a), _y = (b);				\
	if (_x != _y) {							\
		ktap_failures++;					\
		printf("# %s:%d: %s is 0x%llx, not 0x%llx\n",		\
		       __FILE__, __LINE__, #a, _x, _y);			\
	}								\
} while (0)

static inline int ktap_run(const struct ktap_test *tests, int nr)
{
	int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%d\n", nr);
	for (i = 0; i < nr; i++) {
		ktap_failures = 0;
		tests[i].run();
		printf("%s %d %s\n", ktap_failures ? "not ok" : "ok", i + 1,
		       tests[i].name);
		failed += !!ktap_failures;
	}
	return failed != 0;
}

#endif /* KTAP_H */
