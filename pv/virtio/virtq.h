/* SPDX-License-Identifier: ISC */
/*
 * One virtqueue, split or packed, behind four verbs.  [VIRTIO] 2.6 to 2.8.
 *
 *	virtq_add    hands the device a chain of buffers   (add_buf)
 *	virtq_kick   publishes what was added, notifies    (kick)
 *	virtq_take   gets back what the device has used    (get_buf)
 *	virtq_arm    asks for one call of `done`           (enable_cb)
 *
 * A queue calls `done` once for each virtq_arm and is silent until armed again,
 * so there is no disable_cb.  Who takes while it is armed may take what `done`
 * would have been called for, and arms again.  Calls on one queue are
 * serialized by its driver, usually by a spinlock.
 *
 * What the device writes is copied once and checked.  A device that answers
 * what was never asked, twice, or with more bytes than it was given, is broken
 * (virtio_break): from then on virtq_take gives back every buffer with nothing
 * written, `done` is called a last time, and virtq_add returns -EIO.  It is the
 * same while the device is reset and set up anew, and with a queue all zero.
 */
#ifndef PV_VIRTIO_VIRTQ_H
#define PV_VIRTIO_VIRTQ_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtio_dev;
struct virtq;

/* Memory the device reads or writes: any address of ours, not 0 bytes. */
struct virtq_buf {
	void *p;
	uint32_t len;
};

typedef void virtq_done(struct virtq *q); /* from an interrupt: no sleep */

/* What we know of a chain while the device has it: our own copy, because the
 * descriptors lie in memory that the device may write.  One for each
 * descriptor of a split ring, one for each buffer ID of a packed one. */
struct virtq_slot {
	void *token;       /* NULL: not in flight */
	void *indirect;    /* its table of descriptors, or NULL */
	uint32_t writable; /* bytes the device may write */
	uint32_t table_bytes;
	uint16_t ndesc;   /* descriptors it takes in the ring */
	uint16_t next;    /* split: of the chain; both: of the free ones */
	uint16_t last;    /* split: its last descriptor */
	uint16_t younger; /* next in the order of virtq_add */
};

struct virtq_ops;

struct virtq {
	/* For drivers to read. */
	struct virtio_dev *vd;
	unsigned index;     /* among the device's queues */
	unsigned size;      /* descriptors in the ring */
	unsigned in_flight; /* chains added and not taken back */
	uint64_t nadded, nnotified, ninterrupted; /* since virtq_init */
	/* Set by the driver after virtq_init where devices are known to count
	 * what they read as written: virtq_take then believes any length. */
	bool any_length;

	/* For pv/virtio/ alone. */
	struct virtq *next; /* of the device's queues */
	const struct virtq_ops *ops;
	virtq_done *done;
	struct virtq_slot *slot;
	uint64_t notify_paddr;          /* set by transport: where to tell */
	uint32_t notify_value;          /* set by transport: what to tell */
	uint16_t nfree;                 /* descriptors */
	uint16_t free_first, free_last; /* slots */
	uint16_t oldest, youngest;      /* slots in flight; in order only */
	uint16_t batch_last; /* in order: all up to this slot is used */
	uint32_t batch_len;  /* bytes written to that one */
	bool batch;          /* there is such a batch */
	bool ready;          /* it has a ring, and a device to be believed */
	bool owed;           /* a notification, once the device is live */
	unsigned lost;       /* broken: slots below have been given back */
	bool armed, event_idx, in_order, notify_data;
	unsigned spare; /* with fewer free descriptors, tables; 0: none */
	void *ring;     /* holds the three areas of [VIRTIO] 2.6: */
	void *desc_area, *driver_area, *device_area;
	size_t ring_pages;
	union {
		struct {
			struct vring_desc *desc;   /* driver */
			struct vring_avail *avail; /* driver */
			struct vring_used *used;   /* device */
			uint16_t avail_next;       /* index of the next entry */
			uint16_t avail_told;       /* the one last published */
			uint16_t used_next; /* index of the next to take */
		} split;
		struct {
			struct vring_packed_desc *desc; /* both */
			struct vring_packed_desc_event *driver, *device;
			uint16_t avail_next, used_next; /* positions */
			/* the two bits, by the wrap counters, of what is
			 * made available now and of what is used next */
			uint16_t avail_bits, used_bits;
			uint16_t first; /* where what was not published ... */
			uint16_t first_flags; /* ... begins, and its flags */
			uint16_t npending;    /* descriptors not published */
		} packed;
	};
};

/*
 * Adds nread buffers for the device to read and, behind them in buf, nwrite
 * for it to write; `token` is not NULL and comes back from virtq_take.  Nothing
 * is visible to the device before virtq_kick.  -ENOSPC: take some back first;
 * -E2BIG: more buffers than the queue can ever hold; -EIO: broken.
 */
int virtq_add(struct virtq *q, const struct virtq_buf *buf, unsigned nread,
    unsigned nwrite, void *token);

/*
 * For chains that are much the same each time: the driver keeps the descriptors
 * in a table of its own, of VIRTQ_TABLE_BYTES(n), 16-byte aligned, and sets the
 * i-th of the n when it changes.  The table stays as it is while the device has
 * it; `writable` are the bytes that may be written.  Only if virtq_has_tables,
 * with n at most q->size; results as virtq_add.
 */
