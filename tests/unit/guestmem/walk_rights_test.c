// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/guest_walk.c, one rule of the manuals a test: rights, accessed
 * and dirty bits, tables that change or are not there.
 */
#include <stdlib.h>

#include "walk_guest.h"

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

/* One of the entries of the walk, plain or with a few bits turned over. */
static void set_random(gpa_t at, u64 e)
{
	static const u64 bits[] = {
		P, W, U, A, D, PS, NX, 1ULL << 12, 1ULL << 13, 1ULL << 21,
		1ULL << 39, 1ULL << 40, 1ULL << 51, 1ULL << 52, 0x200,
	};

	e |= A | D;
	while (random() % 4 == 0)
		e ^= bits[random() % ARRAY_SIZE(bits)];
	set(at, e);
}

static void guest_random(void)
{
	guest_long();
	set_random(T4 + 40, T3 | ALL);
	set_random(T3 + 40, T2 | ALL);
	set_random(T2 + 40, random() & 1 ? T1 | ALL : 0x40200000 | ALL | PS);
	set_random(T1 + 40, 0x12345000 | ALL);
	if (random() % 2) {		/* a supervisor's page more often */
		set(T4 + 40, get(T4 + 40, 8) & ~U);
		w.cr4 |= LODGE_CR4_SMEP;
	}
	if (random() % 4 == 0)
		w.efer &= ~LODGE_EFER_NX;
	if (random() % 4 == 0)
		w.cr0 &= ~LODGE_CR0_WP;
	if (random() % 4 == 0)
		w.cr4 |= LODGE_CR4_SMAP;
	if (random() % 4 == 0)
		w.rflags |= LODGE_RFLAGS_AC;
	if (random() % 4 == 0)
		w.has_1g = false;
}

/*
 * Keys that forbid nothing change nothing, but for the way that the walk goes:
 * by all the rules. What it does and leaves behind is the same.
 */
void test_walk_ways(void)
{
	static const u32 access[] = {
		0, PF_W, PF_U, PF_U | PF_W, PF_I, PF_U | PF_I, IMPL, PF_U | IMPL,
	};
	u64 left[4];
	gpa_t at[] = { T1 + 40, T2 + 40, T3 + 40, T4 + 40 };
	unsigned int i, j, mapped = 0;

	srandom(3);
	for (i = 0; i < 200000; i++) {
		u32 a = access[random() % ARRAY_SIZE(access)];
		struct lodge_fault f[2] = {};
		gpa_t gpa[2] = {};
		int r[2];

		guest_random();
		for (j = 0; j < 4; j++)
			set(0x7000 + j * 8, get(at[j], 8));
		r[0] = lodge_walk_guest(&w, GVA | 0x678, a, &gpa[0], &f[0]);
		for (j = 0; j < 4; j++) {
			left[j] = get(at[j], 8);
			set(at[j], get(0x7000 + j * 8, 8));
		}
		w.cr4 |= LODGE_CR4_PKE;
		r[1] = lodge_walk_guest(&w, GVA | 0x678, a, &gpa[1], &f[1]);
		CHECK_EQ(r[0], r[1]);
		CHECK_EQ(gpa[0], gpa[1]);
		CHECK_EQ(f[0].error, f[1].error);
		for (j = 0; j < 4; j++)
			CHECK_EQ(left[j], get(at[j], 8));
		mapped += !r[0];
	}
	/* Neither of the two outcomes is rare. */
	CHECK(mapped > 20000 && mapped < 180000);
}
