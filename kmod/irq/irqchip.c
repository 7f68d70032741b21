// SPDX-License-Identifier: GPL-2.0
/*
 * The PICs and the I/O APIC in their machine: ports and memory, the CPUs they
 * interrupt, who is told when a service ends, get and set.
 *
 * Called by the buses, route.c, lapic.c and the VM's ioctls. Whoever waits
 * for the end of a service is told with vm->irq_lock dropped, since he lowers
 * lines and signals eventfds. Next: route.c, pit_dev.c.
 */
#include <linux/slab.h>

#include "chips.h"

#define PORT_PIC0	0x20
#define PORT_PIC1	0xa0
#define PORT_ELCR	0x4d0

int lodge_ioapic_send(struct lodge_ioapic *io, const struct lodge_apic_msg *msg)
{
	struct lodge_irqchip *chip = container_of(io, struct lodge_irqchip,
						  ioapic);

	/* Before it is sent: it may be served before eoi_vectors_update(). */
	if (msg->level && !test_bit(msg->vector, chip->eoi_vectors))
		set_bit(msg->vector, chip->eoi_vectors);
	return lodge_apic_deliver(chip->vm, NULL, msg);
}

/* The PIC's INTR has risen: whoever listens to it is to look. */
static void pic_notify(struct lodge_vm *vm)
{
	u32 i, nr = lodge_vcpus(vm);

	for (i = 0; i < nr; i++) {
		struct lodge_vcpu *vcpu = READ_ONCE(vm->vcpu[i]);

		if (vcpu && vcpu->apic &&
		    lodge_apic_takes_extint(&vcpu->apic->regs))
			lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
	}
}

/* After something was done to the PICs that may end services. irq_lock */
static u16 pic_finish(struct lodge_vm *vm, bool was)
{
	struct lodge_pic *pic = &vm->irqchip->pic;
	u16 acked = pic->acked;

	pic->acked = 0;
	if (!was && pic->output)
		pic_notify(vm);
	return acked;
}

/* Hardware that ends services has its own copy, renewed with requests. */
static void eoi_vectors_tell(struct lodge_vm *vm)
{
	u32 i, nr = lodge_vcpus(vm);

	for (i = 0; i < nr; i++) {
		struct lodge_lapic *apic = READ_ONCE(vm->vcpu[i])->apic;

		if (!test_and_set_bit(LODGE_POSTED_HELD,
				      &apic->regs.posted.on))
			lodge_vcpu_request(apic->vcpu, LODGE_REQ_EVENT);
	}
}

/**
 * lodge_eoi_vectors_set() - vectors whose EOI the I/O APIC wants to hear of
 * @chip: whose
 * @map: 256 bits
 */
void lodge_eoi_vectors_set(struct lodge_irqchip *chip, const unsigned long *map)
{
	bool same = true;
	int i;

	for (i = 0; i < LODGE_APIC_WORDS; i++) {
		same &= chip->eoi_vectors[i] == map[i];
		WRITE_ONCE(chip->eoi_vectors[i], map[i]);
	}
	if (lodge_caps.irq_delivery && !same)
		eoi_vectors_tell(chip->vm);
}

/* From the redirection table. irq_lock */
static void eoi_vectors_update(struct lodge_irqchip *chip)
{
	unsigned long map[LODGE_APIC_WORDS] = { 0 };
	int i;

	for (i = 0; i < LODGE_IOAPIC_PINS; i++) {
		u64 e = chip->ioapic.redir[i];

		if ((e & LODGE_REDIR_LEVEL) || (chip->ack_pins & BIT(i)))
			__set_bit(FIELD_GET(LODGE_REDIR_VECTOR, e), map);
	}
	lodge_eoi_vectors_set(chip, map);
}

static u32 ioapic_masked(const struct lodge_ioapic *io)
{
	u32 pins = 0;
	int i;

	for (i = 0; i < LODGE_IOAPIC_PINS; i++)
		if (io->redir[i] & LODGE_REDIR_MASKED)
			pins |= BIT(i);
	return pins;
}

/**
 * lodge_ack_pins_update() - find out again which pins someone waits on
 * @vm: whose routes, PIT or resampling irqfds have changed
 */
