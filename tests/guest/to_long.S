/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real mode straight to long mode, then compatibility mode, then paging off.
 * The page tables are there already. Run by tests/abi/modes.c.
 */
#include "guest.h"

GUEST_BEGIN(to_long)
	.code16
	cli
	lgdtl	%cs:AT(gdtr)
	mov	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$ABI_TABLES, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax		/* LME */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax	/* PG and PE at once */
	mov	%eax, %cr0
	ljmpl	$ABI_CS64, $AT(code64)

	.code64
code64:
	mov	$ABI_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	$0x10000 - 64, %esp
	mov	$0x64646464, %eax
	out	%eax, $ABI_REPORT
	pushq	$ABI_CS32
	lea	compat(%rip), %rax
	push	%rax
	lretq

	.code32
compat:
	mov	$0x32326464, %eax
	out	%eax, $ABI_REPORT
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	mov	$0x32323232, %eax
	out	%eax, $ABI_REPORT
	out	%al, $ABI_DONE

	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* ABI_CS64 */
	.quad	0x00cf93000000ffff	/* ABI_DS */
	.quad	0x00cf9b000000ffff	/* ABI_CS32 */
gdtr:
	.word	. - gdt - 1
	.long	AT(gdt)
GUEST_END(to_long)
