// SPDX-License-Identifier: GPL-2.0
/*
 * Why the hardware refused to enter: the VMCS and the CPU's capabilities, read
 * for the walk through the manual's rules.
 *
 * Called by ../exit.c through the operations, after an entry has failed.
 * Next: vmx_check.c.
 */
#include <linux/percpu.h>
#include <asm/msr-index.h>

#include "vmx.h"
#include "vmx_check.h"

#define VMX_PROC3_MSR	0x492
#define VMX_EXIT2_MSR	0x493

/* A field that the CPU does not have reads as 0. */
static u64 vmx_field_read(u32 field)
{
	u64 v = 0;

	asm volatile("vmread %1, %0" : "+r"(v) : "r"((u64)field) : "cc");
	return v;
}

static u64 vmx_msr(u32 msr, bool has)
{
	u64 v;

	return has && !lodge_rdmsr_safe(msr, &v) ? v : 0;
}

static void vmx_facts_controls(struct vmx_cpu_facts *f)
{
	f->basic = lodge_rdmsr(MSR_IA32_VMX_BASIC);
	f->misc = lodge_rdmsr(MSR_IA32_VMX_MISC);
	f->ept_vpid = lodge_rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);
	f->pin = lodge_rdmsr(MSR_IA32_VMX_TRUE_PINBASED_CTLS);
	f->proc = lodge_rdmsr(MSR_IA32_VMX_TRUE_PROCBASED_CTLS);
	f->proc2 = lodge_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2);
	f->exit = lodge_rdmsr(MSR_IA32_VMX_TRUE_EXIT_CTLS);
	f->entry = lodge_rdmsr(MSR_IA32_VMX_TRUE_ENTRY_CTLS);
	f->proc3 = vmx_msr(VMX_PROC3_MSR,
			   f->proc & (u64)VMX_PROC_TERTIARY << 32);
	f->exit2 = vmx_msr(VMX_EXIT2_MSR,
			   f->exit & (u64)VMX_EXITC_SECONDARY << 32);
	f->vmfunc = vmx_msr(MSR_IA32_VMX_VMFUNC,
			    f->proc2 & (u64)VMX_PROC2_VMFUNC << 32);
	f->cr0_fixed0 = lodge_rdmsr(MSR_IA32_VMX_CR0_FIXED0);
	f->cr0_fixed1 = lodge_rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	f->cr4_fixed0 = lodge_rdmsr(MSR_IA32_VMX_CR4_FIXED0);
	f->cr4_fixed1 = lodge_rdmsr(MSR_IA32_VMX_CR4_FIXED1);
}

/* MSRs that Lodge has entries leave alone may hold anything. */
static void vmx_facts_features(struct vmx_cpu_facts *f)
{
	u32 max, eax, ebx, ecx, edx;

	f->perf_global = ~0ULL;
	f->rtit_ctl = ~0ULL;
	f->s_cet = ~0ULL;
	f->efer = lodge_rdmsr(MSR_EFER);
	lodge_cpuid_host(0x80000008, 0, &eax, &ebx, &ecx, &edx);
	f->phys_bits = eax;
	f->linear_bits = eax >> 8;
	lodge_cpuid_host(0, 0, &max, &ebx, &ecx, &edx);
	if (max < 7)
		return;
	lodge_cpuid_host(7, 0, &max, &ebx, &ecx, &edx);
	f->sgx = ebx & BIT(2);
	f->rtm = ebx & BIT(11);
	f->bus_lock = ecx & BIT(24);
	f->tracing = vmx_msr(MSR_IA32_RTIT_CTL, ebx & BIT(25)) & 1;
	if (!max)
		return;
	lodge_cpuid_host(7, 1, &eax, &ebx, &ecx, &edx);
	f->lam = eax & BIT(26);
}

/* What needs no walk, in a sentence; else NULL. */
static const char *vmx_simple(u64 reason)
{
	switch (reason & ~(u64)VMX_REASON_ENTRY_FAILED) {
	case VMX_ERROR_CONTROLS:
	case VMX_ERROR_HOST_STATE:
	case VMX_EXIT_GUEST_STATE:
		return NULL;
	case VMX_EXIT_MSR_LOADING:
		return "an MSR that is to be loaded can't be";
	case VMX_EXIT_ENTRY_MC:
		return "a machine check came during the entry";
	default:
		return vmx_insn_error(reason);
	}
}

/**
 * vmx_facts_read() - what the rules ask of this CPU
 * @f: filled, but for what goes with a VMCS
 */
void vmx_facts_read(struct vmx_cpu_facts *f)
{
	vmx_facts_controls(f);
	vmx_facts_features(f);
}

/**
 * vmx_explain() - the rule that the state broke which the hardware refused
 * @vcpu: whose entry failed, in the bracket
 * @exit: the failure, decoded
 * @text: a line
 * @size: of it
 *
 * Return: length, as snprintf().
 */
int vmx_explain(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		char *text, size_t size)
{
	const char *simple = vmx_simple(exit->fail_reason);
	struct vmx_state s = {};
	struct lodge_check c = {};

	if (!to_vmx(vcpu)->in_bracket)
		return snprintf(text, size, "VMX operation can't be entered");
	if (simple)
		return snprintf(text, size, "%s", simple);
	vmx_state_read(&s, vmx_field_read);
	vmx_facts_read(&s.cpu);
	s.cpu.vmcs = to_vmx(vcpu)->vmcs_pa;
	if (vmx_check(&c, &s))
		return lodge_check_text(&c, text, size);
	return snprintf(text, size, "no rule that is known is broken; CR0 %llx CR3 %llx CR4 %llx EFER %llx RIP %llx RFLAGS %llx",
			s.guest.cr0, s.guest.cr3, s.guest.cr4, s.guest.efer,
			s.guest.rip, s.guest.rflags);
}
