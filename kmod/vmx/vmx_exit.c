// SPDX-License-Identifier: GPL-2.0
/*
 * The hardware's words for an exit, made neutral: fields of the VMCS to struct
 * lodge_exit.
 *
 * Called by vmx_enter() in vmx_run.c after each world switch. Pure.
 * Next: ../exit.c, which says what it means.
 */
#include "../regs.h"
#include "vmx_ctls.h"
#include "vmx_decide.h"

#define ROW(reason, what, wanted)					\
	[VMX_EXIT_##reason] = { LODGE_EXIT_##what, wanted }

#define LEN		VMX_NEEDS_LEN
#define QUAL		VMX_NEEDS_QUAL
#define GPA		VMX_NEEDS_GPA
#define VECTORING	VMX_NEEDS_VECTORING

/*
 * What is not here never comes: SIPI without a vCPU that waits for it; SMIs and
 * RSM outside an SMM monitor; RDRAND, RDSEED, XSAVES, XRSTORS, UMWAIT, TPAUSE,
 * ENQCMD, ENQCMDS, bus locks, sub-page permissions and timeouts
 * without the control that asks for it; lists of MSRs and
 * MSRs in user mode, since they are undefined without theirs. It is told as an
 * exit that is not known. Reasons of failed entries are told by bit 31.
 */
const struct vmx_exit_row vmx_exit_rows[VMX_EXIT_NR] = {
	ROW(EXCEPTION,		EXCEPTION,	VMX_NEEDS_INTR | QUAL | VECTORING),
	ROW(INTR,		INTR,		0),
	ROW(TRIPLE_FAULT,	SHUTDOWN,	0),
	ROW(INIT,		SMI,		0),
	ROW(INTR_WINDOW,	IRQ_WINDOW,	0),
	ROW(NMI_WINDOW,		NMI_WINDOW,	0),
	ROW(TASK_SWITCH,	TASK_SWITCH,	QUAL | LEN | VECTORING),
	ROW(CPUID,		CPUID,		LEN),
	ROW(HLT,		HLT,		LEN),
	ROW(INVD,		INVD,		LEN),
	ROW(INVLPG,		INVLPG,		QUAL | LEN),
	ROW(RDPMC,		RDPMC,		LEN),
	ROW(RDTSC,		RDTSC,		LEN),
	ROW(VMCALL,		HYPERCALL,	LEN),
	ROW(CR,			CR_ACCESS,	QUAL | LEN),
	ROW(DR,			DR_ACCESS,	QUAL | LEN),
	ROW(IO,			IO,		QUAL | LEN),
	ROW(MSR_READ,		MSR_READ,	LEN),
	ROW(MSR_WRITE,		MSR_WRITE,	LEN),
	ROW(MWAIT,		MWAIT,		LEN),
	ROW(MTF,		STEP,		0),
	ROW(MONITOR,		MONITOR,	LEN),
	ROW(PAUSE,		PAUSE,		LEN),
	ROW(TPR,		IRQ_WINDOW,	0),
	ROW(APIC_ACCESS,	APIC_ACCESS,	QUAL | VECTORING),
	ROW(APIC_WRITE,		APIC_WRITE,	QUAL),
	ROW(EOI,		APIC_EOI,	QUAL),
	ROW(GDTR_IDTR,		DESC_TABLE,	LEN),
	ROW(LDTR_TR,		DESC_TABLE,	LEN),
	ROW(EPT_VIOLATION,	TDP_FAULT,	QUAL | GPA | VECTORING),
	ROW(EPT_MISCONFIG,	TDP_MISCONFIG,	GPA | VECTORING),
	ROW(RDTSCP,		RDTSC,		LEN),
	ROW(TIMER,		TIMER,		0),
	ROW(WBINVD,		INVD,		LEN),
	ROW(XSETBV,		XSETBV,		LEN),
	ROW(INVPCID,		INVLPG,		LEN),
	ROW(PML_FULL,		PML_FULL,	QUAL | VECTORING),
	/* CPUID shows none of the following: they are undefined. */
	ROW(GETSEC,		VIRT_INSN,	0),
	ROW(VMCLEAR,		VIRT_INSN,	0),
	ROW(VMLAUNCH,		VIRT_INSN,	0),
	ROW(VMPTRLD,		VIRT_INSN,	0),
	ROW(VMPTRST,		VIRT_INSN,	0),
	ROW(VMREAD,		VIRT_INSN,	0),
	ROW(VMRESUME,		VIRT_INSN,	0),
	ROW(VMWRITE,		VIRT_INSN,	0),
	ROW(VMXOFF,		VIRT_INSN,	0),
	ROW(VMXON,		VIRT_INSN,	0),
	ROW(INVEPT,		VIRT_INSN,	0),
	ROW(INVVPID,		VIRT_INSN,	0),
	ROW(VMFUNC,		VIRT_INSN,	0),
	ROW(ENCLS,		VIRT_INSN,	0),
	ROW(PCONFIG,		VIRT_INSN,	0),
	ROW(LOADIWKEY,		VIRT_INSN,	0),
	ROW(ENCLV,		VIRT_INSN,	0),
	ROW(SEAMCALL,		VIRT_INSN,	0),
	ROW(TDCALL,		VIRT_INSN,	0),
	ROW(RDMSR_IMM,		VIRT_INSN,	0),
	ROW(WRMSR_IMM,		VIRT_INSN,	0),
};

/* What may stand beside the basic reason. */
#define VMX_REASON_KNOWN	(VMX_REASON_BASIC | VMX_REASON_BUS_LOCK | \
				 VMX_REASON_ENCLAVE | VMX_REASON_PENDING_MTF)

