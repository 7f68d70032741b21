// SPDX-License-Identifier: GPL-2.0
/*
 * Moves between memory and XMM registers. No arithmetic: nobody computes
 * on a device's registers with SSE, but memcpy() moves them.
 *
 * Called from execute.c through the opcode tables. Next: tests/unit/emul/.
 */
#include "internal.h"

/* May SSE be used now, and is what we need of the caller there? */
static int check_sse(struct lodge_emul *e)
{
	if ((e->regs->cr0 & LODGE_CR0_EM) ||
	    !(e->regs->cr4 & LODGE_CR4_OSFXSR))
		return raise_ud(e);
	if (e->regs->cr0 & LODGE_CR0_TS)
		return lodge_emul_raise(e, LODGE_NM);
	if (!e->ops->xmm_read || !e->ops->xmm_write)
		return LODGE_EMUL_UNHANDLED;
	return LODGE_EMUL_OK;
}

/* The prefix that selects the instruction: 0, 66, F2 or F3. */
static u8 mandatory_prefix(const struct lodge_emul *e)
{
	if (e->insn.rep)
		return e->insn.rep;
	return e->insn.opsize_prefix ? 0x66 : 0;
}

static int load(struct lodge_emul *e, void *data, unsigned int len,
		bool aligned)
{
	if (aligned && lodge_mem_misaligned(e, len))
		return raise_gp0(e);
	return lodge_mem_read(e, e->insn.seg, e->ea, data, len, 0);
}

static int store(struct lodge_emul *e, const void *data, unsigned int len,
		 bool aligned)
{
	if (aligned && lodge_mem_misaligned(e, len))
		return raise_gp0(e);
	return lodge_mem_write(e, e->insn.seg, e->ea, data, len, NULL);
}

/*
 * Loads of less than 16 bytes clear the rest of the register; between
 * registers MOVSS and MOVSD keep it.
 */
static int move(struct lodge_emul *e, unsigned int len, bool aligned)
{
	bool to_rm = e->insn.op->aux;
	u8 data[16] = {};
	unsigned int from = e->insn.rm, to = e->insn.reg;
	int rc;

	if (rm_is_mem(e)) {
		if (!to_rm) {
			rc = load(e, data, len, aligned);
			if (rc != LODGE_EMUL_OK)
				return rc;
			return e->ops->xmm_write(e, to, data);
		}
		rc = e->ops->xmm_read(e, to, data);
		if (rc != LODGE_EMUL_OK)
			return rc;
		return store(e, data, len, aligned);
	}
	if (to_rm) {
		from = e->insn.reg;
		to = e->insn.rm;
	}
	rc = e->ops->xmm_read(e, from, e->buf);
	if (rc == LODGE_EMUL_OK)
		rc = e->ops->xmm_read(e, to, data);
	if (rc != LODGE_EMUL_OK)
		return rc;
	memcpy(data, e->buf, len);
	return e->ops->xmm_write(e, to, data);
}

/* The full-register moves, MOVSS and MOVSD. */
static const struct {
	u8 opcode;
	u8 prefix;
	u8 len;
	bool aligned;
	bool mem_only;
} moves[] = {
	{ 0x10, 0, 16, false, false }, { 0x10, 0x66, 16, false, false },
	{ 0x10, 0xf3, 4, false, false }, { 0x10, 0xf2, 8, false, false },
	{ 0x28, 0, 16, true, false }, { 0x28, 0x66, 16, true, false },
	{ 0x2b, 0, 16, true, true }, { 0x2b, 0x66, 16, true, true },
	{ 0x2b, 0xf3, 4, false, true }, { 0x2b, 0xf2, 8, false, true },
	{ 0x6f, 0x66, 16, true, false }, { 0x6f, 0xf3, 16, false, false },
	{ 0xe7, 0x66, 16, true, true },
};

int lodge_op_sse_mov(struct lodge_emul *e)
{
	u8 opcode = e->insn.opcode, prefix = mandatory_prefix(e);
	unsigned int i;
	int rc;

	/* Stores have the opcode of the load, and a bit more. */
	if (opcode == 0x11 || opcode == 0x29)
		opcode--;
	else if (opcode == 0x7f)
		opcode = 0x6f;
	for (i = 0; i < ARRAY_SIZE(moves); i++)
		if (moves[i].opcode == opcode && moves[i].prefix == prefix)
			break;
	if (i == ARRAY_SIZE(moves))
		return LODGE_EMUL_UNHANDLED;	/* MMX */
	rc = check_sse(e);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (moves[i].mem_only && !rm_is_mem(e))
		return raise_ud(e);
	return move(e, moves[i].len, moves[i].aligned);
}

