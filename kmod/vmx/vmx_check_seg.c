// SPDX-License-Identifier: GPL-2.0
/*
 * "Checks on Guest Segment Registers" of the Intel manual. Called by
 * vmx_check_guest(). Pure. Next: vmx_check.c.
 */
#include "vmx_check.h"

#define NAMES(part) {							\
	"guest.es." part, "guest.cs." part, "guest.ss." part,		\
	"guest.ds." part, "guest.fs." part, "guest.gs." part,		\
	"guest.ldtr." part, "guest.tr." part,				\
}

static const char * const sel_names[] = NAMES("selector");
static const char * const base_names[] = NAMES("base");
static const char * const limit_names[] = NAMES("limit");
static const char * const ar_names[] = NAMES("access");

#define SEG_RULE(id, part, n, ok, text)					\
	lodge_check_rule(c, id, part##_names[n], s->guest.seg[n].part,	\
			 ok, text)

static bool usable(const struct vmx_state *s, int n)
{
	return n == LODGE_CS || !(s->guest.seg[n].ar & LODGE_AR_UNUSABLE);
}

static u32 type(const struct vmx_state *s, int n)
{
	return FIELD_GET(LODGE_AR_TYPE, s->guest.seg[n].ar);
}

static u32 dpl(const struct vmx_state *s, int n)
{
	return FIELD_GET(LODGE_AR_DPL, s->guest.seg[n].ar);
}

static u32 rpl(const struct vmx_state *s, int n)
{
	return s->guest.seg[n].sel & 3;
}

static bool restricted(const struct vmx_state *s)
{
	return !vmx_proc2(s, VMX_PROC2_UNRESTRICTED);
}

static bool v86(const struct vmx_state *s)
{
	return s->guest.rflags & LODGE_RFLAGS_VM;
}

static bool long_mode(const struct vmx_state *s)
{
	return s->ctl.entry & VMX_ENTRYC_LONG_MODE;
}

static bool check_selectors(struct lodge_check *c, const struct vmx_state *s)
{
	return SEG_RULE("tr-ti", sel, LODGE_TR, !(s->guest.seg[LODGE_TR].sel & 4),
			"TI must be 0") ||
	       SEG_RULE("ldtr-ti", sel, LODGE_LDTR, !usable(s, LODGE_LDTR) ||
			!(s->guest.seg[LODGE_LDTR].sel & 4),
			"TI must be 0") ||
	       SEG_RULE("ss-rpl", sel, LODGE_SS, v86(s) || !restricted(s) ||
			rpl(s, LODGE_SS) == rpl(s, LODGE_CS),
			"RPL must be that of CS");
}

static bool check_v86(struct lodge_check *c, const struct vmx_state *s)
{
	int n;

	for (n = LODGE_ES; n <= LODGE_GS; n++) {
		const struct vmx_guest_seg *seg = &s->guest.seg[n];

		if (SEG_RULE("v86-base", base, n,
			     !v86(s) || seg->base == seg->sel << 4,
			     "must be the selector * 16 in virtual-8086 mode") ||
		    SEG_RULE("v86-limit", limit, n,
			     !v86(s) || seg->limit == 0xffff,
			     "must be 0xffff in virtual-8086 mode") ||
		    SEG_RULE("v86-access", ar, n, !v86(s) || seg->ar == 0xf3,
			     "must be 0xf3 in virtual-8086 mode"))
			return true;
	}
	return false;
}

static bool check_bases(struct lodge_check *c, const struct vmx_state *s)
{
	static const char canonical[] = "must be a canonical address";
	static const char high[] = "bits 63:32 must be 0";
	const struct vmx_guest_seg *seg = s->guest.seg;

	return SEG_RULE("seg-canonical", base, LODGE_TR,
			vmx_canonical(s, seg[LODGE_TR].base), canonical) ||
	       SEG_RULE("seg-canonical", base, LODGE_FS,
			vmx_canonical(s, seg[LODGE_FS].base), canonical) ||
	       SEG_RULE("seg-canonical", base, LODGE_GS,
			vmx_canonical(s, seg[LODGE_GS].base), canonical) ||
	       SEG_RULE("seg-canonical", base, LODGE_LDTR,
			!usable(s, LODGE_LDTR) ||
			vmx_canonical(s, seg[LODGE_LDTR].base), canonical) ||
	       SEG_RULE("seg-base-high", base, LODGE_CS,
			!(seg[LODGE_CS].base >> 32), high) ||
	       SEG_RULE("seg-base-high", base, LODGE_SS,
			!usable(s, LODGE_SS) ||
			!(seg[LODGE_SS].base >> 32), high) ||
	       SEG_RULE("seg-base-high", base, LODGE_DS,
			!usable(s, LODGE_DS) ||
			!(seg[LODGE_DS].base >> 32), high) ||
	       SEG_RULE("seg-base-high", base, LODGE_ES,
			!usable(s, LODGE_ES) ||
			!(seg[LODGE_ES].base >> 32), high);
}

static bool cs_type_ok(const struct vmx_state *s)
{
	u32 t = type(s, LODGE_CS);

	return (t & 9) == 9 || (t == 3 && !restricted(s));
}

/* Accessed, and if code, readable. */
static bool data_type_ok(u32 t)
{
	return (t & 1) && (!(t & 8) || (t & 2));
}

