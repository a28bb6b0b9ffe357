/* SPDX-License-Identifier: ISC */
/*
 * What comes before rings and around them: probing, negotiating in the order of
 * [VIRTIO] 3.1.1, configuration, and failing without a trace.
 */
/* LINK: tests/unit/virtio_rig.c tests/unit/fake_virtio.c kernel/once.c */
/* LINK: tests/unit/kernel_stub.c pv/virtio/virtio.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtq.c pv/virtio/virtq_split.c pv/virtio/virtq_packed.c */
#include "tests/unit/virtio_rig.h"

/* --- negotiating --- */

static void
test_order(void **state)
{
	(void)state;
	rig_f->offered |= VIRTIO_BIT(3) | VIRTIO_BIT(5) | VIRTIO_BIT(37) |
			  VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	rig_wanted = VIRTIO_BIT(3) | VIRTIO_BIT(4);
	rig_probe();
	assert_string_equal(
	    rig_f->trace, "S00 S01 S03 F F! S0b I Q0 E0 Q1 E1 S0f ");
	assert_true(
	    rig_f->accepted == (VIRTIO_BIT(3) | VIRTIO_BIT(VIRTIO_F_VERSION_1) |
				   VIRTIO_BIT(VIRTIO_F_RING_PACKED)));
	assert_true(rig_f->vd.features == rig_f->accepted);
	assert_true(virtio_has(&rig_f->vd, 3));
	assert_false(virtio_has(&rig_f->vd, 4));
	assert_true(rig_f->vd.live);
	assert_int_equal(stub_lines, 0);
	virtio_probe(&rig_driver); /* it has a driver */
	virtio_probe(NULL);
	assert_int_equal(rig_f->nreset, 1);
}

static void
test_features_refused(void **state)
{
	(void)state;
	rig_f->refuses_features = true;
	rig_expect_failure(-ENOTSUP);
	assert_string_equal(rig_f->trace, "S00 S01 S03 F F! S0b S00 S80 ");
	rig_f->refuses_features = false;
}

static void
test_no_version_1(void **state)
{
	(void)state;
	rig_f->offered = VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	rig_expect_failure(-ENODEV);
	rig_f->offered |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
}

static void
test_needed(void **state)
{
	(void)state;
	rig_needed = VIRTIO_BIT(7) | VIRTIO_BIT(8);
	rig_f->offered |= VIRTIO_BIT(7);
	stub_lines = 0;
	rig_expect_failure(-ENODEV);
	rig_needed = VIRTIO_BIT(7);
	rig_probe();
	assert_true(virtio_has(&rig_f->vd, 7));
	assert_true(rig_f->vd.live);
}

static void
test_no_interrupts(void **state)
{
	(void)state;
	rig_f->irq_error = -ENOSPC;
	rig_expect_failure(-ENOSPC);
	rig_f->irq_error = 0;
}

static void
test_queue_failures(void **state)
{
	(void)state;
	rig_f->queue[1].size_max = 0;
	rig_expect_failure(-ENODEV);
	rig_f->queue[1].size_max = 1 << 20;
	stub_lines = 0;
	rig_expect_failure(-EINVAL);
	rig_f->queue[1].size_max = 8;
	rig_f->queue[1].enable_error = -EBUSY;
	stub_lines = 0;
	rig_expect_failure(-EBUSY);
	rig_f->queue[1].enable_error = 0;
}

static void
test_no_memory(void **state)
{
	long n;

	(void)state;
	for (n = 0; n < 2; n++) { /* slots of either queue */
		stub_heap_countdown = n;
		stub_lines = 0;
		rig_expect_failure(-ENOMEM);
		stub_heap_countdown = -1;
		stub_page_limit = (size_t)n; /* rings */
		stub_lines = 0;
		rig_expect_failure(-ENOMEM);
		stub_page_limit = SIZE_MAX;
	}
}

/* The device never says that it was reset: it is left alone, and its rings,
 * into which it may write, are never used for anything else. */
static void
test_never_resets(void **state)
{
	(void)state;
	rig_f->status = 0x0f;
	rig_f->never_resets = true;
	rig_probe();
	assert_true(rig_f->vd.broken);
	assert_true(rig_f->status & VIRTIO_CONFIG_S_FAILED);
	assert_non_null(strstr(stub_log, "error 5"));
	rig_f->status = 0;
	rig_f->never_resets = false;
	rig_f->vd.driver = NULL;
	rig_probe();
	rig_f->never_resets = true;
	rig_f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&rig_f->vd);
	while (stub_work())
		continue;
	assert_true(rig_f->vd.broken);
	assert_true(stub_pages > 0);
	rig_f->status = 0;
}

