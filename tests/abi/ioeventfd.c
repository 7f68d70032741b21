// SPDX-License-Identifier: GPL-2.0
/* KVM_IOEVENTFD: writes that signal instead of leaving, and the errors. */
#include <sys/eventfd.h>

#include "test.h"

#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define OFF	KVM_IOEVENTFD_FLAG_DEASSIGN

static int ioeventfd(struct abi_vm *vm, uint64_t addr, uint32_t len, int fd,
		     uint32_t flags, uint64_t data)
{
	struct kvm_ioeventfd args = {
		.datamatch = data, .addr = addr, .len = len, .fd = fd,
		.flags = flags,
	};

	return abi_ioctlp(vm->fd, KVM_IOEVENTFD, &args);
}

static int count(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) ? 0 : value;
}

/* Writes 0x8877665544332211 in every width, to memory and to a port. */
GUEST64(all_widths, "mov $0x8877665544332211, %rax; mov $0xd0000, %edi\n"
	"mov $0x345, %edx\n"
	"mov %al, (%rdi); mov %ax, (%rdi); mov %eax, (%rdi); mov %rax, (%rdi)\n"
	"out %al, %dx; out %ax, %dx; out %eax, %dx\n" G_DONE);

FIXTURE(width) { int unused; };
FIXTURE_VARIANT(width) {
	uint32_t len, flags;
	uint64_t addr, data;
	int signals;		/* of the seven writes */
	int exits;
};

#define WIDTH(name, ...) FIXTURE_VARIANT_ADD(width, name) { __VA_ARGS__ }

WIDTH(mmio_any, 0, 0, 0xd0000, 0, 4, 3);
WIDTH(mmio_1, 1, 0, 0xd0000, 0, 1, 6);
WIDTH(mmio_2, 2, 0, 0xd0000, 0, 1, 6);
WIDTH(mmio_4, 4, 0, 0xd0000, 0, 1, 6);
WIDTH(mmio_8, 8, 0, 0xd0000, 0, 1, 6);
WIDTH(mmio_1_match, 1, MATCH, 0xd0000, 0x11, 1, 6);
WIDTH(mmio_2_match, 2, MATCH, 0xd0000, 0x2211, 1, 6);
WIDTH(mmio_4_match, 4, MATCH, 0xd0000, 0x44332211, 1, 6);
WIDTH(mmio_8_match, 8, MATCH, 0xd0000, 0x8877665544332211, 1, 6);
WIDTH(mmio_2_no_match, 2, MATCH, 0xd0000, 0x2212, 0, 7);
WIDTH(mmio_8_no_match, 8, MATCH, 0xd0000, 0x44332211, 0, 7);
WIDTH(mmio_elsewhere, 4, 0, 0xd0004, 0, 0, 7);
WIDTH(pio_any, 0, PIO, 0x345, 0, 3, 4);
WIDTH(pio_1, 1, PIO, 0x345, 0, 1, 6);
WIDTH(pio_2, 2, PIO, 0x345, 0, 1, 6);
WIDTH(pio_4, 4, PIO, 0x345, 0, 1, 6);
WIDTH(pio_1_match, 1, PIO | MATCH, 0x345, 0x11, 1, 6);
WIDTH(pio_2_match, 2, PIO | MATCH, 0x345, 0x2211, 1, 6);
WIDTH(pio_4_match, 4, PIO | MATCH, 0x345, 0x44332211, 1, 6);
WIDTH(pio_2_no_match, 2, PIO | MATCH, 0x345, 0x2210, 0, 7);
WIDTH(pio_elsewhere, 2, PIO, 0x346, 0, 0, 7);

FIXTURE_SETUP(width) { }
FIXTURE_TEARDOWN(width) { }

/* Runs to the guest's end; the number of I/O exits before it. */
static int exits(struct abi_vcpu *vcpu)
{
	int n = 0;

	for (;; n++) {
		unsigned int reason = abi_exit(vcpu);

		if (reason == KVM_EXIT_IO && vcpu->run->io.port == ABI_DONE)
			return n;
		if (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO) {
			abi_describe(vcpu);
			abi_die("unexpected exit");
		}
	}
}

TEST_F(width, signals_and_exits)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &all_widths);
	int fd = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, ioeventfd(vcpu->vm, variant->addr, variant->len, fd,
			       variant->flags, variant->data));
	EXPECT_EQ(variant->exits, exits(vcpu));
	EXPECT_EQ(variant->signals, count(fd));
	ASSERT_EQ(0, ioeventfd(vcpu->vm, variant->addr, variant->len, fd,
			       variant->flags | OFF, variant->data));
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(7, exits(vcpu));
	EXPECT_EQ(0, count(fd));
}

GUEST64(read_it, "mov 0xd0000, %eax; mov $0x345, %edx; in %dx, %al\n" G_DONE);

