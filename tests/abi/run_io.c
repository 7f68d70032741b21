// SPDX-License-Identifier: GPL-2.0
/* KVM_RUN and port I/O: IN and OUT of every size, their strings, REP. */
#include "test.h"

static void *io_data(struct kvm_run *run)
{
	return (uint8_t *)run + run->io.data_offset;
}

FIXTURE(io) { int unused; };
FIXTURE_VARIANT(io) {
	const struct abi_guest *guest;
	int direction, size, port;
	uint32_t data;
};

#define IO16(name, code, ...)						\
	GUEST16(g_##name, "\tmov $0x44332211, %eax\n\tmov $0x1234, %dx\n" \
		code "\n\tmov %eax, %ebx\n" G_DONE);			\
	FIXTURE_VARIANT_ADD(io, name) { &g_##name, __VA_ARGS__ }

IO16(out8_imm, "out %al, $0x77", 1, 1, 0x77, 0x11);
IO16(out16_imm, "out %ax, $0x77", 1, 2, 0x77, 0x2211);
IO16(out32_imm, "out %eax, $0x77", 1, 4, 0x77, 0x44332211);
IO16(out8_dx, "out %al, %dx", 1, 1, 0x1234, 0x11);
IO16(out16_dx, "out %ax, %dx", 1, 2, 0x1234, 0x2211);
IO16(out32_dx, "out %eax, %dx", 1, 4, 0x1234, 0x44332211);
IO16(in8_imm, "in $0x77, %al", 0, 1, 0x77, 0x443322dd);
IO16(in16_imm, "in $0x77, %ax", 0, 2, 0x77, 0x4433ccdd);
IO16(in32_imm, "in $0x77, %eax", 0, 4, 0x77, 0xaabbccdd);
IO16(in8_dx, "in %dx, %al", 0, 1, 0x1234, 0x443322dd);
IO16(in16_dx, "in %dx, %ax", 0, 2, 0x1234, 0x4433ccdd);
IO16(in32_dx, "in %dx, %eax", 0, 4, 0x1234, 0xaabbccdd);

FIXTURE_SETUP(io) { }
FIXTURE_TEARDOWN(io) { }

TEST_F(io, exit_and_result)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, variant->guest);
	struct kvm_run *run = vcpu->run;
	uint32_t data = 0;

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(variant->direction, run->io.direction);
	EXPECT_EQ(variant->size, run->io.size);
	EXPECT_EQ(variant->port, run->io.port);
	EXPECT_EQ(1, run->io.count);
	EXPECT_EQ(4096, run->io.data_offset);
	if (run->io.direction == KVM_EXIT_IO_OUT) {
		memcpy(&data, io_data(run), run->io.size);
		EXPECT_EQ(variant->data, data);
	} else {
		data = 0xaabbccdd;
		memcpy(io_data(run), &data, run->io.size);
	}
	abi_done(vcpu);
	data = variant->direction == KVM_EXIT_IO_IN ? variant->data : 0x44332211;
	EXPECT_EQ(data, (uint32_t)abi_regs(vcpu).rbx);
}

/* IN to EAX in 64-bit mode clears the upper half, IN to AL and AX does not. */
GUEST64(in_long, "mov $-1, %rax; in $0x77, %eax; mov %rax, %rbx\n"
	"mov $-1, %rax; in $0x77, %al; mov %rax, %rcx\n"
	"mov $-1, %rax; in $0x77, %ax\n" G_DONE);

TEST(in_upper_half)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &in_long);
	struct kvm_regs regs;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
		memset(io_data(vcpu->run), 0x12, 4);
	}
	abi_done(vcpu);
	regs = abi_regs(vcpu);
	EXPECT_EQ(0x12121212ull, regs.rbx);
	EXPECT_EQ(0xffffffffffffff12ull, regs.rcx);
	EXPECT_EQ(0xffffffffffff1212ull, regs.rax);
}

/*
 * Strings. How many elements an exit carries is the hypervisor's business, so
 * the test gathers or feeds a stream and looks at its end.
 */
