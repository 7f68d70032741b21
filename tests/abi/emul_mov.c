// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator through MMIO: moves. Each instruction form that touches memory
 * that is not there; the test plays a device of 16 bytes and compares what is
 * left in it, in RAX and in the flags with what a processor does.
 */
#include "emul.h"

EMUL_BEGIN;

EMUL(mov_r8, "mov %al, (%rdi)", .mem = 0x2222222222222211);
EMUL(mov_r8_high, "mov %ah, (%rdi)", .mem = 0x2222222222222222);
EMUL(mov_r16, "mov %ax, (%rdi)", .mem = 0x2222222222222211);
EMUL(mov_r32, "mov %eax, (%rdi)", .mem = 0x2222222244332211);
EMUL(mov_r64, "mov %rax, (%rdi)", .mem = 0x8877665544332211);
EMUL(mov_imm8, "movb $0x5a, (%rdi)", .mem = 0x222222222222225a);
EMUL(mov_imm16, "movw $0x5a5b, (%rdi)", .mem = 0x2222222222225a5b);
EMUL(mov_imm32, "movl $0x5a5b5c5d, (%rdi)", .mem = 0x222222225a5b5c5d);
EMUL(mov_imm64, "movq $-2, (%rdi)", .mem = -2ull);
EMUL(mov_from8, "mov (%rdi), %al", .rax = 0x8877665544332222);
EMUL(mov_from16, "mov (%rdi), %ax", .rax = 0x8877665544332222);
EMUL(mov_from32, "mov (%rdi), %eax", .rax = 0x22222222);
EMUL(mov_from64, "mov (%rdi), %rax", .rax = 0x2222222222222222);
EMUL(mov_moffs8, "movabs %al, 0xd0000", .mem = 0x2222222222222211);
EMUL(mov_moffs64, "movabs %rax, 0xd0000", .mem = 0x8877665544332211);
EMUL(mov_from_moffs32, "movabs 0xd0000, %eax", .rax = 0x22222222);
EMUL(mov_r8b, "mov %rax, %r8; mov %r8b, (%rdi)", .mem = 0x2222222222222211);
EMUL(mov_sil, "mov $0x77, %esi; mov %sil, (%rdi)",
	.mem = 0x2222222222222277);
EMUL(mov_r13, "mov %rax, %r13; mov %r13, (%rdi)", .mem = 0x8877665544332211);
EMUL(mov_sib, "mov $4, %ecx; lea -8(%rdi), %rbx; mov %eax, (%rbx,%rcx,2)",
	.mem = 0x2222222244332211);
EMUL(mov_sib_disp32, "mov $4, %ecx; mov %eax, 0xcfff0(,%rcx,4)",
	.mem = 0x2222222244332211);
EMUL(mov_r12_base, "mov %rdi, %r12; mov %eax, (%r12)",
	.mem = 0x2222222244332211);
EMUL(mov_rbp_base, "mov %rdi, %rbp; mov %eax, 0(%rbp)",
	.mem = 0x2222222244332211);
EMUL(mov_addr32, "mov $-1, %rbx; shl $32, %rbx; or %rdi, %rbx\n"
	"mov %eax, (%ebx)", .mem = 0x2222222244332211);
EMUL(mov_negative, "lea 0x100(%rdi), %rbx; mov %eax, -0x100(%rbx)",
	.mem = 0x2222222244332211);
EMUL(movzx_b32, "movzbl (%rdi), %eax", .rax = 0x22);
EMUL(movzx_b64, "movzbq (%rdi), %rax", .rax = 0x22);
EMUL(movzx_b16, "movzbw (%rdi), %ax", .rax = 0x8877665544330022);
EMUL(movzx_w32, "movzwl (%rdi), %eax", .rax = 0x2222);
EMUL(movsx_b32, "movsbl (%rdi), %eax", .start = 0x80, .rax = 0xffffff80,
	.mem = 0x80);
EMUL(movsx_b64, "movsbq (%rdi), %rax", .start = 0x80,
	.rax = 0xffffffffffffff80, .mem = 0x80);
EMUL(movsx_w64, "movswq (%rdi), %rax", .start = 0x8001,
	.rax = 0xffffffffffff8001, .mem = 0x8001);
EMUL(movsxd, "movslq (%rdi), %rax", .start = 0x80000001,
	.rax = 0xffffffff80000001, .mem = 0x80000001);
