// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS and the I/O APIC: edge and level, masks,
 * end of interrupt, destinations, registers seen by the guest.
 */
#include "test.h"

GUEST64(turns, G_TURNS);

#define LEVEL	(1 << 15)
#define MASKED	(1 << 16)
#define RIRR	(1 << 14)

static struct abi_vcpu *boot(void)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);

	abi_lapic_enable(vcpu);
	return vcpu;
}

TEST(edge)
{
	struct abi_vcpu *vcpu = boot();

	abi_ioapic_set(vcpu->vm, 17, 0x51);
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 17, 1));
	EXPECT_EQ(0x51, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 17, 0));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 17, 1));
	EXPECT_EQ(0x51, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(level)
{
	struct abi_vcpu *vcpu = boot();

	abi_ioapic_set(vcpu->vm, 18, 0x52 | LEVEL);
	abi_irq_line(vcpu->vm, 18, 1);
	EXPECT_EQ(0x52, abi_turn(vcpu));
	EXPECT_EQ(RIRR, abi_ioapic_get(vcpu->vm, 18) & RIRR);
	/* Still high at the end of interrupt: once more. */
	EXPECT_EQ(0x52, abi_turn_wait(vcpu));
	abi_irq_line(vcpu->vm, 18, 0);
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_ioapic_get(vcpu->vm, 18) & RIRR);
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(masked_edge)
{
	struct abi_vcpu *vcpu = boot();

	abi_ioapic_set(vcpu->vm, 19, 0x53 | MASKED);
	abi_irq_line(vcpu->vm, 19, 1);
	abi_irq_line(vcpu->vm, 19, 0);
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(masked_level)
{
	struct abi_vcpu *vcpu = boot();

	abi_ioapic_set(vcpu->vm, 19, 0x53 | MASKED | LEVEL);
	abi_irq_line(vcpu->vm, 19, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
	abi_ioapic_set(vcpu->vm, 19, 0x53 | LEVEL);
	EXPECT_EQ(0x53, abi_turn_wait(vcpu));
	abi_irq_line(vcpu->vm, 19, 0);
}

/* A line that was high in a saved state is delivered after its restore. */
TEST(pending_in_restored_state)
{
	struct abi_vcpu *vcpu = boot();
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	abi_ok(vcpu->vm->fd, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.redirtbl[20].bits = 0x54 | LEVEL;
	chip.chip.ioapic.irr = 1 << 20;
	abi_ok(vcpu->vm->fd, KVM_SET_IRQCHIP, &chip);
	EXPECT_EQ(0x54, abi_turn_wait(vcpu));
}

TEST(logical_destination)
{
	struct abi_vcpu *vcpu = boot();

	abi_lapic_set(vcpu, 0xd0, 0x02000000);
	abi_ioapic_set(vcpu->vm, 17, 0x55 | 1 << 11 | 0x02ull << 56);
	abi_irq_line(vcpu->vm, 17, 1);
	EXPECT_EQ(0x55, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 17, 0);
	abi_ioapic_set(vcpu->vm, 17, 0x56 | 1 << 11 | 0x04ull << 56);
	abi_irq_line(vcpu->vm, 17, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(destination_nobody_has)
{
	struct abi_vcpu *vcpu = boot();

	abi_ioapic_set(vcpu->vm, 17, 0x57 | 0x33ull << 56);
	abi_irq_line(vcpu->vm, 17, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 17, 0);
	abi_ioapic_set(vcpu->vm, 17, 0x58 | 0xffull << 56);
	abi_irq_line(vcpu->vm, 17, 1);
	EXPECT_EQ(0x58, abi_turn(vcpu));
}

TEST(software_disabled_apic_takes_none)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);

	abi_ioapic_set(vcpu->vm, 17, 0x51);
	abi_irq_line(vcpu->vm, 17, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* Task priority holds back what is not above it. */
TEST(task_priority)
{
	struct abi_vcpu *vcpu = boot();

	abi_lapic_set(vcpu, 0x80, 0x60);
	abi_ioapic_set(vcpu->vm, 17, 0x65);
	abi_ioapic_set(vcpu->vm, 18, 0x71);
	abi_irq_line(vcpu->vm, 17, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 18, 1);
	EXPECT_EQ(0x71, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	abi_lapic_set(vcpu, 0x80, 0);
	EXPECT_EQ(0x65, abi_turn(vcpu));
}

/* The guest's own view: index, data, version, a redirection entry. */
GUEST64(registers, "mov $0xfec00000, %edi\n"
	"movl $1, (%rdi); mov 0x10(%rdi), %eax\n" G_REPORT
	"movl $0, (%rdi); movl $0x05000000, 0x10(%rdi); mov 0x10(%rdi), %eax\n"
	G_REPORT
	"movl $0x32, (%rdi); movl $0x00008861, 0x10(%rdi)\n"
	"movl $0x33, (%rdi); movl $0x01000000, 0x10(%rdi)\n"
	"movl $0x32, (%rdi); mov 0x10(%rdi), %eax\n" G_REPORT
	"movl $0x33, (%rdi); mov 0x10(%rdi), %eax\n" G_REPORT
	"mov (%rdi), %eax\n" G_REPORT
	/* Delivery status and remote IRR are not the guest's to write. */
	"movl $0x34, (%rdi); movl $0x00015062, 0x10(%rdi)\n"
	"mov 0x10(%rdi), %eax\n" G_REPORT G_DONE);

TEST(registers_in_guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &registers);

	EXPECT_EQ(0x00170011, abi_report(vcpu));
	EXPECT_EQ(0x05000000, abi_report(vcpu));
	EXPECT_EQ(0x00008861, abi_report(vcpu));
	EXPECT_EQ(0x01000000, abi_report(vcpu));
	EXPECT_EQ(0x33, abi_report(vcpu));
	EXPECT_EQ(0x00010062, abi_report(vcpu));
	abi_done(vcpu);
	EXPECT_EQ(0x0100000000008861, abi_ioapic_get(vcpu->vm, 17));
}

TEST(irq_line_status)
{
	struct abi_vcpu *vcpu = boot();
	struct kvm_irq_level line = { .irq = 17, .level = 1 };

	abi_ioapic_set(vcpu->vm, 17, 0x51);
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_IRQ_LINE_STATUS, &line);
	EXPECT_LT(0, (int)line.status);
	/* A second edge while the line is high is none. */
	line.irq = 17;
	line.level = 1;
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_IRQ_LINE_STATUS, &line);
	EXPECT_EQ(0, (int)line.status);
	/* A line that leads nowhere is no error. */
	line.irq = 4000;
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_IRQ_LINE_STATUS, &line);
	EXPECT_EQ(-1, (int)line.status);
	line.irq = ~0u;
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_IRQ_LINE_STATUS, &line);
	EXPECT_EQ(-1, (int)line.status);
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 4000, 1));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, ~0u, 1));
}

TEST(irq_line_errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_irq_level line = { .irq = 4, .level = 1 };

	EXPECT_EQ(-ENXIO, abi_irq_line(vm, 4, 1));
	EXPECT_IOCTL(-ENXIO, vm->fd, KVM_IRQ_LINE_STATUS, &line);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_IRQ_LINE, 8);
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_IRQ_LINE, 8);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_IRQ_LINE_STATUS, 8);
}

TEST_HARNESS_MAIN
