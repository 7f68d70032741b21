// SPDX-License-Identifier: GPL-2.0
/*
 * Lines from devices to CPUs: routes, the chips in the machine, ends of
 * service. Tests kmod/irq/route.c and irqchip.c.
 */
#include "machine.h"

#define LEVEL	(1 << 15)
#define MASKED	(1 << 16)

#define TOLD(fd)	(fake_eventfds[fd].signals)

static void wire_default_routes(void)
{
	u32 gsi;

	machine_start();
	for (gsi = 0; gsi < 24; gsi++) {
		ioapic_entry(gsi, 0x40 + gsi);
		CHECK(line(gsi, true) >= 1);
		/* The first CPU hears the PIC as well: unset, vector pin. */
		CHECK(lodge_apic_highest(&vm.vcpu[0]->apic->regs) ==
		      (int)(0x40 + gsi));
		lodge_apic_take(&vm.vcpu[0]->apic->regs, 0x40 + gsi);
		eoi(0);
		line(gsi, false);
	}
	CHECK(line(24, true) == -1);
	CHECK(line(4095, true) == -1);
	CHECK(line(4096, true) == -1);
	CHECK(line(~0u, true) == -1);
	machine_stop();
}

static void wire_pic_to_cpu(void)
{
	machine_start();
	pic_setup();
	vm.vcpu[0]->requests = 0;
	CHECK(line(4, true) == 1);
	CHECK(vm.vcpu[0]->requests & 1 << LODGE_REQ_EVENT);
	CHECK(lodge_irq_pending(vm.vcpu[1]) == -1);
	CHECK(cpu_take(0) == 0x24);
	CHECK(cpu_take(0) == -1);
	outb(0x20, 0x0b);
	CHECK_EQ(inb(0x20), 0x10);
	outb(0x20, 0x20);
	CHECK_EQ(inb(0x20), 0);
	/* Masked in LVT0 it waits. */
	apic_write(0, 0x350, 0x10700);
	line(4, false);
	line(4, true);
	CHECK(cpu_take(0) == -1);
	apic_write(0, 0x350, 0x700);
	CHECK(cpu_take(0) == 0x24);
	/* ELCR, by a word. */
	outb(0x4d0, 0x20);
	outb(0x4d1, 0x04);
	CHECK_EQ(inb(0x4d0), 0x20);
	CHECK_EQ(inb(0x4d1), 0x04);
	machine_stop();
}

static void wire_pic_first(void)
{
	machine_start();
	pic_setup();
	ioapic_entry(17, 0xfe);
	line(17, true);
	line(4, true);
	CHECK(cpu_take(0) == 0x24);
	CHECK(cpu_take(0) == 0xfe);
	machine_stop();
}

static void wire_level(void)
{
	machine_start();
	ioapic_entry(17, 0x51 | LEVEL | 1ULL << 56);
	CHECK(line(17, true) == 1);
	CHECK(line(17, true) == 0);
	CHECK(cpu_take(1) == 0x51);
	CHECK_EQ(ioapic_read_entry(17), 0x51 | LEVEL | 1 << 14);
	eoi(1);
	CHECK(cpu_take(1) == 0x51);
	line(17, false);
	eoi(1);
	CHECK(cpu_take(1) == -1);
	CHECK_EQ(ioapic_read_entry(17), 0x51 | LEVEL);
	machine_stop();
}

/* Made edge-triggered while in service, then level again: EOI still counts. */
static void wire_level_changes_in_service(void)
{
	machine_start();
	ioapic_entry(17, 0x51 | LEVEL);
	line(17, true);
	CHECK(cpu_take(0) == 0x51);
	ioapic_entry(17, 0x51 | MASKED);
	line(17, false);
	ioapic_entry(17, 0x61 | LEVEL);
	eoi(0);
	CHECK(line(17, true) == 1);
	CHECK(cpu_take(0) == 0x61);
	machine_stop();
}

static void wire_status(void)
{
	machine_start();
	ioapic_entry(17, 0x51);
	CHECK(line(17, true) == 1);
	line(17, false);
	/* The CPU has not taken the first: coalesced. */
	CHECK(line(17, true) == 0);
	line(17, false);
	CHECK(cpu_take(0) == 0x51);
	CHECK(line(17, true) == 1);
	line(17, false);
	ioapic_entry(17, 0x51 | MASKED);
	CHECK(line(17, true) == -1);
	ioapic_entry(18, 0x52 | 0xffULL << 56);
	CHECK(line(18, true) == CPUS);
	machine_stop();
}

