// SPDX-License-Identifier: GPL-2.0
/* The test module of tests/entry: see entry.h. Next: entry_vmx.c. */
#include <linux/module.h>

#define STATE	int
#include "rules.h"
#include "entry.h"

unsigned int entry_nr;

/*
 * A state is to be refused; without a mutation (@n < 0) it is to be entered.
 * @code is the hardware's.
 */
void entry_report(const char *what, int n, enum entry_result r, u64 code)
{
	static const char * const words[] = { "refused", "entered", "absent" };
	bool ok = n < 0 ? r == ENTRY_ENTERED : r != ENTRY_ENTERED;

	if (r == ENTRY_ABSENT)
		return;
	pr_info("entry: %s %u %s.%d %s, code 0x%llx\n", ok ? "ok" : "not ok",
		++entry_nr, what, n, words[r], code);
}

/* As apply() of tests/unit/rules.c */
void entry_apply(void *state, const struct op *op, size_t seg, size_t seg_size,
		 int n)
{
	size_t offset = op->offset;
	u64 v = 0;

	if (offset >= seg && offset < seg + seg_size)
		offset += n * seg_size;
	memcpy(&v, (char *)state + offset, op->size);
	if (op->kind == OP_SET)
		v = op->value;
	else if (op->kind == OP_ON)
		v |= op->value;
	else
		v &= ~op->value;
	memcpy((char *)state + offset, &v, op->size);
}

static int __init entry_init(void)
{
	int r = entry_vmx();

	if (r == -ENODEV)
		r = entry_svm();
	pr_info("entry: end %u\n", entry_nr);
	return r;
}

static void __exit entry_exit(void)
{
}

module_init(entry_init);
module_exit(entry_exit);
MODULE_DESCRIPTION("States that a CPU must refuse to enter a guest with");
MODULE_LICENSE("GPL");
