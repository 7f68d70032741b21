// SPDX-License-Identifier: GPL-2.0
/*
 * "Checks on VMX Controls" of the Intel manual: execution, exit and entry.
 * Called by vmx_check(). Pure. Next: vmx_check_host.c.
 */
#include "vmx_check.h"

/* Bits that are fixed have their value, by the MSR for these controls. */
static bool ctls_ok(u64 ctls, u64 cap)
{
	return !(~ctls & FIELD_GET(VMX_CAP_MUST, cap)) &&
	       !(ctls & ~FIELD_GET(VMX_CAP_MAY, cap));
}

static const char page[] =
	"must be the address of a page, within the physical-address width";

static bool check_reserved(struct lodge_check *c, const struct vmx_state *s)
{
	static const char fixed[] =
		"bits that the capability MSR fixes must have that value";
	const struct vmx_controls *ctl = &s->ctl;

	return VMX_RULE("pin-reserved", ctl.pin,
			ctls_ok(ctl->pin, s->cpu.pin), fixed) ||
	       VMX_RULE("proc-reserved", ctl.proc,
			ctls_ok(ctl->proc, s->cpu.proc), fixed) ||
	       VMX_RULE("proc2-reserved", ctl.proc2,
			!(ctl->proc & VMX_PROC_SECONDARY) ||
			ctls_ok(ctl->proc2, s->cpu.proc2), fixed) ||
	       VMX_RULE("proc3-reserved", ctl.proc3,
			!(ctl->proc & VMX_PROC_TERTIARY) ||
			!(ctl->proc3 & ~s->cpu.proc3), fixed) ||
	       VMX_RULE("cr3-targets", ctl.cr3_targets, ctl->cr3_targets <=
			FIELD_GET(VMX_CAP_CR3_TARGETS, s->cpu.misc),
			"the CPU has fewer CR3-target values");
}

static bool check_bitmaps(struct lodge_check *c, const struct vmx_state *s)
{
	bool io = s->ctl.proc & VMX_PROC_IO_BITMAPS;
	bool msr = s->ctl.proc & VMX_PROC_MSR_BITMAPS;
	bool shadow = vmx_proc2(s, VMX_PROC2_SHADOW_VMCS);

	return VMX_RULE("io-bitmap-a", ctl.io_bitmap_a, !io ||
			vmx_address(s, s->ctl.io_bitmap_a, 0xfff), page) ||
	       VMX_RULE("io-bitmap-b", ctl.io_bitmap_b, !io ||
			vmx_address(s, s->ctl.io_bitmap_b, 0xfff), page) ||
	       VMX_RULE("msr-bitmap", ctl.msr_bitmap, !msr ||
			vmx_address(s, s->ctl.msr_bitmap, 0xfff), page) ||
	       VMX_RULE("vmread-bitmap", ctl.vmread_bitmap, !shadow ||
			vmx_address(s, s->ctl.vmread_bitmap, 0xfff), page) ||
	       VMX_RULE("vmwrite-bitmap", ctl.vmwrite_bitmap, !shadow ||
			vmx_address(s, s->ctl.vmwrite_bitmap, 0xfff), page);
}

static bool check_nmis(struct lodge_check *c, const struct vmx_state *s)
{
	return VMX_RULE("virtual-nmis", ctl.pin,
			!(s->ctl.pin & VMX_PIN_VIRTUAL_NMI) ||
			(s->ctl.pin & VMX_PIN_NMI),
			"virtual NMIs need NMI exiting") ||
	       VMX_RULE("nmi-window", ctl.proc,
			!(s->ctl.proc & VMX_PROC_NMI_WINDOW) ||
			(s->ctl.pin & VMX_PIN_VIRTUAL_NMI),
			"NMI-window exiting needs virtual NMIs");
}

