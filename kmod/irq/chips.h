/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interrupt chips' state, and the pure logic on it.
 *
 * Private to irq/. All state is plain data that KVM_GET_IRQCHIP,
 * KVM_GET_PIT2 and KVM_GET_LAPIC hand out. Logic that needs no kernel sits
 * in pic.c, ioapic.c, pit.c and lapic_regs.c, which are also compiled into
 * tests/unit/irq; irqchip.c, pit_dev.c and lapic.c put them into a machine.
 */
#ifndef LODGE_CHIPS_H
#define LODGE_CHIPS_H

#include <linux/kvm.h>
#include "irq.h"

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/bitops.h>
#else
#include "shim.h"
#endif

/* A line is high while any source holds it: a bit LODGE_IRQ_SOURCE_* each. */
typedef u8 lodge_sources_t;

/**
 * lodge_source_set() - one source drives a line
 * @s: who holds the line now
 * @source: LODGE_IRQ_SOURCE_*
 * @level: what it drives
 *
 * Return: the level of the line.
 */
static inline bool lodge_source_set(lodge_sources_t *s, int source, bool level)
{
	if (level)
		*s |= 1u << source;
	else
		*s &= ~(1u << source);
	return *s;
}

/* Two 8259A: [0] master, [1] slave on its pin 2. Under irq_lock. */
#define LODGE_PIC_PINS		16
#define LODGE_PIC_CASCADE	2

struct lodge_pic {
	struct kvm_pic_state chip[2];
	lodge_sources_t source[LODGE_PIC_PINS];
	bool output;		/* INTR of the master; others: READ_ONCE() */
	u16 acked;		/* pins whose service ended; taken by irqchip.c */
};

void lodge_pic_reset(struct lodge_pic *pic);
int lodge_pic_line(struct lodge_pic *pic, int pin, int source, bool level);
void lodge_pic_write(struct lodge_pic *pic, int chip, int a0, u8 v);
u8 lodge_pic_read(struct lodge_pic *pic, int chip, int a0);
void lodge_pic_elcr_write(struct lodge_pic *pic, int chip, u8 v);
int lodge_pic_peek(const struct lodge_pic *pic);
int lodge_pic_intack(struct lodge_pic *pic);
void lodge_pic_load(struct lodge_pic *pic, int chip,
		    const struct kvm_pic_state *s);

/* The I/O APIC. Under irq_lock. */
#define LODGE_IOAPIC_PINS	KVM_IOAPIC_NUM_PINS
#define LODGE_IOAPIC_BASE	0xfec00000ULL
#define LODGE_IOAPIC_LEN	0x100
#define LODGE_IOAPIC_VERSION	0x11

#define LODGE_REDIR_VECTOR	GENMASK_ULL(7, 0)
#define LODGE_REDIR_DELIVERY	GENMASK_ULL(10, 8)
#define LODGE_REDIR_LOGICAL	BIT_ULL(11)
#define LODGE_REDIR_STATUS	BIT_ULL(12)
#define LODGE_REDIR_POLARITY	BIT_ULL(13)
#define LODGE_REDIR_REMOTE_IRR	BIT_ULL(14)
#define LODGE_REDIR_LEVEL	BIT_ULL(15)
#define LODGE_REDIR_MASKED	BIT_ULL(16)
#define LODGE_REDIR_DEST	GENMASK_ULL(63, 56)

struct lodge_ioapic {
	u64 redir[LODGE_IOAPIC_PINS];
	u64 base;
	u32 irr;		/* pins whose line is high */
	u8 regsel;
	u8 id;
	lodge_sources_t source[LODGE_IOAPIC_PINS];
};

void lodge_ioapic_reset(struct lodge_ioapic *io);
int lodge_ioapic_line(struct lodge_ioapic *io, int pin, int source, bool level);
u32 lodge_ioapic_read(const struct lodge_ioapic *io, u32 offset);
void lodge_ioapic_write(struct lodge_ioapic *io, u32 offset, u32 v);
u32 lodge_ioapic_eoi_begin(struct lodge_ioapic *io, u8 vector);
void lodge_ioapic_eoi_end(struct lodge_ioapic *io, u32 pins);
void lodge_ioapic_save(const struct lodge_ioapic *io, struct kvm_ioapic_state *s);
void lodge_ioapic_load(struct lodge_ioapic *io, const struct kvm_ioapic_state *s);
/* To the APIC bus: CPUs newly interrupted, 0 coalesced, -1 nobody. */
int lodge_ioapic_send(struct lodge_ioapic *io, const struct lodge_apic_msg *msg);

