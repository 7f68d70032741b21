// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' library: device, VM, memory, vCPU, running until the guest says
 * something. Called by every test; the modes are in lib_mode.c, threads in
 * lib_thread.c, the contracts in abi.h.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi.h"

void abi_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "# abi: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

const char *abi_device(void)
{
	const char *path = getenv("LODGE_DEVICE");

	return path ? path : "/dev/lodge";
}

int abi_open(void)
{
	int fd = open(abi_device(), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abi_die("open %s: %s", abi_device(), strerror(errno));
	return fd;
}

int abi_ioctl(int fd, unsigned long cmd, unsigned long arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int __abi_ok(int fd, unsigned long cmd, unsigned long arg, const char *name,
	     const char *file, int line)
{
	int ret;

	/* A signal may end any of them early, as KVM_CREATE_VM. */
	do {
		ret = abi_ioctl(fd, cmd, arg);
	} while (ret == -EINTR);
	if (ret < 0)
		abi_die("%s:%d: %s: %s", file, line, name, strerror(-ret));
	return ret;
}

int abi_cap(int fd, long cap)
{
	return abi_ioctl(fd, KVM_CHECK_EXTENSION, cap);
}

void abi_need_caps(int fd, const int *caps)
{
	for (; *caps >= 0; caps++)
		if (abi_cap(fd, *caps) <= 0)
			abi_die("no capability %d", *caps);
}

int abi_enable(int fd, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap e = { .cap = cap, .args[0] = arg };

	return abi_ioctlp(fd, KVM_ENABLE_CAP, &e);
}

bool abi_intel(void)
{
	unsigned int max, b, c, d;

	__cpuid(0, max, b, c, d);
	return b == signature_INTEL_ebx;
}

void *abi_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abi_die("mmap of %zu bytes: %s", size, strerror(errno));
	return p;
}

int abi_slot(struct abi_vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	     uint64_t size, void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (unsigned long)hva,
	};

	return abi_ioctlp(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

struct abi_vm *abi_vm_create(unsigned int flags)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct abi_vm *vm = calloc(1, sizeof(*vm));

	vm->flags = flags;
	vm->dev = abi_open();
	vm->fd = abi_ok(vm->dev, KVM_CREATE_VM, 0);
	abi_ok(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000);
	if (flags & ABI_IRQCHIP)
		abi_ok(vm->fd, KVM_CREATE_IRQCHIP, 0);
	if (flags & ABI_PIT)
		abi_ok(vm->fd, KVM_CREATE_PIT2, &pit);
	if (flags & ABI_SPLIT && abi_enable(vm->fd, KVM_CAP_SPLIT_IRQCHIP, 24))
		abi_die("split irqchip");
	if (!(flags & ABI_NOMEM)) {
		int ret;

		vm->mem = abi_map(ABI_MEM_SIZE);
		ret = abi_slot(vm, 0, 0, 0, ABI_MEM_SIZE, vm->mem);
		if (ret)
			abi_die("memory slot 0: %s", strerror(-ret));
	}
	return vm;
}

struct kvm_cpuid2 *abi_cpuid(int fd)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	cpuid->nent = 256;
	abi_ok(fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	return cpuid;
}

struct kvm_cpuid_entry2 *abi_cpuid_find(struct kvm_cpuid2 *cpuid,
					uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

struct abi_vcpu *abi_vcpu_create(struct abi_vm *vm, int id)
{
	struct abi_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	struct kvm_cpuid2 *cpuid = abi_cpuid(vm->dev);
	struct kvm_cpuid_entry2 *leaf = abi_cpuid_find(cpuid, 1, 0);

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = abi_ok(vm->fd, KVM_CREATE_VCPU, id);
	vcpu->run_size = abi_ok(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		abi_die("mmap of vCPU %d: %s", id, strerror(errno));
	if (leaf)
		leaf->ebx = (leaf->ebx & 0x00ffffff) | (uint32_t)id << 24;
	abi_ok(vcpu->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return vcpu;
}

void abi_load(struct abi_vm *vm, uint64_t gpa, const struct abi_guest *guest)
{
	memcpy(vm->mem + gpa, guest->start, guest->end - guest->start);
}

void abi_start_at(struct abi_vcpu *vcpu, uint64_t gpa,
		  const struct abi_guest *guest)
{
	struct kvm_regs regs;

	abi_vcpu_mode(vcpu, ABI_LONG);
	abi_load(vcpu->vm, gpa, guest);
	regs = abi_regs(vcpu);
	regs.rip = gpa;
	abi_set_regs(vcpu, &regs);
}

struct abi_vcpu *abi_boot(unsigned int flags, const struct abi_guest *guest)
{
	struct abi_vm *vm = abi_vm_create(flags);
	struct abi_vcpu *vcpu = abi_vcpu_create(vm, 0);

	abi_load(vm, ABI_CODE, guest);
	abi_vcpu_mode(vcpu, flags);
	return vcpu;
}

int abi_run(struct abi_vcpu *vcpu)
{
	return abi_ioctl(vcpu->fd, KVM_RUN, 0);
}

unsigned int abi_exit(struct abi_vcpu *vcpu)
{
	int ret;

	do {
		ret = abi_run(vcpu);
	} while (ret == -EAGAIN || ret == -EINTR);
	if (ret) {
		abi_describe(vcpu);
		abi_die("KVM_RUN: %s", strerror(-ret));
	}
	return vcpu->run->exit_reason;
}

uint32_t abi_until(struct abi_vcpu *vcpu, uint16_t port)
{
	struct kvm_run *run = vcpu->run;
	uint32_t value = 0;

	if (abi_exit(vcpu) != KVM_EXIT_IO ||
	    run->io.direction != KVM_EXIT_IO_OUT || run->io.port != port) {
		abi_describe(vcpu);
		abi_die("expected a write to port %#x", port);
	}
	memcpy(&value, (uint8_t *)run + run->io.data_offset, run->io.size);
	return value;
}

void abi_pending(struct abi_vcpu *vcpu)
{
	int ret;

	vcpu->run->immediate_exit = 1;
	ret = abi_run(vcpu);
	vcpu->run->immediate_exit = 0;
	if (ret != -EINTR)
		abi_die("KVM_RUN with immediate_exit: %d", ret);
}

static void describe_exit(struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		fprintf(stderr, "# abi: IO %s port %#x size %u count %u\n",
			run->io.direction ? "out" : "in", run->io.port,
			run->io.size, run->io.count);
		break;
	case KVM_EXIT_MMIO:
		fprintf(stderr, "# abi: MMIO %s %#llx len %u data %#llx\n",
			run->mmio.is_write ? "write" : "read",
			run->mmio.phys_addr, run->mmio.len,
			*(unsigned long long *)run->mmio.data);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		fprintf(stderr, "# abi: internal error %u ndata %u\n",
			run->internal.suberror, run->internal.ndata);
		for (uint32_t i = 0; i < run->internal.ndata && i < 16; i++)
			fprintf(stderr, "# abi:   data[%u] %#llx\n", i,
				run->internal.data[i]);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		fprintf(stderr, "# abi: fail entry, reason %#llx\n",
			run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		fprintf(stderr, "# abi: exit reason %u\n", run->exit_reason);
	}
}

void abi_describe(struct abi_vcpu *vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t at;

	describe_exit(vcpu->run);
	if (abi_ioctlp(vcpu->fd, KVM_GET_REGS, &regs) ||
	    abi_ioctlp(vcpu->fd, KVM_GET_SREGS, &sregs))
		return;
	fprintf(stderr, "# abi: vcpu %d rip %#llx rsp %#llx rflags %#llx\n",
		vcpu->id, regs.rip, regs.rsp, regs.rflags);
	fprintf(stderr, "# abi: rax %#llx rbx %#llx rcx %#llx rdx %#llx\n",
		regs.rax, regs.rbx, regs.rcx, regs.rdx);
	fprintf(stderr, "# abi: cs %#x cr0 %#llx cr2 %#llx efer %#llx\n",
		sregs.cs.selector, sregs.cr0, sregs.cr2, sregs.efer);
	at = sregs.cs.base + regs.rip;
	if (!vcpu->vm->mem || at >= ABI_MEM_SIZE - 8)
		return;
	fprintf(stderr, "# abi: code");
	for (int i = 0; i < 8; i++)
		fprintf(stderr, " %02x", vcpu->vm->mem[at + i]);
	fprintf(stderr, "\n");
}

struct kvm_regs abi_regs(struct abi_vcpu *vcpu)
{
	struct kvm_regs regs;

	abi_ok(vcpu->fd, KVM_GET_REGS, &regs);
	return regs;
}

void abi_set_regs(struct abi_vcpu *vcpu, const struct kvm_regs *regs)
{
	abi_ok(vcpu->fd, KVM_SET_REGS, regs);
}

struct kvm_sregs abi_sregs(struct abi_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	abi_ok(vcpu->fd, KVM_GET_SREGS, &sregs);
	return sregs;
}

void abi_set_sregs(struct abi_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	abi_ok(vcpu->fd, KVM_SET_SREGS, sregs);
}

struct kvm_vcpu_events abi_events(struct abi_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	abi_ok(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	return events;
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

int abi_msr_get(int fd, uint32_t index, uint64_t *value)
{
	struct one_msr msr = {
		.head.nmsrs = 1,
		.entry.index = index,
	};
	int ret = abi_ioctlp(fd, KVM_GET_MSRS, &msr);

	*value = msr.entry.data;
	return ret;
}

int abi_msr_set(int fd, uint32_t index, uint64_t value)
{
	struct one_msr msr = {
		.head.nmsrs = 1,
		.entry.index = index,
		.entry.data = value,
	};

	return abi_ioctlp(fd, KVM_SET_MSRS, &msr);
}
