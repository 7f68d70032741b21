// SPDX-License-Identifier: GPL-2.0
/*
 * Asynchronous page faults: memory that a userfaultfd holds back, a guest that
 * is told so and goes on with something else, and is told when it is there.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

#define MSR_EN		0x4b564d02
#define MSR_INT		0x4b564d06
#define MSR_ACK		0x4b564d07
#define ENABLED		1
#define ALWAYS		2
#define BY_INT		8

#define HIGH		0x400000u
#define PAGES		32u
#define SIZE		(PAGES * 4096)
#define VECTOR		0x60
#define CONTENT(page)	(0xabc0000 + (page))	/* its first word */

/* In guest memory: what it is to touch, and how; what its handlers saw. */
#define TOUCH		(ABI_DATA + 0x00)
#define WRITE		(ABI_DATA + 0x08)
#define CR2		(ABI_DATA + 0x10)
#define ERROR		(ABI_DATA + 0x18)
#define FLAGS		(ABI_DATA + 0x20)
#define TOKEN		(ABI_DATA + 0x28)
#define KEEP		(ABI_DATA + 0x30)	/* the token is not taken */
#define SHARED		(ABI_DATA + 0x1000)	/* flags, token */

#define PEEK(gpa)	abi_peek(a.vcpu->vm, gpa)

/* Ports by which the guest gives the test its turn. */
enum { TURN = ABI_SYNC, DATA = ABI_REPORT, ABSENT = 0xe6, READY = 0xe8 };

GUEST64(looks,
	"2: " G_SYNC "mov 0x80000, %rdi; test %rdi, %rdi; jz 2b\n"
	"movq $0, 0x80000; lea 2b(%rip), %rbx; cmpl $0, 0x80008; jne 3f\n"
	"mov (%rdi), %eax\n" G_REPORT "jmp 2b\n"
	"3: movl $77, 4(%rdi); mov (%rdi), %eax\n" G_REPORT "jmp 2b\n");

/* The same as a program of the guest's, at 0x2400, which may use ports. */
GUEST64(to_user, "push $0x43; push $0x10000; push $0x3202; push $0x3b\n"
	"push $0x2400; iretq");

/* #PF: does not go back to what has faulted, but to RBX. */
GUEST64(absent,
	"push %rax; mov %cr2, %rax; mov %rax, 0x80010\n"
	"mov 8(%rsp), %rax; mov %rax, 0x80018\n"
	"mov 0x81000, %eax; mov %eax, 0x80020; movl $0, 0x81000\n"
	"pop %rax; add $8, %rsp; mov %rbx, (%rsp); out %al, $0xe6; iretq");

GUEST64(ready,
	"push %rax; push %rcx; push %rdx; mov 0x81004, %eax; mov %eax, 0x80028\n"
	"cmpl $0, 0x80030; jne 1f; movl $0, 0x81004\n"
	"mov $0x4b564d07, %ecx; mov $1, %eax; xor %edx, %edx; wrmsr\n"
	"1: xor %eax, %eax; movabs %eax, 0xfee000b0\n"
	"pop %rdx; pop %rcx; pop %rax; out %al, $0xe8; iretq");

struct apf {
	struct abi_vcpu *vcpu;
	int uffd;
	uint8_t *p;		/* PAGES of memory, at HIGH */
};

/* 0 or an errno */
static int copy(const struct apf *a, unsigned int page)
{
	static _Thread_local uint32_t from[1024];
	struct uffdio_copy c = {
		.dst = (unsigned long)a->p + page * 4096,
		.src = (unsigned long)from, .len = 4096,
	};

	from[0] = CONTENT(page);
	return ioctl(a->uffd, UFFDIO_COPY, &c) ? errno : 0;
}

static void serve(const struct apf *a, unsigned int page)
{
	int err = copy(a, page);

	if (err && err != EEXIST)
		abi_die("UFFDIO_COPY: %s", strerror(err));
}

/* Run until the guest gives the test its turn; at which port. */
static int step(struct apf *a)
{
	struct kvm_run *run = a->vcpu->run;

	if (abi_exit(a->vcpu) == KVM_EXIT_IO)
		return run->io.port;
	abi_describe(a->vcpu);
	abi_die("no turn");
}

static uint32_t data(struct apf *a)
{
	return *(uint32_t *)((char *)a->vcpu->run + a->vcpu->run->io.data_offset);
}