TEST(reads_leave)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_it);
	int fd = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, ioeventfd(vcpu->vm, 0xd0000, 0, fd, 0, 0));
	ASSERT_EQ(0, ioeventfd(vcpu->vm, 0x345, 0, fd, PIO, 0));
	EXPECT_EQ(2, exits(vcpu));
	EXPECT_EQ(0, count(fd));
}

/* Queues of a virtio device: one address, many values. */
GUEST64(notify, "mov $0xd0050, %edi; xor %eax, %eax\n"
	"1: mov %ax, (%rdi); inc %eax; cmp $8, %eax; jb 1b\n" G_DONE);

TEST(many_values)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &notify);
	int fds[8];

	for (int i = 0; i < 8; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		ASSERT_EQ(0, ioeventfd(vcpu->vm, 0xd0050, 2, fds[i], MATCH,
				       i));
	}
	EXPECT_EQ(0, exits(vcpu));
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(1, count(fds[i]));
}

GUEST64(string_out, "mov $0x345, %edx; mov $0x80000, %esi; mov $6, %ecx\n"
	"rep outsw\n" G_DONE);

TEST(string_writes)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &string_out);
	int fd = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, ioeventfd(vcpu->vm, 0x345, 2, fd, PIO, 0));
	EXPECT_EQ(0, exits(vcpu));
	EXPECT_EQ(6, count(fd));
}

TEST(collisions)
{
	struct abi_vm *vm = abi_vm_create(0);
	int a = eventfd(0, 0), b = eventfd(0, 0);

	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 4, a, MATCH, 1));
	EXPECT_EQ(-EEXIST, ioeventfd(vm, 0xd0000, 4, a, MATCH, 1));
	EXPECT_EQ(-EEXIST, ioeventfd(vm, 0xd0000, 4, b, MATCH, 1));
	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 4, b, MATCH, 2));
	EXPECT_EQ(-EEXIST, ioeventfd(vm, 0xd0000, 4, b, 0, 0));
	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 2, b, 0, 0));
	EXPECT_EQ(-EEXIST, ioeventfd(vm, 0xd0000, 2, b, MATCH, 7));
	/* Ports are another space. */
	EXPECT_EQ(0, ioeventfd(vm, 0xd000, 4, b, PIO | MATCH, 1));
}

TEST(deassign_needs_the_same)
{
	struct abi_vm *vm = abi_vm_create(0);
	int a = eventfd(0, 0), b = eventfd(0, 0);

	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 4, a, MATCH, 1));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 4, b, MATCH | OFF, 1));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 4, a, MATCH | OFF, 2));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 2, a, MATCH | OFF, 1));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0004, 4, a, MATCH | OFF, 1));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 4, a, OFF, 1));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 4, a, PIO | MATCH | OFF, 1));
	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 4, a, MATCH | OFF, 1));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 4, a, MATCH | OFF, 1));
}

TEST(errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	int fd = eventfd(0, 0), file = open("/proc/self/exe", O_RDONLY);
	static const uint32_t lens[] = { 3, 5, 6, 7, 9, 16, ~0u };

	for (int i = 0; i < 7; i++)
		EXPECT_EQ(-EINVAL, ioeventfd(vm, 0xd0000, lens[i], fd, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, -2ull, 4, fd, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, 0xd0000, 4, fd, 1 << 5, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, 0xd0000, 4, fd, 1u << 31, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, 0xd0000, 0, fd, MATCH, 1));
	EXPECT_EQ(-EBADF, ioeventfd(vm, 0xd0000, 4, 999, 0, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(vm, 0xd0000, 4, file, 0, 0));
	EXPECT_EQ(-EBADF, ioeventfd(vm, 0xd0000, 4, 999, OFF, 0));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 3, fd, OFF, 0));
	EXPECT_EQ(-ENOENT, ioeventfd(vm, 0xd0000, 4, fd, OFF | 1 << 5, 0));
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_IOEVENTFD, 8);
}

TEST(closed_vm)
{
	struct abi_vm *vm = abi_vm_create(0);
	int fd = eventfd(0, 0);

	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 4, fd, 0, 0));
	close(vm->fd);
	vm = abi_vm_create(0);
	EXPECT_EQ(0, ioeventfd(vm, 0xd0000, 4, fd, 0, 0));
}

TEST(hundreds)
{
	struct abi_vm *vm = abi_vm_create(0);
	int fd = eventfd(0, 0);

	for (int i = 0; i < 400; i++)
		EXPECT_EQ(0, ioeventfd(vm, 0xd0000 + i * 4, 4, fd, 0, 0));
	for (int i = 0; i < 400; i++)
		EXPECT_EQ(0, ioeventfd(vm, 0xd0000 + i * 4, 4, fd, OFF, 0));
}

TEST_HARNESS_MAIN
