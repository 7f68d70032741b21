// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on the APIC bus: to whom they go, and what they do there.
 *
 * Called by lapic.c (IPIs), irqchip.c (I/O APIC) and route.c (MSI), in any
 * context, without a lock: a vCPU, once published, stays as long as the VM,
 * and its APIC takes requests by atomic operations (lapic_regs.c).
 * Next: irqchip.c.
 */
#include <linux/nospec.h>

#include "chips.h"
#include "apic_bits.h"

/* MSI address and data */
#define MSI_DEST	GENMASK(19, 12)
#define MSI_LOGICAL	BIT(2)
#define MSI_VECTOR	GENMASK(7, 0)
#define MSI_DELIVERY	GENMASK(10, 8)
#define MSI_ASSERT	BIT(14)
#define MSI_LEVEL	BIT(15)

#define INIT_BIT	0	/* of apic->latched */
#define SIPI_BIT	1
static_assert(BIT(SIPI_BIT) == LODGE_LATCHED_SIPI);

/* Return: 1 newly requested, 0 it was already, -1 not accepted */
static int deliver_to(struct lodge_lapic *apic, struct lodge_vcpu *src,
		      const struct lodge_apic_msg *msg)
{
	struct lodge_vcpu *vcpu = apic->vcpu;
	u32 notify = 0;
	int ret;

	switch (msg->delivery) {
	case DM_FIXED:
	case DM_LOWEST:
		/* One that software has switched off takes no more. */
		if (!(READ_ONCE(apic->regs.reg[R_SVR].v) & SVR_ENABLE))
			return -1;
		ret = lodge_apic_accept(&apic->regs, msg->vector, msg->level,
					&notify);
		/* Who set the mark notifies; the own thread looks anyway. */
		if (notify && vcpu != src)
			lodge_vcpu_notify(vcpu, notify);
		return ret;
	case LODGE_DM_WAKE:
		lodge_vcpu_unhalt(vcpu);
		return 1;
	case DM_NMI:
		lodge_nmi_queue(vcpu);
		return 1;
	case DM_INIT:
		/* The level de-assert of old systems does nothing any more. */
		if (msg->level && !msg->assert)
			return -1;
		/* A SIPI from before INIT is void. */
		xchg(&apic->latched, LODGE_LATCHED_INIT);
		lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
		return 1;
	case DM_STARTUP:
		WRITE_ONCE(apic->sipi_vector, msg->vector);
		/* Who takes the latch then reads the vector. */
		smp_mb__before_atomic();
		set_bit(SIPI_BIT, &apic->latched);
		lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
		return 1;
	default:	/* SMI: there is no SMM. ExtINT comes by LINT0 alone. */
		return -1;
	}
}

static struct lodge_lapic *apic_at(struct lodge_vm *vm, u32 i)
{
	u32 nr = lodge_vcpus(vm);
	struct lodge_vcpu *vcpu;

	if (i >= nr)
		return NULL;
	i = array_index_nospec(i, nr);
	vcpu = READ_ONCE(vm->vcpu[i]);
	return vcpu ? vcpu->apic : NULL;
}

static struct lodge_lapic *apic_by_id(struct lodge_vm *vm, u32 id)
{
	if (id >= LODGE_VCPU_ID_MAX)
		return NULL;
	id = array_index_nospec(id, LODGE_VCPU_ID_MAX);	/* the guest's */
	return apic_at(vm, READ_ONCE(vm->irqchip->by_id[id]) - 1u);
}

/* Nobody has an id any more that was @index's, or another has it, too. */
static void id_leave(struct lodge_vm *vm, u32 id, u32 index)
{
	u16 *by_id = vm->irqchip->by_id;
	u32 i;

	if (id >= LODGE_VCPU_ID_MAX || by_id[id] != index + 1)
		return;
	for (i = lodge_vcpus(vm); i; i--)
		if (vm->vcpu[i - 1]->apic->bus_id == id)
			break;
	WRITE_ONCE(by_id[id], i);
}

/**
 * lodge_apic_publish() - senders find an APIC by the id it has now
 * @apic: own thread's, in or out of the bracket
 *
 * They look in by_id[] alone. A guest may give several APICs one id: the last of
 * them has it, and when that goes, another.
 */
void lodge_apic_publish(struct lodge_lapic *apic)
{
	u32 id = lodge_apic_id(&apic->regs), old = apic->bus_id;
	struct lodge_vm *vm = apic->vcpu->vm;
	u32 index = apic->vcpu->index;
	unsigned long flags;

	if (old == id || !apic->on_bus)
		return;
	lodge_lock_irqsave(&vm->irq_lock, flags);
	apic->bus_id = id;
	id_leave(vm, old, index);
	if (id < LODGE_VCPU_ID_MAX)
		WRITE_ONCE(vm->irqchip->by_id[id], index + 1);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
}

