// SPDX-License-Identifier: GPL-2.0
/*
 * Loads the kernel that follows this one, and goes to it. ends.sh runs it.
 *
 *	kexec load KERNEL INITRD COMMAND-LINE	for "kexec go"
 *	kexec crash KERNEL INITRD COMMAND-LINE	for when this one panics
 *	kexec go
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv + 2, 0);
	if (argc == 5 && !strcmp(argv[1], "crash"))
		return load(argv + 2, KEXEC_FILE_ON_CRASH);
	if (argc != 2 || strcmp(argv[1], "go"))
		return 2;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("reboot");
	return 1;
}
