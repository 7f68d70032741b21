// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a vCPU's descriptor, but for KVM_RUN.
 *
 * vcpu.c calls with vcpu->mutex held. What a command does is elsewhere, mostly
 * in state.c; here are its errors and its copies. Next: state.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#include "ioctl.h"
#include "lodge.h"

static long vcpu_get_regs(const struct lodge_call *c)
{
	lodge_regs_get(c->vcpu, c->buf);
	return 0;
}

static long vcpu_set_regs(const struct lodge_call *c)
{
	return lodge_regs_set(c->vcpu, c->buf);
}

static long vcpu_get_sregs(const struct lodge_call *c)
{
	lodge_sregs_get(c->vcpu, c->buf);
	return 0;
}

static long vcpu_set_sregs(const struct lodge_call *c)
{
	return lodge_sregs_set(c->vcpu, c->buf);
}

static long vcpu_get_sregs2(const struct lodge_call *c)
{
	lodge_sregs2_get(c->vcpu, c->buf);
	return 0;
}

static long vcpu_set_sregs2(const struct lodge_call *c)
{
	return lodge_sregs2_set(c->vcpu, c->buf);
}

static long vcpu_get_fpu(const struct lodge_call *c)
{
	return lodge_fpu_get(c->vcpu, c->buf);
}

static long vcpu_set_fpu(const struct lodge_call *c)
{
	return lodge_fpu_set(c->vcpu, c->buf);
}

static long vcpu_get_debugregs(const struct lodge_call *c)
{
	lodge_debugregs_get(c->vcpu, c->buf);
	return 0;
}

static long vcpu_set_debugregs(const struct lodge_call *c)
{
	return lodge_debugregs_set(c->vcpu, c->buf);
}

static long vcpu_get_events(const struct lodge_call *c)
{
	lodge_events_get(c->vcpu, c->buf);
	return 0;
}

static long vcpu_set_events(const struct lodge_call *c)
{
	return lodge_events_set(c->vcpu, c->buf);
}

static long vcpu_get_mp(const struct lodge_call *c)
{
	return lodge_mp_get(c->vcpu, c->buf);
}

static long vcpu_set_mp(const struct lodge_call *c)
{
	return lodge_mp_set(c->vcpu, c->buf);
}

static long vcpu_translate(const struct lodge_call *c)
{
	return lodge_translate(c->vcpu, c->buf);
}

static long vcpu_set_cpuid2(const struct lodge_call *c)
{
	struct kvm_cpuid2 __user *user = c->user;
	struct kvm_cpuid_entry2 *e;
	u32 nr;
	long r;

	if (copy_from_user(&nr, &user->nent, sizeof(nr)))
		return -EFAULT;
	if (nr > LODGE_CPUID_MAX)
		return -E2BIG;
	e = lodge_array_copy(user->entries, nr, sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	r = lodge_cpuid_set(c->vcpu, e, nr);
	kvfree(e);
	return r;
}

static long vcpu_set_cpuid(const struct lodge_call *c)
{
	return lodge_cpuid_set_old(c->vcpu, c->user);
}

static long vcpu_get_cpuid2(const struct lodge_call *c)
{
	const struct lodge_cpuid *cpuid = c->vcpu->cpuid;
	struct kvm_cpuid2 __user *user = c->user;
	struct kvm_cpuid_entry2 e;
	struct kvm_cpuid2 head;
	u32 i;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent < cpuid->nr)
		return -E2BIG;
	head.nent = cpuid->nr;
	for (i = 0; i < cpuid->nr; i++) {
		e = lodge_cpuid_get(c->vcpu, i);
		if (copy_to_user(&user->entries[i], &e, sizeof(e)))
			return -EFAULT;
	}
	return copy_to_user(user, &head, sizeof(head)) ? -EFAULT : 0;
}

static int msr_get(struct lodge_vcpu *vcpu, u32 msr, u64 *v)
{
	return lodge_msr_read(vcpu, msr, v, true);
}

static int msr_set(struct lodge_vcpu *vcpu, u32 msr, u64 *v)
{
	return lodge_msr_write(vcpu, msr, *v, true);
}

static long vcpu_get_msrs(const struct lodge_call *c)
{
	return lodge_msrs_copy(c->vcpu, c->user, msr_get, true);
}

