// SPDX-License-Identifier: GPL-2.0
/*
 * The 8254 in its machine: ports, the hrtimer behind channel 0, ticks that
 * the guest has missed, get and set.
 *
 * Called by the buses, the hrtimer, irqchip.c (a tick was taken) and the VM's
 * ioctls. Everything is under vm->irq_lock; the hrtimer is never waited for,
 * but at the end: one that comes for nothing finds nothing due.
 * Next: ../irqfd.c.
 */
#include <linux/slab.h>

#include "chips.h"

#define PORT_PIT	0x40
#define PORT_SPEAKER	0x61
#define PIT_GSI		0

/* The host looks no more often than that; ticks in between are counted. */
#define LOOK_MIN_NS	200000ULL
/* A guest that is behind by more has lost its clock anyway. */
#define PENDING_MAX	100000U

/* One tick to the guest. irq_lock, irq_srcu */
static void pit_pulse(struct lodge_pit *pit)
{
	struct lodge_vm *vm = pit->vm;
	const struct lodge_routes *routes;
	int r;

	routes = srcu_dereference(vm->routes, &vm->irq_srcu);
	pit->acked = false;
	r = lodge_line_locked(vm, routes, LODGE_IRQ_SOURCE_PIT, PIT_GSI, true);
	lodge_line_locked(vm, routes, LODGE_IRQ_SOURCE_PIT, PIT_GSI, false);
	if (r >= 0)
		return;
	/* Nobody listens, nobody will tell when he has it: forget it. */
	pit->pending = 0;
	pit->acked = true;
}

static void pit_give(struct lodge_pit *pit)
{
	if (pit->pending && pit->acked)
		pit_pulse(pit);
}

/*
 * Give what is due, and set the hrtimer for what comes, but not before
 * @earliest. irq_lock, irq_srcu
 */
static void pit_look(struct lodge_pit *pit, u64 now, u64 earliest)
{
	u64 edges = lodge_pit_edges(&pit->chip, now);
	u64 news = edges - pit->fired;

	if (news) {
		pit->fired = edges;
		lodge_lint0_nmi(pit->vm);
		if (pit->reinject) {
			pit->pending = min_t(u64, pit->pending + news,
					     PENDING_MAX);
			pit_give(pit);
		} else {
			pit_pulse(pit);
		}
	}
	pit->next = lodge_pit_next_edge(&pit->chip, now);
	if (!pit->next)
		return;
	pit->next = max(pit->next, earliest);
	hrtimer_start(&pit->timer, ns_to_ktime(pit->next),
		      HRTIMER_MODE_ABS_HARD);
}

/* The count of channel 0 was loaded, or its state set. irq_lock, irq_srcu */
static void pit_restart(struct lodge_pit *pit, u64 now)
{
	pit->fired = lodge_pit_edges(&pit->chip, now);
	pit->pending = 0;
	pit->acked = true;
	pit_look(pit, now, now);
}

static enum hrtimer_restart pit_alarm(struct hrtimer *t)
{
	struct lodge_pit *pit = container_of(t, struct lodge_pit, timer);
	struct lodge_vm *vm = pit->vm;
	u64 now = ktime_get_ns();
	unsigned long flags;
	int idx;

	idx = srcu_read_lock(&vm->irq_srcu);
	lodge_lock_irqsave(&vm->irq_lock, flags);
	if (pit->next && now >= pit->next)
		pit_look(pit, now, now + LOOK_MIN_NS);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	srcu_read_unlock(&vm->irq_srcu, idx);
	return HRTIMER_NORESTART;
}

/**
 * lodge_pit_acked() - the guest ended the service of a tick
 * @vm: with a PIT; irq_lock not held
 */
void lodge_pit_acked(struct lodge_vm *vm)
{
	struct lodge_pit *pit = vm->pit;
	unsigned long flags;
	int idx;

	idx = srcu_read_lock(&vm->irq_srcu);
	lodge_lock_irqsave(&vm->irq_lock, flags);
	pit->acked = true;
	if (pit->pending) {
		pit->pending--;
		pit_give(pit);
	}
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	srcu_read_unlock(&vm->irq_srcu, idx);
}

/**
 * lodge_pit_unmasked() - the guest begins to listen to the PIT's line
 * @pit: irq_lock held
 *
 * Ticks from before are not for it, and one that was taken elsewhere and
 * never ended must not hold up those to come.
 */
void lodge_pit_unmasked(struct lodge_pit *pit)
{
	pit->pending = 0;
	pit->acked = true;
}

static int pit_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
		     u64 addr, u32 len, const void *data)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, dev);
	struct lodge_vm *vm = pit->vm;
	u64 now = ktime_get_ns();
	unsigned long flags;
	bool restart = false;
	int idx;
	u32 i;

	idx = srcu_read_lock(&vm->irq_srcu);
	lodge_lock_irqsave(&vm->irq_lock, flags);
	for (i = 0; i < len; i++)
		restart |= lodge_pit_chip_write(&pit->chip, (addr + i) & 3,
						((const u8 *)data)[i], now);
	if (restart)
		pit_restart(pit, now);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	srcu_read_unlock(&vm->irq_srcu, idx);
	return 0;
}

