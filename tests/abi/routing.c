// SPDX-License-Identifier: GPL-2.0
/* KVM_SET_GSI_ROUTING and KVM_SIGNAL_MSI, with their errors. */
#include "test.h"

GUEST64(turns, G_TURNS);

struct table {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[4100];
};

static struct table *table_of(int n)
{
	struct table *table = calloc(1, sizeof(*table));

	table->head.nr = n;
	return table;
}

static struct kvm_irq_routing_entry chip_entry(uint32_t gsi, uint32_t chip,
					       uint32_t pin)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static struct kvm_irq_routing_entry msi_entry(uint32_t gsi, uint32_t data)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = data },
	};
}

static struct abi_vcpu *boot(unsigned int flags)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | flags, &turns);

	abi_lapic_enable(vcpu);
	return vcpu;
}

/* Without any call GSI n is pin n, of the I/O APIC and, to 15, of the PICs. */
TEST(default_table)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);

	for (uint32_t id = 0; id < 2; id++) {
		struct kvm_irqchip pic = { .chip_id = id };

		abi_ok(vcpu->vm->fd, KVM_GET_IRQCHIP, &pic);
		pic.chip.pic.imr = 0xff;
		abi_ok(vcpu->vm->fd, KVM_SET_IRQCHIP, &pic);
	}
	for (uint32_t gsi = 0; gsi < 24; gsi++) {
		abi_ioapic_set(vcpu->vm, gsi, 0x40 + gsi);
		abi_irq_line(vcpu->vm, gsi, 1);
		abi_irq_line(vcpu->vm, gsi, 0);
		EXPECT_EQ(0x40 + gsi, abi_turn_wait(vcpu));
	}
}

TEST(replaced)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	struct table *table = table_of(2);

	table->entries[0] = chip_entry(5, KVM_IRQCHIP_IOAPIC, 17);
	table->entries[1] = msi_entry(100, 0x77);
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	abi_ioapic_set(vcpu->vm, 17, 0x51);
	abi_ioapic_set(vcpu->vm, 6, 0x52);
	abi_irq_line(vcpu->vm, 5, 1);
	EXPECT_EQ(0x51, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 100, 1);
	EXPECT_EQ(0x77, abi_turn(vcpu));
	/* What is not in the table leads nowhere. */
	abi_irq_line(vcpu->vm, 6, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
	table->head.nr = 0;
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	abi_irq_line(vcpu->vm, 100, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* An MSI on a low number, where a pin was before. */
TEST(msi_on_a_pin_s_number)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	struct table *table = table_of(1);

	table->entries[0] = msi_entry(2, 0x66);
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	abi_irq_line(vcpu->vm, 2, 1);
	EXPECT_EQ(0x66, abi_turn(vcpu));
}

TEST(whole_table)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);
	struct table *table = table_of(4096);

	for (int i = 0; i < 4096; i++)
		table->entries[i] = msi_entry(4095 - i, 0x30 + i % 200);
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	abi_irq_line(vcpu->vm, 4095, 1);
	EXPECT_EQ(0x30, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 0, 1);
	EXPECT_EQ(0x30 + 4095 % 200, abi_turn(vcpu));
	table->head.nr = 4097;
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	table->head.nr = ~0u;
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
}

FIXTURE(refused) { struct abi_vm *vm; };
FIXTURE_VARIANT(refused) {
	unsigned int flags;
	struct kvm_irq_routing_entry entries[2];
	int n;
	uint32_t table_flags;
};

#define MSI(g) { .gsi = g, .type = KVM_IRQ_ROUTING_MSI }
#define CHIP(g, c, p) { .gsi = g, .type = KVM_IRQ_ROUTING_IRQCHIP,	\
			.u.irqchip = { c, p } }
#define REFUSED(name, ...) \
	FIXTURE_VARIANT_ADD(refused, name) { ABI_IRQCHIP, __VA_ARGS__ }

REFUSED(gsi_too_high, { MSI(4096) }, 1);
REFUSED(unknown_type, { { .gsi = 1, .type = 99 } }, 1);
REFUSED(type_0, { { .gsi = 1, .type = 0 } }, 1);
REFUSED(unknown_chip, { CHIP(1, 3, 0) }, 1);
REFUSED(ioapic_pin, { CHIP(1, KVM_IRQCHIP_IOAPIC, 24) }, 1);
REFUSED(pic_pin, { CHIP(1, KVM_IRQCHIP_PIC_MASTER, 8) }, 1);
REFUSED(table_flags, { MSI(1) }, 1, 1);
REFUSED(entry_flags, { { .gsi = 1, .type = KVM_IRQ_ROUTING_MSI,
			 .flags = 2 } }, 1);
