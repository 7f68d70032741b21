// SPDX-License-Identifier: GPL-2.0
/*
 * "lodge exec": runs a command that finds the hypervisor under /dev/kvm.
 *
 * In a mount namespace of its own, so that nobody else sees it; who may not
 * mount gets a user namespace, too, in which it is who it was. Where there is
 * no /dev/kvm to mount on, the command gets a /dev made anew of what is in it.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "exec.h"

#define KVM_PATH	"/dev/kvm"

/* What a shell gives for a command that can't be started. */
#define STATUS_NOT_RUN		126
#define STATUS_NOT_FOUND	127

struct exec_config {
	const char *device;
	char **command;
};

enum { OPT_DEVICE = 0x100 };

static const struct argp_option exec_options[] = {
	{ .name = "device", .key = OPT_DEVICE, .arg = "PATH",
	  .doc = "what the command finds there (/dev/lodge)" },
	{ 0 }
};

static error_t exec_parse(int key, char *arg, struct argp_state *state)
{
	struct exec_config *c = state->input;

	switch (key) {
	case OPT_DEVICE:
		c->device = arg;
		return 0;
	case ARGP_KEY_ARG:
		/* The rest is the command's, whatever it looks like. */
		c->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command to run");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp exec_argp = {
	.options = exec_options,
	.parser = exec_parse,
	.args_doc = "[--] COMMAND [ARGUMENT...]",
	.doc = "Run a command that finds the hypervisor under /dev/kvm.\vNobody else sees that: it is in a mount namespace of its own, and for\n"
	       "users other than root in a user namespace. The status is the command's,\n"
	       "127 if it is not found, 126 if it can't be run, 1 on other failures\n"
	       "and 2 for a bad command line.",
};

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* In the new user namespace everyone is who he was outside. */
static int exec_identity(uid_t uid, gid_t gid)
{
	char line[64];

	snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	if (write_file("/proc/self/uid_map", line))
		return -1;
	/* Before groups can be mapped, giving them up must be forbidden. */
	if (write_file("/proc/self/setgroups", "deny"))
		return -1;
	snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", line);
}

static int exec_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS)) {
		if (errno != EPERM) {
			lodge_err("exec: no mount namespace: %m");
			return -1;
		}
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
			lodge_err("exec: no user namespace, which users other than root need: %m");
			return -1;
		}
		if (exec_identity(uid, gid)) {
			lodge_err("exec: the user namespace does not take user %u and group %u: %m",
				  uid, gid);
			return -1;
		}
	}
	/* What others mount later is seen here, but not the other way round. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL)) {
		lodge_err("exec: the mounts can't be made the command's own: %m");
		return -1;
	}
	return 0;
}

/* One entry of the old /dev into the new one, which hides it. */
static int dev_entry(int old, const char *name)
{
	char from[64 + NAME_MAX], to[16 + NAME_MAX], link[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	if (fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -1;
	snprintf(to, sizeof(to), "/dev/%s", name);
	snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", old, name);
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(old, name, link, sizeof(link) - 1);
		if (n < 0)
			return -1;
		link[n] = 0;
		return symlink(link, to);
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(to, 0755))
			return -1;
		return mount(from, to, NULL, MS_BIND | MS_REC, NULL);
	}
	fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	close(fd);
	return mount(from, to, NULL, MS_BIND, NULL);
}

/* A new /dev, with all of the old one, and with a file to mount on. */
static int dev_make(void)
{
	int old = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	struct dirent *e;
	DIR *dir = old < 0 ? NULL : fdopendir(old);

	if (!dir || mount("lodge-exec", "/dev", "tmpfs", MS_NOSUID, "mode=755")) {
		lodge_err("exec: there is no " KVM_PATH ", and no new /dev can be made: %m");
		return -1;
	}
	while (!err && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		err = dev_entry(old, e->d_name);
		if (err)
			lodge_err("exec: /dev/%s can't be had in the new /dev: %m",
				  e->d_name);
	}
	closedir(dir);
	if (err)
		return -1;
	old = open(KVM_PATH, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (old < 0) {
		lodge_err("exec: " KVM_PATH " can't be made in the new /dev: %m");
		return -1;
	}
	close(old);
	return 0;
}

static int exec_mount(const char *device)
{
	struct stat st;
	char path[32];
	int fd, err;

	if (stat(device, &st)) {
		lodge_err("exec: %s: %m", device);
		return -1;
	}
	if (!S_ISCHR(st.st_mode)) {
		lodge_err("exec: %s is not a device", device);
		return -1;
	}
	if (exec_namespace())
		return -1;
	/* By a descriptor, since a new /dev would hide the path. */
	fd = open(device, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		lodge_err("exec: %s: %m", device);
		return -1;
	}
	if (access(KVM_PATH, F_OK) && errno == ENOENT && dev_make())
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = mount(path, KVM_PATH, NULL, MS_BIND, NULL);
	if (err)
		lodge_err("exec: %s can't be mounted on " KVM_PATH ": %m", device);
	close(fd);
	return err;
}

int lodge_exec(int argc, char **argv)
{
	struct exec_config c = { .device = "/dev/lodge" };
	char name[] = "lodge exec";
	int err;

	argv[0] = name;
	if (argp_parse(&exec_argp, argc, argv, ARGP_IN_ORDER, NULL, &c))
		return LODGE_STATUS_USAGE;
	if (exec_mount(c.device))
		return LODGE_STATUS_FAILED;
	execvp(c.command[0], c.command);
	err = errno;
	lodge_err("exec: %s: %s", c.command[0], strerror(err));
	return err == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
}
