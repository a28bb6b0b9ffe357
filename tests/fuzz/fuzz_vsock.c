/* SPDX-License-Identifier: ISC */
/*
 * A peer that sends any packets to a socket device's driver, amid any calls of
 * its users.  Nothing is believed, nothing grows without bound, no call sleeps
 * for ever, and when all is closed nothing is left.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtio_vsock.c kernel/vsock.c kernel/vsock_wire.c */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "kernel/vsock.h"
#include "pv/virtio/virtio_drivers.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define SOCKETS   5
#define CID       3
#define HOST      2
#define PORT      80 /* and above: ports of both sides */
#define SIZE      128
#define KNOWN_MAX 1000 /* connections: far more than backlogs allow */

static struct fake_virtio fake;
static struct vsock *socket[SOCKETS];
static struct fuzz_in in;

/* --- the peer --- */

static uint32_t
some_port(void)
{
	uint8_t what = fuzz_u8(&in);

	if (what == 255)
		return fuzz_u32(&in);
	if (what >= 128 && socket[what % SOCKETS] != NULL)
		return vsock_name(socket[what % SOCKETS]).port;
	return PORT + what % 4;
}

/* Mostly as it should be: only then is there much to be seen. */
static void
packet(void)
{
	static uint8_t data[4200];
	struct virtio_vsock_hdr h = {.src_cid = HOST, .dst_cid = CID};
	struct fake_queue *fq = &fake.queue[0];
	uint8_t wrong = fuzz_u8(&in);
	struct fake_chain c;
	uint32_t written;

	memset(data, wrong, sizeof(data));
	h.src_port = some_port();
	h.dst_port = some_port();
	h.len = fuzz_u8(&in) * 16;
	h.type = VIRTIO_VSOCK_TYPE_STREAM;
	h.op = fuzz_u8(&in) % 9;
	h.flags = fuzz_u8(&in) % 4;
	h.buf_alloc = fuzz_u8(&in) * 64;
	h.fwd_cnt = fuzz_u16(&in);
	written = (uint32_t)sizeof(h) + h.len;
	switch (wrong) {
	case 1:
		h.src_cid = fuzz_u32(&in) | (uint64_t)fuzz_u32(&in) << 32;
		break;
	case 2:
		h.dst_cid = fuzz_u32(&in);
		break;
	case 3:
		h.type = fuzz_u16(&in);
		h.op = fuzz_u16(&in);
		break;
	case 4:
		h.len = fuzz_u32(&in);
		break;
	case 5:
		h.buf_alloc = fuzz_u32(&in);
		h.fwd_cnt = fuzz_u32(&in);
		break;
	case 6:
		written = fuzz_u32(&in);
		break;
	}
	memcpy(data, &h, sizeof(h));
	if (fq->q == NULL || fake_fetch(fq, &c) != 1)
		return;
	fake_write(&c, data, sizeof(data));
	if (wrong != 6 && written > c.writable)
		written = c.writable;
	fake_use(fq, &c, written);
	fake_interrupt(fq);
}

/* Takes up to n of what we sent. */
static void
take_sent(unsigned n)
{
	struct fake_queue *fq = &fake.queue[1];
	struct virtio_vsock_hdr h;
	struct fake_chain c;

	while (n-- > 0 && fq->q != NULL && fake_fetch(fq, &c) == 1) {
		ASSERT(fake_read(&c, &h, sizeof(h)) == sizeof(h));
		ASSERT(h.op > 0 && h.op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST);
		ASSERT(h.op == VIRTIO_VSOCK_OP_RW || h.len == 0);
		fake_use(fq, &c, 0);
	}
	if (fq->q != NULL)
		fake_interrupt(fq);
}

static void
event(void)
{
	uint32_t id = fuzz_u8(&in) % 2;

	fake.config[0] = fuzz_u8(&in) % 8;
	if (fake.queue[2].q != NULL)
		fake_answer(&fake.queue[2], &id, fuzz_u8(&in) % 5, NULL);
	fake.config[0] = CID;
}

