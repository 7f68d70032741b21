// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET/SET_FPU, KVM_GET/SET_XSAVE, KVM_GET/SET_XCRS: reset values, round
 * trips, agreement between them and with the guest, and the errors.
 */
#include "test.h"

GUEST64(read_state, "mov $0x80000, %edi; fstcw (%rdi); stmxcsr 4(%rdi)\n"
	"movdqu %xmm0, 16(%rdi); movdqu %xmm15, 32(%rdi)\n"
	"fstpt 48(%rdi)\n" G_DONE);

static struct kvm_fpu get_fpu(struct abi_vcpu *vcpu)
{
	struct kvm_fpu fpu;

	abi_ok(vcpu->fd, KVM_GET_FPU, &fpu);
	return fpu;
}

TEST(reset_values)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_fpu fpu = get_fpu(vcpu);

	EXPECT_EQ(0x37f, fpu.fcw);
	EXPECT_EQ(0, fpu.fsw);
	EXPECT_EQ(0, fpu.ftwx);
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(0, fpu.xmm[i][0]);
}

/*
 * The test's pattern. KVM_SET_FPU of stock KVM is lost where x87 and SSE are
 * still in their initial state, so they are put in use first; what becomes of
 * the first KVM_SET_FPU of all is recorded by set_fpu_of_fresh_vcpu.
 */
static void put_in_use(struct abi_vcpu *vcpu)
{
	struct kvm_xsave *xsave = abi_map(4096);
	uint8_t *area = (uint8_t *)xsave->region;

	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	*(uint32_t *)(area + 24) = 0x1fa0;		/* MXCSR */
	*(uint64_t *)(area + 512) |= 3;
	abi_ok(vcpu->fd, KVM_SET_XSAVE, xsave);
}

static struct kvm_fpu pattern(void)
{
	struct kvm_fpu fpu = {
		.fcw = 0x27f,
		.fsw = 0x3800,			/* top of stack is 7 */
		.ftwx = 0x80,
		.mxcsr = 0x1fa0,
	};

	memset(fpu.xmm[0], 0x5a, 16);
	memset(fpu.xmm[15], 0xa5, 16);
	/* 1.0 in the register at the top of the stack. */
	fpu.fpr[0][7] = 0x80;
	fpu.fpr[0][8] = 0xff;
	fpu.fpr[0][9] = 0x3f;
	return fpu;
}

TEST(fpu_round_trip)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_fpu fpu = pattern(), back;

	put_in_use(vcpu);
	abi_ok(vcpu->fd, KVM_SET_FPU, &fpu);
	back = get_fpu(vcpu);
	EXPECT_EQ(fpu.fcw, back.fcw);
	EXPECT_EQ(fpu.fsw, back.fsw);
	EXPECT_EQ(fpu.ftwx, back.ftwx);
	EXPECT_EQ(0, memcmp(fpu.fpr, back.fpr, sizeof(fpu.fpr)));
	EXPECT_EQ(0, memcmp(fpu.xmm, back.xmm, sizeof(fpu.xmm)));
}

TEST(guest_has_it)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_state);
	struct kvm_fpu fpu = pattern();
	uint8_t *data = vcpu->vm->mem + ABI_DATA;

	put_in_use(vcpu);
	abi_ok(vcpu->fd, KVM_SET_FPU, &fpu);
	abi_done(vcpu);
	EXPECT_EQ(fpu.fcw, *(uint16_t *)data);
	EXPECT_EQ(fpu.mxcsr, *(uint32_t *)(data + 4));
	EXPECT_EQ(0, memcmp(data + 16, fpu.xmm[0], 16));
	EXPECT_EQ(0, memcmp(data + 32, fpu.xmm[15], 16));
	EXPECT_EQ(0, memcmp(data + 48, fpu.fpr[0], 10));
	/* And it left what the guest made of it: an empty stack. */
	EXPECT_EQ(0, get_fpu(vcpu).ftwx);
}

TEST(set_fpu_of_fresh_vcpu)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_state);
	struct kvm_fpu fpu = pattern();

	abi_ok(vcpu->fd, KVM_SET_FPU, &fpu);
	abi_done(vcpu);
	VALUE("fpu.first_set_reaches_guest", "%d",
	      !memcmp(vcpu->vm->mem + ABI_DATA + 16, fpu.xmm[0], 16));
}

/* KVM_GET_XSAVE shows the same in XSAVE's standard form. */
TEST(xsave_agrees_with_fpu)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_fpu fpu = pattern();
	struct kvm_xsave *xsave = abi_map(4096);
	uint8_t *area = (uint8_t *)xsave->region;

	put_in_use(vcpu);
	abi_ok(vcpu->fd, KVM_SET_FPU, &fpu);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	EXPECT_EQ(fpu.fcw, *(uint16_t *)area);
	EXPECT_EQ(fpu.ftwx, area[4]);
	EXPECT_EQ(fpu.mxcsr, *(uint32_t *)(area + 24));
	EXPECT_EQ(0, memcmp(area + 160, fpu.xmm, 256));
	EXPECT_EQ(3, *(uint64_t *)(area + 512) & 3);
	/* Standard, not compacted. */
	EXPECT_EQ(0, *(uint64_t *)(area + 520));
	/* And back: the FPU sees what XSAVE set. */
	area[160] = 0x77;
	*(uint16_t *)area = 0x37f;
	abi_ok(vcpu->fd, KVM_SET_XSAVE, xsave);
	EXPECT_EQ(0x77, get_fpu(vcpu).xmm[0][0]);
	EXPECT_EQ(0x37f, get_fpu(vcpu).fcw);
}

