// SPDX-License-Identifier: GPL-2.0
/*
 * What a run of the guest must leave alone of the thread that asks for it:
 * segments, the LDT, ports that it may use, vector registers.
 */
#include <asm/ldt.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

#define LDT_SEL(n)	((n) << 3 | 7)	/* of the LDT, for user mode */

/* Spoils what it can reach of segments and vector registers. */
GUEST64(spoil, "1: mov $0x10, %eax; mov %eax, %ds; mov %eax, %es\n"
	"mov %eax, %fs; mov %eax, %gs; xor %eax, %eax; lldt %ax\n"
	"pxor %xmm0, %xmm0; pxor %xmm15, %xmm15\n"
	G_SYNC "jmp 1b");

static void descriptor(unsigned int n, void *base)
{
	struct user_desc d = {
		.entry_number = n, .base_addr = (unsigned long)base,
		.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1,
		.useable = 1,
	};

	if (syscall(SYS_modify_ldt, 1, &d, sizeof(d)))
		abi_die("modify_ldt");
}

/* The debug kernel has none. */
static bool has_ldt(void)
{
	char entry[8];

	return syscall(SYS_modify_ldt, 0, entry, sizeof(entry)) >= 0;
}

static uint32_t selectors(void)
{
	uint16_t ds, es;

	asm volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
	return ds | (uint32_t)es << 16;
}

/*
 * A selector whose descriptor is gone stays in GS until something loads it, and
 * then must not be loaded where a fault would find the user's GS base.
 */
TEST(stale_selector)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spoil);
	struct user_desc none = { .read_exec_only = 1, .seg_not_present = 1 };
	uint16_t gs;
	int i;

	if (!has_ldt())
		SKIP(return, "no LDTs in this kernel");
	for (i = 0; i < 20; i++) {
		descriptor(0, NULL);
		asm volatile("mov %0, %%gs" :: "r"(LDT_SEL(0)));
		ASSERT_EQ(0, syscall(SYS_modify_ldt, 1, &none, sizeof(none)));
		abi_sync(vcpu);
		asm volatile("mov %%gs, %0" : "=r"(gs));
		EXPECT_TRUE(gs == 0 || gs == LDT_SEL(0))
			TH_LOG("GS is %x", gs);
	}
	asm volatile("mov %0, %%gs" :: "r"(0));
}

/* Selectors of one's own, in an LDT of one's own. */
TEST(segments)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spoil);
	uint32_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t want = LDT_SEL(1) | LDT_SEL(2) << 16, got = 0;
	uint16_t gs = 0;
	int i;

	if (!has_ldt())
		SKIP(return, "no LDTs in this kernel");
	ASSERT_NE(MAP_FAILED, (void *)p);
	*p = 0x600d;
	descriptor(0, p);
	descriptor(1, NULL);
	descriptor(2, NULL);
	asm volatile("mov %0, %%gs" :: "r"(LDT_SEL(0)));
	asm volatile("mov %0, %%ds" :: "r"(LDT_SEL(1)));
	asm volatile("mov %0, %%es" :: "r"(LDT_SEL(2)));
	for (i = 0; i < 3; i++) {
		abi_sync(vcpu);
		asm volatile("mov %%gs, %0" : "=r"(gs));
		asm volatile("mov %%gs:0, %0" : "=r"(got));
		EXPECT_EQ(want, selectors());
		EXPECT_EQ(LDT_SEL(0), gs);
		EXPECT_EQ(0x600d, got);
		/* What the CPU has loaded must still be in the table, too. */
		asm volatile("mov %0, %%gs" :: "r"(LDT_SEL(0)));
		asm volatile("mov %%gs:0, %0" : "=r"(got));
		EXPECT_EQ(0x600d, got);
	}
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%gs" :: "r"(0));
}

/* A port that the thread may use, by the bitmap behind the TSS. */
TEST(ports)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spoil);
	int i;

	if (ioperm(0x80, 1, 1))
		SKIP(return, "ports can't be had");
	for (i = 0; i < 3; i++) {
		outb(0, 0x80);		/* a signal if it is not allowed */
		abi_sync(vcpu);
		outb(0, 0x80);
		usleep(1000);
	}
	EXPECT_EQ(0, ioperm(0x80, 1, 0));
}

TEST(vector_registers)
{
	static const uint64_t in[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spoil);
	uint64_t low[2], high[2];
	int ret;

	abi_sync(vcpu);
	/* KVM_RUN itself, so that nothing comes between. */
	asm volatile("movdqu %3, %%xmm0; movdqu %3, %%xmm15\n\t"
		     "syscall\n\t"
		     "movdqu %%xmm0, %1; movdqu %%xmm15, %2"
		     : "=a"(ret), "=m"(low), "=m"(high)
		     : "m"(in), "a"(SYS_ioctl), "D"(vcpu->fd),
		       "S"(KVM_RUN), "d"(0)
		     : "rcx", "r11", "memory", "xmm0", "xmm15");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, memcmp(in, low, sizeof(in)));
	EXPECT_EQ(0, memcmp(in, high, sizeof(in)));
}

TEST_HARNESS_MAIN
