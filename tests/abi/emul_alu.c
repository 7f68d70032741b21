// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator through MMIO: arithmetic, logic, bits, compare-exchange, and
 * the flags they leave. See emul.h.
 */
#include "emul.h"

#define CF	0x001
#define PF	0x004
#define AF	0x010
#define ZF	0x040
#define SF	0x080
#define OF	0x800
#define ALL	EMUL_FLAGS
#define LOGIC	(CF | PF | ZF | SF | OF)	/* AF is undefined */

EMUL_BEGIN;

EMUL(add8, "add %al, (%rdi)", .mem = 0x2222222222222233,
	.flags = PF, .flags_mask = ALL);
EMUL(add32, "add %eax, (%rdi)", .mem = 0x2222222266554433,
	.flags = PF, .flags_mask = ALL);
EMUL(add64, "add %rax, (%rdi)", .mem = 0xaa99887766554433,
	.flags = PF | SF, .flags_mask = ALL);
EMUL(add_imm8, "addl $-1, (%rdi)", .mem = 0x2222222222222221,
	.flags = CF | PF | AF, .flags_mask = ALL);
EMUL(add_imm32, "addl $0x7fffffff, (%rdi)", .mem = 0x22222222a2222221,
	.flags = PF | AF | SF | OF, .flags_mask = ALL);
EMUL(add_from, "add (%rdi), %rax", .rax = 0xaa99887766554433,
	.flags = PF | SF, .flags_mask = ALL);
EMUL(adc, "stc; adc %eax, (%rdi)", .mem = 0x2222222266554434,
	.flags = 0, .flags_mask = ALL);
EMUL(sub, "sub %eax, (%rdi)", .mem = 0x22222222ddef0011,
	.flags = CF | PF | SF, .flags_mask = ALL);
EMUL(sub_to_zero, "subl $0x22222222, (%rdi)", .mem = 0x2222222200000000,
	.flags = PF | ZF, .flags_mask = ALL);
EMUL(sbb, "stc; sbb %al, (%rdi)", .mem = 0x2222222222222210,
	.flags = 0, .flags_mask = ALL);
EMUL(cmp, "cmp %eax, (%rdi)", .flags = CF | PF | SF, .flags_mask = ALL);
EMUL(cmp_equal, "cmpl $0x22222222, (%rdi)", .flags = PF | ZF,
	.flags_mask = ALL);
EMUL(cmp_from, "cmp (%rdi), %al", .flags = CF | AF | SF,
	.flags_mask = CF | ZF | SF | OF | AF);
EMUL(and, "and %eax, (%rdi)", .mem = 0x2222222200222200,
	.flags = PF, .flags_mask = LOGIC);
EMUL(and_imm, "andl $0xf0, (%rdi)", .mem = 0x2222222200000020,
	.flags = 0, .flags_mask = LOGIC);
EMUL(or, "or %eax, (%rdi)", .mem = 0x2222222266332233,
	.flags = PF, .flags_mask = LOGIC);
EMUL(or_imm8, "orb $0x80, (%rdi)", .mem = 0x22222222222222a2,
	.flags = SF, .flags_mask = LOGIC);
EMUL(xor, "xor %eax, (%rdi)", .mem = 0x2222222266110033,
	.flags = PF, .flags_mask = LOGIC);
EMUL(xor_from, "xor (%rdi), %eax", .rax = 0x66110033,
	.flags = PF, .flags_mask = LOGIC);
EMUL(lock_or, "lock orl $1, (%rdi)", .mem = 0x2222222222222223,
	.flags = 0, .flags_mask = LOGIC);
EMUL(test_r, "test %eax, (%rdi)", .flags = PF, .flags_mask = LOGIC);
EMUL(test_imm8, "testb $0x20, (%rdi)", .flags = 0, .flags_mask = LOGIC);
EMUL(test_imm_zero, "testl $0x11111111, (%rdi)", .flags = ZF | PF,
	.flags_mask = LOGIC);
EMUL(inc, "stc; incl (%rdi)", .mem = 0x2222222222222223,
	.flags = CF, .flags_mask = ALL);
EMUL(dec8, "clc; decb (%rdi)", .mem = 0x2222222222222221,
	.flags = PF, .flags_mask = ALL);
EMUL(neg, "negl (%rdi)", .mem = 0x22222222ddddddde,
	.flags = CF | PF | AF | SF, .flags_mask = ALL);
EMUL(not, "notl (%rdi)", .mem = 0x22222222dddddddd);
EMUL(shl, "shll $4, (%rdi)", .mem = 0x2222222222222220,
	.flags = 0, .flags_mask = CF | ZF | SF);
EMUL(shl_1, "shlb (%rdi)", .mem = 0x2222222222222244,
	.flags = PF, .flags_mask = LOGIC);
