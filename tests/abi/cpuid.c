// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID2, KVM_GET_CPUID2, and CPUID in the
 * guest: leaves, subleaves, leaves beyond the last, bits that follow the state.
 */
#include <cpuid.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>

#include "test.h"

#define ROOM	256

TEST(room)
{
	int dev = abi_open();
	struct kvm_cpuid2 *cpuid = abi_cpuid(dev);
	uint32_t n = cpuid->nent;

	ASSERT_LT(10, n);
	/* kvmtool has room for 100. */
	ASSERT_GE(100, n);
	/* Too small: refused, and the count is left as it was. */
	for (uint32_t i = 1; i < n; i *= 2) {
		cpuid->nent = i;
		EXPECT_IOCTL(-E2BIG, dev, KVM_GET_SUPPORTED_CPUID, cpuid);
		EXPECT_EQ(i, cpuid->nent);
	}
	cpuid->nent = 0;
	EXPECT_IOCTL(-E2BIG, dev, KVM_GET_SUPPORTED_CPUID, cpuid);
	cpuid->nent = n;
	EXPECT_IOCTL(0, dev, KVM_GET_SUPPORTED_CPUID, cpuid);
	EXPECT_EQ(n, cpuid->nent);
	/* More than the maximum is taken for the maximum. */
	cpuid = abi_map(1 << 20);
	cpuid->nent = 1000;
	EXPECT_IOCTL(0, dev, KVM_GET_SUPPORTED_CPUID, cpuid);
	EXPECT_EQ(n, cpuid->nent);
	EXPECT_IOCTL(-EFAULT, dev, KVM_GET_SUPPORTED_CPUID, 8);
}

TEST(leaves_present)
{
	int dev = abi_open();
	struct kvm_cpuid2 *cpuid = abi_cpuid(dev);
	static const uint32_t wanted[] = {
		0, 1, 7, 0xd, 0x80000000, 0x80000001, 0x80000002, 0x80000003,
		0x80000004, 0x80000008, 0x40000000, 0x40000001,
	};
	struct kvm_cpuid_entry2 *leaf;

	for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		leaf = abi_cpuid_find(cpuid, wanted[i], 0);
		ASSERT_NE(NULL, leaf) TH_LOG("leaf %#x", wanted[i]);
	}
	EXPECT_EQ(1, abi_cpuid_find(cpuid, 7, 0)->flags);
	EXPECT_EQ(1, abi_cpuid_find(cpuid, 0xd, 0)->flags);
	EXPECT_EQ(0, abi_cpuid_find(cpuid, 1, 0)->flags);
	leaf = abi_cpuid_find(cpuid, 0x40000000, 0);
	EXPECT_EQ(0, memcmp(&leaf->ebx, "KVMKVMKVM\0\0\0", 12));
	EXPECT_EQ(0x40000001, leaf->eax);
}

/* Bits that guests rely on. */
TEST(features)
{
	int dev = abi_open();
	struct kvm_cpuid2 *cpuid = abi_cpuid(dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 1, 0);

	EXPECT_NE(0, leaf->ecx & 1 << 21) TH_LOG("x2APIC");
	EXPECT_EQ(0, leaf->ecx & 1 << 3) TH_LOG("MONITOR");
	EXPECT_NE(0, leaf->edx & 1 << 9) TH_LOG("APIC");
	if (abi_cap(dev, KVM_CAP_NESTED_STATE) <= 0) {
		EXPECT_EQ(0, leaf->ecx & 1 << 5) TH_LOG("VMX");
		leaf = abi_cpuid_find(cpuid, 0x80000001, 0);
		EXPECT_EQ(0, leaf->ecx & 1 << 2) TH_LOG("SVM");
	}
	leaf = abi_cpuid_find(cpuid, 0x40000001, 0);
	EXPECT_NE(0, leaf->eax & 1 << 0) TH_LOG("kvmclock");
	EXPECT_NE(0, leaf->eax & 1 << 3) TH_LOG("kvmclock, new MSRs");
	EXPECT_NE(0, leaf->eax & 1 << 5) TH_LOG("steal time");
	EXPECT_NE(0, leaf->eax & 1 << 6) TH_LOG("PV EOI");
	EXPECT_NE(0, leaf->eax & 1 << 24) TH_LOG("stable clock");
}

