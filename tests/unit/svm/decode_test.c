// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/svm/svm_exit.c: the VMCB's words, made neutral.
 */
#include <stdio.h>

#include "ktap.h"
#include "regs.h"
#include "svm/svm_decide.h"

int ktap_failures;

static struct svm_vmcb vmcb;
static struct lodge_exit out;

static void decode(u64 code, u64 info1, u64 info2)
{
	memset(&vmcb, 0, sizeof(vmcb));
	memset(&out, 0xa5, sizeof(out));
	vmcb.exit_code = code;
	vmcb.exit_info1 = info1;
	vmcb.exit_info2 = info2;
	vmcb.next_rip = 0x1234;
	svm_decode(&vmcb, false, false, &out);
}

static void test_simple(void)
{
	static const struct {
		u64 code;
		u16 kind;
	} rows[] = {
		{ 0x60, LODGE_EXIT_INTR }, { 0x61, LODGE_EXIT_NMI },
		{ 0x62, LODGE_EXIT_SMI }, { 0x64, LODGE_EXIT_IRQ_WINDOW },
		{ 0x6f, LODGE_EXIT_RDPMC }, { 0x72, LODGE_EXIT_CPUID },
		{ 0x74, LODGE_EXIT_NONE }, { 0x76, LODGE_EXIT_INVD },
		{ 0x75, LODGE_EXIT_EMULATE },
		{ 0x78, LODGE_EXIT_HLT }, { 0x7f, LODGE_EXIT_SHUTDOWN },
		{ 0x80, LODGE_EXIT_VIRT_INSN }, { 0x81, LODGE_EXIT_HYPERCALL },
		{ 0x89, LODGE_EXIT_INVD }, { 0x8d, LODGE_EXIT_XSETBV },
		{ 0xa2, LODGE_EXIT_INVLPG },
		{ 0x63, LODGE_EXIT_SMI }, { 0x79, LODGE_EXIT_INVLPG },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		decode(rows[i].code, 0, 0);
		CHECK_EQ(out.kind, rows[i].kind);
		CHECK_EQ(out.hw_reason, rows[i].code);
		CHECK_EQ(out.next_rip, 0);
		CHECK(!out.vectored.valid);
	}
}

/* What is not known must never be taken for something known. */
static void test_unknown(void)
{
	static const u64 codes[] = {
		0x73, 0x7e, 0x8f, 0xa5, 0xff, 0x100, 0x401, 0x403, 0x500,
		0x7fffffff, 0x100000072, 0x100000400,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		decode(codes[i], 0, 0);
		CHECK_EQ(out.kind, LODGE_EXIT_UNKNOWN);
	}
	decode(~0ULL, 0, 0);
	CHECK_EQ(out.kind, LODGE_EXIT_ENTRY_FAILED);
	CHECK_EQ(out.fail_reason, ~0ULL);
	/* Nothing was under delivery: that is old. */
	vmcb.exit_int_info = BIT_ULL(31) | 0x55;
	svm_decode(&vmcb, false, false, &out);
	CHECK(!out.vectored.valid);
	/* As QEMU's emulated CPU says it. */
	decode(0xffffffff, 0, 0);
	CHECK_EQ(out.kind, LODGE_EXIT_ENTRY_FAILED);
	CHECK_EQ(out.fail_reason, ~0ULL);
}

static void test_io(void)
{
	/* OUT 0x3f8, AL; next instruction at 0xfff3 */
	decode(0x7b, 0x3f8ULL << 16 | 1 << 4, 0xfff3);
	CHECK_EQ(out.kind, LODGE_EXIT_IO);
	CHECK_EQ(out.io.port, 0x3f8);
	CHECK_EQ(out.io.size, 1);
	CHECK(!out.io.in && !out.io.string && !out.io.rep);
	CHECK_EQ(out.next_rip, 0xfff3);
	/* REP INSD from 0xffff */
	decode(0x7b, 0xffffULL << 16 | 4 << 4 | 0xd, 7);
	CHECK_EQ(out.io.port, 0xffff);
	CHECK_EQ(out.io.size, 4);
	CHECK(out.io.in && out.io.string && out.io.rep);
}

static void test_npf(void)
{
	decode(0x400, 0x100000006ULL, 0xfee00020);
	CHECK_EQ(out.kind, LODGE_EXIT_TDP_FAULT);
	CHECK_EQ(out.tdp.gpa, 0xfee00020);
	CHECK_EQ(out.tdp.access, LODGE_TDP_WRITE);
	decode(0x400, 0x100000015ULL, 0x1000);
	CHECK_EQ(out.tdp.access, LODGE_TDP_FETCH | LODGE_TDP_PRESENT);
	/* The guest's own walk writes an accessed bit. */
	decode(0x400, 0x200000007ULL, 0x2000);
	CHECK_EQ(out.tdp.access,
		 LODGE_TDP_WRITE | LODGE_TDP_PRESENT | LODGE_TDP_WALK);
	decode(0x400, 0x10000000cULL, 0x3000);
	CHECK_EQ(out.tdp.access, LODGE_TDP_READ | LODGE_TDP_RSVD);
}

