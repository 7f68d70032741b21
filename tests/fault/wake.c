// SPDX-License-Identifier: GPL-2.0
/*
 * Wakes a host that idles (s2idle), which on the emulated machines nothing else
 * does: their clock's alarm wakes from S3 alone. It takes the kernel's own
 * tracepoint to know when the host idles, has a timer run out a second later,
 * and says that there was an event to wake up for. Timers stand still in idle
 * states that the kernel's driver for them calls so: none of these may be used.
 * Built for each host's kernel by make.sh, inserted by inside.sh.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>
#include <trace/events/power.h>

static unsigned int asleep_ms;
module_param(asleep_ms, uint, 0444);
MODULE_PARM_DESC(asleep_ms, "how long the host has been idling, in ms");

static ktime_t began;

static void wake(struct work_struct *work)
{
	pm_system_wakeup();
}

static DECLARE_DELAYED_WORK(wake_work, wake);

static void on_suspend_resume(void *data, const char *action, int state,
			      bool start)
{
	if (state != PM_SUSPEND_TO_IDLE || strcmp(action, "machine_suspend"))
		return;
	if (start) {
		began = ktime_get();
		schedule_delayed_work(&wake_work, HZ);
	} else {
		asleep_ms += ktime_ms_delta(ktime_get(), began);
	}
}

static int __init wake_init(void)
{
	return register_trace_suspend_resume(on_suspend_resume, NULL);
}
module_init(wake_init);

static void __exit wake_exit(void)
{
	unregister_trace_suspend_resume(on_suspend_resume, NULL);
	tracepoint_synchronize_unregister();
	cancel_delayed_work_sync(&wake_work);
}
module_exit(wake_exit);

MODULE_DESCRIPTION("wakes a host that idles");
MODULE_LICENSE("GPL");
