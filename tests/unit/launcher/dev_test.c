// SPDX-License-Identifier: GPL-2.0
/*
 * The small devices: serial port, clock, power.
 * Called by main.c. Read next: userspace/dev/.
 */
#include <string.h>
#include <unistd.h>
#include <linux/serial_reg.h>

#include "../ktap.h"
#include "dev/acpi_pm.h"
#include "dev/rtc.h"
#include "dev/serial.h"
#include "tests.h"

static bool level;
static unsigned int edges;

static void line(void *ctx, unsigned int nr, bool up)
{
	(void)ctx;
	(void)nr;
	level = up;
	edges++;
}

static const struct lodge_irq irq = { .set = line, .line = 4 };
static char out[16];
static unsigned int nr_out, wanted;

static void output(void *ctx, uint8_t byte)
{
	(void)ctx;
	out[nr_out++ % 16] = byte;
}

static void want(void *ctx)
{
	(void)ctx;
	wanted++;
}

static const struct lodge_serial_ops serial_ops = { output, want };
static struct lodge_serial serial;

static void serial_on(void)
{
	level = false;
	edges = nr_out = wanted = 0;
	memset(out, 0, sizeof(out));
	lodge_serial_init(&serial, &irq, &serial_ops, NULL);
}

static void outb(unsigned int reg, uint8_t val)
{
	lodge_serial_io(&serial, reg, &val, 1, true);
}

static uint8_t inb(unsigned int reg)
{
	uint8_t val = 0xee;

	lodge_serial_io(&serial, reg, &val, 1, false);
	return val;
}

