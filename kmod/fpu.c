// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's x87, SSE, AVX and other XSAVE state.
 *
 * Each vCPU has an area of its own in the standard format. The guest's state
 * is in the CPU only inside the bracket: run.c calls begin, which has the
 * kernel put away what the thread had, then load and save around the guest
 * with interrupts off, then end. XCR0, XSS and PKRU are switched here too.
 * The ioctls are in xsave.c. Next: xsave.c.
 */
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/msr-index.h>

#include "fpu.h"
#include "lodge.h"

/* What guests may have; AMX and MPX are not among it. */
#define FPU_GUEST_FEATURES						\
	(LODGE_XF_X87 | LODGE_XF_SSE | LODGE_XF_YMM | LODGE_XF_AVX512 |	\
	 LODGE_XF_PKRU)

static struct {
	u64 features;		/* that are kept */
	u64 xcr0;		/* the host's */
	u64 xss;		/* the host's */
	u32 mxcsr_mask;
	bool xsave;
	bool pkru;
	bool x87_leaks;		/* XRSTOR may leave the last x87 pointers */
	struct lodge_xstate state[LODGE_XF_NR];
} fpu_host __ro_after_init;

static u64 fpu_xgetbv(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (u64)hi << 32;
}

static void fpu_xsetbv(u64 v)
{
	asm volatile("xsetbv" :: "c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

static u32 fpu_rdpkru(void)
{
	u32 eax, edx;

	asm volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

static void fpu_wrpkru(u32 v)
{
	asm volatile("wrpkru" :: "a"(v), "c"(0), "d"(0));
}

static void fpu_xrstor(const void *area, u64 features)
{
	asm volatile("xrstor64 (%0)"
		     :: "r"(area), "a"((u32)features),
		     "d"((u32)(features >> 32)) : "memory");
}

static void fpu_xsave(void *area, u64 features)
{
	asm volatile("xsave64 (%0)"
		     :: "r"(area), "a"((u32)features),
		     "d"((u32)(features >> 32)) : "memory");
}

/*
 * Where XRSTOR restores the x87 instruction and data pointers only when an
 * exception is pending, those of the last user of the FPU would stay: give
 * them ones that tell nothing.
 * AMD manual: "Saving Media and x87 State".
 */
static void fpu_x87_forget(void)
{
	static const u32 zero;

	asm volatile("fnclex; emms; fildl %0" :: "m"(zero));
}

/* Which bits of MXCSR the CPU has: told by FXSAVE. */
static int __init fpu_mxcsr_probe(void)
{
	u8 *p = kvzalloc(1024, GFP_KERNEL);
	struct lodge_fxsave *fx;

	if (!p)
		return -ENOMEM;
	fx = (void *)ALIGN((unsigned long)p, 64);
	kernel_fpu_begin();
	asm volatile("fxsave64 (%0)" :: "r"(fx) : "memory");
	kernel_fpu_end();
	fpu_host.mxcsr_mask = fx->mxcsr_mask ?: LODGE_MXCSR_MASK_DEFAULT;
	kvfree(p);
	return 0;
}

static void __init fpu_xsave_probe(void)
{
	u32 a, b, c, d, i;

	fpu_host.xcr0 = fpu_xgetbv();
	fpu_host.features = fpu_host.xcr0 & FPU_GUEST_FEATURES;
	for (i = 2; i < LODGE_XF_NR; i++) {
		if (!(fpu_host.features & BIT_ULL(i)))
			continue;
		lodge_cpuid_host(0xd, i, &a, &b, &c, &d);
		fpu_host.state[i].size = a;
		fpu_host.state[i].offset = b;
		fpu_host.state[i].align = c & BIT(1);
	}
	lodge_cpuid_host(0xd, 1, &a, &b, &c, &d);
	/* A guest's XSAVES must not find what the kernel enabled for itself. */
	if ((a & BIT(3)) && lodge_rdmsr_safe(MSR_IA32_XSS, &fpu_host.xss))
		fpu_host.xss = 0;
	fpu_host.pkru = boot_cpu_has(X86_FEATURE_OSPKE) &&
			(fpu_host.features & LODGE_XF_PKRU);
}

/**
 * lodge_fpu_module_init() - learn what the host has
 *
 * Return: 0 or -ENOMEM.
 */
int __init lodge_fpu_module_init(void)
{
	fpu_host.xsave = boot_cpu_has(X86_FEATURE_XSAVE);
	fpu_host.x87_leaks = boot_cpu_has_bug(X86_BUG_FXSAVE_LEAK);
	fpu_host.features = LODGE_XF_X87 | LODGE_XF_SSE;
	if (fpu_host.xsave)
		fpu_xsave_probe();
	return fpu_mxcsr_probe();
}

/**
 * lodge_fpu_features() - XCR0 bits that a guest may have
 */
u64 lodge_fpu_features(void)
{
	return fpu_host.features;
}

/**
 * lodge_fpu_mxcsr_mask() - bits that MXCSR has on this host
 */
u32 lodge_fpu_mxcsr_mask(void)
{
	return fpu_host.mxcsr_mask;
}

/**
 * lodge_fpu_states() - where the components of an area are on this host
 */
const struct lodge_xstate *lodge_fpu_states(void)
{
	return fpu_host.state;
}

/**
 * lodge_xsave_size() - bytes of an XSAVE area
 * @xcr0: components in it
 * @compacted: as XSAVEC lays it out, else the standard format
 */
u32 lodge_xsave_size(u64 xcr0, bool compacted)
{
	return lodge_xstate_size(fpu_host.state, xcr0 & fpu_host.features,
				 compacted);
}

/**
 * lodge_fpu_size() - bytes of a vCPU's area, which the user sees
 */
u32 lodge_fpu_size(void)
{
	return lodge_xsave_size(fpu_host.features, false);
}

/**
 * lodge_fpu_create() - give a new vCPU its area
 * @vcpu: being created; lodge_fpu_reset() is still to be called
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_fpu_create(struct lodge_vcpu *vcpu)
{
	struct lodge_fpu *f = &vcpu->fpu;

	f->alloc = kvzalloc(lodge_fpu_size() + 63, GFP_KERNEL_ACCOUNT);
	if (!f->alloc)
		return -ENOMEM;
	f->area = (void *)ALIGN((unsigned long)f->alloc, 64);
	f->features = fpu_host.features;
	lodge_fpu_reset(vcpu, false);
	return 0;
}

/**
 * lodge_fpu_destroy() - free what lodge_fpu_create() made
 * @vcpu: whose; may have none
 */
void lodge_fpu_destroy(struct lodge_vcpu *vcpu)
{
	kvfree(vcpu->fpu.alloc);
	vcpu->fpu.alloc = NULL;
	vcpu->fpu.area = NULL;
}

/**
 * lodge_fpu_reset() - power-on or INIT
 * @vcpu: not running
 * @init: INIT, which leaves the FPU and XCR0 alone
 *
 * CR4 is cleared by both. Intel manual: "Processor State After Reset".
 */
void lodge_fpu_reset(struct lodge_vcpu *vcpu, bool init)
{
	vcpu->fpu.xcr0_on = false;
	if (init)
		return;
	lodge_xarea_init(vcpu->fpu.area, lodge_fpu_size(),
			 fpu_host.mxcsr_mask);
	vcpu->regs.xcr0 = LODGE_XF_X87;
}

/**
 * lodge_fpu_begin() - have the kernel put away the thread's FPU state
 * @vcpu: about to be run
 *
 * Context: interrupts on; the thread can't be preempted until
 * lodge_fpu_end().
 */
void lodge_fpu_begin(struct lodge_vcpu *vcpu)
{
	kernel_fpu_begin_mask(0);
}

/**
 * lodge_fpu_end() - the thread's FPU state may come back
 * @vcpu: that was run
 *
 * Context: interrupts on.
 */
void lodge_fpu_end(struct lodge_vcpu *vcpu)
{
	kernel_fpu_end();
}

/* While the guest has CR4.OSXSAVE, it works under its own XCR0, XSS is 0. */
static void fpu_xcr0_load(struct lodge_vcpu *vcpu)
{
	struct lodge_fpu *f = &vcpu->fpu;
	u64 want = f->xcr0_on ? vcpu->regs.xcr0 : fpu_host.xcr0;

	if (want != f->hw_xcr0) {
		fpu_xsetbv(want);
		f->hw_xcr0 = want;
	}
}

/**
 * lodge_fpu_xcr0_sync() - make regs.xcr0 what the guest's XCR0 is
 * @vcpu: in or out of the bracket
 *
 * XSETBV is intercepted, but QEMU's emulated AMD-V lets it by
 * (docs/TESTING.md), and the host must get back its own in any case.
 */
void lodge_fpu_xcr0_sync(struct lodge_vcpu *vcpu)
{
	struct lodge_fpu *f = &vcpu->fpu;

	if (!f->live || !fpu_host.xsave)
		return;
	f->hw_xcr0 = fpu_xgetbv();
	if (f->xcr0_on)
		vcpu->regs.xcr0 = f->hw_xcr0;
}

/**
 * lodge_fpu_load() - the guest's state into the CPU
 * @vcpu: about to be entered
 *
 * Context: interrupts off, between lodge_fpu_begin() and lodge_fpu_end().
 */
void lodge_fpu_load(struct lodge_vcpu *vcpu)
{
	struct lodge_fpu *f = &vcpu->fpu;

	f->live = true;
	if (fpu_host.x87_leaks)
		fpu_x87_forget();
	if (unlikely(!fpu_host.xsave)) {
		asm volatile("fxrstor64 (%0)" :: "r"(f->area) : "memory");
		return;
	}
	if (fpu_host.pkru)
		f->host_pkru = fpu_rdpkru();
	fpu_xrstor(f->area, f->features);
	if (unlikely(fpu_host.xss))
		lodge_wrmsr(MSR_IA32_XSS, 0);
	f->hw_xcr0 = fpu_host.xcr0;
	fpu_xcr0_load(vcpu);
}

/**
 * lodge_fpu_save() - the guest's state out of the CPU
 * @vcpu: that has left the guest
 *
 * Context: interrupts off, after lodge_fpu_load().
 */
void lodge_fpu_save(struct lodge_vcpu *vcpu)
{
	struct lodge_fpu *f = &vcpu->fpu;

	if (unlikely(!fpu_host.xsave)) {
		asm volatile("fxsave64 (%0)" :: "r"(f->area) : "memory");
		f->live = false;
		return;
	}
	lodge_fpu_xcr0_sync(vcpu);
	if (f->hw_xcr0 != fpu_host.xcr0)
		fpu_xsetbv(fpu_host.xcr0);
	if (unlikely(fpu_host.xss))
		lodge_wrmsr(MSR_IA32_XSS, fpu_host.xss);
	fpu_xsave(f->area, f->features);
	if (fpu_host.pkru)
		fpu_wrpkru(f->host_pkru);
	f->live = false;
}

/**
 * lodge_fpu_xcr0_changed() - the guest's XCR0 or its CR4.OSXSAVE changed
 * @vcpu: in or out of the bracket; R_CRS is synced
 */
void lodge_fpu_xcr0_changed(struct lodge_vcpu *vcpu)
{
	vcpu->fpu.xcr0_on = vcpu->regs.cr4 & LODGE_CR4_OSXSAVE;
	if (vcpu->fpu.live && fpu_host.xsave)
		fpu_xcr0_load(vcpu);
}

/**
 * lodge_fpu_xmm() - an XMM register in the area
 * @vcpu: outside lodge_fpu_load() and lodge_fpu_save()
 * @nr: 0 to 15
 *
 * Return: 16 bytes, to be read or written.
 */
void *lodge_fpu_xmm(struct lodge_vcpu *vcpu, unsigned int nr)
{
	struct lodge_xarea *x = vcpu->fpu.area;

	/* What is in memory holds also if the CPU called it initial. */
	x->xstate_bv |= LODGE_XF_SSE;
	return x->fx.xmm[nr & 15];
}

/**
 * lodge_fpu_pkru() - the guest's rights by protection key
 * @vcpu: its mutex held, in or out of the bracket
 *
 * Return: PKRU; 0, all rights, if there is no such register.
 */
u32 lodge_fpu_pkru(struct lodge_vcpu *vcpu)
{
	const struct lodge_xarea *x = vcpu->fpu.area;
	u32 v = 0;

	if (!fpu_host.pkru)
		return 0;
	if (vcpu->fpu.live)
		return fpu_rdpkru();
	if (x->xstate_bv & LODGE_XF_PKRU)
		memcpy(&v, (const u8 *)x + fpu_host.state[9].offset, sizeof(v));
	return v;
}
