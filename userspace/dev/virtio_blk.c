// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio disk; see virtio_blk.h for who calls this.
 *
 * All of it runs in the event loop's thread, but for a reset, which comes from
 * a vCPU's. A request's header is copied before it is believed.
 * Read next: io/disk.c.
 */
#include "virtio_blk.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define BLK_CLASS		0x01800001u	/* mass storage, other; rev. 1 */
#define BLK_SEG_MAX		(LODGE_VIRTQ_MAX - 2)
#define BLK_BULK_MAX		(1u << 22)	/* sectors to zero or discard */

struct lodge_blk_request {
	struct lodge_virtio_blk *blk;
	struct lodge_disk_io io;
	struct lodge_virtq_chain chain;
	unsigned int queue;
	/* The chain without its header and status; counts are the chain's. */
	uint64_t sector;
	const struct iovec *out, *in;
	uint8_t *status;
	uint32_t written;		/* bytes, beside the status */
	struct lodge_blk_request *next;
};

static uint64_t iov_total(const struct iovec *iov, unsigned int nr)
{
	uint64_t total = 0;

	while (nr--)
		total += iov++->iov_len;
	return total;
}

/* Copy @len bytes to or from the front; returns whether there were as many. */
static bool iov_copy(const struct iovec *iov, unsigned int nr, void *buf,
		     size_t len, bool to_iov)
{
	size_t n;

	for (; nr && len; iov++, nr--) {
		n = iov->iov_len < len ? iov->iov_len : len;
		if (to_iov)
			memcpy(iov->iov_base, buf, n);
		else
			memcpy(buf, iov->iov_base, n);
		buf = (uint8_t *)buf + n;
		len -= n;
	}
	return !len;
}

/* Drop @len bytes from the front; there are as many. */
static struct iovec *iov_skip(struct iovec *iov, uint16_t *nr, size_t len)
{
	while (len && len >= iov->iov_len) {
		len -= iov->iov_len;
		iov++;
		(*nr)--;
	}
	if (len) {
		iov->iov_base = (uint8_t *)iov->iov_base + len;
		iov->iov_len -= len;
	}
	return iov;
}

static struct lodge_blk_request *blk_request_new(struct lodge_virtio_blk *blk)
{
	struct lodge_blk_request *req = blk->spare;

	if (req)
		blk->spare = req->next;
	else
		req = malloc(sizeof(*req));
	return req;
}

static void blk_request_free(struct lodge_blk_request *req)
{
	req->next = req->blk->spare;
	req->blk->spare = req;
}

static void blk_answer(struct lodge_blk_request *req, uint8_t status)
{
	struct lodge_virtio_blk *blk = req->blk;
	struct lodge_virtio_dev *dev = &blk->dev;

	/* A driver that has asked for a reset waits for this memory. */
	if (lodge_virtio_running(dev)) {
		*req->status = status;
		lodge_virtq_push(&dev->queue[req->queue].vq, req->chain.head,
				 req->written + 1);
		blk->answered |= 1u << req->queue;
	}
	blk_request_free(req);
}

static void blk_done(struct lodge_disk_io *io)
{
	struct lodge_blk_request *req = (struct lodge_blk_request *)
		((char *)io - offsetof(struct lodge_blk_request, io));
	struct lodge_virtio_blk *blk = req->blk;
	uint8_t status = VIRTIO_BLK_S_OK;

	if (io->result == -EOPNOTSUPP)
		status = VIRTIO_BLK_S_UNSUPP;
	else if (io->result)
		status = VIRTIO_BLK_S_IOERR;
	blk->in_flight--;
	blk_answer(req, status);
	if (!blk->in_flight)
		lodge_virtio_reset_done(&blk->dev);
}

static void blk_submit(struct lodge_blk_request *req)
{
	const uint64_t flush = 1ull << VIRTIO_BLK_F_FLUSH;

	/* A driver that cannot flush wants every write on the medium. */
	req->io.sync = !(req->blk->dev.accepted & flush);
	req->io.done = blk_done;
	req->blk->in_flight++;
	lodge_disk_submit(req->blk->disk, &req->io);
}

/* Whether sectors are on the disk and whole blocks of it. */
static bool blk_range(struct lodge_blk_request *req, uint64_t sector,
		      uint64_t len)
{
	const struct lodge_disk *disk = req->blk->disk;
	uint64_t sectors = disk->size / LODGE_SECTOR;

	if (sector > sectors || len / LODGE_SECTOR > sectors - sector)
		return false;
	req->io.offset = sector * LODGE_SECTOR;
	req->io.len = len;
	return !(len % LODGE_SECTOR);
}

