/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio disk.
 *
 * Made by machine.c for each --disk. Follows the virtio specification's "Block
 * Device". Read next: dev/virtio_blk.c.
 */
#ifndef LODGE_DEV_VIRTIO_BLK_H
#define LODGE_DEV_VIRTIO_BLK_H

#include "../io/disk.h"
#include "virtio_pci.h"

struct lodge_blk_request;

struct lodge_virtio_blk {
	struct lodge_virtio_dev dev;
	struct lodge_disk *disk;
	struct lodge_source event;	/* disk->event */
	bool in_loop;
	char name[24];
	struct lodge_blk_request *spare;	/* guarded by dev.lock, as are */
	unsigned int in_flight;			/* these two */
	uint32_t answered;			/* queues, a bit each */
};

/**
 * lodge_virtio_blk_init() - make a disk and plug it in
 * @blk: the device, all zero
 * @host: what it needs from the machine
 * @disk: its image, with nothing in flight
 * @index: its number, from 0; its serial number says so
 * @cpus: number of CPUs: it has a queue for each, up to a bound
 *
 * Return: 0 or -errno.
 */
int lodge_virtio_blk_init(struct lodge_virtio_blk *blk,
			  const struct lodge_virtio_host *host,
			  struct lodge_disk *disk, unsigned int index,
			  unsigned int cpus);

/**
 * lodge_virtio_blk_fini() - end what is under way and take the disk away
 * @blk: the device, or zeroes
 *
 * Context: no vCPU runs; guest memory is still there.
 */
void lodge_virtio_blk_fini(struct lodge_virtio_blk *blk);

#endif /* LODGE_DEV_VIRTIO_BLK_H */
