// SPDX-License-Identifier: GPL-2.0
/*
 * The bracket on AMD-V: note what the CPU holds, run the guest, put it back.
 *
 * run.c calls begin, enter as often as exits can be handled right there, and
 * end, all with host interrupts off on one CPU. Next: svm_enter.S,
 * svm_exit.c.
 */
#include <linux/percpu.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>

#include "svm.h"

#define SVM_DR7_RESET	0x400ULL

/**
 * svm_take_hardware() - note whether SVM is on; turn it on if not
 * @cpu: this CPU's
 *
 * Context: interrupts off until svm_give_hardware(). Share mode.
 */
void svm_take_hardware(struct svm_cpu *cpu)
{
	cpu->found_efer = lodge_rdmsr(MSR_EFER);
	cpu->found_on = cpu->found_efer & LODGE_EFER_SVME;
	if (!cpu->found_on)
		lodge_wrmsr(MSR_EFER, cpu->found_efer | LODGE_EFER_SVME);
	cpu->found_hsave = lodge_rdmsr(MSR_VM_HSAVE_PA);
	if (!cpu->found_on || !cpu->found_hsave)
		lodge_wrmsr(MSR_VM_HSAVE_PA, cpu->hsave_pa);
}

/**
 * svm_give_hardware() - put back what svm_take_hardware() found
 * @cpu: this CPU's
 */
void svm_give_hardware(struct svm_cpu *cpu)
{
	if (!cpu->found_on || !cpu->found_hsave)
		lodge_wrmsr(MSR_VM_HSAVE_PA, cpu->found_hsave);
	if (!cpu->found_on)
		lodge_wrmsr(MSR_EFER, cpu->found_efer);
}

static void svm_tsc_ratio_load(struct svm_cpu *cpu, u64 ratio)
{
	cpu->found_tsc_ratio = lodge_rdmsr(MSR_AMD64_TSC_RATIO);
	cpu->tsc_ratio_loaded = cpu->found_tsc_ratio != ratio;
	if (cpu->tsc_ratio_loaded)
		lodge_wrmsr(MSR_AMD64_TSC_RATIO, ratio);
}

/**
 * svm_bracket_begin() - take the CPU for a vCPU
 * @vcpu: to run
 *
 * Context: interrupts off until svm_bracket_end().
 * AMD manual: "Enabling SVM", "VMSAVE and VMLOAD Instructions".
 */
void svm_bracket_begin(struct lodge_vcpu *vcpu)
{
	struct svm_cpu *cpu = this_cpu_read(svm_cpu);
	struct svm_vcpu *svm = to_svm(vcpu);

	cpu->own = lodge_hw_own();
	if (!cpu->own)
		svm_take_hardware(cpu);
	if (cpu->last != vcpu || svm->asid_cpu != smp_processor_id())
		svm->vmcb->clean = 0;
	cpu->last = vcpu;
	/* What is ours alone stays true from one bracket to the next. */
	cpu->first = !cpu->own || READ_ONCE(lodge_check_tlb) ||
		     svm->asid_cpu != smp_processor_id() ||
		     svm->asid_generation != cpu->asids.generation ||
		     svm->vmcb->asid != svm->asid;
	svm_vmsave(cpu->host_pa);
	cpu->found_dr7 = native_get_debugreg(7);
	if (unlikely(svm->load_drs))
		lodge_host_drs_load(&cpu->drs, lodge_hw_drs(vcpu));
	if (lodge_caps.tsc_ratio_frac_bits)
		svm_tsc_ratio_load(cpu, vcpu->clock.tsc_ratio ?:
				   BIT_ULL(lodge_caps.tsc_ratio_frac_bits));
	/* RDPID, which can't be intercepted, reads it whatever CPUID says. */
	if (lodge_caps.tsc_aux) {
		cpu->found_tsc_aux = lodge_rdmsr(MSR_TSC_AUX);
		if (cpu->found_tsc_aux != vcpu->regs.tsc_aux)
			lodge_wrmsr(MSR_TSC_AUX, vcpu->regs.tsc_aux);
	}
}