static long vcpu_set_msrs(const struct lodge_call *c)
{
	return lodge_msrs_copy(c->vcpu, c->user, msr_set, false);
}

static long vcpu_get_lapic(const struct lodge_call *c)
{
	if (!c->vcpu->apic)
		return -EINVAL;
	return lodge_lapic_get(c->vcpu, c->buf);
}

static long vcpu_set_lapic(const struct lodge_call *c)
{
	if (!c->vcpu->apic)
		return -EINVAL;
	return lodge_lapic_set(c->vcpu, c->buf);
}

static long vcpu_interrupt(const struct lodge_call *c)
{
	const struct kvm_interrupt *irq = c->buf;

	if (irq->irq >= 256)
		return -EINVAL;
	if (!c->vcpu->user_pic)
		return -ENXIO;
	/* With an APIC it waits for LINT0 to let it through. */
	if (c->vcpu->apic && c->vcpu->events.user_irq >= 0)
		return -EEXIST;
	c->vcpu->events.user_irq = irq->irq;
	lodge_vcpu_request(c->vcpu, LODGE_REQ_EVENT);
	return 0;
}

static long vcpu_nmi(const struct lodge_call *c)
{
	lodge_nmi_queue(c->vcpu);
	return 0;
}

/* The mask is for the thread while it is in KVM_RUN. */
static long vcpu_signal_mask(const struct lodge_call *c)
{
	struct kvm_signal_mask __user *user = c->user;
	struct lodge_vcpu *vcpu = c->vcpu;
	sigset_t set;
	u32 len;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&len, &user->len, sizeof(len)))
		return -EFAULT;
	if (len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

/* Address 0 means that the guest has no such page: all that QEMU needs. */
static long vcpu_vapic_addr(const struct lodge_call *c)
{
	const struct kvm_vapic_addr *va = c->buf;

	return c->vcpu->apic && !va->vapic_addr ? 0 : -EINVAL;
}

/* What KVM says where it has no system-management mode. */
static long vcpu_smi(const struct lodge_call *c)
{
	return -ENOTTY;
}

static long vcpu_setup_mce(const struct lodge_call *c)
{
	return lodge_mce_setup(c->vcpu, *(u64 *)c->buf);
}

static long vcpu_set_mce(const struct lodge_call *c)
{
	return lodge_mce_inject(c->vcpu, c->buf);
}

static long xsave_get(struct lodge_vcpu *vcpu, void __user *user, u32 size)
{
	void *area = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	long r;

	if (!area)
		return -ENOMEM;
	r = lodge_xsave_get(vcpu, area, size);
	if (!r && copy_to_user(user, area, size))
		r = -EFAULT;
	kvfree(area);
	return r;
}

static long vcpu_get_xsave(const struct lodge_call *c)
{
	if (lodge_fpu_size() > sizeof(struct kvm_xsave))
		return -EINVAL;
	return xsave_get(c->vcpu, c->user, sizeof(struct kvm_xsave));
}

static long vcpu_get_xsave2(const struct lodge_call *c)
{
	return xsave_get(c->vcpu, c->user,
			 lodge_cap_check(NULL, KVM_CAP_XSAVE2));
}

static long vcpu_set_xsave(const struct lodge_call *c)
{
	void *area = lodge_array_copy(c->user, 1,
				      lodge_cap_check(NULL, KVM_CAP_XSAVE2));
	long r;

	if (IS_ERR(area))
		return PTR_ERR(area);
	r = lodge_xsave_set(c->vcpu, area);
	kvfree(area);
	return r;
}

static long vcpu_get_xcrs(const struct lodge_call *c)
{
	struct kvm_xcrs *x = c->buf;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return 0;
	x->nr_xcrs = 1;
	x->xcrs[0].value = c->vcpu->regs.xcr0;
	return 0;
}

static long vcpu_set_xcrs(const struct lodge_call *c)
{
	const struct kvm_xcrs *x = c->buf;
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || x->flags ||
	    x->nr_xcrs > ARRAY_SIZE(x->xcrs))
		return -EINVAL;
	for (i = 0; i < x->nr_xcrs; i++)
		if (!x->xcrs[i].xcr)
			return lodge_xcr_write(c->vcpu, 0, x->xcrs[i].value) ?
				-EINVAL : 0;
	return 0;
}

