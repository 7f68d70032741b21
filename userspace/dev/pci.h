/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PCI bus: its host bridge, configuration space, and base addresses.
 *
 * machine.c puts the host bridge at ports 0xcf8 to 0xcff; a device embeds
 * struct lodge_pci_dev. Read next: dev/virtio_pci.c, the one kind of device.
 */
#ifndef LODGE_DEV_PCI_H
#define LODGE_DEV_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../bus.h"

#define LODGE_PCI_PORT		0xcf8
#define LODGE_PCI_PORTS		8
#define LODGE_PCI_SLOTS		32
/* The window for base addresses; the DSDT says the same. */
#define LODGE_PCI_MEM		0xe0000000u
#define LODGE_PCI_MEM_END	0xfec00000u
#define LODGE_PCI_BAR_STEP	0x10000u

struct lodge_pci;

struct lodge_pci_ops {
	/* The guest uses the registers behind BAR 0. */
	lodge_io_fn bar_io;
	/* BAR 0 is at @base now, or nowhere if @base is 0. */
	void (*bar_mapped)(void *dev, uint64_t base);
	/*
	 * Configuration space is about to be read or has been written at
	 * @offset. May be NULL.
	 */
	void (*config_read)(void *dev, unsigned int offset, unsigned int len);
	void (*config_written)(void *dev, unsigned int offset,
			       unsigned int len);
};

/* A function of the bus. All fields are guarded by the bus's lock. */
struct lodge_pci_dev {
	const struct lodge_pci_ops *ops;
	void *ctx;
	struct lodge_pci *pci;
	uint8_t config[256];
	uint8_t writable[256];		/* bits the guest may change */
	uint32_t bar_size;		/* of BAR 0, a power of two, or 0 */
	uint64_t bar_base;		/* where it is mapped, or 0 */
	unsigned int next_cap;		/* where the next capability goes */
	unsigned int last_cap;
};

struct lodge_pci {
	pthread_mutex_t lock;		/* guards what follows; see below */
	struct lodge_bus *mmio;
	uint32_t address;
	struct lodge_pci_dev *slot[LODGE_PCI_SLOTS];
	struct lodge_pci_dev bridge;
	void (*reset)(void *ctx, uint8_t val);	/* port 0xcf9 */
	void *reset_ctx;
};

/**
 * lodge_pci_init() - an empty bus with its host bridge
 * @pci: the bus
 * @mmio: where base addresses are mapped
 * @reset: called for a byte written to the reset control register, which
 * shares its address with the bus's own registers
 * @ctx: passed to @reset
 *
 * Lock order: pci->lock, then a device's own, then the MMIO bus's.
 */
void lodge_pci_init(struct lodge_pci *pci, struct lodge_bus *mmio,
		    void (*reset)(void *ctx, uint8_t val), void *ctx);

/**
 * lodge_pci_io() - the guest uses the configuration ports
 *
 * A lodge_io_fn for LODGE_PCI_PORT. Follows the PCI Local Bus Specification's
 * "Configuration Mechanism".
 */
void lodge_pci_io(void *dev, uint64_t offset, uint8_t *data, unsigned int len,
		  bool write);

/**
 * lodge_pci_dev_init() - a device's configuration space
 * @dev: the device
 * @ops: its callbacks
 * @ctx: passed to @ops
 * @vendor: vendor id
 * @device: device id
 * @class_rev: class code and revision, as at offset 8
 */
void lodge_pci_dev_init(struct lodge_pci_dev *dev,
			const struct lodge_pci_ops *ops, void *ctx,
			uint16_t vendor, uint16_t device, uint32_t class_rev);

/**
 * lodge_pci_dev_bar() - give it a 32-bit memory BAR 0
 * @dev: the device
 * @size: bytes, a power of two of at least 16
 */
void lodge_pci_dev_bar(struct lodge_pci_dev *dev, uint32_t size);

/**
 * lodge_pci_dev_cap() - add a capability
 * @dev: the device
 * @cap: it; its "next" byte is filled in
 * @len: bytes
 *
 * Return: its offset. There is room for all that devices here add.
 */
unsigned int lodge_pci_dev_cap(struct lodge_pci_dev *dev, const void *cap,
			       unsigned int len);

/**
 * lodge_pci_add() - plug a device in, its BAR mapped
 * @pci: the bus
 * @dev: the device
 *
 * Return: 0, or -ENOSPC when all slots are taken.
 */
int lodge_pci_add(struct lodge_pci *pci, struct lodge_pci_dev *dev);

#endif /* LODGE_DEV_PCI_H */
