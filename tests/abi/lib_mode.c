// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' library: a vCPU in real, protected or long mode, and for each of
 * these a stub on every vector that tells the test of the trap, ends the
 * interrupt at its controller and returns. Called through abi_boot().
 */
#include <stdio.h>
#include <string.h>

#include "abi.h"

#define CR0_REAL	0x10ull
#define CR0_PROT	0x33ull			/* NE ET MP PE */
#define CR0_LONG	0x80010033ull		/* + PG WP */
#define CR4_LONG	0x620ull		/* OSXMMEXCPT OSFXSR PAE */
#define EFER_LONG	0xd01ull		/* NXE LMA LME SCE */

#define STUB_SIZE	32
#define PIC_VECTORS	0x20			/* to 0x2f */
#define APIC_VECTORS	0x30			/* to 0xff */

static bool pushes_error(unsigned int vector)
{
	/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */
	return vector < 32 && (0x60227d00u >> vector & 1);
}

static size_t put(uint8_t *p, size_t at, const void *bytes, size_t n)
{
	memcpy(p + at, bytes, n);
	return at + n;
}

#define PUT(...) do {							\
	static const uint8_t __bytes[] = { __VA_ARGS__ };		\
	at = put(p, at, __bytes, sizeof(__bytes));			\
} while (0)

/* End an interrupt of the PIC: both chips for the upper eight lines. */
static size_t put_pic_eoi(uint8_t *p, size_t at, unsigned int vector)
{
	PUT(0x50, 0xb0, 0x20);			/* push ax; mov $0x20,al */
	if (vector >= PIC_VECTORS + 8)
		PUT(0xe6, 0xa0);		/* out al,$0xa0 */
	PUT(0xe6, 0x20, 0x58);			/* out al,$0x20; pop ax */
	return at;
}

static void put_stub16(uint8_t *p, unsigned int vector)
{
	size_t at = 0;

	PUT(0x68);				/* push $vector */
	p[at++] = vector;
	p[at++] = 0;
	PUT(0xe7, ABI_TRAP, 0x83, 0xc4, 0x02);	/* out ax; add $2,sp */
	if (vector >= PIC_VECTORS && vector < APIC_VECTORS)
		at = put_pic_eoi(p, at, vector);
	PUT(0xcf);				/* iret */
}

static void put_stub(uint8_t *p, unsigned int vector, unsigned int flags)
{
	bool irqchip = flags & (ABI_IRQCHIP | ABI_SPLIT);
	bool wide = flags & ABI_LONG;
	unsigned int word = wide ? 8 : 4;
	size_t at = 0;

	PUT(0x68);				/* push $vector */
	p[at++] = vector;
	PUT(0, 0, 0, 0xe7, ABI_TRAP);		/* out eax */
	if (wide)
		PUT(0x48);
	PUT(0x83, 0xc4);			/* add $, sp */
	p[at++] = pushes_error(vector) ? 2 * word : word;
	if (vector >= PIC_VECTORS && vector < APIC_VECTORS) {
		at = put_pic_eoi(p, at, vector);
	} else if (vector >= APIC_VECTORS && irqchip) {
		PUT(0x50, 0x31, 0xc0, 0xa3);	/* push; xor eax,eax; mov */
		PUT(0xb0, 0x00, 0xe0, 0xfe);	/* to the EOI register */
		if (wide)
			PUT(0, 0, 0, 0);
		PUT(0x58);			/* pop */
	}
	if (wide)
		PUT(0x48);
	PUT(0xcf);				/* iret */
	if (at > STUB_SIZE)
		abi_die("trap stub of %zu bytes", at);
}

static void write_gate(uint8_t *mem, unsigned int mode, unsigned int vector,
		       uint64_t to)
{
	uint64_t gate[2] = { 0 };

	if (mode & ABI_LONG) {
		gate[0] = (to & 0xffff) | ABI_CS64 << 16 | 0x8e0000000000ull |
			  (to & 0xffff0000) << 32;
		gate[1] = to >> 32;
		memcpy(mem + ABI_IDT + vector * 16, gate, 16);
	} else if (mode & ABI_PROT) {
		gate[0] = (to & 0xffff) | ABI_CS32 << 16 | 0x8e0000000000ull |
			  (to & 0xffff0000) << 32;
		memcpy(mem + ABI_IDT + vector * 8, gate, 8);
	} else {
		uint16_t ivt[2] = { to, 0 };

		memcpy(mem + vector * 4, ivt, 4);
	}
}

static void write_stubs(struct abi_vm *vm, unsigned int mode)
{
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t to = ABI_STUBS + i * STUB_SIZE;

		if (mode & (ABI_PROT | ABI_LONG))
			put_stub(vm->mem + to, i, vm->flags | mode);
		else
			put_stub16(vm->mem + to, i);
		write_gate(vm->mem, mode, i, to);
	}
}

static void write_gdt(uint8_t *mem)
{
	static const uint64_t gdt[] = {
		[ABI_CS64 / 8]		= 0x00af9b000000ffff,
		[ABI_DS / 8]		= 0x00cf93000000ffff,
		[ABI_CS32 / 8]		= 0x00cf9b000000ffff,
		[ABI_CS16 / 8]		= 0x00009b000000ffff,
		[ABI_TR / 8]		= 0x00008b0000000067 |
					  (uint64_t)ABI_TSS << 16,
		[ABI_CS64_USER / 8]	= 0x00affb000000ffff,
		[ABI_DS_USER / 8]	= 0x00cff3000000ffff,
		[ABI_DS16 / 8]		= 0x000093000000ffff,
	};

	memcpy(mem + ABI_GDT, gdt, sizeof(gdt));
}

