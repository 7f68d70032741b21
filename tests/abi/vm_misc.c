// SPDX-License-Identifier: GPL-2.0
/*
 * The small ioctls of a VM: KVM_SET_BOOT_CPU_ID, KVM_CREATE_DEVICE, the TSC's
 * rate for all vCPUs, the second form of memory slots; KVM_PRE_FAULT_MEMORY, and
 * the device's attributes.
 */
#include "test.h"

/* Not in the headers of 6.1. */
#define CAP_USER_MEMORY2	231
#define CAP_PRE_FAULT_MEMORY	236
#define SET_MEMORY2		_IOW(KVMIO, 0x49, struct memory2)
#define PRE_FAULT		_IOWR(KVMIO, 0xd5, struct pre_fault)

struct memory2 {
	uint32_t slot, flags;
	uint64_t gpa, size, hva, memfd_offset;
	uint32_t memfd, pad[29];
};

struct pre_fault {
	uint64_t gpa, size, flags, pad[5];
};

GUEST64(hello, "mov $0x1b, %ecx; rdmsr\n" G_REPORT G_DONE);

TEST(boot_cpu)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *first, *boot;
	struct kvm_mp_state state;

	NEED_CAP(vm->fd, KVM_CAP_SET_BOOT_CPU_ID);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_BOOT_CPU_ID, 3);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_BOOT_CPU_ID, 2);
	first = abi_vcpu_create(vm, 0);
	boot = abi_vcpu_create(vm, 2);
	abi_ok(first->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, state.mp_state);
	abi_ok(boot->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, state.mp_state);
	EXPECT_EQ(0xfee00800, abi_sregs(first).apic_base);
	EXPECT_EQ(0xfee00900, abi_sregs(boot).apic_base);
	/* The PIC's interrupts go there. */
	EXPECT_EQ(0x10000, abi_lapic_get(first, 0x350));
	EXPECT_EQ(0x700, abi_lapic_get(boot, 0x350));
	abi_load(vm, ABI_CODE, &hello);
	abi_vcpu_mode(boot, ABI_LONG);
	EXPECT_EQ(0xfee00900, abi_report(boot));
	EXPECT_IOCTL(-EBUSY, vm->fd, KVM_SET_BOOT_CPU_ID, 0);
}

TEST(no_devices)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_create_device dev = { .type = 0x7fffffff };

	NEED_CAP(vm->fd, KVM_CAP_DEVICE_CTRL);
	EXPECT_IOCTL(-ENODEV, vm->fd, KVM_CREATE_DEVICE, &dev);
	dev.type = KVM_DEV_TYPE_ARM_VGIC_V2;
	EXPECT_IOCTL(-ENODEV, vm->fd, KVM_CREATE_DEVICE, &dev);
	dev.flags = KVM_CREATE_DEVICE_TEST;
	EXPECT_IOCTL(-ENODEV, vm->fd, KVM_CREATE_DEVICE, &dev);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_CREATE_DEVICE, 8);
}

TEST(tsc_rate)
{
	struct abi_vm *vm = abi_vm_create(0);
	int host = abi_ok(vm->fd, KVM_GET_TSC_KHZ, 0);
	struct abi_vcpu *vcpu;

	EXPECT_LT(0, host);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSC_KHZ, host);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSC_KHZ, 0);
	EXPECT_IOCTL(host, vm->fd, KVM_GET_TSC_KHZ, 0);
	if (abi_cap(vm->fd, KVM_CAP_VM_TSC_CONTROL) > 0)
		EXPECT_IOCTL(0, vm->fd, KVM_SET_TSC_KHZ, host /= 2);
	vcpu = abi_vcpu_create(vm, 0);
	EXPECT_IOCTL(host, vcpu->fd, KVM_GET_TSC_KHZ, 0);
	EXPECT_IOCTL(host, vm->fd, KVM_GET_TSC_KHZ, 0);
}

