// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the checker in kmod/vmx/vmx_check*.c: valid states break no rule;
 * each mutation breaks one, and the checker names it; and each rule has a
 * mutation. Prints how many rules of the manual are covered.
 */
#include <stdio.h>

#include "check.h"
#include "ktap.h"

int ktap_failures;

/* The controls' capability MSRs: what must be 1, and what else may be. */
#define CAP(must, may)	((u64)((must) | (may)) << 32 | (must))
#define PIN_MUST	0x16ULL
#define PROC_MUST	0x04006172ULL
#define EXIT_MUST	0x00036dfbULL
#define ENTRY_MUST	0x000011fbULL

static const struct vmx_cpu_facts cpu = {
	.basic = VMX_CAP_TRUE_CTLS | 6ULL << 50 | 4096ULL << 32 | 0x11,
	.misc = VMX_CAP_HLT | VMX_CAP_SHUTDOWN | 4 << 16,
	.ept_vpid = VMX_CAP_EPT_4_LEVELS | VMX_CAP_EPT_WB | VMX_CAP_EPT_AD,
	.vmfunc = 1,
	.pin = CAP(PIN_MUST, 0xe9ULL),
	.proc = CAP(PROC_MUST, 0xfffffffeULL),
	.proc2 = CAP(0ULL, 0xdfffffffULL),
	.proc3 = 0xff,
	.exit = CAP(EXIT_MUST, 0xf7fc9204ULL),
	.exit2 = 0x8,
	.entry = CAP(ENTRY_MUST, 0x007fee04ULL),
	.cr0_fixed0 = LODGE_CR0_PE | LODGE_CR0_NE | LODGE_CR0_PG,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = LODGE_CR4_VMXE,
	.cr4_fixed1 = 0x00ff7fff,
	.perf_global = 0x70000000fULL,
	.rtit_ctl = 0xffff,
	.s_cet = 0xc3f,
	.efer = LODGE_EFER_LMA | LODGE_EFER_LME,
	.vmcs = 0x5000,
	.phys_bits = 40,
	.linear_bits = 48,
};

#define PAT_RESET	0x0007040600070406ULL

static const struct vmx_controls controls = {
	.pin = PIN_MUST | VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI,
	.proc = PROC_MUST | VMX_PROC_SECONDARY | VMX_PROC_HLT |
		VMX_PROC_IO_BITMAPS | VMX_PROC_MSR_BITMAPS,
	.proc2 = VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED | VMX_PROC2_VPID,
	.exit = EXIT_MUST | VMX_EXITC_HOST_64 | VMX_EXITC_LOAD_EFER |
		VMX_EXITC_LOAD_PAT | VMX_EXITC_SAVE_DEBUG,
	.entry = ENTRY_MUST | VMX_ENTRYC_LOAD_EFER | VMX_ENTRYC_LOAD_PAT |
		 VMX_ENTRYC_LOAD_DEBUG,
	.io_bitmap_a = 0x1000, .io_bitmap_b = 0x2000, .msr_bitmap = 0x3000,
	.eptp = 0x1234005e, .vpid = 7,
};

static const struct vmx_host host = {
	.cr0 = 0x80050033, .cr3 = 0x1000, .cr4 = 0x000426e0,
	.efer = 0xd01, .pat = PAT_RESET,
	.sysenter_esp = 0xfffffe0000001000, .rip = 0xffffffffc0001000,
	.cs = 0x10, .ss = 0x18, .tr = 0x40,
	.fs_base = 0x7fff12345000, .gs_base = 0xffff888000000000,
	.tr_base = 0xfffffe0000003000, .gdtr_base = 0xfffffe0000001000,
	.idtr_base = 0xfffffe0000000000,
};

static void base_segs(struct vmx_guest *g, u64 limit, u64 code, u64 data)
{
	int n;

	for (n = LODGE_ES; n <= LODGE_GS; n++) {
		g->seg[n].limit = limit;
		g->seg[n].ar = n == LODGE_CS ? code : data;
		g->seg[n].sel = n == LODGE_CS ? 0x10 : 0x18;
	}
	g->seg[LODGE_TR] = (struct vmx_guest_seg){ 0x40, 0x3000, 0x67, 0x8b };
	g->seg[LODGE_LDTR] = (struct vmx_guest_seg){ 0x28, 0x5000, 0x7f, 0x82 };
}

static void base_make(void *state, int base)
{
	struct vmx_state *s = state;
	struct vmx_guest *g = &s->guest;

	*s = (struct vmx_state){ .cpu = cpu, .ctl = controls, .host = host };
	*g = (struct vmx_guest){
		.cr0 = LODGE_CR0_NE, .cr3 = 0x1000, .cr4 = LODGE_CR4_VMXE,
		.dr7 = 0x400, .pat = PAT_RESET, .gdtr_limit = 0xffff,
		.idtr_limit = 0xffff, .rip = 0xfff0, .link = VMCS_NO_LINK,
		.rflags = LODGE_RFLAGS_1 | LODGE_RFLAGS_IF,
	};
	switch (base) {
	case LONG:
		g->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG | LODGE_CR0_WP;
		g->cr4 |= LODGE_CR4_PAE;
		g->efer = VMX_EFER_BITS;
		g->rip = 0xffffffff81000000;
		s->ctl.entry |= VMX_ENTRYC_LONG_MODE;
		base_segs(g, 0xffffffff, 0xa09b, 0xc093);
		break;
	case PAE:
		g->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG;
		g->cr4 |= LODGE_CR4_PAE;
		g->pdpte[0] = BIT_ULL(39) | 1;
		g->pdpte[1] = ~1ULL;	/* not present: anything goes */
		base_segs(g, 0xffffffff, 0xc09b, 0xc093);
		break;
	case V86:
		g->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG;
		g->rflags |= LODGE_RFLAGS_VM;
		base_segs(g, 0xffff, 0xf3, 0xf3);
		for (int n = LODGE_ES; n <= LODGE_GS; n++)
			g->seg[n].base = g->seg[n].sel << 4;
		break;
	default:
		base_segs(g, 0xffff, 0x9b, 0x93);
	}
}

