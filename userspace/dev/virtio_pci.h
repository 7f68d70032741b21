/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device on the PCI bus: everything that is the same for all kinds.
 *
 * A kind of device embeds struct lodge_virtio_dev and is called back; machine.c
 * connects it to the rest. Follows the virtio specification's "Virtio Over PCI
 * Bus", modern devices with MSI-X only.
 * Read next: dev/virtio_pci.c, then dev/virtio_blk.c.
 */
#ifndef LODGE_DEV_VIRTIO_PCI_H
#define LODGE_DEV_VIRTIO_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../loop.h"
#include "../mem.h"
#include "msix.h"
#include "pci.h"
#include "virtq.h"

#define LODGE_VIRTIO_QUEUES	16
#define LODGE_VIRTIO_CONFIG	128

/* What a device needs from the machine. */
struct lodge_virtio_host {
	const struct lodge_mem *mem;
	struct lodge_loop *loop;
	struct lodge_pci *pci;
	const struct lodge_msi_ops *msi;
	/* Have the hypervisor turn 16-bit writes at @addr into @fd's signals. */
	int (*ioeventfd)(void *ctx, int fd, uint64_t addr, bool on);
	void *ctx;			/* passed to @msi and @ioeventfd */
};

/* All called with the device's lock held. */
struct lodge_virtio_ops {
	/* The queue may have requests. Context: the loop's thread. */
	void (*queue)(void *ctx, unsigned int index);
	/*
	 * Stop; returns whether nothing is under way any more. If not,
	 * lodge_virtio_reset_done() is due once that is so.
	 */
	bool (*reset)(void *ctx);
};

struct lodge_virtio_dev;

struct lodge_virtio_queue {
	struct lodge_virtio_dev *dev;
	struct lodge_virtq vq;
	struct lodge_source kick;	/* an eventfd */
	bool offloaded;			/* the hypervisor signals it itself */
	uint16_t vector;
};

struct lodge_virtio_dev {
	struct lodge_pci_dev pci;	/* guarded by the bus's lock */
	unsigned int access_cap;	/* where its "access by config" cap is */
	unsigned int msix_cap;
	uint64_t bar_base;

	struct lodge_msix msix;
	const struct lodge_virtio_host *host;
	const struct lodge_virtio_ops *ops;
	void *ctx;
	const char *name;
	uint64_t offered;
	unsigned int nr_queues;
	uint8_t config[LODGE_VIRTIO_CONFIG];	/* constant once plugged in */
	unsigned int config_len;

	pthread_mutex_t lock;		/* guards what follows */
	uint64_t accepted;
	uint32_t offered_select;
	uint32_t accepted_select;
	uint16_t queue_select;
	uint16_t config_vector;
	uint8_t status;
	uint8_t isr;
	bool resetting;
	bool told;			/* the user knows its driver is broken */
	struct lodge_virtio_queue queue[LODGE_VIRTIO_QUEUES];
};

/**
 * lodge_virtio_init() - make a device and plug it in
 * @dev: the device; its config and config_len are set, all else is zero
 * @host: what it needs from the machine
 * @ops: what kind of device it is
 * @ctx: passed to @ops
 * @name: for messages
 * @id: virtio device id
 * @class_rev: PCI class code and revision
 * @features: what it offers beyond what every device here does
 * @nr_queues: 1 to LODGE_VIRTIO_QUEUES
 *
 * Return: 0 or -errno.
 */
int lodge_virtio_init(struct lodge_virtio_dev *dev,
		      const struct lodge_virtio_host *host,
		      const struct lodge_virtio_ops *ops, void *ctx,
		      const char *name, unsigned int id, uint32_t class_rev,
		      uint64_t features, unsigned int nr_queues);

/**
 * lodge_virtio_fini() - take it out of the loop and close its descriptors
 * @dev: a device, or zeroes
 *
 * Context: no vCPU runs.
 */
void lodge_virtio_fini(struct lodge_virtio_dev *dev);

/**
 * lodge_virtio_running() - whether its driver is up and its queues are sound
 * @dev: the device, locked
 */
bool lodge_virtio_running(const struct lodge_virtio_dev *dev);

/**
 * lodge_virtio_tell() - interrupt the driver if it wants to hear of a queue
 * @dev: the device, locked
 * @index: the queue
 */
void lodge_virtio_tell(struct lodge_virtio_dev *dev, unsigned int index);

/**
 * lodge_virtio_broken() - the driver breaks the rules: wait for a reset
 * @dev: the device, locked
 * @why: in words
 */
void lodge_virtio_broken(struct lodge_virtio_dev *dev, const char *why);

/**
 * lodge_virtio_reset_done() - what was under way at a reset has ended
 * @dev: the device, locked
 */
void lodge_virtio_reset_done(struct lodge_virtio_dev *dev);

#endif /* LODGE_DEV_VIRTIO_PCI_H */
