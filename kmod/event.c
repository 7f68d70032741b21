// SPDX-License-Identifier: GPL-2.0
/*
 * Events: exceptions, NMIs and interrupts on their way into the guest, and
 * getting the attention of a vCPU that runs or sleeps.
 *
 * Handlers queue, run.c injects before each entry and requeues after each
 * exit what was not delivered. Next: svm/svm_event.c.
 */
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "lodge.h"
#include "trace.h"

/*
 * Requests a halted vCPU is to wake for; the rest can wait for its next entry,
 * and what EVENT and NMI announce is looked at itself.
 */
#define EVENT_WAKING	(BIT(LODGE_REQ_TIMER) | BIT(LODGE_REQ_CLOCK) |	\
			 BIT(LODGE_REQ_STEAL) | BIT(LODGE_REQ_TRIPLE_FAULT) | \
			 BIT(LODGE_REQ_IOAPIC_EOI) | BIT(LODGE_REQ_APF) | \
			 BIT(LODGE_REQ_EXIT))

static bool event_contributory(u8 vector)
{
	return vector == LODGE_DE || vector == LODGE_CP ||
	       (vector >= LODGE_TS && vector <= LODGE_GP);
}

/* Does @second, raised while delivering @first, make a double fault? */
static bool event_double(u8 first, u8 second)
{
	if (event_contributory(first))
		return event_contributory(second);
	return first == LODGE_PF &&
	       (second == LODGE_PF || event_contributory(second));
}

/**
 * lodge_exception_queue() - raise an exception in the guest
 * @vcpu: mutex held; RIP is what the handler shall see
 * @vector: of the exception
 * @has_error: it pushes an error code
 * @error: the error code
 *
 * Raised while another is being delivered it takes over, or becomes a double
 * fault, or a triple fault. Intel manual: "Interrupt 8—Double Fault
 * Exception (#DF)".
 */
void lodge_exception_queue(struct lodge_vcpu *vcpu, u8 vector, bool has_error,
			   u32 error)
{
	struct lodge_event *e = &vcpu->events.exception;

	if (e->valid && e->vector == LODGE_DF) {
		e->valid = false;
		lodge_vcpu_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
		return;
	}
	if (e->valid && event_double(e->vector, vector)) {
		vector = LODGE_DF;
		has_error = true;
		error = 0;
	}
	/* In real mode no exception pushes an error code. */
	if (has_error && !(lodge_need(vcpu, LODGE_R_CRS)->cr0 & LODGE_CR0_PE))
		has_error = false;
	*e = (struct lodge_event){
		.valid = true, .type = LODGE_EVENT_EXCEPTION,
		.vector = vector, .has_error = has_error, .error = error,
	};
	vcpu->events.exception_injected = false;
}

/**
 * lodge_page_fault_queue() - raise #PF
 * @vcpu: mutex held
 * @error: LODGE_PF_*
 * @cr2: linear address
 */
void lodge_page_fault_queue(struct lodge_vcpu *vcpu, u32 error, gva_t cr2)
{
	lodge_touch(vcpu, LODGE_R_CRS)->cr2 = cr2;
	lodge_exception_queue(vcpu, LODGE_PF, true, error);
}

/**
 * lodge_fault_queue() - raise what a walk or check found
 * @vcpu: mutex held
 * @f: fault
 */
void lodge_fault_queue(struct lodge_vcpu *vcpu, const struct lodge_fault *f)
{
	if (f->vector == LODGE_PF)
		lodge_page_fault_queue(vcpu, f->error, f->cr2);
	else
		lodge_exception_queue(vcpu, f->vector, f->has_error, f->error);
}

static void event_irq_window(struct lodge_vcpu *vcpu, bool on)
{
	if (likely(!on && !vcpu->events.irq_window))
		return;
	vcpu->events.irq_window = on;
	lodge_ops->request_irq_window(vcpu, on);
}

/* Is there room for an interrupt of the user's, and a way to the CPU? */
static bool event_user_irq_room(struct lodge_vcpu *vcpu)
{
	return vcpu->events.user_irq < 0 && lodge_lapic_extint(vcpu);
}

/**
 * lodge_user_irq_ready() - would an interrupt of the user's be taken at once?
 * @vcpu: mutex held; its VM has no PIC in the kernel
 *
 * Not where an event is half-way: the user might want to give that anew.
 */
