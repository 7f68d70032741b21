// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kmod/svm/svm_tlb.c: every row of the decision to flush, and ids
 * that are never handed out twice in a generation.
 */
#include <stdio.h>

#include "ktap.h"
#include "svm/svm_decide.h"

int ktap_failures;

/* The decision again, from the rules instead of from the code. */
static u8 expected(bool own, bool first, bool want, bool wrapped, bool by_asid)
{
	bool must_one = want;		/* mappings of this guest changed */
	bool must_all = wrapped;	/* ids are used a second time */

	if (!own && first)		/* another used the CPU in between */
		must_one = true;
	if (must_all || (must_one && !by_asid))
		return SVM_TLB_FLUSH_ALL;
	return must_one ? SVM_TLB_FLUSH_ASID : SVM_TLB_KEEP;
}

static void test_tlb_control(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++) {
		struct svm_tlb_question q = {
			.own = i & 1, .first = i & 2, .want_flush = i & 4,
			.wrapped = i & 8, .by_asid = i & 16,
		};

		CHECK_EQ(svm_tlb_control(&q),
			 expected(q.own, q.first, q.want_flush, q.wrapped,
				  q.by_asid));
	}
}

static void test_tlb_after(void)
{
	/* Only where another hypervisor will go on with the same ids. */
	CHECK(svm_tlb_flush_after(false, true));
	CHECK(!svm_tlb_flush_after(false, false));
	CHECK(!svm_tlb_flush_after(true, true));
	CHECK(!svm_tlb_flush_after(true, false));
}

static void test_asid_order(void)
{
	struct svm_asids a = { .generation = 1 };
	u32 asid;

	CHECK(svm_asid_take(&a, 32768, &asid));
	CHECK_EQ(asid, 32767);
	CHECK_EQ(a.generation, 2);
	CHECK(!svm_asid_take(&a, 32768, &asid));
	CHECK_EQ(asid, 32766);
	CHECK_EQ(a.generation, 2);
}

static void test_asid_sixteen(void)
{
	struct svm_asids a = { .generation = 1 };
	u32 used = 0, asid, i, wraps = 0;

	for (i = 0; i < 15 * 4; i++) {
		if (svm_asid_take(&a, 16, &asid)) {
			wraps++;
			used = 0;
		}
		CHECK(asid >= 1 && asid <= 15);
		CHECK(!(used & 1u << asid));
		used |= 1u << asid;
	}
	CHECK_EQ(wraps, 4);
	CHECK_EQ(used, 0xfffe);
	CHECK_EQ(a.generation, 5);
}

/* A flush that a refused entry did not make is made by the next. */
static void test_refused(void)
{
	struct svm_asids a = { .generation = 1 };
	u32 asid;

	CHECK(svm_asid_take(&a, 16, &asid));
	CHECK(!svm_tlb_refused(&a, SVM_TLB_KEEP));
	CHECK(svm_tlb_refused(&a, SVM_TLB_FLUSH_ASID));
	CHECK(!svm_asid_take(&a, 16, &asid));
	CHECK(svm_tlb_refused(&a, SVM_TLB_FLUSH_ALL));
	CHECK(svm_asid_take(&a, 16, &asid));
	CHECK_EQ(a.generation, 3);
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "svm: when to flush", test_tlb_control },
		{ "svm: when to flush after a bracket", test_tlb_after },
		{ "svm: ids from the top", test_asid_order },
		{ "svm: sixteen ids", test_asid_sixteen },
		{ "svm: a refused entry flushes nothing", test_refused },
	};

	return ktap_run(tests, ARRAY_SIZE(tests));
}
