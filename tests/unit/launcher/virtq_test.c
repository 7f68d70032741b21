// SPDX-License-Identifier: GPL-2.0
/*
 * The virtqueue: what it takes, what it refuses, when it tells.
 * Called by main.c. Read next: userspace/dev/virtq.c.
 */
#include <stdlib.h>
#include <string.h>

#include "../ktap.h"
#include "dev/virtq.h"
#include "tests.h"

#define SIZE		8
#define MEM		0x10000
#define DESC		0x1000
#define AVAIL		0x2000
#define USED		0x3000
#define INDIRECT	0x4000
#define DATA		0x8000

static struct lodge_mem mem;
static struct lodge_virtq vq;
static struct lodge_virtq_chain chain;

static void *at(uint64_t gpa)
{
	return lodge_mem_ptr(&mem, gpa, 1);
}

static struct vring_avail *avail(void)
{
	return at(AVAIL);
}

static struct vring_used *used(void)
{
	return at(USED);
}

static void set(uint64_t table, unsigned int i, uint64_t addr, uint32_t len,
		uint16_t flags, uint16_t next)
{
	struct vring_desc *d = at(table);

	d[i] = (struct vring_desc){ addr, len, flags, next };
}

static void offer(uint16_t head)
{
	avail()->ring[avail()->idx % SIZE] = head;
	avail()->idx++;
}

static void setup(bool event_idx)
{
	test_mem_make(&mem, MEM);
	lodge_virtq_reset(&vq, &mem);
	vq.size = SIZE;
	vq.desc_gpa = DESC;
	vq.avail_gpa = AVAIL;
	vq.used_gpa = USED;
	CHECK(lodge_virtq_enable(&vq, event_idx));
}

static void broken(const char *why)
{
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), -EIO);
	CHECK(vq.broken && !strcmp(vq.broken, why));
	/* And it stays so. */
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), -EIO);
}

void test_virtq_pop(void)
{
	setup(false);
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 0);
	set(DESC, 3, DATA, 16, VRING_DESC_F_NEXT, 5);
	set(DESC, 5, DATA + 16, 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
	set(DESC, 0, DATA + 600, 1, VRING_DESC_F_WRITE, 7);
	offer(3);
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.head, 3);
	CHECK_EQ(chain.nr_out, 1);
	CHECK_EQ(chain.nr_in, 2);
	CHECK(chain.iov[0].iov_base == at(DATA));
	CHECK_EQ(chain.iov[1].iov_len, 512);
	CHECK(chain.iov[2].iov_base == at(DATA + 600));
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 0);
}

void test_virtq_push(void)
{
	setup(false);
	lodge_virtq_push(&vq, 3, 513);
	CHECK_EQ(used()->idx, 1);
	CHECK_EQ(used()->ring[0].id, 3);
	CHECK_EQ(used()->ring[0].len, 513);
	vq.next_used = 0xffff;
	lodge_virtq_push(&vq, 4, 1);
	CHECK_EQ(used()->idx, 0);
	CHECK_EQ(used()->ring[0xffff % SIZE].id, 4);
}

void test_virtq_wrap(void)
{
	int i;

	setup(false);
	set(DESC, 1, DATA, 4, 0, 0);
	for (i = 0; i < 70000; i++) {
		offer(1);
		CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
		lodge_virtq_push(&vq, 1, 0);
		if (ktap_failures)
			return;
	}
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 0);
}

