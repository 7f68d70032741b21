/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel, and of kmod/lodge.h, as the buses and the chips'
 * own glue need to be compiled for userspace. Included before anything else.
 * There is one thread: locks count how often they are held, and complain.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <assert.h>
#include <stdio.h>
#include <linux/kvm.h>

#include "pure.h"
#include "regs.h"
#include "shim.h"

struct fake_lock { int held; };

/* From here on chips.h shows what it shows the kernel. */
#define __KERNEL__
#define LODGE_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>

#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define U32_MAX		(~0u)
#define PAGE_SIZE	4096UL
#define __rcu
#define max_t(t, a, b)	({ t _a = (a); t _b = (b); _a > _b ? _a : _b; })

struct mutex { int held; };
struct srcu_struct { int readers, waits; };
#define raw_spinlock_t	struct fake_lock

static inline void mutex_lock(struct mutex *m)
{
	assert(!m->held++);
}

static inline int mutex_lock_killable(struct mutex *m)
{
	mutex_lock(m);
	return 0;
}

static inline void mutex_unlock(struct mutex *m)
{
	assert(!--m->held);
}

#define raw_spin_lock(l)		assert(!(l)->held++)
#define raw_spin_unlock(l)		assert(!--(l)->held)
#define local_irq_save(f)		((f) = 0)
#define local_irq_restore(f)		((void)(f))
#define lockdep_assert_held(l)		assert((l)->held)
#define lockdep_is_held(l)		((l)->held)
#define srcu_read_lock(s)		((s)->readers++)
#define srcu_read_lock_held(s)		((s)->readers)
#define srcu_read_unlock(s, idx)	((void)(idx), (s)->readers--)
#define srcu_dereference(p, s)		(assert((s)->readers), (p))
#define rcu_dereference_protected(p, c)	(assert(c), (p))
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))
#define synchronize_srcu_expedited(s)	(assert(!(s)->readers), (s)->waits++)

/* kmod/lodge.h */
#define LODGE_VCPUS_MAX		1024
#define LODGE_VCPU_ID_MAX	4096
#define LODGE_GSI_MAX		4096

enum {
	LODGE_REQ_EVENT, LODGE_REQ_TIMER = 5, LODGE_REQ_APIC_PAGE = 7,
	LODGE_REQ_IOAPIC_EOI = 9
};
enum lodge_bus_kind { LODGE_BUS_PIO, LODGE_BUS_MMIO, LODGE_BUS_NR };

struct lodge_vcpu;
struct lodge_vm;

struct lodge_io_dev {
	int (*read)(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev, u64 addr,
		    u32 len, void *data);
	int (*write)(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev, u64 addr,
		     u32 len, const void *data);
	void (*release)(struct lodge_io_dev *dev);
	bool gone;
};

struct lodge_cpuid {
	u8 maxphyaddr;
	bool has_x2apic, has_tsc_deadline;
};

struct lodge_vcpu {
	struct lodge_vm *vm;
	unsigned long requests;
	u32 dirty;
	int nmis, apf_looks;
	bool unhalted;
	struct lodge_lapic *apic;
	struct lodge_cpuid *cpuid;
	struct {
		int user_irq;
	} events;
	u8 ioapic_eoi;
	u64 pv_eoi_msr;
	struct {
		u64 apic_base;
	} msr;
	struct {
		u64 tsc_ratio, tsc_offset;
	} clock;
	u64 hw_timer;		/* as lodge_ops->set_timer() was told */
	u32 id, index;
	u32 notified;		/* what lodge_vcpu_notify() was told */
	int updates;		/* of lodge_ops->update_irqs() */
};

struct lodge_caps {
	bool timer;
	bool virtual_apic, irq_delivery, irq_posting;
	hpa_t apic_page;
};

struct lodge_vendor_ops {
	void (*set_timer)(struct lodge_vcpu *vcpu, u64 tsc);
	void (*update_irqs)(struct lodge_vcpu *vcpu);
	void (*update_intercepts)(struct lodge_vcpu *vcpu);
};

extern struct lodge_caps lodge_caps;
extern const struct lodge_vendor_ops *lodge_ops;

struct lodge_vm {
	struct mutex lock, slots_lock, irqfd_lock;
	u32 nr_vcpus;
	struct lodge_vcpu *vcpu[LODGE_VCPUS_MAX];
	struct srcu_struct srcu, irq_srcu;
	struct lodge_io_bus *bus[LODGE_BUS_NR];
	void *coalesced_page;
	raw_spinlock_t ring_lock;
	struct list_head coalesced, ioeventfds, irqfds, resamplers;
	unsigned long resampled[LODGE_GSI_MAX / BITS_PER_LONG];
	raw_spinlock_t irq_lock;
	struct lodge_irqchip *irqchip;
	bool split;
	u32 boot_id;
	u8 x2apic_api;
	u64 quirks_off;
	u32 apic_bus_ns;
	u32 exits_off;
	struct lodge_pit *pit;
	struct lodge_routes *routes;
};

static inline bool lodge_quirk_off(const struct lodge_vm *vm, u64 quirk)
{
	return vm->quirks_off & quirk;
}

void lodge_vcpu_request(struct lodge_vcpu *vcpu, int req);
void lodge_vcpu_notify(struct lodge_vcpu *vcpu, u32 marks);
void lodge_nmi_queue(struct lodge_vcpu *vcpu);
void lodge_vcpu_unhalt(struct lodge_vcpu *vcpu);
u64 lodge_tsc_read(struct lodge_vcpu *vcpu);
u64 lodge_tsc_to_ns(struct lodge_vcpu *vcpu, u64 guest_tsc_delta);
int lodge_gpa_read(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n);
int lodge_gpa_write(struct lodge_vm *vm, gpa_t gpa, const void *p, size_t n);
int lodge_gpa_read_atomic(struct lodge_vm *vm, gpa_t gpa, void *p, size_t n);
int lodge_gpa_write_atomic(struct lodge_vm *vm, gpa_t gpa, const void *p,
			   size_t n);
void lodge_host_eventfd_signal(struct eventfd_ctx *ctx);
void lodge_apf_again(struct lodge_vcpu *vcpu);
#define lodge_lock_irqsave(l, f) do { local_irq_save(f); raw_spin_lock(l); } while (0)
#define lodge_unlock_irqrestore(l, f) do { raw_spin_unlock(l); local_irq_restore(f); } while (0)

int lodge_bus_register(struct lodge_vm *vm, enum lodge_bus_kind kind, u64 addr,
		       u64 len, struct lodge_io_dev *dev);
void lodge_bus_purge(struct lodge_vm *vm, enum lodge_bus_kind kind);
int lodge_bus_read(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind, u64 addr,
		   u32 len, void *data);
int lodge_bus_write(struct lodge_vcpu *vcpu, enum lodge_bus_kind kind, u64 addr,
		    u32 len, const void *data);
void lodge_bus_destroy(struct lodge_vm *vm);
int lodge_ioeventfd(struct lodge_vm *vm, const struct kvm_ioeventfd *args);
int lodge_irqfd(struct lodge_vm *vm, const struct kvm_irqfd *args);
void lodge_irqfd_release(struct lodge_vm *vm);
int lodge_coalesced_add(struct lodge_vm *vm,
			const struct kvm_coalesced_mmio_zone *z);
int lodge_coalesced_remove(struct lodge_vm *vm,
			   const struct kvm_coalesced_mmio_zone *z);

#endif
