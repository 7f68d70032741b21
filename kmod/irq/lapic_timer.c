// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline.
 *
 * Its state is a time, apic->target, that belongs to the vCPU's thread. The
 * hrtimer behind it is only an alarm: it asks the thread to look at the
 * clock (LODGE_REQ_TIMER), so one that comes late or for nothing does no
 * harm, and nothing needs to wait for it. A guest whose thread does not run
 * costs the host no interrupts either. Where the hardware ends the guest's run
 * at a given TSC, TSC-deadline mode needs the alarm only while the vCPU sleeps.
 *
 * Follows the Intel SDM, "APIC Timer". The timer's clock is 1 GHz: VMMs count
 * on it, unless they have chosen another (vm->apic_bus_ns). Next: lapic_ipi.c.
 */
#include "chips.h"
#include "apic_bits.h"

/* Shorter periods are stretched, or a guest could do nothing else. */
#define PERIOD_MIN_NS	200000ULL
/* Later than any machine's end, and no sum with it overflows. */
#define FAR_NS		(1ULL << 62)

static unsigned int divide_shift(const struct lodge_lapic *apic)
{
	u32 v = apic->regs.reg[R_TDCR].v;

	/* 0: by 2, 1: by 4 ... 6: by 128, 7: by 1 */
	return (((v & 3) | (v & 8) >> 1) + 1) & 7;
}

static bool deadline_mode(const struct lodge_lapic *apic)
{
	return (apic->regs.reg[R_LVTT].v & LVT_TIMER) == LVT_DEADLINE;
}

static bool periodic_mode(const struct lodge_lapic *apic)
{
	return (apic->regs.reg[R_LVTT].v & LVT_TIMER) == LVT_PERIODIC;
}

static u64 ticks_to_ns(const struct lodge_lapic *apic, u32 ticks)
{
	return min(((u64)ticks << divide_shift(apic)) *
		   apic->vcpu->vm->apic_bus_ns, FAR_NS);
}

/* Up: what has not come yet is not 0, and comes again when it is set. */
static u32 ns_to_ticks(const struct lodge_lapic *apic, u64 ns)
{
	u64 tick = (u64)apic->vcpu->vm->apic_bus_ns << divide_shift(apic);

	return min_t(u64, ns / tick + !!(ns % tick), U32_MAX);
}

static u64 period_ns(const struct lodge_lapic *apic)
{
	return max(ticks_to_ns(apic, apic->regs.reg[R_TMICT].v), PERIOD_MIN_NS);
}

static enum hrtimer_restart timer_alarm(struct hrtimer *t)
{
	struct lodge_lapic *apic = container_of(t, struct lodge_lapic, timer);

	lodge_vcpu_request(apic->vcpu, LODGE_REQ_TIMER);
	return HRTIMER_NORESTART;
}

static void timer_arm(struct lodge_lapic *apic)
{
	if (apic->target)
		hrtimer_start(&apic->timer, ns_to_ktime(apic->target),
			      HRTIMER_MODE_ABS_PINNED_HARD);
}

/*
 * Does the hardware look at the guest's TSC for us? Its timer stands still in
 * the deeper idle states that a guest may reach by MWAIT.
 */
static bool timer_in_hardware(const struct lodge_lapic *apic)
{
	return lodge_caps.timer && deadline_mode(apic) &&
	       !apic->vcpu->clock.tsc_ratio &&
	       !(apic->vcpu->vm->exits_off & KVM_X86_DISABLE_EXITS_MWAIT);
}

/* In TSC-deadline mode: when, and at once if it has passed. */
static void deadline_arm(struct lodge_lapic *apic)
{
	struct lodge_vcpu *vcpu = apic->vcpu;
	u64 tsc = lodge_tsc_read(vcpu);
	u64 ns = 0, hardware = 0;

	if (apic->tscdeadline > tsc)
		ns = min(lodge_tsc_to_ns(vcpu, apic->tscdeadline - tsc),
			 FAR_NS) + 1;
	apic->target = ktime_get_ns() + ns;
	if (!ns) {
		lodge_lapic_timer_inject(vcpu);
		return;
	}
	/* What lies too far ahead would, by the host's TSC, have passed. */
	if (timer_in_hardware(apic) && apic->tscdeadline - tsc < BIT_ULL(62))
		hardware = apic->tscdeadline - vcpu->clock.tsc_offset;
	if (lodge_caps.timer)
		lodge_ops->set_timer(vcpu, hardware);
	if (!timer_in_hardware(apic))
		timer_arm(apic);
}

/**
 * lodge_lapic_timer_sleep() - the vCPU is not going to run for a while
 * @vcpu: own thread
 */
