// SPDX-License-Identifier: GPL-2.0
/*
 * The hardware's words for an exit, made neutral: VMCB to struct lodge_exit.
 *
 * Called by svm_enter() in svm_run.c after each world switch. Pure.
 * Next: ../exit.c, which says what it means.
 */
#include "../regs.h"
#include "svm_decide.h"

/* Exit codes that need no more than a kind. */
static const u8 svm_kinds[] = {
	[SVM_EXIT_INTR]		= LODGE_EXIT_INTR,
	[SVM_EXIT_NMI]		= LODGE_EXIT_NMI,
	[SVM_EXIT_SMI]		= LODGE_EXIT_SMI,
	[SVM_EXIT_INIT]		= LODGE_EXIT_SMI,
	[SVM_EXIT_VINTR]	= LODGE_EXIT_IRQ_WINDOW,
	[SVM_EXIT_IDTR_READ]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_GDTR_READ]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_LDTR_READ]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_TR_READ]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_IDTR_WRITE]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_GDTR_WRITE]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_LDTR_WRITE]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_TR_WRITE]	= LODGE_EXIT_DESC_TABLE,
	[SVM_EXIT_RDTSC]	= LODGE_EXIT_RDTSC,
	[SVM_EXIT_RDPMC]	= LODGE_EXIT_RDPMC,
	[SVM_EXIT_CPUID]	= LODGE_EXIT_CPUID,
	[SVM_EXIT_SWINT]	= LODGE_EXIT_EMULATE,
	[SVM_EXIT_INVD]		= LODGE_EXIT_INVD,
	[SVM_EXIT_PAUSE]	= LODGE_EXIT_PAUSE,
	[SVM_EXIT_HLT]		= LODGE_EXIT_HLT,
	[SVM_EXIT_INVLPGA]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_SHUTDOWN]	= LODGE_EXIT_SHUTDOWN,
	[SVM_EXIT_VMRUN]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_VMMCALL]	= LODGE_EXIT_HYPERCALL,
	[SVM_EXIT_VMLOAD]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_VMSAVE]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_STGI]		= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_CLGI]		= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_SKINIT]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_RDTSCP]	= LODGE_EXIT_RDTSC,
	[SVM_EXIT_WBINVD]	= LODGE_EXIT_INVD,
	[SVM_EXIT_MONITOR]	= LODGE_EXIT_MONITOR,
	[SVM_EXIT_MWAIT]	= LODGE_EXIT_MWAIT,
	[SVM_EXIT_MWAIT_ARMED]	= LODGE_EXIT_MWAIT,
	[SVM_EXIT_XSETBV]	= LODGE_EXIT_XSETBV,
	[SVM_EXIT_RDPRU]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_INVLPGB]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_INVLPGB_ILLEGAL] = LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_INVPCID]	= LODGE_EXIT_INVLPG,
	[SVM_EXIT_MCOMMIT]	= LODGE_EXIT_VIRT_INSN,
	[SVM_EXIT_TLBSYNC]	= LODGE_EXIT_VIRT_INSN,
};

static void svm_decode_io(const struct svm_vmcb *vmcb, struct lodge_exit *exit)
{
	u64 info = vmcb->exit_info1;

	exit->kind = LODGE_EXIT_IO;
	exit->io.port = FIELD_GET(SVM_IO_PORT, info);
	exit->io.size = FIELD_GET(SVM_IO_SIZE, info);
	exit->io.in = info & SVM_IO_IN;
	exit->io.string = info & SVM_IO_STRING;
	exit->io.rep = info & SVM_IO_REP;
	exit->next_rip = vmcb->exit_info2;
}

static void svm_decode_npf(const struct svm_vmcb *vmcb, bool has_assist,
			   struct lodge_exit *exit)
{
	u64 info = vmcb->exit_info1;
	u32 access = 0;

	exit->kind = LODGE_EXIT_TDP_FAULT;
	exit->tdp.gpa = vmcb->exit_info2;
	if (info & SVM_NPF_W)
		access |= LODGE_TDP_WRITE;
	else if (info & SVM_NPF_I)
		access |= LODGE_TDP_FETCH;
	else
		access |= LODGE_TDP_READ;
	if (info & SVM_NPF_P)
		access |= LODGE_TDP_PRESENT;
	if (info & SVM_NPF_RSVD)
		access |= LODGE_TDP_RSVD;
	if (info & SVM_NPF_WALK)
		access |= LODGE_TDP_WALK;
	exit->tdp.access = access;
	exit->next_rip = 0;
	if (has_assist && !(info & SVM_NPF_I)) {
		exit->insn = vmcb->insn;
		exit->insn_nr = min_t(u8, vmcb->insn_nr, sizeof(vmcb->insn));
	}
}

static void svm_decode_task(const struct svm_vmcb *vmcb,
			    struct lodge_exit *exit)
{
	u64 info = vmcb->exit_info2;

	exit->kind = LODGE_EXIT_TASK_SWITCH;
	exit->next_rip = 0;
	exit->task.selector = vmcb->exit_info1;
	exit->task.has_error = info & SVM_TASK_HAS_ERROR;
	exit->task.error = FIELD_GET(SVM_TASK_ERROR, info);
	exit->task.set_rf = info & SVM_TASK_RF;
	if (info & SVM_TASK_IRET)
		exit->task.reason = LODGE_TASK_IRET;
	else if (info & SVM_TASK_JMP)
		exit->task.reason = LODGE_TASK_JMP;
	else
		exit->task.reason = exit->vectored.valid ? LODGE_TASK_GATE :
							   LODGE_TASK_CALL;
}

