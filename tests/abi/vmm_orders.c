// SPDX-License-Identifier: GPL-2.0
/*
 * Whole lives of virtual machines, in the order in which VMMs make their calls
 * and with their arguments: kvmtool, Firecracker, and a snapshot of the latter's
 * that goes on in another machine. What single calls do is tested elsewhere.
 */
#include <stdlib.h>
#include <sys/eventfd.h>

#include "test.h"

#define TSS_ADDR	0xfffbd000
#define PIN_UART	4		/* its interrupt, on both of them */
#define VECTOR		0x44
#define MSR_DEADLINE	0x6e0

/*
 * The second CPU says that it is there; the first one tells it to begin, with
 * the PICs masked.
 */
GUEST16(ap, "movw $1, %cs:0x700; 1: hlt; jmp 1b");
GUEST64(smp, "mov $0xff, %al; out %al, $0x21; out %al, $0xa1\n"
	"mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $1 << 24, 0x310(%r8); movl $0x4500, 0x300(%r8)\n"
	"movl $1 << 24, 0x310(%r8); movl $0x4609, 0x300(%r8)\n"
	"1: cmpw $0, 0x9700; je 1b; mov $7, %eax\n" G_REPORT
	/* A queue's bell, by port and by memory; nobody exits. */
	"mov $0x6010, %edx; mov $1, %eax; out %ax, %dx\n"
	"mov $0xd0000010, %r9d; movw $1, (%r9)\n"
	"mov $0xd0001050, %r9d; movl $1, (%r9)\n" G_REPORT
	/* And sleeps for the device's interrupt. */
	"sti; hlt; cli\n" G_DONE);

/* KVM_CREATE_VM and what a VMM asks before it. */
static struct abi_vm *vm_open(const int *caps)
{
	int dev = abi_open();

	if (abi_ok(dev, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		abi_die("API version");
	abi_need_caps(dev, caps);
	close(dev);
	return abi_vm_create(ABI_NOMEM);
}

static void memory(struct abi_vm *vm)
{
	vm->mem = abi_map(ABI_MEM_SIZE);
	if (abi_slot(vm, 0, 0, 0, ABI_MEM_SIZE, vm->mem))
		abi_die("memory");
}

static void bell(struct __test_metadata *_metadata, struct abi_vm *vm, int fd,
		 uint64_t addr, uint32_t len, uint32_t flags)
{
	struct kvm_ioeventfd e = {
		.datamatch = 1, .addr = addr, .len = len, .fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};

	EXPECT_IOCTL(0, vm->fd, KVM_IOEVENTFD, &e);
}

static void rings(struct __test_metadata *_metadata, int fd, uint64_t times)
{
	uint64_t count = 0;

	EXPECT_EQ(sizeof(count), read(fd, &count, sizeof(count)));
	EXPECT_EQ(times, count);
}

/* LVT0 and LVT1 as a BIOS leaves them. */
static void local_interrupts(struct abi_vcpu *vcpu)
{
	abi_lapic_set(vcpu, 0x350, 0x700);
	abi_lapic_set(vcpu, 0x360, 0x400);
}

static void write_msrs(struct __test_metadata *_metadata, struct abi_vcpu *vcpu,
		       bool mtrr)
{
	static const uint32_t index[] = {
		0x174, 0x175, 0x176, 0xc0000081, 0xc0000083, 0xc0000102,
		0xc0000084, 0xc0000082, 0x10, 0x1a0, 0x2ff,
	};
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[11];
	} m = { .head.nmsrs = mtrr ? 11 : 10 };

	for (unsigned int i = 0; i < m.head.nmsrs; i++)
		m.entry[i].index = index[i];
	m.entry[9].data = 1;			/* fast strings */
	m.entry[10].data = 0x806;		/* on, write-back */
	EXPECT_EQ(m.head.nmsrs, abi_ioctlp(vcpu->fd, KVM_SET_MSRS, &m));
}

static void fpu(struct __test_metadata *_metadata, struct abi_vcpu *vcpu)
{
	struct kvm_fpu f = { .fcw = 0x37f, .mxcsr = 0x1f80 };

	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_FPU, &f);
}

/* Both CPUs meet, bells ring, and the device's interrupt ends it. */
static void live(struct __test_metadata *_metadata, struct abi_vcpu **vcpu,
		 int bells, uint64_t times, int irqfd)
{
	abi_load(vcpu[0]->vm, ABI_CODE, &smp);
	abi_load(vcpu[0]->vm, 0x9000, &ap);
	abi_ioapic_set(vcpu[0]->vm, PIN_UART, VECTOR);
	abi_thread_start(vcpu[1]);
	EXPECT_EQ(7, abi_report(vcpu[0]));
	abi_report(vcpu[0]);
	rings(_metadata, bells, times);
	if (irqfd >= 0)
		eventfd_write(irqfd, 1);
	else
		EXPECT_EQ(0, abi_irq_line(vcpu[0]->vm, PIN_UART, 1));
	EXPECT_EQ(VECTOR, abi_trapped(vcpu[0]).vector);
}

