/* SPDX-License-Identifier: ISC */
/*
 * Requests that a thread waits for: answered, not answered in time, answered by
 * a lie, lost to a reset, more than fit, before the device is live.
 */
/* LINK: tests/unit/virtio_rig.c tests/unit/fake_virtio.c kernel/once.c */
/* LINK: tests/unit/kernel_stub.c pv/virtio/virtio.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtq.c pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
#include "tests/unit/virtio_rig.h"

static unsigned nidle;

static bool
answers(void)
{
	nidle++;
	return fake_answer(&rig_f->queue[0], "answer", 6, NULL) >= 0;
}

static int
call(uint64_t deadline_ns, uint32_t *written)
{
	static char in[16], out[16];
	struct virtq_buf buf[] = {{out, 16}, {in, 16}};

	return virtio_call(&rig_calls, buf, 1, 1, deadline_ns, written);
}

static void
test_call(void **state)
{
	uint32_t written;
	unsigned i;

	(void)state;
	rig_probe();
	stub_idle = answers;
	for (i = 0; i < 100; i++) {
		assert_int_equal(call(NS_NEVER, &written), 0);
		assert_int_equal(written, 6);
	}
	assert_int_equal(rig_calls.q.ninterrupted, 100);
	assert_ptr_equal(stub_woken, &rig_calls.room);
}

/* No answer: the device still has the buffers, so it is broken off. */
static void
test_call_deadline(void **state)
{
	unsigned before = virtio_broken_count;
	uint32_t written = 1;

	(void)state;
	rig_probe();
	assert_int_equal(call(1, &written), -EIO);
	assert_int_equal(written, 0);
	assert_true(rig_f->vd.broken);
	assert_int_equal(rig_f->status, 0);
	assert_int_equal(virtio_broken_count, before + 1);
	assert_int_equal(rig_calls.q.in_flight, 0);
	assert_int_equal(call(NS_NEVER, &written), -EIO);
	assert_int_equal(written, 0);
	while (stub_work())
		continue;
	assert_int_equal(stub_lines, 1);
	assert_non_null(strstr(stub_log, "queue 0: no answer"));
}

static void
test_call_interrupted(void **state)
{
	uint32_t written;

	(void)state;
	rig_probe();
	stub_idle = answers;
	stub_interrupted = true;
	assert_int_equal(call(NS_NEVER, &written), 0);
	assert_int_equal(written, 6);
	assert_true(stub_interrupted); /* kept */
}

static bool
lies(void)
{
	struct fake_chain c;

	if (fake_fetch(&rig_f->queue[0], &c) != 1)
		return false;
	fake_use(&rig_f->queue[0], &c, 17);
	return fake_interrupt(&rig_f->queue[0]);
}

static void
test_call_lie(void **state)
{
	uint32_t written = 1;

	(void)state;
	rig_probe();
	stub_idle = lies;
	assert_int_equal(call(NS_NEVER, &written), -EIO);
	assert_int_equal(written, 0);
	assert_ptr_equal(stub_woken, &rig_calls.room);
	assert_int_equal(stub_woken_n, -1U); /* none would be answered */
	assert_true(rig_f->vd.broken);
}

/* The request is lost although the device works again when its thread runs. */
static bool
restarts(void)
{
	rig_f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&rig_f->vd);
	while (stub_work())
		continue;
	assert_false(rig_f->vd.broken);
	return true;
}

static void
test_call_restart(void **state)
{
	uint32_t written = 1;

	(void)state;
	rig_probe();
	stub_idle = restarts;
	assert_int_equal(call(NS_NEVER, &written), -EIO);
	assert_int_equal(written, 0);
	stub_idle = answers;
	assert_int_equal(call(NS_NEVER, &written), 0);
	assert_int_equal(written, 6);
}

/* More requests than the ring holds: they wait for room, and those started
 * last may be waited for first. */