#define VMX_DR6_ONES		0xffff0ff0ULL
#define VMX_DR6_BS		BIT_ULL(14)
#define VMX_DR6_BITS		0xe00fULL	/* B0 to B3, BD, BS, BT */

/*
 * INT n and INT1 raise their event again when they are executed again, which
 * is what common code does with a software interrupt; it knows INT3 and INTO,
 * which are exceptions, by their vectors.
 */
static u8 vmx_event_type(u32 info)
{
	switch (FIELD_GET(VMX_INTR_TYPE, info)) {
	case VMX_INTR_SOFT_EXCEPTION:
		return LODGE_EVENT_EXCEPTION;
	case VMX_INTR_PRIV_EXCEPTION:
		return LODGE_EVENT_SOFT_INTR;
	default:
		return FIELD_GET(VMX_INTR_TYPE, info);
	}
}

static void vmx_decode_vectored(const struct vmx_raw_exit *raw,
				struct lodge_event *ev)
{
	u32 info = raw->vec_info;

	ev->valid = info & VMX_INTR_VALID;
	if (likely(!ev->valid))
		return;
	ev->vector = FIELD_GET(VMX_INTR_VECTOR, info);
	ev->type = vmx_event_type(info);
	ev->has_error = info & VMX_INTR_HAS_ERROR;
	ev->error = ev->has_error ? raw->vec_error : 0;
	ev->insn_len = vmx_vectoring_has_len(info) ? raw->insn_len : 0;
}

static void vmx_decode_exception(const struct vmx_raw_exit *raw,
				 struct lodge_exit *exit)
{
	u32 info = raw->intr_info;

	exit->hw_info2 = info;
	if (FIELD_GET(VMX_INTR_TYPE, info) == VMX_INTR_NMI) {
		exit->kind = LODGE_EXIT_NMI;
		return;
	}
	exit->exception.vector = FIELD_GET(VMX_INTR_VECTOR, info);
	exit->exception.has_error = info & VMX_INTR_HAS_ERROR;
	exit->exception.error = exit->exception.has_error ? raw->intr_error : 0;
	exit->exception.info = raw->qual;
	if (exit->exception.vector == LODGE_DB)
		exit->exception.info = VMX_DR6_ONES | (raw->qual & VMX_DR6_BITS);
}