/* The 8254. Under irq_lock. */
#define LODGE_PIT_HZ		1193182
#define LODGE_PIT_CHANNELS	3
#define LODGE_PIT_FLAGS		(KVM_PIT_FLAGS_HPET_LEGACY | LODGE_PIT_SPEAKER_ON)
#define LODGE_PIT_SPEAKER_ON	2	/* KVM_PIT_FLAGS_SPEAKER_DATA_ON, not in 6.1 */
/* count_load_time: waiting for a count or a trigger; negative: see pit.c */
#define LODGE_PIT_IDLE		((s64)(1ULL << 63))

struct lodge_pit_state {
	struct kvm_pit_channel_state ch[LODGE_PIT_CHANNELS];
	u32 flags;
};

void lodge_pit_chip_reset(struct lodge_pit_state *p);
/* true: the interrupt of channel 0 is to be scheduled anew */
bool lodge_pit_chip_write(struct lodge_pit_state *p, int port, u8 v, u64 now);
u8 lodge_pit_chip_read(struct lodge_pit_state *p, int port, u64 now);
void lodge_pit_speaker_write(struct lodge_pit_state *p, u8 v, u64 now);
u8 lodge_pit_speaker_read(const struct lodge_pit_state *p, u64 now);
/* Edges of channel 0 due by now, and when the next comes (0: none). */
u64 lodge_pit_edges(const struct lodge_pit_state *p, u64 now);
u64 lodge_pit_next_edge(const struct lodge_pit_state *p, u64 now);
void lodge_pit_chip_load(struct lodge_pit_state *p,
			 const struct kvm_pit_state2 *s, u64 now);

/*
 * A local APIC's registers, own thread but for TMR, and what others post. All
 * lies as in an APIC's own page, so that a CPU which virtualizes APICs can have
 * it; the rest of the page is the kernel's.
 */
#define LODGE_APIC_REGS		64	/* 16 bytes apart in the page */
#define LODGE_APIC_VERSION	(0x14 | 5 << 16)	/* six LVT entries */
#define LODGE_APIC_ONE_MORE	(1 << 16)
#define LODGE_APIC_DIRECTED	BIT(24)	/* of the version */
#define LODGE_APIC_WORDS	(256 / BITS_PER_LONG)

struct lodge_apic_reg {
	union {
		u32 v;
		unsigned long bits;	/* of a bitmap: the lower 32 */
	};
	u64 unused;
};

/* Requests on their way to the IRR; laid out as VT-x has it. */
struct lodge_apic_posted {
	unsigned long irr[LODGE_APIC_WORDS];	/* [a] */
	unsigned long on;			/* [a] LODGE_POSTED_* */
	unsigned long unused[3];
} __aligned(64);


#define LODGE_BASE_BSP		BIT_ULL(8)
#define LODGE_BASE_X2APIC	BIT_ULL(10)
#define LODGE_BASE_ENABLE	BIT_ULL(11)
#define LODGE_BASE_DEFAULT	LODGE_APIC_BASE

struct lodge_apic_regs {
	struct lodge_apic_reg reg[LODGE_APIC_REGS];	/* TMR: [a] */
	struct lodge_apic_posted posted;
	unsigned long held[LODGE_APIC_WORDS];	/* [a] */
	const unsigned long *hold;	/* [c] vectors for held[]; NULL: none */
	unsigned long errors;	/* [a] since ESR was last written */
	u64 base;		/* IA32_APIC_BASE; others: READ_ONCE() */
	u32 x2id;		/* the id that can't change */
	u32 boot_id;		/* of the CPU that runs first */
	u32 lvtt, tdcr;		/* as last written here, not by hardware */
	bool irr_pending;	/* false: IRR is empty, unless hardware fills it */
	bool deadline_ok;	/* CPUID has TSC-deadline mode */
	bool lint0_masked;	/* after a reset, as any other */
	bool directed;		/* it says that EOIs need not be broadcast */
	bool cmci;		/* there is an LVT entry for corrected machine checks */
};

/* What a write to a register asks of the rest of the machine. */
#define LODGE_APIC_FX_IPI	BIT(0)	/* ICR: send */
#define LODGE_APIC_FX_SELF	BIT(1)	/* self IPI register */
#define LODGE_APIC_FX_EOI	BIT(2)
#define LODGE_APIC_FX_COUNT	BIT(3)	/* initial count: start the timer */
#define LODGE_APIC_FX_MODE	BIT(4)	/* timer in or out of TSC-deadline mode */
#define LODGE_APIC_FX_DIVIDE	BIT(5)	/* divider changed */
#define LODGE_APIC_FX_ID	BIT(6)
#define LODGE_APIC_FX_LVT0	BIT(7)
#define LODGE_APIC_FX_BAD	BIT(8)	/* no such register: #GP in x2APIC mode */