REFUSED(chip_flags, { { .gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP,
			.flags = 1 } }, 1);
REFUSED(msi_twice, { MSI(30), MSI(30) }, 2);
REFUSED(chip_twice, { CHIP(5, 2, 5), CHIP(5, 2, 6) }, 2);
REFUSED(chip_and_msi, { CHIP(5, 2, 5), MSI(5) }, 2);

FIXTURE_SETUP(refused) { self->vm = abi_vm_create(variant->flags); }
FIXTURE_TEARDOWN(refused) { }

TEST_F(refused, einval)
{
	struct table *table = table_of(variant->n);

	memcpy(table->entries, variant->entries, sizeof(variant->entries));
	table->head.flags = variant->table_flags;
	EXPECT_IOCTL(-EINVAL, self->vm->fd, KVM_SET_GSI_ROUTING, table);
}

TEST(routing_errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct table *table = table_of(1);

	table->entries[0] = msi_entry(1, 0x40);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_GSI_ROUTING, table);
	vm = abi_vm_create(ABI_IRQCHIP);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SET_GSI_ROUTING, 8);
	/* The head is there, the entries are not. */
	table = abi_map(8192);
	munmap((char *)table + 4096, 4096);
	table = (struct table *)((char *)table + 4096 - 8);
	table->head.nr = 1;
	table->head.flags = 0;
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SET_GSI_ROUTING, table);
}

TEST(split_takes_msi_only)
{
	struct table *table = table_of(1);
	struct abi_vcpu *vcpu;

	NEED_CAP(abi_open(), KVM_CAP_SPLIT_IRQCHIP);
	vcpu = boot(ABI_SPLIT);
	table->entries[0] = chip_entry(5, KVM_IRQCHIP_IOAPIC, 5);
	EXPECT_IOCTL(-EINVAL, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	table->entries[0] = msi_entry(5, 0x59);
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
	abi_irq_line(vcpu->vm, 5, 1);
	EXPECT_EQ(0x59, abi_turn(vcpu));
	/* A place kept, with neither address nor data. */
	memset(&table->entries[0].u, 0, sizeof(table->entries[0].u));
	EXPECT_IOCTL(0, vcpu->vm->fd, KVM_SET_GSI_ROUTING, table);
}

static int signal_msi(struct abi_vm *vm, uint32_t lo, uint32_t hi,
		      uint32_t data)
{
	struct kvm_msi msi = {
		.address_lo = lo, .address_hi = hi, .data = data,
	};

	return abi_ioctlp(vm->fd, KVM_SIGNAL_MSI, &msi);
}

TEST(msi_is_delivered)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);

	EXPECT_LT(0, signal_msi(vcpu->vm, 0xfee00000, 0, 0x41));
	EXPECT_EQ(0x41, abi_turn(vcpu));
	/* Broadcast, redirection hint, logical. */
	EXPECT_LT(0, signal_msi(vcpu->vm, 0xfeeff000, 0, 0x42));
	EXPECT_EQ(0x42, abi_turn(vcpu));
	abi_lapic_set(vcpu, 0xd0, 0x01000000);
	EXPECT_LT(0, signal_msi(vcpu->vm, 0xfee0100c, 0, 0x143));
	EXPECT_EQ(0x43, abi_turn(vcpu));
	/* The upper bits of the address are not looked at. */
	EXPECT_LT(0, signal_msi(vcpu->vm, 0x00000000, 0, 0x44));
	EXPECT_EQ(0x44, abi_turn(vcpu));
}

TEST(msi_to_nobody)
{
	struct abi_vcpu *vcpu = boot(ABI_IRQCHIP);

	EXPECT_GE(0, signal_msi(vcpu->vm, 0xfee33000, 0, 0x41));
	EXPECT_EQ(-1, abi_turn(vcpu));
	/* A software disabled APIC takes none. */
	abi_lapic_set(vcpu, 0xf0, 0xff);
	EXPECT_GE(0, signal_msi(vcpu->vm, 0xfee00000, 0, 0x41));
	EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST(msi_errors)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };

	EXPECT_EQ(-EINVAL, signal_msi(vm, 0xfee00000, 0, 0x41));
	vm = abi_vm_create(ABI_IRQCHIP);
	msi.flags = 2;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SIGNAL_MSI, &msi);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SIGNAL_MSI, 8);
}

TEST_HARNESS_MAIN
