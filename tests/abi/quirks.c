// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CAP_DISABLE_QUIRKS2: what KVM has always done, and what it does where the
 * user wants it otherwise.
 */
#include <cpuid.h>
#include <stdlib.h>

#include "test.h"

#ifndef KVM_X86_QUIRK_STUFF_FEATURE_MSRS
#define KVM_X86_QUIRK_STUFF_FEATURE_MSRS	(1 << 8)
#endif

#define MSR_APIC_BASE		0x1b
#define MSR_PLATFORM_INFO	0xce
#define MSR_MISC_ENABLE		0x1a0
#define MISC_ENABLE_MWAIT	(1 << 18)
#define CPUID_MWAIT		(1 << 3)
#define VECTOR_UD		6

static int disable(struct abi_vm *vm, uint64_t quirks)
{
	return abi_enable(vm->fd, KVM_CAP_DISABLE_QUIRKS2, quirks);
}

static bool host_has_mwait(void)
{
	unsigned int a, b, c, d;

	__cpuid(1, a, b, c, d);
	return c & CPUID_MWAIT;
}

TEST(values)
{
	struct abi_vm *vm = abi_vm_create(0);

	VALUE("older", "%d", abi_cap(vm->dev, KVM_CAP_DISABLE_QUIRKS));
	VALUE("newer", "%#x", abi_cap(vm->dev, KVM_CAP_DISABLE_QUIRKS2));
	EXPECT_EQ(0x7f, abi_cap(vm->dev, KVM_CAP_DISABLE_QUIRKS2) & 0x7f);
	EXPECT_EQ(0, disable(vm, 0));
	EXPECT_EQ(-EINVAL, disable(vm, 1ull << 31));
	EXPECT_EQ(-EINVAL, disable(vm, 1ull << 32));
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_DISABLE_QUIRKS, ~0ull));
}

/* Each as it is, and switched off. */
FIXTURE(quirk) { struct abi_vm *vm; bool off; };
FIXTURE_VARIANT(quirk) { bool off; };
FIXTURE_VARIANT_ADD(quirk, kept) { false };
FIXTURE_VARIANT_ADD(quirk, off) { true };

FIXTURE_SETUP(quirk)
{
	self->off = variant->off;
	self->vm = abi_vm_create(ABI_IRQCHIP);
}

FIXTURE_TEARDOWN(quirk) { }

static struct abi_vcpu *start(struct abi_vm *vm, const struct abi_guest *guest)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	abi_load(vm, ABI_CODE, guest);
	abi_vcpu_mode(vcpu, ABI_LONG);
	return vcpu;
}

#define SWITCH(quirk)							\
	ASSERT_EQ(0, self->off ? disable(self->vm, quirk) : 0)

/* LINT0 is where the PIC is heard. */
TEST_F(quirk, lint0)
{
	SWITCH(KVM_X86_QUIRK_LINT0_REENABLED);
	EXPECT_EQ(self->off ? 0x10000 : 0x700,
		  abi_lapic_get(abi_vcpu_create(self->vm, 0), 0x350));
	EXPECT_EQ(0x10000, abi_lapic_get(abi_vcpu_create(self->vm, 1), 0x350));
}

/* Caches are disabled in the guest's eyes, or in truth. */
GUEST64(caches, "mov %cr0, %rax; or $0x40000000, %eax; mov %rax, %cr0\n"
	"mov %cr0, %rax\n" G_REPORT "mov 0x80000, %eax\n" G_REPORT
	"mov %cr0, %rax; and $~0x40000000, %eax; mov %rax, %cr0\n"
	"mov %cr0, %rax\n" G_REPORT G_DONE);

TEST_F(quirk, cache_disable)
{
	struct abi_vcpu *vcpu;

	SWITCH(KVM_X86_QUIRK_CD_NW_CLEARED);
	vcpu = start(self->vm, &caches);
	abi_poke(self->vm, ABI_DATA, 0x12345);
	EXPECT_EQ(0x40000000, abi_report(vcpu) & 0x60000000);
	EXPECT_EQ(0x40000000, abi_sregs(vcpu).cr0 & 0x60000000);
	EXPECT_EQ(0x12345, abi_report(vcpu));
	EXPECT_EQ(0, abi_report(vcpu) & 0x60000000);
	abi_done(vcpu);
}

/* In x2APIC mode there is no page: it reads as ones, or is the user's. */
GUEST64(hole, "mov $0xfee00020, %r8d; mov (%r8), %eax\n" G_REPORT
	"movl $0, 0x60(%r8)\n" G_DONE);

TEST_F(quirk, mmio_hole)
{
	struct abi_vcpu *vcpu;
	struct kvm_run *run;

	SWITCH(KVM_X86_QUIRK_LAPIC_MMIO_HOLE);
	vcpu = start(self->vm, &hole);
	run = vcpu->run;
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_APIC_BASE, 0xfee00d00));
	if (!self->off) {
		EXPECT_EQ(0xffffffff, abi_report(vcpu));
		abi_done(vcpu);
		return;
	}
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0xfee00020, run->mmio.phys_addr);
	EXPECT_EQ(0, run->mmio.is_write);
	memcpy(run->mmio.data, "\x78\x56\x34\x12", 4);
	EXPECT_EQ(0x12345678, abi_report(vcpu));
	ASSERT_EQ(KVM_EXIT_MMIO, abi_exit(vcpu));
	EXPECT_EQ(0xfee00080, run->mmio.phys_addr);
	EXPECT_EQ(1, run->mmio.is_write);
	abi_done(vcpu);
}

