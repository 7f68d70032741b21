// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM_CHECK_EXTENSION answers, on /dev/lodge and on a VM alike.
 *
 * One table, in the order of the numbers. What is not in it is 0: no
 * capability may be here before all that it promises works. Next: vm_ioctl.c.
 */
#include <asm/cpufeature.h>

#include "ioctl.h"
#include "lodge.h"

static int cap_nr_vcpus(void)
{
	return min(lodge_hw_cpus(), LODGE_VCPUS_MAX);
}

static int cap_xcrs(void)
{
	return boot_cpu_has(X86_FEATURE_XSAVE);
}

static int cap_tsc_control(void)
{
	return lodge_caps.tsc_ratio_frac_bits != 0;
}

static int cap_xsave2(void)
{
	return max_t(u32, lodge_fpu_size(), sizeof(struct kvm_xsave));
}

/* A guest that waits by MWAIT gets no interrupt late: its timer goes on. */
static int cap_disable_exits(void)
{
	int exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE |
		    KVM_X86_DISABLE_EXITS_CSTATE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	    !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

static const struct {
	u32 cap;
	int value;
	int (*fn)(void);	/* in place of value */
} caps[] = {
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_CLOCKSOURCE, 1 },
	{ KVM_CAP_NR_VCPUS, 0, cap_nr_vcpus },
	{ KVM_CAP_NR_MEMSLOTS, LODGE_SLOTS_MAX },
	{ KVM_CAP_PIT, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_COALESCED_MMIO, LODGE_RING_PAGE },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_IRQ_ROUTING, LODGE_GSI_MAX },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_MCE, LODGE_MCE_BANKS },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME |
				KVM_CLOCK_HOST_TSC },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_INTR_SHADOW, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XCRS, 0, cap_xcrs },
	{ KVM_CAP_ASYNC_PF, 1 },
	{ KVM_CAP_TSC_CONTROL, 0, cap_tsc_control },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_MAX_VCPUS, LODGE_VCPUS_MAX },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_SYNC_REGS, LODGE_SYNC_REGS },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_DEVICE_CTRL, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_DISABLE_QUIRKS, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_MAX_VCPU_ID, LODGE_VCPU_ID_MAX },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_X2APIC_API, LODGE_X2APIC_API },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_X86_DISABLE_EXITS, 0, cap_disable_exits },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, LODGE_DIRTY_MANUAL },
	{ KVM_CAP_HALT_POLL, 1 },
	{ KVM_CAP_ASYNC_PF_INT, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_DIRTY_LOG_RING, LODGE_DIRTY_RING_BYTES },
	{ KVM_CAP_SET_GUEST_DEBUG2, KVM_GUESTDBG_ENABLE |
		KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
		KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB |
		KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_BLOCKIRQ },
	{ KVM_CAP_X86_USER_SPACE_MSR, 1 },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_EXIT_HYPERCALL, LODGE_USER_HYPERCALLS },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ KVM_CAP_XSAVE2, 0, cap_xsave2 },
	{ KVM_CAP_SYS_ATTRIBUTES, 1 },
	{ KVM_CAP_VM_TSC_CONTROL, 0, cap_tsc_control },
	{ KVM_CAP_DISABLE_QUIRKS2, LODGE_QUIRKS },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
	{ KVM_CAP_USER_MEMORY2, 1 },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, LODGE_DIRTY_RING_BYTES },
	{ KVM_CAP_VM_TYPES, 1 },	/* type 0: bit 0 */
	{ KVM_CAP_PRE_FAULT_MEMORY, 1 },
	{ KVM_CAP_X86_APIC_BUS_CYCLES_NS, 1 },	/* of which the user may have more */
	{ KVM_CAP_X86_GUEST_MODE, 1 },	/* its flag is never set: no nesting */
	{ LODGE_CAP_EXPLAIN, 1 },
};

/**
 * lodge_cap_check() - the value of a capability
 * @vm: unused for now, NULL for /dev/lodge: every VM can do the same
 * @cap: KVM_CAP_*, or any number the user made up
 *
 * Return: 0 if it is not there, never an error.
 */
int lodge_cap_check(struct lodge_vm *vm, long cap)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == cap)
			return caps[i].fn ? caps[i].fn() : caps[i].value;
	return 0;
}
