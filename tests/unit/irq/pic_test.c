// SPDX-License-Identifier: GPL-2.0
/* The 8259A pair, each behaviour of the data sheet. Tests kmod/irq/pic.c. */
#include "chips.h"
#include "tests.h"

static struct lodge_pic pic;

static void icw4(u8 v)
{
	int i;

	for (i = 0; i < 2; i++) {
		lodge_pic_write(&pic, i, 0, 0x11);
		lodge_pic_write(&pic, i, 1, i ? 0x28 : 0x20);
		lodge_pic_write(&pic, i, 1, i ? 2 : 4);
		lodge_pic_write(&pic, i, 1, i ? v & ~0x10 : v);
	}
}

static void setup(void)
{
	memset(&pic, 0, sizeof(pic));
	lodge_pic_reset(&pic);
	icw4(1);
}

static int raise(int pin)
{
	return lodge_pic_line(&pic, pin, 0, true);
}

static int lower(int pin)
{
	return lodge_pic_line(&pic, pin, 0, false);
}

static void eoi(int chip)
{
	lodge_pic_write(&pic, chip, 0, 0x20);
}

static u8 isr(int chip)
{
	lodge_pic_write(&pic, chip, 0, 0x0b);
	return lodge_pic_read(&pic, chip, 0);
}

static u8 irr(int chip)
{
	lodge_pic_write(&pic, chip, 0, 0x0a);
	return lodge_pic_read(&pic, chip, 0);
}

static void pic_edge(void)
{
	setup();
	CHECK(!pic.output);
	CHECK(lodge_pic_peek(&pic) == -1);
	CHECK(raise(4) == 1);
	CHECK(pic.output);
	CHECK(lodge_pic_peek(&pic) == 0x24);
	CHECK_EQ(irr(0), 0x10);
	CHECK(lodge_pic_intack(&pic) == 0x24);
	CHECK(!pic.output);
	CHECK_EQ(isr(0), 0x10);
	CHECK_EQ(irr(0), 0);
	/* Still high: no second request, not after EOI either. */
	raise(4);
	eoi(0);
	CHECK(!pic.output);
	CHECK_EQ(isr(0), 0);
	lower(4);
	CHECK(raise(4) == 1);
	CHECK(pic.output);
}

static void pic_edge_coalesces(void)
{
	setup();
	CHECK(raise(4) == 1);
	lower(4);
	CHECK(raise(4) == 0);
	lower(4);
	CHECK(lodge_pic_intack(&pic) == 0x24);
	eoi(0);
	CHECK(!pic.output);
}

static void pic_pulse_is_kept(void)
{
	setup();
	raise(3);
	lower(3);
	CHECK(lodge_pic_intack(&pic) == 0x23);
}

static void pic_level(void)
{
	setup();
	lodge_pic_elcr_write(&pic, 0, 0x20);
	CHECK(raise(5) == 1);
	CHECK(lodge_pic_intack(&pic) == 0x25);
	CHECK(!pic.output);
	eoi(0);
	CHECK(pic.output);
	CHECK(lodge_pic_intack(&pic) == 0x25);
	lower(5);
	eoi(0);
	CHECK(!pic.output);
	/* A level that goes before it is taken was none. */
	raise(5);
	lower(5);
	CHECK(!pic.output);
}

static void pic_elcr_mask(void)
{
	setup();
	lodge_pic_elcr_write(&pic, 0, 0xff);
	lodge_pic_elcr_write(&pic, 1, 0xff);
	CHECK_EQ(pic.chip[0].elcr, 0xf8);
	CHECK_EQ(pic.chip[1].elcr, 0xde);
}

static void pic_sources_are_ored(void)
{
	setup();
	lodge_pic_elcr_write(&pic, 0, 0x20);
	lodge_pic_line(&pic, 5, 0, true);
	lodge_pic_line(&pic, 5, 1, true);
	lodge_pic_line(&pic, 5, 0, false);
	CHECK(pic.output);
	lodge_pic_line(&pic, 5, 1, false);
	CHECK(!pic.output);
}

static void pic_priority(void)
{
	setup();
	raise(7);
	raise(1);
	raise(3);
	CHECK(lodge_pic_intack(&pic) == 0x21);
	/* What is lower waits, what is higher interrupts. */
	CHECK(!pic.output);
	raise(0);
	CHECK(pic.output);
	CHECK(lodge_pic_intack(&pic) == 0x20);
	eoi(0);
	CHECK_EQ(isr(0), 0x02);
	eoi(0);
	CHECK(lodge_pic_intack(&pic) == 0x23);
	eoi(0);
	CHECK(lodge_pic_intack(&pic) == 0x27);
}

static void pic_mask(void)
{
	setup();
	lodge_pic_write(&pic, 0, 1, 0x10);
	CHECK_EQ(lodge_pic_read(&pic, 0, 1), 0x10);
	CHECK(raise(4) == -1);
	CHECK(!pic.output);
	CHECK_EQ(irr(0), 0x10);
	lodge_pic_write(&pic, 0, 1, 0);
	CHECK(lodge_pic_intack(&pic) == 0x24);
}