static bool check_apic(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_controls *ctl = &s->ctl;
	bool shadow = ctl->proc & VMX_PROC_TPR_SHADOW;
	bool access = vmx_proc2(s, VMX_PROC2_APIC_ACCESS);
	bool delivery = vmx_proc2(s, VMX_PROC2_VIRTUAL_INTR);

	return VMX_RULE("virtual-apic", ctl.virtual_apic, !shadow ||
			vmx_address(s, ctl->virtual_apic, 0xfff), page) ||
	       VMX_RULE("tpr-threshold-reserved", ctl.tpr_threshold,
			!shadow || delivery ||
			!(ctl->tpr_threshold & ~VMX_TPR_THRESHOLD),
			"bits 31:4 must be 0") ||
	       VMX_RULE("tpr-threshold-vtpr", ctl.tpr_threshold,
			!shadow || access || delivery ||
			(ctl->tpr_threshold & VMX_TPR_THRESHOLD) <=
			(s->cpu.vtpr >> 4 & 0xf),
			"must not be above bits 7:4 of the virtual TPR") ||
	       VMX_RULE("apic-access", ctl.apic_access, !access ||
			vmx_address(s, ctl->apic_access, 0xfff), page) ||
	       VMX_RULE("tpr-shadow-needed", ctl.proc2, shadow ||
			!vmx_proc2(s, VMX_PROC2_X2APIC | VMX_PROC2_APIC_REGS |
				   VMX_PROC2_VIRTUAL_INTR),
			"virtualizing the APIC needs the TPR shadow") ||
	       VMX_RULE("x2apic-or-access", ctl.proc2,
			!access || !vmx_proc2(s, VMX_PROC2_X2APIC),
			"x2APIC mode and APIC accesses can't both be virtualized") ||
	       VMX_RULE("virtual-intr", ctl.pin,
			!delivery || (ctl->pin & VMX_PIN_EXT_INTR),
			"virtual-interrupt delivery needs external-interrupt exiting");
}

static bool check_posted(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_controls *ctl = &s->ctl;
	bool on = ctl->pin & VMX_PIN_POSTED;

	return VMX_RULE("posted-delivery", ctl.proc2,
			!on || vmx_proc2(s, VMX_PROC2_VIRTUAL_INTR),
			"posted interrupts need virtual-interrupt delivery") ||
	       VMX_RULE("posted-ack", ctl.exit,
			!on || (ctl->exit & VMX_EXITC_ACK_INTR),
			"posted interrupts need acknowledging on exit") ||
	       VMX_RULE("posted-vector", ctl.posted_vector,
			!on || ctl->posted_vector <= 0xff,
			"bits 15:8 of the notification vector must be 0") ||
	       VMX_RULE("posted-desc", ctl.posted_desc,
			!on || vmx_address(s, ctl->posted_desc, 0x3f),
			"must be 64-byte aligned, within the physical-address width");
}

static bool eptp_type_ok(const struct vmx_state *s)
{
	switch (FIELD_GET(VMX_EPTP_TYPE, s->ctl.eptp)) {
	case VMX_EPTP_UC:
		return s->cpu.ept_vpid & VMX_CAP_EPT_UC;
	case VMX_EPTP_WB:
		return s->cpu.ept_vpid & VMX_CAP_EPT_WB;
	default:
		return false;
	}
}

static bool eptp_length_ok(const struct vmx_state *s)
{
	switch (FIELD_GET(VMX_EPTP_LENGTH, s->ctl.eptp)) {
	case 3:
		return s->cpu.ept_vpid & VMX_CAP_EPT_4_LEVELS;
	case 4:
		return s->cpu.ept_vpid & VMX_CAP_EPT_5_LEVELS;
	default:
		return false;
	}
}

