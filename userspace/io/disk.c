// SPDX-License-Identifier: GPL-2.0
/*
 * Disk images; see disk.h for who calls this.
 * Read next: io/uring_disk.c and io/workers.c, the two ways to get it done.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../err.h"
#include "../loop.h"

#define DISK_IOV_MAX	128
#define DISK_ZEROES	65536

static int disk_error(const char *path, int err)
{
	lodge_err("cannot open disk '%s': %s", path, err == EBUSY ?
		  "it is mounted or otherwise in use" : strerror(err));
	return -err;
}

static int disk_size(struct lodge_disk *disk)
{
	struct stat st;
	int sector = 0;

	disk->block_size = LODGE_SECTOR;
	if (fstat(disk->fd, &st))
		return disk_error(disk->path, errno);
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(disk->fd, BLKGETSIZE64, &disk->size) ||
		    ioctl(disk->fd, BLKSSZGET, &sector))
			return disk_error(disk->path, errno);
		disk->block_size = sector;
	} else if (S_ISREG(st.st_mode)) {
		disk->size = st.st_size;
	} else {
		lodge_err("disk '%s' is neither a file nor a block device",
			  disk->path);
		return -EINVAL;
	}
	disk->size -= disk->size % disk->block_size;
	if (!disk->size) {
		lodge_err("disk '%s' is empty", disk->path);
		return -EINVAL;
	}
	return 0;
}

/* Block devices are left out: udev takes short locks on them. */
static int disk_lock(struct lodge_disk *disk)
{
	int how = disk->readonly ? LOCK_SH : LOCK_EX;
	struct stat st;

	if (fstat(disk->fd, &st) || !S_ISREG(st.st_mode) ||
	    !flock(disk->fd, how | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return disk_error(disk->path, errno);
	lodge_err("disk '%s' is in use by another guest", disk->path);
	return -EBUSY;
}

static int disk_setup(struct lodge_disk *disk, bool uring)
{
	int ret;

	ret = disk_lock(disk);
	if (!ret)
		ret = disk_size(disk);
	if (ret)
		return ret;
	/* Beyond the end there is nothing to lose by trying. */
	disk->can_discard = !disk->readonly &&
		(!fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE |
			    FALLOC_FL_KEEP_SIZE, disk->size + (1 << 20), 4096) ||
		 errno != EOPNOTSUPP);
	disk->event = lodge_event_new();
	if (disk->event < 0)
		return disk_error(disk->path, -disk->event);
	disk->workers = lodge_workers_new(disk);
	if (!disk->workers)
		return disk_error(disk->path, ENOMEM);
	if (uring)
		disk->uring = lodge_uring_new(disk->event);
	return 0;
}

/*
 * A block device that is mounted, part of something that is, or another
 * guest's, is refused; disk_lock() does that for files.
 */
static int disk_open_file(const char *path, bool readonly)
{
	int flags = O_CLOEXEC | (readonly ? O_RDONLY : O_RDWR);
	struct stat st;

	if (!readonly && !stat(path, &st) && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	return open(path, flags);
}

int lodge_disk_open(struct lodge_disk *disk, const char *path, bool readonly,
		    bool uring)
{
	int ret;

	memset(disk, 0, sizeof(*disk));
	disk->path = path;
	disk->readonly = readonly;
	disk->event = -1;
	disk->fd = disk_open_file(path, readonly);
	if (disk->fd < 0)
		return disk_error(path, errno);
	ret = disk_setup(disk, uring);
	if (ret)
		lodge_disk_close(disk);
	return ret;
}

void lodge_disk_close(struct lodge_disk *disk)
{
	if (disk->fd < 0)
		return;
	if (disk->uring)
		lodge_uring_free(disk->uring);
	if (disk->workers)
		lodge_workers_free(disk->workers);
	if (disk->event >= 0)
		close(disk->event);
	close(disk->fd);
	disk->fd = -1;
}

void lodge_disk_submit(struct lodge_disk *disk, struct lodge_disk_io *io)
{
	disk->in_flight++;
	if (!disk->uring || io->op > LODGE_DISK_FLUSH ||
	    !lodge_uring_submit(disk->uring, disk->fd, io))
		lodge_workers_submit(disk->workers, io);
}

void lodge_disk_kick(struct lodge_disk *disk)
{
	/* What did not fit is tried again when the loop comes round. */
	if (disk->uring && !lodge_uring_kick(disk->uring))
		lodge_event_set(disk->event);
}

/* The guest gets an error; the user is told once why. */
static void disk_complain(struct lodge_disk *disk, int result)
{
	if (!disk->told)
		lodge_err("disk '%s': %s; the guest sees an I/O error",
			  disk->path, strerror(-result));
	disk->told = true;
}

static void disk_done(struct lodge_disk *disk, struct lodge_disk_io *io)
{
	disk->in_flight--;
	if (io->result && io->result != -EOPNOTSUPP)
		disk_complain(disk, io->result);
	io->done(io);
}

/*
 * A transfer that did not go through whole is tried again the plain way, which
 * knows how to continue and what error to give. Not so a flush: the kernel
 * reports lost writes once, and a second try would succeed.
 */
static bool disk_again(const struct lodge_disk_io *io, int res)
{
	if (io->op == LODGE_DISK_FLUSH)
		return res == -EAGAIN || res == -EINTR;
	return res < 0 || (uint64_t)res != io->len;
}

void lodge_disk_reap(struct lodge_disk *disk)
{
	struct lodge_disk_io *io, *next;
	int res;

	while (disk->uring && (io = lodge_uring_next(disk->uring, &res))) {
		if (disk_again(io, res)) {
			lodge_workers_submit(disk->workers, io);
			continue;
		}
		io->result = res < 0 ? res : 0;
		disk_done(disk, io);
	}
	for (io = lodge_workers_done(disk->workers); io; io = next) {
		next = io->next;
		disk_done(disk, io);
	}
	lodge_disk_kick(disk);
}

void lodge_disk_drain(struct lodge_disk *disk)
{
	struct pollfd pfd = { .fd = disk->event, .events = POLLIN };

	lodge_disk_kick(disk);
	lodge_disk_reap(disk);
	while (disk->in_flight) {
		poll(&pfd, 1, -1);
		lodge_event_clear(disk->event);
		lodge_disk_reap(disk);
	}
}

/* Drop @n bytes from the front. */
static void iov_advance(struct iovec **iov, unsigned int *nr, size_t n)
{
	while (*nr && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*nr)--;
	}
	if (*nr) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

static int disk_transfer(const struct lodge_disk *disk,
			 const struct lodge_disk_io *io)
{
	struct iovec copy[DISK_IOV_MAX], *iov = copy;
	unsigned int nr = io->nr_iov;
	uint64_t offset = io->offset;
	ssize_t n;

	if (nr > DISK_IOV_MAX)
		return -EINVAL;
	memcpy(copy, io->iov, nr * sizeof(copy[0]));
	while (nr) {
		if (io->op == LODGE_DISK_READ)
			n = preadv(disk->fd, iov, nr, offset);
		else
			n = pwritev2(disk->fd, iov, nr, offset,
				     io->sync ? RWF_DSYNC : 0);
		if (n < 0 && errno == EINTR)
			continue;
		/* The end of the file: it has shrunk under the guest. */
		if (n <= 0)
			return n ? -errno : -EIO;
		offset += n;
		iov_advance(&iov, &nr, n);
	}
	return 0;
}

static int disk_write_zeroes(const struct lodge_disk *disk, uint64_t offset,
			     uint64_t len)
{
	static const uint8_t zeroes[DISK_ZEROES];
	ssize_t n;

	while (len) {
		n = pwrite(disk->fd, zeroes,
			   len < sizeof(zeroes) ? len : sizeof(zeroes), offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		offset += n;
		len -= n;
	}
	return 0;
}

static int disk_fallocate(const struct lodge_disk *disk, int mode,
			  const struct lodge_disk_io *io)
{
	int ret;

	do {
		ret = fallocate(disk->fd, mode | FALLOC_FL_KEEP_SIZE,
				io->offset, io->len);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static int disk_zero(const struct lodge_disk *disk,
		     const struct lodge_disk_io *io)
{
	int ret = -EOPNOTSUPP;

	if (io->unmap)
		ret = disk_fallocate(disk, FALLOC_FL_PUNCH_HOLE, io);
	if (ret == -EOPNOTSUPP)
		ret = disk_fallocate(disk, FALLOC_FL_ZERO_RANGE, io);
	if (ret == -EOPNOTSUPP)
		ret = disk_write_zeroes(disk, io->offset, io->len);
	if (!ret && io->sync && fdatasync(disk->fd))
		ret = -errno;
	return ret;
}

int lodge_disk_do(const struct lodge_disk *disk, const struct lodge_disk_io *io)
{
	switch (io->op) {
	case LODGE_DISK_READ:
	case LODGE_DISK_WRITE:
		return disk_transfer(disk, io);
	case LODGE_DISK_FLUSH:
		return fdatasync(disk->fd) ? -errno : 0;
	case LODGE_DISK_DISCARD:
		return disk_fallocate(disk, FALLOC_FL_PUNCH_HOLE, io);
	case LODGE_DISK_ZERO:
		return disk_zero(disk, io);
	}
	return -EINVAL;
}
