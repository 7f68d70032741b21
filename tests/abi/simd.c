// SPDX-License-Identifier: GPL-2.0
/*
 * x87, SSE and AVX state of guests: kept across exits, not mixed up between
 * two vCPUs on one thread, not leaked from or to the process.
 */
#include <cpuid.h>
#include <sched.h>

#include "test.h"

/* Fills XMM0-15 from EBX, leaves, sums what is in them; 4 turns. */
GUEST64(sse, "mov $0x80000, %edi; movdqu (%rdi), %xmm0; movdqa %xmm0, %xmm7\n"
	"movdqa %xmm0, %xmm15; fninit; fld1; fldpi\n"
	"1:" G_SYNC
	"paddd %xmm0, %xmm7; movdqu %xmm7, 16(%rdi); movdqu %xmm15, 32(%rdi)\n"
	"fadd %st(1), %st; fstl 48(%rdi); jmp 1b");

static void check_sse(struct __test_metadata *_metadata, struct abi_vcpu *vcpu,
		      uint32_t word, int turn)
{
	double x87;

	EXPECT_EQ(word * (turn + 1), abi_peek(vcpu->vm, ABI_DATA + 16));
	EXPECT_EQ(word * (turn + 1), abi_peek(vcpu->vm, ABI_DATA + 28));
	EXPECT_EQ(word, abi_peek(vcpu->vm, ABI_DATA + 32));
	memcpy(&x87, vcpu->vm->mem + ABI_DATA + 48, sizeof(x87));
	EXPECT_LT(3.14 + turn, x87);
	EXPECT_GT(3.15 + turn, x87);
}

static struct abi_vcpu *boot_sse(uint32_t word)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &sse);

	for (int i = 0; i < 4; i++)
		abi_poke(vcpu->vm, ABI_DATA + 4 * i, word);
	abi_sync(vcpu);
	return vcpu;
}

/* The process uses the registers itself between the runs. */
static void spoil(void)
{
	asm volatile("pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm7\n"
		     "movdqa %%xmm0, %%xmm15; fninit; fldz; fldz; fldz"
		     : : : "xmm0", "xmm7", "xmm15");
	asm volatile("fninit");
}

TEST(sse_across_exits)
{
	struct abi_vcpu *vcpu = boot_sse(0x11111111);

	for (int turn = 1; turn < 5; turn++) {
		spoil();
		abi_sync(vcpu);
		check_sse(_metadata, vcpu, 0x11111111, turn);
	}
}

TEST(sse_of_two_vcpus)
{
	struct abi_vcpu *a = boot_sse(0x01010101), *b = boot_sse(0x02020202);

	for (int turn = 1; turn < 5; turn++) {
		abi_sync(a);
		abi_sync(b);
		check_sse(_metadata, a, 0x01010101, turn);
		check_sse(_metadata, b, 0x02020202, turn);
	}
}

/* The process finds its own registers as they were. */
GUEST64(spoiler, "pcmpeqd %xmm3, %xmm3; pcmpeqd %xmm12, %xmm12; fninit\n"
	"fldz; fldz; fldz; sub $8, %rsp; movl $0x1f80 | 0x6000, (%rsp)\n"
	"ldmxcsr (%rsp)\n" G_DONE);

TEST(process_keeps_its_own)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spoiler);
	uint64_t seen[4];
	uint32_t mxcsr;
	long ret;

	asm volatile("movq %[a], %%xmm3; movq %[b], %%xmm12\n"
		     "syscall\n"
		     "movq %%xmm3, %[x]; movq %%xmm12, %[y]; stmxcsr %[m]"
		     : "=a" (ret), [x] "=&r" (seen[0]), [y] "=&r" (seen[1]),
		       [m] "=m" (mxcsr)
		     : [a] "r" (0x1234567812345678), [b] "r" (0x9abcdef09abcdef0),
		       "a" (16L), "D" ((long)vcpu->fd),
		       "S" ((long)KVM_RUN), "d" (0L)
		     : "rcx", "r11", "memory", "xmm3", "xmm12");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(KVM_EXIT_IO, vcpu->run->exit_reason);
	EXPECT_EQ(0x1234567812345678, seen[0]);
	EXPECT_EQ(0x9abcdef09abcdef0, seen[1]);
	EXPECT_EQ(0x1f80, mxcsr & ~0x3f);
}

/* A guest starts with nothing of the process in its registers. */
GUEST64(reader, "mov $0x80000, %edi; movdqu %xmm5, (%rdi)\n"
	"movdqu %xmm13, 16(%rdi)\n" G_DONE);

