/* SPDX-License-Identifier: ISC */
/*
 * A device that answers anything to what a driver asks before there are rings:
 * status, features, configuration, queue sizes; and that interrupts whenever it
 * likes.  Setting it up ends, succeeds or fails cleanly, and leaks nothing.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define NQUEUES 3
#define ASKED   8

static struct fake_virtio fake;
static struct virtio_transport liar;
static struct virtio_calls calls[NQUEUES];
static struct fuzz_in in;
static unsigned nchanged;

/* --- a transport that lies as long as there is input --- */

static bool
lies(void)
{
	return in.len > 0 && fuzz_u8(&in) >= 0x80;
}

static uint8_t
liar_status(struct virtio_dev *vd)
{
	return lies() ? fuzz_u8(&in) : fake_transport.status(vd);
}

static uint64_t
liar_features(struct virtio_dev *vd)
{
	uint64_t v = fuzz_u32(&in);

	return (v | (uint64_t)fuzz_u32(&in) << 32) ^
	       fake_transport.features(vd);
}

static uint32_t
liar_generation(struct virtio_dev *vd)
{
	(void)vd;
	return fuzz_u8(&in);
}

static uint32_t
liar_config_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	(void)vd, (void)off, (void)width;
	return fuzz_u32(&in);
}

/* Sizes that are small, odd, or far too large. */
static unsigned
liar_queue_size(struct virtio_dev *vd, unsigned index)
{
	unsigned size = lies() ? fuzz_u32(&in) : 1U << fuzz_u8(&in) % 10;

	stub_heap_countdown = lies() ? fuzz_u8(&in) % 2 : -1;
	((struct fake_virtio *)(void *)vd)->queue[index].size_max = size;
	return size;
}

static int
liar_queue_enable(struct virtio_dev *vd, struct virtq *q)
{
	stub_heap_countdown = -1;
	return lies() ? -EBUSY : fake_transport.queue_enable(vd, q);
}

/* --- a driver that asks all there is to ask --- */

static void
ask_config(struct virtio_dev *vd)
{
	uint8_t bytes[ASKED];
	unsigned width;

	for (width = 1; width <= 8; width *= 2)
		virtio_config_set(
		    vd, 0, width, virtio_config_get(vd, 8, width));
	virtio_config_bytes(vd, 3, bytes, ASKED);
}

static int
asking_attach(struct virtio_dev *vd)
{
	unsigned i;
	int err;

	err = virtio_negotiate(vd, fuzz_u32(&in), 0);
	if (err != 0)
		return err;
	ask_config(vd);
	for (i = 0; i < NQUEUES; i++) {
		err = virtio_calls_init(&calls[i], vd, i);
		stub_heap_countdown = -1;
		if (err != 0)
			return err;
	}
	virtio_driver_ok(vd);
	return 0;
}

static void
config_changed(struct virtio_dev *vd)
{
	ASSERT(!vd->broken);
	nchanged++;
}

static const struct virtio_driver asking_driver = {
    .name = "fuzz",
    .id = 1,
    .attach = asking_attach,
    .config_changed = config_changed,
};

/* While the driver waits: an answer, an interrupt, or nothing any more. */
static bool
meanwhile(void)
{
	uint8_t what = fuzz_u8(&in);

	if (what % 4 == 1)
		virtio_interrupt_config(&fake.vd);
	else if (what % 4 == 2)
		fake_answer(&fake.queue[what / 4 % NQUEUES], "answer", 6, NULL);
	else if (what % 4 == 3)
		virtio_interrupt_queues(&fake.vd);
	return what != 0;
}

static void
ask(void)
{
	char text[16];
	struct virtq_buf buf[] = {{text, sizeof(text)}, {text, sizeof(text)}};
	unsigned which = fuzz_u8(&in) % NQUEUES;
	uint32_t written;
	int err;

	memset(text, 0, sizeof(text));
	err = virtio_call(&calls[which], buf, 1, 1, 1, &written);
	ASSERT(err <= 0 && written <= sizeof(text));
	ASSERT(calls[which].q.in_flight == 0);
}

int
FUZZ(const uint8_t *data, size_t len)
{
	static bool plugged;

	in = (struct fuzz_in){data, len};
	liar = fake_transport;
	liar.status = liar_status;
	liar.features = liar_features;
	liar.generation = liar_generation;
	liar.config_get = liar_config_get;
	liar.queue_size = liar_queue_size;
	liar.queue_enable = liar_queue_enable;
	if (!plugged)
		fake_plug(&fake, 1, 0);
	plugged = true;
	fake.vd.driver = NULL; /* as if never seen */
	fake.vd.restarts = 0;
	fake.vd.ops = &liar;
	fake.status = 0;
	stub_idle = meanwhile;
	virtio_probe(&asking_driver);
	while (in.len > 0 && fake.vd.driver != NULL) {
		ask();
		while (stub_work())
			continue;
	}
	fake.vd.ops = &fake_transport;
	virtio_break(&fake.vd, "the end");
	while (stub_work())
		continue;
	virtio_negotiate(&fake.vd, 0, 0); /* frees the rings */
	ASSERT(stub_pages == 0 && stub_heap_blocks == 0);
	return 0;
}
