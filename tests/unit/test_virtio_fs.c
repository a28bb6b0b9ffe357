/* SPDX-License-Identifier: ISC */
/*
 * The virtio-fs driver: what it makes of a device's configuration, finding one
 * by its tag, and the end of one.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtio_fs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <linux/virtio_fs.h>

#include "pv/virtio/virtio_drivers.h"
#include "pv/virtio/virtio_fs.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

#define LONG_TAG "a tag of thirty-six bytes, not more."

static struct fake_virtio good, longest, nameless, queueless, short_of_one;

static void
plug(struct fake_virtio *f, const char *tag, uint32_t nrequest)
{
	struct virtio_fs_config c = {.num_request_queues = nrequest};

	memcpy(c.tag, tag, strnlen(tag, sizeof(c.tag)));
	fake_plug(f, VIRTIO_ID_FS, 0);
	memcpy(f->config, &c, sizeof(c));
	f->queue[0].size_max = f->queue[1].size_max = 16;
}

static void
test_attach(void **state)
{
	struct virtio_fs *fs, *other;

	(void)state;
	assert_int_equal(strlen(LONG_TAG), VIRTIO_FS_TAG_MAX);
	plug(&good, "data", 1);
	plug(&longest, LONG_TAG, 5);
	plug(&nameless, "", 1);
	plug(&queueless, "queueless", 0);
	plug(&short_of_one, "short", 1);
	short_of_one.queue[1].size_max = 0;
	assert_int_equal(virtio_fs_take("data", &fs), 0);
	assert_ptr_equal(fs->vd, &good.vd);
	assert_int_equal(virtio_fs_take("data", &other), -EBUSY);
	virtio_fs_give(fs);
	assert_int_equal(virtio_fs_take("data", &fs), 0);
	assert_int_equal(virtio_fs_take(LONG_TAG, &other), 0);
	assert_ptr_equal(other->vd, &longest.vd);
	assert_int_equal(virtio_fs_take("queueless", &other), -ENODEV);
	assert_int_equal(virtio_fs_take("short", &other), -ENODEV);
	assert_int_equal(virtio_fs_take("", &other), -ENODEV);
	assert_int_equal(virtio_fs_take("dat", &other), -ENODEV);
}

/* After a reset the server knows none of our nodes. */
static void
test_reset(void **state)
{
	struct virtio_fs *fs;

	(void)state;
	good.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&good.vd);
	while (stub_work())
		continue;
	assert_true(good.vd.broken);
	assert_int_equal(virtio_fs_take("data", &fs), -EIO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attach),
	    cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
