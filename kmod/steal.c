// SPDX-License-Identifier: GPL-2.0
/*
 * Steal time: how long a vCPU's thread waited for a CPU of the host.
 *
 * Called before each bracket, by clock.c, and for LODGE_REQ_STEAL;
 * lodge_steal_preempted() when the thread is about to give up the CPU.
 * Next: pv.c.
 */
#include <linux/kvm_para.h>
#include <linux/sched.h>

#include "lodge.h"

static u64 steal_run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

static gpa_t steal_gpa(const struct lodge_vcpu *vcpu)
{
	return vcpu->clock.steal_msr & KVM_STEAL_VALID_BITS;
}

static gpa_t steal_preempted_gpa(const struct lodge_vcpu *vcpu)
{
	return steal_gpa(vcpu) + offsetof(struct kvm_steal_time, preempted);
}

/*
 * The page says no more that this vCPU is preempted. Others may have left word
 * there, instead of an IPI, that its translations have to go: what differs from
 * what was written, or can't be read, is taken for that.
 */
static void steal_running(struct lodge_vcpu *vcpu)
{
	u8 was = KVM_VCPU_PREEMPTED;
	const u8 runs = 0;

	vcpu->clock.steal_preempted = false;
	if (!lodge_gpa_cmpxchg(vcpu->vm, steal_preempted_gpa(vcpu), &was, &runs,
			       sizeof(runs)))
		return;
	if (lodge_gpa_write(vcpu->vm, steal_preempted_gpa(vcpu), &runs,
			    sizeof(runs)))
		vcpu->clock.steal_preempted = true;	/* it may say so still */
	lodge_ops->flush_tlb(vcpu);	/* from here on there are IPIs */
}

/**
 * lodge_steal_update() - add to the guest's page what was stolen
 * @vcpu: of the current thread
 *
 * Context: outside the bracket; may sleep.
 */
void lodge_steal_update(struct lodge_vcpu *vcpu)
{
	const size_t used = offsetof(struct kvm_steal_time, preempted);
	struct lodge_vclock *v = &vcpu->clock;
	u64 delay = steal_run_delay(), delta;
	bool first = !v->steal_task;	/* since the guest named its page */
	struct kvm_steal_time st;

	if (!(v->steal_msr & KVM_MSR_ENABLED))
		return;
	/* A thread may have taken the place of one that is gone. */
	delta = v->steal_task == current && delay > v->steal_last ?
		delay - v->steal_last : 0;
	v->steal_last = delay;
	v->steal_task = current;
	if (first || v->steal_preempted)
		steal_running(vcpu);
	if (!delta && !first)
		return;
	if (lodge_gpa_read(vcpu->vm, steal_gpa(vcpu), &st, used))
		return;
	st.steal += delta;
	lodge_versioned_write(vcpu->vm, steal_gpa(vcpu), &st, used,
			      offsetof(struct kvm_steal_time, version));
}

/**
 * lodge_steal_preempted() - tell the guest that this vCPU is not running
 * @vcpu: of the current thread, which is about to give up the CPU
 *
 * Its spinlocks need not wait for it then, nor its TLB flushes.
 *
 * Context: outside the bracket; may sleep. lodge_clock_check() takes it
 * back.
 */
void lodge_steal_preempted(struct lodge_vcpu *vcpu)
{
	const u8 preempted = KVM_VCPU_PREEMPTED;

	if (!(vcpu->clock.steal_msr & KVM_MSR_ENABLED) ||
	    vcpu->clock.steal_preempted)
		return;
	/* What might sleep would give up the CPU before it is said. */
	vcpu->clock.steal_preempted =
		!lodge_gpa_write_atomic(vcpu->vm, steal_preempted_gpa(vcpu),
					&preempted, sizeof(preempted));
}
