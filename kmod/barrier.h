/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The feature bits of the host kernel that its barriers against speculation
 * around guests go by, where kernels have different names for them. For
 * barrier.S, which has those at each world switch, and for host_barrier.c, which
 * has the others. docs/SPECULATION.md has the table.
 */
#ifndef LODGE_BARRIER_H
#define LODGE_BARRIER_H

#include <asm/cpufeatures.h>
#include <asm/msr-index.h>

#ifdef X86_FEATURE_CLEAR_BHB_VMEXIT
#define BARRIER_BHB	X86_FEATURE_CLEAR_BHB_VMEXIT
#else
#define BARRIER_BHB	X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#endif
/* Older kernels have a static key of their own for this one. */
#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM_MMIO
#define BARRIER_MMIO	X86_FEATURE_CLEAR_CPU_BUF_VM_MMIO
#else
#define BARRIER_MMIO	X86_BUG_MMIO_STALE_DATA
#endif

#endif /* LODGE_BARRIER_H */
