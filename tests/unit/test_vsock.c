/* SPDX-License-Identifier: ISC */
/* Stream sockets to the host against a peer that is this test: connections,
 * credit, ends, and what a peer must not do. */
/* LINK: kernel/vsock.c kernel/vsock_wire.c kernel/once.c */
/* LINK: tests/unit/kernel_stub.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/vsock.h"
#include "pv/virtio/virtio_drivers.h"
#include "tests/unit/kernel_stub.h"

#define CID        3
#define HOST       2
#define PORT       5000 /* the peer's */
#define PACKETS    64
#define RCV        VIRTIO_VSOCK_SHUTDOWN_RCV
#define SEND       VIRTIO_VSOCK_SHUTDOWN_SEND
#define OP(name)   VIRTIO_VSOCK_OP_##name
#define PEER_ALLOC 1000

/* The device is this file. */
void
virtio_probe(const struct virtio_driver *drv)
{
	(void)drv;
}

/* --- the peer --- */

static struct {
	struct virtio_vsock_hdr h;
	uint8_t data[256];
} sent[PACKETS];
static unsigned nsent, ntaken, room;
static uint32_t peer_fwd;

static bool
link_send(
    struct vsock_link *l, const struct virtio_vsock_hdr *h, const void *data)
{
	(void)l;
	if (room == 0)
		return false;
	room--;
	assert_true(nsent < PACKETS);
	assert_true(h->len <= sizeof(sent[0].data));
	sent[nsent].h = *h;
	if (h->len > 0)
		memcpy(sent[nsent].data, data, h->len);
	nsent++;
	return true;
}

static void
link_drain(struct vsock_link *l, uint64_t deadline_ns)
{
	(void)l, (void)deadline_ns;
}

static struct vsock_link peer_link = {
    .cid = CID,
    .send_max = 200,
    .send = link_send,
    .drain = link_drain,
};

/* The next packet the peer gets, which must be of that op. */
static const struct virtio_vsock_hdr *
expect(unsigned op)
{
	assert_true(ntaken < nsent);
	assert_int_equal(sent[ntaken].h.op, op);
	assert_int_equal(sent[ntaken].h.src_cid, CID);
	assert_int_equal(sent[ntaken].h.dst_cid, HOST);
	assert_int_equal(sent[ntaken].h.type, VIRTIO_VSOCK_TYPE_STREAM);
	return &sent[ntaken++].h;
}

static void
expect_no_more(void)
{
	assert_int_equal(ntaken, nsent);
}

static void
say(uint32_t to, unsigned op, uint32_t flags, const void *data, uint32_t len)
{
	struct virtio_vsock_hdr h = {.src_cid = HOST,
	    .dst_cid = CID,
	    .src_port = PORT,
	    .dst_port = to,
	    .len = len,
	    .type = VIRTIO_VSOCK_TYPE_STREAM,
	    .op = (uint16_t)op,
	    .flags = flags,
	    .buf_alloc = PEER_ALLOC,
	    .fwd_cnt = peer_fwd};

	vsock_receive(&h, data);
}

static int
setup(void **state)
{
	(void)state;
	nsent = ntaken = 0;
	room = PACKETS;
	peer_fwd = 0;
	peer_link.cid = CID;
	stub_idle = NULL;
	vsock_link_up(&peer_link);
	return 0;
}

/* Nothing is left behind by a test. */
static int
teardown(void **state)
{
	(void)state;
	vsock_link_down();
	assert_null(vsock_any(NULL));
	assert_int_equal(stub_heap_blocks, 0);
	assert_int_equal(stub_pages, 0);
	return 0;
}

static bool
answer(void)
{
	if (ntaken == nsent)
		return false;
	say(expect(OP(REQUEST))->src_port, OP(RESPONSE), 0, NULL, 0);
	return true;
}

static bool
refuse(void)
{
	if (ntaken == nsent)
		return false;
	say(expect(OP(REQUEST))->src_port, OP(RST), 0, NULL, 0);
	return true;
}

static const struct vsock_addr host = {HOST, PORT};

static struct vsock *
connected(void)
{
	struct vsock *s = vsock_make();

	assert_non_null(s);
	stub_idle = answer;
	assert_int_equal(vsock_connect(s, host, false), 0);
	stub_idle = NULL;
	return s;
}

static uint32_t
port_of(struct vsock *s)
{
	return vsock_name(s).port;
}

/* Closes, and the peer agrees. */
static void
bye(struct vsock *s)
{
	uint32_t port = port_of(s);

	vsock_close(s);
	say(port, OP(RST), 0, NULL, 0);
}

