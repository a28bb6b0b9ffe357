/* SPDX-License-Identifier: ISC */
/*
 * The entropy device.  [VIRTIO] 5.4: one queue of buffers the device fills.
 */
#include <string.h>

#include "pv/virtio/virtio.h"
#include "pv/virtio/virtio_drivers.h"

#define CHUNK     256
#define ANSWER_NS (5 * NS_PER_S)

static struct virtio_calls requests;
static bool attached;

static int
rng_attach(struct virtio_dev *vd)
{
	int err;

	if (attached && vd->driver_data != &requests)
		return -EBUSY; /* one source is enough */
	err = virtio_negotiate(vd, 0, 0);
	if (err == 0)
		err = virtio_calls_init(&requests, vd, 0);
	if (err != 0)
		return err;
	virtio_driver_ok(vd);
	vd->driver_data = &requests;
	attached = true;
	return 0;
}

int
virtio_rng_fill(void *p, size_t len)
{
	uint8_t chunk[CHUNK], *out = p;
	struct virtq_buf buf = {chunk, 0};
	uint32_t n;
	int err;

	virtio_probe(&virtio_rng_driver);
	if (!attached)
		return -ENODEV;
	for (; len > 0; out += n, len -= n) {
		buf.len = len < CHUNK ? (uint32_t)len : CHUNK;
		err = virtio_call(
		    &requests, &buf, 0, 1, clock_ns() + ANSWER_NS, &n);
		if (err != 0)
			return err;
		if (n == 0) /* [VIRTIO] 5.4.6.2: at least one byte */
			return -EIO;
		memcpy(out, chunk, n);
	}
	return 0;
}

const struct virtio_driver virtio_rng_driver = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .attach = rng_attach,
};