static inline bool lodge_apic_hw_enabled(const struct lodge_apic_regs *r)
{
	return READ_ONCE(r->base) & LODGE_BASE_ENABLE;
}

static inline bool lodge_apic_x2(const struct lodge_apic_regs *r)
{
	return READ_ONCE(r->base) & LODGE_BASE_X2APIC;
}

/*
 * What messages call it. One whose id needs more than 8 bits has that in xAPIC
 * mode, too: nobody could start it otherwise.
 */
static inline u32 lodge_apic_id(const struct lodge_apic_regs *r)
{
	return lodge_apic_x2(r) || unlikely(r->x2id > 0xff) ?
		r->x2id : READ_ONCE(r->reg[2].v) >> 24;
}

static inline u32 lodge_apic_version(const struct lodge_apic_regs *r)
{
	return (LODGE_APIC_VERSION | (r->directed ? LODGE_APIC_DIRECTED : 0)) +
	       (r->cmci ? LODGE_APIC_ONE_MORE : 0);
}

/* To all, or to all but those for which msg->strict has it otherwise? */
static inline bool lodge_apic_broadcast(const struct lodge_apic_msg *msg)
{
	return msg->dest == ~0u || (msg->dest == 0xff && !msg->x2apic);
}

/* Highest vector of IRR or ISR, or -1 */
static inline int lodge_apic_top(const struct lodge_apic_reg *words)
{
	int i;

	for (i = 256 / 32 - 1; i >= 0; i--) {
		u32 w = READ_ONCE(words[i].v);

		if (w)
			return i * 32 + 31 - __builtin_clz(w);
	}
	return -1;
}

void lodge_apic_regs_reset(struct lodge_apic_regs *r, bool init);
bool lodge_apic_reg_read(struct lodge_apic_regs *r, u32 offset, u32 *v);
u32 lodge_apic_reg_write(struct lodge_apic_regs *r, u32 offset, u32 v);
bool lodge_apic_base_valid(const struct lodge_apic_regs *r, u64 v, u64 reserved,
			   bool host);
void lodge_apic_base_write(struct lodge_apic_regs *r, u64 v, bool host);
void lodge_apic_msg_icr(const struct lodge_apic_regs *r,
			struct lodge_apic_msg *msg);
bool lodge_apic_match(const struct lodge_apic_regs *r,
		      const struct lodge_apic_msg *msg);
u32 lodge_apic_written(struct lodge_apic_regs *r, u32 offset);
int lodge_apic_accept(struct lodge_apic_regs *r, u8 vector, bool level,
		      u32 *notify);
void lodge_apic_collect(struct lodge_apic_regs *r);
int lodge_apic_local(struct lodge_apic_regs *r, u32 lvt);
void lodge_apic_error(struct lodge_apic_regs *r, u32 bit, u32 *notify);
u32 lodge_apic_ppr(struct lodge_apic_regs *r);
int lodge_apic_highest(struct lodge_apic_regs *r);
void lodge_apic_take(struct lodge_apic_regs *r, u8 vector);
int lodge_apic_eoi(struct lodge_apic_regs *r);
void lodge_apic_save(const struct lodge_apic_regs *r, struct kvm_lapic_state *s);
void lodge_apic_load(struct lodge_apic_regs *r, const struct kvm_lapic_state *s);

static inline bool lodge_apic_takes_extint(const struct lodge_apic_regs *r)
{
	u32 lvt0 = READ_ONCE(r->reg[0x35].v);

	return !lodge_apic_hw_enabled(r) || (lvt0 & 0x10700) == 0x700;
}

#ifdef __KERNEL__

#include <linux/hrtimer.h>

#include "../lodge.h"

#define LODGE_NOBODY	(~0U)	/* no APIC's id */

/* vcpu->apic, a page: [v] but where it says otherwise */
struct lodge_lapic {
	struct lodge_apic_regs regs;	/* first: the CPU may have it */
	struct lodge_irqchip *chip;	/* [c] */
	struct lodge_vcpu *vcpu;	/* [c] */
	unsigned long latched;		/* [a] LODGE_LATCHED_* */
	u8 sipi_vector;			/* [a] set before it is latched */
	u32 arb;			/* [a] times chosen by lowest priority */
	bool on_bus;			/* senders may find it: by_id[] */
	u32 bus_id;			/* [i] ... there */
	u64 target;			/* of the timer, CLOCK_MONOTONIC ns; 0: off */
	u64 tscdeadline;
	bool pv_eoi_set;		/* the guest may EOI in its memory */
	bool elsewhere;			/* not at its usual address */
	struct hrtimer timer;
};

