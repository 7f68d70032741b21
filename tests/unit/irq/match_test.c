// SPDX-License-Identifier: GPL-2.0
/*
 * Modes, destinations, and the page that KVM_GET_LAPIC gives. Tests
 * kmod/irq/lapic_match.c.
 */
#include "chips.h"
#include "apic_bits.h"
#include "tests.h"

#define XAPIC	LODGE_BASE_ENABLE
#define X2APIC	(LODGE_BASE_ENABLE | LODGE_BASE_X2APIC)
#define PAGE	0xfee00000ULL

static struct lodge_apic_regs apic;

static void setup(u32 id, u64 mode)
{
	memset(&apic, 0, sizeof(apic));
	apic.x2id = id;
	lodge_apic_regs_reset(&apic, false);
	lodge_apic_base_write(&apic, PAGE | mode, true);
	apic.reg[R_SVR].v = 0x1ff;
}

static bool physical(u32 dest, bool x2)
{
	struct lodge_apic_msg msg = { .dest = dest, .x2apic = x2 };

	return lodge_apic_match(&apic, &msg);
}

static bool logical(u32 dest, bool x2)
{
	struct lodge_apic_msg msg = { .dest = dest, .x2apic = x2,
				      .logical = true };

	return lodge_apic_match(&apic, &msg);
}

static void match_physical(void)
{
	setup(5, XAPIC);
	CHECK(physical(5, false));
	CHECK(!physical(4, false));
	CHECK(physical(0xff, false));
	CHECK(physical(5, true));
	CHECK(!physical(0xff, true));
	CHECK(physical(~0u, true));
	/* The guest may choose another id in xAPIC mode. */
	lodge_apic_reg_write(&apic, 0x20, 9 << 24);
	CHECK(physical(9, false));
	CHECK(!physical(5, false));
	lodge_apic_base_write(&apic, PAGE | X2APIC, false);
	CHECK(physical(5, true));
	CHECK(physical(5, false));
	CHECK(physical(0xff, false));
	lodge_apic_base_write(&apic, PAGE, true);
	CHECK(!physical(5, false));
	CHECK(!physical(0xff, false));
}

static void match_flat(void)
{
	setup(1, XAPIC);
	CHECK(!logical(0x01, false));
	lodge_apic_reg_write(&apic, 0xd0, 0x12 << 24);
	CHECK(logical(0x02, false));
	CHECK(logical(0x10, false));
	CHECK(logical(0xf2, false));
	CHECK(!logical(0xed, false));
	CHECK(logical(0xff, false));
	CHECK(!logical(0, false));
	CHECK(!logical(0x102, true));
	CHECK(logical(~0u, true));
}

static void match_cluster(void)
{
	setup(1, XAPIC);
	lodge_apic_reg_write(&apic, 0xe0, 0x0fffffff);
	lodge_apic_reg_write(&apic, 0xd0, 0x32 << 24);
	CHECK(logical(0x32, false));
	CHECK(logical(0x3f, false));
	CHECK(!logical(0x31, false));
	CHECK(!logical(0x22, false));
	CHECK(logical(0xff, false));
}

static void match_x2apic_logical(void)
{
	setup(0x23, X2APIC);
	CHECK(logical(2 << 16 | 1 << 3, true));
	CHECK(logical(2 << 16 | 0xffff, true));
	CHECK(!logical(2 << 16 | 1 << 4, true));
	CHECK(!logical(3 << 16 | 1 << 3, true));
	CHECK(logical(~0u, true));
	/* Eight bits from an MSI name the first cluster. */
	CHECK(!logical(1 << 3, false));
	setup(3, X2APIC);
	CHECK(logical(1 << 3, false));
	CHECK(!logical(1 << 2, false));
}

static void match_icr(void)
{
	struct lodge_apic_msg msg;

	setup(1, XAPIC);
	apic.reg[R_ICR2].v = 0x07000000;
	apic.reg[R_ICR].v = 0x51 | 5 << 8 | 1 << 11 | 1 << 14 | 1 << 15 | 3 << 18;
	memset(&msg, 0xff, sizeof(msg));
	lodge_apic_msg_icr(&apic, &msg);
	CHECK_EQ(msg.dest, 7);
	CHECK_EQ(msg.vector, 0x51);
	CHECK_EQ(msg.delivery, DM_INIT);
	CHECK_EQ(msg.shorthand, SHORT_OTHERS);
	CHECK(msg.logical && msg.level && msg.assert && !msg.x2apic);
	setup(1, X2APIC);
	apic.reg[R_ICR2].v = 0x12345678;
	apic.reg[R_ICR].v = 0;
	lodge_apic_msg_icr(&apic, &msg);
	CHECK_EQ(msg.dest, 0x12345678);
	CHECK(!msg.logical && !msg.level && !msg.assert && msg.x2apic);
}

