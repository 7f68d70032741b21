// SPDX-License-Identifier: GPL-2.0
/*
 * The host kernel's door, second half: the page behind a user address.
 *
 * tdp_fault.c comes here to learn what to map. The answer is read from the
 * process's own page tables, as its CPU would read them: if they map the
 * address, that is all there is to know, and it needs no lock, no reference
 * and no difference between memory and devices. If they do not, the kernel is
 * asked to make them. What is told is true only as long as no MMU notifier for
 * the address has run; the caller sees to that. Next: tdp_fault.c, mmu.c.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <asm/pgtable.h>
#include <asm/special_insns.h>

#include "host.h"

#ifdef LODGE_HAVE_FOLL_INTERRUPTIBLE
#define GUP_SLEEP	FOLL_INTERRUPTIBLE
#else
#define GUP_SLEEP	0
#endif

/* A page that NUMA balancing has hidden is to be shown again, not just found. */
#ifdef LODGE_HAVE_FOLL_NUMA
#define GUP_NUMA	FOLL_HONOR_NUMA_FAULT
#else
#define GUP_NUMA	0
#endif

/* Entries as the CPU's manual has them ("Page Translation and Protection"). */
#define HOST_P		BIT_ULL(0)
#define HOST_W		BIT_ULL(1)
#define HOST_U		BIT_ULL(2)
#define HOST_PWT	BIT_ULL(3)
#define HOST_PCD	BIT_ULL(4)
#define HOST_A		BIT_ULL(5)
#define HOST_D		BIT_ULL(6)
#define HOST_PS		BIT_ULL(7)	/* in levels 2 and 3 */
#define HOST_PAT_4K	BIT_ULL(7)
#define HOST_PAT_LARGE	BIT_ULL(12)
#define HOST_ADDRESS	GENMASK_ULL(51, 12)

/* "Secure Memory Encryption": EAX tells of SME and SEV, EBX of the bit. */
#define LEAF_ENCRYPTION	0x8000001f

static u64 host_crypt __ro_after_init;

/**
 * lodge_host_crypt_init() - learn whether the host encrypts its memory
 *
 * As its own CR3 tells, where the CPU has a bit for that. At load, before
 * hardware is told of any memory.
 */
void lodge_host_crypt_init(void)
{
	u32 eax, ebx, ecx, edx;

	lodge_cpuid_host(0x80000000, 0, &eax, &ebx, &ecx, &edx);
	if (eax < LEAF_ENCRYPTION)
		return;
	lodge_cpuid_host(LEAF_ENCRYPTION, 0, &eax, &ebx, &ecx, &edx);
	if (eax & 3)
		host_crypt = __read_cr3() & BIT_ULL(ebx & 63);
}

/**
 * lodge_host_crypt_bit() - the bit that marks encrypted memory in addresses
 *
 * Return: the bit, or 0: the host does not encrypt its memory.
 */
u64 lodge_host_crypt_bit(void)
{
	return host_crypt;
}

/**
 * lodge_host_levels() - how deep the host's own page tables are
 *
 * Return: 4 or 5.
 */