static bool check_ept(struct lodge_check *c, const struct vmx_state *s)
{
	u64 eptp = s->ctl.eptp, has = s->cpu.ept_vpid;
	bool ept = vmx_proc2(s, VMX_PROC2_EPT);
	bool pml = vmx_proc2(s, VMX_PROC2_PML);
	bool spp = vmx_proc2(s, VMX_PROC2_SPP);

	return VMX_RULE("vpid", ctl.vpid,
			!vmx_proc2(s, VMX_PROC2_VPID) || s->ctl.vpid,
			"a VPID must not be 0") ||
	       VMX_RULE("eptp-type", ctl.eptp, !ept || eptp_type_ok(s),
			"the memory type must be one that the CPU has for EPT") ||
	       VMX_RULE("eptp-length", ctl.eptp, !ept || eptp_length_ok(s),
			"the walk length must be one that the CPU has") ||
	       VMX_RULE("eptp-ad", ctl.eptp, !ept ||
			!(eptp & VMX_EPTP_AD) || (has & VMX_CAP_EPT_AD),
			"the CPU has no accessed and dirty flags") ||
	       VMX_RULE("eptp-sss", ctl.eptp, !ept ||
			!(eptp & VMX_EPTP_SSS) || (has & VMX_CAP_EPT_SSS),
			"the CPU has no supervisor shadow-stack control") ||
	       VMX_RULE("eptp-reserved", ctl.eptp, !ept || !(eptp &
			(VMX_EPTP_RESERVED | vmx_beyond_width(s))),
			"bits 11:8, and those beyond the physical-address width, must be 0") ||
	       VMX_RULE("pml-ept", ctl.proc2, !pml || ept,
			"the page-modification log needs EPT") ||
	       VMX_RULE("pml-address", ctl.pml_address, !pml ||
			vmx_address(s, s->ctl.pml_address, 0xfff), page) ||
	       VMX_RULE("unrestricted-ept", ctl.proc2, ept ||
			!vmx_proc2(s, VMX_PROC2_UNRESTRICTED),
			"an unrestricted guest needs EPT") ||
	       VMX_RULE("mbec-ept", ctl.proc2, ept ||
			!vmx_proc2(s, VMX_PROC2_MBEC),
			"mode-based execute control needs EPT") ||
	       VMX_RULE("spp-ept", ctl.proc2, !spp || ept,
			"sub-page write permissions need EPT") ||
	       VMX_RULE("spp-table", ctl.spptp, !spp ||
			vmx_address(s, s->ctl.spptp, 0xfff), page);
}

static bool check_more(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_controls *ctl = &s->ctl;
	bool ept = vmx_proc2(s, VMX_PROC2_EPT);
	bool func = vmx_proc2(s, VMX_PROC2_VMFUNC);
	bool eptp_switch = func && (ctl->vmfunc & 1);
	bool pt = vmx_proc2(s, VMX_PROC2_PT_GUEST_PHYS);

	return VMX_RULE("vmfunc-reserved", ctl.vmfunc,
			!func || !(ctl->vmfunc & ~s->cpu.vmfunc),
			"the CPU has no such VM function") ||
	       VMX_RULE("eptp-switching-ept", ctl.proc2, !eptp_switch || ept,
			"EPTP switching needs EPT") ||
	       VMX_RULE("eptp-list", ctl.eptp_list, !eptp_switch ||
			vmx_address(s, ctl->eptp_list, 0xfff), page) ||
	       VMX_RULE("ve-info", ctl.ve_info,
			!vmx_proc2(s, VMX_PROC2_EPT_VE) ||
			vmx_address(s, ctl->ve_info, 0xfff), page) ||
	       VMX_RULE("pt-load", ctl.entry, !s->cpu.tracing ||
			!(ctl->entry & VMX_ENTRYC_LOAD_RTIT_CTL),
			"IA32_RTIT_CTL can't be loaded while tracing is on") ||
	       VMX_RULE("pt-ept", ctl.proc2, !pt || ept,
			"tracing to guest-physical addresses needs EPT") ||
	       VMX_RULE("pt-entry", ctl.entry, !pt ||
			(ctl->entry & VMX_ENTRYC_LOAD_RTIT_CTL),
			"tracing to guest-physical addresses needs IA32_RTIT_CTL loaded") ||
	       VMX_RULE("pt-exit", ctl.exit, !pt ||
			(ctl->exit & VMX_EXITC_CLEAR_RTIT_CTL),
			"tracing to guest-physical addresses needs IA32_RTIT_CTL cleared on exit") ||
	       VMX_RULE("tsc-multiplier", ctl.tsc_multiplier,
			!vmx_proc2(s, VMX_PROC2_TSC_SCALING) ||
			ctl->tsc_multiplier,
			"the TSC multiplier must not be 0");
}

