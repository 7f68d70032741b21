// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET/SET_FPU and KVM_GET/SET_XSAVE: a vCPU's FPU state to the user.
 *
 * Called by the vCPU's ioctls, the vCPU not running. Next: xarea.c.
 */
#include "fpu.h"
#include "lodge.h"

/**
 * lodge_fpu_get() - KVM_GET_FPU
 * @vcpu: whose
 * @f: filled
 *
 * Return: 0.
 */
int lodge_fpu_get(struct lodge_vcpu *vcpu, struct kvm_fpu *f)
{
	const struct lodge_xarea *x = vcpu->fpu.area;

	memset(f, 0, sizeof(*f));
	memcpy(f->fpr, x->fx.st, sizeof(f->fpr));
	memcpy(f->xmm, x->fx.xmm, sizeof(f->xmm));
	f->fcw = x->fx.fcw;
	f->fsw = x->fx.fsw;
	f->ftwx = x->fx.ftw;
	f->last_opcode = x->fx.fop;
	f->last_ip = x->fx.fip;
	f->last_dp = x->fx.fdp;
	f->mxcsr = x->fx.mxcsr;
	return 0;
}

/**
 * lodge_fpu_set() - KVM_SET_FPU
 * @vcpu: whose
 * @f: as the user gave it; its mxcsr is ignored, as KVM does
 *
 * Return: 0.
 */
int lodge_fpu_set(struct lodge_vcpu *vcpu, const struct kvm_fpu *f)
{
	struct lodge_xarea *x = vcpu->fpu.area;

	memcpy(x->fx.st, f->fpr, sizeof(f->fpr));
	memcpy(x->fx.xmm, f->xmm, sizeof(f->xmm));
	x->fx.fcw = f->fcw;
	x->fx.fsw = f->fsw;
	x->fx.ftw = f->ftwx;
	x->fx.fop = f->last_opcode;
	x->fx.fip = f->last_ip;
	x->fx.fdp = f->last_dp;
	x->xstate_bv |= LODGE_XF_X87 | LODGE_XF_SSE;
	return 0;
}

/**
 * lodge_xsave_get() - KVM_GET_XSAVE, KVM_GET_XSAVE2
 * @vcpu: whose
 * @buf: filled, in the standard format
 * @size: its bytes
 *
 * Return: 0, or -EINVAL: the state is larger than @buf.
 */
int lodge_xsave_get(struct lodge_vcpu *vcpu, void *buf, u32 size)
{
	u32 n = lodge_fpu_size();
	struct lodge_xarea *x = buf;

	if (n > size)
		return -EINVAL;
	memcpy(buf, vcpu->fpu.area, n);
	memset(buf + n, 0, size - n);
	/* A host without XSAVE leaves the header alone. */
	if (vcpu->fpu.features == (LODGE_XF_X87 | LODGE_XF_SSE))
		x->xstate_bv = vcpu->fpu.features;
	return 0;
}

/**
 * lodge_xsave_set() - KVM_SET_XSAVE
 * @vcpu: whose
 * @buf: lodge_fpu_size() bytes or more, in the standard format
 *
 * Memory of components that are marked initial is made so: what the area
 * holds is true whether or not the mark is looked at.
 *
 * Return: 0, or -EINVAL: the CPU would not load it.
 */
int lodge_xsave_set(struct lodge_vcpu *vcpu, const void *buf)
{
	const struct lodge_xarea *from = buf;
	struct lodge_xarea *x = vcpu->fpu.area;
	u32 mask = lodge_fpu_mxcsr_mask();
	u64 bv = from->xstate_bv;

	if (!lodge_xarea_valid(from, vcpu->fpu.features, mask))
		return -EINVAL;
	lodge_xarea_init(x, lodge_fpu_size(), mask);
	lodge_xarea_copy(x, from, lodge_fpu_states(), bv);
	return 0;
}
