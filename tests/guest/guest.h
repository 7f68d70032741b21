/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the guests written in assembler files: the ports through which a guest
 * talks to its test, and the labels around its code. The numbers are those of
 * tests/abi/abi.h; a test includes the guest with GUEST_BLOB(name).
 */
#define ABI_CODE	0x1000
#define ABI_IDT		0x3000
#define ABI_GDT		0x4000
#define ABI_TABLES	0x6000
#define ABI_DATA	0x80000
#define ABI_MMIO	0xd0000

#define ABI_CS64	0x08
#define ABI_DS		0x10
#define ABI_CS32	0x18
#define ABI_CS16	0x20
#define ABI_DS16	0x48

#define ABI_REPORT	0xe0
#define ABI_TRAP	0xe1
#define ABI_SYNC	0xe2
#define ABI_DONE	0xe4

/* Around the code of a guest; AT() is a label's address in guest memory. */
#define GUEST_BEGIN(name)	.section .rodata, "a"; .balign 16; \
	.globl blob_##name; .globl blob_##name##_end; \
	.set blob_##name, .; .set __begin, .
#define GUEST_END(name)		.set blob_##name##_end, .; \
	.section .note.GNU-stack, "", @progbits
#define AT(label)		(ABI_CODE + (label) - __begin)
