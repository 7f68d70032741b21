/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VT-x backend: what its files share.
 *
 * vmx_ops.c is the table, vmx_caps.c looks at the CPU and turns it on,
 * vmx_run.c is the bracket and vmx_enter.S the world switch in it,
 * vmx_host.c notes and puts back what a bracket finds, vmx_exit.c decodes,
 * vmx_state.c moves registers, vmx_event.c injects, vmx_tlb.c decides on
 * flushes, vmx_ept.c has the page-table format. Next: vmx_insn.h, vmx_run.c.
 */
#ifndef LODGE_VMX_H
#define LODGE_VMX_H

#include <asm/desc_defs.h>
#include <asm/io.h>

#include "../lodge.h"
#include "vmx_ctls.h"
#include "vmx_decide.h"
#include "vmx_vmcs.h"

/* What the CPUs have, as vmx_probe() found it: what is always set, and may be. */
struct vmx_config {
	u32 revision;
	u32 pin, proc, proc2, exit, entry;	/* set for every guest */
	u32 proc2_may;				/* for those that want it */
	u64 cr0_must, cr4_must;			/* bits that must be 1 */
	u64 cr4_emulated;			/* those the CPU must not see */
	u32 apic;	/* of proc2: for guests with an APIC in the kernel */
	u8 timer_shift;		/* the timer counts each so many powers of 2 */
	bool invept_single;
	bool ept_ad;
	bool pebs;		/* the host may have the CPU record events */
	bool insn_len_0;	/* a soft event may have no length */
};

extern struct vmx_config vmx_config;

/*
 * Control-register bits that a guest changes without an exit: those that have
 * no consequence but the hardware's own. TSD and PGE as CPUID allows.
 */
#define VMX_CR0_OWNED	LODGE_CR0_TS
#define VMX_CR4_OWNED	(LODGE_CR4_TSD | LODGE_CR4_PGE)

/* SYSCALL's MSRs, which no VMCS holds. */
#define VMX_SYSCALL_MSRS	3
extern const u32 vmx_syscall_msrs[VMX_SYSCALL_MSRS];

/* What a CPU needs. */
struct vmx_cpu {
	struct vmx_region *vmxon;
	struct vmx_region *probe;	/* an empty guest: it exits at once */
	hpa_t vmxon_pa, probe_pa;
	/* As found when the bracket began. */
	u64 found_cr4;
	u64 found_vmcs;			/* current, of whoever is there */
	u64 found_debugctl, found_pebs;
	struct lodge_host_drs drs;
	u64 found_dr7;
	u64 found_kernel_gs_base, found_tsc_aux, found_fs_base;
	u64 found_syscall[VMX_SYSCALL_MSRS];
	u64 now_syscall[VMX_SYSCALL_MSRS];	/* in the CPU */
	struct desc_ptr found_gdt, found_idt;
	u16 found_ldt, found_ds, found_es, found_fs, found_gs;
	u64 found_test_ctrl;		/* 0: it is as it was */
	bool found_on;			/* another is in VMX operation */
	bool syscall_loaded;
	bool first;			/* no entry yet in this bracket */
};

/* struct vmx_vcpu.stale: what the next entry has to write first */
#define VMX_STALE_FIXED		BIT(0)	/* what never changes */
#define VMX_STALE_CTLS		BIT(1)
#define VMX_STALE_TSC		BIT(2)
#define VMX_STALE_EPTP		BIT(3)
#define VMX_STALE_EVENT		BIT(4)	/* not delivered, not to be */
#define VMX_STALE_IRQS		BIT(5)	/* the APIC's IRR, ISR */
#define VMX_STALE_ALL		GENMASK(5, 0)

struct vmx_vcpu {
	struct lodge_vcpu vcpu;		/* first: see vmx_ops.vcpu_size */
	struct vmx_region *vmcs;	/* [c] */
	hpa_t vmcs_pa;			/* [c] */
	unsigned long *msr_bitmap;	/* [c] 4 times 1 KiB */
	u64 *pml;			/* [c] the CPU's log of dirty pages, or NULL */
	u64 eptp;			/* [v] */
	u16 vpid;			/* [c] 0: none was left */
	bool in_bracket;		/* [v] its VMCS is current */
	bool launched;			/* [v] in this bracket */
	bool want_flush;		/* [v] at next entry */
	bool host_nmi, host_mc;		/* [v] their handlers are due */
	u8 host_vector;			/* [v] ... that of an interrupt taken; or 0 */
	bool load_drs;			/* [v] guest's DR0-3 go into hardware */
	bool split_locks;		/* [v] it makes such */
	bool halted;			/* [v] it waits in HLT by itself */
	bool irq_window, nmi_window;	/* [v] exit when the guest can take it */
	u8 stale;			/* [v] VMX_STALE_* */
	bool soft;			/* [v] the event to inject is an instruction's */
	u8 soft_len;			/* [v] ... so long, for the hardware */
	u64 soft_rip;			/* [v] ... and RIP at the entry */
	u32 proc, proc2, entry;		/* [v] controls that change */
	u64 tsc_offset, tsc_ratio;	/* [v] */
	u64 timer_tsc;			/* [v] the host's, to exit at; 0: none */
	u32 hw_timer;			/* [v] in the VMCS */
	u32 hw_threshold;		/* [v] of TPR */
	unsigned long hw_eoi[4];	/* [v] vectors whose end exits */
	u64 x2_reads, x2_writes;	/* [v] APIC MSRs that do not exit */
	int tlb_cpu;			/* [v] where it ran last */
	int host_cpu;			/* [v] whose host state the VMCS has */
	u64 host_cr0, host_cr3, host_cr4, host_fs_base;	/* [v] in the VMCS */
	unsigned long host_rsp;		/* [v] */
	struct vmx_raw_exit raw;	/* [v] the last exit */
	/* What the VMCS holds of the guest. */
	u64 hw_rsp, hw_rip, hw_rflags;	/* [v] */
	u32 hw_blocking;		/* [v] */
	u64 cr0_shadow, cr4_shadow;	/* [v] */
	u64 cr4_owned;			/* [v] bits the guest changes by itself */
	u64 cr2;			/* [v] in no VMCS */
	u64 kernel_gs_base;		/* [v] outside the bracket */
};

