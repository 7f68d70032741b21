/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt chips, as the rest of the module sees them.
 *
 * lapic_regs.c, lapic_match.c, ioapic.c, pic.c and pit.c hold the chips'
 * logic, pure; lapic.c, lapic_timer.c, lapic_ipi.c, irqchip.c and pit_dev.c
 * put them into a machine; route.c takes GSIs to chips and messages.
 * vcpu->apic is NULL when the VMM has no chip in the kernel. Next:
 * irq/chips.h.
 */
#ifndef LODGE_IRQ_H
#define LODGE_IRQ_H

#include <linux/kvm.h>
#include "../pure.h"

struct lodge_vm;
struct lodge_vcpu;

#define LODGE_DM_WAKE	3	/* "remote read", put to another use by KVM */

/* A message on the (virtual) APIC bus: IPI, MSI or I/O APIC. */
struct lodge_apic_msg {
	u32 dest;		/* x2APIC width */
	u8 vector;
	u8 delivery;		/* as in ICR bits 10:8 */
	bool logical;
	bool level;		/* trigger mode */
	bool assert;
	u8 shorthand;		/* as in ICR bits 19:18 */
	bool x2apic;		/* dest in x2APIC format, not xAPIC */
	bool strict;		/* 0xff is no broadcast in x2APIC mode */
};

/* Sources of a line, ORed. */
#define LODGE_IRQ_SOURCE_USER		0
#define LODGE_IRQ_SOURCE_RESAMPLE	1
#define LODGE_IRQ_SOURCE_PIT		2

/* The chips of a VM; vm->lock held. */
int lodge_irqchip_create(struct lodge_vm *vm);		/* PICs and I/O APIC */
int lodge_irqchip_split(struct lodge_vm *vm, u32 pins);	/* neither */
void lodge_irqchip_destroy(struct lodge_vm *vm);	/* also the PIT, routes */
int lodge_irqchip_get(struct lodge_vm *vm, struct kvm_irqchip *chip);
int lodge_irqchip_set(struct lodge_vm *vm, const struct kvm_irqchip *chip);
int lodge_pit_create(struct lodge_vm *vm, const struct kvm_pit_config *cfg);
int lodge_pit_get(struct lodge_vm *vm, struct kvm_pit_state2 *ps);
int lodge_pit_set(struct lodge_vm *vm, const struct kvm_pit_state2 *ps);
int lodge_pit_reinject(struct lodge_vm *vm, const struct kvm_reinject_control *c);

/* Routes and lines; any context, also with interrupts off. */
int lodge_route_set(struct lodge_vm *vm, const struct kvm_irq_routing_entry *e,
		    u32 nr);				/* may sleep, vm->lock */
int lodge_irq_line(struct lodge_vm *vm, int source, u32 gsi, bool level);
int lodge_irq_msi(struct lodge_vm *vm, u32 addr_lo, u32 addr_hi, u32 data);
int lodge_apic_deliver(struct lodge_vm *vm, struct lodge_vcpu *src,
		       const struct lodge_apic_msg *msg);
/* The last three return: CPUs newly interrupted, 0 coalesced, -1 nobody took it. */

/* A CPU's local APIC; vcpu->mutex held but where it says otherwise. */
int lodge_lapic_create(struct lodge_vcpu *vcpu);
void lodge_lapic_publish(struct lodge_vcpu *vcpu);
void lodge_lapic_destroy(struct lodge_vcpu *vcpu);
void lodge_lapic_reset(struct lodge_vcpu *vcpu, bool init);
int lodge_lapic_get(struct lodge_vcpu *vcpu, struct kvm_lapic_state *s);
int lodge_lapic_set(struct lodge_vcpu *vcpu, const struct kvm_lapic_state *s);

/*
 * Hardware that virtualizes APICs. A vCPU's vcpu->apic is a page, laid out as an
 * APIC's own: there the guest's accesses may go, and IRR and ISR are. Others
 * post requests at LODGE_APIC_POSTED.
 */
