/* SPDX-License-Identifier: GPL-2.0 */
/* Where the pages behind after.S are, from its start on; kexec.c fills them. */
#ifndef AFTER_H
#define AFTER_H

#define AFTER_PAGE	0x1000
#define AFTER_GOOD_TEXT	0x800		/* behind the code */
#define AFTER_BAD_TEXT	0xc00
#define AFTER_VMXON	0x1000
#define AFTER_STACK	0x2000
#define AFTER_PML4	0x3000		/* 4 GiB, one to one */
#define AFTER_PDPT	0x4000
#define AFTER_PD	0x5000		/* 4 pages */
#define AFTER_SIZE	0x9000

#ifndef __ASSEMBLER__
extern const unsigned char after_start[], after_others[], after_end[];
#endif

#endif /* AFTER_H */
