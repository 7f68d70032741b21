/* SPDX-License-Identifier: GPL-2.0 */
/* The tests of this folder, by file; main.c runs them all. */
#ifndef TESTS_H
#define TESTS_H

#include <errno.h>
#include <stdint.h>

#include "mem.h"

/*
 * Guest memory from the heap, so that ASan sees where it ends. @mem is static;
 * what it had before is freed.
 */
void test_mem_make(struct lodge_mem *mem, uint64_t size);
/* The path of an empty temporary file, and its descriptor. */
int test_file(char path[32]);

void test_boot_parse(void);
void test_boot_place(void);
void test_boot_load(void);
void test_boot_e820(void);
void test_boot_acpi(void);
void test_boot_dsdt(void);
void test_boot_regs(void);

void test_bus_add(void);
void test_bus_access(void);
void test_mem_ptr(void);
void test_mem_create(void);

void test_cpuid_amd(void);
void test_cpuid_intel(void);

void test_serial_output(void);
void test_serial_input(void);
void test_serial_interrupts(void);
void test_serial_loop(void);
void test_serial_wide(void);

void test_rtc_read(void);
void test_rtc_set(void);
void test_rtc_alarm(void);
void test_pm_off(void);
void test_pm_reset(void);

void test_pci_config(void);
void test_pci_bar(void);
void test_pci_reset(void);
void test_msix_mask(void);
void test_msix_table(void);

void test_virtq_pop(void);
void test_virtq_push(void);
void test_virtq_wrap(void);
void test_virtq_indirect(void);
void test_virtq_loops(void);
void test_virtq_hostile(void);
void test_virtq_enable(void);
void test_virtq_tell(void);
void test_virtq_listen(void);
void test_virtq_fuzz(void);

void test_disk_uring(void);
void test_disk_threads(void);
void test_disk_open(void);

void test_blk_features(void);
void test_blk_io(void);
void test_blk_split(void);
void test_blk_hostile(void);
void test_blk_readonly(void);
void test_blk_bulk(void);
void test_blk_reset(void);
void test_blk_broken(void);
void test_blk_window(void);
void test_blk_fuzz(void);

void test_vcpu_io(void);
void test_vcpu_mmio(void);
void test_vcpu_end(void);
void test_report_walk(void);
void test_report_text(void);
void test_term_keys(void);
void test_term_restore(void);
void test_term_pipe(void);

#endif /* TESTS_H */
