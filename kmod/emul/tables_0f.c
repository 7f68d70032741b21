// SPDX-License-Identifier: GPL-2.0
/*
 * The two-byte opcodes, 0F xx, and what there is of 0F 38 xx and 0F 3A xx.
 * Columns as in tables.c.
 *
 * decode.c looks opcodes up here. Next: execute.c.
 */
#include "tables.h"

#define S(at, what)	F(system, (at), 0, 0, LODGE_SYS_##what)

static const struct lodge_opcode group6[8] = {
	F(sldt, 0, 0, 0, 0), F(str, 0, 0, 0, 0),
	F(lldt, A_PRIV, 0, O_RM16, 0), F(ltr, A_PRIV, 0, O_RM16, 0),
	X(0), X(0), UD, UD,		/* VERR, VERW */
};

static const struct lodge_opcode group7[16] = {
	F(sgdt, A_F64, 0, 0, 0), F(sidt, A_F64, 0, 0, 0),
	F(lgdt, A_F64 | A_PRIV, 0, 0, 0), F(lidt, A_F64 | A_PRIV, 0, 0, 0),
	F(smsw, 0, 0, 0, 0), X(0),
	F(lmsw, A_PRIV, 0, O_RM16, 0), F(invlpg, A_PRIV, 0, 0, 0),
	/* mod 3 */
	F(grp7_reg, 0, 0, 0, 0), F(grp7_reg, 0, 0, 0, 0),
	F(grp7_reg, 0, 0, 0, 0), F(grp7_reg, 0, 0, 0, 0),
	F(smsw, 0, 0, 0, 0), F(grp7_reg, 0, 0, 0, 0),
	F(lmsw, A_PRIV, 0, O_RM16, 0), F(grp7_reg, 0, 0, 0, 0),
};

static const struct lodge_opcode group8[8] = {
	UD, UD, UD, UD,
	F(bt, A_NOWRITE, 0, 0, 0), F(bt, A_LOCK, 0, 0, 1),
	F(bt, A_LOCK, 0, 0, 2), F(bt, A_LOCK, 0, 0, 3),
};

static const struct lodge_opcode group9[16] = {
	UD, F(cmpxchg8b, A_LOCK, 0, 0, 0), UD, X(0),
	X(0), X(0), S(A_PRIV, VMX_SVM), S(A_PRIV, VMX_SVM),
	UD, UD, UD, UD, UD, UD, X(0), X(0),	/* RDRAND, RDSEED */
};

static const struct lodge_opcode group15[16] = {
	X(0), X(0), X(0), X(0), X(0), X(0),
	F(clflush, 0, 0, 0, 0), F(clflush, 0, 0, 0, 0),
	X(0), X(0), X(0), X(0), UD,
	F(nop, 0, 0, 0, 0), F(nop, 0, 0, 0, 0), F(nop, 0, 0, 0, 0),
};

#define NOP_MODRM	F(nop, A_MODRM, 0, 0, 0)
#define SSE_MOV		F(sse_mov, A_MODRM | A_ONE, 0, 0, 0)
#define SSE_STORE	F(sse_mov, A_MODRM | A_ONE, 0, 0, 1)
#define SSE_HALF	F(sse_half, A_MODRM | A_ONE | A_MEM, 0, 0, 0)
#define M		X(A_MODRM)
#define MI		X(A_MODRM | A_IMM8)

