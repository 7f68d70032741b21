// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's VMCS: made, reset, what it intercepts.
 *
 * The VMCS can be written only while it is current, in the bracket. What
 * changes elsewhere is kept in struct vmx_vcpu and written by the next entry
 * (vmx_write_stale()). Called through the operations. Next: vmx_run.c.
 */
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <asm/msr-index.h>

#include "vmx.h"
#include "vmx_insn.h"

/* Ticks between two PAUSEs of a loop, and of a loop that is one too many. */
#define VMX_PLE_GAP	128
#define VMX_PLE_WINDOW	4096

/* Intercepted for every guest, always: as svm_intercepts says, and why. */
#define VMX_EXCEPTIONS	(BIT(LODGE_UD) | BIT(LODGE_DB) | BIT(LODGE_AC) | \
			 BIT(LODGE_MC))

/* Of these the CPU holds the guest's own value while it runs. */
static const u32 vmx_guest_msrs[] = {
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/* ... and these are the CPU's own, of how long it was in which idle state. */
static const u32 vmx_idle_msrs[] = { 0x3fc, 0x3fd, 0x3fe, 0x660 };

static DEFINE_RAW_SPINLOCK(vmx_vpid_lock);
static u64 vmx_vpids[VMX_VPIDS / 64];

/**
 * vmx_vm_init() - the vendor's part of a VM
 * @vm: new
 *
 * Return: 0: there is nothing a VM has that its vCPUs don't.
 */
int vmx_vm_init(struct lodge_vm *vm)
{
	return 0;
}

/**
 * vmx_vm_destroy() - undo vmx_vm_init()
 * @vm: going
 */
void vmx_vm_destroy(struct lodge_vm *vm)
{
}

static void vmx_bitmap_set(unsigned long *map, u32 bit, bool on)
{
	if (on)
		map[bit / BITS_PER_LONG] |= BIT(bit % BITS_PER_LONG);
	else
		map[bit / BITS_PER_LONG] &= ~BIT(bit % BITS_PER_LONG);
}

/**
 * vmx_set_msr_intercept() - choose which accesses of an MSR exit
 * @vcpu: whose
 * @msr: index
 * @read: RDMSR exits
 * @write: WRMSR exits
 *
 * Intel manual: "MSR-Bitmap Address": two ranges of 8,192 MSRs, first the bits
 * for reads, then those for writes.
 */
void vmx_set_msr_intercept(struct lodge_vcpu *vcpu, u32 msr, bool read,
			   bool write)
{
	unsigned long *map = to_vmx(vcpu)->msr_bitmap;
	u32 bit;

	if (msr < 0x2000)
		bit = msr;
	else if (msr - 0xc0000000 < 0x2000)
		bit = msr - 0xc0000000 + 0x2000;
	else
		return;		/* always exits */
	vmx_bitmap_set(map, bit, read);
	vmx_bitmap_set(map, bit + 0x4000, write);
}

/**
 * vmx_vcpu_create() - the vendor's part of a vCPU
 * @vcpu: new, zeroed
 *
 * Return: 0 or -ENOMEM.
 */
int vmx_vcpu_create(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->vmcs = lodge_page_alloc();
	vmx->msr_bitmap = lodge_page_alloc();
	if (vmx_config.proc2 & VMX_PROC2_PML)
		vmx->pml = lodge_page_alloc();
	if (!vmx->vmcs || !vmx->msr_bitmap ||
	    (!vmx->pml && (vmx_config.proc2 & VMX_PROC2_PML))) {
		vmx_vcpu_destroy(vcpu);
		return -ENOMEM;
	}
	vmx->vmcs->revision = vmx_config.revision;
	vmx->vmcs_pa = lodge_hw_pa(vmx->vmcs);
	vmx->tlb_cpu = -1;
	vmx->host_cpu = -1;
	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	if (vmx_config.proc2 & VMX_PROC2_VPID) {
		raw_spin_lock(&vmx_vpid_lock);
		vmx->vpid = vmx_vpid_take(vmx_vpids);
		raw_spin_unlock(&vmx_vpid_lock);
	}
	return 0;
}

/**
 * vmx_vcpu_destroy() - undo vmx_vcpu_create(), also a part of it
 * @vcpu: going; its VMCS is current nowhere
 */
void vmx_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	raw_spin_lock(&vmx_vpid_lock);
	vmx_vpid_give(vmx_vpids, vmx->vpid);
	raw_spin_unlock(&vmx_vpid_lock);
	lodge_page_free(vmx->vmcs);
	lodge_page_free(vmx->msr_bitmap);
	lodge_page_free(vmx->pml);
	vmx->pml = NULL;
	vmx->vmcs = NULL;
	vmx->msr_bitmap = NULL;
}

/**
 * vmx_vcpu_reset() - the VMCS as after power-on or INIT
 * @vcpu: its lodge_regs are reset by the caller and all dirty
 */
