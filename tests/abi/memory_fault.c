// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory follows the process's: pages come on demand, and protections,
 * unmapping, discarding and remapping under a running guest take effect.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "test.h"

#define HIGH	0x200000u
#define SIZE	0x400000u

/* Reads or writes the word at EDI, in turns with the test. */
GUEST64(reader, "mov $0x200000, %edi; 1: mov (%rdi), %eax\n" G_REPORT "jmp 1b");
GUEST64(writer, "mov $0x200000, %edi; mov $1, %eax; 1: mov %eax, (%rdi)\n"
	G_REPORT "inc %eax; jmp 1b");

static struct abi_vcpu *boot(const struct abi_guest *guest, void *p)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, guest);

	if (abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, p))
		abi_die("slot");
	return vcpu;
}

TEST(on_demand)
{
	uint32_t *p = abi_map(SIZE);
	unsigned char resident;
	struct abi_vcpu *vcpu;

	/* Else a large page of the mapping beside it may reach in here. */
	ASSERT_EQ(0, madvise(p, SIZE, MADV_NOHUGEPAGE));
	vcpu = boot(&writer, p);
	ASSERT_EQ(0, mincore(p + 4096, 4096, &resident));
	EXPECT_EQ(0, resident & 1);
	abi_report(vcpu);
	EXPECT_EQ(1, p[0]);
}

TEST(process_sees_writes_and_guest_sees_the_process)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&reader, p);

	EXPECT_EQ(0, abi_report(vcpu));
	/* The zero page was mapped; a write gives the process another one. */
	p[0] = 5;
	EXPECT_EQ(5, abi_report(vcpu));
	p[0] = 6;
	EXPECT_EQ(6, abi_report(vcpu));
}

TEST(discarded)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&reader, p);

	p[0] = 7;
	EXPECT_EQ(7, abi_report(vcpu));
	ASSERT_EQ(0, madvise(p, 4096, MADV_DONTNEED));
	EXPECT_EQ(0, abi_report(vcpu));
	p[0] = 8;
	EXPECT_EQ(8, abi_report(vcpu));
}

TEST(discarded_after_a_write)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&writer, p);

	for (int i = 1; i < 5; i++) {
		abi_report(vcpu);
		EXPECT_EQ(i, p[0]);
		ASSERT_EQ(0, madvise(p, 4096, MADV_DONTNEED));
		EXPECT_EQ(0, p[0]);
	}
}

TEST(remapped)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&reader, p);

	p[0] = 9;
	EXPECT_EQ(9, abi_report(vcpu));
	ASSERT_EQ(p, mmap(p, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, abi_report(vcpu));
	ASSERT_EQ(p, mremap(p + 1024, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
			    p));
	p[0] = 10;
	EXPECT_EQ(10, abi_report(vcpu));
}

