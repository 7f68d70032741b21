/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual machine control structure: encodings of its fields ("Field
 * Encoding in VMCS" of the Intel manual) and the bits of what is no control.
 * Definitions only. Pure. Next: vmx_ctls.h, then vmx_exit.c.
 */
#ifndef LODGE_VMX_VMCS_H
#define LODGE_VMX_VMCS_H

#include "../pure.h"

/*
 * An encoding tells the field's width in bits 14:13 and its kind in 11:10;
 * bit 0 names the upper half of a 64-bit field. Selectors, bases, limits and
 * access rights of segments are in the order of enum lodge_segno, 2 apart.
 */
enum vmcs_field {
	/* 16 bits: control, guest, host */
	VMCS_VPID			= 0x0000,
	VMCS_POSTED_VECTOR		= 0x0002,
	VMCS_EPTP_INDEX			= 0x0004,
	VMCS_HLAT_PREFIX_SIZE		= 0x0006,
	VMCS_LAST_PID_INDEX		= 0x0008,
	VMCS_GUEST_SEL			= 0x0800,	/* + 2 * segno */
	VMCS_GUEST_INTR_STATUS		= 0x0810,	/* SVI 15:8, RVI 7:0 */
	VMCS_PML_INDEX			= 0x0812,
	VMCS_GUEST_UINV			= 0x0814,
	VMCS_HOST_ES_SEL		= 0x0c00,
	VMCS_HOST_CS_SEL		= 0x0c02,
	VMCS_HOST_SS_SEL		= 0x0c04,
	VMCS_HOST_DS_SEL		= 0x0c06,
	VMCS_HOST_FS_SEL		= 0x0c08,
	VMCS_HOST_GS_SEL		= 0x0c0a,
	VMCS_HOST_TR_SEL		= 0x0c0c,

	/* 64 bits: control */
	VMCS_IO_BITMAP_A		= 0x2000,
	VMCS_IO_BITMAP_B		= 0x2002,
	VMCS_MSR_BITMAP			= 0x2004,
	VMCS_EXIT_MSR_STORE		= 0x2006,
	VMCS_EXIT_MSR_LOAD		= 0x2008,
	VMCS_ENTRY_MSR_LOAD		= 0x200a,
	VMCS_EXECUTIVE			= 0x200c,
	VMCS_PML_ADDRESS		= 0x200e,
	VMCS_TSC_OFFSET			= 0x2010,
	VMCS_VIRTUAL_APIC		= 0x2012,
	VMCS_APIC_ACCESS		= 0x2014,
	VMCS_POSTED_DESC		= 0x2016,
	VMCS_VMFUNC_CTLS		= 0x2018,
	VMCS_EPTP			= 0x201a,
	VMCS_EOI_BITMAP			= 0x201c,	/* + 2 * n, n < 4 */
	VMCS_EPTP_LIST			= 0x2024,
	VMCS_VMREAD_BITMAP		= 0x2026,
	VMCS_VMWRITE_BITMAP		= 0x2028,
	VMCS_VE_INFO			= 0x202a,
	VMCS_XSS_BITMAP			= 0x202c,
	VMCS_ENCLS_BITMAP		= 0x202e,
	VMCS_SPPTP			= 0x2030,
	VMCS_TSC_MULTIPLIER		= 0x2032,
	VMCS_PROC3_CTLS			= 0x2034,
	VMCS_ENCLV_BITMAP		= 0x2036,
	VMCS_PASID_LOW			= 0x2038,
	VMCS_PASID_HIGH			= 0x203a,
	VMCS_SHARED_EPTP		= 0x203c,
	VMCS_PCONFIG_BITMAP		= 0x203e,
	VMCS_HLATP			= 0x2040,
	VMCS_PID_TABLE			= 0x2042,
	VMCS_EXIT2_CTLS			= 0x2044,
	VMCS_SPEC_CTRL_MASK		= 0x204a,
	VMCS_SPEC_CTRL_SHADOW		= 0x204c,
	/* read-only, guest, host */
	VMCS_GUEST_PHYSICAL		= 0x2400,
	VMCS_LINK_POINTER		= 0x2800,
	VMCS_GUEST_DEBUGCTL		= 0x2802,
	VMCS_GUEST_PAT			= 0x2804,
	VMCS_GUEST_EFER			= 0x2806,
	VMCS_GUEST_PERF_GLOBAL		= 0x2808,
	VMCS_GUEST_PDPTE		= 0x280a,	/* + 2 * n, n < 4 */
	VMCS_GUEST_BNDCFGS		= 0x2812,
	VMCS_GUEST_RTIT_CTL		= 0x2814,
	VMCS_GUEST_LBR_CTL		= 0x2816,
	VMCS_GUEST_PKRS			= 0x2818,
	VMCS_HOST_PAT			= 0x2c00,
	VMCS_HOST_EFER			= 0x2c02,
	VMCS_HOST_PERF_GLOBAL		= 0x2c04,
	VMCS_HOST_PKRS			= 0x2c06,

	/* 32 bits: control */
	VMCS_PIN_CTLS			= 0x4000,
	VMCS_PROC_CTLS			= 0x4002,
	VMCS_EXCEPTION_BITMAP		= 0x4004,
	VMCS_PF_ERROR_MASK		= 0x4006,
	VMCS_PF_ERROR_MATCH		= 0x4008,
	VMCS_CR3_TARGETS		= 0x400a,
	VMCS_EXIT_CTLS			= 0x400c,
	VMCS_EXIT_MSR_STORE_NR		= 0x400e,
	VMCS_EXIT_MSR_LOAD_NR		= 0x4010,
	VMCS_ENTRY_CTLS			= 0x4012,
	VMCS_ENTRY_MSR_LOAD_NR		= 0x4014,
	VMCS_ENTRY_INTR_INFO		= 0x4016,
	VMCS_ENTRY_INTR_ERROR		= 0x4018,
	VMCS_ENTRY_INSN_LEN		= 0x401a,
	VMCS_TPR_THRESHOLD		= 0x401c,
	VMCS_PROC2_CTLS			= 0x401e,
	VMCS_PLE_GAP			= 0x4020,
	VMCS_PLE_WINDOW			= 0x4022,
	VMCS_INSN_TIMEOUT		= 0x4024,
	/* read-only, guest, host */
	VMCS_INSN_ERROR			= 0x4400,
	VMCS_EXIT_REASON		= 0x4402,
	VMCS_EXIT_INTR_INFO		= 0x4404,
	VMCS_EXIT_INTR_ERROR		= 0x4406,
	VMCS_VECTORING_INFO		= 0x4408,
	VMCS_VECTORING_ERROR		= 0x440a,
	VMCS_EXIT_INSN_LEN		= 0x440c,
	VMCS_EXIT_INSN_INFO		= 0x440e,
	VMCS_GUEST_LIMIT		= 0x4800,	/* + 2 * segno */
	VMCS_GUEST_GDTR_LIMIT		= 0x4810,
	VMCS_GUEST_IDTR_LIMIT		= 0x4812,
	VMCS_GUEST_AR			= 0x4814,	/* + 2 * segno */
	VMCS_GUEST_INTERRUPTIBILITY	= 0x4824,
	VMCS_GUEST_ACTIVITY		= 0x4826,
	VMCS_GUEST_SMBASE		= 0x4828,
	VMCS_GUEST_SYSENTER_CS		= 0x482a,
	VMCS_TIMER			= 0x482e,
	VMCS_HOST_SYSENTER_CS		= 0x4c00,

	/* as wide as a register: control */
	VMCS_CR0_MASK			= 0x6000,
	VMCS_CR4_MASK			= 0x6002,
	VMCS_CR0_SHADOW			= 0x6004,
	VMCS_CR4_SHADOW			= 0x6006,
	VMCS_CR3_TARGET			= 0x6008,	/* + 2 * n, n < 4 */
	/* read-only, guest, host */
	VMCS_QUALIFICATION		= 0x6400,
	VMCS_IO_RCX			= 0x6402,
	VMCS_IO_RSI			= 0x6404,
	VMCS_IO_RDI			= 0x6406,
	VMCS_IO_RIP			= 0x6408,
	VMCS_GUEST_LINEAR		= 0x640a,
	VMCS_GUEST_CR0			= 0x6800,
	VMCS_GUEST_CR3			= 0x6802,
	VMCS_GUEST_CR4			= 0x6804,
	VMCS_GUEST_BASE			= 0x6806,	/* + 2 * segno */
	VMCS_GUEST_GDTR_BASE		= 0x6816,
	VMCS_GUEST_IDTR_BASE		= 0x6818,
	VMCS_GUEST_DR7			= 0x681a,
	VMCS_GUEST_RSP			= 0x681c,
	VMCS_GUEST_RIP			= 0x681e,
	VMCS_GUEST_RFLAGS		= 0x6820,
	VMCS_GUEST_PENDING_DEBUG	= 0x6822,
	VMCS_GUEST_SYSENTER_ESP		= 0x6824,
	VMCS_GUEST_SYSENTER_EIP		= 0x6826,
	VMCS_GUEST_S_CET		= 0x6828,
	VMCS_GUEST_SSP			= 0x682a,
	VMCS_GUEST_SSP_TABLE		= 0x682c,
	VMCS_HOST_CR0			= 0x6c00,
	VMCS_HOST_CR3			= 0x6c02,
	VMCS_HOST_CR4			= 0x6c04,
	VMCS_HOST_FS_BASE		= 0x6c06,
	VMCS_HOST_GS_BASE		= 0x6c08,
	VMCS_HOST_TR_BASE		= 0x6c0a,
	VMCS_HOST_GDTR_BASE		= 0x6c0c,
	VMCS_HOST_IDTR_BASE		= 0x6c0e,
	VMCS_HOST_SYSENTER_ESP		= 0x6c10,
	VMCS_HOST_SYSENTER_EIP		= 0x6c12,
	VMCS_HOST_RSP			= 0x6c14,
	VMCS_HOST_RIP			= 0x6c16,
	VMCS_HOST_S_CET			= 0x6c18,
	VMCS_HOST_SSP			= 0x6c1a,
	VMCS_HOST_SSP_TABLE		= 0x6c1c,
};

/* First words of a VMCS region and of the VMXON region. */
struct vmx_region {
	u32 revision;		/* bit 31: a shadow VMCS */
	u32 abort;
	u8 data[4096 - 8];
} __packed __aligned(4096);

static_assert(sizeof(struct vmx_region) == 4096);

#define VMCS_NO_LINK		(~0ULL)

/* Guest-state access rights are laid out as LODGE_AR_* of ../regs.h. */
#define VMX_AR_RESERVED		(GENMASK(11, 8) | GENMASK(31, 17))

/* Guest activity state */
enum vmx_activity {
	VMX_ACTIVE,
	VMX_HLT,
	VMX_SHUTDOWN,
	VMX_WAIT_SIPI,
};

/* Guest interruptibility state */
#define VMX_BLOCK_STI		BIT(0)
#define VMX_BLOCK_MOVSS		BIT(1)
#define VMX_BLOCK_SMI		BIT(2)
#define VMX_BLOCK_NMI		BIT(3)
#define VMX_IN_ENCLAVE		BIT(4)
#define VMX_BLOCK_RESERVED	GENMASK(31, 5)

/* Pending debug exceptions */
#define VMX_PENDING_B		GENMASK_ULL(3, 0)
#define VMX_PENDING_BUS_LOCK	BIT_ULL(11)	/* clear: detected */
#define VMX_PENDING_ENABLED	BIT_ULL(12)
#define VMX_PENDING_BS		BIT_ULL(14)
#define VMX_PENDING_RTM		BIT_ULL(16)

/*
 * Interruption information: of entry, of exit, and of the event that was
 * being delivered. Types 0, 2, 3 and 4 are those of enum lodge_event_type.
 */
#define VMX_INTR_VECTOR		GENMASK(7, 0)
#define VMX_INTR_TYPE		GENMASK(10, 8)
#define VMX_INTR_HAS_ERROR	BIT(11)
#define VMX_INTR_NMI_UNBLOCKED	BIT(12)	/* of exit: by IRET; of entry: rsvd */
#define VMX_INTR_RESERVED	GENMASK(30, 12)	/* of entry */
#define VMX_INTR_VALID		BIT(31)

enum vmx_intr_type {
	VMX_INTR_EXTERNAL,
	VMX_INTR_TYPE_1,		/* reserved */
	VMX_INTR_NMI,
	VMX_INTR_HARD_EXCEPTION,
	VMX_INTR_SOFT_INTR,		/* INT n */
	VMX_INTR_PRIV_EXCEPTION,	/* INT1 */
	VMX_INTR_SOFT_EXCEPTION,	/* INT3, INTO */
	VMX_INTR_OTHER,			/* vector 0: pending MTF exit */
};

/* An event that was under delivery is to be injected again with these bits. */
#define VMX_INTR_REINJECT	(VMX_INTR_VECTOR | VMX_INTR_TYPE | \
				 VMX_INTR_HAS_ERROR | VMX_INTR_VALID)

