/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segment and system descriptors, as memory holds them.
 *
 * Shared by descriptor.c, far.c and dtable.c. Next: descriptor.c.
 */
#ifndef LODGE_EMUL_DESCRIPTOR_H
#define LODGE_EMUL_DESCRIPTOR_H

#include "internal.h"

struct lodge_desc {
	u64 lo;
	u64 hi;			/* system descriptors in long mode */
	gva_t addr;
	u16 sel;
};

#define DESC_ACCESSED	BIT_ULL(40)
#define DESC_RW		BIT_ULL(41)	/* writable data, readable code */
#define DESC_TSS_BUSY	BIT_ULL(41)
#define DESC_CONFORMING	BIT_ULL(42)
#define DESC_CODE	BIT_ULL(43)
#define DESC_S		BIT_ULL(44)
#define DESC_DPL	GENMASK_ULL(46, 45)
#define DESC_P		BIT_ULL(47)
#define DESC_L		BIT_ULL(53)
#define DESC_DB		BIT_ULL(54)

/* What a selector stands for in virtual-8086 mode. */
static inline struct lodge_seg lodge_seg_v86(u16 sel)
{
	return (struct lodge_seg){
		.sel = sel, .base = (u32)sel << 4, .limit = 0xffff, .ar = 0xf3,
	};
}

int lodge_raise_sel(struct lodge_emul *e, u8 vector, u16 sel);
int lodge_desc_read(struct lodge_emul *e, u16 sel, struct lodge_desc *d);
int lodge_desc_read_high(struct lodge_emul *e, struct lodge_desc *d);
int lodge_desc_mark(struct lodge_emul *e, struct lodge_desc *d, u64 bit);
void lodge_desc_to_seg(const struct lodge_desc *d, struct lodge_seg *s);
int lodge_desc_check_ss(struct lodge_emul *e, struct lodge_desc *d,
			unsigned int level);
int lodge_desc_check_cs(struct lodge_emul *e, struct lodge_desc *d,
			unsigned int level, bool ret);

#endif /* LODGE_EMUL_DESCRIPTOR_H */
