// SPDX-License-Identifier: GPL-2.0
/*
 * System and VM ioctls; see vm.h for who calls this.
 * Read next: vcpu.c, the third kind of descriptor.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "err.h"

/* Three pages the hypervisor may want for real mode on older Intel CPUs. */
#define VM_TSS_ADDR		0xfffbd000u
#define VM_IDENTITY_ADDR	0xfffbc000ull

#define VM_PIC_PINS		16
#define VM_IOAPIC_PINS		24
#define VM_CPUID_ENTRIES	256

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	int cap;
	const char *name;
} vm_needs[] = {
	{ KVM_CAP_USER_MEMORY, "guest memory (KVM_CAP_USER_MEMORY)" },
	{ KVM_CAP_IRQCHIP, "interrupt chips (KVM_CAP_IRQCHIP)" },
	{ KVM_CAP_PIT2, "an interval timer (KVM_CAP_PIT2)" },
	{ KVM_CAP_EXT_CPUID, "CPUID tables (KVM_CAP_EXT_CPUID)" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_IRQ_ROUTING, "interrupt routing (KVM_CAP_IRQ_ROUTING)" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

static int vm_open_error(const char *device, int err)
{
	switch (err) {
	case ENOENT:
		lodge_err("%s does not exist: is the module loaded? (modprobe lodge)",
			  device);
		break;
	case ENODEV:
	case ENXIO:
		lodge_err("nothing is behind %s: is the module loaded? (modprobe lodge)",
			  device);
		break;
	case EACCES:
	case EPERM:
		lodge_err("no permission to open %s: be root or in its group (usually kvm)",
			  device);
		break;
	default:
		lodge_err("cannot open %s: %s", device, strerror(err));
	}
	return -err;
}

static int vm_check(struct lodge_vm *vm, const char *device)
{
	int version = ioctl(vm->sysfd, KVM_GET_API_VERSION, 0);
	size_t i;

	if (version < 0) {
		lodge_err("%s is not a hypervisor's device", device);
		return -ENOTTY;
	}
	if (version != KVM_API_VERSION) {
		lodge_err("%s speaks version %d of the KVM interface, not %d",
			  device, version, KVM_API_VERSION);
		return -EPROTO;
	}
	for (i = 0; i < ARRAY_SIZE(vm_needs); i++) {
		if (ioctl(vm->sysfd, KVM_CHECK_EXTENSION, vm_needs[i].cap) > 0)
			continue;
		lodge_err("%s lacks %s", device, vm_needs[i].name);
		return -EOPNOTSUPP;
	}
	vm->tsc_deadline = ioctl(vm->sysfd, KVM_CHECK_EXTENSION,
				 KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	return 0;
}

int lodge_vm_open(struct lodge_vm *vm, const char *device)
{
	int size;

	memset(vm, 0, sizeof(*vm));
	vm->fd = -1;
	vm->sysfd = open(device, O_RDWR | O_CLOEXEC);
	if (vm->sysfd < 0)
		return vm_open_error(device, errno);
	if (vm_check(vm, device))
		goto err_close;
	size = ioctl(vm->sysfd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run)) {
		lodge_err("%s offers too small a vCPU area (%d bytes)",
			  device, size);
		goto err_close;
	}
	vm->run_size = size;
	pthread_mutex_init(&vm->routes_lock, NULL);
	return 0;

err_close:
	close(vm->sysfd);
	vm->sysfd = -1;
	return -ENODEV;
}

unsigned int lodge_vm_max_cpus(const struct lodge_vm *vm)
{
	int n = ioctl(vm->sysfd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (n <= 0)
		n = ioctl(vm->sysfd, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	return n > 0 ? n : 4;
}

static void vm_route_chip(struct lodge_vm *vm, unsigned int gsi,
			  unsigned int chip, unsigned int pin)
{
	vm->routes->entries[vm->routes->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* The lines of a PC: to the pair of PICs and to the I/O APIC at once. */
static int vm_route_lines(struct lodge_vm *vm)
{
	unsigned int gsi, slots = VM_PIC_PINS + VM_IOAPIC_PINS + LODGE_VM_GSIS;

	vm->routes = calloc(1, sizeof(*vm->routes) +
			    slots * sizeof(vm->routes->entries[0]));
	if (!vm->routes)
		return -ENOMEM;
	for (gsi = 0; gsi < VM_PIC_PINS; gsi++)
		if (gsi != 2)
			vm_route_chip(vm, gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
				      KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
	/* The timer comes in at pin 2, as the MADT says. */
	for (gsi = 0; gsi < VM_IOAPIC_PINS; gsi++)
		if (gsi != 2)
			vm_route_chip(vm, gsi, KVM_IRQCHIP_IOAPIC,
				      gsi ? gsi : 2);
	vm->next_gsi = LODGE_VM_GSI_MSI;
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, vm->routes) ? -errno : 0;
}

static int vm_add_memory(struct lodge_vm *vm, const struct lodge_mem *mem)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = mem->region[i].gpa,
			.memory_size = mem->region[i].size,
			.userspace_addr = (uintptr_t)mem->region[i].host,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot))
			return -errno;
	}
	return 0;
}

static int vm_ioctl(struct lodge_vm *vm, unsigned long cmd, void *arg,
		    const char *what)
{
	int ret = ioctl(vm->fd, cmd, arg) < 0 ? -errno : 0;

	if (ret)
		lodge_err("the hypervisor refuses %s: %s", what,
			  strerror(-ret));
	return ret;
}

static int vm_setup(struct lodge_vm *vm, const struct lodge_mem *mem)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = VM_IDENTITY_ADDR;
	int ret;

	ret = vm_ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity,
		       "KVM_SET_IDENTITY_MAP_ADDR");
	if (!ret)
		ret = vm_ioctl(vm, KVM_SET_TSS_ADDR, (void *)(uintptr_t)
			       VM_TSS_ADDR, "KVM_SET_TSS_ADDR");
	if (!ret)
		ret = vm_ioctl(vm, KVM_CREATE_IRQCHIP, NULL,
			       "KVM_CREATE_IRQCHIP");
	if (!ret)
		ret = vm_ioctl(vm, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2");
	if (ret)
		return ret;
	ret = vm_route_lines(vm);
	if (ret) {
		lodge_err("cannot route interrupts: %s", strerror(-ret));
		return ret;
	}
	ret = vm_add_memory(vm, mem);
	if (ret)
		lodge_err("the hypervisor refuses guest memory: %s",
			  strerror(-ret));
	return ret;
}

int lodge_vm_create(struct lodge_vm *vm, const struct lodge_mem *mem)
{
	int ret;

	do {
		vm->fd = ioctl(vm->sysfd, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0) {
		ret = -errno;
		lodge_err("cannot create a VM: %s", ret == -EBUSY ?
			  "another hypervisor holds the processor" :
			  strerror(-ret));
		return ret;
	}
	ret = vm_setup(vm, mem);
	if (ret)
		lodge_vm_destroy(vm);
	return ret;
}

void lodge_vm_destroy(struct lodge_vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
	free(vm->routes);
	vm->routes = NULL;
}

void lodge_vm_close(struct lodge_vm *vm)
{
	if (vm->sysfd < 0)
		return;
	lodge_vm_destroy(vm);
	close(vm->sysfd);
	vm->sysfd = -1;
}

void lodge_vm_irq_line(struct lodge_vm *vm, unsigned int line, bool level)
{
	struct kvm_irq_level irq = { .irq = line, .level = level };

	ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

static struct kvm_irq_routing_entry *vm_find_msi(struct lodge_vm *vm,
						 unsigned int gsi)
{
	unsigned int i;

	for (i = 0; i < vm->routes->nr; i++)
		if (vm->routes->entries[i].gsi == gsi)
			return &vm->routes->entries[i];
	return NULL;
}

static int vm_msi_route_locked(struct lodge_vm *vm, unsigned int gsi,
			       uint64_t addr, uint32_t data)
{
	struct kvm_irq_routing_entry *entry;

	if (gsi) {
		entry = vm_find_msi(vm, gsi);
		if (!entry)
			return -ENOENT;
	} else {
		if (vm->next_gsi == LODGE_VM_GSI_MSI + LODGE_VM_GSIS)
			return -ENOSPC;
		gsi = vm->next_gsi++;
		entry = &vm->routes->entries[vm->routes->nr++];
	}
	*entry = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {
			.address_lo = addr,
			.address_hi = addr >> 32,
			.data = data,
		},
	};
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, vm->routes))
		return -errno;
	return gsi;
}

