// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_GUEST_DEBUG: breakpoints, single steps, injected #DB and #BP. What
 * the debugger needs is hidden from the guest.
 */
#include <asm/kvm.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>

#include "test.h"

#define ENABLE		KVM_GUESTDBG_ENABLE
#define STEP		(ENABLE | KVM_GUESTDBG_SINGLESTEP)
#define STEP_NOIRQ	(STEP | KVM_GUESTDBG_BLOCKIRQ)
#define DR6_BS		0x4000
#define FLAG_TF		0x100
#define FLAG_IF		0x200
#define STUB(vector)	(ABI_STUBS + (vector) * 32)
#define AT(offset)	(ABI_CODE + (offset))

static int debug(struct abi_vcpu *vcpu, uint32_t control)
{
	struct kvm_guest_debug d = { .control = control };

	return abi_ioctlp(vcpu->fd, KVM_SET_GUEST_DEBUG, &d);
}

/* Run on: the debugger is told, and of this exception. */
#define EXPECT_DEBUG(vcpu, vector, at) do {				\
	struct kvm_debug_exit_arch *__a = &(vcpu)->run->debug.arch;	\
	ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));			\
	EXPECT_EQ(vector, __a->exception);				\
	EXPECT_EQ(at, __a->pc);						\
	EXPECT_EQ(at, abi_regs(vcpu).rip);				\
	if ((vector) == 1)						\
		EXPECT_NE(0, __a->dr6 & 0x400f);			\
} while (0)

#define EXPECT_STEP(vcpu, offset)	EXPECT_DEBUG(vcpu, 1, AT(offset))

GUEST64(plain, "nop; nop; nop\n" G_DONE);

TEST(values)
{
	int dev = abi_open();

	EXPECT_EQ(1, abi_cap(dev, KVM_CAP_SET_GUEST_DEBUG));
	EXPECT_EQ(0x1f0003, abi_cap(dev, KVM_CAP_SET_GUEST_DEBUG2));
	EXPECT_EQ(1, abi_cap(dev, KVM_CAP_X86_ROBUST_SINGLESTEP));
}

GUEST64(int_n, "nop; int $0x50; nop\n" G_DONE);

struct late { int uffd; pthread_t runs; void *page; };

static void on_signal(int sig)
{
}

/* Memory that is asked for comes, and a signal with it. */
static void *late_memory(void *arg)
{
	struct late *late = arg;
	struct uffd_msg msg;
	struct uffdio_zeropage zero = { .range = {
		.start = (unsigned long)late->page, .len = 0x1000 } };

	if (read(late->uffd, &msg, sizeof(msg)) != sizeof(msg))
		return NULL;
	pthread_kill(late->runs, SIGUSR1);
	return ioctl(late->uffd, UFFDIO_ZEROPAGE, &zero) ? NULL : arg;
}

/*
 * A VM that is saved while an INT n waits for its stack executes it where it is
 * loaded, and once. For a debugger's sake it may have been emulated.
 */
TEST(saved_within_software_interrupt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &int_n);
	struct late late = { .runs = pthread_self(),
			     .page = vcpu->vm->mem + ABI_STACK - 0x1000 };
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	struct abi_trap trap;
	pthread_t thread;
	struct sigaction action = { .sa_handler = on_signal };
	void *ok = NULL;

	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, madvise(late.page, 0x1000, MADV_DONTNEED));
	late.uffd = abi_hold(late.page, 0x1000);
	ASSERT_LE(0, late.uffd);
	pthread_create(&thread, NULL, late_memory, &late);
	EXPECT_EQ(0, debug(vcpu, ENABLE | KVM_GUESTDBG_USE_SW_BP));
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	pthread_join(thread, &ok);
	ASSERT_NE(NULL, ok);
	regs = abi_regs(vcpu);
	events = abi_events(vcpu);
	EXPECT_EQ(AT(1), regs.rip);
	EXPECT_EQ(0, events.interrupt.injected);
	abi_set_regs(vcpu, &regs);
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x50, trap.vector);
	EXPECT_EQ(AT(3), trap.rip);
	abi_done(vcpu);
}

GUEST64(int3, "nop; int3; nop\n" G_DONE);

TEST(software_breakpoint)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &int3);
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, ENABLE | KVM_GUESTDBG_USE_SW_BP));
	EXPECT_DEBUG(vcpu, 3, AT(1));
	EXPECT_DEBUG(vcpu, 3, AT(1));		/* it is still there */
	EXPECT_EQ(0, debug(vcpu, 0));
	trap = abi_trapped(vcpu);		/* the guest's own now */
	EXPECT_EQ(3, trap.vector);
	EXPECT_EQ(AT(2), trap.rip);
	abi_done(vcpu);
}

