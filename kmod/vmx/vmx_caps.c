// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPU can do, and turning VT-x on and off on one CPU.
 *
 * Called by ../main.c at load and by ../percpu.c for each CPU. Next:
 * vmx_vcpu.c.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/special_insns.h>

#include "vmx.h"
#include "vmx_insn.h"

#define VMX_CPUID_ECX_VMX	BIT(5)
#define VMX_FEAT_LOCKED		BIT_ULL(0)
#define VMX_FEAT_VMX		BIT_ULL(2)	/* outside of SMX */
#define VMX_CR4_FRED		BIT_ULL(32)

struct vmx_config vmx_config __ro_after_init;
static struct vmx_cpu **vmx_cpus;	/* by number: what each CPU will have */
DEFINE_PER_CPU(struct vmx_cpu *, vmx_cpu);	/* from its proof on */
static void *vmx_probe_ept;		/* an empty table: nothing is mapped */
static void *vmx_apic_page;		/* has an address; its content is nobody's */

/* The MSRs that say which controls there are, and the bit each feature has. */
enum vmx_set { VMX_PIN, VMX_PROC, VMX_PROC2, VMX_EXITS, VMX_ENTRIES, VMX_EPT,
	       VMX_SETS };

static const u32 vmx_set_msrs[VMX_SETS] = {
	MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
	MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_TRUE_EXIT_CTLS,
	MSR_IA32_VMX_TRUE_ENTRY_CTLS, MSR_IA32_VMX_EPT_VPID_CAP,
};

/* What Lodge can't do without has a sentence's end, the rest a name. */
static const struct {
	u8 set;
	u64 bits;
	const char *need;
	const char *name;
} vmx_features[] = {
	{ VMX_PROC, VMX_PROC_SECONDARY, "secondary execution controls" },
	{ VMX_PROC2, VMX_PROC2_EPT, "extended page tables" },
	{ VMX_PROC2, VMX_PROC2_UNRESTRICTED, "unrestricted guests" },
	{ VMX_EPT, VMX_CAP_EPT_4_LEVELS | VMX_CAP_EPT_WB,
	  "extended page tables of 4 levels in write-back memory" },
	{ VMX_EPT, VMX_CAP_INVEPT, "INVEPT" },
	{ VMX_PIN, VMX_PIN_EXT_INTR | VMX_PIN_NMI,
	  "exits for interrupts and NMIs" },
	{ VMX_PIN, VMX_PIN_VIRTUAL_NMI, "virtual NMIs" },
	{ VMX_PROC, VMX_PROC_TSC_OFFSET | VMX_PROC_HLT | VMX_PROC_IO |
		    VMX_PROC_INTR_WINDOW | VMX_PROC_NMI_WINDOW |
		    VMX_PROC_MTF,
	  "the primary execution controls" },
	{ VMX_EXITS, VMX_EXITC_HOST_64 | VMX_EXITC_LOAD_EFER |
		     VMX_EXITC_LOAD_PAT, "loading EFER and PAT at VM exit" },
	{ VMX_ENTRIES, VMX_ENTRYC_LONG_MODE | VMX_ENTRYC_LOAD_EFER |
		       VMX_ENTRYC_LOAD_PAT,
	  "loading EFER and PAT at VM entry" },
	{ VMX_PIN, VMX_PIN_TIMER, NULL, "preemption-timer" },
	{ VMX_PROC2, VMX_PROC2_VPID, NULL, "vpid" },
	{ VMX_EPT, VMX_CAP_EPT_AD, NULL, "ept-ad" },
	{ VMX_PROC2, VMX_PROC2_PML, NULL, "pml" },
	{ VMX_EPT, VMX_CAP_EPT_1G, NULL, "1g-pages" },
	{ VMX_PROC, VMX_PROC_MSR_BITMAPS, NULL, "msr-bitmaps" },
	{ VMX_PROC2, VMX_PROC2_RDTSCP, NULL, "rdtscp" },
	{ VMX_PROC2, VMX_PROC2_INVPCID, NULL, "invpcid" },
	{ VMX_PROC2, VMX_PROC2_XSAVES, NULL, "xsaves" },
	{ VMX_PROC2, VMX_PROC2_TSC_SCALING, NULL, "tsc-scaling" },
	{ VMX_PROC2, VMX_PROC2_PAUSE_LOOP, NULL, "pause-loop-exiting" },
	{ VMX_PROC2, VMX_PROC2_DESC, NULL, "descriptor-table-exiting" },
};

