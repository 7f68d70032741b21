/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The common configuration structure of a virtio PCI device: features, status
 * and the setting up of queues.
 *
 * Called by dev/virtio_pci.c alone. Read next: dev/virtio_common.c.
 */
#ifndef LODGE_DEV_VIRTIO_COMMON_H
#define LODGE_DEV_VIRTIO_COMMON_H

#include "virtio_pci.h"

/**
 * lodge_virtio_common_io() - the guest uses the common configuration
 * @dev: the device
 * @offset: into struct virtio_pci_common_cfg; beyond it, reads give 0
 * @data: little endian
 * @len: 1 to 8
 * @write: the direction
 */
void lodge_virtio_common_io(struct lodge_virtio_dev *dev, uint64_t offset,
			    uint8_t *data, unsigned int len, bool write);

/**
 * lodge_virtio_common_reset() - the state after power-on
 * @dev: the device, locked or not yet plugged in
 */
void lodge_virtio_common_reset(struct lodge_virtio_dev *dev);

#endif /* LODGE_DEV_VIRTIO_COMMON_H */
