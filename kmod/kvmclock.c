// SPDX-License-Identifier: GPL-2.0
/*
 * kvmclock: pages from which a guest computes the time with its TSC alone.
 *
 * One pair of host TSC and time serves all vCPUs of a VM, so their clocks
 * agree to the nanosecond; it is taken anew only when the user sets the
 * clock (or at each update, where the host's TSC can't be relied on).
 * Called by run.c for LODGE_REQ_CLOCK, clock.c and the VM's ioctls.
 * Next: steal.c.
 */
#include <linux/ktime.h>
#include <asm/pvclock-abi.h>

#include "lodge.h"
#include "pvclock.h"

#define CLOCK_FLAGS (KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | \
		     KVM_CLOCK_HOST_TSC)

static void clock_take_pair(struct lodge_vm *vm)
{
	struct lodge_clock *c = &vm->clock;

	lockdep_assert_held(&vm->clock_lock);
	lodge_clock_pair(&c->master_tsc, &c->master_ns);
	WRITE_ONCE(c->master, true);
}

/* kvmclock at a host TSC, exactly as a guest with an unscaled TSC has it. */
static u64 clock_at(const struct lodge_clock *c, u64 tsc)
{
	u32 mul;
	s8 shift;

	lodge_pvclock_ratio(c->tsc_khz, &mul, &shift);
	return c->master_ns + c->offset_ns +
	       lodge_pvclock_scale(tsc - c->master_tsc, mul, shift);
}

static u64 clock_now(const struct lodge_clock *c, u64 *tsc)
{
	u64 ns;

	lodge_clock_pair(tsc, &ns);
	if (c->master && lodge_clock_stable())
		return clock_at(c, *tsc);
	return ns + c->offset_ns;
}

/**
 * lodge_kvmclock_ns() - a VM's kvmclock now
 * @vm: whose; clock_lock not held
 *
 * Return: ns.
 */
u64 lodge_kvmclock_ns(struct lodge_vm *vm)
{
	unsigned long flags;
	u64 ns, tsc;

	lodge_lock_irqsave(&vm->clock_lock, flags);
	ns = clock_now(&vm->clock, &tsc);
	lodge_unlock_irqrestore(&vm->clock_lock, flags);
	return ns;
}

/* Do the TSCs of all vCPUs count from the same moment? */
static bool clock_matched(struct lodge_vcpu *vcpu)
{
	struct lodge_vm *vm = vcpu->vm;
	u32 i, nr = smp_load_acquire(&vm->nr_vcpus);	/* they are made */

	for (i = 0; i < nr; i++) {
		const struct lodge_vclock *v = &vm->vcpu[i]->clock;

		if (READ_ONCE(v->tsc_offset) != vcpu->clock.tsc_offset ||
		    READ_ONCE(v->tsc_ratio) != vcpu->clock.tsc_ratio)
			return false;
	}
	return true;
}

/**
 * lodge_versioned_write() - write what guests read under a version
 * @vm: whose memory
 * @gpa: where
 * @p: structure to write, its version the one that is there now
 * @n: its bytes
 * @at: offset of its version
 *
 * The version is odd while it is being written: another vCPU of the guest
 * may be reading.
 *
 * Context: outside the bracket; may sleep.
 */
void lodge_versioned_write(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n,
			   size_t at)
{
	u32 *version = p + at;

	*version = (*version + 1) | 1;
	if (lodge_gpa_write(vm, gpa + at, version, sizeof(*version)))
		return;
	smp_wmb();	/* odd, then the rest */
	lodge_gpa_write(vm, gpa, p, n);
	smp_wmb();	/* the rest, then even */
	++*version;
	lodge_gpa_write(vm, gpa + at, version, sizeof(*version));
}

static void clock_page_write(struct lodge_vcpu *vcpu,
			     struct pvclock_vcpu_time_info *info)
{
	gpa_t gpa = vcpu->clock.system_time_msr & ~1ULL;
	struct pvclock_vcpu_time_info old;

	if (lodge_gpa_read(vcpu->vm, gpa, &old, sizeof(old)))
		return;
	info->version = old.version;
	info->flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	lodge_versioned_write(vcpu->vm, gpa, info, sizeof(*info),
			      offsetof(struct pvclock_vcpu_time_info, version));
}

/**
 * lodge_wall_clock_write() - tell the guest when its kvmclock was 0
 * @vcpu: whose; the page is the one it has named
 *
 * Context: outside the bracket; may sleep.
 */
