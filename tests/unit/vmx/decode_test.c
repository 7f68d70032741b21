// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/vmx/vmx_exit.c: the VMCS's words, made neutral.
 */
#include <stdio.h>

#include "ktap.h"
#include "regs.h"
#include "vmx/vmx_ctls.h"
#include "vmx/vmx_decide.h"

int ktap_failures;

#define POISON	0xa5a5a5a5a5a5a5a5ULL

static struct vmx_raw_exit raw;
static struct lodge_exit out;

/*
 * As vmx_enter() reads it: what the reason does not need is not there. A
 * result that shows the poison has used what is never read.
 */
static void decode_raw(struct vmx_raw_exit want)
{
	u8 needs = vmx_needs(want.reason);

	memset(&raw, POISON & 0xff, sizeof(raw));
	memset(&out, POISON & 0xff, sizeof(out));
	raw.reason = want.reason;
	raw.rip = want.rip ?: 0x1000;
	if (needs & VMX_NEEDS_QUAL)
		raw.qual = want.qual;
	if (needs & VMX_NEEDS_GPA)
		raw.gpa = want.gpa;
	if (needs & VMX_NEEDS_INTR) {
		raw.intr_info = want.intr_info;
		if (raw.intr_info & VMX_INTR_HAS_ERROR)
			raw.intr_error = want.intr_error;
	}
	if (needs & VMX_NEEDS_VECTORING ||
	    want.reason & VMX_REASON_ENTRY_FAILED) {
		raw.vec_info = want.vec_info;
		if (raw.vec_info & VMX_INTR_HAS_ERROR)
			raw.vec_error = want.vec_error;
	}
	if (needs & VMX_NEEDS_LEN || (needs & VMX_NEEDS_VECTORING &&
				      vmx_vectoring_has_len(raw.vec_info)))
		raw.insn_len = want.insn_len ?: 3;
	vmx_decode(&raw, &out);
}

#define decode(...)	decode_raw((struct vmx_raw_exit){ __VA_ARGS__ })

#define NONE_EXPECTED	LODGE_EXIT_UNKNOWN

/* Every reason the manual has, in its order: what it is to be. */
static const u16 kinds[] = {
	/* 0 */ LODGE_EXIT_EXCEPTION, LODGE_EXIT_INTR, LODGE_EXIT_SHUTDOWN,
	LODGE_EXIT_SMI, NONE_EXPECTED, NONE_EXPECTED, NONE_EXPECTED,
	LODGE_EXIT_IRQ_WINDOW, LODGE_EXIT_NMI_WINDOW, LODGE_EXIT_TASK_SWITCH,
	/* 10 */ LODGE_EXIT_CPUID, LODGE_EXIT_VIRT_INSN, LODGE_EXIT_HLT,
	LODGE_EXIT_INVD, LODGE_EXIT_INVLPG, LODGE_EXIT_RDPMC,
	LODGE_EXIT_RDTSC, NONE_EXPECTED, LODGE_EXIT_HYPERCALL,
	LODGE_EXIT_VIRT_INSN,
	/* 20 */ LODGE_EXIT_VIRT_INSN, LODGE_EXIT_VIRT_INSN,
	LODGE_EXIT_VIRT_INSN, LODGE_EXIT_VIRT_INSN, LODGE_EXIT_VIRT_INSN,
	LODGE_EXIT_VIRT_INSN, LODGE_EXIT_VIRT_INSN, LODGE_EXIT_VIRT_INSN,
	LODGE_EXIT_CR_ACCESS, LODGE_EXIT_DR_ACCESS,
	/* 30 */ LODGE_EXIT_IO, LODGE_EXIT_MSR_READ, LODGE_EXIT_MSR_WRITE,
	NONE_EXPECTED, NONE_EXPECTED, NONE_EXPECTED, LODGE_EXIT_MWAIT,
	LODGE_EXIT_STEP, NONE_EXPECTED, LODGE_EXIT_MONITOR,
	/* 40 */ LODGE_EXIT_PAUSE, NONE_EXPECTED, NONE_EXPECTED,
	LODGE_EXIT_IRQ_WINDOW, LODGE_EXIT_APIC_ACCESS, LODGE_EXIT_APIC_EOI,
	LODGE_EXIT_DESC_TABLE, LODGE_EXIT_DESC_TABLE, LODGE_EXIT_TDP_FAULT,
	LODGE_EXIT_TDP_MISCONFIG,
	/* 50 */ LODGE_EXIT_VIRT_INSN, LODGE_EXIT_RDTSC, LODGE_EXIT_TIMER,
	LODGE_EXIT_VIRT_INSN, LODGE_EXIT_INVD, LODGE_EXIT_XSETBV,
	LODGE_EXIT_APIC_WRITE, NONE_EXPECTED, LODGE_EXIT_INVLPG,
	LODGE_EXIT_VIRT_INSN,
	/* 60 */ LODGE_EXIT_VIRT_INSN, NONE_EXPECTED, LODGE_EXIT_PML_FULL,
	NONE_EXPECTED, NONE_EXPECTED, LODGE_EXIT_VIRT_INSN, NONE_EXPECTED,
	NONE_EXPECTED, NONE_EXPECTED, LODGE_EXIT_VIRT_INSN,
	/* 70 */ LODGE_EXIT_VIRT_INSN, NONE_EXPECTED, NONE_EXPECTED,
	NONE_EXPECTED, NONE_EXPECTED, NONE_EXPECTED, LODGE_EXIT_VIRT_INSN,
	LODGE_EXIT_VIRT_INSN, NONE_EXPECTED, NONE_EXPECTED,
	/* 80 */ NONE_EXPECTED, NONE_EXPECTED, NONE_EXPECTED, NONE_EXPECTED,
	LODGE_EXIT_VIRT_INSN, LODGE_EXIT_VIRT_INSN,
};

