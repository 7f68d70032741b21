// SPDX-License-Identifier: GPL-2.0
/*
 * What is in a register stays whose it is: the host puts one mark into each of
 * its registers, each of two guests another, and all take turns on one CPU.
 * Everybody finds what he left, and nobody a mark of another's.
 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "test.h"

#define IN	ABI_DATA		/* what the guest loads */
#define OUT	(ABI_DATA + 0x1000)	/* what it finds: struct state, both */

#define NR_MSRS	9

/* A page of registers; the guest's code has the offsets. */
struct state {
	uint64_t gpr[16];		/* 0x000 */
	uint64_t dr[4], dr6, dr7, cr2;	/* 0x080 */
	uint64_t xcr0;			/* 0x0b8 */
	uint64_t pkru;			/* 0x0c0 */
	uint64_t has;			/* 0x0c8: HAS_* */
	uint64_t cr4;			/* 0x0d0: to be added */
	uint64_t nr_msrs;		/* 0x0d8 */
	uint8_t pad[0x20];
	uint64_t msr[16];		/* 0x100 */
	uint64_t index[16];		/* 0x180 */
	uint8_t fx[512];		/* 0x200 */
	uint8_t high[16][16];		/* 0x400: upper halves of YMM */
};

_Static_assert(offsetof(struct state, high) == 0x400, "as the guest has it");

#define HAS_XSAVE	1
#define HAS_AVX		2
#define HAS_PKU		4

#define CR4_OSXSAVE	(1 << 18)
#define CR4_PKE		(1 << 22)

static const uint32_t msrs[NR_MSRS] = {
	0xc0000081, 0xc0000082, 0xc0000083,	/* STAR, LSTAR, CSTAR */
	0xc0000084, 0xc0000102,			/* SFMASK, KERNEL_GS_BASE */
	0xc0000100, 0xc0000101,			/* FS and GS base */
	0x176,					/* SYSENTER_EIP */
	0xc0000103,				/* TSC_AUX: if there is one */
};

/* For each of x: all 16 general registers, or all 16 of AVX. */
#define GPRS(x)								\
	x(rax, 0) x(rbx, 1) x(rcx, 2) x(rdx, 3) x(rsi, 4) x(rdi, 5)	\
	x(rbp, 6) x(rsp, 7) x(r8, 8) x(r9, 9) x(r10, 10) x(r11, 11)	\
	x(r12, 12) x(r13, 13) x(r14, 14) x(r15, 15)
#define HIGHS(x)							\
	x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11)	\
	x(12) x(13) x(14) x(15)
#define STORE(reg, n)	"mov %" #reg ", 0x81000 + 8 * " #n "\n"
#define LOAD(reg, n)	"mov 0x80000 + 8 * " #n ", %" #reg "\n"
#define STORE_HIGH(n)	"vextractf128 $1, %ymm" #n ", 0x81400 + 16 * " #n "\n"
#define LOAD_HIGH(n)	"vinsertf128 $1, 0x80400 + 16 * " #n ", %ymm" #n ", %ymm" #n "\n"
#define STORE_DR(n)	"mov %dr" #n ", %rax; mov %rax, 0x81080 + 8 * " #n "\n"
#define LOAD_DR(n)	"mov 0x80080 + 8 * " #n ", %rax; mov %rax, %dr" #n "\n"

