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

static void steal_preempted_set(struct lodge_vcpu *vcpu, bool on)
{
	const u8 flag = on ? KVM_VCPU_PREEMPTED : 0;

	if (vcpu->clock.steal_preempted == on)
		return;
	vcpu->clock.steal_preempted = on;
	lodge_gpa_write(vcpu->vm, steal_gpa(vcpu) +
			offsetof(struct kvm_steal_time, preempted),
			&flag, sizeof(flag));
}

/**
 * lodge_steal_update() - add to the guest's page what was stolen
 * @vcpu: of the current thread
 *
 * Context: outside the bracket; may sleep.
 */
void lodge_steal_update(struct lodge_vcpu *vcpu)
{
	const size_t used = offsetofend(struct kvm_steal_time, preempted);
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
	if (!delta && !first) {
		steal_preempted_set(vcpu, false);
		return;
	}
	v->steal_preempted = false;

	if (lodge_gpa_read(vcpu->vm, steal_gpa(vcpu), &st, used))
		return;
	st.steal += delta;
	st.preempted = 0;
	lodge_versioned_write(vcpu->vm, steal_gpa(vcpu), &st, used,
			      offsetof(struct kvm_steal_time, version));
}

/**
 * lodge_steal_preempted() - tell the guest that this vCPU is not running
 * @vcpu: of the current thread, which is about to give up the CPU
 *
 * Its spinlocks need not wait for it then.
 *
 * Context: outside the bracket; may sleep. lodge_clock_check() takes it
 * back.
 */
void lodge_steal_preempted(struct lodge_vcpu *vcpu)
{
	if (vcpu->clock.steal_msr & KVM_MSR_ENABLED)
		steal_preempted_set(vcpu, true);
}
