/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which address-space id a vCPU runs under and when translations are flushed,
 * and what an exit means: the decisions of the backend, without the hardware.
 * Pure. Next: svm_tlb.c, svm_exit.c.
 */
#ifndef LODGE_SVM_DECIDE_H
#define LODGE_SVM_DECIDE_H

#include "../exit.h"
#include "svm_vmcb.h"

/* A CPU's address-space ids, handed out from the top down. */
struct svm_asids {
	u64 generation;
	u32 next;
};

/* What is known before an entry. */
struct svm_tlb_question {
	bool own;		/* nobody else uses the CPU's translations */
	bool first;		/* of this bracket */
	bool want_flush;	/* our own mappings changed */
	bool asid_fresh;	/* never used since the last flush of all */
	bool wrapped;		/* ids ran out: a new generation began */
	bool by_asid;		/* hardware can flush one id */
};

u8 svm_tlb_control(const struct svm_tlb_question *q);
bool svm_tlb_flush_after(bool own, bool found_on);
bool svm_tlb_refused(struct svm_asids *a, u8 tlb_control);
bool svm_asid_take(struct svm_asids *a, u32 nr_asids, u32 *asid);
void svm_decode(const struct svm_vmcb *vmcb, bool has_next_rip,
		bool has_assist, struct lodge_exit *exit);

#endif /* LODGE_SVM_DECIDE_H */