/* Exit codes 0 to 0x3f: MOV to and from CR and DR, CLTS, LMSW, SMSW. */
static void svm_decode_reg(const struct svm_vmcb *vmcb, bool has_assist,
			   struct lodge_exit *exit)
{
	u32 code = vmcb->exit_code;

	exit->kind = code < SVM_EXIT_DR_READ ? LODGE_EXIT_CR_ACCESS :
					       LODGE_EXIT_DR_ACCESS;
	exit->reg.nr = code & 0xf;
	exit->reg.write = code & 0x10;
	exit->reg.gpr = LODGE_GPR_UNKNOWN;
	if (!has_assist)
		return;
	if (code >= SVM_EXIT_DR_READ || vmcb->exit_info1 & SVM_MOV_IS_MOV)
		exit->reg.gpr = FIELD_GET(SVM_MOV_GPR, vmcb->exit_info1);
}

static void svm_decode_vectored(const struct svm_vmcb *vmcb,
				struct lodge_event *ev)
{
	u64 info = vmcb->exit_int_info;

	ev->valid = info & SVM_EVENT_VALID;
	if (likely(!ev->valid))
		return;
	ev->vector = FIELD_GET(SVM_EVENT_VECTOR, info);
	ev->type = FIELD_GET(SVM_EVENT_TYPE, info);
	ev->has_error = info & SVM_EVENT_HAS_ERROR;
	ev->error = FIELD_GET(SVM_EVENT_ERROR, info);
	ev->insn_len = 0;
}

/* Exceptions that push an error code: #DF, #TS to #PF, #AC, #CP, #SX. */
#define SVM_ERROR_EXCEPTIONS	0x40227d00U

/* The codes below zero have 64 bits; QEMU's emulated CPU writes 32 of them. */
static u64 svm_exit_code(const struct svm_vmcb *vmcb)
{
	u64 code = vmcb->exit_code;

	return code >> 32 ? code : (u64)(s32)code;
}

/* Exit codes that carry more than their kind. */
static void svm_decode_more(const struct svm_vmcb *vmcb, u64 code,
			    bool has_assist, struct lodge_exit *exit)
{
	switch (code) {
	case SVM_EXIT_CR0_SEL_WRITE:
		exit->kind = LODGE_EXIT_CR_ACCESS;
		exit->reg.nr = 0;
		exit->reg.write = true;
		exit->reg.gpr = LODGE_GPR_UNKNOWN;
		break;
	case SVM_EXIT_MSR:
		exit->kind = vmcb->exit_info1 & 1 ? LODGE_EXIT_MSR_WRITE :
						    LODGE_EXIT_MSR_READ;
		break;
	case SVM_EXIT_IOIO:
		svm_decode_io(vmcb, exit);
		break;
	case SVM_EXIT_NPF:
		svm_decode_npf(vmcb, has_assist, exit);
		break;
	case SVM_EXIT_TASK_SWITCH:
		svm_decode_task(vmcb, exit);
		break;
	case SVM_EXIT_INVLPG:
		exit->kind = LODGE_EXIT_INVLPG;
		exit->invlpg_gva = vmcb->exit_info1;
		break;
	case SVM_EXIT_IRET:
		exit->kind = LODGE_EXIT_NONE;
		exit->next_rip = 0;
		break;
	case SVM_EXIT_INVALID:
	case SVM_EXIT_BUSY:
		exit->kind = LODGE_EXIT_ENTRY_FAILED;
		exit->fail_reason = code;
		exit->vectored.valid = false;
		break;
	default:
		exit->kind = LODGE_EXIT_UNKNOWN;
	}
}

/**
 * svm_decode() - make an exit neutral
 * @vmcb: after the exit
 * @has_next_rip: the CPU writes next_rip
 * @has_assist: the CPU has decode assists
 * @exit: filled, but for what its kind does not have
 *
 * AMD manual: "SVM Intercept Codes", "#VMEXIT".
 */
void svm_decode(const struct svm_vmcb *vmcb, bool has_next_rip,
		bool has_assist, struct lodge_exit *exit)
{
	u64 code = svm_exit_code(vmcb);

	exit->insn_len = 0;
	exit->insn_nr = 0;
	exit->insn = NULL;
	exit->next_rip = has_next_rip ? vmcb->next_rip : 0;
	exit->hw_reason = code;
	exit->hw_info1 = vmcb->exit_info1;
	exit->hw_info2 = vmcb->exit_info2;
	svm_decode_vectored(vmcb, &exit->vectored);

	if (code < SVM_EXIT_EXCEPTION) {
		svm_decode_reg(vmcb, has_assist, exit);
	} else if (code < SVM_EXIT_INTR) {
		exit->kind = LODGE_EXIT_EXCEPTION;
		exit->next_rip = 0;
		exit->exception.vector = code - SVM_EXIT_EXCEPTION;
		exit->exception.has_error =
			SVM_ERROR_EXCEPTIONS >> exit->exception.vector & 1;
		exit->exception.error = vmcb->exit_info1;
		exit->exception.info = vmcb->exit_info2;
		if (exit->exception.vector == LODGE_DB)
			exit->exception.info = vmcb->dr6;
	} else if (code < ARRAY_SIZE(svm_kinds) && svm_kinds[code]) {
		exit->kind = svm_kinds[code];
	} else {
		svm_decode_more(vmcb, code, has_assist, exit);
	}
}
