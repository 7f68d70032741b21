// SPDX-License-Identifier: GPL-2.0
/* The valid states that mutations start from, and a CPU for them. */
#include "check.h"

/* The controls' capability MSRs: what must be 1, and what else may be. */
#define CAP(must, may)	((u64)((must) | (may)) << 32 | (must))
#define PIN_MUST	0x16ULL
#define PROC_MUST	0x04006172ULL
#define EXIT_MUST	0x00036dfbULL
#define ENTRY_MUST	0x000011fbULL

static const struct vmx_cpu_facts cpu = {
	.basic = VMX_CAP_TRUE_CTLS | 6ULL << 50 | 4096ULL << 32 | 0x11,
	.misc = VMX_CAP_HLT | VMX_CAP_SHUTDOWN | 4 << 16,
	.ept_vpid = VMX_CAP_EPT_4_LEVELS | VMX_CAP_EPT_WB | VMX_CAP_EPT_AD,
	.vmfunc = 1,
	.pin = CAP(PIN_MUST, 0xe9ULL),
	.proc = CAP(PROC_MUST, 0xfffffffeULL),
	.proc2 = CAP(0ULL, 0xdfffffffULL),
	.proc3 = 0xff,
	.exit = CAP(EXIT_MUST, 0xf7fc9204ULL),
	.exit2 = 0x8,
	.entry = CAP(ENTRY_MUST, 0x007fee04ULL),
	.cr0_fixed0 = LODGE_CR0_PE | LODGE_CR0_NE | LODGE_CR0_PG,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = LODGE_CR4_VMXE,
	.cr4_fixed1 = 0x00ff7fff,
	.perf_global = 0x70000000fULL,
	.rtit_ctl = 0xffff,
	.s_cet = 0xc3f,
	.efer = LODGE_EFER_LMA | LODGE_EFER_LME,
	.vmcs = 0x5000,
	.phys_bits = 40,
	.linear_bits = 48,
};

#define PAT_RESET	0x0007040600070406ULL

static const struct vmx_controls controls = {
	.pin = PIN_MUST | VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI,
	.proc = PROC_MUST | VMX_PROC_SECONDARY | VMX_PROC_HLT |
		VMX_PROC_IO_BITMAPS | VMX_PROC_MSR_BITMAPS,
	.proc2 = VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED | VMX_PROC2_VPID,
	.exit = EXIT_MUST | VMX_EXITC_HOST_64 | VMX_EXITC_LOAD_EFER |
		VMX_EXITC_LOAD_PAT | VMX_EXITC_SAVE_DEBUG,
	.entry = ENTRY_MUST | VMX_ENTRYC_LOAD_EFER | VMX_ENTRYC_LOAD_PAT |
		 VMX_ENTRYC_LOAD_DEBUG,
	.io_bitmap_a = 0x1000, .io_bitmap_b = 0x2000, .msr_bitmap = 0x3000,
	.eptp = 0x1234005e, .vpid = 7,
};

static const struct vmx_host host = {
	.cr0 = 0x80050033, .cr3 = 0x1000, .cr4 = 0x000426e0,
	.efer = 0xd01, .pat = PAT_RESET,
	.sysenter_esp = 0xfffffe0000001000, .rip = 0xffffffffc0001000,
	.cs = 0x10, .ss = 0x18, .tr = 0x40,
	.fs_base = 0x7fff12345000, .gs_base = 0xffff888000000000,
	.tr_base = 0xfffffe0000003000, .gdtr_base = 0xfffffe0000001000,
	.idtr_base = 0xfffffe0000000000,
};

static void base_segs(struct vmx_guest *g, u64 limit, u64 code, u64 data)
{
	int n;

	for (n = LODGE_ES; n <= LODGE_GS; n++) {
		g->seg[n].limit = limit;
		g->seg[n].ar = n == LODGE_CS ? code : data;
		g->seg[n].sel = n == LODGE_CS ? 0x10 : 0x18;
	}
	g->seg[LODGE_TR] = (struct vmx_guest_seg){ 0x40, 0x3000, 0x67, 0x8b };
	g->seg[LODGE_LDTR] = (struct vmx_guest_seg){ 0x28, 0x5000, 0x7f, 0x82 };
}

/* A state that breaks no rule, on a CPU that has all but the newest. */
void vmx_base(struct vmx_state *s, enum base base)
{
	struct vmx_guest *g = &s->guest;

	*s = (struct vmx_state){ .cpu = cpu, .ctl = controls, .host = host };
	*g = (struct vmx_guest){
		.cr0 = LODGE_CR0_NE, .cr3 = 0x1000, .cr4 = LODGE_CR4_VMXE,
		.dr7 = 0x400, .pat = PAT_RESET, .gdtr_limit = 0xffff,
		.idtr_limit = 0xffff, .rip = 0xfff0, .link = VMCS_NO_LINK,
		.rflags = LODGE_RFLAGS_1 | LODGE_RFLAGS_IF,
	};
	switch (base) {
	case LONG:
		g->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG | LODGE_CR0_WP;
		g->cr4 |= LODGE_CR4_PAE;
		g->efer = VMX_EFER_BITS;
		g->rip = 0xffffffff81000000;
		s->ctl.entry |= VMX_ENTRYC_LONG_MODE;
		base_segs(g, 0xffffffff, 0xa09b, 0xc093);
		break;
	case PAE:
		g->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG;
		g->cr4 |= LODGE_CR4_PAE;
		g->pdpte[0] = BIT_ULL(39) | 1;
		g->pdpte[1] = ~1ULL;	/* not present: anything goes */
		base_segs(g, 0xffffffff, 0xc09b, 0xc093);
		break;
	case V86:
		g->cr0 |= LODGE_CR0_PE | LODGE_CR0_PG;
		g->rflags |= LODGE_RFLAGS_VM;
		base_segs(g, 0xffff, 0xf3, 0xf3);
		for (int n = LODGE_ES; n <= LODGE_GS; n++)
			g->seg[n].base = g->seg[n].sel << 4;
		break;
	default:
		base_segs(g, 0xffff, 0x9b, 0x93);
	}
}
