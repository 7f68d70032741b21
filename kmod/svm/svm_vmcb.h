/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual machine control block, as the AMD manual's appendix "Layout of
 * VMCB" lays it out. Definitions only. Pure. Next: svm.h, svm_exit.c.
 */
#ifndef LODGE_SVM_VMCB_H
#define LODGE_SVM_VMCB_H

#include "../pure.h"

/* Intercepts: a bit number in intercept[] each, word * 32 + bit */
enum svm_intercept {
	SVM_I_CR_READ		= 0,	/* + number of the register */
	SVM_I_CR_WRITE		= 16,
	SVM_I_DR_READ		= 32,
	SVM_I_DR_WRITE		= 48,
	SVM_I_EXCEPTION		= 64,	/* + vector */
	SVM_I_INTR		= 96,
	SVM_I_NMI,
	SVM_I_SMI,
	SVM_I_INIT,
	SVM_I_VINTR,
	SVM_I_CR0_SEL_WRITE,
	SVM_I_IDTR_READ,
	SVM_I_GDTR_READ,
	SVM_I_LDTR_READ,
	SVM_I_TR_READ,
	SVM_I_IDTR_WRITE,
	SVM_I_GDTR_WRITE,
	SVM_I_LDTR_WRITE,
	SVM_I_TR_WRITE,
	SVM_I_RDTSC,
	SVM_I_RDPMC,
	SVM_I_PUSHF,
	SVM_I_POPF,
	SVM_I_CPUID,
	SVM_I_RSM,
	SVM_I_IRET,
	SVM_I_INTN,
	SVM_I_INVD,
	SVM_I_PAUSE,
	SVM_I_HLT,
	SVM_I_INVLPG,
	SVM_I_INVLPGA,
	SVM_I_IOIO,
	SVM_I_MSR,
	SVM_I_TASK_SWITCH,
	SVM_I_FERR_FREEZE,
	SVM_I_SHUTDOWN,
	SVM_I_VMRUN		= 128,
	SVM_I_VMMCALL,
	SVM_I_VMLOAD,
	SVM_I_VMSAVE,
	SVM_I_STGI,
	SVM_I_CLGI,
	SVM_I_SKINIT,
	SVM_I_RDTSCP,
	SVM_I_ICEBP,
	SVM_I_WBINVD,
	SVM_I_MONITOR,
	SVM_I_MWAIT,
	SVM_I_MWAIT_ARMED,
	SVM_I_XSETBV,
	SVM_I_RDPRU,
	SVM_I_EFER_TRAP,
	SVM_I_INVLPGB		= 160,
	SVM_I_INVLPGB_ILLEGAL,
	SVM_I_INVPCID,
	SVM_I_MCOMMIT,
	SVM_I_TLBSYNC,
};

/* Exit codes */
enum svm_exitcode {
	SVM_EXIT_CR_READ	= 0x000,	/* + number */
	SVM_EXIT_CR_WRITE	= 0x010,
	SVM_EXIT_DR_READ	= 0x020,
	SVM_EXIT_DR_WRITE	= 0x030,
	SVM_EXIT_EXCEPTION	= 0x040,
	SVM_EXIT_INTR		= 0x060,
	SVM_EXIT_NMI,
	SVM_EXIT_SMI,
	SVM_EXIT_INIT,
	SVM_EXIT_VINTR,
	SVM_EXIT_CR0_SEL_WRITE,
	SVM_EXIT_IDTR_READ,
	SVM_EXIT_GDTR_READ,
	SVM_EXIT_LDTR_READ,
	SVM_EXIT_TR_READ,
	SVM_EXIT_IDTR_WRITE,
	SVM_EXIT_GDTR_WRITE,
	SVM_EXIT_LDTR_WRITE,
	SVM_EXIT_TR_WRITE,
	SVM_EXIT_RDTSC,
	SVM_EXIT_RDPMC,
	SVM_EXIT_PUSHF,
	SVM_EXIT_POPF,
	SVM_EXIT_CPUID,
	SVM_EXIT_RSM,
	SVM_EXIT_IRET,
	SVM_EXIT_SWINT,
	SVM_EXIT_INVD,
	SVM_EXIT_PAUSE,
	SVM_EXIT_HLT,
	SVM_EXIT_INVLPG,
	SVM_EXIT_INVLPGA,
	SVM_EXIT_IOIO,
	SVM_EXIT_MSR,
	SVM_EXIT_TASK_SWITCH,
	SVM_EXIT_FERR_FREEZE,
	SVM_EXIT_SHUTDOWN,
	SVM_EXIT_VMRUN		= 0x080,
	SVM_EXIT_VMMCALL,
	SVM_EXIT_VMLOAD,
	SVM_EXIT_VMSAVE,
	SVM_EXIT_STGI,
	SVM_EXIT_CLGI,
	SVM_EXIT_SKINIT,
	SVM_EXIT_RDTSCP,
	SVM_EXIT_ICEBP,
	SVM_EXIT_WBINVD,
	SVM_EXIT_MONITOR,
	SVM_EXIT_MWAIT,
	SVM_EXIT_MWAIT_ARMED,
	SVM_EXIT_XSETBV,
	SVM_EXIT_RDPRU,
	SVM_EXIT_INVLPGB	= 0x0a0,
	SVM_EXIT_INVLPGB_ILLEGAL,
	SVM_EXIT_INVPCID,
	SVM_EXIT_MCOMMIT,
	SVM_EXIT_TLBSYNC,
	SVM_EXIT_NPF		= 0x400,
};

