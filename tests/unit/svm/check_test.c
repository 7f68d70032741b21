// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the checker in kmod/svm/svm_check.c: valid states break no rule;
 * each mutation breaks one, and the checker names it; and each rule has a
 * mutation. Prints how many rules of the manual are covered.
 */
#include <stdio.h>

#include "check.h"
#include "ktap.h"
#include "regs.h"

int ktap_failures;

static void base_make(void *state, int base)
{
	svm_base(state, base);
}

static bool base_check(struct lodge_check *c, const void *state)
{
	const struct svm_state *s = state;

	return svm_check(c, &s->vmcb, &s->cpu);
}

static struct svm_state state;

static const struct rules rules = {
	.name = "svm", .state = &state, .bases = BASES,
	.make = base_make, .check = base_check,
};

static void test_valid(void)
{
	rules_valid(&rules);
	/* Long mode not yet active; without nested paging PAT is not looked at;
	 * #BR in 32-bit code; both cache bits.
	 */
	base_make(&state, REAL);
	state.vmcb.efer |= LODGE_EFER_LME;
	state.vmcb.cr0 |= LODGE_CR0_CD | LODGE_CR0_NW;
	state.vmcb.np_ctl = 0;
	state.vmcb.pat = ~0ULL;
	state.vmcb.event_inj = SVM_EVENT_VALID | 0x305;
	CHECK(!base_check(&(struct lodge_check){}, &state));
}

static void test_names(void)
{
	rules_names(&rules);
}

static void test_rules(void)
{
	rules_mutate(&rules, svm_rows, nr_svm_rows);
}

/* The manual's rules that are in no walk. */
static void test_covered(void)
{
	static const struct uncovered uncovered[] = {
		{ "host: paging is on with nested paging", "it always is" },
		{ "U_CET: reserved bits", "with SEV-ES only" },
		{ "U_CET: no user shadow stack in virtual-8086 mode",
		  "not in the VMCB" },
		{ "AVIC: tables within the physical-address width",
		  "never on" },
		{ "SEV, SEV-ES and SEV-SNP guests", "never on" },
	};

	rules_covered(&rules, uncovered, ARRAY_SIZE(uncovered));
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "svm: valid states break no rule", test_valid },
		{ "svm: rules have names of their own", test_names },
		{ "svm: rules for the VMCB", test_rules },
		{ "svm: each rule has been broken", test_covered },
	};

	rules_list(&rules);
	return ktap_run(tests, ARRAY_SIZE(tests));
}
