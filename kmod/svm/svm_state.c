// SPDX-License-Identifier: GPL-2.0
/*
 * Registers between struct lodge_regs and the VMCB, by group.
 *
 * Called through the operations, by lodge_need() and before entry.
 * Next: ../state.c, for what the user sees of them.
 */
#include "svm.h"

#define SVM_CR0_CACHE	(LODGE_CR0_CD | LODGE_CR0_NW)

static u32 svm_ar_from_hw(u16 attrib)
{
	u32 ar = (attrib & 0xff) | (attrib & 0xf00) << 4;

	return attrib & LODGE_AR_P ? ar : ar | LODGE_AR_UNUSABLE;
}

static u16 svm_ar_to_hw(u32 ar)
{
	u16 attrib = (ar & 0xff) | (ar >> 4 & 0xf00);

	return ar & LODGE_AR_UNUSABLE ? attrib & ~LODGE_AR_P : attrib;
}

static void svm_seg_from_hw(struct lodge_seg *s, const struct svm_seg *hw)
{
	s->sel = hw->sel;
	s->ar = svm_ar_from_hw(hw->attrib);
	s->limit = hw->limit;
	s->base = hw->base;
}

static void svm_seg_to_hw(struct svm_seg *hw, const struct lodge_seg *s)
{
	hw->sel = s->sel;
	hw->attrib = svm_ar_to_hw(s->ar);
	hw->limit = s->limit;
	hw->base = s->base;
}

/*
 * CPL is a field of its own, and some CPUs leave SS.DPL stale after SYSRET:
 * the field is right.
 */
static void svm_code_from_hw(struct lodge_regs *r, const struct svm_vmcb *vmcb)
{
	svm_seg_from_hw(&r->seg[LODGE_CS], &vmcb->cs);
	svm_seg_from_hw(&r->seg[LODGE_SS], &vmcb->ss);
	r->seg[LODGE_SS].ar &= ~LODGE_AR_DPL;
	r->seg[LODGE_SS].ar |= FIELD_PREP(LODGE_AR_DPL, vmcb->cpl);
}

static void svm_segs_from_hw(struct lodge_regs *r, const struct svm_vmcb *vmcb)
{
	svm_code_from_hw(r, vmcb);
	svm_seg_from_hw(&r->seg[LODGE_ES], &vmcb->es);
	svm_seg_from_hw(&r->seg[LODGE_DS], &vmcb->ds);
	svm_seg_from_hw(&r->seg[LODGE_FS], &vmcb->fs);
	svm_seg_from_hw(&r->seg[LODGE_GS], &vmcb->gs);
	svm_seg_from_hw(&r->seg[LODGE_LDTR], &vmcb->ldtr);
	svm_seg_from_hw(&r->seg[LODGE_TR], &vmcb->tr);
	r->seg[LODGE_TR].ar |= 2;	/* its type may lose the busy bit */
}

static void svm_segs_to_hw(struct svm_vmcb *vmcb, const struct lodge_regs *r)
{
	svm_seg_to_hw(&vmcb->es, &r->seg[LODGE_ES]);
	svm_seg_to_hw(&vmcb->cs, &r->seg[LODGE_CS]);
	svm_seg_to_hw(&vmcb->ss, &r->seg[LODGE_SS]);
	svm_seg_to_hw(&vmcb->ds, &r->seg[LODGE_DS]);
	svm_seg_to_hw(&vmcb->fs, &r->seg[LODGE_FS]);
	svm_seg_to_hw(&vmcb->gs, &r->seg[LODGE_GS]);
	svm_seg_to_hw(&vmcb->ldtr, &r->seg[LODGE_LDTR]);
	svm_seg_to_hw(&vmcb->tr, &r->seg[LODGE_TR]);
	if (!(vmcb->cr0 & LODGE_CR0_PE))
		vmcb->cpl = 0;
	else if (r->rflags & LODGE_RFLAGS_VM)
		vmcb->cpl = 3;
	else
		vmcb->cpl = FIELD_GET(LODGE_AR_DPL, r->seg[LODGE_SS].ar);
	vmcb->clean &= ~SVM_CLEAN_SEG;
}

static void svm_crs_from_hw(struct svm_vcpu *svm)
{
	struct lodge_regs *r = &svm->vcpu.regs;
	const struct svm_vmcb *vmcb = svm->vmcb;

	r->cr0 = (vmcb->cr0 & ~SVM_CR0_CACHE) | svm->cr0_cache_bits;
	r->cr2 = vmcb->cr2;
	r->cr3 = vmcb->cr3;
	r->cr4 = vmcb->cr4;
	r->efer = vmcb->efer & ~LODGE_EFER_SVME;
}

/*
 * A guest that disables caches does so in its own eyes only: with nested
 * paging the bits would slow down the CPU for nobody's good. Unless the user
 * wants them to (KVM_X86_QUIRK_CD_NW_CLEARED).
 */
static void svm_crs_to_hw(struct svm_vcpu *svm)
{
	const struct lodge_regs *r = &svm->vcpu.regs;
	struct svm_vmcb *vmcb = svm->vmcb;

	if (svm->cr0_cache_bits != (r->cr0 & SVM_CR0_CACHE)) {
		svm->cr0_cache_bits = r->cr0 & SVM_CR0_CACHE;
		svm_update_intercepts(&svm->vcpu);	/* of reads */
	}
	vmcb->cr0 = r->cr0;
	if (!lodge_quirk_off(svm->vcpu.vm, KVM_X86_QUIRK_CD_NW_CLEARED))
		vmcb->cr0 &= ~SVM_CR0_CACHE;
	vmcb->cr2 = r->cr2;
	vmcb->cr3 = r->cr3;
	vmcb->cr4 = r->cr4;
	vmcb->efer = r->efer | LODGE_EFER_SVME;
	vmcb->clean &= ~(SVM_CLEAN_CR | SVM_CLEAN_CR2);
}

