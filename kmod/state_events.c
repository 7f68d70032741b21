// SPDX-License-Identifier: GPL-2.0
/*
 * What waits for injection, and whether a vCPU runs: to the user and back.
 *
 * Called by the vCPU's ioctls, mutex held, the vCPU not running.
 * Next: event.c.
 */
#include "lodge.h"

#define EVENT_FLAGS (KVM_VCPUEVENT_VALID_NMI_PENDING | \
		     KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
		     KVM_VCPUEVENT_VALID_SHADOW | \
		     KVM_VCPUEVENT_VALID_SMM)

#define DR6_TRAPS	GENMASK_ULL(3, 0)
#define DR6_ACTIVE_LOW	0xffff0ff0ULL
#define DR6_ENABLED_BP	BIT_ULL(12)	/* of VT-x's pending exceptions alone */
#define DR7_GD		BIT_ULL(13)

/* Flags of the capabilities that the user has enabled. */
static u32 events_enabled(const struct lodge_vm *vm)
{
	u32 flags = 0;

	if (READ_ONCE(vm->exception_payload))
		flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (READ_ONCE(vm->triple_fault_event))
		flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	return flags;
}

/*
 * INT3 and INTO are executed again, they need not be kept. One that waits is
 * told from one under delivery only to those who know of the difference.
 */
static void events_get_exception(struct lodge_vcpu *vcpu,
				 struct kvm_vcpu_events *e)
{
	bool told = READ_ONCE(vcpu->vm->exception_payload);
	const struct lodge_events *ev = &vcpu->events;
	const struct lodge_event *x = &ev->exception;
	bool waits = x->valid && !ev->exception_injected;

	if (!x->valid && ev->injected.valid &&
	    ev->injected.type == LODGE_EVENT_EXCEPTION)
		x = &ev->injected;
	if (!x->valid || lodge_event_soft(x))
		return;
	e->exception.injected = !(told && waits);
	e->exception.pending = told && waits;
	e->exception.nr = x->vector;
	e->exception.has_error_code = x->has_error;
	e->exception.error_code = x->error;
	e->exception_has_payload = ev->has_payload;
	e->exception_payload = ev->has_payload ? ev->exception_payload : 0;
}

/**
 * lodge_payload_apply() - what an exception brings goes into CR2 or DR6
 * @vcpu: with has_payload set; outside the bracket
 *
 * A #DB's has the form of VT-x's pending debug exceptions.
 * Intel manual: "Debug Status Register (DR6)".
 */
void lodge_payload_apply(struct lodge_vcpu *vcpu)
{
	struct lodge_events *ev = &vcpu->events;
	u64 payload = ev->exception_payload;
	struct lodge_regs *r;

	ev->has_payload = false;
	if (!ev->exception.valid)
		return;
	if (ev->exception.vector == LODGE_PF) {
		lodge_touch(vcpu, LODGE_R_CRS)->cr2 = payload;
	} else if (ev->exception.vector == LODGE_DB) {
		r = lodge_touch(vcpu, LODGE_R_DRS);
		r->dr6 = (r->dr6 & ~DR6_TRAPS) | DR6_ACTIVE_LOW | payload;
		r->dr6 ^= payload & DR6_ACTIVE_LOW;
		r->dr6 = (u32)(r->dr6 & ~DR6_ENABLED_BP);
		r->dr7 &= ~DR7_GD;
	}
}

/**
 * lodge_events_get() - KVM_GET_VCPU_EVENTS
 * @vcpu: whose
 * @e: filled
 */
