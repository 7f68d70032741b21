// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer against a clock that the test turns, and state that
 * is saved and loaded under way. Tests kmod/irq/lapic_timer.c and lapic.c.
 */
#include "machine.h"

#define ONESHOT		0xec
#define PERIODIC	0x200ec
#define DEADLINE	0x400ec

static void start(u32 lvt, u32 divide, u32 count)
{
	machine_start();
	apic_write(1, 0x320, lvt);
	apic_write(1, 0x3e0, divide);
	apic_write(1, 0x380, count);
}

static void timer_oneshot(void)
{
	start(ONESHOT, 0xb, 1000000);
	CHECK_EQ(apic_read(1, 0x390), 1000000);
	fake_time_advance(400000);
	CHECK_EQ(apic_read(1, 0x390), 600000);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(599999);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(1);
	CHECK_EQ(apic_read(1, 0x390), 0);
	CHECK(vm.vcpu[1]->requests & 1UL << LODGE_REQ_TIMER);
	CHECK(cpu_take(1) == 0xec);
	apic_write(1, 0xb0, 0);
	fake_time_advance(10000000);
	CHECK(cpu_take(1) == -1);
	machine_stop();
}

static void timer_divide(void)
{
	static const u8 value[] = { 0, 1, 2, 3, 8, 9, 10, 11 };
	static const u32 by[] = { 2, 4, 8, 16, 32, 64, 128, 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(value); i++) {
		start(ONESHOT, value[i], 1000);
		fake_time_advance(500 * by[i]);
		CHECK_EQ(apic_read(1, 0x390), 500);
		fake_time_advance(500 * by[i]);
		CHECK(cpu_take(1) == 0xec);
		machine_stop();
	}
}

static void timer_divide_changes(void)
{
	start(ONESHOT, 0xb, 1000000);
	fake_time_advance(500000);
	apic_write(1, 0x3e0, 0);
	CHECK_EQ(apic_read(1, 0x390), 500000);
	fake_time_advance(999999);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(1);
	CHECK(cpu_take(1) == 0xec);
	machine_stop();
}

static void timer_periodic(void)
{
	int i;

	start(PERIODIC, 0xb, 1000000);
	for (i = 0; i < 5; i++) {
		fake_time_advance(1000000);
		CHECK(cpu_take(1) == 0xec);
		apic_write(1, 0xb0, 0);
		CHECK(cpu_take(1) == -1);
	}
	/* Many that nobody saw are one; the phase stays. */
	fake_time_advance(3300000);
	CHECK_EQ(apic_read(1, 0x390), 700000);
	CHECK(cpu_take(1) == 0xec);
	apic_write(1, 0xb0, 0);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(699999);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(1);
	CHECK(cpu_take(1) == 0xec);
	machine_stop();
}

static void timer_periodic_is_bounded(void)
{
	int i, n = 0;

	start(PERIODIC, 0xb, 1);
	for (i = 0; i < 1000; i++) {
		fake_time_advance(1000);
		n += cpu_take(1) == 0xec;
		apic_write(1, 0xb0, 0);
	}
	CHECK_EQ(n, 5);
	machine_stop();
}

static void timer_stops(void)
{
	start(PERIODIC, 0xb, 1000000);
	apic_write(1, 0x380, 0);
	fake_time_advance(5000000);
	CHECK(cpu_take(1) == -1);
	CHECK_EQ(apic_read(1, 0x390), 0);
	machine_stop();
}

static void timer_restarts(void)
{
	start(ONESHOT, 0xb, 1000000);
	fake_time_advance(900000);
	apic_write(1, 0x380, 1000000);
	fake_time_advance(900000);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(100000);
	CHECK(cpu_take(1) == 0xec);
	/* An alarm that was asked for before a restart does nothing. */
	apic_write(1, 0xb0, 0);
	apic_write(1, 0x380, 1000000);
	lodge_vcpu_request(vm.vcpu[1], LODGE_REQ_TIMER);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(1000000);
	CHECK(cpu_take(1) == 0xec);
	machine_stop();
}

static void timer_masked(void)
{
	start(ONESHOT | LVT_MASKED, 0xb, 1000);
	fake_time_advance(1000);
	CHECK(cpu_take(1) == -1);
	machine_stop();
}

static void timer_becomes_periodic(void)
{
	start(ONESHOT, 0xb, 1000000);
	fake_time_advance(500000);
	apic_write(1, 0x320, PERIODIC);
	fake_time_advance(500000);
	CHECK(cpu_take(1) == 0xec);
	apic_write(1, 0xb0, 0);
	fake_time_advance(1000000);
	CHECK(cpu_take(1) == 0xec);
	machine_stop();
}

static void timer_deadline(void)
{
	struct lodge_vcpu *cpu = vm.vcpu[1];

	start(ONESHOT, 0xb, 0);
	cpu = vm.vcpu[1];
	/* Not in that mode: the write does nothing, the read is 0. */
	lodge_lapic_set_tscdeadline(cpu, 1);
	CHECK_EQ(lodge_lapic_tscdeadline(cpu), 0);
	CHECK(cpu_take(1) == -1);
	apic_write(1, 0x320, DEADLINE);
	lodge_lapic_set_tscdeadline(cpu, 0);
	lodge_lapic_set_tscdeadline(cpu, (fake_now + 5000) * 2);
	CHECK_EQ(lodge_lapic_tscdeadline(cpu), (fake_now + 5000) * 2);
	CHECK_EQ(apic_read(1, 0x390), 0);
	fake_time_advance(4999);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(2);
	CHECK(cpu_take(1) == 0xec);
	CHECK_EQ(lodge_lapic_tscdeadline(cpu), 0);
	apic_write(1, 0xb0, 0);
	/* One that has passed comes at once. */
	lodge_lapic_set_tscdeadline(cpu, 5);
	CHECK(cpu_take(1) == 0xec);
	apic_write(1, 0xb0, 0);
	/* And 0 takes it back. */
	lodge_lapic_set_tscdeadline(cpu, (fake_now + 5000) * 2);
	lodge_lapic_set_tscdeadline(cpu, 0);
	fake_time_advance(10000);
	CHECK(cpu_take(1) == -1);
	/* The end of time is far away. */
	lodge_lapic_set_tscdeadline(cpu, ~0ULL);
	fake_time_advance(1000000000);
	CHECK(cpu_take(1) == -1);
	machine_stop();
}

