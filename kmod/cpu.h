/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a virtual CPU is made of beside its plain registers: CPUID (cpuid.c),
 * MSRs (msr.c), control registers (cr.c), FPU (fpu.c), time (clock.c),
 * KVM's paravirtual interface (pv.c), get and set (state.c).
 */
#ifndef LODGE_CPU_H
#define LODGE_CPU_H

#include <linux/kvm.h>
#include "regs.h"

struct lodge_vm;
struct lodge_vcpu;
struct lodge_exit;

/* cpuid.c */
#define LODGE_CPUID_MAX		256
struct lodge_cpuid {
	u32 nr;
	/* Derived from the entries by lodge_cpuid_set(), for the hot paths. */
	u8 maxphyaddr;
	u64 cr4_reserved;	/* CR4 bits this guest may not set */
	u64 efer_reserved;
	u64 xcr0_allowed;
	u32 pv_features;	/* leaf 0x40000001 EAX */
	bool has_x2apic, has_tsc_deadline, has_rdtscp, has_xsave, has_1g, has_nx;
	struct kvm_cpuid_entry2 entry[LODGE_CPUID_MAX];
};
int lodge_cpuid_init(void);	/* at load: the host's, masked */
int lodge_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 room); /* nr or -E2BIG */
int lodge_cpuid_set(struct lodge_vcpu *vcpu, const struct kvm_cpuid_entry2 *e,
		    u32 nr);
/* CPUID as the guest sees it, its CR4 and XCR0 considered; the bracket. */
void lodge_cpuid_read(struct lodge_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx,
		      u32 *edx);

/* msr.c: 0, or 1: #GP. @host: from an ioctl, not the guest */
int lodge_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v, bool host);
int lodge_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host);
u32 lodge_msr_list(u32 *list, u32 room);	/* number there are */
u32 lodge_msr_feature_list(u32 *list, u32 room);
int lodge_msr_feature_read(u32 msr, u64 *v);

/* cr.c: 0, or 1: #GP. The caller has R_CRS and R_SEGS synced. */
int lodge_cr_write(struct lodge_vcpu *vcpu, unsigned int nr, u64 v);
u64 lodge_cr_read(struct lodge_vcpu *vcpu, unsigned int nr);
int lodge_efer_write(struct lodge_vcpu *vcpu, u64 v, bool host);
int lodge_xcr_write(struct lodge_vcpu *vcpu, u32 index, u64 v);
int lodge_dr_write(struct lodge_vcpu *vcpu, unsigned int nr, u64 v); /* 0 or vector */
int lodge_dr_read(struct lodge_vcpu *vcpu, unsigned int nr, u64 *v);
bool lodge_sregs_valid(struct lodge_vcpu *vcpu, const struct kvm_sregs *s);

/* fpu.c: a private XSAVE area a vCPU, live only inside the bracket */
struct lodge_fpu {
	void *area;		/* standard format, 64-byte aligned; legacy part first */
	u64 features;		/* XCR0 bits kept: the host's */
	u64 host_xcr0;
	u32 host_pkru;
	bool pkru_differs;
};
int lodge_fpu_module_init(void);
u32 lodge_fpu_size(void);		/* of the area, user format */
int lodge_fpu_create(struct lodge_vcpu *vcpu);
void lodge_fpu_destroy(struct lodge_vcpu *vcpu);
void lodge_fpu_reset(struct lodge_vcpu *vcpu, bool init);
void lodge_fpu_begin(struct lodge_vcpu *vcpu);	/* interrupts on: kernel_fpu_begin */
void lodge_fpu_load(struct lodge_vcpu *vcpu);	/* interrupts off: guest's in */
void lodge_fpu_save(struct lodge_vcpu *vcpu);	/* interrupts off: guest's out */
void lodge_fpu_end(struct lodge_vcpu *vcpu);	/* interrupts on: kernel_fpu_end */
int lodge_fpu_get(struct lodge_vcpu *vcpu, struct kvm_fpu *f);
int lodge_fpu_set(struct lodge_vcpu *vcpu, const struct kvm_fpu *f);
int lodge_xsave_get(struct lodge_vcpu *vcpu, void *buf, u32 size);
int lodge_xsave_set(struct lodge_vcpu *vcpu, const void *buf);
void *lodge_fpu_xmm(struct lodge_vcpu *vcpu, unsigned int nr); /* saved, not live */

