// SPDX-License-Identifier: GPL-2.0
/*
 * irqfd: signalling an eventfd drives a GSI of the guest, and with resampling
 * the end of the interrupt's service signals another eventfd.
 *
 * The VM's ioctl assigns and deassigns. The eventfd's wait queue calls
 * irqfd_wake() with its lock held and interrupts off: so irq_lock nests in
 * it, and no eventfd is ever signalled with irq_lock held. An irqfd is on
 * vm->irqfds while it is active; whoever takes it off (deassign, the
 * eventfd's close, the VM's end) queues the work that takes it down.
 * Resamplers change under irqfd_mutex and are read under vm->irq_srcu.
 * Next: irq/route.c.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "lodge.h"
#include "irq/chips.h"

/* All irqfds of a VM that resample one GSI share its source. */
struct resampler {
	struct list_head link;		/* vm->resamplers */
	struct list_head irqfds;	/* irqfd.resample_link */
	u32 gsi;			/* [c] */
};

struct irqfd {
	struct list_head link;		/* [i] vm->irqfds; empty: going */
	struct lodge_vm *vm;		/* [c] */
	struct eventfd_ctx *ctx;	/* [c] */
	struct eventfd_ctx *resample_ctx;	/* [c] or NULL */
	struct resampler *resampler;	/* [c] or NULL */
	struct list_head resample_link;	/* irqfd_mutex to write, irq_srcu to read */
	u32 gsi;			/* [c] */
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct shutdown;
};

static struct workqueue_struct *irqfd_wq;
static DEFINE_MUTEX(irqfd_mutex);	/* a leaf: vm->lock may be held */

/* Any context. */
static void irqfd_fire(struct irqfd *p)
{
	if (p->resampler) {
		/* Level: high until the guest has ended the service. */
		lodge_irq_line(p->vm, LODGE_IRQ_SOURCE_RESAMPLE, p->gsi, true);
		return;
	}
	lodge_irq_line(p->vm, LODGE_IRQ_SOURCE_USER, p->gsi, true);
	lodge_irq_line(p->vm, LODGE_IRQ_SOURCE_USER, p->gsi, false);
}

/* irq_lock held. Only the one who finds it active takes it down. */
static void irqfd_deactivate(struct irqfd *p)
{
	if (list_empty(&p->link))
		return;
	list_del_init(&p->link);
	queue_work(irqfd_wq, &p->shutdown);
}

/* The eventfd was signalled or closed; its lock held, interrupts off. */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync,
		      void *key)
{
	struct irqfd *p = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	struct lodge_vm *vm = p->vm;
	unsigned long flags;
	int taken = 0;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(p->ctx, &count);
		irqfd_fire(p);
		taken = 1;
	}
	if (events & EPOLLHUP) {
		raw_spin_lock_irqsave(&vm->irq_lock, flags);
		irqfd_deactivate(p);
		raw_spin_unlock_irqrestore(&vm->irq_lock, flags);
	}
	return taken;
}

static void irqfd_queue_proc(struct file *file, wait_queue_head_t *head,
			     poll_table *poll)
{
	struct irqfd *p = container_of(poll, struct irqfd, poll);

	/* First in the queue: readers must not empty it before us. */
	add_wait_queue_priority(head, &p->wait);
}

/**
 * lodge_irqfd_resampled() - does anyone resample a GSI?
 * @vm: irq_srcu held
 * @gsi: GSI
 *
 * Context: any.
 */
bool lodge_irqfd_resampled(struct lodge_vm *vm, u32 gsi)
{
	const struct resampler *rs;

	list_for_each_entry_srcu(rs, &vm->resamplers, link,
				 srcu_read_lock_held(&vm->irq_srcu))
		if (rs->gsi == gsi)
			return true;
	return false;
}

/**
 * lodge_irqfd_acked() - the guest has ended the service of a GSI
 * @vm: irq_srcu held, irq_lock not
 * @gsi: GSI
 *
 * The line goes low, then all who resample it are told; who still wants it
 * drives it again.
 *
 * Context: any.
 */
