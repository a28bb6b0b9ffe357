/* SPDX-License-Identifier: ISC */
/*
 * The packed virtqueue.  [VIRTIO] 2.8.  A slot is a buffer ID.  Descriptors are
 * taken in ring order; the flags that make the first one of a batch available
 * are written last, by virtq_kick, so that nothing is seen before it.
 */
#include "pv/virtio/virtq_ring.h"

#define AVAIL (1U << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1U << VRING_PACKED_DESC_F_USED)
#define WRAP  (1U << VRING_PACKED_EVENT_F_WRAP_CTR)

static size_t
packed_ring_bytes(unsigned size)
{
	return size * sizeof(struct vring_packed_desc) +
	       2 * sizeof(struct vring_packed_desc_event);
}

static void
packed_disarm(struct virtq *q)
{
	store_release(
	    &q->packed.driver->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
}

static void
packed_lay_out(struct virtq *q)
{
	q->packed.desc = q->ring;
	q->packed.driver = (void *)&q->packed.desc[q->size];
	q->packed.device = q->packed.driver + 1;
	q->packed.avail_bits = AVAIL; /* [VIRTIO] 2.8.1 */
	q->packed.used_bits = AVAIL | USED;
	q->desc_area = q->packed.desc;
	q->driver_area = q->packed.driver;
	q->device_area = q->packed.device;
	packed_disarm(q);
}

static inline bool
avail_wrap(const struct virtq *q)
{
	return q->packed.avail_bits == AVAIL;
}

/* Writes the descriptor at avail_next and goes on.  `flags` are visible to the
 * device at once, unless it is the first of a batch. */
static inline void
put_desc(
    struct virtq *q, const struct virtq_buf *buf, uint16_t id, unsigned flags)
{
	uint16_t at = q->packed.avail_next;
	struct vring_packed_desc *d = &q->packed.desc[at];

	d->addr = (uint64_t)buf->p;
	d->len = buf->len;
	d->id = id;
	if (q->packed.npending++ == 0) {
		q->packed.first = at;
		q->packed.first_flags = (uint16_t)flags;
	} else {
		store_release(&d->flags, (uint16_t)flags);
	}
	if (++at == q->size) {
		at = 0;
		q->packed.avail_bits ^= AVAIL | USED;
	}
	q->packed.avail_next = at;
}

static void
packed_add(struct virtq *q, const struct virtq_buf *buf, unsigned nread,
    unsigned n, void *token)
{
	const struct virtq_buf *end = buf + n, *writes = buf + nread;
	uint16_t id = q->free_first;
	uint64_t writable = 0;
	unsigned flags;

	for (; buf < end; buf++) {
		flags = q->packed.avail_bits |
			(buf + 1 < end ? VRING_DESC_F_NEXT : 0);
		if (buf >= writes) {
			flags |= VRING_DESC_F_WRITE;
			writable += buf->len;
		}
		put_desc(q, buf, id, flags);
	}
	q->free_first = q->slot[id].next;
	slot_begin(q, id, token, n, writable);
}

/* [VIRTIO] 2.8.8: in a table only WRITE has a meaning. */
static void
packed_table_set(void *table, unsigned i, unsigned n,
    const struct virtq_buf *buf, bool write)
{
	struct vring_packed_desc *d = (struct vring_packed_desc *)table + i;

	(void)n;
	d->addr = (uint64_t)buf->p;
	d->len = buf->len;
	d->flags = write ? VRING_DESC_F_WRITE : 0;
}

static uint16_t
packed_add_table(struct virtq *q, const void *table, unsigned n,
    uint64_t writable, void *token)
{
	struct virtq_buf whole = {(void *)(uintptr_t)table,
	    n * (uint32_t)sizeof(struct vring_packed_desc)};
	uint16_t id = q->free_first;

	put_desc(q, &whole, id, q->packed.avail_bits | VRING_DESC_F_INDIRECT);
	q->free_first = q->slot[id].next;
	slot_begin(q, id, token, 1, writable);
	return id;
}

/* The rest of the batch is there already; how long it is.  [VIRTIO] 2.8.21 */
static inline uint16_t
first_store(struct virtq *q)
{
	uint16_t n = q->packed.npending;

	store_release(
	    &q->packed.desc[q->packed.first].flags, q->packed.first_flags);
	q->packed.npending = 0;
	return n;
}

/* After a fence: does the device want to be told of the last n? */
static inline bool
wants_notify(const struct virtq *q, uint16_t n)
{
	uint16_t new = q->packed.avail_next, event, how;

	how = load_acquire(&q->packed.device->flags) & 3;
	if (how != VRING_PACKED_EVENT_FLAG_DESC)
		return how != VRING_PACKED_EVENT_FLAG_DISABLE;
	event = load_acquire(&q->packed.device->off_wrap);
	if (avail_wrap(q)) /* its offset, or what is a lap behind */
		event ^= WRAP;
	if (event & WRAP)
		event = (event & ~WRAP) - (uint16_t)q->size;
	return vring_need_event(event, new, new - n);
}

static bool
packed_publish(struct virtq *q)
{
	uint16_t n;

	if (q->packed.npending == 0)
		return false;
	n = first_store(q);
	fence_full(); /* published; does it want a notification? */
	return wants_notify(q, n);
}

/* [VIRTIO] 2.9: the offset, and the wrap counter in bit 15 */
static uint32_t
packed_next(const struct virtq *q)
{
	return q->packed.avail_next | (avail_wrap(q) ? WRAP : 0);
}

/* [VIRTIO] 2.8.1: used if both bits equal our wrap counter */
static inline bool
is_used(const struct virtq *q, uint16_t flags)
{
	return (flags & (AVAIL | USED)) == q->packed.used_bits;
}

static bool
packed_pending(const struct virtq *q)
{
	return is_used(
	    q, load_acquire(&q->packed.desc[q->packed.used_next].flags));
}

static inline void
retire(struct virtq *q, uint16_t id)
{
	struct virtq_slot *s = &q->slot[id];

	q->packed.used_next += s->ndesc;
	if (q->packed.used_next >= q->size) {
		q->packed.used_next -= (uint16_t)q->size;
		q->packed.used_bits ^= AVAIL | USED;
	}
	s->next = q->free_first;
	q->free_first = id;
	q->nfree += s->ndesc;
}

static void
packed_retire(struct virtq *q, uint16_t id)
{
	retire(q, id);
}

static void *
packed_take(struct virtq *q, uint32_t *written)
{
	const struct vring_packed_desc *d =
	    &q->packed.desc[q->packed.used_next];
	uint16_t flags = load_acquire(&d->flags);
	uint32_t id, len;

	if (!is_used(q, flags))
		return NULL;
	id = load_acquire(&d->id);
	len = load_acquire(&d->len);
	if (!used_ok(q, id, len)) {
		/* [VIRTIO] 2.8.5: without WRITE the length means nothing.  QEMU
		 * never sets WRITE, so a length that can be is believed. */
		if ((flags & VRING_DESC_F_WRITE) || !used_ok(q, id, 0))
			return virtq_lie(q, id, len, written);
		len = 0;
	}
	if (q->in_order)
		return virtq_batch(q, (uint16_t)id, len, written);
	*written = len;
	retire(q, (uint16_t)id);
	return slot_end(q, &q->slot[id]);
}

/* Descriptors are what is counted here: as many as `after` chains have on the
 * average, which is less than all that are in flight. */
static void
event_set(struct virtq *q, unsigned after)
{
	unsigned taken = q->size - q->nfree, at = q->packed.used_next;
	bool wrap = q->packed.used_bits != 0;

	at += (after - 1) * taken / q->in_flight;
	if (at >= q->size) {
		at -= q->size;
		wrap = !wrap;
	}
	store_release(
	    &q->packed.driver->off_wrap, (uint16_t)(at | (wrap ? WRAP : 0)));
	store_release(&q->packed.driver->flags, VRING_PACKED_EVENT_FLAG_DESC);
}

static inline void
ask(struct virtq *q, unsigned after)
{
	if (q->event_idx && after > 1)
		event_set(q, after);
	else /* the next one */
		store_release(
		    &q->packed.driver->flags, VRING_PACKED_EVENT_FLAG_ENABLE);
}

static bool
packed_arm(struct virtq *q, unsigned after)
{
	ask(q, after);
	fence_full(); /* asked for it; did work slip in? */
	if (!packed_pending(q))
		return false;
	packed_disarm(q);
	return true;
}

static unsigned
packed_publish_arm(struct virtq *q, unsigned after)
{
	unsigned r = 0;
	uint16_t n;

	if (q->packed.npending == 0)
		return packed_arm(q, after) ? VIRTQ_USED : 0;
	n = first_store(q);
	ask(q, after);
	fence_full(); /* for both */
	if (wants_notify(q, n))
		r = VIRTQ_NOTIFY;
	if (packed_pending(q)) {
		packed_disarm(q);
		r |= VIRTQ_USED;
	}
	return r;
}

const struct virtq_ops virtq_packed_ops = {
    .ring_bytes = packed_ring_bytes,
    .lay_out = packed_lay_out,
    .add = packed_add,
    .table_set = packed_table_set,
    .add_table = packed_add_table,
    .publish = packed_publish,
    .next = packed_next,
    .pending = packed_pending,
    .take = packed_take,
    .retire = packed_retire,
    .arm = packed_arm,
    .publish_arm = packed_publish_arm,
    .disarm = packed_disarm,
};
