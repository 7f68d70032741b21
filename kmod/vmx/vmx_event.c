// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the guest on VT-x: injection, windows, what blocks them.
 *
 * Called by ../event.c through the operations, and by vmx_run.c around each
 * entry. Next: ../event.c.
 */
#include <linux/percpu.h>

#include "vmx.h"
#include "vmx_insn.h"

#define VMX_DR6_TRAPS	(GENMASK_ULL(3, 0))
#define VMX_DR6_CAUSE	(VMX_DR6_TRAPS | BIT_ULL(13) | BIT_ULL(14))
#define VMX_DR7_GD	BIT_ULL(13)

/* INT n, INT3 and INTO push the address behind themselves. */
static u32 vmx_event_type(const struct lodge_event *ev)
{
	if (ev->type == LODGE_EVENT_EXCEPTION &&
	    (ev->vector == LODGE_BP || ev->vector == LODGE_OF))
		return VMX_INTR_SOFT_EXCEPTION;
	return ev->type;
}

/**
 * vmx_wake() - HLT is over
 * @vmx: in the bracket
 *
 * Where HLT does not exit, the guest that is interrupted in it waits on at the
 * next entry, but not with another state, nor with each event.
 * Intel manual: "Checks on Guest Non-Register State".
 */
void vmx_wake(struct vmx_vcpu *vmx)
{
	if (likely(!vmx->halted))
		return;
	vmx->halted = false;
	vmcs_write(VMCS_GUEST_ACTIVITY, VMX_ACTIVE);
}

/**
 * vmx_inject() - have the next entry deliver an event
 * @vcpu: to, in the bracket
 * @ev: event; RIP is where the handler shall return to
 *
 * Where an instruction raises the event the hardware adds its length to RIP:
 * a length of 0 if it knows that, else 1, and RIP is one less (vmx_run.c).
 * What is under delivery ends a shadow, and an NMI's own blocking comes with
 * its delivery.
 * Intel manual: "VM-Entry Controls for Event Injection".
 */
void vmx_inject(struct lodge_vcpu *vcpu, const struct lodge_event *ev)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 type = vmx_event_type(ev), info;

	if (unlikely(!vmx->in_bracket))
		return;
	vmx_wake(vmx);
	info = FIELD_PREP(VMX_INTR_VECTOR, ev->vector) |
	       FIELD_PREP(VMX_INTR_TYPE, type) | VMX_INTR_VALID;
	if (ev->has_error) {
		info |= VMX_INTR_HAS_ERROR;
		vmcs_write(VMCS_ENTRY_INTR_ERROR, ev->error);
	}
	if (type >= VMX_INTR_SOFT_INTR) {
		vmx->soft = true;
		vmx->soft_len = vmx_config.insn_len_0 ? 0 : 1;
		vmcs_write(VMCS_ENTRY_INSN_LEN, vmx->soft_len);
	}
	if (type == VMX_INTR_EXTERNAL || type == VMX_INTR_NMI)
		vcpu->regs.shadow = 0;
	if (type == VMX_INTR_NMI)
		vcpu->regs.nmi_blocked = 0;
	vmcs_write(VMCS_ENTRY_INTR_INFO, info);
}

/**
 * vmx_irq_allowed() - can the guest take an interrupt at the next entry?
 * @vcpu: groups but R_SHADOW need not be synced
 */
bool vmx_irq_allowed(struct lodge_vcpu *vcpu)
{
	return (vcpu->regs.rflags & LODGE_RFLAGS_IF) && !vcpu->regs.shadow;
}

/**
 * vmx_nmi_allowed() - can the guest take an NMI at the next entry?
 * @vcpu: as for vmx_irq_allowed()
 */
bool vmx_nmi_allowed(struct lodge_vcpu *vcpu)
{
	return !vcpu->regs.nmi_blocked && !vcpu->regs.shadow;
}

static void vmx_windows(struct vmx_vcpu *vmx, bool irq, bool nmi)
{
	if (vmx->irq_window == irq && vmx->nmi_window == nmi)
		return;
	vmx->irq_window = irq;
	vmx->nmi_window = nmi;
	vmx->stale |= VMX_STALE_CTLS;
}

/**
 * vmx_request_irq_window() - exit as soon as the guest can take interrupts
 * @vcpu: whose
 * @on: or no more
 */
void vmx_request_irq_window(struct lodge_vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_windows(vmx, on, vmx->nmi_window);
}

/**
 * vmx_request_nmi_window() - exit as soon as the guest can take NMIs
 * @vcpu: whose
 * @on: or no more
 *
 * The shadow of STI may or may not keep the window shut; interrupts, which are
 * enabled then, wait for its end on every CPU.
 * Intel manual: "NMI-Window Exiting and Virtual-NMI Blocking".
 */
void vmx_request_nmi_window(struct lodge_vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (on && (vcpu->regs.shadow & LODGE_SHADOW_STI) &&
	    (vcpu->regs.rflags & LODGE_RFLAGS_IF))
		vmx_windows(vmx, true, false);
	else
		vmx_windows(vmx, vmx->irq_window, on);
}

