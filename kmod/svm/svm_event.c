// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the guest on AMD-V: injection, windows, NMI blocking.
 *
 * Called by ../event.c through the operations. Without virtual NMIs the CPU
 * does not say when the guest's IRET ends the blocking of NMIs: IRET is
 * intercepted, and if an NMI waits, emulated. Next: ../event.c.
 */
#include <linux/percpu.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>

#include "svm.h"

/**
 * svm_event_to_hw() - an event as EVENTINJ has it
 * @ev: event
 */
u64 svm_event_to_hw(const struct lodge_event *ev)
{
	u64 v = FIELD_PREP(SVM_EVENT_VECTOR, (u64)ev->vector) |
		FIELD_PREP(SVM_EVENT_TYPE, (u64)ev->type) | SVM_EVENT_VALID;

	if (ev->has_error)
		v |= SVM_EVENT_HAS_ERROR |
		     FIELD_PREP(SVM_EVENT_ERROR, (u64)ev->error);
	return v;
}

static void svm_virq_set(struct svm_vmcb *vmcb)
{
	vmcb->int_ctl |= SVM_INT_V_IRQ | SVM_INT_V_IGN_TPR |
			 FIELD_PREP(SVM_INT_V_PRIO, 0xf);
	vmcb->clean &= ~SVM_CLEAN_INTR;
}

static void svm_virq_clear(struct svm_vmcb *vmcb)
{
	vmcb->int_ctl &= ~(SVM_INT_V_IRQ | SVM_INT_V_IGN_TPR | SVM_INT_V_PRIO);
	vmcb->clean &= ~SVM_CLEAN_INTR;
}

/* As a virtual interrupt, which is delivered if nothing else comes first. */
static void svm_irq_give(struct svm_vcpu *svm, u8 vector)
{
	struct svm_vmcb *vmcb = svm->vmcb;

	svm_request_irq_window(&svm->vcpu, false);
	vmcb->int_ctl &= ~SVM_INT_V_VECTOR;
	vmcb->int_ctl |= FIELD_PREP(SVM_INT_V_VECTOR, (u64)vector);
	svm_virq_set(vmcb);
	svm->irq_given = true;
}

/* The entry has more to do than to deliver it: inject it after all. */
static void svm_irq_take_back(struct svm_vcpu *svm)
{
	struct lodge_event ev = {
		.valid = true, .type = LODGE_EVENT_INTR,
		.vector = FIELD_GET(SVM_INT_V_VECTOR, svm->vmcb->int_ctl),
	};

	svm->irq_given = false;
	svm_virq_clear(svm->vmcb);
	svm->vmcb->event_inj = svm_event_to_hw(&ev);
}

/**
 * svm_irq_exit() - was the virtual interrupt delivered?
 * @svm: after an exit, with irq_given; its RIP is still that of the entry
 * @exit: decoded; an interrupt that was not, or not to the end, is told in it
 *
 * It also stands where a fault was delivered in its place, and the guest has
 * gone on from there: then it is lost, as it is on a processor.
 */
void svm_irq_exit(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	struct svm_vmcb *vmcb = svm->vmcb;
	u8 vector = FIELD_GET(SVM_INT_V_VECTOR, vmcb->int_ctl);

	svm->irq_given = false;
	if (vmcb->int_ctl & SVM_INT_V_IRQ &&
	    (vmcb->rip == svm->vcpu.regs.rip ||
	     (exit->vectored.valid && exit->vectored.vector == vector)))
		exit->vectored = (struct lodge_event){
			.valid = true, .type = LODGE_EVENT_INTR,
			.vector = vector,
		};
	svm_virq_clear(vmcb);
}

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

	if (unlikely(svm_irq_by_vintr) && ev->type == LODGE_EVENT_INTR &&
	    svm_irq_allowed(vcpu) && !lodge_stepping(vcpu)) {
		svm_irq_give(svm, ev->vector);
		return;
	}
	svm->vmcb->event_inj = svm_event_to_hw(ev);
	/* Where INT n, INT3 and INTO return to, on a CPU that has the field. */
	svm->vmcb->next_rip = vcpu->regs.rip;
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

/* What single steps and breakpoints leave in DR6; nothing takes it away. */
#define SVM_DR6_B	GENMASK_ULL(3, 0)
#define SVM_DR6_BS	BIT_ULL(14)

/* All vectors that are exceptions, but for #VC and #HV of encrypted guests. */
#define SVM_STEP_EXCEPTIONS	0x402f7dfbU

/* What would push TF, or replace it. SYSCALL and SYSRET are #UD without SCE. */
static const u8 svm_step_guards[] = {
	SVM_I_PUSHF, SVM_I_POPF, SVM_I_INTN, SVM_I_IRET, SVM_I_ICEBP,
};

