// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions the hardware does not execute for the guest: what the emulator's
 * results mean to the loop, and accesses that the user is asked for.
 *
 * exit.c comes here for accesses to memory that is none, for string I/O, and
 * for operands the hardware does not tell. Next: code.c, emulate_ops.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "lodge.h"
#include "trace.h"

/* What an instruction may look at in struct lodge_regs itself. */
#define EMU_GROUPS	(LODGE_R_SEGS | LODGE_R_CRS | LODGE_R_DTABLES | \
			 LODGE_R_MSRS | LODGE_R_SHADOW)

/* One operand in 64-bit mode: of its segments only FS and GS count. */
static void emu_need(struct lodge_vcpu *vcpu)
{
	const struct lodge_emul *e = vcpu->emul;
	const struct lodge_regs *r;

	r = lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS | LODGE_R_SHADOW);
	if (!e->hint || !lodge_regs_long64(r) || e->insn.seg >= LODGE_FS)
		lodge_need(vcpu, EMU_GROUPS);
}

/* The instruction is not known: the user is told, and so is the guest. */
static int emu_unhandled(struct lodge_vcpu *vcpu)
{
	const struct lodge_insn *insn = &vcpu->emul->insn;
	struct kvm_run *run = vcpu->run;
	u8 size = min_t(u8, insn->have,
			sizeof(run->emulation_failure.insn_bytes));

	lodge_warn_limited("lodge: vCPU %u: instruction can't be emulated at RIP 0x%llx: %*ph\n",
			   vcpu->id, vcpu->regs.rip, insn->have, insn->bytes);
	if (!READ_ONCE(vcpu->vm->exit_on_emulation)) {
		lodge_exception_queue(vcpu, LODGE_UD, false, 0);
		if (lodge_regs_cpl(&vcpu->regs))
			return LODGE_RESUME;
	}
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags =
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = size;
	memset(run->emulation_failure.insn_bytes, 0x90,
	       sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, insn->bytes, size);
	return LODGE_TO_USER;
}

static int emu_step(struct lodge_vcpu *vcpu);

/*
 * Is there more of what the user has given at once? The guest must not run
 * before it has it all. That an iteration is tried again is rare: others have
 * changed the page tables on the way, often. A signal waits, unless it kills,
 * since what is left would be lost.
 */
static bool emu_ahead_left(const struct lodge_vcpu *vcpu)
{
	const struct lodge_ahead *a = &vcpu->ahead;

	return a->nr > 1 && vcpu->regs.rip == a->rip &&
	       a->rcx - lodge_emul_count(vcpu->emul) < a->nr &&
	       !vcpu->events.exception.valid &&
	       (vcpu->emul->again || !fatal_signal_pending(current));
}

/*
 * The user has done the access: note it, and run the instruction again. With
 * immediate_exit a REP stops where it is, between two of its iterations.
 */
static int emu_complete(struct lodge_vcpu *vcpu)
{
	struct lodge_emul_io *io = &vcpu->emul->io;
	int r;

	if (!io->write && io->kind == LODGE_IO_MMIO)
		memcpy(io->data, vcpu->run->mmio.data, io->len);
	else if (!io->write)
		memcpy(io->data, vcpu->pio_page, io->len);
	lodge_emul_io_done(vcpu->emul);
	vcpu->emul_may_sleep = true;
	emu_need(vcpu);
	vcpu->emul_completing = true;
	do {
		cond_resched();
		r = emu_step(vcpu);
	} while (r == LODGE_RESUME && emu_ahead_left(vcpu));
	vcpu->emul_completing = false;
	if (vcpu->complete != emu_complete)	/* not for more of it */
		vcpu->ahead.nr = 0;
	return r;
}

