// SPDX-License-Identifier: GPL-2.0
/*
 * Task switches: the state of one task into its TSS, that of another out of
 * its own, as CALL, JMP, IRET and task gates in the IDT have it.
 *
 * Called by ../emulate.c when hardware has decided on a switch and leaves it
 * to be done. Next: dtable.c.
 */
#include "../exit.h"
#include "descriptor.h"

/*
 * Both formats hold the same in the same order, each field @word bytes from
 * the last: IP, flags, eight registers, @segs selectors, that of the LDT.
 */
struct tss_format {
	u8 word;
	u8 first;		/* where IP is */
	u8 segs;		/* from ES on */
	u8 size;		/* the least it has to have */
};

#define TSS_LINK	0
#define TSS_CR3		0x1c
#define TSS_TRAP	0x64
#define TSS_MAX		0x68

#define FIELD_IP	0U
#define FIELD_FLAGS	1U
#define FIELD_GPR	2U
#define FIELD_SEG	10U

#define DR6_BT		BIT_ULL(15)
#define DR7_LOCAL	0x155ULL	/* L0 to L3, LE */

static const struct tss_format tss16 = { 2, 0x0e, 4, 0x2c };
static const struct tss_format tss32 = { 4, 0x20, 6, 0x68 };

struct task_switch {
	const struct lodge_task_switch *t;
	const struct tss_format *from, *to;	/* the old TSS's, the new one's */
	struct lodge_desc desc;			/* of the new TSS */
	struct lodge_seg tr;
	gpa_t old_busy, new_busy;		/* bytes of the descriptors */
	u8 image[TSS_MAX];			/* of the new TSS */
};

static const struct tss_format *format_of(u32 ar)
{
	return ar & 8 ? &tss32 : &tss16;
}

/* Nothing is done again for what a fault, or a device, ends half way. */
static int tss_access(struct lodge_emul *e, const struct lodge_seg *tr,
		      unsigned int at, void *data, unsigned int len, bool write)
{
	gva_t la = (u32)(tr->base + at);

	e->log.nr = 0;
	e->log.next = 0;
	if (write)
		return lodge_linear_write(e, la, data, len,
					  LODGE_ACCESS_IMPLICIT, NULL);
	return lodge_linear_read(e, la, data, len, LODGE_ACCESS_IMPLICIT);
}

static u32 image_field(const struct task_switch *s, unsigned int nr)
{
	u32 v = 0;

	memcpy(&v, s->image + s->to->first + nr * s->to->word, s->to->word);
	return v;
}

static u16 image_sel(const struct task_switch *s, unsigned int nr)
{
	return nr < s->to->segs ? image_field(s, FIELD_SEG + nr) : 0;
}

/* The new TSS, as hardware has found it right already. */
static int check_incoming(struct lodge_emul *e, struct task_switch *s)
{
	bool iret = s->t->reason == LODGE_TASK_IRET;
	u8 vector = iret ? LODGE_TS : LODGE_GP;
	u16 sel = s->t->sel;
	int rc;

	if ((sel & 4) || !(sel & ~7))
		return lodge_raise_sel(e, vector, sel);
	rc = lodge_desc_read(e, sel, &s->desc);
	if (rc == LODGE_EMUL_FAULT && e->fault.vector == LODGE_GP)
		e->fault.vector = vector;
	if (rc != LODGE_EMUL_OK)
		return rc;
	lodge_desc_to_seg(&s->desc, &s->tr);
	/* Available, 16 or 32 bits; busy for a return. */
	if ((s->tr.ar & (LODGE_AR_S | 7)) != (iret ? 3 : 1))
		return lodge_raise_sel(e, vector, sel);
	if (!(s->tr.ar & LODGE_AR_P))
		return lodge_raise_sel(e, LODGE_NP, sel);
	s->to = format_of(s->tr.ar);
	if (s->tr.limit < s->to->size - 1U)
		return lodge_raise_sel(e, LODGE_TS, sel);
	s->tr.ar |= 2;
	return LODGE_EMUL_OK;
}

