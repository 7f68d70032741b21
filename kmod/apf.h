/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asynchronous page faults: what apf.c, which speaks with the guest, and
 * apf_worker.c, whose threads bring the pages in, have between them.
 */
#ifndef LODGE_APF_H
#define LODGE_APF_H

#include <linux/rcuwait.h>
#include "lodge.h"

struct lodge_apf_worker {
	struct lodge_vcpu *vcpu;	/* [c] */
	struct task_struct *task;	/* [c] */
	struct rcuwait wait;
	int state;		/* [a] release, acquire; busy: the worker's */
	bool kill;		/* [a] it is to give up */
	bool write;
	unsigned long hva;
	int err;		/* 0: it is there */
	gfn_t gfn;		/* [v] */
	u32 token;		/* [v] 0: nobody wants to hear of it */
};

struct lodge_apf_worker *lodge_apf_worker_get(struct lodge_vcpu *vcpu);
void lodge_apf_worker_start(struct lodge_apf_worker *w, gfn_t gfn,
			    unsigned long hva, bool write, u32 token);
struct lodge_apf_worker *lodge_apf_worker_done(struct lodge_vcpu *vcpu);
void lodge_apf_worker_free(struct lodge_apf_worker *w);
bool lodge_apf_under_way(struct lodge_vcpu *vcpu, gfn_t gfn);

#endif /* LODGE_APF_H */
