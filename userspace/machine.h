/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine: everything a guest has, wired together.
 *
 * Called by main.c. Read next: machine.c.
 */
#ifndef LODGE_MACHINE_H
#define LODGE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define LODGE_MAX_CPUS	64
#define LODGE_MAX_DISKS	24

struct lodge_disk_config {
	const char *path;
	bool readonly;
};

/* What the command line asks for. */
struct lodge_config {
	const char *kernel;
	const char *initrd;		/* NULL: none */
	const char *append;
	const char *name;
	const char *device;
	uint64_t mem_size;
	unsigned int cpus;
	struct lodge_disk_config disk[LODGE_MAX_DISKS];
	unsigned int nr_disks;
	bool no_jail;
};

/**
 * lodge_machine_run() - build the machine and run it to its end
 * @config: what it is made of
 *
 * A reset builds it anew. Errors are told on standard error.
 *
 * Return: exit status of the process; 128 and more: the number of the signal
 * that ended it, plus 128.
 */
int lodge_machine_run(const struct lodge_config *config);

#endif /* LODGE_MACHINE_H */
