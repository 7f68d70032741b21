/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers of a virtual CPU, in a form that belongs to no vendor.
 *
 * The vendor's code moves groups of them between here and the VMCB or VMCS
 * (sync_from_hw and sync_to_hw in vendor.h); everyone else reads and writes
 * them here. Pure. Next: lodge.h, then emul/emul.h.
 */
#ifndef LODGE_REGS_H
#define LODGE_REGS_H

#include "pure.h"

/* General registers, numbered as instructions encode them. */
enum lodge_gpr {
	LODGE_RAX, LODGE_RCX, LODGE_RDX, LODGE_RBX,
	LODGE_RSP, LODGE_RBP, LODGE_RSI, LODGE_RDI,
	LODGE_R8, LODGE_R9, LODGE_R10, LODGE_R11,
	LODGE_R12, LODGE_R13, LODGE_R14, LODGE_R15,
	LODGE_GPR_NR
};

/* Segment registers, numbered as instructions encode them. */
enum lodge_segno {
	LODGE_ES, LODGE_CS, LODGE_SS, LODGE_DS, LODGE_FS, LODGE_GS,
	LODGE_LDTR, LODGE_TR,
	LODGE_SEG_NR
};

/* struct lodge_seg.ar */
#define LODGE_AR_TYPE		GENMASK(3, 0)
#define LODGE_AR_S		BIT(4)
#define LODGE_AR_DPL		GENMASK(6, 5)
#define LODGE_AR_P		BIT(7)
#define LODGE_AR_AVL		BIT(12)
#define LODGE_AR_L		BIT(13)
#define LODGE_AR_DB		BIT(14)
#define LODGE_AR_G		BIT(15)
#define LODGE_AR_UNUSABLE	BIT(16)

struct lodge_seg {
	u64 base;
	u32 limit;	/* in bytes, scaled by G already */
	u32 ar;		/* LODGE_AR_* */
	u16 sel;
};

struct lodge_dtable {
	u64 base;
	u16 limit;
};

/* Control and flag bits that common code looks at. */
#define LODGE_CR0_PE	BIT_ULL(0)
#define LODGE_CR0_MP	BIT_ULL(1)
#define LODGE_CR0_EM	BIT_ULL(2)
#define LODGE_CR0_TS	BIT_ULL(3)
#define LODGE_CR0_ET	BIT_ULL(4)
#define LODGE_CR0_NE	BIT_ULL(5)
#define LODGE_CR0_WP	BIT_ULL(16)
#define LODGE_CR0_AM	BIT_ULL(18)
#define LODGE_CR0_NW	BIT_ULL(29)
#define LODGE_CR0_CD	BIT_ULL(30)
#define LODGE_CR0_PG	BIT_ULL(31)

#define LODGE_CR4_VME	BIT_ULL(0)
#define LODGE_CR4_PVI	BIT_ULL(1)
#define LODGE_CR4_TSD	BIT_ULL(2)
#define LODGE_CR4_DE	BIT_ULL(3)
#define LODGE_CR4_PSE	BIT_ULL(4)
#define LODGE_CR4_PAE	BIT_ULL(5)
#define LODGE_CR4_MCE	BIT_ULL(6)
#define LODGE_CR4_PGE	BIT_ULL(7)
#define LODGE_CR4_PCE	BIT_ULL(8)
#define LODGE_CR4_OSFXSR	BIT_ULL(9)
#define LODGE_CR4_OSXMMEXCPT	BIT_ULL(10)
#define LODGE_CR4_UMIP	BIT_ULL(11)
#define LODGE_CR4_LA57	BIT_ULL(12)
#define LODGE_CR4_VMXE	BIT_ULL(13)
#define LODGE_CR4_FSGSBASE	BIT_ULL(16)
#define LODGE_CR4_PCIDE	BIT_ULL(17)
#define LODGE_CR4_OSXSAVE	BIT_ULL(18)
#define LODGE_CR4_SMEP	BIT_ULL(20)
#define LODGE_CR4_SMAP	BIT_ULL(21)
#define LODGE_CR4_PKE	BIT_ULL(22)

#define LODGE_EFER_SCE	BIT_ULL(0)
#define LODGE_EFER_LME	BIT_ULL(8)
#define LODGE_EFER_LMA	BIT_ULL(10)
#define LODGE_EFER_NX	BIT_ULL(11)
#define LODGE_EFER_SVME	BIT_ULL(12)
#define LODGE_EFER_LMSLE	BIT_ULL(13)
#define LODGE_EFER_FFXSR	BIT_ULL(14)

