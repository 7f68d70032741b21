// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's registers to the user and back, and its state after power-on.
 *
 * Called by the vCPU's ioctls, mutex held, the vCPU not running;
 * lodge_vcpu_reset() by creation and by INIT as well. What waits for
 * injection is in state_events.c. Next: state_events.c.
 */
#include "lodge.h"

#define RESET_CS_SEL	0xf000
#define RESET_CS_BASE	0xffff0000
#define RESET_RIP	0xfff0
#define RESET_PAT	0x0007040600070406ULL
#define RESET_DR6	0xffff0ff0ULL
#define RESET_DR7	0x400ULL
#define RESET_CR0	(LODGE_CR0_CD | LODGE_CR0_NW | LODGE_CR0_ET)
#define RESET_EDX	0x600	/* family 6, if CPUID has no leaf 1 */

/* Registers as struct kvm_regs has them, in its order. */
static const u8 state_gpr[] = {
	LODGE_RAX, LODGE_RBX, LODGE_RCX, LODGE_RDX, LODGE_RSI, LODGE_RDI,
	LODGE_RSP, LODGE_RBP, LODGE_R8, LODGE_R9, LODGE_R10, LODGE_R11,
	LODGE_R12, LODGE_R13, LODGE_R14, LODGE_R15,
};

static_assert(offsetof(struct kvm_regs, rip) ==
	      ARRAY_SIZE(state_gpr) * sizeof(u64));

/**
 * lodge_regs_get() - KVM_GET_REGS
 * @vcpu: whose
 * @r: filled
 */
void lodge_regs_get(struct lodge_vcpu *vcpu, struct kvm_regs *r)
{
	__u64 *gpr = &r->rax;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(state_gpr); i++)
		gpr[i] = vcpu->regs.gpr[state_gpr[i]];
	r->rip = vcpu->regs.rip;
	r->rflags = vcpu->regs.rflags;
}

/**
 * lodge_regs_set() - KVM_SET_REGS
 * @vcpu: whose
 * @r: as the user gave them
 *
 * An exception that waits belongs to the instruction that was at RIP: it is
 * forgotten.
 *
 * Return: 0.
 */
int lodge_regs_set(struct lodge_vcpu *vcpu, const struct kvm_regs *r)
{
	const __u64 *gpr = &r->rax;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(state_gpr); i++)
		vcpu->regs.gpr[state_gpr[i]] = gpr[i];
	vcpu->regs.rip = r->rip;
	vcpu->regs.rflags = r->rflags | LODGE_RFLAGS_1;
	/* One whose delivery has begun goes on. */
	if (!vcpu->events.exception_injected) {
		vcpu->events.exception.valid = false;
		vcpu->events.soft_len = 0;
	}
	vcpu->events.has_payload = false;
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
	return 0;
}

static void seg_to_kvm(const struct lodge_seg *s, struct kvm_segment *k)
{
	memset(k, 0, sizeof(*k));
	k->base = s->base;
	k->limit = s->limit;
	k->selector = s->sel;
	k->type = FIELD_GET(LODGE_AR_TYPE, s->ar);
	k->s = !!(s->ar & LODGE_AR_S);
	k->dpl = FIELD_GET(LODGE_AR_DPL, s->ar);
	k->present = !!(s->ar & LODGE_AR_P) && !(s->ar & LODGE_AR_UNUSABLE);
	k->avl = !!(s->ar & LODGE_AR_AVL);
	k->l = !!(s->ar & LODGE_AR_L);
	k->db = !!(s->ar & LODGE_AR_DB);
	k->g = !!(s->ar & LODGE_AR_G);
	k->unusable = !k->present;
}

/* Of what should be a bit only the lowest one counts. */
static void seg_from_kvm(struct lodge_seg *s, const struct kvm_segment *k)
{
	s->base = k->base;
	s->limit = k->limit;
	s->sel = k->selector;
	s->ar = FIELD_PREP(LODGE_AR_TYPE, k->type & 15) |
		FIELD_PREP(LODGE_AR_DPL, k->dpl & 3);
	if (k->s & 1)
		s->ar |= LODGE_AR_S;
	if ((k->present & 1) && !k->unusable)
		s->ar |= LODGE_AR_P;
	if (k->avl & 1)
		s->ar |= LODGE_AR_AVL;
	if (k->l & 1)
		s->ar |= LODGE_AR_L;
	if (k->db & 1)
		s->ar |= LODGE_AR_DB;
	if (k->g & 1)
		s->ar |= LODGE_AR_G;
	if (!(k->present & 1) || k->unusable)
		s->ar |= LODGE_AR_UNUSABLE;
}

