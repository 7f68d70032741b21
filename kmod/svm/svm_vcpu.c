// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's VMCB: made, reset, what it intercepts.
 *
 * Called through the operations. Next: svm_run.c.
 */
#include <linux/mm.h>
#include <asm/msr-index.h>

#include "svm.h"

#define SVM_MSRPM_SIZE	(2 * PAGE_SIZE)

/* Intercepted for every guest, always. */
static const u8 svm_intercepts[] = {
	SVM_I_CR_WRITE + 0, SVM_I_CR_WRITE + 4, SVM_I_CR_WRITE + 8,
	SVM_I_EXCEPTION + LODGE_UD,	/* may be VMCALL: see ../exit.c */
	/* Endless delivery of these would hold the CPU for ever. */
	SVM_I_EXCEPTION + LODGE_DB, SVM_I_EXCEPTION + LODGE_AC,
	/* The host's, not the guest's. */
	SVM_I_EXCEPTION + LODGE_MC,
	SVM_I_INTR, SVM_I_NMI, SVM_I_SMI, SVM_I_INIT,
	SVM_I_RDPMC, SVM_I_CPUID, SVM_I_INVD, SVM_I_INVLPGA,
	SVM_I_IOIO, SVM_I_MSR, SVM_I_TASK_SWITCH, SVM_I_SHUTDOWN,
	SVM_I_VMRUN, SVM_I_VMMCALL, SVM_I_VMLOAD, SVM_I_VMSAVE,
	SVM_I_STGI, SVM_I_CLGI, SVM_I_SKINIT, SVM_I_WBINVD,
	SVM_I_XSETBV, SVM_I_RDPRU,
	SVM_I_INVLPGB, SVM_I_INVLPGB_ILLEGAL, SVM_I_MCOMMIT, SVM_I_TLBSYNC,
};

/* The VMCB holds the guest's own value of these. */
static const u32 svm_guest_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/**
 * svm_vm_init() - the vendor's part of a VM
 * @vm: new
 *
 * Return: 0: there is nothing a VM has that its vCPUs don't.
 */
int svm_vm_init(struct lodge_vm *vm)
{
	return 0;
}

/**
 * svm_vm_destroy() - undo svm_vm_init()
 * @vm: going
 */
void svm_vm_destroy(struct lodge_vm *vm)
{
}

/**
 * svm_set_msr_intercept() - choose which accesses of an MSR exit
 * @vcpu: whose
 * @msr: index
 * @read: RDMSR exits
 * @write: WRMSR exits
 *
 * AMD manual: "MSR Intercepts": three ranges of 8,192 MSRs, two bits each.
 */
void svm_set_msr_intercept(struct lodge_vcpu *vcpu, u32 msr, bool read,
			   bool write)
{
	static const u32 first[] = { 0, 0xc0000000, 0xc0010000 };
	struct svm_vcpu *svm = to_svm(vcpu);
	unsigned int range, bit;

	for (range = 0; range < ARRAY_SIZE(first); range++)
		if (msr - first[range] < 0x2000)
			break;
	if (range == ARRAY_SIZE(first))
		return;		/* always exits */
	bit = range * 0x4000 + (msr - first[range]) * 2;
	svm->msrpm[bit / 32] &= ~(3U << bit % 32);
	svm->msrpm[bit / 32] |= (read | write << 1) << bit % 32;
	svm->vmcb->clean &= ~SVM_CLEAN_PERM_MAPS;
}

/**
 * svm_vcpu_create() - the vendor's part of a vCPU
 * @vcpu: new, zeroed
 *
 * Return: 0 or -ENOMEM.
 */
int svm_vcpu_create(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb = lodge_page_alloc();
	svm->msrpm = alloc_pages_exact(SVM_MSRPM_SIZE, GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb || !svm->msrpm) {
		svm_vcpu_destroy(vcpu);
		return -ENOMEM;
	}
	svm->vmcb_pa = lodge_hw_pa(svm->vmcb);
	svm->asid_cpu = -1;
	memset(svm->msrpm, 0xff, SVM_MSRPM_SIZE);
	return 0;
}

/**
 * svm_vcpu_destroy() - undo svm_vcpu_create(), also a part of it
 * @vcpu: going
 */
void svm_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	lodge_page_free(svm->vmcb);
	if (svm->msrpm)
		free_pages_exact(svm->msrpm, SVM_MSRPM_SIZE);
	svm->vmcb = NULL;
	svm->msrpm = NULL;
}

/**
 * svm_vcpu_reset() - the VMCB as after power-on or INIT
 * @vcpu: its lodge_regs are reset by the caller and all dirty
 */
