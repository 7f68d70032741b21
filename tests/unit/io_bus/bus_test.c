// SPDX-License-Identifier: GPL-2.0
/* Ranges on a bus: who is asked, in which order. Tests kmod/io_bus.c. */
#include "fake/kernel.h"
#include "tests.h"

struct probe {
	struct lodge_io_dev dev;
	int hits, released;
	bool pass;		/* says: not me */
};

static struct lodge_vm vm;
static struct lodge_vcpu vcpu = { .vm = &vm };
static int clock_of_hits;

static int probe_write(struct lodge_vcpu *v, struct lodge_io_dev *dev, u64 addr,
		       u32 len, const void *data)
{
	struct probe *p = container_of(dev, struct probe, dev);

	p->hits = ++clock_of_hits;
	return p->pass ? -EOPNOTSUPP : 0;
}

static void probe_release(struct lodge_io_dev *dev)
{
	container_of(dev, struct probe, dev)->released++;
}

static struct probe a, b, c;

static void setup(void)
{
	struct probe fresh = { .dev = { .write = probe_write,
					.release = probe_release } };

	memset(&vm, 0, sizeof(vm));
	clock_of_hits = 0;
	a = b = c = fresh;
	mutex_lock(&vm.slots_lock);
}

static void teardown(void)
{
	mutex_unlock(&vm.slots_lock);
	lodge_bus_destroy(&vm);
	CHECK(!vm.srcu.readers);
}

static int add(struct probe *p, u64 addr, u64 len)
{
	return lodge_bus_register(&vm, LODGE_BUS_MMIO, addr, len, &p->dev);
}

static int poke(u64 addr, u32 len)
{
	u64 data = 0;

	return lodge_bus_write(&vcpu, LODGE_BUS_MMIO, addr, len, &data);
}

void test_bus_edges(void)
{
	setup();
	CHECK(poke(0x1000, 4) == -EOPNOTSUPP);
	CHECK(add(&a, 0x1000, 0x10) == 0);
	CHECK(poke(0xfff, 1) == -EOPNOTSUPP);
	CHECK(poke(0xfff, 2) == -EOPNOTSUPP);
	CHECK(poke(0x1000, 1) == 0);
	CHECK(poke(0x1008, 8) == 0);
	CHECK(poke(0x100f, 1) == 0);
	CHECK(poke(0x100f, 2) == -EOPNOTSUPP);
	CHECK(poke(0x1010, 1) == -EOPNOTSUPP);
	CHECK(poke(0, 8) == -EOPNOTSUPP);
	/* The other bus is another bus; what has no read can't be read. */
	CHECK(lodge_bus_write(&vcpu, LODGE_BUS_PIO, 0x1000, 1, "") ==
	      -EOPNOTSUPP);
	CHECK(lodge_bus_read(&vcpu, LODGE_BUS_MMIO, 0x1000, 1, NULL) ==
	      -EOPNOTSUPP);
	teardown();
	CHECK_EQ(a.released, 1);
}

void test_bus_end_of_space(void)
{
	setup();
	CHECK(add(&a, ~0ULL - 3, 4) == 0);
	CHECK(add(&b, ~0ULL - 3, 5) == -EINVAL);
	CHECK(add(&b, 1, ~0ULL) == 0);
	CHECK(poke(~0ULL, 1) == 0);
	CHECK(a.hits && !b.hits);
	CHECK(poke(~0ULL, 2) == -EOPNOTSUPP);
	CHECK(add(&c, 0, 1) == 0);
	CHECK(poke(0, 1) == 0);
	CHECK(c.hits);
	teardown();
}

void test_bus_same_range(void)
{
	setup();
	add(&a, 0x1000, 4);
	add(&b, 0x1000, 4);
	a.pass = true;
	CHECK(poke(0x1000, 4) == 0);
	CHECK(a.hits == 1 && b.hits == 2);
	a.pass = false;
	CHECK(poke(0x1000, 4) == 0);
	CHECK(a.hits == 3 && b.hits == 2);
	a.pass = b.pass = true;
	CHECK(poke(0x1000, 4) == -EOPNOTSUPP);
	teardown();
}

