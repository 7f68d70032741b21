// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/guest_walk.c: a guest with a little memory, tables built in
 * it, one rule of the manuals a test.
 */
#include "../tdp/ktap.h"
#include "guest_walk.h"
#include "tests.h"

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define NX	(1ULL << 63)
#define ALL	(P | W | U)

#define PF_P	LODGE_PF_P
#define PF_W	LODGE_PF_W
#define PF_U	LODGE_PF_U
#define PF_I	LODGE_PF_I
#define PF_R	LODGE_PF_RSVD
#define PF_K	LODGE_PF_PK
#define IMPL	LODGE_WALK_IMPLICIT

/* Tables: one page for each level, at these addresses. */
#define MEM_SIZE	0x8000
#define T4		0x4000ULL
#define T3		0x3000ULL
#define T2		0x2000ULL
#define T1		0x1000ULL

static u8 mem[MEM_SIZE];
static struct lodge_walk w;
static int read_error, cmpxchg_error, races;

static u64 get(gpa_t at, size_t n)
{
	u64 v = 0;

	memcpy(&v, mem + at, n);
	return v;
}

static void set(gpa_t at, u64 v)
{
	memcpy(mem + at, &v, 8);
}

static void set32(gpa_t at, u32 v)
{
	memcpy(mem + at, &v, 4);
}

static int mem_read(struct lodge_walk *walk, gpa_t gpa, void *p, size_t n)
{
	if (read_error)
		return read_error;
	if (gpa + n > MEM_SIZE || gpa % n)
		return -EFAULT;
	memcpy(p, mem + gpa, n);
	return 0;
}

static int mem_cmpxchg(struct lodge_walk *walk, gpa_t gpa, void *old,
		       const void *new, size_t n)
{
	if (cmpxchg_error)
		return cmpxchg_error;
	if (gpa + n > MEM_SIZE || gpa % n)
		return -EFAULT;
	if (races > 0) {		/* the guest was faster: it set bit 9 */
		races--;
		mem[gpa + 1] ^= 2;
	}
	if (memcmp(mem + gpa, old, n)) {
		memcpy(old, mem + gpa, n);
		return 1;
	}
	memcpy(mem + gpa, new, n);
	return 0;
}

static void guest(u64 cr3)
{
	memset(mem, 0, sizeof(mem));
	read_error = cmpxchg_error = races = 0;
	w = (struct lodge_walk){
		.cr0 = LODGE_CR0_PE | LODGE_CR0_PG | LODGE_CR0_WP,
		.cr3 = cr3,
		.maxphyaddr = 40,
		.has_1g = true,
		.read = mem_read,
		.cmpxchg = mem_cmpxchg,
	};
}

/* Long mode; page 5 of everything: 0x0000028140a05000. */
#define GVA	((5ULL << 39) | (5ULL << 30) | (5ULL << 21) | (5ULL << 12))

static void guest_long(void)
{
	guest(T4);
	w.cr4 = LODGE_CR4_PAE;
	w.efer = LODGE_EFER_LMA | LODGE_EFER_LME | LODGE_EFER_NX;
	set(T4 + 40, T3 | ALL);
	set(T3 + 40, T2 | ALL);
	set(T2 + 40, T1 | ALL);
	set(T1 + 40, 0x12345000 | ALL);
}

static void guest_pae(void)
{
	guest(0x20);
	w.cr4 = LODGE_CR4_PAE;
	w.efer = LODGE_EFER_NX;
	set(0x20 + 3 * 8, T2 | P);
	set(T2 + 40, T1 | ALL);
	set(T1 + 40, 0x12345000 | ALL);
}

static void guest_32(void)
{
	guest(T2);
	set32(T2 + 20, T1 | ALL);
	set32(T1 + 20, 0xfffff000 | ALL);
}

#define GVA_PAE	((3ULL << 30) | (5ULL << 21) | (5ULL << 12))
#define GVA_32	((5ULL << 22) | (5ULL << 12))

