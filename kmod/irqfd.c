// SPDX-License-Identifier: GPL-2.0
/*
 * irqfd: signalling an eventfd drives a GSI of the guest, and with resampling
 * the end of the interrupt's service signals another eventfd.
 *
 * The VM's ioctl assigns and deassigns, under vm->irqfd_lock. The eventfd's
 * wait queue calls irqfd_wake() with its lock held and interrupts off: so
 * irq_lock nests in it, and no eventfd is ever signalled with irq_lock held.
 * An eventfd that is closed only marks its irqfd: the next ioctl, or the VM's
 * end, takes that down. Next: irq/route.c.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "lodge.h"
#include "irq/chips.h"

/* They are walked with interrupts off: more than a PC has devices. */
#define RESAMPLERS_MAX	256

struct irqfd {
	struct list_head link;		/* irqfd_lock; vm->irqfds */
	struct list_head resample_link;	/* irqfd_lock to write, irq_srcu to read */
	struct lodge_vm *vm;		/* [c] */
	struct eventfd_ctx *ctx;	/* [c] */
	struct eventfd_ctx *resample_ctx;	/* [c] or NULL */
	u32 gsi;			/* [c] */
	bool closed;			/* [a] by its user: to be taken down */
	wait_queue_entry_t wait;
	poll_table poll;
};

/* Any context. */
static void irqfd_fire(struct irqfd *p)
{
	if (p->resample_ctx) {
		/* Level: high until the guest has ended the service. */
		lodge_irq_line(p->vm, LODGE_IRQ_SOURCE_RESAMPLE, p->gsi, true);
		return;
	}
	lodge_irq_line(p->vm, LODGE_IRQ_SOURCE_USER, p->gsi, true);
	lodge_irq_line(p->vm, LODGE_IRQ_SOURCE_USER, p->gsi, false);
}

/* The eventfd was signalled or closed; its lock held, interrupts off. */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync,
		      void *key)
{
	struct irqfd *p = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	int taken = 0;
	u64 count;

	if ((events & EPOLLIN) && !p->closed) {
		eventfd_ctx_do_read(p->ctx, &count);
		irqfd_fire(p);
		taken = 1;
	}
	if (events & EPOLLHUP)
		WRITE_ONCE(p->closed, true);
	return taken;
}

static void irqfd_queue_proc(struct file *file, wait_queue_head_t *head,
			     poll_table *poll)
{
	struct irqfd *p = container_of(poll, struct irqfd, poll);
	unsigned long flags;

	/* First in the queue: readers must not empty it before us. */
	p->wait.flags |= WQ_FLAG_EXCLUSIVE | WQ_FLAG_PRIORITY;
	local_irq_save(flags);
	spin_lock(&head->lock);
	__add_wait_queue(head, &p->wait);
	spin_unlock(&head->lock);
	local_irq_restore(flags);
}

/**
 * lodge_irqfd_acked() - the guest has ended the service of a GSI
 * @vm: irq_srcu held, irq_lock not
 * @gsi: GSI
 *
 * If it is resampled the line goes low, then all who resample it are told;
 * who still wants it drives it again.
 *
 * Context: any.
 */
void lodge_irqfd_acked(struct lodge_vm *vm, u32 gsi)
{
	const struct irqfd *p;

	if (!test_bit(gsi, vm->resampled))
		return;
	lodge_irq_line(vm, LODGE_IRQ_SOURCE_RESAMPLE, gsi, false);
	list_for_each_entry_srcu(p, &vm->resamplers, resample_link,
				 srcu_read_lock_held(&vm->irq_srcu))
		if (p->gsi == gsi)
			lodge_host_eventfd_signal(p->resample_ctx);
}

static void resampler_add(struct irqfd *p)
{
	list_add_rcu(&p->resample_link, &p->vm->resamplers);
	set_bit(p->gsi, p->vm->resampled);
	lodge_ack_pins_update(p->vm);
}

/* @p is off the list, and nobody is there any more: who is left of its GSI? */
static void resampler_gone(const struct irqfd *p)
{
	struct lodge_vm *vm = p->vm;
	const struct irqfd *q;

	list_for_each_entry(q, &vm->resamplers, resample_link)
		if (q->gsi == p->gsi)
			return;
	clear_bit(p->gsi, vm->resampled);
	/* Nobody is left to lower it. */
	lodge_irq_line(vm, LODGE_IRQ_SOURCE_RESAMPLE, p->gsi, false);
}

