// SPDX-License-Identifier: GPL-2.0
/*
 * Messages between CPUs, and the APIC as the guest reaches it. Tests
 * kmod/irq/lapic_ipi.c and lapic.c.
 */
#include "machine.h"

#define FIXED	0x4000
#define LOWEST	0x4100
#define NMI	0x4400
#define INIT	0x4500
#define SIPI	0x4600
#define LOGICAL	0x0800
#define SELF	(1 << 18)
#define ALL	(2 << 18)
#define OTHERS	(3 << 18)

/* Bits: CPUs that have the vector pending. They take it and end it. */
static u32 who_has(int vector)
{
	u32 who = 0;
	int i;

	for (i = 0; i < CPUS; i++)
		if (cpu_take(i) == vector) {
			who |= 1 << i;
			apic_write(i, 0xb0, 0);
		}
	return who;
}

static void ipi_fixed(void)
{
	machine_start();
	vm.vcpu[2]->requests = 0;
	ipi(0, 2, FIXED | 0x51);
	CHECK(vm.vcpu[2]->requests & 1 << LODGE_REQ_EVENT);
	CHECK_EQ(who_has(0x51), 1 << 2);
	ipi(0, 0xff, FIXED | 0x52);
	CHECK_EQ(who_has(0x52), 0xf);
	ipi(0, 77, FIXED | 0x53);
	CHECK_EQ(who_has(0x53), 0);
	ipi(1, 0, FIXED | SELF | 0x54);
	CHECK_EQ(who_has(0x54), 1 << 1);
	ipi(1, 0, FIXED | ALL | 0x55);
	CHECK_EQ(who_has(0x55), 0xf);
	ipi(1, 0, FIXED | OTHERS | 0x56);
	CHECK_EQ(who_has(0x56), 0xd);
	machine_stop();
}

/*
 * Who asks for CPUs that are not there, as a hypercall can do 128 times at once,
 * has nobody look through all that are: those here can't be looked at. Ids may
 * change, also to others', and back.
 */
static void ipi_absent(void)
{
	u32 i;

	machine_start();
	apic_write(3, 0x20, 5 << 24);
	apic_write(2, 0x20, 1 << 24);
	apic_write(1, 0x20, 6 << 24);
	ipi(0, 1, FIXED | 0x51);
	CHECK_EQ(who_has(0x51), 1 << 2);
	for (i = CPUS; i < LODGE_VCPUS_MAX; i++)
		vm.vcpu[i] = (struct lodge_vcpu *)64;
	vm.nr_vcpus = LODGE_VCPUS_MAX;
	for (i = 0; i < 0xff; i++)
		if (i > 1 && i != 5 && i != 6)
			ipi(0, i, FIXED | 0x52);
	CHECK_EQ(who_has(0x52), 0);
	ipi(0, 5, FIXED | 0x53);
	ipi(0, 6, FIXED | 0x53);
	CHECK_EQ(who_has(0x53), 1 << 3 | 1 << 1);
	vm.nr_vcpus = CPUS;
	apic_write(1, 0x20, 1 << 24);
	apic_write(2, 0x20, 2 << 24);
	ipi(0, 1, FIXED | 0x54);
	ipi(0, 2, FIXED | 0x54);
	CHECK_EQ(who_has(0x54), 1 << 2 | 1 << 1);
	apic_write(2, 0x20, 1 << 24);
	apic_write(2, 0x20, 2 << 24);
	ipi(0, 1, FIXED | 0x55);
	CHECK_EQ(who_has(0x55), 1 << 1);
	machine_stop();
}

static void ipi_edge_whatever_it_says(void)
{
	machine_start();
	ipi(0, 2, FIXED | 0x8000 | 0x51);
	CHECK_EQ(apic_read(2, 0x1a0), 0);
	machine_stop();
}

static void ipi_illegal_vector(void)
{
	machine_start();
	ipi(0, 2, FIXED | 0x0f);
	apic_write(0, 0x280, 0);
	CHECK_EQ(apic_read(0, 0x280), 0x20);
	CHECK_EQ(apic_read(2, 0x200), 0);
	machine_stop();
}