#define LODGE_RFLAGS_CF	BIT_ULL(0)
#define LODGE_RFLAGS_1	BIT_ULL(1)
#define LODGE_RFLAGS_PF	BIT_ULL(2)
#define LODGE_RFLAGS_AF	BIT_ULL(4)
#define LODGE_RFLAGS_ZF	BIT_ULL(6)
#define LODGE_RFLAGS_SF	BIT_ULL(7)
#define LODGE_RFLAGS_TF	BIT_ULL(8)
#define LODGE_RFLAGS_IF	BIT_ULL(9)
#define LODGE_RFLAGS_DF	BIT_ULL(10)
#define LODGE_RFLAGS_OF	BIT_ULL(11)
#define LODGE_RFLAGS_IOPL	GENMASK_ULL(13, 12)
#define LODGE_RFLAGS_NT	BIT_ULL(14)
#define LODGE_RFLAGS_RF	BIT_ULL(16)
#define LODGE_RFLAGS_VM	BIT_ULL(17)
#define LODGE_RFLAGS_AC	BIT_ULL(18)
#define LODGE_RFLAGS_VIF	BIT_ULL(19)
#define LODGE_RFLAGS_VIP	BIT_ULL(20)
#define LODGE_RFLAGS_ID	BIT_ULL(21)

/* Exception vectors. */
enum {
	LODGE_DE, LODGE_DB, LODGE_NMI_VECTOR, LODGE_BP, LODGE_OF, LODGE_BR,
	LODGE_UD, LODGE_NM, LODGE_DF, LODGE_CSO, LODGE_TS, LODGE_NP,
	LODGE_SS_VECTOR, LODGE_GP, LODGE_PF,
	LODGE_MF = 16, LODGE_AC, LODGE_MC, LODGE_XM, LODGE_VE, LODGE_CP,
};

/* Error code of a page fault. */
#define LODGE_PF_P	BIT(0)
#define LODGE_PF_W	BIT(1)
#define LODGE_PF_U	BIT(2)
#define LODGE_PF_RSVD	BIT(3)
#define LODGE_PF_I	BIT(4)
#define LODGE_PF_PK	BIT(5)

/*
 * Groups of registers that move together between struct lodge_regs and the
 * hardware's structure. gpr, rip and rflags are valid after every exit and
 * always written at entry: they are in no group.
 */
#define LODGE_R_SEGS	BIT(0)	/* seg[], with CPL */
#define LODGE_R_DTABLES	BIT(1)	/* gdt, idt */
#define LODGE_R_CRS	BIT(2)	/* cr0, cr2, cr3, cr4, efer */
#define LODGE_R_DRS	BIT(3)	/* dr[], dr6, dr7 */
#define LODGE_R_MSRS	BIT(4)	/* star ... pat below */
#define LODGE_R_SHADOW	BIT(5)	/* shadow, nmi_blocked */
#define LODGE_R_CODE	BIT(6)	/* CS and SS of seg[], to read only */
#define LODGE_R_TPR	BIT(7)	/* the task priority, to write only */
#define LODGE_R_ALL	GENMASK(5, 0)

/* struct lodge_regs.shadow: what blocks interrupts for one instruction */
#define LODGE_SHADOW_STI	BIT(0)
#define LODGE_SHADOW_MOVSS	BIT(1)

struct lodge_regs {
	u64 gpr[LODGE_GPR_NR];
	u64 rip;
	u64 rflags;

	struct lodge_seg seg[LODGE_SEG_NR];		/* R_SEGS */
	struct lodge_dtable gdt, idt;			/* R_DTABLES */
	u64 cr0, cr2, cr3, cr4, efer;			/* R_CRS */
	u64 pdpte[4];		/* R_CRS, with PAE paging, where hardware wants them */
	u64 dr[4], dr6, dr7;				/* R_DRS */

	/* R_MSRS */
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 pat;

	/* R_SHADOW */
	u8 shadow;
	u8 nmi_blocked;		/* until IRET */

	/* Kept by common code alone. */
	u64 xcr0;
	u64 cr8;		/* when there is no local APIC in the kernel */
	u64 tsc_aux;
};

/**
 * lodge_regs_cpl() - current privilege level
 * @r: registers with LODGE_R_SEGS and LODGE_R_CRS valid
 *
 * Return: 0 in real mode, 3 in virtual-8086 mode, else DPL of SS.
 */
static inline unsigned int lodge_regs_cpl(const struct lodge_regs *r)
{
	if (!(r->cr0 & LODGE_CR0_PE))
		return 0;
	if (r->rflags & LODGE_RFLAGS_VM)
		return 3;
	return FIELD_GET(LODGE_AR_DPL, r->seg[LODGE_SS].ar);
}

/**
 * lodge_regs_long64() - executing 64-bit code?
 * @r: registers with LODGE_R_SEGS and LODGE_R_CRS valid
 */
static inline bool lodge_regs_long64(const struct lodge_regs *r)
{
	return (r->efer & LODGE_EFER_LMA) && (r->seg[LODGE_CS].ar & LODGE_AR_L);
}

#endif /* LODGE_REGS_H */