static size_t stream(struct __test_metadata *_metadata, struct abi_vcpu *vcpu,
		     uint16_t port, uint8_t *bytes, size_t max)
{
	struct kvm_run *run = vcpu->run;
	size_t n = 0;

	for (;;) {
		size_t len;

		ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu)) abi_describe(vcpu);
		if (run->io.port == ABI_DONE)
			return n;
		ASSERT_EQ(port, run->io.port);
		len = run->io.size * run->io.count;
		ASSERT_NE(0, len);
		ASSERT_LE(run->io.data_offset + len, vcpu->run_size);
		ASSERT_LE(n + len, max);
		if (run->io.direction == KVM_EXIT_IO_OUT)
			memcpy(bytes + n, io_data(run), len);
		else
			memcpy(io_data(run), bytes + n, len);
		n += len;
	}
}

FIXTURE(string) { uint8_t bytes[16384]; };
FIXTURE_VARIANT(string) {
	const struct abi_guest *guest;
	unsigned int flags;
	int size;		/* of an element */
	int count;
	uint32_t at;		/* first byte in guest memory */
	bool in, down;
};

#define STRING(name, mode, bits, code, ...)				\
	GUEST##bits(s_##name, "mov $0x345, %edx\n" code "\n" G_DONE);	\
	FIXTURE_VARIANT_ADD(string, name) { &s_##name, mode, __VA_ARGS__ }

STRING(outsb, ABI_REAL, 16, "mov $0x9000, %si; cld; outsb", 1, 1, 0x9000);
STRING(outsw, ABI_REAL, 16, "mov $0x9000, %si; outsw", 2, 1, 0x9000);
STRING(outsl, ABI_REAL, 16, "mov $0x9000, %si; outsl", 4, 1, 0x9000);
STRING(rep_outsb, ABI_REAL, 16, "mov $0x9000, %si; mov $100, %cx; rep outsb",
	1, 100, 0x9000);
STRING(rep_outsl, ABI_PROT, 32,
	"mov $0x80ff0, %esi; mov $2000, %ecx; rep outsl", 4, 2000, 0x80ff0);
STRING(rep_outsw_down, ABI_PROT, 32,
	"mov $0x81010, %esi; mov $30, %ecx; std; rep outsw; cld",
	2, 30, 0x81010, .down = true);
STRING(rep_outsb_long, ABI_LONG, 64,
	"mov $0x80ff8, %esi; mov $3000, %ecx; rep outsb", 1, 3000, 0x80ff8);
STRING(rep_outsb_none, ABI_REAL, 16,
	"mov $0x9000, %si; xor %cx, %cx; rep outsb", 1, 0, 0x9000);
STRING(insb, ABI_REAL, 16, "mov $0x9000, %di; insb", 1, 1, 0x9000, true);
STRING(insw, ABI_REAL, 16, "mov $0x9000, %di; insw", 2, 1, 0x9000, true);
STRING(insl, ABI_REAL, 16, "mov $0x9000, %di; insl", 4, 1, 0x9000, true);
STRING(rep_insb, ABI_REAL, 16, "mov $0x9000, %di; mov $100, %cx; rep insb",
	1, 100, 0x9000, true);
STRING(rep_insl, ABI_PROT, 32,
	"mov $0x80ff0, %edi; mov $2000, %ecx; rep insl", 4, 2000, 0x80ff0,
	true);
STRING(rep_insw_down, ABI_PROT, 32,
	"mov $0x81010, %edi; mov $30, %ecx; std; rep insw; cld",
	2, 30, 0x81010, true, true);
STRING(rep_insb_long, ABI_LONG, 64,
	"mov $0x80ff8, %edi; mov $3000, %ecx; rep insb", 1, 3000, 0x80ff8,
	true);
STRING(outsb_fs, ABI_REAL, 16, "mov $0x8000, %ax; mov %ax, %fs\n"
	"xor %si, %si; mov $20, %cx; rep outsb %fs:(%si), %dx",
	1, 20, 0x80000);
STRING(insw_es, ABI_REAL, 16, "mov $0x8000, %ax; mov %ax, %es\n"
	"xor %di, %di; mov $20, %cx; rep insw", 2, 20, 0x80000, true);
STRING(outsb_addr32, ABI_REAL, 16,
	"mov $0x9000, %esi; mov $20, %ecx; addr32 rep outsb", 1, 20, 0x9000);

FIXTURE_SETUP(string)
{
	for (size_t i = 0; i < sizeof(self->bytes); i++)
		self->bytes[i] = i * 7 + 3;
}

FIXTURE_TEARDOWN(string) { }

/* Element i of the string in memory order of the stream. */
static void *element(struct abi_vcpu *vcpu, uint32_t at, int size, int i,
		     bool down)
{
	return vcpu->vm->mem + (down ? at - i * size : at + i * size);
}

TEST_F(string, stream)
{
	struct abi_vcpu *vcpu = abi_boot(variant->flags, variant->guest);
	size_t want = variant->size * variant->count;
	int size = variant->size;
	uint8_t seen[16384];
	struct kvm_regs regs;
	int64_t moved;

	for (int i = 0; i < variant->count && !variant->in; i++)
		memcpy(element(vcpu, variant->at, size, i, variant->down),
		       self->bytes + i * size, size);
	memcpy(seen, self->bytes, sizeof(seen));
	if (!variant->in)
		memset(seen, 0, sizeof(seen));
	EXPECT_EQ(want, stream(_metadata, vcpu, 0x345, seen, sizeof(seen)));
	if (!variant->in)
		EXPECT_EQ(0, memcmp(seen, self->bytes, want));
	for (int i = 0; i < variant->count && variant->in; i++) {
		ASSERT_EQ(0, memcmp(self->bytes + i * size,
				    element(vcpu, variant->at, size, i,
					    variant->down), size))
			TH_LOG("element %d", i);
	}
	regs = abi_regs(vcpu);
	moved = (variant->down ? -1 : 1) * (int64_t)want;
	if (variant->at < 0x80000 || variant->flags != ABI_REAL) {
		EXPECT_EQ(variant->at + moved,
			  variant->in ? regs.rdi : regs.rsi);
	}
	EXPECT_EQ(0, regs.rcx & 0xffff);
}

/* INS is asked for at once, up to the end of the page it goes to. */
GUEST64(ins_pages, "mov $0x80f00, %edi; mov $0x300, %ecx; mov $0x345, %edx\n"
	"rep insb\n" G_DONE);

TEST(ins_many)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &ins_pages);

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(0x100, vcpu->run->io.count);
	EXPECT_EQ(0x300, abi_regs(vcpu).rcx);
	memset(io_data(vcpu->run), 0x33, 0x100);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(0x200, vcpu->run->io.count);
	EXPECT_EQ(0x200, abi_regs(vcpu).rcx);
	EXPECT_EQ(0x33333333, abi_peek(vcpu->vm, 0x80ffc));
	EXPECT_EQ(0, abi_peek(vcpu->vm, 0x81000));
	memset(io_data(vcpu->run), 0x44, 0x200);
	/* Who only wants to know the state has it all. */
	abi_pending(vcpu);
	EXPECT_EQ(0, abi_regs(vcpu).rcx);
	EXPECT_EQ(0x81200, abi_regs(vcpu).rdi);
	EXPECT_EQ(0x44444444, abi_peek(vcpu->vm, 0x811fc));
	abi_done(vcpu);
}

