/* SPDX-License-Identifier: ISC */
/*
 * What both rings do with slots, inline, for it is done for each request; and
 * the way out when a device lies.
 */
#ifndef PV_VIRTIO_VIRTQ_RING_H
#define PV_VIRTIO_VIRTQ_RING_H

#include "kernel/barrier.h"
#include "pv/virtio/virtio.h"

/* Lengths of 32 bits are all that a device can tell. */
static inline uint32_t
length_cut(uint64_t len)
{
	return len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
}

/* A chain is in the ring: from now on `id` is in flight. */
static inline void
slot_begin(struct virtq *q, uint16_t id, void *token, unsigned ndesc,
    uint64_t writable)
{
	struct virtq_slot *s = &q->slot[id];

	s->token = token;
	s->writable = length_cut(writable);
	s->ndesc = (uint16_t)ndesc;
	q->nfree -= (uint16_t)ndesc;
	if (q->in_order)
		virtq_order_push(q, id);
	q->in_flight++;
	q->nadded++;
}

/* The slot's buffers become the driver's again. */
static inline void *
slot_end(struct virtq *q, struct virtq_slot *s)
{
	void *token = s->token;

	s->token = NULL;
	if (s->indirect != NULL)
		virtq_table_free(s);
	q->in_flight--;
	return token;
}

/* Copied from the ring: may the device say so? */
static inline bool
used_ok(const struct virtq *q, uint32_t id, uint32_t len)
{
	return id < q->size && q->slot[id].token != NULL &&
	       (len <= q->slot[id].writable || q->any_length);
}

#endif