void lodge_ack_pins_update(struct lodge_vm *vm)
{
	struct lodge_irqchip *chip = vm->irqchip;
	const struct lodge_routes *routes;
	unsigned long flags;
	int idx, pin;

	if (vm->split) {
		lodge_split_vectors_update(vm);
		return;
	}
	idx = srcu_read_lock(&vm->irq_srcu);
	lodge_lock_irqsave(&vm->irq_lock, flags);
	routes = srcu_dereference(vm->routes, &vm->irq_srcu);
	chip->ack_pins = 0;
	chip->pit_pins = 0;
	for (pin = 0; pin < LODGE_IOAPIC_PINS; pin++) {
		s16 gsi = routes->gsi_of[KVM_IRQCHIP_IOAPIC][pin];

		if (gsi < 0)
			continue;
		if (!gsi && vm->pit)
			chip->pit_pins |= BIT(pin);
		if (test_bit(gsi, vm->resampled))
			chip->ack_pins |= BIT(pin);
	}
	chip->ack_pins |= chip->pit_pins;
	eoi_vectors_update(chip);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	srcu_read_unlock(&vm->irq_srcu, idx);
}

static void gsi_acked(struct lodge_vm *vm, s16 gsi)
{
	if (gsi < 0)
		return;
	if (!gsi && vm->pit)
		lodge_pit_acked(vm);
	lodge_irqfd_acked(vm, gsi);
}

/**
 * lodge_chip_acked() - tell who waits for it that services have ended
 * @vm: whose
 * @pic: pins of the PICs
 * @ioapic: pins of the I/O APIC
 *
 * Context: any, irq_lock not held.
 */
void lodge_chip_acked(struct lodge_vm *vm, u16 pic, u32 ioapic)
{
	const struct lodge_routes *routes;
	int idx, i;

	if (likely(!pic && !ioapic))
		return;
	idx = srcu_read_lock(&vm->irq_srcu);
	routes = srcu_dereference(vm->routes, &vm->irq_srcu);
	for (i = 0; i < LODGE_PIC_PINS; i++)
		if (pic & BIT(i))
			gsi_acked(vm, routes->gsi_of[i / 8][i % 8]);
	for (i = 0; i < LODGE_IOAPIC_PINS; i++)
		if (ioapic & BIT(i))
			gsi_acked(vm, routes->gsi_of[KVM_IRQCHIP_IOAPIC][i]);
	srcu_read_unlock(&vm->irq_srcu, idx);
}

/**
 * lodge_chip_line() - drive a chip's input
 * @vm: whose; irq_lock held
 * @chip: KVM_IRQCHIP_*
 * @pin: in range for the chip
 * @source: LODGE_IRQ_SOURCE_*
 * @level: high or low
 *
 * Return: as lodge_pic_line() and lodge_ioapic_line().
 */
int lodge_chip_line(struct lodge_vm *vm, int chip, int pin, int source,
		    bool level)
{
	struct lodge_pic *pic = &vm->irqchip->pic;
	bool was = pic->output;
	int ret;

	lockdep_assert_held(&vm->irq_lock);
	if (chip == KVM_IRQCHIP_IOAPIC)
		return lodge_ioapic_line(&vm->irqchip->ioapic, pin, source,
					 level);
	ret = lodge_pic_line(pic, chip * 8 + pin, source, level);
	if (!was && pic->output)
		pic_notify(vm);
	return ret;
}

/**
 * lodge_pic_ack() - interrupt-acknowledge cycle
 * @vm: whose PICs
 *
 * Return: the vector, or -1 if the request has gone.
 */
int lodge_pic_ack(struct lodge_vm *vm)
{
	struct lodge_pic *pic = &vm->irqchip->pic;
	unsigned long flags;
	u16 acked = 0;
	int v = -1;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	if (pic->output) {
		v = lodge_pic_intack(pic);
		acked = pic_finish(vm, true);
	}
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	lodge_chip_acked(vm, acked, 0);
	return v;
}

/**
 * lodge_ioapic_eoi() - a CPU ended the service of a vector
 * @vm: whose
 * @vector: vector
 *
 * Context: any, irq_lock not held.
 */
