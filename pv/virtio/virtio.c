/* SPDX-License-Identifier: ISC */
/*
 * Devices and drivers: finding, negotiating, configuring, breaking off.
 * [VIRTIO] 2.1 to 2.5 and 3.
 */
#include "pv/virtio/virtio.h"

#include <string.h>

#include "kernel/cpu.h"
#include "kernel/once.h"
#include "kernel/panic.h"

#define GENERATION_TRIES 64
#define RESTARTS_MAX     16     /* of one device: more is no accident */
#define RESET_TRIES      100000 /* reads of the status, each an exit */

/* What we know of rings and transports: bits 24 to 41 are not the drivers'. */
#define RING_FEATURES                                                          \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) |                                      \
	    VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM) |                             \
	    VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_IN_ORDER) | \
	    VIRTIO_BIT(VIRTIO_F_ORDER_PLATFORM) |                              \
	    VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA) |                           \
	    VIRTIO_BIT(VIRTIO_F_NOTIF_CONFIG_DATA) |                           \
	    VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) |                          \
	    VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX))

unsigned virtio_broken_count;

static struct virtio_dev *devices, **devices_end = &devices;
static struct once scanned = ONCE("virtio scan");
static struct once attaching = ONCE("virtio attach");
static struct spinlock live_lock = SPINLOCK("virtio live");

/* --- finding --- */

void
virtio_found(struct virtio_dev *vd)
{
	*devices_end = vd;
	devices_end = &vd->next;
}

static void
scan(void)
{
	if (!once_enter(&scanned))
		return;
	virtio_mmio_scan();
	virtio_pci_scan();
	once_leave(&scanned, true);
}

static void
status_add(struct virtio_dev *vd, uint8_t bits)
{
	vd->ops->set_status(vd, vd->ops->status(vd) | bits);
}

static bool
reset(struct virtio_dev *vd)
{
	unsigned tries = RESET_TRIES;

	vd->ops->set_status(vd, 0);
	while (vd->ops->status(vd) != 0) {
		if (--tries == 0)
			return false;
		cpu_pause();
	}
	return true;
}

/* From now on they give back what is in flight. */
static void
queues_lose(struct virtio_dev *vd)
{
	struct virtq *q;

	for (q = vd->queues; q != NULL; q = q->next)
		q->ready = false;
}

static void
queues_free(struct virtio_dev *vd)
{
	struct virtq *q;

	while ((q = vd->queues) != NULL) {
		vd->queues = q->next;
		virtq_free(q);
	}
}

static int
attach(struct virtio_dev *vd)
{
	int err = work_init(); /* for virtio_break */
	struct virtq *q;
	bool is_reset;

	if (err == 0)
		err = vd->driver->attach(vd);
	if (err == 0)
		return 0;
	log_line("%s %s: cannot be used: error %d", vd->driver->name, vd->name,
	    -err);
	vd->broken = true;
	is_reset = reset(vd);
	queues_lose(vd);
	for (q = vd->queues; q != NULL; q = q->next)
		if (q->in_flight > 0)
			virtq_end(q);
	if (is_reset) /* our memory is ours again */
		queues_free(vd);
	status_add(vd, VIRTIO_CONFIG_S_FAILED); /* 3.1.1 */
	return err;
}

struct virtio_dev *
virtio_first(uint32_t id)
{
	struct virtio_dev *vd;

	if (!panic_busy() || !scanned.busy) /* one that died scanning */
		scan();
	for (vd = devices; vd != NULL && vd->id != id;)
		vd = vd->next;
	return vd;
}

void
virtio_probe(const struct virtio_driver *drv)
{
	struct virtio_dev *vd;

	if (drv == NULL) /* left out of this image */
		return;
	scan();
	once_enter(&attaching);
	for (vd = devices; vd != NULL; vd = vd->next) {
		if (vd->id != drv->id || vd->driver != NULL)
			continue;
		vd->driver = drv;
		attach(vd);
	}
	once_leave(&attaching, false);
}

/* --- negotiating --- */

