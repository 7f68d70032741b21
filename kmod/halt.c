// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU with nothing to run waits: it polls for a while, if the VM's owner
 * has asked for that (KVM_CAP_HALT_POLL), and then sleeps.
 *
 * Polling spares a short wait the way through the host's scheduler. How long
 * to poll follows from how long the waits were: twice as long as before after
 * one that a longer poll would have met, not at all after one that none would
 * have. Called by run.c. Next: event.c.
 */
#include <linux/ktime.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>

#include "irq/irq.h"
#include "lodge.h"

#define HALT_POLL_FIRST	10000	/* ns */

static bool halt_over(struct lodge_vcpu *vcpu)
{
	return lodge_vcpu_runnable(vcpu) || signal_pending(current) ||
	       READ_ONCE(vcpu->vm->dead);
}

/* How long to poll at most, now, ns: the owner's word, if the guest agrees. */
static u32 halt_poll_max(const struct lodge_vcpu *vcpu)
{
	u32 max = READ_ONCE(vcpu->vm->halt_poll_ns);

	if (likely(!max) || vcpu->mp_state != KVM_MP_STATE_HALTED ||
	    !(vcpu->pv_poll_msr & 1))
		return 0;
	return max;
}

/* Polls until @stop; true if the wait is over, false if it is to sleep. */
static bool halt_poll(struct lodge_vcpu *vcpu, u64 stop)
{
	vcpu->stats.polls++;
	do {
		if (halt_over(vcpu)) {
			vcpu->stats.polls_met++;
			return true;
		}
		cpu_relax();
	} while (!need_resched() && ktime_get_ns() < stop);
	return false;
}

/* After a wait of @ns, with @max the most: how long to poll at the next. */
static u32 halt_poll_next(u32 poll, u32 max, u64 ns)
{
	if (ns <= poll)
		return poll;
	if (ns >= max)
		return 0;
	return min(max, max_t(u32, HALT_POLL_FIRST, min(poll, max / 2) * 2));
}

static void halt_sleep(struct lodge_vcpu *vcpu)
{
	vcpu->stats.sleeps++;
	lodge_steal_preempted(vcpu);
	rcuwait_wait_event(&vcpu->wait, halt_over(vcpu), TASK_INTERRUPTIBLE);
}

/**
 * lodge_vcpu_wait() - until there is a reason to run
 * @vcpu: not runnable; mutex held
 *
 * Context: may sleep. That a signal has ended it is for the caller to see.
 */
void lodge_vcpu_wait(struct lodge_vcpu *vcpu)
{
	u32 max = halt_poll_max(vcpu);
	u64 start;

	lodge_lapic_timer_sleep(vcpu);
	if (likely(!max)) {
		halt_sleep(vcpu);
		return;
	}
	start = ktime_get_ns();
	vcpu->halt_poll_ns = min(vcpu->halt_poll_ns, max);
	if (!vcpu->halt_poll_ns || !halt_poll(vcpu, start + vcpu->halt_poll_ns))
		halt_sleep(vcpu);
	vcpu->halt_poll_ns = halt_poll_next(vcpu->halt_poll_ns, max,
					    ktime_get_ns() - start);
}
