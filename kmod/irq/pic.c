// SPDX-License-Identifier: GPL-2.0
/*
 * The pair of 8259A interrupt controllers, with the chip set's ELCR.
 *
 * Pure; irqchip.c calls it with vm->irq_lock held, and looks at output and
 * acked afterwards. Follows Intel's data sheet "8259A Programmable Interrupt
 * Controller". Next: ioapic.c.
 */
#include "chips.h"

/* ICW1, ICW4, OCW2, OCW3 */
#define ICW1		BIT(4)
#define ICW1_ICW4	BIT(0)
#define ICW4_AEOI	BIT(1)
#define ICW4_SFNM	BIT(4)
#define OCW3		BIT(3)
#define OCW3_READ	BIT(1)
#define OCW3_READ_ISR	BIT(0)
#define OCW3_POLL	BIT(2)
#define OCW3_SMM_SET	BIT(6)
#define OCW3_SMM	BIT(5)
#define POLL_PENDING	BIT(7)
#define SPURIOUS	7

/* Which command word the chip waits for: kvm_pic_state.init_state */
enum { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

/* Pins that ELCR can make level-triggered: not 0, 1, 2, 8 and 13. */
static const u8 elcr_mask[2] = { 0xf8, 0xde };

/* Priority of the highest bit, 0 highest of all, 8 if there is none. */
static unsigned int highest(const struct kvm_pic_state *s, u8 bits)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (bits & BIT((i + s->priority_add) & 7))
			break;
	return i;
}

/* The pin the chip asks service for, or -1 */
static int chip_request(const struct kvm_pic_state *s, bool master)
{
	u8 busy = s->isr;
	unsigned int want = highest(s, s->irr & ~s->imr);

	if (want == 8)
		return -1;
	/* In special mask mode a masked pin in service holds nobody back. */
	if (s->special_mask)
		busy &= ~s->imr;
	/* Fully nested, specially: the slave may interrupt its own service. */
	if (s->special_fully_nested_mode && master)
		busy &= ~BIT(LODGE_PIC_CASCADE);
	if (want >= highest(s, busy))
		return -1;
	return (want + s->priority_add) & 7;
}

/* An input of one chip. Return: 1 a new request, 0 it was there, -1 masked */
static int chip_line(struct kvm_pic_state *s, unsigned int pin, bool level)
{
	u8 bit = BIT(pin);
	int ret = 1;

	if (s->elcr & bit) {
		if (level) {
			ret = !(s->irr & bit);
			s->irr |= bit;
			s->last_irr |= bit;
		} else {
			s->irr &= ~bit;
			s->last_irr &= ~bit;
		}
	} else if (level) {
		if (!(s->last_irr & bit)) {
			ret = !(s->irr & bit);
			s->irr |= bit;
		}
		s->last_irr |= bit;
	} else {
		/* A pulse stays requested: lines of the virtual kind are short. */
		s->last_irr &= ~bit;
	}
	return (s->imr & bit) ? -1 : ret;
}

static void update(struct lodge_pic *pic)
{
	bool slave = chip_request(&pic->chip[1], false) >= 0;

	/* The slave's INTR is an edge for each request it makes. */
	if (slave) {
		chip_line(&pic->chip[0], LODGE_PIC_CASCADE, false);
		chip_line(&pic->chip[0], LODGE_PIC_CASCADE, true);
	} else {
		chip_line(&pic->chip[0], LODGE_PIC_CASCADE, false);
		pic->chip[0].irr &= ~BIT(LODGE_PIC_CASCADE);
	}
	WRITE_ONCE(pic->output, chip_request(&pic->chip[0], true) >= 0);
}

static void end_service(struct lodge_pic *pic, int chip, unsigned int pin)
{
	pic->chip[chip].isr &= ~BIT(pin);
	/* The cascade is no device's; the slave tells of its own pins. */
	if (chip || pin != LODGE_PIC_CASCADE)
		pic->acked |= BIT(chip * 8 + pin);
}