#define SVM_EXIT_INVALID	(~0ULL)
#define SVM_EXIT_BUSY		(~0ULL - 1)

/* tlb_control */
#define SVM_TLB_KEEP		0
#define SVM_TLB_FLUSH_ALL	1
#define SVM_TLB_FLUSH_ASID	3

/* int_ctl */
#define SVM_INT_V_TPR		GENMASK_ULL(7, 0)
#define SVM_INT_V_IRQ		BIT_ULL(8)
#define SVM_INT_V_PRIO		GENMASK_ULL(19, 16)
#define SVM_INT_V_IGN_TPR	BIT_ULL(20)
#define SVM_INT_V_MASKING	BIT_ULL(24)
#define SVM_INT_V_NMI_ENABLE	BIT_ULL(26)
#define SVM_INT_V_VECTOR	GENMASK_ULL(39, 32)

#define SVM_SHADOW		BIT_ULL(0)
#define SVM_NP_ENABLE		BIT_ULL(0)

/* event_inj and exit_int_info; types are those of enum lodge_event_type */
#define SVM_EVENT_VECTOR	GENMASK_ULL(7, 0)
#define SVM_EVENT_TYPE		GENMASK_ULL(10, 8)
#define SVM_EVENT_HAS_ERROR	BIT_ULL(11)
#define SVM_EVENT_VALID		BIT_ULL(31)
#define SVM_EVENT_ERROR		GENMASK_ULL(63, 32)

/* exit_info1 of IOIO */
#define SVM_IO_IN		BIT_ULL(0)
#define SVM_IO_STRING		BIT_ULL(2)
#define SVM_IO_REP		BIT_ULL(3)
#define SVM_IO_SIZE		GENMASK_ULL(6, 4)
#define SVM_IO_PORT		GENMASK_ULL(31, 16)

/* exit_info1 of NPF */
#define SVM_NPF_P		BIT_ULL(0)
#define SVM_NPF_W		BIT_ULL(1)
#define SVM_NPF_RSVD		BIT_ULL(3)
#define SVM_NPF_I		BIT_ULL(4)
#define SVM_NPF_WALK		BIT_ULL(33)

/* exit_info1 of MOV CR and MOV DR, with decode assists */
#define SVM_MOV_GPR		GENMASK_ULL(3, 0)
#define SVM_MOV_IS_MOV		BIT_ULL(63)

/* exit_info2 of a task switch */
#define SVM_TASK_ERROR		GENMASK_ULL(31, 0)
#define SVM_TASK_IRET		BIT_ULL(36)
#define SVM_TASK_JMP		BIT_ULL(38)
#define SVM_TASK_HAS_ERROR	BIT_ULL(44)
#define SVM_TASK_RF		BIT_ULL(48)