#define VIRTQ_TABLE_BYTES(n) ((n)*16)
bool virtq_has_tables(const struct virtq *q);
void virtq_table_set(const struct virtq *q, void *table, unsigned i, unsigned n,
    const struct virtq_buf *buf, bool write);
/* Only other memory, for the same purpose. */
static inline void
virtq_table_move(void *table, unsigned i, void *p, uint32_t len)
{
	char *desc = (char *)table + 16 * i; /* of either ring */

	*(uint64_t *)(void *)desc = (uint64_t)p;
	*(uint32_t *)(void *)(desc + 8) = len;
}
static inline int virtq_add_table(struct virtq *q, const void *table,
    unsigned n, uint32_t writable, void *token);

/* The device sees what was added.  Before virtio_driver_ok it is not notified;
 * virtio_driver_ok makes up for that. */
void virtq_kick(struct virtq *q);

/* A token whose buffers are ours again, with the bytes written into them (from
 * the first writable one on); NULL if there is none yet. */
static inline void *virtq_take(struct virtq *q, uint32_t *written);

/* Asks for one call of `done` when `after` more chains have been used: 1 is the
 * next one.  A device without event index calls at the next; packed rings count
 * descriptors, so it is about so many, and all in flight at the latest.  True:
 * some are there already, take them; `done` will not be called. */
bool virtq_arm(struct virtq *q, unsigned after);

/* virtq_kick, then virtq_arm with after > 0, and one fence for both. */
bool virtq_kick_arm(struct virtq *q, unsigned after);

/* True if virtq_take would give something; for polling. */
bool virtq_pending(const struct virtq *q);

/*
 * Makes queue `index` of a negotiated device, of the size the device offers.
 * q lives as long as the device.  `done` may be NULL if it is never armed.
 * -ENODEV: there is no such queue; -ENOMEM.
 */
int virtq_init(
    struct virtq *q, struct virtio_dev *vd, unsigned index, virtq_done *done);

/* --- for pv/virtio/ alone --- */

/* Split and packed rings differ in these; virtq.c has what they share. */
#define VIRTQ_NOTIFY 1U
#define VIRTQ_USED   2U
struct virtq_ops {
	size_t (*ring_bytes)(unsigned size);
	void (*lay_out)(struct virtq *q); /* over q->ring, zeroed */
	/* Writes a chain; there is room. */
	void (*add)(struct virtq *q, const struct virtq_buf *buf,
	    unsigned nread, unsigned n, void *token);
	void (*table_set)(void *table, unsigned i, unsigned n,
	    const struct virtq_buf *buf, bool write);
	/* The same by one descriptor for a table of n; the slot. */
	uint16_t (*add_table)(struct virtq *q, const void *table, unsigned n,
	    uint64_t writable, void *token);
	bool (*publish)(struct virtq *q);        /* true: notify */
	uint32_t (*next)(const struct virtq *q); /* for notification data */
	bool (*pending)(const struct virtq *q);  /* is one used? */
	void *(*take)(struct virtq *q, uint32_t *written);
	void (*retire)(struct virtq *q, uint16_t slot); /* goes past it */
	bool (*arm)(struct virtq *q, unsigned after);
	/* Both, if something was added: VIRTQ_NOTIFY, VIRTQ_USED. */
	unsigned (*publish_arm)(struct virtq *q, unsigned after);
	void (*disarm)(struct virtq *q);
};
extern const struct virtq_ops virtq_split_ops, virtq_packed_ops;

/* For the rings (virtq_ring.h). */
void virtq_order_push(struct virtq *q, uint16_t id);
void virtq_table_free(struct virtq_slot *s);
/* In order: `id` ends a batch. */
void *virtq_batch(
    struct virtq *q, uint16_t id, uint32_t len, uint32_t *written);
/* The device cannot have used that: breaks it, gives back what is left. */
#define VIRTQ_TOO_MANY UINT32_MAX /* for id */
void *virtq_lie(struct virtq *q, uint32_t id, uint32_t len, uint32_t *written);

/* The device's interrupt: calls `done` if the queue was armed and has
 * something. */
static inline void virtq_interrupt(struct virtq *q);
void virtq_live(struct virtq *q); /* the device is: tells it what was kicked */
void virtq_end(struct virtq *q);  /* it is broken: calls `done` a last time */
/* Of a device that was reset.  What nobody took back is forgotten. */
void virtq_free(struct virtq *q);

void *virtq_take_slowly(struct virtq *q, uint32_t *written);

static inline void *
virtq_take(struct virtq *q, uint32_t *written)
{
	if (q->ready && !q->batch)
		return q->ops->take(q, written);
	return virtq_take_slowly(q, written);
}

static inline int
virtq_add_table(struct virtq *q, const void *table, unsigned n,
    uint32_t writable, void *token)
{
	if (!q->ready)
		return -EIO;
	if (q->nfree == 0)
		return -ENOSPC;
	q->ops->add_table(q, table, n, writable, token);
	return 0;
}

static inline void
virtq_interrupt(struct virtq *q)
{
	if (!q->armed || !q->ready || !q->ops->pending(q))
		return;
	q->armed = false;
	q->ops->disarm(q);
	q->ninterrupted++;
	if (q->done != NULL)
		q->done(q);
}

#endif
