// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI bus; see pci.h for who calls this.
 * Read next: dev/virtio_pci.c.
 */
#include "pci.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <linux/pci_regs.h>

#define PCI_ADDRESS_ENABLE	0x80000000u
#define PCI_ADDRESS_BUS(a)	((a) >> 16 & 0xff)
#define PCI_ADDRESS_SLOT(a)	((a) >> 11 & 0x1f)
#define PCI_ADDRESS_FN(a)	((a) >> 8 & 7)
#define PCI_ADDRESS_REG(a)	((a) & 0xfc)

#define PCI_RESET_OFFSET	1	/* port 0xcf9 */
#define PCI_DATA_OFFSET		4

/* The id of a generic host bridge, of the range Red Hat gives away. */
#define PCI_BRIDGE_VENDOR	0x1b36
#define PCI_BRIDGE_DEVICE	0x0008
#define PCI_BRIDGE_CLASS	0x06000000u

static uint32_t pci_get32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void pci_put32(uint8_t *p, uint32_t val)
{
	p[0] = val;
	p[1] = val >> 8;
	p[2] = val >> 16;
	p[3] = val >> 24;
}

/* Bring the MMIO bus in line with what the command register and BAR say. */
static void pci_dev_map(struct lodge_pci_dev *dev)
{
	uint64_t base = 0;

	if (!dev->bar_size)
		return;
	if (dev->config[PCI_COMMAND] & PCI_COMMAND_MEMORY)
		base = pci_get32(dev->config + PCI_BASE_ADDRESS_0) &
		       PCI_BASE_ADDRESS_MEM_MASK;
	if (base == dev->bar_base)
		return;
	if (dev->bar_base)
		lodge_bus_remove(dev->pci->mmio, dev->bar_base, dev->ctx);
	/* Where another device is already, this one does not answer. */
	if (base && lodge_bus_add(dev->pci->mmio, base, dev->bar_size,
				  dev->ops->bar_io, dev->ctx))
		base = 0;
	dev->bar_base = base;
	dev->ops->bar_mapped(dev->ctx, base);
}

static void pci_dev_write(struct lodge_pci_dev *dev, unsigned int reg,
			  const uint8_t *data, unsigned int len)
{
	unsigned int i;
	uint8_t mask;

	for (i = 0; i < len; i++) {
		mask = dev->writable[reg + i];
		dev->config[reg + i] = (dev->config[reg + i] & ~mask) |
				       (data[i] & mask);
	}
	pci_dev_map(dev);
	if (dev->ops && dev->ops->config_written)
		dev->ops->config_written(dev->ctx, reg, len);
}

static void pci_dev_read(struct lodge_pci_dev *dev, unsigned int reg,
			 uint8_t *data, unsigned int len)
{
	if (dev->ops && dev->ops->config_read)
		dev->ops->config_read(dev->ctx, reg, len);
	memcpy(data, dev->config + reg, len);
}

static void pci_address_io(struct lodge_pci *pci, unsigned int offset,
			   uint8_t *data, unsigned int len, bool write)
{
	uint8_t reg[4];

	/* Only a double word reaches the address; a byte may be a reset. */
	if (offset == 0 && len == 4 && write) {
		pci->address = pci_get32(data);
	} else if (!write) {
		pci_put32(reg, pci->address);
		memcpy(data, reg + offset, len);
	}
}

static void pci_data_io(struct lodge_pci *pci, unsigned int offset,
			uint8_t *data, unsigned int len, bool write)
{
	uint32_t a = pci->address;
	unsigned int reg = PCI_ADDRESS_REG(a) + offset;
	struct lodge_pci_dev *dev = NULL;

	if ((a & PCI_ADDRESS_ENABLE) && !PCI_ADDRESS_BUS(a) &&
	    !PCI_ADDRESS_FN(a))
		dev = pci->slot[PCI_ADDRESS_SLOT(a)];
	if (dev && write)
		pci_dev_write(dev, reg, data, len);
	else if (dev)
		pci_dev_read(dev, reg, data, len);
	else if (!write)
		memset(data, 0xff, len);
}

