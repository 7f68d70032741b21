/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: slots (memslot.c), access to it (guestmem.c), and the
 * two-dimensional page tables (tdp.c, mmu.c; formats in svm/svm_npt.c and
 * vmx/vmx_ept.c). Next: slots.h, memslot.c.
 */
#ifndef LODGE_MEM_H
#define LODGE_MEM_H

#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/srcu.h>
#include "guest_walk.h"
#include "pure.h"
#include "slots.h"
#include "tdp_table.h"

struct lodge_vm;
struct lodge_vcpu;
struct lodge_exit;

#define LODGE_TDP_GFN_END	(1ULL << 36)	/* no slot goes beyond it */

struct lodge_tdp {
	hpa_t root;			/* [c] for the vendor: nCR3, EPTP */
	raw_spinlock_t lock;		/* the tdp lock: all below */
	struct lodge_pt pt;
	/*
	 * A fault reads seq, then the slots, then the host's page, and takes
	 * the lock; it must not map what was read before a change was over.
	 * Changes are between lodge_tdp_change_begin() and _end().
	 */
	unsigned long seq;		/* changes that are over */
	int changing;			/* changes under way */
	unsigned long change_start, change_end;	/* user addresses they concern */
	atomic_t waiters;		/* [a] faults that sleep till a change ends */
	bool released;			/* the mm is gone: nothing to map */
	unsigned long max_tables;	/* [a] or 0: as many as it takes */
	u64 zap_gen;			/* times that rights were taken away */
	u64 flushed_gen;		/* of those, known by all vCPUs */
	u64 flushes;			/* times that all were told */
};

/* A vCPU's part. [v] */
struct lodge_tdp_vcpu {
	struct lodge_pt_cache cache;
	bool absent;			/* the host's page, a moment ago */
	gfn_t mmio_gfn;			/* no memory is there ... */
	unsigned long mmio_gen;		/* ... while this is vm->slots_gen */
	u64 flush_gen;			/* tdp.zap_gen at its last flush */
	int flush_cpu;			/* where that was */
};

/* memslot.c */
int lodge_slots_init(struct lodge_vm *vm);
void lodge_slots_destroy(struct lodge_vm *vm);
int lodge_slots_set(struct lodge_vm *vm,
		    const struct kvm_userspace_memory_region *r);
const struct lodge_slot *lodge_slot_find(struct lodge_vm *vm, gfn_t gfn);
void lodge_slot_mark_dirty(struct lodge_vm *vm, const struct lodge_slot *slot,
			   gfn_t gfn);
int lodge_dirty_log_get(struct lodge_vm *vm, const struct kvm_dirty_log *log);
int lodge_dirty_log_clear(struct lodge_vm *vm,
			  const struct kvm_clear_dirty_log *log);
bool lodge_slot_clean(struct lodge_vm *vm, u32 id, u64 offset);
void lodge_slots_forget(struct lodge_vm *vm);

/*
 * guestmem.c: 0, or -EFAULT: not memory, or read-only. The caller is a thread
 * of the VM's process. The _atomic ones never sleep; -EAGAIN: try where it may.
 */
int lodge_gpa_read(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n);
int lodge_gpa_write(struct lodge_vm *vm, gpa_t gpa, const void *p, size_t n);
int lodge_gpa_read_atomic(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n);
int lodge_gpa_write_atomic(struct lodge_vm *vm, gpa_t gpa, const void *p,
			   size_t n);
/* n 1, 2, 4, 8 or 16, within a page. 1: differed, old is what was there. */
int lodge_gpa_cmpxchg(struct lodge_vm *vm, gpa_t gpa, void *old, const void *new,
		      size_t n);
int lodge_gpa_cmpxchg_atomic(struct lodge_vm *vm, gpa_t gpa, void *old,
			     const void *new, size_t n);

/*
 * The guest's own page tables. access: LODGE_PF_W, _U, _I as in an error code,
 * LODGE_WALK_*. 0; 1: fault is filled; -EAGAIN.
 */
int lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		     struct lodge_fault *fault);

/* The 8-byte entries that a walk has read, and where. */
struct lodge_trail {
	u8 nr;
	bool too_short;
	const u64 __user *at[4];
	u64 entry[4];
};

int lodge_guest_walk_trail(struct lodge_vcpu *vcpu, gva_t gva, u32 access,
			   gpa_t *gpa, struct lodge_fault *fault,
			   struct lodge_trail *trail);

/* tdp.c */
enum lodge_tdp_result {
	LODGE_TDP_MAPPED,	/* mapped: try again in the guest */
	LODGE_TDP_MMIO,		/* no slot, or a write to a read-only one */
};

int lodge_tdp_init(struct lodge_vm *vm);
void lodge_tdp_destroy(struct lodge_vm *vm);
void lodge_tdp_vcpu_init(struct lodge_vcpu *vcpu);
void lodge_tdp_vcpu_free(struct lodge_vcpu *vcpu);
/* enum lodge_tdp_result or -errno; atomic: interrupts off, -EAGAIN if it can't */
int lodge_tdp_fault(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access);
int lodge_tdp_fault_atomic(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access);
int lodge_tdp_prefault(struct lodge_vcpu *vcpu, u64 *gpa, u64 *size);
void lodge_tdp_zap_apic(struct lodge_vm *vm);
void lodge_tdp_logged(struct lodge_vcpu *vcpu, const u64 *gpa, u32 nr);
/* What the vCPU's TLB may hold: at each flush, and before each entry. */
extern bool lodge_check_tlb;
void lodge_tdp_flushed(struct lodge_vcpu *vcpu);
bool lodge_tdp_check_entry(struct lodge_vcpu *vcpu);

/* For memslot.c and mmu.c alone. */
void lodge_tdp_change_begin(struct lodge_vm *vm, unsigned long start,
			    unsigned long end);
void lodge_tdp_change_end(struct lodge_vm *vm);
bool lodge_tdp_zap(struct lodge_vm *vm, gfn_t gfn, gfn_t end, bool may_sleep,
		   struct lodge_pt_freed *freed);
void lodge_tdp_flush(struct lodge_vm *vm, struct lodge_pt_freed *freed);
void lodge_tdp_zap_slot(struct lodge_vm *vm, const struct lodge_slot *slot);
bool lodge_tdp_young(struct lodge_vm *vm, gfn_t gfn, gfn_t end, bool clear);
bool lodge_tdp_log_clear(struct lodge_vm *vm, const struct lodge_slot *slot,
			 u64 word, unsigned long *mask, unsigned int words);

/* mmu.c */
int lodge_mmu_register(struct lodge_vm *vm);
void lodge_mmu_unregister(struct lodge_vm *vm);

#endif /* LODGE_MEM_H */
