/* SPDX-License-Identifier: ISC */
/*
 * Virtqueues with a device that keeps to the document: what it sees and what
 * the driver gets back, in order and not; a full ring, long chains, no memory;
 * notifications and interrupts exactly when they are asked for.
 */
/* LINK: tests/unit/virtq_rig.c tests/unit/fake_virtio.c pv/virtio/virtio.c */
/* LINK: tests/unit/kernel_stub.c kernel/once.c pv/virtio/virtq.c */
/* LINK: pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
#include "tests/unit/virtq_rig.h"

/* The device sees what was added, no more and not before the kick. */
static void
test_chain(void)
{
	char a[5], b[7], c[11];
	struct virtq_buf buf[] = {{a, 5}, {b, 7}, {c, 11}};
	struct fake_chain seen, none;
	unsigned nread, n, i;

	rig_open(4, 0);
	for (n = 1; n <= 3; n++)
		for (nread = 0; nread <= n; nread++) {
			assert_int_equal(
			    virtq_add(&rig.q, buf, nread, n - nread, buf), 0);
			assert_int_equal(fake_fetch(rig.fq, &none), 0);
			virtq_kick(&rig.q);
			seen = rig_fetch();
			assert_int_equal(seen.nbufs, n);
			assert_int_equal(seen.nread, nread);
			for (i = 0; i < n; i++) {
				assert_ptr_equal(seen.buf[i].p, buf[i].p);
				assert_int_equal(seen.buf[i].len, buf[i].len);
			}
			assert_int_equal(fake_fetch(rig.fq, &none), 0);
			rig_expect_none();
			fake_use(rig.fq, &seen, 0);
			rig_expect(buf, 0);
		}
	rig_close();
}

/* Twice around every index of 16 bits. */
static void
test_wrap(void)
{
	uintptr_t i, sent = 0;
	unsigned k, n;

	rig_open(rig.packed ? 7 : 8, 0);
	for (i = 0; i < 140000; i += n) {
		n = 1 + i % 5;
		for (k = 0; k < n; k++)
			rig_send(0, 1, rig_token(sent++));
		for (k = 0; k < n; k++)
			rig_use((i + k) % 17);
		for (k = 0; k < n; k++)
			rig_expect(rig_token(i + k), (i + k) % 17);
		rig_expect_none();
	}
	assert_int_equal(rig.q.nadded, sent);
	rig_close();
}

/* Every size: filled, used and emptied, three times. */
static void
test_sizes(void)
{
	static const unsigned sizes[] = {
	    1, 2, 4, 8, 16, 64, 256, 1024, 32768, 3, 5, 100, 1000, 32767};
	unsigned i, n = rig.packed ? N(sizes) : 9, round;
	uintptr_t k;

	for (i = 0; i < n; i++) {
		rig_open(sizes[i], 0);
		for (round = 0; round < 3; round++) {
			for (k = 0; k < sizes[i]; k++)
				rig_send(0, 1, rig_token(k));
			assert_int_equal(rig_add(0, 1, &k), -ENOSPC);
			for (k = 0; k < sizes[i]; k++)
				rig_use(k % 17);
			for (k = 0; k < sizes[i]; k++)
				rig_expect(rig_token(k), k % 17);
			rig_expect_none();
		}
		rig_close();
	}
}

/* The device answers the last first, then from the middle. */
static void
test_out_of_order(void)
{
	static const unsigned order[] = {5, 2, 3, 0, 4, 1};
	struct fake_chain c[N(order)];
	unsigned i, round;

	if (rig.in_order)
		return; /* it promised not to */
	rig_open(16, 0);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < N(order); i++)
			rig_send(i % 3, 1 + i % 2, rig_token(i));
		for (i = 0; i < N(order); i++)
			c[i] = rig_fetch();
		for (i = 0; i < N(order); i++)
			fake_use(rig.fq, &c[order[i]], order[i]);
		for (i = 0; i < N(order); i++)
			rig_expect(rig_token(order[i]), order[i]);
	}
	rig_close();
}

