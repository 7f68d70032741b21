/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch of VT-x.
 *
 * Called by vmx_run.c, in the bracket. The hardware switches RSP, RIP, RFLAGS,
 * segments, control registers and some MSRs; the other registers are switched
 * here. An NMI that comes in between finds the host's segments and stack.
 * Next: vmx_exit.c.
 */
#include <linux/linkage.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>

#include "../barrier.S"

/* Some kernels' headers have other numbers for them. */
#undef RAX
#undef RCX
#undef RDX
#undef RBX
#undef RBP
#undef RSI
#undef RDI

#define GPR(n)	((n) * 8)
#define RAX	0
#define RCX	1
#define RDX	2
#define RBX	3
#define RBP	5
#define RSI	6
#define RDI	7

#define VMCS_HOST_RSP	0x6c14

	BARRIER_DATA
	.text

/*
 * int vmx_enter_guest(u64 *gpr, unsigned long *host_rsp, bool launched)
 *
 * @host_rsp is what the VMCS has for the host's RSP. Returns 0 after an exit,
 * 1 if VMLAUNCH or VMRESUME failed where it stands.
 */
SYM_FUNC_START(vmx_enter_guest)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	cmp	%rsp, (%rsi)
	je	1f
	mov	%rsp, (%rsi)
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
1:
	/* The flags tell whether it has been launched, up to the entry. */
	test	%dl, %dl
	mov	GPR(RAX)(%rdi), %rax
	mov	GPR(RCX)(%rdi), %rcx
	mov	GPR(RDX)(%rdi), %rdx
	mov	GPR(RBX)(%rdi), %rbx
	mov	GPR(RBP)(%rdi), %rbp
	mov	GPR(RSI)(%rdi), %rsi
	mov	GPR(8)(%rdi), %r8
	mov	GPR(9)(%rdi), %r9
	mov	GPR(10)(%rdi), %r10
	mov	GPR(11)(%rdi), %r11
	mov	GPR(12)(%rdi), %r12
	mov	GPR(13)(%rdi), %r13
	mov	GPR(14)(%rdi), %r14
	mov	GPR(15)(%rdi), %r15
	mov	GPR(RDI)(%rdi), %rdi
	jz	2f

	BARRIER_ENTRY
	vmresume
	jbe	4f
	jmp	3f
2:
	BARRIER_ENTRY
	vmlaunch
	jbe	4f
3:
	/* Nobody comes here but from the guest: both fail by CF or ZF. */
SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	ENDBR
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, GPR(RAX)(%rdi)
	mov	%rcx, GPR(RCX)(%rdi)
	mov	%rdx, GPR(RDX)(%rdi)
	mov	%rbx, GPR(RBX)(%rdi)
	mov	%rbp, GPR(RBP)(%rdi)
	mov	%rsi, GPR(RSI)(%rdi)
	mov	%r8, GPR(8)(%rdi)
	mov	%r9, GPR(9)(%rdi)
	mov	%r10, GPR(10)(%rdi)
	mov	%r11, GPR(11)(%rdi)
	mov	%r12, GPR(12)(%rdi)
	mov	%r13, GPR(13)(%rdi)
	mov	%r14, GPR(14)(%rdi)
	mov	%r15, GPR(15)(%rdi)
	pop	GPR(RDI)(%rdi)
	BARRIER_IBRS
	BARRIER_EXIT
	xor	%eax, %eax
	jmp	5f
4:
	mov	$1, %eax
5:
	/* Nothing of the guest is left for the host to speculate with. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	add	$8, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(vmx_enter_guest)

/*
 * void vmx_call_handler(unsigned long handler)
 *
 * The host's handler of an interrupt that the CPU has taken from its APIC, as
 * the CPU would call it: on an aligned stack, with a frame for IRET.
 */
SYM_FUNC_START(vmx_call_handler)
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	mov	%rdi, %rax
	mov	%ss, %ecx
	push	%rcx
	push	%rbp
	pushf
	mov	%cs, %ecx
	push	%rcx
	CALL_NOSPEC rax
	leave		/* IRET has left RSP where RBP is */
	RET
SYM_FUNC_END(vmx_call_handler)
