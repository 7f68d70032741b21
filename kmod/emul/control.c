// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions of the operating system: control and debug registers, MSRs,
 * and those whose effect is the caller's (ops->system).
 *
 * Called from execute.c through the opcode tables. Next: sse.c.
 */
#include "internal.h"

int lodge_op_smsw(struct lodge_emul *e)
{
	u64 cr0;
	int rc;

	if (cpl(e) && (e->regs->cr4 & LODGE_CR4_UMIP))
		return raise_gp0(e);
	if (!e->ops->cr_read)
		return LODGE_EMUL_UNHANDLED;
	rc = e->ops->cr_read(e, 0, &cr0);
	if (rc != LODGE_EMUL_OK)
		return rc;
	if (rm_is_mem(e))
		return lodge_mem_write(e, e->insn.seg, e->ea, &cr0, 2, NULL);
	lodge_reg_write(e, e->insn.rm, cr0, e->size);
	return LODGE_EMUL_OK;
}

static int change_cr0(struct lodge_emul *e, u64 clear, u64 set)
{
	u64 cr0;
	int rc;

	if (!e->ops->cr_read || !e->ops->cr_write)
		return LODGE_EMUL_UNHANDLED;
	rc = e->ops->cr_read(e, 0, &cr0);
	if (rc != LODGE_EMUL_OK)
		return rc;
	return e->ops->cr_write(e, 0, (cr0 & ~clear) | set);
}

/* Can set PE, but not clear it. */
int lodge_op_lmsw(struct lodge_emul *e)
{
	return change_cr0(e, LODGE_CR0_MP | LODGE_CR0_EM | LODGE_CR0_TS,
			  e->src & 0xf);
}

int lodge_op_clts(struct lodge_emul *e)
{
	return change_cr0(e, LODGE_CR0_TS, 0);
}

/* LOCK before MOV CR0 is another way to say CR8, where the CPU has it. */
int lodge_op_mov_cr(struct lodge_emul *e)
{
	unsigned int size = long64(e) ? 8 : 4;
	unsigned int nr = e->insn.reg;
	u64 val;
	int rc;

	if (e->insn.lock)
		nr += 8;
	if (nr != 0 && nr != 2 && nr != 3 && nr != 4 && nr != 8)
		return raise_ud(e);
	if (e->insn.op->aux) {
		if (!e->ops->cr_write)
			return LODGE_EMUL_UNHANDLED;
		return e->ops->cr_write(e, nr, lodge_reg_read(e, e->insn.rm,
							      size));
	}
	if (!e->ops->cr_read)
		return LODGE_EMUL_UNHANDLED;
	rc = e->ops->cr_read(e, nr, &val);
	if (rc == LODGE_EMUL_OK)
		lodge_reg_write(e, e->insn.rm, val, size);
	return rc;
}

/* DR4 and DR5 are other names of DR6 and DR7, until CR4.DE ends that. */
int lodge_op_mov_dr(struct lodge_emul *e)
{
	unsigned int size = long64(e) ? 8 : 4;
	unsigned int nr = e->insn.reg;
	u64 val;
	int rc;

	if (nr > 7)
		return raise_ud(e);
	if (nr == 4 || nr == 5) {
		if (e->regs->cr4 & LODGE_CR4_DE)
			return raise_ud(e);
		nr += 2;
	}
	if (e->insn.op->aux) {
		if (!e->ops->dr_write)
			return LODGE_EMUL_UNHANDLED;
		return e->ops->dr_write(e, nr, lodge_reg_read(e, e->insn.rm,
							      size));
	}
	if (!e->ops->dr_read)
		return LODGE_EMUL_UNHANDLED;
	rc = e->ops->dr_read(e, nr, &val);
	if (rc == LODGE_EMUL_OK)
		lodge_reg_write(e, e->insn.rm, val, size);
	return rc;
}

int lodge_op_rdmsr(struct lodge_emul *e)
{
	u64 val;
	int rc;

	if (!e->ops->msr_read)
		return LODGE_EMUL_UNHANDLED;
	rc = e->ops->msr_read(e, lodge_emul_gpr(e, LODGE_RCX), &val);
	if (rc == LODGE_EMUL_OK) {
		lodge_reg_write(e, LODGE_RAX, val, 4);
		lodge_reg_write(e, LODGE_RDX, val >> 32, 4);
	}
	return rc;
}

int lodge_op_wrmsr(struct lodge_emul *e)
{
	u64 val = (u32)lodge_emul_gpr(e, LODGE_RAX) |
		  lodge_emul_gpr(e, LODGE_RDX) << 32;

	if (!e->ops->msr_write)
		return LODGE_EMUL_UNHANDLED;
	return e->ops->msr_write(e, lodge_emul_gpr(e, LODGE_RCX), val);
}

static int do_system(struct lodge_emul *e, enum lodge_emul_system what,
		     u64 arg)
{
	if (!e->ops->system)
		return LODGE_EMUL_UNHANDLED;
	return e->ops->system(e, what, arg);
}

/* Who may execute it is in the tables, but for what a bit of CR4 decides. */
int lodge_op_system(struct lodge_emul *e)
{
	enum lodge_emul_system what = e->insn.op->aux;
	u64 cr4 = e->regs->cr4;

	if (what == LODGE_SYS_RDTSC && (cr4 & LODGE_CR4_TSD) && cpl(e))
		return raise_gp0(e);
	if (what == LODGE_SYS_RDPMC && !(cr4 & LODGE_CR4_PCE) && cpl(e))
		return raise_gp0(e);
	return do_system(e, what, 0);
}

