/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state that VM entry checks, as plain data, and the walk through the
 * Intel manual's rules for it. Pure. Next: vmx_check.c.
 */
#ifndef LODGE_VMX_CHECK_H
#define LODGE_VMX_CHECK_H

#include "../check.h"
#include "../regs.h"
#include "vmx_ctls.h"
#include "vmx_vmcs.h"

#define VMX_CR4_CET	BIT_ULL(23)
#define VMX_EFER_BITS	(LODGE_EFER_SCE | LODGE_EFER_LME | LODGE_EFER_LMA | \
			 LODGE_EFER_NX)

struct vmx_controls {
	u64 pin, proc, proc2, proc3, exit, exit2, entry;
	u64 cr3_targets, tpr_threshold, posted_vector, vpid;
	u64 io_bitmap_a, io_bitmap_b, msr_bitmap, virtual_apic, apic_access;
	u64 posted_desc, eptp, pml_address, spptp, vmfunc, eptp_list;
	u64 vmread_bitmap, vmwrite_bitmap, ve_info, tsc_multiplier;
	u64 hlatp, pid_table, last_pid_index, pasid_low, pasid_high;
	u64 exit_store_nr, exit_store, exit_load_nr, exit_load;
	u64 entry_load_nr, entry_load;
	u64 intr_info, intr_error, insn_len;
};

struct vmx_host {
	u64 cr0, cr3, cr4, efer, pat, perf_global, pkrs;
	u64 s_cet, ssp, ssp_table;
	u64 sysenter_esp, sysenter_eip, rip;
	u64 es, cs, ss, ds, fs, gs, tr;		/* selectors */
	u64 fs_base, gs_base, tr_base, gdtr_base, idtr_base;
};

struct vmx_guest_seg {
	u64 sel, base, limit, ar;
};

struct vmx_guest {
	u64 cr0, cr3, cr4, dr7, efer, pat, debugctl, perf_global, pkrs;
	u64 s_cet, ssp, ssp_table, bndcfgs, rtit_ctl, lbr_ctl, uinv;
	u64 sysenter_esp, sysenter_eip;
	struct vmx_guest_seg seg[LODGE_SEG_NR];
	u64 gdtr_base, gdtr_limit, idtr_base, idtr_limit;
	u64 rip, rflags;
	u64 activity, interruptibility, pending_debug, link;
	u64 pdpte[4];
};

/* What the rules ask of the CPU: capability MSRs and more. */
struct vmx_cpu_facts {
	u64 basic, misc, ept_vpid, vmfunc;
	u64 pin, proc, proc2, proc3, exit, exit2, entry;	/* VMX_CAP_* */
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 perf_global;	/* bits that IA32_PERF_GLOBAL_CTRL has */
	u64 rtit_ctl;		/* bits that IA32_RTIT_CTL has */
	u64 s_cet;		/* bits that IA32_S_CET has */
	u64 efer;		/* at the time of the entry */
	u64 vmcs;		/* address of the current VMCS */
	u64 link_word;		/* first 32 bits at the link pointer */
	u64 vtpr;		/* of the virtual-APIC page */
	u8 phys_bits, linear_bits;
	bool sgx, rtm, bus_lock, lam;
	bool tracing;		/* Intel PT is on */
};

struct vmx_state {
	struct vmx_controls ctl;
	struct vmx_host host;
	struct vmx_guest guest;
	struct vmx_cpu_facts cpu;
};

void vmx_state_read(struct vmx_state *s, u64 (*read)(u32 field));
bool vmx_check(struct lodge_check *c, const struct vmx_state *s);

/* vmx_explain.c */
void vmx_facts_read(struct vmx_cpu_facts *f);

/* vmx_check_ctl.c, vmx_check_host.c, vmx_check_guest.c, vmx_check_seg.c */
bool vmx_check_controls(struct lodge_check *c, const struct vmx_state *s);
bool vmx_check_host(struct lodge_check *c, const struct vmx_state *s);
bool vmx_check_guest(struct lodge_check *c, const struct vmx_state *s);
bool vmx_check_guest_segs(struct lodge_check *c, const struct vmx_state *s);

/* A rule on the field that it names; "a, unless b" is written !b || a. */
#define VMX_RULE(id, name, ok, text) \
	lodge_check_rule(c, id, #name, s->name, ok, text)

/* Sign-extended from the last bit of a linear address. */
static inline bool vmx_canonical(const struct vmx_state *s, u64 address)
{
	u64 high = ~0ULL << (s->cpu.linear_bits - 1);

	return !(address & high) || (address & high) == high;
}

static inline u64 vmx_beyond_width(const struct vmx_state *s)
{
	return ~0ULL << s->cpu.phys_bits;
}

/* Bits 62:61 of CR3 turn on linear-address masking. */
static inline u64 vmx_cr3_reserved(const struct vmx_state *s)
{
	return vmx_beyond_width(s) &
	       ~(s->cpu.lam ? GENMASK_ULL(62, 61) : 0);
}

/* A physical address for the CPU to go to, with some low bits clear. */
static inline bool vmx_address(const struct vmx_state *s, u64 address, u64 low)
{
	u64 high = vmx_beyond_width(s);

	if (s->cpu.basic & VMX_CAP_ADDRESS_32)
		high |= GENMASK_ULL(63, 32);
	return !(address & (high | low));
}

/* Bits 11:10 are SUPPRESS and TRACKER; above are bits of an address. */
static inline bool vmx_s_cet_valid(const struct vmx_state *s, u64 v)
{
	return !(v & 0xfff & ~s->cpu.s_cet) && vmx_canonical(s, v & ~0xfffULL) &&
	       (v & 0xc00) != 0xc00;
}

static inline bool vmx_proc2(const struct vmx_state *s, u64 bits)
{
	return (s->ctl.proc & VMX_PROC_SECONDARY) && (s->ctl.proc2 & bits);
}

static inline bool vmx_proc3(const struct vmx_state *s, u64 bits)
{
	return (s->ctl.proc & VMX_PROC_TERTIARY) && (s->ctl.proc3 & bits);
}

/* The event that the entry is to deliver has this type (enum vmx_intr_type). */
static inline bool vmx_injects(const struct vmx_state *s, u32 type)
{
	return (s->ctl.intr_info & VMX_INTR_VALID) &&
	       FIELD_GET(VMX_INTR_TYPE, s->ctl.intr_info) == type;
}

#endif /* LODGE_VMX_CHECK_H */
