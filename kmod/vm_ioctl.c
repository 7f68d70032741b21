// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a VM's descriptor.
 *
 * Arguments are the user's and may be anything. What a command does is
 * elsewhere; here are its errors and what must hold before. Next: caps.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "lodge.h"

static long vm_check_extension(const struct lodge_call *c)
{
	return lodge_cap_check(c->vm, c->arg);
}

static long vm_create_vcpu(const struct lodge_call *c)
{
	if (c->arg >= LODGE_VCPU_ID_MAX)
		return -EINVAL;
	return lodge_vcpu_create(c->vm, c->arg);
}

static long vm_set_memory(const struct lodge_call *c)
{
	return lodge_slots_set(c->vm, c->buf);
}

/* Nothing of what the newer structure has more is in use without flags. */
static long vm_set_memory2(const struct lodge_call *c)
{
	const struct lodge_memory_region2 *r = c->buf;

	return lodge_slots_set(c->vm, &r->region);
}

/* Fewer would not do for one vCPU; KVM's limit, too. */
#define VM_TABLES_MIN	64

/* Pages of shadow page tables, on KVM; of the tables there are, here. */
static long vm_set_tables(const struct lodge_call *c)
{
	if (c->arg < VM_TABLES_MIN)
		return -EINVAL;
	WRITE_ONCE(c->vm->tdp.max_tables, c->arg);
	return 0;
}

static long vm_dirty_log(const struct lodge_call *c)
{
	return lodge_dirty_log_get(c->vm, c->buf);
}

static long vm_clear_log(const struct lodge_call *c)
{
	return lodge_dirty_log_clear(c->vm, c->buf);
}

static long vm_reset_rings(const struct lodge_call *c)
{
	return lodge_rings_reset(c->vm);
}

/* Only VT-x without unrestricted guest would use these two addresses. */
static long vm_set_tss(const struct lodge_call *c)
{
	if (c->arg > (u32)(-3 * PAGE_SIZE))
		return -EINVAL;
	return 0;
}

static long vm_set_identity(const struct lodge_call *c)
{
	if (c->vm->nr_vcpus)
		return -EINVAL;
	return 0;
}

static long vm_set_boot_cpu(const struct lodge_call *c)
{
	if (c->vm->nr_vcpus)
		return -EBUSY;
	if (c->arg >= (c->vm->max_vcpu_id ?: LODGE_VCPU_ID_MAX))
		return -EINVAL;
	c->vm->boot_id = c->arg;
	return 0;
}

/* Devices in that sense are for VFIO, which knows KVM alone. */
static long vm_create_device(const struct lodge_call *c)
{
	return -ENODEV;
}

static long vm_get_stats(const struct lodge_call *c)
{
	return lodge_vm_stats_fd(c->vm);
}

static long vm_create_irqchip(const struct lodge_call *c)
{
	if (c->vm->irqchip)
		return -EEXIST;
	if (c->vm->nr_vcpus)
		return -EINVAL;
	return lodge_irqchip_create(c->vm);
}

static long vm_get_irqchip(const struct lodge_call *c)
{
	if (!c->vm->irqchip || c->vm->split)
		return -ENXIO;
	return lodge_irqchip_get(c->vm, c->buf);
}

static long vm_set_irqchip(const struct lodge_call *c)
{
	if (!c->vm->irqchip || c->vm->split)
		return -ENXIO;
	return lodge_irqchip_set(c->vm, c->buf);
}

static long pit_create(struct lodge_vm *vm, const struct kvm_pit_config *cfg)
{
	if (vm->pit)
		return -EEXIST;
	if (!vm->irqchip || vm->split)
		return -ENOENT;
	return lodge_pit_create(vm, cfg);
}

static long vm_create_pit2(const struct lodge_call *c)
{
	return pit_create(c->vm, c->buf);
}

static long vm_create_pit(const struct lodge_call *c)
{
	struct kvm_pit_config cfg = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return pit_create(c->vm, &cfg);
}

static long vm_get_pit2(const struct lodge_call *c)
{
	if (!c->vm->pit)
		return -ENXIO;
	return lodge_pit_get(c->vm, c->buf);
}

