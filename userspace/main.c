// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's command line. Read next: machine.h, exec.h.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "err.h"
#include "exec.h"
#include "jail.h"
#include "machine.h"

#define MIB		(1024 * 1024ull)
#define DEFAULT_MEM	(512 * MIB)
/* Below this there is no room for a kernel and its tables. */
#define MIN_MEM		(16 * MIB)
#define MAX_MEM		(1ull << 45)

enum {
	OPT_INITRD = 0x100, OPT_KERNEL, OPT_APPEND, OPT_DISK, OPT_CPUS,
	OPT_MEM, OPT_NAME, OPT_DEVICE, OPT_NO_JAIL,
};

const char *argp_program_version = "lodge 0.1";

static const struct argp_option main_options[] = {
	{ .name = "kernel", .key = OPT_KERNEL, .arg = "BZIMAGE",
	  .doc = "Linux kernel to start" },
	{ .name = "initrd", .key = OPT_INITRD, .arg = "FILE",
	  .doc = "initial RAM disk" },
	{ .name = "append", .key = OPT_APPEND, .arg = "STRING",
	  .doc = "kernel command line (console=ttyS0)" },
	{ .name = "disk", .key = OPT_DISK, .arg = "PATH[,ro]",
	  .doc = "raw file or block device as a disk; may be repeated" },
	{ .name = "cpus", .key = OPT_CPUS, .arg = "N",
	  .doc = "number of CPUs (1)" },
	{ .name = "mem", .key = OPT_MEM, .arg = "SIZE",
	  .doc = "memory, in MiB or with a suffix K, M, G or T (512M)" },
	{ .name = "name", .key = OPT_NAME, .arg = "NAME",
	  .doc = "name of the guest (lodge)" },
	{ .name = "device", .key = OPT_DEVICE, .arg = "PATH",
	  .doc = "the hypervisor (/dev/lodge)" },
	{ .name = "no-jail", .key = OPT_NO_JAIL,
	  .doc = "keep rights that running the guest does not take" },
	{ 0 }
};

/* A size in bytes; 0 if it is none. Plain numbers are MiB. */
static uint64_t main_size(const char *text)
{
	static const char suffix[] = "KMGT";
	uint64_t unit = MIB, size;
	const char *p;
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	size = strtoull(text, &end, 10);
	if (errno)
		return 0;
	if (*end) {
		p = strchr(suffix, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (!p)
			return 0;
		unit = 1ull << (10 * (p - suffix + 1));
		end++;
		if (*end == 'i')
			end++;
		if (*end == 'B')
			end++;
	}
	if (*end || size > UINT64_MAX / unit)
		return 0;
	return size * unit;
}

static void main_mem(struct lodge_config *c, const char *arg,
		     struct argp_state *state)
{
	c->mem_size = main_size(arg);
	if (!c->mem_size)
		argp_error(state, "--mem: '%s' is not a size", arg);
	else if (c->mem_size < MIN_MEM || c->mem_size > MAX_MEM)
		argp_error(state, "--mem: %s is not between 16M and 32T", arg);
	else if (c->mem_size % 4096)
		argp_error(state, "--mem: %s is not a multiple of 4K", arg);
}

static void main_cpus(struct lodge_config *c, const char *arg,
		      struct argp_state *state)
{
	unsigned long n;
	char *end;

	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || !n || n > LODGE_MAX_CPUS)
		argp_error(state, "--cpus: '%s' is not a number from 1 to %d",
			   arg, LODGE_MAX_CPUS);
	c->cpus = n;
}

static void main_disk(struct lodge_config *c, char *arg,
		      struct argp_state *state)
{
	struct lodge_disk_config *d = &c->disk[c->nr_disks];
	char *comma = strrchr(arg, ',');

	if (c->nr_disks == LODGE_MAX_DISKS)
		argp_error(state, "--disk: there are more than %d",
			   LODGE_MAX_DISKS);
	if (comma && !strcmp(comma, ",ro")) {
		d->readonly = true;
		*comma = 0;
	}
	if (!*arg)
		argp_error(state, "--disk: no path");
	d->path = arg;
	c->nr_disks++;
}

static error_t main_parse(int key, char *arg, struct argp_state *state)
{
	struct lodge_config *c = state->input;

	switch (key) {
	case OPT_KERNEL:
		c->kernel = arg;
		return 0;
	case OPT_INITRD:
		c->initrd = arg;
		return 0;
	case OPT_APPEND:
		c->append = arg;
		return 0;
	case OPT_NAME:
		c->name = arg;
		return 0;
	case OPT_DEVICE:
		c->device = arg;
		return 0;
	case OPT_NO_JAIL:
		c->no_jail = true;
		return 0;
	case OPT_DISK:
		main_disk(c, arg, state);
		return 0;
	case OPT_CPUS:
		main_cpus(c, arg, state);
		return 0;
	case OPT_MEM:
		main_mem(c, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		/* The one argument is the command; "exec" is not parsed here. */
		if (state->arg_num || strcmp(arg, "run"))
			argp_error(state, "'%s' is not a command; 'run' and 'exec' are",
				   arg);
		return 0;
	case ARGP_KEY_END:
		if (!state->arg_num)
			argp_error(state, "no command; try 'lodge run'");
		if (!c->kernel)
			argp_error(state, "a kernel is needed (--kernel)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp main_argp = {
	.options = main_options,
	.parser = main_parse,
	.args_doc = "run\nexec [--] COMMAND [ARGUMENT...]",
	.doc = "Run a Linux guest on Lodge.\vCtrl-a x ends the guest, Ctrl-a h lists the other keys.\n"
	       "The status is 0 when the guest turns its power off, 1 on failure\n"
	       "and 2 for a bad command line.",
};

/* A descriptor opened later must not become the guest's console. */
static void main_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct lodge_config config = {
		.append = "console=ttyS0",
		.name = "lodge",
		.device = "/dev/lodge",
		.mem_size = DEFAULT_MEM,
		.cpus = 1,
	};

	main_stdio();
	argp_err_exit_status = LODGE_STATUS_USAGE;
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return lodge_exec(argc - 1, argv + 1);
	if (argp_parse(&main_argp, argc, argv, 0, NULL, &config))
		return LODGE_STATUS_USAGE;
	lodge_jail_note();
	prctl(PR_SET_NAME, config.name);
	return lodge_machine_run(&config);
}
