// SPDX-License-Identifier: GPL-2.0
/*
 * When translations are flushed, and which VPID a vCPU has.
 *
 * An emulated CPU may flush at every entry, so a flush forgotten is never seen
 * on it: the decision is a function of values, with a test for each row.
 * Called by vmx_run.c and vmx_vcpu.c. Pure.
 */
#include "vmx_decide.h"

/**
 * vmx_tlb_flush() - what to flush at an entry
 * @q: what is known
 *
 * What a guest caches is tagged with its EPT root, so nobody but the vCPUs of
 * one VM can find it, whoever used the CPU in between, and under whichever
 * VPID. The root's page may have been another's before: a vCPU's first entry
 * on a CPU flushes, and so does each return to one, where mappings that have
 * been changed since may still be cached.
 * Intel manual: "Caching Translation Information".
 *
 * Return: VMX_INVEPT_*, or 0: nothing.
 */
u8 vmx_tlb_flush(const struct vmx_tlb_question *q)
{
	if (!q->want_flush && !q->moved)
		return 0;
	return q->single ? VMX_INVEPT_SINGLE : VMX_INVEPT_ALL;
}

/**
 * vmx_vpid_take() - find a VPID that is free
 * @used: a bit for each of VMX_VPIDS
 *
 * From the top: KVM takes the lowest. The caller keeps others out.
 *
 * Return: the VPID, its bit set; 0: none is left.
 */
u16 vmx_vpid_take(u64 *used)
{
	u32 id;

	for (id = VMX_VPIDS - 1; id; id--) {
		if (used[id / 64] & BIT_ULL(id % 64))
			continue;
		used[id / 64] |= BIT_ULL(id % 64);
		return id;
	}
	return 0;
}

/**
 * vmx_vpid_give() - undo vmx_vpid_take()
 * @used: as there
 * @id: VPID, or 0
 */
void vmx_vpid_give(u64 *used, u16 id)
{
	used[id / 64] &= ~BIT_ULL(id % 64);
}
