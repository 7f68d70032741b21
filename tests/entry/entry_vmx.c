// SPDX-License-Identifier: GPL-2.0
/*
 * VM entries with states that break a rule: the emulated CPU must refuse each.
 * A valid one is entered, and exits at its first fetch: no memory is mapped.
 * Called by main.c. Next: ../../kmod/vmx/vmx_check.c.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <asm/special_insns.h>

#include "vmx/vmx.h"
#include "vmx/vmx_ept.h"
#include "vmx/vmx_insn.h"
#include "unit/vmx/check.h"
#include "entry.h"

static struct vmx_region *vmcs;
static void *ept;
static struct vmx_host real_host;
static struct vmx_cpu_facts facts;
/* A state whose words are the encodings of the fields that belong there. */
static struct vmx_state fields;
static struct vmx_state state;

static u64 field_itself(u32 field)
{
	return field + 1;
}

static u64 field_read(u32 field)
{
	u64 v = 0;

	asm volatile("vmread %1, %0" : "+r"(v) : "r"((u64)field) : "cc");
	return v;
}

/* A field that the CPU does not have is left out. */
static void field_write(u32 field, u64 v)
{
	asm volatile("vmwrite %1, %0" :: "r"((u64)field), "r"(v) : "cc");
}

static void state_write(const struct vmx_state *s)
{
	static const u32 zeros[] = {
		VMCS_EXCEPTION_BITMAP, VMCS_PF_ERROR_MASK, VMCS_PF_ERROR_MATCH,
		VMCS_CR0_MASK, VMCS_CR4_MASK, VMCS_CR0_SHADOW, VMCS_CR4_SHADOW,
		VMCS_TSC_OFFSET, VMCS_GUEST_RSP, VMCS_GUEST_SYSENTER_CS,
		VMCS_GUEST_SMBASE, VMCS_TIMER,
	};
	const u64 *v = (const u64 *)s, *f = (const u64 *)&fields;
	unsigned int i;

	for (i = 0; i < offsetof(struct vmx_state, cpu) / sizeof(u64); i++)
		field_write(f[i] - 1, v[i]);
	for (i = 0; i < ARRAY_SIZE(zeros); i++)
		field_write(zeros[i], 0);
}

static void vmcs_begin(struct vmx_cpu *cpu)
{
	hpa_t pa = lodge_hw_pa(vmcs);

	vmx_vmclear(pa);
	vmx_vmptrld(pa);
	vmx_host_note(cpu);
	vmx_host_write();
	vmcs_write(VMCS_HOST_CR3, __read_cr3());
	vmcs_write(VMCS_HOST_CR4, cpu->found_cr4 | LODGE_CR4_VMXE);
	vmcs_write(VMCS_HOST_FS_BASE, cpu->found_fs_base);
}

/* Try the state; @code is the error or the exit reason. */
static enum entry_result vmx_try(const struct vmx_state *s, u64 *code)
{
	struct vmx_cpu *cpu;
	u64 gpr[LODGE_GPR_NR] = {};
	unsigned long host_rsp = 0, flags;
	enum entry_result r = ENTRY_REFUSED;

	local_irq_save(flags);
	/* Its proof gives a CPU what is the CPU's. */
	if (vmx_hw_prove() || vmx_take_hardware(this_cpu_read(vmx_cpu))) {
		local_irq_restore(flags);
		return ENTRY_ABSENT;
	}
	cpu = this_cpu_read(vmx_cpu);
	vmcs_begin(cpu);
	if (s) {
		state_write(s);
		if (vmx_enter_guest(gpr, &host_rsp, false)) {
			*code = vmcs_read(VMCS_INSN_ERROR);
		} else {
			*code = vmcs_read(VMCS_EXIT_REASON);
			if (!(*code & VMX_REASON_ENTRY_FAILED))
				r = ENTRY_ENTERED;
		}
	} else {
		vmx_state_read(&state, field_read);
		real_host = state.host;
	}
	vmx_vmclear(lodge_hw_pa(vmcs));
	vmx_host_restore(cpu);
	vmx_give_hardware(cpu);
	local_irq_restore(flags);
	return r;
}

static u64 ctls(u64 v, u64 cap)
{
	return (v | (cap & VMX_CAP_MUST)) & (cap >> 32);
}