static void test_kinds(void)
{
	u32 reason;

	CHECK_EQ(ARRAY_SIZE(kinds), VMX_EXIT_NR);
	for (reason = 0; reason < ARRAY_SIZE(kinds); reason++) {
		decode(.reason = reason);
		if (out.kind != kinds[reason])
			printf("# reason %u\n", reason);
		CHECK_EQ(out.kind, kinds[reason]);
		CHECK_EQ(out.hw_reason, reason);
		CHECK(!out.vectored.valid);
		CHECK(!out.insn && !out.insn_nr);
	}
}

/* Exits of instructions that are handled: what it takes is the length. */
static void test_len(void)
{
	static const u32 reasons[] = { 9, 10, 12, 13, 14, 15, 18, 28, 29, 30,
		31, 32, 36, 39, 40, 54, 55, 58 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		decode(.reason = reasons[i]);
		CHECK_EQ(out.insn_len, 3);
		CHECK_EQ(out.next_rip, 0x1003);
	}
	/* Whether RIP wraps at 4G is the mode's to say. */
	decode(.reason = 10, .rip = 0xfffffffe);
	CHECK_EQ(out.insn_len, 3);
	CHECK_EQ(out.next_rip, 0);
	decode(.reason = 10, .rip = 0xfffffffc);
	CHECK_EQ(out.next_rip, 0xffffffff);
	decode(.reason = 10, .rip = 0xfffffffffffffff0);
	CHECK_EQ(out.next_rip, 0xfffffffffffffff3);
	/* Undefined for these. */
	decode(.reason = 0, .intr_info = 0x80000306);
	CHECK_EQ(out.insn_len, 0);
	decode(.reason = 48, .qual = 2);
	CHECK_EQ(out.insn_len, 0);
	CHECK_EQ(out.next_rip, 0);
}

/* What the hot exits read. */
static void test_needs(void)
{
	CHECK_EQ(vmx_needs(1), 0);
	CHECK_EQ(vmx_needs(10), VMX_NEEDS_LEN);
	CHECK_EQ(vmx_needs(12), VMX_NEEDS_LEN);
	CHECK_EQ(vmx_needs(32), VMX_NEEDS_LEN);
	CHECK_EQ(vmx_needs(30), VMX_NEEDS_LEN | VMX_NEEDS_QUAL);
	CHECK_EQ(vmx_needs(52), 0);
	CHECK_EQ(vmx_needs(48), VMX_NEEDS_QUAL | VMX_NEEDS_GPA |
				VMX_NEEDS_VECTORING);
	CHECK_EQ(vmx_needs(BIT(31) | 33), VMX_NEEDS_QUAL);
	CHECK_EQ(vmx_needs(0xffff), 0);
}

