// SPDX-License-Identifier: GPL-2.0
/*
 * The loop: the only place that decides to go back into the guest.
 *
 * vcpu.c calls lodge_vcpu_run() for KVM_RUN. Inside the bracket, host
 * interrupts off on one CPU, as many exits are handled as need no sleep;
 * what may sleep or goes to the user leaves it. Next: exit.c, event.c.
 */
#include <linux/sched/signal.h>

#include "lodge.h"
#include "trace.h"

/* Requests that can be met inside the bracket. */
#define RUN_FAST_REQUESTS	(BIT(LODGE_REQ_EVENT) | BIT(LODGE_REQ_NMI) | \
				 BIT(LODGE_REQ_TLB_FLUSH) | BIT(LODGE_REQ_TIMER))

/*
 * The host gets its interrupts after so many exits at the latest: a guest whose
 * every entry ends in an exception goes before the interrupt that waits.
 */
#define RUN_BRACKET_EXITS	1024

static noinline bool run_requests_meet(struct lodge_vcpu *vcpu)
{
	unsigned long req = READ_ONCE(vcpu->requests);

	if (req & ~RUN_FAST_REQUESTS)
		return false;
	if (lodge_request_test(vcpu, LODGE_REQ_TLB_FLUSH))
		lodge_ops->flush_tlb(vcpu);
	if (lodge_request_test(vcpu, LODGE_REQ_TIMER))
		lodge_lapic_timer_inject(vcpu);
	clear_bit(LODGE_REQ_EVENT, &vcpu->requests);
	return true;	/* NMIs are taken by lodge_events_inject() */
}

/* True: all are met, the guest can be entered. */
static inline bool run_requests_fast(struct lodge_vcpu *vcpu)
{
	return likely(!READ_ONCE(vcpu->requests)) || run_requests_meet(vcpu);
}

/* Is there anything for lodge_events_inject()? Mostly there is not. */
static inline bool run_events(struct lodge_vcpu *vcpu)
{
	const struct lodge_events *ev = &vcpu->events;

	return ev->exception.valid || ev->injected.valid || ev->nmi_pending ||
	       ev->irq_window || test_bit(LODGE_REQ_NMI, &vcpu->requests) ||
	       vcpu->user_pic || lodge_irq_pending(vcpu) >= 0;
}

/* Requests to tell the user something, one at a time; a verdict. */
static int run_requests_user(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (lodge_request_test(vcpu, LODGE_REQ_TRIPLE_FAULT)) {
		run->exit_reason = KVM_EXIT_SHUTDOWN;
	} else if (lodge_request_test(vcpu, LODGE_REQ_SET_TPR)) {
		run->exit_reason = KVM_EXIT_SET_TPR;
	} else if (lodge_request_test(vcpu, LODGE_REQ_IOAPIC_EOI)) {
		run->exit_reason = KVM_EXIT_IOAPIC_EOI;
		run->eoi.vector = vcpu->ioapic_eoi;
	} else if (lodge_request_test(vcpu, LODGE_REQ_RING_FULL) &&
		   lodge_ring_full(vcpu)) {
		set_bit(LODGE_REQ_RING_FULL, &vcpu->requests);
		run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	} else {
		return LODGE_RESUME;
	}
	return LODGE_TO_USER;
}

/* Requests that may sleep; a verdict. */
static int run_requests(struct lodge_vcpu *vcpu)
{
	unsigned long req = READ_ONCE(vcpu->requests);

	if (!(req & ~RUN_FAST_REQUESTS))
		return LODGE_RESUME;
	clear_bit(LODGE_REQ_EXIT, &vcpu->requests);
	if (lodge_request_test(vcpu, LODGE_REQ_STEPPED) &&
	    lodge_debug_request(vcpu) == LODGE_TO_USER)
		return LODGE_TO_USER;
	if (lodge_request_test(vcpu, LODGE_REQ_INTERCEPTS))
		lodge_ops->update_intercepts(vcpu);
	if (lodge_request_test(vcpu, LODGE_REQ_APIC_PAGE))
		lodge_tdp_zap_apic(vcpu->vm);
	if (lodge_request_test(vcpu, LODGE_REQ_CLOCK))
		lodge_clock_update(vcpu);
	if (lodge_request_test(vcpu, LODGE_REQ_STEAL))
		lodge_steal_update(vcpu);
	if (lodge_request_test(vcpu, LODGE_REQ_APF))
		lodge_apf_ready(vcpu);
	return run_requests_user(vcpu);
}

/* Stay inside after an exit that has been handled? */
static bool run_stay(struct lodge_vcpu *vcpu, const struct lodge_exit *exit)
{
	return exit->kind != LODGE_EXIT_INTR && exit->kind != LODGE_EXIT_NMI &&
	       likely(vcpu->mp_state == KVM_MP_STATE_RUNNABLE) &&
	       run_requests_fast(vcpu) && !lodge_host_work_pending();
}

static void run_enter(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	/* First: what blocks NMIs may have been set by the user or emulated. */
	if (vcpu->dirty) {
		lodge_ops->sync_to_hw(vcpu, vcpu->dirty);
		vcpu->dirty = 0;
	}
	if (unlikely(run_events(vcpu)))
		lodge_events_inject(vcpu);
	if (unlikely(vcpu->pv_eoi_msr & 1))
		lodge_lapic_pv_eoi_entry(vcpu);
	trace_lodge_entry(vcpu);
	lodge_ops->enter(vcpu, exit);
	vcpu->stats.exits[exit->kind]++;
	trace_lodge_exit(vcpu, exit);
	if (unlikely(exit->vectored.valid || vcpu->events.submitted))
		lodge_event_requeue(vcpu, &exit->vectored);
	if (unlikely(vcpu->pv_eoi_msr & 1))
		lodge_lapic_pv_eoi_exit(vcpu);
}

