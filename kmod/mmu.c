// SPDX-License-Identifier: GPL-2.0
/*
 * The MMU notifier: the host's mm tells what it is about to do with user
 * pages, and the guest's translations follow.
 *
 * Called by the mm, from vm.c to register. Between invalidate_range_start and
 * _end no fault maps the range (lodge_tdp_change_begin()); start comes back when
 * the translations are gone and all vCPUs have left the guest with them.
 * Next: tdp.c.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include "lodge.h"

#ifdef LODGE_HAVE_YOUNG_BOOL
#define MMU_YOUNG	bool
#else
#define MMU_YOUNG	int
#endif

static struct lodge_vm *mmu_vm(struct mmu_notifier *mn)
{
	return container_of(mn, struct lodge_vm, notifier);
}

/* Take away what slots map of a range of user addresses. */
static void mmu_zap(struct lodge_vm *vm, unsigned long start, unsigned long end,
		    bool may_sleep)
{
	struct lodge_pt_freed freed = {};
	const struct lodge_slots *slots;
	gfn_t gfn, gfn_end;
	bool any = false;
	int idx;
	u32 pos;

	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->slots, &vm->srcu);
	pos = lodge_slots_hva_first(slots, start);
	while (lodge_slots_hva_next(slots, &pos, start, end, &gfn, &gfn_end))
		any |= lodge_tdp_zap(vm, gfn, gfn_end, may_sleep, &freed);
	if (any)
		lodge_tdp_flush(vm, &freed);
	srcu_read_unlock(&vm->srcu, idx);
}

static int mmu_invalidate_start(struct mmu_notifier *mn,
				const struct mmu_notifier_range *range)
{
	struct lodge_vm *vm = mmu_vm(mn);

	lodge_tdp_change_begin(vm, range->start, range->end);
	mmu_zap(vm, range->start, range->end, mmu_notifier_range_blockable(range));
	return 0;
}

static void mmu_invalidate_end(struct mmu_notifier *mn,
			       const struct mmu_notifier_range *range)
{
	lodge_tdp_change_end(mmu_vm(mn));
}

static bool mmu_young(struct mmu_notifier *mn, unsigned long start,
		      unsigned long end, bool clear)
{
	struct lodge_vm *vm = mmu_vm(mn);
	const struct lodge_slots *slots;
	gfn_t gfn, gfn_end;
	bool young = false;
	int idx;
	u32 pos;

	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->slots, &vm->srcu);
	pos = lodge_slots_hva_first(slots, start);
	while (lodge_slots_hva_next(slots, &pos, start, end, &gfn, &gfn_end))
		young |= lodge_tdp_young(vm, gfn, gfn_end, clear);
	srcu_read_unlock(&vm->srcu, idx);
	return young;
}

static MMU_YOUNG mmu_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	return mmu_young(mn, start, end, true);
}

static MMU_YOUNG mmu_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long address)
{
	return mmu_young(mn, address, address + PAGE_SIZE, false);
}

/* The mm has no users any more: nothing is to be mapped from now on. */
static void mmu_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct lodge_vm *vm = mmu_vm(mn);

	raw_spin_lock(&vm->tdp.lock);
	vm->tdp.released = true;
	raw_spin_unlock(&vm->tdp.lock);
	lodge_tdp_change_begin(vm, 0, ULONG_MAX);
	mmu_zap(vm, 0, ULONG_MAX, true);
	lodge_tdp_change_end(vm);
}

static const struct mmu_notifier_ops mmu_ops = {
	.release = mmu_release,
	.clear_flush_young = mmu_clear_young,
	.clear_young = mmu_clear_young,
	.test_young = mmu_test_young,
	.invalidate_range_start = mmu_invalidate_start,
	.invalidate_range_end = mmu_invalidate_end,
};

/**
 * lodge_mmu_register() - follow the mm of the VM's process
 * @vm: under creation, by a thread of that process; slots and tdp are made
 *
 * Return: 0 or -errno.
 */
int lodge_mmu_register(struct lodge_vm *vm)
{
	vm->notifier.ops = &mmu_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

/**
 * lodge_mmu_unregister() - follow it no more; all translations are gone
 * @vm: whose lodge_mmu_register() was successful
 */
void lodge_mmu_unregister(struct lodge_vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}
