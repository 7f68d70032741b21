/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an exit means, and which fields of the VMCS must be read to know it:
 * the decisions of the backend, without the hardware. Pure.
 * Next: vmx_exit.c, vmx_tlb.c.
 */
#ifndef LODGE_VMX_DECIDE_H
#define LODGE_VMX_DECIDE_H

#include "../exit.h"
#include "../regs.h"
#include "vmx_exits.h"
#include "vmx_vmcs.h"

/*
 * What of struct vmx_raw_exit a reason needs. A VMREAD costs, so an exit reads
 * the reason, RIP and these; the rest stays as it is.
 */
#define VMX_NEEDS_QUAL		BIT(0)
#define VMX_NEEDS_LEN		BIT(1)	/* insn_len */
#define VMX_NEEDS_GPA		BIT(2)
#define VMX_NEEDS_INTR		BIT(3)	/* intr_info; see below */
#define VMX_NEEDS_VECTORING	BIT(4)	/* vec_info; see below */

/* The hardware's words for an exit, as read from the VMCS. */
struct vmx_raw_exit {
	u32 reason;
	u32 intr_info;
	u32 intr_error;		/* needed if intr_info has VMX_INTR_HAS_ERROR */
	u32 vec_info;		/* the event that was being delivered */
	u32 vec_error;		/* needed if vec_info has VMX_INTR_HAS_ERROR */
	u32 insn_len;		/* also if vmx_vectoring_has_len(vec_info) */
	u64 rip;
	u64 qual;
	u64 gpa;
};

/* By basic reason; kind 0 where none is expected. */
struct vmx_exit_row {
	u8 kind;		/* enum lodge_exit_kind */
	u8 needs;		/* VMX_NEEDS_* */
};

extern const struct vmx_exit_row vmx_exit_rows[VMX_EXIT_NR];

static inline u8 vmx_needs(u32 reason)
{
	u32 basic = reason & VMX_REASON_BASIC;

	if (unlikely(reason & VMX_REASON_ENTRY_FAILED))
		return VMX_NEEDS_QUAL;
	return likely(basic < VMX_EXIT_NR) ? vmx_exit_rows[basic].needs : 0;
}

/* An exit in place of an instruction, which no event had to do with */
static inline bool vmx_insn_exit(u8 needs)
{
	return (needs & (VMX_NEEDS_LEN | VMX_NEEDS_VECTORING)) == VMX_NEEDS_LEN;
}

/* Was the event that was being delivered raised by an instruction? */
static inline bool vmx_vectoring_has_len(u32 vec_info)
{
	return (vec_info & VMX_INTR_VALID) &&
	       FIELD_GET(VMX_INTR_TYPE, vec_info) >= VMX_INTR_SOFT_INTR;
}

/*
 * Has the guest asked for alignment checks? An #AC that it has not asked for is
 * of a split lock. Intel manual: "Features to Disable Bus Locks".
 */
static inline bool vmx_ac_asked(u64 cr0, u64 rflags, unsigned int cpl)
{
	return cpl == 3 && (cr0 & LODGE_CR0_AM) && (rflags & LODGE_RFLAGS_AC);
}

/* What is known before an entry. */
struct vmx_tlb_question {
	bool want_flush;	/* our own mappings changed */
	bool moved;		/* the vCPU ran last on another CPU, or never */
	bool single;		/* hardware can flush one EPT root */
};

#define VMX_VPIDS		0x10000	/* 0 is the host's */

/* MSRs of an x2APIC, a bit each from 0x800, that the guest has for itself. */
u64 vmx_x2_reads(u32 proc2);
u64 vmx_x2_writes(u32 proc2);
u32 vmx_tpr_threshold(u8 irr, u8 tpr);
u8 vmx_tlb_flush(const struct vmx_tlb_question *q);
u16 vmx_vpid_take(u64 *used);
void vmx_vpid_give(u64 *used, u16 id);
void vmx_decode(const struct vmx_raw_exit *raw, struct lodge_exit *exit);
void vmx_decode_refused(u32 error, const struct vmx_raw_exit *raw,
			struct lodge_exit *exit);
bool vmx_iret_undone(const struct vmx_raw_exit *raw);
const char *vmx_insn_error(u32 nr);

#endif /* LODGE_VMX_DECIDE_H */