/* Four page-directory pointers, which the VMCS has copies of */
static inline bool vmx_pae_paging(const struct lodge_regs *r)
{
	return (r->cr0 & LODGE_CR0_PG) && (r->cr4 & LODGE_CR4_PAE) &&
	       !(r->efer & LODGE_EFER_LMA);
}

static inline struct vmx_vcpu *to_vmx(struct lodge_vcpu *vcpu)
{
	return container_of(vcpu, struct vmx_vcpu, vcpu);
}

/* vmx_enter.S: 0, or 1: no world switch took place */
int vmx_enter_guest(u64 *gpr, unsigned long *host_rsp, bool launched);
extern const char vmx_exit_point[];
void vmx_call_handler(unsigned long handler);

/* vmx_caps.c */
int vmx_probe(struct lodge_caps *caps);
int vmx_setup(void);
void vmx_teardown(void);
bool vmx_hw_in_use(void);
int vmx_hw_enable(void);
void vmx_hw_disable(void);
int vmx_hw_prove(void);
void vmx_hw_crash(void);
void vmx_write_zeros(void);
DECLARE_PER_CPU(struct vmx_cpu *, vmx_cpu);

/* vmx_vcpu.c */
int vmx_vm_init(struct lodge_vm *vm);
void vmx_vm_destroy(struct lodge_vm *vm);
int vmx_vcpu_create(struct lodge_vcpu *vcpu);
void vmx_vcpu_destroy(struct lodge_vcpu *vcpu);
void vmx_vcpu_reset(struct lodge_vcpu *vcpu);
void vmx_set_msr_intercept(struct lodge_vcpu *vcpu, u32 msr, bool read,
			   bool write);
void vmx_set_tdp_root(struct lodge_vcpu *vcpu, hpa_t root);
void vmx_set_tsc(struct lodge_vcpu *vcpu, u64 offset, u64 ratio);
void vmx_set_timer(struct lodge_vcpu *vcpu, u64 tsc);
void vmx_update_intercepts(struct lodge_vcpu *vcpu);
void vmx_write_stale(struct vmx_vcpu *vmx);

/* vmx_apic.c */
void vmx_apic_config(struct lodge_caps *caps, u32 proc_may, u32 proc2_may,
		     u32 pin_may);
u32 vmx_apic_ctls(struct vmx_vcpu *vmx);
void vmx_apic_write_fixed(struct vmx_vcpu *vmx);
void vmx_apic_write_irqs(struct vmx_vcpu *vmx);
void vmx_apic_enter(struct vmx_vcpu *vmx);
void vmx_update_irqs(struct lodge_vcpu *vcpu);

/* vmx_explain.c */
int vmx_explain(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		char *text, size_t size);

/* vmx_host.c */
int vmx_take_hardware(struct vmx_cpu *cpu);
void vmx_give_hardware(struct vmx_cpu *cpu);
void vmx_host_write(void);
void vmx_host_note(struct vmx_cpu *cpu);
void vmx_host_restore(struct vmx_cpu *cpu);
bool vmx_split_locks_let(struct vmx_cpu *cpu);
void vmx_syscall_load(struct vmx_cpu *cpu, const struct lodge_regs *r);

/* vmx_run.c */
void vmx_bracket_begin(struct lodge_vcpu *vcpu);
void vmx_enter(struct lodge_vcpu *vcpu, struct lodge_exit *exit);
void vmx_bracket_end(struct lodge_vcpu *vcpu);
void vmx_flush_tlb(struct lodge_vcpu *vcpu);

/* vmx_state.c */
void vmx_sync_from_hw(struct lodge_vcpu *vcpu, u32 groups);
void vmx_sync_to_hw(struct lodge_vcpu *vcpu, u32 groups);

/* vmx_event.c */
void vmx_inject(struct lodge_vcpu *vcpu, const struct lodge_event *ev);
bool vmx_irq_allowed(struct lodge_vcpu *vcpu);
bool vmx_nmi_allowed(struct lodge_vcpu *vcpu);
void vmx_request_irq_window(struct lodge_vcpu *vcpu, bool on);
void vmx_request_nmi_window(struct lodge_vcpu *vcpu, bool on);
void vmx_blocking_write(struct vmx_vcpu *vmx);
void vmx_wake(struct vmx_vcpu *vmx);
void vmx_event_exit(struct vmx_vcpu *vmx, struct lodge_exit *exit);

/* vmx_ept.c */
extern const struct lodge_tdp_format vmx_ept_format;
u64 vmx_eptp(hpa_t root, bool ad);

#endif /* LODGE_VMX_H */
