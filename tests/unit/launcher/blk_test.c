// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio disk from PCI configuration space to the image file, driven as a
 * guest's driver drives it, rightly and wrongly.
 * Called by main.c. Read next: userspace/dev/virtio_blk.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <poll.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "../tdp/ktap.h"
#include "dev/virtio_blk.h"
#include "tests.h"

#define MEM	0x40000
#define SIZE	16
#define DESC	0x1000
#define AVAIL	0x2000
#define USED	0x3000
#define HDR	0x4000
#define STATUS	0x4100
#define DATA	0x8000
#define BAR	(LODGE_PCI_MEM + LODGE_PCI_BAR_STEP)
#define SECTORS	256

static struct lodge_mem mem;
static struct lodge_bus mmio;
static struct lodge_pci pci;
static struct lodge_loop loop;
static struct lodge_disk disk;
static struct lodge_virtio_blk blk;
static char path[32];
static int image = -1;
static int irq_fd[LODGE_MSIX_MAX];
static uint16_t taken;
static unsigned int offloads;

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

static uint32_t in(unsigned int offset, unsigned int len)
{
	uint32_t val = 0;

	lodge_bus_access(&mmio, BAR + offset, (uint8_t *)&val, len, false);
	return val;
}

static void out(unsigned int offset, uint32_t val, unsigned int len)
{
	lodge_bus_access(&mmio, BAR + offset, (uint8_t *)&val, len, true);
}

static uint32_t config(unsigned int reg, unsigned int len, const void *write)
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

static void *at(uint64_t gpa)
{
	return lodge_mem_ptr(&mem, gpa, 1);
}

static void fini(void)
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

static void plug(bool readonly, unsigned int cpus)
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

static void features(uint64_t want)
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

static void queue(unsigned int index)
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

#define V1	(1ull << VIRTIO_F_VERSION_1)
#define FLUSH	(1ull << VIRTIO_BLK_F_FLUSH)

static void start(bool readonly)
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

/* Serve the device's descriptors until the driver has an answer. */
static void settle(void)
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
	} while (poll(p, 2, disk.in_flight ? 5000 : 0) > 0);
}

static void set(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags)
{
	struct vring_desc *d = at(DESC);

	d[i] = (struct vring_desc){ addr, len, flags, i + 1 };
}

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE

static void submit(void)
{
	struct vring_avail *a = at(AVAIL);

	*(uint8_t *)at(STATUS) = 0xee;
	a->ring[a->idx++ % SIZE] = 0;
	out(0x3000, 0, 2);
	settle();
}

/* The status of the request that was submitted; 0xee: there is no answer. */
static unsigned int answer(uint32_t *len)
{
	struct vring_used *u = at(USED);

	if (u->idx == taken)
		return 0xee;
	*len = u->ring[taken++ % SIZE].len;
	return *(uint8_t *)at(STATUS);
}

static void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr *h = at(HDR);

	*h = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	set(0, HDR, sizeof(*h), NEXT);
}

/* A request with one stretch of data; 0xee: it was not answered. */
static unsigned int request(uint32_t type, uint64_t sector, uint32_t bytes,
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

void test_blk_features(void)
{
	struct virtio_blk_config c;
	unsigned int i;

	plug(false, 4);
	CHECK_EQ(config(0, 4, NULL), 0x10421af4);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_NUMQ, 2), 4);
	CHECK_EQ(offloads, 4);
	for (i = 0; i < sizeof(c); i++)
		((uint8_t *)&c)[i] = in(0x2000 + i, 1);
	CHECK_EQ(c.capacity, SECTORS);
	CHECK_EQ(c.num_queues, 4);
	CHECK_EQ(c.blk_size, 512);
	/* Not without VERSION_1, nor with what was not offered. */
	features(0);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	features(V1 | 1ull << VIRTIO_BLK_F_SCSI);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	features(V1 | 1ull << 63);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	out(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1) & 4, 0);
	features(V1);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 11);
	/* A queue that is not there. */
	out(VIRTIO_PCI_COMMON_Q_SELECT, 4, 2);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	out(VIRTIO_PCI_COMMON_Q_SIZE, 8, 2);
	out(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 11);
	/* A vector that is not there. */
	out(VIRTIO_PCI_COMMON_MSIX, 5, 2);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
	plug(false, 64);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_NUMQ, 2), LODGE_VIRTIO_QUEUES);
	fini();
}

