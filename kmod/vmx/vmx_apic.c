// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU's virtual APIC: the guest reads, and in part writes, the registers of
 * the APIC (../irq/lapic.c) without an exit, and takes interrupts from them.
 *
 * Each of these is used where the one before it is there, too: TPR; accesses by
 * memory and by MSR; all registers; delivery and end of interrupts; collecting
 * what other CPUs post. Intel manual: "APIC Virtualization and Virtual
 * Interrupts". Called by vmx_vcpu.c and vmx_run.c. Next: ../irq/lapic.c.
 */
#include <linux/module.h>

#include "vmx.h"
#include "vmx_insn.h"

#define X2APIC_MSRS	0x800

enum {
	APICV_TPR = 1, APICV_ACCESS, APICV_REGS, APICV_DELIVERY, APICV_POSTING
};

/* Secondary controls, from which apicv= on. */
static const struct {
	u8 from;
	u32 bit;
	const char *name;
} apic_ctls[] = {
	{ APICV_ACCESS, VMX_PROC2_APIC_ACCESS, "apic-page" },
	{ APICV_ACCESS, VMX_PROC2_X2APIC, "x2apic" },
	{ APICV_REGS, VMX_PROC2_APIC_REGS, "apic-registers" },
	{ APICV_DELIVERY, VMX_PROC2_VIRTUAL_INTR, "virtual-interrupts" },
};

static char *apicv = "5";
module_param(apicv, charp, 0444);
MODULE_PARM_DESC(apicv, "VT-x's virtual APIC: 0 none, 1 TPR, 2 accesses, 3 registers, 4 delivery, 5 posting");

/**
 * vmx_apic_config() - what of the virtual APIC is used
 * @caps: to fill
 * @proc_may: primary controls that the CPU has
 * @proc2_may: secondary ones
 * @pin_may: pin-based ones
 */
void vmx_apic_config(struct lodge_caps *caps, u32 proc_may, u32 proc2_may,
		     u32 pin_may)
{
	bool tpr = proc_may & VMX_PROC_TPR_SHADOW;
	int most = tpr ? apicv[0] - '0' : 0;
	unsigned int i;

	caps->virtual_apic = most >= APICV_TPR;
	lodge_caps_name(caps, tpr, caps->virtual_apic, "tpr-shadow");
	for (i = 0; i < ARRAY_SIZE(apic_ctls); i++) {
		bool use = most >= apic_ctls[i].from;

		if (use)
			vmx_config.apic |= apic_ctls[i].bit & proc2_may;
		lodge_caps_name(caps, proc2_may & apic_ctls[i].bit, use,
				apic_ctls[i].name);
	}
	caps->irq_delivery = vmx_config.apic & VMX_PROC2_VIRTUAL_INTR;
	caps->irq_posting = most >= APICV_POSTING && caps->irq_delivery &&
			    (pin_may & VMX_PIN_POSTED) && LODGE_POST_VECTOR;
	lodge_caps_name(caps, pin_may & VMX_PIN_POSTED, caps->irq_posting,
			"posted-interrupts");
}

static void vmx_apic_msrs(struct vmx_vcpu *vmx, u64 reads, u64 writes)
{
	u32 i;

	if (vmx->x2_reads == reads && vmx->x2_writes == writes)
		return;
	vmx->x2_reads = reads;
	vmx->x2_writes = writes;
	for (i = 0; i < 64; i++)
		vmx_set_msr_intercept(&vmx->vcpu, X2APIC_MSRS + i,
				      !(reads & BIT_ULL(i)),
				      !(writes & BIT_ULL(i)));
}

/**
 * vmx_apic_ctls() - secondary controls for the APIC, as its mode is
 * @vmx: whose
 *
 * The MSR bitmap follows: where the CPU does not virtualize an access it would
 * go to the host's own APIC.
 */
