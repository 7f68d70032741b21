/* SPDX-License-Identifier: GPL-2.0 */
/* Waiting for an eventfd: its wait queue has one place. */
#ifndef FAKE_POLL_H
#define FAKE_POLL_H

#include <sys/epoll.h>
#include <linux/eventfd.h>

#define __poll_t		unsigned int
#define wait_queue_head_t	struct eventfd_ctx
#define wait_queue_entry_t	struct wait_queue_entry
#define poll_table		struct fake_poll

#define WQ_FLAG_EXCLUSIVE	1
#define WQ_FLAG_PRIORITY	16

struct wait_queue_entry {
	unsigned int flags;
	int (*func)(wait_queue_entry_t *wait, unsigned int mode, int sync,
		    void *key);
};

struct fake_poll {
	void (*queue)(struct file *file, wait_queue_head_t *head,
		      poll_table *poll);
};

#define init_waitqueue_func_entry(w, f)	((w)->flags = 0, (w)->func = (f))
#define init_poll_funcptr(p, f)		((p)->queue = (f))
#define key_to_poll(key)		((__poll_t)(unsigned long)(key))
#define spin_lock(l)			raw_spin_lock(l)
#define spin_unlock(l)			raw_spin_unlock(l)

static inline void __add_wait_queue(wait_queue_head_t *head,
				    wait_queue_entry_t *wait)
{
	assert(head->lock.held);
	assert(!head->waits);
	head->waits = wait;
}

static inline __poll_t vfs_poll(struct file *file, poll_table *poll)
{
	struct eventfd_ctx *ctx = &fake_eventfds[file - fake_files];

	poll->queue(file, ctx, poll);
	return ctx->signals ? EPOLLIN : 0;
}

/* Someone rings, or closes the last descriptor. */
static inline void fake_wake(int fd, __poll_t events)
{
	struct wait_queue_entry *w = fake_eventfds[fd].waits;

	if (w)
		w->func(w, 0, 0, (void *)(unsigned long)events);
}

#endif
