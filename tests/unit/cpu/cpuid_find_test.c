// SPDX-License-Identifier: GPL-2.0
/*
 * Entries found, out-of-range leaves, and what follows from CPUID.
 */
#include <stdlib.h>

#include "cpuid_table.h"
#include "tests.h"

#define SIG	KVM_CPUID_FLAG_SIGNIFCANT_INDEX

static struct lodge_cpuid *cpuid_new(void)
{
	return calloc(1, sizeof(struct lodge_cpuid));
}

static struct kvm_cpuid_entry2 *add(struct lodge_cpuid *c, u32 leaf, u32 sub,
				    u32 flags, u32 eax)
{
	struct kvm_cpuid_entry2 *e = &c->entry[c->nr++];

	e->function = leaf;
	e->index = sub;
	e->flags = flags;
	e->eax = eax;
	return e;
}

static void vendor(struct lodge_cpuid *c, u32 max, const char *name)
{
	struct kvm_cpuid_entry2 *e = add(c, 0, 0, 0, max);

	memcpy(&e->ebx, name, 4);
	memcpy(&e->edx, name + 4, 4);
	memcpy(&e->ecx, name + 8, 4);
}

static const struct kvm_cpuid_entry2 *linear(const struct lodge_cpuid *c,
					     u32 leaf, u32 sub)
{
	u32 i;

	for (i = 0; i < c->nr; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entry[i];

		if (e->function == leaf &&
		    (!(e->flags & SIG) || e->index == sub))
			return e;
	}
	return NULL;
}

static u32 random_leaf(u64 *seed)
{
	static const u32 base[] = { 0, 0x40000000, 0x80000000, 0xc0000000,
				    0x40000100, 0x7ffffff0, 0xfffffff0 };
	u64 r = test_random(seed);

	return base[r % ARRAY_SIZE(base)] + (r >> 8) % 80;
}

void test_cpuid_find_as_linear_search(void)
{
	u64 seed = 99;
	u32 round, i;

	for (round = 0; round < 200; round++) {
		struct lodge_cpuid *c = cpuid_new();
		u32 nr = test_random(&seed) % (LODGE_CPUID_MAX + 1);

		for (i = 0; i < nr; i++) {
			u64 r = test_random(&seed);

			add(c, random_leaf(&seed), r % 4, r & 16 ? SIG : 0,
			    i);
		}
		lodge_cpuid_index(c);
		for (i = 0; i < 500; i++) {
			u32 leaf = random_leaf(&seed);
			u32 sub = test_random(&seed) % 5;

			CHECK(lodge_cpuid_find(c, leaf, sub) ==
			      linear(c, leaf, sub));
		}
		free(c);
	}
}

static void fill_ranges(struct lodge_cpuid *c, const char *name)
{
	vendor(c, 7, name);
	add(c, 1, 0, 0, 0x111);
	add(c, 7, 0, SIG, 0x700);
	add(c, 7, 1, SIG, 0x701);
	add(c, 0x40000000, 0, 0, 0x40000001);
	add(c, 0x40000001, 0, 0, 0x4001);
	add(c, 0x80000000, 0, 0, 0x80000008);
	add(c, 0x80000008, 0, 0, 48 << 8 | 40);
	lodge_cpuid_index(c);
	lodge_cpuid_derive(c, 0, 0);
}

static u32 looked_up(const struct lodge_cpuid *c, u32 leaf, u32 sub)
{
	const struct kvm_cpuid_entry2 *e = lodge_cpuid_lookup(c, leaf, sub);

	return e ? e->eax : 0;
}

void test_cpuid_find_out_of_range(void)
{
	struct lodge_cpuid *c = cpuid_new();

	fill_ranges(c, "GenuineIntel");
	CHECK(!c->amd_like);
	CHECK_EQ(looked_up(c, 1, 5), 0x111);
	CHECK_EQ(looked_up(c, 2, 0), 0);	/* in range, not there */
	CHECK_EQ(looked_up(c, 7, 2), 0);
	CHECK_EQ(looked_up(c, 8, 0), 0x700);	/* the last basic leaf */
	CHECK_EQ(looked_up(c, 0x3fffffff, 1), 0x701);
	CHECK_EQ(looked_up(c, 0x40000001, 0), 0x4001);
	CHECK_EQ(looked_up(c, 0x40000002, 0), 0x700);
	CHECK_EQ(looked_up(c, 0x40000100, 0), 0x700);
	CHECK_EQ(looked_up(c, 0x80000007, 0), 0);
	CHECK_EQ(looked_up(c, 0x80000009, 0), 0x700);
	CHECK_EQ(looked_up(c, 0xc0000000, 0), 0x700);
	CHECK_EQ(looked_up(c, ~0U, 3), 0);
	free(c);

	c = cpuid_new();
	fill_ranges(c, "AuthenticAMD");
	CHECK(c->amd_like);
	CHECK_EQ(looked_up(c, 7, 1), 0x701);
	CHECK_EQ(looked_up(c, 8, 0), 0);
	CHECK_EQ(looked_up(c, 0x80000009, 0), 0);
	CHECK_EQ(looked_up(c, 0x40000002, 0), 0);
	free(c);

	c = cpuid_new();
	fill_ranges(c, "HygonGenuine");
	CHECK(c->amd_like);
	free(c);
}

