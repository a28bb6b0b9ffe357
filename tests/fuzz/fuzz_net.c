/* SPDX-License-Identifier: ISC */
/*
 * A network card that lies: features, configuration, headers, lengths, answers
 * to commands, at any time.  Frames that reach the owner are sound, no buffer
 * and no frame that was sent is lost.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: kernel/net.c pv/virtio/virtio.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtq.c pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
/* LINK: pv/virtio/virtio_net.c pv/virtio/virtio_net_frames.c */
/* LINK: pv/virtio/virtio_net_hdr.c pv/virtio/virtio_net_ctrl.c */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "pv/virtio/virtio_drivers.h"
#include "pv/virtio/virtio_net.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define HELD 8
#define SENT 8

static struct fake_virtio fake;
static struct fuzz_in in;
static struct net_dev *card;
static struct net_buf *held[HELD];
static struct net_tx sent[SENT];
static bool busy[SENT];
static bool lied; /* what is available may be gone by now: it is not read */
static uint8_t payload[3000];
static struct net_piece pieces[SENT][3];
static volatile unsigned sum;

void
thread_sleep(uint64_t deadline_ns)
{
	(void)deadline_ns;
}

static void
woken(struct net_dev *d)
{
	ASSERT(d == card);
}

static struct fake_queue *
some_queue(void)
{
	return &fake.queue[fuzz_u8(&in) % FAKE_QUEUES];
}

/* --- the device --- */

/* Any bytes, of any length, in a chain of the queue. */
static void
device_fill(struct fake_queue *fq)
{
	struct virtio_net_hdr_v1 h = {0};
	struct fake_chain c;
	uint32_t written;

	if (lied || fake_fetch(fq, &c) != 1)
		return;
	fuzz_bytes(&in, &h, sizeof(h));
	h.num_buffers %= 70;
	fake_write(&c, &h, sizeof(h));
	written = fuzz_u16(&in);
	if (written > c.writable && written < 0xff00) /* else a lie */
		written = c.writable;
	fake_use(fq, &c, written);
}

static void
device_lie(struct fake_queue *fq)
{
	if (fq->q == NULL)
		return;
	lied = true;
	fake_use_raw(fq, fuzz_u8(&in) % 64, fuzz_u16(&in), fuzz_u8(&in) % 4);
}

static void
device_config(void)
{
	fuzz_bytes(&in, fake.config, sizeof(struct virtio_net_config));
	virtio_interrupt_config(&fake.vd);
}

/* While the driver waits for an answer. */
static bool
meanwhile(void)
{
	uint8_t what = fuzz_u8(&in);
	unsigned i;

	if (what % 4 == 1)
		device_config();
	for (i = 0; !lied && what % 4 >= 2 && i < FAKE_QUEUES; i++)
		if (i % 2 == 0 && i >= 2)
			fake_answer(&fake.queue[i], &what, what % 4 - 2, NULL);
	return what != 0;
}

/* --- the owner --- */

static void
frame_check(const struct net_buf *f)
{
	const struct net_offload *o = &f->offload;
	uint32_t len = 0, total = f->total, i;

	ASSERT(f->len >= NET_HEADER_LEN && f->total <= VNET_LEN_MAX);
	if (o->csum == NET_CSUM_PARTIAL)
		ASSERT(o->csum_start + o->csum_offset + 2U <= f->total);
	ASSERT(o->gso == NET_GSO_NONE || o->gso_size > 0);
	for (; f != NULL; f = f->next) {
		for (i = 0; i < f->len; i++)
			sum += f->data[i];
		len += f->len;
	}
	ASSERT(len == total);
}

static void
owner_take(void)
{
	struct net_buf *f = net_take(card, fuzz_u8(&in) % 8), *next;
	unsigned i = 0;

	for (; f != NULL; f = next) {
		next = f->next_frame;
		frame_check(f);
		i = fuzz_u8(&in) % HELD;
		if (held[i] != NULL)
			net_free(held[i]);
		held[i] = f;
	}
}

static void
owner_free(void)
{
	unsigned i = fuzz_u8(&in) % HELD;

	if (held[i] != NULL)
		net_free(held[i]);
	held[i] = NULL;
}

