// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual CPU's life, its file descriptor and mapping, and KVM_RUN.
 *
 * vm_ioctl.c creates them; they live as long as their VM. Whatever thread
 * calls KVM_RUN runs the vCPU, one at a time. Next: vcpu_ioctl.c, run.c.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page_ref.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ioctl.h"
#include "lodge.h"

/* As the firmware of a PC leaves it: the base, enabled. And: boot CPU. */
#define APIC_BASE_DEFAULT	0xfee00800ULL
#define APIC_BASE_BSP		0x100ULL

static void vcpu_free_memory(struct lodge_vcpu *vcpu)
{
	lodge_ring_destroy(vcpu);
	lodge_page_free(vcpu->pio_page);
	lodge_page_free(vcpu->run);
	kvfree(vcpu->cpuid);
	lodge_emulate_destroy(vcpu);
	kvfree(vcpu);
}

static struct lodge_vcpu *vcpu_alloc(struct lodge_vm *vm, u32 id)
{
	struct lodge_vcpu *vcpu;

	vcpu = kvzalloc(lodge_ops->vcpu_size, GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return NULL;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	vcpu->files = current->files;
	vcpu->events.user_irq = -1;
	vcpu->avail = LODGE_R_ALL;
	vcpu->mcg_cap = LODGE_MCE_BANKS;
	vcpu->user_pic = !vm->irqchip || vm->split;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);

	vcpu->run = lodge_page_alloc();
	vcpu->pio_page = lodge_page_alloc();
	vcpu->cpuid = kvzalloc(sizeof(*vcpu->cpuid), GFP_KERNEL_ACCOUNT);
	if (vcpu->run && vcpu->pio_page && vcpu->cpuid &&
	    !lodge_emulate_create(vcpu) && !lodge_ring_create(vcpu))
		return vcpu;
	vcpu_free_memory(vcpu);
	return NULL;
}

static int vcpu_parts_init(struct lodge_vcpu *vcpu)
{
	static atomic64_t serials;
	bool boot = vcpu->id == vcpu->vm->boot_id;
	int r;

	vcpu->serial = atomic64_inc_return(&serials);
	r = lodge_fpu_create(vcpu);
	if (r)
		return r;
	if (vcpu->vm->irqchip) {
		r = lodge_lapic_create(vcpu);
		if (r)
			goto out_fpu;
	}
	r = lodge_ops->vcpu_create(vcpu);
	if (r)
		goto out_lapic;
	lodge_tdp_vcpu_init(vcpu);
	lodge_ops->set_tdp_root(vcpu, vcpu->vm->tdp.root);
	lodge_clock_vcpu_init(vcpu);

	/* Without chips in the kernel the user starts the others himself. */
	vcpu->mp_state = vcpu->vm->irqchip && !boot ?
		KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
	lodge_vcpu_reset(vcpu, false);
	vcpu->msr.apic_base = APIC_BASE_DEFAULT |
			      (boot ? APIC_BASE_BSP : 0);
	return 0;

out_lapic:
	if (vcpu->apic)
		lodge_lapic_destroy(vcpu);
out_fpu:
	lodge_fpu_destroy(vcpu);
	return r;
}

/**
 * lodge_vcpu_free() - at the end of its VM
 * @vcpu: not running, its descriptor closed
 */
void lodge_vcpu_free(struct lodge_vcpu *vcpu)
{
	if (vcpu->apic)
		lodge_lapic_destroy(vcpu);	/* first: its timer kicks */
	lodge_tdp_vcpu_free(vcpu);
	lodge_ops->vcpu_destroy(vcpu);
	lodge_tdp_vcpu_free(vcpu);
	lodge_fpu_destroy(vcpu);
	vcpu_free_memory(vcpu);
}

/**
 * lodge_vcpu_by_id() - find a vCPU by what the user calls it
 * @vm: its VM
 * @id: APIC id
 *
 * Context: any; what it returns lives as long as the VM.
 */
struct lodge_vcpu *lodge_vcpu_by_id(struct lodge_vm *vm, u32 id)
{
	/* Pairs with vcpu_publish(). */
	u32 i, nr = smp_load_acquire(&vm->nr_vcpus);