/* clock.c */
struct lodge_clock {		/* a VM's; all under vm->clock_lock but [c] */
	s64 offset_ns;		/* guest kvmclock = CLOCK_MONOTONIC-like base + this */
	u64 master_tsc;		/* one pair for all vCPUs: they agree */
	u64 master_ns;
	u64 last_tsc_write;	/* KVM's way of matching near-equal TSC writes */
	u64 last_tsc_ns;
	u64 last_tsc_offset;
	u32 tsc_khz;
};
struct lodge_vclock {		/* a vCPU's; vcpu->mutex */
	u64 tsc_offset;
	u64 tsc_ratio;		/* 0: none */
	u32 tsc_khz;		/* what the guest sees */
	u64 tsc_adjust;
	u64 system_time_msr, wall_clock_msr, steal_msr;
	u32 pvclock_version;
	u64 steal_last;		/* run_delay seen, ns */
	u64 steal_total;
	bool guest_stopped;
};
int lodge_clock_vm_init(struct lodge_vm *vm);
void lodge_clock_vcpu_init(struct lodge_vcpu *vcpu);
u64 lodge_tsc_read(struct lodge_vcpu *vcpu);	/* the guest's TSC now */
void lodge_tsc_write(struct lodge_vcpu *vcpu, u64 v, bool host);
u64 lodge_tsc_to_ns(struct lodge_vcpu *vcpu, u64 guest_tsc_delta);
int lodge_tsc_set_khz(struct lodge_vcpu *vcpu, u32 khz);
void lodge_clock_update(struct lodge_vcpu *vcpu);   /* LODGE_REQ_CLOCK: may sleep */
void lodge_steal_update(struct lodge_vcpu *vcpu);   /* LODGE_REQ_STEAL: may sleep */
int lodge_clock_get(struct lodge_vm *vm, struct kvm_clock_data *d);
int lodge_clock_set(struct lodge_vm *vm, const struct kvm_clock_data *d);
int lodge_clock_stopped(struct lodge_vcpu *vcpu);   /* KVM_KVMCLOCK_CTRL */

/* pv.c */
int lodge_pv_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v);
int lodge_pv_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host);
int lodge_hypercall(struct lodge_vcpu *vcpu);	/* a verdict; RIP is the caller's */

/* state.c: vCPU ioctls on registers; vcpu->mutex held, vCPU not running */
void lodge_regs_get(struct lodge_vcpu *vcpu, struct kvm_regs *r);
int lodge_regs_set(struct lodge_vcpu *vcpu, const struct kvm_regs *r);
void lodge_sregs_get(struct lodge_vcpu *vcpu, struct kvm_sregs *s);
int lodge_sregs_set(struct lodge_vcpu *vcpu, const struct kvm_sregs *s);
void lodge_debugregs_get(struct lodge_vcpu *vcpu, struct kvm_debugregs *d);
int lodge_debugregs_set(struct lodge_vcpu *vcpu, const struct kvm_debugregs *d);
void lodge_events_get(struct lodge_vcpu *vcpu, struct kvm_vcpu_events *e);
int lodge_events_set(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *e);
int lodge_mp_get(struct lodge_vcpu *vcpu, struct kvm_mp_state *s);
int lodge_mp_set(struct lodge_vcpu *vcpu, const struct kvm_mp_state *s);
void lodge_vcpu_reset(struct lodge_vcpu *vcpu, bool init);

#endif /* LODGE_CPU_H */
