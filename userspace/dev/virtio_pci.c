// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio PCI transport; see virtio_pci.h for who calls this. The common
 * configuration's registers are in virtio_common.c.
 * Read next: dev/virtio_common.c.
 */
#include "virtio_pci.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "../err.h"
#include "virtio_common.h"

#define VIRTIO_VENDOR		0x1af4
#define VIRTIO_DEVICE_BASE	0x1040

/* BAR 0 in pages: one for each part. */
#define BAR_PAGE		0x1000
#define BAR_SIZE		0x8000
enum {
	BAR_COMMON, BAR_ISR, BAR_DEVICE, BAR_NOTIFY, BAR_MSIX, BAR_PENDING,
};
#define NOTIFY_STEP		4	/* bytes from queue to queue */

#define BAR_AT(part)		((part) * BAR_PAGE)

static void virtio_isr_io(struct lodge_virtio_dev *dev, uint64_t offset,
			  uint8_t *data, unsigned int len, bool write)
{
	if (write)
		return;
	memset(data, 0, len);
	if (offset)
		return;
	pthread_mutex_lock(&dev->lock);
	data[0] = dev->isr;
	dev->isr = 0;
	pthread_mutex_unlock(&dev->lock);
}

static void virtio_config_io(struct lodge_virtio_dev *dev, uint64_t offset,
			     uint8_t *data, unsigned int len, bool write)
{
	unsigned int i;

	/* Nothing there can be changed by the driver. */
	if (write)
		return;
	for (i = 0; i < len; i++)
		data[i] = offset + i < dev->config_len ?
			  dev->config[offset + i] : 0;
}

/* Only writes that the hypervisor does not take itself get here. */
static void virtio_notify_io(struct lodge_virtio_dev *dev, uint64_t offset,
			     uint8_t *data, unsigned int len, bool write)
{
	uint64_t index = offset / NOTIFY_STEP;

	if (!write)
		memset(data, 0, len);
	else if (index < dev->nr_queues)
		lodge_event_set(dev->queue[index].kick.fd);
}

static void virtio_msix_io(struct lodge_virtio_dev *dev, uint64_t offset,
			   uint8_t *data, unsigned int len, bool write)
{
	lodge_msix_table(&dev->msix, offset, data, len, write);
}

static void virtio_pending_io(struct lodge_virtio_dev *dev, uint64_t offset,
			      uint8_t *data, unsigned int len, bool write)
{
	if (!write)
		lodge_msix_pending(&dev->msix, offset, data, len);
}

static void (*const virtio_parts[])(struct lodge_virtio_dev *dev,
				    uint64_t offset, uint8_t *data,
				    unsigned int len, bool write) = {
	[BAR_COMMON] = lodge_virtio_common_io,
	[BAR_ISR] = virtio_isr_io,
	[BAR_DEVICE] = virtio_config_io,
	[BAR_NOTIFY] = virtio_notify_io,
	[BAR_MSIX] = virtio_msix_io,
	[BAR_PENDING] = virtio_pending_io,
};

static void virtio_bar_io(void *ctx, uint64_t offset, uint8_t *data,
			  unsigned int len, bool write)
{
	uint64_t part = offset / BAR_PAGE;

	if (part < sizeof(virtio_parts) / sizeof(virtio_parts[0]))
		virtio_parts[part](ctx, offset % BAR_PAGE, data, len, write);
	else if (!write)
		memset(data, 0xff, len);
}

static void virtio_offload(struct lodge_virtio_dev *dev, uint64_t base, bool on)
{
	const struct lodge_virtio_host *host = dev->host;
	struct lodge_virtio_queue *q;
	unsigned int i;
	uint64_t addr;

	for (i = 0; i < dev->nr_queues; i++) {
		q = &dev->queue[i];
		addr = base + BAR_AT(BAR_NOTIFY) + i * NOTIFY_STEP;
		/* Refused, it still works: by way of virtio_notify_io(). */
		if (on)
			q->offloaded = !host->ioeventfd(host->ctx, q->kick.fd,
							addr, true);
		else if (q->offloaded)
			host->ioeventfd(host->ctx, q->kick.fd, addr, false);
	}
}

static void virtio_bar_mapped(void *ctx, uint64_t base)
{
	struct lodge_virtio_dev *dev = ctx;

	if (dev->bar_base)
		virtio_offload(dev, dev->bar_base, false);
	dev->bar_base = base;
	if (base)
		virtio_offload(dev, base, true);
}