/* Where the walk leads, or ~0: it failed. */
static u64 walk(gva_t gva, u32 access)
{
	struct lodge_fault f;
	gpa_t gpa = ~0ULL;

	return lodge_walk_guest(&w, gva, access, &gpa, &f) ? ~0ULL : gpa;
}

/* The error code, or ~0: no fault. */
static u32 fault(gva_t gva, u32 access)
{
	struct lodge_fault f = {};
	gpa_t gpa = ~0ULL;

	if (lodge_walk_guest(&w, gva, access, &gpa, &f) != 1)
		return ~0U;
	CHECK_EQ(f.vector, LODGE_PF);
	CHECK(f.has_error);
	CHECK_EQ(f.cr2, gva);
	CHECK_EQ(gpa, ~0ULL);
	return f.error;
}

void test_walk_off(void)
{
	guest(T4);
	w.cr0 &= ~LODGE_CR0_PG;
	CHECK_EQ(walk(0x12345678, PF_W | PF_U), 0x12345678);
	CHECK_EQ(walk(0x112345678ULL, 0), 0x12345678);
	w.cr4 = LODGE_CR4_SMAP | LODGE_CR4_SMEP;
	CHECK_EQ(walk(0x1000, PF_I), 0x1000);
}

void test_walk_32(void)
{
	guest_32();
	CHECK_EQ(walk(GVA_32 | 0x678, 0), 0xfffff678);
	/* The upper half of a linear address does not exist. */
	CHECK_EQ(walk(GVA_32 | 0x678 | 1ULL << 32, 0), 0xfffff678);
	CHECK_EQ(fault(GVA_32 + 0x1000, 0), 0);
	CHECK_EQ(fault(GVA_32 + 0x400000, PF_W | PF_U), PF_W | PF_U);
	/* Low and high bits of CR3 are not of the address. */
	w.cr3 = T2 | 0xfff | 1ULL << 32;
	CHECK_EQ(walk(GVA_32, 0), 0xfffff000);
	/* PS says nothing without CR4.PSE: it is a table all the same. */
	set32(T2 + 20, T1 | ALL | PS);
	CHECK_EQ(walk(GVA_32, 0), 0xfffff000);
}

void test_walk_pse(void)
{
	guest_32();
	w.cr4 = LODGE_CR4_PSE;
	set32(T2 + 20, 0x80c00000 | ALL | PS);
	CHECK_EQ(walk(GVA_32 | 0x678, 0), 0x80c05678);
	CHECK_EQ(walk(GVA_32 | 0x3ff678, 0), 0x80fff678);
	/* Bits 20:13 are address bits 39:32, as far as the guest has them. */
	set32(T2 + 20, 0x80c00000 | ALL | PS | 0xff << 13);
	CHECK_EQ(walk(GVA_32 | 0x678, 0), 0xff80c05678ULL);
	w.maxphyaddr = 39;
	CHECK_EQ(fault(GVA_32, 0), PF_P | PF_R);
	set32(T2 + 20, 0x80c00000 | ALL | PS | 0x7f << 13);
	CHECK_EQ(walk(GVA_32, 0), 0x7f80c05000ULL);
	w.maxphyaddr = 52;
	set32(T2 + 20, 0x80c00000 | ALL | PS | 1 << 21);
	CHECK_EQ(fault(GVA_32, 0), PF_P | PF_R);
	w.maxphyaddr = 32;
	set32(T2 + 20, 0x80c00000 | ALL | PS | 1 << 13);
	CHECK_EQ(fault(GVA_32, 0), PF_P | PF_R);
	/* PAT is no address bit. */
	set32(T2 + 20, 0x80c00000 | ALL | PS | 1 << 12);
	CHECK_EQ(walk(GVA_32, 0), 0x80c05000);
}

