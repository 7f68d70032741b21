// SPDX-License-Identifier: GPL-2.0
/*
 * One instruction on the real CPU. Its bytes stand among INT3s, so whatever
 * it does, a signal follows at once, and the signal's frame has all
 * registers. The handler sends the program back to native_leave.
 *
 * Called by native_test.c. Next: native_enter.S.
 */
#define _GNU_SOURCE
#include "native.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static struct native_state *running;

static const int gregs[LODGE_GPR_NR] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
	REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14,
	REG_R15,
};

/* Not instrumented: it runs on the signal's stack, with the guest's flags. */
__attribute__((no_sanitize("address", "undefined")))
static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	struct native_state *s = running;
	unsigned int i;

	(void)info;
	if (!s) {			/* not ours: die of it */
		signal(sig, SIG_DFL);
		return;
	}
	for (i = 0; i < LODGE_GPR_NR; i++)
		s->gpr[i] = g[gregs[i]];
	memcpy(s->xmm, uc->uc_mcontext.fpregs->_xmm, sizeof(s->xmm));
	s->rflags = g[REG_EFL];
	s->rip = g[REG_RIP];
	s->vector = g[REG_TRAPNO];
	s->error = g[REG_ERR];
	s->cr2 = g[REG_CR2];
	s->faulted = s->rip == s->frame[0] && s->vector != 3;
	if (s->vector == 3)
		s->rip--;
	g[REG_RIP] = (u64)native_leave;
	g[REG_RSP] = native_host_rsp;
	g[REG_EFL] = 0x202;
	g[REG_CSGSFS] = (g[REG_CSGSFS] & 0x0000ffffffff0000LL) | 0x33 |
			0x2bLL << 48;
}

u8 *native_code;

static void *map(unsigned long at, size_t size, int prot, int fd)
{
	int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) |
		    (at ? MAP_FIXED_NOREPLACE : 0);
	void *p = mmap((void *)at, size, prot, flags, fd, 0);

	if (p == MAP_FAILED || (at && p != (void *)at)) {
		perror("mmap");
		exit(1);
	}
	return p;
}

void native_init(void)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGFPE, SIGBUS,
				       SIGTRAP };
	static char stack[1 << 16];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};
	unsigned int i;
	int fd;

	if (native_code)
		return;
	static_assert(offsetof(struct native_state, xmm) == 168, "asm");
	fd = memfd_create("code", 0);
	if (fd < 0 || ftruncate(fd, CODE_SIZE)) {
		perror("memfd");
		exit(1);
	}
	native_code = map(0, CODE_SIZE, PROT_READ | PROT_WRITE, fd);
	memset(native_code, 0xcc, CODE_SIZE);
	map(CODE_BASE, CODE_SIZE, PROT_READ | PROT_EXEC, fd);
	map(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, -1);
	for (i = 0; i < DATA_SIZE; i++)
		((u8 *)DATA_BASE)[i] = i * 37 + (i >> 8);
	mprotect((void *)(DATA_BASE + DATA_RW_SIZE), DATA_RO_SIZE, PROT_READ);
	if (sigaltstack(&ss, NULL)) {
		perror("sigaltstack");
		exit(1);
	}
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

void native_run(struct native_state *state)
{
	running = state;
	native_enter(state);
	running = NULL;
}