void test_bus_nested(void)
{
	setup();
	add(&a, 0x1000, 0x1000);
	add(&b, 0x1100, 0x10);
	add(&c, 0x1200, 0x10);
	/* Behind smaller ranges that end before the address. */
	CHECK(poke(0x1800, 4) == 0);
	CHECK(a.hits == 1 && !b.hits && !c.hits);
	CHECK(poke(0x1104, 4) == 0);
	CHECK(b.hits == 2 && a.hits == 1);
	b.pass = true;
	CHECK(poke(0x1104, 4) == 0);
	CHECK(a.hits == 4);
	CHECK(poke(0x110e, 4) == 0);
	CHECK(b.hits == 3 && a.hits == 5);
	teardown();
}

void test_bus_any_length(void)
{
	setup();
	add(&a, 0x1000, 0);
	CHECK(poke(0x1000, 1) == 0);
	CHECK(poke(0x1000, 8) == 0);
	CHECK(poke(0x1001, 1) == -EOPNOTSUPP);
	teardown();
}

void test_bus_purge(void)
{
	int waits, allocs;

	setup();
	add(&a, 0x1000, 4);
	add(&b, 0x2000, 4);
	add(&a, 0x3000, 4);
	add(&c, 0x4000, 4);
	waits = vm.srcu.waits;
	allocs = fake_allocs;
	a.dev.gone = c.dev.gone = true;
	lodge_bus_purge(&vm, LODGE_BUS_PIO);
	CHECK(poke(0x1000, 4) == 0);
	lodge_bus_purge(&vm, LODGE_BUS_MMIO);
	/* All of them with one wait, and without memory. */
	CHECK_EQ(vm.srcu.waits, waits + 2);
	CHECK_EQ(fake_allocs, allocs);
	CHECK(poke(0x1000, 4) == -EOPNOTSUPP);
	CHECK(poke(0x3000, 4) == -EOPNOTSUPP);
	CHECK(poke(0x4000, 4) == -EOPNOTSUPP);
	CHECK(poke(0x2000, 4) == 0);
	/* Others are added among the holes. */
	a.dev.gone = false;
	CHECK(add(&a, 0x1800, 4) == 0);
	CHECK(poke(0x1800, 4) == 0);
	CHECK(poke(0x2000, 4) == 0);
	CHECK(poke(0x4000, 4) == -EOPNOTSUPP);
	teardown();
	CHECK_EQ(a.released, 1);
	CHECK_EQ(b.released, 1);
	CHECK_EQ(c.released, 0);
}

void test_bus_no_memory(void)
{
	setup();
	add(&a, 0x1000, 4);
	fake_alloc_fail = 1;
	CHECK(add(&b, 0x2000, 4) == -ENOMEM);
	CHECK(poke(0x1000, 4) == 0);
	fake_alloc_fail = 0;
	teardown();
}

void test_bus_is_bounded(void)
{
	int n = 0;

	setup();
	while (n < 100000 && add(&a, n * 8, 4) == 0)
		n++;
	CHECK_EQ(n, 8192);
	CHECK(add(&b, 0, 4) == -ENOSPC);
	CHECK(poke(8191 * 8, 4) == 0);
	CHECK(poke(8191 * 8 + 4, 4) == -EOPNOTSUPP);
	/* Holes do not count. */
	a.dev.gone = true;
	lodge_bus_purge(&vm, LODGE_BUS_MMIO);
	CHECK(add(&b, 0, 4) == 0);
	teardown();
	CHECK_EQ(a.released, 0);
}

/* Random ranges against a search of all of them. */
void test_bus_random(void)
{
	static struct probe p[40];
	u64 first[40], len[40];
	int i, k, expect;
	unsigned int seed = 7;

	setup();
	for (i = 0; i < 40; i++) {
		p[i] = a;
		seed = seed * 1103515245 + 12345;
		first[i] = seed >> 16 & 0xff;
		seed = seed * 1103515245 + 12345;
		len[i] = (seed >> 16 & 0x3f) + 1;
		p[i].pass = true;
		CHECK(add(&p[i], first[i], len[i]) == 0);
	}
	for (k = 0; k < 0x140; k++) {
		for (i = 0; i < 40; i++)
			p[i].hits = 0;
		CHECK(poke(k, 4) == -EOPNOTSUPP);
		for (i = 0; i < 40; i++) {
			expect = (u64)k >= first[i] &&
				 (u64)k + 4 <= first[i] + len[i];
			CHECK(!!p[i].hits == expect);
		}
	}
	teardown();
}
