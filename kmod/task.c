// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches: what becomes of the event that asked for one.
 *
 * exit.c comes here when the hardware leaves a switch to be done; the switch
 * itself is the emulator's. Next: emul/task.c.
 */
#include "lodge.h"

/* The event that an exit found under way, if it is to be injected again. */
static struct lodge_event *task_event(struct lodge_vcpu *vcpu,
				    const struct lodge_event *vectored)
{
	struct lodge_event *e = &vcpu->events.injected;

	if (!vectored->valid)
		return NULL;
	if (vectored->type == LODGE_EVENT_EXCEPTION)
		e = &vcpu->events.exception;
	return e->valid && e->type == vectored->type ? e : NULL;
}

/* EXT: the program did not ask for what a fault keeps from being delivered. */
static bool task_external(const struct lodge_event *ev)
{
	if (ev->type == LODGE_EVENT_EXCEPTION)
		return ev->vector != LODGE_BP && ev->vector != LODGE_OF;
	return ev->type != LODGE_EVENT_SOFT_INTR;
}

static void task_fault(struct lodge_vcpu *vcpu)
{
	const struct lodge_emul_fault *f = &vcpu->emul->fault;

	if (f->vector == LODGE_PF)
		lodge_page_fault_queue(vcpu, f->error, f->cr2);
	else
		lodge_exception_queue(vcpu, f->vector, f->has_error, f->error);
}

/**
 * lodge_task_switch() - a hardware task switch
 * @vcpu: its mutex held
 * @exit: the switch; RIP is on the instruction that asked for it, or where
 *	the handler of an event shall return to
 *
 * An event that found a task gate is delivered by the switch. Of a fault on
 * the way that is true, too, but an exception counts for double faults.
 *
 * Context: may sleep.
 * Return: a verdict; LODGE_TO_USER when it can't be done, kvm_run not filled.
 */
int lodge_task_switch(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	bool gate = exit->task.reason == LODGE_TASK_GATE;
	struct lodge_event *kept = task_event(vcpu, &exit->vectored);
	struct lodge_regs *regs = &vcpu->regs;
	struct lodge_emul *e = vcpu->emul;
	struct lodge_task_switch t = {
		.next_rip = regs->rip,
		.error = exit->task.error,
		.sel = exit->task.selector,
		.reason = exit->task.reason,
		.has_error = exit->task.has_error,
		.external = gate && task_external(&exit->vectored),
		.rf = exit->task.set_rf || (regs->rflags & LODGE_RFLAGS_RF),
	};
	int r;

	if (!gate || !kept) {		/* CALL, JMP, IRET, INT and its kin */
		r = lodge_next_rip(vcpu, exit, true);
		if (r != LODGE_RESUME || !exit->next_rip)
			return r;
		t.next_rip = exit->next_rip;
		t.rf = false;
	}
	vcpu->emul_may_sleep = true;
	vcpu->emul_decoded = false;
	lodge_need(vcpu, LODGE_R_SEGS | LODGE_R_DTABLES | LODGE_R_CRS |
			 LODGE_R_DRS | LODGE_R_SHADOW);
	r = lodge_emul_task_switch(e, &t);
	vcpu->dirty |= e->changed;
	if (r == LODGE_EMUL_RETRY)
		return LODGE_RESUME;
	if (r == LODGE_EMUL_UNHANDLED)
		return LODGE_TO_USER;
	if (kept && (r == LODGE_EMUL_OK || kept == &vcpu->events.injected))
		kept->valid = false;
	if (r == LODGE_EMUL_FAULT)
		task_fault(vcpu);
	else if (e->trap_db)
		lodge_exception_queue(vcpu, LODGE_DB, false, 0);
	return LODGE_RESUME;
}
