// SPDX-License-Identifier: GPL-2.0
/*
 * A debugger of a guest: speaks GDB's remote protocol with QEMU's stub, which
 * uses KVM_SET_GUEST_DEBUG. driven.sh starts it in an emulated host, under a
 * guest that runs tests/boot/guest/debug:
 *
 *	stub SOCKET FUNCTION DATA [hardware]
 *
 * FUNCTION and DATA are what that guest has said, in hex: the system call that
 * sets the host's name, and the kernel's struct uts_namespace. Ends with 0 if
 * everything stopped where it had to. "hardware": with breakpoints in debug
 * registers, too, of which QEMU's emulated AMD-V arms none when VMRUN loads DR7
 * (tests/abi/differences.txt). Next: tests/boot/guest/debug.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NODE_AT		65	/* in DATA: its second field of 65 bytes */
#define DOMAIN_AT	325	/* and the sixth */
#define REG_RSP		7
#define REG_RIP		16
#define STEPS		100

static int fd;
static char reply[4096];

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *why, ...)
{
	va_list args;

	va_start(args, why);
	vprintf(why, args);
	va_end(args);
	printf(" (last answer: %s)\n", reply);
	exit(1);
}

static unsigned char get(void)
{
	unsigned char c;

	if (read(fd, &c, 1) != 1)
		fail("the stub is gone");
	return c;
}

static void put(const char *bytes, size_t len)
{
	if (write(fd, bytes, len) != (ssize_t)len)
		fail("the stub does not listen");
}

/* Waits for a packet: $...#NN. */
static void hear(void)
{
	unsigned int len = 0;
	unsigned char c;

	while (get() != '$')
		;
	while ((c = get()) != '#') {
		if (len == sizeof(reply) - 1)
			fail("an answer without an end");
		reply[len++] = c;
	}
	reply[len] = 0;
	get();
	get();
	put("+", 1);
}

static void __attribute__((format(printf, 1, 2))) say(const char *what, ...)
{
	char packet[256];
	unsigned char sum = 0;
	va_list args;
	int i, len;

	va_start(args, what);
	packet[0] = '$';
	len = 1 + vsnprintf(packet + 1, sizeof(packet) - 8, what, args);
	va_end(args);
	for (i = 1; i < len; i++)
		sum += packet[i];
	len += sprintf(packet + len, "#%02x", sum);
	put(packet, len);
}

static void ask_ok(const char *kind, uint64_t addr, int len)
{
	say("%s,%llx,%d", kind, (unsigned long long)addr, len);
	hear();
	if (strcmp(reply, "OK"))
		fail("%s at %llx", kind, (unsigned long long)addr);
}

/* Numbers come in the order of their bytes in memory. */
static uint64_t hex64(const char *hex)
{
	uint64_t value = 0;
	unsigned int byte, i;

	for (i = 0; i < 8 && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		value |= (uint64_t)byte << (8 * i);
	if (i != 8)
		fail("no number");
	return value;
}

/* Of the general ones, which come first, eight bytes each. */
static uint64_t reg(int nr)
{
	say("g");
	hear();
	if (strlen(reply) < 16 * (REG_RIP + 1))
		fail("no registers");
	return hex64(reply + 16 * nr);
}

static uint64_t memory(uint64_t addr)
{
	say("m%llx,8", (unsigned long long)addr);
	hear();
	return hex64(reply);
}

/* Lets the guest go on, by "c" or "s", until it stops with that signal. */
static void go(const char *how, const char *signal)
{
	say("%s", how);
	if (!strcmp(signal, "T02"))
		put("\x03", 1);
	hear();
	if (strncmp(reply, signal, 3))
		fail("no %s after %s", signal, how);
}

static void stops_at(uint64_t addr, const char *what)
{
	uint64_t rip;

	go("c", "T05");
	rip = reg(REG_RIP);
	if (rip != addr)
		fail("the %s stops at %llx", what, (unsigned long long)rip);
	printf("%s: stops\n", what);
}

/* A while into a system call, and then to where it returns. */
static void step_out(void)
{
	uint64_t rsp = reg(REG_RSP), back = memory(rsp), rip = 0, last;
	int i, moved = 0;

	for (i = 0; i < STEPS; i++) {
		last = rip;
		go("s", "T05");
		rip = reg(REG_RIP);
		moved += rip != last;
	}
	/* Only an instruction with REP stays where it is. */
	if (moved < STEPS / 2)
		fail("%d of %d steps get nowhere", STEPS - moved, STEPS);
	printf("%d steps, %d of them to another address\n", STEPS, moved);
	ask_ok("Z0", back, 1);
	stops_at(back, "return");
	if (reg(REG_RSP) != rsp + 8)
		fail("not the stack of the function's caller");
	ask_ok("z0", back, 1);
}

static void has_two_threads(void)
{
	int threads = 0;
	char *c;

	for (say("qfThreadInfo"), hear(); reply[0] == 'm';
	     say("qsThreadInfo"), hear()) {
		for (c = reply; c; c = strchr(c + 1, ','))
			threads++;
	}
	if (threads != 2)
		fail("%d threads, not 2", threads);
	for (; threads; threads--) {
		say("Hg%x", threads);
		hear();
		if (strcmp(reply, "OK"))
			fail("no thread %d", threads);
		printf("CPU %d is at %llx\n", threads - 1,
		       (unsigned long long)reg(REG_RIP));
	}
}

/* Of an instruction, and of the name that it comes to write. */
static void in_registers(uint64_t function, uint64_t name)
{
	char watch[64];
	uint64_t rip;

	ask_ok("Z1", function, 1);
	stops_at(function, "hardware breakpoint");
	ask_ok("z1", function, 1);
	ask_ok("Z2", name, 1);
	go("c", "T05");
	sprintf(watch, "watch:%llx;", (unsigned long long)name);
	if (!strstr(reply, watch))
		fail("no %s", watch);
	ask_ok("z2", name, 1);
	rip = reg(REG_RIP);
	if (rip == function)
		fail("nothing was executed");
	printf("watchpoint: stops at %llx\n", (unsigned long long)rip);
}

static void debug(uint64_t function, uint64_t data, int hardware)
{
	uint64_t code;

	/* That the guest has stopped for us may have been told before. */
	say("?");
	do {
		hear();
	} while (strncmp(reply, "T05", 3));
	code = memory(function);
	ask_ok("Z0", function, 1);
	stops_at(function, "breakpoint");
	ask_ok("z0", function, 1);
	if (memory(function) != code)
		fail("the code is not what it was");
	step_out();
	if (hardware)
		in_registers(function, data + NODE_AT);

	go("c", "T02");
	has_two_threads();
	say("M%llx,5:646f6e6500", (unsigned long long)data + DOMAIN_AT);
	hear();
	if (strcmp(reply, "OK"))
		fail("memory can't be written");
	say("D");
	hear();
	if (strcmp(reply, "OK"))
		fail("not let go");
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4 || strlen(argv[1]) >= sizeof(to.sun_path))
		return 2;
	strcpy(to.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("no %s", argv[1]);
	debug(strtoull(argv[2], NULL, 16), strtoull(argv[3], NULL, 16),
	      argc > 4 && !strcmp(argv[4], "hardware"));
	return 0;
}
