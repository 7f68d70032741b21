/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hostile programs and hostile guests: what the files of this fuzzer share.
 *
 * A world is a process with a VM, some vCPUs, memory of all kinds, and threads
 * that do to them what a seed says. main.c makes worlds and sees them end;
 * calls.c knows all ioctls, args.c makes their arguments, place.c the memory,
 * guest.c what the vCPUs run. Read main.c next.
 */
#ifndef LODGE_TESTS_FUZZ_H
#define LODGE_TESTS_FUZZ_H

#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define VCPUS		4	/* of a world, at most */
#define THREADS		4
#define OTHERS		16	/* descriptors that are neither VM nor vCPU */
#define BUFFER		0x10000	/* a thread's own, for arguments */
#define CALLS_MAX	128	/* kinds of calls, at most */

/* A stream of numbers; the same seed, the same numbers. */
struct rng {
	uint64_t state;
};

uint64_t rnd(struct rng *r);
uint32_t below(struct rng *r, uint32_t n);	/* 0 to n - 1 */
bool one_in(struct rng *r, uint32_t n);
uint64_t odd(struct rng *r);	/* numbers at which checks go wrong */
void scribble(struct rng *r, void *at, size_t size);
#define pick(r, array)	((array)[below(r, ARRAY_SIZE(array))])

/*
 * Is this Bochs, with Intel's CPUs? QEMU, with AMD's, comes to its own end, or
 * the host's in it, in ways that are none of Lodge's (docs/TESTING.md): guests
 * are spared them there.
 */
bool bochs(void);

/*
 * One of these goes into a pipe for each call that a world has made. It is not
 * memory that worlds share: their guests write anywhere in their processes.
 */
struct tally {
	uint8_t call;		/* which one of calls.c, or TALLY_GUEST */
	bool good;
};

#define TALLY_GUEST	0xff

/* Kinds of memory that a user may have (place.c). */
enum place {
	PLACE_GUEST,		/* the guest's, of slot 0 */
	PLACE_PLAIN,
	PLACE_READONLY,
	PLACE_NONE,		/* PROT_NONE */
	PLACE_HOLE,		/* not mapped */
	PLACE_CUT,		/* of a file that has become shorter */
	PLACE_SHARED,
	PLACE_PRIVATE,		/* of a program, copied on write */
	PLACE_HUGE,
	PLACE_HELD,		/* by a userfaultfd that nobody answers */
	PLACE_RUN,		/* a vCPU's kvm_run */
	PLACES
};

#define GUEST_SIZE	0x200000u

struct world {
	uint64_t seed;
	int dev;
	int vm;
	int vcpu[VCPUS];
	struct kvm_run *run[VCPUS];
	int others[OTHERS];
	int file;		/* behind PLACE_SHARED and PLACE_CUT */
	uint8_t *place[PLACES];
	size_t size[PLACES];
	int tally;		/* the pipe's end that is written */
	bool guests;		/* it is about guests, not about ioctls */
	bool alone;		/* one thread: the same each time */
	uint32_t left;		/* calls, all threads together */
	uint32_t threads;	/* that have not ended */
	int tid[THREADS];
};

struct thread {
	struct world *world;
	struct rng rng;
	uint8_t *buffer;	/* BUFFER bytes, whose end is the mapping's */
	int index;
};

/* world.c: count a call */
void tally(const struct world *w, unsigned int call, bool good);

/* calls.c */
void call_any(struct thread *t);
int call_ioctl(struct thread *t, int fd, unsigned long cmd, void *arg);
const char *call_name(unsigned int i);	/* NULL: there are no more */

/* args.c: a structure of the kind the command wants, more or less */
void arg_make(struct thread *t, unsigned long cmd, int fd, uint8_t *at);

/* place.c */
void places_make(struct world *w, struct rng *r);
uint8_t *place_any(struct thread *t, uint8_t *mine, size_t size);
uint64_t place_address(struct thread *t);	/* for a slot */
void place_shake(struct thread *t);

/* guest.c */
void guest_memory(struct thread *t);
void guest_start(struct thread *t, unsigned int vcpu);
void guest_sregs(struct rng *r, struct kvm_sregs *s);
void guest_regs(struct rng *r, struct kvm_regs *regs);
void guest_run(struct thread *t, unsigned int vcpu);
void guest_thread(struct thread *t);

/* msrs.c: the number of an MSR, mostly one that exists */
uint32_t msr_any(struct rng *r);
uint64_t msr_value(struct rng *r, uint32_t msr);

#endif
