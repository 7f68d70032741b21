/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSI-X: a device's table of message-signalled interrupts.
 *
 * Embedded in dev/virtio_pci.c's devices; machine.c connects it to the
 * hypervisor's routes and irqfds. Read next: dev/msix.c.
 */
#ifndef LODGE_DEV_MSIX_H
#define LODGE_DEV_MSIX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LODGE_MSIX_MAX		32
#define LODGE_MSIX_ENTRY_SIZE	16

/* How messages reach the CPUs. */
struct lodge_msi_ops {
	/*
	 * Say what message a vector is. @handle is 0 the first time and what
	 * was returned before from then on. Returns the handle or -errno.
	 */
	int (*route)(void *ctx, int handle, uint64_t addr, uint32_t data);
	/* Have each signal of eventfd @fd send the message of @handle. */
	int (*connect)(void *ctx, int fd, int handle);
};

struct lodge_msix_vector {
	uint32_t entry[4];		/* as the guest sees it */
	int handle;			/* 0: not routed yet */
	int fd;				/* eventfd, -1: not connected yet */
	uint64_t routed_addr;
	uint32_t routed_data;
	bool pending;
};

struct lodge_msix {
	pthread_mutex_t lock;		/* guards all that follows */
	const struct lodge_msi_ops *ops;
	void *ctx;
	unsigned int nr;
	bool enabled, masked;
	struct lodge_msix_vector vector[LODGE_MSIX_MAX];
};

/**
 * lodge_msix_init() - power on
 * @msix: the table
 * @nr: number of vectors, at most LODGE_MSIX_MAX
 * @ops: where messages go
 * @ctx: passed to @ops
 */
void lodge_msix_init(struct lodge_msix *msix, unsigned int nr,
		     const struct lodge_msi_ops *ops, void *ctx);

/**
 * lodge_msix_fini() - close its eventfds
 * @msix: the table
 */
void lodge_msix_fini(struct lodge_msix *msix);

/**
 * lodge_msix_table() - the guest reads or writes the table
 * @msix: the table
 * @offset: into the table; anything beyond it reads 0
 * @data: little endian
 * @len: 4 or 8, aligned; others are ignored, as the specification allows
 * @write: the direction
 */
void lodge_msix_table(struct lodge_msix *msix, uint64_t offset, uint8_t *data,
		      unsigned int len, bool write);

/**
 * lodge_msix_pending() - the guest reads the pending bits
 * @msix: the table
 * @offset: into the pending bit array
 * @data: filled in
 * @len: 1 to 8
 */
void lodge_msix_pending(struct lodge_msix *msix, uint64_t offset,
			uint8_t *data, unsigned int len);

/**
 * lodge_msix_control() - the guest has written the message control register
 * @msix: the table
 * @control: the register
 */
void lodge_msix_control(struct lodge_msix *msix, uint16_t control);

/**
 * lodge_msix_signal() - interrupt the guest
 * @msix: the table
 * @vector: number of the vector; one that is not there does nothing
 *
 * Context: any thread.
 */
void lodge_msix_signal(struct lodge_msix *msix, unsigned int vector);

#endif /* LODGE_DEV_MSIX_H */
