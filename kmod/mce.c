// SPDX-License-Identifier: GPL-2.0
/*
 * Machine-check registers: kept for the guest, which finds no errors there.
 *
 * Called by msr.c. What banks there are is set by KVM_X86_SETUP_MCE, in
 * vcpu_ioctl.c. Next: msr.c.
 */
#include <asm/msr-index.h>

#include "lodge.h"

#define MCG_CTL_P_BIT		BIT_ULL(8)
#define MCG_BANKS(cap)		((cap) & 0xff)
#define HWCR_STATUS_WRITE	BIT_ULL(18)

/**
 * lodge_mce_read() - read a machine-check MSR
 * @vcpu: whose
 * @msr: IA32_MCG_* or IA32_MCi_*
 * @v: value
 *
 * Return: 0, or 1: #GP.
 */
int lodge_mce_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v)
{
	switch (msr) {
	case MSR_IA32_MCG_CAP:
		*v = vcpu->mcg_cap;
		return 0;
	case MSR_IA32_MCG_STATUS:
		*v = vcpu->mcg_status;
		return 0;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->mcg_cap & MCG_CTL_P_BIT))
			return 1;
		*v = vcpu->mcg_ctl;
		return 0;
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
		if (!(vcpu->mcg_cap & MCG_CTL_P_BIT) && (v || !host))
			return 1;
		if (v && ~v)
			return 1;
		vcpu->mcg_ctl = v;
		return 0;
	}
	if (msr - MSR_IA32_MC0_CTL >= 4 * MCG_BANKS(vcpu->mcg_cap))
		return 1;
	return mce_bank_write(vcpu, msr - MSR_IA32_MC0_CTL, v, host);
}
