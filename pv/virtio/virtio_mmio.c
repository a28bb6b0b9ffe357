/* SPDX-License-Identifier: ISC */
/*
 * Virtio over MMIO, version 2.  [VIRTIO] 4.2.  Devices are those the monitor
 * names on the command line,
 *
 *	virtio_mmio.device=<size>@<base>:<irq>[:<id>]	(decimal, or 0x...)
 *
 * with K, M or G behind the size, and those that ACPI describes.
 */
#include <linux/virtio_mmio.h>

#include "kernel/acpi.h"
#include "pv/virtio/virtio.h"

#define MAGIC      0x74726976 /* "virt" */
#define ROUNDS_MAX 64         /* in one interrupt, of one that never ends */

struct mmio_dev {
	struct virtio_dev vd;
	uint64_t base, len;
	unsigned gsi;
	bool irq_attached;
	struct mmio_dev *next;
};

static struct mmio_dev *found;

static struct mmio_dev *
mmio_of(const struct virtio_dev *vd)
{
	return (struct mmio_dev *)vd; /* its first member */
}

static volatile uint32_t *
reg(const struct mmio_dev *d, unsigned offset)
{
	return (volatile uint32_t *)(d->base + offset);
}

static void
set_area(const struct mmio_dev *d, unsigned low, const void *area)
{
	uint64_t v = (uint64_t)area;

	*reg(d, low) = (uint32_t)v;
	*reg(d, low + 4) = (uint32_t)(v >> 32);
}

static uint8_t
mmio_status(struct virtio_dev *vd)
{
	return (uint8_t)*reg(mmio_of(vd), VIRTIO_MMIO_STATUS);
}

static void
mmio_set_status(struct virtio_dev *vd, uint8_t status)
{
	*reg(mmio_of(vd), VIRTIO_MMIO_STATUS) = status;
}

static uint64_t
mmio_features(struct virtio_dev *vd)
{
	struct mmio_dev *d = mmio_of(vd);
	uint64_t v;

	*reg(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL) = 1;
	v = (uint64_t)*reg(d, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	*reg(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL) = 0;
	v |= *reg(d, VIRTIO_MMIO_DEVICE_FEATURES);
	/* there is no register to say the data */
	return v & ~VIRTIO_BIT(VIRTIO_F_NOTIF_CONFIG_DATA);
}

static void
mmio_set_features(struct virtio_dev *vd, uint64_t features)
{
	struct mmio_dev *d = mmio_of(vd);

	*reg(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL) = 1;
	*reg(d, VIRTIO_MMIO_DRIVER_FEATURES) = (uint32_t)(features >> 32);
	*reg(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL) = 0;
	*reg(d, VIRTIO_MMIO_DRIVER_FEATURES) = (uint32_t)features;
}

static uint32_t
mmio_generation(struct virtio_dev *vd)
{
	return *reg(mmio_of(vd), VIRTIO_MMIO_CONFIG_GENERATION);
}

/* [VIRTIO] 4.2.2.2: accesses of the field's own width */
static uint32_t
mmio_config_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	struct mmio_dev *d = mmio_of(vd);
	volatile void *p = reg(d, VIRTIO_MMIO_CONFIG + off);

	if ((uint64_t)VIRTIO_MMIO_CONFIG + off + width > d->len)
		return 0;
	if (width == 1)
		return *(volatile uint8_t *)p;
	return width == 2 ? *(volatile uint16_t *)p : *(volatile uint32_t *)p;
}

static void
mmio_config_set(struct virtio_dev *vd, unsigned off, unsigned width, uint32_t v)
{
	struct mmio_dev *d = mmio_of(vd);
	volatile void *p = reg(d, VIRTIO_MMIO_CONFIG + off);

	if ((uint64_t)VIRTIO_MMIO_CONFIG + off + width > d->len)
		return;
	if (width == 1)
		*(volatile uint8_t *)p = (uint8_t)v;
	else if (width == 2)
		*(volatile uint16_t *)p = (uint16_t)v;
	else
		*(volatile uint32_t *)p = v;
}

/* Acknowledged first: what comes after that interrupts again.  Until nothing
 * is left: the line has no edge while another reason holds it up. */
static void
mmio_irq(void *arg)
{
	struct mmio_dev *d = arg;
	volatile uint32_t *r = reg(d, 0);
	uint32_t why = r[VIRTIO_MMIO_INTERRUPT_STATUS / 4];
	unsigned rounds = ROUNDS_MAX;

	do {
		r[VIRTIO_MMIO_INTERRUPT_ACK / 4] = why;
		if (why & VIRTIO_MMIO_INT_VRING)
			virtio_interrupt_queues(&d->vd);
		if (why & VIRTIO_MMIO_INT_CONFIG)
			virtio_interrupt_config(&d->vd);
		why = r[VIRTIO_MMIO_INTERRUPT_STATUS / 4];
	} while (why != 0 && --rounds > 0);
}

static int
mmio_irq_setup(struct virtio_dev *vd)
{
	struct mmio_dev *d = mmio_of(vd);
	int err;

	if (d->irq_attached)
		return 0;
	err = irq_gsi_attach(d->gsi, mmio_irq, d);
	d->irq_attached = err == 0;
	return err;
}

