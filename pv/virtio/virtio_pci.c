/* SPDX-License-Identifier: ISC */
/*
 * Virtio over PCI, the modern way.  [VIRTIO] 4.1: capabilities say where in
 * which BAR the device's structures are.  Two interrupts by MSI-X, one for the
 * configuration and one for all queues, or else the line, whose status register
 * tells them apart.
 */
#include <stddef.h>

#include <linux/virtio_pci.h>

#include "kernel/pci.h"
#include "pv/virtio/virtio.h"

_Static_assert(sizeof(struct virtio_pci_cap) == 16, "[VIRTIO] 4.1.4");
_Static_assert(sizeof(struct virtio_pci_cap64) == 24, "[VIRTIO] 4.1.4");
_Static_assert(sizeof(struct virtio_pci_common_cfg) == 56, "[VIRTIO] 4.1.4.3");
_Static_assert(
    offsetof(struct virtio_pci_common_cfg, queue_used_lo) == 48, "4.1.4.3");

/* [VIRTIO] 4.1.2.1: transitional devices, then modern ones, which are at this
 * plus their virtio id. */
#define DEVICE_FIRST  0x1000
#define DEVICE_MODERN 0x1040
#define DEVICE_LAST   0x107f

#define VECTOR_CONFIG 0
#define VECTOR_QUEUES 1
#define VECTORS_USED  2

#define QUEUE_NDATA_END (VIRTIO_PCI_COMMON_Q_NDATA + 2)

/* A structure of the device: mapped; NULL if it has none. */
struct area {
	volatile uint8_t *p;
	uint32_t len;
};

struct pci_vdev {
	struct virtio_dev vd;
	struct pci_dev *pci;
	struct area common, notify, isr, config;
	uint32_t notify_step; /* bytes between the places to notify */
	bool irq_attached, msix;
};

/* A capability, copied: 4.1.4. */
struct cap {
	uint8_t type, bar, id;
	uint64_t off, len;
	uint32_t step; /* of VIRTIO_PCI_CAP_NOTIFY_CFG */
};

static struct pci_vdev *
pci_of(const struct virtio_dev *vd)
{
	return (struct pci_vdev *)vd; /* its first member */
}

/* 4.1.3.1: fields are accessed at their own width, those of 64 bits by halves.
 */
static uint32_t
area_get(const struct area *a, unsigned off, unsigned width)
{
	volatile uint8_t *p = a->p + off;

	if (width == 1)
		return *p;
	return width == 2 ? *(volatile uint16_t *)p : *(volatile uint32_t *)p;
}

static void
area_set(const struct area *a, unsigned off, unsigned width, uint32_t v)
{
	volatile uint8_t *p = a->p + off;

	if (width == 1)
		*p = (uint8_t)v;
	else if (width == 2)
		*(volatile uint16_t *)p = (uint16_t)v;
	else
		*(volatile uint32_t *)p = v;
}

static uint32_t
common_get(const struct pci_vdev *d, unsigned off, unsigned width)
{
	return area_get(&d->common, off, width);
}

static void
common_set(const struct pci_vdev *d, unsigned off, unsigned width, uint32_t v)
{
	area_set(&d->common, off, width, v);
}

static void
common_set_address(const struct pci_vdev *d, unsigned off, const void *p)
{
	common_set(d, off, 4, (uint32_t)(uint64_t)p);
	common_set(d, off + 4, 4, (uint32_t)((uint64_t)p >> 32));
}

/* --- the device --- */

static uint8_t
vpci_status(struct virtio_dev *vd)
{
	return (uint8_t)common_get(pci_of(vd), VIRTIO_PCI_COMMON_STATUS, 1);
}

static void
vpci_set_status(struct virtio_dev *vd, uint8_t status)
{
	common_set(pci_of(vd), VIRTIO_PCI_COMMON_STATUS, 1, status);
}

