/* SPDX-License-Identifier: ISC */
/*
 * The network driver sets up, sends, controls, and starts anew, with a device
 * that is good, stingy, or insane.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: tests/unit/net_rig.c kernel/net.c pv/virtio/virtio.c */
/* LINK: pv/virtio/virtio_call.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_net.c */
/* LINK: pv/virtio/virtio_net_frames.c pv/virtio/virtio_net_hdr.c */
/* LINK: pv/virtio/virtio_net_ctrl.c */
#include "tests/unit/net_rig.h"

/* --- setting up --- */

static void
test_set_up(void **state)
{
	(void)state;
	rig_plug(0);
	assert_memory_equal(d->mac, config.mac, 6);
	assert_int_equal(d->mtu, 1500);
	assert_true(d->link_up);
	assert_int_equal(d->can, 0);
	assert_int_equal(d->npieces, RIG_SIZE - 1);
	assert_int_equal(net_open(d, rig_wake, NULL), -EBUSY);
	assert_int_equal(rig_buffers(), RIG_SIZE);
	rig_still_works();
}

static void
test_prerequisites(void **state)
{
	(void)state;
	f->offered &= ~BIT(VIRTIO_NET_F_CTRL_VQ);
	rig_plug(BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_ECN) |
		 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) |
		 BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_RX) |
		 BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | BIT(VIRTIO_NET_F_HOST_USO) |
		 BIT(VIRTIO_NET_F_CTRL_VLAN) | BIT(VIRTIO_NET_F_RSS));
	assert_true(f->accepted ==
		    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MAC) |
			BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_MTU) |
			BIT(VIRTIO_NET_F_STATUS)));
	assert_int_equal(d->can, 0);
	rig_still_works();
}

static void
test_insane_values(void **state)
{
	(void)state;
	config.mac[0] = 0xff; /* a group's */
	config.mtu = 67;
	config.max_virtqueue_pairs = 0;
	rig_plug(BIT(VIRTIO_NET_F_MQ));
	assert_false(
	    f->accepted & (BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MTU) |
			      BIT(VIRTIO_NET_F_MQ)));
	assert_int_equal(d->mtu, 1500);
	assert_int_equal(d->mac[0] & 3, 2); /* our own invention */
	rig_still_works();
}

static void
test_pairs_too_many(void **state)
{
	(void)state;
	config.max_virtqueue_pairs = 0x8000;
	config.mtu = 65535;
	rig_plug(BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_RING_F_INDIRECT_DESC));
	assert_false(f->accepted & BIT(VIRTIO_NET_F_MQ));
	assert_int_equal(d->mtu, 65535);
	config.max_virtqueue_pairs = 0;
	rig_still_works();
}

/* It has two pairs while they are checked, and then none. */
static uint32_t
fickle_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	static unsigned nreads;

	if (off == offsetof(struct virtio_net_config, max_virtqueue_pairs))
		return ++nreads <= 2 ? 2 : 0;
	return fake_transport.config_get(vd, off, width);
}

static void
test_pairs_vanish(void **state)
{
	struct virtio_transport fickle = fake_transport;

	(void)state;
	fickle.config_get = fickle_get;
	f->vd.ops = &fickle;
	rig_plug(BIT(VIRTIO_NET_F_MQ));
	assert_null(d);
	assert_true(f->vd.broken);
	f->vd.ops = &fake_transport;
}

static void
test_pairs(void **state)
{
	(void)state;
	config.max_virtqueue_pairs = 3;
	rig_plug(BIT(VIRTIO_NET_F_MQ));
	assert_string_equal(commands, "4.0.3 ");
	assert_int_equal(rig_buffers(), 3 * RIG_SIZE);
	rig_still_works();
}

static void
test_pairs_refused(void **state)
{
	(void)state;
	config.max_virtqueue_pairs = 2;
	answer = VIRTIO_NET_ERR;
	rig_plug(BIT(VIRTIO_NET_F_MQ));
	assert_int_equal(rig_buffers(), RIG_SIZE);
	rig_still_works();
}

/* There is no control queue where it should be. */
static void
test_queue_missing(void **state)
{
	(void)state;
	f->queue[2].size_max = 0;
	rig_plug(0);
	assert_null(d);
	assert_true(f->status & VIRTIO_CONFIG_S_FAILED);
}

