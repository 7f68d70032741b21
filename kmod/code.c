// SPDX-License-Identifier: GPL-2.0
/*
 * The code at a vCPU's RIP, fetched through the guest's page tables, and kept
 * with all that was read on the way: a guest exits at few places, and comes
 * there again and again.
 *
 * Nothing is remembered that its CPU would have to look up. Code is used again
 * only if each entry of the guest's page tables that led to it, and each byte
 * of the instruction, read as they did before: what followed from them then
 * follows now, however the guest has changed them in between.
 *
 * Called by emulate.c. Next: guestmem.c, emul/fetch.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "lodge.h"

#define CODES	16	/* a vCPU; found by RIP, each has one place */

/* Does @c hold under the registers there are? Any rule of a fetch's is here. */
static bool code_fits(const struct lodge_code *c, const struct lodge_vcpu *vcpu)
{
	const struct lodge_regs *r = &vcpu->regs;

	return c->rip == r->rip && c->cr3 == r->cr3 && c->cr0 == r->cr0 &&
	       c->cr4 == r->cr4 && c->efer == r->efer &&
	       c->cs_ar == r->seg[LODGE_CS].ar &&
	       c->ss_ar == r->seg[LODGE_SS].ar &&
	       c->slots_gen == READ_ONCE(vcpu->vm->slots_gen) && c->len;
}

/* Is all that was read for @c still there? */
static bool code_same(const struct lodge_code *c)
{
	/* Pointers: UBSAN must not be called for an index with access open. */
	const u64 __user *const *at = c->trail.at;
	const u64 *entry = c->trail.entry;
	unsigned int nr = c->trail.nr;
	bool same = false;
	u64 v;

	pagefault_disable();
	if (!user_read_access_begin(c->user, sizeof(c->word)))
		goto out;
	for (; nr; nr--, at++, entry++) {
		unsafe_get_user(v, *at, end);
		if (v != *entry)
			goto end;
	}
	unsafe_get_user(v, c->user, end);
	if ((v ^ c->word[0]) & c->mask[0])
		goto end;
	if (c->mask[1]) {
		unsafe_get_user(v, c->user + 1, end);
		if ((v ^ c->word[1]) & c->mask[1])
			goto end;
	}
	same = true;
end:
	user_read_access_end();
out:
	pagefault_enable();
	return same;
}

static bool code_read(struct lodge_code *c)
{
	bool done = false;

	pagefault_disable();
	if (!user_read_access_begin(c->user, sizeof(c->word)))
		goto out;
	unsafe_get_user(c->word[0], c->user, end);
	unsafe_get_user(c->word[1], c->user + 1, end);
	done = true;
end:
	user_read_access_end();
out:
	pagefault_enable();
	return done;
}

/* In 64-bit mode, within a page. */
static noinline bool code_fetch(struct lodge_vcpu *vcpu, struct lodge_code *c)
{
	const struct lodge_regs *r = &vcpu->regs;
	u32 walk = LODGE_PF_I | LODGE_WALK_ATOMIC;
	struct lodge_vm *vm = vcpu->vm;
	const struct lodge_slot *slot;
	struct lodge_fault fault;
	gva_t gva = r->rip;
	gpa_t gpa;
	int idx;

	c->len = 0;
	c->decoded = false;
	if (offset_in_page(gva) > PAGE_SIZE - sizeof(c->word) ||
	    (u64)((s64)(r->rip << 16) >> 16) != r->rip)
		return false;
	if (lodge_regs_cpl(r) == 3)
		walk |= LODGE_PF_U;
	/* Before the slots: what is found of older ones holds for no newer. */
	c->slots_gen = smp_load_acquire(&vm->slots_gen);
	if (lodge_guest_walk_trail(vcpu, gva, walk, &gpa, &fault, &c->trail))
		return false;
	idx = srcu_read_lock(&vm->srcu);
	slot = lodge_slot_find(vm, gpa >> PAGE_SHIFT);
	c->user = slot ? (const u64 __user *)(lodge_slot_hva(slot, gpa >> PAGE_SHIFT) +
					      offset_in_page(gpa)) : NULL;
	srcu_read_unlock(&vm->srcu, idx);
	if (!slot || !code_read(c))
		return false;
	c->rip = r->rip;
	c->cr0 = r->cr0;
	c->cr3 = r->cr3;
	c->cr4 = r->cr4;
	c->efer = r->efer;
	c->cs_ar = r->seg[LODGE_CS].ar;
	c->ss_ar = r->seg[LODGE_SS].ar;
	return true;
}

/**
 * lodge_code_get() - the code at RIP
 * @vcpu: its mutex held; LODGE_R_CODE and LODGE_R_CRS are made valid
 *
 * Context: in or out of the bracket, in a thread of the VM's process.
 * Return: 16 bytes, and the instruction if they have been decoded before; NULL
 * where it takes more than that: not 64-bit mode, the end of a page, tables
 * with bits to be set, memory that has to be paged in, a fault.
 */
struct lodge_code *lodge_code_get(struct lodge_vcpu *vcpu)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);
	struct lodge_code *c;

	if (!lodge_regs_long64(r))
		return NULL;
	c = &vcpu->code[(r->rip ^ r->rip >> 4) % CODES];
	if (likely(code_fits(c, vcpu) && code_same(c)))
		return c;
	return code_fetch(vcpu, c) ? c : NULL;
}

/**
 * lodge_code_keep() - the length of what lodge_code_get() gave is known
 * @c: code, from then on found again
 * @len: bytes of the instruction
 */
void lodge_code_keep(struct lodge_code *c, unsigned int len)
{
	c->len = len;
	c->mask[0] = len < 8 ? GENMASK_ULL(len * 8 - 1, 0) : ~0ULL;
	c->mask[1] = len > 8 ? GENMASK_ULL(len * 8 - 65, 0) : 0;
}

/**
 * lodge_code_create() - room for a vCPU's code
 * @vcpu: new
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_code_create(struct lodge_vcpu *vcpu)
{
	vcpu->code = kvcalloc(CODES, sizeof(*vcpu->code), GFP_KERNEL_ACCOUNT);
	return vcpu->code ? 0 : -ENOMEM;
}
