/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real mode to 32-bit and 16-bit protected mode and back; reports from each.
 * Loaded at ABI_CODE, run by tests/abi/modes.c.
 */
#include "guest.h"

GUEST_BEGIN(to_protected)
	.code16
	cli
	lgdtl	%cs:AT(gdtr)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$ABI_CS32, $AT(code32)

	.code32
code32:
	mov	$ABI_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	%eax, %fs
	mov	$0x32323232, %eax
	out	%eax, $ABI_REPORT
	movl	$0x12345678, 0x90000
	ljmp	$ABI_CS16, $AT(code16)

	.code16
code16:
	mov	$ABI_DS16, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x1616, %ax
	out	%ax, $ABI_REPORT
	mov	%cr0, %eax
	and	$0xfe, %al
	mov	%eax, %cr0
	ljmp	$0, $AT(real)
real:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x8086, %ax
	out	%ax, $ABI_REPORT
	/* FS still has the limit of 4 GiB. */
	mov	$0x90000, %ebx
	mov	%fs:(%ebx), %eax
	out	%eax, $ABI_REPORT
	out	%al, $ABI_DONE

	.balign	8
gdt:
	.quad	0
	.quad	0
	.quad	0x00cf93000000ffff	/* ABI_DS */
	.quad	0x00cf9b000000ffff	/* ABI_CS32 */
	.quad	0x00009b000000ffff	/* ABI_CS16 */
	.quad	0, 0, 0, 0
	.quad	0x000093000000ffff	/* ABI_DS16 */
gdtr:
	.word	. - gdt - 1
	.long	AT(gdt)
GUEST_END(to_protected)