void test_walk_pae(void)
{
	guest_pae();
	CHECK_EQ(walk(GVA_PAE | 0x678, PF_W | PF_U), 0x12345678);
	CHECK_EQ(walk(GVA_PAE | 0x678 | 1ULL << 32, 0), 0x12345678);
	/* CR3 gives bits 31:5 of the four entries' address. */
	w.cr3 = 0x20 | 0x1f;
	CHECK_EQ(walk(GVA_PAE, 0), 0x12345000);
	/* The first entry says nothing on rights. */
	CHECK_EQ(fault(GVA_PAE - (1ULL << 30), 0), 0);
	set(T2 + 40, 0x40200000 | ALL | PS);
	CHECK_EQ(walk(GVA_PAE | 0x678, 0), 0x40205678);
	set(T2 + 40, (1ULL << 39) | 0x40200000 | ALL | PS);
	CHECK_EQ(walk(GVA_PAE | 0x678, 0), (1ULL << 39) | 0x40205678);
	/* Bits 2:1, 8:5 and from MAXPHYADDR on are reserved in a PDPTE. */
	set(0x20 + 24, T2 | P | W);
	CHECK_EQ(fault(GVA_PAE, 0), PF_P | PF_R);
	set(0x20 + 24, T2 | P | U);
	CHECK_EQ(fault(GVA_PAE, 0), PF_P | PF_R);
	set(0x20 + 24, T2 | P | PS);
	CHECK_EQ(fault(GVA_PAE, 0), PF_P | PF_R);
	set(0x20 + 24, T2 | P | NX);
	CHECK_EQ(fault(GVA_PAE, 0), PF_P | PF_R);
	set(0x20 + 24, T2 | P | 0xe18);		/* PWT, PCD, for software */
	CHECK_EQ(walk(GVA_PAE | 0x678, 0), (1ULL << 39) | 0x40205678);
	/* 62:52 are nobody's in legacy PAE. */
	guest_pae();
	set(T1 + 40, 0x12345000 | ALL | 1ULL << 52);
	CHECK_EQ(fault(GVA_PAE, 0), PF_P | PF_R);
	set(T1 + 40, 0x12345000 | ALL | 1ULL << 62);
	CHECK_EQ(fault(GVA_PAE, 0), PF_P | PF_R);
}

void test_walk_long(void)
{
	guest_long();
	CHECK_EQ(walk(GVA | 0x678, PF_W | PF_U), 0x12345678);
	/* PCID and PCD are not of CR3's address. */
	w.cr3 = T4 | 0xfff;
	CHECK_EQ(walk(GVA, 0), 0x12345000);
	/* The upper half: bits 63:48 repeat bit 47. */
	set(T4 + 8 * 256 + 40, T3 | ALL);
	CHECK_EQ(walk(0xffff800000000000ULL | GVA | 0x678, 0), 0x12345678);
	/* Bits for software and keys are ignored. */
	set(T1 + 40, 0x12345000 | ALL | 0xe00 | 0x7ffULL << 52);
	CHECK_EQ(walk(GVA, 0), 0x12345000);
	set(T2 + 40, (1ULL << 39) | 0x40200000 | ALL | PS | 0x1000);
	CHECK_EQ(walk(GVA | 0x678, 0), (1ULL << 39) | 0x40205678);
	set(T3 + 40, (1ULL << 39) | 0x40000000 | ALL | PS);
	CHECK_EQ(walk(GVA | 0x678, 0), (1ULL << 39) | 0x40a05678);
}

void test_walk_not_present(void)
{
	static const gpa_t at[] = { T1 + 40, T2 + 40, T3 + 40, T4 + 40 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		guest_long();
		/* All other bits are ignored then, reserved ones too. */
		set(at[i], ~P);
		CHECK_EQ(fault(GVA, 0), 0);
		CHECK_EQ(fault(GVA | 0xfff, PF_W), PF_W);
		CHECK_EQ(fault(GVA, PF_U | PF_I), PF_U | PF_I);
		w.efer &= ~LODGE_EFER_NX;
		CHECK_EQ(fault(GVA, PF_U | PF_I), PF_U);
		w.cr4 |= LODGE_CR4_SMEP;
		CHECK_EQ(fault(GVA, PF_U | PF_I), PF_U | PF_I);
	}
	/* An access of the system itself is a supervisor's. */
	CHECK_EQ(fault(GVA, PF_U | IMPL), 0);
}

