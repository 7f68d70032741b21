// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, PIC and I/O APIC in the
 * process. What comes from there (MSI routes, KVM_INTERRUPT), what goes there
 * (KVM_EXIT_IOAPIC_EOI, windows); and KVM_CAP_X2APIC_API.
 */
#include <signal.h>
#include <sys/time.h>

#include "test.h"

#define LEVEL	0xc000		/* in an MSI's data: level, asserted */

/* Waits for interrupts; its handler says when it begins and when it ends. */
GUEST64(taker, "1: sti; nop; mov $300, %ecx; 2: dec %ecx; jnz 2b; cli\n"
	G_SYNC "jmp 1b\n");
#define HANDLER	(ABI_CODE + 0x800)
GUEST64(handler, "mov $1, %eax\n" G_REPORT
	"mov $0xfee000b0, %edi; movl $0, (%rdi); mov $2, %eax\n" G_REPORT
	"iretq");

GUEST64(turns, G_TURNS);

static void route(struct abi_vm *vm, uint32_t gsi, uint32_t hi, uint32_t data,
		  int expected)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = {
		.head.nr = 1,
		.entry = {
			.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000,
				   .address_hi = hi, .data = data },
		},
	};
	int ret = abi_ioctlp(vm->fd, KVM_SET_GSI_ROUTING, &table);

	if (ret != expected)
		abi_die("KVM_SET_GSI_ROUTING: %d", ret);
}

FIXTURE(split) { struct abi_vcpu *vcpu; };

FIXTURE_SETUP(split)
{
	if (abi_cap(abi_open(), KVM_CAP_SPLIT_IRQCHIP) <= 0)
		SKIP(return, "no split irqchip");
	self->vcpu = abi_boot(ABI_LONG | ABI_SPLIT, &taker);
	abi_lapic_enable(self->vcpu);
	abi_load(self->vcpu->vm, HANDLER, &handler);
	abi_gate(self->vcpu, 0x51, HANDLER);
	abi_gate(self->vcpu, 0x52, HANDLER);
}

FIXTURE_TEARDOWN(split) { }

/* One service of an interrupt; true: its end was told before what follows. */
static bool serve(struct abi_vcpu *vcpu, uint8_t vector)
{
	struct kvm_run *run = vcpu->run;
	bool told = false;

	if (abi_report(vcpu) != 1)
		abi_die("no service");
	if (abi_exit(vcpu) == KVM_EXIT_IOAPIC_EOI) {
		if (run->eoi.vector != vector)
			abi_die("EOI of %#x", run->eoi.vector);
		told = true;
		abi_exit(vcpu);
	}
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != ABI_REPORT)
		abi_die("no end of the service");
	abi_sync(vcpu);
	return told;
}

TEST_F(split, level_eoi_exits)
{
	struct abi_vm *vm = self->vcpu->vm;

	route(vm, 4, 0, LEVEL | 0x51, 0);
	abi_irq_line(vm, 4, 1);
	EXPECT_TRUE(serve(self->vcpu, 0x51));
	/* The line's level is the user's affair: each assertion is a message. */
	abi_irq_line(vm, 4, 1);
	EXPECT_TRUE(serve(self->vcpu, 0x51));
}

TEST_F(split, edge_eoi_does_not)
{
	route(self->vcpu->vm, 4, 0, 0x52, 0);
	abi_irq_line(self->vcpu->vm, 4, 1);
	EXPECT_FALSE(serve(self->vcpu, 0x52));
}

/* Those from 24 on are devices' messages, no pins of an I/O APIC. */
TEST_F(split, only_pins)
{
	route(self->vcpu->vm, 24, 0, LEVEL | 0x51, 0);
	abi_irq_line(self->vcpu->vm, 24, 1);
	EXPECT_FALSE(serve(self->vcpu, 0x51));
	route(self->vcpu->vm, 23, 0, LEVEL | 0x51, 0);
	abi_irq_line(self->vcpu->vm, 23, 1);
	EXPECT_TRUE(serve(self->vcpu, 0x51));
}

/* immediate_exit and the exit do not lose one another. */
TEST_F(split, eoi_is_not_lost)
{
	struct abi_vcpu *vcpu = self->vcpu;

	route(vcpu->vm, 4, 0, LEVEL | 0x51, 0);
	abi_irq_line(vcpu->vm, 4, 1);
	EXPECT_EQ(1, abi_report(vcpu));
	abi_pending(vcpu);
	EXPECT_EQ(KVM_EXIT_IOAPIC_EOI, abi_exit(vcpu));
	abi_pending(vcpu);
	EXPECT_EQ(2, abi_report(vcpu));
}

