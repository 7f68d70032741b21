// SPDX-License-Identifier: GPL-2.0
/*
 * Why the hardware refused to enter: what the CPU has, read for the walk
 * through the manual's rules.
 *
 * Called by ../exit.c through the operations, after an entry has failed.
 * Next: svm_check.c.
 */
#include "svm.h"
#include "svm_check.h"

static void svm_facts(struct svm_cpu_facts *f)
{
	u32 eax, ebx, ecx, edx;

	lodge_cpuid_host(0x80000001, 0, &eax, &ebx, &ecx, &edx);
	f->efer = LODGE_EFER_SCE | LODGE_EFER_SVME;
	if (edx & BIT(20))
		f->efer |= LODGE_EFER_NX;
	if (edx & BIT(25))
		f->efer |= LODGE_EFER_FFXSR;
	if (edx & BIT(29))
		f->efer |= LODGE_EFER_LME | LODGE_EFER_LMA;
	lodge_cpuid_host(0x80000008, 0, &eax, &ebx, &ecx, &edx);
	f->phys_bits = eax;
	f->cr4 = lodge_cr4_supported();
	f->s_cet = ~0ULL;		/* never loaded */
	f->asids = lodge_caps.asids;
}

/**
 * svm_explain() - the rule that the state broke which the hardware refused
 * @vcpu: whose entry failed, in the bracket
 * @exit: the failure, decoded
 * @text: a line
 * @size: of it
 *
 * Return: length, as snprintf().
 */
int svm_explain(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		char *text, size_t size)
{
	struct svm_vmcb *v = to_svm(vcpu)->vmcb;
	struct svm_cpu_facts facts;
	struct lodge_check c = {};
	bool broken;

	svm_facts(&facts);
	if (exit->vectored.valid)	/* as it was at the entry */
		v->event_inj = svm_event_to_hw(&exit->vectored);
	broken = svm_check(&c, v, &facts);
	v->event_inj = 0;
	if (broken)
		return lodge_check_text(&c, text, size);
	return snprintf(text, size,
		"no rule that is known is broken; CR0 %llx CR3 %llx CR4 %llx EFER %llx CS %x:%x RIP %llx RFLAGS %llx DR6 %llx DR7 %llx ASID %u",
		v->cr0, v->cr3, v->cr4, v->efer, v->cs.sel, v->cs.attrib,
		v->rip, v->rflags, v->dr6, v->dr7, v->asid);
}
