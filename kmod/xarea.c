// SPDX-License-Identifier: GPL-2.0
/*
 * XSAVE areas as data: sizes, the initial state, and what XRSTOR accepts.
 *
 * Called by fpu.c and xsave.c. Pure. Next: fpu.c.
 */
#include "fpu.h"

/* Any of these brings MXCSR. */
#define XF_MXCSR	(LODGE_XF_X87 | LODGE_XF_SSE | LODGE_XF_YMM)

/**
 * lodge_xstate_size() - bytes of an area
 * @state: where the host's components are, LODGE_XF_NR of them
 * @xcr0: components in it
 * @compacted: as XSAVEC lays it out, else the standard format
 *
 * Intel manual: "XSAVE Area".
 */
u32 lodge_xstate_size(const struct lodge_xstate *state, u64 xcr0,
		      bool compacted)
{
	u32 size = sizeof(struct lodge_xarea);
	u32 i;

	for (i = 2; i < LODGE_XF_NR; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		if (!compacted) {
			size = max_t(u32, size,
				     state[i].offset + state[i].size);
			continue;
		}
		if (state[i].align)
			size = (size + 63) & ~63U;
		size += state[i].size;
	}
	return size;
}

/**
 * lodge_xarea_init() - the state after power-on
 * @x: area
 * @size: its bytes
 * @mxcsr_mask: bits that MXCSR has
 *
 * All components are marked initial, and memory says the same.
 */
void lodge_xarea_init(struct lodge_xarea *x, u32 size, u32 mxcsr_mask)
{
	memset(x, 0, size);
	x->fx.fcw = LODGE_FCW_DEFAULT;
	x->fx.mxcsr = LODGE_MXCSR_DEFAULT;
	x->fx.mxcsr_mask = mxcsr_mask;
}

/**
 * lodge_xarea_valid() - will XRSTOR take this?
 * @x: header and legacy part
 * @features: components there can be
 * @mxcsr_mask: bits that MXCSR has
 *
 * Intel manual: "XRSTOR - Restore Processor Extended States".
 */
bool lodge_xarea_valid(const struct lodge_xarea *x, u64 features,
		       u32 mxcsr_mask)
{
	u32 i;

	if (x->xstate_bv & ~features)
		return false;
	if (x->xcomp_bv)
		return false;
	for (i = 0; i < ARRAY_SIZE(x->reserved); i++) {
		if (x->reserved[i])
			return false;
	}
	if (!(x->xstate_bv & XF_MXCSR))
		return true;
	return !(x->fx.mxcsr & ~mxcsr_mask);
}

/**
 * lodge_xarea_copy() - the components of one area into another
 * @to: initial, see lodge_xarea_init()
 * @from: valid, see lodge_xarea_valid()
 * @state: where the host's components are
 * @bv: components to copy
 */
void lodge_xarea_copy(struct lodge_xarea *to, const struct lodge_xarea *from,
		      const struct lodge_xstate *state, u64 bv)
{
	u32 i;

	to->xstate_bv = bv;
	if (bv & LODGE_XF_X87) {
		memcpy(&to->fx, &from->fx, offsetof(struct lodge_fxsave, mxcsr));
		memcpy(to->fx.st, from->fx.st, sizeof(to->fx.st));
	}
	if (bv & LODGE_XF_SSE)
		memcpy(to->fx.xmm, from->fx.xmm, sizeof(to->fx.xmm));
	if (bv & XF_MXCSR)
		to->fx.mxcsr = from->fx.mxcsr;
	for (i = 2; i < LODGE_XF_NR; i++) {
		if (bv & BIT_ULL(i))
			memcpy((u8 *)to + state[i].offset,
			       (const u8 *)from + state[i].offset,
			       state[i].size);
	}
}