static int interrupt(struct abi_vcpu *vcpu, uint32_t vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return abi_ioctlp(vcpu->fd, KVM_INTERRUPT, &irq);
}

/* LINT0 of the first CPU lets the PIC's interrupts through after reset. */
TEST_F(split, extint)
{
	struct abi_vcpu *vcpu = self->vcpu;

	abi_sync(vcpu);
	EXPECT_EQ(0, vcpu->run->ready_for_interrupt_injection);
	EXPECT_EQ(0, interrupt(vcpu, 0x40));
	EXPECT_EQ(-EEXIST, interrupt(vcpu, 0x41));
	EXPECT_EQ(-EINVAL, interrupt(vcpu, 256));
	/* It is not on its way to the CPU yet. */
	EXPECT_EQ(0, abi_sregs(vcpu).interrupt_bitmap[1]);
	EXPECT_EQ(0x40, abi_trapped(vcpu).vector);
	EXPECT_EQ(0, interrupt(vcpu, 0x41));
}

/* The local APIC's own are in service until EOI, the PIC's never. */
TEST_F(split, extint_needs_no_eoi)
{
	struct abi_vcpu *vcpu = self->vcpu;

	abi_sync(vcpu);
	EXPECT_EQ(0, interrupt(vcpu, 0x90));
	EXPECT_EQ(0x90, abi_trapped(vcpu).vector);
	EXPECT_EQ(0, abi_lapic_get(vcpu, 0x140));
}

TEST_F(split, extint_masked)
{
	struct abi_vcpu *vcpu = self->vcpu;

	abi_sync(vcpu);
	abi_pending(vcpu);
	abi_lapic_set(vcpu, 0x350, 0x10700);
	EXPECT_EQ(0, interrupt(vcpu, 0x40));
	/* No way to the CPU: no window either. */
	vcpu->run->request_interrupt_window = 1;
	abi_sync(vcpu);
	abi_sync(vcpu);
	vcpu->run->request_interrupt_window = 0;
	abi_lapic_set(vcpu, 0x350, 0x700);
	EXPECT_EQ(0x40, abi_trapped(vcpu).vector);
}

TEST_F(split, window)
{
	struct abi_vcpu *vcpu = self->vcpu;

	abi_sync(vcpu);
	vcpu->run->request_interrupt_window = 1;
	ASSERT_EQ(KVM_EXIT_IRQ_WINDOW_OPEN, abi_exit(vcpu));
	EXPECT_EQ(1, vcpu->run->if_flag);
	EXPECT_EQ(1, vcpu->run->ready_for_interrupt_injection);
	vcpu->run->request_interrupt_window = 0;
	EXPECT_EQ(0, interrupt(vcpu, 0x40));
	EXPECT_EQ(0x40, abi_trapped(vcpu).vector);
}

static void on_alarm(int sig)
{
}

GUEST64(halting, "sti; hlt\n" G_DONE);

/* HLT sleeps in the kernel: a signal brings the user to give the interrupt. */
TEST_F(split, hlt_sleeps)
{
	struct itimerval soon = { { 0, 50000 }, { 0, 50000 } }, off = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	struct abi_vcpu *vcpu = self->vcpu;

	abi_load(vcpu->vm, ABI_CODE, &halting);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	/* One may come before it halts. */
	do {
		EXPECT_EQ(-EINTR, abi_run(vcpu));
	} while (!vcpu->run->ready_for_interrupt_injection);
	setitimer(ITIMER_REAL, &off, NULL);
	EXPECT_EQ(0, interrupt(vcpu, 0x40));
	EXPECT_EQ(0x40, abi_trapped(vcpu).vector);
	abi_done(vcpu);
}

/* With x2APIC the local APIC can do without telling all I/O APICs of an EOI. */
TEST_F(split, version)
{
	struct abi_vcpu *full = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);

	EXPECT_EQ(1, abi_lapic_get(self->vcpu, 0x30) >> 24);
	EXPECT_EQ(0, abi_lapic_get(full, 0x30) >> 24);
}

GUEST64(suppress, "mov $0xfee000f0, %edi; movl $0x11ff, (%rdi)\n"
	"mov (%rdi), %eax\n" G_REPORT G_DONE);

