// SPDX-License-Identifier: GPL-2.0
/*
 * A local APIC's registers and the way of an interrupt through them. Tests
 * kmod/irq/lapic_regs.c.
 */
#include "chips.h"
#include "apic_bits.h"
#include "tests.h"

static struct lodge_apic_regs apic;

static void setup(void)
{
	memset(&apic, 0, sizeof(apic));
	lodge_apic_regs_reset(&apic, false);
	lodge_apic_reg_write(&apic, 0xf0, 0x1ff);
}

static void setup_x2(void)
{
	setup();
	apic.x2id = 0x23;
	lodge_apic_base_write(&apic, apic.base | LODGE_BASE_X2APIC, false);
}

static u32 reg(u32 offset)
{
	u32 v;

	CHECK(lodge_apic_reg_read(&apic, offset, &v));
	return v;
}

static u32 put(u32 offset, u32 v)
{
	return lodge_apic_reg_write(&apic, offset, v);
}

static int take(void)
{
	int v = lodge_apic_highest(&apic);

	if (v >= 0)
		lodge_apic_take(&apic, v);
	return v;
}

static void lapic_reset(void)
{
	u32 i;

	memset(&apic, 0xaa, sizeof(apic));
	apic.directed = false;
	apic.cmci = false;
	apic.lint0_masked = false;
	apic.boot_id = 0;
	apic.x2id = 3;
	lodge_apic_regs_reset(&apic, false);
	CHECK_EQ(apic.base, 0xfee00800);
	CHECK_EQ(reg(0x20), 3 << 24);
	CHECK_EQ(reg(0x30), 0x50014);
	CHECK_EQ(reg(0xe0), 0xffffffff);
	CHECK_EQ(reg(0xf0), 0xff);
	for (i = 0x320; i <= 0x370; i += 0x10)
		CHECK_EQ(reg(i), 0x10000);
	for (i = 0x100; i < 0x280; i += 0x10)
		CHECK_EQ(reg(i), 0);
	CHECK(lodge_apic_highest(&apic) == -1);
	/* The first CPU hears the PIC, and says that it is the first. */
	apic.x2id = 0;
	lodge_apic_regs_reset(&apic, false);
	CHECK_EQ(apic.base, 0xfee00900);
	CHECK_EQ(reg(0x350), 0x700);
	CHECK(lodge_apic_takes_extint(&apic));
	apic.lint0_masked = true;
	lodge_apic_regs_reset(&apic, false);
	CHECK_EQ(reg(0x350), 0x10000);
}

static void lapic_init_keeps_id_and_mode(void)
{
	setup_x2();
	lodge_apic_accept(&apic, 0x55, true, NULL);
	lodge_apic_regs_reset(&apic, true);
	CHECK(lodge_apic_x2(&apic));
	CHECK_EQ(reg(0x20), 0x23);
	CHECK_EQ(reg(0xd0), 2 << 16 | 1 << 3);
	CHECK(lodge_apic_highest(&apic) == -1);
}

static void lapic_way_of_an_interrupt(void)
{
	setup();
	CHECK(lodge_apic_accept(&apic, 0x51, false, NULL) == 1);
	CHECK(lodge_apic_accept(&apic, 0x51, false, NULL) == 0);
	CHECK_EQ(reg(0x220), 1 << 17);
	CHECK(lodge_apic_highest(&apic) == 0x51);
	CHECK(take() == 0x51);
	CHECK_EQ(reg(0x220), 0);
	CHECK_EQ(reg(0x120), 1 << 17);
	CHECK_EQ(reg(0xa0), 0x50);
	CHECK(!apic.irr_pending);
	/* Requested again while in service: after EOI. */
	CHECK(lodge_apic_accept(&apic, 0x51, false, NULL) == 1);
	CHECK(take() == -1);
	CHECK_EQ(put(0xb0, 0), LODGE_APIC_FX_EOI);
	CHECK(lodge_apic_eoi(&apic) == 0x51);
	CHECK_EQ(reg(0xa0), 0);
	CHECK(take() == 0x51);
	CHECK(lodge_apic_eoi(&apic) == 0x51);
	CHECK(lodge_apic_eoi(&apic) == -1);
}

static void lapic_priority(void)
{
	setup();
	lodge_apic_accept(&apic, 0x51, false, NULL);
	lodge_apic_accept(&apic, 0x5f, false, NULL);
	lodge_apic_accept(&apic, 0xfe, false, NULL);
	lodge_apic_accept(&apic, 0x10, false, NULL);
	CHECK(take() == 0xfe);
	CHECK(take() == -1);
	lodge_apic_eoi(&apic);
	CHECK(take() == 0x5f);
	/* The same class waits, a higher one interrupts. */
	CHECK(take() == -1);
	lodge_apic_accept(&apic, 0x60, false, NULL);
	CHECK(take() == 0x60);
	CHECK(lodge_apic_eoi(&apic) == 0x60);
	CHECK(lodge_apic_eoi(&apic) == 0x5f);
	CHECK(take() == 0x51);
	lodge_apic_eoi(&apic);
	CHECK(take() == 0x10);
}

