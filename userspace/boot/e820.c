// SPDX-License-Identifier: GPL-2.0
/*
 * The E820 map: which guest-physical addresses are RAM; see boot.h for who
 * calls this. Read next: boot/acpi.c, what fills the reserved part.
 */
#include "boot.h"

#define E820_RAM	1
#define E820_RESERVED	2

static void e820_add(struct boot_params *params, uint64_t from, uint64_t to,
		     uint32_t type)
{
	if (from >= to)
		return;
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){
		.addr = from, .size = to - from, .type = type,
	};
}

void lodge_boot_e820(struct boot_params *params, const struct lodge_mem *mem)
{
	const struct lodge_mem_region *high = &mem->region[1];

	params->e820_entries = 0;
	e820_add(params, 0, LODGE_BOOT_EBDA, E820_RAM);
	e820_add(params, LODGE_BOOT_EBDA, 0xa0000, E820_RESERVED);
	e820_add(params, LODGE_BOOT_ACPI, LODGE_BOOT_ACPI_END, E820_RESERVED);
	e820_add(params, 0x100000, lodge_mem_low_end(mem), E820_RAM);
	if (mem->nr > 1)
		e820_add(params, high->gpa, high->gpa + high->size, E820_RAM);
}
