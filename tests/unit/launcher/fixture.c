// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory and files for what drives the launcher's parts: the tests here
 * and the fuzz target tests/fuzz/virtio.c. The contracts are in tests.h.
 */
#include <stdlib.h>
#include <string.h>

#include "tests.h"

void test_mem_make(struct lodge_mem *mem, uint64_t size)
{
	void *heap = aligned_alloc(4096, size);

	free(mem->region[0].host);
	memset(heap, 0, size);
	*mem = (struct lodge_mem){
		.region[0] = { .gpa = 0, .size = size, .host = heap },
		.nr = 1,
		.size = size,
	};
}

int test_file(char path[32])
{
	strcpy(path, "/tmp/lodge-test-XXXXXX");
	return mkstemp(path);
}
