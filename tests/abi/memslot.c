// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_USER_MEMORY_REGION: what it takes and what it refuses. What the
 * guest sees of it is in memslot_run.c.
 */
#include "test.h"

#define MB	(1ull << 20)

FIXTURE(slot) { struct abi_vm *vm; uint8_t *p; };

FIXTURE_SETUP(slot)
{
	self->vm = abi_vm_create(ABI_NOMEM);
	self->p = abi_map(4 * MB);
	ASSERT_EQ(0, abi_slot(self->vm, 0, 0, MB, MB, self->p));
}

FIXTURE_TEARDOWN(slot) { }

TEST_F(slot, same_again)
{
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, MB, MB, self->p));
}

/*
 * The newer ioctl, in headers of 6.8 and later: the same, and room for a
 * guest_memfd, which only a VM of another type has.
 */
struct region2 {
	struct kvm_userspace_memory_region region;
	uint64_t guest_memfd[16];
};

#define CAP_USER_MEMORY2	231
#define SET_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct region2)

static int slot2(struct abi_vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
		 uint64_t size, void *hva)
{
	struct region2 r = {
		.region.slot = slot,
		.region.flags = flags,
		.region.guest_phys_addr = gpa,
		.region.memory_size = size,
		.region.userspace_addr = (unsigned long)hva,
	};

	return abi_ioctlp(vm->fd, SET_MEMORY_REGION2, &r);
}

TEST_F(slot, newer_ioctl)
{
	uint8_t *p = self->p;

	if (!abi_cap(self->vm->fd, CAP_USER_MEMORY2)) {
		EXPECT_EQ(-ENOTTY, slot2(self->vm, 1, 0, 4 * MB, 4096, p));
		SKIP(return, "no KVM_SET_USER_MEMORY_REGION2");
	}
	/* It changes what the older one made, and the other way round. */
	EXPECT_EQ(-EEXIST, slot2(self->vm, 1, 0, MB, 4096, p + MB));
	EXPECT_EQ(0, slot2(self->vm, 0, KVM_MEM_LOG_DIRTY_PAGES, MB, MB, p));
	EXPECT_EQ(0, slot2(self->vm, 0, 0, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, slot2(self->vm, 0, 0, 0, 0, NULL));
	EXPECT_EQ(0, slot2(self->vm, 1, 0, MB, MB, p));
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 0, 0, NULL));
	for (int bit = 2; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, slot2(self->vm, 1, 1u << bit, MB, 4096, p))
			TH_LOG("flag %d", bit);
	}
	EXPECT_EQ(-EFAULT, abi_ioctl(self->vm->fd, SET_MEMORY_REGION2, 1));
}

TEST_F(slot, overlap)
{
	uint8_t *p = self->p + MB;

	EXPECT_EQ(-EEXIST, abi_slot(self->vm, 1, 0, MB, 4096, p));
	EXPECT_EQ(-EEXIST, abi_slot(self->vm, 1, 0, 2 * MB - 4096, 8192, p));
	EXPECT_EQ(-EEXIST, abi_slot(self->vm, 1, 0, MB - 4096, 8192, p));
	EXPECT_EQ(-EEXIST, abi_slot(self->vm, 1, 0, 0, 3 * MB, p));
	EXPECT_EQ(-EEXIST, abi_slot(self->vm, 1, 0, MB, MB, p));
}

TEST_F(slot, neighbours)
{
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 0, MB, self->p + MB));
	EXPECT_EQ(0, abi_slot(self->vm, 2, 0, 2 * MB, MB, self->p + 2 * MB));
}

/* Two slots may share the host's memory. */
TEST_F(slot, aliases)
{
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 4 * MB, MB, self->p));
}

TEST_F(slot, alignment)
{
	uint8_t *p = self->p + MB;

	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB + 1, 4096, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 4097, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 1, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 4096, p + 1));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB + 512, 4096, p));
}

TEST_F(slot, flags)
{
	uint8_t *p = self->p + MB;

	for (int bit = 2; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL,
			  abi_slot(self->vm, 1, 1u << bit, 4 * MB, 4096, p))
			TH_LOG("flag %d", bit);
	}
	EXPECT_EQ(0, abi_slot(self->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 4 * MB,
			      4096, p));
	EXPECT_EQ(0, abi_slot(self->vm, 2, KVM_MEM_READONLY, 5 * MB, 4096, p));
	EXPECT_EQ(0, abi_slot(self->vm, 3,
			      KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES,
			      6 * MB, 4096, p));
}

