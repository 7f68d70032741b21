// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal: keys, and that it comes back however the process ends. Each
 * end is that of a child on a pseudo-terminal of its own.
 * Called by main.c. Read next: userspace/term.h.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../ktap.h"
#include "term.h"
#include "tests.h"

void test_term_keys(void)
{
	bool escaped = false;

	CHECK_EQ(lodge_term_key(&escaped, 'x'), LODGE_KEY_PASS);
	CHECK_EQ(lodge_term_key(&escaped, 1), LODGE_KEY_DROP);
	CHECK_EQ(lodge_term_key(&escaped, 'x'), LODGE_KEY_QUIT);
	CHECK_EQ(lodge_term_key(&escaped, 'h'), LODGE_KEY_PASS);
	CHECK_EQ(lodge_term_key(&escaped, 1), LODGE_KEY_DROP);
	CHECK_EQ(lodge_term_key(&escaped, 1), LODGE_KEY_PASS);
	CHECK_EQ(lodge_term_key(&escaped, 'x'), LODGE_KEY_PASS);
	CHECK_EQ(lodge_term_key(&escaped, 1), LODGE_KEY_DROP);
	CHECK_EQ(lodge_term_key(&escaped, 'h'), LODGE_KEY_HELP);
	CHECK_EQ(lodge_term_key(&escaped, 1), LODGE_KEY_DROP);
	CHECK_EQ(lodge_term_key(&escaped, 'q'), LODGE_KEY_DROP);
	CHECK_EQ(lodge_term_key(&escaped, 'q'), LODGE_KEY_PASS);
}

static struct lodge_loop loop;
static char typed[64];
static size_t nr_typed, enough;

/* A guest that takes a byte at a time and says when it wants the next. */
static size_t take(void *ctx, const uint8_t *data, size_t len)
{
	(void)ctx;
	if (!len || nr_typed == sizeof(typed))
		return 0;
	typed[nr_typed++] = *data;
	if (nr_typed == enough)
		loop.stop = true;
	lodge_term_wanted();
	return 1;
}

static void quit(void *ctx, int sig)
{
	*(int *)ctx = sig ? sig : -1;
	loop.stop = true;
}

static const struct lodge_term_ops ops = { take, quit };

/* The child: in raw mode, then whatever ends it. */
static void child(void (*end)(void))
{
	static int why;

	if (lodge_loop_init(&loop) || lodge_term_start(&loop, &ops, &why))
		_exit(99);
	if (write(STDOUT_FILENO, "!", 1) != 1)
		_exit(98);
	end();
	lodge_loop_run(&loop);
	lodge_term_stop();
	_exit(why == -1 ? 42 : 128 + why);
}

static bool is_raw(int fd)
{
	struct termios t;

	return !tcgetattr(fd, &t) && !(t.c_lflag & (ICANON | ECHO));
}

/* Read until the byte, which is the last the child writes for now. */
static bool wait_for(int fd, char byte)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c = 0;

	while (c != byte && poll(&p, 1, 60000) > 0)
		if (read(fd, &c, 1) != 1)
			return false;
	return c == byte;
}

/* Returns the child's status; @type is typed, @sig sent to it. */
static int ended(void (*end)(void), const char *type, int sig)
{
	int pty, status = -1;
	pid_t pid;

	fflush(stdout);
	pid = forkpty(&pty, NULL, NULL, NULL);
	if (!pid)
		child(end);
	CHECK(wait_for(pty, '!'));
	if (type || sig)
		CHECK(is_raw(pty));
	if (type)
		CHECK_EQ(write(pty, type, strlen(type)), strlen(type));
	if (sig)
		kill(pid, sig);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(!is_raw(pty));
	close(pty);
	return status;
}

static void nothing(void)
{
}

static void crash(void)
{
	raise(SIGSEGV);
}

static void aborted(void)
{
	raise(SIGABRT);
}

static void plain_exit(void)
{
	exit(7);
}

static void stuck(void)
{
	/* A loop that serves nobody: the second signal is not asked twice. */
	raise(SIGTERM);
	raise(SIGTERM);
}

void test_term_restore(void)
{
	int status;

	status = ended(nothing, "abc\1x", 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	status = ended(nothing, NULL, SIGTERM);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
	status = ended(nothing, NULL, SIGHUP);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGHUP);
	status = ended(crash, NULL, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = ended(aborted, NULL, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = ended(stuck, NULL, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	status = ended(plain_exit, NULL, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* Runs the loop in a child on pipes; returns what it printed. */
static char *piped(const char *input, void (*run)(void))
{
	static char text[20000];
	int in[2], out[2];
	ssize_t n;
	size_t len = 0;
	pid_t pid;

	if (pipe(in) || pipe(out))
		return "";
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		run();
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	CHECK_EQ(write(in[1], input, strlen(input)), strlen(input));
	close(in[1]);
	while ((n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	close(out[0]);
	waitpid(pid, NULL, 0);
	return text;
}

static void echo_input(void)
{
	static int why;
	size_t i;

	enough = 3;
	if (lodge_loop_init(&loop) || lodge_term_start(&loop, &ops, &why))
		return;
	lodge_loop_run(&loop);
	for (i = 0; i < nr_typed; i++)
		lodge_term_write(typed[i]);
	lodge_term_stop();
}

/* Ended by Ctrl-a x though nobody takes what was typed before. */
static void quit_input(void)
{
	static int why;

	nr_typed = sizeof(typed);
	if (lodge_loop_init(&loop) || lodge_term_start(&loop, &ops, &why))
		return;
	lodge_loop_run(&loop);
	lodge_term_write(why == -1 ? 'Q' : '?');
	lodge_term_stop();
}

static void much_output(void)
{
	static int why;
	int i;

	if (lodge_loop_init(&loop) || lodge_term_start(&loop, &ops, &why))
		return;
	for (i = 0; i < 8000; i++)
		lodge_term_write('a' + i % 26);
	lodge_term_stop();
}

void test_term_pipe(void)
{
	char *text;
	int i;

	CHECK(!strcmp(piped("a\1\1b", echo_input), "a\1b"));
	CHECK(!strcmp(piped("abc\1x", quit_input), "Q"));
	/* More than fits in any buffer comes through in order. */
	text = piped("", much_output);
	CHECK_EQ(strlen(text), 8000);
	for (i = 0; i < 8000; i++)
		if (text[i] != 'a' + i % 26)
			break;
	CHECK_EQ(i, 8000);
}
