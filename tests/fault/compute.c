// SPDX-License-Identifier: GPL-2.0
/*
 * vCPUs that calculate in real mode for some seconds, each in a thread of its
 * own; every result is checked against the same sum done here. inside.sh runs
 * it while it troubles the host.
 *
 *	compute DEVICE SECONDS VCPUS
 *	compute DEVICE term VCPUS	each one sum, which goes on until SIGTERM
 *
 * Status 0: all results were right, and there were some.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#define MEM_SIZE	0x10000
#define CODE		0x1000
#define CODE_TERM	0x2000
#define FLAG		0x3000
#define TURNS		100000u
#define VCPUS_MAX	64

static int vm, run_size, seconds;
static bool until_term;
static volatile char *guest;
static atomic_long rounds, wrong;

/* From EBX: TURNS times EAX = rol(EAX + ECX, 3) ^ EBX; then a port, to exit. */
static const unsigned char code[] = {
	0x66, 0xb9, TURNS & 0xff, TURNS >> 8 & 0xff, TURNS >> 16, 0x00,
	0x66, 0x31, 0xc0,
	0x66, 0x01, 0xc8,
	0x66, 0xc1, 0xc0, 0x03,
	0x66, 0x31, 0xd8,
	0x66, 0x49,
	0x75, 0xf2,
	0xe6, 0x10,
};

/* EAX ^= ++ECX until the flag is set; then a port, to exit. */
static const unsigned char code_term[] = {
	0x66, 0x31, 0xc0,
	0x66, 0x31, 0xc9,
	0x66, 0x41,
	0x66, 0x31, 0xc8,
	0x80, 0x3e, FLAG & 0xff, FLAG >> 8, 0x00,
	0x74, 0xf4,
	0xe6, 0x10,
};

/* 1 ^ 2 ^ ... ^ @turns */
static unsigned int model_term(unsigned int turns)
{
	const unsigned int all[] = { turns, 1, turns + 1, 0 };

	return all[turns % 4];
}

static unsigned int model(unsigned int seed)
{
	unsigned int a = 0;

	for (unsigned int c = TURNS; c; c--) {
		a += c;
		a = (a << 3 | a >> 29) ^ seed;
	}
	return a;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void on_term(int sig)
{
	(void)sig;
	guest[FLAG] = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void one_round(int fd, struct kvm_run *run, unsigned int seed)
{
	struct kvm_regs regs = {
		.rip = until_term ? CODE_TERM : CODE, .rflags = 2, .rbx = seed,
	};
	unsigned int sum;
	int ret;

	if (ioctl(fd, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
	do {
		ret = ioctl(fd, KVM_RUN, 0);
	} while (ret && errno == EINTR);
	if (ret)
		die("KVM_RUN");
	if (ioctl(fd, KVM_GET_REGS, &regs))
		die("KVM_GET_REGS");
	sum = until_term ? model_term(regs.rcx) : model(seed);
	if (run->exit_reason != KVM_EXIT_IO || (unsigned int)regs.rax != sum) {
		fprintf(stderr, "exit %u rip %llx eax %x, not %x\n",
			run->exit_reason, regs.rip, (unsigned int)regs.rax, sum);
		wrong++;
	}
	rounds++;
}

static void *vcpu_thread(void *arg)
{
	unsigned int id = (long)arg, seed = id;
	double end = now() + seconds;
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int fd;

	fd = ioctl(vm, KVM_CREATE_VCPU, id);
	if (fd < 0)
		die("KVM_CREATE_VCPU");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED)
		die("mmap");
	if (ioctl(fd, KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(fd, KVM_SET_SREGS, &sregs))
		die("KVM_SET_SREGS");
	do {
		one_round(fd, run, seed);
		seed = seed * 1664525 + 1013904223;
	} while (now() < end);
	return NULL;
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region slot = { .memory_size = MEM_SIZE };
	pthread_t thread[VCPUS_MAX];
	long i, vcpus;
	void *mem;
	int dev;

	if (argc != 4)
		return 2;
	vcpus = atoi(argv[3]);
	if (vcpus < 1 || vcpus > VCPUS_MAX)
		return 2;
	until_term = !strcmp(argv[2], "term");
	seconds = atoi(argv[2]);
	dev = open(argv[1], O_RDWR);
	if (dev < 0)
		die(argv[1]);
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
	run_size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		die("mmap");
	memcpy((char *)mem + CODE, code, sizeof(code));
	memcpy((char *)mem + CODE_TERM, code_term, sizeof(code_term));
	guest = mem;
	if (until_term)
		signal(SIGTERM, on_term);
	slot.userspace_addr = (unsigned long)mem;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		die("KVM_SET_USER_MEMORY_REGION");
	for (i = 0; i < vcpus; i++)
		if (pthread_create(&thread[i], NULL, vcpu_thread, (void *)i))
			die("pthread_create");
	for (i = 0; i < vcpus; i++)
		pthread_join(thread[i], NULL);
	fprintf(stderr, "%s: %ld results, %ld wrong\n", argv[1], rounds, wrong);
	return wrong || !rounds;
}
