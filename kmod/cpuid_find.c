// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of a guest's CPUID: found fast, and what follows from them.
 *
 * Called by cpuid.c. Pure. Next: cpuid.c.
 */
#include "cpuid_table.h"

#define CPUID_EXT_LEAVES	64
#define CPUID_HV_LEAVES		16
#define CPUID_BASIC_LEAVES	48

static_assert(CPUID_EXT_LEAVES + CPUID_HV_LEAVES + CPUID_BASIC_LEAVES ==
	      LODGE_CPUID_SLOTS);

/* The slot of a leaf in first[], or -1: it has none. */
static int cpuid_slot(u32 leaf)
{
	if (leaf < CPUID_BASIC_LEAVES)
		return leaf;
	if (leaf - LODGE_CPUID_EXT < CPUID_EXT_LEAVES)
		return leaf - LODGE_CPUID_EXT + CPUID_BASIC_LEAVES;
	if (leaf - LODGE_CPUID_HV < CPUID_HV_LEAVES)
		return leaf - LODGE_CPUID_HV + CPUID_BASIC_LEAVES +
		       CPUID_EXT_LEAVES;
	return -1;
}

static bool cpuid_match(const struct kvm_cpuid_entry2 *e, u32 leaf, u32 sub)
{
	if (e->function != leaf)
		return false;
	return !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == sub;
}

/**
 * lodge_cpuid_index() - make the entries of a guest findable
 * @c: with nr and entry[] filled
 *
 * Entries of one leaf are chained in the order in which the user gave them.
 */
void lodge_cpuid_index(struct lodge_cpuid *c)
{
	u32 i;

	memset(c->first, 0, sizeof(c->first));
	memset(c->next, 0, sizeof(c->next));
	for (i = c->nr; i-- > 0;) {
		int slot = cpuid_slot(c->entry[i].function);

		if (slot < 0)
			continue;
		c->next[i] = c->first[slot];
		c->first[slot] = i + 1;
	}
}

/**
 * lodge_cpuid_find() - the entry of a leaf and subleaf
 * @c: indexed
 * @leaf: EAX
 * @sub: ECX
 *
 * Return: entry, or NULL: there is none.
 */
const struct kvm_cpuid_entry2 *lodge_cpuid_find(const struct lodge_cpuid *c,
						u32 leaf, u32 sub)
{
	int slot = cpuid_slot(leaf);
	u32 i;

	if (slot >= 0) {
		for (i = c->first[slot]; i; i = c->next[i - 1]) {
			if (cpuid_match(&c->entry[i - 1], leaf, sub))
				return &c->entry[i - 1];
		}
		return NULL;
	}
	for (i = 0; i < c->nr; i++) {
		if (cpuid_match(&c->entry[i], leaf, sub))
			return &c->entry[i];
	}
	return NULL;
}

/* The leaf that says how far the range of @leaf goes. */
static u32 cpuid_class(u32 leaf)
{
	if (leaf >= 0x40000000 && leaf <= 0x4fffffff)
		return leaf & 0xffffff00;
	if (leaf >= 0xc0000000)
		return 0xc0000000;
	return leaf & 0x80000000;
}

/**
 * lodge_cpuid_lookup() - as lodge_cpuid_find(), leaves out of range too
 * @c: indexed
 * @leaf: EAX
 * @sub: ECX
 *
 * Beyond the last leaf of a range Intel's CPUs answer with the last basic
 * leaf, AMD's with zeros.
 * Intel manual: "CPUID - CPU Identification".
 *
 * Return: entry, or NULL: all registers are zero.
 */
const struct kvm_cpuid_entry2 *lodge_cpuid_lookup(const struct lodge_cpuid *c,
						  u32 leaf, u32 sub)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(c, leaf, sub);
	const struct kvm_cpuid_entry2 *basic, *top;

	if (e || c->amd_like)
		return e;
	basic = lodge_cpuid_find(c, 0, 0);
	if (!basic)
		return NULL;
	top = lodge_cpuid_find(c, cpuid_class(leaf), 0);
	if (top && leaf <= top->eax)
		return NULL;
	return lodge_cpuid_find(c, basic->eax, sub);
}

static u32 cpuid_reg(const struct lodge_cpuid *c, u32 leaf, u32 sub, u32 reg)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(c, leaf, sub);

	if (!e)
		return 0;
	switch (reg) {
	case 0:
		return e->eax;
	case 1:
		return e->ebx;
	case 2:
		return e->ecx;
	default:
		return e->edx;
	}
}

#define CPUID_CR4_ALWAYS						\
	(LODGE_CR4_VME | LODGE_CR4_PVI | LODGE_CR4_TSD | LODGE_CR4_DE |	\
	 LODGE_CR4_PSE | LODGE_CR4_PAE | LODGE_CR4_MCE | LODGE_CR4_PGE |\
	 LODGE_CR4_PCE | LODGE_CR4_OSFXSR | LODGE_CR4_OSXMMEXCPT)

/* CR4 bits that need a CPUID bit. */
static const struct cpuid_cr4 {
	u32 leaf, reg, bit;
	u64 cr4;
} cpuid_cr4[] = {
	{ 1, 2, 17, LODGE_CR4_PCIDE },
	{ 1, 2, 26, LODGE_CR4_OSXSAVE },
	{ 7, 1, 0, LODGE_CR4_FSGSBASE },
	{ 7, 1, 7, LODGE_CR4_SMEP },
	{ 7, 1, 20, LODGE_CR4_SMAP },
	{ 7, 2, 2, LODGE_CR4_UMIP },
	{ 7, 2, 3, LODGE_CR4_PKE },
};

