// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on the two-dimensional page tables: the guest touches its memory for
 * the first time, or writes where it might only read, and the page behind the
 * user address is mapped. Called by exit.c, in the bracket and out of it.
 *
 * The host's page is looked up without a lock; what was found is mapped only
 * if no change of the slots or the mm came between (tdp.seq, tdp.changing).
 * Next: host_page.c, tdp_table.c.
 */
#include <linux/gfp.h>
#include <linux/sched/signal.h>

#include "lodge.h"

#define TDP_TABLES_VCPU	32	/* leaf tables that one instruction may need */

static int tdp_cache_fill(struct lodge_pt_cache *c)
{
	while (c->nr < LODGE_PT_CACHE) {
		u64 *table = lodge_page_alloc();

		if (!table)
			return -ENOMEM;
		c->table[c->nr++] = table;
	}
	return 0;
}

/* Is a change under way of what a fault has found out? */
static bool tdp_changing(const struct lodge_tdp *tdp, unsigned long start,
			 unsigned long end)
{
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

		if (!((gfn ^ host) & mask) && !((gfn ^ p->hpa >> PAGE_SHIFT) & mask) &&
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

/*
 * Put in the leaf, if what was found out is still true. -EAGAIN: it is being
 * changed; -EEXIST: something else is there. tdp.lock held.
 */
static int tdp_map_locked(struct lodge_vcpu *vcpu, const struct tdp_try *t,
			  const struct lodge_host_page *p)
{
	struct lodge_tdp *tdp = &vcpu->vm->tdp;
	const struct lodge_slot *slot = t->slot;
	unsigned long hva = lodge_slot_hva(slot, t->gfn);
	bool write, log = slot->dirty && lodge_caps.dirty_log;
	u64 size, leaf;
	int level, err;

	lockdep_assert_held(&tdp->lock);
	if (tdp->released)
		return -EIO;
	level = tdp_level(tdp, slot, t->gfn, p);
	size = lodge_pt_pages(level) << PAGE_SHIFT;
	hva &= ~(size - 1);
	if (tdp_changing(tdp, hva, hva + size))
		return -EAGAIN;
	if (tdp->seq != t->seq)
		return LODGE_TDP_MAPPED;	/* the guest faults again */

	/*
	 * While writes are logged, none but a write may map it writable; unless
	 * the CPU keeps the log, in which only pages appear that are clean.
	 */
	write = p->writable && !(slot->flags & LODGE_SLOT_READONLY) &&
		(t->write || !slot->dirty || log);
	leaf = tdp->pt.format->leaf(p->hpa & ~(size - 1), level, write, true,
				    p->uncached);
	if (write && !log)
		leaf |= tdp->pt.format->dirty;
	err = lodge_pt_map(&tdp->pt, t->gfn, level, leaf, &vcpu->tdp.cache);
	if (err)
		return err;
	if (write && !log)
		lodge_slot_mark_dirty(vcpu->vm, slot, t->gfn);
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
	if (l > 1 && lodge_pt_present(tdp->pt.format, e) &&
	    (!t->write || lodge_pt_writable(tdp->pt.format, e)))
		return LODGE_TDP_MAPPED;
	if (t->atomic)
		return -EAGAIN;
	if (lodge_tdp_zap(vcpu->vm, t->gfn, t->gfn + 1, true, &freed))
		lodge_tdp_flush(vcpu->vm, &freed);
	return LODGE_TDP_MAPPED;
}

/* With srcu held again: the seq tells whether t->slot is still what it was. */
static int tdp_map(struct lodge_vcpu *vcpu, const struct tdp_try *t,
		   const struct lodge_host_page *p)
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

/*
 * Sleep till a change is over, rather than fault again and again: whoever
 * makes it may need this CPU. 0, or -EINTR: a signal.
 */
static int tdp_wait(struct lodge_vcpu *vcpu, unsigned long seq)
{
	struct lodge_tdp *tdp = &vcpu->vm->tdp;
	int err;

	atomic_inc(&tdp->waiters);
	err = rcuwait_wait_event(&vcpu->wait, !READ_ONCE(tdp->changing) ||
				 READ_ONCE(tdp->seq) != seq,
				 TASK_INTERRUPTIBLE);
	atomic_dec(&tdp->waiters);
	return err;
}

/*
 * The page of all APICs, at which the hardware takes accesses elsewhere. Who
 * changes slots or moves an APIC does so before he takes it away under the lock.
 */
static int tdp_map_apic(struct lodge_vcpu *vcpu, const struct tdp_try *t,
			unsigned long gen)
{
	struct lodge_vm *vm = vcpu->vm;
	struct lodge_pt *pt = &vm->tdp.pt;
	int ret = LODGE_TDP_MMIO;

	raw_spin_lock(&vm->tdp.lock);
	if (READ_ONCE(vm->slots_gen) != gen)
		ret = LODGE_TDP_MAPPED;		/* the guest faults again */
	else if (lodge_lapic_page_at(vm, t->gfn))
		ret = lodge_pt_map(pt, t->gfn, 1, pt->format->leaf(
				   lodge_caps.apic_page, 1, true, false, false),
				   &vcpu->tdp.cache);
	raw_spin_unlock(&vm->tdp.lock);
	if (ret == -ENOMEM)
		return t->atomic ? -EAGAIN : LODGE_TDP_MAPPED;
	return ret == -EEXIST ? LODGE_TDP_MMIO : ret;
}

/* MMIO, or MAPPED: the slot, if any, is in @t, under vm->srcu. */
static int tdp_try_begin(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access,
			 struct tdp_try *t)
{
	struct lodge_vm *vm = vcpu->vm;
	unsigned long gen;

	/* Before the slots: what older ones say holds for no newer. */
	gen = smp_load_acquire(&vm->slots_gen);
	t->gfn = gpa >> PAGE_SHIFT;
	t->write = access & LODGE_TDP_WRITE;
	/* Before the slots: when they change, seq changes after them. */
	t->seq = smp_load_acquire(&vm->tdp.seq);
	t->slot = lodge_slot_find(vm, t->gfn);
	if (!t->slot && !(access & LODGE_TDP_FETCH) &&
	    lodge_lapic_page_at(vm, t->gfn))
		return tdp_map_apic(vcpu, t, gen);
	if (!t->slot) {
		vcpu->tdp.mmio_gfn = t->gfn;
		vcpu->tdp.mmio_gen = gen;
		return LODGE_TDP_MMIO;
	}
	if (t->write && (t->slot->flags & LODGE_SLOT_READONLY))
		return LODGE_TDP_MMIO;
	return LODGE_TDP_MAPPED;
}

/* The user may have set a limit to the memory that tables take. */
static bool tdp_full(const struct lodge_vm *vm)
{
	unsigned long max = READ_ONCE(vm->tdp.max_tables);

	if (likely(!max))
		return false;
	/* An instruction of each vCPU must find all it needs at a time. */
	max = max(max, TDP_TABLES_VCPU * (READ_ONCE(vm->nr_vcpus) + 1UL));
	return READ_ONCE(vm->tdp.pt.tables) + LODGE_PT_CACHE > max;
}

/* All of them go, and those in use come back. */
static void tdp_empty(struct lodge_vm *vm)
{
	struct lodge_pt_freed freed = {};

	if (lodge_tdp_zap(vm, 0, LODGE_TDP_GFN_END, true, &freed))
		lodge_tdp_flush(vm, &freed);
}

/*
 * The page behind the user address, which may take long, as for userfaultfd.
 * 0; -EINPROGRESS: the guest is told when it is there; -errno
 */
static int tdp_host_page(struct lodge_vcpu *vcpu, const struct tdp_try *t,
			 u32 access, bool absent, struct lodge_host_page *p)
{
	unsigned long hva = lodge_slot_hva(t->slot, t->gfn);
	int ret;

	if (!absent && lodge_host_page_look(hva, t->write, p))
		return 0;
	if (unlikely(vcpu->apf.on) && (access & LODGE_TDP_GUEST)) {
		ret = lodge_apf_fault(vcpu, t->gfn, hva, t->write, p);
		if (!ret || ret == -EINPROGRESS)
			return ret;
	}
	return lodge_host_page_get(hva, t->write, p);
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
	struct lodge_vm *vm = vcpu->vm;
	struct tdp_try t = { .atomic = false };
	bool absent = vcpu->tdp.absent;
	struct lodge_host_page p;
	struct lodge_slot copy;
	int idx, ret;

	might_sleep();
	vcpu->tdp.absent = false;
	ret = tdp_cache_fill(&vcpu->tdp.cache);
	if (ret)
		return ret;
	idx = srcu_read_lock(&vm->srcu);
	ret = tdp_try_begin(vcpu, gpa, access, &t);
	if (t.slot)
		copy = *t.slot;
	srcu_read_unlock(&vm->srcu, idx);
	if (ret != LODGE_TDP_MAPPED || !t.slot)
		return ret;

	if (tdp_full(vm))
		tdp_empty(vm);
	t.slot = &copy;			/* it may wait for long: hold nothing */
	ret = tdp_host_page(vcpu, &t, access, absent, &p);
	if (ret)
		return ret == -EAGAIN || ret == -EINPROGRESS ?
			LODGE_TDP_MAPPED : ret;
	idx = srcu_read_lock(&vm->srcu);
	ret = tdp_map(vcpu, &t, &p);
	srcu_read_unlock(&vm->srcu, idx);
	if (ret == -EAGAIN)
		return tdp_wait(vcpu, t.seq) ?: LODGE_TDP_MAPPED;
	return ret;
}

/**
 * lodge_tdp_fault_atomic() - the same, in the bracket
 * @vcpu: its mutex held
 * @gpa: guest physical address
 * @access: LODGE_TDP_*
 *
 * Return: enum lodge_tdp_result, or -EAGAIN: lodge_tdp_fault() is to tell.
 */
int lodge_tdp_fault_atomic(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct lodge_vm *vm = vcpu->vm;
	struct tdp_try t = { .atomic = true };
	struct lodge_host_page p;
	int idx, ret;

	/* The device that was accessed last. Of generation 0 all is MMIO. */
	if (gpa >> PAGE_SHIFT == vcpu->tdp.mmio_gfn &&
	    READ_ONCE(vm->slots_gen) == vcpu->tdp.mmio_gen &&
	    !lodge_lapic_page_at(vm, vcpu->tdp.mmio_gfn))
		return LODGE_TDP_MMIO;
	idx = srcu_read_lock(&vm->srcu);
	ret = tdp_try_begin(vcpu, gpa, access, &t);
	if (ret != LODGE_TDP_MAPPED || !t.slot)
		goto out;
	ret = -EAGAIN;
	if (tdp_full(vm))
		goto out;
	vcpu->tdp.absent = !lodge_host_page_look(lodge_slot_hva(t.slot, t.gfn),
						 t.write, &p);
	if (vcpu->tdp.absent)
		goto out;
	ret = tdp_map(vcpu, &t, &p);
out:
	srcu_read_unlock(&vm->srcu, idx);
	return ret < 0 ? -EAGAIN : ret;
}

/* Bytes from @gpa on to the end of the leaf that maps it; 0: none does. */
static u64 tdp_mapped(struct lodge_tdp *tdp, gpa_t gpa)
{
	u64 e, size;
	int level;

	raw_spin_lock(&tdp->lock);
	e = *lodge_pt_lookup(&tdp->pt, gpa >> PAGE_SHIFT, &level);
	raw_spin_unlock(&tdp->lock);
	if (!lodge_pt_present(tdp->pt.format, e))
		return 0;
	size = lodge_pt_pages(level) << PAGE_SHIFT;
	return size - (gpa & (size - 1));
}

/* @done: bytes from @gpa on that are mapped then; 0 or -errno. */
static int tdp_prefault(struct lodge_vcpu *vcpu, gpa_t gpa, u64 *done)
{
	int r;

	/* Beyond what tables reach there is no slot. */
	if (gpa >> 48)
		return -ENOENT;
	for (;;) {
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
		*done = tdp_mapped(&vcpu->vm->tdp, gpa);
		if (*done)
			return 0;
		r = lodge_tdp_fault(vcpu, gpa, LODGE_TDP_READ);
		if (r == LODGE_TDP_MMIO)
			return -ENOENT;
		if (r < 0)
			return r;
	}
}

/**
 * lodge_tdp_prefault() - KVM_PRE_FAULT_MEMORY: map memory before it is read
 * @vcpu: its mutex held, not in the bracket
 * @gpa: guest physical address of a page; what is left, on return
 * @size: bytes; what is left, on return
 *
 * Return: 0: some of it is mapped; -EINVAL: alignment, nothing, wrap round;
 * -ENOENT: no memory is there; -EINTR: a signal; else as lodge_tdp_fault().
 */
int lodge_tdp_prefault(struct lodge_vcpu *vcpu, u64 *gpa, u64 *size)
{
	u64 all = *size, done = 0;
	int r = 0;

	if ((*gpa | all) & (PAGE_SIZE - 1) || *gpa + all <= *gpa)
		return -EINVAL;
	while (*size && !r) {
		r = tdp_prefault(vcpu, *gpa, &done);
		if (r)
			break;
		done = min(done, *size);
		*gpa += done;
		*size -= done;
	}
	return *size == all ? r : 0;
}
