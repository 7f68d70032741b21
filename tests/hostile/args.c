// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments of the ioctls for the fuzzer: what each command takes, with enough
 * sense in it to get past the first checks, and enough nonsense to be wrong
 * after them. Called by calls.c; read guest.c next.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"
#include "kvm_more.h"

static const uint64_t physical[] = {
	0, 0, 0, 0x1000, 0xa0000, 0x100000, 0x200000, 0x40000000, 0xfec00000,
	0xfee00000, 0xfffff000, 0x100000000, 0xffff000000, 0xfffffff000,
	0xfffffffffffff000,
};

static void make_region(struct thread *t, void *at)
{
	struct kvm_userspace_memory_region *m = at;
	static const uint64_t sizes[] = {
		0, 0, 0x1000, 0x10000, 0x20000, 0xa0000, GUEST_SIZE, GUEST_SIZE,
		GUEST_SIZE, 0x40000000,
	};
	struct rng *r = &t->rng;

	m->slot = below(r, 6);
	m->flags = one_in(r, 2) ? 0 : below(r, 4);
	m->guest_phys_addr = pick(r, physical);
	m->memory_size = pick(r, sizes);
	m->userspace_addr = place_address(t);
	/* What is huge costs the host the memory of its log. */
	if (one_in(r, 64))
		m->memory_size = odd(r);
	if (one_in(r, 32))
		m->slot = odd(r);
	if (one_in(r, 32))
		m->guest_phys_addr = odd(r);
	if (one_in(r, 64))
		m->flags = odd(r);
}

static void make_msrs(struct thread *t, void *at)
{
	struct kvm_msrs *m = at;
	struct rng *r = &t->rng;

	m->nmsrs = 1 + below(r, 8);
	for (uint32_t i = 0; i < m->nmsrs; i++) {
		m->entries[i].index = msr_any(r);
		m->entries[i].data = msr_value(r, m->entries[i].index);
	}
	if (one_in(r, 32))
		m->nmsrs = odd(r);
}

static void make_cpuid2(struct thread *t, void *at)
{
	struct kvm_cpuid2 *c = at;
	struct rng *r = &t->rng;
	uint32_t bits = below(r, 8);

	c->nent = 128;
	if (one_in(r, 8) || ioctl(t->world->dev, KVM_GET_SUPPORTED_CPUID, c)) {
		c->nent = below(r, 64);
		scribble(r, c->entries, c->nent * sizeof(c->entries[0]));
	}
	while (bits-- && c->nent) {
		uint32_t *e = (uint32_t *)&c->entries[below(r, c->nent)];

		e[below(r, 7)] ^= 1u << below(r, 32);
	}
	if (one_in(r, 32))
		c->nent = odd(r);
}

static void make_cpuid(struct thread *t, void *at)
{
	struct kvm_cpuid *c = at;

	c->nent = below(&t->rng, 40);
	scribble(&t->rng, c->entries, c->nent * sizeof(c->entries[0]));
	for (uint32_t i = 0; i < c->nent; i++)
		c->entries[i].function = below(&t->rng, 32) |
			(one_in(&t->rng, 3) ? 0x80000000 : 0);
	if (one_in(&t->rng, 32))
		c->nent = odd(&t->rng);
}

static int other(struct thread *t)
{
	return one_in(&t->rng, 32) ? (int)odd(&t->rng) :
	       t->world->others[below(&t->rng, OTHERS)];
}

static uint32_t gsi(struct rng *r)
{
	return one_in(r, 16) ? odd(r) : below(r, 26);
}

static void make_irqfd(struct thread *t, void *at)
{
	struct kvm_irqfd *f = at;

	*f = (struct kvm_irqfd) {
		.fd = other(t), .gsi = gsi(&t->rng),
		.flags = one_in(&t->rng, 16) ? odd(&t->rng) :
			 below(&t->rng, 4),
		.resamplefd = other(t),
	};
}

/* A port, or an address, that code.c has guests write to. */
static uint64_t device_at(struct rng *r, bool port)
{
	static const uint64_t chips[] = { 0xd0000, 0xd0000000, 0xa0000 };

	if (one_in(r, 8))
		return odd(r);
	return port ? below(r, 3) * 0x70 :
		      pick(r, chips) + (below(r, 0x40) << 4);
}

