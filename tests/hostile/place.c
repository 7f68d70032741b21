// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of all kinds for the fuzzer: where arguments lie, and what slots are
 * made of, and changing it while it is in use. Called by main.c, calls.c and
 * args.c; read guest.c next.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

static void *map(size_t size, int prot, int flags, int fd)
{
	void *p = mmap(NULL, size, prot, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void put(struct world *w, enum place which, void *p, size_t size)
{
	w->place[which] = p;
	w->size[which] = p ? size : 0;
}

/* Who touches it waits for ever, or until a signal that kills. */
static void hold(struct world *w)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	size_t size = 0x10000;
	uint8_t *p = map(size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	reg.range.start = (uintptr_t)p;
	reg.range.len = size;
	if (p && fd >= 0 && !ioctl(fd, UFFDIO_API, &api) &&
	    !ioctl(fd, UFFDIO_REGISTER, &reg))
		put(w, PLACE_HELD, p, size);
}

void places_make(struct world *w, struct rng *r)
{
	const int rw = PROT_READ | PROT_WRITE;
	const int mine = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t size = 0x20000;
	uint8_t *p;
	int exe;

	/* Twice the size, so that 2 MiB of it can be one page. */
	p = map(2 * GUEST_SIZE, rw, mine, -1);
	p = (void *)(((uintptr_t)p + GUEST_SIZE - 1) & -(uintptr_t)GUEST_SIZE);
	put(w, PLACE_GUEST, p, GUEST_SIZE);
	if (one_in(r, 2))
		madvise(p, GUEST_SIZE, MADV_HUGEPAGE);
	put(w, PLACE_PLAIN, map(size, rw, mine, -1), size);
	put(w, PLACE_READONLY, map(size, PROT_READ, mine, -1), size);
	put(w, PLACE_NONE, map(size, PROT_NONE, mine, -1), size);
	put(w, PLACE_HOLE, map(size, PROT_NONE, mine, -1), size);
	w->file = memfd_create("fuzz", MFD_CLOEXEC);
	if (!ftruncate(w->file, size))
		put(w, PLACE_SHARED, map(size, rw, MAP_SHARED, w->file), size);
	put(w, PLACE_CUT, map(2 * size, rw, MAP_SHARED, w->file), 2 * size);
	exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	put(w, PLACE_PRIVATE, map(size, rw, MAP_PRIVATE, exe), size);
	close(exe);
	if (one_in(r, 8))
		put(w, PLACE_HUGE, map(0x200000, rw,
			MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1), 0x200000);
	if (one_in(r, 16))
		hold(w);
}

/* Some place; where there is none, the hole. */
static enum place some(struct thread *t)
{
	enum place place = below(&t->rng, PLACES);

	return t->world->place[place] ? place : PLACE_HOLE;
}

/*
 * Where an argument is to lie that has been made at @mine: mostly there, else
 * anywhere. What is copied there is no matter but for plain memory.
 */
uint8_t *place_any(struct thread *t, uint8_t *mine, size_t size)
{
	struct world *w = t->world;
	enum place place;
	size_t at;

	switch (below(&t->rng, 24)) {
	case 0:
		return (uint8_t *)odd(&t->rng);
	case 1:		/* across the end of what is mapped */
		return mine - size / 2;
	case 2:
		place = some(t);
		at = below(&t->rng, w->size[place]);
		return w->place[place] + at;
	case 3:		/* the last that fit */
		place = some(t);
		return w->place[place] + w->size[place] - size;
	default:
		return mine;
	}
}

uint64_t place_address(struct thread *t)
{
	struct world *w = t->world;
	enum place place;

	if (one_in(&t->rng, 16))
		return odd(&t->rng);
	if (one_in(&t->rng, 3))
		return (uintptr_t)w->place[PLACE_GUEST];
	place = some(t);
	return (uintptr_t)w->place[place] +
	       (one_in(&t->rng, 2) ? 0 :
		below(&t->rng, w->size[place] >> 12) << 12);
}

/* Change memory that may be a slot's at the moment. */
void place_shake(struct thread *t)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_COLD, MADV_PAGEOUT, MADV_REMOVE, MADV_FREE,
		MADV_DONTFORK, MADV_DOFORK,
	};
	static const int prot[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	struct world *w = t->world;
	enum place place = some(t);
	size_t pages = w->size[place] >> 12;
	size_t at = below(&t->rng, pages) << 12;
	size_t size = (1 + below(&t->rng, pages - (at >> 12))) << 12;
	uint8_t *p = w->place[place] + at;

	/* kvm_run is the threads' own, too; a hole may be anyone's by now. */
	if (place == PLACE_RUN || place == PLACE_HOLE)
		return;
	switch (below(&t->rng, 8)) {
	case 0:
		munmap(p, size);
		break;
	case 1:		/* something else there */
		mmap(p, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 2:
		(void)!ftruncate(w->file, below(&t->rng, 0x40) << 12);
		break;
	case 3:
	case 4:
		mprotect(p, size, pick(&t->rng, prot));
		break;
	default:
		madvise(p, size, pick(&t->rng, advice));
	}
}
