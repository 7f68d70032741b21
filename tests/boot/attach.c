// SPDX-License-Identifier: GPL-2.0
/*
 * A debugger that takes hold of a process and lets it go, as gdb's attach and
 * detach do; limits.sh has it do that to a launcher under its guest.
 *
 *	attach PID TIMES
 *
 * Each time, every thread is stopped, its registers are read, and it goes on.
 * Ends with 0 if the process was there all the time.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_THREADS	64

static int threads_of(const char *pid, int *threads)
{
	struct dirent *entry;
	char path[64];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir)) && n < MAX_THREADS)
		if (entry->d_name[0] != '.')
			threads[n++] = atoi(entry->d_name);
	closedir(dir);
	return n;
}

/* Stops a thread and reads where it is; 0, or -1 and errno. */
static int hold(int thread)
{
	struct user_regs_struct regs;
	int status;

	if (ptrace(PTRACE_ATTACH, thread, NULL, NULL) ||
	    waitpid(thread, &status, __WALL) != thread)
		return -1;
	/* Another stop may come before the one that was asked for. */
	while (WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP)
		if (ptrace(PTRACE_CONT, thread, NULL, NULL) ||
		    waitpid(thread, &status, __WALL) != thread)
			return -1;
	if (!WIFSTOPPED(status)) {
		errno = ESRCH;
		return -1;
	}
	return ptrace(PTRACE_GETREGS, thread, NULL, &regs) ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct timespec a_while = { .tv_nsec = 10000000 };
	int threads[MAX_THREADS], i, n, times;

	if (argc != 3)
		return 2;
	for (times = atoi(argv[2]); times; times--) {
		n = threads_of(argv[1], threads);
		for (i = 0; i < n; i++)
			if (hold(threads[i]))
				break;
		if (!n || i < n) {
			printf("%d more times: %s\n", times, strerror(errno));
			return 1;
		}
		for (i = 0; i < n; i++)
			ptrace(PTRACE_DETACH, threads[i], NULL, NULL);
		nanosleep(&a_while, NULL);	/* the guest's turn */
	}
	return 0;
}
