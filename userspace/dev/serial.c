// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A serial port; see serial.h for who calls this.
 *
 * Follows the PC16550D data sheet. The line is infinitely fast: a byte written
 * has left at once, so the transmitter is always empty.
 * Read next: term.c, the other end.
 */
#include "serial.h"

#include <string.h>
#include <linux/serial_reg.h>

#define SERIAL_MSR_CONNECTED	(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)

static bool serial_fifo_on(const struct lodge_serial *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO;
}

static unsigned int serial_fifo_size(const struct lodge_serial *s)
{
	return serial_fifo_on(s) ? LODGE_SERIAL_FIFO : 1;
}

/* The received-data level that interrupts; a lone byte counts as a timeout. */
static unsigned int serial_trigger(const struct lodge_serial *s)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	return serial_fifo_on(s) ? level[s->fcr >> 6] : 1;
}

static uint8_t serial_iir(const struct lodge_serial *s)
{
	uint8_t fifo = serial_fifo_on(s) ? 0xc0 : 0;

	if ((s->ier & UART_IER_RLSI) && (s->lsr & UART_LSR_BRK_ERROR_BITS))
		return fifo | UART_IIR_RLSI;
	if ((s->ier & UART_IER_RDI) && s->nr_fifo)
		return fifo | (s->nr_fifo >= serial_trigger(s) ?
			       UART_IIR_RDI : UART_IIR_RX_TIMEOUT);
	if ((s->ier & UART_IER_THRI) && s->thre_pending)
		return fifo | UART_IIR_THRI;
	if ((s->ier & UART_IER_MSI) && s->msr_changed)
		return fifo | UART_IIR_MSI;
	return fifo | UART_IIR_NO_INT;
}

static void serial_update(struct lodge_serial *s)
{
	bool level = !(serial_iir(s) & UART_IIR_NO_INT);

	/* OUT2 is the gate to the bus on a PC; a loop closes it. */
	if (!(s->mcr & UART_MCR_OUT2) || (s->mcr & UART_MCR_LOOP))
		level = false;
	if (level == s->level)
		return;
	s->level = level;
	lodge_irq_set(&s->irq, level);
}

/*
 * Whether a driver has opened the port and is ready to receive. Neither line
 * alone is a sign of it: Linux raises DTR when it makes the port its console
 * and enables the interrupt before it empties the FIFO for the last time.
 */
static bool serial_listens(const struct lodge_serial *s)
{
	const uint8_t ready = UART_MCR_DTR | UART_MCR_RTS;

	return (s->mcr & (ready | UART_MCR_LOOP)) == ready;
}

static bool serial_wants(const struct lodge_serial *s)
{
	return serial_listens(s) && s->nr_fifo < serial_fifo_size(s);
}

static void serial_push(struct lodge_serial *s, uint8_t byte)
{
	if (s->nr_fifo < serial_fifo_size(s))
		s->fifo[s->nr_fifo++] = byte;
	else
		s->lsr |= UART_LSR_OE;
}

static uint8_t serial_pop(struct lodge_serial *s)
{
	uint8_t byte;

	if (!s->nr_fifo)
		return 0;
	byte = s->fifo[0];
	memmove(s->fifo, s->fifo + 1, --s->nr_fifo);
	return byte;
}

/* What the modem's lines say; in a loop they are the port's own. */
static void serial_modem(struct lodge_serial *s)
{
	uint8_t old = s->msr, msr = SERIAL_MSR_CONNECTED;

	if (s->mcr & UART_MCR_LOOP) {
		msr = 0;
		if (s->mcr & UART_MCR_RTS)
			msr |= UART_MSR_CTS;
		if (s->mcr & UART_MCR_DTR)
			msr |= UART_MSR_DSR;
		if (s->mcr & UART_MCR_OUT1)
			msr |= UART_MSR_RI;
		if (s->mcr & UART_MCR_OUT2)
			msr |= UART_MSR_DCD;
	}
	/* The low half says which lines moved; RI's only how it fell. */
	s->msr = msr | (old & UART_MSR_ANY_DELTA) |
		 (((old ^ msr) >> 4) & (UART_MSR_DDCD | UART_MSR_DDSR |
					UART_MSR_DCTS)) |
		 ((old & ~msr & UART_MSR_RI) ? UART_MSR_TERI : 0);
	s->msr_changed = s->msr & UART_MSR_ANY_DELTA;
}

