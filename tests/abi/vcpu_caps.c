// SPDX-License-Identifier: GPL-2.0
/*
 * What is asked for by KVM_ENABLE_CAP and shows in KVM_GET_VCPU_EVENTS, the
 * attributes of vCPU and device, and the nested state of who has none.
 */
#include "test.h"

GUEST64(done, "nop\n" G_DONE);

TEST(refused)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_enable_cap e = {
		.cap = KVM_CAP_EXCEPTION_PAYLOAD, .flags = 1,
	};

	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_ENABLE_CAP, &e);
	EXPECT_EQ(-EINVAL, abi_enable(vcpu->vm->fd, KVM_CAP_IRQCHIP, 1));
	EXPECT_EQ(-EINVAL, abi_enable(vcpu->vm->fd, 100000, 1));
	e.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_ENABLE_CAP, &e);
	EXPECT_EQ(-EINVAL, abi_enable(vcpu->fd, KVM_CAP_IRQCHIP, 1));
	EXPECT_EQ(-EINVAL, abi_enable(vcpu->fd, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_ENABLE_CAP, 8);
	EXPECT_EQ(-EINVAL, abi_ioctlp(vcpu->vm->dev, KVM_ENABLE_CAP, &e));
}

/* Without the capability: no flag, no difference between the two. */
TEST(payload_disabled)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events events = abi_events(vcpu);

	EXPECT_EQ(0, events.flags & KVM_VCPUEVENT_VALID_PAYLOAD);
	events.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	events.flags = 0;
	events.exception.pending = 1;
	events.exception.nr = 13;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	abi_done(vcpu);
}

FIXTURE(payload) { struct abi_vcpu *vcpu; };

FIXTURE_SETUP(payload)
{
	self->vcpu = abi_boot(ABI_LONG, &done);
	NEED_CAP(self->vcpu->vm->dev, KVM_CAP_EXCEPTION_PAYLOAD);
	ASSERT_EQ(0, abi_enable(self->vcpu->vm->fd, KVM_CAP_EXCEPTION_PAYLOAD,
				1));
}

FIXTURE_TEARDOWN(payload) { }

static struct kvm_vcpu_events pending(uint8_t nr, uint64_t payload)
{
	return (struct kvm_vcpu_events) {
		.flags = KVM_VCPUEVENT_VALID_PAYLOAD,
		.exception = { .pending = 1, .nr = nr,
			       .has_error_code = nr == 14, .error_code = 2 },
		.exception_has_payload = 1, .exception_payload = payload,
	};
}

TEST_F(payload, page_fault)
{
	struct kvm_vcpu_events e = pending(14, 0x123456), back;
	struct abi_trap trap;

	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	back = abi_events(self->vcpu);
	EXPECT_EQ(KVM_VCPUEVENT_VALID_PAYLOAD,
		  back.flags & KVM_VCPUEVENT_VALID_PAYLOAD);
	EXPECT_EQ(1, back.exception.pending);
	EXPECT_EQ(0, back.exception.injected);
	EXPECT_EQ(14, back.exception.nr);
	EXPECT_EQ(1, back.exception_has_payload);
	EXPECT_EQ(0x123456, back.exception_payload);
	EXPECT_EQ(0, abi_sregs(self->vcpu).cr2);
	trap = abi_trapped(self->vcpu);
	EXPECT_EQ(14, trap.vector);
	EXPECT_EQ(2, trap.error);
	EXPECT_EQ(0x123456, abi_sregs(self->vcpu).cr2);
	EXPECT_EQ(0, abi_events(self->vcpu).exception.pending);
}

