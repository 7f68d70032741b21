// SPDX-License-Identifier: GPL-2.0
/*
 * The buses, guest memory, PCI and MSI-X.
 * Called by main.c. Read next: userspace/dev/pci.h.
 */
#include <string.h>
#include <linux/pci_regs.h>

#include "../ktap.h"
#include "bus.h"
#include "dev/msix.h"
#include "dev/pci.h"
#include "loop.h"
#include "tests.h"

static uint64_t touched;

static void note_io(void *dev, uint64_t offset, uint8_t *data,
		    unsigned int len, bool write)
{
	(void)data;
	(void)len;
	(void)write;
	touched = (uintptr_t)dev << 32 | offset;
}

#define DEV(n)	((void *)(uintptr_t)(n))

void test_bus_add(void)
{
	struct lodge_bus bus;
	unsigned int i;

	lodge_bus_init(&bus);
	CHECK_EQ(lodge_bus_add(&bus, 0x100, 0x10, note_io, DEV(1)), 0);
	CHECK_EQ(lodge_bus_add(&bus, 0x110, 0x10, note_io, DEV(2)), 0);
	CHECK_EQ(lodge_bus_add(&bus, 0xf0, 0x10, note_io, DEV(3)), 0);
	CHECK_EQ(lodge_bus_add(&bus, 0xff, 2, note_io, DEV(4)), -EEXIST);
	CHECK_EQ(lodge_bus_add(&bus, 0x10f, 1, note_io, DEV(4)), -EEXIST);
	CHECK_EQ(lodge_bus_add(&bus, 0, 0x1000, note_io, DEV(4)), -EEXIST);
	CHECK_EQ(lodge_bus_add(&bus, 0x200, 0, note_io, DEV(4)), -EINVAL);
	CHECK_EQ(lodge_bus_add(&bus, UINT64_MAX, 2, note_io, DEV(4)), -EINVAL);
	CHECK_EQ(lodge_bus_add(&bus, UINT64_MAX, 1, note_io, DEV(5)), 0);
	CHECK_EQ(lodge_bus_remove(&bus, 0x100, DEV(2)), -ENOENT);
	CHECK_EQ(lodge_bus_remove(&bus, 0x101, DEV(1)), -ENOENT);
	CHECK_EQ(lodge_bus_remove(&bus, 0x100, DEV(1)), 0);
	CHECK_EQ(lodge_bus_add(&bus, 0x100, 0x10, note_io, DEV(1)), 0);
	for (i = bus.nr; i < LODGE_BUS_RANGES; i++)
		CHECK_EQ(lodge_bus_add(&bus, i * 0x1000, 1, note_io, DEV(6)),
			 0);
	CHECK_EQ(lodge_bus_add(&bus, 0x800, 1, note_io, DEV(6)), -ENOSPC);
}

void test_bus_access(void)
{
	struct lodge_bus bus;
	uint8_t data[8] = { 0 };

	lodge_bus_init(&bus);
	CHECK_EQ(lodge_bus_add(&bus, 0x100, 0x10, note_io, DEV(1)), 0);
	CHECK_EQ(lodge_bus_add(&bus, 0x110, 4, note_io, DEV(2)), 0);
	CHECK_EQ(lodge_bus_add(&bus, UINT64_MAX, 1, note_io, DEV(3)), 0);
	CHECK(lodge_bus_access(&bus, 0x10f, data, 1, false));
	CHECK_EQ(touched, 1ull << 32 | 0xf);
	CHECK(lodge_bus_access(&bus, 0x110, data, 4, true));
	CHECK_EQ(touched, 2ull << 32);
	CHECK(lodge_bus_access(&bus, UINT64_MAX, data, 1, true));
	CHECK_EQ(touched, 3ull << 32);
	touched = 0;
	CHECK(!lodge_bus_access(&bus, 0x10f, data, 2, false));
	CHECK_EQ(data[0] & data[1], 0xff);
	CHECK(!lodge_bus_access(&bus, 0xff, data, 1, true));
	CHECK(!lodge_bus_access(&bus, 0x114, data, 8, true));
	CHECK(!lodge_bus_access(&bus, UINT64_MAX, data, 8, false));
	CHECK_EQ(touched, 0);
}