/* Does VMRUN load the VMCB's interrupt shadow? Found when first it matters. */
static enum { SVM_SHADOW_ASK, SVM_SHADOW_KEPT, SVM_SHADOW_LOST }
svm_shadow __read_mostly;

/*
 * Have #DB come after the next instruction. The guest never sees that TF: what
 * would show it exits instead. SYSCALL is undefined without SCE; where it is
 * not to be held up, but stepped over, it must not mask TF. HLT would sleep.
 */
static void svm_step(struct svm_vcpu *svm)
{
	bool debug = lodge_stepping(&svm->vcpu);
	struct lodge_regs *r = &svm->vcpu.regs;
	struct svm_vmcb *vmcb = svm->vmcb;
	unsigned int i;

	svm->stepping = SVM_STEP_TF;
	svm->step_tf = r->rflags & LODGE_RFLAGS_TF;
	svm->step_dr6 = vmcb->dr6;
	vmcb->dr6 &= ~(SVM_DR6_B | SVM_DR6_BS);
	svm->step_sce = vmcb->efer & LODGE_EFER_SCE;
	svm->step_exceptions = vmcb->intercept[SVM_I_EXCEPTION / 32];
	vmcb->intercept[SVM_I_EXCEPTION / 32] |= SVM_STEP_EXCEPTIONS;
	for (i = 0; i < ARRAY_SIZE(svm_step_guards); i++)
		svm_intercept_set(vmcb, svm_step_guards[i]);
	svm_intercept_set(vmcb, SVM_I_HLT);
	if (!debug)
		vmcb->efer &= ~LODGE_EFER_SCE;
	svm->step_sfmask_tf = debug && vmcb->sfmask & LODGE_RFLAGS_TF;
	if (svm->step_sfmask_tf) {
		vmcb->sfmask &= ~LODGE_RFLAGS_TF;
		svm_set_msr_intercept(&svm->vcpu, MSR_SYSCALL_MASK, true, true);
	}
	vmcb->clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_CR | SVM_CLEAN_DR);
	r->rflags |= LODGE_RFLAGS_TF;
}

/*
 * The guest of svm_probe_run() in a shadow: the interrupt that waits comes
 * behind an instruction that can't be fetched, or at once. Neither, if an
 * interrupt of the host's does: then the question stays open.
 */
static void svm_shadow_ask(void)
{
	struct svm_cpu *cpu = this_cpu_read(svm_cpu);

	cpu->probe->int_state = SVM_SHADOW;
	switch (svm_probe_run(cpu, SVM_TLB_FLUSH_ALL, lodge_caps.asids - 1)) {
	case SVM_EXIT_NPF:
		WRITE_ONCE(svm_shadow, SVM_SHADOW_KEPT);
		break;
	case SVM_EXIT_VINTR:
		WRITE_ONCE(svm_shadow, SVM_SHADOW_LOST);
		break;
	}
	cpu->probe->int_state = 0;
}

/*
 * An event waits for the end of a shadow. False: a window opens behind it. On
 * QEMU's emulated CPU that is before the instruction in the shadow: between STI
 * and HLT a guest would take the interrupt it then waits for. True: that
 * instruction is stepped over; also where a CPU lets an interrupt of the host's
 * in before it, which the one that is to end the run then always is.
 */
static bool svm_shadow_wait(struct svm_vcpu *svm)
{
	if (svm->stepping == SVM_STEP_TF)
		return true;
	svm->step_rip = svm->vcpu.regs.rip;
	svm->step_shadow = svm->vcpu.regs.shadow;
	svm->stepping = SVM_STEP_WAIT;
	if (unlikely(READ_ONCE(svm_shadow) == SVM_SHADOW_ASK))
		svm_shadow_ask();
	if (unlikely(READ_ONCE(svm_shadow) == SVM_SHADOW_LOST || svm->step_stuck))
		svm_step(svm);
	return svm->stepping == SVM_STEP_TF;
}

/**
 * svm_debug_step() - have the user's debugger told after one instruction
 * @svm: about to be entered, its events injected
 *
 * Delivery of an event counts for one: no TF then, which it would push, but an
 * interrupt of the host's, which comes before the handler's first instruction.
 */
void svm_debug_step(struct svm_vcpu *svm)
{
	if (svm->vmcb->event_inj & SVM_EVENT_VALID) {
		svm->stepping = SVM_STEP_EVENT;
		lodge_host_interrupt(smp_processor_id());
	} else if (svm->stepping != SVM_STEP_TF) {
		svm->step_rip = svm->vcpu.regs.rip;
		svm->step_shadow = svm->vcpu.regs.shadow;
		svm_step(svm);
	}
}

/**
 * svm_request_irq_window() - exit as soon as the guest can take interrupts
 * @vcpu: whose
 * @on: or no more
 *
 * A virtual interrupt that is intercepted before it is delivered. AMD manual:
 * "Virtual Interrupts".
 */
