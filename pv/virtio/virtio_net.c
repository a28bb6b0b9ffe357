/* SPDX-License-Identifier: ISC */
/*
 * The network card.  [VIRTIO] 5.1: pairs of queues to receive and transmit, and
 * one for control.  Buffers of 2 KiB are offered one by one if the device can
 * merge them, else in chains that hold the largest frame it may send; either
 * way a frame becomes a list of buffers (virtio_net_frames.c).  Interrupts only
 * wake; the owner's thread takes, reaps and arms.
 */
#include "pv/virtio/virtio_net.h"

#include <string.h>

#include "pv/virtio/virtio_drivers.h"

#define BUDGET     (1UL << 20) /* bytes offered, and at most 1/16 of RAM */
#define POSTED_MIN 4U

_Static_assert(offsetof(struct virtio_net_config, mtu) == 10, "[VIRTIO] 5.1.4");

#define LARGE_RX                                                               \
	(VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) |                                 \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) |                              \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_UFO) |                               \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO4) |                              \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6))

#define FEATURES                                                               \
	(LARGE_RX | VIRTIO_BIT(VIRTIO_NET_F_CSUM) |                            \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) |                              \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) |                               \
	    VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) |                               \
	    VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6) |                               \
	    VIRTIO_BIT(VIRTIO_NET_F_HOST_ECN) |                                \
	    VIRTIO_BIT(VIRTIO_NET_F_HOST_UFO) |                                \
	    VIRTIO_BIT(VIRTIO_NET_F_HOST_USO) | VIRTIO_BIT(VIRTIO_NET_F_MTU) | \
	    VIRTIO_BIT(VIRTIO_NET_F_MAC) |                                     \
	    VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) |                               \
	    VIRTIO_BIT(VIRTIO_NET_F_STATUS) |                                  \
	    VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) |                                 \
	    VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) |                                 \
	    VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |                           \
	    VIRTIO_BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |                     \
	    VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) |                          \
	    VIRTIO_BIT(VIRTIO_NET_F_MQ))

/* --- interrupts --- */

static void
link_set(struct vnet *v, bool up)
{
	if (v->dev.link_up == up)
		return;
	v->dev.link_up = up;
	v->dev.nlink++;
}

static void
vnet_done(struct virtq *q)
{
	struct vnet *v = q->vd->driver_data;

	v->dev.stats.wakes++;
	if (q->vd->broken)
		link_set(v, false);
	net_wake(&v->dev);
}

/* The configuration has changed: the link, or an announcement is wanted.  The
 * owner is told first, as [VIRTIO] 5.1.6.5.4.1 allows. */
static void
status_work(struct work *w)
{
	struct vnet *v = CONTAINER_OF(w, struct vnet, status_work);
	uint16_t status;

	if (v->vd->broken || !virtio_has(v->vd, VIRTIO_NET_F_STATUS))
		return;
	status =
	    (uint16_t)VIRTIO_CONFIG(v->vd, struct virtio_net_config, status);
	link_set(v, status & VIRTIO_NET_S_LINK_UP);
	if (status & VIRTIO_NET_S_ANNOUNCE &&
	    virtio_has(v->vd, VIRTIO_NET_F_GUEST_ANNOUNCE)) {
		v->dev.nannounce++;
		vnet_announced(v);
	}
	net_wake(&v->dev);
}

static void
net_config_changed(struct virtio_dev *vd)
{
	struct vnet *v = vd->driver_data;

	work_add(&v->status_work);
}

static void
vnet_give_up(struct net_dev *d)
{
	virtio_break(vnet_of(d)->vd, "frames are not sent");
}

static const struct net_ops vnet_ops = {
    .send = vnet_send,
    .kick = vnet_kick,
    .reap = vnet_reap,
    .take = vnet_take,
    .arm = vnet_arm,
    .give_up = vnet_give_up,
    .filter = vnet_filter,
    .set_mac = vnet_set_mac,
    .receive_offloads = vnet_receive_offloads,
};

/* --- setting up --- */