static void make_zone(struct thread *t, void *at)
{
	struct kvm_coalesced_mmio_zone *z = at;
	struct rng *r = &t->rng;

	z->pio = one_in(r, 16) ? odd(r) : below(r, 2);
	z->addr = device_at(r, z->pio);
	z->size = one_in(r, 8) ? odd(r) : 1u << below(r, 13);
}

static void make_ioeventfd(struct thread *t, void *at)
{
	struct kvm_ioeventfd *f = at;
	struct rng *r = &t->rng;

	*f = (struct kvm_ioeventfd) {
		.len = one_in(r, 8) ? odd(r) : 1u << below(r, 4),
		.datamatch = below(r, 3), .fd = other(t),
		.flags = one_in(r, 16) ? odd(r) : below(r, 8),
	};
	f->addr = device_at(r, f->flags & KVM_IOEVENTFD_FLAG_PIO);
	if (one_in(r, 4))
		f->len = 0;
}

/* An IOAPIC whose pins go to vCPUs, half of them by level. */
static void make_irqchip(struct thread *t, void *at)
{
	struct kvm_irqchip *c = at;
	struct rng *r = &t->rng;

	c->chip_id = KVM_IRQCHIP_IOAPIC;
	c->chip.ioapic.base_address = 0xfec00000;
	for (unsigned int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		c->chip.ioapic.redirtbl[i].bits = (0x10 + below(r, 0xf0)) |
			(one_in(r, 2) ? 0x8000 : 0) |
			(one_in(r, 8) ? rnd(r) & 0x12f00 : 0) |
			(uint64_t)below(r, VCPUS) << 56;
}

static void lapic_put(struct kvm_lapic_state *s, unsigned int reg, uint32_t v)
{
	memcpy(s->regs + reg, &v, sizeof(v));
}

/* A local APIC that takes interrupts, and whose timer runs. */
static void make_lapic(struct thread *t, void *at)
{
	struct rng *r = &t->rng;

	if (ioctl(t->world->vcpu[below(r, VCPUS)], KVM_GET_LAPIC, at))
		return;
	lapic_put(at, 0x80, one_in(r, 4) ? below(r, 256) : 0);
	lapic_put(at, 0xf0, 0x100 | below(r, 256));
	lapic_put(at, 0x320, (0x10 + below(r, 0xf0)) | below(r, 3) << 17);
	lapic_put(at, 0x350, one_in(r, 2) ? 0x700 : 0x8000 | below(r, 256));
	lapic_put(at, 0x380, 1u << below(r, 24));
}

static void make_routing(struct thread *t, void *at)
{
	struct kvm_irq_routing *g = at;
	struct rng *r = &t->rng;

	g->nr = below(r, 48);
	g->flags = one_in(r, 32) ? odd(r) : 0;
	for (uint32_t i = 0; i < g->nr; i++) {
		struct kvm_irq_routing_entry *e = &g->entries[i];

		e->gsi = gsi(r);
		e->type = 1 + below(r, one_in(r, 8) ? 6 : 2);
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = below(r, 3);
			e->u.irqchip.pin = below(r, 25);
		} else {
			e->u.msi.address_lo = 0xfee00000 | (rnd(r) & 0xff01c);
			e->u.msi.data = rnd(r) & 0xcfff;
			if (one_in(r, 8))
				scribble(r, &e->u, sizeof(e->u));
		}
	}
	if (one_in(r, 32))
		g->nr = odd(r);
}

static void make_filter(struct thread *t, void *at)
{
	struct kvm_msr_filter *f = at;
	struct rng *r = &t->rng;

	f->flags = one_in(r, 16) ? odd(r) : below(r, 2);
	for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		struct kvm_msr_filter_range *range = &f->ranges[i];

		if (one_in(r, 2))
			continue;
		range->flags = 1 + below(r, one_in(r, 16) ? 16 : 3);
		range->nmsrs = one_in(r, 16) ? odd(r) : 1 + below(r, 0x100);
		range->base = msr_any(r);
		range->bitmap = t->buffer + below(r, BUFFER / 2);
		if (one_in(r, 8))
			range->bitmap = (void *)place_address(t);
	}
}