static void pic_cascade(void)
{
	setup();
	CHECK(raise(10) == 1);
	CHECK(pic.output);
	CHECK(lodge_pic_peek(&pic) == 0x2a);
	CHECK(lodge_pic_intack(&pic) == 0x2a);
	CHECK_EQ(isr(0), 0x04);
	CHECK_EQ(isr(1), 0x04);
	/* A higher pin of the slave is held back by the master's service. */
	raise(8);
	CHECK(!pic.output);
	eoi(1);
	CHECK(!pic.output);
	eoi(0);
	CHECK(lodge_pic_intack(&pic) == 0x28);
	/* Pins 0 and 1 of the master come before it, 3 does not. */
	raise(3);
	CHECK(!pic.output);
	raise(1);
	CHECK(lodge_pic_intack(&pic) == 0x21);
}

static void pic_cascade_masked(void)
{
	setup();
	lodge_pic_write(&pic, 0, 1, 0x04);
	raise(10);
	CHECK(!pic.output);
	lodge_pic_write(&pic, 0, 1, 0);
	CHECK(lodge_pic_intack(&pic) == 0x2a);
	eoi(1);
	eoi(0);
	lodge_pic_write(&pic, 1, 1, 0x08);
	CHECK(raise(11) == -1);
	CHECK(!pic.output);
}

static void pic_special_fully_nested(void)
{
	setup();
	icw4(0x11);
	raise(10);
	CHECK(lodge_pic_intack(&pic) == 0x2a);
	raise(8);
	CHECK(pic.output);
	CHECK(lodge_pic_intack(&pic) == 0x28);
	raise(15);
	CHECK(!pic.output);
}

static void pic_special_mask(void)
{
	setup();
	raise(3);
	CHECK(lodge_pic_intack(&pic) == 0x23);
	raise(6);
	CHECK(!pic.output);
	lodge_pic_write(&pic, 0, 1, 0x08);
	CHECK(!pic.output);
	lodge_pic_write(&pic, 0, 0, 0x68);
	CHECK(pic.output);
	CHECK(lodge_pic_intack(&pic) == 0x26);
	lodge_pic_write(&pic, 0, 0, 0x48);
	CHECK_EQ(pic.chip[0].special_mask, 0);
}

static void pic_auto_eoi(void)
{
	setup();
	icw4(3);
	raise(4);
	CHECK(lodge_pic_intack(&pic) == 0x24);
	CHECK_EQ(isr(0), 0);
	CHECK_EQ(pic.acked, 0x10);
	lower(4);
	raise(4);
	CHECK(pic.output);
}

static void pic_rotate_auto_eoi(void)
{
	setup();
	icw4(3);
	lodge_pic_write(&pic, 0, 0, 0x80);
	raise(1);
	CHECK(lodge_pic_intack(&pic) == 0x21);
	lower(1);
	/* Now 1 is lowest, 2 highest. */
	raise(1);
	raise(6);
	CHECK(lodge_pic_intack(&pic) == 0x26);
	lodge_pic_write(&pic, 0, 0, 0x00);
	CHECK_EQ(pic.chip[0].rotate_on_auto_eoi, 0);
}

static void pic_rotate_eoi(void)
{
	setup();
	raise(3);
	CHECK(lodge_pic_intack(&pic) == 0x23);
	lower(3);
	lodge_pic_write(&pic, 0, 0, 0xa0);
	raise(3);
	raise(7);
	CHECK(lodge_pic_intack(&pic) == 0x27);
}

static void pic_rotate_specific_eoi(void)
{
	setup();
	raise(3);
	lodge_pic_intack(&pic);
	raise(1);
	lodge_pic_intack(&pic);
	lower(3);
	lodge_pic_write(&pic, 0, 0, 0xe3);
	CHECK_EQ(isr(0), 0x02);
	eoi(0);
	lower(1);
	raise(3);
	raise(1);
	raise(4);
	CHECK(lodge_pic_intack(&pic) == 0x24);
}

static void pic_set_priority(void)
{
	setup();
	lodge_pic_write(&pic, 0, 0, 0xc4);
	raise(0);
	raise(5);
	CHECK(lodge_pic_intack(&pic) == 0x25);
}

static void pic_specific_eoi(void)
{
	setup();
	raise(3);
	lodge_pic_intack(&pic);
	raise(1);
	lodge_pic_intack(&pic);
	CHECK_EQ(isr(0), 0x0a);
	lodge_pic_write(&pic, 0, 0, 0x63);
	CHECK_EQ(isr(0), 0x02);
	CHECK_EQ(pic.acked, 0x08);
	/* One that is not in service changes nothing. */
	lodge_pic_write(&pic, 0, 0, 0x65);
	CHECK_EQ(pic.acked, 0x08);
}

