// SPDX-License-Identifier: GPL-2.0
/*
 * Breaks each rule of the launcher's jail, and sees it stopped: in a process of
 * its own, which does first what is allowed. Linked with the launcher's own
 * jail.c; run by inside.sh in an emulated host.
 *
 *	jail			prints KTAP
 *	jail as UID COMMAND...	runs a command as a user without rights
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"

/* What the launcher's files want of each other, and this test has not. */
#include "io/uring_disk.c"

#define INHERITED	100		/* a descriptor from outside */

static const char * const kinds[] = { "loop", "vcpu", "worker" };
static unsigned int number, failed;

static void result(bool good, const char *kind, const char *what)
{
	number++;
	failed += !good;
	printf("%sok %u %s: %s\n", good ? "" : "not ", number, kind, what);
	fflush(stdout);
}

/* --- what is forbidden: each ends the process, or gives an error ------------ */

static long do_execve(void)
{
	char *none = NULL;

	return execve("/bin/sh", &none, &none);
}

static long do_fork(void)
{
	/* Raw: the C library's would want more calls. */
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long do_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long do_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long do_kill(void)
{
	return kill(getppid(), 0);
}

static long do_tgkill(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long do_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static long do_unlink(void)
{
	return unlink("/tmp/nothing");
}

static long do_open(void)
{
	return open("/proc/self/status", O_RDONLY);
}

static long do_open_old(void)
{
	return syscall(SYS_open, "/proc/self/status", O_RDONLY);
}

static long do_openat2(void)
{
	static const uint64_t how[3];

	return syscall(SYS_openat2, AT_FDCWD, "/proc/self/status", how,
		       sizeof(how));
}

static long do_map_code(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long do_make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long do_type_ahead(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static long do_uring(void)
{
	return syscall(SYS_io_uring_setup, 4, NULL);
}

static long do_uring_register(void)
{
	return syscall(SYS_io_uring_register, 0, 0, NULL, 0);
}

static long do_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long do_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static long do_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

static long do_read_memory(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long do_module(void)
{
	return syscall(SYS_init_module, NULL, 0, "");
}

static long do_handle(void)
{
	return syscall(SYS_open_by_handle_at, 0, NULL, 0);
}

static long do_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0);
}

static long do_thread(void)
{
	return syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0,
		       0, 0);
}

static long do_pread(void)
{
	char c;

	return pread(STDIN_FILENO, &c, 1, 0);
}

static long do_pwrite(void)
{
	return pwrite(STDOUT_FILENO, "", 0, 0);
}

static long do_enter(void)
{
	return syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0);
}

static long do_seccomp(void)
{
	return syscall(SYS_seccomp, 0, 0, NULL);
}

static long do_kvm(void)
{
	return ioctl(STDIN_FILENO, 0xae01, 0);		/* KVM_CREATE_VM */
}

static long do_read(void)
{
	char c;

	return read(STDIN_FILENO, &c, 0);
}

static long do_inherited(void)
{
	return write(INHERITED, "", 1);
}

#define LOOP	1
#define VCPU	2
#define WORKER	4
#define ALL	7
#define DIES	0			/* or the errno it gets */

static const struct rule {
	unsigned int kinds;
	const char *name;
	long (*fn)(void);
	int err;
} rules[] = {
	{ ALL, "no other program", do_execve, DIES },
	{ ALL, "no other process", do_fork, DIES },
	{ ALL, "no socket", do_socket, DIES },
	{ ALL, "no process is traced", do_ptrace, DIES },
	{ ALL, "no memory of others is read", do_read_memory, DIES },
	{ ALL, "no signal to others", do_kill, DIES },
	{ ALL, "no signal to others' threads", do_tgkill, DIES },
	{ ALL, "no mount", do_mount, DIES },
	{ ALL, "no file is removed", do_unlink, DIES },
	{ ALL, "no file is opened", do_open, EACCES },
	{ ALL, "no file is opened by open(2)", do_open_old, EACCES },
	{ ALL, "no file is opened by openat2(2)", do_openat2, DIES },
	{ ALL, "no file is opened by handle", do_handle, DIES },
	{ ALL, "no code is mapped", do_map_code, DIES },
	{ ALL, "no data becomes code", do_make_code, DIES },
	{ ALL, "nothing is typed on the terminal", do_type_ahead, DIES },
	{ ALL, "no new io_uring", do_uring, DIES },
	{ ALL, "no io_uring gets more rights", do_uring_register, DIES },
	{ ALL, "no BPF", do_bpf, DIES },
	{ ALL, "no namespace", do_unshare, DIES },
	{ ALL, "no other process state", do_dumpable, DIES },
	{ ALL, "no kernel module", do_module, DIES },
	{ ALL, "no clone3(2), which hides its flags", do_clone3, ENOSYS },
	{ ALL, "nothing that was inherited", do_inherited, EBADF },
	{ VCPU | WORKER, "no thread", do_thread, DIES },
	{ VCPU | WORKER, "no filter", do_seccomp, DIES },
	{ VCPU | WORKER, "no io_uring is driven", do_enter, DIES },
	{ VCPU | WORKER, "no image is read", do_pread, DIES },
	{ VCPU, "no image is written", do_pwrite, DIES },
	{ WORKER, "no hypervisor", do_kvm, DIES },
	{ WORKER, "nothing is read but images", do_read, DIES },
};

/* --- and what is not -------------------------------------------------------- */

static void *nothing(void *arg)
{
	return arg;
}

/* What every kind may do, and threads of the first one. */
static bool works(enum lodge_jail_kind kind, int event)
{
	const uint64_t one = 1;
	pthread_t thread;
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p, 1 << 20) || getpid() <= 0 ||
	    write(event, &one, sizeof(one)) != sizeof(one))
		return false;
	free(malloc(1 << 20));
	if (kind != LODGE_JAIL_WORKER &&
	    (ioctl(event, 0xae80, 0) != -1 || errno != ENOTTY))
		return false;
	return kind != LODGE_JAIL_LOOP ||
	       (!pthread_create(&thread, NULL, nothing, NULL) &&
		!pthread_join(thread, NULL));
}

