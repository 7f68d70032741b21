// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's local APIC in its machine: access by memory and by MSR, what is
 * pending for the CPU, get and set, EOI through guest memory.
 *
 * Called by exit.c, msr.c, event.c, run.c and the vCPU's ioctls, always in
 * the vCPU's own thread. Next: lapic_timer.c, lapic_ipi.c.
 */
#include <linux/slab.h>
#include <asm/apicdef.h>

#include "chips.h"
#include "apic_bits.h"

#define MSR_X2APIC	0x800
#define PAGE_BYTES	0x1000

/* The hardware's notion of the page; the rest of it is ours. */
static_assert(offsetof(struct lodge_lapic, regs.reg) == 0);
static_assert(offsetof(struct lodge_lapic, regs.posted) == LODGE_APIC_POSTED);
static_assert(sizeof(struct lodge_lapic) <= PAGE_BYTES);
static_assert(R_SVR << 4 == APIC_SPIV);
static_assert(R_ICR << 4 == APIC_ICR);
static_assert(R_LVTT << 4 == APIC_LVTT);
static_assert(R_LVTERR << 4 == APIC_LVTERR);
static_assert(R_TDCR << 4 == APIC_TDCR);
static_assert(R_SELF << 4 == APIC_SELF_IPI);

/**
 * lodge_lapic_ended() - the service of an interrupt is over
 * @vcpu: own thread, with an APIC; in or out of the bracket
 * @v: vector
 *
 * Tells the I/O APIC, if it wants to know; if it is the user's, him.
 */
void lodge_lapic_ended(struct lodge_vcpu *vcpu, u8 v)
{
	struct lodge_lapic *apic = vcpu->apic;

	/* It has all level-triggered ones; TMR would add level MSIs alone. */
	if (!test_bit(v, apic->chip->eoi_vectors))
		return;
	if (!vcpu->vm->split)
		lodge_ioapic_eoi(vcpu->vm, v);
	else if (test_bit(v % 32, &apic->regs.reg[R_TMR + v / 32].bits))
		lodge_split_eoi(vcpu, v);
}

/**
 * lodge_apic_end() - end the service of the highest interrupt
 * @apic: own thread, in or out of the bracket
 */
void lodge_apic_end(struct lodge_lapic *apic)
{
	int v = lodge_apic_eoi(&apic->regs);

	lodge_apic_update(apic);
	if (v >= 0)
		lodge_lapic_ended(apic->vcpu, v);
}

/**
 * lodge_lapic_raise() - an interrupt for the CPU, by itself or from the host
 * @vcpu: own thread, with an APIC
 * @vector: of an edge
 */
void lodge_lapic_raise(struct lodge_vcpu *vcpu, u8 vector)
{
	const struct lodge_apic_msg msg = {
		.vector = vector, .delivery = DM_FIXED, .assert = true,
		.shorthand = SHORT_SELF,
	};

	lodge_apic_deliver(vcpu->vm, vcpu, &msg);
}

static void send_icr(struct lodge_lapic *apic)
{
	struct lodge_apic_msg msg;

	lodge_apic_msg_icr(&apic->regs, &msg);
	if ((msg.delivery == DM_FIXED || msg.delivery == DM_LOWEST) &&
	    msg.vector < 16) {
		lodge_apic_error(&apic->regs, ESR_SEND_ILLEGAL, NULL);
		return;
	}
	/* A fixed IPI is an edge, whatever the trigger bit says. */
	if (msg.delivery != DM_INIT)
		msg.level = false;
	lodge_apic_deliver(apic->vcpu->vm, apic->vcpu, &msg);
}

static u32 reg_read(struct lodge_lapic *apic, u32 offset, bool *valid)
{
	u32 v;

	lodge_apic_look(apic);
	*valid = lodge_apic_reg_read(&apic->regs, offset, &v);
	lodge_apic_update(apic);	/* that of IRR may have collected, too */
	if (offset >> 4 == R_TMCCT)
		v = lodge_timer_left(apic);
	return v;
}

