/* SPDX-License-Identifier: ISC */
/*
 * The split virtqueue.  [VIRTIO] 2.7.  A slot is a descriptor; links between
 * descriptors are kept in the slots and written to the table, never read from
 * it.  Free ones are used first in, first out, which is the ring order that
 * VIRTIO_F_IN_ORDER demands (2.7.9).
 */
#include "pv/virtio/virtq_ring.h"

static size_t
driver_offset(unsigned size)
{
	return size * sizeof(struct vring_desc);
}

/* Behind the flags, the index, the entries and used_event. */
static size_t
device_offset(unsigned size)
{
	return ALIGN_UP(driver_offset(size) + (3 + size) * sizeof(uint16_t),
	    (size_t)VRING_USED_ALIGN_SIZE);
}

static size_t
split_ring_bytes(unsigned size)
{
	return device_offset(size) + 3 * sizeof(uint16_t) +
	       size * sizeof(struct vring_used_elem);
}

static void
split_disarm(struct virtq *q)
{
	if (!q->event_idx)
		store_release(
		    &q->split.avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

static void
split_lay_out(struct virtq *q)
{
	char *ring = q->ring;

	q->split.desc = (void *)ring;
	q->split.avail = (void *)(ring + driver_offset(q->size));
	q->split.used = (void *)(ring + device_offset(q->size));
	q->desc_area = q->split.desc;
	q->driver_area = q->split.avail;
	q->device_area = q->split.used;
	split_disarm(q);
}

/* The chain is written: `next` are the free ones behind it. */
static inline void
chain_begin(struct virtq *q, uint16_t head, uint16_t last, uint16_t next,
    unsigned ndesc, uint64_t writable, void *token)
{
	q->free_first = next;
	q->slot[head].last = last;
	q->split.avail->ring[q->split.avail_next++ & (q->size - 1)] = head;
	slot_begin(q, head, token, ndesc, writable);
}

static void
split_add(struct virtq *q, const struct virtq_buf *buf, unsigned nread,
    unsigned n, void *token)
{
	const struct virtq_buf *end = buf + n, *writes = buf + nread;
	uint16_t head = q->free_first, next = head, last;
	struct vring_desc *d;
	uint64_t writable = 0;

	do {
		last = next;
		next = q->slot[last].next;
		d = &q->split.desc[last];
		d->addr = (uint64_t)buf->p;
		d->len = buf->len;
		d->flags = VRING_DESC_F_NEXT;
		if (buf >= writes) {
			d->flags = VRING_DESC_F_NEXT | VRING_DESC_F_WRITE;
			writable += buf->len;
		}
		d->next = next;
	} while (++buf < end);
	d->flags = nread < n ? VRING_DESC_F_WRITE : 0;
	chain_begin(q, head, last, next, n, writable, token);
}

static void
split_table_set(void *table, unsigned i, unsigned n,
    const struct virtq_buf *buf, bool write)
{
	struct vring_desc *d = (struct vring_desc *)table + i;

	d->addr = (uint64_t)buf->p;
	d->len = buf->len;
	d->flags = (write ? VRING_DESC_F_WRITE : 0) |
		   (i + 1 < n ? VRING_DESC_F_NEXT : 0);
	d->next = (uint16_t)(i + 1);
}

static uint16_t
split_add_table(struct virtq *q, const void *table, unsigned n,
    uint64_t writable, void *token)
{
	uint16_t id = q->free_first;
	struct vring_desc *d = &q->split.desc[id];

	d->addr = (uint64_t)table;
	d->len = n * (uint32_t)sizeof(*d);
	d->flags = VRING_DESC_F_INDIRECT;
	chain_begin(q, id, id, q->slot[id].next, 1, writable, token);
	return id;
}

/* All that was added, from `old` on, is the device's. */
static inline void
idx_store(struct virtq *q)
{
	/* The device may read the chains as soon as idx moves, notified or
	 * not, so all of them must be visible first.  [VIRTIO] 2.7.13.3 */
	store_release(&q->split.avail->idx, q->split.avail_next);
	q->split.avail_told = q->split.avail_next;
}

/* After a fence: does the device want to be told? */
static inline bool
wants_notify(const struct virtq *q, uint16_t old)
{
	uint16_t event;

	if (!q->event_idx)
		return !(load_acquire(&q->split.used->flags) &
			 VRING_USED_F_NO_NOTIFY);
	event = load_acquire((uint16_t *)&q->split.used->ring[q->size]);
	/* [VIRTIO] 2.7.10 */
	return vring_need_event(event, q->split.avail_told, old);
}

static bool
split_publish(struct virtq *q)
{
	uint16_t old = q->split.avail_told;

	if (old == q->split.avail_next)
		return false;
	idx_store(q);
	fence_full(); /* published; does it want a notification? */
	return wants_notify(q, old);
}

static uint32_t
split_next(const struct virtq *q)
{
	return q->split.avail_next;
}

static bool
split_pending(const struct virtq *q)
{
	return load_acquire(&q->split.used->idx) != q->split.used_next;
}

static inline void
retire(struct virtq *q, uint16_t id)
{
	const struct virtq_slot *s = &q->slot[id];

	if (q->nfree == 0)
		q->free_first = id;
	else
		q->slot[q->free_last].next = id;
	q->free_last = s->last;
	q->nfree += s->ndesc;
	q->split.used_next++;
}

static void
split_retire(struct virtq *q, uint16_t id)
{
	retire(q, id);
}

static void *
split_take(struct virtq *q, uint32_t *written)
{
	uint16_t n = load_acquire(&q->split.used->idx) - q->split.used_next;
	const struct vring_used_elem *e;
	uint32_t id, len;

	if (n == 0)
		return NULL;
	if (n > q->in_flight)
		return virtq_lie(q, VIRTQ_TOO_MANY, 0, written);
	e = &q->split.used->ring[q->split.used_next & (q->size - 1)];
	id = load_acquire(&e->id);
	len = load_acquire(&e->len);
	if (!used_ok(q, id, len))
		return virtq_lie(q, id, len, written);
	if (q->in_order)
		return virtq_batch(q, (uint16_t)id, len, written);
	*written = len;
	retire(q, (uint16_t)id);
	return slot_end(q, &q->slot[id]);
}

static inline void
event_set(struct virtq *q, unsigned after)
{
	struct vring_avail *avail = q->split.avail;

	if (q->event_idx)
		store_release(&avail->ring[q->size],
		    (uint16_t)(q->split.used_next + after - 1));
	else
		store_release(&avail->flags, 0);
}

static bool
split_arm(struct virtq *q, unsigned after)
{
	event_set(q, after);
	fence_full(); /* asked for it; did work slip in? */
	if (!split_pending(q))
		return false;
	split_disarm(q);
	return true;
}

static unsigned
split_publish_arm(struct virtq *q, unsigned after)
{
	uint16_t old = q->split.avail_told;
	unsigned r = 0;

	if (old == q->split.avail_next)
		return split_arm(q, after) ? VIRTQ_USED : 0;
	idx_store(q);
	event_set(q, after);
	fence_full(); /* for both */
	if (wants_notify(q, old))
		r = VIRTQ_NOTIFY;
	if (split_pending(q)) {
		split_disarm(q);
		r |= VIRTQ_USED;
	}
	return r;
}

const struct virtq_ops virtq_split_ops = {
    .ring_bytes = split_ring_bytes,
    .lay_out = split_lay_out,
    .add = split_add,
    .table_set = split_table_set,
    .add_table = split_add_table,
    .publish = split_publish,
    .next = split_next,
    .pending = split_pending,
    .take = split_take,
    .retire = split_retire,
    .arm = split_arm,
    .publish_arm = split_publish_arm,
    .disarm = split_disarm,
};
