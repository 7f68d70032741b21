// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' library: interrupts. Guests that wait for them in turns with the
 * test, and the controllers' registers through their ioctls.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

int abi_turn(struct abi_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;
	uint8_t *mem = vcpu->vm->mem;

	if (abi_exit(vcpu) != KVM_EXIT_IO ||
	    run->io.direction != KVM_EXIT_IO_OUT ||
	    (run->io.port != ABI_SYNC && run->io.port != ABI_TRAP)) {
		abi_describe(vcpu);
		abi_die("expected a trap or the guest's turn to end");
	}
	if (run->io.port == ABI_SYNC)
		return -1;
	regs = abi_regs(vcpu);
	return mem[regs.rsp & 0xfffff];
}

int abi_turn_wait(struct abi_vcpu *vcpu)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int vector = abi_turn(vcpu);

		if (vector >= 0)
			return vector;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > 25)
			abi_die("no interrupt within 25 seconds");
		usleep(200);
	}
}

uint32_t abi_lapic_get(struct abi_vcpu *vcpu, unsigned int offset)
{
	struct kvm_lapic_state lapic;
	uint32_t value;

	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	memcpy(&value, lapic.regs + offset, 4);
	return value;
}

void abi_lapic_set(struct abi_vcpu *vcpu, unsigned int offset, uint32_t value)
{
	struct kvm_lapic_state lapic;

	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	memcpy(lapic.regs + offset, &value, 4);
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
}

void abi_lapic_enable(struct abi_vcpu *vcpu)
{
	abi_lapic_set(vcpu, 0xf0, 0x1ff);
}

void abi_ioapic_set(struct abi_vm *vm, unsigned int pin, uint64_t entry)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.redirtbl[pin].bits = entry;
	abi_ok(vm->fd, KVM_SET_IRQCHIP, &chip);
}

uint64_t abi_ioapic_get(struct abi_vm *vm, unsigned int pin)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip);
	return chip.chip.ioapic.redirtbl[pin].bits;
}

int abi_irq_line(struct abi_vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return abi_ioctlp(vm->fd, KVM_IRQ_LINE, &line);
}
