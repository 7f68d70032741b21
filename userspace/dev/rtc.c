// SPDX-License-Identifier: GPL-2.0
/*
 * The CMOS clock; see rtc.h for who calls this.
 *
 * The time is the host's plus an offset: setting the clock changes the offset.
 * Interrupts come from one timer that is armed for the next event that the
 * guest has enabled. Follows the MC146818A data sheet.
 * Read next: dev/acpi_pm.c, the other clock.
 */
#include "rtc.h"

#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "../loop.h"

#define RTC_SECONDS		0
#define RTC_SECONDS_ALARM	1
#define RTC_MINUTES		2
#define RTC_MINUTES_ALARM	3
#define RTC_HOURS		4
#define RTC_HOURS_ALARM		5
#define RTC_WEEKDAY		6
#define RTC_DAY			7
#define RTC_MONTH		8
#define RTC_YEAR		9
#define RTC_A			10
#define RTC_B			11
#define RTC_C			12
#define RTC_D			13
#define RTC_CENTURY		0x32

#define RTC_A_UIP		0x80
#define RTC_A_32KHZ		0x20
#define RTC_B_SET		0x80
#define RTC_B_PIE		0x40
#define RTC_B_AIE		0x20
#define RTC_B_UIE		0x10
#define RTC_B_BINARY		0x04
#define RTC_B_24H		0x02
#define RTC_C_IRQF		0x80
#define RTC_D_VALID		0x80

#define NS_PER_SEC		1000000000ll
#define RTC_SEC_MAX		9000000000ll	/* in the year 2255 */
/* Update in progress: 244 us of warning and 1984 us of updating. */
#define RTC_UPDATE_NS		2228000ll

static int64_t rtc_host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static int64_t rtc_now(const struct lodge_rtc *rtc)
{
	return rtc->now() + rtc->offset_ns;
}

static int64_t rtc_floor(int64_t ns, int64_t step)
{
	int64_t rest = ns % step;

	return ns - (rest < 0 ? rest + step : rest);
}

static uint8_t rtc_encode(const struct lodge_rtc *rtc, unsigned int val)
{
	if (rtc->ram[RTC_B] & RTC_B_BINARY)
		return val;
	return (val / 10 % 10) << 4 | val % 10;
}

static unsigned int rtc_decode(const struct lodge_rtc *rtc, uint8_t val)
{
	if (rtc->ram[RTC_B] & RTC_B_BINARY)
		return val;
	return (val >> 4) * 10 + (val & 0x0f);
}

static uint8_t rtc_encode_hour(const struct lodge_rtc *rtc, unsigned int hour)
{
	if (rtc->ram[RTC_B] & RTC_B_24H)
		return rtc_encode(rtc, hour);
	return rtc_encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? 0x80 : 0);
}

static unsigned int rtc_decode_hour(const struct lodge_rtc *rtc, uint8_t val)
{
	if (rtc->ram[RTC_B] & RTC_B_24H)
		return rtc_decode(rtc, val);
	return rtc_decode(rtc, val & 0x7f) % 12 + ((val & 0x80) ? 12 : 0);
}

/* Put the time of @ns into the time registers. */
static void rtc_fill(struct lodge_rtc *rtc, int64_t ns)
{
	time_t sec = rtc_floor(ns, NS_PER_SEC) / NS_PER_SEC;
	unsigned int year;
	struct tm tm;

	if (!gmtime_r(&sec, &tm))
		return;
	year = tm.tm_year + 1900;
	rtc->ram[RTC_SECONDS] = rtc_encode(rtc, tm.tm_sec);
	rtc->ram[RTC_MINUTES] = rtc_encode(rtc, tm.tm_min);
	rtc->ram[RTC_HOURS] = rtc_encode_hour(rtc, tm.tm_hour);
	rtc->ram[RTC_WEEKDAY] = rtc_encode(rtc, tm.tm_wday + 1);
	rtc->ram[RTC_DAY] = rtc_encode(rtc, tm.tm_mday);
	rtc->ram[RTC_MONTH] = rtc_encode(rtc, tm.tm_mon + 1);
	rtc->ram[RTC_YEAR] = rtc_encode(rtc, year % 100);
	rtc->ram[RTC_CENTURY] = rtc_encode(rtc, year / 100 % 100);
}

