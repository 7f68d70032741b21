// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's two-dimensional page tables: what takes translations away. Called
 * by memslot.c and the MMU notifier (mmu.c). tdp_fault.c puts them in.
 *
 * No reference to a host page is kept after it is mapped: what keeps a
 * translation true is that the notifier takes it away, and that all vCPUs have
 * left the guest with the old one, before the host gives the page to others.
 * Interrupts may be on or off with tdp.lock held (no interrupt handler takes
 * it); nothing sleeps, allocates or waits for another CPU under it.
 * Next: tdp_fault.c, tdp_table.c, mmu.c.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "lodge.h"

#define TDP_STEPS	16	/* pieces of 512 entries in one hold of the lock */

bool lodge_check_tlb;
module_param_named(check_tlb, lodge_check_tlb, bool, 0644);
MODULE_PARM_DESC(check_tlb,
		 "Check before each entry that no stale translation is left");

/**
 * lodge_tdp_init() - make empty page tables for a VM
 * @vm: under creation
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_tdp_init(struct lodge_vm *vm)
{
	const struct lodge_tdp_format *f = lodge_ops->tdp_format;
	struct lodge_tdp *tdp = &vm->tdp;
	struct lodge_pt *pt = &tdp->pt;

	raw_spin_lock_init(&tdp->lock);
	pt->format = f;
	pt->direct = PAGE_OFFSET;
	pt->crypt = lodge_host_crypt_bit();
	pt->levels = f->host_depth ? lodge_host_levels() : 4;
	pt->root = lodge_page_alloc();
	if (!pt->root)
		return -ENOMEM;
	pt->tables = 1;
	tdp->root = lodge_pt_hpa(pt, pt->root) | pt->crypt;
	return 0;
}

static void tdp_free(struct lodge_tdp *tdp, struct lodge_pt_freed *freed)
{
	u64 *table;

	while ((table = lodge_pt_freed_pop(&tdp->pt, freed)))
		lodge_page_free(table);
}

/**
 * lodge_tdp_destroy() - free the page tables
 * @vm: no vCPU left, notifier unregistered; also after a failed init
 */
void lodge_tdp_destroy(struct lodge_vm *vm)
{
	struct lodge_pt_freed freed = {};

	if (!vm->tdp.pt.root)
		return;
	lodge_tdp_zap(vm, 0, LODGE_TDP_GFN_END, true, &freed);
	tdp_free(&vm->tdp, &freed);
	WARN_ON_ONCE(vm->tdp.pt.tables != 1);
	lodge_page_free(vm->tdp.pt.root);
	vm->tdp.pt.root = NULL;
}

/**
 * lodge_tdp_vcpu_init() - a new vCPU
 * @vcpu: under creation
 */
void lodge_tdp_vcpu_init(struct lodge_vcpu *vcpu)
{
	vcpu->tdp.flush_cpu = -1;
}

/**
 * lodge_tdp_vcpu_free() - free what the vCPU holds
 * @vcpu: does not run any more
 */
void lodge_tdp_vcpu_free(struct lodge_vcpu *vcpu)
{
	struct lodge_pt_cache *c = &vcpu->tdp.cache;

	while (c->nr)
		lodge_page_free(c->table[--c->nr]);
}

/**
 * lodge_tdp_change_begin() - hold back faults on a range of user addresses
 * @vm: VM
 * @start: first byte
 * @end: byte after it
 *
 * Context: any; each call is followed by one of lodge_tdp_change_end().
 */
void lodge_tdp_change_begin(struct lodge_vm *vm, unsigned long start,
			    unsigned long end)
{
	struct lodge_tdp *tdp = &vm->tdp;

	raw_spin_lock(&tdp->lock);
	if (!tdp->changing++) {
		tdp->change_start = start;
		tdp->change_end = end;
	} else {
		tdp->change_start = min(tdp->change_start, start);
		tdp->change_end = max(tdp->change_end, end);
	}
	raw_spin_unlock(&tdp->lock);
}

/**
 * lodge_tdp_change_end() - let faults go on, those under way start again
 * @vm: VM
 */