static void state_make(struct vmx_state *s, enum base base)
{
	vmx_base(s, base);
	s->cpu = facts;
	s->host = real_host;
	s->ctl.pin = ctls(s->ctl.pin, facts.pin);
	s->ctl.proc = ctls(s->ctl.proc, facts.proc);
	s->ctl.proc2 = ctls(s->ctl.proc2, facts.proc2);
	s->ctl.exit = ctls(s->ctl.exit, facts.exit);
	s->ctl.entry = ctls(s->ctl.entry, facts.entry);
	s->ctl.eptp = vmx_eptp(lodge_hw_pa(ept), facts.ept_vpid & VMX_CAP_EPT_AD);
	s->guest.cr0 |= facts.cr0_fixed0 & ~(LODGE_CR0_PE | LODGE_CR0_PG);
	s->guest.cr4 |= facts.cr4_fixed0;
}

/* Does the row speak of the CPU? The hardware can't be changed. */
static bool about_cpu(const struct mutation *m)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(m->ops) && m->ops[i].kind; i++)
		if (m->ops[i].offset >= offsetof(struct vmx_state, cpu))
			return true;
	return false;
}

static void row_try(const struct mutation *m, int seg)
{
	struct lodge_check c = {};
	enum entry_result r = ENTRY_ABSENT;
	unsigned int i;
	char what[48];
	u64 code = 0;

	state_make(&state, m->base);
	for (i = 0; i < ARRAY_SIZE(m->ops) && m->ops[i].kind; i++)
		entry_apply(&state, &m->ops[i],
			    offsetof(struct vmx_state, guest.seg[0]),
			    sizeof(struct vmx_guest_seg), seg);
	/* If it breaks another rule first, the CPU lacks a control for it. */
	if (vmx_check(&c, &state) && !strcmp(c.id, m->id))
		r = vmx_try(&state, &code);
	snprintf(what, sizeof(what), "vmx.%s", m->id);
	entry_report(what, seg, r, code);
}

static void rows_try(const struct mutation *rows, unsigned int nr)
{
	unsigned int i, seg;

	for (i = 0; i < nr; i++) {
		if (about_cpu(&rows[i]))
			continue;
		if (!rows[i].segs)
			row_try(&rows[i], 0);
		for (seg = 0; seg < LODGE_SEG_NR; seg++)
			if (rows[i].segs & BIT(seg))
				row_try(&rows[i], seg);
	}
}

static void bases_try(void)
{
	static const char * const names[] = { "vmx.long", "vmx.real",
					      "vmx.pae", "vmx.v86" };
	enum entry_result r;
	u64 code = 0;
	int base;

	for (base = 0; base < BASES; base++) {
		state_make(&state, base);
		r = vmx_try(&state, &code);
		entry_report(names[base], -1, r, code);
	}
}

struct lodge_caps lodge_caps;

/* No virtual APIC here. */
void vmx_apic_config(struct lodge_caps *caps, u32 proc_may, u32 proc2_may,
		     u32 pin_may)
{
}

/* Nothing of Lodge's is left on between two states. */
bool lodge_hw_own(void)
{
	return false;
}

/* main.c of the product lists what there is in the log; not so here. */
void lodge_caps_name(struct lodge_caps *caps, bool has, bool use,
		     const char *name)
{
}

/* -ENODEV: no VT-x here. */
int entry_vmx(void)
{
	static struct lodge_caps caps;
	u64 code;
	int r;

	r = vmx_probe(&caps);
	if (r)
		return r;
	r = vmx_setup();
	if (r)
		return r;
	r = -ENOMEM;
	vmcs = (void *)get_zeroed_page(GFP_KERNEL);
	ept = (void *)get_zeroed_page(GFP_KERNEL);
	if (!vmcs || !ept)
		goto out;
	vmcs->revision = vmx_config.revision;
	vmx_facts_read(&facts);
	facts.vmcs = lodge_hw_pa(vmcs);
	vmx_state_read(&fields, field_itself);
	r = 0;
	vmx_try(NULL, &code);
	bases_try();
	rows_try(ctl_rows, nr_ctl_rows);
	rows_try(guest_rows, nr_guest_rows);
	rows_try(seg_rows, nr_seg_rows);
out:
	free_page((unsigned long)vmcs);
	free_page((unsigned long)ept);
	vmx_teardown();
	return r;
}