static bool check_tertiary(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_controls *ctl = &s->ctl;
	bool ept = vmx_proc2(s, VMX_PROC2_EPT);
	bool hlat = vmx_proc3(s, VMX_PROC3_HLAT);
	bool ipi = vmx_proc3(s, VMX_PROC3_IPI);
	bool pasid = vmx_proc2(s, VMX_PROC2_PASID);

	return VMX_RULE("hlat-ept", ctl.proc3, !hlat || ept,
			"HLAT paging needs EPT") ||
	       VMX_RULE("hlatp", ctl.hlatp, !hlat ||
			!(ctl->hlatp & (0xfe7 | vmx_beyond_width(s))),
			"bits 2:0 and 11:5, and those beyond the physical-address width, must be 0") ||
	       VMX_RULE("paging-write-ept", ctl.proc3, ept ||
			!vmx_proc3(s, VMX_PROC3_PAGING_WRITE),
			"EPT paging-write control needs EPT") ||
	       VMX_RULE("paging-verify-ept", ctl.proc3, ept ||
			!vmx_proc3(s, VMX_PROC3_GUEST_PAGING_VERIFY),
			"guest-paging verification needs EPT") ||
	       VMX_RULE("ipi-tpr-shadow", ctl.proc,
			!ipi || (ctl->proc & VMX_PROC_TPR_SHADOW),
			"IPI virtualization needs the TPR shadow") ||
	       VMX_RULE("pid-table", ctl.pid_table, !ipi ||
			vmx_address(s, ctl->pid_table, 7),
			"must be 8-byte aligned, within the physical-address width") ||
	       VMX_RULE("pid-table-end", ctl.last_pid_index, !ipi ||
			vmx_address(s, ctl->pid_table +
				    8 * ctl->last_pid_index, 0),
			"the PID-pointer table must end within the physical-address width") ||
	       VMX_RULE("pasid-low", ctl.pasid_low, !pasid ||
			vmx_address(s, ctl->pasid_low, 0xfff), page) ||
	       VMX_RULE("pasid-high", ctl.pasid_high, !pasid ||
			vmx_address(s, ctl->pasid_high, 0xfff), page);
}

/* The last byte of an MSR area can be addressed. */
static bool area_ends_ok(const struct vmx_state *s, u64 start, u64 nr)
{
	return !nr || vmx_address(s, start + nr * 16 - 1, 0);
}

static const char area_start[] =
	"must be 16-byte aligned, within the physical-address width";
static const char area_end[] =
	"the area must end within the physical-address width";

static bool check_exit(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_controls *ctl = &s->ctl;

	c->section = "VM-Exit Control Fields";
	return VMX_RULE("exit-reserved", ctl.exit,
			ctls_ok(ctl->exit, s->cpu.exit),
			"bits that the capability MSR fixes must have that value") ||
	       VMX_RULE("exit2-reserved", ctl.exit2,
			!(ctl->exit & VMX_EXITC_SECONDARY) ||
			!(ctl->exit2 & ~s->cpu.exit2),
			"bits that the capability MSR fixes must have that value") ||
	       VMX_RULE("save-timer", ctl.exit,
			!(ctl->exit & VMX_EXITC_SAVE_TIMER) ||
			(ctl->pin & VMX_PIN_TIMER),
			"a preemption timer that is not on can't be saved") ||
	       VMX_RULE("exit-store", ctl.exit_store, !ctl->exit_store_nr ||
			vmx_address(s, ctl->exit_store, 0xf), area_start) ||
	       VMX_RULE("exit-store-end", ctl.exit_store_nr,
			area_ends_ok(s, ctl->exit_store, ctl->exit_store_nr),
			area_end) ||
	       VMX_RULE("exit-load", ctl.exit_load, !ctl->exit_load_nr ||
			vmx_address(s, ctl->exit_load, 0xf), area_start) ||
	       VMX_RULE("exit-load-end", ctl.exit_load_nr,
			area_ends_ok(s, ctl->exit_load, ctl->exit_load_nr),
			area_end);
}

static bool intr_type_ok(const struct vmx_state *s)
{
	switch (FIELD_GET(VMX_INTR_TYPE, s->ctl.intr_info)) {
	case VMX_INTR_TYPE_1:
		return false;
	case VMX_INTR_OTHER:
		return FIELD_GET(VMX_CAP_MAY, s->cpu.proc) & VMX_PROC_MTF;
	default:
		return true;
	}
}

static bool intr_vector_ok(const struct vmx_state *s)
{
	u64 vector = FIELD_GET(VMX_INTR_VECTOR, s->ctl.intr_info);

	switch (FIELD_GET(VMX_INTR_TYPE, s->ctl.intr_info)) {
	case VMX_INTR_NMI:
		return vector == LODGE_NMI_VECTOR;
	case VMX_INTR_HARD_EXCEPTION:
		return vector <= 31;
	case VMX_INTR_OTHER:
		return !vector;
	default:
		return true;
	}
}

