// SPDX-License-Identifier: GPL-2.0
/*
 * Random instructions, executed by the emulator and by the CPU: registers,
 * flags, memory and faults must be the same.
 *
 * LODGE_SEED and LODGE_ROUNDS (environment) change the sequence and its
 * length. Called from main.c. Next: vector_test.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../kmod/emul/internal.h"
#include "ktap.h"
#include "native_gen.h"

static u8 memory[DATA_RW_SIZE];		/* the emulator's */
static u8 xmm[16][16];

static u8 *page_at(gpa_t gpa)
{
	if (gpa >= CODE_BASE && gpa < CODE_BASE + CODE_SIZE)
		return native_code + (gpa - CODE_BASE);
	if (gpa >= DATA_BASE && gpa < DATA_BASE + DATA_RW_SIZE)
		return memory + (gpa - DATA_BASE);
	return (u8 *)gpa;		/* the read-only page */
}

static u64 descriptor(const struct lodge_seg *s)
{
	return (s->limit & 0xffff) | (s->base & 0xffffff) << 16 |
	       (u64)(s->ar & 0xf0ff) << 40 |
	       (u64)(s->limit & 0xf0000) << 32 |
	       (s->base & 0xff000000) << 32;
}

/*
 * The LDT as native.c has made it, and what the kernel's GDT has for user
 * code; nothing else there can be loaded with CPL 3.
 */
static bool read_table(gpa_t gpa, u8 *data, unsigned int len)
{
	static const struct lodge_seg user[] = {
		[4] = { .ar = 0xc0fb, .limit = 0xfffff },
		[5] = { .ar = 0xc0f3, .limit = 0xfffff },
		[6] = { .ar = 0xa0fb, .limit = 0xfffff },
		[15] = { .ar = 0x40f1 },
	};
	unsigned int at = gpa & 0xfff;
	u64 entry[2] = {};

	if (gpa >= LDT_BASE && gpa < LDT_BASE + SEG_NR * 8)
		entry[0] = descriptor(&native_ldt[at / 8]);
	else if (gpa >= GDT_BASE && gpa < GDT_BASE + sizeof(user))
		entry[0] = descriptor(&user[at / 8]);
	else
		return false;
	memcpy(data, (u8 *)entry + at % 8, len);
	return true;
}

static int translate(struct lodge_emul *e, gva_t la, unsigned int access,
		     gpa_t *gpa)
{
	u32 error = LODGE_PF_U;
	bool code = la >= CODE_BASE && la < CODE_BASE + CODE_SIZE;
	bool data = la >= DATA_BASE && la < DATA_BASE + DATA_SIZE;
	bool rw = data && la < DATA_BASE + DATA_RW_SIZE;

	*gpa = la;
	if (access & LODGE_ACCESS_IMPLICIT)
		return LODGE_EMUL_OK;
	if (access & LODGE_ACCESS_FETCH)
		error |= LODGE_PF_I;
	if (access & LODGE_ACCESS_WRITE)
		error |= LODGE_PF_W;
	if (code || data)
		error |= LODGE_PF_P;
	if ((error & LODGE_PF_I) ? code : (error & LODGE_PF_W) ? rw :
	    code || data)
		return LODGE_EMUL_OK;
	return lodge_emul_raise_pf(e, la, error);
}

static int read_mem(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len)
{
	(void)e;
	if (!read_table(gpa, data, len))
		memcpy(data, page_at(gpa), len);
	return LODGE_EMUL_OK;
}

static int write_mem(struct lodge_emul *e, gpa_t gpa, const void *data,
		     unsigned int len)
{
	(void)e;
	memcpy(page_at(gpa), data, len);
	return LODGE_EMUL_OK;
}

static int cmpxchg_mem(struct lodge_emul *e, gpa_t gpa, const void *old,
		       const void *new, unsigned int len)
{
	(void)e;
	if (memcmp(page_at(gpa), old, len))
		return LODGE_EMUL_RETRY;
	memcpy(page_at(gpa), new, len);
	return LODGE_EMUL_OK;
}

static int read_xmm(struct lodge_emul *e, unsigned int nr, void *data)
{
	(void)e;
	memcpy(data, xmm[nr], 16);
	return LODGE_EMUL_OK;
}

static int write_xmm(struct lodge_emul *e, unsigned int nr, const void *data)
{
	(void)e;
	memcpy(xmm[nr], data, 16);
	return LODGE_EMUL_OK;
}

static const struct lodge_emul_ops ops = {
	.translate = translate, .read = read_mem, .write = write_mem,
	.cmpxchg = cmpxchg_mem, .xmm_read = read_xmm, .xmm_write = write_xmm,
};

static void show(const struct sample *s, const char *what)
{
	char line[64];
	unsigned int i, n = 0;

	for (i = 0; i < s->len; i++)
		n += sprintf(line + n, "%02x ", s->bytes[i]);
	ktap_diag("%s: %s: %sin %u-bit code, DS %u, ES %u", what, s->t->name,
		  line, s->bits, s->ds, s->es);
}

