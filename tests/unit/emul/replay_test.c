// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that reach devices: each access is made once and in order,
 * however often the instruction is run again.
 *
 * Called from main.c. Next: fault_test.c.
 */
#include "machine.h"

static bool event(const struct machine *m, unsigned int nr, u64 addr,
		  unsigned int len, bool write)
{
	const struct lodge_emul_io *io = &m->events[nr];

	if (nr < m->nr_events && io->addr == addr && io->len == len &&
	    io->write == write)
		return true;
	ktap_diag("access %u of %u: %s %u bytes at %llx", nr, m->nr_events,
		  io->write ? "write" : "read", io->len, io->addr);
	return false;
}

static bool read_and_write(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = USER_MMIO + 0x10;
	REG(m, RAX) = ~0ULL;
	CHECK(RUN(m, 0x8b, 0x03) == LODGE_EMUL_OK);	/* mov (%rbx),%eax */
	CHECK(REG(m, RAX) == 0x14131211);
	CHECK(m->nr_events == 1 && event(m, 0, USER_MMIO + 0x10, 4, false));
	CHECK(m->regs.rip == CODE + 2);
	CHECK(RUN(m, 0x48, 0x89, 0x43, 0x08) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 2 && event(m, 1, USER_MMIO + 0x18, 8, true));
	CHECK(m->events[1].data[0] == 0x11 && m->events[1].data[4] == 0);
	CHECK(m->user_exits == 2);
	return true;
}

/* The kernel's device is not asked again when user space's comes after. */
static bool kernel_device_once(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RSI) = KERNEL_MMIO;
	REG(m, RDI) = USER_MMIO;
	CHECK(STEP(m, 0xa5) == LODGE_EMUL_IO);		/* movsl */
	CHECK(REG(m, RSI) == KERNEL_MMIO && m->regs.rip == CODE);
	CHECK(m->nr_events == 1 && event(m, 0, KERNEL_MMIO, 4, false));
	machine_io(m);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 2 && event(m, 1, USER_MMIO, 4, true));
	CHECK(!memcmp(m->events[0].data, m->events[1].data, 4));
	CHECK(REG(m, RSI) == KERNEL_MMIO + 4 && m->regs.rip == CODE + 1);
	return true;
}

static bool read_modify_write(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = USER_MMIO;
	REG(m, RCX) = 1;
	CHECK(RUN(m, 0xf0, 0x01, 0x0b) == LODGE_EMUL_OK); /* lock add */
	CHECK(m->nr_events == 2 && event(m, 0, USER_MMIO, 4, false) &&
	      event(m, 1, USER_MMIO, 4, true));
	CHECK(m->events[1].data[0] == 0x12 && m->events[1].data[1] == 0x12);
	CHECK(RUN(m, 0x48, 0x87, 0x0b) == LODGE_EMUL_OK);	/* xchg */
	CHECK(REG(m, RCX) == 0x1c1b1a1918171615);
	CHECK(m->nr_events == 4);
	return true;
}

/*
 * Memory on one side of a page border, a device on the other: memory is
 * added to once, though the instruction runs several times.
 */
static bool across_the_border(void)
{
	struct machine *m = machine_new(LONG64, 0);
	u32 at = USER_MMIO - 2;

	machine_poke(m, at, 0x00ff, 2);
	REG(m, RBX) = at;
	REG(m, RCX) = 1;
	CHECK(RUN(m, 0x01, 0x0b) == LODGE_EMUL_OK);	/* add */
	CHECK(machine_peek(m, at, 2) == 0x0100);
	CHECK(m->nr_events == 2 && event(m, 0, USER_MMIO, 2, false) &&
	      event(m, 1, USER_MMIO, 2, true));
	CHECK(m->user_exits == 2);
	/* and the other way round, where ROM reads as memory */
	REG(m, RBX) = ROM - 1;
	m->mem[ROM] = 0xff;
	CHECK(RUN(m, 0x66, 0x01, 0x0b) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 5 && event(m, 2, ROM - 1, 1, false) &&
	      event(m, 3, ROM - 1, 1, true) && event(m, 4, ROM, 1, true));
	return true;
}

