// SPDX-License-Identifier: GPL-2.0
/*
 * The common configuration structure; see virtio_common.h for who calls this.
 *
 * Follows the virtio specification's "Common configuration structure layout"
 * and "Device Initialization".
 * Read next: dev/virtq.c.
 */
#include "virtio_common.h"

#include <stddef.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#define STATUS_WRITABLE	(VIRTIO_CONFIG_S_ACKNOWLEDGE | \
			 VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK | \
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

void lodge_virtio_common_reset(struct lodge_virtio_dev *dev)
{
	unsigned int i;

	dev->accepted = 0;
	dev->offered_select = 0;
	dev->accepted_select = 0;
	dev->queue_select = 0;
	dev->config_vector = VIRTIO_MSI_NO_VECTOR;
	dev->status = 0;
	dev->isr = 0;
	dev->resetting = false;
	for (i = 0; i < dev->nr_queues; i++) {
		lodge_virtq_reset(&dev->queue[i].vq, dev->host->mem);
		dev->queue[i].vector = VIRTIO_MSI_NO_VECTOR;
	}
}

static struct lodge_virtio_queue *common_queue(struct lodge_virtio_dev *dev)
{
	return dev->queue_select < dev->nr_queues ?
	       &dev->queue[dev->queue_select] : NULL;
}

/* The queue, if the driver may still change where and how large it is. */
static struct lodge_virtq *common_vq(struct lodge_virtio_dev *dev)
{
	struct lodge_virtio_queue *q = common_queue(dev);

	return q && !q->vq.enabled ? &q->vq : NULL;
}

static void write_offered_select(struct lodge_virtio_dev *dev, uint32_t val)
{
	dev->offered_select = val;
}

static void write_accepted_select(struct lodge_virtio_dev *dev, uint32_t val)
{
	dev->accepted_select = val;
}