static void
done(struct net_tx *t)
{
	ASSERT(busy[t - sent] && (t->err == 0 || t->err == -EIO));
	busy[t - sent] = false;
}

static void
owner_send(void)
{
	unsigned i = fuzz_u8(&in) % SENT, k;
	struct net_tx *t = &sent[i];

	if (busy[i])
		return;
	memset(t, 0, sizeof(*t));
	t->piece = pieces[i];
	t->npieces = fuzz_u8(&in) % 4;
	t->flow = fuzz_u8(&in);
	t->done = done;
	t->offload.csum = fuzz_u8(&in) % 3;
	t->offload.gso = fuzz_u8(&in) % 6;
	t->offload.csum_start = fuzz_u16(&in);
	t->offload.csum_offset = fuzz_u16(&in);
	t->offload.gso_size = fuzz_u16(&in);
	for (k = 0; k < t->npieces; k++)
		pieces[i][k] = (struct net_piece){payload, fuzz_u8(&in) * 11U};
	busy[i] = net_send(card, t) == 0;
}

static void
owner_command(void)
{
	uint8_t mac[6] = {2}, groups[60] = {1};
	struct net_filter f = {false, true, fuzz_u8(&in) % 11, groups};
	unsigned which = fuzz_u8(&in);

	if (which % 3 == 0)
		net_filter(card, &f);
	else if (which % 3 == 1)
		net_set_mac(card, mac);
	else
		net_receive_offloads(card, which << 8);
}

static void
step(uint8_t what)
{
	switch (what % 12) {
	case 0:
	case 1:
		device_fill(&fake.queue[what / 12 % 4]);
		break;
	case 2:
		device_lie(some_queue());
		break;
	case 3:
		device_config();
		break;
	case 4:
		virtio_interrupt_queues(&fake.vd);
		break;
	case 5:
	case 6:
		owner_take();
		break;
	case 7:
		owner_free();
		break;
	case 8:
		owner_send();
		break;
	case 9:
		net_kick(card);
		net_reap(card);
		break;
	case 10:
		net_arm(card, what / 12, what / 12);
		break;
	default:
		owner_command();
	}
	while (stub_work())
		continue;
}

/* --- from the beginning to the end of a card --- */

static bool
plug(void)
{
	static struct virtio_driver driver;
	static bool plugged;
	struct vnet *v = fake.vd.driver_data;
	unsigned i;

	if (v != NULL)
		v->filtered = v->mac_set = v->offloads_set = false;
	if (!plugged)
		fake_plug(&fake, VIRTIO_ID_NET, 0);
	plugged = true;
	driver = virtio_net_driver;
	fake.offered = fuzz_u32(&in) | VIRTIO_BIT(VIRTIO_F_VERSION_1);
	fake.offered |= (uint64_t)fuzz_u8(&in) << 28;
	/* its answer may have to wait for another thread's, of which there is
	 * none here */
	fake.offered &= ~VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE);
	fuzz_bytes(&in, fake.config, sizeof(struct virtio_net_config));
	for (i = 0; i < FAKE_QUEUES; i++)
		fake.queue[i].size_max = 1U << fuzz_u8(&in) % 7;
	fake.vd.driver = NULL; /* as if never seen */
	fake.vd.restarts = 0;
	lied = false;
	fake.status = 0;
	virtio_probe(&driver);
	v = fake.vd.driver_data;
	card = v != NULL ? &v->dev : NULL;
	return card != NULL && net_open(card, woken, NULL) == 0;
}

static void
unplug(void)
{
	unsigned i;

	stub_idle = NULL;
	in.len = 0;
	virtio_break(&fake.vd, "the end");
	while (stub_work())
		continue;
	ASSERT(net_take(card, 1) == NULL);
	net_close(card);
	for (i = 0; i < HELD; i++) {
		if (held[i] != NULL)
			net_free(held[i]);
		held[i] = NULL;
	}
	for (i = 0; i < SENT; i++)
		ASSERT(!busy[i]);
	ASSERT(card->sending == 0 && card->pool->nfree == card->pool->count);
}

int
FUZZ(const uint8_t *data, size_t len)
{
	in = (struct fuzz_in){data, len};
	stub_idle = meanwhile;
	if (!plug())
		return 0;
	while (in.len > 0)
		step(fuzz_u8(&in));
	unplug();
	return 0;
}