/* What is not known must never be taken for something known. */
static void test_unknown(void)
{
	static const u32 reasons[] = { 86, 0x100, 0xffff, BIT(16) | 10,
		BIT(24) | 10, BIT(25) | 10, BIT(29) | 10, BIT(30) | 10 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		decode(.reason = reasons[i]);
		CHECK_EQ(out.kind, LODGE_EXIT_UNKNOWN);
		CHECK_EQ(out.hw_reason, reasons[i]);
	}
	/* These only say more. */
	decode(.reason = BIT(26) | 10);
	CHECK_EQ(out.kind, LODGE_EXIT_CPUID);
	decode(.reason = BIT(28) | 10);
	CHECK_EQ(out.kind, LODGE_EXIT_CPUID);
}

static void test_failed(void)
{
	static const u32 reasons[] = { 33, 34, 41, 10, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		decode(.reason = BIT(31) | reasons[i], .qual = 4);
		CHECK_EQ(out.kind, LODGE_EXIT_ENTRY_FAILED);
		CHECK_EQ(out.fail_reason, BIT(31) | reasons[i]);
		CHECK_EQ(out.hw_info1, 4);
		CHECK(!out.vectored.valid);
	}
	memset(&out, 0xa5, sizeof(out));
	vmx_decode_refused(7, &(struct vmx_raw_exit){}, &out);
	CHECK_EQ(out.kind, LODGE_EXIT_ENTRY_FAILED);
	CHECK_EQ(out.fail_reason, 7);
	CHECK(!out.vectored.valid && !out.next_rip);
	/* What was to be delivered waits on. */
	decode(.reason = BIT(31) | 33, .vec_info = 0x80000b0e, .vec_error = 2);
	CHECK(out.vectored.valid && out.vectored.has_error);
	CHECK_EQ(out.vectored.vector, 14);
	CHECK_EQ(out.vectored.error, 2);
	memset(&out, 0xa5, sizeof(out));
	vmx_decode_refused(7, &(struct vmx_raw_exit){ .vec_info = 0x80000030 },
			   &out);
	CHECK(out.vectored.valid);
	CHECK_EQ(out.vectored.vector, 0x30);
	CHECK(!strcmp(vmx_insn_error(26),
		      "VM entry while MOV to SS blocks events"));
	CHECK(!strcmp(vmx_insn_error(14), vmx_insn_error(1000)));
	CHECK(!strcmp(vmx_insn_error(14), vmx_insn_error(0)));
}

static void test_io(void)
{
	/* OUT 0x3f8, AL */
	decode(.reason = 30, .qual = 0x3f8ULL << 16);
	CHECK_EQ(out.io.port, 0x3f8);
	CHECK_EQ(out.io.size, 1);
	CHECK(!out.io.in && !out.io.string && !out.io.rep);
	CHECK_EQ(out.hw_info1, 0x3f8ULL << 16);
	/* REP INSD from 0xffff */
	decode(.reason = 30, .qual = 0xffff0000ULL | 0x38 | 3);
	CHECK_EQ(out.io.port, 0xffff);
	CHECK_EQ(out.io.size, 4);
	CHECK(out.io.in && out.io.string && out.io.rep);
	decode(.reason = 30, .qual = 0x600048 | 1);	/* IN AX, 0x60 */
	CHECK_EQ(out.io.size, 2);
	CHECK(out.io.in && !out.io.string);
}

