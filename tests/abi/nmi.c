// SPDX-License-Identifier: GPL-2.0
/*
 * NMIs and what they meet: an event that is delivered at the same time, an
 * interrupt shadow, another NMI's handler. What the hypervisor does to find the
 * right moment must not be seen by the guest: not in the flags that are pushed,
 * not in DR6.
 */
#include <signal.h>
#include <sys/time.h>

#include "test.h"

#define FLAG_TF		0x100
#define STUB(vector)	(ABI_STUBS + (vector) * 32)
#define VECTOR_GP	13
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082

static void on_alarm(int sig)
{
}

/* An NMI that waits, and what it meets, in @events. */
static void with_nmi(struct abi_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	events->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
	events->nmi.pending = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, events);
}

#define EXPECT_TRAP(vcpu, number, at) do {				\
	struct abi_trap __t = abi_trapped(vcpu);			\
	EXPECT_EQ(number, __t.vector);					\
	EXPECT_EQ(at, __t.rip);						\
	EXPECT_EQ(0, __t.flags & FLAG_TF);				\
} while (0)

GUEST64(nops, "nop; nop; nop\n" G_DONE);
GUEST64(if_on, "sti; nop; out %al, $0xe2; nop\n" G_DONE);

/* What the user says of NMIs is in place of those that came before. */
TEST(replaced_by_the_user)
{
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &nops);

	abi_ok(vcpu->fd, KVM_NMI, 0);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(0, abi_events(vcpu).nmi.pending);
	abi_done(vcpu);
	vcpu = abi_boot(ABI_LONG, &nops);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	events.flags = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(1, abi_events(vcpu).nmi.pending);
	EXPECT_TRAP(vcpu, 2, ABI_CODE);
	abi_done(vcpu);
}

/* The exception is first, and the NMI before its handler's first instruction. */
TEST(behind_exception)
{
	struct kvm_vcpu_events events = { .exception = {
		.injected = 1, .nr = VECTOR_GP, .has_error_code = 1,
		.error_code = 0x50 } };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &nops);
	struct abi_trap trap;

	with_nmi(vcpu, &events);
	EXPECT_TRAP(vcpu, 2, STUB(VECTOR_GP));
	trap = abi_trapped(vcpu);
	EXPECT_EQ(VECTOR_GP, trap.vector);
	EXPECT_EQ(0x50, trap.error);
	EXPECT_EQ(ABI_CODE, trap.rip);
	EXPECT_EQ(0, trap.flags & FLAG_TF);
	abi_done(vcpu);
}

TEST(behind_interrupt)
{
	struct kvm_vcpu_events events = { .interrupt = {
		.injected = 1, .nr = 0x40 } };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &if_on);

	abi_sync(vcpu);
	abi_pending(vcpu);
	with_nmi(vcpu, &events);
	EXPECT_TRAP(vcpu, 2, STUB(0x40));
	EXPECT_TRAP(vcpu, 0x40, ABI_CODE + 4);
	abi_done(vcpu);
}

/* One more, sent in the handler, comes right after its IRET. */
GUEST64(counts, "1: inc %ebx; jmp 1b");

TEST(behind_nmi)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &counts);
	struct abi_trap trap;

	abi_ok(vcpu->fd, KVM_NMI, 0);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(2, trap.vector);
	EXPECT_EQ(ABI_CODE, trap.rip);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	EXPECT_TRAP(vcpu, 2, ABI_CODE);
	EXPECT_EQ(0, abi_regs(vcpu).rbx);
	EXPECT_EQ(1, abi_events(vcpu).nmi.masked);
}

/*
 * The IRET finds its stack gone from the tables of the hypervisor: NMIs are
 * blocked until it has been executed, and the next comes behind it.
 */
TEST(behind_iret_that_waits_for_memory)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &counts);
	uint8_t *stack = vcpu->vm->mem + ABI_STACK - 0x1000;
	uint8_t copy[0x1000];

	abi_ok(vcpu->fd, KVM_NMI, 0);
	EXPECT_TRAP(vcpu, 2, ABI_CODE);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	abi_pending(vcpu);
	memcpy(copy, stack, sizeof(copy));
	ASSERT_EQ(0, madvise(stack, sizeof(copy), MADV_DONTNEED));
	memcpy(stack, copy, sizeof(copy));
	EXPECT_TRAP(vcpu, 2, ABI_CODE);
	EXPECT_EQ(0, abi_regs(vcpu).rbx);
	EXPECT_EQ(1, abi_events(vcpu).nmi.masked);
}

