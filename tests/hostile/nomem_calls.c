// SPDX-License-Identifier: GPL-2.0
/*
 * The calls that allocate, each with what it needs, and a small guest that
 * shows whether its VM still works. Called by nomem.c. Next: nomem_apf.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nomem.h"

#define MEM_SIZE	0x200000u
#define LOW_SIZE	0xc0000u	/* of slot 0 */

static int slot(struct ctx *c, uint32_t id, uint32_t flags, uint64_t gpa,
		uint64_t size)
{
	struct kvm_userspace_memory_region r = {
		id, flags, gpa, size, (uintptr_t)c->mem,
	};

	return ioctl(c->vm, KVM_SET_USER_MEMORY_REGION, &r);
}

static int act_create_vm(struct ctx *c)
{
	return c->made = ioctl(c->dev, KVM_CREATE_VM, 0);
}

static int act_irqchip(struct ctx *c)
{
	return ioctl(c->vm, KVM_CREATE_IRQCHIP, 0);
}

static int cap(struct ctx *c, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap e = { .cap = cap, .args[0] = arg };

	return ioctl(c->vm, KVM_ENABLE_CAP, &e);
}

static int act_split(struct ctx *c)
{
	return cap(c, KVM_CAP_SPLIT_IRQCHIP, 24);
}

static int act_ring(struct ctx *c)
{
	return cap(c, KVM_CAP_DIRTY_LOG_RING, 0x4000);
}

static int act_pit(struct ctx *c)
{
	struct kvm_pit_config pit = { 0 };

	return ioctl(c->vm, KVM_CREATE_PIT2, &pit);
}

static int act_vcpu(struct ctx *c)
{
	return c->made = ioctl(c->vm, KVM_CREATE_VCPU, 1);
}

static int act_slot(struct ctx *c)
{
	return slot(c, 1, 0, 0x10000000, MEM_SIZE);
}

static int act_slot_logged(struct ctx *c)
{
	return slot(c, 1, KVM_MEM_LOG_DIRTY_PAGES, 0x10000000, MEM_SIZE);
}

static int act_slot_log_on(struct ctx *c)
{
	return slot(c, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, LOW_SIZE);
}

static int act_slot_move(struct ctx *c)
{
	return slot(c, 0, 0, 0x20000000, LOW_SIZE);
}

static int act_slot_delete(struct ctx *c)
{
	return slot(c, 0, 0, 0, 0);
}

static int act_routing(struct ctx *c)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[64];
	} g = { .head.nr = 64 };

	for (uint32_t i = 0; i < 64; i++) {
		g.entry[i].gsi = i;
		g.entry[i].type = KVM_IRQ_ROUTING_MSI;
		g.entry[i].u.msi.address_lo = 0xfee00000;
		g.entry[i].u.msi.data = 0x40;
	}
	return ioctl(c->vm, KVM_SET_GSI_ROUTING, &g);
}

static int irqfd(struct ctx *c, uint32_t flags)
{
	struct kvm_irqfd f = {
		.fd = c->event, .gsi = 5, .flags = flags,
		.resamplefd = c->event2,
	};

	return ioctl(c->vm, KVM_IRQFD, &f);
}

static int act_irqfd(struct ctx *c)
{
	return irqfd(c, 0);
}

static int act_resample(struct ctx *c)
{
	return irqfd(c, KVM_IRQFD_FLAG_RESAMPLE);
}

static int act_ioeventfd(struct ctx *c)
{
	struct kvm_ioeventfd f = {
		.fd = c->event, .addr = 0x70, .len = 2,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	return ioctl(c->vm, KVM_IOEVENTFD, &f);
}

static int act_coalesced(struct ctx *c)
{
	struct kvm_coalesced_mmio_zone z = { .addr = 0xd0000000, .size = 4096 };

	return ioctl(c->vm, KVM_REGISTER_COALESCED_MMIO, &z);
}

static int act_filter(struct ctx *c)
{
	static uint8_t bitmap[0x200];
	struct kvm_msr_filter f = { 0 };

	for (unsigned int i = 0; i < 4; i++)
		f.ranges[i] = (struct kvm_msr_filter_range) {
			KVM_MSR_FILTER_READ, 0x800, i << 16, bitmap,
		};
	return ioctl(c->vm, KVM_X86_SET_MSR_FILTER, &f);
}

static int act_log(struct ctx *c)
{
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = c->buffer };

	return ioctl(c->vm, KVM_GET_DIRTY_LOG, &log);
}

static int act_stats(struct ctx *c)
{
	return c->made = ioctl(c->vm, KVM_GET_STATS_FD, 0);
}

static int act_vcpu_stats(struct ctx *c)
{
	return c->made = ioctl(c->vcpu, KVM_GET_STATS_FD, 0);
}

static int act_supported(struct ctx *c)
{
	struct kvm_cpuid2 *cpuid = c->buffer;

	cpuid->nent = 200;
	return ioctl(c->dev, KVM_GET_SUPPORTED_CPUID, cpuid);
}

static int act_msr_list(struct ctx *c)
{
	struct kvm_msr_list *list = c->buffer;

	list->nmsrs = 1000;
	return ioctl(c->dev, KVM_GET_MSR_INDEX_LIST, list);
}

static int act_cpuid(struct ctx *c)
{
	struct kvm_cpuid2 *cpuid = c->buffer;

	return ioctl(c->vcpu, KVM_SET_CPUID2, cpuid);
}