void svm_request_irq_window(struct lodge_vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;
	bool is_on;

	if (unlikely(svm->irq_given)) {
		if (!on)
			return;
		svm_irq_take_back(svm);
	}
	is_on = vmcb->int_ctl & SVM_INT_V_IRQ;
	/* What is injected now ends a shadow. */
	if (unlikely(on && vcpu->regs.shadow &&
		     !(vmcb->event_inj & SVM_EVENT_VALID)))
		on = !svm_shadow_wait(svm);
	if (likely(on == is_on))
		return;
	if (on) {
		svm_virq_set(vmcb);
		svm_intercept_set(vmcb, SVM_I_VINTR);
	} else {
		svm_virq_clear(vmcb);
		svm_intercept_clear(vmcb, SVM_I_VINTR);
	}
	vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
}

/**
 * svm_request_nmi_window() - exit as soon as the guest can take NMIs
 * @vcpu: whose
 * @on: or no more
 *
 * Blocked by an NMI under way: its IRET exits, and is emulated, so that no
 * other instruction gets between it and the next NMI. Behind an event that is
 * delivered first, or by a shadow: an interrupt of the host's ends the run as
 * soon as that is over.
 */
void svm_request_nmi_window(struct lodge_vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;

	if (!on)
		return;
	if (svm->irq_given)
		svm_irq_take_back(svm);
	if (svm->nmi_blocked) {
		svm->iret_pending = false;
		svm_intercept_set(vmcb, SVM_I_IRET);
		vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
	} else if (vmcb->event_inj & SVM_EVENT_VALID || !svm_shadow_wait(svm)) {
		lodge_host_interrupt(smp_processor_id());
	}
}

static bool svm_step_guard(u64 reason)
{
	return reason == SVM_EXIT_PUSHF || reason == SVM_EXIT_POPF ||
	       reason == SVM_EXIT_SWINT || reason == SVM_EXIT_IRET ||
	       reason == SVM_EXIT_ICEBP;
}

static bool svm_step_guarded(const struct lodge_exit *exit)
{
	if (svm_step_guard(exit->hw_reason))
		return true;
	return exit->kind == LODGE_EXIT_EXCEPTION &&
	       exit->exception.vector != LODGE_DB &&
	       exit->exception.vector != LODGE_MC;
}

/* SYSCALL has put our TF into R11, and not taken away what it should have. */
static void svm_step_syscall(struct svm_vcpu *svm, struct lodge_regs *r)
{
	if (r->rip == svm->step_rip ||
	    r->gpr[LODGE_RCX] != svm->step_rip + 2 ||
	    !(r->gpr[LODGE_R11] & LODGE_RFLAGS_TF) ||
	    (r->rip != svm->vmcb->lstar && r->rip != svm->vmcb->cstar))
		return;
	if (!svm->step_tf)
		r->gpr[LODGE_R11] &= ~LODGE_RFLAGS_TF;
	if (svm->step_sfmask_tf)
		r->rflags &= ~LODGE_RFLAGS_TF;
}

/*
 * The same for the user's debugger: what can't be stepped over is emulated. A
 * trap that the guest itself has asked for comes with its next entry.
 */
static void svm_debug_end(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	struct lodge_vcpu *vcpu = &svm->vcpu;
	struct svm_vmcb *vmcb = svm->vmcb;

	if (svm->step_sfmask_tf) {
		vmcb->sfmask |= LODGE_RFLAGS_TF;
		svm_update_intercepts(vcpu);
	}
	svm_step_syscall(svm, &vcpu->regs);
	if (svm_step_guard(exit->hw_reason)) {
		exit->kind = LODGE_EXIT_EMULATE;
	} else if (exit->hw_reason == SVM_EXIT_EXCEPTION + LODGE_DB &&
		   vmcb->dr6 & SVM_DR6_BS) {
		exit->kind = LODGE_EXIT_STEP;
		if (!svm->step_tf)
			vmcb->dr6 &= ~SVM_DR6_BS;
		if (svm->step_tf || (vmcb->dr6 & SVM_DR6_B &&
				     !lodge_debug_drs(vcpu)))
			lodge_exception_queue(vcpu, LODGE_DB, false, 0);
	}
	if (lodge_debug_drs(vcpu))
		vmcb->dr6 = SVM_DR6_RESET;
}

/* Was the event delivered? Then this is where its handler begins. */
static void svm_debug_event(struct lodge_exit *exit)
{
	if (exit->vectored.valid || exit->kind == LODGE_EXIT_EXCEPTION ||
	    exit->kind == LODGE_EXIT_SHUTDOWN ||
	    exit->kind == LODGE_EXIT_ENTRY_FAILED)
		return;
	exit->kind = LODGE_EXIT_STEP;
	exit->exception.info = SVM_DR6_RESET | SVM_DR6_BS;
}

