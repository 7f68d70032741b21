// SPDX-License-Identifier: GPL-2.0
/*
 * The host kernel's door: what is borrowed and changes from kernel to kernel.
 *
 * Everyone calls it, through host.h. What a kernel has is found by probe.mk in
 * its headers and its list of exported symbols; there are no version numbers.
 * Next: main.c.
 */

#ifdef LODGE_HAVE_ENTRY_VIRT
#include <linux/entry-virt.h>
#else
#include <linux/entry-kvm.h>
#endif
#ifdef LODGE_HAVE_RSEQ_VIRT
#include <linux/rseq.h>
#endif
#ifndef LODGE_HAVE_XFER_VOID
#include <linux/kvm_host.h>
#endif
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/asm.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include "lodge.h"

/**
 * lodge_host_timer_init() - make an hrtimer on the monotonic clock
 * @t: timer, not yet in use
 * @fn: called when it expires, in hard interrupt context
 */
void lodge_host_timer_init(struct hrtimer *t,
			   enum hrtimer_restart (*fn)(struct hrtimer *))
{
#ifdef LODGE_HAVE_HRTIMER_SETUP
	hrtimer_setup(t, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
#else
	hrtimer_init(t, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	t->function = fn;
#endif
}

/**
 * lodge_host_interrupt() - an interrupt to a CPU that means nothing
 * @cpu: online; a guest there is left
 *
 * Context: preemption off. With interrupts off it may be this CPU: a guest that
 * is entered takes the event that is injected, and then leaves for this before
 * its next instruction.
 */
void lodge_host_interrupt(int cpu)
{
	apic->send_IPI(cpu, RESCHEDULE_VECTOR);
}

/**
 * lodge_host_post() - have a CPU collect what is posted to the guest it runs
 * @cpu: online
 *
 * Outside of guests the kernel has a handler, which does nothing.
 *
 * Context: preemption off.
 */
void lodge_host_post(int cpu)
{
	apic->send_IPI(cpu, LODGE_POST_VECTOR);
}

/**
 * lodge_host_eventfd_signal() - add 1 to an eventfd
 * @ctx: a reference to it is held
 *
 * Context: any.
 */
void lodge_host_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef LODGE_HAVE_EVENTFD_SIGNAL_N
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

/**
 * lodge_host_module_there() - is a module loaded, or about to be?
 * @name: as /proc/modules has it
 *
 * Of one that is not yet seen here, the module notifier will still tell. There
 * is a list, and no function to search it: its head is the kernel's own and no
 * module, and alone lies in the kernel's image.
 *
 * Context: any.
 */
bool lodge_host_module_there(const char *name)
{
	struct list_head *self = &THIS_MODULE->list, *at;
	const struct module *module;
	unsigned long flags;
	bool there = false;

	local_irq_save(flags);		/* RCU: none of them is freed */
	for (at = READ_ONCE(self->next); at != self; at = READ_ONCE(at->next)) {
		if ((unsigned long)at >= __START_KERNEL_map &&
		    (unsigned long)at < MODULES_VADDR)
			continue;
		module = list_entry(at, struct module, list);
		if (READ_ONCE(module->state) != MODULE_STATE_UNFORMED &&
		    lodge_same(module->name, name))
			there = true;
	}
	local_irq_restore(flags);
	return there;
}

#define LOG_BURST	10
#define LOG_INTERVAL	(5ULL * NSEC_PER_SEC)

/**
 * lodge_log_may() - may a line be logged that a guest can bring about?
 * @log: the place it comes from
 *
 * Ten in five seconds, of all guests.
 *
 * Context: any but NMIs.
 */
bool lodge_log_may(struct lodge_log *log)
{
	static DEFINE_RAW_SPINLOCK(lock);
	u64 now = ktime_get_ns();
	unsigned long flags;
	bool may;

	lodge_lock_irqsave(&lock, flags);
	if (!log->since || now - log->since > LOG_INTERVAL) {
		log->since = now;
		log->nr = 0;
	}
	may = log->nr < LOG_BURST;
	log->nr += may;
	lodge_unlock_irqrestore(&lock, flags);
	return may;
}

/*
 * VT-x left on has two consequences. The kernel writes CR4 from a copy, which
 * must have VMXE. And a CPU in VMX operation takes no INIT and keeps CR4.VMXE
 * from being cleared: a crash kernel, or firmware after a crash, would not
 * come up. A kernel has one pointer to a function that ends it then, KVM's
 * while KVM is there: of KVM that is part of the kernel itself nothing tells
 * whether it has taken it.
 */
#if defined(LODGE_HAVE_CR4_UPDATE) && defined(LODGE_HAVE_EMERGENCY) && \
	!IS_BUILTIN(CONFIG_KVM_INTEL)

bool lodge_host_vmx_may_stay(void)
{
	return true;
}

/**
 * lodge_host_cr4_vmxe() - CR4.VMXE, in the CPU and in the kernel's copy
 * @on: set it, or clear it
 *
 * Context: interrupts off.
 */
void lodge_host_cr4_vmxe(bool on)
{
	cr4_update_irqsoff(on ? X86_CR4_VMXE : 0, on ? 0 : X86_CR4_VMXE);
}

/**
 * lodge_host_crash_hook() - what each CPU is to do when the kernel crashes
 * @fn: called with interrupts off or in an NMI, and the CPU does nothing else
 *	of ours any more; NULL: nothing
 *
 * Context: may sleep; one caller at a time. KVM's module is not there.
 */
void lodge_host_crash_hook(void (*fn)(void))
{
	static cpu_emergency_virt_cb *now;

	if (now)
		cpu_emergency_unregister_virt_callback(now);
	now = fn;
	if (now)
		cpu_emergency_register_virt_callback(now);
}

#else

bool lodge_host_vmx_may_stay(void)
{
	return false;
}

void lodge_host_cr4_vmxe(bool on)
{
}

void lodge_host_crash_hook(void (*fn)(void))
{
}

#endif

#ifdef LODGE_HAVE_XFER_VOID

static int host_work(void)
{
	return xfer_to_guest_mode_handle_work();
}

int lodge_host_init(void)
{
	return 0;
}

void lodge_host_exit(void)
{
}

#else

/*
 * Until 6.17 or so the kernel's function wants KVM's own vCPU, to write two
 * words of it when a signal is pending: run->exit_reason and a counter. It
 * gets a dummy, one for all: what is written there is never read.
 */
static struct kvm_vcpu *host_dummy;

static int host_work(void)
{
	return xfer_to_guest_mode_handle_work(host_dummy);
}

/**
 * lodge_host_init() - at load, before any other function of this file
 *
 * Return: 0 or -ENOMEM.
 */
int lodge_host_init(void)
{
	host_dummy = kvzalloc(sizeof(*host_dummy), GFP_KERNEL);
	if (!host_dummy)
		return -ENOMEM;
	host_dummy->run = kvzalloc(sizeof(*host_dummy->run), GFP_KERNEL);
	if (host_dummy->run)
		return 0;
	kvfree(host_dummy);
	return -ENOMEM;
}

/**
 * lodge_host_exit() - at unload, undoes lodge_host_init()
 */
void lodge_host_exit(void)
{
	kvfree(host_dummy->run);
	kvfree(host_dummy);
}

#endif /* LODGE_HAVE_XFER_VOID */

/**
 * lodge_host_work() - do what the host wants of this thread
 * @vcpu: the vCPU the thread is running; its mutex is held
 *
 * Reschedules, runs task work. For a signal, kvm_run says KVM_EXIT_INTR.
 *
 * Context: interrupts on, may sleep.
 * Return: 0, or -EINTR if a signal is pending.
 */
int lodge_host_work(struct lodge_vcpu *vcpu)
{
	int r = host_work();

	if (r)
		vcpu->run->exit_reason = KVM_EXIT_INTR;
	return r;
}

/**
 * lodge_host_work_pending() - must lodge_host_work() be called first?
 *
 * Context: interrupts off, just before the guest is entered.
 */
bool lodge_host_work_pending(void)
{
	return xfer_to_guest_mode_work_pending();
}

/**
 * lodge_host_user_return() - KVM_RUN is about to return to its caller
 *
 * Restartable sequences: newer kernels note a migration when the thread goes
 * back to user mode, and must be told that it was inside KVM_RUN until now.
 */
void lodge_host_user_return(void)
{
#ifdef LODGE_HAVE_RSEQ_VIRT
	rseq_virt_userspace_exit();
#endif
}

/**
 * lodge_host_tss_cut() - the limit of this CPU's TSS is the least there is
 *
 * A VM exit of VT-x sets it so. The bitmap of ports that user programs may use
 * lies behind: the kernel loads TR anew before it runs one that has such.
 *
 * Context: interrupts off.
 */
void lodge_host_tss_cut(void)
{
#ifdef CONFIG_X86_IOPL_IOPERM
	this_cpu_write(__tss_limit_invalid, true);
#endif
}

/**
 * lodge_rdmsr_safe() - read an MSR that may not exist
 * @msr: its number
 * @v: what it holds, 0 if it faults
 *
 * Return: 0 or -EIO.
 */
int lodge_rdmsr_safe(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;
	int err = -EIO;

	asm volatile("1: rdmsr\n\t"
		     "xorl %k0, %k0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (err), "+a" (lo), "+d" (hi) : "c" (msr));
	*v = err ? 0 : lo | (u64)hi << 32;
	return err;
}

/**
 * lodge_wrmsr_safe() - write an MSR that may refuse
 * @msr: its number
 * @v: what to write
 *
 * Return: 0 or -EIO.
 */
int lodge_wrmsr_safe(u32 msr, u64 v)
{
	int err = -EIO;

	asm volatile("1: wrmsr\n\t"
		     "xorl %k0, %k0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (err)
		     : "c" (msr), "a" ((u32)v), "d" ((u32)(v >> 32))
		     : "memory");
	return err;
}

/**
 * lodge_host_drs_load() - a guest's DR0 to DR3 into the CPU
 * @h: this CPU's; notes what was there, unless a guest's are there already
 * @dr: the guest's
 *
 * Context: in the bracket. The world switch loads DR7, and until then it is 0.
 */
void lodge_host_drs_load(struct lodge_host_drs *h, const u64 *dr)
{
	if (!h->loaded) {
		h->found[0] = native_get_debugreg(0);
		h->found[1] = native_get_debugreg(1);
		h->found[2] = native_get_debugreg(2);
		h->found[3] = native_get_debugreg(3);
		native_set_debugreg(7, 0);
	}
	native_set_debugreg(0, dr[0]);
	native_set_debugreg(1, dr[1]);
	native_set_debugreg(2, dr[2]);
	native_set_debugreg(3, dr[3]);
	h->loaded = true;
}

/**
 * lodge_host_drs_restore() - put back what lodge_host_drs_load() noted
 * @h: this CPU's
 *
 * Context: in the bracket, before DR7.
 */
void lodge_host_drs_restore(struct lodge_host_drs *h)
{
	native_set_debugreg(0, h->found[0]);
	native_set_debugreg(1, h->found[1]);
	native_set_debugreg(2, h->found[2]);
	native_set_debugreg(3, h->found[3]);
	h->loaded = false;
}
