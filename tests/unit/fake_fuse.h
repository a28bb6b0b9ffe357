/* SPDX-License-Identifier: ISC */
/*
 * A virtio-fs device for tests, in the place of pv/virtio/virtio_fs.c and
 * virtio_call.c: what the client sends is served at once by fake_serve, and
 * waits to be taken.
 */
#ifndef TESTS_UNIT_FAKE_FUSE_H
#define TESTS_UNIT_FAKE_FUSE_H

#include <linux/fuse.h>

#include "pv/virtio/virtio_fs.h"

#define FAKE_REPLY_MAX (512U << 10)

/* A reply as it will be written; h.len is filled behind fake_serve. */
struct fake_reply {
	struct fuse_out_header h;
	uint8_t body[FAKE_REPLY_MAX];
	uint32_t written; /* of h and body */
};

/* Serves a request of `len` bytes behind its header: writes a reply's body of
 * at most `max` bytes and gives its length, or Linux's -errno. */
extern long (*fake_serve)(const struct fuse_in_header *in, const void *body,
    size_t len, void *out, size_t max);
/* NULL, or changes the reply; `max` bytes of it can be written. */
extern void (*fake_lie)(
    const struct fuse_in_header *in, struct fake_reply *r, size_t max);

extern struct virtio_fs fake_fs; /* has the tag "tag" */
extern bool fake_full;           /* nothing more can be sent */
extern unsigned fake_sent;       /* messages */
extern unsigned fake_in_flight, fake_in_flight_max;
void fake_fuse_init(void);

#endif
