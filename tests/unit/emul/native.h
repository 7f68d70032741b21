/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One instruction on the CPU that runs the tests: the oracle of
 * native_test.c. Next: native.c.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include "../../../kmod/emul/emul.h"

/* Where the instruction and its operands live: below 2 GiB, for both modes. */
#define CODE_BASE	0x30000000UL	/* two pages, full of INT3 */
#define CODE_SIZE	0x2000UL
#define DATA_BASE	0x31000000UL	/* RW, RW, read-only, nothing */
#define DATA_RW_SIZE	0x2000UL
#define DATA_RO_SIZE	0x1000UL
#define DATA_SIZE	(DATA_RW_SIZE + DATA_RO_SIZE)

/*
 * Segments in the LDT, for 16-bit code: indexes of native_ldt[]. All have
 * DPL 3; SEG_SEL() is the selector.
 */
enum {
	SEG_CODE16, SEG_DATA, SEG_DOWN, SEG_READONLY, SEG_STACK, SEG_EXECONLY,
	SEG_ABSENT, SEG_TINY, SEG_ABSENT_CODE, SEG_CODE32,
	SEG_NR
};

#define SEG_SEL(index)	((index) << 3 | 7)

extern const struct lodge_seg native_ldt[SEG_NR];

struct native_state {
	u64 gpr[LODGE_GPR_NR];		/* native_enter.S knows the layout */
	u64 frame[5];			/* for IRETQ: RIP CS RFLAGS RSP SS */
	u8 xmm[16][16];
	u64 ds, es;

	/* Afterwards. */
	bool faulted;			/* on the instruction itself */
	u8 vector;
	u32 error;
	u64 cr2;
	u64 rip;
	u64 rflags;
};

/* The code pages, writable here. */
extern u8 *native_code;

/* native_enter.S */
extern u64 native_host_rsp;
extern const char native_leave[];
void native_enter(struct native_state *state);

/* Map the pages, take the signals. */
void native_init(void);

/* Make the segments; false if the kernel does not let us. */
bool native_init_ldt(void);

/*
 * Run the instruction at state->frame[0] with the registers given, until
 * something else than it would be executed.
 */
void native_run(struct native_state *state);

#endif