/* Each leaf, except what the vendor's extensions to guests themselves are. */
TEST(leaf_values)
{
	int dev = abi_open();
	struct kvm_cpuid2 *cpuid = abi_cpuid(dev);

	VALUE("cpuid.nent", "%u", cpuid->nent);
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *leaf = &cpuid->entries[i];

		/* The APIC id and the local CPU's are of where this runs. */
		if (leaf->function == 1)
			leaf->ebx &= 0x00ffffff;
		if (leaf->function == 0xb || leaf->function == 0x1f ||
		    leaf->function == 0x8000001e)
			continue;
		VALUE("cpuid.%x.%x", "%x %08x %08x %08x %08x", leaf->function,
		      leaf->index, leaf->flags, leaf->eax, leaf->ebx,
		      leaf->ecx, leaf->edx);
	}
}

TEST(set_get)
{
	struct abi_vm *vm = abi_vm_create(0);
	int vcpu = abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev), *back = abi_cpuid(vm->dev);
	uint32_t n = cpuid->nent;

	back->nent = ROOM;
	EXPECT_IOCTL(0, vcpu, KVM_GET_CPUID2, back);
	EXPECT_EQ(0, back->nent);
	abi_ok(vcpu, KVM_SET_CPUID2, cpuid);
	back->nent = n - 1;
	EXPECT_IOCTL(-E2BIG, vcpu, KVM_GET_CPUID2, back);
	back->nent = n;
	EXPECT_IOCTL(0, vcpu, KVM_GET_CPUID2, back);
	EXPECT_EQ(n, back->nent);
	for (uint32_t i = 0; i < n; i++) {
		EXPECT_EQ(cpuid->entries[i].function,
			  back->entries[i].function);
		EXPECT_EQ(cpuid->entries[i].index, back->entries[i].index);
		EXPECT_EQ(cpuid->entries[i].edx, back->entries[i].edx);
	}
}

TEST(set_errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	int vcpu = abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	struct kvm_cpuid2 *cpuid = abi_map(1 << 20);

	EXPECT_IOCTL(0, vcpu, KVM_SET_CPUID2, cpuid);
	cpuid->nent = ROOM;
	EXPECT_IOCTL(0, vcpu, KVM_SET_CPUID2, cpuid);
	cpuid->nent = ROOM + 1;
	EXPECT_IOCTL(-E2BIG, vcpu, KVM_SET_CPUID2, cpuid);
	cpuid->nent = ~0u;
	EXPECT_IOCTL(-E2BIG, vcpu, KVM_SET_CPUID2, cpuid);
	EXPECT_IOCTL(-EFAULT, vcpu, KVM_SET_CPUID2, 8);
	EXPECT_IOCTL(-EFAULT, vcpu, KVM_GET_CPUID2, 8);
	/* An address width that no page table format has. */
	cpuid->nent = 1;
	cpuid->entries[0].function = 0x80000008;
	cpuid->entries[0].eax = 0x3130;
	EXPECT_IOCTL(-EINVAL, vcpu, KVM_SET_CPUID2, cpuid);
}

GUEST32(run_cpuid, "cpuid; mov %eax, %esi; mov %ebx, %edi\n" G_DONE);

static struct kvm_regs cpuid_in_guest(struct abi_vcpu *vcpu, uint32_t eax,
				      uint32_t ecx)
{
	struct kvm_regs regs = abi_regs(vcpu);

	regs.rip = ABI_CODE;
	regs.rax = eax;
	regs.rcx = ecx;
	abi_set_regs(vcpu, &regs);
	abi_done(vcpu);
	return abi_regs(vcpu);
}

