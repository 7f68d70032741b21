// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_X86_SET_MSR_FILTER, and MSRs that go to the user: KVM_EXIT_X86_RDMSR and
 * KVM_EXIT_X86_WRMSR.
 */
#include "test.h"

#define MSR_STAR	0xc0000081	/* the CPU's own, as a rule */
#define MSR_UNKNOWN	0x4b564df0
#define REASONS		(KVM_MSR_EXIT_REASON_INVAL | \
			 KVM_MSR_EXIT_REASON_UNKNOWN | \
			 KVM_MSR_EXIT_REASON_FILTER)

GUEST64(reads, "rdmsr\n" G_REPORT "mov %edx, %eax\n" G_REPORT G_DONE);
GUEST64(writes, "wrmsr\n" G_DONE);

static int user_msrs(struct abi_vcpu *vcpu, uint64_t reasons)
{
	return abi_enable(vcpu->vm->fd, KVM_CAP_X86_USER_SPACE_MSR, reasons);
}

/* One range of 64 MSRs from @base on, of which @allowed are. */
static int filter(struct abi_vcpu *vcpu, uint32_t flags, uint32_t access,
		  uint32_t base, uint64_t allowed)
{
	struct kvm_msr_filter f = {
		.flags = flags,
		.ranges[3] = { .flags = access, .nmsrs = 64, .base = base,
			       .bitmap = (uint8_t *)&allowed },
	};

	return abi_ioctlp(vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
}

static struct abi_vcpu *boot(const struct abi_guest *guest, uint32_t msr,
			     uint64_t value)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, guest);
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rcx = msr;
	regs.rax = (uint32_t)value;
	regs.rdx = value >> 32;
	abi_set_regs(vcpu, &regs);
	return vcpu;
}

#define EXPECT_MSR(vcpu, what, why, number) do {			\
	ASSERT_EQ(KVM_EXIT_X86_##what, abi_exit(vcpu));			\
	EXPECT_EQ(KVM_MSR_EXIT_REASON_##why, (vcpu)->run->msr.reason);	\
	EXPECT_EQ(number, (vcpu)->run->msr.index);			\
	EXPECT_EQ(0, (vcpu)->run->msr.error);				\
	EXPECT_EQ(ABI_CODE, abi_regs(vcpu).rip);			\
} while (0)

TEST(refused)
{
	struct abi_vcpu *vcpu = boot(&reads, MSR_STAR, 0);
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	EXPECT_EQ(-EINVAL, user_msrs(vcpu, REASONS + 1));
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
	f.flags = 2;
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
	EXPECT_EQ(-EINVAL, filter(vcpu, 0, 4, MSR_STAR, 0));
	EXPECT_EQ(-EINVAL, filter(vcpu, 0, 0, MSR_STAR, 0));
	f.flags = 0;
	f.ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ, .nmsrs = 0x3001,
		.bitmap = abi_map(65536),
	};
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
	f.ranges[0].nmsrs = 64;
	f.ranges[0].bitmap = (void *)8;
	EXPECT_IOCTL(-EFAULT, vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &f);
	EXPECT_IOCTL(-EFAULT, vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, 8);
	abi_report(vcpu);
}

/* Not told to the user: #GP. What he may do himself is not filtered. */
TEST(filtered_is_gp)
{
	struct abi_vcpu *vcpu = boot(&reads, MSR_STAR, 0);
	uint64_t value;

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_READ, MSR_STAR, ~1ull));
	EXPECT_EQ(13, abi_trapped(vcpu).vector);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_STAR, &value));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_STAR, value));
}

TEST(read_exits)
{
	struct abi_vcpu *vcpu = boot(&reads, MSR_STAR, 0);

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	ASSERT_EQ(0, user_msrs(vcpu, REASONS));
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_READ, MSR_STAR, ~1ull));
	EXPECT_MSR(vcpu, RDMSR, FILTER, MSR_STAR);
	vcpu->run->msr.data = 0x1122334455667788;
	EXPECT_EQ(0x55667788, abi_report(vcpu));
	EXPECT_EQ(0x11223344, abi_report(vcpu));
	abi_done(vcpu);
}

