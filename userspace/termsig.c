// SPDX-License-Identifier: GPL-2.0
/*
 * Raw mode and signals; see termsig.h. Everything the handlers call is on
 * POSIX's list of async-signal-safe functions.
 * Read next: term.c.
 */
#include "termsig.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "loop.h"

static struct termios termsig_saved, termsig_rawmode;
static volatile sig_atomic_t termsig_is_raw, termsig_signal;
static int termsig_fd = -1;

/* The first asks politely; a second one does not wait for a stuck loop. */
static const int termsig_ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
static const int termsig_crashes[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGXCPU, SIGXFSZ,
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static void termsig_restore(void)
{
	if (!termsig_is_raw)
		return;
	termsig_is_raw = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &termsig_saved);
}

static void termsig_die(int sig)
{
	termsig_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void termsig_end(int sig)
{
	if (termsig_signal) {
		termsig_die(sig);
		return;
	}
	termsig_signal = sig;
	lodge_event_set(termsig_fd);
}

static void termsig_pause(int sig)
{
	bool was_raw = termsig_is_raw;

	(void)sig;
	termsig_restore();
	raise(SIGSTOP);
	if (was_raw) {
		tcsetattr(STDIN_FILENO, TCSANOW, &termsig_rawmode);
		termsig_is_raw = 1;
	}
}

static void termsig_catch(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	/* What the caller had ignored, such as SIGHUP by nohup, stays so. */
	if (handler == termsig_end) {
		struct sigaction old;

		sigaction(sig, NULL, &old);
		if (old.sa_handler == SIG_IGN)
			return;
	}
	sigfillset(&sa.sa_mask);
	if (handler == termsig_die || handler == termsig_end) {
		sigdelset(&sa.sa_mask, sig);
		sa.sa_flags |= SA_NODEFER;
	}
	sigaction(sig, &sa, NULL);
}

void lodge_termsig_start(int fd, bool tty)
{
	static bool once;
	size_t i;

	termsig_fd = fd;
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < ARRAY_SIZE(termsig_ends); i++)
		termsig_catch(termsig_ends[i], termsig_end);
	for (i = 0; i < ARRAY_SIZE(termsig_crashes); i++)
		termsig_catch(termsig_crashes[i], termsig_die);
	if (!once)
		atexit(termsig_restore);
	once = true;

	if (!tty || tcgetattr(STDIN_FILENO, &termsig_saved))
		return;
	termsig_rawmode = termsig_saved;
	cfmakeraw(&termsig_rawmode);
	termsig_catch(SIGTSTP, termsig_pause);
	termsig_is_raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &termsig_rawmode))
		termsig_is_raw = 0;
}

void lodge_termsig_stop(void)
{
	size_t i;

	termsig_restore();
	for (i = 0; i < ARRAY_SIZE(termsig_ends); i++)
		signal(termsig_ends[i], SIG_DFL);
	signal(SIGTSTP, SIG_DFL);
}

bool lodge_termsig_raw(void)
{
	return termsig_is_raw;
}

int lodge_termsig_last(void)
{
	return termsig_signal;
}
