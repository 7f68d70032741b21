/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: slots (memslot.c), access to it (guestmem.c), and the
 * two-dimensional page tables (tdp.c, formats in svm/svm_npt.c and
 * vmx/vmx_ept.c). Next: memslot.c.
 */
#ifndef LODGE_MEM_H
#define LODGE_MEM_H

#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/srcu.h>
#include "pure.h"

struct lodge_vm;
struct lodge_vcpu;
struct lodge_exit;

/* A table that is replaced as a whole; readers hold vm->srcu. */
struct lodge_slot {
	u32 id;			/* the user's number of it */
	u32 flags;		/* KVM_MEM_* */
	gfn_t base;
	u64 pages;
	unsigned long hva;
	unsigned long *dirty;	/* a bit a page, or NULL: atomic bit ops */
};

struct lodge_slots {
	u32 nr;
	struct lodge_slot slot[];	/* sorted by base, none empty */
};

#define LODGE_SLOTS_MAX		32764	/* as KVM answers to NR_MEMSLOTS */

/* Each table entry is 8 bytes, 512 a table, on both vendors. */
struct lodge_tdp_format {
	u64 (*leaf)(hpa_t hpa, int level, bool write, bool exec, bool uncached);
	u64 (*table)(hpa_t hpa);
	bool (*present)(u64 e);
	bool (*is_leaf)(u64 e, int level);
	bool (*writable)(u64 e);
	u64 (*set_writable)(u64 e, bool on);
	hpa_t (*address)(u64 e);	/* of page or next table */
	bool (*accessed)(u64 e);
	u64 (*clear_accessed)(u64 e);
	bool (*dirty)(u64 e);
};

struct lodge_tdp {
	hpa_t root;			/* [c] */
	spinlock_t lock;		/* the tdp lock: all below */
	unsigned long seq;		/* bumped by each invalidation */
	int invalidating;		/* ranges between start and end */
	u64 tables;			/* pages used by tables */
};

/* Why a guest linear address can't be used: becomes #PF. */
struct lodge_fault {
	u8 vector;
	bool has_error;
	u32 error;
	gva_t cr2;
};

/* memslot.c */
int lodge_slots_init(struct lodge_vm *vm);
void lodge_slots_destroy(struct lodge_vm *vm);
int lodge_slots_set(struct lodge_vm *vm,
		    const struct kvm_userspace_memory_region *r);
const struct lodge_slot *lodge_slot_find(struct lodge_vm *vm, gfn_t gfn);
void lodge_slot_mark_dirty(const struct lodge_slot *slot, gfn_t gfn);
int lodge_dirty_log_get(struct lodge_vm *vm, const struct kvm_dirty_log *log);

/* guestmem.c: 0 or -EFAULT; the _atomic ones never sleep, -EAGAIN: try where it may */
int lodge_gpa_read(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n);
int lodge_gpa_write(struct lodge_vm *vm, gpa_t gpa, const void *p, size_t n);
int lodge_gpa_read_atomic(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n);
int lodge_gpa_write_atomic(struct lodge_vm *vm, gpa_t gpa, const void *p,
			   size_t n);
int lodge_gpa_cmpxchg(struct lodge_vm *vm, gpa_t gpa, void *old, const void *new,
		      size_t n);	/* 1: differed, old is what was there */

/* The guest's own page tables. access: LODGE_PF_W, _U, _I as in an error code. */
#define LODGE_WALK_ATOMIC	BIT(31)	/* may not sleep: -EAGAIN */
#define LODGE_WALK_IMPLICIT	BIT(30)	/* system access: supervisor, SMAP holds */
int lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		     struct lodge_fault *fault); /* 0, 1 fault filled, -errno */

/* tdp.c */
enum lodge_tdp_result {
	LODGE_TDP_MAPPED,	/* mapped: try again in the guest */
	LODGE_TDP_MMIO,		/* no slot, or a write to a read-only one */
};

int lodge_tdp_init(struct lodge_vm *vm);
void lodge_tdp_destroy(struct lodge_vm *vm);
int lodge_tdp_fault(struct lodge_vcpu *vcpu, gpa_t gpa, u32 access);
void lodge_tdp_zap_slot(struct lodge_vm *vm, const struct lodge_slot *slot);
void lodge_tdp_write_protect(struct lodge_vm *vm, const struct lodge_slot *slot,
			     const unsigned long *mask);
int lodge_mmu_register(struct lodge_vm *vm);
void lodge_mmu_unregister(struct lodge_vm *vm);

#endif /* LODGE_MEM_H */
