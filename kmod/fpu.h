/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XSAVE area: layout, and the rules for what a user may put there.
 *
 * xarea.c is pure. Next: fpu.c.
 */
#ifndef LODGE_FPU_H
#define LODGE_FPU_H

#include "pure.h"

/* Components: bits of XCR0 and of the area's header. */
#define LODGE_XF_X87		BIT_ULL(0)
#define LODGE_XF_SSE		BIT_ULL(1)
#define LODGE_XF_YMM		BIT_ULL(2)
#define LODGE_XF_AVX512		GENMASK_ULL(7, 5)
#define LODGE_XF_PKRU		BIT_ULL(9)
#define LODGE_XF_NR		10

#define LODGE_MXCSR_DEFAULT		0x1f80U
#define LODGE_MXCSR_MASK_DEFAULT	0xffbfU
#define LODGE_FCW_DEFAULT		0x37fU

struct lodge_fxsave {
	u16 fcw, fsw;
	u8 ftw, pad;		/* a bit a register: 0 means empty */
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[8][16];
	u8 xmm[16][16];
	u8 rest[96];
};
static_assert(sizeof(struct lodge_fxsave) == 512);

struct lodge_xarea {
	struct lodge_fxsave fx;
	u64 xstate_bv, xcomp_bv;
	u64 reserved[6];
	u8 more[];
};
static_assert(sizeof(struct lodge_xarea) == 576);

/* Where a component is, in the standard format. */
struct lodge_xstate {
	u32 offset, size;
	bool align;		/* to 64 bytes, in the compacted format */
};

u32 lodge_xstate_size(const struct lodge_xstate *state, u64 xcr0,
		      bool compacted);
void lodge_xarea_init(struct lodge_xarea *x, u32 size, u32 mxcsr_mask);
bool lodge_xarea_valid(const struct lodge_xarea *x, u64 features,
		       u32 mxcsr_mask);
void lodge_xarea_copy(struct lodge_xarea *to, const struct lodge_xarea *from,
		      const struct lodge_xstate *state, u64 bv);

/* fpu.c: the host's */
u32 lodge_fpu_mxcsr_mask(void);
const struct lodge_xstate *lodge_fpu_states(void);

#endif /* LODGE_FPU_H */
