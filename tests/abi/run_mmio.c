// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_RUN and memory that is not there: reads and writes of every size, and
 * those that cross pages or the end of a slot. The instruction forms are in
 * emul_*.c.
 */
#include "test.h"

FIXTURE(mmio) { int unused; };
FIXTURE_VARIANT(mmio) {
	const struct abi_guest *guest;
	unsigned int flags;
	bool write;
	int len;
	uint64_t addr;
	uint64_t data;		/* written, or RBX after a read */
};

#define MMIO(name, mode, bits, code, ...)				\
	GUEST##bits(m_##name, code "\n" G_DONE);			\
	FIXTURE_VARIANT_ADD(mmio, name) { &m_##name, mode, __VA_ARGS__ }

#define REAL_DS "mov $0xd000, %ax; mov %ax, %ds; mov $0x44332211, %eax\n"
#define LONG_RAX "mov $0x8877665544332211, %rax; mov $0xd0000, %edi\n"

MMIO(write8_real, ABI_REAL, 16, REAL_DS "mov %al, 5", true, 1, 0xd0005, 0x11);
MMIO(write16_real, ABI_REAL, 16, REAL_DS "mov %ax, 6",
	true, 2, 0xd0006, 0x2211);
MMIO(write32_real, ABI_REAL, 16, REAL_DS "mov %eax, 8",
	true, 4, 0xd0008, 0x44332211);
MMIO(write8_long, ABI_LONG, 64, LONG_RAX "mov %al, (%rdi)",
	true, 1, 0xd0000, 0x11);
MMIO(write16_long, ABI_LONG, 64, LONG_RAX "mov %ax, 2(%rdi)",
	true, 2, 0xd0002, 0x2211);
MMIO(write32_long, ABI_LONG, 64, LONG_RAX "mov %eax, 4(%rdi)",
	true, 4, 0xd0004, 0x44332211);
MMIO(write64_long, ABI_LONG, 64, LONG_RAX "mov %rax, 8(%rdi)",
	true, 8, 0xd0008, 0x8877665544332211);
MMIO(write64_unaligned, ABI_LONG, 64, LONG_RAX "mov %rax, 3(%rdi)",
	true, 8, 0xd0003, 0x8877665544332211);
MMIO(write32_high, ABI_LONG, 64, LONG_RAX "mov $0xd0000000, %edi\n"
	"mov %eax, 4(%rdi)", true, 4, 0xd0000004, 0x44332211);
MMIO(read8_real, ABI_REAL, 16, REAL_DS "mov 5, %al; mov %eax, %ebx",
	false, 1, 0xd0005, 0x443322a1);
MMIO(read16_real, ABI_REAL, 16, REAL_DS "mov 6, %ax; mov %eax, %ebx",
	false, 2, 0xd0006, 0x4433b2a1);
MMIO(read32_prot, ABI_PROT, 32, "mov 0xd0010, %ebx",
	false, 4, 0xd0010, 0xd4c3b2a1);
MMIO(read64_long, ABI_LONG, 64, LONG_RAX "mov (%rdi), %rbx",
	false, 8, 0xd0000, 0xb8a79685d4c3b2a1);
MMIO(read32_long_clears, ABI_LONG, 64, LONG_RAX "mov $-1, %rbx\n"
	"mov (%rdi), %ebx", false, 4, 0xd0000, 0xd4c3b2a1);
MMIO(read8_long_keeps, ABI_LONG, 64, LONG_RAX "mov $-1, %rbx\n"
	"mov (%rdi), %bl", false, 1, 0xd0000, 0xffffffffffffffa1);

FIXTURE_SETUP(mmio) { }
FIXTURE_TEARDOWN(mmio) { }

TEST_F(mmio, exit_and_result)
{
	struct abi_vcpu *vcpu = abi_boot(variant->flags, variant->guest);
	struct kvm_run *run = vcpu->run;
	uint64_t data = 0;

	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(variant->write, run->mmio.is_write);
	EXPECT_EQ(variant->len, run->mmio.len);
	EXPECT_EQ(variant->addr, run->mmio.phys_addr);
	if (variant->write) {
		memcpy(&data, run->mmio.data, run->mmio.len);
		EXPECT_EQ(variant->data, data);
		abi_done(vcpu);
		return;
	}
	data = 0xb8a79685d4c3b2a1;
	memcpy(run->mmio.data, &data, sizeof(data));
	abi_done(vcpu);
	EXPECT_EQ(variant->data, abi_regs(vcpu).rbx);
}

/*
 * An access that crosses a page, or is wider than eight bytes, comes in parts,
 * the lowest first; none crosses a page.
 */
static int parts(struct __test_metadata *_metadata, struct abi_vcpu *vcpu,
		 uint64_t base, uint8_t *bytes, bool write)
{
	struct kvm_run *run = vcpu->run;
	uint64_t next = base;

	while (abi_exit(vcpu) == KVM_EXIT_MMIO) {
		uint64_t at = run->mmio.phys_addr;
		uint32_t len = run->mmio.len;

		ASSERT_EQ(next, at);
		ASSERT_LE(1, len);
		ASSERT_GE(8, len);
		ASSERT_EQ(at / 4096, (at + len - 1) / 4096);
		ASSERT_EQ(write, run->mmio.is_write);
		if (write)
			memcpy(bytes + (at - base), run->mmio.data, len);
		else
			memcpy(run->mmio.data, bytes + (at - base), len);
		next += len;
	}
	EXPECT_EQ(KVM_EXIT_IO, run->exit_reason);
	EXPECT_EQ(ABI_DONE, run->io.port);
	return next - base;
}

GUEST64(write_cross, "mov $0xd0ffd, %edi; mov $0x8877665544332211, %rax\n"
	"mov %rax, (%rdi)\n" G_DONE);

TEST(write_crosses_page)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &write_cross);
	uint64_t data = 0;

	EXPECT_EQ(8, parts(_metadata, vcpu, 0xd0ffd, (void *)&data, true));
	EXPECT_EQ(0x8877665544332211, data);
}

