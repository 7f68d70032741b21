/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 16550A serial port, the guest's console.
 *
 * machine.c puts it at COM1's ports; its other end is term.c.
 * Read next: dev/serial.c.
 */
#ifndef LODGE_DEV_SERIAL_H
#define LODGE_DEV_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "irq.h"

#define LODGE_SERIAL_PORT	0x3f8
#define LODGE_SERIAL_PORTS	8
#define LODGE_SERIAL_FIFO	16

struct lodge_serial_ops {
	/* A byte leaves the port. */
	void (*output)(void *ctx, uint8_t byte);
	/* There is room for input again. */
	void (*wanted)(void *ctx);
};

struct lodge_serial {
	pthread_mutex_t lock;		/* guards all that follows */
	const struct lodge_serial_ops *ops;
	void *ctx;
	struct lodge_irq irq;
	bool level;
	uint8_t ier, fcr, lcr, mcr, lsr, scr;
	uint16_t divisor;
	bool thre_pending;		/* the transmitter-empty interrupt */
	bool msr_changed;
	uint8_t msr;
	uint8_t fifo[LODGE_SERIAL_FIFO];
	unsigned int nr_fifo;
};

/**
 * lodge_serial_init() - power on
 * @serial: the port
 * @irq: its interrupt line
 * @ops: the other end
 * @ctx: passed to @ops
 */
void lodge_serial_init(struct lodge_serial *serial, const struct lodge_irq *irq,
		       const struct lodge_serial_ops *ops, void *ctx);

/**
 * lodge_serial_io() - the guest reads or writes the port's registers
 *
 * A lodge_io_fn. An access wider than a byte meets neighbouring registers.
 */
void lodge_serial_io(void *dev, uint64_t offset, uint8_t *data,
		     unsigned int len, bool write);

/**
 * lodge_serial_input() - bytes arrive on the line
 * @serial: the port
 * @data: the bytes
 * @len: how many
 *
 * Nothing is taken before the guest raises DTR and RTS, so that what a script
 * sends at once is not lost to the clearing of the FIFO when a driver starts.
 *
 * Context: any thread.
 * Return: how many bytes were taken; ops->wanted tells when to come back.
 */
size_t lodge_serial_input(struct lodge_serial *serial, const uint8_t *data,
			  size_t len);

#endif /* LODGE_DEV_SERIAL_H */
