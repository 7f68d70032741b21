// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty ring: each vCPU tells in memory shared with the user which pages
 * were written, as an alternative to the bitmaps of KVM_GET_DIRTY_LOG.
 *
 * The slots' bitmaps are kept beside it: a page is put into a ring when its bit
 * becomes set, and KVM_RESET_DIRTY_RINGS clears it, so that no page is told of
 * twice. A vCPU whose ring is nearly full does not enter the guest. Called by
 * memslot.c, vcpu.c and run.c. Next: memslot.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "lodge.h"

#define RING_PER_PAGE	(PAGE_SIZE / sizeof(struct kvm_dirty_gfn))
#define RING_ENTRIES	65536	/* at most, as in KVM */

static_assert(sizeof(struct kvm_dirty_gfn) == 16);
static_assert(RING_ENTRIES * sizeof(struct kvm_dirty_gfn) ==
	      LODGE_DIRTY_RING_BYTES);

/*
 * Room for what comes between two looks at the ring: one exit's worth, and
 * what the CPU keeps in its own log.
 */
static u32 ring_reserve(void)
{
	return 64 + (lodge_caps.dirty_log ? 512 : 0);
}

static struct kvm_dirty_gfn *ring_entry(const struct lodge_ring *ring,
					u32 entries, u32 index)
{
	index &= entries - 1;
	return &ring->page[index / RING_PER_PAGE][index % RING_PER_PAGE];
}

static u32 ring_used(const struct lodge_ring *ring)
{
	return READ_ONCE(ring->dirty) - READ_ONCE(ring->reset);
}

/**
 * lodge_ring_enable() - KVM_CAP_DIRTY_LOG_RING
 * @vm: vm->lock held
 * @bytes: of each vCPU's ring
 *
 * Return: 0; -EINVAL: no power of two, too small, too late, or for the second
 * time; -E2BIG.
 */
int lodge_ring_enable(struct lodge_vm *vm, u64 bytes)
{
	lockdep_assert_held(&vm->lock);
	if (!bytes || (bytes & (bytes - 1)) || bytes < PAGE_SIZE ||
	    bytes < ring_reserve() * sizeof(struct kvm_dirty_gfn))
		return -EINVAL;
	if (bytes > LODGE_DIRTY_RING_BYTES)
		return -E2BIG;
	if (vm->ring_entries || vm->nr_vcpus)
		return -EINVAL;
	/* First: a slot that comes now must not begin with all pages dirty. */
	vm->ring_entries = bytes / sizeof(struct kvm_dirty_gfn);
	lodge_slots_forget(vm);
	return 0;
}

/**
 * lodge_ring_create() - a new vCPU's
 * @vcpu: under creation
 *
 * Return: 0 or -ENOMEM; lodge_ring_destroy() is due in both cases.
 */
int lodge_ring_create(struct lodge_vcpu *vcpu)
{
	u32 i, pages = vcpu->vm->ring_entries / RING_PER_PAGE;
	struct lodge_ring *ring = &vcpu->ring;

	if (!pages)
		return 0;
	ring->page = kvcalloc(pages, sizeof(*ring->page), GFP_KERNEL_ACCOUNT);
	if (!ring->page)
		return -ENOMEM;
	for (i = 0; i < pages; i++) {
		ring->page[i] = lodge_page_alloc();
		if (!ring->page[i])
			return -ENOMEM;
	}
	return 0;
}

/**
 * lodge_ring_destroy() - free a vCPU's ring
 * @vcpu: not running
 */
void lodge_ring_destroy(struct lodge_vcpu *vcpu)
{
	u32 i, pages = vcpu->vm->ring_entries / RING_PER_PAGE;
	struct lodge_ring *ring = &vcpu->ring;

	if (!ring->page)
		return;
	for (i = 0; i < pages; i++)
		lodge_page_free(ring->page[i]);
	kvfree(ring->page);
	ring->page = NULL;
}

/**
 * lodge_ring_page() - for the user's mapping
 * @vcpu: whose ring
 * @index: page of it
 *
 * Return: NULL: there is no such page.
 */
void *lodge_ring_page(struct lodge_vcpu *vcpu, unsigned long index)
{
	if (index >= vcpu->vm->ring_entries / RING_PER_PAGE)
		return NULL;
	return vcpu->ring.page[index];
}