bool lodge_user_irq_ready(struct lodge_vcpu *vcpu)
{
	const struct lodge_events *ev = &vcpu->events;

	return event_user_irq_room(vcpu) && !ev->injected.valid &&
	       !ev->exception.valid && lodge_ops->irq_allowed(vcpu);
}

/* The interrupt to take, taken; or -1. */
static int event_irq_take(struct lodge_vcpu *vcpu)
{
	int vector = vcpu->events.user_irq;

	if (vcpu->apic)
		return lodge_irq_ack(vcpu);
	vcpu->events.user_irq = -1;
	return vector;
}

static bool event_irq_waits(struct lodge_vcpu *vcpu)
{
	if (vcpu->apic)
		return lodge_irq_pending(vcpu) >= 0;
	return vcpu->events.user_irq >= 0;
}

static void event_submit(struct lodge_vcpu *vcpu, u8 what,
			 const struct lodge_event *e)
{
	if (unlikely(vcpu->events.soft_len)) {
		if (lodge_event_soft(e)) {
			vcpu->regs.rip += vcpu->events.soft_len;
			vcpu->events.soft_past = vcpu->events.soft_len;
		}
		vcpu->events.soft_len = 0;
	}
	vcpu->events.submitted = what;
	vcpu->events.submitted_type = e->type;
	vcpu->events.submitted_vector = e->vector;
	vcpu->events.submitted_rip = vcpu->regs.rip;
	vcpu->stats.injections[e->type]++;
	trace_lodge_inject(vcpu, e);
	lodge_ops->inject(vcpu, e);
}

/**
 * lodge_nmi_collect() - NMIs from other threads become the vCPU's own
 * @vcpu: mutex held
 */
void lodge_nmi_collect(struct lodge_vcpu *vcpu)
{
	struct lodge_events *ev = &vcpu->events;
	unsigned int most = vcpu->regs.nmi_blocked ||
			    (ev->injected.valid &&
			     ev->injected.type == LODGE_EVENT_NMI) ? 1 : 2;
	unsigned int nr = ev->nmi_pending + atomic_xchg(&vcpu->nmi_queued, 0);

	ev->nmi_pending = min(nr, most);
}

/* Something new; true: an interrupt waits, and has to wait on. */
static bool event_take(struct lodge_vcpu *vcpu)
{
	struct lodge_events *ev = &vcpu->events;
	struct lodge_event *e = &ev->injected;

	if (ev->nmi_pending && lodge_ops->nmi_allowed(vcpu)) {
		ev->nmi_pending--;
		*e = (struct lodge_event){ .valid = true,
			.type = LODGE_EVENT_NMI, .vector = LODGE_NMI_VECTOR };
	} else if (likely(!event_irq_waits(vcpu))) {
		return false;
	} else if (lodge_ops->irq_allowed(vcpu)) {
		int vector = event_irq_take(vcpu);

		if (vector < 0)
			return false;
		*e = (struct lodge_event){ .valid = true,
			.type = LODGE_EVENT_INTR, .vector = vector };
	} else {
		return true;
	}
	event_submit(vcpu, LODGE_SUBMITTED_OTHER, e);
	return event_irq_waits(vcpu);
}

/**
 * lodge_events_inject() - give the next entry what it is to deliver
 * @vcpu: in the bracket
 *
 * Order: an exception; what was taken and not delivered; an NMI; an
 * interrupt. For what has to wait a window is requested, unless the user's
 * debugger keeps it away.
 */
void lodge_events_inject(struct lodge_vcpu *vcpu)
{
	struct lodge_events *ev = &vcpu->events;
	bool waits;

	ev->submitted = LODGE_SUBMITTED_NONE;
	if (unlikely(test_bit(LODGE_REQ_NMI, &vcpu->requests)) &&
	    lodge_request_test(vcpu, LODGE_REQ_NMI))
		lodge_nmi_collect(vcpu);
	if (unlikely(ev->exception.valid)) {
		event_submit(vcpu, LODGE_SUBMITTED_EXCEPTION, &ev->exception);
		waits = event_irq_waits(vcpu);
	} else if (unlikely(ev->injected.valid)) {
		event_submit(vcpu, LODGE_SUBMITTED_OTHER, &ev->injected);
		waits = event_irq_waits(vcpu);
	} else if (unlikely(vcpu->debug.control & KVM_GUESTDBG_BLOCKIRQ)) {
		waits = false;
	} else {
		waits = event_take(vcpu);
	}

	if (unlikely(ev->nmi_pending) &&
	    !(vcpu->debug.control & KVM_GUESTDBG_BLOCKIRQ))
		lodge_ops->request_nmi_window(vcpu, true);
	event_irq_window(vcpu, waits || (unlikely(vcpu->user_pic) &&
				vcpu->run->request_interrupt_window &&
				event_user_irq_room(vcpu)));
}