/* Stores all it has, then loads all anew: a turn of the test's after each. */
GUEST64(keeper, "1:\n" GPRS(STORE)
	STORE_DR(0) STORE_DR(1) STORE_DR(2) STORE_DR(3)
	"mov %dr6, %rax; mov %rax, 0x810a0; mov %dr7, %rax; mov %rax, 0x810a8\n"
	"mov %cr2, %rax; mov %rax, 0x810b0\n"
	"fxsave64 0x81200\n"
	"mov %cr4, %rax; mov %rax, 0x810d0; bt $18, %rax; jnc 2f\n"
	"xor %ecx, %ecx; xgetbv; mov %rax, 0x810b8; test $4, %al; jz 2f\n"
	HIGHS(STORE_HIGH)
	"2: mov %cr4, %rax; bt $22, %rax; jnc 3f\n"
	"xor %ecx, %ecx; rdpkru; mov %rax, 0x810c0\n"
	"3: xor %ebx, %ebx\n"
	"4: cmp 0x800d8, %rbx; je 5f\n"
	"mov 0x80180(, %rbx, 8), %ecx; rdmsr\n"
	"mov %eax, 0x81100(, %rbx, 8); mov %edx, 0x81104(, %rbx, 8)\n"
	"inc %ebx; jmp 4b\n"
	"5:" G_SYNC
	"xor %ebx, %ebx\n"
	"6: cmp 0x800d8, %rbx; je 7f\n"
	"mov 0x80180(, %rbx, 8), %ecx\n"
	"mov 0x80100(, %rbx, 8), %eax; mov 0x80104(, %rbx, 8), %edx; wrmsr\n"
	"inc %ebx; jmp 6b\n"
	"7:" LOAD_DR(0) LOAD_DR(1) LOAD_DR(2) LOAD_DR(3)
	"mov 0x800a0, %rax; mov %rax, %dr6; mov 0x800b0, %rax; mov %rax, %cr2\n"
	"mov %cr4, %rax; or 0x800d0, %rax; mov %rax, %cr4\n"
	"fxrstor64 0x80200\n"
	"testb $1, 0x800c8; jz 8f\n"
	"xor %ecx, %ecx; mov 0x800b8, %eax; xor %edx, %edx; xsetbv\n"
	"test $4, %al; jz 8f\n"
	HIGHS(LOAD_HIGH)
	"8: testb $4, 0x800c8; jz 9f\n"
	"xor %ecx, %ecx; xor %edx, %edx; mov 0x800c0, %eax; wrpkru\n"
	"9:" GPRS(LOAD) G_SYNC "jmp 1b");

/* The host's, around KVM_RUN: what it loads before and finds behind it. */
struct host {
	uint64_t in[16], out[16];	/* 0x000, 0x080 */
	uint8_t fx_in[512], fx_out[512], fx_old[512];	/* 0x100, 0x300, 0x500 */
	uint8_t high_in[16][16], high_out[16][16];	/* 0x700, 0x800 */
	uint64_t avx;			/* 0x900 */
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct host, avx) == 0x900, "as the code has it");

#define HOST_HIGH_IN(n)	"vinsertf128 $1, 0x700 + 16 * " #n "(%rsi), %ymm" #n ", %ymm" #n "\n"
#define HOST_HIGH_OUT(n) "vextractf128 $1, %ymm" #n ", 0x800 + 16 * " #n "(%rcx)\n"
/* RAX, RCX, R11 and RSP are the system call's; RDI, RSI, RDX its arguments. */
#define HOST_GPRS(x)							\
	x(rbx, 1) x(rbp, 6) x(r8, 8) x(r9, 9) x(r10, 10) x(r12, 12)	\
	x(r13, 13) x(r14, 14) x(r15, 15)
#define HOST_IN(reg, n)	"mov 8 * " #n "(%rsi), %" #reg "\n"
#define HOST_OUT(reg, n) "mov %" #reg ", 0x80 + 8 * " #n "(%rcx)\n"

/* KVM_RUN; what ioctl() would return, or a negative errno. */
static int __attribute__((naked, noipa)) host_run(int fd, struct host *h)
{
	asm volatile(
		"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
		"push %rsi\n"
		"fxsave64 0x500(%rsi); fxrstor64 0x100(%rsi)\n"
		"cmpq $0, 0x900(%rsi); je 1f\n" HIGHS(HOST_HIGH_IN)
		"1:" HOST_GPRS(HOST_IN)
		"mov $0xae80, %esi; xor %edx, %edx; mov $16, %eax; syscall\n"
		"mov (%rsp), %rcx\n" HOST_GPRS(HOST_OUT)
		HOST_OUT(rdi, 5) HOST_OUT(rsi, 4) HOST_OUT(rdx, 3)
		"fxsave64 0x300(%rcx)\n"
		"cmpq $0, 0x900(%rcx); je 2f\n" HIGHS(HOST_HIGH_OUT) "vzeroupper\n"
		"2: fxrstor64 0x500(%rcx)\n"
		"add $8, %rsp\n"
		"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");
}

