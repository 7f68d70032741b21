// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory is the process's: pages that a userfaultfd serves, and a VM
 * whose process has gone while others still hold its descriptors.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test.h"

#define HIGH	0x200000u
#define PAGES	16u
#define SIZE	(PAGES * 4096)

/* Adds up the first dwords of the pages. */
GUEST64(summer, "mov $0x200000, %edi; mov $16, %ecx; xor %eax, %eax\n"
	"1: add (%rdi), %eax; add $4096, %rdi; dec %ecx; jnz 1b\n" G_REPORT G_DONE);
GUEST64(spinner, G_SYNC "1: jmp 1b");

/* Page n holds n, written when it is asked for. */
static void *serve(void *arg)
{
	uint32_t page[1024] = {};
	int fd = *(int *)arg, served;
	struct uffd_msg msg;

	for (served = 0; served < (int)PAGES; served++) {
		struct uffdio_copy copy = { .src = (uintptr_t)page, .len = 4096 };

		if (read(fd, &msg, sizeof(msg)) != sizeof(msg) ||
		    msg.event != UFFD_EVENT_PAGEFAULT)
			abi_die("userfaultfd");
		usleep(1000);
		copy.dst = msg.arg.pagefault.address & ~4095ull;
		page[0] = copy.dst / 4096 % PAGES;
		abi_ok(fd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

TEST(userfaultfd)
{
	uintptr_t p = ((uintptr_t)abi_map(2 * SIZE) + SIZE - 1) & -(uintptr_t)SIZE;
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = p, .len = SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct abi_vcpu *vcpu;
	pthread_t thread;

	if (fd < 0)
		SKIP(return, "no userfaultfd");
	abi_ok(fd, UFFDIO_API, &api);
	abi_ok(fd, UFFDIO_REGISTER, &reg);
	pthread_create(&thread, NULL, serve, &fd);
	vcpu = abi_boot(ABI_LONG, &summer);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, HIGH, SIZE, (void *)p));
	EXPECT_EQ(PAGES * (PAGES - 1) / 2, abi_report(vcpu));
	pthread_join(thread, NULL);
}

/* The owner runs its vCPU for ever, and is killed. */
static void own(int to)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spinner);
	pid_t owner = getpid(), heir = fork();

	if (!heir) {
		int answer;

		while (getppid() == owner)
			usleep(1000);
		answer = abi_ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, 0) == -EIO &&
			 abi_ioctl(vcpu->fd, KVM_RUN, 0) == -EIO;
		if (write(to, &answer, sizeof(answer)) < 0)
			_exit(1);
		_exit(0);
	}
	abi_sync(vcpu);
	alarm(1);		/* no handler: it dies in KVM_RUN */
	abi_exit(vcpu);
}

TEST(owner_dies)
{
	int pipes[2], answer = -1;
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		own(pipes[1]);
		_exit(1);
	}
	close(pipes[1]);
	waitpid(pid, NULL, 0);
	ASSERT_EQ(sizeof(answer), read(pipes[0], &answer, sizeof(answer)));
	EXPECT_EQ(1, answer);
	/* The heir's end closes the last descriptors. */
	EXPECT_EQ(0, read(pipes[0], &answer, sizeof(answer)));
}

TEST_HARNESS_MAIN
