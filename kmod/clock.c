// SPDX-License-Identifier: GPL-2.0
/*
 * The time stamp counter of a vCPU.
 *
 * A guest's TSC is the host's, scaled if the hardware can, plus an offset.
 * The vCPUs of a VM get the same offset unless the user really wants others.
 * Called by msr.c, the vCPU's ioctls and the APIC timer. Next: kvmclock.c.
 */
#include <linux/ktime.h>
#include <asm/tsc.h>

#include "lodge.h"
#include "pvclock.h"

#define TSC_TOLERANCE_PPM	250
#define TSC_MATCH_NS		1000000000ULL	/* writes so near are meant equal */

static u64 tsc_host(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return lo | (u64)hi << 32;
}

/**
 * lodge_clock_base_ns() - the host's clock that a kvmclock follows
 *
 * Raw, so that it ticks as the TSC does, and goes on over a suspend.
 *
 * Return: ns.
 */
u64 lodge_clock_base_ns(void)
{
	return ktime_to_ns(ktime_get_raw()) +
	       ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

/**
 * lodge_clock_pair() - TSC and clock at the same moment
 * @tsc: the host's TSC
 * @ns: lodge_clock_base_ns() then
 *
 * Context: any but NMI; interrupts are off for about a microsecond.
 */
void lodge_clock_pair(u64 *tsc, u64 *ns)
{
	u64 best = ~0ULL, before, after, now;
	unsigned long flags;
	int i;

	local_irq_save(flags);
	for (i = 0; i < 4; i++) {
		before = tsc_host();
		now = lodge_clock_base_ns();
		after = tsc_host();
		if (after - before >= best)
			continue;
		best = after - before;
		*tsc = before + best / 2;
		*ns = now;
	}
	local_irq_restore(flags);
}

/**
 * lodge_clock_stable() - do all CPUs of the host count alike, for ever?
 */
bool lodge_clock_stable(void)
{
	return !check_tsc_unstable();
}

/**
 * lodge_clock_vm_init() - the clock of a new VM starts at 0
 * @vm: being created
 *
 * Return: 0, or -ENODEV: the host does not know how fast its TSC is.
 */
int lodge_clock_vm_init(struct lodge_vm *vm)
{
	struct lodge_clock *c = &vm->clock;

	if (!tsc_khz)
		return -ENODEV;
	raw_spin_lock_init(&vm->clock_lock);
	memset(c, 0, sizeof(*c));
	c->tsc_khz = tsc_khz;
	c->vcpu_khz = tsc_khz;
	c->offset_ns = -lodge_clock_base_ns();
	return 0;
}

static u64 tsc_scaled(struct lodge_vcpu *vcpu, u64 tsc)
{
	return lodge_tsc_scale(tsc, vcpu->clock.tsc_ratio,
			       lodge_caps.tsc_ratio_frac_bits);
}

/* The guests' clocks are computed from the offsets: say that one changed. */
static void tsc_offset_set(struct lodge_vcpu *vcpu, u64 offset)
{
	vcpu->clock.tsc_offset = offset;
	lodge_ops->set_tsc(vcpu, offset, vcpu->clock.tsc_ratio);
	lodge_lapic_tsc_moved(vcpu);
	if (READ_ONCE(vcpu->vm->clock.master))
		lodge_vm_request(vcpu->vm, LODGE_REQ_CLOCK, false);
}

/* Is @v what a TSC written with last_tsc_write would say after @elapsed ns? */
static bool tsc_matches(struct lodge_vcpu *vcpu, u64 v, u64 elapsed)
{
	const struct lodge_clock *c = &vcpu->vm->clock;
	u64 ns;

	if (!c->tsc_written || c->last_tsc_khz != vcpu->clock.tsc_khz)
		return false;
	if (v == 0)
		return true;
	if (!c->tsc_by_user)
		return false;
	if (v < c->last_tsc_write) {
		ns = lodge_tsc_to_ns(vcpu, c->last_tsc_write - v);
		return ns < TSC_MATCH_NS && elapsed < TSC_MATCH_NS - ns;
	}
	ns = lodge_tsc_to_ns(vcpu, v - c->last_tsc_write);
	return (ns > elapsed ? ns - elapsed : elapsed - ns) < TSC_MATCH_NS;
}

/* What the next ones written are compared with. */
static void tsc_wrote(struct lodge_vcpu *vcpu, u64 v, u64 ns, u64 offset)
{
	struct lodge_clock *c = &vcpu->vm->clock;

	c->tsc_written = true;
	c->last_tsc_write = v;
	c->last_tsc_ns = ns;
	c->last_tsc_khz = vcpu->clock.tsc_khz;
	c->last_tsc_offset = offset;
}

/*
 * Users write the TSCs of all vCPUs one after another, and mean the same
 * moment: a value that is near what the last one written has become by now
 * gets its offset. 0 always means: as the others. What a new vCPU starts with
 * is no such value.
 */
static void tsc_sync(struct lodge_vcpu *vcpu, u64 v, bool user)
{
	struct lodge_clock *c = &vcpu->vm->clock;
	u64 tsc, ns, offset;
	unsigned long flags;

	lodge_lock_irqsave(&vcpu->vm->clock_lock, flags);
	lodge_clock_pair(&tsc, &ns);
	if (tsc_matches(vcpu, v, ns - c->last_tsc_ns)) {
		offset = c->last_tsc_offset;
	} else {
		offset = v - tsc_scaled(vcpu, tsc);
		tsc_wrote(vcpu, v, ns, offset);
	}
	c->tsc_by_user |= user;
	lodge_unlock_irqrestore(&vcpu->vm->clock_lock, flags);
	tsc_offset_set(vcpu, offset);
}

/**
 * lodge_clock_vcpu_init() - TSC and clocks after power-on
 * @vcpu: that the vendor knows already
 */
void lodge_clock_vcpu_init(struct lodge_vcpu *vcpu)
{
	memset(&vcpu->clock, 0, sizeof(vcpu->clock));
	vcpu->clock.tsc_khz = vcpu->vm->clock.vcpu_khz;
	vcpu->clock.tsc_ratio = vcpu->vm->clock.vcpu_ratio;
	vcpu->clock.tsc_lost = READ_ONCE(vcpu->vm->clock.tsc_lost);
	vcpu->clock.page_cpu = -1;
	lodge_pvclock_ratio(vcpu->clock.tsc_khz, &vcpu->clock.ns_mul,
			    &vcpu->clock.ns_shift);
	tsc_sync(vcpu, 0, false);
}

/**
 * lodge_tsc_read() - the guest's TSC now
 * @vcpu: whose
 */
u64 lodge_tsc_read(struct lodge_vcpu *vcpu)
{
	return tsc_scaled(vcpu, tsc_host()) + vcpu->clock.tsc_offset;
}

/**
 * lodge_tsc_write() - write MSR IA32_TIME_STAMP_COUNTER
 * @vcpu: whose
 * @v: value
 * @host: from the user, who means all vCPUs; the guest means this one
 *
 * Intel manual: "IA32_TSC_ADJUST Register Support".
 */
void lodge_tsc_write(struct lodge_vcpu *vcpu, u64 v, bool host)
{
	u64 delta;

	if (host) {
		tsc_sync(vcpu, v, true);
		return;
	}
	delta = v - lodge_tsc_read(vcpu);
	vcpu->clock.tsc_adjust += delta;
	tsc_offset_set(vcpu, vcpu->clock.tsc_offset + delta);
}

/**
 * lodge_tsc_set_offset() - the attribute KVM_VCPU_TSC_OFFSET
 * @vcpu: whose
 * @offset: to be added to the host's TSC, after scaling
 */
void lodge_tsc_set_offset(struct lodge_vcpu *vcpu, u64 offset)
{
	u64 tsc, ns;
	unsigned long flags;

	lodge_lock_irqsave(&vcpu->vm->clock_lock, flags);
	lodge_clock_pair(&tsc, &ns);
	tsc_wrote(vcpu, tsc_scaled(vcpu, tsc) + offset, ns, offset);
	vcpu->vm->clock.tsc_by_user = true;
	lodge_unlock_irqrestore(&vcpu->vm->clock_lock, flags);
	tsc_offset_set(vcpu, offset);
}

/**
 * lodge_tsc_adjust() - write MSR IA32_TSC_ADJUST
 * @vcpu: whose
 * @v: value
 * @host: from the user, who restores the TSC itself as well
 */
void lodge_tsc_adjust(struct lodge_vcpu *vcpu, u64 v, bool host)
{
	u64 delta = v - vcpu->clock.tsc_adjust;

	vcpu->clock.tsc_adjust = v;
	if (!host && delta)
		tsc_offset_set(vcpu, vcpu->clock.tsc_offset + delta);
}

/**
 * lodge_tsc_to_ns() - ticks of the guest's TSC in nanoseconds
 * @vcpu: whose
 * @guest_tsc_delta: ticks
 *
 * Return: ns, ~0 if it is more.
 */
u64 lodge_tsc_to_ns(struct lodge_vcpu *vcpu, u64 guest_tsc_delta)
{
	return lodge_pvclock_scale(guest_tsc_delta, vcpu->clock.ns_mul,
				   vcpu->clock.ns_shift);
}

/* The factor for @khz where the host has @host; 0: none is needed. */
static int tsc_ratio_find(u32 host, u32 khz, u64 *ratio)
{
	u32 slack = (u64)host * TSC_TOLERANCE_PPM / 1000000;

	*ratio = 0;
	if (khz >= host - slack && khz <= host + slack)
		return 0;
	if (lodge_caps.tsc_ratio_frac_bits)
		*ratio = lodge_tsc_ratio(khz, host,
					 lodge_caps.tsc_ratio_frac_bits);
	return *ratio ? 0 : -EINVAL;
}

/**
 * lodge_tsc_set_khz() - KVM_SET_TSC_KHZ on a vCPU
 * @vcpu: whose
 * @khz: frequency that the guest is to see; 0: the host's
 *
 * Return: 0, or -EINVAL: it is another than the host's and the hardware does
 * not scale, or not that far.
 */
int lodge_tsc_set_khz(struct lodge_vcpu *vcpu, u32 khz)
{
	u32 host = vcpu->vm->clock.tsc_khz;
	u64 ratio;

	if (!khz)
		khz = host;
	if (tsc_ratio_find(host, khz, &ratio))
		return -EINVAL;
	vcpu->clock.tsc_khz = khz;
	vcpu->clock.tsc_ratio = ratio;
	lodge_pvclock_ratio(khz, &vcpu->clock.ns_mul, &vcpu->clock.ns_shift);
	tsc_offset_set(vcpu, vcpu->clock.tsc_offset);
	return 0;
}

/**
 * lodge_tsc_vm_set_khz() - KVM_SET_TSC_KHZ on a VM: of vCPUs made from now on
 * @vm: the VM
 * @khz: frequency that they are to see; 0: the host's
 *
 * Context: vm->lock held.
 * Return: 0, or -EINVAL: as on a vCPU.
 */
int lodge_tsc_vm_set_khz(struct lodge_vm *vm, u32 khz)
{
	u64 ratio;

	if (!khz)
		khz = vm->clock.tsc_khz;
	if (tsc_ratio_find(vm->clock.tsc_khz, khz, &ratio))
		return -EINVAL;
	vm->clock.vcpu_khz = khz;
	vm->clock.vcpu_ratio = ratio;
	return 0;
}

/*
 * The host's TSC has gone back: over a suspend, or from one CPU to another
 * where they don't agree. Guests must not notice. In the first case the
 * vCPUs of the VM go on together, from the last that any of them saw.
 */
static void tsc_went_back(struct lodge_vcpu *vcpu, u64 now)
{
	struct lodge_vm *vm = vcpu->vm;
	u32 i, nr = smp_load_acquire(&vm->nr_vcpus);	/* they are made */
	u64 last = vcpu->clock.tsc_seen;
	unsigned long flags;

	if (!lodge_clock_stable()) {
		tsc_offset_set(vcpu, vcpu->clock.tsc_offset +
			       tsc_scaled(vcpu, last - now));
		return;
	}
	lodge_lock_irqsave(&vm->clock_lock, flags);
	if (vm->clock.tsc_lost == vcpu->clock.tsc_lost) {
		for (i = 0; i < nr; i++)
			last = max(last,
				   READ_ONCE(vm->vcpu[i]->clock.tsc_seen));
		vm->clock.tsc_lost += last - now;
		vm->clock.last_tsc_offset += tsc_scaled(vcpu, last - now);
		vm->clock.master = false;
	}
	lodge_unlock_irqrestore(&vm->clock_lock, flags);
	lodge_vm_request(vm, LODGE_REQ_CLOCK, false);
}

/**
 * lodge_clock_check() - what time asks for before a guest is entered
 * @vcpu: of the current thread
 *
 * Context: before each bracket, outside it; may sleep.
 */
void lodge_clock_check(struct lodge_vcpu *vcpu)
{
	struct lodge_vclock *v = &vcpu->clock;
	u64 now = tsc_host(), lost;

	if (unlikely(now + v->tsc_khz < v->tsc_seen))
		tsc_went_back(vcpu, now);
	WRITE_ONCE(v->tsc_seen, now);

	lost = READ_ONCE(vcpu->vm->clock.tsc_lost);
	if (unlikely(lost != v->tsc_lost)) {
		tsc_offset_set(vcpu, v->tsc_offset +
			       tsc_scaled(vcpu, lost - v->tsc_lost));
		v->tsc_lost = lost;
	}
	if ((v->system_time_msr & 1) && v->page_cpu != raw_smp_processor_id() &&
	    unlikely(!lodge_clock_stable()))
		lodge_clock_update(vcpu);
	if (v->steal_msr & 1)
		lodge_steal_update(vcpu);
}