void test_virtq_indirect(void)
{
	setup(false);
	set(INDIRECT, 0, DATA, 8, VRING_DESC_F_NEXT, 1);
	set(INDIRECT, 1, DATA + 8, 8, VRING_DESC_F_WRITE, 0);
	set(DESC, 0, INDIRECT, 32, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.nr_out, 1);
	CHECK_EQ(chain.nr_in, 1);

	set(DESC, 0, INDIRECT, 33, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	broken("an indirect table of a bad size");

	setup(false);
	set(DESC, 0, INDIRECT, 16 * (SIZE + 1), VRING_DESC_F_INDIRECT, 0);
	offer(0);
	broken("an indirect table of a bad size");

	setup(false);
	set(DESC, 0, MEM - 16, 32, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	broken("an indirect table outside memory");

	setup(false);
	set(DESC, 0, INDIRECT, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	offer(0);
	broken("an indirect table with a successor");

	setup(false);
	set(INDIRECT, 0, INDIRECT, 16, VRING_DESC_F_INDIRECT, 0);
	set(DESC, 0, INDIRECT, 16, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	broken("an indirect table in another");
}

void test_virtq_loops(void)
{
	int i;

	setup(false);
	set(DESC, 0, DATA, 1, VRING_DESC_F_NEXT, 1);
	set(DESC, 1, DATA, 1, VRING_DESC_F_NEXT, 0);
	offer(0);
	broken("a chain in a loop");

	setup(false);
	set(DESC, 0, INDIRECT, 16 * SIZE, VRING_DESC_F_INDIRECT, 0);
	for (i = 0; i < SIZE; i++)
		set(INDIRECT, i, DATA, 1, VRING_DESC_F_NEXT, (i + 1) % SIZE);
	offer(0);
	broken("a chain in a loop");

	/* The longest chain there can be is fine. */
	setup(false);
	for (i = 0; i < SIZE; i++)
		set(DESC, i, DATA, 1, i < SIZE - 1 ? VRING_DESC_F_NEXT : 0,
		    i + 1);
	offer(0);
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
	CHECK_EQ(chain.nr_out, SIZE);
}

void test_virtq_hostile(void)
{
	int i;

	setup(false);
	offer(SIZE);
	broken("a descriptor out of range");

	setup(false);
	set(DESC, 0, DATA, 1, VRING_DESC_F_NEXT, 0xffff);
	offer(0);
	broken("a descriptor out of range");

	setup(false);
	avail()->idx = SIZE + 1;
	broken("more requests than the queue holds");

	/* Nor may those that are being served be put in again. */
	setup(false);
	set(DESC, 0, DATA, 1, 0, 0);
	for (i = 0; i < SIZE; i++) {
		offer(0);
		CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
	}
	lodge_virtq_push(&vq, 0, 0);
	offer(0);
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
	offer(0);
	broken("more requests than the queue holds");

	setup(false);
	set(DESC, 0, MEM - 1, 2, 0, 0);
	offer(0);
	broken("a descriptor outside memory");

	setup(false);
	set(DESC, 0, UINT64_MAX, 2, 0, 0);
	offer(0);
	broken("a descriptor outside memory");

	setup(false);
	set(DESC, 0, DATA, UINT32_MAX, 0, 0);
	offer(0);
	broken("a descriptor outside memory");

	setup(false);
	set(DESC, 0, DATA, 0, 0, 0);
	offer(0);
	broken("an empty descriptor");

	setup(false);
	set(DESC, 0, DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	set(DESC, 1, DATA, 1, 0, 0);
	offer(0);
	broken("a readable part after a writable one");
}

static bool enable(uint16_t size, uint64_t desc, uint64_t avail, uint64_t used)
{
	lodge_virtq_reset(&vq, &mem);
	vq.size = size;
	vq.desc_gpa = desc;
	vq.avail_gpa = avail;
	vq.used_gpa = used;
	return lodge_virtq_enable(&vq, false);
}

void test_virtq_enable(void)
{
	setup(false);
	CHECK(enable(SIZE, DESC, AVAIL, USED));
	CHECK(enable(1, DESC, AVAIL, USED));
	CHECK(enable(LODGE_VIRTQ_MAX, DESC, AVAIL, USED));
	CHECK(!enable(0, DESC, AVAIL, USED));
	CHECK(!enable(6, DESC, AVAIL, USED));
	CHECK(!enable(LODGE_VIRTQ_MAX * 2, DESC, AVAIL, USED));
	CHECK(!enable(SIZE, DESC + 8, AVAIL, USED));
	CHECK(!enable(SIZE, DESC, AVAIL + 1, USED));
	CHECK(!enable(SIZE, DESC, AVAIL, USED + 2));
	CHECK(!enable(SIZE, MEM, AVAIL, USED));
	CHECK(!enable(SIZE, MEM - 16 * (SIZE - 1), AVAIL, USED));
	CHECK(!enable(SIZE, DESC, MEM - 2 * SIZE, USED));
	CHECK(!enable(SIZE, DESC, AVAIL, MEM - 8 * SIZE));
	CHECK(!enable(SIZE, -16ull, AVAIL, USED));
	/* The last place where each fits, to the byte. */
	CHECK(enable(SIZE, MEM - 16 * SIZE, AVAIL, USED));
	CHECK(enable(SIZE, DESC, MEM - (6 + 2 * SIZE), USED));
	CHECK(!enable(SIZE, DESC, MEM - (4 + 2 * SIZE), USED));
	CHECK(enable(SIZE, DESC, AVAIL, MEM - (8 + 8 * SIZE)));
	CHECK(!enable(SIZE, DESC, AVAIL, MEM - (4 + 8 * SIZE)));
}

void test_virtq_tell(void)
{
	__u16 *event;

	setup(false);
	CHECK(!lodge_virtq_must_tell(&vq));
	lodge_virtq_push(&vq, 0, 0);
	CHECK(lodge_virtq_must_tell(&vq));
	CHECK(!lodge_virtq_must_tell(&vq));
	avail()->flags = VRING_AVAIL_F_NO_INTERRUPT;
	lodge_virtq_push(&vq, 0, 0);
	CHECK(!lodge_virtq_must_tell(&vq));

	setup(true);
	event = &avail()->ring[SIZE];
	*event = 1;
	lodge_virtq_push(&vq, 0, 0);
	CHECK(!lodge_virtq_must_tell(&vq));
	lodge_virtq_push(&vq, 0, 0);
	CHECK(lodge_virtq_must_tell(&vq));
	/* Passed within a batch. */
	*event = 3;
	lodge_virtq_push(&vq, 0, 0);
	lodge_virtq_push(&vq, 0, 0);
	lodge_virtq_push(&vq, 0, 0);
	CHECK(lodge_virtq_must_tell(&vq));
}

void test_virtq_listen(void)
{
	setup(false);
	CHECK(!lodge_virtq_listen(&vq, false));
	CHECK_EQ(used()->flags, VRING_USED_F_NO_NOTIFY);
	set(DESC, 0, DATA, 1, 0, 0);
	offer(0);
	CHECK(lodge_virtq_listen(&vq, true));
	CHECK_EQ(used()->flags, 0);

	setup(true);
	set(DESC, 0, DATA, 1, 0, 0);
	offer(0);
	CHECK_EQ(lodge_virtq_pop(&vq, &chain), 1);
	CHECK(!lodge_virtq_listen(&vq, true));
	CHECK_EQ(*(__u16 *)&used()->ring[SIZE], 1);
}

/* Any bytes at all for rings: it answers, and stays within memory. */
void test_virtq_fuzz(void)
{
	uint16_t *words;
	unsigned int seed = 1;
	int i, k;

	for (i = 0; i < 20000; i++) {
		setup(i & 1);
		words = at(DESC);
		for (k = 0; k < SIZE * 8; k++)
			words[k] = rand_r(&seed) & (k % 8 > 4 ? 7 : 0xffff);
		for (k = 0; k < SIZE; k++) {
			/* Mostly within memory, so that chains get long. */
			words[k * 8 + 1] = words[k * 8 + 2] = 0;
			words[k * 8 + 3] = rand_r(&seed) % 50 == 0;
			words[k * 8 + 5] = rand_r(&seed) % 50 == 0;
			words[k * 8 + 4] &= 0xfff;
		}
		avail()->idx = rand_r(&seed) % (SIZE + 1);
		for (k = 0; k < SIZE; k++)
			avail()->ring[k] = rand_r(&seed) % (SIZE + 1);
		while (lodge_virtq_pop(&vq, &chain) > 0) {
			CHECK(chain.nr_out + chain.nr_in <= SIZE);
			lodge_virtq_push(&vq, chain.head, 0);
			lodge_virtq_must_tell(&vq);
		}
		lodge_virtq_listen(&vq, true);
	}
}
