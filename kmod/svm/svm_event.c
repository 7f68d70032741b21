// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the guest on AMD-V: injection, windows, NMI blocking.
 *
 * Called by ../event.c through the operations. Without virtual NMIs the CPU
 * does not say when the guest's IRET ends the blocking of NMIs: IRET is
 * intercepted, and if an NMI waits, stepped over. Next: ../event.c.
 */
#include <linux/percpu.h>
#include <asm/debugreg.h>

#include "svm.h"

/**
 * svm_inject() - have the next entry deliver an event
 * @vcpu: to
 * @ev: event; RIP is where the handler shall return to
 *
 * AMD manual: "Event Injection".
 */
void svm_inject(struct lodge_vcpu *vcpu, const struct lodge_event *ev)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->event_inj = FIELD_PREP(SVM_EVENT_VECTOR, (u64)ev->vector) |
			       FIELD_PREP(SVM_EVENT_TYPE, (u64)ev->type) |
			       SVM_EVENT_VALID;
	if (ev->has_error)
		svm->vmcb->event_inj |= SVM_EVENT_HAS_ERROR |
			FIELD_PREP(SVM_EVENT_ERROR, (u64)ev->error);
	if (ev->type == LODGE_EVENT_NMI) {
		svm->nmi_blocked = true;
		vcpu->regs.nmi_blocked = true;
		svm->iret_pending = false;
		svm_intercept_set(svm->vmcb, SVM_I_IRET);
		svm->vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
	}
}

/**
 * svm_irq_allowed() - can the guest take an interrupt at the next entry?
 * @vcpu: groups but R_SHADOW need not be synced
 */
bool svm_irq_allowed(struct lodge_vcpu *vcpu)
{
	return (vcpu->regs.rflags & LODGE_RFLAGS_IF) && !vcpu->regs.shadow;
}

/**
 * svm_nmi_allowed() - can the guest take an NMI at the next entry?
 * @vcpu: as for svm_irq_allowed()
 */
bool svm_nmi_allowed(struct lodge_vcpu *vcpu)
{
	return !to_svm(vcpu)->nmi_blocked && !vcpu->regs.shadow;
}

#define SVM_DR6_BS	BIT_ULL(14)

/*
 * Have #DB come after the next instruction. An event that is injected comes
 * first, ends a shadow, and would push our TF.
 */
static void svm_step(struct svm_vcpu *svm)
{
	struct lodge_regs *r = &svm->vcpu.regs;

	if (svm->stepping || svm->vmcb->event_inj & SVM_EVENT_VALID)
		return;
	svm->stepping = true;
	svm->step_rip = r->rip;
	svm->step_tf = r->rflags & LODGE_RFLAGS_TF;
	svm->step_bs = svm->vmcb->dr6 & SVM_DR6_BS;
	r->rflags |= LODGE_RFLAGS_TF;
}

/**
 * svm_request_irq_window() - exit as soon as the guest can take interrupts
 * @vcpu: whose
 * @on: or no more
 *
 * A virtual interrupt that is intercepted before it is delivered. An interrupt
 * shadow is stepped over, since QEMU's emulated CPU forgets it at VMRUN
 * (docs/TESTING.md): between STI and HLT a guest would take the interrupt it
 * then waits for. AMD manual: "Virtual Interrupts".
 */
void svm_request_irq_window(struct lodge_vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;
	bool is_on = vmcb->int_ctl & SVM_INT_V_IRQ;

	/* What is injected now ends a shadow. */
	if (unlikely(on && vcpu->regs.shadow &&
		     !(vmcb->event_inj & SVM_EVENT_VALID))) {
		svm_step(svm);
		on = false;
	}
	if (likely(on == is_on))
		return;
	if (on) {
		vmcb->int_ctl |= SVM_INT_V_IRQ | SVM_INT_V_IGN_TPR |
				 FIELD_PREP(SVM_INT_V_PRIO, 0xf);
		svm_intercept_set(vmcb, SVM_I_VINTR);
	} else {
		vmcb->int_ctl &= ~(SVM_INT_V_IRQ | SVM_INT_V_IGN_TPR |
				   SVM_INT_V_PRIO);
		svm_intercept_clear(vmcb, SVM_I_VINTR);
	}
	vmcb->clean &= ~(SVM_CLEAN_INTR | SVM_CLEAN_INTERCEPTS);
}

/**
 * svm_request_nmi_window() - exit as soon as the guest can take NMIs
 * @vcpu: whose
 * @on: or no more
 *
 * Blocked by an NMI under way: its IRET is intercepted, nothing to do until
 * then; once it has been seen, step over it. Blocked by a shadow: step.
 */
void svm_request_nmi_window(struct lodge_vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (on && !(svm->nmi_blocked && !svm->iret_pending))
		svm_step(svm);
}

/* The step is over, or was not made: give the guest its TF back. */
static void svm_step_end(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	struct lodge_regs *r = &svm->vcpu.regs;
	bool moved = r->rip != svm->step_rip;

	svm->stepping = false;
	if (!svm->step_tf && (!moved || !svm->iret_pending))
		r->rflags &= ~LODGE_RFLAGS_TF;
	if (exit->kind == LODGE_EXIT_EXCEPTION &&
	    exit->exception.vector == LODGE_DB && !svm->step_tf) {
		if (!svm->step_bs)
			svm->vmcb->dr6 &= ~SVM_DR6_BS;
		native_set_debugreg(6, svm->vmcb->dr6);
		/* Unless a breakpoint of the guest's was hit, too. */
		if (!(svm->vmcb->dr6 & 0xf))
			exit->kind = LODGE_EXIT_NMI_WINDOW;
		svm->vmcb->clean &= ~SVM_CLEAN_DR;
	}
}

/**
 * svm_nmi_exit() - follow the guest's way out of its NMI handler
 * @svm: after an exit, with nmi_blocked or stepping
 * @exit: decoded; a #DB of our own stepping becomes an NMI window
 */
void svm_nmi_exit(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	u64 rip = svm->vcpu.regs.rip;

	if (svm->stepping)
		svm_step_end(svm, exit);
	if (exit->hw_reason == SVM_EXIT_IRET) {
		svm_intercept_clear(svm->vmcb, SVM_I_IRET);
		svm->vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
		svm->iret_pending = true;
		svm->iret_rip = rip;
	} else if (svm->iret_pending && rip != svm->iret_rip) {
		svm->iret_pending = false;
		svm->nmi_blocked = false;
	}
}