static void vmx_decode_task(const struct vmx_raw_exit *raw,
			    struct lodge_exit *exit)
{
	exit->task.selector = FIELD_GET(VMX_TASK_SELECTOR, raw->qual);
	exit->task.reason = FIELD_GET(VMX_TASK_SOURCE, raw->qual);
	exit->task.has_error = exit->vectored.valid && exit->vectored.has_error;
	exit->task.error = exit->task.has_error ? exit->vectored.error : 0;
	exit->task.set_rf = false;	/* RFLAGS are right */
	/* Of an event that no instruction raised, the length is undefined. */
	if (exit->task.reason == 3 && !vmx_vectoring_has_len(raw->vec_info)) {
		exit->insn_len = 0;
		exit->next_rip = 0;
	}
}

static void vmx_decode_reg(const struct vmx_raw_exit *raw,
			   struct lodge_exit *exit)
{
	if (exit->kind == LODGE_EXIT_DR_ACCESS) {
		exit->reg.nr = FIELD_GET(VMX_DR_NR, raw->qual);
		exit->reg.gpr = FIELD_GET(VMX_DR_GPR, raw->qual);
		exit->reg.write = !(raw->qual & VMX_DR_FROM);
		return;
	}
	exit->reg.nr = FIELD_GET(VMX_CR_NR, raw->qual);
	exit->reg.gpr = FIELD_GET(VMX_CR_GPR, raw->qual);
	exit->reg.write = true;
	switch (FIELD_GET(VMX_CR_ACCESS, raw->qual)) {
	case VMX_CR_MOV_FROM:
		exit->reg.write = false;
		break;
	case VMX_CR_CLTS:
	case VMX_CR_LMSW:
		exit->reg.nr = 0;
		exit->reg.gpr = LODGE_GPR_UNKNOWN;
		break;
	}
}

static void vmx_decode_io(const struct vmx_raw_exit *raw,
			  struct lodge_exit *exit)
{
	exit->io.port = FIELD_GET(VMX_IO_PORT, raw->qual);
	exit->io.size = FIELD_GET(VMX_IO_SIZE, raw->qual) + 1;
	exit->io.in = raw->qual & VMX_IO_IN;
	exit->io.string = raw->qual & VMX_IO_STRING;
	exit->io.rep = raw->qual & VMX_IO_REP;
}

static u32 vmx_ept_access(u64 qual)
{
	u32 access;

	if (qual & VMX_EPTV_WRITE)
		access = LODGE_TDP_WRITE;
	else if (qual & VMX_EPTV_FETCH)
		access = LODGE_TDP_FETCH;
	else
		access = LODGE_TDP_READ;
	if (qual & (VMX_EPTV_MAY_READ | VMX_EPTV_MAY_WRITE |
		    VMX_EPTV_MAY_FETCH))
		access |= LODGE_TDP_PRESENT;
	if ((qual & VMX_EPTV_LINEAR_VALID) && !(qual & VMX_EPTV_FINAL))
		access |= LODGE_TDP_WALK;
	return access;
}

/* Exits that carry more than their kind and the length of an instruction. */
static noinline void vmx_decode_more(const struct vmx_raw_exit *raw,
				     struct lodge_exit *exit, u8 needs)
{
	if (needs & VECTORING)
		vmx_decode_vectored(raw, &exit->vectored);
	exit->hw_info1 = raw->qual;
	switch (raw->reason & VMX_REASON_BASIC) {
	case VMX_EXIT_IO:
		vmx_decode_io(raw, exit);
		break;
	case VMX_EXIT_EPT_VIOLATION:
		exit->tdp.gpa = raw->gpa;
		exit->tdp.access = vmx_ept_access(raw->qual);
		exit->hw_info2 = raw->gpa;
		break;
	case VMX_EXIT_APIC_WRITE:
		exit->apic.offset = FIELD_GET(VMX_APIC_OFFSET, raw->qual);
		break;
	case VMX_EXIT_EOI:
		exit->apic.vector = raw->qual;
		break;
	case VMX_EXIT_EPT_MISCONFIG:
		exit->tdp.gpa = raw->gpa;
		exit->tdp.access = LODGE_TDP_RSVD;
		exit->hw_info1 = 0;
		exit->hw_info2 = raw->gpa;
		break;
	case VMX_EXIT_CR:
	case VMX_EXIT_DR:
		vmx_decode_reg(raw, exit);
		break;
	case VMX_EXIT_EXCEPTION:
		vmx_decode_exception(raw, exit);
		break;
	case VMX_EXIT_TASK_SWITCH:
		vmx_decode_task(raw, exit);
		break;
	case VMX_EXIT_INVLPG:
		exit->invlpg_gva = raw->qual;
		break;
	}
}

