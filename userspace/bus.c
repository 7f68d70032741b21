// SPDX-License-Identifier: GPL-2.0
/*
 * The port and MMIO buses; see bus.h for who calls this.
 * Read next: dev/serial.c, the simplest device with an interrupt.
 */
#include "bus.h"

#include <errno.h>
#include <string.h>

void lodge_bus_init(struct lodge_bus *bus)
{
	memset(bus, 0, sizeof(*bus));
	pthread_rwlock_init(&bus->lock, NULL);
}

/* The number of ranges that start at or below @addr. */
static unsigned int bus_upper(const struct lodge_bus *bus, uint64_t addr)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (bus->range[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int bus_insert(struct lodge_bus *bus, const struct lodge_bus_range *new)
{
	unsigned int at = bus_upper(bus, new->base);

	if (at && new->base - bus->range[at - 1].base < bus->range[at - 1].len)
		return -EEXIST;
	if (at < bus->nr && bus->range[at].base - new->base < new->len)
		return -EEXIST;
	if (bus->nr == LODGE_BUS_RANGES)
		return -ENOSPC;
	memmove(&bus->range[at + 1], &bus->range[at],
		(bus->nr - at) * sizeof(bus->range[0]));
	bus->range[at] = *new;
	bus->nr++;
	return 0;
}

int lodge_bus_add(struct lodge_bus *bus, uint64_t base, uint64_t len,
		  lodge_io_fn io, void *dev)
{
	const struct lodge_bus_range new = {
		.base = base, .len = len, .io = io, .dev = dev,
	};
	int ret;

	if (!len || len - 1 > UINT64_MAX - base)
		return -EINVAL;
	pthread_rwlock_wrlock(&bus->lock);
	ret = bus_insert(bus, &new);
	pthread_rwlock_unlock(&bus->lock);
	return ret;
}

int lodge_bus_remove(struct lodge_bus *bus, uint64_t base, const void *dev)
{
	unsigned int at;
	int ret = -ENOENT;

	pthread_rwlock_wrlock(&bus->lock);
	at = bus_upper(bus, base);
	if (at && bus->range[at - 1].base == base &&
	    bus->range[at - 1].dev == dev) {
		memmove(&bus->range[at - 1], &bus->range[at],
			(bus->nr - at) * sizeof(bus->range[0]));
		bus->nr--;
		ret = 0;
	}
	pthread_rwlock_unlock(&bus->lock);
	return ret;
}

bool lodge_bus_access(struct lodge_bus *bus, uint64_t addr, uint8_t *data,
		      unsigned int len, bool write)
{
	struct lodge_bus_range hit = { 0 };
	unsigned int at;

	/*
	 * The range is copied so that the device runs with the bus unlocked:
	 * it may take its own lock, and another device's handler may be
	 * moving a BAR. Devices outlive their vCPUs, so the copy stays good.
	 */
	pthread_rwlock_rdlock(&bus->lock);
	at = bus_upper(bus, addr);
	if (at && addr - bus->range[at - 1].base < bus->range[at - 1].len)
		hit = bus->range[at - 1];
	pthread_rwlock_unlock(&bus->lock);

	if (!hit.io || len > hit.len - (addr - hit.base)) {
		if (!write)
			memset(data, 0xff, len);
		return false;
	}
	hit.io(hit.dev, addr - hit.base, data, len, write);
	return true;
}
