// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: which user addresses are the guest's memory, and the log of
 * its writes. Called by vm.c with the user's requests.
 *
 * A table of slots is never changed: a new one takes its place under vm->srcu.
 * Before that, faults on the old slot's range are held back and its
 * translations taken away, while the MMU notifier still finds it in the table:
 * so at no time is a page mapped that the notifier could not find.
 * Next: slots.c, guestmem.c, tdp.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "lodge.h"

#define SLOT_PAGES_MAX	((1ULL << 31) - 1)	/* as in KVM */
#define LOG_WORDS	16	/* of the log, in one hold of tdp.lock */

static_assert(LODGE_SLOT_LOG == KVM_MEM_LOG_DIRTY_PAGES);
static_assert(LODGE_SLOT_READONLY == KVM_MEM_READONLY);

static struct lodge_slots *slots_current(struct lodge_vm *vm)
{
	return rcu_dereference_protected(vm->slots,
					 lockdep_is_held(&vm->slots_lock));
}

static struct lodge_slots *slots_alloc(u32 room)
{
	struct lodge_slots *t;

	t = kvmalloc(lodge_slots_size(room), GFP_KERNEL_ACCOUNT);
	if (t)
		lodge_slots_setup(t, room);
	return t;
}

/**
 * lodge_slots_init() - a VM without memory
 * @vm: under creation
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_slots_init(struct lodge_vm *vm)
{
	struct lodge_slots *t = slots_alloc(0);

	if (!t)
		return -ENOMEM;
	rcu_assign_pointer(vm->slots, t);
	return 0;
}

/**
 * lodge_slots_destroy() - free all slots
 * @vm: no reader left; also after a failed init
 */
void lodge_slots_destroy(struct lodge_vm *vm)
{
	struct lodge_slots *t = rcu_dereference_protected(vm->slots, true);
	u32 i;

	if (!t)
		return;
	for (i = 0; i < t->nr; i++)
		kvfree(t->slot[i].dirty);
	kvfree(t);
	RCU_INIT_POINTER(vm->slots, NULL);
}

/**
 * lodge_slot_find() - the slot a guest frame lies in
 * @vm: VM
 * @gfn: guest frame
 *
 * Context: vm->srcu held to read, which keeps the slot; or slots_lock.
 * Return: the slot, or NULL.
 */
const struct lodge_slot *lodge_slot_find(struct lodge_vm *vm, gfn_t gfn)
{
	return lodge_slots_find(srcu_dereference_check(vm->slots, &vm->srcu,
					lockdep_is_held(&vm->slots_lock)), gfn);
}

/**
 * lodge_slot_mark_dirty() - note a write in the slot's log, if it has one
 * @vm: VM
 * @slot: slot, under vm->srcu
 * @gfn: frame in it
 *
 * Context: any. After the write when the kernel makes it; with tdp.lock held
 * when the guest gets the right to.
 */
void lodge_slot_mark_dirty(struct lodge_vm *vm, const struct lodge_slot *slot,
			   gfn_t gfn)
{
	if (!slot->dirty)
		return;
	smp_mb();	/* the write is seen before a bit found set can be taken */
	if (test_bit(gfn - slot->base, slot->dirty) ||
	    test_and_set_bit(gfn - slot->base, slot->dirty))
		return;
	if (vm->ring_entries)
		lodge_ring_push(vm, slot->id, gfn - slot->base);
}