/* Then that many allocations succeed. */
static void
with_memory_for(long n)
{
	long before = stub_heap_blocks;
	size_t pages = stub_pages;

	stub_heap_countdown = n;
	rig_plug(0);
	stub_heap_countdown = -1;
	if (d == NULL) {
		/* queues are part of struct vnet, which stays */
		assert_true(stub_heap_blocks <= before + 1);
		assert_int_equal(stub_pages, pages);
	} else {
		net_arm(d, 1, 0);
		rig_still_works();
	}
}

static void
test_no_memory(void **state)
{
	(void)state;
	with_memory_for(0);
	assert_null(d);
}

static void
test_memory_for_a_queue(void **state)
{
	(void)state;
	with_memory_for(2);
}

static void
test_memory_for_some_buffers(void **state)
{
	(void)state;
	with_memory_for(24);
	assert_non_null(d);
}

static void
test_send(void **state)
{
	char got[64] = {0};
	struct fake_chain c;
	struct net_tx t;

	(void)state;
	rig_plug(0);
	rig_send(&t);
	assert_int_equal(fake_fetch(&f->queue[1], &c), 0);
	net_kick(d);
	assert_int_equal(fake_fetch(&f->queue[1], &c), 1);
	assert_int_equal(c.nread, 4);
	assert_int_equal(fake_read(&c, got, sizeof(got)), HEADER + 26);
	assert_string_equal(got + HEADER, RIG_LETTERS);
	net_reap(d);
	assert_int_equal(ndone, 0);
	assert_int_equal(d->sending, 1);
	assert_false(net_arm(d, 0, 1));
	fake_use(&f->queue[1], &c, 0);
	assert_true(fake_interrupt(&f->queue[1]));
	assert_int_equal(nwakes, 1);
	net_reap(d);
	assert_int_equal(ndone, 1);
	assert_int_equal(d->sending, 0);
	assert_int_equal(d->stats.tx_frames, 1);
	assert_int_equal(d->stats.tx_bytes, 26);
}

static void
test_full_then_lost(void **state)
{
	struct net_tx t[RIG_SIZE];
	unsigned n;

	(void)state;
	rig_plug(0);
	for (n = 0; n < RIG_SIZE / 4; n++)
		rig_send(&t[n]);
	t[n] = t[0];
	assert_int_equal(net_send(d, &t[n]), -ENOSPC);
	assert_int_equal(d->sending, n);
	net_kick(d);
	virtio_break(&f->vd, "lost");
	while (stub_work())
		continue;
	assert_false(d->link_up);
	assert_int_equal(net_send(d, &t[n]), -EIO);
	net_reap(d);
	assert_int_equal(nfailed, n);
	assert_int_equal(d->stats.tx_errors, n);
}

static void
test_close_waits_in_vain(void **state)
{
	struct net_tx t;

	(void)state;
	rig_plug(0);
	rig_send(&t);
	net_close(d); /* 3 s */
	assert_int_equal(nfailed, 1);
	assert_true(f->vd.broken);
	assert_int_equal(net_open(d, rig_wake, NULL), 0);
	assert_int_equal(net_send(d, &t), -EIO);
}

/* --- control and events --- */

static void
test_commands(void **state)
{
	uint8_t mac[6] = {2, 9, 9, 9, 9, 9}, group[6] = {1};
	struct net_filter filter = {false, true, 1, group};

	(void)state;
	rig_plug(BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |
		 BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |
		 BIT(VIRTIO_NET_F_GUEST_CSUM));
	assert_int_equal(net_filter(d, &filter), 0);
	assert_string_equal(commands, "1.0.0 0.1.1 0.0.0 ");
	assert_int_equal(net_set_mac(d, group), -EINVAL);
	assert_int_equal(net_set_mac(d, mac), 0);
	assert_memory_equal(d->mac, mac, 6);
	commands[0] = '\0';
	assert_int_equal(net_receive_offloads(d, NET_RX_ALL), 0);
	assert_int_equal(net_receive_offloads(d, NET_RX_TSO4), 0);
	assert_string_equal(commands, "5.0.2 5.0.0 ");
	answer = VIRTIO_NET_ERR;
	group[0] = 2;
	assert_int_equal(net_set_mac(d, group), -ENOTSUP);
	assert_memory_equal(d->mac, mac, 6);
	filter.nmulticast = NET_MULTICAST_MAX + 1;
	assert_int_equal(net_filter(d, &filter), -EINVAL);
	mute = true;
	assert_int_equal(net_set_mac(d, mac), -EIO);
	assert_true(f->vd.broken);
	assert_int_equal(net_set_mac(d, mac), -EIO);
}

