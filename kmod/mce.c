// SPDX-License-Identifier: GPL-2.0
/*
 * Machine-check registers: kept for the guest, which finds no errors there.
 *
 * Called by msr.c, and by vcpu_ioctl.c for what the user reports.
 * Next: msr.c.
 */
#include <linux/nospec.h>
#include <asm/mce.h>
#include <asm/msr-index.h>

#include "lodge.h"

#define MCG_BANKS(cap)		((cap) & 0xff)
#define HWCR_STATUS_WRITE	BIT_ULL(18)

static bool is_ctl2(u32 msr)
{
	return msr - MSR_IA32_MC0_CTL2 < LODGE_MCE_BANKS;
}

/* Is that one there? Intel manual: "IA32_MCi_CTL2 MSRs". */
static bool ctl2_there(const struct lodge_vcpu *vcpu, u32 msr)
{
	return vcpu->mcg_cap & MCG_CMCI_P &&
	       msr - MSR_IA32_MC0_CTL2 < MCG_BANKS(vcpu->mcg_cap);
}

static u32 *ctl2(struct lodge_vcpu *vcpu, u32 msr)
{
	return &vcpu->mce_ctl2[array_index_nospec(msr - MSR_IA32_MC0_CTL2,
						  LODGE_MCE_BANKS)];
}

/**
 * lodge_mce_read() - read a machine-check MSR
 * @vcpu: whose
 * @msr: IA32_MCG_* or IA32_MCi_*
 * @v: value
 * @host: from the user
 *
 * Return: 0, or 1: #GP.
 */
int lodge_mce_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v, bool host)
{
	switch (msr) {
	case MSR_IA32_MCG_CAP:
		*v = vcpu->mcg_cap;
		return 0;
	case MSR_IA32_MCG_STATUS:
		*v = vcpu->mcg_status;
		return 0;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->mcg_cap & MCG_CTL_P) && !host)
			return 1;
		*v = vcpu->mcg_ctl;
		return 0;
	}
	if (is_ctl2(msr)) {
		*v = *ctl2(vcpu, msr);
		return !ctl2_there(vcpu, msr) && !host;
	}
	if (msr - MSR_IA32_MC0_CTL >= 4 * MCG_BANKS(vcpu->mcg_cap))
		return 1;
	*v = vcpu->mce_bank[msr - MSR_IA32_MC0_CTL];
	return 0;
}

static int mce_bank_write(struct lodge_vcpu *vcpu, u32 n, u64 v, bool host)
{
	switch (n & 3) {
	case 0:
		/*
		 * All on or all off. Linux leaves out bit 10 of bank 4 for
		 * the sake of an old AMD, and bit 0 of Intel's bank 0.
		 */
		if (v && (v | BIT_ULL(10) | 1) != ~0ULL)
			return 1;
		break;
	case 1:
		if (!host && v && !(vcpu->msr.hwcr & HWCR_STATUS_WRITE))
			return 1;
		break;
	}
	vcpu->mce_bank[n] = v;
	return 0;
}

/**
 * lodge_mce_write() - write a machine-check MSR
 * @vcpu: whose
 * @msr: IA32_MCG_* or IA32_MCi_*
 * @v: value
 * @host: from the user
 *
 * Intel manual: "Machine-Check Global Control MSRs", "Error-Reporting
 * Register Banks".
 *
 * Return: 0, or 1: #GP.
 */
int lodge_mce_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host)
{
	switch (msr) {
	case MSR_IA32_MCG_STATUS:
		vcpu->mcg_status = v;
		return 0;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->mcg_cap & MCG_CTL_P) && (v || !host))
			return 1;
		if (v && ~v)
			return 1;
		vcpu->mcg_ctl = v;
		return 0;
	}
	if (is_ctl2(msr)) {
		if (!ctl2_there(vcpu, msr))
			return v || !host;
		if (v & ~(MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK))
			return 1;
		*ctl2(vcpu, msr) = v;
		return 0;
	}
	if (msr - MSR_IA32_MC0_CTL >= 4 * MCG_BANKS(vcpu->mcg_cap))
		return 1;
	return mce_bank_write(vcpu, msr - MSR_IA32_MC0_CTL, v, host);
}