/**
 * lodge_lapic_publish() - from now on senders find a vCPU's APIC
 * @vcpu: with or without one; published itself
 */
void lodge_lapic_publish(struct lodge_vcpu *vcpu)
{
	if (!vcpu->apic)
		return;
	vcpu->apic->on_bus = true;
	lodge_apic_publish(vcpu->apic);
}

/* Is @a a better choice than @b for a message to the lowest priority? */
static bool lower(const struct lodge_lapic *a, const struct lodge_lapic *b)
{
	u32 pa = READ_ONCE(a->regs.reg[R_PPR].v) & 0xf0;
	u32 pb = READ_ONCE(b->regs.reg[R_PPR].v) & 0xf0;

	if (pa != pb)
		return pa < pb;
	return (s32)(READ_ONCE(a->arb) - READ_ONCE(b->arb)) < 0;
}

static bool is_for(const struct lodge_lapic *apic, struct lodge_vcpu *src,
		   const struct lodge_apic_msg *msg)
{
	switch (msg->shorthand) {
	case SHORT_ALL:
		return lodge_apic_hw_enabled(&apic->regs);
	case SHORT_OTHERS:
		return apic->vcpu != src && lodge_apic_hw_enabled(&apic->regs);
	default:
		return lodge_apic_match(&apic->regs, msg);
	}
}

static int deliver_lowest(struct lodge_vm *vm, struct lodge_vcpu *src,
			  const struct lodge_apic_msg *msg)
{
	u32 i, nr = lodge_vcpus(vm);
	struct lodge_lapic *apic, *best = NULL;

	for (i = 0; i < nr; i++) {
		apic = apic_at(vm, i);
		if (apic && is_for(apic, src, msg) &&
		    (READ_ONCE(apic->regs.reg[R_SVR].v) & SVR_ENABLE) &&
		    (!best || lower(apic, best)))
			best = apic;
	}
	if (!best)
		return -1;
	WRITE_ONCE(best->arb, best->arb + 1);
	return deliver_to(best, src, msg);
}

static int deliver_all(struct lodge_vm *vm, struct lodge_vcpu *src,
		       const struct lodge_apic_msg *msg)
{
	u32 i, nr = lodge_vcpus(vm);
	struct lodge_lapic *apic;
	int ret, sum = -1;

	for (i = 0; i < nr; i++) {
		apic = apic_at(vm, i);
		if (!apic || !is_for(apic, src, msg))
			continue;
		ret = deliver_to(apic, src, msg);
		if (ret >= 0)
			sum = max(sum, 0) + ret;
	}
	return sum;
}

/**
 * lodge_apic_deliver() - send a message on the APIC bus
 * @vm: whose bus
 * @src: the vCPU whose thread this is, or NULL; sender of shorthands
 * @msg: the message
 *
 * Context: any, also with interrupts off.
 * Return: CPUs newly requested, 0 if all had the request already, -1 if
 * nobody accepted it.
 */
int lodge_apic_deliver(struct lodge_vm *vm, struct lodge_vcpu *src,
		       const struct lodge_apic_msg *msg)
{
	struct lodge_lapic *apic;

	if (msg->shorthand == SHORT_SELF)
		return deliver_to(src->apic, src, msg);
	if (!msg->shorthand && !msg->logical &&
	    !lodge_apic_broadcast(msg)) {
		apic = apic_by_id(vm, msg->dest);
		if (!apic || !lodge_apic_hw_enabled(&apic->regs))
			return -1;
		return deliver_to(apic, src, msg);
	}
	if (msg->delivery == DM_LOWEST)
		return deliver_lowest(vm, src, msg);
	return deliver_all(vm, src, msg);
}

/**
 * lodge_msi_parse() - an MSI's address and data as a message
 * @vm: whose; its KVM_CAP_X2APIC_API says what @hi and destination 0xff mean
 * @lo: address, low half; bits 31:20 are not looked at
 * @hi: address, high half: more bits of the destination, if they are used
 * @data: data
 * @msg: to fill
 *
 * Return: 0, or -EINVAL: @hi has bits that are none of the destination's.
 */
int lodge_msi_parse(const struct lodge_vm *vm, u32 lo, u32 hi, u32 data,
		    struct lodge_apic_msg *msg)
{
	u8 api = READ_ONCE(vm->x2apic_api);