static void
test_not_offered(void **state)
{
	struct net_filter filter = {0};

	(void)state;
	rig_plug(0);
	assert_int_equal(net_filter(d, &filter), -ENOTSUP);
	assert_int_equal(net_set_mac(d, config.mac), -ENOTSUP);
	assert_int_equal(net_receive_offloads(d, 0), -ENOTSUP);
	assert_string_equal(commands, "");
}

static void
status_changes(uint16_t status)
{
	config.status = status;
	memcpy(f->config, &config, sizeof(config));
	virtio_interrupt_config(&f->vd);
	while (stub_work())
		continue;
}

static void
test_link(void **state)
{
	struct net_tx t = rig_tx();

	(void)state;
	rig_plug(BIT(VIRTIO_NET_F_GUEST_ANNOUNCE));
	status_changes(0);
	assert_false(d->link_up);
	assert_int_equal(nwakes, 1);
	assert_int_equal(net_send(d, &t), -ENETDOWN);
	status_changes(1);
	assert_true(d->link_up);
	status_changes(1 | VIRTIO_NET_S_ANNOUNCE);
	assert_int_equal(d->nannounce, 1);
	assert_string_equal(commands, "3.0.0 ");
}

/* It asks for a reset: what was on its way is lost, what was set is set. */
static void
test_restart(void **state)
{
	uint8_t mac[6] = {2, 9, 9, 9, 9, 9};
	struct virtio_net_hdr_v1 h = {.num_buffers = 2};
	struct net_filter filter = {.promiscuous = true};
	static struct net_tx t; /* beyond the test */

	(void)state;
	rig_plug(BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR));
	assert_int_equal(net_set_mac(d, mac), 0);
	assert_int_equal(net_filter(d, &filter), 0);
	commands[0] = '\0';
	rig_send(&t);
	net_kick(d);
	rig_arrive(&h, 'x', 1000);
	assert_null(net_take(d, 1));
	f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&f->vd);
	while (stub_work())
		continue;
	assert_false(f->vd.broken);
	assert_true(d->link_up && d->nlink == 3);
	assert_string_equal(commands, "1.0.0 0.1.0 0.0.1 1.1.2 ");
	assert_memory_equal(d->mac, mac, 6);
	assert_true(net_arm(d, 1, 0)); /* there is something to reap */
	net_reap(d);
	assert_int_equal(nfailed, 1);
	assert_int_equal(rig_buffers(), RIG_SIZE);
	rig_still_works();
	rig_send(&t);
}

/* It never comes back. */
static void
test_restart_fails(void **state)
{
	struct net_tx t;

	(void)state;
	rig_plug(0);
	rig_send(&t);
	f->offered = 0;
	f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&f->vd);
	while (stub_work())
		continue;
	net_reap(d);
	assert_int_equal(nfailed, 1);
	assert_int_equal(rig_buffers(), 0);
	assert_int_equal(net_send(d, &t), -EIO);
	assert_false(net_arm(d, 1, 1));
	net_kick(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_set_up),
	    RIG_TEST(test_prerequisites),
	    RIG_TEST(test_insane_values),
	    RIG_TEST(test_pairs_too_many),
	    RIG_TEST(test_pairs_vanish),
	    RIG_TEST(test_pairs),
	    RIG_TEST(test_pairs_refused),
	    RIG_TEST(test_queue_missing),
	    RIG_TEST(test_no_memory),
	    RIG_TEST(test_memory_for_a_queue),
	    RIG_TEST(test_memory_for_some_buffers),
	    RIG_TEST(test_send),
	    RIG_TEST(test_full_then_lost),
	    RIG_TEST(test_close_waits_in_vain),
	    RIG_TEST(test_commands),
	    RIG_TEST(test_not_offered),
	    RIG_TEST(test_link),
	    RIG_TEST(test_restart),
	    RIG_TEST(test_restart_fails),
	};

	return rig_run(tests, sizeof(tests) / sizeof(tests[0]));
}