/* How much is the user to be asked for? */
static u32 emu_ahead(struct lodge_vcpu *vcpu)
{
	u32 nr = lodge_stepping(vcpu) ? 1 : lodge_emul_ahead(vcpu->emul);

	vcpu->ahead = (struct lodge_ahead){
		.rip = vcpu->regs.rip, .nr = nr,
		.rcx = lodge_emul_count(vcpu->emul),
		.len = vcpu->emul->io.len,
	};
	return nr;
}

static int emu_to_user(struct lodge_vcpu *vcpu)
{
	const struct lodge_emul_io *io = &vcpu->emul->io;
	struct kvm_run *run = vcpu->run;
	u32 nr;

	if (io->kind == LODGE_IO_MMIO) {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.phys_addr = io->addr;
		run->mmio.len = io->len;
		run->mmio.is_write = io->write;
		memset(run->mmio.data, 0, sizeof(run->mmio.data));
		if (io->write)
			memcpy(run->mmio.data, io->data, io->len);
	} else {
		nr = emu_ahead(vcpu);
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = io->write ? KVM_EXIT_IO_OUT :
						KVM_EXIT_IO_IN;
		run->io.size = io->len;
		run->io.port = io->addr;
		run->io.count = nr;
		run->io.data_offset = PAGE_SIZE;
		memset(vcpu->pio_page, 0, io->len * nr);
		if (io->write)
			memcpy(vcpu->pio_page, io->data, io->len);
	}
	vcpu->complete = emu_complete;
	return LODGE_TO_USER;
}

/* What the instruction raises; a verdict. */
static int emu_fault(struct lodge_vcpu *vcpu)
{
	const struct lodge_emul_fault *f = &vcpu->emul->fault;
	bool soft_int = f->kind == LODGE_FAULT_SOFT_INT;
	u8 len = vcpu->emul->insn.len;

	if (f->kind != LODGE_FAULT_EXCEPTION) {
		if (f->vector == LODGE_BP && !soft_int &&
		    vcpu->debug.control & KVM_GUESTDBG_USE_SW_BP)
			return lodge_debug_exit(vcpu, LODGE_BP, 0);
		/* What the instruction raises returns to the one after it. */
		vcpu->regs.rip += len;
		vcpu->events.soft_past = len;
		vcpu->events.injected = (struct lodge_event){
			.valid = true, .vector = f->vector,
			.type = soft_int ? LODGE_EVENT_SOFT_INTR :
					   LODGE_EVENT_EXCEPTION,
		};
	} else if (f->vector == LODGE_PF) {
		lodge_page_fault_queue(vcpu, f->error, f->cr2);
	} else {
		lodge_exception_queue(vcpu, f->vector, f->has_error, f->error);
	}
	return LODGE_RESUME;
}

/* Execute what has been decoded; a verdict. */
static int emu_step(struct lodge_vcpu *vcpu)
{
	struct lodge_emul *e = vcpu->emul;
	int r = lodge_emul_execute(e);

	vcpu->dirty |= e->changed;	/* by iterations of a REP, at least */
	switch (r) {
	case LODGE_EMUL_OK:
		if (e->trap_db) {
			lodge_touch(vcpu, LODGE_R_DRS)->dr6 |= BIT_ULL(14);
			lodge_exception_queue(vcpu, LODGE_DB, false, 0);
		}
		if (lodge_stepping(vcpu) && !e->again)
			lodge_debug_stepped(vcpu);
		return LODGE_RESUME;
	case LODGE_EMUL_FAULT:
		return emu_fault(vcpu);
	case LODGE_EMUL_IO:
		if (vcpu->emul_completing && !e->log.nr &&
		    READ_ONCE(vcpu->run->immediate_exit))
			return LODGE_RESUME;
		return emu_to_user(vcpu);
	case LODGE_EMUL_RETRY:
		vcpu->emul_decoded = vcpu->emul_slow;
		return vcpu->emul_slow ? LODGE_SLOW : LODGE_RESUME;
	default:
		return emu_unhandled(vcpu);
	}
}

