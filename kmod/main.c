// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading, and /dev/lodge with its ioctls.
 *
 * The only file that knows the backends. Next: percpu.c, vm.c.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/slab.h>

#include "ioctl.h"
#include "lodge.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

const struct lodge_vendor_ops *lodge_ops __ro_after_init;
struct lodge_caps lodge_caps __ro_after_init;

static char *device = "lodge";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "name in /dev; \"kvm\" also takes KVM's device number");

static char *mode = "auto";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "auto, own (keep the CPUs), share (with KVM)");

/* A backend for each maker, by the vendor string of CPUID. */
static const struct {
	const char *cpu;
	const struct lodge_vendor_ops *ops;
} backends[] = {
	{ "AuthenticAMD", &svm_ops },
	{ "HygonGenuine", &svm_ops },
	{ "GenuineIntel", &vmx_ops },
};

static const char * const mode_names[] = {
	[LODGE_MODE_AUTO] = "auto",
	[LODGE_MODE_OWN] = "own",
	[LODGE_MODE_SHARE] = "share",
};

static long dev_api_version(const struct lodge_call *c)
{
	return c->arg ? -EINVAL : KVM_API_VERSION;
}

static long dev_create_vm(const struct lodge_call *c)
{
	return lodge_vm_create(c->arg);
}

static long dev_check_extension(const struct lodge_call *c)
{
	return lodge_cap_check(NULL, c->arg);
}

static long dev_mmap_size(const struct lodge_call *c)
{
	return c->arg ? -EINVAL : LODGE_MMAP_PAGES * PAGE_SIZE;
}

static long dev_supported_cpuid(const struct lodge_call *c)
{
	struct kvm_cpuid2 __user *user = c->user;
	struct kvm_cpuid_entry2 *entry;
	struct kvm_cpuid2 head;
	int r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!head.nent)
		return -E2BIG;
	head.nent = min_t(u32, head.nent, LODGE_CPUID_MAX);
	entry = kvcalloc(head.nent, sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	r = lodge_cpuid_supported(entry, head.nent);
	if (r < 0)
		goto out;
	head.nent = r;
	r = 0;
	if (copy_to_user(user->entries, entry, head.nent * sizeof(*entry)) ||
	    copy_to_user(user, &head, sizeof(head)))
		r = -EFAULT;
out:
	kvfree(entry);
	return r;
}

/* The number there are is written back even if there is no room for them. */
static long msr_list_copy(struct kvm_msr_list __user *user,
			  u32 (*fill)(u32 *list, u32 room))
{
	u32 *list, room, nr = fill(NULL, 0);
	long r = 0;

	if (copy_from_user(&room, &user->nmsrs, sizeof(room)) ||
	    copy_to_user(&user->nmsrs, &nr, sizeof(nr)))
		return -EFAULT;
	if (room < nr)
		return -E2BIG;
	list = kvcalloc(nr, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	fill(list, nr);
	if (copy_to_user(user->indices, list, nr * sizeof(*list)))
		r = -EFAULT;
	kvfree(list);
	return r;
}

static long dev_msr_list(const struct lodge_call *c)
{
	return msr_list_copy(c->user, lodge_msr_list);
}

static long dev_msr_feature_list(const struct lodge_call *c)
{
	return msr_list_copy(c->user, lodge_msr_feature_list);
}

static int feature_msr_get(struct lodge_vcpu *unused, u32 msr, u64 *v)
{
	return lodge_msr_feature_read(msr, v);
}

static long dev_get_msrs(const struct lodge_call *c)
{
	return lodge_msrs_copy(NULL, c->user, feature_msr_get, true);
}

static long dev_mce_cap(const struct lodge_call *c)
{
	*(u64 *)c->buf = LODGE_MCG_CAP;
	return 0;
}

/* The one attribute of the device: XCR0 bits that a guest can have. */
static long dev_has_attr(const struct lodge_call *c)
{
	const struct kvm_device_attr *a = c->buf;

	return a->group || a->attr != KVM_X86_XCOMP_GUEST_SUPP ? -ENXIO : 0;
}

static long dev_get_attr(const struct lodge_call *c)
{
	const struct kvm_device_attr *a = c->buf;
	u64 xcr0 = lodge_fpu_features();
	long r = dev_has_attr(c);

	if (!r && copy_to_user(u64_to_user_ptr(a->addr), &xcr0, sizeof(xcr0)))
		r = -EFAULT;
	return r;
}

static const struct lodge_ioctl dev_ioctls[] = {
	{ KVM_GET_API_VERSION, 0, dev_api_version },
	{ KVM_CREATE_VM, 0, dev_create_vm },
	{ KVM_GET_MSR_INDEX_LIST, LODGE_IOCTL_RAW, dev_msr_list },
	{ KVM_CHECK_EXTENSION, 0, dev_check_extension },
	{ KVM_GET_VCPU_MMAP_SIZE, 0, dev_mmap_size },
	{ KVM_GET_SUPPORTED_CPUID, LODGE_IOCTL_RAW, dev_supported_cpuid },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, LODGE_IOCTL_RAW,
	  dev_msr_feature_list },
	{ KVM_GET_MSRS, LODGE_IOCTL_RAW, dev_get_msrs },
	{ KVM_X86_GET_MCE_CAP_SUPPORTED, 0, dev_mce_cap },
	{ KVM_GET_DEVICE_ATTR, 0, dev_get_attr },
	{ KVM_HAS_DEVICE_ATTR, 0, dev_has_attr },
};

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lodge_call call = { .arg = arg };

	return lodge_ioctl_call(dev_ioctls, ARRAY_SIZE(dev_ioctls), cmd, &call,
				-EINVAL);
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
};

