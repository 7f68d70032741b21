// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_SUPPORTED_CPUID: the host's CPUID, less what a guest can't use.
 *
 * One table says which bits of which registers pass; a leaf that is not in
 * it is zero for guests. No vendor is asked for: a leaf that the host lacks
 * is not there. Called once at load by cpuid.c. Pure. Next: cpuid_find.c.
 */
#include "cpuid_table.h"

#define ALL	(~0U)
#define NONE	0U

/* XCR0 components. */
#define X_YMM		BIT_ULL(2)
#define X_AVX512	GENMASK_ULL(7, 5)
#define X_PKRU		BIT_ULL(9)

/*
 * keep: bits that pass if host and host kernel have them. force: bits that
 * Lodge itself provides.
 */
struct cpuid_rule {
	u32 leaf, sub;
	bool indexed;		/* the entry is for this subleaf alone */
	u32 keep[4];		/* eax, ebx, ecx, edx */
	u32 force[4];
};

#define BITS_1_ECX							\
	(BIT(0)		/* SSE3 */ |		BIT(1)	/* PCLMULQDQ */	|\
	 BIT(9)		/* SSSE3 */ |		BIT(12)	/* FMA */	|\
	 BIT(13)	/* CX16 */ |		BIT(17)	/* PCID */	|\
	 BIT(19)	/* SSE4.1 */ |		BIT(20)	/* SSE4.2 */	|\
	 BIT(22)	/* MOVBE */ |		BIT(23)	/* POPCNT */	|\
	 BIT(25)	/* AES */ |		BIT(26)	/* XSAVE */	|\
	 BIT(28)	/* AVX */ |		BIT(29)	/* F16C */	|\
	 BIT(30)	/* RDRAND */)

/* FPU to PSE36, CLFLUSH, MMX, FXSR, SSE, SSE2, self-snoop; as 1.EDX is laid */
#define BITS_1_EDX							\
	(GENMASK(9, 0) | GENMASK(17, 11) | BIT(19) | GENMASK(27, 23))

#define BITS_7_EBX							\
	(BIT(0)		/* FSGSBASE */ |	BIT(3)	/* BMI1 */	|\
	 BIT(4)		/* HLE */ |		BIT(5)	/* AVX2 */	|\
	 BIT(6)		/* FDP only on x87 exc. */ | BIT(7) /* SMEP */	|\
	 BIT(8)		/* BMI2 */ |		BIT(9)	/* ERMS */	|\
	 BIT(10)	/* INVPCID */ |		BIT(11)	/* RTM */	|\
	 BIT(13)	/* no FCS, FDS */ |	BIT(16)	/* AVX512F */	|\
	 BIT(17)	/* AVX512DQ */ |	BIT(18)	/* RDSEED */	|\
	 BIT(19)	/* ADX */ |		BIT(20)	/* SMAP */	|\
	 BIT(21)	/* AVX512IFMA */ |	BIT(23)	/* CLFLUSHOPT */|\
	 BIT(24)	/* CLWB */ |		BIT(26)	/* AVX512PF */	|\
	 BIT(27)	/* AVX512ER */ |	BIT(28)	/* AVX512CD */	|\
	 BIT(29)	/* SHA */ |		BIT(30)	/* AVX512BW */	|\
	 BIT(31)	/* AVX512VL */)

#define BITS_7_ECX							\
	(BIT(1)		/* AVX512VBMI */ |	BIT(2)	/* UMIP */	|\
	 BIT(3)		/* PKU */ |		BIT(6)	/* AVX512VBMI2 */|\
	 BIT(8)		/* GFNI */ |		BIT(9)	/* VAES */	|\
	 BIT(10)	/* VPCLMULQDQ */ |	BIT(11)	/* VNNI */	|\
	 BIT(12)	/* BITALG */ |		BIT(14)	/* VPOPCNTDQ */	|\
	 BIT(22)	/* RDPID */ |		BIT(25)	/* CLDEMOTE */	|\
	 BIT(27)	/* MOVDIRI */ |		BIT(28)	/* MOVDIR64B */)

#define BITS_7_EDX							\
	(BIT(2)		/* 4VNNIW */ |		BIT(3)	/* 4FMAPS */	|\
	 BIT(4)		/* FSRM */ |		BIT(8)	/* VP2INTERSECT */|\
	 BIT(10)	/* MD_CLEAR */ |	BIT(14)	/* SERIALIZE */	|\
	 BIT(16)	/* TSXLDTRK */ |	BIT(23)	/* AVX512FP16 */)

