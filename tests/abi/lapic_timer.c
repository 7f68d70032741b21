// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer in a guest: one shot, periodic, TSC deadline; its
 * count, its divider, its mask, and its state across KVM_GET/SET_LAPIC.
 */
#include <time.h>

#include "test.h"

/* R8 = the APIC's page in all of these; SVR on; divide by 1. */
#define START "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"		\
	"movl $0xb, 0x3e0(%r8)\n"

GUEST64(one_shot, START "movl $0x45, 0x320(%r8); movl $2000000, 0x380(%r8)\n"
	G_TURNS);

TEST(one_shot_fires_once)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &one_shot);

	EXPECT_EQ(0x45, abi_turn_wait(vcpu));
	EXPECT_EQ(0, abi_lapic_get(vcpu, 0x390));
	usleep(20000);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(-1, abi_turn(vcpu));
}

GUEST64(periodic, START "movl $0x20046, 0x320(%r8)\n"
	"movl $5000000, 0x380(%r8); 1: sti; hlt; jmp 1b");

TEST(periodic_fires_again)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &periodic);

	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0x46, abi_trapped(vcpu).vector);
}

/* The bus clock is 1 GHz: 50 million counts are 50 ms. */
GUEST64(long_shot, START "movl $0x45, 0x320(%r8)\n"
	"movl $50000000, 0x380(%r8); 1: sti; hlt; jmp 1b");

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

TEST(one_count_is_a_nanosecond)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &long_shot);
	uint64_t start = now_us(), took;

	EXPECT_EQ(0x45, abi_trapped(vcpu).vector);
	took = now_us() - start;
	EXPECT_LE(50000, took);
	/* Emulated hosts are slow; current_count has the narrower bound. */
	EXPECT_GE(3000000, took);
}

GUEST64(masked, START "movl $0x10045, 0x320(%r8); movl $1000, 0x380(%r8)\n"
	G_TURNS);

TEST(masked_does_not_fire)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &masked);

	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(-1, abi_turn(vcpu));
		usleep(1000);
	}
}

GUEST64(stopped, START "movl $0x45, 0x320(%r8); movl $30000000, 0x380(%r8)\n"
	"movl $0, 0x380(%r8)\n" G_TURNS);

TEST(count_zero_stops)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &stopped);

	usleep(40000);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(-1, abi_turn(vcpu));
}

/* The current count falls, by the divider's measure. */
GUEST64(counting, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $0x0a, 0x3e0(%r8)\n"			/* by 128 */
	"movl $0x10045, 0x320(%r8); movl $0x7fffffff, 0x380(%r8)\n"
	"1: mov 0x390(%r8), %eax\n" G_REPORT "jmp 1b");

TEST(current_count)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &counting);
	uint64_t t1 = now_us(), t2, counted, passed;
	uint32_t a, b;

	a = abi_report(vcpu);
	usleep(100000);
	b = abi_report(vcpu);
	t2 = now_us();
	counted = (uint64_t)(a - b) * 128 / 1000;
	passed = t2 - t1;
	EXPECT_LT(b, a);
	EXPECT_LE(100000 - 2000, counted);
	EXPECT_GE(passed + 2000, counted);
}

/* TSC deadline: the mode, the MSR, its clearing when it fires. */
GUEST64(deadline, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $0x40047, 0x320(%r8); mfence\n"
	"rdtsc; shl $32, %rdx; or %rdx, %rax; add $1000000, %rax\n"
	"mov %rax, %rdx; shr $32, %rdx; mov $0x6e0, %ecx; wrmsr\n"
	"1: sti; hlt; cli; mov $0x6e0, %ecx; rdmsr\n" G_REPORT G_DONE);

static struct abi_vcpu *boot_deadline(const struct abi_guest *guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, guest);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);

	abi_cpuid_find(cpuid, 1, 0)->ecx |= 1 << 24;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	return vcpu;
}

TEST(tsc_deadline_fires)
{
	struct abi_vcpu *vcpu = boot_deadline(&deadline);

	EXPECT_EQ(0x47, abi_trapped(vcpu).vector);
	EXPECT_EQ(0, abi_report(vcpu));
	abi_done(vcpu);
}

/* One in the past fires at once. */
GUEST64(past, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $0x40047, 0x320(%r8); mfence\n"
	"mov $1, %eax; xor %edx, %edx; mov $0x6e0, %ecx; wrmsr\n" G_TURNS);

TEST(tsc_deadline_in_the_past)
{
	struct abi_vcpu *vcpu = boot_deadline(&past);

	EXPECT_EQ(0x47, abi_turn_wait(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* In another mode the MSR takes nothing. */
GUEST64(other_mode, START "movl $0x45, 0x320(%r8)\n"
	"mov $1, %eax; xor %edx, %edx; mov $0x6e0, %ecx; wrmsr\n"
	"rdmsr\n" G_REPORT G_TURNS);

TEST(tsc_deadline_in_another_mode)
{
	struct abi_vcpu *vcpu = boot_deadline(&other_mode);

	EXPECT_EQ(0, abi_report(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* Saved while it runs and restored, it goes on from where it was. */
TEST(saved_and_restored)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &counting);
	struct abi_vcpu *to = abi_boot(ABI_LONG | ABI_IRQCHIP, &counting);
	struct kvm_lapic_state lapic;
	uint32_t a, saved;

	a = abi_report(vcpu);
	usleep(20000);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	memcpy(&saved, lapic.regs + 0x390, 4);
	EXPECT_LT(saved, a);
	EXPECT_LT(0x70000000, saved);
	usleep(500000);
	abi_ok(to->fd, KVM_SET_LAPIC, &lapic);
	a = abi_lapic_get(to, 0x390);
	/* It counts from what was saved, not from where time is now. */
	EXPECT_GE(saved, a);
	EXPECT_LT(saved - 400000000 / 128, a);
}

TEST(restored_timer_fires)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &masked);
	struct kvm_lapic_state lapic;
	uint32_t *regs = (uint32_t *)lapic.regs;

	abi_lapic_enable(vcpu);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	regs[0x320 / 4] = 0x20048;
	regs[0x380 / 4] = regs[0x390 / 4] = 3000000;
	regs[0x3e0 / 4] = 0xb;
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &lapic);
	abi_load(vcpu->vm, ABI_CODE, &periodic);
	memcpy(vcpu->vm->mem + ABI_CODE, "\xfb\xf4\xeb\xfc", 4);
	EXPECT_EQ(0x48, abi_trapped(vcpu).vector);
	EXPECT_EQ(0x48, abi_trapped(vcpu).vector);
}

TEST_HARNESS_MAIN
