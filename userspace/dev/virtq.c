// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues; see virtq.h for who calls this.
 *
 * The driver can change the rings while we look: whatever is checked is first
 * copied, and every loop is bounded by the queue's size.
 * Read next: dev/virtio_blk.c.
 */
#include "virtq.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int virtq_break(struct lodge_virtq *vq, const char *why)
{
	vq->broken = why;
	return -EIO;
}

static uint16_t load16(const __u16 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store16(__u16 *p, uint16_t val)
{
	__atomic_store_n(p, val, __ATOMIC_RELEASE);
}

/* The driver's "tell me at" follows the available ring; ours, the used. */
static __u16 *virtq_used_event(struct lodge_virtq *vq)
{
	return &vq->avail->ring[vq->size];
}

static __u16 *virtq_avail_event(struct lodge_virtq *vq)
{
	return (__u16 *)&vq->used->ring[vq->size];
}

void lodge_virtq_reset(struct lodge_virtq *vq, const struct lodge_mem *mem)
{
	memset(vq, 0, sizeof(*vq));
	vq->mem = mem;
	vq->size = LODGE_VIRTQ_MAX;
}

static void *virtq_ring(struct lodge_virtq *vq, uint64_t gpa, uint64_t len,
			unsigned int align)
{
	return gpa % align ? NULL : lodge_mem_ptr(vq->mem, gpa, len);
}

bool lodge_virtq_enable(struct lodge_virtq *vq, bool event_idx)
{
	unsigned int n = vq->size;

	if (!n || n > LODGE_VIRTQ_MAX || (n & (n - 1))) {
		virtq_break(vq, "its size is no power of two up to 128");
		return false;
	}
	vq->desc = virtq_ring(vq, vq->desc_gpa, n * sizeof(*vq->desc), 16);
	vq->avail = virtq_ring(vq, vq->avail_gpa,
			       offsetof(struct vring_avail, ring[n + 1]), 2);
	vq->used = virtq_ring(vq, vq->used_gpa,
			      offsetof(struct vring_used, ring[n]) + 2, 4);
	if (!vq->desc || !vq->avail || !vq->used) {
		virtq_break(vq, "a ring is not in memory or not aligned");
		return false;
	}
	vq->event_idx = event_idx;
	vq->enabled = true;
	return true;
}

/* Where a chain is being followed: the queue's own table or an indirect one. */
struct virtq_walk {
	const struct vring_desc *table;
	unsigned int nr;
	unsigned int budget;		/* descriptors that may still come */
	bool indirect;
};

static int virtq_indirect(struct lodge_virtq *vq, struct virtq_walk *w,
			  const struct vring_desc *d)
{
	if (w->indirect)
		return virtq_break(vq, "an indirect table in another");
	if (d->flags & VRING_DESC_F_NEXT)
		return virtq_break(vq, "an indirect table with a successor");
	if (!d->len || d->len % sizeof(*d) ||
	    d->len / sizeof(*d) > vq->size)
		return virtq_break(vq, "an indirect table of a bad size");
	w->table = virtq_ring(vq, d->addr, d->len, 1);
	if (!w->table)
		return virtq_break(vq, "an indirect table outside memory");
	w->nr = d->len / sizeof(*d);
	w->indirect = true;
	return 0;
}

static int virtq_add(struct lodge_virtq *vq, struct lodge_virtq_chain *chain,
		     const struct vring_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;
	unsigned int n = chain->nr_out + chain->nr_in;
	void *p = lodge_mem_ptr(vq->mem, d->addr, d->len);

	if (!d->len)
		return virtq_break(vq, "an empty descriptor");
	if (!p)
		return virtq_break(vq, "a descriptor outside memory");
	if (!in && chain->nr_in)
		return virtq_break(vq, "a readable part after a writable one");
	if (n == LODGE_VIRTQ_MAX)
		return virtq_break(vq, "a chain that is too long");
	chain->iov[n] = (struct iovec){ .iov_base = p, .iov_len = d->len };
	if (in)
		chain->nr_in++;
	else
		chain->nr_out++;
	return 0;
}

static int virtq_follow(struct lodge_virtq *vq, struct virtq_walk *w,
			unsigned int i, struct lodge_virtq_chain *chain)
{
	struct vring_desc d;
	int ret;

	for (;;) {
		if (i >= w->nr)
			return virtq_break(vq, "a descriptor out of range");
		if (!w->budget--)
			return virtq_break(vq, "a chain in a loop");
		memcpy(&d, (const void *)&w->table[i], sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			ret = virtq_indirect(vq, w, &d);
			if (ret)
				return ret;
			i = 0;
			continue;
		}
		ret = virtq_add(vq, chain, &d);
		if (ret)
			return ret;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
}

/* How many requests wait, or -EIO. */
static int virtq_waiting(struct lodge_virtq *vq)
{
	uint16_t n;

	if (vq->broken)
		return -EIO;
	n = load16(&vq->avail->idx) - vq->next_avail;
	/* With those that are being served; their places are taken. */
	if (n + (uint16_t)(vq->next_avail - vq->next_used) > vq->size)
		return virtq_break(vq, "more requests than the queue holds");
	return n;
}

int lodge_virtq_pop(struct lodge_virtq *vq, struct lodge_virtq_chain *chain)
{
	struct virtq_walk walk = { .nr = vq->size, .budget = vq->size + 1u };
	int ret = virtq_waiting(vq);
	uint16_t head;

	if (ret <= 0)
		return ret;
	head = load16(&vq->avail->ring[vq->next_avail % vq->size]);
	chain->head = head;
	chain->nr_out = 0;
	chain->nr_in = 0;
	walk.table = vq->desc;
	ret = virtq_follow(vq, &walk, head, chain);
	if (ret)
		return ret;
	vq->next_avail++;
	return 1;
}

void lodge_virtq_push(struct lodge_virtq *vq, uint16_t head, uint32_t written)
{
	struct vring_used_elem *e = &vq->used->ring[vq->next_used % vq->size];

	e->id = head;
	e->len = written;
	/* The release lets nobody see the index before the element. */
	store16(&vq->used->idx, ++vq->next_used);
}

bool lodge_virtq_must_tell(struct lodge_virtq *vq)
{
	uint16_t old = vq->told_used, new = vq->next_used;

	if (old == new)
		return false;
	/* The index must be out before we look whether anyone minds. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	vq->told_used = new;
	if (!vq->event_idx)
		return !(load16(&vq->avail->flags) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(load16(virtq_used_event(vq)), new, old);
}

bool lodge_virtq_listen(struct lodge_virtq *vq, bool on)
{
	if (vq->event_idx) {
		if (on)
			store16(virtq_avail_event(vq), vq->next_avail);
	} else {
		store16(&vq->used->flags, on ? 0 : VRING_USED_F_NO_NOTIFY);
	}
	if (!on)
		return virtq_waiting(vq) != 0;
	/* The wish must be out before we look whether it came too late. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_waiting(vq) != 0;
}
