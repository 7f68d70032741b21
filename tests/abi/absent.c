// SPDX-License-Identifier: GPL-2.0
/*
 * What is not there says so: each ioctl whose capability is 0 gives the error
 * of an unknown one, and no ioctl of other processors' does anything.
 */
#include "test.h"

/* Not in the headers of 6.1. */
#ifndef KVM_SET_USER_MEMORY_REGION2
#define KVM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, uint64_t[20])
#endif
#ifndef KVM_SET_MEMORY_ATTRIBUTES
#define KVM_SET_MEMORY_ATTRIBUTES	_IOW(KVMIO, 0xd2, uint64_t[4])
#endif
#ifndef KVM_CREATE_GUEST_MEMFD
#define KVM_CREATE_GUEST_MEMFD		_IOWR(KVMIO, 0xd4, uint64_t[8])
#endif
#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_PRE_FAULT_MEMORY		_IOWR(KVMIO, 0xd5, uint64_t[8])
#endif

#define FOREIGN	-1	/* of other processors than x86 */

FIXTURE(absent) { struct abi_vm *vm; struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(absent) {
	char scope;		/* d(evice), v(irtual machine), c (vCPU) */
	unsigned long cmd;
	int cap;
};

#define ABSENT(name, scope, cap) \
	FIXTURE_VARIANT_ADD(absent, name##_##scope) { #scope[0], KVM_##name, cap }

ABSENT(GET_EMULATED_CPUID, d, KVM_CAP_EXT_EMUL_CPUID);
ABSENT(GET_SUPPORTED_HV_CPUID, d, KVM_CAP_SYS_HYPERV_CPUID);
ABSENT(GET_DEVICE_ATTR, d, KVM_CAP_SYS_ATTRIBUTES);
ABSENT(SET_DEVICE_ATTR, d, FOREIGN);
ABSENT(MEMORY_ENCRYPT_OP, d, FOREIGN);

ABSENT(SET_NR_MMU_PAGES, v, KVM_CAP_MMU_SHADOW_CACHE_CONTROL);
ABSENT(GET_NR_MMU_PAGES, v, KVM_CAP_MMU_SHADOW_CACHE_CONTROL);
ABSENT(SET_USER_MEMORY_REGION2, v, 231);
ABSENT(SET_MEMORY_ATTRIBUTES, v, 233);
ABSENT(CREATE_GUEST_MEMFD, v, 234);
ABSENT(MEMORY_ENCRYPT_OP, v, FOREIGN);
ABSENT(MEMORY_ENCRYPT_REG_REGION, v, FOREIGN);
ABSENT(MEMORY_ENCRYPT_UNREG_REGION, v, FOREIGN);
ABSENT(SET_PMU_EVENT_FILTER, v, KVM_CAP_PMU_EVENT_FILTER);
ABSENT(XEN_HVM_CONFIG, v, KVM_CAP_XEN_HVM);
ABSENT(XEN_HVM_GET_ATTR, v, KVM_CAP_XEN_HVM);
ABSENT(XEN_HVM_SET_ATTR, v, KVM_CAP_XEN_HVM);
ABSENT(XEN_HVM_EVTCHN_SEND, v, KVM_CAP_XEN_HVM);
ABSENT(HYPERV_EVENTFD, v, KVM_CAP_HYPERV_EVENTFD);
ABSENT(HAS_DEVICE_ATTR, v, KVM_CAP_VM_ATTRIBUTES);
ABSENT(GET_DEVICE_ATTR, v, KVM_CAP_VM_ATTRIBUTES);
ABSENT(SET_DEVICE_ATTR, v, KVM_CAP_VM_ATTRIBUTES);
ABSENT(PPC_GET_PVINFO, v, FOREIGN);
ABSENT(PPC_ALLOCATE_HTAB, v, FOREIGN);
ABSENT(ARM_SET_DEVICE_ADDR, v, FOREIGN);
ABSENT(S390_INTERRUPT, v, FOREIGN);
ABSENT(S390_GET_SKEYS, v, FOREIGN);
ABSENT(S390_PV_COMMAND, v, FOREIGN);

ABSENT(SMI, c, KVM_CAP_X86_SMM);
ABSENT(TPR_ACCESS_REPORTING, c, KVM_CAP_VAPIC);
ABSENT(GET_SREGS2, c, KVM_CAP_SREGS2);
ABSENT(SET_SREGS2, c, KVM_CAP_SREGS2);
ABSENT(SET_NESTED_STATE, c, KVM_CAP_NESTED_STATE);
ABSENT(GET_SUPPORTED_HV_CPUID, c, KVM_CAP_HYPERV_CPUID);
ABSENT(XEN_VCPU_GET_ATTR, c, KVM_CAP_XEN_HVM);
ABSENT(XEN_VCPU_SET_ATTR, c, KVM_CAP_XEN_HVM);
ABSENT(HAS_DEVICE_ATTR, c, KVM_CAP_VCPU_ATTRIBUTES);
ABSENT(GET_DEVICE_ATTR, c, KVM_CAP_VCPU_ATTRIBUTES);
ABSENT(SET_DEVICE_ATTR, c, KVM_CAP_VCPU_ATTRIBUTES);
ABSENT(PRE_FAULT_MEMORY, c, 236);
ABSENT(GET_ONE_REG, c, KVM_CAP_ONE_REG);
ABSENT(SET_ONE_REG, c, KVM_CAP_ONE_REG);
ABSENT(GET_REG_LIST, c, FOREIGN);
ABSENT(DIRTY_TLB, c, KVM_CAP_SW_TLB);
ABSENT(S390_INITIAL_RESET, c, FOREIGN);
ABSENT(S390_MEM_OP, c, FOREIGN);
ABSENT(S390_SET_IRQ_STATE, c, FOREIGN);
ABSENT(ARM_VCPU_FINALIZE, c, FOREIGN);

FIXTURE_SETUP(absent)
{
	self->vm = abi_vm_create(ABI_IRQCHIP);
	self->vcpu = abi_vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(absent) { }

TEST_F(absent, is_unknown)
{
	int fd = variant->scope == 'd' ? self->vm->dev :
		 variant->scope == 'v' ? self->vm->fd : self->vcpu->fd;

	if (variant->cap != FOREIGN && abi_cap(self->vm->fd, variant->cap) > 0)
		SKIP(return, "it is there");
	/* KVM knows KVM_SMI without its capability, too. */
	EXPECT_IOCTL(variant->scope == 'v' || variant->cmd == KVM_SMI ?
		     -ENOTTY : -EINVAL, fd, variant->cmd, abi_map(65536));
}

/* What a VM or a vCPU can't be given can't be switched on. */
TEST(nothing_to_enable)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_enable_cap cap = { 0 };

	for (cap.cap = 0; cap.cap < 512; cap.cap++) {
		if (abi_cap(vm->fd, cap.cap) > 0)
			continue;
		EXPECT_IOCTL(-EINVAL, vm->fd, KVM_ENABLE_CAP, &cap);
		EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_ENABLE_CAP, &cap);
	}
}

TEST_HARNESS_MAIN
