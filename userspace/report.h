/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Saying in words why a guest cannot go on, with its registers, the page tables
 * of its last page fault and the bytes at RIP.
 *
 * Called by vcpu.c. Read next: report.c.
 */
#ifndef LODGE_REPORT_H
#define LODGE_REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <linux/kvm.h>

#include "mem.h"

struct lodge_vcpu;

/**
 * lodge_report() - print the report on an exit that ends the guest
 * @vcpu: the vCPU it happened on
 * @run: the exit
 *
 * Context: the vCPU's thread.
 */
void lodge_report(struct lodge_vcpu *vcpu, const struct kvm_run *run);

/**
 * lodge_report_errno() - print the report on a KVM_RUN that failed
 * @vcpu: the vCPU
 * @err: errno
 *
 * Context: the vCPU's thread.
 */
void lodge_report_errno(struct lodge_vcpu *vcpu, int err);

/**
 * lodge_report_reason() - an exit in words
 * @f: where to
 * @run: the exit
 */
void lodge_report_reason(FILE *f, const struct kvm_run *run);

/**
 * lodge_report_state() - registers, CR2's page tables and the bytes at RIP
 * @f: where to
 * @regs: general registers
 * @sregs: the others
 * @mem: guest memory
 */
void lodge_report_state(FILE *f, const struct kvm_regs *regs,
			const struct kvm_sregs *sregs,
			const struct lodge_mem *mem);

/**
 * lodge_report_walk() - translate a linear address as the CPU would
 * @mem: guest memory
 * @sregs: control registers
 * @addr: linear address
 *
 * Permissions are not looked at. Follows the manuals' "Paging".
 *
 * Return: guest-physical address, or UINT64_MAX where nothing is mapped.
 */
uint64_t lodge_report_walk(const struct lodge_mem *mem,
			   const struct kvm_sregs *sregs, uint64_t addr);

#endif /* LODGE_REPORT_H */
