// SPDX-License-Identifier: GPL-2.0
/*
 * Several vCPUs: INIT and SIPI, IPIs of each kind, NMIs, x2APIC, locked
 * memory between them.
 */
#include "test.h"

#define APIC "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"

/* Sends ICR low EAX to the APIC id in EBX, again at each turn. */
#define SEND(id, low)							\
	"movl $" #id " << 24, 0x310(%r8); movl $" #low ", 0x300(%r8)\n"

/* The second processor begins at 0x9000 in real mode. */
GUEST16(ap, "mov %cs, %ax; movzx %ax, %eax\n" G_REPORT
	"mov %cr0, %eax\n" G_REPORT "mov %edx, %eax\n" G_REPORT G_DONE);

GUEST64(starter, APIC SEND(1, 0x4500) SEND(1, 0x4609) SEND(1, 0x4609) G_DONE);

static struct abi_vcpu *boot2(const struct abi_guest *bsp,
			      struct abi_vcpu **second)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, bsp);

	*second = abi_vcpu_create(vcpu->vm, 1);
	return vcpu;
}

TEST(init_and_sipi)
{
	struct abi_vcpu *second, *bsp = boot2(&starter, &second);
	struct abi_thread *thread;
	const uint32_t *reports;
	struct kvm_mp_state state;

	abi_load(bsp->vm, 0x9000, &ap);
	thread = abi_thread_start(second);
	abi_done(bsp);
	EXPECT_EQ(3, abi_thread_join(thread));
	reports = abi_thread_reports(thread);
	EXPECT_EQ(0x900, reports[0]);
	EXPECT_EQ(0x60000010, reports[1]);
	VALUE("ap.rdx", "%#x", reports[2]);
	abi_ok(second->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, state.mp_state);
}

/* One with a number of more than 8 bits, still in xAPIC mode, by an x2APIC. */
GUEST64(far_starter, "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr\n"
	"mov $0x80f, %ecx; mov $0x1ff, %eax; xor %edx, %edx; wrmsr\n"
	"mov $0x830, %ecx; mov $300, %edx; mov $0x4500, %eax; wrmsr\n"
	"mov $0x4609, %eax; wrmsr; wrmsr\n" G_DONE);

TEST(init_and_sipi_far)
{
	struct abi_vcpu *bsp = abi_boot(ABI_LONG | ABI_IRQCHIP, &far_starter);
	struct abi_vcpu *near, *far;
	struct kvm_mp_state state;

	ASSERT_EQ(0, abi_enable(bsp->vm->fd, KVM_CAP_X2APIC_API, 3));
	near = abi_vcpu_create(bsp->vm, 300 & 0xff);
	far = abi_vcpu_create(bsp->vm, 300);
	abi_load(bsp->vm, 0x9000, &ap);
	abi_done(bsp);
	EXPECT_EQ(-EAGAIN, abi_run(far));
	EXPECT_EQ(0x900, abi_report(far));
	abi_ok(near->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, state.mp_state);
}

/* Before it runs, KVM_RUN tells once that it was woken. */
TEST(eagain_on_wake_up)
{
	struct abi_vcpu *second, *bsp = boot2(&starter, &second);

	abi_load(bsp->vm, 0x9000, &ap);
	abi_done(bsp);
	EXPECT_EQ(-EAGAIN, abi_run(second));
	EXPECT_EQ(0x900, abi_report(second));
}

/* The start is also seen by the VMM, without running it. */
TEST(start_seen_through_mp_state)
{
	struct abi_vcpu *second, *bsp = boot2(&starter, &second);
	struct kvm_mp_state state;

	abi_done(bsp);
	abi_ok(second->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, state.mp_state);
	EXPECT_EQ(0x9000, abi_sregs(second).cs.base);
	EXPECT_EQ(0x900, abi_sregs(second).cs.selector);
	EXPECT_EQ(0, abi_regs(second).rip);
}

/* INIT puts a running vCPU back to waiting, its registers to their reset. */
GUEST64(init_only, APIC SEND(1, 0x4500) G_DONE);

TEST(init_stops)
{
	struct abi_vcpu *second, *bsp = boot2(&init_only, &second);
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };

	abi_vcpu_mode(second, ABI_LONG);
	abi_ok(second->fd, KVM_SET_MP_STATE, &state);
	abi_done(bsp);
	abi_ok(second->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_INIT_RECEIVED, state.mp_state);
	EXPECT_EQ(0, abi_sregs(second).efer);
	EXPECT_EQ(0xfff0, abi_regs(second).rip);
}

