// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 programmable interval timer: three counters and the speaker port.
 *
 * Pure; pit_dev.c calls it with vm->irq_lock held and says what time it is.
 * Follows Intel's data sheet "8254 Programmable Interval Timer". A counter
 * does not tick: its state is when its count was loaded, and what follows
 * from that is computed when someone asks.
 *
 * count_load_time is CLOCK_MONOTONIC ns. While the gate holds the counter it
 * is negative, -1 less the ns counted so far; LODGE_PIT_IDLE says that the
 * counter waits for a count, or in modes 1 and 5 for a trigger.
 *
 * One thing is simpler than in the chip: a count written to a running counter
 * takes effect at once in every mode. Next: pit_dev.c.
 */
#include "chips.h"

#define NSEC		1000000000ULL

/* Control word */
#define CW_CHANNEL	GENMASK(7, 6)
#define CW_RW		GENMASK(5, 4)
#define CW_MODE		GENMASK(3, 1)
#define CW_BCD		BIT(0)
#define CW_READ_BACK	3
#define RB_NO_COUNT	BIT(5)
#define RB_NO_STATUS	BIT(4)
#define STATUS_OUT	BIT(7)
#define STATUS_NULL	BIT(6)

#define PORT_CONTROL	3

/* rw_mode, as the control word has it; then states of 16-bit accesses */
enum { RW_LATCH, RW_LOW, RW_HIGH, RW_WORD, RW_WORD_HIGH };

/* kvm_pit_channel_state.mode of a counter no control word was written for */
#define MODE_NONE	0xff

/* Port 61h */
#define SPEAKER_GATE	BIT(0)
#define SPEAKER_DATA	BIT(1)
#define SPEAKER_REFRESH	BIT(4)
#define SPEAKER_OUT	BIT(5)

static u64 ticks_of_ns(u64 ns)
{
	return ns / NSEC * LODGE_PIT_HZ + ns % NSEC * LODGE_PIT_HZ / NSEC;
}

/* Rounded up: at that time the ticks have passed. */
static u64 ns_of_ticks(u64 t)
{
	return t / LODGE_PIT_HZ * NSEC +
	       (t % LODGE_PIT_HZ * NSEC + LODGE_PIT_HZ - 1) / LODGE_PIT_HZ;
}

static bool is_periodic(const struct kvm_pit_channel_state *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Modes in which a rising gate starts the counter, not lets it go on. */
static bool is_triggered(const struct kvm_pit_channel_state *c)
{
	return c->mode == 1 || c->mode == 5;
}

static bool is_idle(const struct kvm_pit_channel_state *c)
{
	return c->count_load_time == LODGE_PIT_IDLE;
}

static u64 elapsed(const struct kvm_pit_channel_state *c, u64 now)
{
	s64 load = c->count_load_time;

	if (load == LODGE_PIT_IDLE)
		return 0;
	if (load < 0)
		return ticks_of_ns(-(load + 1));
	return now > (u64)load ? ticks_of_ns(now - load) : 0;
}

static bool channel_out(const struct kvm_pit_channel_state *c, u64 now)
{
	u64 t = elapsed(c, now);

	if (is_idle(c))
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1:
		return t >= c->count;
	case 2:		/* low in the last tick of a period, or held by the gate */
		return !c->gate || t % c->count != c->count - 1;
	case 3:
		return !c->gate || t % c->count < (c->count + 1) / 2;
	default:	/* low for the tick that follows the last */
		return t != c->count;
	}
}

static u16 to_bcd(u32 v)
{
	return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 |
	       v / 1000 % 10 << 12;
}

static u16 channel_count(const struct kvm_pit_channel_state *c, u64 now)
{
	u32 wrap = c->bcd ? 10000 : 0x10000;
	u64 t = elapsed(c, now);
	u32 v;

	switch (c->mode) {
	case 2:
		v = c->count - t % c->count;
		break;
	case 3:		/* by twos, and twice a period */
		v = c->count - 2 * t % c->count;
		if (v & 1)
			v++;
		break;
	default:
		v = (c->count + wrap - t % wrap) % wrap;
	}
	v %= wrap;
	return c->bcd ? to_bcd(v) : v;
}

static void load_count(struct kvm_pit_channel_state *c, u16 v, u64 now)
{
	u32 n = v;

	if (c->bcd)
		n = (v >> 12) * 1000 + (v >> 8 & 15) * 100 +
		    (v >> 4 & 15) * 10 + (v & 15);
	if (!n)
		n = c->bcd ? 10000 : 0x10000;
	/* A period of one is not allowed; two is what chips make of it. */
	if (n == 1 && is_periodic(c))
		n = 2;
	c->count = n;
	if (is_triggered(c))
		c->count_load_time = LODGE_PIT_IDLE;
	else
		c->count_load_time = c->gate ? (s64)now : -1;
}

static u8 channel_status(const struct kvm_pit_channel_state *c, u64 now)
{
	return (channel_out(c, now) ? STATUS_OUT : 0) |
	       (is_idle(c) && !is_triggered(c) ? STATUS_NULL : 0) |
	       c->rw_mode << 4 | (c->mode & 7) << 1 | c->bcd;
}