/* Reserved bit @bit in the entry at @at faults, and only that. */
static void reserved(gpa_t at, int bit, bool is)
{
	u64 was = get(at, 8);

	set(at, was | 1ULL << bit);
	if (is)
		CHECK_EQ(fault(GVA, PF_U), PF_P | PF_U | PF_R);
	else
		CHECK(walk(GVA, PF_U) != ~0ULL);
	set(at, was);
}

void test_walk_reserved(void)
{
	static const gpa_t at[] = { T1 + 40, T2 + 40, T3 + 40, T4 + 40 };
	unsigned int i;
	int bit;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		guest_long();
		for (bit = 40; bit < 52; bit++)
			reserved(at[i], bit, true);
		for (bit = 52; bit < 63; bit++)
			reserved(at[i], bit, false);
		for (bit = 8; bit < 12; bit++)
			reserved(at[i], bit, false);
		reserved(at[i], 63, false);
		w.efer &= ~LODGE_EFER_NX;
		reserved(at[i], 63, true);
		w.maxphyaddr = 52;
		for (bit = 40; bit < 52 && i == 0; bit++)
			reserved(at[i], bit, false);
	}
	guest_long();
	reserved(T4 + 40, 7, true);
	reserved(T1 + 40, 7, false);
	/* Low address bits of large pages, but for PAT in bit 12. */
	set(T2 + 40, 0x40200000 | ALL | PS);
	for (bit = 12; bit < 21; bit++)
		reserved(T2 + 40, bit, bit != 12);
	reserved(T2 + 40, 22, false);
	set(T3 + 40, 0x40000000 | ALL | PS);
	for (bit = 12; bit < 30; bit++)
		reserved(T3 + 40, bit, bit != 12);
	reserved(T3 + 40, 31, false);
	w.has_1g = false;
	CHECK_EQ(fault(GVA, 0), PF_P | PF_R);
}

void test_walk_nx(void)
{
	guest_long();
	CHECK_EQ(walk(GVA, PF_I), 0x12345000);
	set(T1 + 40, 0x12345000 | ALL | NX);
	CHECK_EQ(fault(GVA, PF_I), PF_P | PF_I);
	CHECK_EQ(fault(GVA, PF_I | PF_U), PF_P | PF_I | PF_U);
	CHECK_EQ(walk(GVA, PF_W | PF_U), 0x12345000);
	set(T1 + 40, 0x12345000 | ALL);
	set(T3 + 40, T2 | ALL | NX);
	CHECK_EQ(fault(GVA, PF_I), PF_P | PF_I);
}

void test_walk_user(void)
{
	guest_long();
	CHECK_EQ(walk(GVA, PF_U), 0x12345000);
	set(T1 + 40, 0x12345000 | P | W);
	CHECK_EQ(fault(GVA, PF_U), PF_P | PF_U);
	CHECK_EQ(fault(GVA, PF_U | PF_W), PF_P | PF_U | PF_W);
	CHECK_EQ(fault(GVA, PF_U | PF_I), PF_P | PF_U | PF_I);
	CHECK_EQ(walk(GVA, 0), 0x12345000);
	/* The system's own access, made while a user runs. */
	CHECK_EQ(walk(GVA, PF_U | IMPL), 0x12345000);
}

void test_walk_wp(void)
{
	guest_long();
	set(T1 + 40, 0x12345000 | P | U);
	CHECK_EQ(walk(GVA, PF_U), 0x12345000);
	CHECK_EQ(fault(GVA, PF_U | PF_W), PF_P | PF_U | PF_W);
	CHECK_EQ(fault(GVA, PF_W), PF_P | PF_W);
	w.cr0 &= ~LODGE_CR0_WP;
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	CHECK_EQ(fault(GVA, PF_U | PF_W), PF_P | PF_U | PF_W);
}

