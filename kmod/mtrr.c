// SPDX-License-Identifier: GPL-2.0
/*
 * MTRRs: kept for the guest; nested paging decides how memory is cached.
 *
 * Called by msr.c. Next: mce.c.
 */
#include <asm/msr-index.h>

#include "lodge.h"

#define MTRR_DEF_VALID		0xcffULL	/* type, FE, E */
#define MTRR_VAR_NR		(2 * LODGE_MTRR_VAR)

static const u16 mtrr_fixed[11] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000,
	MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000,
	MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

/* Where an MTRR is kept, or NULL: there is no such. */
static u64 *mtrr_find(struct lodge_vcpu *vcpu, u32 msr)
{
	u32 i;

	if (msr == MSR_MTRRdefType)
		return &vcpu->mtrr_def;
	if (msr >= 0x200 && msr < 0x200 + MTRR_VAR_NR)
		return &vcpu->mtrr_var[msr - 0x200];
	for (i = 0; i < ARRAY_SIZE(mtrr_fixed); i++) {
		if (mtrr_fixed[i] == msr)
			return &vcpu->mtrr_fix[i];
	}
	return NULL;
}

static bool mtrr_type_valid(u8 type)
{
	return type < 8 && (0x73 & BIT(type));	/* UC, WC, WT, WP, WB */
}

static bool mtrr_valid(struct lodge_vcpu *vcpu, u32 msr, u64 v)
{
	u64 phys = ~(BIT_ULL(vcpu->cpuid->maxphyaddr) - 1);
	int i;

	if (msr == MSR_MTRRdefType)
		return !(v & ~MTRR_DEF_VALID) && mtrr_type_valid(v);
	if (msr >= 0x200 && msr < 0x200 + MTRR_VAR_NR) {
		if (msr & 1)
			return !(v & (phys | GENMASK_ULL(10, 0)));
		return !(v & (phys | GENMASK_ULL(11, 8))) &&
		       mtrr_type_valid(v);
	}
	for (i = 0; i < 64; i += 8) {
		if (!mtrr_type_valid(v >> i))
			return false;
	}
	return true;
}

/**
 * lodge_mtrr_read() - read an MTRR
 * @vcpu: whose
 * @msr: MSR_MTRR*, but not the capability
 * @v: value
 *
 * Return: 0, or 1: #GP.
 */
int lodge_mtrr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v)
{
	const u64 *at = mtrr_find(vcpu, msr);

	if (!at)
		return 1;
	*v = *at;
	return 0;
}

/**
 * lodge_mtrr_write() - write an MTRR
 * @vcpu: whose
 * @msr: MSR_MTRR*, but not the capability
 * @v: value
 *
 * Intel manual: "Memory Type Range Registers (MTRRs)".
 *
 * Return: 0, or 1: #GP.
 */
int lodge_mtrr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v)
{
	u64 *at = mtrr_find(vcpu, msr);

	if (!at || !mtrr_valid(vcpu, msr, v))
		return 1;
	*at = v;
	return 0;
}
