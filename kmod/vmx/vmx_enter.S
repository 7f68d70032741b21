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
#include "../gprs.S"

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
	HOST_PUSH
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
	GUEST_LOAD
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
	GUEST_SAVE
	BARRIER_IBRS
	BARRIER_EXIT
	xor	%eax, %eax
	jmp	5f
4:
	mov	$1, %eax
5:
	GUEST_CLEAR

	add	$8, %rsp
	HOST_POP
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
