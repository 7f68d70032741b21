/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual machine as the hypervisor knows it: the KVM ioctls on the system
 * and VM descriptors, nothing else.
 *
 * Called by machine.c; dev/ reaches it through the small interfaces that
 * machine.c connects. Read next: vcpu.h.
 */
#ifndef LODGE_VM_H
#define LODGE_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "mem.h"

#define LODGE_VM_GSI_MSI	24	/* the first after the I/O APIC's pins */
#define LODGE_VM_GSIS		1024

struct lodge_vm {
	int sysfd;			/* /dev/lodge or /dev/kvm */
	int fd;
	size_t run_size;
	bool tsc_deadline;

	pthread_mutex_t routes_lock;	/* guards what follows */
	struct kvm_irq_routing *routes;
	unsigned int next_gsi;
};

/**
 * lodge_vm_open() - open the hypervisor and check that it can do the job
 * @vm: filled in
 * @device: path of its device
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_vm_open(struct lodge_vm *vm, const char *device);

/**
 * lodge_vm_max_cpus() - how many vCPUs a machine may have
 * @vm: what lodge_vm_open() made
 */
unsigned int lodge_vm_max_cpus(const struct lodge_vm *vm);

/**
 * lodge_vm_create() - create a VM with its interrupt chips, timer and memory
 * @vm: what lodge_vm_open() made
 * @mem: guest memory
 *
 * Return: 0, or -errno after a line on standard error.
 */
int lodge_vm_create(struct lodge_vm *vm, const struct lodge_mem *mem);

/**
 * lodge_vm_destroy() - drop the VM; the hypervisor stays open
 * @vm: the VM
 */
void lodge_vm_destroy(struct lodge_vm *vm);

/**
 * lodge_vm_close() - drop the VM and the hypervisor
 * @vm: the VM; one that was never opened has sysfd -1
 */
void lodge_vm_close(struct lodge_vm *vm);

/**
 * lodge_vm_irq_line() - set the level of a line of the interrupt chips
 * @vm: the VM
 * @line: 0 to 23
 * @level: high or low
 */
void lodge_vm_irq_line(struct lodge_vm *vm, unsigned int line, bool level);

/**
 * lodge_vm_msi_route() - say what a message-signalled interrupt is
 * @vm: the VM
 * @gsi: number of the interrupt; 0 to be given one
 * @addr: MSI address
 * @data: MSI data
 *
 * Return: the number, or -errno; -ENOSPC when all are given away.
 */
int lodge_vm_msi_route(struct lodge_vm *vm, unsigned int gsi, uint64_t addr,
		       uint32_t data);

/**
 * lodge_vm_irqfd() - tie an eventfd to an interrupt
 * @vm: the VM
 * @fd: eventfd; each signal is one interrupt
 * @gsi: the interrupt
 *
 * Return: 0 or -errno.
 */
int lodge_vm_irqfd(struct lodge_vm *vm, int fd, unsigned int gsi);

/**
 * lodge_vm_ioeventfd() - have the hypervisor take writes to a 16-bit register
 * @vm: the VM
 * @fd: eventfd that it signals for each write
 * @addr: guest-physical address
 * @on: add or remove
 *
 * Return: 0 or -errno.
 */
int lodge_vm_ioeventfd(struct lodge_vm *vm, int fd, uint64_t addr, bool on);

/**
 * lodge_vm_cpuid() - the CPUID leaves the hypervisor can give a guest
 * @vm: what lodge_vm_open() made
 *
 * Return: a table the caller frees, or NULL after a line on standard error.
 */
struct kvm_cpuid2 *lodge_vm_cpuid(const struct lodge_vm *vm);

#endif /* LODGE_VM_H */
