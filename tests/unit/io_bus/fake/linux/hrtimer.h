/* SPDX-License-Identifier: GPL-2.0 */
/* Timers that expire when the test says what time it is. */
#ifndef FAKE_HRTIMER_H
#define FAKE_HRTIMER_H

typedef s64 ktime_t;

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum { HRTIMER_MODE_ABS_HARD, HRTIMER_MODE_ABS_PINNED_HARD };

struct hrtimer {
	enum hrtimer_restart (*fn)(struct hrtimer *t);
	s64 expires;		/* 0: not started */
	struct hrtimer *next;	/* of all that were ever started */
	bool known;
};

extern u64 fake_now;
extern int fake_expired;	/* timers that have */

#define ktime_get_ns()	fake_now
#define ns_to_ktime(ns)	((ktime_t)(ns))

void lodge_host_timer_init(struct hrtimer *t,
			   enum hrtimer_restart (*fn)(struct hrtimer *t));
void hrtimer_start(struct hrtimer *t, ktime_t when, int mode);
int hrtimer_cancel(struct hrtimer *t);
void fake_time_advance(u64 ns);

#endif