static void write_tables(uint8_t *mem)
{
	uint64_t *table = (uint64_t *)(mem + ABI_TABLES);

	table[0] = (ABI_TABLES + 0x1000) | 7;
	for (uint64_t i = 0; i < 4; i++)
		table[512 + i] = (ABI_TABLES + 0x2000 + i * 0x1000) | 7;
	for (uint64_t i = 0; i < 2048; i++)
		table[1024 + i] = i << 21 | 0x87;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code64)
{
	return (struct kvm_segment) {
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code64,
		.db = !code64,
	};
}

static void set_flat(struct kvm_sregs *sregs, bool wide)
{
	struct kvm_segment data = segment(ABI_DS, 3, false);

	sregs->cs = segment(wide ? ABI_CS64 : ABI_CS32, 11, wide);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->tr = (struct kvm_segment) {
		.selector = ABI_TR,
		.base = ABI_TSS,
		.limit = 0x67,
		.type = 11,
		.present = 1,
	};
	sregs->gdt.base = ABI_GDT;
	sregs->gdt.limit = 0x7f;
	sregs->idt.base = ABI_IDT;
	sregs->idt.limit = wide ? 0xfff : 0x7ff;
	sregs->cr0 = wide ? CR0_LONG : CR0_PROT;
	sregs->cr3 = wide ? ABI_TABLES : 0;
	sregs->cr4 = wide ? CR4_LONG : 0;
	sregs->efer = wide ? EFER_LONG : 0;
}

static void set_real(struct kvm_sregs *sregs)
{
	struct kvm_segment *data[] = { &sregs->ds, &sregs->es, &sregs->fs,
				       &sregs->gs, &sregs->ss, &sregs->cs };

	for (unsigned int i = 0; i < 6; i++) {
		data[i]->selector = 0;
		data[i]->base = 0;
		data[i]->limit = 0xffff;
		data[i]->type = 3;
		data[i]->l = data[i]->db = data[i]->g = 0;
	}
	sregs->cs.type = 11;
	sregs->idt.base = 0;
	sregs->idt.limit = 0x3ff;
	sregs->cr0 = CR0_REAL;
	sregs->cr3 = 0;
	sregs->cr4 = 0;
	sregs->efer = 0;
}

void abi_vcpu_mode(struct abi_vcpu *vcpu, unsigned int mode)
{
	struct kvm_sregs sregs = abi_sregs(vcpu);
	struct kvm_regs regs = {
		.rip = ABI_CODE,
		.rflags = 2,
		.rsp = vcpu->id ? ABI_STACKS + (vcpu->id + 1) * 0x1000 - 16 :
				  ABI_STACK - 16,
	};
	uint8_t *mem = vcpu->vm->mem;

	mode &= ABI_PROT | ABI_LONG;
	vcpu->vm->flags = (vcpu->vm->flags & ~(ABI_PROT | ABI_LONG)) | mode;
	write_stubs(vcpu->vm, mode);
	if (mode) {
		write_gdt(mem);
		set_flat(&sregs, mode & ABI_LONG);
	} else {
		set_real(&sregs);
	}
	if (mode & ABI_LONG) {
		uint64_t rsp0 = ABI_STACK - 0x1000;

		write_tables(mem);
		memcpy(mem + ABI_TSS + 4, &rsp0, sizeof(rsp0));
	}
	abi_set_sregs(vcpu, &sregs);
	abi_set_regs(vcpu, &regs);
}

void abi_gate(struct abi_vcpu *vcpu, uint8_t vector, uint64_t gpa)
{
	write_gate(vcpu->vm->mem, vcpu->vm->flags, vector, gpa);
}

struct abi_trap abi_trapped(struct abi_vcpu *vcpu)
{
	unsigned int mode = vcpu->vm->flags & (ABI_PROT | ABI_LONG);
	unsigned int word = mode & ABI_LONG ? 8 : mode ? 4 : 2;
	struct abi_trap trap = { 0 };
	struct kvm_regs regs;
	unsigned int skip;
	uint64_t sp;

	abi_until(vcpu, ABI_TRAP);
	regs = abi_regs(vcpu);
	sp = mode ? regs.rsp : regs.rsp & 0xffff;
	if (sp >= ABI_MEM_SIZE - 48) {
		abi_describe(vcpu);
		abi_die("trap stub with a stack at %#lx", (unsigned long)sp);
	}
	memcpy(&trap.vector, vcpu->vm->mem + sp, word < 4 ? word : 4);
	skip = mode && pushes_error(trap.vector);
	if (skip)
		memcpy(&trap.error, vcpu->vm->mem + sp + word, 4);
	memcpy(&trap.rip, vcpu->vm->mem + sp + word * (1 + skip), word);
	memcpy(&trap.flags, vcpu->vm->mem + sp + word * (3 + skip), word);
	trap.rsp = sp;
	return trap;
}