/* The CPU takes the request of @pin. */
static void acknowledge(struct lodge_pic *pic, int chip, unsigned int pin)
{
	struct kvm_pic_state *s = &pic->chip[chip];

	s->isr |= BIT(pin);
	if (!(s->elcr & BIT(pin)))
		s->irr &= ~BIT(pin);
	if (!s->auto_eoi)
		return;
	if (s->rotate_on_auto_eoi)
		s->priority_add = (pin + 1) & 7;
	end_service(pic, chip, pin);
}

/**
 * lodge_pic_reset() - power-on state, ELCR included
 * @pic: the pair; sources of lines stay as they are
 */
void lodge_pic_reset(struct lodge_pic *pic)
{
	int i;

	for (i = 0; i < 2; i++) {
		memset(&pic->chip[i], 0, sizeof(pic->chip[i]));
		pic->chip[i].elcr_mask = elcr_mask[i];
	}
	pic->acked = 0;
	update(pic);
}

/**
 * lodge_pic_line() - drive an input pin
 * @pic: the pair
 * @pin: 0 to 15
 * @source: LODGE_IRQ_SOURCE_*
 * @level: high or low
 *
 * Return: 1 a new request, 0 it was requested already, -1 masked.
 */
int lodge_pic_line(struct lodge_pic *pic, int pin, int source, bool level)
{
	bool high = lodge_source_set(&pic->source[pin], source, level);
	int ret = chip_line(&pic->chip[pin / 8], pin % 8, high);

	update(pic);
	return ret;
}

/**
 * lodge_pic_peek() - the vector that lodge_pic_intack() would give
 * @pic: the pair
 *
 * Return: the vector, or -1 if nothing is requested.
 */
int lodge_pic_peek(const struct lodge_pic *pic)
{
	int pin = chip_request(&pic->chip[0], true);

	if (pin < 0)
		return -1;
	if (pin != LODGE_PIC_CASCADE)
		return pic->chip[0].irq_base + pin;
	pin = chip_request(&pic->chip[1], false);
	return pic->chip[1].irq_base + (pin < 0 ? SPURIOUS : pin);
}

/**
 * lodge_pic_intack() - the CPU's interrupt-acknowledge cycle
 * @pic: the pair
 *
 * Return: the vector; a spurious one if the request has gone.
 */
int lodge_pic_intack(struct lodge_pic *pic)
{
	int pin = chip_request(&pic->chip[0], true);
	int vector = pic->chip[0].irq_base + (pin < 0 ? SPURIOUS : pin);

	if (pin >= 0)
		acknowledge(pic, 0, pin);
	if (pin == LODGE_PIC_CASCADE) {
		pin = chip_request(&pic->chip[1], false);
		vector = pic->chip[1].irq_base + (pin < 0 ? SPURIOUS : pin);
		if (pin >= 0)
			acknowledge(pic, 1, pin);
	}
	update(pic);
	return vector;
}

static void write_icw1(struct lodge_pic *pic, int chip, u8 v)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	u8 lost = s->irr & ~s->elcr;
	unsigned int pin;

	/* Whoever waits for the end of a request that is dropped hears of it. */
	for (pin = 0; pin < 8; pin++)
		if ((lost | s->isr) & BIT(pin))
			end_service(pic, chip, pin);
	s->last_irr = 0;
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->rotate_on_auto_eoi = 0;
	s->init4 = v & ICW1_ICW4;
	if (!s->init4) {
		s->special_fully_nested_mode = 0;
		s->auto_eoi = 0;
	}
	s->init_state = WANT_ICW2;
}

static void write_ocw2(struct lodge_pic *pic, int chip, u8 v)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	bool rotate = v & BIT(7), specific = v & BIT(6), eoi = v & BIT(5);
	unsigned int pin = v & 7;

	if (!eoi && !specific) {
		s->rotate_on_auto_eoi = rotate;
		return;
	}
	if (!eoi) {
		if (rotate)
			s->priority_add = (pin + 1) & 7;
		return;
	}
	if (!specific) {
		unsigned int p = highest(s, s->isr);

		if (p == 8)
			return;
		pin = (p + s->priority_add) & 7;
	}
	if (rotate)
		s->priority_add = (pin + 1) & 7;
	if (s->isr & BIT(pin))
		end_service(pic, chip, pin);
}

