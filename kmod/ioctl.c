// SPDX-License-Identifier: GPL-2.0
/*
 * Looking up ioctls in tables, and copying what goes with them.
 *
 * Called by the three file operations. Next: vm_ioctl.c.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "lodge.h"

static long ioctl_locked(const struct lodge_ioctl *e, struct lodge_call *call)
{
	long r;

	if (!(e->flags & LODGE_IOCTL_LOCK))
		return e->fn(call);
	if (mutex_lock_killable(&call->vm->lock))
		return -EINTR;
	r = e->fn(call);
	mutex_unlock(&call->vm->lock);
	return r;
}

static long ioctl_copied(const struct lodge_ioctl *e, struct lodge_call *call)
{
	unsigned int dir = e->flags & LODGE_IOCTL_IN ? _IOC_WRITE :
						       _IOC_DIR(e->cmd);
	size_t size = _IOC_SIZE(e->cmd);
	u64 small[66];		/* all but KVM_*_LAPIC and KVM_*_XSAVE */
	long r = -EFAULT;
	void *big = NULL;

	call->buf = small;
	if (size > sizeof(small)) {
		big = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!big)
			return -ENOMEM;
		call->buf = big;
	}
	if (!(dir & _IOC_WRITE))
		memset(call->buf, 0, size);
	else if (copy_from_user(call->buf, call->user, size))
		goto out;
	r = ioctl_locked(e, call);
	if (r >= 0 && (dir & _IOC_READ) &&
	    copy_to_user(call->user, call->buf, size))
		r = -EFAULT;
out:
	kvfree(big);
	return r;
}

/**
 * lodge_ioctl_call() - find a command in a table and do it
 * @table: of commands
 * @nr: entries in it
 * @cmd: command, all 32 bits count
 * @call: what it is about; arg is set, user and buf are filled in here
 * @absent: what to return if the table does not have it
 *
 * Return: what KVM's ioctl returns.
 */
long lodge_ioctl_call(const struct lodge_ioctl *table, size_t nr, u32 cmd,
		      struct lodge_call *call, long absent)
{
	const struct lodge_ioctl *e;

	call->user = (void __user *)call->arg;
	for (e = table; e < table + nr; e++) {
		if (e->cmd != cmd)
			continue;
		if (_IOC_SIZE(cmd) && !(e->flags & LODGE_IOCTL_RAW))
			return ioctl_copied(e, call);
		return ioctl_locked(e, call);
	}
	return absent;
}

/**
 * lodge_array_copy() - copy an array of the user's
 * @user: where it is
 * @nr: elements, already bounded by the caller
 * @size: of one, in bytes
 *
 * Return: the copy, to be freed with kvfree(); NULL if @nr is 0; ERR_PTR.
 */
void *lodge_array_copy(const void __user *user, size_t nr, size_t size)
{
	void *p;

	if (!nr)
		return NULL;
	p = kvmalloc(nr * size, GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(p, user, nr * size)) {
		kvfree(p);
		return ERR_PTR(-EFAULT);
	}
	return p;
}

/**
 * lodge_msrs_copy() - KVM_GET_MSRS and KVM_SET_MSRS
 * @vcpu: handed to @fn
 * @user: struct kvm_msrs
 * @fn: reads or writes one; 0, or anything else to stop there
 * @back: copy the entries back
 *
 * Return: how many were done, or -E2BIG, -EFAULT, -ENOMEM.
 */
long lodge_msrs_copy(struct lodge_vcpu *vcpu, struct kvm_msrs __user *user,
		     int (*fn)(struct lodge_vcpu *vcpu, u32 msr, u64 *v),
		     bool back)
{
	struct kvm_msr_entry *e;
	u32 nr, i;
	long r;

	if (copy_from_user(&nr, &user->nmsrs, sizeof(nr)))
		return -EFAULT;
	if (nr >= LODGE_MSRS_MAX)
		return -E2BIG;
	e = lodge_array_copy(user->entries, nr, sizeof(*e));
	if (IS_ERR_OR_NULL(e))
		return PTR_ERR_OR_ZERO(e);
	for (i = 0; i < nr; i++)
		if (fn(vcpu, e[i].index, &e[i].data))
			break;
	r = i;
	if (back && copy_to_user(user->entries, e, nr * sizeof(*e)))
		r = -EFAULT;
	kvfree(e);
	return r;
}
