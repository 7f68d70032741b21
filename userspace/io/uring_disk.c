// SPDX-License-Identifier: GPL-2.0
/*
 * Disk operations by io_uring; called by io/disk.c, declared in io/disk.h.
 * Read next: io/workers.c, what is used where this is forbidden.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

#define URING_SQES	64
#define URING_CQES	1024

struct lodge_uring {
	struct io_uring ring;
	unsigned int gathered;
};

/*
 * What a ring does, no filter for system calls sees: it shall read, write and
 * flush, and nothing else, for ever.
 */
static int uring_restrict(struct io_uring *ring)
{
	static const uint8_t ops[] = {
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
	};
	struct io_uring_restriction allowed[sizeof(ops)] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(ops); i++) {
		allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
		allowed[i].sqe_op = ops[i];
	}
	/* By themselves: Debian 12's library does not have these two. */
	if (syscall(SYS_io_uring_register, ring->ring_fd,
		    IORING_REGISTER_RESTRICTIONS, allowed, sizeof(ops)) ||
	    syscall(SYS_io_uring_register, ring->ring_fd,
		    IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return -errno;
	return 0;
}

struct lodge_uring *lodge_uring_new(int event)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
			 IORING_SETUP_R_DISABLED,
		.cq_entries = URING_CQES,
	};
	struct lodge_uring *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	/* Old kernels, seccomp or a sysctl may stand against it. */
	if (io_uring_queue_init_params(URING_SQES, &u->ring, &params))
		goto err_free;
	/* Without this a full completion ring would lose completions. */
	if (!(params.features & IORING_FEAT_NODROP) ||
	    io_uring_register_eventfd(&u->ring, event) ||
	    uring_restrict(&u->ring))
		goto err_exit;
	return u;

err_exit:
	io_uring_queue_exit(&u->ring);
err_free:
	free(u);
	return NULL;
}

void lodge_uring_free(struct lodge_uring *u)
{
	io_uring_queue_exit(&u->ring);
	free(u);
}

bool lodge_uring_kick(struct lodge_uring *u)
{
	int ret;

	while (u->gathered) {
		ret = io_uring_submit(&u->ring);
		if (ret > 0)
			u->gathered -= ret;
		/* EBUSY, EAGAIN: room comes with the completions. */
		else if (ret != -EINTR)
			return false;
	}
	return true;
}

static struct io_uring_sqe *uring_sqe(struct lodge_uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) {
		lodge_uring_kick(u);
		sqe = io_uring_get_sqe(&u->ring);
	}
	return sqe;
}

bool lodge_uring_submit(struct lodge_uring *u, int fd, struct lodge_disk_io *io)
{
	struct io_uring_sqe *sqe = uring_sqe(u);

	if (!sqe)
		return false;
	switch (io->op) {
	case LODGE_DISK_READ:
		io_uring_prep_readv(sqe, fd, io->iov, io->nr_iov, io->offset);
		break;
	case LODGE_DISK_WRITE:
		io_uring_prep_writev2(sqe, fd, io->iov, io->nr_iov, io->offset,
				      io->sync ? RWF_DSYNC : 0);
		break;
	default:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	}
	io_uring_sqe_set_data(sqe, io);
	u->gathered++;
	return true;
}

struct lodge_disk_io *lodge_uring_next(struct lodge_uring *u, int *res)
{
	struct lodge_disk_io *io;
	struct io_uring_cqe *cqe;

	if (io_uring_peek_cqe(&u->ring, &cqe))
		return NULL;
	io = io_uring_cqe_get_data(cqe);
	*res = cqe->res;
	io_uring_cqe_seen(&u->ring, cqe);
	return io;
}