static void test_regs(void)
{
	/* MOV CR4, R9 */
	decode(.reason = 28, .qual = 0x904);
	CHECK_EQ(out.reg.nr, 4);
	CHECK_EQ(out.reg.gpr, 9);
	CHECK(out.reg.write);
	/* MOV RDI, CR8 */
	decode(.reason = 28, .qual = 0x718);
	CHECK_EQ(out.reg.nr, 8);
	CHECK_EQ(out.reg.gpr, 7);
	CHECK(!out.reg.write);
	/* CLTS, LMSW */
	decode(.reason = 28, .qual = 0x20);
	CHECK_EQ(out.reg.nr, 0);
	CHECK_EQ(out.reg.gpr, LODGE_GPR_UNKNOWN);
	CHECK(out.reg.write);
	decode(.reason = 28, .qual = 0x1230030);
	CHECK_EQ(out.reg.nr, 0);
	CHECK_EQ(out.reg.gpr, LODGE_GPR_UNKNOWN);
	/* MOV DR7, RDX; MOV R15, DR6 */
	decode(.reason = 29, .qual = 0x207);
	CHECK_EQ(out.reg.nr, 7);
	CHECK_EQ(out.reg.gpr, 2);
	CHECK(out.reg.write);
	decode(.reason = 29, .qual = 0xf16);
	CHECK_EQ(out.reg.nr, 6);
	CHECK_EQ(out.reg.gpr, 15);
	CHECK(!out.reg.write);
	decode(.reason = 14, .qual = 0x7fff12345000);
	CHECK_EQ(out.invlpg_gva, 0x7fff12345000);
}

static void test_ept(void)
{
	decode(.reason = 48, .gpa = 0xfee00020, .qual = 0x182);
	CHECK_EQ(out.tdp.gpa, 0xfee00020);
	CHECK_EQ(out.tdp.access, LODGE_TDP_WRITE);
	CHECK_EQ(out.hw_info2, 0xfee00020);
	decode(.reason = 48, .qual = 0x181);
	CHECK_EQ(out.tdp.access, LODGE_TDP_READ);
	/* Fetch from what may only be read. */
	decode(.reason = 48, .qual = 0x18c);
	CHECK_EQ(out.tdp.access, LODGE_TDP_FETCH | LODGE_TDP_PRESENT);
	/* Read-modify-write; with flags, walks count as writes. */
	decode(.reason = 48, .qual = 0x1ab);
	CHECK_EQ(out.tdp.access, LODGE_TDP_WRITE | LODGE_TDP_PRESENT);
	decode(.reason = 48, .qual = 0x83);
	CHECK_EQ(out.tdp.access, LODGE_TDP_WRITE | LODGE_TDP_WALK);
	/* Bit 8 is undefined without a linear address (PDPTEs loaded). */
	decode(.reason = 48, .qual = 0x001);
	CHECK_EQ(out.tdp.access, LODGE_TDP_READ);
	decode(.reason = 49, .gpa = 0x5000);
	CHECK_EQ(out.tdp.gpa, 0x5000);
	CHECK_EQ(out.tdp.access, LODGE_TDP_RSVD);
}

static void test_apic(void)
{
	u32 access = VMX_PROC2_APIC_ACCESS, x2 = VMX_PROC2_X2APIC;
	u32 regs = VMX_PROC2_APIC_REGS, intr = VMX_PROC2_VIRTUAL_INTR;
	u64 all = vmx_x2_reads(x2 | regs | intr);

	decode(.reason = 44, .qual = 0x30b0, .vec_info = 0x80000041);
	CHECK_EQ(out.kind, LODGE_EXIT_APIC_ACCESS);
	CHECK(out.vectored.valid);
	decode(.reason = 56, .qual = 0x300);
	CHECK_EQ(out.kind, LODGE_EXIT_APIC_WRITE);
	CHECK_EQ(out.apic.offset, 0x300);
	decode(.reason = 45, .qual = 0xfe);
	CHECK_EQ(out.kind, LODGE_EXIT_APIC_EOI);
	CHECK_EQ(out.apic.vector, 0xfe);
	decode(.reason = 43);
	CHECK_EQ(out.kind, LODGE_EXIT_IRQ_WINDOW);

	/* Of the MSRs only what the controls virtualize does not exit. */
	CHECK_EQ(vmx_x2_reads(access | regs | intr), 0);
	CHECK_EQ(vmx_x2_writes(access | regs | intr), 0);
	CHECK_EQ(vmx_x2_reads(x2 | intr), 1 << 8);
	CHECK_EQ(vmx_x2_writes(x2 | regs), 1 << 8);
	CHECK_EQ(vmx_x2_writes(x2 | intr), 1 << 8 | 1 << 11 | 1ULL << 63);
	CHECK_EQ(all ^ vmx_x2_reads(x2 | regs), 1 << 10);	/* PPR */
	CHECK(!(all & (BIT_ULL(0x0b) | BIT_ULL(0x0e) | BIT_ULL(0x2f) |
		       BIT_ULL(0x30) | BIT_ULL(0x39) | BIT_ULL(0x3f))));
	CHECK(all & BIT_ULL(0x27) && all & BIT_ULL(0x38));

	CHECK_EQ(vmx_tpr_threshold(0, 0x50), 0);	/* nothing waits */
	CHECK_EQ(vmx_tpr_threshold(0x61, 0x5f), 0);	/* not for TPR */
	CHECK_EQ(vmx_tpr_threshold(0x51, 0x50), 5);
	CHECK_EQ(vmx_tpr_threshold(0x31, 0xff), 3);
}

