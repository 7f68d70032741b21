/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock and CMOS memory of a PC, after Motorola's MC146818.
 *
 * machine.c puts it at ports 0x70 and 0x71; loop.c calls it for its timer.
 * Read next: dev/rtc.c.
 */
#ifndef LODGE_DEV_RTC_H
#define LODGE_DEV_RTC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "irq.h"

#define LODGE_RTC_PORT	0x70
#define LODGE_RTC_PORTS	2

struct lodge_rtc {
	pthread_mutex_t lock;		/* guards all that follows */
	struct lodge_irq irq;
	bool level;
	int timerfd;			/* -1: no interrupts, as in a test */
	/* The host's time in ns since 1970. */
	int64_t (*now)(void);
	int64_t offset_ns;		/* guest's time minus the host's */
	int64_t seen_ns;		/* events up to here were reported */
	uint8_t index;
	uint8_t reg_c;
	uint8_t ram[128];		/* also registers A, B and the alarm */
};

/**
 * lodge_rtc_init() - power on, with the host's time
 * @rtc: the clock
 * @irq: its interrupt line
 * @now: where the time comes from; NULL for the host's clock
 * @timerfd: a CLOCK_MONOTONIC timer of the caller's, to call
 * lodge_rtc_expired() when it runs out, or -1
 */
void lodge_rtc_init(struct lodge_rtc *rtc, const struct lodge_irq *irq,
		    int64_t (*now)(void), int timerfd);

/**
 * lodge_rtc_io() - the guest uses the index or the data port
 *
 * A lodge_io_fn.
 */
void lodge_rtc_io(void *dev, uint64_t offset, uint8_t *data, unsigned int len,
		  bool write);

/**
 * lodge_rtc_expired() - the timer has run out
 * @ctx: the clock
 */
void lodge_rtc_expired(void *ctx);

#endif /* LODGE_DEV_RTC_H */
