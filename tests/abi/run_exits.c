// SPDX-License-Identifier: GPL-2.0
/*
 * The other reasons for which KVM_RUN returns: HLT, shutdown, entry failure,
 * instructions that can't be emulated, events that can't be delivered.
 */
#include <signal.h>
#include <sys/time.h>

#include "test.h"

GUEST16(halt, "hlt\n" G_DONE);

TEST(hlt_without_irqchip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &halt);

	ASSERT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
	EXPECT_EQ(ABI_CODE + 1, abi_regs(vcpu).rip);
	abi_done(vcpu);
}

static void on_alarm(int signal)
{
}

/* With an in-kernel APIC the thread sleeps: only a signal ends it. */
TEST(hlt_with_irqchip)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &halt);
	struct kvm_mp_state state;
	struct itimerval timer = { .it_value.tv_usec = 200000 };

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &state);
	EXPECT_EQ(KVM_MP_STATE_HALTED, state.mp_state);
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	abi_ok(vcpu->fd, KVM_SET_MP_STATE, &state);
	abi_done(vcpu);
}

/* No gate for the exception, none for the double fault: shutdown. */
GUEST32(triple_prot, "push $0; push $0; lidt (%esp); ud2");
GUEST64(triple_long, "push $0; push $0; lidt (%rsp); ud2");

TEST(triple_fault_protected)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &triple_prot);

	EXPECT_EQ(KVM_EXIT_SHUTDOWN, abi_exit(vcpu));
}

TEST(triple_fault_long)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &triple_long);

	EXPECT_EQ(KVM_EXIT_SHUTDOWN, abi_exit(vcpu));
}

/* The same with an IDT limit that the test has set. */
GUEST16(undefined, "ud2");

TEST(triple_fault_real)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &undefined);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.idt.limit = 0;
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, abi_exit(vcpu));
}

TEST(usable_after_shutdown)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &triple_long);

	ASSERT_EQ(KVM_EXIT_SHUTDOWN, abi_exit(vcpu));
	abi_load(vcpu->vm, ABI_CODE, &halt);
	abi_vcpu_mode(vcpu, ABI_REAL);
	EXPECT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
}

/* State that the ioctls take and no processor enters: CS both L and D. */
TEST(fail_entry)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &halt);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.cs.db = 1;
	abi_set_sregs(vcpu, &sregs);
	ASSERT_EQ(KVM_EXIT_FAIL_ENTRY, abi_exit(vcpu));
	EXPECT_NE(0, vcpu->run->fail_entry.hardware_entry_failure_reason);
	/* The VM lives: with the state put right it runs. */
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
}

/* Code where there is no memory. */
GUEST32(jump_away, "mov $0xd0000, %eax; jmp *%eax");

TEST(fetch_from_nowhere)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &jump_away);

	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, abi_exit(vcpu));
	EXPECT_EQ(KVM_INTERNAL_ERROR_EMULATION, vcpu->run->internal.suberror);
	EXPECT_EQ(0xd0000, abi_regs(vcpu).rip);
}

/* No emulator has x87's 80-bit store; at privilege level 0 the VMM is told. */
GUEST32(store80, "fninit; fld1; fstpt 0xd0000\n" G_DONE);

TEST(emulation_failure)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &store80);
	struct kvm_run *run = vcpu->run;

	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, abi_exit(vcpu));
	EXPECT_EQ(KVM_INTERNAL_ERROR_EMULATION, run->internal.suberror);
	/* Not past the instruction: it may be dealt with and resumed. */
	EXPECT_EQ(ABI_CODE + 4, abi_regs(vcpu).rip);
	if (run->emulation_failure.ndata >= 3 &&
	    run->emulation_failure.flags &
	    KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) {
		ASSERT_LE(6, run->emulation_failure.insn_size);
		EXPECT_EQ(0, memcmp(run->emulation_failure.insn_bytes,
				    vcpu->vm->mem + ABI_CODE + 4, 6));
	}
}

/* The guest gets #UD as well, or with the capability the user alone is told. */
TEST(emulation_failure_always)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &store80);
	const uint32_t cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE;

	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, abi_exit(vcpu));
	EXPECT_EQ(6, abi_trapped(vcpu).vector);
	vcpu = abi_boot(ABI_PROT, &store80);
	NEED_CAP(vcpu->vm->fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE);
	EXPECT_EQ(-EINVAL, abi_enable(vcpu->vm->fd, cap, 2));
	EXPECT_EQ(0, abi_enable(vcpu->vm->fd, cap, 1));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, abi_exit(vcpu));
		EXPECT_EQ(ABI_CODE + 4, abi_regs(vcpu).rip);
	}
}

/* The gate of the exception is where there is no memory. */
TEST(delivery_into_nowhere)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &undefined);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.idt.base = 0xd0000;
	abi_set_sregs(vcpu, &sregs);
	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, abi_exit(vcpu));
	/* KVM says the first on AMD-V, the second on VT-x. */
	EXPECT_TRUE(vcpu->run->internal.suberror ==
		    KVM_INTERNAL_ERROR_EMULATION ||
		    vcpu->run->internal.suberror ==
		    KVM_INTERNAL_ERROR_DELIVERY_EV);
}

TEST(reset_vector_without_memory)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	/* The reset vector is fetched from nowhere. */
	ASSERT_EQ(KVM_EXIT_INTERNAL_ERROR, abi_exit(vcpu));
	EXPECT_EQ(KVM_INTERNAL_ERROR_EMULATION, vcpu->run->internal.suberror);
	EXPECT_EQ(0xfff0, abi_regs(vcpu).rip);
	EXPECT_EQ(0xffff0000, abi_sregs(vcpu).cs.base);
	EXPECT_EQ(0xf000, abi_sregs(vcpu).cs.selector);
}

/* The reset vector with memory behind it, as a VMM with a firmware has it. */
TEST(reset_vector)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	uint8_t *rom = abi_map(0x10000);

	memcpy(rom + 0xfff0, "\xe6\xe4", 2);		/* out %al, $ABI_DONE */
	ASSERT_EQ(0, abi_slot(vm, 1, 0, 0xffff0000, 0x10000, rom));
	abi_done(vcpu);
	/* The far jump that starts a BIOS lands below 1 MiB. */
	memcpy(rom + 0xfff2, "\xea\x00\x10\x00\x00", 5);
	abi_load(vm, ABI_CODE, &halt);
	EXPECT_EQ(KVM_EXIT_HLT, abi_exit(vcpu));
	EXPECT_EQ(0, abi_sregs(vcpu).cs.base);
}

TEST_HARNESS_MAIN
