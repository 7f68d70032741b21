/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C library's copy of the interface is too old to have, and Lodge's
 * own. Included by calls.c and args.c.
 */
#ifndef LODGE_TESTS_KVM_MORE_H
#define LODGE_TESTS_KVM_MORE_H

#include <linux/kvm.h>

#include "../../uapi/lodge.h"

#ifndef KVM_SET_USER_MEMORY_REGION2
struct kvm_userspace_memory_region2 {
	__u32 slot, flags;
	__u64 guest_phys_addr, memory_size, userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd, pad1;
	__u64 pad2[14];
};
#define KVM_SET_USER_MEMORY_REGION2 \
	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#endif

#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
	__u64 gpa, size, flags, padding[5];
};
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

#endif
