/* SPDX-License-Identifier: ISC */
/* A virtio device for tests: see fake_virtio.h. */
#include "tests/unit/fake_virtio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* [VIRTIO] 2.7.5, 2.8.13: flags of descriptors */
#define NEXT     1U
#define WRITE    2U
#define INDIRECT 4U
#define AVAIL    (1U << 7)
#define USED     (1U << 15)

/* [VIRTIO] 2.8.10: event suppression */
#define EVENT_ENABLE  0U
#define EVENT_DISABLE 1U
#define EVENT_DESC    2U

static struct fake_virtio *plugged[32];
static unsigned nplugged;

/* --- memory both sides see: little endian, copied once --- */

static uint16_t
get16(const uint8_t *p)
{
	return __atomic_load_n(
	    (const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

static void
put16(uint8_t *p, unsigned v)
{
	__atomic_store_n((uint16_t *)(void *)p, (uint16_t)v, __ATOMIC_RELEASE);
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

static uint64_t
get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* --- chains --- */

static int
bad(struct fake_queue *fq, const char *why)
{
	fq->why = why;
	return -1;
}

/* One element of a chain; those for reading come first (2.7.4.2). */
static int
chain_put(struct fake_queue *fq, struct fake_chain *c, const uint8_t *d,
    unsigned flags)
{
	struct virtq_buf *b = &fq->buf[c->nbufs];

	if (c->nbufs == fq->size)
		return bad(fq, "a chain longer than the queue");
	b->p = (void *)get64(d);
	b->len = get32(d + 8);
	if (flags & WRITE)
		c->writable += b->len;
	else if (c->nread < c->nbufs)
		return bad(fq, "readable behind writable");
	else
		c->nread++;
	c->nbufs++;
	return 1;
}

/* A table of descriptors: linked when split (2.7.5.3), a list when packed
 * (2.8.8). */
static int
table_walk(struct fake_queue *fq, struct fake_chain *c, const uint8_t *desc)
{
	const uint8_t *table = (const uint8_t *)get64(desc);
	unsigned n = get32(desc + 8) / 16, i = 0, flags;

	if (!fq->can_indirect)
		return bad(fq, "indirect, and not negotiated");
	if (n == 0 || get32(desc + 8) % 16 != 0)
		return bad(fq, "an odd table");
	c->indirect = true;
	for (;;) {
		const uint8_t *d = &table[16 * i];

		flags = get16(d + (fq->packed ? 14 : 12));
		if (flags & INDIRECT)
			return bad(fq, "a table in a table");
		if (chain_put(fq, c, d, flags) < 0)
			return -1;
		if (fq->packed ? ++i == n : !(flags & NEXT))
			return 1;
		if (fq->packed)
			continue;
		i = get16(d + 14);
		if (i >= n)
			return bad(fq, "next is outside of its table");
	}
}

static int
split_fetch(struct fake_queue *fq, struct fake_chain *c)
{
	uint16_t n = (uint16_t)(get16(fq->driver + 2) - fq->avail_next), at;
	const uint8_t *d;
	unsigned flags;

	if (n == 0)
		return 0;
	if (n > fq->size)
		return bad(fq, "more available than the ring holds");
	at = get16(fq->driver + 4 + 2 * (fq->avail_next % fq->size));
	c->id = at;
	do {
		if (at >= fq->size)
			return bad(fq, "a descriptor outside of the ring");
		if (c->ndesc++ == fq->size)
			return bad(fq, "a loop");
		if (fq->in_order && at != fq->order_next) /* 2.7.9 */
			return bad(fq, "descriptors not in ring order");
		fq->order_next = (uint16_t)((fq->order_next + 1) % fq->size);
		d = &fq->desc[16 * at];
		flags = get16(d + 12);
		if ((flags & INDIRECT) && ((flags & NEXT) || c->nbufs > 0))
			return bad(fq, "indirect within a chain");
		if ((flags & INDIRECT ? table_walk(fq, c, d)
				      : chain_put(fq, c, d, flags)) < 0)
			return -1;
		at = get16(d + 14);
	} while (flags & NEXT);
	fq->avail_next++;
	return 1;
}

static bool
packed_available(const struct fake_queue *fq, unsigned flags)
{
	return !!(flags & AVAIL) == fq->avail_wrap &&
	       !!(flags & USED) != fq->avail_wrap; /* 2.8.1 */
}

static int
packed_fetch(struct fake_queue *fq, struct fake_chain *c)
{
	const uint8_t *d = &fq->desc[16 * fq->avail_next];
	unsigned flags = get16(d + 14);

	if (!packed_available(fq, flags))
		return 0;
	for (;;) {
		if (c->ndesc++ == fq->size)
			return bad(fq, "a loop");
		if ((flags & INDIRECT) && ((flags & NEXT) || c->nbufs > 0))
			return bad(fq, "indirect within a chain");
		if ((flags & INDIRECT ? table_walk(fq, c, d)
				      : chain_put(fq, c, d, flags)) < 0)
			return -1;
		c->id = get16(d + 12);
		if (++fq->avail_next == fq->size) {
			fq->avail_next = 0;
			fq->avail_wrap = !fq->avail_wrap;
		}
		if (!(flags & NEXT))
			return 1;
		d = &fq->desc[16 * fq->avail_next];
		flags = get16(d + 14);
		if (!packed_available(fq, flags))
			return bad(fq, "half a chain");
	}
}

int
fake_fetch(struct fake_queue *fq, struct fake_chain *c)
{
	memset(c, 0, sizeof(*c));
	if (fq->q == NULL)
		return 0;
	c->buf = fq->buf;
	return fq->packed ? packed_fetch(fq, c) : split_fetch(fq, c);
}

/* --- using --- */

void
fake_use_raw(
    struct fake_queue *fq, uint32_t id, uint32_t written, unsigned ndesc)
{
	unsigned at = fq->used_next, flags;
	uint8_t *e;

	fq->used_since += ndesc;
	if (!fq->packed) {
		e = &fq->device[4 + 8 * (at % fq->size)];
		put32(e, id);
		put32(e + 4, written);
		fq->used_next = (uint16_t)(at + ndesc);
		put16(fq->device + 2, fq->used_next);
		return;
	}
	e = &fq->desc[16 * at];
	flags = (fq->used_wrap ? AVAIL | USED : 0) | (written > 0 ? WRITE : 0);
	put32(e + 8, written);
	put16(e + 12, id);
	put16(e + 14, flags); /* last */
	at += ndesc;
	if (at >= fq->size) {
		at -= fq->size;
		fq->used_wrap = !fq->used_wrap;
	}
	fq->used_next = (uint16_t)at;
}

void
fake_use(struct fake_queue *fq, const struct fake_chain *c, uint32_t written)
{
	fake_use_raw(fq, c->id, written, fq->packed ? c->ndesc : 1);
}

void
fake_use_batch(struct fake_queue *fq, const struct fake_chain *c, unsigned n,
    uint32_t written)
{
	unsigned ndesc = 0, i;

	for (i = 0; i < n; i++)
		ndesc += fq->packed ? c[i].ndesc : 1;
	fake_use_raw(fq, c[n - 1].id, written, ndesc);
}

/* [VIRTIO] 2.8.10: is the descriptor the driver named among those used since?
 * Counted from where the device was. */
static bool
packed_signal(const struct fake_queue *fq)
{
	unsigned how = get16(fq->driver + 2) & 3, off, wrap, ahead;

	if (how != EVENT_DESC)
		return how == EVENT_ENABLE;
	off = get16(fq->driver) & 0x7fff;
	wrap = get16(fq->driver) >> 15;
	ahead = off + 2 * fq->size - fq->used_told;
	if (wrap != fq->used_told_wrap)
		ahead += fq->size;
	return ahead % (2 * fq->size) < fq->used_since;
}

/* [VIRTIO] 2.7.7: used_event is behind the entries of the driver's area; the
 * entry of that index must be among those since. */
static bool
split_signal(const struct fake_queue *fq)
{
	uint16_t ahead;

	if (!fq->event_idx)
		return !(get16(fq->driver) & 1);
	ahead =
	    (uint16_t)(get16(fq->driver + 4 + 2 * fq->size) - fq->used_told);
	return ahead < fq->used_since;
}

bool
fake_signal(struct fake_queue *fq)
{
	bool wanted = false;

	if (fq->used_since > 0)
		wanted = fq->packed ? packed_signal(fq) : split_signal(fq);
	fq->used_told = fq->used_next;
	fq->used_told_wrap = fq->used_wrap;
	fq->used_since = 0;
	return wanted;
}

bool
fake_interrupt(struct fake_queue *fq)
{
	bool wanted = fake_signal(fq);

	if (wanted)
		virtio_interrupt_queues(&fq->f->vd);
	return wanted;
}

void
fake_want_all(struct fake_queue *fq)
{
	if (fq->packed)
		put16(fq->device + 2, EVENT_ENABLE);
	else
		put16(fq->device, 0);
}

void
fake_want_none(struct fake_queue *fq)
{
	if (fq->packed)
		put16(fq->device + 2, EVENT_DISABLE);
	else
		put16(fq->device, 1);
}

void
fake_want_at(struct fake_queue *fq, unsigned after)
{
	unsigned at = fq->avail_next + after, wrap = fq->avail_wrap;

	if (!fq->packed) { /* avail_event */
		put16(fq->device + 4 + 8 * fq->size, at);
		return;
	}
	if (at >= fq->size) {
		at -= fq->size;
		wrap = !wrap;
	}
	put16(fq->device, at | wrap << 15);
	put16(fq->device + 2, EVENT_DESC);
}

/* --- data --- */

size_t
fake_read(const struct fake_chain *c, void *p, size_t len)
{
	size_t done = 0, n;
	unsigned i;

	for (i = 0; i < c->nread && done < len; i++, done += n) {
		n = c->buf[i].len < len - done ? c->buf[i].len : len - done;
		memcpy((char *)p + done, c->buf[i].p, n);
	}
	return done;
}

size_t
fake_write(const struct fake_chain *c, const void *p, size_t len)
{
	size_t done = 0, n;
	unsigned i;

	for (i = c->nread; i < c->nbufs && done < len; i++, done += n) {
		n = c->buf[i].len < len - done ? c->buf[i].len : len - done;
		memcpy(c->buf[i].p, (const char *)p + done, n);
	}
	return done;
}

long
fake_answer(struct fake_queue *fq, const void *data, size_t len,
    struct fake_chain *asked)
{
	struct fake_chain c;
	size_t n;

	if (fake_fetch(fq, &c) != 1)
		return -1;
	if (asked != NULL)
		*asked = c;
	n = fake_write(&c, data, len);
	fake_use(fq, &c, (uint32_t)n);
	fake_interrupt(fq);
	return (long)n;
}

/* --- the transport --- */

/* Words for the trace: `S03` status written, `F` features read, `F!` written,
 * `I` interrupts set up, `C` configuration read, `C!` written, `Q0` size of
 * queue 0 read, `E0` it is enabled, `N0` notified. */
static void
fake_trace(struct fake_virtio *f, const char *fmt, unsigned v)
{
	size_t at = strlen(f->trace);

	snprintf(f->trace + at, FAKE_TRACE - at, fmt, v);
}

static struct fake_virtio *
fake_of(struct virtio_dev *vd)
{
	return (struct fake_virtio *)(void *)vd;
}

static uint8_t
fake_status(struct virtio_dev *vd)
{
	return fake_of(vd)->status;
}

static void
queues_reset(struct fake_virtio *f)
{
	unsigned i;

	for (i = 0; i < FAKE_QUEUES; i++) {
		free(f->queue[i].buf);
		f->queue[i].buf = NULL;
		f->queue[i].q = NULL;
	}
}

static void
fake_set_status(struct virtio_dev *vd, uint8_t status)
{
	struct fake_virtio *f = fake_of(vd);

	fake_trace(f, "S%02x ", status);
	if (status == 0) {
		f->nreset++;
		queues_reset(f);
		if (f->never_resets)
			return;
	}
	if (f->refuses_features)
		status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	f->status = status;
}

static uint64_t
fake_features(struct virtio_dev *vd)
{
	fake_trace(fake_of(vd), "F ", 0);
	return fake_of(vd)->offered;
}

static void
fake_set_features(struct virtio_dev *vd, uint64_t features)
{
	fake_trace(fake_of(vd), "F! ", 0);
	fake_of(vd)->accepted = features;
}

static uint32_t
fake_generation(struct virtio_dev *vd)
{
	struct fake_virtio *f = fake_of(vd);

	f->generation += f->generation_step;
	return f->generation;
}

static uint32_t
fake_config_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	uint32_t v = 0;

	fake_trace(fake_of(vd), "C ", 0);
	if (off <= FAKE_CONFIG - width)
		memcpy(&v, &fake_of(vd)->config[off], width);
	return v;
}

static void
fake_config_set(struct virtio_dev *vd, unsigned off, unsigned width, uint32_t v)
{
	fake_trace(fake_of(vd), "C! ", 0);
	if (off <= FAKE_CONFIG - width)
		memcpy(&fake_of(vd)->config[off], &v, width);
}

static int
fake_irq_setup(struct virtio_dev *vd)
{
	fake_trace(fake_of(vd), "I ", 0);
	return fake_of(vd)->irq_error;
}

static unsigned
fake_queue_size(struct virtio_dev *vd, unsigned index)
{
	fake_trace(fake_of(vd), "Q%u ", index);
	return index < FAKE_QUEUES ? fake_of(vd)->queue[index].size_max : 0;
}

static int
fake_queue_enable(struct virtio_dev *vd, struct virtq *q)
{
	struct fake_virtio *f = fake_of(vd);
	struct fake_queue *fq = &f->queue[q->index];

	fake_trace(f, "E%u ", q->index);
	if (fq->enable_error != 0)
		return fq->enable_error;
	ASSERT(q->size <= fq->size_max && fq->q == NULL);
	fq->q = q;
	fq->f = f;
	fq->size = q->size;
	fq->desc = q->desc_area;
	fq->driver = q->driver_area;
	fq->device = q->device_area;
	fq->packed = f->accepted & VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	fq->event_idx = f->accepted & VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX);
	fq->in_order = f->accepted & VIRTIO_BIT(VIRTIO_F_IN_ORDER);
	fq->can_indirect =
	    f->accepted & VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	fq->avail_next = fq->used_next = fq->order_next = fq->used_told = 0;
	fq->avail_wrap = fq->used_wrap = fq->used_told_wrap = true;
	fq->used_since = fq->nnotified = 0;
	fq->buf = calloc(fq->size, sizeof(*fq->buf));
	ASSERT(fq->buf != NULL);
	q->notify_value = q->index;
	return 0;
}

static void
fake_notify(const struct virtq *q, uint32_t value)
{
	struct fake_virtio *f = fake_of(q->vd);
	struct fake_queue *fq = &f->queue[q->index];

	/* [VIRTIO] 3.1.1: none before */
	ASSERT(f->status & VIRTIO_CONFIG_S_DRIVER_OK);
	fake_trace(f, "N%u ", q->index);
	fq->nnotified++;
	fq->value = value;
	if (f->notified != NULL)
		f->notified(f, fq);
}

static bool
fake_shm(struct virtio_dev *vd, unsigned id, uint64_t *paddr, uint64_t *len)
{
	(void)vd, (void)id, (void)paddr, (void)len;
	return false;
}

const struct virtio_transport fake_transport = {
    .name = "fake",
    .status = fake_status,
    .set_status = fake_set_status,
    .features = fake_features,
    .set_features = fake_set_features,
    .generation = fake_generation,
    .config_get = fake_config_get,
    .config_set = fake_config_set,
    .irq_setup = fake_irq_setup,
    .queue_size = fake_queue_size,
    .queue_enable = fake_queue_enable,
    .notify = fake_notify,
    .shm = fake_shm,
};

void
fake_init(struct fake_virtio *f, uint32_t id, uint64_t offered)
{
	memset(f, 0, sizeof(*f));
	f->vd.ops = &fake_transport;
	f->vd.id = id;
	snprintf(f->vd.name, sizeof(f->vd.name), "fake %u", id);
	f->offered = offered | VIRTIO_BIT(VIRTIO_F_VERSION_1);
}

void
fake_plug(struct fake_virtio *f, uint32_t id, uint64_t offered)
{
	fake_init(f, id, offered);
	plugged[nplugged++] = f;
}

void
fake_fini(struct fake_virtio *f)
{
	queues_reset(f);
}

static char *no_words[] = {NULL};
char **cmdline_devices = no_words;

/* Instead of the kernel's two. */
void
virtio_mmio_scan(void)
{
	unsigned i;

	for (i = 0; i < nplugged; i++)
		virtio_found(&plugged[i]->vd);
}

void
virtio_pci_scan(void)
{
}