/* What each set has, as a mask of what may be 1; the EPT's is as it is. */
static u64 vmx_set_may(int set)
{
	u64 v = lodge_rdmsr(vmx_set_msrs[set]);

	return set == VMX_EPT ? v : v >> 32;
}

static bool vmx_feature_has(unsigned int i)
{
	u64 bits = vmx_features[i].bits;

	return (vmx_set_may(vmx_features[i].set) & bits) == bits;
}

static int vmx_features_check(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vmx_features); i++) {
		if (!vmx_features[i].need || vmx_feature_has(i))
			continue;
		pr_err("lodge: this CPU's VT-x lacks %s, which Lodge needs\n",
		       vmx_features[i].need);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Is it in use, or did vmx_config_init() leave it out? */
static bool vmx_feature_used(const struct lodge_caps *caps, int set, u64 bits)
{
	u64 out = 0;

	if (set == VMX_EPT && caps->tdp_max_level < 3)
		out = VMX_CAP_EPT_1G;
	else if (set == VMX_PROC2)
		out = (caps->dirty_log ? 0 : VMX_PROC2_PML) |
		      (caps->umip ? 0 : VMX_PROC2_DESC);
	return !(bits & out);
}

static void vmx_features_name(struct lodge_caps *caps)
{
	unsigned int i;

	lodge_caps_name(caps, true, true, "ept");
	for (i = 0; i < ARRAY_SIZE(vmx_features); i++)
		if (vmx_features[i].name)
			lodge_caps_name(caps, vmx_feature_has(i),
					vmx_feature_used(caps,
							 vmx_features[i].set,
							 vmx_features[i].bits),
					vmx_features[i].name);
}

/* Of one set: what must be 1, what is needed, and what there is of @want. */
static u32 vmx_ctls(int set, u32 need, u32 want)
{
	return (u32)lodge_rdmsr(vmx_set_msrs[set]) | need |
	       (vmx_set_may(set) & want);
}

static void vmx_config_init(struct lodge_caps *caps, u64 basic)
{
	u64 misc = lodge_rdmsr(MSR_IA32_VMX_MISC);
	u64 ept = vmx_set_may(VMX_EPT), pebs;
	struct vmx_config *c = &vmx_config;

	c->revision = FIELD_GET(VMX_CAP_REVISION, basic);
	c->pin = vmx_ctls(VMX_PIN, VMX_PIN_EXT_INTR | VMX_PIN_NMI |
			  VMX_PIN_VIRTUAL_NMI, VMX_PIN_TIMER);
	c->proc = vmx_ctls(VMX_PROC, VMX_PROC_SECONDARY | VMX_PROC_TSC_OFFSET |
			   VMX_PROC_HLT | VMX_PROC_IO,
			   VMX_PROC_MWAIT | VMX_PROC_RDPMC | VMX_PROC_CR8_LOAD |
			   VMX_PROC_CR8_STORE | VMX_PROC_MOV_DR |
			   VMX_PROC_MSR_BITMAPS | VMX_PROC_MONITOR);
	c->proc2 = vmx_ctls(VMX_PROC2, VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED,
			    VMX_PROC2_VPID | VMX_PROC2_WBINVD |
			    VMX_PROC2_ENCLS | VMX_PROC2_PAUSE_LOOP);
	if (ept & VMX_CAP_EPT_AD)	/* pages become dirty by these flags */
		c->proc2 |= vmx_set_may(VMX_PROC2) & VMX_PROC2_PML;
	c->proc2_may = vmx_set_may(VMX_PROC2);
	c->exit = vmx_ctls(VMX_EXITS, VMX_EXITC_HOST_64 | VMX_EXITC_LOAD_EFER |
			   VMX_EXITC_LOAD_PAT, VMX_EXITC_SAVE_DEBUG);
	c->entry = vmx_ctls(VMX_ENTRIES, VMX_ENTRYC_LOAD_EFER |
			    VMX_ENTRYC_LOAD_PAT, VMX_ENTRYC_LOAD_DEBUG);
	/* Unrestricted guests need neither protected mode nor paging. */
	c->cr0_must = lodge_rdmsr(MSR_IA32_VMX_CR0_FIXED0) &
		      ~(LODGE_CR0_PE | LODGE_CR0_PG);
	c->cr4_must = lodge_rdmsr(MSR_IA32_VMX_CR4_FIXED0);
	if (!(lodge_rdmsr(MSR_IA32_VMX_CR4_FIXED1) & LODGE_CR4_UMIP) &&
	    (vmx_set_may(VMX_PROC2) & VMX_PROC2_DESC))
		c->cr4_emulated = LODGE_CR4_UMIP;
	c->invept_single = ept & VMX_CAP_INVEPT_SINGLE;
	c->ept_ad = ept & VMX_CAP_EPT_AD;
	/* Records of events, which the CPU writes to memory */
	c->pebs = boot_cpu_has(X86_FEATURE_DS) &&
		  !lodge_rdmsr_safe(MSR_IA32_PEBS_ENABLE, &pebs);
	c->insn_len_0 = misc & VMX_CAP_INSN_LEN_0;
	c->timer_shift = FIELD_GET(VMX_CAP_TIMER_SHIFT, misc);

	vmx_apic_config(caps, vmx_set_may(VMX_PROC), c->proc2_may,
			vmx_set_may(VMX_PIN));
	/* Without the last, the host's processor trace can't run meanwhile. */
	caps->may_own = lodge_host_vmx_may_stay() &&
			(!boot_cpu_has(X86_FEATURE_INTEL_PT) ||
			 (misc & VMX_CAP_PT));
	caps->asids = 0x10000;
	caps->next_rip = true;
	caps->dirty_log = c->proc2 & VMX_PROC2_PML;
	caps->timer = c->pin & VMX_PIN_TIMER;
	caps->umip = c->cr4_emulated & LODGE_CR4_UMIP;
	caps->pdptes = true;
	caps->tsc_aux = c->proc2_may & VMX_PROC2_RDTSCP;
	caps->no_rdtscp = !(c->proc2_may & VMX_PROC2_RDTSCP);
	caps->no_invpcid = !(c->proc2_may & VMX_PROC2_INVPCID);
	caps->no_xsaves = !(c->proc2_may & VMX_PROC2_XSAVES);
	caps->tsc_ratio_frac_bits =
		c->proc2_may & VMX_PROC2_TSC_SCALING ? 48 : 0;
	caps->tdp_max_level = ept & VMX_CAP_EPT_1G ? 3 :
			      ept & VMX_CAP_EPT_2M ? 2 : 1;
	/* A guest that changes its own page sizes would stop such a CPU. */
	if (boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT))
		caps->tdp_max_level = 1;
}

