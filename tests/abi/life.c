// SPDX-License-Identifier: GPL-2.0
/*
 * Lives that end, or change, while their vCPUs run: exec, a core dump, memory
 * that is taken away or withdrawn, threads that move from CPU to CPU, a cgroup
 * that is out of memory, and VMs that come and go by the hundred. Each time
 * another VM must go on, and nothing be left.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test.h"

/* A thousand VMs take a debug kernel some minutes, on a slow machine. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900

#define HIGH		0x400000u
#define PAGES		16u
#define SIZE		(PAGES * 4096)
#define STOP		ABI_DATA

GUEST64(done, G_DONE);
/* Says that it is there, and runs until STOP is written. */
GUEST64(spinner, "movl $1, 0x80010; 1: cmpl $0, 0x80000; je 1b\n" G_DONE);

static struct abi_thread *spin(struct abi_vm *vm, int id)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, id);
	struct abi_thread *thread;

	abi_load(vm, ABI_CODE, &spinner);
	abi_vcpu_mode(vcpu, ABI_LONG);
	abi_poke(vm, STOP + 0x10, 0);
	thread = abi_thread_start(vcpu);
	abi_wait_for(vm, STOP + 0x10, 1);
	return thread;
}

/* A child that does @fn with two vCPUs running; how it ended. */
static int child_with_guests(void (*fn)(struct abi_vm *vm))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		struct abi_vm *vm = abi_vm_create(ABI_LONG);

		spin(vm, 0);
		spin(vm, 1);
		fn(vm);
		_exit(100);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abi_die("fork: %s", strerror(errno));
	return status;
}

/* --- exec --------------------------------------------------------------- */

#define INHERITED	"LIFE_INHERITED"

/* In the program after exec: the VM that it has inherited was another's. */
static void __attribute__((constructor)) after_exec(void)
{
	const char *fds = getenv(INHERITED);
	int vm, vcpu;

	if (!fds)
		return;
	if (sscanf(fds, "%d %d", &vm, &vcpu) != 2)
		_exit(1);
	if (abi_ioctl(vm, KVM_CHECK_EXTENSION, 0) != -EIO ||
	    abi_ioctl(vcpu, KVM_RUN, 0) != -EIO)
		_exit(2);
	if (close(vcpu) || close(vm))
		_exit(3);
	/* And it can have its own. */
	abi_done(abi_boot(ABI_LONG, &done));
	_exit(42);
}

static void exec_away(struct abi_vm *vm)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 2);
	char fds[64];

	fcntl(vm->fd, F_SETFD, 0);
	fcntl(vcpu->fd, F_SETFD, 0);
	snprintf(fds, sizeof(fds), "%d %d", vm->fd, vcpu->fd);
	setenv(INHERITED, fds, 1);
	execl("/proc/self/exe", "life", NULL);
}

TEST(exec_while_running)
{
	int status = child_with_guests(exec_away);

	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(42, WEXITSTATUS(status));
}

/* --- ends ---------------------------------------------------------------- */

static void dump_core(struct abi_vm *vm)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (chdir("/tmp") || setrlimit(RLIMIT_CORE, &limit))
		_exit(1);
	signal(SIGABRT, SIG_DFL);
	abort();
}

TEST(core_dump_while_running)
{
	int status = child_with_guests(dump_core);

	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGABRT, WTERMSIG(status));
	EXPECT_TRUE(WCOREDUMP(status));
	unlink("/tmp/core");
}

static void leave(struct abi_vm *vm)
{
	exit(42);
}

TEST(exit_while_running)
{
	int status = child_with_guests(leave);

	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(42, WEXITSTATUS(status));
}

/* --- memory under a running guest ---------------------------------------- */

/* RDI is a dword in each of the pages; adds one to all of them, for ever. */
GUEST64(adder, "2: mov $0x400000, %rax; mov $16, %ecx\n"
	"1: lock incl (%rax); add $4096, %rax; dec %ecx; jnz 1b\n"
	"inc %ebx; cmpl $0, 0x80000; je 2b\n"
	"mov %ebx, %eax\n" G_REPORT G_DONE);

struct runner {
	struct abi_vcpu *vcpu;
	pthread_t thread;
	sem_t faulted, restored;
	uint32_t passes;
};

/* Where its memory is gone, it says so, and waits until it is back. */
static void *runner(void *arg)
{
	struct runner *r = arg;
	int ret;

	for (;;) {
		ret = abi_run(r->vcpu);
		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret == -EFAULT) {
			sem_post(&r->faulted);
			sem_wait(&r->restored);
			continue;
		}
		if (ret || r->vcpu->run->exit_reason != KVM_EXIT_IO) {
			abi_describe(r->vcpu);
			abi_die("KVM_RUN: %d", ret);
		}
		if (r->vcpu->run->io.port == ABI_DONE)
			return NULL;
		memcpy(&r->passes, (uint8_t *)r->vcpu->run +
		       r->vcpu->run->io.data_offset, 4);
	}
}