void lodge_events_get(struct lodge_vcpu *vcpu, struct kvm_vcpu_events *e)
{
	const struct lodge_event *in = &vcpu->events.injected;
	const struct lodge_regs *r = lodge_need(vcpu, LODGE_R_SHADOW);

	u32 enabled = events_enabled(vcpu->vm);

	memset(e, 0, sizeof(*e));
	if (vcpu->events.has_payload && !(enabled & KVM_VCPUEVENT_VALID_PAYLOAD))
		lodge_payload_apply(vcpu);
	events_get_exception(vcpu, e);
	if (in->valid && in->type == LODGE_EVENT_INTR) {
		e->interrupt.injected = 1;
		e->interrupt.nr = in->vector;
	} else if (!in->valid && !vcpu->apic && vcpu->events.user_irq >= 0) {
		e->interrupt.injected = 1;	/* by KVM_INTERRUPT */
		e->interrupt.nr = vcpu->events.user_irq;
	}
	if (r->shadow & LODGE_SHADOW_STI)
		e->interrupt.shadow |= KVM_X86_SHADOW_INT_STI;
	if (r->shadow & LODGE_SHADOW_MOVSS)
		e->interrupt.shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	e->nmi.injected = in->valid && in->type == LODGE_EVENT_NMI;
	lodge_nmi_collect(vcpu);
	e->nmi.pending = vcpu->events.nmi_pending;
	e->nmi.masked = r->nmi_blocked;
	e->smi.latched_init = lodge_lapic_init_latched(vcpu);
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
		   KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM |
		   enabled;
	if (enabled & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		e->triple_fault.pending = test_bit(LODGE_REQ_TRIPLE_FAULT,
						   &vcpu->requests);
}

/**
 * lodge_event_rewind() - the user sees RIP on an INT that was not delivered
 * @vcpu: its mutex held, outside the bracket
 *
 * KVM_GET_VCPU_EVENTS does not tell of it, so the instruction must be there to
 * be executed again.
 */
void lodge_event_rewind(struct lodge_vcpu *vcpu)
{
	struct lodge_events *ev = &vcpu->events;
	u8 past = ev->soft_past;

	ev->soft_past = 0;
	if (!(ev->injected.valid && lodge_event_soft(&ev->injected)) &&
	    !(ev->exception.valid && lodge_event_soft(&ev->exception)))
		return;
	vcpu->regs.rip -= past;
	ev->soft_len += past;
}

/* Without its flag the user does not know of exceptions that wait. */
static bool events_pending(const struct kvm_vcpu_events *e)
{
	return (e->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && e->exception.pending;
}

static bool events_valid(const struct kvm_vcpu_events *e, u32 enabled)
{
	if (e->flags & ~(EVENT_FLAGS | enabled))
		return false;
	if ((e->exception.injected || events_pending(e)) &&
	    (e->exception.nr > 31 || e->exception.nr == LODGE_NMI_VECTOR))
		return false;
	/* There is no system-management mode. */
	return !(e->flags & KVM_VCPUEVENT_VALID_SMM) ||
	       !(e->smi.smm || e->smi.pending || e->smi.smm_inside_nmi);
}

static void events_set_shadow(struct lodge_vcpu *vcpu, u8 shadow)
{
	struct lodge_regs *r = lodge_touch(vcpu, LODGE_R_SHADOW);

	r->shadow = 0;
	if (shadow & KVM_X86_SHADOW_INT_STI)
		r->shadow |= LODGE_SHADOW_STI;
	if (shadow & KVM_X86_SHADOW_INT_MOV_SS)
		r->shadow |= LODGE_SHADOW_MOVSS;
}

/* One event can be under way; an exception that came on top of it waits. */
static void events_set_injected(struct lodge_vcpu *vcpu,
				const struct kvm_vcpu_events *e)
{
	struct lodge_events *ev = &vcpu->events;
	bool pending = events_pending(e);
	struct lodge_event x = {
		.valid = e->exception.injected || pending,
		.type = LODGE_EVENT_EXCEPTION,
		.vector = e->exception.nr,
		.has_error = e->exception.has_error_code,
		.error = e->exception.error_code,
	};

	memset(&ev->exception, 0, sizeof(ev->exception));
	memset(&ev->injected, 0, sizeof(ev->injected));
	ev->exception_injected = !pending;
	ev->has_payload = pending && e->exception_has_payload;
	ev->exception_payload = e->exception_payload;
	ev->soft_len = x.valid && lodge_event_soft(&x);	/* INT3, INTO: one byte */
	ev->soft_past = 0;
	if (!vcpu->apic)
		ev->user_irq = -1;
	if (e->nmi.injected) {
		ev->injected.valid = true;
		ev->injected.type = LODGE_EVENT_NMI;
		ev->injected.vector = LODGE_NMI_VECTOR;
	} else if (e->interrupt.injected) {
		ev->injected.valid = true;
		ev->injected.type = e->interrupt.soft ?
			LODGE_EVENT_SOFT_INTR : LODGE_EVENT_INTR;
		ev->injected.vector = e->interrupt.nr;
	} else if (!pending) {
		ev->injected = x;
		return;
	}
	ev->exception = x;
}

/**
 * lodge_events_set() - KVM_SET_VCPU_EVENTS
 * @vcpu: whose
 * @e: as the user gave it
 *
 * Return: 0 or -EINVAL.
 */
int lodge_events_set(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	if (!events_valid(e, events_enabled(vcpu->vm)))
		return -EINVAL;
	events_set_injected(vcpu, e);
	if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		atomic_set(&vcpu->nmi_queued, 0);	/* in place of all that wait */
		vcpu->events.nmi_pending = min_t(u8, e->nmi.pending, 2);
	}
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
		events_set_shadow(vcpu, e->interrupt.shadow);
	lodge_touch(vcpu, LODGE_R_SHADOW)->nmi_blocked = !!e->nmi.masked;
	if (e->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR && vcpu->apic)
		vcpu->events.sipi_vector = e->sipi_vector;
	if (e->flags & KVM_VCPUEVENT_VALID_SMM && vcpu->apic)
		lodge_lapic_set_init(vcpu, e->smi.latched_init);
	if (e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (e->triple_fault.pending)
			lodge_vcpu_request(vcpu, LODGE_REQ_TRIPLE_FAULT);
		else
			clear_bit(LODGE_REQ_TRIPLE_FAULT, &vcpu->requests);
	}
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}

/**
 * lodge_init_sipi() - act on an INIT or a SIPI that has come
 * @vcpu: not in the guest
 *
 * One that the local APIC has latched, or that the user has set.
 * Intel manual: "Multiple-Processor (MP) Initialization".
 */
void lodge_init_sipi(struct lodge_vcpu *vcpu)
{
	u8 vector = 0;
	unsigned int latched = lodge_lapic_take_init(vcpu, &vector);
	struct lodge_seg *cs;

	if (latched & LODGE_LATCHED_INIT) {
		lodge_vcpu_reset(vcpu, true);
		WRITE_ONCE(vcpu->mp_state, vcpu->id != vcpu->vm->boot_id ?
			   KVM_MP_STATE_INIT_RECEIVED : KVM_MP_STATE_RUNNABLE);
	} else if (vcpu->mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_INIT_RECEIVED);
		latched |= LODGE_LATCHED_SIPI;
		vector = vcpu->events.sipi_vector;
	}
	if (!(latched & LODGE_LATCHED_SIPI) ||
	    vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED)
		return;
	cs = &lodge_touch(vcpu, LODGE_R_SEGS)->seg[LODGE_CS];
	cs->sel = vector << 8;
	cs->base = vector << 12;
	vcpu->regs.rip = 0;
	WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
}