/* The request alone: is it well-formed, and below what the host can map? */
static int slot_check(const struct kvm_userspace_memory_region *r)
{
	/* 4 levels of tables reach 48 bits, on any host. */
	unsigned int bits = min_t(unsigned int, boot_cpu_data.x86_phys_bits, 48);
	u64 pages = r->memory_size >> PAGE_SHIFT;

	if (r->flags & ~(u32)(LODGE_SLOT_LOG | LODGE_SLOT_READONLY))
		return -EINVAL;
	/* There is one address space, 0, in the upper half. */
	if (r->slot >= LODGE_SLOTS_MAX)
		return -EINVAL;
	if ((r->memory_size | r->guest_phys_addr | r->userspace_addr) &
	    (PAGE_SIZE - 1))
		return -EINVAL;
	/* What the notifier knows an address by: no tags, no aliases. */
	if (r->userspace_addr > TASK_SIZE_MAX ||
	    r->memory_size > TASK_SIZE_MAX - r->userspace_addr)
		return -EINVAL;
	if (r->guest_phys_addr + r->memory_size < r->guest_phys_addr)
		return -EINVAL;
	if (pages > SLOT_PAGES_MAX)
		return -EINVAL;
	if (pages && (r->guest_phys_addr + r->memory_size - 1) >> bits)
		return -EINVAL;
	return 0;
}

/*
 * Put a new table in place of @cur: slot @old goes, slot @new comes, either
 * may be NULL. Back when nobody looks at the old table any more.
 */
static void slots_publish(struct lodge_vm *vm, struct lodge_slots *cur,
			  struct lodge_slots *next, const struct lodge_slot *old,
			  const struct lodge_slot *new)
{
	lodge_slots_replace(next, cur, old ? old->id : new->id, new);
	if (old) {
		lodge_tdp_change_begin(vm, old->hva, lodge_slot_hva_end(old));
		lodge_tdp_zap_slot(vm, old);
	}
	rcu_assign_pointer(vm->slots, next);
	/* After the table: who reads the new number finds the new slots. */
	smp_store_release(&vm->slots_gen, vm->slots_gen + 1);
	/* A fault that read the old table finds that its seq has passed. */
	if (old)
		lodge_tdp_change_end(vm);
	/* It goes where the user has memory. */
	if (new && lodge_caps.apic_page)
		lodge_tdp_zap_apic(vm);
	synchronize_srcu_expedited(&vm->srcu);
	if (old && old->dirty && !(new && new->dirty == old->dirty))
		kvfree(old->dirty);
	kvfree(cur);
}

/* A log for @new: the old slot's, also if it moves; a fresh one; or none. */
static int slot_log(struct lodge_vm *vm, struct lodge_slot *new,
		    const struct lodge_slot *old)
{
	size_t words = BITS_TO_LONGS(new->pages);

	new->dirty = NULL;
	if (!(new->flags & LODGE_SLOT_LOG))
		return 0;
	if (old && old->dirty) {
		new->dirty = old->dirty;
		return 0;
	}
	new->dirty = kvzalloc(words * sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!new->dirty)
		return -ENOMEM;
	if ((vm->dirty_manual & KVM_DIRTY_LOG_INITIALLY_SET) &&
	    !vm->ring_entries) {
		memset(new->dirty, 0xff, words * sizeof(long));
		new->dirty[words - 1] = BITMAP_LAST_WORD_MASK(new->pages);
	}
	return 0;
}

/* Create, move, or change the flags of a slot. slots_lock held. */
static int slot_put(struct lodge_vm *vm, struct lodge_slots *cur,
		    const struct lodge_slot *old, struct lodge_slot *new)
{
	struct lodge_slots *next;
	int err;

	if (old) {
		if (new->hva != old->hva || new->pages != old->pages ||
		    ((new->flags ^ old->flags) & LODGE_SLOT_READONLY))
			return -EINVAL;
		if (new->base == old->base && new->flags == old->flags)
			return 0;
	}
	if ((!old || new->base != old->base) &&
	    lodge_slots_overlap(cur, new->base, new->pages, new->id))
		return -EEXIST;
	err = slot_log(vm, new, old);
	if (err)
		return err;
	next = slots_alloc(cur->nr + 1);
	if (!next) {
		if (!old || new->dirty != old->dirty)
			kvfree(new->dirty);
		return -ENOMEM;
	}
	slots_publish(vm, cur, next, old, new);
	return 0;
}

