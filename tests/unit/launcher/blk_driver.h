/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver for the virtio disk, as the tests of it use it; in blk_driver.c.
 */
#ifndef BLK_DRIVER_H
#define BLK_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/pci_regs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "../ktap.h"
#include "dev/virtio_blk.h"
#include "tests.h"

#define MEM	0x40000
#define SIZE	16
#define DESC	0x1000
#define AVAIL	0x2000
#define USED	0x3000
#define HDR	0x4000
#define STATUS	0x4100
#define DATA	0x8000
#define BAR	(LODGE_PCI_MEM + LODGE_PCI_BAR_STEP)
#define SECTORS	256

#define V1	(1ull << VIRTIO_F_VERSION_1)
#define FLUSH	(1ull << VIRTIO_BLK_F_FLUSH)
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE

extern struct lodge_disk disk;
extern struct lodge_virtio_blk blk;
extern int image;
extern int irq_fd[LODGE_MSIX_MAX];
extern unsigned int offloads;

/* The registers behind BAR 0, configuration space, guest memory. */
uint32_t in(unsigned int offset, unsigned int len);
void out(unsigned int offset, uint32_t val, unsigned int len);
uint32_t config(unsigned int reg, unsigned int len, const void *write);
void *at(uint64_t gpa);

/* A machine with a disk whose sectors hold their number; one that runs. */
void plug(bool readonly, unsigned int cpus);
void start(bool readonly);
void fini(void);

/* The steps of a driver; see the specification's "Device Initialization". */
void features(uint64_t want);
void queue(unsigned int index);

/* Serve the device's descriptors until the driver has an answer. */
void settle(void);

/* A request: its descriptors, its header, sending it off. */
void set(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags);
void header(uint32_t type, uint64_t sector);
void submit(void);

/* The status of the request that was submitted; 0xee: there is no answer. */
unsigned int answer(uint32_t *len);

/* A request with one stretch of data; 0xee: it was not answered. */
unsigned int request(uint32_t type, uint64_t sector, uint32_t bytes,
		     uint32_t *len);

#endif /* BLK_DRIVER_H */