void lodge_irqfd_acked(struct lodge_vm *vm, u32 gsi)
{
	const struct resampler *rs;
	const struct irqfd *p;

	list_for_each_entry_srcu(rs, &vm->resamplers, link,
				 srcu_read_lock_held(&vm->irq_srcu)) {
		if (rs->gsi != gsi)
			continue;
		lodge_irq_line(vm, LODGE_IRQ_SOURCE_RESAMPLE, gsi, false);
		list_for_each_entry_srcu(p, &rs->irqfds, resample_link,
					 srcu_read_lock_held(&vm->irq_srcu))
			lodge_host_eventfd_signal(p->resample_ctx);
	}
}

static int resampler_join(struct irqfd *p)
{
	struct lodge_vm *vm = p->vm;
	struct resampler *rs;
	int r = 0;

	mutex_lock(&irqfd_mutex);
	list_for_each_entry(rs, &vm->resamplers, link)
		if (rs->gsi == p->gsi)
			goto join;
	rs = kvzalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs) {
		r = -ENOMEM;
		goto out;
	}
	rs->gsi = p->gsi;
	INIT_LIST_HEAD(&rs->irqfds);
	list_add_rcu(&rs->link, &vm->resamplers);
	lodge_ack_pins_update(vm);
join:
	p->resampler = rs;
	list_add_rcu(&p->resample_link, &rs->irqfds);
out:
	mutex_unlock(&irqfd_mutex);
	return r;
}

static void resampler_leave(struct irqfd *p)
{
	struct resampler *rs = p->resampler;
	struct lodge_vm *vm = p->vm;
	bool last;

	if (!rs)
		return;
	mutex_lock(&irqfd_mutex);
	list_del_rcu(&p->resample_link);
	last = list_empty(&rs->irqfds);
	if (last)
		list_del_rcu(&rs->link);
	synchronize_srcu_expedited(&vm->irq_srcu);
	if (last) {
		/* Nobody is left to lower it. */
		lodge_irq_line(vm, LODGE_IRQ_SOURCE_RESAMPLE, rs->gsi, false);
		lodge_ack_pins_update(vm);
		kvfree(rs);
	}
	mutex_unlock(&irqfd_mutex);
}

static void irqfd_free(struct irqfd *p)
{
	resampler_leave(p);
	if (p->resample_ctx)
		eventfd_ctx_put(p->resample_ctx);
	if (p->ctx)
		eventfd_ctx_put(p->ctx);
	kvfree(p);
}

/* The last of an irqfd that was active. */
static void irqfd_shutdown(struct work_struct *work)
{
	struct irqfd *p = container_of(work, struct irqfd, shutdown);
	u64 count;

	/* Let irqfd_assign() finish with it. */
	mutex_lock(&irqfd_mutex);
	mutex_unlock(&irqfd_mutex);
	/* After this irqfd_wake() is not running and does not run again. */
	eventfd_ctx_remove_wait_queue(p->ctx, &p->wait, &count);
	irqfd_free(p);
}

static struct eventfd_ctx *eventfd_of(u32 fd, struct file **file)
{
	struct eventfd_ctx *ctx;

	*file = fget(fd);
	if (!*file)
		return ERR_PTR(-EBADF);
	ctx = eventfd_ctx_fileget(*file);
	if (IS_ERR(ctx)) {
		fput(*file);
		*file = NULL;
	}
	return ctx;
}

/* Fill @p from @args; *file to be put by the caller if it is not NULL. */
static int irqfd_init(struct irqfd *p, const struct kvm_irqfd *args,
		      struct file **file)
{
	struct eventfd_ctx *ctx;
	struct file *f;

	ctx = eventfd_of(args->fd, file);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	p->ctx = ctx;
	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;
	ctx = eventfd_of(args->resamplefd, &f);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	fput(f);
	p->resample_ctx = ctx;
	return resampler_join(p);
}

