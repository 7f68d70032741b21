// SPDX-License-Identifier: GPL-2.0
/*
 * vCPU exits, failure reports, CPUID. Called by main.c.
 * Read next: userspace/vcpu.h.
 */
#include <stdlib.h>
#include <string.h>

#include "../ktap.h"
#include "cpuid.h"
#include "report.h"
#include "tests.h"
#include "vcpu.h"

static struct lodge_bus pio, mmio;
static struct lodge_mem mem;
static enum lodge_outcome outcome;
static uint64_t seen[8];
static unsigned int nr_seen;

static void echo_io(void *dev, uint64_t offset, uint8_t *data,
		    unsigned int len, bool write)
{
	(void)dev;
	if (write)
		memcpy(&seen[nr_seen++ % 8], data, len);
	else
		memset(data, 0x40 + offset + nr_seen++, len);
}

static bool stop(void *ctx, enum lodge_outcome what)
{
	(void)ctx;
	if (outcome != LODGE_RUNNING)
		return false;
	outcome = what;
	return true;
}

static struct lodge_vcpu_env env = {
	.pio = &pio, .mmio = &mmio, .mem = &mem, .name = "test", .stop = stop,
};

/* A kvm_run with its page for port data, as it is mapped. */
static struct {
	struct kvm_run run;
	uint8_t data[4096];
} area;

static struct kvm_run *fresh(uint32_t reason)
{
	memset(&area, 0, sizeof(area));
	memset(seen, 0, sizeof(seen));
	nr_seen = 0;
	outcome = LODGE_RUNNING;
	lodge_bus_init(&pio);
	lodge_bus_init(&mmio);
	lodge_bus_add(&pio, 0x100, 4, echo_io, NULL);
	lodge_bus_add(&mmio, 0xe0000000, 0x1000, echo_io, NULL);
	area.run.exit_reason = reason;
	return &area.run;
}

static struct lodge_vcpu vcpu = { .env = &env, .fd = -1 };

void test_vcpu_io(void)
{
	struct kvm_run *run = fresh(KVM_EXIT_IO);

	run->io.data_offset = area.data - (uint8_t *)run;
	run->io.port = 0x101;
	run->io.size = 2;
	run->io.count = 3;
	run->io.direction = KVM_EXIT_IO_OUT;
	memcpy(area.data, "\1\2\3\4\5\6", 6);
	CHECK(lodge_vcpu_exit(&vcpu, run));
	CHECK_EQ(nr_seen, 3);
	CHECK_EQ(seen[0], 0x0201);
	CHECK_EQ(seen[2], 0x0605);

	run->io.direction = KVM_EXIT_IO_IN;
	run->io.size = 1;
	nr_seen = 0;
	CHECK(lodge_vcpu_exit(&vcpu, run));
	CHECK(!memcmp(area.data, "\x41\x42\x43\4", 4));

	/* Where nothing answers. */
	run->io.port = 0x103;
	run->io.size = 2;
	CHECK(lodge_vcpu_exit(&vcpu, run));
	CHECK(!memcmp(area.data, "\xff\xff\xff\xff\xff\xff\0", 7));
}

void test_vcpu_mmio(void)
{
	struct kvm_run *run = fresh(KVM_EXIT_MMIO);

	run->mmio.phys_addr = 0xe0000ff8;
	run->mmio.len = 8;
	run->mmio.is_write = 1;
	memcpy(run->mmio.data, "\1\2\3\4\5\6\7\10", 8);
	CHECK(lodge_vcpu_exit(&vcpu, run));
	CHECK_EQ(seen[0], 0x0807060504030201);
	run->mmio.is_write = 0;
	run->mmio.phys_addr = 0xe0000ffc;
	CHECK(lodge_vcpu_exit(&vcpu, run));
	CHECK_EQ(run->mmio.data[0], 0xff);
}

