/* SPDX-License-Identifier: GPL-2.0 */
/* Instructions that native_test.c makes at random. Next: native_insns.c. */
#ifndef NATIVE_INSNS_H
#define NATIVE_INSNS_H

#include "../../../kmod/regs.h"

#define T_REG(n)	BIT(n)		/* bits 0-7: ModRM.reg may be n */
#define T_MODRM		0xffU
#define T_LOCK		BIT(8)
#define T_NO64		BIT(9)
#define T_ONLY64	BIT(10)
#define T_STRING	BIT(11)		/* RSI, RDI, RCX made to fit */
#define T_VARY8		BIT(12)		/* the opcode's low 3 bits vary */
#define T_VARY16	BIT(13)		/* its low 4 bits */
#define T_NO66		BIT(14)		/* undefined with 16-bit operands */
#define T_MEM		BIT(15)		/* memory operand only */
#define T_NOADDR	BIT(16)		/* does not touch its memory operand */
#define T_BITOFF	BIT(17)		/* register holds a bit offset */
#define T_XLAT		BIT(18)
#define T_FRAME		BIT(19)		/* RBP must point to the stack */
#define T_BRANCH	BIT(20)
#define T_LEGACY	BIT(21)		/* no 66, REP prefix, REX.W: SSE */
#define T_TARGET	BIT(22)		/* operand is a branch target */
#define T_RETURN	BIT(23)		/* top of stack is a branch target */
#define T_SEG		BIT(24)		/* loads a segment: only in 16-bit code */

/* The flags an instruction leaves undefined; two depend on its count. */
#define U_AF		LODGE_RFLAGS_AF
#define U_MUL		(LODGE_RFLAGS_SF | LODGE_RFLAGS_ZF | U_AF | \
			 LODGE_RFLAGS_PF)
#define U_ALL		(U_MUL | LODGE_RFLAGS_CF | LODGE_RFLAGS_OF)
#define U_BT		(LODGE_RFLAGS_SF | U_AF | LODGE_RFLAGS_PF | \
			 LODGE_RFLAGS_OF)
#define U_SHIFT		BIT_ULL(60)
#define U_DOUBLE	BIT_ULL(61)

/* What not every CPU has. */
enum {
	NEEDS_NOTHING, NEEDS_LZCNT, NEEDS_BMI1, NEEDS_POPCNT, NEEDS_MOVBE,
	NEEDS_SSE3, NEEDS_SSE41,
};

struct insn_template {
	const char *name;
	u8 op[4];		/* with a mandatory prefix, if it has one */
	u8 len;
	char imm;		/* 0, '1', '2', 'z', 'v', 'a' moffs, 'e' ENTER */
	u32 flags;		/* T_* */
	u64 undefined;		/* U_* */
	u8 needs;		/* NEEDS_* */
};

extern const struct insn_template insn_templates[];
extern const unsigned int insn_template_nr;

/* Does this CPU have it? */
bool insn_template_runs(const struct insn_template *t);

#endif