#define LODGE_APIC_BASE		0xfee00000ULL
#define LODGE_APIC_POSTED	0x400
#define LODGE_POSTED_ON		0	/* mark: the CPU may take them */
#define LODGE_POSTED_HELD	1	/* mark: only the own thread may */

enum { LODGE_APIC_NONE, LODGE_APIC_PAGE, LODGE_APIC_X2, LODGE_APIC_ELSEWHERE };

int lodge_lapic_mode(struct lodge_vcpu *vcpu);
bool lodge_lapic_page_at(struct lodge_vm *vm, gfn_t gfn);	/* any thread */
const unsigned long *lodge_lapic_tops(struct lodge_vcpu *vcpu, u8 *irr, u8 *isr);
void lodge_lapic_written(struct lodge_vcpu *vcpu, u32 offset);
void lodge_lapic_ended(struct lodge_vcpu *vcpu, u8 vector);

u64 lodge_lapic_base(struct lodge_vcpu *vcpu);		/* IA32_APIC_BASE */
int lodge_lapic_set_base(struct lodge_vcpu *vcpu, u64 v, bool host);
int lodge_lapic_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v);	/* x2APIC */
int lodge_lapic_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v);
u64 lodge_lapic_tscdeadline(struct lodge_vcpu *vcpu);
void lodge_lapic_set_tscdeadline(struct lodge_vcpu *vcpu, u64 v);
bool lodge_lapic_extint(struct lodge_vcpu *vcpu);
bool lodge_lapic_enabled(struct lodge_vcpu *vcpu);	/* by hard- and software */
void lodge_lapic_raise(struct lodge_vcpu *vcpu, u8 vector);	/* an edge */
void lodge_lapic_cpuid(struct lodge_vcpu *vcpu);	/* its CPUID is new */
void lodge_lapic_mce(struct lodge_vcpu *vcpu, bool cmci);
void lodge_lapic_cmci(struct lodge_vcpu *vcpu);
u8 lodge_lapic_cr8(struct lodge_vcpu *vcpu);
void lodge_lapic_set_cr8(struct lodge_vcpu *vcpu, u8 v);
/* MMIO in the page; true if it was for the APIC. In or out of the bracket. */
bool lodge_lapic_mmio(struct lodge_vcpu *vcpu, gpa_t gpa, u32 len, void *data,
		      bool write);
/* Is a timer due, expired in hrtimer context: turn into IRR. */
void lodge_lapic_timer_inject(struct lodge_vcpu *vcpu);
void lodge_lapic_timer_sleep(struct lodge_vcpu *vcpu);
void lodge_lapic_tsc_moved(struct lodge_vcpu *vcpu);
bool lodge_lapic_init_pending(struct lodge_vcpu *vcpu);	/* INIT or SIPI latched */
bool lodge_lapic_init_latched(struct lodge_vcpu *vcpu);	/* INIT */
void lodge_lapic_set_init(struct lodge_vcpu *vcpu, bool latched);
/* Take the latched: LODGE_LATCHED_*, *vector the SIPI's; run.c acts on them.
 * A SIPI is only taken, not acted on, when the vCPU does not wait for one.
 */
#define LODGE_LATCHED_INIT	BIT(0)
#define LODGE_LATCHED_SIPI	BIT(1)
unsigned int lodge_lapic_take_init(struct lodge_vcpu *vcpu, u8 *vector);
/* KVM_INTERRUPT etc. live in event.c. */

/* What is to be injected, all chips considered: vector, or -1. */
int lodge_irq_pending(struct lodge_vcpu *vcpu);
bool lodge_irq_waits(struct lodge_vcpu *vcpu);	/* ... or delivered by hardware */
int lodge_irq_ack(struct lodge_vcpu *vcpu);	/* takes it: IRR to ISR */
/* PV EOI: before entry and after exit. */
void lodge_lapic_pv_eoi_entry(struct lodge_vcpu *vcpu);
void lodge_lapic_pv_eoi_exit(struct lodge_vcpu *vcpu);
void lodge_lapic_pv_eoi_finish(struct lodge_vcpu *vcpu);
int lodge_lapic_set_pv_eoi(struct lodge_vcpu *vcpu, u64 msr);

#endif /* LODGE_IRQ_H */
