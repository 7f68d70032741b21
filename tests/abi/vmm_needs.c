// SPDX-License-Identifier: GPL-2.0
/*
 * What VMMs rely on beside the calls of vmm_orders.c: the state that QEMU gives
 * a vCPU at reset, all of it, in its order; the first calls of Cloud Hypervisor
 * and crosvm; the leaves of CPUID that Firecracker changes; the run page after
 * a KVM_RUN that failed.
 */
#include <cpuid.h>
#include <signal.h>

#include "test.h"

#define MSR_APICBASE	0x1b
#define MSR_DEADLINE	0x6e0
#define MCE_BANKS	10

GUEST64(works, "mov $9, %eax\n" G_REPORT G_DONE);

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[128];
};

static void add(struct msrs *m, uint32_t first, uint32_t last)
{
	for (; first <= last; first++)
		m->entry[m->head.nmsrs++].index = first;
}

/* As it does for a CPU without any of the list's that depend on CPUID. */
static void qemu_msrs(struct msrs *m)
{
	memset(m, 0, sizeof(*m));
	add(m, 0x174, 0x176);		/* SYSENTER */
	add(m, 0x277, 0x277);		/* PAT */
	add(m, 0xc0000082, 0xc0000084);	/* LSTAR, CSTAR, SFMASK */
	add(m, 0xc0000102, 0xc0000102);	/* KERNEL_GS_BASE */
	add(m, 0x10, 0x12);		/* TSC, kvmclock */
	add(m, 0x4b564d03, 0x4b564d04);	/* steal time, EOI */
	add(m, 0x2ff, 0x2ff);		/* MTRRs */
	add(m, 0x250, 0x250);
	add(m, 0x258, 0x259);
	add(m, 0x268, 0x26f);
	add(m, 0x200, 0x20f);
	add(m, 0x17a, 0x17b);		/* machine checks */
	add(m, 0x400, 0x400 + 4 * MCE_BANKS - 1);
}

static void mce_setup(struct __test_metadata *_metadata, struct abi_vcpu *vcpu)
{
	uint64_t cap;

	abi_ok(vcpu->vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap);
	EXPECT_LE(MCE_BANKS, abi_cap(vcpu->vm->dev, KVM_CAP_MCE));
	cap = (cap & (1 << 8 | 1 << 24)) | MCE_BANKS;
	EXPECT_IOCTL(0, vcpu->fd, KVM_X86_SETUP_MCE, &cap);
}

FIXTURE(qemu) { };
FIXTURE_VARIANT(qemu) { unsigned int flags; };
FIXTURE_VARIANT_ADD(qemu, on) { ABI_IRQCHIP };
FIXTURE_VARIANT_ADD(qemu, split) { ABI_SPLIT };
FIXTURE_VARIANT_ADD(qemu, off) { 0 };
FIXTURE_SETUP(qemu) { }
FIXTURE_TEARDOWN(qemu) { }

TEST_F(qemu, reset_state)
{
	struct abi_vm *vm = abi_vm_create(variant->flags);
	struct abi_vcpu *vcpu;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_regs regs;
	struct kvm_xcrs xcrs;
	struct msrs m;
	int khz;

	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
	vcpu = abi_vcpu_create(vm, 0);
	mce_setup(_metadata, vcpu);
	khz = abi_ok(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_TSC_KHZ, khz);
	abi_load(vm, ABI_CODE, &works);
	abi_vcpu_mode(vcpu, ABI_LONG);

	abi_ok(vcpu->fd, KVM_GET_REGS, &regs);
	abi_ok(vcpu->fd, KVM_GET_SREGS, &sregs);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, &xsave);
	abi_ok(vcpu->fd, KVM_GET_XCRS, &xcrs);
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &mp);
	abi_ok(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &debugregs);
	qemu_msrs(&m);
	EXPECT_EQ(m.head.nmsrs, abi_ioctlp(vcpu->fd, KVM_GET_MSRS, &m));

	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_APICBASE, 0xfee00900));
	if (variant->flags) {
		uint64_t vapic = 0;

		abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
		EXPECT_IOCTL(0, vcpu->fd, KVM_SET_LAPIC, &lapic);
		EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VAPIC_ADDR, &vapic);
	}
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_SREGS, &sregs);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_REGS, &regs);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_XSAVE, &xsave);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_XCRS, &xcrs);
	EXPECT_EQ(m.head.nmsrs, abi_ioctlp(vcpu->fd, KVM_SET_MSRS, &m));
	events.exception.nr = 255;
	events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
		       KVM_VCPUEVENT_VALID_PAYLOAD |
		       KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_MP_STATE, &mp);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_DEADLINE, 0));
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_DEBUGREGS, &debugregs);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
	EXPECT_EQ(9, abi_report(vcpu));
}

