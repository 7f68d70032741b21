// SPDX-License-Identifier: GPL-2.0
/*
 * The MSRs of asynchronous page faults: which values they take, from the user
 * and from the guest, and when they are not there. What they bring about is in
 * apf.c.
 */
#include "test.h"

#define MSR_EN		0x4b564d02
#define MSR_INT		0x4b564d06
#define MSR_ACK		0x4b564d07
#define ENABLED		1
#define VMEXIT		4
#define BY_INT		8

#define VECTOR		0x60
#define SHARED		ABI_DATA

GUEST64(done, G_DONE);

TEST(refused)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &done);
	uint64_t v;

	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 0x10));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 0x20));
	/* No memory is there. */
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, ABI_MMIO_HIGH | 9));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, 1ull << 55 | 9));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_INT, 0x100));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 0xf));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_EN, &v));
	EXPECT_EQ(SHARED | 0xf, v);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_INT, 0xfe));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_INT, &v));
	EXPECT_EQ(0xfe, v);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_ACK, ~0ull));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_ACK, &v));
	EXPECT_EQ(0, v);
}

GUEST64(wrong, "mov $0x4b564d02, %ecx; mov $0x80011, %eax; xor %edx, %edx\n"
	"wrmsr\n" G_DONE);

TEST(refused_to_the_guest)
{
	EXPECT_EQ(13, abi_trapped(abi_boot(ABI_LONG | ABI_IRQCHIP,
					   &wrong)).vector);
}

TEST(not_without_apic)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);

	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, 0));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 9));
}

TEST(not_without_cpuid)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &done);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 0x40000001, 0);

	EXPECT_EQ(1 << 4 | 1 << 14, leaf->eax & (1 << 4 | 1 << 14));
	NEED_CAP(vcpu->vm->dev, KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	ASSERT_EQ(0, abi_enable(vcpu->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1));
	leaf->eax = 1 << 4;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED | BY_INT));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED | VMEXIT));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_INT, VECTOR));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_ACK, 1));
	leaf->eax = 1 << 14;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_INT, VECTOR));
}

GUEST64(inits_the_other, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $1 << 24, 0x310(%r8); movl $0x4500, 0x300(%r8)\n" G_DONE);

TEST(ends_with_init)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP,
					&inits_the_other);
	struct abi_vcpu *vcpu = abi_vcpu_create(bsp->vm, 1);
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	uint64_t v;

	abi_ok(vcpu->fd, KVM_SET_MP_STATE, &state);
	abi_lapic_enable(bsp);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_INT, VECTOR));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 9));
	abi_done(bsp);
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_INIT_RECEIVED, state.mp_state);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_EN, &v));
	EXPECT_EQ(0, v);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_INT, &v));
	EXPECT_EQ(0, v);
}

TEST_HARNESS_MAIN