static uint64_t
vpci_features(struct virtio_dev *vd)
{
	struct pci_vdev *d = pci_of(vd);
	uint64_t v;

	common_set(d, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	v = (uint64_t)common_get(d, VIRTIO_PCI_COMMON_DF, 4) << 32;
	common_set(d, VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	v |= common_get(d, VIRTIO_PCI_COMMON_DF, 4);
	if (d->common.len < QUEUE_NDATA_END) /* it could not say the data */
		v &= ~VIRTIO_BIT(VIRTIO_F_NOTIF_CONFIG_DATA);
	return v;
}

static void
vpci_set_features(struct virtio_dev *vd, uint64_t features)
{
	struct pci_vdev *d = pci_of(vd);

	common_set(d, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	common_set(d, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)(features >> 32));
	common_set(d, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	common_set(d, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
}

static uint32_t
vpci_generation(struct virtio_dev *vd)
{
	return common_get(pci_of(vd), VIRTIO_PCI_COMMON_CFGGENERATION, 1);
}

static bool
has(const struct area *a, unsigned off, unsigned width)
{
	return width <= a->len && off <= a->len - width;
}

static uint32_t
vpci_config_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	const struct area *a = &pci_of(vd)->config;

	return has(a, off, width) ? area_get(a, off, width) : 0;
}

static void
vpci_config_set(struct virtio_dev *vd, unsigned off, unsigned width, uint32_t v)
{
	const struct area *a = &pci_of(vd)->config;

	if (has(a, off, width))
		area_set(a, off, width, v);
}

/* --- interrupts --- */

static void
config_interrupt(void *arg)
{
	virtio_interrupt_config(arg);
}

static void
queues_interrupt(void *arg)
{
	virtio_interrupt_queues(arg);
}

/* 4.1.5.3: reading the status acknowledges it, and lets go of the line. */
static void
line_interrupt(void *arg)
{
	struct pci_vdev *d = arg;
	uint32_t why = area_get(&d->isr, 0, 1);

	if (why & VIRTIO_PCI_ISR_CONFIG)
		virtio_interrupt_config(&d->vd);
	if (why & 1) /* 4.1.4.5: of queues */
		virtio_interrupt_queues(&d->vd);
}

static int
attach_msix(struct pci_vdev *d)
{
	int vector[VECTORS_USED];

	vector[VECTOR_CONFIG] = irq_alloc(config_interrupt, &d->vd);
	vector[VECTOR_QUEUES] = irq_alloc(queues_interrupt, &d->vd);
	if (vector[VECTOR_CONFIG] < 0 || vector[VECTOR_QUEUES] < 0)
		return -ENOSPC;
	return pci_msix_enable(d->pci, vector, VECTORS_USED);
}

static int
attach_line(struct pci_vdev *d)
{
	int gsi = pci_gsi(d->pci);

	if (gsi < 0 || d->isr.p == NULL) {
		log_line("%s: neither two MSI-X vectors nor a known interrupt "
			 "line",
		    d->vd.name);
		return -ENODEV;
	}
	return irq_gsi_share((unsigned)gsi, line_interrupt, d);
}

static int
attach_irq(struct pci_vdev *d)
{
	d->msix = pci_msix_count(d->pci) >= VECTORS_USED;
	return d->msix ? attach_msix(d) : attach_line(d);
}

/* 4.1.5.1.2: a device short of resources says so by the value read back. */
static int
set_vector(const struct pci_vdev *d, unsigned off, uint32_t vector)
{
	common_set(d, off, 2, vector);
	return common_get(d, off, 2) == vector ? 0 : -EBUSY;
}

static int
vpci_irq_setup(struct virtio_dev *vd)
{
	struct pci_vdev *d = pci_of(vd);
	int err;

	if (!d->irq_attached) {
		err = attach_irq(d);
		if (err != 0)
			return err;
		d->irq_attached = true;
	}
	/* a reset has taken it away */
	return d->msix ? set_vector(d, VIRTIO_PCI_COMMON_MSIX, VECTOR_CONFIG)
		       : 0;
}

/* --- queues --- */

static unsigned
vpci_queue_size(struct virtio_dev *vd, unsigned index)
{
	struct pci_vdev *d = pci_of(vd);

	if (index >= common_get(d, VIRTIO_PCI_COMMON_NUMQ, 2))
		return 0;
	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	return common_get(d, VIRTIO_PCI_COMMON_Q_SIZE, 2);
}

/* 4.1.4.4, 4.1.5.2: where, and what to write there.  The queue is selected. */
static int
find_notify(const struct pci_vdev *d, struct virtq *q)
{
	uint64_t off = (uint64_t)d->notify_step *
		       common_get(d, VIRTIO_PCI_COMMON_Q_NOFF, 2);
	unsigned width = virtio_has(&d->vd, VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;

	if (off % width != 0 || off + width > d->notify.len)
		return -EINVAL;
	q->notify_paddr = (uint64_t)d->notify.p + off;
	q->notify_value = q->index;
	if (virtio_has(&d->vd, VIRTIO_F_NOTIF_CONFIG_DATA))
		q->notify_value = common_get(d, VIRTIO_PCI_COMMON_Q_NDATA, 2);
	return 0;
}

static int
vpci_queue_enable(struct virtio_dev *vd, struct virtq *q)
{
	struct pci_vdev *d = pci_of(vd);
	int err;

	common_set(d, VIRTIO_PCI_COMMON_Q_SELECT, 2, q->index);
	if (common_get(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2) != 0)
		return -EBUSY;
	err = find_notify(d, q);
	if (err == 0 && d->msix)
		err = set_vector(d, VIRTIO_PCI_COMMON_Q_MSIX, VECTOR_QUEUES);
	if (err != 0)
		return err;
	common_set(d, VIRTIO_PCI_COMMON_Q_SIZE, 2, q->size);
	common_set_address(d, VIRTIO_PCI_COMMON_Q_DESCLO, q->desc_area);
	common_set_address(d, VIRTIO_PCI_COMMON_Q_AVAILLO, q->driver_area);
	common_set_address(d, VIRTIO_PCI_COMMON_Q_USEDLO, q->device_area);
	common_set(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	return 0;
}

static void
vpci_notify(const struct virtq *q, uint32_t value)
{
	if (virtio_has(q->vd, VIRTIO_F_NOTIFICATION_DATA))
		*(volatile uint32_t *)q->notify_paddr = value;
	else
		*(volatile uint16_t *)q->notify_paddr = (uint16_t)value;
}

/* --- capabilities --- */

/* False: it is none of ours, or too short for what it claims to be. */
static bool
cap_read(const struct pci_dev *p, unsigned at, struct cap *c)
{
	unsigned cap_len = pci_read(p, at + VIRTIO_PCI_CAP_LEN, 1);

	if (cap_len < sizeof(struct virtio_pci_cap) || at + cap_len > 0x100)
		return false;
	c->type = (uint8_t)pci_read(p, at + VIRTIO_PCI_CAP_CFG_TYPE, 1);
	c->bar = (uint8_t)pci_read(p, at + VIRTIO_PCI_CAP_BAR, 1);
	c->id = (uint8_t)pci_read(p, at + VIRTIO_PCI_CAP_BAR + 1, 1);
	c->off = pci_read(p, at + VIRTIO_PCI_CAP_OFFSET, 4);
	c->len = pci_read(p, at + VIRTIO_PCI_CAP_LENGTH, 4);
	switch (c->type) {
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		if (cap_len < sizeof(struct virtio_pci_notify_cap))
			return false;
		c->step = pci_read(p, at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		break;
	case VIRTIO_PCI_CAP_SHARED_MEMORY_CFG: /* 4.1.4.7 */
		if (cap_len < sizeof(struct virtio_pci_cap64))
			return false;
		c->off |= (uint64_t)pci_read(p, at + 16, 4) << 32;
		c->len |= (uint64_t)pci_read(p, at + 20, 4) << 32;
		break;
	}
	return true;
}

/* 4.1.4.1: of several of a type, the first that can be used.  Those in I/O
 * space cannot, for pci_map knows memory alone. */
static void
take(const struct pci_dev *p, const struct cap *c, unsigned align,
    unsigned min_len, struct area *a)
{
	uint32_t len = c->len < PAGE_SIZE * 1024 ? c->len : PAGE_SIZE * 1024;

	if (a->p != NULL || c->off % align != 0 || len < min_len)
		return;
	a->p = pci_map(p, c->bar, c->off, len);
	a->len = a->p != NULL ? len : 0;
}

static void
take_caps(struct pci_vdev *d)
{
	uint8_t at[PCI_CAPS_MAX];
	struct cap c;
	unsigned i, n = pci_caps(d->pci, PCI_CAP_ID_VNDR, at);

	for (i = 0; i < n; i++) {
		if (!cap_read(d->pci, at[i], &c))
			continue;
		switch (c.type) {
		case VIRTIO_PCI_CAP_COMMON_CFG:
			take(d->pci, &c, 4,
			    sizeof(struct virtio_pci_common_cfg), &d->common);
			break;
		case VIRTIO_PCI_CAP_NOTIFY_CFG:
			if (d->notify.p == NULL)
				d->notify_step = c.step;
			take(d->pci, &c, 2, 2, &d->notify);
			break;
		case VIRTIO_PCI_CAP_ISR_CFG:
			take(d->pci, &c, 1, 1, &d->isr);
			break;
		case VIRTIO_PCI_CAP_DEVICE_CFG:
			take(d->pci, &c, 4, 1, &d->config);
			break;
		default: /* VIRTIO_PCI_CAP_PCI_CFG: who maps, needs it not */
			break;
		}
	}
}

/* Looked for anew each time: few devices have any. */
static bool
vpci_shm(struct virtio_dev *vd, unsigned id, uint64_t *paddr, uint64_t *len)
{
	const struct pci_dev *p = pci_of(vd)->pci;
	const struct pci_bar *b;
	uint8_t at[PCI_CAPS_MAX];
	unsigned i, n = pci_caps(p, PCI_CAP_ID_VNDR, at);
	struct cap c;

	for (i = 0; i < n; i++) {
		if (!cap_read(p, at[i], &c) || c.id != id ||
		    c.type != VIRTIO_PCI_CAP_SHARED_MEMORY_CFG ||
		    c.bar >= PCI_BARS || c.len == 0)
			continue;
		b = &p->bar[c.bar];
		if (b->paddr == 0 || c.off > b->len || c.len > b->len - c.off)
			continue;
		*paddr = b->paddr + c.off;
		*len = c.len;
		return true;
	}
	return false;
}

static const struct virtio_transport pci_transport = {
    .name = "pci",
    .status = vpci_status,
    .set_status = vpci_set_status,
    .features = vpci_features,
    .set_features = vpci_set_features,
    .generation = vpci_generation,
    .config_get = vpci_config_get,
    .config_set = vpci_config_set,
    .irq_setup = vpci_irq_setup,
    .queue_size = vpci_queue_size,
    .queue_enable = vpci_queue_enable,
    .notify = vpci_notify,
    .shm = vpci_shm,
};

/* --- finding --- */

/* Why a device cannot be used, in words for who runs the guest. */
static void
refuse(const struct pci_vdev *d)
{
	uint8_t at[PCI_CAPS_MAX];
	unsigned n;

	if (pci_caps(d->pci, PCI_CAP_ID_VNDR, at) == 0) {
		log_line("virtio-%s: a legacy device, not used; QEMU gives a "
			 "modern one with disable-modern=off",
		    d->vd.name);
		return;
	}
	for (n = 0; n < PCI_BARS; n++)
		if (d->pci->bar[n].len != 0 && d->pci->bar[n].paddr == 0)
			log_line(
			    "virtio-%s: BAR %u of %lu bytes has no address",
			    d->vd.name, n, d->pci->bar[n].len);
	log_line(
	    "virtio-%s: its registers cannot be found, not used", d->vd.name);
}

static void
add(struct pci_dev *p)
{
	struct pci_vdev *d = heap_alloc(sizeof(*d));

	if (d == NULL)
		return;
	d->pci = p;
	d->vd.ops = &pci_transport;
	d->vd.id = p->device < DEVICE_MODERN
		       ? pci_read(p, PCI_SUBSYSTEM_ID, 2) /* 4.1.2.1 */
		       : (uint32_t)(p->device - DEVICE_MODERN);
	log_text(d->vd.name, sizeof(d->vd.name), "pci %02x:%02x.%u", p->bus,
	    p->slot, p->fn);
	take_caps(d);
	if (d->common.p == NULL || d->notify.p == NULL) {
		refuse(d);
		heap_free(d, sizeof(*d));
		return;
	}
	pci_enable(p);
	virtio_found(&d->vd);
}

void
virtio_pci_scan(void)
{
	struct pci_dev *p;

	for (p = pci_first(); p != NULL; p = p->next)
		if (p->vendor == PCI_VENDOR_VIRTIO &&
		    p->device >= DEVICE_FIRST && p->device <= DEVICE_LAST)
			add(p);
}
