/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How an MSR is described: see msr_table.c. Next: msr_table.c.
 */
#ifndef LODGE_MSR_TABLE_H
#define LODGE_MSR_TABLE_H

#include "lodge.h"

struct lodge_msr;
typedef int (*lodge_msr_reader)(struct lodge_vcpu *vcpu,
				const struct lodge_msr *m, u32 msr, u64 *v,
				bool host);
typedef int (*lodge_msr_writer)(struct lodge_vcpu *vcpu,
				const struct lodge_msr *m, u32 msr, u64 v,
				bool host);

/* struct lodge_msr.flags */
#define LODGE_MSR_SAVED		BIT(0)	/* in KVM_GET_MSR_INDEX_LIST */
#define LODGE_MSR_CANONICAL	BIT(1)	/* an address: else #GP */
#define LODGE_MSR_QUIET		BIT(2)	/* absent, and Linux tries it: no log */

struct lodge_msr {
	u32 first, last;
	u32 flags;
	lodge_msr_reader read;	/* NULL: #GP */
	lodge_msr_writer write;	/* NULL: #GP, the user may write what it reads */
	u16 offset;		/* in struct lodge_vcpu, for the plain ones */
	u16 groups;		/* LODGE_R_* it belongs to */
	u64 value;		/* constant, or bits that may be written */
};

extern const struct lodge_msr lodge_msr_table[];
extern const u32 lodge_msr_table_nr;

#endif /* LODGE_MSR_TABLE_H */
