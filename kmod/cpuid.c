// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: what a vCPU answers, and the ioctls that say so.
 *
 * exit.c calls lodge_cpuid_read() in the bracket; main.c and vcpu.c the rest.
 * What guests may be shown is in cpuid_table.c, looking up in cpuid_find.c.
 * Next: cpuid_table.c.
 */
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "cpuid_table.h"
#include "ioctl.h"
#include "lodge.h"

/* The last says that kvmclock's flags have a meaning. */
#define CPUID_PV_FEATURES						\
	(BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |	\
	 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_PV_EOI) |	\
	 (IS_ENABLED(CONFIG_SCHED_INFO) ? BIT(KVM_FEATURE_STEAL_TIME) : 0) | \
	 BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_POLL_CONTROL) |	\
	 BIT(KVM_FEATURE_PV_SEND_IPI) | BIT(KVM_FEATURE_PV_TLB_FLUSH) |	\
	 BIT(KVM_FEATURE_ASYNC_PF) | BIT(KVM_FEATURE_ASYNC_PF_INT) |	\
	 BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))

static struct kvm_cpuid_entry2 cpuid_host[LODGE_CPUID_MAX] __ro_after_init;
static u32 cpuid_host_nr __ro_after_init;
static u64 cpuid_host_cr4 __ro_after_init;

/* Instructions that guests can't have though the CPU does. */
static const struct cpuid_lack {
	u32 leaf, sub, reg, bit;
	const bool *lacks;
} cpuid_lacks[] = {
	{ 7, 0, 1, 10, &lodge_caps.no_invpcid },
	{ 7, 0, 2, 22 /* RDPID */, &lodge_caps.no_rdtscp },
	{ 0xd, 1, 0, 3, &lodge_caps.no_xsaves },
	{ 0x80000001, 0, 3, 27, &lodge_caps.no_rdtscp },
};

/* ... and one that they can have though the CPU does not. */
static u32 cpuid_gained(u32 leaf, u32 sub, u32 reg)
{
	return lodge_caps.umip && leaf == 7 && !sub && reg == 2 ? BIT(2) : 0;
}

static void cpuid_host_read(u32 leaf, u32 sub, u32 *r)
{
	u32 i;

	lodge_cpuid_host(leaf, sub, &r[0], &r[1], &r[2], &r[3]);
	for (i = 0; i < ARRAY_SIZE(cpuid_lacks); i++) {
		const struct cpuid_lack *l = &cpuid_lacks[i];

		if (l->leaf == leaf && l->sub == sub && *l->lacks)
			r[l->reg] &= ~BIT(l->bit);
	}
	r[2] |= cpuid_gained(leaf, sub, 2);
}

/* Registers of which the kernel keeps its own, possibly smaller, copy. */
static const struct cpuid_word {
	u32 leaf, sub, reg, word;
} cpuid_words[] = {
	{ 1, 0, 3, CPUID_1_EDX },
	{ 1, 0, 2, CPUID_1_ECX },
	{ 7, 0, 1, CPUID_7_0_EBX },
	{ 7, 0, 2, CPUID_7_ECX },
	{ 7, 0, 3, CPUID_7_EDX },
	{ 7, 1, 0, CPUID_7_1_EAX },
	{ 0xd, 1, 0, CPUID_D_1_EAX },
	{ 0x80000001, 0, 2, CPUID_8000_0001_ECX },
};

static u32 cpuid_host_kernel(u32 leaf, u32 sub, u32 reg)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cpuid_words); i++) {
		const struct cpuid_word *w = &cpuid_words[i];

		if (w->leaf == leaf && w->sub == sub && w->reg == reg)
			return boot_cpu_data.x86_capability[w->word] |
			       cpuid_gained(leaf, sub, reg);
	}
	return ~0U;
}

/**
 * lodge_cpuid_init() - learn what guests can have on this host
 *
 * Context: module load, after lodge_fpu_module_init().
 *
 * Return: 0 or -errno.
 */
int __init lodge_cpuid_init(void)
{
	struct lodge_cpuid_host host = {
		.read = cpuid_host_read,
		.kernel = cpuid_host_kernel,
		.xsave_size = lodge_xsave_size,
		.xcr0 = boot_cpu_has(X86_FEATURE_XSAVE) ?
			lodge_fpu_features() : 0,
		.pv_features = CPUID_PV_FEATURES,
	};
	struct lodge_cpuid *c;
	int r;

	r = lodge_cpuid_build(&host, cpuid_host, ARRAY_SIZE(cpuid_host));
	if (r < 0)
		return r;
	cpuid_host_nr = r;

	c = kvzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->nr = cpuid_host_nr;
	memcpy(c->entry, cpuid_host, sizeof(cpuid_host));
	lodge_cpuid_index(c);
	cpuid_host_cr4 = lodge_cpuid_cr4(c);
	kvfree(c);
	return lodge_msr_init();
}