TEST(nothing_leaks_in)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);

	memset(vcpu->vm->mem + ABI_DATA, 0xee, 32);
	asm volatile("pcmpeqd %%xmm5, %%xmm5; pcmpeqd %%xmm13, %%xmm13"
		     : : : "xmm5", "xmm13");
	abi_done(vcpu);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(0, abi_peek(vcpu->vm, ABI_DATA + 4 * i));
}

static bool has_avx(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & 3 << 27) == 3 << 27;
}

GUEST64(avx, "mov $0x80000, %edi; vmovdqu (%rdi), %ymm9\n"
	"1:" G_SYNC "vmovdqu %ymm9, 64(%rdi); jmp 1b");

/* By the ioctls: QEMU's emulation does not tell the host of XSETBV. */
static struct abi_vcpu *boot_avx(void)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &avx);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = 7 };

	sregs.cr4 |= 1 << 18;
	abi_set_sregs(vcpu, &sregs);
	abi_ok(vcpu->fd, KVM_SET_XCRS, &xcrs);
	return vcpu;
}

TEST(avx_of_two_vcpus)
{
	struct abi_vcpu *vcpu[2];

	if (!has_avx())
		SKIP(return, "the host has no AVX");
	for (int i = 0; i < 2; i++) {
		vcpu[i] = boot_avx();
		for (int j = 0; j < 8; j++)
			abi_poke(vcpu[i]->vm, ABI_DATA + 4 * j,
				 (i + 1) * 0x01000193 + j);
		abi_sync(vcpu[i]);
	}
	for (int turn = 0; turn < 4; turn++) {
		abi_sync(vcpu[turn & 1]);
		for (int j = 0; j < 8; j++) {
			EXPECT_EQ(((turn & 1) + 1) * 0x01000193 + j,
				  abi_peek(vcpu[turn & 1]->vm,
					   ABI_DATA + 64 + 4 * j));
		}
		memset(vcpu[turn & 1]->vm->mem + ABI_DATA + 64, 0, 32);
	}
}

/* What the guest computed is what KVM_GET_XSAVE shows. */
TEST(avx_in_xsave)
{
	struct abi_vcpu *vcpu;
	struct kvm_xsave *xsave = abi_map(4096);
	struct kvm_xcrs xcrs;
	uint8_t *area = (uint8_t *)xsave->region;

	if (!has_avx())
		SKIP(return, "the host has no AVX");
	vcpu = boot_avx();
	for (int i = 0; i < 32; i++)
		vcpu->vm->mem[ABI_DATA + i] = i + 1;
	abi_sync(vcpu);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	EXPECT_EQ(0, memcmp(area + 160 + 9 * 16, vcpu->vm->mem + ABI_DATA, 16));
	EXPECT_EQ(0, memcmp(area + 576 + 9 * 16,
			    vcpu->vm->mem + ABI_DATA + 16, 16));
	abi_ok(vcpu->fd, KVM_GET_XCRS, &xcrs);
	EXPECT_EQ(7, xcrs.xcrs[0].value);
	memset(area + 576 + 9 * 16, 0x77, 16);
	abi_ok(vcpu->fd, KVM_SET_XSAVE, xsave);
	abi_sync(vcpu);
	EXPECT_EQ(0x77777777, abi_peek(vcpu->vm, ABI_DATA + 64 + 16));
	EXPECT_EQ(0x04030201, abi_peek(vcpu->vm, ABI_DATA + 64));
}

/* Two guests in two threads on one CPU, both busy with their registers. */
GUEST64(busy, "mov $0x80000, %edi; movdqu (%rdi), %xmm6; mov $200000, %ecx\n"
	"1: movdqa %xmm6, %xmm1; paddd %xmm1, %xmm1; psrld $1, %xmm1\n"
	"pcmpeqd %xmm6, %xmm1; pmovmskb %xmm1, %eax; cmp $0xffff, %eax\n"
	"jne 2f; dec %ecx; jnz 1b; 2: mov %ecx, %eax\n" G_REPORT G_DONE);

TEST(threads_on_one_cpu)
{
	struct abi_thread *thread[2];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	for (int i = 0; i < 2; i++) {
		struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &busy);

		for (int j = 0; j < 4; j++)
			abi_poke(vcpu->vm, ABI_DATA + 4 * j,
				 i ? 0x12345678 : 0x0fedcba9);
		thread[i] = abi_thread_start(vcpu);
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(1, abi_thread_join(thread[i]));
		EXPECT_EQ(0, abi_thread_reports(thread[i])[0]);
	}
}

TEST_HARNESS_MAIN