/* Segments as struct kvm_sregs has them, in its order. */
static const u8 state_seg[] = {
	LODGE_CS, LODGE_DS, LODGE_ES, LODGE_FS, LODGE_GS, LODGE_SS, LODGE_TR,
	LODGE_LDTR,
};

static_assert(offsetof(struct kvm_sregs, gdt) ==
	      ARRAY_SIZE(state_seg) * sizeof(struct kvm_segment));

/**
 * lodge_sregs_get() - KVM_GET_SREGS
 * @vcpu: whose
 * @s: filled
 */
void lodge_sregs_get(struct lodge_vcpu *vcpu, struct kvm_sregs *s)
{
	const struct lodge_regs *r = lodge_need(vcpu, LODGE_R_ALL);
	const struct lodge_event *ev = &vcpu->events.injected;
	struct kvm_segment *seg = &s->cs;
	u32 i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < ARRAY_SIZE(state_seg); i++)
		seg_to_kvm(&r->seg[state_seg[i]], &seg[i]);
	s->gdt.base = r->gdt.base;
	s->gdt.limit = r->gdt.limit;
	s->idt.base = r->idt.base;
	s->idt.limit = r->idt.limit;
	s->cr0 = r->cr0;
	s->cr2 = r->cr2;
	s->cr3 = r->cr3;
	s->cr4 = r->cr4;
	s->cr8 = lodge_cr_read(vcpu, 8);
	s->efer = r->efer;
	s->apic_base = vcpu->apic ? lodge_lapic_base(vcpu) :
				    vcpu->msr.apic_base;
	if (ev->valid && ev->type == LODGE_EVENT_INTR)
		s->interrupt_bitmap[ev->vector / 64] |=
			BIT_ULL(ev->vector % 64);
	else if (!vcpu->apic && vcpu->events.user_irq >= 0)	/* KVM_INTERRUPT */
		s->interrupt_bitmap[vcpu->events.user_irq / 64] |=
			BIT_ULL(vcpu->events.user_irq % 64);
}

static void sregs_interrupt(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	u32 i, vector;

	for (i = 0; i < ARRAY_SIZE(s->interrupt_bitmap); i++) {
		if (!s->interrupt_bitmap[i])
			continue;
		vector = 64 * i + __ffs(s->interrupt_bitmap[i]);
		if (vcpu->apic)
			vcpu->events.injected = (struct lodge_event){
				.valid = true, .type = LODGE_EVENT_INTR,
				.vector = vector,
			};
		else
			vcpu->events.user_irq = vector;
		lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
		return;
	}
}

static bool state_pae(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & LODGE_CR0_PG) && (cr4 & LODGE_CR4_PAE) &&
	       !(efer & LODGE_EFER_LMA);
}

/* Older VMMs reset the boot CPU without a word about a HLT it was in. */
static bool sregs_restarts(const struct lodge_vcpu *vcpu)
{
	const struct lodge_regs *r = &vcpu->regs;
	const struct lodge_seg *cs = &r->seg[LODGE_CS];

	return vcpu->id == vcpu->vm->boot_id && r->rip == RESET_RIP &&
	       cs->sel == RESET_CS_SEL && cs->base == RESET_CS_BASE &&
	       !(r->cr0 & LODGE_CR0_PE);
}

/* @pdpte: as the user gave them, or NULL: from memory. */
static int sregs_set(struct lodge_vcpu *vcpu, const struct kvm_sregs *s,
		     const u64 *pdpte)
{
	const struct kvm_segment *seg = &s->cs;
	struct lodge_regs *r;
	u32 i;

	if (!lodge_sregs_valid(vcpu, s) ||
	    lodge_lapic_set_base(vcpu, s->apic_base, true))
		return -EINVAL;
	r = lodge_touch(vcpu, LODGE_R_SEGS | LODGE_R_DTABLES | LODGE_R_CRS);
	/* Other code, though RIP be the same: what the user was asked is void. */
	if (unlikely(s->cs.base != r->seg[LODGE_CS].base)) {
		vcpu->complete = NULL;
		vcpu->ahead.nr = 0;
	}
	for (i = 0; i < ARRAY_SIZE(state_seg); i++)
		seg_from_kvm(&r->seg[state_seg[i]], &seg[i]);
	r->gdt.base = s->gdt.base;
	r->gdt.limit = s->gdt.limit;
	r->idt.base = s->idt.base;
	r->idt.limit = s->idt.limit;
	r->cr0 = s->cr0 | LODGE_CR0_ET;
	r->cr2 = s->cr2;
	r->cr3 = s->cr3;
	r->cr4 = s->cr4;
	r->efer = s->efer;
	/* If they can't be had the guest's first access will tell. */
	if (pdpte)
		memcpy(r->pdpte, pdpte, sizeof(r->pdpte));
	else if (state_pae(r->cr0, r->cr4, r->efer))
		lodge_pdptes_load(vcpu, r->cr3);
	lodge_fpu_xcr0_changed(vcpu);
	if (vcpu->apic)
		lodge_lapic_set_cr8(vcpu, s->cr8 & 15);
	else
		r->cr8 = s->cr8 & 15;
	vcpu->dirty |= LODGE_R_TPR;
	lodge_ops->flush_tlb(vcpu);
	sregs_interrupt(vcpu, s);
	if (sregs_restarts(vcpu))
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	return 0;
}

