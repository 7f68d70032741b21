/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction emulator, as its callers see it.
 *
 * run.c and exit.c come here when hardware reports an access to memory that
 * no slot backs, string port I/O, or an intercepted instruction it has not
 * decoded. Everything the emulator needs of the world outside the registers
 * goes through struct lodge_emul_ops; it calls nothing else. Pure.
 * Next: fetch.c, decode.c, then execute.c.
 *
 * The life of one instruction:
 *
 *	lodge_emul_init(e, regs, ops, ctx);	once for a vCPU
 *	lodge_emul_decode(e, bytes, n);		no side effect
 *	lodge_emul_execute(e);			all or nothing
 *
 * When execute answers LODGE_EMUL_IO the access in e->io is somebody else's
 * to do. When it is done, with the data read in e->io.data,
 * lodge_emul_io_done(e) notes it in e->log and lodge_emul_execute(e) runs the
 * instruction from its start again. Accesses in the log are not done twice.
 */
#ifndef LODGE_EMUL_H
#define LODGE_EMUL_H

#include "../regs.h"

#define LODGE_INSN_MAX		15	/* bytes in an instruction */
#define LODGE_EMUL_LOG_MAX	20	/* device accesses in an instruction */
#define LODGE_EMUL_REP_MAX	64	/* iterations in one call of execute */

enum lodge_emul_result {
	/* Done, registers committed; or stopped between two iterations of a
	 * REP with e->again set and RIP still on the instruction.
	 */
	LODGE_EMUL_OK,
	/* Nothing committed; inject e->fault. */
	LODGE_EMUL_FAULT,
	/* Nothing committed; do e->io, then lodge_emul_io_done(). */
	LODGE_EMUL_IO,
	/* Nothing committed; enter the guest again, it will come back. Or
	 * execute again at once, if what stood in the way is gone: the log
	 * is kept until the next lodge_emul_decode().
	 */
	LODGE_EMUL_RETRY,
	/* Not known to the emulator: e->insn.bytes[] tell what. */
	LODGE_EMUL_UNHANDLED,
};

/* What kind of access a translation is for. */
#define LODGE_ACCESS_WRITE	BIT(0)
#define LODGE_ACCESS_FETCH	BIT(1)
#define LODGE_ACCESS_USER	BIT(2)	/* made with CPL 3 */
#define LODGE_ACCESS_IMPLICIT	BIT(3)	/* descriptor tables, TSS: CPL 0 */

/* How LODGE_EMUL_FAULT is to be injected. */
enum lodge_fault_kind {
	LODGE_FAULT_EXCEPTION,	/* RIP stays on the instruction */
	LODGE_FAULT_SOFT_INT,	/* INT n: RIP pushed is after it (insn.len) */
	LODGE_FAULT_SOFT_EXC,	/* INT3, INTO: likewise */
	LODGE_FAULT_PRIV_EXC,	/* INT1: likewise */
};

struct lodge_emul_fault {
	u64 cr2;		/* linear address, for #PF only */
	u32 error;
	u8 vector;
	u8 kind;		/* enum lodge_fault_kind */
	bool has_error;
};

enum lodge_io_kind {
	LODGE_IO_MMIO,
	LODGE_IO_PIO,
	LODGE_IO_RAM,		/* in the log only, never in e->io */
};

/* An access to a device, as asked for (e->io) or as done (e->log). */
struct lodge_emul_io {
	u64 addr;		/* guest physical address, or port */
	u8 data[8];		/* little endian; valid bytes: len */
	u8 len;			/* 1 to 8; a port's 1, 2 or 4 */
	u8 kind;		/* enum lodge_io_kind */
	bool write;
};

struct lodge_emul_log {
	struct lodge_emul_io done[LODGE_EMUL_LOG_MAX];
	u8 nr;			/* entries valid */
	u8 next;		/* consumed by the execution under way */
};

enum lodge_insn_mode {
	LODGE_MODE_REAL,
	LODGE_MODE_V86,
	LODGE_MODE_PROT,	/* 16 or 32 bit, and compatibility mode */
	LODGE_MODE_LONG64,
};

struct lodge_opcode;

