/* SPDX-License-Identifier: ISC */
/*
 * What comes before rings and around them: probing, negotiating in the order of
 * [VIRTIO] 3.1.1, configuration, failing without a trace, and requests that a
 * thread waits for.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtio_call.c pv/virtio/virtq.c */
/* LINK: pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define DEVICES 32 /* a new one for each test */

static struct fake_virtio devices[DEVICES], *f;
static struct virtio_driver driver;
static struct virtio_calls calls, more_calls;
static uint64_t wanted, needed;
static unsigned nchanged;

static int
attach(struct virtio_dev *vd)
{
	int err;

	err = virtio_negotiate(vd, wanted, needed);
	if (err == 0)
		err = virtio_calls_init(&calls, vd, 0);
	if (err == 0)
		err = virtio_calls_init(&more_calls, vd, 1);
	if (err != 0)
		return err;
	virtio_driver_ok(vd);
	return 0;
}

static void
changed(struct virtio_dev *vd)
{
	assert_ptr_equal(vd, &f->vd);
	nchanged++;
}

/* A device that virtio_probe has not seen yet, and a driver for it. */
static int
set_up(void **state)
{
	static unsigned next;

	(void)state;
	assert_true(next < DEVICES);
	f = &devices[next++];
	f->queue[0].size_max = f->queue[1].size_max = 8;
	driver = (struct virtio_driver){.name = "test",
	    .id = f->vd.id,
	    .attach = attach,
	    .config_changed = changed};
	wanted = needed = 0;
	nchanged = 0;
	stub_lines = 0;
	memset(&calls, 0, sizeof(calls));
	memset(&more_calls, 0, sizeof(more_calls));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	stub_idle = NULL;
	stub_interrupted = false;
	if (f->vd.driver == NULL)
		return 0;
	f->never_resets = false;
	virtio_break(&f->vd, "the end");
	while (stub_work())
		continue;
	f->offered = 0;
	assert_int_equal(virtio_negotiate(&f->vd, 0, 0), -ENODEV);
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
	return 0;
}

static void
probe(void)
{
	virtio_probe(&driver);
	assert_ptr_equal(f->vd.driver, &driver);
}

/* --- negotiating --- */

static void
test_order(void **state)
{
	(void)state;
	f->offered |= VIRTIO_BIT(3) | VIRTIO_BIT(5) | VIRTIO_BIT(37) |
		      VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	wanted = VIRTIO_BIT(3) | VIRTIO_BIT(4);
	probe();
	assert_string_equal(
	    f->trace, "S00 S01 S03 F F! S0b I Q0 E0 Q1 E1 S0f ");
	assert_true(
	    f->accepted == (VIRTIO_BIT(3) | VIRTIO_BIT(VIRTIO_F_VERSION_1) |
			       VIRTIO_BIT(VIRTIO_F_RING_PACKED)));
	assert_true(f->vd.features == f->accepted);
	assert_true(virtio_has(&f->vd, 3));
	assert_false(virtio_has(&f->vd, 4));
	assert_true(f->vd.live);
	assert_int_equal(stub_lines, 0);
	virtio_probe(&driver); /* it has a driver */
	virtio_probe(NULL);
	assert_int_equal(f->nreset, 1);
}

/* FAILED is set, nothing leaks, one line tells, it is not tried again. */
static void
expect_failure(int err)
{
	char line[64];

	probe();
	assert_true(f->status & VIRTIO_CONFIG_S_FAILED);
	assert_true(f->vd.broken);
	assert_false(f->vd.live);
	assert_null(f->vd.queues);
	assert_int_equal(stub_lines, 1);
	snprintf(line, sizeof(line), "cannot be used: error %d", -err);
	assert_non_null(strstr(stub_log, line));
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
	virtio_probe(&driver);
	assert_int_equal(stub_lines, 1);
	f->vd.driver = NULL; /* for the next test */
}

static void
test_features_refused(void **state)
{
	(void)state;
	f->refuses_features = true;
	expect_failure(-ENOTSUP);
	assert_string_equal(f->trace, "S00 S01 S03 F F! S0b S00 S80 ");
	f->refuses_features = false;
}

static void
test_no_version_1(void **state)
{
	(void)state;
	f->offered = VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	expect_failure(-ENODEV);
	f->offered |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
}

static void
test_needed(void **state)
{
	(void)state;
	needed = VIRTIO_BIT(7) | VIRTIO_BIT(8);
	f->offered |= VIRTIO_BIT(7);
	stub_lines = 0;
	expect_failure(-ENODEV);
	needed = VIRTIO_BIT(7);
	probe();
	assert_true(virtio_has(&f->vd, 7));
	assert_true(f->vd.live);
}

static void
test_no_interrupts(void **state)
{
	(void)state;
	f->irq_error = -ENOSPC;
	expect_failure(-ENOSPC);
	f->irq_error = 0;
}

