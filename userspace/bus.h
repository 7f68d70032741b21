/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bus: ranges of addresses, each with a device behind it. A machine has two,
 * one for ports and one for memory-mapped registers.
 *
 * Filled by machine.c and, when the guest moves a BAR, by dev/pci.c; used by
 * vcpu.c for every access that leaves the hypervisor.
 * Read next: vcpu.c, then any file in dev/.
 */
#ifndef LODGE_BUS_H
#define LODGE_BUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LODGE_BUS_RANGES	64

/**
 * typedef lodge_io_fn - a device's answer to one access
 * @dev: the device
 * @offset: bytes from the start of the range
 * @data: bytes to write, or room for the bytes read, little endian
 * @len: 1 to 8; offset + len lies within the range
 * @write: the direction
 *
 * Context: a vCPU's thread, several at once; the bus is not locked.
 */
typedef void (*lodge_io_fn)(void *dev, uint64_t offset, uint8_t *data,
			    unsigned int len, bool write);

struct lodge_bus_range {
	uint64_t base;
	uint64_t len;
	lodge_io_fn io;
	void *dev;
};

struct lodge_bus {
	pthread_rwlock_t lock;		/* guards the two fields below */
	struct lodge_bus_range range[LODGE_BUS_RANGES];	/* sorted by base */
	unsigned int nr;
};

/**
 * lodge_bus_init() - make an empty bus
 * @bus: the bus
 */
void lodge_bus_init(struct lodge_bus *bus);

/**
 * lodge_bus_add() - put a device on the bus
 * @bus: the bus
 * @base: first address
 * @len: bytes, not 0
 * @io: called for each access that lies within the range
 * @dev: passed to @io
 *
 * Return: 0, -EINVAL for an empty range or one that wraps, -EEXIST for one
 * that overlaps another, -ENOSPC.
 */
int lodge_bus_add(struct lodge_bus *bus, uint64_t base, uint64_t len,
		  lodge_io_fn io, void *dev);

/**
 * lodge_bus_remove() - take a range off the bus
 * @bus: the bus
 * @base: its first address
 * @dev: the device it was added with
 *
 * A call to the device may still be under way on another thread.
 *
 * Return: 0 or -ENOENT.
 */
int lodge_bus_remove(struct lodge_bus *bus, uint64_t base, const void *dev);

/**
 * lodge_bus_access() - carry out one access
 * @bus: the bus
 * @addr: address
 * @data: see lodge_io_fn
 * @len: 1 to 8
 * @write: the direction
 *
 * Where no device answers, reads give ones and writes go nowhere, as on a PC.
 *
 * Return: whether a device answered.
 */
bool lodge_bus_access(struct lodge_bus *bus, uint64_t addr, uint8_t *data,
		      unsigned int len, bool write);

#endif /* LODGE_BUS_H */