struct lodge_irqchip {
	struct lodge_pic pic;		/* [i] */
	struct lodge_ioapic ioapic;	/* [i] */
	u32 ack_pins;		/* [i] of the I/O APIC: someone waits for EOI */
	u32 pit_pins;		/* [i] those the PIT's line goes to */
	unsigned long eoi_vectors[LODGE_APIC_WORDS];	/* [a] I/O APIC wants */
	u16 by_id[LODGE_VCPU_ID_MAX];	/* [i] to write: 1 + index in vm->vcpu[] */
	u32 user_pins;		/* [c] GSIs that are the user's I/O APIC's */
	atomic_t elsewhere;	/* [a] APICs that are not at their usual address */
	struct lodge_vm *vm;		/* [c] */
	struct lodge_io_dev pic_dev[2], elcr_dev, ioapic_dev;
};

struct lodge_pit {
	struct lodge_pit_state chip;	/* [i] */
	u64 fired;		/* [i] edges since the count was loaded, seen */
	u64 next;		/* [i] when the timer is to come, ns; 0: not */
	u32 pending;		/* [i] ticks the guest has not been given */
	bool acked;		/* [i] the last tick was taken */
	bool reinject;		/* [i] */
	struct lodge_vm *vm;	/* [c] */
	struct lodge_io_dev dev, speaker_dev;
	struct hrtimer timer;
};

/* vCPUs that vm->vcpu[] has; each is whole, and stays as long as the VM. */
static inline u32 lodge_vcpus(struct lodge_vm *vm)
{
	/* Pairs with the release in lodge_vcpu_create(). */
	return smp_load_acquire(&vm->nr_vcpus);
}

#define LODGE_CHIPS		3	/* KVM_IRQCHIP_* */
#define LODGE_PINS_MAX		24

struct lodge_route {
	bool msi;
	u8 chip, pin;
	struct lodge_apic_msg msg;
};

/* A table is built once and replaced as a whole, under vm->irq_srcu. */
struct lodge_routes {
	s16 gsi_of[LODGE_CHIPS][LODGE_PINS_MAX];	/* or -1 */
	u16 start[LODGE_GSI_MAX + 1];	/* routes of a gsi: start[gsi]... */
	struct lodge_route route[];
};

/* irqchip.c */
int lodge_chip_line(struct lodge_vm *vm, int chip, int pin, int source,
		    bool level);	/* irq_lock */
void lodge_ioapic_eoi(struct lodge_vm *vm, u8 vector);
void lodge_eoi_vectors_set(struct lodge_irqchip *chip, const unsigned long *map);
void lodge_chip_acked(struct lodge_vm *vm, u16 pic, u32 ioapic);
void lodge_ack_pins_update(struct lodge_vm *vm);
int lodge_pic_ack(struct lodge_vm *vm);	/* vector, or -1 */

/* split.c */
void lodge_split_eoi(struct lodge_vcpu *vcpu, u8 vector);
void lodge_split_vectors_add(struct lodge_vm *vm,
			     const struct lodge_routes *routes);
void lodge_split_vectors_update(struct lodge_vm *vm);

/* route.c */
int lodge_routes_default(struct lodge_vm *vm);
void lodge_routes_destroy(struct lodge_vm *vm);
int lodge_line_locked(struct lodge_vm *vm, const struct lodge_routes *routes,
		      int source, u32 gsi, bool level);	/* irq_lock, irq_srcu */

/* pit_dev.c */
void lodge_pit_acked(struct lodge_vm *vm);
void lodge_pit_unmasked(struct lodge_pit *pit);		/* irq_lock */
void lodge_pit_destroy(struct lodge_vm *vm);

/* lapic_virt.c */
void lodge_apic_update(struct lodge_lapic *apic);
void lodge_apic_look(struct lodge_lapic *apic);
void lodge_apic_moved(struct lodge_lapic *apic);

/* lapic.c */
void lodge_apic_end(struct lodge_lapic *apic);

/* lapic_timer.c */
void lodge_timer_init(struct lodge_lapic *apic);
void lodge_timer_stop(struct lodge_lapic *apic);
void lodge_timer_start(struct lodge_lapic *apic, u32 ticks);
void lodge_timer_mode(struct lodge_lapic *apic);
u32 lodge_timer_left(struct lodge_lapic *apic);

/* lapic_ipi.c */
int lodge_msi_parse(const struct lodge_vm *vm, u32 lo, u32 hi, u32 data,
		    struct lodge_apic_msg *msg);
void lodge_apic_publish(struct lodge_lapic *apic);
void lodge_lapic_local(struct lodge_lapic *apic, u32 lvt);
void lodge_lint0_nmi(struct lodge_vm *vm);

/* ../irqfd.c */
void lodge_irqfd_acked(struct lodge_vm *vm, u32 gsi);	/* irq_srcu, no irq_lock */

#endif /* __KERNEL__ */

#endif /* LODGE_CHIPS_H */
