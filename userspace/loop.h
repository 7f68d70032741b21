/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event loop: one thread, one epoll, everything that is not a vCPU.
 *
 * Run by machine.c; terminal input, disk completions, queue notifications,
 * timers and the wish to stop all arrive here as file descriptors.
 * Read next: machine.c, which adds most of the sources.
 */
#ifndef LODGE_LOOP_H
#define LODGE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct lodge_loop {
	int epfd;
	bool stop;
};

/*
 * A file descriptor and what to do when it is readable, or writable if
 * @output. Embedded in its owner and living as long as it is in the loop.
 */
struct lodge_source {
	int fd;
	bool output;
	void (*fn)(void *ctx);
	void *ctx;
};

/**
 * lodge_loop_init() - make an empty loop
 * @loop: the loop
 *
 * Return: 0 or -errno.
 */
int lodge_loop_init(struct lodge_loop *loop);

/**
 * lodge_loop_fini() - close the loop; the sources' descriptors stay open
 * @loop: the loop
 */
void lodge_loop_fini(struct lodge_loop *loop);

/**
 * lodge_loop_add() - watch a descriptor
 * @loop: the loop
 * @src: the source
 *
 * Context: any thread.
 * Return: 0, or -errno: -EPERM for a descriptor that cannot be waited for,
 * such as a regular file.
 */
int lodge_loop_add(struct lodge_loop *loop, struct lodge_source *src);

/**
 * lodge_loop_del() - forget a source
 * @loop: the loop
 * @src: the source; unknown ones are ignored
 *
 * Context: the loop's thread, or before and after it runs.
 */
void lodge_loop_del(struct lodge_loop *loop, struct lodge_source *src);

/**
 * lodge_loop_run() - serve the sources until one of them sets loop->stop
 * @loop: the loop
 *
 * Return: 0 or -errno.
 */
int lodge_loop_run(struct lodge_loop *loop);

/**
 * lodge_event_new() - make an eventfd, non-blocking and close-on-exec
 *
 * Return: the descriptor or -errno.
 */
int lodge_event_new(void);

/**
 * lodge_event_set() - signal an eventfd
 * @fd: the eventfd
 */
void lodge_event_set(int fd);

/**
 * lodge_event_clear() - take the signal off an eventfd or timerfd
 * @fd: the descriptor
 *
 * Return: whether it was signalled.
 */
bool lodge_event_clear(int fd);

#endif /* LODGE_LOOP_H */