static long vcpu_get_tsc_khz(const struct lodge_call *c)
{
	return c->vcpu->clock.tsc_khz;
}

static long vcpu_set_tsc_khz(const struct lodge_call *c)
{
	u32 khz = c->arg;	/* the upper half counts for nothing */

	return lodge_tsc_set_khz(c->vcpu, khz ?: tsc_khz);
}

/* One attribute there is: what is added to the host's TSC. */
static bool vcpu_attr_known(const struct kvm_device_attr *a)
{
	return a->group == KVM_VCPU_TSC_CTRL && a->attr == KVM_VCPU_TSC_OFFSET;
}

static long vcpu_has_attr(const struct lodge_call *c)
{
	return vcpu_attr_known(c->buf) ? 0 : -ENXIO;
}

static long vcpu_get_attr(const struct lodge_call *c)
{
	const struct kvm_device_attr *a = c->buf;
	u64 offset = c->vcpu->clock.tsc_offset;

	if (!vcpu_attr_known(a))
		return -ENXIO;
	return copy_to_user(u64_to_user_ptr(a->addr), &offset,
			    sizeof(offset)) ? -EFAULT : 0;
}

static long vcpu_set_attr(const struct lodge_call *c)
{
	const struct kvm_device_attr *a = c->buf;
	u64 offset;

	if (!vcpu_attr_known(a))
		return -ENXIO;
	if (copy_from_user(&offset, u64_to_user_ptr(a->addr), sizeof(offset)))
		return -EFAULT;
	lodge_tsc_set_offset(c->vcpu, offset);
	return 0;
}

/* There is no virtualization in the guest: a header that says so. */
static long vcpu_get_nested(const struct lodge_call *c)
{
	struct kvm_nested_state __user *user = c->user;
	u32 size;

	if (copy_from_user(&size, &user->size, sizeof(size)))
		return -EFAULT;
	if (size < sizeof(lodge_ops->not_nested)) {
		size = sizeof(lodge_ops->not_nested);
		return copy_to_user(&user->size, &size, sizeof(size)) ?
			-EFAULT : -E2BIG;
	}
	return copy_to_user(user, &lodge_ops->not_nested,
			    sizeof(lodge_ops->not_nested)) ? -EFAULT : 0;
}

static long vcpu_set_nested(const struct lodge_call *c)
{
	const struct kvm_nested_state *t = &lodge_ops->not_nested;
	const struct kvm_nested_state *s = c->buf;

	if (s->size < sizeof(*s) || s->format != t->format ||
	    s->flags != t->flags ||
	    s->hdr.vmx.vmxon_pa != t->hdr.vmx.vmxon_pa ||
	    s->hdr.vmx.vmcs12_pa != t->hdr.vmx.vmcs12_pa)
		return -EINVAL;
	return 0;
}

static long vcpu_set_debug(const struct lodge_call *c)
{
	return lodge_debug_set(c->vcpu, c->buf);
}

static long vcpu_enable_cap(const struct lodge_call *c)
{
	return lodge_vcpu_enable_cap(c->vcpu, c->buf);
}

static long vcpu_kvmclock_ctrl(const struct lodge_call *c)
{
	return lodge_clock_stopped(c->vcpu);
}

static long vcpu_get_stats(const struct lodge_call *c)
{
	return lodge_vcpu_stats_fd(c->vcpu);
}

static long vcpu_pre_fault(const struct lodge_call *c)
{
	struct kvm_pre_fault_memory *m = c->buf;

	if (m->flags)
		return -EINVAL;
	return lodge_tdp_prefault(c->vcpu, &m->gpa, &m->size);
}

static long vcpu_explain(const struct lodge_call *c)
{
	struct lodge_explain *e = c->buf;

	*e = c->vcpu->explain;
	return e->text[0] ? 0 : -ENOENT;
}

#define RAW	LODGE_IOCTL_RAW