	for (i = 0; i < nr; i++)
		if (vm->vcpu[i]->id == id)
			return vm->vcpu[i];
	return NULL;
}

static vm_fault_t vcpu_page_fault(struct vm_fault *vmf)
{
	struct lodge_vcpu *vcpu = vmf->vma->vm_file->private_data;
	void * const pages[LODGE_MMAP_PAGES] = {
		vcpu->run,
		[LODGE_PIO_PAGE] = vcpu->pio_page,
		[LODGE_RING_PAGE] = vcpu->vm->coalesced_page,
	};

	void *page = NULL;

	if (vmf->pgoff < ARRAY_SIZE(pages))
		page = pages[vmf->pgoff];
	else if (vmf->pgoff >= KVM_DIRTY_LOG_PAGE_OFFSET)
		page = lodge_ring_page(vcpu, vmf->pgoff -
					     KVM_DIRTY_LOG_PAGE_OFFSET);
	if (!page)
		return VM_FAULT_SIGBUS;
	vmf->page = pfn_to_page(lodge_page_pa(page) >> PAGE_SHIFT);
	page_ref_inc(vmf->page);	/* as get_page(), of a single page */
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_page_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct lodge_vcpu *vcpu = file->private_data;
	unsigned long end = KVM_DIRTY_LOG_PAGE_OFFSET +
			    vcpu->vm->ring_entries *
			    sizeof(struct kvm_dirty_gfn) / PAGE_SIZE;

	/* What the user says in the ring has to arrive. */
	if (vma->vm_pgoff < end &&
	    vma->vm_pgoff + vma_pages(vma) > KVM_DIRTY_LOG_PAGE_OFFSET &&
	    ((vma->vm_flags & VM_EXEC) || !(vma->vm_flags & VM_SHARED)))
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

/*
 * Also where the process ends, whose memory holds the descriptor as mapped. The
 * end of a process, which has no memory by then, may be that of a child.
 */
static int vcpu_flush(struct file *file, fl_owner_t id)
{
	struct lodge_vcpu *vcpu = file->private_data;

	if (id == vcpu->files)
		lodge_apf_close(vcpu);
	else if (!current->mm)
		lodge_apf_interrupt(vcpu);
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct lodge_vcpu *vcpu = file->private_data;

	lodge_vm_put(vcpu->vm);
	return 0;
}

/* Could an interrupt from the user be taken at once? */
static bool ready_for_irq(struct lodge_vcpu *vcpu)
{
	return !vcpu->user_pic || lodge_user_irq_ready(vcpu);
}

/* What kvm_run says after each KVM_RUN, failed ones included. */
static void run_report(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(vcpu->regs.rflags & LODGE_RFLAGS_IF);
	run->cr8 = vcpu->apic ? lodge_lapic_cr8(vcpu) : vcpu->regs.cr8;
	run->apic_base = vcpu->apic ? lodge_lapic_base(vcpu) :
				      vcpu->msr.apic_base;
	run->ready_for_interrupt_injection = ready_for_irq(vcpu);
}

/* What the user has changed in kvm_run: of a copy, since he may go on. */
static int run_sync_in(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	struct kvm_sync_regs s;

	if ((dirty | READ_ONCE(run->kvm_valid_regs)) & ~LODGE_SYNC_REGS)
		return -EINVAL;
	if (likely(!dirty))
		return 0;
	memcpy(&s, &run->s.regs, sizeof(s));
	barrier();
	if (dirty & KVM_SYNC_X86_REGS) {
		lodge_regs_set(vcpu, &s.regs);
		run->kvm_dirty_regs &= ~KVM_SYNC_X86_REGS;
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		if (lodge_sregs_set(vcpu, &s.sregs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~KVM_SYNC_X86_SREGS;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		if (lodge_events_set(vcpu, &s.events))
			return -EINVAL;
		run->kvm_dirty_regs &= ~KVM_SYNC_X86_EVENTS;
	}
	return 0;
}

/* What the user wants to find there. */
static void run_sync_out(struct lodge_vcpu *vcpu)
{
	struct kvm_sync_regs *s = &vcpu->run->s.regs;
	u64 valid = READ_ONCE(vcpu->run->kvm_valid_regs);

	if (likely(!valid))
		return;
	if (valid & KVM_SYNC_X86_REGS)
		lodge_regs_get(vcpu, &s->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		lodge_sregs_get(vcpu, &s->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		lodge_events_get(vcpu, &s->events);
}

static int run_checked(struct lodge_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 cr8;
	int r;

	run->flags = 0;
	r = run_sync_in(vcpu);
	if (r)
		return r;
	if (!vcpu->apic) {
		cr8 = READ_ONCE(run->cr8);
		if (cr8 & ~0xfULL)
			return -EINVAL;
		if (cr8 != vcpu->regs.cr8)
			vcpu->dirty |= LODGE_R_TPR;
		vcpu->regs.cr8 = cr8;
	}
	return lodge_vcpu_run(vcpu);
}

/*
 * The thread's own mask waits in real_blocked, so that a signal that is blocked
 * there is not thrown away for being ignored, but ends KVM_RUN.
 */
static void sigset_begin(struct lodge_vcpu *vcpu)
{
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
}

static void sigset_end(struct lodge_vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

static long vcpu_run_ioctl(struct lodge_vcpu *vcpu, unsigned long arg)
{
	int r;

	if (arg)
		return -EINVAL;
	sigset_begin(vcpu);
	WRITE_ONCE(vcpu->task, current);
	r = run_checked(vcpu);
	WRITE_ONCE(vcpu->task, NULL);
	if (unlikely(fatal_signal_pending(current)))
		lodge_apf_interrupt(vcpu);	/* the last chance, if it is closed */
	run_sync_out(vcpu);
	run_report(vcpu);
	sigset_end(vcpu);
	lodge_host_user_return();
	return r;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lodge_vcpu *vcpu = file->private_data;
	struct lodge_vm *vm = vcpu->vm;
	long r;

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	if (cmd == KVM_RUN)
		r = vcpu_run_ioctl(vcpu, arg);
	else
		r = lodge_vcpu_ioctl(vcpu, cmd, arg);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.flush = vcpu_flush,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
};

/*
 * The descriptor is there before the vCPU is in vm->vcpu[], since making it
 * may fail; vcpu->mutex keeps out whoever guesses its number meanwhile.
 */
static int vcpu_publish(struct lodge_vm *vm, struct lodge_vcpu *vcpu)
{
	int fd;

	lodge_vm_get(vm);
	fd = anon_inode_getfd("lodge-vcpu", &vcpu_fops, vcpu,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		atomic64_dec(&vm->refs);	/* not the last: the VM's own */
		return fd;
	}
	vcpu->index = vm->nr_vcpus;
	vm->vcpu[vcpu->index] = vcpu;
	/* Whoever sees the number sees the vCPU. */
	smp_store_release(&vm->nr_vcpus, vcpu->index + 1);
	lodge_lapic_publish(vcpu);
	return fd;
}

/**
 * lodge_vcpu_create() - KVM_CREATE_VCPU
 * @vm: the VM, its lock held
 * @id: APIC id; there may be gaps
 *
 * Return: a descriptor, or -EINVAL (too many, or @id too large), -EEXIST,
 * -ENOMEM, -EMFILE.
 */
int lodge_vcpu_create(struct lodge_vm *vm, u32 id)
{
	struct lodge_vcpu *vcpu;
	int r;

	lockdep_assert_held(&vm->lock);
	if (!vm->max_vcpu_id)
		vm->max_vcpu_id = LODGE_VCPU_ID_MAX;
	if (id >= vm->max_vcpu_id || vm->nr_vcpus == LODGE_VCPUS_MAX)
		return -EINVAL;
	if (lodge_vcpu_by_id(vm, id))
		return -EEXIST;
	vcpu = vcpu_alloc(vm, id);
	if (!vcpu)
		return -ENOMEM;

	mutex_lock(&vcpu->mutex);
	r = vcpu_parts_init(vcpu);
	if (r) {
		mutex_unlock(&vcpu->mutex);
		vcpu_free_memory(vcpu);
		return r;
	}
	r = vcpu_publish(vm, vcpu);
	mutex_unlock(&vcpu->mutex);
	if (r < 0)
		lodge_vcpu_free(vcpu);
	return r;
}