EMUL(shr_cl, "mov $2, %ecx; shrl %cl, (%rdi)", .mem = 0x2222222208888888,
	.flags = CF, .flags_mask = CF | ZF | SF);
EMUL(sar, "sarl $1, (%rdi)", .mem = 0x2222222211111111,
	.flags = PF, .flags_mask = LOGIC);
EMUL(rol, "roll $8, (%rdi)", .start = 0x12345678, .mem = 0x34567812);
EMUL(ror, "rorw $4, (%rdi)", .start = 0x12345678, .mem = 0x12348567);
EMUL(shld, "shldl $8, %eax, (%rdi)", .mem = 0x2222222222222244);
EMUL(bt_imm, "btl $1, (%rdi)", .flags = CF, .flags_mask = CF);
EMUL(bt_imm_clear, "btl $0, (%rdi)", .flags = 0, .flags_mask = CF);
EMUL(bts_imm, "btsl $0, (%rdi)", .mem = 0x2222222222222223,
	.flags = 0, .flags_mask = CF);
EMUL(btr_imm, "btrl $1, (%rdi)", .mem = 0x2222222222222220,
	.flags = CF, .flags_mask = CF);
EMUL(btc_imm, "btcl $31, (%rdi)", .mem = 0x22222222a2222222,
	.flags = 0, .flags_mask = CF);
EMUL(bt_reg, "mov $37, %ecx; bt %ecx, (%rdi)", .flags = CF,
	.flags_mask = CF);
EMUL(bts_reg, "mov $40, %ecx; bts %ecx, (%rdi)", .mem = 0x2222232222222222,
	.flags = 0, .flags_mask = CF);
EMUL(bts_negative, "mov $-32, %ecx; add $4, %rdi; bts %ecx, (%rdi)",
	.mem = 0x2222222222222223, .flags = 0, .flags_mask = CF);
EMUL(lock_bts, "lock btsl $2, (%rdi)", .mem = 0x2222222222222226,
	.flags = 0, .flags_mask = CF);
EMUL(bsf, "bsf (%rdi), %eax", .rax = 1, .flags = 0, .flags_mask = ZF);
EMUL(bsr, "bsr (%rdi), %eax", .rax = 29, .flags = 0, .flags_mask = ZF);
EMUL(cmpxchg_taken, "mov $0x22222222, %eax; mov $0x99, %ecx\n"
	"cmpxchg %ecx, (%rdi)", .mem = 0x2222222200000099, .rax = 0x22222222,
	.flags = ZF | PF, .flags_mask = ALL);
EMUL(cmpxchg_not_taken, "mov $0x99, %ecx; cmpxchg %ecx, (%rdi)",
	.rax = 0x22222222, .flags = 0, .flags_mask = ZF);
EMUL(lock_cmpxchg64, "mov $0x2222222222222222, %rax; mov $0x99, %ecx\n"
	"lock cmpxchg %rcx, (%rdi)", .mem = 0x99, .rax = 0x2222222222222222,
	.flags = ZF, .flags_mask = ZF);
EMUL(cmpxchg8b, "mov $0x22222222, %eax; mov %eax, %edx; mov $1, %ebx\n"
	"mov $2, %ecx; cmpxchg8b (%rdi)", .mem = 0x0000000200000001,
	.rax = 0x22222222, .flags = ZF, .flags_mask = ZF);
EMUL(cmpxchg8b_not, "xor %edx, %edx; mov $1, %ebx; mov $2, %ecx\n"
	"cmpxchg8b (%rdi)", .rax = 0x22222222, .flags = 0, .flags_mask = ZF);
EMUL(xadd, "mov $0x11, %eax; xadd %eax, (%rdi)", .mem = 0x2222222222222233,
	.rax = 0x22222222, .flags = PF, .flags_mask = ALL);
EMUL(mul, "mov $2, %eax; mull (%rdi)", .rax = 0x44444444,
	.flags = 0, .flags_mask = CF | OF);
EMUL(imul, "imul $3, (%rdi), %eax", .rax = 0x66666666,
	.flags = 0, .flags_mask = CF | OF);
EMUL(div, "mov $0x44444444, %eax; xor %edx, %edx; divl (%rdi)", .rax = 2);
EMUL(scas, "mov $0x22, %al; scasb", .rax = 0x8877665544332222,
	.flags = ZF, .flags_mask = ZF);
EMUL(repne_scasb, "mov $5, %ecx; repne scasb; mov %rcx, %rax",
	.start = 0x2222222211223344, .mem = 0x2222222211223344, .rax = 1,
	.flags = ZF, .flags_mask = ZF);
EMUL(cmps, "push $0x22222222; mov %rsp, %rsi; cmpsl; pop %rcx",
	.flags = ZF, .flags_mask = ZF);
EMUL_END