/* #DB that is none of ours is INT1's: others are intercepted. */
static bool event_soft_exception(const struct lodge_event *e)
{
	return e->vector == LODGE_DB || e->vector == LODGE_BP ||
	       e->vector == LODGE_OF;
}

/**
 * lodge_event_requeue() - after an exit, keep what was not delivered
 * @vcpu: in the bracket
 * @vectored: what the hardware was delivering when the exit came
 *
 * What an instruction raised (INT n, INT1, INT3, INTO) is raised again by the
 * instruction itself, since RIP is still on it; unless it was injected.
 */
void lodge_event_requeue(struct lodge_vcpu *vcpu,
			 const struct lodge_event *vectored)
{
	struct lodge_events *ev = &vcpu->events;
	bool ours = ev->submitted != LODGE_SUBMITTED_NONE &&
		    vectored->type == ev->submitted_type &&
		    vectored->vector == ev->submitted_vector &&
		    vcpu->regs.rip == ev->submitted_rip;

	if (ev->submitted == LODGE_SUBMITTED_EXCEPTION)
		ev->exception.valid = false;
	else if (ev->submitted != LODGE_SUBMITTED_NONE)
		ev->injected.valid = false;
	ev->submitted = LODGE_SUBMITTED_NONE;
	if (likely(!vectored->valid))
		return;
	switch (vectored->type) {
	case LODGE_EVENT_EXCEPTION:
		if (event_soft_exception(vectored) && !ours)
			return;
		ev->exception = *vectored;
		ev->exception_injected = true;
		return;
	case LODGE_EVENT_SOFT_INTR:
		if (!ours)
			return;
		fallthrough;
	default:
		ev->injected = *vectored;
	}
}

/**
 * lodge_vcpu_wakes() - is there a reason to end HLT?
 * @vcpu: mutex held
 */
bool lodge_vcpu_wakes(struct lodge_vcpu *vcpu)
{
	const struct lodge_events *ev = &vcpu->events;

	if (ev->exception.valid || ev->injected.valid ||
	    READ_ONCE(vcpu->unhalted))
		return true;
	if ((ev->nmi_pending || atomic_read(&vcpu->nmi_queued)) &&
	    !vcpu->regs.nmi_blocked)
		return true;
	return (vcpu->apic ? lodge_irq_waits(vcpu) : ev->user_irq >= 0) &&
	       (vcpu->regs.rflags & LODGE_RFLAGS_IF);
}

/**
 * lodge_vcpu_runnable() - can it enter the guest, or has it to wait?
 * @vcpu: mutex held
 *
 * Also true when a request or a latched INIT or SIPI is to be looked at.
 */
bool lodge_vcpu_runnable(struct lodge_vcpu *vcpu)
{
	switch (READ_ONCE(vcpu->mp_state)) {
	case KVM_MP_STATE_RUNNABLE:
		return true;
	case KVM_MP_STATE_HALTED:
		return READ_ONCE(vcpu->requests) & EVENT_WAKING ||
		       lodge_vcpu_wakes(vcpu) || lodge_lapic_init_pending(vcpu);
	default:
		return lodge_lapic_init_pending(vcpu);
	}
}

/*
 * Wake a vCPU that sleeps, interrupt the CPU of one that is inside. That CPU
 * can't go offline before preemption is on again here.
 */
static void event_interrupt(struct lodge_vcpu *vcpu,
			    void (*interrupt)(int cpu))
{
	int cpu;

	if (rcuwait_wake_up(&vcpu->wait))
		return;
	preempt_disable();
	if (READ_ONCE(vcpu->mode) == LODGE_INSIDE) {
		cpu = READ_ONCE(vcpu->cpu);
		/* Here it is the own thread, which looks before it enters. */
		if (cpu != smp_processor_id())
			interrupt(cpu);
	}
	preempt_enable();
}

/**
 * lodge_vcpu_kick() - have a vCPU look at its requests
 * @vcpu: running, sleeping or neither
 *
 * Context: any, also interrupts off.
 */
void lodge_vcpu_kick(struct lodge_vcpu *vcpu)
{
	event_interrupt(vcpu, lodge_host_interrupt);
}

