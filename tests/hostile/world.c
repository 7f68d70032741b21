// SPDX-License-Identifier: GPL-2.0
/*
 * A world of the fuzzer's: a process with a VM, vCPUs and memory, threads that
 * do to it what calls.c or guest.c says, kicks for who is in KVM_RUN, and one
 * of the ways in which a process can end. Called by main.c in a process of its
 * own; read calls.c next.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define KICK_US		2000

static struct world world;
static struct thread threads[THREADS];

void tally(const struct world *w, unsigned int call, bool good)
{
	struct tally one = { call, good };

	(void)!write(w->tally, &one, sizeof(one));
}

static void on_kick(int signal)
{
	(void)signal;
}

/* Memory that another thread has taken away: the slot, or its maker, goes on. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	uint8_t *at = info->si_addr;
	unsigned int i;

	(void)context;
	(void)signal;
	for (i = 0; i < PLACES; i++) {
		uint8_t *place = world.place[i];

		if (!place || i == PLACE_RUN || at < place ||
		    at >= place + world.size[i])
			continue;
		at = (uint8_t *)((uintptr_t)at & -4096ul);
		if (mmap(at, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at)
			return;
	}
	_exit(3);
}

static void set_signals(void)
{
	struct sigaction kick = { .sa_handler = on_kick };
	struct sigaction fault = { .sa_sigaction = on_fault,
				   .sa_flags = SA_SIGINFO };
	sigset_t set;

	sigaction(SIGUSR1, &kick, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* What it takes is bounded, and if memory runs out it is this one's end. */
static void set_limits(const struct options *o)
{
	struct rlimit files = { 300, 300 }, core = { 1 << 22, 1 << 22 };

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	write_file("/proc/self", "oom_score_adj", "1000");
	if (o->cgroup)
		write_file(o->cgroup, "cgroup.procs", "0");
}

static void enable(struct thread *t, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap e = { .cap = cap, .args[0] = arg };

	call_ioctl(t, t->world->vm, KVM_ENABLE_CAP, &e);
}

