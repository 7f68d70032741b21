/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A split virtqueue, the device's side.
 *
 * Used by dev/virtio_pci.c (setting up) and dev/virtio_blk.c (taking requests
 * and giving them back). Pure: all it touches is guest memory. Nothing in that
 * memory is trusted; a queue that makes no sense is broken from then on.
 * Follows the virtio specification's "Split Virtqueues".
 * Read next: dev/virtq.c.
 */
#ifndef LODGE_DEV_VIRTQ_H
#define LODGE_DEV_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <linux/virtio_ring.h>

#include "../mem.h"

#define LODGE_VIRTQ_MAX		128	/* entries, and parts of a chain */

struct lodge_virtq {
	const struct lodge_mem *mem;

	/* Set by the driver before the queue is enabled. */
	uint16_t size;
	uint64_t desc_gpa;
	uint64_t avail_gpa;
	uint64_t used_gpa;

	/* Set by lodge_virtq_enable(). */
	bool enabled;
	bool event_idx;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;

	uint16_t next_avail;		/* the next to be taken */
	uint16_t next_used;		/* the next to be filled */
	uint16_t told_used;		/* where the driver was last told of */
	const char *broken;		/* what makes no sense, or NULL */
};

/* A request: what the driver wrote for us, then where it wants an answer. */
struct lodge_virtq_chain {
	uint16_t head;
	uint16_t nr_out;
	uint16_t nr_in;
	struct iovec iov[LODGE_VIRTQ_MAX];
};

/**
 * lodge_virtq_reset() - forget everything but the memory
 * @vq: the queue
 * @mem: guest memory
 */
void lodge_virtq_reset(struct lodge_virtq *vq, const struct lodge_mem *mem);

/**
 * lodge_virtq_enable() - start using the rings
 * @vq: the queue, its size and addresses set
 * @event_idx: whether VIRTIO_RING_F_EVENT_IDX was agreed on
 *
 * Return: true, or false with vq->broken set when the size is no power of two
 * or a ring is not in memory or not aligned.
 */
bool lodge_virtq_enable(struct lodge_virtq *vq, bool event_idx);

/**
 * lodge_virtq_pop() - take the next request
 * @vq: the queue
 * @chain: filled in
 *
 * Return: 1, 0 when there is none, -EIO with vq->broken set when the rings
 * make no sense.
 */
int lodge_virtq_pop(struct lodge_virtq *vq, struct lodge_virtq_chain *chain);

/**
 * lodge_virtq_push() - give a request back
 * @vq: the queue
 * @head: of the chain
 * @written: bytes written to the driver's memory
 */
void lodge_virtq_push(struct lodge_virtq *vq, uint16_t head, uint32_t written);

/**
 * lodge_virtq_must_tell() - whether the driver wants an interrupt now
 * @vq: the queue
 *
 * To be asked once after a batch of lodge_virtq_push().
 */
bool lodge_virtq_must_tell(struct lodge_virtq *vq);

/**
 * lodge_virtq_listen() - say whether to be notified of new requests
 * @vq: the queue
 * @on: false while requests are being taken anyway
 *
 * Return: whether there are requests; after turning it on, one may have come
 * without a notification.
 */
bool lodge_virtq_listen(struct lodge_virtq *vq, bool on);

#endif /* LODGE_DEV_VIRTQ_H */