#define BITS_7_1_EAX							\
	(GENMASK(2, 0)	/* SHA512, SM3, SM4 */ | BIT(4) /* AVX-VNNI */	|\
	 BIT(5)		/* AVX512BF16 */ |	BIT(7)	/* CMPCCXADD */	|\
	 GENMASK(12, 10) /* FZRM, FSRS, FSRC */ | BIT(23) /* AVX-IFMA */)

#define BITS_7_1_EDX							\
	(BIT(4)		/* AVX-VNNI-INT8 */ |	BIT(5)	/* AVX-NE-CONVERT */|\
	 BIT(10)	/* AVX-VNNI-INT16 */ |	BIT(14)	/* PREFETCHIT */)

#define BITS_EXT1_ECX							\
	(BIT(0)		/* LAHF in 64 bit */ |	BIT(1)	/* CMP_LEGACY */|\
	 BIT(4)		/* MOV CR8 */ |		BIT(5)	/* ABM */	|\
	 BIT(6)		/* SSE4A */ |		BIT(7)	/* misaligned SSE */|\
	 BIT(8)		/* PREFETCHW */ |	BIT(11)	/* XOP */	|\
	 BIT(16)	/* FMA4 */ |		BIT(21)	/* TBM */	|\
	 BIT(22)	/* TOPOEXT */)

/* as 1.EDX, and SYSCALL, NX, MMXEXT, FXSR_OPT, 1G, RDTSCP, LM, 3DNow */
#define BITS_EXT1_EDX							\
	(GENMASK(9, 0) | GENMASK(17, 11) | BIT(20) | GENMASK(27, 22) |	\
	 GENMASK(31, 29))

#define BITS_EXT8_EBX							\
	(BIT(0)		/* CLZERO */ |		BIT(2)	/* XSAVEERPTR */|\
	 BIT(9)		/* WBNOINVD */ |	BIT(26)	/* SSB_NO */	|\
	 BIT(29)	/* BTC_NO */)

#define BITS_EXT21_EAX							\
	(BIT(0)		/* no nested data bp */ | BIT(2) /* LFENCE serial */|\
	 BIT(6)		/* null selector clears base */ |		\
	 BIT(9)		/* no SMM_CTL MSR */)

/* Sorted as the entries are to come out. */
static const struct cpuid_rule cpuid_rules[] = {
	{ 0, 0, .keep = { ALL, ALL, ALL, ALL } },
	/* The APIC id and the number of CPUs are the user's to say. */
	{ 1, 0, .keep = { ALL, 0xffff, BITS_1_ECX, BITS_1_EDX },
	  .force = { 0, 0, BIT(21) /* x2APIC */ | BIT(31) /* hypervisor */,
		     BIT(9) /* APIC */ } },
	{ 2, 0, .keep = { ALL, ALL, ALL, ALL } },
	{ 6, 0, .force = { BIT(2) /* APIC timer never stops */ } },
	{ 7, 0, .indexed = true,
	  .keep = { NONE, BITS_7_EBX, BITS_7_ECX, BITS_7_EDX },
	  .force = { 0, BIT(1) /* TSC_ADJUST */, 0, BIT(29) /* ARCH_CAP */ } },
	{ 7, 1, .indexed = true,
	  .keep = { BITS_7_1_EAX, NONE, NONE, BITS_7_1_EDX } },
	{ .leaf = 0xa },
	{ 0xb, 0, .indexed = true },
	{ 0x1f, 0, .indexed = true },
	{ 0x80000001, 0,
	  .keep = { ALL, ALL, BITS_EXT1_ECX, BITS_EXT1_EDX } },
	{ 0x80000002, 0, .keep = { ALL, ALL, ALL, ALL } },
	{ 0x80000003, 0, .keep = { ALL, ALL, ALL, ALL } },
	{ 0x80000004, 0, .keep = { ALL, ALL, ALL, ALL } },
	{ 0x80000005, 0, .keep = { ALL, ALL, ALL, ALL } },
	{ 0x80000006, 0, .keep = { ALL, ALL, ALL, ALL } },
	{ 0x80000007, 0, .keep = { NONE, NONE, NONE, BIT(8) } },
	{ 0x80000008, 0, .keep = { 0xffff, BITS_EXT8_EBX, NONE, NONE } },
	{ 0x80000019, 0, .keep = { ALL, ALL, NONE, NONE } },
	{ 0x8000001a, 0, .keep = { GENMASK(2, 0), NONE, NONE, NONE } },
	{ .leaf = 0x8000001e },
	{ 0x80000021, 0, .keep = { BITS_EXT21_EAX, NONE, NONE, NONE } },
};