static void test_exceptions(void)
{
	decode(.reason = 0, .intr_info = 0x80000306);	/* #UD */
	CHECK_EQ(out.kind, LODGE_EXIT_EXCEPTION);
	CHECK_EQ(out.exception.vector, 6);
	CHECK(!out.exception.has_error);
	CHECK_EQ(out.exception.error, 0);
	decode(.reason = 0, .intr_info = 0x80000b0e, .intr_error = 7,
	       .qual = 0x12345678);			/* #PF */
	CHECK_EQ(out.exception.vector, 14);
	CHECK(out.exception.has_error);
	CHECK_EQ(out.exception.error, 7);
	CHECK_EQ(out.exception.info, 0x12345678);
	decode(.reason = 0, .intr_info = 0x80000301, .qual = 0x4001);
	CHECK_EQ(out.exception.info, 0xffff4ff1);	/* #DB: as DR6 */
	decode(.reason = 0, .intr_info = 0x80000603);	/* INT3 */
	CHECK_EQ(out.kind, LODGE_EXIT_EXCEPTION);
	CHECK_EQ(out.exception.vector, 3);
	decode(.reason = 0, .intr_info = 0x80000202);
	CHECK_EQ(out.kind, LODGE_EXIT_NMI);
}

static void test_vectored(void)
{
	/* #PF with an error code, when an EPT violation came */
	decode(.reason = 48, .vec_info = 0x80000b0e, .vec_error = 2);
	CHECK(out.vectored.valid && out.vectored.has_error);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_EXCEPTION);
	CHECK_EQ(out.vectored.vector, 14);
	CHECK_EQ(out.vectored.error, 2);
	CHECK_EQ(out.vectored.insn_len, 0);
	/* an interrupt, an NMI */
	decode(.reason = 48, .vec_info = 0x800000d1);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_INTR);
	CHECK_EQ(out.vectored.vector, 0xd1);
	CHECK(!out.vectored.has_error);
	CHECK_EQ(out.vectored.error, 0);
	decode(.reason = 62, .vec_info = 0x80000202);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_NMI);
	/* INT 0x80, INT3, INT1: raised by instructions */
	decode(.reason = 48, .vec_info = 0x80000480, .insn_len = 2);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_SOFT_INTR);
	CHECK_EQ(out.vectored.insn_len, 2);
	decode(.reason = 49, .vec_info = 0x80000603, .insn_len = 1);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_EXCEPTION);
	CHECK_EQ(out.vectored.vector, 3);
	CHECK_EQ(out.vectored.insn_len, 1);
	decode(.reason = 0, .intr_info = 0x80000b0d, .vec_info = 0x80000501,
	       .insn_len = 1);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_SOFT_INTR);
	/* An instruction cannot exit while an event is being delivered. */
	decode(.reason = 10, .vec_info = 0x80000b0e);
	CHECK(!out.vectored.valid);
	decode(.reason = 48, .vec_info = 0x00000b0e);
	CHECK(!out.vectored.valid);
}

