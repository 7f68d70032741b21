// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory of other kinds: handed out by userfaultfd, of huge pages, of a
 * device, merged, locked, shared between two VMs.
 */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test.h"

#define HIGH	0x200000u
#define SIZE	0x200000u

/* Sums the first words of eight pages; then adds one to each. */
GUEST64(sum, "1: mov $0x200000, %edi; xor %eax, %eax; mov $8, %ecx\n"
	"2: add (%rdi), %eax; add $0x1000, %edi; dec %ecx; jnz 2b\n" G_REPORT
	"mov $0x200000, %edi; mov $8, %ecx\n"
	"3: incl (%rdi); add $0x1000, %edi; dec %ecx; jnz 3b; jmp 1b");

static struct abi_vcpu *boot(void *p)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &sum);

	if (abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p))
		abi_die("slot");
	return vcpu;
}

/* Gives each missing page on demand: its first word is its number. */
static void *serve(void *arg)
{
	int fd = *(int *)arg;
	uint32_t *page = abi_map(4096);
	struct uffd_msg msg;

	while (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		uint64_t at = msg.arg.pagefault.address & -4096ull;
		struct uffdio_copy copy = {
			.dst = at, .src = (unsigned long)page, .len = 4096,
		};

		if (msg.event != UFFD_EVENT_PAGEFAULT)
			abi_die("userfaultfd event %d", msg.event);
		page[0] = (at >> 12) & 7;
		if (ioctl(fd, UFFDIO_COPY, &copy) && errno != EEXIST)
			abi_die("UFFDIO_COPY: %s", strerror(errno));
	}
	return NULL;
}

/* A userfaultfd that holds *@p, SIZE bytes, or -1 where there is none. */
static int hold(uint8_t **p)
{
	*p = abi_map(SIZE + 0x8000);
	*p = (uint8_t *)(((uintptr_t)*p + 0x7fff) & -0x8000ul);
	return abi_hold(*p, SIZE);
}

TEST(userfaultfd)
{
	struct abi_vcpu *vcpu;
	pthread_t thread;
	uint8_t *p;
	int fd = hold(&p);

	if (fd < 0)
		SKIP(return, "no userfaultfd: %s", strerror(errno));
	pthread_create(&thread, NULL, serve, &fd);
	vcpu = boot(p);
	EXPECT_EQ(0 + 1 + 2 + 3 + 4 + 5 + 6 + 7, abi_report(vcpu));
	EXPECT_EQ(28 + 8, abi_report(vcpu));
	/* Taken back, they are asked for again. */
	ASSERT_EQ(0, madvise(p, 0x8000, MADV_DONTNEED));
	EXPECT_EQ(28 + 8, abi_report(vcpu));
	EXPECT_EQ(8, *(uint32_t *)(p + 0x7000));
}

GUEST64(input, "mov $0x200000, %edi; mov $0x345, %edx; insb\n" G_DONE);

static void *answer(void *vcpu)
{
	abi_run(vcpu);
	return NULL;
}

static pid_t slot_setter;

static void *new_slot(void *arg)
{
	struct abi_vcpu *vcpu = arg;

	__atomic_store_n(&slot_setter, gettid(), __ATOMIC_RELEASE);
	abi_slot(vcpu->vm, 2, 0, HIGH + SIZE, 4096, abi_map(4096));
	return NULL;
}

/* A process of its own, with this one's memory: the VM's. */
static int new_zone(void *arg)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = ABI_MMIO, .size = 4 };
	struct abi_vcpu *vcpu = arg;

	syscall(SYS_ioctl, vcpu->vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone);
	return 0;
}

/* Until the kernel says that a thread waits, not to be woken by signals. */
static bool waits_for_lock(const char *who)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", who);
	for (int i = 0; i < 1000 && state != 'D'; i++) {
		usleep(10000);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
			abi_die("%s", path);
		fclose(f);
	}
	return state == 'D';
}

/*
 * What a vCPU has read waits for its memory, so a change of slots waits for the
 * vCPU, and the next change for that: who waits there can be killed.
 */