/* One stretch on one CPU, interrupts off; a verdict on its last exit. */
static int run_bracket(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	unsigned int left = RUN_BRACKET_EXITS;
	int r = LODGE_RESUME;

	lodge_fpu_begin(vcpu);
	local_irq_disable();
	WRITE_ONCE(vcpu->cpu, smp_processor_id());
	smp_store_mb(vcpu->mode, LODGE_INSIDE);	/* before requests are read */
	if (unlikely(!run_requests_fast(vcpu) || lodge_host_work_pending()))
		goto out;
	vcpu->stats.brackets++;
	vcpu->emul_decoded = false;
	if (unlikely(lodge_barriers))
		lodge_barrier_begin(vcpu->serial);
	lodge_ops->bracket_begin(vcpu);
	lodge_fpu_load(vcpu);
	do {
		run_enter(vcpu, exit);
		r = lodge_exit_handle(vcpu, exit, false);
	} while (r == LODGE_RESUME && --left && run_stay(vcpu, exit));
	lodge_fpu_save(vcpu);
	lodge_ops->bracket_end(vcpu);
	if (unlikely(lodge_barriers))
		lodge_barrier_end();
out:
	WRITE_ONCE(vcpu->mode, LODGE_OUTSIDE);
	local_irq_enable();
	lodge_fpu_end(vcpu);
	return r;
}

/* Wait until there is a reason to run; a verdict, or -EAGAIN, -EINTR. */
static int run_block(struct lodge_vcpu *vcpu)
{
	bool started = vcpu->mp_state != KVM_MP_STATE_UNINITIALIZED;

	lodge_vcpu_wait(vcpu);
	if (lodge_request_test(vcpu, LODGE_REQ_TIMER))
		lodge_lapic_timer_inject(vcpu);
	lodge_init_sipi(vcpu);
	if (!started)
		return signal_pending(current) ? -EINTR : -EAGAIN;
	if (vcpu->mp_state == KVM_MP_STATE_HALTED && lodge_vcpu_wakes(vcpu)) {
		lodge_vcpu_woken(vcpu);
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	}
	return LODGE_RESUME;
}

/* The user asked to know when an interrupt can be given with KVM_INTERRUPT. */
static bool run_irq_window_open(struct lodge_vcpu *vcpu)
{
	return vcpu->user_pic && vcpu->run->request_interrupt_window &&
	       lodge_user_irq_ready(vcpu);
}

static int run_once(struct lodge_vcpu *vcpu)
{
	struct lodge_exit exit;
	int r;

	exit.kind = LODGE_EXIT_NONE;
	if (unlikely(READ_ONCE(vcpu->vm->dead)))
		return -EIO;
	if (need_resched())
		lodge_steal_preempted(vcpu);
	r = lodge_host_work(vcpu);
	if (r)
		return r;
	r = run_requests(vcpu);
	if (r != LODGE_RESUME)
		return r;
	lodge_clock_check(vcpu);
	/* The first INIT of a vCPU ends KVM_RUN: that is run_block()'s. */
	if (unlikely(lodge_lapic_init_pending(vcpu) ||
		     vcpu->mp_state == KVM_MP_STATE_SIPI_RECEIVED) &&
	    vcpu->mp_state != KVM_MP_STATE_UNINITIALIZED)
		lodge_init_sipi(vcpu);
	if (unlikely(vcpu->pv_eoi_msr & 1))
		lodge_lapic_pv_eoi_finish(vcpu);
	if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
		return run_block(vcpu);
	vcpu->ran = true;
	r = run_bracket(vcpu, &exit);
	if (r == LODGE_SLOW)
		r = lodge_exit_handle(vcpu, &exit, true);
	if (r == LODGE_RESUME && run_irq_window_open(vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
		r = LODGE_TO_USER;
	}
	return r;
}

/**
 * lodge_vcpu_run() - run a vCPU until something is for the user
 * @vcpu: its mutex held, by the thread whose memory the VM's is
 *
 * An access the user has been asked for is finished first, even where
 * immediate_exit or a signal then ends the call.
 *
 * Return: 0: kvm_run says why; -EINTR for a signal or immediate_exit;
 * -EAGAIN when a vCPU that waited has had its INIT or SIPI; -EFAULT for
 * guest memory that can't be had; -EIO for a VM that is dead.
 */
int lodge_vcpu_run(struct lodge_vcpu *vcpu)
{
	int (*complete)(struct lodge_vcpu *vcpu) = vcpu->complete;
	int r = LODGE_RESUME;

	vcpu->complete = NULL;
	if (complete)
		r = complete(vcpu);
	if (r == LODGE_RESUME && READ_ONCE(vcpu->run->immediate_exit))
		return -EINTR;
	vcpu->run->exit_reason = r == LODGE_TO_USER ? vcpu->run->exit_reason :
						      KVM_EXIT_UNKNOWN;
	if (unlikely(vcpu->events.has_payload))
		lodge_payload_apply(vcpu);
	while (r == LODGE_RESUME)
		r = run_once(vcpu);
	if (unlikely(vcpu->events.soft_past))
		lodge_event_rewind(vcpu);
	if (r == -EINTR) {
		vcpu->stats.signals++;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
	}
	return r == LODGE_TO_USER ? 0 : r;
}
