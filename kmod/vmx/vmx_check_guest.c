// SPDX-License-Identifier: GPL-2.0
/*
 * "Checks on the Guest State Area" of the Intel manual, but for segments.
 * Called by vmx_check(). Pure. Next: vmx_check_seg.c.
 */
#include "vmx_check.h"

#define DEBUGCTL_BITS	(GENMASK_ULL(15, 6) | GENMASK_ULL(2, 0))
#define DEBUGCTL_BTF	BIT_ULL(1)
#define LBR_CTL_BITS	(GENMASK_ULL(22, 16) | GENMASK_ULL(3, 0))
#define RFLAGS_RESERVED	(GENMASK_ULL(63, 22) | BIT_ULL(15) | BIT_ULL(5) | \
			 BIT_ULL(3))
#define CR0_CACHE	(LODGE_CR0_NW | LODGE_CR0_CD)

static const char canonical[] = "must be a canonical address";
static const char fixed[] =
	"bits that VMX operation fixes must have that value";

static bool long_mode(const struct vmx_state *s)
{
	return s->ctl.entry & VMX_ENTRYC_LONG_MODE;
}

/* What an entry leaves alone is not checked, nor what such a guest is free in. */
static u64 cr0_unchecked(const struct vmx_state *s)
{
	return vmx_proc2(s, VMX_PROC2_UNRESTRICTED) ?
	       CR0_CACHE | LODGE_CR0_PE | LODGE_CR0_PG : CR0_CACHE;
}

static bool check_crs(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;
	u64 cr0 = ~cr0_unchecked(s);
	bool lm = long_mode(s);

	return VMX_RULE("cr0-fixed", guest.cr0,
			!(~g->cr0 & s->cpu.cr0_fixed0 & cr0) &&
			!(g->cr0 & ~s->cpu.cr0_fixed1 & cr0), fixed) ||
	       VMX_RULE("cr0-pg-pe", guest.cr0, !(g->cr0 & LODGE_CR0_PG) ||
			(g->cr0 & LODGE_CR0_PE), "PG needs PE") ||
	       VMX_RULE("cr4-fixed", guest.cr4,
			!(~g->cr4 & s->cpu.cr4_fixed0) &&
			!(g->cr4 & ~s->cpu.cr4_fixed1), fixed) ||
	       VMX_RULE("cr4-cet", guest.cr4, !(g->cr4 & VMX_CR4_CET) ||
			(g->cr0 & LODGE_CR0_WP), "CET needs CR0.WP") ||
	       VMX_RULE("long-mode-pg", guest.cr0,
			!lm || (g->cr0 & LODGE_CR0_PG),
			"IA-32e mode needs PG") ||
	       VMX_RULE("long-mode-pae", guest.cr4,
			!lm || (g->cr4 & LODGE_CR4_PAE),
			"IA-32e mode needs PAE") ||
	       VMX_RULE("cr4-pcide", guest.cr4,
			lm || !(g->cr4 & LODGE_CR4_PCIDE),
			"PCIDE needs IA-32e mode") ||
	       VMX_RULE("cr3-width", guest.cr3,
			!(g->cr3 & vmx_cr3_reserved(s)),
			"bits beyond the physical-address width must be 0");
}

static bool check_efer(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;
	bool load = s->ctl.entry & VMX_ENTRYC_LOAD_EFER;
	bool lma = g->efer & LODGE_EFER_LMA, lme = g->efer & LODGE_EFER_LME;

	return VMX_RULE("efer-reserved", guest.efer,
			!load || !(g->efer & ~VMX_EFER_BITS),
			"reserved bits must be 0") ||
	       VMX_RULE("efer-lma", guest.efer, !load || lma == long_mode(s),
			"LMA must be as the entry control \"IA-32e mode guest\"") ||
	       VMX_RULE("efer-lme", guest.efer, !load ||
			!(g->cr0 & LODGE_CR0_PG) || lma == lme,
			"with paging on, LME must be as LMA");
}