TEST(unmapped)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&reader, p);

	p[0] = 11;
	EXPECT_EQ(11, abi_report(vcpu));
	ASSERT_EQ(0, munmap(p, 4096));
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
	/* Mapped again, the access is done. */
	ASSERT_EQ(p, mmap(p, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	p[0] = 12;
	EXPECT_EQ(12, abi_report(vcpu));
}

TEST(protected)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&reader, p);

	p[0] = 13;
	EXPECT_EQ(13, abi_report(vcpu));
	ASSERT_EQ(0, mprotect(p, 4096, PROT_NONE));
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
	ASSERT_EQ(0, mprotect(p, 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(13, abi_report(vcpu));
}

TEST(write_protected)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&writer, p);

	EXPECT_EQ(1, abi_report(vcpu));
	ASSERT_EQ(0, mprotect(p, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
	EXPECT_EQ(1, p[0]);
	ASSERT_EQ(0, mprotect(p, 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(2, abi_report(vcpu));
	EXPECT_EQ(2, p[0]);
}

/* After fork() the child has the old contents and the guest writes its own. */
TEST(forked)
{
	uint32_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&writer, p);
	int to[2], status;
	pid_t pid;
	char c;

	EXPECT_EQ(1, abi_report(vcpu));
	ASSERT_EQ(0, pipe(to));
	pid = fork();
	if (pid == 0) {
		if (read(to[0], &c, 1) != 1)
			_exit(2);
		_exit(p[0] != 1);
	}
	EXPECT_EQ(2, abi_report(vcpu));
	EXPECT_EQ(2, p[0]);
	ASSERT_EQ(1, write(to[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* A private mapping of a file, as a snapshot is restored. */
TEST(private_file)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	uint32_t *p, first;
	struct abi_vcpu *vcpu;

	ASSERT_LE(0, fd);
	ASSERT_EQ(4, pread(fd, &first, 4, 0));
	p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	vcpu = abi_boot(ABI_LONG, &reader);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, 65536, p));
	EXPECT_EQ(first, abi_report(vcpu));
	abi_load(vcpu->vm, ABI_CODE, &writer);
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(1, abi_report(vcpu));
	EXPECT_EQ(1, p[0]);
	ASSERT_EQ(4, pread(fd, &first, 4, 0));
	EXPECT_NE(1, first);
}

TEST(shared_memory)
{
	int fd = memfd_create("guest", 0);
	uint32_t *p, *q;
	struct abi_vcpu *vcpu;

	ASSERT_EQ(0, ftruncate(fd, SIZE));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	vcpu = boot(&writer, p);
	EXPECT_EQ(1, abi_report(vcpu));
	EXPECT_EQ(1, q[0]);
	/* A hole punched through another mapping is seen. */
	ASSERT_EQ(0, madvise(q, 4096, MADV_REMOVE));
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(2, abi_report(vcpu));
	EXPECT_EQ(2, q[0]);
}

/* Past the end of a file there is nothing to map. */
TEST(truncated_file)
{
	int fd = memfd_create("guest", 0);
	uint32_t *p;
	struct abi_vcpu *vcpu;

	ASSERT_EQ(0, ftruncate(fd, SIZE));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	vcpu = boot(&writer, p);
	EXPECT_EQ(1, abi_report(vcpu));
	ASSERT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(-EFAULT, abi_run(vcpu));
	ASSERT_EQ(0, ftruncate(fd, SIZE));
	EXPECT_EQ(2, abi_report(vcpu));
}

/* Touches every page of 4 MiB, slots and memory aligned for large pages. */
GUEST64(toucher, "1: mov $0x200000, %edi; xor %eax, %eax\n"
	"2: incl (%rdi); add (%rdi), %eax; add $0x1000, %edi\n"
	"cmp $0x600000, %edi; jb 2b\n" G_REPORT "jmp 1b");

static uint8_t *aligned(size_t size)
{
	uintptr_t p = (uintptr_t)abi_map(size + HIGH);

	return (uint8_t *)((p + HIGH - 1) & -(uintptr_t)HIGH);
}

TEST(large_pages)
{
	uint8_t *p = aligned(SIZE);
	struct abi_vcpu *vcpu;

	madvise(p, SIZE, MADV_HUGEPAGE);
	memset(p, 0, SIZE);
	vcpu = boot(&toucher, p);
	EXPECT_EQ(1024, abi_report(vcpu));
	/* A hole in the middle of a large page splits it. */
	ASSERT_EQ(0, madvise(p + 0x5000, 4096, MADV_DONTNEED));
	EXPECT_EQ(2047, abi_report(vcpu));
	ASSERT_EQ(0, madvise(p, SIZE, MADV_DONTNEED));
	EXPECT_EQ(1024, abi_report(vcpu));
	EXPECT_EQ(1, p[0x3ff000]);
}

/* Guest and host addresses that differ within 2 MiB can't be mapped large. */
TEST(large_pages_misaligned)
{
	uint8_t *p = aligned(SIZE + HIGH);
	struct abi_vcpu *vcpu;

	madvise(p, SIZE + HIGH, MADV_HUGEPAGE);
	memset(p, 0, SIZE + HIGH);
	vcpu = boot(&toucher, p + 0x1000);
	p[0x1000] = 1;
	p[0x201000] = 10;
	EXPECT_EQ(1024 + 11, abi_report(vcpu));
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(1, p[0x400000]);
	EXPECT_EQ(0, p[0x401000]);
}

TEST(large_pages_and_dirty_log)
{
	uint8_t *p = aligned(SIZE);
	struct kvm_dirty_log log = { .slot = 1 };
	uint64_t bits[16];
	struct abi_vcpu *vcpu;

	log.dirty_bitmap = bits;
	madvise(p, SIZE, MADV_HUGEPAGE);
	memset(p, 0, SIZE);
	vcpu = boot(&toucher, p);
	EXPECT_EQ(1024, abi_report(vcpu));
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, HIGH, SIZE,
			      p));
	abi_load(vcpu->vm, ABI_CODE, &writer);
	abi_vcpu_mode(vcpu, ABI_LONG);
	EXPECT_EQ(1, abi_report(vcpu));
	ASSERT_EQ(0, abi_ioctlp(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log));
	/* One page, not the 512 of the mapping it was in. */
	EXPECT_EQ(1, bits[0]);
	for (int i = 1; i < 16; i++)
		EXPECT_EQ(0, bits[i]);
}

static void *discard(void *arg)
{
	uint8_t *p = arg;

	for (int i = 0; i < 300; i++)
		madvise(p + (i % 64) * 4096, 4096, MADV_DONTNEED);
	return NULL;
}

/* Discarded again and again under the guest, which must never see old data. */
GUEST64(checker, "mov $0x80000, %ebx\n"
	"1: mov $0x200000, %edi\n"
	"2: mov (%rdi), %eax; test %eax, %eax; jnz 3f\n"
	"add $0x1000, %edi; cmp $0x240000, %edi; jb 2b\n"
	"incl (%rbx); cmpl $0, 4(%rbx); je 1b; xor %eax, %eax\n"
	"3:" G_REPORT G_DONE);

TEST(discarded_while_running)
{
	uint8_t *p = abi_map(SIZE);
	struct abi_vcpu *vcpu = boot(&checker, p);
	struct abi_thread *guest = abi_thread_start(vcpu);
	pthread_t thread;

	pthread_create(&thread, NULL, discard, p);
	pthread_join(thread, NULL);
	while (!abi_peek(vcpu->vm, ABI_DATA))
		usleep(1000);
	abi_poke(vcpu->vm, ABI_DATA + 4, 1);
	EXPECT_EQ(1, abi_thread_join(guest));
	EXPECT_EQ(0, abi_thread_reports(guest)[0]);
}

TEST_HARNESS_MAIN