void lodge_ioapic_eoi(struct lodge_vm *vm, u8 vector)
{
	struct lodge_irqchip *chip = vm->irqchip;
	unsigned long flags;
	u32 pins, told;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	pins = lodge_ioapic_eoi_begin(&chip->ioapic, vector);
	told = pins & chip->ack_pins;
	if (told) {
		lodge_unlock_irqrestore(&vm->irq_lock, flags);
		lodge_chip_acked(vm, 0, told);
		lodge_lock_irqsave(&vm->irq_lock, flags);
	}
	lodge_ioapic_eoi_end(&chip->ioapic, pins);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
}

static int pic_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
		     u64 addr, u32 len, const void *data)
{
	struct lodge_vm *vm = vcpu->vm;
	struct lodge_irqchip *chip = vm->irqchip;
	unsigned long flags;
	u16 acked;
	bool was;
	u8 imr;
	u32 i;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	was = chip->pic.output;
	imr = chip->pic.chip[0].imr;
	for (i = 0; i < len; i++)
		lodge_pic_write(&chip->pic, dev == &chip->pic_dev[1],
				(addr + i) & 1, ((const u8 *)data)[i]);
	if (vm->pit && (imr & ~chip->pic.chip[0].imr & 1))
		lodge_pit_unmasked(vm->pit);
	acked = pic_finish(vm, was);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	lodge_chip_acked(vm, acked, 0);
	return 0;
}

static int pic_read(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev, u64 addr,
		    u32 len, void *data)
{
	struct lodge_vm *vm = vcpu->vm;
	struct lodge_irqchip *chip = vm->irqchip;
	unsigned long flags;
	u16 acked;
	bool was;
	u32 i;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	was = chip->pic.output;
	for (i = 0; i < len; i++)
		((u8 *)data)[i] = lodge_pic_read(&chip->pic,
						 dev == &chip->pic_dev[1],
						 (addr + i) & 1);
	acked = pic_finish(vm, was);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	lodge_chip_acked(vm, acked, 0);
	return 0;
}

static int elcr_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
		      u64 addr, u32 len, const void *data)
{
	struct lodge_vm *vm = vcpu->vm;
	struct lodge_pic *pic = &vm->irqchip->pic;
	unsigned long flags;
	bool was;
	u32 i;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	was = pic->output;
	for (i = 0; i < len; i++)
		lodge_pic_elcr_write(pic, (addr + i) & 1,
				     ((const u8 *)data)[i]);
	if (!was && pic->output)
		pic_notify(vm);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	return 0;
}

static int elcr_read(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
		     u64 addr, u32 len, void *data)
{
	u32 i;

	for (i = 0; i < len; i++)
		((u8 *)data)[i] = vcpu->vm->irqchip->pic.chip[(addr + i) & 1].elcr;
	return 0;
}

static int ioapic_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
			u64 addr, u32 len, const void *data)
{
	struct lodge_vm *vm = vcpu->vm;
	struct lodge_irqchip *chip = vm->irqchip;
	unsigned long flags;
	u32 v = 0, masked;

	memcpy(&v, data, min_t(u32, len, sizeof(v)));
	lodge_lock_irqsave(&vm->irq_lock, flags);
	masked = ioapic_masked(&chip->ioapic);
	lodge_ioapic_write(&chip->ioapic, addr - LODGE_IOAPIC_BASE, v);
	eoi_vectors_update(chip);
	masked &= ~ioapic_masked(&chip->ioapic);
	if (masked & chip->pit_pins)
		lodge_pit_unmasked(vm->pit);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	return 0;
}

static int ioapic_read(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
		       u64 addr, u32 len, void *data)
{
	struct lodge_vm *vm = vcpu->vm;
	unsigned long flags;
	u64 v;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	v = lodge_ioapic_read(&vm->irqchip->ioapic, addr - LODGE_IOAPIC_BASE);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	memcpy(data, &v, min_t(u32, len, sizeof(v)));
	return 0;
}

/**
 * lodge_irqchip_get() - KVM_GET_IRQCHIP
 * @vm: with chips in the kernel
 * @c: chip_id says which
 *
 * Return: 0, or -EINVAL: no such chip.
 */
