// SPDX-License-Identifier: GPL-2.0
/*
 * The length of every instruction, also of those the emulator does not
 * execute, against the CPU: code is placed so that a page that can't be
 * executed follows. One byte too few and the CPU faults fetching the next;
 * with all there it does not.
 *
 * Called from main.c. Next: vector_test.c.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "machine.h"
#include "native_gen.h"

#define BORDER		(CODE_BASE + 0x1000)
/* In displacements and immediates: an address nobody has, no INT 80. */
#define FILLER		0x11

static struct native_state state;

/* Registers with which whatever is executed does no harm. */
static void tame_regs(struct lodge_regs *regs, bool long_mode)
{
	static struct sample s;

	s.long_mode = long_mode;
	s.rip = CODE_BASE;
	sample_regs(&s, regs);
}

/* Does the CPU want more than @n bytes? Sets *ud if it refuses them. */
static bool wants_more(const u8 *bytes, unsigned int n, bool long_mode,
		       bool *ud)
{
	unsigned int i;

	memset((void *)DATA_BASE, 0, DATA_RW_SIZE);
	memcpy(native_code + 0x1000 - n, bytes, n);
	for (i = 0; i < LODGE_GPR_NR; i++)
		state.gpr[i] = DATA_BASE;
	state.gpr[LODGE_RSP] = DATA_BASE + 0x800;
	state.gpr[LODGE_RBP] = DATA_BASE + 0x800;
	state.frame[0] = BORDER - n;
	state.frame[1] = long_mode ? 0x33 : 0x23;
	state.frame[2] = 0x202;
	state.frame[3] = DATA_BASE + 0x800;
	state.frame[4] = 0x2b;
	state.ds = 0x2b;
	state.es = 0x2b;
	native_run(&state);
	memset(native_code + 0x1000 - n, 0xcc, n);
	*ud |= state.faulted && state.vector == LODGE_UD;
	return state.faulted && state.vector == LODGE_PF &&
	       (state.error & LODGE_PF_I) && state.cr2 == BORDER;
}

/*
 * What must not be executed whole: system calls, FS (the thread's), the
 * rounding and exception masks, protection keys, user interrupts.
 */
static bool harmful(const u8 *op)
{
	if (op[0] >= 0xd8 && op[0] <= 0xdf)
		return true;
	if (op[0] == 0x8e || op[0] == 0xc4 || op[0] == 0xc5 ||
	    op[0] == 0x62 || op[0] == 0x8f)
		return true;
	if (op[0] != 0x0f)
		return false;
	switch (op[1]) {
	case 0x01: case 0x05: case 0x07: case 0x34: case 0x35: case 0xa1:
	case 0xae: case 0xb4: case 0xc7: case 0x37: case 0xa9: case 0xb5:
		return true;
	}
	return false;
}

/*
 * Where vendors differ, and nothing is ever intercepted: 66 before a near
 * branch in 64-bit mode, and VMREAD where there is no VMX.
 */
static bool by_vendor(const u8 *b, bool long_mode)
{
	bool opsize = false;

	for (;; b++) {
		if (*b == 0x66)
			opsize = true;
		else if (*b != 0x67 && *b != 0xf2 && *b != 0xf3 &&
			 (*b & 0xe7) != 0x26 && *b != 0x64 && *b != 0x65 &&
			 *b != 0xf0 && (!long_mode || (*b & 0xf0) != 0x40))
			break;
	}
	if (b[0] == 0x0f && b[1] == 0x78)
		return true;
	return opsize && long_mode && ((*b & 0xfe) == 0xe8 ||
				       (b[0] == 0x0f && (b[1] & 0xf0) == 0x80));
}

static bool check_one(const u8 *bytes, unsigned int prefixes, bool long_mode)
{
	struct lodge_regs regs;
	bool ud = false, more, less;
	int len;

	tame_regs(&regs, long_mode);
	len = lodge_insn_length(&regs, bytes, LODGE_INSN_MAX);
	if (len < 1 || len > LODGE_INSN_MAX) {
		ktap_diag("length %d", len);
		return false;
	}
	more = len == 1 || wants_more(bytes, len - 1, long_mode, &ud);
	less = harmful(bytes + prefixes) ||
	       !wants_more(bytes, len, long_mode, &ud);
	if (ud || (more && less))
		return true;
	ktap_diag("%02x %02x %02x %02x %02x: %s than %d bytes in %s mode",
		  bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
		  more ? "more" : "fewer", len, long_mode ? "64-bit" :
		  "32-bit");
	return false;
}

static const u8 modrms[] = {
	0x00, 0x04, 0x05, 0x06, 0x08, 0x0d, 0x10, 0x18, 0x1c, 0x20, 0x28,
	0x30, 0x38, 0x40, 0x44, 0x48, 0x50, 0x58, 0x60, 0x68, 0x70, 0x78,
	0x80, 0x84, 0x86, 0xb0, 0xc0, 0xc8, 0xd1, 0xd8, 0xe0, 0xe8, 0xf0,
	0xf8,
};