TEST(xsave_features)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 0xd, 0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_xsave *xsave = abi_map(4096);
	uint8_t *area = (uint8_t *)xsave->region;
	uint64_t supported;

	if (!leaf)
		SKIP(return, "no XSAVE in the supported CPUID");
	supported = leaf->eax | (uint64_t)leaf->edx << 32;
	VALUE("xsave.features", "%#llx", (unsigned long long)supported);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	abi_ok(vcpu->fd, KVM_SET_XSAVE, xsave);
	if (supported & 4) {
		/* The upper half of YMM3. */
		memset(area + 576 + 3 * 16, 0x3c, 16);
		*(uint64_t *)(area + 512) |= 7;
		abi_ok(vcpu->fd, KVM_SET_XSAVE, xsave);
		memset(xsave, 0, 4096);
		abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
		EXPECT_EQ(0x3c, area[576 + 3 * 16]);
		EXPECT_EQ(4, *(uint64_t *)(area + 512) & 4);
	}
}

GUEST64(read_mxcsr, "stmxcsr 0x80000\n" G_DONE);

/* Any of x87 and SSE brings MXCSR. */
TEST(xsave_mxcsr)
{
	struct kvm_xsave *xsave = abi_map(4096);
	uint8_t *area = (uint8_t *)xsave->region;

	*(uint16_t *)area = 0x37f;
	for (uint64_t bv = 1; bv <= 2; bv++) {
		struct abi_vcpu *vcpu = abi_boot(ABI_LONG, &read_mxcsr);

		*(uint64_t *)(area + 512) = bv;
		*(uint32_t *)(area + 24) = ~0u;
		EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XSAVE, xsave);
		*(uint32_t *)(area + 24) = 0x1fa0 + bv;
		EXPECT_IOCTL(0, vcpu->fd, KVM_SET_XSAVE, xsave);
		abi_done(vcpu);
		EXPECT_EQ(0x1fa0 + bv, *(uint32_t *)(vcpu->vm->mem + ABI_DATA));
	}
}

TEST(xsave_refused)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_xsave *xsave = abi_map(4096);
	uint8_t *area = (uint8_t *)xsave->region;

	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	*(uint64_t *)(area + 512) |= 1ull << 62;	/* unknown feature */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XSAVE, xsave);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	*(uint32_t *)(area + 24) = 0xffffffff;		/* reserved MXCSR */
	*(uint64_t *)(area + 512) |= 3;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XSAVE, xsave);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	*(uint64_t *)(area + 520) = 1ull << 63;		/* compacted */
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XSAVE, xsave);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_XSAVE, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_XSAVE, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_FPU, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_FPU, 8);
}

/* With XSAVE hidden from the guest the VMM still moves x87 and SSE so. */
TEST(xsave_without_its_cpuid)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev);
	struct kvm_xsave *xsave = abi_map(4096);
	uint8_t *area = (uint8_t *)xsave->region;

	abi_cpuid_find(cpuid, 1, 0)->ecx &= ~(1u << 26);
	memset(abi_cpuid_find(cpuid, 0xd, 0), 0, sizeof(cpuid->entries[0]));
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	abi_ok(vcpu->fd, KVM_GET_XSAVE, xsave);
	*(uint64_t *)(area + 512) |= 3;
	area[160 + 16] = 0x99;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_XSAVE, xsave);
	memset(xsave, 0, 4096);
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_XSAVE, xsave);
	EXPECT_EQ(0x99, area[160 + 16]);
}

TEST(xcrs)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_xcrs xcrs;

	abi_ok(vcpu->fd, KVM_GET_XCRS, &xcrs);
	EXPECT_EQ(1, xcrs.nr_xcrs);
	EXPECT_EQ(0, xcrs.flags);
	EXPECT_EQ(0, xcrs.xcrs[0].xcr);
	EXPECT_EQ(1, xcrs.xcrs[0].value);
	xcrs.xcrs[0].value = 3;
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_XCRS, &xcrs);
	abi_ok(vcpu->fd, KVM_GET_XCRS, &xcrs);
	EXPECT_EQ(3, xcrs.xcrs[0].value);
}

TEST(xcrs_refused)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_xcrs xcrs;
	static const uint64_t wrong[] = {
		0, 2,			/* without x87 */
		5,			/* AVX without SSE */
		1ull << 62 | 3, 1ull << 63 | 1, ~0ull,
	};

	abi_ok(vcpu->fd, KVM_GET_XCRS, &xcrs);
	for (int i = 0; i < 6; i++) {
		xcrs.xcrs[0].value = wrong[i];
		EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XCRS, &xcrs);
	}
	xcrs.xcrs[0].value = 1;
	xcrs.nr_xcrs = KVM_MAX_XCRS + 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XCRS, &xcrs);
	xcrs.nr_xcrs = 1;
	xcrs.flags = 1;
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_SET_XCRS, &xcrs);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_SET_XCRS, 8);
	EXPECT_IOCTL(-EFAULT, vcpu->fd, KVM_GET_XCRS, 8);
}

TEST(xsave2)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	int size = abi_cap(vm->fd, KVM_CAP_XSAVE2);
	struct kvm_xsave *xsave;

	if (size <= 0)
		SKIP(return, "no KVM_CAP_XSAVE2");
	EXPECT_LE(4096, size);
	xsave = abi_map(size);
	EXPECT_IOCTL(0, vcpu->fd, KVM_GET_XSAVE2, xsave);
	EXPECT_IOCTL(0, vcpu->fd, KVM_SET_XSAVE, xsave);
}

TEST_HARNESS_MAIN
