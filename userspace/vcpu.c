// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual CPUs; see vcpu.h for who calls this.
 * Read next: bus.c, where most exits go.
 */
#include "vcpu.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cpuid.h"
#include "err.h"
#include "jail.h"
#include "report.h"

#define VCPU_KICK_SIGNAL	SIGUSR1
#define VCPU_STACK		(128 * 1024)

#define APIC_LVT0		0x350
#define APIC_LVT1		0x360
#define APIC_MODE_NMI		0x400
#define APIC_MODE_EXTINT	0x700
#define APIC_MODE_MASK		0x700
#define APIC_MASKED		0x10000

#define MSR_MISC_ENABLE		0x1a0
#define MISC_ENABLE_FAST_STRING	1
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLED_WB		(0x800 | 6)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int vcpu_error(const char *what)
{
	int err = errno;

	lodge_err("%s failed: %s", what, strerror(err));
	return -err;
}

static int vcpu_set_cpuid(struct lodge_vcpu *vcpu, const struct lodge_vm *vm,
			  const struct kvm_cpuid2 *from, unsigned int cpus)
{
	size_t size = sizeof(*from) + from->nent * sizeof(from->entries[0]);
	struct kvm_cpuid2 *cpuid;
	int ret = 0;

	cpuid = malloc(size + LODGE_CPUID_EXTRA * sizeof(from->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	memcpy(cpuid, from, size);
	lodge_cpuid_fix(cpuid, vcpu->id, cpus, vm->tsc_deadline);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		ret = vcpu_error("KVM_SET_CPUID2");
	free(cpuid);
	return ret;
}

/* What firmware would have done: caches on, fast strings on. */
static int vcpu_set_msrs(struct lodge_vcpu *vcpu)
{
	static const struct kvm_msr_entry firmware[] = {
		{ .index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED_WB },
	};
	struct kvm_msrs *msrs;
	int n;

	msrs = calloc(1, sizeof(*msrs) + sizeof(firmware));
	if (!msrs)
		return vcpu_error("memory allocation");
	msrs->nmsrs = ARRAY_SIZE(firmware);
	memcpy(msrs->entries, firmware, sizeof(firmware));
	n = ioctl(vcpu->fd, KVM_SET_MSRS, msrs);
	free(msrs);
	if (n < 0)
		return vcpu_error("KVM_SET_MSRS");
	if (n < (int)ARRAY_SIZE(firmware)) {
		lodge_err("the hypervisor does not know MSR %#x",
			  firmware[n].index);
		return -EINVAL;
	}
	return 0;
}

static void lapic_lvt(struct kvm_lapic_state *lapic, unsigned int reg,
		      uint32_t mode)
{
	uint32_t val;

	memcpy(&val, lapic->regs + reg, sizeof(val));
	val = (val & ~(APIC_MODE_MASK | APIC_MASKED)) | mode;
	memcpy(lapic->regs + reg, &val, sizeof(val));
}

/* The first CPU gets the PIC's interrupts until the kernel says otherwise. */
static int vcpu_virtual_wire(struct lodge_vcpu *vcpu)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return vcpu_error("KVM_GET_LAPIC");
	lapic_lvt(&lapic, APIC_LVT0, APIC_MODE_EXTINT);
	lapic_lvt(&lapic, APIC_LVT1, APIC_MODE_NMI);
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		return vcpu_error("KVM_SET_LAPIC");
	return 0;
}

int lodge_vcpu_create(struct lodge_vcpu *vcpu, const struct lodge_vcpu_env *env,
		      const struct lodge_vm *vm, const struct kvm_cpuid2 *cpuid,
		      unsigned int id, unsigned int cpus)
{
	int ret;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->env = env;
	vcpu->id = id;
	vcpu->run = MAP_FAILED;
	vcpu->run_size = vm->run_size;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0)
		return vcpu_error("KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = vcpu_error("mmap of a vCPU");
		goto err_destroy;
	}
	ret = vcpu_set_cpuid(vcpu, vm, cpuid, cpus);
	if (!ret)
		ret = vcpu_set_msrs(vcpu);
	if (!ret && id == 0)
		ret = vcpu_virtual_wire(vcpu);
	if (!ret)
		return 0;

err_destroy:
	lodge_vcpu_destroy(vcpu);
	return ret;
}

int lodge_vcpu_get_sregs(struct lodge_vcpu *vcpu, struct kvm_sregs *sregs)
{
	return ioctl(vcpu->fd, KVM_GET_SREGS, sregs) ?
	       vcpu_error("KVM_GET_SREGS") : 0;
}