/* A VM as programs have it, so that most calls have something to work on. */
static void make_vm(struct thread *t)
{
	struct world *w = t->world;
	struct kvm_pit_config pit = { 0 };
	struct kvm_userspace_memory_region slot = {
		.memory_size = GUEST_SIZE,
		.userspace_addr = (uintptr_t)w->place[PLACE_GUEST],
	};
	uint32_t chips = below(&t->rng, 8);

	w->vm = call_ioctl(t, w->dev, KVM_CREATE_VM, NULL);
	if (!chips)
		enable(t, KVM_CAP_SPLIT_IRQCHIP, 24);
	else if (chips > 1)
		call_ioctl(t, w->vm, KVM_CREATE_IRQCHIP, NULL);
	if (chips > 2)
		call_ioctl(t, w->vm, KVM_CREATE_PIT2, &pit);
	if (one_in(&t->rng, 8))
		enable(t, KVM_CAP_DIRTY_LOG_RING, 0x4000);
	enable(t, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE);
	slot.flags = below(&t->rng, 4) == 0;
	call_ioctl(t, w->vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

static void make_vcpus(struct thread *t, unsigned int nr)
{
	struct world *w = t->world;
	struct kvm_cpuid2 *cpuid = (void *)t->buffer;
	int size = ioctl(w->dev, KVM_GET_VCPU_MMAP_SIZE, 0);

	for (unsigned long i = 0; i < nr; i++) {
		void *run;

		w->vcpu[i] = call_ioctl(t, w->vm, KVM_CREATE_VCPU, (void *)i);
		if (w->vcpu[i] < 0)
			continue;
		run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   w->vcpu[i], 0);
		if (run == MAP_FAILED)
			continue;
		w->run[i] = run;
		w->place[PLACE_RUN] = run;
		w->size[PLACE_RUN] = size;
		cpuid->nent = 200;
		if (!one_in(&t->rng, 8) &&
		    !ioctl(w->dev, KVM_GET_SUPPORTED_CPUID, cpuid))
			call_ioctl(t, w->vcpu[i], KVM_SET_CPUID2, cpuid);
		guest_start(t, i);
	}
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct world *w = t->world;

	w->tid[t->index] = syscall(SYS_gettid);
	if (w->guests)
		guest_thread(t);
	else
		while (__atomic_fetch_sub(&w->left, 1, __ATOMIC_RELAXED) <
		       1u << 31)
			call_any(t);
	__atomic_sub_fetch(&w->threads, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Kick who runs, until all have ended or the time is up. */
static void kick_all(struct world *w, unsigned int nr)
{
	struct timespec period = { .tv_nsec = KICK_US * 1000 };
	unsigned int i, rounds = WORLD_MS * 1000 / KICK_US;

	while (__atomic_load_n(&w->threads, __ATOMIC_ACQUIRE) && rounds--) {
		nanosleep(&period, NULL);
		for (i = 0; i < nr; i++)
			if (w->tid[i])
				syscall(SYS_tgkill, getpid(), w->tid[i],
					SIGUSR1);
	}
}

static void close_all(struct world *w, struct rng *r)
{
	int *fds[] = { &w->vm, &w->dev, &w->file };
	unsigned int i;

	if (one_in(r, 2))
		close(*fds[below(r, 3)]);
	for (i = 0; i < VCPUS; i++)
		close(w->vcpu[i]);
	for (i = 0; i < OTHERS; i++)
		close(w->others[i]);
	close(w->vm);
	if (w->run[0])
		w->run[0]->immediate_exit = 1;	/* it is still there */
}

/* Threads may still be in KVM_RUN, or in any other call. */
static void __attribute__((noreturn)) world_end(struct world *w, struct rng *r)
{
	static char *const nothing[] = { "/bin/true", NULL };

	switch (below(r, 8)) {
	case 0:
		execv(nothing[0], nothing);
		break;
	case 1:
		signal(SIGABRT, SIG_DFL);
		if (one_in(r, 4))
			abort();	/* and a core is dumped */
		break;
	case 2:
		munmap(w->place[PLACE_GUEST], GUEST_SIZE);
		break;
	case 3:
		break;
	default:
		close_all(w, r);
	}
	_exit(0);
}

void world_run(const struct options *o, uint32_t number, struct rng *r,
	       int tally)
{
	struct world *w = &world;
	unsigned int i, nr = number % 4 ? 2 + below(r, THREADS - 1) : 1;
	pthread_t thread;

	set_limits(o);
	set_signals();
	*w = (struct world) {
		.seed = o->seed, .tally = tally, .guests = o->guests,
		.left = 100 + below(r, o->guests ? 500 : 2000),
		.threads = nr, .dev = open(o->device, O_RDWR | O_CLOEXEC),
	};
	if (w->dev < 0)
		_exit(4);
	memset(w->vcpu, 0xff, sizeof(w->vcpu));
	memset(w->others, 0xff, sizeof(w->others));
	for (i = 0; i < OTHERS / 4; i++)
		w->others[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	places_make(w, r);
	for (i = 0; i < nr; i++) {
		uint8_t *p = mmap(NULL, BUFFER + 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(p + BUFFER, 4096);
		threads[i] = (struct thread) { w, { rnd(r) }, p, i };
	}
	make_vm(&threads[0]);
	make_vcpus(&threads[0], o->guests ? VCPUS : below(r, VCPUS + 1));
	for (i = 0; i < nr; i++)
		if (pthread_create(&thread, NULL, thread_main, &threads[i]))
			_exit(5);
	/* Not before: their stacks would fill it. */
	munmap(w->place[PLACE_HOLE], w->size[PLACE_HOLE]);
	kick_all(w, nr);
	world_end(w, r);
}
