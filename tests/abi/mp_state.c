// SPDX-License-Identifier: GPL-2.0
/* KVM_GET/SET_MP_STATE and KVM_GET/SET_VCPU_EVENTS, with their errors. */
#include "test.h"

GUEST64(done, G_DONE);
GUEST64(sti_done, "sti; nop; nop\n" G_DONE);

static int mp_state(struct abi_vcpu *vcpu)
{
	struct kvm_mp_state state;

	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &state);
	return state.mp_state;
}

static int set_mp_state(struct abi_vcpu *vcpu, uint32_t to)
{
	struct kvm_mp_state state = { to };

	return abi_ioctlp(vcpu->fd, KVM_SET_MP_STATE, &state);
}

TEST(initial_state)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *bsp = abi_vcpu_create(vm, 0);
	struct abi_vcpu *ap = abi_vcpu_create(vm, 1);

	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(bsp));
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, mp_state(ap));
	vm = abi_vm_create(0);
	ap = abi_vcpu_create(vm, 1);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(ap));
}

TEST(round_trip)
{
	static const uint32_t states[] = {
		KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_UNINITIALIZED,
		KVM_MP_STATE_INIT_RECEIVED, KVM_MP_STATE_HALTED,
		KVM_MP_STATE_RUNNABLE,
	};
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 1);

	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(0, set_mp_state(vcpu, states[i]));
		EXPECT_EQ(states[i], mp_state(vcpu));
	}
}

/* Becomes a start at the vector that KVM_SET_VCPU_EVENTS gives. */
TEST(sipi_received)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 1);
	struct kvm_vcpu_events events;

	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED));
	events = abi_events(vcpu);
	events.flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	events.sipi_vector = 0x12;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
	EXPECT_EQ(0x1200, abi_sregs(vcpu).cs.selector);
	EXPECT_EQ(0x12000, abi_sregs(vcpu).cs.base);
	EXPECT_EQ(0, abi_regs(vcpu).rip);
}

/* An INIT that has not been taken is among the events. */
TEST(latched_init)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(abi_vm_create(ABI_IRQCHIP), 1);
	struct kvm_vcpu_events events;

	events = abi_events(vcpu);
	EXPECT_EQ(KVM_VCPUEVENT_VALID_SMM,
		  events.flags & KVM_VCPUEVENT_VALID_SMM);
	EXPECT_EQ(0, events.smi.latched_init);
	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE));
	events.flags = KVM_VCPUEVENT_VALID_SMM;
	events.smi.latched_init = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(1, abi_events(vcpu).smi.latched_init);
	events.smi.latched_init = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(0, abi_events(vcpu).smi.latched_init);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
	events.smi.latched_init = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(KVM_MP_STATE_INIT_RECEIVED, mp_state(vcpu));
	EXPECT_EQ(0, abi_events(vcpu).smi.latched_init);
}

/* Older VMMs reset the boot CPU by its registers alone. */
TEST(registers_of_reset_end_halt)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);

	for (int id = 0; id < 2; id++) {
		struct abi_vcpu *vcpu = abi_vcpu_create(vm, id);
		struct kvm_sregs sregs = abi_sregs(vcpu);

		EXPECT_EQ(0xfff0, abi_regs(vcpu).rip);
		EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_HALTED));
		abi_ok(vcpu->fd, KVM_SET_SREGS, &sregs);
		EXPECT_EQ(id ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE,
			  mp_state(vcpu));
	}
}

TEST(errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_UNINITIALIZED));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_INIT_RECEIVED));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_SIPI_RECEIVED));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_HALTED));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_STOPPED));
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_MP_STATE, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_MP_STATE, 8);
	vm = abi_vm_create(ABI_IRQCHIP);
	vcpu = abi_vcpu_create(vm, 0);
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_STOPPED));
	EXPECT_EQ(-EINVAL, set_mp_state(vcpu, KVM_MP_STATE_OPERATING));
}