void svm_vcpu_reset(struct lodge_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_vmcb *vmcb = svm->vmcb;
	u64 ncr3 = vmcb->ncr3, tsc_offset = vmcb->tsc_offset;
	unsigned int i;

	memset(vmcb, 0, sizeof(*vmcb));
	for (i = 0; i < ARRAY_SIZE(svm_intercepts); i++)
		svm_intercept_set(vmcb, svm_intercepts[i]);
	for (i = 0; i < 16; i++) {
		svm_intercept_set(vmcb, SVM_I_DR_READ + i);
		svm_intercept_set(vmcb, SVM_I_DR_WRITE + i);
	}
	vmcb->iopm_pa = svm_iopm_pa;
	vmcb->msrpm_pa = lodge_hw_pa(svm->msrpm);
	vmcb->int_ctl = SVM_INT_V_MASKING;
	vmcb->np_ctl = SVM_NP_ENABLE;
	vmcb->ncr3 = ncr3;
	vmcb->tsc_offset = tsc_offset;
	vmcb->asid = 1;
	svm->nmi_blocked = false;
	svm->iret_pending = false;
	svm->stepping = SVM_STEP_NOT;
	svm->want_flush = true;
	svm_update_intercepts(vcpu);
}

/**
 * svm_set_tdp_root() - nested page table of the guest
 * @vcpu: whose
 * @root: physical address of its top table
 */
void svm_set_tdp_root(struct lodge_vcpu *vcpu, hpa_t root)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->ncr3 = root;
	svm->vmcb->clean &= ~SVM_CLEAN_NPT;
	svm->want_flush = true;
}

/**
 * svm_set_tsc() - what the guest's TSC reads
 * @vcpu: whose
 * @offset: added to the host's, after scaling
 * @ratio: in the format of the TSC ratio MSR; 0 for none
 *
 * AMD manual: "TSC Ratio MSR". The ratio is loaded by svm_bracket_begin().
 */
void svm_set_tsc(struct lodge_vcpu *vcpu, u64 offset, u64 ratio)
{
	struct svm_vmcb *vmcb = to_svm(vcpu)->vmcb;

	vmcb->tsc_offset = offset;
	vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
}

/**
 * svm_intercept_int3() - the user's debugger is told of INT3, or no more
 * @svm: whose
 *
 * It is an exception; for QEMU's emulated CPU it is one of the software
 * interrupts (docs/TESTING.md), so these are looked at, too.
 */
void svm_intercept_int3(struct svm_vcpu *svm)
{
	bool on = svm->vcpu.debug.control & KVM_GUESTDBG_USE_SW_BP;

	svm_intercept_choose(svm->vmcb, SVM_I_EXCEPTION + LODGE_BP, on);
	svm_intercept_choose(svm->vmcb, SVM_I_INTN, on);
}

/**
 * svm_intercept_waits() - HLT and MWAIT exit, unless the user has it otherwise
 * @svm: whose
 *
 * PAUSE never does, and AMD's CPUs have no MSRs on idle states for guests. A
 * HLT that has been kicked before exits in any case, so that the kick counts.
 */
void svm_intercept_waits(struct svm_vcpu *svm)
{
	u32 off = READ_ONCE(svm->vcpu.vm->exits_off);
	bool mwait = !(off & KVM_X86_DISABLE_EXITS_MWAIT);

	svm_intercept_choose(svm->vmcb, SVM_I_HLT,
			     !(off & KVM_X86_DISABLE_EXITS_HLT) ||
			     READ_ONCE(svm->vcpu.unhalted));
	svm_intercept_choose(svm->vmcb, SVM_I_MONITOR, mwait);
	svm_intercept_choose(svm->vmcb, SVM_I_MWAIT, mwait);
}

/* What the user's filter denies exits. */
static void svm_update_msrs(struct lodge_vcpu *vcpu)
{
	unsigned int i;
	u32 msr;

	for (i = 0; i < ARRAY_SIZE(svm_guest_msrs); i++) {
		msr = svm_guest_msrs[i];
		svm_set_msr_intercept(vcpu, msr,
				      !lodge_msr_allowed(vcpu, msr, false),
				      !lodge_msr_allowed(vcpu, msr, true));
	}
}

/**
 * svm_update_intercepts() - CPUID or debug settings of the guest changed
 * @vcpu: whose
 */
void svm_update_intercepts(struct lodge_vcpu *vcpu)
{
	struct svm_vmcb *vmcb = to_svm(vcpu)->vmcb;

	svm_intercept_choose(vmcb, SVM_I_RDTSCP, !vcpu->cpuid->has_rdtscp);
	/* What the guest reads is not what the hardware has. */
	svm_intercept_choose(vmcb, SVM_I_CR_READ + 0,
			     to_svm(vcpu)->cr0_cache_bits);
	svm_intercept_int3(to_svm(vcpu));
	svm_intercept_waits(to_svm(vcpu));
	vmcb->clean &= ~SVM_CLEAN_INTERCEPTS;
	svm_update_msrs(vcpu);
}