/* With TF set, a trap is pending where a shadow holds it back; else not. */
static void vmx_pending_debug_write(struct vmx_vcpu *vmx)
{
	const struct lodge_regs *r = &vmx->vcpu.regs;
	u64 was = vmcs_read(VMCS_GUEST_PENDING_DEBUG), now;

	now = r->rflags & LODGE_RFLAGS_TF ? was | VMX_PENDING_BS : was & ~VMX_PENDING_BS;
	if (now != was)
		vmcs_write(VMCS_GUEST_PENDING_DEBUG, now);
}

/**
 * vmx_blocking_write() - tell the hardware what blocks events
 * @vmx: in the bracket, before an entry; its RFLAGS are in the VMCS
 *
 * One shadow at a time, and none of STI where IF is clear.
 * Intel manual: "Checks on Guest Non-Register State".
 */
void vmx_blocking_write(struct vmx_vcpu *vmx)
{
	const struct lodge_regs *r = &vmx->vcpu.regs;
	u32 blocking = r->nmi_blocked ? VMX_BLOCK_NMI : 0;

	if (unlikely(r->shadow & LODGE_SHADOW_MOVSS))
		blocking |= VMX_BLOCK_MOVSS;
	else if (unlikely(r->shadow) && (r->rflags & LODGE_RFLAGS_IF))
		blocking |= VMX_BLOCK_STI;
	if (unlikely(blocking & ~VMX_BLOCK_NMI))
		vmx_pending_debug_write(vmx);
	if (likely(vmx->hw_blocking == blocking))
		return;
	vmx->hw_blocking = blocking;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking);
}

/* The hardware has left DR6 and DR7 alone. */
static void vmx_debug_exit(struct vmx_vcpu *vmx, const struct lodge_exit *exit)
{
	struct lodge_regs *r = lodge_touch(&vmx->vcpu, LODGE_R_DRS);

	r->dr6 = (r->dr6 & ~VMX_DR6_TRAPS) |
		 (exit->exception.info & VMX_DR6_CAUSE);
	r->dr7 &= ~VMX_DR7_GD;
	/* INT1 is a trap: the handler returns behind it. */
	if (FIELD_GET(VMX_INTR_TYPE, vmx->raw.intr_info) ==
	    VMX_INTR_PRIV_EXCEPTION)
		r->rip += vmcs_read(VMCS_EXIT_INSN_LEN);
}

/*
 * An #AC that the guest has not asked for: the host looks for split locks. They
 * slow down all CPUs, but a guest knows of no such fault: it goes on.
 */
static bool vmx_split_lock_exit(struct vmx_vcpu *vmx)
{
	const struct lodge_regs *r = lodge_need(&vmx->vcpu, LODGE_R_CODE |
						LODGE_R_CRS);

	if (vmx_ac_asked(r->cr0, r->rflags, lodge_regs_cpl(r)) ||
	    !vmx_split_locks_let(this_cpu_read(vmx_cpu)))
		return false;
	if (!vmx->split_locks)
		lodge_warn_limited("lodge: vCPU %u: split lock at RIP 0x%llx; it and those to come slow down the host\n",
				   vmx->vcpu.id, r->rip);
	vmx->split_locks = true;
	return true;
}

/* The host's, as an NMI is: its handler runs when the bracket has ended. */
static void vmx_machine_check_exit(struct vmx_vcpu *vmx, struct lodge_exit *exit)
{
	vmx->host_mc = true;
	exit->kind = LODGE_EXIT_NMI;
}

/**
 * vmx_event_exit() - what an exit tells of events, if vmx_insn_exit() is false
 * @vmx: in the bracket, its general registers and what blocks events are read
 * @exit: decoded
 */
void vmx_event_exit(struct vmx_vcpu *vmx, struct lodge_exit *exit)
{
	const struct vmx_raw_exit *raw = &vmx->raw;
	struct lodge_regs *r = &vmx->vcpu.regs;

	if (unlikely(!(vmx->proc & VMX_PROC_HLT)))
		vmx->halted = vmcs_read(VMCS_GUEST_ACTIVITY) == VMX_HLT;
	switch (exit->kind) {
	case LODGE_EXIT_NMI:
		vmx->host_nmi = true;
		return;
	case LODGE_EXIT_INTR:
		/* Taken from the host's APIC already, if it had to be. */
		if (lodge_caps.irq_posting && vmx->vcpu.apic)
			vmx->host_vector = vmcs_read(VMCS_EXIT_INTR_INFO);
		return;
	case LODGE_EXIT_NMI_WINDOW:
		vmx_windows(vmx, vmx->irq_window, false);
		return;
	case LODGE_EXIT_EXCEPTION:
		/* What the user's breakpoints do is none of the guest's. */
		if (exit->exception.vector == LODGE_DB &&
		    !lodge_debug_drs(&vmx->vcpu))
			vmx_debug_exit(vmx, exit);
		else if (exit->exception.vector == LODGE_AC &&
			 vmx_split_lock_exit(vmx))
			exit->kind = LODGE_EXIT_NONE;
		else if (exit->exception.vector == LODGE_MC)
			vmx_machine_check_exit(vmx, exit);
		break;
	}
	if (unlikely(vmx_iret_undone(raw)))
		r->nmi_blocked = 1;
	/* What was to be delivered is again, from where it returns to. */
	if (unlikely(vmx->soft && vmx_vectoring_has_len(raw->vec_info) &&
		     raw->rip == vmx->soft_rip))
		r->rip += vmx->soft_len;
}