static void match_transitions(void)
{
	static const struct {
		u64 from, to;
		bool guest, host;
	} ways[] = {
		{ 0, 0, true, true },
		{ 0, XAPIC, true, true },
		{ 0, X2APIC, false, true },
		{ 0, LODGE_BASE_X2APIC, false, false },
		{ XAPIC, 0, true, true },
		{ XAPIC, XAPIC, true, true },
		{ XAPIC, X2APIC, true, true },
		{ XAPIC, LODGE_BASE_X2APIC, false, false },
		{ X2APIC, 0, true, true },
		{ X2APIC, XAPIC, false, true },
		{ X2APIC, X2APIC, true, true },
		{ X2APIC, LODGE_BASE_X2APIC, false, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		u64 v = PAGE | ways[i].to;

		setup(1, ways[i].from);
		CHECK(lodge_apic_base_valid(&apic, v, 0, false) ==
		      ways[i].guest);
		CHECK(lodge_apic_base_valid(&apic, v, 0, true) ==
		      ways[i].host);
	}
	setup(1, XAPIC);
	CHECK(!lodge_apic_base_valid(&apic, PAGE | XAPIC | 1, 1, true));
	CHECK(!lodge_apic_base_valid(&apic, PAGE | X2APIC, LODGE_BASE_X2APIC,
				     false));
}

static u32 *word(struct kvm_lapic_state *s, u32 offset)
{
	return (u32 *)(s->regs + offset);
}

static void match_save_and_load(void)
{
	struct kvm_lapic_state s, back;
	u32 v;

	setup(4, XAPIC);
	lodge_apic_reg_write(&apic, 0x80, 0x20);
	lodge_apic_reg_write(&apic, 0x320, 0x200ec);
	lodge_apic_reg_write(&apic, 0x380, 12345);
	lodge_apic_accept(&apic, 0x45, false, NULL);
	lodge_apic_accept(&apic, 0xfe, true, NULL);
	lodge_apic_collect(&apic);
	lodge_apic_take(&apic, 0xfe);
	lodge_apic_accept(&apic, 0x21, true, NULL);
	lodge_apic_accept(&apic, 3, false, NULL);
	lodge_apic_collect(&apic);
	lodge_apic_save(&apic, &s);
	CHECK_EQ(*word(&s, 0x20), 4 << 24);
	CHECK_EQ(*word(&s, 0x220), 1 << 5);
	CHECK_EQ(*word(&s, 0x210), 1 << 1);
	CHECK_EQ(*word(&s, 0x170), 1 << 30);
	CHECK_EQ(*word(&s, 0x1f0), 1 << 30);
	CHECK_EQ(*word(&s, 0xa0), 0xf0);

	memset(&apic, 0x55, sizeof(apic));
	apic.directed = false;
	apic.cmci = false;
	apic.hold = NULL;
	apic.x2id = 4;
	apic.base = PAGE | XAPIC;
	lodge_apic_load(&apic, &s);
	lodge_apic_save(&apic, &back);
	CHECK(!memcmp(&s, &back, sizeof(s)));
	CHECK(lodge_apic_highest(&apic) == -1);
	CHECK(lodge_apic_eoi(&apic) == 0xfe);
	CHECK(lodge_apic_highest(&apic) == 0x45);
	lodge_apic_reg_write(&apic, 0x280, 0);
	lodge_apic_reg_read(&apic, 0x280, &v);
	CHECK_EQ(v, 0x40);
}

static void match_load_x2apic(void)
{
	struct kvm_lapic_state s;

	setup(0x23, X2APIC);
	apic.reg[R_ICR2].v = 0x12345678;
	lodge_apic_save(&apic, &s);
	CHECK_EQ(*word(&s, 0x20), 0x23 << 24);
	CHECK_EQ(*word(&s, 0xd0), 2 << 16 | 1 << 3);
	CHECK_EQ(*word(&s, 0x310), 0x12345678);
	*word(&s, 0x20) = 0x99;
	*word(&s, 0xd0) = 0x99;
	lodge_apic_load(&apic, &s);
	CHECK_EQ(lodge_apic_id(&apic), 0x23);
	CHECK(logical(2 << 16 | 1 << 3, true));
	CHECK(!logical(0x99, true));
}

static void match_load_is_bounded(void)
{
	struct kvm_lapic_state s;
	u32 offset, v;

	memset(&s, 0xff, sizeof(s));
	setup(4, XAPIC);
	lodge_apic_load(&apic, &s);
	CHECK_EQ(apic.reg[R_VERSION].v, 0x50014);
	CHECK((apic.reg[R_LVTT].v & LVT_TIMER) == LVT_PERIODIC);
	for (offset = 0; offset < 0x1000; offset += 16) {
		lodge_apic_reg_read(&apic, offset, &v);
		lodge_apic_reg_write(&apic, offset, ~0u);
	}
	while (lodge_apic_eoi(&apic) >= 0)
		;
	CHECK_EQ(lodge_apic_ppr(&apic), 0xff);
}

static const struct ktap_test match_tests[] = {
	TEST(match_physical), TEST(match_flat), TEST(match_cluster),
	TEST(match_x2apic_logical), TEST(match_icr), TEST(match_transitions),
	TEST(match_save_and_load), TEST(match_load_x2apic),
	TEST(match_load_is_bounded),
};
SUITE(match);
