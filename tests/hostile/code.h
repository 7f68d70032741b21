/* SPDX-License-Identifier: GPL-2.0 */
/* Machine code for the fuzzer's guests; see code.c, called by guest.c. */
#ifndef LODGE_TESTS_FUZZ_CODE_H
#define LODGE_TESTS_FUZZ_CODE_H

#include "fuzz.h"

/* It begins anew every so many bytes: where to jump to. */
#define CODE_SLOT	32

/* @wild: with bytes of any kind, and out of step with the slots */
void code_make(struct rng *r, uint8_t *at, size_t size, unsigned int bits,
	       bool wild);

#endif