#define note(fmt, ...)	fprintf(stderr, "# " fmt "\n", ##__VA_ARGS__)

/* A mark: an address that could be, with its owner and its place. */
#define MARK		0x5aull
#define HOST		0x11
#define OWNER(v)	((v) >> 40 == MARK ? (v) >> 32 & 0xff : 0)

static uint64_t mark(unsigned int owner, unsigned int place)
{
	return MARK << 40 | (uint64_t)owner << 32 | place << 8 | 0xc3;
}

static void mark_fx(uint8_t *fx, unsigned int owner)
{
	uint64_t m[2];
	int i;

	memset(fx, 0, 512);
	fx[0] = 0x7f;			/* all masked */
	fx[1] = owner & 0xc;		/* rounding */
	fx[4] = 0xff;			/* no register is empty */
	*(uint32_t *)(fx + 24) = 0x1f80 | (owner & 3) << 13 | (owner & 0x3f);
	for (i = 0; i < 24; i++) {	/* 8 of x87, 16 of SSE */
		m[0] = mark(owner, 0x100 + i);
		m[1] = i < 8 ? 0x4000 + owner : mark(owner, 0x200 + i);
		memcpy(fx + 32 + 16 * i, m, i < 8 ? 10 : 16);
	}
}

static void mark_high(uint8_t (*high)[16], unsigned int owner)
{
	for (int i = 0; i < 32; i++) {
		uint64_t m = mark(owner, 0x300 + i);

		memcpy(high[i / 2] + 8 * (i % 2), &m, sizeof(m));
	}
}

/* Without pointers of x87, which the CPU keeps for exceptions only. */
static bool fx_same(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 6) && !memcmp(a + 24, b + 24, 4) &&
	       !memcmp(a + 32, b + 32, 384);
}

struct guest {
	struct abi_vcpu *vcpu;
	struct state *in, *out;
	unsigned int owner;
};

static void guest_marks(struct guest *g)
{
	struct state *s = g->in;
	unsigned int i;

	for (i = 0; i < 16; i++)
		s->gpr[i] = mark(g->owner, i);
	for (i = 0; i < 4; i++)
		s->dr[i] = mark(g->owner, 0x20 + i);
	s->dr6 = 0xffff0ff0 | (g->owner & 0xf);
	s->dr7 = 0x400;
	s->cr2 = mark(g->owner, 0x30);
	s->xcr0 = s->has & HAS_AVX && g->owner & 1 ? 7 : 3;
	s->pkru = (g->owner * 0x01010100u) & ~3u;
	for (i = 0; i < s->nr_msrs; i++) {
		s->msr[i] = mark(g->owner, 0x40 + i);
		if (s->index[i] == 0xc0000084 || s->index[i] == 0xc0000103)
			s->msr[i] = (uint32_t)s->msr[i] | g->owner << 24;
	}
	mark_fx(s->fx, g->owner);
	mark_high(s->high, g->owner);
}

static bool has_tsc_aux(void)
{
	unsigned int a, b, c, d = 0;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & 1 << 27);
}

static bool guest_has(struct abi_vcpu *vcpu, uint32_t leaf, int reg, int bit)
{
	struct kvm_cpuid2 *cpuid = abi_cpuid(vcpu->vm->dev);
	struct kvm_cpuid_entry2 *e = abi_cpuid_find(cpuid, leaf, 0);
	uint32_t v = !e ? 0 : reg == 'b' ? e->ebx : reg == 'c' ? e->ecx : e->edx;

	free(cpuid);
	return v >> bit & 1;
}

