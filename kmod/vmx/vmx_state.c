// SPDX-License-Identifier: GPL-2.0
/*
 * Registers between struct lodge_regs and the VMCS, by group.
 *
 * Called through the operations, by lodge_need() and before entry. R_DRS is
 * always valid in lodge_regs, since MOV DR and #DB exit; so are what blocks
 * interrupts (vmx_event.c) and EFER. Next: ../state.c, for what the user sees.
 */
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <asm/msr-index.h>

#include "vmx.h"
#include "vmx_insn.h"

#define VMX_CR0_UNLOADED (LODGE_CR0_CD | LODGE_CR0_NW)
#define VMX_EFER	(LODGE_EFER_SCE | LODGE_EFER_LME | LODGE_EFER_LMA | \
			 LODGE_EFER_NX)
#define VMX_TYPE_ACCESSED	1
#define VMX_TYPE_BUSY		2
#define VMX_TYPE_TSS_LONG	11	/* busy, of 64 bits */

/* Of a segment that can't be used, the DPL of SS alone means something. */
static void vmx_seg_from_hw(struct lodge_regs *r, unsigned int i)
{
	struct lodge_seg *s = &r->seg[i];

	s->sel = vmcs_read(VMCS_GUEST_SEL + 2 * i);
	s->ar = vmcs_read(VMCS_GUEST_AR + 2 * i);
	s->limit = vmcs_read(VMCS_GUEST_LIMIT + 2 * i);
	s->base = vmcs_read(VMCS_GUEST_BASE + 2 * i);
	if (s->ar & LODGE_AR_UNUSABLE)
		s->ar &= ~LODGE_AR_P;
}

/*
 * The hardware wants what a load of the segment would have left: code and data
 * accessed, TR busy.
 */
static void vmx_seg_to_hw(const struct lodge_regs *r, unsigned int i)
{
	const struct lodge_seg *s = &r->seg[i];
	u32 ar = s->ar & ~(u32)VMX_AR_RESERVED;

	if (!(ar & LODGE_AR_P))
		ar |= LODGE_AR_UNUSABLE;
	if (i == LODGE_TR)
		ar |= VMX_TYPE_BUSY;
	else if (i != LODGE_LDTR && !(ar & LODGE_AR_UNUSABLE))
		ar |= VMX_TYPE_ACCESSED;
	vmcs_write(VMCS_GUEST_SEL + 2 * i, s->sel);
	vmcs_write(VMCS_GUEST_AR + 2 * i, ar);
	vmcs_write(VMCS_GUEST_LIMIT + 2 * i, s->limit);
	vmcs_write(VMCS_GUEST_BASE + 2 * i, s->base);
}

static void vmx_crs_from_hw(struct vmx_vcpu *vmx)
{
	struct lodge_regs *r = &vmx->vcpu.regs;
	unsigned int i;

	r->cr0 = (vmx->cr0_shadow & ~VMX_CR0_OWNED) |
		 (vmcs_read(VMCS_GUEST_CR0) & VMX_CR0_OWNED);
	r->cr4 = (vmx->cr4_shadow & ~vmx->cr4_owned) |
		 (vmcs_read(VMCS_GUEST_CR4) & vmx->cr4_owned);
	r->cr2 = vmx->cr2;
	r->cr3 = vmcs_read(VMCS_GUEST_CR3);
	if (vmx_pae_paging(r))
		for (i = 0; i < ARRAY_SIZE(r->pdpte); i++)
			r->pdpte[i] = vmcs_read(VMCS_GUEST_PDPTE + 2 * i);
}

/* A guest that goes to long mode may have left in TR what reset put there. */
static void vmx_tr_long(void)
{
	u32 field = VMCS_GUEST_AR + 2 * LODGE_TR;

	vmcs_write(field, vmcs_read(field) | VMX_TYPE_TSS_LONG);
}

/*
 * CD and NW are in the shadow alone: entries do not load them. The bits that
 * VMX operation wants are set, and not seen by the guest.
 */
static void vmx_crs_to_hw(struct vmx_vcpu *vmx)
{
	const struct lodge_regs *r = &vmx->vcpu.regs;
	u32 entry = vmx_config.entry;
	u64 was = vmx->cr4_shadow;
	unsigned int i;

	vmx->cr0_shadow = r->cr0;
	vmx->cr4_shadow = r->cr4;
	vmx->cr2 = r->cr2;
	if (unlikely((was ^ r->cr4) & vmx_config.cr4_emulated))
		vmx_update_intercepts(&vmx->vcpu);
	vmcs_write(VMCS_GUEST_CR0, (r->cr0 & ~VMX_CR0_UNLOADED) |
				   vmx_config.cr0_must);
	vmcs_write(VMCS_CR0_SHADOW, r->cr0);
	vmcs_write(VMCS_GUEST_CR4, (r->cr4 & ~vmx_config.cr4_emulated) |
				   vmx_config.cr4_must);
	vmcs_write(VMCS_CR4_SHADOW, r->cr4);
	vmcs_write(VMCS_GUEST_CR3, r->cr3);
	vmcs_write(VMCS_GUEST_EFER, r->efer & VMX_EFER);
	if (vmx_pae_paging(r))
		for (i = 0; i < ARRAY_SIZE(r->pdpte); i++)
			vmcs_write(VMCS_GUEST_PDPTE + 2 * i, r->pdpte[i]);
	if (r->efer & LODGE_EFER_LMA)
		entry |= VMX_ENTRYC_LONG_MODE;
	if (vmx->entry != entry) {
		vmx->entry = entry;
		vmcs_write(VMCS_ENTRY_CTLS, entry);
		if (r->efer & LODGE_EFER_LMA)
			vmx_tr_long();
	}
	vmx_syscall_load(this_cpu_read(vmx_cpu), r);
}