static void write_ocw3(struct kvm_pic_state *s, u8 v)
{
	if (v & OCW3_POLL)
		s->poll = 1;
	if (v & OCW3_READ)
		s->read_reg_select = v & OCW3_READ_ISR;
	if (v & OCW3_SMM_SET)
		s->special_mask = !!(v & OCW3_SMM);
}

static void write_data(struct kvm_pic_state *s, u8 v)
{
	switch (s->init_state) {
	case READY:
		s->imr = v;
		break;
	case WANT_ICW2:
		s->irq_base = v & 0xf8;
		s->init_state = WANT_ICW3;
		break;
	case WANT_ICW3:		/* wiring of the cascade: is what it is */
		s->init_state = s->init4 ? WANT_ICW4 : READY;
		break;
	default:
		s->special_fully_nested_mode = !!(v & ICW4_SFNM);
		s->auto_eoi = !!(v & ICW4_AEOI);
		s->init_state = READY;
	}
}

/**
 * lodge_pic_write() - the CPU writes a port
 * @pic: the pair
 * @chip: 0 master (ports 20h, 21h), 1 slave (a0h, a1h)
 * @a0: 0 command port, 1 data port
 * @v: what is written
 */
void lodge_pic_write(struct lodge_pic *pic, int chip, int a0, u8 v)
{
	if (a0)
		write_data(&pic->chip[chip], v);
	else if (v & ICW1)
		write_icw1(pic, chip, v);
	else if (v & OCW3)
		write_ocw3(&pic->chip[chip], v);
	else
		write_ocw2(pic, chip, v);
	update(pic);
}

/**
 * lodge_pic_read() - the CPU reads a port
 * @pic: the pair
 * @chip: 0 master, 1 slave
 * @a0: 0 command port, 1 data port
 *
 * After a poll command any read is an acknowledge cycle.
 */
u8 lodge_pic_read(struct lodge_pic *pic, int chip, int a0)
{
	struct kvm_pic_state *s = &pic->chip[chip];
	int pin;

	if (s->poll) {
		s->poll = 0;
		pin = chip_request(s, !chip);
		if (pin < 0)
			return SPURIOUS;
		acknowledge(pic, chip, pin);
		update(pic);
		return POLL_PENDING | pin;
	}
	if (a0)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

/**
 * lodge_pic_elcr_write() - edge/level control register
 * @pic: the pair
 * @chip: 0 master (port 4d0h), 1 slave (4d1h)
 * @v: a bit set: the pin is level-triggered, if it can be
 */
void lodge_pic_elcr_write(struct lodge_pic *pic, int chip, u8 v)
{
	pic->chip[chip].elcr = v & elcr_mask[chip];
	update(pic);
}

/**
 * lodge_pic_load() - one chip's state from the user
 * @pic: the pair
 * @chip: 0 master, 1 slave
 * @s: hostile
 */
void lodge_pic_load(struct lodge_pic *pic, int chip,
		    const struct kvm_pic_state *s)
{
	struct kvm_pic_state *d = &pic->chip[chip];

	*d = *s;
	d->priority_add &= 7;
	d->irq_base &= 0xf8;
	d->read_reg_select = !!s->read_reg_select;
	d->poll = !!s->poll;
	d->special_mask = !!s->special_mask;
	d->init_state = s->init_state & 3;
	d->auto_eoi = !!s->auto_eoi;
	d->rotate_on_auto_eoi = !!s->rotate_on_auto_eoi;
	d->special_fully_nested_mode = !!s->special_fully_nested_mode;
	d->init4 = !!s->init4;
	d->elcr_mask = elcr_mask[chip];
	d->elcr &= elcr_mask[chip];
	update(pic);
}
