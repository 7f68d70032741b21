/* SPDX-License-Identifier: GPL-2.0 */
/* The tests of this folder, by file; main_test.c runs them all. */
#ifndef TESTS_H
#define TESTS_H

void test_slots_find(void);
void test_slots_overlap(void);
void test_slots_hva(void);
void test_slots_hva_partial(void);
void test_slots_random(void);

void test_walk_off(void);
void test_walk_32(void);
void test_walk_pse(void);
void test_walk_pae(void);
void test_walk_long(void);
void test_walk_not_present(void);
void test_walk_reserved(void);
void test_walk_nx(void);
void test_walk_user(void);
void test_walk_wp(void);
void test_walk_smep(void);
void test_walk_smap(void);
void test_walk_pkey(void);
void test_walk_levels(void);
void test_walk_marks(void);
void test_walk_race(void);
void test_walk_errors(void);
void test_walk_ways(void);

#endif /* TESTS_H */