static void latch_count(struct kvm_pit_channel_state *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = channel_count(c, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct kvm_pit_channel_state *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status = channel_status(c, now);
	c->status_latched = 1;
}

/* Return: as lodge_pit_chip_write() */
static bool write_control(struct lodge_pit_state *p, u8 v, u64 now)
{
	unsigned int i = FIELD_GET(CW_CHANNEL, v);
	struct kvm_pit_channel_state *c;

	if (i == CW_READ_BACK) {
		for (i = 0; i < LODGE_PIT_CHANNELS; i++) {
			if (!(v & BIT(i + 1)))
				continue;
			if (!(v & RB_NO_COUNT))
				latch_count(&p->ch[i], now);
			if (!(v & RB_NO_STATUS))
				latch_status(&p->ch[i], now);
		}
		return false;
	}
	c = &p->ch[i];
	if (FIELD_GET(CW_RW, v) == RW_LATCH) {
		latch_count(c, now);
		return false;
	}
	c->rw_mode = FIELD_GET(CW_RW, v);
	c->read_state = c->rw_mode;
	c->write_state = c->rw_mode;
	c->mode = FIELD_GET(CW_MODE, v);
	if (c->mode > 5)
		c->mode -= 4;	/* 6 and 7 are 2 and 3 */
	c->bcd = v & CW_BCD;
	c->count_latched = 0;
	c->status_latched = 0;
	c->count_load_time = LODGE_PIT_IDLE;
	return i == 0;
}

/**
 * lodge_pit_chip_write() - the CPU writes a port
 * @p: the chip
 * @port: 0 to 3
 * @v: what is written
 * @now: CLOCK_MONOTONIC, ns
 *
 * Return: true if the interrupt of channel 0 is to be scheduled anew.
 */
bool lodge_pit_chip_write(struct lodge_pit_state *p, int port, u8 v, u64 now)
{
	struct kvm_pit_channel_state *c = &p->ch[port];

	if (port == PORT_CONTROL)
		return write_control(p, v, now);
	switch (c->write_state) {
	case RW_LOW:
		load_count(c, v, now);
		break;
	case RW_HIGH:
		load_count(c, v << 8, now);
		break;
	case RW_WORD:
		c->write_latch = v;
		c->write_state = RW_WORD_HIGH;
		/* The first byte stops a counter in mode 0. */
		if (c->mode)
			return false;
		c->count_load_time = LODGE_PIT_IDLE;
		return port == 0;
	default:
		load_count(c, c->write_latch | v << 8, now);
		c->write_state = RW_WORD;
	}
	return port == 0;
}

static u8 read_latched(struct kvm_pit_channel_state *c)
{
	u8 state = c->count_latched;

	c->count_latched = 0;
	switch (state) {
	case RW_LOW:
		return c->latched_count;
	case RW_WORD:
		c->count_latched = RW_WORD_HIGH;
		return c->latched_count;
	default:
		return c->latched_count >> 8;
	}
}

/**
 * lodge_pit_chip_read() - the CPU reads a port
 * @p: the chip
 * @port: 0 to 3
 * @now: CLOCK_MONOTONIC, ns
 */
u8 lodge_pit_chip_read(struct lodge_pit_state *p, int port, u64 now)
{
	struct kvm_pit_channel_state *c = &p->ch[port];
	u16 v;

	if (port == PORT_CONTROL)
		return 0;
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return read_latched(c);
	v = channel_count(c, now);
	switch (c->read_state) {
	case RW_LOW:
		return v;
	case RW_HIGH:
		return v >> 8;
	case RW_WORD:
		c->read_state = RW_WORD_HIGH;
		return v;
	default:
		c->read_state = RW_WORD;
		return v >> 8;
	}
}

static void set_gate(struct kvm_pit_channel_state *c, bool on, u64 now)
{
	s64 load = c->count_load_time;
	bool rising = on && !c->gate, falling = !on && c->gate;

	c->gate = on;
	if (is_triggered(c)) {
		if (rising && c->count)
			c->count_load_time = now;
	} else if (load == LODGE_PIT_IDLE) {
		return;
	} else if (rising && load < 0) {
		c->count_load_time = is_periodic(c) ? now : now + load + 1;
	} else if (falling && load >= 0) {
		c->count_load_time = now > (u64)load ? load - (s64)now - 1 : -1;
	}
}

/**
 * lodge_pit_speaker_write() - the CPU writes port 61h
 * @p: the chip
 * @v: what is written
 * @now: CLOCK_MONOTONIC, ns
 */
void lodge_pit_speaker_write(struct lodge_pit_state *p, u8 v, u64 now)
{
	p->flags &= ~LODGE_PIT_SPEAKER_ON;
	if (v & SPEAKER_DATA)
		p->flags |= LODGE_PIT_SPEAKER_ON;
	set_gate(&p->ch[2], v & SPEAKER_GATE, now);
}

/**
 * lodge_pit_speaker_read() - the CPU reads port 61h
 * @p: the chip
 * @now: CLOCK_MONOTONIC, ns
 */
u8 lodge_pit_speaker_read(const struct lodge_pit_state *p, u64 now)
{
	u8 v = 0;

	if (p->ch[2].gate)
		v |= SPEAKER_GATE;
	if (p->flags & LODGE_PIT_SPEAKER_ON)
		v |= SPEAKER_DATA;
	if (channel_out(&p->ch[2], now))
		v |= SPEAKER_OUT;
	if (now >> 14 & 1)	/* toggles about every 15 us, as with DRAM */
		v |= SPEAKER_REFRESH;
	return v;
}

/* Does channel 0 give interrupts at all now? */
static bool interrupts(const struct lodge_pit_state *p)
{
	const struct kvm_pit_channel_state *c = &p->ch[0];

	/* With the HPET in its place the counter counts but is not heard. */
	return c->count_load_time >= 0 && c->count &&
	       !(p->flags & KVM_PIT_FLAGS_HPET_LEGACY);
}

/**
 * lodge_pit_edges() - rising edges of channel 0 since its count was loaded
 * @p: the chip
 * @now: CLOCK_MONOTONIC, ns
 */
u64 lodge_pit_edges(const struct lodge_pit_state *p, u64 now)
{
	const struct kvm_pit_channel_state *c = &p->ch[0];
	u64 t = elapsed(c, now);

	if (!interrupts(p))
		return 0;
	return is_periodic(c) ? t / c->count : t >= c->count;
}

/**
 * lodge_pit_next_edge() - when channel 0 next interrupts
 * @p: the chip
 * @now: CLOCK_MONOTONIC, ns
 *
 * Return: a time after @now, or 0: it will not.
 */
u64 lodge_pit_next_edge(const struct lodge_pit_state *p, u64 now)
{
	const struct kvm_pit_channel_state *c = &p->ch[0];
	u64 n = lodge_pit_edges(p, now);

	if (!interrupts(p) || (n && !is_periodic(c)))
		return 0;
	return c->count_load_time + ns_of_ticks((n + 1) * c->count);
}

/**
 * lodge_pit_chip_reset() - state at creation
 * @p: the chip
 *
 * The chip has none at power-on; as KVM has it, no mode and the longest count.
 * The gates of channels 0 and 1 are wired high.
 */
void lodge_pit_chip_reset(struct lodge_pit_state *p)
{
	int i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < LODGE_PIT_CHANNELS; i++) {
		struct kvm_pit_channel_state *c = &p->ch[i];

		c->mode = MODE_NONE;
		c->rw_mode = RW_WORD;
		c->read_state = RW_WORD;
		c->write_state = RW_WORD;
		c->gate = i != 2;
		c->count = 0x10000;
		c->count_load_time = LODGE_PIT_IDLE;
	}
}

