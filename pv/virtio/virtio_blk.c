/* SPDX-License-Identifier: ISC */
/*
 * The block device.  [VIRTIO] 5.2.  A request is a header for the device to
 * read, the data, and a status byte that the device writes.  With several
 * queues, each batch of requests goes into one, and the next into another.
 */
#include <linux/virtio_blk.h>
#include <string.h>

#include "kernel/blk.h"
#include "pv/virtio/virtio.h"
#include "pv/virtio/virtio_drivers.h"

#define QUEUES_MAX  4
#define SLOTS_MAX   128  /* requests in flight */
#define STATUS_NONE 0xff /* none of the device's */

#define FEATURES                                                               \
	(VIRTIO_BIT(VIRTIO_BLK_F_SIZE_MAX) |                                   \
	    VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_BIT(VIRTIO_BLK_F_RO) |   \
	    VIRTIO_BIT(VIRTIO_BLK_F_BLK_SIZE) |                                \
	    VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) |                                   \
	    VIRTIO_BIT(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_BIT(VIRTIO_BLK_F_MQ) |  \
	    VIRTIO_BIT(VIRTIO_BLK_F_DISCARD) |                                 \
	    VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES))

_Static_assert(BLK_READ == 0 && BLK_WRITE == 1, "slots have tables for both");
_Static_assert(sizeof(struct virtio_blk_outhdr) == 16, "[VIRTIO] 5.2.6");
_Static_assert(
    sizeof(struct virtio_blk_discard_write_zeroes) == 16, "[VIRTIO] 5.2.6");
_Static_assert(
    offsetof(struct virtio_blk_config, num_queues) == 34, "[VIRTIO] 5.2.4");
_Static_assert(
    offsetof(struct virtio_blk_config, max_write_zeroes_sectors) == 48,
    "[VIRTIO] 5.2.4");

#define TABLE 3 /* descriptors: header, data in one piece, status */

/* What the device sees of a request besides its data. */
struct slot {
	uint8_t table[2][VIRTQ_TABLE_BYTES(TABLE)] /* to read, to write */
	    __attribute__((aligned(16)));
	struct virtio_blk_outhdr header;
	struct virtio_blk_discard_write_zeroes range;
	struct slot *next; /* of the free ones */
	struct blk_req *req;
	uint32_t reads; /* bytes of data that the device is to write */
	uint8_t status; /* device */
};

struct vblk {
	struct blk_chan chan;
	struct blk_dev dev;
	struct virtio_dev *vd;
	bool ready;  /* its queues can be used */
	bool tables; /* and take what is in slots' tables */
	unsigned nqueues, current;
	struct virtq q[QUEUES_MAX];
	struct slot *slots, *free;
	struct virtq_buf buf[BLK_SEG_MAX + 2]; /* of the one being added */
};

static struct vblk *
vblk_of(struct blk_chan *c)
{
	return (struct vblk *)c; /* its first member */
}

/* --- the data path --- */

/* The range of those that carry no data. */
static void
range_fill(struct slot *s, const struct blk_req *r, uint64_t len)
{
	s->range.sector = s->header.sector;
	s->range.num_sectors = (uint32_t)(len / BLK_SECTOR);
	s->range.flags = r->op == BLK_ZERO && r->may_free
			     ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP
			     : 0;
	s->header.sector = 0;
}

static inline void
header_fill(struct slot *s, struct blk_req *r, uint64_t len)
{
	static const uint8_t types[] = {
	    [BLK_READ] = VIRTIO_BLK_T_IN,
	    [BLK_WRITE] = VIRTIO_BLK_T_OUT,
	    [BLK_FLUSH] = VIRTIO_BLK_T_FLUSH,
	    [BLK_DISCARD] = VIRTIO_BLK_T_DISCARD,
	    [BLK_ZERO] = VIRTIO_BLK_T_WRITE_ZEROES,
	};

	s->req = r;
	s->status = STATUS_NONE;
	s->reads = r->op == BLK_READ ? (uint32_t)len : 0;
	s->header.type = types[r->op];
	s->header.sector = (r->off + r->issued) / BLK_SECTOR;
}

