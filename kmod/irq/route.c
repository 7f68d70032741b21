// SPDX-License-Identifier: GPL-2.0
/*
 * Global interrupt numbers, and the pins and messages they stand for.
 *
 * The VM's ioctls set the table; they, irqfd.c and pit_dev.c drive lines.
 * Next: ../irqfd.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "chips.h"

static const u8 pins_of[LODGE_CHIPS] = { 8, 8, LODGE_IOAPIC_PINS };

static int entry_parse(const struct lodge_vm *vm,
		       const struct kvm_irq_routing_entry *e,
		       struct lodge_route *route)
{
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (vm->split || e->flags || e->u.irqchip.irqchip >= LODGE_CHIPS ||
		    e->u.irqchip.pin >= pins_of[e->u.irqchip.irqchip])
			return -EINVAL;
		route->chip = e->u.irqchip.irqchip;
		route->pin = e->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		/* A device id says nothing here that matters. */
		if (e->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		route->msi = true;
		return lodge_msi_parse(vm, e->u.msi.address_lo,
				       e->u.msi.address_hi, e->u.msi.data,
				       &route->msg);
	default:
		return -EINVAL;
	}
}

/* A GSI may stand for a pin of each chip, or for one message. */
static bool conflicts(const struct lodge_route *a, const struct lodge_route *b)
{
	return a->msi || b->msi || a->chip == b->chip;
}

static int entry_add(struct lodge_routes *t, u32 gsi, u32 at,
		     const struct lodge_route *route)
{
	u32 i;

	for (i = t->start[gsi]; i < at; i++)
		if (conflicts(&t->route[i], route))
			return -EINVAL;
	t->route[at] = *route;
	if (!route->msi)
		t->gsi_of[route->chip][route->pin] = gsi;
	return 0;
}

/* Sorted by GSI, counting first. */
static int table_fill(const struct lodge_vm *vm, struct lodge_routes *t,
		      const struct kvm_irq_routing_entry *e, u32 nr, u16 *next)
{
	struct lodge_route route;
	u32 i;
	int r;

	memset(t->gsi_of, -1, sizeof(t->gsi_of));
	for (i = 0; i < nr; i++) {
		if (e[i].gsi >= LODGE_GSI_MAX)
			return -EINVAL;
		t->start[e[i].gsi + 1]++;
	}
	for (i = 0; i < LODGE_GSI_MAX; i++)
		t->start[i + 1] += t->start[i];
	memcpy(next, t->start, LODGE_GSI_MAX * sizeof(*next));
	for (i = 0; i < nr; i++) {
		memset(&route, 0, sizeof(route));
		r = entry_parse(vm, &e[i], &route);
		if (r)
			return r;
		r = entry_add(t, e[i].gsi, next[e[i].gsi]++, &route);
		if (r)
			return r;
	}
	return 0;
}

static struct lodge_routes *table_new(const struct lodge_vm *vm,
				      const struct kvm_irq_routing_entry *e,
				      u32 nr)
{
	struct lodge_routes *t;
	u16 *next;
	int r;

	t = kvzalloc(struct_size(t, route, nr), GFP_KERNEL_ACCOUNT);
	next = kvmalloc_array(LODGE_GSI_MAX, sizeof(*next), GFP_KERNEL_ACCOUNT);
	r = t && next ? table_fill(vm, t, e, nr, next) : -ENOMEM;
	kvfree(next);
	if (!r)
		return t;
	kvfree(t);
	return ERR_PTR(r);
}

static void table_replace(struct lodge_vm *vm, struct lodge_routes *t)
{
	struct lodge_routes *old;

	old = rcu_dereference_protected(vm->routes,
					lockdep_is_held(&vm->lock));
	rcu_assign_pointer(vm->routes, t);
	if (old) {
		synchronize_srcu_expedited(&vm->irq_srcu);
		kvfree(old);
	}
}

/**
 * lodge_route_set() - KVM_SET_GSI_ROUTING: a whole new table
 * @vm: vm->lock held
 * @e: entries, in any order; hostile
 * @nr: how many
 *
 * Return: 0, -EINVAL for an entry that makes no sense or a VM without chips,
 * -ENOMEM. The old table stays when it fails.
 */
