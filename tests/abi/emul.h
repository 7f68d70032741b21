/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For emul_*.c: a test of one instruction form on MMIO. The guest has the
 * device's address in RDI (in real mode: in DS and ES, and 0 in DI) and a
 * pattern in RAX, runs the form, keeps RAX in RBP and the flags in RBX, and
 * ends. The device has 16 bytes, all 0x22 unless said.
 */
#ifndef LODGE_TESTS_EMUL_H
#define LODGE_TESTS_EMUL_H

#include "test.h"

#define EMUL_RAX	0x8877665544332211ull
#define EMUL_MEM	0x2222222222222222ull
#define EMUL_FLAGS	0x8d5			/* OF SF ZF AF PF CF */

/* What is unlike the start; 0 in mem or rax means: as it was. */
struct emul {
	const struct abi_guest *guest;
	uint64_t start;		/* of the device, if not 0x22... */
	uint64_t mem, rax;
	uint32_t flags, flags_mask;
	bool may_fail;		/* KVM need not know the form either */
	unsigned int mode;
};

#define EMUL_BEGIN							\
	FIXTURE(emul) { struct abi_vcpu *vcpu; };			\
	FIXTURE_VARIANT(emul) { struct emul e; };			\
	FIXTURE_SETUP(emul) { }						\
	FIXTURE_TEARDOWN(emul) { }					\
	struct emul

#define EMUL(name, code, ...)						\
	GUEST64(e_##name, "mov $0xd0000, %edi\n"			\
		"movabs $0x8877665544332211, %rax\n"			\
		code "\n"						\
		"pushf; pop %rbx; mov %rax, %rbp\n" G_DONE);		\
	FIXTURE_VARIANT_ADD(emul, name) {				\
		{ .guest = &e_##name, .mode = ABI_LONG, ##__VA_ARGS__ } }

#define EMUL32(name, code, ...)						\
	GUEST32(e_##name, "mov $0xd0000, %edi; mov $0x44332211, %eax\n" \
		code "\n"						\
		"pushf; pop %ebx; mov %eax, %ebp\n" G_DONE);		\
	FIXTURE_VARIANT_ADD(emul, name) {				\
		{ .guest = &e_##name, .mode = ABI_PROT, ##__VA_ARGS__ } }

#define EMUL16(name, code, ...)						\
	GUEST16(e_##name, "mov $0xd000, %ax; mov %ax, %ds; mov %ax, %es\n" \
		"xor %edi, %edi; mov $0x44332211, %eax\n"		\
		code "\n"						\
		"pushfl; popl %ebx; mov %eax, %ebp\n" G_DONE);		\
	FIXTURE_VARIANT_ADD(emul, name) {				\
		{ .guest = &e_##name, .mode = ABI_REAL, ##__VA_ARGS__ } }

/* The device: reads from, or writes to, its 16 bytes. */
static inline bool emul_access(struct kvm_run *run, uint8_t *device)
{
	uint64_t at = run->mmio.phys_addr - ABI_MMIO;

	if (at > 16 || at + run->mmio.len > 16)
		return false;
	if (run->mmio.is_write)
		memcpy(device + at, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, device + at, run->mmio.len);
	return true;
}

#define EMUL_END							\
	TEST_F(emul, form)						\
	{								\
		const struct emul *e = &variant->e;			\
		struct abi_vcpu *vcpu = abi_boot(e->mode, e->guest);	\
		uint64_t start = e->start ? e->start : EMUL_MEM;	\
		uint64_t device[2] = { start, EMUL_MEM };		\
		uint64_t rax = e->rax ? e->rax : EMUL_RAX;		\
		struct kvm_regs regs;					\
									\
		while (abi_exit(vcpu) == KVM_EXIT_MMIO)			\
			ASSERT_TRUE(emul_access(vcpu->run,		\
						(uint8_t *)device));	\
		if (e->may_fail && vcpu->run->exit_reason ==		\
		    KVM_EXIT_INTERNAL_ERROR)				\
			SKIP(return, "not emulated");			\
		ASSERT_EQ(KVM_EXIT_IO, vcpu->run->exit_reason)		\
			abi_describe(vcpu);				\
		ASSERT_EQ(ABI_DONE, vcpu->run->io.port)			\
			abi_describe(vcpu);				\
		regs = abi_regs(vcpu);					\
		EXPECT_EQ(e->mem ? e->mem : start, device[0]);		\
		if (e->mode != ABI_LONG)				\
			rax &= 0xffffffff;				\
		EXPECT_EQ(rax, regs.rbp);				\
		EXPECT_EQ(e->flags, regs.rbx & e->flags_mask);		\
	}								\
	TEST_HARNESS_MAIN

#endif /* LODGE_TESTS_EMUL_H */