/* SYSCALL's MSRs are not read back: writes of them exit. */
static void vmx_msrs_from_hw(struct vmx_vcpu *vmx)
{
	struct lodge_regs *r = &vmx->vcpu.regs;

	r->kernel_gs_base = vmx->in_bracket ?
		lodge_rdmsr(MSR_KERNEL_GS_BASE) : vmx->kernel_gs_base;
	r->sysenter_cs = vmcs_read(VMCS_GUEST_SYSENTER_CS);
	r->sysenter_esp = vmcs_read(VMCS_GUEST_SYSENTER_ESP);
	r->sysenter_eip = vmcs_read(VMCS_GUEST_SYSENTER_EIP);
}

static void vmx_msrs_to_hw(const struct lodge_regs *r)
{
	lodge_wrmsr(MSR_KERNEL_GS_BASE, r->kernel_gs_base);
	vmx_syscall_load(this_cpu_read(vmx_cpu), r);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, r->sysenter_cs);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, r->sysenter_esp);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, r->sysenter_eip);
	vmcs_write(VMCS_GUEST_PAT, r->pat);
}

static void vmx_read_groups(struct vmx_vcpu *vmx, u32 groups)
{
	struct lodge_regs *r = &vmx->vcpu.regs;
	unsigned int i;

	if (groups & LODGE_R_SEGS) {
		for (i = 0; i < LODGE_SEG_NR; i++)
			vmx_seg_from_hw(r, i);
	} else if (groups & LODGE_R_CODE) {
		vmx_seg_from_hw(r, LODGE_CS);
		vmx_seg_from_hw(r, LODGE_SS);
	}
	if (groups & LODGE_R_DTABLES) {
		r->gdt.base = vmcs_read(VMCS_GUEST_GDTR_BASE);
		r->gdt.limit = vmcs_read(VMCS_GUEST_GDTR_LIMIT);
		r->idt.base = vmcs_read(VMCS_GUEST_IDTR_BASE);
		r->idt.limit = vmcs_read(VMCS_GUEST_IDTR_LIMIT);
	}
	if (groups & LODGE_R_CRS)
		vmx_crs_from_hw(vmx);
	if (groups & LODGE_R_MSRS)
		vmx_msrs_from_hw(vmx);
}

/**
 * vmx_sync_from_hw() - make groups valid in vcpu->regs
 * @vcpu: its mutex held
 * @groups: LODGE_R_*
 *
 * Outside the bracket the VMCS is in memory, in the CPU's own form: it becomes
 * current for the moment.
 */
void vmx_sync_from_hw(struct lodge_vcpu *vcpu, u32 groups)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmx_cpu *cpu;
	unsigned long flags;

	if (!(groups & ~(LODGE_R_DRS | LODGE_R_SHADOW)))
		return;
	if (likely(vmx->in_bracket)) {
		vmx_read_groups(vmx, groups);
		return;
	}
	local_irq_save(flags);
	cpu = this_cpu_read(vmx_cpu);
	if (!vmx_take_hardware(cpu)) {
		vmx_vmptrld(vmx->vmcs_pa);
		vmx_read_groups(vmx, groups);
		vmx_vmclear(vmx->vmcs_pa);
		vmx_give_hardware(cpu);
	} else {
		lodge_vm_kill(vcpu->vm);
	}
	local_irq_restore(flags);
}

/**
 * vmx_sync_to_hw() - write groups of vcpu->regs for the next entry
 * @vcpu: in the bracket
 * @groups: LODGE_R_*, valid
 */
void vmx_sync_to_hw(struct lodge_vcpu *vcpu, u32 groups)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct lodge_regs *r = &vcpu->regs;
	unsigned int i;

	if (unlikely(!vmx->in_bracket))
		return;		/* the CPU could not be had: no entry comes */
	vmx_wake(vmx);
	if (groups & LODGE_R_CRS)
		vmx_crs_to_hw(vmx);
	if (groups & LODGE_R_SEGS)
		for (i = 0; i < LODGE_SEG_NR; i++)
			vmx_seg_to_hw(r, i);
	if (groups & LODGE_R_DTABLES) {
		vmcs_write(VMCS_GUEST_GDTR_BASE, r->gdt.base);
		vmcs_write(VMCS_GUEST_GDTR_LIMIT, r->gdt.limit);
		vmcs_write(VMCS_GUEST_IDTR_BASE, r->idt.base);
		vmcs_write(VMCS_GUEST_IDTR_LIMIT, r->idt.limit);
	}
	if (groups & LODGE_R_DRS) {
		vmcs_write(VMCS_GUEST_DR7, lodge_hw_dr7(vcpu));
		vmx->load_drs = lodge_hw_dr7(vcpu) & 0xff;
		if (unlikely(vmx->load_drs))
			lodge_host_drs_load(&this_cpu_read(vmx_cpu)->drs,
					    lodge_hw_drs(vcpu));
	}
	if (groups & LODGE_R_MSRS)
		vmx_msrs_to_hw(r);
}
