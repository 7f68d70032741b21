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
#include "../gprs.S"

	BARRIER_DATA
	.text

/*
 * void svm_enter_guest(u64 *gpr, hpa_t vmcb_pa, hpa_t host_pa)
 *
 * RAX, RSP, RIP and RFLAGS of the guest are in the VMCB; RSP and RAX of the
 * host are kept by the hardware in its save area.
 */
SYM_FUNC_START(svm_enter_guest)
	HOST_PUSH
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
	GUEST_LOAD

	BARRIER_ENTRY
	vmrun	%rax
	cli

	push	%rdi
	mov	8(%rsp), %rdi
	GUEST_SAVE

	vmsave	%rax
	add	$8, %rsp
	pop	%rax
	vmload	%rax
	BARRIER_EXIT
	stgi

	GUEST_CLEAR

	HOST_POP
	RET
SYM_FUNC_END(svm_enter_guest)
