// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CAP_DIRTY_LOG_RING: pages the guest has written, told in memory shared
 * with the process; KVM_RESET_DIRTY_RINGS, KVM_EXIT_DIRTY_RING_FULL, errors.
 */
#include "test.h"

#define HIGH	0x200000u
#define PAGES	2000
#define ENTRIES	1024
#define BYTES	(ENTRIES * sizeof(struct kvm_dirty_gfn))
#define RING_AT	(64 * 4096)

/* Writes to the page whose number the test puts at ABI_DATA. */
GUEST64(writer, "mov $0x200000, %edi; mov $0x80000, %ebx\n"
	"1: " G_SYNC "mov (%rbx), %eax; shl $12, %rax\n"
	"incl (%rdi, %rax); jmp 1b");

/* Writes to every page, one after another, and again. */
GUEST64(write_all, "1: mov $0x200000, %edi; mov $2000, %ecx\n"
	"2: incl (%rdi); add $4096, %edi; dec %ecx; jnz 2b\n"
	G_SYNC "jmp 1b");

FIXTURE(ring) {
	struct abi_vcpu *vcpu;
	struct kvm_dirty_gfn *ring;
	uint8_t *p;
	uint32_t next;		/* entry to be read */
};

FIXTURE_SETUP(ring)
{
	struct abi_vm *vm = abi_vm_create(0);

	if (abi_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING) <= 0)
		SKIP(return, "no dirty ring");
	if (abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, BYTES))
		abi_die("no dirty ring");
	self->vcpu = abi_vcpu_create(vm, 0);
	abi_load(vm, ABI_CODE, &writer);
	abi_vcpu_mode(self->vcpu, ABI_LONG);
	self->p = abi_map(PAGES * 4096);
	if (abi_slot(vm, 5, KVM_MEM_LOG_DIRTY_PAGES, HIGH, PAGES * 4096, self->p))
		abi_die("no slot");
	self->ring = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->vcpu->fd, RING_AT);
	if (self->ring == MAP_FAILED)
		abi_die("no ring");
	abi_sync(self->vcpu);
}

FIXTURE_TEARDOWN(ring) { }

static void write_page(struct abi_vcpu *vcpu, int page)
{
	abi_poke(vcpu->vm, ABI_DATA, page);
	abi_sync(vcpu);
}

/* The next entry's page, handed back; or -1. */
static int take(struct kvm_dirty_gfn *ring, uint32_t *next)
{
	struct kvm_dirty_gfn *e = ring + *next % ENTRIES;
	uint32_t flags = __atomic_load_n(&e->flags, __ATOMIC_ACQUIRE);

	if (flags != KVM_DIRTY_GFN_F_DIRTY)
		return -1;
	if (e->slot != 5)
		abi_die("slot %u", e->slot);
	__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	(*next)++;
	return e->offset;
}

#define TAKE()	take(self->ring, &self->next)
#define RESET()	abi_ioctl(self->vcpu->vm->fd, KVM_RESET_DIRTY_RINGS, 0)

TEST_F(ring, what_was_written)
{
	EXPECT_EQ(-1, TAKE());
	write_page(self->vcpu, 3);
	write_page(self->vcpu, 1999);
	write_page(self->vcpu, 3);
	EXPECT_EQ(3, TAKE());
	EXPECT_EQ(1999, TAKE());
	EXPECT_EQ(-1, TAKE());
	EXPECT_EQ(2, RESET());
	EXPECT_EQ(0, RESET());
	EXPECT_EQ(-1, TAKE());
}

/* A page is told of again after the reset, and not before. */
TEST_F(ring, again_after_reset)
{
	write_page(self->vcpu, 8);
	EXPECT_EQ(8, TAKE());
	write_page(self->vcpu, 8);
	EXPECT_EQ(-1, TAKE());
	EXPECT_EQ(1, RESET());
	write_page(self->vcpu, 8);
	EXPECT_EQ(8, TAKE());
	EXPECT_EQ(3, self->p[8 * 4096]);
}