static void runner_start(struct runner *r, struct abi_vm *vm, int id)
{
	*r = (struct runner) { .vcpu = abi_vcpu_create(vm, id) };
	sem_init(&r->faulted, 0, 0);
	sem_init(&r->restored, 0, 0);
	abi_vcpu_mode(r->vcpu, ABI_LONG);
	if (pthread_create(&r->thread, NULL, runner, r))
		abi_die("pthread_create");
}

/* A page of it is away until both have seen it; @maps: it comes back empty. */
static void page_goes(struct runner *r, uint8_t *page, bool maps)
{
	if (maps ? munmap(page, 4096) : mprotect(page, 4096, PROT_NONE))
		abi_die("page: %s", strerror(errno));
	sem_wait(&r[0].faulted);
	sem_wait(&r[1].faulted);
	if (maps ? mmap(page, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page :
		   mprotect(page, 4096, PROT_READ | PROT_WRITE))
		abi_die("page: %s", strerror(errno));
	sem_post(&r[0].restored);
	sem_post(&r[1].restored);
}

static void memory_goes(struct __test_metadata *_metadata, bool maps)
{
	struct abi_vm *vm = abi_vm_create(ABI_LONG);
	uint8_t *p = abi_map(SIZE);
	struct runner r[2];
	uint32_t total;

	abi_load(vm, ABI_CODE, &adder);
	ASSERT_EQ(0, abi_slot(vm, 1, 0, HIGH, SIZE, p));
	runner_start(&r[0], vm, 0);
	runner_start(&r[1], vm, 1);
	/* The last one is left alone: all that was added is there. */
	for (int i = 0; i < 100; i++)
		page_goes(r, p + (i % (PAGES - 1)) * 4096, maps);
	abi_poke(vm, STOP, 1);
	pthread_join(r[0].thread, NULL);
	pthread_join(r[1].thread, NULL);
	total = r[0].passes + r[1].passes;
	EXPECT_LT(0, total);
	for (unsigned int i = 0; i < PAGES; i++) {
		uint32_t n = *(uint32_t *)(p + i * 4096);

		/* What is new has been counted in part. */
		if (maps && i < PAGES - 1 && n <= total)
			continue;
		EXPECT_EQ(total, n)
			TH_LOG("page %u", i);
	}
}

TEST(mprotect_while_running)
{
	memory_goes(_metadata, false);
}

TEST(munmap_while_running)
{
	memory_goes(_metadata, true);
}

/* --- from CPU to CPU ----------------------------------------------------- */

/* A sum over registers of all kinds, with exits between; then it is told. */
GUEST64(summing,
	"mov %cr4, %rax; or $0x600, %eax; mov %rax, %cr4\n"
	"mov %cr0, %rax; and $~4, %al; mov %rax, %cr0\n"
	"xor %ebx, %ebx; movq %rbx, %xmm1; mov $1, %eax; movq %rax, %xmm2\n"
	"3: mov $2000, %esi\n"
	"1: paddq %xmm2, %xmm1; lea 3(%rbx), %rbx; mov %rbx, %dr0\n"
	"test $63, %sil; jnz 2f; push %rbx; xor %eax, %eax; cpuid; pop %rbx\n"
	"2: mov %dr0, %rax; cmp %rax, %rbx; jne 4f; dec %esi; jnz 1b\n"
	"movq %xmm1, %rax; lea (%rax, %rax, 2), %rax; cmp %rax, %rbx; jne 4f\n"
	"cmpl $0, 0x80000; je 3b; mov $1, %eax\n" G_REPORT G_DONE
	"4: xor %eax, %eax\n" G_REPORT G_DONE);

TEST(thread_moves_all_the_time)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &summing);
	struct abi_thread *thread;
	cpu_set_t all, one;
	int cpu = -1;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	if (CPU_COUNT(&all) < 2)
		SKIP(return, "this host has one CPU");
	thread = abi_thread_start(vcpu);
	for (int i = 0; i < 500; i++) {
		do
			cpu = (cpu + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(cpu, &all));
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ASSERT_EQ(0, sched_setaffinity(abi_thread_tid(thread),
					       sizeof(one), &one));
		sched_yield();
	}
	abi_poke(vcpu->vm, STOP, 1);
	ASSERT_EQ(1, abi_thread_join(thread));
	EXPECT_EQ(1, abi_thread_reports(thread)[0]);
}

/* --- cgroups ------------------------------------------------------------- */

#define GROUP		"/tmp/life-group"
#define GROUP_MAX	(16u << 20)

