// SPDX-License-Identifier: GPL-2.0
/*
 * The event loop; see loop.h for who calls this.
 * Read next: term.c and dev/virtio_pci.c, its two busiest users.
 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int lodge_loop_init(struct lodge_loop *loop)
{
	loop->stop = false;
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epfd < 0 ? -errno : 0;
}

void lodge_loop_fini(struct lodge_loop *loop)
{
	if (loop->epfd >= 0)
		close(loop->epfd);
	loop->epfd = -1;
}

static int loop_ctl(struct lodge_loop *loop, int op, struct lodge_source *src,
		    uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	return epoll_ctl(loop->epfd, op, src->fd, &ev) ? -errno : 0;
}

int lodge_loop_add(struct lodge_loop *loop, struct lodge_source *src)
{
	return loop_ctl(loop, EPOLL_CTL_ADD, src,
			src->output ? EPOLLOUT : EPOLLIN);
}

void lodge_loop_del(struct lodge_loop *loop, struct lodge_source *src)
{
	loop_ctl(loop, EPOLL_CTL_DEL, src, 0);
}

int lodge_loop_run(struct lodge_loop *loop)
{
	struct epoll_event ev[16];
	struct lodge_source *src;
	int i, n;

	while (!loop->stop) {
		n = epoll_wait(loop->epfd, ev, 16, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n && !loop->stop; i++) {
			src = ev[i].data.ptr;
			src->fn(src->ctx);
		}
	}
	return 0;
}

int lodge_event_new(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void lodge_event_set(int fd)
{
	const uint64_t one = 1;

	/* EAGAIN means 2^64 - 2 signals are waiting: it is signalled. */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

bool lodge_event_clear(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}