/* The address is linear but never touched: no limit, no page is checked. */
static int address_only(struct lodge_emul *e, enum lodge_emul_system what,
			u64 off)
{
	unsigned int seg = e->insn.seg;
	u64 la = off;

	if (!long64(e))
		la = (u32)(la + seg_now(e, seg)->base);
	else if (seg == LODGE_FS || seg == LODGE_GS)
		la += seg_now(e, seg)->base;
	return do_system(e, what, la);
}

int lodge_op_invlpg(struct lodge_emul *e)
{
	return address_only(e, LODGE_SYS_INVLPG, e->ea);
}

int lodge_op_clflush(struct lodge_emul *e)
{
	gva_t la;
	gpa_t gpa;
	int rc;

	rc = lodge_mem_linear(e, e->insn.seg, e->ea, 1, 0, &la);
	if (rc == LODGE_EMUL_OK)
		rc = e->ops->translate(e, la, cpl(e) == 3 ?
				       LODGE_ACCESS_USER : 0, &gpa);
	return rc == LODGE_EMUL_OK ? do_system(e, LODGE_SYS_CLFLUSH, la) : rc;
}

int lodge_op_invpcid(struct lodge_emul *e)
{
	u64 type = lodge_reg_read(e, e->insn.reg, long64(e) ? 8 : 4);
	int rc;

	if (!e->insn.opsize_prefix)
		return raise_ud(e);
	if (!e->ops->system)
		return LODGE_EMUL_UNHANDLED;
	rc = lodge_mem_read(e, e->insn.seg, e->ea, e->buf, 16, 0);
	return rc == LODGE_EMUL_OK ? do_system(e, LODGE_SYS_INVPCID, type) :
				     rc;
}

int lodge_op_swapgs(struct lodge_emul *e)
{
	struct lodge_seg *gs = &e->seg[LODGE_GS];

	if (!long64(e))
		return raise_ud(e);
	*gs = *seg_now(e, LODGE_GS);
	gs->base = e->regs->kernel_gs_base;
	e->seg_dirty |= BIT(LODGE_GS);
	e->regs->kernel_gs_base = e->regs->seg[LODGE_GS].base;
	e->changed |= LODGE_R_MSRS;
	return LODGE_EMUL_OK;
}

/* 0F 01 with a register form: ModRM as a whole is the opcode. */
static const struct {
	u8 modrm;
	u8 what;
	bool priv;
} grp7[] = {
	{ 0xc1, LODGE_SYS_VMCALL, false },
	{ 0xc2, LODGE_SYS_VMX_SVM, false },	/* VMLAUNCH */
	{ 0xc3, LODGE_SYS_VMX_SVM, false },	/* VMRESUME */
	{ 0xc4, LODGE_SYS_VMX_SVM, false },	/* VMXOFF */
	{ 0xc8, LODGE_SYS_MONITOR, true },
	{ 0xc9, LODGE_SYS_MWAIT, true },
	{ 0xd0, LODGE_SYS_XGETBV, false },
	{ 0xd1, LODGE_SYS_XSETBV, true },
	{ 0xd4, LODGE_SYS_VMX_SVM, false },	/* VMFUNC */
	{ 0xd8, LODGE_SYS_VMX_SVM, false },	/* VMRUN */
	{ 0xd9, LODGE_SYS_VMMCALL, false },
	{ 0xda, LODGE_SYS_VMX_SVM, false },	/* VMLOAD */
	{ 0xdb, LODGE_SYS_VMX_SVM, false },	/* VMSAVE */
	{ 0xdc, LODGE_SYS_VMX_SVM, false },	/* STGI */
	{ 0xdd, LODGE_SYS_VMX_SVM, false },	/* CLGI */
	{ 0xde, LODGE_SYS_VMX_SVM, false },	/* SKINIT */
	{ 0xdf, LODGE_SYS_VMX_SVM, false },	/* INVLPGA */
	{ 0xf9, LODGE_SYS_RDTSCP, false },
	{ 0xfa, LODGE_SYS_MONITOR, true },	/* MONITORX */
	{ 0xfb, LODGE_SYS_MWAIT, true },	/* MWAITX */
};

int lodge_op_grp7_reg(struct lodge_emul *e)
{
	u8 modrm = e->insn.modrm;
	unsigned int i;

	if (modrm == 0xf8)
		return cpl(e) ? raise_gp0(e) : lodge_op_swapgs(e);
	for (i = 0; i < ARRAY_SIZE(grp7); i++)
		if (grp7[i].modrm == modrm)
			break;
	if (i == ARRAY_SIZE(grp7))
		return LODGE_EMUL_UNHANDLED;
	if (grp7[i].priv && cpl(e))
		return modrm == 0xd1 ? raise_gp0(e) : raise_ud(e);
	if (modrm == 0xf9 && (e->regs->cr4 & LODGE_CR4_TSD) && cpl(e))
		return raise_gp0(e);
	if ((modrm == 0xd0 || modrm == 0xd1) &&
	    !(e->regs->cr4 & LODGE_CR4_OSXSAVE))
		return raise_ud(e);
	if (grp7[i].what == LODGE_SYS_MONITOR)
		return address_only(e, LODGE_SYS_MONITOR, lodge_adsize_mask(e,
				    lodge_emul_gpr(e, LODGE_RAX)));
	return do_system(e, grp7[i].what, 0);
}