static void serial_write_fcr(struct lodge_serial *s, uint8_t val)
{
	bool toggled = (val ^ s->fcr) & UART_FCR_ENABLE_FIFO;

	if (toggled || (val & UART_FCR_CLEAR_RCVR))
		s->nr_fifo = 0;
	/* Without the enable bit the others are not programmed. */
	s->fcr = (val & UART_FCR_ENABLE_FIFO) ?
		 val & ~(UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT) : 0;
}

static void serial_write_ier(struct lodge_serial *s, uint8_t val)
{
	/* The transmitter is empty: enabling its interrupt raises it. */
	if ((val & UART_IER_THRI) && !(s->ier & UART_IER_THRI))
		s->thre_pending = true;
	s->ier = val & 0x0f;
}

/* Returns whether a byte leaves the port. */
static bool serial_write_thr(struct lodge_serial *s, uint8_t val)
{
	s->thre_pending = true;
	if (!(s->mcr & UART_MCR_LOOP))
		return true;
	serial_push(s, val);
	return false;
}

static bool serial_write(struct lodge_serial *s, unsigned int reg, uint8_t val)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (!dlab)
			return serial_write_thr(s, val);
		s->divisor = (s->divisor & 0xff00) | val;
		break;
	case UART_IER:
		if (!dlab)
			serial_write_ier(s, val);
		else
			s->divisor = (s->divisor & 0x00ff) | val << 8;
		break;
	case UART_FCR:
		serial_write_fcr(s, val);
		break;
	case UART_LCR:
		s->lcr = val;
		break;
	case UART_MCR:
		s->mcr = val & 0x1f;
		serial_modem(s);
		break;
	case UART_SCR:
		s->scr = val;
		break;
	}
	return false;
}

static uint8_t serial_read(struct lodge_serial *s, unsigned int reg)
{
	bool dlab = s->lcr & UART_LCR_DLAB;
	uint8_t val;

	switch (reg) {
	case UART_RX:
		return dlab ? s->divisor & 0xff : serial_pop(s);
	case UART_IER:
		return dlab ? s->divisor >> 8 : s->ier;
	case UART_IIR:
		val = serial_iir(s);
		/* Naming the transmitter as the cause is its acknowledgment. */
		if ((val & 0x0f) == UART_IIR_THRI)
			s->thre_pending = false;
		return val;
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		val = s->lsr | UART_LSR_THRE | UART_LSR_TEMT |
		      (s->nr_fifo ? UART_LSR_DR : 0);
		s->lsr = 0;
		return val;
	case UART_MSR:
		val = s->msr;
		s->msr &= ~UART_MSR_ANY_DELTA;
		s->msr_changed = false;
		return val;
	default:
		return s->scr;
	}
}

static void serial_byte(struct lodge_serial *s, unsigned int reg, uint8_t *data,
			bool write)
{
	bool wanted, out = false;
	uint8_t val = *data;

	pthread_mutex_lock(&s->lock);
	wanted = serial_wants(s);
	if (write)
		out = serial_write(s, reg, val);
	else
		*data = serial_read(s, reg);
	serial_update(s);
	wanted = !wanted && serial_wants(s);
	pthread_mutex_unlock(&s->lock);

	/* Unlocked: a slow reader of ours must not stop input too. */
	if (out)
		s->ops->output(s->ctx, val);
	if (wanted)
		s->ops->wanted(s->ctx);
}

void lodge_serial_init(struct lodge_serial *serial, const struct lodge_irq *irq,
		       const struct lodge_serial_ops *ops, void *ctx)
{
	memset(serial, 0, sizeof(*serial));
	pthread_mutex_init(&serial->lock, NULL);
	serial->irq = *irq;
	serial->ops = ops;
	serial->ctx = ctx;
	serial->divisor = 1;
	serial->msr = SERIAL_MSR_CONNECTED;
}

void lodge_serial_io(void *dev, uint64_t offset, uint8_t *data,
		     unsigned int len, bool write)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		serial_byte(dev, offset + i, data + i, write);
}

size_t lodge_serial_input(struct lodge_serial *serial, const uint8_t *data,
			  size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&serial->lock);
	while (n < len && serial_wants(serial))
		serial_push(serial, data[n++]);
	serial_update(serial);
	pthread_mutex_unlock(&serial->lock);
	return n;
}
