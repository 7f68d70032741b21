// SPDX-License-Identifier: GPL-2.0
/*
 * Every MSR that a guest has, sorted by index: how it is read and written.
 *
 * Both vendors' are here, for every guest: what is harmless to have is there,
 * with the value that KVM gives. Used by msr.c alone. Next: mtrr.c, mce.c.
 */
#include <linux/kvm_para.h>
#include <asm/msr-index.h>

#include "msr_table.h"

#define HWCR_IGNORED	(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8))
#define HWCR_KEPT	(BIT_ULL(18) | BIT_ULL(24))

/* Plain ones: a u64 somewhere in struct lodge_vcpu. */

static u64 *msr_field(struct lodge_vcpu *vcpu, const struct lodge_msr *m)
{
	return (void *)vcpu + m->offset;
}

static int field_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 *v, bool host)
{
	if (m->groups)
		lodge_need(vcpu, m->groups);
	*v = *msr_field(vcpu, m);
	return 0;
}

static int field_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		       u32 msr, u64 v, bool host)
{
	if (v & ~m->value)
		return 1;
	if (m->groups)
		lodge_touch(vcpu, m->groups);
	*msr_field(vcpu, m) = v;
	return 0;
}

/* The user chooses it, the guest reads it. */
static int field_host_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			    u32 msr, u64 v, bool host)
{
	if (!host)
		return 1;
	*msr_field(vcpu, m) = v;
	return 0;
}

static int const_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 *v, bool host)
{
	*v = m->value;
	return 0;
}

/* Written by guests, and nothing comes of it. */
static int drop_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 v, bool host)
{
	return 0;
}

static int zero_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 v, bool host)
{
	return v != 0;
}

/* Those that do something. */

static int tsc_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		    u32 msr, u64 *v, bool host)
{
	*v = lodge_tsc_read(vcpu);
	return 0;
}

static int tsc_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		     u32 msr, u64 v, bool host)
{
	lodge_tsc_write(vcpu, v, host);
	return 0;
}

static int tsc_adjust_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			   u32 msr, u64 *v, bool host)
{
	*v = vcpu->clock.tsc_adjust;
	return !host && !vcpu->cpuid->has_tsc_adjust;
}

static int tsc_adjust_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			    u32 msr, u64 v, bool host)
{
	if (!host && !vcpu->cpuid->has_tsc_adjust)
		return 1;
	lodge_tsc_adjust(vcpu, v, host);
	return 0;
}

static int tsc_aux_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			u32 msr, u64 *v, bool host)
{
	*v = vcpu->regs.tsc_aux;
	return !host && !vcpu->cpuid->has_rdtscp;
}

static int tsc_aux_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			 u32 msr, u64 v, bool host)
{
	if (!host && !vcpu->cpuid->has_rdtscp)
		return 1;
	/* AMD's CPUs ignore the upper half, Intel's don't. */
	if (v >> 32 && !host && !vcpu->cpuid->amd_like)
		return 1;
	vcpu->regs.tsc_aux = (u32)v;
	/* The bracket has put the old value into the CPU already. */
	if (vcpu->fpu.live && vcpu->cpuid->has_rdtscp)
		lodge_wrmsr(MSR_TSC_AUX, (u32)v);
	return 0;
}

static int apic_base_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			  u32 msr, u64 *v, bool host)
{
	*v = vcpu->apic ? lodge_lapic_base(vcpu) : vcpu->msr.apic_base;
	return 0;
}

static int apic_base_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			   u32 msr, u64 v, bool host)
{
	return lodge_lapic_set_base(vcpu, v, host) ? 1 : 0;
}

/* Without the mode in CPUID the timer never is in it: as on KVM, no #GP. */
static int deadline_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			 u32 msr, u64 *v, bool host)
{
	*v = vcpu->apic ? lodge_lapic_tscdeadline(vcpu) : 0;
	return 0;
}

static int deadline_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			  u32 msr, u64 v, bool host)
{
	if (vcpu->apic)
		lodge_lapic_set_tscdeadline(vcpu, v);
	return 0;
}

static int x2apic_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		       u32 msr, u64 *v, bool host)
{
	return !vcpu->apic || lodge_lapic_msr_read(vcpu, msr, v);
}

static int x2apic_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			u32 msr, u64 v, bool host)
{
	return !vcpu->apic || lodge_lapic_msr_write(vcpu, msr, v);
}

