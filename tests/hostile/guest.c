// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzzer's vCPUs run: every mode of the CPU, page tables that make
 * more or less sense, and code that is made of the instructions a hypervisor
 * has to do with. Called by main.c and calls.c; read code.c next.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "code.h"
#include "fuzz.h"

/* In guest memory. */
#define IDT		0x3000
#define GDT		0x4000
#define TSS		0x4800
#define TABLES		0x6000		/* PML4, PDPT, four PDs, a PT */
#define TABLES32	0xd000		/* of 32 bits, then three-level ones */
#define STACK		0x20000
#define CODE		0x30000		/* to its end */
#define CODE_SIZE	0x8000

enum { REAL, UNREAL, VM86, PROT16, PROT32, PAGE32, PAE, COMPAT, LONG, MODES };

/* Where code begins, mostly. */
static uint32_t code_at(struct rng *r)
{
	uint32_t at = below(r, CODE_SIZE);

	return bochs() && one_in(r, 4) ? at : at & -CODE_SLOT;
}

static unsigned int mode_any(struct rng *r)
{
	unsigned int mode = below(r, MODES);

	return mode == VM86 && !bochs() ? LONG : mode;
}

static void write_tables(struct rng *r, uint8_t *mem)
{
	uint64_t *p = (uint64_t *)(mem + TABLES);
	uint32_t *q = (uint32_t *)(mem + TABLES32);
	uint64_t *pae = (uint64_t *)(mem + TABLES32 + 0x1000);

	p[0] = (TABLES + 0x1000) | 7;
	for (uint64_t i = 0; i < 4; i++) {
		p[512 + i] = (TABLES + 0x2000 + i * 0x1000) | 7;
		pae[i] = (TABLES + 0x2000 + i * 0x1000) | 1;
	}
	for (uint64_t i = 0; i < 2048; i++)
		p[1024 + i] = i << 21 | 0x87;
	/* The first 2 MiB by small pages. */
	p[1024] = (TABLES + 0x6000) | 7;
	for (uint64_t i = 0; i < 512; i++)
		p[512 * 6 + i] = i << 12 | 0x7;
	for (uint32_t i = 0; i < 1024; i++)
		q[i] = i << 22 | 0x87;
	/* And some of it is wrong. */
	for (uint32_t n = below(r, 2) ? below(r, 24) : 0; n; n--)
		p[below(r, 512 * 7)] ^= one_in(r, 2) ? 1ull << below(r, 64) :
						       below(r, 0x80);
}

static void write_gdt(uint8_t *mem)
{
	static const uint64_t gdt[] = {
		0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff,
		0x00009b000000ffff, 0x00008b0048000067, 0, 0x00affb000000ffff,
		0x00cff3000000ffff, 0x000093000000ffff, 0x00cffb000000ffff,
		0x0000890048000067,	/* a TSS that is not busy */
		0x0000850000580000,	/* a task gate to it */
		0x0000ec0000080000 | CODE_SIZE,	/* a call gate */
	};

	memcpy(mem + GDT, gdt, sizeof(gdt));
}

/* Handlers are anywhere in the code: it goes on from there. */
static void write_idt(struct rng *r, uint8_t *mem, unsigned int mode)
{
	static const uint64_t types[] = { 0x8e, 0x8e, 0xee, 0x8f, 0x85, 0x86 };

	for (unsigned int i = 0; i < 256; i++) {
		uint64_t to = CODE + code_at(r);
		uint64_t type = one_in(r, 16) ? pick(r, types) : 0x8e;
		uint64_t cs = mode >= COMPAT ? 0x08 : mode == PROT16 ? 0x20 :
								       0x18;
		uint64_t gate = (to & 0xffff) | cs << 16 | type << 40 |
				(to & 0xffff0000) << 32;

		if (mode >= COMPAT) {
			uint64_t wide[2] = { gate, 0 };

			memcpy(mem + IDT + i * 16, wide, 16);
		} else if (mode > VM86 || one_in(r, 2)) {
			memcpy(mem + IDT + i * 8, &gate, 8);
		}
	}
	for (unsigned int i = 0; mode <= VM86 && i < 256; i++) {
		uint16_t ivt[2] = { code_at(r), CODE >> 4 };

		memcpy(mem + i * 4, ivt, 4);
	}
}