static void make_enable_cap(struct thread *t, void *at)
{
	static const uint32_t caps[] = {
		KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_MAX_VCPU_ID, KVM_CAP_X2APIC_API,
		KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_CAP_DIRTY_LOG_RING,
		KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_EXIT_ON_EMULATION_FAILURE,
		KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_X86_TRIPLE_FAULT_EVENT,
		KVM_CAP_ENFORCE_PV_FEATURE_CPUID, KVM_CAP_EXIT_HYPERCALL,
	};
	struct kvm_enable_cap *e = at;

	e->cap = one_in(&t->rng, 16) ? odd(&t->rng) : pick(&t->rng, caps);
	e->args[0] = one_in(&t->rng, 2) ? below(&t->rng, 8) : odd(&t->rng);
	if (e->cap == KVM_CAP_DIRTY_LOG_RING && !one_in(&t->rng, 4))
		e->args[0] = 0x1000 << below(&t->rng, 5);
	if (e->cap == KVM_CAP_EXIT_HYPERCALL && !one_in(&t->rng, 4))
		e->args[0] = 1 << KVM_HC_MAP_GPA_RANGE;
	e->flags = one_in(&t->rng, 32) ? odd(&t->rng) : 0;
}

static void make_dirty_log(struct thread *t, void *at)
{
	struct kvm_dirty_log *log = at;

	log->slot = below(&t->rng, 6);
	log->dirty_bitmap = place_any(t, t->buffer, 0x1000);
}

static void make_clear_log(struct thread *t, void *at)
{
	struct kvm_clear_dirty_log *log = at;

	log->slot = below(&t->rng, 6);
	log->first_page = one_in(&t->rng, 8) ? odd(&t->rng) :
			  below(&t->rng, 8) * 64;
	log->num_pages = one_in(&t->rng, 8) ? odd(&t->rng) :
			 below(&t->rng, 8) * 64;
	log->dirty_bitmap = place_any(t, t->buffer, 0x1000);
}

static void make_signal_mask(struct thread *t, void *at)
{
	struct kvm_signal_mask *m = at;
	uint64_t set = one_in(&t->rng, 16) ? odd(&t->rng) : 0;

	m->len = one_in(&t->rng, 8) ? odd(&t->rng) : 8;
	memcpy(m->sigset, &set, 8);
}

static void make_attr(struct thread *t, void *at)
{
	struct kvm_device_attr *a = at;

	memset(a, 0, sizeof(*a));
	a->attr = one_in(&t->rng, 8) ? odd(&t->rng) : 0;
	a->group = one_in(&t->rng, 8) ? odd(&t->rng) : 0;
	a->addr = (uintptr_t)place_any(t, t->buffer, 8);
}

static void make_prefault(struct thread *t, void *at)
{
	struct kvm_pre_fault_memory *m = at;

	memset(m, 0, sizeof(*m));
	m->gpa = pick(&t->rng, physical);
	m->size = one_in(&t->rng, 8) ? odd(&t->rng) :
		  (uint64_t)below(&t->rng, 0x200) << 12;
}

static void make_line(struct thread *t, void *at)
{
	struct kvm_irq_level *l = at;

	l->irq = gsi(&t->rng);
	l->level = below(&t->rng, 3);
}

static void make_msi(struct thread *t, void *at)
{
	struct kvm_msi *m = at;

	memset(m, 0, sizeof(*m));
	m->address_lo = 0xfee00000 | (rnd(&t->rng) & 0xff01c);
	m->data = rnd(&t->rng) & 0xcfff;
	if (one_in(&t->rng, 8))
		scribble(&t->rng, m, sizeof(*m));
}

static void make_sregs(struct thread *t, void *at)
{
	guest_sregs(&t->rng, at);
}

static void make_regs(struct thread *t, void *at)
{
	guest_regs(&t->rng, at);
}

static void make_small(struct thread *t, void *at)
{
	*(uint32_t *)at = one_in(&t->rng, 8) ? odd(&t->rng) : below(&t->rng, 10);
}

static void make_interrupt(struct thread *t, void *at)
{
	*(uint32_t *)at = below(&t->rng, one_in(&t->rng, 16) ? 300 : 256);
}

static void make_list(struct thread *t, void *at)
{
	*(uint32_t *)at = one_in(&t->rng, 8) ? odd(&t->rng) :
			  below(&t->rng, 500);
}

