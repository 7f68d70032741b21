// SPDX-License-Identifier: GPL-2.0
/* KVM_IRQFD: edges and MSIs by eventfd, level lines with resampling, errors. */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "test.h"

GUEST64(turns, G_TURNS);

#define LEVEL	(1 << 15)

static struct abi_vcpu *boot(unsigned int flags)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | flags, &turns);

	abi_lapic_enable(vcpu);
	if (flags & ABI_IRQCHIP)
		abi_ioapic_set(vcpu->vm, 17, 0x51);
	return vcpu;
}

static int irqfd(struct abi_vm *vm, int fd, uint32_t gsi, uint32_t flags,
		 int resample)
{
	struct kvm_irqfd irqfd = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample,
	};

	return abi_ioctlp(vm->fd, KVM_IRQFD, &irqfd);
}

static void ring(int fd)
{
	eventfd_write(fd, 1);
}

TEST(edge)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(0, 0);

	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
	EXPECT_EQ(-1, abi_turn(vcpu));
	for (int i = 0; i < 5; i++) {
		ring(fd);
		EXPECT_EQ(0x51, abi_turn_wait(vcpu));
		EXPECT_EQ(-1, abi_turn(vcpu));
	}
}

TEST(msi)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	struct kvm_irq_routing *table = abi_map(4096);
	int fd = eventfd(0, 0);

	/* Assigned before there is a route: inert, then it works. */
	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 200, 0, 0));
	ring(fd);
	EXPECT_EQ(-1, abi_turn(vcpu));
	table->nr = 1;
	table->entries[0].gsi = 200;
	table->entries[0].type = KVM_IRQ_ROUTING_MSI;
	table->entries[0].u.msi.address_lo = 0xfee00000;
	table->entries[0].u.msi.data = 0x61;
	abi_ok(vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	ring(fd);
	EXPECT_EQ(0x61, abi_turn_wait(vcpu));
	/* And follows its changes. */
	table->entries[0].u.msi.data = 0x62;
	abi_ok(vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	ring(fd);
	EXPECT_EQ(0x62, abi_turn_wait(vcpu));
}

TEST(already_signalled)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(1, 0);

	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
}

TEST(deassign)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(0, 0);
	uint32_t off = KVM_IRQFD_FLAG_DEASSIGN;

	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
	/* Another number: not this one. */
	EXPECT_EQ(0, irqfd(vcpu->vm, fd, 18, off, 0));
	ring(fd);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(0, irqfd(vcpu->vm, fd, 17, off, 0));
	ring(fd);
	usleep(10000);
	EXPECT_EQ(-1, abi_turn(vcpu));
	/* The ring that nobody took fires when it is assigned again. */
	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(0, irqfd(vcpu->vm, fd, 17, off, 0));
	EXPECT_EQ(0, irqfd(vcpu->vm, fd, 17, off, 0));
}

TEST(closed_eventfd_detaches)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);

	for (int i = 0; i < 100; i++) {
		int fd = eventfd(0, 0);

		ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
		close(fd);
	}
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(closed_vm_with_live_eventfd)
{
	int fd = eventfd(0, 0);
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);

	ASSERT_EQ(0, irqfd(vm, fd, 17, 0, 0));
	close(vm->fd);
	ring(fd);
	ring(fd);
}

TEST(errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	int fd = eventfd(0, 0), other = eventfd(0, 0);
	int file = open("/proc/self/exe", O_RDONLY);

	EXPECT_EQ(-EINVAL, irqfd(vm, fd, 5, 0, 0));
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_EQ(-EBADF, irqfd(vm, 999, 5, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(vm, file, 5, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(vm, fd, 5, 1 << 5, 0));
	EXPECT_EQ(-EBADF, irqfd(vm, fd, 5, KVM_IRQFD_FLAG_RESAMPLE, 999));
	EXPECT_EQ(-EINVAL, irqfd(vm, fd, 5, KVM_IRQFD_FLAG_RESAMPLE, file));
	EXPECT_EQ(0, irqfd(vm, fd, 5, 0, 0));
	EXPECT_EQ(-EBUSY, irqfd(vm, fd, 5, 0, 0));
	EXPECT_EQ(-EBUSY, irqfd(vm, fd, 6, 0, 0));
	EXPECT_EQ(0, irqfd(vm, other, 5, 0, 0));
	EXPECT_EQ(-EBADF, irqfd(vm, 999, 5, KVM_IRQFD_FLAG_DEASSIGN, 0));
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_IRQFD, 8);
}

static bool signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t value;

	if (poll(&p, 1, 0) != 1)
		return false;
	eventfd_read(fd, &value);
	return true;
}

/* Rings keep the line high until the end of interrupt, which is told. */
TEST(resample)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(0, 0), resample = eventfd(0, EFD_NONBLOCK);

	abi_ioapic_set(vcpu->vm, 17, 0x51 | LEVEL);
	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, KVM_IRQFD_FLAG_RESAMPLE,
			   resample));
	for (int i = 0; i < 3; i++) {
		ring(fd);
		EXPECT_EQ(0x51, abi_turn_wait(vcpu));
		EXPECT_FALSE(signalled(resample));
		EXPECT_EQ(-1, abi_turn(vcpu));
		EXPECT_TRUE(signalled(resample));
		/* The line is low now. */
		EXPECT_EQ(-1, abi_turn(vcpu));
	}
}

