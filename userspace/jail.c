// SPDX-License-Identifier: GPL-2.0
/*
 * The jail; see jail.h for who calls this. jail_calls[] is the whole of what
 * each kind of thread may ask of the kernel; anything else is a SIGSYS, which
 * termsig.c answers by restoring the terminal and dying of it.
 * Read next: docs/SECURITY.md.
 */
#include "jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define JAIL_FDS	1024
/* Newer C libraries' tcgetattr() and tcsetattr(); no header has them for us. */
#define JAIL_TCGETS2	0x802c542a
#define JAIL_TCSETS2	0x402c542b
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define LOOP	(1 << LODGE_JAIL_LOOP)
#define VCPU	(1 << LODGE_JAIL_VCPU)
#define WORKER	(1 << LODGE_JAIL_WORKER)
#define ALL	(LOOP | VCPU | WORKER)

static bool jail_inherited[JAIL_FDS];
/* Built before the door is shut; loading one is all that a thread does. */
static scmp_filter_ctx jail_filter[LODGE_JAIL_KINDS];
static pthread_mutex_t jail_lock = PTHREAD_MUTEX_INITIALIZER;

#define CALL(who, name)		{ who, SCMP_SYS(name), 0, {} }
/* ... with an argument that has a value under a mask. */
#define CALL_ARG(who, name, arg, mask, value)				\
	{ who, SCMP_SYS(name), 1,					\
	  { arg, SCMP_CMP_MASKED_EQ, mask, value } }
#define WHOLE		UINT32_MAX

static const struct jail_call {
	unsigned int who;
	int nr;
	unsigned int args;
	struct scmp_arg_cmp arg;
} jail_calls[] = {
	/* Threads, and the C library's upkeep of them. */
	CALL(ALL, futex), CALL(ALL, exit), CALL(ALL, exit_group),
	CALL(ALL, restart_syscall), CALL(ALL, rt_sigreturn),
	CALL(ALL, rt_sigprocmask), CALL(ALL, rt_sigaction),
	CALL(ALL, sched_yield), CALL(ALL, getpid), CALL(ALL, gettid),
	CALL(ALL, clock_gettime), CALL(ALL, rseq),
	CALL(ALL, set_robust_list), CALL(ALL, sched_getaffinity),
	CALL_ARG(LOOP, clone, 0, CLONE_THREAD | CLONE_VM,
		 CLONE_THREAD | CLONE_VM),
	CALL_ARG(LOOP, prctl, 0, WHOLE, PR_SET_NAME),
	CALL(LOOP, seccomp),

	/* Memory, none of it code. */
	CALL(ALL, brk), CALL(ALL, munmap), CALL(ALL, madvise),
	CALL_ARG(ALL, mmap, 2, PROT_EXEC, 0),
	CALL_ARG(ALL, mprotect, 2, PROT_EXEC, 0),
	CALL(ALL, mremap), CALL(ALL, getrandom),

	/* The terminal and events. */
	CALL(ALL, write), CALL(ALL, writev), CALL(LOOP | VCPU, read), CALL(LOOP | VCPU, poll),
	CALL(LOOP | VCPU, epoll_ctl), CALL(LOOP, epoll_wait),
	CALL(LOOP, epoll_pwait), CALL(LOOP | VCPU, eventfd2),
	CALL(LOOP | VCPU, timerfd_settime), CALL(LOOP | VCPU, close),
	/* Whichever thread dies puts the terminal back. */
	CALL_ARG(ALL, ioctl, 1, WHOLE, TCGETS),
	CALL_ARG(ALL, ioctl, 1, WHOLE, TCSETS),
	CALL_ARG(ALL, ioctl, 1, WHOLE, JAIL_TCGETS2),
	CALL_ARG(ALL, ioctl, 1, WHOLE, JAIL_TCSETS2),

	/* The hypervisor: an ioctl's second byte says whose it is. */
	CALL_ARG(LOOP | VCPU, ioctl, 1, 0xff00, KVMIO << 8),

	/* Images: kernel and initrd for each start, disks. */
	CALL(LOOP, lseek), CALL(LOOP, pread64), CALL(LOOP, fstat),
	CALL_ARG(LOOP, newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH),
	CALL(LOOP, io_uring_enter),
	CALL(LOOP | WORKER, preadv), CALL(LOOP | WORKER, preadv2),
	CALL(LOOP | WORKER, pwritev), CALL(LOOP | WORKER, pwritev2),
	CALL(LOOP | WORKER, pwrite64), CALL(LOOP | WORKER, fallocate),
	CALL(LOOP | WORKER, fdatasync),
};