/* Return: is there such a register, and may it have this value? */
static bool reg_write(struct lodge_lapic *apic, u32 offset, u32 v)
{
	struct lodge_apic_regs *r = &apic->regs;
	u32 left = 0, fx;

	if (offset >> 4 == R_LVTT)
		r->deadline_ok = apic->vcpu->cpuid->has_tsc_deadline;
	else if (offset >> 4 == R_TDCR)
		left = lodge_timer_left(apic);
	else if (offset >> 4 == R_TPR)
		apic->vcpu->dirty |= LODGE_R_TPR;
	else if (offset >> 4 == R_SVR)
		lodge_apf_again(apic->vcpu);
	fx = lodge_apic_reg_write(r, offset, v);
	if (likely(fx == LODGE_APIC_FX_EOI))
		lodge_apic_end(apic);
	else if (fx & LODGE_APIC_FX_IPI)
		send_icr(apic);
	else if (fx & LODGE_APIC_FX_SELF)
		lodge_lapic_raise(apic->vcpu, v);
	else if (fx & LODGE_APIC_FX_COUNT)
		lodge_timer_start(apic, r->reg[R_TMICT].v);
	else if (fx & LODGE_APIC_FX_MODE)
		lodge_timer_mode(apic);
	else if ((fx & LODGE_APIC_FX_DIVIDE) && left)
		lodge_timer_start(apic, left);
	else if (fx & LODGE_APIC_FX_ID)
		lodge_apic_publish(apic);
	return !(fx & LODGE_APIC_FX_BAD);
}

/**
 * lodge_lapic_written() - the hardware has written into the APIC's page
 * @vcpu: own thread
 * @offset: there
 */
void lodge_lapic_written(struct lodge_vcpu *vcpu, u32 offset)
{
	struct lodge_lapic *apic = vcpu->apic;

	offset &= LODGE_APIC_POSTED - 16;
	if (apic)
		reg_write(apic, offset, lodge_apic_written(&apic->regs, offset));
}

/**
 * lodge_lapic_mmio() - an access to memory that may be the APIC's page
 * @vcpu: own thread, in or out of the bracket
 * @gpa: address
 * @len: bytes, 1 to 8
 * @data: to fill, or what is written
 * @write: is it a write?
 *
 * Registers are 4 bytes wide on 16-byte borders; a write of another kind
 * does nothing. Where the page is not active (APIC off, or in x2APIC mode)
 * reads give all ones, unless it is to be as if there were none.
 *
 * Return: false if the address is not in the page.
 */
bool lodge_lapic_mmio(struct lodge_vcpu *vcpu, gpa_t gpa, u32 len, void *data,
		      bool write)
{
	struct lodge_lapic *apic = vcpu->apic;
	u32 offset = gpa & (PAGE_BYTES - 1);
	bool valid;
	u64 v;

	if (!apic || (gpa ^ apic->regs.base) >> 12)
		return false;
	if (!lodge_apic_hw_enabled(&apic->regs) ||
	    lodge_apic_x2(&apic->regs)) {
		if (lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_LAPIC_MMIO_HOLE))
			return false;
		if (!write)
			memset(data, 0xff, len);
		return true;
	}
	if (write) {
		u32 word;

		if (len == 4 && !(offset & 0xf)) {
			memcpy(&word, data, sizeof(word));
			reg_write(apic, offset, word);
		}
		return true;
	}
	v = 0;
	if ((offset & 0xf) + len <= 4)
		v = reg_read(apic, offset & ~0xf, &valid) >>
		    (offset & 0xf) * 8;
	memcpy(data, &v, min_t(u32, len, sizeof(v)));
	return true;
}

/**
 * lodge_lapic_msr_read() - RDMSR of the x2APIC range
 * @vcpu: own thread
 * @msr: 0x800 to 0x8ff
 * @v: to fill
 *
 * Return: 0, or 1: #GP.
 */
int lodge_lapic_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v)
{
	struct lodge_lapic *apic = vcpu->apic;
	u32 offset = (msr - MSR_X2APIC) << 4;
	bool valid;

	*v = 0;
	if (!apic || !lodge_apic_x2(&apic->regs))
		return 1;
	*v = reg_read(apic, offset, &valid);
	if (offset >> 4 == R_ICR)
		*v |= (u64)apic->regs.reg[R_ICR2].v << 32;
	return !valid;
}

/**
 * lodge_lapic_msr_write() - WRMSR of the x2APIC range
 * @vcpu: own thread
 * @msr: 0x800 to 0x8ff
 * @v: value
 *
 * Return: 0, or 1: #GP.
 */
int lodge_lapic_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v)
{
	struct lodge_lapic *apic = vcpu->apic;
	u32 offset = (msr - MSR_X2APIC) << 4;
	u32 old;

	if (!apic || !lodge_apic_x2(&apic->regs))
		return 1;
	if (offset >> 4 != R_ICR)
		return v >> 32 || !reg_write(apic, offset, v);
	old = apic->regs.reg[R_ICR2].v;
	apic->regs.reg[R_ICR2].v = v >> 32;
	if (reg_write(apic, offset, v))
		return 0;
	apic->regs.reg[R_ICR2].v = old;
	return 1;
}

