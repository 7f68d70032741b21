// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O APIC: 24 pins, each with an entry in the redirection table.
 *
 * Pure; irqchip.c calls it with vm->irq_lock held and gives it
 * lodge_ioapic_send(). Follows Intel's data sheet "82093AA I/O Advanced
 * Programmable Interrupt Controller (IOAPIC)". Next: pit.c.
 */
#include "chips.h"

#define REG_SELECT	0x00
#define REG_WINDOW	0x10

/* Registers behind the window */
#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARB		0x02
#define REG_REDIR	0x10

#define REDIR_READONLY	(LODGE_REDIR_STATUS | LODGE_REDIR_REMOTE_IRR)

static bool level_entry(u64 e)
{
	return e & LODGE_REDIR_LEVEL;
}

/* Send what @pin asks for. Return: as lodge_ioapic_send() */
static int service(struct lodge_ioapic *io, unsigned int pin)
{
	u64 e = io->redir[pin];
	struct lodge_apic_msg msg = {
		.dest = FIELD_GET(LODGE_REDIR_DEST, e),
		.vector = FIELD_GET(LODGE_REDIR_VECTOR, e),
		.delivery = FIELD_GET(LODGE_REDIR_DELIVERY, e),
		.logical = e & LODGE_REDIR_LOGICAL,
		.level = level_entry(e),
		.assert = true,
	};
	int ret;

	if (e & LODGE_REDIR_MASKED)
		return -1;
	/*
	 * The EOI may come back, from another CPU, before send() has returned;
	 * it takes irq_lock and waits for us, so set after is set in time.
	 */
	ret = lodge_ioapic_send(io, &msg);
	if (ret >= 0 && msg.level)
		io->redir[pin] |= LODGE_REDIR_REMOTE_IRR;
	return ret;
}

/**
 * lodge_ioapic_reset() - power-on state
 * @io: the I/O APIC; sources of lines stay as they are
 */
void lodge_ioapic_reset(struct lodge_ioapic *io)
{
	int i;

	for (i = 0; i < LODGE_IOAPIC_PINS; i++)
		io->redir[i] = LODGE_REDIR_MASKED;
	io->base = LODGE_IOAPIC_BASE;
	io->irr = 0;
	io->regsel = 0;
	io->id = 0;
}

/**
 * lodge_ioapic_line() - drive an input pin
 * @io: the I/O APIC
 * @pin: 0 to 23
 * @source: LODGE_IRQ_SOURCE_*
 * @level: high or low
 *
 * Polarity is not looked at: a line here is asserted or not.
 *
 * Return: CPUs newly interrupted, 0 it was pending already, -1 masked or
 * nobody there.
 */
int lodge_ioapic_line(struct lodge_ioapic *io, int pin, int source, bool level)
{
	bool high = lodge_source_set(&io->source[pin], source, level);
	u32 old = io->irr, bit = BIT(pin);
	u64 e = io->redir[pin];

	if (!high) {
		io->irr &= ~bit;
		return 1;
	}
	io->irr |= bit;
	if (level_entry(e) ? (e & LODGE_REDIR_REMOTE_IRR) : (old & bit))
		return 0;
	return service(io, pin);
}

static u32 read_window(const struct lodge_ioapic *io)
{
	unsigned int i = (io->regsel - REG_REDIR) / 2;

	switch (io->regsel) {
	case REG_ID:
	case REG_ARB:
		return (u32)io->id << 24;
	case REG_VERSION:
		return LODGE_IOAPIC_VERSION | (LODGE_IOAPIC_PINS - 1) << 16;
	}
	if (io->regsel < REG_REDIR || i >= LODGE_IOAPIC_PINS)
		return 0;
	return io->regsel & 1 ? io->redir[i] >> 32 : io->redir[i];
}

static void write_redir(struct lodge_ioapic *io, unsigned int pin, bool high,
			u32 v)
{
	u64 old = io->redir[pin], e;

	if (high) {
		io->redir[pin] = (u32)old | (u64)v << 32;
		return;
	}
	e = (old & ~0xffffffffULL) | (v & ~(u32)REDIR_READONLY & 0x1ffff) |
	    (old & REDIR_READONLY);
	/*
	 * Real chips forget the remote IRR of a pin that is made
	 * edge-triggered, and systems use it to clear a stuck one.
	 */
	if (!level_entry(e))
		e &= ~LODGE_REDIR_REMOTE_IRR;
	io->redir[pin] = e;
	if (level_entry(e) && !(e & LODGE_REDIR_REMOTE_IRR) &&
	    (io->irr & BIT(pin)))
		service(io, pin);
}

