// SPDX-License-Identifier: GPL-2.0
/*
 * Failing memory while the module is loaded: the first of its allocations
 * fails, then the second, and so on until it is loaded nonetheless. Each time
 * it has to be ENOMEM, and nothing be left: neither the module, nor its device,
 * nor a CPU that is held. For the latter there is mode=own, which is refused if
 * anyone holds one. Called by nomem.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nomem.h"

static int load(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), r, err;

	r = syscall(SYS_finit_module, fd, "mode=own", 0);
	err = errno;
	close(fd);
	errno = err;
	return r;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "lodge", O_NONBLOCK);
}

static bool is_there(void)
{
	char line[256];
	FILE *f = fopen("/proc/modules", "r");
	bool there = false;

	while (f && fgets(line, sizeof(line), f))
		there |= !strncmp(line, "lodge ", 6);
	if (f)
		fclose(f);
	return there || !access("/dev/lodge", F_OK);
}

static int wrong(int n, const char *what)
{
	printf("# allocation %d: %s: %s\n", n, what, strerror(errno));
	return -1;
}

/* As step_once(): 1: it failed, and all is well; 0: there are not so many. */
static int load_once(const char *file, int n)
{
	bool failed;
	int r, err;

	nth_set(n);
	r = load(file);
	err = errno;
	failed = nth_failed();
	errno = err;
	if (r && (!failed || err != ENOMEM))
		return wrong(n, "load");
	if (r && is_there())
		return wrong(n, "it is there");
	/* Some it does without: it is loaded, and has to be whole. */
	if (r && load(file))
		return wrong(n, "load after that");
	if (unload() || is_there())
		return wrong(n, "unload");
	return failed;
}

bool load_all_fail(const char *file, int max)
{
	int n, r = 1;

	for (n = 1; n < max && r > 0; n++)
		r = load_once(file, n);
	printf("KTAP version 1\n1..1\n%sok 1 hostile.nomem.load: %d failed\n",
	       r ? "not " : "", n - 2);
	return !r;
}
