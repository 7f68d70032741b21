// SPDX-License-Identifier: GPL-2.0
/*
 * A local APIC's registers: what reading, writing, accepting, taking and
 * ending an interrupt does to them.
 *
 * Pure; lapic.c does what a write asks for beyond the registers. Other CPUs
 * touch posted, held, TMR and errors alone, with atomic bit operations: who
 * requests posts ("set the bit, then the mark"), the own thread collects ("clear
 * the mark, then take the bits") into IRR, so that no request is ever lost, and
 * the mark costs one load. A CPU that virtualizes the APIC changes IRR and ISR
 * itself while the guest runs, and collects what is posted.
 *
 * Follows the Intel SDM, "Advanced Programmable Interrupt Controller (APIC)".
 * Next: lapic_match.c, lapic.c.
 */
#include "chips.h"
#include "apic_bits.h"

enum { RD = 1, WR = 2, X2WRITE_ZERO = 4, X2_ONLY = 8, X1_ONLY = 16 };

#define LVT_COMMON	(LVT_VECTOR | LVT_STATUS | LVT_MASKED)
#define LVT_MODED	(LVT_COMMON | LVT_DELIVERY)
#define LVT_LINT	(LVT_MODED | LVT_POLARITY | LVT_REMOTE_IRR | LVT_LEVEL)

/* Registers by index: offset / 16. @write: the bits that can be written */
static const struct {
	u8 kind;
	u32 write;
} table[LODGE_APIC_REGS] = {
	[R_ID] = { RD | WR, 0xff000000 },
	[R_VERSION] = { RD, 0 },
	[R_TPR] = { RD | WR, 0xff },
	[R_ARB] = { RD | X1_ONLY, 0 },
	[R_PPR] = { RD, 0 },
	[R_EOI] = { WR | X2WRITE_ZERO, ~0u },
	[R_RRD] = { RD | X1_ONLY, 0 },
	[R_LDR] = { RD | WR, 0xff000000 },
	[R_DFR] = { RD | WR | X1_ONLY, 0xf0000000 },
	[R_SVR] = { RD | WR, 0x3ff },
	[R_ISR ... R_ISR + 7] = { RD, 0 },
	[R_TMR ... R_TMR + 7] = { RD, 0 },
	[R_IRR ... R_IRR + 7] = { RD, 0 },
	[R_ESR] = { RD | WR | X2WRITE_ZERO, ~0u },
	[R_LVTCMCI] = { RD | WR, LVT_MODED },
	[R_ICR] = { RD | WR, 0xccfff },
	[R_ICR2] = { RD | WR | X1_ONLY, 0xff000000 },
	[R_LVTT] = { RD | WR, LVT_COMMON | LVT_TIMER },
	[R_LVTTHMR] = { RD | WR, LVT_MODED },
	[R_LVTPC] = { RD | WR, LVT_MODED },
	[R_LVT0] = { RD | WR, LVT_LINT },
	[R_LVT1] = { RD | WR, LVT_LINT },
	[R_LVTERR] = { RD | WR, LVT_COMMON },
	[R_TMICT] = { RD | WR, ~0u },
	[R_TMCCT] = { RD, 0 },
	[R_TDCR] = { RD | WR, 0xb },
	[R_SELF] = { WR | X2_ONLY, 0xff },
};

/* Can register @i be accessed this way, in the present mode? */
static bool reg_there(const struct lodge_apic_regs *r, u32 i, u8 way)
{
	return i < LODGE_APIC_REGS && (table[i].kind & way) &&
	       !(table[i].kind & (lodge_apic_x2(r) ? X1_ONLY : X2_ONLY)) &&
	       (i != R_LVTCMCI || r->cmci);
}

static u32 ldr_of_x2id(u32 id)
{
	return (id >> 4) << 16 | 1u << (id & 15);
}

static void mask_lvts(struct lodge_apic_regs *r)
{
	int i;

	for (i = R_LVTT; i <= R_LVTERR; i++)
		WRITE_ONCE(r->reg[i].v, r->reg[i].v | LVT_MASKED);
	if (r->cmci)
		WRITE_ONCE(r->reg[R_LVTCMCI].v,
			   r->reg[R_LVTCMCI].v | LVT_MASKED);
}

/**
 * lodge_apic_regs_reset() - state after power-on, INIT, or enabling
 * @r: registers; r->x2id is set
 * @init: INIT: id and IA32_APIC_BASE stay
 */
