// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors: fetching them from the GDT and LDT, checking them as a load
 * of each segment register demands.
 *
 * seg.c, far.c and dtable.c call this. Next: seg.c.
 */
#include "descriptor.h"

static u32 selector_error(u16 sel)
{
	return sel & ~3;
}

int lodge_raise_sel(struct lodge_emul *e, u8 vector, u16 sel)
{
	return lodge_emul_raise_code(e, vector, selector_error(sel));
}

/**
 * lodge_desc_read() - fetch a descriptor
 * @e: emulator
 * @sel: its selector
 * @d: set to it, and to where it is
 *
 * Return: OK, or FAULT: #GP(@sel) outside of the table's limit, or #PF.
 */
int lodge_desc_read(struct lodge_emul *e, u16 sel, struct lodge_desc *d)
{
	const struct lodge_seg *ldt = &e->regs->seg[LODGE_LDTR];
	u64 base = e->regs->gdt.base;
	u32 limit = e->regs->gdt.limit;

	if (sel & 4) {
		if ((ldt->ar & LODGE_AR_UNUSABLE) || !(ldt->ar & LODGE_AR_P))
			return lodge_raise_sel(e, LODGE_GP, sel);
		base = ldt->base;
		limit = ldt->limit;
	}
	if ((sel | 7U) > limit)
		return lodge_raise_sel(e, LODGE_GP, sel);
	d->sel = sel;
	d->hi = 0;
	d->addr = base + (sel & ~7U);
	if (!(e->regs->efer & LODGE_EFER_LMA))
		d->addr = (u32)d->addr;
	return lodge_linear_read(e, d->addr, &d->lo, 8,
				 LODGE_ACCESS_IMPLICIT);
}

/* The second half of a system descriptor in long mode. */
int lodge_desc_read_high(struct lodge_emul *e, struct lodge_desc *d)
{
	if (!(e->regs->efer & LODGE_EFER_LMA))
		return LODGE_EMUL_OK;
	if ((d->sel | 15U) - (d->sel & 4) > e->regs->gdt.limit)
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	return lodge_linear_read(e, d->addr + 8, &d->hi, 8,
				 LODGE_ACCESS_IMPLICIT);
}

/* Set accessed, or busy for a TSS, in memory and in @d. */
int lodge_desc_mark(struct lodge_emul *e, struct lodge_desc *d, u64 bit)
{
	u8 byte;

	if (d->lo & bit)
		return LODGE_EMUL_OK;
	d->lo |= bit;
	byte = d->lo >> 40;
	return lodge_linear_write(e, d->addr + 5, &byte, 1,
				  LODGE_ACCESS_IMPLICIT, NULL);
}

/* What the segment register holds once @d is loaded. */
void lodge_desc_to_seg(const struct lodge_desc *d, struct lodge_seg *s)
{
	u32 limit = (d->lo & 0xffff) | (d->lo >> 32 & 0xf0000);

	s->sel = d->sel;
	s->base = (d->lo >> 16 & 0xffffff) | (d->lo >> 32 & 0xff000000) |
		  d->hi << 32;
	s->ar = (d->lo >> 40 & 0xff) | (d->lo >> 40 & 0xf000);
	s->limit = s->ar & LODGE_AR_G ? limit << 12 | 0xfff : limit;
}

static bool is_code(const struct lodge_desc *d)
{
	return (d->lo & DESC_S) && (d->lo & DESC_CODE);
}

static unsigned int dpl(const struct lodge_desc *d)
{
	return FIELD_GET(DESC_DPL, d->lo);
}

/* SS: writable data whose DPL is the RPL and the CPL. */
int lodge_desc_check_ss(struct lodge_emul *e, struct lodge_desc *d,
			unsigned int level)
{
	if ((d->sel & 3) != level || dpl(d) != level ||
	    !(d->lo & DESC_S) || (d->lo & DESC_CODE) || !(d->lo & DESC_RW))
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	if (!(d->lo & DESC_P))
		return lodge_raise_sel(e, LODGE_SS_VECTOR, d->sel);
	return lodge_desc_mark(e, d, DESC_ACCESSED);
}