/* All buffers of a piece into b->buf; how many. */
static unsigned
bufs_fill(struct vblk *b, struct slot *s, struct blk_req *r, uint64_t len)
{
	struct virtq_buf *v = b->buf;
	uint64_t left = len;

	*v++ = (struct virtq_buf){&s->header, sizeof(s->header)};
	if (r->op <= BLK_WRITE) {
		for (; left > 0; left -= (v++)->len)
			blk_seg(r, left, &v->p, &v->len);
	} else if (r->op != BLK_FLUSH) {
		range_fill(s, r, len);
		*v++ = (struct virtq_buf){&s->range, sizeof(s->range)};
	}
	*v++ = (struct virtq_buf){&s->status, 1};
	return (unsigned)(v - b->buf);
}

/* The current queue is full: into the next one that has room. */
static __attribute__((noinline)) int
add_elsewhere(struct vblk *b, unsigned nread, unsigned nwrite, struct slot *s)
{
	unsigned i;
	int err;

	for (i = 1; i < b->nqueues; i++) {
		b->current = (b->current + 1) % b->nqueues;
		err = virtq_add(&b->q[b->current], b->buf, nread, nwrite, s);
		if (err != -ENOSPC)
			return err;
	}
	return -EBUSY;
}

/* A piece of any kind, by all of its buffers. */
static int
add_bufs(struct vblk *b, struct slot *s, struct blk_req *r, uint64_t len)
{
	unsigned n = bufs_fill(b, s, r, len);
	unsigned nread = r->op == BLK_READ ? 1 : n - 1;
	int err = virtq_add(&b->q[b->current], b->buf, nread, n - nread, s);

	return err == -ENOSPC ? add_elsewhere(b, nread, n - nread, s) : err;
}

/* What is in several pieces, or has no data. */
static __attribute__((noinline)) int
add_slowly(struct vblk *b, struct slot *s, struct blk_req *r, uint64_t len)
{
	int err;

	if (!b->ready || r->op == BLK_COMMAND)
		return r->op == BLK_COMMAND ? -EOPNOTSUPP : -EIO;
	if (s == NULL)
		return -EBUSY;
	header_fill(s, r, len);
	err = add_bufs(b, s, r, len);
	if (err == 0)
		b->free = s->next;
	return err;
}

/* Data that lie in one piece: they alone differ from the slot's last use. */
static int
vblk_add(struct blk_chan *c, struct blk_req *r, uint64_t len)
{
	struct vblk *b = vblk_of(c);
	struct slot *s = b->free;
	void *p;
	int err;

	if (!b->tables || s == NULL || r->op > BLK_WRITE ||
	    len > r->at->len - r->skip || len > r->dev->lim.seg_bytes)
		return add_slowly(b, s, r, len);
	p = (char *)r->at->p + r->skip;
	r->skip += len;
	b->free = s->next;
	header_fill(s, r, len);
	virtq_table_move(s->table[r->op], 1, p, (uint32_t)len);
	err =
	    virtq_add_table(&b->q[0], s->table[r->op], TABLE, s->reads + 1, s);
	if (err != 0)
		b->free = s;
	return err == -ENOSPC ? -EBUSY : err;
}

/* Until all queues together have used `after`, one has used its share. */
static __attribute__((noinline)) bool
tell_several(struct vblk *b, unsigned after)
{
	unsigned i, busy = 0;
	bool some = false;

	for (i = 0; i < b->nqueues; i++) {
		virtq_kick(&b->q[i]);
		busy += b->q[i].in_flight > 0;
	}
	b->current = (b->current + 1) % b->nqueues;
	if (after == 0)
		return false;
	after = after > busy ? after / busy : 1;
	for (i = 0; i < b->nqueues; i++)
		if (b->q[i].in_flight > 0)
			some |= virtq_arm(&b->q[i], after);
	return some;
}

static bool
vblk_tell(struct blk_chan *c, unsigned after)
{
	struct vblk *b = vblk_of(c);

	if (b->nqueues > 1)
		return tell_several(b, after);
	if (after > 0)
		return virtq_kick_arm(&b->q[0], after);
	virtq_kick(&b->q[0]);
	return false;
}

/* The status is the device's word, as is how much it has written. */
static int
result(const struct slot *s, uint32_t written)
{
	uint8_t status = *(const volatile uint8_t *)&s->status;

	if (status == VIRTIO_BLK_S_OK && written > s->reads)
		return 0;
	return status == VIRTIO_BLK_S_UNSUPP ? -EOPNOTSUPP : -EIO;
}

