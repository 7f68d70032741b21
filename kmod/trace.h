/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: /sys/kernel/tracing/events/lodge.
 *
 * Fields are named and laid out as those of KVM's events of the same tail
 * (kvm_entry, kvm_exit, ...), so that scripts for these need but another name.
 * main.c makes them; run.c, exit.c and the mechanisms under it fire them.
 * They borrow sixteen symbols of the kernel, so they are built in only if
 * asked for: make LODGE_TRACE=y. Next: exit.h.
 */
#ifndef LODGE_TRACE

#define trace_lodge_entry(vcpu)			((void)0)
#define trace_lodge_exit(vcpu, exit)		((void)0)
#define trace_lodge_inject(vcpu, ev)		((void)0)
#define trace_lodge_page_fault(vcpu, exit)	((void)0)
#define trace_lodge_msr(write, msr, v, fault)	((void)0)
#define trace_lodge_cpuid(leaf, index, gpr)	((void)(leaf), (void)(index))
#define trace_lodge_pio(write, port, size, v)	((void)0)
#define trace_lodge_mmio(type, len, gpa, v)	((void)0)

#else
#if !defined(LODGE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LODGE_TRACE_H

#include <linux/tracepoint.h>
#include "lodge.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM lodge

/* Just before the guest is entered. */
TRACE_EVENT(lodge_entry,
	TP_PROTO(const struct lodge_vcpu *vcpu),
	TP_ARGS(vcpu),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(bool, immediate_exit)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->rip = vcpu->regs.rip;
		__entry->immediate_exit = vcpu->run->immediate_exit;
	),

	TP_printk("vcpu %u, rip 0x%lx%s", __entry->vcpu_id, __entry->rip,
		  __entry->immediate_exit ? "[immediate exit]" : "")
);

/* Just after; exit_reason is ours, info1 and info2 are the hardware's. */
TRACE_EVENT(lodge_exit,
	TP_PROTO(const struct lodge_vcpu *vcpu, const struct lodge_exit *exit),
	TP_ARGS(vcpu, exit),

	TP_STRUCT__entry(
		__field(unsigned int, exit_reason)
		__field(unsigned long, guest_rip)
		__field(u64, hw_reason)
		__field(u64, info1)
		__field(u64, info2)
		__field(u32, intr_info)
		__field(u32, error_code)
		__field(unsigned int, vcpu_id)
	),

	TP_fast_assign(
		__entry->exit_reason = exit->kind;
		__entry->guest_rip = vcpu->regs.rip;
		__entry->hw_reason = exit->hw_reason;
		__entry->info1 = exit->hw_info1;
		__entry->info2 = exit->hw_info2;
		__entry->intr_info = exit->vectored.valid ?
			exit->vectored.vector | exit->vectored.type << 8 |
			BIT(31) : 0;
		__entry->error_code = exit->vectored.error;
		__entry->vcpu_id = vcpu->id;
	),

	TP_printk("vcpu %u reason %s (0x%llx) rip 0x%lx info1 0x%016llx info2 0x%016llx intr_info 0x%08x error_code 0x%08x",
		  __entry->vcpu_id, lodge_exit_name(__entry->exit_reason),
		  __entry->hw_reason, __entry->guest_rip, __entry->info1,
		  __entry->info2, __entry->intr_info, __entry->error_code)
);

/* An event goes to the hardware for delivery. */
TRACE_EVENT(lodge_inject,
	TP_PROTO(const struct lodge_vcpu *vcpu, const struct lodge_event *ev),
	TP_ARGS(vcpu, ev),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u8, type)
		__field(u8, vector)
		__field(u8, has_error)
		__field(u32, error_code)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->type = ev->type;
		__entry->vector = ev->vector;
		__entry->has_error = ev->has_error;
		__entry->error_code = ev->error;
	),

	TP_printk("vcpu %u %s 0x%x%s0x%x", __entry->vcpu_id,
		  __print_symbolic(__entry->type,
				   { LODGE_EVENT_INTR, "IRQ" },
				   { LODGE_EVENT_NMI, "NMI" },
				   { LODGE_EVENT_EXCEPTION, "exception" },
				   { LODGE_EVENT_SOFT_INTR, "INT" }),
		  __entry->vector, __entry->has_error ? " error " : " no error ",
		  __entry->error_code)
);