static void wire_resample(void)
{
	int i;

	machine_start();
	CHECK(irqfd(0, 17, KVM_IRQFD_FLAG_RESAMPLE, 1) == 0);
	ioapic_entry(17, 0x51 | LEVEL);
	for (i = 1; i < 4; i++) {
		fake_wake(0, EPOLLIN);
		CHECK(cpu_take(0) == 0x51);
		CHECK(TOLD(1) == i - 1);
		eoi(0);
		CHECK(TOLD(1) == i);
		CHECK(cpu_take(0) == -1);
	}
	/* Another source keeps it high. */
	line(17, true);
	CHECK(cpu_take(0) == 0x51);
	eoi(0);
	CHECK(TOLD(1) == 4);
	CHECK(cpu_take(0) == 0x51);
	machine_stop();
}

static void wire_resample_pic(void)
{
	machine_start();
	pic_setup();
	CHECK(irqfd(0, 5, KVM_IRQFD_FLAG_RESAMPLE, 1) == 0);
	outb(0x4d0, 0x20);
	fake_wake(0, EPOLLIN);
	CHECK(cpu_take(0) == 0x25);
	CHECK(TOLD(1) == 0);
	outb(0x20, 0x20);
	CHECK(TOLD(1) == 1);
	CHECK(cpu_take(0) == -1);
	machine_stop();
}

/* The most that resample, on as many GSIs and on one; closed ones make room. */
static void wire_resample_most(void)
{
	int n, waits;

	machine_start();
	for (n = 1; n < FAKE_FILES; n++)
		if (irqfd(n, n < 200 ? 100 + n : 17, KVM_IRQFD_FLAG_RESAMPLE, 0))
			break;
	CHECK_EQ(n - 1, 256);
	CHECK(irqfd(n, 17, KVM_IRQFD_FLAG_RESAMPLE, 0) == -ENOSPC);
	CHECK(irqfd(n, 5000, KVM_IRQFD_FLAG_RESAMPLE, 0) == 0);
	ioapic_entry(17, 0x51 | LEVEL);
	fake_wake(256, EPOLLIN);
	CHECK(cpu_take(0) == 0x51);
	eoi(0);
	CHECK(TOLD(0) == 257 - 200);
	fake_wake(200, EPOLLIN);
	for (n = 200; n <= 256; n++)
		fake_wake(n, EPOLLHUP);
	/* They go with the next ioctl, with one wait and the line. */
	waits = vm.irq_srcu.waits;
	CHECK(irqfd(300, 18, KVM_IRQFD_FLAG_RESAMPLE, 0) == 0);
	CHECK_EQ(vm.irq_srcu.waits, waits + 1);
	CHECK(vm.irqchip->ack_pins == (vm.irqchip->pit_pins | 1 << 18));
	CHECK(!fake_eventfds[200].waits && !fake_eventfds[200].refs);
	CHECK(cpu_take(0) == 0x51);
	eoi(0);
	CHECK(cpu_take(0) == -1);
	waits = vm.irq_srcu.waits;
	lodge_irqfd_release(&vm);
	CHECK_EQ(vm.irq_srcu.waits, waits + 1);
	machine_stop();
}

static void wire_msi_routes(void)
{
	struct kvm_irq_routing_entry e[] = {
		msi(30, 0xfee02000, 0x61), pin(5, KVM_IRQCHIP_IOAPIC, 9),
		msi(2, 0x1000, 0x62), pin(5, KVM_IRQCHIP_PIC_MASTER, 5),
		msi(31, 0, 0),
	};

	machine_start();
	CHECK(route(e, 5) == 0);
	CHECK(line(30, true) == 1);
	CHECK(line(30, false) == -1);
	CHECK(cpu_take(2) == 0x61);
	CHECK(line(2, true) == 1);
	CHECK(cpu_take(1) == 0x62);
	/* A placeholder: a vector that is none. */
	CHECK(line(31, true) == -1);
	CHECK(line(4, true) == -1);
	ioapic_entry(9, 0x71);
	CHECK(line(5, true) == 2);
	CHECK(route(NULL, 0) == 0);
	CHECK(line(30, true) == -1);
	CHECK(lodge_irq_msi(&vm, 0xfee03000, 0, 0x81) == 1);
	CHECK(lodge_irq_msi(&vm, 0xfee03000, 0, 0x81) == 0);
	CHECK(lodge_irq_msi(&vm, 0xfee77000, 0, 0x81) == -1);
	CHECK(lodge_irq_msi(&vm, 0xfeeff000, 0, 0x91) == CPUS);
	machine_stop();
}