static bool check_msrs(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;
	u64 entry = s->ctl.entry;
	bool debug = entry & VMX_ENTRYC_LOAD_DEBUG;
	bool cet = entry & VMX_ENTRYC_LOAD_CET;

	return VMX_RULE("debugctl", guest.debugctl,
			!debug || !(g->debugctl & ~DEBUGCTL_BITS),
			"reserved bits must be 0") ||
	       VMX_RULE("dr7-high", guest.dr7, !debug || !(g->dr7 >> 32),
			"bits 63:32 must be 0") ||
	       VMX_RULE("sysenter-esp", guest.sysenter_esp,
			vmx_canonical(s, g->sysenter_esp), canonical) ||
	       VMX_RULE("sysenter-eip", guest.sysenter_eip,
			vmx_canonical(s, g->sysenter_eip), canonical) ||
	       VMX_RULE("perf-global", guest.perf_global,
			!(entry & VMX_ENTRYC_LOAD_PERF_GLOBAL) ||
			!(g->perf_global & ~s->cpu.perf_global),
			"bits without a counter must be 0") ||
	       VMX_RULE("pat", guest.pat, !(entry & VMX_ENTRYC_LOAD_PAT) ||
			lodge_check_pat(g->pat),
			"each byte must be a memory type: 0, 1, 4, 5, 6 or 7") ||
	       check_efer(c, s) ||
	       VMX_RULE("bndcfgs", guest.bndcfgs,
			!(entry & VMX_ENTRYC_LOAD_BNDCFGS) ||
			(!(g->bndcfgs & 0xffc) &&
			 vmx_canonical(s, g->bndcfgs & ~0xfffULL)),
			"bits 11:2 must be 0, the address canonical") ||
	       VMX_RULE("rtit-ctl", guest.rtit_ctl,
			!(entry & VMX_ENTRYC_LOAD_RTIT_CTL) ||
			!(g->rtit_ctl & ~s->cpu.rtit_ctl),
			"reserved bits must be 0") ||
	       VMX_RULE("s-cet", guest.s_cet,
			!cet || vmx_s_cet_valid(s, g->s_cet),
			"reserved bits must be 0, the legacy bitmap's address canonical, and not both SUPPRESS and TRACKER set") ||
	       VMX_RULE("ssp-table", guest.ssp_table,
			!cet || vmx_canonical(s, g->ssp_table), canonical) ||
	       VMX_RULE("lbr-ctl", guest.lbr_ctl,
			!(entry & VMX_ENTRYC_LOAD_LBR_CTL) ||
			!(g->lbr_ctl & ~LBR_CTL_BITS),
			"reserved bits must be 0") ||
	       VMX_RULE("pkrs", guest.pkrs,
			!(entry & VMX_ENTRYC_LOAD_PKRS) || !(g->pkrs >> 32),
			"bits 63:32 must be 0") ||
	       VMX_RULE("uinv", guest.uinv,
			!(entry & VMX_ENTRYC_LOAD_UINV) || g->uinv <= 0xff,
			"bits 15:8 must be 0");
}

static bool check_dtables(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;

	c->section = "Checks on Guest Descriptor-Table Registers";
	return VMX_RULE("gdtr-base", guest.gdtr_base,
			vmx_canonical(s, g->gdtr_base), canonical) ||
	       VMX_RULE("idtr-base", guest.idtr_base,
			vmx_canonical(s, g->idtr_base), canonical) ||
	       VMX_RULE("gdtr-limit", guest.gdtr_limit, g->gdtr_limit <= 0xffff,
			"bits 31:16 must be 0") ||
	       VMX_RULE("idtr-limit", guest.idtr_limit, g->idtr_limit <= 0xffff,
			"bits 31:16 must be 0");
}

/* One step beyond a canonical address is where code may have run into. */
static bool rip_ok(const struct vmx_state *s)
{
	u64 high = ~0ULL << s->cpu.linear_bits;

	return !(s->guest.rip & high) || (s->guest.rip & high) == high;
}

static bool check_rip(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;
	bool code64 = long_mode(s) && (g->seg[LODGE_CS].ar & LODGE_AR_L);
	bool cet = s->ctl.entry & VMX_ENTRYC_LOAD_CET;

	c->section = "Checks on Guest RIP, RFLAGS, and SSP";
	return VMX_RULE("rip-32", guest.rip, code64 || !(g->rip >> 32),
			"bits 63:32 must be 0 outside 64-bit code") ||
	       VMX_RULE("rip-64", guest.rip,
			!code64 || rip_ok(s),
			"bits beyond the linear-address width must be all 0 or all 1") ||
	       VMX_RULE("rflags-reserved", guest.rflags,
			!(g->rflags & RFLAGS_RESERVED) &&
			(g->rflags & LODGE_RFLAGS_1),
			"bits 63:22, 15, 5 and 3 must be 0, bit 1 must be 1") ||
	       VMX_RULE("rflags-vm", guest.rflags,
			!(g->rflags & LODGE_RFLAGS_VM) ||
			(!long_mode(s) && (g->cr0 & LODGE_CR0_PE)),
			"VM must be 0 in real mode and in IA-32e mode") ||
	       VMX_RULE("rflags-if", guest.rflags,
			!vmx_injects(s, VMX_INTR_EXTERNAL) ||
			(g->rflags & LODGE_RFLAGS_IF),
			"an interrupt to be delivered needs IF") ||
	       VMX_RULE("ssp", guest.ssp, !cet ||
			(!(g->ssp & 3) && vmx_canonical(s, g->ssp) &&
			 (code64 || !(g->ssp >> 32))),
			"must be canonical, 4-byte aligned, and below 4G outside 64-bit code");
}

