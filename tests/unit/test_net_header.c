/* SPDX-License-Identifier: ISC */
/*
 * The header in front of each frame: what a sender may ask for, and what of the
 * host's is believed.
 */
/* LINK: pv/virtio/virtio_net_hdr.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pv/virtio/virtio_net.h"

#define ALL_TX                                                                 \
	(NET_TX_CSUM | NET_TX_TSO4 | NET_TX_TSO6 | NET_TX_ECN | NET_TX_UFO |   \
	    NET_TX_USO)

static struct virtio_net_hdr_v1 h;
static struct net_offload o;

static void
test_features(void **state)
{
	(void)state;
	assert_int_equal(vnet_can(0), 0);
	assert_int_equal(vnet_can(VIRTIO_BIT(VIRTIO_NET_F_CSUM)), NET_TX_CSUM);
	assert_int_equal(
	    vnet_can(VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6)), NET_RX_USO);
	assert_int_equal(vnet_can(UINT64_MAX),
	    ALL_TX | NET_RX_ALL | NET_FILTER | NET_SET_MAC | NET_SWITCH);
	assert_true(vnet_receive_features(NET_RX_CSUM | NET_TX_TSO4) ==
		    VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM));
	assert_true(vnet_receive_features(0) == 0);
}

static void
test_fill_checksum(void **state)
{
	(void)state;
	memset(&h, 0xff, sizeof(h));
	o = (struct net_offload){0};
	assert_int_equal(vnet_header_fill(&h, &o, 60, 0), 0);
	assert_int_equal(h.flags | h.gso_type | h.num_buffers | h.hdr_len, 0);
	o = (struct net_offload){
	    .csum = NET_CSUM_PARTIAL, .csum_start = 34, .csum_offset = 6};
	assert_int_equal(vnet_header_fill(&h, &o, 42, 0), -EINVAL);
	assert_int_equal(vnet_header_fill(&h, &o, 41, ALL_TX), -EINVAL);
	assert_int_equal(vnet_header_fill(&h, &o, 42, NET_TX_CSUM), 0);
	assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.csum_offset, 6);
	o.csum_start = 13;
	assert_int_equal(vnet_header_fill(&h, &o, 60, ALL_TX), -EINVAL);
	o.csum_start = o.csum_offset = 0xffff;
	assert_int_equal(vnet_header_fill(&h, &o, 60, ALL_TX), -EINVAL);
	o.csum = NET_CSUM_VALID;
	assert_int_equal(vnet_header_fill(&h, &o, 60, ALL_TX), -EINVAL);
}

static void
test_fill_segments(void **state)
{
	struct net_offload good = {.csum = NET_CSUM_PARTIAL,
	    .csum_start = 34,
	    .csum_offset = 16,
	    .gso = NET_GSO_TCP4,
	    .gso_size = 1448,
	    .header_len = 54};
	unsigned tso = NET_TX_CSUM | NET_TX_TSO4;

	(void)state;
	assert_int_equal(vnet_header_fill(&h, &good, 9000, tso), 0);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(h.gso_size, 1448);
	assert_int_equal(h.hdr_len, 54);
	assert_int_equal(
	    vnet_header_fill(&h, &good, 9000, ALL_TX & ~NET_TX_TSO4), -EINVAL);
	o = good;
	o.csum = NET_CSUM_NONE;
	assert_int_equal(vnet_header_fill(&h, &o, 9000, ALL_TX), -EINVAL);
	o = good;
	o.gso_size = 0;
	assert_int_equal(vnet_header_fill(&h, &o, 9000, ALL_TX), -EINVAL);
	assert_int_equal(vnet_header_fill(&h, &good, 53, ALL_TX), -EINVAL);
	o = good;
	o.ecn = true;
	assert_int_equal(vnet_header_fill(&h, &o, 9000, tso), -EINVAL);
	assert_int_equal(vnet_header_fill(&h, &o, 9000, tso | NET_TX_ECN), 0);
	assert_int_equal(
	    h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	o.gso = NET_GSO_USO; /* has no ECN */
	assert_int_equal(vnet_header_fill(&h, &o, 9000, ALL_TX), -EINVAL);
	o.gso = NET_GSO_USO + 1;
	o.ecn = false;
	assert_int_equal(vnet_header_fill(&h, &o, 9000, ALL_TX), -EINVAL);
}

static void
test_read_checksum(void **state)
{
	(void)state;
	h = (struct virtio_net_hdr_v1){.flags = 0xff, .csum_start = 100};
	assert_int_equal(vnet_header_read(&h, 60, 0, &o), 0);
	assert_int_equal(o.csum, NET_CSUM_NONE); /* not negotiated */
	assert_int_equal(vnet_header_read(&h, 60, NET_RX_ALL, &o), -EINVAL);
	h.csum_start = 34;
	h.csum_offset = 24;
	assert_int_equal(vnet_header_read(&h, 60, NET_RX_CSUM, &o), 0);
	assert_int_equal(o.csum, NET_CSUM_PARTIAL);
	assert_int_equal(o.csum_start, 34);
	assert_int_equal(o.csum_offset, 24);
	h.csum_offset = 25;
	assert_int_equal(vnet_header_read(&h, 60, NET_RX_CSUM, &o), -EINVAL);
	h.csum_offset = 0xfff0; /* 34 more would be 2 in 16 bits */
	assert_int_equal(vnet_header_read(&h, 60, NET_RX_CSUM, &o), -EINVAL);
	h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_int_equal(vnet_header_read(&h, 60, NET_RX_CSUM, &o), 0);
	assert_int_equal(o.csum, NET_CSUM_VALID);
	assert_int_equal(o.csum_start, 0);
}

static void
test_read_segments(void **state)
{
	unsigned type, can;

	(void)state;
	h = (struct virtio_net_hdr_v1){.gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
	    .gso_size = 1428,
	    .hdr_len = 0xffff};
	assert_int_equal(vnet_header_read(&h, 9000, 0, &o), -EINVAL);
	assert_int_equal(vnet_header_read(&h, 9000, NET_RX_TSO6, &o), 0);
	assert_int_equal(o.gso, NET_GSO_TCP6);
	assert_int_equal(o.gso_size, 1428);
	assert_int_equal(o.header_len, 0); /* never believed */
	h.gso_size = 0;
	assert_int_equal(vnet_header_read(&h, 9000, NET_RX_TSO6, &o), -EINVAL);
	h.gso_size = 1;
	h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_int_equal(vnet_header_read(&h, 9000, NET_RX_TSO6, &o), -EINVAL);
	can = NET_RX_TSO6 | NET_RX_ECN;
	assert_int_equal(vnet_header_read(&h, 9000, can, &o), 0);
	assert_true(o.ecn);
	for (type = 0; type < 256; type++) {
		h.gso_type = (uint8_t)type;
		if (vnet_header_read(&h, 9000, NET_RX_ALL, &o) == 0)
			assert_true(o.gso <= NET_GSO_USO);
		else
			assert_true((type & 0x7f) > 5 || type == 0x80 ||
				    (type & 0x7f) == 2 || type > 0x82);
	}
	h.gso_type = VIRTIO_NET_HDR_GSO_ECN; /* of nothing */
	assert_int_equal(vnet_header_read(&h, 9000, NET_RX_ALL, &o), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_features),
	    cmocka_unit_test(test_fill_checksum),
	    cmocka_unit_test(test_fill_segments),
	    cmocka_unit_test(test_read_checksum),
	    cmocka_unit_test(test_read_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
