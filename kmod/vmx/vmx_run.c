// SPDX-License-Identifier: GPL-2.0
/*
 * The bracket on VT-x: be in VMX operation, run the guest, put back what was
 * found.
 *
 * run.c calls begin, enter as often as exits can be handled right there, and
 * end, all with host interrupts off on one CPU. When it ends, the VMCS is in
 * memory again and the CPU knows nothing of it: a vCPU can go on anywhere, and
 * nothing need be done when a CPU goes. Next: vmx_enter.S, vmx_exit.c.
 */
#include <linux/percpu.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>

#include "vmx.h"
#include "vmx_insn.h"

static u64 vmx_read_cr2(void)
{
	u64 v;

	asm volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

/* The host state that may be another in each bracket. */
static void vmx_host_refresh(struct vmx_vcpu *vmx, struct vmx_cpu *cpu)
{
	u64 cr4 = cpu->found_cr4 | LODGE_CR4_VMXE, cr3 = __read_cr3();

	if (unlikely(vmx->host_cpu != smp_processor_id())) {
		vmx_host_write();
		vmx->host_cpu = smp_processor_id();
		vmx->host_cr3 = ~cr3;
		vmx->host_cr4 = ~cr4;
		vmx->host_fs_base = ~cpu->found_fs_base;
	}
	if (vmx->host_cr3 != cr3)
		vmcs_write(VMCS_HOST_CR3, cr3);
	if (vmx->host_cr4 != cr4)
		vmcs_write(VMCS_HOST_CR4, cr4);
	if (vmx->host_fs_base != cpu->found_fs_base)
		vmcs_write(VMCS_HOST_FS_BASE, cpu->found_fs_base);
	vmx->host_cr3 = cr3;
	vmx->host_cr4 = cr4;
	vmx->host_fs_base = cpu->found_fs_base;
}

/**
 * vmx_bracket_begin() - take the CPU for a vCPU
 * @vcpu: to run
 *
 * Context: interrupts off until vmx_bracket_end().
 */
void vmx_bracket_begin(struct lodge_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_read(vmx_cpu);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx_take_hardware(cpu)) {
		pr_err_once("lodge: CPU %d: VMXON failed, as it did not before\n",
			    smp_processor_id());
		lodge_vm_kill(vcpu->vm);
		return;
	}
	if (unlikely(vmx->stale & VMX_STALE_FIXED))
		vmx_vmclear(vmx->vmcs_pa);	/* new: perhaps as if launched */
	vmx_vmptrld(vmx->vmcs_pa);
	vmx->in_bracket = true;
	vmx->launched = false;
	cpu->first = true;
	vmx_host_note(cpu);
	vmx_host_refresh(vmx, cpu);
	/* Before registers and events are written. */
	if (unlikely(vmx->stale))
		vmx_write_stale(vmx);
	if (cpu->found_kernel_gs_base != vmx->kernel_gs_base)
		lodge_wrmsr(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	vmx_syscall_load(cpu, &vcpu->regs);
	if (unlikely(vmx->load_drs))
		lodge_host_drs_load(&cpu->drs, lodge_hw_drs(vcpu));
	if (unlikely(vmx->split_locks))
		vmx_split_locks_let(cpu);
	if (vcpu->cpuid->has_rdtscp) {
		cpu->found_tsc_aux = lodge_rdmsr(MSR_TSC_AUX);
		if (cpu->found_tsc_aux != vcpu->regs.tsc_aux)
			lodge_wrmsr(MSR_TSC_AUX, vcpu->regs.tsc_aux);
	}
}

/*
 * The log is filled from its end; the index is that of the next entry, beyond
 * them when there is none. Intel manual: "Page-Modification Logging".
 */
static void vmx_pml_take(struct vmx_vcpu *vmx)
{
	u32 next = (u16)(vmcs_read(VMCS_PML_INDEX) + 1);

	if (likely(next >= VMX_PML_ENTRIES))
		return;
	lodge_tdp_logged(&vmx->vcpu, vmx->pml + next, VMX_PML_ENTRIES - next);
	vmcs_write(VMCS_PML_INDEX, VMX_PML_ENTRIES - 1);
}

/**
 * vmx_bracket_end() - put back what vmx_bracket_begin() found
 * @vcpu: that ran
 */
void vmx_bracket_end(struct lodge_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_read(vmx_cpu);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(!vmx->in_bracket))
		return;
	if (vmx->pml)
		vmx_pml_take(vmx);
	vmx->kernel_gs_base = lodge_rdmsr(MSR_KERNEL_GS_BASE);
	if (cpu->found_kernel_gs_base != vmx->kernel_gs_base)
		lodge_wrmsr(MSR_KERNEL_GS_BASE, cpu->found_kernel_gs_base);
	if (vcpu->cpuid->has_rdtscp &&
	    cpu->found_tsc_aux != vcpu->regs.tsc_aux)
		lodge_wrmsr(MSR_TSC_AUX, cpu->found_tsc_aux);
	vmx_vmclear(vmx->vmcs_pa);
	vmx->in_bracket = false;
	vmx_give_hardware(cpu);
	vmx_host_restore(cpu);
	/*
	 * NMIs are held until the host's handler returns. It may never do so,
	 * if it stops the CPU for a crash, nor may that of machine checks: by
	 * now VMX operation has ended, or vmx_hw_crash() ends it.
	 */
	if (unlikely(vmx->host_mc)) {
		vmx->host_mc = false;
		asm volatile("int $0x12" ::: "memory");
	}
	if (vmx->host_vector) {
		vmx_call_handler(gate_offset((gate_desc *)cpu->found_idt.address +
					     vmx->host_vector));
		vmx->host_vector = 0;
	}
	if (unlikely(vmx->host_nmi)) {
		vmx->host_nmi = false;
		asm volatile("int $2" ::: "memory");
	}
}