static void ipi_logical(void)
{
	int i;

	machine_start();
	for (i = 0; i < CPUS; i++)
		apic_write(i, 0xd0, 1 << (24 + i));
	ipi(0, 0x06, FIXED | LOGICAL | 0x51);
	CHECK_EQ(who_has(0x51), 0x6);
	for (i = 0; i < CPUS; i++) {
		apic_write(i, 0xe0, 0);
		apic_write(i, 0xd0, ((i / 2) << 4 | 1 << i % 2) << 24);
	}
	ipi(0, 0x13, FIXED | LOGICAL | 0x51);
	CHECK_EQ(who_has(0x51), 0xc);
	ipi(0, 0x02, FIXED | LOGICAL | 0x51);
	CHECK_EQ(who_has(0x51), 0x2);
	machine_stop();
}

static void ipi_lowest_priority(void)
{
	u32 seen = 0;
	int i;

	machine_start();
	for (i = 0; i < CPUS; i++)
		apic_write(i, 0xd0, 1 << (24 + i));
	/* Among equals it goes round. */
	for (i = 0; i < CPUS; i++) {
		u32 one;

		ipi(0, 0x0f, LOWEST | LOGICAL | 0x51);
		one = who_has(0x51);
		CHECK(one && !(one & (one - 1)));
		seen |= one;
	}
	CHECK_EQ(seen, 0xf);
	/* The least busy one gets it, and never one that is switched off. */
	for (i = 0; i < CPUS; i++)
		apic_write(i, 0x80, i == 2 ? 0x20 : 0x30);
	for (i = 0; i < 3; i++) {
		ipi(0, 0x0f, LOWEST | LOGICAL | 0x51);
		CHECK_EQ(who_has(0x51), 1 << 2);
	}
	apic_write(2, 0xf0, 0xff);
	ipi(0, 0x0f, LOWEST | LOGICAL | 0x51);
	CHECK_EQ(who_has(0x51) & ~0xbu, 0);
	machine_stop();
}

static void ipi_switched_off(void)
{
	machine_start();
	vm.vcpu[2]->apf_looks = 0;
	apic_write(2, 0xf0, 0xff);
	CHECK_EQ(vm.vcpu[2]->apf_looks, 1);
	ipi(0, 2, FIXED | 0x51);
	CHECK_EQ(who_has(0x51), 0);
	/* NMI, INIT and SIPI get through. */
	ipi(0, 2, NMI);
	CHECK(vm.vcpu[2]->nmis == 1);
	ipi(0, 2, INIT);
	CHECK(lodge_lapic_init_pending(vm.vcpu[2]));
	machine_stop();
}

static void ipi_nmi(void)
{
	machine_start();
	ipi(0, 0, NMI | OTHERS);
	CHECK(vm.vcpu[0]->nmis == 0);
	CHECK(vm.vcpu[3]->nmis == 1);
	machine_stop();
}

/* What KVM makes of "remote read": wakes, interrupts nothing. */
static void ipi_wake(void)
{
	machine_start();
	ipi(0, 2, 3 << 8 | 0x4000);
	CHECK(vm.vcpu[2]->unhalted && !vm.vcpu[1]->unhalted);
	CHECK(vm.vcpu[2]->requests);
	CHECK(cpu_take(2) == -1);
	machine_stop();
}

static void ipi_init_and_sipi(void)
{
	u8 vector;

	machine_start();
	CHECK(lodge_lapic_take_init(vm.vcpu[1], &vector) == 0);
	ipi(0, 1, INIT | 0x8000);
	CHECK(lodge_lapic_init_pending(vm.vcpu[1]));
	/* De-assert does nothing. */
	ipi(0, 2, 0x8500);
	CHECK(!lodge_lapic_init_pending(vm.vcpu[2]));
	ipi(0, 1, SIPI | 0x9a);
	CHECK(lodge_lapic_take_init(vm.vcpu[1], &vector) ==
	      (LODGE_LATCHED_INIT | LODGE_LATCHED_SIPI));
	CHECK_EQ(vector, 0x9a);
	CHECK(!lodge_lapic_init_pending(vm.vcpu[1]));
	/* INIT voids a SIPI from before it. */
	ipi(0, 1, SIPI | 0x9b);
	ipi(0, 1, INIT);
	CHECK(lodge_lapic_take_init(vm.vcpu[1], &vector) ==
	      LODGE_LATCHED_INIT);
	machine_stop();
}

