/* SPDX-License-Identifier: GPL-2.0 */
/* The input of a fuzz target, taken from its front, for virtio.c and ports.c. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *data;
	size_t len;
};

/* The next @bytes, at most 8, as a number; zeroes where there are no more. */
static inline uint64_t next(struct input *i, unsigned int bytes)
{
	uint64_t val = 0;

	if (bytes > i->len)
		bytes = i->len;
	memcpy(&val, i->data, bytes);
	i->data += bytes;
	i->len -= bytes;
	return val;
}

#endif /* FUZZ_INPUT_H */
