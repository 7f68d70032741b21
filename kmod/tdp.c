// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's two-dimensional page tables: faults fill them, page by page;
 * memslot.c and the MMU notifier (mmu.c) empty them.
 *
 * No reference to a host page is kept after it is mapped: what keeps a
 * translation true is that the notifier takes it away, and that all vCPUs have
 * left the guest with the old one, before the host gives the page to others.
 * Interrupts may be on or off with tdp.lock held (no interrupt handler takes
 * it); nothing sleeps, allocates or waits for another CPU under it.
 * Called by exit.c, memslot.c, mmu.c. Next: tdp_table.c, mmu.c.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "lodge.h"

#define TDP_STEPS	16	/* pieces of 512 entries in one hold of the lock */
#define TDP_GFN_END	(1ULL << 40)	/* behind all that slots can hold */

static bool check_tlb;
module_param(check_tlb, bool, 0644);
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
	pt->root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
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
		free_page((unsigned long)table);
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
	lodge_tdp_zap(vm, 0, TDP_GFN_END, true, &freed);
	tdp_free(&vm->tdp, &freed);
	WARN_ON_ONCE(vm->tdp.pt.tables != 1);
	free_page((unsigned long)vm->tdp.pt.root);
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
		free_page((unsigned long)c->table[--c->nr]);
}

static int tdp_cache_fill(struct lodge_pt_cache *c)
{
	while (c->nr < LODGE_PT_CACHE) {
		u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		if (!table)
			return -ENOMEM;
		c->table[c->nr++] = table;
	}
	return 0;
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

	raw_spin_lock(&tdp->lock);
	WRITE_ONCE(tdp->seq, tdp->seq + 1);
	tdp->changing--;
	raw_spin_unlock(&tdp->lock);
}

/* Has what a fault found out before it took the lock become untrue? */
static bool tdp_stale(const struct lodge_tdp *tdp, unsigned long seq,
		      unsigned long start, unsigned long end)
{
	if (tdp->seq != seq)
		return true;
	return tdp->changing && start < tdp->change_end &&
	       end > tdp->change_start;
}

/* The largest leaf that host page, slot and hardware allow. */
static int tdp_level(struct lodge_tdp *tdp, const struct lodge_slot *slot,
		     gfn_t gfn, const struct lodge_host_page *p)
{
	u64 host = lodge_slot_hva(slot, gfn) >> PAGE_SHIFT;
	int level = min_t(int, p->level, lodge_caps.tdp_max_level);

	if (slot->dirty)
		return 1;
	for (; level > 1; level--) {
		u64 mask = lodge_pt_pages(level) - 1;

		if (!((gfn ^ host) & mask) && !((gfn ^ p->pfn) & mask) &&
		    (gfn & ~mask) >= slot->base &&
		    (gfn | mask) < slot->base + slot->pages &&
		    lodge_pt_level_fits(&tdp->pt, gfn, level))
			break;
	}
	return level;
}

struct tdp_try {
	const struct lodge_slot *slot;
	unsigned long seq;
	gfn_t gfn;
	bool write;
	bool atomic;
};

/* Put in the leaf. -EEXIST: something else is there. tdp.lock held. */
static int tdp_map_locked(struct lodge_vcpu *vcpu, const struct tdp_try *t,
			  struct lodge_host_page *p)
{
	struct lodge_tdp *tdp = &vcpu->vm->tdp;
	const struct lodge_slot *slot = t->slot;
	unsigned long hva = lodge_slot_hva(slot, t->gfn);
	int level, err;
	hpa_t hpa;
	bool write;
	u64 size;

	lockdep_assert_held(&tdp->lock);
	if (tdp->released)
		return -EIO;
	level = tdp_level(tdp, slot, t->gfn, p);
	size = lodge_pt_pages(level) << PAGE_SHIFT;
	hva &= ~(size - 1);
	if (tdp_stale(tdp, t->seq, hva, hva + size))
		return LODGE_TDP_MAPPED;	/* the guest faults again */

	/* While writes are logged, none but a write may map it writable. */
	write = p->writable && !(slot->flags & LODGE_SLOT_READONLY) &&
		(t->write || !slot->dirty);
	hpa = (p->pfn << PAGE_SHIFT) & ~(size - 1);
	if (p->page)
		hpa |= tdp->pt.crypt;
	err = lodge_pt_map(&tdp->pt, t->gfn, level,
			   tdp->pt.format->leaf(hpa, level, write, true,
						p->uncached),
			   &vcpu->tdp.cache);
	if (err)
		return err;
	if (write) {
		lodge_host_page_dirty(p);
		lodge_slot_mark_dirty(slot, t->gfn);
	}
	return LODGE_TDP_MAPPED;
}

/*
 * A leaf is in the way: the page had a larger one, or another host page that
 * the notifier should have taken away. Make room, for the next try.
 */
static int tdp_make_room(struct lodge_vcpu *vcpu, const struct tdp_try *t)
{
	struct lodge_tdp *tdp = &vcpu->vm->tdp;
	struct lodge_pt_freed freed = {};
	u64 e;
	int l;

	raw_spin_lock(&tdp->lock);
	e = *lodge_pt_lookup(&tdp->pt, t->gfn, &l);
	raw_spin_unlock(&tdp->lock);
	if (l > 1 && tdp->pt.format->present(e) &&
	    (!t->write || tdp->pt.format->writable(e)))
		return LODGE_TDP_MAPPED;
	if (t->atomic)
		return -EAGAIN;
	if (lodge_tdp_zap(vcpu->vm, t->gfn, t->gfn + 1, true, &freed))
		lodge_tdp_flush(vcpu->vm, &freed);
	return LODGE_TDP_MAPPED;
}

