// SPDX-License-Identifier: GPL-2.0
/*
 * KVM's paravirtual interface: its MSRs and its hypercalls.
 *
 * Called by msr.c and exit.c, in the bracket or out of it. What writes to
 * guest memory is left to a request. Next: kvmclock.c, steal.c.
 */
#include <linux/kvm_para.h>

#include "lodge.h"

/* The user may have it that what the guest's CPUID lacks is not there. */
static bool pv_has(const struct lodge_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv_enforce || vcpu->cpuid->pv_features & BIT(feature);
}

static bool pv_has_msr(const struct lodge_vcpu *vcpu, u32 msr)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		return pv_has(vcpu, KVM_FEATURE_CLOCKSOURCE);
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return pv_has(vcpu, KVM_FEATURE_CLOCKSOURCE2);
	case MSR_KVM_STEAL_TIME:
		return pv_has(vcpu, KVM_FEATURE_STEAL_TIME);
	case MSR_KVM_PV_EOI_EN:
		return pv_has(vcpu, KVM_FEATURE_PV_EOI);
	case MSR_KVM_POLL_CONTROL:
		return pv_has(vcpu, KVM_FEATURE_POLL_CONTROL);
	}
	return false;
}

/**
 * lodge_pv_msr_read() - read an MSR of KVM's
 * @vcpu: whose
 * @msr: MSR_KVM_*
 * @v: value
 *
 * Return: 0, or 1: there is no such MSR.
 */
int lodge_pv_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v)
{
	if (!pv_has_msr(vcpu, msr))
		return 1;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*v = vcpu->clock.wall_clock_msr;
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*v = vcpu->clock.system_time_msr;
		return 0;
	case MSR_KVM_STEAL_TIME:
		*v = vcpu->clock.steal_msr;
		return 0;
	case MSR_KVM_PV_EOI_EN:
		*v = vcpu->pv_eoi_msr;
		return 0;
	case MSR_KVM_POLL_CONTROL:
		*v = vcpu->pv_poll_msr;
		return 0;
	default:
		return 1;
	}
}

static int pv_steal_write(struct lodge_vcpu *vcpu, u64 v)
{
	if (v & KVM_STEAL_RESERVED_MASK)
		return 1;
	vcpu->clock.steal_msr = v;
	vcpu->clock.steal_task = NULL;	/* the next update is the first */
	if (v & KVM_MSR_ENABLED)
		lodge_vcpu_request(vcpu, LODGE_REQ_STEAL);
	return 0;
}

static int pv_eoi_write(struct lodge_vcpu *vcpu, u64 v)
{
	if (vcpu->apic && lodge_lapic_set_pv_eoi(vcpu, v))
		return 1;
	vcpu->pv_eoi_msr = v;
	return 0;
}

/* Written at once where that may sleep, else before the guest goes on. */
static void pv_wall_clock(struct lodge_vcpu *vcpu)
{
	if (!irqs_disabled()) {
		lodge_wall_clock_write(vcpu);
		return;
	}
	vcpu->clock.wall_clock_due = true;
	lodge_vcpu_request(vcpu, LODGE_REQ_CLOCK);
}

/**
 * lodge_pv_msr_write() - write an MSR of KVM's
 * @vcpu: whose
 * @msr: MSR_KVM_*
 * @v: value
 * @host: from the user
 *
 * Return: 0, or 1: #GP.
 */
int lodge_pv_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host)
{
	if (!pv_has_msr(vcpu, msr))
		return 1;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		vcpu->clock.wall_clock_msr = v;
		pv_wall_clock(vcpu);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		vcpu->clock.system_time_msr = v;
		lodge_vcpu_request(vcpu, LODGE_REQ_CLOCK);
		return 0;
	case MSR_KVM_STEAL_TIME:
		return pv_steal_write(vcpu, v);
	case MSR_KVM_PV_EOI_EN:
		return pv_eoi_write(vcpu, v);
	case MSR_KVM_POLL_CONTROL:
		if (v & ~1ULL)
			return 1;
		vcpu->pv_poll_msr = v;
		return 0;
	default:
		return 1;
	}
}

