// SPDX-License-Identifier: GPL-2.0
/*
 * What the device says of a guest's CPU, and what the guest then can do: behind
 * each bit of KVM_GET_SUPPORTED_CPUID there is an instruction, a control bit or
 * an MSR that works, behind each listed MSR a value.
 */
#include <stdlib.h>

#include "test.h"

enum { EAX, EBX, ECX, EDX };

#define RD(msr)		"mov $" #msr ", %ecx; rdmsr"
/* What it is already. */
#define WR(msr)		RD(msr) "; wrmsr"
#define CR4(bit)	"mov %cr4, %rax; bts $" #bit ", %rax; mov %rax, %cr4"
#define EFER(bit)	RD(0xc0000080) "; bts $" #bit ", %eax; wrmsr"
#define XCR0(bits)	"xor %ecx, %ecx; xgetbv; or $" #bits ", %eax; xsetbv"
/* Of leaf 0x40000001: KVM's own MSRs. */
#define PV(msr)		"mov $" #msr ", %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; rdmsr"
#define M		"0x80000"
/* All pages are user mode's: none is any more. */
#define SUPERVISOR	"andb $0xfb, " ABI_STR(ABI_TABLES) "; mov %cr3, %rax; mov %rax, %cr3; "

/* name, leaf, subleaf, register, bit, code. Bits that only inform are left out. */
#define FEATURES(F)							\
	F(sse3, 1, 0, ECX, 0, "addsubps %xmm0, %xmm1")			\
	F(pclmul, 1, 0, ECX, 1, "pclmulqdq $0, %xmm0, %xmm1")		\
	F(monitor, 1, 0, ECX, 3, "mov $" M ", %eax; xor %ecx, %ecx; xor %edx, %edx; monitor") \
	F(ssse3, 1, 0, ECX, 9, "pshufb %xmm0, %xmm1")			\
	F(fma, 1, 0, ECX, 12, "vfmadd132ps %xmm0, %xmm1, %xmm2")	\
	F(cx16, 1, 0, ECX, 13, "cmpxchg16b " M)				\
	F(pcid, 1, 0, ECX, 17, CR4(17))					\
	F(sse4_1, 1, 0, ECX, 19, "ptest %xmm0, %xmm1")			\
	F(sse4_2, 1, 0, ECX, 20, "crc32b %al, %ecx; pcmpgtq %xmm0, %xmm1") \
	F(x2apic, 1, 0, ECX, 21, RD(0x1b) "; or $0xc00, %eax; wrmsr; " RD(0x802)) \
	F(movbe, 1, 0, ECX, 22, "movbe " M ", %eax")			\
	F(popcnt, 1, 0, ECX, 23, "popcnt %eax, %eax")			\
	F(tsc_deadline, 1, 0, ECX, 24, WR(0x6e0))			\
	F(aes, 1, 0, ECX, 25, "aesenc %xmm0, %xmm1")			\
	F(xsave, 1, 0, ECX, 26, XCR0(3) "; mov $3, %eax; xsave " M "; xrstor " M) \
	F(avx, 1, 0, ECX, 28, "vaddps %ymm0, %ymm1, %ymm2")		\
	F(f16c, 1, 0, ECX, 29, "vcvtph2ps %xmm0, %ymm1")		\
	F(rdrand, 1, 0, ECX, 30, "rdrand %eax")				\
	F(fpu, 1, 0, EDX, 0, "fninit; fld1")				\
	F(vme, 1, 0, EDX, 1, CR4(0) "; " CR4(1))			\
	F(de, 1, 0, EDX, 2, CR4(3))					\
	F(pse, 1, 0, EDX, 3, CR4(4))					\
	F(tsc, 1, 0, EDX, 4, "rdtsc; " CR4(2))				\
	F(msr, 1, 0, EDX, 5, WR(0x10))					\
	F(pae, 1, 0, EDX, 6, CR4(5))					\
	F(mce, 1, 0, EDX, 7, CR4(6))					\
	F(cx8, 1, 0, EDX, 8, "cmpxchg8b " M)				\
	F(apic, 1, 0, EDX, 9, WR(0x1b))					\
	F(sep, 1, 0, EDX, 11, WR(0x174) "; " WR(0x175) "; " WR(0x176))	\
	F(mtrr, 1, 0, EDX, 12, RD(0xfe) "; " WR(0x2ff) "; " WR(0x200) "; " WR(0x250)) \
	F(pge, 1, 0, EDX, 13, CR4(7))					\
	F(mca, 1, 0, EDX, 14, RD(0x179) "; " WR(0x17a) "; " WR(0x400))	\
	F(cmov, 1, 0, EDX, 15, "cmovz %eax, %ecx")			\
	F(pat, 1, 0, EDX, 16, WR(0x277))				\
	F(clflush, 1, 0, EDX, 19, "clflush " M)				\
	F(mmx, 1, 0, EDX, 23, "paddb %mm0, %mm1; emms")			\
	F(fxsr, 1, 0, EDX, 24, "fxsave " M "; fxrstor " M)		\
	F(sse, 1, 0, EDX, 25, "addps %xmm0, %xmm1; sfence; prefetcht0 " M) \
	F(sse2, 1, 0, EDX, 26, "addpd %xmm0, %xmm1; mfence; lfence; pause") \
	F(fsgsbase, 7, 0, EBX, 0, CR4(16) "; rdfsbase %rax; wrgsbase %rax") \
	F(tsc_adjust, 7, 0, EBX, 1, WR(0x3b))				\
	F(bmi1, 7, 0, EBX, 3, "andn %eax, %ecx, %edx; tzcnt %eax, %eax") \
	F(avx2, 7, 0, EBX, 5, "vpaddd %ymm0, %ymm1, %ymm2")		\
	F(smep, 7, 0, EBX, 7, SUPERVISOR CR4(20))			\
	F(bmi2, 7, 0, EBX, 8, "mulx %eax, %ecx, %edx; pdep %eax, %ecx, %edx") \
	F(invpcid, 7, 0, EBX, 10, "mov $2, %eax; invpcid " M ", %rax")	\
	F(rtm, 7, 0, EBX, 11, "xbegin 1f; xend; 1: xtest")		\
	F(avx512f, 7, 0, EBX, 16, "vaddps %zmm0, %zmm1, %zmm2")		\
	F(avx512dq, 7, 0, EBX, 17, "vpmullq %zmm0, %zmm1, %zmm2")	\
	F(rdseed, 7, 0, EBX, 18, "rdseed %eax")				\
	F(adx, 7, 0, EBX, 19, "adcx %eax, %ecx; adox %eax, %ecx")	\
	F(smap, 7, 0, EBX, 20, "stac; clac; " CR4(21))			\
	F(avx512ifma, 7, 0, EBX, 21, "vpmadd52luq %zmm0, %zmm1, %zmm2")	\
	F(clflushopt, 7, 0, EBX, 23, "clflushopt " M)			\
	F(clwb, 7, 0, EBX, 24, "clwb " M)				\
	F(avx512cd, 7, 0, EBX, 28, "vpconflictd %zmm0, %zmm1")		\
	F(sha, 7, 0, EBX, 29, "sha1msg1 %xmm0, %xmm1")			\
	F(avx512bw, 7, 0, EBX, 30, "vpaddb %zmm0, %zmm1, %zmm2")	\
	F(avx512vl, 7, 0, EBX, 31, "vpaddd %ymm0, %ymm1, %ymm16")	\
	F(avx512vbmi, 7, 0, ECX, 1, "vpermb %zmm0, %zmm1, %zmm2")	\
	F(umip, 7, 0, ECX, 2, CR4(11))					\
	F(pku, 7, 0, ECX, 3, CR4(22) "; xor %ecx, %ecx; rdpkru; wrpkru")	\
	F(gfni, 7, 0, ECX, 8, "gf2p8mulb %xmm0, %xmm1")			\
	F(vaes, 7, 0, ECX, 9, "vaesenc %ymm0, %ymm1, %ymm2")		\
	F(vpclmul, 7, 0, ECX, 10, "vpclmulqdq $0, %ymm0, %ymm1, %ymm2")	\
	F(rdpid, 7, 0, ECX, 22, "rdpid %rax; " WR(0xc0000103))		\
	F(cldemote, 7, 0, ECX, 25, "cldemote " M)			\
	F(movdiri, 7, 0, ECX, 27, "movdiri %eax, " M)			\
	F(movdir64b, 7, 0, ECX, 28, "mov $" M ", %eax; movdir64b " M ", %rax") \
	F(md_clear, 7, 0, EDX, 10, "mov %ds, " M "; verw " M)		\
	F(serialize, 7, 0, EDX, 14, "serialize")			\
	F(spec_ctrl, 7, 0, EDX, 26, WR(0x48))				\
	F(flush_l1d, 7, 0, EDX, 28, PV(0x10b))				\
	F(arch_cap, 7, 0, EDX, 29, RD(0x10a))				\
	F(core_cap, 7, 0, EDX, 30, RD(0xcf))				\
	F(avx_vnni, 7, 1, EAX, 4, "{vex} vpdpbusd %ymm0, %ymm1, %ymm2")	\
	F(xsaveopt, 0xd, 1, EAX, 0, "mov $3, %eax; xsaveopt " M)	\
	F(xsavec, 0xd, 1, EAX, 1, "mov $3, %eax; xsavec " M)		\
	F(xgetbv1, 0xd, 1, EAX, 2, "mov $1, %ecx; xgetbv")		\
	F(xsaves, 0xd, 1, EAX, 3, "mov $3, %eax; xsaves " M "; xrstors " M "; " WR(0xda0)) \
	F(syscall, 0x80000001, 0, EDX, 11, EFER(0) "; " WR(0xc0000081) "; " WR(0xc0000082) "; " WR(0xc0000084)) \
	F(nx, 0x80000001, 0, EDX, 20, EFER(11))				\
	F(mmxext, 0x80000001, 0, EDX, 22, "pmaxub %mm0, %mm1")		\
	F(ffxsr, 0x80000001, 0, EDX, 25, EFER(14))			\
	F(rdtscp, 0x80000001, 0, EDX, 27, "rdtscp; " WR(0xc0000103))	\
	F(amd3dnowext, 0x80000001, 0, EDX, 30, "pswapd %mm0, %mm1")	\
	F(amd3dnow, 0x80000001, 0, EDX, 31, "pfadd %mm0, %mm1; femms")	\
	F(lahf, 0x80000001, 0, ECX, 0, "lahf; sahf")			\
	F(svm, 0x80000001, 0, ECX, 2, EFER(12))				\
	F(cr8, 0x80000001, 0, ECX, 4, "mov %cr8, %rax; mov %rax, %cr8")	\
	F(abm, 0x80000001, 0, ECX, 5, "lzcnt %eax, %eax; popcnt %eax, %eax") \
	F(sse4a, 0x80000001, 0, ECX, 6, "extrq $0, $1, %xmm0; movntss %xmm0, " M) \
	F(prefetchw, 0x80000001, 0, ECX, 8, "prefetchw " M)		\
	F(xop, 0x80000001, 0, ECX, 11, "vprotb $1, %xmm0, %xmm1")	\
	F(fma4, 0x80000001, 0, ECX, 16, "vfmaddps %xmm0, %xmm1, %xmm2, %xmm3") \
	F(tbm, 0x80000001, 0, ECX, 21, "blci %eax, %ecx")		\
	F(clzero, 0x80000008, 0, EBX, 0, "mov $" M ", %eax; clzero")	\
	F(wbnoinvd, 0x80000008, 0, EBX, 9, "wbnoinvd")			\
	F(ibpb, 0x80000008, 0, EBX, 12, PV(0x49))			\
	F(kvmclock, 0x40000001, 0, EAX, 0, PV(0x12) "; " PV(0x11))	\
	F(kvmclock2, 0x40000001, 0, EAX, 3, PV(0x4b564d01) "; " PV(0x4b564d00)) \
	F(async_pf, 0x40000001, 0, EAX, 4, PV(0x4b564d02))		\
	F(steal_time, 0x40000001, 0, EAX, 5, PV(0x4b564d03))		\
	F(pv_eoi, 0x40000001, 0, EAX, 6, PV(0x4b564d04))		\
	F(poll_control, 0x40000001, 0, EAX, 12, PV(0x4b564d05))	\
	F(async_pf_int, 0x40000001, 0, EAX, 14, PV(0x4b564d06))

