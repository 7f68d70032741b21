// SPDX-License-Identifier: GPL-2.0
/*
 * The buses: which device of the kernel's serves a port or an address.
 *
 * Called by pio.c and emulate.c for each access, in or out of the bracket. A
 * bus is an array of ranges sorted by address, replaced as a whole under
 * vm->srcu; each range knows how far those up to it reach, so that finding
 * all that hold an address is a binary search and a short walk back.
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
	struct lodge_io_dev *dev;
};

struct lodge_io_bus {
	u32 nr;
	struct bus_range range[];
};

static struct lodge_io_bus *bus_own(struct lodge_vm *vm,
				    enum lodge_bus_kind kind)
{
	return rcu_dereference_protected(vm->bus[kind],
					 lockdep_is_held(&vm->slots_lock));
}

static struct lodge_io_bus *bus_alloc(u32 nr)
{
	struct lodge_io_bus *bus;

	bus = kvzalloc(struct_size(bus, range, nr), GFP_KERNEL_ACCOUNT);
	if (bus)
		bus->nr = nr;
	return bus;
}

static void bus_reach(struct lodge_io_bus *bus)
{
	u64 reach = 0;
	u32 i;

	for (i = 0; i < bus->nr; i++) {
		reach = max(reach, bus->range[i].last);
		bus->range[i].reach = reach;
	}
}

static void bus_replace(struct lodge_vm *vm, enum lodge_bus_kind kind,
			struct lodge_io_bus *bus)
{
	struct lodge_io_bus *old = bus_own(vm, kind);

	if (bus)
		bus_reach(bus);
	rcu_assign_pointer(vm->bus[kind], bus);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
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
	u32 nr = old ? old->nr : 0, at;

	lockdep_assert_held(&vm->slots_lock);
	if (len && addr + len - 1 < addr)
		return -EINVAL;
	if (nr >= BUS_RANGES_MAX)
		return -ENOSPC;
	new = bus_alloc(nr + 1);
	if (!new)
		return -ENOMEM;
	/* The walk goes back: before those that begin where it begins. */
	at = old && addr ? bus_upto(old, addr - 1) : 0;
	if (old) {
		memcpy(new->range, old->range, at * sizeof(new->range[0]));
		memcpy(new->range + at + 1, old->range + at,
		       (nr - at) * sizeof(new->range[0]));
	}
	new->range[at] = (struct bus_range) {
		.first = addr, .last = len ? addr + len - 1 : addr,
		.any_len = !len, .dev = dev,
	};
	bus_replace(vm, kind, new);
	return 0;
}

/**
 * lodge_bus_unregister() - take a device off a bus, all its ranges
 * @vm: slots_lock held
 * @kind: which bus
 * @dev: device; its release() is not called, it is the caller's again
 *
 * When it returns nobody is in the device any more.
 *
 * Return: 0, or -ENOENT if it was not there. It works without memory.
 */
int lodge_bus_unregister(struct lodge_vm *vm, enum lodge_bus_kind kind,
			 struct lodge_io_dev *dev)
{
	struct lodge_io_bus *old = bus_own(vm, kind), *new;
	u32 i, keep = 0;

	lockdep_assert_held(&vm->slots_lock);
	for (i = 0; old && i < old->nr; i++)
		keep += old->range[i].dev != dev;
	if (!old || keep == old->nr)
		return -ENOENT;
	/* What must not fail is small, or falls back on vmalloc. */
	new = kvzalloc(struct_size(new, range, keep),
		       GFP_KERNEL | __GFP_NOFAIL);
	for (i = 0; i < old->nr; i++)
		if (old->range[i].dev != dev)
			new->range[new->nr++] = old->range[i];
	bus_replace(vm, kind, new);
	return 0;
}

static int range_access(struct lodge_vcpu *vcpu, const struct bus_range *r,
			u64 addr, u32 len, void *data, bool write)
{
	if (write)
		return r->dev->write ?
			r->dev->write(vcpu, r->dev, addr, len, data) :
			-EOPNOTSUPP;
	return r->dev->read ? r->dev->read(vcpu, r->dev, addr, len, data) :
			      -EOPNOTSUPP;
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
 * lodge_bus_destroy() - at the end of a VM, or again after it
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
		for (i = 0; bus && i < bus->nr; i++)
			if (bus->range[i].dev->release)
				bus->range[i].dev->release(bus->range[i].dev);
		kvfree(bus);
	}
	mutex_unlock(&vm->slots_lock);
}
