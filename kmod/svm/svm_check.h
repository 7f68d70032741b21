/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The walk through the AMD manual's rules for the state that VMRUN loads.
 * Pure. Next: svm_check.c.
 */
#ifndef LODGE_SVM_CHECK_H
#define LODGE_SVM_CHECK_H

#include "../check.h"
#include "svm_vmcb.h"

/* What the rules ask of the CPU. */
struct svm_cpu_facts {
	u64 cr4, efer, s_cet;	/* bits that it has */
	u32 asids;		/* address-space ids, 0 included */
	u8 phys_bits;
};

bool svm_check(struct lodge_check *c, const struct svm_vmcb *v,
	       const struct svm_cpu_facts *cpu);

#endif /* LODGE_SVM_CHECK_H */
