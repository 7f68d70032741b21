// SPDX-License-Identifier: GPL-2.0
/*
 * Several CPUs request interrupts of one APIC while it takes them: none may
 * be lost. Tests the lock-free part of kmod/irq/lapic_regs.c.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "chips.h"
#include "apic_bits.h"
#include "tests.h"

#define SENDERS	3
#define ROUNDS	5000
#define PATIENCE 60	/* seconds until a request counts as lost */

static struct lodge_apic_regs apic;
static atomic_int answered[SENDERS];
static atomic_int lost;

/* Sends its own vector, and the next when that one was taken. */
static void *sender(void *arg)
{
	int i = (int)(long)arg, n;
	unsigned int looks;
	time_t since;

	for (n = 0; n < ROUNDS && !lost; n++) {
		if (lodge_apic_accept(&apic, 0x40 + i * 0x20, n & 1, NULL) != 1)
			atomic_store(&lost, 1);
		since = time(NULL);
		for (looks = 1; atomic_load(&answered[i]) == n; looks++) {
			if (looks % 64)
				continue;
			if (time(NULL) - since > PATIENCE)
				atomic_store(&lost, 1);
			if (atomic_load(&lost))
				return NULL;
			sched_yield();
		}
	}
	return NULL;
}

static void race_none_is_lost(void)
{
	pthread_t threads[SENDERS];
	long i;
	int taken = 0, v;

	memset(&apic, 0, sizeof(apic));
	lodge_apic_regs_reset(&apic, false);
	for (i = 0; i < SENDERS; i++)
		pthread_create(&threads[i], NULL, sender, (void *)i);
	while (taken < SENDERS * ROUNDS && !lost) {
		v = lodge_apic_highest(&apic);
		if (v < 0) {
			sched_yield();
			continue;
		}
		lodge_apic_take(&apic, v);
		taken++;
		if (lodge_apic_eoi(&apic) != v)
			atomic_store(&lost, 1);
		atomic_fetch_add(&answered[(v - 0x40) / 0x20], 1);
	}
	for (i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	CHECK(!lost);
	CHECK_EQ(taken, SENDERS * ROUNDS);
	CHECK(lodge_apic_top(&apic.reg[R_IRR]) == -1);
}

static int step, stop_at;
static u32 notify;

/* At one of its steps the CPU is overtaken by another one's request. */
static void overtake(void)
{
	if (step++ != stop_at)
		return;
	shim_step = NULL;
	lodge_apic_accept(&apic, 0x71, false, &notify);
	shim_step = overtake;
}

/* Take one interrupt, another coming at step @at; false: no such step. */
static bool take_overtaken(int at)
{
	int v;

	memset(&apic, 0, sizeof(apic));
	lodge_apic_regs_reset(&apic, false);
	lodge_apic_accept(&apic, 0x51, false, NULL);
	step = 0;
	stop_at = at;
	shim_step = overtake;
	v = lodge_apic_highest(&apic);
	lodge_apic_take(&apic, v);
	shim_step = NULL;
	if (step <= at)
		return false;
	/* Before or after: each of the two is taken, once. */
	if (v == 0x51)
		CHECK_EQ(lodge_apic_highest(&apic), 0x71);
	else
		CHECK_EQ(v, 0x71);
	if (v == 0x51)
		lodge_apic_take(&apic, 0x71);
	CHECK_EQ(lodge_apic_eoi(&apic), 0x71);
	CHECK_EQ(lodge_apic_highest(&apic), v == 0x51 ? -1 : 0x51);
	return true;
}

static void race_at_each_step(void)
{
	int at = 0;

	while (take_overtaken(at))
		at++;
	CHECK(at > 8);
}

/* What is requested during @fn is gone or has its hint; false: no such step */
static bool overtaken(void (*fn)(void), int at)
{
	memset(&apic, 0, sizeof(apic));
	lodge_apic_regs_reset(&apic, false);
	apic.irr_pending = true;
	step = 0;
	stop_at = at;
	shim_step = overtake;
	fn();
	shim_step = NULL;
	CHECK(lodge_apic_top(&apic.reg[R_IRR]) < 0 || apic.irr_pending);
	CHECK(!(apic.posted.irr[1] | apic.held[1]) || apic.posted.on);
	return step > at;
}

static void do_reset(void)
{
	lodge_apic_regs_reset(&apic, true);
}

static void do_look(void)
{
	lodge_apic_highest(&apic);
}

static void race_with_reset(void)
{
	int at = 0;

	while (overtaken(do_reset, at))
		at++;
	CHECK(at > 8);
}

static void race_with_empty_look(void)
{
	int at = 0;

	while (overtaken(do_look, at))
		at++;
	CHECK(at > 6);
	/* A hint for nothing is gone after one look. */
	CHECK(!apic.irr_pending);
}

static const struct ktap_test race_tests[] = {
	TEST(race_at_each_step), TEST(race_with_reset),
	TEST(race_with_empty_look), TEST(race_none_is_lost),
};
SUITE(race);