/**
 * lodge_sregs_set() - KVM_SET_SREGS
 * @vcpu: whose
 * @s: as the user gave them
 *
 * Return: 0, or -EINVAL: they can't be together, or in this guest.
 */
int lodge_sregs_set(struct lodge_vcpu *vcpu, const struct kvm_sregs *s)
{
	return sregs_set(vcpu, s, NULL);
}

/* The newer structure is the older one with another end. */
#define SREGS_COMMON	offsetof(struct kvm_sregs2, flags)
static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == SREGS_COMMON);

/**
 * lodge_sregs2_get() - KVM_GET_SREGS2
 * @vcpu: whose
 * @s: filled
 *
 * With PAE paging also its page-directory pointers: the CPU's own, where it
 * keeps them, else what is in memory now.
 */
void lodge_sregs2_get(struct lodge_vcpu *vcpu, struct kvm_sregs2 *s)
{
	const struct lodge_regs *r = &vcpu->regs;
	struct kvm_sregs old;

	lodge_sregs_get(vcpu, &old);
	memset(s, 0, sizeof(*s));
	memcpy(s, &old, SREGS_COMMON);
	if (!state_pae(r->cr0, r->cr4, r->efer))
		return;
	if (!lodge_caps.pdptes && !(vcpu->dirty & LODGE_R_CRS))
		lodge_pdptes_load(vcpu, r->cr3);
	memcpy(s->pdptrs, r->pdpte, sizeof(s->pdptrs));
	s->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
}

/**
 * lodge_sregs2_set() - KVM_SET_SREGS2
 * @vcpu: whose
 * @s: as the user gave them
 *
 * What KVM_INTERRUPT gave is not among them: it stays.
 *
 * Return: 0, or -EINVAL: they can't be together, or in this guest.
 */
int lodge_sregs2_set(struct lodge_vcpu *vcpu, const struct kvm_sregs2 *s)
{
	struct kvm_sregs old = {};
	bool pdptes = s->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;

	if (s->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID ||
	    (pdptes && !state_pae(s->cr0, s->cr4, s->efer)))
		return -EINVAL;
	memcpy(&old, s, SREGS_COMMON);
	return sregs_set(vcpu, &old, pdptes ? s->pdptrs : NULL);
}

/**
 * lodge_translate() - KVM_TRANSLATE
 * @vcpu: whose
 * @t: its linear address is given, the rest filled
 *
 * Return: 0, or -errno: memory that can't be read.
 */
int lodge_translate(struct lodge_vcpu *vcpu, struct kvm_translation *t)
{
	struct lodge_fault fault;
	gpa_t gpa = 0;
	int r;

	lodge_need(vcpu, LODGE_R_SEGS | LODGE_R_CRS);
	r = lodge_guest_walk(vcpu, t->linear_address, 0, &gpa, &fault);
	if (r < 0)
		return r;
	t->physical_address = r ? ~0ULL : gpa;
	t->valid = !r;
	t->writeable = 1;
	t->usermode = 0;
	return 0;
}

/**
 * lodge_debugregs_get() - KVM_GET_DEBUGREGS
 * @vcpu: whose
 * @d: filled
 */
void lodge_debugregs_get(struct lodge_vcpu *vcpu, struct kvm_debugregs *d)
{
	const struct lodge_regs *r = lodge_need(vcpu, LODGE_R_DRS);

	memset(d, 0, sizeof(*d));
	memcpy(d->db, r->dr, sizeof(d->db));
	d->dr6 = r->dr6;
	d->dr7 = r->dr7;
}

/**
 * lodge_debugregs_set() - KVM_SET_DEBUGREGS
 * @vcpu: whose
 * @d: as the user gave them
 *
 * Return: 0 or -EINVAL.
 */
