// SPDX-License-Identifier: GPL-2.0
/* Valid states of a VMCB, and their mutations. */
#include "check.h"
#include "regs.h"

/* A state that breaks no rule, on a CPU that has all but the newest. */
void svm_base(struct svm_state *s, enum base base)
{
	struct svm_vmcb *v = &s->vmcb;

	memset(s, 0, sizeof(*s));
	s->cpu.cr4 = 0x7f0fff;
	s->cpu.efer = 0x1d01;
	s->cpu.s_cet = 0xc3f;
	s->cpu.asids = 16;
	s->cpu.phys_bits = 40;
	svm_intercept_set(v, SVM_I_VMRUN);
	svm_intercept_set(v, SVM_I_NMI);
	v->iopm_pa = 0x10000;
	v->msrpm_pa = 0x20000;
	v->asid = 15;
	v->np_ctl = SVM_NP_ENABLE;
	v->ncr3 = 0x30000;
	v->pat = 0x0007040600070406ULL;
	v->efer = LODGE_EFER_SVME;
	v->cr0 = LODGE_CR0_ET;
	v->dr6 = 0xffff0ff0;
	v->dr7 = 0x400;
	v->rflags = 2;
	v->cs.attrib = 0x9b;
	if (base == REAL)
		return;
	v->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG | LODGE_CR0_WP;
	v->cs.attrib = 0xc9b;
	if (base == PROT)
		return;
	v->efer = 0x1d01;
	v->cr4 = LODGE_CR4_PAE;
	v->cr3 = 0x1000;
	v->cs.attrib = 0x29b;
}

#define INJECT(v)	SET(vmcb.event_inj, SVM_EVENT_VALID | (v))

const struct mutation svm_rows[] = {
	{ "efer-svme", LONG, 0, { OFF(vmcb.efer, LODGE_EFER_SVME) } },
	{ "cr0-nw", LONG, 0, { ON(vmcb.cr0, LODGE_CR0_NW) } },
	{ "cr0-high", LONG, 0, { ON(vmcb.cr0, BIT_ULL(32)) } },
	{ "cr3-reserved", LONG, 0, { ON(vmcb.cr3, BIT_ULL(40)) } },
	{ "cr3-reserved", LONG, 0, { ON(vmcb.cr3, BIT_ULL(63)) } },
	{ "cr4-reserved", LONG, 0, { ON(vmcb.cr4, BIT_ULL(15)) } },
	{ "dr6-high", LONG, 0, { ON(vmcb.dr6, BIT_ULL(32)) } },
	{ "dr7-high", LONG, 0, { ON(vmcb.dr7, BIT_ULL(63)) } },
	{ "efer-reserved", LONG, 0, { ON(vmcb.efer, BIT(1)) } },
	{ "efer-reserved", REAL, 0, { ON(vmcb.efer, LODGE_EFER_FFXSR) } },
	{ "efer-long", REAL, 0, { ON(vmcb.efer, LODGE_EFER_LME),
		SET(cpu.efer, 0x1801) } },
	{ "efer-long", PROT, 0, { ON(vmcb.efer, LODGE_EFER_LMA),
		SET(cpu.efer, 0x1801) } },
	{ "long-pae", LONG, 0, { OFF(vmcb.cr4, LODGE_CR4_PAE) } },
	{ "long-pe", LONG, 0, { OFF(vmcb.cr0, LODGE_CR0_PE) } },
	{ "long-cs", LONG, 0, { ON(vmcb.cs.attrib, SVM_ATTRIB_DB) } },
	{ "cet-wp", LONG, 0, { ON(vmcb.cr4, BIT_ULL(23)),
		SET(cpu.cr4, 0x8000a0), OFF(vmcb.cr0, LODGE_CR0_WP) } },
	{ "s-cet", LONG, 0, { SET(vmcb.s_cet, 0x40) } },
	{ "vmrun-intercept", LONG, 0, { SET(vmcb.intercept[4], 0xfffffffe) } },
	{ "iopm", LONG, 0, { SET(vmcb.iopm_pa, 0xffffffe000) } },
	{ "iopm", LONG, 0, { SET(vmcb.iopm_pa, ~0xfffULL) } },
	{ "msrpm", LONG, 0, { SET(vmcb.msrpm_pa, 0xfffffff000) } },
	{ "asid-0", LONG, 0, { SET(vmcb.asid, 0) } },
	{ "asid-range", LONG, 0, { SET(vmcb.asid, 16) } },
	{ "inject-type", LONG, 0, { INJECT(0x120) } },
	{ "inject-type", LONG, 0, { INJECT(0x520) } },
	{ "inject-type", LONG, 0, { INJECT(0x720) } },
	{ "inject-vector", LONG, 0, { INJECT(0x302) } },
	{ "inject-vector", LONG, 0, { INJECT(0x320) } },
	{ "inject-mode", LONG, 0, { INJECT(0x305) } },
	{ "inject-mode", LONG, 0, { INJECT(0x304) } },
	{ "ncr3-reserved", LONG, 0, { SET(vmcb.ncr3, BIT_ULL(40)) } },
	{ "pat", LONG, 0, { SET(vmcb.pat, 0x02) } },
	{ "pat", LONG, 0, { SET(vmcb.pat, 0x03ULL << 56) } },
	{ "pat", LONG, 0, { SET(vmcb.pat, 0x0800) } },
	{ "virtual-nmi", LONG, 0, { SET(vmcb.int_ctl, BIT_ULL(26)),
		SET(vmcb.intercept[3], 0) } },
};

const unsigned int nr_svm_rows = ARRAY_SIZE(svm_rows);
