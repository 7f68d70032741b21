// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: the instruction emulator. Mode, registers, page attributes,
 * memory and code come from the input.
 *
 * Each input runs twice: on devices that answer at once, as those in the
 * kernel, and on devices that user space answers, where the instruction is
 * run again for each access. Both must end alike. Run by run.sh; the rules
 * that must hold whatever the input are check_result()'s.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../kmod/emul/internal.h"

#define MEM_SIZE	0x4000		/* then as much device, and again */
#define DEVICE		0x4000		/* the address bit that tells them */
#define TASK_SWITCH	0x80		/* code[] says to which and how */
#define MAX_CALLS	(LODGE_EMUL_REP_MAX * 64)

struct input {
	u8 mode;		/* 0-2: enum mode, 3-4: CPL, 5-7: CR4, CR0 */
	u8 given;		/* bytes of code handed over; or TASK_SWITCH */
	u16 absent, readonly;	/* by page, modulo 16 */
	u16 flags;
	u8 rip, ds_type;
	u8 code[16];
	s32 gpr[LODGE_GPR_NR];
	u32 ds_base, ds_limit;
	u8 memory[];
};

struct world {
	const struct input *in;
	struct lodge_regs regs;
	struct lodge_emul e;
	u8 mem[MEM_SIZE];
	u8 xmm[16][16];
	bool in_user;			/* devices are user space's */
	u32 digest;			/* of all device accesses */
	u32 accesses;
	unsigned int calls;
};

static struct world worlds[2];

#define REQUIRE(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%d: %s\n", __LINE__, #cond); \
		abort(); \
	} \
} while (0)

static void count_call(struct world *w)
{
	REQUIRE(++w->calls < MAX_CALLS);
}

static int translate(struct lodge_emul *e, gva_t la, unsigned int access,
		     gpa_t *gpa)
{
	struct world *w = e->ctx;
	u16 bit = 1U << (la >> 12 & 15);

	count_call(w);
	REQUIRE(!(access & LODGE_ACCESS_USER) || lodge_regs_cpl(e->regs) == 3);
	*gpa = la & (DEVICE | (MEM_SIZE - 1));
	if ((w->in->absent & bit) ||
	    ((access & LODGE_ACCESS_WRITE) && (w->in->readonly & bit)))
		return lodge_emul_raise_pf(e, la, access & 7);
	return LODGE_EMUL_OK;
}

static int read_mem(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len)
{
	struct world *w = e->ctx;

	count_call(w);
	REQUIRE(len >= 1 && len <= 104 && (gpa & 4095) + len <= 4096);
	if (gpa & DEVICE)
		return LODGE_EMUL_IO;
	memcpy(data, w->mem + gpa, len);
	return LODGE_EMUL_OK;
}

static int write_mem(struct lodge_emul *e, gpa_t gpa, const void *data,
		     unsigned int len)
{
	struct world *w = e->ctx;

	count_call(w);
	REQUIRE(len >= 1 && len <= 64 && (gpa & 4095) + len <= 4096);
	if (gpa & DEVICE)
		return LODGE_EMUL_IO;
	memcpy(w->mem + gpa, data, len);
	return LODGE_EMUL_OK;
}

static int cmpxchg_mem(struct lodge_emul *e, gpa_t gpa, const void *old,
		       const void *new, unsigned int len)
{
	struct world *w = e->ctx;

	REQUIRE(len <= 16 && !(len & (len - 1)));
	if (!(gpa & DEVICE) && memcmp(w->mem + gpa, old, len))
		return LODGE_EMUL_RETRY;
	return write_mem(e, gpa, new, len);
}

static void mix(struct world *w, u64 v)
{
	w->digest = (w->digest ^ (u32)v ^ (u32)(v >> 32)) * 0x01000193;
}

/* What a device reads as depends on all that was done to it before. */
static void device(struct world *w, u64 addr, u8 *data, unsigned int len,
		   bool write)
{
	unsigned int i;

	w->accesses++;
	mix(w, addr);
	mix(w, len << 1 | write);
	for (i = 0; i < len; i++) {
		if (write)
			mix(w, data[i]);
		else
			data[i] = w->digest >> (i * 3);
	}
}