/* Run until something happens; what. */
static int next(struct apf *a)
{
	time_t end = time(NULL) + 25;
	int port;

	do {
		port = step(a);
		if (time(NULL) > end)
			abi_die("nothing happens");
	} while (port == TURN);
	return port;
}

/* Nothing happens in many turns: what would come by itself has come before. */
static bool quiet(struct apf *a)
{
	for (int i = 0; i < 200; i++)
		if (step(a) != TURN)
			return false;
	return true;
}

static void touch(struct apf *a, unsigned int page)
{
	abi_poke(a->vcpu->vm, TOUCH, HIGH + page * 4096);
}

/* The guest touches a page that is not there, and is told; the token. */
static uint32_t touch_absent(struct __test_metadata *_metadata, struct apf *a,
			     unsigned int page)
{
	touch(a, page);
	EXPECT_EQ(ABSENT, next(a));
	EXPECT_EQ(1, abi_peek(a->vcpu->vm, FLAGS));
	EXPECT_EQ(0, abi_peek(a->vcpu->vm, ERROR));
	EXPECT_NE(0, abi_peek(a->vcpu->vm, CR2));
	EXPECT_NE(~0u, abi_peek(a->vcpu->vm, CR2));
	return abi_peek(a->vcpu->vm, CR2);
}

/* A guest whose memory is held, and where it can be told; nothing enabled. */
static struct apf made(bool user)
{
	struct apf a;
	struct kvm_regs regs;

	a.p = abi_map(SIZE);
	a.uffd = abi_hold(a.p, SIZE);
	if (a.uffd < 0)
		abi_die("no userfaultfd: %s", strerror(errno));
	a.vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, user ? &to_user : &looks);
	if (abi_slot(a.vcpu->vm, 1, 0, HIGH, SIZE, a.p))
		abi_die("slot");
	abi_load(a.vcpu->vm, 0x2000, &absent);
	abi_load(a.vcpu->vm, 0x2200, &ready);
	abi_load(a.vcpu->vm, 0x2400, &looks);
	abi_gate(a.vcpu, 14, 0x2000);
	abi_gate(a.vcpu, VECTOR, 0x2200);
	abi_lapic_enable(a.vcpu);
	regs = abi_regs(a.vcpu);
	regs.rflags |= 0x200;
	abi_set_regs(a.vcpu, &regs);
	if (abi_msr_set(a.vcpu->fd, MSR_INT, VECTOR) != 1)
		abi_die("vector refused");
	return a;
}

static void enable(struct apf *a, uint64_t bits)
{
	if (abi_msr_set(a->vcpu->fd, MSR_EN, bits ? SHARED | bits : 0) != 1)
		abi_die("%#lx refused", (long)bits);
}

/* Enabled, and what the guest is told then is behind it. */
static struct apf begun(struct __test_metadata *_metadata, bool user)
{
	struct apf a = made(user);

	enable(&a, ENABLED | BY_INT | (user ? 0 : ALWAYS));
	EXPECT_EQ(READY, next(&a));
	EXPECT_EQ(~0u, PEEK(TOKEN));
	EXPECT_TRUE(quiet(&a));
	return a;
}

static void one_page(struct __test_metadata *_metadata, bool user)
{
	struct apf a = begun(_metadata, user);
	uint32_t token = touch_absent(_metadata, &a, 3);

	EXPECT_TRUE(quiet(&a));		/* it goes on, also with memory */
	serve(&a, 5);
	touch(&a, 5);
	EXPECT_EQ(DATA, next(&a));
	EXPECT_EQ(CONTENT(5), data(&a));
	serve(&a, 3);
	EXPECT_EQ(READY, next(&a));
	EXPECT_EQ(token, PEEK(TOKEN));
	touch(&a, 3);
	EXPECT_EQ(DATA, next(&a));
	EXPECT_EQ(CONTENT(3), data(&a));
	EXPECT_TRUE(quiet(&a));
}

TEST(told_and_ready)
{
	one_page(_metadata, false);
}

TEST(told_and_ready_in_user_mode)
{
	one_page(_metadata, true);
}

