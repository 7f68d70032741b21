// SPDX-License-Identifier: GPL-2.0
/*
 * Memory as an instruction sees it: segment and offset, checked, to linear
 * address, cut at page borders, translated, and then memory or a device.
 *
 * The handlers call this; it calls lodge_emul_ops. Here is also the log
 * that keeps a device from being accessed twice by an instruction that is
 * run again. Next: data.c.
 */
#include "internal.h"

#define GUEST_PAGE	4096U

bool lodge_canonical(const struct lodge_emul *e, u64 la)
{
	unsigned int shift = e->regs->cr4 & LODGE_CR4_LA57 ? 7 : 16;

	return (u64)((s64)(la << shift) >> shift) == la;
}

/* #SS for the stack segment, #GP for the others. */
static int raise_seg(struct lodge_emul *e, unsigned int seg)
{
	return lodge_emul_raise_code(e, seg == LODGE_SS ? LODGE_SS_VECTOR :
				     LODGE_GP, 0);
}

/* Type and limit of a segment outside 64-bit mode. */
static bool segment_allows(const struct lodge_emul *e,
			   const struct lodge_seg *s, u32 off,
			   unsigned int len, unsigned int access)
{
	unsigned int type = FIELD_GET(LODGE_AR_TYPE, s->ar);
	u64 last = (u64)off + len - 1;

	if (protmode(e)) {
		if ((s->ar & LODGE_AR_UNUSABLE) || !(s->ar & LODGE_AR_P))
			return false;
		if (type & 8) {		/* code: never written */
			if ((access & LODGE_ACCESS_WRITE) || !(type & 2))
				return false;
		} else if ((access & LODGE_ACCESS_WRITE) && !(type & 2)) {
			return false;
		}
	}
	if ((type & 0xc) == 4 && (s->ar & LODGE_AR_S))	/* expand-down */
		return off > s->limit &&
		       last <= (s->ar & LODGE_AR_DB ? 0xffffffff : 0xffff);
	return last <= s->limit;
}

/**
 * lodge_mem_linear() - from segment and offset to a linear address
 * @e: emulator
 * @seg: enum lodge_segno
 * @off: offset, cut to the address size already
 * @len: bytes to be accessed there
 * @access: LODGE_ACCESS_*
 * @la: set to the linear address
 *
 * Follows "Segment Limit Checking", "Type Checking" and "Canonical
 * Addressing".
 *
 * Return: OK or FAULT.
 */
int lodge_mem_linear(struct lodge_emul *e, unsigned int seg, u64 off,
		     unsigned int len, unsigned int access, gva_t *la)
{
	const struct lodge_seg *s = seg_now(e, seg);

	if (long64(e)) {
		*la = off;
		if (seg == LODGE_FS || seg == LODGE_GS)
			*la += s->base;
		/* low addresses need no look at CR4 */
		if (unlikely(*la + len > 1ULL << 47) &&
		    (!lodge_canonical(e, *la) ||
		     !lodge_canonical(e, *la + len - 1)))
			return raise_seg(e, seg);
	} else {
		if (!segment_allows(e, s, off, len, access))
			return raise_seg(e, seg);
		*la = (u32)(s->base + off);
	}
	/* len - 1 has a bit of la: not aligned; 10 bytes are not checked */
	if (unlikely((*la & (len - 1)) && !(len & (len - 1)) &&
		     (e->regs->cr0 & LODGE_CR0_AM) &&
		     (e->rflags & LODGE_RFLAGS_AC) && cpl(e) == 3))
		return lodge_emul_raise_code(e, LODGE_AC, 0);
	return LODGE_EMUL_OK;
}

/*
 * Is the memory operand of an instruction that demands it (#GP) aligned to
 * @len? CPUs look at this first, then at the rest of the address.
 */
bool lodge_mem_misaligned(const struct lodge_emul *e, unsigned int len)
{
	const struct lodge_seg *s = seg_now(e, e->insn.seg);
	bool flat = long64(e) && e->insn.seg < LODGE_FS;

	return (e->ea + (flat ? 0 : s->base)) & (len - 1);
}