static bool activity_has(const struct vmx_state *s)
{
	switch (s->guest.activity) {
	case VMX_ACTIVE:
		return true;
	case VMX_HLT:
		return s->cpu.misc & VMX_CAP_HLT;
	case VMX_SHUTDOWN:
		return s->cpu.misc & VMX_CAP_SHUTDOWN;
	case VMX_WAIT_SIPI:
		return s->cpu.misc & VMX_CAP_WAIT_SIPI;
	default:
		return false;
	}
}

/* What wakes a CPU may be injected into one that sleeps. */
static bool activity_wakes(const struct vmx_state *s)
{
	u64 vector = FIELD_GET(VMX_INTR_VECTOR, s->ctl.intr_info);
	bool mc = vmx_injects(s, VMX_INTR_HARD_EXCEPTION) && vector == LODGE_MC;
	bool db = vmx_injects(s, VMX_INTR_HARD_EXCEPTION) && vector == LODGE_DB;

	if (!(s->ctl.intr_info & VMX_INTR_VALID))
		return true;
	switch (s->guest.activity) {
	case VMX_HLT:
		return mc || db || vmx_injects(s, VMX_INTR_EXTERNAL) ||
		       vmx_injects(s, VMX_INTR_NMI) ||
		       vmx_injects(s, VMX_INTR_OTHER);
	case VMX_SHUTDOWN:
		return mc || vmx_injects(s, VMX_INTR_NMI);
	case VMX_WAIT_SIPI:
		return false;
	default:
		return true;
	}
}

static bool check_activity(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;

	return VMX_RULE("activity-known", guest.activity, activity_has(s),
			"the CPU has no such activity state") ||
	       VMX_RULE("activity-hlt-dpl", guest.activity,
			g->activity != VMX_HLT ||
			!(g->seg[LODGE_SS].ar & LODGE_AR_DPL),
			"HLT needs DPL 0 in SS") ||
	       VMX_RULE("activity-shadow", guest.activity,
			g->activity == VMX_ACTIVE || !(g->interruptibility &
			(VMX_BLOCK_STI | VMX_BLOCK_MOVSS)),
			"must be active while STI or MOV SS blocks interrupts") ||
	       VMX_RULE("activity-inject", guest.activity, activity_wakes(s),
			"the event to be delivered can't wake it from there");
}

static bool check_blocking(struct lodge_check *c, const struct vmx_state *s)
{
	u64 v = s->guest.interruptibility;

	return VMX_RULE("block-reserved", guest.interruptibility,
			!(v & VMX_BLOCK_RESERVED), "bits 31:5 must be 0") ||
	       VMX_RULE("block-both", guest.interruptibility,
			!(v & VMX_BLOCK_STI) || !(v & VMX_BLOCK_MOVSS),
			"STI and MOV SS can't both block") ||
	       VMX_RULE("block-sti-if", guest.interruptibility,
			!(v & VMX_BLOCK_STI) ||
			(s->guest.rflags & LODGE_RFLAGS_IF),
			"STI can't block while IF is 0") ||
	       VMX_RULE("block-interrupt", guest.interruptibility,
			!vmx_injects(s, VMX_INTR_EXTERNAL) ||
			!(v & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS)),
			"an interrupt can't be delivered while STI or MOV SS blocks it") ||
	       VMX_RULE("block-nmi-movss", guest.interruptibility,
			!vmx_injects(s, VMX_INTR_NMI) || !(v & VMX_BLOCK_MOVSS),
			"an NMI can't be delivered while MOV SS blocks it") ||
	       VMX_RULE("block-smi", guest.interruptibility,
			!(v & VMX_BLOCK_SMI),
			"SMIs are blocked in SMM only") ||
	       VMX_RULE("block-nmi", guest.interruptibility,
			!(s->ctl.pin & VMX_PIN_VIRTUAL_NMI) ||
			!vmx_injects(s, VMX_INTR_NMI) || !(v & VMX_BLOCK_NMI),
			"a virtual NMI can't be delivered while NMIs are blocked") ||
	       VMX_RULE("block-enclave", guest.interruptibility,
			!(v & VMX_IN_ENCLAVE) ||
			(s->cpu.sgx && !(v & VMX_BLOCK_MOVSS)),
			"an interrupted enclave needs SGX, and no blocking by MOV SS");
}

/* A rule of some CPUs only: it is last. */
static bool check_nmi_sti(struct lodge_check *c, const struct vmx_state *s)
{
	c->section = "Checks on Guest Non-Register State";
	return VMX_RULE("block-nmi-sti", guest.interruptibility,
			!vmx_injects(s, VMX_INTR_NMI) ||
			!(s->guest.interruptibility & VMX_BLOCK_STI),
			"this CPU may not deliver an NMI while STI blocks");
}

