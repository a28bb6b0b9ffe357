/* SPDX-License-Identifier: ISC */
/*
 * What split and packed virtqueues share: slots, indirect tables, the checks of
 * what the device gives back, and giving up.  [VIRTIO] 2.6, 2.9.
 */
#include <string.h>

#include "pv/virtio/virtq_ring.h"

#define QUEUE_SIZE_MAX 32768U /* [VIRTIO] 2.7, 2.8 */

_Static_assert(sizeof(struct vring_desc) == 16, "[VIRTIO] 2.7.5");
_Static_assert(sizeof(struct vring_packed_desc) == 16, "[VIRTIO] 2.8.13");

/* --- adding --- */

void
virtq_order_push(struct virtq *q, uint16_t id)
{
	if (q->in_flight == 0)
		q->oldest = id;
	else
		q->slot[q->youngest].younger = id;
	q->youngest = id;
}

void
virtq_table_free(struct virtq_slot *s)
{
	heap_free(s->indirect, s->table_bytes);
	s->indirect = NULL;
}

/* Long chains, and all once the ring is half full, go into a table of their
 * own, so that as many requests fit as the ring has descriptors. */
static int
add_indirect(struct virtq *q, const struct virtq_buf *buf, unsigned nread,
    unsigned n, void *token)
{
	uint32_t bytes = n * (uint32_t)sizeof(struct vring_desc);
	uint64_t writable = 0;
	struct virtq_slot *s;
	void *table;
	unsigned i;

	if (n > q->size) /* [VIRTIO] 2.7.5.3.1: nor in a table */
		return -E2BIG;
	if (q->nfree == 0)
		return -ENOSPC;
	table = heap_alloc(bytes);
	if (table == NULL && n > q->nfree)
		return -ENOSPC;
	if (table == NULL) {
		q->ops->add(q, buf, nread, n, token);
		return 0;
	}
	for (i = 0; i < n; i++) {
		q->ops->table_set(table, i, n, &buf[i], i >= nread);
		writable += i >= nread ? buf[i].len : 0;
	}
	s = &q->slot[q->ops->add_table(q, table, n, writable, token)];
	s->indirect = table;
	s->table_bytes = bytes;
	return 0;
}

int
virtq_add(struct virtq *q, const struct virtq_buf *buf, unsigned nread,
    unsigned nwrite, void *token)
{
	unsigned n = nread + nwrite;

	ASSERT(token != NULL && n > 0);
	if (!q->ready)
		return -EIO;
	if (n > 1 && q->spare > 0 && q->nfree < n + q->spare)
		return add_indirect(q, buf, nread, n, token);
	if (n > q->nfree)
		return n > q->size ? -E2BIG : -ENOSPC;
	q->ops->add(q, buf, nread, n, token);
	return 0;
}

bool
virtq_has_tables(const struct virtq *q)
{
	return q->spare > 0;
}

void
virtq_table_set(const struct virtq *q, void *table, unsigned i, unsigned n,
    const struct virtq_buf *buf, bool write)
{
	q->ops->table_set(table, i, n, buf, write);
}

static inline void
notify(struct virtq *q)
{
	uint32_t value = q->notify_value;

	if (q->notify_data) /* [VIRTIO] 2.9 */
		value |= q->ops->next(q) << 16;
	q->nnotified++;
	q->vd->ops->notify(q, value);
}

void
virtq_kick(struct virtq *q)
{
	if (!q->ready || !q->ops->publish(q))
		return;
	if (q->vd->live)
		notify(q);
	else /* [VIRTIO] 3.1.1: not before DRIVER_OK */
		q->owed = true;
}

void
virtq_live(struct virtq *q)
{
	if (q->owed && q->ready)
		notify(q);
	q->owed = false;
}

/* --- taking --- */

/* Of a queue that is lost: any left, as if nothing had been written. */
static void *
take_lost(struct virtq *q, uint32_t *written)
{
	*written = 0;
	for (; q->in_flight > 0 && q->lost < q->size; q->lost++)
		if (q->slot[q->lost].token != NULL)
			return slot_end(q, &q->slot[q->lost++]);
	return NULL;
}

/* [VIRTIO] 2.7.9, 2.8.11: one entry tells that all older ones were used too,
 * and completely. */
static void *
take_batch(struct virtq *q, uint32_t *written)
{
	uint16_t id = q->oldest;

	*written = q->slot[id].writable;
	if (id == q->batch_last) {
		*written = q->batch_len;
		q->batch = false;
	}
	q->oldest = q->slot[id].younger;
	q->ops->retire(q, id);
	return slot_end(q, &q->slot[id]);
}

void *
virtq_batch(struct virtq *q, uint16_t id, uint32_t len, uint32_t *written)
{
	q->batch = true;
	q->batch_last = id;
	q->batch_len = len;
	return take_batch(q, written);
}

