// SPDX-License-Identifier: GPL-2.0
/*
 * What users put on the buses: ioeventfds and coalesced zones. Tests
 * kmod/ioeventfd.c and kmod/coalesced.c.
 */
#include "fake/kernel.h"
#include "tests.h"

#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define OFF	KVM_IOEVENTFD_FLAG_DEASSIGN

static struct lodge_vm vm;
static struct lodge_vcpu vcpu = { .vm = &vm };
static union {
	u64 words[4096 / 8];
	struct kvm_coalesced_mmio_ring ring;
} page;

static void setup(void)
{
	int i;

	memset(&vm, 0, sizeof(vm));
	memset(&page, 0, sizeof(page));
	INIT_LIST_HEAD(&vm.ioeventfds);
	INIT_LIST_HEAD(&vm.coalesced);
	vm.coalesced_page = &page;
	for (i = 0; i < FAKE_FILES; i++) {
		fake_files[i] = (struct file){ .is_eventfd = i != 7 };
		fake_eventfds[i] = (struct eventfd_ctx){ 0 };
	}
}

static void teardown(void)
{
	int i;

	lodge_bus_destroy(&vm);
	for (i = 0; i < FAKE_FILES; i++) {
		CHECK(fake_files[i].refs == 0);
		CHECK(fake_eventfds[i].refs == 0);
	}
}

static int ioeventfd(u64 addr, u32 len, int fd, u32 flags, u64 datamatch)
{
	struct kvm_ioeventfd args = {
		.addr = addr, .len = len, .fd = fd, .flags = flags,
		.datamatch = datamatch,
	};

	return lodge_ioeventfd(&vm, &args);
}

static int mmio(u64 addr, u32 len, u64 v)
{
	return lodge_bus_write(&vcpu, LODGE_BUS_MMIO, addr, len, &v);
}

void test_ioeventfd_matches(void)
{
	setup();
	CHECK(ioeventfd(0x1000, 4, 1, MATCH, 5) == 0);
	CHECK(ioeventfd(0x1000, 4, 2, MATCH, 6) == 0);
	CHECK(ioeventfd(0x1000, 2, 3, 0, 0) == 0);
	CHECK(ioeventfd(0x2000, 0, 4, 0, 0) == 0);
	CHECK(ioeventfd(0x1000, 4, 5, PIO, 0) == 0);
	CHECK(mmio(0x1000, 4, 5) == 0);
	CHECK(mmio(0x1000, 4, 6) == 0);
	CHECK(mmio(0x1000, 4, 6) == 0);
	CHECK(mmio(0x1000, 4, 7) == -EOPNOTSUPP);
	CHECK(mmio(0x1000, 8, 5) == -EOPNOTSUPP);
	CHECK(mmio(0x1000, 2, 77) == 0);
	CHECK(mmio(0x1002, 2, 5) == -EOPNOTSUPP);
	CHECK(mmio(0x2000, 1, 5) == 0);
	CHECK(mmio(0x2000, 8, 5) == 0);
	CHECK_EQ(fake_eventfds[1].signals, 1);
	CHECK_EQ(fake_eventfds[2].signals, 2);
	CHECK_EQ(fake_eventfds[3].signals, 1);
	CHECK_EQ(fake_eventfds[4].signals, 2);
	CHECK_EQ(fake_eventfds[5].signals, 0);
	teardown();
}

void test_ioeventfd_wide_match(void)
{
	setup();
	/* The value is compared whole: bits above the width never match. */
	CHECK(ioeventfd(0x1000, 4, 1, MATCH, 0x100000005ULL) == 0);
	CHECK(mmio(0x1000, 4, 5) == -EOPNOTSUPP);
	CHECK(ioeventfd(0x2000, 8, 2, MATCH, 0x100000005ULL) == 0);
	CHECK(mmio(0x2000, 8, 0x100000005ULL) == 0);
	teardown();
}

