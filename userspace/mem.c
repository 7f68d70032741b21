// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory; see mem.h for who calls this.
 * Read next: vm.c, lodge_vm_add_memory().
 */
#include "mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define MEM_PAGE	4096ull
#define MEM_HUGE	0x200000ull

/*
 * Map @size bytes whose address is a multiple of a huge page, as guest-physical
 * addresses are: only then can huge pages of ours be the guest's too.
 */
static uint8_t *mem_map(uint64_t size)
{
	uint8_t *map, *start;

	map = mmap(NULL, size + MEM_HUGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	start = (uint8_t *)(((uintptr_t)map + MEM_HUGE - 1) & -MEM_HUGE);
	if (start > map)
		munmap(map, start - map);
	munmap(start + size, MEM_HUGE - (start - map));
	return start;
}

int lodge_mem_create(struct lodge_mem *mem, uint64_t size)
{
	uint64_t low = size < LODGE_MEM_LOW_MAX ? size : LODGE_MEM_LOW_MAX;
	uint8_t *host;

	memset(mem, 0, sizeof(*mem));
	if (size % MEM_PAGE || size > SIZE_MAX - MEM_HUGE)
		return -EINVAL;
	host = mem_map(size);
	if (!host)
		return -errno;
	/* A core dump of the launcher is about the launcher. */
	madvise(host, size, MADV_DONTDUMP);

	mem->size = size;
	mem->region[mem->nr++] = (struct lodge_mem_region){
		.gpa = 0, .size = low, .host = host,
	};
	if (size > low)
		mem->region[mem->nr++] = (struct lodge_mem_region){
			.gpa = LODGE_MEM_HIGH_BASE,
			.size = size - low,
			.host = host + low,
		};
	return 0;
}

void lodge_mem_destroy(struct lodge_mem *mem)
{
	if (mem->nr)
		munmap(mem->region[0].host, mem->size);
	memset(mem, 0, sizeof(*mem));
}

void *lodge_mem_ptr(const struct lodge_mem *mem, uint64_t gpa, uint64_t len)
{
	const struct lodge_mem_region *r;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		r = &mem->region[i];
		if (gpa < r->gpa || gpa - r->gpa >= r->size)
			continue;
		if (len > r->size - (gpa - r->gpa))
			return NULL;
		return r->host + (gpa - r->gpa);
	}
	return NULL;
}

uint64_t lodge_mem_low_end(const struct lodge_mem *mem)
{
	return mem->nr ? mem->region[0].size : 0;
}
