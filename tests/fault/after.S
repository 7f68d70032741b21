/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What comes after a kernel that ended, in place of another one, where that
 * would take an emulator minutes: it sees whether the CPUs can be had, says so
 * at the second serial port, and resets the machine. kexec.c copies it to where
 * the kernel then jumps, with pages behind it; see there.
 *
 * In 64-bit mode, memory mapped one to one, interrupts off, no IDT: a fault ends
 * the machine.
 */
#include "after.h"

#define SERIAL		0x2f8
#define LINE_STATUS	(SERIAL + 5)
#define RESET		0xcf9

#define APIC		0xfee00000
#define APIC_SVR	0xf0
#define APIC_ICR	0x300
#define INIT_OTHERS	0xc4500
#define SIPI_OTHERS	(0xc4600 | STARTED >> 12)

/* Below 1 MiB: where the others start, and how many have. */
#define STARTED		0x8000
#define STARTED_NR	0xff0

	.text
	.global after_start, after_others, after_end
after_start:
	lea	after_start(%rip), %rbx
	lea	AFTER_PML4(%rbx), %rax
	mov	%rax, %cr3
	lea	AFTER_STACK + AFTER_PAGE(%rbx), %rsp

	/* INIT would have the first CPU start the firmware. */
	mov	$0x1b, %ecx
	rdmsr
	bt	$8, %eax
	jnc	have_vmx

	/* A CPU in VMX operation does not hear INIT. */
	lea	started(%rip), %rsi
	mov	$STARTED, %edi
	mov	$started_end - started, %ecx
	cld
	rep movsb
	mov	$STARTED + STARTED_NR, %ebp
	movw	$0, (%rbp)
	mov	$APIC, %edi
	movl	$0x1ff, APIC_SVR(%rdi)
	movl	$INIT_OTHERS, APIC_ICR(%rdi)
	call	wait
	movl	$SIPI_OTHERS, APIC_ICR(%rdi)
	mov	$100, %r8d
1:	call	wait
	mov	(%rbp), %ax
	cmp	after_others(%rip), %ax
	je	have_vmx
	dec	%r8d
	jnz	1b
	jmp	bad

	/* Nor can it enter VMX operation once more. */
have_vmx:
	mov	%cr4, %rax
	bts	$13, %rax
	mov	%rax, %cr4
	mov	$0x480, %ecx
	rdmsr
	btr	$31, %eax
	mov	%eax, AFTER_VMXON(%rbx)
	lea	AFTER_VMXON(%rbx), %rax
	push	%rax
	vmxon	(%rsp)
	jbe	bad
	vmxoff
	lea	AFTER_GOOD_TEXT(%rbx), %rsi
	jmp	say
bad:
	lea	AFTER_BAD_TEXT(%rbx), %rsi
say:
	mov	$LINE_STATUS, %edx
1:	in	(%dx), %al
	test	$0x20, %al
	jz	1b
	lodsb
	test	%al, %al
	jz	1f
	mov	$SERIAL, %edx
	out	%al, (%dx)
	jmp	say

	/* The last character leaves before all ends. */
1:	in	(%dx), %al
	test	$0x40, %al
	jz	1b
	mov	$RESET, %edx
	mov	$2, %al
	out	%al, (%dx)
	mov	$6, %al
	out	%al, (%dx)
2:	hlt
	jmp	2b

	/* 10 ms of port accesses */
wait:
	mov	$10000, %ecx
1:	in	$0x80, %al
	loop	1b
	ret

after_others:
	.word	0

	.code16
started:
	lock incw %cs:STARTED_NR
1:	cli
	hlt
	jmp	1b
started_end:
after_end:

	.section .note.GNU-stack, "", @progbits