/**
 * lodge_lapic_base() - IA32_APIC_BASE
 * @vcpu: own thread, with an APIC
 */
u64 lodge_lapic_base(struct lodge_vcpu *vcpu)
{
	return vcpu->apic ? vcpu->apic->regs.base : 0;
}

/**
 * lodge_lapic_set_base() - write IA32_APIC_BASE
 * @vcpu: own thread; without an APIC the user has it and keeps the value here
 * @v: value
 * @host: from an ioctl
 *
 * Intel manual: "Local APIC Status and Location", "x2APIC State
 * Transitions".
 *
 * Return: 0, or 1: #GP.
 */
int lodge_lapic_set_base(struct lodge_vcpu *vcpu, u64 v, bool host)
{
	struct lodge_lapic *apic = vcpu->apic;
	u64 reserved = GENMASK_ULL(63, 32) | GENMASK_ULL(7, 0) | BIT_ULL(9);

	if (vcpu->cpuid->maxphyaddr > 32)
		reserved = ~(BIT_ULL(vcpu->cpuid->maxphyaddr) - 1) |
			   GENMASK_ULL(7, 0) | BIT_ULL(9);
	if (!vcpu->cpuid->has_x2apic)
		reserved |= LODGE_BASE_X2APIC;
	if (!apic) {
		if (!host || !lodge_apic_base_valid(NULL, v, reserved, true))
			return 1;
		vcpu->msr.apic_base = v;
		return 0;
	}
	if (!lodge_apic_base_valid(&apic->regs, v, reserved, host))
		return 1;
	if (!host && !(v & LODGE_BASE_ENABLE))
		lodge_timer_stop(apic);
	lodge_apic_base_write(&apic->regs, v, host);
	lodge_apic_publish(apic);
	lodge_apic_moved(apic);
	return 0;
}

/**
 * lodge_lapic_cr8() - TPR as CR8 shows it
 * @vcpu: own thread, with an APIC
 */
u8 lodge_lapic_cr8(struct lodge_vcpu *vcpu)
{
	return vcpu->apic->regs.reg[R_TPR].v >> 4;
}

/**
 * lodge_lapic_set_cr8() - write TPR as CR8 does
 * @vcpu: own thread, with an APIC
 * @v: 0 to 15
 */
void lodge_lapic_set_cr8(struct lodge_vcpu *vcpu, u8 v)
{
	struct lodge_apic_regs *r = &vcpu->apic->regs;

	r->reg[R_TPR].v = (v & 0xf) << 4;
	lodge_apic_ppr(r);
	vcpu->dirty |= LODGE_R_TPR;
}

/**
 * lodge_lapic_extint() - does what the PIC asks for reach the CPU?
 * @vcpu: own thread
 */
bool lodge_lapic_extint(struct lodge_vcpu *vcpu)
{
	return !vcpu->apic || lodge_apic_takes_extint(&vcpu->apic->regs);
}

/* Is the id in KVM_GET_LAPIC and KVM_SET_LAPIC all 32 bits of the register? */
static bool wide_ids(struct lodge_vcpu *vcpu)
{
	return lodge_apic_x2(&vcpu->apic->regs) &&
	       (vcpu->vm->x2apic_api & KVM_X2APIC_API_USE_32BIT_IDS);
}

/**
 * lodge_lapic_get() - KVM_GET_LAPIC
 * @vcpu: own thread, with an APIC
 * @s: to fill
 */
int lodge_lapic_get(struct lodge_vcpu *vcpu, struct kvm_lapic_state *s)
{
	const struct lodge_apic_regs *r = &vcpu->apic->regs;
	u32 left;

	/* What the guest has ended in its memory is not in service. */
	lodge_lapic_pv_eoi_finish(vcpu);
	/* What is due is in the IRR that is saved, or it would be lost. */
	lodge_lapic_timer_inject(vcpu);
	lodge_apic_look(vcpu->apic);
	left = lodge_timer_left(vcpu->apic);
	lodge_apic_save(&vcpu->apic->regs, s);
	memcpy(s->regs + APIC_TMCCT, &left, sizeof(left));
	if (wide_ids(vcpu))
		memcpy(s->regs + R_ID * 16, &r->x2id, sizeof(r->x2id));
	return 0;
}