/* All that a guest needs, anew; what runs at the moment finds it so. */
static void write_guest(struct thread *t, unsigned int mode)
{
	struct rng *r = &t->rng;
	uint8_t *mem = t->world->place[PLACE_GUEST];
	uint64_t rsp0 = STACK;

	write_tables(r, mem);
	write_gdt(mem);
	write_idt(r, mem, mode);
	memcpy(mem + TSS + 4, &rsp0, 8);
	code_make(r, mem + CODE, CODE_SIZE, mode >= COMPAT ? 64 :
		  mode <= PROT16 ? 16 : 32, bochs());
}

void guest_memory(struct thread *t)
{
	uint8_t *mem = t->world->place[PLACE_GUEST];
	uint32_t at = below(&t->rng, GUEST_SIZE - 64);

	if (one_in(&t->rng, 4))
		write_guest(t, mode_any(&t->rng));
	else
		scribble(&t->rng, mem + (bochs() ? at : at & 0xffff), 64);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint64_t base,
				  uint32_t limit)
{
	return (struct kvm_segment) {
		.selector = selector, .type = type, .base = base,
		.limit = limit, .present = 1, .s = 1, .g = limit > 0xfffff,
	};
}

static void set_segments(struct rng *r, struct kvm_sregs *s, unsigned int mode)
{
	uint32_t limit = mode <= PROT16 && mode != UNREAL ? 0xffff : ~0u;
	bool user = mode >= COMPAT || (mode > PROT16 && bochs());
	uint8_t dpl = mode == VM86 || (user && one_in(r, 4)) ? 3 : 0;
	uint64_t base = mode <= VM86 ? CODE : 0;
	struct kvm_segment *data[] = { &s->ds, &s->es, &s->fs, &s->gs, &s->ss };

	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++) {
		*data[i] = segment(mode <= VM86 ? 0 : dpl ? 0x43 : 0x10, 3, 0,
				   limit);
		data[i]->dpl = dpl;
		data[i]->db = mode > PROT16;
	}
	s->cs = segment(mode <= VM86 ? CODE >> 4 : mode == PROT16 ? 0x20 :
			mode == LONG ? (dpl ? 0x3b : 0x08) : dpl ? 0x53 : 0x18,
			mode == VM86 ? 3 : 11, base, limit);
	s->cs.dpl = dpl;
	s->cs.l = mode == LONG;
	s->cs.db = mode > PROT16 && mode != LONG;
	/* Not busy: see bochs(). */
	s->tr = (struct kvm_segment) {
		.selector = 0x28, .base = TSS, .limit = 0x67, .type = 9,
		.present = 1,
	};
	s->ldt = (struct kvm_segment) { .unusable = 1 };
	s->gdt.base = GDT;
	s->gdt.limit = 0x6f;
	s->idt.base = mode <= UNREAL ? 0 : IDT;
	s->idt.limit = mode <= UNREAL ? 0x3ff : mode >= COMPAT ? 0xfff : 0x7ff;
}

static void set_mode(struct rng *r, struct kvm_sregs *s, unsigned int mode)
{
	static const struct {
		uint64_t cr0, cr3, cr4, efer;
	} control[MODES] = {
		[REAL] = { 0x10, 0, 0, 0 }, [UNREAL] = { 0x10, 0, 0, 0 },
		[VM86] = { 0x33, 0, 0, 0 }, [PROT16] = { 0x33, 0, 0, 0 },
		[PROT32] = { 0x33, 0, 0, 0 },
		[PAGE32] = { 0x80010033, TABLES32, 0x610, 0 },
		[PAE] = { 0x80010033, TABLES32 + 0x1000, 0x620, 0x800 },
		[COMPAT] = { 0x80010033, TABLES, 0x620, 0xd01 },
		[LONG] = { 0x80010033, TABLES, 0x620, 0xd01 },
	};

	set_segments(r, s, mode);
	s->cr0 = control[mode].cr0;
	s->cr3 = control[mode].cr3;
	s->cr4 = control[mode].cr4;
	s->efer = control[mode].efer;
	if (one_in(r, 4))	/* whatever else CR4 may switch on */
		s->cr4 |= 1ull << below(r, 26);
}

