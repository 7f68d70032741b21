// SPDX-License-Identifier: GPL-2.0
/* Runs the launcher's unit tests. Read next: tests.h. */
#include "../ktap.h"
#include "tests.h"

int ktap_failures;

#define TEST(name) { #name, test_##name }

static const struct ktap_test tests[] = {
	TEST(boot_parse), TEST(boot_place), TEST(boot_load), TEST(boot_e820),
	TEST(boot_acpi), TEST(boot_dsdt), TEST(boot_regs),
	TEST(bus_add), TEST(bus_access), TEST(mem_ptr), TEST(mem_create),
	TEST(cpuid_amd), TEST(cpuid_intel),
	TEST(serial_output), TEST(serial_input), TEST(serial_interrupts),
	TEST(serial_loop), TEST(serial_wide),
	TEST(rtc_read), TEST(rtc_set), TEST(rtc_alarm), TEST(pm_off),
	TEST(pm_reset),
	TEST(pci_config), TEST(pci_bar), TEST(pci_reset),
	TEST(msix_mask), TEST(msix_table),
	TEST(virtq_pop), TEST(virtq_push), TEST(virtq_wrap),
	TEST(virtq_indirect), TEST(virtq_loops), TEST(virtq_hostile),
	TEST(virtq_enable), TEST(virtq_tell), TEST(virtq_listen),
	TEST(virtq_fuzz),
	TEST(disk_uring), TEST(disk_threads), TEST(disk_open),
	TEST(blk_features), TEST(blk_io), TEST(blk_split), TEST(blk_hostile),
	TEST(blk_readonly), TEST(blk_bulk), TEST(blk_reset), TEST(blk_broken),
	TEST(blk_window), TEST(blk_fuzz),
	TEST(vcpu_io), TEST(vcpu_mmio), TEST(vcpu_end), TEST(report_walk),
	TEST(report_text), TEST(term_keys), TEST(term_restore),
	TEST(term_pipe),
};

int main(void)
{
	return ktap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
