// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator's view of a vCPU: its operations, and what its
 * results mean to the loop.
 *
 * exit.c comes here for accesses to memory that is none, for string I/O, and
 * for operands the hardware does not tell. Next: emul/emul.h.
 */
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "lodge.h"
#include "trace.h"

/* What an instruction may look at in struct lodge_regs itself. */
#define EMU_GROUPS	(LODGE_R_SEGS | LODGE_R_CRS | LODGE_R_DTABLES | \
			 LODGE_R_SHADOW)

/* What runs in the bracket and would have to sleep is done again outside. */
static int emu_result(struct lodge_vcpu *vcpu, int r)
{
	if (r == -EAGAIN && !vcpu->emul_may_sleep)
		vcpu->emul_slow = true;
	return LODGE_EMUL_RETRY;
}

static int emu_translate(struct lodge_emul *e, gva_t la, unsigned int access,
			 gpa_t *gpa)
{
	struct lodge_vcpu *vcpu = e->ctx;
	struct lodge_fault fault;
	u32 walk = 0;
	int r;

	if (access & LODGE_ACCESS_WRITE)
		walk |= LODGE_PF_W;
	if (access & LODGE_ACCESS_FETCH)
		walk |= LODGE_PF_I;
	if (access & LODGE_ACCESS_USER)
		walk |= LODGE_PF_U;
	if (access & LODGE_ACCESS_IMPLICIT)
		walk |= LODGE_WALK_IMPLICIT;
	if (!vcpu->emul_may_sleep)
		walk |= LODGE_WALK_ATOMIC;
	r = lodge_guest_walk(vcpu, la, walk, gpa, &fault);
	if (!r)
		return LODGE_EMUL_OK;
	if (r < 0)
		return emu_result(vcpu, r);
	e->fault = (struct lodge_emul_fault){
		.vector = fault.vector, .error = fault.error,
		.has_error = fault.has_error, .cr2 = fault.cr2,
	};
	return LODGE_EMUL_FAULT;
}

static int emu_memory(struct lodge_vcpu *vcpu, int r)
{
	if (!r)
		return LODGE_EMUL_OK;
	return r == -EFAULT ? LODGE_EMUL_IO : emu_result(vcpu, r);
}

static int emu_read(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len)
{
	struct lodge_vcpu *vcpu = e->ctx;

	if (vcpu->emul_may_sleep)
		return emu_memory(vcpu, lodge_gpa_read(vcpu->vm, gpa, data,
						       len));
	return emu_memory(vcpu, lodge_gpa_read_atomic(vcpu->vm, gpa, data,
						      len));
}

static int emu_write(struct lodge_emul *e, gpa_t gpa, const void *data,
		     unsigned int len)
{
	struct lodge_vcpu *vcpu = e->ctx;

	if (vcpu->emul_may_sleep)
		return emu_memory(vcpu, lodge_gpa_write(vcpu->vm, gpa, data,
							len));
	return emu_memory(vcpu, lodge_gpa_write_atomic(vcpu->vm, gpa, data,
						       len));
}

static int emu_cmpxchg(struct lodge_emul *e, gpa_t gpa, const void *old,
		       const void *new, unsigned int len)
{
	struct lodge_vcpu *vcpu = e->ctx;
	u8 was[16];
	int r;

	memcpy(was, old, len);
	if (vcpu->emul_may_sleep)
		r = lodge_gpa_cmpxchg(vcpu->vm, gpa, was, new, len);
	else
		r = lodge_gpa_cmpxchg_atomic(vcpu->vm, gpa, was, new, len);
	return r > 0 ? LODGE_EMUL_RETRY : emu_memory(vcpu, r);
}

/* At most 8 bytes, as a number: for traces. */
static u64 __maybe_unused emu_value(const void *data, unsigned int len)
{
	u64 v = 0;

	memcpy(&v, data, min_t(unsigned int, len, sizeof(v)));
	return v;
}

static int emu_mmio(struct lodge_emul *e, gpa_t gpa, void *data,
		    unsigned int len, bool write)
{
	struct lodge_vcpu *vcpu = e->ctx;
	int r;

	if (vcpu->apic && lodge_lapic_mmio(vcpu, gpa, len, data, write))
		return LODGE_EMUL_OK;
	if (write)
		r = lodge_bus_write(vcpu, LODGE_BUS_MMIO, gpa, len, data);
	else
		r = lodge_bus_read(vcpu, LODGE_BUS_MMIO, gpa, len, data);
	trace_lodge_mmio(write ? 2 : !r, len, gpa, emu_value(data, len));
	return r ? LODGE_EMUL_IO : LODGE_EMUL_OK;
}