static long vm_set_pit2(const struct lodge_call *c)
{
	if (!c->vm->pit)
		return -ENXIO;
	return lodge_pit_set(c->vm, c->buf);
}

/* The older structure is the newer one without flags. */
static long vm_get_pit(const struct lodge_call *c)
{
	struct kvm_pit_state2 ps;
	int r;

	if (!c->vm->pit)
		return -ENXIO;
	r = lodge_pit_get(c->vm, &ps);
	if (!r)
		memcpy(c->buf, ps.channels, sizeof(struct kvm_pit_state));
	return r;
}

static long vm_set_pit(const struct lodge_call *c)
{
	struct kvm_pit_state2 ps;
	int r;

	if (!c->vm->pit)
		return -ENXIO;
	r = lodge_pit_get(c->vm, &ps);
	if (r)
		return r;
	memcpy(ps.channels, c->buf, sizeof(struct kvm_pit_state));
	return lodge_pit_set(c->vm, &ps);
}

/* The number of this ioctl says that it copies nothing, yet it has a struct. */
static long vm_reinject(const struct lodge_call *c)
{
	struct kvm_reinject_control rc;

	if (copy_from_user(&rc, c->user, sizeof(rc)))
		return -EFAULT;
	if (!c->vm->pit)
		return -ENXIO;
	return lodge_pit_reinject(c->vm, &rc);
}

static int irq_line(const struct lodge_call *c)
{
	const struct kvm_irq_level *l = c->buf;

	return lodge_irq_line(c->vm, LODGE_IRQ_SOURCE_USER, l->irq, l->level);
}

static long vm_irq_line(const struct lodge_call *c)
{
	if (!c->vm->irqchip)
		return -ENXIO;
	irq_line(c);
	return 0;
}

static long vm_irq_line_status(const struct lodge_call *c)
{
	struct kvm_irq_level *l = c->buf;

	if (!c->vm->irqchip)
		return -ENXIO;
	l->status = irq_line(c);
	return 0;
}

static long vm_set_routing(const struct lodge_call *c)
{
	struct kvm_irq_routing __user *user = c->user;
	struct kvm_irq_routing_entry *e;
	struct kvm_irq_routing head;
	long r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!c->vm->irqchip || head.nr > LODGE_GSI_MAX || head.flags)
		return -EINVAL;
	e = lodge_array_copy(user->entries, head.nr, sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	r = mutex_lock_killable(&c->vm->lock);
	if (!r) {
		r = lodge_route_set(c->vm, e, head.nr);
		mutex_unlock(&c->vm->lock);
	}
	kvfree(e);
	return r;
}

static long vm_signal_msi(const struct lodge_call *c)
{
	const struct kvm_msi *m = c->buf;

	if (!c->vm->irqchip || m->flags)
		return -EINVAL;
	return lodge_irq_msi(c->vm, m->address_lo, m->address_hi, m->data);
}

static long vm_irqfd(const struct lodge_call *c)
{
	return lodge_irqfd(c->vm, c->buf);
}

static long vm_ioeventfd(const struct lodge_call *c)
{
	return lodge_ioeventfd(c->vm, c->buf);
}

static long vm_coalesced_add(const struct lodge_call *c)
{
	return lodge_coalesced_add(c->vm, c->buf);
}

static long vm_coalesced_remove(const struct lodge_call *c)
{
	return lodge_coalesced_remove(c->vm, c->buf);
}

static long vm_get_clock(const struct lodge_call *c)
{
	return lodge_clock_get(c->vm, c->buf);
}

static long vm_set_clock(const struct lodge_call *c)
{
	return lodge_clock_set(c->vm, c->buf);
}

static long vm_get_tsc_khz(const struct lodge_call *c)
{
	return c->vm->clock.vcpu_khz;
}

static long vm_set_tsc_khz(const struct lodge_call *c)
{
	return lodge_tsc_vm_set_khz(c->vm, c->arg);
}

static long vm_msr_filter(const struct lodge_call *c)
{
	return lodge_msr_filter_set(c->vm, c->buf);
}