int lodge_route_set(struct lodge_vm *vm, const struct kvm_irq_routing_entry *e,
		    u32 nr)
{
	struct lodge_routes *t;

	lockdep_assert_held(&vm->lock);
	if (!vm->irqchip || nr > LODGE_GSI_MAX)
		return -EINVAL;
	t = table_new(vm, e, nr);
	if (IS_ERR(t))
		return PTR_ERR(t);
	if (vm->split)
		lodge_split_vectors_add(vm, t);
	table_replace(vm, t);
	lodge_ack_pins_update(vm);
	return 0;
}

/**
 * lodge_routes_default() - the table before the user sets one
 * @vm: vm->lock held
 *
 * GSI n is pin n of the I/O APIC, and below 16 also of the PICs; if these are
 * the user's, there is none.
 */
int lodge_routes_default(struct lodge_vm *vm)
{
	struct kvm_irq_routing_entry *e;
	struct lodge_routes *t;
	u32 gsi, nr = 0;

	e = kvcalloc(LODGE_IOAPIC_PINS + LODGE_PIC_PINS, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	for (gsi = 0; gsi < LODGE_IOAPIC_PINS && !vm->split; gsi++) {
		e[nr].gsi = gsi;
		e[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[nr].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[nr++].u.irqchip.pin = gsi;
		if (gsi >= LODGE_PIC_PINS)
			continue;
		e[nr].gsi = gsi;
		e[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[nr].u.irqchip.irqchip = gsi / 8;
		e[nr++].u.irqchip.pin = gsi % 8;
	}
	t = table_new(vm, e, nr);
	kvfree(e);
	if (IS_ERR(t))
		return PTR_ERR(t);
	table_replace(vm, t);
	return 0;
}

/**
 * lodge_routes_destroy() - no table any more
 * @vm: vm->lock held, nobody drives a line
 */
void lodge_routes_destroy(struct lodge_vm *vm)
{
	table_replace(vm, NULL);
}

/**
 * lodge_line_locked() - drive all that a GSI stands for
 * @vm: irq_lock and irq_srcu held
 * @routes: the table
 * @source: LODGE_IRQ_SOURCE_*
 * @gsi: any number; one without a route is nobody's
 * @level: high or low; a message is sent when it is high
 *
 * Return: CPUs newly interrupted, 0 pending already, -1 nobody took it.
 */
int lodge_line_locked(struct lodge_vm *vm, const struct lodge_routes *routes,
		      int source, u32 gsi, bool level)
{
	int r, sum = -1;
	u32 i;

	if (gsi >= LODGE_GSI_MAX)
		return -1;
	for (i = routes->start[gsi]; i < routes->start[gsi + 1]; i++) {
		const struct lodge_route *route = &routes->route[i];

		if (!route->msi)
			r = lodge_chip_line(vm, route->chip, route->pin, source,
					    level);
		else
			r = level ? lodge_apic_deliver(vm, NULL, &route->msg) :
				    -1;
		if (r >= 0)
			sum = max(sum, 0) + r;
	}
	return sum;
}

/* A message needs no lock: the common case of irqfds. */
static bool only_msi(const struct lodge_routes *routes, u32 gsi)
{
	return gsi < LODGE_GSI_MAX &&
	       routes->start[gsi] != routes->start[gsi + 1] &&
	       routes->route[routes->start[gsi]].msi;
}

/**
 * lodge_irq_line() - drive a GSI's line
 * @vm: with chips in the kernel, else nothing happens
 * @source: LODGE_IRQ_SOURCE_*; the line is high while any source holds it
 * @gsi: any number
 * @level: high or low
 *
 * Context: any, also with interrupts off; irq_lock not held.
 * Return: CPUs newly interrupted, 0 pending already, -1 nobody took it.
 */
int lodge_irq_line(struct lodge_vm *vm, int source, u32 gsi, bool level)
{
	const struct lodge_routes *routes;
	unsigned long flags;
	int idx, r;

	if (!READ_ONCE(vm->irqchip))
		return -1;
	idx = srcu_read_lock(&vm->irq_srcu);
	routes = srcu_dereference(vm->routes, &vm->irq_srcu);
	if (only_msi(routes, gsi)) {
		r = level ? lodge_apic_deliver(vm, NULL,
				&routes->route[routes->start[gsi]].msg) : -1;
	} else {
		lodge_lock_irqsave(&vm->irq_lock, flags);
		r = lodge_line_locked(vm, routes, source, gsi, level);
		lodge_unlock_irqrestore(&vm->irq_lock, flags);
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
	return r;
}
