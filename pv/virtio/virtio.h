/* SPDX-License-Identifier: ISC */
/*
 * Virtio devices: how they are found, negotiated with, configured and broken
 * off.  [VIRTIO] 1.3, sections 2 (what a device is), 3 (initialization) and 4
 * (transports).  In the words of Linux: struct virtio_dev is a virtio_device,
 * struct virtio_driver a virtio_driver, struct virtio_transport its config ops.
 *
 * A driver's attach function calls, in this order,
 *
 *	virtio_negotiate   reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK
 *	virtq_init         once for each queue
 *	virtio_driver_ok   DRIVER_OK: the device is live
 *
 * and returns an error if one of them does; virtio.c then sets FAILED.  What a
 * queue's `done` needs is there before virtq_init.
 */
#ifndef PV_VIRTIO_VIRTIO_H
#define PV_VIRTIO_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "kernel/kernel.h"
#include "kernel/work.h"
#include "pv/virtio/virtq.h"

#define VIRTIO_BIT(n) (1ULL << (n))

#ifndef VIRTIO_F_NOTIF_CONFIG_DATA /* [VIRTIO] 6; newer than the headers */
#define VIRTIO_F_NOTIFICATION_DATA 38
#define VIRTIO_F_NOTIF_CONFIG_DATA 39
#endif

struct virtio_dev;

/* What differs between MMIO and PCI.  Offsets and lengths are bytes. */
struct virtio_transport {
	const char *name; /* "mmio", "pci" */
	uint8_t (*status)(struct virtio_dev *vd);
	void (*set_status)(struct virtio_dev *vd, uint8_t status);
	uint64_t (*features)(struct virtio_dev *vd); /* the device's */
	void (*set_features)(struct virtio_dev *vd, uint64_t features);
	uint32_t (*generation)(struct virtio_dev *vd);
	/* width is 1, 2 or 4 and `off` a multiple of it; 0 beyond the end */
	uint32_t (*config_get)(
	    struct virtio_dev *vd, unsigned off, unsigned width);
	void (*config_set)(
	    struct virtio_dev *vd, unsigned off, unsigned width, uint32_t v);
	/* Before the first queue, after each reset: interrupts reach
	 * virtio_interrupt_queues and virtio_interrupt_config. */
	int (*irq_setup)(struct virtio_dev *vd); /* again: does nothing */
	unsigned (*queue_size)(struct virtio_dev *vd, unsigned index);
	/* Tells the ring's areas and size, fills q->notify_paddr and
	 * q->notify_value, enables the queue. */
	int (*queue_enable)(struct virtio_dev *vd, struct virtq *q);
	void (*notify)(const struct virtq *q, uint32_t value);
	/* A shared memory region; false if there is none of that id. */
	bool (*shm)(
	    struct virtio_dev *vd, unsigned id, uint64_t *paddr, uint64_t *len);
};

struct virtio_driver {
	const char *name; /* "virtio-blk" */
	uint32_t id;      /* VIRTIO_ID_BLOCK, ... */
	/* Sets the device up, from a thread.  Called again if the device asked
	 * for a reset: what it left in vd->driver_data is there then, all
	 * queues are empty, and all requests have ended in -EIO. */
	int (*attach)(struct virtio_dev *vd);
	void (*config_changed)(struct virtio_dev *vd); /* interrupt; or NULL */
	/* Of those that serve the host and that no application calls:
	 * virtio_start, which the kernel then calls as it starts.  Or NULL. */
	void (*start)(const struct virtio_driver *drv);
};

struct virtio_dev {
	/* For drivers to read. */
	uint32_t id;       /* VIRTIO_ID_... */
	char name[24];     /* "mmio@feb02e00", "pci 00:02.0": for messages */
	uint64_t features; /* negotiated */
	void *driver_data; /* the driver's own */
	/* Set by drivers with many small queues before virtq_init: a power of
	 * 2; 0: the size that the device offers. */
	unsigned queue_size_max;
	bool broken;       /* it lied, or failed: all ends in -EIO */
	bool needs_reset;  /* broken, but it asked to be restarted */

	/* For pv/virtio/ alone. */
	const struct virtio_transport *ops;
	const struct virtio_driver *driver;
	struct virtio_dev *next;
	struct virtq *queues;
	bool live; /* DRIVER_OK was set */
	unsigned restarts;
	struct work break_work;
	char why[96]; /* it is broken */
};