static const struct {
	unsigned long cmd;
	unsigned long get;	/* makes a good one, to be spoilt */
	void (*make)(struct thread *t, void *at);
} makers[] = {
	{ KVM_SET_USER_MEMORY_REGION, 0, make_region },
	{ KVM_SET_USER_MEMORY_REGION2, 0, make_region },
	{ KVM_GET_MSRS, 0, make_msrs }, { KVM_SET_MSRS, 0, make_msrs },
	{ KVM_SET_CPUID2, 0, make_cpuid2 }, { KVM_SET_CPUID, 0, make_cpuid },
	{ KVM_GET_CPUID2, 0, make_list },
	{ KVM_GET_SUPPORTED_CPUID, 0, make_list },
	{ KVM_GET_MSR_INDEX_LIST, 0, make_list },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, 0, make_list },
	{ KVM_IRQFD, 0, make_irqfd }, { KVM_IOEVENTFD, 0, make_ioeventfd },
	{ KVM_SET_GSI_ROUTING, 0, make_routing },
	{ KVM_X86_SET_MSR_FILTER, 0, make_filter },
	{ KVM_ENABLE_CAP, 0, make_enable_cap },
	{ KVM_GET_DIRTY_LOG, 0, make_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, 0, make_clear_log },
	{ KVM_SET_SIGNAL_MASK, 0, make_signal_mask },
	{ KVM_SET_DEVICE_ATTR, 0, make_attr },
	{ KVM_GET_DEVICE_ATTR, 0, make_attr },
	{ KVM_HAS_DEVICE_ATTR, 0, make_attr },
	{ KVM_PRE_FAULT_MEMORY, 0, make_prefault },
	{ KVM_IRQ_LINE, 0, make_line }, { KVM_IRQ_LINE_STATUS, 0, make_line },
	{ KVM_SIGNAL_MSI, 0, make_msi }, { KVM_SET_MP_STATE, 0, make_small },
	{ KVM_GET_IRQCHIP, 0, make_small }, { KVM_INTERRUPT, 0, make_interrupt },
	{ KVM_SET_SREGS, KVM_GET_SREGS, make_sregs },
	{ KVM_SET_SREGS2, KVM_GET_SREGS2, NULL },
	{ KVM_SET_REGS, KVM_GET_REGS, make_regs },
	{ KVM_SET_FPU, KVM_GET_FPU, NULL },
	{ KVM_SET_XSAVE, KVM_GET_XSAVE, NULL },
	{ KVM_SET_XCRS, KVM_GET_XCRS, NULL },
	{ KVM_REGISTER_COALESCED_MMIO, 0, make_zone },
	{ KVM_UNREGISTER_COALESCED_MMIO, 0, make_zone },
	{ KVM_SET_LAPIC, KVM_GET_LAPIC, make_lapic },
	{ KVM_SET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS, NULL },
	{ KVM_SET_DEBUGREGS, KVM_GET_DEBUGREGS, NULL },
	{ KVM_SET_PIT2, KVM_GET_PIT2, NULL }, { KVM_SET_PIT, KVM_GET_PIT, NULL },
	{ KVM_SET_CLOCK, KVM_GET_CLOCK, NULL },
	{ KVM_SET_IRQCHIP, KVM_GET_IRQCHIP, make_irqchip },
};

/* A few bits of a good state are others. */
static void spoil(struct rng *r, uint8_t *at, size_t size)
{
	for (uint32_t n = below(r, 5); n; n--) {
		uint32_t i = below(r, one_in(r, 2) && size > 64 ? 64 : size);

		if (one_in(r, 3))
			at[i] = rnd(r);
		else
			at[i] ^= 1 << below(r, 8);
	}
}

void arg_make(struct thread *t, unsigned long cmd, int fd, uint8_t *at)
{
	size_t size = _IOC_SIZE(cmd);
	uint8_t *whole = at == t->buffer ? at : NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(makers) && makers[i].cmd != cmd; i++)
		;
	/* Without room behind there is none for arrays. */
	if (i < ARRAY_SIZE(makers) && whole && !one_in(&t->rng, 16)) {
		unsigned long get = makers[i].get;

		memset(at, 0, size);
		if (get == KVM_GET_IRQCHIP)
			*at = below(&t->rng, 3);
		if (get && (!makers[i].make || one_in(&t->rng, 2)) &&
		    !ioctl(fd, get, at)) {
			if (bochs() || (cmd != KVM_SET_SREGS &&
					cmd != KVM_SET_SREGS2))
				spoil(&t->rng, at, size);
			return;
		}
		if (makers[i].make) {
			makers[i].make(t, at);
			return;
		}
	}
	if ((cmd != KVM_SET_SREGS && cmd != KVM_SET_SREGS2) || bochs()) {
		scribble(&t->rng, at, size);
		return;
	}
	memset(at, 0, size);
	make_sregs(t, at);
	if (cmd == KVM_SET_SREGS2)
		((struct kvm_sregs2 *)at)->flags = 0;
}
