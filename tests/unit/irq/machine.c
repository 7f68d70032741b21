// SPDX-License-Identifier: GPL-2.0
/* The machine behind machine.h: what the chips call, and short cuts to them. */
#include "machine.h"

struct lodge_vm vm;
u32 fake_pv_page;
bool fake_pv_gone;

struct lodge_caps lodge_caps;

static void machine_set_timer(struct lodge_vcpu *vcpu, u64 tsc)
{
	assert(lodge_caps.timer);
	vcpu->hw_timer = tsc;
}

static void machine_update_irqs(struct lodge_vcpu *vcpu)
{
	assert(lodge_caps.virtual_apic);
	vcpu->updates++;
}

static void machine_update_intercepts(struct lodge_vcpu *vcpu)
{
	assert(lodge_caps.virtual_apic);
}

static const struct lodge_vendor_ops machine_ops = {
	.set_timer = machine_set_timer,
	.update_irqs = machine_update_irqs,
	.update_intercepts = machine_update_intercepts,
};

const struct lodge_vendor_ops *lodge_ops = &machine_ops;
static struct lodge_vcpu cpus[CPUS];
static struct lodge_cpuid cpuid = {
	.maxphyaddr = 40, .has_x2apic = true, .has_tsc_deadline = true,
};

void lodge_vcpu_request(struct lodge_vcpu *vcpu, int req)
{
	vcpu->requests |= 1UL << req;
}

void lodge_vcpu_notify(struct lodge_vcpu *vcpu, u32 marks)
{
	vcpu->notified |= marks;
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
}

void lodge_nmi_queue(struct lodge_vcpu *vcpu)
{
	vcpu->nmis++;
}

void lodge_apf_again(struct lodge_vcpu *vcpu)
{
	vcpu->apf_looks++;
}

void lodge_vcpu_unhalt(struct lodge_vcpu *vcpu)
{
	vcpu->unhalted = true;
	lodge_vcpu_request(vcpu, LODGE_REQ_EVENT);
}

/* 2 GHz */
u64 lodge_tsc_read(struct lodge_vcpu *vcpu)
{
	return fake_now * 2;
}

u64 lodge_tsc_to_ns(struct lodge_vcpu *vcpu, u64 guest_tsc_delta)
{
	return guest_tsc_delta / 2;
}

int lodge_gpa_read_atomic(struct lodge_vm *v, gpa_t gpa, void *p, size_t n)
{
	assert(gpa == 0x1000 && n <= 4);
	if (fake_pv_gone)
		return -EAGAIN;
	memcpy(p, &fake_pv_page, n);
	return 0;
}

int lodge_gpa_write_atomic(struct lodge_vm *v, gpa_t gpa, const void *p,
			   size_t n)
{
	assert(gpa == 0x1000 && n <= 4);
	if (fake_pv_gone)
		return -EAGAIN;
	memcpy(&fake_pv_page, p, n);
	return 0;
}

/* Where it may sleep, the page comes back. */
int lodge_gpa_read(struct lodge_vm *v, gpa_t gpa, void *p, size_t n)
{
	assert(gpa == 0x1000 && n <= 4);
	memcpy(p, &fake_pv_page, n);
	return 0;
}

int lodge_gpa_write(struct lodge_vm *v, gpa_t gpa, const void *p, size_t n)
{
	assert(gpa == 0x1000 && n <= 4);
	memcpy(&fake_pv_page, p, n);
	return 0;
}

void machine_start(void)
{
	struct kvm_pit_config cfg = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int i;

	memset(&vm, 0, sizeof(vm));
	vm.apic_bus_ns = 1;
	memset(cpus, 0, sizeof(cpus));
	memset(fake_eventfds, 0, sizeof(fake_eventfds));
	for (i = 0; i < FAKE_FILES; i++)
		fake_files[i].is_eventfd = true;
	fake_pv_page = 0;
	fake_pv_gone = false;
	INIT_LIST_HEAD(&vm.coalesced);
	INIT_LIST_HEAD(&vm.irqfds);
	INIT_LIST_HEAD(&vm.resamplers);
	mutex_lock(&vm.lock);
	CHECK(lodge_irqchip_create(&vm) == 0);
	CHECK(lodge_pit_create(&vm, &cfg) == 0);
	for (i = 0; i < CPUS; i++) {
		cpus[i].vm = &vm;
		cpus[i].id = cpus[i].index = i;
		cpus[i].cpuid = &cpuid;
		cpus[i].events.user_irq = -1;
		CHECK(lodge_lapic_create(&cpus[i]) == 0);
		lodge_lapic_reset(&cpus[i], false);
		vm.vcpu[i] = &cpus[i];
		vm.nr_vcpus = i + 1;
		lodge_lapic_publish(&cpus[i]);
		apic_write(i, 0xf0, 0x1ff);
	}
	mutex_unlock(&vm.lock);
}

