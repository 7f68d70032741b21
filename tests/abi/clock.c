// SPDX-License-Identifier: GPL-2.0
/*
 * Time: KVM_GET/SET_CLOCK, the TSC and its rate, kvmclock's page and both
 * pairs of its MSRs, the wall clock, KVM_KVMCLOCK_CTRL.
 */
#include <time.h>

#include "test.h"

GUEST64(turns, "1: nop\n" G_SYNC "jmp 1b");
GUEST64(tsc, "1: rdtsc; mov %eax, %ebx; mov %edx, %ecx\n" G_SYNC "jmp 1b");

struct pvclock {
	uint32_t version, pad0;
	uint64_t tsc, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad[2];
};

#define MSR_WALL_OLD	0x11
#define MSR_TIME_OLD	0x12
#define MSR_WALL	0x4b564d00
#define MSR_TIME	0x4b564d01

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t guest_tsc(struct abi_vcpu *vcpu)
{
	struct kvm_regs regs;

	abi_sync(vcpu);
	regs = abi_regs(vcpu);
	return (regs.rcx & 0xffffffff) << 32 | (regs.rbx & 0xffffffff);
}

/* Only a host that itself keeps time by its TSC can promise as much. */
static bool host_keeps_time_by_tsc(void)
{
	static const char path[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";
	int fd = open(path, O_RDONLY);
	char name[16] = "";

	return fd >= 0 && read(fd, name, 15) > 0 && !strncmp(name, "tsc", 3);
}

FIXTURE(pair) { struct abi_vcpu *vcpu; struct pvclock *page; };
FIXTURE_VARIANT(pair) { uint32_t wall, time; };
FIXTURE_VARIANT_ADD(pair, old) { MSR_WALL_OLD, MSR_TIME_OLD };
FIXTURE_VARIANT_ADD(pair, new) { MSR_WALL, MSR_TIME };

FIXTURE_SETUP(pair)
{
	self->vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &tsc);
	self->page = (void *)(self->vcpu->vm->mem + ABI_DATA);
}

FIXTURE_TEARDOWN(pair) { }

TEST_F(pair, page_is_sane)
{
	struct abi_vcpu *vcpu = self->vcpu;
	struct pvclock *page = self->page;
	uint64_t value;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, variant->time, ABI_DATA | 1));
	EXPECT_EQ(1, abi_msr_get(vcpu->fd, variant->time, &value));
	EXPECT_EQ(ABI_DATA | 1, value);
	abi_sync(vcpu);
	EXPECT_NE(0, page->version);
	EXPECT_EQ(0, page->version & 1);
	EXPECT_NE(0, page->mul);
	/* The stable bit: one clock for all the vCPUs. */
	EXPECT_EQ(host_keeps_time_by_tsc(), page->flags & 1);
	VALUE("pvclock.flags", "%d", page->flags);
}

static uint64_t read_clock(struct pvclock *page, uint64_t tsc)
{
	uint64_t delta = tsc - page->tsc;

	delta = page->shift < 0 ? delta >> -page->shift :
				  delta << page->shift;
	return page->system_time +
	       (uint64_t)((__uint128_t)delta * page->mul >> 32);
}

/* What a guest computes from the page advances as the host's clock does. */
TEST_F(pair, runs_at_the_right_rate)
{
	struct abi_vcpu *vcpu = self->vcpu;
	uint64_t host[2][2], guest[2];

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, variant->time, ABI_DATA | 1));
	for (int i = 0; i < 2; i++) {
		host[i][0] = now_ns(CLOCK_MONOTONIC_RAW);
		guest[i] = read_clock(self->page, guest_tsc(vcpu));
		guest[i] = read_clock(self->page, guest_tsc(vcpu));
		host[i][1] = now_ns(CLOCK_MONOTONIC_RAW);
		usleep(100000);
	}
	/* Between the shortest and the longest time that may have passed. */
	EXPECT_LE(host[1][0] - host[0][1], guest[1] - guest[0] + 2000000);
	EXPECT_GE(host[1][1] - host[0][0] + 2000000, guest[1] - guest[0]);
}

TEST_F(pair, agrees_with_get_clock)
{
	struct abi_vcpu *vcpu = self->vcpu;
	struct kvm_clock_data before, after;
	uint64_t guest;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, variant->time, ABI_DATA | 1));
	abi_sync(vcpu);
	abi_ok(vcpu->vm->fd, KVM_GET_CLOCK, &before);
	guest = read_clock(self->page, guest_tsc(vcpu));
	abi_ok(vcpu->vm->fd, KVM_GET_CLOCK, &after);
	EXPECT_LE(before.clock, guest + 1000000);
	EXPECT_GE(after.clock + 1000000, guest);
	if (host_keeps_time_by_tsc())
		EXPECT_EQ(KVM_CLOCK_TSC_STABLE,
			  after.flags & KVM_CLOCK_TSC_STABLE);
}

