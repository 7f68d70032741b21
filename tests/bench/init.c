// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's first user process, for the time it takes to get to it: says
 * that it is there, waits for a line, and turns the guest off. See run.sh.
 */
#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char here[] = "first user process\n";
	char c;

	if (write(1, here, sizeof(here) - 1) < 0)
		return 1;
	while (read(0, &c, 1) == 1 && c != '\n')
		;
	reboot(RB_POWER_OFF);
	return 1;
}
