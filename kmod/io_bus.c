// SPDX-License-Identifier: GPL-2.0
/*
 * The buses: which device of the kernel's serves a port or an address.
 *
 * Called by pio.c and emulate.c for each access, in or out of the bracket. A
 * bus is an array of ranges sorted by address, replaced as a whole under
 * vm->srcu when one is added; each range knows how far those up to it reach,
 * so that finding all that hold an address is a binary search and a short
 * walk back. A range that is taken off leaves a hole until then.
 * Next: irq/irqchip.c, ioeventfd.c, coalesced.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "lodge.h"

#define BUS_RANGES_MAX	8192

struct bus_range {
	u64 first;
	u64 last;
	u64 reach;		/* largest last of this and all before it */
	bool any_len;		/* holds each access that begins at first */
	struct lodge_io_dev *dev;	/* NULL: a hole */
};

struct lodge_io_bus {
	u32 nr;			/* with holes */
	u32 live;		/* without */
	struct bus_range range[];
};

static struct lodge_io_bus *bus_own(struct lodge_vm *vm,
				    enum lodge_bus_kind kind)
{
	return rcu_dereference_protected(vm->bus[kind],
					 lockdep_is_held(&vm->slots_lock));
}

/* The next in order, unless it is a hole. */
static void bus_append(struct lodge_io_bus *bus, const struct bus_range *r)
{
	u64 reach = bus->nr ? bus->range[bus->nr - 1].reach : 0;

	if (!r->dev)
		return;
	bus->range[bus->nr] = *r;
	bus->range[bus->nr++].reach = max(reach, r->last);
	bus->live++;
}

/* Number of ranges that begin at or below @addr. */
static u32 bus_upto(const struct lodge_io_bus *bus, u64 addr)
{
	u32 lo = 0, hi = bus->nr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (bus->range[mid].first <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool range_holds(const struct bus_range *r, u64 addr, u32 len)
{
	if (r->any_len)
		return addr == r->first;
	return addr >= r->first && addr <= r->last && len - 1 <= r->last - addr;
}

/**
 * lodge_bus_register() - put a device on a bus
 * @vm: slots_lock held
 * @kind: which bus
 * @addr: first port or address
 * @len: bytes; 0: any access that begins at @addr
 * @dev: device, with read, write or both
 *
 * Ranges may overlap: one that begins later is asked first, then of two that
 * begin together the one that was there first.
 *
 * Return: 0, -EINVAL for a range beyond the end, -ENOSPC, -ENOMEM.
 */
int lodge_bus_register(struct lodge_vm *vm, enum lodge_bus_kind kind, u64 addr,
		       u64 len, struct lodge_io_dev *dev)
{
	struct lodge_io_bus *old = bus_own(vm, kind), *new;
	const struct bus_range range = {
		.first = addr, .last = len ? addr + len - 1 : addr,
		.any_len = !len, .dev = dev,
	};
	u32 live = old ? old->live : 0, i = 0;

	lockdep_assert_held(&vm->slots_lock);
	if (len && addr + len - 1 < addr)
		return -EINVAL;
	if (live >= BUS_RANGES_MAX)
		return -ENOSPC;
	new = kvzalloc(struct_size(new, range, live + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	/* The walk goes back: before those that begin where it begins. */
	for (; old && i < old->nr && old->range[i].first < addr; i++)
		bus_append(new, &old->range[i]);
	bus_append(new, &range);
	for (; old && i < old->nr; i++)
		bus_append(new, &old->range[i]);
	rcu_assign_pointer(vm->bus[kind], new);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
	return 0;
}

/**
 * lodge_bus_purge() - take devices off a bus, all their ranges
 * @vm: slots_lock held
 * @kind: which bus; what is to go has dev->gone set
 *
 * When it returns nobody is in these devices any more; their release() is not
 * called, they are the caller's again. One pass, one wait, no memory.
 */
void lodge_bus_purge(struct lodge_vm *vm, enum lodge_bus_kind kind)
{
	struct lodge_io_bus *bus = bus_own(vm, kind);
	u32 i;

	lockdep_assert_held(&vm->slots_lock);
	for (i = 0; bus && i < bus->nr; i++) {
		struct bus_range *r = &bus->range[i];

		if (!r->dev || !r->dev->gone)
			continue;
		WRITE_ONCE(r->dev, NULL);
		bus->live--;
	}
	synchronize_srcu_expedited(&vm->srcu);
}

static int range_access(struct lodge_vcpu *vcpu, const struct bus_range *r,
			u64 addr, u32 len, void *data, bool write)
{
	struct lodge_io_dev *dev = READ_ONCE(r->dev);

	if (dev && write && dev->write)
		return dev->write(vcpu, dev, addr, len, data);
	if (dev && !write && dev->read)
		return dev->read(vcpu, dev, addr, len, data);
	return -EOPNOTSUPP;
}

static int bus_access(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind,
		      u64 addr, u32 len, void *data, bool write)
{
	struct lodge_vm *vm = vcpu->vm;
	const struct lodge_io_bus *bus;
	int idx, r = -EOPNOTSUPP;
	u32 i;

	idx = srcu_read_lock(&vm->srcu);
	bus = srcu_dereference(vm->bus[kind], &vm->srcu);
	i = bus ? bus_upto(bus, addr) : 0;
	while (r == -EOPNOTSUPP && i-- > 0 && bus->range[i].reach >= addr)
		if (range_holds(&bus->range[i], addr, len))
			r = range_access(vcpu, &bus->range[i], addr, len, data,
					 write);
	srcu_read_unlock(&vm->srcu, idx);
	return r;
}

/**
 * lodge_bus_read() - a vCPU reads a port or memory
 * @vcpu: in or out of the bracket
 * @kind: which bus
 * @addr: port or address
 * @len: bytes, at least 1
 * @data: to fill
 *
 * Return: 0, or -EOPNOTSUPP: nobody here.
 */
int lodge_bus_read(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind, u64 addr,
		   u32 len, void *data)
{
	return bus_access(vcpu, kind, addr, len, data, false);
}

/**
 * lodge_bus_write() - a vCPU writes a port or memory
 * @vcpu: in or out of the bracket
 * @kind: which bus
 * @addr: port or address
 * @len: bytes, at least 1
 * @data: what is written
 *
 * Return: 0, or -EOPNOTSUPP: nobody here.
 */
int lodge_bus_write(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind, u64 addr,
		    u32 len, const void *data)
{
	return bus_access(vcpu, kind, addr, len, (void *)data, true);
}

/**
 * lodge_bus_destroy() - at the end of a VM
 * @vm: no vCPU runs
 *
 * Devices with a release() get it, once for each range.
 */
void lodge_bus_destroy(struct lodge_vm *vm)
{
	int kind;
	u32 i;

	mutex_lock(&vm->slots_lock);
	for (kind = 0; kind < LODGE_BUS_NR; kind++) {
		struct lodge_io_bus *bus = bus_own(vm, kind);

		RCU_INIT_POINTER(vm->bus[kind], NULL);
		for (i = 0; bus && i < bus->nr; i++) {
			struct lodge_io_dev *dev = bus->range[i].dev;

			if (dev && dev->release)
				dev->release(dev);
		}
		kvfree(bus);
	}
	mutex_unlock(&vm->slots_lock);
}