/* Flags that may differ, the manuals being silent. */
static u64 undefined_flags(const struct sample *s, const struct lodge_emul *e)
{
	u64 u = s->t->undefined;
	unsigned int bits = e->size * 8, count;

	if (!(u & (U_SHIFT | U_DOUBLE)))
		return u;
	count = u & U_DOUBLE ? (s->t->imm ? e->insn.imm : s->gpr[LODGE_RCX]) :
			       e->src;
	count &= bits == 64 ? 0x3f : 0x1f;
	if (!count)
		return 0;
	if (count == 1)
		return u & U_DOUBLE || e->insn.op->aux >= 4 ? U_AF : 0;
	if (u & U_DOUBLE)
		return count > bits ? U_ALL : U_AF | LODGE_RFLAGS_OF;
	if (e->insn.op->aux < 4)
		return LODGE_RFLAGS_OF;
	return U_AF | LODGE_RFLAGS_OF |
	       (count >= bits && e->insn.op->aux != 7 ? LODGE_RFLAGS_CF : 0);
}

static bool is_fault(const struct native_state *n, const struct lodge_emul *e)
{
	return n->faulted && n->vector == e->fault.vector &&
	       n->error == e->fault.error &&
	       (n->vector != LODGE_PF || n->cr2 == e->fault.cr2);
}

/*
 * Which operand of CMPS is read first is the CPU's choice. Where both fault, it
 * may be the other one's fault: that of SCAS, which reads that one alone.
 */
static bool is_other_fault(const struct sample *s, const struct native_state *n,
			   const struct lodge_regs *r)
{
	static struct lodge_emul e;
	struct lodge_regs regs = *r;
	u8 bytes[sizeof(s->bytes)];

	if (!(s->t->flags & T_STRING) || (s->bytes[s->len - 1] & 0xfe) != 0xa6)
		return false;
	memcpy(bytes, s->bytes, s->len);
	bytes[s->len - 1] += 0xae - 0xa6;
	lodge_emul_init(&e, &regs, &ops, NULL);
	return lodge_emul_decode(&e, bytes, s->len) == LODGE_EMUL_OK &&
	       lodge_emul_execute(&e) == LODGE_EMUL_FAULT && is_fault(n, &e);
}

static bool same_fault(const struct sample *s, const struct native_state *n,
		       const struct lodge_regs *r, const struct lodge_emul *e)
{
	if (is_fault(n, e) || is_other_fault(s, n, r))
		return true;
	show(s, "fault");
	ktap_diag("emulator: vector %u error %x cr2 %llx", e->fault.vector,
		  e->fault.error, e->fault.cr2);
	ktap_diag("CPU: %s vector %u error %x cr2 %llx rip %llx",
		  n->faulted ? "fault" : "no fault", n->vector, n->error,
		  n->cr2, n->rip);
	return false;
}

/* On the way into the signal handler all null selectors become 0. */
static bool same_selector(u16 cpu, u16 emulator)
{
	return cpu == emulator || (!cpu && emulator < 4);
}

static bool same_registers(const struct sample *s,
			   const struct native_state *n,
			   const struct lodge_regs *r,
			   const struct lodge_emul *e)
{
	u64 mask = FLAGS_ARITH | LODGE_RFLAGS_DF, care;
	bool same = true;
	unsigned int i;

	for (i = 0; i < (s->long_mode ? 16 : 8); i++) {
		u64 cpu = s->long_mode ? n->gpr[i] : (u32)n->gpr[i];

		if (cpu == r->gpr[i])
			continue;
		if (same)
			show(s, "registers");
		ktap_diag("register %u was %llx: emulator %llx, CPU %llx", i,
			  s->gpr[i], r->gpr[i], cpu);
		same = false;
	}
	/* A faulting REP SCAS has its old flags, or those so far. */
	care = mask & ~undefined_flags(s, e);
	if (n->faulted && (s->t->flags & T_STRING))
		care = LODGE_RFLAGS_DF;
	if ((n->rflags ^ r->rflags) & care) {
		show(s, "flags");
		ktap_diag("flags were %llx: emulator %llx, CPU %llx",
			  s->rflags & mask, r->rflags & mask,
			  n->rflags & mask);
		same = false;
	}
	if (n->frame[1] != r->seg[LODGE_CS].sel ||
	    n->frame[4] != r->seg[LODGE_SS].sel ||
	    !same_selector(n->ds, r->seg[LODGE_DS].sel) ||
	    !same_selector(n->es, r->seg[LODGE_ES].sel)) {
		show(s, "segments");
		ktap_diag("emulator CS %x SS %x DS %x ES %x",
			  r->seg[LODGE_CS].sel, r->seg[LODGE_SS].sel,
			  r->seg[LODGE_DS].sel, r->seg[LODGE_ES].sel);
		ktap_diag("CPU CS %llx SS %llx DS %llx ES %llx", n->frame[1],
			  n->frame[4], n->ds, n->es);
		same = false;
	}
	if (n->rip != r->rip) {
		show(s, "rip");
		ktap_diag("emulator %llx, CPU %llx", r->rip, n->rip);
		same = false;
	}
	return same;
}

