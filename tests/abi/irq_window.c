// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts without an in-kernel controller: KVM_INTERRUPT, the interrupt
 * window, what kvm_run says of the guest's readiness, CR8.
 */
#include "test.h"

GUEST16(window, "cli; out %al, $0xe2; sti; nop; out %al, $0xe2; cli\n"
	"out %al, $0xe2\n" G_DONE);

TEST(if_flag_and_ready)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &window);
	struct kvm_run *run = vcpu->run;

	abi_sync(vcpu);
	EXPECT_EQ(0, run->if_flag);
	EXPECT_EQ(0, run->ready_for_interrupt_injection);
	abi_sync(vcpu);
	EXPECT_EQ(1, run->if_flag);
	abi_sync(vcpu);
	EXPECT_EQ(0, run->if_flag);
	abi_done(vcpu);
}

GUEST16(sti_spin, "cli; out %al, $0xe2; sti; nop; nop; jmp .");

TEST(window_opens)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_spin);
	struct kvm_run *run = vcpu->run;

	abi_sync(vcpu);
	EXPECT_EQ(0, run->if_flag);
	run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	EXPECT_EQ(1, run->ready_for_interrupt_injection);
	EXPECT_EQ(1, run->if_flag);
	/* After STI and the instruction in its shadow. */
	EXPECT_LE(ABI_CODE + 5, abi_regs(vcpu).rip);
}

TEST(interrupt_is_delivered)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_spin);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct abi_trap trap;

	abi_sync(vcpu);
	vcpu->run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	vcpu->run->request_interrupt_window = 0;
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x40, trap.vector);
	EXPECT_LE(ABI_CODE + 5, trap.rip);
}

/* One given while interrupts are off waits for them to be on. */
TEST(interrupt_waits)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_spin);
	struct kvm_interrupt irq = { .irq = 0x41 };
	struct abi_trap trap;

	abi_sync(vcpu);
	abi_pending(vcpu);
	vcpu->run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	EXPECT_EQ(1, vcpu->run->ready_for_interrupt_injection);
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	EXPECT_EQ(1ull << 1, abi_sregs(vcpu).interrupt_bitmap[1]);
	vcpu->run->request_interrupt_window = 0;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x41, trap.vector);
	EXPECT_EQ(0, abi_sregs(vcpu).interrupt_bitmap[1]);
}

/* A fault on the way to the handler comes in its place: the interrupt is gone. */
GUEST64(sti_jump, "sti; nop; jmp .");

TEST(interrupt_without_gate)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &sti_jump);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct abi_trap trap;
	uint64_t rip;

	vcpu->vm->mem[ABI_IDT + irq.irq * 16 + 5] &= 0x7f;	/* not present */
	vcpu->run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	vcpu->run->request_interrupt_window = 0;
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	rip = abi_regs(vcpu).rip;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(11, trap.vector);
	EXPECT_EQ(rip, trap.rip);
	EXPECT_EQ(0, abi_events(vcpu).interrupt.injected);
}

/* The shadow's one instruction is this jump, once, however often it comes. */
GUEST16(jump_to_itself, "1: jmp 1b");

TEST(shadow_of_a_loop)
{
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = KVM_X86_SHADOW_INT_STI,
	};
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &jump_to_itself);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct kvm_regs regs = abi_regs(vcpu);
	struct abi_trap trap;

	regs.rflags |= 0x200;
	abi_set_regs(vcpu, &regs);
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x40, trap.vector);
	EXPECT_EQ(ABI_CODE, trap.rip);
}

GUEST16(sti_hlt, "sti; hlt\n" G_DONE);

TEST(interrupt_wakes_hlt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_hlt);
	struct kvm_interrupt irq = { .irq = 0x42 };
	struct abi_trap trap;

	ASSERT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
	EXPECT_EQ(1, vcpu->run->ready_for_interrupt_injection);
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(0x42, trap.vector);
	EXPECT_EQ(ABI_CODE + 2, trap.rip);
	abi_done(vcpu);
}

TEST(interrupt_errors)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_hlt);
	struct kvm_interrupt irq = { .irq = 256 };

	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_INTERRUPT, &irq);
	irq.irq = ~0u;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_INTERRUPT, &irq);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_INTERRUPT, 8);
	irq.irq = 0x40;
	vcpu = abi_boot(ABI_IRQCHIP, &sti_hlt);
	EXPECT_IOCTL(-ENXIO, vcpu->fd, KVM_INTERRUPT, &irq);
}

/* With a PIC in the kernel the VMM need not ask: always ready, no window. */
GUEST16(just_out, G_SYNC G_DONE);

TEST(ready_with_irqchip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &just_out);

	vcpu->run->request_interrupt_window = 1;
	abi_sync(vcpu);
	EXPECT_EQ(1, vcpu->run->ready_for_interrupt_injection);
	abi_done(vcpu);
}

/* CR8: told after every exit, taken before every entry without an APIC. */
GUEST64(cr8, "mov $5, %eax; mov %rax, %cr8\n" G_SYNC
	"mov %cr8, %rbx\n" G_DONE);

TEST(cr8_in_run)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &cr8);
	struct kvm_run *run = vcpu->run;

	while (abi_exit(vcpu) == KVM_EXIT_SET_TPR)
		EXPECT_EQ(5, run->cr8);
	ASSERT_EQ(KVM_EXIT_IO, run->exit_reason);
	EXPECT_EQ(5, run->cr8);
	run->cr8 = 7;
	abi_done(vcpu);
	EXPECT_EQ(7, abi_regs(vcpu).rbx);
	EXPECT_EQ(7, abi_sregs(vcpu).cr8);
}

/* Lowered, CR8 may let something through that the process holds back. */
GUEST64(cr8_down, "mov $7, %eax; mov %rax, %cr8; mov %rax, %cr8\n" G_SYNC
	"mov $3, %eax; mov %rax, %cr8\n" G_SYNC G_DONE);

TEST(lowered_cr8_exits)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &cr8_down);
	struct kvm_run *run = vcpu->run;

	abi_sync(vcpu);
	ASSERT_EQ(KVM_EXIT_SET_TPR, abi_exit(vcpu));
	EXPECT_EQ(3, run->cr8);
	abi_sync(vcpu);
	EXPECT_EQ(3, run->cr8);
	run->cr8 = 16;
	EXPECT_EQ(-EINVAL, abi_run(vcpu));
	run->cr8 = 0;
	abi_done(vcpu);
}

/* What was given and not taken is saved, and given back. */
TEST(interrupt_is_saved)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &sti_hlt);
	struct kvm_interrupt irq = { .irq = 0x43 };
	struct kvm_vcpu_events events;

	ASSERT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
	abi_ok(vcpu->fd, KVM_INTERRUPT, &irq);
	events = abi_events(vcpu);
	EXPECT_EQ(1, events.interrupt.injected);
	EXPECT_EQ(0x43, events.interrupt.nr);
	events.interrupt.injected = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(0, abi_sregs(vcpu).interrupt_bitmap[1]);
	events.interrupt.injected = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(1ull << 3, abi_sregs(vcpu).interrupt_bitmap[1]);
	EXPECT_EQ(0x43, abi_trapped(vcpu).vector);
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