static int efer_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 v, bool host)
{
	return lodge_efer_write(vcpu, v, host);
}

static int seg_base_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			 u32 msr, u64 *v, bool host)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_SEGS);

	*v = r->seg[msr == MSR_FS_BASE ? LODGE_FS : LODGE_GS].base;
	return 0;
}

static int seg_base_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			  u32 msr, u64 v, bool host)
{
	struct lodge_regs *r = lodge_touch(vcpu, LODGE_R_SEGS);

	r->seg[msr == MSR_FS_BASE ? LODGE_FS : LODGE_GS].base = v;
	return 0;
}

/*
 * AMD's CPUs ignore the upper half, Intel's don't: it would fault when the CPU
 * gets it, in the bracket.
 */
static int sfmask_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			u32 msr, u64 v, bool host)
{
	if (v >> 32 && !vcpu->cpuid->amd_like)
		return 1;
	return field_write(vcpu, m, msr, (u32)v, host);
}

static int pat_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		     u32 msr, u64 v, bool host)
{
	/* A byte each: 0, 1, 4 to 7, so bit 1 only together with bit 2. */
	if ((v & 0xf8f8f8f8f8f8f8f8) || (v & ~(v >> 1) & 0x0202020202020202))
		return 1;
	lodge_touch(vcpu, LODGE_R_MSRS)->pat = v;
	return 0;
}

/*
 * Neither steps from branch to branch nor records of branches, as with KVM:
 * AMD-V would need to switch the register, instructions that exit to heed it.
 */
static int debugctl_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			  u32 msr, u64 v, bool host)
{
	return !!(v & ~GENMASK_ULL(1, 0));
}

static int misc_enable_write(struct lodge_vcpu *vcpu,
			     const struct lodge_msr *m, u32 msr, u64 v,
			     bool host)
{
	const u64 fixed = MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL |
			  MSR_IA32_MISC_ENABLE_BTS_UNAVAIL;

	if (!host && ((v ^ vcpu->misc_enable) & fixed))
		return 1;
	/* Then CPUID says of MONITOR what this says: see cpuid.c. */
	if ((v ^ vcpu->misc_enable) & MSR_IA32_MISC_ENABLE_MWAIT &&
	    lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT) &&
	    !vcpu->cpuid->has_sse3)
		return 1;
	vcpu->misc_enable = v;
	return 0;
}

static int ucode_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		       u32 msr, u64 v, bool host)
{
	/* Guests write 0 before CPUID has it updated. */
	if (host)
		vcpu->microcode = v;
	return 0;
}

static int arch_cap_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			 u32 msr, u64 *v, bool host)
{
	*v = vcpu->msr.arch_cap;
	return !host && !vcpu->cpuid->has_arch_cap;
}

/* The user chooses it, and whether the guest may read it. */
static int platform_info_read(struct lodge_vcpu *vcpu,
			      const struct lodge_msr *m, u32 msr, u64 *v,
			      bool host)
{
	*v = vcpu->msr.platform_info;
	return !host && READ_ONCE(vcpu->vm->platform_info_off);
}

/* Not so that CPUID faults which may not. */
static int platform_info_write(struct lodge_vcpu *vcpu,
			       const struct lodge_msr *m, u32 msr, u64 v,
			       bool host)
{
	if (!host || (vcpu->msr.misc_features &&
		      !(v & MSR_PLATFORM_INFO_CPUID_FAULT)))
		return 1;
	vcpu->msr.platform_info = v;
	return 0;
}

static int misc_features_write(struct lodge_vcpu *vcpu,
			       const struct lodge_msr *m, u32 msr, u64 v,
			       bool host)
{
	if (v & ~MSR_MISC_FEATURES_ENABLES_CPUID_FAULT ||
	    (v && !(vcpu->msr.platform_info & MSR_PLATFORM_INFO_CPUID_FAULT)))
		return 1;
	vcpu->msr.misc_features = v;
	return 0;
}

static int hwcr_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 v, bool host)
{
	v &= ~HWCR_IGNORED;
	if (v & ~HWCR_KEPT)
		return 1;
	vcpu->msr.hwcr = v;
	return 0;
}

static int de_cfg_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
			u32 msr, u64 v, bool host)
{
	u64 feature;

	lodge_msr_feature_read(msr, &feature);
	if (v & ~feature)
		return 1;
	vcpu->msr.de_cfg = v;
	return 0;
}

