// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_DIRTY_LOG and KVM_MEM_LOG_DIRTY_PAGES: which pages the guest has
 * written since the last look, and the errors.
 */
#include "test.h"

#define HIGH	0x200000u
#define PAGES	100

/* Writes to the page whose number the test puts at ABI_DATA. */
GUEST64(writer, "mov $0x200000, %edi; mov $0x80000, %ebx\n"
	"1: " G_SYNC "mov (%rbx), %eax; shl $12, %rax\n"
	"incl (%rdi, %rax); jmp 1b");

FIXTURE(log) {
	struct abi_vcpu *vcpu;
	uint8_t *p;
	uint64_t bits[2];
};

static void set_flags(struct abi_vm *vm, uint8_t *p, uint32_t flags)
{
	int ret = abi_slot(vm, 1, flags, HIGH, PAGES * 4096, p);

	if (ret)
		abi_die("slot flags %#x: %d", flags, ret);
}

FIXTURE_SETUP(log)
{
	self->vcpu = abi_boot(ABI_LONG, &writer);
	self->p = abi_map(PAGES * 4096);
	set_flags(self->vcpu->vm, self->p, KVM_MEM_LOG_DIRTY_PAGES);
	abi_sync(self->vcpu);
}

FIXTURE_TEARDOWN(log) { }

static void write_page(struct abi_vcpu *vcpu, int page)
{
	abi_poke(vcpu->vm, ABI_DATA, page);
	abi_sync(vcpu);
}

static int get(struct abi_vcpu *vcpu, uint64_t *bits)
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };

	bits[0] = bits[1] = 0xdddddddddddddddd;
	return abi_ioctlp(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

TEST_F(log, clean_at_first)
{
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(0, self->bits[0]);
	EXPECT_EQ(0, self->bits[1]);
}

TEST_F(log, what_was_written)
{
	write_page(self->vcpu, 3);
	write_page(self->vcpu, 70);
	write_page(self->vcpu, 99);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(1ull << 3, self->bits[0]);
	EXPECT_EQ(1ull << 6 | 1ull << 35, self->bits[1]);
}

TEST_F(log, reading_clears)
{
	write_page(self->vcpu, 5);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(1ull << 5, self->bits[0]);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(0, self->bits[0]);
	write_page(self->vcpu, 5);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(1ull << 5, self->bits[0]);
	EXPECT_EQ(2, self->p[5 * 4096]);
}

/* What the process writes itself is its own business. */
TEST_F(log, not_by_the_process)
{
	self->p[7 * 4096] = 1;
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(0, self->bits[0]);
}

TEST_F(log, off_and_on)
{
	struct abi_vm *vm = self->vcpu->vm;

	write_page(self->vcpu, 1);
	set_flags(vm, self->p, 0);
	EXPECT_EQ(-ENOENT, get(self->vcpu, self->bits));
	write_page(self->vcpu, 2);
	set_flags(vm, self->p, KVM_MEM_LOG_DIRTY_PAGES);
	/* Mapped writable before; a write now must be seen nevertheless. */
	write_page(self->vcpu, 2);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(1ull << 2, self->bits[0]);
}

TEST_F(log, setting_the_same_flag_keeps_the_log)
{
	write_page(self->vcpu, 4);
	set_flags(self->vcpu->vm, self->p, KVM_MEM_LOG_DIRTY_PAGES);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(1ull << 4, self->bits[0]);
}

/* The bitmap's size is rounded up to 64 bits and what is beyond is 0. */
TEST_F(log, bits_beyond_the_slot)
{
	for (int i = 0; i < PAGES; i++)
		write_page(self->vcpu, i);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(~0ull, self->bits[0]);
	EXPECT_EQ((1ull << 36) - 1, self->bits[1]);
}

TEST_F(log, errors)
{
	struct abi_vm *vm = self->vcpu->vm;
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = self->bits };

	EXPECT_IOCTL(-ENOENT, vm->fd, KVM_GET_DIRTY_LOG, &log);
	log.slot = 2;
	EXPECT_IOCTL(-ENOENT, vm->fd, KVM_GET_DIRTY_LOG, &log);
	log.slot = 0xffff;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_GET_DIRTY_LOG, &log);
	log.slot = 0xff0001;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_GET_DIRTY_LOG, &log);
	log.slot = 1;
	log.dirty_bitmap = (void *)8;
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_GET_DIRTY_LOG, &log);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_GET_DIRTY_LOG, 8);
}

/* Writes of the emulator count as the guest's. */
GUEST64(mmio_to_memory, "mov $0xd0000, %esi; mov $0x20b000, %edi\n"
	"movsl\n" G_DONE);

