/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The terminal, or the pipe in its place, behind the guest's serial port.
 *
 * There is one per process, since there is one controlling terminal. machine.c
 * starts and stops it; dev/serial.c writes to it and takes from it; err.c
 * prints through it. Read next: dev/serial.h.
 */
#ifndef LODGE_TERM_H
#define LODGE_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

/* What a typed byte means. */
enum lodge_term_key {
	LODGE_KEY_PASS,		/* goes to the guest */
	LODGE_KEY_DROP,		/* the escape, or what followed it in vain */
	LODGE_KEY_QUIT,
	LODGE_KEY_HELP,
};

/**
 * lodge_term_key() - follow the escape sequences in what is typed
 * @escaped: the parser's memory, false at first
 * @byte: what was typed
 *
 * Return: what it means.
 */
enum lodge_term_key lodge_term_key(bool *escaped, uint8_t byte);

/* Whom the terminal serves. */
struct lodge_term_ops {
	/* Offer input; returns how many of @len bytes were taken. */
	size_t (*input)(void *ctx, const uint8_t *data, size_t len);
	/* The user or a signal wants to end it; 0 or the signal's number. */
	void (*quit)(void *ctx, int sig);
};

/**
 * lodge_term_start() - take over standard input and output
 * @loop: the event loop that serves it
 * @ops: whom it serves
 * @ctx: passed to @ops
 *
 * A terminal goes to raw mode and comes back however the process ends, but
 * for SIGKILL.
 *
 * Return: 0 or -errno.
 */
int lodge_term_start(struct lodge_loop *loop, const struct lodge_term_ops *ops,
		     void *ctx);

/**
 * lodge_term_stop() - write out what is waiting and give the terminal back
 *
 * May be called without a start.
 */
void lodge_term_stop(void);

/**
 * lodge_term_write() - one byte of the guest's output
 * @byte: the byte
 *
 * Context: a vCPU's thread. Waits while whoever reads our output is slow,
 * until lodge_term_drop().
 */
void lodge_term_write(uint8_t byte);

/**
 * lodge_term_drop() - wait for no reader any more
 * @drop: true when the guest is being stopped, false for the next one
 */
void lodge_term_drop(bool drop);

/**
 * lodge_term_wanted() - the guest has room for input again
 *
 * Context: a vCPU's thread.
 */
void lodge_term_wanted(void);

/**
 * lodge_term_message() - print the launcher's own words on standard error
 * @text: lines, each with its newline
 * @len: bytes
 *
 * Context: any thread, with or without a start.
 */
void lodge_term_message(const char *text, size_t len);

#endif /* LODGE_TERM_H */
