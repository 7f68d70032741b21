// SPDX-License-Identifier: GPL-2.0
/*
 * From real mode to protected and long mode and back, by the guest itself;
 * 16-bit protected code, compatibility mode, 32-bit paging. The guests are in
 * tests/guest.
 */
#include "test.h"

GUEST_BLOB(to_long);
GUEST_BLOB(to_protected);
GUEST_BLOB(paging32);

TEST(real_to_protected_and_back)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &to_protected);

	EXPECT_EQ(0x32323232, abi_report(vcpu));	/* 32-bit code */
	EXPECT_EQ(1, abi_sregs(vcpu).cr0 & 1);
	EXPECT_EQ(1, abi_sregs(vcpu).cs.db);
	EXPECT_EQ(0x1616, abi_report(vcpu));		/* 16-bit protected */
	EXPECT_EQ(0, abi_sregs(vcpu).cs.db);
	EXPECT_EQ(0x8086, abi_report(vcpu));		/* real again */
	EXPECT_EQ(0, abi_sregs(vcpu).cr0 & 1);
	/* The big limit of a segment loaded in protected mode stays. */
	EXPECT_EQ(0x12345678, abi_report(vcpu));
	abi_done(vcpu);
}

/* With a TSS of that type in TR. */
static void long_and_back(struct __test_metadata *_metadata, int tss)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_sregs sregs;

	abi_vcpu_mode(vcpu, ABI_LONG);		/* for its page tables */
	abi_vcpu_mode(vcpu, ABI_PROT);		/* for its GDT */
	abi_load(vm, ABI_CODE, &to_long);
	abi_vcpu_mode(vcpu, ABI_REAL);
	sregs = abi_sregs(vcpu);
	sregs.tr.type = tss;
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(0x64646464, abi_report(vcpu));
	EXPECT_EQ(0x500, abi_sregs(vcpu).efer & 0x500);
	EXPECT_EQ(1, abi_sregs(vcpu).cs.l);
	EXPECT_EQ(0x32326464, abi_report(vcpu));	/* compatibility */
	EXPECT_EQ(0, abi_sregs(vcpu).cs.l);
	EXPECT_EQ(0x500, abi_sregs(vcpu).efer & 0x500);
	EXPECT_EQ(0x32323232, abi_report(vcpu));	/* paging off */
	EXPECT_EQ(0x100, abi_sregs(vcpu).efer & 0x500);
	abi_done(vcpu);
}

TEST(real_to_long_and_back)
{
	long_and_back(_metadata, 11);
}

/* Nobody has loaded TR: the processor's is of 16 bits after some resets. */
TEST(long_mode_with_a_small_tss)
{
	long_and_back(_metadata, 3);
}

/* 32-bit paging with 4 MiB pages, then PAE. */
TEST(paging_of_32_bits)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &paging32);
	uint32_t *pd = (uint32_t *)(vcpu->vm->mem + 0x70000);
	uint64_t *pdpt = (uint64_t *)(vcpu->vm->mem + 0x71000);
	uint64_t *pae = (uint64_t *)(vcpu->vm->mem + 0x72000);

	pd[0] = 0x87;				/* 4 MiB at 0 */
	pd[4] = 0x73007;			/* 16 MiB: a table */
	*(uint32_t *)(vcpu->vm->mem + 0x73000) = 0x80007;
	pdpt[0] = 0x72001;
	pae[0] = 0x87;
	pae[8] = 0x74007;
	*(uint64_t *)(vcpu->vm->mem + 0x74000) = 0x81007;
	abi_poke(vcpu->vm, 0x80000, 0x1111);
	abi_poke(vcpu->vm, 0x81000, 0x2222);
	EXPECT_EQ(0x1111, abi_report(vcpu));
	EXPECT_EQ(0x2222, abi_report(vcpu));
	abi_done(vcpu);
}

/* Segment bases; limits are not checked by QEMU's emulation. */
GUEST16(base16, "mov $0x1000, %ax; mov %ax, %ds; mov 0x20, %ax\n"
	"out %ax, $0xe0\n");

TEST(base_in_real_mode)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &base16);

	abi_poke(vcpu->vm, 0x10020, 0x4321);
	EXPECT_EQ(0x4321, abi_report(vcpu));
}

GUEST32(base32, "mov $0x50, %eax; mov %eax, %fs; mov %fs:4, %eax\n" G_REPORT);

TEST(base_in_protected_mode)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &base32);

	/* Base 0x12345, limit 0xfff. */
	*(uint64_t *)(vcpu->vm->mem + ABI_GDT + 0x50) = 0x0040930123450fff;
	memcpy(vcpu->vm->mem + 0x12349, "\x44\x33\x22\x11", 4);
	EXPECT_EQ(0x11223344, abi_report(vcpu));
	EXPECT_EQ(0x12345, abi_sregs(vcpu).fs.base);
	EXPECT_EQ(0xfff, abi_sregs(vcpu).fs.limit);
}

/* The A20 gate is no more: addresses do not wrap at 1 MiB. */
GUEST16(high, "mov $0xffff, %ax; mov %ax, %ds; mov 0x20, %eax\n" G_REPORT);

TEST(first_64k_above_1m)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &high);
	uint32_t *p = abi_map(0x10000);

	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0x100000, 0x10000, p));
	p[4] = 0x600df00d;
	EXPECT_EQ(0x600df00d, abi_report(vcpu));
}

TEST_HARNESS_MAIN
