/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPUID leaves of one vCPU, made from those the hypervisor can give.
 *
 * Called by vcpu.c; pure, so that a unit test can feed it any table.
 * Read next: cpuid.c.
 */
#ifndef LODGE_CPUID_H
#define LODGE_CPUID_H

#include <stdbool.h>
#include <linux/kvm.h>

/* Room that lodge_cpuid_fix() may need beyond the table it is given. */
#define LODGE_CPUID_EXTRA	4

/**
 * lodge_cpuid_fix() - make a table of supported leaves that of one vCPU
 * @cpuid: changed in place; has room for LODGE_CPUID_EXTRA more entries
 * @id: the vCPU's number, which is its APIC id
 * @cpus: how many vCPUs there are; they are the cores of one package
 * @tsc_deadline: whether the APIC timer has a TSC-deadline mode
 */
void lodge_cpuid_fix(struct kvm_cpuid2 *cpuid, unsigned int id,
		     unsigned int cpus, bool tsc_deadline);

/**
 * lodge_cpuid_address_bits() - width of a guest-physical address
 * @cpuid: supported leaves
 *
 * Return: bits, at most 52.
 */
unsigned int lodge_cpuid_address_bits(struct kvm_cpuid2 *cpuid);

#endif /* LODGE_CPUID_H */