/* Bring what a user gave into the range the code above counts on. */
static void channel_repair(struct kvm_pit_channel_state *c, u64 now)
{
	if (c->mode > 5) {
		c->mode = MODE_NONE;
		c->count_load_time = LODGE_PIT_IDLE;
	}
	if (!c->count || c->count > 0x10000)
		c->count = 0x10000;
	if (c->count == 1 && is_periodic(c))
		c->count = 2;
	if (!c->rw_mode || c->rw_mode > RW_WORD)
		c->rw_mode = RW_WORD;
	if (!c->read_state || c->read_state > RW_WORD_HIGH)
		c->read_state = c->rw_mode;
	if (!c->write_state || c->write_state > RW_WORD_HIGH)
		c->write_state = c->rw_mode;
	if (c->count_latched > RW_WORD_HIGH)
		c->count_latched = 0;
	c->status_latched = !!c->status_latched;
	c->bcd = !!c->bcd;
	c->gate = !!c->gate;
	if (c->count_load_time > (s64)now ||
	    (c->gate && c->count_load_time < 0 && !is_idle(c)))
		c->count_load_time = now;
}

/**
 * lodge_pit_chip_load() - the state as KVM_SET_PIT2 takes it
 * @p: the chip
 * @s: hostile
 * @now: CLOCK_MONOTONIC, ns
 *
 * Channel 0 starts its count anew, if it runs: load times of another boot
 * mean nothing here, and a one-shot that seems past must still come.
 *
 * What is out of range is brought into it, as KVM refuses nothing here; its
 * own chip says mode 0xff when it was never programmed.
 */
void lodge_pit_chip_load(struct lodge_pit_state *p,
			 const struct kvm_pit_state2 *s, u64 now)
{
	int i;

	for (i = 0; i < LODGE_PIT_CHANNELS; i++) {
		p->ch[i] = s->channels[i];
		channel_repair(&p->ch[i], now);
	}
	p->ch[0].gate = 1;
	p->ch[1].gate = 1;
	if (p->ch[0].mode != MODE_NONE && !is_triggered(&p->ch[0]))
		p->ch[0].count_load_time = now;
	p->flags = s->flags & LODGE_PIT_FLAGS;
}