int lodge_vcpu_set_state(struct lodge_vcpu *vcpu, const struct kvm_regs *regs,
			 const struct kvm_sregs *sregs)
{
	if (ioctl(vcpu->fd, KVM_SET_SREGS, sregs))
		return vcpu_error("KVM_SET_SREGS");
	if (ioctl(vcpu->fd, KVM_SET_REGS, regs))
		return vcpu_error("KVM_SET_REGS");
	return 0;
}

void lodge_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	if (vcpu->fd < 0)
		return;
	if (vcpu->run != MAP_FAILED)
		munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	vcpu->fd = -1;
}

static bool exit_io(struct lodge_vcpu *vcpu, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	bool write = run->io.direction == KVM_EXIT_IO_OUT;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, data += run->io.size)
		lodge_bus_access(vcpu->env->pio, run->io.port, data,
				 run->io.size, write);
	return true;
}

static bool exit_mmio(struct lodge_vcpu *vcpu, struct kvm_run *run)
{
	lodge_bus_access(vcpu->env->mmio, run->mmio.phys_addr, run->mmio.data,
			 run->mmio.len, run->mmio.is_write);
	return true;
}

static bool exit_nothing(struct lodge_vcpu *vcpu, struct kvm_run *run)
{
	(void)vcpu;
	(void)run;
	return true;
}

static bool exit_failed(struct lodge_vcpu *vcpu, struct kvm_run *run)
{
	/* Several vCPUs may fail of the same cause: the first one tells. */
	if (vcpu->env->stop(vcpu->env->ctx, LODGE_FAILED))
		lodge_report(vcpu, run);
	return false;
}

static bool exit_system_event(struct lodge_vcpu *vcpu, struct kvm_run *run)
{
	const struct lodge_vcpu_env *env = vcpu->env;

	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		env->stop(env->ctx, LODGE_OFF);
		return false;
	case KVM_SYSTEM_EVENT_RESET:
		env->stop(env->ctx, LODGE_RESET);
		return false;
	default:
		return exit_failed(vcpu, run);
	}
}

static bool (*const vcpu_exits[])(struct lodge_vcpu *, struct kvm_run *) = {
	[KVM_EXIT_IO] = exit_io,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_INTR] = exit_nothing,
	[KVM_EXIT_SYSTEM_EVENT] = exit_system_event,
};

bool lodge_vcpu_exit(struct lodge_vcpu *vcpu, struct kvm_run *run)
{
	uint32_t reason = run->exit_reason;

	if (reason < ARRAY_SIZE(vcpu_exits) && vcpu_exits[reason])
		return vcpu_exits[reason](vcpu, run);
	return exit_failed(vcpu, run);
}

static bool vcpu_run_once(struct lodge_vcpu *vcpu)
{
	int err;

	if (!ioctl(vcpu->fd, KVM_RUN, 0))
		return lodge_vcpu_exit(vcpu, vcpu->run);
	/* EAGAIN: a CPU that waited to be started has been. */
	if (errno == EINTR || errno == EAGAIN)
		return true;
	err = errno;
	if (vcpu->env->stop(vcpu->env->ctx, LODGE_FAILED))
		lodge_report_errno(vcpu, err);
	return false;
}

static bool vcpu_jail(struct lodge_vcpu *vcpu)
{
	int ret = lodge_jail_thread(LODGE_JAIL_VCPU);

	if (!ret)
		return true;
	lodge_err("cannot restrict a vCPU's thread: %s", strerror(-ret));
	vcpu->env->stop(vcpu->env->ctx, LODGE_FAILED);
	return false;
}

static void *vcpu_thread(void *arg)
{
	struct lodge_vcpu *vcpu = arg;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u/%.8s", vcpu->id, vcpu->env->name);
	prctl(PR_SET_NAME, name);
	if (!vcpu_jail(vcpu))
		return NULL;
	while (!atomic_load(vcpu->env->stopping) && vcpu_run_once(vcpu))
		;
	return NULL;
}

static void vcpu_kicked(int sig)
{
	/* Its arrival is its purpose: KVM_RUN returns. */
	(void)sig;
}

int lodge_vcpu_start(struct lodge_vcpu *vcpu)
{
	struct sigaction sa = { .sa_handler = vcpu_kicked };
	pthread_attr_t attr;
	int ret;

	sigaction(VCPU_KICK_SIGNAL, &sa, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, VCPU_STACK);
	ret = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
	pthread_attr_destroy(&attr);
	if (ret)
		lodge_err("cannot start a thread: %s", strerror(ret));
	else
		vcpu->started = true;
	return -ret;
}

void lodge_vcpu_kick(struct lodge_vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	/* The signal ends a KVM_RUN under way, the flag the next one. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
}

void lodge_vcpu_join(struct lodge_vcpu *vcpu)
{
	if (vcpu->started)
		pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
