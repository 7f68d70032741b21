// SPDX-License-Identifier: GPL-2.0
/*
 * Running a decoded instruction: rules that hold for many opcodes, operands,
 * the handler, and the commit that makes it all true at once.
 *
 * run.c and exit.c call lodge_emul_execute(). Next: mem.c, then the
 * handlers: data.c, alu.c, string.c and the rest.
 */
#include "internal.h"

void lodge_emul_init(struct lodge_emul *e, struct lodge_regs *regs,
		     const struct lodge_emul_ops *ops, void *ctx)
{
	e->regs = regs;
	e->ops = ops;
	e->ctx = ctx;
	e->log.nr = 0;
	e->log.next = 0;
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
static bool is_high_byte(const struct lodge_emul *e, unsigned int nr,
			 unsigned int size)
{
	return size == 1 && !e->insn.rex && nr >= 4;
}

u64 lodge_reg_read(const struct lodge_emul *e, unsigned int nr,
		   unsigned int size)
{
	if (is_high_byte(e, nr, size))
		return (lodge_emul_gpr(e, nr - 4) >> 8) & 0xff;
	return lodge_emul_gpr(e, nr) & size_mask(size);
}

void lodge_reg_write(struct lodge_emul *e, unsigned int nr, u64 val,
		     unsigned int size)
{
	u64 mask = size_mask(size);
	u64 old;

	if (size >= 4) {
		lodge_emul_set_gpr(e, nr, val & mask);
		return;
	}
	if (is_high_byte(e, nr, size)) {
		nr -= 4;
		mask <<= 8;
		val <<= 8;
	}
	old = lodge_emul_gpr(e, nr);
	lodge_emul_set_gpr(e, nr, (old & ~mask) | (val & mask));
}

/* A near transfer: @rip is what the instruction computed, uncut. */
int lodge_rip_set(struct lodge_emul *e, u64 rip)
{
	if (long64(e)) {
		if (e->insn.opsize == 2)
			rip = (u16)rip;
		if (!lodge_canonical(e, rip))
			return raise_gp0(e);
	} else {
		rip &= size_mask(e->insn.opsize);
		if (rip > seg_now(e, LODGE_CS)->limit)
			return raise_gp0(e);
	}
	e->rip = rip;
	return LODGE_EMUL_OK;
}

u64 lodge_adsize_mask(const struct lodge_emul *e, u64 off)
{
	return off & size_mask(e->insn.adsize);
}

u64 lodge_effective_address(const struct lodge_emul *e)
{
	const struct lodge_insn *in = &e->insn;
	u64 ea = in->disp;

	if (in->base != LODGE_INSN_NOREG)
		ea += lodge_emul_gpr(e, in->base);
	if (in->index != LODGE_INSN_NOREG)
		ea += lodge_emul_gpr(e, in->index) << in->scale;
	if (in->riprel)
		ea += e->start_rip + in->len;
	return lodge_adsize_mask(e, ea);
}

static int operand_read(struct lodge_emul *e, unsigned int where, u64 *val,
			bool rmw)
{
	struct lodge_insn *in = &e->insn;
	unsigned int size = e->size;

	switch (where) {
	case O_REG:
		*val = lodge_reg_read(e, in->reg, size);
		return LODGE_EMUL_OK;
	case O_OPREG:
		*val = lodge_reg_read(e, (in->opcode & 7) |
				      ((in->rex & 1) << 3), size);
		return LODGE_EMUL_OK;
	case O_ACC:
		*val = lodge_reg_read(e, LODGE_RAX, size);
		return LODGE_EMUL_OK;
	case O_IMM:
		*val = in->imm & size_mask(size);
		return LODGE_EMUL_OK;
	case O_ONE:
		*val = 1;
		return LODGE_EMUL_OK;
	case O_CL:
		*val = lodge_emul_gpr(e, LODGE_RCX) & 0xff;
		return LODGE_EMUL_OK;
	case O_RM8:
		size = 1;
		break;
	case O_RM16:
		size = 2;
		break;
	case O_RM32:
		size = 4;
		break;
	}
	if (where != O_MOFFS && !rm_is_mem(e)) {
		*val = lodge_reg_read(e, in->rm, size);
		return LODGE_EMUL_OK;
	}
	*val = 0;
	return lodge_mem_read(e, in->seg, e->ea, val, size,
			      rmw ? LODGE_ACCESS_WRITE : 0);
}

static int operand_write(struct lodge_emul *e)
{
	struct lodge_insn *in = &e->insn;
	bool atomic = in->lock || (in->attr & A_ATOMIC);

	switch (in->dst) {
	case O_REG:
		lodge_reg_write(e, in->reg, e->dst, e->size);
		return LODGE_EMUL_OK;
	case O_OPREG:
		lodge_reg_write(e, (in->opcode & 7) | ((in->rex & 1) << 3),
				e->dst, e->size);
		return LODGE_EMUL_OK;
	case O_ACC:
		lodge_reg_write(e, LODGE_RAX, e->dst, e->size);
		return LODGE_EMUL_OK;
	case O_RM:
		if (rm_is_mem(e))
			break;
		lodge_reg_write(e, in->rm, e->dst, e->size);
		return LODGE_EMUL_OK;
	}
	return lodge_mem_write(e, in->seg, e->ea, &e->dst, e->size,
			       atomic ? &e->dst_old : NULL);
}

/* Opcodes with none of these, and no LOCK, break no rule. */
#define A_RULES		(A_UD | A_NO64 | A_PROT | A_MEM | A_REG | A_PRIV)

/* Rules that the opcode's attributes state. */
static int check_rules(struct lodge_emul *e)
{
	const struct lodge_insn *in = &e->insn;
	u32 attr = in->attr;

	if (!in->op->exec && !(attr & A_UD))
		return LODGE_EMUL_UNHANDLED;
	if ((attr & A_UD) || ((attr & A_NO64) && long64(e)) ||
	    ((attr & A_PROT) && !protmode(e)) ||
	    ((attr & A_MEM) && !rm_is_mem(e)) ||
	    ((attr & A_REG) && rm_is_mem(e)))
		return raise_ud(e);
	if (in->lock && (!(attr & A_LOCK) ||
			 (!rm_is_mem(e) && !(attr & A_CRDR))))
		return raise_ud(e);
	if ((attr & A_PRIV) && cpl(e))
		return raise_gp0(e);
	return LODGE_EMUL_OK;
}

/* One execution, or one iteration of a REP: nothing committed yet. */
static int execute_once(struct lodge_emul *e)
{
	const struct lodge_insn *in = &e->insn;
	u32 attr = in->attr;
	int rc;

	e->pending = 0;
	e->log.next = 0;
	e->rflags = e->regs->rflags;
	e->rip = e->start_rip + in->len;
	if (!long64(e))
		e->rip = (u32)e->rip;
	e->size = attr & A_BYTE ? 1 : in->opsize;

	if (in->mod != 3 || (attr & A_IMM_MASK) == A_MOFFS)
		e->ea = lodge_effective_address(e);
	if (in->src) {
		rc = operand_read(e, in->src, &e->src, false);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	if (in->dst && !(attr & A_NOREAD)) {
		rc = operand_read(e, in->dst, &e->dst, !(attr & A_NOWRITE));
		if (rc != LODGE_EMUL_OK)
			return rc;
		e->dst_old = e->dst;
	}
	rc = in->op->exec(e);
	if (rc == LODGE_EMUL_OK && in->dst && !(attr & A_NOWRITE) &&
	    !e->skip_write)
		rc = operand_write(e);
	return rc;
}

/* Make the instruction's changes the guest's. */
static void commit(struct lodge_emul *e)
{
	struct lodge_regs *r = e->regs;
	unsigned int i, dirty;

	for (dirty = e->gpr_dirty; dirty; dirty &= dirty - 1) {
		i = __builtin_ctz(dirty);
		r->gpr[i] = e->gpr[i];
	}
	if (unlikely(e->seg_dirty)) {
		for (i = 0; i < LODGE_SEG_NR; i++)
			if (e->seg_dirty & BIT(i))
				r->seg[i] = e->seg[i];
		e->changed |= LODGE_R_SEGS;
	}
	e->log.nr = 0;
	e->log.next = 0;
}

/* The instruction is over: what only its end changes. */
static void finish(struct lodge_emul *e)
{
	struct lodge_regs *r = e->regs;

	e->trap_db = (r->rflags & LODGE_RFLAGS_TF) &&
		     !(e->shadow & LODGE_SHADOW_MOVSS);
	if (!e->replace_rf)
		e->rflags &= ~LODGE_RFLAGS_RF;
	r->rflags = e->rflags;
	r->rip = e->rip;
	if (r->shadow != e->shadow || e->nmi_unblock)
		e->changed |= LODGE_R_SHADOW;
	r->shadow = e->shadow;
	if (e->nmi_unblock)
		r->nmi_blocked = 0;
}

/* Has a REP done all its work, RCX and flags being those of @e? */
static bool rep_finished(struct lodge_emul *e)
{
	u64 count = lodge_adsize_mask(e, e->regs->gpr[LODGE_RCX]);
	bool zf = e->rflags & LODGE_RFLAGS_ZF;

	if (!count)
		return true;
	if (!(e->insn.attr & A_REPCC))
		return false;
	return zf != (e->insn.rep == 0xf3);
}

/*
 * Each iteration is committed: after any of them an interrupt may be taken
 * or an access found to be user space's, with RIP still on the instruction.
 */
static int execute_rep(struct lodge_emul *e)
{
	struct lodge_regs *r = e->regs;
	unsigned int n;
	u64 count;
	int rc;

	count = lodge_adsize_mask(e, r->gpr[LODGE_RCX]);
	if (!count) {
		e->rip = e->start_rip + e->insn.len;
		if (!long64(e))
			e->rip = (u32)e->rip;
		e->rflags = r->rflags;
		e->pending = 0;
		finish(e);
		return LODGE_EMUL_OK;
	}
	for (n = 0; n < LODGE_EMUL_REP_MAX; n++) {
		rc = execute_once(e);
		if (rc != LODGE_EMUL_OK)
			return rc;
		lodge_reg_write(e, LODGE_RCX, --count, e->insn.adsize);
		commit(e);
		if (rep_finished(e)) {
			finish(e);
			return LODGE_EMUL_OK;
		}
		r->rflags = e->rflags;
		r->shadow = 0;
		e->changed |= LODGE_R_SHADOW;
		if (r->rflags & LODGE_RFLAGS_TF) {
			e->trap_db = true;
			break;
		}
	}
	e->again = true;
	return LODGE_EMUL_OK;
}

#define NOT_QUICK	(-1)

/*
 * What nearly every access to a device is made with: MOV or MOVZX between
 * memory and a register, or a number to memory, in 64-bit mode with flat
 * segments, where hardware has found that there is no memory. All that is left
 * to do is the access; for what is not as plain as that, NOT_QUICK.
 */
static int quick_mov(struct lodge_emul *e)
{
	const struct lodge_insn *in = &e->insn;
	unsigned int size = in->attr & A_BYTE ? 1 : in->opsize, len = size;
	bool write = in->dst == O_RM;
	struct lodge_regs *r = e->regs;
	u64 v = 0;
	int rc;

	e->pending = 0;
	if (((lodge_effective_address(e) ^ e->hint_gpa) & 4095) ||
	    write != e->hint_write || (r->rflags & LODGE_RFLAGS_TF))
		return NOT_QUICK;
	if (in->src == O_RM8)
		len = 1;
	else if (in->src == O_RM16)
		len = 2;
	if ((e->hint_gpa & 4095) + len > 4096)
		return NOT_QUICK;
	if (write)
		v = in->src == O_IMM ? in->imm :
				       lodge_reg_read(e, in->reg, size);
	/* Alone, it need not be logged: nothing can come after it. */
	e->log.next = 0;
	if (e->log.nr)
		rc = lodge_io_log(e, LODGE_IO_MMIO, e->hint_gpa, &v, len, write);
	else
		rc = lodge_io_do(e, LODGE_IO_MMIO, e->hint_gpa, &v, len, write);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (!write) {
		lodge_reg_write(e, in->reg, v, size);
		commit(e);
	}
	e->log.nr = 0;
	r->rip += in->len;
	r->rflags &= ~LODGE_RFLAGS_RF;
	if (unlikely(r->shadow)) {
		r->shadow = 0;
		e->changed |= LODGE_R_SHADOW;
	}
	return LODGE_EMUL_OK;
}

enum lodge_emul_result lodge_emul_execute(struct lodge_emul *e)
{
	int rc;

	e->changed = 0;
	e->again = false;
	e->trap_db = false;
	if (e->regs->rip != e->start_rip) {
		e->log.nr = 0;
		return LODGE_EMUL_RETRY;
	}
	if (e->hint && e->insn.quick) {
		rc = quick_mov(e);
		if (rc != NOT_QUICK)
			return rc;
	}
	if ((e->insn.attr & A_RULES) || e->insn.lock || !e->insn.op->exec) {
		rc = check_rules(e);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	if (e->insn.rep && (e->insn.attr & A_STRING))
		return execute_rep(e);
	rc = execute_once(e);
	if (rc == LODGE_EMUL_OK) {
		commit(e);
		finish(e);
	}
	return rc;
}