static int emu_pio(struct lodge_emul *e, u16 port, void *data,
		   unsigned int len, bool write)
{
	struct lodge_vcpu *vcpu = e->ctx;
	int r;

	if (write)
		r = lodge_bus_write(vcpu, LODGE_BUS_PIO, port, len, data);
	else
		r = lodge_bus_read(vcpu, LODGE_BUS_PIO, port, len, data);
	return r ? LODGE_EMUL_IO : LODGE_EMUL_OK;
}

static int emu_gp_if(struct lodge_emul *e, int fails)
{
	return fails ? lodge_emul_raise_code(e, LODGE_GP, 0) : LODGE_EMUL_OK;
}

static int emu_cr_read(struct lodge_emul *e, unsigned int nr, u64 *val)
{
	*val = lodge_cr_read(e->ctx, nr);
	return LODGE_EMUL_OK;
}

static int emu_cr_write(struct lodge_emul *e, unsigned int nr, u64 val)
{
	int r = lodge_cr_write(e->ctx, nr, val);

	/* PDPTEs that can't be read here */
	return r < 0 ? emu_memory(e->ctx, r) : emu_gp_if(e, r);
}

static int emu_dr(struct lodge_emul *e, int vector)
{
	if (!vector)
		return LODGE_EMUL_OK;
	if (vector == LODGE_GP)
		return lodge_emul_raise_code(e, vector, 0);
	return lodge_emul_raise(e, vector);
}

static int emu_dr_read(struct lodge_emul *e, unsigned int nr, u64 *val)
{
	return emu_dr(e, lodge_dr_read(e->ctx, nr, val));
}

static int emu_dr_write(struct lodge_emul *e, unsigned int nr, u64 val)
{
	return emu_dr(e, lodge_dr_write(e->ctx, nr, val));
}

static int emu_msr_read(struct lodge_emul *e, u32 index, u64 *val)
{
	return emu_gp_if(e, lodge_msr_read(e->ctx, index, val, false));
}

static int emu_msr_write(struct lodge_emul *e, u32 index, u64 val)
{
	return emu_gp_if(e, lodge_msr_write(e->ctx, index, val, false));
}

static int emu_cpuid(struct lodge_emul *e)
{
	u32 eax = lodge_emul_gpr(e, LODGE_RAX), ebx;
	u32 ecx = lodge_emul_gpr(e, LODGE_RCX), edx;

	lodge_cpuid_read(e->ctx, &eax, &ebx, &ecx, &edx);
	lodge_emul_set_gpr(e, LODGE_RAX, eax);
	lodge_emul_set_gpr(e, LODGE_RBX, ebx);
	lodge_emul_set_gpr(e, LODGE_RCX, ecx);
	lodge_emul_set_gpr(e, LODGE_RDX, edx);
	return LODGE_EMUL_OK;
}

/*
 * Instructions that change nothing here, or nothing that nested paging does
 * not do by itself. All others have exits of their own and never come.
 */
static int emu_system(struct lodge_emul *e, enum lodge_emul_system what,
		      u64 arg)
{
	struct lodge_vcpu *vcpu = e->ctx;

	switch (what) {
	case LODGE_SYS_PAUSE:
	case LODGE_SYS_INVD:
	case LODGE_SYS_WBINVD:
	case LODGE_SYS_CLFLUSH:
		return LODGE_EMUL_OK;
	case LODGE_SYS_INVLPG:
		lodge_ops->flush_tlb(vcpu);
		return LODGE_EMUL_OK;
	case LODGE_SYS_CPUID:
		return emu_cpuid(e);
	case LODGE_SYS_VMCALL:		/* the other vendor's word for it */
	case LODGE_SYS_VMMCALL:
		return lodge_hypercall(vcpu) == LODGE_RESUME ?
			LODGE_EMUL_OK : LODGE_EMUL_UNHANDLED;
	default:
		return LODGE_EMUL_UNHANDLED;
	}
}