/**
 * lodge_ioapic_read() - the CPU reads memory
 * @io: the I/O APIC
 * @offset: of the register in the chip's page
 */
u32 lodge_ioapic_read(const struct lodge_ioapic *io, u32 offset)
{
	switch (offset) {
	case REG_SELECT:
		return io->regsel;
	case REG_WINDOW:
		return read_window(io);
	default:
		return 0;
	}
}

/**
 * lodge_ioapic_write() - the CPU writes memory
 * @io: the I/O APIC
 * @offset: of the register in the chip's page
 * @v: what is written
 */
void lodge_ioapic_write(struct lodge_ioapic *io, u32 offset, u32 v)
{
	unsigned int i;

	if (offset == REG_SELECT) {
		io->regsel = v;
	} else if (offset == REG_WINDOW) {
		i = (io->regsel - REG_REDIR) / 2;
		if (io->regsel == REG_ID)
			io->id = (v >> 24) & 0xf;
		else if (io->regsel >= REG_REDIR && i < LODGE_IOAPIC_PINS)
			write_redir(io, i, io->regsel & 1, v);
	}
}

/**
 * lodge_ioapic_eoi_begin() - a CPU ended the service of a vector
 * @io: the I/O APIC
 * @vector: as in the entries
 *
 * Return: pins concerned, for lodge_ioapic_eoi_end(). In between, with the
 * lock dropped, whoever waits for the end is told, and may lower the line.
 */
u32 lodge_ioapic_eoi_begin(struct lodge_ioapic *io, u8 vector)
{
	u32 pins = 0;
	int i;

	for (i = 0; i < LODGE_IOAPIC_PINS; i++) {
		if (FIELD_GET(LODGE_REDIR_VECTOR, io->redir[i]) != vector)
			continue;
		io->redir[i] &= ~LODGE_REDIR_REMOTE_IRR;
		pins |= BIT(i);
	}
	return pins;
}

/**
 * lodge_ioapic_eoi_end() - send again what is still asserted
 * @io: the I/O APIC
 * @pins: from lodge_ioapic_eoi_begin()
 */
void lodge_ioapic_eoi_end(struct lodge_ioapic *io, u32 pins)
{
	int i;

	for (i = 0; i < LODGE_IOAPIC_PINS; i++) {
		u64 e = io->redir[i];

		if ((pins & io->irr & BIT(i)) && level_entry(e) &&
		    !(e & LODGE_REDIR_REMOTE_IRR))
			service(io, i);
	}
}

/**
 * lodge_ioapic_save() - the state as KVM_GET_IRQCHIP gives it
 * @io: the I/O APIC
 * @s: to fill
 *
 * A high line of an edge-triggered pin has been sent or lost: it is not
 * reported, as loading it would send it a second time.
 */
void lodge_ioapic_save(const struct lodge_ioapic *io, struct kvm_ioapic_state *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	s->base_address = io->base;
	s->ioregsel = io->regsel;
	s->id = io->id;
	for (i = 0; i < LODGE_IOAPIC_PINS; i++) {
		s->redirtbl[i].bits = io->redir[i];
		if (level_entry(io->redir[i]))
			s->irr |= io->irr & BIT(i);
	}
}

/**
 * lodge_ioapic_load() - the state as KVM_SET_IRQCHIP takes it
 * @io: the I/O APIC
 * @s: hostile
 *
 * Requests in @s are sent again, unless their service has not ended. A line
 * of an edge-triggered pin that is held high stays known as high.
 */
void lodge_ioapic_load(struct lodge_ioapic *io, const struct kvm_ioapic_state *s)
{
	int i;

	io->base = s->base_address;
	io->regsel = s->ioregsel;
	io->id = s->id & 0xf;
	io->irr = s->irr & GENMASK(LODGE_IOAPIC_PINS - 1, 0);
	for (i = 0; i < LODGE_IOAPIC_PINS; i++) {
		io->redir[i] = s->redirtbl[i].bits;
		if (!level_entry(io->redir[i])) {
			io->redir[i] &= ~LODGE_REDIR_REMOTE_IRR;
			if (io->source[i])
				io->irr |= BIT(i);
		}
	}
	for (i = 0; i < LODGE_IOAPIC_PINS; i++)
		if ((s->irr & BIT(i)) &&
		    !(io->redir[i] & LODGE_REDIR_REMOTE_IRR))
			service(io, i);
}