static inline void
queue_take(struct vblk *b, struct virtq *q)
{
	uint32_t written;
	struct slot *s;

	while (q->in_flight > 0 && (s = virtq_take(q, &written)) != NULL) {
		s->next = b->free;
		b->free = s;
		blk_ended(&b->chan, s->req, result(s, written));
	}
}

static __attribute__((noinline)) void
take_several(struct vblk *b)
{
	unsigned i;

	for (i = 0; i < b->nqueues; i++)
		queue_take(b, &b->q[i]);
}

static void
vblk_take(struct blk_chan *c)
{
	struct vblk *b = vblk_of(c);

	if (b->nqueues > 1)
		take_several(b);
	else
		queue_take(b, &b->q[0]);
}

static void
vblk_fail(struct blk_chan *c)
{
	virtio_break(vblk_of(c)->vd, "no answer");
}

static const struct blk_ops vblk_ops = {
    .add = vblk_add,
    .tell = vblk_tell,
    .take = vblk_take,
    .fail = vblk_fail,
};

static void
vblk_done(struct virtq *q)
{
	blk_interrupt(q->vd->driver_data);
}

/* --- attaching --- */

#define CONFIG(vd, field) VIRTIO_CONFIG(vd, struct virtio_blk_config, field)

/* [VIRTIO] 5.2.4: in sectors of 512 bytes, whatever the block size. */
static uint64_t
capacity(struct virtio_dev *vd)
{
	uint64_t sectors = CONFIG(vd, capacity);

	return sectors > INT64_MAX / BLK_SECTOR ? INT64_MAX
						: sectors * BLK_SECTOR;
}

static void
topology_read(struct blk_limits *l, struct virtio_dev *vd)
{
	unsigned exp = (unsigned)CONFIG(vd, physical_block_exp);

	l->physical = exp <= 16 ? l->block << exp : l->block;
	l->align_off = (uint32_t)CONFIG(vd, alignment_offset) * l->block;
	l->io_min = (uint32_t)CONFIG(vd, min_io_size) * l->block;
	if (__builtin_mul_overflow(
		(uint32_t)CONFIG(vd, opt_io_size), l->block, &l->io_opt))
		l->io_opt = 0;
}

static void
erasing_read(struct blk_limits *l, struct virtio_dev *vd)
{
	if (virtio_has(vd, VIRTIO_BLK_F_DISCARD)) {
		l->discard_bytes = CONFIG(vd, max_discard_sectors) * BLK_SECTOR;
		l->discard_align =
		    CONFIG(vd, discard_sector_alignment) * BLK_SECTOR;
	}
	if (virtio_has(vd, VIRTIO_BLK_F_WRITE_ZEROES))
		l->zero_bytes =
		    CONFIG(vd, max_write_zeroes_sectors) * BLK_SECTOR;
}

/* What may be missing is read only if the device says it is there. */
static int
limits_read(const struct vblk *b, struct blk_limits *l)
{
	struct virtio_dev *vd = b->vd;
	unsigned i;

	memset(l, 0, sizeof(*l));
	l->block = l->physical = BLK_SECTOR;
	if (virtio_has(vd, VIRTIO_BLK_F_BLK_SIZE))
		l->block = (uint32_t)CONFIG(vd, blk_size);
	if (virtio_has(vd, VIRTIO_BLK_F_TOPOLOGY))
		topology_read(l, vd);
	l->read_only = virtio_has(vd, VIRTIO_BLK_F_RO);
	l->caches = virtio_has(vd, VIRTIO_BLK_F_FLUSH);
	l->piece_bytes = l->seg_bytes = BLK_PIECE_MAX;
	if (virtio_has(vd, VIRTIO_BLK_F_SIZE_MAX))
		l->seg_bytes = (uint32_t)CONFIG(vd, size_max);
	l->seg_max = 1;
	if (virtio_has(vd, VIRTIO_BLK_F_SEG_MAX))
		l->seg_max = (uint32_t)CONFIG(vd, seg_max);
	/* A ring must hold the longest chain, with its header and status. */
	for (i = 0; i < b->nqueues; i++)
		if (l->seg_max + 2ULL > b->q[i].size)
			l->seg_max = b->q[i].size > 2 ? b->q[i].size - 2 : 0;
	erasing_read(l, vd);
	return blk_limits_check(l);
}