/*
 * The step is over, or was not made. What can't be stepped over loses its
 * shadow: the event that waits comes before it, as it may with STI (AMD manual:
 * "NMI Intercept"), and after MOV SS these use a stack as it is themselves.
 */
static void svm_step_end(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	struct lodge_regs *r = &svm->vcpu.regs;
	struct svm_vmcb *vmcb = svm->vmcb;
	unsigned int i;

	vmcb->intercept[SVM_I_EXCEPTION / 32] = svm->step_exceptions;
	for (i = 0; i < ARRAY_SIZE(svm_step_guards); i++)
		svm_intercept_clear(vmcb, svm_step_guards[i]);
	svm_intercept_int3(svm);
	svm_intercept_waits(svm);
	if (svm->nmi_blocked && !svm->iret_pending)
		svm_intercept_set(vmcb, SVM_I_IRET);
	if (svm->step_sce)
		vmcb->efer |= LODGE_EFER_SCE;
	vmcb->clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_CR | SVM_CLEAN_DR);
	if (!svm->step_tf)
		r->rflags &= ~LODGE_RFLAGS_TF;
	if (lodge_stepping(&svm->vcpu)) {
		svm_debug_end(svm, exit);
	} else if (svm_step_guarded(exit)) {
		vmcb->int_state &= ~SVM_SHADOW;
		r->shadow = 0;
		exit->kind = LODGE_EXIT_NMI_WINDOW;
	} else if (exit->hw_reason == SVM_EXIT_EXCEPTION + LODGE_DB &&
		   !svm->step_tf) {
		vmcb->dr6 &= ~SVM_DR6_BS;
		/* Unless a breakpoint of the guest's was hit, too. */
		if (!(vmcb->dr6 & SVM_DR6_B))
			exit->kind = LODGE_EXIT_NMI_WINDOW;
	}
	vmcb->dr6 |= svm->step_dr6 & (SVM_DR6_B | SVM_DR6_BS);
	native_set_debugreg(6, vmcb->dr6);
}

/*
 * Where RIP is still what it was, the shadow is still there, whatever a CPU
 * says that has not loaded it.
 */
static void svm_shadow_exit(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	struct lodge_regs *r = &svm->vcpu.regs;
	bool db = exit->hw_reason == SVM_EXIT_EXCEPTION + LODGE_DB;

	svm->step_stuck = svm->stepping == SVM_STEP_WAIT &&
			  exit->kind == LODGE_EXIT_INTR &&
			  r->rip == svm->step_rip;
	if (svm->stepping == SVM_STEP_TF)
		svm_step_end(svm, exit);
	else if (svm->stepping == SVM_STEP_EVENT)
		svm_debug_event(exit);
	if (svm->stepping != SVM_STEP_EVENT && svm->step_shadow && READ_ONCE(svm_shadow) != SVM_SHADOW_KEPT &&
	    r->rip == svm->step_rip && !db &&
	    exit->kind != LODGE_EXIT_NMI_WINDOW) {
		svm->vmcb->int_state |= SVM_SHADOW;
		r->shadow = svm->step_shadow;
	}
	svm->stepping = SVM_STEP_NOT;
}

/*
 * IRET by an NMI handler. If another NMI waits the emulator executes it, but for
 * one that switches tasks, which exits as such; else the CPU, and the next exit
 * finds that it has been.
 */
static void svm_iret_exit(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	struct lodge_vcpu *vcpu = &svm->vcpu;

	if (vcpu->events.nmi_pending &&
	    !(vcpu->regs.rflags & LODGE_RFLAGS_NT)) {
		exit->kind = LODGE_EXIT_EMULATE;
		return;
	}
	svm_intercept_clear(svm->vmcb, SVM_I_IRET);
	svm->vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
	svm->iret_pending = true;
	svm->iret_rip = vcpu->regs.rip;
}

/**
 * svm_nmi_exit() - follow the guest's way out of its NMI handler
 * @svm: after an exit, with nmi_blocked or stepping; also after a refused entry
 * @exit: decoded; a #DB of our own stepping becomes an NMI window
 */
void svm_nmi_exit(struct svm_vcpu *svm, struct lodge_exit *exit)
{
	if (svm->stepping)
		svm_shadow_exit(svm, exit);
	if (!svm->nmi_blocked)
		return;
	if (exit->hw_reason == SVM_EXIT_IRET) {
		if (exit->kind != LODGE_EXIT_EMULATE)
			svm_iret_exit(svm, exit);
	} else if (svm->iret_pending && svm->vcpu.regs.rip != svm->iret_rip) {
		svm->iret_pending = false;
		svm->nmi_blocked = false;
	}
}
