/* SPDX-License-Identifier: ISC */
/*
 * Frames through the queues of a network card.  [VIRTIO] 5.1.6.  Received ones
 * are put together from the buffers that the device filled, sent ones go into
 * the queue as they are, behind the header that struct net_tx has room for.
 */
#include <string.h>

#include "pv/virtio/virtio_net.h"

_Static_assert(
    VNET_CHAIN_MAX *VNET_USABLE >= VNET_LEN_MAX + VNET_HEADER, "too short");

/* --- offering buffers; all with the lock held --- */

static unsigned
list_to_bufs(struct net_buf *b, struct virtq_buf *buf)
{
	unsigned n = 0;

	for (; b != NULL; b = b->next) {
		b->data += VNET_PAD;
		b->len -= VNET_PAD;
		buf[n++] = (struct virtq_buf){b->data, b->len};
	}
	return n;
}

void
vnet_offer(struct vnet *v, struct vnet_pair *p)
{
	struct virtq_buf buf[VNET_CHAIN_MAX];
	struct net_buf *b;
	unsigned n;

	if (p->rx.in_flight > v->posted - v->posted / 4)
		return; /* not a few at a time */
	while (p->rx.in_flight < v->posted) {
		b = net_pool_take(&v->pool, v->chain);
		if (b == NULL) {
			v->dev.stats.rx_starved++;
			break;
		}
		n = list_to_bufs(b, buf);
		if (virtq_add(&p->rx, buf, 0, n, b) != 0) {
			net_pool_give(b);
			break;
		}
	}
	virtq_kick(&p->rx);
}

/* --- receiving; likewise --- */

static void
frame_drop(struct vnet *v, struct vnet_pair *p)
{
	if (p->frame != NULL)
		net_pool_give(p->frame);
	if (p->frame != NULL || p->missing > 0)
		v->dev.stats.rx_bad++;
	p->frame = NULL;
	p->missing = 0;
}

/* The first buffer of a frame: the header goes off its front.  It is copied,
 * for the device may go on writing it. */
static int
frame_begin(
    struct vnet *v, struct vnet_pair *p, struct net_buf *b, uint32_t written)
{
	p->frame = NULL;
	p->frame_end = &p->frame;
	p->total = 0;
	p->missing = 1;
	if (written < VNET_HEADER || b->len < VNET_HEADER)
		return -EINVAL;
	memcpy(&p->header, b->data, VNET_HEADER);
	b->data += VNET_HEADER;
	b->len -= VNET_HEADER;
	if (!virtio_has(v->vd, VIRTIO_NET_F_MRG_RXBUF))
		return 0;
	p->missing = p->header.num_buffers;
	if (p->missing == 0 || p->missing > p->rx.size) {
		virtio_break(v->vd, "a frame of %u buffers", p->missing);
		return -EIO;
	}
	return 0;
}

/* Cuts the list off behind `written` bytes. */
static void
trim(struct net_buf *b, uint32_t written)
{
	for (; b->len < written; b = b->next)
		written -= b->len;
	b->len = written;
	if (b->next != NULL)
		net_pool_give(b->next);
	b->next = NULL;
}

/* What the device wrote into one chain; 1: that ends a frame. */
static int
frame_add(
    struct vnet *v, struct vnet_pair *p, struct net_buf *b, uint32_t written)
{
	int err;

	trim(b, written);
	if (p->missing == 0) {
		err = frame_begin(v, p, b, written);
		if (err != 0) {
			net_pool_give(b);
			return err;
		}
		written -= VNET_HEADER;
	}
	*p->frame_end = b;
	while (b->next != NULL)
		b = b->next;
	p->frame_end = &b->next;
	p->total += written;
	if (p->total > VNET_LEN_MAX) {
		virtio_break(v->vd, "a frame longer than any");
		return -EIO;
	}
	return --p->missing == 0;
}

static bool
frame_ok(const struct vnet *v, struct vnet_pair *p)
{
	struct net_buf *b = p->frame;

	b->total = p->total;
	return b->len >= NET_HEADER_LEN &&
	       vnet_header_read(
		   &p->header, b->total, v->dev.can, &b->offload) == 0;
}

/* The next whole frame, or NULL. */
static struct net_buf *
frame_next(struct vnet *v, struct vnet_pair *p)
{
	struct net_buf *b;
	uint32_t written;
	int ended;

	while ((b = virtq_take(&p->rx, &written)) != NULL) {
		if (v->vd->broken) {
			net_pool_give(b);
			continue;
		}
		ended = frame_add(v, p, b, written);
		if (ended == 0)
			continue;
		if (ended < 0 || !frame_ok(v, p)) {
			frame_drop(v, p);
			continue;
		}
		b = p->frame;
		p->frame = NULL;
		v->dev.stats.rx_frames++;
		v->dev.stats.rx_bytes += b->total;
		return b;
	}
	if (v->vd->broken)
		frame_drop(v, p);
	return NULL;
}