static u64 pv_ipi_bits(struct lodge_vcpu *vcpu, struct lodge_apic_msg *msg,
		       u64 bits, u32 min)
{
	u64 count = 0;

	while (bits) {
		msg->dest = min + __ffs(bits);
		bits &= bits - 1;
		if (msg->dest >= LODGE_VCPU_ID_MAX)
			break;
		if (lodge_apic_deliver(vcpu->vm, vcpu, msg) > 0)
			count++;
	}
	return count;
}

/* KVM_HC_SEND_IPI: a message to the CPUs of a bitmap that begins at @min. */
static s64 pv_send_ipi(struct lodge_vcpu *vcpu, const u64 *arg, bool long64)
{
	struct lodge_apic_msg msg = {
		.vector = arg[3] & 0xff,
		.delivery = (arg[3] >> 8) & 7,
		.assert = arg[3] & BIT(14),
		.level = arg[3] & BIT(15),
		.x2apic = true,
	};
	u32 half = long64 ? 64 : 32;
	u64 count;

	if (!vcpu->apic)
		return -KVM_ENOSYS;
	/* No logical destination, no shorthand. */
	if (arg[3] & (BIT(11) | GENMASK(19, 18)))
		return -KVM_EINVAL;
	if (arg[2] >= LODGE_VCPU_ID_MAX)
		return 0;
	count = pv_ipi_bits(vcpu, &msg, arg[0], arg[2]);
	count += pv_ipi_bits(vcpu, &msg, arg[1], arg[2] + half);
	return count;
}

/* KVM_HC_KICK_CPU: wakes the CPU with the APIC id @dest; none is no error. */
static s64 pv_kick_cpu(struct lodge_vcpu *vcpu, u64 dest)
{
	const struct lodge_apic_msg msg = {
		.dest = dest, .delivery = LODGE_DM_WAKE,
	};

	if (vcpu->apic && dest < LODGE_VCPU_ID_MAX)
		lodge_apic_deliver(vcpu->vm, vcpu, &msg);
	return 0;
}

/**
 * lodge_hypercall() - VMCALL or VMMCALL
 * @vcpu: that made it; its caller moves RIP on
 * @may_sleep: outside the bracket
 *
 * The number is in RAX, arguments in RBX, RCX, RDX and RSI, the result goes
 * to RAX; outside 64-bit code the lower halves.
 *
 * Return: LODGE_RESUME, or LODGE_SLOW: where others have their turn.
 */
int lodge_hypercall(struct lodge_vcpu *vcpu, bool may_sleep)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);
	u64 nr = r->gpr[LODGE_RAX];
	u64 arg[4] = { r->gpr[LODGE_RBX], r->gpr[LODGE_RCX],
		       r->gpr[LODGE_RDX], r->gpr[LODGE_RSI] };
	bool long64 = lodge_regs_long64(r);
	s64 ret;
	int i;

	if (!long64) {
		nr = (u32)nr;
		for (i = 0; i < 4; i++)
			arg[i] = (u32)arg[i];
	}
	if (lodge_regs_cpl(r))
		ret = -KVM_EPERM;
	else if (nr == KVM_HC_VAPIC_POLL_IRQ)
		ret = 0;
	else if (nr == KVM_HC_KICK_CPU && pv_has(vcpu, KVM_FEATURE_PV_UNHALT))
		ret = pv_kick_cpu(vcpu, arg[1]);
	else if (nr == KVM_HC_SEND_IPI &&
		 pv_has(vcpu, KVM_FEATURE_PV_SEND_IPI))
		ret = pv_send_ipi(vcpu, arg, long64);
	else if (nr == KVM_HC_SCHED_YIELD &&
		 pv_has(vcpu, KVM_FEATURE_PV_SCHED_YIELD) && !may_sleep)
		return LODGE_SLOW;	/* as a PAUSE too many */
	else if (nr == KVM_HC_SCHED_YIELD &&
		 pv_has(vcpu, KVM_FEATURE_PV_SCHED_YIELD))
		ret = 0;
	else
		ret = -KVM_ENOSYS;
	r->gpr[LODGE_RAX] = long64 ? (u64)ret : (u32)ret;
	return LODGE_RESUME;
}
