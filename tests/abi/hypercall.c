// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CAP_EXIT_HYPERCALL: hypercalls that the user makes. There is one,
 * KVM_HC_MAP_GPA_RANGE; what the kernel answers by itself is in pv.c.
 */
#include <linux/kvm_para.h>

#include "test.h"

#define NR		KVM_HC_MAP_GPA_RANGE
#define CODE_USER	0x2000
#define CODE_FIXED	0x200000	/* in a slot that can't be written */

GUEST64(amd_long, "1: vmmcall\n" G_REPORT "jmp 1b");
GUEST64(intel_long, "1: vmcall\n" G_REPORT "jmp 1b");
GUEST32(amd_prot, "1: vmmcall\n" G_REPORT "jmp 1b");
GUEST32(intel_prot, "1: vmcall\n" G_REPORT "jmp 1b");

/* One of the two is the other vendor's. */
FIXTURE(call) { struct abi_vcpu *vcpu; bool long64; };
FIXTURE_VARIANT(call) {
	unsigned int mode;
	const struct abi_guest *guest;
};
FIXTURE_VARIANT_ADD(call, amd_long) { ABI_LONG, &amd_long };
FIXTURE_VARIANT_ADD(call, intel_long) { ABI_LONG, &intel_long };
FIXTURE_VARIANT_ADD(call, amd_prot) { ABI_PROT, &amd_prot };
FIXTURE_VARIANT_ADD(call, intel_prot) { ABI_PROT, &intel_prot };

static int enable(struct abi_vcpu *vcpu, uint64_t calls)
{
	return abi_enable(vcpu->vm->fd, KVM_CAP_EXIT_HYPERCALL, calls);
}

FIXTURE_SETUP(call)
{
	self->vcpu = abi_boot(variant->mode, variant->guest);
	self->long64 = variant->mode == ABI_LONG;
	NEED_CAP(self->vcpu->vm->dev, KVM_CAP_EXIT_HYPERCALL);
}

FIXTURE_TEARDOWN(call) { }

/* What the guest is to call, here or next. */
static void ask(struct abi_vcpu *vcpu, uint64_t gpa, uint64_t pages,
		uint64_t attributes)
{
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rax = NR;
	regs.rbx = gpa;
	regs.rcx = pages;
	regs.rdx = attributes;
	abi_set_regs(vcpu, &regs);
}

TEST_F(call, not_the_users)
{
	ask(self->vcpu, ABI_DATA, 1, 0);
	EXPECT_EQ(-KVM_ENOSYS, (int)abi_report(self->vcpu));
	ASSERT_EQ(0, enable(self->vcpu, 1 << NR));
	ASSERT_EQ(0, enable(self->vcpu, 0));
	ask(self->vcpu, ABI_DATA, 1, 0);
	EXPECT_EQ(-KVM_ENOSYS, (int)abi_report(self->vcpu));
}

TEST_F(call, answered)
{
	const uint64_t ret = 0x1122334455667788;
	struct abi_vcpu *vcpu = self->vcpu;
	struct kvm_run *run = vcpu->run;

	ASSERT_EQ(0, enable(vcpu, 1 << NR));
	ask(vcpu, ABI_DATA, 5, 0x11);
	memset(&run->hypercall, 0xff, sizeof(run->hypercall));
	ASSERT_EQ(KVM_EXIT_HYPERCALL, abi_exit(vcpu));
	EXPECT_EQ(NR, run->hypercall.nr);
	EXPECT_EQ(ABI_DATA, run->hypercall.args[0]);
	EXPECT_EQ(5, run->hypercall.args[1]);
	EXPECT_EQ(0x11, run->hypercall.args[2]);
	EXPECT_EQ(self->long64, run->hypercall.longmode);
	EXPECT_EQ(ABI_CODE, abi_regs(vcpu).rip);
	run->hypercall.ret = ret;
	EXPECT_EQ((uint32_t)ret, abi_report(vcpu));
	EXPECT_EQ(self->long64 ? ret : (uint32_t)ret, abi_regs(vcpu).rax);
}

/* The answer is taken before KVM_RUN ends for another reason. */
TEST_F(call, finished_first)
{
	struct abi_vcpu *vcpu = self->vcpu;

	ASSERT_EQ(0, enable(vcpu, 1 << NR));
	ask(vcpu, 0, 1, 0);
	ASSERT_EQ(KVM_EXIT_HYPERCALL, abi_exit(vcpu));
	vcpu->run->hypercall.ret = 7;
	abi_pending(vcpu);
	EXPECT_EQ(ABI_CODE + 3, abi_regs(vcpu).rip);
	EXPECT_EQ(7, abi_regs(vcpu).rax);
	EXPECT_EQ(7, abi_report(vcpu));
}

