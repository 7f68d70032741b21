// SPDX-License-Identifier: GPL-2.0
/*
 * All that a program can do with the device's descriptors: which calls there
 * are, and one of them at random. Called by main.c's threads; read args.c next.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "kvm_more.h"

enum where { DEV, VM, VCPU };

/* How often, beside the others of its descriptor. */
#define CALL(on, name)		{ on, name, #name, 4 }
#define SELDOM(on, name)	{ on, name, #name, 1 }
#define OFTEN(on, name, n)	{ on, name, #name, n }

static const struct call {
	enum where on;
	unsigned long cmd;
	const char *name;
	unsigned int weight;
} calls[] = {
	SELDOM(DEV, KVM_GET_API_VERSION), SELDOM(DEV, KVM_CREATE_VM),
	SELDOM(DEV, KVM_GET_MSR_INDEX_LIST), SELDOM(DEV, KVM_CHECK_EXTENSION),
	SELDOM(DEV, KVM_GET_VCPU_MMAP_SIZE), SELDOM(DEV, KVM_GET_SUPPORTED_CPUID),
	SELDOM(DEV, KVM_GET_MSR_FEATURE_INDEX_LIST), SELDOM(DEV, KVM_GET_MSRS),
	SELDOM(DEV, KVM_X86_GET_MCE_CAP_SUPPORTED),
	SELDOM(DEV, KVM_GET_DEVICE_ATTR), SELDOM(DEV, KVM_HAS_DEVICE_ATTR),

	SELDOM(VM, KVM_CHECK_EXTENSION), CALL(VM, KVM_CREATE_VCPU),
	CALL(VM, KVM_GET_DIRTY_LOG), OFTEN(VM, KVM_SET_USER_MEMORY_REGION, 16),
	CALL(VM, KVM_SET_USER_MEMORY_REGION2), SELDOM(VM, KVM_SET_TSS_ADDR),
	SELDOM(VM, KVM_SET_IDENTITY_MAP_ADDR), SELDOM(VM, KVM_SET_BOOT_CPU_ID),
	SELDOM(VM, KVM_CREATE_IRQCHIP), OFTEN(VM, KVM_IRQ_LINE, 12),
	CALL(VM, KVM_GET_IRQCHIP), CALL(VM, KVM_SET_IRQCHIP),
	SELDOM(VM, KVM_CREATE_PIT), SELDOM(VM, KVM_GET_PIT),
	SELDOM(VM, KVM_SET_PIT), CALL(VM, KVM_IRQ_LINE_STATUS),
	CALL(VM, KVM_REGISTER_COALESCED_MMIO),
	CALL(VM, KVM_UNREGISTER_COALESCED_MMIO), CALL(VM, KVM_SET_GSI_ROUTING),
	CALL(VM, KVM_REINJECT_CONTROL), OFTEN(VM, KVM_IRQFD, 12),
	SELDOM(VM, KVM_CREATE_PIT2), OFTEN(VM, KVM_IOEVENTFD, 8),
	CALL(VM, KVM_SET_CLOCK), CALL(VM, KVM_GET_CLOCK), CALL(VM, KVM_GET_PIT2),
	CALL(VM, KVM_SET_PIT2), SELDOM(VM, KVM_SET_TSC_KHZ),
	SELDOM(VM, KVM_GET_TSC_KHZ), CALL(VM, KVM_ENABLE_CAP),
	CALL(VM, KVM_SIGNAL_MSI), CALL(VM, KVM_X86_SET_MSR_FILTER),
	CALL(VM, KVM_CLEAR_DIRTY_LOG), SELDOM(VM, KVM_CREATE_DEVICE),
	CALL(VM, KVM_GET_STATS_FD), CALL(VM, KVM_RESET_DIRTY_RINGS),

	OFTEN(VCPU, KVM_RUN, 60), CALL(VCPU, KVM_GET_REGS),
	CALL(VCPU, KVM_SET_REGS), CALL(VCPU, KVM_GET_SREGS),
	OFTEN(VCPU, KVM_SET_SREGS, 8), SELDOM(VCPU, KVM_TRANSLATE),
	CALL(VCPU, KVM_INTERRUPT), CALL(VCPU, KVM_GET_MSRS),
	OFTEN(VCPU, KVM_SET_MSRS, 12), CALL(VCPU, KVM_SET_CPUID),
	SELDOM(VCPU, KVM_SET_SIGNAL_MASK), CALL(VCPU, KVM_GET_FPU),
	CALL(VCPU, KVM_SET_FPU), CALL(VCPU, KVM_GET_LAPIC),
	OFTEN(VCPU, KVM_SET_LAPIC, 8), CALL(VCPU, KVM_SET_CPUID2),
	SELDOM(VCPU, KVM_GET_CPUID2), SELDOM(VCPU, KVM_SET_VAPIC_ADDR),
	CALL(VCPU, KVM_GET_MP_STATE), CALL(VCPU, KVM_SET_MP_STATE),
	CALL(VCPU, KVM_NMI), OFTEN(VCPU, KVM_SET_GUEST_DEBUG, 8),
	SELDOM(VCPU, KVM_X86_SETUP_MCE), CALL(VCPU, KVM_X86_SET_MCE),
	CALL(VCPU, KVM_GET_VCPU_EVENTS), OFTEN(VCPU, KVM_SET_VCPU_EVENTS, 8),
	CALL(VCPU, KVM_GET_DEBUGREGS), CALL(VCPU, KVM_SET_DEBUGREGS),
	CALL(VCPU, KVM_SET_TSC_KHZ), SELDOM(VCPU, KVM_GET_TSC_KHZ),
	CALL(VCPU, KVM_GET_XSAVE), CALL(VCPU, KVM_SET_XSAVE),
	CALL(VCPU, KVM_GET_XCRS), CALL(VCPU, KVM_SET_XCRS),
	CALL(VCPU, KVM_KVMCLOCK_CTRL), SELDOM(VCPU, KVM_ENABLE_CAP),
	SELDOM(VCPU, KVM_GET_NESTED_STATE), SELDOM(VCPU, KVM_SET_NESTED_STATE),
	CALL(VCPU, KVM_GET_SREGS2), CALL(VCPU, KVM_SET_SREGS2),
	SELDOM(VCPU, KVM_GET_XSAVE2), CALL(VCPU, KVM_SET_DEVICE_ATTR),
	SELDOM(VCPU, KVM_GET_DEVICE_ATTR), SELDOM(VCPU, KVM_HAS_DEVICE_ATTR),
	SELDOM(VCPU, KVM_GET_STATS_FD), CALL(VCPU, KVM_PRE_FAULT_MEMORY),
	SELDOM(VCPU, LODGE_EXPLAIN),
};