static const struct lodge_ioctl vcpu_ioctls[] = {
	{ KVM_GET_REGS, 0, vcpu_get_regs },
	{ KVM_SET_REGS, 0, vcpu_set_regs },
	{ KVM_GET_SREGS, 0, vcpu_get_sregs },
	{ KVM_SET_SREGS, 0, vcpu_set_sregs },
	{ KVM_TRANSLATE, 0, vcpu_translate },
	{ KVM_INTERRUPT, 0, vcpu_interrupt },
	{ KVM_GET_MSRS, RAW, vcpu_get_msrs },
	{ KVM_SET_MSRS, RAW, vcpu_set_msrs },
	{ KVM_SET_CPUID, RAW, vcpu_set_cpuid },
	{ KVM_SET_SIGNAL_MASK, RAW, vcpu_signal_mask },
	{ KVM_GET_FPU, 0, vcpu_get_fpu },
	{ KVM_SET_FPU, 0, vcpu_set_fpu },
	{ KVM_GET_LAPIC, 0, vcpu_get_lapic },
	{ KVM_SET_LAPIC, 0, vcpu_set_lapic },
	{ KVM_SET_CPUID2, RAW, vcpu_set_cpuid2 },
	{ KVM_GET_CPUID2, RAW, vcpu_get_cpuid2 },
	{ KVM_SET_VAPIC_ADDR, 0, vcpu_vapic_addr },
	{ KVM_SMI, 0, vcpu_smi },
	{ KVM_GET_MP_STATE, 0, vcpu_get_mp },
	{ KVM_SET_MP_STATE, 0, vcpu_set_mp },
	{ KVM_NMI, 0, vcpu_nmi },
	{ KVM_SET_GUEST_DEBUG, 0, vcpu_set_debug },
	{ KVM_X86_SETUP_MCE, 0, vcpu_setup_mce },
	{ KVM_X86_SET_MCE, 0, vcpu_set_mce },
	{ KVM_GET_VCPU_EVENTS, 0, vcpu_get_events },
	{ KVM_SET_VCPU_EVENTS, 0, vcpu_set_events },
	{ KVM_GET_DEBUGREGS, 0, vcpu_get_debugregs },
	{ KVM_SET_DEBUGREGS, 0, vcpu_set_debugregs },
	{ KVM_SET_TSC_KHZ, 0, vcpu_set_tsc_khz },
	{ KVM_GET_TSC_KHZ, 0, vcpu_get_tsc_khz },
	{ KVM_GET_XSAVE, RAW, vcpu_get_xsave },
	{ KVM_SET_XSAVE, RAW, vcpu_set_xsave },
	{ KVM_GET_XCRS, 0, vcpu_get_xcrs },
	{ KVM_SET_XCRS, 0, vcpu_set_xcrs },
	{ KVM_KVMCLOCK_CTRL, 0, vcpu_kvmclock_ctrl },
	{ KVM_ENABLE_CAP, 0, vcpu_enable_cap },
	{ KVM_GET_NESTED_STATE, RAW, vcpu_get_nested },
	{ KVM_SET_NESTED_STATE, 0, vcpu_set_nested },
	{ KVM_GET_SREGS2, 0, vcpu_get_sregs2 },
	{ KVM_SET_SREGS2, 0, vcpu_set_sregs2 },
	{ KVM_GET_XSAVE2, RAW, vcpu_get_xsave2 },
	{ KVM_SET_DEVICE_ATTR, 0, vcpu_set_attr },
	{ KVM_GET_DEVICE_ATTR, 0, vcpu_get_attr },
	{ KVM_HAS_DEVICE_ATTR, 0, vcpu_has_attr },
	{ KVM_GET_STATS_FD, 0, vcpu_get_stats },
	{ KVM_PRE_FAULT_MEMORY, 0, vcpu_pre_fault },
	{ LODGE_EXPLAIN, 0, vcpu_explain },
};

/**
 * lodge_vcpu_ioctl() - an ioctl on a vCPU's descriptor
 * @vcpu: the vCPU, its mutex held
 * @cmd: command, not KVM_RUN
 * @arg: its argument
 *
 * Return: what KVM returns, -EINVAL for an unknown command.
 */
long lodge_vcpu_ioctl(struct lodge_vcpu *vcpu, u32 cmd, unsigned long arg)
{
	struct lodge_call call = { .vm = vcpu->vm, .vcpu = vcpu, .arg = arg };

	return lodge_ioctl_call(vcpu_ioctls, ARRAY_SIZE(vcpu_ioctls), cmd,
				&call, -EINVAL);
}