TEST(by_the_emulator)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &mmio_to_memory);
	uint8_t *p = abi_map(PAGES * 4096);
	uint64_t bits[2];

	set_flags(vcpu->vm, p, KVM_MEM_LOG_DIRTY_PAGES);
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	memset(vcpu->run->mmio.data, 0x11, 8);
	abi_done(vcpu);
	ASSERT_EQ(0, get(vcpu, bits));
	EXPECT_EQ(1ull << 11, bits[0]);
	EXPECT_EQ(0x11111111, *(uint32_t *)(p + 11 * 4096));
}

GUEST64(ins_to_memory, "mov $0x20c000, %edi; mov $0x345, %edx\n"
	"insl\n" G_DONE);

TEST(by_string_input)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &ins_to_memory);
	uint8_t *p = abi_map(PAGES * 4096);
	uint64_t bits[2];

	set_flags(vcpu->vm, p, KVM_MEM_LOG_DIRTY_PAGES);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	abi_done(vcpu);
	ASSERT_EQ(0, get(vcpu, bits));
	EXPECT_EQ(1ull << 12, bits[0]);
}

/* The processor's own walk of the guest's page tables writes there too. */
TEST(by_page_walk)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	uint64_t *tables = abi_map(PAGES * 4096), bits[2];
	struct kvm_sregs sregs;

	abi_load(vm, ABI_CODE, &writer);
	abi_vcpu_mode(vcpu, ABI_LONG);
	tables[0] = HIGH + 0x1007;
	tables[512] = HIGH + 0x2007;
	tables[1024] = 0x87;
	set_flags(vm, (uint8_t *)tables, KVM_MEM_LOG_DIRTY_PAGES);
	sregs = abi_sregs(vcpu);
	sregs.cr3 = HIGH;
	abi_set_sregs(vcpu, &sregs);
	abi_sync(vcpu);
	ASSERT_EQ(0, get(vcpu, bits));
	EXPECT_EQ(7, bits[0]);
	EXPECT_NE(0, tables[0] & 0x20);
}

/* Writers in another thread: no write is ever lost. */
GUEST64(sweeper, "mov $0x200000, %edi; mov $0x80000, %ebx; xor %eax, %eax\n"
	"1: mov %eax, %edx; shl $12, %rdx; incl (%rdi, %rdx)\n"
	"inc %eax; cmp $100, %eax; jb 2f; xor %eax, %eax\n"
	"2: cmpl $0, 4(%rbx); je 1b\n" G_DONE);

TEST(nothing_is_lost)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &sweeper);
	uint8_t *p = abi_map(PAGES * 4096), *copy = abi_map(PAGES * 4096);
	struct abi_thread *thread;
	uint64_t bits[2];

	set_flags(vcpu->vm, p, KVM_MEM_LOG_DIRTY_PAGES);
	thread = abi_thread_start(vcpu);
	for (int round = 0; round < 60; round++) {
		if (round == 59) {
			abi_poke(vcpu->vm, ABI_DATA + 4, 1);
			abi_thread_join(thread);
		}
		ASSERT_EQ(0, get(vcpu, bits));
		/* As a live migration does: copy what is told to be dirty. */
		for (int i = 0; i < PAGES; i++) {
			if (bits[i / 64] >> (i % 64) & 1)
				memcpy(copy + i * 4096, p + i * 4096, 4096);
		}
		usleep(1000);
	}
	EXPECT_EQ(0, memcmp(copy, p, PAGES * 4096));
	EXPECT_NE(0, *p);
}

/* Writes to every page of a slot, one after another. */
GUEST64(write_all, "1: mov $0x200000, %edi; mov $1500, %ecx\n"
	"2: incl (%rdi); add $4096, %edi; dec %ecx; jnz 2b\n"
	G_SYNC "jmp 1b");

/* More pages than any hardware's own log of them has room for. */
TEST(many_at_once)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &write_all);
	uint8_t *p = abi_map(1500 * 4096);
	uint64_t bits[24];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };
	int round, i, n;

	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, HIGH,
			      1500 * 4096, p));
	for (round = 1; round <= 3; round++) {
		abi_sync(vcpu);
		memset(bits, 0, sizeof(bits));
		ASSERT_EQ(0, abi_ioctlp(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log));
		for (i = n = 0; i < 1500; i++)
			n += bits[i / 64] >> (i % 64) & 1;
		EXPECT_EQ(1500, n);
		EXPECT_EQ(round, p[1499 * 4096]);
	}
}

static int manual(struct abi_vm *vm, uint64_t flags)
{
	return abi_enable(vm->fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, flags);
}

