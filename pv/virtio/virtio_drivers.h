/* SPDX-License-Identifier: ISC */
/*
 * Every virtio driver.  Who wants devices of a kind calls virtio_probe with its
 * drivers, so an image holds those that its application can reach.  The names
 * are weak and public: `sprat cc --without=rng` makes one NULL, and
 * virtio_probe passes over it.
 */
#ifndef PV_VIRTIO_VIRTIO_DRIVERS_H
#define PV_VIRTIO_VIRTIO_DRIVERS_H

#include "pv/virtio/virtio.h"

#define VIRTIO_DRIVER                                                          \
	extern const struct virtio_driver                                      \
	    __attribute__((weak, visibility("default")))

VIRTIO_DRIVER virtio_9p_driver;
VIRTIO_DRIVER virtio_balloon_driver;
VIRTIO_DRIVER virtio_blk_driver;
VIRTIO_DRIVER virtio_console_driver;
VIRTIO_DRIVER virtio_fs_driver;
VIRTIO_DRIVER virtio_mem_driver;
VIRTIO_DRIVER virtio_net_driver;
VIRTIO_DRIVER virtio_pmem_driver;
VIRTIO_DRIVER virtio_rng_driver;
VIRTIO_DRIVER virtio_scsi_driver;
VIRTIO_DRIVER virtio_vsock_driver;

/* virtio_rng.c: 0; -ENODEV: there is no such device; -EIO */
int virtio_rng_fill(void *p, size_t len);

#endif
