// SPDX-License-Identifier: GPL-2.0
/*
 * What a bracket finds in the CPU, and putting it back.
 *
 * A VM exit loads much of the host's state from the VMCS, leaves some as the
 * guest had it, and sets the limits of GDT, IDT and TSS, LDTR, DR7 and
 * DEBUGCTL to fixed values: the host gets back what was there. Called by
 * vmx_run.c and vmx_caps.c, interrupts off. Next: vmx_run.c.
 */
#include <linux/percpu.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "vmx.h"
#include "vmx_insn.h"

#define VMX_DR7_AFTER_EXIT	0x400ULL

const u32 vmx_syscall_msrs[VMX_SYSCALL_MSRS] = {
	MSR_STAR, MSR_LSTAR, MSR_SYSCALL_MASK,
};

static u64 host_cr4(void)
{
	u64 v;

	asm volatile("mov %%cr4, %0" : "=r"(v) :: "memory");
	return v;
}

/* The kernel's copy of CR4 stays as it is: it is put back before it is used. */
static void host_set_cr4(u64 v)
{
	asm volatile("mov %0, %%cr4" :: "r"(v) : "memory");
}

static void host_wrmsr_if(u32 msr, u64 v, u64 now)
{
	if (v != now)
		lodge_wrmsr(msr, v);
}

/**
 * vmx_take_hardware() - be in VMX operation
 * @cpu: this CPU's
 *
 * Notes CR4, and which VMCS is current if another is in VMX operation here. In
 * own mode none is.
 * Intel manual: "Enabling and Entering VMX Operation".
 *
 * Context: interrupts off until vmx_give_hardware().
 * Return: 0, or -EIO: VMXON failed, all is as it was.
 */
int vmx_take_hardware(struct vmx_cpu *cpu)
{
	u64 cr4 = host_cr4();

	cpu->found_cr4 = cr4;
	if (lodge_hw_own()) {
		cpu->found_on = true;
		cpu->found_vmcs = VMCS_NO_LINK;
		return 0;
	}
	cpu->found_on = (cr4 & LODGE_CR4_VMXE) &&
			!vmx_vmptrst(&cpu->found_vmcs);
	if (cpu->found_on)
		return 0;
	host_set_cr4(cr4 | LODGE_CR4_VMXE);
	if (!vmx_vmxon(cpu->vmxon_pa))
		return 0;
	host_set_cr4(cr4);
	return -EIO;
}

/**
 * vmx_give_hardware() - put back what vmx_take_hardware() found
 * @cpu: this CPU's; no VMCS of ours is current
 */
void vmx_give_hardware(struct vmx_cpu *cpu)
{
	if (cpu->found_on) {
		if (cpu->found_vmcs != VMCS_NO_LINK)
			vmx_vmptrld(cpu->found_vmcs);
		return;
	}
	vmx_vmxoff();
	host_set_cr4(cpu->found_cr4);
}

/**
 * vmx_hw_crash() - leave VMX operation for good, whoever entered it and why
 *
 * What the CPU holds of a VMCS goes to memory before: afterwards that could
 * happen at any time, to a page that is the next kernel's.
 *
 * Context: interrupts off, or an NMI, also within a bracket, which does not
 * go on.
 */
void vmx_hw_crash(void)
{
	hpa_t vmcs;

	if (!vmx_hw_in_use())
		return;
	if (!vmx_vmptrst(&vmcs)) {
		if (vmcs != VMCS_NO_LINK)
			vmx_vmclear(vmcs);
		vmx_vmxoff();
	}
	host_set_cr4(host_cr4() & ~LODGE_CR4_VMXE);
}

/* The base that the descriptor of the task register has. */
static u64 host_tr_base(const struct desc_ptr *gdt, u16 tr)
{
	const u64 *desc = (const u64 *)(gdt->address + (tr & ~7));

	return (desc[0] >> 16 & 0xffffff) | desc[0] >> 56 << 24 | desc[1] << 32;
}

/**
 * vmx_host_write() - the host state that is the same on a CPU for ever
 *
 * Context: interrupts off, a VMCS of ours is current. Data segments are null:
 * what was in them is put back when the bracket ends.
 * Intel manual: "Host-State Area".
 */