/* Exceptions push an error code, or none, by their vector. */
static bool intr_error_ok(const struct vmx_state *s)
{
	static const u32 with_error = BIT(LODGE_DF) | BIT(LODGE_TS) |
		BIT(LODGE_NP) | BIT(LODGE_SS_VECTOR) | BIT(LODGE_GP) |
		BIT(LODGE_PF) | BIT(LODGE_AC);
	u64 vector = FIELD_GET(VMX_INTR_VECTOR, s->ctl.intr_info);
	bool error = s->ctl.intr_info & VMX_INTR_HAS_ERROR;

	if (!vmx_injects(s, VMX_INTR_HARD_EXCEPTION) ||
	    !(s->guest.cr0 & LODGE_CR0_PE))
		return !error;
	if (s->cpu.basic & VMX_CAP_ANY_ERROR_CODE || vector > 31)
		return true;
	return error == !!(with_error & BIT(vector));
}

static bool intr_len_ok(const struct vmx_state *s)
{
	if (!vmx_injects(s, VMX_INTR_SOFT_INTR) &&
	    !vmx_injects(s, VMX_INTR_PRIV_EXCEPTION) &&
	    !vmx_injects(s, VMX_INTR_SOFT_EXCEPTION))
		return true;
	return s->ctl.insn_len <= 15 &&
	       (s->ctl.insn_len || (s->cpu.misc & VMX_CAP_INSN_LEN_0));
}

static bool check_injection(struct lodge_check *c, const struct vmx_state *s)
{
	u64 info = s->ctl.intr_info;
	bool on = info & VMX_INTR_VALID;

	return VMX_RULE("inject-type", ctl.intr_info, !on || intr_type_ok(s),
			"the type of the event must be one that the CPU has") ||
	       VMX_RULE("inject-vector", ctl.intr_info,
			!on || intr_vector_ok(s),
			"NMIs have vector 2, exceptions at most 31, other events 0") ||
	       VMX_RULE("inject-error", ctl.intr_info,
			!on || intr_error_ok(s),
			"in protected mode the exceptions that have an error code need one, and nothing else may have one") ||
	       VMX_RULE("inject-reserved", ctl.intr_info,
			!on || !(info & VMX_INTR_RESERVED),
			"bits 30:12 must be 0") ||
	       VMX_RULE("inject-error-code", ctl.intr_error, !on ||
			!(info & VMX_INTR_HAS_ERROR) ||
			!(s->ctl.intr_error & GENMASK_ULL(31, 16)),
			"bits 31:16 of an error code must be 0") ||
	       VMX_RULE("inject-len", ctl.insn_len, !on || intr_len_ok(s),
			"the instruction that raises an event has 1 to 15 bytes (0 where the CPU allows it)");
}

static bool check_entry(struct lodge_check *c, const struct vmx_state *s)
{
	const struct vmx_controls *ctl = &s->ctl;

	c->section = "VM-Entry Control Fields";
	return VMX_RULE("entry-reserved", ctl.entry,
			ctls_ok(ctl->entry, s->cpu.entry),
			"bits that the capability MSR fixes must have that value") ||
	       check_injection(c, s) ||
	       VMX_RULE("entry-load", ctl.entry_load, !ctl->entry_load_nr ||
			vmx_address(s, ctl->entry_load, 0xf), area_start) ||
	       VMX_RULE("entry-load-end", ctl.entry_load_nr,
			area_ends_ok(s, ctl->entry_load, ctl->entry_load_nr),
			area_end) ||
	       VMX_RULE("entry-smm", ctl.entry, !(ctl->entry &
			(VMX_ENTRYC_SMM | VMX_ENTRYC_NO_DUAL_MONITOR)),
			"only from SMM can SMM be entered or its monitor be turned off");
}

/**
 * vmx_check_controls() - the manual's rules for VMX controls
 * @c: walk
 * @s: state
 *
 * Return: true: one is broken.
 */
bool vmx_check_controls(struct lodge_check *c, const struct vmx_state *s)
{
	c->section = "VM-Execution Control Fields";
	return check_reserved(c, s) || check_bitmaps(c, s) ||
	       check_nmis(c, s) || check_apic(c, s) || check_posted(c, s) ||
	       check_ept(c, s) || check_more(c, s) || check_tertiary(c, s) ||
	       check_exit(c, s) || check_entry(c, s);
}
