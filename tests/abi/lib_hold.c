// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' library: memory that a userfaultfd holds back. Contract in abi.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"

int abi_hold(void *p, size_t size)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (unsigned long)p, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		abi_die("userfaultfd: %s", strerror(errno));
	return fd;
}
