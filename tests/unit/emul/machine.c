// SPDX-License-Identifier: GPL-2.0
/*
 * The guest that the emulator's tests run on, and the operations it offers.
 *
 * Called by vector_test.c, fault_test.c, replay_test.c. Next: vector_test.c.
 */
#include "machine.h"

static struct machine machine;
static struct lodge_regs before;

static int translate(struct lodge_emul *e, gva_t la, unsigned int access,
		     gpa_t *gpa)
{
	struct machine *m = e->ctx;
	u8 page = la < MEM_SIZE ? m->page[la / 4096] : 0;
	u32 error = (page & PAGE_P ? LODGE_PF_P : 0) |
		    (access & LODGE_ACCESS_WRITE ? LODGE_PF_W : 0) |
		    (access & LODGE_ACCESS_USER ? LODGE_PF_U : 0) |
		    (access & LODGE_ACCESS_FETCH ? LODGE_PF_I : 0);

	m->walks++;
	*gpa = la;
	if (!(page & PAGE_P) ||
	    ((access & LODGE_ACCESS_WRITE) && !(page & PAGE_W)) ||
	    ((access & LODGE_ACCESS_USER) && !(page & PAGE_U)))
		return lodge_emul_raise_pf(e, la, error);
	return LODGE_EMUL_OK;
}

static bool is_device(gpa_t gpa)
{
	return gpa >= USER_MMIO && gpa < ROM;
}

static int read_mem(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len)
{
	struct machine *m = e->ctx;

	if ((gpa & 4095) + len > 4096 || gpa >= MEM_SIZE)
		__builtin_trap();
	if (is_device(gpa))
		return LODGE_EMUL_IO;
	memcpy(data, m->mem + gpa, len);
	if (m->race)
		m->mem[gpa]++;
	return LODGE_EMUL_OK;
}

static int write_mem(struct lodge_emul *e, gpa_t gpa, const void *data,
		     unsigned int len)
{
	struct machine *m = e->ctx;

	if ((gpa & 4095) + len > 4096 || gpa >= MEM_SIZE)
		__builtin_trap();
	if (gpa >= USER_MMIO)
		return LODGE_EMUL_IO;
	memcpy(m->mem + gpa, data, len);
	return LODGE_EMUL_OK;
}

static int cmpxchg_mem(struct lodge_emul *e, gpa_t gpa, const void *old,
		       const void *new, unsigned int len)
{
	struct machine *m = e->ctx;

	if (gpa >= USER_MMIO)
		return LODGE_EMUL_IO;
	if (memcmp(m->mem + gpa, old, len))
		return LODGE_EMUL_RETRY;
	return write_mem(e, gpa, new, len);
}

/* The device itself: what it reads as is never the same twice. */
static void device(struct machine *m, struct lodge_emul_io *io)
{
	unsigned int i;

	if (!io->write)
		for (i = 0; i < io->len; i++)
			io->data[i] = m->next_byte++;
	if (m->nr_events < ARRAY_SIZE(m->events))
		m->events[m->nr_events++] = *io;
}

static int mmio(struct lodge_emul *e, gpa_t gpa, void *data,
		unsigned int len, bool write)
{
	struct lodge_emul_io io = {
		.addr = gpa, .len = len, .kind = LODGE_IO_MMIO,
		.write = write,
	};

	if (len < 1 || len > 8)
		__builtin_trap();
	if (gpa < KERNEL_MMIO || gpa >= ROM)
		return LODGE_EMUL_IO;
	if (write)
		memcpy(io.data, data, len);
	device(e->ctx, &io);
	if (!write)
		memcpy(data, io.data, len);
	return LODGE_EMUL_OK;
}

static int read_xmm(struct lodge_emul *e, unsigned int nr, void *data)
{
	struct machine *m = e->ctx;

	memcpy(data, m->xmm[nr], 16);
	return LODGE_EMUL_OK;
}

