/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host kernel's door: all that Lodge borrows from it and that changes
 * from kernel to kernel. Probed by probe.mk, never by version. Next: host.c.
 */
#ifndef LODGE_HOST_H
#define LODGE_HOST_H

#include <linux/cpumask.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/gfp.h>
#include <linux/mm_types.h>
#include <linux/thread_info.h>
#include <asm/irq_vectors.h>
#include "pure.h"

struct lodge_vcpu;

int lodge_host_init(void);	/* at load: 0 or -ENOMEM */
void lodge_host_exit(void);

bool lodge_host_module_there(const char *name);

/* As raw_spin_lock_irqsave() and its counterpart, which are two symbols more. */
#define lodge_lock_irqsave(lock, flags) do {	\
	preempt_disable();			\
	local_irq_save(flags);			\
	raw_spin_lock(lock);			\
} while (0)
#define lodge_unlock_irqrestore(lock, flags) do {	\
	raw_spin_unlock(lock);				\
	local_irq_restore(flags);			\
	preempt_enable();	/* whoever was woken runs */	\
} while (0)

/* A place whose lines in the log guests can bring about, as often as they like. */
struct lodge_log {
	u64 since;
	unsigned int nr;
};
bool lodge_log_may(struct lodge_log *log);	/* now? */
#define lodge_warn_limited(...) do {		\
	static struct lodge_log __log;		\
	if (lodge_log_may(&__log))		\
		pr_warn(__VA_ARGS__);		\
} while (0)

/* May VT-x stay on outside a bracket? The other two need that it may. */
bool lodge_host_vmx_may_stay(void);
void lodge_host_cr4_vmxe(bool on);	/* on this CPU, interrupts off */
void lodge_host_crash_hook(void (*fn)(void));

/* hrtimers: hrtimer_init() or hrtimer_setup() */
void lodge_host_timer_init(struct hrtimer *t,
			   enum hrtimer_restart (*fn)(struct hrtimer *));
/* Preemption off: an interrupt ends the run of a guest on a CPU ... */
void lodge_host_interrupt(int cpu);
/*
 * ... and another has it collect; 0: this kernel has none for that. Nor can it
 * be where a timer is armed again on the way out of an interrupt that interrupts
 * were on for: with it come handlers that are called with interrupts off.
 */
#if defined(POSTED_INTR_VECTOR) && !defined(TIF_HRTIMER_REARM)
#define LODGE_POST_VECTOR	POSTED_INTR_VECTOR
#else
#define LODGE_POST_VECTOR	0
#endif
void lodge_host_post(int cpu);
void lodge_host_eventfd_signal(struct eventfd_ctx *ctx);

/* Before guest entry, interrupts on: signals, resched, task work. 0 or -EINTR */
int lodge_host_work(struct lodge_vcpu *vcpu);
void lodge_host_tss_cut(void);		/* the CPU's TSS has its least limit */
bool lodge_host_work_pending(void);	/* interrupts off, just before entry */
/* rseq and the like, before KVM_RUN returns to the user */
void lodge_host_user_return(void);

/*
 * A zeroed page, or NULL. All memory comes from these and from kvmalloc() and
 * its kin: each other allocator would be one more thing borrowed.
 */
static inline void *lodge_page_alloc(void)
{
	return alloc_pages_exact(PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

static inline void lodge_page_free(void *page)
{
	if (page)
		free_pages_exact(page, PAGE_SIZE);
}

/* Where it is in physical memory, as seen through the host's direct map. */
static inline hpa_t lodge_page_pa(const void *page)
{
	return (unsigned long)page - PAGE_OFFSET;
}

/* CPUs have lower numbers. The kernel's own bound would have to be borrowed. */
#define LODGE_CPUS_MAX	((int)(8 * sizeof(struct cpumask)))

/* The page behind a user address of current->mm; see host_page.c. */
struct lodge_host_page {
	hpa_t hpa;		/* of the 4K page, encryption bit included */
	int level;		/* host maps it as 1 4K, 2 2M, 3 1G */
	bool writable;
	bool uncached;		/* not write-back: device memory */
};
bool lodge_host_page_look(unsigned long hva, bool write,
			  struct lodge_host_page *p);
int lodge_host_page_get(unsigned long hva, bool write,
			struct lodge_host_page *p);
int lodge_host_page_try(unsigned long hva, bool write,
			struct lodge_host_page *p);
int lodge_host_page_bring(struct mm_struct *mm, unsigned long hva, bool write);
void lodge_host_crypt_init(void);	/* at load */
u64 lodge_host_crypt_bit(void);		/* memory encryption, or 0 */

/* A page of ours as hardware is told of it: where memory is encrypted, it is. */
static inline hpa_t lodge_hw_pa(const void *page)
{
	return lodge_page_pa(page) | lodge_host_crypt_bit();
}

int lodge_host_levels(void);		/* of the host's page tables: 4 or 5 */

/* DR0 to DR3 as found on a CPU, while a guest's are in it. */
struct lodge_host_drs {
	u64 found[4];
	bool loaded;
};
void lodge_host_drs_load(struct lodge_host_drs *h, const u64 *dr);
void lodge_host_drs_restore(struct lodge_host_drs *h);

/* What the host wants between brackets against speculation (host_barrier.c). */
#define LODGE_BARRIER_SWITCH	BIT(0)	/* IBPB before another vCPU's guest */
#define LODGE_BARRIER_LEAVE	BIT(1)	/* IBPB before user mode */
#define LODGE_BARRIER_L1D	BIT(2)	/* flush the first-level data cache */
#define LODGE_BARRIER_REDUCE	BIT(3)	/* BP_CFG.BpSpecReduce while guests run */
extern u8 lodge_barriers;

struct lodge_caps;
void lodge_barriers_init(struct lodge_caps *caps);
void lodge_barrier_begin(u64 serial);
void lodge_barrier_end(void);
void lodge_barrier_l1d(void);

/* MSRs without the kernel's wrappers, which changed names. */
static inline u64 lodge_rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

static inline void lodge_wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32))
		     : "memory");
}

static inline void lodge_cpuid_host(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c,
				    u32 *d)
{
	asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
		     : "a"(leaf), "c"(sub));
}

/* strcmp() would be one more symbol to borrow. */
static inline bool lodge_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

int lodge_rdmsr_safe(u32 msr, u64 *v);	/* -EIO if it faults */
int lodge_wrmsr_safe(u32 msr, u64 v);

#endif /* LODGE_HOST_H */
