// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit costs: a client of the KVM interface that runs the programs of
 * guest.S on a device and prints the least TSC ticks a round for each.
 *
 *	exits /dev/lodge [WHAT]
 *
 * With WHAT, only the programs whose name contains it, with many more batches:
 * for a profile.
 *
 * run.sh has it run in a host whose emulator counts instructions. The least
 * of many short batches is taken: the host's own timer falls into some.
 */
#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define MEM_SIZE	(64ULL << 20)
#define PAGE_TABLES	0x1000		/* PML4, PDPT, four page directories */
#define GUEST_GDT	0x8000
#define GUEST_IDT	0x9000
#define GUEST_STACK	0xc000
#define GUEST_CODE	0x10000
#define TOUCH_BASE	(32ULL << 20)

#define BATCHES		60
#define ROUNDS		100

#define PROGRAMS(X)				\
	X(nothing, "nothing")			\
	X(cpuid, "CPUID")			\
	X(hypercall, "hypercall")		\
	X(port_kernel, "port read, kernel")	\
	X(port_user, "port write, user")	\
	X(rdmsr, "RDMSR")			\
	X(wrmsr, "WRMSR")			\
	X(mmio_kernel, "MMIO read, kernel")	\
	X(mmio_user, "MMIO read, user")		\
	X(page_fault, "nested page fault")	\
	X(ipi, "IPI, delivery and EOI")		\
	X(hlt, "the same, from HLT")

static const struct {
	const char *name;
	const char *code;
} programs[] = {
#define X(sym, text) { text, guest_##sym },
	PROGRAMS(X)
#undef X
};

static char *mem;
static struct kvm_run *run;
static int vcpu;

static void ioctl_or_die(int fd, unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(fd, cmd, arg) < 0)
		err(1, "%s", what);
}

/* VMMCALL and VMCALL differ in their last byte. */
static void hypercall_choose(void)
{
	unsigned int a, b, c, d;

	__cpuid(0, a, b, c, d);
	if (b == signature_INTEL_ebx)
		mem[GUEST_CODE + (guest_hypercall_insn - guest_start) + 2] = 0xc1;
}

/* Identity map of 4 GiB in 2 MiB pages. */
static void page_tables_make(void)
{
	uint64_t *pml4 = (void *)(mem + PAGE_TABLES);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;
	unsigned int i;

	pml4[0] = (PAGE_TABLES + 0x1000) | 3;
	for (i = 0; i < 4; i++)
		pdpt[i] = (PAGE_TABLES + 0x2000 + i * 0x1000) | 3;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = (uint64_t)i << 21 | 0x83;
}

static void tables_make(void)
{
	uint64_t handler = GUEST_CODE + (guest_handler - guest_start);
	uint64_t *idt = (void *)(mem + GUEST_IDT);
	uint64_t *gdt = (void *)(mem + GUEST_GDT);

	page_tables_make();
	gdt[1] = 0x00af9b000000ffffULL;
	gdt[2] = 0x00cf93000000ffffULL;
	idt[0x40 * 2] = (handler & 0xffff) | 8ULL << 16 | 0x8eULL << 40 |
			(handler >> 16 & 0xffff) << 48;
	idt[0x40 * 2 + 1] = handler >> 32;
	memcpy(mem + GUEST_CODE, guest_start, guest_end - guest_start);
	hypercall_choose();
}

static void sregs_make(void)
{
	struct kvm_segment code = { .limit = ~0U, .selector = 8, .type = 11,
				    .present = 1, .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 16, .type = 3,
				    .present = 1, .s = 1, .db = 1, .g = 1 };
	struct kvm_sregs s;

	ioctl_or_die(vcpu, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
	s.cs = code;
	s.ds = s.es = s.ss = s.fs = s.gs = data;
	s.gdt.base = GUEST_GDT;
	s.gdt.limit = 23;
	s.idt.base = GUEST_IDT;
	s.idt.limit = 4095;
	s.cr0 = 0x80000011;
	s.cr3 = PAGE_TABLES;
	s.cr4 = 0x20;
	s.efer = 0x500;
	ioctl_or_die(vcpu, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
}

static void apic_enable(void)
{
	struct kvm_lapic_state s;

	ioctl_or_die(vcpu, KVM_GET_LAPIC, &s, "KVM_GET_LAPIC");
	*(uint32_t *)(s.regs + 0xf0) |= 0x1ff;	/* software enable */
	ioctl_or_die(vcpu, KVM_SET_LAPIC, &s, "KVM_SET_LAPIC");
}

static void machine_make(const char *device)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEM_SIZE };
	static struct { struct kvm_cpuid2 h; struct kvm_cpuid_entry2 e[256]; } id;
	int dev = open(device, O_RDWR), vm, size;

	if (dev < 0)
		err(1, "%s", device);
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (vm < 0)
		err(1, "KVM_CREATE_VM");
	ioctl_or_die(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	madvise(mem, MEM_SIZE, MADV_NOHUGEPAGE);
	region.userspace_addr = (uintptr_t)mem;
	ioctl_or_die(vm, KVM_SET_USER_MEMORY_REGION, &region, "memory");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		err(1, "KVM_CREATE_VCPU");
	id.h.nent = 256;
	ioctl_or_die(dev, KVM_GET_SUPPORTED_CPUID, &id, "CPUID");
	ioctl_or_die(vcpu, KVM_SET_CPUID2, &id, "KVM_SET_CPUID2");
	size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of the vCPU");
	tables_make();
	sregs_make();
	apic_enable();
}

/* One batch; the ticks it took. */
static uint64_t batch(const char *code)
{
	struct kvm_regs r = {
		.rip = GUEST_CODE + (code - guest_start), .rsp = GUEST_STACK,
		.rflags = 2, .rdi = ROUNDS, .rsi = TOUCH_BASE,
	};

	madvise(mem + TOUCH_BASE, ROUNDS << 12, MADV_DONTNEED);
	ioctl_or_die(vcpu, KVM_SET_REGS, &r, "KVM_SET_REGS");
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			err(1, "KVM_RUN");
		if (run->exit_reason == KVM_EXIT_MMIO)
			continue;
		if (run->exit_reason != KVM_EXIT_IO)
			errx(1, "exit %u at 0x%llx", run->exit_reason, r.rip);
		if (run->io.port == 0xf0)
			break;
	}
	ioctl_or_die(vcpu, KVM_GET_REGS, &r, "KVM_GET_REGS");
	return r.r9 - r.r8;
}

static double measure(const char *code, int batches)
{
	uint64_t least = ~0ULL, t;
	int i;

	for (i = 0; i < batches; i++) {
		t = batch(code);
		if (t < least)
			least = t;
	}
	return (double)least / ROUNDS;
}

int main(int argc, char **argv)
{
	double loop = 0, t;
	unsigned int i;

	if (argc != 2 && argc != 3)
		errx(2, "usage: %s DEVICE [WHAT]", argv[0]);
	machine_make(argv[1]);
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (i && argc == 3 && !strstr(programs[i].name, argv[2]))
			continue;
		t = measure(programs[i].code,
			    i && argc == 3 ? 50 * BATCHES : BATCHES);
		if (!i)
			loop = t;
		else
			printf("%s\t%.1f\n", programs[i].name, t - loop);
		fflush(stdout);
	}
	return 0;
}
