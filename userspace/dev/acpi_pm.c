// SPDX-License-Identifier: GPL-2.0
/*
 * Power-off, reset and the PM timer; see acpi_pm.h for who calls this.
 *
 * Follows the ACPI specification, "ACPI Register Model". There are no fixed
 * events (the FADT says so), hence the status register stays 0 and the system
 * control interrupt never comes.
 * Read next: boot/acpi.c, the tables that describe this.
 */
#include "acpi_pm.h"

#include <string.h>
#include <time.h>

#define PM_REG_ENABLE		2
#define PM_REG_CONTROL		4
#define PM_REG_TIMER		8

#define PM_CONTROL_SCI_EN	0x0001
#define PM_CONTROL_SLEEP(val)	((val) >> 10 & 7)
#define PM_CONTROL_SLEEP_EN	0x2000
#define PM_TIMER_HZ		3579545ull

#define RESET_CPU		0x04
#define I8042_CMD_PULSE_RESET	0xfe
#define I8042_CMD_PULSE_MASK	0xf1

static uint32_t pm_timer(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * PM_TIMER_HZ + ts.tv_nsec * PM_TIMER_HZ / 1000000000;
}

static void pm_write(struct lodge_acpi_pm *pm, unsigned int reg, uint16_t val)
{
	bool off = false;

	pthread_mutex_lock(&pm->lock);
	if (reg == PM_REG_ENABLE) {
		pm->enable = val;
	} else if (reg == PM_REG_CONTROL) {
		pm->control = val & ~PM_CONTROL_SLEEP_EN;
		off = (val & PM_CONTROL_SLEEP_EN) &&
		      PM_CONTROL_SLEEP(val) == LODGE_PM_SLEEP_OFF;
	}
	pthread_mutex_unlock(&pm->lock);
	if (off)
		pm->power(pm->ctx, LODGE_POWER_OFF);
}

static void pm_snapshot(struct lodge_acpi_pm *pm,
			uint8_t reg[LODGE_PM_PORTS])
{
	uint32_t timer = pm_timer();
	uint16_t control;

	memset(reg, 0, LODGE_PM_PORTS);
	pthread_mutex_lock(&pm->lock);
	control = pm->control | PM_CONTROL_SCI_EN;
	memcpy(reg + PM_REG_ENABLE, &pm->enable, 2);
	pthread_mutex_unlock(&pm->lock);
	memcpy(reg + PM_REG_CONTROL, &control, 2);
	memcpy(reg + PM_REG_TIMER, &timer, 4);
}

void lodge_acpi_pm_init(struct lodge_acpi_pm *pm,
			void (*power)(void *ctx, enum lodge_power what),
			void *ctx)
{
	memset(pm, 0, sizeof(*pm));
	pthread_mutex_init(&pm->lock, NULL);
	pm->power = power;
	pm->ctx = ctx;
}

void lodge_acpi_pm_io(void *dev, uint64_t offset, uint8_t *data,
		      unsigned int len, bool write)
{
	struct lodge_acpi_pm *pm = dev;
	uint8_t reg[LODGE_PM_PORTS];
	unsigned int first = offset & ~1u, i;

	pm_snapshot(pm, reg);
	if (!write) {
		memcpy(data, reg + offset, len);
		return;
	}
	/* Registers are words: a byte written leaves its neighbour alone. */
	memcpy(reg + offset, data, len);
	for (i = first; i < offset + len; i += 2)
		pm_write(pm, i, reg[i] | reg[i + 1] << 8);
}

void lodge_acpi_reset_write(struct lodge_acpi_pm *pm, uint8_t val)
{
	if (val & RESET_CPU)
		pm->power(pm->ctx, LODGE_POWER_RESET);
}

void lodge_i8042_io(void *dev, uint64_t offset, uint8_t *data,
		    unsigned int len, bool write)
{
	struct lodge_acpi_pm *pm = dev;

	(void)offset;
	if (!write) {
		/* Nothing waits in either buffer. */
		memset(data, 0, len);
		return;
	}
	/* Commands f0 to ff pulse output lines low; reset is line 0. */
	if ((data[0] & I8042_CMD_PULSE_MASK) ==
	    (I8042_CMD_PULSE_RESET & I8042_CMD_PULSE_MASK))
		pm->power(pm->ctx, LODGE_POWER_RESET);
}
