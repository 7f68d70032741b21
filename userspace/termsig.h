/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw mode and the signals that must not leave a terminal in it.
 *
 * Called by term.c alone. Read next: term.c.
 */
#ifndef LODGE_TERMSIG_H
#define LODGE_TERMSIG_H

#include <stdbool.h>

/**
 * lodge_termsig_start() - catch the ending signals; raw mode for a terminal
 * @fd: an eventfd to signal when one that asks for an orderly end arrives
 * @tty: whether standard input is a terminal
 */
void lodge_termsig_start(int fd, bool tty);

/**
 * lodge_termsig_stop() - leave raw mode; signals kill as usual again
 */
void lodge_termsig_stop(void);

/**
 * lodge_termsig_raw() - whether the terminal is in raw mode now
 */
bool lodge_termsig_raw(void);

/**
 * lodge_termsig_last() - the signal that asked for the end
 *
 * Return: its number, or 0.
 */
int lodge_termsig_last(void);

#endif /* LODGE_TERMSIG_H */