/*
 * The way to the BAR for firmware that cannot reach it: a window in
 * configuration space. Returns whether it is open, and onto what.
 */
static bool virtio_window(struct lodge_virtio_dev *dev, unsigned int reg,
			  unsigned int len, uint32_t *offset, uint32_t *size)
{
	unsigned int data = dev->access_cap + sizeof(struct virtio_pci_cap);
	struct virtio_pci_cap cap;

	if (reg + len <= data || reg >= data + 4)
		return false;
	memcpy(&cap, dev->pci.config + dev->access_cap, sizeof(cap));
	*offset = cap.offset;
	*size = cap.length;
	return cap.bar == 0 && (*size == 1 || *size == 2 || *size == 4) &&
	       *offset % *size == 0 && *offset < BAR_SIZE;
}

static void virtio_config_read(void *ctx, unsigned int reg, unsigned int len)
{
	struct lodge_virtio_dev *dev = ctx;
	uint32_t offset, size;

	if (virtio_window(dev, reg, len, &offset, &size))
		virtio_bar_io(dev, offset, dev->pci.config + dev->access_cap +
			      sizeof(struct virtio_pci_cap), size, false);
}

static void virtio_config_written(void *ctx, unsigned int reg,
				  unsigned int len)
{
	struct lodge_virtio_dev *dev = ctx;
	unsigned int flags = dev->msix_cap + PCI_MSIX_FLAGS;
	const uint8_t *config = dev->pci.config;
	uint32_t offset, size;
	uint8_t data[4];

	if (reg < flags + 2 && reg + len > flags)
		lodge_msix_control(&dev->msix,
				   config[flags] | config[flags + 1] << 8);
	if (virtio_window(dev, reg, len, &offset, &size)) {
		memcpy(data, config + dev->access_cap +
		       sizeof(struct virtio_pci_cap), sizeof(data));
		virtio_bar_io(dev, offset, data, size, true);
	}
}

static const struct lodge_pci_ops virtio_pci_ops = {
	.bar_io = virtio_bar_io,
	.bar_mapped = virtio_bar_mapped,
	.config_read = virtio_config_read,
	.config_written = virtio_config_written,
};

static unsigned int virtio_cap(struct lodge_virtio_dev *dev, uint8_t type,
			       uint32_t offset, uint32_t length)
{
	/* The longer forms end in a word of their own. */
	struct virtio_pci_notify_cap cap = {
		.cap = {
			.cap_vndr = PCI_CAP_ID_VNDR,
			.cap_len = sizeof(struct virtio_pci_cap),
			.cfg_type = type,
			.offset = offset,
			.length = length,
		},
	};

	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		cap.notify_off_multiplier = NOTIFY_STEP;
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG ||
	    type == VIRTIO_PCI_CAP_PCI_CFG)
		cap.cap.cap_len = sizeof(cap);
	return lodge_pci_dev_cap(&dev->pci, &cap, cap.cap.cap_len);
}

