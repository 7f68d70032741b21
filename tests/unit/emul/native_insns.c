// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that native_test.c makes at random: their opcodes, what
 * follows, and the flags that the manuals leave undefined.
 *
 * Next: native_test.c.
 */
#include "native_insns.h"

#include <cpuid.h>

#define OP(...)		{ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ })

/* The six forms of one ALU operation. */
#define ALU(name, base, undef, lock) \
	{ name " Eb,Gb", OP(base), 0, T_MODRM | (lock), undef }, \
	{ name " Ev,Gv", OP(base + 1), 0, T_MODRM | (lock), undef }, \
	{ name " Gb,Eb", OP(base + 2), 0, T_MODRM, undef }, \
	{ name " Gv,Ev", OP(base + 3), 0, T_MODRM, undef }, \
	{ name " AL,Ib", OP(base + 4), '1', 0, undef }, \
	{ name " rAX,Iz", OP(base + 5), 'z', 0, undef }

#define SHIFTS		(T_MODRM & ~T_REG(6))

const struct insn_template insn_templates[] = {
	ALU("add", 0x00, 0, T_LOCK), ALU("or", 0x08, U_AF, T_LOCK),
	ALU("adc", 0x10, 0, T_LOCK), ALU("sbb", 0x18, 0, T_LOCK),
	ALU("and", 0x20, U_AF, T_LOCK), ALU("sub", 0x28, 0, T_LOCK),
	ALU("xor", 0x30, U_AF, T_LOCK), ALU("cmp", 0x38, 0, 0),
	{ "daa", OP(0x27), 0, T_NO64, LODGE_RFLAGS_OF },
	{ "das", OP(0x2f), 0, T_NO64, LODGE_RFLAGS_OF },
	{ "aaa", OP(0x37), 0, T_NO64, U_ALL & ~(U_AF | LODGE_RFLAGS_CF) },
	{ "aas", OP(0x3f), 0, T_NO64, U_ALL & ~(U_AF | LODGE_RFLAGS_CF) },
	{ "aam", OP(0xd4), '1', T_NO64,
	  LODGE_RFLAGS_OF | U_AF | LODGE_RFLAGS_CF },
	{ "aad", OP(0xd5), '1', T_NO64,
	  LODGE_RFLAGS_OF | U_AF | LODGE_RFLAGS_CF },
	{ "inc/dec r", OP(0x40), 0, T_NO64 | T_VARY16, 0 },
	{ "push r", OP(0x50), 0, T_VARY8, 0 },
	{ "pop r", OP(0x58), 0, T_VARY8, 0 },
	{ "pusha", OP(0x60), 0, T_NO64, 0 },
	{ "popa", OP(0x61), 0, T_NO64, 0 },
	{ "movsxd", OP(0x63), 0, T_MODRM | T_ONLY64 | T_NO66, 0 },
	{ "push Iz", OP(0x68), 'z', 0, 0 },
	{ "imul Gv,Ev,Iz", OP(0x69), 'z', T_MODRM, U_MUL },
	{ "push Ib", OP(0x6a), '1', 0, 0 },
	{ "imul Gv,Ev,Ib", OP(0x6b), '1', T_MODRM, U_MUL },
	{ "jcc Jb", OP(0x70), '1', T_VARY16 | T_BRANCH | T_NO66, 0 },
	{ "group 1 Eb,Ib", OP(0x80), '1', T_MODRM, U_AF },
	{ "group 1 Ev,Iz", OP(0x81), 'z', T_MODRM, U_AF },
	{ "group 1 Eb,Ib", OP(0x82), '1', T_MODRM | T_NO64, U_AF },
	{ "group 1 Ev,Ib", OP(0x83), '1', T_MODRM, U_AF },
	{ "group 1 locked", OP(0x83), '1',
	  T_LOCK | (T_MODRM & ~T_REG(7)), U_AF },
	{ "test Eb,Gb", OP(0x84), 0, T_MODRM, U_AF },
	{ "test Ev,Gv", OP(0x85), 0, T_MODRM, U_AF },
	{ "xchg Eb,Gb", OP(0x86), 0, T_MODRM | T_LOCK, 0 },
	{ "xchg Ev,Gv", OP(0x87), 0, T_MODRM | T_LOCK, 0 },
	{ "mov Eb,Gb", OP(0x88), 0, T_MODRM, 0 },
	{ "mov Ev,Gv", OP(0x89), 0, T_MODRM, 0 },
	{ "mov Gb,Eb", OP(0x8a), 0, T_MODRM, 0 },
	{ "mov Gv,Ev", OP(0x8b), 0, T_MODRM, 0 },
	{ "lea", OP(0x8d), 0, T_MODRM | T_MEM | T_NOADDR, 0 },
	{ "pop Ev", OP(0x8f), 0, T_REG(0), 0 },
	{ "xchg r,rAX", OP(0x90), 0, T_VARY8, 0 },
	{ "cbw", OP(0x98), 0, 0, 0 }, { "cwd", OP(0x99), 0, 0, 0 },
	{ "sahf", OP(0x9e), 0, 0, 0 }, { "lahf", OP(0x9f), 0, 0, 0 },
	{ "mov AL,Ob", OP(0xa0), 'a', 0, 0 },
	{ "mov rAX,Ov", OP(0xa1), 'a', 0, 0 },
	{ "mov Ob,AL", OP(0xa2), 'a', 0, 0 },
	{ "mov Ov,rAX", OP(0xa3), 'a', 0, 0 },
	{ "movs/cmps", OP(0xa4), 0, T_STRING, 0 },
	{ "movsv", OP(0xa5), 0, T_STRING, 0 },
	{ "cmpsb", OP(0xa6), 0, T_STRING, 0 },
	{ "cmpsv", OP(0xa7), 0, T_STRING, 0 },
	{ "test AL,Ib", OP(0xa8), '1', 0, U_AF },
	{ "test rAX,Iz", OP(0xa9), 'z', 0, U_AF },
	{ "stosb", OP(0xaa), 0, T_STRING, 0 },
	{ "stosv", OP(0xab), 0, T_STRING, 0 },
	{ "lodsb", OP(0xac), 0, T_STRING, 0 },
	{ "lodsv", OP(0xad), 0, T_STRING, 0 },
	{ "scasb", OP(0xae), 0, T_STRING, 0 },
	{ "scasv", OP(0xaf), 0, T_STRING, 0 },
	{ "mov r,Ib", OP(0xb0), '1', T_VARY8, 0 },
	{ "mov r,Iv", OP(0xb8), 'v', T_VARY8, 0 },
	{ "group 2 Eb,Ib", OP(0xc0), '1', SHIFTS, U_SHIFT },
	{ "group 2 Ev,Ib", OP(0xc1), '1', SHIFTS, U_SHIFT },
	{ "ret Iw", OP(0xc2), '2', T_RETURN | T_NO66, 0 },
	{ "ret", OP(0xc3), 0, T_RETURN | T_NO66, 0 },
	{ "mov Eb,Ib", OP(0xc6), '1', T_REG(0), 0 },
	{ "mov Ev,Iz", OP(0xc7), 'z', T_REG(0), 0 },
	{ "enter", OP(0xc8), 'e', T_FRAME, 0 },
	{ "leave", OP(0xc9), 0, T_FRAME, 0 },
	{ "group 2 Eb,1", OP(0xd0), 0, SHIFTS, U_SHIFT },
	{ "group 2 Ev,1", OP(0xd1), 0, SHIFTS, U_SHIFT },
	{ "group 2 Eb,CL", OP(0xd2), 0, SHIFTS, U_SHIFT },
	{ "group 2 Ev,CL", OP(0xd3), 0, SHIFTS, U_SHIFT },
	{ "salc", OP(0xd6), 0, T_NO64, 0 },
	{ "xlat", OP(0xd7), 0, T_XLAT, 0 },
	{ "loopne", OP(0xe0), '1', T_BRANCH | T_NO66, 0 },
	{ "loope", OP(0xe1), '1', T_BRANCH | T_NO66, 0 },
	{ "loop", OP(0xe2), '1', T_BRANCH | T_NO66, 0 },
	{ "jcxz", OP(0xe3), '1', T_BRANCH | T_NO66, 0 },
	{ "call", OP(0xe8), 'j', T_BRANCH | T_NO66, 0 },
	{ "jmp Jz", OP(0xe9), 'j', T_BRANCH | T_NO66, 0 },
	{ "jmp Jb", OP(0xeb), '1', T_BRANCH | T_NO66, 0 },
	{ "cmc", OP(0xf5), 0, 0, 0 }, { "clc", OP(0xf8), 0, 0, 0 },
	{ "stc", OP(0xf9), 0, 0, 0 }, { "cld", OP(0xfc), 0, 0, 0 },
	{ "std", OP(0xfd), 0, 0, 0 },
	{ "test Eb,Ib", OP(0xf6), '1', T_REG(0) | T_REG(1), U_AF },
	{ "test Ev,Iz", OP(0xf7), 'z', T_REG(0) | T_REG(1), U_AF },
	{ "not/neg Eb", OP(0xf6), 0, T_REG(2) | T_REG(3) | T_LOCK, 0 },
	{ "not/neg Ev", OP(0xf7), 0, T_REG(2) | T_REG(3) | T_LOCK, 0 },
	{ "mul Eb", OP(0xf6), 0, T_REG(4) | T_REG(5), U_MUL },
	{ "mul Ev", OP(0xf7), 0, T_REG(4) | T_REG(5), U_MUL },
	{ "div Eb", OP(0xf6), 0, T_REG(6) | T_REG(7), U_ALL },
	{ "div Ev", OP(0xf7), 0, T_REG(6) | T_REG(7), U_ALL },
	{ "inc/dec Eb", OP(0xfe), 0, T_REG(0) | T_REG(1) | T_LOCK, 0 },
	{ "inc/dec Ev", OP(0xff), 0, T_REG(0) | T_REG(1) | T_LOCK, 0 },
	{ "call/jmp Ev", OP(0xff), 0,
	  T_REG(2) | T_REG(4) | T_TARGET | T_NO66, 0 },
	{ "push Ev", OP(0xff), 0, T_REG(6), 0 },

	{ "push ES", OP(0x06), 0, T_SEG, 0 },
	{ "pop ES", OP(0x07), 0, T_SEG | T_RETURN, 0 },
	{ "pop DS", OP(0x1f), 0, T_SEG | T_RETURN, 0 },
	{ "push DS, CS", OP(0x1e), 0, T_SEG, 0 },
	{ "mov from Sw", OP(0x8c), 0,
	  T_SEG | T_REG(0) | T_REG(1) | T_REG(2) | T_REG(3), 0 },
	{ "mov to Sw", OP(0x8e), 0,
	  T_SEG | T_REG(0) | T_REG(3) | T_TARGET, 0 },
	{ "les", OP(0xc4), 0, T_SEG | T_MODRM | T_MEM | T_TARGET, 0 },
	{ "lds", OP(0xc5), 0, T_SEG | T_MODRM | T_MEM | T_TARGET, 0 },
	{ "call far", OP(0x9a), 'f', T_SEG | T_NO66, 0 },
	{ "jmp far", OP(0xea), 'f', T_SEG | T_NO66, 0 },
	{ "ret far", OP(0xcb), 0, T_SEG | T_RETURN | T_NO66, 0 },
	{ "ret far Iw", OP(0xca), '2', T_SEG | T_RETURN | T_NO66, 0 },
	{ "call/jmp far Ev", OP(0xff), 0,
	  T_SEG | T_REG(3) | T_REG(5) | T_MEM | T_TARGET | T_NO66, 0 },
	{ "iret", OP(0xcf), 0, T_SEG | T_RETURN | T_NO66, 0 },

	{ "prefetchw, nop", OP(0x0f, 0x1f), 0, T_MODRM | T_NOADDR, 0 },
	{ "cmovcc", OP(0x0f, 0x40), 0, T_MODRM | T_VARY16, 0 },
	{ "jcc Jz", OP(0x0f, 0x80), 'j', T_VARY16 | T_BRANCH | T_NO66, 0 },
	{ "setcc", OP(0x0f, 0x90), 0, T_MODRM | T_VARY16, 0 },
	{ "bt", OP(0x0f, 0xa3), 0, T_MODRM | T_BITOFF, U_BT },
	{ "bts", OP(0x0f, 0xab), 0, T_MODRM | T_BITOFF | T_LOCK, U_BT },
	{ "btr", OP(0x0f, 0xb3), 0, T_MODRM | T_BITOFF | T_LOCK, U_BT },
	{ "btc", OP(0x0f, 0xbb), 0, T_MODRM | T_BITOFF | T_LOCK, U_BT },
	{ "bt Ib", OP(0x0f, 0xba), '1', T_REG(4), U_BT },
	{ "group 8", OP(0x0f, 0xba), '1',
	  T_REG(5) | T_REG(6) | T_REG(7) | T_LOCK, U_BT },
	{ "shld Ib", OP(0x0f, 0xa4), '1', T_MODRM, U_DOUBLE },
	{ "shld CL", OP(0x0f, 0xa5), 0, T_MODRM, U_DOUBLE },
	{ "shrd Ib", OP(0x0f, 0xac), '1', T_MODRM, U_DOUBLE },
	{ "shrd CL", OP(0x0f, 0xad), 0, T_MODRM, U_DOUBLE },
	{ "imul Gv,Ev", OP(0x0f, 0xaf), 0, T_MODRM, U_MUL },
	{ "cmpxchg Eb,Gb", OP(0x0f, 0xb0), 0, T_MODRM | T_LOCK, 0 },
	{ "cmpxchg Ev,Gv", OP(0x0f, 0xb1), 0, T_MODRM | T_LOCK, 0 },
	{ "movzx Gv,Eb", OP(0x0f, 0xb6), 0, T_MODRM, 0 },
	{ "movzx Gv,Ew", OP(0x0f, 0xb7), 0, T_MODRM, 0 },
	{ "bsf", OP(0x0f, 0xbc), 0, T_MODRM, U_ALL & ~LODGE_RFLAGS_ZF },
	{ "bsr", OP(0x0f, 0xbd), 0, T_MODRM, U_ALL & ~LODGE_RFLAGS_ZF },
	{ "tzcnt", OP(0xf3, 0x0f, 0xbc), 0, T_MODRM | T_LEGACY, U_BT,
	  NEEDS_BMI1 },
	{ "lzcnt", OP(0xf3, 0x0f, 0xbd), 0, T_MODRM | T_LEGACY, U_BT,
	  NEEDS_LZCNT },
	{ "popcnt", OP(0xf3, 0x0f, 0xb8), 0, T_MODRM | T_LEGACY, 0,
	  NEEDS_POPCNT },
	{ "movsx Gv,Eb", OP(0x0f, 0xbe), 0, T_MODRM, 0 },
	{ "movsx Gv,Ew", OP(0x0f, 0xbf), 0, T_MODRM, 0 },
	{ "xadd Eb,Gb", OP(0x0f, 0xc0), 0, T_MODRM | T_LOCK, 0 },
	{ "xadd Ev,Gv", OP(0x0f, 0xc1), 0, T_MODRM | T_LOCK, 0 },
	{ "movnti", OP(0x0f, 0xc3), 0, T_MODRM | T_MEM, 0 },
	{ "cmpxchg8b", OP(0x0f, 0xc7), 0, T_REG(1) | T_MEM | T_LOCK, 0 },
	{ "bswap", OP(0x0f, 0xc8), 0, T_VARY8 | T_NO66, 0 },
	{ "movbe load", OP(0x0f, 0x38, 0xf0), 0, T_MODRM | T_MEM, 0,
	  NEEDS_MOVBE },
	{ "movbe store", OP(0x0f, 0x38, 0xf1), 0, T_MODRM | T_MEM, 0,
	  NEEDS_MOVBE },

#define SSE(name, ...)	{ name, OP(__VA_ARGS__), 0, T_MODRM | T_LEGACY, 0 }
#define SSEM(name, ...)	{ name, OP(__VA_ARGS__), 0, \
			  T_MODRM | T_LEGACY | T_MEM, 0 }
	SSE("movups", 0x0f, 0x10), SSE("movups", 0x0f, 0x11),
	SSE("movupd", 0x66, 0x0f, 0x10), SSE("movupd", 0x66, 0x0f, 0x11),
	SSE("movss", 0xf3, 0x0f, 0x10), SSE("movss", 0xf3, 0x0f, 0x11),
	SSE("movsd", 0xf2, 0x0f, 0x10), SSE("movsd", 0xf2, 0x0f, 0x11),
	SSEM("movlps", 0x0f, 0x12), SSEM("movlps", 0x0f, 0x13),
	SSEM("movhps", 0x0f, 0x16), SSEM("movhps", 0x0f, 0x17),
	SSEM("movhpd", 0x66, 0x0f, 0x16), SSEM("movlpd", 0x66, 0x0f, 0x13),
	SSE("movaps", 0x0f, 0x28), SSE("movaps", 0x0f, 0x29),
	SSE("movapd", 0x66, 0x0f, 0x28), SSE("movapd", 0x66, 0x0f, 0x29),
	SSEM("movntps", 0x0f, 0x2b), SSEM("movntpd", 0x66, 0x0f, 0x2b),
	SSE("movd load", 0x66, 0x0f, 0x6e), SSE("movd", 0x66, 0x0f, 0x7e),
	SSE("movdqa", 0x66, 0x0f, 0x6f), SSE("movdqa", 0x66, 0x0f, 0x7f),
	SSE("movdqu", 0xf3, 0x0f, 0x6f), SSE("movdqu", 0xf3, 0x0f, 0x7f),
	SSE("movq load", 0xf3, 0x0f, 0x7e), SSE("movq", 0x66, 0x0f, 0xd6),
	SSEM("movntdq", 0x66, 0x0f, 0xe7),
	{ "lddqu", OP(0xf2, 0x0f, 0xf0), 0, T_MODRM | T_LEGACY | T_MEM, 0,
	  NEEDS_SSE3 },
	{ "movntdqa", OP(0x66, 0x0f, 0x38, 0x2a), 0,
	  T_MODRM | T_LEGACY | T_MEM, 0, NEEDS_SSE41 },
};

const unsigned int insn_template_nr = ARRAY_SIZE(insn_templates);

bool insn_template_runs(const struct insn_template *t)
{
	static unsigned int c1, b7, cx1, probed;
	unsigned int a, b, d;

	if (!probed++) {
		__get_cpuid(1, &a, &b, &c1, &d);
		__get_cpuid_count(7, 0, &a, &b7, &b, &d);
		__get_cpuid(0x80000001, &a, &b, &cx1, &d);
	}
	switch (t->needs) {
	case NEEDS_LZCNT:
		return cx1 & BIT(5);
	case NEEDS_BMI1:
		return b7 & BIT(3);
	case NEEDS_POPCNT:
		return c1 & BIT(23);
	case NEEDS_MOVBE:
		return c1 & BIT(22);
	case NEEDS_SSE3:
		return c1 & BIT(0);
	case NEEDS_SSE41:
		return c1 & BIT(19);
	}
	return true;
}