void test_mem_ptr(void)
{
	uint8_t *low = DEV(0x10000), *high = DEV(0x20000);
	const struct lodge_mem mem = {
		.nr = 2,
		.region = {
			{ .gpa = 0, .size = 0x1000, .host = low },
			{ .gpa = LODGE_MEM_HIGH_BASE, .size = 0x1000,
			  .host = high },
		},
	};

	CHECK(lodge_mem_ptr(&mem, 0xfff, 1) == low + 0xfff);
	CHECK(lodge_mem_ptr(&mem, 0, 0x1000) == low);
	CHECK(!lodge_mem_ptr(&mem, 0, 0x1001));
	CHECK(!lodge_mem_ptr(&mem, 0x1000, 0));
	CHECK(!lodge_mem_ptr(&mem, 1, UINT64_MAX));
	CHECK(!lodge_mem_ptr(&mem, UINT64_MAX, 2));
	CHECK(lodge_mem_ptr(&mem, LODGE_MEM_HIGH_BASE + 8, 8) == high + 8);
	CHECK(!lodge_mem_ptr(&mem, LODGE_MEM_HIGH_BASE - 1, 2));
	CHECK(!lodge_mem_ptr(&mem, LODGE_MEM_HIGH_BASE + 0xff9, 8));
}

void test_mem_create(void)
{
	struct lodge_mem mem;

	CHECK_EQ(lodge_mem_create(&mem, 5ull << 30), 0);
	CHECK_EQ(mem.nr, 2);
	CHECK_EQ(lodge_mem_low_end(&mem), LODGE_MEM_LOW_MAX);
	CHECK_EQ(mem.region[1].size, 2ull << 30);
	/* So that huge pages fit. */
	CHECK_EQ((uintptr_t)mem.region[0].host % 0x200000, 0);
	CHECK_EQ((uintptr_t)mem.region[1].host % 0x200000, 0);
	memset(lodge_mem_ptr(&mem, (6ull << 30) - 8, 8), 1, 8);
	CHECK(!lodge_mem_ptr(&mem, (6ull << 30) - 8, 9));
	CHECK(!lodge_mem_ptr(&mem, LODGE_MEM_LOW_MAX - 4, 8));
	lodge_mem_destroy(&mem);
	CHECK_EQ(lodge_mem_create(&mem, 12288), 0);
	memset(mem.region[0].host, 1, 12288);
	lodge_mem_destroy(&mem);
	CHECK_EQ(lodge_mem_create(&mem, 100), -EINVAL);
	CHECK_EQ(lodge_mem_create(&mem, -4096ull), -EINVAL);
}

static struct lodge_pci pci;
static struct lodge_pci_dev card;
static struct lodge_bus mmio;
static uint64_t mapped;
static uint8_t reset_val;

static void bar_mapped(void *dev, uint64_t base)
{
	(void)dev;
	mapped = base;
}

static const struct lodge_pci_ops card_ops = {
	.bar_io = note_io, .bar_mapped = bar_mapped,
};

static void pci_reset(void *ctx, uint8_t val)
{
	(void)ctx;
	reset_val = val;
}

static void pci_select(unsigned int slot, unsigned int reg)
{
	uint32_t a = 0x80000000 | slot << 11 | (reg & 0xfc);

	lodge_pci_io(&pci, 0, (uint8_t *)&a, 4, true);
}

static uint32_t pci_in(unsigned int slot, unsigned int reg, unsigned int len)
{
	uint32_t val = 0;

	pci_select(slot, reg);
	lodge_pci_io(&pci, 4 + reg % 4, (uint8_t *)&val, len, false);
	return val;
}

static void pci_out(unsigned int slot, unsigned int reg, uint32_t val,
		    unsigned int len)
{
	pci_select(slot, reg);
	lodge_pci_io(&pci, 4 + reg % 4, (uint8_t *)&val, len, true);
}

