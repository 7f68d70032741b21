/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The neutral record of a VM exit, and the verdicts on it.
 *
 * The vendor's decode fills a struct lodge_exit from the hardware's words;
 * exit.c says what it means; run.c acts on the verdict. Pure.
 * Next: exit.c, svm/svm_exit.c.
 */
#ifndef LODGE_EXIT_H
#define LODGE_EXIT_H

#include "pure.h"

/*
 * Every kind of exit, once: for the enum, names in traces and logs, counters.
 * X(NAME, "what it is")
 */
#define LODGE_EXIT_KINDS(X)						\
	X(NONE,		"nothing to handle")				\
	X(INTR,		"host interrupt")				\
	X(NMI,		"host NMI")					\
	X(SMI,		"host SMI or INIT")				\
	X(IRQ_WINDOW,	"guest can take interrupts now")		\
	X(NMI_WINDOW,	"guest can take NMIs now")			\
	X(EMULATE,	"instruction the CPU is not to execute itself")	\
	X(EXCEPTION,	"intercepted exception")			\
	X(TDP_FAULT,	"guest physical address not mapped")		\
	X(TDP_MISCONFIG, "malformed nested page-table entry")		\
	X(IO,		"IN, OUT, INS, OUTS")				\
	X(CPUID,	"CPUID")					\
	X(HLT,		"HLT")						\
	X(MSR_READ,	"RDMSR")					\
	X(MSR_WRITE,	"WRMSR")					\
	X(CR_ACCESS,	"control register access")			\
	X(DR_ACCESS,	"debug register access")			\
	X(HYPERCALL,	"VMCALL or VMMCALL")				\
	X(XSETBV,	"XSETBV")					\
	X(INVLPG,	"INVLPG, INVPCID")				\
	X(INVD,		"INVD or WBINVD")				\
	X(RDTSC,	"RDTSC or RDTSCP")				\
	X(RDPMC,	"RDPMC")					\
	X(PAUSE,	"PAUSE loop")					\
	X(MONITOR,	"MONITOR")					\
	X(MWAIT,	"MWAIT")					\
	X(VIRT_INSN,	"instruction of VMX or SVM")			\
	X(DESC_TABLE,	"access to GDTR, IDTR, LDTR or TR")		\
	X(TASK_SWITCH,	"hardware task switch")				\
	X(SHUTDOWN,	"triple fault")					\
	X(PML_FULL,	"page-modification log full")			\
	X(TIMER,	"preemption timer")				\
	X(STEP,		"single step of the user's debugger")		\
	X(APIC_ACCESS,	"access to the APIC that is to be emulated")	\
	X(APIC_WRITE,	"write to the APIC's page that has been made")	\
	X(APIC_EOI,	"end of an interrupt that someone waits for")	\
	X(ENTRY_FAILED,	"hardware refused to enter the guest")		\
	X(UNKNOWN,	"exit that is not known")

enum lodge_exit_kind {
#define X(name, text) LODGE_EXIT_##name,
	LODGE_EXIT_KINDS(X)
#undef X
	LODGE_EXIT_NR
};

/* What the common code decides of an exit. Errors are negative errnos. */
enum lodge_verdict {
	LODGE_RESUME,	/* back into the guest */
	LODGE_SLOW,	/* handle again where it may sleep, outside the bracket */
	LODGE_TO_USER,	/* kvm_run is filled: KVM_RUN returns 0 */
};

/* struct lodge_exit.tdp.access */
#define LODGE_TDP_READ		BIT(0)
#define LODGE_TDP_WRITE		BIT(1)
#define LODGE_TDP_FETCH		BIT(2)
#define LODGE_TDP_PRESENT	BIT(3)	/* entry was there: a permission fault */
#define LODGE_TDP_WALK		BIT(4)	/* access was of the guest's own page walk */
#define LODGE_TDP_RSVD		BIT(5)	/* reserved bit: one of our MMIO marks */
#define LODGE_TDP_GUEST		BIT(6)	/* its own access: it may get #PF instead */

/* Kinds of events, as both vendors number them. */
enum lodge_event_type {
	LODGE_EVENT_INTR = 0,
	LODGE_EVENT_NMI = 2,
	LODGE_EVENT_EXCEPTION = 3,
	LODGE_EVENT_SOFT_INTR = 4,
};

/* What asked for a task switch, as VT-x numbers it. */
enum lodge_task_reason {
	LODGE_TASK_CALL,
	LODGE_TASK_IRET,
	LODGE_TASK_JMP,
	LODGE_TASK_GATE,	/* in the IDT: an event, or INT n and its kin */
};

/* An event that was being delivered when the exit came, or is to be. */
struct lodge_event {
	bool valid;
	bool has_error;
	u8 type;		/* enum lodge_event_type */
	u8 vector;
	u8 insn_len;		/* of the instruction that raised it, if any */
	u32 error;
};

#define LODGE_GPR_UNKNOWN	0xff

struct lodge_exit {
	u16 kind;		/* enum lodge_exit_kind */
	u8 insn_len;		/* 0: the hardware did not say */
	u8 insn_nr;		/* bytes of insn[] that are valid */
	const u8 *insn;		/* as fetched by the hardware, or NULL */
	u64 next_rip;		/* 0: the hardware did not say */
	u64 hw_reason;		/* the hardware's words, for reports only */
	u64 hw_info1;
	u64 hw_info2;
	union {
		struct {
			u16 port;
			u8 size;	/* bytes: 1, 2, 4 */
			bool in;
			bool string;
			bool rep;
		} io;
		struct {
			gpa_t gpa;
			u32 access;	/* LODGE_TDP_* */
		} tdp;
		struct {
			u8 vector;
			bool has_error;
			u32 error;
			u64 info;	/* CR2 of #PF, DR6 of #DB and STEP */
		} exception;
		struct {
			u8 nr;		/* of CR or DR */
			u8 gpr;		/* or LODGE_GPR_UNKNOWN: decode it */
			bool write;
		} reg;
		struct {
			u16 selector;	/* of the new TSS, also with a gate */
			u8 reason;	/* enum lodge_task_reason */
			bool has_error;	/* @error is pushed in the new task */
			bool set_rf;	/* in the flags that the old one keeps */
			u32 error;
		} task;
		struct {
			u16 offset;	/* APIC_WRITE */
			u8 vector;	/* APIC_EOI */
		} apic;
		gva_t invlpg_gva;
		u64 fail_reason;
	};
	struct lodge_event vectored;
};

#endif /* LODGE_EXIT_H */