/**
 * lodge_vcpu_notify() - requests have been posted to a vCPU's APIC
 * @vcpu: any
 * @marks: LODGE_POSTED_*, as bits, that are new
 *
 * A CPU that collects by itself need not leave the guest. If it has left it
 * meanwhile, the notification is an interrupt that means nothing; the vCPU says
 * that it is inside before it looks at the marks, which were set before.
 *
 * Context: any, also interrupts off.
 */
void lodge_vcpu_notify(struct lodge_vcpu *vcpu, u32 marks)
{
	if (lodge_caps.irq_posting && marks == BIT(LODGE_POSTED_ON))
		event_interrupt(vcpu, lodge_host_post);
	else
		lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
}

/**
 * lodge_vcpu_request() - ask something of a vCPU
 * @vcpu: any
 * @req: LODGE_REQ_*
 *
 * Context: any, also interrupts off. The bit is set before the vCPU is
 * looked at, and a vCPU says that it is inside before it looks at the bits.
 */
void lodge_vcpu_request(struct lodge_vcpu *vcpu, int req)
{
	set_bit(req, &vcpu->requests);
	smp_mb__after_atomic();	/* pairs with smp_store_mb() in run.c */
	lodge_vcpu_kick(vcpu);
}

static void event_ipi(void *unused)
{
}

/* Is a vCPU of the VM in the guest on @cpu? */
static bool event_inside(int cpu, void *vm)
{
	/* Pairs with the release in lodge_vcpu_create(): vcpu[] is filled. */
	u32 i, nr = smp_load_acquire(&((struct lodge_vm *)vm)->nr_vcpus);

	for (i = 0; i < nr; i++) {
		struct lodge_vcpu *vcpu = ((struct lodge_vm *)vm)->vcpu[i];

		if (READ_ONCE(vcpu->mode) == LODGE_INSIDE &&
		    READ_ONCE(vcpu->cpu) == cpu)
			return true;
	}
	return false;
}

/**
 * lodge_vm_request() - ask something of all vCPUs of a VM
 * @vm: whose
 * @req: LODGE_REQ_*
 * @wait: until each has left the guest, if it was in it
 *
 * Context: interrupts on; with @wait no lock that a bracket takes is held,
 * since a bracket waits for it with interrupts off.
 */
void lodge_vm_request(struct lodge_vm *vm, int req, bool wait)
{
	/* Pairs with the release in lodge_vcpu_create(): vcpu[] is filled. */
	u32 i, nr = smp_load_acquire(&vm->nr_vcpus);
	bool inside = false;

	for (i = 0; i < nr; i++)
		set_bit(req, &vm->vcpu[i]->requests);
	smp_mb__after_atomic();	/* pairs with smp_store_mb() in run.c */
	for (i = 0; i < nr; i++) {
		if (!wait)
			lodge_vcpu_kick(vm->vcpu[i]);
		else if (READ_ONCE(vm->vcpu[i]->mode) == LODGE_INSIDE)
			inside = true;
	}
	/* All at once; who left the guest meanwhile has seen the request. */
	if (inside)
		on_each_cpu_cond_mask(event_inside, event_ipi, vm, true,
				      cpu_possible_mask);
}

/* Where HLT does not exit it does as long as a kick waits for it. */
static void event_unhalted(struct lodge_vcpu *vcpu, bool on)
{
	WRITE_ONCE(vcpu->unhalted, on);
	if (unlikely(READ_ONCE(vcpu->vm->exits_off) &
		     KVM_X86_DISABLE_EXITS_HLT))
		lodge_vcpu_request(vcpu, LODGE_REQ_INTERCEPTS);
}

/**
 * lodge_vcpu_unhalt() - a kick: ends HLT, also one that is yet to come
 * @vcpu: any
 *
 * Context: any, also interrupts off.
 */
void lodge_vcpu_unhalt(struct lodge_vcpu *vcpu)
{
	event_unhalted(vcpu, true);
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
}

/**
 * lodge_vcpu_woken() - a HLT has ended; the kick, if there was one, was for that
 * @vcpu: mutex held
 */
void lodge_vcpu_woken(struct lodge_vcpu *vcpu)
{
	event_unhalted(vcpu, false);
}

/**
 * lodge_nmi_queue() - an NMI for a vCPU
 * @vcpu: any
 *
 * Context: any. More than two at a time are one, as on hardware.
 */
void lodge_nmi_queue(struct lodge_vcpu *vcpu)
{
	atomic_inc(&vcpu->nmi_queued);
	lodge_vcpu_request(vcpu, LODGE_REQ_NMI);
}