void lodge_apic_regs_reset(struct lodge_apic_regs *r, bool init)
{
	u32 id = r->reg[R_ID].v;
	int i;

	lodge_apic_collect(r);
	r->irr_pending = false;
	WRITE_ONCE(r->errors, 0);
	for (i = 0; i < LODGE_APIC_REGS; i++)
		WRITE_ONCE(r->reg[i].v, 0);
	if (!init) {
		id = r->x2id << 24;
		WRITE_ONCE(r->base, LODGE_BASE_DEFAULT | LODGE_BASE_ENABLE |
			   (r->x2id == r->boot_id ? LODGE_BASE_BSP : 0));
	}
	WRITE_ONCE(r->reg[R_ID].v, id);
	r->reg[R_VERSION].v = lodge_apic_version(r);
	WRITE_ONCE(r->reg[R_DFR].v, ~0u);
	WRITE_ONCE(r->reg[R_SVR].v, 0xff);
	mask_lvts(r);
	if (lodge_apic_x2(r))
		WRITE_ONCE(r->reg[R_LDR].v, ldr_of_x2id(r->x2id));
	/* As KVM and firmware leave it: the first CPU hears the PIC. */
	if (r->x2id == r->boot_id && !r->lint0_masked)
		WRITE_ONCE(r->reg[R_LVT0].v, DM_EXTINT << 8);
	r->lvtt = r->reg[R_LVTT].v;
	r->tdcr = r->reg[R_TDCR].v;
}

/**
 * lodge_apic_error() - note an error, and tell the CPU if it wants to know
 * @r: registers, of any CPU
 * @bit: ESR_*, bit number
 * @notify: as for lodge_apic_accept()
 */
void lodge_apic_error(struct lodge_apic_regs *r, u32 bit, u32 *notify)
{
	u32 lvt = READ_ONCE(r->reg[R_LVTERR].v);

	if (test_and_set_bit(bit, &r->errors))
		return;
	/* A vector that is an error itself can't report one. */
	if (!(lvt & LVT_MASKED) && (lvt & LVT_VECTOR) >= 16)
		lodge_apic_accept(r, lvt & LVT_VECTOR, false, notify);
}

/**
 * lodge_apic_accept() - request an interrupt
 * @r: registers, of any CPU
 * @vector: 16 to 255; less is noted as an error
 * @level: its end of service is to be told to the I/O APIC
 * @notify: gets the bit LODGE_POSTED_* whose mark is new: only who sets it need
 *	tell the CPU; NULL for the own thread, which looks anyway
 *
 * Return: 1 newly requested, 0 it was already, -1 not accepted.
 */
int lodge_apic_accept(struct lodge_apic_regs *r, u8 vector, bool level,
		      u32 *notify)
{
	bool held = r->hold && test_bit(vector, r->hold), was;
	unsigned long *tmr = &r->reg[R_TMR + vector / 32].bits;
	u32 mark = held ? LODGE_POSTED_HELD : LODGE_POSTED_ON;

	if (vector < 16) {
		lodge_apic_error(r, ESR_RECV_ILLEGAL, notify);
		return -1;
	}
	if (level != test_bit(vector % 32, tmr)) {
		if (level)
			set_bit(vector % 32, tmr);
		else
			clear_bit(vector % 32, tmr);
	}
	/* IRR first: what is posted here may be collected at once. */
	was = test_bit(vector % 32, &r->reg[R_IRR + vector / 32].bits);
	was |= test_and_set_bit(vector, held ? r->held : r->posted.irr);
	if (!test_and_set_bit(mark, &r->posted.on) && notify)
		*notify |= BIT(mark);
	return !was;
}

static void collect_word(struct lodge_apic_regs *r, int i, unsigned long *from)
{
	unsigned long w = READ_ONCE(*from);

	if (likely(!w))
		return;
	w = xchg(from, 0);
	r->reg[R_IRR + 2 * i].v |= (u32)w;
	r->reg[R_IRR + 2 * i + 1].v |= w >> 32;
	r->irr_pending = true;
}

/**
 * lodge_apic_collect() - move what has been posted to IRR
 * @r: registers, own CPU
 */
void lodge_apic_collect(struct lodge_apic_regs *r)
{
	int i;

	xchg(&r->posted.on, 0);	/* before the bits, which were set before it */
	for (i = 0; i < LODGE_APIC_WORDS; i++)
		collect_word(r, i, &r->posted.irr[i]);
	for (i = 0; r->hold && i < LODGE_APIC_WORDS; i++)
		collect_word(r, i, &r->held[i]);
}

/**
 * lodge_apic_local() - an event at one of the local sources
 * @r: registers, own CPU
 * @lvt: R_LVTCMCI, R_LVTT ... R_LVTERR
 *
 * Return: delivery mode to be acted on by the caller (NMI, SMI, INIT), or
 * -1: masked, or done here.
 */
