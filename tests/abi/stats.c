// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_STATS_FD of a VM and of a vCPU: the form of what is read, and that
 * what is counted happens.
 */
#include <sched.h>
#include <signal.h>
#include <sys/time.h>

#include "test.h"

#define MSR_POLL_CONTROL	0x4b564d05

struct stats {
	struct kvm_stats_header head;
	uint8_t *all;
	size_t size;
	int fd;
};

static struct stats stats_open(int of)
{
	struct stats s = { .fd = abi_ok(of, KVM_GET_STATS_FD, 0) };
	ssize_t n;

	n = pread(s.fd, &s.head, sizeof(s.head), 0);
	if (n != sizeof(s.head))
		abi_die("header: %zd", n);
	s.size = s.head.data_offset + s.head.num_desc * 8;
	s.all = calloc(1, 65536);
	n = pread(s.fd, s.all, 65536, 0);
	if (n < (ssize_t)s.size)
		abi_die("%zd bytes of at least %zu", n, s.size);
	s.size = n;
	return s;
}

static struct kvm_stats_desc *desc(struct stats *s, uint32_t i)
{
	size_t one = sizeof(struct kvm_stats_desc) + s->head.name_size;

	return (void *)(s->all + s->head.desc_offset + i * one);
}

/* A value as it is now; ~0: there is no such name. */
static uint64_t value(struct stats *s, const char *name)
{
	for (uint32_t i = 0; i < s->head.num_desc; i++) {
		struct kvm_stats_desc *d = desc(s, i);
		uint64_t v = 0;

		if (strcmp(d->name, name))
			continue;
		if (pread(s->fd, &v, 8, s->head.data_offset + d->offset) != 8)
			abi_die("%s can't be read", name);
		return v;
	}
	return ~0ull;
}

static const char *check_form(struct stats *s)
{
	const struct kvm_stats_header *h = &s->head;

	if (h->flags || !h->name_size || !h->num_desc)
		return "header";
	if (h->id_offset < sizeof(*h) || h->desc_offset < sizeof(*h) ||
	    h->data_offset < h->desc_offset + h->num_desc *
	    (sizeof(struct kvm_stats_desc) + h->name_size))
		return "offsets";
	if (strncmp((char *)s->all + h->id_offset, "kvm-", 4))
		return "id";
	for (uint32_t i = 0; i < h->num_desc; i++) {
		struct kvm_stats_desc *d = desc(s, i);

		if ((d->flags & KVM_STATS_TYPE_MASK) > KVM_STATS_TYPE_MAX ||
		    (d->flags & KVM_STATS_BASE_MASK) > KVM_STATS_BASE_MAX)
			return d->name;
		if (!d->size || d->offset % 8 ||
		    h->data_offset + d->offset + d->size * 8 > s->size)
			return d->name;
		if (!d->name[0] || strnlen(d->name, h->name_size) == h->name_size)
			return "name";
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(desc(s, j)->name, d->name))
				return d->name;
	}
	return NULL;
}

GUEST64(talk, "1: mov $5, %ecx; 2: out %al, $0x80; loop 2b\n"
	G_SYNC "jmp 1b\n");

FIXTURE(stats) { struct abi_vcpu *vcpu; struct stats vm, cpu; };

FIXTURE_SETUP(stats)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);

	if (abi_cap(vm->fd, KVM_CAP_BINARY_STATS_FD) <= 0)
		SKIP(return, "no statistics");
	self->vcpu = abi_vcpu_create(vm, 0);
	abi_load(vm, ABI_CODE, &talk);
	abi_vcpu_mode(self->vcpu, ABI_LONG);
	self->vm = stats_open(vm->fd);
	self->cpu = stats_open(self->vcpu->fd);
}

FIXTURE_TEARDOWN(stats) { }

TEST_F(stats, form)
{
	const char *bad = check_form(&self->vm);

	EXPECT_EQ(NULL, bad) TH_LOG("VM: %s", bad);
	bad = check_form(&self->cpu);
	EXPECT_EQ(NULL, bad) TH_LOG("vCPU: %s", bad);
	EXPECT_NE(NULL, strstr((char *)self->cpu.all + self->cpu.head.id_offset,
			       "/vcpu-0"));
}