void test_vcpu_end(void)
{
	static const struct {
		uint32_t reason, event;
		enum lodge_outcome outcome;
	} ends[] = {
		{ KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_SHUTDOWN, LODGE_OFF },
		{ KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_RESET, LODGE_RESET },
	};
	struct kvm_run *run;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		run = fresh(ends[i].reason);
		run->system_event.type = ends[i].event;
		CHECK(!lodge_vcpu_exit(&vcpu, run));
		CHECK_EQ(outcome, ends[i].outcome);
	}
	CHECK(lodge_vcpu_exit(&vcpu, fresh(KVM_EXIT_INTR)));
	CHECK_EQ(outcome, LODGE_RUNNING);
	/* Someone else was first: it stops without a report of its own. */
	for (i = 0; i < 64; i++) {
		if (i == KVM_EXIT_IO || i == KVM_EXIT_MMIO ||
		    i == KVM_EXIT_INTR || i == KVM_EXIT_SYSTEM_EVENT)
			continue;
		run = fresh(i);
		outcome = LODGE_QUIT;
		CHECK(!lodge_vcpu_exit(&vcpu, run));
		CHECK_EQ(outcome, LODGE_QUIT);
	}
	run = fresh(UINT32_MAX);
	outcome = LODGE_QUIT;
	CHECK(!lodge_vcpu_exit(&vcpu, run));
}

static void put(uint64_t gpa, uint64_t val, unsigned int size)
{
	memcpy(lodge_mem_ptr(&mem, gpa, size), &val, size);
}

void test_report_walk(void)
{
	struct kvm_regs regs = { 0 };
	struct kvm_sregs s = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	test_mem_make(&mem, 1 << 20);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0x123456789), 0x23456789);
	/* 4-level: a 4K, a 2M and a 1G page, and nothing. */
	s.cr0 = 1ull << 31;
	s.cr4 = 1 << 5;
	s.efer = 1 << 10;
	s.cr3 = 0x1000;
	put(0x1000 + 8 * 511, 0x2001, 8);
	put(0x2000 + 8 * 510, 0x3001, 8);
	put(0x2000 + 8 * 511, 0x80000000 | 0x81, 8);
	put(0x3000, 0x4001, 8);
	put(0x3000 + 8, 0x600000 | 0x81, 8);
	put(0x4000 + 8 * 3, 0x800000000000c001, 8);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0xffffffff80003abc), 0xcabc);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0xffffffff80234567), 0x634567);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0xffffffffc1234567), 0x81234567);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0xffffffff80004000), UINT64_MAX);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0), UINT64_MAX);
	/* Tables outside memory are not followed. */
	s.cr3 = 0xfffffffff000;
	CHECK_EQ(lodge_report_walk(&mem, &s, 0), UINT64_MAX);
	/* 32-bit with a 4M page. */
	s = (struct kvm_sregs){ .cr0 = 1ull << 31, .cr4 = 1 << 4,
				.cr3 = 0x5000 };
	put(0x5000 + 4 * 768, 0x00400081, 4);
	put(0x5000 + 4 * 2, 0x6001, 4);
	put(0x6000 + 4 * 1, 0x9001, 4);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0xc0012345), 0x412345);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0x00801234), 0x9234);
	/* PAE. */
	s.cr4 = 1 << 5;
	s.cr3 = 0x7020;
	put(0x7020 + 8 * 3, 0x8001, 8);
	put(0x8000 + 8, 0xa00000 | 0x81, 8);
	CHECK_EQ(lodge_report_walk(&mem, &s, 0xc0234567), 0xa34567);
	s.cr2 = 0xc0400000;
	f = open_memstream(&text, &len);
	lodge_report_state(f, &regs, &s, &mem);
	fclose(f);
	CHECK(strstr(text, "CR2's page-table entries: [7038] 0000000000008001 "));
	CHECK(strstr(text, " [8010] 0000000000000000\n"));
	free(text);
}

void test_report_text(void)
{
	struct kvm_regs regs = { .rip = 0xff8, .rax = 0x1234 };
	struct kvm_sregs sregs = { .cs.base = 0xf000 };
	struct kvm_run *run = fresh(KVM_EXIT_INTERNAL_ERROR);
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	test_mem_make(&mem, 1 << 16);
	put(0xfff8, 0xf4, 1);
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->internal.ndata = UINT32_MAX;
	run->emulation_failure.flags =
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = 255;
	memset(run->emulation_failure.insn_bytes, 0xd9, 15);
	lodge_report_reason(f, run);
	run->emulation_failure.insn_size = 2;
	lodge_report_reason(f, run);
	run->exit_reason = 4711;
	lodge_report_reason(f, run);
	lodge_report_state(f, &regs, &sregs, &mem);
	fclose(f);
	CHECK(strstr(text, "could not be emulated"));
	CHECK(strstr(text, "instruction: d9 d9 d9"));
	CHECK(strstr(text, "instruction: d9 d9\n"));
	CHECK(strstr(text, "4711"));
	CHECK(strstr(text, "rax    0000000000001234"));
	CHECK(strstr(text, " 00 <f4> 00 00 00 00 00 00 00 -- --"));
	free(text);
}