#define AS_GUEST(name, leaf, sub, reg, bit, code)			\
	GUEST64(f_##name, code "\n" G_DONE);
FEATURES(AS_GUEST)

static const struct feature {
	const char *name;
	uint32_t leaf, sub, reg, bit;
	const struct abi_guest *guest;
} features[] = {
#define AS_ROW(name, leaf, sub, reg, bit, code)				\
	{ #name, leaf, sub, reg, bit, &f_##name },
	FEATURES(AS_ROW)
};

static bool shown(struct kvm_cpuid2 *cpuid, const struct feature *f)
{
	const struct kvm_cpuid_entry2 *e = abi_cpuid_find(cpuid, f->leaf, f->sub);
	const uint32_t *regs;

	if (!e)
		return false;
	regs = (const uint32_t[]){ e->eax, e->ebx, e->ecx, e->edx };
	return regs[f->reg] & 1u << f->bit;
}

/* As an operating system has it, that uses all there is. */
static void prepare(struct abi_vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	const struct kvm_cpuid_entry2 *xsave = abi_cpuid_find(cpuid, 0xd, 0);
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	struct kvm_sregs sregs;

	memset(vcpu->vm->mem + ABI_DATA, 0, 4096);
	abi_vcpu_mode(vcpu, ABI_LONG);
	sregs = abi_sregs(vcpu);
	sregs.cr0 = (sregs.cr0 | 2) & ~0xcull;		/* MP; EM, TS */
	sregs.cr4 |= 0x600;				/* OSFXSR, OSXMMEXCPT */
	if (abi_cpuid_find(cpuid, 1, 0)->ecx & 1 << 26)
		sregs.cr4 |= 1 << 18;
	abi_set_sregs(vcpu, &sregs);
	if (!(sregs.cr4 & 1 << 18) || !xsave)
		return;
	xcrs.xcrs[0].value = xsave->eax & 0xe7;		/* to AVX-512 */
	abi_ok(vcpu->fd, KVM_SET_XCRS, &xcrs);
}

/* Return: -1: it came to its end; a vector; or 256 + an exit. */
static int try(struct abi_vcpu *vcpu, const struct abi_guest *guest)
{
	uint32_t vector;

	abi_load(vcpu->vm, ABI_CODE, guest);
	if (abi_exit(vcpu) != KVM_EXIT_IO)
		return 256 + vcpu->run->exit_reason;
	if (vcpu->run->io.port == ABI_DONE)
		return -1;
	memcpy(&vector, vcpu->vm->mem + abi_regs(vcpu).rsp, sizeof(vector));
	return vector;
}

TEST(cpuid_bits)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	unsigned int tried = 0;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];
		int got;

		if (!shown(cpuid, f))
			continue;
		prepare(vcpu, cpuid);
		got = try(vcpu, f->guest);
		EXPECT_EQ(-1, got)
			TH_LOG("%s: %d", f->name, got);
		tried++;
	}
	TH_LOG("%u of %zu", tried, sizeof(features) / sizeof(features[0]));
	EXPECT_LT(30, tried);
}