void test_blk_io(void)
{
	uint8_t sector[512];
	uint32_t len;

	start(false);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 3, 1024, &len), VIRTIO_BLK_S_OK);
	CHECK_EQ(len, 1025);
	CHECK_EQ(*(uint8_t *)at(DATA), 3);
	CHECK_EQ(*(uint8_t *)at(DATA + 1023), 4);
	CHECK(lodge_event_clear(irq_fd[1]));
	memset(at(DATA), 0xc5, 512);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 255, 512, &len), VIRTIO_BLK_S_OK);
	CHECK_EQ(len, 1);
	CHECK_EQ(pread(image, sector, 512, 255 * 512), 512);
	CHECK_EQ(sector[0] & sector[511], 0xc5);
	CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, &len), VIRTIO_BLK_S_OK);
	CHECK_EQ(request(VIRTIO_BLK_T_GET_ID, 0, 20, &len), VIRTIO_BLK_S_OK);
	CHECK(!strcmp(at(DATA), "lodge-disk0"));
	CHECK_EQ(request(99, 0, 512, &len), VIRTIO_BLK_S_UNSUPP);
	fini();
}

/* Header and status may be cut up in any way. */
void test_blk_split(void)
{
	uint32_t len;

	start(false);
	header(VIRTIO_BLK_T_OUT, 7);
	memcpy(at(HDR + 16), "payload", 7);
	set(0, HDR, 5, NEXT);
	set(1, HDR + 5, 11 + 12, NEXT);
	set(2, HDR + 28, 500, NEXT);
	set(3, STATUS, 1, WRITE);
	submit();
	CHECK_EQ(answer(&len), VIRTIO_BLK_S_OK);
	/* The status shares its descriptor with the data. */
	header(VIRTIO_BLK_T_IN, 7);
	set(1, STATUS - 512, 513, WRITE);
	submit();
	CHECK_EQ(answer(&len), VIRTIO_BLK_S_OK);
	CHECK_EQ(len, 513);
	CHECK(!memcmp(at(STATUS - 512), "payload", 7));
	fini();
}

void test_blk_hostile(void)
{
	uint32_t len;

	start(false);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, SECTORS, 512, &len),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(len, 1);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 1, 1024, &len),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, UINT64_MAX, 512, &len),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, UINT64_MAX / 512 + 1, 512, &len),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, 511, &len), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, 0, &len), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 0, 0, &len), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, SECTORS, 512, &len),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_GET_ID, 0, 19, &len),
		 VIRTIO_BLK_S_IOERR);
	/* A read with data to be written, and the reverse. */
	header(VIRTIO_BLK_T_IN, 0);
	set(1, DATA, 512, NEXT);
	set(2, STATUS, 1, WRITE);
	submit();
	CHECK_EQ(answer(&len), VIRTIO_BLK_S_IOERR);
	header(VIRTIO_BLK_T_OUT, 0);
	set(1, DATA, 512, NEXT | WRITE);
	set(2, STATUS, 1, WRITE);
	submit();
	CHECK_EQ(answer(&len), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 15);
	fini();
}

void test_blk_readonly(void)
{
	uint32_t len;

	start(true);
	out(VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	CHECK(in(VIRTIO_PCI_COMMON_DF, 4) & 1 << VIRTIO_BLK_F_RO);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 1, 512, &len), VIRTIO_BLK_S_OK);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 1, 512, &len), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 1, 0, &len), VIRTIO_BLK_S_OK);
	CHECK_EQ(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, &len),
		 VIRTIO_BLK_S_IOERR);
	fini();
}

static unsigned int bulk(uint32_t type, uint64_t sector, uint32_t n,
			 uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes *r = at(DATA);
	uint32_t len;

	*r = (struct virtio_blk_discard_write_zeroes){ sector, n, flags };
	return request(type, 0, sizeof(*r), &len);
}