/* Who writes in a thread of no vCPU, as an ioctl does, uses the first's. */
static struct lodge_vcpu *ring_owner(struct lodge_vm *vm)
{
	/* Pairs with vcpu_publish(). */
	u32 i, nr = smp_load_acquire(&vm->nr_vcpus);

	for (i = 0; i < nr; i++)
		if (READ_ONCE(vm->vcpu[i]->task) == current)
			return vm->vcpu[i];
	return nr ? vm->vcpu[0] : NULL;
}

/**
 * lodge_ring_push() - tell of a page
 * @vm: with dirty rings
 * @slot: its slot
 * @offset: its number in there
 *
 * Context: any but interrupts; tdp.lock may be held. A user who lets a ring
 * overflow would miss writes: that VM ends.
 */
void lodge_ring_push(struct lodge_vm *vm, u32 slot, u64 offset)
{
	struct lodge_vcpu *vcpu = ring_owner(vm);
	struct kvm_dirty_gfn *e;
	struct lodge_ring *ring;
	u32 used;

	if (!vcpu)
		return;
	ring = &vcpu->ring;
	raw_spin_lock(&vm->dirty_lock);
	used = ring_used(ring);
	if (used < vm->ring_entries) {
		e = ring_entry(ring, vm->ring_entries, ring->dirty);
		e->slot = slot;
		e->offset = offset;
		/* The user looks at the flags first. */
		smp_store_release(&e->flags, KVM_DIRTY_GFN_F_DIRTY);
		WRITE_ONCE(ring->dirty, ring->dirty + 1);
	}
	raw_spin_unlock(&vm->dirty_lock);
	if (used >= vm->ring_entries)
		lodge_vm_kill(vm);
	else if (used + 1 + ring_reserve() >= vm->ring_entries)
		set_bit(LODGE_REQ_RING_FULL, &vcpu->requests);
}

/**
 * lodge_ring_full() - has the user to empty the ring before the guest goes on?
 * @vcpu: own thread
 */
bool lodge_ring_full(struct lodge_vcpu *vcpu)
{
	return ring_used(&vcpu->ring) + ring_reserve() >= vcpu->vm->ring_entries;
}

/* Pages the user is done with; slots_lock held. */
static u32 ring_reset(struct lodge_vm *vm, struct lodge_ring *ring, bool *flush)
{
	u32 n, entries = vm->ring_entries;

	/* Bounded, since the guest may go on writing, and the user reading. */
	for (n = 0; n < entries && ring->reset != READ_ONCE(ring->dirty); n++) {
		struct kvm_dirty_gfn *e = ring_entry(ring, entries, ring->reset);
		u64 offset;
		u32 slot;

		/* The user has read the entry before he says so. */
		if (!(smp_load_acquire(&e->flags) & KVM_DIRTY_GFN_F_RESET) ||
		    fatal_signal_pending(current))
			break;
		slot = READ_ONCE(e->slot);
		offset = READ_ONCE(e->offset);
		WRITE_ONCE(e->flags, 0);
		/* Free, once nothing more is read or written there. */
		smp_store_release(&ring->reset, ring->reset + 1);
		*flush |= lodge_slot_clean(vm, slot, offset);
		cond_resched();
	}
	return n;
}

/**
 * lodge_rings_reset() - KVM_RESET_DIRTY_RINGS
 * @vm: may sleep; takes slots_lock
 *
 * Return: how many entries the user is done with; their pages are told of
 * again when they are written after this. -EINVAL: the VM has no rings.
 */
int lodge_rings_reset(struct lodge_vm *vm)
{
	struct lodge_pt_freed none = {};
	bool flush = false;
	u32 i, nr, n = 0;

	if (!READ_ONCE(vm->ring_entries))
		return -EINVAL;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	/* Pairs with vcpu_publish(). */
	nr = smp_load_acquire(&vm->nr_vcpus);
	for (i = 0; i < nr; i++)
		n += ring_reset(vm, &vm->vcpu[i]->ring, &flush);
	if (flush)
		lodge_tdp_flush(vm, &none);
	mutex_unlock(&vm->slots_lock);
	return n;
}
