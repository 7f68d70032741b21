// SPDX-License-Identifier: GPL-2.0
/*
 * Why VMRUN was refused: the rules of the AMD manual for the VMCB. Called by
 * svm_explain.c, and by tests/unit/svm. Pure. Next: ../check.c.
 */
#include "../exit.h"
#include "../regs.h"
#include "svm_check.h"

#define SVM_IOPM_SIZE	0x3000
#define SVM_MSRPM_SIZE	0x2000
#define SVM_CR4_CET	BIT_ULL(23)

/* A rule on the field that it names. */
#define RULE(id, name, ok, text) \
	lodge_check_rule(c, id, #name, v->name, ok, text)

static bool lacks(u64 value, u64 bits)
{
	return (value & bits) != bits;
}

static bool check_registers(struct lodge_check *c, const struct svm_vmcb *v,
			    const struct svm_cpu_facts *cpu)
{
	static const char high[] = "bits 63:32 must be 0";

	return RULE("efer-svme", efer, v->efer & LODGE_EFER_SVME,
		    "SVME must be 1") ||
	       RULE("cr0-nw", cr0, (v->cr0 & LODGE_CR0_CD) ||
		    !(v->cr0 & LODGE_CR0_NW), "NW needs CD") ||
	       RULE("cr0-high", cr0, !(v->cr0 >> 32), high) ||
	       RULE("cr3-reserved", cr3, !(v->cr3 >> cpu->phys_bits),
		    "bits beyond the physical-address width must be 0") ||
	       RULE("cr4-reserved", cr4, !(v->cr4 & ~cpu->cr4),
		    "bits that the CPU does not have must be 0") ||
	       RULE("dr6-high", dr6, !(v->dr6 >> 32), high) ||
	       RULE("dr7-high", dr7, !(v->dr7 >> 32), high) ||
	       RULE("efer-reserved", efer,
		    !(v->efer & ~(cpu->efer | LODGE_EFER_SVME |
				  LODGE_EFER_LME | LODGE_EFER_LMA)),
		    "bits that the CPU does not have must be 0") ||
	       RULE("efer-long", efer, !(v->efer & ~cpu->efer &
		    (LODGE_EFER_LME | LODGE_EFER_LMA)),
		    "the CPU has no long mode") ||
	       RULE("cet-wp", cr4, !(v->cr4 & SVM_CR4_CET) ||
		    (v->cr0 & LODGE_CR0_WP), "CET needs CR0.WP") ||
	       RULE("s-cet", s_cet, !(v->s_cet & 0xfff & ~cpu->s_cet),
		    "bits that the CPU does not have must be 0");
}

static bool check_long(struct lodge_check *c, const struct svm_vmcb *v)
{
	bool on = (v->efer & LODGE_EFER_LME) && (v->cr0 & LODGE_CR0_PG);

	return RULE("long-pae", cr4, !on || (v->cr4 & LODGE_CR4_PAE),
		    "long mode with paging needs PAE") ||
	       RULE("long-pe", cr0, !on || (v->cr0 & LODGE_CR0_PE),
		    "long mode with paging needs PE") ||
	       RULE("long-cs", cs.attrib, !on || !(v->cr4 & LODGE_CR4_PAE) ||
		    lacks(v->cs.attrib, SVM_ATTRIB_L | SVM_ATTRIB_DB),
		    "L and D must not both be 1 in long mode");
}

/* A map of permissions ends where physical addresses do. */
static bool map_ok(u64 pa, u64 size, const struct svm_cpu_facts *cpu)
{
	return !(pa >> cpu->phys_bits) &&
	       !((pa + size - 1) >> cpu->phys_bits);
}

static bool check_control(struct lodge_check *c, const struct svm_vmcb *v,
			  const struct svm_cpu_facts *cpu)
{
	static const char map[] =
		"the map must end within the physical-address width";

	return RULE("vmrun-intercept", intercept[4],
		    v->intercept[4] & BIT(SVM_I_VMRUN % 32),
		    "VMRUN (bit 0) must be intercepted") ||
	       RULE("iopm", iopm_pa, map_ok(v->iopm_pa, SVM_IOPM_SIZE, cpu),
		    map) ||
	       RULE("msrpm", msrpm_pa, map_ok(v->msrpm_pa, SVM_MSRPM_SIZE, cpu),
		    map) ||
	       RULE("asid-0", asid, v->asid, "0 is the host's") ||
	       RULE("asid-range", asid, v->asid < cpu->asids,
		    "the CPU has fewer address-space ids");
}

static bool event_type_ok(u64 event)
{
	switch (FIELD_GET(SVM_EVENT_TYPE, event)) {
	case LODGE_EVENT_INTR:
	case LODGE_EVENT_NMI:
	case LODGE_EVENT_EXCEPTION:
	case LODGE_EVENT_SOFT_INTR:
		return true;
	default:
		return false;
	}
}

static bool check_injection(struct lodge_check *c, const struct svm_vmcb *v)
{
	u64 event = v->event_inj, vector = FIELD_GET(SVM_EVENT_VECTOR, event);
	bool on = event & SVM_EVENT_VALID;
	bool exception = on &&
		FIELD_GET(SVM_EVENT_TYPE, event) == LODGE_EVENT_EXCEPTION;
	bool code64 = (v->efer & LODGE_EFER_LMA) &&
		      (v->cs.attrib & SVM_ATTRIB_L);

	c->section = "Event Injection";
	return RULE("inject-type", event_inj, !on || event_type_ok(event),
		    "the type must be 0, 2, 3 or 4") ||
	       RULE("inject-vector", event_inj, !exception ||
		    (vector <= 31 && vector != LODGE_NMI_VECTOR),
		    "the vector must be that of an exception") ||
	       RULE("inject-mode", event_inj, !exception || !code64 ||
		    (vector != LODGE_BR && vector != LODGE_OF),
		    "64-bit code raises no #BR and no #OF");
}

static bool check_paging(struct lodge_check *c, const struct svm_vmcb *v,
			 const struct svm_cpu_facts *cpu)
{
	bool on = v->np_ctl & SVM_NP_ENABLE;

	c->section = "Nested Paging and VMRUN/#VMEXIT";
	return RULE("ncr3-reserved", ncr3, !on || !(v->ncr3 >> cpu->phys_bits),
		    "bits beyond the physical-address width must be 0") ||
	       RULE("pat", pat, !on || lodge_check_pat(v->pat),
		    "each byte must be a memory type: 0, 1, 4, 5, 6 or 7");
}

/**
 * svm_check() - find the first rule of the manual that a VMCB breaks
 * @c: zeroed; the rule, if there is one
 * @v: as VMRUN was given it
 * @cpu: what the CPU has
 *
 * AMD manual: "Canonicalization and Consistency Checks", "Event Injection",
 * "Nested Paging and VMRUN/#VMEXIT", "NMI Virtualization".
 *
 * Return: true: one is broken.
 */
bool svm_check(struct lodge_check *c, const struct svm_vmcb *v,
	       const struct svm_cpu_facts *cpu)
{
	c->section = "Canonicalization and Consistency Checks";
	if (check_registers(c, v, cpu) || check_long(c, v) ||
	    check_control(c, v, cpu) || check_injection(c, v) ||
	    check_paging(c, v, cpu))
		return true;
	c->section = "NMI Virtualization";
	return RULE("virtual-nmi", int_ctl, !(v->int_ctl & SVM_INT_V_NMI_ENABLE) ||
		    (v->intercept[3] & BIT(SVM_I_NMI % 32)),
		    "virtual NMIs (bit 26) need NMIs to be intercepted");
}