void guest_sregs(struct rng *r, struct kvm_sregs *s)
{
	set_mode(r, s, mode_any(r));
	s->apic_base = one_in(r, 8) ? msr_value(r, 0x1b) : 0xfee00900;
	if (one_in(r, 8))
		s->interrupt_bitmap[below(r, 4)] = 1ull << below(r, 64);
	for (uint32_t n = one_in(r, 3) && bochs() ? below(r, 6) : 0; n; n--)
		((uint8_t *)s)[below(r, sizeof(*s))] ^= 1 << below(r, 8);
	s->tr.type = 9;
	s->tr.present = 1;
}

void guest_regs(struct rng *r, struct kvm_regs *regs)
{
	uint64_t *p = (uint64_t *)regs;

	for (unsigned int i = 0; i < sizeof(*regs) / 8; i++)
		p[i] = one_in(r, 2) ? below(r, GUEST_SIZE) : odd(r);
	regs->rsp = STACK + below(r, 0x8000);
	regs->rip = CODE + code_at(r);
	regs->rflags = 2 | (one_in(r, 2) ? 0x200 : 0) |
		       (one_in(r, 8) ? odd(r) & 0x3f7fd7 : 0);
}

/* Vcpu begins a program of its own, in a mode of its own. */
void guest_start(struct thread *t, unsigned int vcpu)
{
	struct world *w = t->world;
	unsigned int mode = mode_any(&t->rng);
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs;
	struct kvm_sregs s;

	if (call_ioctl(t, w->vcpu[vcpu], KVM_GET_SREGS, &s))
		return;
	if (one_in(&t->rng, 2))
		write_guest(t, mode);
	set_mode(&t->rng, &s, mode);
	guest_regs(&t->rng, &regs);
	regs.rflags &= 0x257fd7;
	if (mode <= VM86)
		regs.rip -= CODE;
	if (mode == VM86)
		regs.rflags |= 0x23000;
	call_ioctl(t, w->vcpu[vcpu], KVM_SET_SREGS, &s);
	call_ioctl(t, w->vcpu[vcpu], KVM_SET_REGS, &regs);
	call_ioctl(t, w->vcpu[vcpu], KVM_SET_MP_STATE, &state);
	tally(w, TALLY_GUEST, true);
}

void guest_run(struct thread *t, unsigned int vcpu)
{
	struct world *w = t->world;
	struct kvm_run *run = w->run[vcpu];

	if (one_in(&t->rng, 16))
		scribble(&t->rng, run, 0x100);
	run->immediate_exit = one_in(&t->rng, 16);
	run->request_interrupt_window = one_in(&t->rng, 8);
	if (one_in(&t->rng, 32)) {
		run->kvm_valid_regs = below(&t->rng, 9);
		run->kvm_dirty_regs = below(&t->rng, 9);
	}
	if (one_in(&t->rng, 16))
		scribble(&t->rng, (uint8_t *)run + 0x1000, 0x100);
	call_ioctl(t, w->vcpu[vcpu], KVM_RUN, NULL);
}

/* A world of guests: each thread runs its vCPU, and begins anew where it ends. */
void guest_thread(struct thread *t)
{
	struct world *w = t->world;
	unsigned int vcpu = t->index % VCPUS;
	struct kvm_run *run = w->run[vcpu];

	if (!run || w->vcpu[vcpu] < 0)
		return;
	guest_start(t, vcpu);
	while (__atomic_fetch_sub(&w->left, 1, __ATOMIC_RELAXED) < 1u << 31) {
		run->immediate_exit = 0;
		if (one_in(&t->rng, 8))	/* what a device says */
			scribble(&t->rng, (uint8_t *)run + 0x1000, 0x100);
		if (call_ioctl(t, w->vcpu[vcpu], KVM_RUN, NULL)) {
			if (one_in(&t->rng, 3))
				guest_start(t, vcpu);
			continue;
		}
		if (run->exit_reason == KVM_EXIT_MMIO)
			scribble(&t->rng, run->mmio.data, 8);
		if (run->exit_reason == KVM_EXIT_HYPERCALL)
			run->hypercall.ret = odd(&t->rng);
		if ((run->exit_reason != KVM_EXIT_IO &&
		     run->exit_reason != KVM_EXIT_HYPERCALL &&
		     run->exit_reason != KVM_EXIT_MMIO) || one_in(&t->rng, 64))
			guest_start(t, vcpu);
	}
}
