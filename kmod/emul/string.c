// SPDX-License-Identifier: GPL-2.0
/*
 * One iteration of each string instruction; execute.c repeats it.
 *
 * Called from execute.c through the opcode tables. Next: io.c.
 */
#include "internal.h"

/* Offset that rSI or rDI holds. */
static u64 offset(const struct lodge_emul *e, unsigned int nr)
{
	return lodge_adsize_mask(e, lodge_emul_gpr(e, nr));
}

static void advance(struct lodge_emul *e, unsigned int nr, unsigned int size)
{
	u64 step = e->rflags & LODGE_RFLAGS_DF ? -(u64)size : size;

	lodge_reg_write(e, nr, lodge_emul_gpr(e, nr) + step, e->insn.adsize);
}

static int read_source(struct lodge_emul *e, u64 *val, unsigned int size)
{
	*val = 0;
	return lodge_mem_read(e, e->insn.seg, offset(e, LODGE_RSI), val, size,
			      0);
}

static int read_dest(struct lodge_emul *e, u64 *val)
{
	*val = 0;
	return lodge_mem_read(e, LODGE_ES, offset(e, LODGE_RDI), val, e->size,
			      0);
}

static int write_dest(struct lodge_emul *e, u64 val, unsigned int size)
{
	return lodge_mem_write(e, LODGE_ES, offset(e, LODGE_RDI), &val, size,
			       NULL);
}

int lodge_op_movs(struct lodge_emul *e)
{
	u64 val;
	int rc;

	rc = read_source(e, &val, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = write_dest(e, val, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	advance(e, LODGE_RSI, e->size);
	advance(e, LODGE_RDI, e->size);
	return LODGE_EMUL_OK;
}

int lodge_op_stos(struct lodge_emul *e)
{
	int rc = write_dest(e, lodge_emul_gpr(e, LODGE_RAX), e->size);

	if (rc == LODGE_EMUL_OK)
		advance(e, LODGE_RDI, e->size);
	return rc;
}

int lodge_op_lods(struct lodge_emul *e)
{
	u64 val;
	int rc;

	rc = read_source(e, &val, e->size);
	if (rc != LODGE_EMUL_OK)
		return rc;
	lodge_reg_write(e, LODGE_RAX, val, e->size);
	advance(e, LODGE_RSI, e->size);
	return LODGE_EMUL_OK;
}

static void compare(struct lodge_emul *e, u64 a, u64 b)
{
	u64 flags;

	lodge_alu_sub(a, b, 0, e->size, &flags);
	e->rflags = (e->rflags & ~FLAGS_ARITH) | flags;
}

int lodge_op_scas(struct lodge_emul *e)
{
	u64 val;
	int rc;

	rc = read_dest(e, &val);
	if (rc != LODGE_EMUL_OK)
		return rc;
	compare(e, lodge_reg_read(e, LODGE_RAX, e->size), val);
	advance(e, LODGE_RDI, e->size);
	return LODGE_EMUL_OK;
}

int lodge_op_cmps(struct lodge_emul *e)
{
	u64 a, b;
	int rc;

	rc = read_source(e, &a, e->size);
	if (rc == LODGE_EMUL_OK)
		rc = read_dest(e, &b);
	if (rc != LODGE_EMUL_OK)
		return rc;
	compare(e, a, b);
	advance(e, LODGE_RSI, e->size);
	advance(e, LODGE_RDI, e->size);
	return LODGE_EMUL_OK;
}

/* A port's operand is four bytes at most. */
static unsigned int port_size(const struct lodge_emul *e)
{
	return min_t(unsigned int, e->size, 4);
}

/*
 * The destination is checked and translated before the port is read: a
 * device's data must not be lost in a fault.
 */
int lodge_op_ins(struct lodge_emul *e)
{
	u16 port = lodge_emul_gpr(e, LODGE_RDX);
	unsigned int size = port_size(e);
	u64 val = 0;
	gva_t la;
	int rc;

	rc = lodge_io_permitted(e, port, size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_mem_linear(e, LODGE_ES, offset(e, LODGE_RDI), size,
				      LODGE_ACCESS_WRITE, &la);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_linear_probe(e, la, size, LODGE_ACCESS_WRITE);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_io_log(e, LODGE_IO_PIO, port, &val, size, false);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_linear_write(e, la, &val, size, 0, NULL);
	if (rc == LODGE_EMUL_OK)
		advance(e, LODGE_RDI, size);
	return rc;
}

int lodge_op_outs(struct lodge_emul *e)
{
	u16 port = lodge_emul_gpr(e, LODGE_RDX);
	unsigned int size = port_size(e);
	u64 val;
	int rc;

	rc = lodge_io_permitted(e, port, size);
	if (rc == LODGE_EMUL_OK)
		rc = read_source(e, &val, size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_io_log(e, LODGE_IO_PIO, port, &val, size, true);
	if (rc == LODGE_EMUL_OK)
		advance(e, LODGE_RSI, size);
	return rc;
}

u64 lodge_emul_count(const struct lodge_emul *e)
{
	return lodge_adsize_mask(e, e->regs->gpr[LODGE_RCX]);
}

unsigned int lodge_emul_ahead(const struct lodge_emul *e)
{
	unsigned int size = port_size(e), at;
	u64 room, count;

	if (e->insn.op->exec != lodge_op_ins || !e->insn.rep ||
	    e->regs->rflags & LODGE_RFLAGS_TF)
		return 1;
	at = (offset(e, LODGE_RDI) +
	      (long64(e) ? 0 : seg_now(e, LODGE_ES)->base)) & 4095;
	room = e->regs->rflags & LODGE_RFLAGS_DF ? at / size + 1 :
						   (4096 - at) / size;
	count = lodge_emul_count(e);
	return max_t(u64, min_t(u64, count, room), 1);
}
