// SPDX-License-Identifier: GPL-2.0
/*
 * MSI-X; see msix.h for who calls this.
 *
 * A vector is routed when it is first unmasked, and again when its message
 * changes; from then on an interrupt costs one write to an eventfd. Follows
 * the PCI Local Bus Specification's "MSI-X Capability and Table Structures".
 * Read next: vm.c, lodge_vm_msi_route().
 */
#include "msix.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>

#include "../loop.h"

#define MSIX_ADDR_LO	0
#define MSIX_ADDR_HI	1
#define MSIX_DATA	2
#define MSIX_CTRL	3
#define MSIX_CTRL_MASK	1u

void lodge_msix_init(struct lodge_msix *msix, unsigned int nr,
		     const struct lodge_msi_ops *ops, void *ctx)
{
	unsigned int i;

	memset(msix, 0, sizeof(*msix));
	pthread_mutex_init(&msix->lock, NULL);
	msix->ops = ops;
	msix->ctx = ctx;
	msix->nr = nr;
	for (i = 0; i < LODGE_MSIX_MAX; i++) {
		msix->vector[i].fd = -1;
		msix->vector[i].entry[MSIX_CTRL] = MSIX_CTRL_MASK;
	}
}

void lodge_msix_fini(struct lodge_msix *msix)
{
	unsigned int i;

	for (i = 0; i < msix->nr; i++)
		if (msix->vector[i].fd >= 0)
			close(msix->vector[i].fd);
}

static bool msix_open(const struct lodge_msix *msix,
		      const struct lodge_msix_vector *v)
{
	return msix->enabled && !msix->masked &&
	       !(v->entry[MSIX_CTRL] & MSIX_CTRL_MASK);
}

static int msix_route(struct lodge_msix *msix, struct lodge_msix_vector *v)
{
	uint64_t addr = v->entry[MSIX_ADDR_LO] |
			(uint64_t)v->entry[MSIX_ADDR_HI] << 32;
	uint32_t data = v->entry[MSIX_DATA];
	int ret;

	if (v->handle && addr == v->routed_addr && data == v->routed_data)
		return 0;
	ret = msix->ops->route(msix->ctx, v->handle, addr, data);
	if (ret < 0)
		return ret;
	v->handle = ret;
	v->routed_addr = addr;
	v->routed_data = data;
	return 0;
}

static int msix_connect(struct lodge_msix *msix, struct lodge_msix_vector *v)
{
	int fd, ret;

	if (v->fd >= 0)
		return 0;
	fd = lodge_event_new();
	if (fd < 0)
		return fd;
	ret = msix->ops->connect(msix->ctx, fd, v->handle);
	if (ret)
		close(fd);
	else
		v->fd = fd;
	return ret;
}

/* Send the message, or remember to once the guest lets it through. */
static void msix_send(struct lodge_msix *msix, struct lodge_msix_vector *v)
{
	v->pending = !msix_open(msix, v) || msix_route(msix, v) ||
		     msix_connect(msix, v);
	if (!v->pending)
		lodge_event_set(v->fd);
}

static void msix_changed(struct lodge_msix *msix, struct lodge_msix_vector *v)
{
	if (!msix_open(msix, v))
		return;
	if (v->pending)
		msix_send(msix, v);
	else if (!msix_route(msix, v))
		msix_connect(msix, v);
}

static bool msix_table_valid(const struct lodge_msix *msix, uint64_t offset,
			     unsigned int len)
{
	return (len == 4 || len == 8) && !(offset % len) &&
	       offset / LODGE_MSIX_ENTRY_SIZE < msix->nr;
}

void lodge_msix_table(struct lodge_msix *msix, uint64_t offset, uint8_t *data,
		      unsigned int len, bool write)
{
	struct lodge_msix_vector *v;
	unsigned int word = offset % LODGE_MSIX_ENTRY_SIZE / 4;

	if (!msix_table_valid(msix, offset, len)) {
		if (!write)
			memset(data, 0, len);
		return;
	}
	v = &msix->vector[offset / LODGE_MSIX_ENTRY_SIZE];
	pthread_mutex_lock(&msix->lock);
	if (write) {
		memcpy(&v->entry[word], data, len);
		v->entry[MSIX_CTRL] &= MSIX_CTRL_MASK;
		msix_changed(msix, v);
	} else {
		memcpy(data, &v->entry[word], len);
	}
	pthread_mutex_unlock(&msix->lock);
}

void lodge_msix_pending(struct lodge_msix *msix, uint64_t offset,
			uint8_t *data, unsigned int len)
{
	uint8_t bits[LODGE_MSIX_MAX / 8] = { 0 };
	unsigned int i;

	pthread_mutex_lock(&msix->lock);
	for (i = 0; i < msix->nr; i++)
		if (msix->vector[i].pending)
			bits[i / 8] |= 1u << i % 8;
	pthread_mutex_unlock(&msix->lock);
	for (i = 0; i < len; i++)
		data[i] = offset + i < sizeof(bits) ? bits[offset + i] : 0;
}

void lodge_msix_control(struct lodge_msix *msix, uint16_t control)
{
	unsigned int i;

	pthread_mutex_lock(&msix->lock);
	msix->enabled = control & PCI_MSIX_FLAGS_ENABLE;
	msix->masked = control & PCI_MSIX_FLAGS_MASKALL;
	for (i = 0; i < msix->nr; i++)
		msix_changed(msix, &msix->vector[i]);
	pthread_mutex_unlock(&msix->lock);
}

void lodge_msix_signal(struct lodge_msix *msix, unsigned int vector)
{
	if (vector >= msix->nr)
		return;
	pthread_mutex_lock(&msix->lock);
	/* Without MSI-X there is no interrupt at all: the pin is not wired. */
	if (msix->enabled)
		msix_send(msix, &msix->vector[vector]);
	pthread_mutex_unlock(&msix->lock);
}