/* Once in a bracket, and when mappings have changed. */
static void vmx_prepare_tlb(struct vmx_vcpu *vmx, struct vmx_cpu *cpu)
{
	struct vmx_tlb_question q = {
		.want_flush = vmx->want_flush,
		.moved = vmx->tlb_cpu != smp_processor_id(),
		.single = vmx_config.invept_single,
	};
	u8 flush = vmx_tlb_flush(&q);

	vmx->tlb_cpu = smp_processor_id();
	vmx->want_flush = false;
	cpu->first = false;
	if (flush) {
		vmx_invept(flush, vmx->eptp);
		lodge_tdp_flushed(&vmx->vcpu);
	}
	lodge_tdp_check_entry(&vmx->vcpu);
	/* What comes up to the entry is of the guest. */
	if (unlikely(lodge_barriers & LODGE_BARRIER_L1D))
		lodge_barrier_l1d();
}

/* What the VMCS holds of registers that lodge_regs always has. */
static void vmx_write_regs(struct vmx_vcpu *vmx)
{
	struct lodge_regs *r = &vmx->vcpu.regs;
	u64 rip = r->rip;

	if (unlikely(vmx->soft)) {
		rip -= vmx->soft_len;
		if (!(r->efer & LODGE_EFER_LMA))
			rip = (u32)rip;
		vmx->soft_rip = rip;
	}
	if (vmx->hw_rip != rip) {
		vmcs_write(VMCS_GUEST_RIP, rip);
		vmx_wake(vmx);
	}
	if (vmx->hw_rsp != r->gpr[LODGE_RSP])
		vmcs_write(VMCS_GUEST_RSP, r->gpr[LODGE_RSP]);
	if (vmx->hw_rflags != r->rflags)
		vmcs_write(VMCS_GUEST_RFLAGS, r->rflags);
	if (vmx_read_cr2() != vmx->cr2)
		asm volatile("mov %0, %%cr2" :: "r"(vmx->cr2));
}

/*
 * The timer counts down from what the VMCS has at each entry. It runs for every
 * guest; one that waits for no time exits once in a long while, for nothing.
 */
static void vmx_write_timer(struct vmx_vcpu *vmx)
{
	u64 ticks = U32_MAX, now;

	if (vmx->timer_tsc) {
		now = rdtsc();
		ticks = vmx->timer_tsc > now ? vmx->timer_tsc - now : 0;
		ticks = min_t(u64, (ticks >> vmx_config.timer_shift) +
				   !!vmx_config.timer_shift, U32_MAX);
	}
	if (vmx->hw_timer != ticks) {
		vmx->hw_timer = ticks;
		vmcs_write(VMCS_TIMER, ticks);
	}
}

static void vmx_read_regs(struct vmx_vcpu *vmx)
{
	struct lodge_regs *r = &vmx->vcpu.regs;

	r->rip = vmcs_read(VMCS_GUEST_RIP);
	r->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	r->gpr[LODGE_RSP] = vmcs_read(VMCS_GUEST_RSP);
	vmx->hw_rip = r->rip;
	vmx->hw_rflags = r->rflags;
	vmx->hw_rsp = r->gpr[LODGE_RSP];
}

/* What keeps events out of the guest, until the next entry. */
static void vmx_read_blocking(struct vmx_vcpu *vmx)
{
	struct lodge_regs *r = &vmx->vcpu.regs;

	vmx->hw_blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	r->shadow = vmx->hw_blocking & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS);
	r->nmi_blocked = !!(vmx->hw_blocking & VMX_BLOCK_NMI);
}

