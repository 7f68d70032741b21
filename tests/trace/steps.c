// SPDX-License-Identifier: GPL-2.0
/*
 * Small guests that do the same on every vendor's CPU, run one after the other
 * on /dev/lodge with its tracepoints on. Each one's name goes into the trace
 * before it, so that compare.awk can set the exits of two hosts side by side.
 * Started by inside.sh; the guests' memory and modes are those of tests/abi.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"

#define STEPS(X)							\
	X(cpuid, LONG, "xor %eax, %eax; cpuid; mov $1, %eax; cpuid")	\
	X(msr, LONG, "mov $0x1b, %ecx; rdmsr; mov $0x277, %ecx; rdmsr\n" \
	  "wrmsr; mov $0xc0000100, %ecx; rdmsr; wrmsr; mov $0xc0000080, %ecx\n" \
	  "rdmsr; wrmsr")						\
	X(msr_syscall, LONG, "mov $0xc0000082, %ecx; rdmsr; wrmsr")	\
	X(msr_unknown, LONG, "mov $0x12345, %ecx; rdmsr")		\
	X(port, LONG, "in $0x80, %al; out %eax, $0x80; mov $0x345, %dx\n" \
	  "in %dx, %ax; mov $0x3000, %esi; mov $3, %ecx; rep outsb")	\
	X(mmio, LONG, "mov $0xd0000000, %ebx; mov (%rbx), %eax\n"	\
	  "mov %ax, 8(%rbx); incl (%rbx)")				\
	X(vmcall, LONG, "mov $-1, %rax; vmcall")			\
	X(vmmcall, LONG, "mov $-1, %rax; vmmcall")			\
	X(cr0, LONG, "mov %cr0, %rax; xor $0x40000000, %rax; mov %rax, %cr0") \
	X(cr0_ts, LONG, "mov %cr0, %rax; mov %rax, %cr0; clts; btc $3, %rax\n" \
	  "mov %rax, %cr0; clts; smsw %ax; lmsw %ax")			\
	X(cr3, LONG, "mov %cr3, %rax; mov %rax, %cr3")			\
	X(cr4, LONG, "mov %cr4, %rax; btc $7, %rax; mov %rax, %cr4\n"	\
	  "btc $2, %rax; mov %rax, %cr4")				\
	X(cr8, LONG_IRQ, "mov %cr8, %rax; mov $5, %eax; mov %rax, %cr8\n" \
	  "xor %eax, %eax; mov %rax, %cr8")				\
	X(debug, LONG, "mov %dr7, %rax; mov %rax, %dr7; mov %dr0, %rax\n" \
	  "mov %rax, %dr0")						\
	X(tsc, LONG, "rdtsc; nop; rdtsc")				\
	X(pause, LONG, "mov $20, %ecx; 1: pause; dec %ecx; jnz 1b")	\
	X(invlpg, LONG, "invlpg (%rbx)")				\
	X(wbinvd, LONG, "wbinvd")					\
	X(xsetbv, LONG, "mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4\n" \
	  "xor %ecx, %ecx; xgetbv; mov $3, %eax; xsetbv")		\
	X(descriptors, LONG, "sgdt 0x3000; sidt 0x3010; str %ax; sldt %ax") \
	X(breakpoint, LONG, "int3")					\
	X(undefined, LONG, "ud2")					\
	X(divide, LONG, "xor %ecx, %ecx; div %ecx")			\
	X(page_fault, LONG, "mov $0x100000000000, %rax; mov (%rax), %eax") \
	X(virtualization, LONG, "vmrun")				\
	X(self_ipi, LONG_IRQ, "mov $0xfee000f0, %ebx\n"			\
	  "movl $0x1ff, (%rbx); mov $0xfee00300, %ebx\n"		\
	  "movl $0x44050, (%rbx); sti; nop; nop; cli")			\
	X(self_ipi_hlt, LONG_IRQ, "mov $0xfee000f0, %ebx\n"		\
	  "movl $0x1ff, (%rbx); mov $0xfee00300, %ebx\n"		\
	  "movl $0x44050, (%rbx); sti; hlt; cli")			\
	X(hlt, LONG, "sti; hlt")					\
	X(real_mode, REAL, "mov $0x1234, %ax; cpuid; out %al, $0x80\n"	\
	  "int3; mov $5, %bl; div %bl")					\
	X(protected, PROT, "mov %cr0, %eax; cpuid; int3; in $0x80, %al") \
	X(triple_fault, LONG, "push $0; push $0; lidt (%rsp); int3")

#define FLAGS_LONG	ABI_LONG
#define FLAGS_LONG_IRQ	(ABI_LONG | ABI_IRQCHIP)
#define FLAGS_REAL	ABI_REAL
#define FLAGS_PROT	ABI_PROT
#define __GUEST_LONG	GUEST64
#define __GUEST_LONG_IRQ GUEST64
#define __GUEST_REAL	GUEST16
#define __GUEST_PROT	GUEST32

#define X(name, mode, code) __GUEST_##mode(step_##name, code "\n" G_DONE);
STEPS(X)
#undef X

GUEST_BLOB(to_protected);
GUEST_BLOB(to_long);
GUEST_BLOB(paging32);

static const struct {
	const char *name;
	unsigned int flags;
	const struct abi_guest *guest;
} steps[] = {
#define X(name, mode, code) { #name, FLAGS_##mode, &step_##name },
	STEPS(X)
#undef X
	{ "to_protected", ABI_REAL, &to_protected },
	{ "to_long", ABI_REAL, &to_long },
	{ "paging32", ABI_PROT, &paging32 },
};

/*
 * Runs until the guest has ended, by whatever; says by what. The stub of a
 * fault goes back to the instruction that faults: that shall do three times.
 */
static unsigned int run(struct abi_vcpu *vcpu)
{
	unsigned int reason, i, traps = 0;

	for (i = 0; i < 200; i++) {
		reason = abi_exit(vcpu);
		if (reason == KVM_EXIT_IO && vcpu->run->io.port == ABI_DONE)
			return 0;
		if (reason == KVM_EXIT_IO && vcpu->run->io.port == ABI_TRAP &&
		    ++traps == 3)
			return reason;
		if (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO)
			return reason;
	}
	abi_die("a guest that does not end");
}

int main(void)
{
	int marker = open("/sys/kernel/tracing/trace_marker", O_WRONLY);
	unsigned int i, reason;
	char line[64];

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct abi_vcpu *vcpu = abi_boot(steps[i].flags,
						 steps[i].guest);

		snprintf(line, sizeof(line), "step %s\n", steps[i].name);
		if (write(marker, line, strlen(line)) < 0)
			abi_die("no trace_marker");
		reason = run(vcpu);
		snprintf(line, sizeof(line), "end %u\n", reason);
		if (write(marker, line, strlen(line)) < 0)
			abi_die("no trace_marker");
	}
	return 0;
}