static bool group_write(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

/* A group for the children of this process; false: this host has none. */
static bool group_make(const char *max)
{
	mkdir(GROUP, 0755);
	return !mount("cgroup2", GROUP, "cgroup2", 0, NULL) &&
	       group_write(GROUP "/cgroup.subtree_control", "+memory") &&
	       !mkdir(GROUP "/life", 0755) &&
	       group_write(GROUP "/life/memory.max", max);
}

static void group_join(void)
{
	if (!group_write(GROUP "/life/cgroup.procs", "0"))
		abi_die("cgroup.procs: %s", strerror(errno));
}

/* What the kernel holds for the group, in bytes; -1: it does not say. */
static long group_kernel(void)
{
	FILE *f = fopen(GROUP "/life/memory.stat", "re");
	char line[128];
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "kernel %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static void group_drop(void)
{
	rmdir(GROUP "/life");
	umount2(GROUP, MNT_DETACH);
	rmdir(GROUP);
}

/* Writes to each page of the second slot, and says so at the end. */
GUEST64(greedy, "mov $0x400000, %rax; mov $8192, %ecx\n"
	"1: incl (%rax); add $4096, %rax; dec %ecx; jnz 1b\n" G_DONE);

static void take_all(void)
{
	struct abi_vcpu *vcpu;
	void *p = abi_map(2 * GROUP_MAX);

	madvise(p, 2 * GROUP_MAX, MADV_NOHUGEPAGE);
	group_join();
	vcpu = abi_boot(ABI_LONG, &greedy);
	if (abi_slot(vcpu->vm, 1, 0, HIGH, 2 * GROUP_MAX, p))
		_exit(1);
	abi_done(vcpu);
	_exit(2);
}

TEST(out_of_memory)
{
	struct abi_vm *other = abi_vm_create(ABI_LONG);
	struct abi_thread *thread = spin(other, 0);
	int status;
	pid_t pid;

	if (!group_make("16M")) {
		group_drop();
		SKIP(return, "no cgroups");
	}
	pid = fork();
	if (!pid)
		take_all();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	group_drop();
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	/* The other one is alive, and a new one can be had. */
	abi_poke(other, STOP, 1);
	EXPECT_EQ(0, abi_thread_join(thread));
	abi_done(abi_boot(ABI_LONG, &done));
}

/* --- many ----------------------------------------------------------------- */

#define MANY_THREADS	8

/* One from its birth to its end, with all that a VM may have. */
static void one_life(void)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP | ABI_PIT);
	int event = eventfd(0, EFD_CLOEXEC), i;
	struct kvm_irqfd irqfd = { .fd = event, .gsi = 5 };
	struct kvm_ioeventfd io = {
		.fd = event, .addr = 0x70, .len = 2,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};
	struct abi_vcpu *vcpu[2];
	void *p = abi_map(SIZE);

	abi_load(vm, ABI_CODE, &done);
	for (i = 0; i < 4; i++)
		if (abi_slot(vm, 1 + i, i & 1 ? KVM_MEM_LOG_DIRTY_PAGES : 0,
			     HIGH + i * SIZE, SIZE, p))
			abi_die("slot");
	for (i = 0; i < 2; i++)
		vcpu[i] = abi_vcpu_create(vm, i);
	abi_ok(vm->fd, KVM_IRQFD, &irqfd);
	abi_ok(vm->fd, KVM_IOEVENTFD, &io);
	abi_vcpu_mode(vcpu[0], ABI_LONG);
	abi_done(vcpu[0]);
	for (i = 0; i < 2; i++) {
		munmap(vcpu[i]->run, vcpu[i]->run_size);
		close(vcpu[i]->fd);
		free(vcpu[i]);
	}
	munmap(p, SIZE);
	munmap(vm->mem, ABI_MEM_SIZE);
	close(event);
	close(vm->fd);
	close(vm->dev);
	free(vm);
}

static void *lives(void *arg)
{
	int *left = arg;

	while (__atomic_fetch_sub(left, 1, __ATOMIC_RELAXED) > 0)
		one_life();
	return NULL;
}

/* So many, in a child in the group, by threads side by side. */
static int many(int nr)
{
	pthread_t thread[MANY_THREADS];
	int i, status = -1;
	pid_t pid = fork();

	if (!pid) {
		group_join();
		for (i = 0; i < MANY_THREADS; i++)
			if (pthread_create(&thread[i], NULL, lives, &nr))
				_exit(1);
		for (i = 0; i < MANY_THREADS; i++)
			pthread_join(thread[i], NULL);
		/* All descriptors but those of any program are gone. */
		_exit(dup(0) > 32 ? 2 : 42);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* LIFE_MACHINES of them, which is a thousand where there is time. */
TEST(many_machines)
{
	const char *wanted = getenv("LIFE_MACHINES");
	int status, nr = wanted ? atoi(wanted) : 128;
	long before, after;

	if (!group_make("max")) {
		group_drop();
		SKIP(return, "no cgroups");
	}
	status = many(64);
	before = group_kernel();
	if (WEXITSTATUS(status) == 42)
		status = many(nr);
	after = group_kernel();
	group_drop();
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(42, WEXITSTATUS(status));
	/* CPUs keep some pages for the next one; a page of each is too many. */
	EXPECT_GT(before + nr * 4096l * 3 / 4, after)
		TH_LOG("the kernel held %ld bytes, then %ld", before, after);
	fprintf(stderr, "# %d machines; the kernel held %ld bytes, then %ld\n",
		nr, before, after);
}

TEST_HARNESS_MAIN