/* The fields that @needs has, as the exit's reason gives them a meaning. */
static void vmx_read_exit(struct vmx_raw_exit *raw, u8 needs)
{
	if (needs & VMX_NEEDS_LEN)
		raw->insn_len = vmcs_read(VMCS_EXIT_INSN_LEN);
	if (needs & VMX_NEEDS_QUAL)
		raw->qual = vmcs_read(VMCS_QUALIFICATION);
	if (needs & VMX_NEEDS_GPA)
		raw->gpa = vmcs_read(VMCS_GUEST_PHYSICAL);
	if (needs & VMX_NEEDS_INTR) {
		raw->intr_info = vmcs_read(VMCS_EXIT_INTR_INFO);
		if (raw->intr_info & VMX_INTR_HAS_ERROR)
			raw->intr_error = vmcs_read(VMCS_EXIT_INTR_ERROR);
	}
	if (!(needs & VMX_NEEDS_VECTORING))
		return;
	raw->vec_info = vmcs_read(VMCS_VECTORING_INFO);
	if (likely(!(raw->vec_info & VMX_INTR_VALID)))
		return;
	if (raw->vec_info & VMX_INTR_HAS_ERROR)
		raw->vec_error = vmcs_read(VMCS_VECTORING_ERROR);
	if (vmx_vectoring_has_len(raw->vec_info))
		raw->insn_len = vmcs_read(VMCS_EXIT_INSN_LEN);
}

/* What was to be delivered is told as what was under delivery: it is kept. */
static void vmx_read_refused(struct vmx_raw_exit *raw)
{
	raw->vec_info = vmcs_read(VMCS_ENTRY_INTR_INFO);
	raw->vec_error = vmcs_read(VMCS_ENTRY_INTR_ERROR);
	raw->insn_len = 0;
}

/* No world switch: the VMCS has an error, or could not be made current. */
static void vmx_refused(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 error = vmx->in_bracket ? vmcs_read(VMCS_INSN_ERROR) : 0;
	struct vmx_raw_exit raw = {};

	if (vmx->in_bracket)
		vmx_read_refused(&raw);
	vmx->stale |= VMX_STALE_EVENT;
	vmx->hw_rip = ~vcpu->regs.rip;
	vmx->hw_rflags = ~vcpu->regs.rflags;
	vmx->hw_rsp = ~vcpu->regs.gpr[LODGE_RSP];
	vmx->soft = false;
	vmx_decode_refused(error, &raw, exit);
}

/**
 * vmx_enter() - one world switch
 * @vcpu: between vmx_bracket_begin() and vmx_bracket_end(); its dirty
 *	groups have been synced
 * @exit: filled
 */
void vmx_enter(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	struct vmx_cpu *cpu = this_cpu_read(vmx_cpu);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmx_raw_exit *raw = &vmx->raw;
	u8 needs;

	if (unlikely(!vmx->in_bracket)) {
		vmx_refused(vcpu, exit);
		return;
	}
	if (unlikely(vmx->hw_threshold))
		vmx_apic_enter(vmx);
	if (unlikely(vmx->stale))
		vmx_write_stale(vmx);
	if (cpu->first || vmx->want_flush)
		vmx_prepare_tlb(vmx, cpu);
	vmx_write_regs(vmx);
	if (vmx_config.pin & VMX_PIN_TIMER)
		vmx_write_timer(vmx);
	if (unlikely(vmx->hw_blocking | vcpu->regs.shadow |
		     vcpu->regs.nmi_blocked))
		vmx_blocking_write(vmx);
	if (unlikely(vmx_enter_guest(vcpu->regs.gpr, &vmx->host_rsp,
				     vmx->launched))) {
		vmx_refused(vcpu, exit);
		return;
	}
	vmx->cr2 = vmx_read_cr2();
	vcpu->avail = LODGE_R_SHADOW | LODGE_R_DRS;
	vmx_read_regs(vmx);
	vmx_read_blocking(vmx);
	raw->rip = vcpu->regs.rip;
	raw->reason = vmcs_read(VMCS_EXIT_REASON);
	raw->vec_info = 0;
	needs = vmx_needs(raw->reason);
	vmx_read_exit(raw, needs);
	if (likely(!(raw->reason & VMX_REASON_ENTRY_FAILED))) {
		vmx->launched = true;
	} else {
		vmx->stale |= VMX_STALE_EVENT;
		vmx_read_refused(raw);
		/* The host's, and nobody has been told of it yet. */
		if ((raw->reason & VMX_REASON_BASIC) == VMX_EXIT_ENTRY_MC)
			vmx->host_mc = true;
	}
	vmx_decode(raw, exit);
	if (!vmx_insn_exit(needs))
		vmx_event_exit(vmx, exit);
	if (unlikely(exit->kind == LODGE_EXIT_PML_FULL))
		vmx_pml_take(vmx);
	vmx->soft = false;
}

/**
 * vmx_flush_tlb() - the next entry drops the vCPU's translations
 * @vcpu: whose
 */
void vmx_flush_tlb(struct lodge_vcpu *vcpu)
{
	vcpu->stats.tlb_flushes++;
	to_vmx(vcpu)->want_flush = true;
}