/**
 * svm_bracket_end() - put back what svm_bracket_begin() found
 * @vcpu: that ran
 */
void svm_bracket_end(struct lodge_vcpu *vcpu)
{
	struct svm_cpu *cpu = this_cpu_read(svm_cpu);

	if (lodge_caps.tsc_aux &&
	    cpu->found_tsc_aux != vcpu->regs.tsc_aux)
		lodge_wrmsr(MSR_TSC_AUX, cpu->found_tsc_aux);
	if (unlikely(cpu->tsc_ratio_loaded)) {
		lodge_wrmsr(MSR_AMD64_TSC_RATIO, cpu->found_tsc_ratio);
		cpu->tsc_ratio_loaded = false;
	}
	/* Before the debug registers: this exit sets DR7, too. */
	if (svm_tlb_flush_after(cpu->own, cpu->found_on))
		svm_probe_run(cpu, lodge_caps.flush_by_asid ?
			      SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL,
			      lodge_caps.asids - 1);
	if (unlikely(cpu->drs.loaded))
		lodge_host_drs_restore(&cpu->drs);
	if (to_svm(vcpu)->vmcb->dr6 != SVM_DR6_RESET)
		native_set_debugreg(6, SVM_DR6_RESET);
	if (unlikely(cpu->found_dr7 != SVM_DR7_RESET))
		native_set_debugreg(7, cpu->found_dr7);

	if (!cpu->own)
		svm_give_hardware(cpu);
}

/* Once in a bracket, and when mappings have changed; not on the way of most. */
static noinline void svm_prepare_tlb(struct svm_vcpu *svm, struct svm_cpu *cpu)
{
	struct svm_vmcb *vmcb = svm->vmcb;
	struct svm_tlb_question q = {
		.own = cpu->own,
		.first = cpu->first,
		.want_flush = svm->want_flush,
		.by_asid = lodge_caps.flush_by_asid,
	};
	u32 asid = lodge_caps.asids - 1;
	bool fresh = false;

	if (q.own) {
		if (unlikely(svm->asid_cpu != smp_processor_id() ||
			     svm->asid_generation != cpu->asids.generation)) {
			q.wrapped = svm_asid_take(&cpu->asids,
						  lodge_caps.asids,
						  &svm->asid);
			svm->asid_generation = cpu->asids.generation;
			fresh = true;
		}
		asid = svm->asid;
	}
	svm->asid_cpu = smp_processor_id();
	if (vmcb->asid != asid) {
		vmcb->asid = asid;
		vmcb->clean &= ~SVM_CLEAN_ASID;
	}
	vmcb->tlb_control = svm_tlb_control(&q);
	svm->want_flush = false;
	cpu->first = false;
	if (fresh || vmcb->tlb_control != SVM_TLB_KEEP)
		lodge_tdp_flushed(&svm->vcpu);
	lodge_tdp_check_entry(&svm->vcpu);
}

/*
 * No guest ran: the registers are those from before. QEMU's emulated CPU leaves
 * the host's in the VMCB (docs/TESTING.md), so what is known is written again;
 * it may also leave 0 in int_ctl: a window is asked for anew.
 * What was to be delivered is told as what was under delivery: it is kept.
 */
static void svm_refused(struct svm_vcpu *svm, struct svm_cpu *cpu,
			struct lodge_exit *exit)
{
	struct lodge_vcpu *vcpu = &svm->vcpu;
	const struct lodge_events *ev = &vcpu->events;

	if (ev->submitted == LODGE_SUBMITTED_EXCEPTION)
		exit->vectored = ev->exception;
	else if (ev->submitted != LODGE_SUBMITTED_NONE)
		exit->vectored = ev->injected;
	svm->vmcb->int_ctl = SVM_INT_V_MASKING;
	svm_intercept_clear(svm->vmcb, SVM_I_VINTR);
	vcpu->events.irq_window = false;
	svm_sync_to_hw(vcpu, (vcpu->avail & LODGE_R_ALL) | LODGE_R_TPR);
	svm->vmcb->rip = vcpu->regs.rip;
	svm->vmcb->rflags = vcpu->regs.rflags;
	svm->vmcb->clean = 0;
	svm->want_flush |= svm_tlb_refused(&cpu->asids, svm->vmcb->tlb_control);
	if (svm->stepping)
		svm_nmi_exit(svm, exit);
}

