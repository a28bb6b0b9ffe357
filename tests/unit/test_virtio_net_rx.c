/* SPDX-License-Identifier: ISC */
/*
 * The network driver receives from a device that is good or lies; after each
 * test no buffer is missing.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: tests/unit/net_rig.c kernel/net.c pv/virtio/virtio.c */
/* LINK: pv/virtio/virtio_call.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_net.c */
/* LINK: pv/virtio/virtio_net_frames.c pv/virtio/virtio_net_hdr.c */
/* LINK: pv/virtio/virtio_net_ctrl.c */
#include "tests/unit/net_rig.h"

static void
test_merged(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = 3};
	struct net_buf *b;

	(void)state;
	rig_plug(0);
	rig_arrive(&h, 'm', 2000);
	rig_arrive(NULL, 'm', 2046);
	assert_null(net_take(d, 1)); /* not all of it yet */
	rig_arrive(NULL, 'm', 1);
	rig_expect('m', 4047);
	rig_arrive(&plain, 'a', 60);
	rig_arrive(&plain, 'b', 61);
	rig_arrive(&plain, 'c', 62);
	b = net_take(d, 2);
	assert_int_equal(b->data[0], 'a');
	assert_int_equal(b->next_frame->data[0], 'b');
	assert_null(b->next_frame->next_frame);
	net_free(b->next_frame);
	net_free(b);
	rig_expect('c', 62);
	assert_int_equal(d->stats.rx_frames, 4);
	assert_int_equal(d->stats.rx_bytes, 4047 + 60 + 61 + 62);
	assert_int_equal(d->stats.rx_bad, 0);
}

static void
test_chains(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = 0x7777}; /* ignored */
	unsigned out;

	(void)state;
	f->offered &= ~BIT(VIRTIO_NET_F_MRG_RXBUF);
	rig_plug(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
		 BIT(VIRTIO_RING_F_INDIRECT_DESC));
	out = rig_buffers();
	rig_arrive(&h, 'c', 65550);
	rig_arrive(&h, 'd', 14);
	rig_arrive(&h, 'e', 5000);
	rig_expect('c', 65550);
	rig_expect('d', 14);
	rig_expect('e', 5000);
	net_arm(d, 1, 0);
	assert_true(rig_buffers() <= out);
}

static void
test_short_buffers(void **state)
{
	(void)state;
	f->offered &= ~BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.mtu = 9000;
	rig_plug(0);
	rig_arrive(&plain, 'c', 9018);
	rig_expect('c', 9018);
	rig_arrive(&plain, 'd', 100);
	rig_expect('d', 100);
}

/* No header, half of one, a frame without a header of its own. */
static void
test_too_short(void **state)
{
	(void)state;
	rig_plug(0);
	rig_arrive(NULL, 'x', 0);
	rig_arrive(NULL, 'x', 11);
	rig_arrive(&plain, 'x', 0);
	rig_arrive(&plain, 'x', 13);
	rig_still_works();
	assert_int_equal(d->stats.rx_bad, 4);
}

/* The Ethernet header is torn apart. */
static void
test_torn(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = 2};

	(void)state;
	rig_plug(0);
	rig_arrive(&h, 'x', 5);
	rig_arrive(NULL, 'x', 100);
	rig_still_works();
	assert_int_equal(d->stats.rx_bad, 1);
}

static void
test_bad_headers(void **state)
{
	struct virtio_net_hdr_v1 h = plain;

	(void)state;
	rig_plug(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4));
	h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h.csum_start = 99;
	rig_arrive(&h, 'x', 100);
	h = plain;
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4; /* of size 0 */
	rig_arrive(&h, 'x', 100);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6; /* not negotiated */
	h.gso_size = 100;
	rig_arrive(&h, 'x', 100);
	rig_still_works();
	assert_int_equal(d->stats.rx_bad, 3);
}

static void
test_no_buffers(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = 0};

	(void)state;
	rig_plug(0);
	rig_arrive(&h, 'x', 100);
	rig_is_broken("a frame of 0 buffers");
}

static void
test_too_many_buffers(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = RIG_SIZE + 1};

	(void)state;
	rig_plug(0);
	rig_arrive(&h, 'x', 100);
	rig_is_broken("a frame of 65 buffers");
}

static void
test_too_long(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = RIG_SIZE};
	int i;

	(void)state;
	rig_plug(0);
	rig_arrive(&h, 'x', 2034);
	for (i = 0; i < 33; i++)
		rig_arrive(NULL, 'x', 2046);
	rig_is_broken("a frame longer than any");
}

/* The device dies in the middle of a frame. */
static void
test_half_a_frame(void **state)
{
	struct virtio_net_hdr_v1 h = {.num_buffers = 5};

	(void)state;
	rig_plug(0);
	rig_arrive(&h, 'x', 1000);
	rig_arrive(NULL, 'x', 1000);
	assert_null(net_take(d, 1));
	assert_int_equal(rig_buffers(), RIG_SIZE);
}

/* The owner holds all buffers: it is woken when it gives some back. */
static void
test_starved(void **state)
{
	struct net_buf *held[3 * RIG_SIZE], *b;
	unsigned n = 0;

	(void)state;
	rig_plug(0);
	while (rig_buffers() < d->pool->limit ||
	       n < d->pool->limit - RIG_SIZE / 2) {
		rig_arrive(&plain, 'h', 60);
		b = net_take(d, 1);
		assert_true(b != NULL && n < 3 * RIG_SIZE);
		held[n++] = b;
	}
	assert_true(d->stats.rx_starved > 0);
	nwakes = 0;
	while (n > 0)
		net_free(held[--n]);
	assert_int_equal(nwakes, 1);
	net_arm(d, 1, 0);
	assert_int_equal(rig_buffers(), RIG_SIZE);
	rig_still_works();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_merged),
	    RIG_TEST(test_chains),
	    RIG_TEST(test_short_buffers),
	    RIG_TEST(test_too_short),
	    RIG_TEST(test_torn),
	    RIG_TEST(test_bad_headers),
	    RIG_TEST(test_no_buffers),
	    RIG_TEST(test_too_many_buffers),
	    RIG_TEST(test_too_long),
	    RIG_TEST(test_half_a_frame),
	    RIG_TEST(test_starved),
	};

	return rig_run(tests, sizeof(tests) / sizeof(tests[0]));
}
