// SPDX-License-Identifier: GPL-2.0
/* Runs the tests of kmod/slots.c and kmod/guest_walk.c. */
#include "pure.h"
#include "../ktap.h"
#include "tests.h"

int ktap_failures;

static const struct ktap_test tests[] = {
	{ "slots are found by frame and number", test_slots_find },
	{ "overlap of slots", test_slots_overlap },
	{ "slots are found by user address", test_slots_hva },
	{ "a user range gives the frames it touches", test_slots_hva_partial },
	{ "random tables agree with a search", test_slots_random },
	{ "no paging", test_walk_off },
	{ "32-bit tables", test_walk_32 },
	{ "4M pages", test_walk_pse },
	{ "PAE tables", test_walk_pae },
	{ "long mode tables, 4K 2M 1G", test_walk_long },
	{ "not present, at each level", test_walk_not_present },
	{ "reserved bits, at each level", test_walk_reserved },
	{ "no-execute", test_walk_nx },
	{ "user and supervisor", test_walk_user },
	{ "write protection", test_walk_wp },
	{ "SMEP", test_walk_smep },
	{ "SMAP", test_walk_smap },
	{ "protection keys", test_walk_pkey },
	{ "rights are those of all levels", test_walk_levels },
	{ "accessed and dirty bits", test_walk_marks },
	{ "tables that change under the walk", test_walk_race },
	{ "memory that fails", test_walk_errors },
	{ "all ways through the walk agree", test_walk_ways },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
