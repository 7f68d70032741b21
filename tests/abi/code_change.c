// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_RUN and code that changes: the same RIP exits again and again, but what
 * is there is another instruction, or is reached another way. What was found
 * out about an instruction before must not be used for it.
 */
#include "test.h"

#define TABLE		3		/* present, writable, the kernel's */
#define CODE_VA		0x8000000000ull		/* PML4 entry 1 */
#define PDPT		0x70000
#define PD		0x71000
#define PT		0x72000
#define PAGE_A		0x80000
#define PAGE_B		0x81000
#define OTHER_TABLE	0x73000
#define OTHER_TABLE2	0x74000

/* Each ends with OUT to ABI_DONE. */
static const char write4[] = "\x89\x03\xe6\xe4";	/* mov %eax,(%rbx) */
static const char write1[] = "\x88\x03\xe6\xe4";	/* mov %al,(%rbx) */
static const char write2[] = "\x66\x89\x03\xe6\xe4";	/* mov %ax,(%rbx) */
static const char write8[] = "\x48\x89\x03\xe6\xe4";	/* mov %rax,(%rbx) */

static struct abi_vcpu *make(void)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	uint64_t *pml4 = (uint64_t *)(vm->mem + ABI_TABLES);

	abi_vcpu_mode(vcpu, ABI_LONG);
	pml4[1] = PDPT | TABLE;
	*(uint64_t *)(vm->mem + PDPT) = PD | TABLE;
	*(uint64_t *)(vm->mem + PD) = PT | TABLE;
	*(uint64_t *)(vm->mem + PT) = PAGE_A | TABLE;
	memcpy(vm->mem + PAGE_A, write4, sizeof(write4));
	memcpy(vm->mem + PAGE_B, write1, sizeof(write1));
	return vcpu;
}

/* Run the code at @rip to its end; how many bytes it writes to a device. */
static int width(struct abi_vcpu *vcpu, uint64_t rip)
{
	/* What the guest does with INVLPG: here it is the user's doing. */
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_regs regs = abi_regs(vcpu);
	int len;

	sregs.cr3 ^= 8;
	abi_set_sregs(vcpu, &sregs);
	sregs.cr3 ^= 8;
	abi_set_sregs(vcpu, &sregs);
	regs.rip = rip;
	regs.rbx = ABI_MMIO;
	regs.rflags = 2;
	abi_set_regs(vcpu, &regs);
	if (abi_exit(vcpu) != KVM_EXIT_MMIO || !vcpu->run->mmio.is_write)
		return -1;
	len = vcpu->run->mmio.len;
	abi_done(vcpu);
	return len;
}

TEST(bytes)
{
	struct abi_vcpu *vcpu = make();
	uint8_t *code = vcpu->vm->mem + PAGE_A;

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		memcpy(code, write1, sizeof(write1));
		EXPECT_EQ(1, width(vcpu, CODE_VA));
		memcpy(code, write2, sizeof(write2));
		EXPECT_EQ(2, width(vcpu, CODE_VA));
		memcpy(code, write8, sizeof(write8));
		EXPECT_EQ(8, width(vcpu, CODE_VA));
		memcpy(code, write4, sizeof(write4));
	}
}

/* A byte behind the first eight, the number that is written. */
TEST(last_byte)
{
	struct abi_vcpu *vcpu = make();
	uint8_t *code = vcpu->vm->mem + PAGE_A;
	struct kvm_regs regs = abi_regs(vcpu);

	/* movl $0xa1a2a3a4, 0x12345678(%rbx,%rcx,1) */
	memcpy(code, "\xc7\x84\x0b\x78\x56\x34\x12\xa4\xa3\xa2\xa1\xe6\xe4", 13);
	for (int i = 0; i < 4; i++) {
		uint32_t data;

		code[10] = i;
		regs.rip = CODE_VA;
		regs.rbx = ABI_MMIO - 0x12345678;
		regs.rcx = 0;
		abi_set_regs(vcpu, &regs);
		ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
		EXPECT_EQ(ABI_MMIO, vcpu->run->mmio.phys_addr);
		memcpy(&data, vcpu->run->mmio.data, 4);
		EXPECT_EQ(0xa2a3a4 | i << 24, data);
		abi_done(vcpu);
	}
}

/* Each level of the tables in turn leads to the other page, and back. */
TEST(page_tables)
{
	struct abi_vcpu *vcpu = make();
	uint8_t *mem = vcpu->vm->mem;
	static const struct { uint32_t at, table, other; } levels[] = {
		{ PT, PAGE_A, PAGE_B },
		{ PD, PT, OTHER_TABLE },
		{ PDPT, PD, OTHER_TABLE2 },
		{ ABI_TABLES + 8, PDPT, OTHER_TABLE2 + 0x1000 },
	};

	*(uint64_t *)(mem + OTHER_TABLE) = PAGE_B | TABLE;
	*(uint64_t *)(mem + OTHER_TABLE2) = OTHER_TABLE | TABLE;
	*(uint64_t *)(mem + OTHER_TABLE2 + 0x1000) = OTHER_TABLE2 | TABLE;
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		*(uint64_t *)(mem + levels[i].at) = levels[i].other | TABLE;
		EXPECT_EQ(1, width(vcpu, CODE_VA)) TH_LOG("level %d", i + 1);
		*(uint64_t *)(mem + levels[i].at) = levels[i].table | TABLE;
		EXPECT_EQ(4, width(vcpu, CODE_VA)) TH_LOG("level %d", i + 1);
	}
}

