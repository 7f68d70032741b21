// SPDX-License-Identifier: GPL-2.0
/*
 * User-mode instruction prevention: with CR4.UMIP, SGDT, SIDT, SLDT, STR and
 * SMSW are #GP outside the kernel. Where the CPU has no UMIP of its own the
 * hypervisor stands in for it, and must not get in the way of the kernel.
 */
#include <stdlib.h>

#include "test.h"

#define CR4_UMIP	0x800ull
#define USER		0x2000		/* where the user's code is */
#define VECTOR_GP	13

static bool cpu_has(const char *flag)
{
	char line[4096];
	bool has = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && !has && fgets(line, sizeof(line), f))
		has = !strncmp(line, "flags", 5) && strstr(line, flag);
	if (f)
		fclose(f);
	return has;
}

static bool supported(int dev)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 7, 0);
	bool has = leaf && leaf->ecx & 4;

	free(cpuid);
	return has;
}

static void set_umip(struct abi_vcpu *vcpu)
{
	struct kvm_sregs sregs = abi_sregs(vcpu);

	sregs.cr4 |= CR4_UMIP;
	abi_set_sregs(vcpu, &sregs);
}

GUEST64(to_user, "push $0x43; push $0x8000; push $2; push $0x3b\n"
	"push $0x2000; iretq");

FIXTURE(user) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(user) {
	const struct abi_guest *guest;
	bool smsw;
};

/* UD2 ends it where the instruction is not refused. */
#define USER_INSN(name, code, smsw)					\
	GUEST64(u_##name, "nop; " code "; ud2");			\
	FIXTURE_VARIANT_ADD(user, name) { &u_##name, smsw }

USER_INSN(sgdt, "sgdt 0x80000", false);
USER_INSN(sidt, "sidt 0x80000", false);
USER_INSN(sldt, "sldt %eax", false);
USER_INSN(sldt_memory, "sldt 0x80000", false);
USER_INSN(str, "str %eax", false);
USER_INSN(smsw, "smsw %eax", true);
USER_INSN(smsw_memory, "smsw 0x80000", true);

FIXTURE_SETUP(user)
{
	self->vcpu = abi_boot(ABI_LONG, &to_user);
	abi_load(self->vcpu->vm, USER, variant->guest);
}

FIXTURE_TEARDOWN(user) { }

TEST_F(user, refused)
{
	struct abi_trap trap;

	if (!supported(self->vcpu->vm->dev))
		SKIP(return, "no UMIP for guests");
	if (variant->smsw && cpu_has(" vmx") && !cpu_has(" umip"))
		SKIP(return, "VT-x has no exit for SMSW");
	set_umip(self->vcpu);
	trap = abi_trapped(self->vcpu);
	EXPECT_EQ(VECTOR_GP, trap.vector);
	EXPECT_EQ(0, trap.error);
	EXPECT_EQ(USER + 1, trap.rip);
}

TEST_F(user, allowed)
{
	EXPECT_EQ(6, abi_trapped(self->vcpu).vector);
}

/* The kernel's own are as ever, and the tables hold. */
GUEST64(kernel, "sgdt 0x80000; sidt 0x80010; str 0x80020; sldt 0x80028\n"
	"smsw 0x80030; mov %cr4, %rax\n" G_REPORT
	"xor %edx, %edx; lldt %dx; lgdt 0x80000; lidt 0x80010\n"
	"andb $~2, 0x402d; mov $0x28, %edx; ltr %dx; int3\n"
	"mov %cr4, %rax; and $~0x800, %rax; mov %rax, %cr4\n"
	"mov %cr4, %rax\n" G_REPORT G_DONE);

TEST(kernel_unhindered)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &kernel);
	uint8_t *mem = vcpu->vm->mem;

	if (!supported(vcpu->vm->dev))
		SKIP(return, "no UMIP for guests");
	set_umip(vcpu);
	EXPECT_EQ(0xe20, abi_report(vcpu));
	EXPECT_EQ(0xe20, abi_sregs(vcpu).cr4);
	EXPECT_EQ(ABI_GDT, abi_peek64(vcpu->vm, ABI_DATA + 2));
	EXPECT_EQ(0x7f, *(uint16_t *)(mem + ABI_DATA));
	EXPECT_EQ(ABI_IDT, abi_peek64(vcpu->vm, ABI_DATA + 0x12));
	EXPECT_EQ(0xfff, *(uint16_t *)(mem + ABI_DATA + 0x10));
	EXPECT_EQ(ABI_TR, *(uint16_t *)(mem + ABI_DATA + 0x20));
	EXPECT_EQ(0, *(uint16_t *)(mem + ABI_DATA + 0x28));
	EXPECT_EQ(0x33, *(uint16_t *)(mem + ABI_DATA + 0x30));
	EXPECT_EQ(3, abi_trapped(vcpu).vector);
	EXPECT_EQ(ABI_TR, abi_sregs(vcpu).tr.selector);
	EXPECT_EQ(0x8b, mem[ABI_GDT + ABI_TR + 5]);
	EXPECT_EQ(0x620, abi_report(vcpu));
	EXPECT_EQ(0x620, abi_sregs(vcpu).cr4);
}

/* A guest that was not shown UMIP can't have it. */
TEST(not_without_cpuid)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 7, 0);
	struct kvm_sregs sregs = abi_sregs(vcpu);

	leaf->ecx &= ~4;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	sregs.cr4 |= CR4_UMIP;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SREGS, &sregs);
	free(cpuid);
}

TEST_HARNESS_MAIN