static void wire_route_errors(void)
{
	struct kvm_irq_routing_entry e[2];

	machine_start();
	e[0] = pin(4096, 2, 0);
	CHECK(route(e, 1) == -EINVAL);
	e[0] = pin(5, 0, 8);
	CHECK(route(e, 1) == -EINVAL);
	e[0] = pin(5, 2, 24);
	CHECK(route(e, 1) == -EINVAL);
	e[0] = pin(5, 3, 0);
	CHECK(route(e, 1) == -EINVAL);
	e[0] = pin(5, ~0u, 0);
	CHECK(route(e, 1) == -EINVAL);
	e[0] = pin(5, 2, 0);
	e[0].flags = 1;
	CHECK(route(e, 1) == -EINVAL);
	e[0] = msi(5, 0, 0);
	e[0].flags = 2;
	CHECK(route(e, 1) == -EINVAL);
	e[0].flags = KVM_MSI_VALID_DEVID;
	CHECK(route(e, 1) == 0);
	e[0].flags = 0;
	e[0].type = 77;
	CHECK(route(e, 1) == -EINVAL);
	e[0] = pin(5, 2, 0);
	e[1] = pin(5, 2, 1);
	CHECK(route(e, 2) == -EINVAL);
	e[1] = msi(5, 0, 0);
	CHECK(route(e, 2) == -EINVAL);
	e[0] = msi(5, 0, 0);
	CHECK(route(e, 2) == -EINVAL);
	CHECK(route(e, 4097) == -EINVAL);
	fake_alloc_fail = 1;
	CHECK(route(e, 1) == -ENOMEM);
	fake_alloc_fail = 2;
	CHECK(route(e, 1) == -ENOMEM);
	fake_alloc_fail = 0;
	/* What was set last holds. */
	CHECK(line(5, true) == -1);
	CHECK(line(17, true) == -1);
	machine_stop();
}

static void wire_many_routes(void)
{
	static struct kvm_irq_routing_entry e[4096];
	u32 i;

	machine_start();
	for (i = 0; i < 4096; i++)
		e[i] = msi(4095 - i, (i % CPUS) << 12, 0x20 + i % 200);
	CHECK(route(e, 4096) == 0);
	for (i = 0; i < 4096; i++) {
		int cpu = (4095 - i) % CPUS, v = 0x20 + (4095 - i) % 200;

		CHECK(line(i, true) == 1);
		CHECK(lodge_irq_ack(vm.vcpu[cpu]) == v);
		eoi(cpu);
	}
	machine_stop();
}

static void wire_irqchip_state(void)
{
	struct kvm_irqchip c[3], back;
	int i;

	machine_start();
	pic_setup();
	outb(0x21, 0x10);
	ioapic_entry(17, 0x51 | LEVEL);
	line(17, true);
	line(10, true);
	for (i = 0; i < 3; i++) {
		c[i].chip_id = i;
		memset(&c[i].chip, 0, sizeof(c[i].chip));
		CHECK(lodge_irqchip_get(&vm, &c[i]) == 0);
	}
	machine_stop();

	machine_start();
	for (i = 0; i < 3; i++)
		CHECK(lodge_irqchip_set(&vm, &c[i]) == 0);
	for (i = 0; i < 3; i++) {
		back.chip_id = i;
		memset(&back.chip, 0, sizeof(back.chip));
		lodge_irqchip_get(&vm, &back);
		CHECK(!memcmp(&c[i].chip, &back.chip, sizeof(back.chip)));
	}
	CHECK(cpu_take(0) == 0x2a);
	/* In service when it was saved: EOI brings it again. */
	lodge_ioapic_eoi(&vm, 0x51);
	CHECK(cpu_take(0) == 0x51);
	c[0].chip_id = 3;
	CHECK(lodge_irqchip_get(&vm, &c[0]) == -EINVAL);
	CHECK(lodge_irqchip_set(&vm, &c[0]) == -EINVAL);
	machine_stop();
}

static void wire_no_memory(void)
{
	struct kvm_pit_config cfg = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int n, r;

	memset(&vm, 0, sizeof(vm));
	mutex_lock(&vm.lock);
	/* Whichever allocation fails, nothing is left behind. */
	for (n = 1; ; n++) {
		fake_alloc_fail = n;
		r = lodge_irqchip_create(&vm);
		fake_alloc_fail = 0;
		if (!r)
			break;
		CHECK(r == -ENOMEM && !vm.irqchip && !vm.routes);
	}
	CHECK(n > 5);
	for (n = 1; ; n++) {
		fake_alloc_fail = n;
		r = lodge_pit_create(&vm, &cfg);
		fake_alloc_fail = 0;
		if (!r)
			break;
		CHECK(r == -ENOMEM && !vm.pit);
	}
	CHECK(n > 2);
	lodge_bus_destroy(&vm);
	lodge_irqchip_destroy(&vm);
	mutex_unlock(&vm.lock);
	CHECK(!vm.irqchip && !vm.pit && !vm.routes);
}

static const struct ktap_test wire_tests[] = {
	TEST(wire_default_routes), TEST(wire_pic_to_cpu), TEST(wire_pic_first),
	TEST(wire_level), TEST(wire_level_changes_in_service),
	TEST(wire_status), TEST(wire_resample), TEST(wire_resample_pic),
	TEST(wire_resample_most),
	TEST(wire_msi_routes), TEST(wire_route_errors), TEST(wire_many_routes),
	TEST(wire_irqchip_state), TEST(wire_no_memory),
};
SUITE(wire);
