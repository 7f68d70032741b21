/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An interrupt line, as a device sees it.
 *
 * machine.c connects it to the hypervisor's interrupt chips; a unit test, to
 * itself. Read next: dev/serial.h.
 */
#ifndef LODGE_DEV_IRQ_H
#define LODGE_DEV_IRQ_H

#include <stdbool.h>

/*
 * The lines of a PC that the machine's own devices use. Line 0 is the timer's
 * and 2 the cascade's; both live in the hypervisor.
 */
#define LODGE_IRQ_SERIAL	4
#define LODGE_IRQ_RTC		8
#define LODGE_IRQ_SCI		9

struct lodge_irq {
	void (*set)(void *ctx, unsigned int line, bool level);
	void *ctx;
	unsigned int line;
};

static inline void lodge_irq_set(const struct lodge_irq *irq, bool level)
{
	irq->set(irq->ctx, irq->line, level);
}

#endif /* LODGE_DEV_IRQ_H */
