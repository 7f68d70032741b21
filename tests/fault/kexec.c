// SPDX-License-Identifier: GPL-2.0
/*
 * Loads what follows this kernel, and goes to it. ends.sh runs it.
 *
 *	kexec load KERNEL INITRD COMMAND-LINE	for "kexec go"
 *	kexec crash KERNEL INITRD COMMAND-LINE	for when this one panics
 *	kexec load-probe CPUS RESULT		no kernel, but after.S, which then
 *	kexec crash-probe CPUS RESULT		says "ok RESULT" or "not ok RESULT"
 *	kexec go
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "after.h"

/* Where there is memory, if none is set aside for it. */
#define PROBE_ADDRESS	(32UL << 20)

static int load(char **arg, unsigned long flags)
{
	int kernel = open(arg[0], O_RDONLY | O_CLOEXEC);
	int initrd = open(arg[1], O_RDONLY | O_CLOEXEC);

	if (kernel < 0 || initrd < 0) {
		perror(kernel < 0 ? arg[0] : arg[1]);
		return 1;
	}
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(arg[2]) + 1,
		    arg[2], flags)) {
		perror("kexec_file_load");
		return 1;
	}
	return 0;
}

/* What has been set aside for a crash kernel, or 0. */
static unsigned long crash_address(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long start, found = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "Crash kernel") &&
		    sscanf(line, "%lx-", &start) == 1)
			found = start;
	if (f)
		fclose(f);
	return found;
}

/* The image of after.S for an address. */
static void probe_make(unsigned char *page, unsigned long address, int cpus,
		       const char *result)
{
	uint64_t *pml4 = (void *)(page + AFTER_PML4);
	uint64_t *pdpt = (void *)(page + AFTER_PDPT);
	uint64_t *pd = (void *)(page + AFTER_PD);
	uint16_t others = cpus - 1;

	memcpy(page, after_start, after_end - after_start);
	memcpy(page + (after_others - after_start), &others, sizeof(others));
	snprintf((char *)page + AFTER_GOOD_TEXT, 0x400, "ok %s\n", result);
	snprintf((char *)page + AFTER_BAD_TEXT, 0x400, "not ok %s\n", result);
	pml4[0] = (address + AFTER_PDPT) | 3;
	for (uint64_t i = 0; i < 4; i++)
		pdpt[i] = (address + AFTER_PD + i * AFTER_PAGE) | 3;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | 0x83;
}

static int load_probe(char **arg, unsigned long flags)
{
	unsigned long address = flags ? crash_address() : PROBE_ADDRESS;
	unsigned char *image = calloc(1, AFTER_SIZE);
	struct kexec_segment segment = {
		.buf = image, .bufsz = AFTER_SIZE,
		.mem = (void *)address, .memsz = AFTER_SIZE,
	};

	if (!address || !image || after_end - after_start > AFTER_GOOD_TEXT) {
		fprintf(stderr, "no memory is set aside for a crash\n");
		return 1;
	}
	probe_make(image, address, atoi(arg[0]), arg[1]);
	if (syscall(SYS_kexec_load, address, 1UL, &segment, flags)) {
		perror("kexec_load");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv + 2, 0);
	if (argc == 5 && !strcmp(argv[1], "crash"))
		return load(argv + 2, KEXEC_FILE_ON_CRASH);
	if (argc == 4 && !strcmp(argv[1], "load-probe"))
		return load_probe(argv + 2, 0);
	if (argc == 4 && !strcmp(argv[1], "crash-probe"))
		return load_probe(argv + 2, KEXEC_ON_CRASH);
	if (argc != 2 || strcmp(argv[1], "go"))
		return 2;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("reboot");
	return 1;
}