static void x2(int cpu)
{
	CHECK(!lodge_lapic_set_base(vm.vcpu[cpu], 0xfee00c00, false));
}

static void ipi_x2apic(void)
{
	struct lodge_vcpu *cpu;
	u64 v;
	int i;

	machine_start();
	for (i = 0; i < CPUS; i++)
		x2(i);
	cpu = vm.vcpu[0];
	CHECK(!lodge_lapic_msr_write(cpu, 0x830, 2ULL << 32 | FIXED | 0x51));
	CHECK(!lodge_lapic_msr_read(cpu, 0x830, &v));
	CHECK_EQ(v, 2ULL << 32 | FIXED | 0x51);
	CHECK(lodge_irq_ack(vm.vcpu[2]) == 0x51);
	CHECK(!lodge_lapic_msr_write(vm.vcpu[2], 0x80b, 0));
	/* Cluster 0, CPUs 1 and 3; then all. */
	CHECK(!lodge_lapic_msr_write(cpu, 0x830,
				     0xaULL << 32 | FIXED | LOGICAL | 0x52));
	CHECK(lodge_irq_ack(vm.vcpu[1]) == 0x52);
	CHECK(lodge_irq_ack(vm.vcpu[2]) == -1);
	CHECK(lodge_irq_ack(vm.vcpu[3]) == 0x52);
	CHECK(!lodge_lapic_msr_write(cpu, 0x830,
				     0xffffffffULL << 32 | FIXED | 0x63));
	for (i = 0; i < CPUS; i++)
		CHECK(lodge_irq_ack(vm.vcpu[i]) == 0x63);
	/* 255 is a number like another. */
	CHECK(!lodge_lapic_msr_write(cpu, 0x830, 0xffULL << 32 | FIXED | 0x74));
	for (i = 0; i < CPUS; i++)
		CHECK(lodge_irq_ack(vm.vcpu[i]) == -1);
	CHECK(!lodge_lapic_msr_write(cpu, 0x83f, 0x85));
	CHECK(lodge_irq_ack(cpu) == 0x85);
	machine_stop();
}

static void ipi_x2apic_faults(void)
{
	struct lodge_vcpu *cpu;
	u64 v;

	machine_start();
	cpu = vm.vcpu[0];
	CHECK(lodge_lapic_msr_read(cpu, 0x802, &v));
	CHECK(lodge_lapic_msr_write(cpu, 0x80b, 0));
	x2(0);
	CHECK(!lodge_lapic_msr_read(cpu, 0x802, &v));
	CHECK(lodge_lapic_msr_read(cpu, 0x80e, &v));
	CHECK(lodge_lapic_msr_read(cpu, 0x8ff, &v));
	CHECK(lodge_lapic_msr_write(cpu, 0x808, 1ULL << 32));
	CHECK(lodge_lapic_msr_write(cpu, 0x802, 0));
	/* A refused ICR leaves the old one as it was. */
	CHECK(!lodge_lapic_msr_write(cpu, 0x830, 3ULL << 32 | FIXED | 0x51));
	CHECK(lodge_lapic_msr_write(cpu, 0x830, 2ULL << 32 | 1 << 20));
	CHECK(!lodge_lapic_msr_read(cpu, 0x830, &v));
	CHECK_EQ(v, 3ULL << 32 | FIXED | 0x51);
	machine_stop();
}

static void ipi_mixed_modes(void)
{
	machine_start();
	x2(3);
	ipi(0, 3, FIXED | 0x51);
	CHECK(lodge_irq_ack(vm.vcpu[3]) == 0x51);
	CHECK(!lodge_lapic_msr_write(vm.vcpu[3], 0x830,
				     1ULL << 32 | FIXED | 0x52));
	CHECK(lodge_irq_ack(vm.vcpu[1]) == 0x52);
	machine_stop();
}

