// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/vmx/vmx_tlb.c: every row of the decision to flush, and VPIDs,
 * which no two vCPUs have.
 */
#include <stdio.h>

#include "ktap.h"
#include "vmx/vmx_decide.h"

int ktap_failures;

/* The decision again, from the rules instead of from the code. */
static u8 expected(bool want, bool moved, bool single)
{
	bool must = false;

	if (want)		/* mappings of this guest changed */
		must = true;
	if (moved)		/* others may have changed since it was here */
		must = true;
	if (!must)
		return 0;
	return single ? VMX_INVEPT_SINGLE : VMX_INVEPT_ALL;
}

static void test_tlb_flush(void)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		struct vmx_tlb_question q = {
			.want_flush = i & 1, .moved = i & 2, .single = i & 4,
		};

		CHECK_EQ(vmx_tlb_flush(&q),
			 expected(q.want_flush, q.moved, q.single));
	}
}

static u64 used[VMX_VPIDS / 64];

static void test_vpid_order(void)
{
	memset(used, 0, sizeof(used));
	CHECK_EQ(vmx_vpid_take(used), 0xffff);
	CHECK_EQ(vmx_vpid_take(used), 0xfffe);
	vmx_vpid_give(used, 0xffff);
	CHECK_EQ(vmx_vpid_take(used), 0xffff);
	CHECK_EQ(vmx_vpid_take(used), 0xfffd);
}

static void test_vpid_all(void)
{
	u32 i;

	memset(used, 0, sizeof(used));
	for (i = VMX_VPIDS - 1; i; i--)
		CHECK_EQ(vmx_vpid_take(used), i);
	CHECK_EQ(vmx_vpid_take(used), 0);
	/* What had none gives none back: 0 stays the host's. */
	vmx_vpid_give(used, 0);
	CHECK_EQ(vmx_vpid_take(used), 0);
	vmx_vpid_give(used, 1);
	CHECK_EQ(vmx_vpid_take(used), 1);
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "vmx: when to flush", test_tlb_flush },
		{ "vmx: VPIDs from the top", test_vpid_order },
		{ "vmx: all VPIDs", test_vpid_all },
	};

	return ktap_run(tests, ARRAY_SIZE(tests));
}
