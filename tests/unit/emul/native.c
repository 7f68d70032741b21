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

#include <asm/ldt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

const struct lodge_seg native_ldt[SEG_NR] = {
	[SEG_CODE16] = { CODE_BASE, CODE_SIZE - 1, 0x00fb, SEG_SEL(0) },
	[SEG_DATA] = { DATA_BASE, DATA_SIZE - 1, 0x00f3, SEG_SEL(1) },
	[SEG_DOWN] = { DATA_BASE, 0x0fff, 0x00f7, SEG_SEL(2) },
	[SEG_READONLY] = { DATA_BASE, 0x1fff, 0x00f1, SEG_SEL(3) },
	[SEG_STACK] = { DATA_BASE, DATA_RW_SIZE - 1, 0x40f3, SEG_SEL(4) },
	[SEG_EXECONLY] = { CODE_BASE, CODE_SIZE - 1, 0x00f9, SEG_SEL(5) },
	[SEG_ABSENT] = { DATA_BASE, 0x1fff, 0x0073, SEG_SEL(6) },
	[SEG_TINY] = { DATA_BASE, 0, 0x00f3, SEG_SEL(7) },
	[SEG_ABSENT_CODE] = { CODE_BASE, CODE_SIZE - 1, 0x007f, SEG_SEL(8) },
	[SEG_CODE32] = { CODE_BASE, CODE_SIZE - 1, 0x40fb, SEG_SEL(9) },
};

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
	asm volatile("mov %%ds, %0" : "=r" (s->ds));
	asm volatile("mov %%es, %0" : "=r" (s->es));
	s->frame[1] = g[REG_CSGSFS] & 0xffff;
	s->frame[4] = (u64)g[REG_CSGSFS] >> 48;
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
	static_assert(offsetof(struct native_state, ds) == 424, "asm");
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

bool native_init_ldt(void)
{
	unsigned int i;

	for (i = 0; i < SEG_NR; i++) {
		const struct lodge_seg *s = &native_ldt[i];
		struct user_desc d = {
			.entry_number = i, .base_addr = s->base,
			.limit = s->limit, .contents = s->ar >> 2 & 3,
			.seg_32bit = !!(s->ar & LODGE_AR_DB),
			.read_exec_only = !(s->ar & 2),
			.seg_not_present = !(s->ar & LODGE_AR_P),
		};

		if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
			return false;
	}
	return true;
}

void native_run(struct native_state *state)
{
	running = state;
	native_enter(state);
	running = NULL;
}
