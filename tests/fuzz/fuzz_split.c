/* SPDX-License-Identifier: ISC */
/* The split virtqueue and a device that writes anything into it. */
/* LINK: tests/fuzz/ring.c tests/unit/fake_virtio.c tests/unit/kernel_stub.c */
/* LINK: pv/virtio/virtio.c pv/virtio/virtq.c pv/virtio/virtq_split.c */
/* LINK: pv/virtio/virtq_packed.c kernel/once.c */
#include "tests/fuzz/ring.h"

int
FUZZ(const uint8_t *data, size_t len)
{
	struct fuzz_in in = {data, len};

	ring_fuzz(&in, false);
	return 0;
}
