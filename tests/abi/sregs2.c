// SPDX-License-Identifier: GPL-2.0
/* KVM_GET_SREGS2 and KVM_SET_SREGS2: what they have that SREGS do not. */
#include "test.h"

#define PDPT	0x20000ull
#define FLAGS	KVM_SREGS2_FLAGS_PDPTRS_VALID

GUEST32(done, G_DONE);

static struct kvm_sregs2 sregs2(struct abi_vcpu *vcpu)
{
	struct kvm_sregs2 s;

	abi_ok(vcpu->fd, KVM_GET_SREGS2, &s);
	return s;
}

/* PAE paging whose first GiB is the identity. */
static struct kvm_sregs2 pae(struct abi_vcpu *vcpu)
{
	struct kvm_sregs2 s = sregs2(vcpu);
	uint64_t *pdpt = (uint64_t *)(vcpu->vm->mem + PDPT);
	uint64_t *pd = (uint64_t *)(vcpu->vm->mem + PDPT + 0x1000);

	pdpt[0] = (PDPT + 0x1000) | 1;
	pd[0] = 0x83;
	s.cr0 |= 1ull << 31;
	s.cr3 = PDPT;
	s.cr4 |= 1 << 5;
	return s;
}

FIXTURE(sregs2) { struct abi_vcpu *vcpu; };

FIXTURE_SETUP(sregs2)
{
	self->vcpu = abi_boot(ABI_PROT, &done);
	NEED_CAP(self->vcpu->vm->dev, KVM_CAP_SREGS2);
}

FIXTURE_TEARDOWN(sregs2) { }

TEST_F(sregs2, as_sregs)
{
	struct kvm_sregs old = abi_sregs(self->vcpu);
	struct kvm_sregs2 s = sregs2(self->vcpu);

	EXPECT_EQ(0, memcmp(&old, &s, offsetof(struct kvm_sregs2, flags)));
	EXPECT_EQ(0, s.flags);
	s.cr2 = 0x1234000;
	s.fs.base = 0x5000;
	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_SREGS2, &s);
	EXPECT_EQ(0x1234000, abi_sregs(self->vcpu).cr2);
	EXPECT_EQ(0x5000, abi_sregs(self->vcpu).fs.base);
	abi_done(self->vcpu);
}

TEST_F(sregs2, pointers_from_memory)
{
	struct kvm_sregs2 s = pae(self->vcpu);

	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_SREGS2, &s);
	s = sregs2(self->vcpu);
	EXPECT_EQ(FLAGS, s.flags);
	EXPECT_EQ((PDPT + 0x1000) | 1, s.pdptrs[0]);
	EXPECT_EQ(0, s.pdptrs[3]);
	abi_done(self->vcpu);
	s = sregs2(self->vcpu);
	EXPECT_EQ(FLAGS, s.flags);
	EXPECT_EQ((PDPT + 0x1000) | 1, s.pdptrs[0]);
}

TEST_F(sregs2, pointers_given)
{
	struct kvm_sregs2 s = pae(self->vcpu);

	s.flags = FLAGS;
	s.pdptrs[0] = (PDPT + 0x1000) | 1;
	s.pdptrs[2] = (PDPT + 0x2000) | 1;
	EXPECT_IOCTL(0, self->vcpu->fd, KVM_SET_SREGS2, &s);
	s = sregs2(self->vcpu);
	EXPECT_EQ((PDPT + 0x1000) | 1, s.pdptrs[0]);
	EXPECT_EQ((PDPT + 0x2000) | 1, s.pdptrs[2]);
	abi_done(self->vcpu);
}

TEST_F(sregs2, refused)
{
	struct kvm_sregs2 s = sregs2(self->vcpu);

	s.flags = FLAGS;			/* no PAE paging */
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_SREGS2, &s);
	s.flags = 2;
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_SREGS2, &s);
	s.flags = 0;
	s.cr4 |= 1ull << 31;
	EXPECT_IOCTL(-EINVAL, self->vcpu->fd, KVM_SET_SREGS2, &s);
	EXPECT_IOCTL(-EFAULT, self->vcpu->fd, KVM_SET_SREGS2, 8);
	EXPECT_IOCTL(-EFAULT, self->vcpu->fd, KVM_GET_SREGS2, 8);
}

TEST_HARNESS_MAIN