TEST(kvmtool)
{
	const int caps[] = { KVM_CAP_COALESCED_MMIO, KVM_CAP_SET_TSS_ADDR,
		KVM_CAP_PIT2, KVM_CAP_USER_MEMORY, KVM_CAP_IRQ_ROUTING,
		KVM_CAP_IRQCHIP, KVM_CAP_HLT, KVM_CAP_IRQ_INJECT_STATUS,
		KVM_CAP_EXT_CPUID, KVM_CAP_IOEVENTFD, KVM_CAP_SIGNAL_MSI, -1 };
	struct kvm_coalesced_mmio_zone zone = { .addr = 0xd2000000, .size = 256 };
	struct kvm_pit_config pit = { 0 };
	struct abi_vm *vm = vm_open(caps);
	int fd = eventfd(0, EFD_CLOEXEC);
	struct kvm_irq_routing *table;
	struct abi_vcpu *vcpu[2];

	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_IRQCHIP, 0xc);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_PIT2, &pit);
	memory(vm);
	EXPECT_LE(2, abi_cap(vm->fd, KVM_CAP_MAX_VCPUS));
	for (int i = 0; i < 2; i++) {
		vcpu[i] = abi_vcpu_create(vm, i);
		local_interrupts(vcpu[i]);
	}
	/* GSI 0 is pin 2, and there is no GSI 2. */
	table = calloc(1, sizeof(*table) + 38 * sizeof(table->entries[0]));
	for (uint32_t gsi = 0; gsi < 24; gsi++) {
		struct kvm_irq_routing_entry e = {
			.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		};

		if (gsi < 16 && gsi != 2) {
			e.u.irqchip.irqchip = gsi / 8;
			e.u.irqchip.pin = gsi % 8;
			table->entries[table->nr++] = e;
		}
		e.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e.u.irqchip.pin = gsi ? gsi : 2;
		if (gsi != 2)
			table->entries[table->nr++] = e;
	}
	EXPECT_EQ(38, table->nr);
	EXPECT_IOCTL(0, vm->fd, KVM_SET_GSI_ROUTING, table);
	EXPECT_IOCTL(0, vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &zone);
	bell(_metadata, vm, fd, 0x6010, 2, KVM_IOEVENTFD_FLAG_PIO);
	bell(_metadata, vm, fd, 0xd0000010, 2, 0);
	bell(_metadata, vm, fd, 0xd0001050, 4, 0);
	/* In each CPU's thread; the second gets the first one's state. */
	for (int i = 0; i < 2; i++) {
		abi_vcpu_mode(vcpu[i], ABI_LONG);
		fpu(_metadata, vcpu[i]);
		write_msrs(_metadata, vcpu[i], false);
	}
	live(_metadata, vcpu, fd, 3, -1);
}

static const int firecracker_caps[] = { KVM_CAP_IRQCHIP, KVM_CAP_IOEVENTFD,
	KVM_CAP_IRQFD, KVM_CAP_USER_MEMORY, KVM_CAP_SET_TSS_ADDR, KVM_CAP_PIT2,
	KVM_CAP_PIT_STATE2, KVM_CAP_ADJUST_CLOCK, KVM_CAP_DEBUGREGS,
	KVM_CAP_MP_STATE, KVM_CAP_VCPU_EVENTS, KVM_CAP_XCRS, KVM_CAP_XSAVE,
	KVM_CAP_EXT_CPUID, -1 };

static struct abi_vm *firecracker_vm(struct __test_metadata *_metadata,
				     struct abi_vcpu **vcpu)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct abi_vm *vm = vm_open(firecracker_caps);
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 256 * 4);

	list->nmsrs = 256;
	EXPECT_IOCTL(0, vm->dev, KVM_GET_MSR_INDEX_LIST, list);
	EXPECT_LE(4096, abi_cap(vm->fd, KVM_CAP_XSAVE2));
	EXPECT_IOCTL(0, vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_IRQCHIP, 0);
	EXPECT_IOCTL(0, vm->fd, KVM_CREATE_PIT2, &pit);
	for (int i = 0; i < 2; i++)
		vcpu[i] = abi_vcpu_create(vm, i);
	memory(vm);
	return vm;
}

TEST(firecracker)
{
	int fd = eventfd(0, EFD_NONBLOCK), irq = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = irq, .gsi = PIN_UART };
	struct abi_vcpu *vcpu[2];
	struct abi_vm *vm = firecracker_vm(_metadata, vcpu);

	bell(_metadata, vm, fd, 0xd0001050, 4, 0);
	bell(_metadata, vm, fd, 0xd0000010, 2, 0);
	bell(_metadata, vm, fd, 0x6010, 2, KVM_IOEVENTFD_FLAG_PIO);
	EXPECT_IOCTL(0, vm->fd, KVM_IRQFD, &irqfd);
	for (int i = 0; i < 2; i++) {
		write_msrs(_metadata, vcpu[i], true);
		abi_vcpu_mode(vcpu[i], ABI_LONG);
		fpu(_metadata, vcpu[i]);
		local_interrupts(vcpu[i]);
	}
	live(_metadata, vcpu, fd, 3, irq);
}