int lodge_irqchip_get(struct lodge_vm *vm, struct kvm_irqchip *c)
{
	struct lodge_irqchip *chip = vm->irqchip;
	unsigned long flags;

	if (c->chip_id >= KVM_NR_IRQCHIPS)
		return -EINVAL;
	lodge_lock_irqsave(&vm->irq_lock, flags);
	if (c->chip_id == KVM_IRQCHIP_IOAPIC)
		lodge_ioapic_save(&chip->ioapic, &c->chip.ioapic);
	else
		c->chip.pic = chip->pic.chip[c->chip_id];
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	return 0;
}

/**
 * lodge_irqchip_set() - KVM_SET_IRQCHIP
 * @vm: with chips in the kernel
 * @c: hostile
 *
 * Return: 0, or -EINVAL: no such chip.
 */
int lodge_irqchip_set(struct lodge_vm *vm, const struct kvm_irqchip *c)
{
	struct lodge_irqchip *chip = vm->irqchip;
	unsigned long flags;
	bool was;

	if (c->chip_id >= KVM_NR_IRQCHIPS)
		return -EINVAL;
	lodge_lock_irqsave(&vm->irq_lock, flags);
	was = chip->pic.output;
	if (c->chip_id == KVM_IRQCHIP_IOAPIC) {
		lodge_ioapic_load(&chip->ioapic, &c->chip.ioapic);
		eoi_vectors_update(chip);
	} else {
		lodge_pic_load(&chip->pic, c->chip_id, &c->chip.pic);
	}
	if (!was && chip->pic.output)
		pic_notify(vm);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	return 0;
}

static int devices_register(struct lodge_vm *vm, struct lodge_irqchip *chip)
{
	const struct {
		struct lodge_io_dev *dev;
		enum lodge_bus_kind bus;
		u64 addr, len;
	} where[] = {
		{ &chip->pic_dev[0], LODGE_BUS_PIO, PORT_PIC0, 2 },
		{ &chip->pic_dev[1], LODGE_BUS_PIO, PORT_PIC1, 2 },
		{ &chip->elcr_dev, LODGE_BUS_PIO, PORT_ELCR, 2 },
		{ &chip->ioapic_dev, LODGE_BUS_MMIO, LODGE_IOAPIC_BASE,
		  LODGE_IOAPIC_LEN },
	};
	int i, r = 0;

	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	for (i = 0; i < ARRAY_SIZE(where) && !r; i++)
		r = lodge_bus_register(vm, where[i].bus, where[i].addr,
				       where[i].len, where[i].dev);
	if (r) {
		for (i = 0; i < ARRAY_SIZE(where); i++)
			where[i].dev->gone = true;
		lodge_bus_purge(vm, LODGE_BUS_PIO);
		lodge_bus_purge(vm, LODGE_BUS_MMIO);
	}
	mutex_unlock(&vm->slots_lock);
	return r;
}

/**
 * lodge_irqchip_create() - KVM_CREATE_IRQCHIP
 * @vm: vm->lock held; no chips and no vCPUs yet
 */
int lodge_irqchip_create(struct lodge_vm *vm)
{
	struct lodge_irqchip *chip = kvzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	int r;

	if (!chip)
		return -ENOMEM;
	chip->vm = vm;
	chip->pic_dev[0].read = pic_read;
	chip->pic_dev[0].write = pic_write;
	chip->pic_dev[1] = chip->pic_dev[0];
	chip->elcr_dev.read = elcr_read;
	chip->elcr_dev.write = elcr_write;
	chip->ioapic_dev.read = ioapic_read;
	chip->ioapic_dev.write = ioapic_write;
	lodge_pic_reset(&chip->pic);
	lodge_ioapic_reset(&chip->ioapic);
	r = lodge_routes_default(vm);
	if (r)
		goto out_free;
	r = devices_register(vm, chip);
	if (r)
		goto out_routes;
	/* Other ioctls look at it without the lock. */
	smp_store_release(&vm->irqchip, chip);
	return 0;

out_routes:
	lodge_routes_destroy(vm);
out_free:
	kvfree(chip);
	return r;
}

/**
 * lodge_irqchip_destroy() - at the end of a VM
 * @vm: vm->lock held; no vCPU runs, no irqfd is left, the buses are gone
 */
void lodge_irqchip_destroy(struct lodge_vm *vm)
{
	lodge_pit_destroy(vm);
	kvfree(vm->irqchip);
	vm->irqchip = NULL;
	lodge_routes_destroy(vm);
}
