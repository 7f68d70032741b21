// SPDX-License-Identifier: GPL-2.0
/* The device: version, capabilities, mapping size, and what it refuses. */
#include "test.h"

TEST(api_version)
{
	int dev = abi_open();

	EXPECT_IOCTL(12, dev, KVM_GET_API_VERSION, 0);
	EXPECT_IOCTL(-EINVAL, dev, KVM_GET_API_VERSION, 1);
}

TEST(vcpu_mmap_size)
{
	int dev = abi_open();

	/* The run page, the PIO data page and the ring of coalesced MMIO. */
	EXPECT_IOCTL(12288, dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	EXPECT_IOCTL(-EINVAL, dev, KVM_GET_VCPU_MMAP_SIZE, 1);
}

TEST(create_vm)
{
	int dev = abi_open();
	int vm = abi_ok(dev, KVM_CREATE_VM, 0);

	EXPECT_EQ(FD_CLOEXEC, fcntl(vm, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(vm, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(0, close(vm));
}

TEST(create_vm_type_refused)
{
	int dev = abi_open();

	EXPECT_IOCTL(-EINVAL, dev, KVM_CREATE_VM, 100);
	EXPECT_IOCTL(-EINVAL, dev, KVM_CREATE_VM, -1ul);
	EXPECT_IOCTL(-EINVAL, dev, KVM_CREATE_VM, 1ul << 32);
}

TEST(many_vms)
{
	int dev = abi_open();

	for (int i = 0; i < 20; i++)
		EXPECT_LE(0, abi_ioctl(dev, KVM_CREATE_VM, 0));
}

TEST(unknown_ioctl)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	static const unsigned long cmds[] = {
		_IO(KVMIO, 0xff), _IO('K', 0), _IOW(KVMIO, 0xfe, int),
		/* A known number with a wrong size or direction. */
		_IO(KVMIO, 0x46), _IOR(KVMIO, 0x80, int),
	};

	for (unsigned int i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		EXPECT_IOCTL(-EINVAL, vm->dev, cmds[i], 0);
		EXPECT_IOCTL(-ENOTTY, vm->fd, cmds[i], 0);
		EXPECT_IOCTL(-EINVAL, vcpu->fd, cmds[i], 0);
	}
}

TEST(ioctl_of_another_kind_of_fd)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_regs regs;

	EXPECT_IOCTL(-EINVAL, vm->dev, KVM_CREATE_VCPU, 0);
	EXPECT_IOCTL(-EINVAL, vm->dev, KVM_RUN, 0);
	EXPECT_IOCTL(-ENOTTY, vm->fd, KVM_CREATE_VM, 0);
	EXPECT_IOCTL(-ENOTTY, vm->fd, KVM_GET_REGS, &regs);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_CREATE_VCPU, 1);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_CREATE_VM, 0);
}

TEST(device_does_not_read_write_map)
{
	int dev = abi_open();
	char c;

	EXPECT_EQ(-1, read(dev, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(dev, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, dev, 0));
	EXPECT_EQ(ENODEV, errno);
}

TEST(read_only_descriptor_makes_vms)
{
	int dev = open(abi_device(), O_RDONLY);

	ASSERT_LE(0, dev);
	EXPECT_LE(0, abi_ioctl(dev, KVM_CREATE_VM, 0));
}

TEST_HARNESS_MAIN