/* ... but not by a vCPU that has been given another state meanwhile. */
TEST_F(call, moved_on)
{
	struct abi_vcpu *vcpu = self->vcpu;
	struct kvm_regs regs;

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM writes to that state");
	ASSERT_EQ(0, enable(vcpu, 1 << NR));
	ask(vcpu, ABI_DATA, 1, 0);
	ASSERT_EQ(KVM_EXIT_HYPERCALL, abi_exit(vcpu));
	vcpu->run->hypercall.ret = 7;
	regs = abi_regs(vcpu);
	regs.rip = ABI_CODE + 3;
	regs.rax = 8;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(8, abi_report(vcpu));
}

/* Ranges that are none are refused without asking the user. */
TEST_F(call, refused)
{
	static const struct { uint64_t gpa, pages; } bad[] = {
		{ ABI_DATA + 1, 1 }, { ABI_DATA + 0x800, 1 }, { ABI_DATA, 0 },
		{ ABI_DATA, ~0ull },	/* wraps round, in 64 bits */
	};
	struct abi_vcpu *vcpu = self->vcpu;

	ASSERT_EQ(0, enable(vcpu, 1 << NR));
	for (unsigned int i = 0; i < (self->long64 ? 4 : 3); i++) {
		ask(vcpu, bad[i].gpa, bad[i].pages, 0);
		EXPECT_EQ(-KVM_EINVAL, (int)abi_report(vcpu))
			TH_LOG("range %u", i);
	}
}

/* Code that can't be mended is left as it is, and works. */
TEST_F(call, fixed_code)
{
	struct abi_vcpu *vcpu = self->vcpu;
	void *p = abi_map(4096);
	struct kvm_regs regs;

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM asks the user to mend the code");
	ASSERT_EQ(0, enable(vcpu, 1 << NR));
	memcpy(p, variant->guest->start,
	       variant->guest->end - variant->guest->start);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, KVM_MEM_READONLY, CODE_FIXED, 4096,
			      p));
	regs = abi_regs(vcpu);
	regs.rip = CODE_FIXED;
	abi_set_regs(vcpu, &regs);
	ask(vcpu, ABI_DATA, 1, 0);
	ASSERT_EQ(KVM_EXIT_HYPERCALL, abi_exit(vcpu));
	EXPECT_EQ(CODE_FIXED, abi_regs(vcpu).rip);
	vcpu->run->hypercall.ret = 9;
	EXPECT_EQ(9, abi_report(vcpu));
	ask(vcpu, ABI_DATA, 0, 0);
	EXPECT_EQ(-KVM_EINVAL, (int)abi_report(vcpu));
	EXPECT_EQ(0, memcmp(p, variant->guest->start, 3));
}

/* Not for programs in the guest. */
GUEST64(to_user, "push $0x43; push $0x8000; push $2; push $0x3b; push $0x2000\n"
	"iretq");
GUEST64(amd_user, "vmmcall; ud2");
GUEST64(intel_user, "vmcall; ud2");

TEST(user_mode)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &to_user);

	NEED_CAP(vcpu->vm->dev, KVM_CAP_EXIT_HYPERCALL);
	abi_load(vcpu->vm, CODE_USER, abi_intel() ? &intel_user : &amd_user);
	ASSERT_EQ(0, enable(vcpu, 1 << NR));
	ask(vcpu, ABI_DATA, 1, 0);
	EXPECT_EQ(6, abi_trapped(vcpu).vector);
	EXPECT_EQ(-KVM_EPERM, (int)abi_regs(vcpu).rax);
}

TEST(unknown_calls)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &amd_long);
	uint64_t calls = abi_cap(vcpu->vm->dev, KVM_CAP_EXIT_HYPERCALL);

	EXPECT_EQ(1 << NR, calls);
	EXPECT_EQ(0, enable(vcpu, calls));
	EXPECT_EQ(-EINVAL, enable(vcpu, calls | 1));
	EXPECT_EQ(-EINVAL, enable(vcpu, 1 << KVM_HC_KICK_CPU));
	EXPECT_EQ(-EINVAL, enable(vcpu, 1ull << (32 + NR)));
	/* Those change nothing. */
	ask(vcpu, ABI_DATA, 1, 0);
	EXPECT_EQ(KVM_EXIT_HYPERCALL, abi_exit(vcpu));
	EXPECT_EQ(-EINVAL, abi_enable(vcpu->fd, KVM_CAP_EXIT_HYPERCALL, calls));
}

TEST_HARNESS_MAIN
