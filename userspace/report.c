// SPDX-License-Identifier: GPL-2.0
/*
 * Failure reports; see report.h for who calls this.
 * Read next: vcpu.c, lodge_vcpu_exit().
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../uapi/lodge.h"
#include "term.h"
#include "vcpu.h"

#define CR0_PG			(1ull << 31)
#define CR4_PSE			(1ull << 4)
#define CR4_PAE			(1ull << 5)
#define CR4_LA57		(1ull << 12)
#define EFER_LMA		(1ull << 10)
#define PTE_PRESENT		(1ull << 0)
#define PTE_HUGE		(1ull << 7)
#define PTE_ADDR		0x000ffffffffff000ull
#define CR3_PAE_ADDR		0xffffffe0ull

#define REPORT_BYTES_BEFORE	16
#define REPORT_BYTES_AFTER	16

#ifndef KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON
#define KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON 4
#endif

struct report_word {
	uint32_t number;
	const char *text;
};

static const struct report_word report_exits[] = {
	{ KVM_EXIT_UNKNOWN, "an exit the hypervisor does not know" },
	{ KVM_EXIT_EXCEPTION, "an exception nobody asked to see" },
	{ KVM_EXIT_HYPERCALL, "a hypercall left to the launcher" },
	{ KVM_EXIT_DEBUG, "a debug event nobody asked for" },
	{ KVM_EXIT_HLT, "the CPU halted outside the hypervisor's care" },
	{ KVM_EXIT_SHUTDOWN,
	  "triple fault: an exception could not be delivered, nor the double fault that followed" },
	{ KVM_EXIT_FAIL_ENTRY, "the CPU refused to enter the guest" },
	{ KVM_EXIT_INTERNAL_ERROR, "the hypervisor cannot go on" },
	{ KVM_EXIT_SYSTEM_EVENT, "the guest reports that it has crashed" },
};

static const struct report_word report_suberrors[] = {
	{ KVM_INTERNAL_ERROR_EMULATION,
	  "an instruction could not be emulated" },
	{ KVM_INTERNAL_ERROR_SIMUL_EX,
	  "two exceptions at once" },
	{ KVM_INTERNAL_ERROR_DELIVERY_EV,
	  "an exit happened while an event was being delivered" },
	{ KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
	  "the CPU gave an exit reason that was not expected" },
};

static const char *report_find(const struct report_word *words, size_t nr,
			       uint32_t number)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (words[i].number == number)
			return words[i].text;
	return NULL;
}

#define REPORT_FIND(words, number) \
	report_find(words, sizeof(words) / sizeof((words)[0]), number)

/* The instruction that could not be emulated, if it is told. */
static void report_instruction(FILE *f, const struct kvm_run *run)
{
	const uint64_t told =
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	unsigned int n = run->emulation_failure.insn_size, i;

	if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION ||
	    run->emulation_failure.ndata < 3 ||
	    !(run->emulation_failure.flags & told) || !n)
		return;
	fprintf(f, "\n  instruction:");
	for (i = 0; i < n && i < sizeof(run->emulation_failure.insn_bytes); i++)
		fprintf(f, " %02x", run->emulation_failure.insn_bytes[i]);
}

static void report_internal(FILE *f, const struct kvm_run *run)
{
	uint32_t sub = run->internal.suberror, n = run->internal.ndata, i;
	const char *text = REPORT_FIND(report_suberrors, sub);

	fprintf(f, "\n  cause %u: %s", sub, text ? text : "not known");
	report_instruction(f, run);
	if (n > 16)
		n = 16;
	for (i = 0; i < n; i++)
		fprintf(f, "%s%#llx", i ? ", " : "\n  data: ",
			(unsigned long long)run->internal.data[i]);
}