int lodge_apic_local(struct lodge_apic_regs *r, u32 lvt)
{
	u32 v = READ_ONCE(r->reg[lvt].v);
	int mode = FIELD_GET(LVT_DELIVERY, v);

	if ((v & LVT_MASKED) || !lodge_apic_hw_enabled(r))
		return -1;
	if (mode != DM_FIXED)
		return mode;
	lodge_apic_accept(r, v & LVT_VECTOR, false, NULL);
	return -1;
}

/**
 * lodge_apic_ppr() - processor priority
 * @r: registers, own CPU
 */
u32 lodge_apic_ppr(struct lodge_apic_regs *r)
{
	int top = lodge_apic_top(&r->reg[R_ISR]);
	u32 tpr = r->reg[R_TPR].v, ppr = tpr;

	if (top >= 0 && (u32)(top & 0xf0) > (tpr & 0xf0))
		ppr = top & 0xf0;
	/* Others compare it to find the CPU of lowest priority. */
	WRITE_ONCE(r->reg[R_PPR].v, ppr);
	return ppr;
}

/**
 * lodge_apic_highest() - what the CPU is to be interrupted with
 * @r: registers, own CPU
 *
 * Return: the vector, or -1.
 */
int lodge_apic_highest(struct lodge_apic_regs *r)
{
	int v;

	if (READ_ONCE(r->posted.on))
		lodge_apic_collect(r);
	if (!r->irr_pending || !lodge_apic_hw_enabled(r))
		return -1;
	v = lodge_apic_top(&r->reg[R_IRR]);
	if (v < 0) {
		r->irr_pending = false;
		return -1;
	}
	return (u32)(v & 0xf0) > (lodge_apic_ppr(r) & 0xf0) ? v : -1;
}

/**
 * lodge_apic_take() - the CPU takes an interrupt: from IRR to ISR
 * @r: registers, own CPU
 * @vector: from lodge_apic_highest()
 */
void lodge_apic_take(struct lodge_apic_regs *r, u8 vector)
{
	r->reg[R_IRR + vector / 32].v &= ~BIT(vector % 32);
	r->reg[R_ISR + vector / 32].v |= BIT(vector % 32);
	lodge_apic_ppr(r);
	if (lodge_apic_top(&r->reg[R_IRR]) < 0)
		r->irr_pending = false;
}

/**
 * lodge_apic_eoi() - end the service of the highest vector in service
 * @r: registers, own CPU
 *
 * Return: the vector, or -1 if none was.
 */
int lodge_apic_eoi(struct lodge_apic_regs *r)
{
	int v = lodge_apic_top(&r->reg[R_ISR]);

	if (v < 0)
		return -1;
	r->reg[R_ISR + v / 32].v &= ~BIT(v % 32);
	lodge_apic_ppr(r);
	return v;
}

/**
 * lodge_apic_reg_read() - the guest reads a register, but TMCCT
 * @r: registers, own CPU
 * @offset: in the page, a multiple of 16
 * @v: what is read; 0 if there is no such register
 *
 * Return: is there such a register in the present mode?
 */
bool lodge_apic_reg_read(struct lodge_apic_regs *r, u32 offset, u32 *v)
{
	u32 i = offset >> 4;

	*v = 0;
	if (!reg_there(r, i, RD)) {
		if (!lodge_apic_x2(r))
			lodge_apic_error(r, ESR_ILLEGAL_REG, NULL);
		return false;
	}
	if (i == R_PPR)
		lodge_apic_ppr(r);
	if (i >= R_IRR && i < R_IRR + 8)
		lodge_apic_collect(r);
	*v = READ_ONCE(r->reg[i].v);
	return true;
}

static u32 write_svr(struct lodge_apic_regs *r, u32 v)
{
	WRITE_ONCE(r->reg[R_SVR].v, v);
	if (!(v & SVR_ENABLE)) {
		mask_lvts(r);
		return LODGE_APIC_FX_LVT0;
	}
	return 0;
}

static u32 write_lvt(struct lodge_apic_regs *r, u32 i, u32 v)
{
	u32 old = r->reg[i].v;

	if (!(r->reg[R_SVR].v & SVR_ENABLE))
		v |= LVT_MASKED;
	v = (v & ~LVT_READONLY) | (old & LVT_READONLY);
	if (i == R_LVTT && (!r->deadline_ok || (v & LVT_TIMER) == LVT_TIMER))
		v &= ~LVT_DEADLINE;
	WRITE_ONCE(r->reg[i].v, v);
	if (i == R_LVTT)
		r->lvtt = v;
	if (i == R_LVTT && ((old ^ v) & LVT_DEADLINE))
		return LODGE_APIC_FX_MODE;
	return i == R_LVT0 ? LODGE_APIC_FX_LVT0 : 0;
}