/* Cuts the table to the given leaves, values 1 2 3 4 where not said. */
static struct abi_vcpu *with_leaves(const struct kvm_cpuid_entry2 *leaves,
				    int n)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	struct kvm_cpuid2 *cpuid = abi_map(1 << 16);

	vcpu->vm = vm;
	vcpu->fd = abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	vcpu->run = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	cpuid->nent = n;
	memcpy(cpuid->entries, leaves, n * sizeof(*leaves));
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	abi_load(vm, ABI_CODE, &run_cpuid);
	abi_vcpu_mode(vcpu, ABI_PROT);
	return vcpu;
}

#define AMD	.ebx = 0x68747541, .edx = 0x69746e65, .ecx = 0x444d4163
#define INTEL	.ebx = 0x756e6547, .edx = 0x49656e69, .ecx = 0x6c65746e

TEST(guest_sees_the_table)
{
	static const struct kvm_cpuid_entry2 leaves[] = {
		{ .function = 0, .eax = 7, AMD },
		{ .function = 1, .eax = 0x123, .ebx = 5, .ecx = 0, .edx = 1 },
		{ .function = 4, .index = 0, .flags = 1, .eax = 0x40 },
		{ .function = 4, .index = 1, .flags = 1, .eax = 0x41 },
		{ .function = 0x80000000, .eax = 0x80000001, AMD },
		{ .function = 0x80000001, .eax = 0x456 },
	};
	struct abi_vcpu *vcpu = with_leaves(leaves, 6);
	struct kvm_regs regs;

	regs = cpuid_in_guest(vcpu, 1, 0);
	EXPECT_EQ(0x123, regs.rsi);
	EXPECT_EQ(5, regs.rdi);
	/* The subleaf matters only where it is said to. */
	EXPECT_EQ(0x123, cpuid_in_guest(vcpu, 1, 77).rsi);
	EXPECT_EQ(0x40, cpuid_in_guest(vcpu, 4, 0).rsi);
	EXPECT_EQ(0x41, cpuid_in_guest(vcpu, 4, 1).rsi);
	EXPECT_EQ(0, cpuid_in_guest(vcpu, 4, 2).rsi);
	EXPECT_EQ(0, cpuid_in_guest(vcpu, 2, 0).rsi);
	EXPECT_EQ(0x456, cpuid_in_guest(vcpu, 0x80000001, 0).rsi);
}

TEST(beyond_the_last_leaf)
{
	static const struct kvm_cpuid_entry2 amd[] = {
		{ .function = 0, .eax = 1, AMD },
		{ .function = 1, .eax = 0x99 },
	};
	static const struct kvm_cpuid_entry2 intel[] = {
		{ .function = 0, .eax = 1, INTEL },
		{ .function = 1, .eax = 0x99 },
	};
	struct abi_vcpu *vcpu = with_leaves(amd, 2);

	/* AMD's processors give zeros, Intel's the last basic leaf. */
	EXPECT_EQ(0, cpuid_in_guest(vcpu, 0x20, 0).rsi);
	EXPECT_EQ(0, cpuid_in_guest(vcpu, 0x80000123, 0).rsi);
	vcpu = with_leaves(intel, 2);
	EXPECT_EQ(0x99, cpuid_in_guest(vcpu, 0x20, 0).rsi);
	EXPECT_EQ(0x99, cpuid_in_guest(vcpu, 0x80000123, 0).rsi);
}

/* 32-bit results clear the upper halves. */
GUEST64(wide, "mov $-1, %rbx; mov $0xffffffff00000000, %rax; mov $-1, %rcx\n"
	"mov $-1, %rdx; cpuid\n" G_DONE);

TEST(upper_halves)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &wide);
	struct kvm_regs regs;

	abi_done(vcpu);
	regs = abi_regs(vcpu);
	EXPECT_EQ(0, (regs.rax | regs.rbx | regs.rcx | regs.rdx) >> 32);
	EXPECT_NE(0, regs.rbx);
}