static void virtio_caps(struct lodge_virtio_dev *dev)
{
	struct {
		uint8_t id, next;
		uint16_t flags;
		uint32_t table, pending;
	} msix = {
		.id = PCI_CAP_ID_MSIX,
		.flags = dev->nr_queues,	/* one for each, one for changes */
		.table = BAR_AT(BAR_MSIX),
		.pending = BAR_AT(BAR_PENDING),
	};
	uint8_t *writable = dev->pci.writable;
	unsigned int cap;

	dev->msix_cap = lodge_pci_dev_cap(&dev->pci, &msix, sizeof(msix));
	writable[dev->msix_cap + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	virtio_cap(dev, VIRTIO_PCI_CAP_COMMON_CFG, BAR_AT(BAR_COMMON),
		   sizeof(struct virtio_pci_common_cfg));
	virtio_cap(dev, VIRTIO_PCI_CAP_ISR_CFG, BAR_AT(BAR_ISR), 4);
	virtio_cap(dev, VIRTIO_PCI_CAP_DEVICE_CFG, BAR_AT(BAR_DEVICE),
		   dev->config_len);
	virtio_cap(dev, VIRTIO_PCI_CAP_NOTIFY_CFG, BAR_AT(BAR_NOTIFY),
		   dev->nr_queues * NOTIFY_STEP);
	cap = virtio_cap(dev, VIRTIO_PCI_CAP_PCI_CFG, 0, 0);
	dev->access_cap = cap;
	writable[cap + VIRTIO_PCI_CAP_BAR] = 0xff;
	memset(writable + cap + VIRTIO_PCI_CAP_OFFSET, 0xff, 12);
}

static void virtio_kicked(void *ctx)
{
	struct lodge_virtio_queue *q = ctx;
	struct lodge_virtio_dev *dev = q->dev;

	lodge_event_clear(q->kick.fd);
	pthread_mutex_lock(&dev->lock);
	if (lodge_virtio_running(dev) && q->vq.enabled)
		dev->ops->queue(dev->ctx, q - dev->queue);
	pthread_mutex_unlock(&dev->lock);
}

static int virtio_queue_init(struct lodge_virtio_dev *dev, unsigned int i)
{
	struct lodge_virtio_queue *q = &dev->queue[i];
	int fd = lodge_event_new();

	if (fd < 0)
		return fd;
	q->dev = dev;
	q->kick = (struct lodge_source){
		.fd = fd, .fn = virtio_kicked, .ctx = q,
	};
	dev->nr_queues = i + 1;
	return lodge_loop_add(dev->host->loop, &q->kick);
}

int lodge_virtio_init(struct lodge_virtio_dev *dev,
		      const struct lodge_virtio_host *host,
		      const struct lodge_virtio_ops *ops, void *ctx,
		      const char *name, unsigned int id, uint32_t class_rev,
		      uint64_t features, unsigned int nr_queues)
{
	unsigned int i;
	int ret;

	dev->host = host;
	dev->ops = ops;
	dev->ctx = ctx;
	dev->name = name;
	dev->offered = features | 1ull << VIRTIO_F_VERSION_1 |
		       1ull << VIRTIO_RING_F_EVENT_IDX |
		       1ull << VIRTIO_RING_F_INDIRECT_DESC;
	pthread_mutex_init(&dev->lock, NULL);
	lodge_msix_init(&dev->msix, nr_queues + 1, host->msi, host->ctx);
	for (i = 0; i < nr_queues; i++) {
		ret = virtio_queue_init(dev, i);
		if (ret)
			return ret;
	}
	lodge_virtio_common_reset(dev);

	lodge_pci_dev_init(&dev->pci, &virtio_pci_ops, dev, VIRTIO_VENDOR,
			   VIRTIO_DEVICE_BASE + id, class_rev);
	memcpy(dev->pci.config + PCI_SUBSYSTEM_VENDOR_ID,
	       dev->pci.config + PCI_VENDOR_ID, 4);
	lodge_pci_dev_bar(&dev->pci, BAR_SIZE);
	virtio_caps(dev);
	return lodge_pci_add(host->pci, &dev->pci);
}

void lodge_virtio_fini(struct lodge_virtio_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++) {
		lodge_loop_del(dev->host->loop, &dev->queue[i].kick);
		close(dev->queue[i].kick.fd);
	}
	dev->nr_queues = 0;
	lodge_msix_fini(&dev->msix);
	dev->msix.nr = 0;
}

bool lodge_virtio_running(const struct lodge_virtio_dev *dev)
{
	return (dev->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(dev->status & VIRTIO_CONFIG_S_NEEDS_RESET) && !dev->resetting;
}

void lodge_virtio_tell(struct lodge_virtio_dev *dev, unsigned int index)
{
	struct lodge_virtio_queue *q = &dev->queue[index];

	if (!lodge_virtq_must_tell(&q->vq))
		return;
	dev->isr |= 1;
	lodge_msix_signal(&dev->msix, q->vector);
}

void lodge_virtio_broken(struct lodge_virtio_dev *dev, const char *why)
{
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (!dev->told)
		lodge_err("%s: its driver in the guest breaks the rules: %s",
			  dev->name, why);
	/* Once: a guest could fill our standard error with it. */
	dev->told = true;
	if (!(dev->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	dev->isr |= VIRTIO_PCI_ISR_CONFIG;
	lodge_msix_signal(&dev->msix, dev->config_vector);
}

void lodge_virtio_reset_done(struct lodge_virtio_dev *dev)
{
	if (dev->resetting)
		lodge_virtio_common_reset(dev);
}