void test_blk_bulk(void)
{
	const uint32_t zero = VIRTIO_BLK_T_WRITE_ZEROES;
	uint8_t sector[512];
	uint32_t len;

	start(false);
	CHECK_EQ(bulk(zero, 10, 2, 0), VIRTIO_BLK_S_OK);
	CHECK_EQ(pread(image, sector, 512, 11 * 512), 512);
	CHECK_EQ(sector[0] | sector[511], 0);
	CHECK_EQ(pread(image, sector, 512, 12 * 512), 512);
	CHECK_EQ(sector[0], 12);
	CHECK_EQ(bulk(zero, 16, 8, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP),
		 VIRTIO_BLK_S_OK);
	CHECK_EQ(pread(image, sector, 512, 23 * 512), 512);
	CHECK_EQ(sector[0] | sector[511], 0);
	if (disk.can_discard)
		CHECK_EQ(bulk(VIRTIO_BLK_T_DISCARD, 32, 8, 0),
			 VIRTIO_BLK_S_OK);
	CHECK_EQ(bulk(VIRTIO_BLK_T_DISCARD, 32, 8, 1), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(bulk(zero, 0, 1, 2), VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(bulk(zero, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(bulk(zero, SECTORS, 1, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(bulk(zero, 0, UINT32_MAX, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(bulk(zero, UINT64_MAX, 2, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(zero, 0, 32, &len), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(zero, 0, 8, &len), VIRTIO_BLK_S_IOERR);
	fini();
}

void test_blk_reset(void)
{
	uint32_t len;

	start(false);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 3, 512, &len), VIRTIO_BLK_S_OK);
	/* In the middle of a request: it is over only when that is. */
	header(VIRTIO_BLK_T_WRITE_ZEROES, 0);
	memset(at(DATA), 0, 16);
	*(uint32_t *)at(DATA + 8) = 1;
	set(1, DATA, 16, NEXT);
	set(2, STATUS, 1, WRITE);
	((struct vring_avail *)at(AVAIL))->idx++;
	lodge_event_set(blk.dev.queue[0].kick.fd);
	blk.dev.queue[0].kick.fn(&blk.dev.queue[0]);
	if (blk.in_flight) {
		*(uint8_t *)at(STATUS) = 0xee;
		out(VIRTIO_PCI_COMMON_STATUS, 0, 1);
		CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 15);
		settle();
		/* The memory was the guest's again: it was not written. */
		CHECK_EQ(*(uint8_t *)at(STATUS), 0xee);
	} else {
		out(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	}
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	out(VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_Q_SIZE, 2), LODGE_VIRTQ_MAX);
	fini();
}

static void broken_now(void)
{
	uint32_t len;

	CHECK_EQ(answer(&len), 0xee);
	CHECK(in(VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK(lodge_event_clear(irq_fd[0]));
	CHECK_EQ(in(0x1000, 1) & VIRTIO_PCI_ISR_CONFIG, VIRTIO_PCI_ISR_CONFIG);
}

void test_blk_broken(void)
{
	/* What is told to the user here is of no interest. */
	int err = dup(STDERR_FILENO);

	if (!freopen("/dev/null", "w", stderr))
		return;
	/* No status, no header, a chain out of memory. */
	start(false);
	header(VIRTIO_BLK_T_FLUSH, 0);
	set(0, HDR, 16, 0);
	submit();
	broken_now();
	start(false);
	set(0, STATUS, 1, WRITE);
	submit();
	broken_now();
	start(false);
	set(0, HDR, 15, NEXT);
	set(1, STATUS, 1, WRITE);
	submit();
	broken_now();
	start(false);
	set(0, MEM - 1, 16, 0);
	submit();
	broken_now();
	/* A ring outside memory. */
	plug(false, 1);
	features(V1);
	out(VIRTIO_PCI_COMMON_Q_DESCLO, MEM, 4);
	out(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	CHECK(in(VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	/* A reset mends it. */
	start(false);
	fini();
	dup2(err, STDERR_FILENO);
	close(err);
}

/* The registers through the window in configuration space. */
void test_blk_window(void)
{
	unsigned int cap;
	uint32_t offset = VIRTIO_PCI_COMMON_NUMQ, len = 2, val = 5;

	plug(false, 3);
	cap = blk.dev.access_cap;
	config(cap + 8, 4, &offset);
	config(cap + 12, 4, &len);
	CHECK_EQ(config(cap + 16, 2, NULL), 3);
	offset = VIRTIO_PCI_COMMON_GFSELECT;
	len = 4;
	config(cap + 8, 4, &offset);
	config(cap + 12, 4, &len);
	config(cap + 16, 4, &val);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_GFSELECT, 4), 5);
	/* Nothing beyond the BAR, nothing of an odd size. */
	offset = 0xfffffffe;
	config(cap + 8, 4, &offset);
	config(cap + 16, 4, &val);
	offset = 0;
	len = 3;
	config(cap + 8, 4, &offset);
	config(cap + 12, 4, &len);
	config(cap + 16, 4, &val);
	CHECK_EQ(in(VIRTIO_PCI_COMMON_DFSELECT, 4), 0);
	fini();
}

/* Any registers, any rings: it does not crash, nor leave its memory. */
void test_blk_fuzz(void)
{
	int err = dup(STDERR_FILENO), i, k;
	unsigned int seed = 7, offset;
	uint32_t val;

	if (!freopen("/dev/null", "w", stderr))
		return;
	start(false);
	for (i = 0; i < 30000; i++) {
		if (i % 100 == 0) {
			out(VIRTIO_PCI_COMMON_STATUS, 0, 1);
			settle();
			features(V1 | FLUSH);
			queue(0);
			out(VIRTIO_PCI_COMMON_STATUS, 15, 1);
		}
		for (k = 0; k < 4; k++)
			set(rand_r(&seed) % 4, rand_r(&seed) % (MEM + 8),
			    rand_r(&seed) % 2000, rand_r(&seed) & 7);
		header(rand_r(&seed) % 15, rand_r(&seed) % (SECTORS + 2));
		((struct vring_avail *)at(AVAIL))->idx += rand_r(&seed) & 1;
		offset = (rand_r(&seed) % 6) << 12 | rand_r(&seed) % 64;
		val = rand_r(&seed) % 8 ? rand_r(&seed) & 0x1f : rand_r(&seed);
		if (rand_r(&seed) % 8 == 0) {
			config(rand_r(&seed) & 0xff & ~3u, 4, &val);
			/* Back where we can reach it. */
			val = BAR;
			config(PCI_BASE_ADDRESS_0, 4, &val);
			val = PCI_COMMAND_MEMORY;
			config(PCI_COMMAND, 2, &val);
		} else {
			out(offset, val, 1 << rand_r(&seed) % 3);
			in(offset, 1 << rand_r(&seed) % 3);
		}
		out(0x3000, 0, 2);
		settle();
	}
	dup2(err, STDERR_FILENO);
	close(err);
	out(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	settle();
	CHECK_EQ(in(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	fini();
}

struct test_io {
	struct lodge_disk_io io;
	struct iovec iov[2];
	bool done;
};

static void io_done(struct lodge_disk_io *io)
{
	((struct test_io *)io)->done = true;
}

static int disk_run(struct test_io *t, enum lodge_disk_op op, uint64_t offset)
{
	t->io.op = op;
	t->io.iov = t->iov;
	t->io.nr_iov = 2;
	t->io.offset = offset;
	t->io.len = t->iov[0].iov_len + t->iov[1].iov_len;
	t->io.done = io_done;
	t->done = false;
	lodge_disk_submit(&disk, &t->io);
	lodge_disk_drain(&disk);
	CHECK(t->done);
	return t->io.result;
}

static void disk_test(bool uring)
{
	char a[700] = "one", b[324] = "two";
	struct test_io t = {
		.iov = { { a, sizeof(a) }, { b, sizeof(b) } },
	};

	image = test_file(path);
	CHECK_EQ(ftruncate(image, 1 << 20), 0);
	CHECK_EQ(lodge_disk_open(&disk, path, false, uring), 0);
	if (!uring)
		CHECK(!disk.uring);
	else if (!disk.uring)
		printf("# io_uring is forbidden here; threads instead\n");
	CHECK_EQ(disk_run(&t, LODGE_DISK_WRITE, 4096), 0);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	CHECK_EQ(disk_run(&t, LODGE_DISK_READ, 4096), 0);
	CHECK(!strcmp(a, "one"));
	CHECK(!strcmp(b, "two"));
	CHECK_EQ(disk_run(&t, LODGE_DISK_FLUSH, 0), 0);
	CHECK_EQ(disk_run(&t, LODGE_DISK_ZERO, 4096), 0);
	CHECK_EQ(disk_run(&t, LODGE_DISK_READ, 4096), 0);
	CHECK_EQ(a[0] | b[0], 0);
	t.io.sync = true;
	CHECK_EQ(disk_run(&t, LODGE_DISK_WRITE, 0), 0);
	/* The file shrinks under the guest. */
	CHECK_EQ(ftruncate(image, 512), 0);
	CHECK_EQ(disk_run(&t, LODGE_DISK_READ, 0), -EIO);
	lodge_disk_close(&disk);
	close(image);
	unlink(path);
	image = -1;
}

void test_disk_uring(void)
{
	disk_test(true);
}

void test_disk_threads(void)
{
	disk_test(false);
}

void test_disk_open(void)
{
	struct lodge_disk other;
	int err = dup(STDERR_FILENO);

	if (!freopen("/dev/null", "w", stderr))
		return;
	image = test_file(path);
	CHECK_EQ(lodge_disk_open(&disk, path, false, true), -EINVAL);
	CHECK_EQ(ftruncate(image, 1000), 0);
	CHECK_EQ(lodge_disk_open(&disk, path, false, true), 0);
	CHECK_EQ(disk.size, 512);
	/* One writer, or any number of readers. */
	CHECK_EQ(lodge_disk_open(&other, path, false, true), -EBUSY);
	CHECK_EQ(lodge_disk_open(&other, path, true, true), -EBUSY);
	lodge_disk_close(&disk);
	CHECK_EQ(lodge_disk_open(&disk, path, true, true), 0);
	CHECK_EQ(lodge_disk_open(&other, path, true, true), 0);
	lodge_disk_close(&other);
	lodge_disk_close(&disk);
	CHECK_EQ(lodge_disk_open(&disk, "/dev/null", true, true), -EINVAL);
	CHECK_EQ(lodge_disk_open(&disk, "/nonexistent", true, true), -ENOENT);
	close(image);
	unlink(path);
	image = -1;
	dup2(err, STDERR_FILENO);
	close(err);
}