void test_ioeventfd_errors(void)
{
	setup();
	CHECK(ioeventfd(0x1000, 3, 1, 0, 0) == -EINVAL);
	CHECK(ioeventfd(0x1000, 16, 1, 0, 0) == -EINVAL);
	CHECK(ioeventfd(-2ULL, 4, 1, 0, 0) == -EINVAL);
	CHECK(ioeventfd(0x1000, 0, 1, MATCH, 0) == -EINVAL);
	CHECK(ioeventfd(0x1000, 4, 1, 1 << 7, 0) == -EINVAL);
	CHECK(ioeventfd(0x1000, 4, 999, 0, 0) == -EBADF);
	CHECK(ioeventfd(0x1000, 4, 7, 0, 0) == -EINVAL);
	CHECK(ioeventfd(0x1000, 4, 999, OFF, 0) == -EBADF);
	CHECK(ioeventfd(0x1000, 4, 1, OFF, 0) == -ENOENT);
	fake_alloc_fail = 1;
	CHECK(ioeventfd(0x1000, 4, 1, 0, 0) == -ENOMEM);
	fake_alloc_fail = 2;
	CHECK(ioeventfd(0x1000, 4, 1, 0, 0) == -ENOMEM);
	fake_alloc_fail = 0;
	teardown();
}

void test_ioeventfd_collides(void)
{
	setup();
	CHECK(ioeventfd(0x1000, 4, 1, MATCH, 5) == 0);
	CHECK(ioeventfd(0x1000, 4, 2, MATCH, 5) == -EEXIST);
	CHECK(ioeventfd(0x1000, 4, 2, 0, 0) == -EEXIST);
	CHECK(ioeventfd(0x1000, 0, 2, 0, 0) == -EEXIST);
	CHECK(ioeventfd(0x1000, 4, 2, MATCH | PIO, 5) == 0);
	CHECK(ioeventfd(0x1000, 2, 2, 0, 0) == 0);
	CHECK(ioeventfd(0x1000, 2, 2, MATCH, 5) == -EEXIST);
	teardown();
}

void test_ioeventfd_deassign(void)
{
	setup();
	CHECK(ioeventfd(0x1000, 4, 1, MATCH, 5) == 0);
	CHECK(ioeventfd(0x1000, 4, 2, MATCH | OFF, 5) == -ENOENT);
	CHECK(ioeventfd(0x1000, 4, 1, MATCH | OFF, 6) == -ENOENT);
	CHECK(ioeventfd(0x1000, 2, 1, MATCH | OFF, 5) == -ENOENT);
	CHECK(ioeventfd(0x1000, 4, 1, OFF, 5) == -ENOENT);
	CHECK(ioeventfd(0x1000, 4, 1, MATCH | PIO | OFF, 5) == -ENOENT);
	CHECK(ioeventfd(0x1000, 4, 1, MATCH | OFF, 5) == 0);
	CHECK(mmio(0x1000, 4, 5) == -EOPNOTSUPP);
	CHECK(ioeventfd(0x1000, 4, 1, MATCH | OFF, 5) == -ENOENT);
	teardown();
}

/* The end of a VM with as many as go: no table is built again, nobody waits. */
void test_ioeventfd_most(void)
{
	int n = 0, allocs, waits;

	setup();
	while (n < 10000 && ioeventfd(0x1000 + n * 8, 8, n % 7, 0, 0) == 0)
		n++;
	CHECK_EQ(n, 8192);
	CHECK(ioeventfd(0x1000 + n * 8, 8, 1, 0, 0) == -ENOSPC);
	allocs = fake_allocs;
	waits = vm.srcu.waits;
	/* To take one off needs no memory, and one wait. */
	CHECK(ioeventfd(0x1000, 8, 0, OFF, 0) == 0);
	CHECK_EQ(fake_allocs, allocs + 1);	/* the ioctl's own */
	CHECK_EQ(vm.srcu.waits, waits + 1);
	teardown();
	CHECK_EQ(fake_allocs, allocs + 1);
	CHECK_EQ(vm.srcu.waits, waits + 1);
}

static int zone(bool add, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = {
		.addr = addr, .size = size, .pio = pio,
	};

	return add ? lodge_coalesced_add(&vm, &z) :
		     lodge_coalesced_remove(&vm, &z);
}