void test_walk_smep(void)
{
	guest_long();
	w.cr4 |= LODGE_CR4_SMEP;
	CHECK_EQ(fault(GVA, PF_I), PF_P | PF_I);
	CHECK_EQ(walk(GVA, PF_I | PF_U), 0x12345000);
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	set(T2 + 40, T1 | P | W);	/* not a user's page any more */
	CHECK_EQ(walk(GVA, PF_I), 0x12345000);
	/* The I bit of the error code is there without NX, too. */
	guest_32();
	w.cr4 |= LODGE_CR4_SMEP;
	CHECK_EQ(fault(GVA_32, PF_I), PF_P | PF_I);
	w.cr4 = 0;
	CHECK_EQ(walk(GVA_32, PF_I), 0xfffff000);
}

void test_walk_smap(void)
{
	guest_long();
	w.cr4 |= LODGE_CR4_SMAP;
	CHECK_EQ(fault(GVA, 0), PF_P);
	CHECK_EQ(fault(GVA, PF_W), PF_P | PF_W);
	CHECK_EQ(walk(GVA, PF_U | PF_W), 0x12345000);
	CHECK_EQ(walk(GVA, PF_I), 0x12345000);	/* SMEP's to forbid */
	CHECK_EQ(fault(GVA, PF_U | IMPL), PF_P);
	w.rflags = LODGE_RFLAGS_AC;
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	/* AC does not open user pages to the system's own accesses. */
	CHECK_EQ(fault(GVA, PF_U | IMPL), PF_P);
	CHECK_EQ(fault(GVA, IMPL), PF_P);
	w.rflags = 0;
	set(T1 + 40, 0x12345000 | P | W);
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	CHECK_EQ(walk(GVA, IMPL), 0x12345000);
}

void test_walk_pkey(void)
{
	guest_long();
	w.cr4 |= LODGE_CR4_PKE;
	set(T1 + 40, 0x12345000 | ALL | 9ULL << 59);
	w.pkru = ~(3U << 18);
	CHECK_EQ(walk(GVA, PF_U | PF_W), 0x12345000);
	w.pkru = 2U << 18;		/* no writes */
	CHECK_EQ(walk(GVA, PF_U), 0x12345000);
	CHECK_EQ(fault(GVA, PF_U | PF_W), PF_P | PF_U | PF_W | PF_K);
	CHECK_EQ(fault(GVA, PF_W), PF_P | PF_W | PF_K);
	w.cr0 &= ~LODGE_CR0_WP;
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	CHECK_EQ(fault(GVA, PF_U | PF_W), PF_P | PF_U | PF_W | PF_K);
	w.pkru = 1U << 18;		/* no access */
	CHECK_EQ(fault(GVA, PF_U), PF_P | PF_U | PF_K);
	CHECK_EQ(fault(GVA, 0), PF_P | PF_K);
	CHECK_EQ(walk(GVA, PF_U | PF_I), 0x12345000);
	/* Keys concern user pages, and no guest that has not turned them on. */
	set(T1 + 40, 0x12345000 | P | W | 9ULL << 59);
	CHECK_EQ(walk(GVA, 0), 0x12345000);
	set(T1 + 40, 0x12345000 | ALL | 9ULL << 59);
	w.cr4 &= ~LODGE_CR4_PKE;
	CHECK_EQ(walk(GVA, PF_U), 0x12345000);
}

void test_walk_levels(void)
{
	static const gpa_t at[] = { T1 + 40, T2 + 40, T3 + 40, T4 + 40 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		guest_long();
		set(at[i], get(at[i], 8) & ~W);
		CHECK_EQ(fault(GVA, PF_W), PF_P | PF_W);
		CHECK_EQ(walk(GVA, PF_U), 0x12345000);
		set(at[i], (get(at[i], 8) & ~U) | W);
		CHECK_EQ(fault(GVA, PF_U), PF_P | PF_U);
		CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	}
	/* In 32-bit tables bit 63 does not exist, rights do. */
	guest_32();
	set32(T2 + 20, T1 | P | U);
	CHECK_EQ(fault(GVA_32, PF_W | PF_U), PF_P | PF_W | PF_U);
	set32(T2 + 20, T1 | P | W);
	CHECK_EQ(fault(GVA_32, PF_U), PF_P | PF_U);
}

