// SPDX-License-Identifier: GPL-2.0
/*
 * Far transfers: JMP, CALL, RET and IRET between code segments. Call gates
 * and task switches are not done here.
 *
 * Called from execute.c through the opcode tables. Next: task.c.
 */
#include "descriptor.h"

/* The offset must lie in the segment it is for, not in the present one. */
static int set_far_rip(struct lodge_emul *e, const struct lodge_seg *cs,
		       u64 rip)
{
	bool to_long = (e->regs->efer & LODGE_EFER_LMA) &&
		       (cs->ar & LODGE_AR_L);

	rip &= size_mask(e->size);
	if (to_long ? !lodge_canonical(e, rip) : rip > cs->limit)
		return raise_gp0(e);
	e->rip = rip;
	return LODGE_EMUL_OK;
}

static int push_return(struct lodge_emul *e)
{
	int rc = lodge_push(e, seg_now(e, LODGE_CS)->sel, e->size);

	return rc == LODGE_EMUL_OK ? lodge_push(e, e->rip, e->size) : rc;
}

/**
 * lodge_far_transfer() - JMP or CALL to another segment
 * @e: emulator
 * @sel: selector
 * @off: offset
 * @call: push where to come back to
 *
 * Return: enum lodge_emul_result.
 */
int lodge_far_transfer(struct lodge_emul *e, u16 sel, u64 off, bool call)
{
	unsigned int level = cpl(e);
	struct lodge_desc d;
	struct lodge_seg cs;
	int rc;

	if (protmode(e)) {
		if (!(sel & ~3))
			return raise_gp0(e);
		rc = lodge_desc_read(e, sel, &d);
		if (rc == LODGE_EMUL_OK)
			rc = lodge_desc_check_cs(e, &d, level, false);
		if (rc != LODGE_EMUL_OK)
			return rc;
		lodge_desc_to_seg(&d, &cs);
		cs.sel = (sel & ~3) | level;
	}
	if (call) {
		rc = push_return(e);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	if (!protmode(e)) {
		rc = lodge_seg_load(e, LODGE_CS, sel);
		if (rc != LODGE_EMUL_OK)
			return rc;
		return set_far_rip(e, &e->seg[LODGE_CS], off);
	}
	e->seg[LODGE_CS] = cs;
	e->seg_dirty |= BIT(LODGE_CS);
	return set_far_rip(e, &cs, off);
}

/* Outer privilege: data segments of the inner one must not stay. */
static void drop_inner_segments(struct lodge_emul *e, unsigned int level)
{
	static const u8 data[] = { LODGE_ES, LODGE_DS, LODGE_FS, LODGE_GS };
	const struct lodge_seg *s;
	unsigned int i, type;

	for (i = 0; i < ARRAY_SIZE(data); i++) {
		s = seg_now(e, data[i]);
		type = FIELD_GET(LODGE_AR_TYPE, s->ar);
		if ((s->ar & LODGE_AR_UNUSABLE) || (type & 0xc) == 0xc ||
		    FIELD_GET(LODGE_AR_DPL, s->ar) >= level)
			continue;
		e->seg[data[i]] = (struct lodge_seg){
			.ar = LODGE_AR_UNUSABLE,
		};
		e->seg_dirty |= BIT(data[i]);
	}
}

/* SS and RSP of the code returned to; @to_long: it is 64-bit code. */
static int return_stack(struct lodge_emul *e, unsigned int level,
			bool to_long, unsigned int pop)
{
	struct lodge_desc d;
	struct lodge_seg ss;
	u64 rsp, sel;
	int rc;

	rc = lodge_pop(e, &rsp, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &sel, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	sel &= 0xffff;
	if (!(sel & ~3)) {
		if (!to_long || level == 3 || (sel & 3) != level)
			return raise_gp0(e);
		ss = (struct lodge_seg){
			.sel = sel, .ar = LODGE_AR_UNUSABLE |
				FIELD_PREP(LODGE_AR_DPL, (u32)level),
		};
	} else {
		rc = lodge_desc_read(e, sel, &d);
		if (rc == LODGE_EMUL_OK)
			rc = lodge_desc_check_ss(e, &d, level);
		if (rc != LODGE_EMUL_OK)
			return rc;
		lodge_desc_to_seg(&d, &ss);
	}
	e->seg[LODGE_SS] = ss;
	e->seg_dirty |= BIT(LODGE_SS);
	rsp += pop;
	if (to_long || (ss.ar & LODGE_AR_DB))
		lodge_reg_write(e, LODGE_RSP, rsp, to_long ? 8 : 4);
	else
		lodge_reg_write(e, LODGE_RSP, rsp, 2);
	return LODGE_EMUL_OK;
}

static int return_flags(struct lodge_emul *e, u64 flags)
{
	u64 mask = FLAGS_ARITH | LODGE_RFLAGS_TF | LODGE_RFLAGS_DF |
		   LODGE_RFLAGS_NT;

	if (e->size > 2)
		mask |= LODGE_RFLAGS_RF | LODGE_RFLAGS_AC | LODGE_RFLAGS_ID;
	if (cpl(e) <= iopl(e))
		mask |= LODGE_RFLAGS_IF;
	if (cpl(e) == 0) {
		mask |= LODGE_RFLAGS_IOPL;
		if (e->size > 2)
			mask |= LODGE_RFLAGS_VIF | LODGE_RFLAGS_VIP;
	}
	e->rflags = (e->rflags & ~mask) | (flags & mask);
	return LODGE_EMUL_OK;
}

/* Check and take CS; *level becomes the CPL it runs with. */
static int return_cs(struct lodge_emul *e, u16 sel, struct lodge_seg *cs,
		     unsigned int *level)
{
	struct lodge_desc d;
	int rc;

	if (!(sel & ~3))
		return raise_gp0(e);
	*level = sel & 3;
	if (*level < cpl(e))
		return lodge_raise_sel(e, LODGE_GP, sel);
	rc = lodge_desc_read(e, sel, &d);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_desc_check_cs(e, &d, *level, true);
	if (rc == LODGE_EMUL_OK)
		lodge_desc_to_seg(&d, cs);
	return rc;
}

/* The stack holds ESP and five selectors more, and all of the flags count. */
static int return_to_v86(struct lodge_emul *e, u64 rip, u16 cs, u64 flags)
{
	static const u8 order[] = {
		LODGE_SS, LODGE_ES, LODGE_DS, LODGE_FS, LODGE_GS,
	};
	u64 esp, sel[ARRAY_SIZE(order)];
	unsigned int i;
	int rc;

	rc = lodge_pop(e, &esp, 4);
	for (i = 0; i < ARRAY_SIZE(order) && rc == LODGE_EMUL_OK; i++)
		rc = lodge_pop(e, &sel[i], 4);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (rip > 0xffff)
		return raise_gp0(e);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		e->seg[order[i]] = lodge_seg_v86(sel[i]);
	e->seg[LODGE_CS] = lodge_seg_v86(cs);
	e->seg_dirty |= GENMASK(LODGE_GS, LODGE_ES);
	lodge_reg_write(e, LODGE_RSP, esp, 4);
	e->rflags = (flags & FLAGS_DEFINED) | LODGE_RFLAGS_1;
	e->rip = rip;
	return LODGE_EMUL_OK;
}

/**
 * lodge_far_return() - RET far or IRET in protected mode
 * @e: emulator
 * @iret: IRET: pops RFLAGS, and in 64-bit mode always the stack
 * @pop: bytes of parameters that RET drops, from both stacks
 *
 * Return: enum lodge_emul_result.
 */
int lodge_far_return(struct lodge_emul *e, bool iret, unsigned int pop)
{
	bool to_long, lma = e->regs->efer & LODGE_EFER_LMA;
	u64 rip, sel, flags = 0;
	unsigned int level;
	struct lodge_seg cs;
	int rc;

	if (iret && (e->rflags & LODGE_RFLAGS_NT))
		return lma ? raise_gp0(e) : LODGE_EMUL_UNHANDLED;
	rc = lodge_pop(e, &rip, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &sel, e->size);
	if (rc == LODGE_EMUL_OK && iret)
		rc = lodge_pop(e, &flags, e->size);
	if (rc == LODGE_EMUL_OK && (flags & LODGE_RFLAGS_VM) && e->size > 2 &&
	    !lma && !cpl(e))
		return return_to_v86(e, rip, sel, flags);
	if (rc == LODGE_EMUL_OK)
		rc = return_cs(e, sel, &cs, &level);
	if (rc != LODGE_EMUL_OK)
		return rc;
	to_long = lma && (cs.ar & LODGE_AR_L);
	lodge_reg_write(e, LODGE_RSP, lodge_emul_gpr(e, LODGE_RSP) + pop,
			lodge_stack_size(e));
	if (level != cpl(e) || (iret && long64(e))) {
		rc = return_stack(e, level, to_long, pop);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	if (level != cpl(e))
		drop_inner_segments(e, level);
	e->seg[LODGE_CS] = cs;
	e->seg_dirty |= BIT(LODGE_CS);
	if (iret)
		return_flags(e, flags);
	return set_far_rip(e, &cs, rip);
}

int lodge_op_jmp_far(struct lodge_emul *e)
{
	return lodge_far_transfer(e, e->insn.imm2, e->insn.imm, false);
}

int lodge_op_call_far(struct lodge_emul *e)
{
	return lodge_far_transfer(e, e->insn.imm2, e->insn.imm, true);
}

static int far_indirect(struct lodge_emul *e, bool call)
{
	u64 off = 0, sel = 0;
	int rc;

	rc = lodge_mem_read(e, e->insn.seg, e->ea, &off, e->size, 0);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_mem_read(e, e->insn.seg,
				    lodge_adsize_mask(e, e->ea + e->size),
				    &sel, 2, 0);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return lodge_far_transfer(e, sel, off, call);
}

int lodge_op_jmp_far_ind(struct lodge_emul *e)
{
	return far_indirect(e, false);
}

int lodge_op_call_far_ind(struct lodge_emul *e)
{
	return far_indirect(e, true);
}

int lodge_op_ret_far(struct lodge_emul *e)
{
	unsigned int pop = e->insn.opcode == 0xca ? e->insn.imm : 0;
	u64 rip, sel;
	int rc;

	if (protmode(e))
		return lodge_far_return(e, false, pop);
	rc = lodge_pop(e, &rip, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &sel, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_seg_load(e, LODGE_CS, sel);
	if (rc != LODGE_EMUL_OK)
		return rc;
	lodge_reg_write(e, LODGE_RSP, lodge_emul_gpr(e, LODGE_RSP) + pop,
			lodge_stack_size(e));
	return set_far_rip(e, &e->seg[LODGE_CS], rip);
}