static int slot_delete(struct lodge_vm *vm, struct lodge_slots *cur,
		       const struct lodge_slot *old)
{
	struct lodge_slots *next;

	if (!old)
		return -EINVAL;
	next = slots_alloc(cur->nr);
	if (!next)
		return -ENOMEM;
	slots_publish(vm, cur, next, old, NULL);
	return 0;
}

/**
 * lodge_slots_set() - KVM_SET_USER_MEMORY_REGION
 * @vm: VM
 * @r: the request
 *
 * When it returns, no vCPU and no access of the kernel's uses what the slot
 * was before.
 *
 * Context: may sleep; takes slots_lock; vm->srcu not held.
 * Return: 0; -EINVAL; -EEXIST: it overlaps another slot; -ENOMEM; -EINTR: killed.
 */
int lodge_slots_set(struct lodge_vm *vm,
		    const struct kvm_userspace_memory_region *r)
{
	struct lodge_slot new = {
		.id = r->slot,
		.flags = r->flags,
		.base = r->guest_phys_addr >> PAGE_SHIFT,
		.pages = r->memory_size >> PAGE_SHIFT,
		.hva = r->userspace_addr,
	};
	const struct lodge_slot *old;
	struct lodge_slots *cur;
	int err;

	err = slot_check(r);
	if (err)
		return err;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	cur = slots_current(vm);
	old = lodge_slots_by_id(cur, r->slot);
	if (new.pages)
		err = slot_put(vm, cur, old, &new);
	else
		err = slot_delete(vm, cur, old);
	mutex_unlock(&vm->slots_lock);
	return err;
}

/* Give @words of the log from word @at on to the user; they stay. */
static int log_show(const struct lodge_slot *slot, u64 at, unsigned int words,
		    unsigned long __user *to)
{
	unsigned long out[LOG_WORDS];
	unsigned int i;

	for (i = 0; i < words; i++)
		out[i] = READ_ONCE(slot->dirty[at + i]);
	return copy_to_user(to, out, words * sizeof(long)) ? -EFAULT : 0;
}

/* Take them, and give them to the user. */
static int log_take(struct lodge_vm *vm, const struct lodge_slot *slot, u64 at,
		    unsigned int words, unsigned long __user *to, bool *flush)
{
	unsigned long out[LOG_WORDS];
	unsigned int i;

	memset(out, 0xff, sizeof(out));
	*flush |= lodge_tdp_log_clear(vm, slot, at, out, words);
	if (!copy_to_user(to, out, words * sizeof(long)))
		return 0;
	/* The user has not got them: they stay in the log. */
	for (i = 0; i < words * BITS_PER_LONG; i++) {
		if (test_bit(i, out))
			set_bit(at * BITS_PER_LONG + i, slot->dirty);
	}
	return -EFAULT;
}

/* Clear of them what the user says. */
static int log_clear(struct lodge_vm *vm, const struct lodge_slot *slot, u64 at,
		     unsigned int words, unsigned long __user *from, bool *flush)
{
	unsigned long mask[LOG_WORDS];

	if (copy_from_user(mask, from, words * sizeof(long)))
		return -EFAULT;
	*flush |= lodge_tdp_log_clear(vm, slot, at, mask, words);
	return 0;
}

/* What is done with @words from word @at on, for both ioctls. */
static int log_walk(struct lodge_vm *vm, const struct lodge_slot *slot, u64 at,
		    u64 words, unsigned long __user *user, bool clear)
{
	bool flush = false, keep = vm->dirty_manual;
	struct lodge_pt_freed none = {};
	int err = 0;

	/* What CPUs have in their own logs comes when they leave the guest. */
	if (lodge_caps.dirty_log)
		lodge_vm_request(vm, LODGE_REQ_EXIT, true);
	while (!err && words) {
		unsigned int n = min_t(u64, words, LOG_WORDS);

		if (clear)
			err = log_clear(vm, slot, at, n, user, &flush);
		else if (keep)
			err = log_show(slot, at, n, user);
		else
			err = log_take(vm, slot, at, n, user, &flush);
		at += n;
		user += n;
		words -= n;
		cond_resched();
	}
	if (flush)
		lodge_tdp_flush(vm, &none);
	return err;
}

