/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The format of extended page tables, for vmx_ops.c and tests/unit/tdp. Pure.
 * Next: vmx_ept.c.
 */
#ifndef LODGE_VMX_EPT_H
#define LODGE_VMX_EPT_H

#include "../tdp_table.h"

extern const struct lodge_tdp_format vmx_ept_format;

u64 vmx_eptp(hpa_t root, bool ad);

#endif /* LODGE_VMX_EPT_H */