static int blk_read(struct lodge_blk_request *req)
{
	uint64_t len = iov_total(req->in, req->chain.nr_in);

	if (req->chain.nr_out || !len || !blk_range(req, req->sector, len) ||
	    len > UINT32_MAX - 1)
		return VIRTIO_BLK_S_IOERR;
	req->io.op = LODGE_DISK_READ;
	req->io.iov = req->in;
	req->io.nr_iov = req->chain.nr_in;
	req->written = len;
	return -1;
}

static int blk_write(struct lodge_blk_request *req)
{
	uint64_t len = iov_total(req->out, req->chain.nr_out);

	if (req->chain.nr_in || !len || !blk_range(req, req->sector, len) ||
	    req->blk->disk->readonly)
		return VIRTIO_BLK_S_IOERR;
	req->io.op = LODGE_DISK_WRITE;
	req->io.iov = req->out;
	req->io.nr_iov = req->chain.nr_out;
	return -1;
}

static int blk_flush(struct lodge_blk_request *req)
{
	req->io.op = LODGE_DISK_FLUSH;
	return -1;
}

static int blk_get_id(struct lodge_blk_request *req)
{
	char id[VIRTIO_BLK_ID_BYTES] = { 0 };

	memcpy(id, req->blk->name, strnlen(req->blk->name, sizeof(id)));
	if (!iov_copy(req->in, req->chain.nr_in, id, sizeof(id), true))
		return VIRTIO_BLK_S_IOERR;
	req->written = sizeof(id);
	return VIRTIO_BLK_S_OK;
}

