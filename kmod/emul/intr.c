// SPDX-License-Identifier: GPL-2.0
/*
 * Software interrupts and the return from them.
 *
 * In real mode they are done here. In the other modes the caller injects
 * what e->fault says, and hardware goes through the IDT.
 *
 * Called from execute.c through the opcode tables. Next: descriptor.c.
 */
#include "internal.h"

/* Through the interrupt vector table. */
static int real_mode_interrupt(struct lodge_emul *e, u8 vector)
{
	u16 entry[2];
	int rc;

	if (vector * 4 + 3 > e->regs->idt.limit)
		return lodge_emul_raise_code(e, LODGE_GP, vector * 8 + 2);
	rc = lodge_linear_read(e, e->regs->idt.base + vector * 4, entry,
			       sizeof(entry), LODGE_ACCESS_IMPLICIT);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_push(e, e->rflags & 0xffff, 2);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_push(e, seg_now(e, LODGE_CS)->sel, 2);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_push(e, e->rip & 0xffff, 2);
	if (rc != LODGE_EMUL_OK)
		return rc;
	e->rflags &= ~(LODGE_RFLAGS_IF | LODGE_RFLAGS_TF | LODGE_RFLAGS_AC);
	e->rip = entry[0];
	return lodge_seg_load(e, LODGE_CS, entry[1]);
}

static int software_interrupt(struct lodge_emul *e, u8 vector,
			      enum lodge_fault_kind kind)
{
	if (e->insn.mode == LODGE_MODE_REAL)
		return real_mode_interrupt(e, vector);
	lodge_emul_raise(e, vector);
	e->fault.kind = kind;
	return LODGE_EMUL_FAULT;
}

int lodge_op_int3(struct lodge_emul *e)
{
	return software_interrupt(e, LODGE_BP, LODGE_FAULT_SOFT_EXC);
}

int lodge_op_into(struct lodge_emul *e)
{
	if (!(e->rflags & LODGE_RFLAGS_OF))
		return LODGE_EMUL_OK;
	return software_interrupt(e, LODGE_OF, LODGE_FAULT_SOFT_EXC);
}

int lodge_op_int1(struct lodge_emul *e)
{
	return software_interrupt(e, LODGE_DB, LODGE_FAULT_PRIV_EXC);
}

/* In virtual-8086 mode IOPL guards INT n, unless VME redirects it. */
int lodge_op_int(struct lodge_emul *e)
{
	if (e->insn.mode == LODGE_MODE_V86 && iopl(e) < 3 &&
	    !(e->regs->cr4 & LODGE_CR4_VME))
		return raise_gp0(e);
	return software_interrupt(e, e->insn.imm, LODGE_FAULT_SOFT_INT);
}

int lodge_op_bound(struct lodge_emul *e)
{
	s64 index = sign_extend_size(e->src, e->size);
	u64 lower = 0, upper = 0;
	int rc;

	rc = lodge_mem_read(e, e->insn.seg, e->ea, &lower, e->size, 0);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_mem_read(e, e->insn.seg,
				    lodge_adsize_mask(e, e->ea + e->size),
				    &upper, e->size, 0);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (index < (s64)sign_extend_size(lower, e->size) ||
	    index > (s64)sign_extend_size(upper, e->size))
		return lodge_emul_raise(e, LODGE_BR);
	return LODGE_EMUL_OK;
}

/* Real mode, and virtual-8086 mode with IOPL 3: no privilege changes. */
static int iret_real(struct lodge_emul *e)
{
	u64 rip, cs, flags, mask;
	int rc;

	rc = lodge_pop(e, &rip, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &cs, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &flags, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	mask = FLAGS_ARITH | LODGE_RFLAGS_TF | LODGE_RFLAGS_IF |
	       LODGE_RFLAGS_DF | LODGE_RFLAGS_NT;
	if (e->insn.mode == LODGE_MODE_REAL)
		mask |= LODGE_RFLAGS_IOPL;
	if (e->size > 2)
		mask |= LODGE_RFLAGS_RF | LODGE_RFLAGS_AC | LODGE_RFLAGS_ID;
	e->rflags = (e->rflags & ~mask) | (flags & mask);
	rc = lodge_seg_load(e, LODGE_CS, cs);
	return rc == LODGE_EMUL_OK ? lodge_rip_set(e, rip) : rc;
}

/* Virtual-8086 mode with VME and IOPL below 3: IF is VIF. */
static int iret_vme(struct lodge_emul *e)
{
	u64 mask = FLAGS_ARITH | LODGE_RFLAGS_TF | LODGE_RFLAGS_DF |
		   LODGE_RFLAGS_NT | LODGE_RFLAGS_VIF;
	u64 rip, cs, flags;
	int rc;

	if (e->size != 2 || !(e->regs->cr4 & LODGE_CR4_VME))
		return raise_gp0(e);
	rc = lodge_pop(e, &rip, 2);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &cs, 2);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_pop(e, &flags, 2);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if ((flags & LODGE_RFLAGS_TF) ||
	    ((flags & LODGE_RFLAGS_IF) && (e->rflags & LODGE_RFLAGS_VIP)))
		return raise_gp0(e);
	if (flags & LODGE_RFLAGS_IF)
		flags |= LODGE_RFLAGS_VIF;
	e->rflags = (e->rflags & ~mask) | (flags & mask);
	rc = lodge_seg_load(e, LODGE_CS, cs);
	return rc == LODGE_EMUL_OK ? lodge_rip_set(e, rip) : rc;
}

int lodge_op_iret(struct lodge_emul *e)
{
	int rc;

	if (e->insn.mode == LODGE_MODE_V86 && iopl(e) < 3)
		rc = iret_vme(e);
	else if (!protmode(e))
		rc = iret_real(e);
	else
		rc = lodge_far_return(e, true, 0);
	e->replace_rf = true;
	e->nmi_unblock = rc == LODGE_EMUL_OK;
	return rc;
}