/* The FPU state is in its area only outside the bracket. */
static int emu_xmm_read(struct lodge_emul *e, unsigned int nr, void *data)
{
	struct lodge_vcpu *vcpu = e->ctx;

	if (!vcpu->emul_may_sleep)
		return emu_result(vcpu, -EAGAIN);
	memcpy(data, lodge_fpu_xmm(vcpu, nr), 16);
	return LODGE_EMUL_OK;
}

static int emu_xmm_write(struct lodge_emul *e, unsigned int nr,
			 const void *data)
{
	struct lodge_vcpu *vcpu = e->ctx;

	if (!vcpu->emul_may_sleep)
		return emu_result(vcpu, -EAGAIN);
	memcpy(lodge_fpu_xmm(vcpu, nr), data, 16);
	return LODGE_EMUL_OK;
}

static const struct lodge_emul_ops emu_ops = {
	.translate = emu_translate,
	.read = emu_read,
	.write = emu_write,
	.cmpxchg = emu_cmpxchg,
	.mmio = emu_mmio,
	.pio = emu_pio,
	.cr_read = emu_cr_read,
	.cr_write = emu_cr_write,
	.dr_read = emu_dr_read,
	.dr_write = emu_dr_write,
	.msr_read = emu_msr_read,
	.msr_write = emu_msr_write,
	.system = emu_system,
	.xmm_read = emu_xmm_read,
	.xmm_write = emu_xmm_write,
};

/* The instruction is not known: the user is told, and so is the guest. */
static int emu_unhandled(struct lodge_vcpu *vcpu)
{
	const struct lodge_insn *insn = &vcpu->emul->insn;
	struct kvm_run *run = vcpu->run;

	pr_warn_ratelimited("lodge: vCPU %u: instruction can't be emulated at RIP 0x%llx: %*ph\n",
			    vcpu->id, vcpu->regs.rip, insn->have, insn->bytes);
	lodge_exception_queue(vcpu, LODGE_UD, false, 0);
	if (lodge_regs_cpl(&vcpu->regs))
		return LODGE_RESUME;
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags =
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = min_t(u8, insn->have,
		sizeof(run->emulation_failure.insn_bytes));
	memset(run->emulation_failure.insn_bytes, 0x90,
	       sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, insn->bytes,
	       run->emulation_failure.insn_size);
	return LODGE_TO_USER;
}

static int emu_step(struct lodge_vcpu *vcpu);

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
	lodge_need(vcpu, EMU_GROUPS);
	vcpu->emul_completing = true;
	r = emu_step(vcpu);
	vcpu->emul_completing = false;
	return r;
}

static int emu_to_user(struct lodge_vcpu *vcpu)
{
	const struct lodge_emul_io *io = &vcpu->emul->io;
	struct kvm_run *run = vcpu->run;

	if (io->kind == LODGE_IO_MMIO) {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.phys_addr = io->addr;
		run->mmio.len = io->len;
		run->mmio.is_write = io->write;
		memset(run->mmio.data, 0, sizeof(run->mmio.data));
		if (io->write)
			memcpy(run->mmio.data, io->data, io->len);
	} else {
		run->exit_reason = KVM_EXIT_IO;
		run->io.direction = io->write ? KVM_EXIT_IO_OUT :
						KVM_EXIT_IO_IN;
		run->io.size = io->len;
		run->io.port = io->addr;
		run->io.count = 1;
		run->io.data_offset = PAGE_SIZE;
		if (io->write)
			memcpy(vcpu->pio_page, io->data, io->len);
	}
	vcpu->complete = emu_complete;
	return LODGE_TO_USER;
}

static void emu_fault(struct lodge_vcpu *vcpu)
{
	const struct lodge_emul_fault *f = &vcpu->emul->fault;

	if (f->kind != LODGE_FAULT_EXCEPTION) {
		/* What the instruction raises returns to the one after it. */
		vcpu->regs.rip += vcpu->emul->insn.len;
		vcpu->events.injected = (struct lodge_event){
			.valid = true, .vector = f->vector,
			.type = f->kind == LODGE_FAULT_SOFT_INT ?
				LODGE_EVENT_SOFT_INTR : LODGE_EVENT_EXCEPTION,
		};
	} else if (f->vector == LODGE_PF) {
		lodge_page_fault_queue(vcpu, f->error, f->cr2);
	} else {
		lodge_exception_queue(vcpu, f->vector, f->has_error, f->error);
	}
}

