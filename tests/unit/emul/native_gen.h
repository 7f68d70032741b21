/* SPDX-License-Identifier: GPL-2.0 */
/* Making random instructions and registers. Next: native_gen.c. */
#ifndef NATIVE_GEN_H
#define NATIVE_GEN_H

#include "native.h"
#include "native_insns.h"

struct sample {
	const struct insn_template *t;
	bool long_mode;
	u64 rip;
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

/* A new instruction with registers to suit, for 64-bit or 32-bit code. */
void sample_make(struct sample *s, bool long_mode);

/* Registers as the emulator wants them, flat and with CPL 3. */
void sample_regs(const struct sample *s, struct lodge_regs *regs);

#endif
