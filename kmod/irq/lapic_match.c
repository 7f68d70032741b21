// SPDX-License-Identifier: GPL-2.0
/*
 * A local APIC's place on the bus: its modes, which messages are for it, and
 * its state as KVM_GET_LAPIC and KVM_SET_LAPIC give and take it.
 *
 * Pure. Follows the Intel SDM, "Extended XAPIC (x2APIC)" and "Issuing
 * Interprocessor Interrupts". Next: lapic.c, lapic_ipi.c.
 */
#include "chips.h"
#include "apic_bits.h"

#define MODE_BITS	(LODGE_BASE_ENABLE | LODGE_BASE_X2APIC)

/* In the page after ESR: errors not yet latched. Reserved in real APICs. */
#define SAVE_ERRORS	0x284

/**
 * lodge_apic_base_valid() - may IA32_APIC_BASE be given this value?
 * @r: registers, own CPU; not looked at with @host
 * @v: the value
 * @reserved: bits this guest may not set, by its CPUID
 * @host: from an ioctl, not from the guest: any valid mode will do
 */
bool lodge_apic_base_valid(const struct lodge_apic_regs *r, u64 v, u64 reserved,
			   bool host)
{
	u64 from, to = v & MODE_BITS;

	if ((v & reserved) || to == LODGE_BASE_X2APIC)
		return false;
	if (host)
		return true;
	from = r->base & MODE_BITS;
	/* The ways between the modes go one way: off, xAPIC, x2APIC, off. */
	if (from == MODE_BITS && to == LODGE_BASE_ENABLE)
		return false;
	return from || to != MODE_BITS;
}

/* In x2APIC mode both are what they must be. */
static void x2_ids(struct lodge_apic_regs *r)
{
	WRITE_ONCE(r->reg[R_ID].v, r->x2id);
	WRITE_ONCE(r->reg[R_LDR].v, (r->x2id >> 4) << 16 |
		   1u << (r->x2id & 15));
}

/**
 * lodge_apic_base_write() - give IA32_APIC_BASE a valid value
 * @r: registers, own CPU
 * @v: the value
 * @host: from an ioctl: registers are kept when the APIC goes off
 */
void lodge_apic_base_write(struct lodge_apic_regs *r, u64 v, bool host)
{
	u64 old = r->base;

	/* Off is as after power-on; only IA32_APIC_BASE itself is not. */
	if (!host && (old & LODGE_BASE_ENABLE) && !(v & LODGE_BASE_ENABLE)) {
		lodge_apic_regs_reset(r, true);
		WRITE_ONCE(r->reg[R_ID].v, r->x2id << 24);
	}
	WRITE_ONCE(r->base, v);
	if (!((old ^ v) & LODGE_BASE_X2APIC))
		return;
	if (v & LODGE_BASE_X2APIC) {
		x2_ids(r);
	} else {
		WRITE_ONCE(r->reg[R_LDR].v, 0);
		WRITE_ONCE(r->reg[R_ID].v, r->x2id << 24);
	}
}

/**
 * lodge_apic_msg_icr() - the message that ICR asks for
 * @r: registers, own CPU
 * @msg: to fill
 */
void lodge_apic_msg_icr(const struct lodge_apic_regs *r,
			struct lodge_apic_msg *msg)
{
	u32 icr = r->reg[R_ICR].v, icr2 = r->reg[R_ICR2].v;

	msg->x2apic = lodge_apic_x2(r);
	msg->dest = msg->x2apic ? icr2 : icr2 >> 24;
	msg->vector = FIELD_GET(ICR_VECTOR, icr);
	msg->delivery = FIELD_GET(ICR_DELIVERY, icr);
	msg->logical = icr & ICR_LOGICAL;
	msg->level = icr & ICR_LEVEL;
	msg->assert = icr & ICR_ASSERT;
	msg->shorthand = FIELD_GET(ICR_SHORTHAND, icr);
	msg->strict = false;
}

static bool match_logical(const struct lodge_apic_regs *r,
			  const struct lodge_apic_msg *msg)
{
	u32 ldr = READ_ONCE(r->reg[R_LDR].v);
	u32 dest = msg->dest;

	if (lodge_apic_x2(r))
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	if (READ_ONCE(r->reg[R_DFR].v) >> 28 == 0xf)	/* flat */
		return ldr & dest;
	return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
}

/**
 * lodge_apic_match() - is a message without shorthand for this APIC?
 * @r: registers, of any CPU
 * @msg: the message
 */
bool lodge_apic_match(const struct lodge_apic_regs *r,
		      const struct lodge_apic_msg *msg)
{
	if (!lodge_apic_hw_enabled(r))
		return false;
	if (lodge_apic_broadcast(msg) &&
	    !(msg->strict && msg->dest == 0xff && lodge_apic_x2(r)))
		return true;
	if (msg->logical)
		return match_logical(r, msg);
	return lodge_apic_id(r) == msg->dest;
}

static void put(struct kvm_lapic_state *s, u32 offset, u32 v)
{
	memcpy(s->regs + offset, &v, sizeof(v));
}

static u32 take(const struct kvm_lapic_state *s, u32 offset)
{
	u32 v;

	memcpy(&v, s->regs + offset, sizeof(v));
	return v;
}

/**
 * lodge_apic_save() - all registers, but TMCCT
 * @r: registers, own CPU
 * @s: to fill
 */
void lodge_apic_save(const struct lodge_apic_regs *r, struct kvm_lapic_state *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < LODGE_APIC_REGS; i++)
		put(s, i * 16, r->reg[i].v);
	if (lodge_apic_x2(r))
		put(s, R_ID * 16, r->x2id << 24);
	put(s, SAVE_ERRORS, READ_ONCE(r->errors));
}

/**
 * lodge_apic_load() - all registers, but the timer's run
 * @r: registers, own CPU; r->base is set and stays
 * @s: hostile
 *
 * In x2APIC mode id and LDR are what they must be, whatever @s says.
 */
void lodge_apic_load(struct lodge_apic_regs *r, const struct kvm_lapic_state *s)
{
	int i;

	lodge_apic_collect(r);	/* and overwrite */
	for (i = 0; i < LODGE_APIC_REGS; i++)
		WRITE_ONCE(r->reg[i].v, take(s, i * 16));
	WRITE_ONCE(r->errors, take(s, SAVE_ERRORS) & 0xff);
	r->reg[R_VERSION].v = lodge_apic_version(r);
	r->reg[R_TMCCT].v = 0;
	r->reg[R_TPR].v &= 0xff;
	r->reg[R_TDCR].v &= 0xb;
	if ((r->reg[R_LVTT].v & LVT_TIMER) == LVT_TIMER)
		r->reg[R_LVTT].v &= ~LVT_DEADLINE;
	if (lodge_apic_x2(r))
		x2_ids(r);
	r->lvtt = r->reg[R_LVTT].v;
	r->tdcr = r->reg[R_TDCR].v;
	lodge_apic_ppr(r);
	/* A hint: true with an empty IRR costs one look. */
	r->irr_pending = true;
}
