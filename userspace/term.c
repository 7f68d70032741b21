// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal behind the serial port; see term.h for who calls this.
 *
 * Output is gathered for a moment before it is written, since a guest sends
 * its console byte by byte. Input waits here until the guest can take it.
 * Read next: termsig.c, the signals; dev/serial.c, the other end.
 */
#include "term.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "termsig.h"

#define TERM_ESCAPE	0x01		/* Ctrl-a */
#define TERM_GATHER_NS	2000000		/* output waits this long for more */
#define TERM_PATIENCE_MS 2000		/* for a stuck reader, at the end */
#define TERM_CHUNK	1024		/* a write a pipe takes when it polls */

static struct {
	const struct lodge_term_ops *ops;
	struct lodge_loop *loop;
	void *ctx;
	bool started, tty, escaped;

	/* The loop's thread only. */
	struct lodge_source in, wanted, signalled, timer, writable;
	bool watched, file, eof, blocked;
	uint8_t typed[4096];
	size_t nr_typed;

	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t room;
	uint8_t out[8192];
	size_t nr_out;
	bool drop, gone;
} term = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.room = PTHREAD_COND_INITIALIZER,
};

static const char term_help[] =
	"\nCtrl-a x       end the guest, as if its power were cut\n"
	"Ctrl-a h       this help\n"
	"Ctrl-a Ctrl-a  send Ctrl-a to the guest\n";

enum lodge_term_key lodge_term_key(bool *escaped, uint8_t byte)
{
	if (!*escaped) {
		*escaped = byte == TERM_ESCAPE;
		return *escaped ? LODGE_KEY_DROP : LODGE_KEY_PASS;
	}
	*escaped = false;
	switch (byte) {
	case TERM_ESCAPE:
		return LODGE_KEY_PASS;
	case 'x':
		return LODGE_KEY_QUIT;
	case 'h':
	case '?':
		return LODGE_KEY_HELP;
	default:
		return LODGE_KEY_DROP;
	}
}

/* Write on as long as the reader takes something within @wait_ms. */
static void term_flush_locked(int wait_ms)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t done = 0, chunk;
	ssize_t n;

	while (done < term.nr_out && !term.gone) {
		if (poll(&pfd, 1, wait_ms) <= 0)
			break;
		chunk = term.nr_out - done;
		if (chunk > TERM_CHUNK)
			chunk = TERM_CHUNK;
		n = write(STDOUT_FILENO, term.out + done, chunk);
		if (n > 0)
			done += n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			term.gone = true;
	}
	if (term.gone)
		done = term.nr_out;
	term.nr_out -= done;
	memmove(term.out, term.out + done, term.nr_out);
	if (done)
		pthread_cond_broadcast(&term.room);
}

static void term_output(void *ctx)
{
	bool blocked;

	(void)ctx;
	lodge_event_clear(term.timer.fd);
	pthread_mutex_lock(&term.lock);
	term_flush_locked(0);
	blocked = term.nr_out;
	pthread_mutex_unlock(&term.lock);

	if (blocked == term.blocked)
		return;
	term.blocked = blocked;
	if (blocked)
		lodge_loop_add(term.loop, &term.writable);
	else
		lodge_loop_del(term.loop, &term.writable);
}

static void term_gather(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = TERM_GATHER_NS };

	timerfd_settime(term.timer.fd, 0, &soon, NULL);
}

void lodge_term_write(uint8_t byte)
{
	pthread_mutex_lock(&term.lock);
	while (term.nr_out == sizeof(term.out) && !term.drop && !term.gone)
		pthread_cond_wait(&term.room, &term.lock);
	if (term.nr_out < sizeof(term.out)) {
		term.out[term.nr_out++] = byte;
		if (term.nr_out == 1)
			term_gather();
	}
	pthread_mutex_unlock(&term.lock);
}

void lodge_term_drop(bool drop)
{
	pthread_mutex_lock(&term.lock);
	term.drop = drop;
	pthread_cond_broadcast(&term.room);
	pthread_mutex_unlock(&term.lock);
}

static void term_keys(const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		switch (lodge_term_key(&term.escaped, data[i])) {
		case LODGE_KEY_PASS:
			/* A guest that never reads must not stop Ctrl-a x. */
			if (term.nr_typed < sizeof(term.typed))
				term.typed[term.nr_typed++] = data[i];
			break;
		case LODGE_KEY_QUIT:
			if (term.tty)
				lodge_term_message("\n", 1);
			term.ops->quit(term.ctx, 0);
			break;
		case LODGE_KEY_HELP:
			lodge_term_message(term_help, sizeof(term_help) - 1);
			break;
		case LODGE_KEY_DROP:
			break;
		}
	}
}