static int write_xmm(struct lodge_emul *e, unsigned int nr, const void *data)
{
	struct machine *m = e->ctx;

	memcpy(m->xmm[nr], data, 16);
	return LODGE_EMUL_OK;
}

static int cr_read(struct lodge_emul *e, unsigned int nr, u64 *val)
{
	struct machine *m = e->ctx;

	m->cr = nr;
	*val = nr ? 0x1111000000000000 | nr : e->regs->cr0;
	return LODGE_EMUL_OK;
}

static int cr_write(struct lodge_emul *e, unsigned int nr, u64 val)
{
	struct machine *m = e->ctx;

	m->cr = nr;
	m->cr_value = val;
	if (nr == 3 && val != 0xbad)
		e->regs->cr3 = val;
	return val == 0xbad ? lodge_emul_raise_code(e, LODGE_GP, 0) :
			      LODGE_EMUL_OK;
}

static int dr_read(struct lodge_emul *e, unsigned int nr, u64 *val)
{
	*val = 0x2222000000000000 | nr;
	return LODGE_EMUL_OK;
}

static int dr_write(struct lodge_emul *e, unsigned int nr, u64 val)
{
	struct machine *m = e->ctx;

	m->dr = nr;
	m->dr_value = val;
	return LODGE_EMUL_OK;
}

static int msr_read(struct lodge_emul *e, u32 index, u64 *val)
{
	if (index == 0xbad)
		return lodge_emul_raise_code(e, LODGE_GP, 0);
	*val = 0x1234567800000000 | index;
	return LODGE_EMUL_OK;
}

static int msr_write(struct lodge_emul *e, u32 index, u64 val)
{
	struct machine *m = e->ctx;

	m->msr = index;
	m->msr_value = val;
	return LODGE_EMUL_OK;
}

static int system_op(struct lodge_emul *e, enum lodge_emul_system what,
		     u64 arg)
{
	struct machine *m = e->ctx;

	m->system = what;
	m->arg = arg;
	if (what == LODGE_SYS_CPUID) {
		lodge_emul_set_gpr(e, LODGE_RBX,
				   lodge_emul_gpr(e, LODGE_RAX) + 1);
		lodge_emul_set_gpr(e, LODGE_RAX, 7);
	}
	return LODGE_EMUL_OK;
}

static const struct lodge_emul_ops ops = {
	.translate = translate, .read = read_mem, .write = write_mem,
	.cmpxchg = cmpxchg_mem, .mmio = mmio, .xmm_read = read_xmm,
	.xmm_write = write_xmm, .cr_read = cr_read, .cr_write = cr_write,
	.dr_read = dr_read, .dr_write = dr_write, .msr_read = msr_read,
	.msr_write = msr_write, .system = system_op,
};

static void set_segments(struct lodge_regs *r, enum mode mode,
			 unsigned int level)
{
	unsigned int i;

	for (i = LODGE_ES; i <= LODGE_GS; i++) {
		struct lodge_seg *s = &r->seg[i];

		*s = (struct lodge_seg){ .limit = 0xffff, .ar = 0x93 };
		if (mode == V86)
			s->ar = 0xf3;
		else if (mode != REAL)
			*s = (struct lodge_seg){
				.limit = mode == PROT16 ? 0xffff : ~0U,
				.ar = (mode == PROT16 ? 0x93 : 0xc093) |
				      level << 5,
				.sel = 0x10 | level,
			};
	}
	if (mode >= PROT16) {
		r->seg[LODGE_CS].sel = 0x8 | level;
		r->seg[LODGE_CS].ar |= 8;
		if (mode == LONG64)
			r->seg[LODGE_CS].ar = 0xa09b | level << 5;
	}
	r->seg[LODGE_TR] = (struct lodge_seg){
		.sel = 0x18, .base = TSS, .limit = 0x67, .ar = 0x8b,
	};
	r->seg[LODGE_LDTR].ar = LODGE_AR_UNUSABLE;
}