/* Of both the NMI is first, and the interrupt right behind its IRET. */
TEST(before_interrupt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &counts);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rflags |= 0x200;
	abi_set_regs(vcpu, &regs);
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	EXPECT_TRAP(vcpu, 2, ABI_CODE);
	EXPECT_TRAP(vcpu, 0x40, ABI_CODE);
	EXPECT_EQ(0, abi_regs(vcpu).rbx);
}

/* An NMI does not end a HLT in an NMI's handler, and a signal gets through. */
GUEST64(halts, "sti; 1: hlt; inc %ebx; jmp 1b");
GUEST64(handler_halts, "inc %esi; hlt; inc %edi\n" G_SYNC "iretq");

TEST(halt_in_handler)
{
	struct itimerval soon = { .it_value.tv_usec = 300000 };
	struct sigaction action = { .sa_handler = on_alarm };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &halts);
	struct kvm_regs regs;

	abi_load(vcpu->vm, 0x2000, &handler_halts);
	abi_gate(vcpu, 2, 0x2000);
	sigaction(SIGALRM, &action, NULL);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	abi_ok(vcpu->fd, KVM_NMI, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	regs = abi_regs(vcpu);
	EXPECT_EQ(1, regs.rsi);
	EXPECT_EQ(0, regs.rdi);
	EXPECT_EQ(1, abi_events(vcpu).nmi.masked);
	EXPECT_EQ(1, abi_events(vcpu).nmi.pending);
}

/*
 * The handler's IRET faults: NMIs are blocked until one that does not (AMD), or
 * no more (Intel), when the next comes before the fault's handler.
 */
GUEST64(bad_iret, "push $0; push $0x8000; push $2; push $0x33; push $0x2000\n"
	"iretq");

TEST(behind_faulting_iret)
{
	struct kvm_vcpu_events events = { .nmi.masked = 1 };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &bad_iret);
	struct abi_trap trap;

	with_nmi(vcpu, &events);
	trap = abi_trapped(vcpu);
	if (trap.vector == 2) {
		EXPECT_EQ(STUB(VECTOR_GP), trap.rip);
		trap = abi_trapped(vcpu);
	} else {
		EXPECT_EQ(1, abi_events(vcpu).nmi.masked);
	}
	EXPECT_EQ(VECTOR_GP, trap.vector);
	EXPECT_EQ(0x30, trap.error);
	EXPECT_EQ(ABI_CODE + 16, trap.rip);
	EXPECT_EQ(0, trap.flags & FLAG_TF);
	/* Let the handler return to something else. */
	abi_poke(vcpu->vm, trap.rsp + 16, 0x2100);
	memcpy(vcpu->vm->mem + 0x2100, "\x90\xe6\xe4", 3);
	if (abi_events(vcpu).nmi.pending)
		EXPECT_TRAP(vcpu, 2, 0x2100);
	abi_done(vcpu);
}

/*
 * In a shadow the event waits for one instruction. Where that pushes flags or
 * loads them, Lodge on AMD-V may have it come before; and after MOV SS another
 * one need not hold it back.
 */
FIXTURE(shadow) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(shadow) {
	const struct abi_guest *guest;
	int offset;		/* where the NMI comes, or -1: see above */
	int vector;		/* of the trap the guest's code makes, or -1 */
	uint32_t value;		/* what it reports, else */
};

