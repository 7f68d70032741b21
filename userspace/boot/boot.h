/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Getting a Linux kernel into a guest's memory and its first CPU to it.
 *
 * machine.c calls these in order: files are opened once, the rest is done for
 * each start of the guest. Read next: boot/bzimage.c, boot/e820.c,
 * boot/acpi.c, boot/start.c.
 */
#ifndef LODGE_BOOT_H
#define LODGE_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/bootparam.h>
#include <linux/kvm.h>

#include "../mem.h"

/* Where things are put in the guest's first megabyte. */
#define LODGE_BOOT_GDT		0x6000
#define LODGE_BOOT_PARAMS	0x7000
#define LODGE_BOOT_SEED		0x8000
#define LODGE_BOOT_TABLES	0x9000		/* page tables, six pages */
#define LODGE_BOOT_CMDLINE	0x20000
#define LODGE_BOOT_CMDLINE_MAX	0x10000
#define LODGE_BOOT_EBDA		0x9fc00		/* end of conventional memory */
#define LODGE_BOOT_ACPI		0xe0000
#define LODGE_BOOT_ACPI_END	0x100000

/* What a bzImage's header says about itself. */
struct lodge_bzimage {
	struct setup_header hdr;
	uint64_t payload;		/* offset of the 64-bit kernel in the file */
	uint64_t payload_size;
	uint64_t load;			/* guest-physical address to load it at */
	uint64_t end;			/* of the memory it needs before it looks */
};

/**
 * lodge_bzimage_parse() - read the header of a bzImage
 * @img: filled in
 * @head: the first bytes of the file
 * @len: how many there are
 * @size: the size of the file
 *
 * Follows the boot protocol's "The Real-Mode Kernel Header".
 *
 * Return: NULL, or what is wrong with it, in words.
 */
const char *lodge_bzimage_parse(struct lodge_bzimage *img, const uint8_t *head,
				size_t len, uint64_t size);

/* The files of a kernel, open. */
struct lodge_boot_files {
	const char *kernel;
	const char *initrd;		/* NULL: none */
	int kernel_fd;
	int initrd_fd;
	uint64_t initrd_size;
	struct lodge_bzimage img;
};

/**
 * lodge_boot_open() - open and check the files
 * @files: filled in
 * @kernel: path of a bzImage
 * @initrd: path of an initial RAM disk, or NULL
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_boot_open(struct lodge_boot_files *files, const char *kernel,
		    const char *initrd);

/**
 * lodge_boot_close() - close the files
 * @files: what lodge_boot_open() filled in
 */
void lodge_boot_close(struct lodge_boot_files *files);

/**
 * lodge_boot_place_initrd() - choose where the initial RAM disk goes
 * @img: the kernel
 * @low_end: end of RAM below 4 GiB
 * @size: of the initial RAM disk, 0 if there is none
 *
 * Return: a guest-physical address, or 0 when memory is too small for both.
 */
uint64_t lodge_boot_place_initrd(const struct lodge_bzimage *img,
				 uint64_t low_end, uint64_t size);

/**
 * lodge_boot_load() - put the kernel, its parameters and tables in memory
 * @files: what lodge_boot_open() filled in
 * @mem: guest memory, all zero
 * @cmdline: the kernel's command line
 * @cpus: number of CPUs
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_boot_load(const struct lodge_boot_files *files,
		    const struct lodge_mem *mem, const char *cmdline,
		    unsigned int cpus);

/**
 * lodge_boot_e820() - describe memory to the kernel
 * @params: the zero page; its E820 table is filled in
 * @mem: guest memory
 */
void lodge_boot_e820(struct boot_params *params, const struct lodge_mem *mem);

/**
 * lodge_boot_acpi() - write the ACPI tables
 * @mem: guest memory
 * @cpus: number of CPUs, their APIC ids counting from 0
 *
 * Return: guest-physical address of the root pointer.
 */
uint64_t lodge_boot_acpi(const struct lodge_mem *mem, unsigned int cpus);

/**
 * lodge_boot_tables() - write the GDT and page tables for the first CPU
 * @mem: guest memory
 */
void lodge_boot_tables(const struct lodge_mem *mem);

/**
 * lodge_boot_regs() - the first CPU's registers at the kernel's entry
 * @img: the kernel
 * @regs: filled in
 * @sregs: as the CPU has them after reset; changed
 *
 * Follows the boot protocol's "64-bit Boot Protocol".
 */
void lodge_boot_regs(const struct lodge_bzimage *img, struct kvm_regs *regs,
		     struct kvm_sregs *sregs);

#endif /* LODGE_BOOT_H */