void lodge_wall_clock_write(struct lodge_vcpu *vcpu)
{
	gpa_t gpa = vcpu->clock.wall_clock_msr;
	struct lodge_vm *vm = vcpu->vm;
	struct pvclock_wall_clock wall;
	u64 ns;

	if (!gpa || lodge_gpa_read(vm, gpa, &wall, sizeof(wall)))
		return;
	ns = ktime_to_ns(ktime_mono_to_real(ktime_get())) - lodge_kvmclock_ns(vm);
	wall.sec = div_u64_rem(ns, NSEC_PER_SEC, &wall.nsec);
	lodge_versioned_write(vm, gpa, &wall, sizeof(wall),
			      offsetof(struct pvclock_wall_clock, version));
}

/**
 * lodge_clock_update() - write what the guest's clock pages should say
 * @vcpu: whose
 *
 * Context: its own thread, outside the bracket; may sleep.
 */
void lodge_clock_update(struct lodge_vcpu *vcpu)
{
	struct pvclock_vcpu_time_info info = {};
	struct lodge_vclock *v = &vcpu->clock;
	struct lodge_vm *vm = vcpu->vm;
	bool stable = lodge_clock_stable();
	unsigned long flags;

	lodge_lock_irqsave(&vm->clock_lock, flags);
	if (!vm->clock.master || !stable)
		clock_take_pair(vm);
	info.tsc_timestamp = v->tsc_offset +
		lodge_tsc_scale(vm->clock.master_tsc, v->tsc_ratio,
				lodge_caps.tsc_ratio_frac_bits);
	info.system_time = vm->clock.master_ns + vm->clock.offset_ns;
	lodge_unlock_irqrestore(&vm->clock_lock, flags);

	if (v->wall_clock_due) {
		v->wall_clock_due = false;
		lodge_wall_clock_write(vcpu);
	}
	v->page_cpu = raw_smp_processor_id();
	if (!(v->system_time_msr & 1))
		return;
	info.tsc_to_system_mul = v->ns_mul;
	info.tsc_shift = v->ns_shift;
	if (stable && clock_matched(vcpu))
		info.flags |= PVCLOCK_TSC_STABLE_BIT;
	if (v->guest_stopped) {
		v->guest_stopped = false;
		info.flags |= PVCLOCK_GUEST_STOPPED;
	}
	clock_page_write(vcpu, &info);
}

/**
 * lodge_clock_get() - KVM_GET_CLOCK
 * @vm: whose
 * @d: filled
 *
 * Return: 0.
 */
int lodge_clock_get(struct lodge_vm *vm, struct kvm_clock_data *d)
{
	unsigned long flags;
	u64 tsc;

	memset(d, 0, sizeof(*d));
	lodge_lock_irqsave(&vm->clock_lock, flags);
	d->clock = clock_now(&vm->clock, &tsc);
	if (vm->clock.master && lodge_clock_stable()) {
		d->realtime = ktime_to_ns(ktime_mono_to_real(ktime_get()));
		d->host_tsc = tsc;
		d->flags = CLOCK_FLAGS;
	}
	lodge_unlock_irqrestore(&vm->clock_lock, flags);
	return 0;
}

/**
 * lodge_clock_set() - KVM_SET_CLOCK
 * @vm: whose
 * @d: time; with KVM_CLOCK_REALTIME, what it was at that wall-clock time
 *
 * Return: 0, or -EINVAL: unknown flags.
 */
int lodge_clock_set(struct lodge_vm *vm, const struct kvm_clock_data *d)
{
	struct lodge_clock *c = &vm->clock;
	u64 clock = d->clock, real;
	unsigned long flags;

	if (d->flags & ~CLOCK_FLAGS)
		return -EINVAL;
	lodge_lock_irqsave(&vm->clock_lock, flags);
	clock_take_pair(vm);
	if (d->flags & KVM_CLOCK_REALTIME) {
		real = ktime_to_ns(ktime_mono_to_real(ktime_get()));
		if (real > d->realtime)
			clock += real - d->realtime;
	}
	c->offset_ns = clock - c->master_ns;
	lodge_unlock_irqrestore(&vm->clock_lock, flags);
	lodge_vm_request(vm, LODGE_REQ_CLOCK, false);
	return 0;
}

/**
 * lodge_clock_stopped() - KVM_KVMCLOCK_CTRL: tell the guest it was paused
 * @vcpu: whose
 *
 * Return: 0, or -EINVAL: the guest has no kvmclock.
 */
int lodge_clock_stopped(struct lodge_vcpu *vcpu)
{
	if (!(vcpu->clock.system_time_msr & 1))
		return -EINVAL;
	vcpu->clock.guest_stopped = true;
	lodge_vcpu_request(vcpu, LODGE_REQ_CLOCK);
	return 0;
}
