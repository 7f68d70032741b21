// SPDX-License-Identifier: GPL-2.0
/*
 * When translations are flushed, and which address-space id is used.
 *
 * Emulated CPUs flush at every entry, so a flush forgotten is never seen on
 * them: the decision is a function of values, with a test for each row.
 * Called by svm_run.c. Pure.
 */
#include "svm_decide.h"

/**
 * svm_tlb_control() - what to flush at an entry
 * @q: what is known
 *
 * In share mode another hypervisor may have run under any id since our last
 * bracket, so the first entry of each bracket flushes. In own mode ids are
 * ours, and only new mappings or a wrap of ids ask for it.
 * AMD manual: "TLB Flush", "Address Space Identifiers".
 *
 * Return: SVM_TLB_*.
 */
u8 svm_tlb_control(const struct svm_tlb_question *q)
{
	if (q->wrapped)
		return SVM_TLB_FLUSH_ALL;
	if (q->want_flush || (!q->own && q->first))
		return q->by_asid ? SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
	return SVM_TLB_KEEP;
}

/**
 * svm_tlb_flush_after() - must our translations go when the bracket ends?
 * @own: own mode
 * @found_on: SVM was on when the bracket began: another hypervisor is there
 *
 * The other hands out ids in turn and takes each for unused, ours too. When
 * it is not there, it flushes all ids by itself when it comes.
 */
bool svm_tlb_flush_after(bool own, bool found_on)
{
	return !own && found_on;
}

/**
 * svm_tlb_refused() - a refused VMRUN has flushed nothing: ask again
 * @a: the CPU's ids
 * @tlb_control: SVM_TLB_* that it asked for
 *
 * The guest's state is checked before the flush is made. What a wrap of ids
 * asked for is for all vCPUs of this CPU: the next that takes an id wraps.
 * AMD manual: "VMRUN".
 *
 * Return: is the vCPU's own flush still to be made?
 */
bool svm_tlb_refused(struct svm_asids *a, u8 tlb_control)
{
	if (tlb_control == SVM_TLB_FLUSH_ALL)
		a->next = 0;
	return tlb_control != SVM_TLB_KEEP;
}

/**
 * svm_asid_take() - take the next id of a CPU
 * @a: the CPU's ids
 * @nr_asids: how many the CPU has, 0 being the host's
 * @asid: the id taken
 *
 * Return: true if a new generation began: the entry must flush all.
 */
bool svm_asid_take(struct svm_asids *a, u32 nr_asids, u32 *asid)
{
	bool wrapped = !a->next;

	if (wrapped) {
		a->generation++;
		a->next = nr_asids - 1;
	}
	*asid = a->next--;
	return wrapped;
}