/* What a snapshot has of a vCPU, in the order in which it is put back. */
struct saved {
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	uint64_t deadline;
	struct kvm_vcpu_events events;
};

/* Waits for its timer, with what it is to have kept in registers. */
GUEST64(sleeper, "mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"
	"movl $0xb, 0x3e0(%r8); movl $0x44, 0x320(%r8)\n"
	"mov $0x5a5a, %eax; movd %eax, %xmm3; mov $0x1234, %r15d\n"
	"movl $0x100000, 0x380(%r8)\n" G_SYNC "sti; 1: hlt; jmp 1b");

static void save(struct abi_vcpu *vcpu, struct saved *s)
{
	abi_ok(vcpu->fd, KVM_GET_MP_STATE, &s->mp);
	abi_ok(vcpu->fd, KVM_GET_REGS, &s->regs);
	abi_ok(vcpu->fd, KVM_GET_SREGS, &s->sregs);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, &s->xsave);
	abi_ok(vcpu->fd, KVM_GET_XCRS, &s->xcrs);
	abi_ok(vcpu->fd, KVM_GET_DEBUGREGS, &s->debugregs);
	abi_ok(vcpu->fd, KVM_GET_LAPIC, &s->lapic);
	abi_msr_get(vcpu->fd, MSR_DEADLINE, &s->deadline);
	abi_ok(vcpu->fd, KVM_GET_VCPU_EVENTS, &s->events);
}

static void restore(struct abi_vcpu *vcpu, struct saved *s)
{
	abi_ok(vcpu->fd, KVM_SET_MP_STATE, &s->mp);
	abi_ok(vcpu->fd, KVM_SET_REGS, &s->regs);
	abi_ok(vcpu->fd, KVM_SET_SREGS, &s->sregs);
	abi_ok(vcpu->fd, KVM_SET_XSAVE, &s->xsave);
	abi_ok(vcpu->fd, KVM_SET_XCRS, &s->xcrs);
	abi_ok(vcpu->fd, KVM_SET_DEBUGREGS, &s->debugregs);
	abi_ok(vcpu->fd, KVM_SET_LAPIC, &s->lapic);
	abi_msr_set(vcpu->fd, MSR_DEADLINE, s->deadline);
	abi_ok(vcpu->fd, KVM_SET_VCPU_EVENTS, &s->events);
	abi_ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);	/* there is none */
}

TEST(firecracker_snapshot)
{
	struct saved s[2] = { 0 };
	struct kvm_irqchip chip[3] = { { 0 }, { 1 }, { 2 } };
	struct kvm_clock_data clock;
	struct kvm_pit_state2 pit;
	struct abi_vcpu *vcpu[2], *other[2];
	struct abi_vm *vm = firecracker_vm(_metadata, vcpu), *next;
	struct kvm_regs regs;
	struct kvm_fpu f;

	abi_vcpu_mode(vcpu[0], ABI_LONG);
	abi_load(vm, ABI_CODE, &sleeper);
	abi_sync(vcpu[0]);
	abi_pending(vcpu[0]);
	for (int i = 0; i < 2; i++)
		save(vcpu[i], &s[i]);
	abi_ok(vm->fd, KVM_GET_PIT2, &pit);
	abi_ok(vm->fd, KVM_GET_CLOCK, &clock);
	clock.flags = 0;
	for (int i = 0; i < 3; i++)
		abi_ok(vm->fd, KVM_GET_IRQCHIP, &chip[i]);

	/* All of the vCPUs comes before all of the chips. */
	next = firecracker_vm(_metadata, other);
	memcpy(next->mem, vm->mem, ABI_MEM_SIZE);
	next->flags = vm->flags;
	for (int i = 0; i < 2; i++)
		restore(other[i], &s[i]);
	EXPECT_IOCTL(0, next->fd, KVM_SET_PIT2, &pit);
	EXPECT_IOCTL(0, next->fd, KVM_SET_CLOCK, &clock);
	for (int i = 0; i < 3; i++)
		EXPECT_IOCTL(0, next->fd, KVM_SET_IRQCHIP, &chip[i]);
	EXPECT_EQ(VECTOR, abi_trapped(other[0]).vector);
	regs = abi_regs(other[0]);
	EXPECT_EQ(0x1234, regs.r15);
	abi_ok(other[0]->fd, KVM_GET_FPU, &f);
	EXPECT_EQ(0x5a, f.xmm[3][0]);
	EXPECT_EQ(0x5a, f.xmm[3][1]);
	/* The other one still waits to be begun. */
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, s[1].mp.mp_state);
	abi_ok(other[1]->fd, KVM_GET_MP_STATE, &s[1].mp);
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, s[1].mp.mp_state);
}

TEST_HARNESS_MAIN