static void emu_begin(struct lodge_vcpu *vcpu, bool may_sleep)
{
	vcpu->emul_may_sleep = may_sleep;
	vcpu->emul_slow = false;
	vcpu->emul_decoded = false;
	lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);
}

static int emu_decode(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		      bool may_sleep)
{
	struct lodge_emul *e = vcpu->emul;
	struct lodge_code *c;
	int r;

	emu_begin(vcpu, may_sleep);
	c = exit->insn_nr ? NULL : lodge_code_get(vcpu);
	if (!c)
		return lodge_emul_decode(e, exit->insn, exit->insn_nr);
	if (likely(c->decoded)) {
		lodge_emul_reuse(e, &c->insn);
		return LODGE_EMUL_OK;
	}
	r = lodge_emul_decode(e, (const u8 *)c->word, LODGE_INSN_MAX);
	if (r == LODGE_EMUL_OK) {
		c->insn = e->insn;
		c->decoded = true;
		lodge_code_keep(c, e->insn.len);
	}
	return r;
}

/* Decoding did not come to its end; a verdict. */
static int emu_undecoded(struct lodge_vcpu *vcpu, int r)
{
	if (r == LODGE_EMUL_FAULT)
		return emu_fault(vcpu);
	if (r == LODGE_EMUL_RETRY)
		return vcpu->emul_slow ? LODGE_SLOW : LODGE_RESUME;
	return emu_unhandled(vcpu);
}

/**
 * lodge_emulate() - execute the instruction at RIP
 * @vcpu: its mutex held
 * @exit: that it caused; may hold its bytes
 * @may_sleep: outside the bracket
 *
 * Return: a verdict.
 */
int lodge_emulate(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		  bool may_sleep)
{
	struct lodge_emul *e = vcpu->emul;
	int r;

	if (may_sleep && vcpu->emul_decoded) {
		/* Begun in the bracket: what it did to devices is in its log. */
		emu_begin(vcpu, true);
		emu_need(vcpu);
		return emu_step(vcpu);
	}
	vcpu->stats.emulated++;
	r = emu_decode(vcpu, exit, may_sleep);
	if (r != LODGE_EMUL_OK)
		return emu_undecoded(vcpu, r);
	if (exit->kind == LODGE_EXIT_TDP_FAULT &&
	    !(exit->tdp.access & (LODGE_TDP_WALK | LODGE_TDP_FETCH)))
		lodge_emul_hint(e, exit->tdp.gpa,
				exit->tdp.access & LODGE_TDP_WRITE);
	emu_need(vcpu);
	return emu_step(vcpu);
}

/*
 * A hypercall in the other vendor's way: the guest's code is mended, as KVM
 * has always done it, if the guest itself might write there. Return: 0; or
 * -errno, -EAGAIN: where it may sleep.
 */
static int emu_hypercall_fix(struct lodge_vcpu *vcpu, bool may_sleep)
{
	const struct lodge_regs *r = &vcpu->regs;
	u8 last = lodge_ops->hypercall;
	struct lodge_fault fault;
	gva_t la = r->rip + 2;
	u32 walk = LODGE_PF_W;
	gpa_t gpa;
	int err;

	if (vcpu->emul->insn.bytes[2] == last)
		return -EEXIST;
	if (!lodge_regs_long64(r))
		la = (u32)(r->seg[LODGE_CS].base + la);
	if (lodge_regs_cpl(r) == 3)
		walk |= LODGE_PF_U;
	if (!may_sleep)
		walk |= LODGE_WALK_ATOMIC;
	err = lodge_guest_walk(vcpu, la, walk, &gpa, &fault);
	if (err)
		return err < 0 ? err : -EFAULT;
	return may_sleep ? lodge_gpa_write(vcpu->vm, gpa, &last, 1) :
			   lodge_gpa_write_atomic(vcpu->vm, gpa, &last, 1);
}