void lodge_report_reason(FILE *f, const struct kvm_run *run)
{
	uint32_t reason = run->exit_reason;
	const char *text = REPORT_FIND(report_exits, reason);

	if (text)
		fprintf(f, "%s", text);
	else
		fprintf(f, "exit reason %u, which means nothing here", reason);

	switch (reason) {
	case KVM_EXIT_UNKNOWN:
		fprintf(f, " (hardware reason %#llx)", (unsigned long long)
			run->hw.hardware_exit_reason);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		fprintf(f, " (hardware reason %#llx)", (unsigned long long)
			run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		fprintf(f, " (system event %u)", run->system_event.type);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		report_internal(f, run);
		break;
	}
	fputc('\n', f);
}

/* Where entries are read, and shown as they are if @f is there. */
struct walk {
	const struct lodge_mem *mem;
	FILE *f;
};

static uint64_t walk_entry(const struct walk *w, uint64_t table,
			   unsigned int index, unsigned int size)
{
	uint64_t gpa = table + (uint64_t)index * size, entry = 0;
	const void *p = lodge_mem_ptr(w->mem, gpa, size);

	if (p)
		memcpy(&entry, p, size);
	if (w->f)
		fprintf(w->f, " [%llx] %0*llx", (unsigned long long)gpa,
			(int)size * 2, (unsigned long long)entry);
	return entry;
}

static uint64_t walk_legacy(const struct walk *w,
			    const struct kvm_sregs *sregs, uint64_t addr)
{
	uint64_t pde, pte;

	pde = walk_entry(w, sregs->cr3 & 0xfffff000, addr >> 22 & 0x3ff, 4);
	if (!(pde & PTE_PRESENT))
		return UINT64_MAX;
	if ((pde & PTE_HUGE) && (sregs->cr4 & CR4_PSE))
		return (pde & 0xffc00000) | (pde & 0x1fe000) << 19 |
		       (addr & 0x3fffff);
	pte = walk_entry(w, pde & 0xfffff000, addr >> 12 & 0x3ff, 4);
	if (!(pte & PTE_PRESENT))
		return UINT64_MAX;
	return (pte & 0xfffff000) | (addr & 0xfff);
}

static uint64_t walk(const struct walk *w, const struct kvm_sregs *sregs,
		     uint64_t addr)
{
	bool lma = sregs->efer & EFER_LMA;
	unsigned int level = !lma ? 3 : sregs->cr4 & CR4_LA57 ? 5 : 4, shift;
	uint64_t table = sregs->cr3 & PTE_ADDR, entry;

	if (!lma)
		addr &= 0xffffffff;
	if (!(sregs->cr0 & CR0_PG))
		return addr;
	if (!lma && !(sregs->cr4 & CR4_PAE))
		return walk_legacy(w, sregs, addr);
	if (!lma)
		table = sregs->cr3 & CR3_PAE_ADDR;
	for (; level; level--) {
		shift = 12 + 9 * (level - 1);
		entry = walk_entry(w, table, addr >> shift & 0x1ff, 8);
		if (!(entry & PTE_PRESENT))
			return UINT64_MAX;
		table = entry & PTE_ADDR;
		/* Level 3 of PAE paging has no such bit; it is reserved. */
		if (level == 1 || ((entry & PTE_HUGE) && level <= 3))
			return (table & -(1ull << shift)) |
			       (addr & ((1ull << shift) - 1));
	}
	return UINT64_MAX;
}

uint64_t lodge_report_walk(const struct lodge_mem *mem,
			   const struct kvm_sregs *sregs, uint64_t addr)
{
	const struct walk w = { .mem = mem };

	return walk(&w, sregs, addr);
}

/* The entries that translate the address of the last page fault. */
static void report_paging(FILE *f, const struct kvm_sregs *sregs,
			  const struct lodge_mem *mem)
{
	const struct walk w = { .mem = mem, .f = f };

	if (!(sregs->cr0 & CR0_PG))
		return;
	fprintf(f, "  CR2's page-table entries:");
	walk(&w, sregs, sregs->cr2);
	fputc('\n', f);
}

static void report_bytes(FILE *f, uint64_t rip, const struct kvm_sregs *sregs,
			 const struct lodge_mem *mem)
{
	uint64_t linear = rip, from, gpa;
	const uint8_t *p;
	int i;

	if (!sregs->cs.l || !(sregs->efer & EFER_LMA))
		linear += sregs->cs.base;
	from = linear - REPORT_BYTES_BEFORE;
	fprintf(f, "  bytes at RIP:");
	for (i = 0; i < REPORT_BYTES_BEFORE + REPORT_BYTES_AFTER; i++) {
		gpa = lodge_report_walk(mem, sregs, from + i);
		p = gpa == UINT64_MAX ? NULL : lodge_mem_ptr(mem, gpa, 1);
		if (!p)
			fprintf(f, i == REPORT_BYTES_BEFORE ? " <-->" : " --");
		else
			fprintf(f, i == REPORT_BYTES_BEFORE ? " <%02x>" :
				" %02x", *p);
	}
	fputc('\n', f);
}

static void report_segment(FILE *f, const char *name,
			   const struct kvm_segment *s)
{
	fprintf(f, "  %-3s %04x base %016llx limit %08x type %x s %u dpl %u p %u l %u db %u g %u%s\n",
		name, s->selector, (unsigned long long)s->base, s->limit,
		s->type, s->s, s->dpl, s->present, s->l, s->db, s->g,
		s->unusable ? " unusable" : "");
}

void lodge_report_state(FILE *f, const struct kvm_regs *r,
			const struct kvm_sregs *s, const struct lodge_mem *mem)
{
	const struct {
		const char *name;
		uint64_t val;
	} words[] = {
		{ "rip", r->rip }, { "rflags", r->rflags }, { "rsp", r->rsp },
		{ "rbp", r->rbp }, { "rax", r->rax }, { "rbx", r->rbx },
		{ "rcx", r->rcx }, { "rdx", r->rdx }, { "rsi", r->rsi },
		{ "rdi", r->rdi }, { "r8", r->r8 }, { "r9", r->r9 },
		{ "r10", r->r10 }, { "r11", r->r11 }, { "r12", r->r12 },
		{ "r13", r->r13 }, { "r14", r->r14 }, { "r15", r->r15 },
		{ "cr0", s->cr0 }, { "cr2", s->cr2 }, { "cr3", s->cr3 },
		{ "cr4", s->cr4 }, { "cr8", s->cr8 }, { "efer", s->efer },
		{ "gdt", s->gdt.base }, { "gdtlim", s->gdt.limit },
		{ "idt", s->idt.base }, { "idtlim", s->idt.limit },
		{ "apic", s->apic_base },
	};
	const size_t nr = sizeof(words) / sizeof(words[0]);
	size_t i;

	/* KVM does this on AMD after a triple fault. */
	if (r->rip == 0xfff0 && s->cs.base == 0xffff0000)
		fprintf(f, "  the hypervisor has reset the CPU since, and its registers are those of a reset:\n");
	for (i = 0; i < nr; i++)
		fprintf(f, "  %-6s %016llx%s", words[i].name,
			(unsigned long long)words[i].val,
			i % 3 == 2 || i == nr - 1 ? "\n" : "");
	report_segment(f, "cs", &s->cs);
	report_segment(f, "ds", &s->ds);
	report_segment(f, "es", &s->es);
	report_segment(f, "fs", &s->fs);
	report_segment(f, "gs", &s->gs);
	report_segment(f, "ss", &s->ss);
	report_segment(f, "tr", &s->tr);
	report_segment(f, "ldt", &s->ldt);
	report_paging(f, s, mem);
	report_bytes(f, r->rip, s, mem);
}

/* The rule that the state broke, where the hypervisor names it. */
static void report_explanation(FILE *f, const struct lodge_vcpu *vcpu,
			       const struct kvm_run *run)
{
	struct lodge_explain e;

	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY &&
	    !ioctl(vcpu->fd, LODGE_EXPLAIN, &e))
		fprintf(f, "  %.*s\n", (int)sizeof(e.text), e.text);
}

/* Everything at once, so that the guest's output does not cut it up. */
static void report_print(struct lodge_vcpu *vcpu, const struct kvm_run *run,
			 int err)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	fprintf(f, "lodge: CPU %u: ", vcpu->id);
	if (run) {
		lodge_report_reason(f, run);
		report_explanation(f, vcpu, run);
	} else {
		fprintf(f, "KVM_RUN failed: %s\n", strerror(err));
	}
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		fprintf(f, "  its registers cannot be read\n");
	else
		lodge_report_state(f, &regs, &sregs, vcpu->env->mem);
	fclose(f);
	lodge_term_message(text, len);
	free(text);
}

void lodge_report(struct lodge_vcpu *vcpu, const struct kvm_run *run)
{
	report_print(vcpu, run, 0);
}

void lodge_report_errno(struct lodge_vcpu *vcpu, int err)
{
	report_print(vcpu, NULL, err);
}
