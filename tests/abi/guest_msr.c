// SPDX-License-Identifier: GPL-2.0
/*
 * RDMSR, WRMSR, control registers and XSETBV in a guest: what is kept, what is
 * refused with #GP, what changes the guest.
 */
#include "test.h"

/* What the guest does first, by the fixture's code; a fault is a trap. */
FIXTURE(op) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(op) {
	const struct abi_guest *guest;
	int vector;			/* -1: done without a fault */
	uint32_t error;
};

#define OP(name, code, ...)						\
	GUEST64(g_##name, code "\n" G_DONE);				\
	FIXTURE_VARIANT_ADD(op, name) { &g_##name, __VA_ARGS__ }

#define WRMSR(index, high, low)						\
	"mov $" #index ", %ecx; mov $" #low ", %eax; mov $" #high ", %edx\n" \
	"wrmsr"
#define RDMSR(index)	"mov $" #index ", %ecx; rdmsr"
#define CR4(bit)	"mov %cr4, %rax; bts $" #bit ", %rax; mov %rax, %cr4"

#define GP	13, 0
#define UD	6, 0
#define FINE	-1, 0

OP(rdmsr_unknown, RDMSR(0xdeadbeef), GP);
OP(wrmsr_unknown, WRMSR(0xdeadbeef, 0, 0), GP);
OP(wrmsr_efer_reserved, WRMSR(0xc0000080, 0, 0x2), GP);
OP(wrmsr_efer_lme_while_paging, WRMSR(0xc0000080, 0, 0xc01), GP);
OP(wrmsr_pat_reserved, WRMSR(0x277, 0x00070406, 0x00070402), GP);
OP(wrmsr_apic_base_reserved, WRMSR(0x1b, 0x80000000, 0xfee00900), GP);
OP(wrmsr_mtrr_type, WRMSR(0x2ff, 0, 0xc02), GP);
OP(wrmsr_mtrr_cap, WRMSR(0xfe, 0, 0), GP);
OP(rdmsr_tsc, RDMSR(0x10), FINE);
OP(rdmsr_mtrr_cap, RDMSR(0xfe), FINE);
OP(rdmsr_misc_enable, RDMSR(0x1a0), FINE);
OP(wrmsr_pat, WRMSR(0x277, 0x00070106, 0x00070406), FINE);
OP(debugctl_btf, WRMSR(0x1d9, 0, 2) "; rdmsr; test %eax, %eax; jz 1f\n"
	"ud2; 1:", FINE);
OP(wrmsr_star, WRMSR(0xc0000081, 0x00230010, 0), FINE);
OP(cr0_nw_without_cd, "mov %cr0, %rax; bts $29, %rax; mov %rax, %cr0", GP);
OP(cr0_pg_without_pe, "mov %cr0, %rax; btr $0, %rax; mov %rax, %cr0", GP);
OP(cr4_reserved, CR4(24), GP);
OP(cr4_without_pae, "mov %cr4, %rax; btr $5, %rax; mov %rax, %cr4", GP);
OP(cr4_tsd, CR4(2), FINE);
OP(cr4_pge, CR4(7), FINE);
OP(cr4_osxsave, CR4(18), FINE);
OP(cr8_reserved, "mov $16, %eax; mov %rax, %cr8", GP);
OP(cr8_all, "mov $15, %eax; mov %rax, %cr8", FINE);
OP(cr2_any, "mov $-1, %rax; mov %rax, %cr2", FINE);
OP(xsetbv_without_osxsave, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx\n"
	"xsetbv", UD);
OP(xgetbv_without_osxsave, "xor %ecx, %ecx; xgetbv", UD);
OP(xsetbv_ok, CR4(18) "\nxor %ecx, %ecx; mov $3, %eax; xor %edx, %edx\n"
	"xsetbv; xgetbv; cmp $3, %eax; je 1f; ud2; 1:", FINE);
OP(xsetbv_without_x87, CR4(18) "\nxor %ecx, %ecx; mov $2, %eax\n"
	"xor %edx, %edx; xsetbv", GP);
OP(xsetbv_avx_without_sse, CR4(18) "\nxor %ecx, %ecx; mov $5, %eax\n"
	"xor %edx, %edx; xsetbv", GP);
OP(xsetbv_unknown_feature, CR4(18) "\nxor %ecx, %ecx; mov $3, %eax\n"
	"mov $0x40000000, %edx; xsetbv", GP);
OP(xsetbv_xcr5, CR4(18) "\nmov $5, %ecx; mov $1, %eax; xor %edx, %edx\n"
	"xsetbv", GP);
OP(dr7_high, "mov $1, %eax; shl $32, %rax; mov %rax, %dr7", GP);
OP(dr6_high, "mov $1, %eax; shl $32, %rax; mov %rax, %dr6", GP);
OP(dr4_alias, "mov %dr4, %rax", FINE);
OP(dr4_with_de, CR4(3) "\nmov %dr4, %rax", UD);
OP(clts, "mov %cr0, %rax; bts $3, %rax; mov %rax, %cr0; clts; mov %cr0, %rax\n"
	"bt $3, %rax; jnc 1f; ud2; 1:", FINE);
OP(ts_traps_fpu, "mov %cr0, %rax; bts $3, %rax; mov %rax, %cr0; fninit", 7, 0);
OP(lmsw, "smsw %ax; or $8, %ax; lmsw %ax; mov %cr0, %rax; bt $3, %rax\n"
	"jc 1f; ud2; 1:", FINE);
OP(invlpg, "invlpg 0x1000", FINE);
OP(wbinvd, "wbinvd", FINE);
OP(vmrun_absent, "xor %eax, %eax; xor %ecx, %ecx; xor %edx, %edx\n"
	"vmrun", UD);
OP(vmload_absent, "vmload", UD);
OP(skinit_absent, "skinit", UD);
OP(rdpmc_unknown, "mov $0x7f, %ecx; rdpmc", GP);
OP(rdtscp, "rdtscp", FINE);

FIXTURE_SETUP(op) { self->vcpu = abi_boot(ABI_LONG, variant->guest); }
FIXTURE_TEARDOWN(op) { }

TEST_F(op, as_expected)
{
	struct kvm_run *run = self->vcpu->run;
	unsigned int reason = abi_exit(self->vcpu);

	if (reason == KVM_EXIT_SET_TPR)
		reason = abi_exit(self->vcpu);
	ASSERT_EQ(KVM_EXIT_IO, reason) abi_describe(self->vcpu);
	if (variant->vector < 0) {
		EXPECT_EQ(ABI_DONE, run->io.port)
			abi_describe(self->vcpu);
	} else {
		uint64_t sp = abi_regs(self->vcpu).rsp;

		ASSERT_EQ(ABI_TRAP, run->io.port);
		EXPECT_EQ(variant->vector, self->vcpu->vm->mem[sp]);
		if (variant->vector == 13) {
			EXPECT_EQ(variant->error,
				  abi_peek(self->vcpu->vm, sp + 8));
		}
	}
}

/* What was written is what the VMM reads, and the other way round. */
GUEST64(star, WRMSR(0xc0000081, 0x00230010, 0x55) "\n"
	WRMSR(0xc0000082, 0xffffffff, 0x81000000) "\n"
	WRMSR(0x174, 0, 0x10) "\n" WRMSR(0xc0000102, 0, 0x1234) "\n"
	RDMSR(0xc0000084) "\n" G_REPORT G_DONE);

TEST(values_both_ways)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &star);
	uint64_t value;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, 0xc0000084, 0x47700));
	EXPECT_EQ(0x47700, abi_report(vcpu));
	abi_done(vcpu);
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0xc0000081, &value));
	EXPECT_EQ(0x0023001000000055, value);
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0xc0000082, &value));
	EXPECT_EQ(0xffffffff81000000, value);
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0x174, &value));
	EXPECT_EQ(0x10, value);
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0xc0000102, &value));
	EXPECT_EQ(0x1234, value);
}

