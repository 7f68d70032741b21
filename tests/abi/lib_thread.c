// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' library: vCPUs run by threads of their own, for tests with several
 * of them or that change the VM while the guest runs. Contracts in abi.h.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

#define REPORTS	64

struct abi_thread {
	struct abi_vcpu *vcpu;
	pthread_t thread;
	volatile int tid;
	volatile int count;
	uint32_t reports[REPORTS];
};

static void *run_thread(void *arg)
{
	struct abi_thread *thread = arg;
	struct kvm_run *run = thread->vcpu->run;

	__atomic_store_n(&thread->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	for (;;) {
		uint32_t value = 0;

		if (abi_exit(thread->vcpu) != KVM_EXIT_IO ||
		    run->io.direction != KVM_EXIT_IO_OUT) {
			abi_describe(thread->vcpu);
			abi_die("unexpected exit in a vCPU's thread");
		}
		if (run->io.port == ABI_DONE)
			return NULL;
		if (run->io.port != ABI_REPORT)
			continue;
		memcpy(&value, (uint8_t *)run + run->io.data_offset,
		       run->io.size);
		if (thread->count == REPORTS)
			abi_die("more than %d reports", REPORTS);
		thread->reports[thread->count] = value;
		__atomic_add_fetch(&thread->count, 1, __ATOMIC_RELEASE);
	}
}

struct abi_thread *abi_thread_start(struct abi_vcpu *vcpu)
{
	struct abi_thread *thread = calloc(1, sizeof(*thread));

	thread->vcpu = vcpu;
	if (pthread_create(&thread->thread, NULL, run_thread, thread))
		abi_die("pthread_create");
	while (!__atomic_load_n(&thread->tid, __ATOMIC_ACQUIRE))
		usleep(1000);
	return thread;
}

int abi_thread_join(struct abi_thread *thread)
{
	pthread_join(thread->thread, NULL);
	return thread->count;
}

const uint32_t *abi_thread_reports(struct abi_thread *thread)
{
	return thread->reports;
}

int abi_thread_count(struct abi_thread *thread)
{
	return __atomic_load_n(&thread->count, __ATOMIC_ACQUIRE);
}

int abi_thread_tid(struct abi_thread *thread)
{
	return thread->tid;
}

void abi_wait_for(struct abi_vm *vm, uint64_t gpa, uint32_t value)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (abi_peek(vm, gpa) != value) {
		usleep(1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > 25)
			abi_die("guest memory %#lx is %#x, not %#x",
				(unsigned long)gpa, abi_peek(vm, gpa), value);
	}
}