TEST_F(pair, off)
{
	struct abi_vcpu *vcpu = self->vcpu;
	uint32_t version;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, variant->time, ABI_DATA | 1));
	abi_sync(vcpu);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, variant->time, 0));
	abi_sync(vcpu);
	version = self->page->version;
	usleep(10000);
	abi_sync(vcpu);
	EXPECT_EQ(version, self->page->version);
}

TEST_F(pair, wall_clock)
{
	struct abi_vcpu *vcpu = self->vcpu;
	uint32_t *wall = (uint32_t *)(vcpu->vm->mem + ABI_DATA + 0x1000);
	struct kvm_clock_data clock;
	uint64_t before, after, guest;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, variant->wall, ABI_DATA + 0x1000));
	before = now_ns(CLOCK_REALTIME);
	abi_ok(vcpu->vm->fd, KVM_GET_CLOCK, &clock);
	after = now_ns(CLOCK_REALTIME);
	/* The wall clock at the moment when the guest's clock was 0. */
	guest = wall[1] * 1000000000ull + wall[2];
	EXPECT_EQ(0, wall[0] & 1);
	EXPECT_LT(before - clock.clock, guest + 50000000);
	EXPECT_GT(after - clock.clock + 50000000, guest);
}

TEST(page_of_memory_that_is_not_there)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);

	VALUE("kvmclock.nowhere", "%d",
	      abi_msr_set(vcpu->fd, MSR_TIME, 0xd0000001));
	abi_sync(vcpu);
	abi_sync(vcpu);
}

/* Across the end of a page of memory: may be refused or left alone. */
TEST(page_crosses_a_page)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);

	EXPECT_LE(0, abi_msr_set(vcpu->fd, MSR_TIME, (ABI_DATA + 0xff0) | 1));
	abi_sync(vcpu);
}

TEST(set_clock)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &tsc);
	struct pvclock *page = (void *)(vcpu->vm->mem + ABI_DATA);
	struct kvm_clock_data clock = { .clock = 1000000000000ull };
	uint64_t guest;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_TIME, ABI_DATA | 1));
	abi_sync(vcpu);
	abi_ok(vcpu->vm->fd, KVM_SET_CLOCK, &clock);
	abi_ok(vcpu->vm->fd, KVM_GET_CLOCK, &clock);
	EXPECT_LE(1000000000000ull, clock.clock);
	EXPECT_GT(1010000000000ull, clock.clock);
	guest = read_clock(page, guest_tsc(vcpu));
	EXPECT_LE(1000000000000ull, guest);
	EXPECT_GT(1010000000000ull, guest);
}

TEST(set_clock_flags)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_clock_data clock = { .clock = 5 };
	int flags = abi_cap(vm->dev, KVM_CAP_ADJUST_CLOCK);

	clock.flags = KVM_CLOCK_TSC_STABLE;
	EXPECT_IOCTL(0, vm->fd, KVM_SET_CLOCK, &clock);
	clock.flags = 1;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_CLOCK, &clock);
	clock.flags = 1u << 31;
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_SET_CLOCK, &clock);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_SET_CLOCK, 8);
	EXPECT_IOCTL(-EFAULT, vm->fd, KVM_GET_CLOCK, 8);
	abi_ok(vm->fd, KVM_GET_CLOCK, &clock);
	EXPECT_EQ(0, clock.flags & ~flags);
}

TEST(clock_runs_without_vcpus)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct kvm_clock_data a, b;

	abi_ok(vm->fd, KVM_GET_CLOCK, &a);
	usleep(10000);
	abi_ok(vm->fd, KVM_GET_CLOCK, &b);
	EXPECT_LE(a.clock + 9000000, b.clock);
	EXPECT_GT(a.clock + 10000000000ull, b.clock);
}

/* Tells the guest that it was stopped: bit 1 of the flags. */
TEST(kvmclock_ctrl)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);
	struct pvclock *page = (void *)(vcpu->vm->mem + ABI_DATA);

	NEED_CAP(vcpu->vm->dev, KVM_CAP_KVMCLOCK_CTRL);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_TIME, ABI_DATA | 1));
	abi_sync(vcpu);
	EXPECT_EQ(0, page->flags & 2);
	EXPECT_IOCTL(0, vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
	abi_sync(vcpu);
	EXPECT_EQ(2, page->flags & 2);
}

/* The page is written by the host: the dirty log must say so. */
TEST(page_is_dirty)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &turns);
	uint64_t bits[1];
	struct kvm_dirty_log log = { .slot = 1 };

	log.dirty_bitmap = bits;
	ASSERT_EQ(0, abi_slot(vcpu->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 0x200000,
			      0x10000, abi_map(0x10000)));
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, MSR_TIME, 0x203001));
	abi_sync(vcpu);
	abi_ok(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log);
	EXPECT_EQ(1 << 3, bits[0]);
}