/* One that is the guest's: the debugger gives it back. */
TEST(inject_bp)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &int3);
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, ENABLE | KVM_GUESTDBG_USE_SW_BP));
	EXPECT_DEBUG(vcpu, 3, AT(1));
	EXPECT_EQ(0, debug(vcpu, ENABLE | KVM_GUESTDBG_USE_SW_BP |
			   KVM_GUESTDBG_INJECT_BP));
	/* One that waits keeps out the next. */
	EXPECT_EQ(-EBUSY, debug(vcpu, KVM_GUESTDBG_INJECT_BP));
	EXPECT_EQ(-EBUSY, debug(vcpu, KVM_GUESTDBG_INJECT_DB));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(3, trap.vector);
	EXPECT_EQ(AT(2), trap.rip);
	abi_done(vcpu);
}

/* The same by KVM_SET_VCPU_EVENTS. */
TEST(event_bp)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &int3);
	struct kvm_vcpu_events e;
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, ENABLE | KVM_GUESTDBG_USE_SW_BP));
	EXPECT_DEBUG(vcpu, 3, AT(1));
	e = abi_events(vcpu);
	e.exception.injected = 1;
	e.exception.nr = 3;
	e.exception.has_error_code = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(3, trap.vector);
	EXPECT_EQ(AT(2), trap.rip);
	abi_done(vcpu);
}

TEST(inject_db)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &plain);
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, KVM_GUESTDBG_INJECT_DB));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(1, trap.vector);
	EXPECT_EQ(AT(0), trap.rip);
	abi_done(vcpu);
}

/* Executed by the CPU, by the hypervisor, for the user. */
GUEST64(kinds, "nop; cpuid; xor %eax, %eax\n" G_SYNC "nop; mov 0xd0000, %al\n"
	"nop; rdmsr\n" G_DONE);

TEST(step)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &kinds);
	struct kvm_debugregs dr;

	EXPECT_EQ(0, debug(vcpu, STEP));
	EXPECT_STEP(vcpu, 1);
	EXPECT_EQ(DR6_BS, vcpu->run->debug.arch.dr6 & 0xe00f);
	EXPECT_EQ(0x400, vcpu->run->debug.arch.dr7);
	EXPECT_STEP(vcpu, 3);
	EXPECT_STEP(vcpu, 5);
	EXPECT_EQ(0, abi_regs(vcpu).rflags & FLAG_TF);
	abi_sync(vcpu);				/* first what OUT has for him */
	EXPECT_STEP(vcpu, 7);
	EXPECT_STEP(vcpu, 8);
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	vcpu->run->mmio.data[0] = 0x77;
	EXPECT_STEP(vcpu, 15);
	EXPECT_EQ(0x77, abi_regs(vcpu).rax & 0xff);
	EXPECT_STEP(vcpu, 16);
	/* The guest's own debug registers know nothing of it. */
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	EXPECT_EQ(0xffff0ff0, dr.dr6);
	EXPECT_EQ(0x400, dr.dr7);
	EXPECT_EQ(0, debug(vcpu, 0));
	EXPECT_EQ(13, abi_trapped(vcpu).vector);	/* MSR 0xe.. is none */
}

/* A step that is due, and no one wants any more. */
TEST(step_given_up)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &kinds);

	EXPECT_EQ(0, debug(vcpu, STEP));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));
	abi_sync(vcpu);
	EXPECT_EQ(0, debug(vcpu, 0));
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
}

/* Shadows: one step over each instruction, at most two over MOV SS. */
GUEST64(shadows, "sti; nop; cli; nop; mov %ebx, %ss; nop; nop\n" G_DONE);

TEST(step_shadows)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &shadows);
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rbx = ABI_DS;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(0, debug(vcpu, STEP));
	for (int i = 1; i <= 4; i++)
		EXPECT_STEP(vcpu, i);
	ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));
	if (vcpu->run->debug.arch.pc == AT(6))
		ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));
	EXPECT_EQ(AT(7), vcpu->run->debug.arch.pc);
	EXPECT_STEP(vcpu, 8);
	EXPECT_EQ(0, debug(vcpu, 0));
	abi_done(vcpu);
}

/* An interrupt that waits behind STI comes not before the shadow's end. */
TEST(step_shadow_interrupt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &shadows);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, STEP));
	EXPECT_STEP(vcpu, 1);
	EXPECT_IOCTL(0, vcpu->fd, KVM_INTERRUPT, &irq);
	EXPECT_STEP(vcpu, 2);
	EXPECT_DEBUG(vcpu, 1, STUB(0x40));	/* delivery is a step, too */
	EXPECT_EQ(0, debug(vcpu, 0));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x40, trap.vector);
	EXPECT_EQ(AT(2), trap.rip);
	EXPECT_EQ(0, trap.flags & FLAG_TF);
}

