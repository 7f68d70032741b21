// SPDX-License-Identifier: GPL-2.0
/*
 * VMRUN with states that break a rule: the emulated CPU must refuse each. A
 * valid one is entered, and exits at its first fetch: no memory is mapped.
 * Called by main.c. Next: ../../kmod/svm/svm_check.c.
 */
#include <linux/mm.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>

#include "svm/svm.h"
#include "unit/svm/check.h"
#include "entry.h"

/* Pages: the VMCB (in a state), save areas, tables and maps of zeros. */
static struct svm_state *state;
static struct svm_vmcb *host;
static void *hsave, *zeros;
static struct svm_cpu_facts facts;

#define ZEROS_ORDER	2	/* nested page table, I/O and MSR maps */

static enum entry_result svm_try(u64 *code)
{
	u64 gpr[LODGE_GPR_NR] = {}, efer, hsave_pa;
	unsigned long flags, dr7;

	local_irq_save(flags);
	efer = lodge_rdmsr(MSR_EFER);
	hsave_pa = lodge_rdmsr(MSR_VM_HSAVE_PA);
	dr7 = native_get_debugreg(7);
	lodge_wrmsr(MSR_EFER, efer | LODGE_EFER_SVME);
	lodge_wrmsr(MSR_VM_HSAVE_PA, lodge_hw_pa(hsave));
	svm_vmsave(lodge_hw_pa(host));
	svm_enter_guest(gpr, lodge_hw_pa(&state->vmcb), lodge_hw_pa(host));
	native_set_debugreg(7, dr7);
	lodge_wrmsr(MSR_VM_HSAVE_PA, hsave_pa);
	lodge_wrmsr(MSR_EFER, efer);
	local_irq_restore(flags);
	*code = state->vmcb.exit_code;
	return (u32)*code == ~0U ? ENTRY_REFUSED : ENTRY_ENTERED;
}

static void state_make(int base)
{
	struct svm_vmcb *v = &state->vmcb;

	svm_base(state, base);
	state->cpu = facts;
	svm_intercept_set(v, SVM_I_INTR);
	svm_intercept_set(v, SVM_I_SHUTDOWN);
	v->int_ctl = SVM_INT_V_MASKING;
	v->iopm_pa = lodge_hw_pa(zeros);
	v->msrpm_pa = lodge_hw_pa(zeros);
	v->ncr3 = lodge_hw_pa(zeros);
	v->tlb_control = SVM_TLB_FLUSH_ALL;
	v->asid = facts.asids - 1;
}

static void facts_read(void)
{
	u32 eax, ebx, ecx, edx;

	svm_base(state, LONG);
	facts = state->cpu;
	lodge_cpuid_host(0x8000000a, 0, &eax, &ebx, &ecx, &edx);
	facts.asids = ebx;
	lodge_cpuid_host(0x80000008, 0, &eax, &ebx, &ecx, &edx);
	facts.phys_bits = eax;
}

static void row_try(const struct mutation *m)
{
	struct lodge_check c = {};
	enum entry_result r = ENTRY_ABSENT;
	unsigned int i;
	char what[48];
	u64 code = 0;

	state_make(m->base);
	for (i = 0; i < ARRAY_SIZE(m->ops) && m->ops[i].kind; i++) {
		if (m->ops[i].offset >= offsetof(struct svm_state, cpu))
			return;		/* the hardware can't be changed */
		entry_apply(state, &m->ops[i], 0, 0, 0);
	}
	/* If it breaks another rule first, the CPU lacks a bit for it. */
	if (svm_check(&c, &state->vmcb, &state->cpu) && !strcmp(c.id, m->id))
		r = svm_try(&code);
	snprintf(what, sizeof(what), "svm.%s", m->id);
	entry_report(what, m - svm_rows, r, code);
}

/* -ENODEV: no AMD-V here. */
int entry_svm(void)
{
	static const char * const names[] = { "svm.long", "svm.real",
					      "svm.prot" };
	u32 eax, ebx, ecx, edx;
	enum entry_result result;
	unsigned int i;
	int r = -ENOMEM;
	u64 code;

	lodge_cpuid_host(0x80000001, 0, &eax, &ebx, &ecx, &edx);
	if (!(ecx & BIT(2)))
		return -ENODEV;
	state = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
					 get_order(sizeof(*state)));
	zeros = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, ZEROS_ORDER);
	host = (void *)get_zeroed_page(GFP_KERNEL);
	hsave = (void *)get_zeroed_page(GFP_KERNEL);
	if (!state || !zeros || !host || !hsave)
		goto out;
	r = 0;
	facts_read();
	for (i = 0; i < BASES; i++) {
		state_make(i);
		result = svm_try(&code);
		entry_report(names[i], -1, result, code);
	}
	for (i = 0; i < nr_svm_rows; i++)
		row_try(&svm_rows[i]);
out:
	free_page((unsigned long)hsave);
	free_page((unsigned long)host);
	free_pages((unsigned long)zeros, ZEROS_ORDER);
	free_pages((unsigned long)state, get_order(sizeof(*state)));
	return r;
}