/* Bits that are of use only with a component of XCR0. */
static const struct cpuid_need {
	u32 leaf, sub, reg, bits;
	u64 xcr0;
} cpuid_needs[] = {
	{ 1, 0, 2, BIT(26), BIT_ULL(0) },
	{ 1, 0, 2, BIT(12) | BIT(28) | BIT(29), X_YMM },
	{ 7, 0, 1, BIT(5), X_YMM },
	{ 7, 0, 2, BIT(9) | BIT(10), X_YMM },
	{ 7, 1, 0, GENMASK(2, 0) | BIT(4) | BIT(23), X_YMM },
	{ 7, 1, 3, BIT(4) | BIT(5) | BIT(10), X_YMM },
	{ 0x80000001, 0, 2, BIT(11) | BIT(16), X_YMM },
	{ 7, 0, 1, BIT(16) | BIT(17) | BIT(21) | GENMASK(28, 26) | BIT(30) |
		   BIT(31), X_AVX512 },
	{ 7, 0, 2, BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14), X_AVX512 },
	{ 7, 0, 3, BIT(2) | BIT(3) | BIT(8) | BIT(23), X_AVX512 },
	{ 7, 1, 0, BIT(5), X_AVX512 },
	{ 7, 0, 2, BIT(3), X_PKRU },
};

/* The table being built. */
struct cpuid_out {
	struct kvm_cpuid_entry2 *e;
	u32 room;
	u32 nr;
	bool full;
};

static void cpuid_add(struct cpuid_out *out, u32 leaf, u32 sub, bool indexed,
		      const u32 *r)
{
	struct kvm_cpuid_entry2 *e;

	if (out->nr == out->room) {
		out->full = true;
		return;
	}
	e = &out->e[out->nr++];
	memset(e, 0, sizeof(*e));
	e->function = leaf;
	e->index = sub;
	e->flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	e->eax = r[0];
	e->ebx = r[1];
	e->ecx = r[2];
	e->edx = r[3];
}

static void cpuid_drop_useless(const struct cpuid_rule *rule, u64 xcr0, u32 *r)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cpuid_needs); i++) {
		const struct cpuid_need *n = &cpuid_needs[i];

		if (n->leaf == rule->leaf && n->sub == rule->sub &&
		    (n->xcr0 & xcr0) != n->xcr0)
			r[n->reg] &= ~n->bits;
	}
}

/* What masks can't say. @h: the host's registers, @r: the guest's. */
static void cpuid_fix(const struct cpuid_rule *rule, const u32 *h, u32 *r)
{
	switch (rule->leaf) {
	case 0:
		r[0] = min_t(u32, h[0], 0x1f);
		break;
	case 7:
		if (rule->sub == 0)
			r[0] = min_t(u32, h[0], 1);
		break;
	case 0x80000008:
		/*
		 * 57-bit linear addresses are not for guests; four levels of
		 * tables reach 48 bits of physical ones.
		 */
		r[0] = min_t(u32, h[0] & 0xff, 48) | 48 << 8;
		break;
	}
}

static bool cpuid_has_sub(const struct lodge_cpuid_host *host,
			  const struct cpuid_rule *rule)
{
	u32 h[4];

	host->read(rule->leaf, 0, h);
	return h[0] >= rule->sub;
}

static void cpuid_rule_apply(const struct lodge_cpuid_host *host,
			     const struct cpuid_rule *rule,
			     struct cpuid_out *out)
{
	u32 h[4], r[4], i;

	host->read(rule->leaf, rule->sub, h);
	for (i = 0; i < 4; i++) {
		r[i] = h[i] & rule->keep[i] &
		       host->kernel(rule->leaf, rule->sub, i);
		r[i] |= rule->force[i];
	}
	cpuid_drop_useless(rule, host->xcr0, r);
	cpuid_fix(rule, h, r);
	cpuid_add(out, rule->leaf, rule->sub, rule->indexed, r);
}