/* KVM_CLEAR_DIRTY_LOG of the slot's bits in @bits, from @first on */
static int clear(struct abi_vcpu *vcpu, uint64_t first, uint32_t num,
		 uint64_t *bits)
{
	struct kvm_clear_dirty_log log = {
		.slot = 1, .first_page = first, .num_pages = num,
		.dirty_bitmap = bits,
	};

	return abi_ioctlp(vcpu->vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
}

/* Reading leaves the bits, until the process clears those it is done with. */
TEST_F(log, manual_protect)
{
	struct abi_vcpu *vcpu = self->vcpu;
	uint64_t mask[2] = { 1ull << 3, 0 };

	ASSERT_EQ(0, manual(vcpu->vm, 1));
	write_page(vcpu, 3);
	write_page(vcpu, 70);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, get(vcpu, self->bits));
		EXPECT_EQ(1ull << 3, self->bits[0]);
		EXPECT_EQ(1ull << 6, self->bits[1]);
	}
	EXPECT_EQ(0, clear(vcpu, 0, 64, mask));
	ASSERT_EQ(0, get(vcpu, self->bits));
	EXPECT_EQ(0, self->bits[0]);
	EXPECT_EQ(1ull << 6, self->bits[1]);
	write_page(vcpu, 3);
	ASSERT_EQ(0, get(vcpu, self->bits));
	EXPECT_EQ(1ull << 3, self->bits[0]);
	/* The end of the slot, and bits beyond it. */
	mask[0] = ~0ull;
	EXPECT_EQ(0, clear(vcpu, 64, 36, mask));
	ASSERT_EQ(0, get(vcpu, self->bits));
	EXPECT_EQ(1ull << 3, self->bits[0]);
	EXPECT_EQ(0, self->bits[1]);
	write_page(vcpu, 70);
	ASSERT_EQ(0, get(vcpu, self->bits));
	EXPECT_EQ(1ull << 6, self->bits[1]);
}

/* Clearing does not need the capability. */
TEST_F(log, clear_only)
{
	uint64_t mask[2] = { ~0ull, ~0ull };

	write_page(self->vcpu, 3);
	EXPECT_EQ(0, clear(self->vcpu, 0, 100, mask));
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(0, self->bits[0]);
	write_page(self->vcpu, 3);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(1ull << 3, self->bits[0]);
}

/* All is dirty at first: pages need not be watched before they are cleared. */
TEST_F(log, initially_set)
{
	struct abi_vm *vm = self->vcpu->vm;
	uint64_t mask[2] = { 1ull << 9, 0 };

	ASSERT_EQ(0, manual(vm, 3));
	set_flags(vm, self->p, 0);
	set_flags(vm, self->p, KVM_MEM_LOG_DIRTY_PAGES);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(~0ull, self->bits[0]);
	EXPECT_EQ((1ull << 36) - 1, self->bits[1]);
	EXPECT_EQ(0, clear(self->vcpu, 0, 64, mask));
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(~(1ull << 9), self->bits[0]);
	write_page(self->vcpu, 9);
	ASSERT_EQ(0, get(self->vcpu, self->bits));
	EXPECT_EQ(~0ull, self->bits[0]);
}

TEST_F(log, manual_errors)
{
	struct abi_vm *vm = self->vcpu->vm;
	struct kvm_clear_dirty_log log = { .slot = 2, .num_pages = 64,
		.dirty_bitmap = self->bits };

	EXPECT_EQ(-EINVAL, manual(vm, 2));
	EXPECT_EQ(-EINVAL, manual(vm, 4));
	EXPECT_EQ(0, manual(vm, 3));
	EXPECT_EQ(0, manual(vm, 0));
	EXPECT_EQ(0, manual(vm, 1));
	EXPECT_EQ(-EINVAL, clear(self->vcpu, 1, 64, self->bits));
	EXPECT_EQ(-EINVAL, clear(self->vcpu, 0, 63, self->bits));
	EXPECT_EQ(-EINVAL, clear(self->vcpu, 0, 128, self->bits));
	EXPECT_EQ(-EINVAL, clear(self->vcpu, 64, 37, self->bits));
	EXPECT_EQ(-EINVAL, clear(self->vcpu, 128, 0, self->bits));
	EXPECT_EQ(-EINVAL, clear(self->vcpu, 1ull << 63, 64, self->bits));
	EXPECT_EQ(0, clear(self->vcpu, 64, 0, self->bits));
	EXPECT_EQ(-EFAULT, clear(self->vcpu, 0, 64, (void *)8));
	EXPECT_IOCTL(-ENOENT, vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
	log.slot = 0xffff;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
	log.slot = 0xff0001;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_CLEAR_DIRTY_LOG, 8);
}

TEST_HARNESS_MAIN
