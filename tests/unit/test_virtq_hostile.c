/* SPDX-License-Identifier: ISC */
/*
 * Virtqueues with a device that lies.  However it does: it is broken, told once
 * in one line; each request in flight comes back once with nothing written;
 * `done` is called once more; nothing can be added.  If it asked for a reset it
 * works again, but not for ever.
 */
/* LINK: tests/unit/virtq_rig.c tests/unit/fake_virtio.c pv/virtio/virtio.c */
/* LINK: tests/unit/kernel_stub.c kernel/once.c pv/virtio/virtq.c */
/* LINK: pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
#include "tests/unit/virtq_rig.h"

#define SIZE   16
#define FLIGHT 4 /* chains, of 16 readable and 32 writable bytes */

static struct fake_chain seen[FLIGHT];
static unsigned broken_before;

/* FLIGHT chains that the device has fetched; `done` is armed. */
static void
take_off(void)
{
	unsigned i;

	rig_open(SIZE, 0);
	broken_before = virtio_broken_count;
	for (i = 0; i < FLIGHT; i++)
		rig_send(1, 2, rig_token(i));
	for (i = 0; i < FLIGHT; i++)
		seen[i] = rig_fetch();
	assert_false(virtq_arm(&rig.q, 1));
}

/* All of `left` (a bit for each token) comes back once, empty; all the rest is
 * as virtq.h says. */
static void
expect_lost(unsigned left)
{
	uint32_t written;
	uintptr_t t;

	while (left != 0) {
		assert_true(virtq_pending(&rig.q));
		written = 1;
		t = (uintptr_t)virtq_take(&rig.q, &written);
		assert_in_range(t, 1, FLIGHT);
		assert_true(left & 1U << (t - 1));
		assert_int_equal(written, 0);
		left &= ~(1U << (t - 1));
		assert_int_equal(virtq_arm(&rig.q, 1), left != 0);
	}
	rig_expect_none();
	assert_true(rig.f.vd.broken);
	assert_int_equal(rig.q.in_flight, 0);
	assert_int_equal(rig_add(1, 1, &left), -EIO);
	assert_false(virtq_arm(&rig.q, 1));
}

static void
expect_end(void)
{
	unsigned ndone = rig.ndone, notified = rig.fq->nnotified;

	assert_int_equal(rig.f.status, 0); /* reset: our memory is ours */
	virtq_kick(&rig.q);
	virtio_interrupt_queues(&rig.f.vd);
	virtio_interrupt_config(&rig.f.vd);
	assert_int_equal(rig.ndone, ndone);
	rig_work();
	virtio_break(&rig.f.vd, "again");
	rig_work();
	assert_int_equal(rig.ndone, ndone + 1);
	assert_int_equal(rig.fq->nnotified, notified);
	assert_int_equal(virtio_broken_count, broken_before + 1);
	assert_int_equal(stub_lines, 1);
	rig_close_broken();
}

static void
expect_broken(unsigned left)
{
	expect_lost(left);
	expect_end();
}

#define ALL ((1U << FLIGHT) - 1)

/* --- ids and lengths --- */

static void
lie(uint32_t id, uint32_t written)
{
	fake_use_raw(rig.fq, id, written, 1);
}

static void
test_id_out_of_range(void)
{
	static const uint32_t ids[] = {SIZE, SIZE + 1, 0x7fff, 0x8000, 0xffff,
	    0x10000, 0x10001, 0x7fffffff, 0xffffffff};
	unsigned i;

	for (i = 0; i < N(ids); i++) {
		if (rig.packed && ids[i] > 0xffff)
			break;
		take_off();
		lie(ids[i], 0);
		expect_broken(ALL);
	}
}

/* Descriptors within a chain, free ones: no heads of chains in flight. */
static void
test_id_not_in_flight(void)
{
	unsigned id, i, refused = 0;

	for (id = 0; id < SIZE; id++) {
		take_off();
		for (i = 0; i < FLIGHT && seen[i].id != id; i++)
			continue;
		if (i == FLIGHT) {
			lie(id, 0);
			expect_broken(ALL);
			refused++;
		} else {
			rig_close_broken();
		}
	}
	assert_int_equal(refused, SIZE - FLIGHT);
}

static void
test_id_twice(void)
{
	take_off();
	fake_use(rig.fq, &seen[0], 32);
	fake_use(rig.fq, &seen[0], 32);
	rig_expect(rig_token(0), 32);
	expect_broken(ALL & ~1U);
}

static void
test_length(void)
{
	static const uint32_t lens[] = {33, 48, 0x7fffffff, 0xffffffff};
	unsigned i;

	for (i = 0; i < N(lens); i++) {
		take_off();
		fake_use(rig.fq, &seen[0], lens[i]);
		expect_broken(ALL);
	}
	take_off(); /* exactly all is no lie */
	fake_use(rig.fq, &seen[0], 32);
	rig_expect(rig_token(0), 32);
	rig_close_broken();
}

