// SPDX-License-Identifier: GPL-2.0
/*
 * The other paravirtual features: steal time, PV EOI, hypercalls, and their
 * presence in CPUID deciding on their MSRs.
 */
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "test.h"

GUEST64(turns, G_TURNS);
GUEST64(pauses, "1: nop\n" G_SYNC "jmp 1b");

#define MSR_STEAL	0x4b564d03
#define MSR_EOI		0x4b564d04

struct steal {
	uint64_t steal;
	uint32_t version, flags;
	uint8_t preempted, pad[47];
};

TEST(steal_time)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &pauses);
	struct steal *page = (void *)(vcpu->vm->mem + ABI_DATA);
	uint64_t value;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_STEAL, ABI_DATA | 1));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_STEAL, &value));
	EXPECT_EQ(ABI_DATA | 1, value);
	abi_sync(vcpu);
	EXPECT_NE(0, page->version);
	EXPECT_EQ(0, page->version & 1);
	EXPECT_EQ(0, page->flags);
	/* Not gone back, and not more than has passed. */
	EXPECT_GT(60000000000ull, page->steal);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_STEAL, 0));
	abi_sync(vcpu);
}

/* Another process takes the CPU meanwhile: the guest is told how long. */
TEST(steal_time_grows)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &pauses);
	struct steal *page = (void *)(vcpu->vm->mem + ABI_DATA);
	uint64_t before;
	cpu_set_t cpus;
	time_t end;
	pid_t pid;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_STEAL, ABI_DATA | 1));
	abi_sync(vcpu);
	before = page->steal;
	pid = fork();
	if (pid == 0)
		for (;;)
			;
	for (end = time(NULL) + 2; time(NULL) < end;)
		abi_sync(vcpu);
	kill(pid, SIGKILL);
	EXPECT_LT(before + 50000000, page->steal);
}

TEST(steal_time_refused)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &pauses);

	/* Bits 5 to 1 are reserved: the page is 64 bytes, aligned so. */
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_STEAL, ABI_DATA | 3));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_STEAL, ABI_DATA | 0x21));
}

/*
 * Bit 0 of the word says: no end of interrupt needed; the guest clears it.
 * The handler, two bytes into the guest, counts both ways at ABI_DATA + 4.
 */
GUEST64(eoi_turns, "jmp 77f; btrl $0, 0x80000; jnc 1f; incl 0x80004; jmp 2f\n"
	"1: incl 0x80008; push %rax; xor %eax, %eax\n"
	"movabs %eax, 0xfee000b0; pop %rax\n"
	"2: push $0x51; out %eax, $0xe1; add $8, %rsp; iretq\n" G_TURNS);

TEST(pv_eoi)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &eoi_turns);

	abi_gate(vcpu, 0x51, ABI_CODE + 2);
	abi_lapic_enable(vcpu);
	abi_ioapic_set(vcpu->vm, 17, 0x51);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_EOI, ABI_DATA | 1));
	for (int i = 0; i < 5; i++) {
		abi_irq_line(vcpu->vm, 17, 1);
		EXPECT_EQ(0x51, abi_turn_wait(vcpu));
		abi_irq_line(vcpu->vm, 17, 0);
		EXPECT_EQ(-1, abi_turn(vcpu));
		EXPECT_EQ(0, abi_peek(vcpu->vm, ABI_DATA));
		/* Ended either way. */
		EXPECT_EQ(0, abi_lapic_get(vcpu, 0x120));
	}
	EXPECT_EQ(5, abi_peek(vcpu->vm, ABI_DATA + 4) +
		     abi_peek(vcpu->vm, ABI_DATA + 8));
	VALUE("pv_eoi.used", "%d", abi_peek(vcpu->vm, ABI_DATA + 4) != 0);
}

/* A level interrupt needs its end: the word must not promise otherwise. */
TEST(pv_eoi_not_for_level)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &eoi_turns);

	abi_gate(vcpu, 0x51, ABI_CODE + 2);
	abi_lapic_enable(vcpu);
	abi_ioapic_set(vcpu->vm, 17, 0x51 | 1 << 15);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_EOI, ABI_DATA | 1));
	abi_irq_line(vcpu->vm, 17, 1);
	abi_irq_line(vcpu->vm, 17, 0);
	EXPECT_EQ(0x51, abi_turn_wait(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_peek(vcpu->vm, ABI_DATA + 4));
	EXPECT_EQ(1, abi_peek(vcpu->vm, ABI_DATA + 8));
}

TEST(pv_eoi_refused)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);

	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EOI, ABI_DATA | 3));
}

/* Hypercalls: numbers that nobody knows give -KVM_ENOSYS. */
GUEST64(hypercall, "mov $0x7777, %eax; vmmcall\n" G_REPORT
	"mov $0x7777, %eax; vmcall\n" G_REPORT G_DONE);

