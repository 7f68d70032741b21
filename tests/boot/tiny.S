/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The smallest kernel that the launcher takes for a bzImage: says one line on
 * the serial port and powers off. For tests that start many guests; run.sh
 * assembles it, inside.sh boots it. Offsets are those of the boot protocol's
 * "The Real-Mode Kernel Header".
 */
	.code64
	.section .text
	.globl _start
_start:
	.org 0x1f1
	.byte 1				/* setup_sects */
	.org 0x1f4
	.long (end - payload + 15) / 16	/* syssize */
	.org 0x1fe
	.word 0xaa55			/* boot_flag */
	.byte 0xeb, header_end - header	/* jump: its length ends the header */
header:
	.ascii "HdrS"
	.word 0x020f			/* version */
	.org 0x211
	.byte 1				/* loadflags: LOADED_HIGH */
	.org 0x22c
	.long 0x7fffffff		/* initrd_addr_max */
	.long 0x1000			/* kernel_alignment */
	.org 0x236
	.word 1				/* xloadflags: XLF_KERNEL_64 */
	.long 255			/* cmdline_size */
	.org 0x258
	.quad 0x1000000			/* pref_address */
	.long 0x10000			/* init_size */
	.org 0x268
header_end:

	.org 0x400			/* after setup_sects + 1 sectors */
payload:
	.org 0x600			/* the 64-bit entry is 0x200 in */
	lea	message(%rip), %rsi
	mov	$0x3f8, %dx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	mov	$0x604, %dx		/* PM1a control of the launcher */
	mov	$(5 << 10 | 1 << 13), %ax
	out	%ax, %dx
3:	hlt
	jmp	3b
message:
	.asciz	"tiny guest\r\n"
	.balign	16
end:
