/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual machines and virtual CPUs: the words the whole module speaks.
 *
 * Lock order: vm->lock > vcpu->mutex > vm->slots_lock > tdp.lock > irq_lock
 * (docs/LOCKING.md). Tags on fields:
 *   [c] constant after creation     [v] vcpu->mutex: its own thread
 *   [l] vm->lock                    [s] vm->slots_lock to write, srcu to read
 *   [i] vm->irq_lock                [a] atomic
 * Next: exit.h, vendor.h, run.c.
 */
#ifndef LODGE_H
#define LODGE_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "cpu.h"
#include "emul/emul.h"
#include "exit.h"
#include "host.h"
#include "irq/irq.h"
#include "mem.h"
#include "regs.h"
#include "vendor.h"
#include "../uapi/lodge.h"

#define LODGE_VCPUS_MAX		1024	/* KVM_CAP_MAX_VCPUS */
#define LODGE_VCPU_ID_MAX	4096	/* KVM_CAP_MAX_VCPU_ID: APIC ids below it */
#define LODGE_GSI_MAX		4096	/* KVM_CAP_IRQ_ROUTING */

struct lodge_irqchip;
struct lodge_pit;
struct lodge_routes;
struct lodge_lapic;

/* vcpu->requests, bit numbers: looked at before each entry */
enum {
	LODGE_REQ_EVENT,	/* something to inject may have come */
	LODGE_REQ_TLB_FLUSH,
	LODGE_REQ_CLOCK,	/* kvmclock page is to be written */
	LODGE_REQ_STEAL,	/* steal time is to be written */
	LODGE_REQ_TRIPLE_FAULT,
	LODGE_REQ_TIMER,	/* LAPIC timer expired */
	LODGE_REQ_NMI,		/* vcpu->nmi_queued is to be taken */
	LODGE_REQ_APIC_PAGE,	/* it is the hardware's no more */
	LODGE_REQ_EXIT,		/* leave the guest, nothing else */
	LODGE_REQ_SET_TPR,	/* the user is to know that CR8 has fallen */
	LODGE_REQ_IOAPIC_EOI,	/* ... of the end of ioapic_eoi's service */
	LODGE_REQ_RING_FULL,	/* ... that the dirty ring is nearly full */
	LODGE_REQ_STEPPED,	/* the user's debugger is to be told */
	LODGE_REQ_INTERCEPTS,	/* the MSR filter is another */
	LODGE_REQ_APF,		/* a page that the guest waits for may be there */
};

/* struct lodge_events.submitted: what the last entry was asked to deliver */
enum { LODGE_SUBMITTED_NONE, LODGE_SUBMITTED_EXCEPTION, LODGE_SUBMITTED_OTHER };

/* Where a vCPU is; vcpu->mode, written by its thread with interrupts off */
enum {
	LODGE_OUTSIDE,		/* not in a bracket */
	LODGE_INSIDE,		/* in the bracket: needs an IPI to notice */
};

enum lodge_bus_kind { LODGE_BUS_PIO, LODGE_BUS_MMIO, LODGE_BUS_NR };

/* A range of ports or memory that the kernel serves (io_bus.c). */
struct lodge_io_dev {
	/* 0: done; -EOPNOTSUPP: not this one, ask the next or the user.
	 * In or out of the bracket: must not sleep.
	 */
	int (*read)(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev, u64 addr,
		    u32 len, void *data);
	int (*write)(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev, u64 addr,
		     u32 len, const void *data);
	void (*release)(struct lodge_io_dev *dev);	/* may be NULL */
	bool gone;		/* [s] lodge_bus_purge() is to take it off */
};

struct lodge_io_bus;		/* sorted ranges, replaced under vm->srcu */