TEST(cloud_hypervisor)
{
	static const int caps[] = { KVM_CAP_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_IOEVENTFD, KVM_CAP_IRQFD, KVM_CAP_IRQ_ROUTING,
		KVM_CAP_MP_STATE, KVM_CAP_SET_TSS_ADDR, KVM_CAP_USER_MEMORY,
		KVM_CAP_USER_NMI, KVM_CAP_VCPU_EVENTS, KVM_CAP_ADJUST_CLOCK,
		KVM_CAP_EXT_CPUID, KVM_CAP_GET_TSC_KHZ, KVM_CAP_IMMEDIATE_EXIT,
		KVM_CAP_SET_IDENTITY_MAP_ADDR, KVM_CAP_TSC_DEADLINE_TIMER,
		KVM_CAP_XSAVE, -1 };
	struct kvm_msr_list *list = abi_map(4096);
	uint64_t identity = 0xfeffc000;
	struct kvm_nested_state nested = { .size = sizeof(nested) };
	struct kvm_cpuid2 *cpuid;
	struct abi_vcpu *vcpu;
	struct abi_vm *vm;
	struct msrs m = { 0 };
	int khz;

	abi_need_caps(abi_open(), caps);
	vm = abi_vm_create(0);
	list->nmsrs = 256;
	EXPECT_IOCTL(0, vm->dev, KVM_GET_MSR_INDEX_LIST, list);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSS_ADDR, identity + 4096);
	EXPECT_EQ(0, abi_enable(vm->fd, KVM_CAP_SPLIT_IRQCHIP, 24));
	vcpu = abi_vcpu_create(vm, 0);
	cpuid = abi_cpuid(vm->dev);
	abi_cpuid_find(cpuid, 1, 0)->ecx |= 1 << 24 | 1u << 31;
	abi_cpuid_find(cpuid, 1, 0)->edx |= 1 << 12;
	abi_cpuid_find(cpuid, 0x40000001, 0)->eax |= 1 << 15;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_CPUID2, cpuid);
	abi_load(vm, ABI_CODE, &works);
	abi_vcpu_mode(vcpu, ABI_LONG);
	khz = abi_ok(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	EXPECT_EQ(9, abi_report(vcpu));
	abi_pending(vcpu);

	/* Of a snapshot: MTRRs that the list has not, and what is nested. */
	add(&m, 0x200, 0x20f);
	add(&m, 0x250, 0x250);
	add(&m, 0x258, 0x259);
	add(&m, 0x268, 0x26f);
	add(&m, 0x2ff, 0x2ff);
	EXPECT_EQ(28, m.head.nmsrs);
	EXPECT_EQ(28, abi_ioctlp(vcpu->fd, KVM_GET_MSRS, &m));
	EXPECT_EQ(28, abi_ioctlp(vcpu->fd, KVM_SET_MSRS, &m));
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_NESTED_STATE, &nested);
	EXPECT_EQ(128, nested.size);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_TSC_KHZ, khz);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
	abi_done(vcpu);
}

