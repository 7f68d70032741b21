/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What /dev/lodge has beyond KVM's interface. All of it is optional: a program
 * asks KVM_CHECK_EXTENSION for the capability first, and KVM answers 0.
 * docs/ABI.md tells of errors. Next: <linux/kvm.h>.
 */
#ifndef LODGE_UAPI_H
#define LODGE_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LODGE_IO		0xB9

#define LODGE_CAP_EXPLAIN	0x4c4f4401

/* Why the last entry failed (KVM_EXIT_FAIL_ENTRY): field, value, rule, title
 * of the section in the vendor's manual.
 */
struct lodge_explain {
	__u64 reason;		/* hardware_entry_failure_reason */
	char text[256];		/* a sentence, ends in a zero */
};

#define LODGE_EXPLAIN		_IOR(LODGE_IO, 0x01, struct lodge_explain)

#endif /* LODGE_UAPI_H */
