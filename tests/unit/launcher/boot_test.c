// SPDX-License-Identifier: GPL-2.0
/*
 * Booting: the header of a bzImage, where things go, the ACPI tables.
 * Called by main.c. Read next: userspace/boot/boot.h.
 */
#include <string.h>
#include <unistd.h>

#include "../ktap.h"
#include "boot/boot.h"
#include "dev/acpi_pm.h"
#include "dev/pci.h"
#include "dev/rtc.h"
#include "dev/serial.h"
#include "tests.h"

#define MIB	(1024 * 1024ull)

/* A bzImage of one setup sector and one page of code. */
static uint8_t image[0x200 * 2 + 0x1000];

static struct setup_header *make_image(void)
{
	struct setup_header *h = (void *)(image + 0x1f1);

	memset(image, 0, sizeof(image));
	h->setup_sects = 1;
	h->boot_flag = 0xaa55;
	h->jump = 0x66eb;
	h->header = 0x53726448;
	h->version = 0x020f;
	h->loadflags = LOADED_HIGH;
	h->xloadflags = XLF_KERNEL_64;
	h->initrd_addr_max = 0x7fffffff;
	h->pref_address = 16 * MIB;
	h->init_size = 4 * MIB;
	h->syssize = 0x100;
	h->cmdline_size = 2047;
	return h;
}

static struct lodge_bzimage img;

static const char *parse(void)
{
	return lodge_bzimage_parse(&img, image, 4096, sizeof(image));
}

void test_boot_parse(void)
{
	struct setup_header *h = make_image();

	CHECK(!parse());
	CHECK_EQ(img.payload, 0x400);
	CHECK_EQ(img.payload_size, 0x1000);
	CHECK_EQ(img.load, 16 * MIB);
	CHECK_EQ(img.end, 20 * MIB);
	CHECK_EQ(img.hdr.cmdline_size, 2047);

	/* What lies behind the header's stated end is not believed. */
	h->jump = 0x5eeb;
	CHECK(!parse());
	CHECK_EQ(img.hdr.init_size, 0);
	CHECK_EQ(img.end, 16 * MIB + 0x1000);

	h = make_image();
	h->setup_sects = 0;
	h->syssize = 0;
	CHECK(!parse());
	CHECK_EQ(img.payload, 5 * 512);
	h->setup_sects = 255;
	CHECK(parse());

	make_image()->header = 0;
	CHECK(!strcmp(parse(), "is not a bzImage"));
	make_image()->boot_flag = 0;
	CHECK(!strcmp(parse(), "is not a bzImage"));
	make_image()->version = 0x020b;
	CHECK(parse());
	make_image()->loadflags = 0;
	CHECK(parse());
	make_image()->xloadflags = 0;
	CHECK(strstr(parse(), "32-bit"));
	make_image()->syssize = 0xffffffff;
	CHECK(strstr(parse(), "cut short"));
	make_image()->pref_address = 0x1000;
	CHECK(parse());
	make_image()->pref_address = UINT64_MAX;
	CHECK(parse());
	make_image();
	CHECK(lodge_bzimage_parse(&img, image, 0x200, 0x200));
	CHECK(lodge_bzimage_parse(&img, image, 0, 0));
}

void test_boot_place(void)
{
	make_image();
	CHECK(!parse());
	CHECK_EQ(lodge_boot_place_initrd(&img, 64 * MIB, 0), 20 * MIB);
	CHECK_EQ(lodge_boot_place_initrd(&img, 64 * MIB, MIB), 63 * MIB);
	CHECK_EQ(lodge_boot_place_initrd(&img, 64 * MIB, 1), 64 * MIB - 4096);
	/* To the byte, and not beyond it. */
	CHECK_EQ(lodge_boot_place_initrd(&img, 64 * MIB, 44 * MIB), 20 * MIB);
	CHECK_EQ(lodge_boot_place_initrd(&img, 64 * MIB, 44 * MIB + 1), 0);
	CHECK_EQ(lodge_boot_place_initrd(&img, 20 * MIB, 0), 20 * MIB);
	CHECK_EQ(lodge_boot_place_initrd(&img, 19 * MIB, 0), 0);
	CHECK_EQ(lodge_boot_place_initrd(&img, 64 * MIB, UINT64_MAX), 0);
	/* Never above what the kernel can reach. */
	CHECK_EQ(lodge_boot_place_initrd(&img, 3072 * MIB, MIB), 2047 * MIB);
}

