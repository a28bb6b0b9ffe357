/* SPDX-License-Identifier: ISC */
/* Disks: see blk.h. */
#include "kernel/blk.h"

#include <string.h>

/* What a single request goes through, in one piece. */
#define INLINE inline __attribute__((always_inline))

#define TRIES_MAX 5 /* of a request whose device asks for another */

/* --- pieces --- */

/* Bytes of data, of `left`, that fit in a piece: whole blocks, cut where the
 * buffers are many or the first is long. */
static uint64_t
data_len_cut(const struct blk_limits *l, const struct blk_req *r, uint64_t left)
{
	const struct blk_buf *b = r->at;
	unsigned segs = l->seg_max;
	size_t skip = r->skip, n;
	uint64_t len = 0;

	if (left > l->piece_bytes)
		left = l->piece_bytes;
	while (segs > 0 && len < left) {
		n = b->len - skip;
		if (n > l->seg_bytes)
			n = l->seg_bytes;
		len += n;
		skip += n;
		segs -= n > 0;
		if (skip == b->len) {
			b++;
			skip = 0;
		}
	}
	if (len > left)
		len = left;
	return len & ~(uint64_t)(l->block - 1);
}

/* It can be one segment. */
static INLINE bool
is_short(const struct blk_limits *l, const struct blk_req *r, uint64_t left)
{
	return left <= r->at->len - r->skip && left <= l->seg_bytes;
}

/* What is left, at most max bytes, ending where the device likes it. */
static uint64_t
range_piece_len(const struct blk_req *r, uint64_t max, uint64_t align)
{
	uint64_t left = r->len - r->issued, from = r->off + r->issued, over;

	if (left <= max)
		return left;
	over = (from + max) % align;
	return over < max ? max - over : max;
}

static uint64_t
piece_len(const struct blk_limits *l, const struct blk_req *r)
{
	uint64_t left = r->len - r->issued;

	if (r->op <= BLK_WRITE)
		return is_short(l, r, left) ? left : data_len_cut(l, r, left);
	if (r->op == BLK_DISCARD)
		return range_piece_len(r, l->discard_bytes, l->discard_align);
	if (r->op == BLK_ZERO)
		return range_piece_len(r, l->zero_bytes, l->block);
	return r->len;
}

/* --- the way of a request; the channel's lock is held in all of these --- */

static void
wait_for_room(struct blk_chan *c, struct blk_req *r)
{
	if (c->waiting == NULL)
		c->waiting_end = &c->waiting;
	r->next = NULL;
	r->waits = true;
	*c->waiting_end = r;
	c->waiting_end = &r->next;
}

static void
rewind(struct blk_req *r)
{
	r->err = 0;
	r->at = r->buf;
	r->skip = 0;
	r->issued = 0;
}

static void
batch_add(struct blk_batch *b, struct blk_req *r)
{
	if (b->first == NULL)
		b->end = &b->first;
	r->next = NULL;
	*b->end = r;
	b->end = &r->next;
	if (++b->nended == b->need)
		waitq_wake(&b->waiter, 1);
}

static void
end(struct blk_chan *c, struct blk_req *r)
{
	if (r->err == -EAGAIN) {
		if (++r->tries < TRIES_MAX) {
			rewind(r);
			wait_for_room(c, r);
			return;
		}
		r->err = -EIO;
	}
	if (r->batch != NULL) {
		batch_add(r->batch, r);
		return;
	}
	c->urgent--;
	r->ended = true;
	if (r->done != NULL)
		r->done(r);
	else if (r->sleeps)
		waitq_wake(&r->sleeper, 1);
}

void
blk_ended(struct blk_chan *c, struct blk_req *r, int err)
{
	c->in_flight--;
	r->pieces--;
	if (err != 0 && r->err == 0)
		r->err = err;
	if (r->pieces == 0 && !r->waits)
		end(c, r);
}

/* Puts the next piece of r into the queue. */
static int
piece_add(struct blk_chan *c, struct blk_req *r)
{
	uint64_t len = piece_len(&r->dev->lim, r);
	const struct blk_buf *at = r->at;
	size_t skip = r->skip;
	int err;

	if (len == 0 && r->len > 0) /* more buffers than the device takes */
		return -EINVAL;
	err = c->ops->add(c, r, len);
	if (err != 0) {
		r->at = at;
		r->skip = skip;
		return err;
	}
	r->issued += len;
	r->pieces++;
	c->in_flight++;
	c->untold = true;
	return 0;
}

