/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's programs: guest.S has them, exits.c runs them. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

extern const char guest_start[], guest_end[], guest_handler[];
extern const char guest_nothing[];
extern const char guest_cpuid[];
extern const char guest_hypercall[], guest_hypercall_insn[];
extern const char guest_port_kernel[];
extern const char guest_port_user[];
extern const char guest_rdmsr[];
extern const char guest_wrmsr[];
extern const char guest_mmio_kernel[];
extern const char guest_mmio_user[];
extern const char guest_page_fault[];
extern const char guest_ipi[];
extern const char guest_hlt[];

#endif /* BENCH_GUEST_H */
