/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The launcher's jail: once everything is open, the process gives away what it
 * does not need any more. A guest that takes over a device model finds itself
 * with the guest's own disks and nothing else.
 *
 * machine.c enters it, vcpu.c and io/workers.c take their threads' rest away.
 * Read next: jail.c, and docs/SECURITY.md for what it is to hold.
 */
#ifndef LODGE_JAIL_H
#define LODGE_JAIL_H

/* Kinds of threads, each with a list of system calls of its own. */
enum lodge_jail_kind {
	LODGE_JAIL_LOOP,	/* the first one: builds machines, runs the loop */
	LODGE_JAIL_VCPU,
	LODGE_JAIL_WORKER,	/* disk operations without io_uring */
	LODGE_JAIL_KINDS,
};

/**
 * lodge_jail_note() - remember which descriptors came from outside
 *
 * To be called before anything is opened. Those above 1023 are closed at once.
 */
void lodge_jail_note(void);

/**
 * lodge_jail_enter() - everything is open: shut the door
 *
 * Closes what was inherited but the standard three, drops capabilities, forgoes
 * new privileges, shuts the file system where the kernel has Landlock, and
 * restricts system calls to those of LODGE_JAIL_LOOP. There is no way back.
 *
 * Return: 0 or -errno, after which the process is to end.
 */
int lodge_jail_enter(void);

/**
 * lodge_jail_thread() - take more away from the thread that calls
 * @kind: what it is
 *
 * Does nothing if the process is not in the jail.
 *
 * Return: 0 or -errno, after which the thread must do nothing for a guest.
 */
int lodge_jail_thread(enum lodge_jail_kind kind);

/**
 * lodge_jail_files() - the part of lodge_jail_enter() that shuts the file system
 *
 * Return: 0, -EOPNOTSUPP if the kernel has no Landlock, or another -errno.
 */
int lodge_jail_files(void);

#endif /* LODGE_JAIL_H */