/* What waits for injection (event.c). [v] */
struct lodge_events {
	struct lodge_event exception;	/* to deliver; takes over from injected */
	bool exception_injected;	/* its delivery had begun before */
	u64 exception_payload;		/* CR2 or DR6 bits, applied at injection */
	bool has_payload;
	struct lodge_event injected;	/* interrupt or NMI, taken and not yet delivered */
	u8 submitted;			/* LODGE_SUBMITTED_* */
	u8 submitted_type, submitted_vector;
	u64 submitted_rip;		/* where its handler was to return to */
	bool irq_window;		/* requested of the hardware */
	u8 nmi_pending;			/* 0..2 */
	u8 sipi_vector;
	int user_irq;			/* KVM_INTERRUPT: vector or -1 */
	u8 soft_len;			/* RIP is still on the INT of that length */
	u8 soft_past;			/* or past it, while it is delivered */
};

/* Raised by INT n, INT3 or INTO, which can be executed again. */
static inline bool lodge_event_soft(const struct lodge_event *e)
{
	return e->type == LODGE_EVENT_SOFT_INTR ||
	       (e->type == LODGE_EVENT_EXCEPTION &&
		(e->vector == LODGE_BP || e->vector == LODGE_OF));
}

#define LODGE_DR7_GD	BIT_ULL(13)	/* accesses to debug registers trap */

/* The user's debugger (debug.c). [v] */
struct lodge_debug {
	u32 control;			/* KVM_GUESTDBG_*; 0: there is none */
	u64 dr[4], dr7;			/* with USE_HW_BP, in place of the guest's */
	u64 rip;			/* behind what has been stepped over */
};

/* Counters, one a kind of exit and a few more; stats.c reads them. [v] */
struct lodge_stats {
	u64 exits[LODGE_EXIT_NR];
	u64 unknown_msr;
	u64 brackets;
	u64 sleeps;
	u64 polls, polls_met;		/* before sleeping; with success */
	u64 injections[5];		/* by LODGE_EVENT_* */
	u64 tdp_faults;
	u64 emulated;			/* instructions */
	u64 signals;			/* that ended KVM_RUN */
	u64 tlb_flushes;		/* of its translations, asked for */
};

/* Elements of a REP INS that the user has been asked for at once (emulate.c) */
struct lodge_ahead {
	u64 rip, rcx;			/* at the first of them */
	u32 nr;				/* in the PIO page; 0: none */
	u32 len;			/* of each, bytes */
};

/* Dirty pages, in memory shared with the user (dirty_ring.c). */
struct lodge_ring {
	struct kvm_dirty_gfn **page;	/* [c] or NULL */
	u32 dirty;			/* dirty_lock: next to be written */
	u32 reset;			/* slots_lock: next to be free again */
};

