// SPDX-License-Identifier: GPL-2.0
/*
 * Paravirtual EOI: the guest ends an interrupt by clearing a bit in its own
 * memory, without an exit, when nobody else waits for that end.
 *
 * run.c calls around each entry; msr.c's table sets the address.
 * Next: lapic_timer.c.
 */
#include "chips.h"
#include "apic_bits.h"

#define PV_EOI_ENABLE	BIT_ULL(0)

/**
 * lodge_lapic_set_pv_eoi() - write MSR_KVM_PV_EOI_EN
 * @vcpu: own thread
 * @msr: address of 4 aligned bytes, bit 0: enable
 *
 * Return: 0, or 1: #GP.
 */
int lodge_lapic_set_pv_eoi(struct lodge_vcpu *vcpu, u64 msr)
{
	if ((msr & ~PV_EOI_ENABLE) & 3)
		return 1;
	if (vcpu->apic)
		vcpu->apic->pv_eoi_set = false;
	vcpu->pv_eoi_msr = msr;
	return 0;
}

/**
 * lodge_lapic_pv_eoi_entry() - let the guest end an interrupt in its memory
 * @vcpu: in the bracket, about to enter
 *
 * Only if nothing else waits for that end: neither a lower request, nor the
 * I/O APIC.
 */
void lodge_lapic_pv_eoi_entry(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	u8 yes = 1;
	int v;

	/* Hardware that ends services itself would not hear of this one. */
	if (!apic || !(vcpu->pv_eoi_msr & PV_EOI_ENABLE) || apic->pv_eoi_set ||
	    lodge_caps.irq_delivery || apic->regs.irr_pending ||
	    READ_ONCE(apic->regs.posted.on))
		return;
	v = lodge_apic_top(&apic->regs.reg[R_ISR]);
	if (v < 0 || test_bit(v, apic->chip->eoi_vectors))
		return;
	apic->pv_eoi_set = !lodge_gpa_write_atomic(vcpu->vm,
			vcpu->pv_eoi_msr & ~PV_EOI_ENABLE, &yes, sizeof(yes));
}

/**
 * lodge_lapic_pv_eoi_exit() - has the guest ended it?
 * @vcpu: in the bracket, after an exit
 *
 * If the page can't be reached now, lodge_lapic_pv_eoi_finish() does it.
 */
void lodge_lapic_pv_eoi_exit(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	gpa_t gpa = vcpu->pv_eoi_msr & ~PV_EOI_ENABLE;
	u8 flag, no = 0;

	if (!apic || !apic->pv_eoi_set)
		return;
	if (lodge_gpa_read_atomic(vcpu->vm, gpa, &flag, sizeof(flag)))
		return;
	if (!(flag & 1))
		lodge_apic_end(apic);
	else if (lodge_gpa_write_atomic(vcpu->vm, gpa, &no, sizeof(no)))
		return;
	apic->pv_eoi_set = false;
}

/**
 * lodge_lapic_pv_eoi_finish() - the same where it may sleep
 * @vcpu: own thread, outside the bracket
 *
 * An interrupt that ended unseen would keep a halted vCPU from waking. A page
 * that is gone altogether is the guest's own doing: the EOI is taken as made.
 */
void lodge_lapic_pv_eoi_finish(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	gpa_t gpa = vcpu->pv_eoi_msr & ~PV_EOI_ENABLE;
	u8 flag = 0, no = 0;

	if (likely(!apic || !apic->pv_eoi_set))
		return;
	apic->pv_eoi_set = false;
	if (lodge_gpa_read(vcpu->vm, gpa, &flag, sizeof(flag)) || !(flag & 1))
		lodge_apic_end(apic);
	else
		lodge_gpa_write(vcpu->vm, gpa, &no, sizeof(no));
}