/* Leaves 4 and 0x8000001d: a subleaf a cache, until a type of 0. */
static void cpuid_add_caches(const struct lodge_cpuid_host *host, u32 leaf,
			     struct cpuid_out *out)
{
	u32 r[4], sub;

	for (sub = 0; sub < 8; sub++) {
		host->read(leaf, sub, r);
		cpuid_add(out, leaf, sub, true, r);
		if (!(r[0] & 0x1f))
			break;
	}
}

/* Leaf 0xd: state components, in the standard format of the host. */
static void cpuid_add_xsave(const struct lodge_cpuid_host *host,
			    struct cpuid_out *out)
{
	u32 r[4] = {}, sub;

	if (host->xcr0) {
		r[0] = host->xcr0;
		r[1] = host->xsave_size(host->xcr0, false);
		r[2] = r[1];
		r[3] = host->xcr0 >> 32;
	}
	cpuid_add(out, 0xd, 0, true, r);
	if (!host->xcr0)
		return;

	host->read(0xd, 1, r);
	/* XSAVEOPT, XSAVEC, XGETBV 1, XSAVES; no supervisor state */
	r[0] &= GENMASK(3, 0) & host->kernel(0xd, 1, 0);
	r[1] = r[0] & (BIT(1) | BIT(3)) ?
	       host->xsave_size(host->xcr0, true) : 0;
	r[2] = 0;
	r[3] = 0;
	cpuid_add(out, 0xd, 1, true, r);
	for (sub = 2; sub < 63; sub++) {
		if (!(host->xcr0 & BIT_ULL(sub)))
			continue;
		host->read(0xd, sub, r);
		r[2] &= BIT(1);
		r[3] = 0;
		cpuid_add(out, 0xd, sub, true, r);
	}
}

static void cpuid_add_pv(const struct lodge_cpuid_host *host,
			 struct cpuid_out *out)
{
	u32 r[4] = { LODGE_CPUID_HV | 1, 0, 0, 0 };

	memcpy(&r[1], LODGE_CPUID_KVM, 12);
	cpuid_add(out, LODGE_CPUID_HV, 0, false, r);
	memset(r, 0, sizeof(r));
	r[0] = host->pv_features;
	cpuid_add(out, LODGE_CPUID_HV | 1, 0, false, r);
}

static void cpuid_add_range(const struct lodge_cpuid_host *host, u32 from,
			    u32 max, struct cpuid_out *out)
{
	bool caches = from ? max >= 0x8000001d : max >= 4;
	bool xsave = !from && max >= 0xd;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cpuid_rules); i++) {
		const struct cpuid_rule *rule = &cpuid_rules[i];

		if (rule->leaf < from || rule->leaf > max ||
		    (rule->sub && !cpuid_has_sub(host, rule)))
			continue;
		if (caches && rule->leaf > (from ? 0x8000001d : 4)) {
			cpuid_add_caches(host, from ? 0x8000001d : 4, out);
			caches = false;
		}
		if (xsave && rule->leaf > 0xd) {
			cpuid_add_xsave(host, out);
			xsave = false;
		}
		cpuid_rule_apply(host, rule, out);
	}
	if (caches)
		cpuid_add_caches(host, from ? 0x8000001d : 4, out);
	if (xsave)
		cpuid_add_xsave(host, out);
}

/**
 * lodge_cpuid_build() - the CPUID that guests can have on a host
 * @host: of the host
 * @e: filled, sorted by leaf and subleaf in each range
 * @room: entries there are in @e
 *
 * Return: number of entries, or -E2BIG.
 */
int lodge_cpuid_build(const struct lodge_cpuid_host *host,
		      struct kvm_cpuid_entry2 *e, u32 room)
{
	struct cpuid_out out = { .e = e, .room = room };
	u32 r[4], top[4] = {};

	host->read(0, 0, r);
	cpuid_add_range(host, 0, min_t(u32, r[0], 0x1f), &out);
	cpuid_add_pv(host, &out);
	host->read(LODGE_CPUID_EXT, 0, r);
	if (r[0] >= LODGE_CPUID_EXT) {
		memcpy(top, r, sizeof(top));
		top[0] = min_t(u32, r[0], 0x80000021);
		cpuid_add(&out, LODGE_CPUID_EXT, 0, false, top);
		cpuid_add_range(host, LODGE_CPUID_EXT | 1, top[0], &out);
	}
	return out.full ? -E2BIG : (int)out.nr;
}