/* Discard and write zeroes: one range each, as the configuration says. */
static int blk_bulk(struct lodge_blk_request *req, enum lodge_disk_op op,
		    uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes range;
	unsigned int nr = req->chain.nr_out;

	if (req->blk->disk->readonly ||
	    iov_total(req->out, nr) != sizeof(range) ||
	    !iov_copy(req->out, nr, &range, sizeof(range), false))
		return VIRTIO_BLK_S_IOERR;
	if (range.flags & ~flags)
		return VIRTIO_BLK_S_UNSUPP;
	if (!range.num_sectors || range.num_sectors > BLK_BULK_MAX ||
	    !blk_range(req, range.sector,
		       (uint64_t)range.num_sectors * LODGE_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	req->io.op = op;
	req->io.unmap = range.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	return -1;
}

static int blk_discard(struct lodge_blk_request *req)
{
	if (!req->blk->disk->can_discard)
		return VIRTIO_BLK_S_UNSUPP;
	return blk_bulk(req, LODGE_DISK_DISCARD, 0);
}

static int blk_zero(struct lodge_blk_request *req)
{
	return blk_bulk(req, LODGE_DISK_ZERO,
			VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

/* Each returns the request's status, or -1 for one that is to be submitted. */
static const struct {
	uint32_t type;
	int (*start)(struct lodge_blk_request *req);
} blk_types[] = {
	{ VIRTIO_BLK_T_IN, blk_read },
	{ VIRTIO_BLK_T_OUT, blk_write },
	{ VIRTIO_BLK_T_FLUSH, blk_flush },
	{ VIRTIO_BLK_T_GET_ID, blk_get_id },
	{ VIRTIO_BLK_T_DISCARD, blk_discard },
	{ VIRTIO_BLK_T_WRITE_ZEROES, blk_zero },
};

static int blk_dispatch(struct lodge_blk_request *req, uint32_t type)
{
	size_t i;

	for (i = 0; i < sizeof(blk_types) / sizeof(blk_types[0]); i++)
		if (blk_types[i].type == type)
			return blk_types[i].start(req);
	return VIRTIO_BLK_S_UNSUPP;
}

/* Returns false when not even an answer is possible. */
static bool blk_start(struct lodge_blk_request *req)
{
	struct lodge_virtq_chain *c = &req->chain;
	struct iovec *out = c->iov, *in = c->iov + c->nr_out, *last;
	struct virtio_blk_outhdr hdr;
	int status;

	if (!c->nr_in ||
	    !iov_copy(out, c->nr_out, &hdr, sizeof(hdr), false))
		return false;
	req->sector = hdr.sector;
	req->out = iov_skip(out, &c->nr_out, sizeof(hdr));
	req->in = in;
	/* The status is the last byte, whatever it is part of. */
	last = in + c->nr_in - 1;
	req->status = (uint8_t *)last->iov_base + --last->iov_len;
	if (!last->iov_len)
		c->nr_in--;

	memset(&req->io, 0, sizeof(req->io));
	req->written = 0;
	status = blk_dispatch(req, hdr.type);
	if (status < 0) {
		blk_submit(req);
	} else {
		if (status != VIRTIO_BLK_S_OK)
			req->written = 0;
		blk_answer(req, status);
	}
	return true;
}

static int blk_take(struct lodge_virtio_blk *blk, unsigned int index)
{
	struct lodge_virtq *vq = &blk->dev.queue[index].vq;
	struct lodge_blk_request *req = blk_request_new(blk);
	int ret;

	if (!req) {
		lodge_virtio_broken(&blk->dev, "no memory for its requests");
		return -1;
	}
	req->blk = blk;
	req->queue = index;
	ret = lodge_virtq_pop(vq, &req->chain);
	if (ret <= 0) {
		blk_request_free(req);
		if (ret)
			lodge_virtio_broken(&blk->dev, vq->broken);
		return ret;
	}
	if (!blk_start(req)) {
		blk_request_free(req);
		lodge_virtio_broken(&blk->dev,
				    "a request without header or status");
		return -1;
	}
	return 1;
}

static void blk_tell(struct lodge_virtio_blk *blk)
{
	unsigned int i;

	for (i = 0; i < blk->dev.nr_queues; i++)
		if (blk->answered & 1u << i)
			lodge_virtio_tell(&blk->dev, i);
	blk->answered = 0;
}

static void blk_queue(void *ctx, unsigned int index)
{
	struct lodge_virtio_blk *blk = ctx;
	struct lodge_virtio_queue *q = &blk->dev.queue[index];
	int budget = LODGE_VIRTQ_MAX, ret;

	lodge_virtq_listen(&q->vq, false);
	do {
		ret = blk_take(blk, index);
	} while (ret > 0 && --budget);
	lodge_disk_kick(blk->disk);
	/* What the page cache has is there already. */
	lodge_disk_reap(blk->disk);
	/* A guest that never stops asking must let others have their turn. */
	if (ret >= 0 && (!budget || lodge_virtq_listen(&q->vq, true)))
		lodge_event_set(q->kick.fd);
	blk_tell(blk);
}

static bool blk_reset(void *ctx)
{
	struct lodge_virtio_blk *blk = ctx;

	return !blk->in_flight;
}

static const struct lodge_virtio_ops blk_ops = {
	.queue = blk_queue,
	.reset = blk_reset,
};

static void blk_event(void *ctx)
{
	struct lodge_virtio_blk *blk = ctx;

	lodge_event_clear(blk->disk->event);
	pthread_mutex_lock(&blk->dev.lock);
	lodge_disk_reap(blk->disk);
	blk_tell(blk);
	pthread_mutex_unlock(&blk->dev.lock);
}

static uint64_t blk_features(const struct lodge_disk *disk)
{
	uint64_t features = 1ull << VIRTIO_BLK_F_SEG_MAX |
			    1ull << VIRTIO_BLK_F_BLK_SIZE |
			    1ull << VIRTIO_BLK_F_FLUSH |
			    1ull << VIRTIO_BLK_F_MQ;

	if (disk->readonly)
		return features | 1ull << VIRTIO_BLK_F_RO;
	if (disk->can_discard)
		features |= 1ull << VIRTIO_BLK_F_DISCARD;
	return features | 1ull << VIRTIO_BLK_F_WRITE_ZEROES;
}

static_assert(sizeof(struct virtio_blk_config) <= LODGE_VIRTIO_CONFIG,
	      "the configuration must fit");

int lodge_virtio_blk_init(struct lodge_virtio_blk *blk,
			  const struct lodge_virtio_host *host,
			  struct lodge_disk *disk, unsigned int index,
			  unsigned int cpus)
{
	unsigned int queues = cpus < LODGE_VIRTIO_QUEUES ?
			      cpus : LODGE_VIRTIO_QUEUES;
	struct virtio_blk_config config = {
		.capacity = disk->size / LODGE_SECTOR,
		.seg_max = BLK_SEG_MAX,
		.blk_size = disk->block_size,
		.num_queues = queues,
		.max_discard_sectors = BLK_BULK_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 4096 / LODGE_SECTOR,
		.max_write_zeroes_sectors = BLK_BULK_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};
	int ret;

	blk->disk = disk;
	snprintf(blk->name, sizeof(blk->name), "lodge-disk%u", index);
	memcpy(blk->dev.config, &config, sizeof(config));
	blk->dev.config_len = sizeof(config);
	blk->event = (struct lodge_source){
		.fd = disk->event, .fn = blk_event, .ctx = blk,
	};
	ret = lodge_virtio_init(&blk->dev, host, &blk_ops, blk, disk->path,
				VIRTIO_ID_BLOCK, BLK_CLASS, blk_features(disk),
				queues);
	if (!ret)
		ret = lodge_loop_add(host->loop, &blk->event);
	blk->in_loop = !ret;
	return ret;
}

void lodge_virtio_blk_fini(struct lodge_virtio_blk *blk)
{
	struct lodge_blk_request *req;

	if (!blk->disk)
		return;
	lodge_disk_drain(blk->disk);
	if (blk->in_loop)
		lodge_loop_del(blk->dev.host->loop, &blk->event);
	lodge_virtio_fini(&blk->dev);
	while ((req = blk->spare)) {
		blk->spare = req->next;
		free(req);
	}
	blk->disk = NULL;
}
