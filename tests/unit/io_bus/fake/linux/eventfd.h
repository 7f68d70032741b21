/* SPDX-License-Identifier: GPL-2.0 */
/* Eventfds: of a file that is one, how often it was signalled. */
#ifndef FAKE_EVENTFD_H
#define FAKE_EVENTFD_H

#include <linux/file.h>

struct eventfd_ctx {
	int refs, signals;
	struct fake_lock lock;		/* of waits */
	struct wait_queue_entry *waits;	/* one at most */
};

extern struct eventfd_ctx fake_eventfds[FAKE_FILES];

#define ERR_PTR(e)	((void *)(long)(e))
#define ERR_CAST(p)	((void *)(p))
#define PTR_ERR(p)	((long)(p))
#define IS_ERR(p)	((unsigned long)(p) >= (unsigned long)-4095L)

static inline struct eventfd_ctx *eventfd_ctx_fileget(struct file *f)
{
	long i = f - fake_files;

	if (!f->is_eventfd)
		return ERR_PTR(-EINVAL);
	fake_eventfds[i].refs++;
	return &fake_eventfds[i];
}

static inline int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx,
						struct wait_queue_entry *wait,
						u64 *count)
{
	assert(ctx->waits == wait);
	ctx->waits = NULL;
	return 0;
}

static inline void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count)
{
	*count = ctx->signals;
	ctx->signals = 0;
}

static inline void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	ctx->refs--;
}

#endif
