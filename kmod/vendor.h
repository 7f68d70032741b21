/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a vendor's backend gives to the common code: one table of operations.
 *
 * svm/svm_ops.c and vmx/vmx_ops.c hold nothing but their table. main.c chooses
 * one at load. Next: svm/svm_ops.c, run.c.
 */
#ifndef LODGE_VENDOR_H
#define LODGE_VENDOR_H

#include <linux/kvm.h>

#include "exit.h"
#include "regs.h"

struct lodge_vcpu;
struct lodge_vm;
struct lodge_tdp_format;

#define LODGE_CAPS_NAMES	224

/* What the hardware has, found once by ops->probe(). */
struct lodge_caps {
	u32 asids;		/* address-space ids, 0 id included */
	u8 tsc_ratio_frac_bits;	/* 0: no TSC scaling */
	u8 tdp_max_level;	/* largest leaf: 1 4K, 2 2M, 3 1G */
	bool next_rip;		/* exits tell the next instruction */
	bool decode_assist;	/* exits tell operand and bytes */
	bool flush_by_asid;
	bool tsc_aux;		/* the CPU has IA32_TSC_AUX */
	bool timer;		/* set_timer() works */
	bool may_own;		/* the hardware may stay on between brackets */
	bool pdptes;		/* the CPU keeps those of PAE paging to itself */
	bool dirty_log;		/* the CPU tells writes to pages not yet dirty */
	bool umip;		/* guests have CR4.UMIP, which the CPU lacks */
	/* The CPU has the APIC's page (irq/irq.h): each needs the one above. */
	bool virtual_apic;	/* TPR is there; update_irqs() works */
	bool irq_delivery;	/* it takes from IRR and ends in ISR by itself */
	bool irq_posting;	/* ... and collects, at lodge_host_post() */
	hpa_t apic_page;	/* what guests see is redirected; 0: nothing */
	/* What the CPU has, and guests can't. */
	bool no_rdtscp, no_invpcid, no_xsaves;
	/* Names, for the log line: of what is left unused though it is there. */
	char used[LODGE_CAPS_NAMES], unused[LODGE_CAPS_NAMES];
	char absent[LODGE_CAPS_NAMES];
	char barriers[LODGE_CAPS_NAMES];	/* against speculation */
};

void lodge_caps_name(struct lodge_caps *caps, bool has, bool use,
		     const char *name);
void lodge_barrier_name(struct lodge_caps *caps, const char *name);

/**
 * struct lodge_vendor_ops - a backend
 *
 * "bracket" below: on one CPU, host interrupts off, from bracket_begin() to
 * bracket_end(). Operations with a @vcpu are called with vcpu->mutex held.
 */
struct lodge_vendor_ops {
	const char *name;
	const char *kvm;	/* KVM's module for this hardware */
	size_t vcpu_size;	/* of the vendor's struct, lodge_vcpu first */
	size_t vm_size;		/* of the vendor's struct, lodge_vm first */
	const struct lodge_tdp_format *tdp_format;
	u8 hypercall;		/* last byte of VMCALL or VMMCALL */
	/* What KVM_GET_NESTED_STATE says of a guest without nested ones. */
	struct kvm_nested_state not_nested;

	/* Is the hardware there and good enough? Logs one sentence if not. */
	int (*probe)(struct lodge_caps *caps);
	/* Memory for every CPU; after probe(), before anything below. */
	int (*setup)(void);
	void (*teardown)(void);

	/* Interrupts off, on the CPU concerned. */
	bool (*hw_in_use)(void);	/* does someone hold the CPU? */
	int (*hw_enable)(void);		/* own mode: on, and stays on */
	void (*hw_disable)(void);
	int (*hw_prove)(void);		/* enable, one world switch, disable */
	/* The kernel crashed, maybe in a bracket: off; NULL: no need. */
	void (*hw_crash)(void);

	int (*vm_init)(struct lodge_vm *vm);
	void (*vm_destroy)(struct lodge_vm *vm);
	int (*vcpu_create)(struct lodge_vcpu *vcpu);
	void (*vcpu_destroy)(struct lodge_vcpu *vcpu);
	/* Power-on or INIT state of what no lodge_regs group holds. */
	void (*vcpu_reset)(struct lodge_vcpu *vcpu);

	/* The world switch, in order. */
	void (*bracket_begin)(struct lodge_vcpu *vcpu);
	void (*enter)(struct lodge_vcpu *vcpu, struct lodge_exit *exit);
	void (*bracket_end)(struct lodge_vcpu *vcpu);

	/* Registers by group (LODGE_R_*): from anywhere; to, in the bracket. */
	void (*sync_from_hw)(struct lodge_vcpu *vcpu, u32 groups);
	void (*sync_to_hw)(struct lodge_vcpu *vcpu, u32 groups);

	/* Events; in the bracket, registers in R_SHADOW need not be synced. */
	void (*inject)(struct lodge_vcpu *vcpu, const struct lodge_event *ev);
	bool (*irq_allowed)(struct lodge_vcpu *vcpu);	/* IF, shadow */
	bool (*nmi_allowed)(struct lodge_vcpu *vcpu);
	void (*request_irq_window)(struct lodge_vcpu *vcpu, bool on);
	void (*request_nmi_window)(struct lodge_vcpu *vcpu, bool on);

	/* Called at once if the vCPU is loaded, takes effect at next entry. */
	void (*flush_tlb)(struct lodge_vcpu *vcpu);
	void (*set_tdp_root)(struct lodge_vcpu *vcpu, hpa_t root);
	void (*set_msr_intercept)(struct lodge_vcpu *vcpu, u32 msr, bool read,
				  bool write);
	void (*set_tsc)(struct lodge_vcpu *vcpu, u64 offset, u64 ratio);
	/* LODGE_EXIT_TIMER when the host's TSC is there; 0: not any more. */
	void (*set_timer)(struct lodge_vcpu *vcpu, u64 tsc);
	/* CPUID of the guest, its debug settings, or its APIC's mode changed. */
	void (*update_intercepts)(struct lodge_vcpu *vcpu);
	/* IRR, ISR or what is to be told of them changed: lodge_lapic_tops() */
	void (*update_irqs)(struct lodge_vcpu *vcpu);
	/* One sentence on why the entry failed; in the bracket. */
	int (*explain)(struct lodge_vcpu *vcpu, const struct lodge_exit *exit,
		       char *text, size_t size);
};

extern const struct lodge_vendor_ops svm_ops;
extern const struct lodge_vendor_ops vmx_ops;

/* Chosen by main.c at load, constant from then on. */
extern const struct lodge_vendor_ops *lodge_ops;
extern struct lodge_caps lodge_caps;

#endif /* LODGE_VENDOR_H */