void lodge_lapic_timer_sleep(struct lodge_vcpu *vcpu)
{
	if (vcpu->apic && timer_in_hardware(vcpu->apic))
		timer_arm(vcpu->apic);
}

/**
 * lodge_lapic_tsc_moved() - the guest's TSC has been set
 * @vcpu: own thread
 */
void lodge_lapic_tsc_moved(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;

	if (apic && apic->target && deadline_mode(apic))
		deadline_arm(apic);
}

/**
 * lodge_timer_init() - prepare a timer that is off
 * @apic: whose
 */
void lodge_timer_init(struct lodge_lapic *apic)
{
	lodge_host_timer_init(&apic->timer, timer_alarm);
}

/**
 * lodge_timer_stop() - off
 * @apic: whose
 */
void lodge_timer_stop(struct lodge_lapic *apic)
{
	apic->target = 0;
	apic->tscdeadline = 0;
	if (lodge_caps.timer)
		lodge_ops->set_timer(apic->vcpu, 0);
	hrtimer_cancel(&apic->timer);
}

/**
 * lodge_timer_start() - count down, or not, in one-shot and periodic mode
 * @apic: whose
 * @ticks: to go in this round; 0: off
 */
void lodge_timer_start(struct lodge_lapic *apic, u32 ticks)
{
	u64 ns = ticks_to_ns(apic, ticks);

	if (!ticks) {
		lodge_timer_stop(apic);
		return;
	}
	if (periodic_mode(apic) && ticks == apic->regs.reg[R_TMICT].v)
		ns = period_ns(apic);
	apic->target = ktime_get_ns() + ns;
	timer_arm(apic);
}

/**
 * lodge_timer_mode() - LVTT went into or out of TSC-deadline mode
 * @apic: whose
 */
void lodge_timer_mode(struct lodge_lapic *apic)
{
	lodge_timer_stop(apic);
	apic->regs.reg[R_TMICT].v = 0;
}

/**
 * lodge_timer_left() - the current count
 * @apic: whose
 *
 * Return: ticks to go, 0 if off or in TSC-deadline mode.
 */
u32 lodge_timer_left(struct lodge_lapic *apic)
{
	u64 now, period, past;

	if (!apic->target || deadline_mode(apic))
		return 0;
	now = ktime_get_ns();
	if (apic->target > now)
		return ns_to_ticks(apic, apic->target - now);
	if (!periodic_mode(apic))
		return 0;
	period = period_ns(apic);
	past = (now - apic->target) % period;
	return ns_to_ticks(apic, period - past);
}

/**
 * lodge_lapic_timer_inject() - deliver what is due
 * @vcpu: own thread
 *
 * Periods that passed unseen become one interrupt.
 */
void lodge_lapic_timer_inject(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;
	u64 now, period;

	if (!apic || !apic->target)
		return;
	now = ktime_get_ns();
	if (deadline_mode(apic)) {
		/* By the guest's own clock alone. */
		if (lodge_tsc_read(vcpu) < apic->tscdeadline) {
			deadline_arm(apic);
			return;
		}
		apic->tscdeadline = 0;
		apic->target = 0;
		if (lodge_caps.timer)
			lodge_ops->set_timer(vcpu, 0);
	} else if (now < apic->target) {
		return;
	} else if (periodic_mode(apic)) {
		period = period_ns(apic);
		apic->target += ((now - apic->target) / period + 1) * period;
		timer_arm(apic);
	} else {
		apic->target = 0;
	}
	lodge_lapic_local(apic, R_LVTT);
}

/**
 * lodge_lapic_tscdeadline() - IA32_TSC_DEADLINE
 * @vcpu: own thread
 */
u64 lodge_lapic_tscdeadline(struct lodge_vcpu *vcpu)
{
	struct lodge_lapic *apic = vcpu->apic;

	return apic && deadline_mode(apic) ? apic->tscdeadline : 0;
}

/**
 * lodge_lapic_set_tscdeadline() - write IA32_TSC_DEADLINE
 * @vcpu: own thread
 * @v: guest TSC at which to interrupt; 0: off
 *
 * Ignored when the timer is not in TSC-deadline mode.
 */
void lodge_lapic_set_tscdeadline(struct lodge_vcpu *vcpu, u64 v)
{
	struct lodge_lapic *apic = vcpu->apic;

	if (!apic || !lodge_apic_hw_enabled(&apic->regs) ||
	    !deadline_mode(apic))
		return;
	if (!v) {
		lodge_timer_stop(apic);
		return;
	}
	apic->tscdeadline = v;
	deadline_arm(apic);
}
