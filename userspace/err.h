/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One clear line per error, on standard error.
 *
 * Called from everywhere in the launcher. Read next: term.h, which makes the
 * lines come out right on a terminal in raw mode.
 */
#ifndef LODGE_ERR_H
#define LODGE_ERR_H

#include <stdarg.h>

/* Exit statuses of the launcher; a guest's own power-off is success. */
enum lodge_status {
	LODGE_STATUS_OK = 0,
	LODGE_STATUS_FAILED = 1,
	LODGE_STATUS_USAGE = 2,
};

/**
 * lodge_err() - print "lodge: <message>" as one line on standard error
 * @fmt: printf format, without a newline
 *
 * Context: any thread. The line is written with a single write().
 */
void lodge_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* LODGE_ERR_H */
