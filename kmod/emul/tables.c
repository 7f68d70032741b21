// SPDX-License-Identifier: GPL-2.0
/*
 * The one-byte opcodes: for each its handler, operands, what follows it and
 * which rules it obeys. In the order of the manuals' opcode map.
 *
 * decode.c looks opcodes up here. Next: tables_0f.c, then execute.c.
 */
#include "tables.h"

/* The six forms of ADD, OR, ADC, SBB, AND, SUB, XOR, CMP; two more follow. */
#define ALU6(x, at, rm_at) \
	F(alu, A_MODRM | A_ONE | A_BYTE | (at) | (rm_at), O_RM, O_REG, x), \
	F(alu, A_MODRM | A_ONE | (at) | (rm_at), O_RM, O_REG, x), \
	F(alu, A_MODRM | A_ONE | A_BYTE | (at), O_REG, O_RM, x), \
	F(alu, A_MODRM | A_ONE | (at), O_REG, O_RM, x), \
	F(alu, A_IMM8 | A_BYTE | (at), O_ACC, O_IMM, x), \
	F(alu, A_IMMZ | (at), O_ACC, O_IMM, x)

static const struct lodge_opcode group1[8] = {
	F(alu, A_LOCK, 0, 0, 0), F(alu, A_LOCK, 0, 0, 1),
	F(alu, A_LOCK, 0, 0, 2), F(alu, A_LOCK, 0, 0, 3),
	F(alu, A_LOCK, 0, 0, 4), F(alu, A_LOCK, 0, 0, 5),
	F(alu, A_LOCK, 0, 0, 6), F(alu, A_NOWRITE, 0, 0, 7),
};

static const struct lodge_opcode group1a[8] = {
	F(pop, A_D64 | A_NOREAD, O_RM, 0, 0), UD, UD, UD, UD, UD, UD, UD,
};

static const struct lodge_opcode group2[8] = {
	F(shift, 0, 0, 0, 0), F(shift, 0, 0, 0, 1),
	F(shift, 0, 0, 0, 2), F(shift, 0, 0, 0, 3),
	F(shift, 0, 0, 0, 4), F(shift, 0, 0, 0, 5),
	F(shift, 0, 0, 0, 4), F(shift, 0, 0, 0, 7),
};

#define GROUP3(imm) { \
	F(test, A_NOWRITE | (imm), O_RM, O_IMM, 0), \
	F(test, A_NOWRITE | (imm), O_RM, O_IMM, 0), \
	F(not, A_LOCK, O_RM, 0, 0), F(neg, A_LOCK, O_RM, 0, 0), \
	F(mul, 0, 0, O_RM, 0), F(imul, 0, 0, O_RM, 0), \
	F(div, 0, 0, O_RM, 0), F(idiv, 0, 0, O_RM, 0), \
}

static const struct lodge_opcode group3b[8] = GROUP3(A_IMM8);
static const struct lodge_opcode group3[8] = GROUP3(A_IMMZ);

static const struct lodge_opcode group4[8] = {
	F(inc, A_LOCK, O_RM, 0, 0), F(dec, A_LOCK, O_RM, 0, 0),
	UD, UD, UD, UD, UD, UD,
};

static const struct lodge_opcode group5[8] = {
	F(inc, A_ONE | A_LOCK, O_RM, 0, 0),
	F(dec, A_ONE | A_LOCK, O_RM, 0, 0),
	F(call_ind, A_F64, 0, O_RM, 0), F(call_far_ind, A_MEM | A_LOGRAM, 0, 0, 0),
	F(jmp_ind, A_F64, 0, O_RM, 0), F(jmp_far_ind, A_MEM, 0, 0, 0),
	F(push, A_D64, 0, O_RM, 0), UD,
};

static const struct lodge_opcode group11[8] = {
	F(mov, A_NOREAD, O_RM, O_IMM, 0), UD, UD, UD, UD, UD, UD, UD,
};