TEST_F(split, suppress_broadcast)
{
	struct abi_vcpu *full = abi_boot(ABI_LONG | ABI_IRQCHIP, &suppress);

	EXPECT_EQ(0x1ff, abi_report(full));
	abi_load(self->vcpu->vm, ABI_CODE, &suppress);
	EXPECT_EQ(0x11ff, abi_report(self->vcpu));
}

static int x2apic_api(struct abi_vm *vm, uint64_t flags)
{
	return abi_enable(vm->fd, KVM_CAP_X2APIC_API, flags);
}

static int signal_msi(struct abi_vm *vm, uint32_t lo, uint32_t hi)
{
	struct kvm_msi msi = {
		.address_lo = lo, .address_hi = hi, .data = 0x45,
	};

	return abi_ioctlp(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static bool requested(struct abi_vcpu *vcpu)
{
	return abi_lapic_get(vcpu, 0x220) >> 5 & 1;	/* 0x45 */
}

FIXTURE(x2) { struct abi_vcpu *vcpu; struct abi_vm *vm; };

/* vCPU 1 in x2APIC mode */
FIXTURE_SETUP(x2)
{
	self->vm = abi_vm_create(ABI_IRQCHIP);
	if (abi_cap(self->vm->fd, KVM_CAP_X2APIC_API) <= 0)
		SKIP(return, "no X2APIC_API");
	self->vcpu = abi_vcpu_create(self->vm, 1);
	abi_lapic_enable(self->vcpu);
	if (abi_msr_set(self->vcpu->fd, 0x1b, 0xfee00c00) != 1)
		abi_die("no x2APIC mode");
}

FIXTURE_TEARDOWN(x2) { }

TEST_F(x2, errors)
{
	EXPECT_EQ(-EINVAL, x2apic_api(self->vm, 1ull << 8));
	EXPECT_EQ(-EINVAL, x2apic_api(self->vm, 1ull << 32));
	EXPECT_EQ(0, x2apic_api(self->vm, 0));
	EXPECT_EQ(0, x2apic_api(self->vm, 3));
}

TEST_F(x2, wide_ids)
{
	struct kvm_lapic_state lapic;
	uint32_t id;

	EXPECT_EQ(1 << 24, abi_lapic_get(self->vcpu, 0x20));
	EXPECT_EQ(0, x2apic_api(self->vm, KVM_X2APIC_API_USE_32BIT_IDS));
	abi_ok(self->vcpu->fd, KVM_GET_LAPIC, &lapic);
	memcpy(&id, lapic.regs + 0x20, 4);
	EXPECT_EQ(1, id);
	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_LAPIC, &lapic);
	lapic.regs[0x20] = 2;
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_LAPIC, &lapic);
}

TEST_F(x2, wide_destinations)
{
	EXPECT_EQ(0, x2apic_api(self->vm, KVM_X2APIC_API_USE_32BIT_IDS |
				KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK));
	signal_msi(self->vm, 0xfee01000, 0x100);
	EXPECT_FALSE(requested(self->vcpu));
	EXPECT_EQ(-EINVAL, signal_msi(self->vm, 0xfee01000, 1));
	EXPECT_LE(0, signal_msi(self->vm, 0xfeeff000, 0xffffff00));
	EXPECT_TRUE(requested(self->vcpu));
	route(self->vm, 30, 0x100, 0x46, 0);
	route(self->vm, 30, 0x101, 0x46, -EINVAL);
}

/* The upper half of an address is not looked at. */
TEST_F(x2, narrow_destinations)
{
	EXPECT_LT(0, signal_msi(self->vm, 0xfee01000, 0xabcd));
	EXPECT_TRUE(requested(self->vcpu));
}

TEST_F(x2, broadcast_quirk)
{
	EXPECT_EQ(0, x2apic_api(self->vm,
				KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK));
	signal_msi(self->vm, 0xfeeff000, 0);
	EXPECT_FALSE(requested(self->vcpu));
	EXPECT_LT(0, signal_msi(self->vm, 0xfee01000, 0));
	EXPECT_TRUE(requested(self->vcpu));
}

TEST_F(x2, broadcast)
{
	EXPECT_LT(0, signal_msi(self->vm, 0xfeeff000, 0));
	EXPECT_TRUE(requested(self->vcpu));
}

TEST_HARNESS_MAIN
