// SPDX-License-Identifier: GPL-2.0
/*
 * Asynchronous page faults: where the host has to sleep to bring in a page, a
 * guest that has asked for it is told so by a #PF with a token, and may go on
 * with something else; an interrupt and the same token tell it that the page
 * is there.
 *
 * pv.c sets it up, tdp_fault.c asks for a page, run.c meets LODGE_REQ_APF.
 * What the guest shares with us are 64 bytes of its memory: flags, which say
 * that a #PF is one of these, and a token. Next: apf_worker.c.
 */
#include <linux/kvm_para.h>

#include "apf.h"
#include "lodge.h"

#define APF_ON		(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)
#define APF_RESERVED	GENMASK_ULL(5, 4)
#define APF_ADDRESS	GENMASK_ULL(63, 6)
#define APF_NUMBERS	0xffffeU	/* of tokens: neither 0 nor the next */
#define APF_ALL		(~0U)		/* token: whatever the guest waits for */

static gpa_t apf_flags(const struct lodge_vcpu *vcpu)
{
	return (vcpu->apf.en_msr & APF_ADDRESS) +
	       offsetof(struct kvm_vcpu_pv_apf_data, flags);
}

static gpa_t apf_token(const struct lodge_vcpu *vcpu)
{
	return (vcpu->apf.en_msr & APF_ADDRESS) +
	       offsetof(struct kvm_vcpu_pv_apf_data, token);
}

/* Another each time, and no other vCPU of the VM has it. */
static u32 apf_new_token(struct lodge_vcpu *vcpu)
{
	static_assert(LODGE_VCPU_ID_MAX <= 1 << 12);

	vcpu->apf.number = vcpu->apf.number % APF_NUMBERS + 1;
	return vcpu->apf.number << 12 | vcpu->id;
}

/**
 * lodge_apf_reset() - what is on its way is not told to the guest any more
 * @vcpu: mutex held; being reset, or asynchronous page faults being set up
 * @power: the MSRs, too, as power-on and INIT do
 */
void lodge_apf_reset(struct lodge_vcpu *vcpu, bool power)
{
	struct lodge_apf *apf = &vcpu->apf;
	u32 i;

	for (i = 0; i < apf->nr; i++)
		apf->worker[i]->token = 0;
	apf->on = false;
	apf->wake_all = false;
	apf->alone = LODGE_APF_NOWHERE;
	if (power) {
		apf->en_msr = 0;
		apf->int_msr = 0;
	}
}

static bool apf_is_memory(struct lodge_vm *vm, gpa_t gpa)
{
	int idx = srcu_read_lock(&vm->srcu);
	bool is = gpa >> PAGE_SHIFT < LODGE_TDP_GFN_END &&
		  lodge_slot_find(vm, gpa >> PAGE_SHIFT);

	srcu_read_unlock(&vm->srcu, idx);
	return is;
}

/**
 * lodge_apf_enable() - write MSR_KVM_ASYNC_PF_EN
 * @vcpu: mutex held
 * @v: value; which of its bits CPUID allows has been seen to
 *
 * Each time it is on, the guest is told that all it waits for may be there: it
 * may have come from another host, where it had faults under way.
 *
 * Context: in or out of the bracket.
 * Return: 0, or 1: #GP.
 */
int lodge_apf_enable(struct lodge_vcpu *vcpu, u64 v)
{
	bool on = (v & APF_ON) == APF_ON;

	/* Without an APIC in the kernel there is no interrupt to tell by. */
	if ((v & APF_RESERVED) || (v && !vcpu->apic))
		return 1;
	if (on && !apf_is_memory(vcpu->vm, v & APF_ADDRESS))
		return 1;
	lodge_apf_reset(vcpu, false);
	vcpu->apf.en_msr = v;
	if (on) {
		vcpu->apf.on = true;
		vcpu->apf.wake_all = true;
		lodge_vcpu_request(vcpu, LODGE_REQ_APF);
	}
	return 0;
}

/**
 * lodge_apf_again() - look whether there is a page to tell the guest of
 * @vcpu: mutex held; its APIC may have been enabled, or it has taken a token
 *
 * Context: in or out of the bracket.
 */