/* The guest touched a guest physical address that was not mapped so. */
TRACE_EVENT(lodge_page_fault,
	TP_PROTO(const struct lodge_vcpu *vcpu, const struct lodge_exit *exit),
	TP_ARGS(vcpu, exit),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, guest_rip)
		__field(u64, fault_address)
		__field(u64, error_code)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->guest_rip = vcpu->regs.rip;
		__entry->fault_address = exit->tdp.gpa;
		__entry->error_code = exit->hw_info1;
	),

	TP_printk("vcpu %u rip 0x%lx address 0x%016llx error_code 0x%llx",
		  __entry->vcpu_id, __entry->guest_rip,
		  __entry->fault_address, __entry->error_code)
);

/* RDMSR or WRMSR done, or refused with #GP. */
TRACE_EVENT(lodge_msr,
	TP_PROTO(bool write, u32 ecx, u64 data, bool exception),
	TP_ARGS(write, ecx, data, exception),

	TP_STRUCT__entry(
		__field(unsigned int, write)
		__field(u32, ecx)
		__field(u64, data)
		__field(u8, exception)
	),

	TP_fast_assign(
		__entry->write = write;
		__entry->ecx = ecx;
		__entry->data = data;
		__entry->exception = exception;
	),

	TP_printk("msr_%s %x = 0x%llx%s", __entry->write ? "write" : "read",
		  __entry->ecx, __entry->data,
		  __entry->exception ? " (#GP)" : "")
);

/* CPUID done: @gpr holds what the guest gets. */
TRACE_EVENT(lodge_cpuid,
	TP_PROTO(u32 function, u32 index, const u64 *gpr),
	TP_ARGS(function, index, gpr),

	TP_STRUCT__entry(
		__field(unsigned int, function)
		__field(unsigned int, index)
		__field(unsigned long, rax)
		__field(unsigned long, rbx)
		__field(unsigned long, rcx)
		__field(unsigned long, rdx)
	),

	TP_fast_assign(
		__entry->function = function;
		__entry->index = index;
		__entry->rax = gpr[LODGE_RAX];
		__entry->rbx = gpr[LODGE_RBX];
		__entry->rcx = gpr[LODGE_RCX];
		__entry->rdx = gpr[LODGE_RDX];
	),

	TP_printk("func %x idx %x rax %lx rbx %lx rcx %lx rdx %lx",
		  __entry->function, __entry->index, __entry->rax,
		  __entry->rbx, __entry->rcx, __entry->rdx)
);

/* Port I/O done in the kernel, or a write on its way to the user. */
TRACE_EVENT(lodge_pio,
	TP_PROTO(bool write, u16 port, u32 size, u32 val),
	TP_ARGS(write, port, size, val),

	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, port)
		__field(unsigned int, size)
		__field(unsigned int, count)
		__field(unsigned int, val)
	),

	TP_fast_assign(
		__entry->rw = write;
		__entry->port = port;
		__entry->size = size;
		__entry->count = 1;
		__entry->val = val;
	),

	TP_printk("pio_%s at 0x%x size %d count %d val 0x%x",
		  __entry->rw ? "write" : "read", __entry->port,
		  __entry->size, __entry->count, __entry->val)
);

/* @type: 0 a read that the user will answer, 1 a read done, 2 a write */
TRACE_EVENT(lodge_mmio,
	TP_PROTO(u32 type, u32 len, u64 gpa, u64 val),
	TP_ARGS(type, len, gpa, val),

	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, len)
		__field(u64, gpa)
		__field(u64, val)
	),

	TP_fast_assign(
		__entry->type = type;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->val = val;
	),

	TP_printk("mmio %s len %u gpa 0x%llx val 0x%llx",
		  __print_symbolic(__entry->type, { 0, "unsatisfied-read" },
				   { 1, "read" }, { 2, "write" }),
		  __entry->len, __entry->gpa, __entry->val)
);

#endif /* LODGE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>

#endif /* LODGE_TRACE */