/* EPT entries: see vmx_ept.c. EPTP: */
#define VMX_EPTP_TYPE		GENMASK_ULL(2, 0)
#define VMX_EPTP_WB		6ULL
#define VMX_EPTP_UC		0ULL
#define VMX_EPTP_LENGTH		GENMASK_ULL(5, 3)	/* levels - 1 */
#define VMX_EPTP_AD		BIT_ULL(6)
#define VMX_EPTP_SSS		BIT_ULL(7)
#define VMX_EPTP_RESERVED	GENMASK_ULL(11, 8)

/* INVEPT and INVVPID: their descriptors and types */
struct vmx_invept {
	u64 eptp;
	u64 zero;
};

struct vmx_invvpid {
	u64 vpid;		/* in bits 15:0 */
	u64 address;
};

#define VMX_INVEPT_SINGLE	1
#define VMX_INVEPT_ALL		2
#define VMX_INVVPID_ADDRESS	0
#define VMX_INVVPID_SINGLE	1
#define VMX_INVVPID_ALL		2
#define VMX_INVVPID_NONGLOBAL	3

/* An entry of an MSR area */
struct vmx_msr_entry {
	u32 index;
	u32 reserved;
	u64 value;
} __aligned(16);

/* Page-modification log: 512 addresses, filled from the last down */
#define VMX_PML_ENTRIES		512

#define VMX_TPR_THRESHOLD	GENMASK(3, 0)

#endif /* LODGE_VMX_VMCS_H */