static int
queues_init(struct vblk *b)
{
	unsigned n = 1;
	int err = 0;

	if (virtio_has(b->vd, VIRTIO_BLK_F_MQ))
		n = (unsigned)CONFIG(b->vd, num_queues);
	if (n == 0 || n > QUEUES_MAX)
		n = n == 0 ? 1 : QUEUES_MAX;
	for (b->nqueues = 0; b->nqueues < n && err == 0; b->nqueues++)
		err =
		    virtq_init(&b->q[b->nqueues], b->vd, b->nqueues, vblk_done);
	b->current = 0;
	return err;
}

/* What is the same in all requests that have their data in one piece. */
static void
tables_fill(struct vblk *b)
{
	struct virtq *q = &b->q[0];
	struct virtq_buf header, status;
	unsigned write;
	struct slot *s;

	for (s = b->slots; s < b->slots + SLOTS_MAX; s++) {
		header = (struct virtq_buf){&s->header, sizeof(s->header)};
		status = (struct virtq_buf){&s->status, 1};
		for (write = 0; write < 2; write++) {
			virtq_table_set(
			    q, s->table[write], 0, TABLE, &header, false);
			virtq_table_set(/* the data, moved by each request */
			    q, s->table[write], 1, TABLE, &header, !write);
			virtq_table_set(
			    q, s->table[write], 2, TABLE, &status, true);
		}
	}
}

static struct vblk *
vblk_make(struct virtio_dev *vd)
{
	struct vblk *b = heap_alloc(sizeof(*b));
	unsigned i;

	if (b == NULL)
		return NULL;
	b->slots = heap_alloc(SLOTS_MAX * sizeof(*b->slots));
	if (b->slots == NULL) {
		heap_free(b, sizeof(*b));
		return NULL;
	}
	for (i = 0; i < SLOTS_MAX; i++) {
		b->slots[i].next = b->free;
		b->free = &b->slots[i];
	}
	b->vd = vd;
	b->chan.ops = &vblk_ops;
	b->chan.lock.name = "virtio_blk";
	b->dev.chan = &b->chan;
	return b;
}

/* What is being restarted takes no requests. */
static void
stop(struct vblk *b)
{
	uint64_t flags = spin_lock(&b->chan.lock);

	b->ready = b->tables = false;
	spin_unlock(&b->chan.lock, flags);
}

static int
start(struct vblk *b, const struct blk_limits *l)
{
	uint64_t flags = spin_lock(&b->chan.lock);
	bool known = b->dev.lim.block != 0;
	int err = -ENXIO;

	if (!known || b->dev.lim.block == l->block) {
		b->dev.lim = *l;
		b->ready = true;
		b->tables = b->nqueues == 1 && virtq_has_tables(&b->q[0]) &&
			    b->q[0].size >= TABLE;
		/* no interrupt tells of a later one between these */
		blk_resize(&b->dev, capacity(b->vd));
		err = 0;
	}
	spin_unlock(&b->chan.lock, flags);
	return err == 0 && !known ? blk_register(&b->dev, "vd") : err;
}

/* After a restart the disk is known already, and has the same blocks. */
static int
vblk_attach(struct virtio_dev *vd)
{
	struct vblk *b = vd->driver_data;
	struct blk_limits l;
	int err;

	if (b == NULL)
		b = vd->driver_data = vblk_make(vd);
	if (b == NULL)
		return -ENOMEM;
	stop(b);
	err = virtio_negotiate(vd, FEATURES, 0);
	if (err == 0)
		err = queues_init(b);
	if (err == 0)
		err = limits_read(b, &l);
	if (err != 0)
		return err;
	tables_fill(b);
	virtio_driver_ok(vd);
	return start(b, &l);
}

/* [VIRTIO] 5.2.5.2: the capacity may have changed. */
static void
vblk_config_changed(struct virtio_dev *vd)
{
	struct vblk *b = vd->driver_data;

	blk_resize(&b->dev, capacity(vd));
}

const struct virtio_driver virtio_blk_driver = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLOCK,
    .attach = vblk_attach,
    .config_changed = vblk_config_changed,
};
