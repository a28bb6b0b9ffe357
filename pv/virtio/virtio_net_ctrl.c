/* SPDX-License-Identifier: ISC */
/*
 * The control queue of a network card: which frames it lets through, its
 * address, offloads and queue pairs.  [VIRTIO] 5.1.6.5.  What an owner has set
 * is remembered and set again if the device is restarted.
 */
#include <string.h>

#include "pv/virtio/virtio_net.h"

#define ANSWER_NS (3 * NS_PER_S)

_Static_assert(sizeof(struct virtio_net_ctrl_hdr) == 2, "[VIRTIO] 5.1.6.5");
_Static_assert(
    offsetof(struct virtio_net_ctrl_mac, macs) == 4, "[VIRTIO] 5.1.6.5.2");

/* One command with up to two buffers of data; ctrl_lock is held. */
static int
command(struct vnet *v, uint8_t class, uint8_t cmd, const void *p, uint32_t len,
    const void *p2, uint32_t len2)
{
	struct virtio_net_ctrl_hdr head = {class, cmd};
	virtio_net_ctrl_ack ack = VIRTIO_NET_ERR;
	struct virtq_buf buf[4] = {{&head, sizeof(head)}};
	unsigned n = 1;
	uint32_t written;
	int err;

	if (!virtio_has(v->vd, VIRTIO_NET_F_CTRL_VQ))
		return -ENOTSUP;
	if (len > 0)
		buf[n++] = (struct virtq_buf){(void *)p, len};
	if (len2 > 0)
		buf[n++] = (struct virtq_buf){(void *)p2, len2};
	buf[n] = (struct virtq_buf){&ack, sizeof(ack)};
	err =
	    virtio_call(&v->ctrl, buf, n, 1, clock_ns() + ANSWER_NS, &written);
	if (err != 0)
		return err;
	return written == sizeof(ack) && ack == VIRTIO_NET_OK ? 0 : -ENOTSUP;
}

/* The queue is rebuilt under this lock if the device restarts. */
static int
ctrl_enter(struct vnet *v)
{
	once_enter(&v->ctrl_lock);
	if (v->live && !v->vd->broken)
		return 0;
	once_leave(&v->ctrl_lock, false);
	return -EIO;
}

static void
ctrl_leave(struct vnet *v)
{
	once_leave(&v->ctrl_lock, false);
}

static int
rx_mode(struct vnet *v, uint8_t cmd, bool on)
{
	uint8_t value = on;

	return command(
	    v, VIRTIO_NET_CTRL_RX, cmd, &value, sizeof(value), NULL, 0);
}

/* An empty table of unicast addresses, and ours of multicast ones. */
static int
mac_table(struct vnet *v)
{
	uint32_t none = 0, n = v->filter.nmulticast;
	uint8_t table[sizeof(n) + sizeof(v->multicast)];

	memcpy(table, &n, sizeof(n));
	memcpy(table + sizeof(n), v->multicast, n * NET_MAC_LEN);
	return command(v, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET,
	    &none, sizeof(none), table,
	    (uint32_t)(sizeof(n) + n * NET_MAC_LEN));
}

static int
filter_tell(struct vnet *v)
{
	int err = mac_table(v);

	if (err == 0)
		err = rx_mode(
		    v, VIRTIO_NET_CTRL_RX_ALLMULTI, v->filter.all_multicast);
	if (err == 0)
		err = rx_mode(
		    v, VIRTIO_NET_CTRL_RX_PROMISC, v->filter.promiscuous);
	return err;
}

int
vnet_filter(struct net_dev *d, const struct net_filter *f)
{
	struct vnet *v = vnet_of(d);
	int err = ctrl_enter(v);

	if (err != 0)
		return err;
	v->filter = *f;
	if (f->nmulticast > 0)
		memcpy(v->multicast, f->multicast, f->nmulticast * NET_MAC_LEN);
	v->filtered = true;
	err = filter_tell(v);
	ctrl_leave(v);
	return err;
}

static int
mac_tell(struct vnet *v, const uint8_t *mac)
{
	return command(v, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
	    mac, NET_MAC_LEN, NULL, 0);
}

int
vnet_set_mac(struct net_dev *d, const uint8_t *mac)
{
	struct vnet *v = vnet_of(d);
	uint8_t copy[NET_MAC_LEN];
	int err = ctrl_enter(v);

	if (err != 0)
		return err;
	memcpy(copy, mac, sizeof(copy));
	err = mac_tell(v, copy);
	v->mac_set |= err == 0;
	ctrl_leave(v);
	return err;
}

static int
offloads_tell(struct vnet *v)
{
	uint64_t which = v->vd->features & vnet_receive_features(v->offloads);

	return command(v, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
	    VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &which, sizeof(which), NULL, 0);
}

/* [VIRTIO] 5.1.6.5.6.2: what is cut needs partial checksums. */
int
vnet_receive_offloads(struct net_dev *d, unsigned which)
{
	struct vnet *v = vnet_of(d);
	int err = ctrl_enter(v);

	if (err != 0)
		return err;
	v->offloads = which & NET_RX_CSUM ? which : 0;
	v->offloads_set = true;
	err = offloads_tell(v);
	ctrl_leave(v);
	return err;
}

int
vnet_set_pairs(struct vnet *v, unsigned npairs)
{
	struct virtio_net_ctrl_mq mq = {(uint16_t)npairs};

	return command(v, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
	    &mq, sizeof(mq), NULL, 0);
}

/* What the device refuses now was its own wish. */
void
vnet_restore(struct vnet *v)
{
	if (v->filtered)
		filter_tell(v);
	if (v->mac_set)
		mac_tell(v, v->dev.mac);
	if (v->offloads_set)
		offloads_tell(v);
}

int
vnet_announced(struct vnet *v)
{
	int err = ctrl_enter(v);

	if (err != 0)
		return err;
	err = command(v, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK,
	    NULL, 0, NULL, 0);
	ctrl_leave(v);
	return err;
}