/* Puts all of r into the queue; false: it is full. */
static bool
feed(struct blk_chan *c, struct blk_req *r)
{
	int err = r->err;

	while (err == 0) {
		err = piece_add(c, r);
		if (err == 0 && r->issued == r->len)
			break;
	}
	if (err == -EBUSY)
		return false;
	r->waits = false;
	if (err != 0) {
		r->err = err;
		if (r->pieces == 0)
			end(c, r);
	}
	return true;
}

/* Those that wait for room, in their order. */
static void
feed_waiting(struct blk_chan *c)
{
	struct blk_req *r;

	while ((r = c->waiting) != NULL) {
		c->waiting = r->next;
		if (!feed(c, r)) {
			c->waiting = r;
			return;
		}
	}
}

/* How many pieces may come back before somebody wants to hear of it; 0: nobody
 * does.  Batches that have what was needed leave the list. */
static unsigned
wanted(struct blk_chan *c)
{
	struct blk_batch *b, **link = &c->batches;
	unsigned n, least = 0;

	while ((b = *link) != NULL) {
		if (b->nended >= b->need) {
			*link = b->next;
			continue;
		}
		n = b->need - b->nended;
		if (least == 0 || n < least)
			least = n;
		link = &b->next;
	}
	return least;
}

/* Gives the device all it can take, tells it, and asks to be told. */
static INLINE void
run(struct blk_chan *c)
{
	unsigned after;

	for (;;) {
		if (c->waiting != NULL)
			feed_waiting(c);
		after = c->urgent > 0 ? 1 : c->batches != NULL ? wanted(c) : 0;
		if (c->in_flight == 0)
			after = 0;
		if (!c->untold && after == 0)
			return;
		c->untold = false;
		if (!c->ops->tell(c, after))
			return;
		c->ops->take(c);
	}
}

void
blk_interrupt(struct blk_chan *c)
{
	uint64_t flags = spin_lock(&c->lock);

	c->ops->take(c);
	run(c);
	spin_unlock(&c->lock, flags);
}

/* --- for users --- */

/* Requests that change something, or not by data. */
static int
check_op(const struct blk_dev *d, const struct blk_req *r)
{
	if (r->op > BLK_READ && r->op < BLK_COMMAND && r->op != BLK_FLUSH &&
	    d->lim.read_only)
		return -EROFS;
	if ((r->op == BLK_DISCARD && d->lim.discard_bytes == 0) ||
	    (r->op == BLK_ZERO && d->lim.zero_bytes == 0))
		return -EOPNOTSUPP;
	return 0;
}

static INLINE int
check(const struct blk_dev *d, const struct blk_req *r)
{
	uint64_t bytes = blk_bytes(d);
	int err = r->op == BLK_READ ? 0 : check_op(d, r);

	if (err != 0 || r->op == BLK_FLUSH || r->op == BLK_COMMAND)
		return err;
	if (((r->off | r->len) & (d->lim.block - 1)) != 0 || r->off > bytes ||
	    r->len > bytes - r->off)
		return -EINVAL;
	return 0;
}

/* There is nothing to do for the device. */
static bool
is_empty(const struct blk_dev *d, const struct blk_req *r)
{
	if (r->op == BLK_FLUSH)
		return !d->lim.caches;
	return r->len == 0 && r->op != BLK_COMMAND;
}

/* What is no short read or write, or finds no room. */
static __attribute__((noinline)) void
submit_slowly(struct blk_chan *c, struct blk_req *r, int err)
{
	rewind(r);
	if (err != 0 || is_empty(r->dev, r)) {
		r->waits = false;
		r->err = err;
		end(c, r);
		return;
	}
	if (c->waiting != NULL || !feed(c, r))
		wait_for_room(c, r);
}

static INLINE void
submit(struct blk_dev *d, struct blk_req *r)
{
	struct blk_chan *c = d->chan;
	int err = check(d, r);

	r->dev = d;
	r->pieces = 0;
	r->tries = 0;
	r->waits = true;
	r->ended = false;
	r->sleeps = false;
	c->urgent += r->batch == NULL;
	rewind(r);
	if (err == 0 && c->waiting == NULL && r->op <= BLK_WRITE &&
	    r->len > 0 && is_short(&d->lim, r, r->len) &&
	    c->ops->add(c, r, r->len) == 0) {
		r->issued = r->len;
		r->pieces = 1;
		r->waits = false;
		c->in_flight++;
		c->untold = true;
		return;
	}
	submit_slowly(c, r, err);
}