TEST(step_blockirq)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &plain);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rflags |= FLAG_IF;
	abi_set_regs(vcpu, &regs);
	EXPECT_IOCTL(0, vcpu->fd, KVM_INTERRUPT, &irq);
	EXPECT_EQ(0, debug(vcpu, STEP_NOIRQ));
	EXPECT_STEP(vcpu, 1);
	EXPECT_STEP(vcpu, 2);
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_STEP(vcpu, 3);
	EXPECT_EQ(0, debug(vcpu, 0));
	EXPECT_EQ(2, abi_trapped(vcpu).vector);
	EXPECT_EQ(0x40, abi_trapped(vcpu).vector);
	abi_done(vcpu);
}

/* Nor does it come from an APIC, though the CPU may have that. */
TEST(step_blockirq_apic)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &plain);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };
	struct kvm_regs regs = abi_regs(vcpu);
	struct kvm_lapic_state lapic;

	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	*(__u32 *)(lapic.regs + 0xf0) = 0x1ff;		/* SVR: enabled */
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	regs.rflags |= FLAG_IF;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(0, debug(vcpu, STEP_NOIRQ));
	EXPECT_IOCTL(1, vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
	EXPECT_STEP(vcpu, 1);
	EXPECT_STEP(vcpu, 2);
	EXPECT_EQ(0, debug(vcpu, 0));
	EXPECT_EQ(0x41, abi_trapped(vcpu).vector);
	abi_done(vcpu);
}

/* The guest does not see that it is stepped. */
GUEST64(flags, "pushf; pop %rax; push $0x202; popf; nop; pushf; pop %rcx\n"
	"int $0x50; nop\n" G_DONE);

TEST(step_hidden)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &flags);
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, STEP));
	EXPECT_STEP(vcpu, 1);
	EXPECT_STEP(vcpu, 2);
	EXPECT_EQ(0, abi_regs(vcpu).rax & FLAG_TF);
	EXPECT_STEP(vcpu, 7);
	EXPECT_STEP(vcpu, 8);
	EXPECT_EQ(FLAG_IF, abi_regs(vcpu).rflags & (FLAG_IF | FLAG_TF));
	EXPECT_STEP(vcpu, 9);
	EXPECT_STEP(vcpu, 10);
	EXPECT_STEP(vcpu, 11);
	EXPECT_EQ(FLAG_IF, abi_regs(vcpu).rcx & (FLAG_IF | FLAG_TF));
	EXPECT_DEBUG(vcpu, 1, STUB(0x50));
	EXPECT_EQ(0, debug(vcpu, 0));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x50, trap.vector);
	EXPECT_EQ(AT(13), trap.rip);
	EXPECT_EQ(FLAG_IF, trap.flags & (FLAG_IF | FLAG_TF));
	/* And back, over the handler's IRET. */
	EXPECT_EQ(0, debug(vcpu, STEP));
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));
		if (vcpu->run->debug.arch.pc == AT(13))
			break;
	}
	EXPECT_EQ(AT(13), abi_regs(vcpu).rip);
	EXPECT_STEP(vcpu, 14);
	EXPECT_EQ(0, debug(vcpu, 0));
	abi_done(vcpu);
}

FIXTURE(fault) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(fault) {
	const struct abi_guest *guest;
	int vector;
	uint32_t error;
};

#define FAULT(name, nr, err, code)					\
	GUEST64(f_##name, "nop;" code "\n" G_DONE);			\
	FIXTURE_VARIANT_ADD(fault, name) { &f_##name, nr, err }

FAULT(undefined, 6, 0, "ud2");
FAULT(page_fault, 14, 0, "mov 0x123456789a, %al");
FAULT(protection, 13, 0x30, "mov $0x30, %eax; mov %eax, %fs");
FAULT(divide, 0, 0, "xor %ecx, %ecx; div %ecx");

FIXTURE_SETUP(fault) { self->vcpu = abi_boot(ABI_LONG, variant->guest); }
FIXTURE_TEARDOWN(fault) { }

/* An exception's delivery is a step; nothing else of it is different. */
TEST_F(fault, step)
{
	struct abi_vcpu *vcpu = self->vcpu;
	struct abi_trap trap;

	EXPECT_EQ(0, debug(vcpu, STEP));
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));
		if (vcpu->run->debug.arch.pc >= ABI_STUBS)
			break;
	}
	EXPECT_EQ(STUB(variant->vector), abi_regs(vcpu).rip);
	EXPECT_EQ(0, debug(vcpu, 0));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(variant->vector, trap.vector);
	EXPECT_EQ(variant->error, trap.error);
	EXPECT_EQ(0, trap.flags & FLAG_TF);
	if (variant->vector == 14)
		EXPECT_EQ(0x123456789a, abi_sregs(vcpu).cr2);
}

GUEST64(halts, "nop; hlt; nop\n" G_DONE);