/* While a user waits. */
static bool
meanwhile(void)
{
	uint8_t what = fuzz_u8(&in);

	if (in.len == 0)
		return false;
	if (what % 4 < 2)
		packet();
	else
		take_sent(what / 4);
	return true;
}

/* --- users --- */

static void
move_data(struct vsock *s, uint8_t how)
{
	static uint8_t data[20000];
	size_t len = fuzz_u16(&in) % sizeof(data);
	uint64_t deadline_ns = how & 1 ? 1 : 0;
	long n;

	if (how & 2)
		n = vsock_send(s, data, len, deadline_ns);
	else
		n = vsock_recv(s, data, len, how & 4, deadline_ns);
	ASSERT(n <= (long)len);
}

static void
use(unsigned i)
{
	struct vsock_addr to = {HOST, PORT + fuzz_u8(&in) % 4};
	uint8_t how = fuzz_u8(&in);
	struct vsock *s = socket[i], *child;

	if (s == NULL) {
		socket[i] = vsock_make();
		if (socket[i] != NULL && (how & 1))
			socket[i]->buf_len = how * 64U;
		return;
	}
	switch (how % 8) {
	case 0:
		vsock_connect(s, to, how & 8);
		break;
	case 1:
		to.cid = VSOCK_ANY;
		vsock_bind(s, to);
		vsock_listen(s, how / 8);
		break;
	case 2:
		if (vsock_accept(s, &child, 0) == 0) {
			vsock_close(s);
			socket[i] = child;
		}
		break;
	case 3:
		vsock_shutdown(s, how / 8);
		break;
	case 4:
		vsock_close(s);
		socket[i] = NULL;
		break;
	case 5:
		vsock_take_error(s);
		ASSERT(vsock_poll(s) < 32);
		break;
	default:
		move_data(s, how / 8);
	}
}

static void
check_all(void)
{
	struct vsock *s = NULL;
	unsigned n = 0;

	while ((s = vsock_any(s)) != NULL) {
		ASSERT(s->len <= s->ring_len);
		ASSERT(vsock_credit(s) <= s->peer_alloc);
		ASSERT(n++ < KNOWN_MAX);
	}
}

static void
begin(uint8_t how)
{
	static bool plugged;
	unsigned i;

	if (!plugged)
		fake_plug(&fake, VIRTIO_ID_VSOCK, 0);
	plugged = true;
	fake.offered = VIRTIO_BIT(VIRTIO_F_VERSION_1);
	if (how & 1)
		fake.offered |= VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	if (how & 2)
		fake.offered |= VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX);
	fake.config[0] = CID;
	for (i = 0; i < 3; i++)
		fake.queue[i].size_max = how & 4 ? 4 : SIZE;
	fake.vd.driver = NULL; /* as if never seen */
	fake.vd.restarts = 0;
	fake.status = 0;
	stub_idle = meanwhile;
	vsock_own_cid(); /* attaches it */
}

int
FUZZ(const uint8_t *data, size_t len)
{
	static size_t memory; /* the driver's buffers stay */
	unsigned i;
	uint8_t what;

	in = (struct fuzz_in){data, len};
	begin(fuzz_u8(&in));
	while (in.len > 0) {
		what = fuzz_u8(&in);
		if (what < 96)
			packet();
		else if (what < 128)
			take_sent(what % 8);
		else if (what == 128)
			event();
		else
			use(what % SOCKETS);
		while (stub_work())
			continue;
		check_all();
	}
	for (i = 0; i < SOCKETS; i++)
		if (socket[i] != NULL)
			vsock_close(socket[i]);
	memset(socket, 0, sizeof(socket));
	vsock_link_down();
	ASSERT(vsock_any(NULL) == NULL);
	virtio_break(&fake.vd, "the end");
	while (stub_work())
		continue;
	virtio_negotiate(&fake.vd, 0, 0); /* frees the rings */
	if (memory == 0)
		memory = stub_pages;
	ASSERT(stub_pages == memory && stub_heap_blocks == 0);
	return 0;
}
