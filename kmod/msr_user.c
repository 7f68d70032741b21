// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that the user decides of: KVM_X86_SET_MSR_FILTER, and accesses that
 * KVM_CAP_X86_USER_SPACE_MSR takes to the user.
 *
 * exit.c asks before it reads or writes one for the guest, and comes here when
 * that fails. Next: msr.c.
 */
#include <linux/slab.h>
#include <linux/srcu.h>

#include "ioctl.h"
#include "lodge.h"

#define X2APIC_FIRST	0x800
#define X2APIC_NR	0x100
#define BITMAP_MAX	0x600	/* bytes, of one range */

struct lodge_msr_filter {
	bool deny;		/* what is in no range */
	struct {
		u32 first, nr, flags;		/* flags: KVM_MSR_FILTER_* */
		unsigned long *allowed;
	} range[KVM_MSR_FILTER_MAX_RANGES];
};

static bool filter_allows(const struct lodge_msr_filter *f, u32 msr, u32 access)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(f->range); i++)
		if (msr - f->range[i].first < f->range[i].nr &&
		    f->range[i].flags & access)
			return test_bit(msr - f->range[i].first,
					f->range[i].allowed);
	return !f->deny;
}

/**
 * lodge_msr_allowed() - does the user let the guest at an MSR?
 * @vcpu: whose
 * @msr: index; those of the local APIC always
 * @write: WRMSR
 *
 * Context: in or out of the bracket.
 */
bool lodge_msr_allowed(struct lodge_vcpu *vcpu, u32 msr, bool write)
{
	struct lodge_vm *vm = vcpu->vm;
	const struct lodge_msr_filter *f;
	bool allowed;
	int idx;

	if (likely(!rcu_access_pointer(vm->msr_filter)) ||
	    msr - X2APIC_FIRST < X2APIC_NR)
		return true;
	idx = srcu_read_lock(&vm->irq_srcu);
	f = srcu_dereference(vm->msr_filter, &vm->irq_srcu);
	allowed = !f || filter_allows(f, msr, write ? KVM_MSR_FILTER_WRITE :
						      KVM_MSR_FILTER_READ);
	srcu_read_unlock(&vm->irq_srcu, idx);
	return allowed;
}

static void filter_free(struct lodge_msr_filter *f)
{
	size_t i;

	for (i = 0; f && i < ARRAY_SIZE(f->range); i++)
		kvfree(f->range[i].allowed);
	kvfree(f);
}

static int filter_range_add(struct lodge_msr_filter *f, size_t i,
			    const struct kvm_msr_filter_range *r)
{
	const u32 flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
	size_t longs = BITS_TO_LONGS((u64)r->nmsrs);
	unsigned long *bitmap;

	if (!r->nmsrs)
		return 0;
	if (!r->flags || r->flags & ~flags ||
	    longs * sizeof(long) > BITMAP_MAX)
		return -EINVAL;
	bitmap = lodge_array_copy((void __user *)r->bitmap, longs,
				  sizeof(long));
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	f->range[i].first = r->base;
	f->range[i].nr = r->nmsrs;
	f->range[i].flags = r->flags;
	f->range[i].allowed = bitmap;
	return 0;
}

/* In place of the one before; vCPUs see it before they go on. */
static void filter_replace(struct lodge_vm *vm, struct lodge_msr_filter *f)
{
	struct lodge_msr_filter *old;

	old = rcu_dereference_protected(vm->msr_filter,
					lockdep_is_held(&vm->lock));
	rcu_assign_pointer(vm->msr_filter, f);
	synchronize_srcu_expedited(&vm->irq_srcu);
	filter_free(old);
	lodge_vm_request(vm, LODGE_REQ_INTERCEPTS, true);
}

/**
 * lodge_msr_filter_set() - KVM_X86_SET_MSR_FILTER
 * @vm: whose, its lock held
 * @user: as the user gave it
 *
 * Return: 0, or -EINVAL: unknown flags, a range without one or too large,
 * everything denied; -EFAULT, -ENOMEM.
 */
int lodge_msr_filter_set(struct lodge_vm *vm, const struct kvm_msr_filter *user)
{
	bool deny = user->flags & KVM_MSR_FILTER_DEFAULT_DENY, empty = true;
	struct lodge_msr_filter *f;
	size_t i;
	int r = 0;

	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(user->ranges); i++)
		empty = empty && !user->ranges[i].nmsrs;
	if (empty && deny)
		return -EINVAL;
	if (empty) {
		filter_replace(vm, NULL);
		return 0;
	}
	f = kvzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->deny = deny;
	for (i = 0; i < ARRAY_SIZE(user->ranges) && !r; i++)
		r = filter_range_add(f, i, &user->ranges[i]);
	if (r)
		filter_free(f);
	else
		filter_replace(vm, f);
	return r;
}

/**
 * lodge_msr_filter_release() - at the end of a VM
 * @vm: none of its vCPUs runs
 */
void lodge_msr_filter_release(struct lodge_vm *vm)
{
	filter_free(rcu_dereference_protected(vm->msr_filter, true));
}

static int msr_complete(struct lodge_vcpu *vcpu, bool write)
{
	const struct kvm_run *run = vcpu->run;
	u64 v = READ_ONCE(run->msr.data);

	/* The user may have loaded another state in between. */
	if (vcpu->regs.rip != vcpu->pio_rip)
		return LODGE_RESUME;
	if (READ_ONCE(run->msr.error)) {
		lodge_exception_queue(vcpu, LODGE_GP, true, 0);
		return LODGE_RESUME;
	}
	if (!write) {
		vcpu->regs.gpr[LODGE_RAX] = (u32)v;
		vcpu->regs.gpr[LODGE_RDX] = v >> 32;
	}
	lodge_skip(vcpu, vcpu->pio_next_rip);
	return LODGE_RESUME;
}

static int msr_read_complete(struct lodge_vcpu *vcpu)
{
	return msr_complete(vcpu, false);
}

static int msr_write_complete(struct lodge_vcpu *vcpu)
{
	return msr_complete(vcpu, true);
}

/**
 * lodge_msr_failed() - RDMSR or WRMSR of the guest is not to be done
 * @vcpu: whose
 * @exit: with next_rip
 * @v: the value to be written, if it is a write
 * @why: 1, LODGE_MSR_UNKNOWN, LODGE_MSR_FILTERED
 *
 * Return: a verdict: #GP, or the user does it.
 */
int lodge_msr_failed(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		     u64 v, int why)
{
	bool write = exit->kind == LODGE_EXIT_MSR_WRITE;
	u32 reason = why == LODGE_MSR_FILTERED ? KVM_MSR_EXIT_REASON_FILTER :
		     why == LODGE_MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN :
						KVM_MSR_EXIT_REASON_INVAL;
	struct kvm_run *run = vcpu->run;

	if (likely(!(READ_ONCE(vcpu->vm->user_msrs) & reason))) {
		lodge_exception_queue(vcpu, LODGE_GP, true, 0);
		return LODGE_RESUME;
	}
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	memset(&run->msr, 0, sizeof(run->msr));
	run->msr.reason = reason;
	run->msr.index = vcpu->regs.gpr[LODGE_RCX];
	run->msr.data = v;
	vcpu->pio_next_rip = exit->next_rip;
	vcpu->pio_rip = vcpu->regs.rip;
	vcpu->complete = write ? msr_write_complete : msr_read_complete;
	return LODGE_TO_USER;
}