void test_walk_marks(void)
{
	guest_long();
	CHECK_EQ(walk(GVA, PF_U), 0x12345000);
	CHECK_EQ(get(T4 + 40, 8), T3 | ALL | A);
	CHECK_EQ(get(T3 + 40, 8), T2 | ALL | A);
	CHECK_EQ(get(T2 + 40, 8), T1 | ALL | A);
	CHECK_EQ(get(T1 + 40, 8), 0x12345000 | ALL | A);
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	CHECK_EQ(get(T2 + 40, 8), T1 | ALL | A);
	CHECK_EQ(get(T1 + 40, 8), 0x12345000 | ALL | A | D);
	/* Nothing to set: nothing is written. */
	cmpxchg_error = -EFAULT;
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);

	/* An access that faults leaves no dirty bit. */
	guest_long();
	set(T1 + 40, 0x12345000 | P);
	CHECK_EQ(fault(GVA, PF_W), PF_P | PF_W);
	CHECK_EQ(get(T1 + 40, 8), 0x12345000 | P);

	guest_32();
	CHECK_EQ(walk(GVA_32, PF_W), 0xfffff000);
	CHECK_EQ(get(T2 + 20, 4), T1 | ALL | A);
	CHECK_EQ(get(T1 + 20, 4), 0xfffff000 | ALL | A | D);
	CHECK_EQ(get(T1 + 24, 4), 0);

	/* A PDPTE of legacy PAE has no such bit. */
	guest_pae();
	CHECK_EQ(walk(GVA_PAE, PF_W), 0x12345000);
	CHECK_EQ(get(0x20 + 24, 8), T2 | P);
	CHECK_EQ(get(T2 + 40, 8), T1 | ALL | A);
	CHECK_EQ(get(T1 + 40, 8), 0x12345000 | ALL | A | D);

	/* A large page is dirty in its own entry. */
	guest_long();
	set(T2 + 40, 0x40200000 | ALL | PS);
	CHECK_EQ(walk(GVA, PF_W), 0x40205000);
	CHECK_EQ(get(T2 + 40, 8), 0x40200000 | ALL | PS | A | D);
	CHECK_EQ(get(T1 + 40, 8), 0x12345000 | ALL);
}

void test_walk_race(void)
{
	struct lodge_fault f;
	gpa_t gpa;

	guest_long();
	races = 3;
	CHECK_EQ(walk(GVA, PF_W), 0x12345000);
	CHECK_EQ(races, 0);
	CHECK_EQ(get(T4 + 40, 8), T3 | ALL | A | 0x200);
	CHECK_EQ(get(T1 + 40, 8), 0x12345000 | ALL | A | D);
	/* The walk does not wait for ever. */
	guest_long();
	races = 1000000;
	CHECK_EQ(lodge_walk_guest(&w, GVA, 0, &gpa, &f), -EAGAIN);
	CHECK(races > 999000);
}

void test_walk_errors(void)
{
	struct lodge_fault f;
	gpa_t gpa;

	guest_long();
	read_error = -EAGAIN;
	CHECK_EQ(lodge_walk_guest(&w, GVA, 0, &gpa, &f), -EAGAIN);
	read_error = -EFAULT;
	CHECK_EQ(fault(GVA, PF_W), PF_W);
	guest_long();
	cmpxchg_error = -EAGAIN;
	CHECK_EQ(lodge_walk_guest(&w, GVA, 0, &gpa, &f), -EAGAIN);
	cmpxchg_error = -EFAULT;
	CHECK_EQ(fault(GVA, PF_U), PF_U);
	/* A table outside of memory. */
	guest_long();
	set(T3 + 40, 0x100000 | ALL);
	CHECK_EQ(fault(GVA, 0), 0);
}
