/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual CPU: its descriptor, its thread, and what to do with its exits.
 *
 * Created and stopped by machine.c. Read next: report.h for the exits that
 * end the guest, bus.h for the others.
 */
#ifndef LODGE_VCPU_H
#define LODGE_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <linux/kvm.h>

#include "bus.h"
#include "vm.h"

/* How a guest's run comes to its end. */
enum lodge_outcome {
	LODGE_RUNNING,
	LODGE_OFF,		/* the guest turned its power off */
	LODGE_RESET,		/* it asked to be started again */
	LODGE_FAILED,		/* it, or the hypervisor, cannot go on */
	LODGE_QUIT,		/* the user, or a signal, ended it */
};

/* What the vCPUs of a machine share. */
struct lodge_vcpu_env {
	struct lodge_bus *pio;
	struct lodge_bus *mmio;
	const struct lodge_mem *mem;
	const char *name;
	/* Ends the run. The first outcome counts; returns whether this is it. */
	bool (*stop)(void *ctx, enum lodge_outcome outcome);
	void *ctx;
	atomic_bool *stopping;
};

struct lodge_vcpu {
	const struct lodge_vcpu_env *env;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool started;
};

/**
 * lodge_vcpu_create() - create a vCPU with its CPUID and reset state
 * @vcpu: filled in
 * @env: what the machine's vCPUs share
 * @vm: the VM
 * @cpuid: supported leaves, with LODGE_CPUID_EXTRA entries of room
 * @id: number of the vCPU and its APIC id
 * @cpus: how many there are
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_vcpu_create(struct lodge_vcpu *vcpu, const struct lodge_vcpu_env *env,
		      const struct lodge_vm *vm, const struct kvm_cpuid2 *cpuid,
		      unsigned int id, unsigned int cpus);

/**
 * lodge_vcpu_get_sregs() - read its segment and control registers
 * @vcpu: the vCPU
 * @sregs: filled in
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_vcpu_get_sregs(struct lodge_vcpu *vcpu, struct kvm_sregs *sregs);

/**
 * lodge_vcpu_set_state() - set its registers
 * @vcpu: the vCPU
 * @regs: general registers
 * @sregs: segment and control registers
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_vcpu_set_state(struct lodge_vcpu *vcpu, const struct kvm_regs *regs,
			 const struct kvm_sregs *sregs);

/**
 * lodge_vcpu_destroy() - drop a vCPU whose thread has ended
 * @vcpu: the vCPU; one that was never created has fd -1
 */
void lodge_vcpu_destroy(struct lodge_vcpu *vcpu);

/**
 * lodge_vcpu_start() - let it run in a thread of its own
 * @vcpu: the vCPU
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_vcpu_start(struct lodge_vcpu *vcpu);

/**
 * lodge_vcpu_kick() - make it look at env->stopping
 * @vcpu: the vCPU
 *
 * Context: any thread but its own.
 */
void lodge_vcpu_kick(struct lodge_vcpu *vcpu);

/**
 * lodge_vcpu_join() - wait for its thread to end
 * @vcpu: the vCPU, kicked
 */
void lodge_vcpu_join(struct lodge_vcpu *vcpu);

/**
 * lodge_vcpu_exit() - do what an exit asks for
 * @vcpu: the vCPU
 * @run: the exit; @vcpu's own, or a test's
 *
 * Return: true to run on, false when the run has ended.
 */
bool lodge_vcpu_exit(struct lodge_vcpu *vcpu, struct kvm_run *run);

#endif /* LODGE_VCPU_H */