/* As a driver that has opened the port. */
static void serial_open(void)
{
	serial_on();
	outb(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	outb(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
}

void test_serial_output(void)
{
	serial_on();
	CHECK_EQ(inb(UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
	outb(UART_TX, 'h');
	outb(UART_TX, 'i');
	CHECK(!strcmp(out, "hi"));
	/* The divisor latch is not the transmitter. */
	outb(UART_LCR, UART_LCR_DLAB);
	outb(UART_DLL, 0x34);
	outb(UART_DLM, 0x12);
	CHECK_EQ(inb(UART_DLL) | inb(UART_DLM) << 8, 0x1234);
	outb(UART_LCR, 3);
	CHECK_EQ(nr_out, 2);
	CHECK_EQ(inb(UART_IER), 0);
	outb(UART_SCR, 0x5a);
	CHECK_EQ(inb(UART_SCR), 0x5a);
	outb(UART_IER, 0xff);
	CHECK_EQ(inb(UART_IER), 0x0f);
}

void test_serial_input(void)
{
	const uint8_t text[] = "0123456789abcdefghij";
	int i;

	/* Nothing is taken before somebody listens. */
	serial_on();
	CHECK_EQ(lodge_serial_input(&serial, text, 20), 0);
	outb(UART_MCR, UART_MCR_DTR);
	CHECK_EQ(lodge_serial_input(&serial, text, 20), 0);
	outb(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	CHECK_EQ(wanted, 1);
	CHECK_EQ(lodge_serial_input(&serial, text, 20), 1);
	CHECK_EQ(inb(UART_RX), '0');
	CHECK_EQ(wanted, 2);

	serial_open();
	CHECK_EQ(lodge_serial_input(&serial, text, 20), 16);
	CHECK_EQ(lodge_serial_input(&serial, text, 20), 0);
	CHECK(inb(UART_LSR) & UART_LSR_DR);
	wanted = 0;
	for (i = 0; i < 16; i++)
		CHECK_EQ(inb(UART_RX), text[i]);
	CHECK(wanted >= 1);
	CHECK(!(inb(UART_LSR) & UART_LSR_DR));
	CHECK_EQ(inb(UART_RX), 0);

	lodge_serial_input(&serial, text, 3);
	outb(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	CHECK(!(inb(UART_LSR) & UART_LSR_DR));
}

void test_serial_interrupts(void)
{
	serial_open();
	CHECK_EQ(inb(UART_IIR), 0xc0 | UART_IIR_NO_INT);
	outb(UART_IER, UART_IER_THRI);
	CHECK(level);
	CHECK_EQ(inb(UART_IIR), 0xc0 | UART_IIR_THRI);
	CHECK(!level);
	CHECK_EQ(inb(UART_IIR), 0xc0 | UART_IIR_NO_INT);
	outb(UART_TX, 'x');
	CHECK(level);
	outb(UART_IER, UART_IER_RDI);
	CHECK(!level);
	lodge_serial_input(&serial, (const uint8_t *)"1234567", 7);
	CHECK(level);
	CHECK_EQ(inb(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	lodge_serial_input(&serial, (const uint8_t *)"8", 1);
	CHECK_EQ(inb(UART_IIR), 0xc0 | UART_IIR_RDI);
	/* OUT2 is the gate. */
	outb(UART_MCR, UART_MCR_DTR);
	CHECK(!level);
	outb(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	CHECK(level);
	while (inb(UART_LSR) & UART_LSR_DR)
		inb(UART_RX);
	CHECK(!level);
	/* Re-enabling the transmitter's interrupt raises it again. */
	outb(UART_IER, 0);
	outb(UART_IER, UART_IER_THRI);
	CHECK(level);
}

void test_serial_loop(void)
{
	serial_open();
	outb(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	CHECK_EQ(inb(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	outb(UART_TX, 'z');
	CHECK_EQ(nr_out, 0);
	CHECK_EQ(inb(UART_RX), 'z');
	CHECK_EQ(lodge_serial_input(&serial, (const uint8_t *)"a", 1), 0);
	outb(UART_MCR, 0);
	CHECK_EQ(inb(UART_MSR) & 0xf0,
		 UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	CHECK_EQ(inb(UART_MSR) & 0x0f, 0);
}

void test_serial_wide(void)
{
	uint8_t data[4] = { 'q', 0x05, 0, 0x13 };

	serial_on();
	lodge_serial_io(&serial, 0, data, 4, true);
	CHECK_EQ(out[0], 'q');
	CHECK_EQ(inb(UART_IER), 5);
	CHECK_EQ(inb(UART_LCR), 0x13);
	lodge_serial_io(&serial, 4, data, 4, false);
	CHECK_EQ(data[1], UART_LSR_TEMT | UART_LSR_THRE);
}

static int64_t now_ns;

static int64_t fake_now(void)
{
	return now_ns;
}

static struct lodge_rtc rtc;

static void rtc_out(uint8_t index, uint8_t val)
{
	lodge_rtc_io(&rtc, 0, &index, 1, true);
	lodge_rtc_io(&rtc, 1, &val, 1, true);
}

static uint8_t rtc_in(uint8_t index)
{
	uint8_t val;

	lodge_rtc_io(&rtc, 0, &index, 1, true);
	lodge_rtc_io(&rtc, 1, &val, 1, false);
	return val;
}

#define SEC	1000000000ll
/* 2024-02-29 23:59:58, a Thursday. */
#define LEAP	(1709251198 * SEC)

static void rtc_on(void)
{
	now_ns = LEAP;
	level = false;
	lodge_rtc_init(&rtc, &irq, fake_now, -1);
}

void test_rtc_read(void)
{
	rtc_on();
	CHECK_EQ(rtc_in(0), 0x58);
	CHECK_EQ(rtc_in(2), 0x59);
	CHECK_EQ(rtc_in(4), 0x23);
	CHECK_EQ(rtc_in(6), 5);
	CHECK_EQ(rtc_in(7), 0x29);
	CHECK_EQ(rtc_in(8), 2);
	CHECK_EQ(rtc_in(9), 0x24);
	CHECK_EQ(rtc_in(0x32), 0x20);
	CHECK_EQ(rtc_in(13), 0x80);
	now_ns += 2 * SEC;
	CHECK_EQ(rtc_in(7), 1);
	CHECK_EQ(rtc_in(8), 3);
	/* The last two milliseconds of a second are an update. */
	CHECK(!(rtc_in(10) & 0x80));
	now_ns += SEC - 1000000;
	CHECK(rtc_in(10) & 0x80);
	/* Binary, twelve hours. */
	now_ns = LEAP;
	rtc_out(11, 0x04);
	CHECK_EQ(rtc_in(0), 58);
	CHECK_EQ(rtc_in(4), 0x80 | 11);
	/* Memory beyond the clock's own. */
	rtc_out(0x7f, 0xa5);
	CHECK_EQ(rtc_in(0x7f), 0xa5);
}

void test_rtc_set(void)
{
	rtc_on();
	rtc_out(11, 0x82);
	rtc_out(0, 0x01);
	rtc_out(2, 0x02);
	rtc_out(4, 0x03);
	rtc_out(7, 0x04);
	rtc_out(8, 0x05);
	rtc_out(9, 0x99);
	rtc_out(0x32, 0x19);
	now_ns += 100 * SEC;
	CHECK_EQ(rtc_in(0), 0x01);
	rtc_out(11, 0x02);
	now_ns += SEC;
	CHECK_EQ(rtc_in(0), 0x02);
	CHECK_EQ(rtc_in(9), 0x99);
	CHECK_EQ(rtc_in(0x32), 0x19);
	/* No date upsets it. */
	rtc_out(11, 0x82);
	rtc_out(0x32, 0xff);
	rtc_out(9, 0xff);
	rtc_out(8, 0xff);
	rtc_out(7, 0xff);
	rtc_out(4, 0xff);
	rtc_out(11, 0x02);
	CHECK(rtc_in(0) < 0x60);
}

void test_rtc_alarm(void)
{
	rtc_on();
	CHECK_EQ(rtc_in(12), 0);
	rtc_out(1, 0x00);
	rtc_out(3, 0xff);
	rtc_out(5, 0xff);
	rtc_out(11, 0x22);
	now_ns += SEC;
	CHECK_EQ(rtc_in(12) & 0x20, 0);
	CHECK(!level);
	now_ns += SEC;
	lodge_rtc_expired(&rtc);
	CHECK(level);
	CHECK_EQ(rtc_in(12) & 0xa0, 0xa0);
	CHECK(!level);
	CHECK_EQ(rtc_in(12) & 0xa0, 0);
	/* The update interrupt comes each second. */
	rtc_out(11, 0x12);
	now_ns += SEC;
	lodge_rtc_expired(&rtc);
	CHECK(level);
	CHECK_EQ(rtc_in(12) & 0x90, 0x90);
}

static int powered;

static void power(void *ctx, enum lodge_power what)
{
	(void)ctx;
	powered = what == LODGE_POWER_OFF ? 1 : 2;
}

static struct lodge_acpi_pm pm;

static void pm_out(unsigned int offset, uint32_t val, unsigned int len)
{
	lodge_acpi_pm_io(&pm, offset, (uint8_t *)&val, len, true);
}

void test_pm_off(void)
{
	uint32_t val = 0, later = 0;

	powered = 0;
	lodge_acpi_pm_init(&pm, power, NULL);
	lodge_acpi_pm_io(&pm, 4, (uint8_t *)&val, 2, false);
	CHECK_EQ(val, 1);
	/* Other kinds of sleep, and the type without the trigger: nothing. */
	pm_out(4, 0x2000 | 1 << 10, 2);
	pm_out(4, 5 << 10, 2);
	CHECK_EQ(powered, 0);
	/* A byte is enough: the other half is remembered. */
	pm_out(5, (0x2000 | 5 << 10) >> 8, 1);
	CHECK_EQ(powered, 1);
	powered = 0;
	pm_out(4, 0x2000 | 5 << 10, 2);
	CHECK_EQ(powered, 1);
	lodge_acpi_pm_io(&pm, 8, (uint8_t *)&val, 4, false);
	usleep(1000);
	lodge_acpi_pm_io(&pm, 8, (uint8_t *)&later, 4, false);
	CHECK(later - val >= 3579 && later - val < 35795450);
	pm_out(2, 0x1234, 2);
	lodge_acpi_pm_io(&pm, 0, (uint8_t *)&val, 4, false);
	CHECK_EQ(val, 0x12340000);
	lodge_acpi_pm_io(&pm, 15, (uint8_t *)&val, 1, false);
}

void test_pm_reset(void)
{
	uint8_t byte = 0xfe;

	powered = 0;
	lodge_acpi_pm_init(&pm, power, NULL);
	lodge_acpi_reset_write(&pm, 0x02);
	CHECK_EQ(powered, 0);
	lodge_acpi_reset_write(&pm, LODGE_RESET_VALUE);
	CHECK_EQ(powered, 2);
	powered = 0;
	lodge_i8042_io(&pm, 0, &byte, 1, true);
	CHECK_EQ(powered, 2);
	powered = 0;
	byte = 0xff;
	lodge_i8042_io(&pm, 0, &byte, 1, true);
	byte = 0xd1;
	lodge_i8042_io(&pm, 0, &byte, 1, true);
	CHECK_EQ(powered, 0);
	lodge_i8042_io(&pm, 0, &byte, 1, false);
	CHECK_EQ(byte, 0);
}
