// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the launcher's virtio disk: an input is a guest's driver gone wild,
 * writing registers, configuration space, rings and requests. Whatever it
 * does, the device answers or stops, stays within guest memory (ASan looks
 * on), and a reset brings it back.
 * Run by the Makefile here. Read next: tests/unit/launcher/blk_driver.h.
 */
#include <stdlib.h>
#include <string.h>

#include "blk_driver.h"
#include "input.h"

int ktap_failures;

static void do_register(struct input *i)
{
	uint32_t offset = next(i, 2) % 0x6000;

	out(offset, next(i, 4), 1 << (offset >> 12 == 4 ? 2 : next(i, 1) % 3));
	in(offset, 4);
}

static void do_config(struct input *i)
{
	uint32_t reg = next(i, 1), val = next(i, 4);

	config(reg, 4 - reg % 4, &val);
	config(reg, 4 - reg % 4, NULL);
}

static void do_desc(struct input *i)
{
	uint32_t index = next(i, 1) % SIZE, addr = next(i, 3) % (MEM + 16);

	set(index, addr, next(i, 2), next(i, 1));
}

static void do_memory(struct input *i)
{
	uint32_t addr = next(i, 2) * 4u % (MEM - 4), val = next(i, 4);

	memcpy(at(addr), &val, sizeof(val));
}

static void do_request(struct input *i)
{
	header(next(i, 1) % 16, next(i, 2) % (SECTORS + 8));
	submit();
}

static void do_kick(struct input *i)
{
	out(0x3000, 0, 1 << next(i, 1) % 3);
	settle();
}

static void (*const ops[])(struct input *) = {
	do_register, do_config, do_desc, do_memory, do_request, do_kick,
};

/* The BAR where the driver reaches it, the device up. */
static void driver_up(void)
{
	const uint32_t bar = BAR, memory = PCI_COMMAND_MEMORY;

	config(PCI_BASE_ADDRESS_0, 4, &bar);
	config(PCI_COMMAND, 2, &memory);
	features(V1 | FLUSH);
	queue(0);
	out(VIRTIO_PCI_COMMON_STATUS, 15, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input i = { data, size };

	if (image < 0) {
		start(false);
		atexit(fini);
		/* One line about a broken driver is enough. */
		blk.dev.told = true;
	}
	memset(at(0), 0, MEM);
	driver_up();
	while (i.len)
		ops[next(&i, 1) % (sizeof(ops) / sizeof(ops[0]))](&i);

	driver_up();
	settle();
	out(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	settle();
	if (in(VIRTIO_PCI_COMMON_STATUS, 1) || blk.in_flight)
		abort();
	return 0;
}
