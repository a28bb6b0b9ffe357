/* SPDX-License-Identifier: ISC */
/*
 * What the files of the network driver share.  [VIRTIO] 5.1.  virtio_net.c sets
 * up, virtio_net_frames.c moves frames, virtio_net_hdr.c knows the header in
 * front of each, virtio_net_ctrl.c the control queue.
 */
#ifndef PV_VIRTIO_VIRTIO_NET_H
#define PV_VIRTIO_VIRTIO_NET_H

#define VIRTIO_NET_NO_LEGACY
#include <linux/virtio_net.h>

#include "kernel/net.h"
#include "kernel/once.h"
#include "pv/virtio/virtio.h"

#ifndef VIRTIO_NET_F_HOST_USO /* [VIRTIO] 5.1.3; newer than the headers */
#define VIRTIO_NET_F_GUEST_USO4   54
#define VIRTIO_NET_F_GUEST_USO6   55
#define VIRTIO_NET_F_HOST_USO     56
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define VNET_HEADER    sizeof(struct virtio_net_hdr_v1)
#define VNET_PAIRS_MAX 4U
#define VNET_LEN_MAX   (NET_FRAME_MAX + 4) /* with a VLAN tag */

#define VNET_BUFFER    2048U
#define VNET_PAD       2U /* before a header of 12 bytes: aligns IP's */
#define VNET_USABLE    (VNET_BUFFER - VNET_PAD)
#define VNET_CHAIN_MAX 34U /* buffers that hold VNET_LEN_MAX */

struct vnet_pair {
	struct virtq rx, tx;
	/* The frame whose buffers have not all come: */
	struct net_buf *frame, **frame_end;
	unsigned missing; /* so many; 0: there is none */
	struct virtio_net_hdr_v1 header;
	uint32_t total;
};

struct vnet {
	struct net_dev dev;
	struct virtio_dev *vd;
	struct spinlock lock; /* guards rings and frames */
	bool live;            /* they may be used */
	unsigned npairs;
	struct vnet_pair pair[VNET_PAIRS_MAX];
	unsigned turn;   /* the pair that is asked first */
	unsigned chain;  /* buffers that are offered as one */
	unsigned posted; /* such that are offered in each pair */
	struct net_pool pool;
	struct net_tx *lost; /* by a restart: to be reaped */
	struct work status_work;
	/* virtio_net_ctrl.c's: */
	struct virtio_calls ctrl;
	struct once ctrl_lock;
	struct net_filter filter; /* to be set again after a restart */
	uint8_t multicast[NET_MULTICAST_MAX * NET_MAC_LEN];
	bool filtered, mac_set, offloads_set;
	unsigned offloads;
};

static inline struct vnet *
vnet_of(struct net_dev *d)
{
	return CONTAINER_OF(d, struct vnet, dev);
}

/* --- virtio_net_frames.c --- */

/* ops of struct net_dev */
int vnet_send(struct net_dev *d, struct net_tx *t);
void vnet_kick(struct net_dev *d);
struct net_tx *vnet_reap(struct net_dev *d);
struct net_buf *vnet_take(struct net_dev *d, unsigned max);
bool vnet_arm(struct net_dev *d, unsigned nframes, unsigned nsent);
/* Offers buffers until so many are as should be; the lock is held. */
void vnet_offer(struct vnet *v, struct vnet_pair *p);
/* Before a restart: all that was on its way is lost. */
void vnet_drain(struct vnet *v);

/* --- virtio_net_hdr.c --- */

/* What a card of these features can do, as NET_ bits, and back. */
unsigned vnet_can(uint64_t features);
uint64_t vnet_receive_features(unsigned can);
/* For a frame of len bytes.  -EINVAL: contradicts itself, or `can`. */
int vnet_header_fill(struct virtio_net_hdr_v1 *h, const struct net_offload *o,
    uint32_t len, unsigned can);
/* The header, a copy, of a frame of len bytes without it.  -EINVAL: it is
 * nonsense, or what was not negotiated. */
int vnet_header_read(const struct virtio_net_hdr_v1 *h, uint32_t len,
    unsigned can, struct net_offload *o);

/* --- virtio_net_ctrl.c; 0, -ENOTSUP (refused), -EIO --- */

/* ops of struct net_dev */
int vnet_filter(struct net_dev *d, const struct net_filter *f);
int vnet_set_mac(struct net_dev *d, const uint8_t *mac);
int vnet_receive_offloads(struct net_dev *d, unsigned which);
/* For attach, which holds ctrl_lock. */
int vnet_set_pairs(struct vnet *v, unsigned npairs);
void vnet_restore(struct vnet *v); /* what was set before a restart */
/* The host's wish for an announcement was heard. */
int vnet_announced(struct vnet *v);

#endif