static struct guest guest_new(unsigned int owner)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &keeper);
	struct guest g = {
		.vcpu = vcpu, .owner = owner,
		.in = (struct state *)(vcpu->vm->mem + IN),
		.out = (struct state *)(vcpu->vm->mem + OUT),
	};
	unsigned int i;

	g.in->nr_msrs = NR_MSRS - !has_tsc_aux();
	for (i = 0; i < g.in->nr_msrs; i++)
		g.in->index[i] = msrs[i];
	if (guest_has(vcpu, 1, 'c', 26)) {
		g.in->has |= HAS_XSAVE;
		g.in->cr4 |= CR4_OSXSAVE;
		if (guest_has(vcpu, 1, 'c', 28))
			g.in->has |= HAS_AVX;
	}
	if (guest_has(vcpu, 7, 'c', 3)) {
		g.in->has |= HAS_PKU;
		g.in->cr4 |= CR4_PKE;
	}
	guest_marks(&g);
	return g;
}

/* Nothing that the guest found has another's mark. */
static int guest_strangers(const struct guest *g)
{
	const uint64_t *word = (const uint64_t *)g->out;
	unsigned int i, owner, strangers = 0;

	for (i = 0; i < sizeof(*g->out) / 8; i++) {
		owner = OWNER(word[i]);
		if (!owner || owner == g->owner)
			continue;
		strangers++;
		note("guest %x: a mark of %x at %x: %llx", g->owner, owner,
		       i * 8, (unsigned long long)word[i]);
	}
	return strangers;
}

/* It has what it loaded; how much it has not is said by the offsets. */
static int guest_losses(const struct guest *g)
{
	const struct state *in = g->in, *out = g->out;
	const uint64_t *a = (const uint64_t *)in, *b = (const uint64_t *)out;
	int i, losses = 0;

	for (i = 0; i < (int)offsetof(struct state, xcr0) / 8; i++)
		if (a[i] != b[i]) {
			losses++;
			note("guest %x: at %x %llx, not %llx", g->owner, i * 8,
			       (unsigned long long)b[i], (unsigned long long)a[i]);
		}
	for (i = 0; i < (int)in->nr_msrs; i++)
		if (in->msr[i] != out->msr[i]) {
			losses++;
			note("guest %x: MSR %x %llx", g->owner,
			       (unsigned int)in->index[i],
			       (unsigned long long)out->msr[i]);
		}
	losses += in->has & HAS_XSAVE && in->xcr0 != out->xcr0;
	losses += in->has & HAS_PKU && in->pkru != out->pkru;
	losses += !fx_same(in->fx, out->fx);
	if (in->has & HAS_XSAVE && in->xcr0 & 4)
		losses += !!memcmp(in->high, out->high, sizeof(in->high));
	return losses;
}

static struct host host;

static uint64_t host_xcr0(void)
{
	uint32_t lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

static bool host_osxsave(void)
{
	unsigned int a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & 1 << 27);
}

/* DR0, which only the kernel can load: a breakpoint that is never met. */
static void host_breakpoint(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W, .bp_addr = mark(HOST, 0x20),
		.bp_len = HW_BREAKPOINT_LEN_1, .exclude_kernel = 1,
	};

	if (syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0)
		note("no breakpoint for the host: %d", errno);
}

static void host_start(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		abi_die("no CPU to stay on");
	for (unsigned int i = 0; i < 16; i++)
		host.in[i] = mark(HOST, i);
	mark_fx(host.fx_in, HOST);
	mark_high(host.high_in, HOST);
	host.avx = host_osxsave() && (host_xcr0() & 4);
	host_breakpoint();
	/* In the kernel it is KERNEL_GS_BASE that has it. */
	syscall(SYS_arch_prctl, ARCH_SET_GS, mark(HOST, 0x44));
}