/* An uninitialized vCPU sleeps; made runnable, KVM_RUN says EAGAIN once. */
TEST(uninitialized_sleeps)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 1);

	abi_load(vm, ABI_CODE, &done);
	abi_vcpu_mode(vcpu, ABI_LONG);
	/* Registers don't start it. */
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, mp_state(vcpu));
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	vcpu->run->immediate_exit = 0;
	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE));
	abi_done(vcpu);
}

TEST(halted_with_interrupt_runs)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &sti_done);
	struct kvm_lapic_state lapic;
	struct kvm_regs regs = abi_regs(vcpu);

	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	*(uint32_t *)(lapic.regs + 0xf0) = 0x1ff;
	*(uint32_t *)(lapic.regs + 0x220) = 1;
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	regs.rflags |= 0x200;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(0, set_mp_state(vcpu, KVM_MP_STATE_HALTED));
	EXPECT_EQ(0x40, abi_trapped(vcpu).vector);
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, mp_state(vcpu));
}

TEST(events_initially)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events events = abi_events(vcpu);

	VALUE("events.flags", "%#x", events.flags);
	EXPECT_EQ(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
		  events.flags & 5);
	EXPECT_EQ(0, events.exception.injected);
	EXPECT_EQ(0, events.interrupt.injected);
	EXPECT_EQ(0, events.interrupt.shadow);
	EXPECT_EQ(0, events.nmi.injected);
	EXPECT_EQ(0, events.nmi.pending);
	EXPECT_EQ(0, events.nmi.masked);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

TEST(exception_is_injected)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events events = abi_events(vcpu);
	struct abi_trap trap;

	events.exception.injected = 1;
	events.exception.nr = 13;
	events.exception.has_error_code = 1;
	events.exception.error_code = 0x5a8;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	events = abi_events(vcpu);
	EXPECT_EQ(1, events.exception.injected);
	EXPECT_EQ(13, events.exception.nr);
	EXPECT_EQ(0x5a8, events.exception.error_code);
	trap = abi_trapped(vcpu);
	EXPECT_EQ(13, trap.vector);
	EXPECT_EQ(0x5a8, trap.error);
	EXPECT_EQ(ABI_CODE, trap.rip);
	EXPECT_EQ(0, abi_events(vcpu).exception.injected);
}

TEST(interrupt_is_injected)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &sti_done);
	struct kvm_vcpu_events events = abi_events(vcpu);
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rflags |= 0x200;
	abi_set_regs(vcpu, &regs);
	events.interrupt.injected = 1;
	events.interrupt.nr = 0x77;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(1ull << (0x77 - 64), abi_sregs(vcpu).interrupt_bitmap[1]);
	EXPECT_EQ(0x77, abi_trapped(vcpu).vector);
}

/* QEMU sends number 255 with nothing injected. */
TEST(number_matters_only_if_injected)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events events = abi_events(vcpu);

	events.exception.nr = 255;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_done(vcpu);
	events.exception.injected = 1;
	events.exception.nr = 32;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	events.exception.nr = 2;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

TEST(nmi_pending_flag)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events events = abi_events(vcpu);

	events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	events.nmi.pending = 1;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(2, abi_trapped(vcpu).vector);
	EXPECT_EQ(1, abi_events(vcpu).nmi.masked);
	abi_done(vcpu);
	EXPECT_EQ(0, abi_events(vcpu).nmi.masked);
	/* Without the flag the pending bit is not looked at. */
	vcpu = abi_boot(ABI_LONG, &done);
	events.flags = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_done(vcpu);
}

/* A shadow from STI or MOV SS holds an interrupt off for an instruction. */
TEST(shadow)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &sti_done);
	struct kvm_vcpu_events events = abi_events(vcpu);

	events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_NE(0, abi_events(vcpu).interrupt.shadow);
	events.interrupt.shadow = 0;
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_EQ(0, abi_events(vcpu).interrupt.shadow);
}

TEST(event_errors)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events events = abi_events(vcpu);

	events.flags = 1u << 31;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	/* Not enabled by their capabilities. */
	events.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	events.flags = 0x20;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_VCPU_EVENTS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_VCPU_EVENTS, 8);
}

TEST_HARNESS_MAIN
