// SPDX-License-Identifier: GPL-2.0
/* The guest of walk_guest.h. */
#include "walk_guest.h"

static u8 mem[MEM_SIZE];
struct lodge_walk w;
int read_error, cmpxchg_error, races;

u64 get(gpa_t at, size_t n)
{
	u64 v = 0;

	memcpy(&v, mem + at, n);
	return v;
}

void set(gpa_t at, u64 v)
{
	memcpy(mem + at, &v, 8);
}

void set32(gpa_t at, u32 v)
{
	memcpy(mem + at, &v, 4);
}

static int mem_read(struct lodge_walk *walk, gpa_t gpa, void *p, size_t n)
{
	if (read_error)
		return read_error;
	if (gpa + n > MEM_SIZE || gpa % n)
		return -EFAULT;
	memcpy(p, mem + gpa, n);
	return 0;
}

static int mem_cmpxchg(struct lodge_walk *walk, gpa_t gpa, void *old,
		       const void *new, size_t n)
{
	if (cmpxchg_error)
		return cmpxchg_error;
	if (gpa + n > MEM_SIZE || gpa % n)
		return -EFAULT;
	if (races > 0) {		/* the guest was faster: it set bit 9 */
		races--;
		mem[gpa + 1] ^= 2;
	}
	if (memcmp(mem + gpa, old, n)) {
		memcpy(old, mem + gpa, n);
		return 1;
	}
	memcpy(mem + gpa, new, n);
	return 0;
}

void guest(u64 cr3)
{
	memset(mem, 0, sizeof(mem));
	read_error = cmpxchg_error = races = 0;
	w = (struct lodge_walk){
		.cr0 = LODGE_CR0_PE | LODGE_CR0_PG | LODGE_CR0_WP,
		.cr3 = cr3,
		.maxphyaddr = 40,
		.has_1g = true,
		.read = mem_read,
		.cmpxchg = mem_cmpxchg,
	};
}

void guest_long(void)
{
	guest(T4);
	w.cr4 = LODGE_CR4_PAE;
	w.efer = LODGE_EFER_LMA | LODGE_EFER_LME | LODGE_EFER_NX;
	set(T4 + 40, T3 | ALL);
	set(T3 + 40, T2 | ALL);
	set(T2 + 40, T1 | ALL);
	set(T1 + 40, 0x12345000 | ALL);
}

void guest_pae(void)
{
	guest(0x20);
	w.cr4 = LODGE_CR4_PAE;
	w.efer = LODGE_EFER_NX;
	set(0x20 + 3 * 8, T2 | P);
	set(T2 + 40, T1 | ALL);
	set(T1 + 40, 0x12345000 | ALL);
}

void guest_32(void)
{
	guest(T2);
	set32(T2 + 20, T1 | ALL);
	set32(T1 + 20, 0xfffff000 | ALL);
}

u64 walk(gva_t gva, u32 access)
{
	struct lodge_fault f;
	gpa_t gpa = ~0ULL;

	return lodge_walk_guest(&w, gva, access, &gpa, &f) ? ~0ULL : gpa;
}

u32 fault(gva_t gva, u32 access)
{
	struct lodge_fault f = {};
	gpa_t gpa = ~0ULL;

	if (lodge_walk_guest(&w, gva, access, &gpa, &f) != 1)
		return ~0U;
	CHECK_EQ(f.vector, LODGE_PF);
	CHECK(f.has_error);
	CHECK_EQ(f.cr2, gva);
	CHECK_EQ(gpa, ~0ULL);
	return f.error;
}
