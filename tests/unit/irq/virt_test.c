// SPDX-License-Identifier: GPL-2.0
/*
 * A CPU that virtualizes APICs: what common code leaves to it, and what it is
 * told. Tests kmod/irq/lapic.c and irqchip.c; what the CPU does to the page is
 * done here.
 */
#include "machine.h"

#define LEVEL	(1 << 15)
#define HELD	(1 << LODGE_POSTED_HELD)
#define ON	(1 << LODGE_POSTED_ON)

static struct lodge_apic_regs *regs(int cpu)
{
	return &vm.vcpu[cpu]->apic->regs;
}

static void virt_start(bool posting)
{
	lodge_caps.virtual_apic = lodge_caps.irq_delivery = true;
	lodge_caps.irq_posting = posting;
	lodge_caps.apic_page = 0x5000;
	machine_start();
	vm.vcpu[1]->notified = 0;
}

static void virt_stop(void)
{
	machine_stop();
	memset(&lodge_caps, 0, sizeof(lodge_caps));
}

/* What the CPU does: RVI to SVI, and the end of a service. */
static void cpu_delivers(int cpu, u8 vector)
{
	lodge_apic_take(regs(cpu), vector);
}

static void virt_delivery(void)
{
	const unsigned long *eoi;
	int updates;
	u8 irr, isr;

	virt_start(false);
	updates = vm.vcpu[1]->updates;
	ipi(0, 1, 0x51);
	CHECK_EQ(vm.vcpu[1]->notified, ON);
	/* Nothing to inject: the CPU is told instead, once. */
	CHECK(cpu_take(1) == -1);
	CHECK_EQ(vm.vcpu[1]->updates, updates + 1);
	CHECK(cpu_take(1) == -1);
	CHECK_EQ(vm.vcpu[1]->updates, updates + 1);
	eoi = lodge_lapic_tops(vm.vcpu[1], &irr, &isr);
	CHECK(irr == 0x51 && isr == 0 && !test_bit(0x51, eoi));
	/* It ends HLT all the same, and not what is in service. */
	CHECK(lodge_irq_waits(vm.vcpu[1]));
	cpu_delivers(1, 0x51);
	CHECK(!lodge_irq_waits(vm.vcpu[1]));
	lodge_lapic_tops(vm.vcpu[1], &irr, &isr);
	CHECK(irr == 0 && isr == 0x51);
	/* An IPI to itself that the CPU has put into IRR has no hint. */
	regs(1)->irr_pending = false;
	regs(1)->reg[R_IRR + 3].v = 1;
	CHECK(lodge_irq_waits(vm.vcpu[1]));
	apic_write(1, 0x80, 0x60);
	CHECK(!lodge_irq_waits(vm.vcpu[1]));
	/* An EOI that is emulated is told. */
	updates = vm.vcpu[1]->updates;
	apic_write(1, 0xb0, 0);
	CHECK(vm.vcpu[1]->updates > updates);
	/* The PIC's are injected. */
	pic_setup();
	line(4, true);
	CHECK(cpu_take(0) == 0x24);
	virt_stop();
}

/* Of what the I/O APIC waits for the own thread knows before the CPU does. */
static void virt_level_is_held(void)
{
	const unsigned long *eoi;
	u8 irr, isr;

	virt_start(true);
	regs(1)->posted.on = 0;
	ioapic_entry(10, 0x61 | LEVEL | 1ULL << 56);
	CHECK(regs(1)->posted.on == HELD);	/* new vectors: to be told */
	CHECK(cpu_take(1) == -1);
	eoi = lodge_lapic_tops(vm.vcpu[1], &irr, &isr);
	CHECK(test_bit(0x61, eoi));
	vm.vcpu[1]->notified = 0;
	line(10, true);
	CHECK_EQ(vm.vcpu[1]->notified, HELD);
	CHECK(!regs(1)->posted.irr[1] && regs(1)->held[1]);
	CHECK(cpu_take(1) == -1);
	cpu_delivers(1, 0x61);
	/* The CPU ends it, and says so. */
	CHECK(lodge_apic_eoi(regs(1)) == 0x61);
	line(10, false);
	lodge_lapic_ended(vm.vcpu[1], 0x61);
	CHECK(!(ioapic_read_entry(10) & 1 << 14));
	/* Also what is sent while its entry is being written. */
	line(11, true);
	cpu_take(1);
	ioapic_entry(11, 0x62 | LEVEL | 1ULL << 56);
	CHECK(!regs(1)->posted.irr[1] && regs(1)->held[1]);
	line(11, false);
	/* An edge is posted. */
	ioapic_entry(10, 0x61 | 1ULL << 56);
	cpu_take(1);
	vm.vcpu[1]->notified = 0;
	line(10, true);
	CHECK_EQ(vm.vcpu[1]->notified, ON);
	virt_stop();
}

/* The page is the hardware's while all APICs are where they are after reset. */
static void virt_page(void)
{
	u64 base = 0xfee00000 | LODGE_BASE_ENABLE;

	virt_start(true);
	CHECK(lodge_lapic_page_at(&vm, 0xfee00));
	CHECK(!lodge_lapic_page_at(&vm, 0xfee01));
	vm.vcpu[1]->requests = 0;
	CHECK(!lodge_lapic_set_base(vm.vcpu[1], base | LODGE_BASE_X2APIC, false));
	CHECK(vm.vcpu[1]->requests & 1 << LODGE_REQ_APIC_PAGE);
	CHECK(!lodge_lapic_page_at(&vm, 0xfee00));
	CHECK(lodge_lapic_mode(vm.vcpu[1]) == LODGE_APIC_X2);
	CHECK_EQ(regs(1)->reg[R_ID].v, 1);
	CHECK(lodge_lapic_mode(vm.vcpu[0]) == LODGE_APIC_PAGE);
	CHECK(!lodge_lapic_set_base(vm.vcpu[0], 0xfed00000 | LODGE_BASE_ENABLE,
				    true));
	CHECK(lodge_lapic_mode(vm.vcpu[0]) == LODGE_APIC_ELSEWHERE);
	CHECK(!lodge_lapic_set_base(vm.vcpu[1], 0xfee00000, false));
	CHECK(!lodge_lapic_page_at(&vm, 0xfee00));
	lodge_lapic_reset(vm.vcpu[0], false);
	lodge_lapic_reset(vm.vcpu[1], false);
	CHECK(lodge_lapic_page_at(&vm, 0xfee00));
	virt_stop();
}

/* The guest's write is in the page already: it does what it always does. */
static void virt_written(void)
{
	virt_start(true);
	regs(0)->reg[R_ICR2].v = 1 << 24;
	regs(0)->reg[R_ICR].v = 0x52;
	lodge_lapic_written(vm.vcpu[0], 0x300);
	CHECK_EQ(vm.vcpu[1]->notified, ON);
	CHECK_EQ(regs(1)->posted.irr[1], 1UL << (0x52 - 64));
	regs(0)->reg[R_LVTT].v = ~0u;
	lodge_lapic_written(vm.vcpu[0], 0x320);
	CHECK_EQ(apic_read(0, 0x320), 0x300ff);
	/* Beyond the registers there is nothing. */
	lodge_lapic_written(vm.vcpu[0], 0xff0);
	virt_stop();
}

static const struct ktap_test virt_tests[] = {
	TEST(virt_delivery), TEST(virt_level_is_held), TEST(virt_page),
	TEST(virt_written),
};
SUITE(virt);