void
blk_submit(struct blk_dev *d, struct blk_req *list)
{
	uint64_t flags = spin_lock(&d->chan->lock);
	struct blk_req *r, *next;

	for (r = list; r != NULL; r = next) {
		next = r->next;
		submit(d, r);
	}
	run(d->chan);
	spin_unlock(&d->chan->lock, flags);
}

void
blk_poll(struct blk_dev *d)
{
	blk_interrupt(d->chan);
}

static void
batch_leave(struct blk_chan *c, struct blk_batch *b)
{
	struct blk_batch **link = &c->batches;

	while (*link != NULL && *link != b)
		link = &(*link)->next;
	if (*link == b)
		*link = b->next;
	b->need = 0;
}

/* Runs the channel with b among those waited for, then sleeps. */
static int
wait_under_lock(
    struct blk_chan *c, struct blk_batch *b, unsigned n, uint64_t deadline_ns)
{
	int err = 0;

	b->need = n;
	b->next = c->batches;
	c->batches = b;
	run(c);
	while (b->nended < n && err == 0)
		err = waitq_sleep(&b->waiter, &c->lock, deadline_ns);
	batch_leave(c, b);
	return b->nended >= n ? 0 : err;
}

int
blk_wait(
    struct blk_dev *d, struct blk_batch *b, unsigned n, uint64_t deadline_ns)
{
	struct blk_chan *c = d->chan;
	uint64_t flags = spin_lock(&c->lock);
	int err = 0;

	if (b->need != 0) {
		err = -EBUSY;
	} else if (b->nended < n) {
		c->ops->take(c);
		err = wait_under_lock(c, b, n, deadline_ns);
	}
	spin_unlock(&c->lock, flags);
	return err;
}

struct blk_req *
blk_take(struct blk_dev *d, struct blk_batch *b)
{
	uint64_t flags = spin_lock(&d->chan->lock);
	struct blk_req *r = b->first;

	if (r != NULL) {
		b->first = r->next;
		b->nended--;
	}
	spin_unlock(&d->chan->lock, flags);
	return r;
}

/* True if the thread was interrupted meanwhile. */
static bool
sleep_until_ended(struct blk_chan *c, struct blk_req *r, uint64_t deadline_ns)
{
	bool interrupted = false;
	int err;

	r->sleeper = (struct waitq){NULL, NULL};
	r->sleeps = true;
	while (!r->ended) {
		err = waitq_sleep(&r->sleeper, &c->lock, deadline_ns);
		if (err == -EINTR) {
			interrupted = true;
		} else if (err == -ETIMEDOUT) {
			c->ops->fail(c);
			c->ops->take(c);
			deadline_ns = NS_NEVER;
		}
	}
	return interrupted;
}

/* Mostly nobody else can run, and the next interrupt is ours. */
static INLINE int
do_request(struct blk_dev *d, struct blk_req *r, uint64_t deadline_ns)
{
	struct blk_chan *c = d->chan;
	uint64_t flags = spin_lock(&c->lock);
	bool interrupted = false;

	r->batch = NULL;
	r->done = NULL;
	submit(d, r);
	run(c);
	while (!r->ended && deadline_ns == NS_NEVER && thread_halt(&c->lock))
		;
	if (!r->ended)
		interrupted = sleep_until_ended(c, r, deadline_ns);
	spin_unlock(&c->lock, flags);
	if (interrupted)
		thread_interrupt(thread_current());
	return r->err;
}

int
blk_do(struct blk_dev *d, struct blk_req *r, uint64_t deadline_ns)
{
	return do_request(d, r, deadline_ns);
}

int
blk_rw(struct blk_dev *d, enum blk_op op, uint64_t off, void *p, uint64_t len)
{
	struct blk_buf buf = {p, len};
	struct blk_req r;

	r.off = off;
	r.len = len;
	r.buf = &buf;
	r.op = (uint8_t)op;
	r.may_free = false;
	return do_request(d, &r, NS_NEVER);
}
