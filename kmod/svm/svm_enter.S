/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch of AMD-V.
 *
 * Called by svm_run.c, in the bracket. GIF is clear from before the guest's
 * state is loaded until the host's is back, so that not even an NMI sees the
 * guest's GS or TR. Next: svm_exit.c.
 */
#include <linux/linkage.h>

#include "../barrier.S"

#define GPR(n)	((n) * 8)
#define RCX	1
#define RDX	2
#define RBX	3
#define RBP	5
#define RSI	6
#define RDI	7

	BARRIER_DATA
	.text

/*
 * void svm_enter_guest(u64 *gpr, hpa_t vmcb_pa, hpa_t host_pa)
 *
 * RAX, RSP, RIP and RFLAGS of the guest are in the VMCB; RSP and RAX of the
 * host are kept by the hardware in its save area.
 */
SYM_FUNC_START(svm_enter_guest)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdx
	push	%rdi

	mov	%rsi, %rax
	clgi
	/*
	 * The host's IF says whether its interrupts end the guest's run. Set it
	 * here, where GIF holds them back: the shadow of an STI right before
	 * VMRUN goes into the guest on QEMU's emulated CPU, and the guest's own
	 * STI then has none (docs/TESTING.md).
	 */
	sti
	vmload	%rax
	mov	GPR(RCX)(%rdi), %rcx
	mov	GPR(RDX)(%rdi), %rdx
	mov	GPR(RBX)(%rdi), %rbx
	mov	GPR(RBP)(%rdi), %rbp
	mov	GPR(RSI)(%rdi), %rsi
	mov	GPR(8)(%rdi), %r8
	mov	GPR(9)(%rdi), %r9
	mov	GPR(10)(%rdi), %r10
	mov	GPR(11)(%rdi), %r11
	mov	GPR(12)(%rdi), %r12
	mov	GPR(13)(%rdi), %r13
	mov	GPR(14)(%rdi), %r14
	mov	GPR(15)(%rdi), %r15
	mov	GPR(RDI)(%rdi), %rdi

	BARRIER_ENTRY
	vmrun	%rax
	cli

	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rcx, GPR(RCX)(%rdi)
	mov	%rdx, GPR(RDX)(%rdi)
	mov	%rbx, GPR(RBX)(%rdi)
	mov	%rbp, GPR(RBP)(%rdi)
	mov	%rsi, GPR(RSI)(%rdi)
	mov	%r8, GPR(8)(%rdi)
	mov	%r9, GPR(9)(%rdi)
	mov	%r10, GPR(10)(%rdi)
	mov	%r11, GPR(11)(%rdi)
	mov	%r12, GPR(12)(%rdi)
	mov	%r13, GPR(13)(%rdi)
	mov	%r14, GPR(14)(%rdi)
	mov	%r15, GPR(15)(%rdi)
	pop	GPR(RDI)(%rdi)

	vmsave	%rax
	add	$8, %rsp
	pop	%rax
	vmload	%rax
	BARRIER_EXIT
	stgi

	/* Nothing of the guest is left for the host to speculate with. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(svm_enter_guest)
