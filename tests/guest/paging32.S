/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 32-bit paging with 4 MiB pages, then PAE, without leaving protected mode.
 * The test has written the tables. Run by tests/abi/modes.c.
 */
#include "guest.h"

GUEST_BEGIN(paging32)
	.code32
	mov	$0x10, %eax		/* PSE */
	mov	%eax, %cr4
	mov	$0x70000, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	mov	0x1000000, %eax
	out	%eax, $ABI_REPORT
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	mov	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$0x71000, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	mov	0x1000000, %eax
	out	%eax, $ABI_REPORT
	out	%al, $ABI_DONE
GUEST_END(paging32)