void test_boot_load(void)
{
	struct lodge_boot_files files;
	struct boot_params *p;
	static struct lodge_mem mem;
	char path[32];
	int fd = test_file(path);

	make_image();
	memset(image + 0x400, 0xab, 0x1000);
	CHECK_EQ(write(fd, image, sizeof(image)), sizeof(image));
	CHECK_EQ(lodge_boot_open(&files, path, path), 0);
	test_mem_make(&mem, 32 * MIB);
	CHECK_EQ(lodge_boot_load(&files, &mem, "a=b", 2), 0);
	p = lodge_mem_ptr(&mem, LODGE_BOOT_PARAMS, sizeof(*p));
	CHECK_EQ(p->hdr.header, 0x53726448);
	CHECK(!strcmp(lodge_mem_ptr(&mem, p->hdr.cmd_line_ptr, 4), "a=b"));
	CHECK_EQ(*(uint8_t *)lodge_mem_ptr(&mem, 16 * MIB, 1), 0xab);
	CHECK_EQ(*(uint8_t *)lodge_mem_ptr(&mem, 16 * MIB + 0xfff, 1), 0xab);
	CHECK_EQ(*(uint8_t *)lodge_mem_ptr(&mem, 16 * MIB + 0x1000, 1), 0);
	CHECK_EQ(p->hdr.ramdisk_size, sizeof(image));
	CHECK(!memcmp(lodge_mem_ptr(&mem, p->hdr.ramdisk_image, sizeof(image)),
		      image, sizeof(image)));
	lodge_boot_close(&files);
	CHECK_EQ(lodge_boot_open(&files, "/nonexistent", NULL), -ENOENT);
	CHECK_EQ(lodge_boot_open(&files, "/", NULL), -EINVAL);
	close(fd);
	unlink(path);
}

void test_boot_e820(void)
{
	struct lodge_mem mem = {
		.nr = 2,
		.region = {
			{ .gpa = 0, .size = 3072 * MIB },
			{ .gpa = 4096 * MIB, .size = 5 * MIB },
		},
	};
	static struct boot_params p;
	uint64_t ram = 0, end = 0;
	int i;

	lodge_boot_e820(&p, &mem);
	for (i = 0; i < p.e820_entries; i++) {
		/* Sorted, and no two overlap. */
		CHECK(p.e820_table[i].addr >= end);
		end = p.e820_table[i].addr + p.e820_table[i].size;
		if (p.e820_table[i].type == 1)
			ram += p.e820_table[i].size;
	}
	CHECK_EQ(end, 4101 * MIB);
	CHECK_EQ(ram, 3077 * MIB - MIB + LODGE_BOOT_EBDA);
}

static uint8_t sum(const uint8_t *p, unsigned int len)
{
	uint8_t s = 0;

	while (len--)
		s += *p++;
	return s;
}

/* The table with this signature, its checksum good. */
static const uint8_t *table(const struct lodge_mem *mem, uint64_t rsdp,
			    const char *signature)
{
	const uint8_t *root = lodge_mem_ptr(mem, rsdp, 36), *xsdt, *t;
	uint64_t gpa;
	uint32_t len;
	int i;

	memcpy(&gpa, root + 24, 8);
	xsdt = lodge_mem_ptr(mem, gpa, 36);
	memcpy(&len, xsdt + 4, 4);
	CHECK_EQ(sum(xsdt, len), 0);
	for (i = 36; i < (int)len; i += 8) {
		memcpy(&gpa, xsdt + i, 8);
		t = lodge_mem_ptr(mem, gpa, 36);
		if (!memcmp(t, signature, 4)) {
			memcpy(&len, t + 4, 4);
			CHECK_EQ(sum(t, len), 0);
			return t;
		}
	}
	return NULL;
}

void test_boot_acpi(void)
{
	const uint8_t *root, *fadt, *madt;
	static struct lodge_mem mem;
	uint64_t rsdp;
	uint32_t len;
	unsigned int i, cpus = 0;

	test_mem_make(&mem, 2 * MIB);
	rsdp = lodge_boot_acpi(&mem, 64);
	root = lodge_mem_ptr(&mem, rsdp, 36);
	CHECK(!memcmp(root, "RSD PTR ", 8));
	CHECK_EQ(rsdp % 16, 0);
	CHECK_EQ(sum(root, 20), 0);
	CHECK_EQ(sum(root, 36), 0);

	madt = table(&mem, rsdp, "APIC");
	memcpy(&len, madt + 4, 4);
	for (i = 44; i < len; i += madt[i + 1])
		if (madt[i] == 0 && madt[i + 4] == 1)
			CHECK_EQ(madt[i + 3], cpus++);
	CHECK_EQ(i, len);
	CHECK_EQ(cpus, 64);

	/* Offsets of the fields that power off and reset. */
	fadt = table(&mem, rsdp, "FACP");
	memcpy(&len, fadt + 64, 4);
	CHECK_EQ(len, LODGE_PM_CONTROL);
	memcpy(&len, fadt + 120, 4);
	CHECK_EQ(len, LODGE_RESET_PORT);
	CHECK_EQ(fadt[128], LODGE_RESET_VALUE);
	memcpy(&len, fadt + 36, 4);
	CHECK_EQ(len % 64, 0);
	CHECK(!memcmp(lodge_mem_ptr(&mem, len, 64), "FACS", 4));
}