static int pv_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m, u32 msr,
		   u64 *v, bool host)
{
	return lodge_pv_msr_read(vcpu, msr, v);
}

static int pv_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m, u32 msr,
		    u64 v, bool host)
{
	return lodge_pv_msr_write(vcpu, msr, v, host);
}

static int mtrr_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		     u32 msr, u64 *v, bool host)
{
	return lodge_mtrr_read(vcpu, msr, v);
}

static int mtrr_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		      u32 msr, u64 v, bool host)
{
	return lodge_mtrr_write(vcpu, msr, v);
}

static int mce_read(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		    u32 msr, u64 *v, bool host)
{
	return lodge_mce_read(vcpu, msr, v, host);
}

static int mce_write(struct lodge_vcpu *vcpu, const struct lodge_msr *m,
		     u32 msr, u64 v, bool host)
{
	return lodge_mce_write(vcpu, msr, v, host);
}

#define S	LODGE_MSR_SAVED
#define C	LODGE_MSR_CANONICAL
#define Q	LODGE_MSR_QUIET

/* A field of struct lodge_vcpu, in no group or in R_MSRS. */
#define FIELD(a, b, flags_, member, mask)				\
	{ .first = a, .last = b, .flags = flags_, .read = field_read,	\
	  .write = field_write, .value = mask,				\
	  .offset = offsetof(struct lodge_vcpu, member) }
#define REG(a, flags_, member)						\
	{ .first = a, .last = a, .flags = flags_, .read = field_read,	\
	  .write = field_write, .value = ~0ULL, .groups = LODGE_R_MSRS,	\
	  .offset = offsetof(struct lodge_vcpu, regs.member) }
/* Functions of its own. */
#define FUNC(a, b, flags_, read_, write_)				\
	{ .first = a, .last = b, .flags = flags_, .read = read_,	\
	  .write = write_ }
/* A constant; what is written is lost, must be 0, or is #GP. */
#define CONST(a, b, value_, write_)					\
	{ .first = a, .last = b, .read = const_read, .write = write_,	\
	  .value = value_ }
/* Not there, and no line in the log about it. */
#define ABSENT(a, b)							\
	{ .first = a, .last = b, .flags = Q }

