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

static void base_make(struct vmx_state *s, enum base base)
{
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

/* Valid states beside those that mutations start from. */
static void test_valid(void)
{
	struct lodge_check c;
	struct vmx_state s;
	int base;

	for (base = 0; base < BASES; base++) {
		base_make(&s, base);
		c = (struct lodge_check){};
		CHECK(!vmx_check(&c, &s));
		if (c.id)
			printf("# state %d: %s %s\n", base, c.id, c.field);
		CHECK(c.nr > 100);
	}
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
	CHECK(!vmx_check(&(struct lodge_check){}, &s));
}

static void apply(struct vmx_state *s, const struct op *op, int seg)
{
	size_t first = offsetof(struct vmx_state, guest.seg[0]);
	size_t offset = op->offset;
	u64 v = 0;

	if (offset >= first && offset < first + sizeof(s->guest.seg[0]))
		offset += seg * sizeof(s->guest.seg[0]);
	memcpy(&v, (char *)s + offset, op->size);
	if (op->kind == OP_SET)
		v = op->value;
	else if (op->kind == OP_ON)
		v |= op->value;
	else
		v &= ~op->value;
	memcpy((char *)s + offset, &v, op->size);
}

/* Rules by (id, field), in the order of the walk, with their mutations. */
static struct {
	const char *id, *field;
	unsigned int mutations;
} rules[400];
static unsigned int nr_rules;

static void rules_list(void)
{
	struct vmx_state s;
	u32 i;

	base_make(&s, LONG);
	for (i = 1; i < ARRAY_SIZE(rules); i++) {
		struct lodge_check c = { .stop = i };

		if (!vmx_check(&c, &s))
			break;
		CHECK(c.id && c.field && *c.rule && c.section);
		rules[i - 1].id = c.id;
		rules[i - 1].field = c.field;
	}
	nr_rules = i - 1;
}

/* Names differ, or a broken rule could not be told from another. */
static void test_names(void)
{
	char text[512];
	unsigned int i, j;

	CHECK(nr_rules > 150 && nr_rules < ARRAY_SIZE(rules) - 1);
	for (i = 0; i < nr_rules; i++) {
		struct lodge_check c = { .stop = i + 1 };
		struct vmx_state s;

		for (j = 0; j < i; j++)
			CHECK(strcmp(rules[i].id, rules[j].id) ||
			      strcmp(rules[i].field, rules[j].field));
		base_make(&s, REAL);
		vmx_check(&c, &s);
		CHECK(lodge_check_text(&c, text, sizeof(text)) < 256);
	}
	for (i = 0; i < 16; i++) {
		struct lodge_check c = { .stop = 3 };
		struct vmx_state s;

		base_make(&s, LONG);
		vmx_check(&c, &s);
		lodge_check_text(&c, text, i);	/* no room is no overflow */
	}
}

static void mutate(const struct mutation *m, int seg)
{
	struct lodge_check c = {}, rest;
	struct vmx_state s;
	unsigned int i;

	base_make(&s, m->base);
	for (i = 0; i < ARRAY_SIZE(m->ops) && m->ops[i].kind; i++)
		apply(&s, &m->ops[i], seg);
	if (!vmx_check(&c, &s) || strcmp(c.id, m->id)) {
		printf("# a state that breaks %s (register %d): %s %s\n",
		       m->id, seg, c.id ?: "nothing", c.field ?: "");
		CHECK(false);
		return;
	}
	rules[c.nr - 1].mutations++;
	rest = (struct lodge_check){ .from = c.nr + 1 };
	if (vmx_check(&rest, &s)) {
		printf("# a state that breaks %s (register %d) breaks %s, too\n",
		       m->id, seg, rest.id);
		CHECK(false);
	}
}

static void mutate_all(const struct mutation *rows, unsigned int nr)
{
	unsigned int i, seg;

	for (i = 0; i < nr; i++) {
		if (!rows[i].segs)
			mutate(&rows[i], 0);
		for (seg = 0; seg < LODGE_SEG_NR; seg++)
			if (rows[i].segs & BIT(seg))
				mutate(&rows[i], seg);
	}
}

static void test_controls(void)
{
	mutate_all(ctl_rows, nr_ctl_rows);
}

static void test_guest(void)
{
	mutate_all(guest_rows, nr_guest_rows);
}

static void test_segs(void)
{
	mutate_all(seg_rows, nr_seg_rows);
}

/* The manual's rules that are in no walk. */
static const struct {
	const char *rule, *why;
} uncovered[] = {
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
	{ "supervisor shadow stacks of CET, as CR4 has them", "never loaded" },
};

static void test_covered(void)
{
	unsigned int i, j, ids = 0, covered = 0;

	for (i = 0; i < nr_rules; i++) {
		if (!rules[i].mutations) {
			printf("# no mutation breaks %s of %s\n", rules[i].id,
			       rules[i].field);
			CHECK(false);
		}
		for (j = 0; j < i && strcmp(rules[i].id, rules[j].id); j++)
			;
		ids += j == i;
		covered += j == i && rules[i].mutations;
	}
	for (i = 0; i < ARRAY_SIZE(uncovered); i++)
		printf("# not covered: %s (%s)\n", uncovered[i].rule,
		       uncovered[i].why);
	printf("# vmx: %u rules covered, of %zu in the manual (%u checks)\n",
	       covered, ids + ARRAY_SIZE(uncovered), nr_rules);
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

	rules_list();
	return ktap_run(tests, ARRAY_SIZE(tests));
}
