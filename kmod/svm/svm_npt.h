/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The nested page-table format, for svm_ops.c and tests/unit/tdp. Pure.
 * Next: svm_npt.c.
 */
#ifndef SVM_NPT_H
#define SVM_NPT_H

#include "../tdp_table.h"

/* As declared in svm.h, for those who see only what is pure. */
extern const struct lodge_tdp_format svm_npt_format;

#endif /* SVM_NPT_H */