static void lapic_task_priority(void)
{
	setup();
	put(0x80, 0x60);
	CHECK_EQ(reg(0xa0), 0x60);
	lodge_apic_accept(&apic, 0x6f, false, NULL);
	CHECK(take() == -1);
	CHECK(apic.irr_pending);
	lodge_apic_accept(&apic, 0x70, false, NULL);
	CHECK(take() == 0x70);
	CHECK_EQ(reg(0xa0), 0x70);
	put(0x80, 0x7f);
	CHECK_EQ(reg(0xa0), 0x7f);
	lodge_apic_eoi(&apic);
	put(0x80, 0x5f);
	CHECK(take() == 0x6f);
}

static void lapic_trigger_mode(void)
{
	setup();
	lodge_apic_accept(&apic, 0x51, true, NULL);
	CHECK_EQ(reg(0x1a0), 1 << 17);
	take();
	lodge_apic_eoi(&apic);
	CHECK_EQ(reg(0x1a0), 1 << 17);
	lodge_apic_accept(&apic, 0x51, false, NULL);
	CHECK_EQ(reg(0x1a0), 0);
}

static void lapic_illegal_vector(void)
{
	setup();
	put(0x370, 0xfe);
	CHECK(lodge_apic_accept(&apic, 15, false, NULL) == -1);
	CHECK_EQ(reg(0x280), 0);
	put(0x280, 0);
	CHECK_EQ(reg(0x280), 0x40);
	put(0x280, 0x1234);
	CHECK_EQ(reg(0x280), 0);
	/* Told once for each kind. */
	CHECK(take() == 0xfe);
	lodge_apic_eoi(&apic);
	/* An error vector that is illegal itself is not reported. */
	put(0x370, 0x05);
	lodge_apic_accept(&apic, 3, false, NULL);
	CHECK(take() == -1);
	put(0x280, 0);
	CHECK_EQ(reg(0x280), 0x40);
}

static void lapic_cmci(void)
{
	u32 v;

	setup();
	/* Not there: an error, and nothing kept. */
	CHECK(!lodge_apic_reg_read(&apic, 0x2f0, &v));
	CHECK_EQ(put(0x2f0, 0x91), LODGE_APIC_FX_BAD);
	put(0x280, 0);
	CHECK_EQ(reg(0x280), 0x80);
	apic.cmci = true;
	lodge_apic_regs_reset(&apic, false);
	CHECK_EQ(reg(0x30), 0x60014);
	CHECK_EQ(reg(0x2f0), 0x10000);
	put(0x2f0, 0x91);		/* masked with all others */
	CHECK_EQ(reg(0x2f0), 0x10091);
	put(0xf0, 0x1ff);
	put(0x2f0, 0xffffff91 & ~0x10700);
	CHECK_EQ(reg(0x2f0), 0x91);
	CHECK(lodge_apic_local(&apic, 0x2f) == -1);
	CHECK(take() == 0x91);
	put(0xf0, 0xff);
	CHECK_EQ(reg(0x2f0), 0x10091);
}

static void lapic_illegal_register(void)
{
	u32 v = 1;

	setup();
	CHECK(!lodge_apic_reg_read(&apic, 0x40, &v));
	CHECK_EQ(v, 0);
	put(0x280, 0);
	CHECK_EQ(reg(0x280), 0x80);
	CHECK_EQ(put(0x3f0, 0x51), LODGE_APIC_FX_BAD);
	CHECK_EQ(put(0x40, 0), LODGE_APIC_FX_BAD);
	CHECK_EQ(put(0x400, 0), LODGE_APIC_FX_BAD);
	CHECK(!lodge_apic_reg_read(&apic, 0xff0, &v));
	/* Read-only ones are no errors. */
	put(0x280, 0);
	put(0x30, 0);
	put(0xa0, 0);
	put(0x280, 0);
	CHECK_EQ(reg(0x280), 0);
	CHECK_EQ(reg(0x30), 0x50014);
}

static void lapic_software_disable(void)
{
	setup();
	put(0x320, 0x200ec);
	put(0x350, 0x700);
	CHECK_EQ(reg(0x320), 0x200ec);
	CHECK(put(0xf0, 0xff) & LODGE_APIC_FX_LVT0);
	CHECK_EQ(reg(0x320), 0x300ec);
	CHECK_EQ(reg(0x350), 0x10700);
	CHECK(!lodge_apic_takes_extint(&apic));
	/* The mask can't be taken off until it is enabled. */
	put(0x320, 0xec);
	CHECK_EQ(reg(0x320), 0x100ec);
	put(0xf0, 0x1ff);
	put(0x320, 0xec);
	CHECK_EQ(reg(0x320), 0xec);
}

