// SPDX-License-Identifier: GPL-2.0
/*
 * Two vCPUs and the process count in the same pages while the process's mm
 * and the slots are shaken: copy-on-write, huge pages made and split, KSM,
 * compaction, dirty logging. A write through a stale translation, or one that
 * is lost, shows as a wrong count.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

/* Moving all of the host's pages takes its time. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 60

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define HIGH		0x400000u
#define LARGE		0x200000u
#define SIZE		(2 * LARGE)
#define PAGES		(SIZE / 4096)
#define STOP		(ABI_DATA + 4)
#define SECONDS		2

/* RDI pages, RSI how many, RDX where to see that it is to stop. */
GUEST64(counter,
	"xor %ebx, %ebx\n"
	"1: mov %rdi, %rax; mov %rsi, %rcx\n"
	"2: lock incl (%rax); add $4096, %rax; dec %rcx; jnz 2b\n"
	"inc %ebx; cmpl $0, (%rdx); je 1b\n"
	"mov %ebx, %eax\n" G_REPORT G_DONE);

struct shaken {
	struct abi_vm *vm;
	uint8_t *p;		/* aligned for large pages */
	bool stop;
	uint32_t counted;	/* passes of the process */
	uint32_t rounds;	/* of whoever shakes */
};

/* One round of trouble; false: the host can't. */
typedef bool (*shake_fn)(struct shaken *s, uint32_t round);

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static void *count(void *arg)
{
	struct shaken *s = arg;
	unsigned int i;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		for (i = 0; i < PAGES; i++)
			__atomic_add_fetch((uint32_t *)(s->p + i * 4096), 1,
					   __ATOMIC_SEQ_CST);
		s->counted++;
	}
	return NULL;
}

static struct abi_thread *start(struct abi_vm *vm, int id)
{
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, id);
	struct kvm_regs regs;

	abi_vcpu_mode(vcpu, ABI_LONG);
	regs = abi_regs(vcpu);
	regs.rdi = HIGH;
	regs.rsi = PAGES;
	regs.rdx = STOP;
	abi_set_regs(vcpu, &regs);
	return abi_thread_start(vcpu);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static bool shake_until_time(struct shaken *s, shake_fn fn)
{
	double end = now() + SECONDS;

	while (now() < end) {
		if (!fn(s, s->rounds++))
			return false;
	}
	return true;
}

/* Pages whose count is not what all have counted. */
static int wrong(const struct shaken *s, uint32_t total)
{
	int i, bad = 0;

	for (i = 0; i < PAGES; i++) {
		uint32_t v = *(uint32_t *)(s->p + i * 4096);

		if (v != total && !bad++)
			fprintf(stderr, "# page %d: %u, not %u\n", i, v, total);
	}
	return bad;
}

/* -1: the host can't do that; else pages that are wrong. */
static int shake(shake_fn fn, void *memory)
{
	struct shaken s = { .vm = abi_vm_create(ABI_LONG) };
	struct abi_thread *guest[2];
	uint32_t total = 0;
	pthread_t thread;
	bool can;
	int i;

	s.p = (uint8_t *)(((uintptr_t)memory + LARGE - 1) & -(uintptr_t)LARGE);
	abi_load(s.vm, ABI_CODE, &counter);
	if (abi_slot(s.vm, 1, 0, HIGH, SIZE, s.p))
		abi_die("slot");
	for (i = 0; i < 2; i++)
		guest[i] = start(s.vm, i);
	pthread_create(&thread, NULL, count, &s);
	can = shake_until_time(&s, fn);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	abi_poke(s.vm, STOP, 1);
	pthread_join(thread, NULL);
	for (i = 0; i < 2; i++) {
		abi_thread_join(guest[i]);
		total += abi_thread_reports(guest[i])[0];
	}
	if (!can)
		return -1;
	fprintf(stderr, "# %u rounds, %u passes, %u of the guest\n", s.rounds,
		total + s.counted, total);
	return total ? wrong(&s, total + s.counted) : PAGES;
}

static bool shake_nothing(struct shaken *s, uint32_t round)
{
	usleep(1000);
	return true;
}