/* A page fault of the host's, for CR2. */
static void host_fault(void)
{
	uint8_t *at = (uint8_t *)(mark(HOST, 0) & ~4095ull);

	if (mmap(at, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
		abi_die("no page at %p", at);
	*(volatile uint8_t *)(uintptr_t)mark(HOST, 0) = 1;
	munmap(at, 4096);
}

/* What of the host is not as it was. */
static int host_losses(int fd)
{
	unsigned int aux = 0, cpu = 0;
	uint64_t gs = 0;
	int i, losses = 0;

	host.in[3] = 0;			/* RDX, RSI, RDI: the arguments */
	host.in[4] = KVM_RUN;
	host.in[5] = fd;
	for (i = 0; i < 16; i++)
		if (i != 0 && i != 2 && i != 7 && i != 11 &&
		    host.in[i] != host.out[i]) {
			losses++;
			note("host: register %d is %llx", i,
			       (unsigned long long)host.out[i]);
		}
	losses += !fx_same(host.fx_in, host.fx_out);
	if (host.avx)
		losses += !!memcmp(host.high_in, host.high_out,
				   sizeof(host.high_in));
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
	losses += gs != mark(HOST, 0x44);
	if (has_tsc_aux()) {
		__builtin_ia32_rdtscp(&aux);
		getcpu(&cpu, NULL);
		losses += (aux & 0xfff) != cpu;
	}
	return losses;
}

/* To the guest's next turn; what went wrong with the host's registers. */
static int guest_turn(struct guest *g)
{
	struct kvm_run *run = g->vcpu->run;
	int r, losses = 0;

	do {
		host_fault();
		r = host_run(g->vcpu->fd, &host);
		losses += host_losses(g->vcpu->fd);
	} while (r == -EINTR);
	if (r || run->exit_reason != KVM_EXIT_IO || run->io.port != ABI_SYNC) {
		abi_describe(g->vcpu);
		abi_die("guest %x: %d", g->owner, r);
	}
	return losses;
}

#define ROUNDS	8

static void take_turns(struct __test_metadata *_metadata, struct guest *g,
		       int nr)
{
	uint64_t xcr0 = host_osxsave() ? host_xcr0() : 0;
	int round, i;

	for (i = 0; i < nr; i++) {
		EXPECT_EQ(0, guest_turn(&g[i]));
		EXPECT_EQ(0, guest_strangers(&g[i]));
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < nr; i++)
			EXPECT_EQ(0, guest_turn(&g[i]));	/* loads */
		for (i = 0; i < nr; i++) {
			memset(g[i].out, 0, sizeof(*g[i].out));
			EXPECT_EQ(0, guest_turn(&g[i]));	/* stores */
			EXPECT_EQ(0, guest_losses(&g[i]));
			EXPECT_EQ(0, guest_strangers(&g[i]));
		}
		EXPECT_EQ(xcr0, host_osxsave() ? host_xcr0() : 0);
	}
}

/* The host's registers and those of a guest; its first ones are none's. */
TEST(host_and_guest)
{
	struct guest g[1];

	host_start();
	g[0] = guest_new(0x25);
	take_turns(_metadata, g, 1);
}

/* Two guests in two VMs. */
TEST(two_guests)
{
	struct guest g[2];

	host_start();
	g[0] = guest_new(0x25);
	g[1] = guest_new(0x3a);
	take_turns(_metadata, g, 2);
}

/* Two vCPUs that come after one another where the first one's memory was. */
TEST(one_after_another)
{
	struct guest g;
	int i;

	host_start();
	for (i = 0; i < 4; i++) {
		g = guest_new(0x21 + i);
		EXPECT_EQ(0, guest_turn(&g));
		EXPECT_EQ(0, guest_strangers(&g));
		EXPECT_EQ(0, g.out->gpr[8] | g.out->dr[0] | g.out->cr2 |
			     g.out->msr[0] | g.out->msr[4]);
		EXPECT_EQ(0, guest_turn(&g));
		munmap(g.vcpu->run, g.vcpu->run_size);
		close(g.vcpu->fd);
		close(g.vcpu->vm->fd);
	}
}

/* The host's SPEC_CTRL is no guest's that CPUID does not give it. */
GUEST64(spec_ctrl, "mov $0x48, %ecx; rdmsr\n" G_REPORT G_DONE);

TEST(spec_ctrl_unseen)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &spec_ctrl);

	if (guest_has(vcpu, 7, 'd', 26) || guest_has(vcpu, 7, 'd', 27) ||
	    guest_has(vcpu, 7, 'd', 31) ||
	    guest_has(vcpu, 0x80000008, 'b', 14) ||
	    guest_has(vcpu, 0x80000008, 'b', 15) ||
	    guest_has(vcpu, 0x80000008, 'b', 24))
		SKIP(return, "guests have SPEC_CTRL");
	EXPECT_EQ(13, abi_trapped(vcpu).vector);
}

TEST_HARNESS_MAIN