/* Each has a token of its own; they come in whatever order, all of them. */
TEST(several_under_way)
{
	struct apf a = begun(_metadata, false);
	uint32_t token[8];
	bool seen[8] = { false };

	abi_poke(a.vcpu->vm, WRITE, 1);
	for (int i = 0; i < 8; i++)
		token[i] = touch_absent(_metadata, &a, i);
	for (int i = 7; i >= 0; i--)
		serve(&a, i);
	/* None twice, so all are different. */
	for (int i = 0; i < 8; i++) {
		int j = 0;

		ASSERT_EQ(READY, next(&a));
		while (j < 8 && token[j] != PEEK(TOKEN))
			j++;
		ASSERT_GT(8, j);
		EXPECT_FALSE(seen[j]);
		seen[j] = true;
	}
	for (int i = 0; i < 8; i++) {
		touch(&a, i);
		EXPECT_EQ(DATA, next(&a));
		EXPECT_EQ(CONTENT(i), data(&a));
		EXPECT_EQ(77, *(uint32_t *)(a.p + i * 4096 + 4));
	}
}

/* The next token comes when the last one is taken, and that is said. */
TEST(one_at_a_time)
{
	struct apf a = begun(_metadata, false);
	uint32_t first, sum;

	abi_poke(a.vcpu->vm, KEEP, 1);
	sum = touch_absent(_metadata, &a, 0);
	sum += touch_absent(_metadata, &a, 1);
	serve(&a, 0);
	serve(&a, 1);
	EXPECT_EQ(READY, next(&a));
	first = PEEK(TOKEN);
	EXPECT_EQ(first, PEEK(SHARED + 4));
	EXPECT_TRUE(quiet(&a));
	EXPECT_EQ(1, abi_msr_set(a.vcpu->fd, MSR_ACK, 1));	/* without taking it */
	EXPECT_TRUE(quiet(&a));
	abi_poke(a.vcpu->vm, SHARED + 4, 0);
	EXPECT_EQ(1, abi_msr_set(a.vcpu->fd, MSR_ACK, 1));
	EXPECT_EQ(READY, next(&a));
	EXPECT_EQ(sum, first + PEEK(TOKEN));
}

/* A thread that serves a page once it is asked for, late. */
static void *serve_late(void *arg)
{
	struct apf *a = arg;
	struct uffd_msg msg;

	if (read(a->uffd, &msg, sizeof(msg)) != sizeof(msg))
		abi_die("no message");
	usleep(20000);
	serve(a, (msg.arg.pagefault.address - (unsigned long)a->p) / 4096);
	return NULL;
}

/* The guest touches a page and has to wait until it is there. */
static void waits(struct __test_metadata *_metadata, struct apf *a, int page)
{
	pthread_t thread;

	pthread_create(&thread, NULL, serve_late, a);
	touch(a, page);
	EXPECT_EQ(DATA, next(a));
	EXPECT_EQ(CONTENT(page), data(a));
	pthread_join(thread, NULL);
	EXPECT_TRUE(quiet(a));
}

TEST(not_with_interrupts_off)
{
	struct apf a = begun(_metadata, false);
	struct kvm_regs regs;

	abi_pending(a.vcpu);
	regs = abi_regs(a.vcpu);
	regs.rflags &= ~0x200ull;
	abi_set_regs(a.vcpu, &regs);
	waits(_metadata, &a, 0);
}

TEST(not_in_the_kernel_unless_allowed)
{
	struct apf a = begun(_metadata, false);

	enable(&a, ENABLED | BY_INT);
	EXPECT_EQ(READY, next(&a));
	waits(_metadata, &a, 0);
}

TEST(not_by_half)
{
	struct apf a = made(false);

	enable(&a, ENABLED | ALWAYS);	/* by #PF, as once */
	waits(_metadata, &a, 0);
	enable(&a, ALWAYS | BY_INT);
	waits(_metadata, &a, 1);
}

/* KVM takes no heed of flags that the guest has not taken away. */
TEST(not_while_flags_stand)
{
	struct apf a = begun(_metadata, false);

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM tells over what was told before");
	abi_poke(a.vcpu->vm, SHARED, 1);
	waits(_metadata, &a, 0);
	abi_poke(a.vcpu->vm, SHARED, 0);
	touch_absent(_metadata, &a, 1);
}

/* Touched again before it is there: the guest waits, and is told once. */
TEST(same_page_twice)
{
	struct apf a = begun(_metadata, false);
	uint32_t token = touch_absent(_metadata, &a, 0);
	pthread_t thread;
	int first;

	pthread_create(&thread, NULL, serve_late, &a);
	touch(&a, 0);
	first = next(&a);
	EXPECT_EQ(DATA + READY, first + next(&a));
	EXPECT_EQ(token, PEEK(TOKEN));
	pthread_join(thread, NULL);
	EXPECT_TRUE(quiet(&a));
}