static void pic_eoi_of_nothing(void)
{
	setup();
	eoi(0);
	eoi(1);
	CHECK_EQ(pic.acked, 0);
	CHECK_EQ(isr(0), 0);
}

static void pic_poll(void)
{
	setup();
	lodge_pic_write(&pic, 0, 0, 0x0c);
	CHECK_EQ(lodge_pic_read(&pic, 0, 0) & 0x80, 0);
	raise(5);
	raise(6);
	lodge_pic_write(&pic, 0, 0, 0x0c);
	CHECK_EQ(lodge_pic_read(&pic, 0, 0), 0x85);
	CHECK_EQ(isr(0), 0x20);
	CHECK(!pic.output);
	eoi(0);
	CHECK(lodge_pic_intack(&pic) == 0x26);
}

static void pic_spurious(void)
{
	setup();
	CHECK(lodge_pic_intack(&pic) == 0x27);
	CHECK_EQ(isr(0), 0);
}

static void pic_icw1_resets(void)
{
	setup();
	raise(3);
	lodge_pic_intack(&pic);
	raise(4);
	lodge_pic_write(&pic, 0, 1, 0xff);
	lodge_pic_write(&pic, 0, 0, 0x11);
	CHECK(!pic.output);
	CHECK_EQ(pic.chip[0].isr, 0);
	CHECK_EQ(pic.chip[0].imr, 0);
	/* Who waits for the end of what is dropped hears of it. */
	CHECK_EQ(pic.acked, 0x18);
	/* Still high: high again is an edge, as the chip has forgotten. */
	lodge_pic_write(&pic, 0, 1, 0x50);
	lodge_pic_write(&pic, 0, 1, 4);
	lodge_pic_write(&pic, 0, 1, 1);
	raise(4);
	CHECK(lodge_pic_intack(&pic) == 0x54);
}

static void pic_icw1_without_icw4(void)
{
	setup();
	icw4(3);
	lodge_pic_write(&pic, 0, 0, 0x10);
	lodge_pic_write(&pic, 0, 1, 0x30);
	lodge_pic_write(&pic, 0, 1, 4);
	CHECK_EQ(pic.chip[0].auto_eoi, 0);
	lodge_pic_write(&pic, 0, 1, 0x02);	/* now it is the mask */
	CHECK_EQ(lodge_pic_read(&pic, 0, 1), 0x02);
}

static void pic_level_survives_icw1(void)
{
	setup();
	lodge_pic_elcr_write(&pic, 0, 0x20);
	raise(5);
	icw4(1);
	CHECK(lodge_pic_intack(&pic) == 0x25);
}

static void pic_load_is_bounded(void)
{
	struct kvm_pic_state s;
	unsigned int i;

	setup();
	memset(&s, 0xff, sizeof(s));
	lodge_pic_load(&pic, 0, &s);
	lodge_pic_load(&pic, 1, &s);
	for (i = 0; i < 64; i++) {
		lodge_pic_write(&pic, i & 1, i >> 1 & 1, i * 37);
		lodge_pic_read(&pic, i & 1, i >> 1 & 1);
		lodge_pic_line(&pic, i & 15, 0, i & 16);
		CHECK(lodge_pic_intack(&pic) < 256);
	}
	CHECK(pic.chip[0].priority_add < 8);
	CHECK_EQ(pic.chip[1].elcr, 0xde);
}

static void pic_save_and_load(void)
{
	struct kvm_pic_state a, b;

	setup();
	raise(10);
	raise(3);
	lodge_pic_intack(&pic);
	a = pic.chip[0];
	b = pic.chip[1];
	memset(&pic, 0, sizeof(pic));
	lodge_pic_reset(&pic);
	lodge_pic_load(&pic, 1, &b);
	lodge_pic_load(&pic, 0, &a);
	CHECK(!memcmp(&a, &pic.chip[0], sizeof(a)));
	CHECK(!memcmp(&b, &pic.chip[1], sizeof(b)));
	eoi(0);
	CHECK(pic.output);
}

static const struct ktap_test pic_tests[] = {
	TEST(pic_edge), TEST(pic_edge_coalesces), TEST(pic_pulse_is_kept),
	TEST(pic_level), TEST(pic_elcr_mask), TEST(pic_sources_are_ored),
	TEST(pic_priority), TEST(pic_mask), TEST(pic_cascade),
	TEST(pic_cascade_masked), TEST(pic_special_fully_nested),
	TEST(pic_special_mask), TEST(pic_auto_eoi), TEST(pic_rotate_auto_eoi),
	TEST(pic_rotate_eoi), TEST(pic_rotate_specific_eoi),
	TEST(pic_set_priority), TEST(pic_specific_eoi),
	TEST(pic_eoi_of_nothing), TEST(pic_poll), TEST(pic_spurious),
	TEST(pic_icw1_resets), TEST(pic_icw1_without_icw4),
	TEST(pic_level_survives_icw1), TEST(pic_load_is_bounded),
	TEST(pic_save_and_load),
};
SUITE(pic);
