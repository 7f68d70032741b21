// SPDX-License-Identifier: GPL-2.0
/* KVM_REGISTER_COALESCED_MMIO: writes gathered in the ring of the run pages. */
#include "test.h"

static int zone(struct abi_vm *vm, unsigned long cmd, uint64_t addr,
		uint32_t size, uint32_t pio)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = addr, .size = size, .pio = pio,
	};

	return abi_ioctlp(vm->fd, cmd, &zone);
}

#define ADD	KVM_REGISTER_COALESCED_MMIO
#define REMOVE	KVM_UNREGISTER_COALESCED_MMIO

static struct kvm_coalesced_mmio_ring *ring_of(struct abi_vcpu *vcpu)
{
	int page = abi_cap(vcpu->vm->dev, KVM_CAP_COALESCED_MMIO);

	return (void *)((uint8_t *)vcpu->run + page * 4096);
}

GUEST64(writes, "mov $0xd0000, %edi; mov $0x44332211, %eax\n"
	"mov %al, (%rdi); mov %ax, 4(%rdi); mov %eax, 8(%rdi)\n"
	"mov %eax, 0x1000(%rdi); mov (%rdi), %ebx\n" G_DONE);

TEST(gathers_writes)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &writes);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);

	ASSERT_EQ(0, zone(vcpu->vm, ADD, 0xd0000, 0x1000, 0));
	/* The first exit is the write outside the zone. */
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0xd1000, vcpu->run->mmio.phys_addr);
	EXPECT_EQ(0, ring->first);
	ASSERT_EQ(3, ring->last);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0xd0000 + 4 * i,
			  ring->coalesced_mmio[i].phys_addr);
		EXPECT_EQ(1 << i, ring->coalesced_mmio[i].len);
		EXPECT_EQ(0, memcmp(ring->coalesced_mmio[i].data,
				    "\x11\x22\x33\x44", 1 << i));
		EXPECT_EQ(0, ring->coalesced_mmio[i].pio);
	}
	/* Reads leave always. */
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0, vcpu->run->mmio.is_write);
	abi_done(vcpu);
}

GUEST64(many, "mov $0xd0000, %edi; xor %eax, %eax\n"
	"1: mov %eax, (%rdi); inc %eax; cmp $400, %eax; jb 1b\n" G_DONE);

TEST(full_ring_leaves)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &many);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);
	uint32_t next = 0, max = (4096 - 8) / 24;

	ASSERT_EQ(0, zone(vcpu->vm, ADD, 0xd0000, 0x1000, 0));
	while (abi_exit(vcpu) == KVM_EXIT_MMIO) {
		/* One place stays empty, or full would look like empty. */
		EXPECT_EQ((ring->first + max - 1) % max, ring->last);
		while (ring->first != ring->last) {
			EXPECT_EQ(next++, *(uint32_t *)
				  ring->coalesced_mmio[ring->first].data);
			ring->first = (ring->first + 1) % max;
		}
		EXPECT_EQ(next++, *(uint32_t *)vcpu->run->mmio.data);
	}
	EXPECT_EQ(ABI_DONE, vcpu->run->io.port);
	next += (ring->last - ring->first + max) % max;
	EXPECT_EQ(400, next);
}

TEST(ring_is_the_vm_s)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &many);
	struct abi_vcpu *other = abi_vcpu_create(vcpu->vm, 1);

	ASSERT_EQ(0, zone(vcpu->vm, ADD, 0xd0000, 0x1000, 0));
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(ring_of(vcpu)->last, ring_of(other)->last);
	EXPECT_NE(0, ring_of(other)->last);
}

/* The ring is the VMM's memory: nonsense in it must do no harm. */
TEST(ring_spoilt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &many);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);
	static const uint32_t bad[] = { 170, 171, 4096, 0x7fffffff, ~0u };

	ASSERT_EQ(0, zone(vcpu->vm, ADD, 0xd0000, 0x1000, 0));
	for (int i = 0; i < 5; i++) {
		ring->first = 0;
		ring->last = bad[i];
		abi_vcpu_mode(vcpu, ABI_LONG);
		ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
		abi_pending(vcpu);
	}
	ring->first = ~0u;
	ring->last = 0;
	abi_vcpu_mode(vcpu, ABI_LONG);
	abi_exit(vcpu);
}

GUEST64(to_ports, "mov $0x345, %edx; mov $0x44332211, %eax; out %al, %dx\n"
	"out %ax, %dx; mov $0x350, %edx; out %al, %dx\n" G_DONE);

TEST(ports)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &to_ports);
	struct kvm_coalesced_mmio_ring *ring = ring_of(vcpu);

	NEED_CAP(vcpu->vm->dev, KVM_CAP_COALESCED_PIO);
	ASSERT_EQ(0, zone(vcpu->vm, ADD, 0x340, 16, 1));
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(0x350, vcpu->run->io.port);
	ASSERT_EQ(2, ring->last);
	EXPECT_EQ(0x345, ring->coalesced_mmio[0].phys_addr);
	EXPECT_EQ(1, ring->coalesced_mmio[0].pio);
	EXPECT_EQ(2, ring->coalesced_mmio[1].len);
	abi_done(vcpu);
}

TEST(unregister)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &writes);

	/* Anything may be removed that was never there. */
	EXPECT_EQ(0, zone(vcpu->vm, REMOVE, 0xd0000, 0x1000, 0));
	EXPECT_EQ(0, zone(vcpu->vm, REMOVE, 0x345, 4, 1));
	EXPECT_EQ(0, zone(vcpu->vm, ADD, 0xd0000, 0x1000, 0));
	/* Overlapping is allowed. */
	EXPECT_EQ(0, zone(vcpu->vm, ADD, 0xd0000, 0x2000, 0));
	EXPECT_EQ(0, zone(vcpu->vm, REMOVE, 0xd0000, 0x1000, 0));
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0xd0000, vcpu->run->mmio.phys_addr);
}

TEST(errors)
{
	struct abi_vm *vm = abi_vm_create(0);

	EXPECT_EQ(-EINVAL, zone(vm, ADD, 0xd0000, 16, 2));
	EXPECT_EQ(-EINVAL, zone(vm, REMOVE, 0xd0000, 16, 2));
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_REGISTER_COALESCED_MMIO, 8);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_UNREGISTER_COALESCED_MMIO, 8);
}

TEST_HARNESS_MAIN
