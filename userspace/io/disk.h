/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk image: a raw file or a block device, read and written asynchronously.
 *
 * Used by dev/virtio_blk.c from the event loop's thread. io_uring carries
 * reads, writes and flushes where the host allows it; a few threads carry the
 * rest, and everything where it does not.
 * Read next: io/disk.c, io/uring_disk.c, io/workers.c.
 */
#ifndef LODGE_IO_DISK_H
#define LODGE_IO_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define LODGE_SECTOR	512u

enum lodge_disk_op {
	LODGE_DISK_READ,
	LODGE_DISK_WRITE,
	LODGE_DISK_FLUSH,
	LODGE_DISK_DISCARD,
	LODGE_DISK_ZERO,
};

/* One operation; the caller's until it is submitted and again when done. */
struct lodge_disk_io {
	enum lodge_disk_op op;
	bool sync;			/* write through to the medium */
	bool unmap;			/* zeroes may become a hole */
	unsigned int nr_iov;
	const struct iovec *iov;
	uint64_t offset;		/* in bytes, like len */
	uint64_t len;
	int result;			/* 0 or -errno */
	void (*done)(struct lodge_disk_io *io);
	struct lodge_disk_io *next;	/* for whoever holds it */
};

struct lodge_uring;
struct lodge_workers;

struct lodge_disk {
	const char *path;
	int fd;
	bool readonly;
	bool can_discard;
	uint64_t size;			/* a multiple of the block size */
	uint32_t block_size;
	int event;			/* eventfd: operations have ended */
	unsigned int in_flight;
	bool told;			/* the user knows of an error */
	struct lodge_uring *uring;	/* NULL: not allowed here */
	struct lodge_workers *workers;
};

/**
 * lodge_disk_open() - open an image
 * @disk: filled in
 * @path: raw file or block device
 * @readonly: whether writes are refused
 * @uring: whether io_uring may be used
 *
 * The image is locked against other launchers: a file shared if read only, a
 * block device only if it is written to.
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_disk_open(struct lodge_disk *disk, const char *path, bool readonly,
		    bool uring);

/**
 * lodge_disk_close() - close it; nothing is in flight
 * @disk: the image; one that was never opened has fd -1
 */
void lodge_disk_close(struct lodge_disk *disk);

/**
 * lodge_disk_submit() - start an operation, or gather it for the next kick
 * @disk: the image
 * @io: the operation, within the image's size
 */
void lodge_disk_submit(struct lodge_disk *disk, struct lodge_disk_io *io);

/**
 * lodge_disk_kick() - start all that was gathered
 * @disk: the image
 */
void lodge_disk_kick(struct lodge_disk *disk);

/**
 * lodge_disk_reap() - call done() of all operations that have ended
 * @disk: the image
 */
void lodge_disk_reap(struct lodge_disk *disk);

/**
 * lodge_disk_drain() - wait until nothing is in flight
 * @disk: the image
 */
void lodge_disk_drain(struct lodge_disk *disk);

/**
 * lodge_disk_do() - carry out an operation here and now
 * @disk: the image
 * @io: the operation
 *
 * Context: any thread.
 * Return: 0 or -errno.
 */
int lodge_disk_do(const struct lodge_disk *disk, const struct lodge_disk_io *io);

/* io/uring_disk.c: NULL where the host forbids it. */
struct lodge_uring *lodge_uring_new(int event);
void lodge_uring_free(struct lodge_uring *uring);
/* Whether there was room for it. */
bool lodge_uring_submit(struct lodge_uring *uring, int fd,
			struct lodge_disk_io *io);
/* Whether the kernel took all that was gathered. */
bool lodge_uring_kick(struct lodge_uring *uring);
/* The next operation that has ended; its result in bytes or -errno. */
struct lodge_disk_io *lodge_uring_next(struct lodge_uring *uring, int *res);

/* io/workers.c */
struct lodge_workers *lodge_workers_new(const struct lodge_disk *disk);
void lodge_workers_free(struct lodge_workers *workers);
void lodge_workers_submit(struct lodge_workers *workers,
			  struct lodge_disk_io *io);
/* All operations that have ended, as a list. */
struct lodge_disk_io *lodge_workers_done(struct lodge_workers *workers);

#endif /* LODGE_IO_DISK_H */
