// SPDX-License-Identifier: GPL-2.0
/*
 * What interrupts a CPU: its local APIC's requests, and the PIC's.
 *
 * Called by run.c and event.c before each entry, in the vCPU's own thread.
 * Next: lapic_virt.c.
 */
#include "chips.h"
#include "apic_bits.h"

static bool pic_pending(struct lodge_lapic *apic)
{
	return unlikely(READ_ONCE(apic->chip->pic.output)) &&
	       lodge_apic_takes_extint(&apic->regs);
}

/* From a PIC that is the user's. */
static bool user_irq_pending(struct lodge_vcpu *vcpu)
{
	return unlikely(vcpu->events.user_irq >= 0) && lodge_lapic_extint(vcpu);
}

/* Something may be there: what, and does it come through? */
static noinline int irq_pending_slow(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	unsigned long flags;
	int v;

	if (user_irq_pending(vcpu))
		return vcpu->events.user_irq;
	if (pic_pending(apic)) {
		lodge_lock_irqsave(&vcpu->vm->irq_lock, flags);
		v = lodge_pic_peek(&apic->chip->pic);
		lodge_unlock_irqrestore(&vcpu->vm->irq_lock, flags);
		if (v >= 0)
			return v;
	}
	lodge_apic_look(apic);
	if (lodge_caps.irq_delivery)
		return -1;
	v = lodge_apic_highest(&apic->regs);
	if (v < 0)
		lodge_apic_update(apic);	/* it may wait for a lower TPR */
	return v;
}

/**
 * lodge_lapic_enabled() - does the CPU's APIC take messages?
 * @vcpu: own thread, with an APIC
 */
bool lodge_lapic_enabled(struct lodge_vcpu *vcpu)
{
	const struct lodge_apic_regs *r = &vcpu->apic->regs;

	return lodge_apic_hw_enabled(r) && (r->reg[R_SVR].v & SVR_ENABLE);
}

/**
 * lodge_irq_pending() - what is to be injected now
 * @vcpu: own thread, in or out of the bracket
 *
 * The PIC comes first, as its interrupts have no priority to be compared. What
 * the hardware delivers by itself is told to it here.
 * On the way of each entry: with nothing there, a few loads.
 *
 * Return: the vector, or -1.
 */
int lodge_irq_pending(struct lodge_vcpu *vcpu)
{
	const struct lodge_lapic *apic = vcpu->apic;

	if (!apic || likely(!READ_ONCE(apic->regs.posted.on) &&
			    (!apic->regs.irr_pending || lodge_caps.irq_delivery) &&
			    !READ_ONCE(apic->chip->pic.output) &&
			    vcpu->events.user_irq < 0))
		return -1;
	return irq_pending_slow(vcpu);
}

/**
 * lodge_irq_waits() - would anything interrupt the CPU now?
 * @vcpu: own thread, in or out of the bracket
 *
 * As lodge_irq_pending(), but with what the hardware is to deliver.
 */
bool lodge_irq_waits(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	int v;

	if (lodge_irq_pending(vcpu) >= 0)
		return true;
	if (!apic || !lodge_caps.irq_delivery)
		return false;
	apic->regs.irr_pending = true;	/* the hardware sets no hint */
	v = lodge_apic_highest(&apic->regs);
	lodge_apic_update(apic);	/* that may have collected */
	return v >= 0;
}

/**
 * lodge_irq_ack() - the CPU takes the interrupt that is pending
 * @vcpu: own thread, in or out of the bracket
 *
 * Return: its vector, or -1 if there is none any more.
 */
int lodge_irq_ack(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	int v;

	if (!apic)
		return -1;
	if (user_irq_pending(vcpu)) {
		v = vcpu->events.user_irq;
		vcpu->events.user_irq = -1;
		return v;
	}
	if (pic_pending(apic)) {
		v = lodge_pic_ack(vcpu->vm);
		if (v >= 0)
			return v;
	}
	lodge_apic_look(apic);
	v = lodge_caps.irq_delivery ? -1 : lodge_apic_highest(&apic->regs);
	if (v >= 0)
		lodge_apic_take(&apic->regs, v);
	return v;
}