EMUL(movnti32, "movnti %eax, (%rdi)", .mem = 0x2222222244332211);
EMUL(movnti64, "movnti %rax, (%rdi)", .mem = 0x8877665544332211);
EMUL(movbe, "movbe (%rdi), %eax", .start = 0x01020304, .rax = 0x04030201,
	.mem = 0x01020304, .may_fail = true);
EMUL(xchg8, "xchg %al, (%rdi)", .mem = 0x2222222222222211,
	.rax = 0x8877665544332222);
EMUL(xchg32, "xchg %eax, (%rdi)", .mem = 0x2222222244332211,
	.rax = 0x22222222);
EMUL(xchg64, "xchg %rax, (%rdi)", .mem = 0x8877665544332211,
	.rax = 0x2222222222222222);
EMUL(push, "push (%rdi); pop %rax", .rax = 0x2222222222222222);
EMUL(pop, "push %rax; pop (%rdi)", .mem = 0x8877665544332211);
EMUL(push_to_mmio, "mov %rsp, %rbx; lea 8(%rdi), %rsp; push %rax\n"
	"mov %rbx, %rsp", .mem = 0x8877665544332211);
EMUL(pop_from_mmio, "mov %rsp, %rbx; mov %rdi, %rsp; pop %rax\n"
	"mov %rbx, %rsp", .rax = 0x2222222222222222);
EMUL(stos8, "stosb", .mem = 0x2222222222222211);
EMUL(stos32, "stosl", .mem = 0x2222222244332211);
EMUL(stos64, "stosq", .mem = 0x8877665544332211);
EMUL(rep_stosb, "mov $5, %ecx; rep stosb", .mem = 0x2222221111111111);
EMUL(rep_stosl, "mov $2, %ecx; rep stosl", .mem = 0x4433221144332211);
EMUL(std_stosb, "add $2, %rdi; mov $3, %ecx; std; rep stosb; cld",
	.mem = 0x2222222222111111);
EMUL(rep_none, "xor %ecx, %ecx; rep stosb");
EMUL(lods, "mov %rdi, %rsi; lodsl", .rax = 0x22222222);
EMUL(lods8, "mov %rdi, %rsi; lodsb", .rax = 0x8877665544332222);
EMUL(movs_to, "push %rax; mov %rsp, %rsi; movsl; pop %rax",
	.mem = 0x2222222244332211);
EMUL(movs_from, "mov %rdi, %rsi; push $0; mov %rsp, %rdi; movsq; pop %rax",
	.rax = 0x2222222222222222);
EMUL(rep_movs_to, "push %rax; mov %rsp, %rsi; mov $8, %ecx; rep movsb\n"
	"pop %rax", .mem = 0x8877665544332211);
EMUL(movdqu_to, "movq %rax, %xmm1; movdqu %xmm1, (%rdi)",
	.mem = 0x8877665544332211);
EMUL(movdqa_to, "movq %rax, %xmm1; movdqa %xmm1, (%rdi)",
	.mem = 0x8877665544332211);
EMUL(movups_to, "movq %rax, %xmm1; movups %xmm1, (%rdi)",
	.mem = 0x8877665544332211);
EMUL(movdqu_from, "movdqu (%rdi), %xmm3; movq %xmm3, %rax",
	.rax = 0x2222222222222222);
EMUL(movdqa_from, "movdqa (%rdi), %xmm12; movq %xmm12, %rax",
	.rax = 0x2222222222222222);
EMUL(movntdq, "movq %rax, %xmm1; movntdq %xmm1, (%rdi)",
	.mem = 0x8877665544332211, .may_fail = true);
EMUL(movq_mmx, "movq %rax, %mm1; movq %mm1, (%rdi); emms",
	.mem = 0x8877665544332211, .may_fail = true);
EMUL(mov_from_seg, "mov %ds, (%rdi)", .mem = 0x2222222222220010);
EMUL(cmov_taken, "xor %ecx, %ecx; cmovz (%rdi), %eax", .rax = 0x22222222);
EMUL(cmov_not_taken, "xor %ecx, %ecx; cmovnz (%rdi), %rax");
EMUL(setcc, "xor %ecx, %ecx; setz (%rdi)", .mem = 0x2222222222222201);
EMUL(prefetch, "prefetcht0 (%rdi); nopl (%rdi)");

EMUL_END