struct lodge_vcpu {
	struct lodge_regs regs;		/* [v] first: hot */
	u32 avail;			/* [v] LODGE_R_* groups valid in regs */
	u32 dirty;			/* [v] groups to write before entry */
	struct lodge_vm *vm;		/* [c] */
	struct kvm_run *run;		/* [c] page 0 of the mapping; user writes it */
	unsigned long requests;		/* [a] bits LODGE_REQ_* */
	int mode;			/* [a] LODGE_OUTSIDE, LODGE_INSIDE */
	int cpu;			/* [a] where it ran last, or -1 */
	atomic_t nmi_queued;		/* [a] NMIs from other threads */
	u32 mp_state;			/* [v] KVM_MP_STATE_*, others: READ_ONCE */
	bool unhalted;			/* [a] a kick ends this HLT, or the next */
	struct lodge_events events;	/* [v] */
	struct lodge_debug debug;	/* [v] */
	struct lodge_lapic *apic;	/* [c] or NULL */
	bool user_pic;			/* [c] KVM_INTERRUPT: no PIC in the kernel */
	u8 ioapic_eoi;			/* [v] vector, for LODGE_REQ_IOAPIC_EOI */
	struct lodge_cpuid *cpuid;	/* [v] never NULL */
	struct lodge_tdp_vcpu tdp;	/* [v] */
	struct lodge_ring ring;
	struct lodge_fpu fpu;		/* [v] */
	struct lodge_vclock clock;	/* [v] */
	u64 misc_enable, mcg_cap, mcg_status, mcg_ctl;	/* [v] */
	u64 mtrr_def, mtrr_fix[11], mtrr_var[16];	/* [v] */
	u64 mce_bank[32 * 4];		/* [v] CTL, STATUS, ADDR, MISC */
	u32 mce_ctl2[32];		/* [v] */
	u64 pv_eoi_msr, pv_poll_msr;	/* [v] */
	struct lodge_apf apf;		/* [v] */
	bool pv_enforce;		/* [v] CPUID says which of KVM's are there */
	u64 microcode;			/* [v] */
	struct lodge_msrs msr;		/* [v] what else MSRs hold */
	const struct lodge_msr *msr_seen[LODGE_MSR_SEEN]; /* [v] */
	struct lodge_stats stats;	/* [v] */
	struct lodge_emul *emul;	/* [v] state of an instruction under way */
	struct lodge_code *code;	/* [v] instructions that came before */
	u64 pio_next_rip;		/* [v] of an IN, OUT the user is asked for */
	u64 pio_rip;			/* [v] ... and of that itself */
	u8 pio_size;			/* [v] ... 0: OUT */
	struct lodge_ahead ahead;	/* [v] */
	bool emul_may_sleep;		/* [v] this time */
	bool emul_completing;		/* [v] the user's answer is being taken */
	bool emul_slow;			/* [v] it wanted to sleep and may not */
	bool emul_decoded;		/* [v] ... when it had been decoded */
	int (*complete)(struct lodge_vcpu *vcpu);	/* [v] at next KVM_RUN */
	bool ran;			/* [v] CPUID is fixed from then on */
	bool sigset_active;		/* [v] */
	sigset_t sigset;		/* [v] KVM_SET_SIGNAL_MASK */
	struct lodge_explain explain;	/* [v] the last entry that failed */
	struct mutex mutex;		/* one ioctl at a time */
	struct rcuwait wait;		/* HLT sleeps here */
	u32 halt_poll_ns;		/* [v] ... after polling so long */
	struct task_struct *task;	/* [a] thread in KVM_RUN, or NULL */
	u64 serial;			/* [c] no vCPU ever had it before */
	u32 id;				/* [c] APIC id the user chose */
	u32 index;			/* [c] in vm->vcpu[] */
	const void *files;		/* [c] descriptors of its maker; never followed */
	void *pio_page;			/* [c] page 1 of the mapping */
};

struct lodge_vm {
	struct mm_struct *mm;		/* [c] whose ioctls are allowed */
	atomic64_t refs;		/* VM fd, vCPU fds: they can't overflow it */
	struct mutex lock;		/* creation of vCPUs, chips, ENABLE_CAP */
	bool dead;			/* [a] a broken invariant: -EIO from now on */
	u32 nr_vcpus;			/* [l] to write; published by release */
	struct lodge_vcpu *vcpu[LODGE_VCPUS_MAX];	/* as nr_vcpus */

	struct mutex slots_lock;
	struct srcu_struct srcu;	/* slots, io buses; readers may sleep */
	struct lodge_slots __rcu *slots;	/* [s] */
	unsigned long slots_gen;	/* [s] changes of slots; READ_ONCE */
	u64 dirty_manual;		/* [a] KVM_DIRTY_LOG_* */
	u32 ring_entries;		/* [c] of each vCPU's dirty ring; 0: none */
	raw_spinlock_t dirty_lock;	/* writing to rings */
	struct lodge_tdp tdp;		/* tdp.lock */
	struct mmu_notifier notifier;

	struct lodge_io_bus __rcu *bus[LODGE_BUS_NR];	/* [s] */
	void *coalesced_page;		/* [c] ring, page 2 of every vCPU's mapping */
	raw_spinlock_t ring_lock;		/* the coalesced ring */
	struct list_head coalesced;	/* [s] zones */

	raw_spinlock_t irq_lock;	/* chips, lines; interrupts off */
	struct lodge_irqchip *irqchip;	/* [c] once set; NULL: none in the kernel */
	bool split;			/* [c] as irqchip: PIC, I/O APIC are the user's */
	u8 x2apic_api;			/* [a] KVM_X2APIC_API_* */
	struct lodge_pit *pit;		/* [c] once set */
	struct srcu_struct irq_srcu;	/* routes, resamplers; no reader sleeps */
	struct lodge_routes __rcu *routes;	/* [l] to write, irq_srcu to read */
	struct mutex irqfd_lock;
	struct list_head irqfds;	/* irqfd_lock */
	struct list_head resamplers;	/* irqfd_lock to write, irq_srcu to read */
	unsigned long resampled[BITS_TO_LONGS(LODGE_GSI_MAX)];	/* [a] their GSIs */
	struct list_head ioeventfds;	/* [s] */

