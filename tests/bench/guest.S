/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's side of the benchmark: for each kind of exit a program that
 * makes it again and again between two readings of the TSC.
 *
 * exits.c copies all of it to GUEST_CODE and starts one program in 64-bit
 * mode with RDI the number of rounds. It ends by OUT to port 0xf0, R8 and R9
 * holding the TSC before and after. Under an emulator that counts, the TSC is
 * the number of instructions of host and guest together.
 */
	.section .rodata
	.code64
	.globl guest_start, guest_end

	.macro program name
	.globl guest_\name
guest_\name:
	mov	%rdi, %r12
	rdtsc
	shl	$32, %rdx
	lea	(%rdx, %rax), %r8
1:
	.endm

	.macro again
	dec	%r12
	jnz	1b
	rdtsc
	shl	$32, %rdx
	lea	(%rdx, %rax), %r9
	out	%al, $0xf0
	.endm

guest_start:
	program nothing
	again

	program cpuid
	xor	%eax, %eax
	cpuid
	again

	program hypercall
	mov	$-1, %rax		/* no such call: KVM answers -ENOSYS */
	.globl guest_hypercall_insn
guest_hypercall_insn:
	vmmcall				/* exits.c puts VMCALL here on VT-x */
	again

	program port_kernel
	in	$0x21, %al
	again

	program port_user
	out	%al, $0x80
	again

	program rdmsr
	mov	$0x1b, %ecx
	rdmsr
	again

	program wrmsr
	mov	$0x277, %ecx		/* PAT, with its reset value */
	mov	$0x00070406, %eax
	mov	%eax, %edx
	wrmsr
	again

	program mmio_kernel
	mov	$0xfee00030, %ebx	/* APIC version */
	mov	(%rbx), %eax
	again

	program mmio_user
	mov	$0xd0000000, %ebx
	mov	(%rbx), %eax
	again

	/* RSI: the first of as many pages as there are rounds. */
	program page_fault
	mov	%al, (%rsi)
	add	$4096, %rsi
	again

	/* Interrupt to itself: ICR write, delivery, EOI. */
	program ipi
	sti
	mov	$0xfee00300, %ebx
	movl	$0x00044040, (%rbx)	/* vector 0x40, shorthand self */
	nop
	cli
	again

	/* The same, but waited for in HLT. */
	program hlt
	cli
	mov	$0xfee00300, %ebx
	movl	$0x00044040, (%rbx)
	sti
	hlt
	cli
	again

	.globl guest_handler
guest_handler:
	push	%rbx
	mov	$0xfee000b0, %ebx
	movl	$0, (%rbx)
	pop	%rbx
	iretq
guest_end:
	.section .note.GNU-stack, "", @progbits
