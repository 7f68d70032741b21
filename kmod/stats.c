// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_STATS_FD: what has been counted, of a VM or of a vCPU, to be read
 * from a descriptor of its own.
 *
 * A file of four parts, all made when it is read: header, name, descriptors,
 * values. Names are KVM's where the meaning is KVM's; the rest is Lodge's own.
 * Called by vm_ioctl.c and vcpu_ioctl.c. Next: exit.h.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "lodge.h"

#define STATS_NAME	48

struct stats_value {
	const char *name;
	u32 flags;		/* KVM_STATS_TYPE_*; units are none, base 10 */
	u32 offset;		/* in struct lodge_stats or struct lodge_vm */
};

#define COUNT(stat, field) \
	{ stat, KVM_STATS_TYPE_CUMULATIVE, offsetof(struct lodge_stats, field) }

static const struct stats_value vcpu_values[] = {
	COUNT("irq_exits", exits[LODGE_EXIT_INTR]),
	COUNT("irq_window_exits", exits[LODGE_EXIT_IRQ_WINDOW]),
	COUNT("nmi_window_exits", exits[LODGE_EXIT_NMI_WINDOW]),
	COUNT("io_exits", exits[LODGE_EXIT_IO]),
	COUNT("halt_exits", exits[LODGE_EXIT_HLT]),
	COUNT("hypercalls", exits[LODGE_EXIT_HYPERCALL]),
	COUNT("pf_taken", tdp_faults),
	COUNT("signal_exits", signals),
	COUNT("irq_injections", injections[LODGE_EVENT_INTR]),
	COUNT("nmi_injections", injections[LODGE_EVENT_NMI]),
	COUNT("exception_injections", injections[LODGE_EVENT_EXCEPTION]),
	COUNT("insn_emulation", emulated),
	COUNT("brackets", brackets),
	COUNT("sleeps", sleeps),
	COUNT("halt_attempted_poll", polls),
	COUNT("halt_successful_poll", polls_met),
	COUNT("tlb_flush", tlb_flushes),
	COUNT("unknown_msrs", unknown_msr),
#define X(name, text) COUNT("exit_" #name, exits[LODGE_EXIT_##name]),
	LODGE_EXIT_KINDS(X)
#undef X
};

#define OF_VM(stat, type, field) \
	{ stat, KVM_STATS_TYPE_##type, offsetof(struct lodge_vm, field) }

static const struct stats_value vm_values[] = {
	OF_VM("remote_tlb_flush", CUMULATIVE, tdp.flushes),
	OF_VM("tdp_zaps", CUMULATIVE, tdp.zap_gen),
	OF_VM("tdp_tables", INSTANT, tdp.pt.tables),
};

static_assert(sizeof(((struct lodge_vm *)0)->tdp.pt.tables) == sizeof(u64));
static_assert(offsetof(struct kvm_stats_desc, name) == 16);

/* What a descriptor's file is about. */
struct stats_source {
	const struct stats_value *values;
	u32 nr;
	const void *base;
	u32 pid;
	s64 vcpu;		/* its number, or -1 */
	bool sum;		/* the first value is the sum of all exits */
};

struct stats_image {
	struct kvm_stats_header head;
	char name[STATS_NAME];
	u8 rest[];		/* descriptors, values */
};

static u64 stats_exits(const struct lodge_stats *stats)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < LODGE_EXIT_NR; i++)
		sum += READ_ONCE(stats->exits[i]);
	return sum;
}

static void stats_describe(struct kvm_stats_desc *d, const char *name, u32 flags,
			   u32 index)
{
	d->flags = flags;
	d->size = 1;
	d->offset = index * sizeof(u64);
	snprintf(d->name, STATS_NAME, "%s", name);
}

#define STATS_DESC	(offsetof(struct kvm_stats_desc, name) + STATS_NAME)