static int mmio(struct lodge_emul *e, gpa_t gpa, void *data,
		unsigned int len, bool write)
{
	struct world *w = e->ctx;

	count_call(w);
	REQUIRE(len >= 1 && len <= 8 && (gpa & 4095) + len <= 4096);
	if (w->in_user)
		return LODGE_EMUL_IO;
	device(w, gpa, data, len, write);
	return LODGE_EMUL_OK;
}

static int pio(struct lodge_emul *e, u16 port, void *data, unsigned int len,
	       bool write)
{
	struct world *w = e->ctx;

	count_call(w);
	REQUIRE(len == 1 || len == 2 || len == 4);
	if (w->in_user)
		return LODGE_EMUL_IO;
	device(w, 0x10000ULL + port, data, len, write);
	return LODGE_EMUL_OK;
}

static int read_reg(struct lodge_emul *e, unsigned int nr, u64 *val)
{
	*val = nr * 0x1111;
	return LODGE_EMUL_OK;
}

static int write_reg(struct lodge_emul *e, unsigned int nr, u64 val)
{
	mix(e->ctx, val + nr);
	return LODGE_EMUL_OK;
}

static int system_op(struct lodge_emul *e, enum lodge_emul_system what,
		     u64 arg)
{
	mix(e->ctx, arg + what);
	return LODGE_EMUL_OK;
}

static int read_xmm(struct lodge_emul *e, unsigned int nr, void *data)
{
	struct world *w = e->ctx;

	REQUIRE(nr < 16);
	memcpy(data, w->xmm[nr], 16);
	return LODGE_EMUL_OK;
}

static int write_xmm(struct lodge_emul *e, unsigned int nr, const void *data)
{
	struct world *w = e->ctx;

	REQUIRE(nr < 16);
	memcpy(w->xmm[nr], data, 16);
	return LODGE_EMUL_OK;
}

static const struct lodge_emul_ops ops = {
	.translate = translate, .read = read_mem, .write = write_mem,
	.cmpxchg = cmpxchg_mem, .mmio = mmio, .pio = pio,
	.cr_read = read_reg, .cr_write = write_reg, .dr_read = read_reg,
	.dr_write = write_reg, .msr_read = read_reg, .msr_write = write_reg,
	.system = system_op, .xmm_read = read_xmm, .xmm_write = write_xmm,
};

static void set_mode(struct lodge_regs *r, const struct input *in)
{
	unsigned int level = in->mode >> 3 & 3, i;
	bool real = (in->mode & 7) == 0, v86 = (in->mode & 7) == 1;
	bool big = (in->mode & 7) != 2, lma = (in->mode & 7) >= 4;

	r->rflags = LODGE_RFLAGS_1 | (in->flags & 0x7dd5);
	if (v86)
		r->rflags |= LODGE_RFLAGS_VM;
	r->cr0 = (real ? 0 : LODGE_CR0_PE) |
		 (in->mode & 0x20 ? LODGE_CR0_AM : 0);
	r->cr4 = LODGE_CR4_OSFXSR | (in->mode & 0x40 ? LODGE_CR4_VME : 0) |
		 (in->mode & 0x80 ? LODGE_CR4_UMIP : 0);
	r->efer = lma ? LODGE_EFER_LMA | LODGE_EFER_LME : 0;
	for (i = LODGE_ES; i <= LODGE_GS; i++)
		r->seg[i] = (struct lodge_seg){
			.limit = big && !real && !v86 ? ~0U : 0xffff,
			.ar = (big && !real && !v86 ? 0xc093 : 0x93) |
			      (real ? 0 : level << 5),
			.sel = 0x10 | level,
		};
	r->seg[LODGE_CS].ar |= 8;
	if ((in->mode & 7) >= 5)
		r->seg[LODGE_CS].ar = 0xa09b | level << 5;
	r->seg[LODGE_DS].base = in->ds_base;
	r->seg[LODGE_DS].limit = in->ds_limit;
	r->seg[LODGE_DS].ar ^= in->ds_type & 0x0e;
	r->seg[LODGE_TR] = (struct lodge_seg){
		.base = 0x100, .limit = 0x800, .ar = 0x8b,
	};
	r->seg[LODGE_LDTR] = (struct lodge_seg){
		.base = 0x900, .limit = 0x3ff, .ar = 0x82,
	};
	r->gdt.base = 0x500;
	r->gdt.limit = 0xff;
	r->idt.limit = 0x3ff;
}

