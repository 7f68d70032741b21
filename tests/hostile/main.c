// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer of ioctls and guests: makes one world after the other, lets each
 * run, and sees it end, by itself or by a signal that kills. Started by
 * inside.sh in an emulated host, whose log must stay clean. Prints KTAP.
 *
 *	fuzz [--guests] [--seconds N] [--calls N] [--seed N] [--first WORLD]
 *	     [--worlds N] [--device PATH] [--cgroup FOLDER]
 *
 * It ends after so many seconds, calls or worlds. A world is determined by the
 * seed and its number, but for what its threads do to each other; every fourth
 * has only one. --first N --worlds 1 makes world N again. Read world.c next.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

/* Seconds in which whoever is killed has to be gone; a slow machine, too. */
#define GONE	60

static struct options options = {
	.device = "/dev/lodge", .seconds = 20, .calls = ~0ull, .seed = 1,
	.worlds = ~0u,
};

/* What all worlds have done. */
static struct counts {
	uint64_t calls, guests;
	struct {
		uint64_t done, good;
	} call[CALLS_MAX];
} counts;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Until @pid has ended, at most so long; false: it has not. */
static bool wait_gone(pid_t pid, double seconds)
{
	double end = now() + seconds;
	struct timespec left;
	sigset_t set;
	double rest;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		rest = end - now();
		if (rest <= 0)
			return false;
		left.tv_sec = rest;
		left.tv_nsec = (rest - left.tv_sec) * 1e9;
		sigtimedwait(&set, NULL, &left);
	}
}

/*
 * Count what is in the pipe. A world's calls all fit in, so that nobody has to
 * wait for a reader; what would not is not counted.
 */
static void count(int pipe)
{
	struct tally list[512];
	ssize_t size;

	while ((size = read(pipe, list, sizeof(list))) > 0)
		for (size_t i = 0; i < size / sizeof(*list); i++) {
			if (list[i].call == TALLY_GUEST) {
				counts.guests++;
			} else if (list[i].call < CALLS_MAX) {
				counts.calls++;
				counts.call[list[i].call].done++;
				counts.call[list[i].call].good += list[i].good;
			}
		}
}

/* One world from its beginning to its end; -1: it can't be killed. */
static double world_one(uint32_t number, int tally)
{
	struct rng r = { options.seed * 1000003 + number };
	bool killed = one_in(&r, 3);
	double begun;
	pid_t pid;

	if (options.verbose)
		printf("# world %u\n", number);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		world_run(&options, number, &r, tally);
	}
	if (pid < 0)
		return -1;
	setpgid(pid, pid);
	if (wait_gone(pid, killed ? below(&r, WORLD_MS) / 1000.0 :
				    4 * WORLD_MS / 1000.0)) {
		kill(-pid, SIGKILL);	/* those that it has forked */
		return 0;
	}
	begun = now();
	kill(-pid, SIGKILL);
	return wait_gone(pid, GONE) ? now() - begun : -1;
}

static void tell(uint32_t worlds, double longest)
{
	printf("# %u worlds, %llu calls, %llu guests; killed ones were gone in %.3f s\n",
	       worlds, (unsigned long long)counts.calls,
	       (unsigned long long)counts.guests, longest);
}

/* Which calls have never been successful: is the grammar still right? */
static void tell_calls(void)
{
	const char *name;

	for (unsigned int i = 0; (name = call_name(i)); i++) {
		if (options.verbose)
			printf("# %s: %llu of %llu\n", name,
			       (unsigned long long)counts.call[i].good,
			       (unsigned long long)counts.call[i].done);
		else if (counts.call[i].done && !counts.call[i].good)
			printf("# never successful: %s\n", name);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "guests", 0, NULL, 'g' }, { "seconds", 1, NULL, 's' },
		{ "calls", 1, NULL, 'c' }, { "seed", 1, NULL, 'e' },
		{ "first", 1, NULL, 'f' }, { "worlds", 1, NULL, 'w' },
		{ "device", 1, NULL, 'd' }, { "cgroup", 1, NULL, 'm' },
		{ "verbose", 0, NULL, 'v' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'g':
			options.guests = true;
			break;
		case 's':
			options.seconds = atof(optarg);
			break;
		case 'c':
			options.calls = strtoull(optarg, NULL, 0);
			break;
		case 'e':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			options.first = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			options.worlds = strtoul(optarg, NULL, 0);
			break;
		case 'd':
			options.device = optarg;
			break;
		case 'm':
			options.cgroup = optarg;
			break;
		case 'v':
			options.verbose = true;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	const char *name = "ioctls";
	double end, longest = 0;
	uint32_t n = 0;
	sigset_t set;
	int tally[2];

	parse(argc, argv);
	if (options.guests)
		name = "guests";
	if (pipe2(tally, O_CLOEXEC | O_NONBLOCK)) {
		perror("pipe2");
		return 1;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("KTAP version 1\n1..2\n");
	end = now() + options.seconds;
	while (n < options.worlds && now() < end &&
	       counts.calls < options.calls) {
		double took = world_one(options.first + n, tally[1]);

		count(tally[0]);
		if (took < 0) {
			printf("# seed %llu, world %u\nnot ok 1 hostile.%s.ends\n",
			       (unsigned long long)options.seed,
			       options.first + n, name);
			return 1;
		}
		longest = took > longest ? took : longest;
		if (!(++n & 31))
			tell(n, longest);
	}
	tell(n, longest);
	tell_calls();
	printf("ok 1 hostile.%s.ends\n", name);
	printf("%sok 2 hostile.%s.works\n", counts.guests ? "" : "not ", name);
	return !counts.guests;
}