/**
 * lodge_cr4_supported() - CR4 bits that a guest can have on this host
 */
u64 lodge_cr4_supported(void)
{
	return cpuid_host_cr4;
}

/**
 * lodge_cpuid_supported() - KVM_GET_SUPPORTED_CPUID
 * @e: filled
 * @room: entries there are in @e
 *
 * Return: number of entries, or -E2BIG.
 */
int lodge_cpuid_supported(struct kvm_cpuid_entry2 *e, u32 room)
{
	if (room < cpuid_host_nr)
		return -E2BIG;
	memcpy(e, cpuid_host, cpuid_host_nr * sizeof(*e));
	return cpuid_host_nr;
}

/**
 * lodge_cpuid_reset() - what follows from a new vCPU's CPUID, empty as yet
 * @vcpu: being created; its cpuid is allocated and cleared
 */
void lodge_cpuid_reset(struct lodge_vcpu *vcpu)
{
	lodge_cpuid_derive(vcpu->cpuid, cpuid_host_cr4, lodge_fpu_features());
	vcpu->cpuid->has_rdtscp &= lodge_caps.tsc_aux;
}

/* Leaves with bits that follow the state of the vCPU, or of its VM */
#define CPUID_RUNTIME	(BIT(1) | BIT(7) | BIT(0xd))

static void cpuid_runtime(struct lodge_vcpu *vcpu, u32 leaf, u32 sub, u32 *r)
{
	u64 cr4;

	if (leaf == 1) {
		cr4 = lodge_need(vcpu, LODGE_R_CRS)->cr4;
		r[2] &= ~BIT(27);
		if (cr4 & LODGE_CR4_OSXSAVE)
			r[2] |= BIT(27);
		if (lodge_quirk_off(vcpu->vm,
				    KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT)) {
			r[2] &= ~BIT(3);
			if (vcpu->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT)
				r[2] |= BIT(3);
		}
		if (vcpu->apic &&
		    !(lodge_lapic_base(vcpu) & MSR_IA32_APICBASE_ENABLE))
			r[3] &= ~BIT(9);
	} else if (leaf == 7 && sub == 0) {
		cr4 = lodge_need(vcpu, LODGE_R_CRS)->cr4;
		r[2] &= ~BIT(4);
		if (cr4 & LODGE_CR4_PKE)
			r[2] |= BIT(4);
	} else if (leaf == 0xd && sub == 0) {
		lodge_fpu_xcr0_sync(vcpu);
		r[1] = lodge_xsave_size(vcpu->regs.xcr0, false);
	} else if (leaf == 0xd && sub == 1 && (r[0] & (BIT(1) | BIT(3)))) {
		lodge_fpu_xcr0_sync(vcpu);
		r[1] = lodge_xsave_size(vcpu->regs.xcr0, true);
	} else if (leaf && leaf == vcpu->cpuid->pv_leaf &&
		   READ_ONCE(vcpu->vm->exits_off) & KVM_X86_DISABLE_EXITS_HLT) {
		/* A CPU that waits by itself knows of no kick. */
		r[0] &= ~BIT(KVM_FEATURE_PV_UNHALT);
	}
}

/* An entry, as the guest sees it now. */
static void cpuid_entry_now(struct lodge_vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	u32 r[4] = { e->eax, e->ebx, e->ecx, e->edx };

	cpuid_runtime(vcpu, e->function, e->index, r);
	e->eax = r[0];
	e->ebx = r[1];
	e->ecx = r[2];
	e->edx = r[3];
}

/**
 * lodge_cpuid_get() - an entry for KVM_GET_CPUID2
 * @vcpu: whose
 * @i: which, below the number of entries
 *
 * Return: the entry as the guest sees it now.
 */
struct kvm_cpuid_entry2 lodge_cpuid_get(struct lodge_vcpu *vcpu, u32 i)
{
	struct kvm_cpuid_entry2 e = vcpu->cpuid->entry[i];

	cpuid_entry_now(vcpu, &e);
	return e;
}