static void world_new(struct world *w, const struct input *in, size_t extra,
		      bool in_user)
{
	unsigned int i, n;

	memset(w, 0, sizeof(*w));
	w->in = in;
	w->in_user = in_user;
	for (i = 0; extra && i < MEM_SIZE; i += n) {
		n = min_t(unsigned int, extra, MEM_SIZE - i);
		memcpy(w->mem + i, in->memory, n);
	}
	set_mode(&w->regs, in);
	for (i = 0; i < LODGE_GPR_NR; i++)
		w->regs.gpr[i] = (s64)in->gpr[i];
	w->regs.rip = 0x2f80 + in->rip;
	memcpy(w->mem + 0x2f80 + in->rip, in->code, sizeof(in->code));
	lodge_emul_init(&w->e, &w->regs, &ops, w);
}

static bool same_but_rep(const struct world *w, const struct lodge_regs *r)
{
	return (w->e.insn.attr & A_STRING) && w->e.insn.rep ?
		r->rip == w->regs.rip : !memcmp(r, &w->regs, sizeof(*r));
}

/* Whatever happens, these hold. */
static void check_result(const struct world *w, int rc,
			 const struct lodge_regs *old)
{
	const struct lodge_emul *e = &w->e;
	u64 step = w->regs.rip - old->rip;

	REQUIRE(e->insn.len >= 1 && e->insn.len <= LODGE_INSN_MAX);
	REQUIRE(e->log.nr <= LODGE_EMUL_LOG_MAX);
	REQUIRE(w->regs.rflags & LODGE_RFLAGS_1);
	REQUIRE(!(w->regs.rflags & ~0x3f7fd7ULL));
	REQUIRE(!e->again || (rc == LODGE_EMUL_OK && e->insn.rep));
	if (rc != LODGE_EMUL_OK) {
		REQUIRE(same_but_rep(w, old));
		return;
	}
	REQUIRE(e->log.nr == 0);
	REQUIRE(!(e->insn.attr & A_UD));
	if (e->again)
		REQUIRE(step == 0);
	else if (e->insn.attr & (A_STRING | A_NOREAD | A_LOCK))
		REQUIRE(step == e->insn.len);
}

/* The length alone, from the same bytes, is the same. */
static void check_length(const struct world *w)
{
	const struct lodge_insn *in = &w->e.insn;
	int len = lodge_insn_length(&w->regs, in->bytes, in->have);

	REQUIRE(len == in->len);
	len = lodge_insn_length(&w->regs, in->bytes, in->len - 1);
	REQUIRE(len == -EAGAIN);
}

/* Until the instruction has ended; its result, or -1 if decoding has. */
static int run_one(struct world *w)
{
	struct lodge_regs old = w->regs;
	unsigned int n, len;
	int rc, length_rc;

	length_rc = lodge_emul_length(&w->e, w->in->code, w->in->given & 15);
	len = w->e.insn.len;
	rc = lodge_emul_decode(&w->e, w->in->code, w->in->given & 15);
	if (rc != LODGE_EMUL_OK) {
		REQUIRE(!memcmp(&old, &w->regs, sizeof(old)));
		REQUIRE(length_rc == rc);
		return -1;
	}
	REQUIRE(length_rc == rc && len == w->e.insn.len);
	check_length(w);
	rc = lodge_emul_execute(&w->e);
	for (n = 0; rc == LODGE_EMUL_IO; n++) {
		REQUIRE(n < LODGE_EMUL_REP_MAX * LODGE_EMUL_LOG_MAX);
		check_result(w, rc, &old);
		w->calls = 0;
		/* as after a fault on just this access */
		if (!n && w->e.io.kind == LODGE_IO_MMIO)
			lodge_emul_hint(&w->e, w->e.io.addr, w->e.io.write);
		device(w, w->e.io.kind == LODGE_IO_PIO ?
		       0x10000 + w->e.io.addr : w->e.io.addr, w->e.io.data,
		       w->e.io.len, w->e.io.write);
		lodge_emul_io_done(&w->e);
		rc = lodge_emul_execute(&w->e);
		/* With devices in the kernel it would have stopped here. */
		if (w->accesses >= LODGE_EMUL_REP_MAX)
			return -1;
	}
	check_result(w, rc, &old);
	return rc;
}

