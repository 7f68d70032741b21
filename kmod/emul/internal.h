/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the emulator's files share among themselves: the shape of the opcode
 * tables and the helpers under every instruction. Nobody outside emul/
 * includes it. Next: tables.c shows the tables, execute.c walks them.
 */
#ifndef LODGE_EMUL_INTERNAL_H
#define LODGE_EMUL_INTERNAL_H

#include "emul.h"

/* What follows the opcode and ModRM, in struct lodge_opcode.attr. */
#define A_IMM8		1U	/* a byte, sign-extended */
#define A_IMM16		2U
#define A_IMMZ		3U	/* 2 or 4 bytes by operand size */
#define A_IMMV		4U	/* 2, 4 or 8 bytes by operand size */
#define A_MOFFS		5U	/* an offset of address size */
#define A_FAR		6U	/* offset and selector */
#define A_ENTER		7U	/* 2 bytes and 1 */
#define A_IMM8X2	8U
#define A_IMM_MASK	0xfU

#define A_MODRM		BIT(4)
#define A_BYTE		BIT(5)	/* operands are bytes */
#define A_D64		BIT(6)	/* in 64-bit mode 8 bytes, or 2 with 66 */
#define A_F64		BIT(7)	/* in 64-bit mode always 8 bytes */
#define A_NO64		BIT(8)	/* #UD in 64-bit mode */
#define A_LOCK		BIT(9)	/* may be locked, if dst is memory */
#define A_NOREAD	BIT(10)	/* dst is only written */
#define A_NOWRITE	BIT(11)	/* dst is only read */
#define A_GROUP		BIT(12)	/* group[ModRM.reg] has the rest */
#define A_GROUP16	BIT(13)	/* group[ModRM.reg + 8 if mod is 3] */
#define A_PRIV		BIT(14)	/* #GP(0) unless CPL 0 */
#define A_PROT		BIT(15)	/* #UD in real and virtual-8086 mode */
#define A_MEM		BIT(16)	/* #UD for a register operand */
#define A_REG		BIT(17)	/* #UD for a memory operand */
#define A_CRDR		BIT(18)	/* mod is ignored, as if it were 3 */
#define A_UD		BIT(19)	/* #UD, always */
#define A_STRING	BIT(20)	/* REP repeats it */
#define A_REPCC		BIT(21)	/* REPE and REPNE look at ZF */
#define A_ATOMIC	BIT(22)	/* locked even without the prefix */
#define A_LOGRAM	BIT(23)	/* reads, writes, and reads again: mem.c */
#define A_ONE		BIT(24)	/* touches no memory but ModRM.rm, moffs */

/* Where an operand is. Size is that of the instruction but where said. */
enum lodge_operand {
	O_NONE,
	O_RM, O_REG, O_OPREG,	/* ModRM.rm, ModRM.reg, opcode's low bits */
	O_ACC,			/* AL, AX, EAX, RAX */
	O_MOFFS,
	O_IMM, O_ONE, O_CL,
	O_RM8, O_RM16, O_RM32,	/* ModRM.rm of that size */
};

struct lodge_opcode {
	union {
		int (*exec)(struct lodge_emul *e);	/* NULL: unhandled */
		const struct lodge_opcode *group;
	};
	u32 attr;		/* A_* */
	u8 dst, src;		/* enum lodge_operand */
	u8 aux;			/* for exec */
};

extern const struct lodge_opcode lodge_opcodes_one[256];
extern const struct lodge_opcode lodge_opcodes_two[256];
extern const struct lodge_opcode lodge_opcode_0f3a_none;
extern const struct lodge_opcode lodge_opcode_vex;

const struct lodge_opcode *lodge_opcode_0f38(u8 opcode);

/* Flags that arithmetic sets. */
#define FLAGS_ARITH	(LODGE_RFLAGS_CF | LODGE_RFLAGS_PF | \
			 LODGE_RFLAGS_AF | LODGE_RFLAGS_ZF | \
			 LODGE_RFLAGS_SF | LODGE_RFLAGS_OF)

#define FLAGS_DEFINED	0x3f7fd7ULL

static inline u64 size_mask(unsigned int size)
{
	return size == 8 ? ~0ULL : (1ULL << (size * 8)) - 1;
}

static inline u64 sign_extend_size(u64 v, unsigned int size)
{
	unsigned int shift = 64 - size * 8;

	return (u64)((s64)(v << shift) >> shift);
}

static inline unsigned int cpl(const struct lodge_emul *e)
{
	return lodge_regs_cpl(e->regs);
}

static inline unsigned int iopl(const struct lodge_emul *e)
{
	return FIELD_GET(LODGE_RFLAGS_IOPL, e->rflags);
}

static inline bool long64(const struct lodge_emul *e)
{
	return e->insn.mode == LODGE_MODE_LONG64;
}

static inline bool protmode(const struct lodge_emul *e)
{
	return e->insn.mode >= LODGE_MODE_PROT;
}

static inline bool rm_is_mem(const struct lodge_emul *e)
{
	return e->insn.mod != 3;
}

static inline int raise_ud(struct lodge_emul *e)
{
	return lodge_emul_raise(e, LODGE_UD);
}

static inline int raise_gp0(struct lodge_emul *e)
{
	return lodge_emul_raise_code(e, LODGE_GP, 0);
}

/* A segment register as the instruction sees it so far. */
static inline const struct lodge_seg *seg_now(const struct lodge_emul *e,
					      unsigned int nr)
{
	return e->seg_dirty & BIT(nr) ? &e->seg[nr] : &e->regs->seg[nr];
}