TEST_F(payload, debug)
{
	struct kvm_vcpu_events e = pending(1, 0x4001);
	struct kvm_debugregs dr = { .dr6 = 0xffff0ff8, .dr7 = 0x2400 };

	abi_ok(self->vcpu->fd, KVM_SET_DEBUGREGS, &dr);
	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	abi_ok(self->vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	EXPECT_EQ(0xffff0ff8, dr.dr6);
	EXPECT_EQ(1, abi_trapped(self->vcpu).vector);
	abi_ok(self->vcpu->fd, KVM_GET_DEBUGREGS, &dr);
	EXPECT_EQ(0xffff4ff1, dr.dr6);
	EXPECT_EQ(0x400, dr.dr7);
}

/* Under delivery: what it brought is in its register already. */
TEST_F(payload, injected)
{
	struct kvm_vcpu_events e = pending(14, 0x123456);

	e.exception.pending = 0;
	e.exception.injected = 1;
	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	e = abi_events(self->vcpu);
	EXPECT_EQ(0, e.exception.pending);
	EXPECT_EQ(1, e.exception.injected);
	EXPECT_EQ(0, e.exception_has_payload);
	EXPECT_EQ(14, abi_trapped(self->vcpu).vector);
	EXPECT_EQ(0, abi_sregs(self->vcpu).cr2);
	e = pending(2, 0);
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	e = pending(32, 0);
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
}

/* New registers: what waited belonged to the old ones. */
TEST_F(payload, forgotten)
{
	struct kvm_vcpu_events e = pending(14, 0x123456);
	struct kvm_regs regs = abi_regs(self->vcpu);

	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	abi_set_regs(self->vcpu, &regs);
	EXPECT_EQ(0, abi_events(self->vcpu).exception.pending);
	abi_done(self->vcpu);
}

TEST(triple_fault)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_vcpu_events e = abi_events(vcpu);

	NEED_CAP(vcpu->vm->dev, KVM_CAP_X86_TRIPLE_FAULT_EVENT);
	e.flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	EXPECT_EQ(0, abi_enable(vcpu->vm->fd, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
	e.triple_fault.pending = 1;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	e = abi_events(vcpu);
	EXPECT_NE(0, e.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT);
	EXPECT_EQ(1, e.triple_fault.pending);
	e.triple_fault.pending = 0;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	EXPECT_EQ(0, abi_events(vcpu).triple_fault.pending);
	e.triple_fault.pending = 1;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &e);
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, abi_exit(vcpu));
	EXPECT_EQ(0, abi_events(vcpu).triple_fault.pending);
	abi_done(vcpu);
}

/* What a guest's RDTSC adds to the host's. */
TEST(tsc_offset)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	uint64_t offset = 0, tsc;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (unsigned long)&offset,
	};

	NEED_CAP(vcpu->vm->dev, KVM_CAP_VCPU_ATTRIBUTES);
	EXPECT_IOCTL(0, vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	offset += 1ull << 50;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_DEVICE_ATTR, &attr);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x10, &tsc));
	EXPECT_LE(1ull << 50, tsc);
	offset = 0;
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	EXPECT_LE(1ull << 49, offset);
	attr.attr = 1;
	EXPECT_IOCTL(-ENXIO, vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(-ENXIO, vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(-ENXIO, vcpu->fd, KVM_SET_DEVICE_ATTR, &attr);
	attr.attr = 0;
	attr.group = 1;
	EXPECT_IOCTL(-ENXIO, vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr);
	attr.group = 0;
	attr.addr = 8;
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_HAS_DEVICE_ATTR, 8);
}

TEST(xcomp_guest_supp)
{
	int dev = abi_open();
	uint64_t xcr0 = 0;
	struct kvm_device_attr attr = {
		.attr = KVM_X86_XCOMP_GUEST_SUPP,
		.addr = (unsigned long)&xcr0,
	};

	NEED_CAP(dev, KVM_CAP_SYS_ATTRIBUTES);
	EXPECT_IOCTL(0, dev, KVM_HAS_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(0, dev, KVM_GET_DEVICE_ATTR, &attr);
	VALUE("xcomp_guest_supp", "%#llx", (unsigned long long)xcr0);
	attr.attr = 1;
	EXPECT_IOCTL(-ENXIO, dev, KVM_HAS_DEVICE_ATTR, &attr);
	EXPECT_IOCTL(-ENXIO, dev, KVM_GET_DEVICE_ATTR, &attr);
	attr.attr = 0;
	attr.group = 1;
	EXPECT_IOCTL(-ENXIO, dev, KVM_GET_DEVICE_ATTR, &attr);
	attr.group = 0;
	attr.addr = 8;
	EXPECT_IOCTL(-EFAULT, dev, KVM_GET_DEVICE_ATTR, &attr);
}

/* Some VMMs save it whatever the capability says. */
TEST(nothing_nested)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	struct kvm_nested_state *state = abi_map(65536);

	state->size = 65536;
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_NESTED_STATE, state);
	EXPECT_EQ(128, state->size);
	VALUE("nested.flags", "%#x", state->flags);
	VALUE("nested.format", "%u", state->format);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_NESTED_STATE, state);
	state->format ^= 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_NESTED_STATE, state);
	state->format ^= 1;
	state->flags |= KVM_STATE_NESTED_GUEST_MODE;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_NESTED_STATE, state);
	state->size = 127;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_NESTED_STATE, state);
	EXPECT_IOCTL(-E2BIG, vcpu->fd, KVM_GET_NESTED_STATE, state);
	EXPECT_EQ(128, state->size);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_NESTED_STATE, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_NESTED_STATE, 8);
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