static void svm_msrs_from_hw(struct lodge_regs *r, const struct svm_vmcb *vmcb)
{
	r->star = vmcb->star;
	r->lstar = vmcb->lstar;
	r->cstar = vmcb->cstar;
	r->sfmask = vmcb->sfmask;
	r->kernel_gs_base = vmcb->kernel_gs_base;
	r->sysenter_cs = vmcb->sysenter_cs;
	r->sysenter_esp = vmcb->sysenter_esp;
	r->sysenter_eip = vmcb->sysenter_eip;
	r->pat = vmcb->pat;
}

static void svm_msrs_to_hw(struct svm_vmcb *vmcb, const struct lodge_regs *r)
{
	vmcb->star = r->star;
	vmcb->lstar = r->lstar;
	vmcb->cstar = r->cstar;
	vmcb->sfmask = r->sfmask;
	vmcb->kernel_gs_base = r->kernel_gs_base;
	vmcb->sysenter_cs = r->sysenter_cs;
	vmcb->sysenter_esp = r->sysenter_esp;
	vmcb->sysenter_eip = r->sysenter_eip;
	vmcb->pat = r->pat;
	vmcb->clean &= ~SVM_CLEAN_NPT;
}

static void svm_drs_to_hw(struct svm_vcpu *svm)
{
	const struct lodge_vcpu *vcpu = &svm->vcpu;
	u64 dr7 = lodge_hw_dr7(vcpu);

	svm->vmcb->dr6 = lodge_debug_drs(vcpu) ? SVM_DR6_RESET :
						 vcpu->regs.dr6;
	svm->vmcb->dr7 = dr7;
	svm->load_drs = dr7 & 0xff;
	if (unlikely(svm->load_drs))
		lodge_host_drs_load(&this_cpu_read(svm_cpu)->drs,
				    lodge_hw_drs(vcpu));
	svm->vmcb->clean &= ~SVM_CLEAN_DR;
}

/* A guest that reads CR8 does not exit; one that writes it does. */
static void svm_tpr_to_hw(struct svm_vcpu *svm)
{
	struct svm_vmcb *vmcb = svm->vmcb;

	vmcb->int_ctl &= ~SVM_INT_V_TPR;
	vmcb->int_ctl |= lodge_cr_read(&svm->vcpu, 8);
	vmcb->clean &= ~SVM_CLEAN_INTR;
}

/**
 * svm_sync_from_hw() - make groups valid in vcpu->regs
 * @vcpu: its mutex held
 * @groups: LODGE_R_*
 */
void svm_sync_from_hw(struct lodge_vcpu *vcpu, u32 groups)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;
	struct lodge_regs *r = &vcpu->regs;

	if (groups & LODGE_R_SEGS)
		svm_segs_from_hw(r, vmcb);
	else if (groups & LODGE_R_CODE)
		svm_code_from_hw(r, vmcb);
	if (groups & LODGE_R_DTABLES) {
		r->gdt.base = vmcb->gdtr.base;
		r->gdt.limit = vmcb->gdtr.limit;
		r->idt.base = vmcb->idtr.base;
		r->idt.limit = vmcb->idtr.limit;
	}
	if (groups & LODGE_R_CRS)
		svm_crs_from_hw(svm);
	if (groups & LODGE_R_DRS && !lodge_debug_drs(vcpu)) {
		r->dr6 = vmcb->dr6;
		r->dr7 = vmcb->dr7;
	}
	if (groups & LODGE_R_MSRS)
		svm_msrs_from_hw(r, vmcb);
	if (groups & LODGE_R_SHADOW) {
		r->shadow = vmcb->int_state & SVM_SHADOW ?
			    LODGE_SHADOW_STI | LODGE_SHADOW_MOVSS : 0;
		r->nmi_blocked = svm->nmi_blocked;
	}
}

/**
 * svm_sync_to_hw() - write groups of vcpu->regs for the next entry
 * @vcpu: in the bracket
 * @groups: LODGE_R_*, valid
 */
void svm_sync_to_hw(struct lodge_vcpu *vcpu, u32 groups)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;
	struct lodge_regs *r = &vcpu->regs;

	if (groups & LODGE_R_CRS)
		svm_crs_to_hw(svm);
	if (groups & LODGE_R_SEGS)
		svm_segs_to_hw(vmcb, r);	/* CPL asks for CR0 */
	if (groups & LODGE_R_DTABLES) {
		vmcb->gdtr.base = r->gdt.base;
		vmcb->gdtr.limit = r->gdt.limit;
		vmcb->idtr.base = r->idt.base;
		vmcb->idtr.limit = r->idt.limit;
		vmcb->clean &= ~SVM_CLEAN_DT;
	}
	if (groups & LODGE_R_DRS)
		svm_drs_to_hw(svm);
	if (groups & LODGE_R_TPR)
		svm_tpr_to_hw(svm);
	if (groups & LODGE_R_MSRS)
		svm_msrs_to_hw(vmcb, r);
	if (groups & LODGE_R_SHADOW) {
		vmcb->int_state = r->shadow ? SVM_SHADOW : 0;
		if (svm->nmi_blocked != r->nmi_blocked) {
			svm->nmi_blocked = r->nmi_blocked;
			svm->iret_pending = false;
			if (svm->nmi_blocked)
				svm_intercept_set(vmcb, SVM_I_IRET);
			else
				svm_intercept_clear(vmcb, SVM_I_IRET);
			vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
		}
	}
}
