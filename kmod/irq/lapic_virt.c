// SPDX-License-Identifier: GPL-2.0
/*
 * A local APIC on a CPU that virtualizes it: where it is found, and what the
 * hardware is told of it.
 *
 * Called by lapic.c, in the vCPU's own thread, and by the backend. Next:
 * lapic_timer.c, ../vmx/vmx_apic.c.
 */
#include "chips.h"
#include "apic_bits.h"

/**
 * lodge_apic_update() - the page has changed: tell the hardware that has it
 * @apic: own thread's
 */
void lodge_apic_update(struct lodge_lapic *apic)
{
	if (lodge_caps.virtual_apic)
		lodge_ops->update_irqs(apic->vcpu);
}

/**
 * lodge_apic_look() - move what has been posted to IRR
 * @apic: own thread's
 */
void lodge_apic_look(struct lodge_lapic *apic)
{
	if (likely(!READ_ONCE(apic->regs.posted.on)))
		return;
	lodge_apic_collect(&apic->regs);
	lodge_apic_update(apic);
}

/**
 * lodge_lapic_mode() - where the guest finds its APIC
 * @vcpu: own thread
 *
 * Return: LODGE_APIC_*.
 */
int lodge_lapic_mode(struct lodge_vcpu *vcpu)
{
	const struct lodge_lapic *apic = vcpu->apic;

	if (!apic)
		return LODGE_APIC_NONE;
	if (lodge_apic_x2(&apic->regs))
		return LODGE_APIC_X2;
	return apic->elsewhere ? LODGE_APIC_ELSEWHERE : LODGE_APIC_PAGE;
}

/**
 * lodge_apic_moved() - an APIC may have another mode or address
 * @apic: own thread's
 *
 * While all APICs of the VM are found at the usual address, the page there can
 * be the hardware's. The first to go takes it away before it runs again.
 */
void lodge_apic_moved(struct lodge_lapic *apic)
{
	u64 base = apic->regs.base & ~LODGE_BASE_BSP;
	bool elsewhere = base != (LODGE_BASE_DEFAULT | LODGE_BASE_ENABLE);

	if (!lodge_caps.virtual_apic)
		return;
	if (elsewhere != apic->elsewhere) {
		apic->elsewhere = elsewhere;
		atomic_add(elsewhere ? 1 : -1, &apic->chip->elsewhere);
		if (elsewhere)
			lodge_vcpu_request(apic->vcpu, LODGE_REQ_APIC_PAGE);
	}
	lodge_ops->update_intercepts(apic->vcpu);
	lodge_ops->update_irqs(apic->vcpu);
}

/**
 * lodge_lapic_page_at() - is the hardware's APIC page at an address?
 * @vm: whose
 * @gfn: guest frame in which no memory is
 *
 * Context: any; tdp.lock to act upon it.
 */
bool lodge_lapic_page_at(struct lodge_vm *vm, gfn_t gfn)
{
	return gfn == LODGE_BASE_DEFAULT >> 12 && lodge_caps.apic_page &&
	       vm->irqchip && !atomic_read(&vm->irqchip->elsewhere);
}

/**
 * lodge_lapic_tops() - what hardware that delivers has to know
 * @vcpu: own thread, with an APIC
 * @irr: to fill: the highest vector requested, or 0
 * @isr: to fill: the highest in service, or 0
 *
 * Return: the vectors whose end it has to tell: 256 bits.
 */
const unsigned long *lodge_lapic_tops(struct lodge_vcpu *vcpu, u8 *irr, u8 *isr)
{
	struct lodge_apic_regs *r = &vcpu->apic->regs;
	bool on = lodge_apic_hw_enabled(r);

	*irr = on ? max(lodge_apic_top(&r->reg[R_IRR]), 0) : 0;
	*isr = on ? max(lodge_apic_top(&r->reg[R_ISR]), 0) : 0;
	return vcpu->apic->chip->eoi_vectors;
}
