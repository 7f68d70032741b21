// SPDX-License-Identifier: GPL-2.0
/* KVM_GET_LAPIC and KVM_SET_LAPIC: the register page as a VMM has it. */
#include "test.h"

GUEST64(done, G_DONE);

static struct kvm_lapic_state lapic;

static uint32_t *reg(int offset)
{
	return (uint32_t *)(lapic.regs + offset);
}

static struct abi_vcpu *get(unsigned int flags)
{
	struct abi_vcpu *vcpu = abi_boot(flags | ABI_LONG, &done);

	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	return vcpu;
}

TEST(reset_values)
{
	static const int offsets[] = {
		0x20, 0x30, 0x80, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310, 0x320,
		0x330, 0x340, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0,
	};

	get(ABI_IRQCHIP);
	EXPECT_EQ(0, *reg(0x20));
	EXPECT_EQ(0xffffffff, *reg(0xe0));
	EXPECT_EQ(0xff, *reg(0xf0));
	EXPECT_EQ(0x10000, *reg(0x320));
	for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		VALUE("lapic.%x", "%#x", offsets[i], *reg(offsets[i]));
}

TEST(round_trip)
{
	struct abi_vcpu *vcpu = get(ABI_IRQCHIP);
	struct kvm_lapic_state before;

	/* Software enabled, a timer masked, some vectors pending. */
	*reg(0xf0) = 0x1ff;
	*reg(0xd0) = 0x01000000;
	*reg(0x80) = 0xe0;
	*reg(0x320) = 0x100f0;
	*reg(0x350) = 0x8700;
	*reg(0x360) = 0x400;
	*reg(0x3e0) = 0xb;
	*reg(0x380) = 12345;
	*reg(0x220) = 0x1;			/* IRR: vector 0x40 */
	*reg(0x130) = 0x100;			/* ISR: vector 0x68 */
	before = lapic;
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	memset(&lapic, 0xff, sizeof(lapic));
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	for (int offset = 0; offset < 0x400; offset += 16) {
		/* The processor priority is computed, the count runs. */
		if (offset == 0xa0 || offset == 0x390)
			continue;
		EXPECT_EQ(*(uint32_t *)(before.regs + offset), *reg(offset))
			TH_LOG("register %#x", offset);
	}
	EXPECT_EQ(0xe0, *reg(0xa0));
}

/* Read-modify-write of LVT0 and LVT1 before the first run, as kvmtool. */
TEST(local_interrupts)
{
	struct abi_vcpu *vcpu = get(ABI_IRQCHIP);

	*reg(0x350) = (*reg(0x350) & ~0x700) | 0x700;
	*reg(0x360) = (*reg(0x360) & ~0x700) | 0x400;
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(0x700, *reg(0x350) & 0x700);
	EXPECT_EQ(0x400, *reg(0x360) & 0x700);
	abi_done(vcpu);
}

/* A pending vector that is set is delivered. */
GUEST64(sti, "sti; nop; nop; cli\n" G_DONE);

TEST(pending_vector_is_delivered)
{
	struct abi_vcpu *vcpu = get(ABI_IRQCHIP);

	abi_load(vcpu->vm, ABI_CODE, &sti);
	*reg(0xf0) = 0x1ff;
	*reg(0x220) = 1 << 5;			/* vector 0x45 */
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	EXPECT_EQ(0x45, abi_trapped(vcpu).vector);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(0, *reg(0x220));
	EXPECT_EQ(1 << 5, *reg(0x120));
	abi_done(vcpu);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(0, *reg(0x120));
}

TEST(identity_in_x2apic_mode)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 5);

	/* Bits 31 to 24 of the ID in every mode, without KVM_CAP_X2APIC_API. */
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x1b, 0xfee00c00));
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(5 << 24, *reg(0x20));
	EXPECT_EQ(1 << 5, *reg(0xd0));
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_LAPIC, &lapic);
}

TEST(split_has_one_too)
{
	struct abi_vcpu *vcpu = get(ABI_SPLIT);

	EXPECT_EQ(0xff, *reg(0xf0));
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_LAPIC, &lapic);
}

TEST(errors)
{
	struct abi_vcpu *vcpu = abi_boot(0, &done);

	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_LAPIC, &lapic);
	vcpu = get(ABI_IRQCHIP);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_LAPIC, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_LAPIC, 8);
}

/* Any bits at all: taken or refused, and the guest still runs. */
TEST(garbage)
{
	for (int seed = 1; seed < 20; seed++) {
		struct abi_vcpu *vcpu = get(ABI_IRQCHIP);

		srand(seed);
		for (unsigned int i = 0; i < sizeof(lapic.regs); i++)
			lapic.regs[i] = rand() >> 7;
		abi_ioctlp(vcpu->fd, KVM_SET_LAPIC, &lapic);
		abi_done(vcpu);
	}
}

TEST_HARNESS_MAIN
