// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM_ENABLE_CAP gives a VM: HLT and the like without an exit, whether
 * there is MSR_PLATFORM_INFO, the clock of the APICs' timers.
 */
#include <cpuid.h>
#include <linux/kvm_para.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include "test.h"

#ifndef KVM_CAP_X86_APIC_BUS_CYCLES_NS
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS	237
#endif

#define MSR_PLATFORM_INFO	0xce
#define MSR_MISC_FEATURES	0x140
#define VECTOR_NMI		2
#define VECTOR_GP		13

static struct abi_vcpu *start(struct abi_vm *vm, const struct abi_guest *guest)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	abi_load(vm, ABI_CODE, guest);
	abi_vcpu_mode(vcpu, ABI_LONG);
	return vcpu;
}

TEST(disable_exits_values)
{
	struct abi_vm *vm = abi_vm_create(0);

	VALUE("disable_exits", "%#x", abi_cap(vm->dev, KVM_CAP_X86_DISABLE_EXITS));
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS, 0));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS, 1 << 20));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS,
				      1ull << 32));
}

/* Of VMs with these exits off. */
FIXTURE(waits) { struct abi_vm *vm; };
FIXTURE_VARIANT(waits) { unsigned int flags; };
FIXTURE_VARIANT_ADD(waits, user_irqs) { 0 };
FIXTURE_VARIANT_ADD(waits, irqchip) { ABI_IRQCHIP };

FIXTURE_SETUP(waits)
{
	struct abi_vm *vm = abi_vm_create(variant->flags);

	self->vm = vm;
	NEED_CAP(vm->dev, KVM_CAP_X86_DISABLE_EXITS);
	ASSERT_EQ(0, abi_enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS,
				abi_cap(vm->dev, KVM_CAP_X86_DISABLE_EXITS)));
}

FIXTURE_TEARDOWN(waits) { }

static void on_alarm(int signal)
{
}

/* Signals from now on, again and again: one may come before KVM_RUN. */
static void alarms(bool on)
{
	struct itimerval soon = {
		.it_value.tv_usec = 100000, .it_interval.tv_usec = 100000,
	};
	struct sigaction action = { .sa_handler = on_alarm };

	if (!on)
		soon = (struct itimerval){ 0 };
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

/*
 * It sleeps in the guest, not with the user, and is woken. In all of these with
 * IF set: Bochs' VT-x holds the host's interrupts back otherwise.
 */
GUEST64(sleeps, "movl $1, 0x80000; sti; 1: hlt; incl 0x80004; jmp 1b");

TEST_F(waits, hlt)
{
	struct abi_vcpu *vcpu = start(self->vm, &sleeps);

	alarms(true);
	do {
		EXPECT_EQ(-EINTR, abi_run(vcpu));
	} while (!abi_peek(self->vm, ABI_DATA));
	alarms(false);
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	EXPECT_EQ(1, abi_peek(self->vm, ABI_DATA));
	EXPECT_LE(ABI_CODE, abi_regs(vcpu).rip);
	/* What comes now ends it. */
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_EQ(VECTOR_NMI, abi_trapped(vcpu).vector);
}

/* Another registers' state is executed, not slept with. */
GUEST64(ends, "sti; hlt; jmp .; mov $5, %eax\n" G_REPORT G_DONE);

TEST_F(waits, hlt_moved_on)
{
	struct abi_vcpu *vcpu = start(self->vm, &ends);
	struct kvm_regs regs;

	alarms(true);
	do {
		EXPECT_EQ(-EINTR, abi_run(vcpu));
		regs = abi_regs(vcpu);
	} while (regs.rip < ABI_CODE + 2);
	alarms(false);
	regs.rip = ABI_CODE + 4;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(5, abi_report(vcpu));
}

GUEST64(ticks, G_TICKS);

TEST_F(waits, hlt_timer)
{
	struct abi_vcpu *vcpu;

	if (!(variant->flags & ABI_IRQCHIP))
		SKIP(return, "needs a local APIC");
	vcpu = start(self->vm, &ticks);
	abi_gate(vcpu, G_TICKS_VECTOR, G_TICKS_HANDLER);
	for (int i = 1; i <= 5; i++) {
		abi_sync(vcpu);
		EXPECT_EQ(i, abi_peek(self->vm, G_TICKS_COUNT));
	}
}

/*
 * The user says that it waits no more. Bochs tells of this state only where the
 * timer of VT-x, here for the deadline, ended a run in it; what another CPU has
 * sent the thread until then is seen behind that, IF being clear.
 */
GUEST64(deaf, "jmp 1f; 2: hlt; mov $6, %eax\n" G_REPORT
	"1: mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $0x40045, 0x320(%r8); rdtsc; shl $32, %rdx; add %rdx, %rax\n"
	"add $20000000, %rax; mov %rax, %rdx; shr $32, %rdx; mov $0x6e0, %ecx\n"
	"wrmsr; cli; movl $1, 0x80000; jmp 2b");

struct sender {
	struct abi_vm *vm;
	pthread_t to;
	volatile bool enough;
};

static void *send_signals(void *arg)
{
	struct sender *s = arg;

	abi_wait_for(s->vm, ABI_DATA, 1);
	while (!s->enough) {
		pthread_kill(s->to, SIGALRM);
		usleep(100000);
	}
	return NULL;
}

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		abi_die("no CPU %d", cpu);
}

