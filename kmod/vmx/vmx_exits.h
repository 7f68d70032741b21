/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit reasons of VMX and what comes with them: "VMX Basic Exit Reasons",
 * "Basic VM-Exit Information" of the Intel manual. Definitions only. Pure.
 * Next: vmx_decide.h, vmx_exit.c.
 */
#ifndef LODGE_VMX_EXITS_H
#define LODGE_VMX_EXITS_H

#include "../pure.h"

/* The field "exit reason" beside the basic reason */
#define VMX_REASON_BASIC	GENMASK(15, 0)
#define VMX_REASON_BUS_LOCK	BIT(26)
#define VMX_REASON_ENCLAVE	BIT(27)
#define VMX_REASON_PENDING_MTF	BIT(28)
#define VMX_REASON_FROM_ROOT	BIT(29)
#define VMX_REASON_ENTRY_FAILED	BIT(31)

enum vmx_exit_reason {
	VMX_EXIT_EXCEPTION		= 0,	/* or NMI */
	VMX_EXIT_INTR			= 1,
	VMX_EXIT_TRIPLE_FAULT		= 2,
	VMX_EXIT_INIT			= 3,
	VMX_EXIT_SIPI			= 4,
	VMX_EXIT_IO_SMI			= 5,
	VMX_EXIT_SMI			= 6,
	VMX_EXIT_INTR_WINDOW		= 7,
	VMX_EXIT_NMI_WINDOW		= 8,
	VMX_EXIT_TASK_SWITCH		= 9,
	VMX_EXIT_CPUID			= 10,
	VMX_EXIT_GETSEC			= 11,
	VMX_EXIT_HLT			= 12,
	VMX_EXIT_INVD			= 13,
	VMX_EXIT_INVLPG			= 14,
	VMX_EXIT_RDPMC			= 15,
	VMX_EXIT_RDTSC			= 16,
	VMX_EXIT_RSM			= 17,
	VMX_EXIT_VMCALL			= 18,
	VMX_EXIT_VMCLEAR		= 19,
	VMX_EXIT_VMLAUNCH		= 20,
	VMX_EXIT_VMPTRLD		= 21,
	VMX_EXIT_VMPTRST		= 22,
	VMX_EXIT_VMREAD			= 23,
	VMX_EXIT_VMRESUME		= 24,
	VMX_EXIT_VMWRITE		= 25,
	VMX_EXIT_VMXOFF			= 26,
	VMX_EXIT_VMXON			= 27,
	VMX_EXIT_CR			= 28,
	VMX_EXIT_DR			= 29,
	VMX_EXIT_IO			= 30,
	VMX_EXIT_MSR_READ		= 31,
	VMX_EXIT_MSR_WRITE		= 32,
	VMX_EXIT_GUEST_STATE		= 33,	/* entry failed */
	VMX_EXIT_MSR_LOADING		= 34,	/* entry failed */
	VMX_EXIT_MWAIT			= 36,
	VMX_EXIT_MTF			= 37,
	VMX_EXIT_MONITOR		= 39,
	VMX_EXIT_PAUSE			= 40,
	VMX_EXIT_ENTRY_MC		= 41,	/* entry failed */
	VMX_EXIT_TPR			= 43,
	VMX_EXIT_APIC_ACCESS		= 44,
	VMX_EXIT_EOI			= 45,
	VMX_EXIT_GDTR_IDTR		= 46,
	VMX_EXIT_LDTR_TR		= 47,
	VMX_EXIT_EPT_VIOLATION		= 48,
	VMX_EXIT_EPT_MISCONFIG		= 49,
	VMX_EXIT_INVEPT			= 50,
	VMX_EXIT_RDTSCP			= 51,
	VMX_EXIT_TIMER			= 52,
	VMX_EXIT_INVVPID		= 53,
	VMX_EXIT_WBINVD			= 54,
	VMX_EXIT_XSETBV			= 55,
	VMX_EXIT_APIC_WRITE		= 56,
	VMX_EXIT_RDRAND			= 57,
	VMX_EXIT_INVPCID		= 58,
	VMX_EXIT_VMFUNC			= 59,
	VMX_EXIT_ENCLS			= 60,
	VMX_EXIT_RDSEED			= 61,
	VMX_EXIT_PML_FULL		= 62,
	VMX_EXIT_XSAVES			= 63,
	VMX_EXIT_XRSTORS		= 64,
	VMX_EXIT_PCONFIG		= 65,
	VMX_EXIT_SPP			= 66,
	VMX_EXIT_UMWAIT			= 67,
	VMX_EXIT_TPAUSE			= 68,
	VMX_EXIT_LOADIWKEY		= 69,
	VMX_EXIT_ENCLV			= 70,
	VMX_EXIT_ENQCMD			= 72,
	VMX_EXIT_ENQCMDS		= 73,
	VMX_EXIT_BUS_LOCK		= 74,
	VMX_EXIT_INSN_TIMEOUT		= 75,
	VMX_EXIT_SEAMCALL		= 76,
	VMX_EXIT_TDCALL			= 77,
	VMX_EXIT_RDMSRLIST		= 78,
	VMX_EXIT_WRMSRLIST		= 79,
	VMX_EXIT_URDMSR			= 80,
	VMX_EXIT_UWRMSR			= 81,
	VMX_EXIT_RDMSR_IMM		= 84,
	VMX_EXIT_WRMSR_IMM		= 85,
	VMX_EXIT_NR
};