/**
 * lodge_dirty_log_get() - KVM_GET_DIRTY_LOG
 * @vm: VM
 * @log: the request
 *
 * Bits given to the user are cleared, and what would set them is made ready
 * again before this returns; unless lodge_dirty_log_clear() is to do that.
 *
 * Context: may sleep; takes slots_lock.
 * Return: 0; -ENXIO: there are rings; -EINVAL: no such number; -ENOENT: no such
 * slot, or it has no log; -EFAULT; -EINTR: killed.
 */
int lodge_dirty_log_get(struct lodge_vm *vm, const struct kvm_dirty_log *log)
{
	const struct lodge_slot *slot;
	int err = -ENOENT;

	if (vm->ring_entries)
		return -ENXIO;
	if (log->slot >= LODGE_SLOTS_MAX)
		return -EINVAL;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	slot = lodge_slots_by_id(slots_current(vm), log->slot);
	if (slot && slot->dirty)
		err = log_walk(vm, slot, 0, BITS_TO_LONGS(slot->pages),
			       log->dirty_bitmap, false);
	mutex_unlock(&vm->slots_lock);
	return err;
}

/**
 * lodge_dirty_log_clear() - KVM_CLEAR_DIRTY_LOG
 * @vm: VM
 * @log: the request: 64 pages at a time, but at the end of the slot
 *
 * Context: may sleep; takes slots_lock.
 * Return: as lodge_dirty_log_get(); -EINVAL also for the range.
 */
int lodge_dirty_log_clear(struct lodge_vm *vm,
			  const struct kvm_clear_dirty_log *log)
{
	const struct lodge_slot *slot;
	u64 left;
	int err = -ENOENT;

	if (vm->ring_entries)
		return -ENXIO;
	if (log->slot >= LODGE_SLOTS_MAX || log->first_page % BITS_PER_LONG)
		return -EINVAL;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	slot = lodge_slots_by_id(slots_current(vm), log->slot);
	if (!slot || !slot->dirty)
		goto out;
	err = -EINVAL;
	if (log->first_page > slot->pages)
		goto out;
	left = slot->pages - log->first_page;
	if (log->num_pages > left ||
	    (log->num_pages < left && log->num_pages % BITS_PER_LONG))
		goto out;
	err = log_walk(vm, slot, log->first_page / BITS_PER_LONG,
		       BITS_TO_LONGS(log->num_pages), log->dirty_bitmap, true);
out:
	mutex_unlock(&vm->slots_lock);
	return err;
}

/**
 * lodge_slot_clean() - a page of a log is to be told of again
 * @vm: slots_lock held
 * @id: its slot, as the user says
 * @offset: its number in there, as the user says
 *
 * Return: whether a flush is due.
 */
bool lodge_slot_clean(struct lodge_vm *vm, u32 id, u64 offset)
{
	const struct lodge_slot *slot = lodge_slots_by_id(slots_current(vm), id);
	unsigned long mask = BIT(offset % BITS_PER_LONG);

	if (!slot || !slot->dirty || offset >= slot->pages)
		return false;
	return lodge_tdp_log_clear(vm, slot, offset / BITS_PER_LONG, &mask, 1);
}

/**
 * lodge_slots_forget() - all logs are as if nothing had been written
 * @vm: without vCPUs; takes slots_lock
 */
void lodge_slots_forget(struct lodge_vm *vm)
{
	struct lodge_slots *t;
	u32 i;

	mutex_lock(&vm->slots_lock);
	t = slots_current(vm);
	for (i = 0; i < t->nr; i++)
		if (t->slot[i].dirty)
			memset(t->slot[i].dirty, 0,
			       BITS_TO_LONGS(t->slot[i].pages) * sizeof(long));
	mutex_unlock(&vm->slots_lock);
}
