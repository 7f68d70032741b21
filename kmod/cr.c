// SPDX-License-Identifier: GPL-2.0
/*
 * Control, extended control and debug registers: reads and writes that exit.
 *
 * Called by exit.c and the emulator's system instructions, in the bracket or
 * out of it. Which values are legal is in cr_check.c. Next: cr_check.c.
 */
#include <linux/irqflags.h>

#include "cr_check.h"
#include "lodge.h"

#define CR3_PCID_BITS		GENMASK_ULL(11, 0)
#define CR3_NO_FLUSH		BIT_ULL(63)
#define CR3_PAE_BASE		GENMASK_ULL(31, 5)

#define DR6_FIXED_1		0xffff0ff0ULL
#define DR6_VOLATILE		0x0000e00fULL
#define DR6_BD			BIT_ULL(13)
#define DR7_FIXED_1		0x00000400ULL
#define DR7_VOLATILE		0xffff2bffULL
#define DR7_GD			BIT_ULL(13)

/**
 * lodge_pdptes_load() - the four entries that CR3 of PAE paging points to
 * @vcpu: in or out of the bracket, R_CRS valid
 * @cr3: CR3
 *
 * Intel manual: "PDPTE Registers".
 *
 * Return: 0; 1: #GP; -EAGAIN: again where it may sleep.
 */
int lodge_pdptes_load(struct lodge_vcpu *vcpu, u64 cr3)
{
	gpa_t gpa = cr3 & CR3_PAE_BASE;
	u64 pdpte[4];
	int r;

	if (irqs_disabled())
		r = lodge_gpa_read_atomic(vcpu->vm, gpa, pdpte, sizeof(pdpte));
	else
		r = lodge_gpa_read(vcpu->vm, gpa, pdpte, sizeof(pdpte));
	if (r == -EAGAIN)
		return r;
	if (r)
		return 1;
	if (!lodge_pdptes_valid(pdpte, vcpu->cpuid->maxphyaddr))
		return 1;
	memcpy(vcpu->regs.pdpte, pdpte, sizeof(pdpte));
	return 0;
}

/* EFER after a write of CR0.PG; 0, or 1: #GP. */
static int cr0_long_mode(struct lodge_regs *r, u64 v, u64 *efer)
{
	bool cs_long = r->seg[LODGE_CS].ar & LODGE_AR_L;

	*efer = r->efer;
	if (!((v ^ r->cr0) & LODGE_CR0_PG))
		return 0;
	if (v & LODGE_CR0_PG) {
		if (!(r->efer & LODGE_EFER_LME))
			return 0;
		if (!(r->cr4 & LODGE_CR4_PAE) || cs_long)
			return 1;
		*efer |= LODGE_EFER_LMA;
		return 0;
	}
	if ((r->efer & LODGE_EFER_LMA) && cs_long)
		return 1;
	if (r->cr4 & LODGE_CR4_PCIDE)
		return 1;
	*efer &= ~LODGE_EFER_LMA;
	return 0;
}

static int cr0_write(struct lodge_vcpu *vcpu, u64 v)
{
	struct lodge_regs *r = &vcpu->regs;
	u64 efer;
	int err;

	if (!lodge_cr0_valid(v))
		return 1;
	v = (v & LODGE_CR0_DEFINED) | LODGE_CR0_ET;
	if (v == r->cr0)
		return 0;
	if (cr0_long_mode(r, v, &efer))
		return 1;
	if (lodge_pdptes_reload(v, r->cr0, r->cr4, r->cr4, efer)) {
		err = lodge_pdptes_load(vcpu, r->cr3);
		if (err)
			return err;
	}
	if ((v ^ r->cr0) & LODGE_CR0_PG)
		lodge_ops->flush_tlb(vcpu);
	lodge_touch(vcpu, LODGE_R_CRS);
	r->cr0 = v;
	r->efer = efer;
	return 0;
}

static int cr3_write(struct lodge_vcpu *vcpu, u64 v)
{
	struct lodge_regs *r = &vcpu->regs;
	bool keep = false;
	int err;

	if (r->cr4 & LODGE_CR4_PCIDE) {
		keep = v & CR3_NO_FLUSH;
		v &= ~CR3_NO_FLUSH;
	}
	if (!lodge_cr3_valid(v, r->cr4, r->efer, vcpu->cpuid->maxphyaddr))
		return 1;
	if ((r->cr0 & LODGE_CR0_PG) && (r->cr4 & LODGE_CR4_PAE) &&
	    !(r->efer & LODGE_EFER_LMA)) {
		err = lodge_pdptes_load(vcpu, v);
		if (err)
			return err;
	}
	/* Translations of other PCIDs may stay, but nothing makes them. */
	if (!keep)
		lodge_ops->flush_tlb(vcpu);
	lodge_touch(vcpu, LODGE_R_CRS);
	r->cr3 = v;
	return 0;
}

