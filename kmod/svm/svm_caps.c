// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPU can do, and turning AMD-V on and off on one CPU.
 *
 * Called by ../main.c at load and by ../percpu.c for each CPU. Next:
 * svm_vcpu.c.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#include "svm.h"

#define SVM_CPUID_ECX_SVM	BIT(2)

/* CPUID 8000000A EDX */
#define SVM_CPUID_NPT		BIT(0)
#define SVM_CPUID_NEXT_RIP	BIT(3)
#define SVM_CPUID_TSC_RATIO	BIT(4)
#define SVM_CPUID_CLEAN		BIT(5)
#define SVM_CPUID_FLUSH_ASID	BIT(6)
#define SVM_CPUID_DECODE	BIT(7)
#define SVM_CPUID_PAUSE_FILTER	BIT(10)

#define SVM_VM_CR_SVMDIS	BIT_ULL(4)
#define SVM_IOPM_SIZE		(3 * PAGE_SIZE)

static struct svm_cpu **svm_cpus;	/* by number: what each CPU will have */
DEFINE_PER_CPU(struct svm_cpu *, svm_cpu);	/* from its proof on */
hpa_t svm_iopm_pa;
static void *svm_iopm;
static void *svm_probe_npt;		/* an empty table: nothing is mapped */
bool svm_irq_by_vintr __ro_after_init;

static const struct {
	u32 bit;
	const char *name;
} svm_features[] = {
	{ SVM_CPUID_NEXT_RIP, "next-rip" },
	{ SVM_CPUID_TSC_RATIO, "tsc-ratio" },
	{ SVM_CPUID_CLEAN, "clean-bits" },
	{ SVM_CPUID_FLUSH_ASID, "flush-by-asid" },
	{ SVM_CPUID_DECODE, "decode-assists" },
	{ SVM_CPUID_PAUSE_FILTER, "pause-filter" },
};

static void svm_features_name(struct lodge_caps *caps, u32 edx)
{
	unsigned int i;

	lodge_caps_name(caps, true, true, "npt");
	for (i = 0; i < ARRAY_SIZE(svm_features); i++)
		lodge_caps_name(caps, edx & svm_features[i].bit, true,
				svm_features[i].name);
}

/*
 * QEMU's emulated CPU may deliver an interrupt that VMRUN injects a second time
 * (docs/TESTING.md), but no virtual interrupt.
 */
static bool svm_is_tcg(void)
{
	u32 max, name[3];

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return false;
	lodge_cpuid_host(0x40000000, 0, &max, &name[0], &name[1], &name[2]);
	return !memcmp(name, "TCGTCGTCGTCG", sizeof(name));
}

/**
 * svm_probe() - is AMD-V there, with nested paging?
 * @caps: filled
 *
 * AMD manual: "Determining Support for SVM", "SVM Feature Identification".
 *
 * Return: 0; -ENODEV if the CPU is none with SVM; -EOPNOTSUPP, with a
 * sentence in the log, if it has SVM that can't be used.
 */
