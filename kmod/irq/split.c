// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, PICs and I/O APIC in the
 * user's process. Messages come by MSI routes, the PIC's interrupts by
 * KVM_INTERRUPT, and the ends of level-triggered ones go to the user.
 *
 * Called by the VM's ioctls, route.c and lapic.c. Next: route.c.
 */
#include <linux/slab.h>

#include "chips.h"

/* The vectors that pins of the user's I/O APIC send, triggered by level. */
static void split_vectors(const struct lodge_irqchip *chip,
			  const struct lodge_routes *routes, unsigned long *map)
{
	u32 i, end = routes->start[chip->user_pins];

	for (i = 0; i < end; i++)
		if (routes->route[i].msg.level)
			__set_bit(routes->route[i].msg.vector, map);
}

/**
 * lodge_split_vectors_add() - the user will want these EOIs, too
 * @vm: vm->lock held
 * @routes: that are about to be the VM's: what they send may be served before
 *	lodge_split_vectors_update()
 */
void lodge_split_vectors_add(struct lodge_vm *vm,
			     const struct lodge_routes *routes)
{
	unsigned long map[LODGE_APIC_WORDS];

	memcpy(map, vm->irqchip->eoi_vectors, sizeof(map));
	split_vectors(vm->irqchip, routes, map);
	lodge_eoi_vectors_set(vm->irqchip, map);
}

/**
 * lodge_split_vectors_update() - find out again which EOIs the user wants
 * @vm: with a table of routes
 */
void lodge_split_vectors_update(struct lodge_vm *vm)
{
	unsigned long map[LODGE_APIC_WORDS] = { 0 };
	int idx = srcu_read_lock(&vm->irq_srcu);

	split_vectors(vm->irqchip, srcu_dereference(vm->routes, &vm->irq_srcu),
		      map);
	srcu_read_unlock(&vm->irq_srcu, idx);
	lodge_eoi_vectors_set(vm->irqchip, map);
}

/**
 * lodge_split_eoi() - the service of a level-triggered interrupt is over
 * @vcpu: own thread, in or out of the bracket
 * @vector: that the user's I/O APIC has sent
 *
 * KVM_RUN returns before the guest goes on.
 */
void lodge_split_eoi(struct lodge_vcpu *vcpu, u8 vector)
{
	vcpu->ioapic_eoi = vector;
	lodge_vcpu_request(vcpu, LODGE_REQ_IOAPIC_EOI);
}

/**
 * lodge_irqchip_split() - KVM_CAP_SPLIT_IRQCHIP
 * @vm: vm->lock held; no chips and no vCPUs yet
 * @pins: GSIs from 0 on that are inputs of the user's I/O APIC
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_irqchip_split(struct lodge_vm *vm, u32 pins)
{
	struct lodge_irqchip *chip = kvzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	int r;

	if (!chip)
		return -ENOMEM;
	chip->vm = vm;
	chip->user_pins = pins;
	vm->split = true;
	r = lodge_routes_default(vm);
	if (r) {
		vm->split = false;
		kvfree(chip);
		return r;
	}
	/* Other ioctls look at it without the lock. */
	smp_store_release(&vm->irqchip, chip);
	return 0;
}
