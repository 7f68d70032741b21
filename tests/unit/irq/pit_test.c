// SPDX-License-Identifier: GPL-2.0
/* The 8254 in each mode, and port 61h. Tests kmod/irq/pit.c. */
#include "chips.h"
#include "tests.h"

#define T0	1000000000000ULL	/* the test begins, ns */

static struct lodge_pit_state pit;

/* The first ns at which @n ticks have passed since T0. */
static u64 at(u64 n)
{
	return T0 + n / LODGE_PIT_HZ * 1000000000ULL +
	       (n % LODGE_PIT_HZ * 1000000000ULL + LODGE_PIT_HZ - 1) /
	       LODGE_PIT_HZ;
}

static bool out(int port, u8 v)
{
	return lodge_pit_chip_write(&pit, port, v, T0);
}

/* Program a channel with a 16-bit count at T0. */
static void program(int ch, int mode, u16 count)
{
	out(3, ch << 6 | 3 << 4 | mode << 1);
	out(ch, count);
	out(ch, count >> 8);
}

static u16 read16(int ch, u64 now)
{
	u8 low = lodge_pit_chip_read(&pit, ch, now);

	return low | lodge_pit_chip_read(&pit, ch, now) << 8;
}

static u8 status(int ch, u64 now)
{
	lodge_pit_chip_write(&pit, 3, 0xe0 | 2 << ch, now);
	return lodge_pit_chip_read(&pit, ch, now);
}

static bool output(int ch, u64 now)
{
	return status(ch, now) & 0x80;
}

static void setup(void)
{
	lodge_pit_chip_reset(&pit);
	lodge_pit_speaker_write(&pit, 1, T0);
}

static void pit_mode0(void)
{
	setup();
	program(0, 0, 1000);
	CHECK(!output(0, T0));
	CHECK_EQ(read16(0, T0), 1000);
	CHECK_EQ(read16(0, at(400)), 600);
	CHECK(!output(0, at(999)));
	CHECK(output(0, at(1000)));
	/* It goes on counting, round and round. */
	CHECK_EQ(read16(0, at(1001)), 0xffff);
	CHECK(output(0, at(100000)));
	CHECK(lodge_pit_edges(&pit, at(999)) == 0);
	CHECK(lodge_pit_edges(&pit, at(1000)) == 1);
	CHECK(lodge_pit_edges(&pit, at(500000)) == 1);
	CHECK(lodge_pit_next_edge(&pit, T0) == at(1000));
	CHECK(lodge_pit_next_edge(&pit, at(1000)) == 0);
}

static void pit_mode0_first_byte_stops(void)
{
	setup();
	program(0, 0, 1000);
	CHECK(out(0, 5));
	CHECK(lodge_pit_next_edge(&pit, at(10)) == 0);
	CHECK(!output(0, at(5000)));
	CHECK(out(0, 0));
	CHECK_EQ(read16(0, at(2)), 3);
}

static void pit_mode1(void)
{
	setup();
	program(2, 1, 1000);
	/* Waits for a rising gate; high until then. */
	CHECK(output(2, at(5000)));
	CHECK_EQ(read16(2, at(5000)), 1000);
	lodge_pit_speaker_write(&pit, 0, at(5000));
	CHECK(output(2, at(5001)));
	lodge_pit_speaker_write(&pit, 1, at(6000));
	CHECK(!output(2, at(6001)));
	CHECK(!output(2, at(6999)));
	CHECK(output(2, at(7001)));
	/* Low gate does not stop it, and another edge starts it anew. */
	lodge_pit_speaker_write(&pit, 0, at(6500));
	CHECK(!output(2, at(6600)));
	lodge_pit_speaker_write(&pit, 1, at(6900));
	CHECK(!output(2, at(7899)));
	CHECK(output(2, at(7902)));
	/* Channel 0's gate never rises. */
	program(0, 1, 1000);
	CHECK(lodge_pit_next_edge(&pit, at(10)) == 0);
	CHECK(lodge_pit_edges(&pit, at(10000)) == 0);
}