/* Two devices share the line; each is asked again at the end of interrupt. */
TEST(resample_shared)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int a = eventfd(0, 0), b = eventfd(0, 0);
	int ra = eventfd(0, EFD_NONBLOCK), rb = eventfd(0, EFD_NONBLOCK);

	abi_ioapic_set(vcpu->vm, 17, 0x51 | LEVEL);
	ASSERT_EQ(0, irqfd(vcpu->vm, a, 17, KVM_IRQFD_FLAG_RESAMPLE, ra));
	ASSERT_EQ(0, irqfd(vcpu->vm, b, 17, KVM_IRQFD_FLAG_RESAMPLE, rb));
	ring(a);
	ring(b);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_TRUE(signalled(ra));
	EXPECT_TRUE(signalled(rb));
	ring(b);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
}

/* The VMM's own level on the same line is another source. */
TEST(resample_and_irq_line)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(0, 0), resample = eventfd(0, EFD_NONBLOCK);

	abi_ioapic_set(vcpu->vm, 17, 0x51 | LEVEL);
	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, KVM_IRQFD_FLAG_RESAMPLE,
			   resample));
	abi_irq_line(vcpu->vm, 17, 1);
	ring(fd);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	abi_irq_line(vcpu->vm, 17, 0);
	while (abi_turn(vcpu) != -1)
		;
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_TRUE(signalled(resample));
}

TEST(resample_deassign_lowers)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(0, 0), resample = eventfd(0, EFD_NONBLOCK);

	abi_ioapic_set(vcpu->vm, 17, 0x51 | LEVEL | 1 << 16);
	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, KVM_IRQFD_FLAG_RESAMPLE,
			   resample));
	ring(fd);
	usleep(10000);
	EXPECT_EQ(0, irqfd(vcpu->vm, fd, 17, KVM_IRQFD_FLAG_DEASSIGN, 0));
	abi_ioapic_set(vcpu->vm, 17, 0x51 | LEVEL);
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* As many as go: KVM does not count them, Lodge takes 256. Each is told. */
TEST(resample_many)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int resample = eventfd(0, EFD_NONBLOCK), fds[300], n, r = 0;
	eventfd_t told = 0;

	abi_ioapic_set(vcpu->vm, 17, 0x51 | LEVEL);
	for (n = 0; n < 300; n++) {
		fds[n] = eventfd(0, 0);
		r = irqfd(vcpu->vm, fds[n], 17, KVM_IRQFD_FLAG_RESAMPLE,
			  resample);
		if (r)
			break;
	}
	EXPECT_TRUE(n == 300 || (n == 256 && r == -ENOSPC));
	ring(fds[n / 2]);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, eventfd_read(resample, &told));
	EXPECT_EQ(n, told);
	/* Those that are closed make room, the others are still there. */
	for (int i = 0; i < n; i += 2)
		close(fds[i]);
	usleep(10000);
	for (int i = 0; i < n; i += 2) {
		fds[i] = eventfd(0, 0);
		ASSERT_EQ(0, irqfd(vcpu->vm, fds[i], 17,
				   KVM_IRQFD_FLAG_RESAMPLE, resample));
	}
	ring(fds[1]);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, eventfd_read(resample, &told));
	EXPECT_EQ(n, told);
}

TEST(gsi_beyond_all_routes)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	static const uint32_t gsis[] = { 4095, 4096, 100000, ~0u };

	for (int i = 0; i < 4; i++) {
		int fd = eventfd(1, 0), resample = eventfd(0, EFD_NONBLOCK);

		EXPECT_EQ(0, irqfd(vm, fd, gsis[i], 0, 0));
		EXPECT_EQ(0, irqfd(vm, fd, gsis[i], KVM_IRQFD_FLAG_DEASSIGN, 0));
		EXPECT_EQ(0, irqfd(vm, fd, gsis[i], KVM_IRQFD_FLAG_RESAMPLE,
				   resample));
		EXPECT_FALSE(signalled(resample));
	}
}

TEST(split)
{
	struct abi_vcpu *vcpu;
	int fd = eventfd(0, 0), resample = eventfd(0, 0);

	NEED_CAP(abi_open(), KVM_CAP_SPLIT_IRQCHIP);
	vcpu = boot(ABI_SPLIT);
	EXPECT_EQ(-EINVAL, irqfd(vcpu->vm, fd, 17, KVM_IRQFD_FLAG_RESAMPLE,
				 resample));
	EXPECT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
}

/* Rung by another thread while the guest halts. */
GUEST64(halting, "1: sti; hlt; jmp 1b");

static void *ring_later(void *arg)
{
	usleep(50000);
	ring(*(int *)arg);
	return NULL;
}

TEST(wakes_hlt)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	int fd = eventfd(0, 0);
	pthread_t thread;

	abi_load(vcpu->vm, ABI_CODE, &halting);
	ASSERT_EQ(0, irqfd(vcpu->vm, fd, 17, 0, 0));
	pthread_create(&thread, NULL, ring_later, &fd);
	EXPECT_EQ(0x51, abi_trapped(vcpu).vector);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