TEST_F(stats, counts)
{
	uint64_t exits, io;

	while (abi_exit(self->vcpu) == KVM_EXIT_IO &&
	       self->vcpu->run->io.port == 0x80)
		;
	exits = value(&self->cpu, "exits");
	io = value(&self->cpu, "io_exits");
	EXPECT_LE(6, exits);
	EXPECT_LE(6, io);
	EXPECT_LE(io, exits);
	while (abi_exit(self->vcpu) == KVM_EXIT_IO &&
	       self->vcpu->run->io.port == 0x80)
		;
	EXPECT_EQ(io + 6, value(&self->cpu, "io_exits"));
	EXPECT_LE(exits + 6, value(&self->cpu, "exits"));
	EXPECT_NE(~0ull, value(&self->vm, "remote_tlb_flush"));
}

static void on_alarm(int sig)
{
}

GUEST64(halting, "sti; 1: hlt; jmp 1b\n");

TEST_F(stats, interrupts_and_signals)
{
	struct itimerval soon = { { 0, 50000 }, { 0, 50000 } }, off = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };

	abi_load(self->vcpu->vm, ABI_CODE, &halting);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	/* One may come before it halts. */
	do {
		EXPECT_EQ(-EINTR, abi_run(self->vcpu));
	} while (!value(&self->cpu, "halt_exits"));
	setitimer(ITIMER_REAL, &off, NULL);
	EXPECT_LE(1, value(&self->cpu, "signal_exits"));
	EXPECT_EQ(1, value(&self->cpu, "halt_exits"));
	EXPECT_EQ(0, value(&self->cpu, "irq_injections"));
	abi_lapic_enable(self->vcpu);
	abi_ok(self->vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
	EXPECT_EQ(0x41, abi_trapped(self->vcpu).vector);
	EXPECT_LE(1, value(&self->cpu, "irq_injections"));
}

#define MSR_STEAL	0x4b564d03
#define PREEMPTED	1
#define FLUSH_TLB	2

/*
 * Calculates, halts until an NMI, whose handler is two bytes into the guest, and
 * again, until it is told to end.
 */
GUEST64(naps, "jmp 1f; iretq\n1: mov $2000000, %ecx; 2: loop 2b; hlt\n"
	"cmpl $0, 0x80020; je 1b; movl $1, 0x80024\n" G_DONE);

/* The guest has some time, and now and then an NMI. */
static void give_time(struct abi_vm *vm)
{
	struct kvm_msi nmi = { .address_lo = 0xfee00000, .data = 4 << 8 };
	static int turns;

	if (++turns == 25000)
		abi_die("steal time's page says %#x",
			abi_peek(vm, ABI_DATA + 16));
	if (turns % 64 == 0)
		abi_ok(vm->fd, KVM_SIGNAL_MSI, &nmi);
	usleep(1000);
}

/* False: the vCPU is running. */
static bool ask_for_flush(uint8_t *word)
{
	uint8_t was = PREEMPTED;

	return __atomic_compare_exchange_n(word, &was, PREEMPTED | FLUSH_TLB,
					   false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/*
 * A vCPU that does not run, as it has halted or another thread has its CPU, is
 * told in the page of its steal time, instead of by an IPI, that its translations
 * have to go: they have gone when it runs again.
 */
TEST_F(stats, flush_while_preempted)
{
	struct abi_vcpu *vcpu = self->vcpu;
	uint8_t *word = (uint8_t *)vcpu->vm->mem + ABI_DATA + 16;
	struct abi_thread *thread;
	uint64_t flushes;
	cpu_set_t cpus;

	EXPECT_TRUE(abi_cpuid_find(abi_cpuid(vcpu->vm->dev), 0x40000001, 0)->eax &
		    1 << 9);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	abi_load(vcpu->vm, ABI_CODE, &naps);
	abi_gate(vcpu, 2, ABI_CODE + 2);
	abi_lapic_enable(vcpu);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_STEAL, ABI_DATA | 1));
	thread = abi_thread_start(vcpu);
	for (int i = 0; i < 3; i++) {
		do {
			give_time(vcpu->vm);
			flushes = value(&self->cpu, "tlb_flush");
		} while (!ask_for_flush(word));
		while (abi_peek(vcpu->vm, ABI_DATA + 16) & FLUSH_TLB)
			give_time(vcpu->vm);
		EXPECT_LT(flushes, value(&self->cpu, "tlb_flush"));
	}
	abi_poke(vcpu->vm, ABI_DATA + 32, 1);
	while (!abi_peek(vcpu->vm, ABI_DATA + 36))
		give_time(vcpu->vm);
	abi_thread_join(thread);
}

