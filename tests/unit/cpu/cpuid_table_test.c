// SPDX-License-Identifier: GPL-2.0
/*
 * What guests are shown of made-up hosts, and of this one.
 */
#include <cpuid.h>

#include "cpuid_table.h"
#include "tests.h"

#define MAX	LODGE_CPUID_MAX

static struct kvm_cpuid_entry2 out[MAX];
static u32 top_basic, top_ext, phys_bits;
static u32 kernel_mask;		/* of leaf 1 ECX, for the one test of it */

/* A host that has every bit there is, in every leaf up to its last ones. */
static void all_read(u32 leaf, u32 sub, u32 *r)
{
	u32 i;

	for (i = 0; i < 4; i++)
		r[i] = ~0U;
	if (leaf == 0) {
		r[0] = top_basic;
		memcpy(&r[1], "GenuntelineI", 12);	/* EBX, ECX, EDX */
	} else if (leaf == 0x80000000) {
		r[0] = top_ext;
	} else if ((leaf == 4 || leaf == 0x8000001d) && sub >= 4) {
		r[0] = 0;
	} else if (leaf == 0x80000008) {
		r[0] = phys_bits | 57 << 8;
	}
}

static u32 all_kernel(u32 leaf, u32 sub, u32 reg)
{
	return leaf == 1 && reg == 2 ? kernel_mask : ~0U;
}

static u32 sizes(u64 xcr0, bool compacted)
{
	return compacted ? 1000 : 2000;
}

static struct lodge_cpuid_host host_all(void)
{
	struct lodge_cpuid_host host = {
		.read = all_read,
		.kernel = all_kernel,
		.xsave_size = sizes,
		.xcr0 = 0x2e7,
		.pv_features = 0x1000049,
	};

	top_basic = 0x20;
	top_ext = 0x80000008;
	kernel_mask = ~0U;
	phys_bits = 46;
	return host;
}

static const struct kvm_cpuid_entry2 *find(int nr, u32 leaf, u32 sub)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (out[i].function == leaf && out[i].index == sub)
			return &out[i];
	}
	return NULL;
}