/*
 * The next instruction is told unless it is beyond 4G and this one is not:
 * only the mode says whether RIP wraps there.
 */
static void vmx_decode_len(const struct vmx_raw_exit *raw,
			   struct lodge_exit *exit)
{
	u64 next = raw->rip + raw->insn_len;

	exit->insn_len = raw->insn_len;
	exit->next_rip = likely(next >> 32 == raw->rip >> 32) ? next : 0;
}

static noinline void vmx_decode_failed(const struct vmx_raw_exit *raw,
				       struct lodge_exit *exit)
{
	exit->kind = LODGE_EXIT_ENTRY_FAILED;
	exit->hw_info1 = raw->qual;
	exit->fail_reason = raw->reason;
	vmx_decode_vectored(raw, &exit->vectored);
}

static void vmx_decode_init(struct lodge_exit *exit, u64 reason)
{
	exit->kind = LODGE_EXIT_UNKNOWN;
	exit->insn_len = 0;
	exit->insn_nr = 0;
	exit->insn = NULL;
	exit->next_rip = 0;
	exit->hw_reason = reason;
	exit->hw_info1 = 0;
	exit->hw_info2 = 0;
	exit->vectored.valid = false;
}

/**
 * vmx_decode() - make an exit neutral
 * @raw: reason, RIP, and what vmx_needs() says of the reason
 * @exit: filled, but for what its kind does not have
 *
 * Of a failed entry, the event that was to be delivered is taken for one that
 * was under delivery. Of a #DB, exception.info is what DR6 gets: the hardware has left DR6 alone.
 * Intel manual: "Basic VM-Exit Information", "Information for VM Exits During
 * Event Delivery".
 */
void vmx_decode(const struct vmx_raw_exit *raw, struct lodge_exit *exit)
{
	u32 basic = raw->reason & VMX_REASON_BASIC;
	u8 needs;

	vmx_decode_init(exit, raw->reason);
	if (unlikely(raw->reason & VMX_REASON_ENTRY_FAILED)) {
		vmx_decode_failed(raw, exit);
		return;
	}
	if (unlikely(raw->reason & ~VMX_REASON_KNOWN || basic >= VMX_EXIT_NR ||
		     !vmx_exit_rows[basic].kind))
		return;
	exit->kind = vmx_exit_rows[basic].kind;
	needs = vmx_exit_rows[basic].needs;
	if (needs & LEN)
		vmx_decode_len(raw, exit);
	if (needs & ~LEN)
		vmx_decode_more(raw, exit, needs);
	else if (unlikely(exit->kind == LODGE_EXIT_STEP))
		exit->exception.info = VMX_DR6_ONES | VMX_DR6_BS;
}

/**
 * vmx_decode_refused() - VMLAUNCH or VMRESUME failed as an instruction
 * @error: the field "VM-instruction error"; 0 if there is no current VMCS
 * @raw: the event that was to be delivered, as one under delivery
 * @exit: filled
 *
 * Intel manual: "VM-Instruction Error Numbers".
 */