/* Sorted by index: lodge_msr_init() checks it. */
const struct lodge_msr lodge_msr_table[] = {
	CONST(0x0, 0x1, 0, drop_write),			/* P5 machine check */
	FUNC(MSR_IA32_TSC, MSR_IA32_TSC, S, tsc_read, tsc_write),
	FUNC(MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, S, pv_read, pv_write),
	CONST(MSR_IA32_PLATFORM_ID, MSR_IA32_PLATFORM_ID, 0, NULL),
	FUNC(MSR_IA32_APICBASE, MSR_IA32_APICBASE, 0, apic_base_read,
	     apic_base_write),
	CONST(MSR_IA32_EBL_CR_POWERON, MSR_IA32_EBL_CR_POWERON, 0, zero_write),
	CONST(MSR_EBC_FREQUENCY_ID, MSR_EBC_FREQUENCY_ID, BIT_ULL(24), NULL),
	ABSENT(0x33, 0x34),				/* TEST_CTRL, SMI count */
	ABSENT(MSR_IA32_FEAT_CTL, MSR_IA32_FEAT_CTL),
	FUNC(MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_ADJUST, S, tsc_adjust_read,
	     tsc_adjust_write),
	ABSENT(0x48, 0x49),				/* SPEC_CTRL, PRED_CMD */
	ABSENT(0x4e, 0x4f),				/* PPIN */
	CONST(MSR_IA32_UCODE_WRITE, MSR_IA32_UCODE_WRITE, 0, drop_write),
	{ .first = MSR_IA32_UCODE_REV, .last = MSR_IA32_UCODE_REV, .flags = S,
	  .read = field_read, .write = ucode_write,
	  .offset = offsetof(struct lodge_vcpu, microcode) },
	CONST(MSR_P6_PERFCTR0, MSR_P6_PERFCTR1, 0, drop_write),
	CONST(MSR_FSB_FREQ, MSR_FSB_FREQ, 3, NULL),
	FUNC(MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, S, platform_info_read,
	     platform_info_write),
	ABSENT(0xcf, 0xcf),				/* CORE_CAPABILITIES */
	CONST(MSR_MTRRcap, MSR_MTRRcap, 0x500 | LODGE_MTRR_VAR, NULL),
	{ .first = MSR_IA32_ARCH_CAPABILITIES,
	  .last = MSR_IA32_ARCH_CAPABILITIES, .flags = S,
	  .read = arch_cap_read, .write = field_host_write,
	  .offset = offsetof(struct lodge_vcpu, msr.arch_cap) },
	CONST(MSR_IA32_BBL_CR_CTL3, MSR_IA32_BBL_CR_CTL3, 0xbe702111, NULL),
	ABSENT(0x122, 0x123),				/* TSX_CTRL, MCU_OPT */
	{ .first = MSR_MISC_FEATURES_ENABLES, .last = MSR_MISC_FEATURES_ENABLES,
	  .flags = S, .read = field_read, .write = misc_features_write,
	  .offset = offsetof(struct lodge_vcpu, msr.misc_features) },
	REG(MSR_IA32_SYSENTER_CS, S, sysenter_cs),
	REG(MSR_IA32_SYSENTER_ESP, S | C, sysenter_esp),
	REG(MSR_IA32_SYSENTER_EIP, S | C, sysenter_eip),
	FUNC(MSR_IA32_MCG_CAP, MSR_IA32_MCG_CAP, 0, mce_read, NULL),
	FUNC(MSR_IA32_MCG_STATUS, MSR_IA32_MCG_STATUS, S, mce_read, mce_write),
	FUNC(MSR_IA32_MCG_CTL, MSR_IA32_MCG_CTL, S, mce_read, mce_write),
	CONST(MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1, 0, drop_write),
	CONST(MSR_IA32_PERF_STATUS, MSR_IA32_PERF_STATUS, 1000 | 4ULL << 40,
	      NULL),
	CONST(MSR_IA32_PERF_CTL, MSR_IA32_PERF_CTL, 0, drop_write),
	ABSENT(0x19a, 0x19d),				/* thermal */
	{ .first = MSR_IA32_MISC_ENABLE, .last = MSR_IA32_MISC_ENABLE,
	  .flags = S, .read = field_read, .write = misc_enable_write,
	  .offset = offsetof(struct lodge_vcpu, misc_enable) },
	ABSENT(0x1a1, 0x1b2),	/* offcore, turbo, energy bias, package */
	CONST(0x1c9, 0x1c9, 0, NULL),			/* LBR top of stack */
	CONST(MSR_IA32_DEBUGCTLMSR, MSR_IA32_DEBUGCTLMSR, 0, debugctl_write),
	CONST(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP, 0, zero_write),
	FIELD(MSR_IA32_POWER_CTL, MSR_IA32_POWER_CTL, S, msr.power_ctl, ~0ULL),
	FUNC(0x200, 0x200 + 2 * LODGE_MTRR_VAR - 1, 0, mtrr_read, mtrr_write),
	FUNC(MSR_MTRRfix64K_00000, MSR_MTRRfix64K_00000, 0, mtrr_read,
	     mtrr_write),
	FUNC(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, 0, mtrr_read,
	     mtrr_write),
	FUNC(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, 0, mtrr_read,
	     mtrr_write),
	{ .first = MSR_IA32_CR_PAT, .last = MSR_IA32_CR_PAT, .flags = S,
	  .read = field_read, .write = pat_write, .groups = LODGE_R_MSRS,
	  .offset = offsetof(struct lodge_vcpu, regs.pat) },
	FUNC(0x280, 0x29f, Q, mce_read, mce_write),	/* MCi_CTL2 */
	FUNC(MSR_MTRRdefType, MSR_MTRRdefType, 0, mtrr_read, mtrr_write),
	CONST(MSR_IA32_PERF_CAPABILITIES, MSR_IA32_PERF_CAPABILITIES, 0, NULL),
	FUNC(MSR_IA32_MC0_CTL, MSR_IA32_MC0_CTL + 4 * LODGE_MCE_BANKS - 1, 0,
	     mce_read, mce_write),
	ABSENT(0x600, 0x659),				/* RAPL and idle states */
	FUNC(MSR_IA32_TSC_DEADLINE, MSR_IA32_TSC_DEADLINE, S, deadline_read,
	     deadline_write),
	ABSENT(0x770, 0x777),				/* HWP */
	FUNC(0x800, 0x8ff, 0, x2apic_read, x2apic_write),
	CONST(0xda0, 0xda0, 0, zero_write),		/* XSS */
	FUNC(MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, S, pv_read,
	     pv_write),
	FUNC(MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_ACK, S, pv_read, pv_write),
	{ .first = MSR_EFER, .last = MSR_EFER, .read = field_read,
	  .write = efer_write, .groups = LODGE_R_CRS,
	  .offset = offsetof(struct lodge_vcpu, regs.efer) },
	REG(MSR_STAR, S, star),
	REG(MSR_LSTAR, S | C, lstar),
	REG(MSR_CSTAR, S | C, cstar),
	{ .first = MSR_SYSCALL_MASK, .last = MSR_SYSCALL_MASK, .flags = S,
	  .read = field_read, .write = sfmask_write, .value = ~0ULL,
	  .groups = LODGE_R_MSRS,
	  .offset = offsetof(struct lodge_vcpu, regs.sfmask) },
	ABSENT(0xc00000e7, 0xc00000e9),			/* MPERF, APERF, IRPERF */
	FUNC(MSR_FS_BASE, MSR_GS_BASE, C, seg_base_read, seg_base_write),
	REG(MSR_KERNEL_GS_BASE, S | C, kernel_gs_base),
	FUNC(MSR_TSC_AUX, MSR_TSC_AUX, S, tsc_aux_read, tsc_aux_write),
	ABSENT(0xc0000104, 0xc0000104),			/* TSC_RATIO */
	ABSENT(0xc0000300, 0xc0000302),			/* PMU v2 */
	ABSENT(0xc0002000, 0xc0002fff),			/* scalable MCA */
	CONST(MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3, 0, drop_write),
	CONST(MSR_AMD64_SYSCFG, MSR_AMD64_SYSCFG, 0, drop_write),
	{ .first = MSR_K7_HWCR, .last = MSR_K7_HWCR, .flags = S,
	  .read = field_read, .write = hwcr_write,
	  .offset = offsetof(struct lodge_vcpu, msr.hwcr) },
	CONST(MSR_K7_CLK_CTL, MSR_K7_CLK_CTL, 0x20000000, drop_write),
	CONST(MSR_AMD64_NB_CFG & 0xffffffff, MSR_AMD64_NB_CFG & 0xffffffff, 0,
	      drop_write),
	CONST(MSR_AMD64_PATCH_LOADER, MSR_AMD64_PATCH_LOADER, 0, drop_write),
	CONST(MSR_K8_INT_PENDING_MSG, MSR_K8_INT_PENDING_MSG, 0, drop_write),
	CONST(MSR_FAM10H_MMIO_CONF_BASE, MSR_FAM10H_MMIO_CONF_BASE, 0,
	      zero_write),
	ABSENT(0xc0010061, 0xc001006b),			/* P-states */
	CONST(MSR_K8_TSEG_ADDR, MSR_K8_TSEG_MASK, 0, zero_write),
	CONST(MSR_VM_CR, MSR_VM_CR, 0, zero_write),
	CONST(MSR_VM_HSAVE_PA, MSR_VM_HSAVE_PA, 0, zero_write),
	ABSENT(0xc001011f, 0xc001011f),			/* VIRT_SPEC_CTRL */
	ABSENT(MSR_AMD64_OSVW_ID_LENGTH, MSR_AMD64_OSVW_STATUS),
	ABSENT(0xc0010200, 0xc001020b),			/* core counters */
	ABSENT(0xc0010230, 0xc0010247),			/* L3, NB counters */
	ABSENT(0xc0010290, 0xc001029b),			/* P-state, RAPL */
	ABSENT(0xc00102b0, 0xc00102b4),			/* CPPC */
	CONST(0xc0011020, 0xc0011023, 0, drop_write),	/* LS, IC, DC, BU cfg */
	ABSENT(0xc0011028, 0xc0011028),			/* FP_CFG */
	{ .first = MSR_AMD64_DE_CFG, .last = MSR_AMD64_DE_CFG, .flags = S,
	  .read = field_read, .write = de_cfg_write,
	  .offset = offsetof(struct lodge_vcpu, msr.de_cfg) },
	CONST(MSR_AMD64_BU_CFG2, MSR_AMD64_BU_CFG2, 0, drop_write),
	CONST(MSR_F15H_EX_CFG, MSR_F15H_EX_CFG, 0, drop_write),
	ABSENT(0xc0011030, 0xc001103d),			/* IBS */
};

const u32 lodge_msr_table_nr = ARRAY_SIZE(lodge_msr_table);
