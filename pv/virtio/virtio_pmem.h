/* SPDX-License-Identifier: ISC */
/* Persistent memory: what the pmem devices offer, as memory. */
#ifndef PV_VIRTIO_VIRTIO_PMEM_H
#define PV_VIRTIO_VIRTIO_PMEM_H

#include "pv/virtio/virtio.h"

struct virtio_pmem {
	char *base; /* mapped, writable */
	size_t len;
	unsigned index;
	struct virtio_pmem *next;

	struct virtio_calls requests; /* virtio_pmem.c's */
};

/* The one after `last`, or the first (which looks for devices); or NULL. */
struct virtio_pmem *virtio_pmem_next(const struct virtio_pmem *last);
/* Returns when all that was written is on stable storage; -EIO if not. */
int virtio_pmem_flush(struct virtio_pmem *p);

#endif