/* Descriptors and selectors that are right, most of them: chance finds none. */
static u16 plant_task(struct world *w, unsigned int how)
{
	static const u64 gdt[] = {
		0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00008b000100ffff,
		0x000081001000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
		0x000082000900ffff,
	};
	unsigned int i, at, n = how & 8 ? 7 : 5;

	memcpy(w->mem + 0x500, gdt, sizeof(gdt));
	w->mem[0x525] |= how & 10;		/* 32 bits, busy */
	for (i = 0; i < n; i++) {
		at = how & 8 ? 0x1048 + i * 4 : 0x1022 + i * 2;
		w->mem[at] &= 0x3b;
		w->mem[at + 1] &= how >> 8;
	}
	return 0x20;
}

/* Either all is as it was, or another task runs. */
static int run_task(struct world *w)
{
	struct lodge_task_switch t = {
		.sel = w->in->code[0] | w->in->code[1] << 8,
		.reason = w->in->code[2] & 3,
		.has_error = w->in->code[2] & 4,
		.external = w->in->code[2] & 8,
		.rf = w->in->code[2] & 16,
		.error = w->in->code[3], .next_rip = w->in->code[4],
	};
	struct lodge_regs old = w->regs;
	int rc;

	/* What it runs with is what its TSS says. */
	w->regs.seg[LODGE_TR].sel = old.seg[LODGE_TR].sel = 0x18;
	if (w->in->code[5] & 1)
		t.sel = plant_task(w, w->in->code[6] | w->in->code[7] << 8);
	rc = lodge_emul_task_switch(&w->e, &t);
	REQUIRE(rc != LODGE_EMUL_IO && !w->e.log.nr);
	REQUIRE(w->regs.rflags & LODGE_RFLAGS_1);
	REQUIRE(!(w->regs.rflags & ~0x3f7fd7ULL));
	if (w->regs.cr0 & ~old.cr0 & LODGE_CR0_TS) {
		REQUIRE(rc == LODGE_EMUL_OK || rc == LODGE_EMUL_FAULT);
		REQUIRE(!(w->regs.seg[LODGE_CS].ar & LODGE_AR_UNUSABLE));
		REQUIRE(w->regs.seg[LODGE_TR].ar & 2);
	} else {
		REQUIRE(rc != LODGE_EMUL_OK);
		REQUIRE(!memcmp(&w->regs, &old, sizeof(old)));
	}
	return rc;
}

/* A REP that stopped half way stops elsewhere when it waits for devices. */
static bool half_way(int a, int b)
{
	return a < 0 || b < 0 || worlds[0].e.again || worlds[1].e.again;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct input *in;
	int a, b;

	if (size < sizeof(*in) || size > 4096)
		return 0;
	if (!in)
		in = malloc(4096);
	memcpy(in, data, size);		/* aligned */
	world_new(&worlds[0], in, size - sizeof(*in), false);
	world_new(&worlds[1], in, size - sizeof(*in), true);
	if (in->given & TASK_SWITCH) {
		run_task(&worlds[0]);
		return 0;
	}
	a = run_one(&worlds[0]);
	b = run_one(&worlds[1]);
	if (half_way(a, b))
		return 0;
	REQUIRE(a == b);
	REQUIRE(worlds[0].digest == worlds[1].digest);
	REQUIRE(worlds[0].accesses == worlds[1].accesses);
	REQUIRE(!memcmp(&worlds[0].regs, &worlds[1].regs,
			sizeof(worlds[0].regs)));
	REQUIRE(!memcmp(worlds[0].mem, worlds[1].mem, MEM_SIZE));
	REQUIRE(!memcmp(worlds[0].xmm, worlds[1].xmm,
			sizeof(worlds[0].xmm)));
	return 0;
}