/* Take the time from the time registers. */
static void rtc_take(struct lodge_rtc *rtc)
{
	struct tm tm = {
		.tm_sec = rtc_decode(rtc, rtc->ram[RTC_SECONDS]),
		.tm_min = rtc_decode(rtc, rtc->ram[RTC_MINUTES]),
		.tm_hour = rtc_decode_hour(rtc, rtc->ram[RTC_HOURS]),
		.tm_mday = rtc_decode(rtc, rtc->ram[RTC_DAY]),
		.tm_mon = (int)rtc_decode(rtc, rtc->ram[RTC_MONTH]) - 1,
		.tm_year = rtc_decode(rtc, rtc->ram[RTC_CENTURY]) * 100 +
			   rtc_decode(rtc, rtc->ram[RTC_YEAR]) - 1900,
	};

	int64_t sec = timegm(&tm);

	/* A date that nanoseconds cannot hold leaves the clock as it was. */
	if (sec >= 0 && sec < RTC_SEC_MAX)
		rtc->offset_ns = sec * NS_PER_SEC - rtc->now();
	rtc->seen_ns = rtc_now(rtc);
}

/* An alarm register of 0xc0 and up matches everything. */
static bool rtc_alarm_field(const struct lodge_rtc *rtc, unsigned int alarm,
			    unsigned int now)
{
	return rtc->ram[alarm] >= 0xc0 || rtc->ram[alarm] == rtc->ram[now];
}

static bool rtc_alarm_at(struct lodge_rtc *rtc, int64_t ns)
{
	rtc_fill(rtc, ns);
	return rtc_alarm_field(rtc, RTC_SECONDS_ALARM, RTC_SECONDS) &&
	       rtc_alarm_field(rtc, RTC_MINUTES_ALARM, RTC_MINUTES) &&
	       rtc_alarm_field(rtc, RTC_HOURS_ALARM, RTC_HOURS);
}

/* Nanoseconds between periodic interrupts; 0: never. */
static int64_t rtc_period(const struct lodge_rtc *rtc)
{
	unsigned int rate = rtc->ram[RTC_A] & 0x0f;

	if (!rate)
		return 0;
	/* Rates 1 and 2 are those of 8 and 9, as the data sheet has it. */
	return NS_PER_SEC * (1 << ((rate <= 2 ? rate + 7 : rate) - 1)) / 32768;
}

static void rtc_update_irq(struct lodge_rtc *rtc)
{
	bool level;

	rtc->reg_c &= ~RTC_C_IRQF;
	level = rtc->reg_c & rtc->ram[RTC_B] &
		(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE);
	if (level)
		rtc->reg_c |= RTC_C_IRQF;
	if (level != rtc->level)
		lodge_irq_set(&rtc->irq, level);
	rtc->level = level;
}

/* Note in register C what has happened since it was last looked at. */
static void rtc_catch_up(struct lodge_rtc *rtc)
{
	int64_t now = rtc_now(rtc), period = rtc_period(rtc), sec;

	if (period && rtc_floor(now, period) > rtc->seen_ns)
		rtc->reg_c |= RTC_B_PIE;
	if (!(rtc->ram[RTC_B] & RTC_B_SET)) {
		sec = rtc_floor(now, NS_PER_SEC);
		if (sec > rtc->seen_ns)
			rtc->reg_c |= RTC_B_UIE;
		/* After a day the same alarm comes again: look no further. */
		for (; sec > rtc->seen_ns && !(rtc->reg_c & RTC_B_AIE) &&
		     now - sec < 86400 * NS_PER_SEC; sec -= NS_PER_SEC)
			if (rtc_alarm_at(rtc, sec))
				rtc->reg_c |= RTC_B_AIE;
		rtc_fill(rtc, now);
	}
	rtc->seen_ns = now;
	rtc_update_irq(rtc);
}

