/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's allocators: malloc(), which fails when the test says so. */
#ifndef FAKE_SLAB_H
#define FAKE_SLAB_H

#include <stdlib.h>
#include <string.h>

#define GFP_KERNEL		1
#define GFP_KERNEL_ACCOUNT	2

extern int fake_alloc_fail;	/* how many allocations until one fails; 0: none */
extern int fake_allocs;		/* how many there have been */

static inline void *fake_alloc(size_t n, unsigned int flags)
{
	fake_allocs++;
	if (fake_alloc_fail && !--fake_alloc_fail)
		return NULL;
	return calloc(1, n);
}

/* A page, and no more: what is beyond is ASan's. */
static inline void *lodge_page_alloc(void)
{
	void *page = aligned_alloc(4096, 4096);

	return page ? memset(page, 0, 4096) : NULL;
}

#define lodge_page_free(p)	free(p)
#define kzalloc(n, flags)	fake_alloc(n, flags)
#define kvzalloc(n, flags)	fake_alloc(n, flags)
#define kcalloc(nr, n, flags)	fake_alloc((size_t)(nr) * (n), flags)
#define kvcalloc(nr, n, flags)	fake_alloc((size_t)(nr) * (n), flags)
#define kvmalloc_array(nr, n, flags) fake_alloc((size_t)(nr) * (n), flags)
#define kfree(p)		free((void *)(p))
#define kvfree(p)		free((void *)(p))
#define struct_size(p, member, nr) \
	(sizeof(*(p)) + (size_t)(nr) * sizeof((p)->member[0]))

#endif
