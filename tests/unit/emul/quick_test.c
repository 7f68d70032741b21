// SPDX-License-Identifier: GPL-2.0
/*
 * Short ways through the emulator lead where the long ones do: MOV where
 * hardware has found that no memory is, and instructions decoded before.
 *
 * Called from main.c. Next: replay_test.c.
 */
#include "machine.h"

/* Registers and accesses of one MOV, as if hardware had failed at @at. */
static int one_mov(struct machine *m, const u8 *code, u64 at, bool hint,
		   bool write)
{
	int rc;

	REG(m, RBX) = at - 0x24;
	REG(m, RSI) = 2;
	REG(m, RAX) = 0x8877665544332211;
	REG(m, RDX) = 0x99aabbccddeeff00;
	m->regs.shadow = LODGE_SHADOW_STI;
	m->regs.rflags |= LODGE_RFLAGS_RF;
	rc = lodge_emul_decode(&m->e, code, LODGE_INSN_MAX);
	if (rc == LODGE_EMUL_OK && hint)
		lodge_emul_hint(&m->e, at, write);
	while (rc == LODGE_EMUL_OK) {
		rc = lodge_emul_execute(&m->e);
		if (rc != LODGE_EMUL_IO)
			break;
		machine_io(m);
		rc = LODGE_EMUL_OK;
	}
	return rc;
}

/* The quick way and the other must not differ but in walks. */
static bool quick_is_the_same(void)
{
	static const struct {
		u8 code[LODGE_INSN_MAX];
		bool write;
	} insns[] = {	/* all of 0x20(%rbx,%rsi,2) and %eax or %ah */
		{ { 0x88, 0x44, 0x73, 0x20 }, true },
		{ { 0x88, 0x64, 0x73, 0x20 }, true },
		{ { 0x40, 0x88, 0x64, 0x73, 0x20 }, true },
		{ { 0x89, 0x44, 0x73, 0x20 }, true },
		{ { 0x66, 0x89, 0x44, 0x73, 0x20 }, true },
		{ { 0x48, 0x89, 0x44, 0x73, 0x20 }, true },
		{ { 0x8a, 0x44, 0x73, 0x20 }, false },
		{ { 0x8a, 0x64, 0x73, 0x20 }, false },
		{ { 0x8b, 0x44, 0x73, 0x20 }, false },
		{ { 0x66, 0x8b, 0x44, 0x73, 0x20 }, false },
		{ { 0x4c, 0x8b, 0x44, 0x73, 0x20 }, false },
		{ { 0x67, 0x8b, 0x44, 0x73, 0x20 }, false },
		{ { 0x36, 0x8b, 0x44, 0x73, 0x20 }, false },
		{ { 0x64, 0x8b, 0x44, 0x73, 0x20 }, false },
		{ { 0xf0, 0x89, 0x44, 0x73, 0x20 }, true },
		{ { 0xc6, 0x44, 0x73, 0x20, 0x80 }, true },
		{ { 0xc7, 0x44, 0x73, 0x20, 1, 2, 3, 0x84 }, true },
		{ { 0x66, 0xc7, 0x44, 0x73, 0x20, 1, 0x82 }, true },
		{ { 0x48, 0xc7, 0x44, 0x73, 0x20, 1, 2, 3, 0x84 }, true },
		{ { 0x0f, 0xb6, 0x44, 0x73, 0x20 }, false },
		{ { 0x48, 0x0f, 0xb7, 0x44, 0x73, 0x20 }, false },
		{ { 0x66, 0x0f, 0xb6, 0x64, 0x73, 0x20 }, false },
	};
	static const u32 places[] = { KERNEL_MMIO + 8, USER_MMIO + 3,
				      KERNEL_MMIO + 0xffd };
	struct machine *m;
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(insns) * ARRAY_SIZE(places) * 2; n++) {
		unsigned int i = n / 2 % ARRAY_SIZE(insns);
		u32 at = places[n / 2 / ARRAY_SIZE(insns)];
		struct lodge_emul_io events[2];
		struct lodge_regs regs;
		unsigned int nr;
		int rc;

		m = machine_new(LONG64, n % 2 * 3);
		rc = one_mov(m, insns[i].code, at, false, false);
		regs = m->regs;
		nr = m->nr_events;
		memcpy(events, m->events, sizeof(events));
		m = machine_new(LONG64, n % 2 * 3);
		CHECK(one_mov(m, insns[i].code, at, true, insns[i].write) == rc);
		CHECK(!memcmp(&regs, &m->regs, sizeof(regs)));
		CHECK(m->nr_events == nr && nr <= 2);
		CHECK(!memcmp(events, m->events, sizeof(events)));
	}
	return true;
}

/* A trap after the instruction is not lost on the quick way. */
static bool quick_steps(void)
{
	static const u8 load[15] = { 0x8b, 0x03 };
	struct machine *m = machine_new(LONG64, 0);

	REG(m, RBX) = KERNEL_MMIO;
	m->regs.rflags |= LODGE_RFLAGS_TF;
	CHECK(lodge_emul_decode(&m->e, load, 15) == LODGE_EMUL_OK);
	CHECK(lodge_emul_hint(&m->e, KERNEL_MMIO, false));
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(m->e.trap_db && m->regs.rip == CODE + 2);
	return true;
}

/* What has been decoded once runs again, elsewhere and with other registers. */
static bool reused(void)
{
	static const u8 load[15] = { 0x8b, 0x03 };
	struct machine *m = machine_new(LONG64, 0);
	struct lodge_insn in;

	REG(m, RBX) = USER_MMIO;
	CHECK(lodge_emul_decode(&m->e, load, 15) == LODGE_EMUL_OK);
	in = m->e.insn;
	CHECK(lodge_emul_hint(&m->e, USER_MMIO, false));
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_IO);
	machine_io(m);
	/* the first is given up with its log; then another, then the first */
	CHECK(STEP(m, 0x90) == LODGE_EMUL_OK);
	m->regs.rip = CODE + 0x100;
	REG(m, RBX) = DATA;
	machine_poke(m, DATA, 0x12345678, 4);
	lodge_emul_reuse(&m->e, &in);
	CHECK(lodge_emul_execute(&m->e) == LODGE_EMUL_OK);
	CHECK(REG(m, RAX) == 0x12345678 && m->regs.rip == CODE + 0x102);
	return true;
}

const struct ktap_test quick_tests[] = {
	{ "MOV is the same where hardware has been", quick_is_the_same },
	{ "single step over such a MOV", quick_steps },
	{ "decoded once, run again", reused },
	{ }
};
