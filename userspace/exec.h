/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "lodge exec", for programs that open /dev/kvm by name. Called by main.c.
 * Read next: exec.c.
 */
#ifndef LODGE_EXEC_H
#define LODGE_EXEC_H

/**
 * lodge_exec() - run a command with the hypervisor under /dev/kvm
 * @argc: words in @argv
 * @argv: "exec", options, the command
 *
 * Return: an exit status; not at all when the command runs.
 */
int lodge_exec(int argc, char **argv);

#endif /* LODGE_EXEC_H */
