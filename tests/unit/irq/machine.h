/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine with chips and CPUs but no guest: the tests do to its ports,
 * memory and lines what a guest and its devices would. Next: machine.c.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <linux/poll.h>

#include "irq/chips.h"
#include "irq/apic_bits.h"
#include "tests.h"

#define CPUS	4

extern struct lodge_vm vm;
extern u32 fake_pv_page;	/* at guest physical 0x1000 */
extern bool fake_pv_gone;

void machine_start(void);
void machine_stop(void);
/* What the run loop does before an entry. */
void cpu_poll(int cpu);
/* Takes what is pending, -1: nothing. */
int cpu_take(int cpu);

void apic_write(int cpu, u32 offset, u32 v);
u32 apic_read(int cpu, u32 offset);
void ipi(int cpu, u32 dest, u32 low);
void outb(u16 port, u8 v);
u8 inb(u16 port);
void ioapic_entry(int pin, u64 e);
u64 ioapic_read_entry(int pin);
int line(u32 gsi, bool level);
void pic_setup(void);
int irqfd(int fd, u32 gsi, u32 flags, int resamplefd);
void eoi(int cpu);
/* KVM_SET_GSI_ROUTING, and entries for it. */
int route(const struct kvm_irq_routing_entry *e, u32 nr);
struct kvm_irq_routing_entry pin(u32 gsi, u32 chip, u32 pin);
struct kvm_irq_routing_entry msi(u32 gsi, u32 lo, u32 data);

#endif
