/* SPDX-License-Identifier: ISC */
/*
 * The 9P transport: one queue of requests and replies, and a tag by which the
 * host names the folder.  [VIRTIO] 5.11 has no more than the device's number;
 * <linux/virtio_9p.h> has the rest.
 */
#include <string.h>
#include <linux/virtio_9p.h>

#include "kernel/p9.h"
#include "pv/virtio/virtio.h"
#include "pv/virtio/virtio_drivers.h"

_Static_assert(sizeof(struct virtio_9p_config) == 2, "tag_len");
_Static_assert(offsetof(struct virtio_9p_config, tag) == 2, "tag");
_Static_assert(sizeof(struct virtio_request) <=
		   sizeof(((struct p9_request *)0)->transport),
    "a call's state has its place in the request");

struct v9p {
	struct p9_channel channel; /* first: they are one */
	struct virtio_calls calls;
};

static struct v9p *
v9p_of(struct p9_channel *c)
{
	return (struct v9p *)c;
}

static struct virtio_request *
request_of(struct p9_request *r)
{
	return (struct virtio_request *)(void *)r->transport;
}

static int
v9p_start(struct p9_channel *c, struct p9_request *r)
{
	struct virtq_buf buf[P9_BUFS];
	unsigned i, n = (unsigned)r->nout + r->nin;

	ASSERT(n <= P9_BUFS);
	for (i = 0; i < n; i++) {
		buf[i].p = r->buf[i].p;
		buf[i].len = r->buf[i].len;
	}
	return virtio_call_start(&v9p_of(c)->calls, request_of(r), buf, r->nout,
	    r->nin, r->deadline_ns);
}

static int
v9p_finish(struct p9_channel *c, struct p9_request *r, uint32_t *len)
{
	return virtio_call_finish(
	    &v9p_of(c)->calls, request_of(r), r->deadline_ns, len);
}

static void
v9p_fail(struct p9_channel *c, const char *why)
{
	virtio_break(v9p_of(c)->calls.q.vd, "%s", why);
}

static const struct p9_channel_ops v9p_ops = {
    .start = v9p_start,
    .finish = v9p_finish,
    .fail = v9p_fail,
};

/* -EINVAL: no tag that a C program could say. */
static int
tag_read(struct virtio_dev *vd, char *tag)
{
	uint64_t len = VIRTIO_CONFIG(vd, struct virtio_9p_config, tag_len);
	int err;

	if (len == 0 || len >= P9_TAG_NAME)
		return -EINVAL;
	err = virtio_config_bytes(
	    vd, offsetof(struct virtio_9p_config, tag), tag, (unsigned)len);
	if (err == 0 && memchr(tag, '\0', len) != NULL)
		err = -EINVAL;
	tag[len] = '\0';
	return err;
}

static int
v9p_attach(struct virtio_dev *vd)
{
	struct v9p *v = vd->driver_data;
	bool again = v != NULL;
	int err;

	if (!again)
		v = heap_alloc(sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	err = virtio_negotiate(vd, 0, VIRTIO_BIT(VIRTIO_9P_MOUNT_TAG));
	if (err == 0 && !again)
		err = tag_read(vd, v->channel.tag);
	if (err == 0)
		err = virtio_calls_init(&v->calls, vd, 0);
	if (err != 0) {
		if (!again)
			heap_free(v, sizeof(*v));
		return err;
	}
	virtio_driver_ok(vd);
	v->channel.restarts += again;
	if (!again) {
		v->channel.ops = &v9p_ops;
		vd->driver_data = v;
		p9_channel_add(&v->channel);
	}
	return 0;
}

const struct virtio_driver virtio_9p_driver = {
    .name = "virtio-9p",
    .id = VIRTIO_ID_9P,
    .attach = v9p_attach,
};