/* Only what the process has handed back is reset. */
TEST_F(ring, in_order)
{
	for (int i = 0; i < 4; i++)
		write_page(self->vcpu, 10 + i);
	EXPECT_EQ(10, TAKE());
	EXPECT_EQ(11, TAKE());
	EXPECT_EQ(2, RESET());
	write_page(self->vcpu, 12);
	write_page(self->vcpu, 10);
	EXPECT_EQ(12, TAKE());
	EXPECT_EQ(13, TAKE());
	EXPECT_EQ(10, TAKE());
	EXPECT_EQ(-1, TAKE());
	EXPECT_EQ(3, RESET());
}

/* A ring that is nearly full holds the guest back; no page is missed. */
TEST_F(ring, full)
{
	struct kvm_run *run = self->vcpu->run;
	int full = 0, pages = 0, page;
	char seen[PAGES] = { 0 };

	abi_load(self->vcpu->vm, ABI_CODE, &write_all);
	abi_vcpu_mode(self->vcpu, ABI_LONG);
	while (abi_exit(self->vcpu) == KVM_EXIT_DIRTY_RING_FULL) {
		/* Nothing has been taken: still full. */
		ASSERT_EQ(KVM_EXIT_DIRTY_RING_FULL, abi_exit(self->vcpu));
		ASSERT_GT(20, ++full);
		while ((page = TAKE()) >= 0) {
			pages += !seen[page];
			seen[page] = 1;
		}
		ASSERT_LT(0, RESET());
	}
	EXPECT_EQ(KVM_EXIT_IO, run->exit_reason);
	EXPECT_LE(2, full);
	while ((page = TAKE()) >= 0) {
		pages += !seen[page];
		seen[page] = 1;
	}
	EXPECT_EQ(PAGES, pages);
}

/* The kernel's own writes are told of as well. */
GUEST64(ins, "mov $0x20c000, %edi; mov $0x345, %edx; insl\n" G_DONE);

TEST_F(ring, kernel_writes)
{
	abi_load(self->vcpu->vm, ABI_CODE, &ins);
	abi_vcpu_mode(self->vcpu, ABI_LONG);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(self->vcpu));
	abi_done(self->vcpu);
	EXPECT_EQ(12, TAKE());
}

/*
 * The process may write anything into what it hands back: nothing comes of it
 * but its loss. (More than that, and KVM warns.)
 */
TEST_F(ring, garbage)
{
	for (int i = 0; i < 8; i++)
		write_page(self->vcpu, i);
	for (int i = 0; i < 8; i++) {
		self->ring[i].slot = i % 3 ? 0xffffffff : 5;
		self->ring[i].offset = i % 2 ? ~0ull : PAGES;
		self->ring[i].flags = 0xffffffff;
	}
	EXPECT_EQ(8, RESET());
	self->next = 8;
	write_page(self->vcpu, 100);
	EXPECT_EQ(100, TAKE());
}

/* Bitmaps are not there beside rings. */
TEST_F(ring, no_bitmap)
{
	uint64_t bits[32];
	struct kvm_dirty_log log = { .slot = 5, .dirty_bitmap = bits };
	struct kvm_clear_dirty_log clear = { .slot = 5, .num_pages = 64,
		.dirty_bitmap = bits };

	EXPECT_IOCTL(-ENXIO, self->vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log);
	EXPECT_IOCTL(-ENXIO, self->vcpu->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear);
}

TEST_F(ring, mapping)
{
	int fd = self->vcpu->fd;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, fd, RING_AT));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_EXEC,
				   MAP_SHARED, fd, RING_AT));
	EXPECT_NE(MAP_FAILED, mmap(NULL, 12288, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, fd, 0));
}

TEST(errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	int max = abi_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING);

	NEED_CAP(vm->fd, KVM_CAP_DIRTY_LOG_RING);
	EXPECT_EQ(max, abi_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL));
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_RESET_DIRTY_RINGS, 0);
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, 0));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, 2048));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, 3 * 4096));
	EXPECT_EQ(-E2BIG, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, 2l * max));
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, max));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, max));
	EXPECT_IOCTL(0, vm->fd, KVM_RESET_DIRTY_RINGS, 0);
	vm = abi_vm_create(0);
	abi_vcpu_create(vm, 0);
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_DIRTY_LOG_RING, max));
}

TEST_HARNESS_MAIN
