/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instructions of VMX, in the Intel manual's chapter "VMX Instruction
 * Reference". Those whose failure means no broken invariant say so; the
 * others complain. Next: vmx_host.c.
 */
#ifndef LODGE_VMX_INSN_H
#define LODGE_VMX_INSN_H

#include <linux/bug.h>
#include <asm/asm.h>

#include "vmx_vmcs.h"

static inline u64 vmcs_read(u32 field)
{
	u64 v = 0;

	asm volatile("vmread %1, %0" : "=rm"(v) : "r"((u64)field) : "cc");
	return v;
}

static inline void vmcs_write(u32 field, u64 v)
{
	asm goto("vmwrite %1, %0; jbe %l[failed]"
		 :: "r"((u64)field), "rm"(v) : "cc", "memory" : failed);
	return;
failed:
	WARN_ONCE(1, "lodge: VMCS field %#x can't be written\n", field);
}

/* The VMCS becomes current. */
static inline void vmx_vmptrld(hpa_t pa)
{
	asm goto("vmptrld %0; jbe %l[failed]"
		 :: "m"(pa) : "cc", "memory" : failed);
	return;
failed:
	WARN_ONCE(1, "lodge: VMPTRLD of %#llx failed\n", pa);
}

/* The VMCS goes to memory, no more launched; if it was current, none is. */
static inline void vmx_vmclear(hpa_t pa)
{
	asm goto("vmclear %0; jbe %l[failed]"
		 :: "m"(pa) : "cc", "memory" : failed);
	return;
failed:
	WARN_ONCE(1, "lodge: VMCLEAR of %#llx failed\n", pa);
}

/**
 * vmx_vmptrst() - which VMCS is current?
 * @pa: set to its address, all ones if there is none
 *
 * Return: 0, or -EIO: the CPU is not in VMX operation.
 */
static inline int vmx_vmptrst(hpa_t *pa)
{
	hpa_t now = 0;
	int err = -EIO;

	asm volatile("1: vmptrst %1\n\t"
		     "xorl %k0, %k0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r"(err), "+m"(now) :: "cc", "memory");
	*pa = now;
	return err;
}

/**
 * vmx_vmxon() - into VMX operation
 * @pa: the VMXON region
 *
 * Return: 0 or -EIO.
 */
static inline int vmx_vmxon(hpa_t pa)
{
	int err = -EIO;

	asm volatile("1: vmxon %1\n\t"
		     "jbe 2f\n\t"
		     "xorl %k0, %k0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r"(err) : "m"(pa) : "cc", "memory");
	return err;
}

static inline void vmx_vmxoff(void)
{
	asm volatile("vmxoff" ::: "cc", "memory");
}

/* VMX_INVEPT_*; translations made through an EPT pointer, or all of them */
static inline void vmx_invept(u64 type, u64 eptp)
{
	struct vmx_invept desc = { .eptp = eptp };

	asm goto("invept %0, %1; jbe %l[failed]"
		 :: "m"(desc), "r"(type) : "cc", "memory" : failed);
	return;
failed:
	WARN_ONCE(1, "lodge: INVEPT of %#llx failed\n", eptp);
}

#endif /* LODGE_VMX_INSN_H */