static int order(const struct kvm_cpuid_entry2 *a,
		 const struct kvm_cpuid_entry2 *b)
{
	if (a->function != b->function)
		return a->function < b->function ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void check_order(int nr)
{
	int i;

	for (i = 1; i < nr; i++)
		CHECK(order(&out[i - 1], &out[i]) < 0);
	for (i = 0; i < nr; i++)
		CHECK(!out[i].padding[0] && !out[i].padding[1] &&
		      !out[i].padding[2]);
}

#define NO(reg, bit)	CHECK(!((reg) & BIT(bit)))
#define YES(reg, bit)	CHECK((reg) & BIT(bit))

static void check_hidden(int nr)
{
	const struct kvm_cpuid_entry2 *e = find(nr, 1, 0);

	NO(e->ecx, 2);		/* DTES64 */
	NO(e->ecx, 3);		/* MONITOR */
	NO(e->ecx, 5);		/* VMX */
	NO(e->ecx, 6);		/* SMX */
	NO(e->ecx, 15);		/* PDCM */
	NO(e->ecx, 24);		/* TSC deadline: the user says so */
	NO(e->ecx, 27);		/* OSXSAVE: the guest says so */
	NO(e->edx, 21);		/* debug store */
	NO(e->edx, 22);		/* ACPI thermal */
	NO(e->edx, 28);		/* hyper-threading */
	CHECK_EQ(e->ebx >> 16, 0);
	e = find(nr, 7, 0);
	NO(e->ebx, 2);		/* SGX */
	NO(e->ebx, 12);		/* RDT-M */
	NO(e->ebx, 14);		/* MPX */
	NO(e->ebx, 25);		/* processor trace */
	NO(e->ecx, 4);		/* OSPKE */
	NO(e->ecx, 5);		/* WAITPKG */
	NO(e->ecx, 7);		/* CET shadow stacks */
	NO(e->ecx, 16);		/* LA57 */
	NO(e->ecx, 24);		/* bus lock detect */
	NO(e->ecx, 29);		/* ENQCMD */
	NO(e->edx, 5);		/* user interrupts */
	NO(e->edx, 20);		/* CET IBT */
	NO(e->edx, 22);		/* AMX */
	NO(e->edx, 24);
	NO(e->edx, 25);
	NO(e->edx, 26);		/* SPEC_CTRL */
	NO(e->edx, 27);
	NO(e->edx, 28);
	NO(e->edx, 31);
}

void test_cpuid_table_hides_what_guests_cannot_use(void)
{
	struct lodge_cpuid_host host = host_all();
	const struct kvm_cpuid_entry2 *e;
	int nr = lodge_cpuid_build(&host, out, MAX);

	CHECK(nr > 20 && nr <= 100);
	check_order(nr);
	check_hidden(nr);
	e = find(nr, 0, 0);
	CHECK_EQ(e->eax, 0x1f);
	e = find(nr, 1, 0);
	YES(e->ecx, 21);
	YES(e->ecx, 31);
	YES(e->ecx, 26);
	YES(e->ecx, 28);
	YES(e->edx, 9);
	YES(e->edx, 25);
	e = find(nr, 7, 0);
	CHECK(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	CHECK_EQ(e->eax, 1);
	YES(e->ebx, 1);
	YES(e->ebx, 16);
	YES(e->ecx, 3);
	YES(e->edx, 29);
	CHECK(find(nr, 7, 1));
	CHECK(!find(nr, 7, 2));
	e = find(nr, 0xa, 0);
	CHECK(!e->eax && !e->ebx && !e->ecx && !e->edx);
	e = find(nr, 0xb, 0);
	CHECK(!e->eax && !e->ebx && !e->ecx && !e->edx);
	e = find(nr, 0x80000007, 0);
	CHECK_EQ(e->edx, 0x100);
	e = find(nr, 0x80000008, 0);
	CHECK_EQ(e->eax, 46 | 48 << 8);
	NO(e->ebx, 12);
	phys_bits = 52;
	CHECK_EQ(lodge_cpuid_build(&host, out, MAX), nr);
	CHECK_EQ(find(nr, 0x80000008, 0)->eax, 48 | 48 << 8);
	CHECK(!find(nr, 0x80000021, 0));
	CHECK(!find(nr, 0x14, 0) && !find(nr, 0x12, 0));
	e = find(nr, 0x40000000, 0);
	CHECK_EQ(e->eax, 0x40000001);
	CHECK(!memcmp(&e->ebx, "KVMKVMKVM\0\0\0", 12));
	CHECK_EQ(find(nr, 0x40000001, 0)->eax, 0x1000049);
}

static void check_xsave(int nr)
{
	const struct kvm_cpuid_entry2 *e = find(nr, 0xd, 0);
	u32 i;

	CHECK_EQ(e->eax, 0x2e7);
	CHECK_EQ(e->ebx, 2000);
	CHECK_EQ(e->ecx, 2000);
	CHECK_EQ(e->edx, 0);
	e = find(nr, 0xd, 1);
	CHECK_EQ(e->eax, 15);
	CHECK_EQ(e->ebx, 1000);
	CHECK_EQ(e->ecx, 0);
	CHECK_EQ(e->edx, 0);
	for (i = 2; i < 64; i++)
		CHECK_EQ(!!find(nr, 0xd, i), !!(0x2e7 & BIT_ULL(i)));
	NO(find(nr, 0xd, 2)->ecx, 0);
}

void test_cpuid_table_without_xsave_has_no_avx(void)
{
	struct lodge_cpuid_host host = host_all();
	const struct kvm_cpuid_entry2 *e;
	int nr = lodge_cpuid_build(&host, out, MAX);

	check_xsave(nr);

	host.xcr0 = 7;
	nr = lodge_cpuid_build(&host, out, MAX);
	YES(find(nr, 1, 0)->ecx, 28);
	e = find(nr, 7, 0);
	YES(e->ebx, 5);
	NO(e->ebx, 16);
	NO(e->ebx, 31);
	NO(e->ecx, 3);
	NO(e->ecx, 14);
	CHECK_EQ(find(nr, 0xd, 0)->eax, 7);

	host.xcr0 = 0;
	nr = lodge_cpuid_build(&host, out, MAX);
	e = find(nr, 1, 0);
	NO(e->ecx, 26);
	NO(e->ecx, 28);
	NO(e->ecx, 12);
	NO(e->ecx, 29);
	e = find(nr, 7, 0);
	NO(e->ebx, 5);
	YES(e->ebx, 3);
	NO(e->ecx, 9);
	e = find(nr, 0xd, 0);
	CHECK(!e->eax && !e->ebx && !e->ecx && !e->edx);
	CHECK(!find(nr, 0xd, 1));
	NO(find(nr, 0x80000001, 0)->ecx, 16);
}

void test_cpuid_table_obeys_the_host_kernel(void)
{
	struct lodge_cpuid_host host = host_all();
	int nr;

	kernel_mask = ~(u32)(BIT(30) | BIT(21));
	nr = lodge_cpuid_build(&host, out, MAX);
	NO(find(nr, 1, 0)->ecx, 30);
	YES(find(nr, 1, 0)->ecx, 21);	/* Lodge's own */
	YES(find(nr, 1, 0)->ecx, 25);
}

void test_cpuid_table_needs_room(void)
{
	struct lodge_cpuid_host host = host_all();
	int nr = lodge_cpuid_build(&host, out, MAX), i;

	for (i = 0; i < nr; i++) {
		memset(&out[i], 0x55, sizeof(out[i]));
		CHECK_EQ(lodge_cpuid_build(&host, out, i), -E2BIG);
		CHECK_EQ(out[i].function, 0x55555555);
	}
	CHECK_EQ(lodge_cpuid_build(&host, out, nr), nr);
}

void test_cpuid_table_of_amd(void)
{
	struct lodge_cpuid_host host = host_all();
	const struct kvm_cpuid_entry2 *e;
	int nr, i;

	top_basic = 0xd;
	top_ext = 0x80000028;
	nr = lodge_cpuid_build(&host, out, MAX);
	CHECK(nr <= 100);
	check_order(nr);
	check_hidden(nr);
	CHECK_EQ(find(nr, 0, 0)->eax, 0xd);
	CHECK(find(nr, 0xd, 0));
	CHECK(!find(nr, 0x1f, 0));
	CHECK_EQ(find(nr, 0x80000000, 0)->eax, 0x80000021);
	e = find(nr, 0x80000001, 0);
	NO(e->ecx, 2);		/* SVM */
	NO(e->ecx, 9);		/* OSVW */
	NO(e->ecx, 10);		/* IBS */
	NO(e->ecx, 12);		/* SKINIT */
	NO(e->ecx, 23);		/* counters */
	YES(e->ecx, 0);
	YES(e->edx, 29);
	YES(e->edx, 20);
	YES(e->edx, 11);
	CHECK(!find(nr, 0x8000000a, 0));
	CHECK(!find(nr, 0x8000001f, 0));
	e = find(nr, 0x8000001e, 0);
	CHECK(!e->eax && !e->ebx && !e->ecx);
	for (i = 0; i <= 4; i++)
		CHECK(find(nr, 0x8000001d, i));
	CHECK(!find(nr, 0x8000001d, 5));
	YES(find(nr, 0x80000021, 0)->eax, 2);
	NO(find(nr, 0x80000021, 0)->eax, 8);

	/* An old one: no caches told, no XSAVE leaf. */
	top_basic = 1;
	top_ext = 0x80000001;
	nr = lodge_cpuid_build(&host, out, MAX);
	check_order(nr);
	CHECK(!find(nr, 4, 0) && !find(nr, 7, 0) && !find(nr, 0xd, 0));
	CHECK(!find(nr, 0x80000008, 0));
}

static void here_read(u32 leaf, u32 sub, u32 *r)
{
	__cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
}

static u32 here_kernel(u32 leaf, u32 sub, u32 reg)
{
	return ~0U;
}

static void check_from_here(const struct kvm_cpuid_entry2 *e, u32 ecx, u32 edx,
			    u32 ebx)
{
	u32 r[4];

	here_read(e->function, e->index, r);
	CHECK_EQ(e->ebx & ~r[1] & ~ebx, 0);
	CHECK_EQ(e->ecx & ~r[2] & ~ecx, 0);
	CHECK_EQ(e->edx & ~r[3] & ~edx, 0);
}

void test_cpuid_table_of_this_cpu(void)
{
	struct lodge_cpuid_host host = host_all();
	const struct kvm_cpuid_entry2 *e;
	u32 r[4];
	int nr;

	host.read = here_read;
	host.kernel = here_kernel;
	here_read(1, 0, r);
	host.xcr0 = r[2] & BIT(26) ? 7 : 0;
	nr = lodge_cpuid_build(&host, out, MAX);
	CHECK(nr > 10 && nr <= 100);
	check_order(nr);
	check_from_here(find(nr, 1, 0), BIT(21) | BIT(31), BIT(9), 0);
	e = find(nr, 7, 0);
	if (e)
		check_from_here(e, 0, BIT(29), BIT(1));
	check_from_here(find(nr, 0x80000001, 0), 0, 0, 0);
	here_read(0x80000002, 0, r);
	CHECK_EQ(find(nr, 0x80000002, 0)->eax, r[0]);
}
