// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots as the guest sees them: deleted, moved, read-only, changed
 * while it runs.
 */
#include <pthread.h>

#include "test.h"

#define HIGH	0x200000u		/* the slot that the tests change */
#define SIZE	0x10000

/* Reads the first word of the page at EDI, again at each turn. */
GUEST64(reader, "mov $0x200000, %edi; 1: mov (%rdi), %eax\n" G_REPORT "jmp 1b");
GUEST64(writer, "mov $0x200000, %edi; 1: inc %eax; mov %eax, (%rdi)\n"
	G_REPORT "jmp 1b");

static uint32_t *second_slot(struct abi_vm *vm, uint32_t flags)
{
	uint32_t *p = abi_map(SIZE);

	p[0] = 0x1234;
	if (abi_slot(vm, 1, flags, HIGH, SIZE, p))
		abi_die("second slot");
	return p;
}

TEST(deleted)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);

	second_slot(vcpu->vm, 0);
	EXPECT_EQ(0x1234, abi_report(vcpu));
	EXPECT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0, 0, NULL));
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(HIGH, vcpu->run->mmio.phys_addr);
}

TEST(created_under_the_guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);

	/* MMIO first: what was cached of that must go. */
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
		memset(vcpu->run->mmio.data, i, 8);
		EXPECT_EQ(i * 0x01010101, abi_report(vcpu));
	}
	second_slot(vcpu->vm, 0);
	EXPECT_EQ(0x1234, abi_report(vcpu));
}

TEST(replaced)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);
	uint32_t *other = abi_map(SIZE);

	other[0] = 0x5678;
	second_slot(vcpu->vm, 0);
	EXPECT_EQ(0x1234, abi_report(vcpu));
	EXPECT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0, 0, NULL));
	EXPECT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, other));
	EXPECT_EQ(0x5678, abi_report(vcpu));
}

TEST(moved)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);
	uint32_t *p = second_slot(vcpu->vm, 0);

	p[1024] = 0x9abc;
	EXPECT_EQ(0x1234, abi_report(vcpu));
	/* The second page of the slot comes where the first was. */
	EXPECT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH - 4096, SIZE, p));
	EXPECT_EQ(0x9abc, abi_report(vcpu));
	EXPECT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0x400000, SIZE, p));
	EXPECT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
}

TEST(aliased)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &writer);
	uint32_t *p = second_slot(vcpu->vm, 0);

	EXPECT_EQ(0, abi_slot(vcpu->vm, 2, 0, 0x400000, SIZE, p));
	abi_report(vcpu);
	EXPECT_EQ(1, p[0]);
}

TEST(read_only_reads)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);

	second_slot(vcpu->vm, KVM_MEM_READONLY);
	EXPECT_EQ(0x1234, abi_report(vcpu));
}

TEST(read_only_writes_exit)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &writer);
	uint32_t *p = second_slot(vcpu->vm, KVM_MEM_READONLY);

	for (int i = 1; i < 4; i++) {
		ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
		EXPECT_EQ(1, vcpu->run->mmio.is_write);
		EXPECT_EQ(HIGH, vcpu->run->mmio.phys_addr);
		EXPECT_EQ(4, vcpu->run->mmio.len);
		EXPECT_EQ(i, *(uint32_t *)vcpu->run->mmio.data);
		EXPECT_EQ(i, abi_report(vcpu));
		EXPECT_EQ(0x1234, p[0]);
	}
}

/* The slot may point at memory that the process can't write either. */
TEST(read_only_slot_of_read_only_memory)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);
	uint32_t *p = abi_map(SIZE);

	p[0] = 0x77;
	mprotect(p, SIZE, PROT_READ);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, KVM_MEM_READONLY, HIGH, SIZE, p));
	EXPECT_EQ(0x77, abi_report(vcpu));
}

/* Read first, so that the page is mapped; then it must not be writable. */
GUEST64(read_write, "mov $0x200000, %edi; mov (%rdi), %eax; inc %eax\n"
	"mov %eax, 8(%rdi); mov (%rdi), %ebx\n" G_DONE);

TEST(read_only_stays_so_after_a_read)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_write);
	uint32_t *p = second_slot(vcpu->vm, KVM_MEM_READONLY);

	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(1, vcpu->run->mmio.is_write);
	EXPECT_EQ(HIGH + 8, vcpu->run->mmio.phys_addr);
	abi_done(vcpu);
	EXPECT_EQ(0x1234, abi_regs(vcpu).rbx);
	EXPECT_EQ(0, p[2]);
}

/* Code runs in a read-only slot. */
TEST(read_only_code)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reader);
	uint8_t *p = (uint8_t *)second_slot(vcpu->vm, 0);
	struct kvm_regs regs;

	EXPECT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0, 0, NULL));
	memcpy(p, "\xb0\x2a\xe6\xe4", 4);	/* mov $42,%al; out */
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, KVM_MEM_READONLY, HIGH, SIZE, p));
	regs = abi_regs(vcpu);
	regs.rip = HIGH;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(42, abi_done(vcpu));
}

/* The guest reads on while the slot comes and goes under it. */
GUEST64(counter, "mov $0x80000, %ebx; mov $0x200000, %edi\n"
	"1: mov (%rdi), %eax; incl (%rbx); cmpl $0, 4(%rbx); je 1b\n" G_DONE);

static void *run_and_answer(void *arg)
{
	struct abi_vcpu *vcpu = arg;
	struct kvm_run *run = vcpu->run;
	uint64_t value = 0x1234;

	while (abi_exit(vcpu) == KVM_EXIT_MMIO) {
		if (run->mmio.is_write || run->mmio.phys_addr != HIGH)
			abi_die("unexpected access");
		memcpy(run->mmio.data, &value, 8);
	}
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != ABI_DONE) {
		abi_describe(vcpu);
		abi_die("unexpected exit");
	}
	return NULL;
}

TEST(changed_while_running)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &counter);
	uint32_t *p = second_slot(vcpu->vm, 0);
	uint32_t seen;
	pthread_t thread;

	pthread_create(&thread, NULL, run_and_answer, vcpu);
	for (int i = 0; i < 100; i++) {
		seen = abi_peek(vcpu->vm, ABI_DATA);
		ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0, 0, NULL));
		ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p));
		while (abi_peek(vcpu->vm, ABI_DATA) == seen)
			usleep(100);
	}
	abi_poke(vcpu->vm, ABI_DATA + 4, 1);
	pthread_join(thread, NULL);
}

TEST(moved_while_running)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &counter);
	uint32_t *p = second_slot(vcpu->vm, 0);
	pthread_t thread;

	p[1024] = 0x1234;
	pthread_create(&thread, NULL, run_and_answer, vcpu);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH - 4096, SIZE, p));
		ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p));
	}
	abi_poke(vcpu->vm, ABI_DATA + 4, 1);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