static void log_add(struct lodge_emul *e, enum lodge_io_kind kind, u64 addr,
		    const void *data, unsigned int len, bool write)
{
	struct lodge_emul_io *io = &e->log.done[e->log.nr++];

	io->addr = addr;
	io->len = len;
	io->kind = kind;
	io->write = write;
	memcpy(io->data, data, len);
	e->log.next = e->log.nr;
}

/* The entry of the log that comes next, if the instruction is run again. */
static struct lodge_emul_io *log_peek(struct lodge_emul *e)
{
	return e->log.next < e->log.nr ? &e->log.done[e->log.next] : NULL;
}

static bool io_equal(const struct lodge_emul_io *io, enum lodge_io_kind kind,
		     u64 addr, unsigned int len, bool write)
{
	return io->kind == kind && io->addr == addr && io->len == len &&
	       io->write == write;
}

/* The log says something else: the guest's state has changed under way. */
static int log_mismatch(struct lodge_emul *e)
{
	e->log.nr = 0;
	e->log.next = 0;
	return LODGE_EMUL_RETRY;
}

/**
 * lodge_io_do() - access a device, or leave it to the caller
 * @e: emulator
 * @kind: LODGE_IO_MMIO or LODGE_IO_PIO
 * @addr: guest physical address, or port
 * @data: to write, or where to put what is read
 * @len: bytes, up to 8
 * @write: direction
 *
 * Return: OK; IO with e->io filled.
 */
int lodge_io_do(struct lodge_emul *e, enum lodge_io_kind kind, u64 addr,
		void *data, unsigned int len, bool write)
{
	const struct lodge_emul_ops *ops = e->ops;
	int rc = LODGE_EMUL_IO;

	if (kind == LODGE_IO_MMIO && ops->mmio)
		rc = ops->mmio(e, addr, data, len, write);
	else if (kind == LODGE_IO_PIO && ops->pio)
		rc = ops->pio(e, addr, data, len, write);
	if (rc == LODGE_EMUL_IO) {
		e->io.addr = addr;
		e->io.len = len;
		e->io.kind = kind;
		e->io.write = write;
		if (write)
			memcpy(e->io.data, data, len);
	}
	return rc;
}

/**
 * lodge_io_log() - access a device, once
 * @e: emulator
 * @kind: LODGE_IO_MMIO or LODGE_IO_PIO
 * @addr: guest physical address, or port
 * @data: to write, or where to put what is read
 * @len: bytes, up to 8
 * @write: direction
 *
 * Return: OK; IO with e->io filled; UNHANDLED if the log is full.
 */
int lodge_io_log(struct lodge_emul *e, enum lodge_io_kind kind, u64 addr,
		 void *data, unsigned int len, bool write)
{
	struct lodge_emul_io *io = log_peek(e);
	int rc;

	if (io) {
		if (!io_equal(io, kind, addr, len, write))
			return log_mismatch(e);
		if (!write)
			memcpy(data, io->data, len);
		e->log.next++;
		return LODGE_EMUL_OK;
	}
	if (e->log.nr == LODGE_EMUL_LOG_MAX)
		return LODGE_EMUL_UNHANDLED;
	rc = lodge_io_do(e, kind, addr, data, len, write);
	if (rc == LODGE_EMUL_OK)
		log_add(e, kind, addr, data, len, write);
	return rc;
}

void lodge_emul_io_done(struct lodge_emul *e)
{
	if (e->log.nr < LODGE_EMUL_LOG_MAX)
		log_add(e, e->io.kind, e->io.addr, e->io.data, e->io.len,
			e->io.write);
}

/* A device is accessed with at most 8 bytes at once. */
static int mmio_access(struct lodge_emul *e, gpa_t gpa, u8 *data,
		       unsigned int len, bool write)
{
	unsigned int n;
	int rc;

	for (; len; len -= n, gpa += n, data += n) {
		n = min_t(unsigned int, len, 8);
		rc = lodge_io_log(e, LODGE_IO_MMIO, gpa, data, n, write);
		if (rc != LODGE_EMUL_OK)
			return rc;
	}
	return LODGE_EMUL_OK;
}