static long vm_enable_cap(const struct lodge_call *c)
{
	return lodge_vm_enable_cap(c->vm, c->buf);
}

#define RAW	LODGE_IOCTL_RAW
#define LOCK	LODGE_IOCTL_LOCK
#define IN	LODGE_IOCTL_IN

static const struct lodge_ioctl vm_ioctls[] = {
	{ KVM_CHECK_EXTENSION, 0, vm_check_extension },
	{ KVM_CREATE_VCPU, LOCK, vm_create_vcpu },
	{ KVM_GET_DIRTY_LOG, 0, vm_dirty_log },
	{ KVM_SET_NR_MMU_PAGES, 0, vm_set_tables },
	{ KVM_SET_USER_MEMORY_REGION, 0, vm_set_memory },
	{ KVM_SET_USER_MEMORY_REGION2, 0, vm_set_memory2 },
	{ KVM_SET_TSS_ADDR, LOCK, vm_set_tss },
	{ KVM_SET_IDENTITY_MAP_ADDR, LOCK, vm_set_identity },
	{ KVM_SET_BOOT_CPU_ID, LOCK, vm_set_boot_cpu },
	{ KVM_CREATE_IRQCHIP, LOCK, vm_create_irqchip },
	{ KVM_IRQ_LINE, 0, vm_irq_line },
	{ KVM_GET_IRQCHIP, LOCK, vm_get_irqchip },
	{ KVM_SET_IRQCHIP, LOCK | IN, vm_set_irqchip },
	{ KVM_CREATE_PIT, LOCK, vm_create_pit },
	{ KVM_GET_PIT, LOCK, vm_get_pit },
	{ KVM_SET_PIT, LOCK | IN, vm_set_pit },
	{ KVM_IRQ_LINE_STATUS, 0, vm_irq_line_status },
	{ KVM_REGISTER_COALESCED_MMIO, 0, vm_coalesced_add },
	{ KVM_UNREGISTER_COALESCED_MMIO, 0, vm_coalesced_remove },
	{ KVM_SET_GSI_ROUTING, RAW, vm_set_routing },
	{ KVM_REINJECT_CONTROL, RAW | LOCK, vm_reinject },
	{ KVM_IRQFD, 0, vm_irqfd },
	{ KVM_CREATE_PIT2, LOCK, vm_create_pit2 },
	{ KVM_IOEVENTFD, 0, vm_ioeventfd },
	{ KVM_SET_CLOCK, 0, vm_set_clock },
	{ KVM_GET_CLOCK, 0, vm_get_clock },
	{ KVM_GET_PIT2, LOCK, vm_get_pit2 },
	{ KVM_SET_PIT2, LOCK, vm_set_pit2 },
	{ KVM_SET_TSC_KHZ, LOCK, vm_set_tsc_khz },
	{ KVM_GET_TSC_KHZ, LOCK, vm_get_tsc_khz },
	{ KVM_ENABLE_CAP, LOCK, vm_enable_cap },
	{ KVM_SIGNAL_MSI, 0, vm_signal_msi },
	{ KVM_X86_SET_MSR_FILTER, LOCK, vm_msr_filter },
	{ KVM_CLEAR_DIRTY_LOG, 0, vm_clear_log },
	{ KVM_CREATE_DEVICE, 0, vm_create_device },
	{ KVM_GET_STATS_FD, 0, vm_get_stats },
	{ KVM_RESET_DIRTY_RINGS, 0, vm_reset_rings },
};

/**
 * lodge_vm_ioctl() - an ioctl on a VM's descriptor
 * @vm: the VM
 * @cmd: command
 * @arg: its argument
 *
 * Return: what KVM returns; -EIO from a process that did not make the VM and
 * when the VM is dead, -ENOTTY for an unknown command.
 */
long lodge_vm_ioctl(struct lodge_vm *vm, u32 cmd, unsigned long arg)
{
	struct lodge_call call = { .vm = vm, .arg = arg };

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	return lodge_ioctl_call(vm_ioctls, ARRAY_SIZE(vm_ioctls), cmd, &call,
				-ENOTTY);
}