/**
 * lodge_mce_setup() - KVM_X86_SETUP_MCE
 * @vcpu: whose
 * @cap: IA32_MCG_CAP
 *
 * Return: 0, or -EINVAL: no banks or too many, or what a guest can't have.
 */
int lodge_mce_setup(struct lodge_vcpu *vcpu, u64 cap)
{
	u32 i, banks = cap & MCG_BANKCNT_MASK;

	if (!banks || banks > LODGE_MCE_BANKS)
		return -EINVAL;
	/* Bits 23:16 are a count of extended registers, for no one's use. */
	if (cap & ~(LODGE_MCG_CAP | MCG_BANKCNT_MASK | MCG_EXT_CNT_MASK))
		return -EINVAL;
	vcpu->mcg_cap = cap;
	memset(vcpu->mce_ctl2, 0, sizeof(vcpu->mce_ctl2));
	lodge_lapic_mce(vcpu, cap & MCG_CMCI_P);
	if (cap & MCG_CTL_P)
		vcpu->mcg_ctl = ~0ULL;
	for (i = 0; i < banks; i++)
		vcpu->mce_bank[i * 4] = ~0ULL;
	return 0;
}

static void mce_store(u64 *bank, const struct kvm_x86_mce *mce)
{
	bank[1] = mce->status | (bank[1] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0);
	bank[2] = mce->addr;
	bank[3] = mce->misc;
}

/*
 * Neither corrected nor of any consequence yet: the CPU is interrupted, if it
 * likes, and goes on. Intel manual: "UCR Error Classification".
 */
static bool needs_no_action(const struct kvm_x86_mce *mce)
{
	return mce->status & MCI_STATUS_UC && !mce->mcg_status &&
	       !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

/* An error that was not corrected: logged, and #MC. */
static void mce_raise(struct lodge_vcpu *vcpu, u64 *bank,
		      const struct kvm_x86_mce *mce)
{
	bool on = lodge_need(vcpu, LODGE_R_CRS)->cr4 & LODGE_CR4_MCE;

	if ((vcpu->mcg_cap & MCG_CTL_P && vcpu->mcg_ctl != ~0ULL) ||
	    bank[0] != ~0ULL)
		return;		/* reporting is off */
	if (vcpu->mcg_status & MCG_STATUS_MCIP || !on) {
		lodge_vcpu_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
		return;
	}
	mce_store(bank, mce);
	vcpu->mcg_status = mce->mcg_status;
	lodge_exception_queue(vcpu, LODGE_MC, false, 0);
}

/**
 * lodge_mce_inject() - KVM_X86_SET_MCE
 * @vcpu: whose
 * @mce: a machine check, as the manuals' bank registers tell it
 *
 * Return: 0, or -EINVAL: no such bank, or nothing valid.
 */
int lodge_mce_inject(struct lodge_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	u64 *bank;
	u32 n;

	if (mce->bank >= (vcpu->mcg_cap & MCG_BANKCNT_MASK) ||
	    !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	n = array_index_nospec(mce->bank, LODGE_MCE_BANKS);
	bank = vcpu->mce_bank + n * 4;
	if (needs_no_action(mce)) {
		mce_store(bank, mce);
		if (vcpu->mce_ctl2[n] & MCI_CTL2_CMCI_EN)
			lodge_lapic_cmci(vcpu);
	} else if (mce->status & MCI_STATUS_UC) {
		mce_raise(vcpu, bank, mce);
	} else if ((bank[1] & MCI_STATUS_VAL) && (bank[1] & MCI_STATUS_UC)) {
		bank[1] |= MCI_STATUS_OVER;	/* the graver one stays */
	} else {
		mce_store(bank, mce);
	}
	return 0;
}
