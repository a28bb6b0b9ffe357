/* SPDX-License-Identifier: ISC */
/* A fake device and a driver for it: see virtio_rig.h. */
#include "tests/unit/virtio_rig.h"

#include <stdio.h>

#define DEVICES 32 /* a new one for each test */

struct fake_virtio *rig_f;
struct virtio_driver rig_driver;
struct virtio_calls rig_calls, rig_more_calls;
uint64_t rig_wanted, rig_needed;
unsigned rig_nchanged;

static struct fake_virtio devices[DEVICES];

void
rig_plug(void)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		fake_plug(&devices[i], i + 1, 0);
}

static int
attach(struct virtio_dev *vd)
{
	int err;

	err = virtio_negotiate(vd, rig_wanted, rig_needed);
	if (err == 0)
		err = virtio_calls_init(&rig_calls, vd, 0);
	if (err == 0)
		err = virtio_calls_init(&rig_more_calls, vd, 1);
	if (err != 0)
		return err;
	virtio_driver_ok(vd);
	return 0;
}

void
rig_changed(struct virtio_dev *vd)
{
	assert_ptr_equal(vd, &rig_f->vd);
	rig_nchanged++;
}

/* A device that virtio_probe has not seen yet, and a driver for it. */
int
rig_set_up(void **state)
{
	static unsigned next;

	(void)state;
	assert_true(next < DEVICES);
	rig_f = &devices[next++];
	rig_f->queue[0].size_max = rig_f->queue[1].size_max = 8;
	rig_driver = (struct virtio_driver){.name = "test",
	    .id = rig_f->vd.id,
	    .attach = attach,
	    .config_changed = rig_changed};
	rig_wanted = rig_needed = 0;
	rig_nchanged = 0;
	stub_lines = 0;
	memset(&rig_calls, 0, sizeof(rig_calls));
	memset(&rig_more_calls, 0, sizeof(rig_more_calls));
	return 0;
}

int
rig_tear_down(void **state)
{
	(void)state;
	stub_idle = NULL;
	stub_interrupted = false;
	if (rig_f->vd.driver == NULL)
		return 0;
	rig_f->never_resets = false;
	virtio_break(&rig_f->vd, "the end");
	while (stub_work())
		continue;
	rig_f->offered = 0;
	assert_int_equal(virtio_negotiate(&rig_f->vd, 0, 0), -ENODEV);
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
	return 0;
}

void
rig_probe(void)
{
	virtio_probe(&rig_driver);
	assert_ptr_equal(rig_f->vd.driver, &rig_driver);
}

/* FAILED is set, nothing leaks, one line tells, it is not tried again. */
void
rig_expect_failure(int err)
{
	char line[64];

	rig_probe();
	assert_true(rig_f->status & VIRTIO_CONFIG_S_FAILED);
	assert_true(rig_f->vd.broken);
	assert_false(rig_f->vd.live);
	assert_null(rig_f->vd.queues);
	assert_int_equal(stub_lines, 1);
	snprintf(line, sizeof(line), "cannot be used: error %d", -err);
	assert_non_null(strstr(stub_log, line));
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
	virtio_probe(&rig_driver);
	assert_int_equal(stub_lines, 1);
	rig_f->vd.driver = NULL; /* for the next test */
}
