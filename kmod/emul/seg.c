// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that move selectors: MOV to and from segment registers, LDS
 * and its kin.
 *
 * Called from execute.c through the opcode tables. Next: far.c.
 */
#include "internal.h"

/* To memory always two bytes, to a register as many as it has. */
int lodge_op_mov_from_sreg(struct lodge_emul *e)
{
	unsigned int nr = (e->insn.modrm >> 3) & 7;
	u64 sel;

	if (nr > LODGE_GS)
		return raise_ud(e);
	sel = seg_now(e, nr)->sel;
	if (rm_is_mem(e))
		return lodge_mem_write(e, e->insn.seg, e->ea, &sel, 2, NULL);
	lodge_reg_write(e, e->insn.rm, sel, e->size);
	return LODGE_EMUL_OK;
}

int lodge_op_mov_to_sreg(struct lodge_emul *e)
{
	unsigned int nr = (e->insn.modrm >> 3) & 7;

	if (nr > LODGE_GS || nr == LODGE_CS)
		return raise_ud(e);
	if (nr == LODGE_SS)
		e->shadow = LODGE_SHADOW_MOVSS;
	return lodge_seg_load(e, nr, e->src);
}

/* LES, LDS, LSS, LFS, LGS: offset and selector from memory. */
int lodge_op_lxs(struct lodge_emul *e)
{
	struct lodge_insn *in = &e->insn;
	u64 off = 0, sel = 0;
	int rc;

	rc = lodge_mem_read(e, in->seg, e->ea, &off, e->size, 0);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_mem_read(e, in->seg,
				    lodge_adsize_mask(e, e->ea + e->size),
				    &sel, 2, 0);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_seg_load(e, in->op->aux, sel);
	if (rc == LODGE_EMUL_OK)
		lodge_reg_write(e, in->reg, off, e->size);
	return rc;
}