/* [VIRTIO] 5.1.3.1: a feature is not accepted without one of these. */
static const struct {
	uint8_t feature;
	uint64_t needs;
} rules[] = {
    {VIRTIO_NET_F_GUEST_TSO4, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)},
    {VIRTIO_NET_F_GUEST_TSO6, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)},
    {VIRTIO_NET_F_GUEST_UFO, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)},
    {VIRTIO_NET_F_GUEST_USO4, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)},
    {VIRTIO_NET_F_GUEST_USO6, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)},
    {VIRTIO_NET_F_GUEST_ECN, VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) |
				 VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6)},
    {VIRTIO_NET_F_HOST_TSO4, VIRTIO_BIT(VIRTIO_NET_F_CSUM)},
    {VIRTIO_NET_F_HOST_TSO6, VIRTIO_BIT(VIRTIO_NET_F_CSUM)},
    {VIRTIO_NET_F_HOST_UFO, VIRTIO_BIT(VIRTIO_NET_F_CSUM)},
    {VIRTIO_NET_F_HOST_USO, VIRTIO_BIT(VIRTIO_NET_F_CSUM)},
    {VIRTIO_NET_F_HOST_ECN, VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) |
				VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6)},
    {VIRTIO_NET_F_CTRL_RX, VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)},
    {VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)},
    {VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)},
    {VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)},
    {VIRTIO_NET_F_MQ, VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)},
};

#define CONFIG(vd, field) VIRTIO_CONFIG(vd, struct virtio_net_config, field)

static unsigned
max_pairs(struct virtio_dev *vd)
{
	return (unsigned)CONFIG(vd, max_virtqueue_pairs);
}

/* The device's MTU, or 0 if it is none; 5.1.4.2. */
static unsigned
mtu_read(struct virtio_dev *vd)
{
	unsigned mtu = (unsigned)CONFIG(vd, mtu);

	return mtu >= NET_MTU_MIN ? mtu : 0;
}

static bool
mac_read(struct virtio_dev *vd, uint8_t mac[NET_MAC_LEN])
{
	static const uint8_t zero[NET_MAC_LEN];

	return virtio_config_bytes(vd, offsetof(struct virtio_net_config, mac),
		   mac, NET_MAC_LEN) == 0 &&
	       !(mac[0] & 1) && memcmp(mac, zero, NET_MAC_LEN) != 0;
}

/* Negotiated features that cannot be, or whose values cannot. */
static uint64_t
insane_features(struct virtio_dev *vd)
{
	uint8_t mac[NET_MAC_LEN];
	uint64_t insane = 0;
	unsigned i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (virtio_has(vd, rules[i].feature) &&
		    !(vd->features & rules[i].needs))
			insane |= VIRTIO_BIT(rules[i].feature);
	if (virtio_has(vd, VIRTIO_NET_F_MTU) && mtu_read(vd) == 0)
		insane |= VIRTIO_BIT(VIRTIO_NET_F_MTU);
	if (virtio_has(vd, VIRTIO_NET_F_MAC) && !mac_read(vd, mac))
		insane |= VIRTIO_BIT(VIRTIO_NET_F_MAC);
	if (virtio_has(vd, VIRTIO_NET_F_MQ) &&
	    (max_pairs(vd) == 0 ||
		max_pairs(vd) >= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MAX))
		insane |= VIRTIO_BIT(VIRTIO_NET_F_MQ);
	return insane;
}

/* Again and again, with less each time. */
static int
negotiate(struct virtio_dev *vd)
{
	uint64_t wanted = FEATURES, insane;
	int err;

	do {
		err = virtio_negotiate(vd, wanted, 0);
		insane = err == 0 ? insane_features(vd) : 0;
		wanted &= ~insane;
	} while (insane != 0);
	return err;
}

/* [VIRTIO] 5.1.6.3.1: how large the buffers must be. */
static unsigned
chain_len(const struct vnet *v)
{
	uint32_t need = v->dev.mtu + NET_HEADER_LEN + 4 + VNET_HEADER;

	if (virtio_has(v->vd, VIRTIO_NET_F_MRG_RXBUF))
		return 1;
	if (v->vd->features & LARGE_RX)
		need = VNET_LEN_MAX + VNET_HEADER;
	return (need + VNET_USABLE - 1) / VNET_USABLE;
}