static bool rep_to_device(void)
{
	struct machine *m = machine_new(LONG64, 0);
	unsigned int i;

	for (i = 0; i < 8; i++)
		machine_poke(m, DATA + i * 2, 0x100 + i, 2);
	REG(m, RSI) = DATA;
	REG(m, RDI) = USER_MMIO;
	REG(m, RCX) = 8;
	CHECK(STEP(m, 0xf3, 0x66, 0xa5) == LODGE_EMUL_IO);
	for (i = 0; i < 8; i++) {
		/* each iteration is visible before the next asks */
		CHECK(REG(m, RCX) == 8 - i && m->regs.rip == CODE);
		CHECK(REG(m, RDI) == USER_MMIO + i * 2);
		machine_io(m);
		CHECK(lodge_emul_execute(&m->e) ==
		      (i < 7 ? LODGE_EMUL_IO : LODGE_EMUL_OK));
	}
	CHECK(REG(m, RCX) == 0 && m->regs.rip == CODE + 3);
	CHECK(m->nr_events == 8 && event(m, 7, USER_MMIO + 14, 2, true));
	CHECK(m->events[7].data[0] == 7);
	return true;
}

/* A long REP lets the caller look at events, then goes on. */
static bool rep_is_bounded(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RDI) = DATA;
	REG(m, RAX) = 0x5a;
	REG(m, RCX) = LODGE_EMUL_REP_MAX + 10;
	CHECK(STEP(m, 0xf3, 0xaa) == LODGE_EMUL_OK);
	CHECK(m->e.again && m->regs.rip == CODE && REG(m, RCX) == 10);
	CHECK(lodge_emul_decode(&m->e, NULL, 0) == LODGE_EMUL_OK);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(!m->e.again && m->regs.rip == CODE + 2 && REG(m, RCX) == 0);
	CHECK(m->mem[DATA + LODGE_EMUL_REP_MAX + 9] == 0x5a);
	CHECK(m->mem[DATA + LODGE_EMUL_REP_MAX + 10] == 0);
	return true;
}

static bool string_ports(void)
{
	struct machine *m = machine_new(REAL, 0);

	REG(m, RDI) = DATA;
	REG(m, RDX) = 0x1f0;
	REG(m, RCX) = 3;
	CHECK(RUN(m, 0xf3, 0x6d) == LODGE_EMUL_OK);	/* rep insw */
	CHECK(machine_peek(m, DATA, 6) == 0x161514131211);
	CHECK(m->nr_events == 3 && event(m, 2, 0x1f0, 2, false));
	CHECK(REG(m, RDI) == DATA + 6 && REG(m, RCX) == 0);
	REG(m, RSI) = DATA + 1;
	m->regs.rflags |= LODGE_RFLAGS_DF;
	CHECK(RUN(m, 0x6e) == LODGE_EMUL_OK);		/* outsb */
	CHECK(event(m, 3, 0x1f0, 1, true) && m->events[3].data[0] == 0x12);
	CHECK(m->events[3].kind == LODGE_IO_PIO && REG(m, RSI) == DATA);
	return true;
}

/* No data is taken from a port that there is no room for. */
static bool ins_faults_first(void)
{
	struct machine *m = machine_new(LONG64, 0);

	m->page[DATA / 4096] &= ~PAGE_W;
	REG(m, RDI) = DATA;
	CHECK(machine_faulted(m, RUN(m, 0x6c), LODGE_PF,
			      LODGE_PF_P | LODGE_PF_W));
	CHECK(m->nr_events == 0);
	return true;
}

static bool wide_accesses(void)
{
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = USER_MMIO;
	/* movdqu (%rbx),%xmm1 */
	CHECK(RUN(m, 0xf3, 0x0f, 0x6f, 0x0b) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 2 && event(m, 0, USER_MMIO, 8, false) &&
	      event(m, 1, USER_MMIO + 8, 8, false));
	CHECK(m->xmm[1][0] == 0x11 && m->xmm[1][15] == 0x20);
	/* movntdq %xmm1,(%rbx) */
	CHECK(RUN(m, 0x66, 0x0f, 0xe7, 0x0b) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 4 && m->events[3].data[7] == 0x20);
	/* lock cmpxchg16b (%rbx): reads, then writes what it read */
	CHECK(RUN(m, 0xf0, 0x48, 0x0f, 0xc7, 0x0b) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 8 && event(m, 7, USER_MMIO + 8, 8, true));
	CHECK(REG(m, RDX) == 0x302f2e2d2c2b2a29);
	return true;
}

