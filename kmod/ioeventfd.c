// SPDX-License-Identifier: GPL-2.0
/*
 * ioeventfd: a guest's write to a port or address signals an eventfd, and is
 * not an exit to the user.
 *
 * The VM's ioctl adds and removes them; io_bus.c calls the write, in or out
 * of the bracket, and the release when the VM ends. Next: irqfd.c, the other
 * way round.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "lodge.h"

#define IOEVENTFD_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH |	\
			 KVM_IOEVENTFD_FLAG_PIO |	\
			 KVM_IOEVENTFD_FLAG_DEASSIGN)

struct ioeventfd {
	struct lodge_io_dev dev;
	struct list_head link;		/* [s] vm->ioeventfds */
	struct eventfd_ctx *ctx;	/* [c] */
	u64 addr;			/* [c] */
	u64 datamatch;			/* [c] */
	u32 len;			/* [c] 0: any */
	bool match;			/* [c] signal only for datamatch */
	enum lodge_bus_kind bus;	/* [c] */
};

static int ioeventfd_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
			   u64 addr, u32 len, const void *data)
{
	const struct ioeventfd *p = container_of(dev, struct ioeventfd, dev);
	u64 v = 0;

	if (addr != p->addr || (p->len && len != p->len))
		return -EOPNOTSUPP;
	if (p->match) {
		memcpy(&v, data, min_t(u32, len, sizeof(v)));
		if (v != p->datamatch)
			return -EOPNOTSUPP;
	}
	lodge_host_eventfd_signal(p->ctx);
	return 0;
}

static void ioeventfd_free(struct ioeventfd *p)
{
	eventfd_ctx_put(p->ctx);
	kvfree(p);
}

static void ioeventfd_release(struct lodge_io_dev *dev)
{
	ioeventfd_free(container_of(dev, struct ioeventfd, dev));
}

/* Could one write be for both? */
static bool ioeventfd_collides(const struct ioeventfd *a,
			       const struct ioeventfd *b)
{
	if (a->bus != b->bus || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (!a->match || !b->match ||
				    a->datamatch == b->datamatch);
}

static bool ioeventfd_same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->ctx == b->ctx && a->addr == b->addr &&
	       a->len == b->len && a->match == b->match &&
	       (!a->match || a->datamatch == b->datamatch);
}

static int ioeventfd_assign(struct lodge_vm *vm, struct ioeventfd *p)
{
	const struct ioeventfd *q;
	int r;

	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	list_for_each_entry(q, &vm->ioeventfds, link)
		if (ioeventfd_collides(p, q)) {
			r = -EEXIST;
			goto out;
		}
	r = lodge_bus_register(vm, p->bus, p->addr, p->len, &p->dev);
	if (!r)
		list_add_tail(&p->link, &vm->ioeventfds);
out:
	mutex_unlock(&vm->slots_lock);
	return r;
}

static int ioeventfd_deassign(struct lodge_vm *vm, const struct ioeventfd *key)
{
	struct ioeventfd *p, *found = NULL;

	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	list_for_each_entry(p, &vm->ioeventfds, link)
		if (ioeventfd_same(p, key)) {
			found = p;
			list_del(&p->link);
			p->dev.gone = true;
			lodge_bus_purge(vm, p->bus);
			break;
		}
	mutex_unlock(&vm->slots_lock);
	if (!found)
		return -ENOENT;
	ioeventfd_free(found);
	return 0;
}

static bool args_valid(const struct kvm_ioeventfd *args)
{
	switch (args->len) {
	case 0:
		/* Which value should match, of a width that is not known? */
		if (args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH)
			return false;
		break;
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return false;
	}
	return args->addr + args->len >= args->addr &&
	       !(args->flags & ~IOEVENTFD_FLAGS);
}

static struct ioeventfd *ioeventfd_new(const struct kvm_ioeventfd *args)
{
	struct ioeventfd *p = kvzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->dev.write = ioeventfd_write;
	p->dev.release = ioeventfd_release;
	p->addr = args->addr;
	p->len = args->len;
	p->match = args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH;
	p->datamatch = args->datamatch;
	p->bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ? LODGE_BUS_PIO :
							LODGE_BUS_MMIO;
	file = fget(args->fd);
	if (!file) {
		kvfree(p);
		return ERR_PTR(-EBADF);
	}
	p->ctx = eventfd_ctx_fileget(file);
	fput(file);
	if (IS_ERR(p->ctx)) {
		struct eventfd_ctx *e = p->ctx;

		kvfree(p);
		return ERR_CAST(e);
	}
	return p;
}

/**
 * lodge_ioeventfd() - KVM_IOEVENTFD
 * @vm: may sleep
 * @args: hostile
 *
 * Return: 0; -EINVAL for flags, width or range; -EBADF; -EEXIST if a write
 * could be for this and another; -ENOENT for what was never assigned.
 */
int lodge_ioeventfd(struct lodge_vm *vm, const struct kvm_ioeventfd *args)
{
	bool off = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct ioeventfd *p;
	int r;

	if (!off && !args_valid(args))
		return -EINVAL;
	p = ioeventfd_new(args);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (off) {
		r = ioeventfd_deassign(vm, p);
		ioeventfd_free(p);
		return r;
	}
	r = ioeventfd_assign(vm, p);
	if (r)
		ioeventfd_free(p);
	return r;
}
