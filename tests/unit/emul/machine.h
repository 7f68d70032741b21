/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest small enough to look through: a megabyte of memory mapped onto
 * itself, two devices, ports, and registers for each mode. Next: machine.c.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "../../../kmod/emul/emul.h"
#include "ktap.h"

#define MEM_SIZE	0x100000
#define USER_MMIO	0xd0000		/* to 0xdffff: user space's device */
#define KERNEL_MMIO	0xe0000		/* to 0xeffff: done in mmio() */
#define ROM		0xf0000		/* to the end: not written */

#define CODE		0x7000
#define STACK		0x9000
#define DATA		0x4000
#define GDT		0x1000
#define TSS		0x2000

/* Page attributes; all pages start with all of them. */
#define PAGE_P		BIT(0)
#define PAGE_W		BIT(1)
#define PAGE_U		BIT(2)

enum mode { REAL, V86, PROT16, PROT32, COMPAT, LONG64 };

struct machine {
	struct lodge_regs regs;
	struct lodge_emul e;
	u8 mem[MEM_SIZE];
	u8 page[MEM_SIZE / 4096];
	u8 xmm[16][16];
	bool race;			/* others write between read and write */

	/* Every access that reached a device, in order. */
	struct lodge_emul_io events[600];
	unsigned int nr_events;
	u8 next_byte;			/* what a device reads as */
	unsigned int user_exits;
	unsigned int walks;		/* of page tables */

	/* What control instructions did. */
	int system;			/* enum lodge_emul_system, or -1 */
	u64 arg;
	u32 msr;
	u64 msr_value;
	unsigned int cr, dr;
	u64 cr_value, dr_value;
};

/* The machine of all tests, made new for @mode with CPL @level. */
struct machine *machine_new(enum mode mode, unsigned int level);

/*
 * Put code at CS:RIP and run one instruction of it, doing its I/O, until it
 * is done for good.
 */
int machine_run(struct machine *m, const u8 *code, unsigned int n);
#define RUN(m, ...) \
	machine_run(m, (const u8[]){ __VA_ARGS__ }, \
		    sizeof((const u8[]){ __VA_ARGS__ }))

/* Only decode and execute once. */
int machine_step(struct machine *m, const u8 *code, unsigned int n);
#define STEP(m, ...) \
	machine_step(m, (const u8[]){ __VA_ARGS__ }, \
		     sizeof((const u8[]){ __VA_ARGS__ }))

/* Switch tasks. */
int machine_task(struct machine *m, const struct lodge_task_switch *t);

/* Do what the last LODGE_EMUL_IO asked for. */
void machine_io(struct machine *m);

/* Descriptor @index of the GDT. */
void machine_descriptor(struct machine *m, unsigned int index, u32 base,
			u32 limit, u16 ar);

u64 machine_peek(const struct machine *m, u32 at, unsigned int n);
void machine_poke(struct machine *m, u32 at, u64 v, unsigned int n);

/* Was the fault that, and nothing changed? */
bool machine_faulted(const struct machine *m, int rc, u8 vector, u32 error);

#define CHECK(cond) do { \
	if (!(cond)) { \
		ktap_diag("%s:%d: %s", __FILE__, __LINE__, #cond); \
		return false; \
	} \
} while (0)

#define REG(m, r)	((m)->regs.gpr[LODGE_##r])

#endif