static void lapic_lvt_bits(void)
{
	setup();
	put(0x320, ~0u);
	CHECK_EQ(reg(0x320), 0x300ff);
	put(0x330, ~0u);
	CHECK_EQ(reg(0x330), 0x107ff);
	put(0x350, ~0u);
	CHECK_EQ(reg(0x350), 0x1a7ff);
	put(0x370, ~0u);
	CHECK_EQ(reg(0x370), 0x100ff);
	/* TSC-deadline mode is there if CPUID says so. */
	CHECK_EQ(put(0x320, 0x400ec), 0);
	CHECK_EQ(reg(0x320), 0xec);
	apic.deadline_ok = true;
	CHECK_EQ(put(0x320, 0x400ec), LODGE_APIC_FX_MODE);
	CHECK_EQ(reg(0x320), 0x400ec);
	/* The count is not taken in that mode; both mode bits are none. */
	CHECK_EQ(put(0x380, 1000), 0);
	CHECK_EQ(reg(0x380), 0);
	CHECK_EQ(put(0x320, 0x600ec), LODGE_APIC_FX_MODE);
	CHECK_EQ(reg(0x320), 0x200ec);
	CHECK_EQ(put(0x380, 1000), LODGE_APIC_FX_COUNT);
	CHECK_EQ(put(0x3e0, ~0u), LODGE_APIC_FX_DIVIDE);
	CHECK_EQ(reg(0x3e0), 0xb);
}

static void lapic_local_sources(void)
{
	setup();
	put(0x320, 0xec);
	CHECK(lodge_apic_local(&apic, R_LVTT) == -1);
	CHECK(take() == 0xec);
	lodge_apic_eoi(&apic);
	put(0x320, 0x100ec);
	lodge_apic_local(&apic, R_LVTT);
	CHECK(take() == -1);
	put(0x360, 0x400);
	CHECK(lodge_apic_local(&apic, R_LVT1) == DM_NMI);
	put(0x360, 0x10400);
	CHECK(lodge_apic_local(&apic, R_LVT1) == -1);
}

static void lapic_writes_ask(void)
{
	setup();
	CHECK_EQ(put(0x310, 0x05ffffff), 0);
	CHECK_EQ(reg(0x310), 0x05000000);
	CHECK_EQ(put(0x300, 0xfffff), LODGE_APIC_FX_IPI);
	CHECK_EQ(reg(0x300), 0xfefff);
	CHECK_EQ(put(0x20, 0x09000001), LODGE_APIC_FX_ID);
	CHECK_EQ(reg(0x20), 0x09000000);
	put(0xe0, 0);
	CHECK_EQ(reg(0xe0), 0x0fffffff);
	put(0xd0, ~0u);
	CHECK_EQ(reg(0xd0), 0xff000000);
	put(0xf0, ~0u);
	CHECK_EQ(reg(0xf0), 0x3ff);
}

static void lapic_x2apic_registers(void)
{
	static const u32 absent[] = { 0x90, 0xc0, 0xe0, 0x310, 0x40, 0x2f0 };
	static const u32 readonly[] = { 0x20, 0x30, 0xa0, 0xd0, 0x100, 0x390 };
	unsigned int i;
	u32 v;

	setup_x2();
	CHECK_EQ(reg(0x20), 0x23);
	CHECK_EQ(reg(0xd0), 2 << 16 | 1 << 3);
	for (i = 0; i < ARRAY_SIZE(absent); i++) {
		CHECK(!lodge_apic_reg_read(&apic, absent[i], &v));
		CHECK_EQ(put(absent[i], 0), LODGE_APIC_FX_BAD);
	}
	for (i = 0; i < ARRAY_SIZE(readonly); i++)
		CHECK_EQ(put(readonly[i], 0), LODGE_APIC_FX_BAD);
	/* Reserved bits are #GP; EOI and ESR take nothing but 0. */
	CHECK_EQ(put(0x80, 0x100), LODGE_APIC_FX_BAD);
	CHECK_EQ(put(0xf0, 0x1000), LODGE_APIC_FX_BAD);
	CHECK_EQ(put(0xb0, 1), LODGE_APIC_FX_BAD);
	CHECK_EQ(put(0xb0, 0), LODGE_APIC_FX_EOI);
	CHECK_EQ(put(0x280, 1), LODGE_APIC_FX_BAD);
	CHECK_EQ(put(0x280, 0), 0);
	CHECK_EQ(put(0x3f0, 0x51), LODGE_APIC_FX_SELF);
	CHECK_EQ(put(0x3f0, 0x151), LODGE_APIC_FX_BAD);
	CHECK(!lodge_apic_reg_read(&apic, 0x3f0, &v));
	CHECK(!lodge_apic_reg_read(&apic, 0xb0, &v));
	/* What does not exist is not noted as an error there. */
	CHECK_EQ(reg(0x280), 0);
}