static bool stack_in_device(void)
{
	struct machine *m = machine_new(PROT32, 0);
	unsigned int i;

	REG(m, RSP) = USER_MMIO + 0x100;
	REG(m, RDI) = 0x77;
	CHECK(RUN(m, 0x60) == LODGE_EMUL_OK);		/* pusha */
	CHECK(m->nr_events == 8 && REG(m, RSP) == USER_MMIO + 0xe0);
	for (i = 0; i < 8; i++)
		CHECK(event(m, i, USER_MMIO + 0xfc - 4 * i, 4, true));
	CHECK(m->events[7].data[0] == 0x77);
	REG(m, RSP) = STACK;
	REG(m, RBX) = USER_MMIO;
	CHECK(RUN(m, 0xff, 0x33) == LODGE_EMUL_OK);	/* push (%ebx) */
	CHECK(machine_peek(m, STACK - 4, 4) == 0x14131211);
	CHECK(RUN(m, 0x8f, 0x43, 0x08) == LODGE_EMUL_OK);
	CHECK(event(m, 9, USER_MMIO + 8, 4, true) &&
	      m->events[9].data[3] == 0x14);
	return true;
}

/* An instruction may be carried to another machine in the middle. */
static bool saved_and_loaded(void)
{
	struct machine *m = machine_new(LONG64, 0);
	struct lodge_emul old;

	REG(m, RSI) = USER_MMIO;
	REG(m, RDI) = USER_MMIO + 0x40;
	CHECK(STEP(m, 0xa4) == LODGE_EMUL_IO);
	machine_io(m);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_IO);
	old = m->e;
	memset(&m->e, 0xee, sizeof(m->e));
	lodge_emul_init(&m->e, &m->regs, old.ops, m);
	m->e.log = old.log;
	m->e.io = old.io;
	memcpy(m->e.insn.bytes, old.insn.bytes, sizeof(old.insn.bytes));
	m->e.insn.have = old.insn.have;
	CHECK(lodge_emul_redecode(&m->e) == LODGE_EMUL_OK);
	machine_io(m);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 2 && m->events[1].data[0] == 0x11);
	return true;
}

/* The guest was given other registers while user space had the access. */
static bool dropped_when_moved(void)
{
	struct machine *m = machine_new(LONG64, 0);
	struct lodge_regs regs;

	REG(m, RBX) = USER_MMIO;
	CHECK(STEP(m, 0x8a, 0x03) == LODGE_EMUL_IO);
	m->regs.rip = 0xfff0;
	regs = m->regs;
	machine_io(m);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_RETRY);
	CHECK(!memcmp(&regs, &m->regs, sizeof(regs)));
	/* same place, another address: the log does not fit any more */
	m->regs.rip = CODE;
	CHECK(STEP(m, 0x8a, 0x03) == LODGE_EMUL_IO);
	machine_io(m);
	REG(m, RBX) = USER_MMIO + 1;
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_RETRY);
	CHECK(m->regs.rip == CODE);
	return true;
}

/*
 * A stack that begins in memory and, wrapping around, ends in a device: what
 * was read before the first access to the device is not read again.
 */
static bool memory_read_once(void)
{
	struct machine *m = machine_new(REAL, 0);
	u32 base = USER_MMIO - 0x8000;

	m->regs.seg[LODGE_SS].base = base;
	machine_poke(m, base, 0x5555, 2);
	REG(m, RSP) = 6;
	REG(m, RBP) = 2;
	/* enter 0, 3: reads 0 and fffe, writes 4, 2, 0 and fffe */
	CHECK(RUN(m, 0xc8, 0x00, 0x00, 0x03) == LODGE_EMUL_OK);
	CHECK(m->nr_events == 2);
	CHECK(event(m, 0, base + 0xfffe, 2, false) &&
	      event(m, 1, base + 0xfffe, 2, true));
	CHECK(machine_peek(m, base, 6) == 0x000255551211);
	/* the pointer is where the return address goes */
	m->regs.seg[LODGE_DS].base = base;
	machine_poke(m, base, 0x07000020, 4);
	REG(m, RSP) = 2;
	CHECK(RUN(m, 0xff, 0x1e, 0x00, 0x00) == LODGE_EMUL_OK);
	CHECK(m->regs.rip == 0x20 && m->regs.seg[LODGE_CS].sel == 0x700);
	CHECK(event(m, 2, base + 0xfffe, 2, true));
	return true;
}

