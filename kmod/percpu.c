// SPDX-License-Identifier: GPL-2.0
/*
 * Holding the hardware, CPU by CPU (design D11, D12).
 *
 * main.c starts and stops it. Each CPU is proved to work when the module
 * loads and when it comes online later. In own mode SVM or VMX is then left
 * on; in share mode nothing stays on outside a bracket. A bracket asks
 * lodge_hw_own() of the very CPU it is on: whenever a CPU had to be let go
 * (offline, suspend, reboot) brackets on it behave as in share mode, so no
 * vCPU need be stopped for any of these. The same when KVM's module comes:
 * it is lent the CPUs until it goes. Next: vendor.h.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>

#include "lodge.h"

static DEFINE_MUTEX(hw_lock);	/* KVM's module, which comes at any time */
static DEFINE_PER_CPU(bool, hw_up);	/* proved: from hw_online() to hw_offline() */
static DEFINE_PER_CPU(bool, hw_held);
static bool hw_own;		/* CPUs are taken; constant once loaded */
static bool hw_refuse;		/* mode=own: KVM waits; constant once loaded */
static bool hw_lent;		/* KVM's module is there: take no CPU now */
static bool hw_asleep;		/* the host sleeps: take no CPU now */
static bool hw_parked;		/* reboot, unload: take no CPU any more */
static int hw_state;		/* of cpuhp */
static int hw_cpus;		/* online; changed by cpuhp, one CPU at a time */

/**
 * lodge_hw_own() - is SVM or VMX left on by us on this CPU?
 *
 * Context: interrupts off.
 */
bool lodge_hw_own(void)
{
	return this_cpu_read(hw_held);
}

/* Interrupts off. */
static int hw_take(void)
{
	int r;

	if (!this_cpu_read(hw_up) || this_cpu_read(hw_held) || READ_ONCE(hw_lent) ||
	    READ_ONCE(hw_asleep) || READ_ONCE(hw_parked))
		return 0;
	if (lodge_ops->hw_in_use())
		return -EBUSY;
	r = lodge_ops->hw_enable();
	if (!r)
		this_cpu_write(hw_held, true);
	return r;
}

/* Interrupts off. */
static void hw_release(void)
{
	if (!this_cpu_read(hw_held))
		return;
	this_cpu_write(hw_held, false);
	lodge_ops->hw_disable();
}

static int hw_online(unsigned int cpu)
{
	unsigned long flags;
	int r;

	local_irq_save(flags);
	r = lodge_ops->hw_prove();
	this_cpu_write(hw_up, !r);
	if (!r && hw_own)
		r = hw_take();
	/* While it loads the mode depends on it, later it is shared. */
	if (r == -EBUSY && hw_state && !hw_refuse)
		r = 0;
	if (r)
		this_cpu_write(hw_up, false);
	local_irq_restore(flags);

	/* In auto mode, a CPU that is held is no more than a reason to share. */
	if (r && r != -EBUSY)
		pr_err("lodge: CPU %u: %s does not work (%d)\n", cpu,
		       lodge_ops->name, r);
	if (!r)
		WRITE_ONCE(hw_cpus, hw_cpus + 1);
	return r;
}

static int hw_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(hw_up, false);
	hw_release();
	local_irq_restore(flags);
	WRITE_ONCE(hw_cpus, hw_cpus - 1);
	return 0;
}

static void hw_release_cpu(void *unused)
{
	hw_release();
}

static void hw_take_cpu(void *unused)
{
	/* Someone may hold it now: then brackets here share, and that's all. */
	if (hw_own && hw_take())
		pr_warn_once("lodge: a CPU was taken meanwhile, sharing it\n");
}

/* As on_each_cpu(), which borrows one symbol more; waits. */
static void hw_each_cpu(smp_call_func_t fn)
{
	on_each_cpu_mask(cpu_possible_mask, fn, NULL, true);
}

/*
 * What ends brackets and own mode in a crash can be told to the kernel while
 * KVM's module, which does that for both, is not there. hw_lock is held, but
 * for the first time, when nobody else is there yet.
 */
static void hw_lend(void)
{
	WRITE_ONCE(hw_lent, true);
	hw_each_cpu(hw_release_cpu);
	lodge_host_crash_hook(NULL);
}

static void hw_reclaim(void)
{
	lodge_host_crash_hook(lodge_ops->hw_crash);
	WRITE_ONCE(hw_lent, false);
	hw_each_cpu(hw_take_cpu);
}

static int hw_kvm_comes(void)
{
	int r = 0;

	mutex_lock(&hw_lock);
	if (hw_lent) {
		/* It was seen at load already. */
	} else if (hw_refuse && !hw_parked) {
		pr_warn("lodge: mode=own holds the CPUs, so %s has to wait: rmmod lodge, or load it with mode=auto\n",
			lodge_ops->kvm);
		r = -EBUSY;
	} else {
		hw_lend();
		if (hw_own && !hw_parked)
			pr_info("lodge: %s comes: mode share from now on\n",
				lodge_ops->kvm);
	}
	mutex_unlock(&hw_lock);
	return r;
}

static void hw_kvm_gone(void)
{
	mutex_lock(&hw_lock);
	if (hw_lent && !hw_parked) {
		hw_reclaim();
		if (hw_own)
			pr_info("lodge: %s has gone: mode own again\n",
				lodge_ops->kvm);
	}
	mutex_unlock(&hw_lock);
}