static void
settings_read(struct vnet *v)
{
	struct virtio_dev *vd = v->vd;
	struct net_dev *d = &v->dev;

	d->can = vnet_can(vd->features);
	d->mtu = virtio_has(vd, VIRTIO_NET_F_MTU) ? mtu_read(vd) : NET_MTU;
	if (d->mtu == 0) /* it has changed meanwhile */
		d->mtu = NET_MTU;
	if (!d->has_mac && virtio_has(vd, VIRTIO_NET_F_MAC))
		d->has_mac = mac_read(vd, d->mac);
	link_set(v, !virtio_has(vd, VIRTIO_NET_F_STATUS) ||
			(CONFIG(vd, status) & VIRTIO_NET_S_LINK_UP));
	v->chain = chain_len(v);
}

/* How much to offer, in view of the memory there is. */
static void
pool_size(struct vnet *v)
{
	size_t bytes = page_total() / 16;

	if (bytes > BUDGET)
		bytes = BUDGET;
	v->posted = (unsigned)(bytes / v->npairs / (v->chain * VNET_BUFFER));
	if (v->posted > v->pair[0].rx.size)
		v->posted = v->pair[0].rx.size;
	if (v->posted < POSTED_MIN)
		v->posted = POSTED_MIN;
	v->pool.limit = 2 * v->npairs * v->posted * v->chain;
}

/* [VIRTIO] 5.1.2: the control queue comes after all pairs there could be. */
static int
queues_init(struct vnet *v)
{
	bool mq = virtio_has(v->vd, VIRTIO_NET_F_MQ);
	unsigned npairs = mq ? max_pairs(v->vd) : 1, i;
	unsigned ctrl = 2 * npairs, depth = NET_PIECES_MAX;
	struct vnet_pair *p;
	int err = 0;

	if (npairs == 0) /* it has changed meanwhile */
		return -EIO;
	v->npairs = npairs < VNET_PAIRS_MAX ? npairs : VNET_PAIRS_MAX;
	for (i = 0; i < v->npairs && err == 0; i++) {
		p = &v->pair[i];
		err = virtq_init(&p->rx, v->vd, 2 * i, vnet_done);
		if (err == 0)
			err = virtq_init(&p->tx, v->vd, 2 * i + 1, vnet_done);
		if (err == 0 && p->tx.size - 1 < depth)
			depth = p->tx.size - 1;
	}
	v->dev.npieces = depth;
	if (err == 0 && virtio_has(v->vd, VIRTIO_NET_F_CTRL_VQ))
		err = virtio_calls_init(&v->ctrl, v->vd, ctrl);
	return err;
}

static struct vnet *
vnet_make(struct virtio_dev *vd)
{
	struct vnet *v = heap_alloc(sizeof(*v));

	if (v == NULL)
		return NULL;
	v->vd = vd;
	v->lock.name = "virtio_net";
	v->pool.lock.name = "net_pool";
	v->ctrl_lock.lock.name = "virtio_net ctrl";
	v->pool.dev = &v->dev;
	v->pool.len = VNET_BUFFER;
	v->status_work.fn = status_work;
	v->dev.ops = &vnet_ops;
	v->dev.pool = &v->pool;
	vd->driver_data = v; /* its queues are part of it: it stays */
	return v;
}

static int
queues_start(struct vnet *v)
{
	int err = negotiate(v->vd);

	if (err == 0) {
		settings_read(v);
		err = queues_init(v);
	}
	return err;
}

static void
go_live(struct vnet *v)
{
	uint64_t flags;
	unsigned i;

	pool_size(v);
	virtio_driver_ok(v->vd);
	if (v->npairs > 1 && vnet_set_pairs(v, v->npairs) != 0)
		v->npairs = 1;
	vnet_restore(v);
	flags = spin_lock(&v->lock);
	for (i = 0; i < v->npairs; i++)
		vnet_offer(v, &v->pair[i]);
	v->live = true;
	spin_unlock(&v->lock, flags);
	net_wake(&v->dev);
}

static int
net_attach(struct virtio_dev *vd)
{
	struct vnet *v = vd->driver_data;
	bool again = v != NULL;
	int err;

	if (!again)
		v = vnet_make(vd);
	if (v == NULL)
		return -ENOMEM;
	vnet_drain(v);
	once_enter(&v->ctrl_lock);
	err = queues_start(v);
	if (err == 0)
		go_live(v);
	once_leave(&v->ctrl_lock, false);
	if (err == 0 && !again)
		net_register(&v->dev);
	return err;
}

const struct virtio_driver virtio_net_driver = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .attach = net_attach,
    .config_changed = net_config_changed,
};