static void pci_on(void)
{
	const uint8_t cap[8] = { PCI_CAP_ID_VNDR, 0, 8 };

	lodge_bus_init(&mmio);
	lodge_pci_init(&pci, &mmio, pci_reset, NULL);
	lodge_pci_dev_init(&card, &card_ops, DEV(7), 0x1234, 0x5678,
			   0x01800001);
	lodge_pci_dev_bar(&card, 0x8000);
	CHECK_EQ(lodge_pci_dev_cap(&card, cap, 8), 0x40);
	CHECK_EQ(lodge_pci_dev_cap(&card, cap, 8), 0x48);
	CHECK_EQ(lodge_pci_add(&pci, &card), 0);
}

void test_pci_config(void)
{
	uint32_t val;

	pci_on();
	CHECK_EQ(pci_in(0, 8, 4), 0x06000000);
	CHECK_EQ(pci_in(1, 0, 4), 0x56781234);
	CHECK_EQ(pci_in(1, 2, 2), 0x5678);
	CHECK_EQ(pci_in(1, 11, 1), 0x01);
	CHECK_EQ(pci_in(2, 0, 4), 0xffffffff);
	/* Other buses and functions are empty, and so is it switched off. */
	val = 0x80010800;
	lodge_pci_io(&pci, 0, (uint8_t *)&val, 4, true);
	lodge_pci_io(&pci, 4, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0xffffffff);
	val = 0x80000900;
	lodge_pci_io(&pci, 0, (uint8_t *)&val, 4, true);
	lodge_pci_io(&pci, 4, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0xffffffff);
	val = 0x00000800;
	lodge_pci_io(&pci, 0, (uint8_t *)&val, 4, true);
	lodge_pci_io(&pci, 4, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0xffffffff);
	/* Read-only fields stay, the list of capabilities can be walked. */
	pci_out(1, 0, 0, 4);
	CHECK_EQ(pci_in(1, 0, 4), 0x56781234);
	CHECK_EQ(pci_in(1, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	CHECK_EQ(pci_in(1, PCI_CAPABILITY_LIST, 1), 0x40);
	CHECK_EQ(pci_in(1, 0x41, 1), 0x48);
	CHECK_EQ(pci_in(1, 0x49, 1), 0);
	/* No access spills over the edge. */
	pci_select(1, 0xfc);
	lodge_pci_io(&pci, 2, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0xffffffff);
	lodge_pci_io(&pci, 4, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0);
}

void test_pci_bar(void)
{
	uint32_t base = LODGE_PCI_MEM + LODGE_PCI_BAR_STEP;
	uint8_t data[4];

	pci_on();
	CHECK_EQ(mapped, base);
	CHECK_EQ(pci_in(1, PCI_BASE_ADDRESS_0, 4), base);
	CHECK(lodge_bus_access(&mmio, base + 0x7fff, data, 1, false));
	CHECK_EQ(touched, 7ull << 32 | 0x7fff);
	/* Sizing, decoding off. */
	pci_out(1, PCI_COMMAND, 0, 2);
	CHECK_EQ(mapped, 0);
	CHECK(!lodge_bus_access(&mmio, base, data, 4, false));
	pci_out(1, PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	CHECK_EQ(pci_in(1, PCI_BASE_ADDRESS_0, 4), 0xffff8000);
	pci_out(1, PCI_BASE_ADDRESS_0, 0xf0001234, 4);
	CHECK_EQ(pci_in(1, PCI_BASE_ADDRESS_0, 4), 0xf0000000);
	pci_out(1, PCI_COMMAND, 0xffff, 2);
	CHECK_EQ(pci_in(1, PCI_COMMAND, 2), PCI_COMMAND_MEMORY |
		 PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(mapped, 0xf0000000);
	CHECK(lodge_bus_access(&mmio, 0xf0000000, data, 4, false));
	/* Onto another device: it does not answer there, nor breaks it. */
	CHECK_EQ(lodge_bus_add(&mmio, 0xf1000000, 16, note_io, DEV(9)), 0);
	pci_out(1, PCI_BASE_ADDRESS_0, 0xf1000000, 4);
	CHECK_EQ(mapped, 0);
	CHECK(lodge_bus_access(&mmio, 0xf1000000, data, 4, false));
	CHECK_EQ(touched, 9ull << 32);
	CHECK(!lodge_bus_access(&mmio, 0xf0000000, data, 4, false));
	pci_out(1, PCI_BASE_ADDRESS_0, base, 4);
	CHECK_EQ(mapped, base);
}

void test_pci_reset(void)
{
	uint8_t val = 6;

	pci_on();
	pci_select(1, 0x10);
	lodge_pci_io(&pci, 1, &val, 1, true);
	CHECK_EQ(reset_val, 6);
	/* And the address has not changed. */
	CHECK_EQ(pci.address, 0x80000810);
}

static uint64_t routed[4];
static int route_calls, fds[4];

static int route(void *ctx, int handle, uint64_t addr, uint32_t data)
{
	(void)ctx;
	route_calls++;
	if (!handle)
		handle = 24 + (data & 3);
	routed[handle - 24] = addr << 32 | data;
	return handle;
}

static int connect_fd(void *ctx, int fd, int handle)
{
	(void)ctx;
	fds[handle - 24] = fd;
	return 0;
}

static const struct lodge_msi_ops msi_ops = { route, connect_fd };

static void msix_out(struct lodge_msix *m, unsigned int offset, uint32_t val)
{
	lodge_msix_table(m, offset, (uint8_t *)&val, 4, true);
}

static uint64_t pending(struct lodge_msix *m)
{
	uint64_t bits;

	lodge_msix_pending(m, 0, (uint8_t *)&bits, 8);
	return bits;
}

void test_msix_mask(void)
{
	struct lodge_msix m;

	route_calls = 0;
	lodge_msix_init(&m, 3, &msi_ops, NULL);
	/* Not enabled: nothing happens, nothing is remembered. */
	lodge_msix_signal(&m, 1);
	CHECK_EQ(pending(&m), 0);
	lodge_msix_control(&m, PCI_MSIX_FLAGS_ENABLE);
	lodge_msix_signal(&m, 1);
	CHECK_EQ(pending(&m), 2);
	CHECK_EQ(route_calls, 0);
	msix_out(&m, 16, 0xfee01000);
	msix_out(&m, 24, 0x41);
	msix_out(&m, 28, 0);
	CHECK_EQ(pending(&m), 0);
	CHECK_EQ(routed[1], 0xfee01000ull << 32 | 0x41);
	CHECK(lodge_event_clear(fds[1]));
	/* The mask over all. */
	lodge_msix_control(&m, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	lodge_msix_signal(&m, 1);
	CHECK(!lodge_event_clear(fds[1]));
	CHECK_EQ(pending(&m), 2);
	lodge_msix_control(&m, PCI_MSIX_FLAGS_ENABLE);
	CHECK(lodge_event_clear(fds[1]));
	/* One that is routed already costs no more calls. */
	CHECK_EQ(route_calls, 1);
	lodge_msix_signal(&m, 1);
	CHECK_EQ(route_calls, 1);
	msix_out(&m, 24, 0x51);
	CHECK_EQ(route_calls, 2);
	CHECK_EQ(routed[1] & 0xff, 0x51);
	/* Vectors that are not there. */
	lodge_msix_signal(&m, 3);
	lodge_msix_signal(&m, 0xffff);
	lodge_msix_fini(&m);
}

void test_msix_table(void)
{
	struct lodge_msix m;
	uint64_t val = 0x1122334455667788;

	lodge_msix_init(&m, 3, &msi_ops, NULL);
	lodge_msix_table(&m, 0, (uint8_t *)&val, 8, true);
	val = 0;
	lodge_msix_table(&m, 4, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0x11223344);
	lodge_msix_table(&m, 12, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 1);
	msix_out(&m, 12, 0xffffffff);
	lodge_msix_table(&m, 12, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 1);
	/* Beyond the end, odd widths, not aligned. */
	val = UINT64_MAX;
	lodge_msix_table(&m, 48, (uint8_t *)&val, 8, false);
	CHECK_EQ(val, 0);
	msix_out(&m, 48, 1);
	msix_out(&m, 0xffc, 1);
	val = UINT64_MAX;
	lodge_msix_table(&m, 2, (uint8_t *)&val, 4, false);
	CHECK_EQ(val & UINT32_MAX, 0);
	lodge_msix_table(&m, 4, (uint8_t *)&val, 8, false);
	lodge_msix_pending(&m, 0xff8, (uint8_t *)&val, 8);
	CHECK_EQ(val, 0);
	lodge_msix_fini(&m);
}