TEST(step_hlt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &halts);
	struct kvm_mp_state mp;

	EXPECT_EQ(0, debug(vcpu, STEP));
	EXPECT_STEP(vcpu, 1);
	EXPECT_STEP(vcpu, 2);
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &mp);
	EXPECT_EQ(KVM_MP_STATE_HALTED, mp.mp_state);
	EXPECT_IOCTL(0, vcpu->fd, KVM_NMI, 0);
	EXPECT_EQ(0, debug(vcpu, 0));
	EXPECT_EQ(2, abi_trapped(vcpu).vector);
	abi_done(vcpu);
}

GUEST64(system_call, "syscall; nop\n" G_DONE);

TEST(step_syscall)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &system_call);

	abi_msr_set(vcpu->fd, 0xc0000081, (uint64_t)ABI_CS64 << 32);
	abi_msr_set(vcpu->fd, 0xc0000082, 0x2000);
	abi_msr_set(vcpu->fd, 0xc0000084, FLAG_TF | FLAG_IF);
	memcpy(vcpu->vm->mem + 0x2000, "\x90\x90\xe6\xe4", 4);
	EXPECT_EQ(0, debug(vcpu, STEP));
	EXPECT_DEBUG(vcpu, 1, 0x2000);
	EXPECT_EQ(0, abi_regs(vcpu).r11 & FLAG_TF);
	EXPECT_EQ(AT(2), abi_regs(vcpu).rcx);
	EXPECT_DEBUG(vcpu, 1, 0x2001);
	EXPECT_EQ(0, debug(vcpu, 0));
	abi_done(vcpu);
}

/*
 * The user's breakpoints, in place of the guest's. Elsewhere than other guests
 * are: see breakpoint_traps of debugregs.c.
 */
#define ELSEWHERE	0x2b00
#define WATCHED		0x9f000
GUEST64(watched, "nop; nop; movl $1, 0x9f000; nop; mov %dr7, %rax\n" G_DONE);

static void set_breakpoint(struct abi_vcpu *vcpu, uint64_t at, uint64_t dr7)
{
	struct kvm_guest_debug d = {
		.control = ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg = { [1] = at, [7] = dr7 },
	};

	abi_ok(vcpu->fd, KVM_SET_GUEST_DEBUG, &d);
}

TEST(hardware_breakpoint)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &watched);
	struct kvm_regs regs = abi_regs(vcpu);
	struct kvm_debugregs dr;

	abi_load(vcpu->vm, ELSEWHERE, &watched);
	regs.rip = ELSEWHERE;
	abi_set_regs(vcpu, &regs);
	set_breakpoint(vcpu, ELSEWHERE + 1, 0x404);
	EXPECT_DEBUG(vcpu, 1, ELSEWHERE + 1);
	EXPECT_EQ(2, vcpu->run->debug.arch.dr6 & 0xf);
	EXPECT_EQ(0x404, vcpu->run->debug.arch.dr7);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	EXPECT_EQ(0xffff0ff0, dr.dr6);
	EXPECT_EQ(0x400, dr.dr7);
	EXPECT_EQ(0, dr.db[1]);
	/* Writes of four bytes. */
	set_breakpoint(vcpu, WATCHED, 0xd00404);
	EXPECT_DEBUG(vcpu, 1, ELSEWHERE + 13);
	EXPECT_EQ(2, vcpu->run->debug.arch.dr6 & 0xf);
	EXPECT_EQ(1, abi_peek(vcpu->vm, WATCHED));
	abi_done(vcpu);
	EXPECT_EQ(0x400, abi_regs(vcpu).rax);
}

/* The user is told before the guest touches a debug register. */
TEST(general_detect)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &watched);
	struct kvm_regs regs = abi_regs(vcpu);

	abi_load(vcpu->vm, ELSEWHERE, &watched);
	regs.rip = ELSEWHERE;
	abi_set_regs(vcpu, &regs);
	set_breakpoint(vcpu, 0, 0x2400);
	ASSERT_EQ(KVM_EXIT_DEBUG, abi_exit(vcpu));
	EXPECT_EQ(1, vcpu->run->debug.arch.exception);
	EXPECT_EQ(ELSEWHERE + 14, vcpu->run->debug.arch.pc);
	EXPECT_EQ(0xffff2ff0, vcpu->run->debug.arch.dr6);
	EXPECT_EQ(0x2400, vcpu->run->debug.arch.dr7);
	set_breakpoint(vcpu, 0, 0x400);
	abi_done(vcpu);
	EXPECT_EQ(0x400, abi_regs(vcpu).rax);
}

TEST(refused)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &plain);

	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_GUEST_DEBUG, 8);
	/* Without ENABLE it is nothing. */
	EXPECT_EQ(0, debug(vcpu, KVM_GUESTDBG_SINGLESTEP));
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