TEST(memory2)
{
	struct abi_vm *vm = abi_vm_create(ABI_NOMEM);
	struct memory2 m = {
		.size = ABI_MEM_SIZE,
		.hva = (uintptr_t)abi_map(ABI_MEM_SIZE),
	};
	struct abi_vcpu *vcpu;

	NEED_CAP(vm->fd, CAP_USER_MEMORY2);
	EXPECT_IOCTL(0, vm->fd, SET_MEMORY2, &m);
	vm->mem = (uint8_t *)(uintptr_t)m.hva;
	vcpu = abi_vcpu_create(vm, 0);
	abi_load(vm, ABI_CODE, &hello);
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(0xfee00900, abi_report(vcpu));
	/* Beside the first form. */
	EXPECT_EQ(-EEXIST, abi_slot(vm, 1, 0, 0x1000, 0x1000, vm->mem));
	m.flags = 4;	/* KVM_MEM_GUEST_MEMFD */
	EXPECT_IOCTL(-EINVAL, vm->fd, SET_MEMORY2, &m);
	m.flags = 0;
	m.size = 0;
	EXPECT_IOCTL(0, vm->fd, SET_MEMORY2, &m);
	EXPECT_IOCTL(-EFAULT, vm->fd, SET_MEMORY2, 8);
}

#define HIGH	0x200000ul
#define PAGES	600

TEST(pre_fault)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &hello);
	struct pre_fault p = { .gpa = HIGH, .size = PAGES * 4096ul };
	uint8_t *mem = abi_map(PAGES * 4096), there[PAGES];

	NEED_CAP(vcpu->vm->fd, CAP_PRE_FAULT_MEMORY);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, PAGES * 4096, mem));
	EXPECT_IOCTL(0, vcpu->fd, PRE_FAULT, &p);
	EXPECT_EQ(0, p.size);
	EXPECT_EQ(HIGH + PAGES * 4096, p.gpa);
	/* All of it has been touched. */
	ASSERT_EQ(0, mincore(mem, PAGES * 4096, there));
	for (int i = 0; i < PAGES; i++) {
		EXPECT_EQ(1, there[i] & 1)
			TH_LOG("page %d", i);
	}
	/* Across the end of the slot: as far as it goes. */
	p.gpa = HIGH + (PAGES - 2) * 4096;
	p.size = 4 * 4096;
	EXPECT_IOCTL(0, vcpu->fd, PRE_FAULT, &p);
	EXPECT_EQ(2 * 4096, p.size);
	EXPECT_EQ(HIGH + PAGES * 4096, p.gpa);
	EXPECT_IOCTL(-ENOENT, vcpu->fd, PRE_FAULT, &p);
	abi_report(vcpu);
}

TEST(pre_fault_errors)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &hello);
	struct pre_fault p = { .gpa = 0x1000, .size = 0x1000, .flags = 1 };

	NEED_CAP(vcpu->vm->fd, CAP_PRE_FAULT_MEMORY);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, PRE_FAULT, &p);
	p.flags = 0;
	p.gpa = 0x1001;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, PRE_FAULT, &p);
	p.gpa = 0x1000;
	p.size = 0x1001;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, PRE_FAULT, &p);
	p.size = 0;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, PRE_FAULT, &p);
	p.size = -0x1000ul;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, PRE_FAULT, &p);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, PRE_FAULT, 8);
}

TEST(device_attributes)
{
	int dev = abi_open();
	struct kvm_cpuid_entry2 *e;
	uint64_t features = 0;
	struct kvm_device_attr a = {
		.attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uintptr_t)&features,
	};

	NEED_CAP(dev, KVM_CAP_SYS_ATTRIBUTES);
	EXPECT_IOCTL(0, dev, KVM_HAS_DEVICE_ATTR, &a);
	EXPECT_IOCTL(0, dev, KVM_GET_DEVICE_ATTR, &a);
	e = abi_cpuid_find(abi_cpuid(dev), 0xd, 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ((uint64_t)e->edx << 32 | e->eax, features);
	a.addr = 8;
	EXPECT_IOCTL(-EFAULT, dev, KVM_GET_DEVICE_ATTR, &a);
	a.attr = 99;
	EXPECT_IOCTL(-ENXIO, dev, KVM_HAS_DEVICE_ATTR, &a);
	EXPECT_IOCTL(-ENXIO, dev, KVM_GET_DEVICE_ATTR, &a);
	a.attr = 0;
	a.group = 1;
	EXPECT_IOCTL(-ENXIO, dev, KVM_HAS_DEVICE_ATTR, &a);
	EXPECT_IOCTL(-ENXIO, dev, KVM_GET_DEVICE_ATTR, &a);
}

TEST_HARNESS_MAIN