static void
test_queue_failures(void **state)
{
	(void)state;
	f->queue[1].size_max = 0;
	expect_failure(-ENODEV);
	f->queue[1].size_max = 1 << 20;
	stub_lines = 0;
	expect_failure(-EINVAL);
	f->queue[1].size_max = 8;
	f->queue[1].enable_error = -EBUSY;
	stub_lines = 0;
	expect_failure(-EBUSY);
	f->queue[1].enable_error = 0;
}

static void
test_no_memory(void **state)
{
	long n;

	(void)state;
	for (n = 0; n < 2; n++) { /* slots of either queue */
		stub_heap_countdown = n;
		stub_lines = 0;
		expect_failure(-ENOMEM);
		stub_heap_countdown = -1;
		stub_page_limit = (size_t)n; /* rings */
		stub_lines = 0;
		expect_failure(-ENOMEM);
		stub_page_limit = SIZE_MAX;
	}
}

/* The device never says that it was reset: it is left alone, and its rings,
 * into which it may write, are never used for anything else. */
static void
test_never_resets(void **state)
{
	(void)state;
	f->status = 0x0f;
	f->never_resets = true;
	probe();
	assert_true(f->vd.broken);
	assert_true(f->status & VIRTIO_CONFIG_S_FAILED);
	assert_non_null(strstr(stub_log, "error 5"));
	f->status = 0;
	f->never_resets = false;
	f->vd.driver = NULL;
	probe();
	f->never_resets = true;
	f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&f->vd);
	while (stub_work())
		continue;
	assert_true(f->vd.broken);
	assert_true(stub_pages > 0);
	f->status = 0;
}

/* --- configuration --- */

static void
test_config(void **state)
{
	uint8_t bytes[16];
	unsigned i;

	(void)state;
	for (i = 0; i < FAKE_CONFIG; i++)
		f->config[i] = (uint8_t)i;
	assert_int_equal(virtio_config_get(&f->vd, 5, 1), 5);
	assert_int_equal(virtio_config_get(&f->vd, 6, 2), 0x0706);
	assert_int_equal(virtio_config_get(&f->vd, 4, 4), 0x07060504);
	assert_true(virtio_config_get(&f->vd, 8, 8) == 0x0f0e0d0c0b0a0908);
	assert_int_equal(virtio_config_get(&f->vd, 100000, 4), 0);
	assert_int_equal(virtio_config_bytes(&f->vd, 3, bytes, 16), 0);
	for (i = 0; i < 16; i++)
		assert_int_equal(bytes[i], i + 3);
	virtio_config_set(&f->vd, 0, 1, 0x11);
	virtio_config_set(&f->vd, 2, 2, 0x3322);
	virtio_config_set(&f->vd, 4, 4, 0x77665544);
	virtio_config_set(&f->vd, 8, 8, 0xffeeddccbbaa9988);
	assert_memory_equal(f->config,
	    "\x11\x01\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
	    16);
}

/* Each generation has one value in both halves; it changes between reads until
 * it is tired of that. */
static unsigned nreads, changes;

static uint32_t
torn_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	uint32_t v = f->generation;

	(void)vd, (void)off, (void)width;
	if (++nreads <= changes)
		f->generation++;
	return v;
}

static void
test_generation(void **state)
{
	struct virtio_transport torn = fake_transport;
	uint64_t v;
	uint8_t b[8];

	(void)state;
	torn.config_get = torn_get;
	f->vd.ops = &torn;
	for (changes = 0; changes < 20; changes++) {
		nreads = 0;
		v = virtio_config_get(&f->vd, 0, 8);
		assert_int_equal(v >> 32, v & 0xffffffff);
		nreads = 0;
		assert_int_equal(virtio_config_bytes(&f->vd, 0, b, 8), 0);
		assert_int_equal(b[0], b[7]);
	}
	changes = -1U; /* for ever */
	nreads = 0;
	virtio_config_get(&f->vd, 0, 8);
	assert_in_range(nreads, 10, 1000);
	assert_int_equal(virtio_config_bytes(&f->vd, 0, b, 8), -EIO);
	assert_in_range(nreads, 10, 10000);
	f->vd.ops = &fake_transport;
}

static void
test_config_interrupt(void **state)
{
	(void)state;
	virtio_interrupt_config(&f->vd); /* nobody is there */
	probe();
	virtio_interrupt_config(&f->vd);
	assert_int_equal(nchanged, 1);
	driver.config_changed = NULL;
	virtio_interrupt_config(&f->vd);
	driver.config_changed = changed;
	virtio_break(&f->vd, "test");
	virtio_interrupt_config(&f->vd);
	assert_int_equal(nchanged, 1);
}

/* --- requests --- */

static unsigned nidle;

static bool
answers(void)
{
	nidle++;
	return fake_answer(&f->queue[0], "answer", 6, NULL) >= 0;
}