struct net_buf *
vnet_take(struct net_dev *d, unsigned max)
{
	struct vnet *v = vnet_of(d);
	struct net_buf *first = NULL, **end = &first, *b;
	uint64_t flags = spin_lock(&v->lock);
	struct vnet_pair *p;
	unsigned i;

	for (i = 0; v->live && i < v->npairs; i++) {
		p = &v->pair[(v->turn + i) % v->npairs];
		while (max > 0 && (b = frame_next(v, p)) != NULL) {
			*end = b;
			end = &b->next_frame;
			max--;
		}
		vnet_offer(v, p);
	}
	v->turn++;
	spin_unlock(&v->lock, flags);
	return first;
}

/* --- sending --- */

/* The chain: header and pieces.  Bytes of the frame, or -errno. */
static int64_t
tx_bufs(const struct net_dev *d, struct net_tx *t, struct virtq_buf *buf)
{
	uint64_t len = 0;
	unsigned i;

	if (t->npieces > d->npieces)
		return -EMSGSIZE;
	buf[0] = (struct virtq_buf){t->header, VNET_HEADER};
	for (i = 0; i < t->npieces; i++) {
		if (t->piece[i].len == 0)
			return -EINVAL;
		buf[1 + i] =
		    (struct virtq_buf){(void *)t->piece[i].p, t->piece[i].len};
		len += t->piece[i].len;
	}
	if (len < NET_HEADER_LEN)
		return -EINVAL;
	return len > VNET_LEN_MAX ? -EMSGSIZE : (int64_t)len;
}

int
vnet_send(struct net_dev *d, struct net_tx *t)
{
	struct virtq_buf buf[1 + NET_PIECES_MAX];
	struct vnet *v = vnet_of(d);
	int64_t len = tx_bufs(d, t, buf);
	struct virtio_net_hdr_v1 h;
	uint64_t flags;
	int err;

	if (len < 0)
		return (int)len;
	err = vnet_header_fill(&h, &t->offload, (uint32_t)len, d->can);
	if (err != 0)
		return err;
	memcpy(t->header, &h, sizeof(h));
	flags = spin_lock(&v->lock);
	if (!v->live || v->vd->broken)
		err = -EIO;
	else if (!d->link_up)
		err = -ENETDOWN;
	else
		err = virtq_add(&v->pair[t->flow % v->npairs].tx, buf,
		    1 + t->npieces, 0, t);
	if (err == 0) {
		d->stats.tx_frames++;
		d->stats.tx_bytes += (uint64_t)len;
	}
	spin_unlock(&v->lock, flags);
	return err;
}

void
vnet_kick(struct net_dev *d)
{
	struct vnet *v = vnet_of(d);
	uint64_t flags = spin_lock(&v->lock);
	unsigned i;

	for (i = 0; v->live && i < v->npairs; i++)
		virtq_kick(&v->pair[i].tx);
	spin_unlock(&v->lock, flags);
}

/* Under the lock: adds what came back to the list that ends at *end. */
static void
reap_pair(const struct vnet *v, struct vnet_pair *p, struct net_tx **end)
{
	struct net_tx *t;
	uint32_t written;

	while ((t = virtq_take(&p->tx, &written)) != NULL) {
		t->err = v->vd->broken ? -EIO : 0;
		t->next = NULL;
		*end = t;
		end = &t->next;
	}
}

static struct net_tx **
list_end(struct net_tx **end)
{
	while (*end != NULL)
		end = &(*end)->next;
	return end;
}

struct net_tx *
vnet_reap(struct net_dev *d)
{
	struct vnet *v = vnet_of(d);
	uint64_t flags = spin_lock(&v->lock);
	struct net_tx *list = v->lost;
	unsigned i;

	v->lost = NULL;
	for (i = 0; v->live && i < v->npairs; i++)
		reap_pair(v, &v->pair[i], list_end(&list));
	spin_unlock(&v->lock, flags);
	return list;
}

/* --- waiting, and the end --- */

bool
vnet_arm(struct net_dev *d, unsigned nframes, unsigned nsent)
{
	struct vnet *v = vnet_of(d);
	uint64_t flags = spin_lock(&v->lock);
	bool more = v->lost != NULL;
	struct vnet_pair *p;
	unsigned i;

	for (i = 0; v->live && i < v->npairs; i++) {
		p = &v->pair[i];
		vnet_offer(v, p);
		if (nframes > 0)
			more |= virtq_arm(&p->rx, nframes);
		if (nsent > 0 && p->tx.in_flight > 0)
			more |= virtq_arm(&p->tx, nsent);
	}
	spin_unlock(&v->lock, flags);
	return more;
}

void
vnet_drain(struct vnet *v)
{
	uint64_t flags = spin_lock(&v->lock);
	struct net_buf *b;
	unsigned i;

	for (i = 0; v->live && i < v->npairs; i++) {
		while ((b = frame_next(v, &v->pair[i])) != NULL)
			net_pool_give(b);
		frame_drop(v, &v->pair[i]);
		reap_pair(v, &v->pair[i], list_end(&v->lost));
	}
	v->live = false;
	spin_unlock(&v->lock, flags);
}
