// SPDX-License-Identifier: GPL-2.0
/*
 * The state in which the first CPU enters the kernel: 64-bit mode, flat
 * segments, the first 4 GiB mapped one to one; see boot.h for who calls this.
 * Read next: vcpu.c, which loads these registers.
 */
#include "boot.h"

#include <string.h>

#define START_ENTRY_64		0x200	/* from the start of the payload */
#define START_CS		0x10
#define START_DS		0x18

#define PTE_PRESENT		0x001ull
#define PTE_WRITE		0x002ull
#define PTE_HUGE		0x080ull

#define CR0_PE			(1u << 0)
#define CR0_ET			(1u << 4)
#define CR0_PG			(1u << 31)
#define CR4_PAE			(1u << 5)
#define EFER_LME		(1u << 8)
#define EFER_LMA		(1u << 10)

static const uint64_t start_gdt[] = {
	0, 0,
	0x00af9b000000ffff,	/* 0x10: 64-bit code */
	0x00cf93000000ffff,	/* 0x18: data */
};

void lodge_boot_tables(const struct lodge_mem *mem)
{
	uint64_t *pml4 = lodge_mem_ptr(mem, LODGE_BOOT_TABLES, 6 * 4096);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;
	unsigned int i;

	pml4[0] = (LODGE_BOOT_TABLES + 0x1000) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (LODGE_BOOT_TABLES + 0x2000 + i * 0x1000) |
			  PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = ((uint64_t)i << 21) | PTE_PRESENT | PTE_WRITE |
			PTE_HUGE;
	memcpy(lodge_mem_ptr(mem, LODGE_BOOT_GDT, sizeof(start_gdt)),
	       start_gdt, sizeof(start_gdt));
}

void lodge_boot_regs(const struct lodge_bzimage *img, struct kvm_regs *regs,
		     struct kvm_sregs *sregs)
{
	const struct kvm_segment code = {
		.base = 0, .limit = 0xffffffff, .selector = START_CS,
		.type = 0xb, .present = 1, .s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.base = 0, .limit = 0xffffffff, .selector = START_DS,
		.type = 0x3, .present = 1, .s = 1, .db = 1, .g = 1,
	};

	memset(regs, 0, sizeof(*regs));
	regs->rip = img->load + START_ENTRY_64;
	regs->rsi = LODGE_BOOT_PARAMS;
	regs->rflags = 2;

	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->gdt.base = LODGE_BOOT_GDT;
	sregs->gdt.limit = sizeof(start_gdt) - 1;
	sregs->cr3 = LODGE_BOOT_TABLES;
	sregs->cr4 |= CR4_PAE;
	sregs->cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs->efer |= EFER_LME | EFER_LMA;
}