/* What the C library tries, and does without when it is told why not. */
static const struct {
	int nr, err;
} jail_refused[] = {
	{ SCMP_SYS(clone3), ENOSYS },	/* its flags can't be looked at */
	{ SCMP_SYS(open), EACCES },
	{ SCMP_SYS(openat), EACCES },
};

static void jail_close_high(void)
{
	const struct dirent *e;
	DIR *dir;
	int fd;

	if (!syscall(SYS_close_range, JAIL_FDS, ~0u, 0))
		return;
	/* Before Linux 5.9 */
	dir = opendir("/proc/self/fd");
	while (dir && (e = readdir(dir))) {
		fd = atoi(e->d_name);
		if (fd >= JAIL_FDS && fd != dirfd(dir))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

void lodge_jail_note(void)
{
	int fd;

	for (fd = STDERR_FILENO + 1; fd < JAIL_FDS; fd++)
		jail_inherited[fd] = fcntl(fd, F_GETFD) >= 0;
	jail_close_high();
}

static void jail_descriptors(void)
{
	int fd;

	for (fd = STDERR_FILENO + 1; fd < JAIL_FDS; fd++)
		if (jail_inherited[fd])
			close(fd);
}

static int jail_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

/* Rights that older headers do not name: each version has a few more. */
static uint64_t jail_landlock_rights(long abi)
{
	static const unsigned int rights[] = { 0, 13, 14, 15, 15, 16 };
	size_t last = ARRAY_SIZE(rights) - 1;

	return (1ull << rights[(size_t)abi < last ? (size_t)abi : last]) - 1;
}

int lodge_jail_files(void)
{
	struct landlock_ruleset_attr attr = { 0 };
	long abi, fd;
	int ret = 0;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		      LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return -EOPNOTSUPP;
	attr.handled_access_fs = jail_landlock_rights(abi);
	fd = syscall(SYS_landlock_create_ruleset, &attr,
		     sizeof(attr.handled_access_fs), 0);
	if (fd < 0)
		return -errno;
	/* No rule: nothing below any folder is allowed. */
	if (syscall(SYS_landlock_restrict_self, fd, 0))
		ret = -errno;
	close(fd);
	return ret;
}

static int jail_filter_fill(scmp_filter_ctx filter, enum lodge_jail_kind kind)
{
	const struct scmp_arg_cmp self = {
		0, SCMP_CMP_MASKED_EQ, WHOLE, getpid(),
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(jail_calls) && !ret; i++) {
		const struct jail_call *c = &jail_calls[i];

		if (c->who & 1u << kind)
			ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
						     c->nr, c->args, &c->arg);
	}
	for (i = 0; i < ARRAY_SIZE(jail_refused) && !ret; i++)
		ret = seccomp_rule_add(filter,
				       SCMP_ACT_ERRNO(jail_refused[i].err),
				       jail_refused[i].nr, 0);
	/* Threads of one's own may be sent signals, other processes none. */
	if (!ret)
		ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
					     SCMP_SYS(tgkill), 1, &self);
	return ret;
}

static int jail_filters_build(void)
{
	int kind, ret = 0;

	for (kind = 0; kind < LODGE_JAIL_KINDS && !ret; kind++) {
		jail_filter[kind] = seccomp_init(SCMP_ACT_TRAP);
		if (!jail_filter[kind])
			return -ENOMEM;
		ret = seccomp_attr_set(jail_filter[kind], SCMP_FLTATR_CTL_NNP,
				       0);
		if (!ret)
			ret = jail_filter_fill(jail_filter[kind], kind);
	}
	return ret;
}

int lodge_jail_thread(enum lodge_jail_kind kind)
{
	int ret;

	if (!jail_filter[kind])
		return 0;
	pthread_mutex_lock(&jail_lock);
	ret = seccomp_load(jail_filter[kind]);
	pthread_mutex_unlock(&jail_lock);
	return ret;
}

int lodge_jail_enter(void)
{
	int ret;

	tzset();		/* reads a file, once */
	jail_descriptors();
	ret = jail_capabilities();
	if (!ret && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = -errno;
	if (!ret)
		ret = lodge_jail_files();
	if (ret == -EOPNOTSUPP)
		ret = 0;
	if (!ret)
		ret = jail_filters_build();
	if (!ret)
		ret = lodge_jail_thread(LODGE_JAIL_LOOP);
	return ret;
}