static int hw_module_event(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	const struct module *module = data;
	int r = 0;

	if (!lodge_same(module->name, lodge_ops->kvm))
		return NOTIFY_DONE;
	if (event == MODULE_STATE_COMING)
		r = hw_kvm_comes();
	else if (event == MODULE_STATE_GOING)
		hw_kvm_gone();
	return notifier_from_errno(r);
}

/**
 * lodge_hw_suspend() - the host goes to sleep, or makes an image of its memory
 *
 * Context: processes are frozen, interrupts on.
 */
void lodge_hw_suspend(void)
{
	WRITE_ONCE(hw_asleep, true);
	hw_each_cpu(hw_release_cpu);
}

/**
 * lodge_hw_resume() - it is awake, all its CPUs are back
 */
void lodge_hw_resume(void)
{
	WRITE_ONCE(hw_asleep, false);
	hw_each_cpu(hw_take_cpu);
}

/*
 * Reboot, power-off, kexec. A crash comes unannounced: see hw_lend(). On AMD it
 * needs nothing: INIT and NMI are held only while GIF is 0, that is inside a
 * bracket, and EFER.SVME does not disturb the next kernel.
 */
static int hw_reboot_event(struct notifier_block *nb, unsigned long event,
			   void *unused)
{
	WRITE_ONCE(hw_parked, true);
	hw_each_cpu(hw_release_cpu);
	return NOTIFY_DONE;
}

static struct notifier_block hw_module_nb = {
	.notifier_call = hw_module_event,
};

static struct notifier_block hw_reboot_nb = {
	.notifier_call = hw_reboot_event,
};

/* On failure on any CPU, those done are undone by cpuhp itself. */
static int hw_try(bool own)
{
	int r;

	hw_own = own;
	r = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lodge:online", hw_online,
			      hw_offline);
	if (r < 0)
		return r;
	hw_state = r;
	return 0;
}

/* Take the CPUs, or learn that they are to be shared. */
static int hw_begin(enum lodge_mode mode)
{
	int r;

	if (mode == LODGE_MODE_OWN && !lodge_caps.may_own) {
		pr_err("lodge: this kernel lets no module keep %s on: use mode=share\n",
		       lodge_ops->name);
		return -EOPNOTSUPP;
	}
	if (mode == LODGE_MODE_OWN && hw_lent) {
		pr_err("lodge: %s is loaded, so mode=own is refused: rmmod it, or use mode=auto\n",
		       lodge_ops->kvm);
		return -EBUSY;
	}
	r = hw_try(mode != LODGE_MODE_SHARE && lodge_caps.may_own);
	if (r == -EBUSY && mode == LODGE_MODE_OWN)
		pr_err("lodge: another hypervisor holds a CPU, so mode=own is refused\n");
	else if (r == -EBUSY)
		r = hw_try(false);
	return r;
}

/* Nobody lends or takes any more. */
static void hw_end(void)
{
	mutex_lock(&hw_lock);
	WRITE_ONCE(hw_parked, true);
	hw_lend();
	mutex_unlock(&hw_lock);
	unregister_reboot_notifier(&hw_reboot_nb);
	unregister_module_notifier(&hw_module_nb);
}

/**
 * lodge_hw_start() - prove every CPU, and take it if we are to own it
 * @mode: LODGE_MODE_AUTO, _OWN, _SHARE
 *
 * A CPU that comes online later is proved, and taken, before anything can
 * run on it; if it fails it does not come online. In mode auto the CPUs are
 * owned while KVM's module is not loaded; in mode own it can't be.
 *
 * Context: module load.
 * Return: 0; -EBUSY if @mode is own and KVM's module is there, or a CPU is
 * held by someone else; -EOPNOTSUPP if @mode is own and the hardware can't be
 * left on; another errno if a CPU does not work. Nothing is left behind on
 * failure.
 */
int lodge_hw_start(enum lodge_mode mode)
{
	int r;

	hw_refuse = mode == LODGE_MODE_OWN;
	r = register_module_notifier(&hw_module_nb);
	if (r)
		return r;
	r = register_reboot_notifier(&hw_reboot_nb);
	if (r) {
		unregister_module_notifier(&hw_module_nb);
		return r;
	}
	mutex_lock(&hw_lock);
	hw_lent = lodge_host_module_there(lodge_ops->kvm);
	if (!hw_lent)
		lodge_host_crash_hook(lodge_ops->hw_crash);
	r = hw_begin(mode);
	mutex_unlock(&hw_lock);
	if (r)
		hw_end();
	return r;
}

/**
 * lodge_hw_stop() - let every CPU go
 *
 * Context: module unload, no VM is left.
 */
void lodge_hw_stop(void)
{
	hw_end();
	cpuhp_remove_state(hw_state);
}

/**
 * lodge_hw_mode() - what the CPUs are
 *
 * Return: "own", or "share", which they are also while lent to KVM.
 */
const char *lodge_hw_mode(void)
{
	return hw_own && !READ_ONCE(hw_lent) ? "own" : "share";
}

/**
 * lodge_hw_cpus() - CPUs that are online, all of them proved
 */
int lodge_hw_cpus(void)
{
	return READ_ONCE(hw_cpus);
}