void lodge_tdp_change_end(struct lodge_vm *vm)
{
	struct lodge_tdp *tdp = &vm->tdp;
	u32 i, nr;

	raw_spin_lock(&tdp->lock);
	/* After the slots that a change put in place: see tdp_fault.c. */
	smp_store_release(&tdp->seq, tdp->seq + 1);
	WRITE_ONCE(tdp->changing, tdp->changing - 1);
	raw_spin_unlock(&tdp->lock);

	/* With the one in set_current_state() of tdp_wait(). */
	smp_mb();
	if (likely(!atomic_read(&tdp->waiters)))
		return;
	nr = smp_load_acquire(&vm->nr_vcpus);	/* vcpu[] up to there is set */
	for (i = 0; i < nr; i++)
		rcuwait_wake_up(&vm->vcpu[i]->wait);
}

/*
 * Another may have taken translations of the same range away, and be about to
 * flush: who finds nothing must not say that nothing is left.
 */
static bool tdp_unflushed(struct lodge_tdp *tdp)
{
	bool unflushed;

	raw_spin_lock(&tdp->lock);
	unflushed = tdp->flushed_gen != tdp->zap_gen;
	raw_spin_unlock(&tdp->lock);
	return unflushed;
}

/**
 * lodge_tdp_zap() - take away the translations of a range
 * @vm: VM
 * @gfn: first frame
 * @end: frame after the last
 * @may_sleep: give way to others between pieces
 * @freed: tables that fell out, for lodge_tdp_flush()
 *
 * Context: any, without @may_sleep.
 * Return: whether a flush is due.
 */
bool lodge_tdp_zap(struct lodge_vm *vm, gfn_t gfn, gfn_t end, bool may_sleep,
		   struct lodge_pt_freed *freed)
{
	struct lodge_tdp *tdp = &vm->tdp;
	bool any = false;
	int n;

	while (gfn < end) {
		raw_spin_lock(&tdp->lock);
		for (n = 0; n < TDP_STEPS && gfn < end; n++)
			any |= lodge_pt_zap_step(&tdp->pt, &gfn, end, freed);
		any |= freed->nr > 0;
		if (any)
			WRITE_ONCE(tdp->zap_gen, tdp->zap_gen + 1);
		raw_spin_unlock(&tdp->lock);
		if (may_sleep)
			cond_resched();
	}
	return any || tdp_unflushed(tdp);
}

/**
 * lodge_tdp_flush() - no vCPU is in the guest with old translations after this
 * @vm: VM
 * @freed: tables to free then
 *
 * Context: interrupts on, tdp.lock not held.
 */
void lodge_tdp_flush(struct lodge_vm *vm, struct lodge_pt_freed *freed)
{
	struct lodge_tdp *tdp = &vm->tdp;
	u64 gen = READ_ONCE(tdp->zap_gen);

	lodge_vm_request(vm, LODGE_REQ_TLB_FLUSH, true);
	raw_spin_lock(&tdp->lock);
	WRITE_ONCE(tdp->flushed_gen, max(tdp->flushed_gen, gen));
	tdp->flushes++;
	raw_spin_unlock(&tdp->lock);
	tdp_free(tdp, freed);
}

/**
 * lodge_tdp_zap_slot() - take away all translations of a slot, and flush
 * @vm: VM, its slots_lock held, between change_begin() and change_end()
 * @slot: slot
 */
void lodge_tdp_zap_slot(struct lodge_vm *vm, const struct lodge_slot *slot)
{
	struct lodge_pt_freed freed = {};

	if (lodge_tdp_zap(vm, slot->base, slot->base + slot->pages, true, &freed))
		lodge_tdp_flush(vm, &freed);
}

/**
 * lodge_tdp_zap_apic() - no vCPU finds the hardware's APIC page after this
 * @vm: VM
 *
 * Context: as lodge_tdp_flush().
 */
void lodge_tdp_zap_apic(struct lodge_vm *vm)
{
	gfn_t gfn = LODGE_APIC_BASE >> PAGE_SHIFT;
	struct lodge_pt_freed freed = {};

	if (lodge_tdp_zap(vm, gfn, gfn + 1, true, &freed))
		lodge_tdp_flush(vm, &freed);
}

/**
 * lodge_tdp_young() - has the guest accessed a range?
 * @vm: VM
 * @gfn: first frame
 * @end: frame after the last
 * @clear: forget it
 *
 * TLBs are not flushed: an access that hits there goes unseen, which makes a
 * page look older than it is and does no harm.
 *
 * Context: any.
 */
bool lodge_tdp_young(struct lodge_vm *vm, gfn_t gfn, gfn_t end, bool clear)
{
	struct lodge_tdp *tdp = &vm->tdp;
	bool young = false;
	int n;

	while (gfn < end) {
		raw_spin_lock(&tdp->lock);
		for (n = 0; n < TDP_STEPS && gfn < end; n++)
			young |= lodge_pt_young_step(&tdp->pt, &gfn, end, clear);
		raw_spin_unlock(&tdp->lock);
		if (young && !clear)
			break;
	}
	return young;
}