/* What long mode and PCIDs demand of a new CR4. */
static bool cr4_modes_valid(const struct lodge_regs *r, u64 v)
{
	bool lma = r->efer & LODGE_EFER_LMA;

	if (lma && !(v & LODGE_CR4_PAE))
		return false;
	if (lma && ((v ^ r->cr4) & LODGE_CR4_LA57))
		return false;
	if ((v & ~r->cr4 & LODGE_CR4_PCIDE) &&
	    (!lma || (r->cr3 & CR3_PCID_BITS)))
		return false;
	return true;
}

static int cr4_write(struct lodge_vcpu *vcpu, u64 v)
{
	struct lodge_regs *r = &vcpu->regs;
	u64 old = r->cr4;
	int err;

	if ((v & vcpu->cpuid->cr4_reserved) || !cr4_modes_valid(r, v))
		return 1;
	if (v == old)
		return 0;
	if (lodge_pdptes_reload(r->cr0, r->cr0, v, old, r->efer)) {
		err = lodge_pdptes_load(vcpu, r->cr3);
		if (err)
			return err;
	}
	if (lodge_cr4_flushes(v, old))
		lodge_ops->flush_tlb(vcpu);
	lodge_touch(vcpu, LODGE_R_CRS);
	lodge_fpu_xcr0_sync(vcpu);
	r->cr4 = v;
	if ((v ^ old) & LODGE_CR4_OSXSAVE)
		lodge_fpu_xcr0_changed(vcpu);
	return 0;
}

static int cr8_write(struct lodge_vcpu *vcpu, u64 v)
{
	if (v > 15)
		return 1;
	if (vcpu->apic) {
		lodge_lapic_set_cr8(vcpu, v);
		return 0;
	}
	/* What the user's APIC holds back may be due now. */
	if (v < vcpu->regs.cr8)
		lodge_vcpu_request(vcpu, LODGE_REQ_SET_TPR);
	vcpu->regs.cr8 = v;
	vcpu->dirty |= LODGE_R_TPR;
	return 0;
}

/**
 * lodge_cr_write() - MOV to a control register
 * @vcpu: CPL is 0
 * @nr: 0, 2, 3, 4, 8
 * @v: value; outside 64-bit code its upper half is not looked at
 *
 * Intel manual: "MOV - Move to/from Control Registers".
 *
 * Return: 0; 1: #GP(0); -EAGAIN: memory must be read, again where it may
 * sleep.
 */
int lodge_cr_write(struct lodge_vcpu *vcpu, unsigned int nr, u64 v)
{
	if (!lodge_regs_long64(lodge_need(vcpu, LODGE_R_CRS | LODGE_R_CODE)))
		v = (u32)v;
	switch (nr) {
	case 0:
		return cr0_write(vcpu, v);
	case 2:
		lodge_touch(vcpu, LODGE_R_CRS)->cr2 = v;
		return 0;
	case 3:
		return cr3_write(vcpu, v);
	case 4:
		return cr4_write(vcpu, v);
	case 8:
		return cr8_write(vcpu, v);
	default:
		return 1;
	}
}

/**
 * lodge_cr_read() - MOV from a control register
 * @vcpu: whose
 * @nr: 0, 2, 3, 4, 8; others read as 0
 */
u64 lodge_cr_read(struct lodge_vcpu *vcpu, unsigned int nr)
{
	struct lodge_regs *r;

	if (nr == 8)
		return vcpu->apic ? lodge_lapic_cr8(vcpu) : vcpu->regs.cr8;
	r = lodge_need(vcpu, LODGE_R_CRS);
	switch (nr) {
	case 0:
		return r->cr0;
	case 2:
		return r->cr2;
	case 3:
		return r->cr3;
	case 4:
		return r->cr4;
	default:
		return 0;
	}
}

/**
 * lodge_efer_write() - write EFER
 * @vcpu: whose
 * @v: value; LMA in it is ignored, it follows LME and CR0.PG
 * @host: for the user, who may set what the guest's CPUID hides
 *
 * AMD manual: "Extended Feature Enable Register (EFER)".
 *
 * Return: 0, or 1: #GP.
 */
