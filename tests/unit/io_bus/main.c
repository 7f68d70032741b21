// SPDX-License-Identifier: GPL-2.0
/* Runs the tests of the buses and of what users put on them. */
#include "tests.h"

int ktap_failures;
void (*shim_step)(void);

static const struct ktap_test tests[] = {
	{ "edges of a range", test_bus_edges },
	{ "the end of the address space", test_bus_end_of_space },
	{ "two devices on one range", test_bus_same_range },
	{ "ranges within ranges", test_bus_nested },
	{ "any length at one address", test_bus_any_length },
	{ "devices that leave", test_bus_purge },
	{ "no memory", test_bus_no_memory },
	{ "a bus has an end", test_bus_is_bounded },
	{ "random ranges agree with a search", test_bus_random },
	{ "ioeventfds match width and value", test_ioeventfd_matches },
	{ "values wider than the access", test_ioeventfd_wide_match },
	{ "ioeventfds refused", test_ioeventfd_errors },
	{ "ioeventfds that collide", test_ioeventfd_collides },
	{ "ioeventfds deassigned", test_ioeventfd_deassign },
	{ "the most ioeventfds, and their end", test_ioeventfd_most },
	{ "the ring fills", test_ring_fills },
	{ "indices a hostile user writes", test_ring_hostile },
	{ "zones that overlap, and go", test_zones },
	{ "the most zones go at once", test_zones_most },
};

int main(void)
{
	return ktap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
