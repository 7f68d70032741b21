// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_MSRS, KVM_SET_MSRS, KVM_GET_MSR_INDEX_LIST: counts, order, round
 * trips, what VMMs write at boot. The guest's own RDMSR is in guest_msr.c.
 */
#include "test.h"

struct list {
	struct kvm_msr_list head;
	uint32_t indices[256];
};

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[260];
};

static struct abi_vcpu *vcpu_of(unsigned int flags)
{
	return abi_vcpu_create(abi_vm_create(flags), 0);
}

TEST(index_list)
{
	int dev = abi_open();
	struct list list = { .head.nmsrs = 0 };
	uint32_t n;

	/* Too small: refused, but the number needed is told. */
	EXPECT_IOCTL(-E2BIG, dev, KVM_GET_MSR_INDEX_LIST, &list);
	n = list.head.nmsrs;
	ASSERT_LT(0, n);
	ASSERT_GT(256, n);
	list.head.nmsrs = n - 1;
	EXPECT_IOCTL(-E2BIG, dev, KVM_GET_MSR_INDEX_LIST, &list);
	EXPECT_EQ(n, list.head.nmsrs);
	EXPECT_IOCTL(0, dev, KVM_GET_MSR_INDEX_LIST, &list);
	EXPECT_EQ(n, list.head.nmsrs);
	list.head.nmsrs = 256;
	EXPECT_IOCTL(0, dev, KVM_GET_MSR_INDEX_LIST, &list);
	EXPECT_EQ(n, list.head.nmsrs);
	EXPECT_IOCTL(-EFAULT, dev, KVM_GET_MSR_INDEX_LIST, 8);
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = i + 1; j < n; j++)
			EXPECT_NE(list.indices[i], list.indices[j]);
	}
}

/* Those that a Linux guest keeps state in must be among them. */
TEST(index_list_has)
{
	static const uint32_t wanted[] = {
		0x10, 0x174, 0x175, 0x176, 0x277, 0x11, 0x12, 0xc0000080,
		0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102,
		0x4b564d00, 0x4b564d01, 0x4b564d03, 0x4b564d04, 0x1a0, 0x6e0,
	};
	int dev = abi_open();
	struct list list = { .head.nmsrs = 256 };

	abi_ok(dev, KVM_GET_MSR_INDEX_LIST, &list);
	for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		bool found = wanted[i] == 0xc0000080;	/* EFER: not in KVM's */

		for (uint32_t j = 0; j < list.head.nmsrs; j++)
			found |= list.indices[j] == wanted[i];
		EXPECT_TRUE(found) TH_LOG("MSR %#x", wanted[i]);
	}
}

/* Whatever is listed can be read, and written with what was read. */
TEST(listed_msrs_round_trip)
{
	struct abi_vcpu *vcpu = vcpu_of(ABI_IRQCHIP);
	struct list list = { .head.nmsrs = 256 };
	uint64_t value;

	abi_ok(vcpu->vm->dev, KVM_GET_MSR_INDEX_LIST, &list);
	for (uint32_t i = 0; i < list.head.nmsrs; i++) {
		EXPECT_EQ(1, abi_msr_get(vcpu->fd, list.indices[i], &value))
			TH_LOG("get MSR %#x", list.indices[i]);
		EXPECT_EQ(1, abi_msr_set(vcpu->fd, list.indices[i], value))
			TH_LOG("set MSR %#x to %#llx", list.indices[i],
			       (unsigned long long)value);
	}
}

TEST(listed_msrs_at_once)
{
	struct abi_vcpu *vcpu = vcpu_of(ABI_IRQCHIP);
	struct list list = { .head.nmsrs = 256 };
	static struct msrs msrs;
	int n;

	abi_ok(vcpu->vm->dev, KVM_GET_MSR_INDEX_LIST, &list);
	n = list.head.nmsrs;
	msrs.head.nmsrs = n;
	for (int i = 0; i < n; i++)
		msrs.entries[i].index = list.indices[i];
	EXPECT_IOCTL(n, vcpu->fd, KVM_GET_MSRS, &msrs);
	EXPECT_IOCTL(n, vcpu->fd, KVM_SET_MSRS, &msrs);
}

TEST(stops_at_the_first_that_fails)
{
	struct abi_vcpu *vcpu = vcpu_of(0);
	static struct msrs msrs = {
		.head.nmsrs = 3,
		.entries = {
			{ .index = 0x174, .data = 0x11 },
			{ .index = 0xdeadbeef },
			{ .index = 0x176, .data = 0x33 },
		},
	};
	uint64_t value;

	EXPECT_IOCTL(1, vcpu->fd, KVM_SET_MSRS, &msrs);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x174, &value));
	EXPECT_EQ(0x11, value);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x176, &value));
	EXPECT_EQ(0, value);
	EXPECT_IOCTL(1, vcpu->fd, KVM_GET_MSRS, &msrs);
	EXPECT_EQ(0, abi_msr_get(vcpu->fd, 0xdeadbeef, &value));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, 0xdeadbeef, 0));
}

TEST(counts)
{
	struct abi_vcpu *vcpu = vcpu_of(0);
	static struct msrs msrs;

	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_MSRS, &msrs);
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_MSRS, &msrs);
	for (int i = 0; i < 255; i++)
		msrs.entries[i].index = 0x174;
	msrs.head.nmsrs = 255;
	EXPECT_IOCTL(255, vcpu->fd, KVM_GET_MSRS, &msrs);
	msrs.head.nmsrs = 256;
	EXPECT_IOCTL(-E2BIG, vcpu->fd, KVM_GET_MSRS, &msrs);
	EXPECT_IOCTL(-E2BIG, vcpu->fd, KVM_SET_MSRS, &msrs);
	msrs.head.nmsrs = ~0u;
	EXPECT_IOCTL(-E2BIG, vcpu->fd, KVM_GET_MSRS, &msrs);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_MSRS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_MSRS, 8);
}

