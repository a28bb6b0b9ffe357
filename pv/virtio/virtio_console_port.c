/* SPDX-License-Identifier: ISC */
/*
 * The data of a console device's port.  What is written is copied into a
 * buffer of ours; what comes stays in its buffer until it is read, and only
 * then does the device get that back.  [VIRTIO] 5.3.6.
 */
#include <string.h>

#include "pv/virtio/virtio_console.h"

#define MEM_PAGES (2 * VPORT_NBUF * VPORT_BUF_LEN / PAGE_SIZE)

static struct vport *
vport_of(struct port *p)
{
	return (struct vport *)p; /* its first member */
}

static bool
usable(const struct vport *v)
{
	return v->up && !v->con->vd->broken && v->mem != NULL;
}

/* Gives the device a buffer to fill. */
static void
rx_add(struct vport *v, uint8_t *p)
{
	struct virtq_buf buf = {p, VPORT_BUF_LEN};

	virtq_add(&v->rx, &buf, 0, 1, p);
}

static long
vport_get(struct port *p, void *to, size_t len)
{
	struct vport *v = vport_of(p);

	if (!usable(v))
		return -EIO;
	if (v->got == NULL) {
		v->got = virtq_take(&v->rx, &v->got_len);
		v->got_at = 0;
	}
	if (v->got == NULL)
		return 0;
	if (len > v->got_len - v->got_at)
		len = v->got_len - v->got_at;
	if (len > 0)
		memcpy(to, v->got + v->got_at, len);
	v->got_at += (uint32_t)len;
	if (v->got_at == v->got_len) {
		rx_add(v, v->got);
		virtq_kick(&v->rx);
		v->got = NULL;
	}
	return (long)len;
}

static bool
vport_can_get(struct port *p, bool tell)
{
	struct vport *v = vport_of(p);

	return !usable(v) || v->got != NULL || virtq_pending(&v->rx) ||
	       (tell && virtq_arm(&v->rx, 1));
}

/* Buffers that the device has sent are ours again. */
static void
tx_reclaim(struct vport *v)
{
	uint32_t written;
	uint8_t *p;

	while (v->nspare < VPORT_NBUF &&
	       (p = virtq_take(&v->tx, &written)) != NULL)
		v->spare[v->nspare++] = p;
}

static long
vport_put(struct port *p, const void *from, size_t len)
{
	struct vport *v = vport_of(p);
	struct virtq_buf buf;
	int err;

	if (!usable(v))
		return -EIO;
	tx_reclaim(v);
	if (v->nspare == 0 || len == 0)
		return 0;
	buf.p = v->spare[v->nspare - 1];
	buf.len = len < VPORT_BUF_LEN ? (uint32_t)len : VPORT_BUF_LEN;
	memcpy(buf.p, from, buf.len);
	err = virtq_add(&v->tx, &buf, 1, 0, buf.p);
	if (err != 0)
		return err == -ENOSPC ? 0 : -EIO;
	v->nspare--;
	virtq_kick(&v->tx);
	return buf.len;
}

static bool
vport_can_put(struct port *p, bool tell)
{
	struct vport *v = vport_of(p);

	if (!usable(v))
		return true;
	tx_reclaim(v);
	return (v->nspare > 0 && v->tx.in_flight < v->tx.size) ||
	       (tell && virtq_arm(&v->tx, 1));
}

static bool
vport_drained(struct port *p, bool tell)
{
	struct vport *v = vport_of(p);

	do {
		if (!usable(v))
			return true;
		tx_reclaim(v);
	} while (v->tx.in_flight > 0 && tell && virtq_arm(&v->tx, 1));
	return v->tx.in_flight == 0;
}

static void
rx_done(struct virtq *q)
{
	port_event(&CONTAINER_OF(q, struct vport, rx)->port);
}

static void
tx_done(struct virtq *q)
{
	port_event(&CONTAINER_OF(q, struct vport, tx)->port);
}

/* Under the lock: every buffer to where it is at the beginning. */
static void
buffers_begin(struct vport *v)
{
	unsigned i;

	v->got = NULL;
	v->nspare = 0;
	for (i = 0; i < VPORT_NBUF; i++) {
		rx_add(v, v->mem + i * VPORT_BUF_LEN);
		v->spare[v->nspare++] =
		    v->mem + (VPORT_NBUF + i) * VPORT_BUF_LEN;
	}
	virtq_kick(&v->rx);
}

/* Buffers last from the first time a port is opened: the device can't be made
 * to give them back. */
static int
buffers_make(struct vport *v)
{
	uint8_t *mem = v->mem != NULL ? NULL : page_alloc(MEM_PAGES);
	uint64_t flags = spin_lock(&v->port.lock);

	if (v->mem == NULL && mem != NULL) {
		v->mem = mem;
		if (v->up && !v->con->vd->broken)
			buffers_begin(v);
	}
	spin_unlock(&v->port.lock, flags);
	return v->mem == NULL ? -ENOMEM : 0;
}

/* What came for a user who has gone is not for the next. */
static void
drop_received(struct vport *v)
{
	uint64_t flags = spin_lock(&v->port.lock);
	unsigned i;

	for (i = 0; i < VPORT_NBUF && usable(v); i++) {
		vport_get(&v->port, NULL, 0);
		if (v->got != NULL)
			v->got_at = v->got_len;
	}
	if (usable(v))
		vport_get(&v->port, NULL, 0);
	spin_unlock(&v->port.lock, flags);
}

static int
vport_open(struct port *p, bool open)
{
	struct vport *v = vport_of(p);
	int err = 0;

	if (open)
		err = buffers_make(v);
	if (err == 0 && p->present)
		err = vcon_tell(v->con, p->id, VIRTIO_CONSOLE_PORT_OPEN, open);
	if (err == 0)
		v->open = open;
	if (!open)
		drop_received(v);
	return err;
}

static const struct port_ops vport_ops = {
    .put = vport_put,
    .get = vport_get,
    .can_put = vport_can_put,
    .can_get = vport_can_get,
    .drained = vport_drained,
    .open = vport_open,
};

void
vport_init(struct vport *v, struct vcon *c, unsigned unit, unsigned id)
{
	v->port.ops = &vport_ops;
	v->port.lock.name = "port";
	v->port.unit = unit;
	v->port.id = id;
	v->con = c;
}

int
vport_queues(struct vport *v, unsigned index)
{
	struct virtio_dev *vd = v->con->vd;
	int err = virtq_init(&v->rx, vd, index, rx_done);

	return err != 0 ? err : virtq_init(&v->tx, vd, index + 1, tx_done);
}

void
vport_down(struct vport *v)
{
	uint64_t flags = spin_lock(&v->port.lock);

	v->up = false;
	v->port.host_open = false;
	spin_unlock(&v->port.lock, flags);
}

void
vport_up(struct vport *v)
{
	uint64_t flags = spin_lock(&v->port.lock);

	v->up = true;
	if (v->mem != NULL)
		buffers_begin(v);
	spin_unlock(&v->port.lock, flags);
}