u32 vmx_apic_ctls(struct vmx_vcpu *vmx)
{
	u32 ctls = vmx->vcpu.apic ? vmx_config.apic : 0;
	int mode = lodge_lapic_mode(&vmx->vcpu);

	if (mode != LODGE_APIC_PAGE)
		ctls &= ~VMX_PROC2_APIC_ACCESS;
	if (mode != LODGE_APIC_X2)
		ctls &= ~VMX_PROC2_X2APIC;
	/* A debugger keeps interrupts out, for which the CPU knows no word. */
	if (vmx->vcpu.debug.control & KVM_GUESTDBG_BLOCKIRQ)
		ctls &= ~VMX_PROC2_VIRTUAL_INTR;
	vmx_apic_msrs(vmx, vmx_x2_reads(ctls), vmx_x2_writes(ctls));
	return ctls;
}

/**
 * vmx_apic_write_fixed() - what of the VMCS never changes
 * @vmx: in the bracket, with an APIC
 */
void vmx_apic_write_fixed(struct vmx_vcpu *vmx)
{
	hpa_t page = lodge_hw_pa(vmx->vcpu.apic);
	int i;

	vmcs_write(VMCS_VIRTUAL_APIC, page);
	vmx->hw_threshold = 0;
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
	if (vmx_config.apic & VMX_PROC2_APIC_ACCESS)
		vmcs_write(VMCS_APIC_ACCESS, lodge_caps.apic_page);
	for (i = 0; lodge_caps.irq_delivery && i < 4; i++) {
		vmx->hw_eoi[i] = 0;
		vmcs_write(VMCS_EOI_BITMAP + 2 * i, 0);
	}
	if (!lodge_caps.irq_posting)
		return;
	vmcs_write(VMCS_EXIT_CTLS, vmx_config.exit | VMX_EXITC_ACK_INTR);
	vmcs_write(VMCS_POSTED_VECTOR, LODGE_POST_VECTOR);
	vmcs_write(VMCS_POSTED_DESC, page + LODGE_APIC_POSTED);
}

/**
 * vmx_apic_write_irqs() - have the CPU know what IRR and ISR have
 * @vmx: in the bracket, with an APIC
 *
 * Without delivery by the CPU it exits when TPR gets below what waits for it.
 */
void vmx_apic_write_irqs(struct vmx_vcpu *vmx)
{
	const unsigned long *eoi;
	u32 threshold;
	u8 irr, isr;
	int i;

	eoi = lodge_lapic_tops(&vmx->vcpu, &irr, &isr);
	if (!lodge_caps.irq_delivery) {
		threshold = vmx_tpr_threshold(irr,
				lodge_lapic_cr8(&vmx->vcpu) << 4);
		if (threshold != vmx->hw_threshold)
			vmcs_write(VMCS_TPR_THRESHOLD, threshold);
		vmx->hw_threshold = threshold;
		return;
	}
	vmcs_write(VMCS_GUEST_INTR_STATUS, isr << 8 | irr);
	for (i = 0; i < 4; i++) {
		unsigned long map = READ_ONCE(eoi[i]);

		if (map == vmx->hw_eoi[i])
			continue;
		vmx->hw_eoi[i] = map;
		vmcs_write(VMCS_EOI_BITMAP + 2 * i, map);
	}
}

/**
 * vmx_apic_enter() - before an entry with a TPR threshold
 * @vmx: in the bracket, with an APIC
 *
 * It must not be above TPR then. Intel manual: "VM-Execution Control Fields".
 */
void vmx_apic_enter(struct vmx_vcpu *vmx)
{
	if (lodge_lapic_cr8(&vmx->vcpu) < vmx->hw_threshold)
		vmx->stale |= VMX_STALE_IRQS;
}

/**
 * vmx_update_irqs() - IRR or ISR have changed, or which ends are to be told
 * @vcpu: whose
 */
void vmx_update_irqs(struct lodge_vcpu *vcpu)
{
	to_vmx(vcpu)->stale |= VMX_STALE_IRQS;
}
