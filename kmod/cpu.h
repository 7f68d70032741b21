/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a virtual CPU is made of beside its plain registers: CPUID (cpuid.c),
 * MSRs (msr.c), control registers (cr.c), FPU (fpu.c), time (clock.c),
 * KVM's paravirtual interface (pv.c), get and set (state.c).
 *
 * All of a vCPU's is used with vcpu->mutex held. Next: cpuid.c.
 */
#ifndef LODGE_CPU_H
#define LODGE_CPU_H

#include <linux/kvm.h>
#include "regs.h"

struct lodge_vm;
struct lodge_vcpu;
struct lodge_exit;

/* cpuid_table.c, cpuid_find.c (pure), cpuid.c */
#define LODGE_CPUID_MAX		256
#define LODGE_CPUID_SLOTS	128	/* first leaves of three ranges */
struct lodge_cpuid {
	u32 nr;
	/* Derived from the entries by lodge_cpuid_set(), for the hot paths. */
	u8 maxphyaddr;
	u64 cr4_reserved;	/* CR4 bits this guest may not set */
	u64 efer_reserved;
	u64 xcr0_allowed;
	u32 pv_leaf;		/* of KVM's features; 0: there is none */
	u32 pv_features;	/* its EAX */
	bool has_x2apic, has_tsc_deadline, has_rdtscp, has_xsave, has_1g, has_nx;
	bool has_sse3, has_arch_cap, has_tsc_adjust, has_invpcid, has_xsaves;
	bool amd_like;		/* leaf 0 names AMD or Hygon */
	u16 first[LODGE_CPUID_SLOTS];	/* leaf to entry + 1, 0: none */
	u16 next[LODGE_CPUID_MAX];	/* entry + 1 of the same leaf */
	struct kvm_cpuid_entry2 entry[LODGE_CPUID_MAX];
};
int lodge_cpuid_init(void);	/* at load, after the FPU: the host's, masked */
int lodge_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 room); /* nr or -E2BIG */
void lodge_cpuid_reset(struct lodge_vcpu *vcpu);	/* by lodge_vcpu_reset() */
int lodge_cpuid_set(struct lodge_vcpu *vcpu, const struct kvm_cpuid_entry2 *e,
		    u32 nr);
long lodge_cpuid_set_old(struct lodge_vcpu *vcpu, struct kvm_cpuid __user *user);
struct kvm_cpuid_entry2 lodge_cpuid_get(struct lodge_vcpu *vcpu, u32 i);
/* CPUID as the guest sees it, its CR4 and XCR0 considered; the bracket. */
void lodge_cpuid_read(struct lodge_vcpu *vcpu, u32 leaf, u32 sub, u32 r[4]);
u64 lodge_cr4_supported(void);	/* bits a guest can have on this host */

/*
 * msr.c, mtrr.c, mce.c: 0, or 1, or one of these: #GP. @host: from an ioctl,
 * not the guest
 */
#define LODGE_MSR_UNKNOWN	2	/* there is no such MSR */
#define LODGE_MSR_FILTERED	3	/* the user's filter denies it */
struct lodge_msrs {
	u64 apic_base;		/* when there is no local APIC in the kernel */
	u64 arch_cap, hwcr, power_ctl, misc_features, platform_info, de_cfg;
};
#define LODGE_MSR_SEEN	32	/* MSRs found before, by their low bits */
int lodge_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v, bool host);
int lodge_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host);
u32 lodge_msr_list(u32 *list, u32 room);	/* number there are */
u32 lodge_msr_feature_list(u32 *list, u32 room);
int lodge_msr_feature_read(u32 msr, u64 *v);	/* 0, or 1: no such */
int lodge_msr_init(void);
void lodge_msr_reset(struct lodge_vcpu *vcpu);	/* power-on */
#define LODGE_MTRR_VAR		8	/* variable ranges */
int lodge_mtrr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v);
int lodge_mtrr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v);
#define LODGE_MCE_BANKS		32	/* KVM_CAP_MCE */
int lodge_mce_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v, bool host);
int lodge_mce_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host);
/* MCG_CAP bits a guest may be given: MCG_CTL_P, CMCI_P, SER_P; and banks */
#define LODGE_MCG_CAP		((1ULL << 8) | (1ULL << 10) | (1ULL << 24))
int lodge_mce_setup(struct lodge_vcpu *vcpu, u64 cap);
int lodge_mce_inject(struct lodge_vcpu *vcpu, const struct kvm_x86_mce *mce);

/*
 * cr.c: 0; 1: #GP; -EAGAIN: memory must be read, again where it may sleep.
 * CR4 writes must be intercepted, at least those that change CR4_OSXSAVE.
 */
int lodge_cr_write(struct lodge_vcpu *vcpu, unsigned int nr, u64 v);
u64 lodge_cr_read(struct lodge_vcpu *vcpu, unsigned int nr);
int lodge_efer_write(struct lodge_vcpu *vcpu, u64 v, bool host);
int lodge_xcr_write(struct lodge_vcpu *vcpu, u32 index, u64 v);
int lodge_dr_write(struct lodge_vcpu *vcpu, unsigned int nr, u64 v); /* 0 or vector */
int lodge_dr_read(struct lodge_vcpu *vcpu, unsigned int nr, u64 *v);
int lodge_pdptes_load(struct lodge_vcpu *vcpu, u64 cr3);
bool lodge_sregs_valid(struct lodge_vcpu *vcpu, const struct kvm_sregs *s);

