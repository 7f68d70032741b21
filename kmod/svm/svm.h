/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The AMD-V backend: what its files share.
 *
 * svm_ops.c is the table, svm_caps.c looks at the CPU and turns it on,
 * svm_run.c is the bracket and svm_enter.S the world switch in it,
 * svm_exit.c decodes, svm_state.c moves registers, svm_event.c injects,
 * svm_tlb.c decides on flushes, svm_npt.c has the page-table format.
 * Next: svm_run.c.
 */
#ifndef LODGE_SVM_H
#define LODGE_SVM_H

#include <asm/io.h>

#include "../lodge.h"
#include "svm_decide.h"
#include "svm_vmcb.h"

#define SVM_DR6_RESET	0xffff0ff0ULL

/* What a CPU needs. */
struct svm_cpu {
	struct svm_vmcb *host;		/* VMSAVE area of the host's own state */
	struct svm_vmcb *probe;		/* an empty guest: it exits at once */
	void *hsave;			/* the hardware's host save area */
	hpa_t host_pa, probe_pa, hsave_pa;
	struct svm_asids asids;		/* own mode: ids in turn */
	/* As found when the bracket began. */
	u64 found_efer;
	u64 found_hsave;
	u64 found_tsc_aux;
	struct lodge_host_drs drs;
	u64 found_dr7;
	u64 found_tsc_ratio;
	bool found_on;
	bool tsc_ratio_loaded;
	bool own;			/* it was ours when the bracket began */
	bool first;			/* the entry that comes asks for flushes */
	struct lodge_vcpu *last;	/* ran here last: compared, never followed */
};

/* How an event waits for the end of an interrupt shadow; 0: none does. */
enum {
	SVM_STEP_NOT,
	SVM_STEP_WAIT,		/* for a window behind it */
	SVM_STEP_TF,		/* TF is ours, for one instruction */
	SVM_STEP_EVENT,		/* over the delivery of an event */
};

struct svm_vcpu {
	struct lodge_vcpu vcpu;		/* first: see svm_ops.vcpu_size */
	struct svm_vmcb *vmcb;		/* [c] */
	hpa_t vmcb_pa;			/* [c] */
	u32 *msrpm;			/* [c] intercepts of MSRs, 2 bits each */
	u64 asid_generation;		/* [v] */
	int asid_cpu;			/* [v] where asid is valid */
	u32 asid;			/* [v] */
	bool want_flush;		/* [v] at next entry */
	bool load_drs;			/* [v] guest's DR0-3 go into hardware */
	u64 cr0_cache_bits;		/* [v] CD and NW, which stay ours */
	bool nmi_blocked;		/* [v] from injection to IRET */
	bool iret_pending;		/* [v] IRET seen, not yet executed */
	u64 iret_rip;			/* [v] */
	bool irq_given;			/* [v] V_IRQ is to be delivered */
	u8 stepping;			/* [v] SVM_STEP_* */
	bool step_tf;			/* [v] the guest's own TF */
	u64 step_dr6;			/* [v] ... DR6 */
	bool step_sce;			/* [v] ... EFER.SCE */
	u8 step_shadow;			/* [v] ... and shadow */
	bool step_stuck;		/* [v] waiting there has led nowhere */
	bool step_sfmask_tf;		/* [v] ... and TF in SFMASK */
	u64 step_rip;			/* [v] */
	u32 step_exceptions;		/* [v] those intercepted otherwise */
};

static inline struct svm_vcpu *to_svm(struct lodge_vcpu *vcpu)
{
	return container_of(vcpu, struct svm_vcpu, vcpu);
}

/* svm_enter.S */
void svm_enter_guest(u64 *gpr, hpa_t vmcb_pa, hpa_t host_pa);

static inline void svm_vmsave(hpa_t pa)
{
	asm volatile("vmsave %%rax" :: "a"(pa) : "memory");
}

/* svm_caps.c */
int svm_probe(struct lodge_caps *caps);
int svm_setup(void);
void svm_teardown(void);
bool svm_hw_in_use(void);
int svm_hw_enable(void);
void svm_hw_disable(void);
int svm_hw_prove(void);
DECLARE_PER_CPU(struct svm_cpu *, svm_cpu);
extern hpa_t svm_iopm_pa;
extern bool svm_irq_by_vintr;		/* not by EVENTINJ, where that can be */

/* svm_vcpu.c */
int svm_vm_init(struct lodge_vm *vm);
void svm_vm_destroy(struct lodge_vm *vm);
int svm_vcpu_create(struct lodge_vcpu *vcpu);
void svm_vcpu_destroy(struct lodge_vcpu *vcpu);
void svm_vcpu_reset(struct lodge_vcpu *vcpu);
void svm_set_msr_intercept(struct lodge_vcpu *vcpu, u32 msr, bool read,
			   bool write);
void svm_set_tdp_root(struct lodge_vcpu *vcpu, hpa_t root);
void svm_set_tsc(struct lodge_vcpu *vcpu, u64 offset, u64 ratio);
void svm_update_intercepts(struct lodge_vcpu *vcpu);
void svm_intercept_int3(struct svm_vcpu *svm);
void svm_intercept_waits(struct svm_vcpu *svm);

/* svm_explain.c */
int svm_explain(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		char *text, size_t size);

/* svm_run.c */
void svm_take_hardware(struct svm_cpu *cpu);
void svm_give_hardware(struct svm_cpu *cpu);
void svm_bracket_begin(struct lodge_vcpu *vcpu);
void svm_enter(struct lodge_vcpu *vcpu, struct lodge_exit *exit);
void svm_bracket_end(struct lodge_vcpu *vcpu);
void svm_flush_tlb(struct lodge_vcpu *vcpu);
u64 svm_probe_run(struct svm_cpu *cpu, u8 tlb_control, u32 asid);

/* svm_state.c */
void svm_sync_from_hw(struct lodge_vcpu *vcpu, u32 groups);
void svm_sync_to_hw(struct lodge_vcpu *vcpu, u32 groups);

/* svm_event.c */
u64 svm_event_to_hw(const struct lodge_event *ev);
void svm_inject(struct lodge_vcpu *vcpu, const struct lodge_event *ev);
bool svm_irq_allowed(struct lodge_vcpu *vcpu);
bool svm_nmi_allowed(struct lodge_vcpu *vcpu);
void svm_request_irq_window(struct lodge_vcpu *vcpu, bool on);
void svm_request_nmi_window(struct lodge_vcpu *vcpu, bool on);
void svm_debug_step(struct svm_vcpu *svm);
void svm_nmi_exit(struct svm_vcpu *svm, struct lodge_exit *exit);
void svm_irq_exit(struct svm_vcpu *svm, struct lodge_exit *exit);

/* svm_npt.c */
extern const struct lodge_tdp_format svm_npt_format;

#endif /* LODGE_SVM_H */
