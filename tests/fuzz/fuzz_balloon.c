/* SPDX-License-Identifier: ISC */
/*
 * A balloon device that asks and answers what it likes, when it likes: sizes,
 * command ids, buffers given back early, never, twice, too long.  What is lent
 * to it comes back exactly once, and all ends.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtio_balloon.c */
#include "tests/fuzz/fuzz.h"

#include <linux/virtio_balloon.h>

#include "kernel/balloon.h"
#include "pv/virtio/virtio_drivers.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define NQUEUES 5
#define NRUNS   40 /* that there are to lend */
#define RUN_NP  16

static struct fake_virtio fake;
static struct balloon *balloon;
static struct fuzz_in in;
static char arena[NRUNS][64]; /* stand for their pages: none is touched */
static bool lent[NRUNS], idle[NRUNS];
static void (*dirty_fn)(void);

/* --- the kernel's side --- */

size_t page_all = 64UL << 20;

int
balloon_start(struct balloon *b)
{
	balloon = b;
	return 0;
}

void
balloon_wake(struct balloon *b)
{
	ASSERT(b->lock.held == 0);
}

void
virtio_start(const struct virtio_driver *drv)
{
	(void)drv;
}

size_t
page_given_total(void)
{
	return 0;
}

static bool
lend(unsigned i, struct page_run *run)
{
	if (lent[i])
		return false;
	lent[i] = true;
	*run = (struct page_run){(uintptr_t)arena[i], RUN_NP, 0};
	return true;
}

unsigned
page_lend_dirty(struct page_run *run, unsigned n, size_t max)
{
	unsigned i, got = 0;

	for (i = 0; i < NRUNS && got < n && max >= RUN_NP; i++)
		if (!idle[i] && lend(i, &run[got])) {
			got++;
			max -= RUN_NP;
		}
	return got;
}

bool
page_lend_next(uintptr_t *from, size_t max, struct page_run *run)
{
	unsigned i;

	ASSERT(max >= RUN_NP);
	for (i = 0; i < NRUNS; i++)
		if ((uintptr_t)arena[i] >= *from && lend(i, run)) {
			*from = (uintptr_t)arena[i] + 1;
			return true;
		}
	return false;
}

void
page_lend_end(const struct page_run *run, unsigned n, bool taken)
{
	unsigned i;

	for (; n > 0; n--, run++) {
		i = (unsigned)((run->base - (uintptr_t)arena) /
			       sizeof(arena[0]));
		ASSERT(i < NRUNS && lent[i]);
		lent[i] = false;
		idle[i] = taken;
	}
}

bool
page_dirty_notify(void (*fn)(void))
{
	dirty_fn = fn;
	return true;
}

/* --- the device's --- */

static void
change_config(void)
{
	unsigned off = fuzz_u8(&in) % sizeof(struct virtio_balloon_config);

	fake.config[off] = fuzz_u8(&in);
	fake.generation++;
	virtio_interrupt_config(&fake.vd);
}

static void
lie(struct fake_queue *fq)
{
	if (fq->q == NULL)
		return;
	fake_use_raw(fq, fuzz_u8(&in), fuzz_u8(&in), 1);
	fake_interrupt(fq);
}

/* While the driver waits. */
static bool
meanwhile(void)
{
	uint8_t what = fuzz_u8(&in);
	struct fake_queue *fq = &fake.queue[what / 8 % NQUEUES];

	switch (what % 8) {
	case 1:
	case 2:
	case 3:
		if (fq->q != NULL)
			fake_answer(fq, NULL, 0, NULL);
		break;
	case 4:
		change_config();
		break;
	case 5:
		lie(fq);
		break;
	case 6:
		fake.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
		virtio_interrupt_config(&fake.vd);
		break;
	case 7:
		virtio_interrupt_queues(&fake.vd);
		break;
	}
	return what != 0;
}

/* Answers at once, for those who cannot sleep. */
static void
at_once(struct fake_virtio *f, struct fake_queue *fq)
{
	struct fake_chain c;

	(void)f;
	if (fake_fetch(fq, &c) == 1)
		fake_use(fq, &c, 0);
}

static void
step(void)
{
	struct page_run run = {
	    (uintptr_t)fuzz_u32(&in) << 12, fuzz_u16(&in) % 2000, 0};
	uint8_t what = fuzz_u8(&in);

	switch (what % 6) {
	case 0:
		balloon->ops->inflate(balloon, &run, 1);
		break;
	case 1:
		balloon->ops->deflate(balloon, &run, 1, false);
		break;
	case 2:
		if (fake.queue[1].event_idx)
			fake_want_at(&fake.queue[1], 0);
		fake.notified = at_once;
		balloon->ops->deflate(balloon, &run, 1, true);
		fake.notified = NULL;
		break;
	case 3:
		balloon->ops->lent_back(balloon);
		break;
	case 4:
		idle[what % NRUNS] = false;
		if (dirty_fn != NULL)
			dirty_fn();
		break;
	default:
		meanwhile();
	}
	balloon->ops->serve(balloon);
}

static void
check_all_back(void)
{
	unsigned i;

	for (i = 0; i < NRUNS; i++)
		ASSERT(!lent[i]);
}

static void
begin(void)
{
	static void *kept;
	unsigned i;

	fake_init(&fake, VIRTIO_ID_BALLOON,
	    fuzz_u8(&in) |
		(uint64_t)(fuzz_u8(&in) & 0x3) << VIRTIO_F_RING_PACKED |
		(uint64_t)(fuzz_u8(&in) & 0x3) << VIRTIO_RING_F_INDIRECT_DESC);
	for (i = 0; i < NQUEUES; i++)
		fake.queue[i].size_max = 1U << fuzz_u8(&in) % 7;
	fake.vd.driver = &virtio_balloon_driver;
	fake.vd.driver_data = kept;
	stub_idle = meanwhile;
	if (virtio_balloon_driver.attach(&fake.vd) != 0)
		fake.vd.broken = true;
	if (fake.vd.driver_data != NULL)
		kept = fake.vd.driver_data;
}

int
FUZZ(const uint8_t *data, size_t len)
{
	in = (struct fuzz_in){data, len};
	begin();
	while (in.len > 0 && balloon != NULL && !fake.vd.broken) {
		step();
		while (stub_work())
			continue;
		check_all_back();
	}
	virtio_break(&fake.vd, "the end");
	while (stub_work())
		continue;
	check_all_back();
	virtio_negotiate(&fake.vd, 0, 0); /* frees the rings */
	fake_fini(&fake);
	ASSERT(stub_pages == 0 && stub_heap_blocks == 2); /* page numbers */
	return 0;
}