TEST(hlt_runnable)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct kvm_mp_state mp = { KVM_MP_STATE_RUNNABLE };
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct sender sender = { vm, pthread_self() };
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev);
	struct abi_vcpu *vcpu;
	pthread_t thread;
	time_t since;
	int r;

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM lets it wait on, on VT-x");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "takes two CPUs");
	ASSERT_EQ(0, abi_enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS,
				KVM_X86_DISABLE_EXITS_HLT));
	vcpu = start(vm, &deaf);
	abi_cpuid_find(cpuid, 1, 0)->ecx |= 1 << 24;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	sigaction(SIGALRM, &action, NULL);
	on_cpu(1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_signals, &sender));
	on_cpu(0);
	do {
		r = abi_run(vcpu);
	} while (r && abi_regs(vcpu).rip != ABI_CODE + 3);
	sender.enough = true;
	pthread_join(thread, NULL);
	/* On AMD-V, it may be over by itself. */
	since = time(NULL);
	if (r) {
		abi_ok(vcpu->fd, KVM_SET_MP_STATE, &mp);
		abi_exit(vcpu);
	}
	EXPECT_EQ(6, abi_regs(vcpu).rax & 0xff);
	/* Were it still deaf, an NMI of the host's would end it. */
	EXPECT_GT(15, time(NULL) - since);
}

/* Sent by another thread to one that sleeps. */
GUEST64(is_sent, "movl $1, 0x80000; 1: sti; hlt; jmp 1b");

TEST_F(waits, hlt_interrupt)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x50 };
	struct abi_thread *thread;
	struct abi_vcpu *vcpu;

	if (!(variant->flags & ABI_IRQCHIP))
		SKIP(return, "needs a local APIC");
	vcpu = start(self->vm, &is_sent);
	abi_lapic_enable(vcpu);
	memcpy(self->vm->mem + 0x2000, "\346\344", 2);	/* G_DONE */
	abi_gate(vcpu, 0x50, 0x2000);
	thread = abi_thread_start(vcpu);
	abi_wait_for(self->vm, ABI_DATA, 1);
	EXPECT_IOCTL(1, self->vm->fd, KVM_SIGNAL_MSI, &msi);
	EXPECT_EQ(0, abi_thread_join(thread));
}

/* Neither of these two stays in the kernel, or comes to the user. */
GUEST64(others, "mov $1000, %ecx; 1: pause; loop 1b\n" G_SYNC
	"mov $0x80000, %eax; xor %ecx, %ecx; xor %edx, %edx; monitor\n"
	"xor %eax, %eax; sti; mwait; cli\n" G_DONE);

TEST_F(waits, pause_and_mwait)
{
	struct abi_vcpu *vcpu = start(self->vm, &others);

	abi_sync(vcpu);
	if (!(abi_cap(self->vm->dev, KVM_CAP_X86_DISABLE_EXITS) &
	      KVM_X86_DISABLE_EXITS_MWAIT))
		SKIP(return, "the CPU has no MONITOR for guests");
	abi_done(vcpu);
}

/* A CPU that sleeps by itself is kicked by nobody. */
TEST_F(waits, no_pv_unhalt)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(self->vm->dev);
	struct abi_vcpu *vcpu = abi_vcpu_create(self->vm, 0);

	abi_ok(vcpu->fd, KVM_GET_CPUID2, cpuid);
	EXPECT_EQ(0, abi_cpuid_find(cpuid, KVM_CPUID_FEATURES, 0)->eax &
		  (1 << KVM_FEATURE_PV_UNHALT));
}

/* Also where KVM's leaves are not the first ones of that kind. */
TEST_F(waits, no_pv_unhalt_elsewhere)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(self->vm->dev);
	struct abi_vcpu *vcpu = abi_vcpu_create(self->vm, 0);

	abi_cpuid_find(cpuid, KVM_CPUID_SIGNATURE, 0)->function = 0x40000100;
	abi_cpuid_find(cpuid, KVM_CPUID_FEATURES, 0)->function = 0x40000101;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	abi_ok(vcpu->fd, KVM_GET_CPUID2, cpuid);
	EXPECT_EQ(0, abi_cpuid_find(cpuid, 0x40000101, 0)->eax &
		  (1 << KVM_FEATURE_PV_UNHALT));
}