/* Exit qualification: control-register accesses */
#define VMX_CR_NR		GENMASK_ULL(3, 0)
#define VMX_CR_ACCESS		GENMASK_ULL(5, 4)
#define VMX_CR_MOV_TO		0
#define VMX_CR_MOV_FROM		1
#define VMX_CR_CLTS		2
#define VMX_CR_LMSW		3
#define VMX_CR_LMSW_MEMORY	BIT_ULL(6)
#define VMX_CR_GPR		GENMASK_ULL(11, 8)
#define VMX_CR_LMSW_SOURCE	GENMASK_ULL(31, 16)

/* MOV DR */
#define VMX_DR_NR		GENMASK_ULL(2, 0)
#define VMX_DR_FROM		BIT_ULL(4)
#define VMX_DR_GPR		GENMASK_ULL(11, 8)

/* I/O instructions */
#define VMX_IO_SIZE		GENMASK_ULL(2, 0)	/* bytes - 1 */
#define VMX_IO_IN		BIT_ULL(3)
#define VMX_IO_STRING		BIT_ULL(4)
#define VMX_IO_REP		BIT_ULL(5)
#define VMX_IO_IMMEDIATE	BIT_ULL(6)
#define VMX_IO_PORT		GENMASK_ULL(31, 16)

/* Task switches */
#define VMX_TASK_SELECTOR	GENMASK_ULL(15, 0)
#define VMX_TASK_SOURCE		GENMASK_ULL(31, 30)	/* as lodge_exit.task */

/* EPT violations, and the exit for a full page-modification log (bit 12) */
#define VMX_EPTV_READ		BIT_ULL(0)
#define VMX_EPTV_WRITE		BIT_ULL(1)
#define VMX_EPTV_FETCH		BIT_ULL(2)
#define VMX_EPTV_MAY_READ	BIT_ULL(3)
#define VMX_EPTV_MAY_WRITE	BIT_ULL(4)
#define VMX_EPTV_MAY_FETCH	BIT_ULL(5)
#define VMX_EPTV_MAY_USER_FETCH	BIT_ULL(6)
#define VMX_EPTV_LINEAR_VALID	BIT_ULL(7)
#define VMX_EPTV_FINAL		BIT_ULL(8)	/* not a walk; if bit 7 is 1 */
#define VMX_QUAL_NMI_UNBLOCKED	BIT_ULL(12)	/* by IRET */

/* APIC accesses */
#define VMX_APIC_OFFSET		GENMASK_ULL(11, 0)
#define VMX_APIC_TYPE		GENMASK_ULL(15, 12)
#define VMX_APIC_READ		0	/* linear accesses; more are physical */
#define VMX_APIC_WRITE		1
#define VMX_APIC_FETCH		2
#define VMX_APIC_DELIVERY	3

/* Qualification of failed entries for guest state */
#define VMX_FAIL_PDPTE		2
#define VMX_FAIL_NMI		3
#define VMX_FAIL_LINK_POINTER	4

/* Instruction information of INS and OUTS, and of descriptor-table accesses */
#define VMX_INFO_ADDRESS_SIZE	GENMASK(9, 7)	/* 0: 16 bits, 32, 64 */
#define VMX_INFO_SEGMENT	GENMASK(17, 15)

#endif /* LODGE_VMX_EXITS_H */