#define SHADOW(name, off, trap, val, code)				\
	GUEST64(s_##name, code "\n" G_REPORT G_DONE);			\
	FIXTURE_VARIANT_ADD(shadow, name) { &s_##name, off, trap, val }

SHADOW(nop, 1, -1, 0, "nop; xor %eax, %eax");
SHADOW(pushf, -1, -1, 2, "pushf; pop %rax");
SHADOW(popf_clear, -1, -1, 2, "popf; pushf; pop %rax");
SHADOW(lahf, 1, -1, 2, "lahf; movzbl %ah, %eax");
SHADOW(int_n, -1, 0x77, 0, "int $0x77");
SHADOW(int3, -1, 3, 0, "int3");
SHADOW(undefined, -1, 6, 0, "ud2");
SHADOW(divide, -1, 0, 0, "div %ecx");
SHADOW(page_fault, -1, 14, 0, "mov 0x123456789a, %al");
SHADOW(iretq, -1, -1, 2, "iretq; nop; pushf; pop %rax");
SHADOW(syscall, -1, -1, 0x1002, "syscall");
SHADOW(mov_ss, -1, -1, 7, "mov %ebx, %ss; mov $7, %edx\nmov %edx, %eax");

FIXTURE_SETUP(shadow)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, variant->guest);
	struct kvm_regs regs = abi_regs(vcpu);
	uint64_t frame[] = { ABI_CODE + 2, ABI_CS64, 2, ABI_STACK - 64, 0 };

	self->vcpu = vcpu;
	/* What POPF and IRETQ find, and who else needs something. */
	if (variant->guest == &s_popf_clear)
		frame[0] = 2;
	regs.rsp = ABI_STACK - 256;
	regs.rbx = ABI_DS;
	memcpy(vcpu->vm->mem + regs.rsp, frame, sizeof(frame));
	abi_set_regs(vcpu, &regs);
	abi_msr_set(vcpu->fd, MSR_STAR, (uint64_t)ABI_CS64 << 32);
	abi_msr_set(vcpu->fd, MSR_LSTAR, 0x2000);
	/* mov %r11d, %eax; or $0x1000, %eax; out %eax, $0xe0; out %al, $0xe4 */
	memcpy(vcpu->vm->mem + 0x2000, "\x44\x89\xd8\x0d\x00\x10\x00\x00"
	       "\xe7\xe0\xe6\xe4", 12);
}

FIXTURE_TEARDOWN(shadow) { }

/* What was in DR6 before the step over a shadow is there after it. */
TEST(shadow_and_old_dr6)
{
	struct kvm_debugregs regs = { .dr6 = 0xffff4ff1, .dr7 = 0x400 };
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS,
	};
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &nops);

	abi_ok(vcpu->fd, KVM_SET_DEBUGREGS, &regs);
	with_nmi(vcpu, &events);
	EXPECT_TRAP(vcpu, 2, ABI_CODE + 1);
	abi_done(vcpu);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &regs);
	EXPECT_EQ(0xffff4ff1, regs.dr6);
}

/* Run on, from after the event's trap to what the guest's code ends with. */
static void shadow_end(struct __test_metadata *_metadata,
		       struct abi_vcpu *vcpu, uint32_t value, bool reports)
{
	struct kvm_debugregs regs;

	if (reports)
		EXPECT_EQ(value, abi_report(vcpu) & (FLAG_TF | 0x1007));
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &regs);
	EXPECT_EQ(0, regs.dr6 & 0xe00f);
	EXPECT_EQ(0, abi_regs(vcpu).rflags & FLAG_TF);
	EXPECT_EQ(0xd01, abi_sregs(vcpu).efer);
}

/* The event's trap and the code's own, in either order. */
static void shadow_traps(struct __test_metadata *_metadata,
			 struct abi_vcpu *vcpu, int event, int own, int offset)
{
	bool seen = false, seen_own = own < 0;
	struct abi_trap trap;

	while (!seen || !seen_own) {
		trap = abi_trapped(vcpu);
		EXPECT_EQ(0, trap.flags & FLAG_TF);
		ASSERT_TRUE((int)trap.vector == event ||
			    (int)trap.vector == own);
		if ((int)trap.vector == own)
			seen_own = true;
		else
			seen = true;
		if ((int)trap.vector == event && offset >= 0)
			EXPECT_EQ(ABI_CODE + offset, trap.rip);
	}
}

TEST_F(shadow, nmi)
{
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS,
	};

	with_nmi(self->vcpu, &events);
	shadow_traps(_metadata, self->vcpu, 2, variant->vector,
		     variant->offset);
	shadow_end(_metadata, self->vcpu, variant->value, variant->vector < 0);
}

TEST_F(shadow, interrupt)
{
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = KVM_X86_SHADOW_INT_STI,
	};
	struct kvm_regs regs = abi_regs(self->vcpu);
	struct kvm_interrupt irq = { .irq = 0x40 };

	if (variant->guest == &s_popf_clear || variant->guest == &s_iretq ||
	    variant->guest == &s_syscall)
		SKIP(return, "IF is clear after it: the interrupt may not come");
	regs.rflags |= 0x200;
	abi_set_regs(self->vcpu, &regs);
	abi_ok(self->vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_ok(self->vcpu->fd, KVM_INTERRUPT, &irq);
	shadow_traps(_metadata, self->vcpu, 0x40, variant->vector,
		     variant->offset);
	shadow_end(_metadata, self->vcpu, variant->value, variant->vector < 0);
}

TEST_HARNESS_MAIN