static void test_task(void)
{
	decode(.reason = 9, .qual = 0x80000028ULL);	/* JMP */
	CHECK_EQ(out.task.selector, 0x28);
	CHECK_EQ(out.task.reason, 2);
	CHECK(!out.task.has_error);
	CHECK_EQ(out.next_rip, 0x1003);
	decode(.reason = 9, .qual = 0x40000030ULL);	/* IRET */
	CHECK_EQ(out.task.reason, 1);
	decode(.reason = 9, .qual = 0x00000030ULL);	/* CALL */
	CHECK_EQ(out.task.reason, 0);
	/* A gate in the IDT: #TS with an error code, INT 0x40, an interrupt */
	decode(.reason = 9, .qual = 0xc0000030ULL, .vec_info = 0x80000b0a,
	       .vec_error = 0x50);
	CHECK_EQ(out.task.reason, 3);
	CHECK(out.task.has_error);
	CHECK_EQ(out.task.error, 0x50);
	CHECK_EQ(out.next_rip, 0);
	decode(.reason = 9, .qual = 0xc0000030ULL, .vec_info = 0x80000440,
	       .insn_len = 2);
	CHECK(!out.task.has_error);
	CHECK_EQ(out.next_rip, 0x1002);
	decode(.reason = 9, .qual = 0xc0000030ULL, .vec_info = 0x80000040);
	CHECK_EQ(out.next_rip, 0);
	CHECK_EQ(out.insn_len, 0);
}

static bool undone(struct vmx_raw_exit want)
{
	return vmx_iret_undone(&want);
}

#define UNDONE(...)	undone((struct vmx_raw_exit){ __VA_ARGS__ })

static void test_iret(void)
{
	CHECK(UNDONE(.reason = 48, .qual = BIT(12)));
	CHECK(UNDONE(.reason = 62, .qual = BIT(12)));
	CHECK(UNDONE(.reason = 0, .intr_info = 0x80001b0d));
	CHECK(!UNDONE(.reason = 48, .qual = 0x182));
	CHECK(!UNDONE(.reason = 0, .intr_info = 0x80000b0d));
	/* Undefined for #DF, and while an event is being delivered. */
	CHECK(!UNDONE(.reason = 0, .intr_info = 0x80001b08));
	CHECK(!UNDONE(.reason = 48, .qual = BIT(12), .vec_info = BIT(31)));
	CHECK(!UNDONE(.reason = 30, .qual = BIT(12)));
	CHECK(!UNDONE(.reason = BIT(31) | 48, .qual = BIT(12)));
}

static void test_alignment(void)
{
	CHECK(vmx_ac_asked(LODGE_CR0_AM, LODGE_RFLAGS_AC, 3));
	CHECK(!vmx_ac_asked(LODGE_CR0_AM, LODGE_RFLAGS_AC, 0));
	CHECK(!vmx_ac_asked(LODGE_CR0_AM, 0, 3));
	CHECK(!vmx_ac_asked(0, LODGE_RFLAGS_AC, 3));
}

/* No reason whatever makes the decoder read outside its tables. */
static void test_all_reasons(void)
{
	u32 i;

	for (i = 0; i < 0x20000; i++) {
		decode(.reason = i | (i & 0x10000) << 15, .qual = ~0ULL,
		       .gpa = ~0ULL, .intr_info = ~0U, .vec_info = ~0U);
		CHECK(out.kind < LODGE_EXIT_NR);
	}
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "vmx: every exit reason of the manual", test_kinds },
		{ "vmx: the next instruction", test_len },
		{ "vmx: fields that are read", test_needs },
		{ "vmx: exits that are not known", test_unknown },
		{ "vmx: failed entries", test_failed },
		{ "vmx: port I/O", test_io },
		{ "vmx: control and debug registers", test_regs },
		{ "vmx: EPT violations", test_ept },
		{ "vmx: the virtual APIC", test_apic },
		{ "vmx: exceptions", test_exceptions },
		{ "vmx: event under delivery", test_vectored },
		{ "vmx: task switches", test_task },
		{ "vmx: NMI blocking of an IRET undone", test_iret },
		{ "vmx: #AC of the guest's own", test_alignment },
		{ "vmx: all reasons, all bits", test_all_reasons },
	};

	return ktap_run(tests, ARRAY_SIZE(tests));
}
