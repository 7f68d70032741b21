// SPDX-License-Identifier: GPL-2.0
/*
 * PUSH, POP and the instructions made of several of them.
 *
 * Called from execute.c through the opcode tables. Next: branch.c.
 */
#include "internal.h"

int lodge_op_push(struct lodge_emul *e)
{
	return lodge_push(e, e->src, e->size);
}

/* An address in terms of RSP is computed with RSP already moved. */
int lodge_op_pop(struct lodge_emul *e)
{
	int rc = lodge_pop(e, &e->dst, e->size);

	if (rm_is_mem(e))
		e->ea = lodge_effective_address(e);
	return rc;
}

int lodge_op_pusha(struct lodge_emul *e)
{
	u64 rsp = lodge_reg_read(e, LODGE_RSP, e->size);
	unsigned int i;
	int rc;

	for (i = LODGE_RAX; i <= LODGE_RDI; i++) {
		rc = lodge_push(e, i == LODGE_RSP ? rsp :
				lodge_reg_read(e, i, e->size), e->size);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	return LODGE_EMUL_OK;
}

int lodge_op_popa(struct lodge_emul *e)
{
	unsigned int i = LODGE_RDI + 1;
	u64 val;
	int rc;

	while (i--) {
		rc = lodge_pop(e, &val, e->size);
		if (rc != LODGE_EMUL_OK)
			return rc;
		if (i != LODGE_RSP)
			lodge_reg_write(e, i, val, e->size);
	}
	return LODGE_EMUL_OK;
}

/* The new frame holds pointers to @level - 1 frames around it. */
static int enter_display(struct lodge_emul *e, unsigned int level, u64 frame)
{
	unsigned int width = lodge_stack_size(e);
	u64 rbp = lodge_emul_gpr(e, LODGE_RBP), val;
	int rc;

	while (--level) {
		rbp -= e->size;
		val = 0;
		rc = lodge_mem_read(e, LODGE_SS, rbp & size_mask(width), &val,
				    e->size, 0);
		if (rc == LODGE_EMUL_OK)
			rc = lodge_push(e, val, e->size);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	return lodge_push(e, frame, e->size);
}

int lodge_op_enter(struct lodge_emul *e)
{
	unsigned int width = lodge_stack_size(e);
	unsigned int level = e->insn.imm2 & 31;
	u64 frame, rsp;
	gva_t probe;
	int rc;

	rc = lodge_push(e, lodge_reg_read(e, LODGE_RBP, e->size), e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	frame = lodge_emul_gpr(e, LODGE_RSP);
	if (level) {
		rc = enter_display(e, level, frame & size_mask(e->size));
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	rsp = lodge_emul_gpr(e, LODGE_RSP) - e->insn.imm;
	/* The frame's end must be writable, though nothing is written. */
	rc = lodge_mem_linear(e, LODGE_SS, rsp & size_mask(width), e->size,
			      LODGE_ACCESS_WRITE, &probe);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_linear_probe(e, probe, e->size, LODGE_ACCESS_WRITE);
	if (rc != LODGE_EMUL_OK)
		return rc;
	lodge_reg_write(e, LODGE_RSP, rsp, width);
	lodge_reg_write(e, LODGE_RBP, frame, min_t(unsigned int, e->size,
						   width));
	return LODGE_EMUL_OK;
}

int lodge_op_leave(struct lodge_emul *e)
{
	unsigned int width = lodge_stack_size(e);
	u64 val;
	int rc;

	lodge_reg_write(e, LODGE_RSP, lodge_emul_gpr(e, LODGE_RBP), width);
	rc = lodge_pop(e, &val, e->size);
	if (rc == LODGE_EMUL_OK)
		lodge_reg_write(e, LODGE_RBP, val, e->size);
	return rc;
}

/* With 32 or 64 bits the upper bytes are zero. */
int lodge_op_push_sreg(struct lodge_emul *e)
{
	return lodge_push(e, seg_now(e, e->insn.op->aux)->sel, e->size);
}

int lodge_op_pop_sreg(struct lodge_emul *e)
{
	unsigned int nr = e->insn.op->aux;
	u64 val;
	int rc;

	rc = lodge_pop(e, &val, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (nr == LODGE_SS)
		e->shadow = LODGE_SHADOW_MOVSS;
	return lodge_seg_load(e, nr, val);
}

/* In virtual-8086 mode with IOPL below 3, VME lends IF from VIF. */
int lodge_op_pushf(struct lodge_emul *e)
{
	u64 flags = e->rflags & ~(LODGE_RFLAGS_VM | LODGE_RFLAGS_RF);

	if (e->insn.mode == LODGE_MODE_V86 && iopl(e) < 3) {
		if (e->size != 2 || !(e->regs->cr4 & LODGE_CR4_VME))
			return raise_gp0(e);
		flags |= LODGE_RFLAGS_IOPL;
		flags &= ~LODGE_RFLAGS_IF;
		if (e->rflags & LODGE_RFLAGS_VIF)
			flags |= LODGE_RFLAGS_IF;
	}
	return lodge_push(e, flags, e->size);
}

static int popf_vme(struct lodge_emul *e, u64 val)
{
	u64 mask = FLAGS_ARITH | LODGE_RFLAGS_TF | LODGE_RFLAGS_DF |
		   LODGE_RFLAGS_NT;

	if (e->size != 2 || !(e->regs->cr4 & LODGE_CR4_VME) ||
	    (val & LODGE_RFLAGS_TF) ||
	    ((val & LODGE_RFLAGS_IF) && (e->rflags & LODGE_RFLAGS_VIP)))
		return raise_gp0(e);
	e->rflags = (e->rflags & ~(mask | LODGE_RFLAGS_VIF)) | (val & mask);
	if (val & LODGE_RFLAGS_IF)
		e->rflags |= LODGE_RFLAGS_VIF;
	return LODGE_EMUL_OK;
}

int lodge_op_popf(struct lodge_emul *e)
{
	u64 mask = FLAGS_ARITH | LODGE_RFLAGS_TF | LODGE_RFLAGS_DF |
		   LODGE_RFLAGS_NT;
	u64 val;
	int rc;

	rc = lodge_pop(e, &val, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (e->insn.mode == LODGE_MODE_V86 && iopl(e) < 3)
		return popf_vme(e, val);
	if (e->size > 2)
		mask |= LODGE_RFLAGS_AC | LODGE_RFLAGS_ID;
	if (cpl(e) == 0)
		mask |= LODGE_RFLAGS_IOPL;
	if (cpl(e) <= iopl(e))
		mask |= LODGE_RFLAGS_IF;
	e->rflags = (e->rflags & ~mask) | (val & mask);
	return LODGE_EMUL_OK;
}