static void term_watch(bool watch)
{
	if (watch == term.watched || term.file)
		return;
	term.watched = watch;
	if (watch)
		lodge_loop_add(term.loop, &term.in);
	else
		lodge_loop_del(term.loop, &term.in);
}

static void term_read(void)
{
	size_t space = sizeof(term.typed) - term.nr_typed;
	uint8_t data[512];
	ssize_t n;

	if (term.tty || space > sizeof(data))
		space = sizeof(data);
	n = read(STDIN_FILENO, data, space);
	if (n > 0)
		term_keys(data, n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		term.eof = true;
}

/* Pass on what was typed; watch for more while there is somewhere to put it. */
static void term_pump(void)
{
	size_t n;

	for (;;) {
		n = term.ops->input(term.ctx, term.typed, term.nr_typed);
		term.nr_typed -= n;
		memmove(term.typed, term.typed + n, term.nr_typed);
		if (term.nr_typed || !term.file || term.eof)
			break;
		term_read();
	}
	term_watch(!term.eof &&
		   (term.tty || term.nr_typed < sizeof(term.typed)));
}

static void term_input(void *ctx)
{
	(void)ctx;
	term_read();
	term_pump();
}

static void term_room(void *ctx)
{
	(void)ctx;
	lodge_event_clear(term.wanted.fd);
	term_pump();
}

void lodge_term_wanted(void)
{
	lodge_event_set(term.wanted.fd);
}

static void term_signal(void *ctx)
{
	(void)ctx;
	lodge_event_clear(term.signalled.fd);
	term.ops->quit(term.ctx, lodge_termsig_last());
}

static int term_source(struct lodge_source *src, int fd, void (*fn)(void *))
{
	if (fd < 0)
		return fd;
	*src = (struct lodge_source){ .fd = fd, .fn = fn };
	return lodge_loop_add(term.loop, src);
}

static int term_sources(void)
{
	int ret;

	ret = term_source(&term.timer, timerfd_create(CLOCK_MONOTONIC,
			  TFD_NONBLOCK | TFD_CLOEXEC), term_output);
	if (!ret)
		ret = term_source(&term.wanted, lodge_event_new(), term_room);
	if (!ret)
		ret = term_source(&term.signalled, lodge_event_new(),
				  term_signal);
	if (ret)
		return ret;

	term.writable = (struct lodge_source){
		.fd = STDOUT_FILENO, .output = true, .fn = term_output,
	};
	ret = term_source(&term.in, STDIN_FILENO, term_input);
	term.watched = !ret;
	term.file = ret == -EPERM;	/* a file, or /dev/null: never waits */
	term.eof = ret && !term.file;
	return 0;
}

int lodge_term_start(struct lodge_loop *loop, const struct lodge_term_ops *ops,
		     void *ctx)
{
	static const char hint[] = "lodge: Ctrl-a x ends, Ctrl-a h for help\n";
	int ret;

	term.loop = loop;
	term.ops = ops;
	term.ctx = ctx;
	ret = term_sources();
	if (ret)
		return ret;
	term.tty = isatty(STDIN_FILENO);
	term.started = true;
	lodge_termsig_start(term.signalled.fd, term.tty);
	if (term.tty)
		lodge_term_message(hint, sizeof(hint) - 1);
	return 0;
}

void lodge_term_stop(void)
{
	if (!term.started)
		return;
	pthread_mutex_lock(&term.lock);
	/* A reader that is stuck loses the tail rather than keep us here. */
	term_flush_locked(TERM_PATIENCE_MS);
	pthread_mutex_unlock(&term.lock);
	lodge_termsig_stop();
	lodge_loop_del(term.loop, &term.in);
	lodge_loop_del(term.loop, &term.writable);
	close(term.timer.fd);
	close(term.wanted.fd);
	close(term.signalled.fd);
	term.started = false;
}

void lodge_term_message(const char *text, size_t len)
{
	char buf[4096];
	size_t i, n = 0;
	bool raw = lodge_termsig_raw();

	pthread_mutex_lock(&term.lock);
	if (term.started)
		term_flush_locked(0);
	for (i = 0; i < len && n < sizeof(buf) - 2; i++) {
		if (raw && text[i] == '\n')
			buf[n++] = '\r';
		buf[n++] = text[i];
	}
	while (write(STDERR_FILENO, buf, n) < 0 && errno == EINTR)
		;
	pthread_mutex_unlock(&term.lock);
}