/* [VIRTIO] 2.7.9: one entry for several; those before are used completely. */
static void
test_batches(void)
{
	struct fake_chain c[5];
	unsigned round, i, n;

	if (!rig.in_order)
		return;
	rig_open(16, 0);
	for (round = 0; round < 200; round++) {
		n = 1 + round % 5;
		for (i = 0; i < n; i++)
			rig_send(1, 1 + (round + i) % 2, rig_token(i));
		for (i = 0; i < n; i++)
			c[i] = rig_fetch();
		rig_expect_none();
		fake_use_batch(rig.fq, c, n, 3);
		for (i = 0; i + 1 < n; i++)
			rig_expect(rig_token(i), c[i].writable);
		rig_expect(rig_token(n - 1), 3);
		rig_expect_none();
	}
	rig_close();
}

/* Old requests stay while the ring goes on around them. */
static void
test_late(void)
{
	struct fake_chain old, c;
	unsigned i;

	rig_open(8, 0);
	rig_send(1, 1, rig_token(1000));
	old = rig_fetch();
	for (i = 0; i < 100; i++) {
		if (rig.in_order && i % 3 == 2) {
			fake_use(rig.fq, &old, 1);
			rig_expect(rig_token(1000 + i / 3), 1);
			rig_send(1, 1, rig_token(1001 + i / 3));
			old = rig_fetch();
		}
		if (rig.in_order)
			continue;
		rig_send(1, 2, rig_token(i));
		c = rig_fetch();
		fake_use(rig.fq, &c, i % 33);
		rig_expect(rig_token(i), i % 33);
	}
	assert_int_equal(rig.q.in_flight, 1);
	fake_use(rig.fq, &old, 16);
	rig_expect(rig_token(rig.in_order ? 1033 : 1000), 16);
	rig_close();
}

/* Indirect tables let as many chains in as there are descriptors. */
static void
test_full(void)
{
	unsigned n, i, round;

	rig_open(16, 0);
	for (round = 0; round < 5; round++) {
		for (n = 0; rig_add(2, 1, rig_token(n)) == 0; n++)
			continue;
		/* two directly, then half is left, for tables */
		assert_int_equal(n, rig.indirect ? 2 + 10 : 16 / 3);
		assert_int_equal(rig_add(2, 1, &n), -ENOSPC);
		assert_int_equal(rig.q.in_flight, n);
		virtq_kick(&rig.q);
		rig_use(1); /* the oldest may go direct: three are free */
		rig_expect(rig_token(0), 1);
		assert_int_equal(rig_add(2, 1, rig_token(n)), 0);
		virtq_kick(&rig.q);
		for (i = 1; i <= n; i++) {
			rig_use(2);
			rig_expect(rig_token(i), 2);
		}
		rig_expect_none();
	}
	rig_close();
}

/* Chains as long as the queue, and one more. */
static void
test_longest(void)
{
	static const unsigned sizes[] = {1, 2, 4, 256, 1024};
	struct fake_chain c;
	unsigned i, size;

	for (i = 0; i < N(sizes); i++) {
		size = sizes[i];
		rig_open(size, 0);
		assert_int_equal(rig_add(1, size, &c), -E2BIG);
		assert_int_equal(rig_add(0, size + 1, &c), -E2BIG);
		rig_send(size - 1, 1, &c);
		c = rig_fetch();
		assert_int_equal(c.nbufs, size);
		if (!rig.indirect || size == 1)
			assert_int_equal(rig_add(1, 0, &i), -ENOSPC);
		fake_use(rig.fq, &c, 16);
		rig_expect(&c, 16);
		if (size > 1) {
			rig_send(1, 0, &i); /* now not all fit directly */
			assert_int_equal(rig_add(size / 2, size / 2, &c),
			    rig.indirect ? 0 : -ENOSPC);
			virtq_kick(&rig.q);
			rig_use(0);
			rig_expect(&i, 0);
			if (rig.indirect) {
				rig_use(size / 2 * 16);
				rig_expect(&c, size / 2 * 16);
			}
		}
		rig_close();
	}
}