void machine_stop(void)
{
	int i;

	lodge_irqfd_release(&vm);
	lodge_bus_destroy(&vm);
	mutex_lock(&vm.lock);
	lodge_irqchip_destroy(&vm);
	mutex_unlock(&vm.lock);
	for (i = 0; i < CPUS; i++)
		lodge_lapic_destroy(&cpus[i]);
	CHECK(!vm.srcu.readers && !vm.irq_srcu.readers && !vm.irq_lock.held);
	for (i = 0; i < FAKE_FILES; i++)
		CHECK(!fake_eventfds[i].refs && !fake_eventfds[i].waits);
}

int irqfd(int fd, u32 gsi, u32 flags, int resamplefd)
{
	const struct kvm_irqfd args = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resamplefd,
	};

	return lodge_irqfd(&vm, &args);
}

void cpu_poll(int cpu)
{
	if (test_and_clear_bit(LODGE_REQ_TIMER, &cpus[cpu].requests))
		lodge_lapic_timer_inject(&cpus[cpu]);
	clear_bit(LODGE_REQ_EVENT, &cpus[cpu].requests);
}

int cpu_take(int cpu)
{
	int pending, taken;

	cpu_poll(cpu);
	pending = lodge_irq_pending(&cpus[cpu]);
	taken = lodge_irq_ack(&cpus[cpu]);
	CHECK(pending == taken);
	return taken;
}

void apic_write(int cpu, u32 offset, u32 v)
{
	CHECK(lodge_lapic_mmio(&cpus[cpu], 0xfee00000 + offset, 4, &v, true));
}

u32 apic_read(int cpu, u32 offset)
{
	u32 v = 0x55555555;

	CHECK(lodge_lapic_mmio(&cpus[cpu], 0xfee00000 + offset, 4, &v, false));
	return v;
}

void ipi(int cpu, u32 dest, u32 low)
{
	apic_write(cpu, 0x310, dest << 24);
	apic_write(cpu, 0x300, low);
}

void outb(u16 port, u8 v)
{
	CHECK(!lodge_bus_write(&cpus[0], LODGE_BUS_PIO, port, 1, &v));
}

u8 inb(u16 port)
{
	u8 v = 0x55;

	CHECK(!lodge_bus_read(&cpus[0], LODGE_BUS_PIO, port, 1, &v));
	return v;
}

static void ioapic_reg(u32 reg, u32 v)
{
	CHECK(!lodge_bus_write(&cpus[0], LODGE_BUS_MMIO, 0xfec00000, 4, &reg));
	CHECK(!lodge_bus_write(&cpus[0], LODGE_BUS_MMIO, 0xfec00010, 4, &v));
}

void ioapic_entry(int pin, u64 e)
{
	ioapic_reg(0x11 + 2 * pin, e >> 32);
	ioapic_reg(0x10 + 2 * pin, e);
}

u64 ioapic_read_entry(int pin)
{
	u32 reg = 0x10 + 2 * pin, v;

	lodge_bus_write(&cpus[0], LODGE_BUS_MMIO, 0xfec00000, 4, &reg);
	CHECK(!lodge_bus_read(&cpus[0], LODGE_BUS_MMIO, 0xfec00010, 4, &v));
	return v;
}

int line(u32 gsi, bool level)
{
	return lodge_irq_line(&vm, LODGE_IRQ_SOURCE_USER, gsi, level);
}

void pic_setup(void)
{
	static const u8 words[] = { 0x11, 0x20, 4, 1 };
	int i;

	for (i = 0; i < 4; i++) {
		outb(i ? 0x21 : 0x20, words[i]);
		outb(i ? 0xa1 : 0xa0, i == 1 ? 0x28 : i == 2 ? 2 : words[i]);
	}
}

int route(const struct kvm_irq_routing_entry *e, u32 nr)
{
	int r;

	mutex_lock(&vm.lock);
	r = lodge_route_set(&vm, e, nr);
	mutex_unlock(&vm.lock);
	return r;
}

struct kvm_irq_routing_entry pin(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

struct kvm_irq_routing_entry msi(u32 gsi, u32 lo, u32 data)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = lo, .data = data },
	};
}

void eoi(int cpu)
{
	apic_write(cpu, 0xb0, 0);
}