GUEST64(read_cross, "mov $0xd0ffd, %edi; mov (%rdi), %rbx\n" G_DONE);

TEST(read_crosses_page)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_cross);
	uint64_t data = 0x8877665544332211;

	EXPECT_EQ(8, parts(_metadata, vcpu, 0xd0ffd, (void *)&data, false));
	EXPECT_EQ(0x8877665544332211, abi_regs(vcpu).rbx);
}

/* One part is in the slot, the other not. */
GUEST64(write_half, "mov $0x9fffd, %edi; mov $0x8877665544332211, %rax\n"
	"mov %rax, (%rdi)\n" G_DONE);

TEST(write_crosses_end_of_slot)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &write_half);
	uint64_t data = 0;

	EXPECT_EQ(5, parts(_metadata, vcpu, 0xa0000, (void *)&data, true));
	EXPECT_EQ(0x8877665544, data);
	EXPECT_EQ(0, memcmp(vcpu->vm->mem + 0x9fffd, "\x11\x22\x33", 3));
}

GUEST64(read_half, "mov $0x9fffd, %edi; mov (%rdi), %rbx\n" G_DONE);

TEST(read_crosses_end_of_slot)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_half);
	uint64_t data = 0x8877665544;

	memcpy(vcpu->vm->mem + 0x9fffd, "\x11\x22\x33", 3);
	EXPECT_EQ(5, parts(_metadata, vcpu, 0xa0000, (void *)&data, false));
	EXPECT_EQ(0x8877665544332211, abi_regs(vcpu).rbx);
}

/* The whole physical address is told, above 4 GiB as well. */
TEST(address_above_4g)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_regs regs;
	uint64_t *pml4 = (uint64_t *)(vm->mem + ABI_TABLES);
	uint64_t *pdpt = (uint64_t *)(vm->mem + 0x70000);

	abi_vcpu_mode(vcpu, ABI_LONG);
	/* mov (%rbx), %eax; out */
	memcpy(vm->mem + ABI_CODE, "\x8b\x03\xe6\xe4", 4);
	pml4[1] = 0x70007;
	pdpt[0] = 0x71007;
	*(uint64_t *)(vm->mem + 0x71000) = 0x1200000087;
	regs = abi_regs(vcpu);
	regs.rbx = 0x8000000028;
	abi_set_regs(vcpu, &regs);
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0x1200000028, vcpu->run->mmio.phys_addr);
	EXPECT_EQ(4, vcpu->run->mmio.len);
	abi_done(vcpu);
}

/* Devices see each access once: a read, then a write, nothing more. */
GUEST64(modify, "mov $0xd0000, %edi; mov $1, %eax; add %al, (%rdi)\n"
	"orl $2, 4(%rdi); lock incw 8(%rdi); add 12(%rdi), %eax\n" G_DONE);

TEST(each_access_once)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &modify);
	static const struct { int at, len, write; } accesses[] = {
		{ 0, 1, 0 }, { 0, 1, 1 }, { 4, 4, 0 }, { 4, 4, 1 },
		{ 8, 2, 0 }, { 8, 2, 1 }, { 12, 4, 0 },
	};

	for (int i = 0; i < 7; i++) {
		ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu))
			abi_describe(vcpu);
		EXPECT_EQ(ABI_MMIO + accesses[i].at, vcpu->run->mmio.phys_addr);
		EXPECT_EQ(accesses[i].len, vcpu->run->mmio.len);
		EXPECT_EQ(accesses[i].write, vcpu->run->mmio.is_write);
		memset(vcpu->run->mmio.data, 0x40 * !accesses[i].write, 8);
	}
	abi_done(vcpu);
}

/* A write is told when it is done: RIP is then past it. */
TEST(pending_write_completes_without_the_guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &modify);

	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(1, vcpu->run->mmio.is_write);
	abi_pending(vcpu);
	EXPECT_EQ(ABI_CODE + 12, abi_regs(vcpu).rip);
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(ABI_MMIO + 4, vcpu->run->mmio.phys_addr);
}

/* A read is finished by the next KVM_RUN, also one that runs no guest. */
TEST(pending_read_completes_without_the_guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &m_read32_prot);
	uint32_t data = 0x12345678;

	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	memcpy(vcpu->run->mmio.data, &data, 4);
	abi_pending(vcpu);
	EXPECT_EQ(data, abi_regs(vcpu).rbx);
	EXPECT_EQ(ABI_CODE + 6, abi_regs(vcpu).rip);
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