/* Where RIP is while the user has an OUT; he may move it. */
GUEST64(outs, "out %al, $0x7e; out %al, $0x77; ud2\n" G_DONE);

TEST_F(quirk, out_7e)
{
	struct abi_vcpu *vcpu;
	struct kvm_regs regs;

	SWITCH(KVM_X86_QUIRK_OUT_7E_INC_RIP);
	vcpu = start(self->vm, &outs);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(0x7e, vcpu->run->io.port);
	EXPECT_EQ(ABI_CODE + (self->off ? 0 : 2), abi_regs(vcpu).rip);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(0x77, vcpu->run->io.port);
	regs = abi_regs(vcpu);
	EXPECT_EQ(ABI_CODE + 2, regs.rip);
	regs.rip = ABI_CODE + 6;
	abi_set_regs(vcpu, &regs);
	abi_done(vcpu);
}

/* Is MONITOR in CPUID where IA32_MISC_ENABLE has it on? */
GUEST64(cpuid_1, "1: mov $1, %eax; cpuid; mov %ecx, %eax\n" G_REPORT "jmp 1b");

static uint32_t monitor_told(struct abi_vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	uint32_t ecx;

	cpuid->nent = 256;
	abi_ok(vcpu->fd, KVM_GET_CPUID2, cpuid);
	ecx = abi_cpuid_find(cpuid, 1, 0)->ecx;
	free(cpuid);
	return ecx & CPUID_MWAIT;
}

TEST_F(quirk, misc_enable)
{
	struct abi_vcpu *vcpu;

	SWITCH(KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT);
	vcpu = start(self->vm, &cpuid_1);
	EXPECT_EQ(0, abi_report(vcpu) & CPUID_MWAIT);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_MISC_ENABLE, MISC_ENABLE_MWAIT));
	EXPECT_EQ(self->off ? CPUID_MWAIT : 0,
		  abi_report(vcpu) & CPUID_MWAIT);
	EXPECT_EQ(self->off ? CPUID_MWAIT : 0, monitor_told(vcpu));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_MISC_ENABLE, 0));
	EXPECT_EQ(0, abi_report(vcpu) & CPUID_MWAIT);
	EXPECT_EQ(0, monitor_told(vcpu));
}

/* KVM_HC_VAPIC_POLL_IRQ, in the words of Intel and of AMD. */
GUEST64(intel_call, "mov $1, %eax; vmcall\n" G_REPORT G_DONE);
GUEST64(amd_call, "mov $1, %eax; vmmcall\n" G_REPORT G_DONE);

TEST_F(quirk, hypercall)
{
	const uint8_t *code = self->vm->mem + ABI_CODE + 5;
	bool intel = abi_intel();
	struct abi_vcpu *vcpu;
	struct abi_trap trap;

	SWITCH(KVM_X86_QUIRK_FIX_HYPERCALL_INSN);
	vcpu = start(self->vm, intel ? &amd_call : &intel_call);
	if (self->off) {
		trap = abi_trapped(vcpu);
		EXPECT_EQ(VECTOR_UD, trap.vector);
		EXPECT_EQ(ABI_CODE + 5, trap.rip);
		EXPECT_EQ(intel ? 0xd9 : 0xc1, code[2]);
		return;
	}
	EXPECT_EQ(0, abi_report(vcpu));
	EXPECT_EQ(0x0f, code[0]);
	EXPECT_EQ(0x01, code[1]);
	EXPECT_EQ(intel ? 0xc1 : 0xd9, code[2]);
	abi_done(vcpu);
}

/* The right one always works. */
TEST_F(quirk, own_hypercall)
{
	SWITCH(KVM_X86_QUIRK_FIX_HYPERCALL_INSN);
	EXPECT_EQ(0, abi_report(start(self->vm, abi_intel() ? &intel_call :
							      &amd_call)));
}

/* MONITOR and MWAIT that CPUID does not have. */
GUEST64(monitor, "mov $0x80000, %eax; xor %ecx, %ecx; xor %edx, %edx\n"
	"monitor; xor %eax, %eax; mwait; mov $7, %eax\n" G_REPORT G_DONE);

TEST_F(quirk, mwait)
{
	struct abi_vcpu *vcpu;

	if (!host_has_mwait())
		SKIP(return, "the CPU has no MONITOR");
	SWITCH(KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS);
	vcpu = start(self->vm, &monitor);
	if (self->off) {
		EXPECT_EQ(VECTOR_UD, abi_trapped(vcpu).vector);
		return;
	}
	EXPECT_EQ(7, abi_report(vcpu));
}

/* What a new vCPU has of MSRs that tell of features. */
TEST_F(quirk, feature_msrs)
{
	uint64_t value;

	if (!(abi_cap(self->vm->dev, KVM_CAP_DISABLE_QUIRKS2) &
	      KVM_X86_QUIRK_STUFF_FEATURE_MSRS))
		SKIP(return, "no such quirk");
	SWITCH(KVM_X86_QUIRK_STUFF_FEATURE_MSRS);
	ASSERT_EQ(1, abi_msr_get(abi_vcpu_create(self->vm, 0)->fd,
				 MSR_PLATFORM_INFO, &value));
	EXPECT_EQ(self->off ? 0 : 0x80000000, value);
}

TEST_HARNESS_MAIN
