// SPDX-License-Identifier: GPL-2.0
/*
 * "Checks on Host-State Area" of the Intel manual: what an exit would load.
 * Called by vmx_check(). Pure. Next: vmx_check_guest.c.
 */
#include "vmx_check.h"

static const char canonical[] = "must be a canonical address";

static bool check_registers(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_host *h = &s->host;
	bool cet = s->ctl.exit & VMX_EXITC_LOAD_CET;

	c->section = "Checks on Host Control Registers, MSRs, and SSP";
	return VMX_RULE("host-cr0", host.cr0,
			!(~h->cr0 & s->cpu.cr0_fixed0) &&
			!(h->cr0 & ~s->cpu.cr0_fixed1),
			"bits that VMX operation fixes must have that value") ||
	       VMX_RULE("host-cr4", host.cr4,
			!(~h->cr4 & s->cpu.cr4_fixed0) &&
			!(h->cr4 & ~s->cpu.cr4_fixed1),
			"bits that VMX operation fixes must have that value") ||
	       VMX_RULE("host-cet-wp", host.cr4, !(h->cr4 & VMX_CR4_CET) ||
			(h->cr0 & LODGE_CR0_WP),
			"CET needs CR0.WP") ||
	       VMX_RULE("host-cr3", host.cr3,
			!(h->cr3 & vmx_cr3_reserved(s)),
			"bits beyond the physical-address width must be 0") ||
	       VMX_RULE("host-sysenter-esp", host.sysenter_esp,
			vmx_canonical(s, h->sysenter_esp), canonical) ||
	       VMX_RULE("host-sysenter-eip", host.sysenter_eip,
			vmx_canonical(s, h->sysenter_eip), canonical) ||
	       VMX_RULE("host-perf-global", host.perf_global,
			!(s->ctl.exit & VMX_EXITC_LOAD_PERF_GLOBAL) ||
			!(h->perf_global & ~s->cpu.perf_global),
			"bits without a counter must be 0") ||
	       VMX_RULE("host-pat", host.pat,
			!(s->ctl.exit & VMX_EXITC_LOAD_PAT) ||
			lodge_check_pat(h->pat),
			"each byte must be a memory type: 0, 1, 4, 5, 6 or 7") ||
	       VMX_RULE("host-s-cet", host.s_cet,
			!cet || vmx_s_cet_valid(s, h->s_cet),
			"reserved bits must be 0, the legacy bitmap's address canonical, and not both SUPPRESS and TRACKER set") ||
	       VMX_RULE("host-ssp", host.ssp, !cet || !(h->ssp & 3),
			"bits 1:0 must be 0") ||
	       VMX_RULE("host-ssp-table", host.ssp_table,
			!cet || vmx_canonical(s, h->ssp_table), canonical) ||
	       VMX_RULE("host-pkrs", host.pkrs,
			!(s->ctl.exit & VMX_EXITC_LOAD_PKRS) ||
			!(h->pkrs >> 32),
			"bits 63:32 must be 0");
}

static bool check_efer(struct lodge_check *c, const struct vmx_state *s)
{
	bool load = s->ctl.exit & VMX_EXITC_LOAD_EFER;
	bool host64 = s->ctl.exit & VMX_EXITC_HOST_64;

	return VMX_RULE("host-efer-reserved", host.efer,
			!load || !(s->host.efer & ~VMX_EFER_BITS),
			"reserved bits must be 0") ||
	       VMX_RULE("host-efer-mode", host.efer, !load ||
			(!!(s->host.efer & LODGE_EFER_LMA) == host64 &&
			 !!(s->host.efer & LODGE_EFER_LME) == host64),
			"LMA and LME must be as the exit control \"host address-space size\"");
}

static bool check_segments(struct lodge_check *c, const struct vmx_state *s)
{
	static const char selector[] = "RPL and TI of a selector must be 0";
	static const char null[] = "must not be the null selector";
	const struct vmx_host *h = &s->host;

	c->section = "Checks on Host Segment and Descriptor-Table Registers";
	return VMX_RULE("host-sel-rpl", host.es, !(h->es & 7), selector) ||
	       VMX_RULE("host-sel-rpl", host.cs, !(h->cs & 7), selector) ||
	       VMX_RULE("host-sel-rpl", host.ss, !(h->ss & 7), selector) ||
	       VMX_RULE("host-sel-rpl", host.ds, !(h->ds & 7), selector) ||
	       VMX_RULE("host-sel-rpl", host.fs, !(h->fs & 7), selector) ||
	       VMX_RULE("host-sel-rpl", host.gs, !(h->gs & 7), selector) ||
	       VMX_RULE("host-sel-rpl", host.tr, !(h->tr & 7), selector) ||
	       VMX_RULE("host-cs-null", host.cs, h->cs, null) ||
	       VMX_RULE("host-tr-null", host.tr, h->tr, null) ||
	       VMX_RULE("host-ss-null", host.ss, h->ss ||
			(s->ctl.exit & VMX_EXITC_HOST_64), null) ||
	       VMX_RULE("host-base", host.fs_base,
			vmx_canonical(s, h->fs_base), canonical) ||
	       VMX_RULE("host-base", host.gs_base,
			vmx_canonical(s, h->gs_base), canonical) ||
	       VMX_RULE("host-base", host.gdtr_base,
			vmx_canonical(s, h->gdtr_base), canonical) ||
	       VMX_RULE("host-base", host.idtr_base,
			vmx_canonical(s, h->idtr_base), canonical) ||
	       VMX_RULE("host-base", host.tr_base,
			vmx_canonical(s, h->tr_base), canonical);
}

static bool check_size(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_host *h = &s->host;
	bool host64 = s->ctl.exit & VMX_EXITC_HOST_64;
	bool guest64 = s->ctl.entry & VMX_ENTRYC_LONG_MODE;
	bool now64 = s->cpu.efer & LODGE_EFER_LMA;

	c->section = "Checks Related to Address-Space Size";
	return VMX_RULE("size-guest-now", ctl.entry, now64 || !guest64,
			"outside IA-32e mode no guest can be entered in it") ||
	       VMX_RULE("size-host-now", ctl.exit, now64 == host64,
			"the host address-space size must be that of the mode the CPU is in") ||
	       VMX_RULE("size-pcide", host.cr4,
			host64 || !(h->cr4 & LODGE_CR4_PCIDE),
			"CR4.PCIDE needs IA-32e mode") ||
	       VMX_RULE("size-rip-32", host.rip, host64 || !(h->rip >> 32),
			"bits 63:32 must be 0 outside IA-32e mode") ||
	       VMX_RULE("size-pae", host.cr4,
			!host64 || (h->cr4 & LODGE_CR4_PAE),
			"IA-32e mode needs CR4.PAE") ||
	       VMX_RULE("size-rip", host.rip,
			!host64 || vmx_canonical(s, h->rip), canonical);
}

/**
 * vmx_check_host() - the manual's rules for the host state
 * @c: walk
 * @s: state
 *
 * Return: true: one is broken.
 */
bool vmx_check_host(struct lodge_check *c, const struct vmx_state *s)
{
	c->no_value = check_registers(c, s) || check_efer(c, s) ||
		      check_segments(c, s) || check_size(c, s);
	return c->no_value;
}