TEST(killed_waiter)
{
	uint8_t *p, *stack = abi_map(65536);
	int fd = hold(&p), status;
	pthread_t runner, setter;
	struct abi_vcpu *vcpu;
	struct uffd_msg msg;
	char name[64];
	pid_t pid;

	if (fd < 0)
		SKIP(return, "no userfaultfd: %s", strerror(errno));
	vcpu = abi_boot(ABI_LONG, &input);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p));
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	pthread_create(&runner, NULL, answer, vcpu);
	ASSERT_EQ(sizeof(msg), read(fd, &msg, sizeof(msg)));
	pthread_create(&setter, NULL, new_slot, vcpu);
	while (!__atomic_load_n(&slot_setter, __ATOMIC_ACQUIRE))
		usleep(1000);
	snprintf(name, sizeof(name), "self/task/%d", slot_setter);
	ASSERT_TRUE(waits_for_lock(name));
	pid = clone(new_zone, stack + 65536, CLONE_VM | CLONE_FILES | SIGCHLD,
		    vcpu);
	ASSERT_LT(0, pid);
	snprintf(name, sizeof(name), "%d", pid);
	ASSERT_TRUE(waits_for_lock(name));
	kill(pid, SIGKILL);
	status = 0;
	for (int i = 0; i < 500 && !status; i++) {
		usleep(10000);
		if (waitpid(pid, &status, WNOHANG) < 0)
			abi_die("waitpid");
	}
	EXPECT_EQ(SIGKILL, status);
}

TEST(hugetlb)
{
	int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY);
	uint32_t *p;
	struct abi_vcpu *vcpu;

	if (fd < 0 || write(fd, "4", 1) != 1)
		SKIP(return, "no huge pages to be had");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p == MAP_FAILED)
		SKIP(return, "no huge page: %s", strerror(errno));
	vcpu = boot(p);
	EXPECT_EQ(0, abi_report(vcpu));
	EXPECT_EQ(8, abi_report(vcpu));
	EXPECT_EQ(16, abi_report(vcpu));
	EXPECT_EQ(2, p[0]);
	munmap(p, SIZE);
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
}

TEST(locked)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu;

	ASSERT_EQ(0, mlock(p, SIZE));
	vcpu = boot(p);
	EXPECT_EQ(0, abi_report(vcpu));
	EXPECT_EQ(8, abi_report(vcpu));
	EXPECT_EQ(1, p[1024]);
}

/* Read-only file pages in a slot that is not: reads work, writes do not. */
TEST(file_without_write)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	uint32_t *p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	uint32_t total = 0;
	struct abi_vcpu *vcpu;

	ASSERT_NE(MAP_FAILED, p);
	for (int i = 0; i < 8; i++)
		total += p[i * 1024];
	vcpu = boot(p);
	EXPECT_EQ(total, abi_report(vcpu));
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
}

/* Two VMs of one process on the same memory. */
TEST(two_vms)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *a = boot(p), *b = boot(p);

	EXPECT_EQ(0, abi_report(a));
	EXPECT_EQ(0, abi_report(b));
	EXPECT_EQ(8, abi_report(a));
	EXPECT_EQ(16, abi_report(b));
	EXPECT_EQ(24, abi_report(a));
	ASSERT_EQ(0, madvise(p, SIZE, MADV_DONTNEED));
	EXPECT_EQ(8, abi_report(a));
	EXPECT_EQ(16, abi_report(b));
}

/* Grown, shrunk and moved by mremap(): the guest sees what is there now. */
TEST(moved)
{
	uint32_t *p = abi_map(SIZE), *q = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(p);

	for (int i = 0; i < 8; i++)
		q[i * 1024] = 100;
	EXPECT_EQ(0, abi_report(vcpu));
	ASSERT_EQ(p, mremap(q, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, p));
	EXPECT_EQ(808, abi_report(vcpu));
	EXPECT_EQ(101, p[0]);
}

TEST_HARNESS_MAIN
