// SPDX-License-Identifier: GPL-2.0
/*
 * KVM's paravirtual interface: its MSRs and its hypercalls.
 *
 * Called by msr.c and exit.c, in the bracket or out of it. What writes to
 * guest memory is left to a request. Next: kvmclock.c, steal.c, apf.c.
 */
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "ioctl.h"
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
	case MSR_KVM_ASYNC_PF_EN:
		return pv_has(vcpu, KVM_FEATURE_ASYNC_PF);
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
		return pv_has(vcpu, KVM_FEATURE_ASYNC_PF_INT);
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
	case MSR_KVM_ASYNC_PF_EN:
		*v = vcpu->apf.en_msr;
		return 0;
	case MSR_KVM_ASYNC_PF_INT:
		*v = vcpu->apf.int_msr;
		return 0;
	case MSR_KVM_ASYNC_PF_ACK:
		*v = 0;
		return 0;
	default:
		return 1;
	}
}

static int pv_steal_write(struct lodge_vcpu *vcpu, u64 v)
{
	if (v & KVM_STEAL_RESERVED_MASK)
		return 1;
	/* By the user: the page left behind may ask for a flush. */
	if (vcpu->clock.steal_preempted)
		lodge_ops->flush_tlb(vcpu);
	vcpu->clock.steal_preempted = false;
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

static int pv_apf_write(struct lodge_vcpu *vcpu, u64 v)
{
	if ((v & KVM_ASYNC_PF_DELIVERY_AS_INT) &&
	    !pv_has(vcpu, KVM_FEATURE_ASYNC_PF_INT))
		return 1;
	/* Of nested guests: taken, but there are none. */
	if ((v & KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT) &&
	    !pv_has(vcpu, KVM_FEATURE_ASYNC_PF_VMEXIT))
		return 1;
	return lodge_apf_enable(vcpu, v);
}

static int pv_apf_vector_write(struct lodge_vcpu *vcpu, u64 v)
{
	if (v & ~(u64)KVM_ASYNC_PF_VEC_MASK)
		return 1;
	vcpu->apf.int_msr = v;
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
 * lodge_pv_reset() - power-on or INIT: the host writes into no page any more
 * @vcpu: own thread
 *
 * Whoever starts this CPU anew may use its memory for something else.
 */
void lodge_pv_reset(struct lodge_vcpu *vcpu)
{
	vcpu->clock.system_time_msr = 0;
	pv_steal_write(vcpu, 0);
	vcpu->pv_eoi_msr = 0;
	lodge_apf_reset(vcpu, true);
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
	case MSR_KVM_ASYNC_PF_EN:
		return pv_apf_write(vcpu, v);
	case MSR_KVM_ASYNC_PF_INT:
		return pv_apf_vector_write(vcpu, v);
	case MSR_KVM_ASYNC_PF_ACK:
		if (v & 1)
			lodge_apf_again(vcpu);
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

/* kvm_run.hypercall, whose last field is named otherwise in headers of 6.1. */
struct pv_exit {
	u64 nr, args[6], ret, flags;
};

static_assert(sizeof(struct pv_exit) ==
	      sizeof_field(struct kvm_run, hypercall));

static struct pv_exit *pv_exit(struct lodge_vcpu *vcpu)
{
	return (struct pv_exit *)&vcpu->run->hypercall;
}

static void pv_return(struct lodge_vcpu *vcpu, u64 ret, u64 next_rip)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);

	r->gpr[LODGE_RAX] = lodge_regs_long64(r) ? ret : (u32)ret;
	lodge_skip(vcpu, next_rip);
}

/* The user has made it. */
static int pv_complete(struct lodge_vcpu *vcpu)
{
	/* The user may have loaded another state in between. */
	if (vcpu->regs.rip == vcpu->pio_rip)
		pv_return(vcpu, READ_ONCE(pv_exit(vcpu)->ret),
			  vcpu->pio_next_rip);
	return LODGE_RESUME;
}

/* RIP stays on the instruction until the user comes back. */
static int pv_to_user(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		      u64 nr, const u64 *arg, bool long64)
{
	*pv_exit(vcpu) = (struct pv_exit){
		.nr = nr, .args = { arg[0], arg[1], arg[2] },
		.flags = long64 ? KVM_EXIT_HYPERCALL_LONG_MODE : 0,
	};
	vcpu->run->exit_reason = KVM_EXIT_HYPERCALL;
	vcpu->pio_rip = vcpu->regs.rip;
	vcpu->pio_next_rip = exit->next_rip;
	vcpu->complete = pv_complete;
	return LODGE_TO_USER;
}

/* KVM_HC_MAP_GPA_RANGE: @arg is an address, and how many pages from there. */
static bool pv_range_valid(const u64 *arg)
{
	u64 end;

	return PAGE_ALIGNED(arg[0]) && arg[1] &&
	       !check_add_overflow(arg[0] >> PAGE_SHIFT, arg[1], &end);
}

/* What needs neither the user nor to sleep. */
static s64 pv_call(struct lodge_vcpu *vcpu, u64 nr, const u64 *arg, bool long64)
{
	switch (nr) {
	case KVM_HC_VAPIC_POLL_IRQ:
		return 0;
	case KVM_HC_KICK_CPU:
		if (!pv_has(vcpu, KVM_FEATURE_PV_UNHALT))
			break;
		return pv_kick_cpu(vcpu, arg[1]);
	case KVM_HC_SEND_IPI:
		if (!pv_has(vcpu, KVM_FEATURE_PV_SEND_IPI))
			break;
		return pv_send_ipi(vcpu, arg, long64);
	case KVM_HC_SCHED_YIELD:
		if (!pv_has(vcpu, KVM_FEATURE_PV_SCHED_YIELD))
			break;
		return 0;
	}
	return -KVM_ENOSYS;
}

/**
 * lodge_hypercall() - VMCALL or VMMCALL
 * @vcpu: that made it
 * @exit: with next_rip
 * @may_sleep: outside the bracket
 *
 * The number is in RAX, arguments in RBX, RCX, RDX and RSI, the result goes
 * to RAX; outside 64-bit code the lower halves.
 *
 * Return: LODGE_RESUME, LODGE_SLOW: where others have their turn, or
 * LODGE_TO_USER: what KVM_CAP_EXIT_HYPERCALL gives to the user.
 */
int lodge_hypercall(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		    bool may_sleep)
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
	if (lodge_regs_cpl(r)) {
		ret = -KVM_EPERM;
	} else if (nr == KVM_HC_MAP_GPA_RANGE &&
		   READ_ONCE(vcpu->vm->user_hypercalls) & BIT(nr)) {
		if (pv_range_valid(arg))
			return pv_to_user(vcpu, exit, nr, arg, long64);
		ret = -KVM_EINVAL;
	} else {
		ret = pv_call(vcpu, nr, arg, long64);
		if (nr == KVM_HC_SCHED_YIELD && !ret && !may_sleep)
			return LODGE_SLOW;	/* as a PAUSE too many */
	}
	pv_return(vcpu, ret, exit->next_rip);
	return LODGE_RESUME;
}