/**
 * lodge_tdp_log_clear() - clear bits of the dirty log, to see new writes
 * @vm: VM, its slots_lock held
 * @slot: slot with a log
 * @word: first word of the log
 * @mask: which, and after it those that were set
 * @words: how many, a lock hold's worth (16 is 1024 pages)
 *
 * A bit and the right to write its page, or its dirty flag where the CPU keeps
 * a log, change together under the lock, so that no write after the flush that
 * the caller owes goes unseen. It is due for each bit that was set, whatever the
 * entry says now: a TLB may still have what the entry has lost since.
 *
 * Return: whether a flush is due.
 */
bool lodge_tdp_log_clear(struct lodge_vm *vm, const struct lodge_slot *slot,
			 u64 word, unsigned long *mask, unsigned int words)
{
	bool (*again)(struct lodge_pt *pt, gfn_t gfn) =
		lodge_caps.dirty_log ? lodge_pt_clean : lodge_pt_protect;
	struct lodge_tdp *tdp = &vm->tdp;
	unsigned int i, bit;
	bool any = false;

	raw_spin_lock(&tdp->lock);
	for (i = 0; i < words; i++) {
		atomic_long_t *w = (atomic_long_t *)&slot->dirty[word + i];

		mask[i] &= atomic_long_read(w);
		if (mask[i])
			mask[i] &= atomic_long_fetch_andnot(mask[i], w);
		any |= mask[i] != 0;
		for_each_set_bit(bit, &mask[i], BITS_PER_LONG)
			again(&tdp->pt, slot->base +
			      (word + i) * BITS_PER_LONG + bit);
	}
	if (any)
		WRITE_ONCE(tdp->zap_gen, tdp->zap_gen + 1);
	raw_spin_unlock(&tdp->lock);
	return any;
}

/**
 * lodge_tdp_logged() - the CPU's log of pages that have become dirty
 * @vcpu: that wrote to them
 * @gpa: guest physical addresses
 * @nr: how many
 *
 * Context: the bracket.
 */
void lodge_tdp_logged(struct lodge_vcpu *vcpu, const u64 *gpa, u32 nr)
{
	struct lodge_vm *vm = vcpu->vm;
	const struct lodge_slot *slot;
	int idx = srcu_read_lock(&vm->srcu);

	for (; nr; nr--, gpa++) {
		slot = lodge_slot_find(vm, *gpa >> PAGE_SHIFT);
		if (slot)
			lodge_slot_mark_dirty(vm, slot, *gpa >> PAGE_SHIFT);
	}
	srcu_read_unlock(&vm->srcu, idx);
}

/**
 * lodge_tdp_flushed() - this CPU's translations of the vCPU go at this entry
 * @vcpu: about to be entered
 *
 * To be called by the backend where it orders the flush from the hardware, or
 * takes a fresh address-space id. With check_tlb=1 entries are held to it.
 *
 * Context: interrupts off.
 */
void lodge_tdp_flushed(struct lodge_vcpu *vcpu)
{
	vcpu->tdp.flush_gen = READ_ONCE(vcpu->vm->tdp.zap_gen);
	vcpu->tdp.flush_cpu = smp_processor_id();
}

/**
 * lodge_tdp_check_entry() - assert that the TLB holds nothing stale
 * @vcpu: about to be entered, vcpu->mode is LODGE_INSIDE, requests were seen,
 *	the backend has decided on flushes
 *
 * Emulated hosts flush at each entry, so that a missing flush is never felt
 * there. With parameter check_tlb=1 it is found out: each time rights are
 * taken away a generation passes; when all vCPUs have been told, none may be
 * entered that has not flushed since, or whose last flush was on another CPU.
 *
 * Context: interrupts off.
 * Return: false: a broken invariant, the VM is dead.
 */
bool lodge_tdp_check_entry(struct lodge_vcpu *vcpu)
{
	struct lodge_tdp *tdp = &vcpu->vm->tdp;
	bool stale;

	if (!READ_ONCE(lodge_check_tlb))
		return true;
	stale = vcpu->tdp.flush_gen < READ_ONCE(tdp->flushed_gen) ||
		vcpu->tdp.flush_cpu != smp_processor_id();
	return !LODGE_BUG_ON(stale, vcpu->vm);
}