/* Fewer, or more, than he was asked for: what he changes, he gets. */
TEST(ins_count_changed)
{
	for (int rcx = 1; rcx <= 8; rcx += 7) {
		struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &ins_pages);
		struct kvm_regs regs;

		ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
		regs = abi_regs(vcpu);
		regs.rcx = rcx;
		abi_set_regs(vcpu, &regs);
		for (;;) {
			ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
			if (vcpu->run->io.port == ABI_DONE)
				break;
		}
		EXPECT_EQ(0, abi_regs(vcpu).rcx);
		EXPECT_EQ(0x80f00 + rcx, abi_regs(vcpu).rdi);
	}
}

/* After an INIT, what was asked for before is nobody's data any more. */
GUEST16(ins_bytes, "mov $0x9000, %di; mov $16, %cx; mov $0x345, %dx\n"
	"rep insb\n" G_DONE);

TEST(ins_forgotten_by_init)
{
	struct kvm_msi init = { .address_lo = 0xfee00000, .data = 0x4500 };
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL | ABI_IRQCHIP, &ins_bytes);
	struct kvm_sregs sregs;
	struct kvm_mp_state mp;
	struct kvm_regs regs;

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	memset(io_data(vcpu->run), 0x55, 0x1000);
	regs = abi_regs(vcpu);
	sregs = abi_sregs(vcpu);
	EXPECT_IOCTL(1, vcpu->vm->fd, KVM_SIGNAL_MSI, &init);
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_MP_STATE, &mp);
	EXPECT_EQ(0xfff0, abi_regs(vcpu).rip);
	abi_set_sregs(vcpu, &sregs);
	regs.rcx = 15;
	abi_set_regs(vcpu, &regs);
	/* REP INSW is there now. */
	abi_poke(vcpu->vm, regs.rip,
		 (abi_peek(vcpu->vm, regs.rip) & ~0xff00) | 0x6d00);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(2, vcpu->run->io.size);
	EXPECT_EQ(15, abi_regs(vcpu).rcx);
	EXPECT_EQ(0, abi_peek(vcpu->vm, 0x9000));
}

