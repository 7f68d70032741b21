// SPDX-License-Identifier: GPL-2.0
/*
 * Disk images, by io_uring and by threads.
 * Called by main.c. Read next: userspace/io/disk.h.
 */
#include <string.h>
#include <unistd.h>

#include "../ktap.h"
#include "io/disk.h"
#include "tests.h"

static struct lodge_disk disk;
static char path[32];
static int image;

struct test_io {
	struct lodge_disk_io io;
	struct iovec iov[2];
	bool done;
};

static void io_done(struct lodge_disk_io *io)
{
	((struct test_io *)io)->done = true;
}

static int disk_run(struct test_io *t, enum lodge_disk_op op, uint64_t offset)
{
	t->io.op = op;
	t->io.iov = t->iov;
	t->io.nr_iov = 2;
	t->io.offset = offset;
	t->io.len = t->iov[0].iov_len + t->iov[1].iov_len;
	t->io.done = io_done;
	t->done = false;
	lodge_disk_submit(&disk, &t->io);
	lodge_disk_drain(&disk);
	CHECK(t->done);
	return t->io.result;
}

static void disk_test(bool uring)
{
	char a[700] = "one", b[324] = "two";
	struct test_io t = {
		.iov = { { a, sizeof(a) }, { b, sizeof(b) } },
	};

	image = test_file(path);
	CHECK_EQ(ftruncate(image, 1 << 20), 0);
	CHECK_EQ(lodge_disk_open(&disk, path, false, uring), 0);
	if (!uring)
		CHECK(!disk.uring);
	else if (!disk.uring)
		printf("# io_uring is forbidden here; threads instead\n");
	CHECK_EQ(disk_run(&t, LODGE_DISK_WRITE, 4096), 0);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	CHECK_EQ(disk_run(&t, LODGE_DISK_READ, 4096), 0);
	CHECK(!strcmp(a, "one"));
	CHECK(!strcmp(b, "two"));
	CHECK_EQ(disk_run(&t, LODGE_DISK_FLUSH, 0), 0);
	CHECK_EQ(disk_run(&t, LODGE_DISK_ZERO, 4096), 0);
	CHECK_EQ(disk_run(&t, LODGE_DISK_READ, 4096), 0);
	CHECK_EQ(a[0] | b[0], 0);
	t.io.sync = true;
	CHECK_EQ(disk_run(&t, LODGE_DISK_WRITE, 0), 0);
	/* The file shrinks under the guest. */
	CHECK_EQ(ftruncate(image, 512), 0);
	CHECK_EQ(disk_run(&t, LODGE_DISK_READ, 0), -EIO);
	lodge_disk_close(&disk);
	close(image);
	unlink(path);
}

void test_disk_uring(void)
{
	disk_test(true);
}

void test_disk_threads(void)
{
	disk_test(false);
}

void test_disk_open(void)
{
	struct lodge_disk other;
	int err = dup(STDERR_FILENO);

	if (!freopen("/dev/null", "w", stderr))
		return;
	image = test_file(path);
	CHECK_EQ(lodge_disk_open(&disk, path, false, true), -EINVAL);
	CHECK_EQ(ftruncate(image, 1000), 0);
	CHECK_EQ(lodge_disk_open(&disk, path, false, true), 0);
	CHECK_EQ(disk.size, 512);
	/* One writer, or any number of readers. */
	CHECK_EQ(lodge_disk_open(&other, path, false, true), -EBUSY);
	CHECK_EQ(lodge_disk_open(&other, path, true, true), -EBUSY);
	lodge_disk_close(&disk);
	CHECK_EQ(lodge_disk_open(&disk, path, true, true), 0);
	CHECK_EQ(lodge_disk_open(&other, path, true, true), 0);
	lodge_disk_close(&other);
	lodge_disk_close(&disk);
	CHECK_EQ(lodge_disk_open(&disk, "/dev/null", true, true), -EINVAL);
	CHECK_EQ(lodge_disk_open(&disk, "/nonexistent", true, true), -ENOENT);
	close(image);
	unlink(path);
	dup2(err, STDERR_FILENO);
	close(err);
}