/* What the state of the vCPU decides may differ: it has moved on since. */
static bool cpuid_same(struct lodge_vcpu *vcpu,
		       const struct kvm_cpuid_entry2 *e, u32 nr)
{
	struct kvm_cpuid_entry2 have, want;
	u32 i;

	if (vcpu->cpuid->nr != nr)
		return false;
	for (i = 0; i < nr; i++) {
		have = lodge_cpuid_get(vcpu, i);
		want = e[i];
		cpuid_entry_now(vcpu, &want);
		if (memcmp(&have, &want,
			   offsetof(struct kvm_cpuid_entry2, padding)))
			return false;
	}
	return true;
}

/**
 * lodge_cpuid_set() - KVM_SET_CPUID2
 * @vcpu: whose
 * @e: entries, as the user gave them
 * @nr: how many
 *
 * Once the vCPU has run the guest may rely on what it has seen: only the
 * same entries are accepted then.
 *
 * Return: 0, -E2BIG or -EINVAL.
 */
int lodge_cpuid_set(struct lodge_vcpu *vcpu, const struct kvm_cpuid_entry2 *e,
		    u32 nr)
{
	struct lodge_cpuid *c = vcpu->cpuid;

	if (nr > LODGE_CPUID_MAX)
		return -E2BIG;
	if (vcpu->ran)
		return cpuid_same(vcpu, e, nr) ? 0 : -EINVAL;
	if (!lodge_cpuid_valid(e, nr))
		return -EINVAL;

	memcpy(c->entry, e, nr * sizeof(*e));
	c->nr = nr;
	lodge_cpuid_index(c);
	lodge_cpuid_derive(c, cpuid_host_cr4, lodge_fpu_features());
	c->has_rdtscp &= lodge_caps.tsc_aux;	/* or reading it would fault */
	lodge_lapic_cpuid(vcpu);
	lodge_ops->update_intercepts(vcpu);
	return 0;
}

/**
 * lodge_cpuid_set_old() - KVM_SET_CPUID
 * @vcpu: whose
 * @user: entries; this form knows no subleaves: each is for any of them
 *
 * Return: as lodge_cpuid_set(), or -EFAULT, -ENOMEM.
 */
long lodge_cpuid_set_old(struct lodge_vcpu *vcpu, struct kvm_cpuid __user *user)
{
	struct kvm_cpuid_entry2 *e = NULL;
	struct kvm_cpuid_entry *old;
	u32 nr, i;
	long r = -ENOMEM;

	if (copy_from_user(&nr, &user->nent, sizeof(nr)))
		return -EFAULT;
	if (nr > LODGE_CPUID_MAX)
		return -E2BIG;
	old = lodge_array_copy(user->entries, nr, sizeof(*old));
	if (IS_ERR(old))
		return PTR_ERR(old);
	if (nr) {
		e = kvcalloc(nr, sizeof(*e), GFP_KERNEL_ACCOUNT);
		if (!e)
			goto out;
	}
	for (i = 0; i < nr; i++) {
		e[i].function = old[i].function;
		e[i].eax = old[i].eax;
		e[i].ebx = old[i].ebx;
		e[i].ecx = old[i].ecx;
		e[i].edx = old[i].edx;
	}
	r = lodge_cpuid_set(vcpu, e, nr);
	kvfree(e);
out:
	kvfree(old);
	return r;
}

/**
 * lodge_cpuid_read() - CPUID as the guest sees it
 * @vcpu: in or out of the bracket
 * @leaf: EAX
 * @sub: ECX
 * @r: filled: EAX, EBX, ECX, EDX
 *
 * Intel manual: "CPUID - CPU Identification".
 */
void lodge_cpuid_read(struct lodge_vcpu *vcpu, u32 leaf, u32 sub, u32 r[4])
{
	const struct kvm_cpuid_entry2 *e;

	e = lodge_cpuid_find(vcpu->cpuid, leaf, sub);
	if (unlikely(!e))
		e = lodge_cpuid_lookup(vcpu->cpuid, leaf, sub);
	if (likely(e)) {
		r[0] = e->eax;
		r[1] = e->ebx;
		r[2] = e->ecx;
		r[3] = e->edx;
		if (e->function <= 0xd ? BIT(e->function) & CPUID_RUNTIME :
		    e->function == vcpu->cpuid->pv_leaf)
			cpuid_runtime(vcpu, e->function, sub, r);
		return;
	}
	memset(r, 0, 4 * sizeof(*r));
	if (leaf == 0xb || leaf == 0x1f) {
		/* Beyond the last level: the subleaf, and still the APIC id. */
		e = lodge_cpuid_find(vcpu->cpuid, leaf, 0);
		if (e) {
			r[2] = sub & 0xff;
			r[3] = e->edx;
		}
	}
}
