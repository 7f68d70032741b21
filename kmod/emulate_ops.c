// SPDX-License-Identifier: GPL-2.0
/*
 * What the instruction emulator asks of a vCPU: memory, devices, registers.
 *
 * Called by emul/ through lodge_emulate_ops, for emulate.c. Next: emul/emul.h.
 */
#include "lodge.h"
#include "trace.h"

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

/* The next element of a REP INS, if the user has given it already. */
static bool emu_ahead_take(struct lodge_vcpu *vcpu, void *data,
			   unsigned int len)
{
	const struct lodge_ahead *a = &vcpu->ahead;
	u64 i = a->rcx - lodge_emul_count(vcpu->emul);

	/* The user may have put another instruction there. */
	if (likely(!a->nr) || vcpu->regs.rip != a->rip || i >= a->nr ||
	    len != a->len)
		return false;
	memcpy(data, vcpu->pio_page + i * len, len);
	return true;
}

static int emu_pio(struct lodge_emul *e, u16 port, void *data,
		   unsigned int len, bool write)
{
	struct lodge_vcpu *vcpu = e->ctx;
	int r;

	if (!write && emu_ahead_take(vcpu, data, len))
		return LODGE_EMUL_OK;
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
	u32 r[4];

	if (lodge_cpuid_faults(e->ctx))
		return emu_gp_if(e, true);
	lodge_cpuid_read(e->ctx, lodge_emul_gpr(e, LODGE_RAX),
			 lodge_emul_gpr(e, LODGE_RCX), r);
	lodge_emul_set_gpr(e, LODGE_RAX, r[0]);
	lodge_emul_set_gpr(e, LODGE_RBX, r[1]);
	lodge_emul_set_gpr(e, LODGE_RCX, r[2]);
	lodge_emul_set_gpr(e, LODGE_RDX, r[3]);
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
	case LODGE_SYS_VMCALL:	/* the code has changed: this exits by itself */
	case LODGE_SYS_VMMCALL:
		return LODGE_EMUL_RETRY;
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

const struct lodge_emul_ops lodge_emulate_ops = {
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
