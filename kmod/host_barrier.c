// SPDX-License-Identifier: GPL-2.0
/*
 * The host kernel's door, third part: which barriers against speculation the
 * host wants around guests, and those that are not at each world switch.
 *
 * main.c asks once at load, run.c and the backends heed the answer. The kernel
 * tells most of it by feature bits; where it keeps a decision to itself, what it
 * has done to the CPU tells. docs/SPECULATION.md has the table. Next: barrier.S.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>

#include "barrier.h"
#include "lodge.h"

/* LODGE_BARRIER_*: those between brackets that are wanted. */
u8 lodge_barriers __ro_after_init;

/* The vCPU whose guest this CPU's branch predictors know. */
static DEFINE_PER_CPU(u64, barrier_last);

/* Those that barrier.S has, by the bits that it goes by. */
static const struct {
	u16 bit;
	const char *name;
} barrier_bits[] = {
	{ X86_FEATURE_CLEAR_CPU_BUF, "verw" },
	{ X86_FEATURE_CLEAR_CPU_BUF_VM, "verw-vm" },
	{ BARRIER_MMIO, "verw-mmio" },
	{ X86_FEATURE_KERNEL_IBRS, "ibrs" },
	{ X86_FEATURE_ENTRY_IBPB, "ibpb-entry" },
	{ X86_FEATURE_IBPB_ON_VMEXIT, "ibpb-exit" },
	{ X86_FEATURE_RSB_VMEXIT, "rsb" },
	{ X86_FEATURE_RSB_VMEXIT_LITE, "rsb-lite" },
	{ X86_FEATURE_UNRET, "untrain" },
	{ BARRIER_BHB, "bhb" },
};

/*
 * Does the host guard itself from branches that others have trained? Who turned
 * that off has no boundary left that the costlier barriers would keep.
 */
static bool __init host_guards(void)
{
	u64 v;

	if (boot_cpu_has(X86_FEATURE_RSB_CTXSW) ||
	    boot_cpu_has(X86_FEATURE_RETPOLINE) ||
	    boot_cpu_has(X86_FEATURE_RETPOLINE_LFENCE) ||
	    boot_cpu_has(X86_FEATURE_KERNEL_IBRS))
		return true;
	if (boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) &&
	    !lodge_rdmsr_safe(MSR_IA32_SPEC_CTRL, &v) && (v & SPEC_CTRL_IBRS))
		return true;
	return boot_cpu_has(X86_FEATURE_AUTOIBRS) &&
	       (lodge_rdmsr(MSR_EFER) & EFER_AUTOIBRS);
}

static bool __init wants_switch(void)
{
#ifdef X86_FEATURE_USE_IBPB
	return boot_cpu_has(X86_FEATURE_USE_IBPB);
#else
	return boot_cpu_has(X86_FEATURE_IBPB) && host_guards();
#endif
}

/* Intel: "L1 Terminal Fault"; the CPU may say that there is no need. */
static bool __init wants_l1d(void)
{
	u64 v = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || !host_guards())
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	    !lodge_rdmsr_safe(MSR_IA32_ARCH_CAPABILITIES, &v) &&
	    (v & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH))
		return false;
	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		return true;
	pr_warn("lodge: guests can read what is in the first-level cache (L1TF): this CPU's microcode can't flush it\n");
	return false;
}

static bool __init wants_reduce(void)
{
#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
	u64 v;

	/* A hypervisor may tell of it and have no such MSR. */
	return boot_cpu_has(X86_FEATURE_SRSO_BP_SPEC_REDUCE) &&
	       !lodge_rdmsr_safe(MSR_ZEN4_BP_CFG, &v);
#else
	return false;
#endif
}

/**
 * lodge_barriers_init() - learn what the host wants
 * @caps: gets the names, for the log
 */
void __init lodge_barriers_init(struct lodge_caps *caps)
{
	static const char * const names[] = {
		"ibpb-switch", "ibpb-leave", "l1d", "bp-reduce",
	};
	size_t i;

	if (wants_switch())
		lodge_barriers |= LODGE_BARRIER_SWITCH;
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER))
		lodge_barriers |= LODGE_BARRIER_LEAVE;
#endif
	if (wants_l1d())
		lodge_barriers |= LODGE_BARRIER_L1D;
	if (wants_reduce())
		lodge_barriers |= LODGE_BARRIER_REDUCE;
	for (i = 0; i < ARRAY_SIZE(barrier_bits); i++)
		if (boot_cpu_has(barrier_bits[i].bit))
			lodge_barrier_name(caps, barrier_bits[i].name);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (lodge_barriers & BIT(i))
			lodge_barrier_name(caps, names[i]);
}

/* Indirect branches are not predicted by what was there before. */
static void barrier_ibpb(void)
{
	lodge_wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

/**
 * lodge_barrier_begin() - before a guest, in its bracket
 * @serial: the vCPU's: no other ever had it
 *
 * Context: interrupts off; lodge_barriers is not 0.
 */
void lodge_barrier_begin(u64 serial)
{
#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
	if (lodge_barriers & LODGE_BARRIER_REDUCE) {
		u64 v = lodge_rdmsr(MSR_ZEN4_BP_CFG);

		/* It stays: what the guest has trained does, too. */
		if (!(v & BIT_ULL(MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT)))
			lodge_wrmsr(MSR_ZEN4_BP_CFG, v |
				    BIT_ULL(MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT));
	}
#endif
	if ((lodge_barriers & LODGE_BARRIER_SWITCH) &&
	    this_cpu_read(barrier_last) != serial) {
		barrier_ibpb();
		this_cpu_write(barrier_last, serial);
	}
}

/**
 * lodge_barrier_end() - behind a guest, at the end of its bracket
 *
 * Whoever comes next in user mode on this CPU, the VM's own process before all,
 * is not to follow the guest's branches (VMSCAPE).
 *
 * Context: interrupts off; lodge_barriers is not 0.
 */
void lodge_barrier_end(void)
{
	if (lodge_barriers & LODGE_BARRIER_LEAVE)
		barrier_ibpb();
}

/**
 * lodge_barrier_l1d() - nothing of the host's is in the first-level data cache
 *
 * Context: right before a bracket's first entry; LODGE_BARRIER_L1D is wanted.
 */
void lodge_barrier_l1d(void)
{
	lodge_wrmsr(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}
