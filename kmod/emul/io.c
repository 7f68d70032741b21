// SPDX-License-Identifier: GPL-2.0
/*
 * IN and OUT, and who may use a port.
 *
 * Called from execute.c through the opcode tables. Next: flags.c.
 */
#include "internal.h"

#define TSS32_IO_BASE	0x66	/* also where a 64-bit TSS has it */

/* The bitmap in the TSS: a clear bit for each byte of the port. */
static int bitmap_permits(struct lodge_emul *e, u16 port, unsigned int size)
{
	const struct lodge_seg *tr = &e->regs->seg[LODGE_TR];
	unsigned int type = FIELD_GET(LODGE_AR_TYPE, tr->ar);
	unsigned int mask = ((1U << size) - 1) << (port & 7);
	u16 base, bits;
	int rc;

	if (!(tr->ar & LODGE_AR_P) || (type & 9) != 9 || tr->limit < 103)
		return raise_gp0(e);
	rc = lodge_linear_read(e, tr->base + TSS32_IO_BASE, &base, 2,
			       LODGE_ACCESS_IMPLICIT);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if ((u32)base + port / 8 + 1 > tr->limit)
		return raise_gp0(e);
	rc = lodge_linear_read(e, tr->base + base + port / 8, &bits, 2,
			       LODGE_ACCESS_IMPLICIT);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return bits & mask ? raise_gp0(e) : LODGE_EMUL_OK;
}

/**
 * lodge_io_permitted() - may the code use a port?
 * @e: emulator
 * @port: first
 * @size: how many
 *
 * Follows "I/O Permission Bit Map". Return: OK or FAULT.
 */
int lodge_io_permitted(struct lodge_emul *e, u16 port, unsigned int size)
{
	if (e->insn.mode == LODGE_MODE_REAL)
		return LODGE_EMUL_OK;
	if (e->insn.mode != LODGE_MODE_V86 && cpl(e) <= iopl(e))
		return LODGE_EMUL_OK;
	return bitmap_permits(e, port, size);
}

static int port_access(struct lodge_emul *e, u16 port, bool write)
{
	unsigned int size = min_t(unsigned int, e->size, 4);
	u64 val = 0;
	int rc;

	if (write)
		val = lodge_reg_read(e, LODGE_RAX, size);
	rc = lodge_io_permitted(e, port, size);
	if (rc == LODGE_EMUL_OK)
		rc = lodge_io_log(e, LODGE_IO_PIO, port, &val, size, write);
	if (rc == LODGE_EMUL_OK && !write)
		lodge_reg_write(e, LODGE_RAX, val, size);
	return rc;
}

int lodge_op_in(struct lodge_emul *e)
{
	return port_access(e, (u8)e->insn.imm, false);
}

int lodge_op_out(struct lodge_emul *e)
{
	return port_access(e, (u8)e->insn.imm, true);
}

int lodge_op_in_dx(struct lodge_emul *e)
{
	return port_access(e, lodge_emul_gpr(e, LODGE_RDX), false);
}

int lodge_op_out_dx(struct lodge_emul *e)
{
	return port_access(e, lodge_emul_gpr(e, LODGE_RDX), true);
}