/* fpu.c: a private XSAVE area a vCPU, live only inside the bracket */
struct lodge_fpu {
	void *area;		/* standard format, 64-byte aligned; legacy part first */
	void *alloc;		/* what was allocated */
	u64 features;		/* XCR0 bits kept: the host's */
	u64 hw_xcr0;		/* in XCR0 while live */
	u32 host_pkru;
	bool live;		/* the guest's state is in the CPU */
	bool xcr0_on;		/* guest has CR4.OSXSAVE: its XCR0 matters */
};
int lodge_fpu_module_init(void);
u32 lodge_fpu_size(void);		/* of the area, user format */
int lodge_fpu_create(struct lodge_vcpu *vcpu);
void lodge_fpu_destroy(struct lodge_vcpu *vcpu);
void lodge_fpu_reset(struct lodge_vcpu *vcpu, bool init);
void lodge_fpu_xcr0_sync(struct lodge_vcpu *vcpu);	/* into regs.xcr0 */
void lodge_fpu_xcr0_changed(struct lodge_vcpu *vcpu);	/* or CR4.OSXSAVE did */
u64 lodge_fpu_features(void);		/* XCR0 bits a guest may have */
u32 lodge_xsave_size(u64 xcr0, bool compacted);		/* as leaf 0xD counts */
void lodge_fpu_begin(struct lodge_vcpu *vcpu);	/* interrupts on: kernel_fpu_begin */
void lodge_fpu_load(struct lodge_vcpu *vcpu);	/* interrupts off: guest's in */
void lodge_fpu_save(struct lodge_vcpu *vcpu);	/* interrupts off: guest's out */
void lodge_fpu_end(struct lodge_vcpu *vcpu);	/* interrupts on: kernel_fpu_end */
int lodge_fpu_get(struct lodge_vcpu *vcpu, struct kvm_fpu *f);
int lodge_fpu_set(struct lodge_vcpu *vcpu, const struct kvm_fpu *f);
int lodge_xsave_get(struct lodge_vcpu *vcpu, void *buf, u32 size);
int lodge_xsave_set(struct lodge_vcpu *vcpu, const void *buf);
void *lodge_fpu_xmm(struct lodge_vcpu *vcpu, unsigned int nr); /* saved, not live */
u32 lodge_fpu_pkru(struct lodge_vcpu *vcpu);

/* clock.c, kvmclock.c, steal.c; pvclock.c is pure */
struct lodge_clock {		/* a VM's; under vm->clock_lock but [c], [v] vm->lock */
	s64 offset_ns;		/* kvmclock = lodge_clock_base_ns() + this */
	bool master;		/* the pair below is taken */
	u64 master_tsc;		/* one pair for all vCPUs: they agree */
	u64 master_ns;
	u64 last_tsc_write;	/* KVM's way of matching near-equal TSC writes */
	u64 last_tsc_ns;
	u64 last_tsc_offset;
	u32 last_tsc_khz;
	bool tsc_written;
	bool tsc_by_user;	/* and not by the making of vCPUs alone */
	u64 tsc_lost;		/* ticks the host's TSC has gone back, in all */
	u32 tsc_khz;		/* [c] the host's */
	u32 vcpu_khz;		/* [v] of new vCPUs, and its tsc_ratio */
	u64 vcpu_ratio;		/* [v] */
};
struct lodge_vclock {		/* a vCPU's; vcpu->mutex */
	u64 tsc_offset;
	u64 tsc_ratio;		/* 0: none */
	u32 tsc_khz;		/* what the guest sees */
	u64 tsc_adjust;
	u64 tsc_seen;		/* host's, before the last bracket */
	u64 tsc_lost;		/* of the VM's, in tsc_offset already */
	int page_cpu;		/* where the clock page was written */
	u64 system_time_msr, wall_clock_msr, steal_msr;
	u32 ns_mul;		/* guest TSC to ns: lodge_pvclock_scale() */
	s8 ns_shift;
	u64 steal_last;		/* run_delay seen, ns */
	const void *steal_task;	/* whose; never followed */
	bool steal_preempted;	/* the guest's page says so */
	bool wall_clock_due;
	bool guest_stopped;
};
int lodge_clock_vm_init(struct lodge_vm *vm);
void lodge_clock_vcpu_init(struct lodge_vcpu *vcpu);
u64 lodge_tsc_read(struct lodge_vcpu *vcpu);	/* the guest's TSC now */
void lodge_tsc_write(struct lodge_vcpu *vcpu, u64 v, bool host);
void lodge_tsc_set_offset(struct lodge_vcpu *vcpu, u64 offset);
u64 lodge_tsc_to_ns(struct lodge_vcpu *vcpu, u64 guest_tsc_delta);
int lodge_tsc_set_khz(struct lodge_vcpu *vcpu, u32 khz);
int lodge_tsc_vm_set_khz(struct lodge_vm *vm, u32 khz);
void lodge_tsc_adjust(struct lodge_vcpu *vcpu, u64 v, bool host); /* the MSR */
void lodge_clock_pair(u64 *tsc, u64 *ns);	/* host's TSC and kvmclock base */
u64 lodge_clock_base_ns(void);			/* that base, now */
void lodge_clock_update(struct lodge_vcpu *vcpu);   /* LODGE_REQ_CLOCK: may sleep */
void lodge_steal_update(struct lodge_vcpu *vcpu);   /* LODGE_REQ_STEAL: may sleep */
void lodge_steal_preempted(struct lodge_vcpu *vcpu); /* about to sleep; may sleep */
void lodge_versioned_write(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n,
			   size_t at);		/* may sleep */
