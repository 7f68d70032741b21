// SPDX-License-Identifier: GPL-2.0
/*
 * RDMSR and WRMSR, of the guest and by ioctl.
 *
 * Called by exit.c (in the bracket) and the ioctls KVM_GET_MSRS,
 * KVM_SET_MSRS and the lists. What each MSR is stands in msr_table.c.
 * Next: msr_table.c.
 */
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "cr_check.h"
#include "msr_table.h"

/* IA32_ARCH_CAPABILITIES: what the CPU is not open to, and needs no MSR. */
#define ARCH_CAP_PASS							\
	(ARCH_CAP_RDCL_NO | BIT_ULL(2) /* RSBA */ | ARCH_CAP_SSB_NO |	\
	 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO |	\
	 GENMASK_ULL(15, 13) /* SBDR_SSDP, FBSDP, PSDP */ |		\
	 BIT_ULL(17) /* FB_CLEAR */ | BIT_ULL(19) /* RRSBA */ |		\
	 BIT_ULL(20) /* BHI_NO */ | BIT_ULL(24) /* PBRSB_NO */ |	\
	 BIT_ULL(26) /* GDS_NO */ | BIT_ULL(27) /* RFDS_NO */)

#define DE_CFG_LFENCE		BIT_ULL(1)	/* LFENCE serialises */

/* Values of the host that guests inherit. */
static struct {
	u64 arch_cap;
	u64 microcode;
	u64 de_cfg;
} msr_host __ro_after_init;

static const u32 msr_features[] = {
	MSR_IA32_UCODE_REV,
	MSR_IA32_ARCH_CAPABILITIES,
	MSR_AMD64_DE_CFG,
};

/**
 * lodge_msr_init() - learn the host's values; check the table
 *
 * Return: 0, or -EINVAL: the table is not sorted.
 */
int __init lodge_msr_init(void)
{
	u64 v;
	u32 i;

	for (i = 1; i < lodge_msr_table_nr; i++) {
		if (lodge_msr_table[i].first <= lodge_msr_table[i - 1].last) {
			pr_err("lodge: MSR table: %#x is out of order\n",
			       lodge_msr_table[i].first);
			return -EINVAL;
		}
	}
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	    !lodge_rdmsr_safe(MSR_IA32_ARCH_CAPABILITIES, &v))
		msr_host.arch_cap = v & ARCH_CAP_PASS;
	if (!boot_cpu_has_bug(X86_BUG_CPU_MELTDOWN))
		msr_host.arch_cap |= ARCH_CAP_RDCL_NO;
	if (!boot_cpu_has_bug(X86_BUG_SPEC_STORE_BYPASS))
		msr_host.arch_cap |= ARCH_CAP_SSB_NO;
	if (!boot_cpu_has_bug(X86_BUG_MDS))
		msr_host.arch_cap |= ARCH_CAP_MDS_NO;
	if (!boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT))
		msr_host.arch_cap |= ARCH_CAP_PSCHANGE_MC_NO;
	if (!lodge_rdmsr_safe(MSR_IA32_UCODE_REV, &v))
		msr_host.microcode = v;
	if (boot_cpu_has(X86_FEATURE_LFENCE_RDTSC))
		msr_host.de_cfg = DE_CFG_LFENCE;
	return 0;
}

/**
 * lodge_msr_reset() - power-on values of what is not in struct lodge_regs
 * @vcpu: being created or reset
 *
 * Intel manual: "Processor State After Reset".
 */
void lodge_msr_reset(struct lodge_vcpu *vcpu)
{
	memset(&vcpu->msr, 0, sizeof(vcpu->msr));
	vcpu->microcode = 0;
	if (!lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_STUFF_FEATURE_MSRS)) {
		vcpu->msr.arch_cap = msr_host.arch_cap;
		vcpu->msr.platform_info = MSR_PLATFORM_INFO_CPUID_FAULT;
		vcpu->microcode = msr_host.microcode;
	}
	vcpu->msr.de_cfg = msr_host.de_cfg;
	vcpu->misc_enable = MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL |
			    MSR_IA32_MISC_ENABLE_BTS_UNAVAIL;
	vcpu->mcg_cap = LODGE_MCE_BANKS;
	vcpu->mcg_status = 0;
	vcpu->mcg_ctl = 0;
	memset(vcpu->mce_bank, 0, sizeof(vcpu->mce_bank));
	memset(vcpu->mce_ctl2, 0, sizeof(vcpu->mce_ctl2));
	vcpu->mtrr_def = 0;
	memset(vcpu->mtrr_fix, 0, sizeof(vcpu->mtrr_fix));
	memset(vcpu->mtrr_var, 0, sizeof(vcpu->mtrr_var));
	vcpu->pv_poll_msr = 1;
}