static void
test_call_room(void **state)
{
	char text[16];
	struct virtq_buf buf = {text, 16};
	struct virtio_request r[12];
	uint32_t written;
	int i;

	(void)state;
	rig_probe();
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    virtio_call_start(&rig_calls, &r[i], &buf, 0, 1, 1), 0);
	assert_int_equal(
	    virtio_call_start(&rig_calls, &r[8], &buf, 0, 1, 1), -ETIMEDOUT);
	assert_false(rig_f->vd.broken);
	stub_idle = answers;
	for (i = 8; i < 12; i++)
		assert_int_equal(
		    virtio_call_start(&rig_calls, &r[i], &buf, 0, 1, 1), 0);
	for (i = 11; i >= 0; i--) {
		assert_int_equal(
		    virtio_call_finish(&rig_calls, &r[i], 1, &written), 0);
		assert_int_equal(written, 6);
	}
}

static void
answer_now(struct fake_virtio *to, struct fake_queue *fq)
{
	(void)to;
	fake_answer(fq, "now", 3, NULL);
}

static int
spin(uint64_t deadline_ns, uint32_t *written)
{
	static char text[16];
	struct virtq_buf buf = {text, 16};

	return virtio_call_spin(&rig_calls, &buf, 0, 1, deadline_ns, written);
}

/* For who can't sleep. */
static void
test_call_spin(void **state)
{
	uint32_t written;
	int i;

	(void)state;
	rig_probe();
	rig_f->notified = answer_now;
	for (i = 0; i < 20; i++) {
		assert_int_equal(spin(NS_NEVER, &written), 0);
		assert_int_equal(written, 3);
	}
	rig_f->notified = NULL;
	assert_int_equal(spin(clock_ns() + 1000000, &written), -EIO);
	assert_int_equal(written, 0);
	assert_true(rig_f->vd.broken);
	assert_int_equal(rig_calls.q.in_flight, 0);
	assert_int_equal(spin(NS_NEVER, &written), -EIO);
}

/* A driver that sends before DRIVER_OK, and then fails: it hears of it. */
static struct virtio_request early;

static int
attach_and_fail(struct virtio_dev *vd)
{
	static char text[16];
	struct virtq_buf buf = {text, 16};
	int err = virtio_negotiate(vd, 0, 0);

	if (err == 0)
		err = virtio_calls_init(&rig_calls, vd, 0);
	if (err == 0)
		err = virtio_call_start(&rig_calls, &early, &buf, 0, 1, 1);
	return err != 0 ? err : -EPROTO;
}

static void
test_early_request(void **state)
{
	uint32_t written = 1;

	(void)state;
	rig_driver.attach = attach_and_fail;
	rig_expect_failure(-EPROTO);
	assert_null(strchr(rig_f->trace, 'N'));
	assert_int_equal(
	    virtio_call_finish(&rig_calls, &early, 1, &written), -EIO);
	assert_int_equal(written, 0);
}

/* Broken while its driver sets it up, and the driver goes on. */
static int
attach_and_break(struct virtio_dev *vd)
{
	int err = virtio_negotiate(vd, 0, 0);

	if (err == 0)
		err = virtio_calls_init(&rig_calls, vd, 0);
	virtio_break(vd, "half done");
	if (err == 0)
		err = virtio_calls_init(&rig_more_calls, vd, 1);
	virtio_driver_ok(vd);
	return err;
}

static int
more(uint32_t *written)
{
	static char text[16];
	struct virtq_buf buf = {text, 16};

	return virtio_call(&rig_more_calls, &buf, 0, 1, NS_NEVER, written);
}

static void
test_early_break(void **state)
{
	uint32_t written;

	(void)state;
	rig_driver.attach = attach_and_break;
	rig_probe();
	assert_int_equal(call(NS_NEVER, &written), -EIO);
	assert_int_equal(more(&written), -EIO);
	assert_int_equal(
	    rig_f->queue[0].nnotified + rig_f->queue[1].nnotified, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_call),
	    RIG_TEST(test_call_deadline),
	    RIG_TEST(test_call_interrupted),
	    RIG_TEST(test_call_lie),
	    RIG_TEST(test_call_restart),
	    RIG_TEST(test_call_room),
	    RIG_TEST(test_call_spin),
	    RIG_TEST(test_early_request),
	    RIG_TEST(test_early_break),
	};

	rig_plug();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