GUEST64(inits_the_other, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $1 << 24, 0x310(%r8); movl $0x4500, 0x300(%r8)\n" G_DONE);

/* Whoever starts the CPU anew may use the memory for something else. */
TEST(pages_end_with_init)
{
	/* The clock, steal time, EOI, page faults: by interrupt 0x60. */
	static const struct { uint32_t msr, value; } set[] = {
		{ 0x4b564d01, ABI_DATA | 1 },
		{ 0x4b564d03, (ABI_DATA + 0x1000) | 1 },
		{ 0x4b564d04, (ABI_DATA + 0x2000) | 1 },
		{ 0x4b564d06, 0x60 },
		{ 0x4b564d02, (ABI_DATA + 0x3000) | 9 },
	};
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP,
					&inits_the_other);
	struct abi_vcpu *vcpu = abi_vcpu_create(bsp->vm, 1);
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	uint64_t v;

	abi_ok(vcpu->fd, KVM_SET_MP_STATE, &state);
	abi_lapic_enable(bsp);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(1, abi_msr_set(vcpu->fd, set[i].msr, set[i].value));
	abi_done(bsp);
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_INIT_RECEIVED, state.mp_state);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(1, abi_msr_get(vcpu->fd, set[i].msr, &v));
		EXPECT_EQ(0, v);
	}
}

TEST(unknown_hypercall)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &hypercall);

	EXPECT_EQ(-1000, (int)abi_report(vcpu));
	/* The other vendor's instruction is patched or answered alike. */
	EXPECT_EQ(-1000, (int)abi_report(vcpu));
	abi_done(vcpu);
}

/*
 * KVM_HC_KICK_CPU, or an IPI with KVM's use of "remote read", ends a HLT also
 * with interrupts off: that of another CPU, or its next one.
 */
#define KICK(id) "mov $5, %eax; xor %ebx, %ebx; mov $" #id ", %ecx; vmmcall\n"

GUEST64(kicker, KICK(1) G_REPORT G_DONE);
GUEST64(kick_nobody, KICK(77) G_REPORT G_DONE);
GUEST64(kick_all, KICK(0xff) G_REPORT G_DONE);
GUEST64(kick_by_ipi, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $1 << 24, 0x310(%r8); movl $0x4300, 0x300(%r8)\n" G_DONE);
GUEST64(kicks_itself, KICK(0) "cli; hlt\n" G_DONE);
GUEST64(sleeper, "cli; mov $1, %eax\n" G_REPORT "hlt; mov $2, %eax\n" G_REPORT
	G_DONE);

static int mp_state(struct abi_vcpu *vcpu)
{
	struct kvm_mp_state state;

	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &state);
	return state.mp_state;
}

/* A second vCPU at 0x2000, which has not run yet. */
static struct abi_vcpu *second_of(struct abi_vcpu *bsp, uint32_t to)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(bsp->vm, 1);
	struct kvm_mp_state state = { to };

	abi_start_at(vcpu, 0x2000, &sleeper);
	abi_ok(vcpu->fd, KVM_SET_MP_STATE, &state);
	/* KVM finds a new vCPU by its id once something is set in an APIC. */
	abi_lapic_enable(bsp);
	return vcpu;
}

TEST(unhalt_is_offered)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(abi_open());

	EXPECT_TRUE(abi_cpuid_find(cpuid, 0x40000001, 0)->eax & 1 << 7);
}

TEST(kick_wakes)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &kicker);
	struct abi_vcpu *vcpu = second_of(bsp, KVM_MP_STATE_RUNNABLE);
	struct abi_thread *thread = abi_thread_start(vcpu);

	/* Whether it sleeps by then or is about to, it goes on. */
	while (abi_thread_count(thread) < 1)
		usleep(1000);
	usleep(20000);
	EXPECT_EQ(1, abi_thread_count(thread));
	EXPECT_EQ(0, abi_report(bsp));
	EXPECT_EQ(2, abi_thread_join(thread));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
}

TEST(kick_by_ipi_wakes)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &kick_by_ipi);
	struct abi_vcpu *vcpu = second_of(bsp, KVM_MP_STATE_HALTED);

	abi_done(bsp);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
}

TEST(kick_is_for_the_next_halt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &kicks_itself);

	abi_lapic_enable(vcpu);
	abi_done(vcpu);
}

TEST(kick_shows_in_mp_state)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &kicker);
	struct abi_vcpu *vcpu = second_of(bsp, KVM_MP_STATE_HALTED);

	EXPECT_EQ(KVM_MP_STATE_HALTED, mp_state(vcpu));
	EXPECT_EQ(0, abi_report(bsp));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
	EXPECT_EQ(1, abi_report(vcpu));
}