struct machine *machine_new(enum mode mode, unsigned int level)
{
	struct machine *m = &machine;
	struct lodge_regs *r = &m->regs;

	memset(m, 0, sizeof(*m));
	memset(m->page, PAGE_P | PAGE_W | PAGE_U, sizeof(m->page));
	lodge_emul_init(&m->e, r, &ops, m);
	m->system = -1;
	m->next_byte = 0x11;
	r->rip = CODE;
	r->rflags = LODGE_RFLAGS_1;
	if (mode == V86)
		r->rflags |= LODGE_RFLAGS_VM;
	REG(m, RSP) = STACK;
	r->cr0 = LODGE_CR0_ET | (mode == REAL ? 0 : LODGE_CR0_PE);
	r->cr4 = LODGE_CR4_OSFXSR;
	if (mode >= COMPAT) {
		r->efer = LODGE_EFER_LMA | LODGE_EFER_LME;
		r->cr0 |= LODGE_CR0_PG;
	}
	r->gdt.base = GDT;
	r->gdt.limit = 0xff;
	r->idt.limit = 0x3ff;
	set_segments(r, mode, level);
	return m;
}

int machine_step(struct machine *m, const u8 *code, unsigned int n)
{
	u64 at = m->regs.rip + m->regs.seg[LODGE_CS].base;
	int rc;

	memcpy(m->mem + at, code, n);
	before = m->regs;
	rc = lodge_emul_decode(&m->e, NULL, 0);
	return rc == LODGE_EMUL_OK ? (int)lodge_emul_execute(&m->e) : rc;
}

int machine_task(struct machine *m, const struct lodge_task_switch *t)
{
	before = m->regs;
	return lodge_emul_task_switch(&m->e, t);
}

void machine_io(struct machine *m)
{
	m->user_exits++;
	device(m, &m->e.io);
	lodge_emul_io_done(&m->e);
}

int machine_run(struct machine *m, const u8 *code, unsigned int n)
{
	int rc = machine_step(m, code, n);

	while (rc == LODGE_EMUL_IO || (rc == LODGE_EMUL_OK && m->e.again)) {
		if (rc == LODGE_EMUL_IO) {
			machine_io(m);
			rc = lodge_emul_execute(&m->e);
			continue;
		}
		before = m->regs;
		rc = lodge_emul_decode(&m->e, NULL, 0);
		if (rc == LODGE_EMUL_OK)
			rc = lodge_emul_execute(&m->e);
	}
	return rc;
}

void machine_descriptor(struct machine *m, unsigned int index, u32 base,
			u32 limit, u16 ar)
{
	u64 d;

	if (ar & LODGE_AR_G)
		limit >>= 12;
	d = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 |
	    (u64)(ar & 0xff) << 40 | (u64)(limit >> 16 & 0xf) << 48 |
	    (u64)(ar >> 12 & 0xf) << 52 | (u64)(base >> 24) << 56;
	memcpy(m->mem + GDT + index * 8, &d, 8);
}

u64 machine_peek(const struct machine *m, u32 at, unsigned int n)
{
	u64 v = 0;

	memcpy(&v, m->mem + at, n);
	return v;
}

void machine_poke(struct machine *m, u32 at, u64 v, unsigned int n)
{
	memcpy(m->mem + at, &v, n);
}

bool machine_faulted(const struct machine *m, int rc, u8 vector, u32 error)
{
	const struct lodge_emul_fault *f = &m->e.fault;
	bool has_error = vector == LODGE_DF || vector == LODGE_AC ||
			 (vector >= LODGE_TS && vector <= LODGE_PF);

	if (rc == LODGE_EMUL_FAULT && f->vector == vector &&
	    f->error == error && f->has_error == has_error &&
	    !memcmp(&before, &m->regs, sizeof(before)))
		return true;
	ktap_diag("result %d, vector %u, error %x%s", rc, f->vector, f->error,
		  memcmp(&before, &m->regs, sizeof(before)) ?
		  ", registers changed" : "");
	return false;
}