/* Without memory for tables chains go directly, and there is less room. */
static void
test_no_memory(void)
{
	unsigned n, i;

	rig_open(16, 0);
	stub_heap_countdown = 0;
	for (n = 0; rig_add(1, 2, rig_token(n)) == 0; n++)
		continue;
	assert_int_equal(n, 5);
	assert_int_equal(rig_add(1, 2, &n), -ENOSPC);
	stub_heap_countdown = -1;
	assert_int_equal(
	    rig_add(1, 2, rig_token(5)), rig.indirect ? 0 : -ENOSPC);
	virtq_kick(&rig.q);
	for (i = 0; i < (rig.indirect ? 6U : 5U); i++) {
		rig_use(i);
		rig_expect(rig_token(i), i);
	}
	rig_close();
}

/* Freed with requests in flight: their tables go too. */
static void
test_free_in_flight(void)
{
	unsigned i;

	rig_open(16, 0);
	for (i = 0; i < 5; i++)
		rig_send(2, 1, rig_token(i));
	rig.f.vd.ops->set_status(&rig.f.vd, 0);
	virtq_free(&rig.q);
	assert_int_equal(stub_heap_blocks, 0);
	assert_int_equal(stub_pages, 0);
	assert_int_equal(rig_add(1, 0, &i), -EIO);
	virtq_kick(&rig.q);
	assert_false(virtq_arm(&rig.q, 1));
	virtq_interrupt(&rig.q);
	rig_expect_none();
	virtq_free(&rig.q);
	assert_int_equal(rig.ndone, 0);
	fake_fini(&rig.f);
}

/* --- notifications --- */

static void
sent_and_back(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		assert_int_equal(rig_add(0, 1, rig_token(i)), 0);
	virtq_kick(&rig.q);
	for (i = 0; i < n; i++) {
		rig_use(0);
		rig_expect(rig_token(i), 0);
	}
}

static void
test_kick(void)
{
	unsigned i;

	rig_open(8, 0);
	virtq_kick(&rig.q);
	assert_int_equal(rig.fq->nnotified, 0); /* nothing to tell */
	if (rig.event_idx) {
		fake_want_at(rig.fq, 0);
		sent_and_back(1);
		assert_int_equal(rig.fq->nnotified, 1);
		sent_and_back(1); /* asked for that one only */
		assert_int_equal(rig.fq->nnotified, 1);
	} else {
		fake_want_all(rig.fq);
		for (i = 1; i < 20; i++) {
			sent_and_back(1 + i % 4);
			assert_int_equal(rig.fq->nnotified, i);
			virtq_kick(&rig.q);
			assert_int_equal(rig.fq->nnotified, i);
		}
		fake_want_none(rig.fq);
		sent_and_back(3);
		assert_int_equal(rig.fq->nnotified, 19);
	}
	assert_int_equal(rig.fq->nnotified, rig.q.nnotified);
	rig_close();
}

/* The one kick that passes the index asked for, and no other. */
static void
test_kick_event(void)
{
	unsigned round, after, batch, sent;

	if (!rig.event_idx)
		return;
	rig_open(8, 0);
	for (round = 0; round < 30000; round++) {
		after = round % 8;
		batch = 1 + round % 3;
		fake_want_at(rig.fq, after);
		rig.fq->nnotified = 0;
		for (sent = 0; sent < 8; sent += batch) {
			sent_and_back(batch);
			assert_int_equal(
			    rig.fq->nnotified, sent + batch > after);
		}
	}
	rig_close();
}