/* --- connecting --- */

static void
test_connect(void **state)
{
	struct vsock *s = connected();
	struct vsock_addr a;

	(void)state;
	assert_int_equal(sent[0].h.buf_alloc, 65536);
	assert_int_equal(vsock_peer(s, &a), 0);
	assert_int_equal(a.cid, HOST);
	assert_int_equal(a.port, PORT);
	assert_int_equal(vsock_name(s).cid, CID);
	assert_int_equal(vsock_connect(s, host, false), -EISCONN);
	assert_int_equal(vsock_poll(s), VSOCK_OUT);
	vsock_close(s);
	assert_int_equal(expect(OP(SHUTDOWN))->flags, RCV | SEND);
	assert_non_null(vsock_any(NULL)); /* until the peer agrees */
	say(sent[0].h.src_port, OP(RST), 0, NULL, 0);
	assert_null(vsock_any(NULL));
	expect_no_more();
}

static void
test_refused(void **state)
{
	struct vsock *s = vsock_make();

	(void)state;
	stub_idle = refuse;
	assert_int_equal(vsock_connect(s, host, false), -ECONNRESET);
	assert_int_equal(vsock_connect(s, host, false), -ECONNRESET);
	stub_idle = answer;
	assert_int_equal(vsock_connect(s, host, false), 0);
	bye(s);
}

static void
test_nobody_answers(void **state)
{
	struct vsock *s = vsock_make();
	struct vsock_addr a;

	(void)state;
	assert_int_equal(vsock_connect(s, host, false), -ETIMEDOUT);
	expect(OP(REQUEST));
	expect(OP(RST));
	assert_int_equal(vsock_peer(s, &a), -ENOTCONN);
	assert_int_equal(vsock_send(s, "x", 1, 0), -ENOTCONN);
	assert_int_equal(vsock_recv(s, &a, 1, false, 0), -ENOTCONN);
	vsock_close(s);
	expect_no_more();
}

static void
test_nonblocking_connect(void **state)
{
	struct vsock *s = vsock_make(), *t = vsock_make();

	(void)state;
	assert_int_equal(vsock_connect(s, host, true), -EINPROGRESS);
	assert_int_equal(vsock_connect(s, host, true), -EALREADY);
	assert_int_equal(vsock_poll(s), 0);
	answer();
	assert_int_equal(vsock_poll(s), VSOCK_OUT);
	assert_int_equal(vsock_take_error(s), 0);
	assert_int_equal(vsock_connect(s, host, true), -EISCONN);
	assert_int_equal(vsock_connect(t, host, true), -EINPROGRESS);
	refuse();
	assert_true(vsock_poll(t) & VSOCK_ERR);
	assert_int_equal(vsock_take_error(t), -ECONNRESET);
	assert_int_equal(vsock_take_error(t), 0);
	assert_int_equal(vsock_connect(t, host, true), -EINPROGRESS);
	expect(OP(REQUEST));
	vsock_close(t); /* while it connects */
	expect(OP(RST));
	bye(s);
}

static void
test_bad_addresses(void **state)
{
	struct vsock *s = vsock_make(), *t = vsock_make();

	(void)state;
	assert_int_equal(
	    vsock_bind(s, (struct vsock_addr){9, 1}), -EADDRNOTAVAIL);
	assert_int_equal(vsock_bind(s, (struct vsock_addr){CID, 80}), 0);
	assert_int_equal(vsock_bind(s, (struct vsock_addr){CID, 81}), -EINVAL);
	assert_int_equal(
	    vsock_bind(t, (struct vsock_addr){VSOCK_ANY, 80}), -EADDRINUSE);
	assert_int_equal(
	    vsock_connect(t, (struct vsock_addr){1, 80}, false), -ENETUNREACH);
	assert_int_equal(vsock_connect(t, (struct vsock_addr){CID, 80}, false),
	    -ENETUNREACH);
	assert_int_equal(
	    vsock_connect(t, (struct vsock_addr){VSOCK_ANY, 80}, false),
	    -EINVAL);
	assert_int_equal(vsock_listen(t, 1), -EINVAL);
	vsock_close(s);
	assert_int_equal(vsock_bind(t, (struct vsock_addr){VSOCK_ANY, 80}), 0);
	vsock_close(t);
	vsock_link_down();
	s = vsock_make();
	assert_int_equal(vsock_connect(s, host, false), -ENODEV);
	vsock_close(s);
	expect_no_more();
}

/* --- listening --- */