/* SIPI to one that runs is ignored. */
GUEST64(sipi_only, APIC SEND(1, 0x4609) G_DONE);

TEST(sipi_without_init)
{
	struct abi_vcpu *second, *bsp = boot2(&sipi_only, &second);
	struct kvm_mp_state state;

	abi_done(bsp);
	abi_ok(second->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, state.mp_state);
}

/* Two running: the second takes turns, the first sends. */
GUEST64(turns, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n" G_TURNS);

static void start_second(struct abi_vcpu *second)
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };

	abi_start_at(second, 0x2000, &turns);
	abi_ok(second->fd, KVM_SET_MP_STATE, &state);
	abi_turn(second);
}

FIXTURE(ipi) { struct abi_vcpu *bsp, *second; };
FIXTURE_VARIANT(ipi) { const struct abi_guest *guest; int vector; };

#define IPI(name, code, vec)						\
	GUEST64(g_##name, APIC code G_DONE);				\
	FIXTURE_VARIANT_ADD(ipi, name) { &g_##name, vec }

IPI(fixed_physical, SEND(1, 0x4071), 0x71);
IPI(fixed_broadcast, SEND(0xff, 0x4072), 0x72);
IPI(all_but_self, SEND(0, 0xc4073), 0x73);
IPI(all_with_self, SEND(0, 0x84074), 0x74);
IPI(logical_flat, SEND(0x20, 0x4875), 0x75);
IPI(lowest_priority, SEND(0x20, 0x4976), 0x76);
IPI(to_nobody, SEND(7, 0x4077), -1);
IPI(self_only, SEND(0, 0x44078), -1);
IPI(nmi, SEND(1, 0x4400), 2);

FIXTURE_SETUP(ipi)
{
	self->bsp = boot2(variant->guest, &self->second);
	start_second(self->second);
	abi_lapic_set(self->second, 0xd0, 0x20000000);
}

FIXTURE_TEARDOWN(ipi) { }

TEST_F(ipi, arrives)
{
	EXPECT_EQ(-1, abi_turn(self->second));
	abi_done(self->bsp);
	EXPECT_EQ(variant->vector, abi_turn(self->second));
	EXPECT_EQ(-1, abi_turn(self->second));
}

GUEST64(sends_itself, APIC SEND(0, 0x44079) "77: sti; nop; nop; cli\n" G_SYNC);

TEST(self_ipi)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &sends_itself);

	EXPECT_EQ(0x79, abi_turn(vcpu));
}

/* Halted in a thread, woken by the other's IPI. */
GUEST64(sleeper, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"mov $0x80000, %ebx; movl $1, (%rbx); sti; hlt; cli\n" G_DONE);

TEST(ipi_wakes_hlt)
{
	struct abi_vcpu *second, *bsp = boot2(&g_fixed_physical, &second);
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct abi_thread *thread;

	abi_start_at(second, 0x2000, &sleeper);
	abi_ok(second->fd, KVM_SET_MP_STATE, &state);
	thread = abi_thread_start(second);
	abi_wait_for(bsp->vm, ABI_DATA, 1);
	usleep(20000);
	abi_done(bsp);
	abi_thread_join(thread);
}

/* KVM_NMI, blocked until IRET, one more held meanwhile. */
GUEST64(slow, "1: nop\n" G_SYNC "jmp 1b");

TEST(kvm_nmi)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &slow);

	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_EQ(2, abi_turn(vcpu));
	/* In the handler: the next waits for its IRET, further ones merge. */
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_EQ(2, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(kvm_nmi_without_irqchip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &slow);

	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_EQ(2, abi_turn(vcpu));
}

/* Both add a million times under LOCK: no addition is lost. */
GUEST64(adder, "mov $0x80000, %ebx; lock incl 4(%rbx)\n"
	"1: cmpl $2, 4(%rbx); jb 1b; mov $200000, %ecx\n"
	"2: lock incl (%rbx); dec %ecx; jnz 2b\n" G_DONE);

TEST(locked_adds)
{
	struct abi_vcpu *second, *bsp = boot2(&adder, &second);
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct abi_thread *a, *b;

	abi_vcpu_mode(second, ABI_LONG);
	abi_ok(second->fd, KVM_SET_MP_STATE, &state);
	a = abi_thread_start(bsp);
	b = abi_thread_start(second);
	abi_thread_join(a);
	abi_thread_join(b);
	EXPECT_EQ(400000, abi_peek(bsp->vm, ABI_DATA));
}

TEST_HARNESS_MAIN