TEST_F(slot, number)
{
	int slots = abi_cap(self->vm->fd, KVM_CAP_NR_MEMSLOTS);
	int spaces = abi_cap(self->vm->fd, KVM_CAP_MULTI_ADDRESS_SPACE);
	uint8_t *p = self->p + MB;

	EXPECT_EQ(0, abi_slot(self->vm, slots - 1, 0, 4 * MB, 4096, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, slots, 0, 5 * MB, 4096, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 0xffff, 0, 5 * MB, 4096, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, ~0u, 0, 5 * MB, 4096, p));
	if (!spaces)
		spaces = 1;
	EXPECT_EQ(-EINVAL,
		  abi_slot(self->vm, spaces << 16, 0, 5 * MB, 4096, p));
}

TEST_F(slot, size_and_place)
{
	uint8_t *p = self->p + MB;

	/* Past the end of the address space, round it, or of the page count. */
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, -4096ull, 8192, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, -4096ull, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 1ull << 43, p));
	/* Host addresses that no user has. */
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 4096,
				    (void *)0xffff800000000000));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 1ull << 48, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 4 * MB, 8192,
				    (void *)-4096ul));
}

TEST_F(slot, delete)
{
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 0, 0, 0, 0, NULL));
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, MB, MB, self->p));
	/* The other fields of a deletion don't matter. */
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, 7 * MB, 0, self->p + 2 * MB));
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, MB, MB, self->p));
}

TEST_F(slot, delete_absent)
{
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 1, 0, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 17, 0, MB, 0, self->p));
}

TEST_F(slot, move)
{
	uint8_t *p = self->p;

	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, 8 * MB, MB, p));
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, MB, MB, p + MB));
	/* Onto itself, half way. */
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, 8 * MB + 4096, MB, p));
	/* Onto another one. */
	EXPECT_EQ(-EEXIST, abi_slot(self->vm, 0, 0, 2 * MB - 4096, MB, p));
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, 8 * MB + 4096, MB, p));
}

TEST_F(slot, what_may_not_change)
{
	uint8_t *p = self->p;

	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 0, 0, MB, MB, p + 4096));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 0, 0, MB, 2 * MB, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 0, 0, MB, MB / 2, p));
	EXPECT_EQ(-EINVAL, abi_slot(self->vm, 0, KVM_MEM_READONLY, MB, MB, p));
}

TEST_F(slot, dirty_logging_may_change)
{
	uint8_t *p = self->p;
	uint32_t log = KVM_MEM_LOG_DIRTY_PAGES;

	EXPECT_EQ(0, abi_slot(self->vm, 0, log, MB, MB, p));
	EXPECT_EQ(0, abi_slot(self->vm, 0, log, MB, MB, p));
	EXPECT_EQ(0, abi_slot(self->vm, 0, 0, MB, MB, p));
}

/* Nothing need be mapped there yet. */
TEST_F(slot, unmapped_host_memory)
{
	munmap(self->p + MB, MB);
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 4 * MB, MB, self->p + MB));
}

TEST_F(slot, five_hundred_and_nine)
{
	uint8_t *p = self->p;

	for (int i = 1; i < 509; i++) {
		ASSERT_EQ(0, abi_slot(self->vm, i, 0, 16 * MB + i * 8192,
				      4096, p + MB + i * 4096))
			TH_LOG("slot %d", i);
	}
	for (int i = 508; i > 0; i--) {
		ASSERT_EQ(0, abi_slot(self->vm, i, 0, 0, 0, NULL))
			TH_LOG("slot %d", i);
	}
}

TEST_F(slot, after_and_before_vcpus)
{
	abi_ok(self->vm->fd, KVM_CREATE_VCPU, 0);
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 4 * MB, MB, self->p + MB));
	abi_ok(self->vm->fd, KVM_CREATE_VCPU, 1);
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 0, 0, NULL));
}

/* crosvm makes its memory first, kvmtool its chips. */
TEST_F(slot, before_irqchip)
{
	EXPECT_IOCTL(0, self->vm->fd, KVM_CREATE_IRQCHIP, 0);
	EXPECT_EQ(0, abi_slot(self->vm, 1, 0, 4 * MB, MB, self->p + MB));
}

TEST_F(slot, bad_pointer)
{
	EXPECT_IOCTL(-EFAULT, self->vm->fd, KVM_SET_USER_MEMORY_REGION, 0);
	EXPECT_IOCTL(-EFAULT, self->vm->fd, KVM_SET_USER_MEMORY_REGION, -32ul);
}

/* The addresses that VT-x without unrestricted guest needs. */
TEST(tss_and_identity_map)
{
	struct abi_vm *vm = abi_vm_create(ABI_NOMEM);
	uint64_t addr = 0xfeffc000;

	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSS_ADDR, 0xfeffd000);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_TSS_ADDR, 0xfffff000);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr);
	addr = 0;
	EXPECT_IOCTL(0, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, 8);
	abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr);
}

TEST_HARNESS_MAIN