/* Wake up for the next event that may interrupt. */
static void rtc_arm(struct lodge_rtc *rtc)
{
	uint8_t due = rtc->ram[RTC_B] & ~rtc->reg_c;
	int64_t now = rtc_now(rtc), step = 0, wait;
	struct itimerspec when = { 0 };

	if (rtc->timerfd < 0)
		return;
	/* An interrupt that is on already is enough until it is read. */
	if (!rtc->level && !(due & RTC_B_SET) &&
	    (due & (RTC_B_AIE | RTC_B_UIE)))
		step = NS_PER_SEC;
	if (!rtc->level && (due & RTC_B_PIE) && rtc_period(rtc))
		step = rtc_period(rtc);
	if (step) {
		wait = step - (now - rtc_floor(now, step));
		when.it_value.tv_sec = wait / NS_PER_SEC;
		when.it_value.tv_nsec = wait % NS_PER_SEC;
	}
	timerfd_settime(rtc->timerfd, 0, &when, NULL);
}

static uint8_t rtc_read(struct lodge_rtc *rtc)
{
	int64_t now = rtc_now(rtc);
	uint8_t val;

	switch (rtc->index) {
	case RTC_A:
		val = rtc->ram[RTC_A];
		if (!(rtc->ram[RTC_B] & RTC_B_SET) &&
		    now - rtc_floor(now, NS_PER_SEC) >=
		    NS_PER_SEC - RTC_UPDATE_NS)
			val |= RTC_A_UIP;
		return val;
	case RTC_C:
		rtc_catch_up(rtc);
		val = rtc->reg_c;
		rtc->reg_c = 0;
		rtc_update_irq(rtc);
		rtc_arm(rtc);
		return val;
	case RTC_D:
		return RTC_D_VALID;
	default:
		if (!(rtc->ram[RTC_B] & RTC_B_SET))
			rtc_fill(rtc, now);
		return rtc->ram[rtc->index];
	}
}

static bool rtc_is_time(unsigned int index)
{
	return index == RTC_CENTURY || (index <= RTC_YEAR &&
	       index != RTC_SECONDS_ALARM && index != RTC_MINUTES_ALARM &&
	       index != RTC_HOURS_ALARM);
}

static void rtc_write(struct lodge_rtc *rtc, uint8_t val)
{
	uint8_t old_b = rtc->ram[RTC_B];

	rtc_catch_up(rtc);
	switch (rtc->index) {
	case RTC_A:
		rtc->ram[RTC_A] = val & ~RTC_A_UIP;
		break;
	case RTC_B:
		/* Setting the clock stops updates and their interrupt. */
		if (val & RTC_B_SET)
			val &= ~RTC_B_UIE;
		rtc->ram[RTC_B] = val;
		if ((old_b & RTC_B_SET) && !(val & RTC_B_SET))
			rtc_take(rtc);
		break;
	case RTC_C:
	case RTC_D:
		break;
	default:
		rtc->ram[rtc->index] = val;
		if (rtc_is_time(rtc->index) && !(old_b & RTC_B_SET))
			rtc_take(rtc);
	}
	rtc_update_irq(rtc);
	rtc_arm(rtc);
}

void lodge_rtc_init(struct lodge_rtc *rtc, const struct lodge_irq *irq,
		    int64_t (*now)(void), int timerfd)
{
	memset(rtc, 0, sizeof(*rtc));
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->irq = *irq;
	rtc->now = now ? now : rtc_host_now;
	rtc->timerfd = timerfd;
	rtc->ram[RTC_A] = RTC_A_32KHZ | 6;
	rtc->ram[RTC_B] = RTC_B_24H;
	rtc->seen_ns = rtc_now(rtc);
}

void lodge_rtc_io(void *dev, uint64_t offset, uint8_t *data, unsigned int len,
		  bool write)
{
	struct lodge_rtc *rtc = dev;

	if (!write)
		memset(data, 0xff, len);
	pthread_mutex_lock(&rtc->lock);
	if (offset == 0 && write) {
		/* The top bit masks NMIs, of which there are none. */
		rtc->index = data[0] & 0x7f;
		if (len > 1)
			rtc_write(rtc, data[1]);
	} else if (offset == 1 && write) {
		rtc_write(rtc, data[0]);
	} else if (offset == 1) {
		data[0] = rtc_read(rtc);
	}
	pthread_mutex_unlock(&rtc->lock);
}

void lodge_rtc_expired(void *ctx)
{
	struct lodge_rtc *rtc = ctx;

	lodge_event_clear(rtc->timerfd);
	pthread_mutex_lock(&rtc->lock);
	rtc_catch_up(rtc);
	rtc_arm(rtc);
	pthread_mutex_unlock(&rtc->lock);
}