/* With srcu held again: the seq tells whether t->slot is still what it was. */
static int tdp_map(struct lodge_vcpu *vcpu, const struct tdp_try *t,
		   struct lodge_host_page *p)
{
	struct lodge_tdp *tdp = &vcpu->vm->tdp;
	int ret;

	raw_spin_lock(&tdp->lock);
	ret = tdp_map_locked(vcpu, t, p);
	raw_spin_unlock(&tdp->lock);
	if (ret == -EEXIST)
		return tdp_make_room(vcpu, t);
	/* The cache was full when it could be; in the bracket go and fill it. */
	if (ret == -ENOMEM)
		return t->atomic ? -EAGAIN : LODGE_TDP_MAPPED;
	return ret;
}

static int tdp_fault(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access, bool atomic)
{
	struct lodge_vm *vm = vcpu->vm;
	struct tdp_try t = {
		.gfn = gpa >> PAGE_SHIFT,
		.write = access & LODGE_TDP_WRITE,
		.atomic = atomic,
	};
	const struct lodge_slot *slot;
	struct lodge_slot copy;
	struct lodge_host_page p;
	int idx, ret;

	if (!atomic) {
		ret = tdp_cache_fill(&vcpu->tdp.cache);
		if (ret)
			return ret;
	}
	/* Before the slots: they change before seq does. */
	t.seq = smp_load_acquire(&vm->tdp.seq);
	idx = srcu_read_lock(&vm->srcu);
	slot = lodge_slot_find(vm, t.gfn);
	if (slot)
		copy = *slot;
	srcu_read_unlock(&vm->srcu, idx);
	if (!slot || (t.write && (copy.flags & LODGE_SLOT_READONLY)))
		return LODGE_TDP_MMIO;

	/* This may wait for long, as for userfaultfd: hold nothing. */
	ret = lodge_host_page_get(lodge_slot_hva(&copy, t.gfn), t.write, atomic,
				  &p);
	if (ret == -EAGAIN && !atomic)
		return LODGE_TDP_MAPPED;
	if (ret)
		return ret;
	t.slot = &copy;
	idx = srcu_read_lock(&vm->srcu);
	ret = tdp_map(vcpu, &t, &p);
	srcu_read_unlock(&vm->srcu, idx);
	lodge_host_page_put(&p);
	return ret;
}

/**
 * lodge_tdp_fault() - the guest touched memory that is not mapped so
 * @vcpu: its mutex held, not in the bracket
 * @gpa: guest physical address
 * @access: LODGE_TDP_*
 *
 * Return: enum lodge_tdp_result (MAPPED also where another try is due); -EINTR:
 * a signal; -EFAULT, -EHWPOISON: no page behind the user address; -ENOMEM;
 * -EIO: the process is gone.
 */
int lodge_tdp_fault(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access)
{
	might_sleep();
	return tdp_fault(vcpu, gpa, access, false);
}

/**
 * lodge_tdp_fault_atomic() - the same, in the bracket
 * @vcpu: its mutex held
 * @gpa: guest physical address
 * @access: LODGE_TDP_*
 *
 * Return: as lodge_tdp_fault(), and -EAGAIN: it takes sleeping.
 */
int lodge_tdp_fault_atomic(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access)
{
	int ret = tdp_fault(vcpu, gpa, access, true);

	/* What failed here is told by the one that may sleep. */
	return ret < 0 ? -EAGAIN : ret;
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
	return any;
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
 * lodge_tdp_log_collect() - take bits of the dirty log and write-protect
 * @vm: VM, its slots_lock held
 * @slot: slot with a log
 * @word: first word of the log
 * @out: where they go
 * @words: how many, a lock hold's worth (16 is 1024 pages)
 *
 * A bit and the right to write its page change together under the lock, so
 * that no write after the flush that the caller owes goes unseen.
 *
 * Return: whether a flush is due.
 */
bool lodge_tdp_log_collect(struct lodge_vm *vm, const struct lodge_slot *slot,
			   u64 word, unsigned long *out, unsigned int words)
{
	struct lodge_tdp *tdp = &vm->tdp;
	unsigned int i, bit;
	bool any = false;

	raw_spin_lock(&tdp->lock);
	for (i = 0; i < words; i++) {
		unsigned long *w = &slot->dirty[word + i];

		out[i] = READ_ONCE(*w) ? xchg(w, 0) : 0;
		for_each_set_bit(bit, &out[i], BITS_PER_LONG)
			any |= lodge_pt_protect(&tdp->pt, slot->base +
						(word + i) * BITS_PER_LONG + bit);
	}
	if (any)
		WRITE_ONCE(tdp->zap_gen, tdp->zap_gen + 1);
	raw_spin_unlock(&tdp->lock);
	return any;
}

/**
 * lodge_tdp_flushed() - this CPU's translations of the vCPU go at next entry
 * @vcpu: about to be entered
 *
 * To be called whenever a flush, or a fresh address-space id, is made sure of
 * for the coming entry. With check_tlb=1 entries are held to it.
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
 * @vcpu: about to be entered, vcpu->mode is LODGE_INSIDE, requests were seen
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

	if (!READ_ONCE(check_tlb))
		return true;
	stale = vcpu->tdp.flush_gen < READ_ONCE(tdp->flushed_gen) ||
		vcpu->tdp.flush_cpu != smp_processor_id();
	return !LODGE_BUG_ON(stale, vcpu->vm);
}
