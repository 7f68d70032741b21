// SPDX-License-Identifier: GPL-2.0
/*
 * The smaller ioctls: feature MSRs, machine checks, KVM_TRANSLATE, the VAPIC
 * address, the older forms of the PIT's and CPUID's, KVM_REINJECT_CONTROL.
 */
#include "test.h"

GUEST64(done, G_DONE);

struct list {
	struct kvm_msr_list head;
	uint32_t indices[256];
};

TEST(feature_msrs)
{
	int dev = abi_open();
	struct list list = { .head.nmsrs = 0 };
	uint64_t value;
	uint32_t n;

	NEED_CAP(dev, KVM_CAP_GET_MSR_FEATURES);
	EXPECT_IOCTL(-E2BIG, dev, KVM_GET_MSR_FEATURE_INDEX_LIST, &list);
	n = list.head.nmsrs;
	/* QEMU asserts that there is one. */
	ASSERT_LT(0, n);
	ASSERT_GT(256, n);
	EXPECT_IOCTL(0, dev, KVM_GET_MSR_FEATURE_INDEX_LIST, &list);
	EXPECT_EQ(n, list.head.nmsrs);
	for (uint32_t i = 0; i < n; i++) {
		EXPECT_EQ(1, abi_msr_get(dev, list.indices[i], &value))
			TH_LOG("MSR %#x", list.indices[i]);
	}
	EXPECT_GE(0, abi_msr_get(dev, 0xdeadbeef, &value));
	EXPECT_IOCTL(-EFAULT, dev, KVM_GET_MSR_FEATURE_INDEX_LIST, 8);
	EXPECT_IOCTL(-EFAULT, dev, KVM_GET_MSRS, 8);
}

TEST(machine_checks)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	int banks = abi_cap(vm->dev, KVM_CAP_MCE);
	uint64_t cap, value;

	if (banks <= 0)
		SKIP(return, "no KVM_CAP_MCE");
	EXPECT_LE(10, banks);
	EXPECT_IOCTL(0, vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap);
	VALUE("mce.cap", "%#llx", (unsigned long long)cap);
	EXPECT_IOCTL(-EFAULT, vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, 8);
	value = 0;				/* no bank */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_X86_SETUP_MCE, &value);
	value = banks + 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_X86_SETUP_MCE, &value);
	value = 10 | 1ull << 40;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_X86_SETUP_MCE, &value);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_X86_SETUP_MCE, 8);
	/* What QEMU asks for. */
	value = 10 | (cap & (1ull << 24 | 1 << 8));
	EXPECT_IOCTL(0, vcpu->fd, KVM_X86_SETUP_MCE, &value);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x179, &cap));
	/* AMD-V keeps but the lowest nine bits. */
	EXPECT_EQ(value & 0x1ff, cap & 0x1ff);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x400, &value));
	EXPECT_EQ(~0ull, value);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x427, &value));
	/* Status may be cleared, not set, by anybody but the VMM. */
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x401, 0));
}

TEST(machine_check_injection)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_x86_mce mce = {
		.status = 1ull << 63, .bank = 1, .addr = 0x1234,
	};
	uint64_t value = 4;

	NEED_CAP(vm->dev, KVM_CAP_MCE);
	abi_ok(vcpu->fd, KVM_X86_SETUP_MCE, &value);
	EXPECT_IOCTL(0, vcpu->fd, KVM_X86_SET_MCE, &mce);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x405, &value));
	EXPECT_EQ(1ull << 63, value);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x406, &value));
	EXPECT_EQ(0x1234, value);
	mce.bank = 4;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_X86_SET_MCE, &mce);
	mce.bank = 1;
	mce.status = 0;				/* not valid */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_X86_SET_MCE, &mce);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_X86_SET_MCE, 8);
}

/* An error that can wait: no exception, but an interrupt if it is wanted. */
TEST(machine_check_interrupt)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_x86_mce mce = {
		/* Valid, uncorrected, reporting enabled, the address told */
		.status = 1ull << 63 | 1ull << 61 | 1ull << 60 | 1ull << 58,
		.bank = 3, .addr = 0x1234,
	};
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	uint64_t value;

	NEED_CAP(vm->dev, KVM_CAP_MCE);
	abi_ok(vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, &value);
	if (!(value & 1 << 10))
		SKIP(return, "no interrupts for machine checks");
	value = 4 | 1 << 10 | 1 << 24;
	abi_ok(vcpu->fd, KVM_X86_SETUP_MCE, &value);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(0x60014, *(uint32_t *)(lapic.regs + 0x30));
	EXPECT_EQ(0x10000, *(uint32_t *)(lapic.regs + 0x2f0));
	*(uint32_t *)(lapic.regs + 0xf0) = 0x1ff;
	*(uint32_t *)(lapic.regs + 0x2f0) = 0x91;
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);

	EXPECT_IOCTL(0, vcpu->fd, KVM_X86_SET_MCE, &mce);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(0, *(uint32_t *)(lapic.regs + 0x240));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, 0x283, 1 << 29));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, 0x284, 1 << 30));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x283, 1 << 30 | 1));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x283, &value));
	EXPECT_EQ(1 << 30 | 1, value);
	mce.addr = 0x5678;
	EXPECT_IOCTL(0, vcpu->fd, KVM_X86_SET_MCE, &mce);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x40e, &value));
	EXPECT_EQ(0x5678, value);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(1 << 17, *(uint32_t *)(lapic.regs + 0x240));
	events = abi_events(vcpu);
	EXPECT_EQ(0, events.exception.injected | events.exception.pending);

	/* Without the bit neither register is there. */
	value = 4;
	abi_ok(vcpu->fd, KVM_X86_SETUP_MCE, &value);
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, 0x283, 1 << 30));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x283, 0));
}