void lodge_wall_clock_write(struct lodge_vcpu *vcpu);	/* may sleep */
void lodge_clock_check(struct lodge_vcpu *vcpu); /* before a bracket; may sleep */
bool lodge_clock_stable(void);
u64 lodge_kvmclock_ns(struct lodge_vm *vm);	/* kvmclock now; clock_lock not held */
int lodge_clock_get(struct lodge_vm *vm, struct kvm_clock_data *d);
int lodge_clock_set(struct lodge_vm *vm, const struct kvm_clock_data *d);
int lodge_clock_stopped(struct lodge_vcpu *vcpu);   /* KVM_KVMCLOCK_CTRL */

/* apf.c: asynchronous page faults; apf_worker.c: who brings the pages in (apf.h) */
#define LODGE_APF_MAX		16	/* pages under way, for one vCPU */
#define LODGE_APF_NOWHERE	(~0ULL)
struct lodge_apf_worker;
struct lodge_apf {
	u64 en_msr, int_msr;
	bool on;		/* the guest may be told */
	bool wake_all;		/* it is to look after all it waits for */
	bool closed;		/* [a] no worker is to begin */
	u32 number;		/* of the last token */
	gfn_t alone;		/* a page that no worker could bring in */
	u32 last;		/* of worker[]: whose page was told last */
	u32 nr;			/* published by release */
	struct lodge_apf_worker *worker[LODGE_APF_MAX];
};
struct lodge_host_page;
void lodge_apf_reset(struct lodge_vcpu *vcpu, bool power);
int lodge_apf_enable(struct lodge_vcpu *vcpu, u64 v);
void lodge_apf_again(struct lodge_vcpu *vcpu);
int lodge_apf_fault(struct lodge_vcpu *vcpu, gfn_t gfn, unsigned long hva,
		    bool write, struct lodge_host_page *p);	/* may sleep */
void lodge_apf_ready(struct lodge_vcpu *vcpu);	/* LODGE_REQ_APF: may sleep */
void lodge_apf_interrupt(struct lodge_vcpu *vcpu);	/* any thread */
void lodge_apf_close(struct lodge_vcpu *vcpu);		/* any thread */
void lodge_apf_stop(struct lodge_vcpu *vcpu);		/* may sleep */

/* pv.c */
void lodge_pv_reset(struct lodge_vcpu *vcpu);
int lodge_pv_msr_read(struct lodge_vcpu *vcpu, u32 msr, u64 *v);
int lodge_pv_msr_write(struct lodge_vcpu *vcpu, u32 msr, u64 v, bool host);
int lodge_hypercall(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		    bool may_sleep);

/* state.c: vCPU ioctls on registers; vcpu->mutex held, vCPU not running */
void lodge_regs_get(struct lodge_vcpu *vcpu, struct kvm_regs *r);
int lodge_regs_set(struct lodge_vcpu *vcpu, const struct kvm_regs *r);
void lodge_sregs_get(struct lodge_vcpu *vcpu, struct kvm_sregs *s);
int lodge_sregs_set(struct lodge_vcpu *vcpu, const struct kvm_sregs *s);
void lodge_sregs2_get(struct lodge_vcpu *vcpu, struct kvm_sregs2 *s);
int lodge_sregs2_set(struct lodge_vcpu *vcpu, const struct kvm_sregs2 *s);
int lodge_translate(struct lodge_vcpu *vcpu, struct kvm_translation *t);
void lodge_debugregs_get(struct lodge_vcpu *vcpu, struct kvm_debugregs *d);
int lodge_debugregs_set(struct lodge_vcpu *vcpu, const struct kvm_debugregs *d);
void lodge_events_get(struct lodge_vcpu *vcpu, struct kvm_vcpu_events *e);
int lodge_events_set(struct lodge_vcpu *vcpu, const struct kvm_vcpu_events *e);
void lodge_payload_apply(struct lodge_vcpu *vcpu);
void lodge_init_sipi(struct lodge_vcpu *vcpu);	/* act on what came */
int lodge_mp_get(struct lodge_vcpu *vcpu, struct kvm_mp_state *s);
int lodge_mp_set(struct lodge_vcpu *vcpu, const struct kvm_mp_state *s);
void lodge_vcpu_reset(struct lodge_vcpu *vcpu, bool init);

#endif /* LODGE_CPU_H */