/* Attaches `drv` to each of its devices that has no driver yet; the first call
 * of all looks what devices there are.  Threads may call it at any time. */
void virtio_probe(const struct virtio_driver *drv);
/* The first device of that kind, or NULL.  Also for a kernel that dies before
 * it had threads: nothing is attached. */
struct virtio_dev *virtio_first(uint32_t id);
/* The same where there may be devices; costs nothing where there are none. */
void virtio_start(const struct virtio_driver *drv);

/* [VIRTIO] 3.1.1 steps 1 to 6.  Accepts those features of `wanted` that the
 * device offers, and those of rings and transports that we know.  Fails with
 * -ENODEV unless all of `needed` are among them. */
int virtio_negotiate(struct virtio_dev *vd, uint64_t wanted, uint64_t needed);
void virtio_driver_ok(struct virtio_dev *vd);

static inline bool
virtio_has(const struct virtio_dev *vd, unsigned feature)
{
	return vd->features & VIRTIO_BIT(feature);
}

/* A field of the configuration space, 1, 2, 4 or 8 bytes wide: 8 are read
 * again until no change came between ([VIRTIO] 2.5.3).  Not checked otherwise:
 * the caller knows what values are sane. */
uint64_t virtio_config_get(struct virtio_dev *vd, unsigned off, unsigned width);
void virtio_config_set(
    struct virtio_dev *vd, unsigned off, unsigned width, uint64_t v);
/* Any bytes, unchanged between; -EIO if the device never stops changing them.
 */
int virtio_config_bytes(
    struct virtio_dev *vd, unsigned off, void *p, unsigned len);
#define VIRTIO_CONFIG(vd, type, field)                                         \
	virtio_config_get(vd, offsetof(type, field), sizeof(((type *)0)->field))

bool virtio_shm(
    struct virtio_dev *vd, unsigned id, uint64_t *paddr, uint64_t *len);

/*
 * Marks the device broken and resets it, so that it leaves our memory alone.
 * Then a thread calls `done` of each queue and says why in one line; if the
 * device asked for a reset (DEVICE_NEEDS_RESET), it is attached anew after
 * that.  May be called from anywhere.
 */
void virtio_break(struct virtio_dev *vd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
extern unsigned virtio_broken_count; /* devices since boot */

/* --- a queue for requests that a thread waits for --- */

/* `q` with all that is needed to sleep on it; zero but for these. */
struct virtio_calls {
	struct virtq q;
	struct spinlock lock;
	struct waitq room; /* for those who found it full */
};
/* Instead of virtq_init. */
int virtio_calls_init(
    struct virtio_calls *c, struct virtio_dev *vd, unsigned index);
/*
 * Sends a request and sleeps until it is answered.  0 and the bytes written;
 * -EIO: the device is, or gets, broken.  One that does not answer before
 * `deadline_ns` is broken off, because it still has the buffers; -ETIMEDOUT:
 * till then there was no room for the request.  A pending thread_interrupt is
 * kept for later.
 */
int virtio_call(struct virtio_calls *c, const struct virtq_buf *buf,
    unsigned nread, unsigned nwrite, uint64_t deadline_ns, uint32_t *written);
/* The same for those who cannot sleep: it spins, and a full queue is -ENOSPC.
 */
int virtio_call_spin(struct virtio_calls *c, const struct virtq_buf *buf,
    unsigned nread, unsigned nwrite, uint64_t deadline_ns, uint32_t *written);

/* The same in two steps, for who wants several in flight.  The request and its
 * buffers stay where they are until virtio_call_finish, which must follow each
 * start that gave 0. */
struct virtio_request { /* all is virtio_call.c's */
	struct waitq waiter;
	uint32_t written;
	int err;
	bool done;
};
int virtio_call_start(struct virtio_calls *c, struct virtio_request *r,
    const struct virtq_buf *buf, unsigned nread, unsigned nwrite,
    uint64_t deadline_ns);
int virtio_call_finish(struct virtio_calls *c, struct virtio_request *r,
    uint64_t deadline_ns, uint32_t *written);

/* --- for transports --- */

void virtio_found(struct virtio_dev *vd); /* ops, id and name are set */
void virtio_interrupt_queues(struct virtio_dev *vd);
void virtio_interrupt_config(struct virtio_dev *vd);
void virtio_mmio_scan(void);
/* One that something else than the command line describes. */
void virtio_mmio_add(uint64_t base, uint64_t len, unsigned gsi);
void virtio_pci_scan(void);

#endif