void lodge_pci_io(void *dev, uint64_t offset, uint8_t *data, unsigned int len,
		  bool write)
{
	struct lodge_pci *pci = dev;

	if (offset == PCI_RESET_OFFSET && len == 1 && write) {
		pci->reset(pci->reset_ctx, data[0]);
		return;
	}
	/* No register straddles the two halves. */
	if (offset < PCI_DATA_OFFSET && offset + len > PCI_DATA_OFFSET) {
		if (!write)
			memset(data, 0xff, len);
		return;
	}
	pthread_mutex_lock(&pci->lock);
	if (offset < PCI_DATA_OFFSET)
		pci_address_io(pci, offset, data, len, write);
	else
		pci_data_io(pci, offset - PCI_DATA_OFFSET, data, len, write);
	pthread_mutex_unlock(&pci->lock);
}

void lodge_pci_dev_init(struct lodge_pci_dev *dev,
			const struct lodge_pci_ops *ops, void *ctx,
			uint16_t vendor, uint16_t device, uint32_t class_rev)
{
	memset(dev, 0, sizeof(*dev));
	dev->ops = ops;
	dev->ctx = ctx;
	pci_put32(dev->config + PCI_VENDOR_ID, vendor | device << 16);
	pci_put32(dev->config + PCI_CLASS_REVISION, class_rev);
	dev->next_cap = PCI_STD_HEADER_SIZEOF;
	dev->last_cap = PCI_CAPABILITY_LIST;
	dev->writable[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	dev->writable[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	dev->writable[PCI_INTERRUPT_LINE] = 0xff;
	dev->writable[PCI_CACHE_LINE_SIZE] = 0xff;
}

void lodge_pci_dev_bar(struct lodge_pci_dev *dev, uint32_t size)
{
	dev->bar_size = size;
	pci_put32(dev->writable + PCI_BASE_ADDRESS_0, -size);
}

unsigned int lodge_pci_dev_cap(struct lodge_pci_dev *dev, const void *cap,
			       unsigned int len)
{
	unsigned int at = dev->next_cap;

	assert(at + len <= sizeof(dev->config));
	memcpy(dev->config + at, cap, len);
	dev->config[at + PCI_CAP_LIST_NEXT] = 0;
	dev->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	/* The list's head is a byte of its own; later links are within. */
	dev->config[dev->last_cap] = at;
	dev->last_cap = at + PCI_CAP_LIST_NEXT;
	dev->next_cap = (at + len + 3) & ~3u;
	return at;
}

int lodge_pci_add(struct lodge_pci *pci, struct lodge_pci_dev *dev)
{
	unsigned int slot = 0;

	while (slot < LODGE_PCI_SLOTS && pci->slot[slot])
		slot++;
	if (slot == LODGE_PCI_SLOTS)
		return -ENOSPC;
	pci->slot[slot] = dev;
	dev->pci = pci;
	if (dev->bar_size) {
		pci_put32(dev->config + PCI_BASE_ADDRESS_0,
			  LODGE_PCI_MEM + slot * LODGE_PCI_BAR_STEP);
		dev->config[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
		pci_dev_map(dev);
	}
	return 0;
}

void lodge_pci_init(struct lodge_pci *pci, struct lodge_bus *mmio,
		    void (*reset)(void *ctx, uint8_t val), void *ctx)
{
	memset(pci, 0, sizeof(*pci));
	pthread_mutex_init(&pci->lock, NULL);
	pci->mmio = mmio;
	pci->reset = reset;
	pci->reset_ctx = ctx;
	lodge_pci_dev_init(&pci->bridge, NULL, NULL, PCI_BRIDGE_VENDOR,
			   PCI_BRIDGE_DEVICE, PCI_BRIDGE_CLASS);
	lodge_pci_add(pci, &pci->bridge);
}
