// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_GUEST_DEBUG: the user's debugger of a guest.
 *
 * vcpu_ioctl.c sets it; exit.c and emulate.c say when a step or a breakpoint
 * has come, run.c takes it to the user. The hardware's part is the backends':
 * what a step needs is hidden from the guest. Next: svm/svm_event.c.
 */
#include "lodge.h"

#define DR6_ACTIVE_LOW	0xffff0ff0ULL
#define DR6_BS		BIT_ULL(14)
#define DR7_FIXED_1	BIT_ULL(10)
#define DR6_BD		BIT_ULL(13)
#define DR7_DEFINED	0xffff23ffULL

static bool debug_exception_waits(const struct lodge_vcpu *vcpu)
{
	const struct lodge_events *ev = &vcpu->events;

	return (ev->exception.valid && !ev->exception_injected) ||
	       test_bit(LODGE_REQ_TRIPLE_FAULT, &vcpu->requests);
}

/**
 * lodge_debug_set() - KVM_SET_GUEST_DEBUG
 * @vcpu: whose
 * @d: as the user gave it
 *
 * Return: 0, or -EBUSY: an exception is to be injected, and one waits.
 */
int lodge_debug_set(struct lodge_vcpu *vcpu, const struct kvm_guest_debug *d)
{
	struct lodge_debug *debug = &vcpu->debug;
	u32 control = d->control;

	if (control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (debug_exception_waits(vcpu))
			return -EBUSY;
		if (control & KVM_GUESTDBG_INJECT_DB) {
			lodge_exception_queue(vcpu, LODGE_DB, false, 0);
		} else {
			lodge_exception_queue(vcpu, LODGE_BP, false, 0);
			vcpu->events.soft_len = 1;
		}
	}
	if (!(control & KVM_GUESTDBG_ENABLE))
		control = 0;
	lodge_touch(vcpu, LODGE_R_DRS);	/* of before, and to be loaded anew */
	debug->control = control;
	memcpy(debug->dr, d->arch.debugreg, sizeof(debug->dr));
	debug->dr7 = (d->arch.debugreg[7] & DR7_DEFINED) | DR7_FIXED_1;
	if (!lodge_stepping(vcpu))
		clear_bit(LODGE_REQ_STEPPED, &vcpu->requests);
	lodge_ops->update_intercepts(vcpu);
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}

/**
 * lodge_debug_stepped() - an instruction has been done for the guest
 * @vcpu: that is being stepped; RIP is past it
 *
 * The user is told as soon as the loop is outside the bracket; what the
 * instruction itself has for him comes first.
 */
void lodge_debug_stepped(struct lodge_vcpu *vcpu)
{
	vcpu->debug.rip = vcpu->regs.rip;
	set_bit(LODGE_REQ_STEPPED, &vcpu->requests);
}

/**
 * lodge_debug_exit() - tell the user that there is something for his debugger
 * @vcpu: RIP is where it shows
 * @vector: LODGE_DB or LODGE_BP
 * @dr6: what DR6 would say of it; the guest's own stays as it is
 *
 * Return: a verdict.
 */
int lodge_debug_exit(struct lodge_vcpu *vcpu, u8 vector, u64 dr6)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
	const struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CODE |
						LODGE_R_CRS | LODGE_R_DRS);

	if (lodge_debug_drs(vcpu))
		lodge_touch(vcpu, LODGE_R_DRS);	/* DR6 of the hardware anew */
	clear_bit(LODGE_REQ_STEPPED, &vcpu->requests);
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	*arch = (struct kvm_debug_exit_arch){
		.exception = vector,
		.pc = r->seg[LODGE_CS].base + r->rip,
		.dr6 = dr6,
		.dr7 = lodge_debug_drs(vcpu) ? vcpu->debug.dr7 : r->dr7,
	};
	return LODGE_TO_USER;
}

/**
 * lodge_debug_request() - LODGE_REQ_STEPPED is to be met
 * @vcpu: outside the bracket
 *
 * Return: a verdict: to the user, unless he has moved RIP meanwhile.
 */
int lodge_debug_request(struct lodge_vcpu *vcpu)
{
	if (!lodge_stepping(vcpu) || vcpu->regs.rip != vcpu->debug.rip)
		return LODGE_RESUME;
	return lodge_debug_exit(vcpu, LODGE_DB, DR6_ACTIVE_LOW | DR6_BS);
}

/**
 * lodge_debug_access() - MOV to or from a debug register
 * @vcpu: its mutex held
 * @exit: of it, which comes always
 * @may_sleep: outside the bracket
 *
 * The guest's own registers are not hidden from it, unless the user wants to
 * know. Return: a verdict.
 */
int lodge_debug_access(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		       bool may_sleep)
{
	if (lodge_debug_drs(vcpu) && vcpu->debug.dr7 & LODGE_DR7_GD)
		return lodge_debug_exit(vcpu, LODGE_DB,
					DR6_ACTIVE_LOW | DR6_BD);
	return lodge_emulate(vcpu, exit, may_sleep);
}