static struct kvm_msr_list *msr_list(int dev, unsigned long cmd)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 512 * 4);

	list->nmsrs = 512;
	if (abi_ioctlp(dev, cmd, list))
		abi_die("no list");
	return list;
}

TEST(msrs)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_msr_list *list = msr_list(vm->dev, KVM_GET_MSR_INDEX_LIST);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	uint64_t value;

	for (unsigned int i = 0; i < list->nmsrs; i++) {
		EXPECT_EQ(1, abi_msr_get(vcpu->fd, list->indices[i], &value))
			TH_LOG("MSR %#x can't be read", list->indices[i]);
		EXPECT_EQ(1, abi_msr_set(vcpu->fd, list->indices[i], value))
			TH_LOG("MSR %#x can't be %#llx again",
			       list->indices[i], (unsigned long long)value);
	}
	EXPECT_LT(10, list->nmsrs);
}

TEST(feature_msrs)
{
	int dev = abi_open();
	struct kvm_msr_list *list = msr_list(dev, KVM_GET_MSR_FEATURE_INDEX_LIST);
	uint64_t value;

	for (unsigned int i = 0; i < list->nmsrs; i++) {
		EXPECT_EQ(1, abi_msr_get(dev, list->indices[i], &value))
			TH_LOG("MSR %#x", list->indices[i]);
	}
	EXPECT_LT(0, list->nmsrs);
}

TEST_HARNESS_MAIN
