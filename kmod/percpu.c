// SPDX-License-Identifier: GPL-2.0
/*
 * Holding the hardware, CPU by CPU (design D11, D12).
 *
 * main.c starts and stops it. Each CPU is proved to work when the module
 * loads and when it comes online later. In own mode SVM or VMX is then left
 * on; in share mode nothing stays on outside a bracket. A bracket asks
 * lodge_hw_own() of the very CPU it is on: whenever a CPU had to be let go
 * (offline, suspend, reboot) brackets on it behave as in share mode, so no
 * vCPU need be stopped for any of these. Next: vendor.h.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/suspend.h>

#include "lodge.h"

static DEFINE_PER_CPU(bool, hw_held);
static bool hw_own;		/* mode; constant once loaded */
static bool hw_parked;		/* suspend, reboot: take no CPU now */
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

	if (this_cpu_read(hw_held) || READ_ONCE(hw_parked))
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
	if (!r && hw_own)
		r = hw_take();
	local_irq_restore(flags);

	/* In auto mode, a CPU that is held is no more than a reason to share. */
	if (r && r != -EBUSY && r != -EOPNOTSUPP)
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
	hw_release();
	local_irq_restore(flags);
	WRITE_ONCE(hw_cpus, hw_cpus - 1);
	return 0;
}

static void hw_park_cpu(void *unused)
{
	hw_release();
}

/* As on_each_cpu(), which borrows one symbol more; waits. */
static void hw_each_cpu(smp_call_func_t fn)
{
	on_each_cpu_mask(cpu_possible_mask, fn, NULL, true);
}

static void hw_unpark_cpu(void *unused)
{
	/* Someone may hold it now: then brackets here share, and that's all. */
	if (hw_take())
		pr_warn_once("lodge: a CPU was taken meanwhile, sharing it\n");
}

static int hw_pm_event(struct notifier_block *nb, unsigned long event,
		       void *unused)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		WRITE_ONCE(hw_parked, true);
		hw_each_cpu(hw_park_cpu);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		WRITE_ONCE(hw_parked, false);
		hw_each_cpu(hw_unpark_cpu);
		break;
	}
	return NOTIFY_DONE;
}

/*
 * Reboot, power-off, kexec. A crash comes unannounced, and needs nothing: on
 * AMD INIT and NMI are held only while GIF is 0, that is inside a bracket, and
 * EFER.SVME does not disturb the next kernel.
 */
static int hw_reboot_event(struct notifier_block *nb, unsigned long event,
			   void *unused)
{
	WRITE_ONCE(hw_parked, true);
	hw_each_cpu(hw_park_cpu);
	return NOTIFY_DONE;
}

static struct notifier_block hw_pm_nb = { .notifier_call = hw_pm_event };
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

/**
 * lodge_hw_start() - prove every CPU, and take it if we are to own it
 * @mode: LODGE_MODE_AUTO, _OWN, _SHARE
 *
 * A CPU that comes online later is proved, and taken, before anything can
 * run on it; if it fails it does not come online.
 *
 * Context: module load.
 * Return: 0; -EBUSY if @mode is own and a CPU is held by someone else;
 * another errno if a CPU does not work. Nothing is left behind on failure.
 */
int lodge_hw_start(enum lodge_mode mode)
{
	int r = -EOPNOTSUPP;

	if (mode != LODGE_MODE_SHARE)
		r = hw_try(true);
	if (r && mode == LODGE_MODE_OWN) {
		if (r == -EBUSY)
			pr_err("lodge: another hypervisor holds a CPU, so mode=own is refused\n");
		else if (r == -EOPNOTSUPP)
			pr_err("lodge: this kernel lets no module keep %s on: use mode=share\n",
			       lodge_ops->name);
		return r;
	}
	if (r == -EBUSY || r == -EOPNOTSUPP)
		r = hw_try(false);
	if (r || !hw_own)
		return r;

	r = register_pm_notifier(&hw_pm_nb);
	if (r)
		goto out_cpuhp;
	r = register_reboot_notifier(&hw_reboot_nb);
	if (r)
		goto out_pm;
	return 0;

out_pm:
	unregister_pm_notifier(&hw_pm_nb);
out_cpuhp:
	cpuhp_remove_state(hw_state);
	return r;
}

/**
 * lodge_hw_stop() - let every CPU go
 *
 * Context: module unload, no VM is left.
 */
void lodge_hw_stop(void)
{
	if (hw_own) {
		unregister_reboot_notifier(&hw_reboot_nb);
		unregister_pm_notifier(&hw_pm_nb);
	}
	cpuhp_remove_state(hw_state);
}

/**
 * lodge_hw_mode() - what lodge_hw_start() decided
 *
 * Return: "own" or "share".
 */
const char *lodge_hw_mode(void)
{
	return hw_own ? "own" : "share";
}

/**
 * lodge_hw_cpus() - CPUs that are online, all of them proved
 */
int lodge_hw_cpus(void)
{
	return READ_ONCE(hw_cpus);
}