/* Into a chain that is only read: broken as well. */
static void
test_length_read_only(void)
{
	struct fake_chain c;

	rig_open(SIZE, 0);
	broken_before = virtio_broken_count;
	rig_send(3, 0, rig_token(0));
	c = rig_fetch();
	fake_use(rig.fq, &c, 1);
	expect_broken(1);
}

/* [VIRTIO] 2.8.5: without WRITE the length says nothing. */
static void
test_length_reserved(void)
{
	if (!rig.packed)
		return;
	take_off();
	fake_use(rig.fq, &seen[0], 0xffffffff);
	rig.q.packed.desc[0].flags &= (uint16_t)~VRING_DESC_F_WRITE;
	rig_expect(rig_token(0), 0);
	fake_use(rig.fq, &seen[1], 30); /* as QEMU does it */
	rig.q.packed.desc[seen[0].ndesc].flags &= (uint16_t)~VRING_DESC_F_WRITE;
	rig_expect(rig_token(1), 30);
	rig_close_broken();
}

/* --- indices and flags --- */

static void
test_index_jumps(void)
{
	static const uint16_t by[] = {FLIGHT + 1, SIZE, SIZE + 1, 1000, 0x7fff,
	    0x8000, 0xff00, 0xfffe, 0xffff};
	unsigned i, k;

	if (rig.packed)
		return;
	for (i = 0; i < N(by); i++) {
		take_off();
		for (k = 0; k < FLIGHT; k++) /* entries as they should be */
			fake_use(rig.fq, &seen[k], 5);
		rig.q.split.used->idx = by[i];
		expect_broken(ALL);
	}
}

/* Taken, and then the index goes back. */
static void
test_index_back(void)
{
	if (rig.packed)
		return;
	take_off();
	fake_use(rig.fq, &seen[0], 1);
	fake_use(rig.fq, &seen[1], 2);
	rig_expect(rig_token(0), 1);
	rig_expect(rig_token(1), 2);
	rig.q.split.used->idx--;
	expect_broken(ALL & ~3U);
}

/* Used, says the ring, and nothing was added. */
static void
test_nothing_in_flight(void)
{
	unsigned i, used = 1U << VRING_PACKED_DESC_F_USED |
			   1U << VRING_PACKED_DESC_F_AVAIL;

	rig_open(SIZE, 0);
	broken_before = virtio_broken_count;
	for (i = 0; rig.packed && i < 0x10000; i += 7) {
		if ((i & used) == used)
			continue;
		rig.q.packed.desc[0].flags = (uint16_t)i;
		rig_expect_none();
	}
	lie(0, 0);
	expect_broken(0);
}

/* Any flags where the next used descriptor is looked for: a used one, or none,
 * and nothing else. */
static void
test_flags(void)
{
	uint32_t flags, written;
	void *t;

	if (!rig.packed)
		return;
	for (flags = 0; flags < 0x10000; flags += 41) {
		take_off();
		rig.q.packed.desc[0].flags = (uint16_t)flags;
		t = virtq_take(&rig.q, &written);
		if ((flags & 0x8080) == 0x8080)
			assert_non_null(t); /* it had an id in it */
		else
			assert_null(t);
		rig_close_broken();
	}
}

/* [VIRTIO] 2.7.9: a batch larger than the step of the index, or an end that is
 * not in flight. */
static void
test_batch(void)
{
	if (!rig.in_order)
		return;
	take_off();
	fake_use_raw(rig.fq, seen[FLIGHT - 1].id, 0, 1);
	if (!rig.packed) { /* given back is all; then the index is behind */
		rig_expect(rig_token(0), 32);
		rig_expect(rig_token(1), 32);
		rig_expect(rig_token(2), 32);
		rig_expect(rig_token(3), 0);
		expect_broken(0);
	} else {
		rig_close_broken();
	}
	take_off();
	fake_use_batch(rig.fq, seen, 2, 0);
	rig_expect(rig_token(0), 32);
	rig_expect(rig_token(1), 0);
	fake_use_batch(rig.fq, seen, 2, 0); /* they were taken back */
	expect_broken(ALL & ~3U);
}

/* Broken by somebody else in the middle of a batch. */
static void
test_broken_in_batch(void)
{
	if (!rig.in_order)
		return;
	take_off();
	fake_use_batch(rig.fq, seen, 3, 0);
	rig_expect(rig_token(0), 32);
	virtio_break(&rig.f.vd, "for another reason");
	expect_broken(ALL & ~1U);
}

/* --- memory that only the driver should write --- */

/* The driver does not read what it wrote: a device that overwrites all of it
 * (and of the tables) and then answers properly has not lied. */
static void
test_scribbled(void)
{
	unsigned i, value;
	size_t areas;

	for (value = 0; value < 256; value += 51) {
		take_off();
		areas = (size_t)((char *)rig.q.device_area -
				 (char *)rig.q.desc_area);
		for (i = 0; i < FLIGHT; i++)
			if (rig.q.slot[seen[i].id].indirect != NULL)
				memset(rig.q.slot[seen[i].id].indirect,
				    (int)value, 3 * 16);
		memset(rig.q.ring, (int)value, areas);
		for (i = 0; i < FLIGHT; i++)
			fake_use(rig.fq, &seen[i], i);
		for (i = 0; i < FLIGHT; i++)
			rig_expect(rig_token(i), i);
		assert_false(rig.f.vd.broken);
		rig_close_broken();
	}
}

