// SPDX-License-Identifier: GPL-2.0
/*
 * The machine; see machine.h for who calls this. machine_wire() shows all of
 * it at once: which device is at which address and on which line.
 * Read next: vm.c and vcpu.c for the CPU side, dev/ for the devices.
 */
#include "machine.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "boot/boot.h"
#include "bus.h"
#include "cpuid.h"
#include "dev/acpi_pm.h"
#include "dev/pci.h"
#include "dev/rtc.h"
#include "dev/serial.h"
#include "dev/virtio_blk.h"
#include "err.h"
#include "jail.h"
#include "loop.h"
#include "mem.h"
#include "report.h"
#include "term.h"
#include "vcpu.h"
#include "vm.h"

struct lodge_machine {
	const struct lodge_config *config;

	/* Opened once. */
	struct lodge_boot_files files;
	struct kvm_cpuid2 *cpuid;
	struct lodge_loop loop;
	struct lodge_source stop_source, rtc_source;
	struct lodge_disk disk[LODGE_MAX_DISKS];

	/* Made anew for each start of the guest. */
	struct lodge_vm vm;
	struct lodge_mem mem;
	struct lodge_bus pio, mmio;
	struct lodge_serial serial;
	struct lodge_rtc rtc;
	struct lodge_acpi_pm pm;
	struct lodge_pci pci;
	struct lodge_virtio_host virtio;
	struct lodge_virtio_blk blk[LODGE_MAX_DISKS];
	struct lodge_vcpu_env env;
	struct lodge_vcpu vcpu[LODGE_MAX_CPUS];

	atomic_int outcome;
	atomic_bool stopping;
	int signal;
};

static bool machine_stop(void *ctx, enum lodge_outcome outcome)
{
	struct lodge_machine *m = ctx;
	int running = LODGE_RUNNING;

	if (!atomic_compare_exchange_strong(&m->outcome, &running, outcome))
		return false;
	atomic_store(&m->stopping, true);
	lodge_event_set(m->stop_source.fd);
	return true;
}

static void machine_power(void *ctx, enum lodge_power what)
{
	machine_stop(ctx, what == LODGE_POWER_OFF ? LODGE_OFF : LODGE_RESET);
}

static void machine_reset_port(void *ctx, uint8_t val)
{
	struct lodge_machine *m = ctx;

	lodge_acpi_reset_write(&m->pm, val);
}

static void machine_irq(void *ctx, unsigned int line, bool level)
{
	struct lodge_machine *m = ctx;

	lodge_vm_irq_line(&m->vm, line, level);
}

static void machine_stopped(void *ctx)
{
	struct lodge_machine *m = ctx;

	lodge_event_clear(m->stop_source.fd);
	m->loop.stop = true;
}

static void machine_output(void *ctx, uint8_t byte)
{
	(void)ctx;
	lodge_term_write(byte);
}

static void machine_wanted(void *ctx)
{
	(void)ctx;
	lodge_term_wanted();
}

static const struct lodge_serial_ops machine_serial_ops = {
	.output = machine_output,
	.wanted = machine_wanted,
};

static size_t machine_input(void *ctx, const uint8_t *data, size_t len)
{
	struct lodge_machine *m = ctx;

	return lodge_serial_input(&m->serial, data, len);
}

static void machine_quit(void *ctx, int sig)
{
	struct lodge_machine *m = ctx;

	m->signal = sig;
	machine_stop(m, LODGE_QUIT);
}

static const struct lodge_term_ops machine_term_ops = {
	.input = machine_input,
	.quit = machine_quit,
};

static int machine_msi_route(void *ctx, int handle, uint64_t addr,
			     uint32_t data)
{
	struct lodge_machine *m = ctx;

	return lodge_vm_msi_route(&m->vm, handle, addr, data);
}

static int machine_msi_connect(void *ctx, int fd, int handle)
{
	struct lodge_machine *m = ctx;

	return lodge_vm_irqfd(&m->vm, fd, handle);
}

static const struct lodge_msi_ops machine_msi_ops = {
	.route = machine_msi_route,
	.connect = machine_msi_connect,
};

static int machine_ioeventfd(void *ctx, int fd, uint64_t addr, bool on)
{
	struct lodge_machine *m = ctx;

	return lodge_vm_ioeventfd(&m->vm, fd, addr, on);
}

static int machine_disks(struct lodge_machine *m)
{
	unsigned int i;
	int ret = 0;

	m->virtio = (struct lodge_virtio_host){
		.mem = &m->mem, .loop = &m->loop, .pci = &m->pci,
		.msi = &machine_msi_ops, .ioeventfd = machine_ioeventfd,
		.ctx = m,
	};
	for (i = 0; i < m->config->nr_disks && !ret; i++)
		ret = lodge_virtio_blk_init(&m->blk[i], &m->virtio,
					    &m->disk[i], i, m->config->cpus);
	return ret;
}