static void pit_mode2(void)
{
	setup();
	program(0, 2, 1000);
	CHECK(output(0, T0));
	CHECK_EQ(read16(0, T0), 1000);
	CHECK_EQ(read16(0, at(1)), 999);
	CHECK_EQ(read16(0, at(999)), 1);
	CHECK(!output(0, at(999)));
	CHECK(output(0, at(1000)));
	CHECK_EQ(read16(0, at(1000)), 1000);
	CHECK(lodge_pit_edges(&pit, at(999)) == 0);
	CHECK(lodge_pit_edges(&pit, at(1000)) == 1);
	CHECK(lodge_pit_edges(&pit, at(12345678)) == 12345);
	CHECK(lodge_pit_next_edge(&pit, at(1000)) == at(2000));
	CHECK(lodge_pit_next_edge(&pit, at(1999)) == at(2000));
}

static void pit_mode3(void)
{
	setup();
	program(0, 3, 1000);
	CHECK(output(0, T0));
	CHECK_EQ(read16(0, at(1)), 998);
	CHECK_EQ(read16(0, at(499)), 2);
	CHECK(output(0, at(499)));
	CHECK(!output(0, at(500)));
	CHECK_EQ(read16(0, at(500)), 1000);
	CHECK(!output(0, at(999)));
	CHECK(output(0, at(1000)));
	CHECK(lodge_pit_edges(&pit, at(3500)) == 3);
	/* An odd count is high for one tick more than low. */
	program(0, 3, 5);
	CHECK(output(0, at(2)));
	CHECK(!output(0, at(3)));
	CHECK(!output(0, at(4)));
	CHECK(output(0, at(5)));
}

static void pit_mode4(void)
{
	setup();
	program(0, 4, 1000);
	CHECK(output(0, T0));
	CHECK(output(0, at(999)));
	CHECK(!output(0, at(1000)));
	CHECK(output(0, at(1001)));
	CHECK(lodge_pit_next_edge(&pit, T0) == at(1000));
	CHECK(lodge_pit_edges(&pit, at(1000)) == 1);
	CHECK(lodge_pit_next_edge(&pit, at(1000)) == 0);
}

static void pit_mode5(void)
{
	setup();
	program(2, 5, 1000);
	CHECK(output(2, at(5000)));
	lodge_pit_speaker_write(&pit, 0, T0);
	lodge_pit_speaker_write(&pit, 1, T0);
	CHECK(output(2, at(999)));
	CHECK(!output(2, at(1000)));
	CHECK(output(2, at(1001)));
}

static void pit_modes_6_and_7(void)
{
	setup();
	program(0, 6, 1000);
	CHECK_EQ(pit.ch[0].mode, 2);
	program(0, 7, 1000);
	CHECK_EQ(pit.ch[0].mode, 3);
}

static void pit_longest_count(void)
{
	setup();
	program(0, 2, 0);
	CHECK_EQ(pit.ch[0].count, 0x10000);
	CHECK_EQ(read16(0, T0), 0);
	CHECK_EQ(read16(0, at(1)), 0xffff);
	CHECK(lodge_pit_next_edge(&pit, T0) == at(0x10000));
	program(0, 2, 1);
	CHECK_EQ(pit.ch[0].count, 2);
}

static void pit_one_byte_counts(void)
{
	setup();
	out(3, 0x14);		/* channel 0, low byte, mode 2 */
	CHECK(out(0, 0x80));
	CHECK_EQ(pit.ch[0].count, 0x80);
	CHECK_EQ(lodge_pit_chip_read(&pit, 0, at(1)), 0x7f);
	CHECK_EQ(lodge_pit_chip_read(&pit, 0, at(1)), 0x7f);
	out(3, 0x24);		/* high byte */
	CHECK(out(0, 0x12));
	CHECK_EQ(pit.ch[0].count, 0x1200);
	CHECK_EQ(lodge_pit_chip_read(&pit, 0, at(1)), 0x11);
}

static void pit_bcd(void)
{
	setup();
	out(3, 0x35);		/* channel 0, both bytes, mode 2, BCD */
	out(0, 0x00);
	out(0, 0x12);
	CHECK_EQ(pit.ch[0].count, 1200);
	CHECK_EQ(read16(0, at(1)), 0x1199);
	out(0, 0);
	out(0, 0);
	CHECK_EQ(pit.ch[0].count, 10000);
	CHECK_EQ(read16(0, at(1)), 0x9999);
}

static void pit_count_latch(void)
{
	setup();
	program(0, 2, 1000);
	lodge_pit_chip_write(&pit, 3, 0x00, at(100));
	/* Latched until read; a second latch command changes nothing. */
	lodge_pit_chip_write(&pit, 3, 0x00, at(200));
	CHECK_EQ(read16(0, at(300)), 900);
	CHECK_EQ(read16(0, at(300)), 700);
}

