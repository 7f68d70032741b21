// SPDX-License-Identifier: GPL-2.0
/*
 * The host kernel's door, second half: the page behind a user address.
 *
 * tdp.c comes here to learn what to map. What is told is true only as long as
 * no MMU notifier for the address has run; the caller sees to that.
 * Next: mmu.c.
 */
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/pgtable.h>

#include "host.h"

#ifdef LODGE_HAVE_FOLL_INTERRUPTIBLE
#define GUP_SLEEP	FOLL_INTERRUPTIBLE
#else
#define GUP_SLEEP	0
#endif

#define HOST_P		BIT_ULL(0)
#define HOST_W		BIT_ULL(1)
#define HOST_PS		BIT_ULL(7)

/**
 * lodge_host_crypt_bit() - the bit that marks encrypted memory in addresses
 *
 * Return: the bit, or 0: the host does not encrypt its memory.
 */
u64 lodge_host_crypt_bit(void)
{
	return sme_me_mask;
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

/*
 * How large the page is that the host maps at @hva: 1, 2 or 3; 0 if it is
 * gone. The tables can't be freed while interrupts are off on this CPU.
 */
static int host_page_level(unsigned long hva)
{
	u64 *table = (u64 *)current->mm->pgd;
	int level = lodge_host_levels();
	unsigned long flags;
	u64 e;

	local_irq_save(flags);
	for (;;) {
		e = READ_ONCE(table[(hva >> (9 * level + 3)) & 511]);
		if (!(e & HOST_P)) {
			level = 0;
			break;
		}
		if (level == 1 || (level <= 3 && (e & HOST_PS)))
			break;
		table = __va(e & GENMASK_ULL(51, 12) & ~sme_me_mask);
		level--;
	}
	local_irq_restore(flags);
	return level;
}

/* Find it in the host's tables as it is there. Context: any. */
static bool host_page_fast(unsigned long hva, bool write,
			   struct lodge_host_page *p)
{
	p->writable = write;
	return get_user_pages_fast_only(hva, 1, write ? FOLL_WRITE : 0,
					&p->page) == 1;
}

/* Have it put there. 0 or -errno */
static int host_page_slow(unsigned long hva, bool write,
			  struct lodge_host_page *p)
{
	struct page *page;
	long n;

	n = get_user_pages_unlocked(hva, 1, &page,
				    (write ? FOLL_WRITE : 0) | GUP_SLEEP);
	/* Interrupted by a signal comes as either. */
	if (n != 1)
		return !n || n == -EAGAIN ? -EINTR : n;
	/* A page that came in for reading may be one to write to as well. */
	if (!write && host_page_fast(hva, true, p)) {
		put_page(page);
		return 0;
	}
	p->page = page;
	p->writable = write;
	return 0;
}

/* Memory that has struct pages. 0, -EAGAIN: not without sleeping, -errno */
static int host_page_ram(unsigned long hva, bool write, bool atomic,
			 struct lodge_host_page *p)
{
	int err;

	if (atomic) {
		if (!host_page_fast(hva, true, p) &&
		    (write || !host_page_fast(hva, false, p)))
			return -EAGAIN;
	} else {
		err = host_page_slow(hva, write, p);
		if (err)
			return err;
	}
	p->pfn = page_to_pfn(p->page);
	p->level = host_page_level(hva);
	p->uncached = false;
	/* Gone already: a notifier has run, and the caller will see that. */
	if (!p->level)
		p->level = 1;
	return 0;
}

#ifdef LODGE_HAVE_FOLLOW_PFNMAP
static int host_pfn_follow(struct vm_area_struct *vma, unsigned long hva,
			   struct lodge_host_page *p)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	int err;

	err = follow_pfnmap_start(&args);
	if (err)
		return err;
	p->pfn = args.pfn;
	p->writable = args.writable;
	p->uncached = pgprot_val(args.pgprot) & _PAGE_CACHE_MASK;
	follow_pfnmap_end(&args);
	return 0;
}
#else
static int host_pfn_follow(struct vm_area_struct *vma, unsigned long hva,
			   struct lodge_host_page *p)
{
	spinlock_t *lock;
	pte_t *pte;
	u64 e;
	int err;

	err = follow_pte(vma->vm_mm, hva, &pte, &lock);
	if (err)
		return err;
	e = READ_ONCE(*(u64 *)pte);
	p->pfn = (e & GENMASK_ULL(51, 12) & ~sme_me_mask) >> PAGE_SHIFT;
	p->writable = e & HOST_W;
	p->uncached = e & _PAGE_CACHE_MASK;
	__acquire(lock);	/* by follow_pte(), which sparse can't see */
	pte_unmap_unlock(pte, lock);
	return 0;
}
#endif

/* Device memory. Called with mmap_lock held, which may be dropped and taken. */
static int host_page_pfn(unsigned long hva, bool write,
			 struct lodge_host_page *p)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = find_vma(mm, hva);
	bool again = false;
	int err;

	if (!vma || vma->vm_start > hva ||
	    !(vma->vm_flags & (VM_IO | VM_PFNMAP)) ||
	    (write && !(vma->vm_flags & VM_WRITE)))
		return -EFAULT;
	err = host_pfn_follow(vma, hva, p);
	if (!err && (p->writable || !write))
		return 0;
	err = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, &again);
	if (err)
		return err;
	/* With the lock dropped the area may be gone: look from the start. */
	if (again)
		return -EAGAIN;
	err = host_pfn_follow(vma, hva, p);
	if (!err && write && !p->writable)
		err = -EFAULT;
	return err;
}

/**
 * lodge_host_page_get() - find the page behind a user address of current->mm
 * @hva: user address, any byte of the page
 * @write: it is to be written to: break copy-on-write
 * @atomic: do not sleep
 * @p: where the answer goes; lodge_host_page_put() when done with it
 *
 * Pages with a struct page come with a reference to it, device memory without.
 *
 * Context: any with @atomic, also interrupts off; else process context.
 * Return: 0; -EAGAIN: it takes sleeping, or (not @atomic) another try;
 * -EINTR: a signal; -EFAULT, -EHWPOISON, -ENOMEM: no page to be had.
 */
int lodge_host_page_get(unsigned long hva, bool write, bool atomic,
			struct lodge_host_page *p)
{
	struct mm_struct *mm = current->mm;
	int err;

	p->page = NULL;
	err = host_page_ram(hva & PAGE_MASK, write, atomic, p);
	if (err != -EFAULT || atomic)
		return err;
	p->level = 1;
	down_read(&mm->mmap_lock);
	err = host_page_pfn(hva & PAGE_MASK, write, p);
	up_read(&mm->mmap_lock);
	return err;
}

/**
 * lodge_host_page_dirty() - the guest may write to the page from now on
 * @p: page with a reference, writable
 *
 * A page that was clean, as after madvise(MADV_FREE), must not be thrown away
 * when the guest has written to it behind the host's page tables.
 *
 * Context: any; before a notifier for the page can complete.
 */
void lodge_host_page_dirty(struct lodge_host_page *p)
{
	struct folio *folio;

	if (!p->page)
		return;
	folio = page_folio(p->page);
	if (!folio_test_dirty(folio))
		folio_set_dirty(folio);
}

/**
 * lodge_host_page_put() - give back the reference
 * @p: page
 *
 * Context: any.
 */
void lodge_host_page_put(struct lodge_host_page *p)
{
	if (p->page)
		put_page(p->page);
	p->page = NULL;
}