/* Statuses of a child: told apart from what anything else ends with. */
enum { CHILD_STOPPED = 40, CHILD_NO_JAIL, CHILD_USELESS, CHILD_WENT_ON };

static int break_rule(const struct rule *rule, enum lodge_jail_kind kind)
{
	int event = eventfd(0, EFD_CLOEXEC);
	long r;

	if (lodge_jail_enter() ||
	    (kind != LODGE_JAIL_LOOP && lodge_jail_thread(kind)))
		return CHILD_NO_JAIL;
	if (!works(kind, event))
		return CHILD_USELESS;
	errno = 0;
	r = rule->fn();
	return r == -1 && rule->err && errno == rule->err ? CHILD_STOPPED :
							    CHILD_WENT_ON;
}

static void test_rule(const struct rule *rule, enum lodge_jail_kind kind)
{
	int status = 0;
	pid_t pid = fork();
	bool good;

	if (!pid)
		_exit(break_rule(rule, kind));
	waitpid(pid, &status, 0);
	good = rule->err ? WIFEXITED(status) &&
			   WEXITSTATUS(status) == CHILD_STOPPED :
			   WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	if (!good)
		printf("# ended with %#x\n", status);
	result(good, kinds[kind], rule->name);
}

/* Without the filter: the file system is shut all the same. */
static void test_files(void)
{
	pid_t pid;
	int status = 0, r;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		r = lodge_jail_files();
		if (r == -EOPNOTSUPP)
			_exit(77);
		if (r)
			_exit(CHILD_NO_JAIL);
		if (do_open() >= 0 || errno != EACCES)
			_exit(CHILD_WENT_ON);
		if (open("/tmp/new", O_CREAT | O_RDWR, 0600) >= 0 ||
		    errno != EACCES || mkdir("/tmp/dir", 0700) != -1)
			_exit(CHILD_WENT_ON);
		_exit(CHILD_STOPPED);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		number++;
		printf("ok %u landlock: the file system is shut # SKIP this kernel has no Landlock\n",
		       number);
		return;
	}
	result(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_STOPPED,
	       "landlock", "the file system is shut");
}