static void irqfd_free(struct irqfd *p)
{
	if (p->resample_ctx)
		eventfd_ctx_put(p->resample_ctx);
	if (p->ctx)
		eventfd_ctx_put(p->ctx);
	kvfree(p);
}

/*
 * Take down the irqfds whose eventfd is closed, that of @ctx if it drives
 * @gsi, and with @all the others. irqfd_lock held.
 */
static void irqfds_reap(struct lodge_vm *vm, bool all,
			const struct eventfd_ctx *ctx, u32 gsi)
{
	struct irqfd *p, *tmp;
	bool resampled = false;
	LIST_HEAD(gone);
	u64 count;

	list_for_each_entry_safe(p, tmp, &vm->irqfds, link) {
		if (!all && !READ_ONCE(p->closed) &&
		    (p->ctx != ctx || p->gsi != gsi))
			continue;
		/* After it irqfd_wake() does not run, nor will it again. */
		eventfd_ctx_remove_wait_queue(p->ctx, &p->wait, &count);
		list_move(&p->link, &gone);
		if (p->resample_ctx) {
			list_del_rcu(&p->resample_link);
			resampled = true;
		}
	}
	if (resampled)
		synchronize_srcu_expedited(&vm->irq_srcu);
	list_for_each_entry_safe(p, tmp, &gone, link) {
		if (p->resample_ctx)
			resampler_gone(p);
		irqfd_free(p);
	}
	if (resampled)
		lodge_ack_pins_update(vm);
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
	/* Where no route leads, no service ever ends. */
	if (p->gsi < LODGE_GSI_MAX)
		p->resample_ctx = ctx;
	else
		eventfd_ctx_put(ctx);
	return 0;
}

/* Let it listen, unless its eventfd has another on this VM. irqfd_lock held */
static int irqfd_activate(struct irqfd *p, struct file *file)
{
	struct lodge_vm *vm = p->vm;
	const struct irqfd *q;
	u32 resamplers = 0;

	irqfds_reap(vm, false, NULL, 0);
	list_for_each_entry(q, &vm->irqfds, link) {
		if (q->ctx == p->ctx)
			return -EBUSY;
		resamplers += !!q->resample_ctx;
	}
	if (p->resample_ctx && resamplers == RESAMPLERS_MAX)
		return -ENOSPC;
	list_add_tail(&p->link, &vm->irqfds);
	if (p->resample_ctx)
		resampler_add(p);
	/* It may have been signalled before we listened. */
	if (vfs_poll(file, &p->poll) & EPOLLIN)
		irqfd_fire(p);
	return 0;
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
	init_waitqueue_func_entry(&p->wait, irqfd_wake);
	init_poll_funcptr(&p->poll, irqfd_queue_proc);
	r = irqfd_init(p, args, &file);
	if (!r) {
		mutex_lock(&vm->irqfd_lock);
		r = irqfd_activate(p, file);
		mutex_unlock(&vm->irqfd_lock);
	}
	if (r)
		irqfd_free(p);
	if (file)
		fput(file);
	return r;
}

static int irqfd_deassign(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx;
	struct file *file;

	ctx = eventfd_of(args->fd, &file);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	fput(file);
	/* No interrupt comes of it any more once the ioctl has returned. */
	mutex_lock(&vm->irqfd_lock);
	irqfds_reap(vm, false, ctx, args->gsi);
	mutex_unlock(&vm->irqfd_lock);
	eventfd_ctx_put(ctx);
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
 * is no eventfd; -EBADF; -EBUSY if the eventfd drives a GSI already; -ENOSPC
 * for too many that resample; -ENOMEM.
 * Deassigning what is not there is no error.
 */
int lodge_irqfd(struct lodge_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	/* Who resamples waits for a chip of the kernel's to end the service. */
	if (!READ_ONCE(vm->irqchip) ||
	    (vm->split && (args->flags & KVM_IRQFD_FLAG_RESAMPLE)))
		return -EINVAL;
	return irqfd_assign(vm, args);
}

/**
 * lodge_irqfd_release() - when a VM's descriptor is closed
 * @vm: may sleep; none of its irqfds is left on return
 */
void lodge_irqfd_release(struct lodge_vm *vm)
{
	mutex_lock(&vm->irqfd_lock);
	irqfds_reap(vm, true, NULL, 0);
	mutex_unlock(&vm->irqfd_lock);
}