void vmx_host_write(void)
{
	struct desc_ptr gdt, idt;
	u16 sel;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("mov %%cs, %0" : "=r"(sel));
	vmcs_write(VMCS_HOST_CS_SEL, sel);
	asm volatile("mov %%ss, %0" : "=r"(sel));
	vmcs_write(VMCS_HOST_SS_SEL, sel);
	asm volatile("str %0" : "=r"(sel));
	vmcs_write(VMCS_HOST_TR_SEL, sel);
	vmcs_write(VMCS_HOST_TR_BASE, host_tr_base(&gdt, sel));
	vmcs_write(VMCS_HOST_DS_SEL, 0);
	vmcs_write(VMCS_HOST_ES_SEL, 0);
	vmcs_write(VMCS_HOST_FS_SEL, 0);
	vmcs_write(VMCS_HOST_GS_SEL, 0);
	vmcs_write(VMCS_HOST_GS_BASE, lodge_rdmsr(MSR_GS_BASE));
	vmcs_write(VMCS_HOST_GDTR_BASE, gdt.address);
	vmcs_write(VMCS_HOST_IDTR_BASE, idt.address);
	vmcs_write(VMCS_HOST_SYSENTER_CS, lodge_rdmsr(MSR_IA32_SYSENTER_CS));
	vmcs_write(VMCS_HOST_SYSENTER_ESP, lodge_rdmsr(MSR_IA32_SYSENTER_ESP));
	vmcs_write(VMCS_HOST_SYSENTER_EIP, lodge_rdmsr(MSR_IA32_SYSENTER_EIP));
	vmcs_write(VMCS_HOST_EFER, lodge_rdmsr(MSR_EFER));
	vmcs_write(VMCS_HOST_PAT, lodge_rdmsr(MSR_IA32_CR_PAT));
	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_RIP, (unsigned long)vmx_exit_point);
}

/**
 * vmx_host_note() - note what an exit will not bring back
 * @cpu: this CPU's
 */
void vmx_host_note(struct vmx_cpu *cpu)
{
	asm volatile("sgdt %0" : "=m"(cpu->found_gdt));
	asm volatile("sidt %0" : "=m"(cpu->found_idt));
	asm volatile("sldt %0" : "=r"(cpu->found_ldt));
	asm volatile("mov %%ds, %0" : "=r"(cpu->found_ds));
	asm volatile("mov %%es, %0" : "=r"(cpu->found_es));
	asm volatile("mov %%fs, %0" : "=r"(cpu->found_fs));
	asm volatile("mov %%gs, %0" : "=r"(cpu->found_gs));
	cpu->found_fs_base = lodge_rdmsr(MSR_FS_BASE);
	cpu->found_kernel_gs_base = lodge_rdmsr(MSR_KERNEL_GS_BASE);
	cpu->found_debugctl = lodge_rdmsr(MSR_IA32_DEBUGCTLMSR);
	/* The records would go to the guest's memory, by its page tables. */
	cpu->found_pebs = vmx_config.pebs ? lodge_rdmsr(MSR_IA32_PEBS_ENABLE) :
					    0;
	if (unlikely(cpu->found_pebs))
		lodge_wrmsr(MSR_IA32_PEBS_ENABLE, 0);
	cpu->found_dr7 = native_get_debugreg(7);
	cpu->syscall_loaded = false;
}

/* Would a load of this selector go through? */
static bool host_sel_loads(u16 sel)
{
	bool valid, readable;
	u32 ar;

	if (!(sel & ~3))
		return true;
	asm volatile("lar %k2, %1" : "=@ccz"(valid), "=r"(ar) : "r"(sel));
	asm volatile("verr %1" : "=@ccz"(readable) : "r"(sel));
	return valid && readable && (ar & (LODGE_AR_P << 8));
}

/*
 * The user's GS selector; its base is in KERNEL_GS_BASE, and put back next. The
 * load must not fault while the user's base is the one in use: the thread may
 * have taken the descriptor away since it loaded it.
 */
static void host_gs_restore(u16 sel)
{
	if (!host_sel_loads(sel))
		sel = 0;
	asm volatile("swapgs\n\t"
		     "movl %k0, %%gs\n\t"
		     "mfence\n\t"
		     "swapgs"
		     :: "r"((u32)sel) : "memory");
}