/* A decoded instruction. */
struct lodge_insn {
	const struct lodge_opcode *op;	/* never NULL after decoding */
	u32 attr;		/* op->attr, with its group's */
	u8 dst, src;		/* operands: enum lodge_operand, internal.h */
	u8 bytes[LODGE_INSN_MAX + 1];
	u8 have;		/* bytes[] fetched */
	u8 len;			/* of the instruction */
	u8 mode;		/* enum lodge_insn_mode */
	u8 opsize;		/* operand size in bytes: 2, 4, 8 */
	u8 adsize;		/* address size in bytes: 2, 4, 8 */
	u8 rex;			/* 0 when there is none */
	u8 rep;			/* 0, 0xf2 or 0xf3 */
	bool lock;
	bool opsize_prefix;	/* 0x66 */
	u8 seg;			/* of the memory operand: enum lodge_segno */
	u8 map;			/* 0 one byte, 1 0F, 2 0F 38, 3 0F 3A, 4 VEX */
	u8 opcode;
	u8 modrm;
	u8 mod;
	u8 reg;			/* with REX.R */
	u8 rm;			/* with REX.B, when mod is 3 */
	u8 base;		/* register, or LODGE_INSN_NOREG */
	u8 index;		/* likewise */
	u8 scale;		/* shift count, 0 to 3 */
	bool riprel;
	bool quick;		/* MOV of a register or a number: execute.c */
	u16 imm2;		/* selector of a far pointer; ENTER's level */
	s64 disp;		/* also the offset of MOV moffs */
	u64 imm;		/* sign-extended */
};

#define LODGE_INSN_NOREG	0xff

/* Instructions whose meaning is the caller's: see ops->system(). */
enum lodge_emul_system {
	LODGE_SYS_HLT, LODGE_SYS_PAUSE, LODGE_SYS_CPUID, LODGE_SYS_RDTSC,
	LODGE_SYS_RDTSCP, LODGE_SYS_RDPMC,
	LODGE_SYS_INVD, LODGE_SYS_WBINVD,
	LODGE_SYS_INVLPG,	/* arg: linear address */
	LODGE_SYS_INVPCID,	/* arg: type; descriptor in e->buf */
	LODGE_SYS_VMMCALL, LODGE_SYS_VMCALL,
	LODGE_SYS_MONITOR,	/* arg: linear address */
	LODGE_SYS_MWAIT, LODGE_SYS_XSETBV, LODGE_SYS_XGETBV, LODGE_SYS_RSM,
	LODGE_SYS_CLFLUSH,	/* and its kin; arg: linear address */
	LODGE_SYS_VMX_SVM,	/* VMRUN, VMXON, ...: the rest of both sets */
};

struct lodge_emul;

/**
 * struct lodge_emul_ops - what the emulator asks of its caller
 *
 * All return enum lodge_emul_result as int. Who returns LODGE_EMUL_FAULT has
 * filled e->fault (lodge_emul_raise(), lodge_emul_raise_code(),
 * lodge_emul_raise_pf()). A NULL operation makes the instructions that need
 * it LODGE_EMUL_UNHANDLED; translate, read and write must be there, except
 * for decoding from given bytes only.
 *
 * Register changes made by the instruction are in e until it commits: an
 * operation reads with lodge_emul_gpr(), writes with lodge_emul_set_gpr().
 */
struct lodge_emul_ops {
	/* Walk the guest's page tables for the page of @la. access is
	 * LODGE_ACCESS_*. OK, FAULT (#PF), RETRY.
	 */
	int (*translate)(struct lodge_emul *e, gva_t la, unsigned int access,
			 gpa_t *gpa);
	/* Guest memory, within one page. OK; RETRY; or IO when there is no
	 * memory behind @gpa (or read-only memory, for write and cmpxchg):
	 * the emulator then turns to mmio().
	 */
	int (*read)(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len);
	int (*write)(struct lodge_emul *e, gpa_t gpa, const void *data,
		     unsigned int len);
	/* Atomic, len 1, 2, 4, 8 or 16; OK if exchanged, RETRY if memory
	 * did not hold @old. NULL: locked instructions read and write.
	 */
	int (*cmpxchg)(struct lodge_emul *e, gpa_t gpa, const void *old,
		       const void *new, unsigned int len);
	/* A device: 1 to 8 bytes within a page; a port: 1, 2 or 4. OK when
	 * done in the kernel, IO when it is for user space.
	 */
	int (*mmio)(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len, bool write);
	int (*pio)(struct lodge_emul *e, u16 port, void *data,
		   unsigned int len, bool write);