static void lapic_hardware_disabled(void)
{
	setup();
	lodge_apic_accept(&apic, 0x51, false, NULL);
	lodge_apic_base_write(&apic, apic.base & ~LODGE_BASE_ENABLE, true);
	CHECK(lodge_apic_highest(&apic) == -1);
	CHECK(lodge_apic_takes_extint(&apic));
	lodge_apic_base_write(&apic, apic.base | LODGE_BASE_ENABLE, true);
	CHECK(lodge_apic_highest(&apic) == 0x51);
	/* Switched off by the guest it forgets all. */
	lodge_apic_base_write(&apic, apic.base & ~LODGE_BASE_ENABLE, false);
	lodge_apic_base_write(&apic, apic.base | LODGE_BASE_ENABLE, false);
	CHECK(lodge_apic_highest(&apic) == -1);
	CHECK_EQ(reg(0xf0), 0xff);
}

/* Who finds the mark clear notifies; what is held waits for the own thread. */
static void lapic_posting(void)
{
	unsigned long hold[4] = { 0, 1UL << (0x61 - 64) };
	u32 notify = 0;

	setup();
	apic.hold = hold;
	CHECK(lodge_apic_accept(&apic, 0x51, false, &notify) == 1);
	CHECK_EQ(notify, BIT(LODGE_POSTED_ON));
	notify = 0;
	CHECK(lodge_apic_accept(&apic, 0x52, false, &notify) == 1);
	CHECK_EQ(notify, 0);
	CHECK(lodge_apic_accept(&apic, 0x61, true, &notify) == 1);
	CHECK_EQ(notify, BIT(LODGE_POSTED_HELD));
	CHECK_EQ(apic.posted.irr[1], 3UL << (0x51 - 64));
	CHECK_EQ(apic.held[1], 1UL << (0x61 - 64));
	CHECK(take() == 0x61);
	CHECK_EQ(apic.posted.on, 0);
	CHECK_EQ(apic.posted.irr[1] | apic.held[1], 0);
	/* It is in IRR, and its bit is new: the mark has to be set again. */
	notify = 0;
	CHECK(lodge_apic_accept(&apic, 0x52, false, &notify) == 0);
	CHECK_EQ(notify, BIT(LODGE_POSTED_ON));
	/* An error of a sender's is told to the CPU that it is an error of. */
	apic.posted.on = 0;
	notify = 0;
	put(0x370, 0x44);
	CHECK(lodge_apic_accept(&apic, 3, false, &notify) == -1);
	CHECK_EQ(notify, BIT(LODGE_POSTED_ON));
}

/* A register that the hardware has written is as the timer knows it. */
static void lapic_written(void)
{
	setup();
	apic.deadline_ok = true;
	put(0x320, 0x400ec);
	put(0x3e0, 3);
	apic.reg[R_LVTT].v = 0xec;
	CHECK_EQ(lodge_apic_written(&apic, 0x320), 0xec);
	CHECK_EQ(apic.reg[R_LVTT].v, 0x400ec);
	CHECK_EQ(put(0x320, 0xec), LODGE_APIC_FX_MODE);
	apic.reg[R_TDCR].v = 0xb;
	CHECK_EQ(lodge_apic_written(&apic, 0x3e0), 0xb);
	CHECK_EQ(apic.reg[R_TDCR].v, 3);
	put(0x320, 0x400ec);
	apic.reg[R_TMICT].v = 77;
	CHECK_EQ(lodge_apic_written(&apic, 0x380), 77);
	CHECK_EQ(apic.reg[R_TMICT].v, 0);
	apic.reg[R_SVR].v = 0x1fe;
	CHECK_EQ(lodge_apic_written(&apic, 0xf0), 0x1fe);
}

static const struct ktap_test lapic_tests[] = {
	TEST(lapic_posting), TEST(lapic_written),
	TEST(lapic_reset), TEST(lapic_init_keeps_id_and_mode),
	TEST(lapic_way_of_an_interrupt), TEST(lapic_priority),
	TEST(lapic_task_priority), TEST(lapic_trigger_mode),
	TEST(lapic_illegal_vector), TEST(lapic_illegal_register), TEST(lapic_cmci),
	TEST(lapic_software_disable), TEST(lapic_lvt_bits),
	TEST(lapic_local_sources), TEST(lapic_writes_ask),
	TEST(lapic_x2apic_registers), TEST(lapic_hardware_disabled),
};
SUITE(lapic);