static int
call(uint64_t deadline_ns, uint32_t *written)
{
	static char in[16], out[16];
	struct virtq_buf buf[] = {{out, 16}, {in, 16}};

	return virtio_call(&calls, buf, 1, 1, deadline_ns, written);
}

static void
test_call(void **state)
{
	uint32_t written;
	unsigned i;

	(void)state;
	probe();
	stub_idle = answers;
	for (i = 0; i < 100; i++) {
		assert_int_equal(call(NS_NEVER, &written), 0);
		assert_int_equal(written, 6);
	}
	assert_int_equal(calls.q.ninterrupted, 100);
	assert_ptr_equal(stub_woken, &calls.room);
}

/* No answer: the device still has the buffers, so it is broken off. */
static void
test_call_deadline(void **state)
{
	unsigned before = virtio_broken_count;
	uint32_t written = 1;

	(void)state;
	probe();
	assert_int_equal(call(1, &written), -EIO);
	assert_int_equal(written, 0);
	assert_true(f->vd.broken);
	assert_int_equal(f->status, 0);
	assert_int_equal(virtio_broken_count, before + 1);
	assert_int_equal(calls.q.in_flight, 0);
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
	probe();
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

	if (fake_fetch(&f->queue[0], &c) != 1)
		return false;
	fake_use(&f->queue[0], &c, 17);
	return fake_interrupt(&f->queue[0]);
}

static void
test_call_lie(void **state)
{
	uint32_t written = 1;

	(void)state;
	probe();
	stub_idle = lies;
	assert_int_equal(call(NS_NEVER, &written), -EIO);
	assert_int_equal(written, 0);
	assert_ptr_equal(stub_woken, &calls.room);
	assert_int_equal(stub_woken_n, -1U); /* none would be answered */
	assert_true(f->vd.broken);
}

/* The request is lost although the device works again when its thread runs. */
static bool
restarts(void)
{
	f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&f->vd);
	while (stub_work())
		continue;
	assert_false(f->vd.broken);
	return true;
}

static void
test_call_restart(void **state)
{
	uint32_t written = 1;

	(void)state;
	probe();
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
	probe();
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    virtio_call_start(&calls, &r[i], &buf, 0, 1, 1), 0);
	assert_int_equal(
	    virtio_call_start(&calls, &r[8], &buf, 0, 1, 1), -ETIMEDOUT);
	assert_false(f->vd.broken);
	stub_idle = answers;
	for (i = 8; i < 12; i++)
		assert_int_equal(
		    virtio_call_start(&calls, &r[i], &buf, 0, 1, 1), 0);
	for (i = 11; i >= 0; i--) {
		assert_int_equal(
		    virtio_call_finish(&calls, &r[i], 1, &written), 0);
		assert_int_equal(written, 6);
	}
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
		err = virtio_calls_init(&calls, vd, 0);
	if (err == 0)
		err = virtio_call_start(&calls, &early, &buf, 0, 1, 1);
	return err != 0 ? err : -EPROTO;
}

static void
test_early_request(void **state)
{
	uint32_t written = 1;

	(void)state;
	driver.attach = attach_and_fail;
	expect_failure(-EPROTO);
	assert_null(strchr(f->trace, 'N'));
	assert_int_equal(virtio_call_finish(&calls, &early, 1, &written), -EIO);
	assert_int_equal(written, 0);
}

/* Broken while its driver sets it up, and the driver goes on. */
static int
attach_and_break(struct virtio_dev *vd)
{
	int err = virtio_negotiate(vd, 0, 0);

	if (err == 0)
		err = virtio_calls_init(&calls, vd, 0);
	virtio_break(vd, "half done");
	if (err == 0)
		err = virtio_calls_init(&more_calls, vd, 1);
	virtio_driver_ok(vd);
	return err;
}

static int
more(uint32_t *written)
{
	static char text[16];
	struct virtq_buf buf = {text, 16};

	return virtio_call(&more_calls, &buf, 0, 1, NS_NEVER, written);
}

static void
test_early_break(void **state)
{
	uint32_t written;

	(void)state;
	driver.attach = attach_and_break;
	probe();
	assert_int_equal(call(NS_NEVER, &written), -EIO);
	assert_int_equal(more(&written), -EIO);
	assert_int_equal(f->queue[0].nnotified + f->queue[1].nnotified, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_order),
	    T(test_features_refused),
	    T(test_no_version_1),
	    T(test_needed),
	    T(test_no_interrupts),
	    T(test_queue_failures),
	    T(test_no_memory),
	    T(test_never_resets),
	    T(test_config),
	    T(test_generation),
	    T(test_config_interrupt),
	    T(test_call),
	    T(test_call_deadline),
	    T(test_call_interrupted),
	    T(test_call_lie),
	    T(test_call_restart),
	    T(test_call_room),
	    T(test_early_request),
	    T(test_early_break),
	};
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		fake_plug(&devices[i], i + 1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
