// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_CREATE_VCPU and the descriptor it gives: numbers, mappings, lifetimes,
 * the process it belongs to.
 */
#include <signal.h>
#include <sys/wait.h>

#include "test.h"

GUEST16(done, G_DONE);

TEST(create)
{
	struct abi_vm *vm = abi_vm_create(0);
	int fd = abi_ok(vm->fd, KVM_CREATE_VCPU, 0);

	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
}

TEST(create_twice)
{
	struct abi_vm *vm = abi_vm_create(0);

	abi_ok(vm->fd, KVM_CREATE_VCPU, 0);
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_CREATE_VCPU, 0);
}

TEST(closed_vcpu_keeps_its_number)
{
	struct abi_vm *vm = abi_vm_create(0);

	close(abi_ok(vm->fd, KVM_CREATE_VCPU, 0));
	EXPECT_IOCTL(-EEXIST, vm->fd, KVM_CREATE_VCPU, 0);
}

TEST(number_out_of_range)
{
	struct abi_vm *vm = abi_vm_create(0);
	long max = abi_cap(vm->dev, KVM_CAP_MAX_VCPU_ID);

	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CREATE_VCPU, max);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CREATE_VCPU, -1);
	EXPECT_IOCTL(-EINVAL, vm->fd, KVM_CREATE_VCPU, 0x7fffffff);
}

TEST(sparse_numbers)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);

	EXPECT_LE(0, abi_ioctl(vm->fd, KVM_CREATE_VCPU, 5));
	EXPECT_LE(0, abi_ioctl(vm->fd, KVM_CREATE_VCPU, 63));
	EXPECT_LE(0, abi_ioctl(vm->fd, KVM_CREATE_VCPU, 0));
}

TEST(sixty_four)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = NULL;

	abi_load(vm, ABI_CODE, &done);
	for (int i = 0; i < 64; i++) {
		vcpu = abi_vcpu_create(vm, i);
		abi_vcpu_mode(vcpu, ABI_REAL);
		if (i) {
			struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };

			abi_ok(vcpu->fd, KVM_SET_MP_STATE, &state);
		}
		abi_done(vcpu);
	}
}

TEST(apic_id_is_the_number)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 7);
	struct kvm_lapic_state lapic;

	abi_ok(vcpu->fd, KVM_GET_LAPIC, &lapic);
	EXPECT_EQ(7 << 24, *(uint32_t *)(lapic.regs + 0x20));
}

TEST(bootstrap_processor_is_number_0)
{
	struct abi_vm *vm = abi_vm_create(ABI_IRQCHIP);
	struct abi_vcpu *ap = abi_vcpu_create(vm, 1);
	struct abi_vcpu *bsp = abi_vcpu_create(vm, 0);

	EXPECT_EQ(0xfee00900, abi_sregs(bsp).apic_base);
	EXPECT_EQ(0xfee00800, abi_sregs(ap).apic_base);
}

TEST(mapping)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	struct kvm_run *again;
	int copy;

	/* A second mapping through a copy of the descriptor, as Firecracker. */
	copy = dup(vcpu->fd);
	again = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     copy, 0);
	ASSERT_NE(MAP_FAILED, again);
	again->immediate_exit = 1;
	EXPECT_EQ(1, vcpu->run->immediate_exit);
	EXPECT_EQ(-EINTR, abi_run(vcpu));
}

TEST(mapping_of_parts)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	EXPECT_NE(MAP_FAILED,
		  mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, 0));
	EXPECT_NE(MAP_FAILED,
		  mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, 4096));
	EXPECT_NE(MAP_FAILED,
		  mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd, 8192));
}

/* Pages are given on access; beyond the last one there is nothing. */
TEST_SIGNAL(mapping_past_the_end, SIGBUS)
{
	struct abi_vm *vm = abi_vm_create(0);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);
	volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu->fd,
				5 * 4096);

	ASSERT_NE(MAP_FAILED, p);
	(void)*p;
}

TEST(vcpu_holds_the_vm)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);

	close(vcpu->vm->fd);
	close(vcpu->vm->dev);
	abi_done(vcpu);
}

TEST(mapping_holds_after_close)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);

	abi_done(vcpu);
	close(vcpu->fd);
	close(vcpu->vm->fd);
	EXPECT_EQ(KVM_EXIT_IO, vcpu->run->exit_reason);
}

/* A VM belongs to the process that made it: another one gets EIO. */
TEST(another_process)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);
	struct kvm_regs regs;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		int bad = 0;

		bad |= abi_ioctl(vcpu->fd, KVM_RUN, 0) != -EIO;
		bad |= abi_ioctlp(vcpu->fd, KVM_GET_REGS, &regs) != -EIO;
		bad |= abi_ioctl(vcpu->vm->fd, KVM_CREATE_VCPU, 1) != -EIO;
		bad |= abi_ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, 3) != -EIO;
		bad |= abi_ioctl(vcpu->vm->fd, 0x1234, 0) != -EIO;
		bad |= abi_slot(vcpu->vm, 1, 0, 1 << 20, 4096, &regs) != -EIO;
		/* The device itself is everybody's. */
		bad |= abi_ioctl(vcpu->vm->dev, KVM_GET_API_VERSION, 0) != 12;
		_exit(bad);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	abi_done(vcpu);
}

TEST(run_argument)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);

	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_RUN, 1);
	EXPECT_IOCTL(-EINVAL, vcpu->fd, KVM_RUN, vcpu->run);
	abi_done(vcpu);
}

TEST(sync_regs_refused_when_not_offered)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);
	int offered = abi_cap(vcpu->vm->dev, KVM_CAP_SYNC_REGS);

	vcpu->run->kvm_valid_regs = ~offered;
	EXPECT_EQ(-EINVAL, abi_run(vcpu));
	vcpu->run->kvm_valid_regs = 0;
	vcpu->run->kvm_dirty_regs = ~offered;
	EXPECT_EQ(-EINVAL, abi_run(vcpu));
	vcpu->run->kvm_dirty_regs = 0;
	abi_done(vcpu);
}

TEST(run_page_layout)
{
	struct abi_vcpu *vcpu = abi_boot(ABI_REAL, &done);
	struct kvm_run *run = vcpu->run;

	run->flags = 0xff;
	abi_done(vcpu);
	EXPECT_EQ(4096, run->io.data_offset);
	EXPECT_EQ(0, run->flags);
	EXPECT_EQ(0, run->if_flag);
	EXPECT_EQ(0, run->cr8);
	EXPECT_EQ(0xfee00900, run->apic_base);
}

TEST_HARNESS_MAIN