/**
 * vmx_probe() - is VT-x there, with what Lodge needs?
 * @caps: filled
 *
 * Intel manual: "Discovering Support for VMX", "VMX Capability Reporting
 * Facility".
 *
 * Return: 0; -ENODEV if the CPU is none with VMX; -EOPNOTSUPP, with a
 * sentence in the log, if it has VMX that can't be used.
 */
int vmx_probe(struct lodge_caps *caps)
{
	u32 eax, ebx, ecx, edx;
	u64 feat, basic, cr4;
	int r;

	lodge_cpuid_host(1, 0, &eax, &ebx, &ecx, &edx);
	if (!(ecx & VMX_CPUID_ECX_VMX))
		return -ENODEV;
	feat = lodge_rdmsr(MSR_IA32_FEAT_CTL);
	if ((feat & VMX_FEAT_LOCKED) && !(feat & VMX_FEAT_VMX)) {
		pr_err("lodge: VT-x is disabled by the firmware (IA32_FEATURE_CONTROL is locked without it); enable it in the firmware's setup\n");
		return -EOPNOTSUPP;
	}
	basic = lodge_rdmsr(MSR_IA32_VMX_BASIC);
	if (!(basic & VMX_CAP_TRUE_CTLS) ||
	    FIELD_GET(VMX_CAP_MEM_TYPE, basic) != VMX_EPTP_WB) {
		pr_err("lodge: this CPU's VT-x is of the first kind (IA32_VMX_BASIC bit 55), without what Lodge needs\n");
		return -EOPNOTSUPP;
	}
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	if (cr4 & VMX_CR4_FRED) {
		pr_err("lodge: this kernel uses FRED, under which Lodge can't yet hand NMIs on from VT-x: start it with \"fred=off\"\n");
		return -EOPNOTSUPP;
	}
	r = vmx_features_check();
	if (r)
		return r;
	vmx_config_init(caps, basic);
	vmx_features_name(caps);
	return 0;
}

