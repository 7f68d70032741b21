/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of ioctls: /dev/lodge (main.c), VM (vm_ioctl.c), vCPU (vcpu_ioctl.c).
 *
 * A command is looked up on all its 32 bits, since KVM gave some numbers out
 * twice. Structures of fixed size are copied in and out by ioctl.c as the
 * command's direction bits say. Next: vm_ioctl.c.
 */
#ifndef LODGE_IOCTL_H
#define LODGE_IOCTL_H

#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/types.h>

/* What headers of 6.1 lack */
#ifndef KVM_CAP_VM_TYPES
#define KVM_CAP_VM_TYPES	235
#endif
#ifndef KVM_CAP_X86_APIC_BUS_CYCLES_NS
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS 237
#endif
#ifndef KVM_CAP_X86_GUEST_MODE
#define KVM_CAP_X86_GUEST_MODE 238
#endif
#ifndef KVM_EXIT_HYPERCALL_LONG_MODE
#define KVM_EXIT_HYPERCALL_LONG_MODE BIT_ULL(0)
#endif
#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
	__u64 gpa, size, flags, padding[5];
};
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#define KVM_CAP_PRE_FAULT_MEMORY 236
#endif

struct lodge_vm;
struct lodge_vcpu;
struct kvm_msrs;

/* struct lodge_ioctl.flags */
#define LODGE_IOCTL_RAW		1	/* of varying size: copies by itself */
#define LODGE_IOCTL_LOCK	2	/* to be called with vm->lock held */
#define LODGE_IOCTL_IN		4	/* its number says out, but it is in */

/* One call: what the handler gets. */
struct lodge_call {
	struct lodge_vm *vm;		/* NULL on /dev/lodge */
	struct lodge_vcpu *vcpu;	/* on a vCPU, its mutex held */
	unsigned long arg;
	void __user *user;		/* arg, as a pointer */
	void *buf;			/* the structure, but with _RAW */
};

struct lodge_ioctl {
	u32 cmd;
	u32 flags;			/* LODGE_IOCTL_* */
	long (*fn)(const struct lodge_call *c);
};

/*
 * KVM_SET_USER_MEMORY_REGION2 and its capability, which headers before 6.8
 * lack: the older structure, then where guest_memfd has it, of which there is
 * none here.
 */
struct lodge_memory_region2 {
	struct kvm_userspace_memory_region region;
	u64 guest_memfd[16];
};

#ifndef KVM_SET_USER_MEMORY_REGION2
#define KVM_SET_USER_MEMORY_REGION2 \
	_IOW(KVMIO, 0x49, struct lodge_memory_region2)
#define KVM_CAP_USER_MEMORY2	231
#endif

#define LODGE_MSRS_MAX		256

/* KVM_CAP_SYNC_REGS: what kvm_run can carry */
#define LODGE_SYNC_REGS		(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | \
				 KVM_SYNC_X86_EVENTS)

/* Flags of KVM_CAP_X2APIC_API that a VM may be given */
#define LODGE_X2APIC_API	(KVM_X2APIC_API_USE_32BIT_IDS | \
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

/* ... and of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
#define LODGE_DIRTY_MANUAL	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | \
				 KVM_DIRTY_LOG_INITIALLY_SET)

/* ... and of KVM_CAP_DISABLE_QUIRKS2. Deleting a slot zaps no other's pages. */
#define LODGE_QUIRKS		(KVM_X86_QUIRK_LINT0_REENABLED | \
				 KVM_X86_QUIRK_CD_NW_CLEARED | \
				 KVM_X86_QUIRK_LAPIC_MMIO_HOLE | \
				 KVM_X86_QUIRK_OUT_7E_INC_RIP | \
				 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | \
				 KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
				 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS | \
				 KVM_X86_QUIRK_STUFF_FEATURE_MSRS)

/* ... and of KVM_CAP_EXIT_HYPERCALL: by number, KVM_HC_* */
#define LODGE_USER_HYPERCALLS	BIT(KVM_HC_MAP_GPA_RANGE)

/* Pages of a vCPU's mapping: kvm_run, data of port I/O, coalesced ring. */
#define LODGE_PIO_PAGE		1
#define LODGE_RING_PAGE		2
#define LODGE_MMAP_PAGES	3

/* ioctl.c */
long lodge_ioctl_call(const struct lodge_ioctl *table, size_t nr, u32 cmd,
		      struct lodge_call *call, long absent);
void *lodge_array_copy(const void __user *user, size_t nr, size_t size);
long lodge_msrs_copy(struct lodge_vcpu *vcpu, struct kvm_msrs __user *user,
		     int (*fn)(struct lodge_vcpu *vcpu, u32 msr, u64 *v),
		     bool back);

/* enable_cap.c */
struct kvm_enable_cap;
long lodge_vm_enable_cap(struct lodge_vm *vm, const struct kvm_enable_cap *e);
long lodge_vcpu_enable_cap(struct lodge_vcpu *vcpu,
			   const struct kvm_enable_cap *e);

/* vm_ioctl.c, vcpu_ioctl.c */
long lodge_vm_ioctl(struct lodge_vm *vm, u32 cmd, unsigned long arg);
long lodge_vcpu_ioctl(struct lodge_vcpu *vcpu, u32 cmd, unsigned long arg);

#endif /* LODGE_IOCTL_H */