/* Later it is as before for those who were there, or not: it does no harm. */
TEST(disable_exits_late)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &ticks);

	EXPECT_EQ(0, abi_enable(vcpu->vm->fd, KVM_CAP_X86_DISABLE_EXITS,
				KVM_X86_DISABLE_EXITS_HLT));
	abi_gate(vcpu, G_TICKS_VECTOR, G_TICKS_HANDLER);
	for (int i = 0; i < 3; i++)
		abi_sync(vcpu);
}

GUEST64(platform_info, "1: mov $0xce, %ecx; rdmsr\n" G_REPORT "jmp 1b");
GUEST64(platform_info_write, "mov $0xce, %ecx; xor %eax, %eax; wrmsr\n" G_DONE);

TEST(msr_platform_info)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &platform_info);
	uint64_t value;

	EXPECT_EQ(1, abi_cap(vcpu->vm->dev, KVM_CAP_MSR_PLATFORM_INFO));
	EXPECT_EQ(0x80000000, abi_report(vcpu));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_PLATFORM_INFO, 0x80001200));
	EXPECT_EQ(0x80001200, abi_report(vcpu));
	EXPECT_EQ(0, abi_enable(vcpu->vm->fd, KVM_CAP_MSR_PLATFORM_INFO, 0));
	EXPECT_EQ(VECTOR_GP, abi_trapped(vcpu).vector);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_PLATFORM_INFO, &value));
	EXPECT_EQ(0x80001200, value);
	vcpu = abi_boot(ABI_LONG, &platform_info_write);
	EXPECT_EQ(VECTOR_GP, abi_trapped(vcpu).vector);
}

/* CPUID can be made to fault outside the kernel, if the first of them says so. */
GUEST64(cpuid_faults, "xor %eax, %eax; cpuid; mov $9, %eax\n" G_REPORT
	"push $0x43; push $0x8000; push $2; push $0x3b; push $0x2000; iretq");
GUEST64(user_cpuid, "xor %eax, %eax; cpuid; ud2");

TEST(cpuid_faulting)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &cpuid_faults);
	struct abi_trap trap;

	abi_load(vcpu->vm, 0x2000, &user_cpuid);
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_MISC_FEATURES, 2));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_MISC_FEATURES, 1));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_PLATFORM_INFO, 0));
	EXPECT_EQ(9, abi_report(vcpu));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(VECTOR_GP, trap.vector);
	EXPECT_EQ(0x2002, trap.rip);
	vcpu = abi_boot(ABI_LONG, &cpuid_faults);
	abi_load(vcpu->vm, 0x2000, &user_cpuid);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_PLATFORM_INFO, 0));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_MISC_FEATURES, 1));
	EXPECT_EQ(9, abi_report(vcpu));
	EXPECT_EQ(6, abi_trapped(vcpu).vector);
}

TEST(apic_bus_refused)
{
	struct abi_vm *vm = abi_vm_create(0);

	NEED_CAP(vm->dev, KVM_CAP_X86_APIC_BUS_CYCLES_NS);
	EXPECT_EQ(1, abi_cap(vm->dev, KVM_CAP_X86_APIC_BUS_CYCLES_NS));
	EXPECT_EQ(-ENXIO, abi_enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 40));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 0));
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS,
				      1 << 26));
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 1 << 24));
	abi_vcpu_create(vm, 0);
	EXPECT_EQ(-EINVAL, abi_enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 40));
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

GUEST64(counts, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $0xb, 0x3e0(%r8); movl $0x10045, 0x320(%r8)\n" G_SYNC
	"movl $0xffffffff, 0x380(%r8)\n" G_SYNC G_DONE);

/* 25 MHz; the count went on at least as long as it was seen to. */
TEST(apic_bus)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	uint64_t before, begun, seen, after, took;
	struct abi_vcpu *vcpu;

	NEED_CAP(vm->dev, KVM_CAP_X86_APIC_BUS_CYCLES_NS);
	ASSERT_EQ(0, abi_enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 40));
	vcpu = start(vm, &counts);
	abi_sync(vcpu);
	before = now_ns();
	abi_sync(vcpu);
	begun = now_ns();
	do {
		seen = now_ns();
	} while (seen < begun + 20000000);
	took = (0xffffffffull - abi_lapic_get(vcpu, 0x390)) * 40;
	after = now_ns();
	EXPECT_LE(seen - begun, took + 1000);
	EXPECT_GE(after - before + 1000, took);
}

TEST_HARNESS_MAIN