static void
test_accept(void **state)
{
	struct vsock *l = vsock_make(), *s, *waiting;
	char buf[8];

	(void)state;
	vsock_bind(l, (struct vsock_addr){VSOCK_ANY, 80});
	say(80, OP(REQUEST), 0, NULL, 0); /* nobody listens yet */
	expect(OP(RST));
	assert_int_equal(vsock_listen(l, 1), 0);
	assert_int_equal(vsock_accept(l, &s, 0), -EAGAIN);
	assert_int_equal(vsock_poll(l), 0);
	say(80, OP(REQUEST), 0, NULL, 0);
	expect(OP(RESPONSE));
	say(80, OP(RW), 0, "early", 5);
	assert_int_equal(vsock_poll(l), VSOCK_IN);
	assert_int_equal(vsock_accept(l, &s, 0), 0);
	assert_int_equal(vsock_recv(s, buf, 8, false, 0), 5);
	say(80, OP(REQUEST), 0, NULL, 0); /* the same ports again: no */
	expect(OP(RST));
	assert_int_equal(vsock_recv(s, buf, 8, false, 0), -ECONNRESET);
	vsock_close(s);
	say(80, OP(REQUEST), 0, NULL, 0);
	expect(OP(RESPONSE));
	vsock_close(l); /* with one that nobody accepted */
	expect(OP(SHUTDOWN));
	waiting = vsock_any(NULL);
	assert_non_null(waiting);
	say(80, OP(RST), 0, NULL, 0);
	expect_no_more();
}

static void
test_backlog(void **state)
{
	struct virtio_vsock_hdr h = {.src_cid = HOST,
	    .dst_cid = CID,
	    .dst_port = 80,
	    .type = VIRTIO_VSOCK_TYPE_STREAM,
	    .op = OP(REQUEST)};
	struct vsock *l = vsock_make(), *s;
	unsigned i;

	(void)state;
	vsock_bind(l, (struct vsock_addr){VSOCK_ANY, 80});
	vsock_listen(l, 3);
	for (i = 1; i <= 4; i++) {
		h.src_port = i;
		vsock_receive(&h, NULL);
		expect(i <= 3 ? OP(RESPONSE) : OP(RST));
	}
	stub_heap_countdown = 0; /* memory is out: refused as well */
	assert_int_equal(vsock_accept(l, &s, 0), 0);
	h.src_port = 9;
	vsock_receive(&h, NULL);
	expect(OP(RST));
	stub_heap_countdown = -1;
	vsock_close(s);
	vsock_close(l);
}

/* --- data and credit --- */

static void
test_data(void **state)
{
	struct vsock *s = connected();
	char buf[16];

	(void)state;
	assert_int_equal(vsock_send(s, "hello", 5, 0), 5);
	assert_int_equal(expect(OP(RW))->len, 5);
	assert_memory_equal(sent[1].data, "hello", 5);
	assert_int_equal(vsock_recv(s, buf, 16, false, 0), -EAGAIN);
	assert_int_equal(vsock_recv(s, buf, 16, false, 1), -EAGAIN);
	say(port_of(s), OP(RW), 0, "there", 5);
	assert_int_equal(vsock_unread(s), 5);
	assert_int_equal(vsock_poll(s), VSOCK_OUT | VSOCK_IN);
	assert_int_equal(vsock_recv(s, buf, 2, true, 0), 2);
	assert_int_equal(vsock_recv(s, buf, 3, false, 0), 3);
	assert_memory_equal(buf, "the", 3);
	assert_int_equal(vsock_recv(s, buf, 16, false, 0), 2);
	assert_memory_equal(buf, "re", 2);
	say(port_of(s), OP(CREDIT_REQUEST), 0, NULL, 0);
	assert_int_equal(expect(OP(CREDIT_UPDATE))->fwd_cnt, 5);
	bye(s);
}

static void
test_peer_credit(void **state)
{
	struct vsock *s = connected();
	uint8_t data[1500];
	unsigned i;

	(void)state;
	memset(data, 7, sizeof(data));
	assert_int_equal(vsock_send(s, data, 1500, 0), PEER_ALLOC);
	for (i = 0; i < 5; i++)
		assert_int_equal(expect(OP(RW))->len, 200);
	expect(OP(CREDIT_REQUEST));
	assert_int_equal(vsock_send(s, data, 1, 0), -EAGAIN);
	assert_int_equal(vsock_poll(s), 0);
	expect_no_more(); /* it was asked once */
	peer_fwd = 5000;  /* more than was ever sent: not believed */
	say(port_of(s), OP(CREDIT_UPDATE), 0, NULL, 0);
	assert_int_equal(vsock_poll(s), 0);
	peer_fwd = 300;
	say(port_of(s), OP(CREDIT_UPDATE), 0, NULL, 0);
	assert_int_equal(vsock_poll(s), VSOCK_OUT);
	peer_fwd = 100; /* an old one */
	say(port_of(s), OP(CREDIT_UPDATE), 0, NULL, 0);
	assert_int_equal(vsock_send(s, data, 1500, 0), 300);
	bye(s);
}