static void vmx_cpu_free(struct vmx_cpu *cpu)
{
	if (!cpu)
		return;
	lodge_page_free(cpu->vmxon);
	lodge_page_free(cpu->probe);
	kvfree(cpu);
}

static int vmx_cpu_alloc(struct vmx_cpu **to)
{
	struct vmx_cpu *cpu = kvzalloc(sizeof(*cpu), GFP_KERNEL);

	*to = cpu;
	if (!cpu)
		return -ENOMEM;
	cpu->vmxon = lodge_page_alloc();
	cpu->probe = lodge_page_alloc();
	if (!cpu->vmxon || !cpu->probe)
		return -ENOMEM;
	cpu->vmxon->revision = vmx_config.revision;
	cpu->probe->revision = vmx_config.revision;
	cpu->vmxon_pa = lodge_hw_pa(cpu->vmxon);
	cpu->probe_pa = lodge_hw_pa(cpu->probe);
	return 0;
}

/**
 * vmx_setup() - memory for every possible CPU
 *
 * Return: 0 or -ENOMEM.
 */
int vmx_setup(void)
{
	int cpu;

	vmx_probe_ept = lodge_page_alloc();
	vmx_cpus = kvcalloc(LODGE_CPUS_MAX, sizeof(*vmx_cpus), GFP_KERNEL);
	if (!vmx_probe_ept || !vmx_cpus)
		goto fail;
	if (vmx_config.apic & VMX_PROC2_APIC_ACCESS) {
		vmx_apic_page = lodge_page_alloc();
		if (!vmx_apic_page)
			goto fail;
		lodge_caps.apic_page = lodge_hw_pa(vmx_apic_page);
	}
	for (cpu = 0; cpu < LODGE_CPUS_MAX; cpu++)
		if (cpu_possible(cpu) && vmx_cpu_alloc(&vmx_cpus[cpu]))
			goto fail;
	return 0;
fail:
	vmx_teardown();
	return -ENOMEM;
}

/**
 * vmx_teardown() - undo vmx_setup(), also a part of it
 */
void vmx_teardown(void)
{
	int cpu;

	for (cpu = 0; vmx_cpus && cpu < LODGE_CPUS_MAX; cpu++)
		vmx_cpu_free(vmx_cpus[cpu]);
	kvfree(vmx_cpus);
	vmx_cpus = NULL;
	lodge_page_free(vmx_apic_page);
	lodge_page_free(vmx_probe_ept);
	vmx_apic_page = NULL;
	vmx_probe_ept = NULL;
}

/**
 * vmx_hw_in_use() - does another hypervisor hold this CPU?
 *
 * Context: interrupts off.
 */
bool vmx_hw_in_use(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4 & LODGE_CR4_VMXE;
}

