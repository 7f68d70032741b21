// SPDX-License-Identifier: GPL-2.0
/* KVM_CAP_SYNC_REGS: registers that kvm_run carries in and out. */
#include "test.h"

#define ALL	(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

GUEST64(counts, "1: inc %ebx\n" G_SYNC "jmp 1b\n");

FIXTURE(sync) { struct abi_vcpu *vcpu; };

FIXTURE_SETUP(sync)
{
	self->vcpu = abi_boot(ABI_LONG, &counts);
	NEED_CAP(self->vcpu->vm->dev, KVM_CAP_SYNC_REGS);
}

FIXTURE_TEARDOWN(sync) { }

TEST_F(sync, value)
{
	EXPECT_EQ(ALL, abi_cap(self->vcpu->vm->dev, KVM_CAP_SYNC_REGS));
}

TEST_F(sync, out)
{
	struct kvm_run *run = self->vcpu->run;
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	/* Nothing is asked for: nothing is written. */
	run->s.regs.regs.rbx = 0x5a5a;
	abi_sync(self->vcpu);
	EXPECT_EQ(0x5a5a, run->s.regs.regs.rbx);

	run->kvm_valid_regs = ALL;
	abi_sync(self->vcpu);
	regs = abi_regs(self->vcpu);
	sregs = abi_sregs(self->vcpu);
	events = abi_events(self->vcpu);
	EXPECT_EQ(2, run->s.regs.regs.rbx);
	EXPECT_EQ(0, memcmp(&regs, &run->s.regs.regs, sizeof(regs)));
	EXPECT_EQ(0, memcmp(&sregs, &run->s.regs.sregs, sizeof(sregs)));
	EXPECT_EQ(0, memcmp(&events, &run->s.regs.events, sizeof(events)));
}

TEST_F(sync, in)
{
	struct kvm_run *run = self->vcpu->run;

	run->kvm_valid_regs = ALL;
	abi_sync(self->vcpu);
	abi_pending(self->vcpu);
	run->s.regs.regs.rbx = 0x100;
	run->s.regs.sregs.fs.base = 0x7000;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	run->kvm_valid_regs = 0;
	abi_sync(self->vcpu);
	EXPECT_EQ(0, run->kvm_dirty_regs);
	EXPECT_EQ(0x101, abi_regs(self->vcpu).rbx);
	EXPECT_EQ(0x7000, abi_sregs(self->vcpu).fs.base);
	/* Not said to be changed: not looked at. */
	run->s.regs.regs.rbx = 0x200;
	abi_sync(self->vcpu);
	EXPECT_EQ(0x102, abi_regs(self->vcpu).rbx);
}

/* An NMI that waits, given with the events. */
TEST_F(sync, events_in)
{
	struct kvm_run *run = self->vcpu->run;

	run->kvm_valid_regs = KVM_SYNC_X86_EVENTS;
	abi_sync(self->vcpu);
	abi_pending(self->vcpu);
	run->s.regs.events.nmi.pending = 1;
	run->kvm_dirty_regs = KVM_SYNC_X86_EVENTS;
	run->kvm_valid_regs = 0;
	EXPECT_EQ(2, abi_trapped(self->vcpu).vector);
}

TEST_F(sync, refused)
{
	struct kvm_run *run = self->vcpu->run;

	run->kvm_valid_regs = ALL + 1;
	EXPECT_EQ(-EINVAL, abi_run(self->vcpu));
	run->kvm_valid_regs = ALL;
	run->kvm_dirty_regs = 1ull << 63;
	EXPECT_EQ(-EINVAL, abi_run(self->vcpu));
	run->kvm_dirty_regs = 0;
	EXPECT_EQ(0, abi_run(self->vcpu));
	abi_pending(self->vcpu);
	run->s.regs.sregs.efer = 1ull << 40;
	run->kvm_dirty_regs = ALL;
	EXPECT_EQ(-EINVAL, abi_run(self->vcpu));
	/* The one that was refused, and what comes after it. */
	EXPECT_EQ(KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS,
		  run->kvm_dirty_regs);
	run->s.regs.sregs.efer = 0xd01;
	run->s.regs.events.flags = ~0u;
	EXPECT_EQ(-EINVAL, abi_run(self->vcpu));
	run->kvm_dirty_regs = 0;
	EXPECT_EQ(0, abi_run(self->vcpu));
}

TEST_HARNESS_MAIN