/**
 * lodge_cpuid_cr4() - CR4 bits that a guest's CPUID allows
 * @c: indexed
 */
u64 lodge_cpuid_cr4(const struct lodge_cpuid *c)
{
	u64 allowed = CPUID_CR4_ALWAYS;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cpuid_cr4); i++) {
		const struct cpuid_cr4 *q = &cpuid_cr4[i];

		if (cpuid_reg(c, q->leaf, 0, q->reg) & BIT(q->bit))
			allowed |= q->cr4;
	}
	return allowed;
}

static u64 cpuid_efer_reserved(u32 ext_edx)
{
	u64 allowed = LODGE_EFER_SCE;

	if (ext_edx & BIT(29))
		allowed |= LODGE_EFER_LME | LODGE_EFER_LMA;
	if (ext_edx & BIT(20))
		allowed |= LODGE_EFER_NX;
	if (ext_edx & BIT(25))
		allowed |= LODGE_EFER_FFXSR;
	return ~allowed;
}

static bool cpuid_amd_like(const struct lodge_cpuid *c)
{
	static const char names[2][13] = { "AuthenticAMD", "HygonGenuine" };
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_find(c, 0, 0);
	u32 id[3];

	if (!e)
		return false;
	id[0] = e->ebx;
	id[1] = e->edx;
	id[2] = e->ecx;
	return !memcmp(id, names[0], sizeof(id)) ||
	       !memcmp(id, names[1], sizeof(id));
}

/*
 * Behind KVM's name, which may come after those of other interfaces, in steps of
 * 0x100. KVM's documentation: "KVM CPUID bits".
 */
static u32 cpuid_pv_leaf(const struct lodge_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e;
	u32 base, id[3];

	for (base = LODGE_CPUID_HV; base < LODGE_CPUID_HV_END; base += 0x100) {
		e = lodge_cpuid_find(c, base, 0);
		if (!e)
			continue;
		id[0] = e->ebx;
		id[1] = e->ecx;
		id[2] = e->edx;
		if (!memcmp(id, LODGE_CPUID_KVM, sizeof(id)))
			return base | 1;
	}
	return 0;
}

/**
 * lodge_cpuid_derive() - what a guest may do, by its CPUID
 * @c: indexed
 * @cr4_supported: CR4 bits that any guest can have here
 * @xcr0: XCR0 bits that any guest can have here
 *
 * A guest that was given no CPUID at all may set every CR4 bit there is.
 */
void lodge_cpuid_derive(struct lodge_cpuid *c, u64 cr4_supported, u64 xcr0)
{
	u32 edx = cpuid_reg(c, 0x80000001, 0, 3);
	u32 ecx = cpuid_reg(c, 1, 0, 2);

	c->amd_like = cpuid_amd_like(c);
	c->cr4_reserved = ~cr4_supported;
	if (c->nr)
		c->cr4_reserved |= ~lodge_cpuid_cr4(c);
	c->efer_reserved = cpuid_efer_reserved(edx);
	c->has_nx = edx & BIT(20);
	c->has_1g = edx & BIT(26);
	c->has_rdtscp = (edx & BIT(27)) || (cpuid_reg(c, 7, 0, 2) & BIT(22));
	c->has_sse3 = ecx & BIT(0);
	c->has_x2apic = ecx & BIT(21);
	c->has_tsc_deadline = ecx & BIT(24);
	c->has_xsave = ecx & BIT(26);
	c->has_tsc_adjust = cpuid_reg(c, 7, 0, 1) & BIT(1);
	c->has_invpcid = cpuid_reg(c, 7, 0, 1) & BIT(10);
	c->has_xsaves = cpuid_reg(c, 0xd, 1, 0) & BIT(3);
	c->has_arch_cap = cpuid_reg(c, 7, 0, 3) & BIT(29);
	c->pv_leaf = cpuid_pv_leaf(c);
	c->pv_features = c->pv_leaf ? cpuid_reg(c, c->pv_leaf, 0, 0) : 0;
	c->xcr0_allowed = (cpuid_reg(c, 0xd, 0, 0) |
			   (u64)cpuid_reg(c, 0xd, 0, 3) << 32) & xcr0;
	c->maxphyaddr = 36;
	if (cpuid_reg(c, LODGE_CPUID_EXT, 0, 0) >= 0x80000008)
		c->maxphyaddr = min_t(u32, 52, cpuid_reg(c, 0x80000008, 0, 0) &
				      0xff);
}

/**
 * lodge_cpuid_valid() - may this be a guest's CPUID?
 * @e: entries of the user
 * @nr: how many
 *
 * The linear address size must be one that the canonical checks know.
 */
bool lodge_cpuid_valid(const struct kvm_cpuid_entry2 *e, u32 nr)
{
	u32 i, bits;

	for (i = 0; i < nr; i++) {
		if (e[i].function != 0x80000008)
			continue;
		bits = (e[i].eax >> 8) & 0xff;
		if (bits != 48 && bits != 57 && bits != 0)
			return false;
	}
	return true;
}
