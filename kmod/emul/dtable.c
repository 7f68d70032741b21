// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor-table registers: LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT, STR.
 *
 * Called from execute.c through the opcode tables. Next: control.c.
 */
#include "descriptor.h"

/* User-mode instruction prevention. */
static bool umip_forbids(const struct lodge_emul *e)
{
	return cpl(e) && (e->regs->cr4 & LODGE_CR4_UMIP);
}

static int store_table(struct lodge_emul *e, const struct lodge_dtable *t)
{
	unsigned int len = long64(e) ? 8 : 4;
	u8 image[10];

	if (umip_forbids(e))
		return raise_gp0(e);
	memcpy(image, &t->limit, 2);
	memcpy(image + 2, &t->base, len);
	return lodge_mem_write(e, e->insn.seg, e->ea, image, 2 + len, NULL);
}

int lodge_op_sgdt(struct lodge_emul *e)
{
	return store_table(e, &e->regs->gdt);
}

int lodge_op_sidt(struct lodge_emul *e)
{
	return store_table(e, &e->regs->idt);
}

/* With 16-bit operands the base has 24 bits. */
static int load_table(struct lodge_emul *e, struct lodge_dtable *t)
{
	unsigned int len = long64(e) ? 8 : 4;
	u64 base = 0;
	u8 image[10];
	int rc;

	rc = lodge_mem_read(e, e->insn.seg, e->ea, image, 2 + len, 0);
	if (rc != LODGE_EMUL_OK)
		return rc;
	memcpy(&base, image + 2, len);
	if (long64(e) && !lodge_canonical(e, base))
		return raise_gp0(e);
	if (e->insn.opsize == 2)
		base &= 0xffffff;
	t->base = base;
	memcpy(&t->limit, image, 2);
	e->changed |= LODGE_R_DTABLES;
	return LODGE_EMUL_OK;
}

int lodge_op_lgdt(struct lodge_emul *e)
{
	return load_table(e, &e->regs->gdt);
}

int lodge_op_lidt(struct lodge_emul *e)
{
	return load_table(e, &e->regs->idt);
}

static int store_selector(struct lodge_emul *e, u16 sel)
{
	if (umip_forbids(e))
		return raise_gp0(e);
	if (rm_is_mem(e))
		return lodge_mem_write(e, e->insn.seg, e->ea, &sel, 2, NULL);
	lodge_reg_write(e, e->insn.rm, sel, e->size);
	return LODGE_EMUL_OK;
}

int lodge_op_sldt(struct lodge_emul *e)
{
	return store_selector(e, e->regs->seg[LODGE_LDTR].sel);
}

int lodge_op_str(struct lodge_emul *e)
{
	return store_selector(e, e->regs->seg[LODGE_TR].sel);
}

/* A system descriptor from the GDT, of one of the types in @types. */
static int read_system(struct lodge_emul *e, u16 sel, u32 types,
		       struct lodge_desc *d)
{
	int rc;

	if (sel & 4)
		return lodge_raise_sel(e, LODGE_GP, sel);
	rc = lodge_desc_read(e, sel, d);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if ((d->lo & DESC_S) || !(types & BIT(d->lo >> 40 & 0xf)))
		return lodge_raise_sel(e, LODGE_GP, sel);
	if (!(d->lo & DESC_P))
		return lodge_raise_sel(e, LODGE_NP, sel);
	rc = lodge_desc_read_high(e, d);
	if (rc == LODGE_EMUL_OK) {
		u64 base = (d->lo >> 16 & 0xffffff) |
			   (d->lo >> 32 & 0xff000000) | d->hi << 32;

		if (!lodge_canonical(e, base))
			return lodge_raise_sel(e, LODGE_GP, sel);
	}
	return rc;
}

int lodge_op_lldt(struct lodge_emul *e)
{
	u16 sel = e->src;
	struct lodge_desc d;
	int rc;

	e->seg_dirty |= BIT(LODGE_LDTR);
	if (!(sel & ~3)) {
		e->seg[LODGE_LDTR] = (struct lodge_seg){
			.sel = sel, .ar = LODGE_AR_UNUSABLE,
		};
		return LODGE_EMUL_OK;
	}
	rc = read_system(e, sel, BIT(2), &d);
	if (rc == LODGE_EMUL_OK)
		lodge_desc_to_seg(&d, &e->seg[LODGE_LDTR]);
	return rc;
}

int lodge_op_ltr(struct lodge_emul *e)
{
	bool lma = e->regs->efer & LODGE_EFER_LMA;
	u16 sel = e->src;
	struct lodge_desc d;
	int rc;

	if (!(sel & ~3))
		return raise_gp0(e);
	rc = read_system(e, sel, lma ? BIT(9) : BIT(1) | BIT(9), &d);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_desc_mark(e, &d, DESC_TSS_BUSY);
	if (rc != LODGE_EMUL_OK)
		return rc;
	lodge_desc_to_seg(&d, &e->seg[LODGE_TR]);
	e->seg_dirty |= BIT(LODGE_TR);
	return LODGE_EMUL_OK;
}