static void ipi_after_id_change(void)
{
	machine_start();
	ipi(0, 2, FIXED | 0x51);
	CHECK_EQ(who_has(0x51), 1 << 2);
	apic_write(2, 0x20, 0x33 << 24);
	ipi(0, 2, FIXED | 0x52);
	CHECK_EQ(who_has(0x52), 0);
	ipi(0, 0x33, FIXED | 0x52);
	CHECK_EQ(who_has(0x52), 1 << 2);
	apic_write(1, 0x20, 2 << 24);
	ipi(0, 2, FIXED | 0x53);
	CHECK_EQ(who_has(0x53), 1 << 1);
	machine_stop();
}

static void apic_page(void)
{
	struct lodge_vcpu *cpu;
	u64 v = 0x1122334455667788ULL;
	u8 b;

	machine_start();
	cpu = vm.vcpu[0];
	CHECK(!lodge_lapic_mmio(cpu, 0xfee01000, 4, &v, false));
	CHECK(!lodge_lapic_mmio(cpu, 0xfedfffff, 1, &v, false));
	/* Parts of a register can be read, only whole ones written. */
	CHECK(lodge_lapic_mmio(cpu, 0xfee00032, 1, &b, false));
	CHECK_EQ(b, 5);
	CHECK(lodge_lapic_mmio(cpu, 0xfee00034, 4, &v, false));
	CHECK_EQ((u32)v, 0);
	CHECK(lodge_lapic_mmio(cpu, 0xfee00030, 8, &v, false));
	CHECK_EQ(v, 0);
	v = 0x70;
	CHECK(lodge_lapic_mmio(cpu, 0xfee00080, 1, &v, true));
	CHECK(lodge_lapic_mmio(cpu, 0xfee00084, 4, &v, true));
	CHECK(lodge_lapic_mmio(cpu, 0xfee00080, 8, &v, true));
	CHECK_EQ(apic_read(0, 0x80), 0);
	/* It moves with IA32_APIC_BASE, and is dead while it is off. */
	CHECK(!lodge_lapic_set_base(cpu, 0x12345900, false));
	CHECK(!lodge_lapic_mmio(cpu, 0xfee00030, 4, &v, false));
	CHECK(lodge_lapic_mmio(cpu, 0x12345030, 4, &v, false));
	CHECK_EQ((u32)v, 0x50014);
	CHECK(!lodge_lapic_set_base(cpu, 0xfee00100, false));
	CHECK_EQ(apic_read(0, 0x30), ~0u);
	machine_stop();
}

static void apic_base_bits(void)
{
	struct lodge_vcpu *cpu;

	machine_start();
	cpu = vm.vcpu[0];
	CHECK_EQ(lodge_lapic_base(cpu), 0xfee00900);
	CHECK(lodge_lapic_set_base(cpu, 0xfee00901, false) == 1);
	CHECK(lodge_lapic_set_base(cpu, 0xfee00b00, true) == 1);
	CHECK(lodge_lapic_set_base(cpu, 1ULL << 40 | 0x900, true) == 1);
	CHECK(lodge_lapic_set_base(cpu, 1ULL << 39 | 0x900, true) == 0);
	cpu->cpuid->has_x2apic = false;
	CHECK(lodge_lapic_set_base(cpu, 0xfee00d00, true) == 1);
	cpu->cpuid->has_x2apic = true;
	machine_stop();
}

static void apic_cr8(void)
{
	machine_start();
	lodge_lapic_set_cr8(vm.vcpu[0], 6);
	CHECK_EQ(apic_read(0, 0x80), 0x60);
	CHECK_EQ(lodge_lapic_cr8(vm.vcpu[0]), 6);
	ipi(1, 0, FIXED | 0x6f);
	CHECK(cpu_take(0) == -1);
	lodge_lapic_set_cr8(vm.vcpu[0], 5);
	CHECK(cpu_take(0) == 0x6f);
	machine_stop();
}