static void stats_fill(struct stats_image *im, const struct stats_source *s)
{
	u32 i, n = s->nr + s->sum;
	u8 *desc = im->rest;
	u64 *value = (u64 *)(desc + n * STATS_DESC);

	if (s->vcpu < 0)
		snprintf(im->name, STATS_NAME, "kvm-%u", s->pid);
	else
		snprintf(im->name, STATS_NAME, "kvm-%u/vcpu-%lld", s->pid,
			 s->vcpu);
	im->head.name_size = STATS_NAME;
	im->head.num_desc = n;
	im->head.id_offset = offsetof(struct stats_image, name);
	im->head.desc_offset = offsetof(struct stats_image, rest);
	im->head.data_offset = im->head.desc_offset + n * STATS_DESC;
	if (s->sum) {
		stats_describe((void *)desc, "exits", KVM_STATS_TYPE_CUMULATIVE,
			       0);
		*value++ = stats_exits(s->base);
		desc += STATS_DESC;
	}
	for (i = 0; i < s->nr; i++) {
		stats_describe((void *)desc, s->values[i].name,
			       s->values[i].flags, i + s->sum);
		*value++ = READ_ONCE(*(u64 *)(s->base + s->values[i].offset));
		desc += STATS_DESC;
	}
}

static ssize_t stats_read(const struct stats_source *s, char __user *to, size_t n,
			  loff_t *pos)
{
	size_t size = sizeof(struct stats_image) +
		      (s->nr + s->sum) * (STATS_DESC + sizeof(u64));
	struct stats_image *im;
	ssize_t r;

	if (*pos < 0)
		return -EINVAL;
	if (*pos >= size)
		return 0;
	n = min_t(size_t, n, size - *pos);
	im = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!im)
		return -ENOMEM;
	stats_fill(im, s);
	r = n;
	if (copy_to_user(to, (char *)im + *pos, n))
		r = -EFAULT;
	else
		*pos += n;
	kvfree(im);
	return r;
}

static ssize_t vm_stats_read(struct file *file, char __user *to, size_t n,
			     loff_t *pos)
{
	const struct lodge_vm *vm = file->private_data;
	const struct stats_source s = {
		.values = vm_values, .nr = ARRAY_SIZE(vm_values), .base = vm,
		.pid = vm->pid, .vcpu = -1,
	};

	return stats_read(&s, to, n, pos);
}

static ssize_t vcpu_stats_read(struct file *file, char __user *to, size_t n,
			       loff_t *pos)
{
	const struct lodge_vcpu *vcpu = file->private_data;
	const struct stats_source s = {
		.values = vcpu_values, .nr = ARRAY_SIZE(vcpu_values),
		.base = &vcpu->stats, .sum = true,
		.pid = vcpu->vm->pid, .vcpu = vcpu->id,
	};

	return stats_read(&s, to, n, pos);
}

static int vm_stats_release(struct inode *inode, struct file *file)
{
	lodge_vm_put(file->private_data);
	return 0;
}

static int vcpu_stats_release(struct inode *inode, struct file *file)
{
	lodge_vm_put(((struct lodge_vcpu *)file->private_data)->vm);
	return 0;
}

static const struct file_operations vm_stats_fops = {
	.owner = THIS_MODULE,
	.read = vm_stats_read,
	.release = vm_stats_release,
};

static const struct file_operations vcpu_stats_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
};

/* Readers use pread(), which descriptors like this do not have by themselves. */
static void stats_allow_pread(int fd, const struct file_operations *fops)
{
	struct file *file = fget(fd);

	if (!file)
		return;
	if (file->f_op == fops)
		file->f_mode |= FMODE_PREAD;
	fput(file);
}

static long stats_fd(struct lodge_vm *vm, const char *name,
		     const struct file_operations *fops, void *of)
{
	int fd;

	lodge_vm_get(vm);
	fd = anon_inode_getfd(name, fops, of, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		atomic64_dec(&vm->refs);	/* not the last: the caller's */
	else
		stats_allow_pread(fd, fops);
	return fd;
}

/**
 * lodge_vm_stats_fd() - KVM_GET_STATS_FD of a VM
 * @vm: which the descriptor keeps
 *
 * Return: a descriptor, or -EMFILE, -ENOMEM.
 */
long lodge_vm_stats_fd(struct lodge_vm *vm)
{
	return stats_fd(vm, "lodge-vm-stats", &vm_stats_fops, vm);
}

/**
 * lodge_vcpu_stats_fd() - KVM_GET_STATS_FD of a vCPU
 * @vcpu: which the descriptor keeps
 *
 * Return: a descriptor, or -EMFILE, -ENOMEM.
 */
long lodge_vcpu_stats_fd(struct lodge_vcpu *vcpu)
{
	return stats_fd(vcpu->vm, "lodge-vcpu-stats", &vcpu_stats_fops, vcpu);
}