	/* @nr as encoded; the emulator has checked CPL and that it exists. */
	int (*cr_read)(struct lodge_emul *e, unsigned int nr, u64 *val);
	int (*cr_write)(struct lodge_emul *e, unsigned int nr, u64 val);
	int (*dr_read)(struct lodge_emul *e, unsigned int nr, u64 *val);
	int (*dr_write)(struct lodge_emul *e, unsigned int nr, u64 val);
	int (*msr_read)(struct lodge_emul *e, u32 index, u64 *val);
	int (*msr_write)(struct lodge_emul *e, u32 index, u64 val);
	/* The instruction's effect; CPL and mode have been checked. The
	 * emulator moves RIP past it on OK.
	 */
	int (*system)(struct lodge_emul *e, enum lodge_emul_system what,
		      u64 arg);
	/* 16 bytes of XMM register @nr; the FPU state is the guest's. */
	int (*xmm_read)(struct lodge_emul *e, unsigned int nr, void *data);
	int (*xmm_write)(struct lodge_emul *e, unsigned int nr,
			 const void *data);
};

/*
 * One vCPU's emulator. No part needs clearing between instructions:
 * lodge_emul_decode() resets what must be. log, io, insn.bytes and insn.have
 * are what has to be saved while an instruction waits for its I/O; after a
 * load lodge_emul_redecode() makes the rest.
 */
struct lodge_emul {
	struct lodge_regs *regs;
	const struct lodge_emul_ops *ops;
	void *ctx;			/* the caller's */

	struct lodge_insn insn;

	/* What execute leaves for the caller. */
	struct lodge_emul_fault fault;	/* with LODGE_EMUL_FAULT */
	struct lodge_emul_io io;	/* with LODGE_EMUL_IO */
	/* LODGE_R_* groups written, but for what operations wrote. */
	u32 changed;
	bool trap_db;			/* with OK: TF was set, #DB is due */
	bool again;			/* with OK: REP is not finished */
	struct lodge_emul_log log;

	/* See lodge_emul_hint(). */
	gpa_t hint_gpa;
	bool hint, hint_write;

	/* The instruction's own copy of what it changes, until it commits. */
	u64 start_rip;
	u64 rip;
	u64 rflags;
	u64 gpr[LODGE_GPR_NR];
	struct lodge_seg seg[LODGE_SEG_NR];
	union {
		u64 pending;		/* all of these, to clear at once */
		struct {
			u16 gpr_dirty;	/* by register */
			u8 seg_dirty;	/* likewise */
			u8 shadow;	/* LODGE_SHADOW_* after it */
			bool nmi_unblock;	/* IRET */
			bool replace_rf;	/* it loads RF itself */
			bool skip_write;	/* it leaves dst alone */
		};
	};

	/* Operands; @ea is the offset in segment insn.seg. */
	u64 ea;
	u64 dst, src;
	u64 dst_old;			/* dst as read, for LOCK */
	u8 size;			/* of dst, in bytes */
	u8 buf[16];
};

/**
 * lodge_emul_init() - tie an emulator to a vCPU
 * @e: the emulator, zeroed by the caller
 * @regs: the guest's registers
 * @ops: operations
 * @ctx: for the operations' use, in e->ctx
 */
void lodge_emul_init(struct lodge_emul *e, struct lodge_regs *regs,
		     const struct lodge_emul_ops *ops, void *ctx);

/**
 * lodge_emul_decode() - decode the instruction at RIP
 * @e: emulator; e->regs valid with LODGE_R_SEGS and LODGE_R_CRS
 * @bytes: what hardware has already fetched from there, may be NULL
 * @n: how many
 *
 * Fetches what @bytes lacks through the operations, within the limit of CS.
 * Forgets any instruction that was waiting for I/O.
 *
 * Return: OK, FAULT (#PF; #GP for more than 15 bytes or past the limit of
 * CS), RETRY, or UNHANDLED when code lies in device memory.
 */
