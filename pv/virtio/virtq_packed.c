/* SPDX-License-Identifier: ISC */
/*
 * The packed virtqueue.  [VIRTIO] 2.8.  A slot is a buffer ID.  Descriptors are
 * taken in ring order; the flags that make the first one of a batch available
 * are written last, by virtq_kick, so that nothing is seen before it.
 */
#include "kernel/barrier.h"
#include "pv/virtio/virtio.h"

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
	q->packed.avail_wrap = q->packed.used_wrap = true;
	q->desc_area = q->packed.desc;
	q->driver_area = q->packed.driver;
	q->device_area = q->packed.device;
	packed_disarm(q);
}

/* Writes the descriptor at avail_next and goes on; `flags` lack the two bits
 * of the wrap counter. */
static void
put_desc(
    struct virtq *q, uint64_t addr, uint32_t len, uint16_t id, unsigned flags)
{
	uint16_t at = q->packed.avail_next;
	struct vring_packed_desc *d = &q->packed.desc[at];

	flags |= q->packed.avail_wrap ? AVAIL : USED; /* [VIRTIO] 2.8.1 */
	d->addr = addr;
	d->len = len;
	d->id = id;
	if (q->packed.npending == 0) {
		q->packed.first = at;
		q->packed.first_flags = (uint16_t)flags;
	} else {
		store_release(&d->flags, (uint16_t)flags);
	}
	q->packed.npending++;
	if (++q->packed.avail_next == q->size) {
		q->packed.avail_next = 0;
		q->packed.avail_wrap = !q->packed.avail_wrap;
	}
}

static uint16_t
id_take(struct virtq *q, unsigned ndesc)
{
	uint16_t id = q->free_first;

	q->free_first = q->slot[id].next;
	q->slot[id].ndesc = (uint16_t)ndesc;
	q->nfree -= (uint16_t)ndesc;
	return id;
}

static uint16_t
packed_add(
    struct virtq *q, const struct virtq_buf *buf, unsigned nread, unsigned n)
{
	uint16_t id = id_take(q, n);
	unsigned i, flags;

	for (i = 0; i < n; i++) {
		flags = (i >= nread ? VRING_DESC_F_WRITE : 0) |
			(i + 1 < n ? VRING_DESC_F_NEXT : 0);
		put_desc(q, (uint64_t)buf[i].p, buf[i].len, id, flags);
	}
	return id;
}

/* [VIRTIO] 2.8.8: in a table only WRITE has a meaning. */
static uint16_t
packed_add_indirect(struct virtq *q, const struct virtq_buf *buf,
    unsigned nread, unsigned n, void *table)
{
	struct vring_packed_desc *d = table;
	uint16_t id = id_take(q, 1);
	unsigned i;

	for (i = 0; i < n; i++) {
		d[i].addr = (uint64_t)buf[i].p;
		d[i].len = buf[i].len;
		d[i].flags = i >= nread ? VRING_DESC_F_WRITE : 0;
	}
	put_desc(q, (uint64_t)table, n * (uint32_t)sizeof(*d), id,
	    VRING_DESC_F_INDIRECT);
	return id;
}

static bool
packed_publish(struct virtq *q)
{
	uint16_t new = q->packed.avail_next, old = new - q->packed.npending;
	uint16_t off_wrap, event, how;

	if (q->packed.npending == 0)
		return false;
	/* The rest of the batch is there already.  [VIRTIO] 2.8.21 */
	store_release(
	    &q->packed.desc[q->packed.first].flags, q->packed.first_flags);
	q->packed.npending = 0;
	fence_full(); /* published; does it want a notification? */
	how = load_acquire(&q->packed.device->flags) & 3;
	if (how != VRING_PACKED_EVENT_FLAG_DESC)
		return how != VRING_PACKED_EVENT_FLAG_DISABLE;
	off_wrap = load_acquire(&q->packed.device->off_wrap);
	event = off_wrap & ~WRAP;
	if (!!(off_wrap & WRAP) != q->packed.avail_wrap)
		event -= (uint16_t)q->size;
	return vring_need_event(event, new, old);
}

/* [VIRTIO] 2.9: the offset, and the wrap counter in bit 15 */
static uint32_t
packed_next(const struct virtq *q)
{
	return q->packed.avail_next | (q->packed.avail_wrap ? WRAP : 0);
}

/* [VIRTIO] 2.8.1: used if both bits equal our wrap counter */
static bool
is_used(const struct virtq *q, uint16_t flags)
{
	unsigned both = flags & (AVAIL | USED);

	return both == (q->packed.used_wrap ? AVAIL | USED : 0) &&
	       q->in_flight > 0;
}

static bool
packed_pending(const struct virtq *q)
{
	return is_used(
	    q, load_acquire(&q->packed.desc[q->packed.used_next].flags));
}

/* [VIRTIO] 2.8.5: without WRITE the length means nothing.  QEMU never sets
 * WRITE, so a length that can be is believed. */
static int
packed_fetch(const struct virtq *q, uint32_t *id, uint32_t *len)
{
	const struct vring_packed_desc *d =
	    &q->packed.desc[q->packed.used_next];
	uint16_t flags = load_acquire(&d->flags);

	if (!is_used(q, flags))
		return 0;
	*id = load_acquire(&d->id);
	*len = load_acquire(&d->len);
	if (!(flags & VRING_DESC_F_WRITE) && *id < q->size &&
	    *len > q->slot[*id].writable)
		*len = 0;
	return 1;
}

static void
packed_retire(struct virtq *q, uint16_t id)
{
	struct virtq_slot *s = &q->slot[id];

	q->packed.used_next += s->ndesc;
	if (q->packed.used_next >= q->size) {
		q->packed.used_next -= (uint16_t)q->size;
		q->packed.used_wrap = !q->packed.used_wrap;
	}
	s->next = q->free_first;
	q->free_first = id;
	q->nfree += s->ndesc;
}

/* Descriptors are what is counted here: as many as `after` chains have on the
 * average, which is less than all that are in flight. */
static void
packed_arm(struct virtq *q, unsigned after)
{
	unsigned taken = q->size - q->nfree, at = q->packed.used_next;
	bool wrap = q->packed.used_wrap;

	if (!q->event_idx) {
		store_release(
		    &q->packed.driver->flags, VRING_PACKED_EVENT_FLAG_ENABLE);
		return;
	}
	if (after > 1)
		at += (after - 1) * taken / q->in_flight;
	if (at >= q->size) {
		at -= q->size;
		wrap = !wrap;
	}
	store_release(
	    &q->packed.driver->off_wrap, (uint16_t)(at | (wrap ? WRAP : 0)));
	store_release(&q->packed.driver->flags, VRING_PACKED_EVENT_FLAG_DESC);
}

const struct virtq_ops virtq_packed_ops = {
    .ring_bytes = packed_ring_bytes,
    .lay_out = packed_lay_out,
    .add = packed_add,
    .add_indirect = packed_add_indirect,
    .publish = packed_publish,
    .next = packed_next,
    .pending = packed_pending,
    .fetch = packed_fetch,
    .retire = packed_retire,
    .arm = packed_arm,
    .disarm = packed_disarm,
};
