/* SPDX-License-Identifier: GPL-2.0 */
/* A world of the fuzzer's, from its beginning to its end; see world.c. */
#ifndef LODGE_TESTS_FUZZ_WORLD_H
#define LODGE_TESTS_FUZZ_WORLD_H

#include "fuzz.h"

#define WORLD_MS	3000	/* that it lasts, at most */

struct options {
	const char *device;
	const char *cgroup;	/* or NULL */
	double seconds;
	uint64_t calls, seed;
	uint32_t first, worlds;
	bool guests, verbose;
};

/**
 * world_run() - in a process of its own: be a world, and end
 * @o: what all worlds have in common
 * @number: which one it is
 * @r: determined by that
 * @tally: the pipe that a struct tally goes into for each call
 */
void world_run(const struct options *o, uint32_t number, struct rng *r,
	       int tally) __attribute__((noreturn));

#endif