void vmx_decode_refused(u32 error, const struct vmx_raw_exit *raw,
			struct lodge_exit *exit)
{
	vmx_decode_init(exit, error);
	exit->kind = LODGE_EXIT_ENTRY_FAILED;
	exit->fail_reason = error;
	vmx_decode_vectored(raw, &exit->vectored);
}

/**
 * vmx_iret_undone() - is an IRET to be executed again that unblocked NMIs?
 * @raw: as for vmx_decode()
 *
 * Return: true: NMIs have to be blocked again, as they were before the IRET.
 * Intel manual: "Resuming Guest Software after Handling an Exception".
 */
bool vmx_iret_undone(const struct vmx_raw_exit *raw)
{
	if (!(vmx_needs(raw->reason) & VECTORING) ||
	    raw->vec_info & VMX_INTR_VALID)
		return false;
	switch (raw->reason & VMX_REASON_BASIC) {
	case VMX_EXIT_EXCEPTION:
		return FIELD_GET(VMX_INTR_VECTOR, raw->intr_info) != LODGE_DF &&
		       FIELD_GET(VMX_INTR_TYPE, raw->intr_info) != VMX_INTR_NMI &&
		       raw->intr_info & VMX_INTR_NMI_UNBLOCKED;
	case VMX_EXIT_EPT_VIOLATION:
	case VMX_EXIT_PML_FULL:
		return raw->qual & VMX_QUAL_NMI_UNBLOCKED;
	default:
		return false;
	}
}

/**
 * vmx_x2_reads() - RDMSRs of an x2APIC that the CPU virtualizes
 * @proc2: secondary controls
 *
 * PPR is right only where the CPU keeps it so; the current count never is, and
 * ICR has 64 bits. Intel manual: "Virtualizing RDMSR and WRMSR".
 */
u64 vmx_x2_reads(u32 proc2)
{
	u64 reads = BIT_ULL(8);		/* TPR */

	if (!(proc2 & VMX_PROC2_X2APIC))
		return 0;
	if (proc2 & VMX_PROC2_APIC_REGS)	/* id, version, LDR, SVR */
		reads |= BIT_ULL(2) | BIT_ULL(3) | BIT_ULL(0xd) | BIT_ULL(0xf) |
			 GENMASK_ULL(0x28, 0x10) |	/* ISR, TMR, IRR, ESR */
			 GENMASK_ULL(0x38, 0x32) |	/* LVTs, initial count */
			 BIT_ULL(0x3e);			/* divider */
	if ((proc2 & VMX_PROC2_APIC_REGS) && (proc2 & VMX_PROC2_VIRTUAL_INTR))
		reads |= BIT_ULL(0xa);		/* PPR */
	return reads;
}

/**
 * vmx_x2_writes() - WRMSRs of an x2APIC that the CPU virtualizes
 * @proc2: secondary controls
 */
u64 vmx_x2_writes(u32 proc2)
{
	if (!(proc2 & VMX_PROC2_X2APIC))
		return 0;
	if (!(proc2 & VMX_PROC2_VIRTUAL_INTR))
		return BIT_ULL(8);
	return BIT_ULL(8) | BIT_ULL(0xb) | BIT_ULL(0x3f);	/* EOI, self IPI */
}

/**
 * vmx_tpr_threshold() - below which TPR is the guest to exit?
 * @irr: highest vector requested, or 0
 * @tpr: task priority
 *
 * Return: bits 7:4 of a priority that TPR has or is above; 0: TPR keeps nothing
 * back.
 */
u32 vmx_tpr_threshold(u8 irr, u8 tpr)
{
	return irr >> 4 <= tpr >> 4 ? irr >> 4 : 0;
}

/**
 * vmx_insn_error() - what a VM-instruction error means
 * @nr: of the field "VM-instruction error"
 */
const char *vmx_insn_error(u32 nr)
{
	static const char * const texts[] = {
#define X(number, text) [number] = text,
		VMX_INSN_ERRORS(X)
#undef X
	};

	return nr < ARRAY_SIZE(texts) && texts[nr] ? texts[nr] :
		"an error that is not known";
}