static unsigned
mmio_queue_size(struct virtio_dev *vd, unsigned index)
{
	struct mmio_dev *d = mmio_of(vd);

	*reg(d, VIRTIO_MMIO_QUEUE_SEL) = index;
	return *reg(d, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static int
mmio_queue_enable(struct virtio_dev *vd, struct virtq *q)
{
	struct mmio_dev *d = mmio_of(vd);

	*reg(d, VIRTIO_MMIO_QUEUE_SEL) = q->index;
	if (*reg(d, VIRTIO_MMIO_QUEUE_READY) != 0) /* 4.2.3.2 */
		return -EBUSY;
	*reg(d, VIRTIO_MMIO_QUEUE_NUM) = q->size;
	set_area(d, VIRTIO_MMIO_QUEUE_DESC_LOW, q->desc_area);
	set_area(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, q->driver_area);
	set_area(d, VIRTIO_MMIO_QUEUE_USED_LOW, q->device_area);
	q->notify_paddr = d->base + VIRTIO_MMIO_QUEUE_NOTIFY;
	q->notify_value = q->index;
	*reg(d, VIRTIO_MMIO_QUEUE_READY) = 1;
	return 0;
}

static void
mmio_notify(const struct virtq *q, uint32_t value)
{
	*(volatile uint32_t *)q->notify_paddr = value;
}

/* [VIRTIO] 4.2.2: the length is -1 where there is none */
static bool
mmio_shm(struct virtio_dev *vd, unsigned id, uint64_t *paddr, uint64_t *len)
{
	struct mmio_dev *d = mmio_of(vd);

	*reg(d, VIRTIO_MMIO_SHM_SEL) = id;
	*len = *reg(d, VIRTIO_MMIO_SHM_LEN_LOW) |
	       (uint64_t)*reg(d, VIRTIO_MMIO_SHM_LEN_HIGH) << 32;
	*paddr = *reg(d, VIRTIO_MMIO_SHM_BASE_LOW) |
		 (uint64_t)*reg(d, VIRTIO_MMIO_SHM_BASE_HIGH) << 32;
	return *len != UINT64_MAX && *len != 0;
}

static const struct virtio_transport mmio_transport = {
    .name = "mmio",
    .status = mmio_status,
    .set_status = mmio_set_status,
    .features = mmio_features,
    .set_features = mmio_set_features,
    .generation = mmio_generation,
    .config_get = mmio_config_get,
    .config_set = mmio_config_set,
    .irq_setup = mmio_irq_setup,
    .queue_size = mmio_queue_size,
    .queue_enable = mmio_queue_enable,
    .notify = mmio_notify,
    .shm = mmio_shm,
};

void
virtio_mmio_add(uint64_t base, uint64_t len, unsigned gsi)
{
	volatile uint32_t *r = (volatile uint32_t *)base;
	struct mmio_dev *d;

	for (d = found; d != NULL; d = d->next)
		if (d->base == base)
			return;
	if (base % 4 != 0 || len < VIRTIO_MMIO_CONFIG ||
	    mmu_map_device(base, len) != 0) {
		log_line("virtio-mmio at 0x%lx: no such place", base);
		return;
	}
	if (r[VIRTIO_MMIO_MAGIC_VALUE / 4] != MAGIC ||
	    r[VIRTIO_MMIO_DEVICE_ID / 4] == 0) /* 4.2.3.1: not there */
		return;
	if (r[VIRTIO_MMIO_VERSION / 4] != 2) {
		log_line("virtio-mmio at 0x%lx: a legacy device (version %u), "
			 "not used; QEMU gives a modern one with -global "
			 "virtio-mmio.force-legacy=false",
		    base, r[VIRTIO_MMIO_VERSION / 4]);
		return;
	}
	d = heap_alloc(sizeof(*d));
	if (d == NULL)
		return;
	d->base = base;
	d->len = len;
	d->gsi = gsi;
	d->next = found;
	found = d;
	d->vd.ops = &mmio_transport;
	d->vd.id = r[VIRTIO_MMIO_DEVICE_ID / 4];
	log_text(d->vd.name, sizeof(d->vd.name), "mmio@%lx", base);
	virtio_found(&d->vd);
}

static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* A number, then perhaps a suffix; *s is moved behind it. */
static bool
number(const char **s, uint64_t *v)
{
	unsigned radix = 10;
	const char *p = *s;

	if (p[0] == '0' && (p[1] | 0x20) == 'x') {
		radix = 16;
		p += 2;
	}
	*s = p;
	for (*v = 0; digit(*p) < radix; p++)
		*v = *v * radix + digit(*p);
	if (p == *s)
		return false;
	if (*p == 'K' || *p == 'M' || *p == 'G') {
		*v <<= *p == 'K' ? 10 : *p == 'M' ? 20 : 30;
		p++;
	}
	*s = p;
	return true;
}

static void
add_word(const char *word)
{
	uint64_t base, len, gsi;
	const char *s = word;

	if (number(&s, &len) && *s++ == '@' && number(&s, &base) &&
	    *s++ == ':' && number(&s, &gsi) && (*s == '\0' || *s == ':'))
		virtio_mmio_add(base, len, (unsigned)gsi);
	else
		log_line(
		    "virtio_mmio.device=%s: not <size>@<base>:<irq>", word);
}

void
virtio_mmio_scan(void)
{
	char **word;

	for (word = cmdline_devices; *word != NULL; word++)
		add_word(*word);
	acpi_virtio_mmio(virtio_mmio_add);
}
