/* SPDX-License-Identifier: GPL-2.0 */
/* The calls that nomem.c lets fail, and what they work on; see nomem_calls.c. */
#ifndef LODGE_TESTS_NOMEM_H
#define LODGE_TESTS_NOMEM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What a call works on: made anew for each. */
struct ctx {
	int dev, vm, vcpu, event, event2;
	struct kvm_run *run;
	uint8_t *mem;
	void *buffer;
	int made;		/* descriptor that the call made, or -1 */
};

struct step {
	const char *name;
	int (*act)(struct ctx *c);	/* as ioctl() */
	bool bare;			/* without chips, vCPUs, memory */
	int (*first)(struct ctx *c);	/* what has to be done before */
};

extern const struct step steps[];
extern const unsigned int steps_nr;

/* @bare: a VM alone. False: it can't be had. */
bool ctx_make(struct ctx *c, const char *device, bool bare);
void ctx_drop(struct ctx *c);

/* Until the guest says that it is done; as ioctl(). */
int act_run(struct ctx *c);

/* nomem_apf.c: the guest touches a page that is not there yet. */
int apf_first(struct ctx *c);
int act_apf(struct ctx *c);

/* The Nth allocation from now on fails, 0: none. */
void nth_set(int n);
/* Has it come to that? From now on nothing fails. */
bool nth_failed(void);

/* The module is loaded with each of at most @max allocations failing; KTAP. */
bool load_all_fail(const char *file, int max);

/* Is the guest's memory where it was after this? */
bool step_keeps_memory(const struct step *s);

#endif
