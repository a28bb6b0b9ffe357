/* SPDX-License-Identifier: ISC */
/*
 * The file system device; see virtio_fs.h.  [VIRTIO] 5.11.
 *
 * Of the queues for requests one is used: a guest of one processor gains
 * nothing from more.  The cache window (5.11.6.4, "DAX") is not used: no
 * device that was at hand offers one.
 */
#include "pv/virtio/virtio_fs.h"

#include <string.h>

#include <linux/virtio_fs.h>

#include "kernel/barrier.h"
#include "pv/virtio/virtio_drivers.h"

#define QUEUE_HIPRIO   0 /* [VIRTIO] 5.11.2, without notifications */
#define QUEUE_REQUESTS 1

_Static_assert(sizeof(struct virtio_fs_config) == 40, "[VIRTIO] 5.11.4");
_Static_assert(
    offsetof(struct virtio_fs_config, num_request_queues) == VIRTIO_FS_TAG_MAX,
    "[VIRTIO] 5.11.4");

static struct virtio_fs *devices; /* put in front, never removed */

/* [VIRTIO] 5.11.4: padded with NULs; one of the full length has none. */
static int
config_read(struct virtio_fs *fs)
{
	int err = virtio_config_bytes(fs->vd,
	    offsetof(struct virtio_fs_config, tag), fs->tag, VIRTIO_FS_TAG_MAX);

	if (err != 0)
		return err;
	if (fs->tag[0] == '\0' || VIRTIO_CONFIG(fs->vd, struct virtio_fs_config,
				      num_request_queues) == 0)
		return -EINVAL;
	return 0;
}

static int
set_up(struct virtio_fs *fs)
{
	int err = virtio_negotiate(fs->vd, 0, 0);

	if (err == 0)
		err = config_read(fs);
	if (err == 0)
		err = virtio_calls_init(&fs->forget, fs->vd, QUEUE_HIPRIO);
	if (err == 0)
		err = virtio_calls_init(&fs->requests, fs->vd, QUEUE_REQUESTS);
	if (err == 0)
		virtio_driver_ok(fs->vd);
	return err;
}

/* Once reset, a device knows none of the nodes it has told us of, so what was
 * mounted cannot be used again: it stays broken. */
static int
fs_attach(struct virtio_dev *vd)
{
	struct virtio_fs *fs;
	int err;

	if (vd->driver_data != NULL)
		return -ESTALE;
	fs = heap_alloc(sizeof(*fs));
	if (fs == NULL)
		return -ENOMEM;
	vd->driver_data = fs; /* its queues are part of it: it stays */
	fs->vd = vd;
	err = set_up(fs);
	if (err != 0)
		return err;
	fs->next = devices;
	store_release(&devices, fs);
	return 0;
}

int
virtio_fs_take(const char *tag, struct virtio_fs **out)
{
	struct virtio_fs *fs;

	virtio_probe(&virtio_fs_driver);
	for (fs = load_acquire(&devices); fs != NULL; fs = fs->next)
		if (strcmp(fs->tag, tag) == 0)
			break;
	if (fs == NULL)
		return -ENODEV;
	if (fs->vd->broken)
		return -EIO;
	if (__atomic_exchange_n(&fs->taken, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	*out = fs;
	return 0;
}

void
virtio_fs_give(struct virtio_fs *fs)
{
	store_release(&fs->taken, false);
}

const struct virtio_driver virtio_fs_driver = {
    .name = "virtio-fs",
    .id = VIRTIO_ID_FS,
    .attach = fs_attach,
};