/* [VIRTIO] 2.9: where the next chain will be. */
static void
test_notification_data(void)
{
	unsigned size = rig.packed ? 5 : 4, i;
	uint32_t next;

	rig_open(size, VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA));
	rig.q.notify_value = 0x1234;
	for (i = 1; i < 70000; i++) {
		fake_want_all(rig.fq);
		if (rig.event_idx)
			fake_want_at(rig.fq, 0);
		sent_and_back(1);
		next = i & 0xffff;
		if (rig.packed)
			next = i % size | (i / size % 2 == 0) << 15;
		assert_int_equal(rig.fq->value, 0x1234 | next << 16);
	}
	rig_close();
}

/* --- interrupts --- */

static void
test_arm(void)
{
	unsigned i;

	rig_open(8, 0);
	for (i = 0; i < 1000; i++) {
		rig_send(0, 1, rig_token(i));
		rig_send(0, 1, rig_token(i + 1));
		assert_false(virtq_arm(&rig.q, 1));
		assert_int_equal(rig.ndone, i);
		rig_use(0);
		assert_true(fake_interrupt(rig.fq));
		assert_int_equal(rig.ndone, i + 1);
		rig_expect(rig_token(i), 0);
		rig_use(0); /* not armed again */
		assert_false(fake_interrupt(rig.fq));
		virtio_interrupt_queues(&rig.f.vd);
		assert_int_equal(rig.ndone, i + 1);
		rig_expect(rig_token(i + 1), 0);
	}
	assert_int_equal(rig.q.ninterrupted, 1000);
	rig_close();
}

/* After so many: once, at the last of them, if the device can count. */
static void
test_arm_after(void)
{
	unsigned round, n, i;

	rig_open(8, 0);
	for (round = 0; round < 20000; round++) {
		n = 1 + round % 7;
		rig.ndone = 0;
		for (i = 0; i < 8; i++)
			rig_send(0, 1, rig_token(i));
		assert_false(virtq_arm(&rig.q, n));
		for (i = 1; i <= 8; i++) {
			rig_use(0);
			fake_interrupt(rig.fq);
			assert_int_equal(
			    rig.ndone, i >= (rig.event_idx ? n : 1));
		}
		for (i = 0; i < 8; i++)
			rig_expect(rig_token(i), 0);
	}
	rig_close();
}

/* More than are in flight: all of those. */
static void
test_arm_too_many(void)
{
	unsigned after[] = {0, 3, 4, 1000, -1U}, i;

	rig_open(8, 0);
	for (i = 0; i < N(after); i++) {
		rig.ndone = 0;
		rig_send(1, 1, &after[0]);
		rig_send(2, 1, &after[1]);
		rig_send(1, 0, &after[2]);
		assert_false(virtq_arm(&rig.q, after[i]));
		rig_use(0);
		rig_use(0);
		rig_use(0);
		assert_true(fake_interrupt(rig.fq));
		assert_int_equal(rig.ndone, 1);
		rig_expect(&after[0], 0);
		rig_expect(&after[1], 0);
		rig_expect(&after[2], 0);
	}
	assert_false(virtq_arm(&rig.q, 1)); /* nothing in flight: allowed */
	rig_close();
}

/* Used between the last take and the arm: told at once, not by a call. */
static void
test_arm_race(void)
{
	unsigned i;

	rig_open(8, 0);
	for (i = 0; i < 1000; i++) {
		rig_send(0, 1, rig_token(i));
		rig_expect_none();
		rig_use(0);
		fake_signal(rig.fq);
		assert_true(virtq_arm(&rig.q, 1));
		virtio_interrupt_queues(&rig.f.vd);
		rig_expect(rig_token(i), 0);
		assert_int_equal(rig.ndone, 0);
		rig_send(0, 1, rig_token(i)); /* nobody waits any more */
		rig_use(0);
		assert_false(fake_signal(rig.fq));
		rig_expect(rig_token(i), 0);
	}
	rig_close();
}