static int pit_read(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev, u64 addr,
		    u32 len, void *data)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, dev);
	u64 now = ktime_get_ns();
	unsigned long flags;
	u32 i;

	lodge_lock_irqsave(&pit->vm->irq_lock, flags);
	for (i = 0; i < len; i++)
		((u8 *)data)[i] = lodge_pit_chip_read(&pit->chip,
						      (addr + i) & 3, now);
	lodge_unlock_irqrestore(&pit->vm->irq_lock, flags);
	return 0;
}

static int speaker_write(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
			 u64 addr, u32 len, const void *data)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, speaker_dev);
	unsigned long flags;

	lodge_lock_irqsave(&pit->vm->irq_lock, flags);
	lodge_pit_speaker_write(&pit->chip, *(const u8 *)data, ktime_get_ns());
	lodge_unlock_irqrestore(&pit->vm->irq_lock, flags);
	return 0;
}

static int speaker_read(struct lodge_vcpu *vcpu, struct lodge_io_dev *dev,
			u64 addr, u32 len, void *data)
{
	struct lodge_pit *pit = container_of(dev, struct lodge_pit, speaker_dev);
	unsigned long flags;

	lodge_lock_irqsave(&pit->vm->irq_lock, flags);
	*(u8 *)data = lodge_pit_speaker_read(&pit->chip, ktime_get_ns());
	lodge_unlock_irqrestore(&pit->vm->irq_lock, flags);
	return 0;
}

/**
 * lodge_pit_get() - KVM_GET_PIT2
 * @vm: with a PIT
 * @ps: to fill
 */
int lodge_pit_get(struct lodge_vm *vm, struct kvm_pit_state2 *ps)
{
	unsigned long flags;

	memset(ps, 0, sizeof(*ps));
	lodge_lock_irqsave(&vm->irq_lock, flags);
	memcpy(ps->channels, vm->pit->chip.ch, sizeof(ps->channels));
	ps->flags = vm->pit->chip.flags;
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	return 0;
}

/**
 * lodge_pit_set() - KVM_SET_PIT2
 * @vm: with a PIT
 * @ps: hostile
 */
int lodge_pit_set(struct lodge_vm *vm, const struct kvm_pit_state2 *ps)
{
	u64 now = ktime_get_ns();
	unsigned long flags;
	int idx;

	idx = srcu_read_lock(&vm->irq_srcu);
	lodge_lock_irqsave(&vm->irq_lock, flags);
	lodge_pit_chip_load(&vm->pit->chip, ps, now);
	pit_restart(vm->pit, now);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	srcu_read_unlock(&vm->irq_srcu, idx);
	return 0;
}

/**
 * lodge_pit_reinject() - KVM_REINJECT_CONTROL
 * @vm: with a PIT
 * @c: whether ticks that the guest misses are kept and given later
 */
int lodge_pit_reinject(struct lodge_vm *vm, const struct kvm_reinject_control *c)
{
	unsigned long flags;

	lodge_lock_irqsave(&vm->irq_lock, flags);
	vm->pit->reinject = c->pit_reinject;
	lodge_pit_unmasked(vm->pit);
	lodge_unlock_irqrestore(&vm->irq_lock, flags);
	return 0;
}

static int pit_register(struct lodge_vm *vm, struct lodge_pit *pit,
			bool speaker)
{
	int r;

	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	r = lodge_bus_register(vm, LODGE_BUS_PIO, PORT_PIT, 4, &pit->dev);
	if (!r && speaker)
		r = lodge_bus_register(vm, LODGE_BUS_PIO, PORT_SPEAKER, 1,
				       &pit->speaker_dev);
	if (r) {
		pit->dev.gone = true;
		lodge_bus_purge(vm, LODGE_BUS_PIO);
	}
	mutex_unlock(&vm->slots_lock);
	return r;
}

/**
 * lodge_pit_create() - KVM_CREATE_PIT2
 * @vm: vm->lock held; with chips in the kernel, without a PIT
 * @cfg: KVM_PIT_SPEAKER_DUMMY in flags: serve port 61h too
 */
int lodge_pit_create(struct lodge_vm *vm, const struct kvm_pit_config *cfg)
{
	struct lodge_pit *pit = kvzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	int r;

	if (!pit)
		return -ENOMEM;
	pit->vm = vm;
	pit->reinject = true;
	pit->acked = true;
	pit->dev.read = pit_read;
	pit->dev.write = pit_write;
	pit->speaker_dev.read = speaker_read;
	pit->speaker_dev.write = speaker_write;
	lodge_pit_chip_reset(&pit->chip);
	lodge_host_timer_init(&pit->timer, pit_alarm);

	r = pit_register(vm, pit, cfg->flags & KVM_PIT_SPEAKER_DUMMY);
	if (r) {
		/* Its ports may have been used in the meantime. */
		hrtimer_cancel(&pit->timer);
		kvfree(pit);
		return r;
	}
	/* Others look at it without the lock. */
	smp_store_release(&vm->pit, pit);
	lodge_ack_pins_update(vm);
	return 0;
}

/**
 * lodge_pit_destroy() - at the end of a VM
 * @vm: no vCPU runs; its bus does not lead here any more
 */
void lodge_pit_destroy(struct lodge_vm *vm)
{
	struct lodge_pit *pit = vm->pit;

	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	vm->pit = NULL;
	kvfree(pit);
}