/**
 * svm_enter() - one world switch
 * @vcpu: between svm_bracket_begin() and svm_bracket_end(); its dirty
 *	groups have been synced
 * @exit: filled
 */
void svm_enter(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	struct svm_cpu *cpu = this_cpu_read(svm_cpu);
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;
	struct lodge_regs *r = &vcpu->regs;

	if (lodge_stepping(vcpu))
		svm_debug_step(svm);
	vmcb->rax = r->gpr[LODGE_RAX];
	vmcb->rsp = r->gpr[LODGE_RSP];
	vmcb->rip = r->rip;
	vmcb->rflags = r->rflags;
	if (cpu->first || svm->want_flush)
		svm_prepare_tlb(svm, cpu);
	else
		vmcb->tlb_control = SVM_TLB_KEEP;

	svm_enter_guest(r->gpr, svm->vmcb_pa, cpu->host_pa);

	svm_decode(vmcb, lodge_caps.next_rip, lodge_caps.decode_assist, exit);
	vmcb->event_inj = 0;
	vmcb->clean = SVM_CLEAN_ALL;
	if (unlikely(svm->irq_given))
		svm_irq_exit(svm, exit);
	if (unlikely(exit->kind == LODGE_EXIT_ENTRY_FAILED)) {
		svm_refused(svm, cpu, exit);
		return;
	}
	r->gpr[LODGE_RAX] = vmcb->rax;
	r->gpr[LODGE_RSP] = vmcb->rsp;
	r->rip = vmcb->rip;
	r->rflags = vmcb->rflags;
	vcpu->avail = LODGE_R_SHADOW;
	r->shadow = vmcb->int_state & SVM_SHADOW ?
		    LODGE_SHADOW_STI | LODGE_SHADOW_MOVSS : 0;
	if (unlikely(svm->nmi_blocked || svm->stepping))
		svm_nmi_exit(svm, exit);
	r->nmi_blocked = svm->nmi_blocked;
}

/**
 * svm_flush_tlb() - the next entry drops the vCPU's translations
 * @vcpu: whose
 */
void svm_flush_tlb(struct lodge_vcpu *vcpu)
{
	vcpu->stats.tlb_flushes++;
	to_svm(vcpu)->want_flush = true;
}

/**
 * svm_probe_run() - run a guest that exits at once
 * @cpu: this CPU's, SVM enabled, host state saved with svm_vmsave()
 * @tlb_control: SVM_TLB_*
 * @asid: to run it under
 *
 * A virtual interrupt is pending and intercepted: no instruction of the
 * guest is fetched; none could be, since the guest has no memory. It proves that the hardware works, and it is how
 * translations are flushed where no guest is to be run.
 *
 * Return: exit code.
 */
u64 svm_probe_run(struct svm_cpu *cpu, u8 tlb_control, u32 asid)
{
	struct svm_vmcb *vmcb = cpu->probe;
	u64 gpr[LODGE_GPR_NR] = {};

	vmcb->tlb_control = tlb_control;
	vmcb->asid = asid;
	vmcb->clean = 0;
	vmcb->int_ctl = SVM_INT_V_IRQ | SVM_INT_V_IGN_TPR |
			FIELD_PREP(SVM_INT_V_PRIO, 0xf) | SVM_INT_V_MASKING;
	vmcb->rip = 0;
	vmcb->rflags = LODGE_RFLAGS_1 | LODGE_RFLAGS_IF;
	svm_enter_guest(gpr, cpu->probe_pa, cpu->host_pa);
	return vmcb->exit_code;
}