TEST(crosvm)
{
	struct kvm_pit_config pit = { 0 };
	uint64_t identity = 0xfeffc000;
	struct abi_vcpu *vcpu;
	struct abi_vm *vm;
	int dev = abi_open();

	EXPECT_EQ(12288, abi_ok(dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	EXPECT_EQ(1, abi_cap(dev, KVM_CAP_IMMEDIATE_EXIT));
	vm = abi_vm_create(0);
	EXPECT_EQ(1, abi_cap(vm->fd, KVM_CAP_READONLY_MEM));
	EXPECT_EQ(1, abi_cap(vm->fd, KVM_CAP_TSC_DEADLINE_TIMER));
	EXPECT_EQ(1, abi_cap(vm->fd, KVM_CAP_KVMCLOCK_CTRL));
	EXPECT_EQ(0, abi_cap(vm->fd, KVM_CAP_MSI_DEVID));
	/* The memory is there before the chips. */
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_IRQCHIP, 0);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_PIT2, &pit);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSS_ADDR, identity + 4096);
	vcpu = abi_vcpu_create(vm, 0);
	abi_load(vm, ABI_CODE, &works);
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(9, abi_report(vcpu));
}

/* It refuses to begin without one of these. */
TEST(firecracker_leaves)
{
	static const uint32_t both[] = {
		0, 1, 7, 0x80000000, 0x80000001, 0x80000002, 0x80000003,
		0x80000004, 0x80000005, 0x80000006, 0x80000008,
	}, intel[] = { 6, 0xa };
	struct kvm_cpuid2 *cpuid = abi_cpuid(abi_open());
	unsigned int eax, ebx, ecx, edx;

	for (unsigned int i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		ASSERT_NE(NULL, abi_cpuid_find(cpuid, both[i], 0))
			TH_LOG("leaf %#x", both[i]);
	}
	EXPECT_EQ(KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		  abi_cpuid_find(cpuid, 7, 0)->flags);
	__cpuid(0, eax, ebx, ecx, edx);
	EXPECT_EQ(ebx, abi_cpuid_find(cpuid, 0, 0)->ebx);
	if (ebx != 0x756e6547)		/* Genu */
		return;
	for (unsigned int i = 0; i < sizeof(intel) / sizeof(intel[0]); i++) {
		ASSERT_NE(NULL, abi_cpuid_find(cpuid, intel[i], 0))
			TH_LOG("leaf %#x", intel[i]);
	}
}

/* QEMU reads these whatever KVM_RUN returns. */
static void run_page(struct __test_metadata *_metadata, struct abi_vcpu *vcpu,
		     int result, int if_flag, uint64_t apic_base)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = 7;
	run->ready_for_interrupt_injection = 7;
	run->apic_base = 7;
	run->cr8 = 7;
	EXPECT_EQ(result, abi_run(vcpu));
	EXPECT_EQ(if_flag, run->if_flag);
	EXPECT_EQ(1, run->ready_for_interrupt_injection);
	EXPECT_EQ(apic_base, run->apic_base);
	EXPECT_EQ(0, run->cr8);
}

GUEST64(opens, "sti\n" G_SYNC "jmp .");

TEST(run_page_after_errors)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &opens), *ap;
	struct kvm_mp_state mp = { KVM_MP_STATE_INIT_RECEIVED };

	abi_sync(vcpu);
	vcpu->run->immediate_exit = 1;
	run_page(_metadata, vcpu, -EINTR, 1, 0xfee00900);
	ap = abi_vcpu_create(vcpu->vm, 1);
	ap->run->immediate_exit = 1;
	run_page(_metadata, ap, -EINTR, 0, 0xfee00800);
	abi_ok(ap->fd, KVM_SET_MP_STATE, &mp);
	run_page(_metadata, ap, -EINTR, 0, 0xfee00800);
}

TEST_HARNESS_MAIN
