/* SPDX-License-Identifier: ISC */
/*
 * The socket device: packets between kernel/vsock_wire.c and its queues.
 * [VIRTIO] 5.10.  What comes is handed on in the interrupt; what goes is copied
 * into one of a few buffers, and waits with its sender when all are under way.
 */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/vsock.h"
#include "pv/virtio/virtio_drivers.h"

#define VSOCK_F_STREAM 0 /* [VIRTIO] 5.10.3; newer than the headers */

#define RX_COUNT     16
#define RX_LEN       4096 /* as Linux has it: the host cuts data to fit */
#define TX_COUNT     8
#define TX_LEN       8192
#define EVENT_COUNT  4
#define ROUNDS       8 /* of all rx buffers, then a thread goes on */
#define CID_RESERVED 2 /* [VIRTIO] 5.10.4: guests are above */

#define HEAD sizeof(struct virtio_vsock_hdr)

static struct {
	struct vsock_link link; /* first: link operations get its address */
	struct virtio_dev *vd;  /* NULL: none yet */
	struct virtq rx, tx, event;
	uint8_t *rx_mem, *tx_mem;
	struct virtio_vsock_event event_mem[EVENT_COUNT];
	struct work rx_work;

	struct spinlock tx_lock; /* of tx and of these */
	uint8_t *spare[TX_COUNT];
	unsigned nspare;
	struct waitq drained;
} dev = {.tx_lock = SPINLOCK("virtio-vsock")};

/* --- out --- */

static void
tx_reclaim(void)
{
	uint32_t written;
	uint8_t *p;

	while ((p = virtq_take(&dev.tx, &written)) != NULL)
		dev.spare[dev.nspare++] = p;
}

/* Under tx_lock: true once there is a buffer; else tx_done will be called. */
static bool
tx_has_room(void)
{
	do {
		tx_reclaim();
	} while (dev.nspare == 0 && virtq_arm(&dev.tx, TX_COUNT / 2));
	return dev.nspare > 0;
}

static bool
vvsock_send(
    struct vsock_link *l, const struct virtio_vsock_hdr *h, const void *data)
{
	uint64_t flags = spin_lock(&dev.tx_lock);
	struct virtq_buf buf = {NULL, (uint32_t)HEAD + h->len};
	bool sent = false;

	(void)l;
	if (!dev.vd->broken && tx_has_room()) {
		buf.p = dev.spare[dev.nspare - 1];
		memcpy(buf.p, h, HEAD);
		if (h->len > 0)
			memcpy((uint8_t *)buf.p + HEAD, data, h->len);
		sent = virtq_add(&dev.tx, &buf, 1, 0, buf.p) == 0;
	}
	if (sent) {
		dev.nspare--;
		virtq_kick(&dev.tx);
	}
	spin_unlock(&dev.tx_lock, flags);
	return sent;
}

static void
tx_done(struct virtq *q)
{
	uint64_t flags = spin_lock(&dev.tx_lock);

	waitq_wake(&dev.drained, -1U);
	spin_unlock(&dev.tx_lock, flags);
	if (q->vd->broken)
		vsock_link_down();
	else
		vsock_room();
}

static void
vvsock_drain(struct vsock_link *l, uint64_t deadline_ns)
{
	uint64_t flags = spin_lock(&dev.tx_lock);
	int err = 0;

	(void)l;
	while (err != -ETIMEDOUT && !dev.vd->broken) {
		tx_reclaim();
		if (dev.tx.in_flight == 0)
			break;
		if (!virtq_arm(&dev.tx, 1))
			err = waitq_sleep(
			    &dev.drained, &dev.tx_lock, deadline_ns);
	}
	spin_unlock(&dev.tx_lock, flags);
}

/* --- in --- */

static void
rx_add(void *p)
{
	struct virtq_buf buf = {p, RX_LEN};

	virtq_add(&dev.rx, &buf, 0, 1, p);
}

static void
rx_packet(const uint8_t *p, uint32_t len)
{
	struct virtio_vsock_hdr h;

	if (len < HEAD) {
		virtio_break(dev.vd, "a packet of %u bytes", len);
		return;
	}
	memcpy(&h, p, HEAD);
	if (h.len > len - HEAD) {
		virtio_break(
		    dev.vd, "%u bytes of data in a packet of %u", h.len, len);
		return;
	}
	vsock_receive(&h, p + HEAD);
}

/* What is there, each buffer once.  Never runs twice at a time: the queue is
 * not armed meanwhile. */