const char *call_name(unsigned int i)
{
	return i < ARRAY_SIZE(calls) ? calls[i].name : NULL;
}

static unsigned int call_choose(struct rng *r)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		sum += calls[i].weight;
	at = below(r, sum);
	for (i = 0; at >= calls[i].weight; i++)
		at -= calls[i].weight;
	return i;
}

int call_ioctl(struct thread *t, int fd, unsigned long cmd, void *arg)
{
	int r = ioctl(fd, cmd, arg);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls) && calls[i].cmd != cmd; i++)
		;
	tally(t->world, i, r >= 0);
	return r;
}

/* A descriptor that came out of a call goes where another was. */
static void keep_fd(struct thread *t, unsigned long cmd, int on_vm, int fd)
{
	struct world *w = t->world;
	unsigned int i = below(&t->rng, VCPUS);
	int *slot = &w->others[below(&t->rng, OTHERS)];

	if (cmd == KVM_CREATE_VCPU && on_vm == w->vm &&
	    (w->vcpu[i] < 0 || one_in(&t->rng, 8))) {
		size_t size = ioctl(w->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
		void *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fd, 0);

		if (run != MAP_FAILED) {
			w->run[i] = run;
			w->place[PLACE_RUN] = run;
			w->size[PLACE_RUN] = size;
			slot = &w->vcpu[i];
		}
	} else if (cmd == KVM_CREATE_VM && one_in(&t->rng, 16)) {
		slot = &w->vm;
	}
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static int call_fd(struct thread *t, enum where on, unsigned int vcpu)
{
	struct world *w = t->world;

	if (one_in(&t->rng, 64))
		return w->others[below(&t->rng, OTHERS)];
	return on == DEV ? w->dev : on == VM ? w->vm : w->vcpu[vcpu];
}

static void call_one(struct thread *t)
{
	const struct call *call = &calls[call_choose(&t->rng)];
	unsigned int vcpu = below(&t->rng, VCPUS);
	int r, fd = call_fd(t, call->on, vcpu);
	size_t size = _IOC_SIZE(call->cmd);
	uint8_t *at = t->buffer;
	void *arg = at;

	if (call->cmd == KVM_RUN && t->world->run[vcpu]) {
		guest_run(t, vcpu);
		return;
	}
	if (size) {
		/* What lies at the end of the buffer must not be read past. */
		at += one_in(&t->rng, 8) ? BUFFER - size : 0;
		arg_make(t, call->cmd, fd, at);
		arg = place_any(t, at, size);
	} else {
		arg = (void *)(one_in(&t->rng, 3) ? odd(&t->rng) :
			       call->cmd == KVM_CREATE_VM ? 0 :
			       (uint64_t)below(&t->rng, VCPUS + 1));
		if (call->cmd == KVM_REINJECT_CONTROL)
			arg = at;
	}
	r = call_ioctl(t, fd, call->cmd, arg);
	if (r > 2 && (call->cmd == KVM_CREATE_VM ||
		      call->cmd == KVM_CREATE_VCPU ||
		      call->cmd == KVM_GET_STATS_FD))
		keep_fd(t, call->cmd, fd, r);
}

/* Another process has our descriptors, and for a moment our memory. */
static void call_forked(struct thread *t)
{
	struct world *w = t->world;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 4; i++)
			call_one(t);
		if (w->place[PLACE_GUEST])
			madvise(w->place[PLACE_GUEST], GUEST_SIZE,
				MADV_DONTNEED);
		_exit(0);
	}
	if (pid > 0 && one_in(&t->rng, 4))
		kill(pid, SIGKILL);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* What is done with descriptors beside ioctls. */