/* clean: groups the hardware may keep from the last run */
#define SVM_CLEAN_INTERCEPTS	BIT(0)
#define SVM_CLEAN_PERM_MAPS	BIT(1)
#define SVM_CLEAN_ASID		BIT(2)
#define SVM_CLEAN_INTR		BIT(3)
#define SVM_CLEAN_NPT		BIT(4)
#define SVM_CLEAN_CR		BIT(5)
#define SVM_CLEAN_DR		BIT(6)
#define SVM_CLEAN_DT		BIT(7)
#define SVM_CLEAN_SEG		BIT(8)
#define SVM_CLEAN_CR2		BIT(9)
#define SVM_CLEAN_LBR		BIT(10)
#define SVM_CLEAN_ALL		GENMASK(10, 0)

#define SVM_ATTRIB_L		BIT(9)
#define SVM_ATTRIB_DB		BIT(10)

struct svm_seg {
	u16 sel;
	u16 attrib;	/* type S DPL P in 7:0, AVL L DB G in 11:8 */
	u32 limit;
	u64 base;
};

struct svm_vmcb {
	/* Control area */
	u32 intercept[6];
	u32 reserved_018[9];
	u16 pause_threshold;
	u16 pause_count;
	u64 iopm_pa;
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 reserved_05d[3];
	u64 int_ctl;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info;
	u64 np_ctl;
	u64 avic_bar;
	u64 ghcb_pa;
	u64 event_inj;
	u64 ncr3;
	u64 virt_ext;
	u32 clean;
	u32 reserved_0c4;
	u64 next_rip;
	u8 insn_nr;
	u8 insn[15];
	u8 reserved_0e0[0x400 - 0xe0];

	/* State save area */
	struct svm_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 reserved_4cc;
	u64 efer;
	u8 reserved_4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved_580[0x5d8 - 0x580];
	u64 rsp;
	u64 s_cet, ssp, isst_addr;
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved_648[0x668 - 0x648];
	u64 pat;
	u64 debugctl;
	u8 reserved_678[0x1000 - 0x678];
} __packed __aligned(4096);

static_assert(sizeof(struct svm_vmcb) == 4096);
static_assert(offsetof(struct svm_vmcb, pause_threshold) == 0x3c);
static_assert(offsetof(struct svm_vmcb, asid) == 0x58);
static_assert(offsetof(struct svm_vmcb, int_ctl) == 0x60);
static_assert(offsetof(struct svm_vmcb, exit_code) == 0x70);
static_assert(offsetof(struct svm_vmcb, np_ctl) == 0x90);
static_assert(offsetof(struct svm_vmcb, event_inj) == 0xa8);
static_assert(offsetof(struct svm_vmcb, clean) == 0xc0);
static_assert(offsetof(struct svm_vmcb, next_rip) == 0xc8);
static_assert(offsetof(struct svm_vmcb, insn) == 0xd1);
static_assert(offsetof(struct svm_vmcb, es) == 0x400);
static_assert(offsetof(struct svm_vmcb, tr) == 0x490);
static_assert(offsetof(struct svm_vmcb, cpl) == 0x4cb);
static_assert(offsetof(struct svm_vmcb, efer) == 0x4d0);
static_assert(offsetof(struct svm_vmcb, cr4) == 0x548);
static_assert(offsetof(struct svm_vmcb, rip) == 0x578);
static_assert(offsetof(struct svm_vmcb, rsp) == 0x5d8);
static_assert(offsetof(struct svm_vmcb, rax) == 0x5f8);
static_assert(offsetof(struct svm_vmcb, cr2) == 0x640);
static_assert(offsetof(struct svm_vmcb, pat) == 0x668);
static_assert(offsetof(struct svm_vmcb, debugctl) == 0x670);

static inline void svm_intercept_set(struct svm_vmcb *vmcb, unsigned int bit)
{
	vmcb->intercept[bit / 32] |= 1U << (bit % 32);
}

static inline void svm_intercept_clear(struct svm_vmcb *vmcb, unsigned int bit)
{
	vmcb->intercept[bit / 32] &= ~(1U << (bit % 32));
}

static inline void svm_intercept_choose(struct svm_vmcb *vmcb,
					unsigned int bit, bool on)
{
	if (on)
		svm_intercept_set(vmcb, bit);
	else
		svm_intercept_clear(vmcb, bit);
}

#endif /* LODGE_SVM_VMCB_H */