static int probe(struct lodge_emul *e, u64 la, unsigned int len,
		 unsigned int access)
{
	return lodge_linear_probe(e, (u32)la, len,
				  access | LODGE_ACCESS_IMPLICIT);
}

static int busy_byte(struct lodge_emul *e, u16 sel, gpa_t *gpa)
{
	gva_t la = (u32)(e->regs->gdt.base + (sel & ~7) + 5);

	return e->ops->translate(e, la, LODGE_ACCESS_WRITE |
				 LODGE_ACCESS_IMPLICIT, gpa);
}

/* Whatever can fault in the old task does so before anything is written. */
static int check_memory(struct lodge_emul *e, struct task_switch *s)
{
	const struct lodge_seg *tr = &e->regs->seg[LODGE_TR];
	unsigned int saved, reason = s->t->reason;
	int rc;

	s->from = format_of(tr->ar);
	saved = (FIELD_SEG + s->from->segs - 1) * s->from->word + 2;
	if (tr->limit < s->from->first + saved - 1U)
		return lodge_raise_sel(e, LODGE_TS, tr->sel);
	rc = probe(e, tr->base + s->from->first, saved, LODGE_ACCESS_WRITE);
	if (rc == LODGE_EMUL_OK)
		rc = probe(e, s->tr.base, s->to->size, 0);
	if (rc == LODGE_EMUL_OK &&
	    (reason == LODGE_TASK_CALL || reason == LODGE_TASK_GATE))
		rc = probe(e, s->tr.base + TSS_LINK, 2, LODGE_ACCESS_WRITE);
	if (rc == LODGE_EMUL_OK && reason != LODGE_TASK_IRET)
		rc = busy_byte(e, s->t->sel, &s->new_busy);
	if (rc == LODGE_EMUL_OK &&
	    (reason == LODGE_TASK_JMP || reason == LODGE_TASK_IRET))
		rc = busy_byte(e, tr->sel, &s->old_busy);
	return rc;
}