/* The whole machine but for its CPUs and memory. */
static int machine_wire(struct lodge_machine *m)
{
	struct lodge_irq serial_irq = { machine_irq, m, LODGE_IRQ_SERIAL };
	struct lodge_irq rtc_irq = { machine_irq, m, LODGE_IRQ_RTC };
	struct lodge_bus *pio = &m->pio;
	int ret;

	lodge_bus_init(&m->pio);
	lodge_bus_init(&m->mmio);
	lodge_serial_init(&m->serial, &serial_irq, &machine_serial_ops, m);
	lodge_rtc_init(&m->rtc, &rtc_irq, NULL, m->rtc_source.fd);
	lodge_acpi_pm_init(&m->pm, machine_power, m);
	lodge_pci_init(&m->pci, &m->mmio, machine_reset_port, m);

	ret = lodge_bus_add(pio, LODGE_I8042_PORT, 1, lodge_i8042_io, &m->pm);
	if (!ret)
		ret = lodge_bus_add(pio, LODGE_RTC_PORT, LODGE_RTC_PORTS,
				    lodge_rtc_io, &m->rtc);
	if (!ret)
		ret = lodge_bus_add(pio, LODGE_SERIAL_PORT, LODGE_SERIAL_PORTS,
				    lodge_serial_io, &m->serial);
	if (!ret)
		ret = lodge_bus_add(pio, LODGE_PM_PORT, LODGE_PM_PORTS,
				    lodge_acpi_pm_io, &m->pm);
	if (!ret)
		ret = lodge_bus_add(pio, LODGE_PCI_PORT, LODGE_PCI_PORTS,
				    lodge_pci_io, &m->pci);
	if (!ret)
		ret = machine_disks(m);
	if (ret)
		lodge_err("cannot wire the machine: %s", strerror(-ret));
	return ret;
}

static int machine_memory(struct lodge_machine *m)
{
	int ret = lodge_mem_create(&m->mem, m->config->mem_size);

	if (ret)
		lodge_err("cannot reserve %llu MiB of memory: %s",
			  (unsigned long long)m->config->mem_size >> 20,
			  strerror(-ret));
	return ret;
}

static int machine_cpus(struct lodge_machine *m)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	unsigned int i;
	int ret;

	m->env = (struct lodge_vcpu_env){
		.pio = &m->pio, .mmio = &m->mmio, .mem = &m->mem,
		.name = m->config->name, .stop = machine_stop, .ctx = m,
		.stopping = &m->stopping,
	};
	for (i = 0; i < m->config->cpus; i++) {
		ret = lodge_vcpu_create(&m->vcpu[i], &m->env, &m->vm, m->cpuid,
					i, m->config->cpus);
		if (ret)
			return ret;
	}
	ret = lodge_vcpu_get_sregs(&m->vcpu[0], &sregs);
	if (ret)
		return ret;
	lodge_boot_regs(&m->files.img, &regs, &sregs);
	return lodge_vcpu_set_state(&m->vcpu[0], &regs, &sregs);
}

static int machine_build(struct lodge_machine *m)
{
	int ret;

	atomic_store(&m->outcome, LODGE_RUNNING);
	atomic_store(&m->stopping, false);
	ret = machine_memory(m);
	if (!ret)
		ret = lodge_boot_load(&m->files, &m->mem, m->config->append,
				      m->config->cpus);
	if (!ret)
		ret = lodge_vm_create(&m->vm, &m->mem);
	if (!ret)
		ret = machine_wire(m);
	if (!ret)
		ret = machine_cpus(m);
	return ret;
}

static void machine_teardown(struct lodge_machine *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus; i++)
		lodge_vcpu_destroy(&m->vcpu[i]);
	for (i = 0; i < m->config->nr_disks; i++)
		lodge_virtio_blk_fini(&m->blk[i]);
	lodge_vm_destroy(&m->vm);
	lodge_mem_destroy(&m->mem);
}

static int machine_go(struct lodge_machine *m)
{
	unsigned int i;
	int ret = 0;

	lodge_term_drop(false);
	for (i = 0; i < m->config->cpus && !ret; i++)
		ret = lodge_vcpu_start(&m->vcpu[i]);
	if (!ret) {
		m->loop.stop = false;
		ret = lodge_loop_run(&m->loop);
	}
	atomic_store(&m->stopping, true);
	lodge_term_drop(true);
	for (i = 0; i < m->config->cpus; i++)
		lodge_vcpu_kick(&m->vcpu[i]);
	for (i = 0; i < m->config->cpus; i++)
		lodge_vcpu_join(&m->vcpu[i]);
	return ret;
}

/* From power on to power off or reset. */
static enum lodge_outcome machine_once(struct lodge_machine *m)
{
	unsigned int i;
	int ret;