	raw_spinlock_t clock_lock;
	struct lodge_clock clock;
	u32 max_vcpu_id;		/* [l] */
	struct lodge_msr_filter __rcu *msr_filter; /* [l] to write, irq_srcu to read */
	u32 user_msrs;			/* [l] to write: KVM_MSR_EXIT_REASON_* */
	u32 user_hypercalls;		/* [l] to write: bits KVM_HC_* */
	u64 quirks_off;			/* [l] to write: KVM_X86_QUIRK_* */
	u32 exits_off;			/* [l] to write: KVM_X86_DISABLE_EXITS_* */
	u32 halt_poll_ns;		/* [l] to write: at most so long; 0: never */
	u32 apic_bus_ns;		/* [c] once there is a vCPU */
	bool platform_info_off;		/* [l] to write: guests have no such MSR */
	bool exit_on_emulation;		/* [l] to write: user code, too */
	bool exception_payload;		/* [l] to write: KVM_ENABLE_CAP */
	bool triple_fault_event;	/* [l] to write */
	u32 boot_id;			/* [l] of the vCPU that runs first */
	u32 pid;			/* [c] of the maker */
};

/**
 * LODGE_BUG_ON() - a broken invariant: the VM dies, the host goes on
 * @cond: what must not be
 * @vm: whose invariant it is
 */
#define LODGE_BUG_ON(cond, v) ({					\
	bool __bug = unlikely(cond);					\
	if (WARN_ONCE(__bug, "lodge: broken invariant: %s\n", #cond))	\
		lodge_vm_kill(v);					\
	__bug; })

#ifndef KVM_X86_QUIRK_STUFF_FEATURE_MSRS	/* not in headers of 6.1 */
#define KVM_X86_QUIRK_STUFF_FEATURE_MSRS	(1 << 8)
#endif

/* Has the user had an old habit of KVM's switched off (KVM_X86_QUIRK_*)? */
static inline bool lodge_quirk_off(const struct lodge_vm *vm, u64 quirk)
{
	return unlikely(READ_ONCE(vm->quirks_off) & quirk);
}

/* vm.c */
long lodge_vm_create(unsigned long type);
void lodge_vm_get(struct lodge_vm *vm);
void lodge_vm_put(struct lodge_vm *vm);
void lodge_vm_kill(struct lodge_vm *vm);
int lodge_cap_check(struct lodge_vm *vm, long cap);	/* vm may be NULL */

/* stats.c */
long lodge_vm_stats_fd(struct lodge_vm *vm);
long lodge_vcpu_stats_fd(struct lodge_vcpu *vcpu);

/* vcpu.c */
int lodge_vcpu_create(struct lodge_vm *vm, u32 id);	/* the new fd */
void lodge_vcpu_free(struct lodge_vcpu *vcpu);
struct lodge_vcpu *lodge_vcpu_by_id(struct lodge_vm *vm, u32 id);

/* run.c */
int lodge_vcpu_run(struct lodge_vcpu *vcpu);

/* halt.c */
void lodge_vcpu_wait(struct lodge_vcpu *vcpu);

/* exit.c */
int lodge_exit_handle(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		      bool may_sleep);
const char *lodge_exit_name(u32 kind);
void lodge_skip(struct lodge_vcpu *vcpu, u64 next_rip);
int lodge_hlt(struct lodge_vcpu *vcpu);		/* RIP is past it; a verdict */

/* emulate.c: verdicts; emulate_ops.c */
extern const struct lodge_emul_ops lodge_emulate_ops;
int lodge_emulate(struct lodge_vcpu *vcpu, struct lodge_exit *exit, bool may_sleep);
int lodge_emulate_ud(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		     bool may_sleep);
int lodge_next_rip(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		   bool may_sleep);
int lodge_emulate_create(struct lodge_vcpu *vcpu);
void lodge_emulate_destroy(struct lodge_vcpu *vcpu);

