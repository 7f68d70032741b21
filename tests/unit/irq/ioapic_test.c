// SPDX-License-Identifier: GPL-2.0
/* The I/O APIC, what it sends and when. Tests kmod/irq/ioapic.c. */
#include "chips.h"
#include "tests.h"

#define LEVEL	(1 << 15)
#define MASKED	(1 << 16)

static struct lodge_ioapic io;
static struct lodge_apic_msg last;
static int sent, answer;

int lodge_ioapic_send(struct lodge_ioapic *from,
		      const struct lodge_apic_msg *msg)
{
	last = *msg;
	sent++;
	return answer;
}

static void setup(void)
{
	memset(&io, 0, sizeof(io));
	lodge_ioapic_reset(&io);
	sent = 0;
	answer = 1;
}

static void write_reg(u8 reg, u32 v)
{
	lodge_ioapic_write(&io, 0, reg);
	lodge_ioapic_write(&io, 0x10, v);
}

static u32 read_reg(u8 reg)
{
	lodge_ioapic_write(&io, 0, reg);
	return lodge_ioapic_read(&io, 0x10);
}

static void entry(int pin, u32 low, u8 dest)
{
	write_reg(0x11 + 2 * pin, (u32)dest << 24);
	write_reg(0x10 + 2 * pin, low);
}

static int raise(int pin)
{
	return lodge_ioapic_line(&io, pin, 0, true);
}

static void lower(int pin)
{
	lodge_ioapic_line(&io, pin, 0, false);
}

static void eoi(u8 vector)
{
	lodge_ioapic_eoi_end(&io, lodge_ioapic_eoi_begin(&io, vector));
}

static void ioapic_registers(void)
{
	setup();
	CHECK_EQ(read_reg(1), 0x00170011);
	write_reg(1, ~0u);
	CHECK_EQ(read_reg(1), 0x00170011);
	write_reg(0, 0xff000000);
	CHECK_EQ(read_reg(0), 0x0f000000);
	CHECK_EQ(read_reg(2), 0x0f000000);
	CHECK_EQ(read_reg(0x10), 0x10000);
	entry(3, 0x8861, 1);
	CHECK_EQ(read_reg(0x16), 0x8861);
	CHECK_EQ(read_reg(0x17), 0x01000000);
	CHECK_EQ(lodge_ioapic_read(&io, 0), 0x17);
	/* Past the last entry, and elsewhere in the page. */
	write_reg(0x40, 5);
	CHECK_EQ(read_reg(0x40), 0);
	CHECK_EQ(read_reg(0x0f), 0);
	CHECK_EQ(lodge_ioapic_read(&io, 0x20), 0);
	lodge_ioapic_write(&io, 0x20, 1);
	/* Status and remote IRR are not the guest's to write. */
	entry(4, 0x15062, 0);
	CHECK_EQ(read_reg(0x18), 0x10062);
}

static void ioapic_edge(void)
{
	setup();
	entry(5, 0x51 | 1 << 11 | 1 << 8, 0x23);
	CHECK(raise(5) == 1);
	CHECK(sent == 1);
	CHECK_EQ(last.vector, 0x51);
	CHECK_EQ(last.dest, 0x23);
	CHECK_EQ(last.delivery, 1);
	CHECK(last.logical && !last.level && last.assert && !last.x2apic);
	/* High already: coalesced. */
	CHECK(raise(5) == 0);
	CHECK(sent == 1);
	lower(5);
	raise(5);
	CHECK(sent == 2);
	CHECK(!(io.redir[5] & LODGE_REDIR_REMOTE_IRR));
}

static void ioapic_edge_masked_is_lost(void)
{
	setup();
	entry(5, 0x51 | MASKED, 0);
	CHECK(raise(5) == -1);
	entry(5, 0x51, 0);
	CHECK(sent == 0);
}

static void ioapic_level(void)
{
	setup();
	entry(5, 0x51 | LEVEL, 0);
	CHECK(raise(5) == 1);
	CHECK(last.level);
	CHECK(io.redir[5] & LODGE_REDIR_REMOTE_IRR);
	/* No second message until EOI; then, if it is still high. */
	lower(5);
	CHECK(raise(5) == 0);
	CHECK(sent == 1);
	eoi(0x51);
	CHECK(sent == 2);
	CHECK(io.redir[5] & LODGE_REDIR_REMOTE_IRR);
	lower(5);
	eoi(0x51);
	CHECK(sent == 2);
	CHECK(!(io.redir[5] & LODGE_REDIR_REMOTE_IRR));
	/* EOI of a vector that is nobody's */
	eoi(0x52);
	CHECK(sent == 2);
}

static void ioapic_level_unmask_delivers(void)
{
	setup();
	entry(5, 0x51 | LEVEL | MASKED, 0);
	CHECK(raise(5) == -1);
	entry(5, 0x51 | LEVEL, 0);
	CHECK(sent == 1);
	/* Masked and unmasked while in service: no second one. */
	entry(5, 0x51 | LEVEL | MASKED, 0);
	entry(5, 0x51 | LEVEL, 0);
	CHECK(sent == 1);
	entry(5, 0x51 | LEVEL | MASKED, 0);
	eoi(0x51);
	CHECK(sent == 1);
	CHECK(!(io.redir[5] & LODGE_REDIR_REMOTE_IRR));
}