int
virtio_negotiate(struct virtio_dev *vd, uint64_t wanted, uint64_t needed)
{
	uint64_t offered;

	if (!reset(vd))
		return -EIO;
	queues_free(vd);
	vd->broken = vd->needs_reset = vd->live = false;
	status_add(vd, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	status_add(vd, VIRTIO_CONFIG_S_DRIVER);
	offered = vd->ops->features(vd);
	needed |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
	if ((offered & needed) != needed)
		return -ENODEV;
	vd->features = offered & (wanted | needed | RING_FEATURES);
	vd->ops->set_features(vd, vd->features);
	status_add(vd, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(vd->ops->status(vd) & VIRTIO_CONFIG_S_FEATURES_OK))
		return -ENOTSUP;
	return vd->ops->irq_setup(vd);
}

void
virtio_driver_ok(struct virtio_dev *vd)
{
	struct virtq *q;
	uint64_t flags;

	/* No interrupt comes between, or it would be passed over. */
	flags = spin_lock(&live_lock);
	status_add(vd, VIRTIO_CONFIG_S_DRIVER_OK);
	vd->live = true;
	for (q = vd->queues; q != NULL; q = q->next)
		virtq_live(q);
	spin_unlock(&live_lock, flags);
}

/* --- configuration space --- */

static uint64_t
config_read(struct virtio_dev *vd, unsigned off, unsigned width)
{
	uint64_t v;

	if (width <= 4)
		return vd->ops->config_get(vd, off, width);
	v = vd->ops->config_get(vd, off, 4);
	return v | (uint64_t)vd->ops->config_get(vd, off + 4, 4) << 32;
}

uint64_t
virtio_config_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	unsigned tries = GENERATION_TRIES;
	uint32_t before;
	uint64_t v;

	if (width < 8)
		return config_read(vd, off, width);
	do {
		before = vd->ops->generation(vd);
		v = config_read(vd, off, width);
	} while (vd->ops->generation(vd) != before && --tries > 0);
	return v;
}

int
virtio_config_bytes(struct virtio_dev *vd, unsigned off, void *p, unsigned len)
{
	unsigned tries, i;
	uint32_t before;

	for (tries = 0; tries < GENERATION_TRIES; tries++) {
		before = vd->ops->generation(vd);
		for (i = 0; i < len; i++)
			((uint8_t *)p)[i] =
			    (uint8_t)vd->ops->config_get(vd, off + i, 1);
		if (vd->ops->generation(vd) == before)
			return 0;
	}
	return -EIO;
}

void
virtio_config_set(
    struct virtio_dev *vd, unsigned off, unsigned width, uint64_t v)
{
	vd->ops->config_set(vd, off, width < 4 ? width : 4, (uint32_t)v);
	if (width == 8)
		vd->ops->config_set(vd, off + 4, 4, (uint32_t)(v >> 32));
}

bool
virtio_shm(struct virtio_dev *vd, unsigned id, uint64_t *paddr, uint64_t *len)
{
	return vd->ops->shm(vd, id, paddr, len);
}

/* --- interrupts and the end --- */

void
virtio_interrupt_queues(struct virtio_dev *vd)
{
	struct virtq *q;

	for (q = vd->queues; q != NULL; q = q->next)
		virtq_interrupt(q);
}

void
virtio_interrupt_config(struct virtio_dev *vd)
{
	if (vd->broken || !vd->live)
		return;
	if (vd->ops->status(vd) & VIRTIO_CONFIG_S_NEEDS_RESET) {
		vd->needs_reset = true; /* [VIRTIO] 2.1.2 */
		virtio_break(vd, "it asks for a reset");
	} else if (vd->driver->config_changed != NULL) {
		vd->driver->config_changed(vd);
	}
}

/* Tells those who wait, then starts anew if the device asked for that. */
static void
break_work(struct work *w)
{
	struct virtio_dev *vd = CONTAINER_OF(w, struct virtio_dev, break_work);
	struct virtq *q;

	if (vd->needs_reset && ++vd->restarts > RESTARTS_MAX)
		vd->needs_reset = false; /* who waits shall see that */
	queues_lose(vd);                 /* those made since */
	for (q = vd->queues; q != NULL; q = q->next)
		virtq_end(q);
	/* not before: who writes to the console may have waited for it */
	log_line("%s %s: broken: %s", vd->driver->name, vd->name, vd->why);
	if (!vd->needs_reset)
		return;
	once_enter(&attaching);
	if (attach(vd) == 0)
		log_line("%s %s: works again", vd->driver->name, vd->name);
	once_leave(&attaching, false);
}

void
virtio_break(struct virtio_dev *vd, const char *fmt, ...)
{
	va_list ap;

	if (__atomic_exchange_n(&vd->broken, true, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_add(&virtio_broken_count, 1, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	log_format(vd->why, sizeof(vd->why), fmt, ap);
	va_end(ap);
	reset(vd);
	queues_lose(vd);
	vd->break_work.fn = break_work;
	work_add(&vd->break_work);
}
