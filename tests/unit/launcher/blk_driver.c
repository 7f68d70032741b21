// SPDX-License-Identifier: GPL-2.0
/*
 * A driver for the virtio disk, on a machine of its own; see blk_driver.h.
 * Read next: blk_test.c.
 */
#include "blk_driver.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct lodge_mem mem;
static struct lodge_bus mmio;
static struct lodge_pci pci;
static struct lodge_loop loop;
struct lodge_disk disk;
struct lodge_virtio_blk blk;
static char path[32];
int image = -1;
int irq_fd[LODGE_MSIX_MAX];
static uint16_t taken;
unsigned int offloads;

static int route(void *ctx, int handle, uint64_t addr, uint32_t data)
{
	(void)ctx;
	(void)addr;
	return handle ? handle : (int)data + 1;
}

static int connect_fd(void *ctx, int fd, int handle)
{
	(void)ctx;
	irq_fd[handle - 1] = fd;
	return 0;
}

static const struct lodge_msi_ops msi_ops = { route, connect_fd };

static int ioeventfd(void *ctx, int fd, uint64_t addr, bool on)
{
	(void)ctx;
	(void)fd;
	(void)addr;
	offloads += on ? 1 : -1;
	return 0;
}

static const struct lodge_virtio_host host = {
	.mem = &mem, .loop = &loop, .pci = &pci, .msi = &msi_ops,
	.ioeventfd = ioeventfd,
};

uint32_t in(unsigned int offset, unsigned int len)
{
	uint32_t val = 0;

	lodge_bus_access(&mmio, BAR + offset, (uint8_t *)&val, len, false);
	return val;
}

void out(unsigned int offset, uint32_t val, unsigned int len)
{
	lodge_bus_access(&mmio, BAR + offset, (uint8_t *)&val, len, true);
}

uint32_t config(unsigned int reg, unsigned int len, const void *write)
{
	uint32_t a = 0x80000800 | (reg & 0xfc), val = 0;

	lodge_pci_io(&pci, 0, (uint8_t *)&a, 4, true);
	if (write)
		memcpy(&val, write, len);
	lodge_pci_io(&pci, 4 + reg % 4, (uint8_t *)&val, len, write);
	return val;
}

static void no_reset(void *ctx, uint8_t val)
{
	(void)ctx;
	(void)val;
}

void *at(uint64_t gpa)
{
	return lodge_mem_ptr(&mem, gpa, 1);
}

void fini(void)
{
	if (image < 0)
		return;
	lodge_virtio_blk_fini(&blk);
	lodge_disk_close(&disk);
	lodge_loop_fini(&loop);
	close(image);
	unlink(path);
	image = -1;
}

void plug(bool readonly, unsigned int cpus)
{
	uint8_t sector[512];
	int i;

	fini();
	test_mem_make(&mem, MEM);
	image = test_file(path);
	for (i = 0; i < SECTORS; i++) {
		memset(sector, i, sizeof(sector));
		CHECK_EQ(write(image, sector, 512), 512);
	}
	CHECK_EQ(lodge_loop_init(&loop), 0);
	lodge_bus_init(&mmio);
	lodge_pci_init(&pci, &mmio, no_reset, NULL);
	CHECK_EQ(lodge_disk_open(&disk, path, readonly, true), 0);
	memset(&blk, 0, sizeof(blk));
	offloads = 0;
	CHECK_EQ(lodge_virtio_blk_init(&blk, &host, &disk, 0, cpus), 0);
}

void features(uint64_t want)
{
	out(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	out(VIRTIO_PCI_COMMON_STATUS, 1, 1);
	out(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	out(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	out(VIRTIO_PCI_COMMON_GF, want, 4);
	out(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	out(VIRTIO_PCI_COMMON_GF, want >> 32, 4);
	out(VIRTIO_PCI_COMMON_STATUS, 11, 1);
}

void queue(unsigned int index)
{
	out(VIRTIO_PCI_COMMON_Q_SELECT, index, 2);
	out(VIRTIO_PCI_COMMON_Q_SIZE, SIZE, 2);
	out(VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	out(VIRTIO_PCI_COMMON_Q_DESCLO, DESC, 4);
	out(VIRTIO_PCI_COMMON_Q_DESCHI, 0, 4);
	out(VIRTIO_PCI_COMMON_Q_AVAILLO, AVAIL, 4);
	out(VIRTIO_PCI_COMMON_Q_AVAILHI, 0, 4);
	out(VIRTIO_PCI_COMMON_Q_USEDLO, USED, 4);
	out(VIRTIO_PCI_COMMON_Q_USEDHI, 0, 4);
	out(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

void start(bool readonly)
{
	const uint16_t on = PCI_MSIX_FLAGS_ENABLE;
	unsigned int i;

	plug(readonly, 1);
	config(blk.dev.msix_cap + PCI_MSIX_FLAGS, 2, &on);
	for (i = 0; i < 2; i++) {
		out(0x4000 + i * 16, 0xfee00000, 4);
		out(0x4008 + i * 16, i, 4);
		out(0x400c + i * 16, 0, 4);
	}
	features(V1 | FLUSH);
	out(VIRTIO_PCI_COMMON_MSIX, 0, 2);
	queue(0);
	out(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 15);
	memset(at(AVAIL), 0, 0x2000);
	taken = 0;
}

void settle(void)
{
	struct pollfd p[2] = {
		{ .fd = blk.dev.queue[0].kick.fd, .events = POLLIN },
		{ .fd = disk.event, .events = POLLIN },
	};

	do {
		if (p[0].revents)
			blk.dev.queue[0].kick.fn(&blk.dev.queue[0]);
		if (p[1].revents)
			blk.event.fn(&blk);
	} while (poll(p, 2, disk.in_flight ? 60000 : 0) > 0);
}

void set(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags)
{
	struct vring_desc *d = at(DESC);

	d[i] = (struct vring_desc){ addr, len, flags, i + 1 };
}

void submit(void)
{
	struct vring_avail *a = at(AVAIL);

	*(uint8_t *)at(STATUS) = 0xee;
	a->ring[a->idx++ % SIZE] = 0;
	out(0x3000, 0, 2);
	settle();
}

unsigned int answer(uint32_t *len)
{
	struct vring_used *u = at(USED);

	if (u->idx == taken)
		return 0xee;
	*len = u->ring[taken++ % SIZE].len;
	return *(uint8_t *)at(STATUS);
}

void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr *h = at(HDR);

	*h = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	set(0, HDR, sizeof(*h), NEXT);
}

unsigned int request(uint32_t type, uint64_t sector, uint32_t bytes,
		     uint32_t *len)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;

	header(type, sector);
	if (bytes)
		set(1, DATA, bytes, NEXT | (in ? WRITE : 0));
	set(bytes ? 2 : 1, STATUS, 1, WRITE);
	submit();
	return answer(len);
}