void lodge_apf_again(struct lodge_vcpu *vcpu)
{
	if (unlikely(vcpu->apf.on))
		lodge_vcpu_request(vcpu, LODGE_REQ_APF);
}

/*
 * Would a #PF now be one that the guest expects? Not on top of another event,
 * nor where it could not be interrupted, nor twice for one page.
 */
static bool apf_may_tell(struct lodge_vcpu *vcpu, gfn_t gfn)
{
	const struct lodge_events *ev = &vcpu->events;
	struct lodge_apf *apf = &vcpu->apf;
	const struct lodge_regs *r;

	if (ev->exception.valid || ev->injected.valid || vcpu->debug.control ||
	    READ_ONCE(apf->closed) || !lodge_ops->irq_allowed(vcpu))
		return false;
	r = lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);
	if (!(r->cr0 & LODGE_CR0_PG))
		return false;
	if (!(apf->en_msr & KVM_ASYNC_PF_SEND_ALWAYS) && !lodge_regs_cpl(r))
		return false;
	if (apf->alone == gfn) {
		apf->alone = LODGE_APF_NOWHERE;
		return false;
	}
	return !lodge_apf_under_way(vcpu, gfn);
}

/**
 * lodge_apf_fault() - a page that the guest touched is not there
 * @vcpu: mutex held, not in the bracket; apf.on
 * @gfn: the page
 * @hva: its user address
 * @write: it is to be written to
 * @p: where the page goes if it takes no sleeping to have it
 *
 * Return: 0: the page is in @p; -EINPROGRESS: the guest has been told, and a
 * worker brings the page in; anything else: the caller is to wait for it.
 */
int lodge_apf_fault(struct lodge_vcpu *vcpu, gfn_t gfn, unsigned long hva,
		    bool write, struct lodge_host_page *p)
{
	struct lodge_apf_worker *w;
	u32 flags, token;
	int err;

	if (!apf_may_tell(vcpu, gfn))
		return -EBUSY;
	err = lodge_host_page_try(hva, write, p);
	if (err != -EAGAIN)
		return err;
	/* The guest takes the flags away when it is ready for the next. */
	if (lodge_gpa_read_atomic(vcpu->vm, apf_flags(vcpu), &flags,
				  sizeof(flags)) || flags)
		return -EBUSY;
	w = lodge_apf_worker_get(vcpu);
	if (!w)
		return -ENOMEM;
	flags = KVM_PV_REASON_PAGE_NOT_PRESENT;
	if (lodge_gpa_write_atomic(vcpu->vm, apf_flags(vcpu), &flags,
				   sizeof(flags)))
		return -EBUSY;
	token = apf_new_token(vcpu);
	lodge_apf_worker_start(w, gfn, hva, write, token);
	lodge_page_fault_queue(vcpu, 0, token);
	return -EINPROGRESS;
}

/* The token is in the guest's memory, if it has taken the last one. */
static bool apf_give(struct lodge_vcpu *vcpu, u32 token)
{
	u32 last;

	if (!lodge_lapic_enabled(vcpu) ||
	    lodge_gpa_read(vcpu->vm, apf_token(vcpu), &last, sizeof(last)) ||
	    last ||
	    lodge_gpa_write(vcpu->vm, apf_token(vcpu), &token, sizeof(token)))
		return false;
	lodge_lapic_raise(vcpu, vcpu->apf.int_msr);
	return true;
}

/**
 * lodge_apf_ready() - meet LODGE_REQ_APF: tell the guest of a page that is there
 * @vcpu: mutex held
 *
 * One at a time: the guest asks for the next one (MSR_KVM_ASYNC_PF_ACK).
 *
 * Context: outside the bracket; may sleep.
 */
void lodge_apf_ready(struct lodge_vcpu *vcpu)
{
	struct lodge_apf *apf = &vcpu->apf;
	struct lodge_apf_worker *w;

	if (!apf->on)
		return;
	if (apf->wake_all) {
		apf->wake_all = !apf_give(vcpu, APF_ALL);
		return;
	}
	w = lodge_apf_worker_done(vcpu);
	if (!w || !apf_give(vcpu, w->token))
		return;
	/* What could not be had so is waited for the next time. */
	if (w->err)
		apf->alone = w->gfn;
	lodge_apf_worker_free(w);
}