static u32 write_plain(struct lodge_apic_regs *r, u32 i, u32 v)
{
	static const struct {
		u8 reg;
		u16 effect;
	} effects[] = {
		{ R_ID, LODGE_APIC_FX_ID },
		{ R_ICR, LODGE_APIC_FX_IPI },
		{ R_TDCR, LODGE_APIC_FX_DIVIDE },
	};
	unsigned int e;

	if (i == R_DFR)
		v |= 0x0fffffff;
	WRITE_ONCE(r->reg[i].v, v);
	if (i == R_TPR)
		lodge_apic_ppr(r);
	if (i == R_TDCR)
		r->tdcr = v;
	for (e = 0; e < ARRAY_SIZE(effects); e++)
		if (effects[e].reg == i)
			return effects[e].effect;
	return 0;
}

static bool deadline_mode(const struct lodge_apic_regs *r)
{
	return (r->reg[R_LVTT].v & LVT_TIMER) == LVT_DEADLINE;
}

/**
 * lodge_apic_written() - the hardware has written a register for the guest
 * @r: registers, own CPU
 * @offset: in the page, a multiple of 16
 *
 * What the timer still counts by is put back as it was.
 *
 * Return: what was written, for lodge_apic_reg_write().
 */
u32 lodge_apic_written(struct lodge_apic_regs *r, u32 offset)
{
	struct lodge_apic_reg *reg = &r->reg[offset >> 4];
	u32 v = reg->v;

	switch (offset >> 4) {
	case R_LVTT:
		reg->v = r->lvtt;
		break;
	case R_TDCR:
		reg->v = r->tdcr;
		break;
	case R_TMICT:
		if (deadline_mode(r))
			reg->v = 0;
		break;
	}
	return v;
}

static bool is_lvt(u32 i)
{
	return i == R_LVTCMCI || (i >= R_LVTT && i <= R_LVTERR);
}

/* Bits that can't be written, but are not reserved either. */
static u32 ignored_bits(u32 i)
{
	if (i == R_ICR)
		return LVT_STATUS;
	return is_lvt(i) ? LVT_READONLY : 0;
}

/**
 * lodge_apic_reg_write() - the guest writes a register
 * @r: registers, own CPU
 * @offset: in the page, a multiple of 16
 * @v: what is written; of ICR in x2APIC mode the low half, the high one
 *     having been stored in R_ICR2 by the caller
 *
 * Return: LODGE_APIC_FX_*, what else is to be done. LODGE_APIC_FX_BAD in
 * x2APIC mode also for reserved bits; they are ignored in xAPIC mode.
 */
u32 lodge_apic_reg_write(struct lodge_apic_regs *r, u32 offset, u32 v)
{
	u32 i = offset >> 4, write;
	bool x2 = lodge_apic_x2(r);

	if (!reg_there(r, i, WR)) {
		if (!x2 && !reg_there(r, i, RD))
			lodge_apic_error(r, ESR_ILLEGAL_REG, NULL);
		return LODGE_APIC_FX_BAD;
	}
	/* In x2APIC mode who writes what can't be written gets #GP. */
	write = table[i].write | (i == R_SVR && r->directed ? SVR_DIRECTED : 0);
	if (x2 && ((v & ~write & ~ignored_bits(i)) || i == R_ID ||
		   i == R_LDR || (v && (table[i].kind & X2WRITE_ZERO))))
		return LODGE_APIC_FX_BAD;
	/* As KVM has it: an xAPIC's ICR reads as it was written. */
	v &= i == R_ICR && !x2 ? ~LVT_STATUS : write;

	switch (i) {
	case R_EOI:
		return LODGE_APIC_FX_EOI;
	case R_SELF:
		return LODGE_APIC_FX_SELF;
	case R_SVR:
		return write_svr(r, v);
	case R_ESR:	/* any write makes what was noted readable */
		r->reg[R_ESR].v = xchg(&r->errors, 0);
		return 0;
	case R_LVTCMCI:
	case R_LVTT ... R_LVTERR:
		return write_lvt(r, i, v);
	case R_TMICT:
		if (deadline_mode(r))
			return 0;
		r->reg[R_TMICT].v = v;
		return LODGE_APIC_FX_COUNT;
	default:
		return write_plain(r, i, v);
	}
}
