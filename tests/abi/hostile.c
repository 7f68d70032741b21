// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile values: bad pointers for every ioctl, random structures, random
 * state run as a guest, misuse from several threads. Nothing here may harm the
 * host; that it did not is seen in its log, which the runner checks.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "test.h"

GUEST64(done, G_DONE);

struct call {
	unsigned long cmd;
	const char *name;
};

#define CALL(name) { name, #name }

/* That take a structure, or give one. */
static const struct call vm_calls[] = {
	CALL(KVM_SET_USER_MEMORY_REGION), CALL(KVM_SET_IDENTITY_MAP_ADDR),
	CALL(KVM_CREATE_PIT2), CALL(KVM_GET_PIT2), CALL(KVM_SET_PIT2),
	CALL(KVM_GET_IRQCHIP), CALL(KVM_SET_IRQCHIP), CALL(KVM_IRQ_LINE),
	CALL(KVM_IRQ_LINE_STATUS), CALL(KVM_SET_GSI_ROUTING),
	CALL(KVM_SIGNAL_MSI), CALL(KVM_IRQFD), CALL(KVM_IOEVENTFD),
	CALL(KVM_REGISTER_COALESCED_MMIO), CALL(KVM_UNREGISTER_COALESCED_MMIO),
	CALL(KVM_GET_CLOCK), CALL(KVM_SET_CLOCK), CALL(KVM_GET_DIRTY_LOG),
	CALL(KVM_ENABLE_CAP), CALL(KVM_CLEAR_DIRTY_LOG), CALL(KVM_CREATE_DEVICE),
};

static const struct call vcpu_calls[] = {
	CALL(KVM_GET_REGS), CALL(KVM_SET_REGS), CALL(KVM_GET_SREGS),
	CALL(KVM_SET_SREGS), CALL(KVM_GET_FPU), CALL(KVM_SET_FPU),
	CALL(KVM_GET_XSAVE), CALL(KVM_SET_XSAVE), CALL(KVM_GET_XCRS),
	CALL(KVM_SET_XCRS), CALL(KVM_GET_DEBUGREGS), CALL(KVM_SET_DEBUGREGS),
	CALL(KVM_GET_MSRS), CALL(KVM_SET_MSRS), CALL(KVM_SET_CPUID2),
	CALL(KVM_GET_CPUID2), CALL(KVM_GET_LAPIC), CALL(KVM_SET_LAPIC),
	CALL(KVM_GET_MP_STATE), CALL(KVM_SET_MP_STATE),
	CALL(KVM_GET_VCPU_EVENTS), CALL(KVM_SET_VCPU_EVENTS),
	CALL(KVM_SET_SIGNAL_MASK),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void bad_pointers(struct __test_metadata *_metadata, int fd,
			 const struct call *calls, unsigned int n)
{
	char *page = abi_map(8192);
	unsigned long pointers[] = {
		8, 0xffff888000000000, 0xffffffffffffff00, 1ul << 55,
		(unsigned long)page + 4094,	/* the end of the mapping */
	};

	munmap(page + 4096, 4096);
	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int j = 0; j < COUNT(pointers); j++) {
			EXPECT_EQ(-EFAULT, abi_ioctl(fd, calls[i].cmd,
						     pointers[j]))
				TH_LOG("%s of %#lx", calls[i].name,
				       pointers[j]);
		}
	}
}

TEST(bad_pointers_vm)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP | ABI_PIT);

	/* Without the PIT: its creation looks at the pointer first. */
	bad_pointers(_metadata, vm->fd, vm_calls, COUNT(vm_calls));
}

TEST(bad_pointers_vcpu)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &done);

	bad_pointers(_metadata, vcpu->fd, vcpu_calls, COUNT(vcpu_calls));
}

static void randomize(uint8_t *buffer, size_t size)
{
	/* Mostly small numbers and single bits, that get past some checks. */
	for (size_t i = 0; i < size; i++) {
		switch (rand() % 8) {
		case 0:
			buffer[i] = rand();
			break;
		case 1:
			buffer[i] = 1 << (rand() % 8);
			break;
		case 2:
			buffer[i] = 0xff;
			break;
		default:
			buffer[i] = 0;
		}
	}
}