static void apic_pv_eoi(void)
{
	struct lodge_vcpu *cpu;

	machine_start();
	cpu = vm.vcpu[0];
	CHECK(lodge_lapic_set_pv_eoi(cpu, 0x1003) == 1);
	CHECK(lodge_lapic_set_pv_eoi(cpu, 0x1001) == 0);
	lodge_lapic_pv_eoi_entry(cpu);
	CHECK_EQ(fake_pv_page, 0);
	ipi(1, 0, FIXED | 0x51);
	CHECK(cpu_take(0) == 0x51);
	lodge_lapic_pv_eoi_entry(cpu);
	CHECK_EQ(fake_pv_page, 1);
	/* Not ended: the offer is taken back. */
	lodge_lapic_pv_eoi_exit(cpu);
	CHECK_EQ(fake_pv_page, 0);
	CHECK_EQ(apic_read(0, 0x120), 1 << 17);
	lodge_lapic_pv_eoi_entry(cpu);
	fake_pv_page = 0;
	lodge_lapic_pv_eoi_exit(cpu);
	CHECK_EQ(apic_read(0, 0x120), 0);
	/* Once only. */
	lodge_lapic_pv_eoi_exit(cpu);
	/* With another request waiting, the guest has to exit. */
	ipi(1, 0, FIXED | 0x51);
	CHECK(cpu_take(0) == 0x51);
	ipi(1, 0, FIXED | 0x41);
	lodge_lapic_pv_eoi_entry(cpu);
	CHECK_EQ(fake_pv_page, 0);
	apic_write(0, 0xb0, 0);
	CHECK(cpu_take(0) == 0x41);
	/* A page that can't be had: no offer, or the answer later. */
	fake_pv_gone = true;
	lodge_lapic_pv_eoi_entry(cpu);
	fake_pv_gone = false;
	lodge_lapic_pv_eoi_exit(cpu);
	CHECK_EQ(apic_read(0, 0x120), 1 << 1);
	lodge_lapic_pv_eoi_entry(cpu);
	fake_pv_page = 0;
	fake_pv_gone = true;
	lodge_lapic_pv_eoi_exit(cpu);
	CHECK_EQ(apic_read(0, 0x120), 1 << 1);
	lodge_lapic_pv_eoi_entry(cpu);
	fake_pv_gone = false;
	lodge_lapic_pv_eoi_exit(cpu);
	CHECK_EQ(apic_read(0, 0x120), 0);
	/* Halted meanwhile: the thread looks where it may sleep. */
	ipi(1, 0, FIXED | 0x41);
	CHECK(cpu_take(0) == 0x41);
	lodge_lapic_pv_eoi_entry(cpu);
	CHECK_EQ(fake_pv_page, 1);
	fake_pv_page = 0;
	fake_pv_gone = true;
	lodge_lapic_pv_eoi_exit(cpu);
	CHECK_EQ(apic_read(0, 0x120), 1 << 1);
	lodge_lapic_pv_eoi_finish(cpu);
	CHECK_EQ(apic_read(0, 0x120), 0);
	fake_pv_gone = false;
	machine_stop();
}

static void apic_pv_eoi_not_for_level(void)
{
	machine_start();
	lodge_lapic_set_pv_eoi(vm.vcpu[0], 0x1001);
	ioapic_entry(17, 0x51 | 1 << 15);
	line(17, true);
	CHECK(cpu_take(0) == 0x51);
	lodge_lapic_pv_eoi_entry(vm.vcpu[0]);
	CHECK_EQ(fake_pv_page, 0);
	machine_stop();
}

static const struct ktap_test ipi_tests[] = {
	TEST(ipi_fixed), TEST(ipi_absent), TEST(ipi_edge_whatever_it_says),
	TEST(ipi_illegal_vector), TEST(ipi_logical),
	TEST(ipi_lowest_priority), TEST(ipi_switched_off), TEST(ipi_nmi), TEST(ipi_wake),
	TEST(ipi_init_and_sipi), TEST(ipi_x2apic), TEST(ipi_x2apic_faults),
	TEST(ipi_mixed_modes), TEST(ipi_after_id_change), TEST(apic_page),
	TEST(apic_base_bits), TEST(apic_cr8), TEST(apic_pv_eoi),
	TEST(apic_pv_eoi_not_for_level),
};
SUITE(ipi);
