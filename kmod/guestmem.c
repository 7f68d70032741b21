// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own access to guest memory, by guest physical address and, for
 * the emulator, through the guest's page tables.
 *
 * Everyone calls it who reads or writes for the guest, in a thread of the
 * VM's process: the memory is reached through its user addresses, so that
 * paging, copy-on-write and userfaultfd do their part. Next: guest_walk.c.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "lodge.h"

/* Where guest memory is reached: in one slot, so also one user range. */
struct gpa_span {
	const struct lodge_slot *slot;
	unsigned long hva;
	size_t n;
};

/* The first piece of @n bytes at @gpa. vm->srcu held. */
static int gpa_span_find(struct lodge_vm *vm, gpa_t gpa, size_t n, bool write,
			 struct gpa_span *s)
{
	u64 left;

	/* User addresses mean nothing elsewhere. */
	if (current->mm != vm->mm)
		return -EFAULT;
	s->slot = lodge_slot_find(vm, gpa >> PAGE_SHIFT);
	if (!s->slot || (write && (s->slot->flags & LODGE_SLOT_READONLY)))
		return -EFAULT;
	s->hva = lodge_slot_hva(s->slot, gpa >> PAGE_SHIFT) +
		 offset_in_page(gpa);
	left = ((s->slot->base + s->slot->pages) << PAGE_SHIFT) - gpa;
	s->n = min_t(u64, n, left);
	return 0;
}

/* Note writes of the kernel's, once they are made. */
static void gpa_span_dirty(struct lodge_vm *vm, const struct gpa_span *s,
			   gpa_t gpa)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	gfn_t last = (gpa + s->n - 1) >> PAGE_SHIFT;

	if (!s->slot->dirty)
		return;
	for (; gfn <= last; gfn++)
		lodge_slot_mark_dirty(vm, s->slot, gfn);
}

static int span_copy(const struct gpa_span *s, void *p, bool write, bool atomic)
{
	void __user *u = (void __user *)s->hva;
	bool failed;

	if (atomic)
		pagefault_disable();
	failed = write ? copy_to_user(u, p, s->n) :
			 copy_from_user(p, u, s->n);
	if (atomic)
		pagefault_enable();
	if (!failed)
		return 0;
	return atomic ? -EAGAIN : -EFAULT;
}

