// SPDX-License-Identifier: GPL-2.0
/*
 * The PIC pair and the PIT as a real-mode guest has them: the guest sets the
 * vectors 0x20-0x2f, the test raises lines or the timer ticks.
 */
#include <pthread.h>

#include "test.h"

/* ICW1 to ICW4 for both, vectors at 0x20 and 0x28, all lines unmasked. */
#define PIC_INIT							\
	"mov $0x11, %al; out %al, $0x20; out %al, $0xa0\n"		\
	"mov $0x20, %al; out %al, $0x21; mov $0x28, %al; out %al, $0xa1\n" \
	"mov $4, %al; out %al, $0x21; mov $2, %al; out %al, $0xa1\n"	\
	"mov $1, %al; out %al, $0x21; out %al, $0xa1\n"			\
	"xor %al, %al; out %al, $0x21; out %al, $0xa1\n"

GUEST16(turns, PIC_INIT G_TURNS);

static struct abi_vcpu *boot(void)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP | ABI_PIT, &turns);

	while (abi_turn(vcpu) != -1)
		;
	return vcpu;
}

TEST(edge)
{
	struct abi_vcpu *vcpu = boot();

	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 4, 1));
	EXPECT_EQ(0x24, abi_turn(vcpu));
	/* Still high: an edge is delivered once. */
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 4, 0));
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0, abi_irq_line(vcpu->vm, 4, 1));
	EXPECT_EQ(0x24, abi_turn(vcpu));
}

TEST(second_chip)
{
	struct abi_vcpu *vcpu = boot();

	abi_irq_line(vcpu->vm, 10, 1);
	EXPECT_EQ(0x2a, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 10, 0);
	EXPECT_EQ(-1, abi_turn(vcpu));
	abi_irq_line(vcpu->vm, 15, 1);
	EXPECT_EQ(0x2f, abi_turn(vcpu));
}

TEST(priority)
{
	struct abi_vcpu *vcpu = boot();
	static const int order[] = { 0x21, 0x28, 0x2f, 0x23, 0x27 };

	abi_irq_line(vcpu->vm, 7, 1);
	abi_irq_line(vcpu->vm, 15, 1);
	abi_irq_line(vcpu->vm, 3, 1);
	abi_irq_line(vcpu->vm, 8, 1);
	abi_irq_line(vcpu->vm, 1, 1);
	for (int i = 0; i < 5; i++) {
		int vector = abi_turn(vcpu);

		while (vector == -1)
			vector = abi_turn(vcpu);
		EXPECT_EQ(order[i], vector);
	}
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* With the line's ELCR bit set it is level triggered: again while it is high. */
GUEST16(level_turns, PIC_INIT "mov $0x4d0, %dx; mov $0x20, %al; out %al, %dx\n"
	"in %dx, %al; out %al, $0xe0\n" G_TURNS);

TEST(level)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &level_turns);

	EXPECT_EQ(0x20, abi_report(vcpu));
	abi_irq_line(vcpu->vm, 5, 1);
	EXPECT_EQ(0x25, abi_turn_wait(vcpu));
	EXPECT_EQ(0x25, abi_turn_wait(vcpu));
	abi_irq_line(vcpu->vm, 5, 0);
	while (abi_turn(vcpu) != -1)
		;
	EXPECT_EQ(-1, abi_turn(vcpu));
}

/* Masked lines wait; what is unmasked later is delivered. */
GUEST16(mask, PIC_INIT "mov $0x10, %al; out %al, $0x21\n"
	"in $0x21, %al; out %al, $0xe0; sti; nop; nop; cli\n" G_SYNC
	"xor %al, %al; out %al, $0x21\n" G_TURNS);

TEST(masked)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &mask);

	EXPECT_EQ(0x10, abi_report(vcpu));
	abi_irq_line(vcpu->vm, 4, 1);
	EXPECT_EQ(-1, abi_turn(vcpu));
	EXPECT_EQ(0x24, abi_turn(vcpu));
}

/* IRR and ISR through OCW3. */
GUEST16(read_regs, PIC_INIT "mov $0xff, %al; out %al, $0x21\n" G_SYNC
	"mov $0x0a, %al; out %al, $0x20; in $0x20, %al; out %al, $0xe0\n"
	"mov $0x0b, %al; out %al, $0x20; in $0x20, %al; out %al, $0xe0\n");

TEST(read_irr_and_isr)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &read_regs);

	abi_sync(vcpu);
	abi_irq_line(vcpu->vm, 6, 1);
	EXPECT_EQ(0x40, abi_report(vcpu));
	EXPECT_EQ(0, abi_report(vcpu));
}

GUEST16(halting, PIC_INIT G_SYNC "1: sti; hlt; jmp 1b");

