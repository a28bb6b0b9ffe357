/* SPDX-License-Identifier: ISC */
/*
 * The header of a frame, both ways, and the features that it depends on.
 * [VIRTIO] 5.1.6.  Of hdr_len of received frames nothing is believed
 * (5.1.6.4.2).
 */
#include "pv/virtio/virtio_net.h"

_Static_assert(sizeof(struct virtio_net_hdr_v1) == 12, "[VIRTIO] 5.1.6");
_Static_assert(
    offsetof(struct virtio_net_hdr_v1, num_buffers) == 10, "[VIRTIO] 5.1.6");
_Static_assert(
    sizeof(struct virtio_net_hdr_v1) <= sizeof(((struct net_tx *)0)->header),
    "struct net_tx keeps the header");

static const struct {
	uint8_t feature;
	unsigned can;
} offloads[] = {
    {VIRTIO_NET_F_CSUM, NET_TX_CSUM},
    {VIRTIO_NET_F_HOST_TSO4, NET_TX_TSO4},
    {VIRTIO_NET_F_HOST_TSO6, NET_TX_TSO6},
    {VIRTIO_NET_F_HOST_ECN, NET_TX_ECN},
    {VIRTIO_NET_F_HOST_UFO, NET_TX_UFO},
    {VIRTIO_NET_F_HOST_USO, NET_TX_USO},
    {VIRTIO_NET_F_GUEST_CSUM, NET_RX_CSUM},
    {VIRTIO_NET_F_GUEST_TSO4, NET_RX_TSO4},
    {VIRTIO_NET_F_GUEST_TSO6, NET_RX_TSO6},
    {VIRTIO_NET_F_GUEST_ECN, NET_RX_ECN},
    {VIRTIO_NET_F_GUEST_UFO, NET_RX_UFO},
    {VIRTIO_NET_F_GUEST_USO4, NET_RX_USO},
    {VIRTIO_NET_F_GUEST_USO6, NET_RX_USO},
    {VIRTIO_NET_F_CTRL_RX, NET_FILTER},
    {VIRTIO_NET_F_CTRL_MAC_ADDR, NET_SET_MAC},
    {VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, NET_SWITCH},
};

static const struct gso {
	uint8_t gso, type;
	bool tcp;
	unsigned send, receive; /* what it takes */
} kinds[] = {
    {NET_GSO_TCP4, VIRTIO_NET_HDR_GSO_TCPV4, true, NET_TX_TSO4, NET_RX_TSO4},
    {NET_GSO_TCP6, VIRTIO_NET_HDR_GSO_TCPV6, true, NET_TX_TSO6, NET_RX_TSO6},
    {NET_GSO_UFO, VIRTIO_NET_HDR_GSO_UDP, false, NET_TX_UFO, NET_RX_UFO},
    {NET_GSO_USO, VIRTIO_NET_HDR_GSO_UDP_L4, false, NET_TX_USO, NET_RX_USO},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

unsigned
vnet_can(uint64_t features)
{
	unsigned can = 0, i;

	for (i = 0; i < COUNT(offloads); i++)
		if (features & VIRTIO_BIT(offloads[i].feature))
			can |= offloads[i].can;
	return can;
}

uint64_t
vnet_receive_features(unsigned can)
{
	uint64_t features = 0;
	unsigned i;

	for (i = 0; i < COUNT(offloads); i++)
		if (offloads[i].can & can & NET_RX_ALL)
			features |= VIRTIO_BIT(offloads[i].feature);
	return features;
}

/* The sum's two bytes lie within the frame, behind the Ethernet header. */
static bool
csum_fits(unsigned start, unsigned offset, uint32_t len)
{
	return start >= NET_HEADER_LEN && start + offset + 2 <= len;
}

static const struct gso *
kind_of_gso(uint8_t gso)
{
	unsigned i;

	for (i = 0; i < COUNT(kinds); i++)
		if (kinds[i].gso == gso)
			return &kinds[i];
	return NULL;
}

static const struct gso *
kind_of_type(uint8_t type)
{
	unsigned i;

	for (i = 0; i < COUNT(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/* [VIRTIO] 5.1.6.2.1: what is to be cut has a partial checksum. */
static int
fill_gso(struct virtio_net_hdr_v1 *h, const struct net_offload *o, uint32_t len,
    unsigned can)
{
	const struct gso *g = kind_of_gso(o->gso);

	if (g == NULL || !(can & g->send) || o->gso_size == 0)
		return -EINVAL;
	if (o->csum != NET_CSUM_PARTIAL || o->header_len > len)
		return -EINVAL;
	if (o->ecn && !(g->tcp && (can & NET_TX_ECN)))
		return -EINVAL;
	h->gso_type = g->type | (o->ecn ? VIRTIO_NET_HDR_GSO_ECN : 0);
	h->gso_size = o->gso_size;
	h->hdr_len = o->header_len;
	return 0;
}

int
vnet_header_fill(struct virtio_net_hdr_v1 *h, const struct net_offload *o,
    uint32_t len, unsigned can)
{
	*h = (struct virtio_net_hdr_v1){0};
	if (o->csum == NET_CSUM_PARTIAL) {
		if (!(can & NET_TX_CSUM) ||
		    !csum_fits(o->csum_start, o->csum_offset, len))
			return -EINVAL;
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = o->csum_start;
		h->csum_offset = o->csum_offset;
	} else if (o->csum != NET_CSUM_NONE) {
		return -EINVAL;
	}
	return o->gso == NET_GSO_NONE ? 0 : fill_gso(h, o, len, can);
}

static int
read_gso(const struct virtio_net_hdr_v1 *h, unsigned can, struct net_offload *o)
{
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	const struct gso *g = kind_of_type(type);

	o->ecn = h->gso_type & VIRTIO_NET_HDR_GSO_ECN;
	if (g == NULL || !(can & g->receive) || h->gso_size == 0)
		return -EINVAL;
	if (o->ecn && !(g->tcp && (can & NET_RX_ECN)))
		return -EINVAL;
	o->gso = g->gso;
	o->gso_size = h->gso_size;
	return 0;
}

/* Without VIRTIO_NET_F_GUEST_CSUM flags are ignored, [VIRTIO] 5.1.6.4.2; so is
 * DATA_VALID beside NEEDS_CSUM. */
int
vnet_header_read(const struct virtio_net_hdr_v1 *h, uint32_t len, unsigned can,
    struct net_offload *o)
{
	uint8_t flags = can & NET_RX_CSUM ? h->flags : 0;

	*o = (struct net_offload){0};
	if (flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (!csum_fits(h->csum_start, h->csum_offset, len))
			return -EINVAL;
		o->csum = NET_CSUM_PARTIAL;
		o->csum_start = h->csum_start;
		o->csum_offset = h->csum_offset;
	} else if (flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		o->csum = NET_CSUM_VALID;
	}
	return h->gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : read_gso(h, can, o);
}
