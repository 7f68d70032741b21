// SPDX-License-Identifier: GPL-2.0
/*
 * Why VM entry was refused: the fields of the VMCS as plain data, and the walk
 * through the manual's rules, in its order ("Checks on VMX Controls and
 * Host-State Area", "Checking and Loading Guest State").
 *
 * Called by vmx_explain.c, and by tests/unit/vmx. Pure. Next: vmx_check_ctl.c.
 */
#include "vmx_check.h"

static const struct {
	u16 field;		/* enum vmcs_field */
	u16 offset;		/* in struct vmx_state */
} vmx_state_fields[] = {
#define F(field, member) { VMCS_##field, offsetof(struct vmx_state, member) }
	F(PIN_CTLS, ctl.pin), F(PROC_CTLS, ctl.proc),
	F(PROC2_CTLS, ctl.proc2), F(PROC3_CTLS, ctl.proc3),
	F(EXIT_CTLS, ctl.exit), F(EXIT2_CTLS, ctl.exit2),
	F(ENTRY_CTLS, ctl.entry), F(CR3_TARGETS, ctl.cr3_targets),
	F(TPR_THRESHOLD, ctl.tpr_threshold),
	F(POSTED_VECTOR, ctl.posted_vector), F(VPID, ctl.vpid),
	F(IO_BITMAP_A, ctl.io_bitmap_a), F(IO_BITMAP_B, ctl.io_bitmap_b),
	F(MSR_BITMAP, ctl.msr_bitmap), F(VIRTUAL_APIC, ctl.virtual_apic),
	F(APIC_ACCESS, ctl.apic_access), F(POSTED_DESC, ctl.posted_desc),
	F(EPTP, ctl.eptp), F(PML_ADDRESS, ctl.pml_address),
	F(SPPTP, ctl.spptp), F(VMFUNC_CTLS, ctl.vmfunc),
	F(EPTP_LIST, ctl.eptp_list), F(VMREAD_BITMAP, ctl.vmread_bitmap),
	F(VMWRITE_BITMAP, ctl.vmwrite_bitmap), F(VE_INFO, ctl.ve_info),
	F(TSC_MULTIPLIER, ctl.tsc_multiplier), F(HLATP, ctl.hlatp),
	F(PID_TABLE, ctl.pid_table), F(LAST_PID_INDEX, ctl.last_pid_index),
	F(PASID_LOW, ctl.pasid_low), F(PASID_HIGH, ctl.pasid_high),
	F(EXIT_MSR_STORE_NR, ctl.exit_store_nr),
	F(EXIT_MSR_STORE, ctl.exit_store),
	F(EXIT_MSR_LOAD_NR, ctl.exit_load_nr),
	F(EXIT_MSR_LOAD, ctl.exit_load),
	F(ENTRY_MSR_LOAD_NR, ctl.entry_load_nr),
	F(ENTRY_MSR_LOAD, ctl.entry_load),
	F(ENTRY_INTR_INFO, ctl.intr_info), F(ENTRY_INTR_ERROR, ctl.intr_error),
	F(ENTRY_INSN_LEN, ctl.insn_len),

	F(HOST_CR0, host.cr0), F(HOST_CR3, host.cr3), F(HOST_CR4, host.cr4),
	F(HOST_EFER, host.efer), F(HOST_PAT, host.pat),
	F(HOST_PERF_GLOBAL, host.perf_global), F(HOST_PKRS, host.pkrs),
	F(HOST_S_CET, host.s_cet), F(HOST_SSP, host.ssp),
	F(HOST_SSP_TABLE, host.ssp_table),
	F(HOST_SYSENTER_ESP, host.sysenter_esp),
	F(HOST_SYSENTER_EIP, host.sysenter_eip), F(HOST_RIP, host.rip),
	F(HOST_ES_SEL, host.es), F(HOST_CS_SEL, host.cs),
	F(HOST_SS_SEL, host.ss), F(HOST_DS_SEL, host.ds),
	F(HOST_FS_SEL, host.fs), F(HOST_GS_SEL, host.gs),
	F(HOST_TR_SEL, host.tr), F(HOST_FS_BASE, host.fs_base),
	F(HOST_GS_BASE, host.gs_base), F(HOST_TR_BASE, host.tr_base),
	F(HOST_GDTR_BASE, host.gdtr_base), F(HOST_IDTR_BASE, host.idtr_base),

	F(GUEST_CR0, guest.cr0), F(GUEST_CR3, guest.cr3),
	F(GUEST_CR4, guest.cr4), F(GUEST_DR7, guest.dr7),
	F(GUEST_EFER, guest.efer), F(GUEST_PAT, guest.pat),
	F(GUEST_DEBUGCTL, guest.debugctl),
	F(GUEST_PERF_GLOBAL, guest.perf_global), F(GUEST_PKRS, guest.pkrs),
	F(GUEST_S_CET, guest.s_cet), F(GUEST_SSP, guest.ssp),
	F(GUEST_SSP_TABLE, guest.ssp_table), F(GUEST_BNDCFGS, guest.bndcfgs),
	F(GUEST_RTIT_CTL, guest.rtit_ctl), F(GUEST_LBR_CTL, guest.lbr_ctl),
	F(GUEST_UINV, guest.uinv),
	F(GUEST_SYSENTER_ESP, guest.sysenter_esp),
	F(GUEST_SYSENTER_EIP, guest.sysenter_eip),
	F(GUEST_GDTR_BASE, guest.gdtr_base),
	F(GUEST_GDTR_LIMIT, guest.gdtr_limit),
	F(GUEST_IDTR_BASE, guest.idtr_base),
	F(GUEST_IDTR_LIMIT, guest.idtr_limit),
	F(GUEST_RIP, guest.rip), F(GUEST_RFLAGS, guest.rflags),
	F(GUEST_ACTIVITY, guest.activity),
	F(GUEST_INTERRUPTIBILITY, guest.interruptibility),
	F(GUEST_PENDING_DEBUG, guest.pending_debug), F(LINK_POINTER, guest.link),
	F(GUEST_PDPTE, guest.pdpte[0]), F(GUEST_PDPTE + 2, guest.pdpte[1]),
	F(GUEST_PDPTE + 4, guest.pdpte[2]), F(GUEST_PDPTE + 6, guest.pdpte[3]),
#undef F
};

/**
 * vmx_state_read() - the fields of the current VMCS
 * @s: filled, but for what it says of the CPU
 * @read: a field; 0 if the CPU does not have it
 */
void vmx_state_read(struct vmx_state *s, u64 (*read)(u32 field))
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vmx_state_fields); i++)
		*(u64 *)((char *)s + vmx_state_fields[i].offset) =
			read(vmx_state_fields[i].field);
	for (i = 0; i < LODGE_SEG_NR; i++) {
		struct vmx_guest_seg *seg = &s->guest.seg[i];

		seg->sel = read(VMCS_GUEST_SEL + 2 * i);
		seg->base = read(VMCS_GUEST_BASE + 2 * i);
		seg->limit = read(VMCS_GUEST_LIMIT + 2 * i);
		seg->ar = read(VMCS_GUEST_AR + 2 * i);
	}
}

/**
 * vmx_check() - find the first rule of the manual that a state breaks
 * @c: zeroed; the rule, if there is one
 * @s: state
 *
 * Return: true: one is broken.
 */
bool vmx_check(struct lodge_check *c, const struct vmx_state *s)
{
	return vmx_check_controls(c, s) || vmx_check_host(c, s) ||
	       vmx_check_guest(c, s);
}
