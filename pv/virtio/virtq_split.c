/* SPDX-License-Identifier: ISC */
/*
 * The split virtqueue.  [VIRTIO] 2.7.  A slot is a descriptor; links between
 * descriptors are kept in the slots and written to the table, never read from
 * it.  Free ones are used first in, first out, which is the ring order that
 * VIRTIO_F_IN_ORDER demands (2.7.9).
 */
#include "kernel/barrier.h"
#include "pv/virtio/virtio.h"

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

static void
put_desc(struct vring_desc *d, const struct virtq_buf *buf, unsigned flags,
    uint16_t next)
{
	d->addr = (uint64_t)buf->p;
	d->len = buf->len;
	d->flags = (uint16_t)flags;
	d->next = next;
}

/* Flags of the i-th of n descriptors. */
static unsigned
flags_of(unsigned i, unsigned nread, unsigned n)
{
	return (i >= nread ? VRING_DESC_F_WRITE : 0) |
	       (i + 1 < n ? VRING_DESC_F_NEXT : 0);
}

/* The chain from free_first on is in use; `last` is its end. */
static uint16_t
chain_take(struct virtq *q, uint16_t last, unsigned ndesc)
{
	uint16_t head = q->free_first;

	q->free_first = q->slot[last].next;
	q->nfree -= (uint16_t)ndesc;
	q->slot[head].ndesc = (uint16_t)ndesc;
	q->slot[head].last = last;
	q->split.avail->ring[q->split.avail_next++ & (q->size - 1)] = head;
	return head;
}

static uint16_t
split_add(
    struct virtq *q, const struct virtq_buf *buf, unsigned nread, unsigned n)
{
	uint16_t id = q->free_first, last = id;
	unsigned i;

	for (i = 0; i < n; i++) {
		last = id;
		id = q->slot[last].next;
		put_desc(
		    &q->split.desc[last], &buf[i], flags_of(i, nread, n), id);
	}
	return chain_take(q, last, n);
}

static uint16_t
split_add_indirect(struct virtq *q, const struct virtq_buf *buf, unsigned nread,
    unsigned n, void *table)
{
	struct virtq_buf whole = {table, n * sizeof(struct vring_desc)};
	struct vring_desc *d = table;
	uint16_t id = q->free_first;
	unsigned i;

	for (i = 0; i < n; i++)
		put_desc(
		    &d[i], &buf[i], flags_of(i, nread, n), (uint16_t)(i + 1));
	put_desc(&q->split.desc[id], &whole, VRING_DESC_F_INDIRECT, 0);
	return chain_take(q, id, 1);
}

static bool
split_publish(struct virtq *q)
{
	uint16_t old = q->split.avail_told, new = q->split.avail_next, event;

	if (old == new)
		return false;
	/* The device may read the chains as soon as idx moves, notified or
	 * not, so all of them must be visible first.  [VIRTIO] 2.7.13.3 */
	store_release(&q->split.avail->idx, new);
	q->split.avail_told = new;
	fence_full(); /* published; does it want a notification? */
	if (!q->event_idx)
		return !(load_acquire(&q->split.used->flags) &
			 VRING_USED_F_NO_NOTIFY);
	event = load_acquire((uint16_t *)&q->split.used->ring[q->size]);
	return vring_need_event(event, new, old); /* [VIRTIO] 2.7.10 */
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

static int
split_fetch(const struct virtq *q, uint32_t *id, uint32_t *len)
{
	uint16_t n = load_acquire(&q->split.used->idx) - q->split.used_next;
	const struct vring_used_elem *e;

	if (n == 0)
		return 0;
	if (n > q->in_flight)
		return -1;
	e = &q->split.used->ring[q->split.used_next & (q->size - 1)];
	*id = load_acquire(&e->id);
	*len = load_acquire(&e->len);
	return 1;
}

static void
split_retire(struct virtq *q, uint16_t id)
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
split_arm(struct virtq *q, unsigned after)
{
	struct vring_avail *avail = q->split.avail;

	if (q->event_idx)
		store_release(&avail->ring[q->size],
		    (uint16_t)(q->split.used_next + after - 1));
	else
		store_release(&avail->flags, 0);
}

const struct virtq_ops virtq_split_ops = {
    .ring_bytes = split_ring_bytes,
    .lay_out = split_lay_out,
    .add = split_add,
    .add_indirect = split_add_indirect,
    .publish = split_publish,
    .next = split_next,
    .pending = split_pending,
    .fetch = split_fetch,
    .retire = split_retire,
    .arm = split_arm,
    .disarm = split_disarm,
};