/* What kvmtool, Firecracker, Cloud Hypervisor and QEMU write at boot. */
TEST(boot_time_writes)
{
	struct abi_vcpu *vcpu = vcpu_of(ABI_IRQCHIP);
	static const struct { uint32_t index; uint64_t value; } boot[] = {
		{ 0x174, 0 }, { 0x175, 0 }, { 0x176, 0 }, { 0xc0000081, 0 },
		{ 0xc0000083, 0 }, { 0xc0000102, 0 }, { 0xc0000084, 0 },
		{ 0xc0000082, 0 }, { 0x10, 0 }, { 0x1a0, 1 }, { 0x2ff, 0xc06 },
		{ 0x277, 0x0007040600070406 }, { 0xc0000080, 0 },
		{ 0x1b, 0xfee00900 }, { 0x8b, 0 }, { 0x6e0, 0 },
		{ 0x250, 0x0606060606060606 }, { 0x258, 0 }, { 0x259, 0 },
		{ 0x268, 0 }, { 0x26f, 0 }, { 0x200, 6 },
		{ 0x201, 0xffc0000800 }, { 0x20e, 0 }, { 0x20f, 0 },
		{ 0x17a, 0 }, { 0x400, 0 }, { 0x401, 0 },
	};
	uint64_t value;

	for (unsigned int i = 0; i < sizeof(boot) / sizeof(boot[0]); i++) {
		EXPECT_EQ(1, abi_msr_set(vcpu->fd, boot[i].index,
					 boot[i].value))
			TH_LOG("MSR %#x", boot[i].index);
		EXPECT_EQ(1, abi_msr_get(vcpu->fd, boot[i].index, &value))
			TH_LOG("MSR %#x", boot[i].index);
		if (boot[i].index != 0x10) {
			EXPECT_EQ(boot[i].value, value)
				TH_LOG("MSR %#x", boot[i].index);
		}
	}
}

TEST(reset_values)
{
	struct abi_vcpu *vcpu = vcpu_of(ABI_IRQCHIP);
	static const uint32_t msrs[] = {
		0x1b, 0x174, 0x277, 0x2ff, 0xfe, 0x1a0, 0xc0000080, 0xc0000081,
		0xc0000084, 0xc0000102, 0x11, 0x12, 0x4b564d00, 0x4b564d01,
		0x4b564d03, 0x4b564d04, 0x200, 0x250, 0x17a, 0x179,
	};
	uint64_t value;

	for (unsigned int i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		if (abi_msr_get(vcpu->fd, msrs[i], &value) == 1)
			VALUE("msr.%#x", "%#llx", msrs[i],
			      (unsigned long long)value);
		else
			VALUE("msr.%#x", "unreadable", msrs[i]);
	}
}

/* Values that the processor would refuse. */
TEST(refused_values)
{
	struct abi_vcpu *vcpu = vcpu_of(ABI_IRQCHIP);
	static const struct { uint32_t index; uint64_t value; } bad[] = {
		{ 0x277, 0x0207040600070406 },		/* PAT type 2 */
		{ 0x277, 0x0907040600070406 },
		{ 0x2ff, 2 }, { 0x2ff, 1 << 8 },
		{ 0x250, 0x0606060606060602 },
		{ 0x200, 2 },
		{ 0xc0000080, 1 << 1 },			/* EFER */
		{ 0xc0000080, 1ull << 40 },
		{ 0x1b, 0xfee00500 }, { 0x1b, 0xfee00901 },
		{ 0xc0000102, 0x200000000000000 },		/* not canonical */
		{ 0xc0000100, 0x200000000000000 },
		{ 0xc0000082, 0x200000000000000 },
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(0, abi_msr_set(vcpu->fd, bad[i].index,
					 bad[i].value))
			TH_LOG("MSR %#x value %#llx", bad[i].index,
			       (unsigned long long)bad[i].value);
	}
}

GUEST64(done, G_DONE);

/* What the guest may have read already stays. */
TEST(features_after_run)
{
	static const uint32_t msrs[] = { 0x10a, 0xc0011029 };
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);
	uint64_t v;

	abi_done(vcpu);
	for (int i = 0; i < 2; i++) {
		if (abi_msr_get(vcpu->fd, msrs[i], &v) != 1)
			continue;
		EXPECT_EQ(1, abi_msr_set(vcpu->fd, msrs[i], v));
		EXPECT_EQ(0, abi_msr_set(vcpu->fd, msrs[i], v ^ 2));
	}
	/* The microcode's number goes on. */
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0x8b, &v));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x8b, v + (1ull << 32)));
}

TEST(segment_bases_agree_with_sregs)
{
	struct abi_vcpu *vcpu = vcpu_of(0);
	struct kvm_sregs sregs = abi_sregs(vcpu);
	uint64_t value;

	sregs.fs.base = 0x123000;
	sregs.gs.base = 0x456000;
	abi_set_sregs(vcpu, &sregs);
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0xc0000100, &value));
	EXPECT_EQ(0x123000, value);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0xc0000101, 0x789000));
	EXPECT_EQ(0x789000, abi_sregs(vcpu).gs.base);
}

TEST(deadline_zero_is_accepted_in_any_mode)
{
	struct abi_vcpu *vcpu = vcpu_of(ABI_IRQCHIP);
	uint64_t value;

	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x6e0, 0));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, 0x6e0, &value));
	EXPECT_EQ(0, value);
}

TEST_HARNESS_MAIN