static int act_msrs(struct ctx *c)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} m = { .head.nmsrs = 3 };

	m.entry[0].index = 0x4b564d01;	/* a clock */
	m.entry[0].data = 0x8001;
	m.entry[1].index = 0x4b564d03;	/* steal time */
	m.entry[1].data = 0x9001;
	m.entry[2].index = 0x174;
	return ioctl(c->vcpu, KVM_SET_MSRS, &m) == 3 ? 0 : -1;
}

static int act_get_xsave(struct ctx *c)
{
	return ioctl(c->vcpu, KVM_GET_XSAVE, c->buffer);
}

static int act_set_xsave(struct ctx *c)
{
	return ioctl(c->vcpu, KVM_SET_XSAVE, c->buffer);
}

static int act_get_lapic(struct ctx *c)
{
	return ioctl(c->vcpu, KVM_GET_LAPIC, c->buffer);
}

static int act_set_lapic(struct ctx *c)
{
	return ioctl(c->vcpu, KVM_SET_LAPIC, c->buffer);
}

/*
 * A guest in real mode: reads and writes memory near and far, calls MMIO that
 * needs the emulator, and says that it is done.
 */
static const uint8_t code[] = {
	0xb8, 0x00, 0x80,		/* mov $0x8000, ax */
	0x8e, 0xd8,			/* mov ax, ds */
	0xa3, 0x00, 0x00,		/* mov ax, (0): the page at 0x80000 */
	0xa1, 0x00, 0x10,		/* mov (0x1000), ax */
	0xb8, 0x00, 0xd0,		/* mov $0xd000, ax */
	0x8e, 0xd8,			/* mov ax, ds */
	0xa3, 0x00, 0x00,		/* mov ax, (0): MMIO */
	0xe6, 0x80,			/* out al, $0x80 */
	0xf4,				/* hlt */
};

static int guest_start(struct ctx *c)
{
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2, .rsp = 0x4000 };
	struct kvm_sregs s;

	if (ioctl(c->vcpu, KVM_GET_SREGS, &s))
		return -1;
	s.cs.base = s.cs.selector = 0;
	memcpy(c->mem + 0x1000, code, sizeof(code));
	if (ioctl(c->vcpu, KVM_SET_SREGS, &s))
		return -1;
	return ioctl(c->vcpu, KVM_SET_REGS, &regs);
}

/* Until it says that it is done. */
int act_run(struct ctx *c)
{
	for (int i = 0; i < 4; i++) {
		if (ioctl(c->vcpu, KVM_RUN, 0))
			return -1;
		if (c->run->exit_reason == KVM_EXIT_IO)
			return 0;
		if (c->run->exit_reason != KVM_EXIT_MMIO)
			break;
	}
	errno = EPROTO;
	return -1;
}

const struct step steps[] = {
	{ "create_vm", act_create_vm, true },
	{ "create_irqchip", act_irqchip, true },
	{ "split_irqchip", act_split, true },
	{ "dirty_ring", act_ring, true },
	{ "slot", act_slot, false }, { "slot_logged", act_slot_logged, false },
	{ "slot_log_on", act_slot_log_on, false },
	{ "slot_move", act_slot_move, false },
	{ "slot_delete", act_slot_delete, false },
	{ "create_vcpu_bare", act_vcpu, true },
	{ "create_vcpu_ring", act_vcpu, true, act_ring },
	{ "create_vcpu", act_vcpu, false }, { "create_pit", act_pit, false },
	{ "routing", act_routing, false }, { "irqfd", act_irqfd, false },
	{ "irqfd_resample", act_resample, false },
	{ "ioeventfd", act_ioeventfd, false },
	{ "coalesced", act_coalesced, false },
	{ "msr_filter", act_filter, false },
	{ "dirty_log", act_log, false, act_slot_log_on },
	{ "vm_stats", act_stats, false }, { "vcpu_stats", act_vcpu_stats, false },
	{ "supported_cpuid", act_supported, false },
	{ "msr_list", act_msr_list, true },
	{ "set_cpuid", act_cpuid, false }, { "set_msrs", act_msrs, false },
	{ "get_xsave", act_get_xsave, false },
	{ "set_xsave", act_set_xsave, false, act_get_xsave },
	{ "get_lapic", act_get_lapic, false },
	{ "set_lapic", act_set_lapic, false, act_get_lapic },
	{ "run", act_run, false }, { "absent_page", act_apf, false, apf_first },
};

const unsigned int steps_nr = ARRAY_SIZE(steps);

bool step_keeps_memory(const struct step *s)
{
	return s->act != act_slot_move && s->act != act_slot_delete;
}

bool ctx_make(struct ctx *c, const char *device, bool bare)
{
	size_t size;

	*c = (struct ctx) { .vcpu = -1, .made = -1 };
	c->dev = open(device, O_RDWR | O_CLOEXEC);
	c->vm = ioctl(c->dev, KVM_CREATE_VM, 0);
	c->event = eventfd(0, EFD_CLOEXEC);
	c->event2 = eventfd(0, EFD_CLOEXEC);
	c->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	c->buffer = calloc(1, 0x10000);
	if (bare || c->vm < 0)
		return c->vm >= 0;
	size = ioctl(c->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (act_irqchip(c) || slot(c, 0, 0, 0, LOW_SIZE))
		return false;
	c->vcpu = ioctl(c->vm, KVM_CREATE_VCPU, 0);
	c->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c->vcpu,
		      0);
	act_supported(c);
	return c->run != MAP_FAILED && !guest_start(c);
}

void ctx_drop(struct ctx *c)
{
	int fds[] = { c->made, c->vcpu, c->vm, c->dev, c->event, c->event2 };

	if (c->run)
		munmap(c->run, ioctl(c->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	munmap(c->mem, MEM_SIZE);
	free(c->buffer);
	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
