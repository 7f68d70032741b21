// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the checker in kmod/vmx/vmx_check*.c: valid states break no rule;
 * each mutation breaks one, and the checker names it; and each rule has a
 * mutation. Prints how many rules of the manual are covered.
 */
#include <stdio.h>

#include "check.h"
#include "ktap.h"

int ktap_failures;

static void base_make(void *state, int base)
{
	vmx_base(state, base);
}

static bool base_check(struct lodge_check *c, const void *state)
{
	return vmx_check(c, state);
}

static struct vmx_state state;

static const struct rules rules = {
	.name = "vmx", .state = &state,
	.seg = offsetof(struct vmx_state, guest.seg[0]),
	.seg_size = sizeof(struct vmx_guest_seg),
	.bases = BASES, .make = base_make, .check = base_check,
};

/* Valid states, also beside those that mutations start from. */
static void test_valid(void)
{
	struct vmx_state s;

	rules_valid(&rules);
	/* Big real mode, unusable registers, halted, an NMI for it. */
	vmx_base(&s, REAL);
	s.guest.seg[LODGE_DS] = (struct vmx_guest_seg){ .ar = 0x10000 };
	s.guest.seg[LODGE_ES].limit = 0xffffffff;
	s.guest.seg[LODGE_ES].ar |= LODGE_AR_G;
	s.guest.activity = VMX_HLT;
	s.ctl.intr_info = 0x80000202;
	CHECK(!vmx_check(&(struct lodge_check){}, &s));
	/* User code with an error code on its way, a step pending. */
	vmx_base(&s, LONG);
	s.guest.seg[LODGE_CS].ar |= LODGE_AR_DPL;
	s.guest.seg[LODGE_SS].ar |= LODGE_AR_DPL;
	s.guest.interruptibility = VMX_BLOCK_STI;
	s.guest.rflags |= LODGE_RFLAGS_TF;
	s.guest.pending_debug = VMX_PENDING_BS;
	s.ctl.intr_info = 0x80000b0d;
	s.ctl.intr_error = 0x7fff;
	s.guest.rip = 0x800000000000;	/* ran off the end of the lower half */
	CHECK(!vmx_check(&(struct lodge_check){}, &s));
}

static void test_names(void)
{
	rules_names(&rules);
}

static void test_controls(void)
{
	rules_mutate(&rules, ctl_rows, nr_ctl_rows);
}

static void test_guest(void)
{
	rules_mutate(&rules, guest_rows, nr_guest_rows);
}

static void test_segs(void)
{
	rules_mutate(&rules, seg_rows, nr_seg_rows);
}

/* The manual's rules that are in no walk. */
static void test_covered(void)
{
	static const struct uncovered uncovered[] = {
		{ "host: IA-32e guest needs a 64-bit host",
		  "follows from the mode the CPU is in" },
		{ "entry: not both into SMM and its monitor off",
		  "neither is possible outside SMM" },
		{ "activity: no wait-for-SIPI on entry to SMM", "no SMM" },
		{ "interruptibility: SMIs blocked on entry to SMM", "no SMM" },
		{ "link pointer: not the executive VMCS, in SMM", "no SMM" },
		{ "PDPTEs in memory", "EPT is always on" },
		{ "IA32_RTIT_CTL: combinations", "never loaded" },
		{ "HLAT prefix size, shared EPT pointer", "never on" },
		{ "FRED MSRs of host and guest", "never loaded" },
		{ "CET: supervisor shadow stacks", "never loaded" },
	};

	rules_covered(&rules, uncovered, ARRAY_SIZE(uncovered));
}

/* What is read goes where it belongs: each field to a place of its own. */
static u64 read_fake(u32 field)
{
	return 0x1000000 + field;
}

static void test_read(void)
{
	struct vmx_state s = {};
	u64 *w = (u64 *)&s, *end = (u64 *)&s.cpu, *v;

	vmx_state_read(&s, read_fake);
	CHECK_EQ(s.ctl.pin, 0x1004000);
	CHECK_EQ(s.guest.seg[LODGE_TR].ar, 0x1004822);
	CHECK_EQ(s.guest.seg[LODGE_ES].base, 0x1006806);
	CHECK_EQ(s.guest.pdpte[3], 0x1002810);
	CHECK_EQ(s.host.rip, 0x1006c16);
	for (; w < end; w++) {
		CHECK(*w);
		for (v = (u64 *)&s; v < w; v++)
			CHECK(*v != *w);
	}
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "vmx: valid states break no rule", test_valid },
		{ "vmx: fields are read to their places", test_read },
		{ "vmx: rules have names of their own", test_names },
		{ "vmx: rules for controls and the host state", test_controls },
		{ "vmx: rules for the guest state", test_guest },
		{ "vmx: rules for segment registers", test_segs },
		{ "vmx: each rule has been broken", test_covered },
	};

	rules_list(&rules);
	return ktap_run(tests, ARRAY_SIZE(tests));
}
