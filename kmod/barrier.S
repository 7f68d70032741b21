/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What keeps guest and host from speculating with what the other left behind,
 * at the world switch itself: macros for svm_enter.S and vmx_enter.S.
 *
 * The host decides: the kernel has set a feature bit for each barrier it wants,
 * and its alternatives leave nothing of the others but a jump or a NOP. A test
 * at run time would not do, as a guest may have trained its prediction.
 * docs/SPECULATION.md has the table. Next: host_barrier.c, for the others.
 */
#include <linux/objtool.h>
#include <asm/alternative.h>
#include <asm/segment.h>

#include "barrier.h"

#define RSB_ENTRIES	32
/* Taken branches, two a turn, beyond the history of any CPU: 194. */
#define BHB_TURNS	100

/* The operand of VERW must be memory to overwrite the CPU's buffers. */
.macro BARRIER_DATA
	.pushsection .rodata
	.balign 2
.Lverw_sel:
	.word	__KERNEL_DS
	.popsection
.endm

/*
 * Right before the guest. All registers are kept, flags are not.
 * Intel manual: VERW; "Microarchitectural Data Sampling".
 */
.macro BARRIER_ENTRY
	ALTERNATIVE "", "jmp .Lverw_\@", BARRIER_MMIO
	ALTERNATIVE_2 "jmp .Lno_verw_\@", "", X86_FEATURE_CLEAR_CPU_BUF, "", X86_FEATURE_CLEAR_CPU_BUF_VM
.Lverw_\@:
	verw	.Lverw_sel(%rip)
.Lno_verw_\@:
.endm

/* A call that does not come back: an entry for the return predictor. */
.macro BARRIER_CALL
	ANNOTATE_INTRA_FUNCTION_CALL
	call	902f
	int3
902:
.endm

/* RETs that come now end in the INT3s above, if they are predicted at all. */
.macro BARRIER_RSB
#ifdef X86_BUG_IBPB_NO_RET
	/* Where an IBPB is asked for, the kernel counts on it for RETs, too. */
	ALTERNATIVE "", "jmp .Lrsb_\@", X86_BUG_IBPB_NO_RET
#endif
	ALTERNATIVE_2 "jmp .Lno_rsb_\@", "jmp .Lrsb_lite_\@", X86_FEATURE_RSB_VMEXIT_LITE, "", X86_FEATURE_RSB_VMEXIT
.Lrsb_\@:
	.rept	RSB_ENTRIES - 1
	BARRIER_CALL
	.endr
	add	$(RSB_ENTRIES - 1) * 8, %rsp
.Lrsb_lite_\@:
	BARRIER_CALL
	add	$8, %rsp
	lfence
.Lno_rsb_\@:
.endm

/* Where the kernel's thunk for RET can't be guarded, this does it, too. */
.macro BARRIER_IBPB
#ifndef LODGE_HAVE_UNTRAIN
	ALTERNATIVE "", "jmp .Libpb_\@", X86_FEATURE_UNRET
#endif
	ALTERNATIVE_2 "jmp .Lno_ibpb_\@", "", X86_FEATURE_ENTRY_IBPB, "", X86_FEATURE_IBPB_ON_VMEXIT
.Libpb_\@:
	mov	$MSR_IA32_PRED_CMD, %ecx
	mov	$PRED_CMD_IBPB, %eax
	xor	%edx, %edx
	wrmsr
.Lno_ibpb_\@:
.endm

/*
 * Right behind the guest, before any RET, indirect branch or load by the
 * guest's registers, on the host's stack. RAX, RCX and RDX are lost.
 */
.macro BARRIER_EXIT
	BARRIER_IBPB
	BARRIER_RSB
#ifdef LODGE_HAVE_UNTRAIN
	/* RET is a jump to a thunk of the kernel's: only it can guard that. */
	ALTERNATIVE_2 "", "call entry_untrain_ret", X86_FEATURE_UNRET, "call srso_alias_untrain_ret", X86_FEATURE_SRSO_ALIAS
#endif
	ALTERNATIVE "jmp .Lno_bhb_\@", "", BARRIER_BHB
	mov	$BHB_TURNS, %ecx
.Lbhb_\@:
	jmp	903f
	int3
903:
	dec	%ecx
	jnz	.Lbhb_\@
	lfence
.Lno_bhb_\@:
.endm

/*
 * IBRS guards from what ran before it was written last, with whatever rights:
 * what is written is what is there, as a guest has no such MSR.
 */
.macro BARRIER_IBRS
	ALTERNATIVE "jmp .Lno_ibrs_\@", "", X86_FEATURE_KERNEL_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	wrmsr
	lfence
.Lno_ibrs_\@:
.endm