static bool base_check(struct lodge_check *c, const void *state)
{
	return vmx_check(c, state);
}

static struct vmx_state state;

static const struct rules rules = {
	.name = "vmx", .state = &state,
	.seg = offsetof(struct vmx_state, guest.seg[0]),
	.seg_size = sizeof(struct vmx_guest_seg),
	.bases = BASES, .make = base_make, .check = base_check,
};

/* Valid states, also beside those that mutations start from. */
static void test_valid(void)
{
	struct vmx_state s;

	rules_valid(&rules);
	/* Big real mode, unusable registers, halted, an NMI for it. */
	base_make(&s, REAL);
	s.guest.seg[LODGE_DS] = (struct vmx_guest_seg){ .ar = 0x10000 };
	s.guest.seg[LODGE_ES].limit = 0xffffffff;
	s.guest.seg[LODGE_ES].ar |= LODGE_AR_G;
	s.guest.activity = VMX_HLT;
	s.ctl.intr_info = 0x80000202;
	CHECK(!vmx_check(&(struct lodge_check){}, &s));
	/* User code with an error code on its way, a step pending. */
	base_make(&s, LONG);
	s.guest.seg[LODGE_CS].ar |= LODGE_AR_DPL;
	s.guest.seg[LODGE_SS].ar |= LODGE_AR_DPL;
	s.guest.interruptibility = VMX_BLOCK_STI;
	s.guest.rflags |= LODGE_RFLAGS_TF;
	s.guest.pending_debug = VMX_PENDING_BS;
	s.ctl.intr_info = 0x80000b0d;
	s.ctl.intr_error = 0x7fff;
	s.guest.rip = 0x800000000000;	/* ran off the end of the lower half */
	CHECK(!vmx_check(&(struct lodge_check){}, &s));
}

static void test_names(void)
{
	rules_names(&rules);
}

static void test_controls(void)
{
	rules_mutate(&rules, ctl_rows, nr_ctl_rows);
}

static void test_guest(void)
{
	rules_mutate(&rules, guest_rows, nr_guest_rows);
}

static void test_segs(void)
{
	rules_mutate(&rules, seg_rows, nr_seg_rows);
}

/* The manual's rules that are in no walk. */
static void test_covered(void)
{
	static const struct uncovered uncovered[] = {
		{ "host: IA-32e guest needs a 64-bit host",
		  "follows from the mode the CPU is in" },
		{ "entry: not both into SMM and its monitor off",
		  "neither is possible outside SMM" },
		{ "activity: no wait-for-SIPI on entry to SMM", "no SMM" },
		{ "interruptibility: SMIs blocked on entry to SMM", "no SMM" },
		{ "link pointer: not the executive VMCS, in SMM", "no SMM" },
		{ "PDPTEs in memory", "EPT is always on" },
		{ "IA32_RTIT_CTL: combinations", "never loaded" },
		{ "HLAT prefix size, shared EPT pointer", "never on" },
		{ "FRED MSRs of host and guest", "never loaded" },
		{ "CET: supervisor shadow stacks", "never loaded" },
	};

	rules_covered(&rules, uncovered, ARRAY_SIZE(uncovered));
}

/* What is read goes where it belongs: each field to a place of its own. */
static u64 read_fake(u32 field)
{
	return 0x1000000 + field;
}

static void test_read(void)
{
	struct vmx_state s = {};
	u64 *w = (u64 *)&s, *end = (u64 *)&s.cpu, *v;

	vmx_state_read(&s, read_fake);
	CHECK_EQ(s.ctl.pin, 0x1004000);
	CHECK_EQ(s.guest.seg[LODGE_TR].ar, 0x1004822);
	CHECK_EQ(s.guest.seg[LODGE_ES].base, 0x1006806);
	CHECK_EQ(s.guest.pdpte[3], 0x1002810);
	CHECK_EQ(s.host.rip, 0x1006c16);
	for (; w < end; w++) {
		CHECK(*w);
		for (v = (u64 *)&s; v < w; v++)
			CHECK(*v != *w);
	}
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "vmx: valid states break no rule", test_valid },
		{ "vmx: fields are read to their places", test_read },
		{ "vmx: rules have names of their own", test_names },
		{ "vmx: rules for controls and the host state", test_controls },
		{ "vmx: rules for the guest state", test_guest },
		{ "vmx: rules for segment registers", test_segs },
		{ "vmx: each rule has been broken", test_covered },
	};

	rules_list(&rules);
	return ktap_run(tests, ARRAY_SIZE(tests));
}
