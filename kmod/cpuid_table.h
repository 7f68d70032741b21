/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUID as data: what a guest may be shown of the host's, and how an entry
 * is found. Pure. Next: cpuid_table.c, cpuid_find.c.
 */
#ifndef LODGE_CPUID_TABLE_H
#define LODGE_CPUID_TABLE_H

#include "cpu.h"

#define LODGE_CPUID_HV		0x40000000U	/* KVM's leaves, as a rule */
#define LODGE_CPUID_HV_END	0x40010000U
#define LODGE_CPUID_KVM		"KVMKVMKVM\0\0\0"	/* EBX, ECX, EDX */
#define LODGE_CPUID_EXT		0x80000000U

/* What lodge_cpuid_build() wants to know of the host. */
struct lodge_cpuid_host {
	void (*read)(u32 leaf, u32 sub, u32 *r);	/* eax to edx */
	/* Bits of a register the host kernel uses; ~0 if it has no opinion. */
	u32 (*kernel)(u32 leaf, u32 sub, u32 reg);
	u32 (*xsave_size)(u64 xcr0, bool compacted);
	u64 xcr0;		/* that guests may have; 0: no XSAVE */
	u32 pv_features;	/* that guests may have */
};

int lodge_cpuid_build(const struct lodge_cpuid_host *host,
		      struct kvm_cpuid_entry2 *e, u32 room);

bool lodge_cpuid_valid(const struct kvm_cpuid_entry2 *e, u32 nr);
void lodge_cpuid_index(struct lodge_cpuid *c);
void lodge_cpuid_derive(struct lodge_cpuid *c, u64 cr4_supported, u64 xcr0);
const struct kvm_cpuid_entry2 *lodge_cpuid_find(const struct lodge_cpuid *c,
						u32 leaf, u32 sub);
const struct kvm_cpuid_entry2 *lodge_cpuid_lookup(const struct lodge_cpuid *c,
						  u32 leaf, u32 sub);
u64 lodge_cpuid_cr4(const struct lodge_cpuid *c);

#endif /* LODGE_CPUID_TABLE_H */