/* SWAPGS exchanges the two bases that the VMM set. */
GUEST64(swapgs_guest, "swapgs\n" RDMSR(0xc0000101) "\n" G_REPORT
	RDMSR(0xc0000102) "\n" G_REPORT G_DONE);

TEST(swapgs_exchanges)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &g_rdmsr_tsc);

	abi_load(vcpu->vm, ABI_CODE, &swapgs_guest);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, 0xc0000101, 0x1111));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, 0xc0000102, 0x2222));
	EXPECT_EQ(0x2222, abi_report(vcpu));
	EXPECT_EQ(0x1111, abi_report(vcpu));
	abi_done(vcpu);
	EXPECT_EQ(0x2222, abi_sregs(vcpu).gs.base);
}

/* System call and return, as 64-bit Linux does it. */
GUEST64(syscall_guest, "lea 1f(%rip), %rax; mov %rax, %rdx; shr $32, %rdx\n"
	"mov $0xc0000082, %ecx; wrmsr\n"
	WRMSR(0xc0000081, 0x00000008, 0) "\n"
	WRMSR(0xc0000084, 0, 0x200) "\n"
	"mov %rsp, %rbx; syscall; 2: ud2\n"
	"1: lea 2b(%rip), %rax; cmp %rax, %rcx; jne 3f; mov %cs, %eax\n"
	G_REPORT G_DONE "3: ud2\n");

TEST(system_call)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &syscall_guest);

	EXPECT_EQ(ABI_CS64, abi_report(vcpu));
	abi_done(vcpu);
}

/* Two vCPUs on one thread keep their own. */
GUEST64(own, G_SYNC RDMSR(0xc0000082) "\n" G_REPORT RDMSR(0xc0000102) "\n"
	G_REPORT G_DONE);

TEST(two_vcpus)
{
	struct abi_vcpu *a = abi_boot(ABI_LONG, &own);
	struct abi_vcpu *b = abi_boot(ABI_LONG, &own);

	ASSERT_EQ(1, abi_msr_set(a->fd, 0xc0000082, 0xaaaa));
	ASSERT_EQ(1, abi_msr_set(b->fd, 0xc0000082, 0xbbbb));
	ASSERT_EQ(1, abi_msr_set(a->fd, 0xc0000102, 0xa1));
	ASSERT_EQ(1, abi_msr_set(b->fd, 0xc0000102, 0xb1));
	abi_sync(a);
	abi_sync(b);
	EXPECT_EQ(0xaaaa, abi_report(a));
	EXPECT_EQ(0xbbbb, abi_report(b));
	EXPECT_EQ(0xa1, abi_report(a));
	EXPECT_EQ(0xb1, abi_report(b));
}

TEST_HARNESS_MAIN