int lodge_op_sse_lddqu(struct lodge_emul *e)
{
	int rc;

	if (mandatory_prefix(e) != 0xf2)
		return raise_ud(e);
	rc = check_sse(e);
	return rc == LODGE_EMUL_OK ? move(e, 16, false) : rc;
}

int lodge_op_sse_movntdqa(struct lodge_emul *e)
{
	int rc;

	if (mandatory_prefix(e) != 0x66)
		return raise_ud(e);
	rc = check_sse(e);
	return rc == LODGE_EMUL_OK ? move(e, 16, true) : rc;
}

/* To or from a general register or 4 or 8 bytes of memory. */
static int move_general(struct lodge_emul *e, unsigned int len, bool to_rm)
{
	u8 data[16] = {};
	u64 val = 0;
	int rc;

	if (to_rm) {
		rc = e->ops->xmm_read(e, e->insn.reg, data);
		if (rc != LODGE_EMUL_OK)
			return rc;
		memcpy(&val, data, len);
		if (rm_is_mem(e))
			return store(e, &val, len, false);
		lodge_reg_write(e, e->insn.rm, val, len);
		return LODGE_EMUL_OK;
	}
	if (rm_is_mem(e)) {
		rc = load(e, data, len, false);
		if (rc != LODGE_EMUL_OK)
			return rc;
	} else {
		val = lodge_reg_read(e, e->insn.rm, len);
		memcpy(data, &val, len);
	}
	return e->ops->xmm_write(e, e->insn.reg, data);
}

/* 0F 6E: MOVD and, with REX.W, MOVQ. */
int lodge_op_sse_movd(struct lodge_emul *e)
{
	int rc;

	if (mandatory_prefix(e) != 0x66)
		return LODGE_EMUL_UNHANDLED;
	rc = check_sse(e);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return move_general(e, e->insn.rex & 8 ? 8 : 4, false);
}

/* The low 8 bytes between two registers; the high ones become zero. */
static int move_low(struct lodge_emul *e, unsigned int to, unsigned int from)
{
	u8 data[16];
	int rc;

	rc = e->ops->xmm_read(e, from, data);
	if (rc != LODGE_EMUL_OK)
		return rc;
	memset(data + 8, 0, 8);
	return e->ops->xmm_write(e, to, data);
}

/* 0F 7E: MOVD store with 66, MOVQ load with F3. 0F D6: MOVQ store. */
int lodge_op_sse_movq(struct lodge_emul *e)
{
	u8 prefix = mandatory_prefix(e);
	bool is_d6 = e->insn.op->aux;
	int rc;

	if (prefix != 0x66 && (is_d6 || prefix != 0xf3))
		return LODGE_EMUL_UNHANDLED;
	rc = check_sse(e);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (prefix == 0x66 && !is_d6)
		return move_general(e, e->insn.rex & 8 ? 8 : 4, true);
	if (rm_is_mem(e))
		return move_general(e, 8, is_d6);
	if (is_d6)
		return move_low(e, e->insn.rm, e->insn.reg);
	return move_low(e, e->insn.reg, e->insn.rm);
}

/* MOVLPS, MOVLPD, MOVHPS, MOVHPD: half a register, the rest stays. */
int lodge_op_sse_half(struct lodge_emul *e)
{
	unsigned int high = e->insn.opcode >= 0x16 ? 8 : 0;
	u8 data[16];
	int rc;

	if (e->insn.rep)		/* MOVSLDUP, MOVSHDUP, MOVDDUP */
		return LODGE_EMUL_UNHANDLED;
	rc = check_sse(e);
	if (rc == LODGE_EMUL_OK)
		rc = e->ops->xmm_read(e, e->insn.reg, data);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (e->insn.opcode & 1)
		return store(e, data + high, 8, false);
	rc = load(e, data + high, 8, false);
	return rc == LODGE_EMUL_OK ?
		e->ops->xmm_write(e, e->insn.reg, data) : rc;
}
