// SPDX-License-Identifier: GPL-2.0
/*
 * The MSRs of asynchronous page faults: which values they take, from the user
 * and from the guest, and when they are not there. What they bring about is in
 * apf.c.
 */
#include <dirent.h>
#include <linux/userfaultfd.h>

#include "test.h"

#define MSR_EN		0x4b564d02
#define MSR_INT		0x4b564d06
#define MSR_ACK		0x4b564d07
#define ENABLED		1
#define ALWAYS		2
#define VMEXIT		4
#define BY_INT		8

#define VECTOR		0x60
#define SHARED		ABI_DATA

GUEST64(done, G_DONE);

TEST(refused)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &done);
	uint64_t v;

	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 0x10));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 0x20));
	/* No memory is there. */
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, ABI_MMIO_HIGH | 9));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, 1ull << 55 | 9));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_INT, 0x100));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 0xf));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_EN, &v));
	EXPECT_EQ(SHARED | 0xf, v);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_INT, 0xfe));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_INT, &v));
	EXPECT_EQ(0xfe, v);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_ACK, ~0ull));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, MSR_ACK, &v));
	EXPECT_EQ(0, v);
}

GUEST64(wrong, "mov $0x4b564d02, %ecx; mov $0x80011, %eax; xor %edx, %edx\n"
	"wrmsr\n" G_DONE);

TEST(refused_to_the_guest)
{
	EXPECT_EQ(13, abi_trapped(abi_boot(ABI_LONG | ABI_IRQCHIP,
					   &wrong)).vector);
}

TEST(not_without_apic)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &done);

	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, 0));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | 9));
}

TEST(not_without_cpuid)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &done);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 0x40000001, 0);

	EXPECT_EQ(1 << 4 | 1 << 14, leaf->eax & (1 << 4 | 1 << 14));
	NEED_CAP(vcpu->vm->dev, KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	ASSERT_EQ(0, abi_enable(vcpu->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1));
	leaf->eax = 1 << 4;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED | BY_INT));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED | VMEXIT));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_INT, VECTOR));
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_ACK, 1));
	leaf->eax = 1 << 14;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	EXPECT_EQ(0, abi_msr_set(vcpu->fd, MSR_EN, SHARED | ENABLED));
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, MSR_INT, VECTOR));
}

/* Threads of the kernel's for this that wait as if they hung. */
static int hanging_workers(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int nr = 0;

	while ((d = readdir(proc))) {
		char path[300], name[64] = "", state = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/stat", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%*d (%63[^)]) %c", name, &state) == 2 &&
		    state == 'D' && !strncmp(name, "lodge-apf", 9))
			nr++;
		fclose(f);
	}
	closedir(proc);
	return nr;
}

GUEST64(touches, "sti; nop; mov 0x400000, %eax\n" G_REPORT G_DONE);

/* Where the guest can't be told, as its structure is in read-only memory. */
TEST(read_only)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &touches);
	uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static uint32_t from[1024] = { 0x1234 };
	struct uffdio_copy copy = {
		.dst = (unsigned long)p, .src = (unsigned long)from, .len = 4096,
	};
	struct abi_thread *thread;
	struct uffd_msg msg;
	int fd = abi_hold(p, 4096);

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM reads what it has found no memory for, and warns");
	if (fd < 0)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0x400000, 4096, p));
	ASSERT_EQ(0, abi_slot(vcpu->vm, 2, KVM_MEM_READONLY, 0x500000, 4096,
			      p + 4096));
	EXPECT_EQ(0, p[4096]);
	abi_lapic_enable(vcpu);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_INT, VECTOR));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_EN, 0x500000 | ENABLED |
				 ALWAYS | BY_INT));
	thread = abi_thread_start(vcpu);
	ASSERT_EQ(sizeof(msg), read(fd, &msg, sizeof(msg)));
	for (int i = 0; i < 1000 && hanging_workers(); i++)
		usleep(2000);
	EXPECT_EQ(0, hanging_workers());
	abi_ok(fd, UFFDIO_COPY, &copy);
	EXPECT_EQ(1, abi_thread_join(thread));
	EXPECT_EQ(0x1234, abi_thread_reports(thread)[0]);
}

TEST_HARNESS_MAIN