/**
 * lodge_lapic_set() - KVM_SET_LAPIC
 * @vcpu: own thread, with an APIC
 * @s: hostile; IA32_APIC_BASE, which is not in it, says how it is read
 *
 * The timer goes on from the current count in @s.
 *
 * Return: 0, or -EINVAL: an id that is not the vCPU's, where it is 32 bits.
 */
int lodge_lapic_set(struct lodge_vcpu *vcpu, const struct kvm_lapic_state *s)
{
	struct lodge_lapic *apic = vcpu->apic;
	u64 deadline = lodge_lapic_tscdeadline(vcpu);
	u32 left, id;

	memcpy(&id, s->regs + R_ID * 16, sizeof(id));
	if (wide_ids(vcpu) && id != apic->regs.x2id)
		return -EINVAL;
	memcpy(&left, s->regs + APIC_TMCCT, sizeof(left));
	lodge_timer_stop(apic);
	lodge_apic_load(&apic->regs, s);
	vcpu->dirty |= LODGE_R_TPR;
	lodge_apic_publish(apic);
	lodge_apic_update(apic);
	lodge_apf_again(vcpu);
	if (apic->regs.reg[R_TMICT].v) {
		if (!left && (apic->regs.reg[R_LVTT].v & LVT_PERIODIC))
			left = apic->regs.reg[R_TMICT].v;
		lodge_timer_start(apic, left);
	}
	lodge_lapic_set_tscdeadline(vcpu, deadline);
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}

/**
 * lodge_lapic_cpuid() - a vCPU has got its CPUID
 * @vcpu: own thread
 *
 * With an I/O APIC of the user's, who may give it a register for EOIs, and
 * x2APIC in CPUID the APIC says that it can do without broadcasting them.
 */
void lodge_lapic_cpuid(struct lodge_vcpu *vcpu)
{
	struct lodge_apic_regs *r;

	if (!vcpu->apic || !vcpu->vm->split)
		return;
	r = &vcpu->apic->regs;
	r->directed = vcpu->cpuid->has_x2apic;
	r->reg[R_VERSION].v = lodge_apic_version(r);
}

/**
 * lodge_lapic_mce() - a vCPU has got its machine-check registers
 * @vcpu: own thread
 * @cmci: they interrupt for what has been corrected
 *
 * Intel manual: "CMCI Local APIC Interface".
 */
void lodge_lapic_mce(struct lodge_vcpu *vcpu, bool cmci)
{
	struct lodge_apic_regs *r;

	if (!vcpu->apic)
		return;
	r = &vcpu->apic->regs;
	if (r->cmci != cmci)
		WRITE_ONCE(r->reg[R_LVTCMCI].v, cmci ? LVT_MASKED : 0);
	r->cmci = cmci;
	r->reg[R_VERSION].v = lodge_apic_version(r);
}

/**
 * lodge_lapic_reset() - power-on or INIT
 * @vcpu: own thread
 * @init: INIT: id, mode and address stay
 */
void lodge_lapic_reset(struct lodge_vcpu *vcpu, bool init)
{
	struct lodge_lapic *apic = vcpu->apic;

	if (!apic)
		return;
	lodge_timer_stop(apic);
	apic->pv_eoi_set = false;
	if (!init)
		xchg(&apic->latched, 0);
	apic->regs.lint0_masked =
		lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_LINT0_REENABLED);
	lodge_apic_regs_reset(&apic->regs, init);
	lodge_apic_publish(apic);
	lodge_apic_moved(apic);
}

/**
 * lodge_lapic_create() - give a vCPU a local APIC
 * @vcpu: not yet published; its VM has chips in the kernel
 */
int lodge_lapic_create(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = lodge_page_alloc();

	if (!apic)
		return -ENOMEM;
	apic->vcpu = vcpu;
	apic->chip = vcpu->vm->irqchip;
	apic->bus_id = LODGE_NOBODY;
	apic->regs.x2id = vcpu->id;
	apic->regs.boot_id = vcpu->vm->boot_id;
	if (lodge_caps.irq_posting)
		apic->regs.hold = apic->chip->eoi_vectors;
	lodge_apic_regs_reset(&apic->regs, false);
	lodge_timer_init(apic);
	vcpu->apic = apic;
	return 0;
}

/**
 * lodge_lapic_destroy() - take it away
 * @vcpu: not running, and nobody sends to it any more
 */
void lodge_lapic_destroy(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;

	if (!apic)
		return;
	hrtimer_cancel(&apic->timer);
	vcpu->apic = NULL;
	lodge_page_free(apic);
}