static struct miscdevice lodge_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.fops = &dev_fops,
	.mode = 0660,
};

static void name_add(char *text, const char *name)
{
	const size_t size = LODGE_CAPS_NAMES;
	size_t n = 0;

	while (n < size - 1 && text[n])
		n++;
	snprintf(text + n, size - n, n ? " %s" : "%s", name);
}

/**
 * lodge_caps_name() - a feature's name, for the line that tells what there is
 * @caps: to add it to
 * @has: the CPU has the feature
 * @use: and it is used
 * @name: one word
 *
 * Context: module load, in a backend's probe().
 */
void lodge_caps_name(struct lodge_caps *caps, bool has, bool use,
		     const char *name)
{
	name_add(!has ? caps->absent : use ? caps->used : caps->unused, name);
}

/**
 * lodge_barrier_name() - the same for a barrier against speculation
 * @caps: to add it to
 * @name: one word
 *
 * Context: module load.
 */
void lodge_barrier_name(struct lodge_caps *caps, const char *name)
{
	name_add(caps->barriers, name);
}

static int __init backend_choose(void)
{
	u32 max, id[4] = { 0 };
	size_t i;
	int r;

	lodge_cpuid_host(0, 0, &max, &id[0], &id[2], &id[1]);
	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		if (!lodge_same(backends[i].cpu, (char *)id))
			continue;
		lodge_ops = backends[i].ops;
		r = lodge_ops->probe(&lodge_caps);
		if (r != -ENODEV)
			return r;
		pr_err("lodge: this CPU has no %s\n", lodge_ops->name);
		return -EOPNOTSUPP;
	}
	pr_err("lodge: CPUs of %s are not supported\n", (char *)id);
	return -EOPNOTSUPP;
}

static int __init mode_parse(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mode_names); i++)
		if (lodge_same(mode, mode_names[i]))
			return i;
	pr_err("lodge: mode=%s is none of auto, own, share\n", mode);
	return -EINVAL;
}

static int dev_suspend(struct device *unused)
{
	lodge_hw_suspend();
	return 0;
}

static int dev_resume(struct device *unused)
{
	lodge_hw_resume();
	return 0;
}

/* Called with processes frozen, before CPUs go and when all are back. */
static const struct dev_pm_ops dev_pm = {
	NOIRQ_SYSTEM_SLEEP_PM_OPS(dev_suspend, dev_resume)
};

static const struct device_type dev_type = { .pm = &dev_pm };

static int __init lodge_dev_register(void)
{
	int r;

	lodge_dev.name = device;
	if (lodge_same(device, "kvm"))
		lodge_dev.minor = KVM_MINOR;
	r = misc_register(&lodge_dev);
	if (r) {
		pr_err("lodge: /dev/%s can't be made (%d): is the name in use?\n",
		       device, r);
		return r;
	}
	/* Nothing may be left out because it had no callbacks so far. */
	dev_pm_set_driver_flags(lodge_dev.this_device,
				DPM_FLAG_NO_DIRECT_COMPLETE);
	lodge_dev.this_device->type = &dev_type;
	return 0;
}

/* What needs no hardware: tables made once. */
static int __init tables_init(void)
{
	int r;

	r = lodge_fpu_module_init();
	if (!r)
		r = lodge_cpuid_init();
	if (r)
		pr_err("lodge: can't learn what this CPU has (%d)\n", r);
	return r;
}

static int __init lodge_init(void)
{
	int r, want;

	want = mode_parse();
	if (want < 0)
		return want;
	r = lodge_host_init();
	if (r)
		return r;
	lodge_host_crypt_init();
	r = backend_choose();
	if (r)
		goto out_host;
	r = tables_init();
	if (r)
		goto out_host;
	lodge_barriers_init(&lodge_caps);
	r = lodge_ops->setup();
	if (r)
		goto out_host;
	r = lodge_hw_start(want);
	if (r)
		goto out_setup;
	r = lodge_dev_register();
	if (r)
		goto out_hw;

	pr_info("lodge: %s, mode %s, uses %s; not used: %s; absent: %s; barriers: %s\n",
		lodge_ops->name, lodge_hw_mode(), lodge_caps.used,
		lodge_caps.unused[0] ? lodge_caps.unused : "none",
		lodge_caps.absent[0] ? lodge_caps.absent : "none",
		lodge_caps.barriers[0] ? lodge_caps.barriers : "none");
	return 0;

out_hw:
	lodge_hw_stop();
out_setup:
	lodge_ops->teardown();
out_host:
	lodge_host_exit();
	return r;
}

static void __exit lodge_exit(void)
{
	misc_deregister(&lodge_dev);
	lodge_hw_stop();
	lodge_ops->teardown();
	lodge_host_exit();
}

module_init(lodge_init);
module_exit(lodge_exit);

MODULE_DESCRIPTION("Lodge, a hypervisor with the interface of KVM");
MODULE_LICENSE("GPL");