TEST(kick_of_nobody)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &kick_nobody);
	struct abi_vcpu *vcpu = second_of(bsp, KVM_MP_STATE_HALTED);

	EXPECT_EQ(0, abi_report(bsp));
	EXPECT_EQ(KVM_MP_STATE_HALTED, mp_state(vcpu));
}

TEST(kick_of_all)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &kick_all);
	struct abi_vcpu *vcpu = second_of(bsp, KVM_MP_STATE_HALTED);

	EXPECT_EQ(0, abi_report(bsp));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
}

/*
 * The same where HLT does not exit, of which CPUID should tell by leaving the
 * kick out, and does not if that comes late. Stock KVM loses such kicks; but
 * emulated CPUs end a HLT at any interrupt of the host's.
 */
GUEST64(sleeper_inside, "movl $1, 0x80000; sti; hlt; mov $2, %eax\n" G_REPORT
	G_DONE);
GUEST64(kicks_itself_inside, KICK(0) "sti; hlt; mov $3, %eax\n" G_REPORT G_DONE);

static void hlt_inside(struct abi_vm *vm)
{
	if (abi_enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS,
		       KVM_X86_DISABLE_EXITS_HLT))
		abi_die("HLT exits always");
}

TEST(kick_wakes_inside)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &kicker);
	struct abi_vcpu *vcpu = second_of(bsp, KVM_MP_STATE_RUNNABLE);
	struct abi_thread *thread;

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM loses it");
	abi_load(vcpu->vm, 0x2000, &sleeper_inside);
	hlt_inside(bsp->vm);
	thread = abi_thread_start(vcpu);
	abi_wait_for(bsp->vm, ABI_DATA, 1);
	EXPECT_EQ(0, abi_report(bsp));
	EXPECT_EQ(1, abi_thread_join(thread));
}

TEST(kick_is_for_the_next_halt_inside)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP,
					 &kicks_itself_inside);

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM loses it");
	abi_lapic_enable(vcpu);
	hlt_inside(vcpu->vm);
	EXPECT_EQ(3, abi_report(vcpu));
	abi_done(vcpu);
}

TEST(kick_without_irqchip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &kicker);

	EXPECT_EQ(0, abi_report(vcpu));
}

/* Without the feature in CPUID the guest's RDMSR gets #GP. */
GUEST64(read_msr, "mov $0x4b564d03, %ecx; rdmsr\n" G_DONE);

TEST(not_without_cpuid)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &read_msr);
	struct kvm_cpuid2 *cpuid;

	abi_done(vcpu);
	/* KVM obeys CPUID only if asked to. */
	NEED_CAP(vcpu->vm->dev, KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &read_msr);
	ASSERT_EQ(0, abi_enable(vcpu->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1));
	cpuid = abi_cpuid(vcpu->vm->dev);
	abi_cpuid_find(cpuid, 0x40000001, 0)->eax = 0;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	EXPECT_EQ(13, abi_trapped(vcpu).vector);
}

/*
 * A vCPU that is held to its CPUID, where another interface has the first
 * leaves, whose features would be all of KVM's, and KVM's have moved to @base.
 */
static struct abi_vcpu *behind_another(unsigned int base,
				       unsigned int features)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &read_msr);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	struct kvm_cpuid_entry2 *name, *leaf;

	if (abi_enable(vcpu->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1))
		abi_die("not held to CPUID");
	name = abi_cpuid_find(cpuid, 0x40000000, 0);
	leaf = abi_cpuid_find(cpuid, 0x40000001, 0);
	/* A table without KVM's name leaves KVM with the features of before. */
	leaf->eax = 0;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	cpuid->entries[cpuid->nent] = *name;
	cpuid->entries[cpuid->nent].function = base;
	cpuid->entries[cpuid->nent++].eax = base + 1;
	cpuid->entries[cpuid->nent] = *leaf;
	cpuid->entries[cpuid->nent].function = base + 1;
	cpuid->entries[cpuid->nent++].eax = features;
	name->ebx = 0x7263694d;	/* Micr */
	leaf->eax = ~0U;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	return vcpu;
}

TEST(features_behind_another)
{
	int dev = abi_open();

	NEED_CAP(dev, KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	abi_done(behind_another(0x40000100, 1 << 5));
	abi_done(behind_another(0x4000ff00, 1 << 5));
	EXPECT_EQ(13, abi_trapped(behind_another(0x40000100, 0)).vector);
	/* Where nobody looks for them. */
	EXPECT_EQ(13, abi_trapped(behind_another(0x40000080, ~0U)).vector);
	EXPECT_EQ(13, abi_trapped(behind_another(0x40010000, ~0U)).vector);
}

TEST_HARNESS_MAIN
