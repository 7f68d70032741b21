// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator through MMIO in real and 32-bit protected mode: 16-bit
 * addresses and operands, prefixes, segments, strings. See emul.h.
 */
#include "emul.h"

EMUL_BEGIN;

EMUL16(mov16, "mov %ax, (%di)", .mem = 0x2222222222222211);
EMUL16(mov16_from, "mov (%di), %ax", .rax = 0x44332222);
EMUL16(mov32_prefixed, "mov %eax, 4(%di)", .mem = 0x4433221122222222);
EMUL16(mov_bx_si, "mov $2, %bx; mov $2, %si; mov %al, (%bx,%si)",
	.mem = 0x2222221122222222);
EMUL16(mov_bp_uses_ss, "mov $3, %bp; mov %al, %ds:(%bp)",
	.mem = 0x2222222211222222);
EMUL16(mov_wraps, "mov $0xffff, %bx; mov %al, 4(%bx)",
	.mem = 0x2222222211222222);
EMUL16(mov_addr32, "mov $6, %ecx; mov %al, (%ecx)",
	.mem = 0x2211222222222222);
EMUL16(mov_moffs, "mov %al, 1", .mem = 0x2222222222221122);
EMUL16(mov_imm, "movw $0x0741, (%di)", .mem = 0x2222222222220741);
EMUL16(mov_fs, "mov $0xcfff, %cx; mov %cx, %fs; mov %al, %fs:0x10",
	.mem = 0x2222222222222211);
EMUL16(stosw, "cld; stosw", .mem = 0x2222222222222211);
EMUL16(rep_stosw, "mov $0x0720, %ax; mov $4, %cx; rep stosw",
	.mem = 0x0720072007200720, .rax = 0x44330720);
EMUL16(rep_movsb_from_ram, "push %ax; mov %sp, %si; mov $2, %cx\n"
	"rep movsb %ss:(%si), %es:(%di); pop %ax",
	.mem = 0x2222222222222211);
EMUL16(lodsb, "xor %si, %si; lodsb", .rax = 0x44332222);
EMUL16(and_imm, "andb $0x0f, (%di)", .mem = 0x2222222222222202,
	.flags = 0, .flags_mask = 0x8c1);
EMUL16(xchg, "xchg %al, (%di)", .mem = 0x2222222222222211,
	.rax = 0x44332222);
EMUL16(les, "mov %es, %cx; les (%di), %ax; mov %cx, %es", .rax = 0x44332222,
	.may_fail = true);
EMUL16(test_bit, "testb $2, (%di)", .flags = 0, .flags_mask = 0x40);

EMUL32(mov32, "mov %eax, (%edi)", .mem = 0x2222222244332211);
EMUL32(mov32_from, "mov (%edi), %eax", .rax = 0x22222222);
EMUL32(mov16_prefixed, "mov %ax, 2(%edi)", .mem = 0x2222222222112222);
EMUL32(mov_sib, "mov $1, %ecx; mov %al, 1(%edi,%ecx,4)",
	.mem = 0x2222112222222222);
EMUL32(mov_moffs32, "mov %eax, 0xd0004", .mem = 0x4433221122222222);
EMUL32(inc_short, "incl (%edi)", .mem = 0x2222222222222223);
EMUL32(add, "add %eax, (%edi)", .mem = 0x2222222266554433,
	.flags = 0x4, .flags_mask = 0x8d5);
EMUL32(cmpxchg, "mov $0x22222222, %eax; mov $7, %ecx\n"
	"lock cmpxchg %ecx, (%edi)", .mem = 0x2222222200000007,
	.rax = 0x22222222, .flags = 0x40, .flags_mask = 0x40);
EMUL32(movzx, "movzbl 1(%edi), %eax", .rax = 0x22);
EMUL32(push_mem, "pushl (%edi); pop %eax", .rax = 0x22222222);
EMUL32(pop_mem, "push %eax; popl (%edi)", .mem = 0x2222222244332211);
EMUL32(rep_movsl, "push %eax; mov %esp, %esi; mov $1, %ecx; rep movsl\n"
	"pop %eax", .mem = 0x2222222244332211);
EMUL32(rep_stosb, "mov $3, %ecx; rep stosb", .mem = 0x2222222222111111);
EMUL32(bts, "btsl $4, (%edi)", .mem = 0x2222222222222232,
	.flags = 0, .flags_mask = 1);

EMUL_END