/* Whatever the device asks of notifications costs notifications at most. */
static void
test_event_garbage(void)
{
	unsigned v, notified;
	uint32_t written;

	rig_open(SIZE, 0);
	for (v = 0; v < 0x10000; v += 13) {
		if (rig.packed) {
			rig.q.packed.device->off_wrap = (uint16_t)v;
			rig.q.packed.device->flags = (uint16_t)(v >> 3);
		} else {
			rig.q.split.used->flags = (uint16_t)v;
			*(uint16_t *)&rig.q.split.used->ring[SIZE] =
			    (uint16_t)v;
		}
		notified = rig.fq->nnotified;
		rig_send(1, 1, rig_token(v));
		assert_in_range(rig.fq->nnotified, notified, notified + 1);
		rig_use(1);
		assert_ptr_equal(virtq_take(&rig.q, &written), rig_token(v));
	}
	rig_close();
}

/* [VIRTIO] 2.8.14: two bits count; the value that is reserved asks for more
 * notifications rather than less. */
static void
test_event_reserved(void)
{
	unsigned how;

	if (!rig.packed)
		return;
	rig_open(SIZE, 0);
	for (how = 0; how < 0x10000; how += 3) {
		if ((how & 3) == VRING_PACKED_EVENT_FLAG_DESC)
			continue;
		rig.q.packed.device->flags = (uint16_t)how;
		rig.fq->nnotified = 0;
		rig_send(1, 1, rig_token(how));
		assert_int_equal(rig.fq->nnotified,
		    (how & 3) != VRING_PACKED_EVENT_FLAG_DISABLE);
		rig_use(0);
		rig_expect(rig_token(how), 0);
	}
	rig_close();
}

/* --- the end, and a new life --- */

static void
test_done_may_take(void)
{
	uint32_t written;
	unsigned n = 0;

	take_off();
	virtio_break(&rig.f.vd, "%s", "with words");
	assert_string_equal(rig.f.vd.why, "with words");
	assert_int_equal(rig.ndone, 0); /* from a thread, later */
	rig_work();
	assert_int_equal(rig.ndone, 1);
	assert_non_null(strstr(stub_log, "with words"));
	while (virtq_take(&rig.q, &written) != NULL)
		n++;
	assert_int_equal(n, FLIGHT);
	rig_close_broken();
}

static void
ask_reset(void)
{
	rig.f.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&rig.f.vd);
}

static void
test_needs_reset(void)
{
	unsigned life, i;
	uint32_t written;

	take_off();
	for (life = 1; life <= 16; life++) {
		ask_reset();
		assert_true(rig.f.vd.broken);
		assert_int_equal(rig_add(1, 1, &i), -EIO);
		expect_lost(ALL);
		rig_work();
		assert_int_equal(rig.ndone, life);
		assert_int_equal(stub_lines, 2 * life); /* the second: */
		assert_non_null(strstr(stub_log, "works again"));
		assert_false(rig.f.vd.broken);
		assert_int_equal(rig.q.in_flight, 0);
		for (i = 0; i < FLIGHT; i++)
			rig_send(1, 2, rig_token(i));
		rig_use(7);
		rig_expect(rig_token(0), 7);
		rig_send(1, 2, rig_token(0));
	}
	ask_reset();
	rig_work();
	assert_true(rig.f.vd.broken); /* given up */
	for (i = 0; virtq_take(&rig.q, &written) != NULL; i++)
		assert_int_equal(written, 0);
	assert_int_equal(i, FLIGHT);
	rig_close_broken();
}

/* The device asks for a reset and then cannot be set up. */
static void
test_restart_fails(void)
{
	unsigned i;

	take_off();
	rig.f.refuses_features = true;
	ask_reset();
	expect_lost(ALL);
	rig_work();
	assert_true(rig.f.vd.broken);
	assert_true(rig.f.status & VIRTIO_CONFIG_S_FAILED);
	assert_int_equal(rig_add(1, 1, &i), -EIO);
	virtq_kick(&rig.q);
	assert_false(virtq_arm(&rig.q, 1));
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
	rig_close_broken();
}

static const struct rig_test tests[] = {
    {"id out of range", test_id_out_of_range},
    {"id not in flight", test_id_not_in_flight},
    {"id twice", test_id_twice},
    {"length", test_length},
    {"length, read only", test_length_read_only},
    {"length reserved", test_length_reserved},
    {"index jumps", test_index_jumps},
    {"index back", test_index_back},
    {"nothing in flight", test_nothing_in_flight},
    {"flags", test_flags},
    {"batch", test_batch},
    {"broken in a batch", test_broken_in_batch},
    {"scribbled", test_scribbled},
    {"event garbage", test_event_garbage},
    {"event reserved", test_event_reserved},
    {"done may take", test_done_may_take},
    {"needs reset", test_needs_reset},
    {"restart fails", test_restart_fails},
};

RIG_MAIN(tests)