static noinline const struct lodge_msr *msr_search(u32 msr)
{
	u32 lo = 0, hi = lodge_msr_table_nr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		const struct lodge_msr *m = &lodge_msr_table[mid];

		if (msr < m->first)
			hi = mid;
		else if (msr > m->last)
			lo = mid + 1;
		else
			return m;
	}
	return NULL;
}

/* A guest uses few of them, again and again. */
static const struct lodge_msr *msr_find(struct lodge_vcpu *vcpu, u32 msr)
{
	const struct lodge_msr **seen = &vcpu->msr_seen[msr % LODGE_MSR_SEEN];
	const struct lodge_msr *m = *seen;

	if (unlikely(!m || msr < m->first || msr > m->last)) {
		m = msr_search(msr);
		*seen = m;
	}
	return m;
}

static int msr_unknown(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		       u32 msr, bool write, u64 v, bool host)
{
	static struct lodge_log log;

	if (host || (m && (m->flags & LODGE_MSR_QUIET)))
		return LODGE_MSR_UNKNOWN;
	vcpu->stats.unknown_msr++;
	if (!lodge_log_may(&log))
		return LODGE_MSR_UNKNOWN;
	if (write)
		pr_info("lodge: vCPU %u: MSR %#x is not there, written %#llx: #GP\n",
			vcpu->id, msr, v);
	else
		pr_info("lodge: vCPU %u: MSR %#x is not there, read: #GP\n",
			vcpu->id, msr);
	return LODGE_MSR_UNKNOWN;
}

/**
 * lodge_msr_read() - RDMSR
 * @vcpu: whose
 * @msr: index
 * @v: value
 * @host: by ioctl: also what the guest's CPUID or the user's filter hides
 *
 * Return: 0, or 1 or LODGE_MSR_*: #GP(0).
 */
int lodge_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v, bool host)
{
	const struct lodge_msr *m = msr_find(vcpu, msr);

	*v = 0;
	if (!host && !lodge_msr_allowed(vcpu, msr, false))
		return LODGE_MSR_FILTERED;
	if (!m || !m->read)
		return msr_unknown(vcpu, m, msr, false, 0, host);
	return m->read(vcpu, m, msr, v, host);
}

/**
 * lodge_msr_write() - WRMSR
 * @vcpu: whose
 * @msr: index
 * @v: value
 * @host: by ioctl: also what the guest may only read, or the filter denies;
 *	what says of features stays once the vCPU has run
 *
 * Return: 0, or 1 or LODGE_MSR_*: #GP(0).
 */
int lodge_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host)
{
	const struct lodge_msr *m = msr_find(vcpu, msr);
	u64 now;

	if (!host && !lodge_msr_allowed(vcpu, msr, true))
		return LODGE_MSR_FILTERED;
	if (!m || !m->read)
		return msr_unknown(vcpu, m, msr, true, v, host);
	if ((m->flags & LODGE_MSR_CANONICAL) && !lodge_canonical(v))
		return 1;
	if (host && vcpu->ran && msr != MSR_IA32_UCODE_REV &&
	    !lodge_msr_feature_read(msr, &now))
		return m->read(vcpu, m, msr, &now, host) || now != v;
	if (m->write)
		return m->write(vcpu, m, msr, v, host);
	/* Read-only; but the user may put back what was read. */
	return !host || m->read(vcpu, m, msr, &now, host) || now != v;
}

/**
 * lodge_msr_list() - KVM_GET_MSR_INDEX_LIST
 * @list: filled as far as there is room
 * @room: entries there are in @list
 *
 * Return: how many there are.
 */
u32 lodge_msr_list(u32 *list, u32 room)
{
	u32 i, msr, nr = 0;

	for (i = 0; i < lodge_msr_table_nr; i++) {
		const struct lodge_msr *m = &lodge_msr_table[i];

		if (!(m->flags & LODGE_MSR_SAVED))
			continue;
		for (msr = m->first; msr <= m->last; msr++) {
			if (nr < room)
				list[nr] = msr;
			nr++;
		}
	}
	return nr;
}

/**
 * lodge_msr_feature_list() - KVM_GET_MSR_FEATURE_INDEX_LIST
 * @list: filled as far as there is room
 * @room: entries there are in @list
 *
 * Return: how many there are.
 */
u32 lodge_msr_feature_list(u32 *list, u32 room)
{
	u32 n = min_t(u32, room, ARRAY_SIZE(msr_features));

	memcpy(list, msr_features, n * sizeof(*list));
	return ARRAY_SIZE(msr_features);
}

/**
 * lodge_msr_feature_read() - KVM_GET_MSRS on the device
 * @msr: index
 * @v: value that a guest can have
 *
 * Return: 0, or 1: no such feature.
 */
int lodge_msr_feature_read(u32 msr, u64 *v)
{
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		*v = msr_host.microcode;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*v = msr_host.arch_cap;
		return 0;
	case MSR_AMD64_DE_CFG:
		*v = msr_host.de_cfg;
		return 0;
	default:
		return 1;
	}
}