static void ioapic_edge_clears_remote_irr(void)
{
	setup();
	entry(5, 0x51 | LEVEL, 0);
	raise(5);
	CHECK(io.redir[5] & LODGE_REDIR_REMOTE_IRR);
	entry(5, 0x51 | MASKED, 0);
	CHECK(!(io.redir[5] & LODGE_REDIR_REMOTE_IRR));
	entry(5, 0x51 | LEVEL, 0);
	CHECK(sent == 2);
}

static void ioapic_shared_vector(void)
{
	setup();
	entry(5, 0x51 | LEVEL, 0);
	entry(6, 0x51 | LEVEL, 0);
	raise(5);
	raise(6);
	lower(5);
	CHECK(sent == 2);
	eoi(0x51);
	CHECK(sent == 3);
	CHECK(!(io.redir[5] & LODGE_REDIR_REMOTE_IRR));
	CHECK(io.redir[6] & LODGE_REDIR_REMOTE_IRR);
}

static void ioapic_nobody_there(void)
{
	setup();
	entry(5, 0x51 | LEVEL, 0x77);
	answer = -1;
	CHECK(raise(5) == -1);
	CHECK(!(io.redir[5] & LODGE_REDIR_REMOTE_IRR));
	/* It is sent when there is somebody and the entry is written. */
	answer = 1;
	entry(5, 0x51 | LEVEL, 0);
	CHECK(io.redir[5] & LODGE_REDIR_REMOTE_IRR);
}

static void ioapic_sources_are_ored(void)
{
	setup();
	entry(5, 0x51 | LEVEL, 0);
	lodge_ioapic_line(&io, 5, 0, true);
	lodge_ioapic_line(&io, 5, 1, true);
	lodge_ioapic_line(&io, 5, 0, false);
	CHECK_EQ(io.irr, 1 << 5);
	eoi(0x51);
	CHECK(sent == 2);
	lodge_ioapic_line(&io, 5, 1, false);
	CHECK_EQ(io.irr, 0);
}

static void ioapic_eoi_between(void)
{
	u32 pins;

	/* The line is lowered while those who wait are told. */
	setup();
	entry(5, 0x51 | LEVEL, 0);
	lodge_ioapic_line(&io, 5, 1, true);
	pins = lodge_ioapic_eoi_begin(&io, 0x51);
	CHECK_EQ(pins, 1 << 5);
	lodge_ioapic_line(&io, 5, 1, false);
	lodge_ioapic_eoi_end(&io, pins);
	CHECK(sent == 1);
	/* Lowered and raised again meanwhile: sent once, not twice. */
	lodge_ioapic_line(&io, 5, 1, true);
	pins = lodge_ioapic_eoi_begin(&io, 0x51);
	lodge_ioapic_line(&io, 5, 1, false);
	lodge_ioapic_line(&io, 5, 1, true);
	CHECK(sent == 3);
	lodge_ioapic_eoi_end(&io, pins);
	CHECK(sent == 3);
}

static void ioapic_save_and_load(void)
{
	struct kvm_ioapic_state s, back;

	setup();
	entry(5, 0x51 | LEVEL, 2);
	entry(6, 0x61, 3);
	entry(7, 0x71 | LEVEL | MASKED, 3);
	write_reg(0, 0x04000000);
	raise(5);
	raise(6);
	raise(7);
	lodge_ioapic_save(&io, &s);
	CHECK_EQ(s.irr, 1 << 5 | 1 << 7);
	CHECK_EQ(s.id, 4);
	CHECK_EQ(s.base_address, 0xfec00000);

	memset(&io, 0, sizeof(io));
	lodge_ioapic_reset(&io);
	sent = 0;
	lodge_ioapic_load(&io, &s);
	/* 5 is in service, 7 masked, 6 was sent before. */
	CHECK(sent == 0);
	lodge_ioapic_save(&io, &back);
	CHECK(!memcmp(&s, &back, sizeof(s)));
	eoi(0x51);
	CHECK(sent == 1);
	entry(7, 0x71 | LEVEL, 3);
	CHECK(sent == 2);
}

static void ioapic_load_delivers(void)
{
	struct kvm_ioapic_state s = { .irr = ~0u };

	setup();
	s.redirtbl[20].bits = 0x54 | LEVEL;
	s.redirtbl[21].bits = 0x55;
	s.redirtbl[22].bits = 0x56 | MASKED;
	lodge_ioapic_load(&io, &s);
	CHECK_EQ(io.irr, 0xffffff);
	CHECK_EQ(io.id, 0);
	CHECK(sent == 23);
	CHECK(io.redir[20] & LODGE_REDIR_REMOTE_IRR);
}

static void ioapic_held_edge_survives_load(void)
{
	struct kvm_ioapic_state s;

	setup();
	entry(6, 0x61, 3);
	raise(6);
	lodge_ioapic_save(&io, &s);
	lodge_ioapic_load(&io, &s);
	CHECK(raise(6) == 0);
	CHECK(sent == 1);
}

static const struct ktap_test ioapic_tests[] = {
	TEST(ioapic_registers), TEST(ioapic_edge),
	TEST(ioapic_edge_masked_is_lost), TEST(ioapic_level),
	TEST(ioapic_level_unmask_delivers),
	TEST(ioapic_edge_clears_remote_irr), TEST(ioapic_shared_vector),
	TEST(ioapic_nobody_there), TEST(ioapic_sources_are_ored),
	TEST(ioapic_eoi_between), TEST(ioapic_save_and_load),
	TEST(ioapic_load_delivers), TEST(ioapic_held_edge_survives_load),
};
SUITE(ioapic);