/* DS, ES, FS, GS: data, or code that can be read. */
static int check_data(struct lodge_emul *e, struct lodge_desc *d)
{
	bool conforming = is_code(d) && (d->lo & DESC_CONFORMING);

	if (!(d->lo & DESC_S) || (is_code(d) && !(d->lo & DESC_RW)))
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	if (!conforming && (dpl(d) < (d->sel & 3U) || dpl(d) < cpl(e)))
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	if (!(d->lo & DESC_P))
		return lodge_raise_sel(e, LODGE_NP, d->sel);
	return lodge_desc_mark(e, d, DESC_ACCESSED);
}

/* Types of gates and task state segments, where a far transfer may go. */
#define GATES_LONG	BIT(12)
#define GATES_LEGACY	(BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(9) | \
			 BIT(11) | BIT(12))

/**
 * lodge_desc_check_cs() - may code go on in this segment?
 * @e: emulator
 * @d: descriptor of what is to be CS
 * @level: the CPL it will run with
 * @ret: a return: RPL is @level already, and has been compared
 *
 * Gates and task state segments are LODGE_EMUL_UNHANDLED.
 */
int lodge_desc_check_cs(struct lodge_emul *e, struct lodge_desc *d,
			unsigned int level, bool ret)
{
	bool lma = e->regs->efer & LODGE_EFER_LMA;

	if (!(d->lo & DESC_S) && !ret &&
	    (BIT(d->lo >> 40 & 0xf) & (lma ? GATES_LONG : GATES_LEGACY)))
		return LODGE_EMUL_UNHANDLED;
	if (!is_code(d))
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	if (d->lo & DESC_CONFORMING) {
		if (dpl(d) > level)
			return lodge_raise_sel(e, LODGE_GP, d->sel);
	} else if (dpl(d) != level || (!ret && (d->sel & 3U) > level)) {
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	}
	if (lma && (d->lo & DESC_L) && (d->lo & DESC_DB))
		return lodge_raise_sel(e, LODGE_GP, d->sel);
	if (!(d->lo & DESC_P))
		return lodge_raise_sel(e, LODGE_NP, d->sel);
	return lodge_desc_mark(e, d, DESC_ACCESSED);
}

/* A selector of 0 to 3: the register can be loaded, but not used. */
static int load_null(struct lodge_emul *e, unsigned int nr, u16 sel)
{
	u32 ar = LODGE_AR_UNUSABLE;

	if (nr == LODGE_SS) {
		if (!long64(e) || cpl(e) == 3 || (sel & 3U) != cpl(e))
			return raise_gp0(e);
		ar |= FIELD_PREP(LODGE_AR_DPL, (u32)cpl(e));
	}
	e->seg[nr] = (struct lodge_seg){ .sel = sel, .ar = ar };
	e->seg_dirty |= BIT(nr);
	return LODGE_EMUL_OK;
}

static void load_real(struct lodge_emul *e, unsigned int nr, u16 sel)
{
	struct lodge_seg *s = &e->seg[nr];

	*s = *seg_now(e, nr);
	s->sel = sel;
	s->base = (u32)sel << 4;
	if (e->insn.mode == LODGE_MODE_V86) {
		s->limit = 0xffff;
		s->ar = 0xf3;
	} else if (s->ar & LODGE_AR_UNUSABLE) {
		s->limit = 0xffff;
		s->ar = 0x93;
	}
	e->seg_dirty |= BIT(nr);
}

/**
 * lodge_seg_load() - load a segment register as MOV and POP do
 * @e: emulator
 * @nr: LODGE_ES to LODGE_GS; LODGE_CS outside protected mode only
 * @sel: selector
 *
 * Return: enum lodge_emul_result.
 */
int lodge_seg_load(struct lodge_emul *e, unsigned int nr, u16 sel)
{
	struct lodge_desc d;
	int rc;

	if (!protmode(e)) {
		load_real(e, nr, sel);
		return LODGE_EMUL_OK;
	}
	if (!(sel & ~3))
		return load_null(e, nr, sel);
	rc = lodge_desc_read(e, sel, &d);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (nr == LODGE_SS)
		rc = lodge_desc_check_ss(e, &d, cpl(e));
	else
		rc = check_data(e, &d);
	if (rc != LODGE_EMUL_OK)
		return rc;
	lodge_desc_to_seg(&d, &e->seg[nr]);
	e->seg_dirty |= BIT(nr);
	return LODGE_EMUL_OK;
}
