// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio disk from PCI configuration space to the image file, driven as a
 * guest's driver drives it, rightly and wrongly.
 * Called by main.c. Read next: userspace/dev/virtio_blk.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blk_driver.h"

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