int lodge_host_levels(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

/* The leaf that maps @hva, and the rights of all levels; NULL: none does. */
static u64 *host_walk(unsigned long hva, int *level, u64 *leaf, u64 *rights)
{
	u64 *table = (u64 *)current->mm->pgd;
	int l = lodge_host_levels();

	*rights = HOST_W | HOST_U;
	for (;; l--) {
		u64 *entry = &table[(hva >> (9 * l + 3)) & 511];
		u64 e = READ_ONCE(*entry);

		*rights &= e;
		if (!(e & HOST_P))
			return NULL;
		if (l == 1 || (l <= 3 && (e & HOST_PS))) {
			*level = l;
			*leaf = e;
			return entry;
		}
		table = __va(e & HOST_ADDRESS & ~host_crypt);
	}
}

static bool host_uncached(u64 e, int level)
{
	return e & (HOST_PWT | HOST_PCD |
		    (level == 1 ? HOST_PAT_4K : HOST_PAT_LARGE));
}

/**
 * lodge_host_page_look() - find the page behind a user address, if it is there
 * @hva: user address of current->mm, any byte of the page
 * @write: it is to be written to
 * @p: where the answer goes
 *
 * Marks the entry accessed, and dirty for a write, as the CPU does when it uses
 * one: what the guest writes later is then known to the host. A page that is
 * clean is given for reading only, unless @write. No reference is taken. The
 * tables can't be freed while interrupts are off on this CPU.
 *
 * Context: any, in a thread of the process.
 * Return: false: lodge_host_page_get() is to make it.
 */
bool lodge_host_page_look(unsigned long hva, bool write,
			  struct lodge_host_page *p)
{
	u64 mark = HOST_A | (write ? HOST_D : 0);
	unsigned long flags;
	u64 e, rights, *entry;
	bool found = false;

	if (hva >= TASK_SIZE_MAX)	/* the walk would look at fewer bits */
		return false;
	local_irq_save(flags);
	entry = host_walk(hva, &p->level, &e, &rights);
	if (!entry || !(rights & HOST_U) || (write && !(rights & HOST_W)))
		goto out;
	if ((e & mark) != mark && cmpxchg(entry, e, e | mark) != e)
		goto out;
	e |= mark;
	found = true;
out:
	local_irq_restore(flags);
	if (!found)
		return false;
	p->writable = (rights & HOST_W) && (e & HOST_D);
	p->uncached = host_uncached(e, p->level);
	p->hpa = e & HOST_ADDRESS & ~(((u64)PAGE_SIZE << (9 * (p->level - 1))) - 1);
	p->hpa |= hva & ((PAGE_SIZE << (9 * (p->level - 1))) - PAGE_SIZE);
	return true;
}

/* Have the page put there. 0; -EINTR: a signal; -EAGAIN; -errno */
static int host_page_fault(unsigned long hva, bool write)
{
	struct mm_struct *mm = current->mm;
	long n;

	n = get_user_pages_unlocked(hva, 1, NULL, GUP_SLEEP | GUP_NUMA |
				    (write ? FOLL_WRITE : 0));
	if (n == 1)
		return 0;
	if (!n || n == -EAGAIN || n == -EINTR)
		return signal_pending(current) ? -EINTR : -EAGAIN;
	if (n != -EFAULT)
		return n;
	/* Device memory, which has no page to be got, or truly nothing. */
	down_read(&mm->mmap_lock);
	n = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, NULL);
	up_read(&mm->mmap_lock);
	return n;
}

/**
 * lodge_host_page_get() - have the page behind a user address put there
 * @hva: user address of current->mm, any byte of the page
 * @write: it is to be written to: break copy-on-write
 * @p: where the answer goes
 *
 * For what lodge_host_page_look() has not found. No reference is taken.
 *
 * Context: process context, may sleep.
 * Return: 0; -EAGAIN: another try; -EINTR: a signal; -EFAULT, -EHWPOISON,
 * -ENOMEM: no page to be had.
 */
int lodge_host_page_get(unsigned long hva, bool write,
			struct lodge_host_page *p)
{
	int err = host_page_fault(hva & PAGE_MASK, write);

	if (err)
		return err;
	return lodge_host_page_look(hva, write, p) ? 0 : -EAGAIN;
}

/**
 * lodge_host_page_try() - the same, if nothing is to be waited for
 * @hva: user address of current->mm, any byte of the page
 * @write: it is to be written to
 * @p: where the answer goes
 *
 * What is read from a disk begins to be read.
 *
 * Context: process context, may sleep, but not for the page.
 * Return: 0; -EAGAIN: it is to be waited for; others: lodge_host_page_get()
 * knows better.
 */
int lodge_host_page_try(unsigned long hva, bool write,
			struct lodge_host_page *p)
{
	long n;

	n = get_user_pages_unlocked(hva & PAGE_MASK, 1, NULL, FOLL_NOWAIT |
				    GUP_NUMA | (write ? FOLL_WRITE : 0));
	if (n < 0 && n != -EAGAIN)
		return n;
	return lodge_host_page_look(hva, write, p) ? 0 : -EAGAIN;
}

/**
 * lodge_host_page_bring() - have a page of a process put there, by a kernel thread
 * @mm: the process's, held by mmget()
 * @hva: its user address, any byte of the page
 * @write: it is to be written to
 *
 * Context: process context, may sleep; a fatal signal ends the wait.
 * Return: 0; -errno: no page to be had, or a signal.
 */
int lodge_host_page_bring(struct mm_struct *mm, unsigned long hva, bool write)
{
	bool unlocked;
	int err;

	down_read(&mm->mmap_lock);
	err = fixup_user_fault(mm, hva & PAGE_MASK, FAULT_FLAG_REMOTE |
			       (write ? FAULT_FLAG_WRITE : 0), &unlocked);
	up_read(&mm->mmap_lock);
	return err;
}
