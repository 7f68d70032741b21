// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CREATE_IRQCHIP, KVM_CREATE_PIT2, KVM_CAP_SPLIT_IRQCHIP, and the chips'
 * state: order, presence, reset values, round trips.
 */
#include "test.h"

static struct kvm_enable_cap split = {
	.cap = KVM_CAP_SPLIT_IRQCHIP,
	.args[0] = 24,
};

TEST(create)
{
	struct abi_vm *vm = abi_vm_create(0);

	/* kvmtool passes garbage for the argument. */
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_IRQCHIP, 0xc);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_CREATE_IRQCHIP, 0);
}

TEST(create_after_vcpu)
{
	struct abi_vm *vm = abi_vm_create(0);

	abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CREATE_IRQCHIP, 0);
}

TEST(split_irqchip)
{
	struct abi_vm *vm = abi_vm_create(0);

	NEED_CAP(vm->fd, KVM_CAP_SPLIT_IRQCHIP);
	split.args[0] = 5000;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_ENABLE_CAP, &split);
	split.args[0] = 24;
	EXPECT_IOCTL(0, vm->fd, KVM_ENABLE_CAP, &split);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_ENABLE_CAP, &split);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_CREATE_IRQCHIP, 0);
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_ENABLE_CAP, &split);
	vm = abi_vm_create(0);
	abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_ENABLE_CAP, &split);
}

TEST(enable_cap_errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_enable_cap cap = { .cap = 0x7fffff };

	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_ENABLE_CAP, &cap);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_ENABLE_CAP, &cap);
	cap.cap = KVM_CAP_IRQCHIP;		/* nothing to enable */
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_ENABLE_CAP, &cap);
	cap.cap = KVM_CAP_SPLIT_IRQCHIP;
	cap.flags = 1;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_ENABLE_CAP, &cap);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_ENABLE_CAP, 8);
}

TEST(pit)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_pit_config config = { 0 };
	struct kvm_pit_state2 state;

	EXPECT_IOCTL(-ENOENT, vm->fd, KVM_CREATE_PIT2, &config);
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_GET_PIT2, &state);
	memset(&state, 0, sizeof(state));
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_SET_PIT2, &state);
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_GET_PIT2, &state);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_CREATE_PIT2, 8);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_PIT2, &config);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_CREATE_PIT2, &config);
	EXPECT_IOCTL(0, vm->fd, KVM_GET_PIT2, &state);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_PIT2, &state);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_GET_PIT2, 8);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SET_PIT2, 8);
}

TEST(pit_with_split)
{
	struct abi_vm *vm;
	struct kvm_pit_config config = { 0 };

	NEED_CAP(abi_open(), KVM_CAP_SPLIT_IRQCHIP);
	vm = abi_vm_create(ABI_SPLIT);
	EXPECT_IOCTL(-ENOENT, vm->fd, KVM_CREATE_PIT2, &config);
}

TEST(pit_state)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP | ABI_PIT);
	struct kvm_pit_state2 state, back;

	abi_ok(vm->fd, KVM_GET_PIT2, &state);
	for (int i = 0; i < 3; i++) {
		VALUE("pit.count", "%u", state.channels[i].count);
		VALUE("pit.mode", "%u", state.channels[i].mode);
		VALUE("pit.gate", "%u", state.channels[i].gate);
	}
	EXPECT_EQ(0, state.flags);
	state.channels[2].count = 0x1234;
	state.channels[2].mode = 3;
	state.channels[2].rw_mode = 3;
	state.channels[0].count = 0xffff;
	state.channels[0].mode = 2;
	state.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	EXPECT_IOCTL(0, vm->fd, KVM_SET_PIT2, &state);
	abi_ok(vm->fd, KVM_GET_PIT2, &back);
	EXPECT_EQ(0x1234, back.channels[2].count);
	EXPECT_EQ(3, back.channels[2].mode);
	EXPECT_EQ(3, back.channels[2].rw_mode);
	EXPECT_EQ(0xffff, back.channels[0].count);
	EXPECT_EQ(KVM_PIT_FLAGS_HPET_LEGACY, back.flags);
}

TEST(chip_errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_irqchip chip = { .chip_id = 0 };

	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_SET_IRQCHIP, &chip);
	vm = abi_vm_create(ABI_IRQCHIP);
	for (uint32_t id = 3; id < 6; id++) {
		chip.chip_id = id;
		EXPECT_IOCTL(-EINVAL, vm->fd, KVM_GET_IRQCHIP, &chip);
		EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_IRQCHIP, &chip);
	}
	chip.chip_id = ~0u;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_IRQCHIP, &chip);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_GET_IRQCHIP, 8);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SET_IRQCHIP, 8);
	if (abi_cap(vm->fd, KVM_CAP_SPLIT_IRQCHIP) <= 0)
		return;
	vm = abi_vm_create(ABI_SPLIT);
	chip.chip_id = 0;
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_SET_IRQCHIP, &chip);
}

TEST(pic_reset_values)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);

	for (int id = 0; id < 2; id++) {
		struct kvm_irqchip chip = { .chip_id = id };
		struct kvm_pic_state *pic = &chip.chip.pic;

		abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip);
		EXPECT_EQ(id, chip.chip_id);
		EXPECT_EQ(0, pic->irr);
		EXPECT_EQ(0, pic->isr);
		EXPECT_EQ(0, pic->elcr);
		EXPECT_EQ(id ? 0xde : 0xf8, pic->elcr_mask);
		VALUE("pic.imr", "%#x", pic->imr);
		VALUE("pic.irq_base", "%#x", pic->irq_base);
	}
}

TEST(pic_round_trip)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);

	for (int id = 0; id < 2; id++) {
		struct kvm_irqchip chip = { .chip_id = id }, back;

		abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip);
		chip.chip.pic.imr = 0xa5;
		chip.chip.pic.irq_base = 0x40;
		chip.chip.pic.elcr = 0x08;
		chip.chip.pic.isr = 0x02;
		abi_ok(vm->fd, KVM_SET_IRQCHIP, &chip);
		back.chip_id = id;
		abi_ok(vm->fd, KVM_GET_IRQCHIP, &back);
		EXPECT_EQ(0, memcmp(&chip.chip.pic, &back.chip.pic,
				    sizeof(chip.chip.pic)));
	}
}

TEST(ioapic_reset_values)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_ioapic_state *ioapic = &chip.chip.ioapic;

	abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip);
	EXPECT_EQ(0xfec00000, ioapic->base_address);
	EXPECT_EQ(0, ioapic->irr);
	EXPECT_EQ(0, ioapic->id);
	for (int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		EXPECT_EQ(1 << 16, ioapic->redirtbl[i].bits);
}

TEST(ioapic_round_trip)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_irqchip back = { .chip_id = KVM_IRQCHIP_IOAPIC };

	abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.id = 3;
	chip.chip.ioapic.ioregsel = 0x12;
	for (int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		chip.chip.ioapic.redirtbl[i].bits = 0x0300000000010930 + i;
	abi_ok(vm->fd, KVM_SET_IRQCHIP, &chip);
	abi_ok(vm->fd, KVM_GET_IRQCHIP, &back);
	EXPECT_EQ(3, back.chip.ioapic.id);
	EXPECT_EQ(0x12, back.chip.ioapic.ioregsel);
	EXPECT_EQ(0, memcmp(chip.chip.ioapic.redirtbl,
			    back.chip.ioapic.redirtbl,
			    sizeof(chip.chip.ioapic.redirtbl)));
}

TEST_HARNESS_MAIN
