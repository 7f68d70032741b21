/* SPDX-License-Identifier: GPL-2.0 */
/* The tests of this folder. Next: main.c. */
#ifndef TESTS_H
#define TESTS_H

#include "../ktap.h"

void test_bus_edges(void);
void test_bus_end_of_space(void);
void test_bus_same_range(void);
void test_bus_nested(void);
void test_bus_any_length(void);
void test_bus_purge(void);
void test_bus_no_memory(void);
void test_bus_is_bounded(void);
void test_bus_random(void);
void test_ioeventfd_matches(void);
void test_ioeventfd_wide_match(void);
void test_ioeventfd_errors(void);
void test_ioeventfd_collides(void);
void test_ioeventfd_deassign(void);
void test_ioeventfd_most(void);
void test_ring_fills(void);
void test_ring_hostile(void);
void test_zones(void);
void test_zones_most(void);

#endif