static void on_alarm(int signal)
{
}

/* Ends a KVM_RUN that would last. */
static void alarm_in(int us)
{
	struct itimerval timer = {
		.it_value.tv_usec = us, .it_interval.tv_usec = 20000,
	};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* What was mapped or said before is as good as any: it only must end. */
static void run_some(struct abi_vcpu *vcpu)
{
	for (int i = 0; i < 8; i++) {
		int ret = abi_run(vcpu);

		if (ret == -EINTR || (ret && ret != -EAGAIN))
			return;
		if (vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN ||
		    vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY ||
		    vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
			return;
	}
}

FIXTURE(random) { int unused; };
FIXTURE_VARIANT(random) { unsigned int flags; int seed; };
FIXTURE_VARIANT_ADD(random, plain) { ABI_LONG, 1 };
FIXTURE_VARIANT_ADD(random, irqchip) { ABI_LONG | ABI_IRQCHIP | ABI_PIT, 2 };
FIXTURE_VARIANT_ADD(random, real) { ABI_REAL | ABI_IRQCHIP, 3 };
FIXTURE_SETUP(random) { srand(variant->seed); }
FIXTURE_TEARDOWN(random) { }

/* Each structure on its own, the guest run after it. */
TEST_F(random, structures)
{
	uint8_t *buffer = abi_map(65536);

	alarm_in(20000);
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < COUNT(vcpu_calls); i++) {
			struct abi_vcpu *vcpu = abi_boot(variant->flags, &done);

			randomize(buffer, 8192);
			abi_ioctlp(vcpu->fd, vcpu_calls[i].cmd, buffer);
			run_some(vcpu);
			close(vcpu->fd);
			close(vcpu->vm->fd);
			munmap(vcpu->run, vcpu->run_size);
		}
		for (unsigned int i = 0; i < COUNT(vm_calls); i++) {
			struct abi_vcpu *vcpu = abi_boot(variant->flags, &done);

			randomize(buffer, 8192);
			abi_ioctlp(vcpu->vm->fd, vm_calls[i].cmd, buffer);
			run_some(vcpu);
			close(vcpu->fd);
			close(vcpu->vm->fd);
			munmap(vcpu->run, vcpu->run_size);
		}
	}
}

/* A good state with a few bits flipped: it gets further. */
TEST_F(random, flipped_bits)
{
	static const struct call pairs[][2] = {
		{ CALL(KVM_GET_SREGS), CALL(KVM_SET_SREGS) },
		{ CALL(KVM_GET_REGS), CALL(KVM_SET_REGS) },
		{ CALL(KVM_GET_VCPU_EVENTS), CALL(KVM_SET_VCPU_EVENTS) },
		{ CALL(KVM_GET_XSAVE), CALL(KVM_SET_XSAVE) },
		{ CALL(KVM_GET_LAPIC), CALL(KVM_SET_LAPIC) },
		{ CALL(KVM_GET_DEBUGREGS), CALL(KVM_SET_DEBUGREGS) },
	};
	uint8_t *buffer = abi_map(65536);

	alarm_in(20000);
	for (int round = 0; round < 40; round++) {
		const struct call *pair = pairs[round % COUNT(pairs)];
		struct abi_vcpu *vcpu = abi_boot(variant->flags, &done);
		int size = pair[0].cmd >> 16 & 0x3fff;

		if (!abi_ioctlp(vcpu->fd, pair[0].cmd, buffer)) {
			for (int i = 0; i < 3; i++)
				buffer[rand() % size] ^= 1 << (rand() % 8);
			abi_ioctlp(vcpu->fd, pair[1].cmd, buffer);
			run_some(vcpu);
		}
		close(vcpu->fd);
		close(vcpu->vm->fd);
		munmap(vcpu->run, vcpu->run_size);
	}
}