/* Every page is shared with a child, and copied when it is written next. */
static bool shake_fork(struct shaken *s, uint32_t round)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

/* Large pages made of small ones, and split again by discarding a neighbour. */
static bool shake_collapse(struct shaken *s, uint32_t round)
{
	/* Fails where pages are shared at the moment: that is trouble, too. */
	madvise(s->p, SIZE, MADV_COLLAPSE);
	/* Takes the large page apart, without changing what is in it. */
	if (mprotect(s->p + (round % PAGES) * 4096, 4096,
		     PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    mprotect(s->p, SIZE, PROT_READ | PROT_WRITE))
		abi_die("mprotect");
	return true;
}

/* Pages that are alike become one, and are write-protected for it. */
static bool shake_ksm(struct shaken *s, uint32_t round)
{
	if (!round && (madvise(s->p, SIZE, MADV_MERGEABLE) ||
		       !write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1") ||
		       !write_file("/sys/kernel/mm/ksm/pages_to_scan", "10000") ||
		       !write_file("/sys/kernel/mm/ksm/run", "1")))
		return false;
	usleep(10000);
	return true;
}

/* Pages move to other places, and all page tables are write-protected. */
static bool shake_compact(struct shaken *s, uint32_t round)
{
	return write_file("/proc/sys/vm/compact_memory", "1") &&
	       write_file("/proc/self/clear_refs", round & 1 ? "4" : "1");
}

/* The log on and off, read all the while. */
static bool shake_log(struct shaken *s, uint32_t round)
{
	static uint64_t bits[PAGES / 64];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };
	bool on = round & 16;

	if (abi_slot(s->vm, 1, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, HIGH, SIZE,
		     s->p))
		abi_die("slot");
	if (on)
		abi_ok(s->vm->fd, KVM_GET_DIRTY_LOG, &log);
	return true;
}

/* Other slots come and go, some with the same memory behind them. */
static bool shake_slots(struct shaken *s, uint32_t round)
{
	uint32_t slot = 2 + round % 16;

	if (abi_slot(s->vm, slot, 0, 0x40000000 + slot * LARGE, LARGE, s->p) ||
	    abi_slot(s->vm, slot, 0, 0, 0, NULL))
		abi_die("slot");
	return true;
}

static bool shake_all(struct shaken *s, uint32_t round)
{
	static const shake_fn all[] = {
		shake_fork, shake_log, shake_collapse, shake_slots,
		shake_compact,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i](s, round))
			return false;
	}
	return true;
}

/* What a test makes of shake()'s answer. */
#define EXPECT_SHAKEN(answer) do {					\
	int bad = answer;						\
									\
	if (bad < 0)							\
		SKIP(return, "the host has no way to do it");		\
	EXPECT_EQ(0, bad);						\
} while (0)

TEST(while_nothing_happens)
{
	EXPECT_SHAKEN(shake(shake_nothing, abi_map(SIZE + LARGE)));
}

TEST(while_forking)
{
	EXPECT_SHAKEN(shake(shake_fork, abi_map(SIZE + LARGE)));
}

TEST(while_pages_collapse_and_split)
{
	EXPECT_SHAKEN(shake(shake_collapse, abi_map(SIZE + LARGE)));
}

TEST(while_pages_are_merged)
{
	EXPECT_SHAKEN(shake(shake_ksm, abi_map(SIZE + LARGE)));
}

TEST(while_pages_move)
{
	EXPECT_SHAKEN(shake(shake_compact, abi_map(SIZE + LARGE)));
}

TEST(while_writes_are_logged)
{
	EXPECT_SHAKEN(shake(shake_log, abi_map(SIZE + LARGE)));
}

TEST(while_slots_change)
{
	EXPECT_SHAKEN(shake(shake_slots, abi_map(SIZE + LARGE)));
}

TEST(while_all_of_that)
{
	EXPECT_SHAKEN(shake(shake_all, abi_map(SIZE + LARGE)));
}

TEST(while_shared_pages_move)
{
	void *p = mmap(NULL, SIZE + LARGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT_SHAKEN(shake(shake_compact, p));
}

TEST_HARNESS_MAIN
