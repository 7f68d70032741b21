/* SPDX-License-Identifier: GPL-2.0 */
/* Making random instructions and registers. Next: native_gen.c. */
#ifndef NATIVE_GEN_H
#define NATIVE_GEN_H

#include "native.h"
#include "native_insns.h"

struct sample {
	const struct insn_template *t;
	unsigned int bits;	/* of the code: 64, 32, 16 */
	bool long_mode;
	u64 rip;
	u8 ds, es;		/* in 16-bit code: SEG_* */
	u8 bytes[16];
	u8 len;
	u64 gpr[LODGE_GPR_NR];
	u64 rflags;
	u8 xmm[16][16];
	u8 memory[DATA_RW_SIZE];
};

extern u64 random_state;

u64 random_u64(void);
unsigned int random_below(unsigned int n);

/* A new instruction with registers to suit, for code of @bits. */
void sample_make(struct sample *s, unsigned int bits);

/* Registers as the emulator wants them, with CPL 3. */
/* Where the emulator is told that the tables are. */
#define LDT_BASE	0x70000000UL
#define GDT_BASE	0x71000000UL

void sample_regs(const struct sample *s, struct lodge_regs *regs);

#endif
