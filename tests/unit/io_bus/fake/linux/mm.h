/* SPDX-License-Identifier: GPL-2.0 */
/* Nothing of the memory manager's is used beyond slab.h. */
#include <linux/slab.h>