static bool contains(const uint8_t *p, unsigned int len, const void *what,
		     unsigned int n)
{
	for (; len >= n; p++, len--)
		if (!memcmp(p, what, n))
			return true;
	return false;
}

/* An "I/O Port Descriptor" as _CRS has it. */
static bool has_port(const uint8_t *p, unsigned int len, uint16_t port,
		     uint8_t n)
{
	const uint8_t io[] = { 0x47, 1, port, port >> 8, port, port >> 8, 1, n };

	return contains(p, len, io, sizeof(io));
}

void test_boot_dsdt(void)
{
	const uint32_t window[] = { LODGE_PCI_MEM, LODGE_PCI_MEM_END - 1 };
	const uint8_t s5[] = { '_', 'S', '5', '_', 0x12, 6 + 2, 4, 0x0a,
			       LODGE_PM_SLEEP_OFF };
	const uint8_t serial_irq[] = { 0x22, 1 << LODGE_IRQ_SERIAL, 0 };
	const uint8_t rtc_irq[] = { 0x22, 0, 1 << (LODGE_IRQ_RTC - 8) };
	static struct lodge_mem mem;
	const uint8_t *dsdt;
	uint32_t gpa, len;

	test_mem_make(&mem, 2 * MIB);
	memcpy(&gpa, table(&mem, lodge_boot_acpi(&mem, 1), "FACP") + 40, 4);
	dsdt = lodge_mem_ptr(&mem, gpa, 36);
	memcpy(&len, dsdt + 4, 4);
	CHECK(!memcmp(dsdt, "DSDT", 4));
	CHECK_EQ(sum(dsdt, len), 0);
	CHECK(contains(dsdt, len, s5, sizeof(s5)));
	CHECK(contains(dsdt, len, window, sizeof(window)));
	CHECK(contains(dsdt, len, serial_irq, sizeof(serial_irq)));
	CHECK(contains(dsdt, len, rtc_irq, sizeof(rtc_irq)));
	CHECK(has_port(dsdt, len, LODGE_SERIAL_PORT, LODGE_SERIAL_PORTS));
	CHECK(has_port(dsdt, len, LODGE_RTC_PORT, LODGE_RTC_PORTS));
	CHECK(has_port(dsdt, len, LODGE_PM_PORT, LODGE_PM_PORTS));
	CHECK(has_port(dsdt, len, LODGE_PCI_PORT, LODGE_PCI_PORTS));
}

void test_boot_regs(void)
{
	struct kvm_sregs sregs = { .cr4 = 0x40, .efer = 0 };
	struct kvm_regs regs;
	static struct lodge_mem mem;
	uint64_t *pte, gpa;
	int shift;

	make_image();
	CHECK(!parse());
	test_mem_make(&mem, 2 * MIB);
	lodge_boot_tables(&mem);
	lodge_boot_regs(&img, &regs, &sregs);
	CHECK_EQ(regs.rip, 16 * MIB + 0x200);
	CHECK_EQ(regs.rsi, LODGE_BOOT_PARAMS);
	CHECK_EQ(regs.rflags, 2);
	CHECK_EQ(sregs.cr0, 0x80000011);
	CHECK_EQ(sregs.cr4, 0x60);
	CHECK_EQ(sregs.efer, 0x500);
	CHECK_EQ(sregs.cs.selector, 0x10);
	CHECK_EQ(sregs.ss.selector, 0x18);
	/* The last 2 MiB below 4 GiB are mapped to themselves. */
	gpa = sregs.cr3;
	for (shift = 39; shift >= 21; shift -= 9) {
		pte = lodge_mem_ptr(&mem, gpa, 4096);
		gpa = pte[0xffffffffull >> shift & 511] & 0xfffffffffffff000;
	}
	CHECK_EQ(gpa, 0xffe00000);
	CHECK_EQ(*(uint64_t *)lodge_mem_ptr(&mem, sregs.gdt.base + 0x10, 8),
		 0x00af9b000000ffff);
}