/* An interrupt that has nothing for this queue. */
static void
test_not_ours(void)
{
	rig_open(8, 0);
	rig_send(0, 1, &rig);
	assert_false(virtq_arm(&rig.q, 1));
	virtio_interrupt_queues(&rig.f.vd);
	assert_int_equal(rig.ndone, 0);
	rig_use(0);
	assert_true(fake_interrupt(rig.fq)); /* still armed */
	assert_int_equal(rig.ndone, 1);
	rig_expect(&rig, 0);
	rig_close();
}

/* --- making one --- */

static void
test_init(void)
{
	static struct virtq other; /* all zero: no queue yet */
	struct virtio_dev *vd = &rig.f.vd;
	struct fake_queue *fq;

	assert_null(virtq_take(&other, &(uint32_t){0}));
	assert_false(virtq_arm(&other, 1));
	virtq_kick(&other);
	rig_open(8, 0);
	fq = &rig.f.queue[1];
	assert_int_equal(virtq_init(&other, vd, 1, NULL), -ENODEV);
	fq->size_max = 65536;
	assert_int_equal(virtq_init(&other, vd, 1, NULL), -EINVAL);
	fq->size_max = -1U;
	assert_int_equal(virtq_init(&other, vd, 1, NULL), -EINVAL);
	fq->size_max = 12;
	fq->enable_error = -EBUSY;
	assert_int_equal(
	    virtq_init(&other, vd, 1, NULL), rig.packed ? -EBUSY : -EINVAL);
	fq->size_max = 16;
	assert_int_equal(virtq_init(&other, vd, 1, NULL), -EBUSY);
	assert_ptr_equal(vd->queues, &rig.q);
	fq->enable_error = 0;
	stub_page_limit = stub_pages;
	assert_int_equal(virtq_init(&other, vd, 1, NULL), -ENOMEM);
	stub_page_limit = SIZE_MAX;
	stub_heap_countdown = 0;
	assert_int_equal(virtq_init(&other, vd, 1, NULL), -ENOMEM);
	stub_heap_countdown = -1;
	fq->size_max = 32768;
	stub_page_limit = stub_pages + 20; /* less is made of it */
	assert_int_equal(virtq_init(&other, vd, 1, NULL), 0);
	stub_page_limit = SIZE_MAX;
	assert_in_range(other.size, 1024, 16384);
	assert_int_equal(rig.f.queue[1].size, other.size);
	virtq_free(&other);
	rig_close();
}

/* Filled before DRIVER_OK: the device hears of it then. */
static void
test_early_kick(void)
{
	rig_open(8, 0);
	assert_int_equal(virtio_negotiate(&rig.f.vd, 0, 0), 0);
	assert_int_equal(virtq_init(&rig.q, &rig.f.vd, 0, NULL), 0);
	assert_int_equal(rig_add(0, 1, &rig), 0);
	virtq_kick(&rig.q);
	assert_int_equal(rig.fq->nnotified, 0);
	virtio_driver_ok(&rig.f.vd);
	assert_int_equal(rig.fq->nnotified, 1);
	rig_use(2);
	rig_expect(&rig, 2);
	rig_close();
}

static const struct rig_test tests[] = {
    {"chain", test_chain},
    {"wrap", test_wrap},
    {"sizes", test_sizes},
    {"out of order", test_out_of_order},
    {"batches", test_batches},
    {"late", test_late},
    {"full", test_full},
    {"longest", test_longest},
    {"no memory", test_no_memory},
    {"free in flight", test_free_in_flight},
    {"kick", test_kick},
    {"kick event", test_kick_event},
    {"notification data", test_notification_data},
    {"arm", test_arm},
    {"arm after", test_arm_after},
    {"arm too many", test_arm_too_many},
    {"arm race", test_arm_race},
    {"not ours", test_not_ours},
    {"init", test_init},
    {"early kick", test_early_kick},
};

RIG_MAIN(tests)