void vmx_vcpu_reset(struct lodge_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->stale = VMX_STALE_ALL;
	vmx->irq_window = false;
	vmx->nmi_window = false;
	vmx->soft = false;
	vmx->halted = false;
	vmx->entry = 0;		/* vmx_state.c writes it, with EFER */
	vmx->want_flush = true;
	vmx_update_intercepts(vcpu);
}

/**
 * vmx_set_tdp_root() - extended page table of the guest
 * @vcpu: whose
 * @root: physical address of its top table
 */
void vmx_set_tdp_root(struct lodge_vcpu *vcpu, hpa_t root)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->eptp = vmx_eptp(root, vmx_config.ept_ad);
	vmx->stale |= VMX_STALE_EPTP;
	vmx->want_flush = true;
}

/**
 * vmx_set_tsc() - what the guest's TSC reads
 * @vcpu: whose
 * @offset: added to the host's, after scaling
 * @ratio: with 48 bits behind the point; 0 for none
 *
 * Intel manual: "Time-Stamp Counter Offset and Multiplier".
 */
void vmx_set_tsc(struct lodge_vcpu *vcpu, u64 offset, u64 ratio)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->tsc_offset = offset;
	vmx->tsc_ratio = ratio;
	vmx->stale |= VMX_STALE_TSC;
	vmx_update_intercepts(vcpu);
}

/**
 * vmx_set_timer() - exit at a time
 * @vcpu: whose
 * @tsc: the host's TSC then; 0: at none
 */
void vmx_set_timer(struct lodge_vcpu *vcpu, u64 tsc)
{
	to_vmx(vcpu)->timer_tsc = tsc;
}

/* What the user's filter denies exits. */
static void vmx_update_msrs(struct lodge_vcpu *vcpu)
{
	bool idle = READ_ONCE(vcpu->vm->exits_off) & KVM_X86_DISABLE_EXITS_CSTATE;
	unsigned int i;
	u32 msr;

	for (i = 0; i < ARRAY_SIZE(vmx_idle_msrs); i++) {
		msr = vmx_idle_msrs[i];
		vmx_set_msr_intercept(vcpu, msr, !idle ||
				      !lodge_msr_allowed(vcpu, msr, false),
				      true);
	}

	for (i = 0; i < ARRAY_SIZE(vmx_guest_msrs); i++) {
		msr = vmx_guest_msrs[i];
		vmx_set_msr_intercept(vcpu, msr,
				      !lodge_msr_allowed(vcpu, msr, false),
				      !lodge_msr_allowed(vcpu, msr, true));
	}
}

/**
 * vmx_update_intercepts() - CPUID or debug settings of the guest changed
 * @vcpu: whose
 *
 * Instructions that the guest's CPUID does not have are undefined without
 * their control. UMIP that the CPU lacks is the emulator's to heed; there is no
 * exit for SMSW.
 */
void vmx_update_intercepts(struct lodge_vcpu *vcpu)
{
	const struct lodge_cpuid *cpuid = vcpu->cpuid;
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 want = 0;

	if (cpuid->has_rdtscp)
		want |= VMX_PROC2_RDTSCP;
	if (cpuid->has_invpcid)
		want |= VMX_PROC2_INVPCID;
	if (cpuid->has_xsaves)
		want |= VMX_PROC2_XSAVES;
	if (vmx->tsc_ratio)
		want |= VMX_PROC2_TSC_SCALING;
	if (vmx->cr4_shadow & vmx_config.cr4_emulated)
		want |= VMX_PROC2_DESC;
	vmx->proc2 = vmx_config.proc2 | (want & vmx_config.proc2_may) |
		     vmx_apic_ctls(vmx);
	if (!vmx->vpid)
		vmx->proc2 &= ~VMX_PROC2_VPID;
	if (READ_ONCE(vcpu->vm->exits_off) & KVM_X86_DISABLE_EXITS_PAUSE)
		vmx->proc2 &= ~VMX_PROC2_PAUSE_LOOP;
	vmx->cr4_owned = VMX_CR4_OWNED & ~cpuid->cr4_reserved;
	vmx->stale |= VMX_STALE_CTLS | VMX_STALE_IRQS;
	vmx_update_msrs(vcpu);
}

/* What is in no group is the same for ever. */
static void vmx_write_fixed(struct vmx_vcpu *vmx)
{
	vmx_write_zeros();
	vmcs_write(VMCS_LINK_POINTER, VMCS_NO_LINK);
	vmcs_write(VMCS_PIN_CTLS, vmx_config.pin);
	vmcs_write(VMCS_EXIT_CTLS, vmx_config.exit);
	if (vmx->vcpu.apic && lodge_caps.virtual_apic)
		vmx_apic_write_fixed(vmx);
	if (vmx_config.proc & VMX_PROC_MSR_BITMAPS)
		vmcs_write(VMCS_MSR_BITMAP, lodge_hw_pa(vmx->msr_bitmap));
	if (vmx->vpid)
		vmcs_write(VMCS_VPID, vmx->vpid);
	if (vmx_config.proc2 & VMX_PROC2_ENCLS)
		vmcs_write(VMCS_ENCLS_BITMAP, ~0ULL);
	if (vmx_config.proc2 & VMX_PROC2_PAUSE_LOOP) {
		vmcs_write(VMCS_PLE_GAP, VMX_PLE_GAP);
		vmcs_write(VMCS_PLE_WINDOW, VMX_PLE_WINDOW);
	}
	if (vmx->pml) {
		vmcs_write(VMCS_PML_ADDRESS, lodge_hw_pa(vmx->pml));
		vmcs_write(VMCS_PML_INDEX, VMX_PML_ENTRIES - 1);
	}
	vmx->hw_timer = 0;
	if (vmx_config.pin & VMX_PIN_TIMER)
		vmcs_write(VMCS_TIMER, vmx->hw_timer);
	vmx->hw_rsp = 0;
	vmx->hw_rip = 0;
	vmx->hw_rflags = LODGE_RFLAGS_1;
	vmx->hw_blocking = 0;
	vmcs_write(VMCS_GUEST_RFLAGS, vmx->hw_rflags);
}

