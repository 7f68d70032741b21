// SPDX-License-Identifier: GPL-2.0
/*
 * Failing memory: for each call that allocates, the first allocation fails,
 * then the second, and so on until the call goes through. Each time it has to
 * say ENOMEM, or do without; the same call must then be successful, the guest
 * run, and no descriptor be left over. What leaks is kmemleak's to find.
 *
 * Started by inside.sh on a kernel that can inject failures. Prints KTAP.
 *
 *	nomem DEVICE
 *	nomem --load FILE	the call is the loading of the module
 *
 * Read nomem_calls.c next, then nomem_load.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nomem.h"

#define NTH_MAX		2000

static const char *device;

/* --- the failures ---------------------------------------------------------- */

static int nth_fd;

void nth_set(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(nth_fd, text, len, 0) != len) {
		perror("# fail-nth");
		exit(1);
	}
}

/* Has it failed that often? And from now on nothing fails. */
bool nth_failed(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 0)
		exit(1);
	nth_set(0);
	return !atoi(text);
}

/* What fails: allocations of every kind, below the module alone if so wanted. */
static void set_attr(const char *what, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", what, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	close(fd);
}

/* Where the module lies; false: it is not there, and all is to fail. */
static bool module_range(char *from, char *to, size_t size)
{
	unsigned long long at = 0, length = 0;
	char line[256];
	FILE *f = fopen("/proc/modules", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "lodge %llu %*s %*s %*s %llx", &length, &at) == 2)
			break;
	if (f)
		fclose(f);
	snprintf(from, size, "0x%llx", at);
	snprintf(to, size, "0x%llx", at + length);
	return at;
}

static void set_up(bool loading)
{
	static const char * const what[] = { "failslab", "fail_page_alloc" };
	char from[32], to[32];
	bool there = module_range(from, to, sizeof(from));

	/* It will be somewhere in there, and nobody else is in this call. */
	if (loading) {
		strcpy(from, "0xffffffffc0000000");
		strcpy(to, "0xffffffffff000000");
		there = true;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(what); i++) {
		set_attr(what[i], "ignore-gfp-wait", "N");
		set_attr(what[i], "verbose", "0");
		if (!there)
			continue;
		set_attr(what[i], "stacktrace-depth", "32");
		set_attr(what[i], "require-start", from);
		set_attr(what[i], "require-end", to);
	}
	set_attr("fail_page_alloc", "min-order", "0");
	set_attr("fail_page_alloc", "ignore-gfp-highmem", "N");
	/* Copies from and to users are not meant: nothing's stack is there. */
	set_attr("fail_usercopy", "require-start", "1");
	set_attr("fail_usercopy", "require-end", "2");
	nth_fd = open("/proc/self/fail-nth", O_RDWR);
}

/* --- a step --------------------------------------------------------------- */

static int files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/*
 * With allocation @n failing: 1: it did, and all is well; 0: there are not so
 * many; -1: something is wrong.
 */
static int step_once(const struct step *s, int n)
{
	int r, err, before = files(), good = 1;
	bool failed;
	struct ctx c;

	if (!ctx_make(&c, device, s->bare)) {
		printf("# %s: no VM: %s\n", s->name, strerror(errno));
		return -1;
	}
	if (s->first)
		s->first(&c);
	nth_set(n);
	r = s->act(&c);
	err = errno;
	failed = nth_failed();
	if (r < 0 && (!failed || err != ENOMEM)) {
		printf("# %s, allocation %d: %s\n", s->name, n, strerror(err));
		good = -1;
	} else if (r < 0 && s->act(&c) < 0) {
		printf("# %s, after allocation %d: %s\n", s->name, n,
		       strerror(errno));
		good = -1;
	}
	if (step_keeps_memory(s) && c.vcpu >= 0 && s->act != act_run && act_run(&c)) {
		printf("# %s, guest after allocation %d: %s\n", s->name, n,
		       strerror(errno));
		good = -1;
	}
	ctx_drop(&c);
	if (files() != before) {
		printf("# %s, allocation %d: descriptors are left\n", s->name, n);
		good = -1;
	}
	return good < 0 ? -1 : failed;
}

/* The first, the second, ... until none fails; how many, -1: it is wrong. */
static int all_of(const struct step *s)
{
	int n, r;

	for (n = 1; n < NTH_MAX; n++) {
		r = step_once(s, n);
		if (r <= 0)
			return r < 0 ? r : n - 1;
	}
	printf("# there is no end to it\n");
	return -1;
}

int main(int argc, char **argv)
{
	const char *file = argc > 2 && !strcmp(argv[1], "--load") ? argv[2] : NULL;
	unsigned int i, nr = 0, sum = 0;
	bool good = true;

	device = argc > 1 ? argv[1] : "/dev/lodge";
	setlinebuf(stdout);
	if (access("/proc/self/fail-nth", W_OK)) {
		printf("KTAP version 1\n1..1\n"
		       "ok 1 hostile.nomem # SKIP this kernel does not fail\n");
		return 0;
	}
	set_up(file);
	if (file)
		return !load_all_fail(file, NTH_MAX);
	printf("KTAP version 1\n1..%u\n", steps_nr);
	for (i = 0; i < steps_nr; i++) {
		int n = all_of(&steps[i]);

		good &= n >= 0;
		sum += n > 0 ? n : 0;
		printf("%sok %u hostile.nomem.%s: %d failed\n",
		       n < 0 ? "not " : "", ++nr,
		       steps[i].name, n);
	}
	printf("# %u allocations failed\n", sum);
	return !good;
}