/* Firmware that leaves IA32_FEATURE_CONTROL open leaves it to the system. */
static void vmx_feature_lock(void)
{
	u64 feat = lodge_rdmsr(MSR_IA32_FEAT_CTL);

	if (!(feat & VMX_FEAT_LOCKED))
		lodge_wrmsr(MSR_IA32_FEAT_CTL,
			    feat | VMX_FEAT_VMX | VMX_FEAT_LOCKED);
}

/**
 * vmx_hw_enable() - enter VMX operation and stay in it, in own mode
 *
 * Context: interrupts off; caps->may_own.
 * Return: 0; -EBUSY if another hypervisor holds this CPU; -EIO: VMXON failed.
 */
int vmx_hw_enable(void)
{
	struct vmx_cpu *cpu = this_cpu_read(vmx_cpu);

	if (vmx_hw_in_use())
		return -EBUSY;
	vmx_feature_lock();
	lodge_host_cr4_vmxe(true);
	if (!vmx_vmxon(cpu->vmxon_pa))
		return 0;
	lodge_host_cr4_vmxe(false);
	return -EIO;
}

/**
 * vmx_hw_disable() - undo vmx_hw_enable()
 *
 * Context: interrupts off, after vmx_hw_enable().
 */
void vmx_hw_disable(void)
{
	vmx_vmxoff();
	lodge_host_cr4_vmxe(false);
}

/**
 * vmx_write_zeros() - fields that are 0 until they have another value
 *
 * Context: in the bracket, or about to run the probe's guest. A new VMCS has
 * anything in it.
 */
void vmx_write_zeros(void)
{
	static const u32 zeros[] = {
		VMCS_EXCEPTION_BITMAP, VMCS_PF_ERROR_MASK, VMCS_PF_ERROR_MATCH,
		VMCS_CR3_TARGETS, VMCS_TSC_OFFSET, VMCS_CR0_MASK, VMCS_CR4_MASK,
		VMCS_CR0_SHADOW, VMCS_CR4_SHADOW,
		VMCS_EXIT_MSR_STORE_NR, VMCS_EXIT_MSR_LOAD_NR,
		VMCS_ENTRY_MSR_LOAD_NR, VMCS_ENTRY_INTR_INFO,
		VMCS_GUEST_ACTIVITY, VMCS_GUEST_INTERRUPTIBILITY,
		VMCS_GUEST_PENDING_DEBUG, VMCS_GUEST_DEBUGCTL, VMCS_GUEST_CR3,
		VMCS_GUEST_EFER, VMCS_GUEST_SYSENTER_CS,
		VMCS_GUEST_SYSENTER_ESP, VMCS_GUEST_SYSENTER_EIP,
		VMCS_GUEST_GDTR_BASE, VMCS_GUEST_IDTR_BASE,
		VMCS_GUEST_RSP, VMCS_GUEST_RIP,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(zeros); i++)
		vmcs_write(zeros[i], 0);
	for (i = 0; i < LODGE_SEG_NR; i++) {
		vmcs_write(VMCS_GUEST_SEL + 2 * i, 0);
		vmcs_write(VMCS_GUEST_BASE + 2 * i, 0);
	}
}