/* All opcodes of one map, after @lead, with the prefixes that matter. */
static unsigned int check_map(const u8 *lead, unsigned int n, bool long_mode)
{
	static const u8 prefixes[] = { 0, 0x66, 0x67, 0xf2, 0xf3, 0x48 };
	unsigned int op, m, p, at, bad = 0;
	u8 bytes[LODGE_INSN_MAX];

	for (p = 0; p < ARRAY_SIZE(prefixes); p++) {
		if (prefixes[p] == 0x48 && !long_mode)
			continue;
		for (op = 0; op < 256 * ARRAY_SIZE(modrms); op++) {
			m = op / 256;
			at = 0;
			memset(bytes, FILLER, sizeof(bytes));
			if (prefixes[p])
				bytes[at++] = prefixes[p];
			memcpy(bytes + at, lead, n);
			bytes[at + n] = op;
			bytes[at + n + 1] = modrms[m];
			if (by_vendor(bytes, long_mode))
				continue;
			bad += !check_one(bytes, at, long_mode);
			if (bad > 20)
				return bad;
		}
	}
	return bad;
}

static bool check_all(bool long_mode)
{
	static const u8 lead[] = { 0x0f, 0x38, 0x0f, 0x3a };
	unsigned int bad = 0;

	native_init();
	mprotect((void *)BORDER, 0x1000, PROT_NONE);
	bad += check_map(lead, 0, long_mode);
	bad += check_map(lead, 1, long_mode);
	bad += check_map(lead, 2, long_mode);
	bad += check_map(lead + 2, 2, long_mode);
	mprotect((void *)BORDER, 0x1000, PROT_READ | PROT_EXEC);
	return !bad;
}

static bool lengths_64(void)
{
	return check_all(true);
}

static bool lengths_32(void)
{
	return check_all(false);
}

/* In 16-bit code, and where the CPU can't be asked. */
static const struct {
	u8 bytes[LODGE_INSN_MAX];
	u8 len16, len32, len64;
} known[] = {
	{ { 0x0f, 0xa2 }, 2, 2, 2 },			/* CPUID */
	{ { 0x66, 0x0f, 0xa2 }, 3, 3, 3 },
	{ { 0xf4 }, 1, 1, 1 },				/* HLT */
	{ { 0x0f, 0x01, 0xd9 }, 3, 3, 3 },		/* VMMCALL */
	{ { 0x0f, 0x01, 0xc1 }, 3, 3, 3 },		/* VMCALL */
	{ { 0x0f, 0x01, 0xd1 }, 3, 3, 3 },		/* XSETBV */
	{ { 0x0f, 0x01, 0xf9 }, 3, 3, 3 },		/* RDTSCP */
	{ { 0x0f, 0x01, 0xc8 }, 3, 3, 3 },		/* MONITOR */
	{ { 0x0f, 0x01, 0xdf }, 3, 3, 3 },		/* INVLPGA */
	{ { 0x0f, 0x01, 0x3e, 1, 2 }, 5, 3, 3 },	/* INVLPG */
	{ { 0x0f, 0x01, 0x15, 1, 2, 3, 4 }, 3, 7, 7 },	/* LGDT */
	{ { 0x0f, 0x01, 0x1e, 1, 2 }, 5, 3, 3 },	/* LIDT */
	{ { 0x0f, 0x01, 0xe0 }, 3, 3, 3 },		/* SMSW */
	{ { 0x0f, 0x20, 0xc0 }, 3, 3, 3 },		/* MOV from CR0 */
	{ { 0x0f, 0x22, 0x00 }, 3, 3, 3 },		/* mod is ignored */
	{ { 0x44, 0x0f, 0x22, 0xc0 }, 1, 1, 4 },	/* MOV to CR8 */
	{ { 0x0f, 0x23, 0xf8 }, 3, 3, 3 },		/* MOV to DR7 */
	{ { 0x66, 0x0f, 0x38, 0x82, 0x06, 1, 2 }, 7, 5, 5 }, /* INVPCID */
	{ { 0xf3, 0x90 }, 2, 2, 2 },			/* PAUSE */
	{ { 0xe4, 0x60 }, 2, 2, 2 }, { { 0xec }, 1, 1, 1 },
	{ { 0xf3, 0x6d }, 2, 2, 2 },			/* REP INS */
	{ { 0x67, 0xf3, 0x66, 0x6f }, 4, 4, 4 },
	{ { 0xcd, 0x10 }, 2, 2, 2 }, { { 0xcf }, 1, 1, 1 },
	{ { 0x48, 0xcf }, 1, 1, 2 },			/* IRETQ */
	{ { 0x9c }, 1, 1, 1 }, { { 0x66, 0x9d }, 2, 2, 2 },
	{ { 0xea, 1, 2, 3, 4, 5, 6 }, 5, 7, 7 },	/* JMP far */
	{ { 0x66, 0xea, 1, 2, 3, 4, 5, 6 }, 8, 6, 6 },
	{ { 0xff, 0x2e, 1, 2 }, 4, 2, 2 },		/* JMP far [] */
	{ { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 3, 5, 9 },
	{ { 0xc8, 1, 2, 3 }, 4, 4, 4 },			/* ENTER */
	{ { 0x0f, 0xae, 0x3e, 1, 2 }, 5, 3, 3 },	/* CLFLUSH */
	{ { 0x0f, 0x31 }, 2, 2, 2 }, { { 0x0f, 0x33 }, 2, 2, 2 },
	{ { 0x0f, 0x08 }, 2, 2, 2 }, { { 0x0f, 0x09 }, 2, 2, 2 },
	{ { 0x0f, 0x00, 0xd8 }, 3, 3, 3 },		/* LTR */
	{ { 0x0f, 0xaa }, 2, 2, 2 },			/* RSM */
};

static bool lengths_known(void)
{
	struct lodge_regs regs;
	unsigned int i, size;
	bool ok = true;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		const u8 want[] = { known[i].len16, known[i].len32,
				    known[i].len64 };
		unsigned int fixed = lodge_insn_length_fixed(known[i].bytes);

		for (size = 0; size < 3; size++) {
			int len;

			tame_regs(&regs, size == 2);
			if (!size)
				regs.seg[LODGE_CS].ar &= ~LODGE_AR_DB;
			len = lodge_insn_length(&regs, known[i].bytes,
						LODGE_INSN_MAX);
			if (len == want[size] && (!fixed || fixed == want[size]))
				continue;
			ktap_diag("%02x %02x in %u-bit code: %d, not %d",
				  known[i].bytes[0], known[i].bytes[1],
				  16 << size, len, want[size]);
			ok = false;
		}
	}
	return ok;
}