static void
test_our_credit(void **state)
{
	struct vsock *s = vsock_make();
	static uint8_t data[4096], back[4096];
	unsigned i;

	(void)state;
	s->buf_len = 4096;
	stub_idle = answer;
	assert_int_equal(vsock_connect(s, host, false), 0);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	say(port_of(s), OP(RW), 0, data, 3000);
	assert_int_equal(vsock_recv(s, back, 1000, false, 0), 1000);
	expect_no_more(); /* not yet worth it */
	assert_int_equal(vsock_recv(s, back + 1000, 100, false, 0), 100);
	assert_int_equal(expect(OP(CREDIT_UPDATE))->fwd_cnt, 1100);
	say(port_of(s), OP(RW), 0, data + 3000, 1096); /* goes round the ring */
	say(port_of(s), OP(RW), 0, data, 1100);
	assert_int_equal(vsock_unread(s), 4096);
	assert_int_equal(vsock_recv(s, back + 1100, 2996, false, 0), 2996);
	assert_memory_equal(back, data, 4096);
	expect(OP(CREDIT_UPDATE));
	say(port_of(s), OP(RW), 0, data, 2997); /* one more than fits */
	expect(OP(RST));
	assert_int_equal(vsock_recv(s, back, 4096, false, 0), 1100);
	assert_int_equal(vsock_recv(s, back, 4096, false, 0), -ECONNRESET);
	assert_int_equal(vsock_recv(s, back, 4096, false, 0), 0);
	assert_int_equal(vsock_send(s, back, 1, 0), -EPIPE);
	vsock_close(s);
	expect_no_more();
}

static void
test_device_takes_nothing(void **state)
{
	struct vsock *s = connected();
	unsigned i;

	(void)state;
	room = 1;
	assert_int_equal(vsock_send(s, "abc", 3, 0), 3);
	expect(OP(RW));
	assert_int_equal(vsock_send(s, "def", 3, 0), -EAGAIN);
	say(port_of(s), OP(CREDIT_REQUEST), 0, NULL, 0);
	for (i = 0; i < 100; i++) /* to nobody */
		say(99, OP(RW), 0, "x", 1);
	expect_no_more();
	room = PACKETS;
	vsock_room();
	for (i = 0; i < 16; i++)
		expect(OP(RST));
	expect(OP(CREDIT_UPDATE));
	expect_no_more();
	assert_int_equal(vsock_send(s, "def", 3, 0), 3);
	expect(OP(RW));
	room = 0;
	vsock_send(s, "x", 1, 0); /* now it is known to be full */
	vsock_close(s);
	room = PACKETS;
	vsock_room();
	expect(OP(SHUTDOWN));
	say(sent[0].h.src_port, OP(RST), 0, NULL, 0);
}

/* --- ends --- */

static void
test_half_close(void **state)
{
	struct vsock *s = connected();
	char buf[8];

	(void)state;
	say(port_of(s), OP(RW), 0, "last", 4);
	say(port_of(s), OP(SHUTDOWN), SEND, NULL, 0);
	assert_int_equal(vsock_poll(s), VSOCK_IN | VSOCK_RDHUP | VSOCK_OUT);
	assert_int_equal(vsock_recv(s, buf, 8, false, NS_NEVER), 4);
	assert_int_equal(vsock_recv(s, buf, 8, false, NS_NEVER), 0);
	assert_int_equal(vsock_send(s, "still", 5, 0), 5);
	expect(OP(RW));
	assert_int_equal(vsock_shutdown(s, SEND), 0);
	assert_int_equal(expect(OP(SHUTDOWN))->flags, SEND);
	assert_int_equal(vsock_send(s, "x", 1, 0), -EPIPE);
	assert_true(vsock_poll(s) & VSOCK_HUP);
	say(port_of(s), OP(SHUTDOWN), SEND | RCV, NULL, 0);
	expect(OP(RST));
	vsock_close(s);
	expect_no_more();
}