TEST(tsc_rate)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &tsc);
	int khz = abi_ok(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	uint64_t a, b, host[4], ns;

	ASSERT_LT(1000, khz);
	/*
	 * Against the host's clock: between the shortest and the longest time
	 * that may have passed, and within some per cent.
	 */
	host[0] = now_ns(CLOCK_MONOTONIC_RAW);
	a = guest_tsc(vcpu);
	host[1] = now_ns(CLOCK_MONOTONIC_RAW);
	usleep(300000);
	host[2] = now_ns(CLOCK_MONOTONIC_RAW);
	b = guest_tsc(vcpu);
	host[3] = now_ns(CLOCK_MONOTONIC_RAW);
	ns = (b - a) * 1000000 / khz;
	EXPECT_LT((host[2] - host[1]) * 95 / 100, ns);
	EXPECT_GT((host[3] - host[0]) * 105 / 100, ns);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_TSC_KHZ, khz);
	EXPECT_EQ(khz, abi_ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0));
}

TEST(tsc_rate_of_another_machine)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &tsc);
	int khz = abi_ok(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	int scaling = abi_cap(vcpu->vm->dev, KVM_CAP_TSC_CONTROL);
	int ret = abi_ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz / 2);

	VALUE("tsc_khz.half", "%d", ret);
	if (scaling) {
		EXPECT_EQ(0, ret);
		EXPECT_EQ(khz / 2, abi_ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0));
	}
}

/* A VM's rate is that of the vCPUs it gets from then on. */
TEST(tsc_rate_of_a_vm)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *first = abi_vcpu_create(vm, 0), *second;
	int khz = abi_ok(first->fd, KVM_GET_TSC_KHZ, 0), half = khz / 2;

	EXPECT_EQ(khz, abi_ioctl(vm->fd, KVM_GET_TSC_KHZ, 0));
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSC_KHZ, khz);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSC_KHZ, 0);
	EXPECT_EQ(khz, abi_ioctl(vm->fd, KVM_GET_TSC_KHZ, 0));
	EXPECT_EQ(abi_cap(vm->dev, KVM_CAP_TSC_CONTROL),
		  abi_cap(vm->dev, KVM_CAP_VM_TSC_CONTROL));
	if (!abi_cap(vm->fd, KVM_CAP_VM_TSC_CONTROL))
		return;
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSC_KHZ, half);
	EXPECT_EQ(half, abi_ioctl(vm->fd, KVM_GET_TSC_KHZ, 0));
	second = abi_vcpu_create(vm, 1);
	EXPECT_EQ(half, abi_ioctl(second->fd, KVM_GET_TSC_KHZ, 0));
	EXPECT_EQ(khz, abi_ioctl(first->fd, KVM_GET_TSC_KHZ, 0));
}

/* Writing the TSC moves it; those of two vCPUs written alike stay equal. */
TEST(tsc_written)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &tsc);
	uint64_t value, khz = abi_ok(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, 0x10, 1ull << 50));
	value = guest_tsc(vcpu);
	EXPECT_LE(1ull << 50, value);
	EXPECT_GT((1ull << 50) + khz * 5000, value);
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0x10, &value));
	EXPECT_LE(1ull << 50, value);
}

/* It is what it is, however near to what a new vCPU's is by now. */
TEST(tsc_first_write)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	uint64_t value, half = abi_ok(vcpu->fd, KVM_GET_TSC_KHZ, 0) * 500ull;

	ASSERT_EQ(1, abi_msr_set(vcpu->fd, 0x10, half));
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0x10, &value));
	EXPECT_LE(half, value);
	/* The next one means the same moment. */
	vcpu = abi_vcpu_create(vm, 1);
	ASSERT_EQ(1, abi_msr_set(vcpu->fd, 0x10, half + half / 2));
	ASSERT_EQ(1, abi_msr_get(vcpu->fd, 0x10, &value));
	EXPECT_GT(half + half / 2, value);
}

TEST(tsc_starts_near_zero_and_is_common)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *a = abi_vcpu_create(vm, 0), *b;
	uint64_t khz = abi_ok(a->fd, KVM_GET_TSC_KHZ, 0), ta, tb;

	usleep(20000);
	b = abi_vcpu_create(vm, 1);
	ASSERT_EQ(1, abi_msr_get(a->fd, 0x10, &ta));
	ASSERT_EQ(1, abi_msr_get(b->fd, 0x10, &tb));
	EXPECT_GT(khz * 10000, ta);
	/* In the order read, and within what the reading takes. */
	EXPECT_LE(ta, tb);
	EXPECT_GT(ta + khz * 5000, tb);
}

TEST(tsc_adjust)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG | ABI_IRQCHIP, &tsc);
	uint64_t value;

	if (abi_msr_get(vcpu->fd, 0x3b, &value) != 1)
		SKIP(return, "no MSR TSC_ADJUST");
	EXPECT_EQ(0, value);
	EXPECT_EQ(1, abi_msr_set(vcpu->fd, 0x3b, value));
}

TEST_HARNESS_MAIN