/*
 * Memory that is read and then, later in the same instruction, perhaps
 * written, is logged as devices are, if an access to a device may come after
 * that: run again, the instruction must not read what it wrote itself. So
 * for what a page border cuts (memory on one side, a device on the other)
 * and for A_LOGRAM. Writes need no log: they write the same again.
 */
static int ram_read_logged(struct lodge_emul *e, gpa_t gpa, u8 *data,
			   unsigned int len)
{
	struct lodge_emul_io *io;
	unsigned int n;
	int rc;

	for (; len; len -= n, gpa += n, data += n) {
		n = min_t(unsigned int, len, 8);
		io = log_peek(e);
		if (io) {
			if (!io_equal(io, LODGE_IO_RAM, gpa, n, false))
				return log_mismatch(e);
			memcpy(data, io->data, n);
			e->log.next++;
			continue;
		}
		if (e->log.nr == LODGE_EMUL_LOG_MAX)
			return LODGE_EMUL_UNHANDLED;
		rc = e->ops->read(e, gpa, data, n);
		if (rc != LODGE_EMUL_OK)
			return rc;
		log_add(e, LODGE_IO_RAM, gpa, data, n, false);
	}
	return LODGE_EMUL_OK;
}

/* An access within one page; @old is what LOCK expects to find there. */
static int page_access(struct lodge_emul *e, gpa_t gpa, u8 *data,
		       unsigned int len, bool write, const void *old,
		       bool split)
{
	const struct lodge_emul_io *io = log_peek(e);
	int rc;

	if (unlikely(io) &&
	    io_equal(io, LODGE_IO_MMIO, gpa, min_t(u32, len, 8), write))
		return mmio_access(e, gpa, data, len, write);
	if (!write && (split || (e->insn.attr & A_LOGRAM)))
		rc = ram_read_logged(e, gpa, data, len);
	else if (!write)
		rc = e->ops->read(e, gpa, data, len);
	else if (old && !split && e->ops->cmpxchg)
		rc = e->ops->cmpxchg(e, gpa, old, data, len);
	else
		rc = e->ops->write(e, gpa, data, len);
	if (rc == LODGE_EMUL_IO)
		return mmio_access(e, gpa, data, len, write);
	return rc;
}

/* Do linear addresses have 64 bits? The tables' do, in all of long mode. */
static bool wide_addresses(const struct lodge_emul *e, unsigned int access)
{
	if (access & LODGE_ACCESS_IMPLICIT)
		return e->regs->efer & LODGE_EFER_LMA;
	return long64(e);
}

bool lodge_emul_hint(struct lodge_emul *e, gpa_t gpa, bool write)
{
	e->hint_gpa = gpa;
	e->hint_write = write;
	e->hint = e->insn.attr & A_ONE;
	return e->hint;
}

/* Hardware has been there: does its address fit this access? */
static bool use_hint(const struct lodge_emul *e, gva_t la, unsigned int access)
{
	return e->hint && !((la ^ e->hint_gpa) & (GUEST_PAGE - 1)) &&
	       (e->hint_write || !(access & LODGE_ACCESS_WRITE));
}

/* Both pages are translated before either is touched. */
static int linear_access(struct lodge_emul *e, gva_t la, u8 *data,
			 unsigned int len, unsigned int access, bool write,
			 const void *old)
{
	unsigned int n = min_t(unsigned int, len,
			       GUEST_PAGE - (la & (GUEST_PAGE - 1)));
	gva_t la2 = la + n;
	gpa_t gpa, gpa2;
	int rc;

	if (n == len && use_hint(e, la, access))
		return page_access(e, e->hint_gpa, data, len, write, old,
				   false);
	if (cpl(e) == 3 && !(access & LODGE_ACCESS_IMPLICIT))
		access |= LODGE_ACCESS_USER;
	rc = e->ops->translate(e, la, access, &gpa);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (likely(n == len))
		return page_access(e, gpa, data, len, write, old, false);
	if (!wide_addresses(e, access))
		la2 = (u32)la2;
	rc = e->ops->translate(e, la2, access, &gpa2);
	if (rc != LODGE_EMUL_OK)
		return rc;
	rc = page_access(e, gpa, data, n, write, NULL, true);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return page_access(e, gpa2, data + n, len - n, write, NULL, true);
}