TEST(write_exits)
{
	struct abi_vcpu *vcpu = boot(&writes, MSR_STAR, 0x1122334455667788);
	uint64_t value;

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	ASSERT_EQ(0, user_msrs(vcpu, REASONS));
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_WRITE, MSR_STAR, ~1ull));
	EXPECT_MSR(vcpu, WRMSR, FILTER, MSR_STAR);
	EXPECT_EQ(0x1122334455667788, vcpu->run->msr.data);
	abi_done(vcpu);				/* it has been done, says he */
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_STAR, &value));
	EXPECT_EQ(0, value);
}

TEST(error_is_gp)
{
	struct abi_vcpu *vcpu = boot(&writes, MSR_STAR, 0);
	struct abi_trap trap;

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	ASSERT_EQ(0, user_msrs(vcpu, REASONS));
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_WRITE, MSR_STAR, ~1ull));
	EXPECT_MSR(vcpu, WRMSR, FILTER, MSR_STAR);
	vcpu->run->msr.error = 1;
	trap = abi_trapped(vcpu);
	EXPECT_EQ(13, trap.vector);
	EXPECT_EQ(ABI_CODE, trap.rip);
}

/* Another access, another MSR: as ever. And the last filter counts. */
TEST(others)
{
	struct abi_vcpu *vcpu = boot(&writes, MSR_STAR, 0x77);
	uint64_t value;

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_READ, MSR_STAR, 0));
	abi_done(vcpu);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_STAR, &value));
	EXPECT_EQ(0x77, value);
	vcpu = boot(&reads, MSR_STAR, 0);
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_READ, MSR_STAR, ~1ull));
	ASSERT_EQ(0, filter(vcpu, 0, KVM_MSR_FILTER_READ, MSR_STAR + 1, 0));
	EXPECT_EQ(0, abi_report(vcpu));
}

/* All but what a range allows; reads only, so that nothing may be written. */
TEST(default_deny)
{
	struct abi_vcpu *vcpu = boot(&reads, MSR_STAR, 0);

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_MSR_FILTER);
	ASSERT_EQ(0, filter(vcpu, KVM_MSR_FILTER_DEFAULT_DENY,
			    KVM_MSR_FILTER_READ, MSR_STAR, 1));
	EXPECT_EQ(0, abi_report(vcpu));
	vcpu = boot(&reads, MSR_STAR + 1, 0);
	ASSERT_EQ(0, filter(vcpu, KVM_MSR_FILTER_DEFAULT_DENY,
			    KVM_MSR_FILTER_READ, MSR_STAR, 1));
	EXPECT_EQ(13, abi_trapped(vcpu).vector);
	vcpu = boot(&writes, MSR_STAR, 0);
	ASSERT_EQ(0, filter(vcpu, KVM_MSR_FILTER_DEFAULT_DENY,
			    KVM_MSR_FILTER_READ, MSR_STAR, 1));
	EXPECT_EQ(13, abi_trapped(vcpu).vector);
}

TEST(unknown)
{
	struct abi_vcpu *vcpu = boot(&reads, MSR_UNKNOWN, 0);

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_USER_SPACE_MSR);
	ASSERT_EQ(0, user_msrs(vcpu, KVM_MSR_EXIT_REASON_UNKNOWN));
	EXPECT_MSR(vcpu, RDMSR, UNKNOWN, MSR_UNKNOWN);
	vcpu->run->msr.data = 5;
	EXPECT_EQ(5, abi_report(vcpu));
	/* Not asked for: #GP. */
	vcpu = boot(&reads, MSR_UNKNOWN, 0);
	ASSERT_EQ(0, user_msrs(vcpu, KVM_MSR_EXIT_REASON_INVAL));
	EXPECT_EQ(13, abi_trapped(vcpu).vector);
}

TEST(invalid)
{
	struct abi_vcpu *vcpu = boot(&writes, 0x277, 0x02);	/* PAT */

	NEED_CAP(vcpu->vm->fd, KVM_CAP_X86_USER_SPACE_MSR);
	ASSERT_EQ(0, user_msrs(vcpu, KVM_MSR_EXIT_REASON_INVAL));
	EXPECT_MSR(vcpu, WRMSR, INVAL, 0x277);
	EXPECT_EQ(2, vcpu->run->msr.data);
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
