/* SPDX-License-Identifier: ISC */
/*
 * The 9P transport over virtio: tags that devices have, requests and replies
 * in several buffers, a device that restarts, one that is given up.
 */
/* LINK: tests/unit/fake_virtio.c tests/unit/kernel_stub.c kernel/once.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c pv/virtio/virtio_call.c */
/* LINK: pv/virtio/virtio_9p.c kernel/p9.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <linux/virtio_9p.h>

#include "kernel/p9.h"
#include "pv/virtio/virtio_drivers.h"
#include "tests/unit/fake_virtio.h"
#include "tests/unit/kernel_stub.h"

static struct fake_virtio good, longest, too_long, nameless, torn, changing,
    featureless;
static char asked[64];
static size_t asked_len;

static void
plug(struct fake_virtio *f, const char *tag, unsigned len)
{
	fake_plug(f, VIRTIO_ID_9P, VIRTIO_BIT(VIRTIO_9P_MOUNT_TAG));
	f->config[0] = (uint8_t)len;
	f->config[1] = (uint8_t)(len >> 8);
	memcpy(f->config + 2, tag, strlen(tag));
	f->queue[0].size_max = 16;
}

static void
plug_all(void)
{
	char tag[255];

	memset(tag, 't', sizeof(tag));
	tag[253] = '\0';
	plug(&good, "good", 4);
	plug(&longest, tag, 253); /* as much as fits in the fake */
	plug(&too_long, "too long", 256);
	plug(&nameless, "", 0);
	plug(&torn, "to", 4); /* NULs in it */
	plug(&changing, "changing", 8);
	changing.generation_step = 1;
	plug(&featureless, "none", 4);
	featureless.offered &= ~VIRTIO_BIT(VIRTIO_9P_MOUNT_TAG);
}

static void
test_tags(void **state)
{
	struct p9_channel *c, *other;
	char tag[254];

	(void)state;
	memset(tag, 't', sizeof(tag));
	tag[253] = '\0';
	plug_all();
	assert_int_equal(p9_channel_take("good", &c), 0);
	assert_int_equal(p9_channel_take("good", &other), -EBUSY);
	p9_channel_give(c);
	assert_int_equal(p9_channel_take("good", &other), 0);
	assert_ptr_equal(c, other);
	p9_channel_give(c);
	assert_int_equal(p9_channel_take(tag, &c), 0);
	p9_channel_give(c);
	assert_int_equal(p9_channel_take("goo", &c), -ENODEV);
	assert_int_equal(p9_channel_take("", &c), -ENODEV);
	assert_int_equal(p9_channel_take("to", &c), -ENODEV);
	assert_int_equal(p9_channel_take("too long", &c), -ENODEV);
	assert_int_equal(p9_channel_take("none", &c), -ENODEV);
	assert_true(nameless.vd.broken && torn.vd.broken);
	assert_true(too_long.vd.broken && changing.vd.broken);
	assert_true(featureless.vd.broken);
}

static void
answer(struct fake_virtio *f, struct fake_queue *fq)
{
	struct fake_chain c;

	(void)f;
	if (fake_fetch(fq, &c) != 1)
		return;
	asked_len = fake_read(&c, asked, sizeof(asked));
	fake_use(fq, &c, (uint32_t)fake_write(&c, "0123456789abcdef", 16));
	fake_interrupt(fq);
}

static void
request_fill(struct p9_request *r, void *in, void *data)
{
	static char out[] = "request";
	static char more[] = "and data";

	memset(r, 0, sizeof(*r));
	r->buf[0] = (struct p9_buf){out, 7};
	r->buf[1] = (struct p9_buf){more, 8};
	r->buf[2] = (struct p9_buf){in, 11};
	r->buf[3] = (struct p9_buf){data, 20};
	r->nout = r->nin = 2;
	r->deadline_ns = NS_NEVER;
}

static void
test_request(void **state)
{
	struct p9_request r[2];
	struct p9_channel *c;
	char in[11], data[20];
	uint32_t len = 0;

	(void)state;
	assert_int_equal(p9_channel_take("good", &c), 0);
	good.notified = answer;
	request_fill(&r[0], in, data);
	assert_int_equal(c->ops->start(c, &r[0]), 0);
	assert_int_equal(c->ops->finish(c, &r[0], &len), 0);
	assert_int_equal(len, 16);
	assert_int_equal(asked_len, 15);
	assert_memory_equal(asked, "requestand data", 15);
	assert_memory_equal(in, "0123456789a", 11);
	assert_memory_equal(data, "bcdef", 5);

	/* It restarts: what was under way is lost, what comes is not. */
	good.notified = NULL;
	request_fill(&r[0], in, data);
	assert_int_equal(c->ops->start(c, &r[0]), 0);
	good.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_config(&good.vd);
	while (stub_work())
		;
	assert_int_equal(c->ops->finish(c, &r[0], &len), -EIO);
	assert_int_equal(c->restarts, 1);
	good.notified = answer;
	request_fill(&r[1], in, data);
	assert_int_equal(c->ops->start(c, &r[1]), 0);
	assert_int_equal(c->ops->finish(c, &r[1], &len), 0);
	assert_int_equal(len, 16);

	/* The client has had enough. */
	(c->ops->fail)(c, "nonsense"); /* cmocka has a macro fail */
	while (stub_work())
		;
	assert_true(good.vd.broken);
	assert_non_null(strstr(stub_log, "nonsense"));
	request_fill(&r[0], in, data);
	assert_int_equal(c->ops->start(c, &r[0]), -EIO);
	p9_channel_give(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tags),
	    cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