static void call_descriptor(struct thread *t)
{
	struct world *w = t->world;
	int *other = &w->others[below(&t->rng, OTHERS)];
	int *any[] = { &w->vm, &w->vcpu[below(&t->rng, VCPUS)], other };
	int *fd = any[below(&t->rng, 3)];
	uint64_t one = 1 + below(&t->rng, 3);
	void *p;

	switch (below(&t->rng, 8)) {
	case 0:
		if (fd != other && !one_in(&t->rng, 16))
			break;
		close(*fd);
		break;
	case 1:
		if (*other < 0)
			*other = dup(*fd);
		break;
	case 2:
		*other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC |
				 (one_in(&t->rng, 4) ? EFD_SEMAPHORE : 0));
		break;
	case 3:
	case 4:
		(void)!write(*other, &one, sizeof(one));
		break;
	case 5:		/* statistics, or an eventfd that resamples */
		(void)!pread(*other, t->buffer, below(&t->rng, 4096),
			     one_in(&t->rng, 2) ? 0 : odd(&t->rng));
		break;
	case 6:
		p = mmap(NULL, (1 + below(&t->rng, 80)) << 12,
			 PROT_READ | (one_in(&t->rng, 2) ? PROT_WRITE : 0),
			 one_in(&t->rng, 3) ? MAP_PRIVATE : MAP_SHARED,
			 *fd, (off_t)below(&t->rng, 80) << 12);
		if (p != MAP_FAILED) {
			(void)!write(*other, p, 8);
			munmap(p, 0x1000 << below(&t->rng, 3));
		}
		break;
	default:
		call_forked(t);
	}
}

/* This thread goes to other CPUs, or to all. */
static void call_move(struct thread *t)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(below(&t->rng, 2), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void call_any(struct thread *t)
{
	struct world *w = t->world;
	unsigned int vcpu = below(&t->rng, VCPUS);

	switch (below(&t->rng, 64)) {
	case 0:
	case 1:
		place_shake(t);
		break;
	case 2:
	case 3:
	case 4:
		call_descriptor(t);
		break;
	case 5:
		call_move(t);
		break;
	case 6:
		guest_memory(t);
		break;
	case 7:
	case 8:
		if (w->vcpu[vcpu] >= 0)
			guest_start(t, vcpu);
		break;
	default:
		call_one(t);
	}
}