/* fetch.c, decode.c */
int lodge_fetch(struct lodge_emul *e);
void lodge_decode_mode(struct lodge_insn *in, const struct lodge_regs *r);
int lodge_decode(struct lodge_insn *in, struct lodge_emul *e,
		 const struct lodge_regs *regs);

/* execute.c */
u64 lodge_reg_read(const struct lodge_emul *e, unsigned int nr,
		   unsigned int size);
void lodge_reg_write(struct lodge_emul *e, unsigned int nr, u64 val,
		     unsigned int size);
u64 lodge_effective_address(const struct lodge_emul *e);
int lodge_rip_set(struct lodge_emul *e, u64 rip);

/* mem.c */
int lodge_io_do(struct lodge_emul *e, enum lodge_io_kind kind, u64 addr,
		void *data, unsigned int len, bool write);
int lodge_io_log(struct lodge_emul *e, enum lodge_io_kind kind, u64 addr,
		 void *data, unsigned int len, bool write);
bool lodge_canonical(const struct lodge_emul *e, u64 la);
int lodge_mem_linear(struct lodge_emul *e, unsigned int seg, u64 off,
		     unsigned int len, unsigned int access, gva_t *la);
bool lodge_mem_misaligned(const struct lodge_emul *e, unsigned int len);
int lodge_linear_read(struct lodge_emul *e, gva_t la, void *data,
		      unsigned int len, unsigned int access);
int lodge_linear_write(struct lodge_emul *e, gva_t la, const void *data,
		       unsigned int len, unsigned int access,
		       const void *old);
int lodge_linear_probe(struct lodge_emul *e, gva_t la, unsigned int len,
		       unsigned int access);
int lodge_mem_read(struct lodge_emul *e, unsigned int seg, u64 off,
		   void *data, unsigned int len, unsigned int access);
int lodge_mem_write(struct lodge_emul *e, unsigned int seg, u64 off,
		    const void *data, unsigned int len, const void *old);
unsigned int lodge_stack_size(const struct lodge_emul *e);
int lodge_push(struct lodge_emul *e, u64 val, unsigned int size);
int lodge_pop(struct lodge_emul *e, u64 *val, unsigned int size);
u64 lodge_adsize_mask(const struct lodge_emul *e, u64 off);

/* seg.c, descriptor.c */
int lodge_seg_load(struct lodge_emul *e, unsigned int nr, u16 sel);
int lodge_far_transfer(struct lodge_emul *e, u16 sel, u64 off, bool call);
int lodge_far_return(struct lodge_emul *e, bool iret, unsigned int pop);

/* io.c */
int lodge_io_permitted(struct lodge_emul *e, u16 port, unsigned int size);

/* alu.c */
u64 lodge_flags_szp(u64 res, unsigned int size);
u64 lodge_alu_add(u64 a, u64 b, unsigned int carry, unsigned int size,
		  u64 *flags);
u64 lodge_alu_sub(u64 a, u64 b, unsigned int borrow, unsigned int size,
		  u64 *flags);

/* branch.c */
bool lodge_condition(const struct lodge_emul *e, unsigned int cc);

/* Instructions, by file. */
#define OP(name) int lodge_op_##name(struct lodge_emul *e)
OP(alu); OP(test); OP(inc); OP(dec); OP(neg); OP(not);		/* alu.c */
OP(daa); OP(das); OP(aaa); OP(aas); OP(aam); OP(aad);		/* bcd.c */
OP(shift); OP(shld); OP(shrd);					/* shift.c */
OP(bt); OP(bsf); OP(bsr); OP(popcnt); OP(bswap);		/* bits.c */
OP(mul); OP(imul); OP(imul2); OP(div); OP(idiv);		/* muldiv.c */
OP(mov); OP(movsx); OP(movsxd); OP(xchg); OP(xchg_acc); OP(xadd);		/* data.c */
OP(cmpxchg); OP(cmpxchg8b);
OP(lea); OP(xlat); OP(cbw); OP(cwd); OP(setcc); OP(cmovcc); OP(movbe);
OP(movnti);
OP(nop); OP(salc);
OP(push); OP(pop); OP(pusha); OP(popa); OP(enter); OP(leave);	/* stack.c */
OP(push_sreg); OP(pop_sreg); OP(pushf); OP(popf);
OP(jcc); OP(jmp); OP(jmp_ind); OP(call); OP(call_ind); OP(ret);	/* branch.c */
OP(loop); OP(jcxz);
OP(movs); OP(stos); OP(lods); OP(scas); OP(cmps);		/* string.c */
OP(ins); OP(outs);
OP(in); OP(out); OP(in_dx); OP(out_dx);				/* io.c */
OP(flag); OP(cli); OP(sti); OP(lahf); OP(sahf);			/* flags.c */
OP(int3); OP(int); OP(into); OP(int1); OP(iret); OP(bound);	/* intr.c */
OP(mov_from_sreg); OP(mov_to_sreg); OP(lxs);			/* seg.c */
OP(jmp_far); OP(call_far); OP(jmp_far_ind); OP(call_far_ind);
OP(ret_far);
OP(sgdt); OP(sidt); OP(lgdt); OP(lidt); OP(sldt); OP(str);	/* table.c */
OP(lldt); OP(ltr);
OP(smsw); OP(lmsw); OP(clts); OP(mov_cr); OP(mov_dr);		/* control.c */
OP(rdmsr); OP(wrmsr); OP(system); OP(invlpg); OP(invpcid);
OP(grp7_reg); OP(clflush); OP(swapgs);
OP(sse_mov); OP(sse_movd); OP(sse_movq); OP(sse_half);		/* sse.c */
OP(sse_lddqu); OP(sse_movntdqa);
#undef OP

#endif /* LODGE_EMUL_INTERNAL_H */
