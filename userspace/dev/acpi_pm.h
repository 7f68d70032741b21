/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ACPI's fixed hardware: power-off and the power-management timer; and the
 * two ways besides to reset a PC, port 0xcf9 and the keyboard controller's.
 *
 * machine.c wires it; boot/acpi.c tells the guest where it is.
 * Read next: dev/acpi_pm.c.
 */
#ifndef LODGE_DEV_ACPI_PM_H
#define LODGE_DEV_ACPI_PM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LODGE_PM_PORT		0x600
#define LODGE_PM_PORTS		16
#define LODGE_PM_EVENT		(LODGE_PM_PORT + 0)	/* 4 bytes */
#define LODGE_PM_CONTROL	(LODGE_PM_PORT + 4)	/* 2 bytes */
#define LODGE_PM_TIMER		(LODGE_PM_PORT + 8)	/* 4 bytes */

/* The type of sleep that is power-off; the DSDT's _S5 says the same. */
#define LODGE_PM_SLEEP_OFF	5

#define LODGE_RESET_PORT	0xcf9
#define LODGE_RESET_VALUE	0x06

#define LODGE_I8042_PORT	0x64

/* What the guest asks of its power supply. */
enum lodge_power {
	LODGE_POWER_OFF,
	LODGE_POWER_RESET,
};

struct lodge_acpi_pm {
	pthread_mutex_t lock;		/* guards enable and control */
	void (*power)(void *ctx, enum lodge_power what);
	void *ctx;
	uint16_t enable;
	uint16_t control;
};

/**
 * lodge_acpi_pm_init() - power on
 * @pm: the device
 * @power: called when the guest turns itself off or resets itself
 * @ctx: passed to @power
 */
void lodge_acpi_pm_init(struct lodge_acpi_pm *pm,
			void (*power)(void *ctx, enum lodge_power what),
			void *ctx);

/**
 * lodge_acpi_pm_io() - the guest uses the PM registers
 *
 * A lodge_io_fn for LODGE_PM_PORT.
 */
void lodge_acpi_pm_io(void *dev, uint64_t offset, uint8_t *data,
		      unsigned int len, bool write);

/**
 * lodge_acpi_reset_write() - the guest writes the reset control register
 * @pm: the device
 * @val: the byte
 */
void lodge_acpi_reset_write(struct lodge_acpi_pm *pm, uint8_t val);

/**
 * lodge_i8042_io() - the guest talks to the keyboard controller
 *
 * A lodge_io_fn for LODGE_I8042_PORT. There is no keyboard; there is the
 * pulse on the reset line that old software knows.
 */
void lodge_i8042_io(void *dev, uint64_t offset, uint8_t *data,
		    unsigned int len, bool write);

#endif /* LODGE_DEV_ACPI_PM_H */
