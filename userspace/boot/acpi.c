// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables: how many CPUs, where the interrupt chips are, how to power
 * off and reset; see boot.h for who calls this.
 *
 * Follows the ACPI specification's "ACPI Software Programming Model". All
 * tables lie in the reserved stretch below 1 MiB.
 * Read next: boot/dsdt.asl, the table that is a program.
 */
#include "boot.h"

#include <assert.h>
#include <string.h>

#include "../dev/acpi_pm.h"
#include "../dev/irq.h"
#include "dsdt.hex"

#define ACPI_LAPIC_ADDR		0xfee00000u
#define ACPI_IOAPIC_ADDR	0xfec00000u

#define ACPI_SPACE_IO		1
#define ACPI_ACCESS_BYTE	1
#define ACPI_ACCESS_WORD	2
#define ACPI_ACCESS_DWORD	3

/* FADT flags: what there is, and which fixed events there are not. */
#define FADT_WBINVD		(1u << 0)
#define FADT_C1			(1u << 2)
#define FADT_NO_POWER_BUTTON	(1u << 4)
#define FADT_NO_SLEEP_BUTTON	(1u << 5)
#define FADT_NO_FIXED_RTC	(1u << 6)
#define FADT_TIMER_32BIT	(1u << 8)
#define FADT_RESET_REGISTER	(1u << 10)
/* There is a serial port and a CMOS clock; no keyboard controller, no VGA. */
#define FADT_BOOT_LEGACY	(1u << 0)
#define FADT_BOOT_NO_VGA	(1u << 2)
#define FADT_BOOT_NO_ASPM	(1u << 4)

#define MADT_PCAT_COMPAT	1
#define MADT_ENABLED		1
/* Active high; level or edge as on an ISA bus. */
#define MADT_LEVEL_HIGH		0x000d

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_gas {
	uint8_t space;
	uint8_t bits;
	uint8_t offset;
	uint8_t access;
	uint64_t address;
} __attribute__((packed));

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t checksum_all;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header head;
	uint64_t table[2];
} __attribute__((packed));

struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t waking_vector64;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));

struct acpi_fadt {
	struct acpi_header head;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t profile;
	uint16_t sci_irq;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr;
	uint32_t gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
	uint8_t gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt;
	struct acpi_gas x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
	struct acpi_gas sleep_control, sleep_status;
	uint64_t hypervisor;
} __attribute__((packed));

struct madt_lapic {
	uint8_t type, length, uid, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));

struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_lapic_nmi {
	uint8_t type, length, uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

struct acpi_madt {
	struct acpi_header head;
	uint32_t lapic;
	uint32_t flags;
	struct madt_ioapic ioapic;
	struct madt_override timer, sci;
	struct madt_lapic_nmi nmi;
	struct madt_lapic cpu[];
} __attribute__((packed));

static_assert(sizeof(struct acpi_header) == 36, "as the specification has it");
static_assert(sizeof(struct acpi_rsdp) == 36, "as the specification has it");
static_assert(sizeof(struct acpi_facs) == 64, "as the specification has it");
static_assert(sizeof(struct acpi_fadt) == 276, "as the specification has it");

/* Tables are laid down one after the other. */
struct acpi_pen {
	const struct lodge_mem *mem;
	uint64_t at;
};

static void *acpi_place(struct acpi_pen *pen, uint64_t size, uint64_t *gpa)
{
	void *p;

	/* A FACS must be aligned to 64 bytes; the others do not mind. */
	*gpa = (pen->at + 63) & ~63ull;
	pen->at = *gpa + size;
	assert(pen->at <= LODGE_BOOT_ACPI_END);
	p = lodge_mem_ptr(pen->mem, *gpa, size);
	memset(p, 0, size);
	return p;
}

static uint8_t acpi_sum(const void *table, size_t len)
{
	const uint8_t *p = table;
	uint8_t sum = 0;

	while (len--)
		sum += *p++;
	return -sum;
}

static void acpi_seal(struct acpi_header *head, const char *signature,
		      uint8_t revision, uint32_t length)
{
	memcpy(head->signature, signature, 4);
	head->length = length;
	head->revision = revision;
	memcpy(head->oem_id, "LODGE ", 6);
	memcpy(head->oem_table_id, "LODGE   ", 8);
	head->oem_revision = 1;
	memcpy(head->creator_id, "LDGE", 4);
	head->creator_revision = 1;
	head->checksum = 0;
	head->checksum = acpi_sum(head, length);
}

static struct acpi_gas acpi_port(uint16_t port, unsigned int bytes)
{
	return (struct acpi_gas){
		.space = ACPI_SPACE_IO,
		.bits = bytes * 8,
		.access = bytes == 1 ? ACPI_ACCESS_BYTE :
			  bytes == 2 ? ACPI_ACCESS_WORD : ACPI_ACCESS_DWORD,
		.address = port,
	};
}

static uint64_t acpi_write_dsdt(struct acpi_pen *pen)
{
	uint64_t gpa;

	memcpy(acpi_place(pen, sizeof(dsdt_aml_code), &gpa), dsdt_aml_code,
	       sizeof(dsdt_aml_code));
	return gpa;
}

static uint64_t acpi_write_facs(struct acpi_pen *pen)
{
	struct acpi_facs *facs;
	uint64_t gpa;

	facs = acpi_place(pen, sizeof(*facs), &gpa);
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return gpa;
}

static uint64_t acpi_write_fadt(struct acpi_pen *pen)
{
	uint64_t dsdt = acpi_write_dsdt(pen), facs = acpi_write_facs(pen), gpa;
	struct acpi_fadt *fadt = acpi_place(pen, sizeof(*fadt), &gpa);

	fadt->facs = facs;
	fadt->x_facs = 0;	/* one of the two, as the specification asks */
	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci_irq = LODGE_IRQ_SCI;
	fadt->pm1a_evt = LODGE_PM_EVENT;
	fadt->pm1_evt_len = 4;
	fadt->x_pm1a_evt = acpi_port(LODGE_PM_EVENT, 4);
	fadt->x_pm1a_evt.access = ACPI_ACCESS_WORD;
	fadt->pm1a_cnt = LODGE_PM_CONTROL;
	fadt->pm1_cnt_len = 2;
	fadt->x_pm1a_cnt = acpi_port(LODGE_PM_CONTROL, 2);
	fadt->pm_tmr = LODGE_PM_TIMER;
	fadt->pm_tmr_len = 4;
	fadt->x_pm_tmr = acpi_port(LODGE_PM_TIMER, 4);
	fadt->c2_latency = 0xffff;	/* neither C2 nor C3 */
	fadt->c3_latency = 0xffff;
	fadt->century = 0x32;
	fadt->boot_arch = FADT_BOOT_LEGACY | FADT_BOOT_NO_VGA |
			  FADT_BOOT_NO_ASPM;
	fadt->flags = FADT_WBINVD | FADT_C1 | FADT_NO_POWER_BUTTON |
		      FADT_NO_SLEEP_BUTTON | FADT_NO_FIXED_RTC |
		      FADT_TIMER_32BIT | FADT_RESET_REGISTER;
	fadt->reset_reg = acpi_port(LODGE_RESET_PORT, 1);
	fadt->reset_value = LODGE_RESET_VALUE;
	acpi_seal(&fadt->head, "FACP", 6, sizeof(*fadt));
	return gpa;
}

static uint64_t acpi_write_madt(struct acpi_pen *pen, unsigned int cpus)
{
	uint32_t size = sizeof(struct acpi_madt) +
			cpus * sizeof(struct madt_lapic);
	struct acpi_madt *madt;
	unsigned int i;
	uint64_t gpa;

	madt = acpi_place(pen, size, &gpa);
	madt->lapic = ACPI_LAPIC_ADDR;
	madt->flags = MADT_PCAT_COMPAT;
	madt->ioapic = (struct madt_ioapic){
		.type = 1, .length = sizeof(madt->ioapic),
		.address = ACPI_IOAPIC_ADDR,
	};
	madt->timer = (struct madt_override){
		.type = 2, .length = sizeof(madt->timer), .irq = 0, .gsi = 2,
	};
	madt->sci = (struct madt_override){
		.type = 2, .length = sizeof(madt->sci), .irq = LODGE_IRQ_SCI,
		.gsi = LODGE_IRQ_SCI, .flags = MADT_LEVEL_HIGH,
	};
	madt->nmi = (struct madt_lapic_nmi){
		.type = 4, .length = sizeof(madt->nmi), .uid = 0xff, .lint = 1,
	};
	for (i = 0; i < cpus; i++)
		madt->cpu[i] = (struct madt_lapic){
			.type = 0, .length = sizeof(madt->cpu[i]),
			.uid = i, .apic_id = i, .flags = MADT_ENABLED,
		};
	acpi_seal(&madt->head, "APIC", 5, size);
	return gpa;
}

uint64_t lodge_boot_acpi(const struct lodge_mem *mem, unsigned int cpus)
{
	struct acpi_pen pen = { .mem = mem, .at = LODGE_BOOT_ACPI };
	struct acpi_rsdp *rsdp;
	struct acpi_xsdt *xsdt;
	uint64_t gpa, xsdt_gpa;

	rsdp = acpi_place(&pen, sizeof(*rsdp), &gpa);
	xsdt = acpi_place(&pen, sizeof(*xsdt), &xsdt_gpa);
	xsdt->table[0] = acpi_write_fadt(&pen);
	xsdt->table[1] = acpi_write_madt(&pen, cpus);
	acpi_seal(&xsdt->head, "XSDT", 1, sizeof(*xsdt));

	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "LODGE ", 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt_gpa;
	rsdp->checksum = acpi_sum(rsdp, 20);
	rsdp->checksum_all = acpi_sum(rsdp, sizeof(*rsdp));
	return gpa;
}
