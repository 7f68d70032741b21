// SPDX-License-Identifier: GPL-2.0
/*
 * The PIT's ticks on their way to CPUs that take them, do not, or are late.
 * Tests kmod/irq/pit_dev.c.
 */
#include "machine.h"

/* Channel 0 in mode 2, a tick each millisecond. */
static void pit_start(void)
{
	outb(0x43, 0x34);
	outb(0x40, 1193 & 0xff);
	outb(0x40, 1193 >> 8);
}

#define TICK	1000000

static void tick_ticks(void)
{
	int i;

	machine_start();
	pic_setup();
	pit_start();
	for (i = 0; i < 5; i++) {
		CHECK(cpu_take(0) == -1);
		fake_time_advance(TICK);
		CHECK(cpu_take(0) == 0x20);
		CHECK(cpu_take(0) == -1);
		outb(0x20, 0x20);
	}
	CHECK(cpu_take(0) == -1);
	machine_stop();
}

static void tick_reinjects(void)
{
	int i;

	machine_start();
	pic_setup();
	pit_start();
	fake_time_advance(TICK + 1000);
	CHECK(cpu_take(0) == 0x20);
	/* Five more while it is in service: they come one by one. */
	fake_time_advance(5 * TICK);
	for (i = 0; i < 5; i++) {
		CHECK(cpu_take(0) == -1);
		outb(0x20, 0x20);
		CHECK(cpu_take(0) == 0x20);
	}
	outb(0x20, 0x20);
	CHECK(cpu_take(0) == -1);
	machine_stop();
}

static void tick_reinjects_ioapic(void)
{
	struct kvm_irq_routing_entry e = pin(0, KVM_IRQCHIP_IOAPIC, 2);
	int i;

	machine_start();
	CHECK(route(&e, 1) == 0);
	ioapic_entry(2, 0x30);
	pit_start();
	fake_time_advance(3 * TICK + 1000);
	for (i = 0; i < 3; i++) {
		CHECK(cpu_take(0) == 0x30);
		CHECK(cpu_take(0) == -1);
		eoi(0);
	}
	CHECK(cpu_take(0) == -1);
	machine_stop();
}

static void tick_discards(void)
{
	struct kvm_reinject_control c = { .pit_reinject = 0 };

	machine_start();
	pic_setup();
	lodge_pit_reinject(&vm, &c);
	pit_start();
	fake_time_advance(5 * TICK + 1000);
	CHECK(cpu_take(0) == 0x20);
	outb(0x20, 0x20);
	CHECK(cpu_take(0) == -1);
	machine_stop();
}

static void tick_unheard(void)
{
	machine_start();
	pic_setup();
	outb(0x21, 0x01);
	pit_start();
	fake_time_advance(100 * TICK);
	/* What nobody listened to is not given afterwards, what comes is. */
	outb(0x21, 0x00);
	if (cpu_take(0) == 0x20)
		outb(0x20, 0x20);
	CHECK(cpu_take(0) == -1);
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x20);
	/* Taken and never ended, the PIC set up anew: it goes on. */
	fake_time_advance(3 * TICK);
	pic_setup();
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x20);
	machine_stop();
}

static void tick_moves_to_ioapic(void)
{
	struct kvm_irq_routing_entry e[] = {
		pin(0, KVM_IRQCHIP_PIC_MASTER, 0), pin(0, KVM_IRQCHIP_IOAPIC, 2),
	};

	machine_start();
	CHECK(route(e, 2) == 0);
	pic_setup();
	pit_start();
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x20);
	/* Never ended there; from now on by the I/O APIC. */
	outb(0x21, 0xff);
	ioapic_entry(2, 0x30);
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x30);
	eoi(0);
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x30);
	machine_stop();
}

/* Ticks for a CPU that takes none are gone, those after it wakes are not. */
static void tick_to_nobody(void)
{
	struct kvm_irq_routing_entry e = pin(0, KVM_IRQCHIP_IOAPIC, 2);

	machine_start();
	CHECK(route(&e, 1) == 0);
	apic_write(1, 0xf0, 0xff);
	ioapic_entry(2, 0x30 | 1ULL << 56);
	pit_start();
	fake_time_advance(10 * TICK);
	apic_write(1, 0xf0, 0x1ff);
	CHECK(cpu_take(1) == -1);
	fake_time_advance(TICK);
	CHECK(cpu_take(1) == 0x30);
	eoi(1);
	CHECK(cpu_take(1) == -1);
	machine_stop();
}

static void tick_oneshot(void)
{
	machine_start();
	pic_setup();
	outb(0x43, 0x30);
	outb(0x40, 0x20);
	outb(0x40, 0x00);
	/* 32 ticks: no less exact for being short. */
	fake_time_advance(26819);
	CHECK(cpu_take(0) == -1);
	fake_time_advance(1);
	CHECK(cpu_take(0) == 0x20);
	outb(0x20, 0x20);
	fake_time_advance(1000 * TICK);
	CHECK(cpu_take(0) == -1);
	machine_stop();
}

static void tick_storm_is_bounded(void)
{
	int i, n = 0;

	machine_start();
	pic_setup();
	outb(0x43, 0x14);
	outb(0x40, 2);
	fake_expired = 0;
	fake_time_advance(1000 * TICK);
	/* The host looks five times a millisecond, however fast it ticks. */
	CHECK(fake_expired <= 5001);
	CHECK(vm.pit->pending <= 100000);
	for (i = 0; i < 10; i++) {
		n += cpu_take(0) == 0x20;
		outb(0x20, 0x20);
	}
	CHECK_EQ(n, 10);
	machine_stop();
}

static void tick_state(void)
{
	struct kvm_pit_state2 s;

	machine_start();
	pic_setup();
	pit_start();
	outb(0x61, 3);
	lodge_pit_get(&vm, &s);
	CHECK_EQ(s.channels[0].count, 1193);
	CHECK_EQ(s.channels[0].mode, 2);
	CHECK_EQ(s.channels[2].gate, 1);
	machine_stop();
	fake_time_advance(123456789);
	machine_start();
	pic_setup();
	lodge_pit_set(&vm, &s);
	CHECK(cpu_take(0) == -1);
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x20);
	outb(0x20, 0x20);
	/* The HPET takes over, and gives back. */
	lodge_pit_get(&vm, &s);
	s.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	lodge_pit_set(&vm, &s);
	fake_time_advance(10 * TICK);
	CHECK(cpu_take(0) == -1);
	s.flags = 0;
	lodge_pit_set(&vm, &s);
	fake_time_advance(TICK);
	CHECK(cpu_take(0) == 0x20);
	machine_stop();
}

static void tick_nmi_watchdog(void)
{
	machine_start();
	pic_setup();
	apic_write(2, 0x350, 0x400);
	pit_start();
	fake_time_advance(3 * TICK + 1000);
	CHECK(vm.vcpu[2]->nmis == 3);
	CHECK(vm.vcpu[1]->nmis == 0);
	machine_stop();
}

static const struct ktap_test tick_tests[] = {
	TEST(tick_ticks), TEST(tick_reinjects), TEST(tick_reinjects_ioapic),
	TEST(tick_discards), TEST(tick_unheard), TEST(tick_moves_to_ioapic),
	TEST(tick_to_nobody), TEST(tick_oneshot), TEST(tick_storm_is_bounded),
	TEST(tick_state), TEST(tick_nmi_watchdog),
};
SUITE(tick);