static struct kvm_cpuid2 *cpuid;

static void leaf(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx,
		 uint32_t ecx, uint32_t edx)
{
	cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index, .eax = eax, .ebx = ebx,
		.ecx = ecx, .edx = edx,
	};
}

static const struct kvm_cpuid_entry2 *find(uint32_t function, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

void test_cpuid_amd(void)
{
	cpuid = calloc(1, sizeof(*cpuid) + 12 * sizeof(cpuid->entries[0]));
	leaf(0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65);
	leaf(1, 0, 0x800f12, 0x7f10f8ff, 1 << 21, 0);
	leaf(0xb, 0, 9, 9, 9, 9);
	leaf(0x80000001, 0, 0, 0, 0, 0);
	leaf(0x80000008, 0, 0x3028, 0, 0xf0ff, 0);
	leaf(0x8000001d, 0, 0x3ffc121, 1, 2, 3);
	leaf(0x8000001d, 1, 0x3ffc163, 1, 2, 3);
	leaf(0x8000001e, 0, 7, 7, 7, 7);
	lodge_cpuid_fix(cpuid, 2, 3, true);
	CHECK_EQ(find(1, 0)->ebx, 0x0203f8ff);
	CHECK_EQ(find(1, 0)->ecx, 1u << 21 | 1u << 24 | 1u << 31);
	CHECK_EQ(find(1, 0)->edx, 1u << 28);
	CHECK_EQ(find(0xb, 0)->edx, 2);
	CHECK_EQ(find(0xb, 0)->ebx, 1);
	CHECK_EQ(find(0xb, 1)->eax, 2);
	CHECK_EQ(find(0xb, 1)->ebx, 3);
	CHECK_EQ(find(0xb, 1)->ecx, 0x201);
	CHECK_EQ(find(0xb, 2)->ebx, 0);
	CHECK_EQ(find(0xb, 2)->ecx, 2);
	CHECK(!find(0x1f, 0));
	CHECK_EQ(find(0x80000001, 0)->ecx, 2);
	CHECK_EQ(find(0x80000008, 0)->ecx, 0x2002);
	CHECK_EQ(find(0x8000001d, 0)->eax, 0x121);
	CHECK_EQ(find(0x8000001d, 1)->eax, 3 << 14 | 0x163);
	CHECK_EQ(find(0x8000001e, 0)->eax, 2);
	free(cpuid);
}

void test_cpuid_intel(void)
{
	cpuid = calloc(1, sizeof(*cpuid) + 12 * sizeof(cpuid->entries[0]));
	leaf(0, 0, 0x16, 0x756e6547, 0x6c65746e, 0x49656e69);
	leaf(1, 0, 0x50654, 0xff40ffff, 0, 1 << 28);
	leaf(4, 0, 0xfc004121, 1, 2, 3);
	leaf(4, 3, 0xfc07c163, 1, 2, 3);
	leaf(4, 4, 0, 0, 0, 0);
	leaf(0x80000008, 0, 0x302e, 0, 0, 0);
	CHECK_EQ(lodge_cpuid_address_bits(cpuid), 0x2e);
	cpuid->nent--;
	CHECK_EQ(lodge_cpuid_address_bits(cpuid), 36);
	cpuid->nent++;
	lodge_cpuid_fix(cpuid, 0, 1, false);
	CHECK_EQ(find(1, 0)->ebx, 0x0001ffff);
	CHECK_EQ(find(1, 0)->ecx, 1u << 31);
	CHECK_EQ(find(1, 0)->edx, 0);
	CHECK_EQ(find(4, 0)->eax, 0x121);
	CHECK_EQ(find(4, 3)->eax, 0x163);
	CHECK_EQ(find(4, 4)->eax, 0);
	CHECK_EQ(find(0x80000008, 0)->ecx, 0);
	free(cpuid);
}