static bool same_memory(const struct sample *s, const struct native_state *n)
{
	const u8 *cpu = (const u8 *)DATA_BASE;
	unsigned int i;

	for (i = 0; i < DATA_RW_SIZE && cpu[i] == memory[i]; i++)
		;
	if (i < DATA_RW_SIZE) {
		show(s, "memory");
		ktap_diag("at %lx: emulator %02x, CPU %02x", DATA_BASE + i,
			  memory[i], cpu[i]);
		return false;
	}
	if (!memcmp(xmm, n->xmm, sizeof(xmm)))
		return true;
	show(s, "XMM registers");
	return false;
}

static void run_on_cpu(const struct sample *s, struct native_state *n)
{
	memcpy((void *)DATA_BASE, s->memory, DATA_RW_SIZE);
	memcpy(n->gpr, s->gpr, sizeof(n->gpr));
	memcpy(n->xmm, s->xmm, sizeof(n->xmm));
	n->frame[0] = s->rip;
	n->frame[1] = s->bits == 16 ? SEG_SEL(SEG_CODE16) :
		      s->long_mode ? 0x33 : 0x23;
	n->frame[2] = s->rflags;
	n->frame[3] = s->gpr[LODGE_RSP];
	n->frame[4] = s->bits == 16 ? SEG_SEL(SEG_STACK) : 0x2b;
	n->ds = s->bits == 16 ? SEG_SEL(s->ds) : 0x2b;
	n->es = s->bits == 16 ? SEG_SEL(s->es) : 0x2b;
	native_run(n);
}

/* What the CPU does not do the same on every model. */
static bool undefined_result(const struct sample *s,
			     const struct lodge_emul *e)
{
	unsigned int count;

	if (s->t->undefined != U_DOUBLE || e->size != 2)
		return false;
	count = s->t->imm ? e->insn.imm : s->gpr[LODGE_RCX];
	return (count & 0x1f) > 16;
}

static bool run_both(const struct sample *s)
{
	static struct native_state n;
	static struct lodge_emul e;
	struct lodge_regs regs;
	bool same = true, skip = false;
	int rc;

	memcpy(native_code + (s->rip & 0x1fff), s->bytes, s->len);
	sample_regs(s, &regs);
	memcpy(memory, s->memory, sizeof(memory));
	memcpy(xmm, s->xmm, sizeof(xmm));
	lodge_emul_init(&e, &regs, &ops, NULL);
	rc = lodge_emul_decode(&e, s->bytes, random_below(s->len + 1));
	if (rc == LODGE_EMUL_OK)
		rc = lodge_emul_execute(&e);
	/* A jump into its own middle would go on to execute anything. */
	if (rc != LODGE_EMUL_OK || regs.rip - s->rip >= s->len)
		run_on_cpu(s, &n);
	else
		skip = true;
	memset(native_code + (s->rip & 0x1fff), 0xcc, s->len);

	if (skip)
		return true;
	if (rc == LODGE_EMUL_OK && n.faulted) {
		show(s, "fault");
		ktap_diag("emulator: none; CPU: vector %u error %x cr2 %llx",
			  n.vector, n.error, n.cr2);
		return false;
	}
	if (rc != LODGE_EMUL_OK && rc != LODGE_EMUL_FAULT) {
		show(s, rc == LODGE_EMUL_UNHANDLED ? "unhandled" : "result");
		return false;
	}
	if (undefined_result(s, &e))
		return true;
	if (rc == LODGE_EMUL_FAULT)
		same = same_fault(s, &n, &regs, &e);
	return same && same_registers(s, &n, &regs, &e) && same_memory(s, &n);
}

static bool compare(unsigned int bits)
{
	const char *seed = getenv("LODGE_SEED");
	const char *rounds = getenv("LODGE_ROUNDS");
	unsigned long n = rounds ? strtoul(rounds, NULL, 0) : 60000;
	unsigned int bad = 0;
	static struct sample s;

	random_state = seed ? strtoull(seed, NULL, 0) : 20261120;
	native_init();
	while (n--) {
		sample_make(&s, bits);
		if (!run_both(&s) && ++bad == 10)
			break;
	}
	return !bad;
}

static bool native_64(void)
{
	return compare(64);
}

static bool native_32(void)
{
	return compare(32);
}

/* In segments of the LDT, with limits and rights of their own. */
static bool native_16(void)
{
	native_init();
	if (!native_init_ldt())
		return ktap_skip("the kernel has no modify_ldt()");
	return compare(16);
}

const struct ktap_test native_tests[] = {
	{ "64-bit instructions do what the CPU does", native_64 },
	{ "32-bit instructions do what the CPU does", native_32 },
	{ "16-bit instructions do what the CPU does", native_16 },
	{ }
};
