/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Into the tested instruction with all its registers, and, from the signal
 * handler, back. Called by native.c.
 */
	.text
	.globl native_enter
	.type native_enter, @function
native_enter:				/* RDI: struct native_state */
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, native_host_rsp(%rip)
	mov	424(%rdi), %ds
	mov	432(%rdi), %es
	lea	168(%rdi), %rax
	movups	0(%rax), %xmm0
	movups	16(%rax), %xmm1
	movups	32(%rax), %xmm2
	movups	48(%rax), %xmm3
	movups	64(%rax), %xmm4
	movups	80(%rax), %xmm5
	movups	96(%rax), %xmm6
	movups	112(%rax), %xmm7
	movups	128(%rax), %xmm8
	movups	144(%rax), %xmm9
	movups	160(%rax), %xmm10
	movups	176(%rax), %xmm11
	movups	192(%rax), %xmm12
	movups	208(%rax), %xmm13
	movups	224(%rax), %xmm14
	movups	240(%rax), %xmm15
	lea	128(%rdi), %rsp
	mov	0(%rdi), %rax
	mov	8(%rdi), %rcx
	mov	16(%rdi), %rdx
	mov	24(%rdi), %rbx
	mov	40(%rdi), %rbp
	mov	48(%rdi), %rsi
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
	mov	56(%rdi), %rdi
	iretq

	.globl native_leave
native_leave:				/* RSP: native_host_rsp */
	cld
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.bss
	.globl native_host_rsp
	.align 8
native_host_rsp:
	.quad	0
	.section .note.GNU-stack, "", @progbits