/* Make it active, unless its eventfd has another on this VM. */
static int irqfd_activate(struct irqfd *p)
{
	struct lodge_vm *vm = p->vm;
	const struct irqfd *q;
	unsigned long flags;
	int r = 0;

	raw_spin_lock_irqsave(&vm->irq_lock, flags);
	list_for_each_entry(q, &vm->irqfds, link)
		if (q->ctx == p->ctx) {
			r = -EBUSY;
			break;
		}
	if (!r)
		list_add_tail(&p->link, &vm->irqfds);
	raw_spin_unlock_irqrestore(&vm->irq_lock, flags);
	return r;
}

/* Active is not yet listening: irqfd_shutdown() waits for the mutex. */
static int irqfd_listen(struct irqfd *p, struct file *file)
{
	int r;

	mutex_lock(&irqfd_mutex);
	r = irqfd_activate(p);
	/* It may have been signalled before we listened. */
	if (!r && (vfs_poll(file, &p->poll) & EPOLLIN))
		irqfd_fire(p);
	mutex_unlock(&irqfd_mutex);
	return r;
}

static int irqfd_assign(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	struct irqfd *p = kvzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct file *file = NULL;
	int r;

	if (!p)
		return -ENOMEM;
	p->vm = vm;
	p->gsi = args->gsi;
	INIT_LIST_HEAD(&p->link);
	INIT_WORK(&p->shutdown, irqfd_shutdown);
	init_waitqueue_func_entry(&p->wait, irqfd_wake);
	init_poll_funcptr(&p->poll, irqfd_queue_proc);
	r = irqfd_init(p, args, &file);
	if (!r)
		r = irqfd_listen(p, file);
	if (r)
		irqfd_free(p);
	if (file)
		fput(file);
	return r;
}

static int irqfd_deassign(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx;
	struct irqfd *p, *tmp;
	unsigned long flags;
	struct file *file;

	ctx = eventfd_of(args->fd, &file);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	fput(file);
	raw_spin_lock_irqsave(&vm->irq_lock, flags);
	list_for_each_entry_safe(p, tmp, &vm->irqfds, link)
		if (p->ctx == ctx && p->gsi == args->gsi)
			irqfd_deactivate(p);
	raw_spin_unlock_irqrestore(&vm->irq_lock, flags);
	eventfd_ctx_put(ctx);
	/* No interrupt comes of it any more once the ioctl has returned. */
	flush_workqueue(irqfd_wq);
	return 0;
}

/**
 * lodge_irqfd() - KVM_IRQFD
 * @vm: may sleep
 * @args: hostile
 *
 * A GSI that leads nowhere is no error, it may get a route later.
 *
 * Return: 0; -EINVAL for flags, no chips in the kernel, or a descriptor that
 * is no eventfd; -EBADF; -EBUSY if the eventfd drives a GSI already; -ENOMEM.
 * Deassigning what is not there is no error.
 */
int lodge_irqfd(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	if (!READ_ONCE(vm->irqchip))
		return -EINVAL;
	return irqfd_assign(vm, args);
}

/**
 * lodge_irqfd_release() - when a VM's descriptor is closed
 * @vm: may sleep; none of its irqfds is left on return
 */
void lodge_irqfd_release(struct lodge_vm *vm)
{
	struct irqfd *p, *tmp;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->irq_lock, flags);
	list_for_each_entry_safe(p, tmp, &vm->irqfds, link)
		irqfd_deactivate(p);
	raw_spin_unlock_irqrestore(&vm->irq_lock, flags);
	flush_workqueue(irqfd_wq);
}

/**
 * lodge_irqfd_module_init() - at load
 */
int lodge_irqfd_module_init(void)
{
	irqfd_wq = alloc_workqueue("lodge-irqfd", WQ_UNBOUND, 0);
	return irqfd_wq ? 0 : -ENOMEM;
}

/**
 * lodge_irqfd_module_exit() - at unload
 */
void lodge_irqfd_module_exit(void)
{
	destroy_workqueue(irqfd_wq);
}
