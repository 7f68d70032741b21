// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID leaves of a vCPU; see cpuid.h for who calls this.
 *
 * What the hypervisor reports as supported describes no particular CPU: the
 * fields that say who and how many we are still hold the host's. Follows the
 * CPUID chapters of the Intel SDM and the AMD APM.
 * Read next: vcpu.c.
 */
#include "cpuid.h"

#include <stddef.h>
#include <stdint.h>

#define CPUID_1_ECX_X2APIC	(1u << 21)
#define CPUID_1_ECX_DEADLINE	(1u << 24)
#define CPUID_1_ECX_HYPERVISOR	(1u << 31)
#define CPUID_1_EDX_HTT		(1u << 28)
#define CPUID_81_ECX_CMP_LEGACY	(1u << 1)

/* Cache leaves 4 and 0x8000001d: level, and what shares the cache. */
#define CACHE_TYPE(eax)		((eax) & 0x1f)
#define CACHE_LEVEL(eax)	((eax) >> 5 & 7)

#define TOPO_SMT		1
#define TOPO_CORE		2

struct cpuid_topo {
	unsigned int id;
	unsigned int cpus;
	unsigned int shift;	/* bits of the APIC id that number the cores */
	bool tsc_deadline;
};

static void fix_1(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	unsigned int cpus = t->cpus < 255 ? t->cpus : 255;

	e->ebx = (e->ebx & 0xffff) | cpus << 16 | t->id << 24;
	e->ecx |= CPUID_1_ECX_HYPERVISOR;
	if (t->tsc_deadline)
		e->ecx |= CPUID_1_ECX_DEADLINE;
	if (t->cpus > 1)
		e->edx |= CPUID_1_EDX_HTT;
	else
		e->edx &= ~CPUID_1_EDX_HTT;
}

/* L3 is the package's, the other levels are each core's own. */
static uint32_t cache_sharing(uint32_t eax, const struct cpuid_topo *t)
{
	uint32_t sharing = CACHE_LEVEL(eax) >= 3 ? (1u << t->shift) - 1 : 0;

	return (eax & ~(0xfffu << 14)) | (sharing & 0xfff) << 14;
}

static void fix_4(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	if (!CACHE_TYPE(e->eax))
		return;
	e->eax = cache_sharing(e->eax, t) & ~(0x3fu << 26);
	e->eax |= (((1u << t->shift) - 1) & 0x3f) << 26;
}

/* Leaves 0xb and 0x1f are rebuilt by topo_build(); only their head stays. */
static void fix_topo(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	e->edx = t->id;
	e->eax = e->index == 1 ? t->shift : 0;
	e->ebx = e->index == 0 ? 1 : e->index == 1 ? t->cpus : 0;
	e->ecx = e->index | (e->index == 0 ? TOPO_SMT << 8 :
			     e->index == 1 ? TOPO_CORE << 8 : 0);
}

static void fix_81(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	if (t->cpus > 1)
		e->ecx |= CPUID_81_ECX_CMP_LEGACY;
	else
		e->ecx &= ~CPUID_81_ECX_CMP_LEGACY;
}

static void fix_88(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	/* Reserved on Intel, where the whole register is 0. */
	if (e->ecx || t->cpus > 1)
		e->ecx = (e->ecx & ~0xf0ffu) | t->shift << 12 |
			 ((t->cpus - 1) & 0xff);
}

static void fix_8_1d(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	if (CACHE_TYPE(e->eax))
		e->eax = cache_sharing(e->eax, t);
}

static void fix_8_1e(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t)
{
	e->eax = t->id;
	e->ebx = t->id & 0xff;
	e->ecx = 0;
}

static const struct {
	uint32_t leaf;
	void (*fix)(struct kvm_cpuid_entry2 *e, const struct cpuid_topo *t);
} cpuid_fixes[] = {
	{ 0x00000001, fix_1 },
	{ 0x00000004, fix_4 },
	{ 0x0000000b, fix_topo },
	{ 0x0000001f, fix_topo },
	{ 0x80000001, fix_81 },
	{ 0x80000008, fix_88 },
	{ 0x8000001d, fix_8_1d },
	{ 0x8000001e, fix_8_1e },
};

static struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid,
					   uint32_t leaf, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

static bool cpuid_is_amd(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 0, 0);

	/* "AuthenticAMD", "HygonGenuine" */
	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

/* See that levels 0 to 2 of a topology leaf exist, the last one empty. */
static void topo_build(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	struct kvm_cpuid_entry2 *e;
	uint32_t index;

	if (!cpuid_find(cpuid, leaf, 0))
		return;
	for (index = 1; index <= 2; index++) {
		if (cpuid_find(cpuid, leaf, index))
			continue;
		e = &cpuid->entries[cpuid->nent++];
		*e = (struct kvm_cpuid_entry2){
			.function = leaf, .index = index,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		};
	}
}

unsigned int lodge_cpuid_address_bits(struct kvm_cpuid2 *cpuid)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 0x80000008, 0);
	unsigned int bits = e ? e->eax & 0xff : 0;

	/* What a CPU has that does not say; 52 is what page tables can hold. */
	if (!bits)
		return 36;
	return bits < 52 ? bits : 52;
}

void lodge_cpuid_fix(struct kvm_cpuid2 *cpuid, unsigned int id,
		     unsigned int cpus, bool tsc_deadline)
{
	struct cpuid_topo t = {
		.id = id, .cpus = cpus, .tsc_deadline = tsc_deadline,
	};
	struct kvm_cpuid_entry2 *e;
	bool amd = cpuid_is_amd(cpuid);
	uint32_t i;
	size_t k;

	while (1u << t.shift < cpus)
		t.shift++;
	topo_build(cpuid, 0x0b);
	topo_build(cpuid, 0x1f);
	for (i = 0; i < cpuid->nent; i++) {
		e = &cpuid->entries[i];
		for (k = 0; k < sizeof(cpuid_fixes) / sizeof(cpuid_fixes[0]);
		     k++) {
			if (cpuid_fixes[k].leaf != e->function)
				continue;
			if (e->function >> 31 && !amd)
				continue;
			cpuid_fixes[k].fix(e, &t);
		}
	}
}