int lodge_efer_write(struct lodge_vcpu *vcpu, u64 v, bool host)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CRS);
	const u64 any = LODGE_EFER_SCE | LODGE_EFER_LME | LODGE_EFER_LMA |
			LODGE_EFER_NX | LODGE_EFER_FFXSR;

	if (v & (host ? ~any : vcpu->cpuid->efer_reserved))
		return 1;
	if (!host && (r->cr0 & LODGE_CR0_PG) &&
	    ((v ^ r->efer) & LODGE_EFER_LME))
		return 1;
	v = (v & ~LODGE_EFER_LMA) | (r->efer & LODGE_EFER_LMA);
	if ((v ^ r->efer) & LODGE_EFER_NX)
		lodge_ops->flush_tlb(vcpu);
	lodge_touch(vcpu, LODGE_R_CRS);
	r->efer = v;
	return 0;
}

/**
 * lodge_xcr_write() - XSETBV, or KVM_SET_XCRS
 * @vcpu: whose; for XSETBV the caller has checked CPL and CR4.OSXSAVE
 * @index: ECX
 * @v: EDX and EAX
 *
 * Intel manual: "XSETBV - Set Extended Control Register".
 *
 * Return: 0, or 1: #GP(0).
 */
int lodge_xcr_write(struct lodge_vcpu *vcpu, u32 index, u64 v)
{
	if (index || !lodge_xcr0_valid(v, vcpu->cpuid->xcr0_allowed | 1))
		return 1;
	lodge_need(vcpu, LODGE_R_CRS);
	vcpu->regs.xcr0 = v;
	lodge_fpu_xcr0_changed(vcpu);
	return 0;
}

/* The register meant, checked as far as no value is needed; 0 or a vector. */
static int dr_check(struct lodge_vcpu *vcpu, unsigned int *nr)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CRS | LODGE_R_SEGS |
					  LODGE_R_DRS);

	if (*nr == 4 || *nr == 5) {
		if (r->cr4 & LODGE_CR4_DE)
			return LODGE_UD;
		*nr += 2;
	}
	if (*nr > 7)
		return LODGE_UD;
	if (lodge_regs_cpl(r))
		return LODGE_GP;
	if (r->dr7 & DR7_GD) {
		lodge_touch(vcpu, LODGE_R_DRS);
		r->dr6 |= DR6_BD;
		r->dr7 &= ~DR7_GD;
		return LODGE_DB;
	}
	return 0;
}

/**
 * lodge_dr_write() - MOV to a debug register
 * @vcpu: whose
 * @nr: 0 to 7
 * @v: value
 *
 * Intel manual: "Debug Registers".
 *
 * Return: 0, or the vector of the exception: LODGE_UD, LODGE_GP (error code
 * 0), or LODGE_DB (DR6 is set already).
 */
int lodge_dr_write(struct lodge_vcpu *vcpu, unsigned int nr, u64 v)
{
	int vector = dr_check(vcpu, &nr);
	struct lodge_regs *r;

	if (vector)
		return vector;
	if (nr >= 6 && v >> 32)
		return LODGE_GP;
	r = lodge_touch(vcpu, LODGE_R_DRS);
	if (nr < 4)
		r->dr[nr] = v;
	else if (nr == 6)
		r->dr6 = (v & DR6_VOLATILE) | DR6_FIXED_1;
	else
		r->dr7 = (v & DR7_VOLATILE) | DR7_FIXED_1;
	return 0;
}

/**
 * lodge_dr_read() - MOV from a debug register
 * @vcpu: whose
 * @nr: 0 to 7
 * @v: value
 *
 * Return: 0, or the vector of the exception, as for lodge_dr_write().
 */
int lodge_dr_read(struct lodge_vcpu *vcpu, unsigned int nr, u64 *v)
{
	int vector = dr_check(vcpu, &nr);
	struct lodge_regs *r = &vcpu->regs;

	if (vector)
		return vector;
	if (nr < 4)
		*v = r->dr[nr];
	else
		*v = nr == 6 ? r->dr6 : r->dr7;
	return 0;
}

/**
 * lodge_sregs_valid() - may KVM_SET_SREGS set these?
 * @vcpu: whose
 * @s: as the user gave them
 */
bool lodge_sregs_valid(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	const u64 efer = LODGE_EFER_SCE | LODGE_EFER_LME | LODGE_EFER_LMA |
			 LODGE_EFER_NX | LODGE_EFER_FFXSR;

	if ((s->cr4 & vcpu->cpuid->cr4_reserved) || (s->efer & ~efer))
		return false;
	return lodge_paging_valid(s->cr0, s->cr3, s->cr4, s->efer, s->cs.l,
				  vcpu->cpuid->maxphyaddr);
}