int lodge_vm_msi_route(struct lodge_vm *vm, unsigned int gsi, uint64_t addr,
		       uint32_t data)
{
	int ret;

	pthread_mutex_lock(&vm->routes_lock);
	ret = vm_msi_route_locked(vm, gsi, addr, data);
	pthread_mutex_unlock(&vm->routes_lock);
	return ret;
}

int lodge_vm_irqfd(struct lodge_vm *vm, int fd, unsigned int gsi)
{
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = gsi };

	return ioctl(vm->fd, KVM_IRQFD, &irqfd) ? -errno : 0;
}

int lodge_vm_ioeventfd(struct lodge_vm *vm, int fd, uint64_t addr, bool on)
{
	struct kvm_ioeventfd io = {
		.addr = addr,
		.len = 2,
		.fd = fd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &io) ? -errno : 0;
}

struct kvm_cpuid2 *lodge_vm_cpuid(const struct lodge_vm *vm)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) +
		       VM_CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid) {
		lodge_err("out of memory");
		return NULL;
	}
	cpuid->nent = VM_CPUID_ENTRIES;
	if (ioctl(vm->sysfd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		lodge_err("KVM_GET_SUPPORTED_CPUID failed: %s",
			  strerror(errno));
		free(cpuid);
		return NULL;
	}
	return cpuid;
}