static int gpa_copy(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n,
		    bool write, bool atomic)
{
	struct gpa_span s;
	int idx, err = 0;

	idx = srcu_read_lock(&vm->srcu);
	while (n && !err) {
		err = gpa_span_find(vm, gpa, n, write, &s);
		if (err)
			break;
		err = span_copy(&s, p, write, atomic);
		/* A part may be written even if it failed. */
		if (write)
			gpa_span_dirty(vm, &s, gpa);
		gpa += s.n;
		p += s.n;
		n -= s.n;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return err;
}

/**
 * lodge_gpa_read() - read guest memory
 * @vm: VM of the current process
 * @gpa: guest physical address, any alignment
 * @p: where to
 * @n: bytes
 *
 * Context: may sleep.
 * Return: 0, or -EFAULT: not all of it is memory.
 */
int lodge_gpa_read(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n)
{
	might_sleep();
	return gpa_copy(vm, gpa, p, n, false, false);
}

/**
 * lodge_gpa_write() - write guest memory, and note it in the dirty log
 * @vm: VM of the current process
 * @gpa: guest physical address, any alignment
 * @p: where from
 * @n: bytes
 *
 * Context: may sleep.
 * Return: 0, or -EFAULT: not all of it is memory that may be written; a part
 * may have been.
 */
int lodge_gpa_write(struct lodge_vm *vm, gpa_t gpa, const void *p, size_t n)
{
	might_sleep();
	return gpa_copy(vm, gpa, (void *)p, n, true, false);
}

/**
 * lodge_gpa_read_atomic() - read guest memory without sleeping
 * @vm: VM of the current process
 * @gpa: guest physical address, any alignment
 * @p: where to
 * @n: bytes
 *
 * Context: process context, interrupts on or off. A user page that is not
 * there costs a page fault, which spoils CR2 and nothing else.
 * Return: 0; -EFAULT: not memory; -EAGAIN: it takes sleeping.
 */
int lodge_gpa_read_atomic(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n)
{
	return gpa_copy(vm, gpa, p, n, false, true);
}

/**
 * lodge_gpa_write_atomic() - write guest memory without sleeping
 * @vm: VM of the current process
 * @gpa: guest physical address, any alignment
 * @p: where from
 * @n: bytes
 *
 * Context: as lodge_gpa_read_atomic().
 * Return: 0; -EFAULT: not memory that may be written; -EAGAIN: it takes
 * sleeping, a part may have been written.
 */
int lodge_gpa_write_atomic(struct lodge_vm *vm, gpa_t gpa, const void *p,
			   size_t n)
{
	return gpa_copy(vm, gpa, (void *)p, n, true, true);
}

#define CMPXCHG_USER(type, hva, old, new)				\
	__try_cmpxchg_user((type __user *)(hva), (type *)(old),		\
			   *(const type *)(new), fail_##type)

/* 0; 1: differed; -EFAULT. @hva is aligned to 16 bytes. */
static int cmpxchg_user_16(unsigned long hva, u64 *old, const u64 *new)
{
	int err = -EFAULT;
	bool same;

	if (!user_access_begin((void __user *)hva, 16))
		return -EFAULT;
	asm volatile("1: lock cmpxchg16b (%[at])\n"
		     "	setz %[same]\n"
		     "	xorl %[err], %[err]\n"
		     "2:\n"
		     _ASM_EXTABLE_UA(1b, 2b)
		     : [err] "+r" (err), [same] "=&q" (same), "+a" (old[0]),
		       "+d" (old[1])
		     : [at] "r" (hva), "b" (new[0]), "c" (new[1])
		     : "memory", "cc");
	user_access_end();
	return err ? err : !same;
}

/*
 * Across a cache line the CPU would lock the whole bus, which the host may
 * have forbidden: done in three steps, not atomic.
 */
static int cmpxchg_user_split(unsigned long hva, void *old, const void *new,
			      size_t n)
{
	u64 was = 0, expected = 0;

	if (copy_from_user(&was, (void __user *)hva, n))
		return -EFAULT;
	memcpy(&expected, old, n);
	if (was != expected) {
		memcpy(old, &was, n);
		return 1;
	}
	return copy_to_user((void __user *)hva, new, n) ? -EFAULT : 0;
}

static int cmpxchg_user(unsigned long hva, void *old, const void *new, size_t n)
{
	if (n <= 8 && (hva & 63) + n > 64)
		return cmpxchg_user_split(hva, old, new, n);
	switch (n) {
	case 1:
		return CMPXCHG_USER(u8, hva, old, new);
	case 2:
		return CMPXCHG_USER(u16, hva, old, new);
	case 4:
		return CMPXCHG_USER(u32, hva, old, new);
	case 8:
		return CMPXCHG_USER(u64, hva, old, new);
	case 16:
		if (hva & 15)
			return -EINVAL;
		return cmpxchg_user_16(hva, old, new);
	default:
		return -EINVAL;
	}
}

static int gpa_cmpxchg(struct lodge_vm *vm, gpa_t gpa, void *old,
		       const void *new, size_t n, bool atomic)
{
	struct gpa_span s;
	int idx, ret;

	if (offset_in_page(gpa) + n > PAGE_SIZE)
		return -EINVAL;
	idx = srcu_read_lock(&vm->srcu);
	ret = gpa_span_find(vm, gpa, n, true, &s);
	if (!ret) {
		if (atomic)
			pagefault_disable();
		ret = cmpxchg_user(s.hva, old, new, n);
		if (atomic)
			pagefault_enable();
		if (!ret)
			gpa_span_dirty(vm, &s, gpa);
		if (atomic && ret == -EFAULT)
			ret = -EAGAIN;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/**
 * lodge_gpa_cmpxchg() - compare and exchange in guest memory
 * @vm: VM of the current process
 * @gpa: guest physical address; all bytes in one page
 * @old: what is expected there; what was there, if it differed
 * @new: what to put there
 * @n: bytes: 1, 2, 4, 8, or 16 (then aligned)
 *
 * Atomic with respect to guest and host, except across a cache line.
 *
 * Context: may sleep.
 * Return: 0: exchanged; 1: it differed; -EFAULT: not memory that may be
 * written; -EINVAL: @n or alignment.
 */
int lodge_gpa_cmpxchg(struct lodge_vm *vm, gpa_t gpa, void *old, const void *new,
		      size_t n)
{
	might_sleep();
	return gpa_cmpxchg(vm, gpa, old, new, n, false);
}

/**
 * lodge_gpa_cmpxchg_atomic() - the same without sleeping
 * @vm: VM of the current process
 * @gpa: guest physical address; all bytes in one page
 * @old: what is expected there; what was there, if it differed
 * @new: what to put there
 * @n: bytes: 1, 2, 4, 8, or 16 (then aligned)
 *
 * Context: as lodge_gpa_read_atomic().
 * Return: as lodge_gpa_cmpxchg(), and -EAGAIN: it takes sleeping.
 */
int lodge_gpa_cmpxchg_atomic(struct lodge_vm *vm, gpa_t gpa, void *old,
			     const void *new, size_t n)
{
	return gpa_cmpxchg(vm, gpa, old, new, n, true);
}

struct vcpu_walk {
	struct lodge_walk walk;
	struct lodge_vm *vm;
	const struct lodge_slot *slot;	/* of the last entry, while srcu is held */
	struct lodge_trail *trail;	/* or NULL */
	bool atomic;
};

/* A walk by the rules reads again what the plain one has. */
static void trail_note(struct lodge_trail *t, const u64 __user *at, u64 entry)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		if (t->at[i] == at && t->entry[i] == entry)
			return;
	if (t->nr == ARRAY_SIZE(t->at)) {
		t->too_short = true;
		return;
	}
	t->at[t->nr] = at;
	t->entry[t->nr++] = entry;
}

/* An entry of a table, srcu held: no function call where all is as it was. */
static int walk_read_atomic(struct lodge_walk *w, gpa_t gpa, void *p, size_t n)
{
	struct vcpu_walk *vw = container_of(w, struct vcpu_walk, walk);
	const struct lodge_slot *slot = vw->slot;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	u64 __user *u;

	if (n != sizeof(u64))
		return gpa_copy(vw->vm, gpa, p, n, false, true);
	if (!slot || gfn - slot->base >= slot->pages) {
		slot = lodge_slot_find(vw->vm, gfn);
		if (!slot)
			return -EFAULT;
		vw->slot = slot;
	}
	u = (u64 __user *)(lodge_slot_hva(slot, gfn) + offset_in_page(gpa));
	pagefault_disable();
	if (!user_read_access_begin(u, sizeof(*u)))
		goto out;
	unsafe_get_user(*(u64 *)p, u, fault);
	user_read_access_end();
	pagefault_enable();
	if (vw->trail)
		trail_note(vw->trail, u, *(u64 *)p);
	return 0;
fault:
	user_read_access_end();
out:
	pagefault_enable();
	return -EAGAIN;
}

static int walk_read(struct lodge_walk *w, gpa_t gpa, void *p, size_t n)
{
	struct vcpu_walk *vw = container_of(w, struct vcpu_walk, walk);

	return gpa_copy(vw->vm, gpa, p, n, false, vw->atomic);
}

static int walk_cmpxchg(struct lodge_walk *w, gpa_t gpa, void *old,
			const void *new, size_t n)
{
	struct vcpu_walk *vw = container_of(w, struct vcpu_walk, walk);
	const struct lodge_slot *slot;
	bool rom;
	int idx;

	/* Tables in ROM keep no accessed bits; the guest knows. */
	idx = srcu_read_lock(&vw->vm->srcu);
	slot = lodge_slot_find(vw->vm, gpa >> PAGE_SHIFT);
	rom = slot && (slot->flags & LODGE_SLOT_READONLY);
	srcu_read_unlock(&vw->vm->srcu, idx);
	if (rom)
		return 0;
	return gpa_cmpxchg(vw->vm, gpa, old, new, n, vw->atomic);
}

static int vcpu_walk(struct lodge_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		     struct lodge_fault *fault, struct lodge_trail *trail)
{
	const struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CRS);
	struct vcpu_walk vw = {
		.walk = {
			.cr0 = r->cr0, .cr3 = r->cr3, .cr4 = r->cr4,
			.efer = r->efer, .rflags = r->rflags,
			.maxphyaddr = clamp_t(u8, vcpu->cpuid->maxphyaddr, 32, 52),
			.has_1g = vcpu->cpuid->has_1g,
			.read = walk_read,
			.cmpxchg = walk_cmpxchg,
		},
		.vm = vcpu->vm,
		.trail = trail,
		.atomic = access & LODGE_WALK_ATOMIC,
	};
	int idx, err;

	if (r->cr4 & LODGE_CR4_PKE)
		vw.walk.pkru = lodge_fpu_pkru(vcpu);
	/* User addresses mean nothing elsewhere. */
	if (!vw.atomic || current->mm != vcpu->vm->mm)
		return lodge_walk_guest(&vw.walk, gva, access, gpa, fault);
	vw.walk.read = walk_read_atomic;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	err = lodge_walk_guest(&vw.walk, gva, access, gpa, fault);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return err;
}

/**
 * lodge_guest_walk() - translate a guest linear address
 * @vcpu: its mutex held
 * @gva: linear address; canonical, which is for the caller to check
 * @access: LODGE_PF_W, _U, _I; LODGE_WALK_ATOMIC, LODGE_WALK_IMPLICIT
 * @gpa: where the guest physical address goes
 * @fault: where the page fault goes
 *
 * Sets accessed and dirty bits in the guest's tables, as its CPU would.
 *
 * Context: may sleep, unless LODGE_WALK_ATOMIC.
 * Return: 0; 1: @fault is filled, also where the tables are not in memory;
 * -EAGAIN: try again, where it may sleep.
 */
int lodge_guest_walk(struct lodge_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		     struct lodge_fault *fault)
{
	return vcpu_walk(vcpu, gva, access, gpa, fault, NULL);
}

/**
 * lodge_guest_walk_trail() - the same, and tell what has been read for it
 * @vcpu: its mutex held, in long mode, in a thread of the VM's process
 * @gva: as above
 * @access: as above, with LODGE_WALK_ATOMIC
 * @gpa: as above
 * @fault: as above
 * @trail: while these entries, the slots, and the registers that have to do
 *	with paging stay the same, so does the answer
 *
 * Return: as above; -EAGAIN also if @trail was too short.
 */
int lodge_guest_walk_trail(struct lodge_vcpu *vcpu, gva_t gva, u32 access,
			   gpa_t *gpa, struct lodge_fault *fault,
			   struct lodge_trail *trail)
{
	int err;

	trail->nr = 0;
	trail->too_short = false;
	err = vcpu_walk(vcpu, gva, access, gpa, fault, trail);
	return !err && (!trail->nr || trail->too_short) ? -EAGAIN : err;
}