static void *raise_line(void *arg)
{
	struct abi_vcpu *vcpu = arg;

	usleep(50000);
	abi_irq_line(vcpu->vm, 4, 1);
	return NULL;
}

/* HLT ends with the line, raised by another thread while it sleeps. */
TEST(wakes_hlt)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP, &halting);
	pthread_t thread;

	abi_sync(vcpu);
	pthread_create(&thread, NULL, raise_line, vcpu);
	EXPECT_EQ(0x24, abi_trapped(vcpu).vector);
	pthread_join(thread, NULL);
}

/* Channel 0, mode 2, a tick each 5 ms. */
GUEST16(ticks, PIC_INIT "mov $0x34, %al; out %al, $0x43\n"
	"mov $0x4e, %al; out %al, $0x40; mov $0x17, %al; out %al, $0x40\n"
	"1: sti; hlt; jmp 1b");

TEST(pit_ticks)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP | ABI_PIT, &ticks);
	struct kvm_pit_state2 state;

	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0x20, abi_trapped(vcpu).vector);
	abi_ok(vcpu->vm->fd, KVM_GET_PIT2, &state);
	EXPECT_EQ(0x174e, state.channels[0].count);
	EXPECT_EQ(2, state.channels[0].mode);
}

/* The state set by the VMM makes it tick as well. */
TEST(pit_ticks_after_restore)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP | ABI_PIT, &halting);
	struct kvm_pit_state2 state;

	abi_sync(vcpu);
	abi_ok(vcpu->vm->fd, KVM_GET_PIT2, &state);
	state.channels[0].count = 6000;
	state.channels[0].mode = 2;
	state.channels[0].rw_mode = 3;
	state.channels[0].gate = 1;
	abi_ok(vcpu->vm->fd, KVM_SET_PIT2, &state);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0x20, abi_trapped(vcpu).vector);
}

/* One shot: mode 0 gives a single edge. */
GUEST16(oneshot, PIC_INIT "mov $0x30, %al; out %al, $0x43\n"
	"mov $0x4e, %al; out %al, $0x40; mov $0x17, %al; out %al, $0x40\n"
	G_TURNS);

TEST(pit_one_shot)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP | ABI_PIT, &oneshot);

	EXPECT_EQ(0x20, abi_turn_wait(vcpu));
	usleep(20000);
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(-1, abi_turn(vcpu));
}

/* The counter counts down; the latch holds it still. */
GUEST16(count, "mov $0x34, %al; out %al, $0x43\n"
	"xor %al, %al; out %al, $0x40; out %al, $0x40\n"
	"1: xor %al, %al; out %al, $0x43\n"
	"in $0x40, %al; mov %al, %bl; in $0x40, %al; mov %al, %bh\n"
	"mov %bx, %ax; out %ax, $0xe0; jmp 1b");

TEST(pit_counts_down)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP | ABI_PIT, &count);
	bool fell = false;

	/* Once round is 55 ms: tried again if the host was that slow. */
	for (int i = 0; i < 20 && !fell; i++) {
		uint16_t a = abi_report(vcpu), b;

		usleep(1000);
		b = abi_report(vcpu);
		fell = (uint16_t)(a - b) > 1000 && (uint16_t)(a - b) < 60000;
	}
	EXPECT_TRUE(fell);
}

/* Port 0x61: gate and output of channel 2, and the refresh toggle. */
GUEST16(speaker, "mov $0xb0, %al; out %al, $0x43\n"	/* channel 2, mode 0 */
	"mov $0x01, %al; out %al, $0x61\n"
	"mov $0x4e, %al; out %al, $0x42; mov $0x17, %al; out %al, $0x42\n"
	"1: in $0x61, %al; out %al, $0xe0; jmp 1b");

TEST(speaker_port)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_IRQCHIP | ABI_PIT, &speaker);
	uint32_t first = abi_report(vcpu), last = first;

	EXPECT_EQ(1, first & 0xf);
	for (int i = 0; i < 100 && !(last & 0x20); i++) {
		usleep(1000);
		last = abi_report(vcpu);
	}
	EXPECT_EQ(0x20, last & 0x20);
}

/* With the HPET in the way channel 0 is silent. */
TEST(hpet_legacy_silences)
{
	struct abi_vcpu *vcpu = boot();
	struct kvm_pit_state2 state;

	abi_ok(vcpu->vm->fd, KVM_GET_PIT2, &state);
	state.channels[0].count = 1000;
	state.channels[0].mode = 2;
	state.channels[0].gate = 1;
	state.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	abi_ok(vcpu->vm->fd, KVM_SET_PIT2, &state);
	while (abi_turn(vcpu) != -1)
		;
	usleep(20000);
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(-1, abi_turn(vcpu));
}

TEST_HARNESS_MAIN