static bool check_types(struct lodge_check *c, const struct vmx_state *s)
{
	int n;

	if (SEG_RULE("cs-type", ar, LODGE_CS, v86(s) || cs_type_ok(s),
		     "must be accessed code (or, in an unrestricted guest, type 3)") ||
	    SEG_RULE("ss-type", ar, LODGE_SS, v86(s) || !usable(s, LODGE_SS) ||
		     type(s, LODGE_SS) == 3 || type(s, LODGE_SS) == 7,
		     "must be accessed, writable data"))
		return true;
	for (n = LODGE_ES; n <= LODGE_GS; n++) {
		if (n == LODGE_CS || n == LODGE_SS)
			continue;
		if (SEG_RULE("data-type", ar, n, v86(s) || !usable(s, n) ||
			     data_type_ok(type(s, n)),
			     "must be accessed, and readable if it is code"))
			return true;
	}
	return false;
}

static bool cs_dpl_ok(const struct vmx_state *s)
{
	u32 mine = dpl(s, LODGE_CS), stack = dpl(s, LODGE_SS);

	switch (type(s, LODGE_CS)) {
	case 3:
		return !mine;
	case 9:
	case 11:
		return mine == stack;
	case 13:
	case 15:
		return mine <= stack;
	default:
		return true;
	}
}

static bool check_dpls(struct lodge_check *c, const struct vmx_state *s)
{
	bool zero = type(s, LODGE_CS) == 3 || !(s->guest.cr0 & LODGE_CR0_PE);
	int n;

	if (SEG_RULE("cs-dpl", ar, LODGE_CS, v86(s) || cs_dpl_ok(s),
		     "DPL must be that of SS; if conforming, not above it; with type 3, 0") ||
	    SEG_RULE("ss-dpl-rpl", ar, LODGE_SS, v86(s) || !restricted(s) ||
		     dpl(s, LODGE_SS) == rpl(s, LODGE_SS),
		     "DPL must be the selector's RPL") ||
	    SEG_RULE("ss-dpl-0", ar, LODGE_SS,
		     v86(s) || !zero || !dpl(s, LODGE_SS),
		     "DPL must be 0 in real mode, and when CS has type 3"))
		return true;
	for (n = LODGE_ES; n <= LODGE_GS; n++) {
		if (n == LODGE_CS || n == LODGE_SS)
			continue;
		if (SEG_RULE("data-dpl", ar, n, v86(s) || !restricted(s) ||
			     !usable(s, n) || type(s, n) > 11 ||
			     dpl(s, n) >= rpl(s, n),
			     "DPL must not be below the selector's RPL"))
			return true;
	}
	return false;
}

/* Bits of the limit that one setting of G or the other could not have. */
static bool granularity_ok(const struct vmx_guest_seg *seg)
{
	if (seg->ar & LODGE_AR_G)
		return (seg->limit & 0xfff) == 0xfff;
	return !(seg->limit >> 20);
}

static const char p_text[] = "P must be 1 in a usable register";
static const char reserved_text[] = "bits 31:17 and 11:8 must be 0";
static const char g_text[] =
	"G must be 0 if any of bits 11:0 of the limit is 0, 1 if any of 31:20 is 1";

static bool check_access(struct lodge_check *c, const struct vmx_state *s)
{
	int n;

	for (n = LODGE_ES; n <= LODGE_GS; n++) {
		const struct vmx_guest_seg *seg = &s->guest.seg[n];
		bool on = !v86(s) && usable(s, n);

		if (SEG_RULE("seg-s", ar, n, !on || (seg->ar & LODGE_AR_S),
			     "S must be 1: code or data") ||
		    SEG_RULE("seg-p", ar, n, !on || (seg->ar & LODGE_AR_P),
			     p_text) ||
		    SEG_RULE("seg-reserved", ar, n,
			     !on || !(seg->ar & VMX_AR_RESERVED),
			     reserved_text) ||
		    SEG_RULE("seg-g", ar, n, !on || granularity_ok(seg),
			     g_text))
			return true;
	}
	return SEG_RULE("cs-db", ar, LODGE_CS, v86(s) || !long_mode(s) ||
			(s->guest.seg[LODGE_CS].ar &
			 (LODGE_AR_L | LODGE_AR_DB)) !=
			(LODGE_AR_L | LODGE_AR_DB),
			"D must be 0 in 64-bit code");
}

static bool check_system(struct lodge_check *c, const struct vmx_state *s,
			 int n, bool type_ok)
{
	const struct vmx_guest_seg *seg = &s->guest.seg[n];
	bool on = n == LODGE_TR || usable(s, n);

	return SEG_RULE("system-type", ar, n, !on || type_ok,
			n == LODGE_TR ?
			"must be a busy TSS, of 32 bits in IA-32e mode" :
			"must be an LDT") ||
	       SEG_RULE("system-s", ar, n, !on || !(seg->ar & LODGE_AR_S),
			"S must be 0: a system segment") ||
	       SEG_RULE("system-p", ar, n, !on || (seg->ar & LODGE_AR_P),
			p_text) ||
	       SEG_RULE("system-reserved", ar, n,
			!on || !(seg->ar & VMX_AR_RESERVED), reserved_text) ||
	       SEG_RULE("system-g", ar, n, !on || granularity_ok(seg), g_text);
}

/**
 * vmx_check_guest_segs() - the manual's rules for segment registers
 * @c: walk
 * @s: state
 *
 * Return: true: one is broken.
 */
bool vmx_check_guest_segs(struct lodge_check *c, const struct vmx_state *s)
{
	u32 tss = type(s, LODGE_TR);

	return check_selectors(c, s) || check_v86(c, s) || check_bases(c, s) ||
	       check_types(c, s) || check_dpls(c, s) || check_access(c, s) ||
	       check_system(c, s, LODGE_TR,
			    tss == 11 || (tss == 3 && !long_mode(s))) ||
	       SEG_RULE("tr-usable", ar, LODGE_TR,
			!(s->guest.seg[LODGE_TR].ar & LODGE_AR_UNUSABLE),
			"TR must be usable") ||
	       check_system(c, s, LODGE_LDTR, type(s, LODGE_LDTR) == 2);
}
