// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_ENABLE_CAP: what the user switches on, of a VM or of a vCPU.
 *
 * vm_ioctl.c calls with vm->lock held, vcpu_ioctl.c with vcpu->mutex. What can
 * be had without asking is in caps.c. Next: caps.c.
 */
#include "ioctl.h"
#include "lodge.h"

/*
 * Can be said once, and said again; not so that the boot CPU has no number, nor
 * when there are vCPUs. 0 says nothing.
 */
static long cap_max_vcpu_id(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] == vm->max_vcpu_id)
		return 0;
	if (vm->max_vcpu_id || args[0] > LODGE_VCPU_ID_MAX ||
	    args[0] < vm->boot_id)
		return -EINVAL;
	vm->max_vcpu_id = args[0];
	return 0;
}

/* @args[0]: GSIs from 0 on that are pins of the user's I/O APIC. */
static long cap_split_irqchip(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] > LODGE_GSI_MAX)
		return -EINVAL;
	if (vm->irqchip || vm->nr_vcpus)
		return -EEXIST;
	return lodge_irqchip_split(vm, args[0]);
}

static long cap_x2apic_api(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)LODGE_X2APIC_API)
		return -EINVAL;
	WRITE_ONCE(vm->x2apic_api, vm->x2apic_api | args[0]);
	return 0;
}

/* Without the first of the flags the second says nothing. */
static long cap_manual_protect(struct lodge_vm *vm, const u64 *args)
{
	if ((args[0] & ~(u64)LODGE_DIRTY_MANUAL) ||
	    args[0] == KVM_DIRTY_LOG_INITIALLY_SET)
		return -EINVAL;
	WRITE_ONCE(vm->dirty_manual, args[0]);
	return 0;
}

static long cap_dirty_ring(struct lodge_vm *vm, const u64 *args)
{
	return lodge_ring_enable(vm, args[0]);
}

static long cap_exception_payload(struct lodge_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->exception_payload, args[0] != 0);
	return 0;
}

static long cap_triple_fault(struct lodge_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->triple_fault_event, args[0] != 0);
	return 0;
}

/* @args[0]: how long a vCPU that halts is to poll at most, ns; 0: not at all */
static long cap_halt_poll(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] > U32_MAX)
		return -EINVAL;
	WRITE_ONCE(vm->halt_poll_ns, args[0]);
	return 0;
}

#define CAP_USER_MSRS	(KVM_MSR_EXIT_REASON_INVAL | \
			 KVM_MSR_EXIT_REASON_UNKNOWN | \
			 KVM_MSR_EXIT_REASON_FILTER)

static long cap_user_msrs(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)CAP_USER_MSRS)
		return -EINVAL;
	WRITE_ONCE(vm->user_msrs, args[0]);
	return 0;
}

static long cap_exit_hypercall(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)LODGE_USER_HYPERCALLS)
		return -EINVAL;
	WRITE_ONCE(vm->user_hypercalls, args[0]);
	return 0;
}

static long cap_exit_on_emulation(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] & ~1ULL)
		return -EINVAL;
	WRITE_ONCE(vm->exit_on_emulation, args[0]);
	return 0;
}

/* Holds from the next entry on, also of vCPUs that are there. */
static long cap_disable_exits(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)lodge_cap_check(vm, KVM_CAP_X86_DISABLE_EXITS))
		return -EINVAL;
	WRITE_ONCE(vm->exits_off, vm->exits_off | args[0]);
	lodge_vm_request(vm, LODGE_REQ_INTERCEPTS, false);
	return 0;
}

/* The older capability does not say which there are, and takes any. */
static long cap_disable_quirks(struct lodge_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->quirks_off, args[0] & LODGE_QUIRKS);
	return 0;
}

static long cap_disable_quirks2(struct lodge_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)LODGE_QUIRKS)
		return -EINVAL;
	return cap_disable_quirks(vm, args);
}

static long cap_platform_info(struct lodge_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->platform_info_off, !args[0]);
	return 0;
}

/* No count of the timer's, by the largest divisor, may overflow. */
static long cap_apic_bus(struct lodge_vm *vm, const u64 *args)
{
	if (!args[0] || args[0] > U64_MAX / (128ULL * U32_MAX))
		return -EINVAL;
	if (!vm->irqchip)
		return -ENXIO;
	if (vm->nr_vcpus)
		return -EINVAL;
	vm->apic_bus_ns = args[0];
	return 0;
}

static const struct {
	u32 cap;
	long (*fn)(struct lodge_vm *vm, const u64 *args);
} vm_caps[] = {
	{ KVM_CAP_DISABLE_QUIRKS, cap_disable_quirks },
	{ KVM_CAP_SPLIT_IRQCHIP, cap_split_irqchip },
	{ KVM_CAP_MAX_VCPU_ID, cap_max_vcpu_id },
	{ KVM_CAP_X2APIC_API, cap_x2apic_api },
	{ KVM_CAP_X86_DISABLE_EXITS, cap_disable_exits },
	{ KVM_CAP_MSR_PLATFORM_INFO, cap_platform_info },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, cap_manual_protect },
	{ KVM_CAP_DIRTY_LOG_RING, cap_dirty_ring },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, cap_dirty_ring },
	{ KVM_CAP_X86_USER_SPACE_MSR, cap_user_msrs },
	{ KVM_CAP_EXIT_HYPERCALL, cap_exit_hypercall },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, cap_exit_on_emulation },
	{ KVM_CAP_EXCEPTION_PAYLOAD, cap_exception_payload },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, cap_triple_fault },
	{ KVM_CAP_HALT_POLL, cap_halt_poll },
	{ KVM_CAP_DISABLE_QUIRKS2, cap_disable_quirks2 },
	{ KVM_CAP_X86_APIC_BUS_CYCLES_NS, cap_apic_bus },
};

/**
 * lodge_vm_enable_cap() - KVM_ENABLE_CAP of a VM
 * @vm: whose, its lock held
 * @e: capability and arguments
 *
 * Return: 0; -EINVAL: flags, arguments, or not to be enabled; or what the
 * capability's own function says.
 */
long lodge_vm_enable_cap(struct lodge_vm *vm, const struct kvm_enable_cap *e)
{
	size_t i;

	if (e->flags)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(vm_caps); i++)
		if (vm_caps[i].cap == e->cap)
			return vm_caps[i].fn(vm, e->args);
	return -EINVAL;
}

/**
 * lodge_vcpu_enable_cap() - KVM_ENABLE_CAP of a vCPU
 * @vcpu: whose, its mutex held
 * @e: capability and arguments
 *
 * Return: 0, or -EINVAL: flags, or not to be enabled.
 */
long lodge_vcpu_enable_cap(struct lodge_vcpu *vcpu,
			   const struct kvm_enable_cap *e)
{
	if (e->flags || e->cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	vcpu->pv_enforce = e->args[0];
	return 0;
}