/* A single step is due exactly if the guest steps: nothing may lose it. */
static bool pending_bs_ok(const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;
	bool step = (g->rflags & LODGE_RFLAGS_TF) &&
		    !(g->debugctl & DEBUGCTL_BTF);

	if (!(g->interruptibility & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS)) &&
	    g->activity != VMX_HLT)
		return true;
	return step == !!(g->pending_debug & VMX_PENDING_BS);
}

static bool pending_rtm_ok(const struct vmx_state *s)
{
	const struct vmx_guest *g = &s->guest;

	if (!(g->pending_debug & VMX_PENDING_RTM))
		return true;
	return s->cpu.rtm && !(g->interruptibility & VMX_BLOCK_MOVSS) &&
	       g->pending_debug == (VMX_PENDING_RTM | VMX_PENDING_ENABLED);
}

static bool check_pending(struct lodge_check *c, const struct vmx_state *s)
{
	u64 known = VMX_PENDING_B | VMX_PENDING_ENABLED | VMX_PENDING_BS |
		    VMX_PENDING_RTM;

	if (s->cpu.bus_lock)
		known |= VMX_PENDING_BUS_LOCK;
	return VMX_RULE("pending-reserved", guest.pending_debug,
			!(s->guest.pending_debug & ~known),
			"reserved bits must be 0") ||
	       VMX_RULE("pending-bs", guest.pending_debug, pending_bs_ok(s),
			"while STI or MOV SS blocks, or in HLT, BS must be 1 if TF is 1 and BTF 0, else 0") ||
	       VMX_RULE("pending-rtm", guest.pending_debug, pending_rtm_ok(s),
			"RTM needs a CPU that has it, bit 12 and no other bit, and no blocking by MOV SS");
}

static bool check_link(struct lodge_check *c, const struct vmx_state *s)
{
	u64 link = s->guest.link;
	bool on = link != VMCS_NO_LINK;
	bool shadow = vmx_proc2(s, VMX_PROC2_SHADOW_VMCS);

	return VMX_RULE("link-address", guest.link,
			!on || vmx_address(s, link, 0xfff),
			"must be the address of a page, within the physical-address width, or all ones") ||
	       VMX_RULE("link-current", guest.link, !on || link != s->cpu.vmcs,
			"must not be the current VMCS") ||
	       VMX_RULE("link-revision", cpu.link_word, !on ||
			(s->cpu.link_word & VMX_CAP_REVISION) ==
			(s->cpu.basic & VMX_CAP_REVISION),
			"a linked VMCS must have this CPU's revision") ||
	       VMX_RULE("link-shadow", cpu.link_word,
			!on || !!(s->cpu.link_word & BIT(31)) == shadow,
			"a linked VMCS must be a shadow exactly if VMCS shadowing is on");
}

static bool check_pdptes(struct lodge_check *c, const struct vmx_state *s)
{
	u64 bad = BIT_ULL(1) | BIT_ULL(2) | GENMASK_ULL(8, 5) |
		  vmx_beyond_width(s);
	const u64 *p = s->guest.pdpte;
	bool on = vmx_proc2(s, VMX_PROC2_EPT) && !long_mode(s) &&
		  (s->guest.cr0 & LODGE_CR0_PG) &&
		  (s->guest.cr4 & LODGE_CR4_PAE);
	static const char text[] =
		"reserved bits of a present entry must be 0";

	c->section = "Checks on Guest Page-Directory-Pointer-Table Entries";
	return VMX_RULE("pdpte", guest.pdpte[0],
			!on || !(p[0] & 1) || !(p[0] & bad), text) ||
	       VMX_RULE("pdpte", guest.pdpte[1],
			!on || !(p[1] & 1) || !(p[1] & bad), text) ||
	       VMX_RULE("pdpte", guest.pdpte[2],
			!on || !(p[2] & 1) || !(p[2] & bad), text) ||
	       VMX_RULE("pdpte", guest.pdpte[3],
			!on || !(p[3] & 1) || !(p[3] & bad), text);
}

/**
 * vmx_check_guest() - the manual's rules for the guest state
 * @c: walk
 * @s: state
 *
 * Return: true: one is broken.
 */
bool vmx_check_guest(struct lodge_check *c, const struct vmx_state *s)
{
	c->section =
		"Checks on Guest Control Registers, Debug Registers, and MSRs";
	if (check_crs(c, s) || check_msrs(c, s))
		return true;
	c->section = "Checks on Guest Segment Registers";
	if (vmx_check_guest_segs(c, s) || check_dtables(c, s) ||
	    check_rip(c, s))
		return true;
	c->section = "Checks on Guest Non-Register State";
	return check_activity(c, s) || check_blocking(c, s) ||
	       check_pending(c, s) || check_link(c, s) || check_pdptes(c, s) ||
	       check_nmi_sti(c, s);
}
