// SPDX-License-Identifier: GPL-2.0
/* What stands behind kernel.h. */
#include "kernel.h"

int fake_alloc_fail, fake_allocs;
struct file fake_files[FAKE_FILES];
struct eventfd_ctx fake_eventfds[FAKE_FILES];
u64 fake_now = 1000000000000ULL;
int fake_expired;
static struct hrtimer *timers;

void lodge_host_timer_init(struct hrtimer *t,
			   enum hrtimer_restart (*fn)(struct hrtimer *t))
{
	memset(t, 0, sizeof(*t));
	t->fn = fn;
}

void hrtimer_start(struct hrtimer *t, ktime_t when, int mode)
{
	assert(when > 0);
	t->expires = when;
	if (t->known)
		return;
	t->known = true;
	t->next = timers;
	timers = t;
}

int hrtimer_cancel(struct hrtimer *t)
{
	struct hrtimer **p;

	t->expires = 0;
	for (p = &timers; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	t->known = false;
	return 0;
}

static struct hrtimer *first_due(u64 until)
{
	struct hrtimer *t, *first = NULL;

	for (t = timers; t; t = t->next)
		if (t->expires && (u64)t->expires <= until &&
		    (!first || t->expires < first->expires))
			first = t;
	return first;
}

/* Time passes; what expires on the way is called at its time. */
void fake_time_advance(u64 ns)
{
	u64 until = fake_now + ns;
	struct hrtimer *t;

	while ((t = first_due(until))) {
		if ((u64)t->expires > fake_now)
			fake_now = t->expires;
		t->expires = 0;
		fake_expired++;
		assert(t->fn(t) == HRTIMER_NORESTART);
	}
	fake_now = until;
}

void lodge_host_eventfd_signal(struct eventfd_ctx *ctx)
{
	assert(ctx->refs > 0);
	ctx->signals++;
}
