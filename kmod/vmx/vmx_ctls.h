/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMX controls, the MSRs that say which of them a CPU has ("VMX Capability
 * Reporting Facility" of the Intel manual), and the numbers of its errors.
 * MSR indices are in <asm/msr-index.h>. Definitions only. Pure.
 * Next: vmx_exits.h, vmx_caps.c.
 */
#ifndef LODGE_VMX_CTLS_H
#define LODGE_VMX_CTLS_H

#include "../pure.h"

/* Pin-based VM-execution controls */
#define VMX_PIN_EXT_INTR		BIT(0)
#define VMX_PIN_NMI			BIT(3)
#define VMX_PIN_VIRTUAL_NMI		BIT(5)
#define VMX_PIN_TIMER			BIT(6)
#define VMX_PIN_POSTED			BIT(7)

/* Primary processor-based VM-execution controls */
#define VMX_PROC_INTR_WINDOW		BIT(2)
#define VMX_PROC_TSC_OFFSET		BIT(3)
#define VMX_PROC_HLT			BIT(7)
#define VMX_PROC_INVLPG			BIT(9)
#define VMX_PROC_MWAIT			BIT(10)
#define VMX_PROC_RDPMC			BIT(11)
#define VMX_PROC_RDTSC			BIT(12)
#define VMX_PROC_CR3_LOAD		BIT(15)
#define VMX_PROC_CR3_STORE		BIT(16)
#define VMX_PROC_TERTIARY		BIT(17)
#define VMX_PROC_CR8_LOAD		BIT(19)
#define VMX_PROC_CR8_STORE		BIT(20)
#define VMX_PROC_TPR_SHADOW		BIT(21)
#define VMX_PROC_NMI_WINDOW		BIT(22)
#define VMX_PROC_MOV_DR			BIT(23)
#define VMX_PROC_IO			BIT(24)	/* every port */
#define VMX_PROC_IO_BITMAPS		BIT(25)
#define VMX_PROC_MTF			BIT(27)
#define VMX_PROC_MSR_BITMAPS		BIT(28)
#define VMX_PROC_MONITOR		BIT(29)
#define VMX_PROC_PAUSE			BIT(30)
#define VMX_PROC_SECONDARY		BIT(31)

/* Secondary processor-based VM-execution controls */
#define VMX_PROC2_APIC_ACCESS		BIT(0)
#define VMX_PROC2_EPT			BIT(1)
#define VMX_PROC2_DESC			BIT(2)
#define VMX_PROC2_RDTSCP		BIT(3)
#define VMX_PROC2_X2APIC		BIT(4)
#define VMX_PROC2_VPID			BIT(5)
#define VMX_PROC2_WBINVD		BIT(6)
#define VMX_PROC2_UNRESTRICTED		BIT(7)
#define VMX_PROC2_APIC_REGS		BIT(8)
#define VMX_PROC2_VIRTUAL_INTR		BIT(9)
#define VMX_PROC2_PAUSE_LOOP		BIT(10)
#define VMX_PROC2_RDRAND		BIT(11)
#define VMX_PROC2_INVPCID		BIT(12)
#define VMX_PROC2_VMFUNC		BIT(13)
#define VMX_PROC2_SHADOW_VMCS		BIT(14)
#define VMX_PROC2_ENCLS			BIT(15)
#define VMX_PROC2_RDSEED		BIT(16)
#define VMX_PROC2_PML			BIT(17)
#define VMX_PROC2_EPT_VE		BIT(18)
#define VMX_PROC2_CONCEAL_PT		BIT(19)
#define VMX_PROC2_XSAVES		BIT(20)
#define VMX_PROC2_PASID			BIT(21)
#define VMX_PROC2_MBEC			BIT(22)
#define VMX_PROC2_SPP			BIT(23)
#define VMX_PROC2_PT_GUEST_PHYS		BIT(24)
#define VMX_PROC2_TSC_SCALING		BIT(25)
#define VMX_PROC2_USER_WAIT		BIT(26)
#define VMX_PROC2_PCONFIG		BIT(27)
#define VMX_PROC2_ENCLV			BIT(28)
#define VMX_PROC2_BUS_LOCK		BIT(30)
#define VMX_PROC2_INSN_TIMEOUT		BIT(31)

/* Tertiary processor-based VM-execution controls, 64 of them */
#define VMX_PROC3_LOADIWKEY		BIT_ULL(0)
#define VMX_PROC3_HLAT			BIT_ULL(1)
#define VMX_PROC3_PAGING_WRITE		BIT_ULL(2)
#define VMX_PROC3_GUEST_PAGING_VERIFY	BIT_ULL(3)
#define VMX_PROC3_IPI			BIT_ULL(4)
#define VMX_PROC3_SPEC_CTRL		BIT_ULL(7)

/* Primary VM-exit controls */
#define VMX_EXITC_SAVE_DEBUG		BIT(2)
#define VMX_EXITC_HOST_64		BIT(9)
#define VMX_EXITC_LOAD_PERF_GLOBAL	BIT(12)
#define VMX_EXITC_ACK_INTR		BIT(15)
#define VMX_EXITC_SAVE_PAT		BIT(18)
#define VMX_EXITC_LOAD_PAT		BIT(19)
#define VMX_EXITC_SAVE_EFER		BIT(20)
#define VMX_EXITC_LOAD_EFER		BIT(21)
#define VMX_EXITC_SAVE_TIMER		BIT(22)
#define VMX_EXITC_CLEAR_BNDCFGS		BIT(23)
#define VMX_EXITC_CONCEAL_PT		BIT(24)
#define VMX_EXITC_CLEAR_RTIT_CTL	BIT(25)
#define VMX_EXITC_CLEAR_LBR_CTL		BIT(26)
#define VMX_EXITC_CLEAR_UINV		BIT(27)
#define VMX_EXITC_LOAD_CET		BIT(28)
#define VMX_EXITC_LOAD_PKRS		BIT(29)
#define VMX_EXITC_SAVE_PERF_GLOBAL	BIT(30)
#define VMX_EXITC_SECONDARY		BIT(31)

/* VM-entry controls */
#define VMX_ENTRYC_LOAD_DEBUG		BIT(2)
#define VMX_ENTRYC_LONG_MODE		BIT(9)	/* "IA-32e mode guest" */
#define VMX_ENTRYC_SMM			BIT(10)
#define VMX_ENTRYC_NO_DUAL_MONITOR	BIT(11)
#define VMX_ENTRYC_LOAD_PERF_GLOBAL	BIT(13)
#define VMX_ENTRYC_LOAD_PAT		BIT(14)
#define VMX_ENTRYC_LOAD_EFER		BIT(15)
#define VMX_ENTRYC_LOAD_BNDCFGS		BIT(16)
#define VMX_ENTRYC_CONCEAL_PT		BIT(17)
#define VMX_ENTRYC_LOAD_RTIT_CTL	BIT(18)
#define VMX_ENTRYC_LOAD_UINV		BIT(19)
#define VMX_ENTRYC_LOAD_CET		BIT(20)
#define VMX_ENTRYC_LOAD_LBR_CTL		BIT(21)
#define VMX_ENTRYC_LOAD_PKRS		BIT(22)

/*
 * The MSRs of controls: a bit that is 1 in the lower half must be 1, one
 * that is 0 in the upper half must be 0. The MSR of tertiary controls and
 * of VM functions have 64 bits that may be 1.
 */
#define VMX_CAP_MUST		GENMASK_ULL(31, 0)
#define VMX_CAP_MAY		GENMASK_ULL(63, 32)

/* IA32_VMX_BASIC */
#define VMX_CAP_REVISION	GENMASK_ULL(30, 0)
#define VMX_CAP_REGION_SIZE	GENMASK_ULL(44, 32)
#define VMX_CAP_ADDRESS_32	BIT_ULL(48)
#define VMX_CAP_DUAL_MONITOR	BIT_ULL(49)
#define VMX_CAP_MEM_TYPE	GENMASK_ULL(53, 50)	/* 6: write-back */
#define VMX_CAP_INSOUTS_INFO	BIT_ULL(54)
#define VMX_CAP_TRUE_CTLS	BIT_ULL(55)
#define VMX_CAP_ANY_ERROR_CODE	BIT_ULL(56)

/* IA32_VMX_MISC */
#define VMX_CAP_TIMER_SHIFT	GENMASK_ULL(4, 0)
#define VMX_CAP_SAVES_LMA	BIT_ULL(5)
#define VMX_CAP_HLT		BIT_ULL(6)
#define VMX_CAP_SHUTDOWN	BIT_ULL(7)
#define VMX_CAP_WAIT_SIPI	BIT_ULL(8)
#define VMX_CAP_PT		BIT_ULL(14)
#define VMX_CAP_SMBASE		BIT_ULL(15)
#define VMX_CAP_CR3_TARGETS	GENMASK_ULL(24, 16)
#define VMX_CAP_MSR_LIST	GENMASK_ULL(27, 25)	/* 512 * (n + 1) */
#define VMX_CAP_WRITE_ANY	BIT_ULL(29)
#define VMX_CAP_INSN_LEN_0	BIT_ULL(30)

/* IA32_VMX_EPT_VPID_CAP */
#define VMX_CAP_EPT_EXEC_ONLY	BIT_ULL(0)
#define VMX_CAP_EPT_4_LEVELS	BIT_ULL(6)
#define VMX_CAP_EPT_5_LEVELS	BIT_ULL(7)
#define VMX_CAP_EPT_UC		BIT_ULL(8)
#define VMX_CAP_EPT_WB		BIT_ULL(14)
#define VMX_CAP_EPT_2M		BIT_ULL(16)
#define VMX_CAP_EPT_1G		BIT_ULL(17)
#define VMX_CAP_INVEPT		BIT_ULL(20)
#define VMX_CAP_EPT_AD		BIT_ULL(21)
#define VMX_CAP_EPT_MORE_INFO	BIT_ULL(22)	/* of EPT violations */
#define VMX_CAP_EPT_SSS		BIT_ULL(23)
#define VMX_CAP_INVEPT_SINGLE	BIT_ULL(25)
#define VMX_CAP_INVEPT_ALL	BIT_ULL(26)
#define VMX_CAP_INVVPID		BIT_ULL(32)
#define VMX_CAP_INVVPID_ADDRESS	BIT_ULL(40)
#define VMX_CAP_INVVPID_SINGLE	BIT_ULL(41)
#define VMX_CAP_INVVPID_ALL	BIT_ULL(42)
#define VMX_CAP_INVVPID_NONGLOBAL BIT_ULL(43)

/*
 * VM-instruction errors, each with its sentence: X(number, "what is wrong").
 * Intel manual: "VM-Instruction Error Numbers". 14, 21 and 27 are not used.
 */
#define VMX_INSN_ERRORS(X)						\
	X(1, "VMCALL in VMX root operation")				\
	X(2, "VMCLEAR of an invalid physical address")			\
	X(3, "VMCLEAR of the VMXON region")				\
	X(4, "VMLAUNCH with a VMCS that is not clear")			\
	X(5, "VMRESUME with a VMCS that has not been launched")		\
	X(6, "VMRESUME after VMXOFF without a new launch")		\
	X(7, "a VM-execution, VM-exit or VM-entry control is invalid")	\
	X(8, "a field of the host state is invalid")			\
	X(9, "VMPTRLD of an invalid physical address")			\
	X(10, "VMPTRLD of the VMXON region")				\
	X(11, "VMPTRLD of a VMCS with another revision identifier")	\
	X(12, "VMREAD or VMWRITE of a field this CPU does not have")	\
	X(13, "VMWRITE to a read-only field")				\
	X(15, "VMXON in VMX root operation")				\
	X(16, "the executive-VMCS pointer is invalid")			\
	X(17, "the executive VMCS has not been launched")		\
	X(18, "the executive-VMCS pointer is not the VMXON pointer")	\
	X(19, "VMCALL into the SMM monitor with a VMCS not clear")	\
	X(20, "VMCALL into the SMM monitor with invalid exit controls")	\
	X(22, "VMCALL into an SMM monitor of another revision")		\
	X(23, "VMXOFF while an SMM monitor is active")			\
	X(24, "VMCALL into an SMM monitor with invalid features")	\
	X(25, "an execution control of the executive VMCS is invalid")	\
	X(26, "VM entry while MOV to SS blocks events")			\
	X(28, "INVEPT or INVVPID with an invalid operand")

#define VMX_ERROR_NOT_CLEAR		4
#define VMX_ERROR_NOT_LAUNCHED		5
#define VMX_ERROR_CONTROLS		7
#define VMX_ERROR_HOST_STATE		8
#define VMX_ERROR_UNSUPPORTED_FIELD	12
#define VMX_ERROR_MOVSS			26

#endif /* LODGE_VMX_CTLS_H */