TEST(cr3)
{
	struct abi_vcpu *vcpu = make();
	struct kvm_sregs sregs = abi_sregs(vcpu);
	uint8_t *mem = vcpu->vm->mem;

	memcpy(mem + OTHER_TABLE, mem + ABI_TABLES, 4096);
	*(uint64_t *)(mem + OTHER_TABLE + 8) = (OTHER_TABLE2 + 0x2000) | TABLE;
	*(uint64_t *)(mem + OTHER_TABLE2 + 0x2000) = (OTHER_TABLE2 + 0x1000) | TABLE;
	*(uint64_t *)(mem + OTHER_TABLE2 + 0x1000) = OTHER_TABLE2 | TABLE;
	*(uint64_t *)(mem + OTHER_TABLE2) = PAGE_B | TABLE;
	for (int i = 0; i < 3; i++) {
		sregs.cr3 = ABI_TABLES;
		abi_set_sregs(vcpu, &sregs);
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		sregs.cr3 = OTHER_TABLE;
		abi_set_sregs(vcpu, &sregs);
		EXPECT_EQ(1, width(vcpu, CODE_VA));
	}
}

/* The same bytes are another instruction in another mode. */
TEST(mode)
{
	struct abi_vcpu *vcpu = make();
	struct kvm_sregs sregs = abi_sregs(vcpu), small = sregs;

	/* 48: REX.W, or DEC EAX */
	memcpy(vcpu->vm->mem + ABI_CODE, write8, sizeof(write8));
	small.cs.l = 0;
	small.cs.db = 1;
	for (int i = 0; i < 3; i++) {
		abi_set_sregs(vcpu, &sregs);
		EXPECT_EQ(8, width(vcpu, ABI_CODE));
		abi_set_sregs(vcpu, &small);
		EXPECT_EQ(4, width(vcpu, ABI_CODE));
	}
}

/* Other memory of the user's is put where the code is. */
TEST(slots)
{
	struct abi_vcpu *vcpu = make();
	struct abi_vm *vm = vcpu->vm;
	const uint64_t gpa = 0x100000;
	uint8_t *one = abi_map(8192), *two = one + 4096;

	*(uint64_t *)(vm->mem + PT) = gpa | TABLE;
	memcpy(one, write4, sizeof(write4));
	memcpy(two, write1, sizeof(write1));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, abi_slot(vm, 1, 0, gpa, 4096, one));
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		ASSERT_EQ(0, abi_slot(vm, 1, 0, gpa, 0, one));
		ASSERT_EQ(0, abi_slot(vm, 1, 0, gpa, 4096, two));
		EXPECT_EQ(1, width(vcpu, CODE_VA));
		ASSERT_EQ(0, abi_slot(vm, 1, 0, gpa, 0, two));
	}
}

/* The user's memory goes and comes back empty: all zeros are ADD. */
TEST(memory_dropped)
{
	struct abi_vcpu *vcpu = make();
	struct abi_vm *vm = vcpu->vm;
	uint8_t *page = abi_map(4096);

	*(uint64_t *)(vm->mem + PT) = 0x100000 | TABLE;
	memcpy(page, write4, sizeof(write4));
	ASSERT_EQ(0, abi_slot(vm, 1, 0, 0x100000, 4096, page));
	EXPECT_EQ(4, width(vcpu, CODE_VA));
	ASSERT_EQ(0, madvise(page, 4096, MADV_DONTNEED));
	memcpy(page, write1, sizeof(write1));
	EXPECT_EQ(1, width(vcpu, CODE_VA));
}

/* Where a device was there is memory, and a device again. */
TEST(device_and_memory)
{
	struct abi_vcpu *vcpu = make();
	struct abi_vm *vm = vcpu->vm;
	uint8_t *page = abi_map(4096);
	struct kvm_regs regs;

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		EXPECT_EQ(4, width(vcpu, CODE_VA));
		ASSERT_EQ(0, abi_slot(vm, 1, 0, ABI_MMIO, 4096, page));
		regs = abi_regs(vcpu);
		regs.rip = CODE_VA;
		regs.rax = 0x12345678 + i;
		abi_set_regs(vcpu, &regs);
		abi_done(vcpu);
		EXPECT_EQ(0x12345678 + i, *(uint32_t *)page);
		ASSERT_EQ(0, abi_slot(vm, 1, 0, ABI_MMIO, 0, page));
	}
}

/* CPUID, with and without a prefix: the length is what counts. */
GUEST64(length, "xor %eax, %eax; cpuid; nop\n" G_DONE);

TEST(length_of_cpuid)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &length);
	uint8_t *code = vcpu->vm->mem + ABI_CODE;
	struct kvm_regs regs;

	for (int i = 0; i < 6; i++) {
		memcpy(code + 2, i & 1 ? "\x66\x0f\xa2" : "\x0f\xa2\x90", 3);
		regs = abi_regs(vcpu);
		regs.rip = ABI_CODE;
		regs.rbx = 0;
		abi_set_regs(vcpu, &regs);
		abi_done(vcpu);
		EXPECT_NE(0, abi_regs(vcpu).rbx);
	}
}

/* The guest writes its own next instruction, then jumps to what it wrote. */
GUEST64(itself, "mov $0xd0000, %ebx; mov $100, %r12d; xor %r13d, %r13d\n"
	"1: mov %r12b, %al; and $1, %al; add $0x88, %al; mov %al, 2f(%rip)\n"
	"jmp 2f\n"
	"2: mov %eax, (%rbx); dec %r12d; jnz 1b\n" G_DONE);

TEST(by_the_guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &itself);

	for (int i = 100; i > 0; i--) {
		ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
		ASSERT_EQ(i & 1 ? 4 : 1, vcpu->run->mmio.len);
	}
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