/* The hardware looks at the guest's TSC: the host's timer only for sleep. */
static void timer_deadline_in_hardware(void)
{
	struct lodge_vcpu *cpu;
	int expired;

	machine_start();
	lodge_caps.timer = true;
	cpu = vm.vcpu[0];
	cpu->clock.tsc_offset = 7;
	apic_write(0, 0x320, 0x40051);
	expired = fake_expired;
	lodge_lapic_set_tscdeadline(cpu, (fake_now + 5000) * 2);
	CHECK_EQ(cpu->hw_timer, (fake_now + 5000) * 2 - 7);
	fake_time_advance(6000);
	CHECK_EQ(fake_expired, expired);
	lodge_lapic_timer_inject(cpu);
	CHECK(cpu_take(0) == 0x51);
	CHECK_EQ(cpu->hw_timer, 0);
	/* While it sleeps, nobody looks. */
	lodge_lapic_set_tscdeadline(cpu, (fake_now + 5000) * 2);
	lodge_lapic_timer_sleep(cpu);
	fake_time_advance(6000);
	CHECK_EQ(fake_expired, expired + 1);
	/* Set back, and with a scaled TSC: then the hardware does not do. */
	lodge_lapic_set_tscdeadline(cpu, 0);
	CHECK_EQ(cpu->hw_timer, 0);
	cpu->clock.tsc_ratio = 1;
	lodge_lapic_set_tscdeadline(cpu, (fake_now + 5000) * 2);
	CHECK_EQ(cpu->hw_timer, 0);
	fake_time_advance(6000);
	CHECK_EQ(fake_expired, expired + 2);
	machine_stop();
	lodge_caps.timer = false;
}

static void timer_mode_clears(void)
{
	start(ONESHOT, 0xb, 1000000);
	apic_write(1, 0x320, DEADLINE);
	CHECK_EQ(apic_read(1, 0x380), 0);
	fake_time_advance(2000000);
	CHECK(cpu_take(1) == -1);
	lodge_lapic_set_tscdeadline(vm.vcpu[1], (fake_now + 5000) * 2);
	apic_write(1, 0x320, ONESHOT);
	fake_time_advance(2000000);
	CHECK(cpu_take(1) == -1);
	CHECK_EQ(lodge_lapic_tscdeadline(vm.vcpu[1]), 0);
	machine_stop();
}

static void timer_saved_and_loaded(void)
{
	struct kvm_lapic_state s;
	u32 left;

	start(PERIODIC, 0xb, 1000000);
	fake_time_advance(300000);
	lodge_lapic_get(vm.vcpu[1], &s);
	memcpy(&left, s.regs + 0x390, 4);
	CHECK_EQ(left, 700000);
	machine_stop();
	/* In another machine, a while later. */
	fake_time_advance(77777777);
	machine_start();
	lodge_lapic_set(vm.vcpu[1], &s);
	CHECK_EQ(apic_read(1, 0x390), 700000);
	fake_time_advance(700000);
	CHECK(cpu_take(1) == 0xec);
	apic_write(1, 0xb0, 0);
	fake_time_advance(1000000);
	CHECK(cpu_take(1) == 0xec);
	machine_stop();
}

static void timer_set_with_deadline(void)
{
	struct kvm_lapic_state s;

	start(DEADLINE, 0xb, 0);
	lodge_lapic_get(vm.vcpu[1], &s);
	lodge_lapic_set_tscdeadline(vm.vcpu[1], (fake_now + 5000) * 2);
	/* A user that reads and writes the page does not lose the deadline. */
	lodge_lapic_set(vm.vcpu[1], &s);
	CHECK_EQ(lodge_lapic_tscdeadline(vm.vcpu[1]), (fake_now + 5000) * 2);
	fake_time_advance(5001);
	CHECK(cpu_take(1) == 0xec);
	machine_stop();
}

static void timer_reset(void)
{
	start(PERIODIC, 0xb, 1000000);
	lodge_lapic_reset(vm.vcpu[1], true);
	fake_time_advance(5000000);
	CHECK(cpu_take(1) == -1);
	machine_stop();
}

static const struct ktap_test timer_tests[] = {
	TEST(timer_oneshot), TEST(timer_divide), TEST(timer_divide_changes),
	TEST(timer_periodic), TEST(timer_periodic_is_bounded),
	TEST(timer_stops), TEST(timer_restarts), TEST(timer_masked),
	TEST(timer_becomes_periodic), TEST(timer_deadline),
	TEST(timer_deadline_in_hardware),
	TEST(timer_mode_clears), TEST(timer_saved_and_loaded),
	TEST(timer_set_with_deadline), TEST(timer_reset),
};
SUITE(timer);