/* Execute what has been decoded; a verdict. */
static int emu_step(struct lodge_vcpu *vcpu)
{
	struct lodge_emul *e = vcpu->emul;

	switch (lodge_emul_execute(e)) {
	case LODGE_EMUL_OK:
		vcpu->dirty |= e->changed;
		if (e->trap_db) {
			lodge_touch(vcpu, LODGE_R_DRS)->dr6 |= BIT_ULL(14);
			lodge_exception_queue(vcpu, LODGE_DB, false, 0);
		}
		return LODGE_RESUME;
	case LODGE_EMUL_FAULT:
		emu_fault(vcpu);
		return LODGE_RESUME;
	case LODGE_EMUL_IO:
		if (vcpu->emul_completing && !e->log.nr &&
		    READ_ONCE(vcpu->run->immediate_exit))
			return LODGE_RESUME;
		return emu_to_user(vcpu);
	case LODGE_EMUL_RETRY:
		return vcpu->emul_slow ? LODGE_SLOW : LODGE_RESUME;
	default:
		return emu_unhandled(vcpu);
	}
}

static int emu_decode(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		      bool may_sleep)
{
	vcpu->emul_may_sleep = may_sleep;
	vcpu->emul_slow = false;
	lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);
	return lodge_emul_decode(vcpu->emul, exit->insn, exit->insn_nr);
}

/* Decoding did not come to its end; a verdict. */
static int emu_undecoded(struct lodge_vcpu *vcpu, int r)
{
	if (r == LODGE_EMUL_FAULT) {
		emu_fault(vcpu);
		return LODGE_RESUME;
	}
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
	int r = emu_decode(vcpu, exit, may_sleep);

	if (r != LODGE_EMUL_OK)
		return emu_undecoded(vcpu, r);
	lodge_need(vcpu, EMU_GROUPS);
	return emu_step(vcpu);
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
	     !memcmp(insn->bytes, vmmcall, sizeof(vmmcall)))) {
		lodge_need(vcpu, EMU_GROUPS);
		return emu_step(vcpu);
	}
	lodge_exception_queue(vcpu, LODGE_UD, false, 0);
	return LODGE_RESUME;
}

/* What the code at RIP is, without decoding it all; 0: decode it. */
static unsigned int emu_fixed_length(struct lodge_vcpu *vcpu)
{
	struct lodge_regs *r = lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS);
	u32 walk = LODGE_PF_I | LODGE_WALK_ATOMIC;
	struct lodge_fault fault;
	u8 bytes[4];
	gva_t gva;
	gpa_t gpa;

	gva = r->rip;
	if (!lodge_regs_long64(r))
		gva = (u32)(r->seg[LODGE_CS].base + gva);
	if (lodge_regs_cpl(r) == 3)
		walk |= LODGE_PF_U;
	if (offset_in_page(gva) > PAGE_SIZE - sizeof(bytes) ||
	    lodge_guest_walk(vcpu, gva, walk, &gpa, &fault) ||
	    lodge_gpa_read_atomic(vcpu->vm, gpa, bytes, sizeof(bytes)))
		return 0;
	return lodge_insn_length_fixed(bytes);
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
	int r;

	vcpu->emul_may_sleep = may_sleep;
	if (!exit->insn_len)
		exit->insn_len = emu_fixed_length(vcpu);
	if (!exit->insn_len) {
		r = emu_decode(vcpu, exit, may_sleep);
		if (r != LODGE_EMUL_OK)
			return emu_undecoded(vcpu, r);
		exit->insn_len = vcpu->emul->insn.len;
	}
	exit->next_rip = vcpu->regs.rip + exit->insn_len;
	if (!lodge_regs_long64(lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS)))
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
	if (!vcpu->emul)
		return -ENOMEM;
	lodge_emul_init(vcpu->emul, &vcpu->regs, &emu_ops, vcpu);
	return 0;
}

/**
 * lodge_emulate_destroy() - undo lodge_emulate_create()
 * @vcpu: going
 */
void lodge_emulate_destroy(struct lodge_vcpu *vcpu)
{
	kvfree(vcpu->emul);
	vcpu->emul = NULL;
}
