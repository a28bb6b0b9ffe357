/* SPDX-License-Identifier: ISC */
/*
 * Fuzzing a virtqueue.  Each input is a program of one-byte operations: the
 * driver adds, kicks, takes, arms; the device uses chains as it should, or
 * writes any value anywhere into the ring, or interrupts.  Whatever happens,
 * each chain comes back exactly once, with no more written than was offered,
 * and nothing leaks.
 */
#include "tests/fuzz/ring.h"

#include <string.h>

#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define TOKENS  4096
#define BUFS    40
#define OPS_MAX 20000

enum op {
	ADD,
	KICK,
	TAKE,
	ARM,
	INTERRUPT,
	USE,     /* the chain in flight that the input picks */
	USE_LIE, /* any id, any length */
	WANT,
	SCRIBBLE, /* 16 bits anywhere in the ring */
	TELL,     /* a free index, far or near */
	RESET_ASKED,
	NOPS
};

static struct fake_virtio fake;
static struct virtq queue;
static unsigned long ndone;

static struct token {
	bool out;
	uint32_t writable;
} tokens[TOKENS];
static unsigned next_token, nout;

static int
ring_attach(struct virtio_dev *vd)
{
	(void)vd;
	return -EBUSY; /* no life after a reset here */
}

static const struct virtio_driver ring_driver = {
    .name = "fuzz",
    .attach = ring_attach,
};

static void
done(struct virtq *q)
{
	ASSERT(q == &queue);
	ndone++;
}

static bool
take(void)
{
	uint32_t written;
	struct token *t = virtq_take(&queue, &written);

	if (t == NULL)
		return false;
	ASSERT(t->out && written <= t->writable);
	t->out = false;
	nout--;
	return true;
}

static void
add(struct fuzz_in *in)
{
	static char memory[256];
	struct virtq_buf buf[BUFS];
	unsigned nread = fuzz_u8(in) % (BUFS / 2), nwrite, i;
	struct token *t = &tokens[next_token];
	uint8_t shape = fuzz_u8(in);
	int err;

	nwrite = shape % (BUFS / 2);
	if (nread + nwrite == 0)
		nwrite = 1;
	if (t->out)
		return;
	t->writable = 0;
	for (i = 0; i < nread + nwrite; i++) {
		buf[i].p = memory;
		buf[i].len = 1 + (shape * i) % sizeof(memory);
		if (i >= nread)
			t->writable += buf[i].len;
	}
	stub_heap_countdown = shape & 0x80 ? 0 : -1;
	err = virtq_add(&queue, buf, nread, nwrite, t);
	stub_heap_countdown = -1;
	if (err == 0) {
		t->out = true;
		nout++;
		next_token = (next_token + 1) % TOKENS;
	}
	ASSERT(err == 0 || err == (fake.vd.broken ? -EIO : err));
	ASSERT(err != 0 || !fake.vd.broken);
}

/* As a device should, as far as the ring lets it. */
static void
use(struct fuzz_in *in)
{
	struct fake_queue *fq = &fake.queue[0];
	unsigned id = fuzz_u16(in), n;
	const struct virtq_slot *s;

	for (n = 0; n < queue.size; n++, id++) {
		s = &queue.slot[id % queue.size];
		if (s->token == NULL)
			continue;
		fake_use_raw(fq, id % queue.size,
		    s->writable > 0 ? fuzz_u8(in) % (s->writable + 1) : 0,
		    fq->packed ? s->ndesc : 1);
		return;
	}
}

static void
scribble(struct fuzz_in *in)
{
	size_t words = queue.ring_pages * PAGE_SIZE / 2, at = fuzz_u16(in);

	if (at >= 0x8000) /* near the interesting ends */
		at = words - 1 - at % 64;
	((uint16_t *)queue.ring)[at % words] = fuzz_u16(in);
}

/* The device's index, or the flags of the next packed descriptor. */
static void
tell(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in);

	if (fake.queue[0].packed)
		queue.packed.desc[what % queue.size].flags = fuzz_u16(in);
	else
		queue.split.used->idx =
		    what & 1 ? fuzz_u16(in)
			     : (uint16_t)(queue.split.used_next + what / 2);
}

static void
want(struct fuzz_in *in)
{
	struct fake_queue *fq = &fake.queue[0];
	uint8_t how = fuzz_u8(in);

	if (how == 0)
		fake_want_none(fq);
	else if (how == 1)
		fake_want_all(fq);
	else
		fake_want_at(fq, how % queue.size);
}

static void
step(struct fuzz_in *in)
{
	switch (fuzz_u8(in) % NOPS) {
	case ADD:
		add(in);
		break;
	case KICK:
		virtq_kick(&queue);
		break;
	case TAKE:
		take();
		break;
	case ARM:
		if (virtq_arm(&queue, fuzz_u8(in)))
			ASSERT(virtq_pending(&queue));
		break;
	case INTERRUPT:
		virtio_interrupt_queues(&fake.vd);
		break;
	case USE:
		use(in);
		break;
	case USE_LIE:
		fake_use_raw(&fake.queue[0], fuzz_u16(in), fuzz_u32(in), 1);
		break;
	case WANT:
		want(in);
		break;
	case SCRIBBLE:
		scribble(in);
		break;
	case TELL:
		tell(in);
		break;
	case RESET_ASKED:
		if (fuzz_u8(in) != 0x5a)
			break; /* seldom: the rest is dull */
		fake.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
		virtio_interrupt_config(&fake.vd);
		break;
	}
}

static bool
set_up(struct fuzz_in *in, bool packed)
{
	static const uint16_t sizes[] = {1, 2, 4, 8, 16, 64, 256, 3, 5, 7, 13};
	uint64_t features = packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0;
	uint8_t how = fuzz_u8(in);
	unsigned n = packed ? 11 : 7;

	if (how & 1)
		features |= VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX);
	if (how & 2)
		features |= VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (how & 4)
		features |= VIRTIO_BIT(VIRTIO_F_IN_ORDER);
	if (how & 8)
		features |= VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA);
	fake_init(&fake, 1, features);
	fake.vd.driver = &ring_driver;
	fake.queue[0].size_max = sizes[fuzz_u8(in) % n];
	if (virtio_negotiate(&fake.vd, 0, 0) != 0 ||
	    virtq_init(&queue, &fake.vd, 0, done) != 0)
		return false;
	virtio_driver_ok(&fake.vd);
	return true;
}

void
ring_fuzz(struct fuzz_in *in, bool packed)
{
	unsigned ops = 0;

	memset(tokens, 0, sizeof(tokens));
	next_token = nout = 0;
	ASSERT(set_up(in, packed));
	while (in->len > 0 && ops++ < OPS_MAX)
		step(in);
	ndone = 0;
	virtio_break(&fake.vd, "the end");
	while (take())
		continue;
	ASSERT(nout == 0 && queue.in_flight == 0);
	while (stub_work())
		continue;
	ASSERT(ndone == 1);
	virtq_free(&queue);
	fake_fini(&fake);
	ASSERT(stub_pages == 0 && stub_heap_blocks == 0);
}