/**
 * lodge_emulate_ud() - #UD in the guest: a hypercall in the other vendor's way?
 * @vcpu: its mutex held
 * @exit: exception, intercepted
 * @may_sleep: outside the bracket
 *
 * Return: a verdict: the hypercall is made, or #UD is queued.
 */
int lodge_emulate_ud(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		     bool may_sleep)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 };
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
	const struct lodge_insn *insn = &vcpu->emul->insn;
	int r = emu_decode(vcpu, exit, may_sleep);

	if (r == LODGE_EMUL_RETRY)
		return vcpu->emul_slow ? LODGE_SLOW : LODGE_RESUME;
	if (r == LODGE_EMUL_OK && insn->len == sizeof(vmcall) &&
	    (!memcmp(insn->bytes, vmcall, sizeof(vmcall)) ||
	     !memcmp(insn->bytes, vmmcall, sizeof(vmmcall))) &&
	    !lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN)) {
		r = emu_hypercall_fix(vcpu, may_sleep);
		if (!r)
			return LODGE_RESUME;	/* the CPU executes it now */
		if (r == -EAGAIN && !may_sleep)
			return LODGE_SLOW;
		exit->insn_len = insn->len;
		lodge_next_rip(vcpu, exit, may_sleep);
		return lodge_hypercall(vcpu, exit, may_sleep);
	}
	lodge_exception_queue(vcpu, LODGE_UD, false, 0);
	return LODGE_RESUME;
}

/* Not known from before: insn_len is set if the verdict is to resume. */
static noinline int emu_length(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
			       struct lodge_code *c, bool may_sleep)
{
	struct lodge_emul *e = vcpu->emul;
	int r;

	emu_begin(vcpu, may_sleep);
	if (c)
		r = lodge_emul_length(e, (const u8 *)c->word, LODGE_INSN_MAX);
	else
		r = lodge_emul_length(e, exit->insn, exit->insn_nr);
	if (r != LODGE_EMUL_OK)
		return emu_undecoded(vcpu, r);
	exit->insn_len = e->insn.len;
	if (c)
		lodge_code_keep(c, e->insn.len);
	return LODGE_RESUME;
}

/**
 * lodge_next_rip() - where the instruction that exited ends
 * @vcpu: its mutex held
 * @exit: next_rip is set; it stays 0 if a fault was queued instead
 * @may_sleep: outside the bracket
 *
 * For CPUs that do not tell. Return: a verdict.
 */
int lodge_next_rip(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		   bool may_sleep)
{
	struct lodge_code *c = NULL;

	if (!exit->insn_len) {
		c = lodge_code_get(vcpu);
		exit->insn_len = c ? c->len : 0;
	}
	if (unlikely(!exit->insn_len)) {
		int r = emu_length(vcpu, exit, c, may_sleep);

		if (r != LODGE_RESUME)
			return r;
		if (!exit->insn_len)
			return LODGE_RESUME;
	}
	exit->next_rip = vcpu->regs.rip + exit->insn_len;
	if (!c && !lodge_regs_long64(lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS)))
		exit->next_rip = (u32)exit->next_rip;
	return LODGE_RESUME;
}

/**
 * lodge_emulate_create() - an emulator for a vCPU
 * @vcpu: new
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_emulate_create(struct lodge_vcpu *vcpu)
{
	vcpu->emul = kvzalloc(sizeof(*vcpu->emul), GFP_KERNEL_ACCOUNT);
	if (!vcpu->emul || lodge_code_create(vcpu))
		return -ENOMEM;	/* lodge_emulate_destroy() is called all the same */
	lodge_emul_init(vcpu->emul, &vcpu->regs, &lodge_emulate_ops, vcpu);
	return 0;
}

/**
 * lodge_emulate_destroy() - undo lodge_emulate_create()
 * @vcpu: going
 */
void lodge_emulate_destroy(struct lodge_vcpu *vcpu)
{
	kvfree(vcpu->code);
	kvfree(vcpu->emul);
	vcpu->code = NULL;
	vcpu->emul = NULL;
}