/* High descriptors are closed at once, also by a kernel without close_range(). */
static void test_high(bool close_range)
{
	const int high[] = { 1024, 1500, 4000 };
	const struct rlimit most = { 4096, 4096 };
	scmp_filter_ctx filter;
	int status = 0, open = 0;
	unsigned int i;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_NOFILE, &most);
		for (i = 0; i < sizeof(high) / sizeof(high[0]); i++)
			if (dup2(STDOUT_FILENO, high[i]) != high[i])
				_exit(CHILD_USELESS);
		filter = seccomp_init(SCMP_ACT_ALLOW);
		if (!close_range &&
		    (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
				      SCMP_SYS(close_range), 0) ||
		     seccomp_load(filter)))
			_exit(CHILD_NO_JAIL);
		lodge_jail_note();
		for (i = 0; i < sizeof(high) / sizeof(high[0]); i++)
			open += fcntl(high[i], F_GETFD) >= 0;
		_exit(open || fcntl(INHERITED, F_GETFD) < 0 ? CHILD_WENT_ON :
							     CHILD_STOPPED);
	}
	waitpid(pid, &status, 0);
	result(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_STOPPED,
	       close_range ? "close_range" : "no close_range",
	       "high descriptors are closed");
}

/* A ring reads, writes and flushes, and opens nothing. */
static void test_ring(void)
{
	int event = eventfd(0, EFD_CLOEXEC);
	struct lodge_uring *u = lodge_uring_new(event);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char data[8] = "";
	struct iovec iov = { data, 1 };
	int fd = open("/dev/zero", O_RDWR), opened = 0, read = -1;

	if (!u) {
		result(false, "ring", "there is one");
		return;
	}
	sqe = io_uring_get_sqe(&u->ring);
	io_uring_prep_openat(sqe, AT_FDCWD, "/proc/self/status", O_RDONLY, 0);
	io_uring_submit(&u->ring);
	if (!io_uring_wait_cqe(&u->ring, &cqe)) {
		opened = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
	}
	result(opened == -EACCES, "ring", "no file is opened");
	sqe = io_uring_get_sqe(&u->ring);
	io_uring_prep_readv(sqe, fd, &iov, 1, 0);
	io_uring_submit(&u->ring);
	if (!io_uring_wait_cqe(&u->ring, &cqe))
		read = cqe->res;
	result(read == 1, "ring", "images are read");
	result(io_uring_register_eventfd(&u->ring, event) == -EACCES, "ring",
	       "it gets no more rights");
	lodge_uring_free(u);
}

static int run_as(char **argv)
{
	unsigned int uid = atoi(argv[0]);

	if (setgroups(0, NULL) || setgid(uid) || setuid(uid))
		perror("setuid");
	else
		execvp(argv[1], argv + 1);
	return 127;
}

int main(int argc, char **argv)
{
	unsigned int i, k, plan = 6;

	if (argc > 3 && !strcmp(argv[1], "as"))
		return run_as(argv + 2);
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		plan += __builtin_popcount(rules[i].kinds);
	printf("TAP version 13\n1..%u\n", plan);
	dup2(STDOUT_FILENO, INHERITED);
	lodge_jail_note();
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		for (k = 0; k < LODGE_JAIL_KINDS; k++)
			if (rules[i].kinds & 1 << k) {
				fflush(stdout);
				test_rule(&rules[i], k);
			}
	test_files();
	test_high(true);
	test_high(false);
	test_ring();
	return failed != 0;
}