/* How often the page tables were walked, hardware having been at @gpa. */
static unsigned int walks(struct machine *m, const u8 *code, gpa_t gpa,
			  bool write)
{
	u64 rip = m->regs.rip;
	unsigned int n;

	if (lodge_emul_decode(&m->e, code, LODGE_INSN_MAX) != LODGE_EMUL_OK)
		return ~0U;
	lodge_emul_hint(&m->e, gpa, write);
	n = m->walks;
	if (lodge_emul_execute(&m->e) != LODGE_EMUL_OK)
		return ~0U;
	m->regs.rip = rip;
	return m->walks - n;
}

/* What hardware has walked need not be walked again, if it is the same. */
static bool hint_saves_a_walk(void)
{
	static const u8 load[15] = { 0x8b, 0x03 };	/* mov (%rbx),%eax */
	static const u8 add[15] = { 0x01, 0x03 };
	static const u8 push[15] = { 0xff, 0x33 };
	static const u8 movs[15] = { 0xa4 };
	static const u8 bt[15] = { 0x0f, 0xa3, 0x03 };
	struct machine *m = machine_new(LONG64, 3);

	REG(m, RBX) = DATA + 0x10;
	REG(m, RSI) = DATA + 0x10;
	REG(m, RDI) = DATA + 0x10;
	CHECK(walks(m, load, KERNEL_MMIO + 0x10, false) == 0);
	CHECK(REG(m, RAX) == 0x14131211);
	CHECK(m->nr_events == 1 && event(m, 0, KERNEL_MMIO + 0x10, 4, false));
	/* a write that failed says that there is no memory to write to */
	machine_poke(m, ROM + 0x10, 0x55555555, 4);
	CHECK(walks(m, load, ROM + 0x10, true) == 0);
	CHECK(REG(m, RAX) == 0x55555555 && m->nr_events == 1);
	CHECK(walks(m, load, KERNEL_MMIO + 0x14, false) == 1);
	CHECK(REG(m, RAX) == 0);
	/* a read proves nothing about a write */
	CHECK(walks(m, add, DATA + 0x1010, false) == 2);
	CHECK(walks(m, add, DATA + 0x1010, true) == 0);
	/* other memory than the operand is involved */
	CHECK(walks(m, push, DATA + 0x1010, true) == 2);
	CHECK(walks(m, movs, DATA + 0x1010, true) == 2);
	CHECK(walks(m, bt, DATA + 0x1010, true) == 1);
	/* nor does it tell where the next page is */
	REG(m, RBX) = DATA + 0xffe;
	CHECK(walks(m, load, DATA + 0xffe, false) == 2);
	/* the segment's limit is looked at all the same */
	m = machine_new(REAL, 0);
	REG(m, RBX) = 0xffff;
	CHECK(lodge_emul_decode(&m->e, (const u8 *)"\x89\x07", 2) ==
	      LODGE_EMUL_OK);
	lodge_emul_hint(&m->e, 0xffff, true);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_FAULT);
	/* and the next instruction has no hint */
	CHECK(lodge_emul_decode(&m->e, (const u8 *)"\x88\x07", 2) ==
	      LODGE_EMUL_OK);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK && m->walks == 1);
	return true;
}

/* More accesses than the log holds are refused, not forgotten. */
static bool log_is_bounded(void)
{
	struct machine *m = machine_new(PROT32, 0);

	REG(m, RSP) = USER_MMIO + 0x100;
	REG(m, RBP) = USER_MMIO + 0x800;
	CHECK(RUN(m, 0xc8, 0x00, 0x00, 0x1f) == LODGE_EMUL_UNHANDLED);
	CHECK(m->nr_events == LODGE_EMUL_LOG_MAX);
	CHECK(REG(m, RSP) == USER_MMIO + 0x100);
	return true;
}

const struct ktap_test replay_tests[] = {
	{ "device read and written by MOV", read_and_write },
	{ "device in the kernel is accessed once", kernel_device_once },
	{ "locked and exchanging instructions on a device",
	  read_modify_write },
	{ "access half memory, half device", across_the_border },
	{ "REP to a device commits each iteration", rep_to_device },
	{ "REP stops to look at events", rep_is_bounded },
	{ "string input and output", string_ports },
	{ "INS faults before it reads the port", ins_faults_first },
	{ "16-byte accesses are cut in two", wide_accesses },
	{ "stack in a device", stack_in_device },
	{ "instruction saved and loaded while it waits", saved_and_loaded },
	{ "instruction dropped when state has changed", dropped_when_moved },
	{ "memory is read once, when devices follow", memory_read_once },
	{ "no walk where hardware has been", hint_saves_a_walk },
	{ "too many device accesses are refused", log_is_bounded },
	{ }
};