/* OSXSAVE follows CR4, APIC its enable bit. */
GUEST64(osxsave, "mov $1, %eax; cpuid; mov %ecx, %esi\n"
	"mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4\n"
	"mov $1, %eax; cpuid; mov %ecx, %edi; mov %edx, %r8d\n" G_DONE);

TEST(osxsave_follows_cr4)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &osxsave);

	abi_done(vcpu);
	EXPECT_EQ(0, abi_regs(vcpu).rsi >> 27 & 1);
	EXPECT_EQ(1, abi_regs(vcpu).rdi >> 27 & 1);
}

/* The user is shown what the guest is. */
TEST(get_follows_too)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &osxsave);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);

	cpuid->nent = ROOM;
	abi_ok(vcpu->fd, KVM_GET_CPUID2, cpuid);
	EXPECT_EQ(0, abi_cpuid_find(cpuid, 1, 0)->ecx >> 27 & 1);
	/* XCR0 says x87 alone, whatever the table said. */
	EXPECT_EQ(576, abi_cpuid_find(cpuid, 0xd, 0)->ebx);
	abi_done(vcpu);
	abi_ok(vcpu->fd, KVM_GET_CPUID2, cpuid);
	EXPECT_EQ(1, abi_cpuid_find(cpuid, 1, 0)->ecx >> 27 & 1);
}

TEST(apic_bit_follows_apic_base)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &osxsave);

	abi_done(vcpu);
	EXPECT_EQ(1, abi_regs(vcpu).r8 >> 9 & 1);
	vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &osxsave);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x1b, 0xfee00100));
	abi_done(vcpu);
	EXPECT_EQ(0, abi_regs(vcpu).r8 >> 9 & 1);
}

/* RDPID; the assembler may not know it. */
GUEST64(processor, ".byte 0xf3, 0x0f, 0xc7, 0xf8\n" G_REPORT G_DONE);

/* A guest that has not the instruction does not learn where the host runs it. */
TEST(processor_is_the_hosts)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &processor);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	unsigned int a, b, c = 0, d;
	cpu_set_t second;

	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	if (!(c & 1 << 22))
		SKIP(return, "the host's CPU has no RDPID");
	CPU_ZERO(&second);
	CPU_SET(1, &second);
	if (sched_setaffinity(0, sizeof(second), &second))
		SKIP(return, "the host has one CPU");
	abi_cpuid_find(cpuid, 7, 0)->ecx &= ~(1u << 22);
	abi_cpuid_find(cpuid, 0x80000001, 0)->edx &= ~(1u << 27);
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	if (vcpu->run->io.port != ABI_TRAP) {	/* #UD, where that can be */
		EXPECT_EQ(ABI_REPORT, vcpu->run->io.port);
		EXPECT_EQ(0, abi_regs(vcpu).rax);
	}
}

static void on_alarm(int sig)
{
}

/* A vCPU that waits for its start has not run. */
TEST(set_while_waiting)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(abi_vm_create(ABI_IRQCHIP), 1);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 50000,
				  .it_interval.tv_usec = 50000 };
	struct itimerval never = {};

	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	setitimer(ITIMER_REAL, &never, NULL);
	abi_cpuid_find(cpuid, 1, 0)->eax ^= 1;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_CPUID2, cpuid);
}

/* After the first run only the same table is taken. */
TEST(set_after_run)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &osxsave);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);

	abi_done(vcpu);
	cpuid->nent = ROOM;
	abi_ok(vcpu->fd, KVM_GET_CPUID2, cpuid);
	VALUE("cpuid.same_after_run", "%d",
	      abi_ioctlp(vcpu->fd, KVM_SET_CPUID2, cpuid));
	abi_cpuid_find(cpuid, 1, 0)->eax ^= 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_CPUID2, cpuid);
}

TEST_HARNESS_MAIN
