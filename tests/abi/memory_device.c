// SPDX-License-Identifier: GPL-2.0
/*
 * A slot of device memory: user addresses that have no pages behind them, only
 * physical addresses, here the firmware's ROM through /dev/mem.
 */
#include "test.h"

#define ROM	0xf0000u
#define SIZE	0x10000u
#define HIGH	0x200000u

/* The sum of the dwords of the ROM; then one of them is written. */
GUEST64(summer, "mov $0x200000, %edi; mov $0x4000, %ecx; xor %eax, %eax\n"
	"1: add (%rdi), %eax; add $4, %rdi; dec %ecx; jnz 1b\n" G_REPORT
	"mov $0x200000, %edi; mov %eax, (%rdi)\n" G_DONE);

static uint32_t sum(const volatile uint32_t *p)
{
	uint32_t n = 0;
	unsigned int i;

	for (i = 0; i < SIZE / 4; i++)
		n += p[i];
	return n;
}

static void *rom(int prot)
{
	int fd = open("/dev/mem", prot & PROT_WRITE ? O_RDWR : O_RDONLY);
	void *p = mmap(NULL, SIZE, prot, MAP_SHARED, fd, ROM);

	if (fd >= 0)
		close(fd);
	return p;
}

TEST(on_demand)
{
	void *p = rom(PROT_READ);
	struct abi_vcpu *vcpu;

	if (p == MAP_FAILED)
		SKIP(return, "no /dev/mem, or not for ROM");
	vcpu = abi_boot(ABI_LONG, &summer);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p));
	EXPECT_EQ(sum(p), abi_report(vcpu));
	EXPECT_NE(0, sum(p));
}

TEST(unmapped_and_mapped_again)
{
	void *p = rom(PROT_READ), *q;
	struct abi_vcpu *vcpu;
	uint32_t was;

	if (p == MAP_FAILED)
		SKIP(return, "no /dev/mem, or not for ROM");
	was = sum(p);
	vcpu = abi_boot(ABI_LONG, &summer);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p));
	EXPECT_EQ(was, abi_report(vcpu));
	/* Memory in its place, zeroed, is what the guest sees from then on. */
	q = mmap(p, SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_EQ(p, q);
	abi_done(vcpu);
	EXPECT_EQ(was, *(uint32_t *)q);
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(was, abi_report(vcpu));
}

TEST_HARNESS_MAIN