int lodge_linear_read(struct lodge_emul *e, gva_t la, void *data,
		      unsigned int len, unsigned int access)
{
	return linear_access(e, la, data, len, access, false, NULL);
}

int lodge_linear_write(struct lodge_emul *e, gva_t la, const void *data,
		       unsigned int len, unsigned int access,
		       const void *old)
{
	/* Cast: one path for both directions; a write does not modify. */
	return linear_access(e, la, (u8 *)data, len,
			     access | LODGE_ACCESS_WRITE, true, old);
}

/* Would an access fault? */
int lodge_linear_probe(struct lodge_emul *e, gva_t la, unsigned int len,
		       unsigned int access)
{
	gva_t last = la + len - 1;
	gpa_t gpa;
	int rc;

	if (cpl(e) == 3 && !(access & LODGE_ACCESS_IMPLICIT))
		access |= LODGE_ACCESS_USER;
	rc = e->ops->translate(e, la, access, &gpa);
	if (rc != LODGE_EMUL_OK || !((la ^ last) & ~(u64)(GUEST_PAGE - 1)))
		return rc;
	last &= ~(u64)(GUEST_PAGE - 1);
	if (!long64(e))
		last = (u32)last;
	return e->ops->translate(e, last, access, &gpa);
}

/**
 * lodge_mem_read() - read memory through a segment
 * @e: emulator
 * @seg: enum lodge_segno
 * @off: offset
 * @data: where to
 * @len: bytes, 1 to 64
 * @access: LODGE_ACCESS_WRITE if the same instruction will write it
 *
 * Return: enum lodge_emul_result.
 */
int lodge_mem_read(struct lodge_emul *e, unsigned int seg, u64 off,
		   void *data, unsigned int len, unsigned int access)
{
	gva_t la;
	int rc;

	rc = lodge_mem_linear(e, seg, off, len, access, &la);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return lodge_linear_read(e, la, data, len, access);
}

/**
 * lodge_mem_write() - write memory through a segment
 * @e: emulator
 * @seg: enum lodge_segno
 * @off: offset
 * @data: what
 * @len: bytes, 1 to 64
 * @old: for an atomic write, what must be there; else NULL
 *
 * Return: enum lodge_emul_result.
 */
int lodge_mem_write(struct lodge_emul *e, unsigned int seg, u64 off,
		    const void *data, unsigned int len, const void *old)
{
	gva_t la;
	int rc;

	rc = lodge_mem_linear(e, seg, off, len, LODGE_ACCESS_WRITE, &la);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return lodge_linear_write(e, la, data, len, 0, old);
}

/* Bytes of the stack pointer in use. */
unsigned int lodge_stack_size(const struct lodge_emul *e)
{
	if (long64(e))
		return 8;
	return seg_now(e, LODGE_SS)->ar & LODGE_AR_DB ? 4 : 2;
}

int lodge_push(struct lodge_emul *e, u64 val, unsigned int size)
{
	unsigned int width = lodge_stack_size(e);
	u64 rsp = lodge_emul_gpr(e, LODGE_RSP) - size;
	int rc;

	rc = lodge_mem_write(e, LODGE_SS, rsp & size_mask(width), &val, size,
			     NULL);
	if (rc == LODGE_EMUL_OK)
		lodge_reg_write(e, LODGE_RSP, rsp, width);
	return rc;
}

int lodge_pop(struct lodge_emul *e, u64 *val, unsigned int size)
{
	unsigned int width = lodge_stack_size(e);
	u64 rsp = lodge_emul_gpr(e, LODGE_RSP);
	int rc;

	*val = 0;
	rc = lodge_mem_read(e, LODGE_SS, rsp & size_mask(width), val, size, 0);
	if (rc == LODGE_EMUL_OK)
		lodge_reg_write(e, LODGE_RSP, rsp + size, width);
	return rc;
}
