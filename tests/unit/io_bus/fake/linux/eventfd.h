/* SPDX-License-Identifier: GPL-2.0 */
/* Eventfds: of a file that is one, how often it was signalled. */
#ifndef FAKE_EVENTFD_H
#define FAKE_EVENTFD_H

#include <linux/file.h>

struct eventfd_ctx {
	int refs, signals;
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

static inline void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	ctx->refs--;
}

#endif
