// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine's life, and its file descriptor.
 *
 * main.c creates one for KVM_CREATE_VM. References are held by the VM's
 * descriptor and its vCPUs' descriptors; the last one put takes all down.
 * Next: vm_ioctl.c, vcpu.c.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ioctl.h"
#include "lodge.h"

/* Nobody has a descriptor any more, no vCPU runs. */
static void vm_destroy(struct lodge_vm *vm)
{
	u32 i;

	/*
	 * First whatever comes from outside by itself: workers, the mm's changes,
	 * which holds the mm for them, timers of the chips, to which no bus leads
	 * any more. Then those who were called.
	 */
	for (i = 0; i < vm->nr_vcpus; i++)
		lodge_apf_interrupt(vm->vcpu[i]);
	for (i = 0; i < vm->nr_vcpus; i++)
		lodge_apf_stop(vm->vcpu[i]);
	lodge_mmu_unregister(vm);
	lodge_bus_destroy(vm);
	mutex_lock(&vm->lock);
	lodge_irqchip_destroy(vm);
	mutex_unlock(&vm->lock);
	for (i = 0; i < vm->nr_vcpus; i++)
		lodge_vcpu_free(vm->vcpu[i]);
	lodge_msr_filter_release(vm);
	lodge_tdp_destroy(vm);
	lodge_slots_destroy(vm);
	lodge_ops->vm_destroy(vm);
	cleanup_srcu_struct(&vm->irq_srcu);
	cleanup_srcu_struct(&vm->srcu);
	lodge_page_free(vm->coalesced_page);
	kvfree(vm);
}

/**
 * lodge_vm_get() - take another reference
 * @vm: to which one is held already
 *
 * Context: any.
 */
void lodge_vm_get(struct lodge_vm *vm)
{
	atomic64_inc(&vm->refs);
}

/**
 * lodge_vm_put() - give a reference back
 * @vm: gone after it, maybe
 *
 * Context: may sleep, no lock held.
 */
void lodge_vm_put(struct lodge_vm *vm)
{
	if (atomic64_dec_and_test(&vm->refs))
		vm_destroy(vm);
}

/**
 * lodge_vm_kill() - a broken invariant: all its ioctls give -EIO from now on
 * @vm: the VM
 *
 * Context: any; its vCPUs leave the guest soon.
 */
void lodge_vm_kill(struct lodge_vm *vm)
{
	WRITE_ONCE(vm->dead, true);
	lodge_vm_request(vm, LODGE_REQ_EXIT, false);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct lodge_vm *vm = file->private_data;

	lodge_irqfd_release(vm);
	lodge_vm_put(vm);
	return 0;
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return lodge_vm_ioctl(file->private_data, cmd, arg);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
};

static void vm_fields_init(struct lodge_vm *vm)
{
	vm->mm = current->mm;
	vm->pid = task_pid_nr(current);
	vm->apic_bus_ns = 1;
	atomic64_set(&vm->refs, 1);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irqfd_lock);
	raw_spin_lock_init(&vm->ring_lock);
	raw_spin_lock_init(&vm->irq_lock);
	raw_spin_lock_init(&vm->dirty_lock);
	raw_spin_lock_init(&vm->clock_lock);
	INIT_LIST_HEAD(&vm->coalesced);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->resamplers);
	INIT_LIST_HEAD(&vm->ioeventfds);
}

/* The notifier comes last: it pins the mm, and looks at all the rest. */
static int vm_parts_init(struct lodge_vm *vm)
{
	int r;

	r = lodge_slots_init(vm);
	if (r)
		return r;
	r = lodge_tdp_init(vm);
	if (r)
		goto out_slots;
	r = lodge_clock_vm_init(vm);
	if (r)
		goto out_tdp;
	r = lodge_ops->vm_init(vm);
	if (r)
		goto out_tdp;
	r = lodge_mmu_register(vm);
	if (!r)
		return 0;

	lodge_ops->vm_destroy(vm);
out_tdp:
	lodge_tdp_destroy(vm);
out_slots:
	lodge_slots_destroy(vm);
	return r;
}

/**
 * lodge_vm_create() - KVM_CREATE_VM
 * @type: must be 0
 *
 * Return: a descriptor, or -EINVAL, -ENOMEM, -EMFILE, -EINTR.
 */
long lodge_vm_create(unsigned long type)
{
	struct lodge_vm *vm;
	int r;

	if (type)
		return -EINVAL;
	vm = kvzalloc(lodge_ops->vm_size, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return -ENOMEM;
	vm_fields_init(vm);
	r = -ENOMEM;
	vm->coalesced_page = lodge_page_alloc();
	if (!vm->coalesced_page)
		goto out_free;
	r = init_srcu_struct(&vm->srcu);
	if (r)
		goto out_page;
	r = init_srcu_struct(&vm->irq_srcu);
	if (r)
		goto out_srcu;
	r = vm_parts_init(vm);
	if (r)
		goto out_irq_srcu;

	r = anon_inode_getfd("lodge-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (r < 0)
		lodge_vm_put(vm);
	return r;

out_irq_srcu:
	cleanup_srcu_struct(&vm->irq_srcu);
out_srcu:
	cleanup_srcu_struct(&vm->srcu);
out_page:
	lodge_page_free(vm->coalesced_page);
out_free:
	kvfree(vm);
	return r;
}