int svm_probe(struct lodge_caps *caps)
{
	u32 eax, ebx, ecx, edx;

	lodge_cpuid_host(0x80000000, 0, &eax, &ebx, &ecx, &edx);
	if (eax < 0x80000001)
		return -ENODEV;
	lodge_cpuid_host(0x80000001, 0, &eax, &ebx, &ecx, &edx);
	if (!(ecx & SVM_CPUID_ECX_SVM))
		return -ENODEV;
	if (lodge_rdmsr(MSR_VM_CR) & SVM_VM_CR_SVMDIS) {
		pr_err("lodge: AMD-V is disabled by the firmware (VM_CR.SVMDIS is set); enable it in the firmware's setup\n");
		return -EOPNOTSUPP;
	}
	lodge_cpuid_host(0x8000000a, 0, &eax, &ebx, &ecx, &edx);
	if (!(edx & SVM_CPUID_NPT)) {
		pr_err("lodge: this CPU has AMD-V without nested paging (CPUID 8000000A EDX bit 0), which Lodge needs\n");
		return -EOPNOTSUPP;
	}
	caps->asids = ebx;
	caps->tsc_ratio_frac_bits = edx & SVM_CPUID_TSC_RATIO ? 32 : 0;
	caps->may_own = true;
	caps->next_rip = edx & SVM_CPUID_NEXT_RIP;
	caps->decode_assist = edx & SVM_CPUID_DECODE;
	caps->flush_by_asid = edx & SVM_CPUID_FLUSH_ASID;
	svm_features_name(caps, edx);
	svm_irq_by_vintr = svm_is_tcg();

	lodge_cpuid_host(0x80000001, 0, &eax, &ebx, &ecx, &edx);
	caps->tdp_max_level = edx & BIT(26) ? 3 : 2;
	caps->tsc_aux = boot_cpu_has(X86_FEATURE_RDTSCP) ||
			boot_cpu_has(X86_FEATURE_RDPID);
	if (caps->asids < 2) {
		pr_err("lodge: this CPU has no address-space id for a guest (CPUID 8000000A EBX)\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static void svm_cpu_free(struct svm_cpu *cpu)
{
	if (!cpu)
		return;
	lodge_page_free(cpu->host);
	lodge_page_free(cpu->probe);
	lodge_page_free(cpu->hsave);
	kvfree(cpu);
}

/*
 * A guest in real mode that has an intercepted interrupt pending, and no memory.
 */
static void svm_probe_guest_init(struct svm_vmcb *vmcb)
{
	struct svm_seg code = { 0xf000, 0x9b, 0xffff, 0xf0000 };
	struct svm_seg data = { 0, 0x93, 0xffff, 0 };

	vmcb->cs = code;
	vmcb->ds = data;
	vmcb->es = data;
	vmcb->ss = data;
	vmcb->fs = data;
	vmcb->gs = data;
	vmcb->gdtr.limit = 0xffff;
	vmcb->idtr.limit = 0xffff;
	vmcb->ldtr.attrib = 0x82;
	vmcb->tr.attrib = 0x8b;
	vmcb->efer = LODGE_EFER_SVME;
	vmcb->cr0 = LODGE_CR0_ET;
	vmcb->dr6 = 0xffff0ff0;
	vmcb->dr7 = 0x400;
	vmcb->np_ctl = SVM_NP_ENABLE;
	vmcb->ncr3 = lodge_hw_pa(svm_probe_npt);
	vmcb->pat = 0x0007040600070406ULL;
	vmcb->iopm_pa = svm_iopm_pa;
	vmcb->msrpm_pa = svm_iopm_pa;	/* all ones, large enough */
	svm_intercept_set(vmcb, SVM_I_VMRUN);
	svm_intercept_set(vmcb, SVM_I_VINTR);
	svm_intercept_set(vmcb, SVM_I_INTR);
	svm_intercept_set(vmcb, SVM_I_NMI);
	svm_intercept_set(vmcb, SVM_I_SMI);
	svm_intercept_set(vmcb, SVM_I_INIT);
	svm_intercept_set(vmcb, SVM_I_HLT);
	svm_intercept_set(vmcb, SVM_I_SHUTDOWN);
}

static int svm_cpu_alloc(struct svm_cpu **to)
{
	struct svm_cpu *cpu = kvzalloc(sizeof(*cpu), GFP_KERNEL);

	*to = cpu;
	if (!cpu)
		return -ENOMEM;
	cpu->host = lodge_page_alloc();
	cpu->probe = lodge_page_alloc();
	cpu->hsave = lodge_page_alloc();
	if (!cpu->host || !cpu->probe || !cpu->hsave)
		return -ENOMEM;
	cpu->host_pa = lodge_hw_pa(cpu->host);
	cpu->probe_pa = lodge_hw_pa(cpu->probe);
	cpu->hsave_pa = lodge_hw_pa(cpu->hsave);
	cpu->asids.generation = 1;
	svm_probe_guest_init(cpu->probe);
	return 0;
}

/**
 * svm_setup() - memory for every possible CPU
 *
 * Return: 0 or -ENOMEM.
 */
int svm_setup(void)
{
	int cpu;

	svm_iopm = alloc_pages_exact(SVM_IOPM_SIZE, GFP_KERNEL);
	svm_probe_npt = lodge_page_alloc();
	svm_cpus = kvcalloc(LODGE_CPUS_MAX, sizeof(*svm_cpus), GFP_KERNEL);
	if (!svm_iopm || !svm_probe_npt || !svm_cpus)
		goto fail;
	memset(svm_iopm, 0xff, SVM_IOPM_SIZE);
	svm_iopm_pa = lodge_hw_pa(svm_iopm);
	for (cpu = 0; cpu < LODGE_CPUS_MAX; cpu++)
		if (cpu_possible(cpu) && svm_cpu_alloc(&svm_cpus[cpu]))
			goto fail;
	return 0;
fail:
	svm_teardown();
	return -ENOMEM;
}

/**
 * svm_teardown() - undo svm_setup(), also a part of it
 */
void svm_teardown(void)
{
	int cpu;

	for (cpu = 0; svm_cpus && cpu < LODGE_CPUS_MAX; cpu++)
		svm_cpu_free(svm_cpus[cpu]);
	kvfree(svm_cpus);
	svm_cpus = NULL;
	if (svm_iopm)
		free_pages_exact(svm_iopm, SVM_IOPM_SIZE);
	svm_iopm = NULL;
	lodge_page_free(svm_probe_npt);
	svm_probe_npt = NULL;
}

/**
 * svm_hw_in_use() - does another hypervisor hold this CPU?
 *
 * Context: interrupts off.
 */
bool svm_hw_in_use(void)
{
	return lodge_rdmsr(MSR_EFER) & LODGE_EFER_SVME;
}

/**
 * svm_hw_enable() - turn AMD-V on and keep it on, in own mode
 *
 * Context: interrupts off.
 * Return: 0, or -EBUSY if another hypervisor holds this CPU.
 */
int svm_hw_enable(void)
{
	struct svm_cpu *cpu = this_cpu_read(svm_cpu);
	u64 efer = lodge_rdmsr(MSR_EFER);

	if (efer & LODGE_EFER_SVME)
		return -EBUSY;
	cpu->found_hsave = lodge_rdmsr(MSR_VM_HSAVE_PA);
	lodge_wrmsr(MSR_EFER, efer | LODGE_EFER_SVME);
	lodge_wrmsr(MSR_VM_HSAVE_PA, cpu->hsave_pa);
	/* Ids used before the CPU was off may have been used by others. */
	cpu->asids.generation++;
	cpu->asids.next = 0;
	return 0;
}

/**
 * svm_hw_disable() - undo svm_hw_enable()
 *
 * Context: interrupts off. May come without svm_hw_enable().
 */
void svm_hw_disable(void)
{
	struct svm_cpu *cpu = this_cpu_read(svm_cpu);
	u64 efer = lodge_rdmsr(MSR_EFER);

	if (!(efer & LODGE_EFER_SVME))
		return;
	lodge_wrmsr(MSR_VM_HSAVE_PA, cpu->found_hsave);
	lodge_wrmsr(MSR_EFER, efer & ~LODGE_EFER_SVME);
}

/**
 * svm_hw_prove() - one world switch, to see that the CPU does it
 *
 * Context: interrupts off. Uses SVM as found, or enables it for the moment.
 * Return: 0, or -EIO if the hardware did not enter the guest.
 */
int svm_hw_prove(void)
{
	struct svm_cpu *cpu = svm_cpus[smp_processor_id()];
	u64 dr7, code;

	this_cpu_write(svm_cpu, cpu);
	svm_take_hardware(cpu);
	svm_vmsave(cpu->host_pa);
	dr7 = native_get_debugreg(7);
	code = svm_probe_run(cpu, SVM_TLB_FLUSH_ALL, lodge_caps.asids - 1);
	native_set_debugreg(7, dr7);
	svm_give_hardware(cpu);
	switch (code) {
	case SVM_EXIT_VINTR:
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
		return 0;
	}
	pr_err("lodge: CPU %d did not enter a guest: exit code 0x%llx\n",
	       smp_processor_id(), code);
	return -EIO;
}
