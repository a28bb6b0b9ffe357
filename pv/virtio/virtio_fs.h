/* SPDX-License-Identifier: ISC */
/*
 * The file system device: two queues that carry FUSE messages.  [VIRTIO] 5.11.
 * What they say is libc-shim/fuse.h's business; it sends them by virtio_call.
 */
#ifndef PV_VIRTIO_VIRTIO_FS_H
#define PV_VIRTIO_VIRTIO_FS_H

#include "pv/virtio/virtio.h"

#define VIRTIO_FS_TAG_MAX 36 /* bytes, UTF-8 */

struct virtio_fs {
	struct virtio_fs *next;
	struct virtio_dev *vd;
	char tag[VIRTIO_FS_TAG_MAX + 1];
	bool taken;                   /* somebody uses it; atomic */
	struct virtio_calls forget;   /* the one of high priority */
	struct virtio_calls requests; /* the first of perhaps many */
};

/* The device of this tag, for the caller alone until it is given back.
 * -ENODEV: there is none; -EBUSY: somebody has it; -EIO: it is broken. */
int virtio_fs_take(const char *tag, struct virtio_fs **out);
void virtio_fs_give(struct virtio_fs *fs);

#endif
