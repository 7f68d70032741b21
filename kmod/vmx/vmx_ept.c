// SPDX-License-Identifier: GPL-2.0
/*
 * The bits of extended page tables ("The Extended Page Table Mechanism (EPT)"
 * of the Intel manual). Nothing made here is an EPT misconfiguration: who may
 * write may read, reserved bits are clear, and the memory types are known.
 * Called by tdp.c and tdp_table.c through vmx_ept_format, and by
 * tests/unit/tdp. Pure. Next: ../tdp_table.c.
 */
#include "vmx_ept.h"
#include "vmx_vmcs.h"

#define EPT_R		BIT_ULL(0)
#define EPT_W		BIT_ULL(1)
#define EPT_X		BIT_ULL(2)
#define EPT_ALL		(EPT_R | EPT_W | EPT_X)
#define EPT_TYPE_WB	(6ULL << 3)
#define EPT_TYPE_UC	(0ULL << 3)
#define EPT_IGNORE_PAT	BIT_ULL(6)
#define EPT_PS		BIT_ULL(7)	/* in levels 2 and 3 */
#define EPT_A		BIT_ULL(8)	/* ignored by CPUs without the flag */
#define EPT_D		BIT_ULL(9)	/* as A */
#define EPT_ADDRESS	GENMASK_ULL(51, 12)

/*
 * The guest's PAT decides nothing: its memory is the host's, whose mappings of
 * it are write-back, and a device's registers are never to be cached.
 */
static u64 ept_leaf(hpa_t hpa, int level, bool write, bool exec, bool uncached)
{
	u64 e = EPT_R | EPT_A | EPT_IGNORE_PAT;

	e |= hpa & EPT_ADDRESS & ~((lodge_pt_pages(level) << 12) - 1);
	e |= uncached ? EPT_TYPE_UC : EPT_TYPE_WB;
	if (level > 1)
		e |= EPT_PS;
	if (write)
		e |= EPT_W;
	if (exec)
		e |= EPT_X;
	return e;
}

static u64 ept_table(hpa_t hpa)
{
	return (hpa & EPT_ADDRESS) | EPT_ALL | EPT_A;
}

const struct lodge_tdp_format vmx_ept_format = {
	.host_depth = false,
	.present = EPT_ALL,
	.large = EPT_PS,
	.write = EPT_W,
	.accessed = EPT_A,
	.dirty = EPT_D,
	.leaf = ept_leaf,
	.table = ept_table,
};

/**
 * vmx_eptp() - the EPT pointer of a guest
 * @root: physical address of its top table
 * @ad: the CPU has accessed and dirty flags
 *
 * Four levels, walked as write-back memory. Intel manual: "Extended-Page-Table
 * Pointer (EPTP)".
 */
u64 vmx_eptp(hpa_t root, bool ad)
{
	return (root & EPT_ADDRESS) | VMX_EPTP_WB |
	       FIELD_PREP(VMX_EPTP_LENGTH, 3ULL) | (ad ? VMX_EPTP_AD : 0);
}
