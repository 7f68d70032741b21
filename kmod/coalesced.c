// SPDX-License-Identifier: GPL-2.0
/*
 * Coalesced MMIO and port I/O: writes to zones the user names are not
 * exits; they go into a ring that the user reads at the next exit.
 *
 * The VM's ioctls add and remove zones; io_bus.c calls the write. The ring is
 * a page the user can write at any time: its indices are read once, checked,
 * and used for nothing but the slot. Next: kvm/api.rst,
 * KVM_REGISTER_COALESCED_MMIO.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "lodge.h"

struct coalesced_zone {
	struct lodge_io_dev dev;
	struct list_head link;		/* [s] vm->coalesced */
	u64 first;			/* [c] */
	u64 last;			/* [c] */
	bool pio;			/* [c] */
};

static int zone_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
		      u64 addr, u32 len, const void *data)
{
	const struct coalesced_zone *zone =
		container_of(dev, struct coalesced_zone, dev);
	struct lodge_vm *vm = vcpu->vm;
	struct kvm_coalesced_mmio_ring *ring = vm->coalesced_page;
	struct kvm_coalesced_mmio *slot;
	u32 last, next;

	if (len > sizeof(slot->data))
		return -EOPNOTSUPP;
	raw_spin_lock(&vm->ring_lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	/* Full, or not an index at all: then the write is an exit. */
	if (last >= KVM_COALESCED_MMIO_MAX || next == READ_ONCE(ring->first)) {
		raw_spin_unlock(&vm->ring_lock);
		return -EOPNOTSUPP;
	}
	slot = &ring->coalesced_mmio[last];
	slot->phys_addr = addr;
	slot->len = len;
	memcpy(slot->data, data, len);
	slot->pio = zone->pio;
	/* The user reads the slot once he sees the index. */
	smp_store_release(&ring->last, next);
	raw_spin_unlock(&vm->ring_lock);
	return 0;
}

static void zone_release(struct lodge_io_dev *dev)
{
	kvfree(container_of(dev, struct coalesced_zone, dev));
}

static enum lodge_bus_kind zone_bus(bool pio)
{
	return pio ? LODGE_BUS_PIO : LODGE_BUS_MMIO;
}

/**
 * lodge_coalesced_add() - KVM_REGISTER_COALESCED_MMIO
 * @vm: may sleep
 * @z: zone; hostile
 *
 * Return: 0, -EINVAL if pio is neither 0 nor 1 or the zone has no end,
 * -ENOSPC, -ENOMEM.
 */
int lodge_coalesced_add(struct lodge_vm *vm,
			const struct kvm_coalesced_mmio_zone *z)
{
	struct coalesced_zone *zone;
	int r;

	if (z->pio > 1)
		return -EINVAL;
	/* A zone of no bytes holds no write. */
	if (!z->size)
		return 0;
	if (z->addr + z->size - 1 < z->addr)
		return -EINVAL;
	zone = kvzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->dev.write = zone_write;
	zone->dev.release = zone_release;
	zone->first = z->addr;
	zone->last = z->addr + z->size - 1;
	zone->pio = z->pio;
	if (mutex_lock_killable(&vm->slots_lock)) {
		kvfree(zone);
		return -EINTR;
	}
	r = lodge_bus_register(vm, zone_bus(z->pio), z->addr, z->size,
			       &zone->dev);
	if (r)
		kvfree(zone);
	else
		list_add_tail(&zone->link, &vm->coalesced);
	mutex_unlock(&vm->slots_lock);
	return r;
}

/**
 * lodge_coalesced_remove() - KVM_UNREGISTER_COALESCED_MMIO
 * @vm: may sleep
 * @z: a range; every zone that holds all of it goes
 *
 * Return: 0, also if there was none; -EINVAL if pio is neither 0 nor 1; -EINTR:
 * killed.
 */
int lodge_coalesced_remove(struct lodge_vm *vm,
			   const struct kvm_coalesced_mmio_zone *z)
{
	struct coalesced_zone *zone, *tmp;
	LIST_HEAD(gone);

	if (z->pio > 1)
		return -EINVAL;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	list_for_each_entry_safe(zone, tmp, &vm->coalesced, link) {
		if (zone->pio != z->pio || z->addr < zone->first ||
		    z->addr > zone->last ||
		    (z->size && z->size - 1 > zone->last - z->addr))
			continue;
		list_move(&zone->link, &gone);
		zone->dev.gone = true;
	}
	if (!list_empty(&gone))
		lodge_bus_purge(vm, zone_bus(z->pio));
	mutex_unlock(&vm->slots_lock);
	list_for_each_entry_safe(zone, tmp, &gone, link)
		kvfree(zone);
	return 0;
}
