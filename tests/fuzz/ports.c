// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the launcher's devices behind ports: serial port, clock, power
 * management, keyboard controller, PCI configuration. An input is a list of
 * accesses of any size, with time passing and a person typing in between.
 * Whatever comes, nothing is touched but the devices (ASan looks on), a read
 * fills as many bytes as were asked for, and lines go up and down in turns.
 * Run by the Makefile here. Read next: virtio.c.
 */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "dev/acpi_pm.h"
#include "dev/pci.h"
#include "dev/rtc.h"
#include "dev/serial.h"
#include "input.h"

static struct lodge_bus pio, mmio;
static struct lodge_serial serial;
static struct lodge_rtc rtc;
static struct lodge_acpi_pm pm;
static struct lodge_pci pci;
static bool line[16];
static int64_t now_ns;

static int64_t now(void)
{
	return now_ns;
}

static void set_line(void *ctx, unsigned int number, bool level)
{
	(void)ctx;
	if (number >= sizeof(line) || line[number] == level)
		abort();
	line[number] = level;
}

static void output(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

static void wanted(void *ctx)
{
	(void)ctx;
}

static void power(void *ctx, enum lodge_power what)
{
	(void)ctx;
	if (what != LODGE_POWER_OFF && what != LODGE_POWER_RESET)
		abort();
}

static void reset_port(void *ctx, uint8_t val)
{
	(void)ctx;
	lodge_acpi_reset_write(&pm, val);
}

static const struct lodge_serial_ops serial_ops = {
	.output = output, .wanted = wanted,
};

static const struct {
	uint16_t port, ports;
	lodge_io_fn io;
	void *dev;
} devices[] = {
	{ LODGE_SERIAL_PORT, LODGE_SERIAL_PORTS, lodge_serial_io, &serial },
	{ LODGE_RTC_PORT, LODGE_RTC_PORTS, lodge_rtc_io, &rtc },
	{ LODGE_PM_PORT, LODGE_PM_PORTS, lodge_acpi_pm_io, &pm },
	{ LODGE_I8042_PORT, 1, lodge_i8042_io, &pm },
	{ LODGE_PCI_PORT, LODGE_PCI_PORTS, lodge_pci_io, &pci },
};

#define DEVICES	(sizeof(devices) / sizeof(devices[0]))

static void power_on(void)
{
	struct lodge_irq serial_irq = { set_line, NULL, 4 };
	struct lodge_irq rtc_irq = { set_line, NULL, 8 };
	unsigned int i;

	memset(line, 0, sizeof(line));
	now_ns = 1700000000ll * 1000000000;
	lodge_bus_init(&pio);
	lodge_bus_init(&mmio);
	lodge_serial_init(&serial, &serial_irq, &serial_ops, NULL);
	lodge_rtc_init(&rtc, &rtc_irq, now, -1);
	lodge_acpi_pm_init(&pm, power, NULL);
	lodge_pci_init(&pci, &mmio, reset_port, NULL);
	for (i = 0; i < DEVICES; i++)
		if (lodge_bus_add(&pio, devices[i].port, devices[i].ports,
				  devices[i].io, devices[i].dev))
			abort();
}

/* Of any size: the heap ends where the data do. */
static void do_access(struct input *i, bool write)
{
	unsigned int n = next(i, 1) % DEVICES, len = 1 + next(i, 1) % 8;
	unsigned int port = devices[n].port + next(i, 1) % devices[n].ports;
	uint64_t val = next(i, len);
	uint8_t *data = malloc(len);

	memcpy(data, &val, len);
	lodge_bus_access(&pio, port, data, len, write);
	free(data);
}

static void do_read(struct input *i)
{
	do_access(i, false);
}

static void do_write(struct input *i)
{
	do_access(i, true);
}

static void do_type(struct input *i)
{
	uint64_t typed = next(i, 8);

	if (lodge_serial_input(&serial, (const uint8_t *)&typed, 8) > 8)
		abort();
}

static void do_time(struct input *i)
{
	now_ns += next(i, 6);		/* up to three days */
	lodge_rtc_expired(&rtc);
}

static void (*const ops[])(struct input *) = {
	do_read, do_write, do_write, do_type, do_time,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input i = { data, size };

	power_on();
	while (i.len)
		ops[next(&i, 1) % (sizeof(ops) / sizeof(ops[0]))](&i);
	return 0;
}