/* code.c */
struct lodge_code {
	u64 rip, cr0, cr3, cr4, efer;	/* under which it holds */
	u32 cs_ar, ss_ar;
	unsigned long slots_gen;
	struct lodge_trail trail;	/* that led to it */
	const u64 __user *user;		/* where it is */
	u64 word[2];			/* what it is ... */
	u64 mask[2];			/* ... in the bytes of the instruction */
	u8 len;				/* of it; 0: not known yet */
	bool decoded;			/* insn is it */
	struct lodge_insn insn;
};

struct lodge_code *lodge_code_get(struct lodge_vcpu *vcpu);
void lodge_code_keep(struct lodge_code *c, unsigned int len);
int lodge_code_create(struct lodge_vcpu *vcpu);

/* task.c */
int lodge_task_switch(struct lodge_vcpu *vcpu, struct lodge_exit *exit);

/* msr_user.c */
struct lodge_msr_filter;
bool lodge_msr_allowed(struct lodge_vcpu *vcpu, u32 msr, bool write);
int lodge_msr_filter_set(struct lodge_vm *vm,
			 const struct kvm_msr_filter *user);
void lodge_msr_filter_release(struct lodge_vm *vm);
int lodge_msr_failed(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		     u64 v, int why);

/* debug.c: verdicts, but for the first two */
int lodge_debug_set(struct lodge_vcpu *vcpu, const struct kvm_guest_debug *d);
void lodge_debug_stepped(struct lodge_vcpu *vcpu);
int lodge_debug_exit(struct lodge_vcpu *vcpu, u8 vector, u64 dr6);
int lodge_debug_request(struct lodge_vcpu *vcpu);
int lodge_debug_access(struct lodge_vcpu *vcpu, struct lodge_exit *exit,
		       bool may_sleep);

static inline bool lodge_stepping(const struct lodge_vcpu *vcpu)
{
	return unlikely(vcpu->debug.control & KVM_GUESTDBG_SINGLESTEP);
}

/* Breakpoints are the user's, and the hardware has his: R_DRS stays as it is. */
static inline bool lodge_debug_drs(const struct lodge_vcpu *vcpu)
{
	return unlikely(vcpu->debug.control & KVM_GUESTDBG_USE_HW_BP);
}

/* What the hardware is to have in DR0 to DR3, and in DR7. */
static inline const u64 *lodge_hw_drs(const struct lodge_vcpu *vcpu)
{
	return lodge_debug_drs(vcpu) ? vcpu->debug.dr : vcpu->regs.dr;
}

static inline u64 lodge_hw_dr7(const struct lodge_vcpu *vcpu)
{
	return lodge_debug_drs(vcpu) ? vcpu->debug.dr7 & ~LODGE_DR7_GD :
				       vcpu->regs.dr7;
}

/* pio.c */
int lodge_pio(struct lodge_vcpu *vcpu, struct lodge_exit *exit);

/* event.c */
void lodge_exception_queue(struct lodge_vcpu *vcpu, u8 vector, bool has_error,
			   u32 error);
void lodge_page_fault_queue(struct lodge_vcpu *vcpu, u32 error, gva_t cr2);
void lodge_fault_queue(struct lodge_vcpu *vcpu, const struct lodge_fault *f);
void lodge_events_inject(struct lodge_vcpu *vcpu);	/* in the bracket */
void lodge_event_requeue(struct lodge_vcpu *vcpu, const struct lodge_event *ev);
void lodge_event_rewind(struct lodge_vcpu *vcpu);
bool lodge_user_irq_ready(struct lodge_vcpu *vcpu);
bool lodge_vcpu_runnable(struct lodge_vcpu *vcpu);
bool lodge_vcpu_wakes(struct lodge_vcpu *vcpu);
void lodge_vcpu_unhalt(struct lodge_vcpu *vcpu);		/* any context */
void lodge_vcpu_woken(struct lodge_vcpu *vcpu);
void lodge_vcpu_request(struct lodge_vcpu *vcpu, int req);	/* any context */
void lodge_vcpu_kick(struct lodge_vcpu *vcpu);			/* any context */
void lodge_vcpu_notify(struct lodge_vcpu *vcpu, u32 marks);	/* any context */
void lodge_vm_request(struct lodge_vm *vm, int req, bool wait);
void lodge_nmi_collect(struct lodge_vcpu *vcpu);
void lodge_nmi_queue(struct lodge_vcpu *vcpu);			/* any context */