/* It asks for one reset after the other. */
static void
test_restarts_end(void **state)
{
	unsigned n = 0;

	(void)state;
	rig_probe();
	for (; n < 100 && !rig_f->vd.broken; n++) {
		rig_f->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
		virtio_interrupt_config(&rig_f->vd);
		while (stub_work())
			continue;
	}
	assert_int_equal(n, 17);
	assert_false(rig_f->vd.needs_reset); /* it is not under way */
}

/* --- configuration --- */

static void
test_config(void **state)
{
	uint8_t bytes[16];
	unsigned i;

	(void)state;
	for (i = 0; i < FAKE_CONFIG; i++)
		rig_f->config[i] = (uint8_t)i;
	assert_int_equal(virtio_config_get(&rig_f->vd, 5, 1), 5);
	assert_int_equal(virtio_config_get(&rig_f->vd, 6, 2), 0x0706);
	assert_int_equal(virtio_config_get(&rig_f->vd, 4, 4), 0x07060504);
	assert_true(virtio_config_get(&rig_f->vd, 8, 8) == 0x0f0e0d0c0b0a0908);
	assert_int_equal(virtio_config_get(&rig_f->vd, 100000, 4), 0);
	assert_int_equal(virtio_config_bytes(&rig_f->vd, 3, bytes, 16), 0);
	for (i = 0; i < 16; i++)
		assert_int_equal(bytes[i], i + 3);
	virtio_config_set(&rig_f->vd, 0, 1, 0x11);
	virtio_config_set(&rig_f->vd, 2, 2, 0x3322);
	virtio_config_set(&rig_f->vd, 4, 4, 0x77665544);
	virtio_config_set(&rig_f->vd, 8, 8, 0xffeeddccbbaa9988);
	assert_memory_equal(rig_f->config,
	    "\x11\x01\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
	    16);
}

/* Each generation has one value in both halves; it changes between reads until
 * it is tired of that. */
static unsigned nreads, changes;

static uint32_t
torn_get(struct virtio_dev *vd, unsigned off, unsigned width)
{
	uint32_t v = rig_f->generation;

	(void)vd, (void)off, (void)width;
	if (++nreads <= changes)
		rig_f->generation++;
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
	rig_f->vd.ops = &torn;
	for (changes = 0; changes < 20; changes++) {
		nreads = 0;
		v = virtio_config_get(&rig_f->vd, 0, 8);
		assert_int_equal(v >> 32, v & 0xffffffff);
		nreads = 0;
		assert_int_equal(virtio_config_bytes(&rig_f->vd, 0, b, 8), 0);
		assert_int_equal(b[0], b[7]);
	}
	changes = -1U; /* for ever */
	nreads = 0;
	virtio_config_get(&rig_f->vd, 0, 8);
	assert_in_range(nreads, 10, 1000);
	assert_int_equal(virtio_config_bytes(&rig_f->vd, 0, b, 8), -EIO);
	assert_in_range(nreads, 10, 10000);
	rig_f->vd.ops = &fake_transport;
}

static void
test_config_interrupt(void **state)
{
	(void)state;
	virtio_interrupt_config(&rig_f->vd); /* nobody is there */
	rig_probe();
	virtio_interrupt_config(&rig_f->vd);
	assert_int_equal(rig_nchanged, 1);
	rig_driver.config_changed = NULL;
	virtio_interrupt_config(&rig_f->vd);
	rig_driver.config_changed = rig_changed;
	virtio_break(&rig_f->vd, "test");
	virtio_interrupt_config(&rig_f->vd);
	assert_int_equal(rig_nchanged, 1);
}

/* A driver of many queues wants them small. */
static void
test_queue_size_max(void **state)
{
	(void)state;
	rig_f->vd.queue_size_max = 4;
	rig_f->queue[1].size_max = 2;
	rig_probe();
	assert_int_equal(rig_calls.q.size, 4);
	assert_int_equal(rig_f->queue[0].size, 4);
	assert_int_equal(rig_more_calls.q.size, 2);
	assert_ptr_equal(virtio_first(rig_f->vd.id), &rig_f->vd);
	assert_null(virtio_first(0x1234));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_order),
	    RIG_TEST(test_features_refused),
	    RIG_TEST(test_no_version_1),
	    RIG_TEST(test_needed),
	    RIG_TEST(test_no_interrupts),
	    RIG_TEST(test_queue_failures),
	    RIG_TEST(test_no_memory),
	    RIG_TEST(test_never_resets),
	    RIG_TEST(test_restarts_end),
	    RIG_TEST(test_config),
	    RIG_TEST(test_generation),
	    RIG_TEST(test_config_interrupt),
	    RIG_TEST(test_queue_size_max),
	};

	rig_plug();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