static void pit_latch_between_bytes(void)
{
	setup();
	program(0, 2, 0x1234);
	CHECK_EQ(lodge_pit_chip_read(&pit, 0, T0), 0x34);
	lodge_pit_chip_write(&pit, 3, 0x00, at(0x34));
	CHECK_EQ(read16(0, at(0x100)), 0x1200);
	/* The interrupted pair goes on with its high byte. */
	CHECK_EQ(lodge_pit_chip_read(&pit, 0, T0), 0x12);
}

static void pit_read_back(void)
{
	setup();
	program(0, 2, 1000);
	program(2, 3, 500);
	/* Status and count of 0 and 2: status comes first. */
	lodge_pit_chip_write(&pit, 3, 0xca, at(100));
	CHECK_EQ(lodge_pit_chip_read(&pit, 0, at(200)), 0xb4);
	CHECK_EQ(read16(0, at(200)), 900);
	CHECK_EQ(lodge_pit_chip_read(&pit, 2, at(200)), 0xb6);
	CHECK_EQ(read16(2, at(200)), 300);
	/* Neither, of none. */
	lodge_pit_chip_write(&pit, 3, 0xf0, at(100));
	CHECK_EQ(read16(0, at(300)), 700);
}

static void pit_null_count(void)
{
	setup();
	out(3, 0x34);
	CHECK_EQ(status(0, T0), 0xf4);
	out(0, 10);
	CHECK_EQ(status(0, T0), 0xf4);
	out(0, 0);
	CHECK_EQ(status(0, T0), 0xb4);
}

static void pit_control_word_stops(void)
{
	setup();
	program(0, 2, 1000);
	CHECK(out(3, 0x30));
	CHECK(!output(0, at(5000)));
	CHECK(lodge_pit_edges(&pit, at(5000)) == 0);
	CHECK(lodge_pit_next_edge(&pit, at(5000)) == 0);
	/* A control word for another channel is not channel 0's business. */
	CHECK(!out(3, 0xb0));
	CHECK(!out(3, 0x00));
	CHECK(!out(2, 1));
}

static void pit_gate_holds(void)
{
	setup();
	program(2, 0, 1000);
	lodge_pit_speaker_write(&pit, 0, at(400));
	CHECK(!output(2, at(5000)));
	CHECK_EQ(read16(2, at(5000)), 600);
	lodge_pit_speaker_write(&pit, 1, at(6000));
	CHECK_EQ(read16(2, at(6100)), 500);
	CHECK(output(2, at(6601)));
	/* Loaded while the gate is low it waits. */
	lodge_pit_speaker_write(&pit, 0, T0);
	program(2, 0, 1000);
	CHECK_EQ(read16(2, at(500)), 1000);
	lodge_pit_speaker_write(&pit, 1, at(500));
	CHECK_EQ(read16(2, at(600)), 900);
}

static void pit_gate_restarts(void)
{
	setup();
	program(2, 2, 1000);
	lodge_pit_speaker_write(&pit, 0, at(999));
	CHECK(output(2, at(1500)));
	lodge_pit_speaker_write(&pit, 1, at(2000));
	CHECK_EQ(read16(2, at(2010)), 990);
}

static void pit_speaker_port(void)
{
	u8 v;

	lodge_pit_chip_reset(&pit);
	program(2, 0, 1000);
	CHECK_EQ(lodge_pit_speaker_read(&pit, T0) & 0x23, 0);
	lodge_pit_speaker_write(&pit, 3, T0);
	CHECK_EQ(lodge_pit_speaker_read(&pit, at(10)) & 0x23, 3);
	CHECK_EQ(lodge_pit_speaker_read(&pit, at(1001)) & 0x23, 0x23);
	CHECK_EQ(pit.flags, 2);
	lodge_pit_speaker_write(&pit, 1, T0);
	CHECK_EQ(pit.flags, 0);
	v = lodge_pit_speaker_read(&pit, T0) & 0x10;
	CHECK_EQ(v ^ (lodge_pit_speaker_read(&pit, T0 + (1 << 14)) & 0x10),
		 0x10);
}

static void pit_hpet_is_silent(void)
{
	setup();
	program(0, 2, 1000);
	pit.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	CHECK(lodge_pit_next_edge(&pit, T0) == 0);
	CHECK(lodge_pit_edges(&pit, at(5000)) == 0);
	/* It counts nevertheless. */
	CHECK_EQ(read16(0, at(100)), 900);
}

