/* SPDX-License-Identifier: ISC */
/*
 * A virtio device for tests: the transport that virtio.c talks to and the
 * device's side of split and packed rings, written from [VIRTIO] 2.7 and 2.8
 * without a look at the driver's.  It keeps what the driver told it, checks
 * that the driver obeys the document, and does nothing on its own.
 */
#ifndef TESTS_UNIT_FAKE_VIRTIO_H
#define TESTS_UNIT_FAKE_VIRTIO_H

#include "pv/virtio/virtio.h"

#define FAKE_QUEUES 8
#define FAKE_CONFIG 256
#define FAKE_TRACE  256

struct fake_virtio;

/* A chain as the device found it.  `buf` holds until the next fetch. */
struct fake_chain {
	uint16_t id;       /* head descriptor, or buffer ID */
	uint16_t ndesc;    /* descriptors of the ring */
	unsigned nbufs;    /* of buf; those for reading come first */
	unsigned nread;    /* of buf */
	uint32_t writable; /* bytes */
	bool indirect;
	struct virtq_buf *buf;
};

struct fake_queue {
	unsigned size_max; /* offered; 0: no such queue */
	int enable_error;  /* what queue_enable returns */

	/* What the driver told. */
	struct virtq *q; /* NULL: not enabled */
	unsigned size;
	uint8_t *desc, *driver, *device; /* areas */
	unsigned nnotified;
	uint32_t value; /* of the last notification */

	/* The device's own. */
	struct fake_virtio *f;
	bool packed, event_idx, in_order, can_indirect;
	uint16_t avail_next, used_next, order_next;
	bool avail_wrap, used_wrap;
	uint16_t used_told; /* used_next at the last fake_signal ... */
	bool used_told_wrap;
	unsigned used_since; /* ... and descriptors or entries since */
	struct virtq_buf *buf;
	const char *why; /* fake_fetch was -1 */
};

struct fake_virtio {
	struct virtio_dev vd; /* its first member */

	/* How it behaves; fake_init sets the good way. */
	uint64_t offered;
	uint8_t config[FAKE_CONFIG];
	uint32_t generation, generation_step; /* added at each read */
	bool refuses_features, never_resets;
	int irq_error;
	struct fake_queue queue[FAKE_QUEUES];
	void (*notified)(struct fake_virtio *f, struct fake_queue *fq);

	/* What the driver did. */
	uint64_t accepted;
	uint8_t status;
	char trace[FAKE_TRACE]; /* of what it did: see fake_virtio.c */
	uint64_t nreset;
};

extern const struct virtio_transport fake_transport;

/* All zero but: id, name, the transport, offered | VERSION_1. */
void fake_init(struct fake_virtio *f, uint32_t id, uint64_t offered);
/* The same, and virtio_probe will find it.  Only before the first virtio_probe
 * of the program; f is static. */
void fake_plug(struct fake_virtio *f, uint32_t id, uint64_t offered);
/* Frees what the device's side took; not the rings. */
void fake_fini(struct fake_virtio *f);

/* The next chain that is available.  1; 0: none; -1: the driver broke a rule,
 * or the ring was scribbled on: fq->why. */
int fake_fetch(struct fake_queue *fq, struct fake_chain *c);
/* The chain is used.  Nothing is told before fake_signal. */
void fake_use(
    struct fake_queue *fq, const struct fake_chain *c, uint32_t written);
/* In order: c[0..n-1] are used, told by one entry. */
void fake_use_batch(struct fake_queue *fq, const struct fake_chain *c,
    unsigned n, uint32_t written);
/* Any entry, for lies: goes `ndesc` descriptors or entries on. */
void fake_use_raw(
    struct fake_queue *fq, uint32_t id, uint32_t written, unsigned ndesc);
/* True if the driver wants an interrupt for what was used since the last
 * time. */
bool fake_signal(struct fake_queue *fq);
/* fake_signal, and the interrupt if it is wanted. */
bool fake_interrupt(struct fake_queue *fq);

/* What the device asks of the driver: notifications, none, or (event index)
 * one when it makes available the chain `after` further on; 0 is the next. */
void fake_want_all(struct fake_queue *fq);
void fake_want_none(struct fake_queue *fq);
void fake_want_at(struct fake_queue *fq, unsigned after);

/* Fetches one chain, fills what it may write from data, uses it and interrupts:
 * the whole life of a request.  The bytes written, or -1: no chain.  `asked`
 * (or NULL) is told the chain first. */
long fake_answer(struct fake_queue *fq, const void *data, size_t len,
    struct fake_chain *asked);

/* The driver's `buf` of a chain, copied in or out; bytes copied. */
size_t fake_read(const struct fake_chain *c, void *p, size_t len);
size_t fake_write(const struct fake_chain *c, const void *p, size_t len);

#endif