/* A guest in real mode without memory: its first fetch is an EPT violation. */
static void vmx_probe_guest_write(void)
{
	static const struct {
		u32 field;
		u64 value;
	} fields[] = {
		{ VMCS_LINK_POINTER, VMCS_NO_LINK },
		{ VMCS_GUEST_PAT, 0x0007040600070406ULL },
		{ VMCS_GUEST_DR7, 0x400 },
		{ VMCS_GUEST_RFLAGS, LODGE_RFLAGS_1 },
		{ VMCS_GUEST_GDTR_LIMIT, 0xffff },
		{ VMCS_GUEST_IDTR_LIMIT, 0xffff },
	};
	static const u32 ar[LODGE_SEG_NR] = {
		[LODGE_CS] = 0x9b, [LODGE_LDTR] = LODGE_AR_UNUSABLE,
		[LODGE_TR] = 0x8b,
	};
	unsigned int i;

	vmx_write_zeros();
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		vmcs_write(fields[i].field, fields[i].value);
	for (i = 0; i < LODGE_SEG_NR; i++) {
		vmcs_write(VMCS_GUEST_LIMIT + 2 * i, 0xffff);
		vmcs_write(VMCS_GUEST_AR + 2 * i, ar[i] ?: 0x93);
	}
	vmcs_write(VMCS_GUEST_CR0, vmx_config.cr0_must);
	vmcs_write(VMCS_GUEST_CR4, vmx_config.cr4_must);
	vmcs_write(VMCS_PIN_CTLS, vmx_config.pin & ~VMX_PIN_TIMER);
	vmcs_write(VMCS_PROC_CTLS, vmx_config.proc & ~VMX_PROC_MSR_BITMAPS);
	vmcs_write(VMCS_PROC2_CTLS, vmx_config.proc2 &
		   ~(VMX_PROC2_VPID | VMX_PROC2_PML | VMX_PROC2_ENCLS |
		     VMX_PROC2_PAUSE_LOOP));
	vmcs_write(VMCS_EXIT_CTLS, vmx_config.exit);
	vmcs_write(VMCS_ENTRY_CTLS, vmx_config.entry);
	vmcs_write(VMCS_EPTP, vmx_eptp(lodge_hw_pa(vmx_probe_ept),
				       vmx_config.ept_ad));
}

/* The basic reason of the exit, or what was wrong in a sentence's end. */
static u32 vmx_probe_run(struct vmx_cpu *cpu, const char **wrong)
{
	u64 gpr[LODGE_GPR_NR] = {};
	unsigned long host_rsp = 0;
	u32 reason = 0;

	vmx_host_note(cpu);
	vmx_host_write();
	vmcs_write(VMCS_HOST_CR3, __read_cr3());
	vmcs_write(VMCS_HOST_CR4, cpu->found_cr4 | LODGE_CR4_VMXE);
	vmcs_write(VMCS_HOST_FS_BASE, cpu->found_fs_base);
	vmx_probe_guest_write();
	if (vmx_enter_guest(gpr, &host_rsp, false))
		*wrong = vmx_insn_error(vmcs_read(VMCS_INSN_ERROR));
	else
		reason = vmcs_read(VMCS_EXIT_REASON);
	if (!*wrong && (reason & VMX_REASON_ENTRY_FAILED))
		*wrong = "a field of the guest state is invalid";
	if (!*wrong && reason == VMX_EXIT_EXCEPTION)
		asm volatile("int $2" ::: "memory");	/* an NMI it was */
	vmx_host_restore(cpu);
	return reason;
}

/**
 * vmx_hw_prove() - one world switch, to see that the CPU does it
 *
 * Context: interrupts off. Uses VMX operation as found, or enters it for the
 * moment.
 * Return: 0, or -EIO if the hardware did not enter the guest.
 */
int vmx_hw_prove(void)
{
	struct vmx_cpu *cpu = vmx_cpus[smp_processor_id()];
	const char *wrong = NULL;
	u32 reason;

	this_cpu_write(vmx_cpu, cpu);
	vmx_feature_lock();
	if (vmx_take_hardware(cpu)) {
		pr_err("lodge: CPU %d: VMXON failed (IA32_FEATURE_CONTROL is %#llx)\n",
		       smp_processor_id(), lodge_rdmsr(MSR_IA32_FEAT_CTL));
		return -EIO;
	}
	vmx_vmclear(cpu->probe_pa);
	vmx_vmptrld(cpu->probe_pa);
	reason = vmx_probe_run(cpu, &wrong);
	vmx_vmclear(cpu->probe_pa);
	vmx_give_hardware(cpu);
	if (!wrong && (reason == VMX_EXIT_EPT_VIOLATION ||
		       reason == VMX_EXIT_INTR || reason == VMX_EXIT_EXCEPTION))
		return 0;
	pr_err("lodge: CPU %d did not enter a guest: %s (exit reason %#x)\n",
	       smp_processor_id(), wrong ?: "an exit nobody asked for", reason);
	return -EIO;
}