	for (i = 0; i < LODGE_MAX_CPUS; i++)
		m->vcpu[i].fd = -1;
	memset(m->blk, 0, sizeof(m->blk));
	ret = machine_build(m);
	if (!ret)
		ret = machine_go(m);
	machine_teardown(m);
	return ret ? LODGE_FAILED : atomic_load(&m->outcome);
}

static int machine_source(struct lodge_machine *m, struct lodge_source *src,
			  int fd, void (*fn)(void *ctx), void *ctx)
{
	if (fd < 0)
		return fd;
	*src = (struct lodge_source){ .fd = fd, .fn = fn, .ctx = ctx };
	return lodge_loop_add(&m->loop, src);
}

/* Whether all memory has an address that the guest's CPUs can form. */
static int machine_check_memory(const struct lodge_machine *m)
{
	uint64_t size = m->config->mem_size, end;
	unsigned int bits = lodge_cpuid_address_bits(m->cpuid);

	end = size <= LODGE_MEM_LOW_MAX ? size :
	      size - LODGE_MEM_LOW_MAX + LODGE_MEM_HIGH_BASE;
	if (end <= 1ull << bits)
		return 0;
	lodge_err("memory is too large: this processor's addresses have %u bits (--mem)",
		  bits);
	return -ENOMEM;
}

/* What must be there before the terminal changes its mode. */
static int machine_open(struct lodge_machine *m)
{
	const struct lodge_config *c = m->config;
	unsigned int max, i;
	int ret;

	ret = lodge_boot_open(&m->files, c->kernel, c->initrd);
	for (i = 0; i < c->nr_disks && !ret; i++)
		ret = lodge_disk_open(&m->disk[i], c->disk[i].path,
				      c->disk[i].readonly, true);
	if (!ret)
		ret = lodge_vm_open(&m->vm, c->device);
	if (ret)
		return ret;
	max = lodge_vm_max_cpus(&m->vm);
	if (c->cpus > max) {
		lodge_err("%s can give a guest %u CPUs, not %u", c->device,
			  max, c->cpus);
		return -EINVAL;
	}
	m->cpuid = lodge_vm_cpuid(&m->vm);
	if (!m->cpuid)
		return -EIO;
	ret = machine_check_memory(m);
	if (ret)
		return ret;

	ret = lodge_loop_init(&m->loop);
	if (!ret)
		ret = machine_source(m, &m->stop_source, lodge_event_new(),
				     machine_stopped, m);
	if (!ret)
		ret = machine_source(m, &m->rtc_source,
				     timerfd_create(CLOCK_MONOTONIC,
						    TFD_NONBLOCK | TFD_CLOEXEC),
				     lodge_rtc_expired, &m->rtc);
	if (ret)
		lodge_err("cannot wait for events: %s", strerror(-ret));
	return ret;
}

static void machine_close(struct lodge_machine *m)
{
	unsigned int i;

	for (i = 0; i < m->config->nr_disks; i++)
		lodge_disk_close(&m->disk[i]);
	close(m->rtc_source.fd);
	close(m->stop_source.fd);
	lodge_loop_fini(&m->loop);
	free(m->cpuid);
	lodge_vm_close(&m->vm);
	lodge_boot_close(&m->files);
}

static int machine_status(const struct lodge_machine *m,
			  enum lodge_outcome outcome)
{
	if (outcome == LODGE_QUIT && m->signal)
		return 128 + m->signal;
	return outcome == LODGE_OFF || outcome == LODGE_QUIT ?
	       LODGE_STATUS_OK : LODGE_STATUS_FAILED;
}

int lodge_machine_run(const struct lodge_config *config)
{
	enum lodge_outcome outcome = LODGE_FAILED;
	struct lodge_machine *m;
	unsigned int i;
	int ret;

	m = calloc(1, sizeof(*m));
	if (!m) {
		lodge_err("out of memory");
		return LODGE_STATUS_FAILED;
	}
	m->config = config;
	m->files.kernel_fd = m->files.initrd_fd = -1;
	m->vm.sysfd = m->vm.fd = -1;
	for (i = 0; i < LODGE_MAX_DISKS; i++)
		m->disk[i].fd = -1;
	m->loop.epfd = m->stop_source.fd = m->rtc_source.fd = -1;

	ret = machine_open(m);
	if (!ret) {
		ret = lodge_term_start(&m->loop, &machine_term_ops, m);
		if (ret)
			lodge_err("cannot use standard input and output: %s",
				  strerror(-ret));
	}
	if (!ret && !config->no_jail) {
		ret = lodge_jail_enter();
		if (ret)
			lodge_err("cannot restrict the launcher (--no-jail does without): %s",
				  strerror(-ret));
	}
	if (!ret) {
		do {
			outcome = machine_once(m);
		} while (outcome == LODGE_RESET);
	}
	lodge_term_stop();
	machine_close(m);
	ret = machine_status(m, outcome);
	free(m);
	return ret;
}