static void write_accepted(struct lodge_virtio_dev *dev, uint32_t val)
{
	unsigned int shift = dev->accepted_select * 32;

	if (dev->accepted_select > 1 ||
	    (dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	dev->accepted &= ~(0xffffffffull << shift);
	dev->accepted |= (uint64_t)val << shift;
}

static uint16_t common_vector(struct lodge_virtio_dev *dev, uint32_t val)
{
	return val < dev->msix.nr ? val : VIRTIO_MSI_NO_VECTOR;
}

static void write_config_vector(struct lodge_virtio_dev *dev, uint32_t val)
{
	dev->config_vector = common_vector(dev, val);
}

static void write_status(struct lodge_virtio_dev *dev, uint32_t val)
{
	uint8_t new = val & STATUS_WRITABLE & ~dev->status;
	unsigned int i;

	if (!val) {
		dev->resetting = true;
		if (dev->ops->reset(dev->ctx))
			lodge_virtio_reset_done(dev);
		return;
	}
	if ((new & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    ((dev->accepted & ~dev->offered) ||
	     !(dev->accepted & 1ull << VIRTIO_F_VERSION_1)))
		new &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((dev->status | new) & VIRTIO_CONFIG_S_FEATURES_OK))
		new &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	dev->status |= new;
	/* What was queued before the driver was up was not looked at. */
	if (new & VIRTIO_CONFIG_S_DRIVER_OK)
		for (i = 0; i < dev->nr_queues; i++)
			lodge_event_set(dev->queue[i].kick.fd);
}

static void write_queue_select(struct lodge_virtio_dev *dev, uint32_t val)
{
	dev->queue_select = val;
}

static void write_queue_size(struct lodge_virtio_dev *dev, uint32_t val)
{
	struct lodge_virtq *vq = common_vq(dev);

	if (vq)
		vq->size = val;
}

static void write_queue_vector(struct lodge_virtio_dev *dev, uint32_t val)
{
	struct lodge_virtio_queue *q = common_queue(dev);

	if (q)
		q->vector = common_vector(dev, val);
}

static void write_queue_enable(struct lodge_virtio_dev *dev, uint32_t val)
{
	struct lodge_virtq *vq = common_vq(dev);

	if (!vq || val != 1 || !(dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (!lodge_virtq_enable(vq, dev->accepted &
				1ull << VIRTIO_RING_F_EVENT_IDX))
		lodge_virtio_broken(dev, vq->broken);
	else
		lodge_event_set(dev->queue[dev->queue_select].kick.fd);
}

static void common_half(uint64_t *addr, uint32_t val, bool high)
{
	unsigned int shift = high ? 32 : 0;

	*addr = (*addr & ~(0xffffffffull << shift)) | (uint64_t)val << shift;
}

#define WRITE_ADDR(name, field, high)					\
static void name(struct lodge_virtio_dev *dev, uint32_t val)		\
{									\
	struct lodge_virtq *vq = common_vq(dev);			\
									\
	if (vq)								\
		common_half(&vq->field, val, high);			\
}

WRITE_ADDR(write_desc_lo, desc_gpa, false)
WRITE_ADDR(write_desc_hi, desc_gpa, true)
WRITE_ADDR(write_avail_lo, avail_gpa, false)
WRITE_ADDR(write_avail_hi, avail_gpa, true)
WRITE_ADDR(write_used_lo, used_gpa, false)
WRITE_ADDR(write_used_hi, used_gpa, true)

#define FIELD(name)							\
	.offset = offsetof(struct virtio_pci_common_cfg, name),		\
	.size = sizeof(((struct virtio_pci_common_cfg *)0)->name)

/* The registers a driver may write. */
static const struct {
	uint8_t offset;
	uint8_t size;
	void (*write)(struct lodge_virtio_dev *dev, uint32_t val);
} common_fields[] = {
	{ FIELD(device_feature_select), write_offered_select },
	{ FIELD(guest_feature_select), write_accepted_select },
	{ FIELD(guest_feature), write_accepted },
	{ FIELD(msix_config), write_config_vector },
	{ FIELD(device_status), write_status },
	{ FIELD(queue_select), write_queue_select },
	{ FIELD(queue_size), write_queue_size },
	{ FIELD(queue_msix_vector), write_queue_vector },
	{ FIELD(queue_enable), write_queue_enable },
	{ FIELD(queue_desc_lo), write_desc_lo },
	{ FIELD(queue_desc_hi), write_desc_hi },
	{ FIELD(queue_avail_lo), write_avail_lo },
	{ FIELD(queue_avail_hi), write_avail_hi },
	{ FIELD(queue_used_lo), write_used_lo },
	{ FIELD(queue_used_hi), write_used_hi },
};

static void common_write(struct lodge_virtio_dev *dev, uint64_t offset,
			 const uint8_t *data, unsigned int len)
{
	uint32_t val = 0;
	size_t i;

	/* Whole registers only, as the specification demands. */
	for (i = 0; i < sizeof(common_fields) / sizeof(common_fields[0]); i++) {
		if (common_fields[i].offset != offset ||
		    common_fields[i].size != len)
			continue;
		memcpy(&val, data, len);
		/* A reset under way is waited for before all else. */
		if (!dev->resetting)
			common_fields[i].write(dev, val);
		return;
	}
}

static uint32_t common_features(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : features >> (select * 32);
}

static void common_snapshot(struct lodge_virtio_dev *dev,
			    struct virtio_pci_common_cfg *c)
{
	const struct lodge_virtio_queue *q = common_queue(dev);

	memset(c, 0, sizeof(*c));
	c->device_feature_select = dev->offered_select;
	c->device_feature = common_features(dev->offered, dev->offered_select);
	c->guest_feature_select = dev->accepted_select;
	c->guest_feature = common_features(dev->accepted,
					   dev->accepted_select);
	c->msix_config = dev->config_vector;
	c->num_queues = dev->nr_queues;
	c->device_status = dev->status;
	c->queue_select = dev->queue_select;
	if (!q)
		return;
	c->queue_size = q->vq.size;
	c->queue_msix_vector = q->vector;
	c->queue_enable = q->vq.enabled;
	c->queue_notify_off = dev->queue_select;
	c->queue_desc_lo = q->vq.desc_gpa;
	c->queue_desc_hi = q->vq.desc_gpa >> 32;
	c->queue_avail_lo = q->vq.avail_gpa;
	c->queue_avail_hi = q->vq.avail_gpa >> 32;
	c->queue_used_lo = q->vq.used_gpa;
	c->queue_used_hi = q->vq.used_gpa >> 32;
}

void lodge_virtio_common_io(struct lodge_virtio_dev *dev, uint64_t offset,
			    uint8_t *data, unsigned int len, bool write)
{
	struct virtio_pci_common_cfg c;

	pthread_mutex_lock(&dev->lock);
	if (write) {
		common_write(dev, offset, data, len);
	} else {
		memset(data, 0, len);
		common_snapshot(dev, &c);
		if (offset + len <= sizeof(c))
			memcpy(data, (uint8_t *)&c + offset, len);
	}
	pthread_mutex_unlock(&dev->lock);
}