/* The reserved halves behind selectors stay as they are. */
static int save_old(struct lodge_emul *e, const struct task_switch *s)
{
	const struct lodge_regs *r = e->regs;
	const struct tss_format *f = s->from;
	u32 field[FIELD_SEG + 6];
	unsigned int i;
	int rc;

	field[FIELD_IP] = s->t->next_rip;
	field[FIELD_FLAGS] = r->rflags & ~LODGE_RFLAGS_RF;
	if (s->t->rf)
		field[FIELD_FLAGS] |= LODGE_RFLAGS_RF;
	if (s->t->reason == LODGE_TASK_IRET)
		field[FIELD_FLAGS] &= ~LODGE_RFLAGS_NT;
	for (i = 0; i < 8; i++)
		field[FIELD_GPR + i] = r->gpr[i];
	for (i = 0; i < 6; i++)
		field[FIELD_SEG + i] = r->seg[i].sel;
	for (i = 0; i < FIELD_SEG + f->segs; i++) {
		rc = tss_access(e, &r->seg[LODGE_TR], f->first + i * f->word,
				&field[i], i < FIELD_SEG ? f->word : 2, true);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	return LODGE_EMUL_OK;
}

/*
 * The general registers and flags of the new task. What is loaded behind each
 * selector is for later: until then nothing can be accessed through it.
 */
static void load_registers(struct lodge_emul *e, const struct task_switch *s)
{
	struct lodge_regs *r = e->regs;
	unsigned int i, level;

	r->rip = image_field(s, FIELD_IP);
	r->rflags = (image_field(s, FIELD_FLAGS) & FLAGS_DEFINED) |
		    LODGE_RFLAGS_1;
	if (s->t->reason == LODGE_TASK_CALL || s->t->reason == LODGE_TASK_GATE)
		r->rflags |= LODGE_RFLAGS_NT;
	if (s->t->reason == LODGE_TASK_IRET)
		r->nmi_blocked = 0;
	for (i = 0; i < 8; i++)
		r->gpr[i] = image_field(s, FIELD_GPR + i);
	level = image_sel(s, LODGE_CS) & 3;
	for (i = 0; i < 6; i++)
		r->seg[i] = (struct lodge_seg){
			.sel = image_sel(s, i), .ar = LODGE_AR_UNUSABLE |
				FIELD_PREP(LODGE_AR_DPL, level),
		};
	r->seg[LODGE_CS].ar ^= LODGE_AR_UNUSABLE | 0x9b;
	r->seg[LODGE_LDTR] = (struct lodge_seg){
		.sel = image_field(s, FIELD_SEG + s->to->segs),
		.ar = LODGE_AR_UNUSABLE,
	};
	r->seg[LODGE_TR] = s->tr;
	r->cr0 |= LODGE_CR0_TS;
	r->dr7 &= ~DR7_LOCAL;
	r->shadow = 0;
	e->rflags = r->rflags;
	e->changed |= LODGE_R_SEGS | LODGE_R_CRS | LODGE_R_DRS | LODGE_R_SHADOW;
	lodge_decode_mode(&e->insn, r);
}

static int load_ldt(struct lodge_emul *e)
{
	struct lodge_seg *ldtr = &e->regs->seg[LODGE_LDTR];
	u16 sel = ldtr->sel;
	struct lodge_desc d;
	int rc;

	if (!(sel & ~3))
		return LODGE_EMUL_OK;
	if (sel & 4)
		return lodge_raise_sel(e, LODGE_TS, sel);
	rc = lodge_desc_read(e, sel, &d);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if ((d.lo >> 40 & 0x9f) != 0x82)	/* an LDT, and present */
		return lodge_raise_sel(e, LODGE_TS, sel);
	lodge_desc_to_seg(&d, ldtr);
	return LODGE_EMUL_OK;
}

/* CS or SS: never null, and CPL is the RPL of CS. */
static int load_code_stack(struct lodge_emul *e, unsigned int nr)
{
	struct lodge_seg *seg = e->regs->seg;
	unsigned int level = seg[LODGE_CS].sel & 3;
	struct lodge_desc d;
	int rc;

	if (!(seg[nr].sel & ~3))
		return lodge_raise_sel(e, LODGE_TS, seg[nr].sel);
	rc = lodge_desc_read(e, seg[nr].sel, &d);
	if (rc == LODGE_EMUL_OK)
		rc = nr == LODGE_CS ?
			lodge_desc_check_cs(e, &d, level, true) :
			lodge_desc_check_ss(e, &d, level);
	if (rc == LODGE_EMUL_OK)
		lodge_desc_to_seg(&d, &seg[nr]);
	return rc;
}

static int load_segments(struct lodge_emul *e)
{
	static const u8 data[] = { LODGE_DS, LODGE_ES, LODGE_FS, LODGE_GS };
	struct lodge_seg *seg = e->regs->seg;
	unsigned int i;
	int rc;

	rc = load_ldt(e);
	if (e->insn.mode == LODGE_MODE_V86) {
		for (i = LODGE_ES; i <= LODGE_GS; i++)
			seg[i] = lodge_seg_v86(seg[i].sel);
		return rc;
	}
	if (rc == LODGE_EMUL_OK)
		rc = load_code_stack(e, LODGE_CS);
	if (rc == LODGE_EMUL_OK)
		rc = load_code_stack(e, LODGE_SS);
	for (i = 0; i < ARRAY_SIZE(data) && rc == LODGE_EMUL_OK; i++) {
		rc = lodge_seg_load(e, data[i], seg[data[i]].sel);
		if (rc == LODGE_EMUL_OK)
			seg[data[i]] = e->seg[data[i]];
		e->seg_dirty = 0;
	}
	/* What is #GP elsewhere is an invalid TSS here. */
	if (rc == LODGE_EMUL_FAULT && e->fault.vector == LODGE_GP)
		e->fault.vector = LODGE_TS;
	return rc;
}

static int push_error(struct lodge_emul *e, const struct task_switch *s)
{
	int rc;

	if (!s->t->has_error)
		return LODGE_EMUL_OK;
	rc = lodge_push(e, s->t->error, s->to->word);
	if (rc == LODGE_EMUL_OK)
		e->regs->gpr[LODGE_RSP] = e->gpr[LODGE_RSP];
	return rc;
}

static int set_busy(struct lodge_emul *e, gpa_t gpa, bool busy)
{
	u8 type;
	int rc;

	rc = e->ops->read(e, gpa, &type, 1);
	if (rc != LODGE_EMUL_OK)
		return rc;
	type = busy ? type | 2 : type & ~2;
	return e->ops->write(e, gpa, &type, 1);
}

/* Last, since hardware would not come here again with a busy new task. */
static int mark_tasks(struct lodge_emul *e, const struct task_switch *s)
{
	int rc = LODGE_EMUL_OK;

	if (s->t->reason == LODGE_TASK_JMP || s->t->reason == LODGE_TASK_IRET)
		rc = set_busy(e, s->old_busy, false);
	if (rc == LODGE_EMUL_OK && s->t->reason != LODGE_TASK_IRET)
		rc = set_busy(e, s->new_busy, true);
	return rc;
}

/* In the old task: everything that can keep the switch from happening. */
static int leave_old(struct lodge_emul *e, struct task_switch *s)
{
	u16 link = e->regs->seg[LODGE_TR].sel;
	u32 cr3;
	int rc;

	rc = check_incoming(e, s);
	if (rc == LODGE_EMUL_OK)
		rc = check_memory(e, s);
	if (rc == LODGE_EMUL_OK)
		rc = save_old(e, s);
	if (rc == LODGE_EMUL_OK)
		rc = tss_access(e, &s->tr, 0, s->image, s->to->size, false);
	if (rc == LODGE_EMUL_OK &&
	    (s->t->reason == LODGE_TASK_CALL || s->t->reason == LODGE_TASK_GATE))
		rc = tss_access(e, &s->tr, TSS_LINK, &link, 2, true);
	if (rc != LODGE_EMUL_OK || s->to != &tss32 ||
	    !(e->regs->cr0 & LODGE_CR0_PG))
		return rc;
	memcpy(&cr3, s->image + TSS_CR3, 4);
	return e->ops->cr_write ? e->ops->cr_write(e, 3, cr3) :
				  LODGE_EMUL_UNHANDLED;
}

int lodge_emul_task_switch(struct lodge_emul *e,
			   const struct lodge_task_switch *t)
{
	const struct lodge_regs old = *e->regs;
	struct task_switch s = { .t = t };
	int rc, marked;

	if ((old.efer & LODGE_EFER_LMA) || !(old.cr0 & LODGE_CR0_PE))
		return LODGE_EMUL_UNHANDLED;
	e->pending = 0;
	e->changed = 0;
	e->trap_db = false;
	e->again = false;
	e->hint = false;
	e->insn.attr = 0;
	lodge_decode_mode(&e->insn, e->regs);

	rc = leave_old(e, &s);
	if (rc != LODGE_EMUL_OK)
		goto out;
	load_registers(e, &s);
	rc = load_segments(e);
	if (rc == LODGE_EMUL_OK)
		rc = push_error(e, &s);
	if (rc == LODGE_EMUL_OK && s.to == &tss32 && (s.image[TSS_TRAP] & 1)) {
		e->regs->dr6 |= DR6_BT;
		e->trap_db = true;
	}
	if (rc == LODGE_EMUL_OK || rc == LODGE_EMUL_FAULT) {
		marked = mark_tasks(e, &s);
		if (marked != LODGE_EMUL_OK)
			rc = marked;
	}
out:
	e->log.nr = 0;
	e->log.next = 0;
	if (rc == LODGE_EMUL_FAULT && e->fault.vector != LODGE_PF)
		e->fault.error |= t->external;
	if (rc == LODGE_EMUL_OK || rc == LODGE_EMUL_FAULT)
		return rc;
	/* A TSS or a stack that is no memory, or has to be waited for. */
	*e->regs = old;
	e->trap_db = false;
	return rc == LODGE_EMUL_RETRY ? rc : LODGE_EMUL_UNHANDLED;
}