/* KVM waits for its workers there. */
TEST(disabled_under_way)
{
	struct apf a = begun(_metadata, false);

	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM does not come back");
	touch_absent(_metadata, &a, 0);
	touch_absent(_metadata, &a, 1);
	serve(&a, 0);
	enable(&a, 0);
	serve(&a, 1);
	EXPECT_TRUE(quiet(&a));
	enable(&a, ENABLED | ALWAYS | BY_INT);
	EXPECT_EQ(READY, next(&a));
	EXPECT_EQ(~0u, PEEK(TOKEN));
	EXPECT_TRUE(quiet(&a));
	touch_absent(_metadata, &a, 2);
}

/* As after a migration, with a token that had not been taken before. */
TEST(restored)
{
	struct apf a = made(false);

	abi_poke(a.vcpu->vm, SHARED + 4, 0x5000);
	enable(&a, ENABLED | ALWAYS | BY_INT);
	EXPECT_TRUE(quiet(&a));
	abi_poke(a.vcpu->vm, SHARED + 4, 0);
	EXPECT_EQ(1, abi_msr_set(a.vcpu->fd, MSR_ACK, 1));
	EXPECT_EQ(READY, next(&a));
	EXPECT_EQ(~0u, PEEK(TOKEN));
}

/* The guest goes on elsewhere. */
static void jump(struct apf *a, const struct abi_guest *guest)
{
	struct kvm_regs regs;

	abi_pending(a->vcpu);
	abi_load(a->vcpu->vm, 0x1800, guest);
	regs = abi_regs(a->vcpu);
	regs.rip = 0x1800;
	abi_set_regs(a->vcpu, &regs);
}

GUEST64(enables_apic, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"1: " G_SYNC "jmp 1b");

/* It waits until the guest can take the interrupt. */
TEST(apic_enabled_late)
{
	struct apf a = made(false);

	abi_lapic_set(a.vcpu, 0xf0, 0xff);
	enable(&a, ENABLED | ALWAYS | BY_INT);
	EXPECT_TRUE(quiet(&a));
	jump(&a, &enables_apic);
	EXPECT_EQ(READY, next(&a));
	EXPECT_EQ(~0u, PEEK(TOKEN));
}

GUEST64(halts, "1: sti; hlt; cli\n" G_SYNC "jmp 1b");

/* What is ready ends a HLT. */
TEST(wakes)
{
	struct apf a = begun(_metadata, false);
	uint32_t token = touch_absent(_metadata, &a, 0);
	pthread_t thread;

	jump(&a, &halts);
	pthread_create(&thread, NULL, serve_late, &a);
	EXPECT_EQ(READY, step(&a));
	EXPECT_EQ(token, PEEK(TOKEN));
	pthread_join(thread, NULL);
}

/* A child with faults under way, which tells where and then runs on. */
static void child(struct __test_metadata *_metadata, int to)
{
	struct apf a = begun(_metadata, false);

	for (int i = 0; i < 8; i++)
		touch_absent(_metadata, &a, i);
	if (write(to, &a, sizeof(a)) != sizeof(a))
		_exit(1);
	for (;;)
		step(&a);
}

/*
 * Killed at once, with faults under way that nobody serves: even where another
 * process keeps the userfaultfd, the memory is gone.
 */
TEST(killed_under_way)
{
	struct apf a;
	int fd[2], status, pidfd, err = 0;
	time_t end = time(NULL) + 60;
	pid_t pid;

	ASSERT_EQ(0, pipe(fd));
	pid = fork();
	if (!pid)
		child(_metadata, fd[1]);
	ASSERT_EQ(sizeof(a), read(fd[0], &a, sizeof(a)));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	a.uffd = syscall(SYS_pidfd_getfd, pidfd, a.uffd, 0);
	ASSERT_LE(0, a.uffd);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	if (!strcmp(abi_device(), "/dev/kvm"))
		SKIP(return, "KVM's workers keep the memory");
	while ((err = copy(&a, 20)) != ESRCH && time(NULL) < end)
		usleep(1000);
	EXPECT_EQ(ESRCH, err);
}

/* Closed with faults under way. */
TEST(closed_under_way)
{
	struct apf a = begun(_metadata, false);

	for (int i = 0; i < 8; i++)
		touch_absent(_metadata, &a, i);
	ASSERT_EQ(0, munmap(a.vcpu->run, a.vcpu->run_size));
	close(a.vcpu->fd);
	if (!strcmp(abi_device(), "/dev/kvm"))	/* it waits for its workers */
		close(a.uffd);
	close(a.vcpu->vm->fd);
}

TEST_HARNESS_MAIN
