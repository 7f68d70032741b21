// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit means: one handler for each kind, and their table.
 *
 * run.c calls lodge_exit_handle() in the bracket, and again where it may
 * sleep if the handler says LODGE_SLOW. Next: pio.c, emulate.c, cpuid.c,
 * msr.c.
 */
#include <linux/sched.h>
#include <asm/msr-index.h>

#include "lodge.h"
#include "trace.h"

#define DR6_BS	BIT_ULL(14)

static const char * const exit_names[] = {
#define X(name, text) [LODGE_EXIT_##name] = #name,
	LODGE_EXIT_KINDS(X)
#undef X
};

/**
 * lodge_exit_name() - name of a kind of exit, as in exit.h
 * @kind: enum lodge_exit_kind
 */
const char *lodge_exit_name(u32 kind)
{
	return kind < LODGE_EXIT_NR ? exit_names[kind] : "?";
}

/**
 * lodge_skip() - move RIP past an instruction that has been handled
 * @vcpu: mutex held
 * @next_rip: of the next one
 *
 * As the instruction itself would: the interrupt shadow ends, RF is cleared,
 * a single step traps.
 */
void lodge_skip(struct lodge_vcpu *vcpu, u64 next_rip)
{
	struct lodge_regs *r = &vcpu->regs;

	r->rip = next_rip;
	if (unlikely(r->shadow))
		lodge_touch(vcpu, LODGE_R_SHADOW)->shadow = 0;
	r->rflags &= ~LODGE_RFLAGS_RF;
	if (unlikely(r->rflags & LODGE_RFLAGS_TF)) {
		lodge_touch(vcpu, LODGE_R_DRS)->dr6 |= DR6_BS;
		lodge_exception_queue(vcpu, LODGE_DB, false, 0);
	}
	if (lodge_stepping(vcpu))
		lodge_debug_stepped(vcpu);
}

static int exit_gp(struct lodge_vcpu *vcpu)
{
	lodge_exception_queue(vcpu, LODGE_GP, true, 0);
	return LODGE_RESUME;
}

static int exit_ud(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		   bool may_sleep)
{
	lodge_exception_queue(vcpu, LODGE_UD, false, 0);
	return LODGE_RESUME;
}

static int exit_nothing(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			bool may_sleep)
{
	return LODGE_RESUME;
}