	if (!(api & KVM_X2APIC_API_USE_32BIT_IDS))
		hi = 0;
	else if (hi & 0xff)
		return -EINVAL;
	*msg = (struct lodge_apic_msg) {
		.dest = FIELD_GET(MSI_DEST, lo) | hi,
		.strict = api & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
		.logical = lo & MSI_LOGICAL,
		.vector = FIELD_GET(MSI_VECTOR, data),
		.delivery = FIELD_GET(MSI_DELIVERY, data),
		.level = data & MSI_LEVEL,
		.assert = true,
	};
	return 0;
}

/**
 * lodge_irq_msi() - deliver a message-signalled interrupt
 * @vm: whose
 * @addr_lo: address
 * @addr_hi: address, see lodge_msi_parse()
 * @data: data
 *
 * Context: any, also with interrupts off.
 * Return: as lodge_apic_deliver(); -EINVAL if there is no chip, or as
 * lodge_msi_parse().
 */
int lodge_irq_msi(struct lodge_vm *vm, u32 addr_lo, u32 addr_hi, u32 data)
{
	struct lodge_apic_msg msg;
	int r;

	if (!vm->irqchip)
		return -EINVAL;
	r = lodge_msi_parse(vm, addr_lo, addr_hi, data, &msg);
	if (r)
		return r;
	return lodge_apic_deliver(vm, NULL, &msg);
}

/**
 * lodge_lapic_local() - an event at one of the APIC's own sources
 * @apic: own thread's
 * @lvt: R_LVTCMCI, R_LVTT ... R_LVTERR
 */
void lodge_lapic_local(struct lodge_lapic *apic, u32 lvt)
{
	if (lodge_apic_local(&apic->regs, lvt) == DM_NMI)
		lodge_nmi_queue(apic->vcpu);
}

/**
 * lodge_lapic_cmci() - a machine check that the CPU is to be interrupted for
 * @vcpu: own thread
 */
void lodge_lapic_cmci(struct lodge_vcpu *vcpu)
{
	if (vcpu->apic && vcpu->apic->regs.cmci)
		lodge_lapic_local(vcpu->apic, R_LVTCMCI);
}

/**
 * lodge_lint0_nmi() - a pulse on LINT0 of CPUs that take it as an NMI
 * @vm: whose
 *
 * The PIT reaches LINT0 through the PIC: old watchdogs count on it.
 */
void lodge_lint0_nmi(struct lodge_vm *vm)
{
	u32 i, nr = lodge_vcpus(vm);

	for (i = 0; i < nr; i++) {
		struct lodge_lapic *apic = apic_at(vm, i);

		if (apic && lodge_apic_hw_enabled(&apic->regs) &&
		    (READ_ONCE(apic->regs.reg[R_LVT0].v) &
		     (LVT_MASKED | LVT_DELIVERY)) == DM_NMI << 8)
			lodge_nmi_queue(apic->vcpu);
	}
}

/**
 * lodge_lapic_init_pending() - is an INIT or a SIPI latched?
 * @vcpu: any
 */
bool lodge_lapic_init_pending(struct lodge_vcpu *vcpu)
{
	return vcpu->apic && READ_ONCE(vcpu->apic->latched);
}

/**
 * lodge_lapic_init_latched() - is an INIT latched?
 * @vcpu: any
 */
bool lodge_lapic_init_latched(struct lodge_vcpu *vcpu)
{
	return vcpu->apic && test_bit(INIT_BIT, &vcpu->apic->latched);
}

/**
 * lodge_lapic_set_init() - latch an INIT, or take one back
 * @vcpu: own thread, with an APIC
 * @latched: is there to be one?
 */
void lodge_lapic_set_init(struct lodge_vcpu *vcpu, bool latched)
{
	if (latched)
		set_bit(INIT_BIT, &vcpu->apic->latched);
	else
		clear_bit(INIT_BIT, &vcpu->apic->latched);
}

/**
 * lodge_lapic_take_init() - take a latched INIT and SIPI
 * @vcpu: own thread
 * @vector: to fill with the SIPI's
 *
 * Return: LODGE_LATCHED_*, none of which is latched any more.
 */
unsigned int lodge_lapic_take_init(struct lodge_vcpu *vcpu, u8 *vector)
{
	struct lodge_lapic *apic = vcpu->apic;
	unsigned int latched;

	if (!apic)
		return 0;
	latched = xchg(&apic->latched, 0);
	*vector = READ_ONCE(apic->sipi_vector);
	return latched;
}