int lodge_debugregs_set(struct lodge_vcpu *vcpu, const struct kvm_debugregs *d)
{
	struct lodge_regs *r;

	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	r = lodge_touch(vcpu, LODGE_R_DRS);
	memcpy(r->dr, d->db, sizeof(r->dr));
	r->dr6 = d->dr6;
	r->dr7 = d->dr7;
	lodge_ops->update_intercepts(vcpu);
	return 0;
}

static void reset_seg(struct lodge_seg *s, u16 sel, u64 base, u32 ar)
{
	*s = (struct lodge_seg){
		.sel = sel, .base = base, .limit = 0xffff, .ar = ar,
	};
}

static void reset_segs(struct lodge_regs *r)
{
	const u32 data = LODGE_AR_P | LODGE_AR_S | 3;	/* RW, accessed */
	const u32 code = LODGE_AR_P | LODGE_AR_S | 11;	/* RX, accessed */
	int i;

	for (i = LODGE_ES; i <= LODGE_GS; i++)
		reset_seg(&r->seg[i], 0, 0, data);
	reset_seg(&r->seg[LODGE_CS], RESET_CS_SEL, RESET_CS_BASE, code);
	reset_seg(&r->seg[LODGE_LDTR], 0, 0, LODGE_AR_P | 2);
	reset_seg(&r->seg[LODGE_TR], 0, 0, LODGE_AR_P | 11);
	r->gdt = (struct lodge_dtable){ .limit = 0xffff };
	r->idt = (struct lodge_dtable){ .limit = 0xffff };
}

/* What power-on clears and INIT leaves alone. */
static void reset_power_on(struct lodge_vcpu *vcpu)
{
	struct lodge_regs *r = &vcpu->regs;

	r->star = 0;
	r->lstar = 0;
	r->cstar = 0;
	r->sfmask = 0;
	r->kernel_gs_base = 0;
	r->sysenter_cs = 0;
	r->sysenter_esp = 0;
	r->sysenter_eip = 0;
	r->pat = RESET_PAT;
	r->tsc_aux = 0;
	lodge_cpuid_reset(vcpu);
	lodge_msr_reset(vcpu);
}

/**
 * lodge_vcpu_reset() - power-on or INIT
 * @vcpu: not running; its APIC, if any, has been created
 * @init: INIT, which leaves FPU, MSRs and caches alone
 *
 * Intel manual: "Processor State After Reset".
 */
void lodge_vcpu_reset(struct lodge_vcpu *vcpu, bool init)
{
	const u64 cache = LODGE_CR0_CD | LODGE_CR0_NW;
	struct lodge_regs *r = &vcpu->regs;
	u32 id[4];
	u64 cr0 = RESET_CR0;
	int user_irq;

	if (init) {
		lodge_need(vcpu, LODGE_R_ALL);
		cr0 = (r->cr0 & cache) | LODGE_CR0_ET;
	}
	vcpu->avail = LODGE_R_ALL;
	vcpu->dirty = LODGE_R_ALL | LODGE_R_TPR;
	vcpu->complete = NULL;
	vcpu->ahead.nr = 0;
	atomic_set(&vcpu->nmi_queued, 0);

	memset(r->gpr, 0, sizeof(r->gpr));
	r->rip = RESET_RIP;
	r->rflags = LODGE_RFLAGS_1;
	reset_segs(r);
	r->cr0 = cr0;
	r->cr2 = 0;
	r->cr3 = 0;
	r->cr4 = 0;
	r->cr8 = 0;
	r->efer = 0;
	memset(r->dr, 0, sizeof(r->dr));
	r->dr6 = RESET_DR6;
	r->dr7 = RESET_DR7;
	r->shadow = 0;
	r->nmi_blocked = 0;
	if (!init)
		reset_power_on(vcpu);
	lodge_fpu_reset(vcpu, init);

	lodge_cpuid_read(vcpu, 1, 0, id);
	r->gpr[LODGE_RDX] = id[0] ?: RESET_EDX;

	/* INIT leaves what the user's PIC has been told is taken. */
	user_irq = init && vcpu->apic ? vcpu->events.user_irq : -1;
	memset(&vcpu->events, 0, sizeof(vcpu->events));
	vcpu->events.user_irq = user_irq;
	lodge_pv_reset(vcpu);
	if (vcpu->apic)
		lodge_lapic_reset(vcpu, init);
	lodge_ops->vcpu_reset(vcpu);
	lodge_ops->flush_tlb(vcpu);
}