TEST(translate)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	uint64_t *pd = (uint64_t *)(vcpu->vm->mem + ABI_TABLES + 0x2000);
	struct kvm_translation t = { .linear_address = 0x212345 };

	pd[1] = 0x400087;
	EXPECT_IOCTL(0, vcpu->fd, KVM_TRANSLATE, &t);
	EXPECT_EQ(1, t.valid);
	EXPECT_EQ(0x412345, t.physical_address);
	pd[1] = 0;
	EXPECT_IOCTL(0, vcpu->fd, KVM_TRANSLATE, &t);
	EXPECT_EQ(0, t.valid);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_TRANSLATE, 8);
	/* Without paging it is the address itself. */
	vcpu = abi_boot(ABI_REAL, &done);
	t.linear_address = 0x54321;
	EXPECT_IOCTL(0, vcpu->fd, KVM_TRANSLATE, &t);
	EXPECT_EQ(1, t.valid);
	EXPECT_EQ(0x54321, t.physical_address);
}

TEST(vapic_address)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &done);
	struct kvm_vapic_addr addr = { 0 };

	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VAPIC_ADDR, &addr);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_VAPIC_ADDR, 8);
	abi_done(vcpu);
	vcpu = abi_boot(ABI_LONG, &done);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VAPIC_ADDR, &addr);
}

TEST(older_pit)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_pit_state state;

	EXPECT_IOCTL(-ENOENT, vm->fd, KVM_CREATE_PIT, 0);
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_GET_PIT, &state);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_PIT, 0);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_CREATE_PIT, 0);
	EXPECT_IOCTL(0, vm->fd, KVM_GET_PIT, &state);
	state.channels[2].count = 0x4321;
	state.channels[2].mode = 3;
	EXPECT_IOCTL(0, vm->fd, KVM_SET_PIT, &state);
	memset(&state, 0, sizeof(state));
	EXPECT_IOCTL(0, vm->fd, KVM_GET_PIT, &state);
	EXPECT_EQ(0x4321, state.channels[2].count);
}

TEST(reinject_control)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_reinject_control control = { .pit_reinject = 0 };

	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_REINJECT_CONTROL, &control);
	vm = abi_vm_create(ABI_IRQCHIP | ABI_PIT);
	EXPECT_IOCTL(0, vm->fd, KVM_REINJECT_CONTROL, &control);
	control.pit_reinject = 1;
	EXPECT_IOCTL(0, vm->fd, KVM_REINJECT_CONTROL, &control);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_REINJECT_CONTROL, 8);
}

TEST(older_cpuid)
{
	struct abi_vm *vm = abi_vm_create(0);
	int vcpu = abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	struct kvm_cpuid2 *back = abi_map(16384);
	struct kvm_cpuid *cpuid = abi_map(16384);

	cpuid->nent = 2;
	cpuid->entries[0].function = 0;
	cpuid->entries[0].eax = 1;
	cpuid->entries[1].function = 1;
	cpuid->entries[1].eax = 0x321;
	EXPECT_IOCTL(0, vcpu, KVM_SET_CPUID, cpuid);
	back->nent = 10;
	EXPECT_IOCTL(0, vcpu, KVM_GET_CPUID2, back);
	EXPECT_EQ(2, back->nent);
	EXPECT_EQ(0x321, back->entries[1].eax);
	cpuid->nent = 257;
	EXPECT_IOCTL(-E2BIG, vcpu, KVM_SET_CPUID, cpuid);
}

/* Once, and not below what there may be already. */
TEST(max_vcpu_id)
{
	struct abi_vm *vm = abi_vm_create(0);

	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID, 8));
	EXPECT_LE(0, abi_ioctl(vm->fd, KVM_CREATE_VCPU, 7));
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CREATE_VCPU, 8);
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID, 0));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID, 1 << 20));
	vm = abi_vm_create(0);
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID, 0));
	EXPECT_LE(0, abi_ioctl(vm->fd, KVM_CREATE_VCPU, 9));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID, 8));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID, 10));
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_MAX_VCPU_ID,
				abi_cap(vm->fd, KVM_CAP_MAX_VCPU_ID)));
}

TEST_HARNESS_MAIN