static void
test_peer_closes(void **state)
{
	struct vsock *s = connected();
	char buf[8];

	(void)state;
	say(port_of(s), OP(RW), 0, "last", 4);
	say(port_of(s), OP(SHUTDOWN), SEND | RCV, NULL, 0);
	expect(OP(RST));
	assert_int_equal(vsock_send(s, "x", 1, 0), -EPIPE);
	assert_int_equal(vsock_recv(s, buf, 8, false, NS_NEVER), 4);
	assert_int_equal(vsock_recv(s, buf, 8, false, NS_NEVER), 0);
	assert_true(vsock_poll(s) & VSOCK_HUP);
	say(port_of(s), OP(RW), 0, "x", 1); /* it said it would not */
	expect(OP(RST));
	vsock_close(s);
	s = connected();
	say(port_of(s), OP(RST), 0, NULL, 0);
	assert_int_equal(vsock_recv(s, buf, 8, false, NS_NEVER), 0);
	vsock_close(s);
	expect_no_more();
}

static void
test_reset_of_the_transport(void **state)
{
	struct vsock *s = connected(), *l = vsock_make(), *c;
	char buf[8];

	(void)state;
	vsock_bind(l, (struct vsock_addr){VSOCK_ANY, 80});
	vsock_listen(l, 3);
	vsock_link_reset(&peer_link, 77);
	assert_int_equal(vsock_recv(s, buf, 8, false, 0), -ECONNRESET);
	vsock_close(s);
	assert_int_equal(vsock_own_cid(), 77);
	say(80, OP(REQUEST), 0, NULL, 0); /* for the old one */
	expect_no_more();
	vsock_link_reset(&peer_link, CID);
	say(80, OP(REQUEST), 0, NULL, 0);
	expect(OP(RESPONSE));
	assert_int_equal(vsock_accept(l, &c, 0), 0);
	vsock_close(l);
	bye(c);
}

static void
test_goodbye(void **state)
{
	struct vsock *s = connected();

	(void)state;
	stub_exit->fn();
	assert_int_equal(expect(OP(SHUTDOWN))->flags, SEND | RCV);
	bye(s);
}

/* --- strange packets --- */

static void
test_strange(void **state)
{
	struct virtio_vsock_hdr h = {.src_cid = HOST,
	    .dst_cid = CID,
	    .src_port = PORT,
	    .dst_port = 7,
	    .type = VIRTIO_VSOCK_TYPE_STREAM};
	unsigned op;
	struct vsock *s;

	(void)state;
	for (op = 0; op < 40; op++) { /* to nobody */
		h.op = (uint16_t)op;
		vsock_receive(&h, NULL);
		if (op != OP(RST))
			expect(OP(RST));
	}
	h.op = OP(RW);
	h.type = 2;
	vsock_receive(&h, NULL);
	assert_int_equal(sent[ntaken].h.op, OP(RST));
	assert_int_equal(sent[ntaken++].h.type, 2);
	h.type = VIRTIO_VSOCK_TYPE_STREAM;
	h.dst_cid = CID + 1; /* not for us */
	vsock_receive(&h, NULL);
	h.dst_cid = CID | 1UL << 32;
	vsock_receive(&h, NULL);
	h.dst_cid = CID;
	h.src_cid = HOST | 1UL << 32;
	vsock_receive(&h, NULL);
	h.src_cid = HOST;
	h.src_port = 0;
	vsock_receive(&h, NULL);
	expect_no_more();
	s = connected();
	say(port_of(s), OP(RESPONSE), 0, NULL, 0); /* it has answered */
	expect(OP(RST));
	assert_int_equal(vsock_send(s, "x", 1, 0), -ECONNRESET);
	vsock_close(s);
	s = vsock_make();
	assert_int_equal(vsock_connect(s, host, true), -EINPROGRESS);
	say(expect(OP(REQUEST))->src_port, OP(RW), 0, "x", 1);
	expect(OP(RST)); /* data is no answer */
	assert_int_equal(vsock_take_error(s), -ECONNRESET);
	vsock_close(s);
	expect_no_more();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_connect),
	    TEST(test_refused),
	    TEST(test_nobody_answers),
	    TEST(test_nonblocking_connect),
	    TEST(test_bad_addresses),
	    TEST(test_accept),
	    TEST(test_backlog),
	    TEST(test_data),
	    TEST(test_peer_credit),
	    TEST(test_our_credit),
	    TEST(test_device_takes_nothing),
	    TEST(test_half_close),
	    TEST(test_peer_closes),
	    TEST(test_reset_of_the_transport),
	    TEST(test_goodbye),
	    TEST(test_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