const struct lodge_opcode lodge_opcodes_two[256] = {
	/* 00 */
	G(group6, A_PROT, 0, 0),
	{ { .group = group7 }, A_MODRM | A_GROUP16, 0, 0, 0 },
	M, M, UD, X(0),			/* LAR, LSL, -, SYSCALL */
	F(clts, A_PRIV, 0, 0, 0), X(0),	/* -, SYSRET */
	S(A_PRIV, INVD), S(A_PRIV, WBINVD), UD, UD,
	UD, NOP_MODRM, X(0), MI,	/* -, PREFETCH, FEMMS, 3DNow */
	/* 10 */
	SSE_MOV, SSE_STORE,
	SSE_HALF, SSE_HALF, M, M, SSE_HALF, SSE_HALF,
	REP8(NOP_MODRM),
	/* 20 */
	F(mov_cr, A_MODRM | A_CRDR | A_PRIV | A_LOCK, 0, 0, 0),
	F(mov_dr, A_MODRM | A_CRDR | A_PRIV, 0, 0, 0),
	F(mov_cr, A_MODRM | A_CRDR | A_PRIV | A_LOCK, 0, 0, 1),
	F(mov_dr, A_MODRM | A_CRDR | A_PRIV, 0, 0, 1),
	UD, UD, UD, UD,
	SSE_MOV, SSE_STORE, M, SSE_STORE, M, M, M, M,
	/* 30 */
	F(wrmsr, A_PRIV, 0, 0, 0), S(0, RDTSC), F(rdmsr, A_PRIV, 0, 0, 0),
	S(0, RDPMC), X(0), X(0), UD, X(0),	/* SYSENTER/EXIT, GETSEC */
	X(0), UD, X(0), UD, UD, UD, UD, UD,	/* 0F 38, 0F 3A */
	/* 40 */
	REP8(F(cmovcc, A_MODRM | A_ONE, O_REG, O_RM, 0)),
	REP8(F(cmovcc, A_MODRM | A_ONE, O_REG, O_RM, 0)),
	/* 50 */
	REP8(M), REP8(M),
	/* 60 */
	REP8(M), M, M, M, M, M, M,
	F(sse_movd, A_MODRM | A_ONE, 0, 0, 0), SSE_MOV,
	/* 70 */
	MI, MI, MI, MI, M, M, M, X(0),
	M, M, UD, UD, M, M, F(sse_movq, A_MODRM | A_ONE, 0, 0, 0), SSE_STORE,
	/* 80 */
	REP8(F(jcc, A_F64 | A_IMMZ, 0, O_IMM, 0)),
	REP8(F(jcc, A_F64 | A_IMMZ, 0, O_IMM, 0)),
	/* 90 */
	REP8(F(setcc, A_MODRM | A_ONE | A_BYTE | A_NOREAD, O_RM, 0, 0)),
	REP8(F(setcc, A_MODRM | A_ONE | A_BYTE | A_NOREAD, O_RM, 0, 0)),
	/* A0 */
	F(push_sreg, A_D64, 0, 0, LODGE_FS),
	F(pop_sreg, A_D64, 0, 0, LODGE_FS),
	S(0, CPUID),
	F(bt, A_MODRM | A_NOWRITE, O_NONE, O_REG, 0),
	F(shld, A_MODRM | A_IMM8, O_RM, O_REG, 0),
	F(shld, A_MODRM, O_RM, O_REG, 1),
	UD, UD,
	F(push_sreg, A_D64, 0, 0, LODGE_GS),
	F(pop_sreg, A_D64, 0, 0, LODGE_GS),
	S(0, RSM),
	F(bt, A_MODRM | A_LOCK, O_NONE, O_REG, 1),
	F(shrd, A_MODRM | A_IMM8, O_RM, O_REG, 0),
	F(shrd, A_MODRM, O_RM, O_REG, 1),
	{ { .group = group15 }, A_MODRM | A_GROUP16, 0, 0, 0 },
	F(imul2, A_MODRM | A_ONE, O_REG, O_RM, 0),
	/* B0 */
	F(cmpxchg, A_MODRM | A_ONE | A_BYTE | A_LOCK, O_RM, O_REG, 0),
	F(cmpxchg, A_MODRM | A_ONE | A_LOCK, O_RM, O_REG, 0),
	F(lxs, A_MODRM | A_MEM, 0, 0, LODGE_SS),
	F(bt, A_MODRM | A_LOCK, O_NONE, O_REG, 2),
	F(lxs, A_MODRM | A_MEM, 0, 0, LODGE_FS),
	F(lxs, A_MODRM | A_MEM, 0, 0, LODGE_GS),
	F(mov, A_MODRM | A_ONE | A_NOREAD, O_REG, O_RM8, 0),
	F(mov, A_MODRM | A_ONE | A_NOREAD, O_REG, O_RM16, 0),
	F(popcnt, A_MODRM | A_ONE | A_NOREAD, O_REG, O_RM, 0), X(A_MODRM | A_UD),
	G(group8, A_ONE | A_IMM8, O_NONE, O_IMM),
	F(bt, A_MODRM | A_LOCK, O_NONE, O_REG, 3),
	F(bsf, A_MODRM, O_REG, O_RM, 0),
	F(bsr, A_MODRM, O_REG, O_RM, 0),
	F(movsx, A_MODRM | A_ONE | A_NOREAD, O_REG, O_RM8, 1),
	F(movsx, A_MODRM | A_ONE | A_NOREAD, O_REG, O_RM16, 2),
	/* C0 */
	F(xadd, A_MODRM | A_ONE | A_BYTE | A_LOCK, O_RM, O_REG, 0),
	F(xadd, A_MODRM | A_ONE | A_LOCK, O_RM, O_REG, 0),
	MI,
	F(movnti, A_MODRM | A_ONE | A_MEM, 0, 0, 0),
	MI, MI, MI,
	{ { .group = group9 }, A_MODRM | A_GROUP16, 0, 0, 0 },
	REP8(F(bswap, 0, O_OPREG, 0, 0)),
	/* D0 */
	M, M, M, M, M, M, F(sse_movq, A_MODRM | A_ONE, 0, 0, 1), M,
	REP8(M),
	/* E0 */
	M, M, M, M, M, M, M, SSE_STORE,
	REP8(M),
	/* F0 */
	F(sse_lddqu, A_MODRM | A_MEM, 0, 0, 0), M, M, M, M, M, M, M,
	M, M, M, M, M, M, M, X(A_MODRM | A_UD),
};

const struct lodge_opcode lodge_opcode_0f3a_none = MI;
const struct lodge_opcode lodge_opcode_vex = X(0);

/* In 0F 38 everything has ModRM and nothing more. */
const struct lodge_opcode *lodge_opcode_0f38(u8 opcode)
{
	static const struct lodge_opcode none = M;
	static const struct lodge_opcode movntdqa =
		F(sse_movntdqa, A_MODRM | A_MEM, 0, 0, 0);
	static const struct lodge_opcode vmx_inv =
		S(A_MODRM | A_MEM | A_PRIV | A_F64, VMX_SVM);
	static const struct lodge_opcode invpcid =
		F(invpcid, A_MODRM | A_MEM | A_PRIV | A_F64, 0, 0, 0);
	static const struct lodge_opcode movbe_load =
		F(movbe, A_MODRM, 0, 0, 0);
	static const struct lodge_opcode movbe_store =
		F(movbe, A_MODRM, 0, 0, 1);

	switch (opcode) {
	case 0x2a:
		return &movntdqa;
	case 0x80:		/* INVEPT, INVVPID */
	case 0x81:
		return &vmx_inv;
	case 0x82:
		return &invpcid;
	case 0xf0:
		return &movbe_load;
	case 0xf1:
		return &movbe_store;
	}
	return &none;
}