/* Fetched by the emulator itself, as where hardware hands over no bytes. */
static bool lengths_fetched(void)
{
	struct machine *m = machine_new(PROT32, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		memcpy(m->mem + CODE, known[i].bytes, LODGE_INSN_MAX);
		CHECK(lodge_emul_length(&m->e, NULL, 0) == LODGE_EMUL_OK);
		CHECK(m->e.insn.len == known[i].len32);
		CHECK(lodge_emul_length(&m->e, known[i].bytes, 2) ==
		      LODGE_EMUL_OK);
		CHECK(m->e.insn.len == known[i].len32);
	}
	/* the last bytes of a page, and of the segment */
	m->regs.rip = CODE + 4096 - 2;
	m->page[CODE / 4096 + 1] = 0;
	machine_poke(m, CODE + 4096 - 2, 0xa20f, 2);
	CHECK(lodge_emul_length(&m->e, NULL, 0) == LODGE_EMUL_OK);
	CHECK(m->e.insn.len == 2);
	machine_poke(m, CODE + 4096 - 2, 0x010f, 2);
	CHECK(lodge_emul_length(&m->e, NULL, 0) == LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_PF &&
	      m->e.fault.cr2 == CODE + 4096);
	m->regs.rip = CODE;
	m->regs.seg[LODGE_CS].limit = CODE + 1;
	CHECK(lodge_emul_length(&m->e, (const u8 *)"\x0f\x20\xc0", 3) ==
	      LODGE_EMUL_FAULT);
	CHECK(m->e.fault.vector == LODGE_GP);
	CHECK(lodge_emul_length(&m->e, (const u8 *)"\x0f\xa2\xc0", 3) ==
	      LODGE_EMUL_OK);
	return true;
}

static bool length_limits(void)
{
	u8 bytes[LODGE_INSN_MAX + 1];
	struct lodge_regs regs;

	tame_regs(&regs, true);
	memset(bytes, 0x66, sizeof(bytes));
	bytes[14] = 0x90;
	if (lodge_insn_length(&regs, bytes, 15) != 15 ||
	    lodge_insn_length(&regs, bytes, 14) != -EAGAIN)
		return false;
	bytes[14] = 0x0f;
	bytes[15] = 0xa2;
	return lodge_insn_length(&regs, bytes, 15) == -EINVAL &&
	       lodge_insn_length(&regs, bytes, 16) == -EINVAL &&
	       lodge_insn_length(&regs, bytes, 0) == -EAGAIN;
}

const struct ktap_test length_tests[] = {
	{ "lengths of intercepted instructions in 16, 32 and 64-bit code",
	  lengths_known },
	{ "lengths of instructions fetched from memory", lengths_fetched },
	{ "length of an instruction cut short, or too long", length_limits },
	{ "lengths of all opcodes are the CPU's, 64-bit", lengths_64 },
	{ "lengths of all opcodes are the CPU's, 32-bit", lengths_32 },
	{ }
};