/* io_bus.c: 0, or -EOPNOTSUPP: nobody here */
int lodge_bus_register(struct lodge_vm *vm, enum lodge_bus_kind kind, u64 addr,
		       u64 len, struct lodge_io_dev *dev);	/* slots_lock */
void lodge_bus_purge(struct lodge_vm *vm, enum lodge_bus_kind kind);
int lodge_bus_read(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind, u64 addr,
		   u32 len, void *data);
int lodge_bus_write(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind, u64 addr,
		    u32 len, const void *data);
void lodge_bus_destroy(struct lodge_vm *vm);

/* dirty_ring.c */
#define LODGE_DIRTY_RING_BYTES	0x100000	/* KVM_CAP_DIRTY_LOG_RING */

int lodge_ring_enable(struct lodge_vm *vm, u64 bytes);	/* vm->lock */
int lodge_ring_create(struct lodge_vcpu *vcpu);
void lodge_ring_destroy(struct lodge_vcpu *vcpu);
void *lodge_ring_page(struct lodge_vcpu *vcpu, unsigned long index);
void lodge_ring_push(struct lodge_vm *vm, u32 slot, u64 offset);
bool lodge_ring_full(struct lodge_vcpu *vcpu);
int lodge_rings_reset(struct lodge_vm *vm);

/* irqfd.c, ioeventfd.c, coalesced.c */
int lodge_irqfd(struct lodge_vm *vm, const struct kvm_irqfd *args);
void lodge_irqfd_release(struct lodge_vm *vm);
int lodge_ioeventfd(struct lodge_vm *vm, const struct kvm_ioeventfd *args);
int lodge_coalesced_add(struct lodge_vm *vm,
			const struct kvm_coalesced_mmio_zone *z);
int lodge_coalesced_remove(struct lodge_vm *vm,
			   const struct kvm_coalesced_mmio_zone *z);

/* percpu.c */
enum lodge_mode { LODGE_MODE_AUTO, LODGE_MODE_OWN, LODGE_MODE_SHARE };

int lodge_hw_start(enum lodge_mode mode);
void lodge_hw_stop(void);
void lodge_hw_suspend(void);
void lodge_hw_resume(void);
const char *lodge_hw_mode(void);
int lodge_hw_cpus(void);	/* online */
bool lodge_hw_own(void);	/* of this CPU, interrupts off */

/**
 * lodge_need() - make groups of registers valid in vcpu->regs
 * @vcpu: with its mutex held
 * @groups: LODGE_R_*
 */
static inline struct lodge_regs *lodge_need(struct lodge_vcpu *vcpu, u32 groups)
{
	groups &= ~vcpu->avail;
	if (vcpu->avail & LODGE_R_SEGS)
		groups &= ~LODGE_R_CODE;
	if (groups) {
		lodge_ops->sync_from_hw(vcpu, groups);
		vcpu->avail |= groups;
	}
	return &vcpu->regs;
}

/**
 * lodge_touch() - as lodge_need(), and write the groups back before entry
 * @vcpu: with its mutex held
 * @groups: LODGE_R_*
 */
static inline struct lodge_regs *lodge_touch(struct lodge_vcpu *vcpu, u32 groups)
{
	vcpu->dirty |= groups;
	return lodge_need(vcpu, groups);
}

/* Does CPUID fault, as the guest has asked for where it is the user's code? */
static inline bool lodge_cpuid_faults(struct lodge_vcpu *vcpu)
{
	return unlikely(vcpu->msr.misc_features) &&
	       lodge_regs_cpl(lodge_need(vcpu, LODGE_R_CODE | LODGE_R_CRS));
}

static inline bool lodge_request_test(struct lodge_vcpu *vcpu, int req)
{
	return test_and_clear_bit(req, &vcpu->requests);
}

#endif /* LODGE_H */