int lodge_emul_decode(struct lodge_emul *e, const u8 *bytes, unsigned int n);

/**
 * lodge_emul_reuse() - lodge_emul_decode(), of what has been decoded before
 * @e: emulator; e->regs->rip valid
 * @in: e->insn after lodge_emul_decode() of the same bytes in the same mode,
 *	within the limit of CS
 */
void lodge_emul_reuse(struct lodge_emul *e, const struct lodge_insn *in);

/**
 * lodge_emul_length() - lodge_emul_decode(), when only the length is wanted
 * @e: emulator; e->regs valid with LODGE_R_SEGS and LODGE_R_CRS
 * @bytes: what hardware has already fetched from there, may be NULL
 * @n: how many
 *
 * Much faster for the instructions that hardware intercepts most. Of e->insn
 * only bytes, have and len mean anything afterwards.
 *
 * Return: as lodge_emul_decode().
 */
int lodge_emul_length(struct lodge_emul *e, const u8 *bytes, unsigned int n);

/**
 * lodge_emul_redecode() - make e->insn again from e->insn.bytes
 * @e: emulator whose saved parts have been loaded
 *
 * Return: as lodge_emul_decode().
 */
int lodge_emul_redecode(struct lodge_emul *e);

/**
 * lodge_emul_execute() - run the decoded instruction
 * @e: emulator after lodge_emul_decode() or lodge_emul_io_done(); all
 *	groups of e->regs that the instruction may touch valid
 *
 * If RIP has moved since decoding (state was loaded while the instruction
 * waited) the instruction is dropped with LODGE_EMUL_RETRY.
 *
 * Return: enum lodge_emul_result.
 */
enum lodge_emul_result lodge_emul_execute(struct lodge_emul *e);

/**
 * lodge_emul_ahead() - how many accesses like the one asked for are to come?
 * @e: emulator whose last result was LODGE_EMUL_IO
 *
 * Of REP INS those that go to the same page of memory; their data can be had
 * before they are executed.
 *
 * Return: that one included, so at least 1.
 */
unsigned int lodge_emul_ahead(const struct lodge_emul *e);

/**
 * lodge_emul_count() - what a REP has still to do
 * @e: emulator, with a decoded instruction
 *
 * Return: CX, ECX or RCX, by the address size.
 */
u64 lodge_emul_count(const struct lodge_emul *e);

/**
 * lodge_emul_io_done() - the access in e->io has been made
 * @e: emulator whose last result was LODGE_EMUL_IO
 */
void lodge_emul_io_done(struct lodge_emul *e);

/* A task switch that hardware leaves to be done, with what it says of it. */
struct lodge_task_switch {
	u64 next_rip;		/* the old task goes on there */
	u32 error;		/* pushed in the new one, with @has_error */
	u16 sel;		/* of the new TSS; a gate has been followed */
	u8 reason;		/* enum lodge_task_reason, exit.h */
	bool has_error;
	bool external;		/* EXT in the error code of a fault */
	bool rf;		/* RF of the flags that are saved */
};

/**
 * lodge_emul_task_switch() - change tasks
 * @e: emulator; groups LODGE_R_SEGS, _DTABLES, _CRS, _DRS, _SHADOW valid
 * @t: to which, and why
 *
 * Hardware has checked the gate, if there is one, and privileges. Follows
 * "Task Switching" of the Intel manual and "Switching Tasks" of AMD's.
 *
 * Return: OK: the registers are the new task's; with e->trap_db its TSS asks
 * for #DB, and DR6 says so. FAULT: raise e->fault with the registers as they
 * are: the old task's, unchanged, or the new one's. RETRY: nothing has changed,
 * enter the guest again. UNHANDLED: neither, a TSS or stack is no memory.
 */
int lodge_emul_task_switch(struct lodge_emul *e,
			   const struct lodge_task_switch *t);