static int exit_skip(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		     bool may_sleep)
{
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

static int exit_irq_window(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			   bool may_sleep)
{
	lodge_ops->request_irq_window(vcpu, false);
	vcpu->events.irq_window = false;
	/* Leave the bracket when it is the user who waits for the window. */
	return vcpu->user_pic && !may_sleep ? LODGE_SLOW : LODGE_RESUME;
}

static int exit_cpuid(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep)
{
	u64 *gpr = vcpu->regs.gpr;
	u32 leaf = gpr[LODGE_RAX], index = gpr[LODGE_RCX];
	u32 r[4];

	if (unlikely(lodge_cpuid_faults(vcpu)))
		return exit_gp(vcpu);
	lodge_cpuid_read(vcpu, leaf, index, r);
	gpr[LODGE_RAX] = r[0];
	gpr[LODGE_RBX] = r[1];
	gpr[LODGE_RCX] = r[2];
	gpr[LODGE_RDX] = r[3];
	trace_lodge_cpuid(leaf, index, gpr);
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

/**
 * lodge_hlt() - the guest has executed HLT
 * @vcpu: mutex held, RIP past the instruction
 *
 * Return: a verdict: with an APIC in the kernel run.c waits, else the user.
 */
int lodge_hlt(struct lodge_vcpu *vcpu)
{
	if (vcpu->apic) {
		/* What it waits for may be there: no need to leave the bracket. */
		if (lodge_vcpu_wakes(vcpu))
			lodge_vcpu_woken(vcpu);
		else
			WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_HALTED);
		return LODGE_RESUME;
	}
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return LODGE_TO_USER;
}

static int exit_hlt(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		    bool may_sleep)
{
	lodge_skip(vcpu, exit->next_rip);
	return lodge_hlt(vcpu);
}

static int exit_io(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		   bool may_sleep)
{
	if (exit->io.string)
		return lodge_emulate(vcpu, exit, may_sleep);
	return lodge_pio(vcpu, exit);
}

static int exit_msr_read(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			 bool may_sleep)
{
	u64 *gpr = vcpu->regs.gpr;
	u64 v = 0;
	int r;

	r = lodge_msr_read(vcpu, gpr[LODGE_RCX], &v, false);
	trace_lodge_msr(false, gpr[LODGE_RCX], v, r);
	if (r)
		return lodge_msr_failed(vcpu, exit, 0, r);
	gpr[LODGE_RAX] = (u32)v;
	gpr[LODGE_RDX] = v >> 32;
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

static int exit_msr_write(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			  bool may_sleep)
{
	u64 *gpr = vcpu->regs.gpr;
	u64 v = (u32)gpr[LODGE_RAX] | gpr[LODGE_RDX] << 32;
	u32 msr = gpr[LODGE_RCX];
	int r;

	r = lodge_msr_write(vcpu, msr, v, false);
	trace_lodge_msr(true, msr, v, r);
	if (r)
		return lodge_msr_failed(vcpu, exit, v, r);
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

/* MOV to and from CR and DR, CLTS, LMSW: operands known or to be decoded. */
static int exit_cr(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		   bool may_sleep)
{
	u64 *gpr = vcpu->regs.gpr;
	int r = 0;

	if (!exit->next_rip || exit->reg.gpr == LODGE_GPR_UNKNOWN)
		return lodge_emulate(vcpu, exit, may_sleep);
	if (!exit->reg.write)
		gpr[exit->reg.gpr] = lodge_cr_read(vcpu, exit->reg.nr);
	else
		r = lodge_cr_write(vcpu, exit->reg.nr, gpr[exit->reg.gpr]);
	if (r < 0)
		return LODGE_SLOW;	/* PDPTEs that can't be read here */
	if (r)
		return exit_gp(vcpu);
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

static int exit_emulate(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			bool may_sleep)
{
	return lodge_emulate(vcpu, exit, may_sleep);
}

static int exit_xsetbv(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		       bool may_sleep)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CRS | LODGE_R_CODE);
	u64 v = (u32)r->gpr[LODGE_RAX] | r->gpr[LODGE_RDX] << 32;

	if (lodge_regs_cpl(r) || lodge_xcr_write(vcpu, r->gpr[LODGE_RCX], v))
		return exit_gp(vcpu);
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

static int exit_rdpmc(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep)
{
	return exit_gp(vcpu);	/* CPUID shows no counters */
}

/* Outside the bracket others have their turn: one may hold what it spins on. */
static int exit_pause(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep)
{
	if (!may_sleep)
		return LODGE_SLOW;
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

/* What is waited for comes at once. */
static int exit_mwait(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep)
{
	u32 r[4];

	if (lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)) {
		lodge_cpuid_read(vcpu, 1, 0, r);
		if (!(r[2] & BIT(3)))
			return exit_ud(vcpu, exit, may_sleep);
	}
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}

/* Of a guest that the user debugs; and #DB, which always exits. */
static int exit_debugged(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			 bool may_sleep)
{
	switch (exit->exception.vector) {
	case LODGE_DB:
		if (lodge_debug_drs(vcpu))
			return lodge_debug_exit(vcpu, LODGE_DB,
						exit->exception.info);
		break;
	case LODGE_BP:
		if (vcpu->debug.control & KVM_GUESTDBG_USE_SW_BP)
			return lodge_debug_exit(vcpu, LODGE_BP, 0);
		return lodge_emulate(vcpu, exit, may_sleep);
	case LODGE_OF:
		return lodge_emulate(vcpu, exit, may_sleep);
	case LODGE_PF:
		lodge_page_fault_queue(vcpu, exit->exception.error,
				       exit->exception.info);
		return LODGE_RESUME;
	}
	lodge_exception_queue(vcpu, exit->exception.vector,
			      exit->exception.has_error, exit->exception.error);
	return LODGE_RESUME;
}

static int exit_exception(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			  bool may_sleep)
{
	switch (exit->exception.vector) {
	case LODGE_MC:
		/* The host's: give it to the host's own handler. */
		asm volatile("int $0x12" ::: "memory");
		return LODGE_RESUME;
	case LODGE_AC:
		lodge_exception_queue(vcpu, LODGE_AC, true, 0);
		return LODGE_RESUME;
	case LODGE_UD:
		return lodge_emulate_ud(vcpu, exit, may_sleep);
	default:
		return exit_debugged(vcpu, exit, may_sleep);
	}
}

static int exit_step(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		     bool may_sleep)
{
	return lodge_debug_exit(vcpu, LODGE_DB, exit->exception.info);
}

static int exit_timer(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep)
{
	lodge_lapic_timer_inject(vcpu);
	return LODGE_RESUME;
}

/* The user's to end: KVM_EXIT_INTERNAL_ERROR with the hardware's words. */
static int exit_internal_error(struct lodge_vcpu *vcpu,
			       const struct lodge_exit *exit, u32 suberror)
{
	struct kvm_run *run = vcpu->run;

	lodge_warn_limited("lodge: vCPU %u: %s can't be handled: reason 0x%llx info 0x%llx 0x%llx at RIP 0x%llx\n",
			   vcpu->id, lodge_exit_name(exit->kind),
			   exit->hw_reason, exit->hw_info1, exit->hw_info2,
			   vcpu->regs.rip);
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 2;
	run->internal.data[0] = exit->hw_reason;
	run->internal.data[1] = vcpu->cpu;
	return LODGE_TO_USER;
}

static int exit_tdp_fault(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			  bool may_sleep)
{
	int r;

	vcpu->stats.tdp_faults++;
	trace_lodge_page_fault(vcpu, exit);
	if (may_sleep)
		r = lodge_tdp_fault(vcpu, exit->tdp.gpa,
				    exit->tdp.access | LODGE_TDP_GUEST);
	else
		r = lodge_tdp_fault_atomic(vcpu, exit->tdp.gpa,
					   exit->tdp.access);
	switch (r) {
	case LODGE_TDP_MAPPED:
		return LODGE_RESUME;
	case LODGE_TDP_MMIO:
		/* A stack, IDT or TSS where no memory is: nothing to run. */
		if (unlikely(exit->vectored.valid))
			return exit_internal_error(vcpu, exit,
					KVM_INTERNAL_ERROR_DELIVERY_EV);
		return lodge_emulate(vcpu, exit, may_sleep);
	case -EAGAIN:
		return may_sleep ? LODGE_RESUME : LODGE_SLOW;
	default:
		return r;
	}
}

static int exit_apic_access(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			    bool may_sleep)
{
	if (unlikely(exit->vectored.valid))
		return exit_internal_error(vcpu, exit,
					   KVM_INTERNAL_ERROR_DELIVERY_EV);
	return lodge_emulate(vcpu, exit, may_sleep);
}

static int exit_apic_write(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			   bool may_sleep)
{
	lodge_lapic_written(vcpu, exit->apic.offset);
	return LODGE_RESUME;
}

static int exit_apic_eoi(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			 bool may_sleep)
{
	lodge_lapic_ended(vcpu, exit->apic.vector);
	return LODGE_RESUME;
}

static int exit_unknown(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			bool may_sleep)
{
	return exit_internal_error(vcpu, exit,
				   KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
}

static int exit_task_switch(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			    bool may_sleep)
{
	int r = may_sleep ? lodge_task_switch(vcpu, exit) : LODGE_SLOW;

	return r != LODGE_TO_USER ? r :
		exit_internal_error(vcpu, exit, KVM_INTERNAL_ERROR_EMULATION);
}

/*
 * What the hardware holds after a triple fault is undefined: it starts anew
 * from the registers, which are kept for the user to look at.
 */
static int exit_shutdown(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			 bool may_sleep)
{
	lodge_touch(vcpu, LODGE_R_ALL);
	vcpu->dirty |= LODGE_R_TPR;
	vcpu->events.exception.valid = false;
	vcpu->events.injected.valid = false;
	lodge_ops->vcpu_reset(vcpu);
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return LODGE_TO_USER;
}

static int exit_entry_failed(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			     bool may_sleep)
{
	struct lodge_explain *e = &vcpu->explain;
	struct kvm_run *run = vcpu->run;

	e->reason = exit->fail_reason;
	lodge_ops->explain(vcpu, exit, e->text, sizeof(e->text));
	lodge_warn_limited("lodge: vCPU %u: the hardware refused to enter the guest, reason 0x%llx: %s\n",
			   vcpu->id, exit->fail_reason, e->text);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = exit->fail_reason;
	run->fail_entry.cpu = vcpu->cpu;
	return LODGE_TO_USER;
}

static const struct {
	int (*handle)(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep);
	bool insn;	/* the handler needs next_rip */
} exit_table[] = {
	[LODGE_EXIT_NONE]		= { exit_nothing },
	[LODGE_EXIT_INTR]		= { exit_nothing },
	[LODGE_EXIT_NMI]		= { exit_nothing },
	[LODGE_EXIT_SMI]		= { exit_nothing },
	[LODGE_EXIT_IRQ_WINDOW]		= { exit_irq_window },
	[LODGE_EXIT_NMI_WINDOW]		= { exit_nothing },
	[LODGE_EXIT_EMULATE]		= { exit_emulate },
	[LODGE_EXIT_EXCEPTION]		= { exit_exception },
	[LODGE_EXIT_TDP_FAULT]		= { exit_tdp_fault },
	[LODGE_EXIT_TDP_MISCONFIG]	= { exit_unknown },
	[LODGE_EXIT_IO]			= { exit_io, true },
	[LODGE_EXIT_CPUID]		= { exit_cpuid, true },
	[LODGE_EXIT_HLT]		= { exit_hlt, true },
	[LODGE_EXIT_MSR_READ]		= { exit_msr_read, true },
	[LODGE_EXIT_MSR_WRITE]		= { exit_msr_write, true },
	[LODGE_EXIT_CR_ACCESS]		= { exit_cr },
	[LODGE_EXIT_DR_ACCESS]		= { lodge_debug_access },
	[LODGE_EXIT_HYPERCALL]		= { lodge_hypercall, true },
	[LODGE_EXIT_XSETBV]		= { exit_xsetbv, true },
	[LODGE_EXIT_INVLPG]		= { exit_unknown },
	[LODGE_EXIT_INVD]		= { exit_skip, true },
	[LODGE_EXIT_RDTSC]		= { exit_ud },
	[LODGE_EXIT_RDPMC]		= { exit_rdpmc },
	[LODGE_EXIT_PAUSE]		= { exit_pause, true },
	[LODGE_EXIT_MONITOR]		= { exit_mwait, true },
	[LODGE_EXIT_MWAIT]		= { exit_mwait, true },
	[LODGE_EXIT_VIRT_INSN]		= { exit_ud },
	[LODGE_EXIT_DESC_TABLE]		= { exit_emulate },
	[LODGE_EXIT_TASK_SWITCH]	= { exit_task_switch },
	[LODGE_EXIT_SHUTDOWN]		= { exit_shutdown },
	[LODGE_EXIT_PML_FULL]		= { exit_nothing },
	[LODGE_EXIT_TIMER]		= { exit_timer },
	[LODGE_EXIT_STEP]		= { exit_step },
	[LODGE_EXIT_APIC_ACCESS]	= { exit_apic_access },
	[LODGE_EXIT_APIC_WRITE]		= { exit_apic_write },
	[LODGE_EXIT_APIC_EOI]		= { exit_apic_eoi },
	[LODGE_EXIT_ENTRY_FAILED]	= { exit_entry_failed },
	[LODGE_EXIT_UNKNOWN]		= { exit_unknown },
};

/**
 * lodge_exit_handle() - act on an exit
 * @vcpu: its mutex held
 * @exit: decoded
 * @may_sleep: outside the bracket
 *
 * Return: a verdict; LODGE_SLOW only without @may_sleep; or -errno.
 */
int lodge_exit_handle(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep)
{
	if (exit_table[exit->kind].insn && !exit->next_rip) {
		int r = lodge_next_rip(vcpu, exit, may_sleep);

		if (r != LODGE_RESUME)
			return r;
		if (!exit->next_rip)	/* a fault is queued: the guest's turn */
			return LODGE_RESUME;
	}
	return exit_table[exit->kind].handle(vcpu, exit, may_sleep);
}