/* State read in the middle of a REP shows it half done, and can be run on. */
GUEST16(rep_long, "mov $0x9000, %si; mov $3, %cx; mov $0x345, %dx\n"
	"rep outsb\n" G_DONE);

TEST(state_between)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &rep_long);
	struct kvm_regs regs;
	int left;

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	abi_pending(vcpu);
	regs = abi_regs(vcpu);
	left = 3 - (regs.rsi - 0x9000);
	EXPECT_EQ(left, regs.rcx);
	EXPECT_LE(0, left);
	abi_set_regs(vcpu, &regs);
	while (left > 0) {
		ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
		ASSERT_EQ(0x345, vcpu->run->io.port);
		left -= vcpu->run->io.count;
	}
	EXPECT_EQ(0, left);
	abi_done(vcpu);
}

/* A VMM that has no answer leaves zeros, not what was written before. */
GUEST16(out_in, "mov $0x44332211, %eax; out %eax, $0x77; in $0x77, %eax\n"
	G_DONE);

TEST(unanswered_in_is_zero)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &out_in);

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	EXPECT_EQ(KVM_EXIT_IO_IN, vcpu->run->io.direction);
	abi_done(vcpu);
	EXPECT_EQ(0, abi_regs(vcpu).rax & 0xffffffff);
}

/*
 * Code at another address is not the IN that the user is asked for, whatever the
 * instruction pointer.
 */
GUEST16(in_elsewhere, "in $0x77, %al\n" G_REPORT G_DONE);

FIXTURE(elsewhere) { struct abi_vcpu *vcpu; };
FIXTURE_VARIANT(elsewhere) {
	uint32_t base;
	int move;		/* of RIP */
	uint32_t al;
};
FIXTURE_VARIANT_ADD(elsewhere, same_code) { 0, 0, 0x5a };
FIXTURE_VARIANT_ADD(elsewhere, same_rip) { 0x10000, 0, 0 };
FIXTURE_VARIANT_ADD(elsewhere, other_rip) { 0, 2, 0 };

FIXTURE_SETUP(elsewhere)
{
	self->vcpu = abi_boot(ABI_REAL, &in_elsewhere);
	memcpy(self->vcpu->vm->mem + 0x10000 + ABI_CODE,
	       "\146\347\340\346\344", 5);	/* G_REPORT G_DONE */
}

FIXTURE_TEARDOWN(elsewhere) { }

TEST_F(elsewhere, in)
{
	struct abi_vcpu *vcpu = self->vcpu;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	regs = abi_regs(vcpu);
	regs.rax = 0;
	abi_set_regs(vcpu, &regs);
	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	*(uint8_t *)io_data(vcpu->run) = 0x5a;
	sregs = abi_sregs(vcpu);
	sregs.cs.base = variant->base;
	sregs.cs.selector = variant->base >> 4;
	abi_set_sregs(vcpu, &sregs);
	regs = abi_regs(vcpu);
	regs.rip += variant->move;
	abi_set_regs(vcpu, &regs);
	EXPECT_EQ(variant->al, abi_report(vcpu));
	abi_done(vcpu);
}

/* The instruction pointer is past IN only once its data is taken. */
GUEST16(in_one, "in $0x77, %al\n" G_DONE);

TEST(pending_in_completes_without_the_guest)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &in_one);

	ASSERT_EQ(KVM_EXIT_IO, abi_exit(vcpu));
	*(uint8_t *)io_data(vcpu->run) = 0x5a;
	abi_pending(vcpu);
	EXPECT_EQ(0x5a, abi_regs(vcpu).rax & 0xff);
	EXPECT_EQ(ABI_CODE + 2, abi_regs(vcpu).rip);
	/* What is written there later is no business of the guest's. */
	*(uint8_t *)io_data(vcpu->run) = 0xff;
	abi_done(vcpu);
	EXPECT_EQ(0x5a, abi_regs(vcpu).rax & 0xff);
}

TEST_HARNESS_MAIN