static struct kvm_cpuid_entry2 *kvm_name(struct lodge_cpuid *c, u32 leaf)
{
	struct kvm_cpuid_entry2 *e = add(c, leaf, 0, 0, leaf | 1);

	memcpy(&e->ebx, "KVMK", 4);
	memcpy(&e->ecx, "VMKV", 4);
	memcpy(&e->edx, "M\0\0", 4);
	return e;
}

void test_cpuid_find_derives(void)
{
	struct lodge_cpuid *c = cpuid_new();
	struct kvm_cpuid_entry2 *e;

	vendor(c, 0xd, "GenuineIntel");
	e = add(c, 1, 0, 0, 0);
	e->ecx = BIT(21) | BIT(26);
	e = add(c, 7, 0, SIG, 0);
	e->ebx = BIT(0) | BIT(1) | BIT(7);
	e->ecx = BIT(22);
	e->edx = BIT(29);
	e = add(c, 0xd, 0, SIG, 0x2e7);
	e->edx = 1;
	add(c, 0x40000000, 0, 0, 0x40000001);	/* not KVM's, nor all of its */
	add(c, 0x40000001, 0, 0, 0x31237648);
	kvm_name(c, 0x40000100)->edx = 0;
	add(c, 0x40000101, 0, 0, 0x51);
	kvm_name(c, 0x40000300);
	add(c, 0x40000301, 0, 0, 0x49);
	kvm_name(c, 0x40000400);
	add(c, 0x40000401, 0, 0, 0x61);
	add(c, 0x80000000, 0, 0, 0x80000008);
	e = add(c, 0x80000001, 0, 0, 0);
	e->edx = BIT(20) | BIT(29);
	add(c, 0x80000008, 0, 0, 48 << 8 | 46);
	lodge_cpuid_index(c);
	lodge_cpuid_derive(c, ~LODGE_CR4_SMEP, 7);

	CHECK_EQ(c->maxphyaddr, 46);
	CHECK_EQ(c->xcr0_allowed, 7);
	CHECK_EQ(c->pv_leaf, 0x40000301);
	CHECK_EQ(c->pv_features, 0x49);
	CHECK_EQ(c->efer_reserved, ~(LODGE_EFER_SCE | LODGE_EFER_LME |
				     LODGE_EFER_LMA | LODGE_EFER_NX));
	CHECK(c->has_x2apic && c->has_xsave && c->has_nx && c->has_rdtscp);
	CHECK(c->has_tsc_adjust && c->has_arch_cap);
	CHECK(!c->has_1g && !c->has_tsc_deadline);
	CHECK(!(c->cr4_reserved & LODGE_CR4_FSGSBASE));
	CHECK(!(c->cr4_reserved & LODGE_CR4_OSXSAVE));
	CHECK(!(c->cr4_reserved & (LODGE_CR4_PAE | LODGE_CR4_VME)));
	CHECK(c->cr4_reserved & LODGE_CR4_SMEP);	/* not the host */
	CHECK(c->cr4_reserved & LODGE_CR4_SMAP);	/* not the guest */
	CHECK(c->cr4_reserved & LODGE_CR4_VMXE);
	CHECK(c->cr4_reserved & LODGE_CR4_LA57);
	CHECK(c->cr4_reserved & LODGE_CR4_PCIDE);
	CHECK_EQ(c->cr4_reserved >> 23, ~0ULL >> 23);
	free(c);
}

void test_cpuid_find_without_entries(void)
{
	struct lodge_cpuid *c = cpuid_new();

	lodge_cpuid_index(c);
	lodge_cpuid_derive(c, 0x7ff, 7);
	CHECK_EQ(c->maxphyaddr, 36);
	CHECK_EQ(c->cr4_reserved, ~0x7ffULL);
	CHECK_EQ(c->xcr0_allowed, 0);
	CHECK_EQ(c->efer_reserved, ~LODGE_EFER_SCE);
	CHECK(!c->amd_like);
	CHECK(!lodge_cpuid_lookup(c, 0, 0));
	CHECK(!lodge_cpuid_lookup(c, ~0U, ~0U));
	free(c);
}

void test_cpuid_find_valid(void)
{
	struct kvm_cpuid_entry2 e[2] = {
		{ .function = 1, .eax = 0x1234 },
		{ .function = 0x80000008 },
	};
	u32 bits;

	CHECK(lodge_cpuid_valid(e, 0));
	for (bits = 0; bits < 256; bits++) {
		e[1].eax = bits << 8 | 40;
		CHECK_EQ(lodge_cpuid_valid(e, 2),
			 bits == 0 || bits == 48 || bits == 57);
	}
}
