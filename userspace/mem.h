/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: where it lies in the guest's address space and in ours.
 *
 * Filled in by machine.c, told to the hypervisor by vm.c, used by everything
 * that touches guest memory. Whoever holds a guest-physical address goes
 * through lodge_mem_ptr(), which is the one place where it is checked.
 * Read next: boot/start.c for what is put there, dev/virtq.c for who reads it.
 */
#ifndef LODGE_MEM_H
#define LODGE_MEM_H

#include <stdint.h>
#include <sys/types.h>

/* RAM stops here and goes on at 4 GiB; PCI and the APICs live between. */
#define LODGE_MEM_LOW_MAX	0xc0000000ull
#define LODGE_MEM_HIGH_BASE	0x100000000ull

struct lodge_mem_region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
};

struct lodge_mem {
	struct lodge_mem_region region[2];
	unsigned int nr;
	uint64_t size;
};

/**
 * lodge_mem_create() - reserve guest memory
 * @mem: filled in
 * @size: bytes, a multiple of the page size
 *
 * Nothing is committed: pages come as the guest touches them.
 *
 * Return: 0 or -errno.
 */
int lodge_mem_create(struct lodge_mem *mem, uint64_t size);

/**
 * lodge_mem_destroy() - give the memory back
 * @mem: what lodge_mem_create() made; all-zero is fine
 */
void lodge_mem_destroy(struct lodge_mem *mem);

/**
 * lodge_mem_ptr() - our address of a stretch of guest memory
 * @mem: the guest's memory
 * @gpa: guest-physical address, as hostile as the guest likes
 * @len: bytes
 *
 * Return: the address, or NULL unless the whole stretch is in one region.
 */
void *lodge_mem_ptr(const struct lodge_mem *mem, uint64_t gpa, uint64_t len);

/**
 * lodge_mem_low_end() - the end of RAM below the PCI hole
 * @mem: the guest's memory
 *
 * Return: a guest-physical address, at most LODGE_MEM_LOW_MAX.
 */
uint64_t lodge_mem_low_end(const struct lodge_mem *mem);

#endif /* LODGE_MEM_H */