static void test_assist(void)
{
	decode(0x400, 2, 0x1000);
	vmcb.insn_nr = 0xff;		/* more than there is room for */
	svm_decode(&vmcb, true, true, &out);
	CHECK_EQ(out.insn_nr, 15);
	CHECK(out.insn == vmcb.insn);
	CHECK_EQ(out.next_rip, 0);	/* a fault: the instruction goes again */
	/* MOV CR4, R9 */
	decode(0x14, BIT_ULL(63) | 9, 0);
	CHECK_EQ(out.reg.gpr, LODGE_GPR_UNKNOWN);
	svm_decode(&vmcb, true, true, &out);
	CHECK_EQ(out.kind, LODGE_EXIT_CR_ACCESS);
	CHECK_EQ(out.reg.nr, 4);
	CHECK_EQ(out.reg.gpr, 9);
	CHECK(out.reg.write);
	CHECK_EQ(out.next_rip, 0x1234);
	/* CLTS and LMSW come as writes of CR0 without a register. */
	decode(0x10, 0, 0);
	svm_decode(&vmcb, true, true, &out);
	CHECK_EQ(out.reg.gpr, LODGE_GPR_UNKNOWN);
	/* MOV RDX, DR7 */
	decode(0x27, 2, 0);
	svm_decode(&vmcb, true, true, &out);
	CHECK_EQ(out.kind, LODGE_EXIT_DR_ACCESS);
	CHECK_EQ(out.reg.nr, 7);
	CHECK(!out.reg.write);
	CHECK_EQ(out.reg.gpr, 2);
}

static void test_exception(void)
{
	decode(0x40 + 17, 0, 0);
	CHECK_EQ(out.kind, LODGE_EXIT_EXCEPTION);
	CHECK_EQ(out.exception.vector, 17);
	CHECK_EQ(out.next_rip, 0);
	decode(0x5f, 0, 0);
	CHECK_EQ(out.kind, LODGE_EXIT_EXCEPTION);
	CHECK_EQ(out.exception.vector, 31);
}

static void test_msr(void)
{
	decode(0x7c, 0, 0);
	CHECK_EQ(out.kind, LODGE_EXIT_MSR_READ);
	decode(0x7c, 1, 0);
	CHECK_EQ(out.kind, LODGE_EXIT_MSR_WRITE);
}

static void test_vectored(void)
{
	decode(0x400, 4, 0x1000);
	vmcb.exit_int_info = 14 | 3 << 8 | BIT_ULL(11) | BIT_ULL(31) |
			     2ULL << 32;
	svm_decode(&vmcb, false, false, &out);
	CHECK(out.vectored.valid && out.vectored.has_error);
	CHECK_EQ(out.vectored.type, LODGE_EVENT_EXCEPTION);
	CHECK_EQ(out.vectored.vector, 14);
	CHECK_EQ(out.vectored.error, 2);
	/* Emulated CPUs leave an old vector with the valid bit clear. */
	vmcb.exit_int_info &= ~BIT_ULL(31);
	svm_decode(&vmcb, false, false, &out);
	CHECK(!out.vectored.valid);
}

static void test_task(void)
{
	decode(0x7d, 0x28, BIT_ULL(38));
	CHECK_EQ(out.kind, LODGE_EXIT_TASK_SWITCH);
	CHECK_EQ(out.task.selector, 0x28);
	CHECK_EQ(out.task.reason, LODGE_TASK_JMP);
	CHECK(!out.task.set_rf);
	decode(0x7d, 0x30, BIT_ULL(36) | BIT_ULL(48));
	CHECK_EQ(out.task.reason, LODGE_TASK_IRET);
	CHECK(out.task.set_rf);
	decode(0x7d, 0x30, BIT_ULL(44) | 5);
	CHECK_EQ(out.task.reason, LODGE_TASK_CALL);
	CHECK(out.task.has_error);
	CHECK_EQ(out.task.error, 5);
	vmcb.exit_int_info = BIT_ULL(31) | 3 << 8 | 10;
	svm_decode(&vmcb, false, false, &out);
	CHECK_EQ(out.task.reason, LODGE_TASK_GATE);
}

/* No exit code whatever makes the decoder read outside its tables. */
static void test_all_codes(void)
{
	u64 code;

	for (code = 0; code < 0x800; code++) {
		decode(code, ~0ULL, ~0ULL);
		svm_decode(&vmcb, true, true, &out);
		CHECK(out.kind < LODGE_EXIT_NR);
	}
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "svm: exits that are only a kind", test_simple },
		{ "svm: exits that are not known", test_unknown },
		{ "svm: port I/O", test_io },
		{ "svm: nested page faults", test_npf },
		{ "svm: decode assists", test_assist },
		{ "svm: exceptions", test_exception },
		{ "svm: MSR accesses", test_msr },
		{ "svm: event under delivery", test_vectored },
		{ "svm: task switches", test_task },
		{ "svm: every exit code", test_all_codes },
	};

	return ktap_run(tests, ARRAY_SIZE(tests));
}