GUEST64(ticks, G_TICKS);

static int halt_poll(struct abi_vm *vm, uint64_t ns)
{
	return abi_enable(vm->fd, KVM_CAP_HALT_POLL, ns);
}

/* It polls where it may, until a poll is met; and never where it may not. */
TEST_F(stats, halt_poll)
{
	struct abi_vcpu *vcpu = self->vcpu;
	uint64_t polls;
	int i;

	NEED_CAP(vcpu->vm->dev, KVM_CAP_HALT_POLL);
	abi_load(vcpu->vm, ABI_CODE, &ticks);
	abi_gate(vcpu, G_TICKS_VECTOR, G_TICKS_HANDLER);
	EXPECT_EQ(-EINVAL, halt_poll(vcpu->vm, 1ull << 32));
	EXPECT_EQ(0, halt_poll(vcpu->vm, 0));
	for (i = 0; i < 5; i++)
		abi_sync(vcpu);
	EXPECT_EQ(0, value(&self->cpu, "halt_attempted_poll"));
	EXPECT_EQ(0, halt_poll(vcpu->vm, 1000000000));
	while (!value(&self->cpu, "halt_successful_poll"))
		abi_sync(vcpu);
	polls = value(&self->cpu, "halt_attempted_poll");
	EXPECT_LE(1, polls);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_POLL_CONTROL, 0));
	for (i = 0; i < 5; i++)
		abi_sync(vcpu);
	EXPECT_EQ(polls, value(&self->cpu, "halt_attempted_poll"));
}

/* A descriptor outlives those it came from, and reads like a file. */
TEST_F(stats, file)
{
	char id[8], *none = mmap(NULL, 4096, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	close(self->vcpu->vm->fd);
	close(self->vcpu->fd);
	munmap(self->vcpu->run, self->vcpu->run_size);
	EXPECT_LE(0, value(&self->vm, "remote_tlb_flush"));
	EXPECT_EQ(0, value(&self->cpu, "io_exits"));
	EXPECT_EQ(0, pread(self->cpu.fd, id, 8, 1 << 20));
	EXPECT_EQ(-1, write(self->cpu.fd, id, 8));
	EXPECT_EQ(24, read(self->cpu.fd, self->cpu.all, 24));
	EXPECT_EQ(0, memcmp(&self->cpu.head, self->cpu.all, 24));
	EXPECT_EQ(4, read(self->cpu.fd, id, 4));
	EXPECT_EQ(-1, pread(self->cpu.fd, none, 8, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->cpu.fd, F_GETFD));
}

/* 2 MiB apart, twice: each page has a table of its own, and keeps its word. */
GUEST64(spread, "mov $0x40000000, %edi; mov $128, %ecx\n"
	"1: mov %ecx, (%rdi); add $0x200000, %edi; loop 1b\n"
	"mov $0x40000000, %edi; mov $128, %ecx; xor %eax, %eax\n"
	"1: add (%rdi), %eax; add $0x200000, %edi; loop 1b\n"
	G_REPORT G_DONE);

TEST(limited_tables)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spread);
	const size_t size = 256 << 20;
	struct stats vm;
	void *memory;

	NEED_CAP(vcpu->vm->dev, KVM_CAP_MMU_SHADOW_CACHE_CONTROL);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		      MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	madvise(memory, size, MADV_NOHUGEPAGE);
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, 0, 0x40000000, size, memory));
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_SET_NR_MMU_PAGES, 63);
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_NR_MMU_PAGES, 64);
	EXPECT_EQ(128 * 129 / 2, abi_report(vcpu));
	vm = stats_open(vcpu->vm->fd);
	if (value(&vm, "tdp_tables") != ~0ull)
		EXPECT_GE(64, value(&vm, "tdp_tables"));
	abi_done(vcpu);
}

TEST_HARNESS_MAIN