static void
rx_round(void)
{
	unsigned n = RX_COUNT;
	uint32_t len;
	uint8_t *p;

	for (; n > 0 && (p = virtq_take(&dev.rx, &len)) != NULL; n--) {
		if (dev.vd->broken)
			continue;
		rx_packet(p, len);
		rx_add(p);
	}
	virtq_kick(&dev.rx);
}

static void
rx_go_on(void)
{
	unsigned rounds = ROUNDS;

	do {
		if (rounds-- == 0) {
			work_add(&dev.rx_work);
			return;
		}
		rx_round();
		if (dev.vd->broken) {
			vsock_link_down();
			return;
		}
	} while (virtq_arm(&dev.rx, 1));
}

static void
rx_done(struct virtq *q)
{
	(void)q;
	rx_go_on();
}

static void
rx_work(struct work *w)
{
	(void)w;
	rx_go_on();
}

/* --- events --- */

static uint64_t
cid_read(void)
{
	return VIRTIO_CONFIG(dev.vd, struct virtio_vsock_config, guest_cid);
}

static bool
cid_ok(uint64_t cid)
{
	return cid > CID_RESERVED && cid < VSOCK_ANY;
}

static void
event_add(struct virtio_vsock_event *e)
{
	struct virtq_buf buf = {e, sizeof(*e)};

	virtq_add(&dev.event, &buf, 0, 1, e);
}

/* [VIRTIO] 5.10.6.7: the guest has moved to another host. */
static void
transport_reset(void)
{
	uint64_t cid = cid_read();

	if (cid_ok(cid))
		vsock_link_reset(&dev.link, cid);
	else
		virtio_break(dev.vd, "its context ID is %lu", cid);
}

static void
event_done(struct virtq *q)
{
	unsigned n = 2 * EVENT_COUNT; /* more aren't told at once */
	struct virtio_vsock_event *e;
	uint32_t len;

	do {
		while (n > 0 && (e = virtq_take(q, &len)) != NULL) {
			if (q->vd->broken)
				continue;
			if (len == sizeof(*e) &&
			    e->id == VIRTIO_VSOCK_EVENT_TRANSPORT_RESET)
				transport_reset();
			event_add(e);
			n--;
		}
		virtq_kick(q);
		if (n == 0 && virtq_pending(q))
			virtio_break(q->vd, "events without an end");
	} while (!q->vd->broken && virtq_arm(q, 1));
}

/* --- attaching --- */

static int
memory_make(void)
{
	if (dev.rx_mem == NULL)
		dev.rx_mem = page_alloc(RX_COUNT * RX_LEN / PAGE_SIZE);
	if (dev.tx_mem == NULL)
		dev.tx_mem = page_alloc(TX_COUNT * TX_LEN / PAGE_SIZE);
	return dev.rx_mem == NULL || dev.tx_mem == NULL ? -ENOMEM : 0;
}

static void
buffers_begin(void)
{
	unsigned i;

	for (i = 0; i < RX_COUNT; i++)
		rx_add(dev.rx_mem + i * RX_LEN);
	for (i = 0; i < EVENT_COUNT; i++)
		event_add(&dev.event_mem[i]);
	dev.nspare = 0;
	for (i = 0; i < TX_COUNT && i < dev.tx.size; i++)
		dev.spare[dev.nspare++] = dev.tx_mem + i * TX_LEN;
}

static int
vvsock_attach(struct virtio_dev *vd)
{
	int err;

	if (dev.vd != NULL && dev.vd != vd)
		return -EBUSY; /* a guest has one context ID */
	vsock_link_down();
	err = virtio_negotiate(vd, VIRTIO_BIT(VSOCK_F_STREAM), 0);
	if (err == 0)
		err = virtq_init(&dev.rx, vd, 0, rx_done);
	if (err == 0)
		err = virtq_init(&dev.tx, vd, 1, tx_done);
	if (err == 0)
		err = virtq_init(&dev.event, vd, 2, event_done);
	if (err == 0)
		err = memory_make();
	if (err != 0)
		return err;
	dev.vd = vd;
	dev.link.cid = cid_read();
	if (!cid_ok(dev.link.cid))
		return -EINVAL;
	buffers_begin();
	dev.rx_work.fn = rx_work;
	dev.link.send_max = TX_LEN - HEAD;
	dev.link.send = vvsock_send;
	dev.link.drain = vvsock_drain;
	virtio_driver_ok(vd);
	vsock_link_up(&dev.link);
	virtq_kick(&dev.rx);
	virtq_kick(&dev.event);
	event_done(&dev.event);
	rx_go_on();
	return 0;
}

const struct virtio_driver virtio_vsock_driver = {
    .name = "virtio-vsock",
    .id = VIRTIO_ID_VSOCK,
    .attach = vvsock_attach,
};