const struct lodge_opcode lodge_opcodes_one[256] = {
	/* 00 */
	ALU6(0, 0, A_LOCK),
	F(push_sreg, A_NO64, 0, 0, LODGE_ES),
	F(pop_sreg, A_NO64, 0, 0, LODGE_ES),
	ALU6(1, 0, A_LOCK),
	F(push_sreg, A_NO64, 0, 0, LODGE_CS),
	X(0),				/* 0F: see tables_0f.c */
	/* 10 */
	ALU6(2, 0, A_LOCK),
	F(push_sreg, A_NO64, 0, 0, LODGE_SS),
	F(pop_sreg, A_NO64, 0, 0, LODGE_SS),
	ALU6(3, 0, A_LOCK),
	F(push_sreg, A_NO64, 0, 0, LODGE_DS),
	F(pop_sreg, A_NO64, 0, 0, LODGE_DS),
	/* 20 */
	ALU6(4, 0, A_LOCK), X(0), F(daa, A_NO64, 0, 0, 0),
	ALU6(5, 0, A_LOCK), X(0), F(das, A_NO64, 0, 0, 0),
	/* 30 */
	ALU6(6, 0, A_LOCK), X(0), F(aaa, A_NO64, 0, 0, 0),
	ALU6(7, A_NOWRITE, 0), X(0), F(aas, A_NO64, 0, 0, 0),
	/* 40: prefixes in 64-bit mode */
	REP8(F(inc, 0, O_OPREG, 0, 0)),
	REP8(F(dec, 0, O_OPREG, 0, 0)),
	/* 50 */
	REP8(F(push, A_D64, 0, O_OPREG, 0)),
	REP8(F(pop, A_D64 | A_NOREAD, O_OPREG, 0, 0)),
	/* 60 */
	F(pusha, A_NO64, 0, 0, 0), F(popa, A_NO64, 0, 0, 0),
	F(bound, A_MODRM | A_NO64 | A_MEM, O_NONE, O_REG, 0),
	F(movsxd, A_MODRM | A_NOREAD, O_REG, 0, 0),	/* or ARPL */
	REP4(X(0)),
	F(push, A_D64 | A_IMMZ, 0, O_IMM, 0),
	F(imul2, A_MODRM | A_IMMZ | A_NOREAD, O_REG, O_RM, 1),
	F(push, A_D64 | A_IMM8, 0, O_IMM, 0),
	F(imul2, A_MODRM | A_IMM8 | A_NOREAD, O_REG, O_RM, 1),
	F(ins, A_STRING | A_BYTE, 0, 0, 0), F(ins, A_STRING, 0, 0, 0),
	F(outs, A_STRING | A_BYTE, 0, 0, 0), F(outs, A_STRING, 0, 0, 0),
	/* 70 */
	REP8(F(jcc, A_F64 | A_IMM8, 0, O_IMM, 0)),
	REP8(F(jcc, A_F64 | A_IMM8, 0, O_IMM, 0)),
	/* 80 */
	G(group1, A_ONE | A_BYTE | A_IMM8, O_RM, O_IMM),
	G(group1, A_ONE | A_IMMZ, O_RM, O_IMM),
	G(group1, A_ONE | A_BYTE | A_IMM8 | A_NO64, O_RM, O_IMM),
	G(group1, A_ONE | A_IMM8, O_RM, O_IMM),
	F(test, A_MODRM | A_ONE | A_BYTE | A_NOWRITE, O_RM, O_REG, 0),
	F(test, A_MODRM | A_ONE | A_NOWRITE, O_RM, O_REG, 0),
	F(xchg, A_MODRM | A_ONE | A_BYTE | A_LOCK | A_ATOMIC, O_RM, O_REG, 0),
	F(xchg, A_MODRM | A_ONE | A_LOCK | A_ATOMIC, O_RM, O_REG, 0),
	F(mov, A_MODRM | A_ONE | A_BYTE | A_NOREAD, O_RM, O_REG, 0),
	F(mov, A_MODRM | A_ONE | A_NOREAD, O_RM, O_REG, 0),
	F(mov, A_MODRM | A_ONE | A_BYTE | A_NOREAD, O_REG, O_RM, 0),
	F(mov, A_MODRM | A_ONE | A_NOREAD, O_REG, O_RM, 0),
	F(mov_from_sreg, A_MODRM, 0, 0, 0),
	F(lea, A_MODRM | A_MEM | A_NOREAD, O_REG, 0, 0),
	F(mov_to_sreg, A_MODRM, 0, O_RM16, 0),
	G(group1a, 0, 0, 0),
	/* 90 */
	F(xchg_acc, 0, O_OPREG, O_ACC, 0),
	F(xchg_acc, 0, O_OPREG, O_ACC, 0),
	F(xchg_acc, 0, O_OPREG, O_ACC, 0),
	F(xchg_acc, 0, O_OPREG, O_ACC, 0),
	REP4(F(xchg_acc, 0, O_OPREG, O_ACC, 0)),
	F(cbw, A_NOREAD, O_ACC, 0, 0), F(cwd, 0, 0, O_ACC, 0),
	F(call_far, A_NO64 | A_FAR | A_LOGRAM, 0, 0, 0),
	X(0),				/* FWAIT */
	F(pushf, A_D64, 0, 0, 0), F(popf, A_D64, 0, 0, 0),
	F(sahf, 0, 0, 0, 0), F(lahf, 0, 0, 0, 0),
	/* A0 */
	F(mov, A_ONE | A_MOFFS | A_BYTE | A_NOREAD, O_ACC, O_MOFFS, 0),
	F(mov, A_ONE | A_MOFFS | A_NOREAD, O_ACC, O_MOFFS, 0),
	F(mov, A_ONE | A_MOFFS | A_BYTE | A_NOREAD, O_MOFFS, O_ACC, 0),
	F(mov, A_ONE | A_MOFFS | A_NOREAD, O_MOFFS, O_ACC, 0),
	F(movs, A_STRING | A_BYTE, 0, 0, 0), F(movs, A_STRING, 0, 0, 0),
	F(cmps, A_STRING | A_REPCC | A_BYTE, 0, 0, 0),
	F(cmps, A_STRING | A_REPCC, 0, 0, 0),
	F(test, A_IMM8 | A_BYTE | A_NOWRITE, O_ACC, O_IMM, 0),
	F(test, A_IMMZ | A_NOWRITE, O_ACC, O_IMM, 0),
	F(stos, A_STRING | A_BYTE, 0, 0, 0), F(stos, A_STRING, 0, 0, 0),
	F(lods, A_STRING | A_BYTE, 0, 0, 0), F(lods, A_STRING, 0, 0, 0),
	F(scas, A_STRING | A_REPCC | A_BYTE, 0, 0, 0),
	F(scas, A_STRING | A_REPCC, 0, 0, 0),
	/* B0 */
	REP8(F(mov, A_IMM8 | A_BYTE | A_NOREAD, O_OPREG, O_IMM, 0)),
	REP8(F(mov, A_IMMV | A_NOREAD, O_OPREG, O_IMM, 0)),
	/* C0 */
	G(group2, A_ONE | A_BYTE | A_IMM8, O_RM, O_IMM),
	G(group2, A_ONE | A_IMM8, O_RM, O_IMM),
	F(ret, A_F64 | A_IMM16, 0, 0, 0), F(ret, A_F64, 0, 0, 0),
	F(lxs, A_MODRM | A_NO64 | A_MEM, 0, 0, LODGE_ES),
	F(lxs, A_MODRM | A_NO64 | A_MEM, 0, 0, LODGE_DS),
	G(group11, A_ONE | A_BYTE | A_IMM8, 0, 0),
	G(group11, A_ONE | A_IMMZ, 0, 0),
	F(enter, A_D64 | A_ENTER | A_LOGRAM, 0, 0, 0), F(leave, A_D64, 0, 0, 0),
	F(ret_far, A_IMM16, 0, 0, 0), F(ret_far, 0, 0, 0, 0),
	F(int3, A_LOGRAM, 0, 0, 0), F(int, A_IMM8 | A_LOGRAM, 0, 0, 0),
	F(into, A_NO64 | A_LOGRAM, 0, 0, 0), F(iret, 0, 0, 0, 0),
	/* D0 */
	G(group2, A_ONE | A_BYTE, O_RM, O_ONE), G(group2, A_ONE, O_RM, O_ONE),
	G(group2, A_ONE | A_BYTE, O_RM, O_CL), G(group2, A_ONE, O_RM, O_CL),
	F(aam, A_NO64 | A_IMM8, 0, 0, 0), F(aad, A_NO64 | A_IMM8, 0, 0, 0),
	F(salc, A_NO64 | A_BYTE | A_NOREAD, O_ACC, 0, 0),
	F(xlat, A_BYTE | A_NOREAD, O_ACC, 0, 0),
	REP8(X(A_MODRM)),		/* x87 */
	/* E0 */
	F(loop, A_F64 | A_IMM8, 0, O_IMM, 0),
	F(loop, A_F64 | A_IMM8, 0, O_IMM, 0),
	F(loop, A_F64 | A_IMM8, 0, O_IMM, 0),
	F(jcxz, A_F64 | A_IMM8, 0, O_IMM, 0),
	F(in, A_IMM8 | A_BYTE, 0, 0, 0), F(in, A_IMM8, 0, 0, 0),
	F(out, A_IMM8 | A_BYTE, 0, 0, 0), F(out, A_IMM8, 0, 0, 0),
	F(call, A_F64 | A_IMMZ, 0, O_IMM, 0),
	F(jmp, A_F64 | A_IMMZ, 0, O_IMM, 0),
	F(jmp_far, A_NO64 | A_FAR, 0, 0, 0),
	F(jmp, A_F64 | A_IMM8, 0, O_IMM, 0),
	F(in_dx, A_BYTE, 0, 0, 0), F(in_dx, 0, 0, 0, 0),
	F(out_dx, A_BYTE, 0, 0, 0), F(out_dx, 0, 0, 0, 0),
	/* F0 */
	X(0), F(int1, A_LOGRAM, 0, 0, 0), X(0), X(0),
	F(system, A_PRIV, 0, 0, LODGE_SYS_HLT),
	F(flag, 0, 0, 0, 0),
	G(group3b, A_ONE | A_BYTE, 0, 0), G(group3, A_ONE, 0, 0),
	F(flag, 0, 0, 0, 0), F(flag, 0, 0, 0, 0),
	F(cli, 0, 0, 0, 0), F(sti, 0, 0, 0, 0),
	F(flag, 0, 0, 0, 0), F(flag, 0, 0, 0, 0),
	G(group4, A_ONE | A_BYTE, 0, 0), G(group5, 0, 0, 0),
};