/**
 * lodge_mp_get() - KVM_GET_MP_STATE
 * @vcpu: whose
 * @s: filled
 *
 * An INIT or a SIPI that has come shows in the registers after this, and a
 * vCPU that was kicked halts no more.
 *
 * Return: 0.
 */
int lodge_mp_get(struct lodge_vcpu *vcpu, struct kvm_mp_state *s)
{
	lodge_init_sipi(vcpu);
	s->mp_state = READ_ONCE(vcpu->mp_state);
	if (s->mp_state == KVM_MP_STATE_HALTED && READ_ONCE(vcpu->unhalted))
		s->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

/**
 * lodge_mp_set() - KVM_SET_MP_STATE
 * @vcpu: whose
 * @s: as the user gave it
 *
 * Without an APIC in the kernel the user itself starts and stops vCPUs.
 *
 * Return: 0 or -EINVAL.
 */
int lodge_mp_set(struct lodge_vcpu *vcpu, const struct kvm_mp_state *s)
{
	switch (s->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
	case KVM_MP_STATE_HALTED:
		if (!vcpu->apic)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	WRITE_ONCE(vcpu->mp_state, s->mp_state);
	/* What is written back ends a HLT that the CPU waits in by itself. */
	lodge_touch(vcpu, LODGE_R_SHADOW);
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}