void *
virtq_lie(struct virtq *q, uint32_t id, uint32_t len, uint32_t *written)
{
	if (id == VIRTQ_TOO_MANY)
		virtio_break(q->vd, "queue %u: more used than added", q->index);
	else if (id >= q->size || q->slot[id].token == NULL)
		virtio_break(q->vd, "queue %u: used id %u is not in flight",
		    q->index, id);
	else
		virtio_break(q->vd, "queue %u: %u bytes written into %u",
		    q->index, len, q->slot[id].writable);
	return take_lost(q, written);
}

void *
virtq_take_slowly(struct virtq *q, uint32_t *written)
{
	if (!q->ready)
		return take_lost(q, written);
	return take_batch(q, written);
}

bool
virtq_pending(const struct virtq *q)
{
	if (!q->ready)
		return q->in_flight > 0;
	return q->batch || q->ops->pending(q);
}

/* --- interrupts --- */

bool
virtq_arm(struct virtq *q, unsigned after)
{
	if (!q->ready)
		return q->in_flight > 0;
	if (after > q->in_flight)
		after = q->in_flight;
	q->armed = true; /* the interrupt may come before arm returns */
	if (q->batch)
		q->ops->disarm(q);
	else if (!q->ops->arm(q, after > 0 ? after : 1))
		return false;
	q->armed = false;
	return true;
}

static __attribute__((noinline)) bool
kick_arm_slowly(struct virtq *q, unsigned after)
{
	virtq_kick(q);
	return virtq_arm(q, after);
}

bool
virtq_kick_arm(struct virtq *q, unsigned after)
{
	unsigned r;

	if (!q->ready || q->batch || !q->vd->live || q->in_flight == 0)
		return kick_arm_slowly(q, after);
	if (after > q->in_flight)
		after = q->in_flight;
	q->armed = true; /* the interrupt may come before we return */
	r = q->ops->publish_arm(q, after);
	if (r & VIRTQ_USED)
		q->armed = false;
	if (r & VIRTQ_NOTIFY)
		notify(q);
	return r & VIRTQ_USED;
}

void
virtq_end(struct virtq *q)
{
	q->armed = false;
	if (q->done != NULL)
		q->done(q);
}

/* --- making one --- */

static bool
ring_alloc(struct virtq *q)
{
	q->ring_pages =
	    ALIGN_UP(q->ops->ring_bytes(q->size), PAGE_SIZE) / PAGE_SIZE;
	q->slot = heap_alloc(q->size * sizeof(*q->slot));
	q->ring = page_alloc(q->ring_pages);
	if (q->slot != NULL && q->ring != NULL)
		return true;
	virtq_free(q);
	return false;
}

void
virtq_free(struct virtq *q)
{
	uint32_t written;

	q->ready = false;
	while (take_lost(q, &written) != NULL)
		continue;
	if (q->ring != NULL)
		page_free(q->ring, q->ring_pages);
	heap_free(q->slot, q->size * sizeof(*q->slot));
	q->ring = NULL;
	q->slot = NULL;
}

static void
slots_link(struct virtq *q)
{
	unsigned i;

	for (i = 0; i < q->size; i++)
		q->slot[i].next = (uint16_t)(i + 1);
	q->free_first = 0;
	q->free_last = (uint16_t)(q->size - 1);
	q->nfree = (uint16_t)q->size;
}

int
virtq_init(
    struct virtq *q, struct virtio_dev *vd, unsigned index, virtq_done *done)
{
	bool packed = virtio_has(vd, VIRTIO_F_RING_PACKED);
	int err;

	memset(q, 0, sizeof(*q));
	q->vd = vd;
	q->index = index;
	q->done = done;
	q->ops = packed ? &virtq_packed_ops : &virtq_split_ops;
	q->event_idx = virtio_has(vd, VIRTIO_RING_F_EVENT_IDX);
	q->in_order = virtio_has(vd, VIRTIO_F_IN_ORDER);
	q->notify_data = virtio_has(vd, VIRTIO_F_NOTIFICATION_DATA);
	q->size = vd->ops->queue_size(vd, index);
	if (q->size == 0)
		return -ENODEV;
	if (q->size > QUEUE_SIZE_MAX || (!packed && (q->size & (q->size - 1))))
		return -EINVAL;
	if (vd->queue_size_max != 0 && q->size > vd->queue_size_max)
		q->size = vd->queue_size_max;
	while (!ring_alloc(q)) { /* [VIRTIO] 4.1.5.1.3: less is allowed */
		q->size /= 2;
		if (q->size < 2)
			return -ENOMEM;
	}
	if (virtio_has(vd, VIRTIO_RING_F_INDIRECT_DESC))
		q->spare = (q->size + 1) / 2;
	memset(q->ring, 0, q->ring_pages * PAGE_SIZE);
	slots_link(q);
	q->ops->lay_out(q);
	err = vd->ops->queue_enable(vd, q);
	if (err != 0) {
		virtq_free(q);
		return err;
	}
	q->next = vd->queues;
	store_release(&vd->queues, q); /* interrupts go through the list */
	store_release(&q->ready, !vd->broken);
	return 0;
}