/* A kick ends the HLT that the guest waits in by itself. */
static void vmx_kicked(struct vmx_vcpu *vmx)
{
	if (vmcs_read(VMCS_GUEST_ACTIVITY) != VMX_HLT)
		return;
	vmx->halted = true;
	vmx_wake(vmx);
	WRITE_ONCE(vmx->vcpu.unhalted, false);
}

/*
 * Controls that the user does without. A step over HLT exits, and a HLT that has
 * been kicked before, so that the kick counts.
 */
static u32 vmx_waits_off(struct vmx_vcpu *vmx)
{
	u32 off = READ_ONCE(vmx->vcpu.vm->exits_off), proc = 0;

	if (unlikely(READ_ONCE(vmx->vcpu.unhalted)))
		vmx_kicked(vmx);
	if (off & KVM_X86_DISABLE_EXITS_HLT && !lodge_stepping(&vmx->vcpu) &&
	    !READ_ONCE(vmx->vcpu.unhalted))
		proc |= VMX_PROC_HLT;
	if (off & KVM_X86_DISABLE_EXITS_MWAIT)
		proc |= VMX_PROC_MWAIT | VMX_PROC_MONITOR;
	return proc;
}

static void vmx_write_ctls(struct vmx_vcpu *vmx)
{
	u32 debug = vmx->vcpu.debug.control, exceptions = VMX_EXCEPTIONS;
	u32 pin = vmx_config.pin;

	if (debug & KVM_GUESTDBG_USE_SW_BP)
		exceptions |= BIT(LODGE_BP);
	vmcs_write(VMCS_EXCEPTION_BITMAP, exceptions);
	vmx->proc = vmx_config.proc & ~vmx_waits_off(vmx);
	if (debug & KVM_GUESTDBG_SINGLESTEP)
		vmx->proc |= VMX_PROC_MTF;
	if (vmx->irq_window)
		vmx->proc |= VMX_PROC_INTR_WINDOW;
	if (vmx->nmi_window)
		vmx->proc |= VMX_PROC_NMI_WINDOW;
	if (vmx->vcpu.apic && lodge_caps.virtual_apic) {
		vmx->proc &= ~(VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE);
		vmx->proc |= VMX_PROC_TPR_SHADOW;
	}
	/* The CPU can collect what is posted only where it delivers. */
	if (vmx->proc2 & VMX_PROC2_VIRTUAL_INTR)
		pin |= VMX_PIN_POSTED;
	if (lodge_caps.irq_posting)
		vmcs_write(VMCS_PIN_CTLS, pin);
	vmcs_write(VMCS_PROC_CTLS, vmx->proc);
	vmcs_write(VMCS_PROC2_CTLS, vmx->proc2);
	if (vmx->proc2 & VMX_PROC2_XSAVES)
		vmcs_write(VMCS_XSS_BITMAP, 0);
	vmcs_write(VMCS_CR0_MASK, ~VMX_CR0_OWNED);
	vmcs_write(VMCS_CR4_MASK, ~vmx->cr4_owned);
}

/**
 * vmx_write_stale() - write what has changed since the VMCS was current
 * @vmx: in the bracket
 */
void vmx_write_stale(struct vmx_vcpu *vmx)
{
	u8 stale = vmx->stale;

	vmx->stale = 0;
	if (stale & VMX_STALE_FIXED)
		vmx_write_fixed(vmx);
	if (stale & VMX_STALE_EVENT)
		vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	if (stale & VMX_STALE_CTLS)
		vmx_write_ctls(vmx);
	if (stale & VMX_STALE_EPTP)
		vmcs_write(VMCS_EPTP, vmx->eptp);
	if (stale & VMX_STALE_IRQS && vmx->vcpu.apic && lodge_caps.virtual_apic)
		vmx_apic_write_irqs(vmx);
	if (stale & VMX_STALE_TSC) {
		vmcs_write(VMCS_TSC_OFFSET, vmx->tsc_offset);
		if (vmx->tsc_ratio)
			vmcs_write(VMCS_TSC_MULTIPLIER, vmx->tsc_ratio);
	}
}