void test_ring_fills(void)
{
	struct kvm_coalesced_mmio_ring *ring = &page.ring;
	u32 n = 0;

	setup();
	CHECK(zone(true, 0x1000, 0x100, 0) == 0);
	while (n < 1000 && mmio(0x1000 + n % 0x80, 4, n) == 0)
		n++;
	CHECK_EQ(n, KVM_COALESCED_MMIO_MAX - 1);
	CHECK_EQ(ring->last, n);
	CHECK_EQ(ring->coalesced_mmio[3].phys_addr, 0x1003);
	CHECK_EQ(ring->coalesced_mmio[3].len, 4);
	CHECK_EQ(ring->coalesced_mmio[3].data[0], 3);
	CHECK_EQ(ring->coalesced_mmio[3].pio, 0);
	ring->first = 1;
	CHECK(mmio(0x1000, 4, n) == 0);
	CHECK_EQ(ring->last, 0);
	CHECK(mmio(0x1000, 4, n) == -EOPNOTSUPP);
	/* A read is never for the ring. */
	CHECK(lodge_bus_read(&vcpu, LODGE_BUS_MMIO, 0x1000, 4, &n) ==
	      -EOPNOTSUPP);
	teardown();
}

void test_ring_hostile(void)
{
	static const u32 bad[] = { KVM_COALESCED_MMIO_MAX, 1000, 0x7fffffff,
				   0x80000000, 0xffffffff };
	struct kvm_coalesced_mmio_ring *ring = &page.ring;
	unsigned int i;

	setup();
	CHECK(zone(true, 0x1000, 0x100, 0) == 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ring->first = 0;
		ring->last = bad[i];
		CHECK(mmio(0x1000, 4, 1) == -EOPNOTSUPP);
		ring->first = bad[i];
		CHECK(mmio(0x1000, 4, 1) == -EOPNOTSUPP);
		ring->last = 0;
		CHECK(mmio(0x1000, 4, 1) == 0);
	}
	teardown();
}

void test_zones(void)
{
	setup();
	CHECK(zone(true, 0x1000, 0x10, 2) == -EINVAL);
	CHECK(zone(false, 0x1000, 0x10, 2) == -EINVAL);
	CHECK(zone(true, -8ULL, 0x10, 0) == -EINVAL);
	CHECK(zone(true, 0x1000, 0, 0) == 0);
	CHECK(zone(true, 0x1000, 0x10, 0) == 0);
	CHECK(zone(true, 0x1000, 0x10, 0) == 0);
	CHECK(zone(true, 0x1008, 0x20, 0) == 0);
	CHECK(zone(true, 0x1000, 0x10, 1) == 0);
	CHECK(mmio(0x100f, 2, 0) == 0);
	CHECK(mmio(0x1027, 2, 0) == -EOPNOTSUPP);
	/* What is not there is no error; what does not hold it all stays. */
	CHECK(zone(false, 0x9000, 0x10, 0) == 0);
	CHECK(zone(false, 0x1000, 0x11, 0) == 0);
	CHECK(mmio(0x1000, 4, 0) == 0);
	/* Both zones that hold it go, the one on the ports does not. */
	CHECK(zone(false, 0x1002, 4, 0) == 0);
	CHECK(mmio(0x1000, 4, 0) == -EOPNOTSUPP);
	CHECK(mmio(0x1008, 4, 0) == 0);
	CHECK(lodge_bus_write(&vcpu, LODGE_BUS_PIO, 0x1000, 1, "") == 0);
	CHECK_EQ(page.ring.coalesced_mmio[page.ring.last - 1].pio, 1);
	fake_alloc_fail = 2;
	CHECK(zone(true, 0x5000, 4, 0) == -ENOMEM);
	fake_alloc_fail = 0;
	teardown();
}

void test_zones_most(void)
{
	int n = 0, allocs, waits;

	setup();
	while (n < 10000 && zone(true, 0x1000 + n % 9, 0x10, 0) == 0)
		n++;
	CHECK_EQ(n, 8192);
	allocs = fake_allocs;
	waits = vm.srcu.waits;
	CHECK(zone(false, 0x1008, 8, 0) == 0);
	CHECK_EQ(fake_allocs, allocs);
	CHECK_EQ(vm.srcu.waits, waits + 1);
	CHECK(list_empty(&vm.coalesced));
	CHECK(mmio(0x1008, 8, 0) == -EOPNOTSUPP);
	teardown();
}
