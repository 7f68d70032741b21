// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/guest_walk.c, one rule of the manuals a test: modes, formats,
 * reserved bits. walk_rights_test.c has the rest.
 */
#include "walk_guest.h"

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