static void pit_years_later(void)
{
	u64 late = T0 + 100ULL * 365 * 86400 * 1000000000;
	u64 next;

	setup();
	program(0, 2, 11932);
	next = lodge_pit_next_edge(&pit, late);
	CHECK(next > late && next <= late + 10000200);
	CHECK(lodge_pit_edges(&pit, next) == lodge_pit_edges(&pit, next - 1) + 1);
}

/* The tick that a timer set for it finds is the one it was set for. */
static void pit_every_edge_once(void)
{
	u64 now = T0;
	u64 n;

	setup();
	program(0, 2, 11932);
	for (n = 1; n < 100000; n++) {
		now = lodge_pit_next_edge(&pit, now);
		if (lodge_pit_edges(&pit, now) == n)
			continue;
		CHECK(lodge_pit_edges(&pit, now) == n);
		break;
	}
}

static void pit_load_restarts(void)
{
	struct kvm_pit_state2 s = { .flags = ~0u };
	int i;

	setup();
	for (i = 0; i < 3; i++)
		s.channels[i] = (struct kvm_pit_channel_state) {
			.count = 1000, .mode = 4, .rw_mode = 3, .gate = 1,
			.count_load_time = 5,
		};
	lodge_pit_chip_load(&pit, &s, at(7));
	CHECK_EQ(pit.flags, 3);
	pit.flags = 0;
	CHECK(lodge_pit_next_edge(&pit, at(7)) > at(1000));
	CHECK_EQ(pit.ch[2].count_load_time, 5);
	/* One that the VMM took from a fresh chip and gave a mode starts. */
	lodge_pit_chip_reset(&pit);
	memcpy(s.channels, pit.ch, sizeof(pit.ch));
	s.flags = 0;
	lodge_pit_chip_load(&pit, &s, T0);
	CHECK(lodge_pit_next_edge(&pit, T0) == 0);
	CHECK_EQ(pit.ch[0].mode, 0xff);
	s.channels[0].mode = 2;
	s.channels[0].count = 6000;
	lodge_pit_chip_load(&pit, &s, T0);
	CHECK(lodge_pit_next_edge(&pit, T0) == at(6000));
}

static void pit_load_is_bounded(void)
{
	static const u64 times[] = { 0, T0, ~0ULL, 1ULL << 63, 1ULL << 62,
				     (1ULL << 63) + 1 };
	struct kvm_pit_state2 s;
	unsigned int fill, t, port, k;

	for (fill = 0; fill < 256; fill += 5)
		for (t = 0; t < ARRAY_SIZE(times); t++) {
			memset(&s, fill, sizeof(s));
			for (k = 0; k < 3; k++)
				s.channels[k].count_load_time = times[t];
			lodge_pit_chip_load(&pit, &s, T0);
			for (k = 0; k < 64; k++) {
				port = k & 3;
				lodge_pit_chip_read(&pit, port, at(k * 77));
				lodge_pit_chip_write(&pit, port, k * fill,
						     at(k * 77));
				lodge_pit_speaker_write(&pit, k, at(k * 77));
				lodge_pit_speaker_read(&pit, at(k * 77));
				lodge_pit_edges(&pit, at(k * 77));
				lodge_pit_next_edge(&pit, at(k * 77));
				CHECK(pit.ch[0].count >= 1 &&
				      pit.ch[0].count <= 0x10000);
			}
		}
}

static const struct ktap_test pit_tests[] = {
	TEST(pit_mode0), TEST(pit_mode0_first_byte_stops), TEST(pit_mode1),
	TEST(pit_mode2), TEST(pit_mode3), TEST(pit_mode4), TEST(pit_mode5),
	TEST(pit_modes_6_and_7), TEST(pit_longest_count),
	TEST(pit_one_byte_counts), TEST(pit_bcd), TEST(pit_count_latch),
	TEST(pit_latch_between_bytes), TEST(pit_read_back),
	TEST(pit_null_count), TEST(pit_control_word_stops),
	TEST(pit_gate_holds), TEST(pit_gate_restarts), TEST(pit_speaker_port),
	TEST(pit_hpet_is_silent), TEST(pit_years_later),
	TEST(pit_every_edge_once), TEST(pit_load_restarts),
	TEST(pit_load_is_bounded),
};
SUITE(pit);