/**
 * lodge_insn_length() - length of the instruction at RIP, and no more
 * @regs: registers with LODGE_R_SEGS and LODGE_R_CRS valid
 * @bytes: the code
 * @n: how many bytes there are
 *
 * Works for every defined instruction, also those execute does not know.
 *
 * Return: 1 to 15, -EAGAIN when @n bytes do not hold it, -EINVAL when it is
 * longer than 15 bytes.
 */
int lodge_insn_length(const struct lodge_regs *regs, const u8 *bytes,
		      unsigned int n);

/**
 * lodge_insn_length_fixed() - the same for what hardware intercepts most
 * @b: three bytes of code at least
 *
 * Return: the length if it is one of the instructions below without prefix,
 * whose length is the same in every mode; 0 if it takes lodge_insn_length().
 */
static inline unsigned int lodge_insn_length_fixed(const u8 *b)
{
	if (b[0] == 0x0f) {
		switch (b[1]) {
		case 0xa2:	/* CPUID */
		case 0x30:	/* WRMSR */
		case 0x32:	/* RDMSR */
		case 0x31:	/* RDTSC */
		case 0x33:	/* RDPMC */
		case 0x06:	/* CLTS */
		case 0x08:	/* INVD */
		case 0x09:	/* WBINVD */
			return 2;
		case 0x20:	/* MOV CR, MOV DR: mod is ignored */
		case 0x21:
		case 0x22:
		case 0x23:
			return 3;
		case 0x01:	/* VMMCALL, VMCALL, MWAIT, RDTSCP, XSETBV, ... */
			return b[2] >= 0xc0 ? 3 : 0;
		}
		return 0;
	}
	switch (b[0]) {
	case 0xf4:		/* HLT */
	case 0xec:		/* IN, OUT with DX */
	case 0xed:
	case 0xee:
	case 0xef:
		return 1;
	case 0xe4:		/* IN, OUT with a byte */
	case 0xe5:
	case 0xe6:
	case 0xe7:
		return 2;
	case 0xf3:		/* PAUSE */
		return b[1] == 0x90 ? 2 : 0;
	}
	return 0;
}

/**
 * lodge_emul_hint() - tell where hardware found the memory operand to be
 * @e: emulator after lodge_emul_decode(), before lodge_emul_execute()
 * @gpa: guest physical address that the final translation of an access to
 *	data failed on, no memory being there, or none that may be written;
 *	not of code, nor of the guest's page tables
 * @write: the access was a write
 *
 * Hardware has walked the guest's page tables and checked their rights
 * before it failed. Instructions with one memory operand, if it can be the
 * one meant, do without ops->translate(), and MOV goes right to the device.
 * Holds until the next decoding.
 *
 * Return: true if the instruction is one of these; it then needs no segment
 * register but CS, SS and the one of its operand.
 */
bool lodge_emul_hint(struct lodge_emul *e, gpa_t gpa, bool write);

/* For operations: a register as the instruction sees it so far. */
static inline u64 lodge_emul_gpr(const struct lodge_emul *e, unsigned int nr)
{
	return e->gpr_dirty & BIT(nr) ? e->gpr[nr] : e->regs->gpr[nr];
}

static inline void lodge_emul_set_gpr(struct lodge_emul *e, unsigned int nr,
				      u64 val)
{
	e->gpr[nr] = val;
	e->gpr_dirty |= BIT(nr);
}

/* For operations: fill e->fault; the value is what to return. */
static inline int lodge_emul_raise(struct lodge_emul *e, u8 vector)
{
	e->fault = (struct lodge_emul_fault){ .vector = vector };
	return LODGE_EMUL_FAULT;
}

static inline int lodge_emul_raise_code(struct lodge_emul *e, u8 vector,
					u32 error)
{
	e->fault = (struct lodge_emul_fault){
		.vector = vector, .error = error, .has_error = true,
	};
	return LODGE_EMUL_FAULT;
}

static inline int lodge_emul_raise_pf(struct lodge_emul *e, gva_t la,
				      u32 error)
{
	e->fault = (struct lodge_emul_fault){
		.vector = LODGE_PF, .error = error, .has_error = true,
		.cr2 = la,
	};
	return LODGE_EMUL_FAULT;
}

#endif /* LODGE_EMUL_H */