static void host_segments_restore(struct vmx_cpu *cpu)
{
	asm volatile("lgdt %0" :: "m"(cpu->found_gdt));
	asm volatile("lidt %0" :: "m"(cpu->found_idt));
	lodge_host_tss_cut();
	if (unlikely(cpu->found_ldt))
		asm volatile("lldt %0" :: "r"(cpu->found_ldt));
	if (likely(!(cpu->found_ds | cpu->found_es | cpu->found_fs |
		     cpu->found_gs)))
		return;
	loadsegment(ds, cpu->found_ds);
	loadsegment(es, cpu->found_es);
	if (cpu->found_fs) {
		loadsegment(fs, cpu->found_fs);
		lodge_wrmsr(MSR_FS_BASE, cpu->found_fs_base);
	}
	if (cpu->found_gs) {
		host_gs_restore(cpu->found_gs);
		lodge_wrmsr(MSR_KERNEL_GS_BASE, cpu->found_kernel_gs_base);
	}
}

/**
 * vmx_syscall_load() - SYSCALL's MSRs of the guest into the hardware
 * @cpu: this CPU's
 * @r: guest's registers
 *
 * Context: in the bracket. Without EFER.SCE the guest has no use for them, and
 * they are left alone: accesses by RDMSR and WRMSR exit.
 */
void vmx_syscall_load(struct vmx_cpu *cpu, const struct lodge_regs *r)
{
	const u64 want[VMX_SYSCALL_MSRS] = { r->star, r->lstar, r->sfmask };
	unsigned int i;

	if (!(r->efer & LODGE_EFER_SCE))
		return;
	for (i = 0; i < VMX_SYSCALL_MSRS; i++) {
		if (!cpu->syscall_loaded) {
			cpu->found_syscall[i] = lodge_rdmsr(vmx_syscall_msrs[i]);
			cpu->now_syscall[i] = cpu->found_syscall[i];
		}
		host_wrmsr_if(vmx_syscall_msrs[i], want[i],
			      cpu->now_syscall[i]);
		cpu->now_syscall[i] = want[i];
	}
	cpu->syscall_loaded = true;
}

/**
 * vmx_split_locks_let() - split locks raise no #AC until the bracket ends
 * @cpu: this CPU's
 *
 * Intel manual: "Features to Disable Bus Locks".
 *
 * Context: in the bracket.
 * Return: false: the host does not look for them, it was something else.
 */
bool vmx_split_locks_let(struct vmx_cpu *cpu)
{
	u64 v;

	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) ||
	    lodge_rdmsr_safe(MSR_TEST_CTRL, &v))
		return false;
	/* The MSR is the core's: a thread beside this one may have done it. */
	if (v & MSR_TEST_CTRL_SPLIT_LOCK_DETECT) {
		cpu->found_test_ctrl = v;
		lodge_wrmsr(MSR_TEST_CTRL, v & ~MSR_TEST_CTRL_SPLIT_LOCK_DETECT);
	}
	return true;
}

/**
 * vmx_host_restore() - put back what vmx_host_note() found
 * @cpu: this CPU's
 *
 * But for what the caller has loaded into KERNEL_GS_BASE and TSC_AUX.
 */
void vmx_host_restore(struct vmx_cpu *cpu)
{
	unsigned int i;

	host_segments_restore(cpu);
	if (cpu->syscall_loaded)
		for (i = 0; i < VMX_SYSCALL_MSRS; i++)
			host_wrmsr_if(vmx_syscall_msrs[i],
				      cpu->found_syscall[i],
				      cpu->now_syscall[i]);
	if (unlikely(cpu->drs.loaded))
		lodge_host_drs_restore(&cpu->drs);
	if (unlikely(cpu->found_dr7 != VMX_DR7_AFTER_EXIT))
		native_set_debugreg(7, cpu->found_dr7);
	if (unlikely(cpu->found_pebs))
		lodge_wrmsr(MSR_IA32_PEBS_ENABLE, cpu->found_pebs);
	if (unlikely(cpu->found_test_ctrl))
		lodge_wrmsr(MSR_TEST_CTRL, cpu->found_test_ctrl);
	cpu->found_test_ctrl = 0;
	if (unlikely(cpu->found_debugctl))
		lodge_wrmsr(MSR_IA32_DEBUGCTLMSR, cpu->found_debugctl);
}
