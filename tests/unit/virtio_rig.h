/* SPDX-License-Identifier: ISC */
/*
 * A fake device with two queues of requests, new for each test, and a driver
 * for it that does what drivers do.
 */
#ifndef TESTS_UNIT_VIRTIO_RIG_H
#define TESTS_UNIT_VIRTIO_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

extern struct fake_virtio *rig_f;
extern struct virtio_driver rig_driver; /* may be changed by a test */
extern struct virtio_calls rig_calls, rig_more_calls; /* queues 0 and 1 */
extern uint64_t rig_wanted, rig_needed;               /* features */
extern unsigned rig_nchanged; /* calls of config_changed */

void rig_plug(void); /* first */
int rig_set_up(void **state);
int rig_tear_down(void **state); /* nothing may leak */
void rig_changed(struct virtio_dev *vd);
/* The driver meets its device. */
void rig_probe(void);
/* The same; it fails with `err`, as it should, and may be tried again. */
void rig_expect_failure(int err);

#define RIG_TEST(fn)                                                           \
	cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)

#endif
