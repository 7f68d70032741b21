// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CHECK_EXTENSION, on the device and on a VM: what must be there for the
 * VMMs that Lodge is for, and that what is said agrees with what is done.
 */
#include "test.h"

#ifndef KVM_CAP_X86_GUEST_MODE
#define KVM_CAP_X86_GUEST_MODE	238
#endif

FIXTURE(required) { int dev; };
FIXTURE_VARIANT(required) { long cap; int min; };

#define REQUIRED(name, least) \
	FIXTURE_VARIANT_ADD(required, name) { KVM_CAP_##name, least }

REQUIRED(ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE);
REQUIRED(COALESCED_MMIO, 1);
REQUIRED(DEBUGREGS, 1);
REQUIRED(DESTROY_MEMORY_REGION_WORKS, 1);
REQUIRED(EXT_CPUID, 1);
REQUIRED(GET_TSC_KHZ, 1);
REQUIRED(HLT, 1);
REQUIRED(IMMEDIATE_EXIT, 1);
REQUIRED(INTERNAL_ERROR_DATA, 1);
REQUIRED(IOEVENTFD, 1);
REQUIRED(IOEVENTFD_ANY_LENGTH, 1);
REQUIRED(IRQCHIP, 1);
REQUIRED(IRQFD, 1);
REQUIRED(IRQFD_RESAMPLE, 1);
REQUIRED(IRQ_INJECT_STATUS, 1);
REQUIRED(IRQ_ROUTING, 4096);
REQUIRED(JOIN_MEMORY_REGIONS_WORKS, 1);
REQUIRED(MAX_VCPUS, 64);
REQUIRED(MAX_VCPU_ID, 64);
REQUIRED(MP_STATE, 1);
REQUIRED(NR_MEMSLOTS, 509);
REQUIRED(NR_VCPUS, 1);
REQUIRED(PIT2, 1);
REQUIRED(PIT_STATE2, 1);
REQUIRED(READONLY_MEM, 1);
REQUIRED(SET_IDENTITY_MAP_ADDR, 1);
REQUIRED(SET_TSS_ADDR, 1);
REQUIRED(SIGNAL_MSI, 1);
REQUIRED(SYNC_MMU, 1);
REQUIRED(TSC_DEADLINE_TIMER, 1);
REQUIRED(USER_MEMORY, 1);
REQUIRED(USER_NMI, 1);
REQUIRED(VCPU_EVENTS, 1);
REQUIRED(XCRS, 1);
REQUIRED(XSAVE, 1);

FIXTURE_SETUP(required) { self->dev = abi_open(); }
FIXTURE_TEARDOWN(required) { close(self->dev); }

TEST_F(required, present)
{
	EXPECT_LE(variant->min, abi_cap(self->dev, variant->cap));
}

TEST_F(required, same_on_vm)
{
	int vm = abi_ok(self->dev, KVM_CREATE_VM, 0);

	EXPECT_EQ(abi_cap(self->dev, variant->cap), abi_cap(vm, variant->cap));
}

/* Values that a VMM computes with, equal to KVM's or explained. */
TEST(values)
{
	int dev = abi_open();

#define CAP_VALUE(name) \
	VALUE("cap." #name, "%d", abi_cap(dev, KVM_CAP_##name))
	CAP_VALUE(ADJUST_CLOCK);
	CAP_VALUE(BINARY_STATS_FD);
	CAP_VALUE(COALESCED_MMIO);
	CAP_VALUE(COALESCED_PIO);
	CAP_VALUE(DIRTY_LOG_RING);
	CAP_VALUE(EXCEPTION_PAYLOAD);
	CAP_VALUE(EXIT_HYPERCALL);
	CAP_VALUE(GET_MSR_FEATURES);
	CAP_VALUE(HYPERV);
	CAP_VALUE(KVMCLOCK_CTRL);
	CAP_VALUE(MANUAL_DIRTY_LOG_PROTECT2);
	CAP_VALUE(MAX_VCPUS);
	CAP_VALUE(MCE);
	CAP_VALUE(MSI_DEVID);
	CAP_VALUE(MULTI_ADDRESS_SPACE);
	CAP_VALUE(NESTED_STATE);
	CAP_VALUE(NR_MEMSLOTS);
	CAP_VALUE(NR_VCPUS);
	CAP_VALUE(PCI_2_3);
	CAP_VALUE(SET_GUEST_DEBUG);
	CAP_VALUE(SPLIT_IRQCHIP);
	CAP_VALUE(SREGS2);
	CAP_VALUE(SYNC_REGS);
	CAP_VALUE(SYS_ATTRIBUTES);
	CAP_VALUE(TSC_CONTROL);
	CAP_VALUE(VM_ATTRIBUTES);
	CAP_VALUE(X2APIC_API);
	CAP_VALUE(X86_DISABLE_EXITS);
	CAP_VALUE(X86_GUEST_MODE);
	CAP_VALUE(X86_ROBUST_SINGLESTEP);
	CAP_VALUE(X86_SMM);
	CAP_VALUE(X86_TRIPLE_FAULT_EVENT);
	CAP_VALUE(X86_USER_SPACE_MSR);
	CAP_VALUE(XSAVE2);
}

TEST(unknown_capabilities_are_zero)
{
	struct abi_vm *vm = abi_vm_create(0);
	static const long unknown[] = {
		-1, 0x7fffffff, 1l << 32, 100000, (1l << 32) | 1,
	};

	for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		EXPECT_EQ(0, abi_cap(vm->dev, unknown[i]));
		EXPECT_EQ(0, abi_cap(vm->fd, unknown[i]));
	}
}

/* No number gives an error, and none but KVM's are answered. */
TEST(every_number_answers)
{
	struct abi_vm *vm = abi_vm_create(0);

	for (long cap = 0; cap < 512; cap++) {
		EXPECT_LE(0, abi_cap(vm->dev, cap)) TH_LOG("cap %ld", cap);
		EXPECT_LE(0, abi_cap(vm->fd, cap)) TH_LOG("cap %ld", cap);
	}
}

/* The same on a capability's own ioctl: yes means works, no means refused. */
FIXTURE(honest) { struct abi_vm *vm; struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(honest) {
	long cap;
	char scope;		/* d, v (VM), c (vCPU) */
	unsigned long cmd;
	long arg;		/* -1: a zeroed buffer */
};

#define HONEST(name, capability, ...) \
	FIXTURE_VARIANT_ADD(honest, name) { KVM_CAP_##capability, __VA_ARGS__ }

HONEST(GET_STATS_FD_vm, BINARY_STATS_FD, 'v', KVM_GET_STATS_FD, 0);
HONEST(GET_STATS_FD_vcpu, BINARY_STATS_FD, 'c', KVM_GET_STATS_FD, 0);
HONEST(GET_SREGS2, SREGS2, 'c', KVM_GET_SREGS2, -1);
HONEST(GET_XSAVE2, XSAVE2, 'c', KVM_GET_XSAVE2, -1);
HONEST(SMI, X86_SMM, 'c', KVM_SMI, 0);
HONEST(GET_MCE_CAP, MCE, 'd', KVM_X86_GET_MCE_CAP_SUPPORTED, -1);
HONEST(SET_GUEST_DEBUG, SET_GUEST_DEBUG, 'c', KVM_SET_GUEST_DEBUG, -1);
HONEST(GET_CLOCK, ADJUST_CLOCK, 'v', KVM_GET_CLOCK, -1);
HONEST(GET_XCRS, XCRS, 'c', KVM_GET_XCRS, -1);
HONEST(GET_XSAVE, XSAVE, 'c', KVM_GET_XSAVE, -1);
HONEST(GET_DEBUGREGS, DEBUGREGS, 'c', KVM_GET_DEBUGREGS, -1);
HONEST(GET_VCPU_EVENTS, VCPU_EVENTS, 'c', KVM_GET_VCPU_EVENTS, -1);
HONEST(NMI, USER_NMI, 'c', KVM_NMI, 0);
HONEST(SET_IDENTITY_MAP, SET_IDENTITY_MAP_ADDR, 'v',
	KVM_SET_IDENTITY_MAP_ADDR, -1);
HONEST(CREATE_PIT2, PIT2, 'v', KVM_CREATE_PIT2, -1);

FIXTURE_SETUP(honest)
{
	self->vm = abi_vm_create(ABI_IRQCHIP);
	if (variant->scope == 'c')
		self->vcpu = abi_vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(honest) { }

TEST_F(honest, cap_agrees_with_ioctl)
{
	int fd = variant->scope == 'd' ? self->vm->dev :
		 variant->scope == 'v' ? self->vm->fd : self->vcpu->fd;
	int absent = variant->scope == 'v' || variant->cmd == KVM_SMI ?
		     -ENOTTY : -EINVAL;
	long arg = variant->arg;
	int ret;

	if (arg == -1)
		arg = (long)abi_map(65536);
	ret = abi_ioctl(fd, variant->cmd, arg);
	if (abi_cap(self->vm->fd, variant->cap) <= 0) {
		EXPECT_EQ(absent, ret);
		return;
	}
	EXPECT_LE(0, ret);
}

TEST_HARNESS_MAIN
