// SPDX-License-Identifier: GPL-2.0
/* KVM_RUN and signals, immediate_exit, KVM_SET_SIGNAL_MASK. */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "test.h"

GUEST16(spin, "jmp .");
/* It says that it is there, in 11 bytes. */
GUEST64(says_and_spins, "movl $1, 0x80000; 1: jmp 1b");
GUEST16(out_done, "out %al, $0x77\n" G_DONE);

static volatile int handled;

static void on_signal(int signal)
{
	handled++;
}

static void alarm_ms(int ms)
{
	struct itimerval timer = { .it_value.tv_usec = ms * 1000 };

	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &timer, NULL);
}

TEST(signal_ends_run)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &spin);

	alarm_ms(100);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	EXPECT_EQ(1, handled);
	EXPECT_EQ(ABI_CODE, abi_regs(vcpu).rip);
}

TEST(pending_signal_ends_run_at_once)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &spin);
	struct kvm_signal_mask *mask = abi_map(4096);
	sigset_t set;

	/* Blocked in the thread, let through by the mask of KVM_RUN. */
	signal(SIGUSR1, on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	mask->len = 8;
	abi_ok(vcpu->fd, KVM_SET_SIGNAL_MASK, mask);
	raise(SIGUSR1);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
	/* Still pending: the mask is the thread's own again. */
	EXPECT_EQ(0, handled);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	EXPECT_EQ(1, handled);
}

TEST(signal_mask_blocks)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &out_done);
	struct kvm_signal_mask *mask = abi_map(4096);
	uint64_t all = ~0ull;
	sigset_t before, after;

	mask->len = 8;
	memcpy(mask->sigset, &all, 8);
	abi_ok(vcpu->fd, KVM_SET_SIGNAL_MASK, mask);
	sigprocmask(SIG_BLOCK, NULL, &before);
	ASSERT_EQ(0, abi_run(vcpu));
	EXPECT_EQ(KVM_EXIT_IO, vcpu->run->exit_reason);
	sigprocmask(SIG_BLOCK, NULL, &after);
	EXPECT_EQ(0, memcmp(&before, &after, 8));
}

TEST(signal_mask_off)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &spin);
	struct kvm_signal_mask *mask = abi_map(4096);
	uint64_t all = ~0ull;

	mask->len = 8;
	memcpy(mask->sigset, &all, 8);
	abi_ok(vcpu->fd, KVM_SET_SIGNAL_MASK, mask);
	abi_ok(vcpu->fd, KVM_SET_SIGNAL_MASK, 0);
	alarm_ms(100);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(1, handled);
}

TEST(signal_mask_errors)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &spin);
	struct kvm_signal_mask *mask = abi_map(4096);
	static const uint32_t wrong[] = { 0, 4, 7, 9, 16, 128, ~0u };

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		mask->len = wrong[i];
		EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_SIGNAL_MASK, mask);
	}
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_SIGNAL_MASK, 16);
}

TEST(immediate_exit)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &spin);

	vcpu->run->immediate_exit = 1;
	vcpu->run->exit_reason = 77;
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(77, vcpu->run->exit_reason);
	/* It is the VMM's to clear. */
	EXPECT_EQ(1, vcpu->run->immediate_exit);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(ABI_CODE, abi_regs(vcpu).rip);
}

TEST(immediate_exit_keeps_a_finished_exit)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &out_done);

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	ASSERT_EQ(0x77, vcpu->run->io.port);
	abi_pending(vcpu);
	EXPECT_EQ(ABI_CODE + 2, abi_regs(vcpu).rip);
	abi_done(vcpu);
}

static void *set_immediate_exit(void *arg)
{
	struct abi_vcpu *vcpu = arg;

	usleep(50000);
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Set by another thread, then a signal: the way VMMs kick without a race. */
TEST(immediate_exit_with_signal)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &spin);
	pthread_t thread;
	int ret;

	pthread_create(&thread, NULL, set_immediate_exit, vcpu);
	alarm_ms(150);
	ret = abi_run(vcpu);
	EXPECT_EQ(-EINTR, ret);
	pthread_join(thread, NULL);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	vcpu->run->immediate_exit = 0;
	alarm_ms(50);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
	EXPECT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
}

struct storm {
	pid_t tid;
	volatile bool stop;
	volatile int sent;
};

static void *send_signals(void *arg)
{
	struct storm *storm = arg;

	while (!storm->stop) {
		syscall(SYS_tgkill, getpid(), storm->tid, SIGUSR1);
		storm->sent++;
		usleep(500);
	}
	return NULL;
}

/* Under a storm of signals the guest still gets on. */
GUEST32(count, "mov $2000, %ecx; 1: cpuid; mov %edi, %eax; inc %edi\n"
	"mov $3000, %ecx; sub %edi, %ecx; jnz 1b\n" G_DONE);

TEST(signal_storm)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_PROT, &count);
	struct storm storm = { .tid = syscall(SYS_gettid) };
	pthread_t thread;
	int interrupted = 0, ret;

	signal(SIGUSR1, on_signal);
	pthread_create(&thread, NULL, send_signals, &storm);
	while ((ret = abi_run(vcpu)) == -EINTR) {
		ASSERT_EQ(KVM_EXIT_INTR, vcpu->run->exit_reason);
		interrupted++;
	}
	storm.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(KVM_EXIT_IO, vcpu->run->exit_reason);
	EXPECT_EQ(3000, abi_regs(vcpu).rdi);
	TH_LOG("%d signals sent, %d seen by KVM_RUN", storm.sent, interrupted);
}

TEST(two_threads_one_vcpu_take_turns)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &says_and_spins);
	struct abi_thread *thread = abi_thread_start(vcpu);
	struct kvm_regs regs;

	/* An ioctl on a running vCPU waits until KVM_RUN returns. */
	(void)thread;
	signal(SIGUSR1, on_signal);
	abi_wait_for(vcpu->vm, ABI_DATA, 1);
	vcpu->run->immediate_exit = 1;
	syscall(SYS_tgkill, getpid(), abi_thread_tid(thread), SIGUSR1);
	abi_ok(vcpu->fd, KVM_GET_REGS, &regs);
	EXPECT_EQ(ABI_CODE + 11, regs.rip);
}

TEST_HARNESS_MAIN