/* Random code, in the mode of the variant. */
TEST_F(random, code)
{
	alarm_in(20000);
	for (int round = 0; round < 60; round++) {
		struct abi_vcpu *vcpu = abi_boot(variant->flags, &done);

		for (int i = 0; i < 64; i++)
			vcpu->vm->mem[ABI_CODE + i] = rand() >> 5;
		run_some(vcpu);
		close(vcpu->fd);
		close(vcpu->vm->fd);
		munmap(vcpu->run, vcpu->run_size);
	}
}

/* The run page is the VMM's: nonsense there while an access is pending. */
GUEST64(reads, "mov 0xd0000, %eax; in $0x77, %eax; mov %eax, 0xd0000\n"
	"jmp . - 20");

TEST(run_page_spoilt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &reads);

	srand(7);
	alarm_in(20000);
	for (int i = 0; i < 200; i++) {
		abi_run(vcpu);
		randomize((uint8_t *)vcpu->run + 8, 280);
		vcpu->run->immediate_exit = 0;
	}
	/* It is its own affair: a fresh one works. */
	vcpu = abi_boot(ABI_LONG, &done);
	abi_done(vcpu);
}

struct hammer {
	struct abi_vcpu *vcpu;
	volatile bool stop;
	unsigned int seed;
};

static void *hammer_vm(void *arg)
{
	struct hammer *hammer = arg;
	uint8_t *buffer = abi_map(65536);

	while (!hammer->stop) {
		const struct call *call =
			&vm_calls[rand_r(&hammer->seed) % COUNT(vm_calls)];

		if (call->cmd == KVM_SET_USER_MEMORY_REGION)
			continue;
		memset(buffer, 0, 8192);
		for (int i = 0; i < 8; i++)
			buffer[rand_r(&hammer->seed) % 64] =
				rand_r(&hammer->seed);
		abi_ioctlp(hammer->vcpu->vm->fd, call->cmd, buffer);
	}
	return NULL;
}

static void *hammer_vcpu(void *arg)
{
	struct hammer *hammer = arg;
	uint8_t *buffer = abi_map(65536);

	while (!hammer->stop) {
		struct kvm_lapic_state *lapic = (void *)buffer;

		abi_ioctlp(hammer->vcpu->fd, KVM_GET_LAPIC, lapic);
		buffer[rand_r(&hammer->seed) % 1024] = rand_r(&hammer->seed);
		abi_ioctlp(hammer->vcpu->fd, KVM_SET_LAPIC, lapic);
		abi_ioctlp(hammer->vcpu->fd, KVM_GET_VCPU_EVENTS, buffer);
		abi_ioctl(hammer->vcpu->fd, KVM_NMI, 0);
		usleep(100);
	}
	return NULL;
}

/* Ioctls from other threads while the guest runs, for a while. */
GUEST64(busy, "1: sti; mov $1000, %ecx; 2: dec %ecx; jnz 2b; cpuid\n"
	G_SYNC "jmp 1b");

TEST(many_threads)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP | ABI_PIT,
					 &busy);
	struct hammer hammer = { .vcpu = vcpu, .seed = 99 };
	struct hammer other = { .vcpu = vcpu, .seed = 77 };
	pthread_t a, b;

	abi_lapic_enable(vcpu);
	alarm_in(20000);
	pthread_create(&a, NULL, hammer_vm, &hammer);
	pthread_create(&b, NULL, hammer_vcpu, &other);
	for (int i = 0; i < 300; i++) {
		int ret = abi_run(vcpu);

		if (ret == -EINTR)
			abi_vcpu_mode(vcpu, ABI_LONG);
	}
	hammer.stop = other.stop = true;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	vcpu = abi_boot(ABI_LONG, &done);
	abi_done(vcpu);
}

/* Descriptors closed, and the process gone, while the guest runs. */
TEST(closed_while_running)
{
	GUEST64(spin, "jmp .");

	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spin);

			close(vcpu->vm->fd);
			abi_thread_start(vcpu);
			close(vcpu->fd);
			usleep(5000);
			_exit(0);
		}
		usleep(20000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	abi_done(abi_boot(ABI_LONG, &done));
}

TEST_HARNESS_MAIN
