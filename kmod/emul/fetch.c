// SPDX-License-Identifier: GPL-2.0
/*
 * Where an instruction's bytes come from: what hardware handed over, and
 * memory at CS:RIP. The ways in to the decoder.
 *
 * emulate.c calls lodge_emul_decode() and lodge_emul_length(). Next:
 * decode.c.
 */
#include "internal.h"

/* Get more of the code at CS:RIP, up to the end of a page. */
int lodge_fetch(struct lodge_emul *e)
{
	const struct lodge_seg *cs = &e->regs->seg[LODGE_CS];
	unsigned int access = LODGE_ACCESS_FETCH;
	struct lodge_insn *in = &e->insn;
	u64 off = e->start_rip + in->have;
	unsigned int n = LODGE_INSN_MAX - in->have;
	u64 la = off;
	gpa_t gpa;
	int rc;

	if (in->mode != LODGE_MODE_LONG64) {
		off = (u32)off;
		if (off > cs->limit)
			return raise_gp0(e);
		n = min_t(u64, n, (u64)cs->limit - off + 1);
		la = (u32)(cs->base + off);
	} else if (!lodge_canonical(e, la)) {
		return raise_gp0(e);
	}
	n = min_t(u64, n, 4096 - (la & 4095));
	if (cpl(e) == 3)
		access |= LODGE_ACCESS_USER;
	rc = e->ops->translate(e, la, access, &gpa);
	if (rc != LODGE_EMUL_OK)
		return rc;
	rc = e->ops->read(e, gpa, in->bytes + in->have, n);
	if (rc == LODGE_EMUL_IO)
		return LODGE_EMUL_UNHANDLED;
	if (rc == LODGE_EMUL_OK)
		in->have += n;
	return rc;
}

/* Hardware may have handed over bytes from behind the limit of CS. */
static int check_limit(struct lodge_emul *e)
{
	u64 last = e->start_rip + e->insn.len - 1;

	if (e->insn.mode == LODGE_MODE_LONG64 ||
	    likely(last <= e->regs->seg[LODGE_CS].limit))
		return LODGE_EMUL_OK;
	return raise_gp0(e);
}

int lodge_emul_redecode(struct lodge_emul *e)
{
	int rc;

	e->hint = false;
	e->start_rip = e->regs->rip;
	rc = lodge_decode(&e->insn, e, e->regs);
	return rc == LODGE_EMUL_OK ? check_limit(e) : rc;
}

static void start(struct lodge_emul *e, const u8 *bytes, unsigned int n)
{
	struct lodge_insn *in = &e->insn;

	e->log.nr = 0;
	e->log.next = 0;
	in->have = min_t(unsigned int, n, LODGE_INSN_MAX);
	if (!bytes)
		in->have = 0;
	else if (in->have == LODGE_INSN_MAX)
		memcpy(in->bytes, bytes, LODGE_INSN_MAX);
	else
		memcpy(in->bytes, bytes, in->have);
}

int lodge_emul_decode(struct lodge_emul *e, const u8 *bytes, unsigned int n)
{
	start(e, bytes, n);
	return lodge_emul_redecode(e);
}

void lodge_emul_reuse(struct lodge_emul *e, const struct lodge_insn *in)
{
	e->log.nr = 0;
	e->log.next = 0;
	e->hint = false;
	e->start_rip = e->regs->rip;
	e->insn = *in;
}

int lodge_emul_length(struct lodge_emul *e, const u8 *bytes, unsigned int n)
{
	struct lodge_insn *in = &e->insn;
	int rc;

	start(e, bytes, n);
	e->start_rip = e->regs->rip;
	lodge_decode_mode(in, e->regs);
	if (!in->have) {
		rc = lodge_fetch(e);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	if (in->have >= 3) {
		in->len = lodge_insn_length_fixed(in->bytes);
		if (in->len)
			return check_limit(e);
	}
	return lodge_emul_redecode(e);
}

int lodge_insn_length(const struct lodge_regs *regs, const u8 *bytes,
		      unsigned int n)
{
	struct lodge_insn in;
	int rc;

	in.have = min_t(unsigned int, n, LODGE_INSN_MAX);
	memcpy(in.bytes, bytes, in.have);
	rc = lodge_decode(&in, NULL, regs);
	return rc ? rc : in.len;
}
